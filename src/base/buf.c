// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/utf8.h"
#include "base/word.h"

void buf_init(buf *b, size_t max)
{
    *b = (buf){.max = max};
}

void buf_deinit(buf *b)
{
    if (b->secret && b->ptr)
        secret_wipe(b->ptr, b->cap);
    free(b->ptr);
    *b = (buf){.max = b->max};
}

void buf_reset(buf *b)
{
    if (b->secret && b->ptr)
        secret_wipe(b->ptr, b->cap);
    b->len = 0;
    b->overflow = false;
    if (b->ptr)
        b->ptr[0] = 0;
}

// realloc would leave a copy behind.
static char *move_secret(buf *b, size_t cap)
{
    char *moved = mem_resize(NULL, cap, 1);
    if (!b->ptr)
        return moved;
    memcpy(moved, b->ptr, b->len + 1);
    secret_wipe(b->ptr, b->cap);
    free(b->ptr);
    return moved;
}

char *buf_reserve(buf *b, size_t n)
{
    if (n > b->max || b->len > b->max - n) {
        b->overflow = true;
        return NULL;
    }
    size_t need = b->len + n + 1;
    if (need > b->cap) {
        size_t cap = b->cap ? b->cap : 64;
        while (cap < need)
            cap = cap > SIZE_MAX / 2 ? need : cap * 2;
        b->ptr = b->secret ? move_secret(b, cap) : mem_resize(b->ptr, cap, 1);
        b->cap = cap;
    }
    return b->ptr + b->len;
}

// Without growing; the NUL has its place too.
static bool has_room(const buf *b, size_t n)
{
    return n < b->cap - b->len && n <= b->max - b->len && !b->overflow;
}

static bool make_room(buf *b, size_t n)
{
    return has_room(b, n) || (!b->overflow && buf_reserve(b, n));
}

void buf_add(buf *b, const void *ptr, size_t len)
{
    if (!make_room(b, len))
        return;
    if (len)
        memcpy(b->ptr + b->len, ptr, len);
    b->len += len;
    b->ptr[b->len] = 0;
}

void buf_adds(buf *b, str s)
{
    buf_add(b, s.ptr, s.len);
}

void buf_addz(buf *b, const char *cstr)
{
    buf_add(b, cstr, strlen(cstr));
}

void buf_addc(buf *b, char c)
{
    if (!make_room(b, 1))
        return;
    b->ptr[b->len++] = c;
    b->ptr[b->len] = 0;
}

void buf_add_u64(buf *b, uint64_t n)
{
    char text[STR_U64_MAX];
    buf_adds(b, str_u64(n, text));
}

void buf_addv(buf *b, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    size_t room = b->cap - b->len; // mostly enough: then it's formatted once
    int n = vsnprintf(room ? b->ptr + b->len : NULL, room, fmt, ap);
    if (n >= 0 && has_room(b, (size_t)n)) {
        b->len += (size_t)n;
    } else if (n >= 0 && !b->overflow && buf_reserve(b, (size_t)n)) {
        vsnprintf(b->ptr + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    } else {
        b->overflow = true;
        if (room)
            b->ptr[b->len] = 0;
    }
    va_end(again);
}

void buf_addf(buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    buf_addv(b, fmt, ap);
    va_end(ap);
}

// A character that JSON wants escaped, or one that is none: returns how many bytes it took.
static size_t add_json_special(buf *b, str s)
{
    uint32_t cp;
    size_t n = utf8_decode(s, &cp);
    if (n == 0)
        buf_addz(b, "\xEF\xBF\xBD");
    else if (cp == '"' || cp == '\\')
        buf_addf(b, "\\%c", (char)cp);
    else if (cp == '\n')
        buf_addz(b, "\\n");
    else if (cp == '\r')
        buf_addz(b, "\\r");
    else if (cp == '\t')
        buf_addz(b, "\\t");
    else if (cp < 0x20 || cp == 0x7f || cp == 0x2028 || cp == 0x2029)
        buf_addf(b, "\\u%04x", cp);
    else
        buf_add(b, s.ptr, n);
    return n ? n : 1;
}

// Stands for itself in a JSON string.
static const bool json_plain[256] = {
    [0x20 ... 0x21] = true, [0x23 ... 0x5b] = true, [0x5d ... 0x7e] = true};

static bool word_is_json_plain(uint64_t bytes)
{
    return word_is_printable(bytes) && !word_has(bytes, '"') && !word_has(bytes, '\\');
}

// How many bytes at the start stand for themselves.
static size_t json_plain_len(str s)
{
    size_t i = 0;
    while (i + WORD_BYTES <= s.len && word_is_json_plain(word_load(s.ptr + i)))
        i += WORD_BYTES;
    // The last ones together with some that were seen.
    if (i && s.len - i < WORD_BYTES && word_is_json_plain(word_load(s.ptr + s.len - WORD_BYTES)))
        return s.len;
    while (i < s.len && json_plain[(unsigned char)s.ptr[i]])
        i++;
    return i;
}

void buf_add_json(buf *b, str s)
{
    size_t plain = json_plain_len(s);
    if (plain == s.len) { // nearly always
        if (!make_room(b, s.len + 2))
            return;
        char *to = b->ptr + b->len;
        to[0] = '"';
        if (s.len)
            memcpy(to + 1, s.ptr, s.len);
        to[s.len + 1] = '"';
        to[s.len + 2] = 0;
        b->len += s.len + 2;
        return;
    }
    buf_addc(b, '"');
    for (; s.len; plain = json_plain_len(s)) {
        buf_add(b, s.ptr, plain);
        s = str_skip(s, plain);
        if (s.len)
            s = str_skip(s, add_json_special(b, s));
    }
    buf_addc(b, '"');
}

// How many bytes at the start are ASCII that can be printed.
static size_t shown_plain_len(str s)
{
    size_t i = 0;
    while (i + WORD_BYTES <= s.len && word_is_printable(word_load(s.ptr + i)))
        i += WORD_BYTES;
    // The last ones together with some that were seen.
    if (i && s.len - i < WORD_BYTES && word_is_printable(word_load(s.ptr + s.len - WORD_BYTES)))
        return s.len;
    while (i < s.len && s.ptr[i] >= 0x20 && s.ptr[i] < 0x7f)
        i++;
    return i;
}

void buf_add_shown(buf *b, str s)
{
    while (s.len) {
        size_t plain = shown_plain_len(s);
        buf_add(b, s.ptr, plain);
        s = str_skip(s, plain);
        if (!s.len)
            break;
        uint32_t cp = 0;
        size_t n = utf8_decode(s, &cp);
        // Bidirectional overrides reorder what a person reads: shown by number too.
        bool bidi = (cp >= 0x202a && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069);
        if (n == 0)
            buf_addf(b, "\\x%02x", (unsigned char)s.ptr[0]);
        else if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || bidi)
            buf_addf(b, "\\u%04x", cp);
        else
            buf_add(b, s.ptr, n);
        s = str_skip(s, n ? n : 1);
    }
}

void buf_consume(buf *b, size_t n)
{
    if (n > b->len)
        n = b->len;
    if (n == 0)
        return;
    memmove(b->ptr, b->ptr + n, b->len - n + 1);
    b->len -= n;
}

void buf_truncate(buf *b, size_t len)
{
    if (len >= b->len)
        return;
    b->len = len;
    b->ptr[len] = 0;
}

void buf_wipe(buf *b)
{
    if (b->ptr)
        secret_wipe(b->ptr, b->cap);
    buf_reset(b);
}

const char *buf_cstr(buf *b)
{
    if (!b->ptr)
        return "";
    b->ptr[b->len] = 0;
    return b->ptr;
}

char *buf_take(buf *b)
{
    char *ptr = b->ptr ? b->ptr : mem_dup("");
    ptr[b->len] = 0;
    *b = (buf){.max = b->max};
    return ptr;
}
