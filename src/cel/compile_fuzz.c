// SPDX-License-Identifier: Apache-2.0
// Any text as an expression: it compiles, or the error names a place inside it. The first byte
// chooses a container and whether types are checked.
#include <stdlib.h>

#include "base/fuzz.h"
#include "cel/cel.h"

static const cel_env *environment(void)
{
    static cel_env *env;
    if (env)
        return env;
    env = cel_env_new();
    cel_env_container(env, STR("com.example"));
    if (cel_env_variable(env, "request", "map(string, dyn)", NULL) != OK ||
        cel_env_variable(env, "com.example.list", "list(map(string, int))", NULL) != OK ||
        cel_env_variable(env, "o", "optional_type(list(string))", NULL) != OK)
        abort();
    return env;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str text = {(const char *)data + 1, size ? size - 1 : 0};
    cel_limits limits = {.source_bytes = 8192, .unchecked = size && data[0] & 1};
    cel_program *p;
    err e = ERR_INIT;
    buf type;
    if (!size)
        return 0;
    if (cel_compile(environment(), text, &limits, &p, &e) != OK) {
        if (!e.line || !e.col || !e.msg[0])
            abort();
        return 0;
    }
    fuzz_accepted++;
    arena a;
    arena_init(&a);
    buf_init(&type, 1 << 20);
    cel_type_text(cel_program_type(p), &type);
    // What a type is called names it again.
    const cel_type *again = cel_type_parse(&a, buf_str(&type));
    if (!again || !cel_type_equal(again, cel_program_type(p)))
        abort();
    buf_deinit(&type);
    arena_deinit(&a);
    cel_program_free(p);
    return 0;
}
