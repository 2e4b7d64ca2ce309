// SPDX-License-Identifier: Apache-2.0
#include "net/stream.h"

enum { BACKLOG = 511, HANDSHAKE_MS = 10000 };

struct listener {
    uv_tcp_t *io;
    loop *loop;
    tls_context *tls;
    uint64_t handshake_ms;
    void (*on_accept)(void *ctx, stream *s);
    void *ctx;
    uint16_t port;
    stream *handshakes;
};

static void remove_handshake(listener *ln, stream *s)
{
    *(s->prev ? &s->prev->next : &ln->handshakes) = s->next;
    if (s->next)
        s->next->prev = s->prev;
    s->next = s->prev = NULL;
    s->acceptor = NULL;
}

void acceptor_opened(listener *ln, stream *s)
{
    remove_handshake(ln, s);
    ln->on_accept(ln->ctx, s);
}

void acceptor_failed(listener *ln, stream *s)
{
    remove_handshake(ln, s);
    stream_free(s);
}

static void on_handshake_late(void *ctx)
{
    stream *s = ctx;
    acceptor_failed(s->acceptor, s);
}

static void begin_handshake(listener *ln, stream *s, tls_context *tls)
{
    s->acceptor = ln;
    s->next = ln->handshakes;
    if (s->next)
        s->next->prev = s;
    ln->handshakes = s;
    s->deadline = timer_new(ln->loop, on_handshake_late, s);
    timer_start(s->deadline, ln->handshake_ms);
    stream_start_tls(s, tls, NULL);
}

static void on_connection(uv_stream_t *server, int status)
{
    listener *ln = server->data;
    if (!ln || status < 0)
        return;
    uv_tcp_t *io = NEW(uv_tcp_t);
    uv_tcp_init(&ln->loop->uv, io);
    if (uv_accept(server, (uv_stream_t *)io) != 0) {
        handle_close_free((uv_handle_t *)io);
        return;
    }
    uv_tcp_nodelay(io, 1);
    stream *s = stream_over(ln->loop, (uv_stream_t *)io);
    if (ln->tls) {
        begin_handshake(ln, s, ln->tls);
    } else {
        s->is_open = true;
        ln->on_accept(ln->ctx, s);
    }
}

static uint16_t bound_port(const uv_tcp_t *io)
{
    struct sockaddr_storage addr = {0};
    int len = sizeof(addr);
    if (uv_tcp_getsockname(io, (struct sockaddr *)&addr, &len) != 0)
        return 0;
    return ntohs(addr.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&addr)->sin6_port
                                            : ((struct sockaddr_in *)&addr)->sin_port);
}

code listener_new(loop *l, const listen_options *o, listener **ret_listener, err *e)
{
    const char *host = o->host ? o->host : "127.0.0.1";
    struct sockaddr_storage addr = {0};
    int status = uv_ip4_addr(host, o->port, (struct sockaddr_in *)&addr);
    if (status != 0)
        status = uv_ip6_addr(host, o->port, (struct sockaddr_in6 *)&addr);
    if (status != 0)
        return err_set(e, NET_LISTEN, "listening on %s: not a numeric address", host);

    uv_tcp_t *io = NEW(uv_tcp_t);
    uv_tcp_init(&l->uv, io);
    status = uv_tcp_bind(io, (struct sockaddr *)&addr, 0);
    if (status == 0)
        status = uv_listen((uv_stream_t *)io, BACKLOG, on_connection);
    if (status != 0) {
        handle_close_free((uv_handle_t *)io);
        return err_uv(e, NET_LISTEN, status, "listening on %s port %u", host, (unsigned)o->port);
    }
    listener *ln = NEW(listener);
    *ln =
        (listener){.io = io,
                   .loop = l,
                   .tls = o->tls ? tls_context_ref(o->tls) : NULL,
                   .handshake_ms = o->handshake_timeout_ms ? o->handshake_timeout_ms : HANDSHAKE_MS,
                   .on_accept = o->on_accept,
                   .ctx = o->ctx,
                   .port = bound_port(io)};
    io->data = ln;
    *ret_listener = ln;
    return OK;
}

void listener_adopt(listener *ln, stream *s, tls_context *tls)
{
    s->is_open = false; // until the handshake is over
    begin_handshake(ln, s, tls);
}

uint16_t listener_port(const listener *ln)
{
    return ln->port;
}

void listener_free(listener *ln)
{
    if (!ln)
        return;
    while (ln->handshakes)
        acceptor_failed(ln, ln->handshakes);
    ln->io->data = NULL;
    handle_close_free((uv_handle_t *)ln->io);
    tls_context_unref(ln->tls);
    free(ln);
}
