// SPDX-License-Identifier: Apache-2.0
// The community's pre-request scripts that sign a JWT with a service account's key and trade it for
// a token, unchanged: they load a library for browsers as text, from a variable or from a server.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { jwtVerify } from 'jose';
import { envOf, root, run, serve, tempDir } from './lib.mjs';

const modules = join(root, 'test/node_modules');
const libraries = {
  jsrsasign: await readFile(join(modules, 'jsrsasign/lib/jsrsasign-all-min.js'), 'utf8'),
  forge: await readFile(join(modules, 'node-forge/dist/forge.min.js'), 'utf8'),
};
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });

const trade = `
const trade = (assertion) => pm.sendRequest({ url: pm.environment.get('base') + '/token', method: 'POST',
  header: { 'Content-Type': 'application/x-www-form-urlencoded' },
  body: { mode: 'urlencoded', urlencoded: [{ key: 'grant_type', value: 'urn:ietf:params:oauth:grant-type:jwt-bearer' },
    { key: 'assertion', value: assertion }] } }, (err, res) => {
  if (err) throw err;
  pm.environment.set('token', res.json().id_token);
});
const now = Math.floor(Date.now() / 1000);
const claims = { iss: 'caller@p.iam.gserviceaccount.com', aud: pm.environment.get('base') + '/token', target_audience: 'https://a.run.app',
  iat: now, exp: now + 3600 };
const key = pm.environment.get('private_key');`;

const sign = 'trade(KJUR.jws.JWS.sign(null, JSON.stringify({ alg: "RS256", typ: "JWT" }), JSON.stringify(claims), key));';
const base64url = `const url64 = (text) => text.replace(/=+$/, '').replace(/\\+/g, '-').replace(/\\//g, '_');`;

const scripts = {
  'jsrsasign in a variable': `var navigator = {}; var window = {}; eval(pm.globals.get('jsrsasign'));${trade}${sign}`,
  'jsrsasign in the global object': `navigator = {}; window = {}; eval(pm.globals.get('jsrsasign'));${trade}
const jwt = new KJUR.jws.JWS(); const prv = KEYUTIL.getKey(key);
trade(KJUR.jws.JWS.sign('RS256', { alg: 'RS256' }, claims, prv));`,
  'jsrsasign from a server': `${trade}
pm.sendRequest(pm.environment.get('base') + '/jsrsasign.js', (err, res) => {
  const window = {}, navigator = {};
  eval(res.text());
  ${sign}
});`,
  'jsrsasign as a function': `${trade}
const load = new Function('window', 'navigator', pm.globals.get('jsrsasign') + '; return { KJUR, KEYUTIL };');
const { KJUR } = load({}, {});
${sign}`,
  'forge from a server': `${trade}${base64url}
pm.sendRequest(pm.environment.get('base') + '/forge.js', (err, res) => {
  const window = {};
  eval(res.text());
  const { forge } = window;
  const part = (o) => url64(forge.util.encode64(forge.util.encodeUtf8(JSON.stringify(o))));
  const input = part({ alg: 'RS256', typ: 'JWT' }) + '.' + part(claims);
  const md = forge.md.sha256.create();
  md.update(input, 'utf8');
  trade(input + '.' + url64(forge.util.encode64(forge.pki.privateKeyFromPem(key).sign(md))));
});`,
};

async function world(t) {
  const w = { assertions: [], authorized: [] };
  w.base = await serve(t, async (req, res) => {
    const name = req.url.slice(1).replace('.js', '');
    if (libraries[name]) return res.end(libraries[name]);
    if (req.url !== '/token') {
      w.authorized.push(req.headers.authorization);
      return res.end('{}');
    }
    let text = '';
    for await (const piece of req) text += piece;
    w.assertions.push(new URLSearchParams(text).get('assertion'));
    return res.writeHead(200, { 'content-type': 'application/json' }).end('{"id_token": "traded"}');
  });
  return w;
}

async function send(t, w, script) {
  const dir = await tempDir(t);
  const values = (o) => JSON.stringify({ name: 'v', values: Object.entries(o).map(([key, value]) => ({ key, value, enabled: true })) });
  await writeFile(join(dir, 'e.json'), values({ base: w.base, private_key: pem }));
  await writeFile(join(dir, 'g.json'), values({ jsrsasign: libraries.jsrsasign }));
  await writeFile(join(dir, 'c.json'), JSON.stringify({ info: { name: 'jwt', schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json' },
    item: [{ name: 'call', request: { url: `${w.base}/orders`, header: [{ key: 'Authorization', value: 'Bearer {{token}}' }] },
      event: [{ listen: 'prerequest', script: { exec: script.split('\n') } }] }] }));
  return run(['run', 'c.json', '-e', 'e.json', '-g', 'g.json'], { env: envOf(dir), cwd: dir });
}

for (const [name, script] of Object.entries(scripts)) {
  test(`a script signs a JWT and trades it: ${name}`, async (t) => {
    const w = await world(t);
    const r = await send(t, w, script);
    assert.equal(r.code, 0, r.stdout);
    assert.deepEqual(w.authorized, ['Bearer traded'], r.stdout);
    const { payload } = await jwtVerify(w.assertions[0], publicKey, { audience: `${w.base}/token` });
    assert.equal(payload.target_audience, 'https://a.run.app');
  });
}

test('a script signs with crypto-js, which needs no loading', async (t) => {
  const w = await world(t);
  const r = await send(t, w, `${trade}${base64url}
const part = (o) => url64(CryptoJS.enc.Base64.stringify(CryptoJS.enc.Utf8.parse(JSON.stringify(o))));
const input = part({ alg: 'HS256', typ: 'JWT' }) + '.' + part(claims);
trade(input + '.' + url64(CryptoJS.enc.Base64.stringify(CryptoJS.HmacSHA256(input, 'shared'))));`);
  assert.equal(r.code, 0, r.stdout);
  await jwtVerify(w.assertions[0], Buffer.from('shared'), { issuer: 'caller@p.iam.gserviceaccount.com' });
});
