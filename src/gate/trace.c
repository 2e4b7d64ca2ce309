// SPDX-License-Identifier: Apache-2.0
#include "gate/trace.h"

#include <stdatomic.h>
#include <string.h>

static const char digits[] = "0123456789abcdef";

static bool is_hex(str s)
{
    bool zero = true;
    for (size_t i = 0; i < s.len; i++) {
        char c = ascii_lower(s.ptr[i]);
        if (!ascii_is_digit(c) && !(c >= 'a' && c <= 'f'))
            return false;
        zero = zero && c == '0';
    }
    return !zero; // all zeroes: no id
}

// The low bit of a hex digit.
static bool is_odd(char c)
{
    return ((ascii_is_digit(c) ? c : c + 1) & 1) != 0;
}

static void put_hex(char *to, uint64_t n)
{
    for (int i = 15; i >= 0; i--, n >>= 4)
        to[i] = digits[n & 15];
}

// Ids need to be unique and not to be guessed, not to be secret: a keyed hash of a counter saves
// the system call.
static uint64_t draw(void)
{
    static atomic_uint_fast64_t counter;
    uint64_t n = atomic_fetch_add(&counter, 1);
    uint64_t drawn = hash_str((str){(const char *)&n, sizeof n});
    return drawn ? drawn : 1;
}

// VERSION-TRACE-SPAN-FLAGS; a later version may add parts.
static bool read_parent(trace *t, str text)
{
    enum { PARENT_BYTES = 55 };
    str version = str_sub(text, 0, 2), id = str_sub(text, 3, 35), span = str_sub(text, 36, 52);
    if (text.len < PARENT_BYTES || text.ptr[2] != '-' || text.ptr[35] != '-' ||
        text.ptr[52] != '-' || str_eq(version, STR("ff")))
        return false;
    bool longer = text.len > PARENT_BYTES;
    if (longer && (str_eq(version, STR("00")) || text.ptr[PARENT_BYTES] != '-'))
        return false;
    if (!is_hex(id) || !is_hex(span))
        return false;
    memcpy(t->id, id.ptr, id.len);
    t->sampled = is_odd(text.ptr[54]);
    return true;
}

// TRACE[/SPAN][;o=1]
static bool read_cloud(trace *t, str text)
{
    str id = str_sub(text, 0, 32);
    if (id.len < 32 || !is_hex(id) || (text.len > 32 && text.ptr[32] != '/' && text.ptr[32] != ';'))
        return false;
    memcpy(t->id, id.ptr, id.len);
    t->sampled = !str_ends(text, STR(";o=0"));
    return true;
}

void trace_begin(trace *t, str traceparent, str cloud)
{
    t->sampled = true;
    if (!read_parent(t, traceparent) && !read_cloud(t, cloud)) {
        put_hex(t->id, draw());
        put_hex(t->id + 16, draw());
    }
    for (size_t i = 0; i < sizeof t->id; i++)
        t->id[i] = ascii_lower(t->id[i]);
    t->span_number = draw();
    put_hex(t->span, t->span_number);
}

str trace_cloud(const trace *t, arena *a)
{
    char text[STR_U64_MAX];
    str number = str_u64(t->span_number, text);
    char *to = arena_alloc(a, 32 + 1 + number.len + 4);
    memcpy(to, t->id, 32);
    to[32] = '/';
    memcpy(to + 33, number.ptr, number.len);
    memcpy(to + 33 + number.len, t->sampled ? ";o=1" : ";o=0", 4);
    return (str){to, 33 + number.len + 4};
}

str trace_parent(const trace *t, arena *a)
{
    enum { PARENT_BYTES = 55 };
    char *to = arena_alloc(a, PARENT_BYTES);
    memcpy(to, "00-", 3);
    memcpy(to + 3, t->id, 32);
    to[35] = '-';
    memcpy(to + 36, t->span, 16);
    memcpy(to + 52, t->sampled ? "-01" : "-00", 3);
    return (str){to, PARENT_BYTES};
}

str trace_answer(const trace *t, arena *a)
{
    enum { ANSWER_BYTES = 36 };
    char *to = arena_alloc(a, ANSWER_BYTES);
    memcpy(to, t->id, 32);
    memcpy(to + 32, t->sampled ? ";o=1" : ";o=0", 4);
    return (str){to, ANSWER_BYTES};
}
