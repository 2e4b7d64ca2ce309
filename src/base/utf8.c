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

typedef struct range range;
struct range {
    uint32_t first, last;
};

// Unicode Standard Annex 11, as far as text in use needs it; in order.
static const range wide[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x2329, 0x232a},   {0x23e9, 0x23ec},
    {0x23f0, 0x23f0},   {0x23f3, 0x23f3},   {0x25fd, 0x25fe},   {0x2614, 0x2615},
    {0x2648, 0x2653},   {0x267f, 0x267f},   {0x2693, 0x2693},   {0x26a1, 0x26a1},
    {0x26aa, 0x26ab},   {0x26bd, 0x26be},   {0x26c4, 0x26c5},   {0x26ce, 0x26ce},
    {0x26d4, 0x26d4},   {0x26ea, 0x26ea},   {0x26f2, 0x26f3},   {0x26f5, 0x26f5},
    {0x26fa, 0x26fa},   {0x26fd, 0x26fd},   {0x2705, 0x2705},   {0x270a, 0x270b},
    {0x2728, 0x2728},   {0x274c, 0x274c},   {0x274e, 0x274e},   {0x2753, 0x2755},
    {0x2757, 0x2757},   {0x2795, 0x2797},   {0x27b0, 0x27b0},   {0x27bf, 0x27bf},
    {0x2b1b, 0x2b1c},   {0x2b50, 0x2b50},   {0x2b55, 0x2b55},   {0x2e80, 0x303e},
    {0x3041, 0x4dbf},   {0x4e00, 0xa4cf},   {0xa960, 0xa97f},   {0xac00, 0xd7a3},
    {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff01, 0xff60},   {0xffe0, 0xffe6},
    {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x1fa70, 0x1faff},
    {0x20000, 0x3fffd},
};
static const range combining[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x064b, 0x065f},   {0x0e31, 0x0e31},
    {0x0e34, 0x0e3a}, {0x0e47, 0x0e4e}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},   {0x200b, 0x200f},
    {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0x1f3fb, 0x1f3ff}, {0xe0100, 0xe01ef},
};

static bool within(const range *ranges, size_t count, uint32_t cp)
{
    while (count) {
        const range *middle = &ranges[count / 2];
        if (cp >= middle->first && cp <= middle->last)
            return true;
        if (cp > middle->last) {
            ranges = middle + 1;
            count -= count / 2 + 1;
        } else {
            count /= 2;
        }
    }
    return false;
}

size_t utf8_width(str s)
{
    size_t columns = 0;
    for (size_t n; s.len; s = str_skip(s, n ? n : 1)) {
        uint32_t cp = 0;
        n = utf8_decode(s, &cp);
        if (cp < combining[0].first)
            columns++;
        else if (!within(combining, sizeof(combining) / sizeof(*combining), cp))
            columns += within(wide, sizeof(wide) / sizeof(*wide), cp) ? 2 : 1;
    }
    return columns;
}
