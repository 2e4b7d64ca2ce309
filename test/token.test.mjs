// SPDX-License-Identifier: Apache-2.0
// Tokens by hand: `gatepost token`, `token verify` and `whoami`, with a running `up`, a metadata
// server and gcloud played by the test. The keys are real.
import assert from 'node:assert/strict';
import { createSign, createVerify, generateKeyPairSync } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { envOf, minted, run, serve, tempDir } from './lib.mjs';

const issuer = 'https://accounts.google.com';
const service = 'https://orders-k2v7xw4mqa-uc.a.run.app';
const tester = 'tester@my-project.iam.gserviceaccount.com';
const stranger = 'stranger@my-project.iam.gserviceaccount.com';
const keys = { own: newKey(), tester: newKey(), stranger: newKey() };

function newKey() {
  return generateKeyPairSync('rsa', { modulusLength: 2048 });
}

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const decode = (token, part = 1) => JSON.parse(Buffer.from(token.split('.')[part], 'base64url'));

function sign(claims, key = keys.own, kid = 'k1') {
  const text = `${encode({ alg: 'RS256', kid, typ: 'JWT' })}.${encode(claims)}`;
  return `${text}.${createSign('sha256').update(text).sign(key.privateKey, 'base64url')}`;
}

function idToken(audience, email, more = {}) {
  const now = Math.floor(Date.now() / 1000);
  const token = sign({ iss: issuer, aud: audience, sub: '1', email, email_verified: true, iat: now,
    exp: now + 3600, ...more });
  minted(token);
  return token;
}

const body = async (request) => {
  let text = '';
  for await (const part of request) text += part;
  return text;
};

/** Serves the keys, and trades assertions of the local accounts for tokens. */
async function localGoogle(t) {
  return serve(t, async (request, response) => {
    const answer = (status, value) => response.writeHead(status, { 'content-type': 'application/json' })
      .end(JSON.stringify(value));
    if (request.url === '/certs') {
      const jwk = { ...keys.own.publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'RS256', use: 'sig' };
      return answer(200, { keys: [jwk] });
    }
    const assertion = new URLSearchParams(await body(request)).get('assertion');
    const claims = decode(assertion);
    const key = keys[claims.iss.split('@')[0]];
    const [head, payload, signature] = assertion.split('.');
    const good = createVerify('sha256').update(`${head}.${payload}`).verify(key.publicKey, signature, 'base64url');
    if (!good) return answer(400, { error: 'invalid_grant' });
    if (claims.target_audience) return answer(200, { id_token: idToken(claims.target_audience, claims.iss) });
    return answer(200, { access_token: `local-${claims.scope}`, expires_in: 3600, token_type: 'Bearer' });
  });
}

async function writeKeyFile(path, email, tokenUri) {
  const pem = keys[email.split('@')[0]].privateKey.export({ type: 'pkcs8', format: 'pem' });
  await writeFile(path, JSON.stringify({ type: 'service_account', project_id: 'my-project',
    private_key_id: 'k', private_key: pem, client_email: email, token_uri: tokenUri }), { mode: 0o600 });
}

/** The address file of an `up` that is this process. */
async function playUp(t, home) {
  const base = await localGoogle(t);
  const stat = await readFile(`/proc/${process.pid}/stat`, 'utf8');
  const started = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  const accounts = [];
  for (const email of [tester, stranger]) {
    const keyFile = join(home, `${email}.json`);
    await writeKeyFile(keyFile, email, `${base}/token`);
    accounts.push({ email, key_file: keyFile });
  }
  await mkdir(join(home, 'gatepost'), { mode: 0o700 });
  await writeFile(join(home, 'gatepost/up.json'), JSON.stringify({
    pid: process.pid, started, project: 'my-project', project_number: '123456789012', issuer,
    token_url: `${base}/token`, iam_url: base, metadata: base, jwks: `${base}/certs`,
    certs: `${base}/certs`, admin: base, run_as: tester, audit: join(home, 'audit'),
    services: [{ name: 'orders', url: base, run_app_urls: [service], policy: '' }], accounts,
  }), { mode: 0o600 });
  return base;
}

/** A metadata server with one account. */
async function playMetadata(t) {
  const base = await serve(t, (request, response) => {
    const url = new URL(request.url, 'http://m');
    assert.equal(request.headers['metadata-flavor'], 'Google');
    response.setHeader('metadata-flavor', 'Google');
    if (url.pathname.endsWith('/email')) return response.end('cloud@my-project.iam.gserviceaccount.com');
    if (url.pathname.endsWith('/identity')) return response.end(idToken(url.searchParams.get('audience'), 'cloud'));
    return response.end(JSON.stringify({ access_token: 'cloud-access', expires_in: 3600, token_type: 'Bearer' }));
  });
  return new URL(base).host;
}

async function setUp(t, { up = false, more = {} } = {}) {
  const home = await tempDir(t);
  const base = up ? await playUp(t, home) : '';
  const env = envOf(home, more);
  return { home, base, env, gatepost: (args, options = {}) => run(args, { env, cwd: home, ...options }) };
}

// ---- token --------------------------------------------------------------------------------------

test('a local account gives the token of its service, and nothing else is printed', async (t) => {
  const { gatepost } = await setUp(t, { up: true });
  const rows = [
    [['--audience', service], service, tester], // one of its services: run_as calls
    [['--audience', service, '--identity', 'stranger'], service, stranger],
    [['--audience', service, '--identity', stranger], service, stranger],
    [['--local', '--audience', 'https://wrong.example'], 'https://wrong.example', tester],
    [['--local', '--account', stranger, '--audience', service], service, stranger],
    [['--identity', 'stranger', '--audience', 'https://wrong.example'], 'https://wrong.example', stranger],
    [['--local', '--audiences', service], service, tester], // gcloud's name
  ];
  for (const [args, audience, email] of rows) {
    const { code, stdout, stderr } = await gatepost(['token', ...args]);
    assert.equal(stderr, '', args.join(' '));
    assert.equal(code, 0);
    assert.match(stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    const claims = decode(stdout);
    assert.deepEqual([claims.aud, claims.email], [audience, email], args.join(' '));
  }
  const access = await gatepost(['token', '--local', '--scope', 'https://www.googleapis.com/auth/a']);
  assert.equal(access.stdout, 'local-https://www.googleapis.com/auth/a\n');
});

test('the address of a local service is no audience that it takes, which is said', async (t) => {
  const { gatepost, base } = await setUp(t, { up: true });
  const { stdout, stderr } = await gatepost(['token', '--audience', base]);
  assert.equal(decode(stdout).aud, base);
  assert.match(stderr, new RegExp(`^gatepost: warning: .*${base}.* --audience ${service}\n$`));
});

test('without a hint at the local services the cloud credential is used', async (t) => {
  const host = await playMetadata(t);
  const { gatepost } = await setUp(t, { up: true, more: { GCE_METADATA_HOST: host } });
  const { stdout, stderr } = await gatepost(['token', '--audience', 'https://other.example']);
  assert.equal(stderr, '');
  assert.deepEqual([decode(stdout).aud, decode(stdout).email], ['https://other.example', 'cloud']);
  const access = await gatepost(['token', '--scope', 'https://www.googleapis.com/auth/cloud-platform']);
  assert.equal(access.stdout, 'cloud-access\n');
});

test('an identity of the project file is used as its trust allows', async (t) => {
  const { gatepost, home } = await setUp(t, { up: true });
  const file = join(home, 'gatepost.yaml');
  await writeFile(file, `project: {id: my-project}
identities: {guest: {account: ${stranger}}, boss: {impersonate: boss@my-project.iam.gserviceaccount.com}}
`);
  const guest = await gatepost(['token', '--identity', 'guest', '--audience', service]);
  assert.equal(decode(guest.stdout).email, stranger);
  const boss = await gatepost(['token', '--identity', 'boss', '--audience', service]);
  assert.equal(boss.code, 3);
  assert.equal(boss.stdout, '');
  assert.match(boss.stderr, /'boss' is not heeded.*gatepost trust file/);
  assert.match(boss.stderr, /there is no identity 'boss'.*\[GP-CRED-05\]/);
});

test('what can\'t be minted is told with the way out', async (t) => {
  const none = await setUp(t);
  const rows = [
    [['token'], 2, /needs a purpose: --audience or --scope \[GP-OPT-03\]\n {2}hint: .*--audience/],
    [['token', '--audience', 'a', '--scope', 'b'], 2, /give one \[GP-OPT-03\]/],
    [['token', '--audience', service], 4, /no credential was found.*\[GP-CRED-01\]\n {2}hint: sign in/],
    [['token', '--local', '--audience', service], 3, /no 'gatepost up' of yours is running \[GP-HOME-04\]\n {2}hint: /],
    [['token', '--identity', 'nobody', '--audience', service], 3, /there is no identity 'nobody'.*\[GP-CRED-05\]/],
    [['token', '--account', 'jane@example.com', '--audience', service], 4, /no gcloud in PATH \[GP-CRED-07\]/],
  ];
  for (const [args, status, says] of rows) {
    const { code, stdout, stderr } = await none.gatepost(args, { env: { ...none.env, PATH: none.home } });
    assert.match(stderr, says, args.join(' '));
    assert.deepEqual([code, stdout], [status, ''], args.join(' '));
  }
});

test('T40 an address file that others can write is not believed', async (t) => {
  const { gatepost, home } = await setUp(t, { up: true });
  await chmod(join(home, 'gatepost/up.json'), 0o644);
  const { code, stdout, stderr } = await gatepost(['token', '--local', '--audience', service]);
  assert.deepEqual([code, stdout], [6, '']);
  assert.match(stderr, /up\.json.*is open to other users \[GP-HOME-06\]/);
});

// ---- token verify -------------------------------------------------------------------------------

test('verify tells a good token from bad ones, check by check', async (t) => {
  const { gatepost } = await setUp(t);
  const good = idToken(service, tester);
  const keysUrl = `${await localGoogle(t)}/certs`;
  const verify = (token, ...more) => gatepost(['token', 'verify', '--issuer', issuer, '--jwks', keysUrl,
    '--audience', service, ...more], { input: token });
  const ok = await verify(good);
  assert.equal(ok.stderr, '');
  assert.equal(ok.code, 0);
  assert.match(ok.stdout, new RegExp(tester));
  assert.equal((await verify(`Bearer ${good}\n`)).code, 0);
  const [head, payload, signature] = good.split('.');
  const other = signature[0] === 'A' ? 'B' : 'A';
  const rows = [
    [`${head}.${payload}.${other}${signature.slice(1)}`, 'GP-JWT-06'],
    [idToken('https://wrong.example', tester), 'GP-AUD-01'],
    [idToken(service, tester, { iat: 1, exp: 3600 }), 'GP-JWT-09'],
    [sign(decode(good), keys.stranger), 'GP-JWT-06'],
    [idToken(service, tester, { iss: 'https://evil.example' }), 'GP-JWT-08'],
    ['rubbish', 'GP-JWT-01'],
  ];
  for (const [token, id] of rows) {
    const bad = await verify(token);
    assert.equal(bad.code, 1, `${id}: ${bad.stderr}`);
    assert.match(bad.stdout, new RegExp(`\\[${id}`));
    assert.equal(bad.stderr, '', 'it is said once');
    const shown = bad.stdout + bad.stderr;
    if (token.length > 100) assert.ok(!shown.includes(token.split('.')[2].slice(0, 24)), 'it shows the signature');
  }
  const json = await verify(good, '--format', 'json');
  assert.equal(json.code, 0);
  assert.ok(JSON.stringify(JSON.parse(json.stdout)).includes(tester));
});

test('verify takes the token as an argument, and the running up\'s issuer', async (t) => {
  const { gatepost } = await setUp(t, { up: true });
  const { stdout: token } = await gatepost(['token', '--audience', service]);
  const good = await gatepost(['token', 'verify', '--local', '--audience', service, token.trim()]);
  assert.deepEqual([good.code, good.stderr], [0, '']);
  const piped = await gatepost(['token', 'verify', '--local', '-'], { input: token });
  assert.equal(piped.code, 0);
  const whose = await gatepost(['token', 'verify', token.trim()]);
  assert.equal(whose.code, 2);
  assert.match(whose.stderr, /hint: give --issuer URL, or --local/);
});

test('verify tells unreachable keys from a bad token', async (t) => {
  const { gatepost } = await setUp(t);
  const { code, stdout } = await gatepost(['token', 'verify', '--issuer', issuer, '--jwks',
    'http://127.0.0.1:9/certs', '--audience', service], { input: idToken(service, tester) });
  assert.equal(code, 5);
  assert.match(stdout, /\[GP-OIDC-02\]/);
});

// ---- whoami -------------------------------------------------------------------------------------

test('whoami tells each step of the search and what came of it', async (t) => {
  const { gatepost, home, env } = await setUp(t, { up: true });
  const none = await gatepost(['whoami']);
  assert.equal(none.code, 4);
  for (const step of ['--account', 'GOOGLE_APPLICATION_CREDENTIALS', 'application default credentials',
    'metadata server', 'gcloud\'s account']) {
    assert.ok(none.stdout.includes(`  ${step} `), step);
  }
  assert.ok(!none.stdout.includes('\n>'));
  assert.match(none.stderr, /^gatepost: no credential was found \[GP-CRED-01\]\n {2}hint: sign in/);

  const file = join(home, 'cloud.json');
  await writeKeyFile(file, tester, 'https://oauth2.googleapis.com/token');
  const found = await gatepost(['whoami'], { env: { ...env, GOOGLE_APPLICATION_CREDENTIALS: file } });
  assert.deepEqual([found.code, found.stderr], [0, '']);
  assert.match(found.stdout, /^> GOOGLE_APPLICATION_CREDENTIALS .*cloud\.json/m);
  assert.match(found.stdout, new RegExp(`^principal +${tester}$`, 'm'));
  assert.match(found.stdout, /^ID tokens +for any audience$/m);
  assert.match(found.stdout, /^way to a token +an assertion signed with the key goes to https:\/\/oauth2\.googleapis\.com\/token/m);
  assert.ok(!found.stdout.includes('PRIVATE KEY'));

  await chmod(file, 0o644);
  const open = await gatepost(['whoami'], { env: { ...env, GOOGLE_APPLICATION_CREDENTIALS: file } });
  assert.match(open.stdout, /^warning +.*can be read by others: chmod 600/m);
});

// Google's libraries sign such a token themselves: no server is asked.
test('a key signs an access token for one API', async (t) => {
  const { gatepost, home, env } = await setUp(t);
  const file = join(home, 'cloud.json');
  await writeKeyFile(file, tester, 'https://oauth2.googleapis.com/token');
  const api = 'https://pubsub.googleapis.com/';
  const got = await gatepost(['token', '--access', '--audience', api],
    { env: { ...env, GOOGLE_APPLICATION_CREDENTIALS: file } });
  assert.deepEqual([got.code, got.stderr], [0, '']);
  const [head, payload, signature] = got.stdout.trim().split('.');
  assert.ok(createVerify('sha256').update(`${head}.${payload}`).verify(keys.tester.publicKey, signature, 'base64url'));
  const { iss, sub, aud, iat, exp } = decode(got.stdout);
  assert.deepEqual({ iss, sub, aud, life: exp - iat }, { iss: tester, sub: tester, aud: api, life: 3600 });
  assert.deepEqual(decode(got.stdout, 0), { alg: 'RS256', kid: 'k', typ: 'JWT' });
  const both = await gatepost(['token', '--access', '--scope', 'a']);
  assert.equal(both.code, 2);
  assert.match(both.stderr, /hint: with --access the audience is one API/);
});

// A CI job's token is exchanged; nothing is sent where only the file says.
test('a foreign token in a file is explained, and never shown to a stranger', async (t) => {
  const { gatepost, home, env } = await setUp(t);
  const file = join(home, 'external.json');
  const external = { type: 'external_account',
    audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/gh',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt', token_url: 'https://sts.googleapis.com/v1/token',
    credential_source: { file: '/run/secrets/token' } };
  const whoami = async (value, ...more) => {
    await writeFile(file, JSON.stringify(value), { mode: 0o600 });
    return gatepost(['whoami', ...more], { env: { ...env, GOOGLE_APPLICATION_CREDENTIALS: file } });
  };
  const plain = await whoami(external);
  assert.match(plain.stdout, /^source +workload identity federation$/m);
  assert.match(plain.stdout, /^ID tokens +none$/m);
  const robot = 'robot@my-project.iam.gserviceaccount.com';
  const url = `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${robot}:generateAccessToken`;
  const who = JSON.parse((await whoami({ ...external, service_account_impersonation_url: url }, '--format', 'json')).stdout);
  assert.equal(who.principal, robot);
  assert.deepEqual(who.way, ['the foreign token is read from the file /run/secrets/token',
    `it goes to https://sts.googleapis.com/v1/token for the provider ${external.audience}`,
    `with that token, IAM credentials are asked to speak for ${robot}`]);
  const forged = await whoami({ ...external, token_url: 'https://attacker.example/v1/token' });
  assert.equal(forged.code, 4);
  assert.match(forged.stderr, /external\.json:1:\d+: .*token_url: 'https:\/\/attacker\.example.*\[GP-CRED-02\]/);
});

test('whoami as JSON has the same for programs', async (t) => {
  const { gatepost } = await setUp(t, { up: true });
  const { code, stdout } = await gatepost(['whoami', '--local', '--identity', 'stranger', '--format', 'json']);
  const who = JSON.parse(stdout);
  assert.equal(code, 0);
  assert.deepEqual([who.found, who.principal, who.local, who.user], [true, stranger, true, false]);
  assert.deepEqual(who.mints, { id_token: 'for any audience', access_token: 'for any scope' });
  assert.ok(who.steps.at(-1).found);
  const failed = await gatepost(['whoami', '--format', 'json']);
  assert.equal(failed.code, 4);
  assert.deepEqual([JSON.parse(failed.stdout).found, JSON.parse(failed.stdout).steps.length > 3], [false, true]);
});

test('gcloud\'s variables and account are honoured', async (t) => {
  const { gatepost, home, env } = await setUp(t);
  const config = join(home, 'sdk');
  await mkdir(join(config, 'configurations'), { recursive: true });
  await writeFile(join(config, 'application_default_credentials.json'), JSON.stringify({
    type: 'authorized_user', client_id: 'client.example', client_secret: 's', refresh_token: 'r' }), { mode: 0o600 });
  const whoami = async (more, ...args) =>
    JSON.parse((await gatepost(['whoami', '--format', 'json', ...args], { env: { ...env, ...more } })).stdout);

  const user = await whoami({ CLOUDSDK_CONFIG: config });
  assert.equal(user.user, true);
  assert.match(user.mints.id_token, /not bound to one service/);
  const robot = 'robot@my-project.iam.gserviceaccount.com';
  const chain = await whoami({ CLOUDSDK_CONFIG: config, CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT: robot });
  assert.deepEqual([chain.principal, chain.impersonated, chain.user], [robot, true, false]);

  const bin = join(home, 'bin');
  await mkdir(bin);
  const token = idToken('client.example', 'jane@example.com');
  await writeFile(join(bin, 'gcloud'), `#!/bin/sh\ncase "$*" in *print-identity-token*) echo "$JANES";; *) exit 1;; esac\n`,
    { mode: 0o755 });
  const withGcloud = { PATH: `${bin}:${process.env.PATH}`, JANES: token, CLOUDSDK_CORE_ACCOUNT: 'jane@example.com' };
  const jane = await whoami(withGcloud);
  assert.deepEqual([jane.principal, jane.place, jane.user], ['jane@example.com', 'gcloud', true]);
  // Her token has gcloud as its audience: it isn't what was asked for.
  const refused = await gatepost(['token', '--audience', service], { env: { ...env, ...withGcloud } });
  assert.deepEqual([refused.code, refused.stdout], [4, '']);
  assert.match(refused.stderr, /\[GP-CRED-03\]\n {2}hint: .*--impersonate-service-account/);
});

test('keys that cannot be fetched are told once, with what to look at', async (t) => {
  const home = await tempDir(t);
  const token = idToken(service, tester);
  const r = await run(['token', 'verify', '--issuer', issuer, '--jwks', 'http://127.0.0.1:1/keys'], { env: envOf(home), input: token });
  assert.deepEqual([r.code, r.stderr], [5, '']);
  assert.match(r.stdout, /signature {2}\? {6}not checked: the keys of .* can't be fetched: .*\[GP-OIDC-02\]\n +fix: +is the issuer's address right/);
});
