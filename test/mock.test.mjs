// SPDX-License-Identifier: Apache-2.0
// `gatepost mock` from outside: examples of a collection over HTTP, by the clients that people use.
import assert from 'node:assert/strict';
import { cp, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { envOf, root, run, start, startUp, tempDir } from './lib.mjs';

const newman = join(root, 'test/node_modules/newman/bin/newman.js');
const KEY = 'k-0123456789abcdef';
const TESTER = 'tester@gatepost-demo.iam.gserviceaccount.com';

const example = (name, code, request, body, header = []) => ({
  name, code, header, body, originalRequest: { method: 'GET', header: [], ...request },
});

const COLLECTION = {
  info: { name: 'Shop', schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json' },
  variable: [{ key: 'baseUrl', value: 'https://shop.example' }, { key: 'currency', value: 'EUR' }],
  item: [{
    name: 'an order',
    event: [{ listen: 'test', script: { exec: [
      'pm.test("is it", () => pm.expect(pm.response.json()).to.eql({ id: "7", total: "12 EUR", by: "Ada \\"L\\"" }));',
    ] } }],
    request: { method: 'GET', url: '{{baseUrl}}/orders/7?by=Ada "L"' },
    response: [
      example('found', 200, { url: '{{baseUrl}}/orders/:id' },
        '{"id":"{{id}}","total":"12 {{currency}}","by":"{{$queryParams \'by\' \'nobody\'}}"}',
        [{ key: 'Content-Type', value: 'application/json' }, { key: 'X-Order', value: '{{id}}' },
          { key: 'Content-Encoding', value: 'gzip' }]),
      example('gone', 410, { url: '{{baseUrl}}/orders/:id' }, 'gone'),
      example('made', 201, { method: 'POST', url: '{{baseUrl}}/orders', body: { mode: 'raw', raw: '{"a":1}' } }, 'made'),
    ],
  }],
};

/** A running mock of the collection: its URL, its output, its home. */
async function mock(t, args = [], more = {}, collection = COLLECTION) {
  const home = more.HOME ?? await tempDir(t);
  const file = join(home, 'shop.json');
  await writeFile(file, JSON.stringify(collection));
  const m = await start(t, ['mock', '--format', 'json', ...args, file],
    { env: envOf(home, more), cwd: home, ready: /^\}$/m });
  return { ...JSON.parse(m.out.stdout), ...m, home, file };
}

test('answers with the nearest example, filled in', async (t) => {
  const m = await mock(t);
  assert.equal(m.examples, 3);
  const got = await fetch(`${m.url}/orders/9`);
  assert.equal(got.status, 200);
  assert.equal(got.headers.get('x-order'), '9');
  assert.deepEqual(await got.json(), { id: '9', total: '12 EUR', by: 'nobody' });
  const gone = await fetch(`${m.url}/orders/9`, { headers: { 'x-mock-response-code': '410' } });
  assert.equal(await gone.text(), 'gone');
  const none = await fetch(`${m.url}/nothing`);
  assert.equal(none.status, 404);
  assert.equal((await none.json()).error.name, 'mockRequestNotFoundError');
  assert.match(m.out.stderr, /GET \/orders\/9 200 found\nGET \/orders\/9 410 gone\nGET \/nothing 404 no example of a GET/);
});

test('newman and gatepost run pass against it with baseUrl set', async (t) => {
  const m = await mock(t);
  for (const [program, args] of [[process.execPath, [newman]], [undefined, []]]) {
    const done = await run([...args, 'run', m.file, '--env-var', `baseUrl=${m.url}`, '--color', 'off'],
      { env: envOf(m.home), cwd: m.home, program });
    assert.equal(done.code, 0, done.stdout + done.stderr);
  }
});

test('a body must match when the mock or the call says so', async (t) => {
  const post = (m, body, headers) => fetch(`${m.url}/orders`, { method: 'POST', body, headers }).then((r) => r.status);
  const loose = await mock(t), strict = await mock(t, ['--match-body']);
  assert.equal(await post(loose, 'x'), 201);
  assert.equal(await post(loose, 'x', { 'x-mock-match-request-body': 'true' }), 404);
  assert.equal(await post(strict, 'x'), 404);
  assert.equal(await post(strict, '{ "a": 1 }'), 201);
  assert.equal(await post(strict, 'x', { 'x-mock-match-request-body': 'false' }), 201);
});

test('an answer waits as long as it is told to', async (t) => {
  const m = await mock(t, ['--delay', '1ms']);
  const begun = performance.now();
  await fetch(`${m.url}/orders/9`, { headers: { 'x-mock-response-delay': '300' } });
  assert.ok(performance.now() - begun >= 300);
});

test('pages of any origin may call it', async (t) => {
  const m = await mock(t);
  const asked = await fetch(`${m.url}/orders/9`, { method: 'OPTIONS', headers: {
    origin: 'http://page.example', 'access-control-request-method': 'GET', 'access-control-request-headers': 'x-api-key' } });
  assert.equal(asked.status, 204);
  assert.equal(asked.headers.get('access-control-allow-origin'), '*');
  assert.equal(asked.headers.get('access-control-allow-headers'), 'x-api-key');
  const got = await fetch(`${m.url}/orders/9`, { headers: { origin: 'http://page.example' } });
  assert.equal(got.headers.get('access-control-allow-origin'), '*');
});

test('T48_what_a_call_brings_neither_reads_variables_nor_drives_the_terminal', async (t) => {
  const m = await mock(t, ['--env-var', 'currency=EUR', '--env-var', 'secret=s3cret']);
  const got = await fetch(`${m.url}/orders/%7B%7Bsecret%7D%7D?by={{secret}}`);
  assert.doesNotMatch(await got.text(), /s3cret/);
  await fetch(`${m.url}/%1b[31m`);
  assert.doesNotMatch(m.out.stderr, /\x1b/);
});

test('calls are recorded, without their secrets', async (t) => {
  const home = await tempDir(t), file = join(home, 'calls.jsonl');
  const m = await mock(t, ['--record', file], { HOME: home });
  await fetch(`${m.url}/orders`, { method: 'POST', body: 'hello', headers: {
    authorization: 'Bearer abc', 'x-api-key': 'k', cookie: 'c=1', 'x-mine': 'shown' } });
  await fetch(`${m.url}/none`);
  const [made, none] = (await readFile(file, 'utf8')).trim().split('\n').map((line) => JSON.parse(line));
  assert.equal(made.request.method, 'POST');
  assert.equal(made.request.body, 'hello');
  assert.equal(made.status, 201);
  assert.equal(made.example, 'made');
  const values = Object.fromEntries(made.request.headers.map((h) => [h.key.toLowerCase(), h.value]));
  assert.deepEqual([values.authorization, values['x-api-key'], values.cookie, values['x-mine']],
    ['***', '***', '***', 'shown']);
  assert.match(none.why, /no example of a GET request/);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
});

test('a private mock wants its key', async (t) => {
  const m = await mock(t, ['--private'], { GATEPOST_MOCK_API_KEY: KEY });
  const ask = (headers) => fetch(`${m.url}/orders/9`, { headers });
  assert.equal((await ask({})).status, 401);
  const refused = await ask({ 'x-api-key': `${KEY}x` });
  assert.equal(refused.status, 401);
  assert.equal((await refused.json()).error.name, 'AuthenticationError');
  assert.equal((await ask({ 'x-api-key': KEY })).status, 200);
  assert.doesNotMatch(m.out.stdout + m.out.stderr, new RegExp(KEY));
});

test('a private mock lets members in by their tokens, and the trail says who', async (t) => {
  const home = await tempDir(t), dir = join(home, 'orders');
  await cp(join(root, 'examples/orders'), dir, { recursive: true });
  const env = envOf(home);
  await startUp(t, [dir], { env, cwd: dir });
  const m = await mock(t, ['--private', '--local', '--member', `serviceAccount:${TESTER}`], { HOME: home });
  const token = async (identity, audience = m.url) => (await run(
    ['token', '--audience', audience, '--identity', identity], { env, cwd: dir })).stdout.trim();
  const ask = (bearer) => fetch(`${m.url}/orders/9`, { headers: bearer ? { authorization: `Bearer ${bearer}` } : {} });
  assert.equal((await ask(await token('tester'))).status, 200);
  assert.equal((await ask(await token('stranger'))).status, 403);
  assert.equal((await ask(await token('tester', 'https://else.example'))).status, 401);
  assert.equal((await ask()).status, 403);
  const trail = await run(['audit', 'query', '--dir', m.audit, '--format', 'json'], { env, cwd: dir });
  const entries = trail.stdout.trim().split('\n').map((line) => JSON.parse(line));
  assert.equal(entries.length, 4);
  assert.match(JSON.stringify(entries[0]), new RegExp(TESTER));
});

test('wrong options and collections are told before it listens', async (t) => {
  const home = await tempDir(t), file = join(home, 'c.json'), empty = join(home, 'empty.json');
  await writeFile(file, JSON.stringify(COLLECTION));
  await writeFile(empty, JSON.stringify({ ...COLLECTION, item: [] }));
  await symlink(file, join(home, 'link'));
  const rows = [
    [['--private', file], 2, /--private: nobody could call the mock.*\n.*GATEPOST_MOCK_API_KEY/],
    [['--member', 'user:a@b.example', file], 2, /--member: the mock is open to everybody/],
    [['--private', '--member', 'ada', file], 3, /--member: .*ada/],
    [['--private', '--local', '--member', 'user:a@b.example', file], 3, /no 'gatepost up' of yours is running/],
    [['--env-var', 'x', file], 2, /--env-var: 'x' isn't KEY=VALUE/],
    [[empty], 3, /no request of the collection has a saved example/],
    [['--record', join(home, 'link'), file], 6, /link: Too many levels/],
    [[join(home, 'absent.json')], 3, /absent\.json/],
  ];
  for (const [args, code, says] of rows) {
    const done = await run(['mock', ...args], { env: envOf(home), cwd: home });
    assert.match(done.stderr, says);
    assert.equal(done.code, code, done.stderr);
  }
});
