// SPDX-License-Identifier: Apache-2.0
// What each name is: a variable bound by a macro, a declared one, a type, or a function. The
// longest dotted name wins, then the innermost container; a variable bound by a macro hides both.
#include "cel/env.h"
#include "cel/message.h"

typedef struct scope scope;
struct scope {
    const scope *outer;
    str name;
    uint32_t slot;
};

typedef struct resolver resolver;
struct resolver {
    cel_program *program;
    VEC(const cel_variable *) variables;
    buf name;
};

static const scope *find_local(const scope *s, str name)
{
    while (s && !str_eq(s->name, name))
        s = s->outer;
    return s;
}

// Writes the dotted name of a chain of fields; false for anything else, or if a local starts it.
static bool chain_name(const cel_node *n, const scope *s, buf *out)
{
    if (n->kind == NODE_IDENT) {
        buf_adds(out, n->name);
        return !find_local(s, n->name);
    }
    if (n->kind != NODE_SELECT || n->test || n->optional || !chain_name(n->args[0], s, out))
        return false;
    buf_addf(out, "." STR_FMT, STR_ARG(n->name));
    return true;
}

static void become_variable(resolver *r, cel_node *n, const cel_variable *v)
{
    size_t i = 0;
    while (i < r->variables.len && r->variables.ptr[i] != v)
        i++;
    if (i == r->variables.len)
        vec_push(&r->variables, v);
    n->kind = NODE_VARIABLE;
    n->slot = (uint32_t)i;
    n->arg_count = 0;
}

static const cel_type *find_type(resolver *r, str name)
{
    const cel_type *t = NULL;
    buf full;
    buf_init(&full, r->program->env->container.len + name.len + 2);
    for (size_t i = 0; !t && cel_env_candidate(r->program->env, name, i, &full); i++)
        t = cel_type_named(buf_str(&full));
    buf_deinit(&full);
    return t && t->kind == CEL_DYN ? NULL : t; // dyn isn't the type of any value
}

// Makes the name or chain a variable or a type, if its whole name is one.
static bool resolve_name(resolver *r, cel_node *n, const scope *s)
{
    buf_reset(&r->name);
    if (!chain_name(n, s, &r->name))
        return false;
    const cel_variable *v = cel_env_find_variable(r->program->env, buf_str(&r->name));
    const cel_type *t = v ? NULL : find_type(r, buf_str(&r->name));
    if (v) {
        become_variable(r, n, v);
    } else if (t) {
        n->kind = NODE_LITERAL;
        n->value = (cel_value){.kind = CEL_TYPE, .type = t};
        n->arg_count = 0;
    }
    return v || t;
}

static void resolve_ident(resolver *r, cel_node *n, const scope *s)
{
    const scope *local = find_local(s, n->name);
    if (local) {
        n->kind = NODE_LOCAL;
        n->slot = local->slot;
    } else if (!resolve_name(r, n, s)) {
        n->kind = NODE_UNKNOWN;
    }
}

static void resolve(resolver *r, cel_node *n, const scope *s);

// math.abs(x) is the function "math.abs", unless math is a variable.
static void resolve_call(resolver *r, cel_node *n, const scope *s)
{
    const cel_env *env = r->program->env;
    buf_reset(&r->name);
    if (n->member && chain_name(n->args[0], s, &r->name)) {
        buf_addf(&r->name, "." STR_FMT, STR_ARG(n->name));
        n->overloads = cel_env_find_function(env, buf_str(&r->name));
        if (n->overloads) {
            n->name = arena_str(&r->program->arena, buf_str(&r->name));
            n->member = false;
            n->args++;
            n->arg_count--;
        }
    }
    if (!n->overloads)
        n->overloads =
            n->member ? map_get(&env->functions, n->name) : cel_env_find_function(env, n->name);
    for (uint32_t i = 0; i < n->arg_count; i++)
        resolve(r, n->args[i], s);
}

static void resolve_comprehension(resolver *r, cel_node *n, const scope *s)
{
    scope locals[2];
    resolve(r, n->args[0], s);
    n->slot = s ? s->slot + 1 : 0;
    for (uint8_t i = 0; i < n->var_count; i++) {
        locals[i] = (scope){s, n->names[i], n->slot + i};
        s = &locals[i];
    }
    if (n->slot + n->var_count > r->program->slot_count)
        r->program->slot_count = n->slot + n->var_count;
    for (uint32_t i = 1; i < n->arg_count; i++)
        resolve(r, n->args[i], s);
}

static void resolve(resolver *r, cel_node *n, const scope *s)
{
    if (n->kind == NODE_IDENT) {
        resolve_ident(r, n, s);
    } else if (n->kind == NODE_CALL) {
        resolve_call(r, n, s);
    } else if (n->kind == NODE_COMPREHENSION) {
        resolve_comprehension(r, n, s);
    } else if (n->kind != NODE_SELECT || !resolve_name(r, n, s)) {
        if (n->kind == NODE_MESSAGE)
            cel_message_resolve(r->program->env, n);
        for (uint32_t i = 0; i < n->arg_count; i++)
            resolve(r, n->args[i], s);
    }
}

void cel_resolve(cel_program *p)
{
    resolver r = {.program = p};
    buf_init(&r.name, 2 * (size_t)p->limits.source_bytes);
    resolve(&r, p->root, NULL);
    p->variables = arena_array(&p->arena, r.variables.len, sizeof(*p->variables));
    for (size_t i = 0; i < r.variables.len; i++)
        p->variables[i] = r.variables.ptr[i];
    p->variable_count = (uint32_t)r.variables.len;
    vec_deinit(&r.variables);
    buf_deinit(&r.name);
}
