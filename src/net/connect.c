// SPDX-License-Identifier: Apache-2.0
// stream_connect: resolve, then try the addresses one after the other under one deadline, so that
// one that swallows packets leaves time for the next.
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
    uint64_t until_ms;
    timer *patience; // with the address that is tried, while there is another
    code (*may_connect)(void *ctx, const struct sockaddr *to, err *e);
    void *ctx;
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
    timer_free(c->patience);
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
    if (c->patience)
        timer_stop(c->patience);
    if (c->resolving)
        uv_cancel((uv_req_t *)&c->resolve);
    free_if_idle(c);
}

static void fail(connector *c, code rc, int status)
{
    err e = ERR_INIT;
    stream_note(c->s, status);
    if (rc == NET_RESOLVE)
        (void)err_uv(&e, rc, status, "resolving %s", c->host);
    else
        (void)err_uv(&e, rc, status, "connecting to %s port %u", c->host, (unsigned)c->port);
    stream_break(c->s, &e);
}

// The last word, but for an address of a family that this machine can't reach at all.
static void note_failure(connector *c, int status)
{
    if (!c->last_status || status != UV_ENETUNREACH)
        c->last_status = status;
}

static void drop_attempt(connector *c)
{
    stream *s = c->s;
    if (!s->io)
        return;
    s->io->data = NULL;
    handle_close_free((uv_handle_t *)s->io);
    s->io = NULL;
}

// on_connected hears of it, and goes on.
static void on_patience_over(void *ctx)
{
    connector *c = ctx;
    note_failure(c, UV_ETIMEDOUT);
    drop_attempt(c);
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
        if (s->io) // otherwise it was given up
            note_failure(c, status);
        drop_attempt(c);
        try_next(c);
        return;
    }
    s->connected_ns = clock_mono_ns();
    uv_tcp_nodelay((uv_tcp_t *)s->io, 1);
    if (c->tls)
        stream_start_tls(s, c->tls, c->tls_name ? c->tls_name : c->host);
    else
        stream_opened(s);
}

static bool may_connect(connector *c, const struct sockaddr *to)
{
    err e = ERR_INIT;
    if (!c->may_connect || !c->may_connect(c->ctx, to, &e))
        return true;
    stream_break(c->s, &e);
    return false;
}

static void limit_attempt(connector *c)
{
    uint64_t now = loop_now_ms(c->s->loop);
    if (!c->next)
        return;
    if (!c->patience)
        c->patience = timer_new(c->s->loop, on_patience_over, c);
    timer_start(c->patience, now < c->until_ms ? (c->until_ms - now) / 2 : 0);
}

static void try_next(connector *c)
{
    struct addrinfo *a = c->next;
    if (c->patience)
        timer_stop(c->patience);
    if (!a) {
        fail(c, NET_CONNECT, c->last_status ? c->last_status : UV_EADDRNOTAVAIL);
        return;
    }
    c->next = a->ai_next;
    if (!may_connect(c, a->ai_addr))
        return;
    uv_tcp_t *tcp = NEW(uv_tcp_t);
    uv_tcp_init(&c->s->loop->uv, tcp);
    c->s->io = (uv_stream_t *)tcp;
    tcp->data = c->s;
    c->connect.data = c;
    int status = uv_tcp_connect(&c->connect, tcp, a->ai_addr, on_connected);
    if (status == 0) {
        c->connecting = true;
        limit_attempt(c);
        return;
    }
    note_failure(c, status);
    drop_attempt(c);
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
        c->s->resolved_ns = clock_mono_ns();
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

static bool is_address(const char *host)
{
    struct sockaddr_storage addr;
    return uv_ip4_addr(host, 0, (struct sockaddr_in *)&addr) == 0 ||
           uv_ip6_addr(host, 0, (struct sockaddr_in6 *)&addr) == 0;
}

// localhost and what ends with it are this machine, whoever else says so (RFC 6761 §6.3): a machine
// without /etc/hosts knows them, and no name server is asked.
static bool is_this_machine(const char *host)
{
    str name = str_from(host);
    if (str_ends(name, STR(".")))
        name.len--;
    return str_ieq(name, STR("localhost")) || str_iends(name, STR(".localhost"));
}

// As a task: nothing may call back inside stream_connect.
static void start(void *ctx)
{
    connector *c = ctx;
    char port[8];
    snprintf(port, sizeof(port), "%u", (unsigned)c->port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    bool loopback = is_this_machine(c->host);
    if (loopback || is_address(c->host)) {
        hints.ai_flags = AI_NUMERICHOST;
        struct addrinfo *found = NULL;
        const char *host = loopback ? NULL : c->host; // NULL is ::1 and 127.0.0.1
        int status = getaddrinfo(host, port, &hints, &found) == 0 ? 0 : UV_EAI_NONAME;
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
    c->until_ms = loop_now_ms(l) + c->timeout_ms;
    c->may_connect = o->may_connect;
    c->ctx = o->ctx;
    c->s = stream_over(l, NULL);
    c->s->connector = c;
    stream_handle(c->s, h, ctx);
    c->s->deadline = timer_new(l, on_deadline, c);
    timer_start(c->s->deadline, c->timeout_ms);
    c->start = (task){.run = start, .ctx = c};
    task_post(l, &c->start);
    return c->s;
}
