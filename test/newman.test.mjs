// SPDX-License-Identifier: Apache-2.0
// gatepost run beside newman: one collection, one server, the same options. What goes over the wire,
// what is counted, what fails and in which order must be the same.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { envOf, root, run, serve, tempDir } from './lib.mjs';

const newman = join(root, 'test/node_modules/newman/bin/newman.js');

function answer(req, res, body) {
  const { pathname } = new URL(req.url, 'http://x');
  const redirect = pathname.match(/^\/to\/(\d+)(\/.*)/);
  if (redirect) {
    res.writeHead(redirect[1], { location: redirect[2], 'set-cookie': `hop${redirect[1]}=1; Path=/` });
    res.end('moved');
  } else if (pathname === '/cookies') {
    res.setHeader('set-cookie', ['a=1; Path=/', 'b=2; Path=/sub', 's=3; Secure; Path=/']);
    res.end('{}');
  } else if (pathname === '/gzip') {
    res.writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'text/plain' });
    res.end(gzipSync('hello'.repeat(100)));
  } else if (pathname === '/none') {
    res.writeHead(204).end();
  } else {
    res.setHeader('content-type', 'application/json');
    res.end(JSON.stringify({ method: req.method, url: req.url, body }));
  }
}

const script = (listen, ...exec) => ({ listen, script: { exec } });
const raw = (text, language) => ({ mode: 'raw', raw: text, ...(language && { options: { raw: { language } } }) });

const collection = (origin) => ({
  info: { name: 'beside newman', schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json' },
  variable: [{ key: 'origin', value: origin }],
  event: [script('prerequest', "pm.variables.set('n', (pm.variables.get('n') || 0) + 1)")],
  item: [
    {
      name: 'plain',
      request: '{{origin}}/plain?q=a b&x={{n}}&row={{row}}',
      event: [script('test',
        "pm.test('good', () => pm.response.to.have.status(200));",
        "pm.test('bad', () => pm.expect(1).to.eql(2)); pm.test.skip('later');")],
    },
    {
      name: 'F',
      item: [{
        name: 'post',
        request: {
          method: 'POST',
          url: '{{origin}}/post',
          header: [{ key: 'X-A', value: '{{n}}' }, { key: 'X-Off', value: '1', disabled: true }],
          body: raw('{"a": {{n}} /* comment */}', 'json'),
        },
        event: [
          script('prerequest', "pm.request.headers.add({ key: 'X-B', value: 'b' })"),
          script('test', "pm.environment.set('answer', pm.response.json())"),
        ],
      }],
      auth: { type: 'basic', basic: [{ key: 'username', value: 'u' }, { key: 'password', value: 'p' }] },
    },
    ...['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD'].map((method) => (
      { name: method, request: { method, url: '{{origin}}/empty' } })),
    {
      name: 'GET with a body',
      protocolProfileBehavior: { disableBodyPruning: true },
      request: { method: 'GET', url: '{{origin}}/body', body: raw('x') },
    },
    { name: 'cookies', request: '{{origin}}/cookies' },
    { name: 'sub', request: { method: 'GET', url: '{{origin}}/sub/x', header: [{ key: 'Cookie', value: 'own=1' }] } },
    ...[301, 302, 303, 307, 308].map((status) => (
      { name: `${status}`, request: { method: 'POST', url: `{{origin}}/to/${status}/after?a=1`, body: raw('zz') } })),
    {
      name: 'form',
      request: {
        method: 'POST',
        url: '{{origin}}/to/307/after',
        body: { mode: 'urlencoded', urlencoded: [{ key: 'a', value: "1 2'" }, { key: 'off', value: '1', disabled: true }] },
      },
    },
    {
      name: 'gzip',
      request: '{{origin}}/gzip',
      event: [script('test', "pm.test('unpacked', () => pm.expect(pm.response.text().length).to.equal(500))")],
    },
    { name: 'no content', request: '{{origin}}/none', event: [script('test', "pm.test('json', () => pm.response.json())")] },
    { name: 'refused', request: 'http://127.0.0.1:1/x', event: [script('test', 'missing.member')] },
    {
      name: 'asks',
      request: '{{origin}}/asks',
      event: [script('test',
        "pm.sendRequest({ url: pm.collectionVariables.get('origin') + '/asked', method: 'POST', header: { Q: '1' },",
        "  body: { mode: 'raw', raw: '{{n}}' } }, (e, r) => {",
        "  pm.test('inside', () => pm.expect(r.code).to.eql(201));",
        '});')],
    },
    {
      name: 'throws',
      request: '{{origin}}/throws',
      event: [script('prerequest', "throw new TypeError('before')"), script('test', '', 'undefinedName()')],
    },
    { name: 'skipped', request: '{{origin}}/skipped', event: [script('prerequest', 'pm.execution.skipRequest()')] },
    { name: 'jumps', request: '{{origin}}/jumps', event: [script('test', "pm.execution.setNextRequest('last')")] },
    { name: 'jumped over', request: '{{origin}}/never' },
    {
      name: 'last',
      request: '{{origin}}/last',
      event: [script('test', "tests['legacy'] = responseCode.code === 200; setTimeout(() => { throw new Error('late') }, 5)")],
    },
  ],
});

/** What a server sees, but for the order of headers and what is random. */
async function recorder(t) {
  const seen = [];
  const origin = await serve(t, async (req, res) => {
    let body = '';
    for await (const piece of req) body += piece;
    const { host, referer, ...headers } = req.headers;
    assert.equal(new URL(`http://${host}`).host, host);
    delete headers['postman-token'];
    seen.push({ method: req.method, url: req.url, headers, referer: referer?.replace(/^[^/]*\/\/[^/]*/, ''), body });
    answer(req, res, body);
  });
  return { seen, origin };
}

/** The parts of a JSON report that don't hang on time, ids and the script engine's wording. */
function essence({ run: r }) {
  const cursor = ({ iteration, position }) => [iteration, position];
  return {
    stats: r.stats,
    failures: r.failures.map(({ error, at, source, cursor: c }) => (
      [error.name, error.message.split('\n')[0], error.test, at.replace(/(-script)(:\d+)+$/, '$1'), source.name, ...cursor(c)])),
    executions: r.executions.map((x) => ([
      x.item.name, ...cursor(x.cursor), x.response?.code, x.response?.status, x.response?.responseSize, x.request.method,
      (x.assertions ?? []).map((a) => [a.assertion, a.skipped, Boolean(a.error)])])),
  };
}

for (const options of [
  [],
  ['-n', '2'],
  ['--bail'],
  ['--folder', 'F', '--folder', 'plain'],
  ['--ignore-redirects'],
  ['-d', 'rows.csv', '-n', '3'],
]) {
  test(`as newman: run ${options.join(' ')}`, async (t) => {
    const home = await tempDir(t);
    const file = (name) => join(home, name);
    await writeFile(file('rows.csv'), 'row,other\n1,x\n"2",y\n');
    const ran = {};
    for (const [name, program, first] of [['newman', process.execPath, [newman]], ['gatepost']]) {
      const { seen, origin } = await recorder(t);
      await writeFile(file('collection.json'), JSON.stringify(collection(origin)));
      const { code, stderr } = await run(
        [...(first ?? []), 'run', 'collection.json', ...options, '-r', 'json', '--reporter-json-export', file(`${name}.json`)],
        { env: envOf(home), cwd: home, program });
      const report = JSON.parse(await readFile(file(`${name}.json`), 'utf8').catch(() => assert.fail(stderr)));
      ran[name] = { code, seen, ...essence(report) };
    }
    assert.ok(ran.newman.seen.length > 0 && ran.newman.executions.length > 0);
    assert.deepEqual(ran.gatepost, ran.newman);
  });
}
