// SPDX-License-Identifier: Apache-2.0
// Source to tokens: identifiers, numbers, punctuation. Strings are in lex_string.c.
#include <math.h>

#include "cel/lex.h"
#include "cel/lex_string.h"

static bool ident_char(char c)
{
    return ascii_is_alnum(c) || c == '_';
}

static bool hex_char(char c)
{
    return ascii_is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'f');
}

static size_t skip_blank(str s, size_t at)
{
    while (at < s.len) {
        if (s.ptr[at] == '/' && at + 1 < s.len && s.ptr[at + 1] == '/') {
            while (at < s.len && s.ptr[at] != '\n')
                at++;
        } else if (!ascii_is_blank(s.ptr[at]) && s.ptr[at] != '\f') {
            break;
        } else {
            at++;
        }
    }
    return at;
}

static cel_token bad(cel_token t, const char *why)
{
    t.kind = TOKEN_BAD;
    t.text = str_from(why);
    return t;
}

static size_t skip_digits(str s, size_t at)
{
    while (at < s.len && ascii_is_digit(s.ptr[at]))
        at++;
    return at;
}

static bool digit_at(str s, size_t at)
{
    return at < s.len && ascii_is_digit(s.ptr[at]);
}

// The length of digits, with fraction and exponent; *ret_real when it has either.
static size_t decimal_len(str s, bool *ret_real)
{
    size_t n = skip_digits(s, 0);
    *ret_real = false;
    if (n < s.len && s.ptr[n] == '.' && digit_at(s, n + 1)) {
        *ret_real = true;
        n = skip_digits(s, n + 1);
    }
    if (n >= s.len || ascii_lower(s.ptr[n]) != 'e')
        return n;
    size_t e = n + 1;
    if (e < s.len && (s.ptr[e] == '+' || s.ptr[e] == '-'))
        e++;
    if (!digit_at(s, e))
        return n;
    *ret_real = true;
    return skip_digits(s, e);
}

static cel_token real_token(arena *a, str digits, cel_token t)
{
    t.value = cel_double(strtod(arena_cstr(a, digits), NULL));
    return isfinite(t.value.d) ? t : bad(t, "the number is out of a double's range");
}

static cel_token integer_token(uint64_t u, bool is_unsigned, cel_token t)
{
    t.lowest = !is_unsigned && u == (uint64_t)INT64_MAX + 1;
    if (!is_unsigned && !t.lowest && u > INT64_MAX)
        return bad(t, "the number is out of an int's range; an uint ends in u");
    t.value = is_unsigned ? cel_uint(u) : cel_int(t.lowest ? INT64_MIN : (int64_t)u);
    return t;
}

static size_t hex_len(str s)
{
    size_t n = 2;
    while (n < s.len && hex_char(s.ptr[n]))
        n++;
    return n;
}

static cel_token lex_number(arena *a, str s, cel_token t)
{
    bool real = false, hex = s.len > 2 && s.ptr[0] == '0' && ascii_lower(s.ptr[1]) == 'x';
    size_t n = hex ? hex_len(s) : decimal_len(s, &real);
    str digits = str_sub(s, 0, n);
    bool is_unsigned = !real && n < s.len && ascii_lower(s.ptr[n]) == 'u';
    uint64_t u = 0;
    t.kind = TOKEN_LITERAL;
    t.text = str_sub(s, 0, n + is_unsigned);
    if (t.text.len < s.len && ident_char(s.ptr[t.text.len]))
        return bad(t, "a letter follows the number");
    if (real)
        return real_token(a, digits, t);
    if (hex && (n == 2 || n > 18))
        return bad(t, "a hexadecimal number has 1 to 16 digits");
    if (hex)
        u = strtoull(arena_cstr(a, digits), NULL, 16);
    else if (!str_to_u64(digits, &u))
        return bad(t, "the number is out of range");
    return integer_token(u, is_unsigned, t);
}

static cel_token lex_quoted(str s, cel_token t)
{
    ssize_t end = str_chr(str_skip(s, 1), '`');
    if (end < 1)
        return bad(t, "a name in backquotes isn't closed or is empty");
    t.kind = TOKEN_QUOTED;
    t.text = str_sub(s, 1, (size_t)end + 1);
    for (size_t i = 0; i < t.text.len; i++)
        if (!ident_char(t.text.ptr[i]) && !strchr("./- ", t.text.ptr[i]))
            return bad(t, "a name in backquotes has letters, digits and _./- only");
    return t;
}

static cel_token lex_word(arena *a, str s, cel_token t)
{
    size_t n = 0;
    if (cel_string_prefix(s))
        return cel_lex_string(a, s, t);
    while (n < s.len && ident_char(s.ptr[n]))
        n++;
    t.kind = TOKEN_IDENT;
    t.text = str_sub(s, 0, n);
    return t;
}

static cel_token lex_punctuation(str s, cel_token t)
{
    static const char *const pairs[] = {"==", "!=", "<=", ">=", "&&", "||"};
    t.kind = TOKEN_PUNCTUATION;
    t.text = str_sub(s, 0, 1);
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        if (str_starts(s, str_from(pairs[i])))
            t.text = str_sub(s, 0, 2);
    if (t.text.len == 1 && (!s.ptr[0] || !strchr("+-*/%!<>?:.,()[]{}", s.ptr[0])))
        return bad(t, "this character can't stand here");
    return t;
}

cel_token cel_lex(arena *a, str source, uint32_t *offset)
{
    size_t at = skip_blank(source, *offset);
    cel_token t = {.kind = TOKEN_END, .offset = (uint32_t)at};
    str s = str_skip(source, at);
    *offset = t.offset;
    if (!s.len)
        return t;
    char c = s.ptr[0];
    bool dot_digit = c == '.' && s.len > 1 && ascii_is_digit(s.ptr[1]);
    if (ascii_is_digit(c) || dot_digit)
        t = lex_number(a, s, t);
    else if (c == '`')
        t = lex_quoted(s, t);
    else if (ascii_is_alpha(c) || c == '_' || c == '"' || c == '\'')
        t = lex_word(a, s, t);
    else
        t = lex_punctuation(s, t);
    *offset += (uint32_t)t.text.len + (t.kind == TOKEN_QUOTED ? 2 : 0);
    return t;
}
