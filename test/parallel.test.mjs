// SPDX-License-Identifier: Apache-2.0
// --parallel: iterations side by side, and reports as if one had followed the other.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { envOf, run, serve, start, tempDir } from './lib.mjs';
import { ECHO, stageUp } from './stage.mjs';

const script = (listen, ...exec) => ({ listen, script: { exec } });
const expects = (what) => script('test', `pm.test('${what}', () => pm.expect(pm.response.code).to.equal(200))`);

/** A server that answers after up to 30 ms, and `gatepost run` with a collection of requests to it. */
async function fixture(t, items, { rows, handler } = {}) {
  const dir = await tempDir(t);
  const state = { under: 0, most: 0, seen: [] };
  const url = await serve(t, async (req, res) => {
    state.seen.push(req);
    state.most = Math.max(state.most, ++state.under);
    if (handler) await handler(req, res);
    else await new Promise((go) => setTimeout(go, Math.random() * 30));
    state.under--;
    if (!res.writableEnded) res.end(JSON.stringify({ path: req.url, cookie: req.headers.cookie ?? null }));
  });
  await writeFile(join(dir, 'c.json'), JSON.stringify({ info: { name: 'C' }, item: items(url) }));
  if (rows) await writeFile(join(dir, 'rows.json'), JSON.stringify(rows));
  const env = envOf(dir);
  const args = (more) => ['run', 'c.json', ...(rows ? ['-d', 'rows.json'] : []), ...more];
  return { dir, url, env, state, args, read: (name) => readFile(join(dir, name), 'utf8'),
    gatepost: (...more) => run(args(more), { env, cwd: dir }) };
}

// What differs between two runs of any kind: times, sizes of times, and what is drawn by lot.
const essence = (text) => text
  .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UUID')
  .replace(/<svg[\s\S]*?<\/svg>/g, 'SVG')
  .replace(/(connect|wait|download) [\d.]+(ms|µs|s)( · )?/g, '')
  .replace(/(\d+m )?\d+(\.\d+)?(ms|µs|s)\b/g, 'TIME')
  .replace(/"(response(Time|Average|Min|Max|Sd)|dns\w+|firstByte\w+|started|completed)":[\d.e-]+/g, '"$1":0')
  .replace(/(time|timestamp)="[^"]*"/g, '$1=""')
  .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z?/g, 'DATE')
  .replace(/\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?( UTC)?/g, 'DATE')
  .replace(/(Date<\/th><td[^>]*>|"key":"Date","value":")[^<"]*/g, '$1DATE')
  .replace(/[─│┌┐└┘├┤┬┴┼ ]+/g, ' ');

const reports = { json: 'r.json', junit: 'r.xml', html: 'r.html', markdown: 'r.md' };
const all = ['-r', `cli,${Object.keys(reports)}`, ...Object.entries(reports).flatMap(([name, file]) => [`--reporter-${name}-export`, file])];

test('200 iterations in any order of answers are reported as one after the other', async (t) => {
  const f = await fixture(t, (url) => [
    { name: 'first', request: { method: 'POST', url: `${url}/{{name}}`, body: { mode: 'raw', raw: '{{name}}' } },
      event: [script('prerequest', "console.log('row', pm.iterationData.get('name'))"), expects('answers'),
        script('test', "pm.test('is no seventh', () => pm.expect(pm.info.iteration % 7).to.not.equal(6));",
          "if (pm.info.iteration % 3) pm.execution.setNextRequest('third')")] },
    { name: 'second', request: `${url}/second`, event: [script('test', "if (pm.info.iteration % 50 === 0) throw new Error('no')")] },
    { name: 'third', request: `${url}/third`, event: [script('prerequest', "if (pm.info.iteration % 5) pm.execution.skipRequest()"), expects('third')] },
  ], { rows: Array.from({ length: 190 }, (_, i) => ({ name: `n${i}` })) });
  const seen = [];
  for (const parallel of [1, 8]) {
    f.state.most = 0;
    const { code, stdout } = await f.gatepost('-n', '200', '--parallel', `${parallel}`, ...all);
    assert.equal(code, 1);
    assert.ok(parallel === 1 ? f.state.most === 1 : f.state.most > 4, `${f.state.most} requests at a time`);
    const files = await Promise.all(Object.values(reports).map(f.read));
    seen.push([stdout, ...files].map(essence));
  }
  for (const [i, name] of ['cli', ...Object.keys(reports)].entries()) assert.equal(seen[1][i], seen[0][i], name);
  assert.match(seen[1][0], /Iteration 200\/200/);
});

test('--bail ends with the first iteration that fails in order, whichever fails first', async (t) => {
  let sixth;
  const failedLater = new Promise((go) => { sixth = go; });
  const f = await fixture(t, (url) => [{ name: 'one', request: `${url}/{{i}}`, event: [script('prerequest', "pm.variables.set('i', pm.info.iteration)"), expects('is well')] }], {
    handler: async (req, res) => {
      const i = Number(req.url.slice(1));
      if (i === 3) await failedLater;
      if (i === 6) res.on('close', sixth);
      res.statusCode = i === 3 || i === 6 ? 500 : 200;
    },
  });
  const { code, stdout } = await f.gatepost('-n', '100', '--parallel', '8', '--bail', '-r', 'cli,json', '--reporter-json-export', 'r.json');
  assert.equal(code, 1);
  assert.match(stdout, /Iteration 4\/100/);
  assert.doesNotMatch(stdout, /Iteration 5\/100/);
  const { run: told } = JSON.parse(await f.read('r.json'));
  assert.deepEqual(told.executions.map((e) => e.cursor.iteration), [0, 1, 2, 3]);
  assert.deepEqual(told.failures.map((e) => [e.cursor.iteration, e.error.name]), [[3, 'AssertionError'], [3, 'AssertionFailure']]);
});

test('cookies, variables and globals of scripts are of one iteration; the last one is exported', async (t) => {
  const f = await fixture(t, (url) => [
    { name: 'sign in', request: `${url}/in/{{$guid}}` },
    { name: 'look', request: `${url}/look`, event: [script('test', 'seen = (typeof seen === "undefined" ? 0 : seen) + 1;',
      'pm.environment.set("count", (pm.environment.get("count") || 0) + 1); pm.environment.set("who", pm.info.iteration);',
      'pm.test("alone", () => pm.expect([seen, pm.environment.get("count"), pm.cookies.count()]).to.eql([1, 1, 1]))')] },
  ], { handler: (req, res) => { if (req.url.startsWith('/in/')) res.setHeader('set-cookie', `c${f.state.seen.length}=1; Path=/`); } });
  const { code, stdout } = await f.gatepost('-n', '40', '--parallel', '4', '--export-environment', 'e.json');
  assert.equal(code, 0, stdout);
  const { values } = JSON.parse(await f.read('e.json'));
  assert.deepEqual(values.map(({ key, value }) => [key, value]), [['count', 1], ['who', 39]]);
  assert.ok(f.state.seen.filter((req) => req.url === '/look').every((req) => req.headers.cookie.split(';').length === 1));
  assert.ok(f.state.seen.filter((req) => req.url !== '/look').every((req) => !req.headers.cookie));
});

test('T45: a script that hangs holds up its own iteration only, and Ctrl-C leaves a whole report', async (t) => {
  const f = await fixture(t, (url) => [{ name: 'one', request: `${url}/{{i}}`, event: [script('prerequest',
    "pm.variables.set('i', pm.info.iteration); if (pm.info.iteration === 2) for (;;);"), expects('is well')] }], { handler: () => {} });
  const timed = await f.gatepost('-n', '12', '--parallel', '4', '--timeout-script', '300', '-r', 'json', '--reporter-json-export', 'r.json');
  assert.equal(timed.code, 1);
  const { run: told } = JSON.parse(await f.read('r.json'));
  assert.equal(told.stats.iterations.total, 12);
  assert.deepEqual(told.failures.map((e) => e.cursor.iteration), [2]);

  const child = await start(t, f.args(['-n', '4', '--parallel', '4', '-r', 'cli,json', '--reporter-json-export', 'r2.json']), { env: f.env, cwd: f.dir, ready: /Iteration 2[^]*is well/ });
  process.kill(child.pid, 'SIGINT');
  process.kill(child.pid, 'SIGTERM');
  const { code } = await child.closed;
  assert.equal(code, 1);
  const stopped = JSON.parse(await f.read('r2.json')).run;
  assert.match(stopped.error.message, /interrupted/);
  // What iteration 3 had done by then is told, too.
  assert.deepEqual(stopped.executions.map((e) => e.cursor.iteration).filter((i) => i !== 3), [0, 1]);
});

test('shards, picks and retries go together with it', async (t) => {
  const failed = new Set();
  const f = await fixture(t, (url) => [{ name: 'one', request: `${url}/{{i}}`, event: [script('prerequest', "pm.variables.set('i', pm.info.iteration)"), expects('is well')] }], {
    handler: (req, res) => {
      if (req.url === '/4') res.statusCode = 500;
      if (req.url === '/6' && !failed.has(req.url)) res.statusCode = 503;
      failed.add(req.url);
    },
  });
  const json = ['-r', 'json', '--reporter-json-export', 'r.json', '--parallel', '3'];
  const iterations = async () => JSON.parse(await f.read('r.json')).run.executions.map((e) => e.cursor.iteration);
  assert.equal((await f.gatepost('-n', '9', '--shard', '1/2', '--retry', '1', '--retry-on', '503', ...json)).code, 1);
  assert.deepEqual(await iterations(), [0, 2, 4, 6, 8]);
  assert.equal((await f.gatepost('-n', '9', '--only-failed', 'r.json', ...json)).code, 1);
  assert.deepEqual(await iterations(), [4]);
});

test('a token that lives 3 s is fetched once for all, and anew when it has ended', async (t) => {
  const gp = await stageUp(t, { project: { token_lifetime: '3s' } });
  await writeFile(join(gp.dir, 'c.json'), JSON.stringify({ info: { name: 'C' }, item: [
    { name: 'one', request: `${ECHO}/one`, event: [script('test', 'setTimeout(() => {}, 60)', "pm.test('in', () => pm.response.to.have.status(200))")] }] }));
  const { code, stdout } = await gp.gatepost(['run', '--local', 'c.json', '-n', '600', '--parallel', '6', '-r', 'json', '--reporter-json-export', 'r.json']);
  assert.equal(code, 0, stdout);
  const { run: told } = JSON.parse(await readFile(join(gp.dir, 'r.json'), 'utf8'));
  assert.equal(told.executions.length, 600);
  const tokens = new Set((await gp.seen()).flatMap(({ headers }) => headers).filter(([key]) => key.includes('authorization')).map(([, value]) => value));
  assert.ok(tokens.size >= 2 && tokens.size < 100, `${tokens.size} tokens`);
});
