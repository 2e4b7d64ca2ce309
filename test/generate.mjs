// SPDX-License-Identifier: Apache-2.0
// generate.mjs [N [SEED]]: runs N generated collections, one for each seed from SEED on, by newman and
// by Gatepost, prints where they differ, and in the end a table of the classes of differences
// (parity-classes.mjs, doc/parity.md). Ends with 1 when a difference is in none.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { collection } from './collections.mjs';
import { compare, listen } from './parity.mjs';

const [count = 100, first = 1] = process.argv.slice(2).map(Number);
const { base, close } = await listen();
const dir = await mkdtemp(join(tmpdir(), 'gatepost-generate-'));
const table = new Map();
let different = 0, unexplained = 0, done = 0, next = first;

// Both from where they part.
function told({ newman, gatepost }) {
  const [a, b] = [newman, gatepost].map((v) => JSON.stringify(v) ?? 'nothing');
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return `  newman   ${a.slice(Math.max(0, at - 60), at + 160)}\n  gatepost ${b.slice(Math.max(0, at - 60), at + 160)}`;
}

function tell(seed, differences) {
  const open = differences.filter((d) => !d.known);
  different += differences.length > 0;
  unexplained += open.length > 0;
  for (const name of new Set(differences.map((d) => d.known ?? 'unexplained'))) table.set(name, (table.get(name) ?? 0) + 1);
  for (const d of open.slice(0, 4)) console.log(`seed ${seed} ${d.path}\n${told(d)}`);
}

async function work(own) {
  while (next < first + count) {
    const seed = next++;
    tell(seed, await compare(collection(seed, base), join(dir, own)));
    if (++done % 500 === 0) console.error(`${done} of ${count}: ${different} differ, ${unexplained} unexplained`);
  }
}

await Promise.all(['0', '1', '2'].map(work));
await rm(dir, { recursive: true, force: true });
close();
for (const [name, n] of [...table].sort(([, a], [, b]) => b - a)) console.log(`${String(n).padStart(6)}  ${name}`);
console.log(`${count} collections from seed ${first}: ${count - different} as newman, ${different - unexplained} explained, ${unexplained} unexplained`);
process.exitCode = unexplained ? 1 : 0;
