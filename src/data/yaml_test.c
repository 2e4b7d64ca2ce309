// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"
#include "data/data.h"

static void what_yaml_says_is_what_json_says(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"", "null"},
        {"# nothing\n", "null"},
        {"---\n...\n", "null"},
        {"a: 1\nb: [x, 'y', \"z\\n\"]\nc:\n  - d: null\n    e: ~\n    f:\n",
         "{\"a\":1,\"b\":[\"x\",\"y\",\"z\\n\"],\"c\":[{\"d\":null,\"e\":null,\"f\":null}]}"},
        {"[true, True, TRUE, false, False, FALSE]", "[true,true,true,false,false,false]"},
        // Norway, versions, octals, dates, times and other traps stay text
        {"[no, yes, on, off, y, n, NO]", "[\"no\",\"yes\",\"on\",\"off\",\"y\",\"n\",\"NO\"]"},
        {"[1.2.3, 0x1F, 0o17, 017, 1_000, .5, 5., +5, .inf, 12:30:45, 2026-11-24, 1e, 0123456789]",
         "[\"1.2.3\",\"0x1F\",\"0o17\",\"017\",\"1_000\",\".5\",\"5.\",\"+5\",\".inf\",\"12:30:"
         "45\","
         "\"2026-11-24\",\"1e\",\"0123456789\"]"},
        {"[0, -1, 3.25, 1e9, 1E-2, 99999999999999999999999]",
         "[0,-1,3.25,1e9,1E-2,99999999999999999999999]"},
        {"['1', \"true\", 'null', !!str 5, ! 6]", "[\"1\",\"true\",\"null\",\"5\",\"6\"]"},
        {"a: |\n  one\n  two\nb: >-\n  one\n  two\n", "{\"a\":\"one\\ntwo\\n\",\"b\":\"one two\"}"},
        {"1: a\ntrue: b\n", "{\"1\":\"a\",\"true\":\"b\"}"},
        {"{\"json\": [1, {\"is\": \"yaml\"}]}", "{\"json\":[1,{\"is\":\"yaml\"}]}"},
        {"a: &x {k: [1]}\nb: *x\nc: [*x, *x]\n",
         "{\"a\":{\"k\":[1]},\"b\":{\"k\":[1]},\"c\":[{\"k\":[1]},{\"k\":[1]}]}"},
        {"\xEF\xBB\xBF"
         "a: é\n",
         "{\"a\":\"é\"}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        arena_init(&a);
        json *root = NULL;
        err e = ERR_INIT;
        code c = yaml_parse(&a, str_from(rows[i].in), NULL, &root, &e);
        if (c != OK)
            fail_msg("row %zu: %s", i, e.msg);
        char *out = json_text(root, JSON_COMPACT);
        assert_string_equal(out, rows[i].out);
        free(out);
        arena_deinit(&a);
    }
}

static void bad_yaml_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        code code;
        uint32_t line, col;
        const char *says;
    } rows[] = {
        {"a: 1\na: 2\n", DATA_DUPLICATE, 2, 1, "'a' appears twice"},
        {"a:\n\t- b\n", DATA_SYNTAX, 2, 1, "cannot start any token"},
        {"a: b: c\n", DATA_SYNTAX, 1, 5, "mapping values are not allowed"},
        {"a: [1, 2\n", DATA_SYNTAX, 2, 1, "did not find expected"},
        {"a: 'x\n", DATA_SYNTAX, 2, 1, "unexpected end of stream"},
        {"a: *b\n", DATA_SYNTAX, 1, 4, "no anchor '&b'"},
        {"a: &b [*b]\n", DATA_SYNTAX, 1, 8, "no anchor '&b'"},
        {"a: !!binary aGk=\n", DATA_SYNTAX, 1, 4, "tag"},
        {"a: !exec {x: 1}\n", DATA_SYNTAX, 1, 4, "the tag '!exec'"},
        {"a: !!set {x: 1}\n", DATA_SYNTAX, 1, 4, "tag"},
        {"? [a]\n: b\n", DATA_SYNTAX, 1, 3, "a key must be plain text"},
        {"a: &x {k: 1}\nb:\n  <<: *x\n", DATA_SYNTAX, 3, 3, "merge keys"},
        {"a: 1\n---\nb: 2\n", DATA_SYNTAX, 3, 1, "second document"},
        {"a: \"\\0\"\n", DATA_SYNTAX, 1, 4, "\\0"},
        {"[[[[[1]]]]]", DATA_LIMIT, 1, 5, "deeper than 4"},
        {"[1,2,3,4,5,6,7,8,9,10,11,12]", DATA_LIMIT, 1, 20, "more than 10 values"},
        {"a: \xff\n", DATA_SYNTAX, 1, 4, "invalid leading UTF-8"},
    };
    const json_opts opts = {.file = "g.yaml", .depth_max = 4, .values_max = 10};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        arena_init(&a);
        json *root = NULL;
        err e = ERR_INIT;
        assert_code(yaml_parse(&a, str_from(rows[i].in), &opts, &root, &e), rows[i].code);
        if (!strstr(e.msg, rows[i].says) || e.line != rows[i].line || e.col != rows[i].col)
            fail_msg("row %zu: %u:%u: %s", i, e.line, e.col, e.msg);
        assert_string_equal(e.file, "g.yaml");
        arena_deinit(&a);
    }
}

// Threat 50: nine levels of nine aliases each would be 387 million values.
static void T50_aliases_do_not_explode(void **state)
{
    (void)state;
    buf b;
    buf_init(&b, 65536);
    buf_addz(&b, "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for (int i = 1; i < 9; i++) {
        buf_addf(&b, "a%d: &a%d [", i, i);
        for (int j = 0; j < 9; j++)
            buf_addf(&b, "%s*a%d", j ? "," : "", i - 1);
        buf_addz(&b, "]\n");
    }
    arena a;
    arena_init(&a);
    json *root = NULL;
    err e = ERR_INIT;
    assert_code(yaml_parse(&a, buf_str(&b), NULL, &root, &e), DATA_LIMIT);
    assert_non_null(strstr(e.msg, "aliases expanded"));
    assert_true(a.used_bytes < 64 << 20);
    arena_reset(&a);

    buf_reset(&b); // each alias nests the one before: deep, not wide
    buf_addz(&b, "a0: &a0 [x]\n");
    for (int i = 1; i < 100; i++)
        buf_addf(&b, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    assert_code(yaml_parse(&a, buf_str(&b), NULL, &root, &e), DATA_LIMIT);
    arena_deinit(&a);
    buf_deinit(&b);
}

static void a_value_knows_its_place_also_behind_an_alias(void **state)
{
    (void)state;
    arena a;
    arena_init(&a);
    json *root = NULL;
    err e = ERR_INIT;
    const json_opts opts = {.file = "g.yaml"};
    assert_code(
        yaml_parse(&a, STR("base: &b\n  port: eighty\nuse: *b\né: {x: 1}\n"), &opts, &root, &e),
        OK);
    int64_t port;
    assert_code(json_get_i64(json_get(root, "use"), "port", &port, &e), DATA_TYPE);
    assert_string_equal(e.msg, "use.port: must be a number, not a string");
    assert_int_equal(e.line, 2);
    assert_int_equal(e.col, 9);
    assert_int_equal(json_get(json_get(root, "é"), "x")->col, 8);
    arena_deinit(&a);
}

static void documents_are_read_one_by_one(void **state)
{
    (void)state;
    arena a;
    arena_init(&a);
    json *docs = NULL;
    err e = ERR_INIT;
    assert_code(yaml_parse_all(&a, STR("a: &x 1\n---\n---\nb: 2\n...\n"), NULL, &docs, &e), OK);
    assert_int_equal(docs->len, 2);
    char *text = json_text(docs, JSON_COMPACT);
    assert_string_equal(text, "[{\"a\":1},{\"b\":2}]");
    free(text);
    json *none = NULL;
    assert_code(yaml_parse_all(&a, STR("a: &x 1\n---\nb: *x\n"), NULL, &none, &e), DATA_SYNTAX);
    assert_null(none); // an anchor ends with its document
    assert_code(json_get_bool(json_at(docs, 0), "z", &(bool){0}, &e), DATA_MISSING);
    assert_string_equal(e.msg, "z: is missing: it must be true or false");
    arena_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_yaml_says_is_what_json_says),
        cmocka_unit_test(bad_yaml_is_refused_with_its_place),
        cmocka_unit_test(T50_aliases_do_not_explode),
        cmocka_unit_test(a_value_knows_its_place_also_behind_an_alias),
        cmocka_unit_test(documents_are_read_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
