// SPDX-License-Identifier: Apache-2.0
#include "cloudrun/cloudrun_proxy.h"

#include <stdlib.h>
#include <unistd.h>

#include "uri/uri.h"

enum { CONNECT_MS = 20000 };

typedef struct tunnel tunnel;

struct proxy {
    loop *loop;
    proxy_options o;
    http_server *server;
    uid_t owner;
    tunnel *tunnels;
    size_t tunnel_count;
};

// A connection that is passed on, from the request for it to its end.
struct tunnel {
    proxy *proxy;
    tunnel *next, *prev;
    http_exchange *x; // NULL: granted, or the client has left
    stream *server;   // until it is granted
    relay *bytes;     // from then on
};

// ---- refusals -----------------------------------------------------------------------------------

static void refuse(proxy *p, http_exchange *x, const err *e)
{
    if (p->o.on_refusal)
        p->o.on_refusal(p->o.ctx, e);
    http_reply_text(x, code_http(e->code), "%s [%s]%s%s", e->msg, code_id(e->code),
                    e->hint[0] ? "\n" : "", e->hint);
}

static bool is_ours(const proxy *p, http_exchange *x)
{
    uid_t uid;
    return http_exchange_peer_uid(x, &uid) && uid == p->owner;
}

// ---- connections that are passed on -------------------------------------------------------------

static void drop(tunnel *t)
{
    stream_free(t->server);
    relay_free(t->bytes);
    *(t->prev ? &t->prev->next : &t->proxy->tunnels) = t->next;
    if (t->next)
        t->next->prev = t->prev;
    t->proxy->tunnel_count--;
    free(t);
}

static void on_passed(void *ctx, relay *bytes)
{
    (void)bytes;
    drop(ctx);
}

static void on_open(void *ctx)
{
    tunnel *t = ctx;
    relay_options o = {
        .b = t->server, .idle_ms = t->proxy->o.idle_ms, .on_end = on_passed, .ctx = t};
    http_exchange *x = t->x;
    t->x = NULL;
    t->server = NULL;
    o.a = http_reply_connect(x, &o.a_early);
    t->bytes = relay_new(t->proxy->loop, &o);
}

static void on_unreached(void *ctx, const err *e)
{
    tunnel *t = ctx;
    http_exchange *x = t->x;
    err why = ERR_INIT;
    if (e)
        why = *e;
    else
        err_set(&why, NET_BROKEN, "the server closed the connection");
    (void)err_wrap(&why, "CONNECT " STR_FMT, STR_ARG(http_exchange_request(x)->target));
    t->x = NULL;
    refuse(t->proxy, x, &why);
    drop(t);
}

// The exchange is over: granted, refused, or the client has left before.
static void on_done(void *ctx, const http_outcome *o)
{
    tunnel *t = ctx;
    if (o->status)
        return; // t may be gone
    t->x = NULL;
    drop(t);
}

static code may_connect(void *ctx, const struct sockaddr *to, err *e)
{
    const proxy *p = ctx;
    fetch_zone zone = fetch_zone_of(to);
    if (fetch_policy_allows(&p->o.policy, zone))
        return OK;
    (void)err_set(e, FETCH_ADDRESS, "it has a %s address, which this proxy doesn't pass on to",
                  fetch_zone_name(zone));
    return zone == FETCH_ZONE_PRIVATE
               ? err_hint(e,
                          "let NO_PROXY name it in the service's env: then it is called directly")
               : FETCH_ADDRESS;
}

static void pass_on(proxy *p, http_exchange *x, const char *host, uint16_t port)
{
    static const stream_handlers handlers = {.on_open = on_open, .on_end = on_unreached};
    if (p->tunnel_count == PROXY_TUNNELS_MAX) {
        err e = ERR_INIT;
        err_set(&e, UP_QUEUE, "the proxy passes on %d connections already", PROXY_TUNNELS_MAX);
        refuse(p, x, &e);
        return;
    }
    tunnel *t = NEW(tunnel);
    t->proxy = p;
    t->next = p->tunnels;
    if (t->next)
        t->next->prev = t;
    p->tunnels = t;
    p->tunnel_count++;
    t->x = x;
    http_exchange_on_done(x, on_done, t);
    const connect_options o = {
        .host = host, .port = port, .timeout_ms = CONNECT_MS, .may_connect = may_connect, .ctx = p};
    t->server = stream_connect(p->loop, &o, &handlers, t);
}

// ---- hosts that are answered for here -----------------------------------------------------------

static const proxy_route *find_route(const proxy *p, str host, uint16_t port)
{
    for (size_t i = 0; i < p->o.route_count; i++)
        if (str_eq(p->o.routes[i].host, host) && p->o.routes[i].port == port)
            return &p->o.routes[i];
    return NULL;
}

static void answer_for(proxy *p, const proxy_route *r, http_exchange *x)
{
    tls_context *tls = NULL;
    err e = ERR_INIT;
    str early;
    if (!r->plain && tls_authority_server(p->o.authority, r->host, &tls, &e)) {
        err_hint(&e, "start it again");
        refuse(p, x, &e);
        return;
    }
    stream *s = http_reply_connect(x, &early);
    if (early.len) // it didn't wait for the answer
        stream_free(s);
    else
        r->adopt(r->server, s, tls);
}

static void on_request(void *ctx, http_exchange *x)
{
    proxy *p = ctx;
    const http_request *r = http_exchange_request(x);
    uri_host host;
    uint16_t port;
    if (!is_ours(p, x)) {
        http_reply_text(x, 403, "this proxy serves programs of its own user only");
        return;
    }
    if (!str_eq(r->method, STR("CONNECT"))) {
        static const http_header allow = {{"Allow", 5}, {"CONNECT", 7}};
        http_reply(x, 405, &allow, 1, STR("this proxy offers CONNECT only\n"));
        return;
    }
    arena *mem = http_exchange_arena(x);
    if (authority_parse(mem, r->target, &host, &port, NULL) != OK) { // the server has read it
        http_reply_text(x, 400, "the target isn't HOST:PORT");
        return;
    }
    const proxy_route *route = find_route(p, host.name, port);
    if (route)
        answer_for(p, route, x);
    else
        pass_on(p, x, arena_cstr(mem, host.name), port);
}

// ---- life ---------------------------------------------------------------------------------------

code proxy_new(loop *l, const proxy_options *o, proxy **ret_proxy, err *e)
{
    proxy *p = NEW(proxy);
    p->loop = l;
    p->o = *o;
    p->owner = geteuid();
    if (!p->o.idle_ms)
        p->o.idle_ms = PROXY_IDLE_MS;
    const http_server_options so = {
        .port = o->port, .connect = true, .on_request = on_request, .ctx = p};
    code c = http_server_new(l, &so, &p->server, e);
    if (c)
        free(p);
    else
        *ret_proxy = p;
    return c;
}

uint16_t proxy_port(const proxy *p)
{
    return http_server_port(p->server);
}

void proxy_serve(proxy *p, uid_t owner)
{
    p->owner = owner;
}

void proxy_free(proxy *p)
{
    if (!p)
        return;
    http_server_free(p->server); // ends those that wait
    while (p->tunnels)
        drop(p->tunnels);
    free(p);
}
