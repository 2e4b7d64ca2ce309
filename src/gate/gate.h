// SPDX-License-Identifier: Apache-2.0
// gate: the data plane. A port in front of one service: each call is judged by the guard, gets a
// place at the backend, is forwarded in both directions as it flows, and is written to the request
// log when it is over. `connect` is the same port without a judge, which adds an identity.
//
// Invariants
// - A call to a guarded service is forwarded after its verdict only, and its verdict is in the
//   spool before a byte of the answer leaves (promise 3).
// - The path has one canonical form, computed once: policy, trail and upstream see that string; a
//   path without one is answered 400 (threats 6, 9). The query passes as it came and decides
//   nothing (threat 5), nor does any header but those that carry the token (threats 1, 2), unless a
//   condition of the service's own policy asks for it.
// - What only Google's front end may say doesn't pass from a client, however it is spelled
//   (threat 3); our own fields are added after those of the connection were removed (threat 4).
// - A refusal tells the caller what Cloud Run would, and the operator why: in the trail, the
//   request log and our log.
// - Everything on the way has a limit: the call in time, its body in bytes (threat 13).
#pragma once

#include "credential/credential.h"
#include "guard/guard.h"
#include "http/http.h"

// ---- the backend: who has places for calls ------------------------------------------------------

// One call's claim to a place; part of the call, valid until it is released or refused.
typedef struct gate_claim gate_claim;
struct gate_claim {
    const http_request *request; // for a backend that chooses by Host (tags) or Cookie (affinity)
    void *backend;               // the backend's own, NULL at first
    gate_claim *next, *prev;     // likewise: its queue
};

typedef struct gate_backend gate_backend;
struct gate_backend {
    // Wants a place: to be answered, at once or later, by gate_place or gate_refuse.
    void (*claim)(void *ctx, gate_claim *c);
    // The call is over, or its client left before it had a place. Once for each claim that was not
    // refused. It may come inside http_pool_free, when that ends the call.
    void (*release)(void *ctx, gate_claim *c);
    void *ctx;
};

// Forwards the call over the pool, whose own response_ms and body_ms must not be below the
// service's timeout; it must live until the claim is released. The names, which are copied, go to
// the request log; an empty revision leaves the label of the target's log_resource as it is.
void gate_place(gate_claim *c, http_pool *pool, str instance_id, str revision);
// 429, 500, 503 or 504, with Cloud Run's page; `why` is for the operator. The claim is gone then.
void gate_refuse(gate_claim *c, int status, const err *why);

// ---- a service behind a gate --------------------------------------------------------------------

enum {
    GATE_TIMEOUT_MS = 300000,
    GATE_LEAVE_MS = 5000,
    GATE_REQUEST_BYTES_MAX = 32 << 20, // HTTP/1 at Cloud Run
};

// Read anew for each call: its owner may change it between turns of the loop. Borrowed.
typedef struct gate_service gate_service;
struct gate_service {
    str name;                   // for our log
    const guard_target *target; // what the verdict is about, and the log's resource
    gate_backend backend;
    uint64_t timeout_ms;        // first byte of the request to last of the answer, start-up and
                                // WebSockets included; 0: GATE_TIMEOUT_MS
    uint64_t request_bytes_max; // of a body; 0: GATE_REQUEST_BYTES_MAX
    const char *closed;         // set: 404 and no entry anywhere; says why (ingress, URL disabled)
};

// A call that is over, as the request log has it, for somebody who watches.
typedef struct gate_record gate_record;
struct gate_record {
    const audit_request *request;
    str path;
    const guard_verdict *verdict; // NULL: not judged; of a WebSocket without its explanation
    const err *refusal;           // NULL: the service answered
};

typedef struct gate gate;
typedef struct gate_options gate_options;
struct gate_options {
    http_server_options listen; // on_request, ctx and body_bytes_max are the gate's
    const gate_service *service;
    guard *guard;
    oidc *issuers;      // those of the guard: calls wait for their keys
    audit_spool *spool; // that of the guard: gets the request log
    uint64_t leave_ms;  // a client that has closed its sending side may be gone: its call goes on
                        // for so long; 0: GATE_LEAVE_MS
    // With each entry of the request log; refusals aren't told in our own log then. May be NULL.
    void (*on_record)(void *ctx, const gate_record *r);
    void *record_ctx;
};

// Borrows what the options name. NET_LISTEN.
CODE_CHECKED gate_new(loop *l, const gate_options *o, gate **ret_gate, err *e);
uint16_t gate_port(const gate *g);
// See http_server_adopt.
void gate_adopt(gate *g, stream *s, tls_context *tls);
// For tests: calls under way, open WebSockets included.
size_t gate_calls(const gate *g);
// Accepts no more and lets calls finish for at most `ms`; on_drained comes once.
void gate_drain(gate *g, uint64_t ms, void (*on_drained)(void *ctx), void *ctx);
// Cuts what is left; claims are released. NULL is allowed.
void gate_free(gate *g);

// ---- connect: a local port that adds the identity -----------------------------------------------

// It serves its owner's programs on this machine and nobody else (threat 46): the peer's user id
// and the Host are checked, web pages of other origins are refused, and it ends when it was idle
// for long. A call goes on by the protocol that it came by, if the service speaks it; HTTP/2 on
// plain ports by prior knowledge. No token leaves it but to the service: it is taken out of
// response headers.
//
// One service has the whole port. Several are told apart by the first segment of the path, which
// is taken off, or by the host NAME.localhost. What an answer says of places follows: Location, and
// Path and Domain of cookies. By path the services share one origin, so pages may not call there.
typedef struct gate_connect gate_connect;
typedef struct gate_connect_service gate_connect_service;
struct gate_connect_service {
    str name;              // a label of letters, digits and '-'; no other service's
    str url;               // https, or http on loopback; path and query: none
    const char *address;   // connect to this loopback address by plain http instead, as the
    uint16_t address_port; // running `up` serves the URL; NULL: where the URL says
    str identity;          // by name; empty: the default
    str local_issuer;      // of the running `up`; empty: none
};

typedef struct gate_connect_options gate_connect_options;
struct gate_connect_options {
    const gate_connect_service *services;
    size_t service_count;        // 1 … GATE_CONNECT_SERVICES_MAX
    tls_context *tls;            // client context for https
    tls_context *tls_http2;      // the same, with ALPN h2, for clients that speak HTTP/2
    bool tls_insecure;           // its verification is off: no identity then (threat 44)
    uint16_t port;               // on 127.0.0.1; 0: a free one
    const trust_set *trust;      // says whether a URL may receive identity
    credential_provider *tokens; // gives them
    str audience;                // empty: that of the URL
    uint64_t idle_ms;            // without a call or a byte of a WebSocket; 0: never
    void (*on_idle)(void *ctx);  // once; the port is closed already
    void *ctx;
};
enum { GATE_CONNECT_SERVICES_MAX = 100 };

// Borrows what the options name. URI_SYNTAX, URI_HOST, NET_LISTEN, GATE_NAME; what injection_decide
// refuses (TRUST_…) and credential_identify can't find (CRED_…) is told now, not by the first call.
CODE_CHECKED gate_connect_new(loop *l, const gate_connect_options *o, gate_connect **ret_connect,
                              err *e);
uint16_t gate_connect_port(const gate_connect *c); // 0 after on_idle
// Serves a stream that was meant for one of the services, under that service's own name: what a
// proxy ends the TLS of. See http_server_adopt.
void gate_connect_adopt(gate_connect *c, stream *s, tls_context *tls);
// "/orders" where calls of that service begin; "" when it is the only one.
const char *gate_connect_base(const gate_connect *c, size_t service);
// Whose identity is added, one line for the person: "tester@… by service account key, audience …",
// or why there is none.
const char *gate_connect_identity(const gate_connect *c, size_t service);
void gate_connect_free(gate_connect *c); // NULL is allowed
