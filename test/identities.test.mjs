// SPDX-License-Identifier: Apache-2.0
// Identities that are OAuth 2 clients, against issuers that others wrote: each grant, each way in
// which a client proves itself, signing in and out. The sign-ins are kept in the kernel's keyring.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { exportJWK } from 'jose';
import Provider from 'oidc-provider';
import { browse, claims, login, person, SECRET } from './identities.mjs';
import { serve } from './lib.mjs';

const API = 'https://api.example';
const rsa = () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

// ---- oidc-provider --------------------------------------------------------------------------------

async function startProvider(t, { clients, rotate = true } = {}) {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.close(); server.closeAllConnections(); });
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const key = { ...await exportJWK(rsa()), kid: 'k', alg: 'RS256', use: 'sig' };
  const provider = new Provider(issuer, {
    clients: clients.map((c) => ({ redirect_uris: [], response_types: [], ...c })),
    jwks: { keys: [key] },
    cookies: { keys: ['for a test'] },
    interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, email: `${id}@example.com` }) }),
    claims: { openid: ['sub', 'email'] },
    conformIdTokenClaims: false,
    rotateRefreshToken: rotate,
    ttl: { AccessToken: 600, RefreshToken: 86400 },
    async loadExistingGrant(ctx) {
      const grant = new provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope('openid offline_access');
      await grant.save();
      return grant;
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => API,
        getResourceServerInfo: (ctx, indicator) => ({ scope: 'read write', audience: indicator,
          accessTokenFormat: 'jwt', accessTokenTTL: 600 }),
      },
    },
  });
  const callback = provider.callback();
  const asked = [];
  server.on('request', async (request, response) => {
    asked.push(`${request.method} ${request.url.split('?')[0]}`);
    if (!request.url.startsWith('/interaction/')) return callback(request, response);
    const { prompt, session, params } = await provider.interactionDetails(request, response);
    if (prompt.name === 'login') {
      return provider.interactionFinished(request, response, { login: { accountId: 'jane' } });
    }
    const grant = new provider.Grant({ clientId: params.client_id, accountId: session.accountId });
    grant.addOIDCScope('openid offline_access');
    return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
  });
  return { issuer, provider, asked };
}

const CONFIDENTIAL = { grant_types: ['client_credentials'] };

test('client credentials, however the client proves itself', async (t) => {
  const key = rsa();
  const pub = { ...await exportJWK(key), kid: 'mine', use: 'sig', alg: 'RS256' };
  for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi']) delete pub[name];
  const { issuer } = await startProvider(t, { clients: [
    { client_id: 'by basic', client_secret: `${SECRET}:&=`, token_endpoint_auth_method: 'client_secret_basic', ...CONFIDENTIAL },
    { client_id: 'by-post', client_secret: SECRET, token_endpoint_auth_method: 'client_secret_post', ...CONFIDENTIAL },
    { client_id: 'by-key', token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [pub] }, ...CONFIDENTIAL },
  ] });
  const base = { grant: 'client_credentials', issuer, scope: 'read' };
  const { token, gatepost } = await person(t, {
    basic: { oauth: { ...base, client_id: 'by basic', client_secret: { env: 'HUSH' } } },
    post: { oauth: { ...base, client_id: 'by-post', client_secret: { file: 'secret' }, client_auth: 'client_secret_post' } },
    key: { oauth: { ...base, client_id: 'by-key', private_key: 'key.pem', key_id: 'mine' } },
    wrong: { oauth: { ...base, client_id: 'by-post', client_secret: { env: 'WRONG' }, client_auth: 'client_secret_post' } },
    unset: { oauth: { ...base, client_id: 'by-post', client_secret: { env: 'NOT_THERE' } } },
  }, { env: { HUSH: `${SECRET}:&=`, WRONG: 'not it' },
    files: { secret: `${SECRET}\n`, 'key.pem': key.export({ type: 'pkcs8', format: 'pem' }) } });
  for (const [name, id] of [['basic', 'by basic'], ['post', 'by-post'], ['key', 'by-key']]) {
    const got = claims(await token(name));
    assert.deepEqual([got.iss, got.aud, got.client_id, got.scope], [issuer, API, id, 'read'], name);
  }
  assert.equal(claims(await token('post', '--scope', 'read write')).scope, 'read write');
  const wrong = await gatepost(['token', '--identity', 'wrong']);
  assert.equal(wrong.code, 4);
  assert.match(wrong.stderr, /invalid_client.*\[GP-CRED-04\]\n {2}hint: is client_id right.*client_secret_post/);
  const unset = await gatepost(['token', '--identity', 'unset']);
  assert.match(unset.stderr, /client_secret: the variable NOT_THERE isn't set \[GP-CRED-02\]/);
  const audience = await gatepost(['token', '--identity', 'basic', '--audience', API]);
  assert.equal(audience.code, 2);
  for (const one of [wrong, unset, audience]) assert.ok(!one.stderr.includes(SECRET));
});

const PERSON = { grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
  response_types: ['code'], redirect_uris: ['http://127.0.0.1/callback'], application_type: 'native',
  token_endpoint_auth_method: 'none' };

async function signedUp(t) {
  let who;
  t.after(() => who.gatepost(['logout', 'me'])); // before the folder and the issuer go
  const served = await startProvider(t, { clients: [{ client_id: 'cli', ...PERSON }] });
  const oauth = { grant: 'authorization_code', issuer: served.issuer, client_id: 'cli', scope: 'openid offline_access' };
  who = await person(t, { me: { oauth: { ...oauth, token: 'id' } }, api: { oauth } });
  return { ...served, ...who };
}

test('a browser signs in, tokens are refreshed by what the keyring keeps, and logout revokes it', async (t) => {
  const { issuer, asked, gatepost, token, ...who } = await signedUp(t);
  const before = await gatepost(['token', '--identity', 'me']);
  assert.equal(before.code, 4);
  assert.match(before.stderr, /nobody is signed in for the identity me \[GP-CRED-11\]\n {2}hint: gatepost login me/);

  const end = await login(t, who, ['me'], async (url) => {
    const query = new URL(url).searchParams;
    assert.equal(query.get('code_challenge_method'), 'S256');
    assert.match(query.get('redirect_uri'), /^http:\/\/127\.0\.0\.1:\d+\/callback$/);
    const page = await browse(url);
    assert.equal(page.status, 200);
    assert.match(page.text, /You are signed in/);
  });
  assert.deepEqual([end.code, end.stdout], [0, 'signed in: me as jane@example.com\n']);

  const id = claims(await token('me'));
  assert.deepEqual([id.iss, id.aud, id.sub], [issuer, 'cli', 'jane']);
  await token('me'); // the refresh token was rotated by the one before
  // The sign-in is of the client, whatever the identity is called.
  assert.ok((await token('api')).length > 20);
  const whoami = await gatepost(['whoami', '--identity', 'me']);
  assert.match(whoami.stdout, /^source +OAuth 2 client$/m);

  const out = await gatepost(['logout', 'me']);
  assert.deepEqual([out.code, out.stdout], [0, 'signed out: me as jane@example.com; the issuer revoked the sign-in\n']);
  assert.ok(asked.includes('POST /token/revocation'));
  assert.match((await gatepost(['token', '--identity', 'me'])).stderr, /\[GP-CRED-11\]/);
  const again = await gatepost(['logout', 'me']);
  assert.deepEqual([again.code, again.stdout], [0, 'nobody was signed in: me\n']);
});

test('processes that renew one sign-in at the same time take turns', async (t) => {
  const { token, ...who } = await signedUp(t);
  await login(t, who, ['me'], browse);
  const got = await Promise.all(Array.from({ length: 5 }, () => token('me')));
  for (const one of got) assert.equal(claims(one).sub, 'jane');
});

test('a code on another device signs in', async (t) => {
  const { token, ...who } = await signedUp(t);
  const end = await login(t, who, ['me', '--device'], async (url, told) => {
    const code = told.match(/enter the code (\S+)/)[1];
    const page = await browse(`${url}?user_code=${code}`);
    assert.match(page.text, /success|signed/i);
  });
  assert.deepEqual([end.code, end.stdout], [0, 'signed in: me as jane@example.com\n']);
  assert.equal(claims(await token('me')).sub, 'jane');
});

test('T29 an answer that isn\'t this sign-in\'s changes nothing', async (t) => {
  const { token, ...who } = await signedUp(t);
  const end = await login(t, who, ['me'], async (url) => {
    const back = new URL(url).searchParams.get('redirect_uri');
    const state = new URL(url).searchParams.get('state');
    const get = async (path, headers) => (await fetch(new URL(path, back), { headers })).status;
    assert.equal(await get('/callback?code=forged&state=other'), 400);
    assert.equal(await get('/callback?code=forged'), 400);
    assert.equal(await get(`/callback?code=a&code=b&state=${state}`), 400);
    assert.equal(await get(`/callback?state=${state}&state=${state}&code=a`), 400);
    assert.equal(await get('/'), 404);
    assert.equal((await fetch(back, { method: 'POST' })).status, 404);
    assert.equal((await browse(url)).status, 200);
  });
  assert.equal(end.code, 0);
  assert.equal(claims(await token('me')).sub, 'jane');
});

test('what an issuer refuses, or another one answers, ends the sign-in', async (t) => {
  const { issuer, ...who } = await signedUp(t);
  const refused = await login(t, who, ['me'], async (url) => {
    const query = new URL(url).searchParams;
    const back = `${query.get('redirect_uri')}?error=access_denied&error_description=no&state=${query.get('state')}&iss=${encodeURIComponent(issuer)}`;
    assert.equal((await fetch(back)).status, 400);
  });
  assert.equal(refused.code, 4);
  assert.match(refused.stderr, /access_denied: no \[GP-CRED-04\]/);
  const mixed = await login(t, who, ['me'], async (url) => {
    const query = new URL(url).searchParams;
    await fetch(`${query.get('redirect_uri')}?code=a&state=${query.get('state')}&iss=${encodeURIComponent('https://other.example')}`);
  });
  assert.match(mixed.stderr, /another issuer: https:\/\/other\.example \[GP-CRED-04\]/);
});

test('an issuer that isn\'t what it says', async (t) => {
  let body = {};
  const base = await serve(t, (request, response) => {
    const at = request.url === '/.well-known/oauth-authorization-server' ? body : null;
    response.writeHead(at ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(at ?? {}));
  });
  const oauth = { grant: 'client_credentials', issuer: base, client_id: 'c', client_secret: { env: 'HUSH' } };
  const { gatepost } = await person(t, { it: { oauth },
    plain: { oauth: { ...oauth, issuer: 'http://login.example.com' } } }, { env: { HUSH: SECRET } });
  for (const [what, says] of [[{ issuer: 'https://other.example' }, /is that of https:\/\/other\.example/],
    [{ issuer: base }, /names no token_endpoint/],
    [{ issuer: base, token_endpoint: 'http://10.0.0.1/token' }, /over plain http/],
    [null, /has no metadata: it answered 404/]]) {
    body = what;
    const { code, stderr } = await gatepost(['token', '--identity', 'it']);
    assert.equal(code, 4);
    assert.match(stderr, says);
    assert.match(stderr, /\[GP-CRED-12\]/);
  }
  assert.match((await gatepost(['whoami', '--identity', 'plain'])).stderr, /plain http \[GP-CRED-12\]\n {2}hint: https keeps/);
});
