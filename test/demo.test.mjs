// SPDX-License-Identifier: Apache-2.0
// `make demo` without the build: its six steps succeed, and nothing of it is left behind.
import assert from 'node:assert/strict';
import { readdir, readlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { bin, envOf, root, run, tempDir } from './lib.mjs';

test('the demo shows its six steps, in order, and stops what it started', async (t) => {
  const dir = await tempDir(t);
  const env = envOf(dir, { TMPDIR: dir });
  const { code, stdout, stderr } = await run([dirname(bin)], { env, program: join(root, 'tools/demo') });
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  assert.deepEqual([...stdout.matchAll(/^== (\d)\./gm)].map((m) => m[1]), ['1', '2', '3', '4', '5', '6']);
  // Tokens live for five seconds: one that is younger than the run so far was minted on the way.
  const ages = [...stdout.matchAll(/, (\d+) s old\)/g)].map((m) => Number(m[1]));
  assert.ok(ages.slice(0, 7).some((age, i) => age < ages[i - 1]), `renewed: ${ages}`);
  assert.match(stdout, /the token expired \d+ s ago \[GP-JWT-09\]/);
  assert.match(stdout, /an access token was sent, but Cloud Run wants an ID token/);
  assert.match(stdout, /quasi-public/);
  assert.deepEqual(await readdir(dir), [], 'its folder is gone');
  const folders = await Promise.all((await readdir('/proc')).filter((name) => /^\d+$/.test(name))
    .map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => ''))); // it may end meanwhile
  assert.deepEqual(folders.filter((folder) => folder.startsWith(dir)), [], 'nothing runs in it');
});
