// SPDX-License-Identifier: Apache-2.0
// HTTP/2 and gRPC through `gatepost connect` and `gatepost up`, by clients and servers that others
// wrote: curl, Node's http2, grpc-js.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { connect as dial, createSecureServer } from 'node:http2';
import { createServer as createHttps } from 'node:https';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { envOf, root, run, start, startUp, tempDir } from './lib.mjs';
import { TESTER } from './stage.mjs';

// A chat over gRPC whose messages are plain text. It says who called, as the token tells: that the
// token is good is the business of what stands in front of it.
const methods = Object.fromEntries([
  ['whoami', false, false], ['count', false, true], ['sum', true, false], ['chat', true, true], ['fail', false, false],
].map(([name, requestStream, responseStream]) => [name, { path: `/test.Chat/${name}`, requestStream, responseStream }]));

const CHAT = `
const grpc = require(${JSON.stringify(createRequire(import.meta.url).resolve('@grpc/grpc-js'))});
const methods = ${JSON.stringify(methods)};
const text = { requestSerialize: Buffer.from, requestDeserialize: String, responseSerialize: Buffer.from, responseDeserialize: String };
for (const m of Object.values(methods)) Object.assign(m, text);
const claims = (call) => JSON.parse(Buffer.from(String(call.metadata.get('authorization')[0]).split('.')[1], 'base64url'));
const server = new grpc.Server();
server.addService(methods, {
  whoami: (call, done) => {
    const { email, aud } = claims(call);
    const trailer = new grpc.Metadata();
    trailer.set('x-seen', String(call.metadata.get('authorization')[0]));
    done(null, JSON.stringify({ email, aud, said: call.request, own: call.metadata.get('x-own') }), trailer);
  },
  count: (call) => { for (let i = 1; i <= Number(call.request); i++) call.write(String(i)); call.end(); },
  sum: (call, done) => { let sum = 0; call.on('data', (n) => { sum += n.length; }); call.on('end', () => done(null, String(sum))); },
  chat: (call) => { call.on('data', (line) => call.write(line.toUpperCase())); call.on('end', () => call.end()); },
  fail: (call, done) => done({ code: grpc.status.FAILED_PRECONDITION, details: 'not today' }),
});
server.bindAsync('127.0.0.1:' + process.env.PORT, grpc.ServerCredentials.createInsecure(), () => {});
`;

const WEB = `
const server = require('node:http').createServer((req, res) => {
  let size = 0;
  req.on('data', (piece) => { size += piece.length; });
  req.on('end', () => res.end(JSON.stringify({ version: req.httpVersion, url: req.url, size, known: /^Bearer ey/.test(req.headers.authorization ?? '') })));
});
server.listen(process.env.PORT);
`;

const service = (name, port) => JSON.stringify({ apiVersion: 'serving.knative.dev/v1', kind: 'Service', metadata: { name },
  spec: { template: { spec: { containers: [{ command: [process.execPath, `${name}.cjs`], ports: [{ name: port }] }] } } } });

async function bringUp(t) {
  const home = await tempDir(t);
  const dir = join(home, 'checkout');
  await cp(join(root, 'examples/orders'), dir, { recursive: true });
  await writeFile(join(dir, 'chat.cjs'), CHAT);
  await writeFile(join(dir, 'web.cjs'), WEB);
  await writeFile(join(dir, 'chat.json'), service('chat', 'h2c'));
  await writeFile(join(dir, 'web.json'), service('web', 'http1'));
  await writeFile(join(dir, 'gatepost.yaml'), JSON.stringify({ project: { id: 'gatepost-demo', region: 'us-central1' },
    accounts: [{ email: TESTER, roles: ['roles/run.invoker'], key: '.gatepost/tester.json' }],
    run_as: TESTER, services: ['chat.json', 'web.json'] }));
  const env = envOf(home);
  const { addresses } = await startUp(t, [dir], { env });
  return { env, dir, url: (name) => addresses.services.find((s) => s.name === name).url };
}

async function connect(t, gp, args) {
  const c = await start(t, ['connect', '--format', 'json', ...args], { env: gp.env, cwd: gp.dir, ready: /^}/m });
  return { ...JSON.parse(c.out.stdout), ...c };
}

// ---- gRPC -----------------------------------------------------------------------------------------

const text = { requestSerialize: (s) => Buffer.from(s), requestDeserialize: String, responseSerialize: (s) => Buffer.from(s), responseDeserialize: String };
const Chat = grpc.makeGenericClientConstructor(Object.fromEntries(Object.entries(methods).map(([n, m]) => [n, { ...m, ...text }])), 'Chat');

function chatOf(t, address, options = {}) {
  const client = new Chat(address, grpc.credentials.createInsecure(), options);
  t.after(() => client.close());
  return client;
}

/** The answer to a unary call, with its trailers. */
const unary = (client, name, message, metadata = new grpc.Metadata()) => new Promise((done, fail) => {
  let trailers;
  client[name](message, metadata, (error, value) => error ? fail(error) : setImmediate(() => done({ value, trailers })))
    .on('status', (status) => { trailers = status.metadata; });
});

async function all(stream) {
  const got = [];
  for await (const one of stream) got.push(one);
  return got;
}

test('gRPC reaches a private service with the identity in its metadata', async (t) => {
  const gp = await bringUp(t);
  const port = await connect(t, gp, ['chat']);
  const client = chatOf(t, new URL(port.url).host);
  const metadata = new grpc.Metadata();
  metadata.set('x-own', 'mine');
  const { value, trailers } = await unary(client, 'whoami', 'grüß dich', metadata);
  const said = JSON.parse(value);
  assert.deepEqual({ email: said.email, said: said.said, own: said.own }, { email: TESTER, said: 'grüß dich', own: ['mine'] });
  assert.match(said.aud, /run\.app$/);
  // T32: a service that sends the token back, here behind the body, shows it to nobody.
  assert.equal(String(trailers.get('x-seen')[0]).split('.')[2], '***');
});

test('gRPC streams pass in each direction, with their status', async (t) => {
  const gp = await bringUp(t);
  const port = await connect(t, gp, ['chat']);
  const client = chatOf(t, new URL(port.url).host);
  assert.deepEqual(await all(client.count('300')), Array.from({ length: 300 }, (_, i) => String(i + 1)));
  const sum = await new Promise((done, fail) => {
    const call = client.sum((error, value) => error ? fail(error) : done(value));
    for (let i = 0; i < 100; i++) call.write('x'.repeat(20000));
    call.end();
  });
  assert.equal(sum, '2000000');
  const chat = client.chat();
  for (const line of ['one', 'two', 'three']) { // each answer before the next question
    chat.write(line);
    const [answer] = await once(chat, 'data');
    assert.equal(answer, line.toUpperCase());
  }
  chat.end();
  chat.resume();
  await once(chat, 'end');
  await assert.rejects(unary(client, 'fail', 'please'), { code: grpc.status.FAILED_PRECONDITION, details: 'not today' });
});

test('many gRPC calls at once share the connections', async (t) => {
  const gp = await bringUp(t);
  const port = await connect(t, gp, ['chat']);
  const client = chatOf(t, new URL(port.url).host);
  const got = await Promise.all(Array.from({ length: 200 }, async (_, i) => JSON.parse((await unary(client, 'whoami', `${i}`)).value).said));
  assert.deepEqual(got, Array.from({ length: 200 }, (_, i) => `${i}`));
});

test('several services are told apart by the authority', async (t) => {
  const gp = await bringUp(t);
  const port = await connect(t, gp, ['chat', 'web']);
  const { host, port: number } = new URL(port.url);
  const client = chatOf(t, host, { 'grpc.default_authority': `chat.localhost:${number}` });
  assert.equal(JSON.parse((await unary(client, 'whoami', 'hi')).value).said, 'hi');
  const lost = chatOf(t, host);
  await assert.rejects(unary(lost, 'whoami', 'hi'), { code: grpc.status.UNIMPLEMENTED }); // 404
});

test('a private gRPC service refuses who has no token', async (t) => {
  const gp = await bringUp(t);
  const client = chatOf(t, new URL(gp.url('chat')).host);
  await assert.rejects(unary(client, 'whoami', ''), { code: grpc.status.PERMISSION_DENIED }); // 403
  const log = await run(['audit', 'query', '--format', 'json'], { env: gp.env, cwd: gp.dir });
  assert.match(log.stdout, /"HTTP\/2"/);
});

test('a service that does not speak HTTP/2 where it says so is a 503', async (t) => {
  const gp = await bringUp(t);
  await writeFile(join(gp.dir, 'chat.cjs'), WEB);
  const port = await connect(t, gp, ['chat']);
  const got = await run(['-sS', '-w', '\n%{http_code}', port.url], { env: gp.env, program: 'curl' });
  assert.match(got.stdout, /\n503$/);
});

// ---- HTTP/2 ---------------------------------------------------------------------------------------

/** One call of a session: { status, headers, body }. */
async function call(session, headers, body) {
  const stream = session.request(headers, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  const [answer] = await once(stream, 'response');
  let got = '';
  for await (const piece of stream.setEncoding('utf8')) got += piece;
  return { status: answer[':status'], headers: answer, body: got };
}

async function session(t, url) {
  const s = dial(url);
  await once(s, 'connect');
  t.after(() => s.destroy());
  return s;
}

test('HTTP/2 clients reach a service that speaks HTTP/1.1', async (t) => {
  const gp = await bringUp(t);
  const port = await connect(t, gp, ['web']);
  const got = await run(['-sS', '--http2-prior-knowledge', '-w', '\n%{http_version} %{http_code}', '--data-binary', `@${join(gp.dir, 'web.cjs')}`, `${port.url}/a?b=c`],
    { env: gp.env, program: 'curl' });
  assert.equal(got.code, 0, got.stderr);
  const [body, status] = got.stdout.split('\n');
  assert.deepEqual(JSON.parse(body), { version: '1.1', url: '/a?b=c', size: WEB.length, known: true });
  assert.equal(status, '2 200');
  const s = await session(t, port.url);
  const many = await Promise.all(Array.from({ length: 60 }, (_, i) => call(s, { ':path': `/${i}`, ':method': 'POST' }, 'x'.repeat(i * 1000))));
  many.forEach((one, i) => assert.deepEqual(JSON.parse(one.body), { version: '1.1', url: `/${i}`, size: i * 1000, known: true }));
});

test('T46 the door is the same for HTTP/2: Host, pages, idle', async (t) => {
  const gp = await bringUp(t);
  const port = await connect(t, gp, ['--idle', '2s', 'web']);
  const number = new URL(port.url).port;
  const s = await session(t, port.url);
  for (const [headers, code] of [
    [{ ':authority': `evil.example:${number}` }, /GP-GATE-03/],
    [{ ':authority': '127.0.0.1' }, /GP-GATE-03/],
    [{ 'sec-fetch-site': 'cross-site' }, /GP-GATE-04/],
    [{ origin: 'https://evil.example' }, /GP-GATE-04/],
  ]) {
    const got = await call(s, { ':path': '/', ':method': 'POST', ...headers }, '');
    assert.equal(got.status, 403);
    assert.match(got.body, code);
  }
  assert.equal((await call(s, { ':path': '/' })).status, 200);
  const end = await port.closed; // an open connection is no call
  assert.equal(end.code, 0);
  assert.match(end.stderr, /nobody called for 2s/);
});

// ---- a service by https -----------------------------------------------------------------------------

/** A key and a certificate for localhost. */
async function certificate(t, env) {
  const dir = await tempDir(t);
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const made = await run(['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=localhost',
    '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', cert], { env, program: 'openssl' });
  assert.equal(made.code, 0, made.stderr);
  return { key: await readFile(key), cert: await readFile(cert), file: cert };
}

test('over TLS the service gets the protocol of the client, as far as it speaks it', async (t) => {
  const env = envOf(await tempDir(t));
  const pair = await certificate(t, env);
  for (const [create, wanted] of [[createSecureServer, '2.0'], [createHttps, '1.1']]) {
    const server = create({ ...pair, allowHTTP1: true }, (req, res) => {
      res.setHeader('x-version', req.httpVersion);
      res.end(req.headers.host ?? req.headers[':authority']);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const url = `https://localhost:${server.address().port}`;
    const port = await connect(t, { env, dir: undefined }, ['--identity', 'none', '--trust', url, '--ssl-extra-ca-certs', pair.file, url]);
    const s = await session(t, port.url);
    const got = await call(s, { ':path': '/' });
    assert.deepEqual([got.body, got.headers['x-version']], [new URL(url).host, wanted]);
    const old = await run(['-sS', '-w', '%header{x-version}', port.url], { env, program: 'curl' });
    assert.equal(old.stdout, `${new URL(url).host}1.1`, old.stderr);
  }
});
