// SPDX-License-Identifier: Apache-2.0
// connect: the parts of `gatepost connect`.
#pragma once

#include "cmd/identity.h"
#include "gate/gate.h"
#include "net/net.h"

// ---- connect_services.c -------------------------------------------------------------------------

typedef VEC(gate_connect_service) connect_services;

// The services that the command names, or all of the project when it names none; texts live in the
// setup. HOME_ABSENT, OPTION_INVALID, URI_…, and those of a service.yaml.
CODE_CHECKED connect_choose(identity_setup *s, const option_values *o, connect_services *ret,
                            err *e);

// ---- connect_postman.c --------------------------------------------------------------------------

// Writes the environment that points a collection's variables at the port: those of `collection`
// (NULL: none) whose value is an address of a service, and NAME_url for each service, or baseUrl
// for the only one. HOME_WRITE, DATA_….
CODE_CHECKED connect_postman(identity_setup *s, const connect_services *services,
                             const gate_connect *port, const option_values *o, err *e);

// ---- connect_proxy.c ----------------------------------------------------------------------------

// An HTTP proxy besides the port, which ends the TLS of the services' hosts by a CA of its own; the
// CA is kept for as long as the hosts are the same. It must go before the port.
typedef struct connect_proxy connect_proxy;
typedef struct connect_proxy_options connect_proxy_options;
struct connect_proxy_options {
    uint16_t port; // 0: a free one
    arena *mem;    // lives as long as the proxy
};
// OPTION_INVALID: no service has an https URL. HOME_…, NET_LISTEN. Also after an error *ret_proxy
// is to be freed.
CODE_CHECKED connect_proxy_new(loop *l, const connect_services *services, gate_connect *port,
                               const connect_proxy_options *o, connect_proxy **ret_proxy, err *e);
uint16_t connect_proxy_port(const connect_proxy *p);
str connect_proxy_ca(const connect_proxy *p); // the certificate's file
// How to use it, what it means, and how to undo it.
void connect_proxy_text(const connect_proxy *p, buf *out);
void connect_proxy_free(connect_proxy *p); // NULL is allowed
