// SPDX-License-Identifier: Apache-2.0
// Assignability of types with type variables: what the checker has learnt so far.
#pragma once

#include "cel/type.h"

// A type can double in size with each use of its variables: past this work nothing fits any more.
enum { UNIFY_VARIABLES_MAX = 16384, UNIFY_WORK_MAX = 1000000 };

typedef struct unifier unifier;
struct unifier {
    arena *arena;
    uint32_t work;
    VEC(const cel_type *) bound; // of each variable, NULL while it is free
    VEC(struct unify_undo {
        uint32_t variable;
        const cel_type *before;
    })
    trail;
};

const cel_type *unify_fresh(unifier *u);
// Whether a value of type b can stand where a is wanted. Learns from it; if not, nothing is learnt.
bool unify_assignable(unifier *u, const cel_type *a, const cel_type *b);
// The same for lists of types.
bool unify_assignable_all(unifier *u, const cel_type *const *a, const cel_type *const *b, size_t n);
// The type that both fit: the more general one, or dyn.
const cel_type *unify_join(unifier *u, const cel_type *a, const cel_type *b);
// With what is known of its variables; those that are free stay, or become dyn.
const cel_type *unify_substitute(unifier *u, const cel_type *t, bool free_to_dyn);
