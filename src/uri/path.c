// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "uri/uri.h"

typedef struct canon {
    str in;
    unsigned allowed;
    char *out; // never longer than three times the input
    size_t len;
    err *e;
} canon;

static code ambiguous(canon *c, size_t at, const char *why)
{
    err_set(c->e, URI_AMBIGUOUS, "the path '" STR_FMT "' has no single meaning: %s (character %zu)",
            STR_ARG(str_sub(c->in, 0, 200)), why, at + 1);
    return URI_AMBIGUOUS;
}

static bool unreserved(unsigned char b)
{
    return ascii_is_alnum((char)b) || (b && strchr("-._~", b));
}

// pchar without the unreserved ones, and '/': stand for themselves in a path (RFC 3986 §3.3).
static bool literal(unsigned char b)
{
    return b && strchr("/!$&'()*+,;=:@", b);
}

static void put_escaped(canon *c, unsigned char b)
{
    static const char hex[] = "0123456789ABCDEF";
    c->out[c->len++] = '%';
    c->out[c->len++] = hex[b >> 4];
    c->out[c->len++] = hex[b & 15];
}

static code refuse_unless(canon *c, unsigned kind, size_t at, const char *why)
{
    return c->allowed & kind ? OK : ambiguous(c, at, why);
}

static code judge_byte(canon *c, unsigned char b, bool escaped, size_t at)
{
    switch (b) {
    case '\\':
        return refuse_unless(c, PATH_BACKSLASH, at, "some servers take a backslash for a slash");
    case ';':
        return refuse_unless(c, PATH_PARAMETER, at, "some servers drop what follows a semicolon");
    case '/':
        return escaped ? refuse_unless(c, PATH_ESCAPED_SLASH, at,
                                       "some servers decode an escaped slash")
                       : OK;
    case '%':
        return ambiguous(c, at, "an escaped '%' is decoded twice by some servers");
    case '?':
    case '#':
        return escaped ? OK : ambiguous(c, at, "it holds a query or a fragment");
    case 0:
        return ambiguous(c, at, "it holds a NUL");
    default:
        return b < 0x20 || b == 0x7f ? ambiguous(c, at, "it holds a control character") : OK;
    }
}

// A byte that the path names, written or escaped.
static code put_byte(canon *c, unsigned char b, bool escaped, size_t at)
{
    code rc = judge_byte(c, b, escaped, at);
    if (rc != OK)
        return rc;
    // An escaped delimiter isn't the delimiter (RFC 3986 §2.2): it stays escaped.
    if (unreserved(b) || (literal(b) && !escaped))
        c->out[c->len++] = (char)b;
    else
        put_escaped(c, b);
    return OK;
}

static int hex_value(char c)
{
    c = ascii_lower(c);
    return ascii_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Normalises the bytes; collects them decoded in raw for the UTF-8 check.
static code normalise(canon *c, char *raw, size_t *ret_raw_len)
{
    size_t n = 0;
    for (size_t i = 0; i < c->in.len; i++) {
        unsigned char b = (unsigned char)c->in.ptr[i];
        bool escaped = b == '%';
        size_t at = i;
        if (escaped) {
            int high = i + 2 < c->in.len ? hex_value(c->in.ptr[i + 1]) : -1;
            int low = i + 2 < c->in.len ? hex_value(c->in.ptr[i + 2]) : -1;
            if (high < 0 || low < 0)
                return ambiguous(c, at, "'%' isn't followed by two hexadecimal digits");
            b = (unsigned char)(high << 4 | low);
            i += 2;
        }
        raw[n++] = (char)b;
        code rc = put_byte(c, b, escaped, at);
        if (rc != OK)
            return rc;
    }
    *ret_raw_len = n;
    return OK;
}

// Is this segment "." or "..", also where parameters follow ("..;a=b")?
static size_t dots(str segment)
{
    str name, parameters;
    str_cut(segment, ';', &name, &parameters);
    return str_eq(name, STR(".")) ? 1 : str_eq(name, STR("..")) ? 2 : 0;
}

// `up`: how many dots the segment consists of; `at_root`: nothing stands before it.
static code judge_segment(canon *c, str segment, size_t up, bool last, bool at_root)
{
    size_t at = (size_t)(segment.ptr - c->out);
    if (up && !(c->allowed & PATH_DOT_SEGMENT))
        return ambiguous(c, at, "it holds a '.' or '..' segment");
    if (up && segment.len > up)
        return ambiguous(c, at, "a '..' segment with parameters");
    if (segment.len == 0 && !last && !(c->allowed & PATH_EMPTY_SEGMENT))
        return ambiguous(c, at, "some servers merge '//' into '/'");
    return up == 2 && at_root ? ambiguous(c, at, "'..' leads above the root") : OK;
}

// Looks at the segments of what is in out and resolves the dots there.
static code resolve_segments(canon *c)
{
    char *from = c->out + 1, *end = c->out + c->len;
    size_t len = 1; // the root
    while (from < end) {
        char *slash = memchr(from, '/', (size_t)(end - from));
        str segment = {from, (size_t)((slash ? slash : end) - from)};
        size_t n = dots(segment);
        code rc = judge_segment(c, segment, n, !slash, len == 1);
        if (rc != OK)
            return rc;
        if (n == 2) {
            for (len--; c->out[len - 1] != '/'; len--)
                ;
        } else if (n == 0) {
            memmove(c->out + len, segment.ptr, segment.len + (slash ? 1 : 0));
            len += segment.len + (slash ? 1 : 0);
        }
        from = slash ? slash + 1 : end;
    }
    c->len = len;
    return OK;
}

code path_canonical(arena *a, str path, unsigned allowed, str *ret_path, err *e)
{
    canon c = {.in = path, .allowed = allowed, .e = e};
    if (path.len == 0 || path.ptr[0] != '/')
        return ambiguous(&c, 0, "it must start with '/'");
    c.out = arena_array(a, path.len + 1, 3);
    char *raw = arena_alloc(a, path.len + 1);
    size_t raw_len = 0;
    code rc = normalise(&c, raw, &raw_len);
    if (rc == OK && !utf8_valid((str){raw, raw_len}))
        rc = ambiguous(&c, 0, "its bytes are not UTF-8 once decoded");
    if (rc == OK)
        rc = resolve_segments(&c);
    if (rc == OK)
        *ret_path = (str){c.out, c.len};
    return rc;
}
