// SPDX-License-Identifier: Apache-2.0
// The same collection, run by newman 6.2.2 and by gatepost against one server: what arrives is the
// same, byte by byte, but for the place of Host, Content-Type and Content-Length and what is random.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { envOf, root, run, tempDir } from './lib.mjs';

const schema = 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json';
const raw = (text, language) => ({ mode: 'raw', raw: text, ...(language && { options: { raw: { language } } }) });
const post = (body, header = []) => ({ method: 'POST', url: '{{base}}/', header, body });
const get = (path, more = {}) => ({ url: `{{base}}${path}`, ...more });
const auth = (type, params) => ({ auth: { type, [type]: Object.entries(params).map(([key, value]) => ({ key, value })) } });
const typed = (value) => [{ key: 'Content-Type', value }];
const url = (parts) => ({ url: { host: ['{{base}}'], ...parts } });
const mine = { header: [{ key: 'authorization', value: 'mine' }] };

const requests = {
  'own headers': get('/a', { header: [
    { key: 'X-A', value: 'v' }, { key: 'x-a', value: 'w' }, { key: 'D', value: 'd', disabled: true },
    { key: '{{k}}', value: '{{v}}' }, { key: 'user-agent', value: 'me' }, { key: 'accept', value: 'x' }] }),
  'headers as text': get('/', { header: ['X-A: b', 'X-C:d'] }),
  'a post without a body': { method: 'post', url: '{{base}}/' },
  'raw': post(raw('text')),
  'raw json': post(raw('{\n // one\n "a": "x//y", /* two */ "b": "q\\"/*z*/"\n}', 'json')),
  'raw xml': post(raw('<a/>', 'xml')),
  'raw html': post(raw('<p>', 'html')),
  'raw javascript': post(raw('1', 'javascript')),
  'raw of an own type': post(raw('{"a": 1} // x'), typed('application/vnd.x+json')),
  'raw filled in': post(raw('{"a": "{{v}}", "b": "{{none}}"}')),
  'a body of GET': { ...post(raw('x')), method: 'GET' },
  'a body of DELETE': { ...post(raw('x')), method: 'DELETE' },
  'urlencoded': post({ mode: 'urlencoded', urlencoded: [
    { key: 'a b', value: "!'()*~-_. +&=" }, { key: 'n', value: null }, { key: 'd', value: '1', disabled: true },
    { key: 'é', value: '€' }, { key: 'a b', value: '2' }, { key: '', value: 'no name' }] }),
  'urlencoded of another type': post({ mode: 'urlencoded', urlencoded: [{ key: 'a', value: '{{v}}' }] }, typed('text/x')),
  'form': post({ mode: 'formdata', formdata: [
    { key: 't', value: '{{v}}' }, { key: 'c', value: '{}', contentType: 'application/json' },
    { key: 'f', type: 'file', src: 'a.txt' }, { key: 'm', type: 'file', src: ['a.txt', 'b.json'] },
    { key: 'e', type: 'file', src: '' }, { key: 'd', value: 'x', disabled: true }] }),
  'form with a boundary': post({ mode: 'formdata', formdata: [{ key: 't', value: 'v' }] },
    typed('multipart/form-data; boundary=abc')),
  'file of an own type': post({ mode: 'file', file: { src: 'b.json' } }, typed('a/b')),
  'graphql': post({ mode: 'graphql', graphql: { query: '{ a }', operationName: 'O', variables: '{"x": 1}' } }),
  'graphql without variables': post({ mode: 'graphql', graphql: { query: '{ a }', variables: '' } }),
  'basic': get('/', { ...auth('basic', { username: 'ü', password: 'p:w' }), ...mine }),
  'bearer': get('/', { ...auth('bearer', { token: '{{v}}' }), ...mine }),
  'api key': get('/', { ...auth('apikey', { key: 'X-K', value: 'v' }), ...mine }),
  'api key in the query': get('/?a=1', auth('apikey', { key: 'a', value: 'v 1&', in: 'query' })),
  'path variables': url({ path: ['a', ':id', ':no', ':x.json'],
    variable: [{ key: 'id', value: '1/2 é' }, { key: 'x', value: '{{v}}' }] }),
  'query parts': url({ path: 'a/b', query: [
    { key: 'q', value: 'a&b#c=d' }, { key: 'k=&#', value: 'v' }, { key: 'n', value: null },
    { key: 'd', value: 'x', disabled: true }, { key: '{{q}}', value: '{{w}}' }] }),
  'a value that brings parts': get('/{{p}}'),
  'what is encoded': get("/[x]|^~`{}\\z %zz%41%c3%a9?[x]|^~`{}\\z%zz+' "),
  'dots and slashes': get('/./a/../b//c'),
};
const inherit = {
  'inherited': get('/'),
  'not inherited': get('/', { auth: { type: 'noauth' } }),
};

const variables = (base) => Object.entries({ base, k: 'X-K', v: 'val', q: 'x&y', w: '1=2&3#4', p: 'a/b?c=d&e#f' })
  .map(([key, value]) => ({ key, value }));

/** Keeps each request as it came, one a connection. */
async function recorder(t) {
  const seen = [];
  const server = createServer((socket) => {
    let text = '';
    socket.on('error', () => {});
    socket.setEncoding('latin1').on('data', (part) => {
      text += part;
      const end = text.indexOf('\r\n\r\n') + 4;
      const length = Number(/^content-length: (\d+)/im.exec(text.slice(0, end))?.[1] ?? 0);
      if (end < 4 || text.length < end + length) return;
      seen.push(text);
      text = '';
      socket.end('HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { base: `http://127.0.0.1:${server.address().port}`, take: () => seen.splice(0) };
}

// newman puts the body's own headers here or there, by the mode of the body.
function normal(text) {
  const end = text.indexOf('\r\n\r\n');
  const lines = text.slice(0, end).replace(/^Postman-Token: [\da-f-]{36}/m, 'Postman-Token: UUID').split('\r\n');
  const ofBody = (line) => /^content-(type|length):/i.test(line);
  const others = lines.filter((line) => !ofBody(line) && !/^host:/i.test(line));
  return [...others, ...lines.filter(ofBody).sort(), '', text.slice(end + 4)].join('\n').replace(/-{26}\d{24}/g, 'BOUNDARY');
}

test('newman and gatepost send the same requests', async (t) => {
  const dir = await tempDir(t);
  const server = await recorder(t);
  const items = (of) => Object.entries(of).map(([name, request]) => ({ name, request }));
  const names = Object.keys({ ...requests, ...inherit });
  const folder = { name: 'folder', ...auth('bearer', { token: '{{v}}' }), item: items(inherit) };
  await writeFile(join(dir, 'c.json'), JSON.stringify({ info: { name: 'c', schema }, item: [...items(requests), folder] }));
  await writeFile(join(dir, 'e.json'), JSON.stringify({ values: variables(server.base) }));
  await writeFile(join(dir, 'a.txt'), 'AAA');
  await writeFile(join(dir, 'b.json'), '{"b":1}');
  const args = ['run', join(dir, 'c.json'), '-e', join(dir, 'e.json'), '--working-dir', dir];

  const ours = await run(args, { env: envOf(dir) });
  const sent = server.take();
  const theirs = await run([join(root, 'test/node_modules/newman/bin/newman.js'), ...args],
    { env: envOf(dir), program: process.execPath });
  const wanted = server.take();
  assert.equal(theirs.code, 0, theirs.stdout);
  assert.equal(ours.code, 0, ours.stdout + ours.stderr);
  assert.equal(wanted.length, names.length);
  names.forEach((name, i) => assert.equal(normal(sent[i] ?? ''), normal(wanted[i]), name));
  assert.equal(sent.length, names.length);
});
