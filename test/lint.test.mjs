// SPDX-License-Identifier: Apache-2.0
// `gatepost lint` on the script that everybody pastes, with a real private key in its variable; and
// `gatepost init`.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { envOf, root, run, tempDir } from './lib.mjs';

async function pasted(t, kind = 'access-token') {
  const dir = await tempDir(t);
  const document = JSON.parse(await readFile(join(root, `examples/the-script/${kind}.postman_collection.json`), 'utf8'));
  const pem = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  const variable = document.variable.find((v) => v.key === 'serviceAccountKey');
  variable.value = JSON.stringify({ type: 'service_account', client_email: 'a@p.iam.gserviceaccount.com', private_key: pem });
  const file = join(dir, 'c.json');
  await writeFile(file, JSON.stringify(document, null, 2), { mode: 0o640 });
  return { dir, file, pem, lint: (...args) => run(['lint', ...args], { env: envOf(dir), cwd: dir }) };
}

test('lint finds the key, the script and the bearer, each with its place and fix', async (t) => {
  const p = await pasted(t);
  const { code, stdout, stderr } = await p.lint('c.json');
  assert.deepEqual([code, stderr], [1, '']);
  for (const rule of ['secret', 'token-script', 'hand-made-bearer']) {
    assert.match(stdout, new RegExp(`^c\\.json:\\d+:\\d+: .*\\[${rule}\\]\n  fix: .+$`, 'm'), rule);
  }
  assert.ok(!stdout.includes(p.pem.split('\n')[1]), 'the key is printed');
  const found = JSON.parse((await p.lint('c.json', '--format', 'json')).stdout);
  const lines = (await readFile(p.file, 'utf8')).split('\n');
  const secret = found.find((f) => f.rule === 'secret');
  assert.match(lines[secret.line - 1].slice(secret.column - 1), /^"\{\\"type\\":\\"service_account/);
});

test('lint --fix removes script, key and bearer, and the rest stays', async (t) => {
  const p = await pasted(t);
  const { code, stdout, stderr } = await p.lint('--fix', 'c.json');
  assert.equal(code, 0, stdout + stderr);
  assert.match(stderr, /c\.json: \d+ things removed/);
  const text = await readFile(p.file, 'utf8');
  assert.doesNotMatch(text, /PRIVATE KEY|oauth2|bearer/);
  assert.equal((await stat(p.file)).mode & 0o777, 0o640);
  const document = JSON.parse(text);
  assert.deepEqual(document.variable.map((v) => v.key), ['baseUrl']);
  assert.equal(document.item[0].event[0].listen, 'test');
  assert.equal((await p.lint('c.json')).code, 0);
  const before = (await stat(p.file)).mtimeMs;
  await p.lint('--fix', 'c.json');
  assert.equal((await stat(p.file)).mtimeMs, before, 'nothing to remove: the file is left alone');
  assert.deepEqual(await readdir(p.dir), ['c.json']);
});

test('lint --fix keeps the layout of the file', async (t) => {
  const p = await pasted(t);
  const document = JSON.parse(await readFile(p.file, 'utf8'));
  for (const [indent, end] of [['\t', ''], [1, '\n'], [2, ''], [4, '\n'], [0, '']]) {
    await writeFile(p.file, JSON.stringify(document, null, indent) + end);
    assert.equal((await p.lint('--fix', 'c.json')).code, 0);
    const text = await readFile(p.file, 'utf8');
    assert.equal(text, JSON.stringify(JSON.parse(text), null, indent) + end, JSON.stringify(indent));
    assert.doesNotMatch(text, /PRIVATE KEY/);
  }
});

test('a script that does more than mint is told, and nothing is removed', async (t) => {
  const p = await pasted(t);
  const document = JSON.parse(await readFile(p.file, 'utf8'));
  document.event[0].script.exec.push("pm.collectionVariables.set('tenant', 'acme');");
  document.item[0].request.url += '?tenant={{tenant}}';
  const text = JSON.stringify(document);
  await writeFile(p.file, text);
  const { code, stdout } = await p.lint('--fix', 'c.json');
  assert.equal(code, 1);
  assert.match(stdout, /does more than that: it sets 'tenant'.* \[token-script\]\n {2}fix: take the trade out/);
  assert.equal(await readFile(p.file, 'utf8'), text);
});

test('a named pipe is refused, and not waited for', async (t) => {
  const dir = await tempDir(t);
  execFileSync('mkfifo', [join(dir, 'pipe')]);
  await writeFile(join(dir, 'c.json'), '{"info": {"name": "c"}, "item": []}');
  for (const args of [['pipe'], ['--fix', 'pipe'], ['c.json', '-e', 'pipe'], ['c.json', '-g', 'pipe'], ['c.json', '-d', 'pipe']]) {
    const { code, stderr } = await run(['lint', ...args], { env: envOf(dir), cwd: dir });
    assert.equal(code, 3, stderr);
    assert.match(stderr, /'pipe' is no regular file.*\[GP-DATA-08\]\n {2}hint: .*gatepost lint -/);
  }
  const piped = { env: envOf(dir), cwd: dir, input: '{"info": {"name": "c"}, "item": []}' };
  assert.equal((await run(['lint', '-'], piped)).code, 0);
  assert.match((await run(['lint', '--fix', '-'], piped)).stderr, /standard input can't be repaired/);
});

test('a v1 collection is linted, and not rewritten', async (t) => {
  const dir = await tempDir(t);
  await writeFile(join(dir, 'v1.json'), JSON.stringify({ id: 'c', name: 'old', order: ['r'],
    requests: [{ id: 'r', name: 'r', method: 'GET', url: 'http://{{nowhere}}/' }] }));
  const env = envOf(dir);
  assert.match((await run(['lint', 'v1.json'], { env, cwd: dir })).stdout, /\[unresolved-variable\]/);
  const fixed = await run(['lint', '--fix', 'v1.json'], { env, cwd: dir });
  assert.equal(fixed.code, 3);
  assert.match(fixed.stderr, /v1 collection can't be repaired in place.*\n  hint: export it as Collection v2\.1/);
});

test('an environment defines variables, and its secrets are found', async (t) => {
  const dir = await tempDir(t);
  await writeFile(join(dir, 'c.json'), JSON.stringify({ info: { name: 'c' }, item: [{ name: 'r', request: 'http://{{host}}/' }] }));
  await writeFile(join(dir, 'e.json'), JSON.stringify({ name: 'e', values: [{ key: 'host', value: 'h' }, { key: 'password', value: 'correct horse' }] }));
  const { code, stdout } = await run(['lint', 'c.json', '-e', 'e.json'], { env: envOf(dir), cwd: dir });
  assert.equal(code, 1);
  assert.doesNotMatch(stdout, /unresolved/);
  assert.match(stdout, /^e\.json:1:\d+: .*'password' looks like a secret/m);
});

test('init writes a project once, and never over files of yours', async (t) => {
  const dir = await tempDir(t);
  const env = envOf(dir);
  const first = await run(['init', 'hello'], { env, cwd: dir });
  assert.equal(first.code, 0, first.stderr);
  const names = await readdir(join(dir, 'hello'));
  assert.deepEqual(names.sort(), ['app.py', 'gatepost.yaml', 'hello.postman_collection.json', 'service.yaml']);
  const collection = JSON.parse(await readFile(join(dir, 'hello/hello.postman_collection.json'), 'utf8'));
  assert.match(collection.variable[0].value, /^https:\/\/hello-[a-z0-9]{10}-uc\.a\.run\.app$/);
  assert.equal((await run(['lint', 'hello/hello.postman_collection.json'], { env, cwd: dir })).code, 0);
  await writeFile(join(dir, 'hello/app.py'), 'mine');
  const again = await run(['init', 'hello'], { env, cwd: dir });
  assert.equal(again.code, 2);
  assert.match(again.stderr, /hello\/gatepost\.yaml exists already/);
  assert.equal(await readFile(join(dir, 'hello/app.py'), 'utf8'), 'mine');
});

test('what init says to try can be pasted into a shell, whatever the folder is called', async (t) => {
  const dir = await tempDir(t);
  const name = "it's a `start`";
  const { code, stdout, stderr } = await run(['init', name], { env: envOf(dir), cwd: dir });
  assert.equal(code, 0, stderr);
  const words = stdout.match(/gatepost run --local (.*)/)[1];
  const shown = await run(['-c', `cat ${words}`], { program: '/bin/sh', env: envOf(dir), cwd: dir });
  assert.equal(shown.stdout, await readFile(join(dir, name, 'hello.postman_collection.json'), 'utf8'));
});

test('init --service trusts the origin and nothing else', async (t) => {
  const dir = await tempDir(t);
  const env = envOf(dir);
  const { code, stdout, stderr } = await run(['init', 'there', '--service', 'https://Orders-abc123-uc.a.run.app/orders?x=1'], { env, cwd: dir });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^trusted https:\/\/orders-abc123-uc\.a\.run\.app$/m);
  assert.deepEqual(await readdir(join(dir, 'there')), ['hello.postman_collection.json']);
  const trust = await readFile(join(dir, 'config/gatepost/trust.json'), 'utf8');
  assert.match(trust, /https:\/\/orders-abc123-uc\.a\.run\.app"/);
});
