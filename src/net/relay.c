// SPDX-License-Identifier: Apache-2.0
#include "net/net_relay.h"

#include <stdlib.h>

enum { LINGER_MS = 2000 };

typedef struct side side;
struct side {
    relay *relay;
    side *other;
    stream *stream;
    uint64_t bytes;
    bool ended; // has sent its last byte
};

struct relay {
    side a, b;
    timer *idle;
    uint64_t idle_ms;
    uint64_t seen; // bytes of both, when the timer looked last
    void (*on_end)(void *ctx, relay *s);
    void *ctx;
    bool ended;
};

void relay_cut(relay *s)
{
    if (s->ended)
        return;
    s->ended = true;
    timer_stop(s->idle);
    stream_close(s->a.stream, LINGER_MS);
    stream_close(s->b.stream, LINGER_MS);
}

static void end_and_tell(relay *s)
{
    relay_cut(s);
    s->on_end(s->ctx, s);
}

static void pass(side *from, str bytes)
{
    if (!bytes.len)
        return;
    from->bytes += bytes.len;
    if (!stream_write(from->other->stream, bytes))
        stream_pause(from->stream);
}

static void on_read(void *ctx, str bytes)
{
    pass(ctx, bytes);
}

static void on_drain(void *ctx)
{
    side *to = ctx;
    stream_resume(to->other->stream);
}

static void on_end(void *ctx, const err *e)
{
    side *s = ctx;
    s->ended = true;
    if (e || s->other->ended)
        end_and_tell(s->relay);
    else
        stream_shutdown(s->other->stream);
}

static void on_idle(void *ctx)
{
    relay *s = ctx;
    uint64_t now = s->a.bytes + s->b.bytes;
    if (now == s->seen) {
        end_and_tell(s);
        return;
    }
    s->seen = now;
    timer_start(s->idle, s->idle_ms);
}

static void open_side(side *s, relay *of, side *other, stream *st)
{
    static const stream_handlers handlers = {
        .on_read = on_read, .on_end = on_end, .on_drain = on_drain};
    *s = (side){.relay = of, .other = other, .stream = st};
    stream_handle(st, &handlers, s);
}

relay *relay_new(loop *l, const relay_options *o)
{
    relay *s = NEW(relay);
    s->on_end = o->on_end;
    s->ctx = o->ctx;
    s->idle = timer_new(l, on_idle, s);
    s->idle_ms = o->idle_ms;
    if (s->idle_ms)
        timer_start(s->idle, s->idle_ms);
    open_side(&s->a, s, &s->b, o->a);
    open_side(&s->b, s, &s->a, o->b);
    stream_resume(o->a);
    stream_resume(o->b);
    pass(&s->a, o->a_early);
    pass(&s->b, o->b_early);
    return s;
}

void relay_free(relay *s)
{
    if (!s)
        return;
    relay_cut(s);
    timer_free(s->idle);
    free(s);
}

uint64_t relay_bytes_of_a(const relay *s)
{
    return s->a.bytes;
}

uint64_t relay_bytes_of_b(const relay *s)
{
    return s->b.bytes;
}
