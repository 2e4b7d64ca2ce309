// SPDX-License-Identifier: Apache-2.0
#include "cloudrun/probe.h"

struct probe {
    loop *loop;
    probe_options o;
    uint16_t port;
    stream *stream; // a TCP question is under way
    http_pool *pool;
    http_call *call;
    int status;
    http_headers headers;
    arena memory; // of the headers
};

static void on_pool_answer(void *ctx, const http_response *res)
{
    ((probe *)ctx)->status = res->status;
}

static void on_pool_end(void *ctx, const err *e)
{
    probe *p = ctx;
    err bad = ERR_INIT;
    p->call = NULL;
    if (e)
        bad = *e;
    else if (p->status < 200 || p->status > 399)
        err_set(&bad, UP_INSTANCE, "it answered %d", p->status);
    p->o.on_answer(p->o.ctx, bad.code ? &bad : NULL);
}

static const http_call_handlers call_handlers = {.on_head = on_pool_answer, .on_end = on_pool_end};

static void end_stream(probe *p, const err *e)
{
    stream_free(p->stream);
    p->stream = NULL;
    if (e || !p->pool) {
        p->o.on_answer(p->o.ctx, e);
        return;
    }
    http_call_options call = {
        .method = STR("GET"), .target = p->o.what->path, .headers = &p->headers};
    p->status = 0;
    p->call = http_call_start(p->pool, &call, &call_handlers, p);
}

static void on_open(void *ctx)
{
    probe *p = ctx;
    uid_t uid;
    err bad = ERR_INIT;
    if (stream_local_port(p->stream) == p->port)
        err_set(&bad, NET_CONNECT, "nothing listens there");
    else if (stream_peer_uid(p->stream, &uid) && uid != p->o.owner)
        err_set(&bad, UP_INSTANCE, "another user of this machine listens there");
    end_stream(p, bad.code ? &bad : NULL);
}

static void on_stream_end(void *ctx, const err *e)
{
    err closed = ERR_INIT;
    if (!e)
        err_set(&closed, NET_BROKEN, "it closed the connection");
    end_stream(ctx, e ? e : &closed);
}

static const stream_handlers tcp_handlers = {.on_open = on_open, .on_end = on_stream_end};

probe *probe_new(loop *l, const probe_options *o)
{
    probe *p = NEW(probe);
    *p = (probe){.loop = l, .o = *o, .port = o->what->port ? o->what->port : o->port};
    arena_init(&p->memory);
    if (o->what->kind == SERVICE_PROBE_HTTP) {
        http_pool_options pool = {.host = "127.0.0.1",
                                  .port = p->port,
                                  .connect_ms = o->answer_ms,
                                  .response_ms = o->answer_ms,
                                  .body_ms = o->answer_ms};
        p->pool = http_pool_new(l, &pool);
        for (size_t i = 0; i < o->what->header_count; i++)
            http_headers_add(&p->headers, &p->memory, o->what->headers[i].name,
                             o->what->headers[i].value);
        if (!http_headers_has(&p->headers, STR("host")))
            http_headers_add(&p->headers, &p->memory, STR("host"), STR("127.0.0.1"));
        http_headers_set(&p->headers, &p->memory, STR("user-agent"), STR("GoogleHC/1.0"));
    }
    return p;
}

void probe_ask(probe *p)
{
    connect_options to = {.host = "127.0.0.1", .port = p->port, .timeout_ms = p->o.answer_ms};
    p->stream = stream_connect(p->loop, &to, &tcp_handlers, p);
}

void probe_free(probe *p)
{
    if (!p)
        return;
    if (p->call)
        http_call_cancel(p->call);
    http_pool_free(p->pool);
    stream_free(p->stream);
    arena_deinit(&p->memory);
    free(p);
}
