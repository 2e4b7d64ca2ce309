// SPDX-License-Identifier: Apache-2.0
#include "data/data_suggest.h"

#include <string.h>

enum { WORD_MAX = 48 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

// Optimal string alignment distance, without regard to case.
static size_t distance(str a, str b)
{
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= b.len; j++)
        last[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            char ca = ascii_lower(a.ptr[i - 1]), cb = ascii_lower(b.ptr[j - 1]);
            now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + (ca != cb));
            bool swapped = i > 1 && j > 1 && ca == ascii_lower(b.ptr[j - 2]) &&
                           cb == ascii_lower(a.ptr[i - 2]);
            if (swapped)
                now[j] = least(now[j], before[j - 2] + 1);
        }
        size_t *spare = before;
        before = last, last = now, now = spare;
    }
    return last[b.len];
}

const char *suggest(str word, const char *const *candidates, size_t count)
{
    if (word.len == 0 || word.len > WORD_MAX)
        return NULL;
    const char *best = NULL;
    size_t best_distance = word.len / 3 + 2; // one slip in a short word, more in a long one
    for (size_t i = 0; i < count; i++) {
        str c = str_from(candidates[i]);
        if (c.len == 0 || c.len > WORD_MAX)
            continue;
        size_t d = distance(word, c);
        // A beginning that was typed in full is meant, however much follows.
        if (word.len >= 3 && str_starts(c, word))
            d = least(d, 1);
        if (d < best_distance && d < least(word.len, c.len)) {
            best_distance = d;
            best = candidates[i];
        }
    }
    return best;
}
