// SPDX-License-Identifier: Apache-2.0
// examples/ci: the steps of each pipeline, executed with the variables that its runner sets, against
// an issuer of the test. Google's addresses and the one command that routes to the running `gatepost
// up` are all that is changed in them.
import assert from 'node:assert/strict';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { bin, envOf, handed, root, run, serve, startUp, tempDir } from './lib.mjs';

const ACCOUNT = 'api-tests@gatepost-demo.iam.gserviceaccount.com';
const POOL = 'projects/123456789012/locations/global/workloadIdentityPools/pipelines';
const ORDERS = 'https://orders-k2v7xw4mqa-uc.a.run.app';
const COLLECTION = {
  info: { name: 'Orders', schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json' },
  item: [{
    name: 'private',
    event: [{ listen: 'test', script: { exec: ['pm.test("is let in", () => pm.response.to.have.status(200));'] } }],
    request: { method: 'GET', url: '{{baseUrl}}/orders' },
  }],
  variable: [{ key: 'baseUrl', value: ORDERS }],
};

// Claims as the real runners put them into their tokens.
const RUNNERS = {
  github: { iss: 'https://token.actions.githubusercontent.com', sub: 'repo:acme/shop:ref:refs/heads/main',
    repository: 'acme/shop', repository_owner_id: '4711' },
  gitlab: { iss: 'https://gitlab.com', sub: 'project_path:acme/shop:ref_type:branch:ref:main', namespace_id: '4711' },
  jenkins: { iss: 'https://jenkins.acme.example/oidc', sub: 'https://jenkins.acme.example/job/shop/' },
};
const CONDITIONS = {
  github: "assertion.repository_owner_id == '4711'", gitlab: "assertion.namespace_id == '4711'",
  jenkins: "assertion.sub.startsWith('https://jenkins.acme.example/job/')",
};

let keys, jwks;
before(async () => {
  keys = await generateKeyPair('RS256', { extractable: true });
  jwks = { keys: [{ ...await exportJWK(keys.publicKey), kid: 'ci', alg: 'RS256', use: 'sig' }] };
});

const tokenOf = async (runner, claims = {}) => handed(await new SignJWT({ ...RUNNERS[runner], ...claims })
  .setProtectedHeader({ alg: 'RS256', kid: 'ci' }).setAudience(`https://iam.googleapis.com/${POOL}/providers/${runner}`)
  .setIssuedAt().setExpirationTime('5m').sign(keys.privateKey));

/** The orders service, private to ACCOUNT, which the pipelines of POOL may act for. */
async function setUp(t) {
  const home = await tempDir(t), dir = join(home, 'project'), checkout = join(home, 'checkout'), temp = join(home, 'temp');
  await cp(join(root, 'examples/orders'), dir, { recursive: true });
  for (const folder of [checkout, temp, join(home, 'bin'), join(home, 'config/gatepost')]) await mkdir(folder, { recursive: true });
  const providers = Object.fromEntries(Object.keys(RUNNERS).map((runner) => [runner, { issuer: RUNNERS[runner].iss,
    jwks, map: { 'google.subject': 'assertion.sub' }, condition: CONDITIONS[runner] }]));
  await writeFile(join(dir, 'gatepost.yaml'), JSON.stringify({
    project: { id: 'gatepost-demo', number: 123456789012, hash: 'k2v7xw4mqa', region: 'us-central1' },
    run_as: ACCOUNT,
    workload_identity_pools: { pipelines: { providers } },
    accounts: [{ email: ACCOUNT, policy: { bindings: [{ role: 'roles/iam.workloadIdentityUser',
      members: [`principalSet://iam.googleapis.com/${POOL}/*`] }] } },
      { email: 'orders-runtime@gatepost-demo.iam.gserviceaccount.com' }],
    services: ['service.yaml'],
    policies: { orders: { bindings: [{ role: 'roles/run.invoker', members: [`serviceAccount:${ACCOUNT}`] }] } },
  }));
  await writeFile(join(checkout, 'orders.postman_collection.json'), JSON.stringify(COLLECTION));
  const env = envOf(home);
  const up = await startUp(t, [dir], { env, cwd: dir });
  return { home, checkout, temp, env, up, base: new URL(up.addresses.token_url).origin };
}

/** One step in bash, as the runner executes it: without what installs, and against the local Google. */
async function step(w, script, env) {
  const local = script.replaceAll(/^.*apt-get install.*\n/gm, '')
    .replaceAll(/https:\/\/(sts|iamcredentials)\.googleapis\.com/g, w.base)
    .replaceAll('gatepost run ', `${bin} run --local --identity pipeline `);
  const file = /[^ "]*google\.json/.exec(script) && join(w.temp, 'google.json');
  // The person's own file names what the pipeline's variable names: local calls go by name.
  if (file) await writeFile(join(w.home, 'config/gatepost/config.yaml'), `identities: { pipeline: { key: ${file} } }\n`);
  return run(['-eo', 'pipefail', '-c', local], { program: '/bin/bash', cwd: w.checkout, env: { ...w.env, ...env } });
}

/** The text of a YAML block scalar or of a plain one, by the line that introduces it. */
function scalar(lines, at) {
  const [, plain] = /(?:: |- )(.*)$/.exec(lines[at]);
  if (plain !== '|') return `${plain}\n`;
  const depth = /^ */.exec(lines[at + 1])[0].length;
  const end = lines.findIndex((line, i) => i > at && line.trim() && /^ */.exec(line)[0].length < depth);
  return `${lines.slice(at + 1, end < 0 ? undefined : end).map((line) => line.slice(depth)).join('\n')}\n`;
}

async function passes(w, done) {
  assert.equal(done.code, 0, done.stdout + done.stderr);
  assert.match(done.stdout, /✓.*is let in/);
  assert.match(await readFile(join(w.checkout, 'results.xml'), 'utf8'), /<testcase name="is let in"/);
}

/** Who came, and how: from the trail. */
async function callers(w) {
  const { stdout } = await run(['audit', 'query', '--format', 'json'], { env: w.env, cwd: w.checkout });
  return stdout.trim().split('\n').map((line) => JSON.parse(line).protoPayload).filter(Boolean)
    .map((entry) => entry.authenticationInfo.principalSubject);
}

const federated = (runner) => `principal://iam.googleapis.com/${POOL}/subject/${RUNNERS[runner].sub}`;

test('GitHub Actions: the steps of github.yml', async (t) => {
  const w = await setUp(t), lines = (await readFile(join(root, 'examples/ci/github.yml'), 'utf8')).split('\n');
  const runner = await serve(t, async (request, response) => { // what ACTIONS_ID_TOKEN_REQUEST_URL is
    const asked = new URL(request.url, 'http://runner');
    const known = request.headers.authorization === 'bearer runner-secret' && asked.searchParams.get('api-version') === '2.0';
    response.statusCode = known ? 200 : 401;
    assert.equal(asked.searchParams.get('audience'), `https://iam.googleapis.com/${POOL}/providers/github`);
    response.end(JSON.stringify({ count: 1, value: await tokenOf('github') }));
  });
  const env = { CI: 'true', GITHUB_ACTIONS: 'true', RUNNER_TEMP: w.temp, GITHUB_ENV: join(w.temp, 'env'),
    GITHUB_STEP_SUMMARY: join(w.temp, 'summary.md'), GITHUB_WORKSPACE: w.checkout,
    ACTIONS_ID_TOKEN_REQUEST_URL: `${runner}/token?api-version=2.0`, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'runner-secret' };
  for (const line of lines) {
    const [, name, value] = /^ {6}(PROVIDER|ACCOUNT): (.*)$/.exec(line) ?? [];
    if (name) env[name] = value;
  }
  let done;
  for (const [at] of lines.entries()) {
    if (!/^ {8}run: /.test(lines[at]) || /apt-get/.test(lines[at])) continue;
    done = await step(w, scalar(lines, at), env);
    const told = await readFile(env.GITHUB_ENV, 'utf8').catch(() => '');
    for (const line of told.split('\n').filter(Boolean)) env[line.slice(0, line.indexOf('='))] = line.slice(line.indexOf('=') + 1);
  }
  await passes(w, done);
  assert.match(await readFile(env.GITHUB_STEP_SUMMARY, 'utf8'), /Orders/);
  assert.deepEqual(await callers(w), [federated('github'), federated('github'), `serviceAccount:${ACCOUNT}`]);
});

/** The items of a job's `script`, as GitLab's runner puts them into one shell. */
function gitlabScript(lines) {
  const from = lines.findIndex((line) => /^ {2}script:$/.test(line));
  const to = lines.findIndex((line, i) => i > from && /^ {2}\S/.test(line));
  const items = [...lines.keys()].filter((i) => i > from && i < to && /^ {4}- /.test(lines[i]));
  return items.map((at) => scalar(lines, at)).join('');
}

test('GitLab: the script of gitlab.yml', async (t) => {
  const w = await setUp(t), lines = (await readFile(join(root, 'examples/ci/gitlab.yml'), 'utf8')).split('\n');
  const env = { CI: 'true', GITLAB_CI: 'true', CI_PROJECT_DIR: w.checkout, GOOGLE_TOKEN: await tokenOf('gitlab'),
    PROVIDER: `${POOL}/providers/gitlab`, ACCOUNT };
  assert.ok(lines.includes(`      aud: https://iam.googleapis.com/${env.PROVIDER}`));
  const script = gitlabScript(lines).replace('$(mktemp -d)', w.temp); // where the person's file looks
  await passes(w, await step(w, script, env));
  assert.deepEqual(await callers(w), [federated('gitlab'), federated('gitlab'), `serviceAccount:${ACCOUNT}`]);
});

test('Jenkins: the step of the Jenkinsfile, and a job of somebody else', async (t) => {
  const w = await setUp(t), text = await readFile(join(root, 'examples/ci/Jenkinsfile'), 'utf8');
  const script = text.split("'''")[1].replaceAll(/^ {24}/gm, '');
  const env = { JENKINS_URL: 'https://jenkins.acme.example/', WORKSPACE: w.checkout, WORKSPACE_TMP: w.temp,
    TOKEN_FILE: join(w.temp, 'token'), PROVIDER: `${POOL}/providers/jenkins`, ACCOUNT };
  await writeFile(env.TOKEN_FILE, await tokenOf('jenkins'));
  await passes(w, await step(w, script, env));
  assert.deepEqual(await callers(w), [federated('jenkins'), federated('jenkins'), `serviceAccount:${ACCOUNT}`]);
  await writeFile(env.TOKEN_FILE, await tokenOf('jenkins', { sub: 'https://jenkins.other.example/job/x/' }));
  const refused = await step(w, script, env);
  assert.equal(refused.code, 1);
  assert.match(refused.stdout + refused.stderr, /condition/);
});

test('Cloud Build: the step of cloudbuild.yaml gets its tokens from the metadata server', async (t) => {
  const w = await setUp(t), lines = (await readFile(join(root, 'examples/ci/cloudbuild.yaml'), 'utf8')).split('\n');
  const service = w.up.addresses.services.find((s) => s.name === 'orders');
  const at = lines.findIndex((line) => /^ +- \|$/.test(line));
  // As in the cloud nothing here tells gatepost that the metadata server is a local one.
  const script = scalar(lines, at).replaceAll(/^.*apt-get.*\n/gm, '').replace('gatepost run ', `${bin} run --trust ${service.url} --audiences ${ORDERS} --env-var baseUrl=${service.url} `);
  const home = join(w.temp, 'home');
  await mkdir(home);
  const done = await run(['-euc', script], { program: '/bin/bash', cwd: w.checkout, env: { ...envOf(home),
    BUILD_ID: 'b-1', PROJECT_ID: 'gatepost-demo', GCE_METADATA_HOST: new URL(w.up.addresses.metadata).host } });
  await passes(w, done);
  assert.deepEqual(await callers(w), [`serviceAccount:${ACCOUNT}`]);
});
