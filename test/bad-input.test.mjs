// SPDX-License-Identifier: Apache-2.0
// Bad input of every kind (test/bad-input.mjs): one clear error with its place and the fix, the
// documented exit status, and nothing that is half written.
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import groups, { MARK, SECRETS } from './bad-input.mjs';
import { envOf, root, run, tempDir } from './lib.mjs';

/** The exit status that the table of codes gives to each id. */
async function exitStatuses() {
  const names = { EXIT_FAILED: 1, EXIT_USAGE: 2, EXIT_INPUT: 3, EXIT_CRED: 4, EXIT_NETWORK: 5, EXIT_SYSTEM: 6 };
  const text = await readFile(join(root, 'src/base/codes.def'), 'utf8');
  return new Map([...text.matchAll(/"(GP-[A-Z]+-\d\d)", (EXIT_[A-Z]+)/g)].map(([, id, name]) => [id, names[name]]));
}

/** Where the mark stands, as the error must name it: "FILE:LINE:COL", columns in characters. */
function placeOf(files) {
  for (const [name, text] of Object.entries(files)) {
    const at = typeof text === 'string' ? text.indexOf(MARK) : -1;
    if (at < 0) continue;
    const lines = text.slice(0, at).split('\n');
    return `${name}:${lines.length}:${[...lines.at(-1)].length + 1}`;
  }
  return '';
}

async function everything(dir) {
  const all = await readdir(dir, { recursive: true, withFileTypes: true });
  return all.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath ?? entry.path, entry.name)).sort();
}

function judgeError(row, files, shown) {
  // One error, in two lines: what and where, and the way out.
  const lines = shown.split('\n');
  const place = row.place ?? placeOf(files);
  assert.ok(lines[0].startsWith(place ? `gatepost: ${place}: ` : 'gatepost: '), `${place}: is expected in\n${shown}`);
  if (!place) assert.doesNotMatch(lines[0], /^gatepost: \S+:\d+:\d+: /, shown);
  assert.ok(lines[0].endsWith(` [${row.code}]`), `${row.code} is expected in\n${shown}`);
  assert.ok(lines[0].includes(row.says), `"${row.says}" is expected in\n${shown}`);
  if (row.hint === null) {
    assert.equal(shown, `${lines[0]}\n`);
  } else {
    assert.match(lines[1] ?? '', /^ {2}hint: \S/, shown);
    assert.ok(lines[1].includes(row.hint), `"${row.hint}" is expected in\n${shown}`);
    assert.equal(shown, `${lines[0]}\n${lines[1]}\n`);
  }
}

/** Where the answer is a report, it alone tells what is wrong: nothing is said twice. */
function judgeReport(row, stdout, shown) {
  assert.equal(shown, '');
  assert.match(stdout, row.report);
  for (const text of [row.says, `[${row.code}]`, 'fix:', row.hint]) assert.ok(stdout.includes(text), `"${text}" is expected in\n${stdout}`);
}

async function judge(t, row, statuses) {
  const [home, dir] = [await tempDir(t), await tempDir(t)];
  const files = row.files ?? {};
  for (const [name, text] of Object.entries(files)) {
    const path = name.startsWith('config/') ? join(home, name) : join(dir, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, typeof text === 'string' ? text.replace(MARK, '') : text, { mode: 0o600 });
  }
  const before = [await everything(dir), await everything(home)];
  const { code, signal, stdout, stderr } = await run(row.args, { env: envOf(home, row.env), cwd: dir, input: row.input ?? '' });
  const shown = stderr.replaceAll(`${dir}/`, '').replaceAll(`${home}/`, '');
  assert.equal(signal, null, shown);
  if (row.report) judgeReport(row, stdout, shown);
  else judgeError(row, files, shown);
  assert.equal(code, statuses.get(row.code), shown);
  if (!row.report) assert.equal(stdout, '');
  const after = [await everything(dir), await everything(home)];
  if (row.state) after[1] = after[1].filter((path) => !path.startsWith(join(home, 'state/')));
  assert.deepEqual(after, before, 'files were left behind');
  for (const secret of SECRETS) assert.ok(!(stdout + stderr).includes(secret), 'a secret is shown');
}

test('there are at least sixty kinds of bad input, each with a name of its own', () => {
  const names = Object.entries(groups).flatMap(([group, rows]) => rows.map((row) => `${group}: ${row.name}`));
  assert.ok(names.length >= 60, `${names.length}`);
  assert.equal(new Set(names).size, names.length);
});

test('the page of every code names it and its exit status', async () => {
  for (const [id, status] of await exitStatuses()) {
    const page = await readFile(join(root, `doc/errors/${id}.md`), 'utf8');
    assert.ok(page.startsWith(`# ${id}: `), id);
    assert.match(page, new RegExp(`[Ee]xit\\s+status ${status}\\b`), id);
  }
});

for (const [group, rows] of Object.entries(groups)) {
  test(group, { concurrency: 2 }, async (t) => {
    const statuses = await exitStatuses();
    await Promise.all(rows.map((row) => t.test(row.name, (own) => judge(own, row, statuses))));
  });
}
