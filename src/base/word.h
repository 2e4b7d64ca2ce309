// SPDX-License-Identifier: Apache-2.0
// word: eight bytes of a text at once, for searches that mostly find nothing. Nothing is missed;
// what is found may be a false alarm where it doesn't say "exact".
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define WORD_ONES UINT64_C(0x0101010101010101)
#define WORD_HIGHS UINT64_C(0x8080808080808080)
enum { WORD_BYTES = sizeof(uint64_t) };

static inline uint64_t word_load(const char *at)
{
    uint64_t bytes;
    memcpy(&bytes, at, sizeof bytes);
    return bytes;
}

static inline bool word_has(uint64_t bytes, unsigned char c)
{
    uint64_t zero = bytes ^ (c * WORD_ONES);
    return ((zero - WORD_ONES) & ~zero & WORD_HIGHS) != 0;
}

// Is one of them less than `limit`, which is 128 at most? Exact: the first byte that borrows is.
static inline bool word_has_below(uint64_t bytes, unsigned char limit)
{
    return ((bytes - limit * WORD_ONES) & ~bytes & WORD_HIGHS) != 0;
}

// C0 or DEL.
static inline bool word_has_control(uint64_t bytes)
{
    return word_has_below(bytes, 0x20) || word_has(bytes, 0x7f);
}

static inline bool word_is_ascii(uint64_t bytes)
{
    return (bytes & WORD_HIGHS) == 0;
}

// ASCII without C0 and DEL. Exact.
static inline bool word_is_printable(uint64_t bytes)
{
    return ((bytes | (bytes - 0x20 * WORD_ONES) | (bytes + WORD_ONES)) & WORD_HIGHS) == 0;
}
