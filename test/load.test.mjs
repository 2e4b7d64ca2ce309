// SPDX-License-Identifier: Apache-2.0
// `gatepost load` from outside: against a server that counts, and a private service of `gatepost up`.
import assert from 'node:assert/strict';
import { readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { browse, faults, openFile } from './browser.mjs';
import { bin, envOf, run, serve, start, tempDir } from './lib.mjs';
import { ECHO, stageUp } from './stage.mjs';

const get = (name, url, more = {}) => ({ name, request: { method: 'GET', url, ...more } });
const collection = (item, more = {}) => ({
  info: { name: 'Shop', schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json' }, item, ...more,
});

/** A server that counts, a collection for it, and `load` of that. */
async function stage(t, item, { answer, ...more } = {}) {
  const home = await tempDir(t);
  const seen = [];
  const base = await serve(t, (req, res) => {
    seen.push({ url: req.url, headers: req.headers, at: performance.now() });
    if (answer) answer(req, res, seen.length);
    else res.end('ok');
  });
  const file = join(home, 'shop.json');
  await writeFile(file, JSON.stringify(collection(item, { variable: [{ key: 'base', value: base }], ...more })));
  const env = envOf(home);
  const load = (...args) => run(['load', ...args, file], { env, cwd: home });
  const json = async (...args) => {
    const done = await load('--format', 'json', ...args);
    return { ...done, result: JSON.parse(done.stdout) };
  };
  return { home, base, seen, file, env, load, json };
}

test('iterations are counted, and each request has its percentiles', async (t) => {
  const s = await stage(t, [{ name: 'Orders', item: [get('list', '{{base}}/orders'), get('one', '{{base}}/orders/1')] }]);
  const { code, result } = await s.json('--users', '4', '--iterations', '50');
  assert.equal(code, 0);
  assert.equal(s.seen.length, 100);
  assert.equal(result.iterations, 50);
  assert.equal(result.all.requests, 100);
  assert.equal(result.all.failed, 0);
  assert.equal(result.all.statuses['2xx'], 100);
  assert.deepEqual(result.requests.map((r) => [r.name, r.requests]), [['Orders / list', 50], ['Orders / one', 50]]);
  for (const r of [result.all, ...result.requests]) {
    const l = r.latency_ms;
    assert.ok(0 < l.min && l.min <= l.p50 && l.p50 <= l.p90 && l.p90 <= l.p99 && l['p99.9'] <= l.max);
  }
  assert.equal(result.timeline.reduce((n, p) => n + p.requests, 0), 100);
});

test('a rate is kept although the server is slow', async (t) => {
  const s = await stage(t, [get('slow', '{{base}}/')], { answer: (_, res) => setTimeout(() => res.end('ok'), 150) });
  const { code, result } = await s.json('--rate', '50', '--duration', '2s', '--users', '100');
  assert.equal(code, 0);
  assert.equal(result.model, 'open');
  assert.equal(result.iterations + result.missed_iterations, 100);
  assert.equal(s.seen.length, result.iterations);
  // A closed model would have sent 100 users' worth at once, or one after the other.
  const span = s.seen.at(-1).at - s.seen[0].at;
  assert.ok(span > 1500, `${s.seen.length} requests within ${span} ms`);
  assert.ok(result.all.latency_ms.p50 >= 149, JSON.stringify(result.all.latency_ms));
});

test('a server that stalls can\'t hide what was due meanwhile', async (t) => {
  const s = await stage(t, [get('a', '{{base}}/')],
    { answer: (_, res, n) => setTimeout(() => res.end('ok'), n === 1 ? 1000 : 0) });
  const { result } = await s.json('--rate', '100', '--duration', '1s', '--users', '1');
  assert.equal(result.iterations, 100);
  // Half of those that were due in that second waited for more than half of it.
  assert.ok(result.all.latency_ms.p50 > 400, JSON.stringify(result.all.latency_ms));
  assert.ok(result.latest_beginning_ms > 800);
});

test('thresholds decide the exit code', async (t) => {
  const s = await stage(t, [get('good', '{{base}}/good'), get('bad', '{{base}}/bad')], {
    answer: (req, res) => { res.statusCode = req.url === '/bad' ? 503 : 200; res.end(); },
  });
  const rows = [
    [0, 'errors<=50%'], [1, 'errors<50%'], [0, 'good: errors<1%'], [1, 'bad: errors<1%'], [0, 'p99<1m'], [1, 'max<1us'],
    [0, 'failed<5'], [1, 'nothing: p95<1s'],
  ];
  for (const [code, rule] of rows) {
    const done = await s.load('--iterations', '4', '--threshold', rule);
    assert.equal(done.code, code, `${rule}\n${done.stdout}${done.stderr}`);
    assert.match(done.stdout, new RegExp(`^${code ? '✗' : '✓'} ${rule}  `, 'm'));
    assert.match(done.stdout, /^ +4 {2}status 503$/m);
    assert.equal(done.stderr, '');
  }
  const both = await s.json('--iterations', '2', '--threshold', 'errors<=50%', '--threshold', 'p50<1us');
  assert.equal(both.code, 1);
  assert.equal(both.result.passed, false);
  assert.deepEqual(both.result.thresholds.map((x) => x.passed), [true, false]);
  assert.equal(both.result.thresholds[0].measured, 50);
  assert.deepEqual(both.result.failures, [{ reason: 'status 503', count: 2 }]);
});

test('without thresholds it fails only when nobody answers', async (t) => {
  const s = await stage(t, [get('a', '{{base}}/')], { answer: (_, res) => { res.statusCode = 500; res.end(); } });
  assert.equal((await s.load('--iterations', '2')).code, 0);
  const none = await run(['load', '--iterations', '2', '--env-var', 'base=http://127.0.0.1:1', s.file], { env: s.env, cwd: s.home });
  assert.equal(none.code, 1);
  assert.match(none.stdout, /2 {2}ECONNREFUSED/);
});

test('a wrong threshold or stage is told by its column, and nothing is sent', async (t) => {
  const s = await stage(t, [get('a', '{{base}}/')]);
  const rows = [
    [['--threshold', 'p95<200'], '--threshold:1:8: \'\' is no unit of time: us, ms, s, m [GP-LOAD-02]'],
    [['--threshold', 'p95>fast'], '--threshold:1:5: \'fast\' doesn\'t begin with a number [GP-LOAD-02]'],
    [['--stage', '30s:many'], '--stage:1:5: \'30s:many\': the target isn\'t a number up to 1000000 [GP-LOAD-01]'],
    [['--stage', '1s:1', '--duration', '5s'], '--duration and --stage both say how long it takes [GP-OPT-03]'],
  ];
  for (const [args, message] of rows) {
    const done = await s.load(...args);
    assert.equal(done.code, 2);
    assert.ok(done.stderr.startsWith(`gatepost: ${message}\n  hint: `), done.stderr);
    assert.equal(done.stdout, '');
  }
  assert.equal(s.seen.length, 0);
});

test('each user has its own variables and cookies', async (t) => {
  const s = await stage(t, [
    { ...get('in', '{{base}}/in?me={{me}}'), event: [
      { listen: 'prerequest', script: { exec: ['if (!pm.environment.get("me")) pm.environment.set("me", pm.variables.replaceIn("{{$guid}}"));'] } },
      { listen: 'test', script: { exec: ['pm.test("it is me", () => pm.expect(pm.response.text()).to.eql(pm.environment.get("me")));'] } },
    ] },
    get('work', '{{base}}/work?me={{me}}'),
  ], { answer: (req, res) => {
    const me = new URL(req.url, 'http://x').searchParams.get('me');
    if (req.url.startsWith('/in')) res.setHeader('Set-Cookie', `me=${me}`);
    res.end(me);
  } });
  const { code, result } = await s.json('--users', '5', '--iterations', '40');
  assert.equal(code, 0);
  assert.equal(result.all.requests, 80);
  assert.equal(result.all.failed, 0, JSON.stringify(result.failures));
  const work = s.seen.filter((r) => r.url.startsWith('/work'));
  const users = new Set(work.map((r) => r.url));
  assert.ok(users.size > 1 && users.size <= 5, `${users.size} users`);
  for (const r of work) assert.equal(r.headers.cookie, `me=${r.url.split('me=')[1]}`);
});

test('Ctrl-C gives the result so far', async (t) => {
  const s = await stage(t, [get('a', '{{base}}/')]);
  const going = await start(t, ['load', '--users', '2', '--duration', '10m', '--format', 'json', s.file],
    { env: s.env, cwd: s.home, ready: /^/ });
  while (s.seen.length < 20) await new Promise((go) => setTimeout(go, 10));
  process.kill(going.pid, 'SIGINT');
  const end = await going.closed;
  assert.equal(end.code, 1);
  assert.match(end.stderr, /^gatepost: stopping after what is under way/);
  const result = JSON.parse(end.stdout);
  assert.equal(result.interrupted, true);
  assert.equal(result.all.requests, s.seen.length);
  assert.equal(result.all.failed, 0);
});

test('identity is shared by all users, and renewed while they work', async (t) => {
  // The skew is for a busy machine, where a call may take a second.
  const up = await stageUp(t, { project: { token_lifetime: '3s', clock_skew: '5s' } });
  const file = join(up.home, 'load.json');
  await writeFile(file, JSON.stringify(collection([get('echo', `${ECHO}/200`)])));
  // Four users at a request every 100 ms each: for at least 7 s.
  const began = performance.now();
  const done = await up.gatepost(['load', '--local', '--users', '4', '--iterations', '280', '--delay-request', '100', '--format', 'json', file]);
  const seconds = (performance.now() - began) / 1000;
  assert.equal(done.code, 0, done.stderr);
  const result = JSON.parse(done.stdout);
  assert.equal(result.all.requests, 280);
  assert.equal(result.all.failed, 0, JSON.stringify(result.failures));
  const tokens = new Set((await up.seen()).map((r) => r.headers.find(([k]) => k === 'authorization')?.[1]));
  // One for all of them at a time: not one a user, not one a request.
  assert.ok(tokens.size >= 2 && tokens.size <= seconds, `${tokens.size} tokens in ${seconds} s`);
  assert.doesNotMatch(done.stdout, /eyJ/);
});

test('the page shows verdict, charts and tables; it loads and runs nothing', async (t) => {
  const evil = '<img src=x onerror=alert(1)></td>"\'\u202eevil';
  const s = await stage(t, [get('good', '{{base}}/good'), get(evil, '{{base}}/bad'), get('x'.repeat(300), '{{base}}/long')],
    { answer: (req, res) => { res.statusCode = req.url === '/bad' ? 503 : 200; res.end('ok'); } });
  const done = await s.load('--users', '3', '--duration', '2s', '--delay-request', '5', '--threshold', 'p99<1m', '--threshold', 'good: failed<1',
    '--threshold', `${evil}: errors<1%`, '--reporter-html-export', 'out/load.html');
  assert.equal(done.code, 1, done.stderr);
  const path = join(s.home, 'out/load.html');
  assert.deepEqual(await readdir(join(s.home, 'out')), ['load.html']);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  const browser = await browse(t);
  const { page, asked, said } = await openFile(browser, path);
  assert.deepEqual([asked, said], [[], []]); // T48
  assert.equal(await page.locator('script, img, link, iframe, object').count(), 0);
  assert.equal(await page.title(), '✕ Shop');
  assert.equal(await page.locator('.verdict').innerText(), '1 of 3 thresholds broken');
  const table = (name) => page.getByRole('region', { name }).locator('tbody tr')
    .evaluateAll((rows) => rows.map((tr) => [...tr.cells].map((td) => td.textContent)));
  const verdicts = await table('Thresholds');
  assert.deepEqual(verdicts.map((row) => row.at(-1)), ['✓ holds', '✓ holds', '✕ broken']);
  const rows = await table('Requests by name');
  assert.deepEqual(rows.map((r) => r[0]), ['good', evil.replace('\u202e', '\\u202e'), 'x'.repeat(300), 'All']);
  const [good, bad, long, all] = rows.map((r) => Number(r[1]));
  assert.equal(all, good + bad + long);
  assert.equal(all, s.seen.length);
  assert.deepEqual(rows.map((r) => Number(r[3])), [0, bad, 0, bad]);
  assert.deepEqual(await table('Why requests failed'), [['status 503', String(bad)]]);
  // Four charts; the stretches of each add up to what was measured.
  assert.deepEqual(await page.locator('.chart figcaption b').allTextContents(),
    ['Requests a second', 'Latency', 'Failed requests', 'Users at work']);
  const spots = await page.locator('.chart').nth(1).locator('.spot title').allTextContents();
  assert.ok(spots.length >= 3 && spots.length <= 6, `${spots.length}`);
  assert.match(spots[1], /^0\.5s–1s\np50: [\d.]+(µs|ms|s)\np95: .+\np99: .+$/);
  await page.getByText('The numbers of the charts').click();
  const numbers = await table('The numbers of the charts');
  assert.equal(numbers.length, spots.length);
  assert.ok(numbers.every((r) => Number(r[1]) <= 3));
});

test('the page: no serious fault by axe-core, and no sideways scrolling, on phone and desktop, by day and night', async (t) => {
  const s = await stage(t, [get('y'.repeat(200), '{{base}}/'), get('bad', '{{base}}/bad')],
    { answer: (req, res) => { res.statusCode = req.url === '/bad' ? 500 : 200; res.end(); } });
  await s.load('--rate', '20', '--duration', '1500ms', '--threshold', 'errors<1%', '--threshold', 'p50<1m', '--reporter-html-export', 'r.html');
  const path = join(s.home, 'r.html');
  const browser = await browse(t);
  for (const phone of [false, true]) {
    for (const dark of [false, true]) assert.deepEqual(await faults(browser, path, { phone, dark }), [], `${phone} ${dark}`);
    const { page } = await openFile(browser, path, { phone });
    await page.locator('details').evaluateAll((all) => all.forEach((d) => { d.open = true; }));
    const [inner, outer] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.ok(inner <= outer, `${inner} pixels in ${outer}`);
  }
});

test('the page is begun before the load: a place where it can\'t be is told at once', async (t) => {
  const s = await stage(t, [get('a', '{{base}}/')]);
  await symlink(join(s.home, 'elsewhere'), join(s.home, 'link.html'));
  const done = await s.load('--iterations', '1', '--reporter-html-export', 'link.html');
  assert.match(done.stderr, /^gatepost: link\.html is a symbolic link \[/);
  assert.equal(s.seen.length, 0);
});

/** Reads an exposition of the text format 0.0.4 as strictly as it is written down: Map of name → {type, help, samples: [{name, labels, value}]}. */
function exposition(text) {
  assert.ok(text.endsWith('\n') && !text.includes('\r'));
  const families = new Map();
  const seen = new Set();
  let now;
  for (const line of text.slice(0, -1).split('\n')) {
    const meta = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line);
    if (meta?.[1] === 'HELP') {
      assert.ok(!families.has(meta[2]), `${meta[2]} twice`);
      families.set(meta[2], now = { name: meta[2], help: meta[3], samples: [] });
      continue;
    }
    if (meta) {
      assert.ok(meta[2] === now.name && !now.type && !now.samples.length, line);
      assert.match(meta[3], /^(counter|gauge|histogram)$/);
      now.type = meta[3];
      continue;
    }
    const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\d+(?:\.\d+)?)$/.exec(line);
    assert.ok(sample, line);
    const [, name, list = '', value] = sample;
    const labels = {};
    let rest = list;
    while (rest) {
      const label = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/.exec(rest);
      assert.ok(label && !(label[1] in labels), line);
      labels[label[1]] = label[2].replace(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c));
      rest = rest.slice(label[0].length);
    }
    const suffix = now.type === 'histogram' ? /_(bucket|sum|count)$/ : /$^/;
    assert.equal(name.replace(suffix, ''), now.name, line);
    assert.equal(now.type === 'counter', name.endsWith('_total'), line);
    assert.ok(!seen.has(`${name}{${list}`), `${line} twice`);
    seen.add(`${name}{${list}`);
    now.samples.push({ name, labels, value: Number(value) });
  }
  for (const f of families.values()) if (f.type === 'histogram') checkHistogram(f);
  return families;
}

/** Buckets in order, none smaller than the one before, the last of them all that were counted. */
function checkHistogram({ name, samples }) {
  const of = Map.groupBy(samples, ({ labels: { le, ...labels } }) => JSON.stringify(labels));
  for (const group of of.values()) {
    const buckets = group.filter((s) => s.name === `${name}_bucket`);
    const les = buckets.map((b) => (b.labels.le === '+Inf' ? Infinity : Number(b.labels.le)));
    assert.ok(les.every((le, i) => !i || le > les[i - 1]), `${les}`);
    assert.equal(les.at(-1), Infinity);
    assert.ok(buckets.every((b, i) => !i || b.value >= buckets[i - 1].value));
    const [sum, count] = ['sum', 'count'].map((what) => group.filter((s) => s.name === `${name}_${what}`));
    assert.deepEqual([sum.length, count.length], [1, 1]);
    assert.equal(count[0].value, buckets.at(-1).value);
  }
}

const total = (family, match = {}) => family.samples.filter((s) => Object.entries(match).every(([k, v]) => s.labels[k] === v))
  .reduce((sum, s) => sum + s.value, 0);

/** A load that goes on, with its numbers for Prometheus: base address of the endpoint. */
async function measured(t, s, ...args) {
  const going = await start(t, ['load', '--duration', '10m', '--prometheus', '0', ...args, s.file], { env: s.env, cwd: s.home, ready: /\/metrics\n/ });
  return { going, url: /^gatepost: metrics at (\S+)\n/.exec(going.out.stderr)[1] };
}

test('Prometheus reads the numbers while the load goes on', async (t) => {
  const name = 'a "name" \\ with\nall of it';
  const s = await stage(t, [get(name, '{{base}}/a'), { name: 'F', item: [get('bad', '{{base}}/bad')] }],
    { answer: (req, res) => { res.statusCode = req.url === '/bad' ? 503 : 200; res.end('ok'); } });
  const { going, url } = await measured(t, s, '--users', '3', '--delay-request', '5');
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
  const scrape = async () => {
    const answer = await fetch(url);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    return exposition(await answer.text());
  };
  while (s.seen.length < 20) await new Promise((go) => setTimeout(go, 10));
  const [one, two] = [await scrape(), await scrape()];
  assert.deepEqual([...one.keys()], [...two.keys()]);
  for (const [key, family] of one) {
    if (family.type === 'gauge') continue;
    const later = new Map(two.get(key).samples.map((x) => [JSON.stringify([x.name, x.labels]), x.value]));
    for (const x of family.samples) assert.ok(later.get(JSON.stringify([x.name, x.labels])) >= x.value, x.name);
  }
  const [requests, failed, why, time] = ['requests_total', 'request_failures_total', 'failures_total', 'request_duration_seconds']
    .map((what) => two.get(`gatepost_load_${what}`));
  const bad = total(requests, { request: 'F / bad', status: '5xx' });
  assert.ok(total(requests, { request: name, status: '2xx' }) >= 1 && bad >= 1);
  assert.equal(total(requests), total(requests, { request: name, status: '2xx' }) + bad);
  assert.equal(total(failed, { request: name }), 0);
  assert.equal(total(failed), total(why));
  assert.equal(total(why), total(why, { reason: 'status 503' }));
  const counts = time.samples.filter((x) => x.name.endsWith('_count'));
  assert.equal(counts.reduce((sum, x) => sum + x.value, 0), total(requests));
  assert.equal(total(two.get('gatepost_load_users')), 3);
  process.kill(going.pid, 'SIGINT');
  await going.closed;
});

test('T46: a web page can\'t read the numbers, whatever its name', async (t) => {
  const s = await stage(t, [get('a', '{{base}}/')]);
  const { going, url } = await measured(t, s, '--delay-request', '20');
  const { port } = new URL(url);
  const rows = [
    [200, 'GET', '/metrics', { host: `127.0.0.1:${port}` }],
    [200, 'GET', '/metrics', { host: `localhost:${port}` }],
    [200, 'GET', '/metrics', { host: `[::1]:${port}` }],
    [200, 'GET', '/metrics', { host: '10.0.0.7' }],
    [200, 'HEAD', '/metrics', {}],
    [403, 'GET', '/metrics', { host: `rebound.example:${port}` }],
    [403, 'GET', '/metrics', { host: 'localhost.rebound.example' }],
    [403, 'GET', '/metrics', { host: '127.0.0.1.rebound.example' }],
    [403, 'GET', '/metrics', { host: `127.0.0.1:${port}`, origin: 'http://rebound.example' }],
    [405, 'POST', '/metrics', {}],
    [404, 'GET', '/', {}],
    [404, 'GET', '/metrics/x', {}],
  ];
  for (const [status, method, path, headers] of rows) {
    const answer = await new Promise((done, failed) => {
      request({ host: '127.0.0.1', port, method, path, headers }, (res) => done(res.resume())).on('error', failed).end();
    });
    assert.equal(answer.statusCode, status, JSON.stringify([method, path, headers]));
  }
  process.kill(going.pid, 'SIGINT');
  await going.closed;
});

test('where the numbers can\'t be given is told, and nothing is sent', async (t) => {
  const s = await stage(t, [get('a', '{{base}}/')]);
  for (const where of ['', 'x', '70000', 'localhost:9464', '127.0.0.1', '::1', 'fe80::1:9464', '127.0.0.1:x']) {
    const done = await s.load('--iterations', '1', '--prometheus', where);
    assert.equal(done.code, 2, where);
    assert.match(done.stderr, /^gatepost: --prometheus: '.*' is neither a port nor an address with one \[GP-OPT-02\]\n {2}hint: for example/);
  }
  const taken = await s.load('--iterations', '1', '--prometheus', new URL(s.base).host);
  assert.match(taken.stderr, /address already in use/);
  assert.equal(s.seen.length, 0);
});

test('a terminal shows how it goes in one line that fits, a pipe nothing', async (t) => {
  const s = await stage(t, [get('a', '{{base}}/')]);
  const command = (columns) => `stty cols ${columns}; '${bin}' load --users 2 --duration 1200ms --delay-request 20 '${s.file}'`;
  for (const [columns, parts] of [[120, /^\d of 2 s {2}failed 0% {2}\d+ requests {2}\d+ per s {2}now p50 [\d.]+(µs|ms|s) p99 [\d.]+(µs|ms|s) {2}[012] of 2 users$/],
    [40, /^\d of 2 s {2}failed 0% {2}\d+ requests$/]]) {
    const { code, stdout } = await run(['-qec', command(columns), '/dev/null'], { program: 'script', env: { ...s.env, NO_COLOR: '1' }, cwd: s.home });
    assert.equal(code, 0, stdout);
    const [shown, result] = stdout.split('\r\x1b[K');
    const lines = shown.split('\r').slice(1);
    assert.ok(lines.length >= 2, stdout);
    for (const line of lines) {
      assert.ok(line.endsWith('\x1b[K'));
      assert.match(line.slice(0, -3), parts);
    }
    assert.match(result, /^Shop: \d+\.\d s, \d+ iterations/);
    assert.ok(!result.includes('\x1b'));
  }
});
