// SPDX-License-Identifier: Apache-2.0
// For the tests of the server: one that is driven by the paths that a client asks for.
#pragma once

#include "http/http_server.h"
#include "http/http_test_peer.h"

typedef struct world world;
struct world {
    loop *loop;
    http_server *server;
    peer client;
    http_exchange *held; // by /hold, until the test replies
    unsigned requests;
    unsigned dones;
    http_outcome outcome;
    bool done;
    buf body; // what a handler read
    code body_error;
    size_t body_max;
};

static inline void on_done(void *ctx, const http_outcome *o)
{
    world *w = ctx;
    w->dones++;
    w->outcome = *o;
    w->held = NULL;
    w->done = true;
}

// ---- handlers -----------------------------------------------------------------------------------

static inline void on_whole(void *ctx, str body, const err *e)
{
    world *w = ctx;
    w->body_error = e ? e->code : OK;
    if (e)
        http_reply_text(w->held, code_http(e->code), "%s", e->msg);
    else
        http_reply(w->held, 200, NULL, 0, body);
}

static inline void on_echo_drain(void *ctx)
{
    world *w = ctx;
    http_exchange_resume_body(w->held);
}

static inline void on_echo(void *ctx, str piece, const err *e)
{
    world *w = ctx;
    w->body_error = e ? e->code : OK;
    if (e)
        http_reply_abort(w->held);
    else if (!piece.len)
        http_reply_end(w->held);
    else if (!http_reply_write(w->held, piece))
        http_exchange_pause_body(w->held);
}

static inline void on_request(void *ctx, http_exchange *x)
{
    world *w = ctx;
    const http_request *r = http_exchange_request(x);
    w->requests++;
    w->held = x;
    http_exchange_on_done(x, on_done, w);
    w->done = true;
    if (str_eq(r->target, STR("/hello"))) {
        http_header type = {STR("content-type"), STR("text/plain")};
        http_reply(x, 200, &type, 1, STR("hello\n"));
    } else if (str_eq(r->target, STR("/whole"))) {
        http_exchange_read_body(x, w->body_max, on_whole, w);
    } else if (str_eq(r->target, STR("/echo"))) {
        http_reply_start(x, 200, NULL, 0, HTTP_BODY_CHUNKED);
        http_reply_on_drain(x, on_echo_drain, w);
        http_exchange_stream_body(x, on_echo, w);
    } else if (str_eq(r->target, STR("/big"))) {
        http_reply(x, 200, NULL, 0, buf_str(&w->body));
    } else if (str_eq(r->target, STR("/free"))) {
        http_server_free(w->server);
        w->server = NULL;
    } else if (!str_eq(r->target, STR("/hold")) && !str_eq(r->target, STR("hold:1"))) {
        http_reply_text(x, 404, "there is no %d", 404);
    }
}

// ---- set-up -------------------------------------------------------------------------------------

static inline int setup(void **state)
{
    world *w = NEW(world);
    w->loop = loop_new();
    w->body_max = 1 << 20;
    buf_init(&w->body, 64 << 20);
    *state = w;
    return 0;
}

static inline int teardown(void **state)
{
    world *w = *state;
    peer_close(&w->client);
    http_server_free(w->server);
    buf_deinit(&w->body);
    loop_free(w->loop);
    free(w);
    return 0;
}

static inline void serve(world *w, http_server_options o)
{
    err e = ERR_INIT;
    o.on_request = on_request;
    o.ctx = w;
    assert_code(http_server_new(w->loop, &o, &w->server, &e), OK);
}

static inline void ask(world *w, const char *text)
{
    peer_connect(&w->client, w->loop, http_server_port(w->server), str_from(text));
}

static const http_server_options defaults;

#define HOST "Host: a.example\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

static inline void wait_done(world *w, unsigned dones)
{
    while (w->dones < dones) {
        w->done = false;
        assert_true(loop_run_until(w->loop, &w->done, TEST_WAIT_MS));
    }
}

static inline http_exchange *wait_held(world *w)
{
    while (!w->held) {
        w->done = false;
        assert_true(loop_run_until(w->loop, &w->done, TEST_WAIT_MS));
    }
    return w->held;
}

static inline void assert_got(world *w, const char *text)
{
    if (str_find(buf_str(&w->client.got), str_from(text)) < 0)
        fail_msg("no \"%s\" in \"%s\"", text, buf_cstr(&w->client.got));
}

static inline void assert_not_got(world *w, const char *text)
{
    if (str_find(buf_str(&w->client.got), str_from(text)) >= 0)
        fail_msg("\"%s\" in \"%s\"", text, buf_cstr(&w->client.got));
}

static inline size_t times_got(world *w, const char *text)
{
    size_t count = 0;
    str rest = buf_str(&w->client.got);
    for (ssize_t at; (at = str_find(rest, str_from(text))) >= 0; count++)
        rest = str_skip(rest, (size_t)at + 1);
    return count;
}

// Another request on the same connection.
static inline void ask_again(world *w, const char *text)
{
    buf_reset(&w->client.got);
    peer_send(&w->client, text);
}

static inline void ask_anew(world *w, const char *text)
{
    peer_close(&w->client);
    ask(w, text);
}
