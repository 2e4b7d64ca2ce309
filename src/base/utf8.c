// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include "base/word.h"

// What the first byte says: the length, the bits it carries, and the least value that needs so many
// bytes. RFC 3629 §3.
static size_t lead(unsigned char c, uint32_t *ret_bits, uint32_t *ret_least)
{
    *ret_least = 0;
    *ret_bits = c;
    if (c < 0x80)
        return 1;
    *ret_bits = c & 0x1f;
    *ret_least = 0x80;
    if (c >= 0xc2 && c < 0xe0)
        return 2;
    *ret_bits = c & 0x0f;
    *ret_least = 0x800;
    if (c >= 0xe0 && c < 0xf0)
        return 3;
    *ret_bits = c & 0x07;
    *ret_least = 0x10000;
    return c >= 0xf0 && c < 0xf5 ? 4 : 0;
}

size_t utf8_decode(str s, uint32_t *ret_cp)
{
    uint32_t cp, least;
    size_t n = s.len ? lead((unsigned char)s.ptr[0], &cp, &least) : 0;
    if (n == 0 || n > s.len)
        return 0;
    for (size_t i = 1; i < n; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if ((c & 0xc0) != 0x80)
            return 0;
        cp = cp << 6 | (c & 0x3f);
    }
    if (cp < least || cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000))
        return 0;
    *ret_cp = cp;
    return n;
}

size_t utf8_encode(uint32_t cp, char ret_bytes[4])
{
    if (cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000))
        return 0;
    size_t n = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    for (size_t i = n; i-- > 1; cp >>= 6)
        ret_bytes[i] = (char)(0x80 | (cp & 0x3f));
    static const unsigned char mark[] = {0, 0x00, 0xc0, 0xe0, 0xf0};
    ret_bytes[0] = (char)(mark[n] | cp);
    return n;
}

// How many bytes at the start are ASCII.
static size_t ascii_len(str s)
{
    size_t i = 0;
    while (i + WORD_BYTES <= s.len && word_is_ascii(word_load(s.ptr + i)))
        i += WORD_BYTES;
    while (i < s.len && (unsigned char)s.ptr[i] < 0x80)
        i++;
    return i;
}

bool utf8_valid(str s)
{
    for (;;) {
        s = str_skip(s, ascii_len(s));
        if (!s.len)
            return true;
        uint32_t cp;
        size_t n = utf8_decode(s, &cp);
        if (n == 0)
            return false;
        s = str_skip(s, n);
    }
}

size_t utf8_len(str s)
{
    size_t chars = 0;
    while (s.len) {
        uint32_t cp;
        size_t n = utf8_decode(s, &cp);
        s = str_skip(s, n ? n : 1);
        chars++;
    }
    return chars;
}
