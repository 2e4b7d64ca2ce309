// SPDX-License-Identifier: Apache-2.0
// binding: a loaded policy from inside.
#pragma once

#include "data/data.h"
#include "policy/policy.h"

typedef struct place place;
struct place {
    uint32_t line, col;
};

typedef struct binding binding;
struct binding {
    str role;
    member *members;
    place *places; // of the members
    size_t count;
    place at;
};

struct policy {
    arena memory;
    uint32_t refs;
    const role_set *roles;
    binding *bindings;
    size_t count;
    int64_t version;
    str etag;
    const json *audit_configs; // NULL: none
    policy *parts[2];          // of policy_join: whose memory the bindings are in
};
