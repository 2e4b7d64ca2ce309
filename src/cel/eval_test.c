// SPDX-License-Identifier: Apache-2.0
// The language: operators, errors as values, macros, optionals.
#include "cel/cel_test.h"

static void test_arithmetic_never_wraps(void **state)
{
    static const cel_row rows[] = {
        {"1 + 2 * 3 - 4 / 2 % 3", "5", NULL},
        {"-7 / 2", "-3", NULL},
        {"-7 % 2", "-1", NULL},
        {"7u % 4u", "3u", NULL},
        {"1.0 / 0.0", "double('Infinity')", NULL},
        {"-9223372036854775808", "0 - 9223372036854775807 - 1", NULL},
        {"9223372036854775807 + 1", NULL, "overflow"},
        {"-9223372036854775808 - 1", NULL, "overflow"},
        {"-9223372036854775808 / -1", NULL, "overflow"},
        {"-9223372036854775808 % -1", NULL, "overflow"},
        {"-(-9223372036854775808)", NULL, "overflow"},
        {"9223372036854775807 * 2", NULL, "overflow"},
        {"0u - 1u", NULL, "overflow"},
        {"18446744073709551615u + 1u", NULL, "overflow"},
        {"1 / 0", NULL, "divide by zero"},
        {"1u % 0u", NULL, "modulus by zero"},
        {"'a' + 'b'", "'ab'", NULL},
        {"b'a' + b'\\xff'", "b'a\\377'", NULL},
        {"[1] + [2, 3]", "[1, 2, 3]", NULL},
    };
    (void)state;
    test_rows(rows, ARRAY_LEN(rows));
}

static void test_numbers_compare_by_value_whatever_their_type(void **state)
{
    static const cel_row rows[] = {
        {"dyn(1) == 1u && dyn(1u) == 1.0 && dyn(1.0) == 1", "true", NULL},
        {"1 < 1.5 && 2u > 1.5 && -1 < 0u", "true", NULL},
        {"dyn(0.0 / 0.0) == dyn(0.0 / 0.0)", "false", NULL},
        {"0.0 / 0.0 < 1.0 || 0.0 / 0.0 >= 1.0", "false", NULL},
        {"dyn('1') == 1", "false", NULL},
        {"{1: 'a'}[dyn(1.0)] + {1: 'a'}[dyn(1u)]", "'aa'", NULL},
        {"dyn(1u) in [3, 2, 1]", "true", NULL},
        {"{'a': 1, 'b': [1, {}]} == {'b': [1, {}], 'a': 1}", "true", NULL},
        {"'B' < 'a' && 'a' < 'b' && 'z' < '\\u00e9' && '\\uffff' < '\\U00010000'", "true", NULL},
        {"type(1) == int && type(int) == type && type([]) == list && type(null) == null_type",
         "true", NULL},
    };
    (void)state;
    test_rows(rows, ARRAY_LEN(rows));
}

static void test_logic_absorbs_what_does_not_matter(void **state)
{
    static const cel_row rows[] = {
        {"true || 1 / 0 > 0", "true", NULL},
        {"1 / 0 > 0 || true", "true", NULL},
        {"1 / 0 > 0 && false", "false", NULL},
        {"false || 1 / 0 > 0", NULL, "divide by zero"},
        {"1 / 0 > 0 && true", NULL, "divide by zero"},
        {"dyn('no') || true", "true", NULL},
        {"dyn('no') && true", NULL, "no such overload"},
        {"true ? 1 : 1 / 0", "1", NULL},
        {"1 / 0 > 0 ? 1 : 1", NULL, "divide by zero"},
        {"!(false && 1 / 0 > 0)", "true", NULL},
        {"[1, 0].exists(x, 1 / x == 1)", "true", NULL},
        {"[0, 2].exists(x, 1 / x == 1)", NULL, "divide by zero"},
        {"[0, 2].all(x, 1 / x == 1)", "false", NULL},
        {"[0, 1].all(x, 1 / x == 1)", NULL, "divide by zero"},
        {"[1, 0].exists_one(x, 1 / x == 1)", NULL, "divide by zero"},
    };
    (void)state;
    test_rows(rows, ARRAY_LEN(rows));
}

static void test_macros(void **state)
{
    static const cel_row rows[] = {
        {"[1, 2, 3].map(x, x * 2)", "[2, 4, 6]", NULL},
        {"[1, 2, 3].map(x, x > 1, x * 2)", "[4, 6]", NULL},
        {"[1, 2, 3].filter(x, x != 2)", "[1, 3]", NULL},
        {"{'a': 1, 'b': 2}.map(k, k)", "['a', 'b']", NULL},
        {"{'a': 1, 'b': 2}.filter(k, k == 'b')", "['b']", NULL},
        {"[1, 2, 3].exists_one(x, x > 2) && ![1, 2, 3].exists_one(x, x > 1)", "true", NULL},
        {"[5, 6].all(i, v, v == i + 5)", "true", NULL},
        {"{'a': 1}.exists(k, v, k == 'a' && v == 1)", "true", NULL},
        {"[5, 6].transformList(i, v, i > 0, v * i)", "[6]", NULL},
        {"{'a': 1, 'b': 2}.transformMap(k, v, v > 1, v + 1)", "{'b': 3}", NULL},
        {"['a', 'b'].transformMap(i, v, v + v)", "{0: 'aa', 1: 'bb'}", NULL},
        {"{'a': 'x'}.transformMapEntry(k, v, {v: k})", "{'x': 'a'}", NULL},
        {"['a', 'a'].transformMapEntry(i, v, {v: i})", NULL, "repeated key"},
        {"[[1, 2], [3]].map(x, x.map(x, x + 1))", "[[2, 3], [4]]", NULL},
        {"cel.bind(x, 2, cel.bind(y, x + 1, x * y))", "6", NULL},
        {"cel.bind(unused, 1 / 0, 1)", "1", NULL},
        {"cel.block([1, cel.index(0) + 1], cel.index(0) + cel.index(1))", "3", NULL},
        {"has({'a': 1}.a) && !has({'a': 1}.b)", "true", NULL},
        {"has('a')", NULL, "has() asks for a field"},
        {"[1].all(1, true)", NULL, "needs the name of a variable"},
        {"[1].all(x, x, true)", NULL, "two different names"},
        {"dyn(1).all(x, true)", NULL, "no such overload"},
    };
    (void)state;
    test_rows(rows, ARRAY_LEN(rows));
}

static void test_optionals(void **state)
{
    static const cel_row rows[] = {
        {"{'a': {'b': 1}}.?a.b.orValue(0)", "1", NULL},
        {"{'a': {'b': 1}}.?x.b.orValue(7)", "7", NULL},
        {"[1, 2][?1].value() + [1, 2][?5].orValue(0)", "2", NULL},
        {"[?optional.of(1), ?optional.none(), 3]", "[1, 3]", NULL},
        {"{?'a': optional.of(1), ?'b': optional.none()}", "{'a': 1}", NULL},
        {"optional.of(2).optMap(x, x * 2).value()", "4", NULL},
        {"optional.none().optMap(x, x).hasValue()", "false", NULL},
        {"{'a': 1}.?a.optFlatMap(x, optional.ofNonZeroValue(x - 1)).hasValue()", "false", NULL},
        {"optional.ofNonZeroValue('').or(optional.of('x')).value()", "'x'", NULL},
        {"optional.of(1).orValue(1 / 0)", "1", NULL},
        {"optional.none().orValue(1 / 0)", NULL, "divide by zero"},
        {"optional.none().value()", NULL, "has no value"},
        {"optional.unwrap([optional.of(1), optional.none()])", "[1]", NULL},
        {"[3, 4].first().value() + [3, 4].last().value()", "7", NULL},
        {"[].first().hasValue() || [].last().hasValue()", "false", NULL},
        {"optional.of(1) == optional.of(1) && optional.none() != optional.of(1)", "true", NULL},
    };
    (void)state;
    test_rows(rows, ARRAY_LEN(rows));
}

static void test_maps_and_lists(void **state)
{
    static const cel_row rows[] = {
        {"{'a': 1}['b']", NULL, "no such key: 'b'"},
        {"[1][1]", NULL, "no index 1"},
        {"[1][-1]", NULL, "no index -1"},
        {"[1][dyn(0.5)]", NULL, "whole number"},
        {"{'a': 1, 'a': 2}", NULL, "repeated key"},
        {"{1: 1, dyn(1u): 2}", NULL, "repeated key"},
        {"{dyn(null): 1}", NULL, "unsupported key type"},
        {"{'a-b': 1}.`a-b`", "1", NULL},
        {"size({'a': 1}) + [1, 2].size() + size('\\u00e9') + size(b'\\u00e9')", NULL, "escape"},
        {"size({'a': 1}) + [1, 2].size() + size('\\u00e9') + size(b'\\xc3\\xa9')", "6", NULL},
        {"'b' in {'b': 1} && !('b' in ['a'])", "true", NULL},
    };
    (void)state;
    test_rows(rows, ARRAY_LEN(rows));
}

static void test_what_the_checker_refuses_fails_when_it_runs(void **state)
{
    static const cel_row rows[] = {
        {"1 + 'a'", NULL, "no such overload: '+' isn't defined for int, string"},
        {"missing", NULL, "no variable 'missing'"},
        {"missing || true", "true", NULL},
        {"missing(1)", NULL, "no function 'missing'"},
        {"'a' < 1", NULL, "no such overload"},
        {"1.size()", NULL, "no such overload"},
        {"'a'.b", NULL, "only a map has fields, and this is string"},
        {"[?1]", NULL, "no such overload"},
        {"No{}", NULL, "no message type 'No'"},
        {"if_(1, 2, 3, 4, 5, 6, 7, 8, 9)", NULL, "no function"},
    };
    (void)state;
    test_rows_unchecked(rows, ARRAY_LEN(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arithmetic_never_wraps),
        cmocka_unit_test(test_numbers_compare_by_value_whatever_their_type),
        cmocka_unit_test(test_logic_absorbs_what_does_not_matter),
        cmocka_unit_test(test_macros),
        cmocka_unit_test(test_optionals),
        cmocka_unit_test(test_maps_and_lists),
        cmocka_unit_test(test_what_the_checker_refuses_fails_when_it_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
