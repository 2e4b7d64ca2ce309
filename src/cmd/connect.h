// SPDX-License-Identifier: Apache-2.0
// connect: the parts of `gatepost connect`.
#pragma once

#include "cmd/identity.h"
#include "gate/gate.h"

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
