// SPDX-License-Identifier: Apache-2.0
// `gatepost connect` with several services and with WebSockets: clients and servers that others
// wrote, private services of a running `gatepost up` behind them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cp, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import WebSocket from 'ws';
import { envOf, root, run, serve, start, tempDir } from './lib.mjs';
import { ECHO, stageUp, TESTER } from './stage.mjs';

const newman = join(root, 'test/node_modules/newman/bin/newman.js');

async function connect(t, gp, args) {
  const c = await start(t, ['connect', '--format', 'json', ...args], { env: gp.env, cwd: gp.dir, ready: /^}/m });
  return { ...JSON.parse(c.out.stdout), ...c };
}

const curl = (gp, args) => run(['-sS', '-w', '\n%{http_code}', ...args], { env: gp.env, program: 'curl' });

// ---- WebSockets -----------------------------------------------------------------------------------

// A chat service: says who called by which path, echoes, ends when it is told to.
const CHAT = `
const { WebSocketServer } = require(${JSON.stringify(createRequire(import.meta.url).resolve('ws'))});
const server = require('node:http').createServer();
new WebSocketServer({ server }).on('connection', (socket, req) => {
  socket.send(JSON.stringify({ url: req.url, known: /^Bearer ey/.test(req.headers.authorization ?? '') }));
  socket.on('message', (data, binary) => String(data) === 'end' ? socket.close(4001, 'told to') : socket.send(data, { binary }));
});
server.listen(process.env.PORT);
`;

async function chatUp(t) {
  const home = await tempDir(t);
  const dir = join(home, 'chat');
  await cp(join(root, 'examples/orders'), dir, { recursive: true });
  await writeFile(join(dir, 'chat.cjs'), CHAT);
  await writeFile(join(dir, 'service.yaml'), JSON.stringify({ apiVersion: 'serving.knative.dev/v1', kind: 'Service',
    metadata: { name: 'chat' }, spec: { template: { spec: { containers: [{ command: [process.execPath, 'chat.cjs'] }] } } } }));
  await writeFile(join(dir, 'gatepost.yaml'), JSON.stringify({ project: { id: 'gatepost-demo', region: 'us-central1' },
    accounts: [{ email: TESTER, roles: ['roles/run.invoker'], key: '.gatepost/tester.json' }],
    run_as: TESTER, services: ['service.yaml'] }));
  const env = envOf(home);
  await start(t, ['up', '--format', 'json', dir], { env, ready: /^\}$/m });
  return { env, dir };
}

/** The messages of a socket, to be awaited one by one. */
function messages(socket) {
  const waiting = [];
  const got = [];
  socket.on('message', (data, binary) => {
    const one = binary ? data : String(data);
    if (waiting.length) waiting.shift()(one);
    else got.push(one);
  });
  return () => got.length ? got.shift() : new Promise((go) => waiting.push(go));
}

test('a WebSocket reaches a private service, in both directions and to its end', async (t) => {
  const gp = await chatUp(t);
  const port = await connect(t, gp, ['chat']);
  const socket = new WebSocket(`${port.url.replace('http', 'ws')}/rooms/1?x=y`);
  const next = messages(socket);
  assert.deepEqual(JSON.parse(await next()), { url: '/rooms/1?x=y', known: true });
  socket.send('grüß dich');
  assert.equal(await next(), 'grüß dich');
  const large = Buffer.alloc(3 << 20, 7);
  socket.send(large);
  assert.ok(large.equals(await next()));
  socket.ping();
  await once(socket, 'pong');
  socket.send('end');
  const [code, reason] = await once(socket, 'close');
  assert.deepEqual([code, String(reason)], [4001, 'told to']);
});

test('T46 a WebSocket of a web page is refused, and one that is silent ends with the port', async (t) => {
  const gp = await chatUp(t);
  const port = await connect(t, gp, ['--idle', '2s', 'chat']);
  const url = port.url.replace('http', 'ws');
  const page = new WebSocket(url, { origin: 'https://evil.example' });
  const [, answer] = await once(page, 'unexpected-response');
  assert.equal(answer.statusCode, 403);
  page.on('error', () => {});
  page.terminate();
  const socket = new WebSocket(url);
  socket.on('error', () => {});
  await once(socket, 'message');
  const [[code], end] = await Promise.all([once(socket, 'close'), port.closed]);
  assert.equal(code, 1006);
  assert.match(end.stderr, /nobody called for 2s/);
});

// ---- several services -----------------------------------------------------------------------------

test('several services share a port, by path and by host', async (t) => {
  const gp = await stageUp(t);
  const port = await connect(t, gp, ['orders', 'echo']);
  assert.deepEqual(port.services.map((s) => [s.name, s.url]),
    [['orders', `${port.url}/orders`], ['echo', `${port.url}/echo`]]);
  const number = new URL(port.url).port;
  for (const [args, wanted] of [
    [[`${port.url}/echo/a?b=c`], 'ok\n200'],
    [['-H', `Host: echo.localhost:${number}`, `${port.url}/a?b=c`], 'ok\n200'],
    [[`${port.url}/orders/orders`], '{"orders": []}\n200'],
  ]) {
    const got = await curl(gp, args);
    assert.equal(got.stdout, wanted, got.stderr);
  }
  assert.deepEqual((await gp.seen()).map((s) => s.path), ['/a?b=c', '/a?b=c']);
  const lost = await curl(gp, [`${port.url}/users/`]);
  assert.match(lost.stdout, /GP-GATE-05\]\n {2}hint: call http:.* with \/orders\/…, \/echo\/…\n\n404$/);
});

test('without a name it is every service of the running up', async (t) => {
  const gp = await stageUp(t, { services: { third: {} } });
  const port = await connect(t, gp, []);
  assert.deepEqual(port.services.map((s) => s.name), ['orders', 'echo', 'third']);
  assert.equal((await curl(gp, [`${port.url}/third/x`])).stdout, 'ok\n200');
});

test('a name, a region and a project make the URL of the cloud', async (t) => {
  const home = await tempDir(t);
  const world = { env: envOf(home), dir: home };
  const key = { type: 'authorized_user', client_id: 'a', client_secret: 'b', refresh_token: 'c' };
  await writeFile(join(home, 'adc.json'), JSON.stringify(key));
  world.env.GOOGLE_APPLICATION_CREDENTIALS = join(home, 'adc.json');
  const trust = ['--trust', '123456789012', '--identity', 'none'];
  const at = ['--region', 'us-central1', '--project', '123456789012'];
  const one = await connect(t, world, [...at, ...trust, 'orders']);
  assert.equal(one.service, 'https://orders-123456789012.us-central1.run.app');
  await one.stop();
  await writeFile(join(home, 'gatepost.yaml'), JSON.stringify({ services: ['a.json', 'b.json'],
    project: { id: 'gatepost-demo', number: 123456789012, region: 'europe-west1' } }));
  for (const name of ['a', 'b']) {
    await writeFile(join(home, `${name}.json`), JSON.stringify({ apiVersion: 'serving.knative.dev/v1', kind: 'Service',
      metadata: { name }, spec: { template: { spec: { containers: [{ command: ['true'] }] } } } }));
  }
  const all = await connect(t, world, trust);
  assert.deepEqual(all.services.map((s) => s.service), ['a', 'b'].map((n) => `https://${n}-123456789012.europe-west1.run.app`));
  const untrusted = await run(['connect', 'a'], { env: world.env, cwd: home });
  assert.equal(untrusted.code, 1);
  assert.match(untrusted.stderr, /GP-TRUST-01\]\n {2}hint: .*--trust/);
});

test('what does not name a service is told', async (t) => {
  const home = await tempDir(t);
  const env = envOf(home);
  const rows = [
    [[], 2, /which service\?[^]*GP-OPT-03/],
    [['--region', 'us-central1', 'orders'], 2, /the project's number isn't known[^]*hint: --project NUMBER/],
    [['--region', 'us-central1', '--project', 'shop', 'orders'], 2, /the project's number isn't known/],
    [['--identity', 'none', '--trust', 'https://a.example', 'https://a.example', 'https://a.example/'], 3,
      /two services are called 'a' \[GP-GATE-05\][^]*NAME=URL/],
    [['--identity', 'none', 'A_b=https://a.example', 'b=https://a.example'], 3, /'A_b' can't be a service's name/],
  ];
  for (const [args, code, words] of rows) {
    const done = await run(['connect', ...args], { env, cwd: home });
    assert.equal(done.code, code, done.stderr);
    assert.match(done.stderr, words);
  }
});

// ---- Postman --------------------------------------------------------------------------------------

const values = (environment) => Object.fromEntries(environment.values.map((v) => [v.key, v.value]));

test('--postman writes the environment with which newman calls them all', async (t) => {
  const gp = await stageUp(t);
  const file = join(gp.home, 'port.json');
  const collection = join(gp.home, 'collection.json');
  await writeFile(collection, JSON.stringify({
    info: { name: 'both', schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json' },
    variable: [{ key: 'echoBase', value: `${ECHO}/v1` }, { key: 'other', value: 'https://other.example' }, { key: 'n', value: 7 }],
    item: [
      { name: 'a', request: { method: 'GET', url: '{{echoBase}}/a' } },
      { name: 'b', request: { method: 'GET', url: '{{orders_url}}/orders' } },
    ].map((item) => ({ ...item, event: [{ listen: 'test', script: { exec: ["pm.test('200', () => pm.response.to.have.status(200))"] } }] })),
  }));
  const port = await connect(t, gp, ['--postman', file, '--collection', collection, 'orders', 'echo']);
  const environment = JSON.parse(await readFile(file, 'utf8'));
  assert.equal(environment._postman_variable_scope, 'environment');
  assert.deepEqual(values(environment), { orders_url: `${port.url}/orders`, echo_url: `${port.url}/echo`, echoBase: `${port.url}/echo/v1` });
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const done = await run([newman, 'run', collection, '-e', file, '--color', 'off'], { env: gp.env, cwd: gp.dir, program: process.execPath });
  assert.equal(done.code, 0, done.stdout + done.stderr);
  assert.deepEqual((await gp.seen()).map((s) => s.path), ['/v1/a']);
});

test('one service is the baseUrl; T49 a link in its place is not followed', async (t) => {
  const gp = await stageUp(t);
  const file = join(gp.home, 'port.json');
  const port = await connect(t, gp, ['--postman', file, 'orders']);
  assert.deepEqual(values(JSON.parse(await readFile(file, 'utf8'))), { baseUrl: port.url, orders_url: port.url });
  await port.stop();
  const link = join(gp.home, 'link.json');
  await symlink(file, link);
  const before = await readFile(file, 'utf8');
  const refused = await gp.gatepost(['connect', '--postman', link, 'orders']);
  assert.match(refused.stderr, /GP-HOME-02/);
  assert.equal(await readFile(file, 'utf8'), before);
  assert.equal(refused.stdout, '');
  assert.doesNotMatch(before, /eyJ/);
});

// ---- the forward proxy ----------------------------------------------------------------------------

const ORDERS = 'https://orders-k2v7xw4mqa-uc.a.run.app';

test('--forward-proxy adds the identity inside TLS, for the chosen hosts only', async (t) => {
  const gp = await stageUp(t);
  const port = await connect(t, gp, ['--local', '--forward-proxy', ORDERS]);
  const via = ['--proxy', port.proxy, '--cacert', port.proxy_ca];
  for (const [version, wanted] of [['--http1.1', '1.1'], ['--http2', '2']]) {
    const got = await run(['-sS', version, ...via, '-w', '\n%{http_version}', `${ORDERS}/orders`], { env: gp.env, program: 'curl' });
    assert.equal(got.stdout, `{"orders": []}\n${wanted}`, got.stderr);
  }
  // Its CA vouches for nobody else, and another host's TLS is not ended here.
  const text = await run(['x509', '-in', port.proxy_ca, '-noout', '-text'], { env: gp.env, program: 'openssl' });
  assert.match(text.stdout, /Name Constraints: critical\s+Permitted:\s+DNS:orders-k2v7xw4mqa-uc\.a\.run\.app\s+Excluded:/);
  const server = await serve(t, (req, res) => res.end(`plain ${req.headers.authorization ?? 'no identity'}`));
  const other = await run(['-sS', '--proxytunnel', '--proxy', port.proxy, server], { env: gp.env, program: 'curl' });
  assert.equal(other.stdout, 'plain no identity');
  const key = port.proxy_ca.replace(/pem$/, 'key');
  assert.equal((await stat(key)).mode & 0o777, 0o600);
});

test('the CA is made once, and newman uses the proxy as it is', async (t) => {
  const gp = await stageUp(t);
  const first = await connect(t, gp, ['--local', '--forward-proxy', ORDERS]);
  const ca = await readFile(first.proxy_ca, 'utf8');
  await first.stop();
  const port = await connect(t, gp, ['--local', '--forward-proxy', ORDERS]);
  assert.equal(port.proxy_ca, first.proxy_ca);
  assert.equal(await readFile(port.proxy_ca, 'utf8'), ca);
  const collection = join(gp.home, 'c.json');
  await writeFile(collection, JSON.stringify({ info: { name: 'c', schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json' },
    item: [{ name: 'a', request: { method: 'GET', url: `${ORDERS}/orders` },
      event: [{ listen: 'test', script: { exec: ["pm.test('200', () => pm.response.to.have.status(200))"] } }] }] }));
  const done = await run([newman, 'run', collection, '--ssl-extra-ca-certs', port.proxy_ca, '--color', 'off'],
    { env: { ...gp.env, HTTPS_PROXY: port.proxy }, cwd: gp.dir, program: process.execPath });
  assert.equal(done.code, 0, done.stdout + done.stderr);
  const both = await connect(t, gp, ['--local', '--forward-proxy', ORDERS, ECHO]); // other hosts, another CA
  assert.notEqual(both.proxy_ca, port.proxy_ca);
});

test('T46 the proxy has the same door: names, pages, idle', async (t) => {
  const gp = await stageUp(t);
  const port = await connect(t, gp, ['--idle', '2s', '--local', '--forward-proxy', ORDERS]);
  const via = ['--proxy', port.proxy, '--cacert', port.proxy_ca];
  for (const [header, code] of [
    ['Host: echo-k2v7xw4mqa-uc.a.run.app', /GP-GATE-03/],
    [`Host: 127.0.0.1:${new URL(port.url).port}`, /GP-GATE-03/],
    ['Origin: https://evil.example', /GP-GATE-04/],
    ['Sec-Fetch-Site: cross-site', /GP-GATE-04/],
  ]) {
    const got = await curl(gp, [...via, '-H', header, `${ORDERS}/orders`]);
    assert.match(got.stdout, code);
    assert.match(got.stdout, /\n403$/);
  }
  const page = await curl(gp, [...via, '-H', `Origin: ${ORDERS}`, `${ORDERS}/orders`]);
  assert.match(page.stdout, /\n200$/);
  const plain = await curl(gp, ['--proxy', port.proxy, 'http://example.invalid/']);
  assert.match(plain.stdout, /\n405$/);
  const end = await port.closed;
  assert.match(end.stderr, /nobody called for 2s/);
  const none = await gp.gatepost(['connect', '--forward-proxy', 'orders']);
  assert.equal(none.code, 2);
  assert.match(none.stderr, /none of the services has an https URL/);
});
