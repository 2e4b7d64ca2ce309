// SPDX-License-Identifier: Apache-2.0
// For the tests of the pool: a listener that answers raw bytes.
#pragma once

#include "http/http_test_peer.h"
#include "http/http_upstream.h"

typedef struct world world;
struct world {
    loop *loop;
    http_pool *pool;
    listener *listener;
    peer servers[10]; // accepted, in order
    size_t accepted;
    bool connected; // accepted has grown
};

typedef struct result result;
struct result {
    world *world;
    http_call *call;
    int status;
    size_t headers;
    buf body;
    bool ended;
    code code;
    char why[sizeof(((err *)0)->msg)];
};

static inline void on_head(void *ctx, const http_response *res)
{
    result *r = ctx;
    r->status = res->status;
    r->headers = res->headers.len;
}

static inline void on_body(void *ctx, str piece)
{
    result *r = ctx;
    buf_adds(&r->body, piece);
}

static inline void on_end(void *ctx, const err *e)
{
    result *r = ctx;
    r->ended = true;
    r->code = e ? e->code : OK;
    snprintf(r->why, sizeof(r->why), "%s", e ? e->msg : "");
    r->call = NULL;
}

static const http_call_handlers handlers = {
    .on_head = on_head, .on_body = on_body, .on_end = on_end};

static inline void on_accept(void *ctx, stream *s)
{
    world *w = ctx;
    assert_true(w->accepted < ARRAY_LEN(w->servers));
    peer_accept(&w->servers[w->accepted++], w->loop, s);
    w->connected = true;
}

static inline int setup(void **state)
{
    world *w = NEW(world);
    err e = ERR_INIT;
    w->loop = loop_new();
    listen_options lo = {.on_accept = on_accept, .ctx = w};
    assert_code(listener_new(w->loop, &lo, &w->listener, &e), OK);
    *state = w;
    return 0;
}

static inline int teardown(void **state)
{
    world *w = *state;
    for (size_t i = 0; i < w->accepted; i++)
        peer_close(&w->servers[i]);
    http_pool_free(w->pool);
    listener_free(w->listener);
    loop_free(w->loop);
    free(w);
    return 0;
}

static inline void open_pool(world *w, http_pool_options o)
{
    o.host = "127.0.0.1";
    o.port = listener_port(w->listener);
    w->pool = http_pool_new(w->loop, &o);
}

static inline http_headers host_only(void)
{
    static http_header host = {{"Host", 4}, {"a.example", 9}};
    return (http_headers){&host, 1, 1};
}

static inline void start(world *w, result *r, const char *method)
{
    static http_headers h;
    h = host_only();
    *r = (result){.world = w};
    buf_init(&r->body, 64 << 20);
    http_call_options o = {.method = str_from(method), .target = STR("/x?y"), .headers = &h};
    r->call = http_call_start(w->pool, &o, &handlers, r);
}

static inline void wait_connection(world *w, size_t count)
{
    while (w->accepted < count) {
        w->connected = false;
        assert_true(loop_run_until(w->loop, &w->connected, TEST_WAIT_MS));
    }
}

static inline void wait_end(result *r)
{
    assert_true(loop_run_until(r->world->loop, &r->ended, TEST_WAIT_MS));
}

static const http_pool_options defaults;

static inline void serve(world *w, size_t i, const char *request_end, const char *response)
{
    wait_connection(w, i + 1);
    peer_wait(&w->servers[i], request_end);
    buf_reset(&w->servers[i].got);
    peer_send(&w->servers[i], response);
}

static inline void forget(result *r)
{
    buf_deinit(&r->body);
}

static inline void idle_turns(world *w)
{
    bool never = false;
    loop_run_until(w->loop, &never, 30);
}

#define LENGTH_3 "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"

// A call that is answered by `response` at once.
static inline result exchange(world *w, size_t connection, const char *method, const char *response)
{
    result r;
    start(w, &r, method);
    serve(w, connection, "\r\n\r\n", response);
    wait_end(&r);
    return r;
}
