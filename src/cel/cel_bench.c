// SPDX-License-Identifier: Apache-2.0
// How fast conditions are evaluated: `cel_bench FILE`, with a file like bench/cel.json, prints for
// each condition of it a line of JSON: the nanoseconds of an evaluation and of a compilation.
#include <stdio.h>

#include "cel/cel_json.h"

enum { COMPILED = 2000, ROUND = 1000, LASTS_NS = 300 * 1000 * 1000, NS_PER_S = 1000000000 };

static const cel_limits limits = {.condition = true};

// Every variable is text, but for a map of text and the time.
static code declare(cel_env *env, arena *a, const json *variables, err *e)
{
    code c = OK;
    JSON_EACH (variables, v) {
        const char *type = v->type == JSON_OBJECT ? "map(string, string)" : "string";
        if (str_eq(v->key, STR("request.time")))
            type = "timestamp";
        if (c == OK)
            c = cel_env_variable(env, arena_cstr(a, v->key), type, e);
    }
    return c;
}

static bool lookup(void *ctx, str name, arena *a, cel_value *ret)
{
    const json *const *variables = ctx, *v = json_gets(*variables, name);
    int64_t ns;
    if (clock_parse_rfc3339(v->text, &ns))
        *ret = cel_timestamp(ns / NS_PER_S, 0);
    else
        *ret = cel_from_json(a, v);
    return true;
}

static code compile_ns(const cel_env *env, str expression, double *ret_ns, err *e)
{
    uint64_t begin = clock_mono_ns();
    for (int i = 0; i < COMPILED; i++) {
        cel_program *p = NULL;
        code c = cel_compile(env, expression, &limits, &p, e);
        if (c)
            return c;
        cel_program_free(p);
    }
    *ret_ns = (double)(clock_mono_ns() - begin) / COMPILED;
    return OK;
}

static code eval_ns(const cel_program *p, const json *variables, double *ret_ns, err *e)
{
    const cel_activation values = {.lookup = lookup, .ctx = &variables};
    uint64_t begin = clock_mono_ns(), now = begin, count = 0;
    bool holds = true;
    code c = OK;
    arena a;
    arena_init(&a);
    for (; now - begin < LASTS_NS && holds && c == OK; now = clock_mono_ns())
        for (int i = 0; i < ROUND && holds && c == OK; i++, count++) {
            c = cel_eval_condition(p, &a, &values, &holds, e);
            arena_reset(&a);
        }
    arena_deinit(&a);
    *ret_ns = (double)(now - begin) / (double)count;
    return holds || c ? c : err_set(e, CEL_FAILED, "the condition doesn't hold");
}

static code measure(const cel_env *env, const json *condition, const json *variables, err *e)
{
    str name, expression;
    cel_program *p = NULL;
    double eval = 0, compile = 0;
    code c = json_get_str(condition, "name", &name, e);
    c = c ? c : json_get_str(condition, "expression", &expression, e);
    c = c ? c : cel_compile(env, expression, &limits, &p, e);
    c = c ? c : eval_ns(p, variables, &eval, e);
    c = c ? c : compile_ns(env, expression, &compile, e);
    cel_program_free(p);
    if (c == OK)
        printf("{\"eval\": %.1f, \"compile\": %.1f}\n", eval, compile);
    return c;
}

int main(int argc, char **argv)
{
    err e = ERR_INIT;
    arena a;
    arena_init(&a);
    cel_env *env = cel_env_new();
    json *root = NULL;
    const json *variables = NULL, *conditions = NULL;
    cel_env_iam(env);
    code c = json_load(&a, argc > 1 ? argv[1] : "bench/cel.json", NULL, &root, &e);
    c = c ? c : json_get_obj(root, "variables", &variables, &e);
    c = c ? c : declare(env, &a, variables, &e);
    c = c ? c : json_get_arr(root, "conditions", &conditions, &e);
    JSON_EACH (conditions, condition)
        c = c ? c : measure(env, condition, variables, &e);
    if (c)
        err_print(&e, stderr);
    cel_env_free(env);
    arena_deinit(&a);
    return c ? 1 : 0;
}
