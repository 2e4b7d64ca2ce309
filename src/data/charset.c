// SPDX-License-Identifier: Apache-2.0
#include "data/charset.h"

static uint32_t unit_at(str text, size_t i)
{
    return (uint32_t)((unsigned char)text.ptr[i] | (unsigned char)text.ptr[i + 1] << 8);
}

static str from_utf16le(arena *a, str text)
{
    char *out = arena_array(a, text.len / 2 + 1, 3);
    size_t len = 0;
    for (size_t i = 0; i + 1 < text.len; i += 2) {
        uint32_t cp = unit_at(text, i);
        uint32_t low = i + 3 < text.len ? unit_at(text, i + 2) : 0;
        if (cp >= 0xd800 && cp < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
            cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
            i += 2;
        }
        size_t n = utf8_encode(cp, out + len);
        len += n ? n : utf8_encode(0xfffd, out + len);
    }
    return (str){out, len};
}

static str from_latin1(arena *a, str text)
{
    char *out = arena_array(a, text.len + 1, 2);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++)
        len += utf8_encode((unsigned char)text.ptr[i], out + len);
    return (str){out, len};
}

str charset_to_utf8(arena *a, str text)
{
    if (str_starts(text, STR("\xEF\xBB\xBF")))
        text = str_skip(text, 3);
    if (str_starts(text, STR("\xFF\xFE")))
        return from_utf16le(a, str_skip(text, 2));
    if (text.len >= 2 && text.ptr[0] && !text.ptr[1])
        return from_utf16le(a, text);
    return utf8_valid(text) ? text : from_latin1(a, text);
}
