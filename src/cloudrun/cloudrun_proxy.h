// SPDX-License-Identifier: Apache-2.0
// proxy: how a program that knows nothing of Gatepost reaches the local Google: an HTTP proxy that
// offers CONNECT, answers for some hosts itself, and passes bytes on to all others.
//
// Invariants
// - It serves programs of its own user only (threat 46).
// - What it passes on goes to public addresses: what is loopback, private, link-local or a cloud's
//   metadata server is reached directly or not at all (threats 34, 42).
// - It ends TLS in the name of its routes' hosts alone, and reads nothing of other connections.
// - Before a connection is granted, nothing of it is read (threat 11).
#pragma once

#include "fetch/fetch.h"
#include "http/http.h"

typedef struct proxy proxy;

// A host that is answered for here.
typedef struct proxy_route proxy_route;
struct proxy_route {
    str host; // in canonical form
    uint16_t port;
    bool plain; // no TLS
    // Takes the stream, see http_server_adopt.
    void (*adopt)(void *server, stream *s, tls_context *tls);
    void *server;
};

typedef struct proxy_options proxy_options;
struct proxy_options {
    tls_authority *authority;  // knows the hosts of all routes with TLS
    const proxy_route *routes; // the first that fits counts
    size_t route_count;
    fetch_policy policy; // zeroed: connections are passed on to public addresses only
    uint16_t port;       // on 127.0.0.1; 0: a free one
    uint64_t idle_ms;    // of a connection that is passed on; 0: PROXY_IDLE_MS
    // A connection isn't granted; e says to where and why. May be NULL.
    void (*on_refusal)(void *ctx, const err *e);
    void *ctx;
};
enum { PROXY_IDLE_MS = 15 * 60 * 1000, PROXY_TUNNELS_MAX = 500 };

// On a loopback port. Borrows what the options name. NET_LISTEN.
CODE_CHECKED proxy_new(loop *l, const proxy_options *o, proxy **ret_proxy, err *e);
uint16_t proxy_port(const proxy *p);
void proxy_free(proxy *p); // NULL is allowed

// For tests: as if another user had started it.
void proxy_serve(proxy *p, uid_t owner);
