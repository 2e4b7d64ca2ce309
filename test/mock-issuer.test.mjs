// SPDX-License-Identifier: Apache-2.0
// Identities against oauth2-mock-server, whose answers can be bent: what a client does with an issuer
// that errs, and a run that sends the tokens to a service.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Events, OAuth2Server } from 'oauth2-mock-server';
import { browse, claims, login, person, SECRET } from './identities.mjs';
import { minted, serve } from './lib.mjs';

async function setUp(t, { more } = {}) {
  let who;
  const server = new OAuth2Server();
  t.after(async () => {
    await who.gatepost(['logout', 'me']);
    await server.stop();
  });
  await server.issuer.keys.generate('RS256');
  await server.start(0, '127.0.0.1');
  server.issuer.url = `http://127.0.0.1:${server.address().port}`;
  const issuer = server.issuer.url;
  const tokens = [];
  server.service.on(Events.BeforeResponse, ({ body }) => {
    for (const one of [body.access_token, body.id_token]) if (one) { minted(one); tokens.push(one); }
  });
  who = await person(t, {
    bot: { oauth: { grant: 'client_credentials', issuer, client_id: 'bot', client_secret: { env: 'HUSH' }, scope: 'read' } },
    me: { oauth: { grant: 'authorization_code', issuer, client_id: 'cli', scope: 'openid offline_access', token: 'id' } },
  }, { env: { HUSH: SECRET }, more });
  return { server, issuer, tokens, ...who };
}

test('oauth2-mock-server gives a client its tokens, and failures that pass are tried again', async (t) => {
  const { server, issuer, token, gatepost } = await setUp(t);
  assert.equal(claims(await token('bot')).iss, issuer);
  let asked = 0;
  server.service.on(Events.BeforeResponse, (response) => {
    if (asked++ === 0) Object.assign(response, { statusCode: 503, body: {} });
  });
  await token('bot');
  assert.equal(asked, 2);
  server.service.on(Events.BeforeResponse, (response) => {
    Object.assign(response, { statusCode: 400, body: { error: 'invalid_scope', error_description: 'not that one' } });
  });
  const { code, stderr } = await gatepost(['token', '--identity', 'bot']);
  assert.equal(code, 4);
  assert.match(stderr, /invalid_scope: not that one \[GP-CRED-04\]\n {2}hint: ask for other scopes, .*'read'/);
});

test('oauth2-mock-server signs a person in, and T23 an ID token of somebody else isn\'t taken', async (t) => {
  const { server, token, gatepost, ...who } = await setUp(t);
  const end = await login(t, who, ['me'], browse);
  assert.deepEqual([end.code, end.stdout], [0, 'signed in: me as johndoe\n']);
  assert.equal(claims(await token('me')).sub, 'johndoe');
  server.service.on(Events.BeforeTokenSigning, ({ payload }) => { payload.sub = 'mallory'; });
  const other = await gatepost(['token', '--identity', 'me']);
  assert.deepEqual([other.code, other.stdout], [5, '']);
  assert.match(other.stderr, /somebody else's .*\[GP-CRED-09\]\n {2}hint: gatepost logout me/);
  assert.match((await gatepost(['logout', 'me'])).stdout, /the issuer revoked the sign-in/);
});

test('T29 an ID token without this sign-in\'s nonce ends it', async (t) => {
  const { server, gatepost, ...who } = await setUp(t);
  server.service.on(Events.BeforeTokenSigning, ({ payload }) => { if (payload.nonce) payload.nonce = 'another'; });
  const end = await login(t, who, ['me'], browse);
  assert.equal(end.code, 5);
  assert.match(end.stderr, /its nonce isn't ours \[GP-CRED-09\]/);
  assert.match((await gatepost(['token', '--identity', 'me'])).stderr, /\[GP-CRED-11\]/); // nothing was kept
});

test('a run sends an issuer\'s token to the origin that is trusted by name, and to no other', async (t) => {
  const seen = [];
  const service = await serve(t, (request, response) => {
    seen.push(request.headers.authorization);
    response.end('ok');
  });
  const { tokens, gatepost, home } = await setUp(t);
  const file = join(home, 'c.json');
  await writeFile(file, JSON.stringify({ info: { name: 'c' }, item: [{ name: 'one', request: `${service}/a` }] }));
  const without = await gatepost(['run', file, '--identity', 'bot']);
  assert.equal(without.code, 0, without.stderr); // no candidate for identity
  assert.deepEqual(seen, [undefined]);
  const trusted = await gatepost(['run', file, '--identity', 'bot', '--trust', service]);
  assert.equal(trusted.code, 0, trusted.stdout);
  assert.deepEqual(seen.slice(1), [`Bearer ${tokens.at(-1)}`]);
  assert.match(trusted.stdout, /as bot \(OAuth 2 client/);
  assert.match(trusted.stdout, /an OAuth 2 client's token: whoever receives it can use it wherever it is taken/);
});
