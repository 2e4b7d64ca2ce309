// SPDX-License-Identifier: Apache-2.0
// For tests of the rooms above: a server on a free loopback port of the test's own loop, whose
// answers are written by the test. It hands on whole requests (Content-Length only), one after the
// other, and keeps connections open.
#pragma once

#include "base/test.h"
#include "net/net.h"

typedef struct test_server test_server;
typedef struct test_client test_client;

// One connection.
struct test_client {
    test_server *server;
    stream *s;
    buf in;
};

struct test_server {
    listener *listener;
    VEC(test_client *) clients;
    // Writes the answer, head and body; nothing leaves the request unanswered.
    void (*answer)(void *ctx, str request, buf *out);
    void *ctx;
};

static inline size_t whole_request(str in)
{
    ssize_t head = str_find(in, STR("\r\n\r\n"));
    if (head < 0)
        return 0;
    size_t len = (size_t)head + 4;
    ssize_t at = str_ifind(str_sub(in, 0, len), STR("\r\nContent-Length: "));
    if (at >= 0)
        len += strtoul(in.ptr + at + 18, NULL, 10);
    return len <= in.len ? len : 0;
}

static inline void test_client_read(void *ctx, str bytes)
{
    test_client *c = ctx;
    size_t len;
    buf out;
    buf_init(&out, 1 << 21);
    buf_adds(&c->in, bytes);
    while ((len = whole_request(buf_str(&c->in)))) {
        c->server->answer(c->server->ctx, str_sub(buf_str(&c->in), 0, len), &out);
        buf_consume(&c->in, len);
    }
    if (out.len)
        stream_write(c->s, buf_str(&out));
    buf_deinit(&out);
}

static inline void test_server_accept(void *ctx, stream *s)
{
    static const stream_handlers handlers = {.on_read = test_client_read};
    test_server *server = ctx;
    test_client *c = NEW(test_client);
    c->server = server;
    c->s = s;
    buf_init(&c->in, 1 << 16);
    vec_push(&server->clients, c);
    stream_handle(s, &handlers, c);
    stream_resume(s);
}

// Its port. `s` must stay where it is until test_server_stop.
static inline unsigned test_server_start(test_server *s, loop *l,
                                         void (*answer)(void *ctx, str request, buf *out),
                                         void *ctx)
{
    err e = ERR_INIT;
    listen_options o = {.on_accept = test_server_accept, .ctx = s};
    s->answer = answer;
    s->ctx = ctx;
    if (listener_new(l, &o, &s->listener, &e))
        fail_msg("%s", e.msg);
    return listener_port(s->listener);
}

static inline void test_server_stop(test_server *s)
{
    VEC_FOREACH (&s->clients, c) {
        stream_free((*c)->s);
        buf_deinit(&(*c)->in);
        free(*c);
    }
    vec_deinit(&s->clients);
    listener_free(s->listener);
}
