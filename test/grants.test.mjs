// SPDX-License-Identifier: Apache-2.0
// Identities against oidc-provider over TLS: clients that prove themselves by keys and certificates, at
// each endpoint, and the grants by which one token becomes another. Which grant is tested against whom
// (i: identities, m: mock-issuer, g: glewlwyd, here: this file):
//
//                                  oidc-provider   oauth2-mock-server   glewlwyd
//   client credentials
//     client_secret_basic, _post   i               m (basic)            g
//     private_key_jwt              i, here         doesn't have it      g
//     certificate, of a CA or own  here            doesn't have it      untested: wants TLS of its own
//   authorization code, PKCE       i, here         m                    g
//   device code                    i, here         doesn't have it      g
//   refresh, rotated               i, here         m (not rotated)      g
//   revocation by logout           i, here         m                    g
//   token exchange                 here            doesn't have it      doesn't have it
//   JWT bearer                     here            doesn't have it      doesn't have it
//
// oidc-provider itself refuses an assertion without jti, with one that it saw before, or for another audience.
import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { before, test } from 'node:test';
import { createLocalJWKSet, exportJWK, jwtVerify } from 'jose';
import Provider, { errors } from 'oidc-provider';
import { browse, claims, login, person } from './identities.mjs';
import { handed, minted, run, tempDir } from './lib.mjs';

const API = 'https://api.example';
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const LIFETIME_S = 60; // of what a client signs
const KEYS = { RS256: ['rsa', { modulusLength: 2048 }], ES256: ['ec', { namedCurve: 'P-256' }], EdDSA: ['ed25519', {}] };
const pem = (key) => key.export({ type: 'pkcs8', format: 'pem' });

async function publicJwk(key, more) {
  const { d, p, q, dp, dq, qi, ...open } = await exportJWK(key);
  return { ...open, ...more };
}

// ---- certificates -----------------------------------------------------------------------------------

const files = {}; // by name, PEM

async function openssl(dir, ...args) {
  const end = await run(args, { program: 'openssl', cwd: dir, env: { PATH: process.env.PATH } });
  assert.equal(end.code, 0, end.stderr);
}

/** NAME.pem and NAME.key in dir; without a signer it signs itself. */
async function certify(dir, name, { signer, subject = `/CN=${name}`, extension } = {}) {
  await openssl(dir, 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-days', '2', '-subj', subject,
    '-keyout', `${name}.key`, '-out', `${name}.pem`, ...(extension ? ['-addext', extension] : []),
    ...(signer ? ['-CA', `${signer}.pem`, '-CAkey', `${signer}.key`] : []));
  for (const end of ['pem', 'key']) files[`${name}.${end}`] = await readFile(join(dir, `${name}.${end}`), 'utf8');
}

let bundle; // the CA, as SSL_CERT_FILE has it
before(async (t) => {
  const dir = await tempDir(t);
  await certify(dir, 'ca', { extension: 'keyUsage=critical,keyCertSign' });
  await certify(dir, 'server', { signer: 'ca', extension: 'subjectAltName=IP:127.0.0.1' });
  await certify(dir, 'robot', { signer: 'ca' });
  await certify(dir, 'other', { signer: 'ca' });
  await certify(dir, 'own');
  await certify(dir, 'stranger', { subject: '/CN=robot' });
  bundle = files['ca.pem'];
  setDefaultCACertificates([...getCACertificates('default'), bundle]); // of this file's own fetch
});

// ---- oidc-provider ----------------------------------------------------------------------------------

const mTLS = {
  enabled: true, certificateBoundAccessTokens: true, tlsClientAuth: true, selfSignedTlsClientAuth: true,
  getCertificate: (ctx) => ctx.socket.getPeerX509Certificate(),
  certificateAuthorized: (ctx) => ctx.socket.authorized,
  certificateSubjectMatches: (ctx, property, wanted) => ctx.socket.getPeerX509Certificate().subject === wanted,
};

/** A grant by which `read` makes an account of a form's token: RFC 7523 and RFC 8693 as a grant of one's own. */
function addGrant(provider, name, fields, read) {
  provider.registerGrantType(name, async (ctx) => {
    const { client, params } = ctx.oidc;
    try {
      ctx.state.behalf = await read(ctx, params);
    } catch (error) {
      throw new errors.InvalidGrant('the token is not good', error.message);
    }
    const token = new provider.ClientCredentials({ client, scope: params.scope });
    token.resourceServer = new provider.ResourceServer(API, { scope: 'read write', audience: API, accessTokenFormat: 'jwt' });
    ctx.oidc.entity('ClientCredentials', token);
    ctx.body = { access_token: await token.save(), token_type: token.tokenType, expires_in: token.expiration,
      ...(name === EXCHANGE && { issued_token_type: params.requested_token_type }) };
  }, fields);
}

/** { issuer, provider, forms, assertions, gave }: what the token endpoint was asked and gave. */
async function startProvider(t, clients) {
  const server = createServer({ cert: files['server.pem'], key: files['server.key'], ca: files['ca.pem'], requestCert: true, rejectUnauthorized: false });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const served = { forms: [], assertions: [], gave: [], leave() {} };
  t.after(async () => { // while the issuer, and the folder of who signed in, are there
    await served.leave();
    server.close();
    server.closeAllConnections();
  });
  const issuer = `https://127.0.0.1:${server.address().port}`;
  const { privateKey } = generateKeyPairSync(...KEYS.RS256);
  const key = { ...await exportJWK(privateKey), kid: 'k', alg: 'RS256', use: 'sig' };
  const provider = new Provider(issuer, {
    clients: clients.map((c) => ({ redirect_uris: [], response_types: [], ...c })),
    jwks: { keys: [key] },
    cookies: { keys: ['for a test'] },
    clientAuthMethods: ['none', 'client_secret_basic', 'private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'],
    clientAuthSigningAlgValues: Object.keys(KEYS),
    enabledJWA: { clientAuthSigningAlgValues: Object.keys(KEYS) },
    assertJwtClientAuthClaimsAndHeader: (ctx, payload) => { served.assertions.push([ctx.oidc.route, payload]); },
    interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    extraTokenClaims: (ctx) => ctx.state.behalf && { behalf: ctx.state.behalf },
    rotateRefreshToken: true,
    ttl: { AccessToken: 600, ClientCredentials: 600, RefreshToken: 86400, IdToken: 600, Grant: 86400, Session: 600, Interaction: 600, DeviceCode: 600 },
    async loadExistingGrant(ctx) {
      const grant = new provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope('openid offline_access');
      grant.addResourceScope(API, 'read');
      await grant.save();
      return grant;
    },
    features: {
      devInteractions: { enabled: false }, clientCredentials: { enabled: true }, deviceFlow: { enabled: true },
      revocation: { enabled: true }, introspection: { enabled: true }, mTLS,
      resourceIndicators: { enabled: true, defaultResource: () => API, useGrantedResource: () => true,
        getResourceServerInfo: () => ({ scope: 'read write', audience: API, accessTokenFormat: 'jwt', accessTokenTTL: 600 }) },
    },
  });
  const tokens = createLocalJWKSet({ keys: [await publicJwk(privateKey, { kid: 'k', alg: 'RS256' })] });
  addGrant(provider, EXCHANGE, ['subject_token', 'subject_token_type', 'requested_token_type', 'scope'], async (ctx, params) =>
    (await jwtVerify(params.subject_token, tokens, { issuer, audience: API })).payload.client_id);
  addGrant(provider, BEARER, ['assertion', 'scope'], async (ctx, params) => {
    const registered = createLocalJWKSet(ctx.oidc.client.jwks);
    const { payload } = await jwtVerify(params.assertion, registered, { issuer: ctx.oidc.client.clientId, audience: `${issuer}/token`,
      requiredClaims: ['sub', 'exp', 'iat', 'jti'], maxTokenAge: LIFETIME_S });
    assert.equal(payload.exp - payload.iat, LIFETIME_S);
    return payload.sub;
  });
  provider.on('grant.success', (ctx) => {
    served.forms.push({ ...ctx.oidc.body });
    served.gave.push(ctx.body);
    for (const one of [ctx.body.access_token, ctx.body.id_token]) if (one) minted(one);
  });
  const callback = provider.callback();
  server.on('request', async (request, response) => {
    if (!request.url.startsWith('/interaction/')) return callback(request, response);
    const { prompt, session, params } = await provider.interactionDetails(request, response);
    if (prompt.name === 'login') return provider.interactionFinished(request, response, { login: { accountId: 'jane' } });
    const grant = new provider.Grant({ clientId: params.client_id, accountId: session.accountId });
    grant.addOIDCScope('openid offline_access');
    grant.addResourceScope(API, 'read');
    return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
  });
  return Object.assign(served, { issuer, provider });
}

/** A person whose identities these are, and who trusts the CA. */
async function owner(t, served, identities, more = {}) {
  const oauth = (one) => ({ oauth: { issuer: served.issuer, ...one } });
  const who = await person(t, Object.fromEntries(Object.entries(identities).map(([name, one]) => [name, oauth(one)])),
    { files: { ...files, ...more } });
  await writeFile(join(who.home, 'roots.pem'), bundle);
  who.env.SSL_CERT_FILE = join(who.home, 'roots.pem');
  // A token that works: its issuer's keys say so.
  who.good = async (token) => {
    const { code, stdout, stderr } = await who.gatepost(['token', 'verify', '--issuer', served.issuer, '--audience', API], { input: token });
    assert.deepEqual([code, stderr], [0, ''], stdout);
    return claims(token);
  };
  return who;
}

const BOT = { grant_types: ['client_credentials'] };
const PERSON = { grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
  response_types: ['code'], redirect_uris: ['http://127.0.0.1/callback'], application_type: 'native' };
const thumbprint = (name) => Buffer.from(new X509Certificate(files[`${name}.pem`]).fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');

// ---- clients that show a certificate ----------------------------------------------------------------

const BY_CA = { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: 'CN=robot', tls_client_certificate_bound_access_tokens: true };

test('client credentials by certificate, of a CA and of the client\'s own: tokens are bound to it', async (t) => {
  const own = new X509Certificate(files['own.pem']);
  const jwk = await publicJwk(own.publicKey, { use: 'sig', x5c: [own.raw.toString('base64')] });
  const served = await startProvider(t, [{ client_id: 'ca', ...BY_CA, ...BOT },
    { client_id: 'own', token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks: { keys: [jwk] }, tls_client_certificate_bound_access_tokens: true, ...BOT }]);
  const by = (client, name) => ({ grant: 'client_credentials', client_id: client, scope: 'read', certificate: `${name}.pem`, private_key: `${name}.key` });
  const who = await owner(t, served, { ca: by('ca', 'robot'), own: by('own', 'own'), another: by('ca', 'other'), forged: by('ca', 'stranger'),
    unknown: by('own', 'stranger') });
  for (const [client, name] of [['ca', 'robot'], ['own', 'own']]) {
    const got = await who.good(await who.token(client));
    assert.deepEqual([got.client_id, got.aud, got.cnf], [client, API, { 'x5t#S256': thumbprint(name) }]);
    assert.deepEqual(served.forms.at(-1), { grant_type: 'client_credentials', client_id: client, scope: 'read' });
  }
  for (const name of ['another', 'forged', 'unknown']) {
    const { code, stderr } = await who.gatepost(['token', '--identity', name]);
    assert.equal(code, 4);
    assert.match(stderr, /invalid_client.*\[GP-CRED-04\]\n {2}hint: .*tls_client_auth/, name);
  }
  delete who.env.SSL_CERT_FILE; // nobody said that this CA is to be trusted
  assert.match((await who.gatepost(['token', '--identity', 'ca'])).stderr, /certificate/);
});

/** Signs in, renews, signs out: as somebody who watches the issuer sees it. */
async function throughItsLife(t, served, who, args, act, form) {
  served.leave = () => who.gatepost(['logout', 'me']);
  const end = await login(t, who, ['me', ...args], act);
  assert.deepEqual([end.code, end.stdout], [0, 'signed in: me as jane\n'], end.stderr);
  assert.equal(served.forms[0].grant_type, form);
  for (let i = 1; i <= 2; i++) { // each renewal uses the refresh token that the one before gave
    const got = await who.good(await who.token('me'));
    assert.deepEqual([got.sub, got.client_id], ['jane', 'cli']);
    assert.deepEqual([served.forms[i].grant_type, served.forms[i].refresh_token], ['refresh_token', served.gave[i - 1].refresh_token]);
  }
  const { refresh_token: last } = served.gave.at(-1);
  assert.ok(await served.provider.RefreshToken.find(last));
  assert.match((await who.gatepost(['logout', 'me'])).stdout, /the issuer revoked the sign-in/);
  assert.equal(await served.provider.RefreshToken.find(last), undefined);
}

/** The person at the device's address. */
const enter = (url, told) => browse(`${url}?user_code=${told.match(/enter the code (\S+)/)[1]}`);
const ways = { browser: [[], browse, 'authorization_code'],
  'device code': [['--device'], enter, 'urn:ietf:params:oauth:grant-type:device_code'] };
const ME = { grant: 'authorization_code', client_id: 'cli', scope: 'openid offline_access read' };

for (const [way, [args, act, form]] of Object.entries(ways)) {
  test(`a client that shows a certificate signs a person in by ${way}, renews and revokes`, async (t) => {
    const served = await startProvider(t, [{ client_id: 'cli', ...BY_CA, ...PERSON }]);
    const who = await owner(t, served, { me: { ...ME, certificate: 'robot.pem', private_key: 'robot.key' } });
    await throughItsLife(t, served, who, args, act, form);
    for (const { access_token: token } of served.gave) assert.deepEqual(claims(token).cnf, { 'x5t#S256': thumbprint('robot') });
  });

  test(`a client that signs signs a person in by ${way}, renews and revokes`, async (t) => {
    const { privateKey } = generateKeyPairSync(...KEYS.ES256);
    const served = await startProvider(t, [{ client_id: 'cli', token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [await publicJwk(privateKey, { use: 'sig' })] }, ...PERSON }]);
    const who = await owner(t, served, { me: { ...ME, private_key: 'key.pem' } }, { 'key.pem': pem(privateKey) });
    await throughItsLife(t, served, who, args, act, form);
    const routes = served.assertions.map(([route]) => route);
    assert.deepEqual([routes.includes('device_authorization'), routes.at(-1)], [way !== 'browser', 'revocation']);
  });
}

// ---- clients that sign ------------------------------------------------------------------------------

for (const [alg, [type, options]] of Object.entries(KEYS)) {
  test(`client credentials by private_key_jwt with ${alg}`, async (t) => {
    const { privateKey } = generateKeyPairSync(type, options);
    const served = await startProvider(t, [{ client_id: 'bot', token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: alg,
      jwks: { keys: [await publicJwk(privateKey, { kid: 'mine', use: 'sig', alg })] }, ...BOT }]);
    const who = await owner(t, served, { bot: { grant: 'client_credentials', client_id: 'bot', scope: 'read', private_key: 'key.pem', key_id: 'mine' } },
      { 'key.pem': pem(privateKey) });
    for (let i = 0; i < 2; i++) assert.equal((await who.good(await who.token('bot'))).client_id, 'bot');
    const { client_assertion: assertion, ...form } = served.forms[0];
    assert.deepEqual(form, { grant_type: 'client_credentials', client_id: 'bot', scope: 'read',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' });
    assert.equal(JSON.parse(Buffer.from(assertion.split('.')[0], 'base64url')).kid, 'mine');
    for (const [, { iss, sub, aud, iat, exp }] of served.assertions) {
      assert.deepEqual([iss, sub, aud, exp - iat], ['bot', 'bot', `${served.issuer}/token`, LIFETIME_S]);
    }
    assert.equal(new Set(served.assertions.map(([, { jti }]) => jti)).size, 2);
  });
}

// ---- one token becomes another ----------------------------------------------------------------------

const secret = { client_secret: 'a-secret-of-the-test' };

test('token exchange of another identity\'s token, and of one in a file', async (t) => {
  const served = await startProvider(t, [{ client_id: 'bot', ...secret, ...BOT }, { client_id: 'middle', ...secret, grant_types: [EXCHANGE] }]);
  const client = { client_secret: { file: 'secret' }, scope: 'read' };
  const exchange = { grant: 'token_exchange', client_id: 'middle', ...client };
  const type = 'urn:ietf:params:oauth:token-type';
  const who = await owner(t, served, { bot: { grant: 'client_credentials', client_id: 'bot', ...client },
    chained: { ...exchange, subject: { identity: 'bot' } },
    kept: { ...exchange, subject: { file: 'token' }, subject_type: `${type}:access_token` } }, { secret: secret.client_secret, token: 'a.stale.token' });
  const stale = await who.gatepost(['token', '--identity', 'kept']);
  assert.equal(stale.code, 4);
  assert.match(stale.stderr, /invalid_grant.*\[GP-CRED-04\]\n {2}hint: the token that was shown is refused/);
  const subject = await who.token('bot');
  await writeFile(join(who.home, 'config/gatepost/token'), `${handed(subject)}\n`);
  for (const name of ['kept', 'chained']) {
    const got = await who.good(await who.token(name));
    assert.deepEqual([got.client_id, got.behalf, got.scope], ['middle', 'bot', 'read'], name);
    const { subject_token: shown, ...form } = served.forms.at(-1);
    assert.deepEqual(form, { grant_type: EXCHANGE, subject_token_type: `${type}:access_token`, requested_token_type: `${type}:access_token`, scope: 'read' });
    assert.ok(name === 'chained' ? claims(shown).client_id === 'bot' : shown === subject);
  }
});

test('JWT bearer: an assertion that the client signs, for itself and for somebody', async (t) => {
  const { privateKey } = generateKeyPairSync(...KEYS.RS256);
  const jwks = { keys: [await publicJwk(privateKey, { kid: 'mine', use: 'sig', alg: 'RS256' })] };
  const served = await startProvider(t, [{ client_id: 'open', jwks, token_endpoint_auth_method: 'none', grant_types: [BEARER] },
    { client_id: 'proven', jwks, token_endpoint_auth_method: 'private_key_jwt', grant_types: [BEARER] }]);
  const bearer = { grant: 'jwt_bearer', scope: 'read', private_key: 'key.pem', key_id: 'mine' };
  const who = await owner(t, served, { open: { ...bearer, client_id: 'open' }, jane: { ...bearer, client_id: 'open', subject_name: 'jane' },
    proven: { ...bearer, client_id: 'proven', client_auth: 'private_key_jwt', subject_name: 'jane' } }, { 'key.pem': pem(privateKey) });
  for (const [name, client, behalf] of [['open', 'open', 'open'], ['jane', 'open', 'jane'], ['proven', 'proven', 'jane']]) {
    const got = await who.good(await who.token(name));
    assert.deepEqual([got.client_id, got.behalf, got.scope], [client, behalf, 'read'], name);
  }
  const [, , { assertion, client_assertion: proof }] = served.forms;
  assert.notEqual(claims(assertion).jti, claims(proof).jti);
  assert.deepEqual([claims(assertion).sub, claims(proof).sub], ['jane', 'proven']);
});
