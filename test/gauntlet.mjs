// SPDX-License-Identifier: Apache-2.0
// The stage of the gauntlet: a running `gatepost up` whose every minted token is known, a Google of
// the test's own, and servers that want what they must not get. An attack is a collection between
// two honest requests: the first has a token minted, so that there is something to steal, and the
// last shows that the run went on. Whatever it left behind is searched.
import assert from 'node:assert/strict';
import { createSign, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { importPKCS8, SignJWT } from 'jose';
import { filesBelow, Tokens } from './leaks.mjs';
import { envOf, minted, root, run, serve, startUp, tempDir } from './lib.mjs';

export const ORDERS = 'https://orders-k2v7xw4mqa-uc.a.run.app';
export const DOMAIN = 'gatepost-demo.iam.gserviceaccount.com';

const bodyOf = async (message) => {
  const pieces = [];
  for await (const piece of message) pieces.push(piece);
  return Buffer.concat(pieces).toString('latin1');
};

// ---- collections --------------------------------------------------------------------------------

/** A request of a collection; `pre` and `test` are its scripts. */
export function item(name, request, { pre, test } = {}) {
  const event = Object.entries({ prerequest: pre, test }).filter(([, source]) => source)
    .map(([listen, source]) => ({ listen, script: { type: 'text/javascript', exec: source.split('\n') } }));
  return { name, request, event };
}

export const header = (fields) => Object.entries(fields).map(([key, value]) => ({ key, value }));

function know(tokens, token) {
  tokens.add(token);
  minted(token);
}

// ---- servers ------------------------------------------------------------------------------------

/** The token endpoint of an `up`, by way of us: what it mints is known from then on. */
async function recorder(t, up, tokens) {
  return serve(t, async (request, response) => {
    const form = new URLSearchParams(await bodyOf(request));
    const claims = JSON.parse(Buffer.from(form.get('assertion').split('.')[1], 'base64url'));
    const file = up.accounts.find((a) => a.email === claims.iss).key_file;
    const key = JSON.parse(await readFile(file, 'utf8'));
    // Signed for us; the real endpoint wants its own name in it.
    form.set('assertion', await new SignJWT({ ...claims, aud: up.token_url })
      .setProtectedHeader({ alg: 'RS256', kid: key.private_key_id })
      .sign(await importPKCS8(key.private_key, 'RS256')));
    const answer = await fetch(up.token_url, { method: 'POST', body: form });
    const text = await answer.text();
    const { id_token: id, access_token: access } = JSON.parse(text);
    for (const token of [id, access]) if (token) know(tokens, token);
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(text);
  });
}

/** A metadata server that mints for every audience: the credential of runs against the cloud. */
async function google(t, tokens) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const base = await serve(t, (request, response) => {
    const url = new URL(request.url, 'http://m');
    response.setHeader('metadata-flavor', 'Google');
    if (request.headers['metadata-flavor'] !== 'Google') return response.writeHead(403).end();
    if (url.pathname.endsWith('/email')) return response.end(`cloud@${DOMAIN}`);
    const now = Math.floor(Date.now() / 1000);
    const text = `${encode({ alg: 'RS256', kid: 'k', typ: 'JWT' })}.${encode({
      iss: 'https://accounts.google.com', aud: url.searchParams.get('audience'), sub: '1',
      email: `cloud@${DOMAIN}`, iat: now, exp: now + 3600 })}`;
    const token = `${text}.${createSign('sha256').update(text).sign(privateKey, 'base64url')}`;
    know(tokens, token);
    return response.end(token);
  });
  return new URL(base).host;
}

/**
 * Sends back what it got, in the form that the path asks for; `/to/STATUS/URL` redirects. `seen` has
 * every request whole, also those to others that came by way of it as a proxy.
 */
export async function echo(t, make = createServer) {
  const seen = [];
  const server = make(async (request, response) => {
    const fields = request.rawHeaders.join('\n');
    const body = await bodyOf(request);
    const token = (request.headers['x-serverless-authorization'] ?? request.headers.authorization ?? '')
      .replace('Bearer ', '');
    const [, form, status, ...rest] = request.url.split('/');
    seen.push(`${request.method} ${request.url}\n${fields}\n\n${body}`);
    if (form === 'to') return response.writeHead(Number(status), { location: decodeURIComponent(rest.join('/')) }).end();
    const forms = {
      plain: () => fields,
      percent: () => [...token].map((c) => `%${c.charCodeAt(0).toString(16)}`).join(''),
      json: () => `"${[...token].map((c) => `\\u00${c.charCodeAt(0).toString(16)}`).join('')}"`,
      base64: () => ['', 'a', 'ab'].map((lead) => Buffer.from(lead + fields).toString('base64')).join('\n'),
      base64url: () => Buffer.from(fields).toString('base64url'),
      wrapped: () => Buffer.from(fields).toString('base64').replaceAll(/(.{76})/g, '$1\r\n'),
    };
    if (form === 'headers') {
      response.writeHead(401, `No ${token}`, { 'x-echo': token, 'set-cookie': `stolen=${token}`,
        'www-authenticate': `Bearer error="${token}"` });
    }
    if (form !== 'pieces') return response.end((forms[form] ?? forms.plain)());
    for (const piece of fields.match(/.{1,9}/gs)) response.write(piece);
    return response.end();
  });
  server.on('connect', (request, socket) => {
    seen.push(`CONNECT ${request.url}\n${request.rawHeaders.join('\n')}`);
    socket.end('HTTP/1.1 502 No\r\n\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.close(); server.closeAllConnections(); });
  return { port: server.address().port, url: `http://127.0.0.1:${server.address().port}`, seen };
}

// ---- the stage ----------------------------------------------------------------------------------

const ECHO_SERVICE = `
import http.server, os
class Echo(http.server.BaseHTTPRequestHandler):
  def do_GET(self):
    body = str(self.headers).encode()
    self.send_response(200)
    self.send_header('Content-Length', str(len(body)))
    self.end_headers()
    self.wfile.write(body)
  def log_message(self, *a): print('asked', self.headers, flush=True)
http.server.ThreadingHTTPServer(('127.0.0.1', int(os.environ['PORT'])), Echo).serve_forever()
`;

async function checkout(dir) {
  await cp(join(root, 'examples/orders'), dir, { recursive: true });
  const file = join(dir, 'gatepost.yaml');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace('token_lifetime: 5s', 'token_lifetime: 1h')
    .replace('  - service.yaml', '  - service.yaml\n  - echo.json'));
  await writeFile(join(dir, 'echo.py'), ECHO_SERVICE);
  await writeFile(join(dir, 'echo.json'), JSON.stringify({
    apiVersion: 'serving.knative.dev/v1', kind: 'Service', metadata: { name: 'echo' },
    spec: { template: { spec: { containers: [{ command: ['python3', 'echo.py'] }] } } },
  }));
}

// The address file and key files, with the recorder in place of the token endpoint.
async function record(t, home, up, tokens) {
  const file = join(home, 'gatepost/up.json');
  const tokenUrl = `${await recorder(t, up, tokens)}/token`;
  const accounts = [];
  for (const account of up.accounts) {
    const copy = join(home, `${account.email}.json`);
    if (account.key_file) {
      const key = JSON.parse(await readFile(account.key_file, 'utf8'));
      await writeFile(copy, JSON.stringify({ ...key, token_uri: tokenUrl }), { mode: 0o600 });
    }
    accounts.push({ ...account, key_file: account.key_file && copy });
  }
  await writeFile(file, JSON.stringify({ ...up, token_url: tokenUrl, accounts }), { mode: 0o600 });
}

/** Sets the stage for a file of tests; `t` has its after(). */
export async function gauntlet(t) {
  const home = await tempDir(t);
  const dir = join(home, 'orders');
  const tokens = new Tokens();
  const env = envOf(home);
  await checkout(dir);
  const running = await startUp(t, [dir], { env });
  const up = JSON.parse(await readFile(join(home, 'gatepost/up.json'), 'utf8'));
  await record(t, home, up, tokens);
  const attacker = await echo(t);
  const trusted = await echo(t);
  const cloud = { GCE_METADATA_HOST: await google(t, tokens) };
  const stage = { home, dir, env, up, running, tokens, attacker, trusted, cloud, count: 0 };
  return { ...stage, attack: (items, options) => attack(stage, items, options) };
}

// Everything that anybody could read afterwards; what an earlier attack left was read then.
async function assertNoToken(stage, dir, output) {
  const texts = [...Object.entries(output), ['up', stage.running.out.stdout + stage.running.out.stderr],
    ['the attacker', stage.attacker.seen.join('\n')]];
  for await (const file of filesBelow(stage.home, (path) => !/\/attack-\d+$/.test(path) || path === dir)) texts.push(file);
  for (const [where, text] of texts) {
    const found = stage.tokens.in(text);
    assert.equal(found, undefined, `${where} holds a token`);
  }
}

const honest = (url) => [
  item('before', `${url}/orders`, { test: "pm.test('before', () => pm.response.to.have.status(200));" }),
  item('after', `${url}/orders`, { test: "pm.test('after', () => pm.response.to.have.status(200));" }),
];

/**
 * Runs items between the honest ones: { code, stdout, stderr, report, dir, say(name) }. `more` are
 * members of the collection, `files` what lies beside it, `stock` makes what files can't. With `cloud` the test's Google signs, and
 * the honest requests go to the trusted echo server.
 */
async function attack(stage, items, { args = [], more = {}, files = {}, env = {}, cloud = false,
  goesOn = true, minted = true, stock } = {}) {
  const dir = join(stage.home, `attack-${++stage.count}`);
  const before = stage.tokens.minted;
  const [first, last] = honest(cloud ? stage.trusted.url : ORDERS);
  await mkdir(dir, { mode: 0o700 });
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), text);
  }
  await stock?.(dir);
  await writeFile(join(dir, 'c.json'), JSON.stringify({
    info: { name: 'c', schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json' },
    ...more, item: [first, ...items, last] }));
  const where = cloud ? ['--trust', stage.trusted.url] : ['--local'];
  const done = await run(['run', 'c.json', ...where, '-r', 'cli,json,junit', '--verbose',
    '--reporter-json-export', 'r.json', '--reporter-junit-export', 'r.xml', ...args],
  { env: { ...stage.env, ...(cloud ? stage.cloud : {}), ...env }, cwd: dir });
  await assertNoToken(stage, dir, { stdout: done.stdout, stderr: done.stderr });
  assert.doesNotMatch(done.stderr, /AddressSanitizer|runtime error/);
  assert.ok(!minted || stage.tokens.minted > before, 'nothing was minted: there was nothing to steal');
  let report;
  try { report = JSON.parse(await readFile(join(dir, 'r.json'), 'utf8')); } catch { /* it never ran */ }
  const rows = report?.run.executions ?? [];
  if (goesOn) {
    assert.deepEqual([rows[0]?.response?.code, rows.at(-1)?.item.name, rows.at(-1)?.response?.code],
      [200, 'after', 200], done.stdout + done.stderr);
  }
  const of = (name) => rows.find((e) => e.item.name === name);
  const error = (name) => of(name)?.requestError ?? {};
  return { ...done, dir, report, rows, of, error };
}
