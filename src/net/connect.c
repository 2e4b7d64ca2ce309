// SPDX-License-Identifier: Apache-2.0
// stream_connect: resolve, then try the addresses one after the other under one deadline.
#include "net/stream.h"

#include <netdb.h>

enum { CONNECT_MS = 30000 };

struct connector {
    uv_getaddrinfo_t resolve;
    uv_connect_t connect;
    stream *s;              // NULL once detached
    struct addrinfo *found; // owned, by libuv's free
    struct addrinfo *next;
    tls_context *tls;
    char *host;
    char *tls_name;
    uint16_t port;
    uint64_t timeout_ms;
    int last_status; // why the last address failed
    bool resolving;
    bool connecting;
    task start;
};

static void try_next(connector *c);

static void free_if_idle(connector *c)
{
    if (c->s || c->resolving || c->connecting)
        return; // libuv still holds a request
    uv_freeaddrinfo(c->found);
    tls_context_unref(c->tls);
    free(c->host);
    free(c->tls_name);
    free(c);
}

void connector_detach(connector *c)
{
    c->s = NULL;
    task_cancel(&c->start);
    if (c->resolving)
        uv_cancel((uv_req_t *)&c->resolve);
    free_if_idle(c);
}

static void fail(connector *c, code rc, int status)
{
    err e = ERR_INIT;
    if (rc == NET_RESOLVE)
        (void)err_uv(&e, rc, status, "resolving %s", c->host);
    else
        (void)err_uv(&e, rc, status, "connecting to %s port %u", c->host, (unsigned)c->port);
    stream_break(c->s, &e);
}

static void on_connected(uv_connect_t *req, int status)
{
    connector *c = req->data;
    c->connecting = false;
    if (!c->s) {
        free_if_idle(c);
        return;
    }
    stream *s = c->s;
    if (status < 0) {
        c->last_status = status;
        s->io->data = NULL;
        handle_close_free((uv_handle_t *)s->io);
        s->io = NULL;
        try_next(c);
        return;
    }
    uv_tcp_nodelay((uv_tcp_t *)s->io, 1);
    if (c->tls)
        stream_start_tls(s, c->tls, c->tls_name ? c->tls_name : c->host);
    else
        stream_opened(s);
}

static void try_next(connector *c)
{
    struct addrinfo *a = c->next;
    if (!a) {
        fail(c, NET_CONNECT, c->last_status);
        return;
    }
    c->next = a->ai_next;
    uv_tcp_t *tcp = NEW(uv_tcp_t);
    uv_tcp_init(&c->s->loop->uv, tcp);
    c->s->io = (uv_stream_t *)tcp;
    tcp->data = c->s;
    c->connect.data = c;
    int status = uv_tcp_connect(&c->connect, tcp, a->ai_addr, on_connected);
    if (status == 0) {
        c->connecting = true;
        return;
    }
    c->last_status = status;
    c->s->io->data = NULL;
    handle_close_free((uv_handle_t *)c->s->io);
    c->s->io = NULL;
    try_next(c); // at most once for each address
}

static void on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *found)
{
    connector *c = req->data;
    c->resolving = false;
    c->found = found;
    if (!c->s) {
        free_if_idle(c);
    } else if (status < 0) {
        fail(c, NET_RESOLVE, status);
    } else {
        c->next = found;
        try_next(c);
    }
}

static void on_deadline(void *ctx)
{
    connector *c = ctx;
    err e = ERR_INIT;
    (void)err_set(&e, SYS_TIMEOUT, "connecting to %s port %u: no answer within %llu ms", c->host,
                  (unsigned)c->port, (unsigned long long)c->timeout_ms);
    stream_break(c->s, &e);
}

// As a task: nothing may call back inside stream_connect.
static void start(void *ctx)
{
    connector *c = ctx;
    char port[8];
    snprintf(port, sizeof(port), "%u", (unsigned)c->port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct sockaddr_storage addr;
    if (uv_ip4_addr(c->host, 0, (struct sockaddr_in *)&addr) == 0 ||
        uv_ip6_addr(c->host, 0, (struct sockaddr_in6 *)&addr) == 0) {
        hints.ai_flags = AI_NUMERICHOST;
        struct addrinfo *found = NULL;
        int status = getaddrinfo(c->host, port, &hints, &found) == 0 ? 0 : UV_EAI_NONAME;
        c->resolve.data = c;
        on_resolved(&c->resolve, status, found);
        return;
    }
    c->resolve.data = c;
    int status = uv_getaddrinfo(&c->s->loop->uv, &c->resolve, on_resolved, c->host, port, &hints);
    c->resolving = status == 0;
    if (status < 0)
        fail(c, NET_RESOLVE, status);
}

stream *stream_connect(loop *l, const connect_options *o, const stream_handlers *h, void *ctx)
{
    connector *c = NEW(connector);
    c->host = mem_dup(o->host);
    c->tls_name = o->tls_name ? mem_dup(o->tls_name) : NULL;
    c->port = o->port;
    c->tls = o->tls ? tls_context_ref(o->tls) : NULL;
    c->timeout_ms = o->timeout_ms ? o->timeout_ms : CONNECT_MS;
    c->last_status = UV_EADDRNOTAVAIL;
    c->s = stream_over(l, NULL);
    c->s->connector = c;
    stream_handle(c->s, h, ctx);
    c->s->deadline = timer_new(l, on_deadline, c);
    timer_start(c->s->deadline, c->timeout_ms);
    c->start = (task){.run = start, .ctx = c};
    task_post(l, &c->start);
    return c->s;
}
