// SPDX-License-Identifier: Apache-2.0
// search.mjs FOLDER [FILE…]: whether a minted token is in what the suite printed and wrote. FOLDER is
// what lib.mjs filled, with the known tokens in its file `tokens` and those that tests handed in
// themselves in `handed`; FILE is searched too. Each finding is a line without the token; the exit
// status is 1 when there are any.
import { readFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { filesBelow, Tokens } from './leaks.mjs';

const [folder, ...more] = process.argv.slice(2);
const lists = ['tokens', 'handed'].map((name) => join(folder, name));
const tokens = new Tokens();
const read = (path) => readFile(path, 'latin1').catch(() => '');
const [known, handed] = (await Promise.all(lists.map(read))).map((text) => text.split('\n').filter(Boolean));
for (const token of known) tokens.add(token);

// Where a service of the tests writes down what reached it, the token must be.
const isPlace = (path) => lists.includes(path) || basename(path) === 'seen.jsonl';

let searched = 0;
let found = 0;
function search(path, text) {
  searched++;
  const token = tokens.in(text) && tokens.in(handed.reduce((rest, own) => rest.replaceAll(own, ''), text));
  if (!token) return;
  found++;
  const at = text.slice(0, Math.max(0, text.indexOf(token))).split('\n').length;
  console.log(`${relative(folder, path)}:${at}: holds a token, ${token.slice(0, 12)}…`);
}
for await (const [path, text] of filesBelow(folder)) if (!isPlace(path)) search(path, text);
for (const path of more) search(path, await read(path));
console.log(`${searched} outputs and files searched for ${tokens.minted} tokens and whatever looks like one: ${found} hold one`);
process.exitCode = found ? 1 : 0;
