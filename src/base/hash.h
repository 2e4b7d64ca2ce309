// SPDX-License-Identifier: Apache-2.0
// hash: keyed hashing for tables. Not for signatures: those are jose's.
#pragma once

#include "base/str.h"

// SipHash-1-3 under a key drawn once per process.
uint64_t hash_str(str s);
// SipHash-1-3 under the given key: for tests and for stable shards.
uint64_t hash_keyed(str s, uint64_t k0, uint64_t k1);
