// SPDX-License-Identifier: Apache-2.0
// `gatepost connect` from outside: unmodified newman and other clients reach a private service of a
// running `gatepost up` without any set-up of their own.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { appendFile, cp, readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect as tcp } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { envOf, root, run, start, tempDir, startUp } from './lib.mjs';

const newman = join(root, 'test/node_modules/newman/bin/newman.js');
const ORDERS = 'https://orders-k2v7xw4mqa-uc.a.run.app';
const TESTER = 'tester@gatepost-demo.iam.gserviceaccount.com';

/** The example, up. */
async function bringUp(t) {
  const home = await tempDir(t);
  const dir = join(home, 'orders');
  await cp(join(root, 'examples/orders'), dir, { recursive: true });
  const env = envOf(home);
  const { addresses } = await startUp(t, [dir], { env, cwd: dir });
  return { env, dir, service: addresses.services.find((s) => s.name === 'orders') };
}

async function connect(t, world, args) {
  const c = await start(t, ['connect', '--format', 'json', ...args],
    { env: world.env, cwd: world.dir, ready: /^}/m });
  return { ...JSON.parse(c.out.stdout), ...c };
}

/** One call by Node's own client: { status, headers, body }. */
async function call(url, { headers = {}, method = 'GET', body } = {}) {
  const req = request(url, { method, headers, agent: false });
  req.end(body);
  const [res] = await once(req, 'response');
  let text = '';
  for await (const piece of res.setEncoding('utf8')) text += piece;
  return { status: res.statusCode, headers: res.headers, body: text };
}

test('unmodified newman passes through it, with no auth configured', async (t) => {
  const world = await bringUp(t);
  const port = await connect(t, world, ['orders']);
  assert.equal(port.service, world.service.url);
  assert.match(port.identity, new RegExp(`^${TESTER} by service account key, audience ${ORDERS}$`));
  const done = await run([newman, 'run', join(world.dir, 'orders.postman_collection.json'),
    '--folder', 'Orders', '--env-var', `baseUrl=${port.url}`, '--color', 'off'],
  { env: world.env, cwd: world.dir, program: process.execPath });
  assert.equal(done.code, 0, done.stdout + done.stderr);
  const trail = await run(['audit', 'query', '--format', 'json'], { env: world.env, cwd: world.dir });
  assert.match(trail.stdout, new RegExp(TESTER));
});

test('the commands that it prints work as they are, also where a proxy is set', async (t) => {
  const world = await bringUp(t);
  for (const proxy of [{}, { http_proxy: 'http://127.0.0.1:1', NO_PROXY: 'intern.example', no_proxy: 'intern.example' }]) {
    const env = { ...world.env, ...proxy };
    const { out } = await start(t, ['connect', 'orders'], { env, cwd: world.dir, ready: /Ctrl-C/ });
    const [curl, byNewman] = out.stdout.match(/^ {2}.*\b(curl|newman) .*$/gm);
    const done = await run(['-c', `newman() { "${process.execPath}" "${newman}" "$@" --folder Orders; }
      COLLECTION=orders.postman_collection.json; ${curl} -s -o /dev/null || exit 9
      ${byNewman.replace('COLLECTION', '"$COLLECTION"')}`], { env, cwd: world.dir, program: '/bin/bash' });
    assert.equal(done.code, 0, out.stdout + done.stdout + done.stderr);
  }
});

test('a run.app URL goes to the running up with --local, and needs trust without', async (t) => {
  const world = await bringUp(t);
  const port = await connect(t, world, ['--local', ORDERS]);
  const got = await call(`${port.url}/orders`);
  assert.equal(got.status, 200);
  const cloud = await run(['connect', ORDERS], { env: world.env, cwd: world.dir });
  assert.equal(cloud.code, 1);
  assert.match(cloud.stderr, /GP-TRUST-01\]\n {2}hint: --local calls it in the running/);
  assert.equal(cloud.stdout, '');
});

test('another identity calls when it is named', async (t) => {
  const world = await bringUp(t);
  const stranger = await connect(t, world, ['--identity', 'stranger', 'orders']);
  assert.equal((await call(`${stranger.url}/orders`)).status, 403);
  const nobody = await connect(t, world, ['--identity', 'none', 'orders']);
  assert.match(nobody.identity, /no identity/);
  assert.equal((await call(`${nobody.url}/orders`)).status, 403);
});

test('T46 pages, names that point here and strangers to the protocol get nothing', async (t) => {
  const world = await bringUp(t);
  const port = await connect(t, world, ['orders']);
  const refusals = [
    [{ origin: 'https://evil.example' }, /GP-GATE-04/],
    [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }, /GP-GATE-04/],
    [{ host: `rebound.evil.example:${new URL(port.url).port}` }, /GP-GATE-03/],
  ];
  for (const [headers, code] of refusals) {
    const got = await call(`${port.url}/orders`, { method: 'POST', headers, body: '{"item":"x"}' });
    assert.equal(got.status, 403);
    assert.match(got.body, code);
  }
  const socket = tcp(new URL(port.url).port, '127.0.0.1');
  socket.end('\x16\x03\x01 not http\r\n\r\n');
  let text = '';
  for await (const piece of socket.setEncoding('latin1')) text += piece;
  assert.match(text, /^HTTP\/1\.1 400 /);
  const left = await call(`${port.url}/orders`);
  assert.equal(left.status, 200);
  assert.deepEqual(JSON.parse(left.body).orders, []);
});

test('it ends by itself when nobody calls, and by a signal', async (t) => {
  const world = await bringUp(t);
  const port = await connect(t, world, ['--idle', '1s', 'orders']);
  const end = await port.closed;
  assert.equal(end.code, 0);
  assert.match(end.stderr, /nobody called for 1s/);
  await assert.rejects(call(port.url), /ECONNREFUSED/);
  const other = await connect(t, world, ['orders']);
  const stopped = await other.stop();
  assert.equal(stopped.code, 0, stopped.stderr);
});

test('what it is asked for is told from what it is', async (t) => {
  const home = await tempDir(t);
  const env = envOf(home);
  const rows = [
    [['orders'], 3, /isn't a URL, and no 'gatepost up' of yours is running \[GP-HOME-04\]/],
    [['https://a.example/path'], 3, /isn't a service's URL[^]*GP-URI-01/],
    [['https://a.example'], 1, /isn't trusted with an identity \[GP-TRUST-01\][^]*--trust https:\/\/a\.example/],
    [['--trust', 'https://a.example', '--identity', 'nobody', 'https://a.example'], 3, /GP-CRED-05/],
    [['--port', '70000', 'orders'], 2, /GP-OPT-02/],
    [[], 2, /GP-OPT-03/],
  ];
  for (const [args, code, words] of rows) {
    const done = await run(['connect', ...args], { env, cwd: home });
    assert.equal(done.code, code, done.stderr);
    assert.match(done.stderr, words);
  }
});

test('no token is ever shown', async (t) => {
  const world = await bringUp(t);
  const port = await connect(t, world, ['--log-level', 'debug', 'orders']);
  const got = await call(`${port.url}/orders`);
  const key = JSON.parse(await readFile(join(world.dir, '.gatepost/tester.json'), 'utf8'));
  const end = await port.stop();
  const all = JSON.stringify([got, end.stdout, end.stderr]);
  assert.doesNotMatch(all, /eyJ[\w-]{20,}/);
  assert.ok(!all.includes(key.private_key.slice(40, 80)));
});

test('gatepost.yaml chooses its port, and who calls', async (t) => {
  const world = await bringUp(t);
  const probe = await connect(t, world, ['orders']);
  const { port } = new URL(probe.url);
  await probe.stop();
  await appendFile(join(world.dir, 'gatepost.yaml'), `connect: {port: ${port}, identity: stranger}\n`);
  const own = await connect(t, world, ['orders']);
  assert.equal(new URL(own.url).port, port);
  assert.match(own.identity, /^stranger@/);
});

test('curl -I on the example shows the head of its answer', async (t) => {
  const world = await bringUp(t);
  const port = await connect(t, world, ['orders']);
  const { code, stdout } = await run(['-sSI', `${port.url}/orders`], { env: world.env, program: 'curl' });
  assert.equal(code, 0);
  assert.match(stdout, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(stdout, /^content-length: [1-9]/im);
});
