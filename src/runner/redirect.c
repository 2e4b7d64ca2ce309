// SPDX-License-Identifier: Apache-2.0
// Redirects, as newman's transport follows them (contracts: Postman §8).
#include "runner/run.h"

enum { URL_BYTES_MAX = 64 << 10 };

// Bytes that uri refuses in a URL although servers are sent them: as they are in a Location, and in
// a query that Postman leaves alone.
static str encode_strays(arena *a, str text)
{
    buf out;
    buf_init(&out, URL_BYTES_MAX * 3);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c <= 0x20 || c >= 0x7f || c == '\\')
            buf_addf(&out, "%%%02X", c);
        else
            buf_addc(&out, (char)c);
    }
    str copy = arena_str(a, buf_str(&out));
    buf_deinit(&out);
    return copy;
}

code wire_url_parse(arena *a, str text, uri_url *ret, err *e)
{
    str query_on = STR_NONE;
    ssize_t q = str_chr(text, '?');
    if (q >= 0) // what stands before it must be right as it is
        query_on = encode_strays(a, str_skip(text, (size_t)q));
    str whole = q < 0 ? arena_str(a, text)
                      : arena_printf(a, STR_FMT STR_FMT, (int)q, text.ptr, STR_ARG(query_on));
    return url_parse(a, whole, ret, e);
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool redirect_wanted(const trip *x, int status, str location)
{
    const pm_behavior *b = &x->behavior;
    return is_redirect(status) && location.len && !b->redirects_off &&
           (b->redirects_on || !x->r->o.no_redirects);
}

static void drop_header(trip *x, const char *name, bool system_only)
{
    size_t kept = 0;
    VEC_FOREACH (&x->headers, h)
        if (!str_ieq(h->name, str_from(name)) || (system_only && !h->system))
            x->headers.ptr[kept++] = *h;
    x->headers.len = kept;
}

static void to_get(trip *x)
{
    if (!str_eq(x->method, STR("HEAD")))
        x->method = STR("GET");
    x->with_body = false;
    drop_header(x, "Content-Type", false);
    drop_header(x, "Content-Length", false);
    drop_header(x, "Transfer-Encoding", false);
}

// The collection's own credentials leave with the host name, as newman's do; one for Google with
// the origin already (threat 35). Our token never was among these headers.
static void drop_for(trip *x, const uri_url *to)
{
    uri_origin here = url_origin(&x->at), there = url_origin(to);
    bool other_host = !str_eq(here.host, there.host);
    drop_header(x, "Host", !other_host);
    bool own_token = x->decision.action == INJECTION_LEAVE && !origin_eq(&here, &there);
    if (own_token || (other_host && !x->behavior.keep_authorization))
        drop_header(x, "Authorization", false);
    if (own_token || other_host)
        drop_header(x, "X-Serverless-Authorization", false);
}

static str format(arena *a, const uri_url *u)
{
    buf out;
    uri_url plain = *u;
    plain.has_userinfo = false; // neither sent nor told
    buf_init(&out, URL_BYTES_MAX * 3);
    url_format(&out, &plain, false);
    str text = arena_str(a, buf_str(&out));
    buf_deinit(&out);
    return text;
}

code redirect_follow(trip *x, int status, str location, err *e)
{
    uri_url to;
    if (x->told.redirects >= x->behavior.redirects_max) {
        (void)err_set(e, RUN_REDIRECTS,
                      "Exceeded maxRedirects. Probably stuck in a redirect loop " STR_FMT,
                      STR_ARG(x->url));
        return err_hint(e, "maxRedirects in the request's settings is %u",
                        x->behavior.redirects_max);
    }
    if (location.len > URL_BYTES_MAX)
        return err_set(e, URI_SYNTAX, "the redirect's location has more than %d bytes",
                       URL_BYTES_MAX);
    code c = url_resolve(&x->mem, &x->at, encode_strays(&x->mem, location), &to, e);
    if (c)
        return err_wrap(e, "the redirect's location");
    if (!str_eq(to.scheme, STR("http")) && !str_eq(to.scheme, STR("https")))
        return err_set(e, URI_SYNTAX, "Invalid protocol: " STR_FMT ":", STR_ARG(to.scheme));
    x->told.redirects++;
    drop_for(x, &to);
    if (!x->behavior.keep_method && status != 307 && status != 308)
        to_get(x);
    drop_header(x, "Referer", false);
    if (!x->behavior.no_referer) {
        pm_header referer = {
            .name = STR("Referer"), .value = format(&x->mem, &x->at), .system = true};
        vec_push(&x->headers, referer);
    }
    x->url = format(&x->mem, &to);
    return OK;
}
