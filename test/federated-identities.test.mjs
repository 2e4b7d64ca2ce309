// SPDX-License-Identifier: Apache-2.0
// Our own client the whole way: a token of oidc-provider becomes a service account of `gatepost up`,
// from each source that a credential file can name and as an identity of the configuration.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { exportJWK, generateKeyPair } from 'jose';
import Provider from 'oidc-provider';
import { claims, SECRET } from './identities.mjs';
import { envOf, handed, minted, root, run, serve, startUp, tempDir } from './lib.mjs';

const DEPLOYER = 'deployer@gatepost-demo.iam.gserviceaccount.com';
const POOL = '//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/pipelines/providers/shop-ci';
const AUDIENCE = 'https://gatepost.example/pipelines';
const ORDERS = 'https://orders-k2v7xw4mqa-uc.a.run.app';

async function startIssuer(t) {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.close(); server.closeAllConnections(); });
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const provider = new Provider(issuer, {
    clients: ['shop-deploy', 'shop-lint'].map((id) => ({ client_id: id, client_secret: SECRET, redirect_uris: [],
      response_types: [], grant_types: ['client_credentials'] })),
    cookies: { keys: ['for a test'] },
    jwks: { keys: [{ ...await exportJWK(privateKey), kid: 'k', alg: 'RS256', use: 'sig' }] },
    features: { devInteractions: { enabled: false }, clientCredentials: { enabled: true },
      resourceIndicators: { enabled: true, defaultResource: () => AUDIENCE,
        getResourceServerInfo: () => ({ scope: '', audience: AUDIENCE, accessTokenFormat: 'jwt', accessTokenTTL: 600 }) } },
  });
  server.on('request', provider.callback());
  const token = async (id) => {
    const answer = await fetch(`${issuer}/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'client_credentials' }),
      headers: { authorization: `Basic ${Buffer.from(`${id}:${SECRET}`).toString('base64')}` } });
    const { access_token: jwt } = await answer.json();
    minted(jwt);
    return handed(jwt);
  };
  return { issuer, token };
}

async function setUp(t, identities) {
  const idp = await startIssuer(t);
  const home = await tempDir(t);
  const dir = join(home, 'federation');
  await cp(join(root, 'examples/federation'), dir, { recursive: true });
  const yaml = await readFile(join(dir, 'gatepost.yaml'), 'utf8');
  await writeFile(join(dir, 'gatepost.yaml'), yaml.replace('http://127.0.0.1:4444', idp.issuer));
  const env = { ...envOf(home), HUSH: SECRET };
  const up = await startUp(t, [dir], { env });
  const base = new URL(up.addresses.token_url).origin;
  const own = join(home, 'config/gatepost');
  await mkdir(own, { recursive: true, mode: 0o700 });
  const files = await identities({ base, home, idp });
  await writeFile(join(own, 'config.yaml'), JSON.stringify({ identities: files }), { mode: 0o600 });
  const gatepost = (args, more = {}) => run(args, { env: { ...env, ...more }, cwd: home });
  return { gatepost, home, base, idp };
}

const external = (base, source, type = 'jwt') => JSON.stringify({
  type: 'external_account', audience: POOL, subject_token_type: `urn:ietf:params:oauth:token-type:${type}`,
  token_url: `${base}/v1/token`, credential_source: source,
  service_account_impersonation_url: `${base}/v1/projects/-/serviceAccounts/${DEPLOYER}:generateAccessToken` });

test('a foreign token of each source becomes the service account', async (t) => {
  const { gatepost, home } = await setUp(t, async ({ base, home: at, idp }) => {
    const put = (name, text, mode = 0o600) => writeFile(join(at, name), text, { mode });
    const jwt = await idp.token('shop-deploy');
    const served = await serve(t, (request, response) => response.writeHead(request.headers.runner === 'yes' ? 200 : 401)
      .end(JSON.stringify({ value: jwt })));
    await put('subject', `${jwt}\n`);
    await put('program', `#!/bin/sh\ncat <<EOF\n${JSON.stringify({ version: 1, success: true,
      token_type: 'urn:ietf:params:oauth:token-type:jwt', id_token: jwt })}\nEOF\n`, 0o700);
    await put('file.json', external(base, { file: join(at, 'subject') }));
    await put('url.json', external(base, { url: `${served}/token`, headers: { Runner: 'yes' },
      format: { type: 'json', subject_token_field_name: 'value' } }));
    await put('program.json', external(base, { executable: { command: join(at, 'program') } }));
    await put('lint.json', external(base, { file: join(at, 'lint') }));
    await put('lint', await idp.token('shop-lint'));
    return Object.fromEntries(['file', 'url', 'program', 'lint'].map((name) => [name, { key: join(at, `${name}.json`) }]));
  });
  const token = (name, env) => gatepost(['token', '--local', '--identity', name, '--audience', ORDERS], env);
  for (const name of ['file', 'url', 'program']) {
    const got = await token(name, { GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES: '1' });
    assert.deepEqual([got.code, got.stderr], [0, ''], name);
    const { aud, email } = claims(got.stdout);
    assert.deepEqual([aud, email], [ORDERS, DEPLOYER], name);
  }
  const forbidden = await token('program');
  assert.equal(forbidden.code, 4);
  assert.match(forbidden.stderr, /would have to be run.*\[GP-CRED-10\]\n {2}hint: .*GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1/);
  // The pool takes it, but no policy lets it act for the account: the message says what would.
  const lint = await token('lint');
  assert.equal(lint.code, 4);
  assert.match(lint.stderr, /\[GP-CRED-08\]\n {2}hint: gcloud iam service-accounts add-iam-policy-binding deployer@.*workloadIdentityUser.*principalSet:/);
  assert.ok(home);
});

test('an identity of the configuration exchanges another one\'s token, and a run calls the private service', async (t) => {
  const { gatepost, home } = await setUp(t, async ({ base, idp }) => ({
    shop: { oauth: { grant: 'client_credentials', issuer: idp.issuer, client_id: 'shop-deploy', client_secret: { env: 'HUSH' } } },
    orders: { oauth: { grant: 'token_exchange', token_endpoint: `${base}/v1/token`, audience: POOL, subject: { identity: 'shop' } },
      impersonate: DEPLOYER },
  }));
  const got = await gatepost(['token', '--local', '--identity', 'orders', '--audience', ORDERS]);
  assert.deepEqual([got.code, got.stderr], [0, '']);
  assert.equal(claims(got.stdout).email, DEPLOYER);
  const file = join(home, 'c.json');
  await writeFile(file, JSON.stringify({ info: { name: 'c' }, item: [{ name: 'deploy',
    request: { method: 'POST', url: `${ORDERS}/deployments` },
    event: [{ listen: 'test', script: { exec: ['pm.test("in", () => pm.response.to.have.status(200))'] } }] }] }));
  const ran = await gatepost(['run', '--local', file, '--identity', 'orders']);
  assert.equal(ran.code, 0, ran.stdout + ran.stderr);
  assert.match(ran.stdout, new RegExp(`as ${DEPLOYER} \\(impersonation by`));
  const who = JSON.parse((await gatepost(['whoami', '--local', '--identity', 'orders', '--format', 'json'])).stdout);
  assert.equal(who.way[0], 'a token of the identity shop is made first');
  assert.match(who.way.at(-1), new RegExp(`speak for ${DEPLOYER}`));
});
