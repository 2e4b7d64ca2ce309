// SPDX-License-Identifier: Apache-2.0
#include "gate/gate.h"

#include <stdlib.h>

#include "gate/call.h"

// ---- deadlines: one timer for all calls ---------------------------------------------------------

static void on_sweep(void *ctx)
{
    gate *g = ctx;
    uint64_t now = loop_now_ms(g->loop);
    while (g->first && g->first->deadline_ms <= now) {
        gate_call *c = g->first;
        deadline_remove(c);
        call_late(c);
    }
    if (g->first)
        timer_start(g->sweep, g->first->deadline_ms - now);
}

// Nearly always the last place: most calls of a service have the same time.
void deadline_add(gate_call *c)
{
    gate *g = c->gate;
    gate_call *before = g->last;
    while (before && before->deadline_ms > c->deadline_ms)
        before = before->prev;
    c->timed = true;
    c->prev = before;
    c->next = before ? before->next : g->first;
    *(c->prev ? &c->prev->next : &g->first) = c;
    *(c->next ? &c->next->prev : &g->last) = c;
    uint64_t now = loop_now_ms(g->loop);
    if (g->first == c || !timer_active(g->sweep))
        timer_start(g->sweep, c->deadline_ms > now ? c->deadline_ms - now : 0);
}

void deadline_remove(gate_call *c)
{
    gate *g = c->gate;
    if (!c->timed)
        return;
    c->timed = false;
    *(c->prev ? &c->prev->next : &g->first) = c->next;
    *(c->next ? &c->next->prev : &g->last) = c->prev;
}

// ---- life ---------------------------------------------------------------------------------------

static void on_request(void *ctx, http_exchange *x)
{
    call_begin(ctx, x);
}

code gate_open(loop *l, const gate_options *o, const gate_hooks *hooks, gate **ret_gate, err *e)
{
    gate *g = NEW(gate);
    g->loop = l;
    g->o = *o;
    g->hooks = hooks;
    g->server_ip = str_from(o->listen.host ? o->listen.host : "127.0.0.1");
    g->sweep = timer_new(l, on_sweep, g);
    timer_background(g->sweep);
    http_server_options listen = o->listen;
    listen.on_request = on_request;
    listen.ctx = g;
    listen.http2 = true;
    listen.body_bytes_max = 0;
    code c = http_server_new(l, &listen, &g->server, e);
    if (c == OK)
        *ret_gate = g;
    else
        gate_free(g);
    return c;
}

code gate_new(loop *l, const gate_options *o, gate **ret_gate, err *e)
{
    return gate_open(l, o, NULL, ret_gate, e);
}

uint16_t gate_port(const gate *g)
{
    return http_server_port(g->server);
}

void gate_adopt(gate *g, stream *s, tls_context *tls)
{
    http_server_adopt(g->server, s, tls);
}

size_t gate_calls(const gate *g)
{
    return g->calls;
}

static void cut_tunnels(gate *g)
{
    while (g->tunnels)
        tunnel_cut(g->tunnels);
}

static void on_http_drained(void *ctx)
{
    gate *g = ctx;
    cut_tunnels(g);
    g->on_drained(g->drained_ctx);
}

void gate_drain(gate *g, uint64_t ms, void (*on_drained)(void *ctx), void *ctx)
{
    g->on_drained = on_drained;
    g->drained_ctx = ctx;
    http_server_drain(g->server, ms, on_http_drained, g);
}

void gate_free(gate *g)
{
    if (!g)
        return;
    http_server_free(g->server);
    cut_tunnels(g);
    timer_free(g->sweep);
    free(g);
}
