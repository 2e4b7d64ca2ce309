// SPDX-License-Identifier: Apache-2.0
// The door of connect: threat 46.
#include <unistd.h>

#include "gate/connect.h"

// ---- who ----------------------------------------------------------------------------------------

static bool check_owner(const gate_connect *k, const gate_call *c, err *e)
{
    uid_t uid = 0;
    bool known = http_exchange_peer_uid(c->x, &uid);
    if (known && uid == k->owner)
        return true;
    if (known)
        (void)err_set(e, GATE_STRANGER, "this port serves user %u, not user %u", (unsigned)k->owner,
                      (unsigned)uid);
    else
        (void)err_set(e, GATE_STRANGER, "it can't be told which user called");
    return false;
}

// ---- for which service --------------------------------------------------------------------------

static const connect_target *named(const gate_connect *k, str name)
{
    for (size_t i = 0; i < k->o.service_count; i++) {
        if (str_eq(k->targets[i].o->name, name))
            return &k->targets[i];
    }
    return NULL;
}

// "127.0.0.1", "localhost", or the host of one service, which *ret_target then is.
static bool is_our_host(const gate_connect *k, str name, const connect_target **ret_target)
{
    *ret_target = NULL;
    if (str_eq(name, STR("127.0.0.1")) || str_eq(name, STR("localhost")))
        return true;
    if (str_ends(name, STR(".localhost")))
        *ret_target = named(k, str_sub(name, 0, name.len - strlen(".localhost")));
    return *ret_target != NULL;
}

// Behind the proxy's TLS a service is called by its own name, and only by that.
static bool is_service_host(const gate_connect *k, str name, uint16_t port,
                            const connect_target **ret_target)
{
    for (size_t i = 0; i < k->o.service_count; i++) {
        const uri_url *u = &k->targets[i].url;
        *ret_target = &k->targets[i];
        if (str_eq(u->scheme, STR("https")) && str_eq(u->host.name, name) && u->port == port)
            return true;
    }
    return false;
}

static bool is_served(const gate_connect *k, const gate_call *c, const uri_host *host,
                      uint16_t port, const connect_target **ret_target)
{
    if (http_exchange_is_tls(c->x))
        return is_service_host(k, host->name, port ? port : 443, ret_target);
    return (port ? port : 80) == gate_port(k->gate) && is_our_host(k, host->name, ret_target);
}

static bool check_host(const gate_connect *k, const gate_call *c, const connect_target **ret_target,
                       err *e)
{
    uri_host host;
    uint16_t port = 0;
    if (authority_parse(c->mem, c->req->host, &host, &port, NULL) == OK &&
        is_served(k, c, &host, port, ret_target))
        return true;
    (void)err_set(e, GATE_HOST, "the Host field is '" STR_FMT "'", STR_ARG(c->req->host));
    (void)err_hint(e, "call http://127.0.0.1:%u", (unsigned)gate_port(k->gate));
    return false;
}

static bool no_service(const gate_connect *k, err *e)
{
    buf names;
    buf_init(&names, 4096);
    for (size_t i = 0; i < k->o.service_count; i++)
        buf_addf(&names, "%s/" STR_FMT "/…", i ? ", " : "", STR_ARG(k->targets[i].o->name));
    (void)err_set(e, GATE_NAME, "the path names none of the services of this port");
    (void)err_hint(e, "call http://127.0.0.1:%u with %s", (unsigned)gate_port(k->gate),
                   buf_cstr(&names));
    buf_deinit(&names);
    return false;
}

// Takes "/NAME" off the target.
static bool take_base(const gate_connect *k, gate_call *c, const connect_target **ret_target,
                      err *e)
{
    str rest = str_skip(c->target, 1);
    size_t end = 0;
    while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?')
        end++;
    *ret_target = named(k, str_sub(rest, 0, end));
    if (!*ret_target)
        return no_service(k, e);
    c->base = str_from((*ret_target)->base);
    rest = str_skip(rest, end);
    bool slash = rest.len && rest.ptr[0] == '/';
    c->target = slash ? rest : arena_printf(c->mem, "/" STR_FMT, STR_ARG(rest));
    c->path = c->target;
    return true;
}

static void choose(gate_call *c, const connect_target *t)
{
    c->service = &t->service;
    c->host = t->host;
    c->unreached_hint = t->unreached_hint;
}

// ---- from where ---------------------------------------------------------------------------------

// The very authority that was called: what came from one service's host may not call another's.
static bool is_called_origin(const gate_call *c, str text)
{
    uri_origin origin;
    uri_host host;
    uint16_t port = 0;
    bool tls = http_exchange_is_tls(c->x);
    return origin_parse(c->mem, text, &origin, NULL) == OK &&
           str_eq(origin.scheme, tls ? STR("https") : STR("http")) &&
           authority_parse(c->mem, c->req->host, &host, &port, NULL) == OK &&
           str_eq(origin.host, host.name) &&
           origin.port == (port  ? port
                           : tls ? 443
                                 : 80);
}

// Browsers tell who made a page's request: all of them Origin, where it isn't a plain GET, and the
// newer ones Sec-Fetch-Site on each.
static bool check_site(const gate_call *c, err *e)
{
    const http_headers *h = &c->req->headers;
    str site = http_headers_get(h, STR("sec-fetch-site"));
    str origin = http_headers_get(h, STR("origin"));
    bool shared = c->base.len > 0; // a page of any of the services has this origin
    bool own = str_eq(site, STR("same-origin")) && !shared;
    bool known = !site.len || own || str_eq(site, STR("none"));
    if (known && (!origin.len || (!shared && is_called_origin(c, origin))))
        return true;
    (void)err_set(e, GATE_SITE, "a web page of another site called (" STR_FMT ")",
                  STR_ARG(origin.len ? origin : site));
    if (shared)
        (void)err_hint(e, "pages have an origin of their own at http://" STR_FMT ".localhost:%u/",
                       STR_ARG(connect_target_of(c)->o->name), (unsigned)gate_port(c->gate));
    return false;
}

bool connect_admit(gate_connect *k, gate_call *c, err *e)
{
    const connect_target *t;
    if (!check_owner(k, c, e) || !check_host(k, c, &t, e))
        return false;
    if (!t && k->o.service_count == 1)
        t = &k->targets[0];
    if (!t && !take_base(k, c, &t, e))
        return false;
    choose(c, t);
    return check_site(c, e);
}
