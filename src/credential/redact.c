// SPDX-License-Identifier: Apache-2.0
#include "credential/redact.h"

#include <string.h>

#include "base/word.h"
#include "credential/credential.h"

// Any run of RUN_MIN bytes covers a whole group of GRAM bytes that begins at a multiple of STRIDE,
// so looking at those groups finds every run.
enum { GRAM = WORD_BYTES, RUN_MIN = CREDENTIAL_REDACT_MIN, STRIDE = RUN_MIN - GRAM + 1 };
enum { RUN_MIN_BASE64 = RUN_MIN / 3 * 4, SECRET_BYTES_MAX = 16 << 10 };
// The table is so sparse that chance finds a group about once in 250 lookups.
enum { BITS_PER_GRAM = 32, BITS_MIN = 1 << 16, SWEEP_MIN = 16 };
enum { LEAST_MAX = 128 }; // all that word_has_below can tell

#define EACH_NEEDLE(r, t, n)                                                                       \
    VEC_FOREACH (&(r)->tokens, t)                                                                  \
        for (redact_needle *n = (t)->needles; n < (t)->needles + REDACT_NEEDLES; n++)

// Two places in the table for each group.
static inline void gram_slots(const redactor *r, const char *at, size_t ret_slots[2])
{
    uint64_t gram = word_load(at);
    ret_slots[0] = (size_t)(gram * 0x9e3779b97f4a7c15u >> 32) & (r->bits - 1);
    ret_slots[1] = (size_t)(gram * 0xc2b2ae3d27d4eb4fu >> 32) & (r->bits - 1);
}

static inline bool has_gram(const redactor *r, const char *at)
{
    size_t slots[2];
    gram_slots(r, at, slots);
    return (r->grams[slots[0] / 64] >> (slots[0] % 64) & 1) &&
           (r->grams[slots[1] / 64] >> (slots[1] % 64) & 1);
}

// ---- the table --------------------------------------------------------------------------------

static size_t gram_count(const redact_token *t)
{
    size_t count = 0;
    for (size_t i = 0; i < REDACT_NEEDLES; i++)
        count += t->needles[i].len < GRAM ? 0 : t->needles[i].len - GRAM + 1;
    return count;
}

static void enter(redactor *r, const redact_needle *n)
{
    for (size_t i = 0; i < n->len; i++)
        if ((unsigned char)n->text[i] < r->least)
            r->least = (unsigned char)n->text[i];
    for (size_t i = 0; i + GRAM <= n->len; i++) {
        size_t slots[2];
        gram_slots(r, n->text + i, slots);
        r->grams[slots[0] / 64] |= (uint64_t)1 << (slots[0] % 64);
        r->grams[slots[1] / 64] |= (uint64_t)1 << (slots[1] % 64);
    }
}

// Makes the table anew for the tokens that are there, with room for twice as many.
static void rebuild(redactor *r)
{
    r->gram_count = 0;
    VEC_FOREACH (&r->tokens, t)
        r->gram_count += gram_count(t);
    r->bits = BITS_MIN;
    while (r->bits < r->gram_count * BITS_PER_GRAM * 2)
        r->bits *= 2;
    free(r->grams);
    r->grams = mem_array(r->bits / 64, sizeof(uint64_t));
    r->least = LEAST_MAX;
    EACH_NEEDLE(r, t, n)
    enter(r, n);
}

// ---- adding -----------------------------------------------------------------------------------

static redact_needle needle_of(str text, size_t run_min)
{
    return (redact_needle){mem_dupn(text.ptr, text.len), text.len, run_min};
}

// The characters that base64 makes of the secret alone, when `before` bytes of something else stand
// before it in its group of three.
static redact_needle base64_needle(str secret_part, size_t before)
{
    static const size_t mixed[] = {0, 2, 3}; // leading characters that mix in those bytes
    buf bytes, text;
    buf_init(&bytes, SECRET_BYTES_MAX * 2);
    buf_init(&text, SECRET_BYTES_MAX * 2);
    buf_reserve(&bytes, before + secret_part.len); // at once: growing leaves copies behind
    buf_reserve(&text, (before + secret_part.len + 2) / 3 * 4);
    buf_add(&bytes, "\0\0", before);
    buf_adds(&bytes, secret_part);
    base64_encode(&text, buf_str(&bytes));
    size_t whole = bytes.len / 3 * 4; // behind it, what follows the secret mixes in
    redact_needle n = needle_of(str_sub(buf_str(&text), mixed[before], whole), RUN_MIN_BASE64);
    buf_wipe(&bytes);
    buf_wipe(&text);
    buf_deinit(&bytes);
    buf_deinit(&text);
    return n;
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

static void token_free(redact_token *t)
{
    for (size_t i = 0; i < REDACT_NEEDLES; i++) {
        secret_wipe(t->needles[i].text, t->needles[i].len);
        free(t->needles[i].text);
    }
}

static void drop_expired(redactor *r)
{
    uint64_t now = clock_mono_ms();
    size_t kept = 0;
    VEC_FOREACH (&r->tokens, t) {
        if (t->until_ms > now)
            r->tokens.ptr[kept++] = *t;
        else
            token_free(t);
    }
    r->tokens.len = kept;
}

static void drop_first_to_expire(redactor *r)
{
    size_t first = 0;
    for (size_t i = 1; i < r->tokens.len; i++)
        if (r->tokens.ptr[i].until_ms < r->tokens.ptr[first].until_ms)
            first = i;
    token_free(&r->tokens.ptr[first]);
    vec_remove(&r->tokens, first);
    if (!r->told)
        log_warning("credential",
                    "more than %d tokens live at once: one that still lives is no longer taken out "
                    "of reports",
                    REDACT_TOKENS_MAX);
    r->told = true;
}

// Looks for expired ones each time that their number has doubled, and when there are too many.
static void make_room(redactor *r)
{
    size_t before = r->tokens.len;
    if (before < r->sweep_at)
        return;
    drop_expired(r);
    if (r->tokens.len >= REDACT_TOKENS_MAX)
        drop_first_to_expire(r);
    size_t twice = r->tokens.len * 2;
    r->sweep_at = twice < SWEEP_MIN           ? SWEEP_MIN
                  : twice > REDACT_TOKENS_MAX ? REDACT_TOKENS_MAX
                                              : twice;
    if (r->tokens.len < before)
        rebuild(r);
}

void redactor_add(redactor *r, str token, uint64_t until_ms)
{
    str part = secret_part(token);
    if (part.len < RUN_MIN || part.len > SECRET_BYTES_MAX)
        return;
    make_room(r);
    redact_token t = {.until_ms = until_ms, .needles = {needle_of(part, RUN_MIN)}};
    for (size_t before = 0; before < 3; before++)
        t.needles[1 + before] = base64_needle(part, before);
    vec_push(&r->tokens, t);
    r->gram_count += gram_count(&t);
    if (r->bits < r->gram_count * BITS_PER_GRAM) {
        rebuild(r);
        return;
    }
    for (size_t i = 0; i < REDACT_NEEDLES; i++)
        enter(r, &t.needles[i]);
}

void redactor_deinit(redactor *r)
{
    VEC_FOREACH (&r->tokens, t)
        token_free(t);
    vec_deinit(&r->tokens);
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
    EACH_NEEDLE(r, t, n)
    {
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

// The character that stands there as itself, %XX or \u00XX. Returns the bytes it takes, 0: none.
static size_t unescape(str in, size_t at, char *ret_c)
{
    if (at >= in.len)
        return 0;
    size_t lead = in.ptr[at] == '%' ? 1 : str_istarts(str_skip(in, at), STR("\\u00")) ? 4 : 0;
    int value = lead ? hex_value(in, at + lead) : -1;
    *ret_c = value < 0 ? in.ptr[at] : (char)value;
    return value < 0 ? 1 : lead + 2;
}

static bool has_escaped_gram(const redactor *r, str in, size_t at)
{
    char plain[GRAM];
    for (size_t i = 0, took; i < GRAM; i++, at += took)
        if (!(took = unescape(in, at, &plain[i])))
            return false;
    return has_gram(r, plain);
}

static bool find_escaped(const redactor *r, str in, size_t at, range *ret)
{
    if (!has_escaped_gram(r, in, at))
        return false;
    VEC_FOREACH (&r->tokens, t) {
        const redact_needle *n = &t->needles[0];
        size_t i = 0, end = at, took;
        char c;
        while (i < n->len && (took = unescape(in, end, &c)) && c == n->text[i]) {
            i++;
            end += took;
        }
        if (i == n->len) {
            *ret = (range){at, end};
            return true;
        }
    }
    return false;
}

// The first place from `at` on, in steps, that may be within a needle, or the end: where the loop
// over a text that holds none spends its time.
static size_t next_suspect(const redactor *r, str in, size_t at)
{
    const size_t end = in.len < GRAM ? 0 : in.len - GRAM + 1;
    const unsigned char least = r->least;
    for (; at < end; at += STRIDE)
        if (!word_has_below(word_load(in.ptr + at), least) && has_gram(r, in.ptr + at))
            return at;
    return in.len;
}

static void hide(str in, range g, size_t *done, buf *out)
{
    if (g.from > *done) // two secrets may overlap
        buf_adds(out, str_sub(in, *done, g.from));
    buf_addz(out, SECRET_SHOWN);
    *done = g.to;
}

static bool hide_runs(const redactor *r, str in, buf *out)
{
    size_t done = 0;
    range g;
    for (size_t i = 0; (i = next_suspect(r, in, i)) < in.len;) {
        if (find_run(r, in, i, &g)) {
            hide(in, g, &done, out);
            i = (g.to + STRIDE - 1) / STRIDE * STRIDE;
        } else {
            i += STRIDE;
        }
    }
    if (done)
        buf_adds(out, str_skip(in, done));
    return done > 0;
}

// The first escape from `at` on that begins with `lead`, or the end.
static size_t next_escape(str in, char lead, size_t at)
{
    char c;
    for (ssize_t hit; at < in.len && (hit = str_chr(str_skip(in, at), lead)) >= 0; at++) {
        at += (size_t)hit;
        if (unescape(in, at, &c) > 1)
            return at;
    }
    return in.len;
}

// What is written with escapes has the first of them within RUN_MIN bytes: otherwise it begins with
// a run that hide_runs finds.
static bool hide_escaped(const redactor *r, str in, buf *out)
{
    size_t percent = next_escape(in, '%', 0), slash = next_escape(in, '\\', 0);
    size_t done = 0, first;
    range g;
    for (size_t i = 0; (first = percent < slash ? percent : slash) < in.len;) {
        if (i + RUN_MIN <= first)
            i = first - RUN_MIN + 1;
        while (i <= first && !find_escaped(r, in, i, &g))
            i++;
        if (i <= first) {
            hide(in, g, &done, out);
            i = done;
        }
        if (percent < i)
            percent = next_escape(in, '%', i);
        if (slash < i)
            slash = next_escape(in, '\\', i);
    }
    if (done)
        buf_adds(out, str_skip(in, done));
    return done > 0;
}

static bool hide_all(const redactor *r, str in, buf *out)
{
    buf rest;
    buf_init(&rest, in.len);
    rest.secret = true;
    bool escaped = hide_escaped(r, in, &rest);
    bool found = hide_runs(r, escaped ? buf_str(&rest) : in, out);
    if (escaped && !found)
        buf_adds(out, buf_str(&rest));
    buf_deinit(&rest);
    return escaped || found;
}

bool redactor_apply(const redactor *r, str in, buf *out)
{
    if (!r->tokens.len || in.len < RUN_MIN) // no needle is shorter, in any form
        return false;
    bool may_have_escapes = memchr(in.ptr, '%', in.len) || memchr(in.ptr, '\\', in.len);
    return may_have_escapes ? hide_all(r, in, out) : hide_runs(r, in, out);
}
