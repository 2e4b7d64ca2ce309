// SPDX-License-Identifier: Apache-2.0
// redact: finds secrets that were given out in text that came back (threat 43), fast enough to run
// over every response: a look at eight of each 17 bytes, in a table when none of them is a blank, a
// quote or the like. Tokens that still live are kept, up to REDACT_TOKENS_MAX; those that have
// expired make room for them.
#pragma once

#include "base/base.h"

enum { REDACT_TOKENS_MAX = 512, REDACT_NEEDLES = 4 };

typedef struct redact_needle redact_needle;
struct redact_needle {
    char *text;
    size_t len;
    size_t run_min; // so many bytes in a row count
};

// One secret: plain (searched for in escaped form too), and in base64 at each of the three places
// in a group.
typedef struct redact_token redact_token;
struct redact_token {
    uint64_t until_ms; // monotonic: it is of no use to anybody then
    redact_needle needles[REDACT_NEEDLES];
};

// Zeroed is empty. Holds copies of the secrets; they are wiped when they go.
typedef struct redactor redactor;
struct redactor {
    VEC(redact_token) tokens; // those that came first, first
    size_t sweep_at;          // so many tokens: expired ones are looked for
    uint64_t *grams;          // which 8-byte groups occur in the needles
    size_t gram_count, bits;  // bits: a power of two
    unsigned char least;      // no needle has a byte below
    bool told;
};

// Of a JWT only the signature is secret; of anything else the whole. Shorter than 24: ignored. One
// too many drops, with a warning, the one that expires first.
void redactor_add(redactor *r, str token, uint64_t until_ms);
// True when something was found: then the text without it has been added to `out`, which is left
// alone otherwise.
bool redactor_apply(const redactor *r, str in, buf *out);
void redactor_deinit(redactor *r);
