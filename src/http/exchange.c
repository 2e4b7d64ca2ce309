// SPDX-License-Identifier: Apache-2.0
#include "http/h2_server.h"

void exchange_init(conn *c)
{
    c->x = (http_exchange){.c = c, .mem = &c->arena, .started_ns = c->x.started_ns};
    c->discarded = 0;
}

void http_exchange_on_done(http_exchange *x, void (*on_done)(void *ctx, const http_outcome *o),
                           void *ctx)
{
    x->on_done = on_done;
    x->done_ctx = ctx;
}

void http_exchange_on_eof(http_exchange *x, void (*on_eof)(void *ctx), void *ctx)
{
    x->on_eof = on_eof;
    x->eof_ctx = ctx;
}

const http_request *http_exchange_request(const http_exchange *x)
{
    return &x->req;
}

arena *http_exchange_arena(http_exchange *x)
{
    return x->mem;
}

const char *http_exchange_peer_ip(const http_exchange *x)
{
    return stream_peer_ip(x->c->stream);
}

bool http_exchange_peer_uid(const http_exchange *x, uid_t *ret_uid)
{
    return stream_peer_uid(x->c->stream, ret_uid);
}

bool http_exchange_is_tls(const http_exchange *x)
{
    return stream_is_tls(x->c->stream);
}

uint64_t http_exchange_started_mono_ns(const http_exchange *x)
{
    return x->started_ns;
}

// ---- body ---------------------------------------------------------------------------------------

static void start_reading(http_exchange *x, body_reader reader,
                          void (*on_body)(void *ctx, str bytes, const err *e), void *ctx)
{
    x->reader = reader;
    x->on_body = on_body;
    x->body_ctx = ctx;
    conn *c = x->c;
    if (x->req.expects_continue && !x->status && x->h2) {
        h2_continue(x);
    } else if (x->req.expects_continue && !x->status && !c->in.rest.len) {
        bool more;
        conn_write(c, STR("HTTP/1.1 100 Continue\r\n\r\n"), &more);
    }
    x->req.expects_continue = false;
    exchange_wake(x);
}

void http_exchange_read_body(http_exchange *x, size_t max,
                             void (*on_body)(void *ctx, str body, const err *e), void *ctx)
{
    buf_init(&x->body, max);
    x->body_max = max;
    start_reading(x, BODY_WHOLE, on_body, ctx);
}

void http_exchange_stream_body(http_exchange *x,
                               void (*on_piece)(void *ctx, str piece, const err *e), void *ctx)
{
    start_reading(x, BODY_PIECES, on_piece, ctx);
}

void http_exchange_pause_body(http_exchange *x)
{
    x->body_paused = true;
}

void http_exchange_resume_body(http_exchange *x)
{
    if (!x->body_paused)
        return;
    x->body_paused = false;
    exchange_wake(x);
}

void exchange_wake(http_exchange *x)
{
    if (x->h2)
        h2_wake(x);
    else
        conn_wake(x->c);
}

bool exchange_wants_body(const http_exchange *x)
{
    return (x->reader == BODY_WHOLE || x->reader == BODY_PIECES) && !x->body_paused;
}

static void tell(http_exchange *x, str bytes, const err *e)
{
    x->reader = BODY_TOLD;
    x->on_body(x->body_ctx, bytes, e);
}

void exchange_body(http_exchange *x, str piece, const err *e)
{
    bool end = !piece.len && !e;
    if (x->reader == BODY_PIECES && !end && !e)
        x->on_body(x->body_ctx, piece, NULL);
    else if (x->reader == BODY_PIECES || (x->reader == BODY_WHOLE && e))
        tell(x, STR_NONE, e);
    else if (x->reader == BODY_WHOLE && end)
        tell(x, buf_str(&x->body), NULL);
    else if (x->reader == BODY_WHOLE) {
        buf_adds(&x->body, piece);
        if (buf_ok(&x->body))
            return;
        err limit = ERR_INIT;
        err_set(&limit, SYS_LIMIT, "the body of the request is larger than %zu bytes", x->body_max);
        tell(x, STR_NONE, &limit);
    }
}
