// SPDX-License-Identifier: Apache-2.0
// Data files: the rows are those that newman 6.2.2 makes of the same text.
#include "base/test.h"
#include "data/data.h"

static char *rows_of(str text, err *e)
{
    arena a;
    json *rows;
    char *out = NULL;
    arena_init(&a);
    if (csv_parse(&a, text, &(json_opts){.file = "d.csv"}, false, &rows, e) == OK)
        out = json_text(rows, JSON_COMPACT);
    arena_deinit(&a);
    return out;
}

static void rows_are_newmans(void **state)
{
    static const struct {
        const char *text, *rows;
    } rows[] = {
        {"", "[]"},
        {"a", "[]"},
        {"a,b\n1,2", "[{\"a\":1,\"b\":2}]"},
        {"a,b\n1,2\n", "[{\"a\":1,\"b\":2}]"},
        {"a,b\r\n1,2\r\n", "[{\"a\":1,\"b\":2}]"},
        {"a,b\r1,2\r", "[{\"a\":1,\"b\":2}]"},
        // a short row lacks the last names, what is too much is dropped
        {"a,b\n1\n3,4,5\n", "[{\"a\":1},{\"a\":3,\"b\":4}]"},
        {"a,b\n1,2\n\n3,4\n", "[{\"a\":1,\"b\":2},{\"a\":\"\"},{\"a\":3,\"b\":4}]"},
        {"a\n1\n\n", "[{\"a\":1},{\"a\":\"\"}]"},
        {"a\n1\n \t", "[{\"a\":1}]"},
        {"a\n \n1", "[{\"a\":\"\"},{\"a\":1}]"},
        {" a , b \n 1 , x y \n", "[{\"a\":1,\"b\":\"x y\"}]"},
        {"a,a\n1,2\n", "[{\"a\":2}]"},
        {"a,b,a\n1,2\n3,4,5\n", "[{\"a\":1,\"b\":2},{\"a\":5,\"b\":4}]"},
        {"a,,c\n1,2,3\n", "[{\"a\":1,\"\":2,\"c\":3}]"},
        {"1,2\nx,y\n", "[{\"1\":\"x\",\"2\":\"y\"}]"},
        // quotes
        {"a,b\n\"x,\ny\",\"q\"\"r\"\n", "[{\"a\":\"x,\\ny\",\"b\":\"q\\\"r\"}]"},
        {"a,b\n\" x \" , \"y\"\n", "[{\"a\":\" x \",\"b\":\"y\"}]"},
        {"a,b\nx\"y\"z,w\n", "[{\"a\":\"x\\\"y\\\"z\",\"b\":\"w\"}]"},
        {"a\n\"\"\n", "[{\"a\":\"\"}]"},
        // encodings
        {"\xef\xbb\xbf"
         "a\n\xc3\xa9\n",
         "[{\"a\":\"\xc3\xa9\"}]"},
        {"a\n\xe9\n", "[{\"a\":\"\xc3\xa9\"}]"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *out = rows_of(str_from(rows[i].text), NULL);
        assert_row(i, out != NULL);
        assert_string_equal(out, rows[i].rows);
        free(out);
    }
    char *wide = rows_of(STR("\xff\xfe"
                             "a\0\n\0"
                             "1\0"),
                         NULL);
    assert_string_equal(wide, "[{\"a\":1}]");
    free(wide);
}

static void only_unquoted_decimal_numbers_are_numbers(void **state)
{
    static const struct {
        const char *field, *value;
    } rows[] = {
        {"5", "5"},
        {"+5", "5"},
        {"-7", "-7"},
        {"007", "7"},
        {"0", "0"},
        {"1e3", "1000"},
        {".5", "0.5"},
        {"5.", "5"},
        {"0.1", "0.1"},
        {"9007199254740993", "9007199254740992"},
        {"99999999999999999999", "1e+20"},
        {"\"5\"", "\"5\""},
        {"1e400", "\"1e400\""},
        {"--3", "\"--3\""},
        {"1-2", "\"1-2\""},
        {"1e", "\"1e\""},
        {".", "\".\""},
        {"1 2", "\"1 2\""},
        {"1.2.3", "\"1.2.3\""},
        {"true", "\"true\""},
        {"null", "\"null\""},
        {"NaN", "\"NaN\""},
        {"Infinity", "\"Infinity\""},
        {"0x1F", "\"0x1F\""}, // newman: 0
        {"2026-01-02", "\"2026-01-02\""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[80], wanted[80];
        snprintf(text, sizeof(text), "v\n%s\n", rows[i].field);
        snprintf(wanted, sizeof(wanted), "[{\"v\":%s}]", rows[i].value);
        char *out = rows_of(str_from(text), NULL);
        assert_row(i, out != NULL);
        assert_string_equal(out, wanted);
        free(out);
    }
}

static void errors_name_the_place(void **state)
{
    static const struct {
        const char *text;
        uint32_t line, col;
        const char *says;
    } rows[] = {
        {"a,b\n1,\"open\n\n", 2, 3, "never closed"},
        {"a\n\"", 2, 1, "never closed"},
        {"a,b\n\xc3\xa9,\"x\"y\n", 2, 6, "only a comma"},
        {"a\r\n\"x\r\ny\" z\r\n", 3, 4, "only a comma"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        err e = ERR_INIT;
        assert_row(i, rows_of(str_from(rows[i].text), &e) == NULL);
        assert_row(i, e.code == DATA_SYNTAX && strstr(e.msg, rows[i].says));
        assert_int_equal(e.line, rows[i].line);
        assert_int_equal(e.col, rows[i].col);
        assert_string_equal(e.file, "d.csv");
    }
}

static void T50_size_is_bounded(void **state)
{
    arena a;
    json *rows;
    err e = ERR_INIT;
    (void)state;
    arena_init(&a);
    json_opts few = {.values_max = 5}, small = {.bytes_max = 3};
    assert_code(csv_parse(&a, STR("a,b\n1,2\n3,4\n5,6\n"), &few, false, &rows, &e), DATA_LIMIT);
    assert_code(csv_parse(&a, STR("a\n1\n"), &small, false, &rows, &e), DATA_LIMIT);
    buf wide;
    buf_init(&wide, 1 << 20);
    for (int i = 0; i < 10001; i++)
        buf_addz(&wide, "c,");
    assert_code(csv_parse(&a, buf_str(&wide), NULL, false, &rows, &e), DATA_LIMIT);
    buf_deinit(&wide);
    arena_deinit(&a);
}

static void as_text_nothing_becomes_a_number(void **state)
{
    (void)state;
    arena a;
    json *rows;
    arena_init(&a);
    assert_code(csv_parse(&a, STR("zip,n\n007, 1e3 \n"), NULL, true, &rows, NULL), OK);
    const json *row = json_first(rows);
    assert_str(json_str_or(json_get(row, "zip"), STR_NONE), STR("007"));
    assert_str(json_str_or(json_get(row, "n"), STR_NONE), STR("1e3"));
    arena_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_text_nothing_becomes_a_number),
        cmocka_unit_test(rows_are_newmans),
        cmocka_unit_test(only_unquoted_decimal_numbers_are_numbers),
        cmocka_unit_test(errors_name_the_place),
        cmocka_unit_test(T50_size_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
