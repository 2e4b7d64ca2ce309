// SPDX-License-Identifier: Apache-2.0
// For tests of whoever speaks HTTP: the other end of a connection, which sends what it is told,
// byte for byte, and keeps what it gets.
#pragma once

#include "base/test.h"
#include "net/net.h"

typedef struct peer peer;
struct peer {
    loop *loop;
    stream *stream;
    str to_send; // once open
    buf got;
    bool open;
    bool ended; // by the other side, in either way
    bool broken;
    const char *awaited; // in got
    size_t awaited_bytes;
    bool done; // what loop_run_until waits for
};

static inline void peer_check(peer *p)
{
    if (p->ended || (p->awaited && str_find(buf_str(&p->got), str_from(p->awaited)) >= 0) ||
        (p->awaited_bytes && p->got.len >= p->awaited_bytes))
        p->done = true;
}

static inline void peer_on_open(void *ctx)
{
    peer *p = ctx;
    p->open = true;
    stream_write(p->stream, p->to_send);
}

static inline void peer_on_read(void *ctx, str bytes)
{
    peer *p = ctx;
    buf_adds(&p->got, bytes);
    peer_check(p);
}

static inline void peer_on_end(void *ctx, const err *e)
{
    peer *p = ctx;
    p->ended = true;
    p->broken = e != NULL;
    peer_check(p);
}

static const stream_handlers peer_handlers = {
    .on_open = peer_on_open, .on_read = peer_on_read, .on_end = peer_on_end};

static inline void peer_connect(peer *p, loop *l, uint16_t port, str to_send)
{
    *p = (peer){.loop = l, .to_send = to_send};
    buf_init(&p->got, 256 << 20);
    p->stream =
        stream_connect(l, &(connect_options){.host = "127.0.0.1", .port = port}, &peer_handlers, p);
    stream_resume(p->stream);
}

// Of a listener's on_accept.
static inline void peer_accept(peer *p, loop *l, stream *s)
{
    *p = (peer){.loop = l, .stream = s, .open = true};
    buf_init(&p->got, 256 << 20);
    stream_handle(s, &peer_handlers, p);
    stream_resume(s);
}

static inline void peer_close(peer *p)
{
    stream_free(p->stream);
    p->stream = NULL;
    buf_deinit(&p->got);
}

static inline void peer_send(peer *p, const char *text)
{
    stream_write(p->stream, str_from(text));
}

static inline void peer_wait(peer *p, const char *text)
{
    p->awaited = text;
    p->done = false;
    peer_check(p);
    loop_run_until(p->loop, &p->done, TEST_WAIT_MS);
    if (str_find(buf_str(&p->got), str_from(text)) < 0)
        fail_msg("waited for \"%s\", got \"%s\"", text, buf_cstr(&p->got));
    p->awaited = NULL;
}

static inline void peer_wait_bytes(peer *p, size_t count)
{
    p->awaited_bytes = count;
    p->done = false;
    peer_check(p);
    loop_run_until(p->loop, &p->done, TEST_WAIT_MS);
    if (p->got.len < count)
        fail_msg("waited for %zu bytes, got %zu", count, p->got.len);
    p->awaited_bytes = 0;
}

static inline void peer_wait_end(peer *p)
{
    p->done = false;
    peer_check(p);
    if (!loop_run_until(p->loop, &p->done, TEST_WAIT_MS))
        fail_msg("the connection doesn't end; got \"%s\"", buf_cstr(&p->got));
}
