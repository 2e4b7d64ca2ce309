// SPDX-License-Identifier: Apache-2.0
// The grants of oauth2 that need no person: newman sends such requests without a token, Gatepost
// fetches one. The token endpoint here is strict about what RFC 6749 and RFC 7523 ask of a client.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { jwtVerify } from 'jose';
import { envOf, run, serve, tempDir } from './lib.mjs';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });

async function bodyOf(req) {
  let text = '';
  for await (const piece of req) text += piece;
  return text;
}

/** A token endpoint and an API that takes its tokens. `asked` has the forms, `seen` the API's calls. */
async function world(t, { life = 3600, refuse } = {}) {
  const w = { asked: [], seen: [], good: new Set(), all: [] };
  const answer = (res, status, body) => res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  async function token(req, res) {
    const form = Object.fromEntries(new URLSearchParams(await bodyOf(req)));
    w.asked.push({ ...form, basic: req.headers.authorization && Buffer.from(req.headers.authorization.slice(6), 'base64').toString() });
    if (refuse?.(form)) return answer(res, 400, { error: 'invalid_grant', error_description: 'no more' });
    const access_token = `granted-${w.asked.length}-${Math.random().toString(36).slice(2)}`;
    const refresh_token = `again-${w.asked.length}-${Math.random().toString(36).slice(2)}`;
    w.good.add(access_token);
    w.all.push(access_token, refresh_token);
    return answer(res, 200, { access_token, token_type: 'Bearer', expires_in: life, ...(form.grant_type !== 'client_credentials' && { refresh_token }) });
  }
  w.url = await serve(t, (req, res) => {
    if (req.url.startsWith('/token')) return token(req, res);
    const given = req.headers.authorization?.replace('Bearer ', '') ?? new URL(req.url, 'http://x').searchParams.get('access_token');
    w.seen.push(given);
    return answer(res, w.good.has(given) ? 200 : 401, { echo: given ?? null });
  });
  return w;
}

const oauth2 = (w, more) => ({ type: 'oauth2', oauth2: Object.entries({ accessTokenUrl: `${w.url}/token`, clientId: 'app', clientSecret: 'shh=1',
  ...more }).map(([key, value]) => ({ key, value, type: 'any' })) });

async function send(t, auth, { items = 1, args = [], test: script } = {}) {
  const dir = await tempDir(t);
  const event = script && [{ listen: 'test', script: { exec: script.split('\n') } }];
  await writeFile(join(dir, 'c.json'), JSON.stringify({ info: { name: 'grants', schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json' },
    auth: auth.auth, item: Array.from({ length: items }, (_, i) => ({ name: `r${i}`, event, request: { url: `${auth.url}/api` } })) }));
  const out = await run(['run', 'c.json', '-r', 'cli,json,junit,html', '--reporter-json-export', 'r.json', '--reporter-junit-export', 'r.xml',
    '--reporter-html-export', 'r.html', '--verbose', ...args], { env: envOf(dir), cwd: dir });
  const codes = JSON.parse(await readFile(join(dir, 'r.json'), 'utf8')).run.executions.map((e) => e.response?.code);
  const files = await Promise.all(['r.json', 'r.xml', 'r.html'].map((f) => readFile(join(dir, f), 'utf8')));
  return { ...out, codes, written: [out.stdout, out.stderr, ...files].join('\n'), names: await readdir(dir) };
}

const grants = {
  client_credentials: [{}, { grant_type: 'client_credentials', basic: 'app:shh%3D1' }],
  'client_credentials in the body': [{ grant_type: 'client_credentials', client_authentication: 'body', scope: 'a b', audience: 'api' },
    { grant_type: 'client_credentials', client_id: 'app', client_secret: 'shh=1', scope: 'a b', audience: 'api', basic: undefined }],
  password_credentials: [{ username: 'me', password: 'p&w' }, { grant_type: 'password', username: 'me', password: 'p&w', basic: 'app:shh%3D1' }],
  refresh_token: [{ refreshToken: 'kept-before' }, { grant_type: 'refresh_token', refresh_token: 'kept-before', basic: 'app:shh%3D1' }],
  authorization_code: [{ refreshToken: 'kept-before', authUrl: 'http://127.0.0.1:1/' },
    { grant_type: 'refresh_token', refresh_token: 'kept-before', basic: 'app:shh%3D1' }],
  'client_credentials with more': [{ grant_type: 'client_credentials', tokenRequestParams: [{ key: 'tenant', value: 'x', send_as: 'request_body' },
    { key: 'off', value: 'y', enabled: false }] }, { grant_type: 'client_credentials', tenant: 'x', basic: 'app:shh%3D1' }],
};

for (const [name, [parameters, form]] of Object.entries(grants)) {
  test(`a token is fetched once and used: ${name}`, async (t) => {
    const w = await world(t);
    const r = await send(t, { url: w.url, auth: oauth2(w, { grant_type: name, ...parameters }) }, { items: 3 });
    assert.deepEqual(r.codes, [200, 200, 200], r.stdout);
    assert.deepEqual(w.asked, [form.basic ? form : { ...form, basic: undefined }]);
    assert.equal(r.code, 0);
  });
}

test('jwt_bearer signs an assertion for the token endpoint', async (t) => {
  const w = await world(t);
  const r = await send(t, { url: w.url, auth: oauth2(w, { grant_type: 'jwt_bearer', privateKey: pem, payload: '{"scope": "read"}' }) });
  assert.deepEqual(r.codes, [200], r.stdout);
  const { payload, protectedHeader } = await jwtVerify(w.asked[0].assertion, publicKey, { issuer: 'app', audience: `${w.url}/token` });
  assert.deepEqual([payload.scope, payload.sub, protectedHeader.alg], ['read', 'app', 'RS256']);
});

test('a token may go into the query, and into what a script asks', async (t) => {
  const w = await world(t);
  const auth = oauth2(w, { grant_type: 'client_credentials', addTokenTo: 'queryParams' });
  const r = await send(t, { url: w.url, auth }, { test: `pm.sendRequest({ url: '${w.url}/api', auth: ${JSON.stringify(auth)} }, (e, res) => pm.test('asked', () => pm.expect(res.code).to.equal(200)))` });
  assert.deepEqual([r.codes, r.code], [[200, 200], 0], r.stdout);
  assert.equal(w.asked.length, 1);
});

/** Each token is good for one request. */
function forget({ good }) {
  const has = good.has.bind(good);
  good.has = (token) => has(token) && good.delete(token);
}

test('a token that is refused is refreshed, and the request sent once more', async (t) => {
  const w = await world(t);
  forget(w);
  const r = await send(t, { url: w.url, auth: oauth2(w, { grant_type: 'password_credentials', username: 'me', password: 'pw12' }) }, { items: 2 });
  assert.deepEqual(w.asked.map((f) => f.grant_type), ['password', 'refresh_token'], r.stdout);
  assert.equal(w.seen.length, 3);
  assert.equal(r.codes.at(-1), 200);
});

test('a token that ends soon is not used', async (t) => {
  const w = await world(t, { life: 1 });
  const wait = 'setTimeout(() => {}, 1100)';
  const r = await send(t, { url: w.url, auth: oauth2(w, { grant_type: 'client_credentials' }) }, { items: 2, test: wait });
  assert.deepEqual([r.codes, w.asked.length], [[200, 200], 2]);
});

test('a refresh token that has ended too makes way for the grant', async (t) => {
  const w = await world(t, { refuse: (form) => form.grant_type === 'refresh_token' });
  forget(w);
  const r = await send(t, { url: w.url, auth: oauth2(w, { grant_type: 'password_credentials', username: 'me', password: 'pw12' }) }, { items: 2 });
  assert.deepEqual(w.asked.map((f) => f.grant_type), ['password', 'refresh_token', 'password'], r.stdout);
  assert.equal(r.codes.at(-1), 200);
});

for (const args of [[], ['--show-secrets']]) {
  test(`T43_no_report_shows_a_token_of_a_grant ${args}`, async (t) => {
    const w = await world(t);
    const r = await send(t, { url: w.url, auth: oauth2(w, { grant_type: 'password_credentials', username: 'me', password: 'pw12' }) },
      { args, test: "console.log(pm.request.headers.get('authorization'), pm.response.text()); pm.test(pm.response.text(), () => {})" });
    assert.deepEqual(r.codes, [200]);
    for (const token of w.all) assert(!r.written.includes(token), token);
    assert.equal(r.written.includes('shh=1'), args.length > 0);
  });
}

const refused = {
  'the endpoint refuses': [{ grant_type: 'client_credentials' }, /token endpoint answered 400: invalid_grant: no more/, () => true],
  'the endpoint is away': [{ grant_type: 'client_credentials', accessTokenUrl: 'http://127.0.0.1:1/token' }, /token endpoint can't be reached/],
  'a person is needed': [{ grant_type: 'authorization_code' }, /needs a person: sign in once/],
  'a parameter is missing': [{ grant_type: 'password_credentials', username: 'me' }, /the grant lacks 'password'/],
  'it is unknown': [{ grant_type: 'implicit' }, /the grant 'implicit' can't be had without a person/],
  'the key is none': [{ grant_type: 'jwt_bearer', privateKey: 'x' }, /assertion can't be signed/],
};
for (const [name, [parameters, says, refuse]] of Object.entries(refused)) {
  test(`without a token the request is sent as newman sends it, and the run says why: ${name}`, async (t) => {
    const w = await world(t, { refuse });
    const r = await send(t, { url: w.url, auth: oauth2(w, parameters) });
    assert.deepEqual([r.codes, w.seen], [[401], [null]]);
    assert.match(r.stdout.replaceAll(/\s*\n[│ ]*/g, ' '), says);
  });
}
