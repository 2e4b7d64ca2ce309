// SPDX-License-Identifier: Apache-2.0
#include "base/encode.h"

#define ALPHANUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
static const char std_digits[] = ALPHANUM "+/";
static const char url_digits[] = ALPHANUM "-_";

static void encode64(buf *out, str in, const char *digits, bool pad)
{
    for (size_t n; in.len; in.ptr += n, in.len -= n) {
        n = in.len < 3 ? in.len : 3;
        uint32_t group = 0;
        for (size_t i = 0; i < 3; i++)
            group = group << 8 | (i < n ? (unsigned char)in.ptr[i] : 0);
        char text[4];
        for (int i = 0; i < 4; i++)
            text[i] = digits[group >> (18 - 6 * i) & 63];
        buf_add(out, text, n + 1);
        if (pad && n < 3)
            buf_add(out, "==", 3 - n);
    }
}

static int digit64(char c, const char *digits)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (ascii_is_digit(c))
        return c - '0' + 52;
    return c == digits[62] ? 62 : c == digits[63] ? 63 : -1;
}

static bool decode64(buf *out, str in, const char *digits)
{
    for (; in.len; in = str_skip(in, 4)) {
        size_t n = in.len < 4 ? in.len : 4;
        uint32_t group = 0;
        for (size_t i = 0; i < 4; i++) {
            int d = i < n ? digit64(in.ptr[i], digits) : 0;
            if (d < 0)
                return false;
            group = group << 6 | (uint32_t)d;
        }
        // One digit alone encodes nothing; what a short group leaves over must be zero.
        if (n == 1 || (n == 2 && group & 0xffff) || (n == 3 && group & 0xff))
            return false;
        char bytes[3] = {(char)(group >> 16), (char)(group >> 8), (char)group};
        buf_add(out, bytes, n - 1);
    }
    return buf_ok(out);
}

void base64_encode(buf *out, str in)
{
    encode64(out, in, std_digits, true);
}

bool base64_decode(buf *out, str in)
{
    if (in.len % 4)
        return false;
    if (str_ends(in, STR("==")))
        in.len -= 2;
    else if (str_ends(in, STR("=")))
        in.len -= 1;
    return decode64(out, in, std_digits);
}

void base64url_encode(buf *out, str in)
{
    encode64(out, in, url_digits, false);
}

bool base64url_decode(buf *out, str in)
{
    return decode64(out, in, url_digits);
}

void hex_encode(buf *out, str in)
{
    for (size_t i = 0; i < in.len; i++) {
        unsigned char c = (unsigned char)in.ptr[i];
        char text[2] = {"0123456789abcdef"[c >> 4], "0123456789abcdef"[c & 15]};
        buf_add(out, text, 2);
    }
}

static int hex_digit(char c)
{
    if (ascii_is_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The byte that two hex digits stand for, or -1.
static int hex_byte(str two)
{
    int high = two.len == 2 ? hex_digit(two.ptr[0]) : -1;
    int low = two.len == 2 ? hex_digit(two.ptr[1]) : -1;
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

bool hex_decode(buf *out, str in)
{
    for (; in.len; in = str_skip(in, 2)) {
        int byte = hex_byte(str_sub(in, 0, 2));
        if (byte < 0)
            return false;
        buf_addc(out, (char)byte);
    }
    return buf_ok(out);
}

void percent_encode(buf *out, str in)
{
    for (size_t i = 0; i < in.len; i++) {
        char c = in.ptr[i];
        if (ascii_is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~')
            buf_addc(out, c);
        else
            buf_addf(out, "%%%02X", (unsigned char)c);
    }
}

bool percent_decode(buf *out, str in)
{
    for (ssize_t at; (at = str_chr(in, '%')) >= 0;) {
        size_t plain = (size_t)at;
        int byte = hex_byte(str_sub(in, plain + 1, plain + 3));
        buf_add(out, in.ptr, plain);
        if (byte < 0)
            return false;
        buf_addc(out, (char)byte);
        in = str_skip(in, plain + 3);
    }
    buf_adds(out, in);
    return buf_ok(out);
}

const char *markup_entity(uint32_t cp)
{
    switch (cp) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void markup_escape(buf *out, str text)
{
    for (size_t i = 0; i < text.len; i++) {
        const char *entity = markup_entity((unsigned char)text.ptr[i]);
        if (entity)
            buf_addz(out, entity);
        else
            buf_addc(out, text.ptr[i]);
    }
}
