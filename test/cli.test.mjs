// SPDX-License-Identifier: Apache-2.0
// The command line as a user meets it first: what it is, what it isn't, and where to go from there.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { envOf, root, run, tempDir } from './lib.mjs';

const gatepost = async (t, ...args) => run(args, { env: envOf(await tempDir(t)) });

test('version prints the version of the build', async (t) => {
  const { code, stdout, stderr } = await gatepost(t, 'version');
  const [, version] = (await readFile(join(root, 'meson.build'), 'utf8')).match(/version: '([^']+)'/);
  assert.equal(stderr, '');
  assert.match(stdout, new RegExp(`\\b${version.replaceAll('.', '\\.')}\\b`));
  assert.equal(code, 0);
});

test('every command of the list has its own help', async (t) => {
  const list = await gatepost(t, 'help');
  assert.equal(list.code, 0);
  const commands = [...list.stdout.matchAll(/^ {2}(\S+(?: \S+)?) {2,}\S/gm)].map((m) => m[1]);
  assert.ok(commands.length > 0, list.stdout);
  for (const command of commands) {
    const help = await gatepost(t, ...command.split(' '), '--help');
    assert.equal(help.code, 0, command);
    assert.match(help.stdout, new RegExp(`^Usage: gatepost ${command}\\b`), command);
    assert.equal(help.stderr, '', command);
  }
});

test('a misspelt command gets one error, its code and the closest name', async (t) => {
  const { code, stdout, stderr } = await gatepost(t, 'versoin');
  assert.equal(code, 2);
  assert.equal(stdout, '');
  assert.match(stderr, /^gatepost: .*'versoin'.* \[GP-[A-Z]+-\d\d\]\n/);
  assert.match(stderr, /hint: .*version/);
});

test('a misspelt option gets one error and changes nothing', async (t) => {
  const { code, stdout, stderr } = await gatepost(t, 'version', '--no-such-option');
  assert.equal(code, 2);
  assert.equal(stdout, '');
  assert.match(stderr, /^gatepost: .*--no-such-option.* \[GP-[A-Z]+-\d\d\]\n/);
});

test('the completion scripts are scripts', async (t) => {
  const { code, stdout } = await gatepost(t, 'completion', 'bash');
  assert.equal(code, 0);
  const checked = await run(['-n'], { program: '/bin/bash', input: stdout, env: process.env });
  assert.deepEqual([checked.code, checked.stderr], [0, '']);
});
