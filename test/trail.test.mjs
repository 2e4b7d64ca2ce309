// SPDX-License-Identifier: Apache-2.0
// Promise 3: no response byte leaves before the decision about its request is written, and what is
// written survives the death of the process.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cp, readFile, readdir, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { envOf, root, run, startUp, tempDir } from './lib.mjs';

async function bringUp(t) {
  const dir = await tempDir(t);
  const env = envOf(dir);
  await cp(join(root, 'examples/orders'), join(dir, 'orders'), { recursive: true });
  const up = await startUp(t, [join(dir, 'orders')], { env });
  const token = async (identity) => (await run(['token', '--local', '--identity', `${identity}@gatepost-demo.iam.gserviceaccount.com`,
    '--audience', 'https://orders-k2v7xw4mqa-uc.a.run.app'], { env })).stdout.trim();
  const { url } = up.addresses.services[0];
  return { ...up, env, url, token, trail: join(dir, 'state/gatepost/audit') };
}

async function linesOf(folder) {
  const names = (await readdir(folder)).filter((name) => !name.startsWith('.')).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return texts.join('').split('\n');
}

/** Resolves at the first byte of the answer, with its status and trace. */
async function firstByte(url, token) {
  const req = request(url, { headers: token ? { authorization: `Bearer ${token}` } : {} });
  req.end();
  const [res] = await once(req, 'response');
  res.resume();
  return { status: res.statusCode, trace: (res.headers['x-cloud-trace-context'] ?? '').split(/[/;]/)[0] };
}

const entriesOf = (lines, trace) => lines.filter((l) => l.includes(trace) && l.includes('cloud.audit.AuditLog'));

test('when the first byte is here, the decision is in the trail', async (t) => {
  const up = await bringUp(t);
  const tester = await up.token('tester');
  const stranger = await up.token('stranger');
  for (let i = 0; i < 10; i++) {
    for (const [token, status] of [[null, 403], [stranger, 403], ['ya29.nothing', 401], [tester, 200]]) {
      const answer = await firstByte(`${up.url}/orders`, token);
      if (token !== tester || i < 2) assert.equal(answer.status, status); // tokens live five seconds
      assert.match(answer.trace, /^[0-9a-f]{32}$/);
      assert.equal(entriesOf(await linesOf(up.trail), answer.trace).length, 1, `${answer.status} ${answer.trace}`);
    }
  }
});

test('kill -9 loses no decision whose answer was seen, and the chain holds', async (t) => {
  const up = await bringUp(t);
  const tester = await up.token('tester');
  const seen = [];
  const callers = Array.from({ length: 8 }, async (_, i) => {
    for (;;) {
      try {
        seen.push((await firstByte(`${up.url}/orders`, i % 2 ? tester : null)).trace);
      } catch {
        return;
      }
      if (seen.length === 200) process.kill(up.pid, 'SIGKILL');
    }
  });
  await Promise.all(callers);
  const lines = await linesOf(up.trail);
  assert.ok(seen.length >= 200);
  for (const trace of seen) assert.equal(entriesOf(lines, trace).length, 1, trace);
  const verified = await run(['audit', 'verify', '--dir', up.trail], { env: up.env });
  assert.equal(verified.code, 0, verified.stdout + verified.stderr);
});

test('a changed, removed or inserted entry shows', async (t) => {
  const up = await bringUp(t);
  for (let i = 0; i < 5; i++) await firstByte(`${up.url}/orders`);
  await up.stop();
  const [name] = (await readdir(up.trail)).filter((n) => !n.startsWith('.')).sort();
  const file = join(up.trail, name);
  const text = await readFile(file, 'utf8');
  const lines = text.trimEnd().split('\n');
  const verify = () => run(['audit', 'verify', '--dir', up.trail], { env: up.env });
  assert.equal((await verify()).code, 0);
  for (const [what, damaged] of [
    ['changed', lines.map((l, i) => (i === 2 ? l.replace('403', '200').replace('"granted":false', '"granted":true') : l))],
    ['removed', lines.filter((_, i) => i !== 2)],
    ['inserted', [...lines.slice(0, 2), lines[1], ...lines.slice(2)]],
  ]) {
    assert.notDeepEqual(damaged, lines, what);
    await writeFile(file, `${damaged.join('\n')}\n`);
    const { code, stderr } = await verify();
    assert.equal(code, 1, what);
    assert.match(stderr, /\[GP-AUDIT-03\]/, what);
  }
});
