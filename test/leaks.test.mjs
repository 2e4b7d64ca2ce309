// SPDX-License-Identifier: Apache-2.0
// The search for tokens finds them in every form, and takes nothing else for one.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Tokens } from './leaks.mjs';
import { root, run, tempDir } from './lib.mjs';

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const made = (claims) => `${encode({ alg: 'RS256', kid: 'k' })}.${encode(claims)}.${randomBytes(256).toString('base64url')}`;
const token = made({ iss: 'https://accounts.google.com', aud: 'a' });
const [head, claims, signature] = token.split('.');
const hexed = (lead, text) => [...text].map((c) => `${lead}${c.charCodeAt(0).toString(16)}`).join('');

const hidden = {
  'the token': token,
  'its first 24 bytes of signature': signature.slice(0, 24),
  'some 24 bytes of signature': `${signature.slice(77, 101)}..`,
  'its last 24 bytes of signature': `..${signature.slice(-24)}`,
  'percent-encoded': hexed('%', token),
  'a part, percent-encoded': hexed('%', signature.slice(9, 33)),
  'escaped as JSON may': hexed('\\u00', token),
  'base64, first alignment': btoa(token),
  'base64, second alignment': btoa(`a${token}`),
  'base64, third alignment': btoa(`ab${token}`),
  'base64 of a part': btoa(`a${signature.slice(50, 79)}`),
  'base64 in the alphabet of URLs': Buffer.from(`?${token}`).toString('base64url'),
  'base64, percent-encoded': encodeURIComponent(btoa(`?>${token}`)),
};

for (const [what, text] of Object.entries(hidden)) {
  test(`a known token is found: ${what}`, () => {
    const tokens = new Tokens();
    tokens.add(token);
    assert.ok(tokens.in(`before ${text} behind`));
  });
}

test('an unknown token of Google\'s issuer is found by its shape, encoded too', () => {
  const tokens = new Tokens();
  for (const text of [token, hexed('%', token), btoa(token), btoa(`a${token}`), btoa(`ab${token}`), Buffer.from(token).toString('base64url')]) {
    assert.ok(tokens.in(text), text.slice(0, 40));
  }
});

test('an access token is found by its shape', () => {
  assert.ok(new Tokens().in(`{"access_token":"ya29.c.${randomBytes(48).toString('base64url')}"}`));
});

test('a token is found behind runs of megabytes', () => {
  const long = 'eyJ'.repeat(8 << 20);
  for (const text of [`${long} ${token}`, `${long} ${btoa(token)}`, `${' '.repeat(24 << 20)}${btoa(token)}`]) {
    assert.ok(new Tokens().in(text));
  }
  assert.equal(new Tokens().in(long), undefined);
});

test('the search of the suite fails where a token lies, and doesn\'t print it', async (t) => {
  const dir = await tempDir(t);
  const planted = join(dir, 'files/deep/report.json');
  const search = () => run([join(root, 'test/search.mjs'), dir], { program: process.execPath, env: process.env });
  await mkdir(join(dir, 'files/deep'), { recursive: true });
  await writeFile(join(dir, 'output-1'), 'nothing\n');
  const clean = await search();
  assert.deepEqual([clean.code, clean.stdout.startsWith('1 outputs and files')], [0, true], clean.stdout);
  for (const [known, text] of [['', token], [token, `"${signature.slice(40, 64)}"`], [token, btoa(`ab${token}`)]]) {
    await writeFile(join(dir, 'tokens'), `${known}\n`);
    await writeFile(planted, `one\ntwo ${text}`);
    const found = await search();
    await rm(planted); // it would be found here, too
    await rm(join(dir, 'tokens'));
    assert.equal(found.code, 1);
    assert.match(found.stdout, /^files\/deep\/report\.json:\d: holds a token, .{12}…$/m);
    assert.ok(!found.stdout.includes(text));
  }
});

test('what is no token is left alone', () => {
  const tokens = new Tokens();
  tokens.add(token);
  for (const text of [`${head}.${claims}.***`, `${head}.${claims}.SIGNATURE_REMOVED_BY_GOOGLE`,
    `${signature.slice(0, 23)} ${signature.slice(40, 63)}`, made({ iss: 'https://idp.example' }), btoa('x'.repeat(900)),
    `${head}.${claims}.${'x'.repeat(200)}`.replace(head, encode({ alg: 'none' }))]) {
    assert.equal(tokens.in(text), undefined, text.slice(0, 60));
  }
});
