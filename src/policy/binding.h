// SPDX-License-Identifier: Apache-2.0
// binding: a loaded policy from inside.
#pragma once

#include "data/data.h"
#include "policy/policy.h"

typedef struct place place;
struct place {
    uint32_t line, col;
};

typedef struct condition condition;
struct condition {
    str title, description, expression;
    cel_program *program;
};

typedef struct binding binding;
struct binding {
    str role;
    member *members;
    place *places; // of the members
    size_t count;
    place at;
    const condition *condition; // NULL: none
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
    cel_env *env;              // of its own conditions; NULL: it has none
    policy *parts[2];          // of policy_join: whose memory the bindings are in
};

// ---- condition.c

// Reads a binding's condition, which is an object.
CODE_CHECKED condition_load(policy *p, const json *v, binding *b, err *e);
void condition_json(const condition *c, jout *w, const char *key);
// CEL_FAILED when it can't be told: then it isn't met. `e` may be NULL.
CODE_CHECKED condition_holds(const condition *c, const policy_query *q, bool *ret_holds, err *e);
// Title or, without one, expression.
str condition_name(const condition *c);
