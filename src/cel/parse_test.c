// SPDX-License-Identifier: Apache-2.0
// How source is read: literals, precedence, names, and where macros begin and end. Types as text.
#include "cel/cel_test.h"
#include "cel/type.h"

static void test_literals(void **state)
{
    static const cel_row rows[] = {
        {"0x1F + 0XfF", "286", NULL},
        {"-0x10", "-16", NULL},
        {"0xFFFFFFFFFFFFFFFFu", "18446744073709551615u", NULL},
        {"7U", "7u", NULL},
        {".5 + 1. + 2", NULL, "a field's name"},
        {".5 + 1.5e1 + 2E-1", "15.7", NULL},
        {"1e3", "1000.0", NULL},
        {"0x", NULL, "a letter follows"},
        {"0x1FFFFFFFFFFFFFFFF", NULL, "1 to 16 digits"},
        {"'\\x41\\u0042\\U00000043\\104'", "\"ABCD\"", NULL},
        {"'\\a\\b\\f\\n\\r\\t\\v\\\\\\'\\\"\\?\\`'.size()", "12", NULL},
        {"'\\400'", NULL, "no such escape"},
        {"'\\U00110000'", NULL, "no such escape"},
        {"'\\x4'", NULL, "no such escape"},
        {"r'\\n'.size() + R\"\\\"", NULL, "can't be applied"},
        {"r'\\n'.size()", "2", NULL},
        {"'''a'b\"c\nd'''.size()", "7", NULL},
        {"\"\"\"\"a\"\"\"", "'\"a'", NULL},
        {"b'\\x00\\377a\\u00e9'", NULL, "no such escape"},
        {"b'\\x00\\377' + bR'\\x' + Rb\"a\"", "b'\\x00\\xff\\\\xa'", NULL},
        {"b'\xc3\xa9'.size()", "2", NULL},
        {"[1, 2,].size() + {'a': 1,}.size()", "3", NULL},
        {"'a' 'b'", NULL, "an operator or the end"},
        {"'abc", NULL, "isn't closed"},
        {"'''abc''", NULL, "isn't closed"},
        {"{'a': 1}.`a", NULL, "isn't closed"},
        {"{'a': 1}.``", NULL, "isn't closed or is empty"},
        {"{'a': 1}.`a$`", NULL, "letters, digits"},
    };
    (void)state;
    test_rows(rows, ARRAY_LEN(rows));
}

static void test_precedence(void **state)
{
    static const cel_row rows[] = {
        {"1 + 2 * 3", "1 + (2 * 3)", NULL},
        {"10 - 3 - 2", "(10 - 3) - 2", NULL},
        {"100 / 10 / 5", "(100 / 10) / 5", NULL},
        {"7 % 4 * 2", "(7 % 4) * 2", NULL},
        {"1 + 1 == 2 && 2 < 3", "((1 + 1) == 2) && (2 < 3)", NULL},
        {"true || false && false", "true || (false && false)", NULL},
        {"false ? 1 : true ? 2 : 3", "false ? 1 : (true ? 2 : 3)", NULL},
        {"true ? false ? 1 : 2 : 3", NULL, "':'"},
        {"true ? (false ? 1 : 2) : 3", "2", NULL},
        {"!true || true", "(!true) || true", NULL},
        {"!!true", "true", NULL},
        {"- 1 - -1", "0", NULL},
        {"-[1][0]", "-([1][0])", NULL},
        {"-(1)", "-1", NULL},
        {"1 < 2 == true", "(1 < 2) == true", NULL},
        {"1 in [1] == true", "(1 in [1]) == true", NULL},
        {"1 + 2 in [3]", "(1 + 2) in [3]", NULL},
        {"-'a'.size()", "-1", NULL},
        {"[[1, 2], [3]][0][1]", "2", NULL},
        {"// first\n1 // second\n + 1", "2", NULL},
        {"\t1\f+\r\n1", "2", NULL},
    };
    (void)state;
    test_rows(rows, ARRAY_LEN(rows));
}

static void test_names(void **state)
{
    static const cel_row rows[] = {
        {"{'if': 1}.if + {'package': 2}.package", "3", NULL},
        {"{'in': 1}.in", NULL, "a field's name"},
        {"{'true': 1}.true", NULL, "a field's name"},
        {"null.x", NULL, "only a map has fields"},
        {"[1].map(_x1, _x1 + 1)[0]", "2", NULL},
        {"[1].map(for, for)", NULL, "'for' stands where a name should"},
        {".x", NULL, "no variable '.x'"},
        {".size([1])", "1", NULL},
        {".math.abs(-1)", "1", NULL},
        {"math.abs", NULL, "no variable 'math'"},
        {"[{'abs': 1}].exists(math, math.abs == 1)", "true", NULL},
        {"google.protobuf.Timestamp == type(timestamp(0))", "true", NULL},
        {"net.IP == type(ip('::1')) && optional_type == type(optional.none())", "true", NULL},
    };
    (void)state;
    test_rows(rows, ARRAY_LEN(rows));
}

static void test_where_macros_begin_and_end(void **state)
{
    static const cel_row rows[] = {
        {"[1].map(x)", NULL, "no function 'map'"},
        {"[1].all(x, true, true, true)", NULL, "no function 'all'"},
        {"has()", NULL, "no function 'has'"},
        {"has({}.?a)", NULL, "has() asks for a field"},
        {"has(has({}.a))", NULL, "has() asks for a field"},
        {"has({}[0])", NULL, "has() asks for a field"},
        {"[1].map(.x, 1)", NULL, "needs the name of a variable"},
        {"[1].map(x.y, 1)", NULL, "needs the name of a variable"},
        {"cel.bind('x', 1, 2)", NULL, "needs the name of a variable"},
        {"cel.bind(x, 1)", NULL, "no function 'bind'"},
        {"cel.block(1, 2)", NULL, "needs a list of expressions"},
        {"cel.index(-1)", NULL, "isn't negative"},
        {"cel.index('a')", NULL, "isn't negative"},
        {"cel.block([], 3)", "3", NULL},
        {"cel.block([1, [cel.index(0)].map(cel.iterVar(0, 0), cel.iterVar(0, 0) + 1)], "
         "cel.index(1)[0])",
         "2", NULL},
        {"math.greatest()", NULL, "can't be applied to nothing"},
        {"math.greatest('a', 'b', 'c')", NULL, "can't be applied to list(string)"},
        {"[1, 2].exists(x, x == 2) ? 'y' : 'n'", "'y'", NULL},
    };
    (void)state;
    test_rows(rows, ARRAY_LEN(rows));
}

static void test_broken_source(void **state)
{
    static const char *const rows[] = {
        "",
        " ",
        "// only a comment",
        "(",
        ")",
        "1 +",
        "+ 1",
        "[",
        "[1",
        "[1 2]",
        "[,]",
        "{",
        "{1}",
        "{1:",
        "{1: }",
        "{1: 2",
        "{?}",
        "a.",
        "a.1",
        "a[",
        "a[]",
        "f(",
        "f(1",
        "f(,)",
        "f(1,,2)",
        "a ? b",
        "a ? b :",
        "a ? : b",
        "a =",
        "a = b",
        "a === b",
        "a & b",
        "a | b",
        "a && ",
        "|| a",
        "!",
        "-",
        "~1",
        "a @ b",
        "#",
        "$x",
        "A{",
        "A{x}",
        "A{x:}",
        "A{1: 2}",
        "A{x: 1",
        "A{x: 1 y: 2}",
        "1..a",
        "1.2.3",
        "a.?",
        "a[?",
        "[?]",
        "..a",
        "a..b",
        "'\\",
        "b'\\u0041'",
        "\xc3",
        "\xed\xa0\x80",
        "'\xff'",
    };
    cel_env *env = cel_env_new();
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cel_program *p;
        err e = ERR_INIT;
        code c = cel_compile(env, str_from(rows[i]), &(cel_limits){.unchecked = true}, &p, &e);
        if (c != CEL_SYNTAX || !e.line || !e.col || p)
            fail_msg("'%s': [%s] %s", rows[i], code_id(c), e.msg);
    }
    cel_env_free(env);
}

static void test_types_have_a_text(void **state)
{
    static const char *const rows[][2] = {
        {"int", "int"},
        {" map( string ,list(dyn) ) ", "map(string, list(dyn))"},
        {"list", "list(dyn)"},
        {"map", "map(dyn, dyn)"},
        {"timestamp", "google.protobuf.Timestamp"},
        {"duration", "google.protobuf.Duration"},
        {"optional_type(list(A))", "optional_type(list(A))"},
        {"type(type)", "type(type(dyn))"},
        {"my.pair(int, string)", "my.pair(int, string)"},
        {"null_type", "null_type"},
        {"", NULL},
        {"list(", NULL},
        {"list()", NULL},
        {"list(int, int)", NULL},
        {"map(int)", NULL},
        {"int(int)", NULL},
        {"list(int) x", NULL},
        {"t(a, b, c, d)", NULL},
        {"list(list(list(list(list(list(list(list(list(list(list(list(list(list(list(list(list("
         "list(int))))))))))))))))))",
         NULL},
    };
    arena a;
    (void)state;
    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const cel_type *t = cel_type_parse(&a, str_from(rows[i][0]));
        assert_row(i, (t == NULL) == (rows[i][1] == NULL));
        if (!t)
            continue;
        buf text;
        buf_init(&text, 200);
        cel_type_text(t, &text);
        assert_strz(buf_str(&text), rows[i][1]);
        const cel_type *again = cel_type_parse(&a, buf_str(&text));
        assert_row(i, again && cel_type_equal(t, again));
        buf_deinit(&text);
    }
    assert_false(cel_type_equal(cel_type_parse(&a, STR("list(int)")),
                                cel_type_parse(&a, STR("list(uint)"))));
    arena_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_literals),      cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_names),         cmocka_unit_test(test_where_macros_begin_and_end),
        cmocka_unit_test(test_broken_source), cmocka_unit_test(test_types_have_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
