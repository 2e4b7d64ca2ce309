// SPDX-License-Identifier: Apache-2.0
// Tests of the table that is check and schema at once: each kind, at its bounds.
#include "base/test.h"
#include "home/shape.h"

static const shape word = {
    .kind = SHAPE_TEXT, .what = "a short word", .pattern = "^[a-z]+$", .min = 2, .max = 4};
static const shape any_text = {.kind = SHAPE_TEXT, .what = "text", .max = 4};
static const shape number = {
    .kind = SHAPE_ID, .what = "a number", .pattern = "^[1-9][0-9]*$", .min = 1, .max = 3};
static const shape count = {.kind = SHAPE_INT, .what = "from 2 to 5", .min = 2, .max = 5};
static const shape time_of = {
    .kind = SHAPE_DURATION, .what = "a duration up to 1m", .min = 1000, .max = 60000};
static const shape words = {.kind = SHAPE_LIST, .item = &word, .max = 2};
static const shape by_word = {
    .kind = SHAPE_MAP, .what = "a short name", .pattern = "^[a-z]+$", .item = &count, .max = 2};
static const shape anything = {.kind = SHAPE_FREE, .what = "an object"};
static const shape either = {.kind = SHAPE_EITHER, .item = &word, .other = &anything};
static const shape_key first_keys[] = {
    {.name = "name", .shape = &word, .required = true, .help = "What it is called"},
    {.name = "count", .shape = &count},
    {0},
};
static const shape_key more_keys[] = {
    {.name = "words", .shape = &words, .required = true},
    {0},
};
static const shape object = {.kind = SHAPE_OBJECT, .keys = first_keys, .more = more_keys};

static void each_kind_is_checked_at_its_bounds(void **state)
{
    (void)state;
    static const struct {
        const shape *shape;
        const char *text;
        code code;
    } rows[] = {
        {&word, "\"ab\"", OK},
        {&word, "\"abcd\"", OK},
        {&word, "\"a\"", DATA_VALUE},
        {&word, "\"abcde\"", DATA_VALUE},
        {&word, "\"ab1\"", DATA_VALUE},
        {&word, "\"ab\\n\"", DATA_VALUE}, // $ is the end, not a line's
        {&word, "\"AB\"", DATA_VALUE},
        {&word, "12", DATA_TYPE},
        {&word, "null", DATA_TYPE},
        {&any_text, "\"\"", OK},
        {&any_text, "\"\\t%\\\\\"", OK},
        {&number, "12", OK},
        {&number, "\"12\"", OK},
        {&number, "0", DATA_VALUE},
        {&number, "1.5", DATA_VALUE},
        {&number, "1234", DATA_VALUE},
        {&number, "true", DATA_TYPE},
        {&count, "2", OK},
        {&count, "5", OK},
        {&count, "1", DATA_VALUE},
        {&count, "6", DATA_VALUE},
        {&count, "-3", DATA_VALUE},
        {&count, "\"3\"", DATA_TYPE},
        {&time_of, "1", OK},
        {&time_of, "\"1m\"", OK},
        {&time_of, "\"999ms\"", DATA_VALUE},
        {&time_of, "61", DATA_VALUE},
        {&time_of, "\"soon\"", DATA_VALUE},
        {&time_of, "[]", DATA_TYPE},
        {&words, "[]", OK},
        {&words, "[\"ab\",\"cd\"]", OK},
        {&words, "[\"ab\",\"cd\",\"ef\"]", DATA_LIMIT},
        {&words, "[\"ab\",1]", DATA_TYPE},
        {&words, "{}", DATA_TYPE},
        {&by_word, "{\"a\":2,\"b\":3}", OK},
        {&by_word, "{\"a\":2,\"b\":3,\"c\":4}", DATA_LIMIT},
        {&by_word, "{\"A\":2}", DATA_VALUE},
        {&by_word, "{\"\":2}", DATA_VALUE},
        {&by_word, "{\"a\":9}", DATA_VALUE},
        {&by_word, "[]", DATA_TYPE},
        {&anything, "{\"x\":[1]}", OK},
        {&anything, "[]", DATA_TYPE},
        {&either, "\"ab\"", OK},
        {&either, "{}", OK},
        {&either, "\"AB\"", DATA_VALUE},
        {&either, "7", DATA_TYPE},
        {&object, "{\"name\":\"ab\",\"words\":[]}", OK},
        {&object, "{\"name\":\"ab\",\"words\":[],\"count\":null}", OK},
        {&object, "{\"name\":\"ab\"}", DATA_MISSING},
        {&object, "{\"name\":null,\"words\":[]}", DATA_MISSING},
        {&object, "{\"name\":\"ab\",\"words\":[],\"wordz\":1}", DATA_UNKNOWN},
        {&object, "{\"name\":\"ab\",\"words\":[],\"count\":9}", DATA_VALUE},
        {&object, "\"ab\"", DATA_TYPE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        json *v;
        err e = ERR_INIT;
        arena_init(&a);
        assert_row(i, json_parse(&a, str_from(rows[i].text), NULL, &v, NULL) == OK);
        code c = shape_check(v, rows[i].shape, &e);
        if (c != rows[i].code || (c != OK && (!e.msg[0] || !e.line)))
            fail_msg("%s: %s %s", rows[i].text, code_id(c), e.msg);
        arena_deinit(&a);
    }
}

static void a_text_with_a_nul_fits_nothing(void **state)
{
    (void)state;
    arena a;
    arena_init(&a);
    json *v = json_new_str(&a, (str){"ab\0/", 4});
    assert_int_equal(shape_check(v, &word, NULL), DATA_VALUE);
    assert_int_equal(shape_check(v, &any_text, NULL), DATA_VALUE);
    arena_deinit(&a);
}

static void a_wrong_name_is_told_with_the_nearest_of_both_tables(void **state)
{
    (void)state;
    static const struct {
        const char *text, *hint;
    } rows[] = {{"{\"nam\":1}", "'name'"}, {"{\"wrods\":1}", "'words'"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        json *v;
        err e = ERR_INIT;
        arena_init(&a);
        assert_int_equal(json_parse(&a, str_from(rows[i].text), NULL, &v, NULL), OK);
        assert_int_equal(shape_check(v, &object, &e), DATA_UNKNOWN);
        assert_row(i, strstr(e.hint, rows[i].hint) != NULL);
        arena_deinit(&a);
    }
}

static void the_schema_says_the_same(void **state)
{
    (void)state;
    static const struct {
        const shape *shape;
        const char *schema;
    } rows[] = {
        {&word, "{\"description\":\"a short word\",\"type\":\"string\",\"pattern\":\"^[a-z]+$\","
                "\"minLength\":2,\"maxLength\":4}"},
        {&number, "{\"description\":\"a number\",\"type\":[\"string\",\"integer\"],"
                  "\"pattern\":\"^[1-9][0-9]*$\",\"minLength\":1,\"maxLength\":3}"},
        {&count,
         "{\"description\":\"from 2 to 5\",\"type\":\"integer\",\"minimum\":2,\"maximum\":5}"},
        {&words, "{\"type\":\"array\",\"maxItems\":2,\"items\":{\"description\":\"a short word\","
                 "\"type\":\"string\",\"pattern\":\"^[a-z]+$\",\"minLength\":2,\"maxLength\":4}}"},
        {&by_word, "{\"description\":\"a short name\",\"type\":\"object\",\"maxProperties\":2,"
                   "\"propertyNames\":{\"pattern\":\"^[a-z]+$\"},\"additionalProperties\":"
                   "{\"description\":\"from 2 to 5\",\"type\":\"integer\",\"minimum\":2,"
                   "\"maximum\":5}}"},
        {&anything, "{\"description\":\"an object\",\"type\":\"object\"}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf out;
        buf_init(&out, 4096);
        jout w = jout_new(&out, JSON_COMPACT);
        jout_object(&w, NULL);
        shape_schema(rows[i].shape, NULL, &w);
        jout_end(&w);
        assert_strz(buf_str(&out), rows[i].schema);
        buf_deinit(&out);
    }
    buf out;
    buf_init(&out, 4096);
    jout w = jout_new(&out, JSON_COMPACT);
    jout_object(&w, NULL);
    shape_schema(&object, "A thing", &w);
    jout_end(&w);
    const char *text = buf_cstr(&out);
    assert_non_null(strstr(text, "\"description\":\"A thing\""));
    assert_non_null(strstr(text, "\"additionalProperties\":false"));
    assert_non_null(strstr(text, "\"description\":\"What it is called (a short word)\""));
    assert_non_null(strstr(text, "\"required\":[\"name\",\"words\"]"));
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_is_checked_at_its_bounds),
        cmocka_unit_test(a_text_with_a_nul_fits_nothing),
        cmocka_unit_test(a_wrong_name_is_told_with_the_nearest_of_both_tables),
        cmocka_unit_test(the_schema_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
