// SPDX-License-Identifier: Apache-2.0
// redact: finds secrets that were given out in text that came back (threat 43), fast enough to run
// over every response: one table lookup for each 17 bytes.
#pragma once

#include "base/base.h"

enum { REDACT_BITS = 1 << 16 };

typedef struct redact_needle redact_needle;
struct redact_needle {
    char *text;
    size_t len;
    size_t run_min; // so many bytes in a row count
    bool plain;     // not base64: searched for in escaped form too
};

// Zeroed is empty. Holds copies of the secrets; they are wiped at the end.
typedef struct redactor redactor;
struct redactor {
    VEC(redact_needle) needles;
    uint64_t *grams; // which 8-byte groups occur in the needles
};

// Of a JWT only the signature is secret; of anything else the whole. Shorter than 24: ignored.
void redactor_add(redactor *r, str token);
bool redactor_apply(const redactor *r, str in, buf *out);
void redactor_deinit(redactor *r);
