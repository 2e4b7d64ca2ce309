// SPDX-License-Identifier: Apache-2.0
// What an answer of a service says of itself, as it is true at connect's port.
#include "gate/connect.h"

// ---- places -------------------------------------------------------------------------------------

// The service's own places are found at the port; all others are where they were.
static str location(const connect_target *t, const gate_call *c, str value)
{
    uri_url u;
    if (str_starts(value, STR("/")) && !str_starts(value, STR("//")))
        return c->base.len ? arena_printf(c->mem, STR_FMT STR_FMT, STR_ARG(c->base), STR_ARG(value))
                           : value;
    if (url_parse(c->mem, value, &u, NULL))
        return value;
    uri_origin own = url_origin(&t->url), its = url_origin(&u);
    if (u.has_userinfo || !origin_eq(&own, &its))
        return value;
    return arena_printf(c->mem, "http://" STR_FMT STR_FMT STR_FMT "%s" STR_FMT "%s" STR_FMT,
                        STR_ARG(c->req->host), STR_ARG(c->base), STR_ARG(u.path),
                        u.has_query ? "?" : "", STR_ARG(u.query), u.has_fragment ? "#" : "",
                        STR_ARG(u.fragment));
}

static str value_of(str attribute, str *ret_name)
{
    str value;
    str_cut(attribute, '=', ret_name, &value);
    *ret_name = str_trim(*ret_name);
    return str_trim(value);
}

static bool is_own_domain(const connect_target *t, str domain)
{
    return cookie_domain_match(&t->url.host, str_skip(domain, str_starts(domain, STR("."))));
}

// Its Path lies beneath the service's own, for its neighbours have the same host; a Domain would
// be another host's than the one that was called, and the client would drop the cookie.
static str cookie(const connect_target *t, const gate_call *c, str value)
{
    buf out;
    str rest = value, part, name;
    bool first = true;
    buf_init(&out, value.len + c->base.len + 64);
    for (; str_next(&rest, ';', &part); first = false) {
        str v = value_of(part, &name);
        if (!first && str_ieq(name, STR("domain")) && is_own_domain(t, v))
            continue;
        if (!first)
            buf_addc(&out, ';');
        if (!first && str_ieq(name, STR("path")) && str_starts(v, STR("/")) && c->base.len)
            buf_addf(&out, " Path=" STR_FMT STR_FMT, STR_ARG(c->base), STR_ARG(v));
        else
            buf_adds(&out, part);
    }
    value = buf_ok(&out) ? arena_str(c->mem, buf_str(&out)) : value;
    buf_deinit(&out);
    return value;
}

// ---- secrets ------------------------------------------------------------------------------------

// Services send back what they get, and what connect was asked to hide would be in the client's
// log (threat 32).
static str clean(const gate_connect *k, const gate_call *c, str value)
{
    buf out;
    if (!c->bearer)
        return value;
    buf_init(&out, SIZE_MAX / 2);
    if (credential_redact(k->o.tokens, value, &out))
        value = arena_str(c->mem, buf_str(&out));
    buf_deinit(&out);
    return value;
}

str connect_answer(const gate_connect *k, gate_call *c, str name, str value)
{
    const connect_target *t = connect_target_of(c);
    if (http_exchange_is_tls(c->x)) // it was called by its own name
        return clean(k, c, value);
    if (str_ieq(name, STR("location")) || str_ieq(name, STR("content-location")))
        value = location(t, c, value);
    else if (str_ieq(name, STR("set-cookie")))
        value = cookie(t, c, value);
    return clean(k, c, value);
}
