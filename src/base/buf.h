// SPDX-License-Identifier: Apache-2.0
// buf: a growing byte buffer with a maximum. An append that would pass the maximum appends nothing
// and marks the buffer as overflowed, so that a chain of appends needs one check, buf_ok, at its
// end. The bytes are always followed by a NUL that does not count.
#pragma once

#include <stdarg.h>

#include "base/mem.h"
#include "base/str.h"

typedef struct buf buf;
struct buf {
    char *ptr;
    size_t len;
    size_t cap;
    size_t max;
    bool overflow;
    bool secret; // set by whose secret it holds: wiped before any of its memory is given back
};

// The maximum counts bytes; memory is taken on the first append.
void buf_init(buf *b, size_t max);
void buf_deinit(buf *b);
// Empties the buffer and clears the overflow mark; keeps the memory, wiped when it held a secret.
void buf_reset(buf *b);

void buf_add(buf *b, const void *ptr, size_t len);
void buf_adds(buf *b, str s);
void buf_addz(buf *b, const char *cstr);
void buf_addc(buf *b, char c);
void buf_add_u64(buf *b, uint64_t n); // decimal
void buf_addf(buf *b, const char *fmt, ...) ATTR_PRINTF(2, 3);
void buf_addv(buf *b, const char *fmt, va_list ap) ATTR_PRINTF(2, 0);
// JSON string literal with its quotes; bytes that aren't UTF-8 become U+FFFD.
void buf_add_json(buf *b, str s);
// Text as a terminal may show it: control characters (C0, DEL, C1) and bytes that aren't UTF-8
// become \xNN or \u00NN, a backslash stays; so input that is quoted in a message can't drive the
// terminal (threat 48). Newlines and tabs are escaped too.
void buf_add_shown(buf *b, str s);

// Room for at least n more bytes at b->ptr + b->len; NULL marks an overflow. After writing there,
// add to b->len.
char *buf_reserve(buf *b, size_t n);
// Drops the first n bytes.
void buf_consume(buf *b, size_t n);
// Shortens to len, which must not exceed the length.
void buf_truncate(buf *b, size_t len);
// Wipes the content before it forgets it: for what held a secret.
void buf_wipe(buf *b);

static inline bool buf_ok(const buf *b)
{
    return !b->overflow;
}
static inline str buf_str(const buf *b)
{
    return (str){b->ptr, b->len};
}
// NUL-terminated, valid until the next change.
const char *buf_cstr(buf *b);
// Hands the bytes over, NUL-terminated, to be freed with free(); the buffer is empty afterwards.
char *buf_take(buf *b);
