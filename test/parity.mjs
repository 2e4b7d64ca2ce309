// SPDX-License-Identifier: Apache-2.0
// One generated collection run by newman, in this process, and by Gatepost: where they differ.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { server } from './collections.mjs';
import { essence, values } from './essence.mjs';
import { envOf, run } from './lib.mjs';
import { classOf } from './parity-classes.mjs';

const newman = createRequire(import.meta.url)('newman');

/** The server of the generated collections on a free port: { base, close }. */
export async function listen() {
  const echo = server().listen(0, '127.0.0.1');
  await once(echo, 'listening');
  return { base: `http://127.0.0.1:${echo.address().port}`, close: () => { echo.close(); echo.closeAllConnections(); } };
}

const plain = (x) => JSON.parse(JSON.stringify(x));

function byNewman({ document, environment, globals, data }) {
  return new Promise((resolve) => {
    newman.run({ collection: document, environment, globals, iterationData: data, reporters: [], timeoutScript: 10_000 }, (e, summary) => {
      if (e) return resolve({ died: e.message });
      const seen = plain(summary);
      resolve({ ...essence(seen), environment: values(seen.environment.values), globals: values(seen.globals.values) });
    });
  });
}

async function byGatepost(given, dir) {
  await mkdir(dir, { recursive: true });
  for (const [name, content] of Object.entries(given)) if (content) await writeFile(join(dir, `${name}.json`), JSON.stringify(content));
  const { code, stderr } = await run(['run', 'document.json', '-e', 'environment.json', '-g', 'globals.json', ...(given.data ? ['-d', 'data.json'] : []), '--show-secrets', '--timeout-script', '10000',
    '-r', 'json', '--reporter-json-export', 'r.json', '--export-environment', 'e.json', '--export-globals', 'g.json'], { env: envOf(dir), cwd: dir });
  if (code > 1 || code === null) return { died: stderr };
  const read = async (name) => JSON.parse(await readFile(join(dir, name), 'utf8'));
  return { ...essence(await read('r.json')), environment: values((await read('e.json')).values), globals: values((await read('g.json')).values) };
}

// What engines word differently, and what is new in each run.
const mask = (message) => (typeof message === 'string' ? message : JSON.stringify(message))?.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi, '…');
function plainly(seen) {
  for (const execution of seen.executions ?? []) {
    execution.assertions = execution.assertions.map(([name, skipped, message, kind]) => [mask(name), skipped, /^(?:Type|Syntax|Reference|Range)Error$/.test(kind) ? kind : mask(message), kind]);
  }
  return seen;
}

function* leaves(a, b, path = '') {
  if (a && b && typeof a === 'object' && typeof b === 'object') {
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) yield* leaves(a[key], b[key], `${path}/${key}`);
  } else if (!Object.is(a, b)) {
    yield { path, newman: a, gatepost: b };
  }
}

async function differences(given, dir) {
  const [theirs, ours] = await Promise.all([byNewman(structuredClone(given)), byGatepost(given, dir)]);
  const about = { scripts: JSON.stringify(given.document) };
  return [...leaves(plainly(theirs), plainly(ours))].map((d) => ({ ...d, known: classOf(d, about) }));
}

/**
 * [{ path, newman, gatepost, known }]: known is the class of a difference that is explained. What isn't
 * there a second time (a connection that newman took for alive) is none.
 */
export async function compare(given, dir) {
  const seen = await differences(given, dir);
  if (seen.every((d) => d.known)) return seen;
  const again = new Set((await differences(given, dir)).map((d) => d.path));
  return seen.filter((d) => again.has(d.path));
}
