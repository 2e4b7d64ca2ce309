// SPDX-License-Identifier: Apache-2.0
// tunnel: bytes in both directions once both sides have left HTTP.
#include <stdlib.h>
#include <string.h>

#include "gate/call.h"

typedef struct side side;
struct side {
    tunnel *tunnel;
    side *other;
    stream *stream;
    uint64_t bytes;
    bool ended; // has sent its last byte
};

struct tunnel {
    gate_call *call;
    tunnel *next, *prev;
    side client, server;
    arena mem; // of what the log needs, once the exchange is over
    http_outcome outcome;
    uint64_t started_ns;
    bool kept;  // the exchange is over
    bool ended; // the streams are gone
};

enum { LINGER_MS = 2000 };

// The call ends when both its exchange and its streams have.
static void finish(tunnel *t)
{
    if (!t->ended || !t->kept)
        return;
    http_outcome o = t->outcome;
    o.request_bytes += t->client.bytes;
    o.response_bytes += t->server.bytes;
    o.duration_ns = clock_mono_ns() - t->started_ns;
    call_finish(t->call, &o);
    arena_deinit(&t->mem);
    free(t);
}

static void end(tunnel *t)
{
    gate *g = t->call->gate;
    if (t->ended)
        return;
    t->ended = true;
    stream_close(t->client.stream, LINGER_MS);
    stream_close(t->server.stream, LINGER_MS);
    *(t->prev ? &t->prev->next : &g->tunnels) = t->next;
    if (t->next)
        t->next->prev = t->prev;
    finish(t);
}

void tunnel_cut(tunnel *t)
{
    end(t);
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
        end(s->tunnel);
    else
        stream_shutdown(s->other->stream);
}

static void open_side(side *s, tunnel *t, side *other, stream *st)
{
    static const stream_handlers handlers = {
        .on_read = on_read, .on_end = on_end, .on_drain = on_drain};
    *s = (side){.tunnel = t, .other = other, .stream = st};
    stream_handle(st, &handlers, s);
}

void tunnel_start(gate_call *c, stream *client, str client_early, stream *server, str server_early)
{
    tunnel *t = NEW(tunnel);
    gate *g = c->gate;
    c->tunnel = t;
    t->call = c;
    t->started_ns = clock_mono_ns();
    t->next = g->tunnels;
    if (t->next)
        t->next->prev = t;
    g->tunnels = t;
    arena_init(&t->mem);
    open_side(&t->client, t, &t->server, client);
    open_side(&t->server, t, &t->client, server);
    stream_resume(client);
    stream_resume(server);
    pass(&t->client, client_early);
    pass(&t->server, server_early);
}

static const guard_verdict *keep_verdict(const guard_verdict *v, arena *a)
{
    guard_verdict *kept = ARENA_NEW(a, guard_verdict);
    kept->allowed = v->allowed;
    kept->status = v->status;
    kept->who = v->who ? principal_copy(a, v->who) : NULL;
    memcpy(kept->audit_id, v->audit_id, sizeof kept->audit_id);
    return kept;
}

void tunnel_keep(gate_call *c, const http_outcome *o)
{
    tunnel *t = c->tunnel;
    str *texts[] = {&c->http.method,     &c->http.url,     &c->http.protocol,
                    &c->http.user_agent, &c->http.referer, &c->http.remote_ip,
                    &c->instance_id,     &c->revision,     &c->path};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = arena_str(&t->mem, *texts[i]);
    if (c->verdict)
        c->verdict = keep_verdict(c->verdict, &t->mem);
    t->outcome = *o;
    t->started_ns -= o->duration_ns;
    t->kept = true;
    finish(t);
}
