// SPDX-License-Identifier: Apache-2.0
// Inside gate: connect, the port that adds an identity.
#pragma once

#include "gate/call.h"
#include "uri/uri.h"

// A service behind the port; its gate_service's backend has it as ctx.
typedef struct connect_target connect_target;
struct connect_target {
    gate_connect *connect;
    const gate_connect_service *o;
    gate_service service;
    uri_url url;
    str host; // for upstream
    const char *base;
    const char *unreached_hint;
    http_pool *pool;
    bool user_token, client_token;
    str line; // gate_connect_identity
};

struct gate_connect {
    loop *loop;
    arena mem;
    gate_connect_options o;
    connect_target *targets;
    gate *gate;        // NULL: it was idle
    gate_service door; // of calls that have no target yet
    gate_hooks hooks;
    timer *idle;
    uid_t owner;
};

// NULL until the door has let the call in.
static inline const connect_target *connect_target_of(const gate_call *c)
{
    return c->service->backend.ctx;
}

// ---- connect.c

// Whom the port serves; at first who made it.
void connect_serve(gate_connect *k, uid_t owner);

// ---- connect_door.c

// Threat 46: who calls, from where, and for which service.
bool connect_admit(gate_connect *k, gate_call *c, err *e);

// ---- connect_answer.c

// A field of an answer as the port's client gets it.
str connect_answer(const gate_connect *k, gate_call *c, str name, str value);
