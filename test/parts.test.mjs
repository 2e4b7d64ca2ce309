// SPDX-License-Identifier: Apache-2.0
// What newman's users asked for: several collections, shards and their reports put together, only what
// failed, retries, data as text, watching.
import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { bin, envOf, run, serve, start, tempDir } from './lib.mjs';
import { ECHO, stageUp, TESTER } from './stage.mjs';

const tests = (...exec) => ({ listen: 'test', script: { exec } });

async function stage(t, answer = (req, res) => res.end('{}')) {
  const dir = await tempDir(t);
  const seen = [];
  const url = await serve(t, (req, res) => { seen.push(req.url); answer(req, res, seen); });
  const env = envOf(dir);
  const write = (name, value) => writeFile(join(dir, name), typeof value === 'string' ? value : JSON.stringify(value));
  return { dir, url, env, seen, write, json: async (name) => JSON.parse(await readFile(join(dir, name), 'utf8')),
    text: (name) => readFile(join(dir, name), 'utf8'),
    gatepost: (args, more) => run(args, { env: { ...env, ...more }, cwd: dir }) };
}

test('--data-types text leaves cells as they are', async (t) => {
  const f = await stage(t);
  await f.write('d.csv', 'zip,n\n007,1e3\n');
  await f.write('c.json', { info: { name: 'c' }, item: [{ name: 'r', request: `${f.url}/{{zip}}/{{n}}`,
    event: [tests("console.log(typeof pm.iterationData.get('zip'))")] }] });
  assert.match((await f.gatepost(['run', 'c.json', '-d', 'd.csv'])).stdout, /'number'/);
  assert.match((await f.gatepost(['run', 'c.json', '-d', 'd.csv', '--data-types', 'text'])).stdout, /'string'/);
  assert.deepEqual(f.seen, ['/7/1000', '/007/1e3']);
});

// ---- several collections

test('several collections are one run: each goes on with what the one before left, one report tells of all', async (t) => {
  const f = await stage(t, (req, res) => { res.setHeader('set-cookie', 'session=1'); res.end(req.headers.cookie ?? ''); });
  const collection = (name, item) => ({ info: { name }, variable: [{ key: 'own', value: name }], item });
  await f.write('login.json', collection('login', [{ name: 'login', request: `${f.url}/login`,
    event: [tests("pm.environment.set('user', 'jane'); pm.globals.set('n', 1); pm.variables.set('local', 1)")] }]));
  await f.write('orders.json', collection('orders', [{ name: 'orders', request: `${f.url}/orders/{{user}}/{{n}}/{{own}}/{{local}}`,
    event: [tests("pm.test('has the cookie', () => pm.expect(pm.response.text()).to.eql('session=1'))", "pm.test('fails', () => { throw new Error('no') })")] }]));
  await f.write('after.json', collection('after', [{ name: 'after', request: `${f.url}/after` }]));
  const reports = ['json', 'junit', 'html', 'markdown'].flatMap((r) => [`--reporter-${r}-export`, `r.${r}`]);
  const { code, stdout } = await f.gatepost(['run', 'login.json', 'orders.json', 'after.json', '--env-var', 'user=nobody', '-r', 'cli,json,junit,html,markdown',
    ...reports, '--export-environment', 'e.json']);
  assert.equal(code, 1);
  assert.deepEqual(f.seen, ['/login', '/orders/jane/1/orders/%7B%7Blocal%7D%7D', '/after']);
  assert.match(stdout, /→ login[\s\S]*→ orders[\s\S]*→ after/);
  const report = await f.json('r.json');
  assert.equal(report.collection.info.name, 'login + orders + after');
  assert.deepEqual(report.collection.item.map((i) => [i.name, i.item[0].name]), [['login', 'login'], ['orders', 'orders'], ['after', 'after']]);
  assert.deepEqual(report.run.executions.map((e) => e.item.name), ['login', 'orders', 'after']);
  assert.deepEqual([report.run.stats.requests.total, report.run.stats.assertions.failed, report.run.failures.length], [3, 1, 1]);
  assert.match(await f.text('r.junit'), /name="orders" [^>]*package="orders" [^>]*failures="1"/);
  assert.match(await f.text('r.html'), /<h1>login \+ orders \+ after<\/h1>/);
  assert.match(await f.text('r.markdown'), /^## ❌ login \\\+ orders \\\+ after: 1 failed/);
  assert.equal((await f.json('e.json')).values.find((v) => v.key === 'user').value, 'jane');
  f.seen.length = 0;
  await f.gatepost(['run', 'login.json', 'orders.json', 'after.json', '--bail', '--silent']);
  assert.equal(f.seen.length, 2);
  assert.equal((await f.gatepost(['run', 'login.json', 'no.json'])).code, 3);
  assert.equal(f.seen.length, 2); // nothing was sent
});

// ---- shards

const rows = 'row\n' + [...'abcdefg'].join('\n');

const sharded = (url) => ({ info: { name: 'sharded', _postman_id: 'x' }, item: [
  { name: 'A', item: [{ name: 'one', request: `${url}/one/{{row}}`, event: [tests(
    "pm.test('is not c', () => pm.expect(pm.iterationData.get('row')).to.not.eql('c'));",
    `pm.sendRequest('${url}/asked', () => {})`)] }, { name: 'two', request: `${url}/two/{{row}}` }] },
  { name: 'B', request: `${url}/b/{{row}}` }, { name: 'C', request: 'http://127.0.0.1:1/' },
] });

const essence = ({ run: r }) => ({
  stats: r.stats, failures: r.failures.map((x) => [x.error.message, x.at, x.source.name, x.cursor.iteration]),
  executions: r.executions.map((e) => [e.cursor.iteration, e.cursor.position, e.item.name, e.response?.code, e.response?.stream.data, e.assertions, e.requestError]),
});

test('shards do the iterations between them, and report merge makes of their reports the report of the whole', async (t) => {
  const f = await stage(t);
  await f.write('d.csv', rows);
  await f.write('c.json', sharded(f.url));
  const args = ['run', 'c.json', '-d', 'd.csv', '-r', 'json', '--reporter-json-export'];
  await f.gatepost([...args, 'whole.json']);
  const whole = f.seen.splice(0);
  await f.gatepost([...args, '1.json', '--shard', '1/3']);
  assert.deepEqual(f.seen.filter((u) => u.startsWith('/one')), ['/one/a', '/one/d', '/one/g']);
  await f.gatepost([...args, '2.json'], { CLOUD_RUN_TASK_INDEX: '1', CLOUD_RUN_TASK_COUNT: '3' });
  await f.gatepost([...args, '3.json'], { CLOUD_RUN_TASK_INDEX: '2', CLOUD_RUN_TASK_COUNT: '3' });
  assert.deepEqual([...f.seen].sort(), [...whole].sort());
  const merged = await f.gatepost(['report', 'merge', '3.json', '1.json', '2.json', '-r', 'cli,json,junit,html', '--reporter-json-export', 'merged.json',
    '--reporter-junit-export', 'm.xml', '--reporter-html-export', 'm.html']);
  assert.equal(merged.code, 1, merged.stderr);
  const [a, b] = [essence(await f.json('merged.json')), essence(await f.json('whole.json'))];
  const order = (list) => list.sort((x, y) => JSON.stringify(x) < JSON.stringify(y) ? -1 : 1);
  assert.deepEqual(order(a.failures), order(b.failures));
  assert.deepEqual([a.stats, a.executions], [b.stats, b.executions]);
  assert.equal((await f.text('m.xml')).match(/<testsuite /g).length, 28);
  assert.match(await f.text('m.html'), /<h1>sharded<\/h1>/);
  assert.match(merged.stdout, /Iteration 7\/7/);
});

test('of a single iteration shards do folders', async (t) => {
  const f = await stage(t);
  await f.write('c.json', sharded(f.url));
  for (const [shard, wanted] of [['1/2', ['/one', '/asked', '/two']], ['2/2', ['/b']]]) {
    f.seen.length = 0;
    await f.gatepost(['run', 'c.json', '--silent', '--shard', shard]);
    assert.deepEqual(f.seen.map((u) => u.replace(/\/%7B.*/, '')), wanted, shard);
  }
  for (const bad of ['0/2', '3/2', '1', 'x/y', '1/2/3']) {
    const { code, stderr } = await f.gatepost(['run', 'c.json', '--shard', bad]);
    assert.equal(code, 2, bad);
    assert.match(stderr, /is no part of a whole \[GP-OPT-02\]\n {2}hint: the second of three parts is --shard 2\/3/);
  }
});

test('report merge reads newman\'s reports, and says so of what is none', async (t) => {
  const f = await stage(t);
  await f.write('c.json', sharded(f.url));
  const { root } = await import('./lib.mjs');
  await run([join(root, 'test/node_modules/newman/bin/newman.js'), 'run', 'c.json', '-r', 'json', '--reporter-json-export', 'n.json'],
    { program: process.execPath, env: f.env, cwd: f.dir });
  const merged = await f.gatepost(['report', 'merge', 'n.json', '-r', 'cli,json', '--reporter-json-export', 'm.json']);
  assert.equal(merged.code, 1);
  assert.match(merged.stdout, /↳ two\n {2}GET http:\/\/127\.0\.0\.1:\d+\/two\/%7B%7Brow%7D%7D \[200 OK, [\s\S]*\[errored\]\n {5}ECONNREFUSED/);
  const [n, m] = [await f.json('n.json'), await f.json('m.json')];
  assert.deepEqual(m.run.stats, n.run.stats);
  assert.deepEqual(m.run.executions.map((e) => [e.item.name, e.response?.code, e.response?.stream.data]),
    n.run.executions.map((e) => [e.item.name, e.response?.code, e.response && Buffer.from(e.response.stream.data).toString()]));
  await f.write('x.json', { run: 1 });
  const none = await f.gatepost(['report', 'merge', 'x.json']);
  assert.deepEqual([none.code, /x\.json: this is no JSON report of a run \[GP-RUN-04\]/.test(none.stderr)], [3, true], none.stderr);
});

test('--only-failed runs what failed, in its iterations', async (t) => {
  let broken = true;
  const f = await stage(t, (req, res) => res.writeHead(broken && /^\/(two\/b|b\/[ef])/.test(req.url) ? 500 : 200).end());
  await f.write('d.csv', rows);
  const collection = sharded(f.url);
  collection.event = [tests("pm.test('is fine', () => pm.expect(pm.response.code).to.be.below(500))")];
  collection.item.pop();
  collection.item[0].item[0].event = [];
  await f.write('c.json', collection);
  const args = ['run', 'c.json', '-d', 'd.csv', '--silent', '-r', 'json', '--reporter-json-export'];
  assert.equal((await f.gatepost([...args, 'r.json'])).code, 1);
  f.seen.length = 0;
  broken = false;
  assert.equal((await f.gatepost([...args, 'again.json', '--only-failed', 'r.json'])).code, 0);
  assert.deepEqual(f.seen, ['/two/b', '/b/e', '/b/f']);
  assert.equal((await f.gatepost([...args, 'r2.json', '--only-failed', 'again.json'])).code, 0);
  assert.equal(f.seen.length, 3); // nothing had failed
  await f.write('other.json', { info: { name: 'other' }, item: [{ name: 'else', request: f.url }] });
  const other = await f.gatepost(['run', 'other.json', '--only-failed', 'r.json']);
  assert.equal(other.code, 3);
  assert.match(other.stderr, /^gatepost: r\.json:1:\d+: the collection has no request 'two' \[GP-RUN-04\]/);
});

// ---- retries

test('--retry sends again what --retry-on names, and tells of the last attempt alone', async (t) => {
  const counts = {};
  const f = await stage(t, (req, res) => {
    const n = counts[req.url] = (counts[req.url] ?? 0) + 1;
    const [, path, status, times] = req.url.split('/');
    if (path === 'fail' && n <= Number(times)) res.writeHead(Number(status), { 'retry-after': '0' }).end('again');
    else res.end('{}');
  });
  const request = (path, more) => ({ name: path, request: { method: 'POST', url: `${f.url}/${path}`, body: { mode: 'raw', raw: 'x' } }, ...more });
  await f.write('c.json', { info: { name: 'c' }, item: [request('fail/503/2'), request('fail/429/1'), request('fail/404/1'), request('fail/500/9')] });
  const report = async (...args) => {
    for (const key of Object.keys(counts)) delete counts[key];
    const { stdout } = await f.gatepost(['run', 'c.json', '-r', 'cli,json', '--reporter-json-export', 'r.json', ...args]);
    return { stdout, codes: (await f.json('r.json')).run.executions.map((e) => e.response.code), counts: Object.values(counts) };
  };
  assert.deepEqual((await report()).counts, [1, 1, 1, 1]); // off
  const retried = await report('--retry', '2');
  assert.deepEqual([retried.codes, retried.counts], [[200, 200, 404, 500], [3, 2, 1, 3]]);
  assert.match(retried.stdout, /'?retry 1 of 2 in 0 ms: the answer was 503 Service Unavailable/);
  assert.deepEqual((await report('--retry', '1', '--retry-on', '404,429')).codes, [503, 200, 200, 500]);
  const bad = await f.gatepost(['run', 'c.json', '--retry', '1', '--retry-on', '5yy']);
  assert.match(bad.stderr, /'5yy' is no reason to retry \[GP-OPT-02\]/);
});

test('--retry-on connect waits for a server that comes up', async (t) => {
  const f = await stage(t);
  const server = createServer((req, res) => res.end('{}')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  await new Promise((go) => server.close(go));
  await f.write('c.json', { info: { name: 'c' }, item: [{ name: 'r', request: `http://127.0.0.1:${port}/` }] });
  const running = await start(t, ['run', 'c.json', '--retry', '50'], { env: f.env, cwd: f.dir, ready: /retry 1 of 50 in 200 ms/ });
  server.listen(port, '127.0.0.1');
  t.after(() => { server.close(); server.closeAllConnections(); });
  const done = await running.closed;
  assert.deepEqual([done.code, done.stdout.match(/200 OK/g)?.length], [0, 1], done.stdout);
});

test('Ctrl-C during a retry\'s pause ends the run with the answer that it had', async (t) => {
  const f = await stage(t, (req, res) => res.writeHead(503, { 'retry-after': '60' }).end());
  await f.write('c.json', { info: { name: 'c' }, item: [{ name: 'r', request: f.url }] });
  const running = await start(t, ['run', 'c.json', '--retry', '5'], { env: f.env, cwd: f.dir, ready: /retry 1 of 5 in 60000 ms/ });
  process.kill(running.pid, 'SIGINT');
  const done = await running.closed;
  assert.equal(done.code, 1);
  assert.match(done.stdout, /503 Service Unavailable, /);
});

// ---- watching, and identity explained

test('--watch runs again when a file changes, also one that could not be read', async (t) => {
  const f = await stage(t);
  const collection = (path) => ({ info: { name: 'c' }, item: [{ name: 'r', request: `${f.url}/${path}/{{v}}` }] });
  const environment = (v) => ({ name: 'e', values: [{ key: 'v', value: v, enabled: true }] });
  await f.write('c.json', collection('first'));
  await f.write('e.json', environment('1'));
  const until = async (running, pattern) => {
    const deadline = Date.now() + 30_000;
    while (!pattern.test(running.out.stdout + running.out.stderr)) {
      assert.ok(Date.now() < deadline, `${pattern} isn't there\n${running.out.stdout}${running.out.stderr}`);
      await Promise.race([new Promise((go) => setTimeout(go, 20)), running.closed.then(() => assert.fail(running.out.stderr))]);
    }
  };
  const running = await start(t, ['run', '--watch', 'c.json', '-e', 'e.json'], { env: f.env, cwd: f.dir, ready: /watching 2 files/ });
  await f.write('c.json', collection('second'));
  await until(running, /\/second\/1 \[200[\s\S]*executed/);
  await f.write('e.json', environment('22'));
  await until(running, /\/second\/22 \[200/);
  await rm(join(f.dir, 'c.json'));
  await until(running, /can't read 'c\.json'/);
  await f.write('c.json', collection('third'));
  await until(running, /\/third\/22 \[200/);
  await until(running, /(watching 2 files[\s\S]*){5}/);
  process.kill(running.pid, 'SIGINT');
  const done = await running.closed;
  assert.equal(done.code, 0, done.stderr);
});

test('--explain-identity says how each request came by its identity', async (t) => {
  const gp = await stageUp(t);
  await writeFile(join(gp.dir, 'c.json'), JSON.stringify({ info: { name: 'c' }, item: [
    { name: 'private', request: `${ECHO}/x` }, { name: 'own', request: { url: `${ECHO}/x`, header: [{ key: 'Authorization', value: 'Basic abcd' }] } },
    { name: 'none', request: { url: `${ECHO}/x`, auth: { type: 'noauth' } } }, { name: 'plain', request: 'http://127.0.0.1:1/' }] }));
  const { stdout } = await gp.gatepost(['run', '--local', 'c.json', '--explain-identity']);
  const part = (name) => stdout.split(/\n→ /).find((p) => p.startsWith(`${name}\n`)).replace(/\d+ s old/, 'N s old');
  assert.ok(part('private').includes([
    `     origin      ${ECHO}, a service of gatepost up`, '     trusted     gatepost up', '     identity    the default one',
    `     principal   ${TESTER}`, '     credential  service account key', `     audience    ${ECHO}`, '     token       N s old', '     header      Authorization\n',
  ].join('\n')), part('private'));
  assert.match(part('none'), /decision {4}no identity: auth is noauth/);
  assert.match(part('plain'), /identity {4}none: neither a Cloud Run service nor named by trust/);
});
