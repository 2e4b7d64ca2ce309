// SPDX-License-Identifier: Apache-2.0
// IAM conditions from outside: `gatepost up` decides by them as they stand in a policy, the refusal
// is Cloud Run's, the trail tells which condition wasn't met, and `policy explain` says the same.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ECHO, STRANGER, idToken, stageUp } from './stage.mjs';

const binding = (expression, title = 'test') => ({
  role: 'roles/run.invoker', members: [`serviceAccount:${STRANGER}`], condition: { title, expression },
});

test('up grants under a condition, and the trail names the one that is not met', async (t) => {
  const gp = await stageUp(t, { project: { policies: { echo: { version: 3, bindings: [
    binding("request.path.startsWith('/reports/') && request.method == 'GET'", 'reports only'),
    binding("request.headers['x-ticket'].matches('^T-[0-9]+$')", 'with a ticket'),
    binding("request.time < timestamp('2020-01-01T00:00:00Z')", 'expired'),
  ] } } } });
  const token = await idToken(gp, 'stranger', ECHO);
  const call = (path, init = {}) => fetch(gp.url('echo') + path, {
    ...init, headers: { ...init.headers, host: new URL(ECHO).host, authorization: `Bearer ${token}` } });
  const rows = [
    ['/reports/200', {}, 200],
    ['/%72eports/200', {}, 200], // the canonical path counts
    ['/other/200', {}, 403],
    ['/reports', {}, 403],
    ['/other/200', { headers: { 'X-Ticket': 'T-17' } }, 200],
    ['/other/200', { headers: { 'X-Ticket': 'none' } }, 403],
  ];
  for (const [path, init, status] of rows) {
    assert.equal((await call(path, init)).status, status, `${path} ${JSON.stringify(init)}`);
  }
  const { stdout } = await gp.gatepost(['audit', 'query', '--decision', 'refused', '--format', 'json']);
  const refusals = stdout.trim().split('\n').map((line) => JSON.parse(line)).filter((entry) => entry.protoPayload);
  const { decision, explanation } = refusals.at(-1).protoPayload.metadata;
  assert.match(explanation, /the condition "reports only" of roles\/run\.invoker isn't met/);
  assert.deepEqual(decision.bindings.filter((b) => b.condition).map((b) => [b.condition, b.outcome]), [
    ['reports only', 'condition-false'], ['with a ticket', 'condition-false'], ['expired', 'condition-false'],
  ]);
});

test('a policy with a wrong condition is not brought up', async (t) => {
  await assert.rejects(
    stageUp(t, { project: { policies: { echo: { bindings: [binding('request.pth == ""')] } } } }),
    /policies\.echo\.bindings\[0\]\.condition\.expression: at 1:1 of "test": there is no variable 'request\.pth'[^]*did you mean 'request\.path'\?/);
});

test('policy explain evaluates conditions for the call that it is told of', async (t) => {
  const gp = await stageUp(t);
  await writeFile(join(gp.dir, 'policy.json'), JSON.stringify({ version: 3, bindings: [
    binding("request.path.startsWith('/reports/') && cidr('10.0.0.0/8').containsIP(source.ip)", 'reports')] }));
  const explain = (...args) => gp.gatepost(['policy', 'explain', 'policy.json', '--principal',
    `serviceAccount:${STRANGER}`, ...args]);
  const granted = await explain('--with', 'request.path=/reports/1', '--with', 'source.ip=10.1.2.3');
  assert.equal(granted.code, 0, granted.stdout + granted.stderr);
  assert.match(granted.stdout, /^allowed: .* by roles\/run\.invoker under its condition "reports"/);
  const refused = await explain('--with', 'request.path=/reports/1', '--with', 'source.ip=192.0.2.1');
  assert.equal(refused.code, 1);
  assert.match(refused.stdout, /its condition "reports" isn't met: request\.path[^]*\nfix: call so that "reports" is met/);
  const unknown = await explain('--with', 'request.path=/reports/1');
  assert.match(unknown.stdout, /can't be evaluated \(.*'source\.ip' has no value/);
  const wrong = await explain('--with', 'request.pth=/');
  assert.equal(wrong.code, 3);
  assert.match(wrong.stderr, /\[GP-POL-03\]\n {2}hint: /);
});
