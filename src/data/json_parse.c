// SPDX-License-Identifier: Apache-2.0
// A reader for RFC 8259. It works on a copy of the text in the arena and decodes strings in place:
// what it returns points into that copy.
#include <string.h>

#include "data/charset.h"
#include "data/data_file.h"
#include "data/tree.h"

typedef struct reader {
    arena *a;
    json_opts opts;
    char *at; // the next byte; the text ends with a NUL
    char *end;
    char *mark; // up to here line and col are counted
    uint32_t line;
    uint32_t col;
    uint32_t depth;
    uint32_t values;
    err *e;
} reader;

// Moves the count to p. Each byte is looked at once, however many values stand on a line.
static void count_to(reader *r, const char *p)
{
    for (; r->mark < p; r->mark++) {
        if (*r->mark == '\n') {
            r->line++;
            r->col = 1;
        } else if ((*r->mark & 0xC0) != 0x80) {
            r->col++;
        }
    }
}

static code fail(reader *r, const char *p, code c, const char *fmt, ...) ATTR_PRINTF(4, 5);
static code fail(reader *r, const char *p, code c, const char *fmt, ...)
{
    char what[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    count_to(r, p);
    err_set(r->e, c, "%s", what);
    if (r->e)
        err_at(r->e, r->opts.file, r->line, r->col);
    return c;
}

static code hint(reader *r, code c, const char *text)
{
    (void)err_hint(r->e, "%s", text);
    return c;
}

// How the byte at p is named in a complaint.
static const char *shown(const reader *r, const char *p, char ret_text[8])
{
    if (p == r->end)
        return "the end of the text";
    str rest = {p, (size_t)(r->end - p)};
    uint32_t cp;
    size_t n = utf8_decode(rest, &cp);
    snprintf(ret_text, 8, "'%.*s'", (int)(n ? n : 1), p);
    return ret_text;
}

// What the person most probably did where something else was expected.
static const char *likely_slip(const reader *r, char expected)
{
    char c = *r->at;
    if (r->at == r->end)
        return r->depth || r->values > 1 ? "the text is cut off: was the file saved whole?"
                                         : "the file is empty: was it saved?";
    if (expected == '.')
        return "a file holds one value: remove what follows it";
    if (r->values == 1 && !r->depth)
        return c == '<' ? "this is a web page or XML, not JSON: look at what was saved"
                        : "this isn't JSON, which starts with { or [";
    if (c == '\'')
        return "JSON strings stand in double quotes";
    if (c == '/' || c == '#')
        return "JSON has no comments";
    if (expected == ',')
        return "is a comma or a closing bracket missing before it?";
    if (expected == ':')
        return "write \"name\": value";
    if (c == ']' || c == '}')
        return "is there a comma too many before it?";
    return "text stands in double quotes; besides it there are numbers, true, false and null";
}

// `kind` chooses the hint: ',' between members, ':' after a name, '.' at the end, '"' for a name,
// 'v' for a value.
static code expected(reader *r, char kind, const char *what)
{
    char text[8];
    fail(r, r->at, DATA_SYNTAX, "expected %s, found %s", what, shown(r, r->at, text));
    return err_hint(r->e, "%s", likely_slip(r, kind));
}

static void skip_blanks(reader *r)
{
    while (ascii_is_blank(*r->at))
        r->at++;
}

// ---- Strings

static bool hex4(const char *p, uint32_t *ret_cp)
{
    *ret_cp = 0;
    for (int i = 0; i < 4; i++) {
        char c = ascii_lower(p[i]);
        if (!ascii_is_digit(c) && (c < 'a' || c > 'f'))
            return false;
        *ret_cp = *ret_cp << 4 | (uint32_t)(ascii_is_digit(c) ? c - '0' : c - 'a' + 10);
    }
    return true;
}

// \uXXXX at `from`, the backslash; sets the character and how long its escape is.
static code unicode_escape(reader *r, const char *from, uint32_t *ret_cp, size_t *ret_len)
{
    uint32_t low;
    if (!hex4(from + 2, ret_cp))
        return fail(r, from, DATA_SYNTAX, "\\u must be followed by four hexadecimal digits");
    *ret_len = 6;
    if (*ret_cp == 0 && !r->opts.tolerant)
        return fail(r, from, DATA_SYNTAX, "\\u0000 is not allowed in a string");
    if (*ret_cp < 0xd800 || *ret_cp > 0xdfff)
        return OK;
    bool pair = *ret_cp < 0xdc00 && from[6] == '\\' && from[7] == 'u' && hex4(from + 8, &low) &&
                low >= 0xdc00 && low <= 0xdfff;
    if (!pair && !r->opts.tolerant)
        return fail(r, from, DATA_SYNTAX, "half of a surrogate pair is no character");
    *ret_len = pair ? 12 : 6;
    *ret_cp = pair ? 0x10000 + ((*ret_cp - 0xd800) << 10) + (low - 0xdc00) : 0xfffd;
    return OK;
}

// Decodes the escape at `from` to `to`; an escape is never shorter than what it stands for.
static code escape(reader *r, char **from, char **to)
{
    static const char letters[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char c = (*from)[1];
    if (c == 'u') {
        uint32_t cp = 0;
        size_t len = 0;
        code rc = unicode_escape(r, *from, &cp, &len);
        if (rc != OK)
            return rc;
        *to += utf8_encode(cp, *to);
        *from += len;
        return OK;
    }
    const char *which = c ? strchr(letters, c) : NULL;
    if (!which)
        return hint(r, fail(r, *from, DATA_SYNTAX, "there is no escape '\\%c'", c >= ' ' ? c : '?'),
                    "a backslash itself is written \\\\");
    *(*to)++ = values[which - letters];
    *from += 2;
    return OK;
}

// From the opening quote to behind the closing one.
static code read_string(reader *r, str *ret_text)
{
    char *start = r->at + 1, *from = start, *to = start;
    for (;;) {
        char *run = from;
        while (*from != '"' && *from != '\\' && (unsigned char)*from >= 0x20)
            from++;
        count_to(r, from); // before anything moves
        if (to != run)
            memmove(to, run, (size_t)(from - run));
        to += from - run;
        if (*from == '"')
            break;
        if (*from != '\\' && from == r->end)
            return hint(r, fail(r, from, DATA_SYNTAX, "the string is not closed"),
                        "the text is cut off, or a closing quote is missing");
        if (*from != '\\')
            return hint(
                r, fail(r, from, DATA_SYNTAX, "a control character in a string must be escaped"),
                "write \\n for a line break, \\t for a tab");
        char *behind = from;
        code c = escape(r, &behind, &to);
        if (c != OK)
            return c;
        r->col += (uint32_t)(behind - from); // what stood there is overwritten by now
        r->mark = from = behind;
    }
    *ret_text = (str){start, (size_t)(to - start)};
    memset(to, ' ', (size_t)(from - to)); // no remains of a longer, escaped form
    r->at = from + 1;
    return OK;
}

// ---- Values

static code read_number(reader *r, json *v)
{
    char *p = r->at;
    if (*p == '-')
        p++;
    char *digits = p;
    while (ascii_is_digit(*p))
        p++;
    if (p == digits || (*digits == '0' && p > digits + 1))
        return fail(r, digits, DATA_SYNTAX, "a number has digits, and no leading zero");
    if (*p == '.') {
        char *fraction = ++p;
        while (ascii_is_digit(*p))
            p++;
        if (p == fraction)
            return fail(r, p, DATA_SYNTAX, "digits must follow the point of a number");
    }
    if (*p == 'e' || *p == 'E') {
        p += p[1] == '+' || p[1] == '-' ? 2 : 1;
        char *exponent = p;
        while (ascii_is_digit(*p))
            p++;
        if (p == exponent)
            return fail(r, p, DATA_SYNTAX, "digits must follow the exponent sign of a number");
    }
    v->type = JSON_NUMBER;
    v->text = (str){r->at, (size_t)(p - r->at)};
    r->at = p;
    return OK;
}

static code read_word(reader *r, json *v)
{
    str rest = {r->at, (size_t)(r->end - r->at)};
    if (str_starts(rest, STR("null"))) {
        r->at += 4;
    } else if (str_starts(rest, STR("true"))) {
        v->type = JSON_BOOL;
        v->boolean = true;
        r->at += 4;
    } else if (str_starts(rest, STR("false"))) {
        v->type = JSON_BOOL;
        r->at += 5;
    } else {
        return expected(r, 'v', "a value");
    }
    return OK;
}

static code read_value(reader *r, json **ret_v);

static code read_key(reader *r, const json *obj, str *ret_key)
{
    skip_blanks(r);
    if (*r->at != '"')
        return expected(r, '"',
                        obj->len ? "a name in double quotes" : "a name in double quotes or '}'");
    count_to(r, r->at);
    uint32_t line = r->line, col = r->col;
    code c = read_string(r, ret_key);
    if (c != OK)
        return c;
    if (!r->opts.tolerant && tree_find(obj, *ret_key)) {
        err_set(r->e, DATA_DUPLICATE, "the name '" STR_FMT "' appears twice in one object",
                STR_ARG(*ret_key));
        (void)err_at(r->e, r->opts.file, line, col);
        return hint(r, DATA_DUPLICATE, "keep one of the two");
    }
    skip_blanks(r);
    if (*r->at != ':')
        return expected(r, ':', "':' after the name");
    r->at++;
    return OK;
}

static code read_member(reader *r, json *container)
{
    str key = STR_NONE;
    json *member = NULL;
    code c = OK;
    skip_blanks(r);
    count_to(r, r->at);
    uint32_t line = r->line, col = r->col;
    if (container->type == JSON_OBJECT)
        c = read_key(r, container, &key);
    if (c == OK)
        c = read_value(r, &member);
    if (c != OK)
        return c;
    member->key_line = line;
    member->key_col = col;
    if (container->type == JSON_OBJECT && r->opts.tolerant)
        (void)tree_put(container, key, member, r->a);
    else
        tree_append(container, key, member, r->a);
    return OK;
}

static code read_container(reader *r, json *v)
{
    char close = *r->at == '{' ? '}' : ']';
    v->type = close == '}' ? JSON_OBJECT : JSON_ARRAY;
    if (++r->depth > r->opts.depth_max)
        return fail(r, r->at, DATA_LIMIT, "nested deeper than %u levels", r->opts.depth_max);
    r->at++;
    skip_blanks(r);
    while (*r->at != close || v->len) {
        code c = read_member(r, v);
        if (c != OK)
            return c;
        skip_blanks(r);
        if (*r->at == close)
            break;
        if (*r->at != ',')
            return expected(r, ',', close == '}' ? "',' or '}'" : "',' or ']'");
        r->at++;
    }
    r->at++;
    r->depth--;
    return OK;
}

static code read_value(reader *r, json **ret_v)
{
    skip_blanks(r);
    if (++r->values > r->opts.values_max)
        return fail(r, r->at, DATA_LIMIT, "more than %u values", r->opts.values_max);
    count_to(r, r->at);
    json *v = *ret_v = json_new(r->a, JSON_NULL);
    v->file = r->opts.file;
    v->line = r->line;
    v->col = r->col;
    char c = *r->at;
    if (c == '{' || c == '[')
        return read_container(r, v);
    if (c == '"') {
        v->type = JSON_STRING;
        return read_string(r, &v->text);
    }
    if (c == '-' || ascii_is_digit(c))
        return read_number(r, v);
    return read_word(r, v);
}

static code check_bytes(reader *r, str text)
{
    if (str_starts(text, STR("\xEF\xBB\xBF")) || str_starts(text, STR("\xFF\xFE"))) {
        fail(r, r->at, DATA_SYNTAX, "the text starts with a byte order mark");
        if (r->e)
            err_hint(r->e, "save it as UTF-8 without one");
        return DATA_SYNTAX;
    }
    size_t i = 0, n = 1;
    for (uint32_t cp; i < text.len && n; i += n)
        n = utf8_decode(str_skip(text, i), &cp);
    return n ? OK : fail(r, r->at + i, DATA_SYNTAX, "the text is not UTF-8 here");
}

static json_opts filled(const json_opts *opts)
{
    json_opts o = opts ? *opts : (json_opts){0};
    o.bytes_max = o.bytes_max ? o.bytes_max : JSON_BYTES_MAX;
    o.depth_max = o.depth_max ? o.depth_max : JSON_DEPTH_MAX;
    o.values_max = o.values_max ? o.values_max : JSON_VALUES_MAX;
    return o;
}

// Of a text that nobody else reads, followed by a NUL.
static code parse_own(arena *a, str own, const json_opts *o, json **ret_root, err *e)
{
    char *start = (char *)(uintptr_t)own.ptr;
    reader r = {.a = a,
                .opts = *o,
                .at = start,
                .end = start + own.len,
                .mark = start,
                .line = 1,
                .col = 1,
                .e = e};
    code c = o->tolerant ? OK : check_bytes(&r, own);
    if (c == OK)
        c = read_value(&r, ret_root);
    if (c != OK)
        return c;
    skip_blanks(&r);
    return r.at == r.end ? OK : expected(&r, '.', "nothing more");
}

code json_parse(arena *a, str text, const json_opts *opts, json **ret_root, err *e)
{
    json_opts o = filled(opts);
    if (text.len > o.bytes_max) {
        err_set(e, DATA_LIMIT, "the text is larger than %zu bytes", o.bytes_max);
        if (e)
            err_at(e, o.file, 0, 0);
        return DATA_LIMIT;
    }
    return parse_own(a, arena_str(a, o.tolerant ? charset_to_utf8(a, text) : text), &o, ret_root,
                     e);
}

code json_load(arena *a, const char *path, const json_opts *opts, json **ret_root, err *e)
{
    json_opts o = filled(opts);
    str text;
    o.file = arena_cstr(a, str_from(path));
    code c = file_read(a, path, o.bytes_max, &text, e);
    if (c != OK)
        return c;
    // Without a second copy: it may be a key file, and what json_wipe can't reach mustn't hold it.
    c = parse_own(a, o.tolerant ? charset_to_utf8(a, text) : text, &o, ret_root, e);
    if (c != OK)
        secret_wipe((char *)(uintptr_t)text.ptr, text.len);
    return c;
}
