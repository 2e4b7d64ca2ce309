// SPDX-License-Identifier: Apache-2.0
// `make demo` without the build: its six steps succeed, and nothing of it is left behind.
import assert from 'node:assert/strict';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { bin, envOf, plain, root, run, tempDir } from './lib.mjs';

test('the demo shows its six steps, in order, and stops what it started', async (t) => {
  const dir = await tempDir(t);
  const settings = join(dir, 'of-the-user'); // what the shell around it may have set, to be left alone
  const env = envOf(dir, { TMPDIR: dir, http_proxy: 'http://127.0.0.1:1', HTTP_PROXY: 'http://127.0.0.1:1',
    GATEPOST_PROJECT_FILE: settings, GATEPOST_TRUST: 'no origin', GATEPOST_LOCAL: 'maybe', CLOUDSDK_CONFIG: settings,
    GOOGLE_APPLICATION_CREDENTIALS: settings, GOOGLE_CLOUD_PROJECT: 'theirs' });
  const { code, stdout, stderr } = await run([dirname(bin)], { env, program: join(root, 'tools/demo') });
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  assert.deepEqual([...stdout.matchAll(/^== (\d)\./gm)].map((m) => m[1]), ['1', '2', '3', '4', '5', '6']);
  // Tokens live for five seconds: one that is younger than the run so far was minted on the way.
  const ages = [...stdout.matchAll(/, (\d+) s old\)/g)].map((m) => Number(m[1]));
  assert.ok(ages.slice(0, 7).some((age, i) => age < ages[i - 1]), `renewed: ${ages}`);
  assert.match(stdout, /the token expired \d+ s ago \[GP-JWT-09\]/);
  assert.match(stdout, /an access token was sent, but Cloud Run wants an ID token/);
  assert.match(stdout, /quasi-public/);
  // The README shows parts of it, with … for what it leaves out of a line and an empty line between parts.
  const [, shown] = (await readFile(join(root, 'README.md'), 'utf8')).match(/as it prints it:\n\n```\n([^]*?)\n```/);
  const printed = plain(stdout, dir);
  for (const part of plain(shown, dir).split(/…\n|\n\n/)) assert.ok(printed.includes(part), `the README shows\n${part}`);
  assert.deepEqual(await readdir(dir), [], 'its folder is gone');
  const folders = await Promise.all((await readdir('/proc')).filter((name) => /^\d+$/.test(name))
    .map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => ''))); // it may end meanwhile
  assert.deepEqual(folders.filter((folder) => folder.startsWith(dir)), [], 'nothing runs in it');
});
