// SPDX-License-Identifier: Apache-2.0
// map: from a byte string to a pointer, with a hash that is seeded per process (a client that
// chooses the keys can't choose the collisions). Iteration is in order of insertion, so that output
// is deterministic. The map owns copies of its keys; values belong to the caller.
#pragma once

#include "base/str.h"

typedef struct map map;
struct map {
    struct map_entry *entries; // in order of insertion, removed ones have no key
    uint32_t *index;           // open addressing: 0 free, otherwise entry + 1
    size_t entry_len;
    size_t entry_cap;
    size_t index_cap; // a power of two
    size_t len;       // live entries
};

// A zeroed map is an empty one.
void map_init(map *m);
// free_value, if not NULL, is called with each value.
void map_deinit(map *m, void (*free_value)(void *value));

// The value, or NULL when the key is absent.
void *map_get(const map *m, str key);
bool map_has(const map *m, str key);
// Returns the value that was there before, or NULL. An existing key keeps its place.
void *map_set(map *m, str key, void *value);
// Returns the removed value, or NULL.
void *map_remove(map *m, str key);

// Walks the entries; *cursor starts at 0. False at the end. Removing the entry just returned is
// allowed. Adding is safe, but entries may then be skipped or come twice.
bool map_next(const map *m, size_t *cursor, str *ret_key, void **ret_value);
