// SPDX-License-Identifier: Apache-2.0
// For the tests of streams: a listener and one connection to it, both ends on one loop, and what
// each of them was told.
#pragma once

#include "base/test.h"
#include "net/net.h"

typedef struct pair pair;

// One end of the connection.
typedef struct test_end test_end;
struct test_end {
    pair *pair;
    stream *s;
    buf in;
    unsigned opens, ends, drains;
    code broken; // of the end; OK: the peer's last byte
    char why[sizeof(((err *)0)->msg)];
    void (*on_bytes)(test_end *t); // instead of only remembering them
};

struct pair {
    loop *loop;
    listener *listener;
    test_end client, server;
    bool event; // something was told since the last look
};

// Turns the loop until the condition holds.
#define await(p, condition)                                                                        \
    while (!(condition)) {                                                                         \
        (p)->event = false;                                                                        \
        if (!loop_run_until((p)->loop, &(p)->event, TEST_WAIT_MS))                                 \
            fail_msg("this never came: %s", #condition);                                           \
    }

static inline void end_open(void *ctx)
{
    test_end *t = ctx;
    t->opens++;
    t->pair->event = true;
}

static inline void end_read(void *ctx, str bytes)
{
    test_end *t = ctx;
    t->pair->event = true;
    buf_adds(&t->in, bytes);
    if (t->on_bytes)
        t->on_bytes(t);
}

static inline void end_end(void *ctx, const err *e)
{
    test_end *t = ctx;
    t->ends++;
    t->pair->event = true;
    t->broken = e ? e->code : OK;
    snprintf(t->why, sizeof(t->why), "%s", e ? e->msg : "");
}

static inline void end_drain(void *ctx)
{
    test_end *t = ctx;
    t->drains++;
    t->pair->event = true;
}

static const stream_handlers end_handlers = {end_open, end_read, end_end, end_drain};

static inline void pair_accept(void *ctx, stream *s)
{
    pair *p = ctx;
    assert_null(p->server.s);
    p->server.s = s;
    p->server.opens++;
    p->event = true;
    stream_handle(s, &end_handlers, &p->server);
}

static inline int pair_setup(void **state)
{
    pair *p = NEW(pair);
    p->loop = loop_new();
    p->client.pair = p->server.pair = p;
    buf_init(&p->client.in, 256 << 20);
    buf_init(&p->server.in, 256 << 20);
    *state = p;
    return 0;
}

static inline void pair_stop(pair *p)
{
    stream_free(p->client.s);
    stream_free(p->server.s);
    listener_free(p->listener);
    p->client.s = p->server.s = NULL;
    p->listener = NULL;
}

static inline int pair_teardown(void **state)
{
    pair *p = *state;
    pair_stop(p);
    buf_deinit(&p->client.in);
    buf_deinit(&p->server.in);
    loop_free(p->loop);
    free(p);
    return 0;
}

// Listens and begins to connect; a NULL context is a plain side.
static inline void pair_start(pair *p, tls_context *server, tls_context *client, const char *name)
{
    err e = ERR_INIT;
    listen_options lo = {.tls = server, .on_accept = pair_accept, .ctx = p};
    assert_code(listener_new(p->loop, &lo, &p->listener, &e), OK);
    connect_options co = {
        .host = "127.0.0.1", .port = listener_port(p->listener), .tls = client, .tls_name = name};
    p->client.s = stream_connect(p->loop, &co, &end_handlers, &p->client);
}

static inline void pair_open(pair *p)
{
    pair_start(p, NULL, NULL, NULL);
    await(p, p->client.opens && p->server.opens);
}

#define PAIR_CASE(f) cmocka_unit_test_setup_teardown(f, pair_setup, pair_teardown)
