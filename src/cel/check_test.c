// SPDX-License-Identifier: Apache-2.0
// Types found, and what is refused before it runs: with place and fix.
#include "cel/cel_test.h"

static cel_env *environment(void)
{
    static const char *const variables[][2] = {{"request", "map(string, dyn)"},
                                               {"labels", "map(string, string)"},
                                               {"n", "int"},
                                               {"names", "list(string)"},
                                               {"at", "timestamp"},
                                               {"any", "dyn"}};
    cel_env *env = cel_env_new();
    for (size_t i = 0; i < ARRAY_LEN(variables); i++)
        assert_code(cel_env_variable(env, variables[i][0], variables[i][1], NULL), OK);
    return env;
}

static void test_types_are_deduced(void **state)
{
    static const char *const rows[][2] = {
        {"1", "int"},
        {"[1, 2u]", "list(dyn)"},
        {"[1, any]", "list(dyn)"},
        {"[[], [1]]", "list(list(int))"},
        {"[]", "list(dyn)"},
        {"{'a': [1u]}", "map(string, list(uint))"},
        {"labels.x", "string"},
        {"request.auth.claims", "dyn"},
        {"names[0]", "string"},
        {"names.map(s, s.size())", "list(int)"},
        {"names.filter(s, s != '')", "list(string)"},
        {"labels.transformMap(k, v, v.size())", "map(string, int)"},
        {"names.transformMap(i, v, v)", "map(int, string)"},
        {"names.transformMapEntry(i, v, {v: i})", "map(string, int)"},
        {"names.all(s, s == '')", "bool"},
        {"labels.?x", "optional_type(string)"},
        {"labels.?x.orValue('')", "string"},
        {"labels[?'x'].optMap(v, v.size())", "optional_type(int)"},
        {"any ? 1 : 2", "int"},
        {"any ? 1 : any", "dyn"},
        {"any + 1", "int"},
        {"at - duration('1s')", "google.protobuf.Timestamp"},
        {"at - at", "google.protobuf.Duration"},
        {"type(1)", "type(int)"},
        {"int", "type(int)"},
        {"cel.bind(x, names, x[0] + 'a')", "string"},
        {"[null, at]", "list(google.protobuf.Timestamp)"},
        {"math.greatest(1, 2, 3)", "int"},
        {"math.greatest(1, 2.0)", "dyn"},
        {"ip('10.0.0.1')", "net.IP"},
        {"'a'.split(',')", "list(string)"},
        {"dyn(1)", "dyn"},
    };
    cel_env *env = environment();
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cel_program *p;
        err e = ERR_INIT;
        buf type;
        if (cel_compile(env, str_from(rows[i][0]), NULL, &p, &e) != OK)
            fail_msg("%s: %s", rows[i][0], e.msg);
        buf_init(&type, 200);
        cel_type_text(cel_program_type(p), &type);
        if (strcmp(buf_cstr(&type), rows[i][1]) != 0)
            fail_msg("%s is %s, wanted %s", rows[i][0], buf_cstr(&type), rows[i][1]);
        buf_deinit(&type);
        cel_program_free(p);
    }
    cel_env_free(env);
}

static void test_errors_name_place_reason_and_fix(void **state)
{
    static const struct {
        const char *expr;
        code code;
        uint32_t line, col;
        const char *msg, *hint;
    } rows[] = {
        {"1 + 'a'", CEL_TYPED, 1, 3, "'+' can't be applied to int, string", "convert with int()"},
        {"true &&\n  n", CEL_TYPED, 2, 3, "&& joins bools, and this is int", ""},
        {"'\xc3\xa9' == n", CEL_TYPED, 1, 5, "'==' can't be applied to string, int", ""},
        {"requst.path", CEL_NAME, 1, 1, "no variable 'requst'", "did you mean 'request'?"},
        {"qqqqqq", CEL_NAME, 1, 1, "no variable 'qqqqqq'",
         "the variables here are request, labels, n"},
        {"names.starts('a')", CEL_NAME, 1, 7, "no function 'starts'", "did you mean 'startsWith'?"},
        {"startsWith('a', 'b')", CEL_TYPED, 1, 1, "'startsWith' can't be applied to", ""},
        {"'a'.startsWith(1)", CEL_TYPED, 1, 5, "string and (int)", ""},
        {"n ? 1 : 2", CEL_TYPED, 1, 3, "'?:' can't be applied to int, int, int", ""},
        {"names['a']", CEL_TYPED, 1, 6, "'[]' can't be applied to list(string), string", ""},
        {"1 in n", CEL_TYPED, 1, 3, "'in' can't be applied to int, int", ""},
        {"-'a'", CEL_TYPED, 1, 1, "'-' can't be applied to string", ""},
        {"n.x", CEL_TYPED, 1, 3, "only a map has fields, and this is int", ""},
        {"n.all(x, true)", CEL_TYPED, 1, 1, "goes over a list or a map", ""},
        {"names.all(x, 1)", CEL_TYPED, 1, 14, "a predicate is a bool, and this is int", ""},
        {"n.optMap(x, x)", CEL_TYPED, 1, 1, "for an optional", ""},
        {"[?n]", CEL_TYPED, 1, 3, "an optional should stand", ""},
        {"{[1]: 2}", CEL_TYPED, 1, 2, "a map's key is", ""},
        {"Point{x: 1}", CEL_NAME, 1, 1, "no message type 'Point'", "use a map"},
        {"google.protobuf.Int32Value{value: 'a'}", CEL_TYPED, 1, 35, "another type", ""},
        {"n == null", CEL_TYPED, 1, 3, "'==' can't be applied to int, null_type", ""},
        {"[1, 2", CEL_SYNTAX, 1, 6, "the expression ends where ']' should follow", ""},
        {"1 +", CEL_SYNTAX, 1, 4, "ends where a value should follow", ""},
        {"1 2", CEL_SYNTAX, 1, 3, "'2' stands where an operator or the end should", ""},
        {"size(1,)", CEL_SYNTAX, 1, 8, "an argument", ""},
        {"if == 1", CEL_SYNTAX, 1, 1, "a name", "reserved word"},
        {"'a\nb'", CEL_SYNTAX, 1, 1, "isn't closed", ""},
        {"'a\\q'", CEL_SYNTAX, 1, 3, "no such escape", ""},
        {"b'\\u0041'", CEL_SYNTAX, 1, 3, "no such escape", ""},
        {"'\\ud800'", CEL_SYNTAX, 1, 2, "no such escape", ""},
        {"9223372036854775808", CEL_SYNTAX, 1, 1, "out of an int's range", ""},
        {"- 9223372036854775809", CEL_SYNTAX, 1, 3, "out of an int's range", ""},
        {"18446744073709551616u", CEL_SYNTAX, 1, 1, "out of range", ""},
        {"1e999", CEL_SYNTAX, 1, 1, "a double's range", ""},
        {"12ab", CEL_SYNTAX, 1, 1, "a letter follows", ""},
        {"n & 1", CEL_SYNTAX, 1, 3, "can't stand here", ""},
        {"`n`", CEL_SYNTAX, 1, 1, "a value", ""},
        {"\xff", CEL_SYNTAX, 1, 1, "isn't UTF-8", ""},
        {"at.getHours('Mars/Base')", CEL_NAME, 1, 13, "there is no time zone 'Mars/Base'",
         "Europe/Berlin"},
        {"'a'.matches('(?=a)')", CEL_SYNTAX, 1, 13, "the pattern can't be used", "look-around"},
    };
    cel_env *env = environment();
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cel_program *p;
        err e = ERR_INIT;
        code c = cel_compile(env, str_from(rows[i].expr), NULL, &p, &e);
        if (c != rows[i].code || e.line != rows[i].line || e.col != rows[i].col ||
            !strstr(e.msg, rows[i].msg) || !strstr(e.hint, rows[i].hint))
            fail_msg("%s: [%s] %u:%u %s (%s)", rows[i].expr, code_id(c), e.line, e.col, e.msg,
                     e.hint);
        assert_null(p);
    }
    cel_env_free(env);
}

static str repeat(arena *a, const char *before, const char *middle, const char *after, size_t n)
{
    buf out;
    buf_init(&out, 1 << 20);
    for (size_t i = 0; i < n; i++)
        buf_addz(&out, before);
    buf_addz(&out, middle);
    for (size_t i = 0; i < n; i++)
        buf_addz(&out, after);
    str s = arena_str(a, buf_str(&out));
    buf_deinit(&out);
    return s;
}

static void test_size_and_depth_have_limits(void **state)
{
    static const struct {
        const char *before, *middle, *after;
        size_t n;
        code code;
    } rows[] = {
        {"(", "1", ")", 150, OK},           {"(", "1", ")", 300, CEL_LIMIT},
        {"!", "true", "", 150, OK},         {"!", "true", "", 300, CEL_LIMIT},
        {"[", "", "]", 300, CEL_LIMIT},     {"true ? 1 : ", "1", "", 300, CEL_LIMIT},
        {"", "1", " + 1", 150, OK},         {"", "1", " + 1", 300, CEL_LIMIT},
        {"", "any", ".a", 300, CEL_LIMIT},  {"", "any", "[0]", 300, CEL_LIMIT},
        {"", "true", " && true", 400, OK}, // a long condition isn't a deep one
        {"", "[1", ",1", 1900, CEL_SYNTAX}, {"", "true", " || true", 600, CEL_LIMIT}, // of bytes
    };
    cel_env *env = environment();
    arena a;
    (void)state;
    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cel_program *p;
        err e = ERR_INIT;
        str s = repeat(&a, rows[i].before, rows[i].middle, rows[i].after, rows[i].n);
        code c = cel_compile(env, s, NULL, &p, &e);
        if (c != rows[i].code)
            fail_msg("row %zu: [%s] %s", i, code_id(c), e.msg);
        cel_program_free(p);
    }
    cel_program *p;
    assert_code(cel_compile(env, STR("[1, 2, 3]"), &(cel_limits){.nodes = 3}, &p, NULL), CEL_LIMIT);
    arena_deinit(&a);
    cel_env_free(env);
}

// Types that double in size with each name must not cost exponential time.
static void test_types_cannot_explode(void **state)
{
    cel_env *env = environment();
    arena a;
    buf source;
    (void)state;
    arena_init(&a);
    buf_init(&source, 1 << 16);
    buf_addz(&source, "cel.bind(a0, {}, ");
    for (int i = 1; i < 60; i++)
        buf_addf(&source, "cel.bind(a%d, {}, a%d in a%d && a%d[a%d] == a%d && ", i, i - 1, i, i,
                 i - 1, i - 1);
    buf_addz(&source, "true");
    for (int i = 0; i < 60; i++)
        buf_addc(&source, ')');
    cel_program *p;
    code c = cel_compile(env, buf_str(&source), NULL, &p, NULL);
    assert_true(c == OK || c == CEL_TYPED);
    cel_program_free(p);
    buf_deinit(&source);
    arena_deinit(&a);
    cel_env_free(env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types_are_deduced),
        cmocka_unit_test(test_errors_name_place_reason_and_fix),
        cmocka_unit_test(test_size_and_depth_have_limits),
        cmocka_unit_test(test_types_cannot_explode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
