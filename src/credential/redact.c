// SPDX-License-Identifier: Apache-2.0
#include "credential/redact.h"

#include <string.h>

// Any run of RUN_MIN bytes covers a whole group of GRAM bytes that begins at a multiple of STRIDE,
// so looking at those groups finds every run.
enum { GRAM = 8, RUN_MIN = 24, STRIDE = RUN_MIN - GRAM + 1 };
enum { RUN_MIN_BASE64 = RUN_MIN / 3 * 4, TOKENS_MAX = 64, SECRET_BYTES_MAX = 16 << 10 };

// Two places in the table for each group: one would be taken by chance too often, and then all
// needles are searched.
static void gram_slots(const char *at, unsigned ret_slots[2])
{
    uint64_t gram;
    memcpy(&gram, at, sizeof(gram));
    gram *= 0x9e3779b97f4a7c15u;
    ret_slots[0] = (unsigned)(gram >> 48) % REDACT_BITS;
    ret_slots[1] = (unsigned)(gram >> 32) % REDACT_BITS;
}

static bool has_gram(const redactor *r, const char *at)
{
    unsigned slots[2];
    gram_slots(at, slots);
    return r->grams[slots[0] / 64] >> (slots[0] % 64) & r->grams[slots[1] / 64] >> (slots[1] % 64) &
           1;
}

// ---- adding -----------------------------------------------------------------------------------

static void add_grams(redactor *r, const redact_needle *n)
{
    for (size_t i = 0; i + GRAM <= n->len; i++) {
        unsigned slots[2];
        gram_slots(n->text + i, slots);
        r->grams[slots[0] / 64] |= (uint64_t)1 << (slots[0] % 64);
        r->grams[slots[1] / 64] |= (uint64_t)1 << (slots[1] % 64);
    }
}

static void add_needle(redactor *r, str text, size_t run_min, bool plain)
{
    redact_needle n = {mem_dupn(text.ptr, text.len), text.len, run_min, plain};
    vec_push(&r->needles, n);
    add_grams(r, &n);
}

// The characters that base64 makes of the secret alone, when `before` bytes of something else stand
// before it in its group of three.
static void add_base64(redactor *r, str secret_part, size_t before)
{
    static const size_t mixed[] = {0, 2, 3}; // leading characters that mix in those bytes
    buf bytes, text;
    buf_init(&bytes, SECRET_BYTES_MAX * 2);
    buf_init(&text, SECRET_BYTES_MAX * 2);
    buf_add(&bytes, "\0\0", before);
    buf_adds(&bytes, secret_part);
    base64_encode(&text, buf_str(&bytes));
    size_t whole = bytes.len / 3 * 4; // behind it, what follows the secret mixes in
    add_needle(r, str_sub(buf_str(&text), mixed[before], whole), RUN_MIN_BASE64, false);
    buf_wipe(&bytes);
    buf_wipe(&text);
    buf_deinit(&bytes);
    buf_deinit(&text);
}

static str secret_part(str token)
{
    str rest = token, part, last = STR_NONE;
    size_t parts = 0;
    while (str_next(&rest, '.', &part)) {
        parts++;
        last = part;
    }
    return parts == 3 ? last : token;
}

static void needle_free(redact_needle *n)
{
    secret_wipe(n->text, n->len);
    free(n->text);
}

// The oldest token's four needles; their groups stay in the table, which costs a comparison now and
// then.
static void drop_oldest(redactor *r)
{
    for (size_t i = 0; i < 4; i++)
        needle_free(&r->needles.ptr[i]);
    memmove(r->needles.ptr, r->needles.ptr + 4, (r->needles.len - 4) * sizeof(redact_needle));
    r->needles.len -= 4;
}

void redactor_add(redactor *r, str token)
{
    str part = secret_part(token);
    if (part.len < RUN_MIN || part.len > SECRET_BYTES_MAX)
        return;
    if (!r->grams)
        r->grams = mem_array(REDACT_BITS / 64, sizeof(uint64_t));
    if (r->needles.len >= (size_t)TOKENS_MAX * 4)
        drop_oldest(r);
    add_needle(r, part, RUN_MIN, true);
    for (size_t before = 0; before < 3; before++)
        add_base64(r, part, before);
}

void redactor_deinit(redactor *r)
{
    VEC_FOREACH (&r->needles, n)
        needle_free(n);
    vec_deinit(&r->needles);
    free(r->grams);
}

// ---- finding ----------------------------------------------------------------------------------

typedef struct range range;
struct range {
    size_t from, to;
};

// The longest common run of text and needle around text[at] = needle[off].
static range run_around(str in, size_t at, const redact_needle *n, size_t off)
{
    range g = {at, at};
    while (g.from > 0 && off > 0 && in.ptr[g.from - 1] == n->text[off - 1]) {
        g.from--;
        off--;
    }
    size_t end = off + (at - g.from);
    while (g.to < in.len && end < n->len && in.ptr[g.to] == n->text[end]) {
        g.to++;
        end++;
    }
    return g;
}

static bool find_run(const redactor *r, str in, size_t at, range *ret)
{
    VEC_FOREACH (&r->needles, n) {
        str rest = {n->text, n->len};
        ssize_t hit;
        while ((hit = str_find(rest, str_sub(in, at, at + GRAM))) >= 0) {
            size_t off = (size_t)(rest.ptr - n->text) + (size_t)hit;
            *ret = run_around(in, at, n, off);
            if (ret->to - ret->from >= n->run_min)
                return true;
            rest = str_skip(rest, (size_t)hit + 1);
        }
    }
    return false;
}

static int nibble(char c)
{
    if (ascii_is_digit(c))
        return c - '0';
    char l = ascii_lower(c);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

// The byte that two hexadecimal digits spell, or -1.
static int hex_value(str in, size_t at)
{
    if (at + 2 > in.len)
        return -1;
    int high = nibble(in.ptr[at]), low = nibble(in.ptr[at + 1]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// One character in any spelling: itself, %XX, or \u00XX. Returns the bytes it takes, 0: another.
static size_t spelled(str in, size_t at, char c)
{
    if (at >= in.len)
        return 0;
    if (in.ptr[at] == c)
        return 1;
    if (in.ptr[at] == '%')
        return hex_value(in, at + 1) == (unsigned char)c ? 3 : 0;
    if (str_istarts(str_skip(in, at), STR("\\u00")))
        return hex_value(in, at + 4) == (unsigned char)c ? 6 : 0;
    return 0;
}

static bool find_escaped(const redactor *r, str in, size_t at, range *ret)
{
    VEC_FOREACH (&r->needles, n) {
        size_t i = 0, end = at, took = 1;
        if (!n->plain)
            continue;
        for (; i < n->len && took; i++, end += took)
            took = spelled(in, end, n->text[i]);
        if (i == n->len && took) {
            *ret = (range){at, end};
            return true;
        }
    }
    return false;
}

static bool may_be_escaped(str in)
{
    if (str_chr(in, '%') >= 0)
        return true;
    for (ssize_t at; (at = str_chr(in, '\\')) >= 0;) {
        in = str_skip(in, (size_t)at + 1);
        if (in.len && in.ptr[0] == 'u')
            return true;
    }
    return false;
}

bool redactor_apply(const redactor *r, str in, buf *out)
{
    size_t done = 0;
    if (!r->needles.len) {
        buf_adds(out, in);
        return false;
    }
    // Escapes shift what follows them: then every byte is a beginning.
    bool escaped = may_be_escaped(in);
    size_t step = escaped ? 1 : STRIDE;
    for (size_t i = 0; i < in.len;) {
        range g;
        bool found = i + GRAM <= in.len && has_gram(r, in.ptr + i) && find_run(r, in, i, &g);
        if (!found && escaped)
            found = find_escaped(r, in, i, &g);
        if (!found) {
            i += step;
            continue;
        }
        if (g.from > done)
            buf_adds(out, str_sub(in, done, g.from));
        buf_addz(out, SECRET_SHOWN);
        done = g.to;
        i = (g.to + step - 1) / step * step;
    }
    buf_adds(out, str_skip(in, done));
    return done > 0;
}
