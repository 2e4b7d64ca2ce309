// SPDX-License-Identifier: Apache-2.0
// `gatepost doctor`: each way in which a call is refused is told with its cause and its fix, and no
// token is ever part of the telling.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { serve } from './lib.mjs';
import { accessToken, ECHO, idToken, PERSON, reclaimed, stageUp, STRANGER, tampered, TESTER } from './stage.mjs';

const INSIDE = 'https://inside-k2v7xw4mqa-uc.a.run.app';
const OPEN = 'https://open-k2v7xw4mqa-uc.a.run.app';
const gp = await stageUp({ after }, {
  services: {
    inside: { 'run.googleapis.com/ingress': 'internal' },
    open: { 'run.googleapis.com/invoker-iam-disabled': 'true' },
  },
  project: { identities: { nobody: 'none' } },
});
const tokens = [];

/** Asks the doctor, as text and as JSON; a token given to it must be in neither. */
async function doctor(url, args = ['--local'], { token, env } = {}) {
  const more = token === undefined ? [] : ['--token', '-'];
  if (token) tokens.push(...token.replace(/^Bearer |\n/g, '').split('.').filter((part) => part.length > 20));
  const options = { input: token ?? '', env };
  const text = await gp.gatepost(['doctor', url, ...args, ...more], options);
  const json = await gp.gatepost(['doctor', url, ...args, ...more, '--format', 'json'], options);
  assert.equal(text.code, json.code, text.stderr);
  for (const shown of [text.stdout, text.stderr, json.stdout, json.stderr]) {
    for (const part of tokens) assert.ok(!shown.includes(part), 'a part of a token is shown');
    assert.doesNotMatch(shown, /eyJ|ya29\./);
  }
  return { code: text.code, text: text.stdout, stderr: text.stderr, json: json.stdout ? JSON.parse(json.stdout) : {} };
}

const hint = (r) => r.text.match(/\n {2}hint: (.*)/)?.[1];

test('a call that works: whose identity, which audience, both answers', async () => {
  const { code, text, json } = await doctor(`${ECHO}/x`);
  assert.equal(code, 0);
  assert.match(text, new RegExp(`^${ECHO}/x\n {2}trust +${ECHO}, by gatepost up\n {2}caller +${TESTER} by service account key\n` +
    ` {2}token +audience ${ECHO}, \\d+ s old, \\d+ s left\n {2}without +403 Forbidden \\(Cloud Run's answer\\)\n` +
    ' {2}with +200 OK\nthe call works\n$'));
  assert.deepEqual([json.caller, json.audience, json.tokenAudience, json.healthy, json.trusted, json.candidate],
    [TESTER, ECHO, ECHO, true, true, true]);
  assert.deepEqual([json.without.status, json.with.status], [403, 200]);
  assert.match(json.with.trace ?? json.without.trace, /^[0-9a-f]{32}$/);
});

test('a service that asks for no identity works without', async () => {
  const r = await doctor(`${OPEN}/x`, ['--local', '--identity', 'none']);
  assert.deepEqual([r.code, r.json.without.status, r.json.with], [0, 200, undefined]);
  assert.match(r.text, /the call works without identity\n$/);
});

test('403 without identity, and with one that lacks the role', async () => {
  for (const name of ['none', 'nobody']) {
    const r = await doctor(`${ECHO}/x`, ['--local', '--identity', name]);
    assert.deepEqual([r.code, r.json.code, r.json.noCaller], [1, 'GP-IAM-05', 'identity none was chosen']);
    assert.match(r.text, /carried no identity, and the service is private \[GP-IAM-05\]/);
    assert.match(hint(r), /gatepost run --local|gatepost connect/);
  }
  const stranger = await doctor(`${ECHO}/x`, ['--local', '--account', STRANGER]);
  assert.deepEqual([stranger.code, stranger.json.code, stranger.json.caller], [1, 'GP-IAM-04', STRANGER]);
  assert.match(stranger.text, /serviceAccount:stranger@\S+ was recognised, but no binding .* run\.routes\.invoke/);
  assert.match(stranger.text, /\n {2}trail +\S/); // what the service's own trail says
  assert.match(hint(stranger), /in gatepost\.yaml give that account roles: \[roles\/run\.invoker\]/);
});

test('a person of the running up is called with the audience that a user\'s token has', async () => {
  const r = await doctor(`${ECHO}/x`, ['--local', '--account', PERSON]);
  assert.deepEqual([r.code, r.json.caller], [0, PERSON], r.text);
  assert.match(r.json.tokenAudience, /\.apps\.googleusercontent\.com$/);
  assert.match(r.text, /token +audience \S+\.apps\.googleusercontent\.com, /);
});

test('401: each damage of a token is told apart, by --token - and --token FILE', async () => {
  const good = await idToken(gp, 'tester', ECHO);
  const now = Math.floor(Date.now() / 1000);
  const rows = [
    ['wrong audience', await idToken(gp, 'tester', 'https://elsewhere.example'), 'GP-AUD-01',
      /made for 'https:\/\/elsewhere\.example', but this service's audience is 'https:\/\/echo-/],
    ['nearly right', await idToken(gp, 'tester', `${ECHO}/`), 'GP-AUD-01', /letter for letter/],
    ['access token', await accessToken(gp, 'tester'), 'GP-AUTH-03', /an access token was sent, but Cloud Run wants an ID token/],
    ['no JWT', 'two.dots', 'GP-JWT-01', /not a JWT/],
    ['garbage', 'garbage', 'GP-JWT-01', /not a JWT, nor has it the form of Google's access tokens \[/],
    ['expired', reclaimed(good, { iat: now - 7200, exp: now - 3600 }), 'GP-JWT-09', /expired 60 min ago/],
    ['early', reclaimed(good, { iat: now + 7200, exp: now + 9000 }), 'GP-JWT-10', /issued (119|120) min in the future|issued 2 h in the future/],
    ['tampered', tampered(good), 'GP-JWT-06', /its signature is not/],
    ['foreign', reclaimed(good, { iss: 'https://login.example' }), 'GP-OIDC-01', /issuer is 'https:\/\/login\.example'/],
    ['self-signed', reclaimed(good, { iss: TESTER }), 'GP-OIDC-01', /the service account signed itself/],
  ];
  for (const [name, token, id, says] of rows) {
    const r = await doctor(`${ECHO}/x`, ['--local'], { token: `Bearer ${token}\n` });
    assert.equal(r.json.with.status, 401, name);
    assert.deepEqual([name, r.code, r.json.code], [name, 1, id]);
    assert.match(r.text, says, name);
    assert.ok(hint(r), name);
    assert.match(r.text, /\n {2}trail +\S/, name);
  }
  const chosen = await doctor(`${ECHO}/x`, ['--local', '--audiences', 'https://elsewhere.example']);
  assert.deepEqual([chosen.code, chosen.json.code], [1, 'GP-AUD-01']);
  assert.match(hint(chosen), new RegExp(`gatepost token --audience ${ECHO}`));
  const file = join(gp.home, 'token.txt');
  await writeFile(file, good, { mode: 0o600 });
  const works = await doctor(`${ECHO}/x`, ['--local', '--token', file]);
  assert.equal(works.code, 0, works.text);
  assert.match(works.text, new RegExp(`caller +${TESTER} by the token that was given\n {2}token +audience ${ECHO}, \\d+ s old`));
  const absent = await doctor(`${ECHO}/x`, ['--local', '--token', join(gp.home, 'nowhere')]);
  assert.equal(absent.code, 3, absent.stderr);
  assert.match(absent.stderr, /nowhere/);
});

test('404 of the ingress setting is told from the application\'s 404', async () => {
  const inside = await doctor(`${INSIDE}/x`);
  assert.deepEqual([inside.code, inside.json.with.status, inside.json.with.byCloudRun], [1, 404, true]);
  assert.match(inside.text, /no service answers at this address from here: .*ingress/);
  assert.match(hint(inside), /set run\.googleapis\.com\/ingress to all/);
});

test('the application\'s own answer is never taken for Cloud Run\'s', async () => {
  for (const status of [401, 403, 404, 500, 503]) {
    const r = await doctor(`${ECHO}/${status}`);
    assert.deepEqual([r.code, r.json.with.status, r.json.with.byCloudRun, r.json.code], [1, status, false, undefined]);
    assert.match(r.text, new RegExp(`the application itself answered ${status}: it got the call`));
  }
});

test('clock skew is measured by the server\'s Date', async (t) => {
  let shiftMs = 0;
  const page = '<html><head>\n<title>401</title></head><body><h1>Error: Unauthorized</h1>\n<h2>Your client</h2></body></html>';
  const server = await serve(t, (request, response) => response.writeHead(401, {
    date: new Date(Date.now() + shiftMs).toUTCString(), 'www-authenticate': 'Bearer error="invalid_token"' }).end(page));
  const token = reclaimed(await idToken(gp, 'tester', server), { aud: server });
  shiftMs = 3 * 3600_000;
  const behind = await doctor(server, [], { token });
  assert.match(behind.text, /the token expired 2 h ago|the token expired 119 min ago|the token expired 120 min ago/);
  assert.match(behind.text, /this machine's clock is 3 h behind the server's|this machine's clock is 179 min behind/);
  assert.match(hint(behind), /timedatectl/);
  shiftMs = -3 * 3600_000;
  const ahead = await doctor(server, [], { token });
  assert.equal(ahead.json.code, 'GP-JWT-10');
  assert.match(ahead.text, /this machine's clock is 3 h ahead of the server's/);
});

test('unreachable: exit 5, and --local where the running up would serve it', async () => {
  const nowhere = await doctor('http://127.0.0.1:1/x', []);
  assert.deepEqual([nowhere.code, nowhere.text], [5, '']);
  assert.match(nowhere.stderr, /ECONNREFUSED.*\[GP-FET-03\]/);
  const cloud = await doctor(`${ECHO}/x`, [], { env: { https_proxy: 'http://127.0.0.1:1' } });
  assert.equal(cloud.code, 5);
  assert.match(cloud.stderr, /\n {2}hint: gatepost up serves it: call it with --local/);
  const none = await doctor('https://nosuch-k2v7xw4mqa-uc.a.run.app/', ['--local'], { env: { https_proxy: 'http://127.0.0.1:1' } });
  assert.match(none.stderr, /\n {2}hint: no service of the running 'gatepost up' has this URL; it serves: .*\becho\b/);
  const file = join(gp.home, 'numberless.yaml');
  await writeFile(file, 'project: {id: my-project, region: us-central1}\n');
  const connect = await gp.gatepost(['connect', 'nosuch', '--project-file', file]);
  assert.equal(connect.code, 3);
  assert.match(connect.stderr, /has no service 'nosuch' \[GP-HOME-04\]\n {2}hint: it serves: .*\becho\b/);
});

test('an origin that is not trusted is called without identity only', async (t) => {
  const seen = [];
  const page = '<html><body><h1>Error: Forbidden</h1><h2>Your client does not have permission</h2></body></html>';
  const proxy = await serve(t, (request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(403).end(page);
  });
  const url = 'http://svc-abcde12345-uc.a.run.app/';
  const r = await doctor(url, [], { env: { http_proxy: proxy } });
  assert.deepEqual([r.code, r.json.trusted, r.json.candidate, r.json.with], [1, false, true, undefined]);
  assert.match(r.text, /trust +none for http:\/\/svc-abcde12345/);
  assert.match(hint(r), /^call it by https/); // trust would not help here, and would in the cloud
  assert.deepEqual(seen, [undefined, undefined]);
  // A token that is handed in goes where it is said, but never readably over the network.
  const given = await doctor(url, [], { env: { http_proxy: proxy }, token: await idToken(gp, 'tester', ECHO) });
  assert.deepEqual([given.code, given.text, seen.length], [2, '', 2]);
  assert.match(given.stderr, /plain http would show the token to the network \[GP-TRUST-03\]\n {2}hint: use https/);
});

test('what is no URL is told as that', async () => {
  for (const url of ['orders', 'ftp://orders.example', 'https://']) {
    const { code, text, stderr } = await doctor(url, []);
    assert.deepEqual([code, text], [3, ''], url);
    assert.match(stderr, /\[GP-(URI|FET)-\d+\]/, url);
  }
});
