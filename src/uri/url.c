// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/word.h"
#include "uri/uri.h"

enum { URL_MAX_BYTES = 64 * 1024 };

static code bad_as(err *e, const char *what, str text, const char *why, const char *fix)
{
    (void)err_set(e, URI_SYNTAX, "'" STR_FMT "%s' is no %s: %s", STR_ARG(str_sub(text, 0, 200)),
                  text.len > 200 ? "…" : "", what, why);
    return fix ? err_hint(e, "%s", fix) : URI_SYNTAX;
}

static code bad(err *e, str text, const char *why, const char *fix)
{
    return bad_as(e, "URL", text, why, fix);
}

static code bad_port(err *e, str port)
{
    (void)err_set(e, URI_HOST, "'" STR_FMT "' is no port", STR_ARG(port));
    return err_hint(e, "a port is a number from 1 to 65535, behind a colon: https://host:8443");
}

uint16_t scheme_port(str scheme)
{
    if (str_eq(scheme, STR("http")) || str_eq(scheme, STR("ws")))
        return 80;
    if (str_eq(scheme, STR("https")) || str_eq(scheme, STR("wss")))
        return 443;
    return 0;
}

// ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ), RFC 3986 §3.1
static bool scheme_valid(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!ascii_is_alnum(s.ptr[i]) && (i == 0 || !strchr("+-.", s.ptr[i])))
            return false;
    return s.len > 0 && ascii_is_alpha(s.ptr[0]);
}

static bool may_stand(uint64_t bytes)
{
    return !word_has_below(bytes, ' ' + 1) && !word_has(bytes, 0x7f) && !word_has(bytes, '\\');
}

static code check_bytes(str text, err *e)
{
    if (text.len > URL_MAX_BYTES)
        return bad(e, text, "it is longer than 64 KiB", NULL);
    size_t i = 0;
    while (i + WORD_BYTES <= text.len && may_stand(word_load(text.ptr + i)))
        i += WORD_BYTES;
    for (; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c <= ' ' || c == 0x7f)
            return bad(e, text, "blanks and control characters must be percent-encoded",
                       "write %20 for a blank, or put the URL in quotes");
        if (c == '\\')
            return bad(e, text, "a backslash must be percent-encoded",
                       "write / between the parts of a path, %5C for a backslash");
    }
    return OK;
}

code authority_parse(arena *a, str text, uri_host *ret_host, uint16_t *ret_port, err *e)
{
    str name = text, port = STR_NONE;
    ssize_t colon = str_rchr(text, ':');
    bool bracketed = text.len && text.ptr[0] == '[';
    *ret_port = 0;
    if (colon >= 0 && !(bracketed && text.ptr[text.len - 1] == ']')) {
        name = str_sub(text, 0, (size_t)colon);
        port = str_skip(text, (size_t)colon + 1);
    }
    if (!bracketed && str_chr(name, ':') >= 0)
        return err_set(e, URI_HOST, "'" STR_FMT "': an IPv6 address stands in brackets",
                       STR_ARG(text));
    uint64_t number = 0;
    if (port.len && (!str_to_u64(port, &number) || number == 0 || number > 65535))
        return bad_port(e, port);
    *ret_port = (uint16_t)number; // "host:" means the default port, RFC 3986 §3.2.3
    return host_parse(a, name, ret_host, e);
}

// Cuts text before the first of `ends`: what is behind it goes to *ret_tail with that character.
static str cut_before(str text, const char *ends, str *ret_tail)
{
    str head = text;
    for (ssize_t at; *ends; ends++)
        if ((at = str_chr(head, *ends)) >= 0)
            head.len = (size_t)at;
    *ret_tail = str_skip(text, head.len);
    return head;
}

// PATH[?QUERY][#FRAGMENT]
static void read_tail(str tail, uri_url *u)
{
    u->path = cut_before(tail, "?#", &tail);
    if (tail.len && tail.ptr[0] == '?') {
        u->has_query = true;
        u->query = cut_before(str_skip(tail, 1), "#", &tail);
    }
    if (tail.len) {
        u->has_fragment = true;
        u->fragment = str_skip(tail, 1);
    }
}

code url_parse(arena *a, str text, uri_url *ret_url, err *e)
{
    *ret_url = (uri_url){0};
    code c = check_bytes(text, e);
    if (c != OK)
        return c;
    ssize_t colon = str_find(text, STR("://"));
    if (colon < 0)
        return bad(e, text, "it must start with https:// or http://",
                   "write the whole address, such as https://orders-abc123-uc.a.run.app");
    char *scheme = arena_cstr(a, str_sub(text, 0, (size_t)colon));
    for (char *p = scheme; *p; p++)
        *p = ascii_lower(*p);
    ret_url->scheme = str_from(scheme);
    if (!scheme_valid(ret_url->scheme))
        return bad(e, text, "the scheme is malformed", NULL);
    str tail, authority = cut_before(str_skip(text, (size_t)colon + 3), "/?#", &tail);
    ssize_t at = str_rchr(authority, '@');
    if (at >= 0) {
        ret_url->has_userinfo = true;
        ret_url->userinfo = str_sub(authority, 0, (size_t)at);
        authority = str_skip(authority, (size_t)at + 1);
        // Readers that cut at the first '@' would see another host.
        if (str_chr(ret_url->userinfo, '@') >= 0)
            return bad(e, text, "an '@' in the user name must be percent-encoded", NULL);
    }
    read_tail(tail, ret_url);
    if (ret_url->path.len == 0)
        ret_url->path = STR("/");
    c = authority_parse(a, authority, &ret_url->host, &ret_url->port, e);
    if (c == OK && ret_url->port == 0)
        ret_url->port = scheme_port(ret_url->scheme);
    return c;
}

static void add_authority(buf *out, str host, uint16_t port, str scheme)
{
    bool v6 = str_chr(host, ':') >= 0;
    buf_addf(out, "%s" STR_FMT "%s", v6 ? "[" : "", STR_ARG(host), v6 ? "]" : "");
    if (port && port != scheme_port(scheme))
        buf_addf(out, ":%u", port);
}

void url_format_authority(buf *out, const uri_url *u)
{
    add_authority(out, u->host.name, u->port, u->scheme);
}

void url_format(buf *out, const uri_url *u, bool with_fragment)
{
    buf_adds(out, u->scheme);
    buf_addz(out, "://");
    if (u->has_userinfo) {
        buf_adds(out, u->userinfo);
        buf_addc(out, '@');
    }
    url_format_authority(out, u);
    buf_adds(out, u->path);
    if (u->has_query) {
        buf_addc(out, '?');
        buf_adds(out, u->query);
    }
    if (with_fragment && u->has_fragment) {
        buf_addc(out, '#');
        buf_adds(out, u->fragment);
    }
}

// ---- References (RFC 3986 §5.2)

// "/a/b/../c/./d" → "/a/c/d" (§5.2.4)
static str remove_dots(arena *a, str path)
{
    char *out = arena_alloc(a, path.len + 2);
    size_t len = 0;
    str rest = path, segment;
    bool more = true;
    while (more) {
        more = str_cut(rest, '/', &segment, &rest);
        bool up = str_eq(segment, STR("..")), stay = str_eq(segment, STR("."));
        if (up) {
            // out ends with '/': drop it and the segment before, but not the root
            if (len > 1)
                len--;
            while (len > 1 && out[len - 1] != '/')
                len--;
        } else if (!stay) {
            memcpy(out + len, segment.ptr ? segment.ptr : "", segment.len);
            len += segment.len;
            if (more)
                out[len++] = '/';
        }
    }
    return (str){out, len};
}

static str merge_paths(arena *a, str base, str reference)
{
    str dir = str_sub(base, 0, (size_t)(str_rchr(base, '/') + 1));
    return arena_printf(a, STR_FMT STR_FMT, STR_ARG(dir), STR_ARG(reference));
}

code url_resolve(arena *a, const uri_url *base, str reference, uri_url *ret_url, err *e)
{
    code c = check_bytes(reference, e);
    if (c != OK)
        return c;
    str tail, head = cut_before(reference, ":/?#", &tail);
    if (tail.len && tail.ptr[0] == ':' && scheme_valid(head))
        return url_parse(a, reference, ret_url, e);
    if (str_starts(reference, STR("//")))
        return url_parse(
            a, arena_printf(a, STR_FMT ":" STR_FMT, STR_ARG(base->scheme), STR_ARG(reference)),
            ret_url, e);
    *ret_url = *base;
    ret_url->fragment = STR_NONE;
    ret_url->has_fragment = false;
    uri_url part = {0};
    read_tail(reference, &part);
    if (part.path.len) {
        bool absolute = part.path.ptr[0] == '/';
        ret_url->path =
            remove_dots(a, absolute ? part.path : merge_paths(a, base->path, part.path));
    }
    if (part.path.len || part.has_query) {
        ret_url->query = part.query;
        ret_url->has_query = part.has_query;
    }
    ret_url->fragment = part.fragment;
    ret_url->has_fragment = part.has_fragment;
    return OK;
}

// ---- Origins

uri_origin url_origin(const uri_url *u)
{
    return (uri_origin){u->scheme, u->host.name, u->port};
}

bool origin_eq(const uri_origin *a, const uri_origin *b)
{
    return a->port == b->port && str_eq(a->scheme, b->scheme) && str_eq(a->host, b->host);
}

void origin_format(buf *out, const uri_origin *o)
{
    buf_adds(out, o->scheme);
    buf_addz(out, "://");
    add_authority(out, o->host, o->port, o->scheme);
}

code origin_parse(arena *a, str text, uri_origin *ret_origin, err *e)
{
    uri_url u;
    code c = url_parse(a, text, &u, e);
    if (c != OK)
        return c;
    if (scheme_port(u.scheme) == 0)
        return bad_as(e, "origin", text, "it must start with https:// or http://",
                      "for example https://orders-abc123-uc.a.run.app");
    if (u.has_userinfo || u.has_query || u.has_fragment || !str_eq(u.path, STR("/"))) {
        (void)bad_as(e, "origin", text, "that is scheme, host and port alone", NULL);
        if (e) {
            buf only;
            buf_init(&only, sizeof(e->hint));
            uri_origin o = url_origin(&u);
            origin_format(&only, &o);
            err_hint(e, "write %s", buf_cstr(&only));
            buf_deinit(&only);
        }
        return URI_SYNTAX;
    }
    *ret_origin = url_origin(&u);
    return OK;
}
