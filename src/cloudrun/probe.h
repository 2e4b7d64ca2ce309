// SPDX-License-Identifier: Apache-2.0
// probe: one question to an instance: does it listen, and, by HTTP, does it answer 200 to 399?
//
// A port on loopback proves nothing by itself: what answers must be a process of this user (another
// user of the machine could have taken the port first: threat 40), and must not be the prober, for
// a connection to a port that nobody listens on can meet itself.
#pragma once

#include "cloudrun/service.h"
#include "http/http.h"
#include "net/net.h"

typedef struct probe probe;
typedef struct probe_options probe_options;
struct probe_options {
    const service_probe *what;
    uint16_t port;      // of the instance, for a probe that names none
    uint64_t answer_ms; // the longest that one answer may take
    uid_t owner;        // of the process that listens there
    // e NULL: good.
    void (*on_answer)(void *ctx, const err *e);
    void *ctx;
};

probe *probe_new(loop *l, const probe_options *o);
// Asks once; on_answer comes once. Not while an answer is awaited.
void probe_ask(probe *p);
void probe_free(probe *p); // NULL is allowed
