// SPDX-License-Identifier: Apache-2.0
// environment: the variables of a service's instances, all but PORT (contract cloud-run.md §2,
// google-identity.md §8).
//
// Of our own environment only PATH and LANG (or C.UTF-8) go on. HOME is the folder that is given:
// in the person's own, Google's libraries would find credentials of the cloud before they ask the
// metadata server, and local and cloud never mix (injection.md §4).
#pragma once

#include "cloudrun/service.h"

enum { SECRET_BYTES_MAX = 64 << 10 };

// Where the local Google is.
typedef struct environment_google environment_google;
struct environment_google {
    str project_id;
    uint16_t metadata_port;
    uint16_t token_port; // CLOUDSDK_AUTH_TOKEN_HOST and the like
    uint16_t proxy_port; // answers for Google's hosts; 0: there is none
    const char *ca;      // with a proxy: the certificate that vouches for it,
    const char *bundle;  // and the same behind the CAs of this machine
};
// Tells `set` the variables by which clients of Google find it; values live in the arena.
void environment_of_google(arena *a, const environment_google *g,
                           void (*set)(void *ctx, const char *name, const char *value), void *ctx);

typedef struct environment_options environment_options;
struct environment_options {
    const service_spec *spec;
    const service_container *container;
    const char *dir;  // of service.yaml: secrets are beneath it
    const char *home; // HOME
    const char *path; // PATH; NULL: the system's
    const char *lang; // NULL: C.UTF-8
    environment_google google;
};
// NULL-terminated "NAME=value", in the arena; what service.yaml says comes last and wins. Errors:
// UP_SECRET.
CODE_CHECKED environment_make(arena *a, const environment_options *o, const char *const **ret_env,
                              err *e);
