// SPDX-License-Identifier: Apache-2.0
// What collections in the wild rely on, compared with newman on the same collection: the same
// requests, status codes, assertions, script errors and variables afterwards.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { essence, values } from './essence.mjs';
import { envOf, root, run, serve, tempDir } from './lib.mjs';

const newmanBin = join(root, 'test/node_modules/newman/bin/newman.js');

const on = (listen, ...exec) => ({ listen, script: { type: 'text/javascript', exec } });
const item = (name, request, ...event) => ({ name, request, event });
const collection = (...items) => ({
  info: { name: 'parity', schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json' }, item: items });

/** Runs both and compares; returns gatepost's essence and the exported variables. */
async function same(t, document) {
  const dir = await tempDir(t);
  const env = envOf(dir);
  await writeFile(join(dir, 'c.json'), JSON.stringify(document));
  const seen = {};
  for (const [who, options, head] of [['newman', { program: process.execPath }, [newmanBin, 'run']], ['gatepost', {}, ['run', '--show-secrets']]]) {
    const out = (what) => `${who}.${what}.json`;
    const { code, signal, stderr } = await run([...head, 'c.json', '-r', 'json', '--reporter-json-export', out('report'),
      '--export-environment', out('env'), '--export-collection', out('coll')], { env, cwd: dir, ...options });
    assert.equal(signal, null, `${who} died: ${stderr}`);
    const read = async (what) => JSON.parse(await readFile(join(dir, out(what)), 'utf8'));
    seen[who] = { ...essence(await read('report')), code,
      environment: values((await read('env')).values), collection: values((await read('coll')).variable) };
  }
  assert.deepEqual(seen.gatepost, seen.newman);
  return seen.gatepost;
}

const echo = (t) => serve(t, (req, res) => {
  res.writeHead(200, { 'content-type': 'application/json' });
  res.end(JSON.stringify({ url: req.url, items: [{ id: 1 }, { id: 2 }] }));
});

test('URLs are told as they are sent, to reports and to test scripts', async (t) => {
  const url = await echo(t);
  const { executions } = await same(t, collection(
    item('braces', `${url}/a/{{none}}/b c?q={{none}}&z=a b`,
      on('test', "pm.test(pm.request.url.getPathWithQuery(), () => {})")),
    item('path variable', { method: 'GET', url: { raw: `${url}/:id`, protocol: 'http', host: ['127', '0', '0', '1'],
      port: new URL(url).port, path: [':id'], variable: [{ key: 'id', value: 'ü 1' }] } }),
    item('fragment', `${url}/x?a=1#top`)));
  assert.match(executions[0].url, /%7B%7Bnone%7D%7D\/b%20c\?q=/);
});

test('scripts may replace parts of a request by plain values', async (t) => {
  const url = await echo(t);
  const replaced = [
    `pm.request.url = '${url}/other?x=1'`, "pm.request.body = 'xyz'", "pm.request.body = { mode: 'raw', raw: 'zz' }",
    "pm.request.headers = [{ key: 'B', value: '2' }]", 'pm.request.headers = null', "pm.request.url.query = 'a=b'",
    "pm.request.url.path = '/text'", "pm.request.auth = { type: 'basic', basic: [{ key: 'username', value: 'u' }] }",
  ];
  await same(t, collection(...replaced.map((source, i) => item(`${i}`, { method: 'POST', url: `${url}/x`,
    header: [{ key: 'A', value: '1' }], body: { mode: 'raw', raw: 'abc' } }, on('prerequest', source)))));
});

test('a request that cannot be sent is reported, and the run goes on', async (t) => {
  const url = await echo(t);
  const { executions } = await same(t, collection(
    item('by a script', `${url}/x`, on('test',
      "pm.sendRequest('http://127.0.0.1:none/', (e) => pm.test('has an error', () => pm.expect(e).to.not.equal(null)))")),
    item('last', `${url}/y`)));
  assert.deepEqual(executions.at(-1).assertions, []);
});

// What the server got, without what is new in each run or the client's to choose.
const mirror = (t) => serve(t, async (req, res) => {
  let sent = '';
  for await (const piece of req.setEncoding('latin1')) sent += piece;
  const usual = /^(postman-token|user-agent|host|connection|accept.*|cache-control|content-length)$/i;
  const headers = req.rawHeaders.flatMap((h, i, all) => (i % 2 || usual.test(h) ? [] : [[h, all[i + 1]]])).sort();
  res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify([req.method, req.url, headers, sent]));
});
const told = on('test', "pm.test(pm.response.text(), () => {})", "pm.test(JSON.stringify(pm.request.headers.toObject()).replace(/\"Postman-Token\":\"[^\"]*\"/i, ''), () => {})",
  "pm.test(JSON.stringify([pm.request.auth, pm.request.url.toString(), pm.request.url.variables]), () => {})");

test('headers: spellings, disabled ones, beyond ASCII, and what they look like to a test', async (t) => {
  const url = await mirror(t);
  const headers = [{ key: 'k', value: '1' }, { key: 'K', value: '2' }, { key: 'k', value: '3' }, { key: 'off', value: 'x', disabled: true }];
  await same(t, collection(
    item('get', { method: 'GET', url: `${url}/:a/:b.json`, header: [...headers, { key: 'u', value: 'ü' }] }, told),
    item('raw', { method: 'POST', url: url.replace('//', '//u:p w@'), header: headers, body: { mode: 'raw', raw: '{}' }, auth: { type: 'bearer', bearer: [{ key: 'token', value: 't' }] } }, told),
    item('form', { method: 'POST', url, header: [{ key: 'content-type', value: 'mine' }], body: { mode: 'urlencoded', urlencoded: [{ key: 'a', value: 'b' }] } }, told),
    item('signed', { method: 'PUT', url, body: { mode: 'urlencoded', urlencoded: [] }, auth: { type: 'oauth1', oauth1: Object.entries({ consumerKey: 'c', consumerSecret: 's',
      token: 't', tokenSecret: 'ts', signatureMethod: 'HMAC-SHA1', timestamp: '1', nonce: 'n', version: '1.0', addParamsToHeader: false }).map(([key, value]) => ({ key, value, type: typeof value })) } }, told)));
});

test('a script can replace a body and an auth, but not take them away', async (t) => {
  const url = await mirror(t);
  const own = { method: 'POST', url, body: { mode: 'raw', raw: 'x' }, auth: { type: 'apikey', apikey: [{ key: 'key', value: 'k' }, { key: 'value', value: 'v' }, { key: 'in', value: 'query' }] } };
  const inherited = { method: 'POST', url };
  const scripts = ['pm.request.auth = undefined', 'pm.request.authorizeUsing(null)', 'pm.request.body = undefined', "pm.request.authorizeUsing('bearer', { token: 't' })", "pm.request.method = 'put'"];
  const document = collection(...scripts.flatMap((s) => [own, inherited].map((r, i) => item(`${s} ${i}`, r, on('prerequest', s), on('test', 'pm.test(pm.response.text(), () => {})')))));
  document.auth = { type: 'basic', basic: [{ key: 'username', value: 'u' }] };
  document.item.push(item('set above, gone below', inherited, on('prerequest', 'pm.request.authorizeUsing(null)'), on('test', 'pm.test(pm.response.text(), () => {})')));
  document.event = [on('prerequest', "if (pm.info.requestName === 'set above, gone below') pm.request.authorizeUsing('bearer', { token: 'above' })")];
  await same(t, document);
});

test('what a script asked for before it skipped its request is done', async (t) => {
  const url = await mirror(t);
  const { stats } = await same(t, collection(
    item('skips', url, on('prerequest', `pm.sendRequest('${url}/asked', () => pm.test('never', () => {})); pm.execution.skipRequest();`)), item('goes on', url)));
  assert.deepEqual(stats.find(([name]) => name === 'requests').slice(1), [2, 0]);
});

test('types of variables: those of pm.variables last, others are cast by the variable that is there', async (t) => {
  const url = await mirror(t);
  const sets = ['environment', 'globals', 'collectionVariables', 'variables'].flatMap((s) => [`pm.${s}.set('n', '7', 'number')`, `pm.${s}.set('typed', 'x')`, `pm.${s}.set('u', undefined)`, `pm.${s}.set('o', { a: 1 }, 'object')`]);
  const shows = ['environment', 'globals', 'collectionVariables', 'variables'].map((s) => `pm.test(JSON.stringify(pm.${s}.toObject()), () => {})`);
  const document = collection(
    item('set', `${url}/{{u}}`, on('prerequest', ...sets, "pm.test(environment.typed + '', () => {})", "pm.environment.set('later', 1)", "pm.test(String(environment.later), () => {})", ...shows)),
    item('shown', `${url}/{{u}}/{{n}}/{{o}}`, on('test', ...shows, "pm.environment.clear(); pm.environment.set('n', true); pm.globals.unset('typed'); pm.globals.set('typed', 'again')", "pm.test(pm.variables.replaceIn({ '{{n}}': ['{{n}}', '{{none}}'] })['{{n}}'].join(), () => {})")));
  document.variable = [{ key: 'typed', value: 1, type: 'number' }, { key: 'n', value: 2, type: 'number' }];
  await same(t, document);
});

test('one event without a list, and scripts of all forms', async (t) => {
  const url = await echo(t);
  await same(t, collection(
    { name: 'one', request: `${url}/x`, event: on('test', "pm.test('ran', () => {})") },
    { name: 'text', request: `${url}/x`, event: [{ listen: 'test', script: { exec: "pm.test('text', () => {})" } }] },
    { name: 'nothing', request: `${url}/x`, event: [{ listen: 'test', script: { exec: [] } }, { listen: 'prerequest' }] }));
});

test('variables: what JSON has no word for, and what the exported collection holds', async (t) => {
  const url = await echo(t);
  const document = collection(
    item('sets', `${url}/x`, on('prerequest', "pm.environment.set('u', undefined); pm.environment.set('n', null);",
      "pm.environment.set('o', { a: 1 }); pm.collectionVariables.set('v', 'new'); pm.collectionVariables.set('w', 1)")),
    item('reads', `${url}/{{u}}/{{n}}/{{v}}/{{w}}`, on('test', "pm.test('v', () => pm.expect(pm.collectionVariables.get('v')).to.equal('new'))")));
  document.variable = [{ key: 'v', value: 'old' }];
  const { executions, environment, collection: exported } = await same(t, document);
  assert.match(executions[1].url, /\/null\/null\/new\/1\?$/);
  assert.deepEqual([environment.u, environment.n], [null, null]);
  assert.deepEqual(exported, { v: 'old' });
});

test("names of Postman's own can't be declared again at the top of a script", async (t) => {
  const url = await echo(t);
  const declared = ['const data = 1', 'let request = 1', 'const { tests } = {}', 'class pm {}', 'let setTimeout', 'const _ = 1',
    'var data = 1', 'function request() {}', '(() => { const data = 1 })()', '{ let tests = 1 }', 'let mine = pm', 'const datas = 1'];
  const { executions } = await same(t, collection(...declared.map((code) =>
    item(code, `${url}/x`, on('test', `${code};`, "pm.test('ran', () => {})"))),
    item('before', `${url}/x`, on('prerequest', 'let responseBody = 1')), item('after', `${url}/x`, on('test', 'let responseBody = 1'))));
  assert.deepEqual(executions.filter((e) => e.errors.length).map((e) => e.name), [...declared.slice(0, 6), 'after']);
});

test('the first script API and its libraries', async (t) => {
  const url = await echo(t);
  await same(t, collection(item('legacy', `${url}/x`,
    on('prerequest', "postman.setEnvironmentVariable('sum', CryptoJS.SHA256(request.url.slice(-2)).toString())"),
    on('test', "const body = JSON.parse(responseBody);",
      "tests['code'] = responseCode.code === 200; tests['has'] = responseBody.has('items'); tests['false'] = responseBody.has('nothing');",
      "tests['ids ' + _.pluck(body.items, 'id')] = true; tests['type'] = postman.getResponseHeader('Content-Type') === 'application/json';",
      "tests['schema'] = tv4.validate(body, { required: ['url'] }); tests[xml2Json('<a><b>c</b></a>').a.b] = true;",
      "tests[require('moment').utc(0).format()] = 1; tests[String(new (require('ajv'))().validate({ type: 'array' }, body))] = 1;"))));
});
