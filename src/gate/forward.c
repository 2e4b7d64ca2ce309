// SPDX-License-Identifier: Apache-2.0
// Both directions of a call that has its place. Each side is read as fast as the other one takes.
#include "gate/call.h"

// ---- the request's body -------------------------------------------------------------------------

static void on_piece(void *ctx, str piece, const err *e)
{
    gate_call *c = ctx;
    if (c->answered || !c->up) // the service answered without reading all of it
        return;
    if (e)
        call_refuse(c, code_http(e->code), e);
    else if (!piece.len)
        http_call_write_end(c->up);
    else if (call_takes_body(c, c->body_bytes += piece.len) && !http_call_write(c->up, piece))
        http_exchange_pause_body(c->x);
}

static void on_upstream_drain(void *ctx)
{
    gate_call *c = ctx;
    http_exchange_resume_body(c->x);
}

// ---- the response -------------------------------------------------------------------------------

static void on_head(void *ctx, const http_response *res)
{
    gate_call *c = ctx;
    http_headers headers;
    fields_for_client(c, res, &headers);
    http_reply_start(c->x, res->status, headers.ptr, headers.len, res->body_bytes);
}

static void on_client_drain(void *ctx)
{
    gate_call *c = ctx;
    if (c->up)
        http_call_resume(c->up);
}

static void on_body(void *ctx, str piece)
{
    gate_call *c = ctx;
    if (!http_reply_write(c->x, piece))
        http_call_pause(c->up);
}

static void on_trailers(void *ctx, const http_headers *trailers)
{
    gate_call *c = ctx;
    http_headers headers;
    fields_for_trailers(c, trailers, &headers);
    http_reply_trailers(c->x, headers.ptr, headers.len);
}

// What the pool says becomes Cloud Run's answer: 504 for time, 503 for all else.
static void on_end(void *ctx, const err *e)
{
    gate_call *c = ctx;
    c->up = NULL;
    if (e) {
        err why = *e;
        if (e->code == NET_CONNECT && c->unreached_hint)
            (void)err_hint(&why, "%s", c->unreached_hint);
        call_refuse(c, e->code == SYS_TIMEOUT ? 504 : 503, &why);
        return;
    }
    c->answered = true;
    call_release(c);
    http_reply_end(c->x);
}

// ---- leaving HTTP -------------------------------------------------------------------------------

// Nothing of the client's tunnel was read before this 101 (threat 11).
static void on_upgrade(void *ctx, const http_response *res, stream *server, str server_early)
{
    gate_call *c = ctx;
    http_headers headers;
    str client_early;
    c->up = NULL;
    fields_for_client(c, res, &headers);
    http_headers_add(&headers, c->mem, STR("upgrade"),
                     http_headers_get(&res->headers, STR("upgrade")));
    stream *client = http_reply_upgrade(c->x, headers.ptr, headers.len, &client_early);
    c->x = NULL;
    c->answered = true;
    tunnel_start(c, client, client_early, server, server_early);
}

// WebSockets only: another protocol behind an upgrade (h2c) could carry calls that nobody judges.
static str wanted_upgrade(const http_request *req)
{
    if (!req->upgrade || req->body_bytes ||
        !str_ieq(http_headers_get(&req->headers, STR("upgrade")), STR("websocket")))
        return STR_NONE;
    return STR("websocket");
}

void forward_start(gate_call *c)
{
    static const http_call_handlers handlers = {.on_head = on_head,
                                                .on_body = on_body,
                                                .on_trailers = on_trailers,
                                                .on_end = on_end,
                                                .on_drain = on_upstream_drain,
                                                .on_upgrade = on_upgrade};
    fields_for_upstream(c);
    const http_call_options o = {.method = c->req->method,
                                 .target = c->target,
                                 .headers = &c->head,
                                 .body_bytes = c->req->body_bytes,
                                 .http2 = c->gate->hooks && c->req->version_major == 2,
                                 .upgrade = wanted_upgrade(c->req)};
    http_reply_on_drain(c->x, on_client_drain, c);
    c->up = http_call_start(c->pool, &o, &handlers, c);
    if (c->req->body_bytes)
        http_exchange_stream_body(c->x, on_piece, c);
}
