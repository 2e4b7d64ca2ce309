// SPDX-License-Identifier: Apache-2.0
// Functions of strings: the standard ones and the strings extension. Positions count characters.
#include "cel/eval.h"
#include "cel/format.h"
#include "cel/regex.h"

// Length in bytes of the character that s starts with; a stray byte is one.
static size_t char_len(str s)
{
    uint32_t cp;
    size_t n = utf8_decode(s, &cp);
    return n ? n : 1;
}

// Where character `index` starts; the index behind the last one is allowed.
static bool byte_offset(str s, int64_t index, size_t *ret_offset)
{
    size_t at = 0;
    for (; index > 0 && at < s.len; index--)
        at += char_len(str_skip(s, at));
    *ret_offset = at;
    return index == 0;
}

static cel_value out_of_range(cel_call *c, int64_t index)
{
    return cel_call_error(c, "index out of range: %lld", (long long)index);
}

// ---- Questions ------------------------------------------------------------------------------

static cel_value contains(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)n;
    return cel_bool(str_find(a[0].s, a[1].s) >= 0);
}

static cel_value starts_with(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)n;
    return cel_bool(str_starts(a[0].s, a[1].s));
}

static cel_value ends_with(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)n;
    return cel_bool(str_ends(a[0].s, a[1].s));
}

static cel_value match(cel_call *c, const cel_regex *r, const cel_value *text)
{
    if (!cel_call_charge(c, 4 + text->s.len / 4))
        return cel_null();
    // RE2's . matches no stray byte: a pattern must not miss what it is to catch (threat 15).
    if (!utf8_valid(text->s))
        return cel_call_error(c, "the text isn't UTF-8: no pattern is matched against it");
    return cel_bool(cel_regex_find(r, text->s.ptr, text->s.len));
}

cel_value cel_matches(cel_call *c, const cel_value *a, size_t n)
{
    char why[128];
    str pattern = a[1].s;
    (void)n;
    if (c->node->regex)
        return match(c, c->node->regex, &a[0]);
    if (!cel_call_charge(c, 2000 + 10 * pattern.len))
        return cel_null();
    cel_regex *r = cel_regex_new(pattern.ptr, pattern.len, c->program->limits.regex_bytes, why);
    if (!r)
        return cel_call_error(c, "the pattern can't be used: %s", why);
    cel_value v = match(c, r, &a[0]);
    cel_regex_free(r);
    return v;
}

static cel_value char_at(cel_call *c, const cel_value *a, size_t n)
{
    size_t at;
    (void)n;
    if (a[1].i < 0 || !byte_offset(a[0].s, a[1].i, &at))
        return out_of_range(c, a[1].i);
    str rest = str_skip(a[0].s, at);
    return cel_string(str_sub(rest, 0, rest.len ? char_len(rest) : 0));
}

static cel_value index_of(cel_call *c, const cel_value *a, size_t n)
{
    int64_t from = n == 3 ? a[2].i : 0;
    size_t start;
    if (from < 0 || !byte_offset(a[0].s, from, &start))
        return out_of_range(c, from);
    str rest = str_skip(a[0].s, start);
    ssize_t found = str_find(rest, a[1].s);
    return cel_int(found < 0 ? -1 : from + (int64_t)utf8_len(str_sub(rest, 0, (size_t)found)));
}

static cel_value last_index_of(cel_call *c, const cel_value *a, size_t n)
{
    str s = a[0].s, part = a[1].s;
    size_t last = s.len;
    if (n == 3 && (a[2].i < 0 || !byte_offset(s, a[2].i, &last)))
        return out_of_range(c, a[2].i);
    if (part.len > s.len || !cel_call_charge(c, s.len * (part.len / 16 + 1) / 16))
        return cel_int(-1);
    for (size_t at = last < s.len - part.len ? last : s.len - part.len;; at--) {
        if (str_starts(str_skip(s, at), part))
            return cel_int((int64_t)utf8_len(str_sub(s, 0, at)));
        if (at == 0)
            return cel_int(-1);
    }
}

// ---- Parts ----------------------------------------------------------------------------------

static cel_value substring(cel_call *c, const cel_value *a, size_t n)
{
    size_t from, to = a[0].s.len;
    if (a[1].i < 0 || !byte_offset(a[0].s, a[1].i, &from))
        return out_of_range(c, a[1].i);
    if (n == 3 && (a[2].i < 0 || !byte_offset(a[0].s, a[2].i, &to)))
        return out_of_range(c, a[2].i);
    if (from > to)
        return cel_call_error(c, "invalid substring range: start %lld, end %lld", (long long)a[1].i,
                              (long long)a[2].i);
    return cel_string(str_sub(a[0].s, from, to));
}

static bool white_space(uint32_t cp)
{
    return (cp >= 9 && cp <= 13) || cp == ' ' || cp == 0x85 || cp == 0xa0 || cp == 0x1680 ||
           (cp >= 0x2000 && cp <= 0x200a) || cp == 0x2028 || cp == 0x2029 || cp == 0x202f ||
           cp == 0x205f || cp == 0x3000;
}

static cel_value trim(cel_call *c, const cel_value *a, size_t n)
{
    str s = a->s;
    size_t from = s.len, to = 0;
    uint32_t cp;
    (void)c, (void)n;
    for (size_t at = 0, len; at < s.len; at += len) {
        len = utf8_decode(str_skip(s, at), &cp);
        if (len && white_space(cp))
            continue;
        len = len ? len : 1;
        from = at < from ? at : from;
        to = at + len;
    }
    return cel_string(str_sub(s, from, to < from ? from : to));
}

static bool add_item(cel_call *c, cel_value **items, size_t *len, size_t *cap, str s)
{
    if (*len == *cap) {
        *cap = *cap ? 2 * *cap : 8;
        if (!cel_call_charge(c, *cap * sizeof(cel_value) / 16))
            return false;
        cel_value *more = arena_array(c->arena, *cap, sizeof(*more));
        if (*len)
            memcpy(more, *items, *len * sizeof(*more));
        *items = more;
    }
    (*items)[(*len)++] = cel_string(s);
    return true;
}

static cel_value split(cel_call *c, const cel_value *a, size_t n)
{
    cel_value *items = NULL;
    size_t len = 0, cap = 0;
    str rest = a[0].s, separator = a[1].s;
    int64_t limit = n == 3 ? a[2].i : -1;
    bool more = limit != 0;
    while (more && (limit < 0 || (int64_t)len < limit - 1)) {
        ssize_t at = separator.len               ? str_find(rest, separator)
                     : rest.len > char_len(rest) ? (ssize_t)char_len(rest)
                                                 : -1;
        if (at < 0)
            break;
        more = add_item(c, &items, &len, &cap, str_sub(rest, 0, (size_t)at));
        rest = str_skip(rest, (size_t)at + separator.len);
    }
    if (more && (separator.len || rest.len))
        add_item(c, &items, &len, &cap, rest);
    return cel_list_of(items, len);
}

static cel_value join(cel_call *c, const cel_value *a, size_t n)
{
    buf out;
    cel_text_start(c, &out);
    for (size_t i = 0; i < a[0].list.len && buf_ok(&out); i++) {
        if (a[0].list.items[i].kind != CEL_STRING) {
            buf_deinit(&out);
            return cel_no_overload(c);
        }
        if (i && n == 2)
            buf_adds(&out, a[1].s);
        buf_adds(&out, a[0].list.items[i].s);
        cel_call_charge(c, 1);
    }
    return cel_text_end(c, &out, CEL_STRING);
}

// An empty `old` stands before each character and at the end.
static cel_value replace(cel_call *c, const cel_value *a, size_t n)
{
    str rest = a[0].s, old = a[1].s;
    int64_t left = n == 4 ? a[3].i : -1;
    buf out;
    cel_text_start(c, &out);
    for (; left != 0 && buf_ok(&out); left--) {
        ssize_t at = str_find(rest, old);
        if (at < 0)
            break;
        buf_adds(&out, str_sub(rest, 0, (size_t)at));
        buf_adds(&out, a[2].s);
        size_t step = old.len ? 0 : rest.len ? char_len(rest) : 0;
        buf_adds(&out, str_sub(rest, 0, step));
        bool end = !old.len && !rest.len;
        rest = str_skip(rest, (size_t)at + old.len + step);
        if (end)
            break;
    }
    buf_adds(&out, rest);
    return cel_text_end(c, &out, CEL_STRING);
}

static cel_value reverse(cel_call *c, const cel_value *a, size_t n)
{
    str s = a->s;
    buf out;
    (void)n;
    cel_text_start(c, &out);
    char *to = buf_reserve(&out, s.len);
    for (size_t at = 0, len; to && at < s.len; at += len) {
        len = char_len(str_skip(s, at));
        memcpy(to + s.len - at - len, s.ptr + at, len);
    }
    out.len += to ? s.len : 0;
    return cel_text_end(c, &out, CEL_STRING);
}

static cel_value change_case(cel_call *c, str s, char first, char last)
{
    buf out;
    cel_text_start(c, &out);
    for (size_t i = 0; i < s.len && buf_ok(&out); i++)
        buf_addc(&out, s.ptr[i] >= first && s.ptr[i] <= last ? (char)(s.ptr[i] ^ 32) : s.ptr[i]);
    return cel_text_end(c, &out, CEL_STRING);
}

static cel_value lower_ascii(cel_call *c, const cel_value *a, size_t n)
{
    (void)n;
    return change_case(c, a->s, 'A', 'Z');
}

static cel_value upper_ascii(cel_call *c, const cel_value *a, size_t n)
{
    (void)n;
    return change_case(c, a->s, 'a', 'z');
}

static cel_value quote(cel_call *c, const cel_value *a, size_t n)
{
    static const char special[] = "\a\b\f\n\r\t\v\\\"", letter[] = "abfnrtv\\\"";
    buf out;
    (void)n;
    cel_text_start(c, &out);
    buf_addc(&out, '"');
    for (size_t i = 0; i < a->s.len && buf_ok(&out); i++) {
        const char *at = a->s.ptr[i] ? strchr(special, a->s.ptr[i]) : NULL;
        if (at)
            buf_addc(&out, '\\');
        buf_addc(&out, at ? letter[at - special] : a->s.ptr[i]);
    }
    buf_addc(&out, '"');
    return cel_text_end(c, &out, CEL_STRING);
}

const cel_function cel_string_functions[] = {
    {"contains", "string.(string) bool", contains, NULL},
    {"startsWith", "string.(string) bool", starts_with, NULL},
    {"endsWith", "string.(string) bool", ends_with, NULL},
    {"matches", "string.(string) bool", cel_matches, NULL},
    {"matches", "(string, string) bool", cel_matches, NULL},
    {"charAt", "string.(int) string", char_at, NULL},
    {"indexOf", "string.(string) int", index_of, NULL},
    {"indexOf", "string.(string, int) int", index_of, NULL},
    {"lastIndexOf", "string.(string) int", last_index_of, NULL},
    {"lastIndexOf", "string.(string, int) int", last_index_of, NULL},
    {"substring", "string.(int) string", substring, NULL},
    {"substring", "string.(int, int) string", substring, NULL},
    {"trim", "string.() string", trim, NULL},
    {"split", "string.(string) list(string)", split, NULL},
    {"split", "string.(string, int) list(string)", split, NULL},
    {"join", "list(string).() string", join, NULL},
    {"join", "list(string).(string) string", join, NULL},
    {"replace", "string.(string, string) string", replace, NULL},
    {"replace", "string.(string, string, int) string", replace, NULL},
    {"reverse", "string.() string", reverse, NULL},
    {"lowerAscii", "string.() string", lower_ascii, NULL},
    {"upperAscii", "string.() string", upper_ascii, NULL},
    {"strings.quote", "(string) string", quote, NULL},
    {"format", "string.(list(dyn)) string", cel_format, NULL},
    {0},
};
