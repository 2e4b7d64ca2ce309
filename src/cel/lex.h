// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cel/cel.h"

typedef enum cel_token_kind {
    TOKEN_END,
    TOKEN_IDENT,
    TOKEN_QUOTED, // `a-b`, a field's name
    TOKEN_LITERAL,
    TOKEN_PUNCTUATION,
    TOKEN_BAD, // text says why
} cel_token_kind;

typedef struct cel_token {
    cel_token_kind kind;
    uint32_t offset;
    str text;        // as written; of TOKEN_QUOTED without the quotes
    cel_value value; // of TOKEN_LITERAL; an integer of more than 63 bits is a TOKEN_BAD, but for
    bool lowest;     // 9223372036854775808, which only a minus in front makes an int
} cel_token;

// The token at *offset, which moves behind it. Values are made in a.
cel_token cel_lex(arena *a, str source, uint32_t *offset);
