// SPDX-License-Identifier: Apache-2.0
// Workload identity federation: examples/federation with the tokens of oidc-provider, Google's own
// client for every credential source that it has a file or URL for, delegation chains, each refusal
// of STS in Google's words, and what the doctor says of a foreign token.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ExternalAccountClient, Impersonated } from 'google-auth-library';
import { createRemoteJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose';
import Provider from 'oidc-provider';
import { envOf, handed, minted, root, run, serve, startUp, tempDir } from './lib.mjs';

const at = (name) => `${name}@gatepost-demo.iam.gserviceaccount.com`;
const POOL = 'projects/123456789012/locations/global/workloadIdentityPools/pipelines';
const AUDIENCE = 'https://gatepost.example/pipelines';
const CLOUD = 'https://www.googleapis.com/auth/cloud-platform';
const ORDERS = 'https://orders-k2v7xw4mqa-uc.a.run.app';
const TYPE = 'urn:ietf:params:oauth:token-type:';
const provider = (name) => `//iam.googleapis.com/${POOL}/providers/${name}`;
const subject = (name) => `principal://iam.googleapis.com/${POOL}/subject/${name}`;

/** An OpenID provider on loopback that gives its clients JWTs for AUDIENCE. */
async function startIssuer() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => { server.close(); server.closeAllConnections(); });
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const clients = ['shop-deploy', 'shop-lint', 'other'].map((id) => ({ client_id: id, client_secret: 'a-secret-of-the-test',
    redirect_uris: [], response_types: [], grant_types: ['client_credentials'] }));
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const idp = new Provider(issuer, {
    clients, cookies: { keys: ['for a test'] },
    jwks: { keys: [{ ...await exportJWK(privateKey), kid: 'idp-1', alg: 'RS256', use: 'sig' }] },
    features: {
      devInteractions: { enabled: false }, clientCredentials: { enabled: true },
      resourceIndicators: { enabled: true, defaultResource: () => AUDIENCE,
        getResourceServerInfo: () => ({ scope: '', audience: AUDIENCE, accessTokenFormat: 'jwt', accessTokenTTL: 600,
          jwt: { sign: { alg: 'RS256' } } }) },
    },
  });
  server.on('request', idp.callback());
  const token = async (id) => {
    const answer = await fetch(`${issuer}/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'client_credentials' }),
      headers: { authorization: `Basic ${Buffer.from(`${id}:a-secret-of-the-test`).toString('base64')}` } });
    const { access_token: jwt } = await answer.json();
    minted(jwt);
    return handed(jwt);
  };
  return { issuer, token };
}

const idp = await startIssuer();
const keys = await generateKeyPair('RS256', { extractable: true });
const jwks = { keys: [{ ...await exportJWK(keys.publicKey), kid: 'k1', alg: 'RS256', use: 'sig' }] };

/** The example with this issuer, and what `change` makes of its project file. */
async function setUp(t, change = (yaml) => yaml) {
  const home = await tempDir(t);
  const dir = join(home, 'federation');
  const env = envOf(home);
  await cp(join(root, 'examples/federation'), dir, { recursive: true });
  const yaml = await readFile(join(dir, 'gatepost.yaml'), 'utf8');
  await writeFile(join(dir, 'gatepost.yaml'), change(yaml.replace('http://127.0.0.1:4444', idp.issuer)));
  const gatepost = (args, options = {}) => run(args, { cwd: dir, env, ...options });
  return { dir, env, gatepost };
}

async function setUpServer(t, change) {
  const setup = await setUp(t, change);
  const up = await startUp(t, [setup.dir], { env: setup.env });
  const base = new URL(up.addresses.token_url).origin;
  const trail = async () => {
    const { stdout } = await setup.gatepost(['audit', 'query', '--format', 'json']);
    return stdout.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line).protoPayload).filter(Boolean);
  };
  return { ...setup, up, base, trail };
}

test('the example: a foreign token opens the private service, and the trail names its bearer', async (t) => {
  const { dir, env, gatepost, trail, up } = await setUpServer(t);
  const file = (await gatepost(['up', '--print-address-file'])).stdout.trim();
  const deploy = async (client) => {
    await writeFile(join(dir, 'subject.jwt'), await idp.token(client));
    return run(['deploy.py', file], { program: '/usr/bin/python3', cwd: dir, env });
  };
  const deployed = await deploy('shop-deploy');
  assert.deepEqual([deployed.stderr, deployed.stdout], ['', `{"deployed_by": "${at('deployer')}"}\n`]);
  const entries = await trail();
  assert.deepEqual(entries.map((entry) => [entry.methodName, entry.authenticationInfo.principalSubject]), [
    ['google.identity.sts.v1.SecurityTokenService.ExchangeToken', subject('shop-deploy')],
    ['GenerateIdToken', subject('shop-deploy')],
    ['gatepost.Invoke', `serviceAccount:${at('deployer')}`],
  ]);
  assert.equal(entries[0].resourceName, provider('shop-ci'));
  assert.equal(entries[1].authorizationInfo[0].permission, 'iam.serviceAccounts.getOpenIdToken');
  // A client of the same pool that no policy lets act for the account, and one that the condition refuses.
  assert.match((await deploy('shop-lint')).stderr, /HTTP Error 403/);
  assert.match((await deploy('other')).stderr, /HTTP Error 400/);
  assert.match((await trail()).at(-1).metadata.explanation, /condition isn't true/);
  await up.stop();
});

test('google-auth-library: an external account by file and by URL', async (t) => {
  const { dir, base, trail, up } = await setUpServer(t);
  await writeFile(join(dir, 'subject.jwt'), await idp.token('shop-deploy'));
  await writeFile(join(dir, 'subject.json'), JSON.stringify({ jwt: await idp.token('shop-deploy') }));
  const source = await serve(t, async (request, response) => {
    response.statusCode = request.headers['x-runner'] === 'secret' ? 200 : 401;
    response.end(JSON.stringify({ value: await idp.token('shop-deploy') }));
  });
  const sources = [
    { file: join(dir, 'subject.jwt') },
    { file: join(dir, 'subject.json'), format: { type: 'json', subject_token_field_name: 'jwt' } },
    { url: `${source}/token`, headers: { 'X-Runner': 'secret' }, format: { type: 'json', subject_token_field_name: 'value' } },
  ];
  for (const credential_source of sources) {
    const config = { type: 'external_account', audience: provider('shop-ci'), subject_token_type: `${TYPE}jwt`,
      token_url: `${base}/v1/token`, credential_source };
    const direct = ExternalAccountClient.fromJSON({ ...config, scopes: [CLOUD] });
    direct.scopes = [CLOUD];
    const { token } = await direct.getAccessToken();
    minted(token);
    assert.match(token, /^ya29\.d\./);
    const acting = ExternalAccountClient.fromJSON({ ...config,
      service_account_impersonation_url: `${base}/v1/projects/-/serviceAccounts/${at('deployer')}:generateAccessToken`,
      service_account_impersonation: { token_lifetime_seconds: 900 } });
    acting.scopes = [CLOUD];
    const { token: access } = await acting.getAccessToken();
    minted(access);
    assert.match(access, /^ya29\.c\./);
    const left = acting.credentials.expiry_date - Date.now();
    assert.ok(left > 800_000 && left <= 900_000, `${left}`);
  }
  const last = (await trail()).at(-1);
  assert.deepEqual([last.methodName, last.authenticationInfo.principalSubject], ['GenerateAccessToken', subject('shop-deploy')]);
  await up.stop();
});

test('google-auth-library: a chain of delegates, each named in the trail', async (t) => {
  const creator = (who) => `\n    policy: {bindings: [{role: roles/iam.serviceAccountTokenCreator, members: ["serviceAccount:${at(who)}"]}]}`;
  const { dir, base, trail, up } = await setUpServer(t, (yaml) => yaml.replace('\nservices:', `  - email: ${at('relay')}${creator('deployer')}
  - email: ${at('target')}${creator('relay')}

services:`));
  await writeFile(join(dir, 'subject.jwt'), await idp.token('shop-deploy'));
  const sourceClient = ExternalAccountClient.fromJSON({ type: 'external_account', audience: provider('shop-ci'), subject_token_type: `${TYPE}jwt`,
    token_url: `${base}/v1/token`, credential_source: { file: join(dir, 'subject.jwt') },
    service_account_impersonation_url: `${base}/v1/projects/-/serviceAccounts/${at('deployer')}:generateAccessToken` });
  sourceClient.scopes = [CLOUD];
  const options = { sourceClient, targetPrincipal: at('target'), targetScopes: [CLOUD], lifetime: 600, endpoint: base };
  const through = new Impersonated({ ...options, delegates: [`projects/-/serviceAccounts/${at('relay')}`] });
  const { token } = await through.getAccessToken();
  minted(token);
  assert.match(token, /^ya29\.c\./);
  const id = await through.fetchIdToken(ORDERS, { includeEmail: true });
  minted(id);
  const { payload } = await jwtVerify(id, createRemoteJWKSet(new URL(up.addresses.jwks)), { issuer: up.addresses.issuer, audience: ORDERS });
  assert.equal(payload.email, at('target'));
  const { metadata, authenticationInfo } = (await trail()).find((entry) => entry.metadata.identityDelegationChain);
  assert.deepEqual(metadata.identityDelegationChain, [`projects/-/serviceAccounts/${at('relay')}`, `projects/-/serviceAccounts/${at('target')}`]);
  assert.equal(authenticationInfo.principalEmail, at('deployer'));
  assert.deepEqual(authenticationInfo.serviceAccountDelegationInfo, [{ principalSubject: subject('shop-deploy') }]);
  // Without the relay between them nobody gave the deployer anything.
  await assert.rejects(new Impersonated({ ...options, delegates: [] }).getAccessToken(), /iam\.serviceAccounts\.getAccessToken/);
  await up.stop();
});

// ---- refusals: contract google-identity.md §2, row by row

const LOCAL = 'https://ci.example';
const now = () => Math.floor(Date.now() / 1000);
const NO_TARGET = 'The target service indicated by the "audience" parameters is invalid. This might either be because ' +
  "the pool or provider is disabled or deleted or because it doesn't exist.";
const rows = [
  ['another issuer', { iss: `${LOCAL}/` }, {}, 'invalid_grant',
    `The issuer in ID Token ${LOCAL}/ does not match the expected one in config: ${LOCAL}`],
  ['another audience', { aud: 'x' }, {}, 'invalid_grant', 'The audience in ID Token [x] does not match the expected audience.'],
  ['expired', { iat: 1700000000, exp: 1700000600 }, {}, 'invalid_grant', 'ID Token issued at 1700000000 is stale to sign-in.'],
  ['from the future', { iat: 4102444800, exp: 4102445000 }, {}, 'invalid_grant', 'ID Token issued at 4102444800 is stale to sign-in.'],
  ['without times', { iat: undefined, exp: undefined }, {}, 'invalid_grant', 'ID Token issued at 0 is stale to sign-in.'],
  ['a bad signature', {}, { forged: true }, 'invalid_grant', 'Unable to verify the ID Token signature.'],
  ['an unknown key', {}, { kid: 'k2' }, 'invalid_grant', "Error connecting to the given credential's issuer."],
  ['the condition', { team: 'other' }, {}, 'unauthorized_client', 'The given credential is rejected by the attribute condition.'],
  ['no provider', {}, { audience: provider('none') }, 'invalid_target', NO_TARGET],
  ['a disabled provider', {}, { audience: provider('idle') }, 'invalid_target', NO_TARGET],
  ['a long subject', { sub: 'x'.repeat(128) }, {}, 'invalid_grant', 'The size of mapped attribute exceeds the 127 bytes limit. ' +
    'Either modify your attribute mapping or the incoming assertion to produce a mapped attribute that is less than 127 bytes.'],
];

async function foreign(claims, { forged, kid = 'k1' } = {}) {
  const key = forged ? (await generateKeyPair('RS256')).privateKey : keys.privateKey;
  const payload = { iss: LOCAL, aud: `https:${provider('local')}`, sub: 'job', team: 'web', iat: now(), exp: now() + 600, ...claims };
  const token = await new SignJWT(JSON.parse(JSON.stringify(payload))).setProtectedHeader({ alg: 'RS256', kid }).sign(key);
  return handed(token);
}

const local = (yaml) => yaml.replace('    providers:\n', `    providers:
      idle: {disabled: true, issuer: "${LOCAL}", map: {google.subject: assertion.sub}}
      local:
        issuer: ${LOCAL}
        jwks: ${JSON.stringify(jwks)}
        map: {google.subject: assertion.sub, attribute.team: assertion.team}
        condition: attribute.team == 'web'
`);

test('STS grants what a provider accepts and refuses the rest in Google\'s words', async (t) => {
  const { base, trail, up } = await setUpServer(t, local);
  const exchange = (token, audience = provider('local'), json = false) => {
    const fields = { grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', audience, scope: CLOUD,
      requested_token_type: `${TYPE}access_token`, subject_token: token, subject_token_type: `${TYPE}jwt` };
    const camel = Object.fromEntries(Object.entries(fields).map(([k, v]) => [k.replace(/_(.)/g, (m, c) => c.toUpperCase()), v]));
    return fetch(`${base}/v1/token`, json
      ? { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(camel) }
      : { method: 'POST', body: new URLSearchParams(fields) });
  };
  for (const json of [false, true]) {
    const answer = await exchange(await foreign({}), provider('local'), json);
    const body = await answer.json();
    minted(body.access_token);
    assert.deepEqual([answer.status, body.issued_token_type, body.token_type], [200, `${TYPE}access_token`, 'Bearer']);
    assert.ok(body.expires_in > 590 && body.expires_in <= 600);
  }
  for (const [what, claims, { audience, ...how }, error, error_description] of rows) {
    const answer = await exchange(await foreign(claims, how), audience);
    assert.deepEqual([answer.status, await answer.json()], [400, { error, error_description }], what);
  }
  const refusals = (await trail()).filter((entry) => entry.status.code);
  assert.equal(refusals.length, rows.length);
  assert.deepEqual(refusals.map((entry) => entry.status.message), rows.map((row) => row[4]));
  await up.stop();
});

test('the doctor explains a foreign token without a server', async (t) => {
  const { dir, gatepost } = await setUp(t, local);
  const ask = async (token, ...more) => {
    await writeFile(join(dir, 'subject.jwt'), token);
    return gatepost(['doctor', '--token', 'subject.jwt', ...more]);
  };
  const good = await ask(await idp.token('shop-deploy'));
  assert.equal(good.code, 0, good.stderr);
  assert.match(good.stdout, /providers\/shop-ci: accepted\n {2}google\.subject = shop-deploy\n {2}attribute\.client = shop-deploy\n/);
  assert.ok(good.stdout.includes(`  it is ${subject('shop-deploy')}\n  it may act for ${at('deployer')}\n`));
  assert.match(good.stdout, /providers\/local: refused: the token is of ".*" *, the provider's issuer is https:\/\/ci\.example \[GP-OIDC-01\]/);
  const lint = await ask(await idp.token('shop-lint'));
  assert.match(lint.stdout, /it may act for no account[^]*hint: bind it/);
  const other = await ask(await idp.token('other'));
  assert.equal(other.code, 1);
  assert.match(other.stdout, /providers\/shop-ci: refused: the provider's condition isn't true of the token \[GP-POOL-04\]/);
  const forged = await ask(await foreign({}, { forged: true }), '--format', 'json');
  const { accepted, providers } = JSON.parse(forged.stdout);
  assert.equal(accepted, false);
  assert.equal(providers.find((one) => one.provider === provider('local')).code, 'GP-JWT-06');
  const nothing = await gatepost(['doctor']);
  assert.equal(nothing.code, 2);
  assert.match(nothing.stderr, /the URL is missing.*\n {2}hint: .*--token FILE/);
});
