// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"

static void compares_bytes_and_letters(void **state)
{
    (void)state;
    assert_true(str_eq(STR("abc"), STR("abc")));
    assert_false(str_eq(STR("abc"), STR("abd")));
    assert_true(str_eq(STR_NONE, STR("")));
    assert_true(str_ieq(STR("HoSt"), STR("hOsT")));
    assert_false(str_ieq(STR("\xC3\x84"), STR("\xC3\xA4"))); // ASCII rules only
    assert_true(str_cmp(STR("ab"), STR("abc")) < 0);
    assert_true(str_cmp(STR("b"), STR("abc")) > 0);
    assert_int_equal(str_cmp(STR("x"), STR("x")), 0);
    assert_true(str_eq_secret(STR("k1"), STR("k1")));
    assert_false(str_eq_secret(STR("k1"), STR("k2")));
    assert_false(str_eq_secret(STR("k1"), STR("k1 ")));
}

static void finds_prefixes_suffixes_and_parts(void **state)
{
    (void)state;
    assert_true(str_starts(STR("Bearer x"), STR("Bearer ")));
    assert_false(str_starts(STR("Be"), STR("Bearer")));
    assert_true(str_istarts(STR("bEARER x"), STR("Bearer ")));
    assert_true(str_ends(STR("a.run.app"), STR(".run.app")));
    assert_false(str_ends(STR("app"), STR(".run.app")));
    assert_true(str_iends(STR("A.RUN.APP"), STR(".run.app")));
    assert_int_equal(str_find(STR("abcabc"), STR("ca")), 2);
    assert_int_equal(str_find(STR("abc"), STR("x")), -1);
    assert_int_equal(str_find(STR_NONE, STR("x")), -1);
    assert_int_equal(str_ifind(STR("xxABC"), STR("abc")), 2);
    assert_int_equal(str_ifind(STR("aabAbc"), STR("ABC")), 3);
    assert_int_equal(str_ifind(STR("ab"), STR("abc")), -1);
    assert_int_equal(str_ifind(STR("ab"), STR("")), 0);
    assert_int_equal(str_chr(STR("a.b.c"), '.'), 1);
    assert_int_equal(str_rchr(STR("a.b.c"), '.'), 3);
    assert_str(str_trim(STR(" \t a b\r\n")), STR("a b"));
    assert_str(str_trim(STR("  ")), STR(""));
    assert_str(str_sub(STR("abc"), 1, 99), STR("bc"));
    assert_str(str_sub(STR("abc"), 5, 2), STR(""));
}

static void splits_with_empty_parts_kept(void **state)
{
    (void)state;
    str rest = STR("a,,b,"), part;
    const char *wanted[] = {"a", "", "b", ""};
    size_t n = 0;
    for (; str_next(&rest, ',', &part); n++) {
        assert_true(n < ARRAY_LEN(wanted));
        assert_strz(part, wanted[n]);
    }
    assert_int_equal(n, ARRAY_LEN(wanted));

    str head, tail;
    assert_true(str_cut(STR("k=v=w"), '=', &head, &tail));
    assert_str(head, STR("k"));
    assert_str(tail, STR("v=w"));
    assert_false(str_cut(STR("k"), '=', &head, &tail));
    assert_str(head, STR("k"));
    assert_str(tail, STR(""));
    str both = STR("x:y"); // outputs may alias the input
    assert_true(str_cut(both, ':', &head, &both));
    assert_str(both, STR("y"));
}

static void reads_whole_numbers_in_range_only(void **state)
{
    (void)state;
    uint64_t u = 7;
    int64_t i = 7;
    assert_true(str_to_u64(STR("18446744073709551615"), &u));
    assert_true(u == UINT64_MAX);
    const char *bad[] = {"", "18446744073709551616", "-1", "+1", " 1", "1 ", "1x", "0x10"};
    for (size_t n = 0; n < ARRAY_LEN(bad); n++)
        assert_row(n, !str_to_u64(str_from(bad[n]), &u));
    assert_true(str_to_i64(STR("-9223372036854775808"), &i));
    assert_true(i == INT64_MIN);
    assert_true(str_to_i64(STR("9223372036854775807"), &i));
    assert_true(i == INT64_MAX);
    assert_false(str_to_i64(STR("9223372036854775808"), &i));
    assert_false(str_to_i64(STR("-9223372036854775809"), &i));
    assert_false(str_to_i64(STR("-"), &i));
}

static void writes_whole_numbers(void **state)
{
    (void)state;
    static const struct {
        uint64_t n;
        const char *decimal, *hex;
    } rows[] = {
        {0, "0", "0"},
        {9, "9", "9"},
        {10, "10", "a"},
        {0x1f4a0, "128160", "1f4a0"},
        {UINT64_MAX, "18446744073709551615", "ffffffffffffffff"},
    };
    char text[STR_U64_MAX];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_strz(str_u64(rows[i].n, text), rows[i].decimal);
        assert_strz(str_hex(rows[i].n, text), rows[i].hex);
    }
}

static void globs_without_blowing_up(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool match;
    } rows[] = {
        {"*", "", true},          {"a*", "abc", true},      {"*c", "abc", true},
        {"a*c", "abc", true},     {"a*c", "abd", false},    {"", "", true},
        {"", "a", false},         {"**a**", "xxaxx", true}, {"a?c", "abc", false},
        {"*ab*ab", "abab", true}, {"*ab*ab", "ab", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_row(i, str_glob(str_from(rows[i].pattern), str_from(rows[i].text)) == rows[i].match);
    char many[4096];
    memset(many, 'a', sizeof(many)); // exponential in a naive matcher
    assert_false(str_glob(STR("*a*a*a*a*a*a*a*a*a*b"), (str){many, sizeof(many)}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_bytes_and_letters),
        cmocka_unit_test(finds_prefixes_suffixes_and_parts),
        cmocka_unit_test(splits_with_empty_parts_kept),
        cmocka_unit_test(reads_whole_numbers_in_range_only),
        cmocka_unit_test(writes_whole_numbers),
        cmocka_unit_test(globs_without_blowing_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
