// SPDX-License-Identifier: Apache-2.0
// The auth types of a collection, beside newman, against a server that verifies what arrives with
// implementations that nobody here wrote (aws4, jose, js-md4, oauth-sign, Node's own crypto).
import assert from 'node:assert/strict';
import aws4 from 'aws4';
import * as jose from 'jose';
import md4 from 'js-md4';
import oauth from 'oauth-sign';
import { createHash, createHmac, generateKeyPairSync, verify } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { envOf, handed, root, run, serve, tempDir } from './lib.mjs';

const newman = join(root, 'test/node_modules/newman/bin/newman.js');

const pem = (pair) => ({ private: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }), public: pair.publicKey });
const rsa = pem(generateKeyPairSync('rsa', { modulusLength: 2048 }));
const ec = Object.fromEntries([['ES256', 'P-256'], ['ES384', 'P-384'], ['ES512', 'P-521']].map(([alg, namedCurve]) =>
  [alg, pem(generateKeyPairSync('ec', { namedCurve }))]));

const hash = (algorithm, text, form = 'hex') => createHash(algorithm).update(text).digest(form);
const hmac = (algorithm, key, text, form = 'base64') => createHmac(algorithm, key).update(text).digest(form);
const quoted = (header) => Object.fromEntries([...(header ?? '').matchAll(/(\w+)=(?:"([^"]*)"|([^\s,;]+))/g)].map(([, k, q, v]) => [k, q ?? v]));

// ---- what the server verifies; each answers true or false --------------------------------------

const digests = { 'MD5': 'md5', 'SHA-256': 'sha256', 'SHA-512-256': 'sha512-256' };

/** /digest/ALGORITHM/QOP: the nonce may be used on, with a rising count. */
function digest(req, body, state) {
  const [, , algorithm, qop] = req.url.split('/');
  const d = quoted(req.headers.authorization);
  const h = (...parts) => hash(digests[algorithm.replace('-sess', '')], parts.join(':'));
  if (d.username !== 'username' || d.nonce !== `nonce ${algorithm} ${qop}` || d.uri !== req.url) return false;
  const count = parseInt(d.nc ?? '0', 16);
  if (qop !== 'none' && count <= (state.get(d.cnonce) ?? 0)) return false;
  state.set(d.cnonce, count);
  let a1 = h(d.username, 'the realm', 'pass:word');
  if (algorithm.endsWith('-sess')) a1 = h(a1, d.nonce, d.cnonce);
  const a2 = qop === 'auth-int' ? h(req.method, d.uri, hash(digests[algorithm.replace('-sess', '')], body)) : h(req.method, d.uri);
  return d.response === (qop === 'none' ? h(a1, d.nonce, a2) : h(a1, d.nonce, d.nc, d.cnonce, d.qop, a2));
}

function oauth1(req, body, state, origin) {
  const url = new URL(req.url, origin);
  const form = req.headers['content-type'] === 'application/x-www-form-urlencoded' ? new URLSearchParams(body) : new URLSearchParams();
  const header = Object.fromEntries([...(req.headers.authorization ?? '').matchAll(/(oauth_\w+)="([^"]*)"/g)].map(([, k, v]) => [k, decodeURIComponent(v)]));
  const params = { ...header };
  for (const [k, v] of [...url.searchParams, ...form]) params[k] = k in params ? [params[k], v].flat() : v;
  const { oauth_signature: signature, ...rest } = params;
  if (rest.oauth_consumer_key !== 'ck' || rest.oauth_token !== 'to ken' || !signature) return false;
  if (rest.oauth_body_hash && rest.oauth_body_hash !== hash(rest.oauth_signature_method.split('-')[1], body, 'base64')) return false;
  const base = oauth.generateBase(req.method, origin + url.pathname, rest);
  const [scheme, algorithm] = rest.oauth_signature_method.split('-');
  if (scheme === 'RSA') return verify(algorithm, Buffer.from(base), rsa.public, Buffer.from(signature, 'base64'));
  if (scheme === 'PLAINTEXT') return signature === 'c%26s&ts';
  return signature === hmac(algorithm, 'c%26s&ts', base);
}

function hawk(req, body) {
  const h = quoted(req.headers.authorization);
  const [host, port] = req.headers.host.split(':');
  const type = (req.headers['content-type'] ?? '').split(';')[0];
  if (h.hash && h.hash !== hash('sha256', `hawk.1.payload\n${type}\n${body}\n`, 'base64')) return false;
  const lines = ['hawk.1.header', h.ts, h.nonce, req.method, req.url, host, port, h.hash ?? '', h.ext ?? '', ...(h.app ? [h.app, h.dlg ?? ''] : [])];
  return h.id === 'id' && h.mac === hmac('sha256', 'key', `${lines.join('\n')}\n`);
}

function aws(req, body) {
  const credentials = { accessKeyId: 'AK', secretAccessKey: 'SK', sessionToken: 'ST' };
  const url = new URL(req.url, 'http://x');
  const query = url.searchParams.has('X-Amz-Signature');
  const names = query ? url.searchParams.get('X-Amz-SignedHeaders') : req.headers.authorization?.match(/SignedHeaders=([^,]*)/)[1];
  if (!names) return false;
  const headers = Object.fromEntries(names.split(';').map((name) => [name, req.headers[name]]));
  if (!query && body && headers['x-amz-content-sha256'] !== hash('sha256', body)) return false;
  const path = query ? req.url.replace(/[?&]X-Amz-[^&]*/g, (m) => /Amz-(Date|Expires)/.test(m) ? m : m[0] === '?' ? '?' : '') : req.url;
  const again = aws4.sign({ service: 'execute-api', region: 'eu-west-1', method: req.method, path, headers, signQuery: query }, credentials);
  return query ? new URL(again.path, 'http://x').searchParams.get('X-Amz-Signature') === url.searchParams.get('X-Amz-Signature')
    : again.headers.Authorization === req.headers.authorization;
}

function edgegrid(req, body) {
  const [head, signature] = (req.headers.authorization ?? '').split('signature=');
  const stamp = head.match(/timestamp=([^;]+)/)?.[1];
  if (!stamp) return false;
  const text = [req.method, 'http', req.headers.host, req.url, 'x-a:one two', req.method === 'POST' && body ? hash('sha256', body.slice(0, 8), 'base64') : '', head];
  return signature === hmac('sha256', hmac('sha256', 'cs', stamp), text.join('\t'));
}

async function jwt(req) {
  const url = new URL(req.url, 'http://x');
  const token = url.searchParams.get('tok') ?? req.headers.authorization?.split(' ').at(-1);
  const alg = url.pathname.split('/')[2];
  handed(token); // the collection's own: reports show it as it was sent
  const key = alg.startsWith('HS') ? Buffer.from('a secret of the collection') : ec[alg]?.public ?? rsa.public;
  const { payload } = await jose.jwtVerify(token, key, { algorithms: [alg] });
  return payload.who === 'me' || (payload.iss === 'issuer' && payload.sub === 'issuer' && payload.aud === 'audience' && payload.exp - payload.iat === 60);
}

// NTLM belongs to a connection: the nonce is the socket's. Answers what to offer, or true.
const nonces = new WeakMap();
function ntlm(req, res) {
  const message = Buffer.from((req.headers.authorization ?? '').split(' ')[1] ?? '', 'base64');
  const type = message.length ? message.readUInt32LE(8) : 0;
  const [, , stamped] = req.url.split('/');
  if (type === 1) {
    const nonce = Buffer.from('01234567');
    nonces.set(req.socket, nonce);
    const stamp = stamped === 'stamp' ? [7, 0, 8, 0, 1, 2, 3, 4, 5, 6, 7, 1] : [];
    const info = Buffer.from([2, 0, 4, 0, 68, 0, 79, 0, ...stamp, 0, 0, 0, 0]);
    const head = Buffer.alloc(48);
    head.write('NTLMSSP\0');
    head.writeUInt32LE(2, 8);
    head.writeUInt32LE(stamped === 'oem' ? 0x880206 : 0x880205, 20);
    nonce.copy(head, 24);
    head.writeUInt16LE(info.length, 40);
    head.writeUInt16LE(info.length, 42);
    head.writeUInt32LE(48, 44);
    res.setHeader('WWW-Authenticate', `NTLM ${Buffer.concat([head, info]).toString('base64')}`);
    return false;
  }
  if (type !== 3) {
    res.setHeader('WWW-Authenticate', ['Negotiate', 'NTLM']);
    return false;
  }
  const field = (at) => message.subarray(message.readUInt32LE(at + 4), message.readUInt32LE(at + 4) + message.readUInt16LE(at));
  const text = (at) => field(at).toString(stamped === 'oem' ? 'latin1' : 'utf16le');
  const mac = (key, ...parts) => createHmac('md5', key).update(Buffer.concat(parts)).digest();
  const wide = (s) => Buffer.from(s, 'utf16le');
  const key = mac(Buffer.from(md4.arrayBuffer(wide('pass:wörd'))), wide(text(36).toUpperCase() + text(28)));
  const response = field(20);
  return text(28) === 'DOM' && text(36) === 'user' && response.subarray(0, 16).equals(mac(key, nonces.get(req.socket), response.subarray(16)));
}

const verifiers = { digest, oauth1, hawk, aws, edgegrid, jwt, asap: jwt, ntlm: (req, body, state, origin, res) => ntlm(req, res) };

async function judge(t, seen) {
  const state = new Map();
  const origin = await serve(t, async (req, res) => {
    const chunks = [];
    for await (const chunk of req) chunks.push(chunk);
    const [, type, algorithm, qop] = req.url.split(/[/?]/);
    const good = await (async () => verifiers[type](req, Buffer.concat(chunks).toString(), state, origin, res))().catch(() => false);
    seen.push(`${req.method} ${req.url.split('?')[0]} ${good}`);
    const offer = qop === 'none' ? '' : `, qop="${qop}"`;
    if (type === 'digest') res.setHeader('WWW-Authenticate', ['Basic realm="x"', `Digest realm="the realm", nonce="nonce ${algorithm} ${qop}"${offer}`]);
    res.writeHead(good ? 200 : 401).end(String(good));
  });
  return origin;
}

// ---- the collection ----------------------------------------------------------------------------

const auth = (type, params) => ({ type, [type]: Object.entries(params).map(([key, value]) => ({ key, value })) });
const raw = { mode: 'raw', raw: 'text of the body' };
const form = { mode: 'urlencoded', urlencoded: [{ key: 'a', value: 'b c+d&e' }, { key: 'a', value: '1' }, { key: 'off', value: 'x', disabled: true }] };
const item = (name, path, authOf, method = 'GET', body = undefined, header = []) => ({ name,
  request: { method, url: `{{origin}}/${path}`, auth: authOf, body, header },
  event: [{ listen: 'test', script: { exec: ["pm.test('let in', () => pm.response.to.have.status(200))"] } }] });

const password = { username: 'username', password: 'pass:word' };
const signed = { consumerKey: 'ck', consumerSecret: 'c&s', token: 'to ken', tokenSecret: 'ts', privateKey: rsa.private, version: '1.0' };
const amazon = { accessKey: 'AK', secretKey: 'SK', sessionToken: 'ST', region: 'eu-west-1' };
const akamai = { accessToken: 'at', clientToken: 'ct', clientSecret: 'cs', headersToSign: 'X-A, X-B', maxBodySize: 8 };
const claims = { payload: '{"who": "me"}', header: '{"kid": "k"}', secret: 'a secret of the collection' };
const xa = [{ key: 'x-a', value: 'one   two' }];

const items = () => [
  ...Object.keys(digests).flatMap((a) => [a, `${a}-sess`]).flatMap((a) => ['auth', 'auth-int'].map((qop) =>
    item(`digest ${a} ${qop}`, `digest/${a}/${qop}`, auth('digest', { ...password, algorithm: a }), 'POST', raw))),
  item('digest without qop', 'digest/MD5/none', auth('digest', password)),
  { name: 'inherited digest', auth: auth('digest', password), item: [1, 2, 3].map((n) => {
    const { request: { auth: _, ...request }, ...rest } = item(`${n}`, `digest/MD5/auth/${n}?q=${n}`);
    return { ...rest, request };
  }) },
  item('digest, wrong password', 'digest/MD5/auth/x', auth('digest', { ...password, password: 'no' })),
  item('digest, no retry', 'digest/MD5/auth/y', auth('digest', { ...password, disableRetryRequest: true })),
  ...['HMAC-SHA1', 'HMAC-SHA256', 'HMAC-SHA512', 'RSA-SHA1', 'RSA-SHA256', 'RSA-SHA512', 'PLAINTEXT'].flatMap((signatureMethod) => [true, false].flatMap((addParamsToHeader) => [
    item(`oauth1 ${signatureMethod}`, 'oauth1/q?a=x%20y&b=(1)', auth('oauth1', { ...signed, signatureMethod, addParamsToHeader })),
    item(`oauth1 form ${signatureMethod}`, 'oauth1/f', auth('oauth1', { ...signed, signatureMethod, addParamsToHeader }), 'POST', form)])),
  item('oauth1 body hash', 'oauth1/h', auth('oauth1', { ...signed, signatureMethod: 'HMAC-SHA256', addParamsToHeader: true, includeBodyHash: true }), 'PUT', raw),
  item('hawk', 'hawk/x?a=1', auth('hawk', { authId: 'id', authKey: 'key', algorithm: 'sha256', extraData: 'ext', app: 'app' })),
  item('hawk payload', 'hawk/x', auth('hawk', { authId: 'id', authKey: 'key', algorithm: 'sha256', includePayloadHash: true }), 'POST', raw,
    [{ key: 'Content-Type', value: 'text/plain; charset=utf-8' }]),
  item('awsv4', "aws/a%20b/c?z=1&y=x%20y&y=%2B", auth('awsv4', amazon), 'GET', undefined, [{ key: 'X-Mine', value: ' a   b ' }]),
  item('awsv4 body', 'aws/post', auth('awsv4', amazon), 'POST', raw, [{ key: 'Content-Type', value: 'text/plain' }]),
  item('awsv4 query', 'aws/query?z=1&y=2', auth('awsv4', { ...amazon, addAuthDataToQuery: true })),
  item('edgegrid', 'edgegrid/x?a=1', auth('edgegrid', akamai), 'GET', undefined, xa),
  item('edgegrid body', 'edgegrid/x', auth('edgegrid', akamai), 'POST', raw, xa),
  ...['HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'].map((algorithm) =>
    item(`jwt ${algorithm}`, `jwt/${algorithm}`, auth('jwt', { ...claims, algorithm, privateKey: ec[algorithm]?.private ?? rsa.private }))),
  item('jwt query', 'jwt/HS256', auth('jwt', { ...claims, algorithm: 'HS256', addTokenTo: 'queryParam', queryParamKey: 'tok' })),
  item('asap', 'asap/RS256', auth('asap', { kid: 'k', iss: 'issuer', aud: 'audience', exp: '60', privateKey: rsa.private })),
  item('asap data URI', 'asap/RS256', auth('asap', { kid: 'k', iss: 'issuer', aud: 'audience', exp: '60',
    privateKey: `data:application/pkcs8;kid=k;base64,${rsa.private.replace(/-----.*-----|\n/g, '')}` })),
];

const windows = [
  item('ntlm', 'ntlm/plain', auth('ntlm', { username: 'user', password: 'pass:wörd', domain: 'dom' }), 'POST', raw),
  item('ntlm down-level name', 'ntlm/oem', auth('ntlm', { username: 'dom\\user', password: 'pass:wörd', workstation: 'ws' })),
  item('ntlm principal name', 'ntlm/stamp', auth('ntlm', { username: 'user@dom', password: 'pass:wörd' })),
  item('ntlm, wrong password', 'ntlm/plain', auth('ntlm', { username: 'user', password: 'no', domain: 'dom' })),
  item('ntlm, no retry', 'ntlm/plain', auth('ntlm', { username: 'user', password: 'no', disableRetryRequest: true })),
];

const essence = ({ run: { executions, stats, failures } }) => ({ stats,
  executions: executions.map((e) => [e.item.name, e.response?.code, (e.assertions ?? []).map((a) => [a.assertion, a.error?.message])]),
  failures: failures.map((f) => [f.source.name, f.error.message]) });

test('every auth type is let in where newman is, with as many requests', async (t) => {
  const dir = await tempDir(t);
  const seen = { newman: [], gatepost: [] };
  const reports = {};
  for (const [who, options, head] of [['newman', { program: process.execPath }, [newman, 'run']], ['gatepost', {}, ['run']]]) {
    const origin = await judge(t, seen[who]);
    await writeFile(join(dir, 'c.json'), JSON.stringify({ info: { name: 'auth', schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json' }, item: [...items(), ...windows] }));
    const out = join(dir, `${who}.json`);
    const { stderr } = await run([...head, 'c.json', '--global-var', `origin=${origin}`, '-r', 'json', '--reporter-json-export', out],
      { env: envOf(dir), cwd: dir, ...options });
    assert.equal(stderr.includes('Sanitizer'), false, stderr);
    reports[who] = essence(JSON.parse(await readFile(out, 'utf8')));
  }
  assert.deepEqual(seen.gatepost, seen.newman);
  assert.deepEqual(reports.gatepost, reports.newman);
  assert.deepEqual(reports.gatepost.failures.map(([name]) => name), ['digest, wrong password', 'digest, no retry',
    'ntlm, wrong password', 'ntlm, no retry']);
});

// Where gatepost goes beyond newman: the nonce is the origin's, a refusal of another's isn't the end,
// and a host that a redirect has led to gets nothing signed.
test('a digest is answered to the origin that asked, also for scripts', async (t) => {
  const dir = await tempDir(t);
  const seen = { a: [], b: [] };
  const [a, b] = [await judge(t, seen.a), await judge(t, seen.b)];
  const away = await serve(t, (req, res) => {
    seen.a.push(`away ${req.headers.authorization ?? 'plain'}`);
    res.writeHead(302, { location: `${b.replace('127.0.0.1', 'localhost')}/digest/MD5/auth/led` }).end();
  });
  const at = (origin, name, path) => ({ name, request: { method: 'GET', url: `${origin}/${path}` } });
  const scripted = { listen: 'test', script: { exec: [
    `pm.sendRequest({ url: '${a}/digest/SHA-256/auth/script', auth: ${JSON.stringify(auth('digest', { ...password, algorithm: 'SHA-256' }))} },`,
    "  (e, res) => pm.test('script', () => pm.expect(res.code).to.equal(200)))"] } };
  await writeFile(join(dir, 'c.json'), JSON.stringify({ info: { name: 'two', schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json' },
    auth: auth('digest', password),
    item: [at(a, 'a', 'digest/MD5/auth/1'), at(b, 'b', 'digest/MD5/auth/1'), at(away, 'away', ''), { ...at(b, 'b again', 'digest/MD5/auth/2'), event: [scripted] }] }));
  const { code, stdout, stderr } = await run(['run', 'c.json'], { env: envOf(dir), cwd: dir });
  assert.equal(code, 0, stdout + stderr);
  assert.deepEqual(seen.a, ['GET /digest/MD5/auth/1 false', 'GET /digest/MD5/auth/1 true', 'away plain',
    'GET /digest/SHA-256/auth/script false', 'GET /digest/SHA-256/auth/script true']);
  assert.deepEqual(seen.b, ['GET /digest/MD5/auth/1 false', 'GET /digest/MD5/auth/1 true', 'GET /digest/MD5/auth/led false', 'GET /digest/MD5/auth/2 true']);
});
