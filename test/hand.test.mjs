// SPDX-License-Identifier: Apache-2.0
// What scripts get only when the person hands it to them: secrets (--vault) and packages
// (--packages); and requests of the collection that a script runs.
import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { envOf, run, serve, tempDir } from './lib.mjs';

async function world(t) {
  const w = { seen: [], dir: await tempDir(t) };
  w.url = await serve(t, async (req, res) => {
    let body = '';
    for await (const piece of req) body += piece;
    w.seen.push({ method: req.method, url: req.url, authorization: req.headers.authorization, body });
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ url: req.url }));
  });
  w.put = async (path, text, mode = 0o600) => {
    await mkdir(dirname(join(w.dir, path)), { recursive: true });
    await writeFile(join(w.dir, path), typeof text === 'string' ? text : JSON.stringify(text));
    await chmod(join(w.dir, path), mode);
  };
  w.run = async (script, { args = [], items = [] } = {}) => {
    await w.put('c.json', { info: { name: 'c', schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json' },
      item: [{ name: 'asks', request: `${w.url}/asks`, event: [{ listen: 'test', script: { exec: script.split('\n') } }] }, ...items] });
    const out = await run(['run', 'c.json', '-r', 'cli,json', '--reporter-json-export', 'r.json', ...args], { env: envOf(w.dir), cwd: w.dir });
    const report = JSON.parse(await readFile(join(w.dir, 'r.json'), 'utf8').catch(() => 'null'));
    // The report repeats them with each request that a script sent.
    const assertions = report?.run.executions.flatMap((e) => e.assertions ?? []).map((a) => a.assertion);
    return { ...out, shown: [...new Set(assertions)], report: JSON.stringify(report) };
  };
  return w;
}

const show = (expression) => `pm.test(await Promise.resolve().then(() => ${expression}).then(String, (e) => e.message), () => {});`;

test('pm.vault gives the secrets of --vault, and no report shows them', async (t) => {
  const w = await world(t);
  await w.put('vault.json', { key: 's3cret-value', pin: 12345678 });
  const r = await w.run(`const key = await pm.vault.get('key');
pm.expect(key.length).to.equal(12); console.log(key);
pm.test('set', async () => {}); await pm.vault.set('new', 'another-one'); pm.sendRequest({ url: '${w.url}/uses', header: { Authorization: 'Bearer ' + key } });
${show("pm.vault.get('none')")} ${show("pm.vault.get('new').then((v) => v.length)")} pm.test(key, () => {});`, { args: ['--vault', 'vault.json', '--verbose'] });
  assert.equal(r.code, 0, r.stdout);
  assert.deepEqual(r.shown, ['set', 'undefined', '11', '***']);
  assert.equal(w.seen.at(-1).authorization, 'Bearer s3cret-value');
  for (const text of ['s3cret-value', 'another-one']) assert(!(r.stdout + r.report).includes(text), text);
});

test('without --vault there are no secrets; a vault that others may read is refused', async (t) => {
  const w = await world(t);
  assert.match((await w.run(show("pm.vault.get('key')"))).shown[0], /the run was given no secrets: name their file by --vault/);
  await w.put('vault.json', { key: 'x' }, 0o644);
  const open = await w.run('', { args: ['--vault', 'vault.json'] });
  assert.deepEqual([open.code, /others may read these secrets \(mode 0644\)[\s\S]*chmod 600 vault.json/.test(open.stderr)], [3, true], open.stderr);
  await w.put('vault.json', '[1]');
  assert.match((await w.run('', { args: ['--vault', 'vault.json'] })).stderr, /a vault is an object of names and values/);
});

test('pm.require loads packages of --packages, once, and nothing remote', async (t) => {
  const w = await world(t);
  await w.put('p/@team/sum.js', "const { one } = require('./one'); module.exports = { sum: (a) => a + one, who: pm.info.requestName, _: require('lodash').VERSION };");
  await w.put('p/@team/one.js', 'exports.one = 1; exports.made = (exports.made || 0) + 1;');
  await w.put('p/deep/index.js', 'module.exports = 7;');
  await w.put('p/broken.js', "throw new Error('broken on load')");
  const r = await w.run(["pm.require('@team/sum').sum(2)", "pm.require('@team/sum').who", "pm.require('@team/sum') === pm.require('@team/sum')",
    "pm.require('@team/one').made", "pm.require('deep')", "pm.require('npm:left-pad@1')", "pm.require('none')", "pm.require('broken')", "pm.require('@team/sum')._"]
    .map(show).join('\n'), { args: ['--packages', 'p'] });
  const given = r.shown;
  assert.deepEqual(given.slice(0, 4), ['3', 'asks', 'true', '1'], r.stdout);
  assert.equal(given[4], '7');
  assert.match(given[5], /'npm:left-pad@1' is remote/);
  assert.match(given[6], /no package 'none' in the folder of --packages/);
  assert.deepEqual(given.slice(7), ['broken on load', '4.17.21']);
});

test('pm.execution.runRequest sends a request of the collection with what the script knows', async (t) => {
  const w = await world(t);
  const item = { name: 'referenced', id: 'ref-1', request: { method: 'POST', url: `${w.url}/{{a}}/{{b}}/{{c}}`,
    auth: { type: 'bearer', bearer: [{ key: 'token', value: '{{tok}}' }] }, body: { mode: 'raw', raw: '{{b}}' } } };
  const r = await w.run(`pm.environment.set('a', 'set'); pm.variables.set('b', 'local'); pm.environment.set('tok', 'abcdefgh');
const res = await pm.execution.runRequest('ref-1', { variables: { c: 'given' } });
pm.test('code', () => pm.expect(res.code).to.equal(200)); ${show("pm.execution.runRequest('nowhere')")}`, { items: [item] });
  assert.deepEqual(r.shown, ['code', "pm.execution.runRequest: the collection has no request 'nowhere'"], r.stdout);
  assert.deepEqual(w.seen[1], { method: 'POST', url: '/set/local/given', authorization: 'Bearer abcdefgh', body: 'local' });
  assert.equal(w.seen.length, 3);
});
