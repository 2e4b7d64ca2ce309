// SPDX-License-Identifier: Apache-2.0
// Collections that others wrote, kept beside the project (../shared/corpus/postman, read in place):
// each ends with the requests, status codes, assertions and script errors that newman had. Its
// compare.js prepares a collection and reduces a report to one hash; newman's are in baseline.json.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { bin, envOf, root, run, tempDir } from './lib.mjs';

const corpus = join(root, '../shared/corpus/postman');

// What keeps a collection out, by the end of its name.
const left = {
  'v1.0.0/malformed.json': 'a folder whose id is another\'s',
  // names its tests by addresses, times or numbers of the run: newman's own hash isn't the same twice
  'data-file-var-replacement.postman_collection.json': 'port', 'disabled-and-duplicates.postman_collection.json': 'port',
  'newman-gzip-test.postman_collection.json': 'port', 'steph.postman_collection.json': 'port', 'binary-upload.json': 'port',
  'oauth1-var-in-url-params.postman_collection.json': 'port', 'urlencoded-post-data.json': 'port', 'mod-configuration.postman_collection.json': 'port',
  'DIGIT-OSS/Collections.postman_collection.json': 'port', 'DevOps-RESTful-App/postman_collection.json': 'random',
};
const isLeft = (file) => Object.keys(left).some((end) => file.endsWith(end));

const compared = ['outcome', 'requests', 'executions', 'assertions', 'assertionsFailed', 'skipped', 'scriptErrors', 'failures', 'code'];
const pick = (o) => Object.fromEntries(compared.map((k) => [k, o[k]]));

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((go) => server.once('listening', go));
  const { port } = server.address();
  await new Promise((go) => server.close(go));
  return port;
}

// gatepost stands where compare.js expects newman, so that it is the one that is hashed.
async function outcomes(t, set) {
  const dir = await tempDir(t);
  const { code, stderr, stdout } = await run([join(corpus, 'compare.js'), '--all', '--set', set, '--newman', bin, '--gatepost', '',
    '--runs', '1', '--port', String(await freePort()), '--json', join(dir, 'out.json')],
  { env: envOf(dir), cwd: dir, program: process.execPath });
  assert.equal(code, 0, stdout + stderr);
  return JSON.parse(await readFile(join(dir, 'out.json'), 'utf8'));
}

// At least so many of a set are compared.
const least = { newman: 97, realworld: 39 };

for (const set of Object.keys(least)) {
  test(`the corpus: ${set}`, async (t) => {
    if (!existsSync(corpus)) {
      t.skip(`nothing to compare: ${corpus} isn't there`);
      return;
    }
    const { collections } = JSON.parse(await readFile(join(corpus, 'baseline.json'), 'utf8'));
    let same = 0;
    for (const { file, newman: ours } of await outcomes(t, set)) {
      // How long an answer takes differs from machine to machine.
      if (isLeft(file) || /responseTime/.test(await readFile(join(corpus, file), 'utf8'))) continue;
      assert.deepEqual(ours.ok ? pick(ours) : ours, pick(collections[file]), file);
      same++;
    }
    assert.ok(same >= least[set], `only ${same} were compared`);
    t.diagnostic(`${same} collections end as with newman`);
  });
}
