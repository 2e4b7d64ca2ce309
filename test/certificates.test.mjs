// SPDX-License-Identifier: Apache-2.0
// gatepost run and the list of client certificates: who is shown what, and what is wrong with a list.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { envOf, run, tempDir } from './lib.mjs';

async function runWith(t, list) {
  const home = await tempDir(t);
  await writeFile(join(home, 'list.json'), list);
  await writeFile(join(home, 'collection.json'), '{"info":{"name":"none"},"item":[]}');
  return run(['run', 'collection.json', '--ssl-client-cert-list', 'list.json'], { env: envOf(home), cwd: home });
}

for (const [list, says] of [
  ['{}', /list\.json:1:1: .*must be an array/],
  ['[\n {"matches": "https://a/*"}]', /list\.json:2:14: .*matches: must be an array/],
  ['[{"matches": [1]}]', /list\.json:1:15: .*must be a string/],
  ['[{"matches": [], "key": {"src": "k.pem"}}]', /list\.json:1:2: .*neither 'cert' nor 'pfx'/],
  ['[{"matches": [], "cert": "c.pem"}]', /list\.json:1:26: .*cert: must be an object/],
  ['[', /list\.json:1:2: /],
]) {
  test(`a wrong list of client certificates names its place: ${list}`, async (t) => {
    const { code, stderr } = await runWith(t, list);
    assert.match(stderr, says);
    assert.equal(code, 3);
  });
}

test('a list is read as newman reads it', async (t) => {
  const { code, stderr } = await runWith(t, JSON.stringify([
    { name: 'one', matches: ['https://*.example.com/*'], key: { src: 'k.pem' }, cert: { src: 'c.pem' }, passphrase: 'p' },
    { name: 'two', matches: ['<all_urls>'], pfx: { src: 'c.p12' } },
  ]));
  assert.equal(stderr, '');
  assert.equal(code, 0);
});
