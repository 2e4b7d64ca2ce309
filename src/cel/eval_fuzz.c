// SPDX-License-Identifier: Apache-2.0
// Any text as an expression that is evaluated, with variables of every type, within a small cost. A
// checked expression gives a value of the type that the checker found.
#include <stdlib.h>

#include "base/fuzz.h"
#include "cel/type.h"

static const char *const variables[][2] = {
    {"s", "string"}, {"i", "int"},       {"u", "uint"},      {"d", "double"},
    {"b", "bytes"},  {"t", "timestamp"}, {"l", "list(int)"}, {"m", "map(string, dyn)"},
    {"x", "dyn"},
};

static cel_value value_of(str name)
{
    static const cel_value items[] = {{.kind = CEL_INT, .i = 1}, {.kind = CEL_INT, .i = INT64_MIN}};
    static const cel_entry entries[] = {
        {{.kind = CEL_STRING, .s = {"a", 1}}, {.kind = CEL_INT, .i = 1}},
        {{.kind = CEL_STRING, .s = {"b", 1}}, {.kind = CEL_LIST, .list = {items, 2}}}};
    switch (name.ptr[0]) {
    case 's':
        return cel_string(STR("a\xc3\xa9\xf0\x9f\x98\x80 b"));
    case 'i':
        return cel_int(-3);
    case 'u':
        return cel_uint(UINT64_MAX);
    case 'd':
        return cel_double(1.5e300);
    case 'b':
        return cel_bytes(STR("\xff\x00z"));
    case 't':
        return cel_timestamp(1234567890, 123456789);
    case 'l':
        return cel_list_of(items, 2);
    default:
        return cel_map_of(entries, 2);
    }
}

static bool lookup(void *ctx, str name, arena *a, cel_value *ret_value)
{
    (void)ctx, (void)a;
    *ret_value = value_of(name);
    return true;
}

static const cel_env *environment(void)
{
    static cel_env *env;
    if (env)
        return env;
    env = cel_env_new();
    for (size_t i = 0; i < ARRAY_LEN(variables); i++)
        if (cel_env_variable(env, variables[i][0], variables[i][1], NULL) != OK)
            abort();
    return env;
}

// null stands for times and optionals, too.
static bool type_holds(const cel_program *p, const cel_value *v)
{
    cel_kind kind = cel_program_type(p)->kind;
    return kind == v->kind || kind == CEL_DYN || v->kind == CEL_ERROR || v->kind == CEL_NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str text = {(const char *)data, size};
    for (int unchecked = 0; unchecked < 2; unchecked++) {
        cel_limits limits = {.cost = 20000, .unchecked = unchecked};
        cel_program *p;
        arena a;
        if (cel_compile(environment(), text, &limits, &p, NULL) != OK)
            continue;
        arena_init(&a);
        cel_value v = cel_eval(p, &a, &(cel_activation){.lookup = lookup});
        fuzz_accepted++;
        if (!unchecked && !type_holds(p, &v))
            abort();
        arena_deinit(&a);
        cel_program_free(p);
    }
    return 0;
}
