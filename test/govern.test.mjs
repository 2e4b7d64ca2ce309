// SPDX-License-Identifier: Apache-2.0
// `gatepost audit` and `gatepost policy`: who called a running service and why they were refused,
// and what a policy lets in.
import assert from 'node:assert/strict';
import { readdir, readFile, writeFile, cp } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { bin, envOf, root, run, start, startUp, tempDir } from './lib.mjs';

const project = 'gatepost-demo.iam.gserviceaccount.com';

async function setUp(t) {
  const home = await tempDir(t);
  const env = envOf(home);
  return { home, env, gatepost: (args, options = {}) => run(args, { env, cwd: home, ...options }) };
}

// ---- audit --------------------------------------------------------------------------------------

/** The orders example, called by nobody and by the stranger: two refusals in the trail. */
async function callOrders(t) {
  const setup = await setUp(t);
  const { home, env, gatepost } = setup;
  await cp(join(root, 'examples/orders'), join(home, 'orders'), { recursive: true });
  const up = await startUp(t, ['orders'], { env, cwd: home });
  const [service] = up.addresses.services;
  const token = (await gatepost(['token', '--identity', 'stranger', '--audience', service.run_app_urls[0]])).stdout.trim();
  assert.equal((await fetch(`${service.url}/orders`)).status, 403);
  const refused = await fetch(`${service.url}/orders/7`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(refused.status, 403);
  return { ...setup, up, service, token };
}

const entries = (text) => text.trim().split('\n').map((line) => JSON.parse(line));

test('query shows who called what, refused or allowed and why', async (t) => {
  const { gatepost, token } = await callOrders(t);
  const text = await gatepost(['audit', 'query', '--service', 'orders', '--last', '10m']);
  assert.deepEqual([text.code, text.stderr], [0, '']);
  const lines = text.stdout.trimEnd().split('\n').slice(1);
  assert.equal(lines.length, 2);
  assert.match(lines[0], /refused.*orders.*GET .*\/orders/);
  assert.match(lines[1], new RegExp(`refused.*orders.*GET .*/orders/7.*stranger@${project}`));
  const all = await gatepost(['audit', 'query', '--format', 'json']);
  assert.ok(!(all.stdout + text.stdout).includes(token.split('.')[2].slice(0, 24)), 'a token is in the trail');
});

test('the filters of query, one by one', async (t) => {
  const { gatepost } = await callOrders(t);
  const rows = [
    [['--principal', 'stranger@*'], 1],
    [['--principal', 'nobody@*'], 0],
    [['--decision', 'refused'], 2],
    [['--decision', 'allowed'], 0],
    [['--status', '403'], 2],
    [['--status', '4'], 2],
    [['--status', '200'], 0],
    [['--method', 'GET'], 2],
    [['--method', 'POST'], 0],
    [['--since', '1h'], 2],
    [['--since', '2000-01-01T00:00:00Z'], 2],
    [['--until', '2000-01-01T00:00:00Z'], 0],
    [['-n', '1'], 1],
    [['--id', '0123456789abcdef'], 0],
  ];
  for (const [args, count] of rows) {
    const { code, stdout, stderr } = await gatepost(['audit', 'query', '--service', 'orders', ...args]);
    assert.equal(stdout.trimEnd().split('\n').length - 1, count, args.join(' '));
    assert.deepEqual([code, stderr], count ? [0, ''] : [1, 'gatepost: no entry fits\n'], args.join(' '));
  }
  const wrong = await gatepost(['audit', 'query', '--since', 'yesterday']);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /--since: 'yesterday' is neither a time nor a duration \[GP-OPT-02\]\n {2}hint: /);
});

test('query as JSON has Cloud Logging\'s entries; the trail outlives the up', async (t) => {
  const { gatepost, up } = await callOrders(t);
  await up.stop();
  const { stdout } = await gatepost(['audit', 'query', '--service', 'orders', '--format', 'json']);
  const list = entries(stdout);
  const decisions = list.filter((entry) => entry.protoPayload);
  assert.equal(decisions.length, 2);
  assert.equal(decisions[1].protoPayload.authenticationInfo.principalEmail, `stranger@${project}`);
  assert.equal(decisions[1].resource.labels.project_id, 'gatepost-demo');
  const requests = list.filter((entry) => entry.httpRequest?.status);
  assert.deepEqual(requests.map((entry) => entry.httpRequest.status), [403, 403]);
  const [one] = entries((await gatepost(['audit', 'query', '--id', decisions[0].insertId, '--format', 'json'])).stdout);
  assert.equal(one.insertId, decisions[0].insertId);
});

test('tail ends when its reader does, also while nobody calls', async (t) => {
  const home = await tempDir(t);
  const env = envOf(home);
  const tail = await run(['-c', `"${bin}" audit tail | head -n 1; echo "\${PIPESTATUS[0]}"`],
    { program: '/bin/bash', env, cwd: home, timeoutMs: 20_000 });
  assert.match(tail.stdout, /^TIME .*\n141\n$/);
  assert.equal(tail.stderr, '');
});

test('tail shows a call as it is decided, and ends with the signal', async (t) => {
  const { env, home, service } = await callOrders(t);
  const tail = await start(t, ['audit', 'tail', '--service', 'orders'], { env, cwd: home, ready: /^TIME/m });
  // What was before isn't shown; that it watches already can only be seen by calling.
  for (const end = Date.now() + 30_000; !tail.out.stdout.includes('/watched');) {
    assert.ok(Date.now() < end, tail.out.stdout + tail.out.stderr);
    await fetch(`${service.url}/watched`);
    await new Promise((go) => setTimeout(go, 100));
  }
  assert.ok(!tail.out.stdout.includes('/orders/7'));
  const end = await tail.stop();
  assert.deepEqual([end.code, end.signal], [0, null]);
});

test('verify finds an entry that was changed', async (t) => {
  const { gatepost, home, up } = await callOrders(t);
  await up.stop();
  const dir = join(home, 'state/gatepost/audit');
  const good = await gatepost(['audit', 'verify']);
  assert.match(good.stdout, /^\d+ entries, none changed or removed/);
  assert.ok(JSON.parse((await gatepost(['audit', 'verify', '--format', 'json'])).stdout).entries >= 4);
  const [name] = (await readdir(dir)).filter((one) => one.endsWith('.jsonl'));
  const text = await readFile(join(dir, name), 'utf8');
  await writeFile(join(dir, name), text.replace(`stranger@${project}`, `somebody@${project}`));
  const bad = await gatepost(['audit', 'verify', '--dir', dir]);
  assert.equal(bad.code, 1);
  assert.match(bad.stderr, /\[GP-AUDIT-03\]/);
});

test('a trail that isn\'t there is an empty one', async (t) => {
  const { gatepost } = await setUp(t);
  const { code, stdout, stderr } = await gatepost(['audit', 'query']);
  assert.deepEqual([code, stdout, stderr], [1, '', 'gatepost: no entry fits\n']);
  assert.equal((await gatepost(['audit', 'query', '--format', 'json'])).stdout, '');
});

test('a trail that is named must be there, and nothing is no trail that verifies', async (t) => {
  const { home, gatepost } = await setUp(t);
  for (const verb of ['query', 'tail', 'verify']) {
    const { code, stdout, stderr } = await gatepost(['audit', verb, '--dir', '/nonexistent']);
    assert.deepEqual([code, stdout], [6, ''], verb);
    assert.match(stderr, /--dir \/nonexistent: No such file or directory \[GP-AUDIT-01\]/, verb);
  }
  for (const dir of [[], ['--dir', home]]) {
    const { code, stdout, stderr } = await gatepost(['audit', 'verify', ...dir]);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^gatepost: there is no entry to check in \//);
  }
  assert.deepEqual(await gatepost(['audit', 'verify', '--format', 'json', '--dir', home]).then((r) => [r.code, r.stdout]),
    [1, '{"entries":0}\n']);
});

// ---- policy -------------------------------------------------------------------------------------

const policy = `bindings:
- role: roles/run.invoker
  members: [allAuthenticatedUsers, "group:staff@example.com"]
`;

test('policy lint warns of quasi-public exposure, with place and fix', async (t) => {
  const { gatepost, home } = await setUp(t);
  await writeFile(join(home, 'policy.yaml'), policy);
  const bad = await gatepost(['policy', 'lint', 'policy.yaml']);
  assert.equal(bad.code, 1);
  assert.match(bad.stdout, /^policy\.yaml:3:13: warning: .*allAuthenticatedUsers.*\[quasi-public\]\n {2}fix: /);
  const json = await gatepost(['policy', 'lint', '--format', 'json', 'policy.yaml']);
  assert.ok(JSON.stringify(JSON.parse(json.stdout)).includes('"quasi-public"'));
  const clean = await gatepost(['policy', 'lint', '-'], { input: policy.replace('allAuthenticatedUsers, ', '') });
  assert.deepEqual([clean.code, clean.stderr], [0, '']);
  const broken = await gatepost(['policy', 'lint', '-'], { input: 'bindings: [{role: 1}]' });
  assert.equal(broken.code, 3);
  assert.match(broken.stderr, /:1:19: .*\[GP-POL-01\]/);
  const missing = await gatepost(['policy', 'lint', 'nothing.yaml']);
  assert.equal(missing.code, 3);
  assert.match(missing.stderr, /nothing\.yaml.*\[GP-DATA-08\]/);
});

test('policy explain decides by the project\'s groups and says why', async (t) => {
  const { gatepost, home } = await setUp(t);
  await writeFile(join(home, 'policy.yaml'), policy.replace('allAuthenticatedUsers, ', ''));
  await writeFile(join(home, 'gatepost.yaml'), 'project: {id: my-project}\n' +
    'groups: {staff@example.com: ["user:jane@example.com"]}\n');
  const explain = (...args) => gatepost(['policy', 'explain', 'policy.yaml', ...args]);
  const jane = await explain('--principal', 'user:jane@example.com');
  assert.equal(jane.code, 0);
  assert.match(jane.stdout, /^allowed: user:jane@example\.com has run\.routes\.invoke/);
  const joe = await explain('--principal', 'user:joe@example.com');
  assert.equal(joe.code, 1);
  assert.match(joe.stdout, /^refused: .*\n[^]*fix: bind user:joe@example\.com to roles\/run\.invoker\n$/);
  assert.match((await explain()).stdout, /^refused: anybody lacks/);
  const json = JSON.parse((await explain('--principal', 'user:joe@example.com', '--format', 'json')).stdout);
  assert.equal(json.allowed, false);
  const wrong = await explain('--principal', 'jane@example.com');
  assert.equal(wrong.code, 3);
  assert.match(wrong.stderr, /\[GP-IAM-01\]/);
});
