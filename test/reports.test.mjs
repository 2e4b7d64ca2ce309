// SPDX-License-Identifier: Apache-2.0
// The reports that newman hasn't: html as a browser shows it, Markdown, GitHub's commands, the bar;
// and that no report of any kind shows a secret.
import assert from 'node:assert/strict';
import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { browse, faults, openFile } from './browser.mjs';
import { envOf, run, serve, tempDir } from './lib.mjs';
import { ECHO, stageUp, TESTER } from './stage.mjs';

const tests = (...exec) => ({ listen: 'test', script: { exec } });
const before = (...exec) => ({ listen: 'prerequest', script: { exec } });

const EVIL = '<img src=x onerror=alert(1)></pre></details>"\'\u202eevil\u0007';

const items = (url) => [
  { name: 'good', request: `${url}/good`, event: [tests("pm.test('is fine', () => pm.response.to.have.status(200)); console.log('hello', 1)")] },
  { name: 'F', item: [
    { name: 'bad', request: { method: 'POST', url: `${url}/bad`, body: { mode: 'raw', raw: '{"a":[1,2]}', options: { raw: { language: 'json' } } } },
      event: [tests("pm.test('adds up', () => pm.expect(1).to.eql(2)); pm.test.skip('later')")] },
    { name: 'refused', request: 'http://127.0.0.1:1/x' },
    { name: 'throws', request: `${url}/good`, event: [tests('missing.member')] },
    { name: 'left out', request: `${url}/good`, event: [before('pm.execution.skipRequest()')] },
  ] },
  { name: EVIL, request: `${url}/evil`, event: [tests(`pm.test(${JSON.stringify(EVIL)}, () => { throw new Error(${JSON.stringify(EVIL)}) }); console.log(${JSON.stringify(EVIL)})`)] },
  { name: 'binary', request: `${url}/binary` },
];

async function fixture(t, { collection = {}, ...answers } = {}) {
  const dir = await tempDir(t);
  const url = await serve(t, (req, res) => {
    if (answers[req.url]) return answers[req.url](req, res);
    if (req.url === '/binary') return res.end(Buffer.from([0xff, 0xfe, 0, 1]));
    res.setHeader('content-type', 'text/html');
    res.setHeader('x-evil', '<b>');
    return res.end(req.url === '/evil' ? EVIL : '{"n":1}');
  });
  await writeFile(join(dir, 'c.json'), JSON.stringify({ info: { name: 'Nightly & <co>' }, item: items(url), ...collection }));
  const env = envOf(dir);
  return { dir, url, env, path: (name) => join(dir, name), text: (name) => readFile(join(dir, name), 'utf8'),
    gatepost: (args, more) => run(['run', 'c.json', ...args], { env: { ...env, ...more }, cwd: dir }) };
}

test('html: one file that loads nothing, runs nothing and shows what failed first', async (t) => {
  const f = await fixture(t);
  const { code } = await f.gatepost(['-n', '2', '-r', 'html', '--reporter-html-export', 'out/r.html']);
  assert.equal(code, 1);
  assert.deepEqual(await readdir(f.path('out')), ['r.html']); // its drafts are gone
  assert.equal((await stat(f.path('out/r.html'))).mode & 0o777, 0o600);
  const browser = await browse(t);
  const { page, asked, said } = await openFile(browser, f.path('out/r.html'));
  assert.deepEqual([asked, said], [[], []]); // T48: its own policy found nothing to block either
  assert.equal(await page.locator('script, img, link, iframe, object').count(), 0);
  assert.equal(await page.title(), '✕ Nightly & <co>');
  assert.deepEqual(await page.locator('h2').allTextContents(),
    ['Failed8 requests', 'Timeline', 'Requests by name', 'Passed6 requests']);
  const tiles = await page.locator('.tiles > div').allInnerTexts();
  assert.deepEqual(tiles.slice(0, 3).map((text) => text.split('\n')),
    [['Requests', '12', '2 failed'], ['Assertions', '8', '4 failed'], ['Scripts', '10', '2 failed']]);
  const failed = page.locator('h2:has-text("Failed") + .list > .entry');
  assert.deepEqual((await failed.locator('.name').allInnerTexts()).slice(0, 4).map((text) => text.replace(/\s+/g, ' ')),
    ['POST F / bad iteration 1', 'GET F / refused iteration 1', 'GET F / throws iteration 1',
      'GET <img src=x onerror=alert(1)></pre></details>"\'\\u202eevil\\u0007 iteration 1']);
  const bad = failed.first();
  assert.match(await bad.innerText(), /adds up — expected 1 to deeply equal 2[\s\S]*later[\s\S]*\/bad/);
  assert.match(await bad.locator('pre').first().textContent(), /^\{\n {2}"a": \[/);
  assert.match(await failed.nth(1).textContent(), /connect ECONNREFUSED 127\.0\.0\.1:1[\s\S]*nothing listens there/);
  assert.match(await page.locator('.entry', { hasText: 'binary' }).first().textContent(), /4B that aren't text/);
  assert.equal(await page.locator('svg .no').count(), 8);
});

test('html: no serious fault by axe-core, and no sideways scrolling, on phone and desktop, by day and night', async (t) => {
  const gp = await stageUp(t);
  const f = await fixture(t);
  const own = JSON.parse(await f.text('c.json'));
  own.item.push({ name: 'private', request: `${ECHO}/private` }, { name: 'nobody', request: { url: `${ECHO}/x`, auth: { type: 'noauth' } },
    event: [tests("pm.test('in', () => pm.response.to.have.status(200))")] });
  own.item.push({ name: 'x'.repeat(300), request: `${f.url}/${'y'.repeat(500)}` });
  await writeFile(join(gp.dir, 'c.json'), JSON.stringify(own));
  const { stderr } = await gp.gatepost(['run', '--local', 'c.json', '-r', 'html,markdown', '--reporter-html-export', 'r.html', '--reporter-markdown-export', 'r.md']);
  const path = join(gp.dir, 'r.html');
  const browser = await browse(t);
  for (const phone of [false, true]) {
    for (const dark of [false, true]) assert.deepEqual(await faults(browser, path, { phone, dark }), [], `${phone} ${dark} ${stderr}`);
    const { page } = await openFile(browser, path, { phone });
    await page.locator('.entry').evaluateAll((all) => all.forEach((d) => { d.open = true; }));
    const [inner, outer] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.ok(inner <= outer, `${inner} pixels in ${outer}`);
  }
  const { page } = await openFile(browser, path);
  const flow = page.locator('.entry.carried .flow').first();
  const steps = (await flow.locator('li').allTextContents()).map((s) => s.replace(/^(Age)\d+/, '$1N'));
  assert.deepEqual(steps, [`Principal${TESTER}`, 'Credentialservice account key', `Token for${ECHO}`, 'AgeN s', 'gatepost up200 OK']);
  const refused = page.locator('.entry', { hasText: 'nobody' }).first();
  assert.match(await refused.textContent(), /the call carried no identity, and the service is private/);
  await page.getByLabel('With identity').check();
  assert.deepEqual(await page.locator('h2:has-text("Passed") ~ .list:last-of-type > .entry:visible').count(), 1);
  assert.match(await readFile(join(gp.dir, 'r.md'), 'utf8'), new RegExp(`\\| ${TESTER.replaceAll('@', '&#64;').replaceAll('.', '\\.')} \\| service account key \\|`));
});

test('html: of a long run some requests stand in full, all of them in timeline and table', async (t) => {
  const f = await fixture(t, { collection: { item: [] } });
  const item = [{ name: 'one', request: `${f.url}/good` }];
  await writeFile(f.path('c.json'), JSON.stringify({ info: { name: 'long' }, item }));
  const { code, stderr } = await f.gatepost(['-n', '1500', '-r', 'html', '--reporter-html-export', 'r.html']);
  assert.equal(code, 0, stderr);
  const { page } = await openFile(await browse(t), f.path('r.html'));
  assert.equal(await page.locator('.verdict').innerText(), 'All passed');
  assert.equal(await page.locator('.entry').count(), 1000);
  assert.match(await page.locator('main').innerText(), /500 more that passed/);
  assert.match(await page.locator('figcaption').innerText(), /1500 requests, first to last, 16 a bar/);
  assert.match((await page.locator('.card td').allTextContents()).join(' '), /^one 1500 0 /);
});

test('markdown: what was counted, what failed; text stays text', async (t) => {
  const f = await fixture(t);
  await f.gatepost(['-r', 'markdown', '--reporter-markdown-export', 'r.md']);
  const text = await f.text('r.md');
  assert.match(text, /^## ❌ Nightly &#38; &#60;co&#62;: 4 failed\n/);
  assert.match(text, /\| requests \| 6 \| 1 \|/);
  assert.match(text, /\| assertions \| 4 \| 2 \|/);
  assert.match(text, /- \*\*F \/ bad\*\*: adds up {2}\n {2}expected 1 to deeply equal 2\n/);
  assert.match(text, /hint: nothing listens there/);
  assert.doesNotMatch(text, /<img|<b>|\u0007|http:\/\//);
  assert.match(text, /\| F \/ bad \| 1 \| 1 \| /);
});

test('github: annotations at the place in the collection, a step summary, and commands of others unheeded', async (t) => {
  const f = await fixture(t);
  const collection = JSON.parse(await f.text('c.json'));
  collection.item.push({ name: 'commands', request: `${f.url}/good`, event: [tests(
    "console.log('x\\n::set-output name=a::b'); pm.test('t%,:\\n', () => { throw new Error('::add-mask::ok\\n::error::forged') })")] });
  await writeFile(f.path('c.json'), JSON.stringify(collection, null, 2));
  await writeFile(f.path('summary.md'), 'before\n');
  const { stdout, stderr, code } = await f.gatepost(['-n', '2'],
    { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: f.path('summary.md'), GITHUB_WORKSPACE: f.dir });
  assert.equal(code, 1);
  assert.match(stdout, /Nightly/); // cli goes on as it does
  const [stop, resume, ...commands] = stderr.trim().split('\n');
  const token = /^::stop-commands::([0-9a-f]{32})$/.exec(stop)[1];
  assert.equal(resume, `::${token}::`);
  assert.doesNotMatch(stdout, new RegExp(token)); // T48: nobody can resume it
  assert.equal(commands.length, 5); // each failure once, whatever the iterations
  const line = JSON.stringify(collection, null, 2).split('\n').findIndex((l, i, all) => /"name": "bad"/.test(l) && all[i - 1].trim() === '{');
  assert.equal(commands[0], `::error title=F / bad%3A adds up,file=c.json,line=${line}::expected 1 to deeply equal 2`);
  assert.equal(commands[4].replace(/line=\d+/, 'line=N'),
    '::error title=commands%3A t%25%2C%3A%0A,file=c.json,line=N::::add-mask::ok%0A::error::forged');
  assert.match(await f.text('summary.md'), /^before\n## ❌ Nightly/);
  const off = await f.gatepost(['-r', 'json', '--reporter-json-export', 'r.json'], { GITHUB_ACTIONS: '' });
  assert.deepEqual([off.stdout, off.stderr], ['', '']);
});

test('progress is one line in a pipe, emojitrain a face for each request', async (t) => {
  const f = await fixture(t);
  const { stdout } = await f.gatepost(['-r', 'progress']);
  assert.match(stdout, /^6 requests, 4 assertions, 4 failed, [\d.]+m?s\n$/);
  assert.equal((await f.gatepost(['-r', 'progress', '--silent'])).stdout, '');
  assert.equal((await f.gatepost(['-r', 'emojitrain'])).stdout, '😀 😢 😢 😢 😀 😢 😀  😭\n');
});

test('progress draws a bar on a terminal', async (t) => {
  const f = await fixture(t);
  const gatepost = `${process.env.GATEPOST_BIN} run c.json -r progress`;
  const { stdout } = await run(['-qec', gatepost, '/dev/null'], { program: 'script', env: { ...f.env, TERM: 'xterm', COLUMNS: '80' }, cwd: f.dir });
  assert.match(stdout, /\r\u001b\[3\dm.*░.* 0\/7 {2}good\u001b\[K/);
  assert.match(stdout, /\r\u001b\[K6 requests, 4 assertions, 4 failed/);
});

// ---- secrets

const SECRETS = { variable: 'variable-"s3cret"/%', basic: 'basic-passw0rd', key: 'api-key-0123', own: 'own-bearer-token' };

async function secrets(t) {
  const f = await fixture(t, { collection: { item: [] }, '/echo': (req, res) => res.end(JSON.stringify(req.headers) + req.url) });
  const auth = (type, params) => ({ type, [type]: Object.entries(params).map(([key, value]) => ({ key, value })) });
  const request = (name, more) => ({ name, request: { method: 'GET', url: `${f.url}/echo`, ...more }, event: [tests(
    "console.log('say', pm.environment.get('s'), pm.response.text());",
    "pm.test('holds ' + pm.environment.get('s'), () => { throw new Error(pm.response.text() + pm.environment.get('s')) });")] });
  await writeFile(f.path('c.json'), JSON.stringify({ info: { name: 'c' },
    variable: [{ key: 'inner', value: SECRETS.own, type: 'secret' }],
    item: [
      request('variable', { url: `${f.url}/echo?s={{s}}`, method: 'POST', body: { mode: 'raw', raw: '{"s": "{{s}}"}' }, header: [{ key: 'X-S', value: '{{inner}}' }] }),
      request('basic', { auth: auth('basic', { username: 'me', password: SECRETS.basic }) }),
      request('apikey', { auth: auth('apikey', { key: 'X-Key', value: SECRETS.key, in: 'query' }) }),
      request('own', { header: [{ key: 'Authorization', value: `Bearer ${SECRETS.own}` }] }),
      { name: 'gone', request: { url: `http://127.0.0.1:1/{{inner}}` } },
    ] }));
  await writeFile(f.path('e.json'), JSON.stringify({ name: 'e', values: [{ key: 's', value: SECRETS.variable, type: 'secret', enabled: true }] }));
  const reporters = ['html', 'markdown', 'json', 'junit'];
  const args = ['-e', 'e.json', '--verbose', '-r', `cli,${reporters}`, ...reporters.flatMap((r) => [`--reporter-${r}-export`, `r.${r}`])];
  const all = async (...more) => {
    const { stdout, stderr } = await f.gatepost([...args, ...more], { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: f.path('s.md') });
    const texts = { stdout, stderr, summary: await f.text('s.md') };
    for (const r of reporters) texts[r] = await f.text(`r.${r}`);
    return texts;
  };
  return { ...f, all };
}

// Each secret as it is, in a URL, in JSON, and what basic makes of it.
const forms = Object.values(SECRETS).flatMap((s) => [s, encodeURIComponent(s), JSON.stringify(s).slice(1, -1),
  JSON.stringify(JSON.stringify(s)).slice(3, -3)]).concat(Buffer.from(`me:${SECRETS.basic}`).toString('base64'));

test('T43: no report shows a secret variable or a parameter of auth', async (t) => {
  const f = await secrets(t);
  const texts = await f.all();
  for (const [name, text] of Object.entries(texts)) {
    for (const form of forms) assert.ok(!text.includes(form), `${name}: ${form} in ${text.slice(text.indexOf(form) - 200).slice(0, 400)}`);
    assert.ok(text.includes('***') || text.includes('\\*\\*\\*'), name);
  }
  const report = JSON.parse(texts.json);
  assert.equal(report.run.executions[3].request.header[0].value, 'Bearer ***');
  assert.equal(report.environment.values[0].value, '***');
  assert.equal(report.collection.item[1].request.auth.basic[1].value, '***');
});

test('--show-secrets shows them, and exports keep them either way', async (t) => {
  const f = await secrets(t);
  const texts = await f.all('--show-secrets', '--export-environment', 'x.json');
  for (const secret of [SECRETS.basic, SECRETS.key, SECRETS.own]) assert.ok(texts.json.includes(secret), secret);
  await f.all('--export-environment', 'x.json');
  assert.equal(JSON.parse(await f.text('x.json')).values[0].value, SECRETS.variable);
});
