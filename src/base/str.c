// SPDX-License-Identifier: Apache-2.0
#include "base/str.h"

#include <string.h>

str str_from(const char *cstr)
{
    return cstr ? (str){cstr, strlen(cstr)} : STR_NONE;
}

bool str_eq(str a, str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool str_ieq(str a, str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[i]))
            return false;
    return true;
}

int str_cmp(str a, str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.ptr, b.ptr, n) : 0;
    if (c)
        return c;
    return a.len < b.len ? -1 : a.len > b.len;
}

bool str_eq_secret(str a, str b)
{
    if (a.len != b.len)
        return false;
    volatile unsigned char diff = 0;
    for (size_t i = 0; i < a.len; i++)
        diff = (unsigned char)(diff | (unsigned char)(a.ptr[i] ^ b.ptr[i]));
    return diff == 0;
}

bool str_starts(str s, str prefix)
{
    return s.len >= prefix.len && str_eq(str_sub(s, 0, prefix.len), prefix);
}

bool str_istarts(str s, str prefix)
{
    return s.len >= prefix.len && str_ieq(str_sub(s, 0, prefix.len), prefix);
}

bool str_ends(str s, str suffix)
{
    return s.len >= suffix.len && str_eq(str_skip(s, s.len - suffix.len), suffix);
}

bool str_iends(str s, str suffix)
{
    return s.len >= suffix.len && str_ieq(str_skip(s, s.len - suffix.len), suffix);
}

ssize_t str_find(str s, str needle)
{
    if (needle.len == 0)
        return 0;
    const char *at = s.len ? memmem(s.ptr, s.len, needle.ptr, needle.len) : NULL;
    return at ? at - s.ptr : -1;
}

ssize_t str_ifind(str s, str needle)
{
    if (!needle.len)
        return 0;
    char first = ascii_lower(needle.ptr[0]);
    for (size_t i = 0; i + needle.len <= s.len; i++)
        if (ascii_lower(s.ptr[i]) == first && str_ieq(str_sub(s, i, i + needle.len), needle))
            return (ssize_t)i;
    return -1;
}

ssize_t str_chr(str s, char c)
{
    const char *at = s.len ? memchr(s.ptr, c, s.len) : NULL;
    return at ? at - s.ptr : -1;
}

ssize_t str_rchr(str s, char c)
{
    const char *at = s.len ? memrchr(s.ptr, c, s.len) : NULL;
    return at ? at - s.ptr : -1;
}

str str_sub(str s, size_t from, size_t to)
{
    if (to > s.len)
        to = s.len;
    if (from > to)
        from = to;
    return (str){s.ptr ? s.ptr + from : NULL, to - from};
}

str str_skip(str s, size_t n)
{
    return str_sub(s, n, s.len);
}

str str_trim(str s)
{
    while (s.len && ascii_is_blank(s.ptr[0]))
        s = str_skip(s, 1);
    while (s.len && ascii_is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

bool str_cut(str s, char sep, str *ret_head, str *ret_tail)
{
    ssize_t at = str_chr(s, sep);
    *ret_head = at < 0 ? s : str_sub(s, 0, (size_t)at);
    *ret_tail = at < 0 ? str_skip(s, s.len) : str_skip(s, (size_t)at + 1);
    return at >= 0;
}

bool str_next(str *rest, char sep, str *ret_part)
{
    if (!rest->ptr)
        return false;
    if (!str_cut(*rest, sep, ret_part, rest))
        *rest = STR_NONE;
    return true;
}

bool str_to_u64(str s, uint64_t *ret_value)
{
    uint64_t v = 0;
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!ascii_is_digit(s.ptr[i]) || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(s.ptr[i] - '0'), &v))
            return false;
    *ret_value = v;
    return true;
}

bool str_to_i64(str s, int64_t *ret_value)
{
    bool negative = str_starts(s, STR("-"));
    uint64_t v;
    if (!str_to_u64(negative ? str_skip(s, 1) : s, &v) || v > (uint64_t)INT64_MAX + negative)
        return false;
    *ret_value = negative ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

str str_u64(uint64_t n, char text[STR_U64_MAX])
{
    size_t at = STR_U64_MAX;
    do {
        text[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    return (str){text + at, STR_U64_MAX - at};
}

str str_hex(uint64_t n, char text[STR_HEX_MAX])
{
    size_t at = STR_HEX_MAX;
    do {
        text[--at] = "0123456789abcdef"[n % 16];
        n /= 16;
    } while (n);
    return (str){text + at, STR_HEX_MAX - at};
}

bool str_glob(str pattern, str s)
{
    size_t p = 0, i = 0, star = SIZE_MAX, mark = 0;
    while (i < s.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            mark = i;
        } else if (p < pattern.len && pattern.ptr[p] == s.ptr[i]) {
            p++;
            i++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            i = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}
