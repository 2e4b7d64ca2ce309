// SPDX-License-Identifier: Apache-2.0
// Tokens between strangers: `gatepost token verify` judges those of oidc-provider, which openid-client
// obtained, and jose judges those of the running `gatepost up`.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { createRemoteJWKSet, decodeProtectedHeader, exportJWK, importJWK, importX509, jwtVerify, SignJWT } from 'jose';
import Provider from 'oidc-provider';
import * as client from 'openid-client';
import { envOf, run, serve, tempDir } from './lib.mjs';
import { claimsOf, ECHO, idToken, reclaimed, stageUp, tampered, TESTER } from './stage.mjs';

const API = 'https://api.example';
const ALGORITHMS = { RS256: ['rsa', { modulusLength: 2048 }], PS256: ['rsa', { modulusLength: 2048 }],
  ES256: ['ec', { namedCurve: 'P-256' }], ES384: ['ec', { namedCurve: 'P-384' }], EdDSA: ['ed25519', {}] };

async function newKey(alg, kid) {
  const { privateKey } = generateKeyPairSync(...ALGORITHMS[alg]);
  return { ...await exportJWK(privateKey), kid, alg, use: 'sig' };
}

/** A provider on loopback whose one person is always signed in by name: { issuer, config, keys }. */
async function startProvider(t) {
  const keys = Object.fromEntries(await Promise.all(Object.keys(ALGORITHMS).map(async (alg) => [alg, await newKey(alg, `key-${alg}`)])));
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.close(); server.closeAllConnections(); });
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const clients = Object.keys(ALGORITHMS).map((alg) => ({
    client_id: `client-${alg}`, client_secret: 'a-secret-of-the-test', redirect_uris: [`${issuer}/callback`],
    grant_types: ['client_credentials', 'authorization_code'], response_types: ['code'], id_token_signed_response_alg: alg }));
  const provider = new Provider(issuer, {
    clients,
    jwks: { keys: Object.values(keys) },
    cookies: { keys: ['for a test'] },
    enabledJWA: { idTokenSigningAlgValues: Object.keys(ALGORITHMS) },
    interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    async loadExistingGrant(ctx) {
      const grant = new provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope('openid');
      await grant.save();
      return grant;
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => API,
        getResourceServerInfo: (ctx, indicator, { clientId }) => ({ scope: '', audience: indicator,
          accessTokenFormat: 'jwt', accessTokenTTL: 600, jwt: { sign: { alg: clientId.slice('client-'.length) } } }),
      },
    },
  });
  const callback = provider.callback();
  server.on('request', (request, response) => (request.url.startsWith('/interaction/')
    ? provider.interactionFinished(request, response, { login: { accountId: 'jane' } })
    : callback(request, response)));
  const configs = {};
  for (const { client_id: id, client_secret: secret, id_token_signed_response_alg: alg } of clients) {
    configs[alg] = await client.discovery(new URL(issuer), id, { id_token_signed_response_alg: alg }, client.ClientSecretPost(secret),
      { execute: [client.allowInsecureRequests] });
  }
  return { issuer, configs, keys };
}

/** Walks the authorization code flow as a browser would, cookies and all, and returns the ID token. */
async function signIn({ issuer, configs }, alg) {
  const verifier = client.randomPKCECodeVerifier();
  let url = client.buildAuthorizationUrl(configs[alg], { redirect_uri: `${issuer}/callback`, scope: 'openid',
    code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' });
  const cookies = new Map();
  while (url.pathname !== '/callback') {
    const answer = await fetch(url, { redirect: 'manual', headers: { cookie: [...cookies].map((c) => c.join('=')).join('; ') } });
    for (const line of answer.headers.getSetCookie()) cookies.set(...line.split(';')[0].split(/=(.*)/s, 2));
    assert.ok([302, 303].includes(answer.status), `${url}: ${answer.status} ${await answer.text()}`);
    url = new URL(answer.headers.get('location'), url);
  }
  return (await client.authorizationCodeGrant(configs[alg], url, { pkceCodeVerifier: verifier })).id_token;
}

const provider = await startProvider({ after });
const home = await tempDir({ after });
const gatepost = (args, input) => run(args, { env: envOf(home), cwd: home, input });
const verify = (token, audience, ...more) =>
  gatepost(['token', 'verify', '--issuer', provider.issuer, '--audience', audience, ...more], token);

for (const alg of Object.keys(ALGORITHMS)) {
  test(`tokens of oidc-provider pass, signed with ${alg}`, async () => {
    const { access_token: access } = await client.clientCredentialsGrant(provider.configs[alg], { resource: API });
    assert.equal(decodeProtectedHeader(access).alg, alg);
    const machine = await verify(access, API);
    assert.deepEqual([machine.code, machine.stderr], [0, '']);
    assert.match(machine.stdout, /an access token: Cloud Run takes ID tokens only/);
    const id = await signIn(provider, alg);
    assert.equal(decodeProtectedHeader(id).alg, alg);
    const person = await verify(id, `client-${alg}`, '--format', 'json');
    assert.deepEqual([person.code, person.stderr], [0, '']);
    assert.match(person.stdout, /"jane"/);
    for (const shown of [machine.stdout, person.stdout]) {
      assert.ok(![access, id].some((token) => shown.includes(token.split('.')[2].slice(0, 24))), 'a token is shown');
    }
    const damaged = await verify(tampered(id), `client-${alg}`);
    assert.equal(damaged.code, 1);
    assert.match(damaged.stdout, /\[GP-JWT-06\]/);
  });
}

test('each kind of damage has its own code', async () => {
  const { access_token: good } = await client.clientCredentialsGrant(provider.configs.RS256, { resource: API });
  const now = Math.floor(Date.now() / 1000);
  const { keys: { RS256: own }, issuer } = provider;
  const sign = async (claims, { key = own, header = {} } = {}) => new SignJWT({ ...claimsOf(good), ...claims })
    .setProtectedHeader({ alg: 'RS256', kid: own.kid, ...header }).sign(await importJWK(key, 'RS256'));
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const [head, body, signature] = good.split('.');
  const rows = [
    ['no token', 'nonsense', 'GP-JWT-01'],
    ['four parts', `${good}.x`, 'GP-JWT-01'],
    ['claims that are no JSON', `${head}.${Buffer.from('{').toString('base64url')}.${signature}`, 'GP-JWT-(01|03)'],
    ['alg none', `${encode({ alg: 'none', kid: own.kid })}.${body}.`, 'GP-JWT-0[124]'],
    ['alg of the other family, keyed with the public key', await new SignJWT(claimsOf(good))
      .setProtectedHeader({ alg: 'HS256', kid: own.kid }).sign(new TextEncoder().encode(own.n)), 'GP-JWT-0[24]'],
    ['alg of another key', await sign({}, { header: { kid: 'key-ES256' } }), 'GP-JWT-0[46]'],
    ['an unknown key', await sign({}, { key: await newKey('RS256', 'x'), header: { kid: 'unknown' } }), 'GP-JWT-05'],
    ['another key under the same name', await sign({}, { key: await newKey('RS256', 'x') }), 'GP-JWT-06'],
    ['other claims under the signature', reclaimed(good, { sub: 'root' }), 'GP-JWT-06'],
    ['a critical extension', await sign({}, { header: { crit: ['b64'], b64: true } }), 'GP-JWT-02'],
    ['another issuer', await sign({ iss: 'https://evil.example' }), 'GP-JWT-08'],
    ['the issuer with a slash', await sign({ iss: `${issuer}/` }), 'GP-JWT-08'],
    ['expired', await sign({ iat: now - 7200, nbf: now - 7200, exp: now - 3600 }), 'GP-JWT-09'],
    ['not yet', await sign({ nbf: now + 3600, exp: now + 7200 }), 'GP-JWT-10'],
    ['no expiry', await sign({ exp: undefined }), 'GP-JWT-0[39]'],
    ['another audience', await sign({ aud: 'https://other.example' }), 'GP-AUD-01'],
    ['an audience that only begins so', await sign({ aud: `${API}.evil.example` }), 'GP-AUD-01'],
  ];
  for (const [name, token, id] of rows) {
    const r = await verify(token, API);
    assert.equal(r.code, 1, `${name}\n${r.stdout}${r.stderr}`);
    assert.match(r.stdout, new RegExp(`\\[${id}\\]`), name);
  }
  const several = await verify(await sign({ aud: ['https://other.example', API] }), API);
  assert.equal(several.code, 0, several.stderr);
});

test('the issuer is asked by its discovery document, which must name itself', async (t) => {
  // A discovery document that was copied from the real provider: its keys are not this issuer's.
  const copy = await serve(t, async (request, response) => {
    const original = await fetch(`${provider.issuer}${request.url}`);
    response.writeHead(original.status, { 'content-type': 'application/json' }).end(await original.text());
  });
  const signed = async (iss) => new SignJWT({ iss, aud: API, sub: 'jane' }).setIssuedAt().setExpirationTime('5m')
    .setProtectedHeader({ alg: 'RS256', kid: provider.keys.RS256.kid }).sign(await importJWK(provider.keys.RS256, 'RS256'));
  const copied = await gatepost(['token', 'verify', '--issuer', copy, '--audience', API], await signed(copy));
  assert.equal(copied.code, 5, copied.stdout + copied.stderr);
  assert.match(copied.stdout, /\[GP-OIDC-02\]/);
  const gone = await gatepost(['token', 'verify', '--issuer', 'http://127.0.0.1:1', '--audience', API], await signed('http://127.0.0.1:1'));
  assert.equal(gone.code, 5);
  assert.match(gone.stdout, /\[GP-OIDC-02\]/);
  const genuine = await gatepost(['token', 'verify', '--issuer', provider.issuer, '--audience', API], await signed(provider.issuer));
  assert.deepEqual([genuine.code, genuine.stderr], [0, '']);
});

test('jose verifies local tokens by the key set and by the x509 map', async (t) => {
  const gp = await stageUp(t);
  const token = await idToken(gp, 'tester', ECHO);
  const wanted = { issuer: gp.addresses.issuer, audience: ECHO };
  const byKeys = await jwtVerify(token, createRemoteJWKSet(new URL(gp.addresses.jwks)), wanted);
  assert.deepEqual([byKeys.payload.email, byKeys.payload.aud, byKeys.protectedHeader.alg], [TESTER, ECHO, 'RS256']);
  const map = await (await fetch(gp.addresses.certs)).json();
  const cert = await importX509(map[decodeProtectedHeader(token).kid], 'RS256');
  assert.equal((await jwtVerify(token, cert, wanted)).payload.sub, byKeys.payload.sub);
  await assert.rejects(jwtVerify(tampered(token), cert, wanted), { code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' });
  await assert.rejects(jwtVerify(token, cert, { ...wanted, audience: 'https://other.example' }), { code: 'ERR_JWT_CLAIM_VALIDATION_FAILED' });
  const ours = await gp.gatepost(['token', 'verify', '--local', '--audience', ECHO], { input: token });
  assert.deepEqual([ours.code, ours.stderr], [0, '']);
});
