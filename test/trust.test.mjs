// SPDX-License-Identifier: Apache-2.0
// `gatepost trust`: what a person lets receive identity, and what a checkout may not take for itself.
import assert from 'node:assert/strict';
import { appendFile, chmod, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { envOf, run, tempDir } from './lib.mjs';

async function setUp(t) {
  const home = await tempDir(t);
  const env = envOf(home);
  const store = join(home, 'config/gatepost/trust.json');
  const gatepost = (...args) => run(args, { env, cwd: home });
  const list = async () => JSON.parse((await gatepost('trust', 'list', '--format', 'json')).stdout);
  return { home, env, store, gatepost, list };
}

test('what is added is listed until it is removed', async (t) => {
  const { gatepost, list, store } = await setUp(t);
  assert.deepEqual(await list(), []);
  const empty = await gatepost('trust', 'list');
  assert.deepEqual([empty.code, empty.stdout], [0, '']);
  assert.match(empty.stderr, /^gatepost: nothing is trusted yet; 'gatepost trust add'/);
  const added = await gatepost('trust', 'add', '123456789012', 'https://orders.example');
  assert.deepEqual([added.code, added.stderr], [0, '']);
  assert.equal((await stat(store)).mode & 0o777, 0o600);
  assert.equal((await gatepost('trust', 'add', '123456789012')).code, 0); // once more changes nothing
  assert.deepEqual((await list()).map((one) => [one.kind, one.name]),
    [['project', '123456789012'], ['origin', 'https://orders.example']]);
  const text = (await gatepost('trust', 'list')).stdout.split('\n');
  assert.match(text[0], /^\d{4}-\d\d-\d\dT\S+Z {2}project {2}123456789012$/);
  assert.equal((await gatepost('trust', 'remove', '123456789012')).code, 0);
  assert.deepEqual((await list()).map((one) => one.name), ['https://orders.example']);
  const gone = await gatepost('trust', 'remove', '123456789012');
  assert.equal(gone.code, 3);
  assert.match(gone.stderr, /'123456789012' isn't in the trust store \[GP-HOME-04\]\n {2}hint: .*trust list/);
});

test('an origin has one spelling, and any other names it too', async (t) => {
  const { gatepost, list, store } = await setUp(t);
  const names = async () => (await list()).map((one) => one.name);
  const added = await gatepost('trust', 'add', 'HTTPS://Foo.Example.', 'https://foo.example:443/');
  assert.equal(added.stdout, 'trusted: https://foo.example\n'.repeat(2));
  assert.deepEqual(await names(), ['https://foo.example']);
  assert.equal((await gatepost('trust', 'remove', 'HTTPS://FOO.example')).code, 0);
  assert.deepEqual(await names(), []);
  const old = { spec: 'HTTPS://Foo.Example.', added: '2026-01-01T00:00:00Z' };
  await writeFile(store, JSON.stringify({ trusted: [old] }), { mode: 0o600 });
  assert.equal((await gatepost('trust', 'remove', 'https://foo.example')).code, 0);
  assert.deepEqual(await names(), []);
});

test('a store with what can\'t be trusted is told with its file and the way out', async (t) => {
  const { gatepost, store } = await setUp(t);
  await gatepost('trust', 'add', '123456789012');
  await writeFile(store, JSON.stringify({ trusted: [{ spec: 'http://foo.example', added: '2026-01-01T00:00:00Z' }] }));
  const { code, stderr } = await gatepost('whoami');
  assert.equal(code, 2);
  assert.ok(stderr.startsWith(`gatepost: ${store}: `), stderr);
  assert.match(stderr, /\[GP-TRUST-03\]\n {2}hint: take it out: gatepost trust remove 'http:\/\/foo\.example'\n$/);
  assert.equal((await gatepost('trust', 'remove', 'http://foo.example')).code, 0);
  assert.doesNotMatch((await gatepost('whoami')).stderr, /GP-TRUST/);
});

test('what can\'t be trusted is refused, and nothing is stored', async (t) => {
  const { gatepost, list } = await setUp(t);
  for (const spec of ['*.run.app', 'http://orders.example', 'https://orders.example/path', 'my-project',
    'https://user@orders.example', 'https://*.run.app', '']) {
    const { code, stdout, stderr } = await gatepost('trust', 'add', '123456789012', spec);
    assert.deepEqual([code, stdout], [2, ''], spec);
    assert.match(stderr, /\[GP-TRUST-03\]\n {2}hint: /, spec);
    if (spec) assert.ok(stderr.split('\n')[0].split(spec).length <= 2, `named twice: ${stderr}`);
  }
  assert.deepEqual(await list(), []);
  assert.equal((await gatepost('trust', 'add')).code, 2);
});

test('T39 a project file is trusted by its content, and says what that means', async (t) => {
  const { gatepost, list, home } = await setUp(t);
  const file = join(home, 'gatepost.yaml');
  await writeFile(file, `project: {id: my-project}
identities:
  ci: {key: keys/ci.json}
  boss: {impersonate: boss@my-project.iam.gserviceaccount.com}
trust: [https://orders.example]
`);
  const before = await gatepost('whoami', '--identity', 'ci');
  assert.equal(before.code, 1);
  assert.match(before.stderr, /gatepost\.yaml:3:13: identities\.ci\.key: .*\[GP-HOME-08\]\n {2}hint: .*gatepost trust file/);

  const trusted = await gatepost('trust', 'file');
  assert.deepEqual([trusted.code, trusted.stderr], [0, '']);
  assert.match(trusted.stdout, /identity ci reads the credential file .*keys\/ci\.json/);
  assert.match(trusted.stdout, /identity boss impersonates boss@my-project/);
  assert.match(trusted.stdout, /identity may go to https:\/\/orders\.example/);
  assert.equal((await list())[0].state, 'unchanged');
  const after = await gatepost('whoami', '--identity', 'ci');
  assert.match(after.stderr, /keys\/ci\.json/); // it is looked for now
  assert.match(after.stderr, /\[GP-CRED-02\]/);

  await appendFile(file, '# one more line\n');
  assert.equal((await list())[0].state, 'changed since');
  assert.match((await gatepost('whoami')).stderr, /\[GP-HOME-08\]/);
  assert.equal((await gatepost('trust', 'file', 'gatepost.yaml')).code, 0);
  assert.deepEqual((await list()).map((one) => one.state), ['unchanged']); // in place of the old one
  assert.equal((await gatepost('trust', 'remove', 'gatepost.yaml')).code, 0);
  assert.deepEqual(await list(), []);
});

test('a project file that doesn\'t load isn\'t trusted', async (t) => {
  const { gatepost, list, home } = await setUp(t);
  await writeFile(join(home, 'gatepost.yaml'), 'project: {id: my-project}\nacounts: []\n');
  const { code, stderr } = await gatepost('trust', 'file');
  assert.equal(code, 3);
  assert.match(stderr, /gatepost\.yaml:2:1: .*\[GP-DATA-06\]\n {2}hint: did you mean 'accounts'\?/);
  assert.deepEqual(await list(), []);
  await mkdir(join(home, 'empty'));
  const none = await gatepost('trust', 'file', 'empty');
  assert.equal(none.code, 3);
  assert.match(none.stderr, /\[GP-HOME-07\]/);
});

test('T39 a trust store that others can write isn\'t believed', async (t) => {
  const { gatepost, store } = await setUp(t);
  await gatepost('trust', 'add', '123456789012');
  await chmod(store, 0o666);
  for (const args of [['trust', 'list'], ['trust', 'add', 'abc123xyz0'], ['whoami']]) {
    const { code, stderr } = await gatepost(...args);
    assert.equal(code, 6, args.join(' '));
    assert.match(stderr, /trust\.json can be written by other users \[GP-HOME-03\]\n {2}hint: .*chmod 600/);
  }
});

test('T49 a trust store that is a link is neither read nor replaced', async (t) => {
  const { gatepost, store, home } = await setUp(t);
  await mkdir(join(home, 'config/gatepost'), { recursive: true, mode: 0o700 });
  await writeFile(join(home, 'precious'), 'precious', { mode: 0o600 });
  await symlink(join(home, 'precious'), store);
  const { code, stderr } = await gatepost('trust', 'add', '123456789012');
  assert.equal(code, 6);
  assert.match(stderr, /symbolic link \[GP-HOME-03\]/);
  assert.equal(await readFile(join(home, 'precious'), 'utf8'), 'precious');
});
