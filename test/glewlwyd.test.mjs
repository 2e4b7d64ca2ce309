// SPDX-License-Identifier: Apache-2.0
// Identities against glewlwyd, an issuer in C that Debian packages: a client's own tokens, by secret and by
// key, a person's sign-in with PKCE and by device code, rotating refresh tokens, and revocation. The grants
// by server: grants.test.mjs.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { claims, login, person, SECRET } from './identities.mjs';
import { start, tempDir } from './lib.mjs';

const SCHEMA = '/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3';
const PASSWORD = 'a-password-of-the-test';

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** A session of its API, which is JSON and a cookie. */
function session(base) {
  let cookie = '';
  return async (method, path, body) => {
    const answer = await fetch(new URL(path, `${base}/`), { method, redirect: 'manual',
      headers: { 'content-type': 'application/json', cookie }, body: body && JSON.stringify(body) });
    for (const line of answer.headers.getSetCookie()) [cookie] = line.split(';');
    assert.ok(answer.status < 400, `${method} ${path}: ${answer.status} ${await answer.clone().text()}`);
    return answer;
  };
}

const ofClient = generateKeyPairSync('rsa', { modulusLength: 2048 });

async function startGlewlwyd(t, redirectPort) {
  const dir = await tempDir(t);
  const port = await freePort();
  const db = new DatabaseSync(join(dir, 'db'));
  db.exec(await readFile(SCHEMA, 'utf8'));
  db.close();
  const settings = {
    port, bind_address: '127.0.0.1', external_url: `http://127.0.0.1:${port}`, login_url: 'login.html', api_prefix: 'api',
    log_mode: 'console', log_level: 'INFO', cookie_secure: false, session_expiration: 3600, session_key: 'SESSION',
    admin_session_authentication: 'cookie', profile_session_authentication: 'cookie', login_api_enabled: true,
    admin_scope: 'g_admin', profile_scope: 'g_profile', hash_algorithm: 'SHA512',
    ...Object.fromEntries([['user_module', 'user'], ['client_module', 'client'], ['user_auth_scheme_module', 'scheme'],
      ['plugin_module', 'plugin']].map(([name, folder]) => [`${name}_path`, `/usr/lib/glewlwyd/${folder}`])),
  };
  await writeFile(join(dir, 'conf'), [...Object.entries(settings).map(([name, value]) => `${name} = ${JSON.stringify(value)}`),
    `database = { type = "sqlite3"; path = ${JSON.stringify(join(dir, 'db'))}; };`].join('\n'));
  await start(t, ['-c', join(dir, 'conf')], { program: 'glewlwyd', env: { PATH: process.env.PATH }, ready: /Glewlwyd started/ });
  const base = `http://127.0.0.1:${port}/api`;
  const admin = session(base);
  await admin('POST', 'auth/', { username: 'admin', password: 'password' });
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await admin('POST', 'mod/plugin/', { module: 'oidc', name: 'oidc', display_name: 'OIDC', parameters: {
    iss: `${base}/oidc`, 'jwt-type': 'rsa', 'jwt-key-size': '256',
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }), cert: publicKey.export({ type: 'spki', format: 'pem' }),
    'access-token-duration': 600, 'refresh-token-duration': 86400, 'code-duration': 600,
    'refresh-token-rolling': true, 'refresh-token-one-use': 'always', 'allow-non-oidc': true,
    'auth-type-client-enabled': true, 'auth-type-code-enabled': true, 'auth-type-refresh-enabled': true,
    'auth-type-device-enabled': true, 'device-authorization-expiration': 600, 'device-authorization-interval': 1,
    'auth-type-token-enabled': false, 'auth-type-implicit-enabled': false, 'auth-type-password-enabled': false,
    'auth-type-none-enabled': false, 'pkce-allowed': true, 'pkce-required': true, 'jwks-show': true,
    'request-parameter-allow': true, 'request-parameter-ietf-strict': false, 'request-maximum-exp': 60,
    'client-pubkey-parameter': 'pubkey', 'client-jwks-parameter': 'jwks', 'client-jwks_uri-parameter': 'jwks_uri',
    'introspection-revocation-allowed': true, 'introspection-revocation-allow-target-client': true, 'subject-type': 'public' } });
  await admin('POST', 'scope/', { name: 'read', display_name: 'read', password_required: false, scheme: {} });
  await admin('PUT', 'scope/openid', { display_name: 'openid', password_required: true, scheme: {} });
  await admin('POST', 'user/?source=database', { username: 'jane', password: PASSWORD, name: 'Jane', enabled: true, scope: ['openid', 'g_profile'] });
  const client = (more) => admin('POST', 'client/?source=database', { client_name: more.client_id, enabled: true, ...more });
  await client({ client_id: 'bot', confidential: true, client_secret: SECRET, scope: ['read'],
    authorization_type: ['client_credentials'], token_endpoint_auth_method: ['client_secret_basic', 'client_secret_post'] });
  await client({ client_id: 'signer', confidential: true, scope: ['read'], pubkey: ofClient.publicKey.export({ type: 'spki', format: 'pem' }),
    authorization_type: ['client_credentials'], token_endpoint_auth_method: ['private_key_jwt'] });
  await client({ client_id: 'cli', confidential: true, client_secret: SECRET, scope: [],
    redirect_uri: [`http://127.0.0.1:${redirectPort}/callback`],
    authorization_type: ['code', 'refresh_token', 'device_authorization'], token_endpoint_auth_method: ['client_secret_post'] });
  return { issuer: `${base}/oidc`, base };
}

async function setUp(t) {
  let who;
  t.after(() => who.gatepost(['logout', 'me'])); // before the folder and the issuer go
  const port = await freePort();
  const served = await startGlewlwyd(t, port);
  const oauth = { issuer: served.issuer, client_secret: { env: 'HUSH' } };
  who = await person(t, {
    basic: { oauth: { ...oauth, grant: 'client_credentials', client_id: 'bot', scope: 'read' } },
    post: { oauth: { ...oauth, grant: 'client_credentials', client_id: 'bot', scope: 'read', client_auth: 'client_secret_post' } },
    key: { oauth: { issuer: served.issuer, grant: 'client_credentials', client_id: 'signer', scope: 'read', private_key: 'key.pem' } },
    me: { oauth: { ...oauth, grant: 'authorization_code', client_id: 'cli', client_auth: 'client_secret_post', scope: 'openid',
      redirect_port: port } }, // no ID token comes with a refresh
  }, { env: { HUSH: SECRET }, files: { 'key.pem': ofClient.privateKey.export({ type: 'pkcs8', format: 'pem' }) } });
  // Jane, signed in with her browser, who consents to what the client asks for.
  const jane = session(served.base);
  await jane('POST', 'auth/', { username: 'jane', password: PASSWORD });
  await jane('PUT', 'auth/grant/cli/', { scope: 'openid' });
  return { ...served, ...who, jane };
}

test('glewlwyd gives a client its tokens', async (t) => {
  const { issuer, token } = await setUp(t);
  for (const [name, client] of [['basic', 'bot'], ['post', 'bot'], ['key', 'signer']]) {
    const got = claims(await token(name));
    assert.deepEqual([got.iss, got.client_id, got.scope], [issuer, client, 'read'], name);
  }
});

test('glewlwyd signs a person in by browser, rotates the refresh token and revokes it', async (t) => {
  const { issuer, token, gatepost, jane, ...who } = await setUp(t);
  const end = await login(t, who, ['me'], async (url) => {
    const answer = await jane('GET', `${url}&g_continue`);
    assert.equal(answer.status, 302);
    const page = await fetch(answer.headers.get('location'));
    assert.match(await page.text(), /You are signed in/);
  });
  assert.equal(end.code, 0, end.stderr);
  const first = claims(await token('me'));
  assert.deepEqual([first.iss, first.client_id], [issuer, 'cli']);
  assert.equal(claims(await token('me')).sub, first.sub); // with the refresh token that came
  assert.match((await gatepost(['logout', 'me'])).stdout, /the issuer revoked the sign-in/);
});

test('glewlwyd signs a person in by device code', async (t) => {
  const { base, token, jane, ...who } = await setUp(t);
  const end = await login(t, who, ['me', '--device'], async (url, told) => {
    const code = told.match(/enter the code (\S+)/)[1];
    await jane('GET', `oidc/device?code=${code}&g_continue`);
  });
  assert.equal(end.code, 0, end.stderr);
  assert.ok(claims(await token('me')).sub);
});
