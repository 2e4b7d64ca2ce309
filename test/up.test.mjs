// SPDX-License-Identifier: Apache-2.0
// `gatepost up` from outside: a private Cloud Run service on this machine, called with identities
// that others' libraries obtain, judged row by row as the cloud does, and gone without a trace.
import assert from 'node:assert/strict';
import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { Gaxios } from 'gaxios';
import { JWT } from 'google-auth-library';
import { createRemoteJWKSet, decodeJwt, importPKCS8, jwtVerify, SignJWT } from 'jose';
import { envOf, minted, PATIENCE_MS, root, run, start, startUp, tempDir } from './lib.mjs';

const DOMAIN = 'gatepost-demo.iam.gserviceaccount.com';
const TESTER = `tester@${DOMAIN}`;
const STRANGER = `stranger@${DOMAIN}`;
const ORDERS = 'https://orders-k2v7xw4mqa-uc.a.run.app';

// A service that tells what reached it.
const ECHO = `
import http.server, json, os, signal, sys, time
class Echo(http.server.BaseHTTPRequestHandler):
  protocol_version = 'HTTP/1.1'
  def do_GET(self):
    if self.path == '/die': os._exit(7)
    if self.path == '/shout': print('\\x1b[31mred', self.headers['Authorization'], flush=True)
    if self.path.startswith('/sleep/'): time.sleep(float(self.path.split('/')[2]))
    body = json.dumps({'path': self.path, 'headers': self.headers.items(), 'pid': os.getpid(),
                       'env': dict(os.environ)}).encode()
    self.send_response(200)
    self.send_header('Content-Length', str(len(body)))
    if self.path == '/cookie': self.send_header('Set-Cookie', 'a=b')
    self.end_headers()
    self.wfile.write(body)
  def log_message(self, *a): print('echo was asked', self.headers.get('Authorization'), flush=True)
server = http.server.ThreadingHTTPServer(('127.0.0.1', int(os.environ['PORT'])), Echo)
server.daemon_threads = True
signal.signal(signal.SIGTERM, lambda *a: os._exit(0))
server.serve_forever()
`;

const project = (more = {}) => JSON.stringify({
  project: { id: 'gatepost-demo', number: 123456789012, hash: 'k2v7xw4mqa', region: 'us-central1' },
  accounts: [
    { email: TESTER, roles: ['roles/run.invoker'], key: '.gatepost/tester.json' },
    { email: STRANGER, key: '.gatepost/stranger.json' },
    { email: `orders-runtime@${DOMAIN}` },
  ],
  run_as: TESTER,
  clock_skew: 0,
  services: ['service.yaml'],
  ...more,
});

const echoService = (name, { annotations = {}, template = {}, spec = {}, container = {} } = {}) =>
  JSON.stringify({
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { name, annotations },
    spec: {
      template: {
        metadata: { annotations: template },
        spec: { ...spec, containers: [{ command: ['python3', 'echo.py'], ...container }] },
      },
    },
  });

/** A copy of the example with a project file of the test's own and the echo services it names. */
async function checkout(t, { echo = {}, more = {} } = {}) {
  const dir = join(await tempDir(t), 'orders');
  await cp(join(root, 'examples/orders'), dir, { recursive: true });
  await writeFile(join(dir, 'echo.py'), ECHO);
  const services = more.services ?? ['service.yaml'];
  for (const [name, what] of Object.entries(echo)) {
    await writeFile(join(dir, `${name}.json`), echoService(name, what));
    services.push(`${name}.json`);
  }
  await writeFile(join(dir, 'gatepost.yaml'), project({ ...more, services }));
  return dir;
}

/** Brings a checkout up: the printed addresses, and what a test wants to do with it. */
async function up(t, { args = [], env = {}, ...what } = {}) {
  const dir = await checkout(t, what);
  const home = envOf(await tempDir(t), env);
  const running = await startUp(t, [dir, ...args], { env: home });
  const { addresses } = running;
  const key = async (name) => JSON.parse(await readFile(join(dir, `.gatepost/${name}.json`), 'utf8'));
  const url = (name) => addresses.services.find((s) => s.name === name).url;
  const status = async (name) => (await (await fetch(`${addresses.admin}/status`)).json())
    .services.find((s) => s.name === name);
  return { ...running, dir, env: home, addresses, key, url, status };
}

/** A token for an account's key file by the JWT bearer grant; `claims` makes it an ID or access one. */
async function grant(gp, name, claims) {
  const key = await gp.key(name);
  const assertion = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'RS256', kid: key.private_key_id })
    .setIssuer(key.client_email).setAudience(gp.addresses.token_url).setIssuedAt().setExpirationTime('1h')
    .sign(await importPKCS8(key.private_key, 'RS256'));
  const answer = await fetch(gp.addresses.token_url, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }),
  });
  const body = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(body));
  minted(body.id_token ?? body.access_token);
  return body.id_token ?? body.access_token;
}

const idToken = (gp, name, audience) => grant(gp, name, { target_audience: audience });

/** A request with these header fields, doubled ones included: { status, headers, text }. */
function send(base, path, fields = []) {
  const { host, hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    const rq = httpRequest({ hostname, port, path, headers: ['Host', host, ...fields.flat()] }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (piece) => { text += piece; });
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
      answer.on('error', reject);
    });
    rq.on('error', reject).end();
  });
}

const bearer = (token) => ['Authorization', `Bearer ${token}`];

async function until(what, condition, timeoutMs = PATIENCE_MS) {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `${what}: not within ${timeoutMs} ms`);
    await new Promise((go) => setTimeout(go, 20));
  }
}

/** The entries of the audit spool, oldest first. */
async function trail(gp) {
  const dir = join(gp.env.XDG_STATE_HOME, 'gatepost/audit');
  const files = (await readdir(dir)).filter((name) => !name.startsWith('.')).sort();
  const texts = await Promise.all(files.map((name) => readFile(join(dir, name), 'utf8')));
  return texts.join('').split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line).entry);
}

const alive = (pid) => {
  try { process.kill(pid, 0); return true; } catch { return false; }
};

test('T24_the_decision_table_of_cloud_run', async (t) => {
  const gp = await up(t, {
    echo: {
      open: { annotations: { 'run.googleapis.com/invoker-iam-disabled': 'true' } },
      everybody: {},
      anyaccount: {},
      inside: { annotations: { 'run.googleapis.com/ingress': 'internal' } },
      nourl: { annotations: { 'run.googleapis.com/default-url-disabled': 'true' } },
    },
    more: {
      policies: {
        everybody: { bindings: [{ role: 'roles/run.invoker', members: ['allUsers'] }] },
        anyaccount: { bindings: [{ role: 'roles/run.invoker', members: ['allAuthenticatedUsers'] }] },
      },
    },
  });
  const good = await idToken(gp, 'tester', ORDERS);
  const stranger = await idToken(gp, 'stranger', ORDERS);
  const wrong = await idToken(gp, 'tester', 'https://elsewhere.example.com');
  const access = await grant(gp, 'tester', { scope: 'https://www.googleapis.com/auth/cloud-platform' });
  const last = good.at(-2) === 'A' ? 'B' : 'A';
  const tampered = `${good.slice(0, -2)}${last}${good.at(-1)}`;
  const byNumber = 'https://orders-123456789012.us-central1.run.app';
  const F = (path) => `Your client does not have permission to get URL <code>${path}</code> from this server.`;
  const U = (path) => `Your client does not have permission to the requested URL <code>${path}</code>.`;
  const challenge = 'Bearer error="invalid_token" error_description="The access token could not be verified"';
  const rows = [
    ['private, no Authorization', 'orders', [], 403, F],
    ['not a JWT', 'orders', [bearer('nonsense')], 401, U],
    ['another scheme', 'orders', [['Authorization', 'Basic dTpw']], 401, U],
    ['an access token', 'orders', [bearer(access)], 401, U],
    ['several JWTs', 'orders', [bearer(`${good}, Bearer ${good}`)], 401, U],
    ['duplicate Authorization', 'orders', [bearer(good), bearer(good)], 401, U],
    ['a bad signature', 'orders', [bearer(tampered)], 401, U],
    ['a wrong audience', 'orders', [bearer(wrong)], 401, U, challenge],
    ['a caller without the permission', 'orders', [bearer(stranger)], 403, F],
    ['a caller who may', 'orders', [bearer(good)], 200],
    ['the scheme in another case', 'orders', [['authorization', `bEARER ${good}`]], 200],
    ['the other form of the URL as audience', 'orders', [bearer(await idToken(gp, 'tester', byNumber))], 200],
    ['a custom audience', 'orders', [bearer(await idToken(gp, 'tester', 'https://orders.example.com'))], 200],
    ['the local address as audience', 'orders', [bearer(await idToken(gp, 'tester', gp.url('orders')))], 401, U,
      challenge],
    ['X-Serverless-Authorization alone counts', 'orders',
      [['X-Serverless-Authorization', `Bearer ${good}`], bearer('the-app-knows')], 200],
    ['X-Serverless-Authorization alone counts, bad', 'orders',
      [['X-Serverless-Authorization', 'Bearer nonsense'], bearer(good)], 401, U],
    ['the invoker check is disabled', 'open', [], 200],
    ['allUsers may invoke', 'everybody', [], 200],
    ['allAuthenticatedUsers, no token', 'anyaccount', [], 403, F],
    ['allAuthenticatedUsers, any valid token', 'anyaccount',
      [bearer(await idToken(gp, 'stranger', 'https://anyaccount-k2v7xw4mqa-uc.a.run.app'))], 200],
    ['ingress blocks it', 'inside', [], 404],
    ['the run.app URL is disabled', 'nourl', [], 404],
  ];
  for (const [what, service, fields, status, sentence, authenticate] of rows) {
    const path = service === 'orders' ? '/orders' : '/a';
    const answer = await send(gp.url(service), path, fields);
    assert.equal(answer.status, status, `${what}: ${answer.text}`);
    assert.equal(answer.headers['www-authenticate'], authenticate, what);
    if (!sentence) continue;
    assert.match(answer.headers['content-type'], /^text\/html/, what);
    assert.ok(answer.text.includes(`<h2>${sentence(path)}</h2>`), `${what}: ${answer.text}`);
    assert.match(answer.text, status === 401 ? /<h1>Error: Unauthorized<\/h1>/ : /<h1>Error: Forbidden<\/h1>/);
  }

  const entries = await trail(gp);
  const judged = entries.filter((e) => e.protoPayload?.serviceName === 'run.googleapis.com');
  const requests = entries.filter((e) => e.logName.endsWith('run.googleapis.com%2Frequests'));
  const logged = rows.filter((row) => row[3] !== 404);
  assert.equal(judged.length, logged.length); // a 404 of the ingress is in no log
  assert.deepEqual(requests.map((e) => e.httpRequest.status), logged.map((row) => row[3]));
  for (const [i, row] of logged.entries()) {
    const { authorizationInfo, status } = judged[i].protoPayload;
    assert.equal(authorizationInfo[0].granted, row[3] === 200, row[0]);
    assert.equal(authorizationInfo[0].permission, 'run.routes.invoke', row[0]);
    assert.equal(status?.code ?? 0, row[3] === 200 ? 0 : row[3] === 403 ? 7 : 16, row[0]);
  }
  assert.deepEqual(requests[0].resource, {
    type: 'cloud_run_revision',
    labels: { project_id: 'gatepost-demo', location: 'us-central1', service_name: 'orders',
      configuration_name: 'orders', revision_name: requests[0].resource.labels.revision_name },
  });
  const query = await run(['audit', 'query', '--principal', `*${TESTER}`], { env: gp.env });
  assert.equal(query.stderr, '');
  assert.match(query.stdout, / orders .*GET \/orders .*tester@/);
  // The person who watches reads each call with its reason.
  assert.match(gp.out.stderr, /^orders {1,2}GET \/orders 403 \d+ ms: .*\[GP-IAM-05\]/m);
  assert.match(gp.out.stderr, /^orders {1,2}GET \/orders 401 \d+ ms.*: .*elsewhere.*\[GP-AUD-01\]/m);
  assert.match(gp.out.stderr, /^orders {1,2}GET \/orders 403 \d+ ms: serviceAccount:stranger@\S+ lacks .*\[GP-IAM-04\]/m);
  assert.match(gp.out.stderr, /^orders \w{6} GET \/orders 200 \d+ ms by serviceAccount:tester@\S+$/m);
  assert.match(gp.out.stderr, /^note: the policy of 'everybody', line \d+: roles\/run\.invoker allUsers: .*\[public\]/m);
  const text = JSON.stringify(entries) + gp.out.stderr + gp.out.stdout;
  for (const token of [good, stranger, wrong, access, tampered]) {
    assert.ok(!text.includes(token.slice(-24)), 'T32: a token is in the trail or the log');
  }
});

test('an expired token gets 401', async (t) => {
  const gp = await up(t, { more: { token_lifetime: '1s' } });
  const token = await idToken(gp, 'tester', ORDERS);
  const { exp } = decodeJwt(token);
  await until('expiry', () => Date.now() / 1000 > exp + 0.05);
  const answer = await send(gp.url('orders'), '/orders', [bearer(token)]);
  assert.equal(answer.status, 401);
});

test('the service works, and sees what Cloud Run would show it', async (t) => {
  const gp = await up(t, { echo: { echo: {} } });
  const orders = bearer(await idToken(gp, 'tester', ORDERS));
  const made = await fetch(`${gp.url('orders')}/orders`, {
    method: 'POST', headers: [orders], body: JSON.stringify({ item: 'tea', quantity: 2, unit_cents: 450 }),
  });
  assert.equal(made.status, 201);
  const { id, total_cents: total } = await made.json();
  assert.equal(total, 900);
  assert.equal((await send(gp.url('orders'), `/orders/${id}`, [orders])).status, 200);

  const audience = 'https://echo-k2v7xw4mqa-uc.a.run.app';
  const token = await idToken(gp, 'tester', audience);
  const answer = await send(gp.url('echo'), '/a%7Eb?q=1', [
    ['X-Serverless-Authorization', `Bearer ${token}`], bearer('the-app-knows'),
    ['X-Goog-Authenticated-User-Email', 'forged']]);
  const seen = JSON.parse(answer.text);
  const headers = Object.fromEntries(seen.headers.map(([name, value]) => [name.toLowerCase(), value]));
  assert.equal(headers.authorization, 'Bearer the-app-knows');
  assert.match(headers['x-serverless-authorization'], /\.SIGNATURE_REMOVED_BY_GOOGLE$/);
  assert.equal(headers['x-forwarded-proto'], 'https');
  assert.match(headers['x-cloud-trace-context'], /^[0-9a-f]{32}\/\d+;o=1$/);
  assert.match(headers.traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  const { env } = seen;
  assert.equal(env.K_SERVICE, 'echo');
  assert.equal(env.K_CONFIGURATION, 'echo');
  assert.match(env.K_REVISION, /^echo-00001-[a-z]{3}$/);
  assert.equal(env.GOOGLE_APPLICATION_CREDENTIALS, undefined);
  assert.notEqual(env.HOME, gp.env.HOME);
  assert.equal((await send(gp.url('echo'), '/cookie', [bearer(token)])).headers['cache-control'], 'private');
  // T48, T32: what a program writes can't drive the terminal, and its caller's token isn't shown.
  await send(gp.url('echo'), '/shout', [bearer(token)]);
  await until('the shout', () => /^echo \w{6} \| \\u001b\[31mred Bearer \*\*\*$/m.test(gp.out.stderr));
  assert.ok(!gp.out.stderr.includes('\x1b'));
  await until('the log', () => /echo \w{6} \| echo was asked Bearer the-app-knows/.test(gp.out.stderr));
});

test('google-auth-library obtains tokens that jose verifies', async (t) => {
  const gp = await up(t);
  const key = await gp.key('tester');
  // The library sends every grant to Google's own address; its transporter is where that is changed.
  const transporter = new Gaxios();
  transporter.interceptors.request.add({
    resolved: async (config) => {
      if (String(config.url).startsWith('https://oauth2.googleapis.com/token')) config.url = new URL(gp.addresses.token_url);
      return config;
    },
  });
  const client = new JWT({ email: key.client_email, key: key.private_key, keyId: key.private_key_id, transporter });
  const token = await client.fetchIdToken(ORDERS);
  const keys = createRemoteJWKSet(new URL(gp.addresses.jwks));
  const { payload } = await jwtVerify(token, keys, { issuer: gp.addresses.issuer, audience: ORDERS });
  assert.equal(payload.email, TESTER);
  assert.equal(payload.email_verified, true);
  assert.equal((await send(gp.url('orders'), '/orders', [bearer(token)])).status, 200);

  const scoped = new JWT({ email: key.client_email, key: key.private_key, transporter,
    scopes: ['https://www.googleapis.com/auth/cloud-platform'] });
  const { token: access } = await scoped.getAccessToken();
  assert.match(access, /^ya29\./);
});

test('gcp-metadata obtains the identity of run_as outside and of the service inside', async (t) => {
  const gp = await up(t, { echo: { echo: { spec: { serviceAccountName: `orders-runtime@${DOMAIN}` } } } });
  const keys = createRemoteJWKSet(new URL(gp.addresses.jwks));
  const ask = async (host) => {
    const script = `
      import gcp from 'gcp-metadata';
      console.log(await gcp.instance({ property: 'service-accounts/default/identity', params: { audience: '${ORDERS}' } }));
      console.log(JSON.stringify(await gcp.instance('service-accounts/default/token')));
      console.log(await gcp.project('project-id'));`;
    const { stdout, stderr, code } = await run(['--input-type=module', '-e', script], {
      program: process.execPath, cwd: join(root, 'test'), kept: false,
      env: { PATH: process.env.PATH, GCE_METADATA_HOST: host, METADATA_SERVER_DETECTION: 'assume-present' },
    });
    assert.equal(code, 0, stderr);
    const [identity, access, id] = stdout.trim().split('\n');
    minted(identity);
    assert.equal(id, 'gatepost-demo');
    assert.match(JSON.parse(access).access_token, /^ya29\./);
    return (await jwtVerify(identity, keys, { issuer: gp.addresses.issuer, audience: ORDERS })).payload;
  };
  assert.equal((await ask(new URL(gp.addresses.metadata).host)).email, TESTER);

  const token = await idToken(gp, 'tester', 'https://echo-k2v7xw4mqa-uc.a.run.app');
  const { env } = JSON.parse((await send(gp.url('echo'), '/', [bearer(token)])).text);
  assert.equal((await ask(env.GCE_METADATA_HOST)).email, `orders-runtime@${DOMAIN}`);
});

test('a service goes to zero when nobody calls, and comes back', async (t) => {
  const gp = await up(t, { more: { up: { scale_window: '600ms', scale_to_zero_after: '1h' } },
    args: ['--scale-to-zero-after', '800ms'] }); // the command line wins
  const token = bearer(await idToken(gp, 'tester', ORDERS));
  assert.equal((await gp.status('orders')).instances.started, 0); // nothing runs before the first call
  assert.equal((await send(gp.url('orders'), '/orders', [token])).status, 200);
  await until('zero', async () => {
    const { instances } = await gp.status('orders');
    return instances.started === 1 && instances.ready + instances.stopping === 0;
  });
  assert.equal((await send(gp.url('orders'), '/orders', [token])).status, 200);
  assert.equal((await gp.status('orders')).instances.started, 2);
  assert.match(gp.out.stderr, /orders \w{6}: Starting new instance\. Reason: AUTOSCALING/);
});

test('serving errors: 504, 429, 500 and 503', async (t) => {
  const broken = { container: { command: ['sh', '-c', 'echo no luck; exit 9'] } };
  const one = { 'autoscaling.knative.dev/maxScale': '1' };
  const gp = await up(t, {
    echo: {
      slow: { spec: { timeoutSeconds: 1 } },
      busy: { template: one, spec: { containerConcurrency: 1 } },
      broken,
      dying: {},
    },
    more: {
      policies: Object.fromEntries(['slow', 'busy', 'broken', 'dying'].map((name) =>
        [name, { bindings: [{ role: 'roles/run.invoker', members: ['allUsers'] }] }])),
    },
  });
  const first = send(gp.url('busy'), '/sleep/14');
  await until('the first call is in', async () => (await gp.status('busy')).calls === 1);
  const rows = [
    ['slow', '/sleep/5', 504],
    ['broken', '/', 500],
    ['dying', '/die', 503],
    ['busy', '/', 429], // after ten seconds
  ];
  const answers = await Promise.all(rows.map(([name, path]) => send(gp.url(name), path)));
  for (const [i, [name, , status]] of rows.entries()) {
    assert.equal(answers[i].status, status, `${name}: ${answers[i].text}`);
  }
  assert.equal((await first).status, 200);
  assert.match(gp.out.stderr, /broken \w{6} \| no luck/);
  assert.match(gp.out.stderr, /broken \w{6}: it ended with status 9 \[GP-UP-04\]/);
  assert.equal((await send(gp.url('dying'), '/')).status, 200); // another instance took its place
});

test('files, ports and a secret are taken; a person is told what runs where', async (t) => {
  const dir = await checkout(t, { more: { services: [] } });
  const secret = [{ name: 'KEY', valueFrom: { secretKeyRef: { name: 'key', key: 'latest' } } }];
  const open = { 'run.googleapis.com/invoker-iam-disabled': 'true' };
  const sidecar = JSON.parse(echoService('second', { annotations: open }));
  sidecar.spec.template.metadata.annotations['run.googleapis.com/container-dependencies'] = '{"app": ["side"]}';
  sidecar.spec.template.spec.containers[0] = { ...sidecar.spec.template.spec.containers[0], name: 'app', ports: [{}] };
  sidecar.spec.template.spec.containers.push({ name: 'side', command: ['sh', '-c', 'echo beside; exec sleep 1000'] });
  sidecar.spec.traffic = [{ latestRevision: true, percent: 100, tag: 'blue' }];
  await writeFile(join(dir, 'first.json'), echoService('first', { annotations: open, container: { env: secret } }));
  await writeFile(join(dir, 'second.json'), JSON.stringify(sidecar));
  const env = envOf(await tempDir(t), { GOOGLE_APPLICATION_CREDENTIALS: '/real.json', SECRET_OF_MINE: 'x' });
  const args = ['up', 'first.json', 'second.json', '--scale-to-zero-after', '1h'];

  const absent = await run(args, { cwd: dir, env });
  assert.equal(absent.code, 3);
  assert.match(absent.stderr, /^gatepost: first\.json:1:\d+: .*'key' has no version 'latest' here \[GP-UP-03\]\n {2}hint: mkdir -p/m);
  await mkdir(join(dir, '.gatepost/secrets/key'), { recursive: true });
  await writeFile(join(dir, '.gatepost/secrets/key/latest'), 'opened\n');

  const gp = await start(t, args, { cwd: dir, env, ready: /Ctrl-C stops everything/ });
  const [, first] = gp.out.stdout.match(/^first {2}(http:\S+)$/m);
  const [, second] = gp.out.stdout.match(/^second {2}(http:\S+)$/m);
  for (const url of ['second-k2v7xw4mqa-uc.a.run.app', 'blue---second-k2v7xw4mqa-uc.a.run.app',
    'blue---second-123456789012.us-central1.run.app']) {
    assert.ok(gp.out.stdout.includes(`  as https://${url}\n`), url);
  }
  const seen = JSON.parse((await send(first, '/')).text);
  assert.equal(seen.env.KEY, 'opened');
  assert.equal(seen.env.SECRET_OF_MINE, undefined);
  assert.equal(seen.env.GOOGLE_APPLICATION_CREDENTIALS, undefined);
  assert.equal((await send(second, '/')).status, 200);
  await until('the sidecar', () => /^second \w{6}\/side \| beside$/m.test(gp.out.stderr));

  const port = Number(new URL(first).port);
  const copy = join(await tempDir(t), 'copy'); // two on one checkout would share its key files
  await cp(dir, copy, { recursive: true });
  const taken = await run([...args, '--port', String(port)], { cwd: copy, env: envOf(await tempDir(t)) });
  assert.equal(taken.code, 5);
  assert.match(taken.stderr, /^gatepost: service 'first': .*\[GP-NET-01\]/m);
});

test('a role that nobody knows is noted with its place', async (t) => {
  const dir = await checkout(t, { more: { accounts: [{ email: TESTER, roles: ['roles/run.invoker', 'roles/run.invokr'] },
    { email: `orders-runtime@${DOMAIN}` }] } });
  const gp = await start(t, ['up'], { cwd: dir, env: envOf(await tempDir(t)), ready: /Ctrl-C stops everything/ });
  const column = (await readFile(join(dir, 'gatepost.yaml'), 'utf8')).indexOf('"roles/run.invokr"') + 1;
  assert.deepEqual(gp.out.stderr.match(/^note: .*unknown-role.*$/gm),
    [`note: ${dir}/gatepost.yaml:1:${column}: roles/run.invokr isn't known here and grants nothing [unknown-role]`]);
});

test('a service.yaml alone is called by whoever started it', async (t) => {
  const dir = await tempDir(t);
  const env = envOf(await tempDir(t));
  await writeFile(join(dir, 'service.yaml'), echoService('alone'));
  await writeFile(join(dir, 'echo.py'), ECHO);
  const gp = await startUp(t, ['service.yaml'], { cwd: dir, env });
  const [{ url, run_app_urls: [audience] }] = gp.addresses.services;
  const token = await run(['token', '--audience', audience], { cwd: dir, env });
  assert.equal(token.code, 0, token.stderr);
  assert.equal((await send(url, '/', [bearer(token.stdout.trim())])).status, 200);
  assert.equal((await send(url, '/')).status, 403);
  const who = JSON.parse((await run(['whoami', '--local', '--format', 'json'], { cwd: dir, env })).stdout);
  assert.equal(who.principal, 'developer@gatepost-local.iam.gserviceaccount.com');
  assert.deepEqual(await readdir(dir), ['echo.py', 'service.yaml']); // the key isn't in the checkout
});

test('two runs at once find the example as one alone does', async (t) => {
  const dir = await tempDir(t);
  await cp(join(root, 'examples/orders'), dir, { recursive: true });
  const env = envOf(await tempDir(t));
  await startUp(t, [dir], { env });
  const args = ['run', '--local', join(dir, 'orders.postman_collection.json'), '--folder', 'Orders', '-n', '10'];
  for (const { code, stdout, stderr } of await Promise.all([run(args, { env }), run(args, { env })])) {
    assert.equal(code, 0, stdout + stderr);
  }
});

test('SIGTERM lets calls finish and leaves nothing behind', async (t) => {
  const gp = await up(t, {
    echo: { echo: { annotations: { 'run.googleapis.com/invoker-iam-disabled': 'true' } } },
  });
  const file = (await run(['up', '--print-address-file'], { env: gp.env })).stdout.trim();
  const written = JSON.parse(await readFile(file, 'utf8'));
  assert.equal(written.pid, gp.pid);
  assert.deepEqual(Object.keys(gp.addresses), ['pid', 'project', 'services', 'token_url', 'metadata',
    'issuer', 'jwks', 'certs', 'admin']);
  for (const service of gp.addresses.services) {
    assert.deepEqual(Object.keys(service), ['name', 'url', 'run_app_urls']);
  }
  for (const [name, value] of Object.entries(gp.addresses)) {
    if (name !== 'services') assert.equal(written[name], value, name);
  }
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const { pid } = JSON.parse((await send(gp.url('echo'), '/')).text);
  assert.ok(alive(pid));

  const last = send(gp.url('echo'), '/sleep/0.5');
  await until('the call is in', async () => (await gp.status('echo')).calls === 1);
  const { code } = await gp.stop();
  assert.equal(code, 0, gp.out.stderr);
  assert.equal((await last).status, 200);
  assert.ok(!alive(pid), 'its instance is still there');
  await assert.rejects(stat(file), { code: 'ENOENT' });
  await assert.rejects(send(gp.url('echo'), '/'), { code: 'ECONNREFUSED' });
});

test('a second signal stops at once', async (t) => {
  const gp = await up(t, {
    echo: { echo: { annotations: { 'run.googleapis.com/invoker-iam-disabled': 'true' } } },
  });
  const { pid } = JSON.parse((await send(gp.url('echo'), '/')).text);
  const cut = assert.rejects(send(gp.url('echo'), '/sleep/60'));
  await until('the call is in', async () => (await gp.status('echo')).calls === 1);
  process.kill(gp.pid, 'SIGINT');
  await until('the notice', () => /once more stops at once/.test(gp.out.stderr));
  process.kill(gp.pid, 'SIGINT');
  assert.equal((await gp.closed).code, 0);
  await cut;
  assert.ok(!alive(pid));
});

test('T40_one_up_at_a_time_and_its_address_file_is_not_overwritten', async (t) => {
  const gp = await up(t);
  const file = (await run(['up', '--print-address-file'], { env: gp.env })).stdout.trim();
  const before = await readFile(file, 'utf8');
  const second = await run(['up', gp.dir], { env: gp.env });
  assert.notEqual(second.code, 0);
  assert.match(second.stderr, new RegExp(`^gatepost: .*process ${gp.pid}, project gatepost-demo \\[GP-HOME-05\\]$`, 'm'));
  assert.equal(await readFile(file, 'utf8'), before);
  assert.equal((await fetch(`${gp.addresses.admin}/healthz`)).status, 200);

  // Both began at once: the other one has no address file yet.
  await rm(file);
  const twin = await run(['up', gp.dir], { env: gp.env });
  assert.equal(twin.code, second.code);
  assert.match(twin.stderr, new RegExp(`^gatepost: gatepost up runs already: .*process ${gp.pid} .*\\[GP-HOME-05\\]\n {2}hint: .*kill ${gp.pid}$`, 'm'));
});

test('T36_the_admin_port_answers_to_its_own_address_only', async (t) => {
  const gp = await up(t);
  const rows = [
    ['/status', [], 200],
    ['/status', [['Origin', 'http://evil.example.com']], 403],
    ['/other', [], 404],
  ];
  for (const [path, fields, status] of rows) {
    assert.equal((await send(gp.addresses.admin, path, fields)).status, status, path);
  }
  const rebound = await new Promise((resolve, reject) => {
    const { hostname, port } = new URL(gp.addresses.admin);
    httpRequest({ hostname, port, path: '/status', headers: { Host: 'evil.example.com' } }, resolve)
      .on('error', reject).end();
  });
  rebound.resume();
  assert.equal(rebound.statusCode, 403);
});

test('a second up with a state of its own leaves the key files of the first alone', async (t) => {
  const dir = await checkout(t);
  const env = envOf(await tempDir(t));
  const first = await startUp(t, [dir], { env });
  const file = join(dir, '.gatepost/tester.json');
  const before = await readFile(file, 'utf8');
  const second = await run(['up', dir], { env: envOf(await tempDir(t)) });
  assert.equal(second.code, 1);
  const refused = new RegExp(`\\.json is kept by process ${first.pid}, another gatepost up, .*\\[GP-HOME-05\\]\n {2}hint: stop that one: kill ${first.pid};`);
  assert.match(second.stderr, refused);
  assert.equal(await readFile(file, 'utf8'), before);
  const token = await run(['token', '--local', '--audience', 'https://orders-k2v7xw4mqa-uc.a.run.app'], { env });
  assert.equal(token.code, 0, token.stderr);
});

/** Starts several at the same moment; gives the one that came up, and how the others ended. */
async function race(t, dir, envs) {
  const ended = await Promise.allSettled(envs.map((env) => startUp(t, [dir], { env })));
  const up = ended.filter((e) => e.status === 'fulfilled').map((e) => e.value);
  const refused = ended.filter((e) => e.status === 'rejected').map((e) => e.reason.message);
  assert.equal(up.length, 1, refused.join('\n'));
  return { pid: up[0].pid, refused };
}

test('of several that start at once on one checkout one comes up, and the others name it', async (t) => {
  const rows = [
    ['with one state', async () => { const env = envOf(await tempDir(t)); return [env, env, env]; },
      /gatepost up (runs|is running) already: .*process (\d+).*\n {2}hint: .*kill \2/],
    ['each with its own', () => Promise.all([1, 2, 3].map(async () => envOf(await tempDir(t)))),
      /\.json is kept by process (())?(\d+), another gatepost up, .*\n {2}hint: stop that one: kill \3/],
  ];
  for (const [what, envs, message] of rows) {
    const dir = await checkout(t);
    const { pid, refused } = await race(t, dir, await envs());
    assert.equal(refused.length, 2);
    for (const text of refused) {
      const found = message.exec(text);
      assert.ok(found, `${what}: ${text}`);
      assert.equal(Number(found.at(-1)), pid, `${what}: ${text}`);
    }
  }
});

test('what cannot be brought up is told with its place, and nothing is left running', async (t) => {
  const rows = [
    [{ 'service.yaml': 'kind: Service\n' }, 3, /service\.yaml:1:1: apiVersion: .*\[GP-DATA-05\]/],
    [{ 'service.yaml': echoService('a').replace('echo.py"', 'echo.py"],"envFrom":["x"') }, 3,
      /service\.yaml:1:\d+: .*envFrom.*\[GP-UP-01\]\n {2}hint: /],
    [{ 'service.yaml': echoService('a', { spec: { serviceAccountName: 'nobody@x.iam.gserviceaccount.com' } }) }, 3,
      /service\.yaml:1:\d\d+: service 'a': .*nobody@.* \[GP-GOOG-01\]\n {2}hint: declare it/],
    [{ 'gatepost.yaml': project({ up: { scale_windw: '2s' } }) }, 3,
      /gatepost\.yaml:1:\d+: up\.scale_windw: .*\[GP-DATA-06\]\n {2}hint: did you mean 'scale_window'/],
    [{ 'gatepost.yaml': project({ services: [] }), 'service.yaml': null }, 3, /\[GP-UP-07\]/],
    [{ 'gatepost.yaml': project({ policies: { orders: { bindings: [{ role: 'roles/run.invoker', members: ['jane'] }] } } }) },
      3, /gatepost\.yaml:1:\d+: .*jane.*\[GP-IAM-01\]/],
    [{ 'gatepost.yaml': project({ policies: { odrers: { bindings: [] } } }) }, 3,
      /gatepost\.yaml:1:\d+: policies\.odrers: there is no service 'odrers' \[GP-DATA-06\]\n {2}hint: did you mean 'orders'\?/],
  ];
  for (const [files, code, message] of rows) {
    const dir = await checkout(t);
    for (const [name, text] of Object.entries(files)) {
      await (text === null ? rm(join(dir, name)) : writeFile(join(dir, name), text));
    }
    const env = envOf(await tempDir(t));
    const ended = await run(['up', dir], { env });
    assert.equal(ended.code, code, ended.stderr);
    assert.match(ended.stderr, message);
    assert.equal(ended.stdout, '');
    const file = (await run(['up', '--print-address-file'], { env })).stdout.trim();
    await assert.rejects(stat(file), { code: 'ENOENT' });
  }
});
