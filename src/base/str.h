// SPDX-License-Identifier: Apache-2.0
// str: a borrowed slice of bytes. It never owns, is not NUL-terminated, and may hold NUL bytes.
// The empty slice may have a NULL ptr. ASCII rules only where case matters: no locale.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct str str;
struct str {
    const char *ptr;
    size_t len;
};

// A slice of a string literal: STR("abc").
#define STR(lit) ((str){"" lit, sizeof(lit) - 1})
#define STR_NONE ((str){NULL, 0})
// For printf: "%.*s" with STR_ARG(s).
#define STR_FMT "%.*s"
#define STR_ARG(s) (int)(s).len, ((s).ptr ? (s).ptr : "")

// NULL gives the empty slice.
str str_from(const char *cstr);

bool str_eq(str a, str b);
bool str_ieq(str a, str b);
// memcmp order, a prefix before what it prefixes.
int str_cmp(str a, str b);
// Equality whose time depends on the lengths only: for secrets, signatures, API keys.
bool str_eq_secret(str a, str b);

bool str_starts(str s, str prefix);
bool str_istarts(str s, str prefix);
bool str_ends(str s, str suffix);
bool str_iends(str s, str suffix);

// Index of the first occurrence, or -1.
ssize_t str_find(str s, str needle);
ssize_t str_ifind(str s, str needle);
ssize_t str_chr(str s, char c);
ssize_t str_rchr(str s, char c);

// The part from `from` up to and without `to`; both are clamped to the length.
str str_sub(str s, size_t from, size_t to);
str str_skip(str s, size_t n);
// Without blanks (space, tab, CR, LF) on both sides.
str str_trim(str s);
// Splits at the first `sep`: true, with head and tail set. Without one: false, the head is all of
// s and the tail is empty. The outputs may alias s.
bool str_cut(str s, char sep, str *ret_head, str *ret_tail);
// Takes the next part of *rest up to `sep`; false when nothing is left. "a,,b" gives a, "", b.
bool str_next(str *rest, char sep, str *ret_part);

// Decimal digits only, the whole slice, in range; no sign for u64, an optional '-' for i64.
bool str_to_u64(str s, uint64_t *ret_value);
bool str_to_i64(str s, int64_t *ret_value);
// The other way, into memory of the caller: decimal, and hex without leading zeroes.
enum { STR_U64_MAX = 20, STR_HEX_MAX = 16 };
str str_u64(uint64_t n, char text[STR_U64_MAX]);
str str_hex(uint64_t n, char text[STR_HEX_MAX]);

// Glob match: `*` stands for any run of bytes, all else for itself. Time is at most the product of
// the lengths: no backtracking blow-up.
bool str_glob(str pattern, str s);

static inline char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}
static inline bool ascii_is_alpha(char c)
{
    char l = ascii_lower(c);
    return l >= 'a' && l <= 'z';
}
static inline bool ascii_is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline bool ascii_is_alnum(char c)
{
    return ascii_is_alpha(c) || ascii_is_digit(c);
}
static inline bool ascii_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
