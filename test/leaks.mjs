// SPDX-License-Identifier: Apache-2.0
// Whether a text holds a token, in any form that could be put together again: the token itself, 24
// bytes of its signature, both of them percent-encoded, \u-escaped or in base64.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const RUN = 24; // bytes of a signature that are one too many
const GRAM = 8;

const windows = (text, size) => {
  const found = [];
  for (let i = 0; i + size <= text.length; i++) found.push(text.slice(i, i + size));
  return found;
};

/** Texts of which no run of `size` characters may be found in another text. */
class Needles {
  #size;
  #grams = new Set();
  #runs = new Set();

  constructor(size) { this.#size = size; }

  add(text) {
    for (const piece of windows(text, this.#size)) this.#runs.add(piece);
    for (const piece of windows(text, GRAM)) this.#grams.add(piece);
  }

  /** Every run covers a gram that begins at a multiple of the step: the others needn't be looked at. */
  in(text) {
    const step = this.#size - GRAM + 1;
    for (let i = 0; i + GRAM <= text.length; i += step) {
      if (!this.#grams.has(text.slice(i, i + GRAM))) continue;
      const around = text.slice(Math.max(0, i - this.#size), i + this.#size * 2);
      const found = windows(around, this.#size).find((piece) => this.#runs.has(piece));
      if (found) return found;
    }
    return undefined;
  }
}

/** The tokens of a test's run, ready to be looked for. */
export class Tokens {
  #plain = new Needles(RUN); // of a signature, or of a token that has none
  #base64 = new Needles((RUN / 3) * 4); // what base64 makes of it, at each alignment
  minted = 0; // two of one second are the same token

  add(token) {
    this.minted++;
    const secret = token.split('.').length === 3 ? token.split('.')[2] : token;
    this.#plain.add(secret);
    for (const shift of [0, 1, 2]) {
      const text = Buffer.from('\0'.repeat(shift) + secret).toString('base64');
      this.#base64.add(text.slice([0, 2, 3][shift], Math.floor((secret.length + shift) / 3) * 4));
    }
  }

  #holds(text) {
    return this.#plain.in(text) ?? this.#base64.in(text.replaceAll('-', '+').replaceAll('_', '/'));
  }

  /** What of a token the text holds, or undefined. */
  in(text) {
    for (const view of new Set([text, unescaped(text)])) {
      const found = this.#holds(view) ?? shapeOf(view);
      if (found) return found;
      for (const inner of decoded(view)) if (shapeOf(inner)) return shapeOf(inner);
    }
    return undefined;
  }
}

function unescaped(text) {
  return text.replaceAll(/%([0-9a-f]{2})|\\u00([0-9a-f]{2})/gi,
    (_, a, b) => String.fromCharCode(parseInt(a ?? b, 16)));
}

// What the pattern doesn't divide, run by run: a pattern of the runs themselves fails over megabytes.
const runs = (text, divider, least) => text.split(divider).filter((run) => run.length >= least);

// Each way to group the digits; a token is letters, digits, '-', '_' and '.', so is its decoding.
function* decoded(text) {
  for (const digits of runs(text, /[^\w+/-]{1,4096}/, 160)) {
    for (const skip of [0, 1, 2, 3]) yield Buffer.from(digits.slice(skip), 'base64').toString('latin1');
  }
}

const json = (text) => {
  try {
    return JSON.parse(Buffer.from(text, 'base64url')) ?? {};
  } catch {
    return {}; // it only looks like one
  }
};

/** An access token, or a signed token of Google's issuer (the local one's name too), whoever made it. */
function shapeOf(text) {
  const access = /ya29\.c\.[\w-]{60}/.exec(text);
  if (access) return access[0];
  for (const run of runs(text, /[^\w.-]{1,4096}/, 100)) {
    const parts = run.split('.');
    for (let i = 2; i < parts.length; i++) {
      const [before, claims, signature] = parts.slice(i - 2, i + 1);
      const head = before.slice(before.indexOf('eyJ', Math.max(0, before.length - 16384)));
      if (signature.length < 86 || !head.startsWith('eyJ') || !claims.startsWith('eyJ')) continue;
      if ((json(head).alg ?? 'none') !== 'none' && json(claims).iss === 'https://accounts.google.com') return `${head}.${claims}`;
    }
  }
  return undefined;
}

/**
 * Every regular file below a folder, no link followed: [path, text with a character a byte].
 * `enter` tells which folders are looked into.
 */
export async function* filesBelow(dir, enter = () => true) {
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isFile()) yield [path, await readFile(path, 'latin1')];
    else if (entry.isDirectory() && enter(path)) yield* filesBelow(path, enter);
  }
}
