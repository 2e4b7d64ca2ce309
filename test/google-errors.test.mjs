// SPDX-License-Identifier: Apache-2.0
// The errors of Google's token endpoint and of IAM credentials, row by row as clients get them:
// people search for these words.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateKeyPair, importPKCS8, SignJWT } from 'jose';
import { accessToken, stageUp, STRANGER, TESTER } from './stage.mjs';

const CLOUD = 'https://www.googleapis.com/auth/cloud-platform';
const WINDOW = 'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. ' +
  'Check your iat and exp values in the JWT claim.';
const now = () => Math.floor(Date.now() / 1000);

// What is changed of a good assertion, and what the answer is; no error: it is granted.
const grants = [
  ['a good one', {}],
  ['Google\'s own name as the audience', { aud: 'https://oauth2.googleapis.com/token' }],
  ['times as texts', { iat: `${now()}`, exp: `${now() + 600}` }],
  ['issued up to five minutes ahead', { iat: now() + 290, exp: now() + 3000 }],
  ['undecodable', { text: 'nonsense' }, 'invalid_request', 'Bad Request'],
  ['a bad signature', { forged: true }, 'invalid_grant', 'Invalid JWT Signature.'],
  ['another algorithm', { alg: 'PS256' }, 'invalid_grant', 'Invalid JWT Signature.'],
  ['an unknown issuer', { iss: `nobody@${TESTER.split('@')[1]}` }, 'invalid_grant', 'Invalid grant: account not found'],
  ['no iat', { iat: undefined }, 'invalid_grant', 'Invalid JWT: iat (issued at) is not set.'],
  ['no exp', { exp: undefined }, 'invalid_grant', 'Invalid JWT: exp (expiration time) is not set.'],
  ['expired', { iat: now() - 7000, exp: now() - 3600 }, 'invalid_grant', WINDOW],
  ['longer than an hour', { exp: now() + 7200 }, 'invalid_grant', WINDOW],
  ['no scope', { scope: '' }, 'invalid_scope', 'Invalid OAuth scope or ID token audience provided.'],
  ['another audience', { aud: 'https://example.com/token' }, 'invalid_grant', 'Invalid JWT: Failed audience check.'],
];

test('the JWT bearer grant, row by row', async (t) => {
  const gp = await stageUp(t);
  const file = await gp.key('tester');
  const stranger = (await generateKeyPair('RS256')).privateKey;
  for (const [what, { text, forged, alg = 'RS256', ...changed }, error, error_description] of grants) {
    const claims = { iss: TESTER, scope: CLOUD, aud: gp.addresses.token_url, iat: now(), exp: now() + 600, ...changed };
    const assertion = text ?? await new SignJWT(JSON.parse(JSON.stringify(claims))).setProtectedHeader({ alg })
      .sign(forged ? stranger : await importPKCS8(file.private_key, alg));
    const answer = await fetch(gp.addresses.token_url, { method: 'POST',
      body: new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }) });
    const body = await answer.json();
    assert.equal(answer.status, error ? 400 : 200, `${what}: ${JSON.stringify(body)}`);
    if (error) assert.deepEqual(body, { error, error_description }, what);
    else assert.deepEqual([body.token_type, body.expires_in, body.access_token.slice(0, 5)], ['Bearer', 3599, 'ya29.'], what);
  }
});

const access = { scope: [CLOUD] };
const id = { audience: 'https://orders.example' };
// Who asks (null: nobody, a text: that bearer), of whom, what; status, RPC status and the message.
const calls = [
  ['tester', STRANGER, 'generateAccessToken', { ...access, lifetime: '600s', delegates: null }, 200],
  ['tester', STRANGER, 'generateIdToken', { ...id, includeEmail: 'true', useEmailAzp: true }, 200],
  ['tester', STRANGER, 'signJwt', { payload: '{"sub":"x"}' }, 200],
  ['tester', STRANGER, 'signBlob', { payload: 'eA==' }, 200],
  ['tester', STRANGER, 'generateAccessToken', { ...access, lifetime: '0s' }, 400, 'INVALID_ARGUMENT', /greater than zero/],
  ['tester', STRANGER, 'generateAccessToken', { ...access, lifetime: '3601s' }, 400, 'INVALID_ARGUMENT',
    /constraints\/iam\.allowServiceAccountCredentialLifetimeExtension/],
  ['tester', STRANGER, 'generateAccessToken', {}, 400, 'INVALID_ARGUMENT', /'scope'/],
  ['tester', STRANGER, 'generateIdToken', {}, 400, 'INVALID_ARGUMENT', /'audience'/],
  ['tester', STRANGER, 'signJwt', { payload: { sub: 'x' } }, 400, 'INVALID_ARGUMENT', /'payload'/],
  ['tester', STRANGER, 'signBlob', { payload: '*' }, 400, 'INVALID_ARGUMENT', /'payload'/],
  ['stranger', TESTER, 'generateAccessToken', access, 403, 'PERMISSION_DENIED', /iam\.serviceAccounts\.getAccessToken/],
  ['stranger', TESTER, 'generateIdToken', id, 403, 'PERMISSION_DENIED', /iam\.serviceAccounts\.getOpenIdToken/],
  ['stranger', TESTER, 'signJwt', { payload: '{}' }, 403, 'PERMISSION_DENIED', /iam\.serviceAccounts\.signJwt/],
  ['stranger', TESTER, 'signBlob', { payload: 'eA==' }, 403, 'PERMISSION_DENIED', /iam\.serviceAccounts\.signBlob/],
  ['stranger', TESTER, 'generateIdToken', { ...id, delegates: [`projects/-/serviceAccounts/${STRANGER}`] }, 403, 'PERMISSION_DENIED',
    /iam\.serviceAccounts\.implicitDelegation/],
  ['tester', `none@${TESTER.split('@')[1]}`, 'generateIdToken', id, 404, 'NOT_FOUND', /Gaia id not found/],
  ['tester', STRANGER, 'generateNothing', {}, 404, 'NOT_FOUND', /Method not found/],
  [null, STRANGER, 'generateIdToken', id, 401, 'UNAUTHENTICATED', /missing required authentication credential/],
  ['ya29.c.never-issued', STRANGER, 'generateIdToken', id, 401, 'UNAUTHENTICATED', /invalid authentication credentials/],
];

test('IAM credentials, row by row', async (t) => {
  const gp = await stageUp(t);
  const base = new URL(gp.addresses.token_url).origin;
  const bearers = { tester: await accessToken(gp, 'tester'), stranger: await accessToken(gp, 'stranger') };
  const call = (who, path, body) => fetch(`${base}/v1/${path}`, { method: 'POST', body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...(who && { authorization: `Bearer ${bearers[who] ?? who}` }) } });
  for (const [who, target, method, body, status, name, message] of calls) {
    const what = `${who} ${method} ${JSON.stringify(body)}`;
    const answer = await call(who, `projects/-/serviceAccounts/${target}:${method}`, body);
    const got = await answer.json();
    assert.equal(answer.status, status, `${what}: ${JSON.stringify(got)}`);
    if (!name) continue;
    assert.deepEqual([got.error.code, got.error.status], [status, name], what);
    assert.match(got.error.message, message, what);
    assert.equal(answer.headers.has('www-authenticate'), status === 401, what);
  }
  const named = await call('tester', `projects/gatepost-demo/serviceAccounts/${STRANGER}:generateIdToken`, id);
  assert.deepEqual([named.status, (await named.json()).error.status], [400, 'INVALID_ARGUMENT']);
});
