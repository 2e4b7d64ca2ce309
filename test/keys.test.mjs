// SPDX-License-Identifier: Apache-2.0
// `gatepost keys` against a running `gatepost up`: what keys there are, and a rotation that may be
// killed at any moment.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { sign } from 'node:crypto';
import { once } from 'node:events';
import { access, copyFile, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { bin, envOf, minted, run, startUp, tempDir } from './lib.mjs';

const ROBOT = 'robot@keys-demo.iam.gserviceaccount.com';
const PLAIN = 'plain@keys-demo.iam.gserviceaccount.com';
const PROJECT = `project: { id: keys-demo }
accounts:
  - { email: ${ROBOT}, roles: [roles/iam.serviceAccountKeyAdmin, roles/policyanalyzer.activityAnalyzer], key: keys/robot.json }
  - { email: ${PLAIN}, roles: [], key: keys/plain.json }
services: [service.yaml]
`;
const SERVICE = `apiVersion: serving.knative.dev/v1
kind: Service
metadata: { name: nothing }
spec: { template: { spec: { containers: [{ command: [/bin/true] }] } } }
`;

async function bringUp(t) {
  const home = await tempDir(t);
  await mkdir(join(home, 'keys'));
  await writeFile(join(home, 'gatepost.yaml'), PROJECT);
  await writeFile(join(home, 'service.yaml'), SERVICE);
  const env = envOf(home);
  const { pid } = await startUp(t, [home], { env, cwd: home });
  const key = join(home, 'keys/robot.json');
  const gatepost = (...args) => run(args, { env, cwd: home });
  return {
    home, env, key, pid, gatepost,
    list: async () => JSON.parse((await gatepost('keys', 'list', '--format', 'json', key)).stdout)[0],
    /** The proof that a file's key works: '', or the token endpoint's complaint. */
    works: async (file = key) => {
      const k = JSON.parse(await readFile(file, 'utf8')), now = Math.floor(Date.now() / 1000);
      const part = (o) => Buffer.from(JSON.stringify(o)).toString('base64url');
      const text = `${part({ alg: 'RS256', kid: k.private_key_id })}.${part({
        iss: k.client_email, aud: k.token_uri, iat: now, exp: now + 600, target_audience: 'https://x.example' })}`;
      const assertion = `${text}.${sign('sha256', text, k.private_key).toString('base64url')}`;
      const got = await fetch(k.token_uri, { method: 'POST', body: new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }) });
      const answer = await got.json();
      if (answer.id_token) minted(answer.id_token);
      return answer.error_description ?? '';
    },
  };
}

const idIn = async (file) => JSON.parse(await readFile(file, 'utf8')).private_key_id;
const exists = (file) => access(file).then(() => true, () => false);

test('a rotation leaves one key, a new one, that works', async (t) => {
  const w = await bringUp(t), old = await idIn(w.key), link = join(w.home, 'link.json');
  await symlink(w.key, link);
  const done = await w.gatepost('keys', 'rotate', '--grace', '0', link);
  assert.equal(done.code, 0, done.stderr);
  const id = await idIn(w.key);
  assert.notEqual(id, old);
  assert.match(done.stdout, new RegExp(`rotating key ${old} of ${ROBOT}\nmade a new key\n.* holds the new key ${id}\ndisabled key ${old}\ndeleted key ${old}\ndone\n$`));
  assert.deepEqual((await w.list()).keys.map((k) => [k.id, k.inFile, k.disabled]), [[id, true, false]]);
  assert.equal(await w.works(), '');
  assert.equal((await stat(w.key)).mode & 0o777, 0o600);
  for (const rest of ['.next', '.rotation']) assert.equal(await exists(w.key + rest), false);
  assert.doesNotMatch(done.stdout + done.stderr, /PRIVATE KEY/);
});

test('another file in the key\'s place is still that of the up that runs', async (t) => {
  const w = await bringUp(t);
  assert.equal((await w.gatepost('keys', 'rotate', '--grace', '0', w.key)).code, 0);
  const before = await readFile(w.key, 'utf8');
  const second = await run(['up', w.home], { env: envOf(await tempDir(t)) });
  assert.equal(second.code, 1);
  assert.match(second.stderr, new RegExp(`robot\\.json is kept by process ${w.pid}, .*\\[GP-HOME-05\\]\n {2}hint: stop that one: kill ${w.pid};`));
  assert.equal(await readFile(w.key, 'utf8'), before);
  assert.equal(await w.works(), '');
});

test('a list tells age and last use', async (t) => {
  const w = await bringUp(t);
  await w.works();
  const { keys: [k], account } = await w.list();
  assert.equal(account, ROBOT);
  assert.equal(k.stale, false);
  assert.equal(k.lastUsedKnown, true);
  assert.ok(Date.now() - Date.parse(k.lastUsed) < 60_000, k.lastUsed);
  const text = await w.gatepost('keys', 'list');
  assert.match(text.stdout, new RegExp(`^${ROBOT}  .*robot.json\n  key .*\n  ${k.id}  0 min .*in the file$`, 'm'));
  const refused = await w.gatepost('keys', 'list', join(w.home, 'keys/plain.json'));
  assert.equal(refused.code, 4);
  assert.match(refused.stderr, /IAM answered 403 about the keys of plain@.*\n.*roles\/iam\.serviceAccountKeyAdmin in gatepost\.yaml/);
});

test('somebody else may ask and rotate', async (t) => {
  const w = await bringUp(t), plain = join(w.home, 'keys/plain.json'), old = await idIn(plain);
  const done = await w.gatepost('keys', 'rotate', '--grace', '0', '--identity', 'robot', plain);
  assert.equal(done.code, 0, done.stderr);
  assert.notEqual(await idIn(plain), old);
});

test('a young key is left alone', async (t) => {
  const w = await bringUp(t), old = await idIn(w.key);
  const done = await w.gatepost('keys', 'rotate', '--older-than', '23h', w.key);
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /it is due in 1380 min/);
  assert.equal(await idIn(w.key), old);
  assert.equal(await exists(`${w.key}.rotation`), false);
});

test('the old key serves until the grace is over; a stop loses nothing', async (t) => {
  const w = await bringUp(t), old = await idIn(w.key), copy = join(w.home, 'keys/old.json');
  await copyFile(w.key, copy);
  const child = spawn(bin, ['keys', 'rotate', '--grace', '1h', w.key], { env: w.env, cwd: w.home });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  while (!/waiting/.test(said)) said += (await once(child.stdout.setEncoding('utf8'), 'data'))[0];
  const closed = once(child, 'close');
  const busy = await w.gatepost('keys', 'rotate', w.key);
  assert.equal(busy.code, 1);
  assert.match(busy.stderr, /another rotation is at work/);
  assert.deepEqual((await w.list()).keys.length, 2);
  for (const key of [w.key, copy]) assert.equal(await w.works(key), '');
  child.kill('SIGINT');
  assert.equal((await closed)[0], 6);
  const done = await w.gatepost('keys', 'rotate', '--grace', '0', w.key);
  assert.match(done.stdout, new RegExp(`^going on with the rotation of key ${old}[^]*deleted key ${old}\ndone\n$`));
  assert.equal((await w.list()).keys.length, 1);
  assert.equal(await w.works(copy), 'Invalid JWT Signature.');
});

test('killed 100 times at random moments, the file always holds a key that works', { timeout: 170_000 }, async (t) => {
  const w = await bringUp(t);
  const begun = performance.now();
  assert.equal((await w.gatepost('keys', 'rotate', '--grace', '0', w.key)).code, 0);
  const whole = performance.now() - begun;
  let ended = 0;
  for (let i = 0; i < 100; i++) {
    const child = spawn(bin, ['keys', 'rotate', '--grace', '0', w.key], { env: w.env, cwd: w.home, stdio: 'ignore' });
    const closed = once(child, 'close');
    // Spread over the whole of it, however fast this machine is today.
    const timer = setTimeout(() => child.kill('SIGKILL'), Math.random() * whole * 1.1);
    ended += (await closed)[0] === 0;
    clearTimeout(timer);
    const id = await idIn(w.key);
    assert.match(id, /^[0-9a-f]{40}$/);
    assert.equal(await w.works(), '', `after ${i + 1} kills`);
    const { keys } = await w.list();
    assert.ok(keys.some((k) => k.id === id && !k.disabled), `the file's key ${id} after ${i + 1} kills`);
    // With no grace a run may end before IAM has made the key that a killed one asked for: such a
    // key stays, unused. With any grace the next run finds it.
    assert.ok(keys.length <= 8, `${keys.length} keys`);
  }
  const done = await w.gatepost('keys', 'rotate', '--grace', '0', w.key);
  assert.equal(done.code, 0, done.stderr);
  assert.equal(await w.works(), '');
  t.diagnostic(`${ended} of 100 ended before they were killed`);
});

test('what can\'t be rotated is told, and nothing is changed', async (t) => {
  const w = await bringUp(t), other = join(w.home, 'keys/other.json');
  await writeFile(other, JSON.stringify({ type: 'authorized_user' }));
  const rows = [
    [['rotate', other], 4, /other\.json: it isn't a service account's key file/],
    [['rotate', join(w.home, 'absent.json')], 3, /absent\.json/],
    [['list'], 4, /robot@[^]*IAM answered 403 about the keys of plain@/],
  ];
  for (const [args, code, says] of rows) {
    const done = await w.gatepost('keys', ...args);
    assert.match(done.stdout + done.stderr, says);
    assert.equal(done.code, code, done.stderr);
  }
  await writeFile(`${w.key}.rotation`, JSON.stringify({ account: 'x@y', old: 'k', started: 1, attempts: 0, asked: 0, swapped: 0, known: [] }));
  const mixed = await w.gatepost('keys', 'rotate', w.key);
  assert.match(mixed.stderr, /robot\.json\.rotation is about another account \(x@y\)/);
  assert.equal(mixed.code, 4);
});
