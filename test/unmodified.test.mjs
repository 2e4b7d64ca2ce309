// SPDX-License-Identifier: Apache-2.0
// Applications that know nothing of Gatepost: with `google_proxy`, Google's own clients run in an
// instance of `gatepost up`, and in a shell beside it, with the files and endpoints of the cloud.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { chmod, copyFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { PATIENCE_MS, deps, envOf, handed, minted, root, run, serve, startUp, tempDir } from './lib.mjs';

const at = (name) => `${name}@gatepost-demo.iam.gserviceaccount.com`;
const POOL = 'projects/123456789012/locations/global/workloadIdentityPools/pipelines';
const ISSUER = 'https://ci.example';
// The clients, as a command line each. Python's is Debian 13's google-auth, run by Debian 12's Python.
const CLIENTS = {
  node: [process.execPath, join(root, 'test/clients/google-auth.mjs')],
  python: ['/usr/bin/env', `PYTHONPATH=${join(deps, 'clients/python')}`, '/usr/bin/python3', join(root, 'test/clients/google_auth.py')],
};

// Runs what it is asked for, as the application that this instance is.
const APP = `
import http.server, json, os, subprocess
class App(http.server.BaseHTTPRequestHandler):
  protocol_version = 'HTTP/1.1'
  def do_GET(self):
    if self.path == '/whoami':
      out = json.dumps('the service')
    else:
      with open('programs.json') as file:
        argv = json.load(file)[self.path[1:]]
      done = subprocess.run(argv, capture_output=True, text=True)
      out = json.dumps([done.stdout, done.stderr])
    self.send_response(200)
    self.send_header('Content-Type', 'application/json')
    self.send_header('Content-Length', str(len(out.encode())))
    self.end_headers()
    self.wfile.write(out.encode())
  def log_message(self, *a): pass
http.server.ThreadingHTTPServer(('127.0.0.1', int(os.environ['PORT'])), App).serve_forever()
`;

const service = {
  apiVersion: 'serving.knative.dev/v1',
  kind: 'Service',
  metadata: { name: 'app' },
  spec: { template: { spec: { serviceAccountName: at('runtime'), containers: [{ command: ['/usr/bin/python3', 'app.py'],
    env: [{ name: 'GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES', value: '1' }] }] } } },
};

const may = (...who) => ({ bindings: [{ role: 'roles/iam.serviceAccountTokenCreator', members: who.map((one) => `serviceAccount:${at(one)}`) }] });

/** The foreign issuer of the pool, which is nothing but its key. */
async function makeIssuer() {
  const keys = await generateKeyPair('RS256', { extractable: true });
  const jwks = { keys: [{ ...await exportJWK(keys.publicKey), kid: 'k1', alg: 'RS256', use: 'sig' }] };
  const token = await new SignJWT({}).setProtectedHeader({ alg: 'RS256', kid: 'k1' }).setIssuer(ISSUER).setSubject('build')
    .setAudience(`https://iam.googleapis.com/${POOL}/providers/builds`).setIssuedAt().setExpirationTime('1h').sign(keys.privateKey);
  minted(token);
  return { jwks, token: handed(token) };
}

/** Credential files as the cloud's console gives them: every endpoint is Google's own. */
async function writeCloudFiles(dir, { token }, subjectUrl) {
  const file = async (name) => JSON.parse(await readFile(join(dir, `keys/${name}.json`), 'utf8'));
  const write = (name, content) => writeFile(join(dir, `cloud/${name}.json`), JSON.stringify(content));
  await mkdir(join(dir, 'cloud'));
  for (const name of ['admin', 'tester', 'jane']) {
    await write(name, { ...await file(name), token_uri: 'https://oauth2.googleapis.com/token' });
  }
  const { client_id, client_secret, refresh_token } = await file('jane');
  await write('workforce', { type: 'external_account_authorized_user', client_id, client_secret, refresh_token,
    audience: '//iam.googleapis.com/locations/global/workforcePools/staff/providers/idp',
    token_url: 'https://sts.googleapis.com/v1/oauthtoken', token_info_url: 'https://sts.googleapis.com/v1/introspect' });
  await writeFile(join(dir, 'subject.jwt'), token);
  const program = join(dir, 'subject.sh');
  await writeFile(program, `#!/bin/sh\nprintf '{"version":1,"success":true,"token_type":"urn:ietf:params:oauth:token-type:jwt","expiration_time":4102444800,"id_token":"%s"}' "$(cat ${join(dir, 'subject.jwt')})"\n`);
  await chmod(program, 0o700);
  const external = (name, credential_source, more = {}) => write(`external-${name}`, { type: 'external_account',
    audience: `//iam.googleapis.com/${POOL}/providers/builds`, subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: 'https://sts.googleapis.com/v1/token', credential_source, ...more });
  const impersonation = (name) => `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${at(name)}:generateAccessToken`;
  await external('file', { file: join(dir, 'subject.jwt') });
  await external('url', { url: subjectUrl, format: { type: 'json', subject_token_field_name: 'value' } });
  await external('executable', { executable: { command: program, timeout_millis: 30000 } });
  await external('impersonated', { file: join(dir, 'subject.jwt') }, { service_account_impersonation_url: impersonation('tester') });
  await write('impersonated', { type: 'impersonated_service_account', source_credentials: JSON.parse(await readFile(join(dir, 'cloud/jane.json'), 'utf8')),
    delegates: [`projects/-/serviceAccounts/${at('relay')}`], service_account_impersonation_url: impersonation('target') });
}

let gp;
/** What gatepost says of it comes when its loop has turned. */
async function until(pattern) {
  const deadline = Date.now() + PATIENCE_MS;
  while (!pattern.test(gp.out.stderr)) {
    assert.ok(Date.now() < deadline, gp.out.stderr);
    await new Promise((go) => setTimeout(go, 20));
  }
}
const cleanups = [];
const suite = { after: (f) => cleanups.push(f) };
after(async () => { for (const f of cleanups.reverse()) await f(); });
before(async () => {
  const home = await tempDir(suite);
  const dir = join(home, 'project');
  const own = join(home, "it's"); // a shell must not stumble over it
  await mkdir(own, { mode: 0o700 });
  const env = envOf(own);
  const issuer = await makeIssuer();
  await mkdir(dir);
  await writeFile(join(dir, 'app.py'), APP);
  await writeFile(join(dir, 'service.json'), JSON.stringify(service));
  await writeFile(join(dir, 'programs.json'), JSON.stringify({ node: [...CLIENTS.node, join(dir, 'cloud')],
    python: [...CLIENTS.python, join(dir, 'cloud')] }));
  await writeFile(join(dir, 'gatepost.yaml'), JSON.stringify({
    project: { id: 'gatepost-demo', number: 123456789012, hash: 'k2v7xw4mqa', region: 'us-central1' },
    workload_identity_pools: { pipelines: { providers: { builds: { issuer: ISSUER, jwks: issuer.jwks, map: { 'google.subject': 'assertion.sub' },
      credential: { file: 'keys/builds.json', token: 'subject.jwt', impersonate: at('tester') } } } } },
    accounts: [
      { email: at('admin'), key: 'keys/admin.json', roles: ['roles/run.invoker', 'roles/iam.serviceAccountTokenCreator', 'roles/iam.serviceAccountKeyAdmin'] },
      { email: at('tester'), key: 'keys/tester.json', policy: { bindings: [{ role: 'roles/iam.workloadIdentityUser', members: [`principal://iam.googleapis.com/${POOL}/subject/build`] }] } },
      { email: at('runtime') },
      { email: at('relay'), policy: { bindings: [{ role: 'roles/iam.serviceAccountTokenCreator', members: ['user:jane@example.com'] }] } },
      { email: at('target'), policy: may('relay') },
      { email: 'jane@example.com', key: 'keys/jane.json' },
    ],
    run_as: at('admin'),
    services: ['service.json'],
    up: { google_proxy: true },
  }));
  const up = await startUp(suite, [dir], { env });
  const subjectUrl = await serve(suite, (request, response) => response.end(JSON.stringify({ value: issuer.token })));
  await writeCloudFiles(dir, issuer, subjectUrl);
  // In an instance, as its application: the service is private, so the program is asked for with a token.
  const inInstance = async (program) => {
    const { stdout: token } = await run(['token', '--audience', up.addresses.services[0].run_app_urls[0]], { cwd: dir, env });
    const answer = await fetch(`${up.addresses.services[0].url}/${program}`, { headers: { authorization: `Bearer ${token.trim()}` } });
    const [stdout, stderr] = await answer.json();
    return stdout ? JSON.parse(stdout) : assert.fail(stderr);
  };
  // In a shell beside it, which has read the file that was offered for that.
  const inShell = (line) => run(['-c', `. "$0"; ${line}`, up.addresses.env_file], { program: '/bin/sh', cwd: dir, env });
  gp = { ...up, home, dir, env, inInstance, inShell };
});

// What every client must have got, by flow.
const WANTED = {
  service_account: ['ya29.c', at('admin')],
  self_signed: at('admin'),
  authorized_user: ['ya29.a', 'jane@example.com'],
  external_account_authorized_user: 'ya29.a',
  external_file: 'ya29.d',
  external_url: 'ya29.d',
  external_executable: 'ya29.d',
  external_impersonated: 'ya29.c',
  impersonated_with_delegates: 'ya29.c',
  impersonated_id_token: at('tester'),
  a_forged_key: { error: 'invalid_grant', error_description: 'Invalid JWT Signature.' },
};

const NODE_ONLY = { metadata_by_its_name: 'gatepost-demo', another_service: [200, 'the service'] };
const PYTHON_ONLY = { self_signed_for_an_audience: at('admin'), impersonated_signature: 256 };

/** Beside an instance, in a shell. */
async function flowsInShell(client, what = 'cloud') {
  const { stdout, stderr } = await gp.inShell(`GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1 ${CLIENTS[client].map((arg) => `'${arg}'`).join(' ')} ${what}`);
  return JSON.parse(stdout || assert.fail(stderr));
}

test('google-auth-library and gcp-metadata in an instance', async () => {
  assert.deepEqual(await gp.inInstance('node'), { ...WANTED, ...NODE_ONLY,
    default_credentials: ['Compute', 'ya29.c', at('runtime'), 'gatepost-demo'],
    metadata: [true, 'projects/123456789012/regions/us-central1', at('runtime')] });
});

test('google-auth-library and gcp-metadata in a shell: default credentials are those of run_as', async () => {
  assert.deepEqual(await flowsInShell('node'), { ...WANTED, ...NODE_ONLY,
    default_credentials: ['JWT', 'ya29.c', at('admin'), 'gatepost-demo'],
    metadata: [true, 'projects/123456789012/regions/us-central1', at('admin')] });
});

test("Python's google-auth in an instance", async () => {
  assert.deepEqual(await gp.inInstance('python'), { ...WANTED, ...PYTHON_ONLY,
    default_credentials: ['Credentials', 'ya29.c', at('runtime'), 'gatepost-demo'],
    metadata: [true, at('runtime'), 'ya29.c', at('runtime')] });
});

test("Python's google-auth in a shell: default credentials are those of run_as", async () => {
  assert.deepEqual(await flowsInShell('python'), { ...WANTED, ...PYTHON_ONLY,
    default_credentials: ['Credentials', 'ya29.c', at('admin'), 'gatepost-demo'],
    metadata: [true, at('admin'), 'ya29.c', at('admin')] });
});

test("Python's google-auth without the proxy: a key file and the metadata server's variable are enough", async () => {
  const { metadata, certs } = gp.addresses;
  const [program, ...args] = CLIENTS.python;
  // A person's file needs the proxy: the library sends its refresh token to Google whatever the file says.
  const flows = ['service_account', 'default_credentials', 'metadata', 'a_forged_key'];
  const { stdout, stderr } = await run([...args, 'keys', ...flows], { program, cwd: gp.dir,
    env: { ...gp.env, TEST_CERTS: certs, GCE_METADATA_HOST: new URL(metadata).host, GCE_METADATA_IP: new URL(metadata).host } });
  assert.deepEqual(JSON.parse(stdout || assert.fail(stderr)), {
    service_account: WANTED.service_account, a_forged_key: WANTED.a_forged_key,
    default_credentials: ['Credentials', 'ya29.c', at('admin'), 'gatepost-demo'], metadata: [true, at('admin'), 'ya29.c', at('admin')] });
});

test('the credential file of a provider is ready to use', async () => {
  const ready = join(gp.dir, 'ready');
  await mkdir(ready);
  await copyFile(join(gp.dir, 'keys/builds.json'), join(ready, 'external-impersonated.json'));
  const [program, ...args] = CLIENTS.node;
  const { stdout } = await run([...args, ready, 'external_impersonated'], { program, env: gp.env }); // without the proxy
  assert.deepEqual(JSON.parse(stdout), { external_impersonated: 'ya29.c' });
  assert.deepEqual(await flowsInShell('python', 'ready external_impersonated'), { external_impersonated: 'ya29.c' });
});

test('curl reaches Google\'s hosts and the metadata server; what isn\'t public is refused with its reason', async () => {
  const keys = await gp.inShell('curl -sf https://www.googleapis.com/oauth2/v3/certs');
  assert.equal(JSON.parse(keys.stdout).keys[0].alg, 'RS256', keys.stderr);
  const metadata = await gp.inShell('curl -sf -p -x "$HTTPS_PROXY" -H "Metadata-Flavor: Google" http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/email');
  assert.equal(metadata.stdout, at('admin'));
  const refused = await gp.inShell('curl -s https://10.0.0.1/');
  assert.notEqual(refused.code, 0);
  await until(/proxy: CONNECT 10\.0\.0\.1:443: it has a private address.*\[GP-FET-08\]; let NO_PROXY name it/);
});

test('T33 the CA vouches for its hosts only, lives as long as gatepost up, and its key is in no file', async (t) => {
  const { ca, ca_bundle, env_file } = gp.addresses;
  for (const path of [ca, ca_bundle, env_file]) {
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.doesNotMatch(await readFile(path, 'utf8'), /PRIVATE KEY/);
  }
  const own = new X509Certificate(await readFile(ca));
  assert.ok(own.ca);
  const bundle = await readFile(ca_bundle, 'utf8');
  assert.ok(bundle.endsWith(await readFile(ca, 'utf8')));
  assert.ok(bundle.match(/BEGIN CERTIFICATE/g).length > 50); // the machine's own are there too
  const text = (await run(['x509', '-in', ca, '-noout', '-ext', 'nameConstraints,basicConstraints'], { program: 'openssl' })).stdout;
  assert.match(text, /Name Constraints: critical/);
  const permitted = text.match(/DNS:\S+/g).map((name) => name.slice(4)).sort();
  assert.deepEqual(permitted, ['accounts.google.com', 'app-123456789012.us-central1.run.app', 'app-k2v7xw4mqa-uc.a.run.app', 'cloudresourcemanager.googleapis.com',
    'iam.googleapis.com', 'iamcredentials.googleapis.com', 'oauth2.googleapis.com', 'policyanalyzer.googleapis.com', 'run.googleapis.com', 'sts.googleapis.com', 'us-central1-run.googleapis.com', 'www.googleapis.com']);
  // Another run has another one, and leaves nothing.
  const home = await tempDir(t);
  const env = envOf(home);
  const other = await startUp(t, [join(root, 'examples/orders'), '--google-proxy'], { env });
  assert.notEqual(await readFile(other.addresses.ca, 'utf8'), await readFile(ca, 'utf8'));
  await other.stop();
  for (const path of [other.addresses.ca, other.addresses.ca_bundle, other.addresses.env_file]) await assert.rejects(stat(path), /ENOENT/);
});
