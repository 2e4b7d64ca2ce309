// SPDX-License-Identifier: Apache-2.0
// Akamai's EdgeGrid: an HMAC over the request line, chosen headers and the body of a POST.
#include <time.h>

#include "postman/auth.h"

enum { BODY_BYTES_MAX = 131072 };

static str timestamp(arena *a)
{
    time_t now = (time_t)clock_wall_s();
    struct tm t;
    gmtime_r(&now, &t);
    return arena_printf(a, "%04d%02d%02dT%02d:%02d:%02d+0000", t.tm_year + 1900, t.tm_mon + 1,
                        t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
}

// The user's header with every run of blanks as one; nothing for those that are empty or ours.
static void add_canonical(builder *b, str name, buf *out)
{
    const pm_header *h = pm_call_header(b->call, name);
    if (!h || h->system || !h->value.len)
        return;
    buf_addz(out, out->len ? "\t" : "");
    for (size_t i = 0; i < name.len; i++)
        buf_addc(out, ascii_lower(name.ptr[i]));
    buf_addc(out, ':');
    for (size_t i = 0; i < h->value.len; i++) {
        bool blank = ascii_is_blank(h->value.ptr[i]);
        if (!blank || !ascii_is_blank(h->value.ptr[i - 1])) // a value begins with none
            buf_addc(out, blank ? ' ' : h->value.ptr[i]);
    }
}

static str canonical_headers(builder *b, const json *params)
{
    const json *list = auth_value(params, "headersToSign");
    str text = auth_param(b->arena, params, "headersToSign"), name;
    buf out;
    buf_init(&out, PM_TEXT_BYTES_MAX);
    if (json_is(list, JSON_ARRAY))
        JSON_EACH (list, m)
            add_canonical(b, str_trim(json_str_or(m, STR_NONE)), &out);
    else
        while (str_next(&text, ',', &name))
            add_canonical(b, str_trim(name), &out);
    str headers = arena_str(b->arena, buf_str(&out));
    buf_deinit(&out);
    return headers;
}

static str body_hash(builder *b, const json *params)
{
    uint64_t max = 0;
    if (!str_eq(b->call->method, STR("POST")))
        return STR_NONE;
    if (!str_to_u64(auth_param(b->arena, params, "maxBodySize"), &max) || !max)
        max = BODY_BYTES_MAX;
    auth_body how = {.algorithm = "SHA256", .base64 = true, .bytes_max = max};
    return auth_hash_body(b->arena, b->call, &how);
}

// The host that is signed: that of baseURL where the request goes through another.
static str host_of(builder *b, const json *params, const auth_url *url)
{
    pm_url base;
    str text = auth_param(b->arena, params, "baseURL"), wire;
    if (!text.len)
        return url->authority;
    pm_url_parse(b->arena, text, &base);
    if (pm_url_wire(b->arena, &base, false, &wire, NULL))
        return url->authority;
    return auth_url_of(wire).authority;
}

void sign_edgegrid(builder *b, const json *params)
{
    arena *a = b->arena;
    str access = auth_param(a, params, "accessToken"),
        client = auth_param(a, params, "clientToken");
    str key = auth_param(a, params, "clientSecret"), when = auth_param(a, params, "timestamp");
    str nonce = auth_param(a, params, "nonce");
    char uuid[RAND_UUID_MAX];
    auth_url url;
    if (!access.len || !client.len || !key.len || !auth_url_now(b, &url))
        return;
    rand_uuid(uuid);
    if (!nonce.len)
        nonce = str_from(uuid);
    if (!when.len)
        when = timestamp(a);
    str head = arena_printf(a,
                            "EG1-HMAC-SHA256 client_token=" STR_FMT ";access_token=" STR_FMT
                            ";timestamp=" STR_FMT ";nonce=" STR_FMT ";",
                            STR_ARG(client), STR_ARG(access), STR_ARG(when), STR_ARG(nonce));
    str text = arena_printf(
        a, STR_FMT "\t" STR_FMT "\t" STR_FMT "\t" STR_FMT "\t" STR_FMT "\t" STR_FMT "\t" STR_FMT,
        STR_ARG(b->call->method), STR_ARG(url.scheme), STR_ARG(host_of(b, params, &url)),
        STR_ARG(url.target), STR_ARG(canonical_headers(b, params)), STR_ARG(body_hash(b, params)),
        STR_ARG(head));
    key = auth_hmac_base64(a, "SHA256", key, when);
    auth_header(b, arena_printf(a, STR_FMT "signature=" STR_FMT, STR_ARG(head),
                                STR_ARG(auth_hmac_base64(a, "SHA256", key, text))));
}
