// SPDX-License-Identifier: Apache-2.0
// What is generated from the program is what the program says; an installed gatepost has it all.
// UPDATE_DOCS=1 writes doc/commands/ anew.
import assert from 'node:assert/strict';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { bin, envOf, root, run, tempDir } from './lib.mjs';

const folder = join(root, 'doc/commands');

async function pages(env) {
  const names = (await run(['help', '--format', 'names'], { env })).stdout.trim().split('\n');
  const all = await Promise.all(names.map(async (name) => {
    const { code, stdout } = await run(['help', '--format', 'markdown', ...name.split(' ')], { env });
    assert.equal(code, 0, name);
    return [`${name.replaceAll(' ', '-')}.md`, stdout];
  }));
  return Object.fromEntries(all);
}

test('doc/commands has a page for each command, as the program writes it', async (t) => {
  const wanted = await pages(envOf(await tempDir(t)));
  if (process.env.UPDATE_DOCS) {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    await Promise.all(Object.entries(wanted).map(([name, text]) => writeFile(join(folder, name), text)));
  }
  assert.deepEqual((await readdir(folder)).sort(), Object.keys(wanted).sort());
  for (const [name, text] of Object.entries(wanted)) {
    assert.equal(await readFile(join(folder, name), 'utf8'), text, `doc/commands/${name}: UPDATE_DOCS=1 writes it anew`);
  }
});

test('make install brings the programs, their manuals and the completion', async (t) => {
  const dir = await tempDir(t);
  const installed = await run(['install', '-C', dirname(bin), '--destdir', dir, '--no-rebuild', '--quiet'],
    { program: '/usr/bin/meson', env: process.env, cwd: root });
  assert.equal(installed.code, 0, installed.stdout + installed.stderr);
  const prefix = join(dir, 'usr/local');
  const names = await readdir(join(prefix, 'share/man/man1'));
  assert.ok(names.includes('gatepost.1') && names.includes('gatepost-audit-query.1'), names.join(' '));
  assert.deepEqual(await readdir(join(prefix, 'share/bash-completion/completions')), ['gatepost']);
  assert.deepEqual(await readdir(join(prefix, 'share/zsh/site-functions')), ['_gatepost']);
  // The installed program finds its script worker: a collection with a script runs.
  await writeFile(join(dir, 'c.json'), JSON.stringify({ info: { name: 'c' }, item: [{ name: 'r', request: 'http://127.0.0.1:1/',
    event: [{ listen: 'prerequest', script: { exec: ["console.log('works')"] } }] }] }));
  const ran = await run(['run', join(dir, 'c.json')], { program: join(prefix, 'bin/gatepost'), env: envOf(dir) });
  assert.match(ran.stdout, /'works'/, ran.stdout + ran.stderr);
});
