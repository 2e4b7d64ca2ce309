// SPDX-License-Identifier: Apache-2.0
// The injection table, row by row: which request gets which identity. A real `gatepost up` signs and
// verifies; what a service received is what the service wrote down, not what a report says.
import assert from 'node:assert/strict';
import { createServer as createTlsServer } from 'node:https';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { run, serve } from './lib.mjs';
import { claimsOf, ECHO, idToken, PERSON, reclaimed, stageUp, STRANGER, tampered, TESTER } from './stage.mjs';

const UNTRUSTED = 'https://echo-zzzzzzzzzz-uc.a.run.app';
const gp = await stageUp({ after }, {
  project: {
    identities: { stranger: { account: STRANGER }, nobody: 'none' },
    rules: [
      { request: 'by folder/**', identity: 'stranger' },
      { request: 'by request/as nobody', identity: 'nobody' },
      { request: 'by request/as none', identity: 'none' },
      { request: 'by account', identity: STRANGER },
    ],
  },
});
let runs = 0;

/** Runs items as one collection: { code, text, rows, of(name), got(path) }. */
async function calls(items, { args = ['--local'], env, more = {} } = {}) {
  const name = `c${++runs}`;
  await writeFile(join(gp.dir, `${name}.json`), JSON.stringify({ info: { name }, ...more, item: items }));
  const before = (await gp.seen()).length;
  const done = await gp.gatepost(['run', `${name}.json`, ...args, '-r', 'cli,json', '--reporter-json-export', `${name}.out`],
    { env });
  const report = JSON.parse(await readFile(join(gp.dir, `${name}.out`), 'utf8'));
  const seen = (await gp.seen()).slice(before);
  const of = (name) => report.run.executions.find((e) => e.item.name === name);
  // What the service received, as one value for each name.
  const got = (path) => {
    const one = seen.find((s) => s.path === path);
    return one && Object.fromEntries(one.headers);
  };
  return { ...done, of, got, text: done.stdout };
}

const item = (name, url, { header = {}, ...more } = {}) => ({
  name, request: { url, header: Object.entries(header).map(([key, value]) => ({ key, value })), ...more } });
const status = (r, name) => r.of(name).response?.code;
const bearer = (value) => value.replace(/^Bearer /, '');
const caller = (value) => claimsOf(bearer(value)).email;

// ---- row 1: not a candidate -----------------------------------------------------------------------

test('row 1: a request that is no candidate is sent as it is, and nothing is said', async (t) => {
  const seen = [];
  const other = await serve(t, (request, response) => { seen.push(request.headers); response.end(); });
  const r = await calls([item('other', `${other}/x`), item('own', `${other}/y`, { header: { Authorization: 'Basic dTpw' } })]);
  assert.deepEqual([r.code, seen.map((h) => h.authorization)], [0, [undefined, 'Basic dTpw']]);
  assert.ok(seen.every((h) => !('x-serverless-authorization' in h)));
  assert.equal(r.of('other').identity, undefined);
  assert.doesNotMatch(r.text, /identity/);
});

// ---- row 2: not trusted, TLS not verified, plain http ----------------------------------------------

test('row 2: in a pipe a candidate without trust is not sent; the flag is named', async () => {
  const r = await calls([item('echo', `${ECHO}/row2`), item('foreign', `${UNTRUSTED}/x`)]);
  assert.equal(r.code, 1);
  const error = r.of('foreign').requestError;
  assert.equal(error.id, 'GP-TRUST-01');
  assert.match(error.hint, new RegExp(`trust add ${UNTRUSTED} .*trust add zzzzzzzzzz .*--trust`));
  assert.match(r.text, /not sent: GP-TRUST-01/);
  assert.equal(status(r, 'echo'), 200); // the others go on
});

test('row 2: the services of the running up are trusted on this machine only', async () => {
  const r = await calls([item('echo', `${ECHO}/row2-cloud`)], { args: [] });
  assert.deepEqual([r.code, r.of('echo').requestError.id, r.got('/row2-cloud')], [1, 'GP-TRUST-01', undefined]);
});

/** A TLS server of the cloud's side whose certificate is its own; what it got is in `seen`. */
async function tlsServer(t) {
  const files = ['key', 'cert'].map((name) => join(gp.home, `row2-${name}.pem`));
  const made = await run(['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', files[0], '-out', files[1],
    '-subj', '/CN=localhost', '-days', '2', '-addext', 'subjectAltName=IP:127.0.0.1'],
  { program: '/usr/bin/openssl', env: process.env });
  assert.equal(made.code, 0, made.stderr);
  const [key, cert] = await Promise.all(files.map((file) => readFile(file)));
  const seen = [];
  const server = createTlsServer({ key, cert }, (request, response) => { seen.push(request.headers); response.end(); });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.close(); server.closeAllConnections(); });
  return { seen, url: `https://127.0.0.1:${server.address().port}` };
}

test('row 2: a trusted origin whose TLS is not verified gets no identity, by -k and by strictSSL', async (t) => {
  const server = await tlsServer(t);
  const lax = { ...item('lax', `${server.url}/lax`), protocolProfileBehavior: { strictSSL: false } };
  for (const [items, args] of [[[lax], []], [[item('lax', `${server.url}/k`)], ['-k']], [[item('lax', `${server.url}/k`)], ['--insecure']]]) {
    const r = await calls(items, { args: ['--trust', server.url, ...args] });
    assert.equal(status(r, 'lax'), 200, r.text);
    assert.equal(r.of('lax').identity.report, 'no identity: TLS is not verified');
  }
  assert.ok(server.seen.length === 3 && server.seen.every((h) => !h.authorization));
});

test('row 2: plain http off loopback carries no identity, whatever is trusted', async (t) => {
  // A proxy stands for the network: it sees what would go over the wire.
  const seen = [];
  const proxy = await serve(t, (request, response) => { seen.push([request.url, request.headers]); response.end(); });
  const url = ECHO.replace('https', 'http');
  const r = await calls([item('plain', `${url}/x`)],
    { args: ['--trust', 'k2v7xw4mqa', '--trust', ECHO], env: { http_proxy: proxy } });
  assert.equal(status(r, 'plain'), 200, r.text);
  assert.match(r.of('plain').identity.report, /^no identity: plain http would show the token to the network$/);
  assert.deepEqual(seen.map(([at, h]) => [at, h.authorization]), [[`${url}/x`, undefined]]);
});

// ---- row 3: no identity is wanted ----------------------------------------------------------------

const noauth = { auth: { type: 'noauth' } };

test('row 3: noauth of a request, a folder or the collection, and identity none by rule', async () => {
  const r = await calls([
    item('request', `${ECHO}/n1`, noauth),
    { name: 'folder', ...noauth, item: [item('in it', `${ECHO}/n2`)] },
    { name: 'by request', item: [item('as nobody', `${ECHO}/n3`), item('as none', `${ECHO}/n4`), item('as itself', `${ECHO}/n5`)] },
  ]);
  for (const [name, why] of [['request', 'auth is noauth'], ['in it', 'auth is noauth'],
    ['as nobody', 'identity none was chosen'], ['as none', 'identity none was chosen']]) {
    assert.equal(status(r, name), 403, name);
    assert.equal(r.of(name).identity.report, `no identity: ${why}`);
  }
  assert.equal(status(r, 'as itself'), 200);
  assert.deepEqual(['/n1', '/n2', '/n3', '/n4'].map(r.got), [undefined, undefined, undefined, undefined]);
  const whole = await calls([item('inherits', `${ECHO}/n6`)], { more: noauth });
  assert.equal(status(whole, 'inherits'), 403);
});

test('row 3: --identity none for the whole run, and noauth reaches an untrusted origin plainly', async (t) => {
  const r = await calls([item('x', `${ECHO}/n7`)], { args: ['--local', '--identity', 'none'] });
  assert.deepEqual([status(r, 'x'), r.of('x').identity.report], [403, 'no identity: identity none was chosen']);
  // The proxy refuses to tunnel: the request went as far as it could.
  const proxy = await serve(t, (request, response) => response.end());
  const sent = await calls([item('y', `${UNTRUSTED}/`, noauth)], { args: [], env: { https_proxy: proxy } });
  assert.notEqual(sent.of('y').requestError?.id, 'GP-TRUST-01');
  assert.equal(sent.of('y').identity.report, 'no identity: auth is noauth');
});

// ---- row 4: the request's own token --------------------------------------------------------------

test('row 4: a token of Google\'s issuer stays as it is, and a 401 is explained', async () => {
  const good = await idToken(gp, 'tester', ECHO);
  const wrong = await idToken(gp, 'tester', 'https://elsewhere.example');
  const now = Math.floor(Date.now() / 1000);
  const expired = reclaimed(good, { iat: now - 7200, exp: now - 3600 });
  const own = (token) => ({ header: { Authorization: `Bearer ${token}` } });
  const r = await calls([
    item('valid', `${ECHO}/o1`, own(await idToken(gp, 'stranger', ECHO))),
    item('good', `${ECHO}/o2`, own(good)),
    item('tampered', `${ECHO}/o3`, own(tampered(good))),
    item('expired', `${ECHO}/o4`, own(expired)),
    item('wrong audience', `${ECHO}/o5`, own(wrong)),
    item('lower case', `${ECHO}/o6`, { header: { authorization: `bearer ${tampered(good)}` } }),
    { name: 'by auth', request: { url: `${ECHO}/o7`, auth: { type: 'bearer', bearer: [{ key: 'token', value: tampered(good) }] } } },
  ]);
  for (const name of ['valid', 'good', 'tampered', 'expired', 'wrong audience', 'lower case', 'by auth']) {
    assert.equal(r.of(name).identity.report, 'the request\'s own Google token stays', name);
  }
  assert.equal(status(r, 'valid'), 403); // the stranger's: nobody put the tester's in its place
  assert.equal(bearer(r.got('/o2').authorization), good);
  for (const [name, why] of [['tampered', /so its signature is not/], ['expired', /the token expired 60 min ago/],
    ['wrong audience', /made for 'https:\/\/elsewhere\.example', but this service's audience is 'https:\/\/echo-/],
    ['lower case', /so its signature is not/], ['by auth', /so its signature is not/]]) {
    assert.equal(status(r, name), 401, name);
    assert.match(r.of(name).identity.explanation, why, name);
    assert.match(r.of(name).identity.explanation, /\nfix: .*gatepost token --audience/, name);
    assert.match(r.text, why, name);
  }
  assert.ok(!r.text.includes(good) && !r.text.includes(good.split('.')[2]));
});

test('row 4: X-Serverless-Authorization of the request stays, beside whatever Authorization it has', async () => {
  const good = await idToken(gp, 'tester', ECHO);
  const r = await calls([
    item('valid', `${ECHO}/s1`, { header: { 'X-Serverless-Authorization': `Bearer ${good}`, Authorization: 'Basic dTpw' } }),
    item('nonsense', `${ECHO}/s2`, { header: { 'x-serverless-authorization': 'Bearer nonsense' } }),
  ]);
  assert.deepEqual([status(r, 'valid'), status(r, 'nonsense')], [200, 401]);
  for (const name of ['valid', 'nonsense']) {
    assert.equal(r.of(name).identity.report, 'the request\'s own X-Serverless-Authorization stays');
  }
  assert.equal(r.got('/s1').authorization, 'Basic dTpw');
  assert.equal(caller(r.got('/s1')['x-serverless-authorization']), TESTER);
});

// ---- rows 5 to 7: inject -------------------------------------------------------------------------

test('row 5: an empty Authorization or an unresolved variable is replaced, with a warning', async () => {
  const unresolved = (value) => ({ header: { Authorization: value } });
  const r = await calls([
    item('empty', `${ECHO}/u1`, unresolved('')),
    item('blank', `${ECHO}/u2`, unresolved('  ')),
    item('variable', `${ECHO}/u3`, unresolved('Bearer {{token}}')),
    { name: 'by auth', request: { url: `${ECHO}/u4`, auth: { type: 'bearer', bearer: [{ key: 'token', value: '{{token}}' }] } } },
  ]);
  for (const [at, name] of ['empty', 'blank', 'variable', 'by auth'].entries()) {
    assert.equal(status(r, name), 200, name);
    assert.equal(caller(r.got(`/u${at + 1}`).authorization), TESTER);
    assert.equal(r.got(`/u${at + 1}`)['x-serverless-authorization'], undefined);
    assert.match(r.of(name).identity.warning, /Authorization was empty or held an unresolved variable/);
  }
});

test('row 6: the application\'s own Authorization arrives, and identity goes beside it', async () => {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const foreign = `${encode({ alg: 'RS256' })}.${encode({ iss: 'https://login.example' })}.c2ln`;
  const rows = [
    ['basic', 'Basic dTpw'], ['foreign', `Bearer ${foreign}`], ['opaque', 'Bearer s3cret-of-the-app'],
    ['scheme', 'ApiKey 42'], ['alone', 'nothing-but-a-word'],
  ];
  const r = await calls([
    ...rows.map(([name, value]) => item(name, `${ECHO}/a/${name}`, { header: { Authorization: value } })),
    { name: 'by auth', request: { url: `${ECHO}/a/auth`, auth: { type: 'basic',
      basic: [{ key: 'username', value: 'u' }, { key: 'password', value: 'p' }] } } },
  ]);
  for (const [name, value] of [...rows, ['auth', 'Basic dTpw']]) {
    const got = r.got(`/a/${name}`);
    assert.equal(got?.authorization, value, name);
    assert.equal(caller(got['x-serverless-authorization']), TESTER, name);
    assert.match(got['x-serverless-authorization'], /\.SIGNATURE_REMOVED_BY_GOOGLE$/, name);
  }
});

test('row 7: no Authorization: the identity is there, for this service\'s audience', async () => {
  const r = await calls([item('x', `${ECHO}/i1`)]);
  const claims = claimsOf(bearer(r.got('/i1').authorization));
  assert.deepEqual([claims.email, claims.aud, claims.iss], [TESTER, ECHO, 'https://accounts.google.com']);
  assert.deepEqual(r.of('x').identity, { principal: TESTER, source: 'service account key', audience: ECHO,
    tokenAgeSeconds: r.of('x').identity.tokenAgeSeconds, local: true,
    report: 'identity in Authorization (trusted by gatepost up)' });
  assert.match(r.text, /as tester@\S+ \(service account key, audience https:\/\/echo-\S+, \d+ s old\)/);
});

test('no script and no report holds the token that the service received', async () => {
  const r = await calls([{ ...item('x', `${ECHO}/i3`), event: [{ listen: 'test', script: { exec: [
    'console.log(JSON.stringify(pm.request.headers.all()), JSON.stringify(pm.request))'] } }] }]);
  const token = bearer(r.got('/i3').authorization);
  assert.equal(token.split('.').length, 3);
  for (const text of [r.stdout, r.stderr, JSON.stringify(r.of('x'))]) assert.ok(!text.includes(token.slice(0, 40)));
});

// ---- who calls ------------------------------------------------------------------------------------

test('--identity, --account and rules by folder and request choose who calls', async () => {
  const folder = { name: 'by folder', item: [item('of it', `${ECHO}/w1`), { name: 'deeper', item: [item('below', `${ECHO}/w2`)] }] };
  const r = await calls([folder, item('free', `${ECHO}/w3`)]);
  assert.deepEqual(['of it', 'below', 'free'].map((name) => status(r, name)), [403, 403, 200]);
  assert.deepEqual(['of it', 'below', 'free'].map((name) => r.of(name).identity.principal), [STRANGER, STRANGER, TESTER]);
  const named = await calls([item('by account', `${ECHO}/w6`)]);
  assert.equal(named.of('by account').identity.principal, STRANGER);
  const rows = [
    [['--identity', 'stranger'], STRANGER, 403], [['--identity', STRANGER], STRANGER, 403],
    [['--account', STRANGER], STRANGER, 403], [['--account', PERSON], PERSON, 200],
    [['--account', TESTER, '--identity', 'stranger'], STRANGER, 403],
  ];
  for (const [args, principal, code] of rows) {
    const one = await calls([item('x', `${ECHO}/w4`)], { args: ['--local', ...args] });
    assert.deepEqual([one.of('x').identity.principal, status(one, 'x')], [principal, code], args.join(' ') + one.text);
  }
  const nobody = await calls([item('x', `${ECHO}/w5`)], { args: ['--local', '--account', 'other@example.com'] });
  assert.equal(nobody.of('x').requestError.id, 'GP-CRED-05');
  assert.match(nobody.of('x').requestError.hint, /known: .*tester@/);
});

test('--impersonate-service-account asks the local IAM, which decides', async () => {
  const of = (email, ...more) => calls([item('x', `${ECHO}/p-${email.split('@')[0]}`)],
    { args: ['--local', '--impersonate-service-account', email, ...more] });
  const allowed = await of(STRANGER);
  assert.deepEqual([allowed.of('x').identity.principal, status(allowed, 'x')], [STRANGER, 403], allowed.text);
  assert.match(allowed.of('x').identity.source, /impersonation/);
  const refused = await of(TESTER, '--account', STRANGER);
  assert.match(refused.of('x').requestError.message, /IAM answered 403 to impersonating tester@.* as stranger@/);
  assert.match(refused.of('x').requestError.hint, /^in gatepost\.yaml let the policy of the account tester@\S+ give serviceAccount:stranger@\S+ roles\/iam\.serviceAccount(OpenId)?TokenCreator/);
  const unheeded = await gp.gatepost(['doctor', '--local', `${ECHO}/p`], { env: { CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT: STRANGER } });
  assert.match(unheeded.stdout, /with +200/);
  assert.equal(refused.got('/p-tester'), undefined);
});

test('--audiences mints for another audience, which the service refuses', async () => {
  const r = await calls([item('x', `${ECHO}/au`)], { args: ['--local', '--audiences', 'https://other.example'] });
  assert.deepEqual([status(r, 'x'), r.of('x').identity.audience], [401, 'https://other.example']);
  assert.match(r.of('x').identity.explanation, /made for 'https:\/\/other\.example'/);
});

// ---- §1: trust --------------------------------------------------------------------------------------

test('trust by flag, by variable and by the store, and what it doesn\'t reach', async (t) => {
  const proxy = await serve(t, (request, response) => response.end());
  const origin = 'https://svc-abcde12345-uc.a.run.app';
  const sent = async (args, env = {}) => {
    const r = await calls([item('x', `${origin}/`)], { args, env: { https_proxy: proxy, ...env } });
    return r.of('x').requestError.id;
  };
  // Trusted: what is missing then is a credential, or the network; never trust.
  assert.equal(await sent([]), 'GP-TRUST-01');
  assert.equal(await sent(['--trust', 'other12345']), 'GP-TRUST-01');
  for (const [args, env] of [[['--trust', 'abcde12345']], [['--trust', origin]], [['--trust', 'other12345', '--trust', origin]],
    [[], { GATEPOST_TRUST: `other12345,${origin}` }]]) {
    assert.notEqual(await sent(args, env), 'GP-TRUST-01', args.join(' '));
  }
  await gp.gatepost(['trust', 'add', 'abcde12345']);
  assert.notEqual(await sent([]), 'GP-TRUST-01');
  await gp.gatepost(['trust', 'remove', 'abcde12345']);
  assert.equal(await sent([]), 'GP-TRUST-01');
});

test('T38_a_project_is_trusted_for_origins_that_are_known_before_any_script', async () => {
  const origin = 'https://svc-abcde12345-uc.a.run.app';
  const built = { name: 'built', request: '{{host}}/', event: [{ listen: 'prerequest',
    script: { exec: [`pm.environment.set('host', '${origin}')`] } }] };
  const byProject = await calls([built], { args: ['--trust', 'abcde12345'] });
  assert.equal(byProject.of('built').requestError.id, 'GP-TRUST-01');
  assert.match(byProject.of('built').requestError.message, /built by a script or a response/);
  const literal = await calls([item('literal', `${origin}/`)], { args: ['--trust', 'abcde12345'] });
  assert.notEqual(literal.of('literal').requestError.id, 'GP-TRUST-01');
  const exact = await calls([built], { args: ['--trust', origin] });
  assert.notEqual(exact.of('built').requestError.id, 'GP-TRUST-01');
});

test('a user\'s token of the running up comes by the refresh grant, and its report tells its real audience', async () => {
  const r = await calls([item('x', `${ECHO}/user`)], { args: ['--local', '--account', PERSON] });
  const claims = claimsOf(bearer(r.got('/user').authorization));
  assert.equal(claims.email, PERSON);
  assert.match(claims.aud, /\.apps\.googleusercontent\.com$/);
  const { source, audience, warning } = r.of('x').identity;
  assert.deepEqual([source, audience, warning], ['user credentials', claims.aud, undefined]);
});

test('a user\'s token needs its exact origin, and the warning says why', async (t) => {
  const seen = [];
  const server = await serve(t, (request, response) => { seen.push(request.headers.authorization); response.end(); });
  const tools = join(gp.home, 'tools');
  await mkdir(tools);
  // gcloud as it answers for a person: a token whose audience is gcloud itself.
  const user = reclaimed(await idToken(gp, 'tester', ECHO), { email: 'joe@example.com', aud: '32555940559.apps.googleusercontent.com' });
  await writeFile(join(tools, 'gcloud'), `#!/bin/sh\necho ${user}\n`, { mode: 0o755 });
  const env = { PATH: `${tools}:${process.env.PATH}`, CLOUDSDK_CORE_ACCOUNT: 'joe@example.com' };
  const byProject = await calls([item('x', 'https://svc-abcde12345-uc.a.run.app/')], { args: ['--trust', 'abcde12345'], env });
  assert.equal(byProject.of('x').requestError.id, 'GP-TRUST-02');
  assert.match(byProject.of('x').requestError.message, /could be replayed against every service/);
  assert.match(byProject.of('x').requestError.hint, /--impersonate-service-account EMAIL.*--trust https:\/\/svc-/);
  const exact = await calls([item('x', `${server}/`)], { args: ['--trust', server], env });
  assert.deepEqual([status(exact, 'x'), seen], [200, [`Bearer ${user}`]], exact.text);
  assert.equal(exact.of('x').identity.principal, 'joe@example.com');
  assert.match(exact.of('x').identity.warning, /user's token/);
});
