// SPDX-License-Identifier: Apache-2.0
// tunnel: bytes in both directions once both sides have left HTTP.
#include <stdlib.h>
#include <string.h>

#include "gate/call.h"

struct tunnel {
    gate_call *call;
    tunnel *next, *prev;
    relay *bytes; // of the client and the server
    arena mem;    // of what the log needs, once the exchange is over
    http_outcome outcome;
    uint64_t started_ns;
    uint64_t seen; // bytes that had passed when tunnels_quiet was last asked
    bool kept;     // the exchange is over
    bool ended;    // the streams are gone
};

// The call ends when both its exchange and its streams have.
static void finish(tunnel *t)
{
    if (!t->ended || !t->kept)
        return;
    http_outcome o = t->outcome;
    o.request_bytes += relay_bytes_of_a(t->bytes);
    o.response_bytes += relay_bytes_of_b(t->bytes);
    o.duration_ns = clock_mono_ns() - t->started_ns;
    call_finish(t->call, &o);
    relay_free(t->bytes);
    arena_deinit(&t->mem);
    free(t);
}

static void on_end(void *ctx, relay *bytes)
{
    (void)bytes;
    tunnel *t = ctx;
    gate *g = t->call->gate;
    t->ended = true;
    *(t->prev ? &t->prev->next : &g->tunnels) = t->next;
    if (t->next)
        t->next->prev = t->prev;
    finish(t);
}

void tunnel_cut(tunnel *t)
{
    relay_cut(t->bytes);
    if (!t->ended)
        on_end(t, t->bytes);
}

bool tunnels_quiet(const gate *g)
{
    size_t quiet = 0;
    for (tunnel *t = g->tunnels; t; t = t->next) {
        uint64_t passed = relay_bytes_of_a(t->bytes) + relay_bytes_of_b(t->bytes);
        quiet += passed == t->seen;
        t->seen = passed;
    }
    return quiet == g->calls;
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
    const relay_options o = {.a = client,
                             .b = server,
                             .a_early = client_early,
                             .b_early = server_early,
                             .on_end = on_end,
                             .ctx = t};
    t->bytes = relay_new(g->loop, &o);
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
