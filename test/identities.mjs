// SPDX-License-Identifier: Apache-2.0
// For tests of identities that are OAuth 2 clients: a person with a configuration, a browser, and what
// somebody does who signs in.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { envOf, minted, run, start, tempDir } from './lib.mjs';

export const SECRET = 'a-secret-of-the-test';
export const claims = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

/** A gatepost whose person wrote these identities into the own config.yaml. */
export async function person(t, identities, { env = {}, files = {}, more = {} } = {}) {
  const home = await tempDir(t);
  const dir = join(home, 'config/gatepost');
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await writeFile(join(dir, 'config.yaml'), JSON.stringify({ identities, ...more }), { mode: 0o600 });
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text, { mode: 0o600 });
  const all = { ...envOf(home), ...env };
  const gatepost = (args, options) => run(args, { env: all, cwd: home, ...options });
  const token = async (name, ...more) => {
    const got = await gatepost(['token', '--identity', name, ...more]);
    assert.deepEqual([got.code, got.stderr], [0, ''], name);
    minted(got.stdout);
    return got.stdout.trim();
  };
  return { home, env: all, gatepost, token };
}

/** A browser with cookies that fills each form as it stands; resolves to the last answer. */
export async function browse(address) {
  const cookies = new Map();
  let url = new URL(address);
  let request = {};
  for (let hops = 0; hops < 30; hops++) {
    const answer = await fetch(url, { ...request, redirect: 'manual',
      headers: { ...request.headers, cookie: [...cookies].map((c) => c.join('=')).join('; ') } });
    for (const line of answer.headers.getSetCookie()) cookies.set(...line.split(';')[0].split(/=(.*)/s, 2));
    request = {};
    const text = await answer.text();
    const form = text.match(/<form[^>]*action="([^"]*)"/);
    if ([302, 303].includes(answer.status)) url = new URL(answer.headers.get('location'), url);
    else if (answer.status === 200 && form && !url.pathname.startsWith('/callback')) {
      const fields = [...text.matchAll(/<input[^>]*name="([^"]*)"[^>]*value="([^"]*)"/g)].map((m) => [m[1], m[2]]);
      url = new URL(form[1].replaceAll('&amp;', '&'), url);
      request = { method: 'POST', body: new URLSearchParams(fields) };
    } else return { status: answer.status, text, url };
  }
  throw new Error(`no end of ${address}`);
}

/** Runs `gatepost login`, and what the person does with the address that it tells. */
export async function login(t, { env }, args, act) {
  const running = await start(t, ['login', '--no-browser', ...args], { env, ready: /^Open (\S+)\n/m });
  await act(running.out.stderr.match(/^Open (\S+)$/m)[1], running.out.stderr);
  return running.closed;
}
