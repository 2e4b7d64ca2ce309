// SPDX-License-Identifier: Apache-2.0
// String and bytes literals: 'a' "a" '''a''' r'a' b'a' and their escapes.
#include "cel/lex_string.h"

typedef struct literal literal;
struct literal {
    bool bytes, raw;
    size_t prefix; // letters
    str quote;     // one character, or three
};

static literal open_literal(str s)
{
    literal l = {0};
    for (; l.prefix < s.len && l.prefix < 2; l.prefix++) {
        char c = ascii_lower(s.ptr[l.prefix]);
        if (c == 'b' && !l.bytes)
            l.bytes = true;
        else if (c == 'r' && !l.raw)
            l.raw = true;
        else
            break;
    }
    str rest = str_skip(s, l.prefix);
    if (!rest.len || (rest.ptr[0] != '"' && rest.ptr[0] != '\''))
        return (literal){0};
    bool triple = rest.len > 2 && rest.ptr[1] == rest.ptr[0] && rest.ptr[2] == rest.ptr[0];
    l.quote = str_sub(rest, 0, triple ? 3 : 1);
    return l;
}

bool cel_string_prefix(str s)
{
    return open_literal(s).quote.len > 0;
}

// The length of the content, or -1 when the literal isn't closed.
static ssize_t content_len(const literal *l, str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (str_starts(str_skip(s, i), l->quote))
            return (ssize_t)i;
        if (l->quote.len == 1 && (s.ptr[i] == '\n' || s.ptr[i] == '\r'))
            return -1;
        if (s.ptr[i] == '\\' && !l->raw)
            i++;
    }
    return -1;
}

// Reads `digits` digits of the base at s; false when they aren't.
static bool read_digits(str s, size_t digits, uint32_t base, uint32_t *ret)
{
    uint32_t v = 0;
    if (s.len < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        char c = ascii_lower(s.ptr[i]);
        uint32_t d = ascii_is_digit(c) ? (uint32_t)(c - '0')
                     : c >= 'a'        ? (uint32_t)(c - 'a') + 10
                                       : base;
        if (d >= base)
            return false;
        v = v * base + d;
    }
    *ret = v;
    return true;
}

// The number of an escape by number, \x41 or \101; the length of its digits, or 0.
static size_t escape_number(str s, uint32_t *ret)
{
    static const struct {
        char letter;
        uint8_t digits;
    } forms[] = {{'x', 2}, {'X', 2}, {'u', 4}, {'U', 8}};
    for (size_t i = 0; i < ARRAY_LEN(forms); i++)
        if (s.ptr[0] == forms[i].letter)
            return read_digits(str_skip(s, 1), forms[i].digits, 16, ret) ? forms[i].digits : 0;
    return s.ptr[0] >= '0' && s.ptr[0] <= '3' && read_digits(s, 3, 8, ret) ? 3 : 0;
}

static size_t numeric_escape(str s, bool bytes, buf *out)
{
    uint32_t v;
    char utf8[4];
    size_t len = escape_number(s, &v), n;
    if (!len || (bytes && len > 3)) // bytes have no characters
        return 0;
    if (bytes) {
        buf_addc(out, (char)v);
    } else {
        n = utf8_encode(v, utf8);
        buf_add(out, utf8, n);
        if (!n)
            return 0;
    }
    return len + !ascii_is_digit(s.ptr[0]);
}

// Appends what the escape at s, behind its backslash, stands for; its length, or 0.
static size_t escape(str s, bool bytes, buf *out)
{
    static const char letters[] = "abfnrtv\\?\"'`", stand_for[] = "\a\b\f\n\r\t\v\\?\"'`";
    if (!s.len)
        return 0;
    const char *at = s.ptr[0] ? strchr(letters, s.ptr[0]) : NULL;
    if (!at)
        return numeric_escape(s, bytes, out);
    buf_addc(out, stand_for[at - letters]);
    return 1;
}

cel_token cel_lex_string(arena *a, str s, cel_token t)
{
    literal l = open_literal(s);
    str body = str_skip(s, l.prefix + l.quote.len);
    ssize_t len = content_len(&l, body);
    t.kind = TOKEN_BAD;
    if (len < 0) {
        t.text = STR("the string isn't closed");
        return t;
    }
    body = str_sub(body, 0, (size_t)len);
    buf out;
    buf_init(&out, body.len + 4); // no escape stands for more bytes than it has
    for (size_t i = 0; i < body.len;) {
        size_t n = 1;
        if (body.ptr[i] != '\\' || l.raw)
            buf_addc(&out, body.ptr[i]);
        else
            n = escape(str_skip(body, i + 1), l.bytes, &out) + 1;
        if (n == 1 && body.ptr[i] == '\\' && !l.raw) {
            buf_deinit(&out);
            t.offset += (uint32_t)(l.prefix + l.quote.len + i);
            t.text = STR("there is no such escape; a backslash itself is \\\\");
            return t;
        }
        i += n;
    }
    t.kind = TOKEN_LITERAL;
    t.text = str_sub(s, 0, l.prefix + 2 * l.quote.len + body.len);
    str text = arena_str(a, buf_str(&out));
    buf_deinit(&out);
    t.value = l.bytes ? cel_bytes(text) : cel_string(text);
    return t;
}
