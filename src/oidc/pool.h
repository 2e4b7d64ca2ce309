// SPDX-License-Identifier: Apache-2.0
// pool: a provider from inside.
#pragma once

#include "cel/cel.h"
#include "oidc/oidc_pool.h"

// One attribute of the principal, and what makes it of the token's claims.
typedef struct pool_mapping pool_mapping;
struct pool_mapping {
    str name; // "google.subject", "google.groups", "attribute.x"
    cel_program *program;
};

struct pool_provider {
    str pool; // as in principal
    str name; // "//iam.googleapis.com/…"
    bool disabled;
    str issuer;
    str *audiences;
    size_t audience_count;
    oidc *keys; // of the one issuer
    pool_mapping *mappings;
    size_t mapping_count;
    cel_program *condition; // NULL: none
};

struct pool_set {
    arena mem;
    cel_env *mapping_env, *condition_env;
    pool_provider *providers;
    size_t count;
};
