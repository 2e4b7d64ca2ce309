// SPDX-License-Identifier: Apache-2.0
// Inside gate: one call, from its head to its entry in the request log.
//
//   call_begin ─▶ judged by the guard ─▶ [identity, for connect] ─▶ claims a place ─▶ forwarded ─▶
//   answered ─▶ logged
//
// Each step may wait; call_refuse ends the call from any of them. The exchange's end, whoever
// causes it, ends the call: only a WebSocket outlives its exchange.
#pragma once

#include "gate/fields.h"
#include "gate/gate.h"
#include "gate/trace.h"

typedef struct gate_call gate_call;
typedef struct tunnel tunnel;

// What connect does in the guard's place. NULL members of a guarded gate's.
typedef struct gate_hooks gate_hooks;
struct gate_hooks {
    // Chooses the service. False: refused, and e says why.
    bool (*admit)(void *ctx, gate_call *c, err *e);
    // Goes on, at once or later, with call_claim or call_refuse.
    void (*identify)(void *ctx, gate_call *c);
    // What the client gets of a response's field.
    str (*answer)(void *ctx, gate_call *c, str name, str value);
    void *ctx;
};

struct gate {
    loop *loop;
    gate_options o;
    const gate_hooks *hooks; // NULL: a guarded service
    http_server *server;
    str server_ip;
    size_t calls;
    gate_call *first, *last; // with a deadline, the next one first
    timer *sweep;
    tunnel *tunnels;
    void (*on_drained)(void *ctx);
    void *drained_ctx;
};

struct gate_call {
    gate_claim claim;
    gate *gate;
    const gate_service *service;
    http_exchange *x; // NULL behind a WebSocket's 101
    const http_request *req;
    arena *mem; // the exchange's
    gate_call *next, *prev;
    uint64_t deadline_ms;
    bool timed; // in the gate's list
    bool left;  // the client is taken for gone at the deadline
    // The request
    fields fields;
    str path;   // canonical, when the service is guarded
    str target; // path and query, as upstream gets them
    str base;   // connect: what was taken off the target
    str host;   // connect: for upstream
    // connect: what to do when upstream can't be reached; NULL: nobody here knows.
    const char *unreached_hint;
    trace trace;
    audit_call http;
    const guard_verdict *verdict; // NULL: not judged
    // What it waits for
    oidc_wait *keys;
    credential_wait *token;
    bool claimed, placed;
    // Forwarding
    http_pool *pool;
    str instance_id, revision;
    http_call *up;
    http_headers head; // for upstream
    uint64_t body_bytes;
    secret *bearer; // connect: the header's value
    str bearer_header;
    // The end
    bool answered; // whole, or cut
    bool unlogged;
    str log_text;
    const err *refusal; // NULL: none
    tunnel *tunnel;
};

// ---- gate.c

CODE_CHECKED gate_open(loop *l, const gate_options *o, const gate_hooks *hooks, gate **ret_gate,
                       err *e);
void deadline_add(gate_call *c);
void deadline_remove(gate_call *c);

// ---- call.c

void call_begin(gate *g, http_exchange *x);
void call_claim(gate_call *c);
// Answers 413 when a body of that length is too long.
bool call_takes_body(gate_call *c, uint64_t bytes);
// The time is over.
void call_late(gate_call *c);
void call_release(gate_call *c);
// Of a call whose exchange is over: writes the log and frees it.
void call_finish(gate_call *c, const http_outcome *o);

// ---- attributes.c

// What conditions may ask about a call of a guarded service.
cel_activation attributes_of(const gate_call *c);

// ---- answer.c

// Answers in place of the service; or cuts the connection, when an answer was begun.
void call_refuse(gate_call *c, int status, const err *why);
void call_log(const gate_call *c, const http_outcome *o);

// ---- forward.c

void forward_start(gate_call *c);

// ---- tunnel.c: a WebSocket, after its 101

// Takes both streams; the call lives until the tunnel has ended.
void tunnel_start(gate_call *c, stream *client, str client_early, stream *server, str server_early);
// The exchange is over: keeps what the log needs.
void tunnel_keep(gate_call *c, const http_outcome *o);
void tunnel_cut(tunnel *t);
// Nothing but tunnels is open, and none has passed a byte since this was last asked.
bool tunnels_quiet(const gate *g);
