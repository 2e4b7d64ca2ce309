// SPDX-License-Identifier: Apache-2.0
// The type of each part, from the leaves up, by cel-spec's rules: an expression that can only fail
// isn't accepted. dyn fits everything; what it really is shows when the expression runs.
#include "cel/env.h"
#include "cel/unify.h"
#include "data/data.h"

typedef struct checker checker;
struct checker {
    cel_program *program;
    unifier types;
    const cel_type **slots; // of the variables that macros bind
    err *e;
    code failed;
};

static const cel_type *fail(checker *k, const cel_node *n, code c, const char *fmt, ...)
    ATTR_PRINTF(4, 5);

static const cel_type *fail(checker *k, const cel_node *n, code c, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (k->failed == OK)
        k->failed = cel_error_at(k->program, n->offset, c, k->e, "%s", text);
    return cel_type_of(CEL_DYN);
}

static const cel_type *check(checker *k, const cel_node *n);

static const cel_type *known(checker *k, const cel_type *t)
{
    return unify_substitute(&k->types, t, false);
}

static void show(checker *k, const cel_type *t, buf *out)
{
    cel_type_text(unify_substitute(&k->types, t, true), out);
}

static const cel_type *mismatch(checker *k, const cel_node *n, const char *what, const cel_type *t)
{
    buf text;
    buf_init(&text, 256);
    show(k, t, &text);
    fail(k, n, CEL_TYPED, "%s, and this is %s", what, buf_cstr(&text));
    buf_deinit(&text);
    return cel_type_of(CEL_DYN);
}

static void want(checker *k, const cel_node *n, const cel_type *wanted, const char *what)
{
    const cel_type *t = check(k, n);
    if (k->failed == OK && !unify_assignable(&k->types, wanted, t))
        mismatch(k, n, what, t);
}

// Adds the nearest of the declared names, or else some of them.
static void hint_names(checker *k, const map *declared, str wanted, const char *kind)
{
    VEC(const char *) names = {0};
    size_t cursor = 0;
    str name;
    void *value;
    buf some;
    buf_init(&some, 400);
    while (map_next(declared, &cursor, &name, &value)) {
        vec_push(&names, name.ptr);
        if (some.len < 200)
            buf_addf(&some, "%s" STR_FMT, some.len ? ", " : "", STR_ARG(name));
    }
    const char *near = suggest(wanted, names.ptr, names.len);
    if (near)
        err_hint(k->e, "did you mean '%s'?", near);
    else if (names.len)
        err_hint(k->e, "the %s here are %s%s", kind, buf_cstr(&some),
                 some.len < 200 ? "" : " and more");
    vec_deinit(&names);
    buf_deinit(&some);
}

static const cel_type *unknown_name(checker *k, const cel_node *n, str name)
{
    fail(k, n, CEL_NAME, "there is no variable '" STR_FMT "'", STR_ARG(name));
    hint_names(k, &k->program->env->variables, name, "variables");
    return cel_type_of(CEL_DYN);
}

// Whether variables are declared under this name: "request.path", "request.time".
static bool is_prefix(const map *declared, str name)
{
    size_t cursor = 0;
    str full, head, rest;
    void *value;
    while (map_next(declared, &cursor, &full, &value))
        if (str_cut(full, '.', &head, &rest) && str_eq(head, name))
            return true;
    return false;
}

// ---- Calls ----------------------------------------------------------------------------------

typedef struct fresh_params fresh_params;
struct fresh_params {
    str names[8];
    const cel_type *types[8];
    size_t count;
};

// The type with its parameters replaced by variables, the same for the same name.
static const cel_type *instantiate(checker *k, const cel_type *t, fresh_params *f)
{
    if (t->kind == CEL_PARAM) {
        size_t i = 0;
        while (i < f->count && !str_eq(f->names[i], t->name))
            i++;
        if (i == f->count && i < ARRAY_LEN(f->names)) {
            f->names[i] = t->name;
            f->types[i] = unify_fresh(&k->types);
            f->count++;
        }
        return i < f->count ? f->types[i] : cel_type_of(CEL_DYN);
    }
    cel_type made = *t;
    bool changed = false;
    for (uint8_t i = 0; i < t->count; i++) {
        made.params[i] = instantiate(k, t->params[i], f);
        changed |= made.params[i] != t->params[i];
    }
    if (!changed)
        return t;
    cel_type *kept = ARENA_NEW(k->types.arena, cel_type);
    *kept = made;
    return kept;
}

// The result of the overload for these arguments, or NULL when they don't fit.
static const cel_type *try_overload(checker *k, const cel_overload *o, const cel_type *const *args)
{
    const cel_type *wanted[CEL_FUNCTION_ARGS_MAX];
    fresh_params fresh = {.count = 0};
    for (uint8_t i = 0; i < o->count; i++)
        wanted[i] = instantiate(k, o->args[i], &fresh);
    if (!unify_assignable_all(&k->types, wanted, args, o->count))
        return NULL;
    return known(k, instantiate(k, o->result, &fresh));
}

static const cel_type *no_overload(checker *k, const cel_node *n, str name,
                                   const cel_type *const *args)
{
    buf text;
    buf_init(&text, 300);
    for (uint32_t i = 0; i < n->arg_count; i++) {
        if (i)
            buf_addz(&text, n->member && i == 1 ? " and (" : ", ");
        show(k, args[i], &text);
    }
    if (n->member && n->arg_count > 1)
        buf_addz(&text, ")");
    fail(k, n, CEL_TYPED, "'" STR_FMT "' can't be applied to %s", STR_ARG(cel_plain_name(name)),
         text.len ? buf_cstr(&text) : "nothing");
    if (k->failed == CEL_TYPED)
        err_hint(k->e,
                 "convert with int(), double(), string() …, or turn the check of one part off "
                 "with dyn()");
    buf_deinit(&text);
    return cel_type_of(CEL_DYN);
}

static const cel_type *apply(checker *k, const cel_node *n, str name, const cel_overloads *all,
                             const cel_type *const *args)
{
    const cel_type *result = NULL;
    for (const cel_overload *o = all->first; o; o = o->next) {
        if (o->member != n->member || o->count != n->arg_count)
            continue;
        const cel_type *t = try_overload(k, o, args);
        if (t && result && !cel_type_equal(t, result))
            return cel_type_of(CEL_DYN);
        if (t)
            result = t;
    }
    return result ? result : no_overload(k, n, name, args);
}

static const cel_type *check_call(checker *k, const cel_node *n, str name,
                                  const cel_overloads *overloads)
{
    const cel_type *args[CEL_FUNCTION_ARGS_MAX];
    if (!overloads) {
        fail(k, n, CEL_NAME, "there is no function '" STR_FMT "'", STR_ARG(n->name));
        hint_names(k, &k->program->env->functions, n->name, "functions");
        return cel_type_of(CEL_DYN);
    }
    if (n->arg_count > CEL_FUNCTION_ARGS_MAX)
        return fail(k, n, CEL_TYPED, "'" STR_FMT "' has too many arguments", STR_ARG(name));
    for (uint32_t i = 0; i < n->arg_count; i++)
        args[i] = check(k, n->args[i]);
    return k->failed == OK ? apply(k, n, name, overloads, args) : cel_type_of(CEL_DYN);
}

static const cel_type *check_operator(checker *k, const cel_node *n, str name)
{
    return check_call(k, n, name, map_get(&k->program->env->functions, name));
}

// ---- Literals -------------------------------------------------------------------------------

static const cel_type *check_literal(checker *k, const cel_node *n)
{
    if (n->value.kind == CEL_TYPE)
        return cel_type_with(k->types.arena, CEL_TYPE, n->value.type, NULL);
    return cel_type_of(n->value.kind);
}

// The type of an element; one that may be absent is an optional.
static const cel_type *check_element(checker *k, const cel_node *n)
{
    if (n->kind != NODE_OPTIONAL)
        return check(k, n);
    const cel_type *inner = unify_fresh(&k->types);
    want(k, n->args[0], cel_type_with(k->types.arena, CEL_OPTIONAL, inner, NULL),
         "behind ? an optional should stand");
    return known(k, inner);
}

static const cel_type *joined(checker *k, const cel_type *all, const cel_type *one)
{
    return all ? unify_join(&k->types, all, one) : one;
}

static const cel_type *check_list(checker *k, const cel_node *n)
{
    const cel_type *element = NULL;
    for (uint32_t i = 0; i < n->arg_count; i++)
        element = joined(k, element, check_element(k, n->args[i]));
    return cel_type_with(k->types.arena, CEL_LIST, element ? element : unify_fresh(&k->types),
                         NULL);
}

// Also keeps a type from doubling at each nesting.
static const cel_type *check_key(checker *k, const cel_node *n)
{
    const cel_type *t = known(k, check(k, n));
    bool key = t->kind == CEL_BOOL || t->kind == CEL_INT || t->kind == CEL_UINT ||
               t->kind == CEL_STRING || t->kind == CEL_DYN || t->kind == CEL_VARIABLE;
    return key ? t : mismatch(k, n, "a map's key is a bool, an int, an uint or a string", t);
}

static const cel_type *check_map(checker *k, const cel_node *n)
{
    const cel_type *key = NULL, *value = NULL;
    for (uint32_t i = 0; i + 1 < n->arg_count; i += 2) {
        key = joined(k, key, check_key(k, n->args[i]));
        value = joined(k, value, check_element(k, n->args[i + 1]));
    }
    return cel_type_with(k->types.arena, CEL_MAP, key ? key : unify_fresh(&k->types),
                         value ? value : unify_fresh(&k->types));
}

static const cel_type *check_message(checker *k, const cel_node *n)
{
    if (!n->type) {
        fail(k, n, CEL_NAME, "there is no message type '" STR_FMT "' with these fields",
             STR_ARG(n->name));
        if (k->failed == CEL_NAME)
            err_hint(k->e, "protobuf messages aren't part of the language here: use a map");
        return cel_type_of(CEL_DYN);
    }
    for (uint32_t i = 0; i < n->arg_count; i++)
        want(k, n->args[i], n->type, "the field has another type");
    return cel_type_of(CEL_DYN); // a wrapper may be null
}

// ---- Fields and macros ----------------------------------------------------------------------

static const cel_type *field_of(checker *k, const cel_node *n, const cel_type *t)
{
    if (t->kind == CEL_MAP)
        return t->params[1];
    if (t->kind == CEL_VARIABLE)
        unify_assignable(&k->types, cel_type_of(CEL_DYN), t);
    if (t->kind == CEL_DYN || t->kind == CEL_VARIABLE)
        return cel_type_of(CEL_DYN);
    return mismatch(k, n, "only a map has fields", t);
}

static const cel_type *check_select(checker *k, const cel_node *n)
{
    if (n->args[0]->kind == NODE_UNKNOWN &&
        is_prefix(&k->program->env->variables, n->args[0]->name))
        return unknown_name(k, n->args[0],
                            arena_printf(&k->program->arena, STR_FMT "." STR_FMT,
                                         STR_ARG(n->args[0]->name), STR_ARG(n->name)));
    const cel_type *of = known(k, check(k, n->args[0]));
    bool optional = of->kind == CEL_OPTIONAL;
    if (k->failed != OK)
        return cel_type_of(CEL_DYN);
    const cel_type *field = field_of(k, n, optional ? known(k, of->params[0]) : of);
    if (n->test)
        return cel_type_of(CEL_BOOL);
    return optional || n->optional ? cel_type_with(k->types.arena, CEL_OPTIONAL, field, NULL)
                                   : field;
}

// What a macro goes over: for a list its elements, for a map its keys and values.
static void range_types(checker *k, const cel_node *n, const cel_type *range,
                        const cel_type *ret_types[2])
{
    ret_types[0] = ret_types[1] = cel_type_of(CEL_DYN);
    if (range->kind == CEL_LIST) {
        ret_types[0] = n->var_count == 2 ? cel_type_of(CEL_INT) : range->params[0];
        ret_types[1] = range->params[0];
    } else if (range->kind == CEL_MAP) {
        ret_types[0] = range->params[0];
        ret_types[1] = range->params[1];
    } else if (range->kind == CEL_VARIABLE) {
        unify_assignable(&k->types, cel_type_of(CEL_DYN), range);
    } else if (range->kind != CEL_DYN) {
        mismatch(k, n->args[0], "a macro goes over a list or a map", range);
    }
}

static const cel_type *optional_content(checker *k, const cel_node *n, const cel_type *t)
{
    if (t->kind == CEL_OPTIONAL)
        return t->params[0];
    if (t->kind != CEL_DYN && t->kind != CEL_VARIABLE)
        mismatch(k, n->args[0], "optMap and optFlatMap are for an optional", t);
    return cel_type_of(CEL_DYN);
}

static void bind_slots(checker *k, const cel_node *n, const cel_type *outer)
{
    const cel_type *types[2] = {outer, outer};
    if (n->op == COMPREHEND_OPT_MAP || n->op == COMPREHEND_OPT_FLAT_MAP)
        types[0] = optional_content(k, n, outer);
    else if (n->op != COMPREHEND_BIND)
        range_types(k, n, outer, types);
    for (uint8_t i = 0; i < n->var_count; i++)
        k->slots[n->slot + i] = types[i];
}

static const cel_type *transformed(checker *k, const cel_node *n, const cel_type *key,
                                   const cel_type *t)
{
    arena *a = k->types.arena;
    switch ((cel_comprehension)n->op) {
    case COMPREHEND_LIST:
        return cel_type_with(a, CEL_LIST, t, NULL);
    case COMPREHEND_MAP:
        return cel_type_with(a, CEL_MAP, key, t);
    case COMPREHEND_ENTRIES:
        if (t->kind != CEL_MAP && t->kind != CEL_DYN)
            return mismatch(k, n->args[n->arg_count - 1], "transformMapEntry makes maps", t);
        return t;
    case COMPREHEND_OPT_MAP:
        return cel_type_with(a, CEL_OPTIONAL, t, NULL);
    case COMPREHEND_OPT_FLAT_MAP:
        if (t->kind != CEL_OPTIONAL && t->kind != CEL_DYN)
            return mismatch(k, n->args[1], "optFlatMap makes an optional", t);
        return t;
    default: // COMPREHEND_BIND: the others have no transform
        return t;
    }
}

static const cel_type *check_comprehension(checker *k, const cel_node *n)
{
    const cel_type *boolean = cel_type_of(CEL_BOOL);
    const cel_type *range = known(k, check(k, n->args[0]));
    if (k->failed != OK)
        return range;
    bind_slots(k, n, range);
    const cel_type *first = k->slots[n->slot];
    if (n->op <= COMPREHEND_EXISTS_ONE || n->op == COMPREHEND_FILTER) {
        want(k, n->args[1], boolean, "a predicate is a bool");
        return n->op == COMPREHEND_FILTER ? cel_type_with(k->types.arena, CEL_LIST, first, NULL)
                                          : boolean;
    }
    if (n->arg_count == 3)
        want(k, n->args[1], boolean, "a predicate is a bool");
    const cel_type *t = check(k, n->args[n->arg_count - 1]);
    return k->failed == OK ? transformed(k, n, first, known(k, t)) : t;
}

static const cel_type *check_logic(checker *k, const cel_node *n)
{
    for (uint32_t i = 0; i < n->arg_count && k->failed == OK; i++)
        want(k, n->args[i], cel_type_of(CEL_BOOL),
             n->kind == NODE_AND ? "&& joins bools" : "|| joins bools");
    return cel_type_of(CEL_BOOL);
}

static const cel_type *check_name(checker *k, const cel_node *n)
{
    if (n->kind == NODE_LOCAL)
        return k->slots[n->slot];
    return n->kind == NODE_VARIABLE ? k->program->variables[n->slot]->type
                                    : unknown_name(k, n, n->name);
}

static const cel_type *check(checker *k, const cel_node *n)
{
    if (k->failed != OK)
        return cel_type_of(CEL_DYN);
    switch (n->kind) {
    case NODE_LITERAL:
        return check_literal(k, n);
    case NODE_SELECT:
        return check_select(k, n);
    case NODE_INDEX:
        return check_operator(k, n, n->optional ? STR("_[?_]") : STR("_[_]"));
    case NODE_CALL:
        return check_call(k, n, n->name, n->overloads);
    case NODE_AND:
    case NODE_OR:
        return check_logic(k, n);
    case NODE_CONDITIONAL:
        return check_operator(k, n, STR("_?_:_"));
    case NODE_LIST:
        return check_list(k, n);
    case NODE_MAP:
        return check_map(k, n);
    case NODE_MESSAGE:
        return check_message(k, n);
    case NODE_COMPREHENSION:
        return check_comprehension(k, n);
    default: // a NODE_OPTIONAL is only an element
        return check_name(k, n);
    }
}

code cel_check(cel_program *p, err *e)
{
    checker k = {.program = p, .types = {.arena = &p->arena}, .e = e};
    k.slots = arena_array(&p->arena, p->slot_count, sizeof(*k.slots));
    p->type = unify_substitute(&k.types, check(&k, p->root), true);
    if (k.failed == OK && p->limits.condition && p->type->kind != CEL_BOOL &&
        p->type->kind != CEL_DYN)
        mismatch(&k, p->root, "a condition is a bool", p->type);
    vec_deinit(&k.types.bound);
    vec_deinit(&k.types.trail);
    return k.failed;
}
