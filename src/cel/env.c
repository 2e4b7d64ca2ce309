// SPDX-License-Identifier: Apache-2.0
#include "cel/env.h"

cel_env *cel_env_new(void)
{
    static const cel_function *const libraries[] = {cel_operator_functions, cel_convert_functions,
                                                    cel_string_functions,   cel_time_functions,
                                                    cel_math_functions,     cel_encode_functions,
                                                    cel_optional_functions, cel_network_functions};
    cel_env *env = NEW(cel_env);
    arena_init(&env->arena);
    map_init(&env->variables);
    map_init(&env->functions);
    for (size_t i = 0; i < ARRAY_LEN(libraries); i++)
        for (const cel_function *f = libraries[i]; f->name; f++)
            if (cel_env_function(env, f, NULL) != OK)
                abort(); // a table of ours is wrong
    return env;
}

void cel_env_free(cel_env *env)
{
    if (!env)
        return;
    map_deinit(&env->variables, NULL);
    map_deinit(&env->functions, NULL);
    arena_deinit(&env->arena);
    free(env);
}

void cel_env_container(cel_env *env, str container)
{
    env->container = arena_str(&env->arena, container);
}

void cel_env_variable_type(cel_env *env, str name, const cel_type *type)
{
    cel_variable *v = ARENA_NEW(&env->arena, cel_variable);
    *v = (cel_variable){arena_str(&env->arena, name), type};
    map_set(&env->variables, v->name, v);
}

code cel_env_variable(cel_env *env, const char *name, const char *type, err *e)
{
    const cel_type *t = cel_type_parse(&env->arena, str_from(type));
    if (!t) {
        err_set(e, CEL_TYPED, "the variable %s: '%s' isn't a type", name, type);
        return CEL_TYPED;
    }
    cel_env_variable_type(env, str_from(name), t);
    return OK;
}

static bool parse_args(arena *a, str *text, cel_overload *o)
{
    if (!str_starts(*text, STR("(")))
        return false;
    *text = str_trim(str_skip(*text, 1));
    while (text->len && text->ptr[0] != ')') {
        if (o->count == CEL_FUNCTION_ARGS_MAX || !(o->args[o->count++] = cel_type_next(a, text)))
            return false;
        *text = str_trim(*text);
        if (!str_starts(*text, STR(",")))
            break;
        *text = str_trim(str_skip(*text, 1));
    }
    return str_starts(*text, STR(")"));
}

static bool parse_signature(arena *a, str text, cel_overload *o)
{
    text = str_trim(text);
    if (!str_starts(text, STR("("))) {
        o->member = true;
        o->args[o->count++] = cel_type_next(a, &text);
        if (!o->args[0] || !str_starts(text, STR(".")))
            return false;
        text = str_skip(text, 1);
    }
    if (!parse_args(a, &text, o))
        return false;
    o->result = cel_type_parse(a, str_skip(text, 1));
    return o->result != NULL;
}

static bool same_args(const cel_overload *a, const cel_overload *b)
{
    if (a->count != b->count || a->member != b->member)
        return false;
    for (uint8_t i = 0; i < a->count; i++)
        if (!cel_type_equal(a->args[i], b->args[i]))
            return false;
    return true;
}

code cel_env_function(cel_env *env, const cel_function *f, err *e)
{
    cel_overload *o = ARENA_NEW(&env->arena, cel_overload);
    str name = str_from(f->name), signature = str_from(f->signature);
    o->fn = f->fn;
    o->ctx = f->ctx;
    o->lazy = str_starts(signature, STR("lazy "));
    if (!parse_signature(&env->arena, str_skip(signature, o->lazy ? 5 : 0), o)) {
        err_set(e, CEL_TYPED, "the function %s: '%s' isn't a signature", f->name, f->signature);
        return CEL_TYPED;
    }
    cel_overloads *all = map_get(&env->functions, name);
    if (!all) {
        all = ARENA_NEW(&env->arena, cel_overloads);
        map_set(&env->functions, name, all);
    }
    for (const cel_overload *other = all->first; other; other = other->next)
        if (same_args(o, other)) {
            err_set(e, CEL_TYPED, "the function %s with the arguments '%s' exists", f->name,
                    f->signature);
            return CEL_TYPED;
        }
    if (all->last)
        all->last->next = o;
    else
        all->first = o;
    all->last = o;
    return OK;
}

str cel_plain_name(str name)
{
    static const str odd[][2] = {{STR("@in"), STR("in")},
                                 {STR("_?_:_"), STR("?:")},
                                 {STR("_[_]"), STR("[]")},
                                 {STR("_[?_]"), STR("[?]")}};
    for (size_t i = 0; i < ARRAY_LEN(odd); i++)
        if (str_eq(name, odd[i][0]))
            return odd[i][1];
    if (name.len > 2 && name.ptr[0] == '_' && name.ptr[name.len - 1] == '_')
        return str_sub(name, 1, name.len - 1);
    return str_ends(name, STR("_")) && name.len == 2 ? str_sub(name, 0, 1) : name;
}

bool cel_env_candidate(const cel_env *env, str name, size_t i, buf *out)
{
    str prefix = env->container;
    buf_reset(out);
    if (str_starts(name, STR("."))) {
        buf_adds(out, str_skip(name, 1));
        return i == 0;
    }
    for (; i > 0 && prefix.len; i--) {
        ssize_t dot = str_rchr(prefix, '.');
        prefix = str_sub(prefix, 0, dot < 0 ? 0 : (size_t)dot);
    }
    if (prefix.len)
        buf_addf(out, STR_FMT ".", STR_ARG(prefix));
    buf_adds(out, name);
    return i == 0;
}

static void *find(const cel_env *env, const map *m, str name)
{
    void *found = NULL;
    buf full;
    buf_init(&full, env->container.len + name.len + 2);
    for (size_t i = 0; !found && cel_env_candidate(env, name, i, &full); i++)
        found = map_get(m, buf_str(&full));
    buf_deinit(&full);
    return found;
}

const cel_variable *cel_env_find_variable(const cel_env *env, str name)
{
    return find(env, &env->variables, name);
}

const cel_overloads *cel_env_find_function(const cel_env *env, str name)
{
    return find(env, &env->functions, name);
}
