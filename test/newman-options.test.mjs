// SPDX-License-Identifier: Apache-2.0
// Every option of newman's, by newman's own list: the same command line to both, the same requests at the
// server, the same exit code, the same files. Then its reporters' options, its config files, its words for
// other things.
import assert from 'node:assert/strict';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { envOf, root, run, serve, tempDir } from './lib.mjs';

const newmanBin = join(root, 'test/node_modules/newman/bin/newman.js');
const script = (listen, ...exec) => ({ listen, script: { exec } });

const collection = (url) => ({
  info: { name: 'options', schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json' },
  variable: [{ key: 'url', value: url }],
  item: [
    { name: 'A', item: [
      { name: 'one', request: '{{url}}/one?e={{e}}&g={{g}}&row={{row}}', event: [script('test',
        "pm.test('one', () => pm.response.to.have.status(200));",
        "pm.environment.set('made', pm.iterationData.get('row') || 'none'); pm.globals.set('seen', 1)")] },
      { name: 'fails', request: '{{url}}/fails', event: [script('test', "pm.test('no', () => pm.expect(1).to.eql(2))")] },
    ] },
    { name: 'B', item: [
      { name: 'moved', request: '{{url}}/moved' },
      { name: 'upload', request: { method: 'POST', url: '{{url}}/upload', body: { mode: 'file', file: { src: 'up.txt' } } } },
      { name: 'cookies', request: '{{url}}/cookies' },
    ] },
  ],
});

async function stage(t) {
  const dir = await tempDir(t);
  let seen = [];
  const url = await serve(t, async (req, res) => {
    let body = '';
    for await (const piece of req) body += piece;
    res.setHeader('connection', 'close'); // newman waits for kept ones
    seen.push(`${req.method} ${req.url} ${body} ${req.headers.cookie ?? ''}`);
    if (req.url === '/env.json') return res.end(JSON.stringify({ name: 'far', values: [{ key: 'e', value: 'far', enabled: true }] }));
    if (req.url === '/moved') return res.writeHead(302, { location: '/there' }).end();
    if (req.url === '/cookies') res.setHeader('set-cookie', 'a=1; Path=/');
    if (req.url === '/slow') await new Promise((go) => setTimeout(go, 300));
    return res.end('{}');
  });
  const files = {
    'c.json': collection(url),
    'e.json': { name: 'near', values: [{ key: 'e', value: 'near', enabled: true }] },
    'g.json': { name: 'globe', values: [{ key: 'g', value: 'globe', enabled: true }] },
    'slow.json': { info: { name: 'slow' }, item: [{ name: 'slow', request: `${url}/slow` }, { name: 'after', request: `${url}/after` }] },
    'loop.json': { info: { name: 'loop' }, item: [{ name: 'loop', request: `${url}/loop`, event: [script('test', 'while (true) {}')] }] },
    'certs.json': [],
    'jar.json': { version: 'tough-cookie@4.1.3', storeType: 'MemoryCookieStore', rejectPublicSuffixes: false, cookies: [
      { key: 'jar', value: 'full', domain: '127.0.0.1', path: '/', hostOnly: true }] },
  };
  await mkdir(join(dir, 'work'));
  for (const [name, value] of Object.entries(files)) await writeFile(join(dir, name), JSON.stringify(value));
  for (const [name, text] of [['rows.csv', 'row\nfirst\nsecond\n'], ['up.txt', 'here'], ['work/up.txt', 'there']]) await writeFile(join(dir, name), text);
  const env = envOf(dir);
  const program = async (name, args, more = {}) => {
    seen = [];
    const options = { env: { ...env, ...more }, cwd: dir };
    const done = name === 'newman' ? await run([newmanBin, ...args], { ...options, program: process.execPath }) : await run(['newman', ...args], options);
    return { ...done, seen };
  };
  return { dir, url, env, text: (name) => readFile(join(dir, name), 'utf8'), json: async (name) => JSON.parse(await readFile(join(dir, name), 'utf8')),
    newman: (args, more) => program('newman', args, more), gatepost: (args, more) => program('gatepost', args, more) };
}

const values = async (f, name) => (await f.json(name)).values?.map(({ key, value }) => [key, value]);

// An option of newman's → command lines with it, and what to compare besides requests and exit code.
const OPTIONS = {
  '--environment': [['-e', 'e.json'], ['--environment=e.json'], ['-e', '{{url}}/env.json'], ['-e', 'no.json']],
  '--globals': [['-g', 'g.json'], ['--globals', 'g.json']],
  '--reporters': [['-r', 'cli,json'], ['-r', 'cli'], ['--reporters', 'json,junit'], ['-r', 'nobody'], ['-r', 'json,nobody'], ['-r', 'progress'], ['-r', 'emojitrain']],
  '--iteration-count': [['-n', '2'], ['--iteration-count', '2'], ['-n', 'x']],
  '--iteration-data': [['-d', 'rows.csv'], ['-d', 'rows.csv', '-n', '3'], ['-d', 'no.csv']],
  '--folder': [['--folder', 'A'], ['--folder', 'A', '--folder', 'cookies'], ['--folder', 'nowhere']],
  '--global-var': [['--global-var', 'g=1'], ['--global-var', 'g=a=b', '-g', 'g.json'], ['--global-var', 'g']],
  '--env-var': [['--env-var', 'e=1', '--env-var', 'g=2'], ['--env-var', 'e=over', '-e', 'e.json']],
  '--export-environment': [{ args: ['-e', 'e.json', '-d', 'rows.csv', '--export-environment', 'OUT/x.json'], same: (f, out) => values(f, `${out}/x.json`) }],
  '--export-globals': [{ args: ['-g', 'g.json', '--export-globals', 'OUT/x.json'], same: (f, out) => values(f, `${out}/x.json`) }],
  '--export-collection': [{ args: ['--export-collection', 'OUT/x.json'], same: async (f, out) => (await f.json(`${out}/x.json`)).item.map((i) => i.name) }],
  '--postman-api-key': [['--postman-api-key', 'secret']],
  '--bail': [['--bail'], ['--bail', 'failure'], ['--bail', 'folder'], ['--bail', 'failure,folder'], ['--bail', '--silent']],
  '--ignore-redirects': [['--ignore-redirects']],
  '--suppress-exit-code': [['-x'], ['--suppress-exit-code'], ['-x', '-e', 'no.json']],
  '--silent': [{ args: ['--silent'], same: async (f, out, done) => done.stdout }],
  '--disable-unicode': [{ args: ['--disable-unicode'], same: async (f, out, done) => /[^\0-\x7f]/.test(done.stdout.replace(/newman/, '')) }],
  '--color': [{ args: ['--color', 'on'], same: async (f, out, done) => done.stdout.includes('\u001b[') }, ['--color', 'off'], ['--color', 'auto']],
  '--delay-request': [['--delay-request', '5'], ['--delay-request'], ['--delay-request', 'x']],
  '--timeout': [{ collection: 'slow.json', args: ['--timeout', '100'], timing: true }, ['--timeout', '60000'], ['--timeout']],
  '--timeout-request': [{ collection: 'slow.json', args: ['--timeout-request', '100'] }, ['--timeout-request']],
  '--timeout-script': [{ collection: 'loop.json', args: ['--timeout-script', '200'] }, ['--timeout-script']],
  '--working-dir': [['--working-dir', 'work']],
  '--no-insecure-file-read': [['--no-insecure-file-read']],
  '--insecure': [['-k'], ['--insecure']],
  '--ssl-client-cert-list': [['--ssl-client-cert-list', 'certs.json']],
  '--ssl-client-cert': [['--ssl-client-cert', 'no.pem', '--ssl-client-key', 'no.key']],
  '--ssl-client-key': [['--ssl-client-key', 'no.key', '--ssl-client-cert', 'no.pem']],
  '--ssl-client-passphrase': [['--ssl-client-passphrase', 'pass']],
  '--ssl-extra-ca-certs': [],
  '--cookie-jar': [['--cookie-jar', 'jar.json']],
  '--export-cookie-jar': [{ args: ['--export-cookie-jar', 'OUT/x.json'], same: async (f, out) => (await f.json(`${out}/x.json`)).cookies.map((c) => [c.key, c.value, c.path]) }],
  '--verbose': [{ args: ['--verbose'], same: async (f, out, done) => [/dns-lookup|transfer-start/.test(done.stdout), done.stdout.includes('★')] }],
};

// Options given below that newman refuses and we take, or the other way round, with the reason.
const DIFFERENT = [
  // newman 6.2.2 prints an error and ends with 0: see the contract's first paragraph.
  { args: ['-n', 'x'], code: [0, 1] },
  { args: ['--delay-request', 'x'], code: [0, 1] },
  // -x is for what failed in a run. Here there was none.
  { args: ['-x', '-e', 'no.json'], code: [0, 1] },
];

test('newman\'s own list has no option that isn\'t tried here', async (t) => {
  const f = await stage(t);
  const { stdout } = await f.newman(['run', '-h']);
  const theirs = [...stdout.matchAll(/^ {2}(?:-\w\s?, )?(--[\w-]+)/gm)].map(([, name]) => name).filter((name) => name !== '--help');
  assert.ok(theirs.length > 30);
  assert.deepEqual(theirs.sort(), Object.keys(OPTIONS).sort());
  const { stdout: ours } = await f.gatepost(['run', '--help']);
  assert.deepEqual(theirs.filter((name) => !ours.includes(name)), []);
});

for (const [option, lines] of Object.entries(OPTIONS)) {
  for (const line of lines) {
    const { args, timing, same = async () => null, collection: which = 'c.json' } = Array.isArray(line) ? { args: line } : line;
    test(`newman run ${which} ${args.join(' ')}`, async (t) => {
      const f = await stage(t);
      const of = (out) => ['run', which, ...args].map((a) => a.replace('OUT', out).replace('{{url}}', f.url));
      const theirs = await f.newman(of('theirs'));
      const ours = await f.gatepost(of('ours'));
      const other = DIFFERENT.find((d) => JSON.stringify(d.args) === JSON.stringify(args));
      const [wanted, got] = other ? [other.code, [theirs.code, ours.code]] : [theirs.code, ours.code];
      assert.deepEqual(got, wanted, `${option}\n${theirs.stderr}${ours.stderr}`);
      if (!other && !timing) assert.deepEqual(ours.seen, theirs.seen, ours.stderr);
      assert.deepEqual(await same(f, 'ours', ours), await same(f, 'theirs', theirs));
    });
  }
}

test('extra CA certificates are for both: a server of their own CA answers', async (t) => {
  const f = await stage(t);
  const made = await run(['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'k.pem', '-out', 'c.pem', '-days', '2', '-subj', '/CN=localhost',
    '-addext', 'subjectAltName=IP:127.0.0.1'], { program: 'openssl', env: process.env, cwd: f.dir });
  assert.equal(made.code, 0, made.stderr);
  const { createServer: tls } = await import('node:https');
  const server = tls({ key: await f.text('k.pem'), cert: await f.text('c.pem') }, (req, res) => res.end('ok')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.close(); server.closeAllConnections(); });
  await writeFile(join(f.dir, 's.json'), JSON.stringify({ info: { name: 's' }, item: [{ name: 's', request: `https://127.0.0.1:${server.address().port}/` }] }));
  for (const program of [f.newman, f.gatepost]) {
    assert.equal((await program(['run', 's.json'])).code, 1);
    assert.equal((await program(['run', 's.json', '--ssl-extra-ca-certs', 'c.pem'])).code, 0);
    assert.equal((await program(['run', 's.json', '-k'])).code, 0);
  }
});

test('options of reporters, in all ways that newman takes them', async (t) => {
  const f = await stage(t);
  for (const args of [
    ['-r', 'json', '--reporter-json-export', 'OUT.json'], ['-r', 'json', '--reporter-json-export=OUT.json'],
    ['-r', 'json', '--reporter-export', 'OUT.json'], ['-r', 'cli,json', '--reporter-no-summary', '--reporter-json-export', 'OUT.json'],
  ]) {
    for (const [name, program] of [['theirs', f.newman], ['ours', f.gatepost]]) {
      const { code } = await program(['run', 'c.json', ...args.map((a) => a.replace('OUT', name))]);
      assert.equal(code, 1, `${name} ${args}`);
      assert.equal((await f.json(`${name}.json`)).run.executions.length, 5);
      await writeFile(join(f.dir, `${name}.json`), '{}');
    }
  }
  const quiet = await f.gatepost(['run', 'c.json', '--reporter-cli-no-summary', '--reporter-cli-no-failures', '--reporter-cli-no-banner']);
  assert.doesNotMatch(quiet.stdout, /executed|AssertionError\s+no|gatepost/);
  const extra = await f.gatepost(['run', 'c.json', '-r', 'cli,htmlextra', '--reporter-htmlextra-export', 'h.html',
    '--reporter-htmlextra-title', 'Mine', '--reporter-htmlextra-darkTheme', '--reporter-other-thing', 'x']);
  assert.match(await f.text('h.html'), /^<!doctype html>/);
  assert.equal(extra.stderr.match(/is no option of a reporter here: ignored/g).length, 3);
  assert.equal(extra.code, 1);
});

test('what newman says of bad command lines, with its exit code 1', async (t) => {
  const f = await stage(t);
  for (const [args, theirs] of [[['run'], 1], [['run', 'c.json', '--nosuch'], 1], [['run', 'no.json'], 1], [[], 1], [['walk'], 0]]) {
    assert.equal((await f.newman(args)).code, theirs, args.join(' '));
    const { code, stderr } = await f.gatepost(args);
    assert.equal(code, 1, args.join(' ')); // an unknown command is wrong, too
    assert.match(stderr, /^gatepost: .* \[GP-/, args.join(' '));
  }
  assert.equal((await f.gatepost(['--version'])).stdout, (await f.newman(['--version'])).stdout);
  assert.equal((await f.gatepost(['-v'])).stdout, (await f.newman(['-v'])).stdout);
  const second = await f.gatepost(['run', 'slow.json', 'c.json']);
  assert.equal(second.code, 0);
  assert.match(second.stderr, /newman runs one collection: 'c\.json' is ignored/);
});

test('newman\'s config files, the later one over the earlier, the command line over all', async (t) => {
  const f = await stage(t);
  await mkdir(join(f.dir, '.postman'));
  const rows = [
    [{ iterationCount: 2 }, {}, []],
    [{ iterationCount: 2 }, { run: { iterationCount: 3 } }, []],
    [{ iterationCount: 2 }, { iterationCount: 3 }, ['-n', '1']],
    [{ environment: 'e.json', folder: ['A'], iterationData: 'rows.csv' }, {}, []],
    [{ timeoutScript: 4000 }, { bail: true }, []],
    [{ reporters: ['json'], reporter: { json: { export: 'OUT.json' } } }, {}, []],
    [{ run: { ignoreRedirects: true, timeoutRequest: 5000 } }, { ignoreRedirects: false }, ['--silent']],
  ];
  for (const [home, here, args] of rows) {
    await writeFile(join(f.dir, '.postman/newmanrc'), JSON.stringify(home));
    await writeFile(join(f.dir, '.newmanrc'), JSON.stringify(here));
    const theirs = await f.newman(['run', 'c.json', ...args]);
    const ours = await f.gatepost(['run', 'c.json', ...args]);
    assert.deepEqual([ours.code, ours.seen, ours.stderr], [theirs.code, theirs.seen, ''], JSON.stringify([home, here, args]));
    // newman heeds no reporters there: its command line's default stands over them.
    if (!home.reporters) assert.equal(ours.stdout === '', theirs.stdout === '', JSON.stringify([home, here, args]));
    else assert.equal(ours.stdout, '');
  }
  assert.equal((await f.json('OUT.json')).run.executions.length, 5);
});

test('T46: a .newmanrc that came with a checkout neither widens the run nor hides how it ends', async (t) => {
  const f = await stage(t);
  await writeFile(join(f.dir, '.newmanrc'), JSON.stringify({
    insecure: true, suppressExitCode: true, iterationData: '/etc/passwd', environment: 'e.json', exportEnvironment: 'x.json', showSecrets: true,
    workingDir: '/', reporter: { json: { export: '/tmp/nowhere.json' } }, iterationCount: 2, unheard: 1 }, null, 1));
  const { code, stderr, seen } = await f.gatepost(['run', 'c.json']);
  assert.equal(code, 1);
  assert.equal(seen.filter((s) => s.startsWith('GET /one')).length, 2);
  assert.doesNotMatch(seen.join(), /near|root/);
  for (const name of ['insecure', 'suppress-exit-code', 'iteration-data', 'environment', 'export-environment', 'show-secrets', 'working-dir']) {
    assert.match(stderr, new RegExp(`^gatepost: \\.newmanrc:\\d+: '${name}' is not taken from a file that comes with a checkout`, 'm'));
  }
  assert.match(stderr, /there is no option 'unheard': ignored/);
  assert.ok(!(await readdir(f.dir)).includes('x.json'));
  await writeFile(join(f.dir, '.newmanrc'), '{"bail": tru}');
  const broken = await f.gatepost(['run', 'c.json']);
  assert.equal(broken.code, 1);
  assert.match(broken.stderr, /^gatepost: \.newmanrc:1:\d+: .* \[GP-DATA-/);
});

test('a uid is asked for at Postman\'s API, with the key that goes nowhere else', async (t) => {
  const f = await stage(t);
  const uid = '12345678-11111111-2222-3333-4444-555555555555';
  const asked = [];
  const proxy = createServer();
  proxy.on('connect', (req, socket) => { asked.push(req.url); socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'); });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.after(() => proxy.close());
  const through = { HTTPS_PROXY: `http://127.0.0.1:${proxy.address().port}` };
  const done = await f.gatepost(['run', uid, '--postman-api-key', 'PMAK-secret'], through);
  assert.equal(done.code, 1);
  assert.deepEqual(asked, ['api.postman.com:443']);
  assert.doesNotMatch(done.stdout + done.stderr, /PMAK-secret/);
  const without = await f.gatepost(['run', uid], through);
  assert.match(without.stderr, /hint: to read it from Postman, give --postman-api-key/);
  assert.equal(asked.length, 1);
  let headers;
  const elsewhere = await serve(t, (req, res) => { headers = req.headers; res.end(JSON.stringify(collection('http://127.0.0.1:1'))); });
  await f.gatepost(['run', `${elsewhere}/c.json`, '--postman-api-key', 'PMAK-secret', '--folder', 'cookies']);
  assert.equal(headers['x-api-key'], undefined);
});
