// SPDX-License-Identifier: Apache-2.0
// A call as conditions see it (doc/conditions.md): the strings that routing, trail and upstream
// see.
#include "gate/call.h"
#include "uri/uri.h"

static bool text(str s, cel_value *ret)
{
    *ret = cel_string(s);
    return s.len > 0;
}

static bool method(const gate_call *c, arena *a, cel_value *ret)
{
    (void)a;
    return text(c->req->method, ret);
}

// In lower case, without port and final dot: one name has one text.
static bool host(const gate_call *c, arena *a, cel_value *ret)
{
    uri_host h;
    uint16_t port;
    return authority_parse(a, c->req->host, &h, &port, NULL) == OK && text(h.name, ret);
}

static bool path(const gate_call *c, arena *a, cel_value *ret)
{
    (void)a;
    return text(c->path, ret);
}

static bool query(const gate_call *c, arena *a, cel_value *ret)
{
    str head, tail;
    (void)a;
    str_cut(c->target, '?', &head, &tail);
    *ret = cel_string(tail);
    return true;
}

static bool is_secret(str name)
{
    static const char *const names[] = {"authorization", "x-serverless-authorization",
                                        "proxy-authorization", "cookie"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_ieq(name, str_from(names[i])))
            return true;
    return false;
}

static str lower(str name, arena *a)
{
    char *to = arena_cstr(a, name);
    for (size_t i = 0; i < name.len; i++)
        to[i] = ascii_lower(to[i]);
    return (str){to, name.len};
}

// By names in lower case, several of one name joined as RFC 9110 §5.3 has it; none with a secret.
static bool headers(const gate_call *c, arena *a, cel_value *ret)
{
    const http_headers *h = &c->req->headers;
    cel_entry *entries = arena_array(a, h->len, sizeof(*entries));
    cel_map all = {.entries = entries};
    for (size_t i = 0; i < h->len; i++) {
        cel_value name = cel_string(lower(h->ptr[i].name, a));
        if (is_secret(name.s))
            continue;
        cel_value *known = (cel_value *)(uintptr_t)cel_map_get(&all, &name);
        if (known)
            known->s =
                arena_printf(a, STR_FMT ", " STR_FMT, STR_ARG(known->s), STR_ARG(h->ptr[i].value));
        else
            entries[all.len++] = (cel_entry){name, cel_string(h->ptr[i].value)};
    }
    *ret = cel_map_of(entries, all.len);
    return true;
}

// Of a chunked body nobody knows it yet.
static bool size(const gate_call *c, arena *a, cel_value *ret)
{
    (void)a;
    *ret = cel_int(c->req->body_bytes);
    return c->req->body_bytes >= 0;
}

static bool protocol(const gate_call *c, arena *a, cel_value *ret)
{
    (void)a;
    return text(c->http.protocol, ret);
}

static bool id(const gate_call *c, arena *a, cel_value *ret)
{
    (void)a;
    return text(c->http.trace, ret);
}

static bool source_ip(const gate_call *c, arena *a, cel_value *ret)
{
    (void)a;
    return text(c->http.remote_ip, ret);
}

static bool destination_ip(const gate_call *c, arena *a, cel_value *ret)
{
    (void)a;
    return text(c->http.server_ip, ret);
}

static bool destination_port(const gate_call *c, arena *a, cel_value *ret)
{
    (void)a;
    *ret = cel_int(gate_port(c->gate));
    return true;
}

static bool find(void *ctx, str name, arena *a, cel_value *ret)
{
    static const struct {
        const char *name;
        bool (*get)(const gate_call *c, arena *a, cel_value *ret);
    } rows[] = {
        {"request.method", method},
        {"request.host", host},
        {"request.path", path},
        {"request.query", query},
        {"request.headers", headers},
        {"request.size", size},
        {"request.protocol", protocol},
        {"request.id", id},
        {"source.ip", source_ip},
        {"destination.ip", destination_ip},
        {"destination.port", destination_port},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_eq(name, str_from(rows[i].name)))
            return rows[i].get(ctx, a, ret);
    return false;
}

cel_activation attributes_of(const gate_call *c)
{
    return (cel_activation){.lookup = find, .ctx = (void *)(uintptr_t)c};
}
