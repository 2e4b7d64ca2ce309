// SPDX-License-Identifier: Apache-2.0
#include "cel/unify.h"

const cel_type *unify_fresh(unifier *u)
{
    if (u->bound.len >= UNIFY_VARIABLES_MAX)
        return cel_type_of(CEL_DYN);
    cel_type *t = ARENA_NEW(u->arena, cel_type);
    *t = (cel_type){.kind = CEL_VARIABLE, .variable = (uint32_t)u->bound.len + 1};
    vec_push(&u->bound, NULL);
    return t;
}

static const cel_type *bound_to(const unifier *u, const cel_type *t)
{
    return t->kind == CEL_VARIABLE ? u->bound.ptr[t->variable - 1] : NULL;
}

static void bind(unifier *u, const cel_type *variable, const cel_type *t)
{
    struct unify_undo undo = {variable->variable - 1, u->bound.ptr[variable->variable - 1]};
    vec_push(&u->trail, undo);
    u->bound.ptr[undo.variable] = t;
}

static void undo_to(unifier *u, size_t len)
{
    while (u->trail.len > len) {
        struct unify_undo last = vec_pop(&u->trail);
        u->bound.ptr[last.variable] = last.before;
    }
}

// A variable must not be bound to a type that it is part of.
static bool occurs(unifier *u, const cel_type *variable, const cel_type *t)
{
    if (++u->work > UNIFY_WORK_MAX)
        return true;
    if (t->kind == CEL_VARIABLE) {
        const cel_type *known = bound_to(u, t);
        return t->variable == variable->variable || (known && occurs(u, variable, known));
    }
    for (uint8_t i = 0; i < t->count; i++)
        if (occurs(u, variable, t->params[i]))
            return true;
    return false;
}

static bool open_type(const cel_type *t)
{
    return t->kind == CEL_DYN || t->kind == CEL_VARIABLE;
}

static bool nullable(const cel_type *t)
{
    return t->kind == CEL_NULL || t->kind == CEL_TIMESTAMP || t->kind == CEL_DURATION ||
           t->kind == CEL_OPTIONAL || t->kind == CEL_ABSTRACT;
}

// Whether whatever fits b fits a, too.
static bool as_general(const cel_type *a, const cel_type *b)
{
    if (open_type(a))
        return true;
    if (open_type(b))
        return false;
    if (b->kind == CEL_NULL && nullable(a))
        return true;
    if (a->kind != b->kind || a->count != b->count || !str_eq(a->name, b->name))
        return false;
    for (uint8_t i = 0; i < a->count; i++)
        if (!as_general(a->params[i], b->params[i]))
            return false;
    return true;
}

static bool assign(unifier *u, const cel_type *a, const cel_type *b);

// The variable stands for t from now on, or for something more general than before.
static bool assign_variable(unifier *u, const cel_type *variable, const cel_type *t)
{
    const cel_type *known = bound_to(u, variable);
    if (t->kind == CEL_VARIABLE && t->variable == variable->variable)
        return true;
    if (!known) {
        if (occurs(u, variable, t))
            return false;
        bind(u, variable, t);
        return true;
    }
    if (!assign(u, known, t) && !assign(u, t, known))
        return false;
    t = unify_substitute(u, t, false);
    known = unify_substitute(u, known, false);
    if (t->kind != CEL_VARIABLE && as_general(t, known) && !occurs(u, variable, t))
        bind(u, variable, t);
    return true;
}

static bool assign(unifier *u, const cel_type *a, const cel_type *b)
{
    if (++u->work > UNIFY_WORK_MAX)
        return false;
    if (b->kind == CEL_VARIABLE)
        return assign_variable(u, b, a);
    if (a->kind == CEL_VARIABLE)
        return assign_variable(u, a, b);
    if (a->kind == CEL_DYN || b->kind == CEL_DYN)
        return true;
    if (a->kind == CEL_NULL || b->kind == CEL_NULL)
        return nullable(a->kind == CEL_NULL ? b : a);
    if (a->kind != b->kind || !str_eq(a->name, b->name) || a->count != b->count)
        return false;
    if (a->kind == CEL_TYPE)
        return true;
    return unify_assignable_all(u, a->params, b->params, a->count);
}

bool unify_assignable_all(unifier *u, const cel_type *const *a, const cel_type *const *b, size_t n)
{
    size_t before = u->trail.len;
    for (size_t i = 0; i < n; i++)
        if (!assign(u, a[i], b[i])) {
            undo_to(u, before);
            return false;
        }
    return true;
}

bool unify_assignable(unifier *u, const cel_type *a, const cel_type *b)
{
    return unify_assignable_all(u, &a, &b, 1);
}

const cel_type *unify_join(unifier *u, const cel_type *a, const cel_type *b)
{
    if (!unify_assignable(u, a, b))
        return cel_type_of(CEL_DYN);
    const cel_type *x = unify_substitute(u, a, false), *y = unify_substitute(u, b, false);
    return as_general(x, y) ? x : y;
}

const cel_type *unify_substitute(unifier *u, const cel_type *t, bool free_to_dyn)
{
    if (++u->work > UNIFY_WORK_MAX)
        return cel_type_of(CEL_DYN);
    if (t->kind == CEL_VARIABLE) {
        const cel_type *known = bound_to(u, t);
        if (known)
            return unify_substitute(u, known, free_to_dyn);
        return free_to_dyn ? cel_type_of(CEL_DYN) : t;
    }
    if (!t->count)
        return t;
    cel_type made = *t;
    bool changed = false;
    for (uint8_t i = 0; i < t->count; i++) {
        made.params[i] = unify_substitute(u, t->params[i], free_to_dyn);
        changed |= made.params[i] != t->params[i];
    }
    if (!changed)
        return t;
    cel_type *kept = ARENA_NEW(u->arena, cel_type);
    *kept = made;
    return kept;
}
