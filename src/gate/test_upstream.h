// SPDX-License-Identifier: Apache-2.0
// For the tests of gate: an upstream that says what the test tells it, byte for byte.
#pragma once

#include "http/http_test_peer.h"

enum { UPSTREAM_MAX = 8 };

typedef struct upstream upstream;
struct upstream {
    loop *loop;
    listener *listener;
    peer peers[UPSTREAM_MAX]; // its connections
    size_t count;
    bool accepted;
};

static inline void upstream_on_accept(void *ctx, stream *s)
{
    upstream *u = ctx;
    assert_true(u->count < UPSTREAM_MAX);
    peer_accept(&u->peers[u->count++], u->loop, s);
    u->accepted = true;
}

static inline void upstream_open(upstream *u, loop *l)
{
    u->loop = l;
    listen_options o = {.on_accept = upstream_on_accept, .ctx = u};
    assert_code(listener_new(l, &o, &u->listener, NULL), OK);
}

static inline void upstream_close(upstream *u)
{
    for (size_t i = 0; i < u->count; i++)
        peer_close(&u->peers[i]);
    listener_free(u->listener);
}

// Its last connection, once that has got the text.
static inline peer *upstream_wait(upstream *u, const char *text)
{
    if (!u->count)
        loop_run_until(u->loop, &u->accepted, TEST_WAIT_MS);
    assert_true(u->count > 0);
    peer *p = &u->peers[u->count - 1];
    peer_wait(p, text);
    return p;
}
