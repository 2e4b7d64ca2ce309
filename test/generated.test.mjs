// SPDX-License-Identifier: Apache-2.0
// Generated collections end as with newman, but for what doc/parity.md explains. `make
// parity-generated` runs as many of them as one likes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collection } from './collections.mjs';
import { tempDir } from './lib.mjs';
import { compare, listen } from './parity.mjs';

test('generated collections end as with newman', async (t) => {
  const dir = await tempDir(t);
  const { base, close } = await listen();
  t.after(close);
  for (let seed = 1; seed <= 12; seed++) {
    const differences = await compare(collection(seed, base), dir);
    assert.deepEqual(differences.filter((d) => !d.known), [], `seed ${seed}`);
  }
});
