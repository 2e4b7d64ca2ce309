// SPDX-License-Identifier: Apache-2.0
// `gatepost run` beside newman on the same collection: what a person sees, what tools read, how it
// ends. No identity here: that is identity.test.mjs.
import assert from 'node:assert/strict';
import { mkdir, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { bin, envOf, root, run, serve, start, tempDir } from './lib.mjs';

const newmanBin = join(root, 'test/node_modules/newman/bin/newman.js');

const script = (listen, ...exec) => ({ listen, script: { type: 'text/javascript', exec } });

function collectionOf(url) {
  return {
    info: {
      name: 'demo <collection>',
      _postman_id: '11111111-2222-3333-4444-555555555555',
      schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json',
    },
    event: [script('prerequest', "console.log('before', pm.info.requestName)")],
    variable: [{ key: 'url', value: url }],
    item: [
      {
        name: 'F',
        item: [{
          name: 'G',
          item: [{
            name: 'first',
            event: [script('test',
              "pm.test('is ok', () => pm.response.to.have.status(200));",
              "pm.test('fails', () => pm.expect(1).to.equal(2));",
              "pm.test.skip('skipped', () => {});",
              "pm.environment.set('seen', pm.response.json().n);")],
            request: { method: 'POST', url: '{{url}}/first?a=1&b={{c}}', header: [{ key: 'X-A', value: '1' }],
              body: { mode: 'raw', raw: '{"a":1}', options: { raw: { language: 'json' } } } },
          }],
        }],
      },
      { name: 'second', event: [script('test', "throw new TypeError('boom')")], request: '{{url}}/missing' },
      { name: 'third', request: 'http://127.0.0.1:1/x',
        event: [script('test', "pm.test('x', () => pm.expect(pm.response.code).to.eql(200));", "pm.execution.setNextRequest('last')")] },
      { name: 'never', request: '{{url}}/never' },
      { name: 'last', request: '{{url}}/last', event: [script('test', "pm.test('last', () => {})")] },
    ],
  };
}

async function fixture(t) {
  const dir = await tempDir(t);
  let n = 0;
  const url = await serve(t, (req, res) => {
    const status = req.url.startsWith('/missing') ? 404 : 200;
    res.writeHead(status, { 'content-type': 'application/json' });
    res.end(JSON.stringify({ n: ++n, url: req.url }));
  });
  const file = join(dir, 'c.json');
  await writeFile(file, JSON.stringify(collectionOf(url)));
  const env = envOf(dir);
  return {
    dir, file, env,
    gatepost: (...args) => run(['run', file, ...args], { env, cwd: dir }),
    newman: (...args) => run([newmanBin, 'run', file, ...args], { env, cwd: dir, program: process.execPath }),
    json: async (name) => JSON.parse(await readFile(join(dir, name), 'utf8')),
  };
}

// What a report says, without what differs from run to run.
function essence(report) {
  const rows = report.run.executions.map((e) => ({
    name: e.item.name, id: e.item.id && 'id', method: e.request.method, code: e.response?.code,
    status: e.response?.status, iteration: e.cursor.iteration, position: e.cursor.position,
    error: e.requestError && (e.requestError.code ?? e.requestError.message),
    scripts: e.testScript?.map((s) => [s.error.name, s.error.message]),
    assertions: e.assertions?.map((a) => [a.assertion, a.skipped, a.error?.name, a.error?.message, a.error?.index, a.error?.test]),
  }));
  const stats = Object.fromEntries(Object.entries(report.run.stats).map(([k, v]) => [k, [v.total, v.failed]]));
  const failures = report.run.failures.map((f) => [f.error.name, f.error.message, f.at.replace(/:\d+:\d+$/, ''), f.source?.name, f.cursor.iteration]);
  return { rows, stats, failures };
}

test('the JSON report says what newman says', async (t) => {
  const f = await fixture(t);
  const theirs = await f.newman('-n', '2', '-r', 'json', '--reporter-json-export', 'n.json');
  const ours = await f.gatepost('-n', '2', '-r', 'json', '--reporter-json-export', 'g.json');
  assert.equal(theirs.code, 1);
  assert.deepEqual([ours.code, ours.stdout, ours.stderr], [1, '', '']);
  const [n, g] = [await f.json('n.json'), await f.json('g.json')];
  assert.deepEqual(essence(g), essence(n));
  assert.equal((await stat(join(f.dir, 'g.json'))).mode & 0o777, 0o600); // T49
  assert.deepEqual(Object.keys(n).filter((k) => !(k in g)), []);
  assert.deepEqual(Object.keys(n.run).filter((k) => !(k in g.run)), []);
  const timings = Object.keys(n.run.timings);
  assert.deepEqual(Object.keys(g.run.timings).sort(), timings.sort());
});

test('bodies are text, base64, or newman\'s arrays of bytes', async (t) => {
  const dir = await tempDir(t);
  const url = await serve(t, (req, res) => res.end(req.url === '/text' ? 'gr\u00fc\u00df' : Buffer.from([0xff, 0, 1])));
  await writeFile(join(dir, 'c.json'), JSON.stringify({ info: { name: 'b' }, item: [
    { name: 'text', request: `${url}/text` }, { name: 'bytes', request: `${url}/bytes` }] }));
  const streams = async (...more) => {
    const { code } = await run(['run', 'c.json', '-r', 'json', '--reporter-json-export', 'r.json', ...more], { env: envOf(dir), cwd: dir });
    assert.equal(code, 0);
    const report = JSON.parse(await readFile(join(dir, 'r.json'), 'utf8'));
    return report.run.executions.map((e) => e.response.stream);
  };
  assert.deepEqual(await streams(), [{ type: 'text', data: 'gr\u00fc\u00df' }, { type: 'base64', data: '/wAB' }]);
  assert.deepEqual((await streams('--reporter-json-newman-buffers'))[1], { type: 'Buffer', data: [255, 0, 1] });
});

// Newman's words and order, without times, sizes, the banner, and how wide its boxes are.
function lines(text) {
  return text.replace(/\u001b\[[0-9;]*m/g, '').split('\n').map((l) => l
    .replace(/^(newman|gatepost)$/, 'BANNER').replace(/, [\d.]+k?B, [\d.]+[mµ]?s\]/, ', SIZE, TIME]')
    .replace(/: [\d.]+k?B \(approx\)/, ': SIZE (approx)').replace(/[\d.]+(ms|s|µs)/g, 'TIME').trim())
    .filter((l) => l && !/^[┌├└│].*[─┐┤┘│]$/.test(l));
}

test('the cli reporter shows what newman shows, in its order', async (t) => {
  const f = await fixture(t);
  const theirs = lines((await f.newman('-n', '2')).stdout);
  const ours = lines((await f.gatepost('-n', '2')).stdout);
  const split = (all) => [all.findIndex((l) => /^#.*failure/.test(l))].map((i) => [all.slice(0, i), all.slice(i + 1).join(' ').replace(/\s+/g, ' ')]);
  const [[ourRun, ourFailures]] = split(ours);
  const [[theirRun, theirFailures]] = split(theirs);
  assert.deepEqual(ourRun, theirRun);
  // Newman leaves out which request could not be sent; we name it, and where a script threw.
  const plain = (text) => text.replaceAll(/iteration: \d+ |\[GP-\S+\] ?|:\d+:\d+(?= inside)/g, '').replaceAll('inside "third"', 'inside ""')
    .replaceAll(/hint: nothing listens there: .*?gatepost up ?/g, '').trim();
  assert.equal(plain(ourFailures), plain(theirFailures));
});

test('the summary counts', async (t) => {
  const f = await fixture(t);
  const { stdout } = await f.gatepost('-n', '2');
  const count = (label) => stdout.match(new RegExp(`${label} │\\s+(\\d+) │\\s+(\\d+) │`)).slice(1).map(Number);
  assert.deepEqual(count('iterations'), [2, 0]);
  assert.deepEqual(count('requests'), [8, 2]);
  assert.deepEqual(count('assertions'), [10, 4]);
  assert.match(stdout, /total run duration: [\d.]+m?s/);
});

test('no colour where nobody looks, and none with NO_COLOR or --color off', async (t) => {
  const f = await fixture(t);
  assert.doesNotMatch((await f.gatepost()).stdout, /\u001b/);
  assert.match((await f.gatepost('--color', 'on')).stdout, /\u001b\[32m/);
  assert.doesNotMatch((await f.gatepost('--color', 'off')).stdout, /\u001b/);
});

test('--silent, --disable-unicode and the cli reporter\'s own options', async (t) => {
  const f = await fixture(t);
  assert.equal((await f.gatepost('--silent')).stdout, '');
  assert.doesNotMatch((await f.gatepost('--disable-unicode')).stdout, /[^\x00-\x7f]/);
  const bare = (await f.gatepost('--reporter-cli-no-summary', '--reporter-cli-no-failures', '--reporter-cli-no-banner',
    '--reporter-cli-no-console', '--reporter-cli-no-success-assertions')).stdout;
  assert.doesNotMatch(bare, /gatepost|total run|failure|before|is ok/);
  assert.match(bare, /1\. fails/);
  const verbose = (await f.gatepost('--verbose')).stdout;
  assert.match(verbose, /200 OK ★ \d+ms time ★/);
  assert.match(verbose, /application\/json/);
});

// The parts of the common JUnit schema (Jenkins') that reports use: order of elements, required attributes.
const JUNIT_XSD = `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
<xs:complexType name="problem" mixed="true">
  <xs:attribute name="type" type="xs:string"/><xs:attribute name="message" type="xs:string"/></xs:complexType>
<xs:element name="testsuites"><xs:complexType>
  <xs:sequence><xs:element ref="testsuite" minOccurs="0" maxOccurs="unbounded"/></xs:sequence>
  <xs:attribute name="name" type="xs:string"/><xs:attribute name="time" type="xs:decimal"/>
  <xs:attribute name="tests" type="xs:nonNegativeInteger"/><xs:attribute name="failures" type="xs:nonNegativeInteger"/>
  <xs:attribute name="errors" type="xs:nonNegativeInteger"/><xs:attribute name="skipped" type="xs:nonNegativeInteger"/>
</xs:complexType></xs:element>
<xs:element name="testsuite"><xs:complexType><xs:sequence>
  <xs:element name="properties" minOccurs="0"><xs:complexType><xs:sequence>
    <xs:element name="property" maxOccurs="unbounded"><xs:complexType>
      <xs:attribute name="name" type="xs:string" use="required"/><xs:attribute name="value" type="xs:string" use="required"/>
    </xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element>
  <xs:element name="testcase" minOccurs="0" maxOccurs="unbounded"><xs:complexType>
    <xs:choice minOccurs="0"><xs:element name="skipped"/><xs:element name="error" type="problem"/>
      <xs:element name="failure" type="problem"/></xs:choice>
    <xs:attribute name="name" type="xs:string" use="required"/><xs:attribute name="classname" type="xs:string" use="required"/>
    <xs:attribute name="time" type="xs:decimal"/></xs:complexType></xs:element>
  <xs:element name="system-out" type="xs:string" minOccurs="0"/><xs:element name="system-err" type="xs:string" minOccurs="0"/>
  </xs:sequence>
  <xs:attribute name="name" type="xs:string" use="required"/><xs:attribute name="tests" type="xs:nonNegativeInteger" use="required"/>
  <xs:attribute name="failures" type="xs:nonNegativeInteger" use="required"/>
  <xs:attribute name="errors" type="xs:nonNegativeInteger" use="required"/>
  <xs:attribute name="skipped" type="xs:nonNegativeInteger"/><xs:attribute name="time" type="xs:decimal" use="required"/>
  <xs:attribute name="timestamp" type="xs:dateTime" use="required"/>
  <xs:attribute name="id" type="xs:string"/><xs:attribute name="package" type="xs:string"/>
</xs:complexType></xs:element></xs:schema>`;

async function assertJunit(file) {
  await writeFile(`${file}.xsd`, JUNIT_XSD);
  const { code, stderr } = await run(['--noout', '--nonet', '--schema', `${file}.xsd`, file], { program: 'xmllint', env: process.env });
  assert.equal(code, 0, stderr);
}

const elements = (xml, tag) => [...xml.matchAll(new RegExp(`<${tag} ([^>]*?)/?>`, 'g'))].map(([, text]) =>
  Object.fromEntries([...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, k, v]) => [k, v])));
const pick = (list, ...keys) => list.map((x) => Object.fromEntries(keys.map((k) => [k, x[k]])));

test('the JUnit report of one iteration has newman\'s suites and cases, and cases for errors', async (t) => {
  const f = await fixture(t);
  await f.newman('-r', 'junit', '--reporter-junit-export', 'n.xml');
  const { code } = await f.gatepost('-r', 'junit', '--reporter-junit-export', 'g.xml');
  assert.equal(code, 1);
  const [n, g] = await Promise.all(['n.xml', 'g.xml'].map((name) => readFile(join(f.dir, name), 'utf8')));
  await assertJunit(join(f.dir, 'g.xml'));
  const isError = ({ name }) => /^(RequestError|(test|prerequest)ScriptError)$/.test(name);
  assert.deepEqual(pick(elements(g, 'testsuite'), 'name', 'failures', 'errors'),
    pick(elements(n, 'testsuite'), 'name', 'failures', 'errors'));
  assert.deepEqual(pick(elements(g, 'testcase').filter((c) => !isError(c)), 'name', 'classname'), pick(elements(n, 'testcase'), 'name', 'classname'));
  assert.deepEqual(elements(g, 'failure'), elements(n, 'failure'));
  assert.deepEqual(elements(g, 'testcase').filter(isError).map((c) => c.name), ['testScriptError', 'RequestError']);
  assert.deepEqual(pick(elements(g, 'testsuites'), 'tests', 'failures', 'errors', 'skipped'),
    [{ tests: '7', failures: '2', errors: '2', skipped: '1' }]);
});

test('the JUnit report has every iteration and every assertion', async (t) => {
  const f = await fixture(t);
  await f.gatepost('-n', '3', '-r', 'junit', '--reporter-junit-export', 'g.xml');
  await assertJunit(join(f.dir, 'g.xml'));
  const xml = await readFile(join(f.dir, 'g.xml'), 'utf8');
  const suites = elements(xml, 'testsuite').map((s) => s.name);
  assert.equal(suites.length, 12);
  assert.deepEqual(suites.filter((name) => name.startsWith('F / G / first')),
    [1, 2, 3].map((i) => `F / G / first (iteration ${i})`));
  const fails = elements(xml, 'testcase').filter((c) => c.name === 'fails').map((c) => c.classname);
  assert.deepEqual(fails, [1, 2, 3].map((i) => `FGFirst.Iteration${i}`)); // else a CI server shows one of them
  assert.equal(elements(xml, 'testsuites')[0].tests, '21');
});

test('T48: names and bodies can drive neither the terminal nor the XML', async (t) => {
  const dir = await tempDir(t);
  const url = await serve(t, (req, res) => res.writeHead(200, 'O\u001b]0;K'.replace('\u001b', ' ')).end('x'));
  await writeFile(join(dir, 'c.json'), JSON.stringify({ info: { name: '\u001b[2Jclear ]]> & <x' }, item: [{
    name: 'a\u001b]0;title\u0007"><b>', request: `${url}/`,
    event: [script('test', "pm.test('\\u001b[31m]]>\\u0000 \"q\"', () => { throw new Error('\\u001b[2J]]><x>') }); console.log('\\u001b[2J')")] }] }));
  const { stdout } = await run(['run', 'c.json', '-r', 'cli,junit', '--reporter-junit-export', 'g.xml'], { env: envOf(dir), cwd: dir });
  assert.doesNotMatch(stdout, /[\u0000-\u0008\u000b-\u001f\u007f]/);
  const checked = await run(['-c', 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])', join(dir, 'g.xml')],
    { program: '/usr/bin/python3', env: process.env });
  assert.equal(checked.code, 0, checked.stderr);
});

test('exports hold the variables as they are after the run', async (t) => {
  const f = await fixture(t);
  await writeFile(join(f.dir, 'env.json'), JSON.stringify({ id: 'e', name: 'E', values: [{ key: 'c', value: 'see', enabled: true }] }));
  await f.gatepost('-e', 'env.json', '--env-var', 'more=1', '--export-environment', 'out/env.json',
    '--export-collection', 'out/c.json', '--export-globals', 'out/g.json', '--silent');
  const exported = await f.json('out/env.json');
  const values = Object.fromEntries(exported.values.map((v) => [v.key, v.value]));
  assert.equal(exported.name, 'E');
  assert.equal(exported._postman_variable_scope, 'environment');
  assert.equal(values.c, 'see');
  assert.equal(values.more, '1');
  assert.equal(typeof values.seen, 'number');
  assert.equal((await f.json('out/c.json')).variable[0].key, 'url');
  assert.equal((await f.json('out/g.json'))._postman_variable_scope, 'globals');
  assert.equal((await stat(join(f.dir, 'out/env.json'))).mode & 0o777, 0o600);
});

test('T49: a report never goes through a symbolic link, and half of one is never left', async (t) => {
  const f = await fixture(t);
  await writeFile(join(f.dir, 'victim'), 'precious');
  await symlink(join(f.dir, 'victim'), join(f.dir, 'link.json'));
  const { code, stderr } = await f.gatepost('-r', 'json', '--reporter-json-export', 'link.json');
  assert.equal(code, 6);
  assert.match(stderr, /link\.json is a symbolic link.* \[GP-HOME-02\]\n {2}hint: /);
  assert.equal(await readFile(join(f.dir, 'victim'), 'utf8'), 'precious');
  assert.deepEqual((await readdir(f.dir)).filter((n) => /link\.json\../.test(n)), []);
});

test('reports without a name go where newman puts them', async (t) => {
  const f = await fixture(t);
  await f.gatepost('-r', 'json,junit');
  const names = await readdir(join(f.dir, 'newman'));
  assert.equal(names.filter((n) => /^newman-run-report-\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-\d{3}-0\.json$/.test(n)).length, 1);
  assert.equal(names.filter((n) => /\.xml$/.test(n)).length, 1);
  await mkdir(join(f.dir, 'here'));
  await f.gatepost('-r', 'json', '--reporter-json-export', 'here');
  assert.equal((await readdir(join(f.dir, 'here'))).length, 1);
});

test('--folder, --bail, -x and the exit status', async (t) => {
  const f = await fixture(t);
  assert.equal((await f.gatepost('--folder', 'last')).code, 0);
  assert.equal((await f.gatepost('-x')).code, 0);
  const bailed = await f.gatepost('--bail');
  assert.equal(bailed.code, 1);
  assert.doesNotMatch(bailed.stdout, /second|third/);
  const missing = await f.gatepost('--folder', 'nowhere');
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /\[GP-RUN-01\]/);
});

test('a collection can come from a URL', async (t) => {
  const f = await fixture(t);
  const text = await readFile(f.file, 'utf8');
  const url = await serve(t, (req, res) => (req.url === '/c.json' ? res.end(text) : res.writeHead(404).end()));
  const there = await run(['run', `${url}/c.json`, '--folder', 'last'], { env: f.env, cwd: f.dir });
  assert.equal(there.code, 0, there.stderr);
  const gone = await run(['run', `${url}/gone.json`], { env: f.env, cwd: f.dir });
  assert.equal(gone.code, 3);
  assert.match(gone.stderr, /the server answered 404/);
});

test('SIGINT ends the run after the request under way, with its report', async (t) => {
  const dir = await tempDir(t);
  let pid;
  const url = await serve(t, (req, res) => { process.kill(pid, 'SIGINT'); setTimeout(() => res.end('x'), 100); });
  await writeFile(join(dir, 'c.json'), JSON.stringify({ info: { name: 's' }, item: [
    { name: 'one', request: `${url}/1` }, { name: 'two', request: `${url}/2` }] }));
  const { spawn } = await import('node:child_process');
  const { once } = await import('node:events');
  const child = spawn(bin, ['run', 'c.json', '-r', 'json', '--reporter-json-export', 'r.json'], { cwd: dir, env: envOf(dir) });
  pid = child.pid;
  const [status] = await once(child, 'close');
  const report = JSON.parse(await readFile(join(dir, 'r.json'), 'utf8'));
  assert.deepEqual(report.run.executions.map((e) => e.item.name), ['one']);
  assert.equal(status, 1); // a part of a run hasn't passed
});

for (const [what, events] of Object.entries({
  'a server that never answers': [], 'a script that never ends': [script('test', 'while (true) {}')] })) {
  test(`one SIGTERM ends a run at once, with its reports: ${what}`, async (t) => {
    const dir = await tempDir(t);
    let begin;
    const begun = new Promise((resolve) => { begin = resolve; });
    const url = await serve(t, (req, res) => {
      if (req.url === '/hangs') begin();
      if (req.url !== '/hangs' || events.length) res.end();
    });
    await writeFile(join(dir, 'c.json'), JSON.stringify({ info: { name: 's' }, item: [
      { name: 'one', request: `${url}/1` }, { name: 'hangs', request: `${url}/hangs`, event: events },
      { name: 'never', request: `${url}/3` }] }));
    const running = await start(t, ['run', 'c.json', '-r', 'cli,json', '--reporter-json-export', 'r.json'],
      { cwd: dir, env: envOf(dir), ready: /^/ });
    await begun;
    process.kill(running.pid, 'SIGTERM');
    const ended = await running.closed;
    assert.deepEqual([ended.code, ended.signal], [1, null]);
    assert.match(ended.stderr, /^gatepost: stopping at once$/m);
    const report = JSON.parse(await readFile(join(dir, 'r.json'), 'utf8'));
    assert.match(report.run.failures.at(-1).error.message, /interrupted/);
    assert.ok(!report.run.executions.some((e) => e.item.name === 'never'));
  });
}

test('a large download works, its script sees all of it, and --response-limit bounds it', async (t) => {
  const dir = await tempDir(t);
  const piece = Buffer.alloc(1 << 20, 'x');
  const url = await serve(t, (req, res) => { for (let i = 0; i < 70; i++) res.write(piece); res.end(); });
  await writeFile(join(dir, 'c.json'), JSON.stringify({ info: { name: 'c' }, item: [{ name: 'large', request: `${url}/`,
    event: [script('test', "pm.test('whole', () => pm.expect(pm.response.text().length).to.equal(70 << 20))")] }] }));
  const whole = await run(['run', 'c.json'], { cwd: dir, env: envOf(dir) });
  assert.equal(whole.code, 0, whole.stdout);
  const bounded = await run(['run', 'c.json', '--response-limit', '1536k'], { cwd: dir, env: envOf(dir) });
  assert.equal(bounded.code, 1);
  assert.match(bounded.stdout, /the body of the response is larger than 1536 KiB/);
  assert.match(bounded.stdout, /--response-limit 1G/);
});

test('a pipe shows each request as it happens, not all of them at the end', async (t) => {
  const dir = await tempDir(t);
  let release;
  const held = new Promise((go) => { release = go; });
  const url = await serve(t, async (req, res) => {
    if (req.url === '/second') await held;
    res.end('ok');
  });
  await writeFile(join(dir, 'c.json'), JSON.stringify({ info: { name: 'c' }, item: ['first', 'second'].map((name) => ({
    name, request: `${url}/${name}`, event: [script('test', `pm.test('${name} is told', () => {})`)] })) }));
  // Ready while the second request waits: its name stands there, below all that the first one did.
  const running = await start(t, ['run', 'c.json'], { env: envOf(dir), cwd: dir, ready: /\u2713 {2}first is told\n\n\u2192 second\n$/ });
  release();
  const done = await running.closed;
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /second is told/);
});

test('a reader that leaves ends the run, and the call that is under way', async (t) => {
  const dir = await tempDir(t);
  const asked = [];
  let tell;
  const gone = new Promise((go) => { tell = go; });
  const url = await serve(t, async (req, res) => {
    asked.push(req.url);
    if (req.url === '/gone') tell();
    if (asked.filter((path) => path === '/first').length < 2) gone.then(() => res.end('ok')); // then never
  });
  await writeFile(join(dir, 'c.json'), JSON.stringify({ info: { name: 'c' }, item: ['first', 'second'].map((name) => ({
    name, request: `${url}/${name}` })) }));
  const shell = (rest) => run(['-c', `"$0" run c.json -r cli,json --reporter-json-export r.json ${rest}`, bin],
    { program: '/bin/bash', cwd: dir, env: envOf(dir) });
  const left = await shell(`| { head -1; exec <&-; curl -s -o /dev/null ${url}/gone; }; echo "\${PIPESTATUS[0]}"`);
  assert.deepEqual([left.stdout, left.stderr], ['gatepost\n141\n', '']); // what a shell says of SIGPIPE
  assert.deepEqual(asked.toSorted(), ['/first', '/gone']);
  const report = JSON.parse(await readFile(join(dir, 'r.json'), 'utf8'));
  assert.deepEqual(report.run.executions.map((e) => e.item.name), ['first']);
  const full = await shell('> /dev/full'); // nobody answers the call: it is dropped
  assert.equal(full.code, 6);
  assert.match(full.stderr, /the report could not be printed \[GP-SYS-01\]/);
});

test('proxies are those that newman takes from the environment', async (t) => {
  const dir = await tempDir(t);
  const asked = [];
  const proxy = await serve(t, (req, res) => { asked.push(req.url); res.end('from the proxy'); });
  const request = (url) => ({ name: url, request: url });
  await writeFile(join(dir, 'c.json'), JSON.stringify({ info: { name: 'p' }, item: [request('http://plain.invalid/a')] }));
  const rows = [
    [{ HTTP_PROXY: proxy }, 0, ['http://plain.invalid/a']],
    [{ http_proxy: proxy }, 0, ['http://plain.invalid/a']],
    [{ HTTP_PROXY: proxy, NO_PROXY: 'plain.invalid' }, 1, []],
    [{ HTTPS_PROXY: proxy }, 1, []],
  ];
  for (const [more, code, urls] of rows) {
    const args = ['run', 'c.json', '--silent'];
    const theirs = await run([newmanBin, ...args], { env: envOf(dir, more), cwd: dir, program: process.execPath });
    assert.deepEqual([theirs.code, asked.splice(0)], [code, urls], JSON.stringify(more));
    const ours = await run(args, { env: envOf(dir, more), cwd: dir });
    assert.deepEqual([ours.code, asked.splice(0)], [code, urls], JSON.stringify(more));
  }
  // An https URL asks for a tunnel, which this proxy refuses.
  await writeFile(join(dir, 'c.json'), JSON.stringify({ info: { name: 'p' }, item: [request('https://secure.invalid/')] }));
  const tunnel = await run(['run', 'c.json'], { env: envOf(dir, { HTTP_PROXY: proxy }), cwd: dir });
  assert.equal(tunnel.code, 1);
  assert.doesNotMatch(tunnel.stdout, /ENOTFOUND/); // the proxy was asked, not the name service
});

test('closed standard streams are no sockets', async (t) => {
  const f = await fixture(t);
  const shell = async (closed, ...args) => (await run(['-c', `"$0" "$@" ${closed}`, bin, ...args],
    { program: '/bin/sh', cwd: f.dir, env: f.env })).code;
  const only = ['run', f.file, '--folder', 'last'];
  assert.equal(await shell('<&-', ...only), 0);
  assert.equal(await shell('2>&-', ...only), 0);
  assert.equal(await shell('>&-', ...only), 6); // what couldn't be said has failed
  assert.equal(await shell('<&- >&- 2>&-', ...only, '--silent'), 0);
  assert.equal(await shell('>&-', 'version'), 6);
});

test('gatepost.yaml and config.yaml set options, below the command line', async (t) => {
  const dir = await tempDir(t);
  let n = 0;
  const url = await serve(t, (req, res) => { n += 1; res.end('ok'); });
  await writeFile(join(dir, 'c.json'), JSON.stringify({ info: { name: 'c' }, item: [{ name: 'one', request: url }] }));
  await mkdir(join(dir, 'config/gatepost'), { recursive: true });
  const own = 'run: {iteration_count: 5, reporters: [json, junit], disable_unicode: true}\n';
  const project = 'project: {id: my-project}\nrun: {iteration_count: 3, reporters: cli}\n';
  const rows = [
    [null, null, [], 1, '\u2192'],
    [own, null, ['-r', 'cli'], 5, 'Root'],
    [null, project, [], 3, '\u2192'],
    [own, project, [], 3, 'Root'],
    [own, project, ['-n', '2', '--no-disable-unicode'], 2, '\u2192'],
  ];
  for (const [mine, theirs, args, count, symbol] of rows) {
    await writeFile(join(dir, 'config/gatepost/config.yaml'), mine ?? '', { mode: 0o600 });
    await writeFile(join(dir, 'gatepost.yaml'), theirs ?? 'project: {id: my-project}\n');
    n = 0;
    const { code, stdout, stderr } = await run(['run', 'c.json', ...args], { env: envOf(dir), cwd: dir });
    const about = `${mine} ${theirs} ${args}`;
    assert.deepEqual([code, stderr, n], [0, '', count], about);
    assert.ok(stdout.includes(`${symbol} one`), `${about}\n${stdout}`);
    assert.ok(!(await readdir(dir)).includes('newman'), 'the reporters of config.yaml are replaced');
  }
});

test('an identity that is not heeded is told of where a request would have used it', async (t) => {
  const dir = await tempDir(t);
  const url = await serve(t, (req, res) => res.end('ok'));
  await writeFile(join(dir, 'gatepost.yaml'), `project: {id: my-project}
identities: {stranger: {account: stranger@my-project.iam.gserviceaccount.com}}
rules: [{request: "F/as *", identity: stranger}]
`);
  const told = async (name, ...args) => {
    const item = [{ name: 'F', item: [{ name, request: url }, { name, request: url }] }];
    await writeFile(join(dir, 'c.json'), JSON.stringify({ info: { name: 'c' }, item }));
    const { stderr } = await run(['run', 'c.json', ...args], { env: envOf(dir), cwd: dir });
    return stderr.split('\n').filter((line) => /the identity 'stranger' is not heeded/.test(line)).length;
  };
  assert.equal(await told('as tester'), 1);
  assert.equal(await told('plain'), 0);
  assert.equal(await told('plain', '--identity', 'stranger'), 1);
  const who = await run(['whoami'], { env: envOf(dir), cwd: dir });
  assert.doesNotMatch(who.stdout + who.stderr, /stranger/);
});
