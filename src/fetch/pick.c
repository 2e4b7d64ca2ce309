// SPDX-License-Identifier: Apache-2.0
// Which engine carries a call. A call goes directly when nothing about it needs libcurl, and when
// both would put the same bytes on the wire; whatever is unusual is libcurl's.
#include <stdlib.h>

#include "fetch/call.h"

// For http the environment's lower-case name alone counts: HTTP_PROXY is what a CGI client's
// "Proxy:" header becomes.
static bool may_use_proxy(const fetch_request *req)
{
    static const char *const names[] = {"http_proxy", "all_proxy", "ALL_PROXY"};
    if (req->route.address)
        return false;
    for (size_t i = 0; req->proxy.from_env && i < ARRAY_LEN(names); i++)
        if (getenv(names[i]))
            return true;
    return req->proxy.url != NULL;
}

// Headers with a protocol of their own: a wait for 100, a switch to something that isn't HTTP/1.1.
static bool has_special_header(const fetch_request *req)
{
    for (size_t i = 0; i < req->header_count; i++)
        if (str_ieq(req->headers[i].name, STR("Expect")) ||
            str_ieq(req->headers[i].name, STR("Upgrade")))
            return true;
    return false;
}

// The host as written is its canonical form, so that there are no two readings of it.
static bool host_is_plain(str url, const uri_url *u)
{
    str rest = str_skip(url, u->scheme.len + 3);
    str host = u->host.name;
    if (u->host.kind == HOST_IPV6 && str_starts(rest, STR("[")))
        rest = str_skip(rest, 1);
    if (!str_starts(rest, host))
        return false;
    rest = str_skip(rest, host.len);
    if (u->host.kind == HOST_IPV6)
        return str_starts(rest, STR("]"));
    return !rest.len || memchr(":/?#", rest.ptr[0], 4);
}

static code read_url(fetch_call *call, const fetch_request *req, uri_url *ret)
{
    if (!req->at)
        return url_parse(&call->mem, req->url, ret, NULL);
    *ret = *req->at;
    return OK;
}

const engine *engine_for(fetch_call *call, const fetch_request *req, uri_url *ret_url)
{
    if (call->client->only_curl || req->version == FETCH_HTTP_2 || may_use_proxy(req) ||
        has_special_header(req) || read_url(call, req, ret_url))
        return &engine_curl;
    bool https = str_eq(ret_url->scheme, STR("https"));
    bool plain =
        str_eq(ret_url->scheme, STR("http")) || (https && req->route.address && req->route.plain);
    return plain && !ret_url->has_userinfo && host_is_plain(req->url, ret_url) ? &engine_direct
                                                                               : &engine_curl;
}
