// SPDX-License-Identifier: Apache-2.0
// Whether a text holds a token, in any form that could be put together again: the token itself, 24
// bytes of its signature, both of them percent-encoded, \u-escaped or in base64.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const RUN = 24; // bytes of a signature that are one too many
const RUN_BASE64 = (RUN / 3) * 4;

const windows = (text, size) => {
  const found = [];
  for (let i = 0; i + size <= text.length; i++) found.push(text.slice(i, i + size));
  return found;
};

/** The tokens of a test's run, ready to be looked for. */
export class Tokens {
  #plain = new Set(); // every 24 bytes of a signature, or of a token that has none
  #base64 = new Set(); // every 32 characters that base64 makes of them, at each alignment
  minted = 0; // two of one second are the same token

  add(token) {
    this.minted++;
    const secret = token.split('.').length === 3 ? token.split('.')[2] : token;
    for (const piece of windows(secret, RUN)) this.#plain.add(piece);
    for (const shift of [0, 1, 2]) {
      const text = Buffer.from('\0'.repeat(shift) + secret).toString('base64');
      const own = text.slice([0, 2, 3][shift], Math.floor((secret.length + shift) / 3) * 4);
      for (const piece of windows(own, RUN_BASE64)) this.#base64.add(piece);
    }
  }

  #holds(text) {
    for (const [run] of text.matchAll(/[\w-]{24,}/g)) {
      for (const piece of windows(run, RUN)) if (this.#plain.has(piece)) return piece;
    }
    for (const [run] of text.matchAll(/[\w+/-]{32,}/g)) {
      const one = run.replaceAll('-', '+').replaceAll('_', '/');
      for (const piece of windows(one, RUN_BASE64)) if (this.#base64.has(piece)) return piece;
    }
    return undefined;
  }

  /** What of a token the text holds, or undefined. */
  in(text) {
    for (const view of [text, unescaped(text)]) {
      const found = this.#holds(view) ?? shapeOf(view);
      if (found) return found;
    }
    return undefined;
  }
}

function unescaped(text) {
  return text.replaceAll(/%([0-9a-f]{2})|\\u00([0-9a-f]{2})/gi,
    (_, a, b) => String.fromCharCode(parseInt(a ?? b, 16)));
}

/** A signed token of Google's issuer (the local one's name too), whoever made it. */
function shapeOf(text) {
  for (const [token, head, claims] of text.matchAll(/(eyJ[\w-]+)\.(eyJ[\w-]+)\.[\w-]{86,}/g)) {
    try {
      const { alg } = JSON.parse(Buffer.from(head, 'base64url'));
      const { iss } = JSON.parse(Buffer.from(claims, 'base64url'));
      if (alg && iss === 'https://accounts.google.com') return token;
    } catch { /* it only looks like one */ }
  }
  return undefined;
}

/** Every regular file below a folder, no link followed: [path, text with a character a byte]. */
export async function* filesBelow(dir) {
  for (const entry of await readdir(dir, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) yield [path, await readFile(path, 'latin1')];
  }
}
