// SPDX-License-Identifier: Apache-2.0
// The local Google of `gatepost up`, used by Google's own clients: they know nothing of Gatepost but
// the address that a transporter sends their requests to.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Gaxios } from 'gaxios';
import { GoogleAuth, Impersonated, JWT, OAuth2Client, UserRefreshClient } from 'google-auth-library';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { envOf, root, run, startUp, tempDir } from './lib.mjs';

const at = (name) => `${name}@gatepost-demo.iam.gserviceaccount.com`;
const CLOUD = 'https://www.googleapis.com/auth/cloud-platform';
const GOOGLE_HOSTS = /^(oauth2|www|iam|iamcredentials|run)\.googleapis\.com$/;

async function setUp(t, more = {}) {
  const dir = await tempDir(t);
  const env = envOf(await tempDir(t));
  const bring = async () => {
    const running = await startUp(t, [dir], { env });
    return { ...running, base: new URL(running.addresses.token_url).origin };
  };
  await writeFile(join(dir, 'service.yaml'), await readFile(join(root, 'examples/orders/service.yaml')));
  await writeFile(join(dir, 'gatepost.yaml'), JSON.stringify({
    project: { id: 'gatepost-demo', number: 123456789012, hash: 'k2v7xw4mqa', region: 'us-central1' },
    accounts: [
      { email: at('tester'), roles: ['roles/run.invoker'], key: 'keys/tester.json' },
      {
        email: at('admin'), key: 'keys/admin.json',
        roles: ['roles/iam.serviceAccountTokenCreator', 'roles/iam.serviceAccountKeyAdmin'],
      },
      { email: 'jane@example.com', roles: ['roles/run.invoker'], key: 'keys/jane.json' },
      { email: at('orders-runtime') },
    ],
    services: ['service.yaml'],
    ...more,
  }));
  const up = await bring();
  const file = async (name) => JSON.parse(await readFile(join(dir, `keys/${name}.json`), 'utf8'));
  return { ...up, dir, env, bring, file, ...clientsOf(up.base, file) };
}

function clientsOf(base, file) {
  const transporter = new Gaxios({
    retry: false,
    fetchImplementation: (input, init) => {
      const url = new URL(input.url ?? input);
      return fetch(GOOGLE_HOSTS.test(url.hostname) ? base + url.pathname + url.search : url, init);
    },
  });
  const client = async (name, more = { scopes: [CLOUD] }) => {
    const key = name.client_email ? name : await file(name);
    return new JWT({ email: key.client_email, key: key.private_key, keyId: key.private_key_id, transporter, ...more });
  };
  const keys = createRemoteJWKSet(new URL(`${base}/oauth2/v3/certs`));
  const verify = async (token, audience) =>
    (await jwtVerify(token, keys, { issuer: 'https://accounts.google.com', audience })).payload;
  return { transporter, client, verify };
}

const refusal = (error, description) => (e) => {
  assert.equal(e.response?.status, 400);
  assert.deepEqual(e.response.data, { error, error_description: description });
  return true;
};

test('a service account exchanges its key for both kinds of tokens', async (t) => {
  const gp = await setUp(t);
  const tester = await gp.client('tester');
  const access = await tester.authorize();
  assert.match(access.access_token, /^ya29\./);
  assert.equal(access.token_type, 'Bearer');
  const claims = await gp.verify(await tester.fetchIdToken('https://orders.example'), 'https://orders.example');
  assert.equal(claims.email, at('tester'));
  assert.equal(claims.azp, at('tester'));
  assert.match(claims.sub, /^\d{21}$/);
});

test('verifyIdToken takes the x509 map as well as the key set', async (t) => {
  const gp = await setUp(t);
  const idToken = await (await gp.client('tester')).fetchIdToken('https://orders.example');
  const verifier = new OAuth2Client({
    transporter: gp.transporter,
    endpoints: {
      oauth2FederatedSignonPemCertsUrl: `${gp.base}/oauth2/v1/certs`,
      oauth2FederatedSignonJwkCertsUrl: `${gp.base}/oauth2/v3/certs`,
    },
  });
  const ticket = await verifier.verifyIdToken({ idToken, audience: 'https://orders.example' });
  assert.equal(ticket.getPayload().email, at('tester'));
  await assert.rejects(verifier.verifyIdToken({ idToken, audience: 'https://other.example' }), /Wrong recipient/);
});

test('one account acts for another, and the trail says so', async (t) => {
  const gp = await setUp(t);
  const act = (sourceClient, target) => new Impersonated({
    sourceClient, targetPrincipal: at(target), targetScopes: [CLOUD], lifetime: 600, delegates: [],
    endpoint: gp.base, transporter: gp.transporter,
  });
  const admin = act(await gp.client('admin'), 'tester');
  assert.match((await admin.getAccessToken()).token, /^ya29\./);
  const token = await admin.fetchIdToken('https://orders.example', { includeEmail: true });
  assert.equal((await gp.verify(token, 'https://orders.example')).email, at('tester'));
  await assert.rejects(act(await gp.client('tester'), 'admin').getAccessToken(),
    /Permission 'iam\.serviceAccounts\.getAccessToken' denied/);
  const { stdout } = await run(['audit', 'query', '--format', 'json'], { env: gp.env });
  for (const wanted of ['GenerateAccessToken', 'GenerateIdToken', at('admin')]) assert.ok(stdout.includes(wanted), stdout);
  assert.ok(!stdout.includes(token));
});

test('a person refreshes a sign-in', async (t) => {
  const gp = await setUp(t);
  const file = await gp.file('jane');
  const jane = (refreshToken) => {
    const client = new UserRefreshClient(file.client_id, file.client_secret, refreshToken);
    client.transporter = gp.transporter;
    return client;
  };
  assert.match((await jane(file.refresh_token).getAccessToken()).token, /^ya29\./);
  const idToken = await jane(file.refresh_token).fetchIdToken('https://orders.example');
  assert.equal((await gp.verify(idToken, file.client_id)).email, 'jane@example.com');
  await assert.rejects(jane('1//0never-issued').getAccessToken(),
    refusal('invalid_grant', 'Token has been expired or revoked.'));
});

test('an external authorized user refreshes at STS, the client named in the header', async (t) => {
  const gp = await setUp(t);
  const { client_id, client_secret, refresh_token } = await gp.file('jane');
  const user = (more) => new GoogleAuth().fromJSON({ type: 'external_account_authorized_user', client_id, client_secret, refresh_token,
    audience: '//iam.googleapis.com/locations/global/workforcePools/staff/providers/idp', token_url: `${gp.base}/v1/oauthtoken`, ...more });
  assert.match((await user({}).getAccessToken()).token, /^ya29\./);
  await assert.rejects(user({ client_secret: 'GOCSPX-wrong' }).getAccessToken(), /client secret is invalid/);
});

test('a self-signed token is a bearer of the IAM API', async (t) => {
  const gp = await setUp(t);
  const admin = await gp.client('admin', {});
  admin.useJWTAccessWithScope = true;
  admin.defaultScopes = [CLOUD];
  admin.defaultServicePath = 'iam.googleapis.com';
  const { data } = await admin.request({
    url: `https://iam.googleapis.com/v1/projects/gatepost-demo/serviceAccounts/${at('tester')}`,
  });
  assert.equal(data.email, at('tester'));
});

test('a key is created, used, disabled, enabled and deleted', async (t) => {
  const gp = await setUp(t);
  const admin = await gp.client('admin');
  const url = `https://iam.googleapis.com/v1/projects/gatepost-demo/serviceAccounts/${at('orders-runtime')}/keys`;
  const created = (await admin.request({ url, method: 'POST', data: {} })).data;
  const fresh = JSON.parse(Buffer.from(created.privateKeyData, 'base64'));
  const mint = async () => (await gp.client(fresh)).fetchIdToken('https://orders.example');
  const key = `https://iam.googleapis.com/v1/${created.name}`;
  assert.equal(decodeJwt(await mint()).email, at('orders-runtime'));
  await admin.request({ url: `${key}:disable`, method: 'POST', data: {} });
  await assert.rejects(mint(), refusal('invalid_grant', 'Invalid JWT Signature.'));
  await admin.request({ url: `${key}:enable`, method: 'POST', data: {} });
  await mint();
  await admin.request({ url: key, method: 'DELETE' });
  await assert.rejects(mint(), refusal('invalid_grant', 'Invalid JWT Signature.'));
  assert.deepEqual((await admin.request({ url })).data, {});
});

test('keys, accounts and sign-ins outlive a restart at another address', async (t) => {
  const gp = await setUp(t);
  const before = { tester: await gp.file('tester'), jane: await gp.file('jane') };
  const { sub } = decodeJwt(await (await gp.client('tester')).fetchIdToken('https://orders.example'));
  await gp.stop();
  const again = await gp.bring();
  const tester = await gp.file('tester');
  assert.equal(tester.private_key, before.tester.private_key);
  assert.equal(tester.token_uri, again.addresses.token_url);
  assert.equal((await gp.file('jane')).refresh_token, before.jane.refresh_token);
  const { client, verify } = clientsOf(again.base, gp.file);
  const token = await (await client('tester')).fetchIdToken('https://orders.example');
  assert.equal((await verify(token, 'https://orders.example')).sub, sub);
});

test('policies of services and accounts change while calls go on; accounts come and go', async (t) => {
  const roles = ['roles/run.admin', 'roles/iam.serviceAccountAdmin'];
  const gp = await setUp(t, { accounts: [
    { email: at('tester'), key: 'keys/tester.json' }, { email: at('admin'), roles, key: 'keys/admin.json' },
    { email: at('orders-runtime') },
  ] });
  await writeFile(join(gp.dir, 'app.py'), await readFile(join(root, 'examples/orders/app.py')));
  const admin = await gp.client('admin');
  const request = async (method, url, data) => (await admin.request({ method, url, data })).data;
  const orders = 'https://run.googleapis.com/v2/projects/gatepost-demo/locations/us-central1/services/orders';
  const audience = gp.addresses.services[0].run_app_urls[0];
  const token = await (await gp.client('tester')).fetchIdToken(audience);
  const call = async () => (await fetch(`${gp.addresses.services[0].url}/orders`, { headers: { authorization: `Bearer ${token}` } })).status;
  assert.equal(await call(), 403);
  const { etag } = await request('GET', `${orders}:getIamPolicy`);
  const bindings = [{ role: 'roles/run.invoker', members: [`serviceAccount:${at('tester')}`] }];
  const policy = await request('POST', `${orders}:setIamPolicy`, { policy: { bindings, etag } });
  assert.equal(await call(), 200);
  await assert.rejects(request('POST', `${orders}:setIamPolicy`, { policy: { bindings: [], etag } }), (e) => e.response.status === 409);
  assert.deepEqual(await request('POST', `${orders}:testIamPermissions`, { permissions: ['run.services.get', 'run.jobs.delete'] }),
    { permissions: ['run.services.get'] });

  const accounts = 'https://iam.googleapis.com/v1/projects/gatepost-demo/serviceAccounts';
  const made = await request('POST', accounts, { accountId: 'robot-1', serviceAccount: { displayName: 'Robot' } });
  assert.equal(made.email, at('robot-1'));
  await request('POST', `${accounts}/${made.email}:setIamPolicy`, { policy: { bindings: [
    { role: 'roles/iam.serviceAccountTokenCreator', members: [`serviceAccount:${at('tester')}`] }] } });
  const robot = new Impersonated({ sourceClient: await gp.client('tester'), targetPrincipal: made.email, targetScopes: [CLOUD],
    delegates: [], lifetime: 600, endpoint: gp.base, transporter: gp.transporter });
  // Without an e-mail claim the token names a number only: the service knows whose it is all the same.
  await request('POST', `${orders}:setIamPolicy`, { policy: { etag: policy.etag, bindings: [{ role: 'roles/run.invoker', members: [`serviceAccount:${made.email}`] }] } });
  assert.equal(await call(), 403);
  const bare = await robot.fetchIdToken(audience, { includeEmail: false });
  assert.equal((await gp.verify(bare, audience)).email, undefined);
  assert.equal((await fetch(`${gp.addresses.services[0].url}/orders`, { headers: { authorization: `Bearer ${bare}` } })).status, 200);
  await request('POST', `${accounts}/${made.email}:disable`);
  await assert.rejects(robot.fetchIdToken(audience), /is disabled/);
  await request('DELETE', `${accounts}/${made.email}`);
  await assert.rejects(request('GET', `${accounts}/${made.email}`), (e) => e.response.status === 404);

  const revoker = new OAuth2Client({ transporter: gp.transporter });
  const { token: access } = await admin.getAccessToken();
  await revoker.revokeToken(access);
  await assert.rejects(revoker.revokeToken(access), refusal('invalid_token', 'Token expired or revoked'));
  const { stdout } = await run(['audit', 'query', '--format', 'json'], { env: gp.env });
  for (const wanted of ['Services.SetIamPolicy', 'v1.SetIAMPolicy', 'CreateServiceAccount', 'DisableServiceAccount',
    'DeleteServiceAccount', 'TestIamPermissions', 'RevokeToken']) assert.ok(stdout.includes(wanted), wanted);
});
