// SPDX-License-Identifier: Apache-2.0
// Tables of expressions and what they give, for the tests of this room.
#pragma once

#include "base/test.h"
#include "cel/cel.h"

// An expression, and one that must equal it: of the same value and type. NULL: it must fail, with
// `text` in its message.
typedef struct cel_row {
    const char *expr;
    const char *same_as;
    const char *text;
} cel_row;

static inline cel_value test_eval(const cel_env *env, arena *a, const char *expr,
                                  const cel_limits *limits, err *e)
{
    cel_program *p;
    cel_value v = {.kind = CEL_ERROR};
    if (cel_compile(env, str_from(expr), limits, &p, e) != OK)
        return v;
    v = cel_eval(p, a, NULL);
    cel_value_error(p, &v, e);
    cel_program_free(p);
    // The program's strings went with it: only numbers and bools are looked at.
    return v;
}

static inline void test_row(const cel_env *env, const cel_row *row, const cel_limits *limits)
{
    char both[8192];
    err e = ERR_INIT;
    arena a;
    arena_init(&a);
    snprintf(both, sizeof(both),
             row->same_as ? "[type(%s) == type(%s), (%s) == (%s)] == [true, true]" : "%s",
             row->expr, row->same_as, row->expr, row->same_as);
    cel_value v = test_eval(env, &a, both, limits, &e);
    if (row->same_as && (v.kind != CEL_BOOL || !v.b))
        fail_msg("%s isn't %s%s%s", row->expr, row->same_as, e.msg[0] ? ": " : "", e.msg);
    if (!row->same_as && v.kind != CEL_ERROR)
        fail_msg("%s doesn't fail", row->expr);
    if (!row->same_as && !strstr(e.msg, row->text))
        fail_msg("%s fails with '%s', not with '%s'", row->expr, e.msg, row->text);
    arena_deinit(&a);
}

// Each row with the types checked.
static inline void test_rows(const cel_row *rows, size_t count)
{
    cel_env *env = cel_env_new();
    for (size_t i = 0; i < count; i++)
        test_row(env, &rows[i], NULL);
    cel_env_free(env);
}

// Each row without: what the checker would refuse must fail when it runs.
static inline void test_rows_unchecked(const cel_row *rows, size_t count)
{
    cel_env *env = cel_env_new();
    for (size_t i = 0; i < count; i++)
        test_row(env, &rows[i], &(cel_limits){.unchecked = true});
    cel_env_free(env);
}
