// SPDX-License-Identifier: Apache-2.0
// The gauntlet, threats 48, 49 and 50: what untrusted text does to a terminal and a report, where
// reports are written, and files that grow when they are read.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { gauntlet, header, item } from './gauntlet.mjs';
import { root, run, serve, tempDir } from './lib.mjs';

const g = await gauntlet({ after });

// ---- 48 -----------------------------------------------------------------------------------------

const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;
const evil = '\u001b]0;owned\u0007\u001b[2J\u009b31m\u202egnp.exe\r::error::owned</failure>]]><script>alert(1)</script>';

/** A server whose every part is written by the attacker. */
async function drawing(t) {
  const text = Buffer.from(evil.replaceAll('\r', ' ')).toString('latin1');
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(Buffer.from(`HTTP/1.1 403 ${text}\r\nX-A: ${text}\r\nContent-Type: text/html\r\n`
      + `WWW-Authenticate: Bearer error="${text}"\r\nX-Cloud-Trace-Context: ${text}\r\nSet-Cookie: a=${text}\r\n\r\n${text}`, 'latin1')));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `http://127.0.0.1:${server.address().port}`;
}

test('T48_names_bodies_reasons_and_errors_draw_nothing_on_the_terminal', async (t) => {
  const url = await drawing(t);
  const test = `pm.test(${JSON.stringify(evil)}, () => { throw new Error(${JSON.stringify(evil)}) }); console.log(${JSON.stringify(evil)}, {[${JSON.stringify(evil)}]: 1});`;
  const r = await g.attack([
    { name: evil, item: [item(evil, { method: 'GET', url: `${url}/${evil}?${evil}`, header: header({ 'X-B': evil.replaceAll('\r', '') }) }, { test })] },
    item('thrown', `${url}/`, { test: `throw new TypeError(${JSON.stringify(evil)})` }),
    item('next', `${url}/`, { test: `pm.execution.setNextRequest('after'); pm.variables.set(${JSON.stringify(evil)}, 1)` }),
    item('host', `https://${evil}/`), item('file', { method: 'POST', url, body: { mode: 'file', file: { src: `../${evil}` } } }),
  ], { cloud: true, args: ['--trust', url], more: { info: { name: evil } }, goesOn: false });
  assert.doesNotMatch(r.stdout + r.stderr, CONTROLS);
  assert.doesNotMatch(r.stdout + r.stderr, /^::/m); // a command of a CI system
  const xml = await readFile(join(r.dir, 'r.xml'), 'utf8');
  assert.doesNotMatch(xml, /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/);
  assert.doesNotMatch(xml.replaceAll(/<!\[CDATA\[[^]*?\]\]>/g, ''), /<script>/);
  const parsed = await run(['-c', 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])', join(r.dir, 'r.xml')],
    { program: '/usr/bin/python3', env: process.env });
  assert.equal(parsed.code, 0, parsed.stderr);
});

test('T48_no_other_command_draws_what_it_reads', async (t) => {
  const dir = await tempDir(t);
  const url = await drawing(t);
  const encoded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const token = `${encoded({ alg: 'RS256', kid: evil, typ: evil })}.${encoded({ iss: 'https://accounts.google.com', aud: evil, email: evil, sub: evil, exp: 1 })}.${'A'.repeat(40)}`;
  await writeFile(join(dir, 'c.json'), JSON.stringify({ info: { name: evil }, variable: [{ key: evil, value: '{{x}}' }],
    item: [item(evil, `http://{{${evil}}}/`)] }));
  await writeFile(join(dir, 'bad.json'), `{"info": "${evil.replaceAll('"', '')}`);
  await writeFile(join(dir, 'gatepost.yaml'), `project: {id: gatepost-demo}\n${JSON.stringify(evil)}: 1\n`);
  await mkdir(join(dir, 'clean'));
  await writeFile(join(dir, 'policy.json'), JSON.stringify({ bindings: [{ role: evil, members: [evil] }] }));
  await fetch(`${g.up.services[0].url}/%1b%5b2J`, { headers: { 'user-agent': 'x\u009b31m', authorization: `Bearer ${token}` } });
  const commands = [
    ['lint', 'c.json'], ['lint', 'c.json', '--format', 'json'], ['lint', 'bad.json'], ['lint', evil.replaceAll('\0', '')], ['run', 'bad.json'],
    ['run', 'c.json'], ['up', '.'], ['doctor', url], ['token', 'verify', '--local', token], ['token', '--local', '--audience', 'a', '--identity', evil],
    ['policy', 'lint', 'policy.json'], ['trust', 'add', evil], ['whoami', '--local', '--identity', evil], ['audit', 'query', '--last', '1h'],
    [evil], ['run', `--${evil}`],
  ];
  for (const args of commands) {
    const r = await run(args, { env: g.env, cwd: dir });
    assert.doesNotMatch(r.stdout + r.stderr, CONTROLS, `${args[0]} ${args[1]}`);
  }
  assert.doesNotMatch(g.running.out.stdout + g.running.out.stderr, CONTROLS);
});

// ---- 49 -----------------------------------------------------------------------------------------

test('T49_no_report_and_no_export_follows_a_link_or_is_open_to_others', async () => {
  const outputs = { '--reporter-json-export': 'r.json', '--reporter-junit-export': 'r.xml', '--export-environment': 'e.json',
    '--export-globals': 'g.json', '--export-collection': 'x.json', '--export-cookie-jar': 'j.json' };
  const victim = join(g.home, 'victim');
  await writeFile(victim, 'precious');
  for (const [option, name] of Object.entries(outputs)) {
    const linked = await g.attack([], { args: [option, `link-${name}`], goesOn: false, minted: false,
      stock: (dir) => symlink(victim, join(dir, `link-${name}`)) });
    assert.equal(linked.code, 6, option);
    assert.match(linked.stderr, /is a symbolic link.*\[GP-HOME-02\]\n {2}hint: /, option);
    assert.equal(await readFile(victim, 'utf8'), 'precious', option);
  }
  // One that was there and open to all is replaced, not filled.
  const written = await g.attack([], { args: Object.entries(outputs).flat(),
    stock: async (dir) => { await writeFile(join(dir, 'r.json'), '{}'); await chmod(join(dir, 'r.json'), 0o666); } });
  for (const name of Object.values(outputs)) assert.equal((await stat(join(written.dir, name))).mode & 0o777, 0o600, name);
  for (const name of await readdir(g.home)) {
    const { mode } = await stat(join(g.home, name));
    if (/\.json$/.test(name)) assert.equal(mode & 0o077, 0, name);
  }
});

test('T49_lint_fix_and_init_write_through_no_link', async (t) => {
  const dir = await tempDir(t);
  const victim = join(dir, 'victim.json');
  const collection = await readFile(join(root, 'examples/the-script/access-token.postman_collection.json'), 'utf8');
  await writeFile(victim, collection);
  await symlink(victim, join(dir, 'c.json'));
  const linted = await run(['lint', '--fix', 'c.json'], { env: g.env, cwd: dir });
  assert.equal(linted.code, 6, linted.stdout);
  assert.match(linted.stderr, /symbolic link.*\[GP-HOME-02\]/);
  assert.equal(await readFile(victim, 'utf8'), collection);
  await mkdir(join(dir, 'p'));
  await symlink(victim, join(dir, 'p/service.yaml'));
  const made = await run(['init', 'p'], { env: g.env, cwd: dir });
  assert.notEqual(made.code, 0);
  assert.equal(await readFile(victim, 'utf8'), collection);
  assert.deepEqual(await readdir(join(dir, 'p')), ['service.yaml'], 'half a project was left');
});

// ---- 50 -----------------------------------------------------------------------------------------

const list = (count, one) => Array.from({ length: count }, (_, i) => one(i));
const whole = (more) => JSON.stringify({ info: { name: 'c' }, item: [], ...more });

// Files that grow: [the file, its text, how it is run, what is said]. Each is refused within
// seconds, with its place where a place is to blame.
const exploding = [
  ['deep_arrays', 'c.json', () => '['.repeat(2e6), ['run', 'c.json'], /c\.json:1:\d+: .*\[GP-DATA-0[13]\]/],
  ['deep_folders', 'c.json', () => `{"info":{"name":"c"},"item":${'[{"item":'.repeat(20000)}[]${'}]'.repeat(20000)}}`, ['run', 'c.json'],
    /c\.json:1:\d+: .*\[GP-(DATA|PM)-03\]/],
  ['deep_environment', 'e.json', () => `{"values":${'['.repeat(1e5)}`, ['run', 'ok.json', '-e', 'e.json'], /e\.json:1:\d+: .*\[GP-DATA-03\]/],
  ['deep_data', 'd.json', () => `[${'{"a":'.repeat(1e5)}`, ['run', 'ok.json', '-d', 'd.json'], /d\.json:1:\d+: .*\[GP-DATA-03\]/],
  ['laughing_yaml', 'gatepost.yaml', () => `project: {id: gatepost-demo}\na0: &a0 [x, x]\n${list(30, (i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`).join('\n')}\n`,
    ['run', 'ok.json'], /gatepost\.yaml:\d+:\d+: .*\[GP-DATA-0[1346]\]/],
  ['a_yaml_that_holds_itself', 'service.yaml', () => 'a: &a [*a]\n', ['up', 'service.yaml'], /service\.yaml:1:\d+: .*\[GP-DATA-0\d\]/],
  ['deep_yaml', 'service.yaml', () => '['.repeat(1e5), ['up', 'service.yaml'], /service\.yaml:1:\d+: .*\[GP-DATA-0\d\]/],
  ['deep_policy', 'p.json', () => '{"bindings":'.repeat(5e4), ['policy', 'lint', 'p.json'], /p\.json:1:\d+: .*\[GP-DATA-0[13]\]/],
  ['duplicate_names', 'gatepost.yaml', () => 'project: {id: gatepost-demo}\nproject: {id: other-project}\n', ['run', 'ok.json'], /gatepost\.yaml:2:1: .*\[GP-DATA-02\]/],
  ['a_key_file_of_many_megabytes', 'k.json', () => ' '.repeat(3 << 20), ['whoami'], /k\.json.*\[GP-CRED-02\]/],
];

for (const [what, name, text, args, says] of exploding) {
  test(`T50_a_file_that_explodes_is_refused_${what}`, async (t) => {
    const dir = await tempDir(t);
    await writeFile(join(dir, 'ok.json'), whole());
    await writeFile(join(dir, name), text());
    const env = { ...g.env, HOME: dir, XDG_RUNTIME_DIR: dir, GOOGLE_APPLICATION_CREDENTIALS: name === 'k.json' ? join(dir, name) : '' };
    const r = await run(args, { env, cwd: dir });
    assert.equal(r.signal, null, 'it took too long');
    assert.match(r.stdout + r.stderr, says);
    assert.ok([3, 4].includes(r.code), `exit status ${r.code}`);
    assert.ok((r.stdout + r.stderr).length < 4000, 'the file is not quoted');
  });
}

test('T50_variables_that_name_each_other_end_as_an_error_of_their_request', async () => {
  const doubling = [{ key: 'd0', value: 'x'.repeat(1000) }, ...list(40, (i) => ({ key: `d${i + 1}`, value: `{{d${i}}}`.repeat(4) }))];
  const cycle = [{ key: 'a', value: '{{b}}' }, { key: 'b', value: '{{c}}{{c}}' }, { key: 'c', value: '{{a}}{{a}}' }, { key: 'self', value: '{{self}}' }];
  const r = await g.attack([
    item('cycle', `${g.attacker.url}/{{a}}`), item('self', `${g.attacker.url}/{{self}}`), item('doubling', `${g.attacker.url}/{{d40}}`),
    item('body', { method: 'POST', url: g.attacker.url, body: { mode: 'raw', raw: '{{d40}}' } }),
    item('header', { url: g.attacker.url, header: header({ X: '{{d40}}' }) }),
  ], { more: { variable: [...doubling, ...cycle] } });
  for (const name of ['doubling', 'body', 'header']) {
    assert.equal(r.error(name).id, 'GP-PM-03', name);
    assert.match(r.error(name).hint, /variables whose values name each other/);
  }
  assert.ok(r.of('cycle') && r.of('self'));
});

test('T50_many_variables_and_rows_are_read_up_to_a_limit', async (t) => {
  const dir = await tempDir(t);
  const variables = (count) => whole({ variable: list(count, (i) => ({ key: `v${i}`, value: '{{v0}}' })),
    item: [item('x', `${g.attacker.url}/{{v${count - 1}}}`)] });
  await writeFile(join(dir, 'many.json'), variables(1e5));
  await writeFile(join(dir, 'more.json'), variables(1e6));
  await writeFile(join(dir, 'd.csv'), `a,b\n${'1,2\n'.repeat(1e5)}`);
  const read = await run(['run', 'many.json', '-d', 'd.csv', '-n', '2', '--silent'], { env: g.env, cwd: dir });
  assert.equal(read.code, 0, read.stderr);
  const refused = await run(['run', 'more.json'], { env: g.env, cwd: dir });
  assert.equal(refused.code, 3);
  assert.match(refused.stderr, /more\.json:1:\d+: .*\[GP-(PM|DATA)-03\]/);
});

test('T50_csv_that_never_closes_its_quote_is_refused', async () => {
  const r = await g.attack([item('x', `${g.attacker.url}/{{a}}`)], { files: { 'd.csv': `a,b\n"${'x'.repeat(3 << 20)}` }, args: ['-d', 'd.csv'],
    goesOn: false, minted: false });
  assert.match(r.stderr, /d\.csv:2:1: this quote is never closed \[GP-DATA-01\]\n {2}hint: /);
});

test('T50_an_answer_that_grows_ends_as_an_error_of_its_request', async (t) => {
  const bomb = gzipSync(gzipSync(Buffer.alloc(300 << 20)));
  const url = await serve(t, (request, response) => {
    if (request.url === '/loop') return response.writeHead(302, { location: '/loop' }).end();
    if (request.url === '/cookies') response.setHeader('set-cookie', list(3000, (i) => `c${i}=${'x'.repeat(2000)}`));
    else response.setHeader('content-encoding', 'gzip, gzip');
    return response.end(request.url === '/cookies' ? '' : bomb);
  });
  const r = await g.attack([item('bomb', `${url}/bomb`), item('loop', `${url}/loop`), item('cookies', `${url}/cookies`), item('jar', `${url}/cookies`)]);
  assert.equal(r.error('bomb').id, 'GP-FET-07');
  assert.equal(r.error('loop').id, 'GP-RUN-02');
  assert.ok(r.of('jar'));
});
