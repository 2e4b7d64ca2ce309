// SPDX-License-Identifier: Apache-2.0
// Scopes, types and templates: the texts are those that postman-collection 4.4.0 gives.
#include "base/test.h"
#include "postman/postman.h"

static pm_scope *scope_of(const char *values)
{
    arena a;
    json *list;
    err e = ERR_INIT;
    pm_scope *s = pm_scope_new(STR("id"), STR("name"));
    arena_init(&a);
    assert_code(json_parse(&a, str_from(values), NULL, &list, &e), OK);
    assert_code(
        list->type == JSON_ARRAY ? pm_scope_add(s, list, &e) : pm_scope_add_row(s, list, &e), OK);
    arena_deinit(&a);
    return s;
}

static void assert_resolves(size_t row, const pm_scopes *scopes, const char *text,
                            const char *wanted)
{
    buf out;
    buf_init(&out, 1 << 20);
    pm_resolve(scopes, str_from(text), &out);
    if (!str_eq(buf_str(&out), str_from(wanted)))
        fail_msg("row %zu: %s: got \"" STR_FMT "\", wanted \"%s\"", row, text,
                 STR_ARG(buf_str(&out)), wanted);
    buf_deinit(&out);
}

// ---- types

static void types_decide_value_and_text(void **state)
{
    static const struct {
        const char *type, *value, *text, *kept;
    } rows[] = {
        {"string", "1", "1", "\"1\""},
        {"string", "null", "null", "\"null\""},
        {"string", "[1,2]", "1,2", "\"1,2\""},
        {"string", "{\"a\":1}", "[object Object]", "\"[object Object]\""},
        {"string", "true", "true", "\"true\""},
        {"boolean", "\"false\"", "true", "true"},
        {"boolean", "\"\"", "false", "false"},
        {"boolean", "0", "false", "false"},
        {"boolean", "\"0\"", "true", "true"},
        {"Boolean", "\"x\"", "true", "true"},
        {"number", "\"5\"", "5", "5"},
        {"number", "\"x\"", "NaN", "null"},
        {"number", "\"\"", "0", "0"},
        {"number", "\"0x1F\"", "31", "31"},
        {"number", "\"-0x1F\"", "NaN", "null"},
        {"number", "\"0x1.8\"", "NaN", "null"},
        {"number", "\" 7 \"", "7", "7"},
        {"number", "null", "0", "0"},
        {"number", "true", "1", "1"},
        {"number", "[5]", "5", "5"},
        {"number", "[1,2]", "NaN", "null"},
        {"number", "{}", "NaN", "null"},
        {"number", "1e-7", "1e-7", "1e-7"},
        {"array", "[1,2]", "1,2", "\"[1,2]\""},
        {"array", "\"[1,2]\"", "1,2", "\"[1,2]\""},
        {"array", "\"x\"", "", "\"x\""},
        {"array", "\"{}\"", "", "\"{}\""},
        {"object", "{\"a\":1}", "[object Object]", "\"{\\\"a\\\":1}\""},
        {"object", "\"{\\\"a\\\":1}\"", "[object Object]", "\"{\\\"a\\\":1}\""},
        {"object", "\"[1]\"", "", "\"[1]\""},
        {"any", "1", "1", "1"},
        {"any", "null", "null", "null"},
        {"any", "[1,[2,null]]", "1,2,", "[1,[2,null]]"},
        {"any", "{\"a\":1}", "[object Object]", "{\"a\":1}"},
        {"any", "1e21", "1e+21", "1e21"},
        {"any", "1e20", "100000000000000000000", "1e20"},
        {"any", "0.1", "0.1", "0.1"},
        {"any", "-0", "0", "-0"},
        {"any", "1.50", "1.5", "1.50"},
        {"any", "\"a\\nb\"", "a\nb", "\"a\\nb\""},
        {"secret", "\"s\"", "s", "\"s\""},
        {"default", "5", "5", "5"},
        {"", "\"plain\"", "plain", "\"plain\""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char values[200];
        snprintf(values, sizeof(values), "[{\"key\":\"k\",\"value\":%s,\"type\":\"%s\"}]",
                 rows[i].value, rows[i].type);
        pm_scope *s = scope_of(values);
        pm_scopes scopes = {{s}};
        assert_string_equal(pm_scope_get(s, STR("k"))->value, rows[i].kept);
        assert_resolves(i, &scopes, "{{k}}", rows[i].text);
        pm_scope_free(s);
    }
}

static void note_secret(void *ctx, const pm_variable *v)
{
    buf_addf(ctx, STR_FMT "=%s;", STR_ARG(v->key), v->value);
}

static void secrets_are_told_as_they_are_now(void **state)
{
    (void)state;
    buf seen;
    buf_init(&seen, 1024);
    pm_scope *s = scope_of(
        "[{\"key\":\"a\",\"value\":\"1\",\"type\":\"secret\"},{\"key\":\"b\",\"value\":\"2\"}]");
    assert_code(pm_scope_set(s, STR("a"), STR("\"3\""), STR_NONE, NULL), OK);
    assert_code(pm_scope_set(s, STR("b"), STR("\"4\""), STR("secret"), NULL), OK);
    pm_scope_secrets(s, note_secret, &seen);
    assert_strz(buf_str(&seen), "a=\"3\";b=\"4\";");
    pm_scope_unset(s, STR("a"));
    buf_reset(&seen);
    pm_scope_secrets(s, note_secret, &seen);
    assert_strz(buf_str(&seen), "b=\"4\";");
    pm_scope_free(s);
    buf_deinit(&seen);
}

static void a_copy_is_a_scope_of_its_own(void **state)
{
    (void)state;
    pm_scope *s = scope_of("[{\"key\":\"a\",\"value\":\"1\",\"type\":\"secret\"},"
                           "{\"key\":\"a\",\"value\":\"2\"},{\"key\":\"gone\",\"value\":\"3\"},"
                           "{\"key\":\"off\",\"value\":\"4\",\"enabled\":false},{\"key\":\"u\"}]");
    pm_scope_unset(s, STR("gone"));
    pm_scope *copy = pm_scope_copy(s, 41);
    assert_strz(pm_scope_id(copy), "id");
    assert_strz(pm_scope_name(copy), "name");
    assert_true(pm_scope_version(copy) > 41);
    assert_int_equal(pm_scope_len(copy), pm_scope_len(s));
    assert_str(pm_scope_json(copy), pm_scope_json(s));
    // Each goes its own way, and what is unset shows what it hid.
    assert_code(pm_scope_set(copy, STR("a"), STR("5"), STR_NONE, NULL), OK);
    assert_string_equal(pm_scope_get(s, STR("a"))->value, "\"2\"");
    pm_scope_unset(copy, STR("a"));
    assert_null(pm_scope_get(copy, STR("a")));
    assert_int_equal(pm_scope_len(copy), 2);
    assert_int_equal(pm_scope_len(s), 4);
    pm_scope_free(copy);
    pm_scope_free(s);
}

static void numbers_are_written_as_javascript_does(void **state)
{
    static const char *const rows[][2] = {
        {"0", "0"},
        {"-0.0", "0"},
        {"100", "100"},
        {"123456789012345680000", "123456789012345680000"},
        {"1e21", "1e+21"},
        {"1.5e300", "1.5e+300"},
        {"0.000001", "0.000001"},
        {"0.0000001", "1e-7"},
        {"-1.25", "-1.25"},
        {"0.30000000000000004", "0.30000000000000004"},
        {"9007199254740993", "9007199254740992"},
        {"5e-324", "5e-324"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf out;
        buf_init(&out, 100);
        pm_value_text(str_from(rows[i][0]), &out);
        assert_strz(buf_str(&out), rows[i][1]);
        buf_deinit(&out);
    }
}

// ---- scopes

static void of_equal_names_the_last_enabled_counts(void **state)
{
    (void)state;
    pm_scope *s = scope_of("[{\"key\":\"k\",\"value\":1},{\"key\":\"k\",\"value\":2},"
                           "{\"key\":\"k\",\"value\":3,\"enabled\":false},"
                           "{\"key\":\"off\",\"value\":4,\"disabled\":true},"
                           "{\"id\":\"by id\",\"value\":5},{\"key\":7,\"value\":6},5,{}]");
    assert_int_equal(pm_scope_len(s), 6);
    assert_true(str_find(pm_scope_json(s), STR("\"key\":\"off\",\"disabled\":true}")) > 0);
    pm_scope_unset(s, STR("off")); // a disabled one is not there to be unset
    assert_int_equal(pm_scope_len(s), 6);
    assert_string_equal(pm_scope_get(s, STR("k"))->value, "2");
    assert_null(pm_scope_get(s, STR("off")));
    assert_string_equal(pm_scope_get(s, STR("by id"))->value, "5");
    assert_string_equal(pm_scope_get(s, STR("7"))->value, "6");
    buf out;
    buf_init(&out, 1000);
    pm_scope_object(s, &out);
    assert_strz(buf_str(&out), "{\"k\":2,\"by id\":5,\"7\":6}");
    buf_deinit(&out);
    // setting changes the one that counts, unsetting takes the enabled ones away
    assert_code(pm_scope_set(s, STR("k"), STR("9"), STR_NONE, NULL), OK);
    assert_string_equal(pm_scope_get(s, STR("k"))->value, "9");
    assert_code(pm_scope_set(s, STR("off"), STR("10"), STR_NONE, NULL), OK);
    assert_string_equal(pm_scope_get(s, STR("off"))->value, "10");
    pm_scope_unset(s, STR("k"));
    assert_null(pm_scope_get(s, STR("k")));
    assert_strz(pm_scope_json(s),
                "[{\"type\":\"any\",\"value\":3,\"key\":\"k\",\"disabled\":true},"
                "{\"type\":\"any\",\"value\":4,\"key\":\"off\",\"disabled\":true},"
                "{\"type\":\"any\",\"value\":5,\"key\":\"by id\"},"
                "{\"type\":\"any\",\"value\":6,\"key\":\"7\"},"
                "{\"type\":\"any\",\"value\":10,\"key\":\"off\"}]");
    assert_string_equal(pm_scope_get(s, STR("7"))->value, "6");
    pm_scope_clear(s);
    assert_int_equal(pm_scope_len(s), 2); // those that are disabled
    assert_null(pm_scope_get(s, STR("7")));
    assert_code(pm_scope_set(s, STR("7"), STR("8"), STR_NONE, NULL), OK);
    assert_string_equal(pm_scope_get(s, STR("7"))->value, "8");
    pm_scope_free(s);
}

static void a_name_is_all_of_its_bytes(void **state)
{
    (void)state;
    static const str longer = {"a\0b", 3};
    pm_scope *s = scope_of("{\"a\":1}");
    assert_code(pm_scope_set_text(s, longer, STR("2"), NULL), OK);
    assert_string_equal(pm_scope_get(s, STR("a"))->value, "1");
    assert_string_equal(pm_scope_get(s, longer)->value, "\"2\"");
    assert_true(str_find(pm_scope_json(s), STR("\"a\\u0000b\"")) > 0);
    pm_scope_unset(s, longer);
    assert_null(pm_scope_get(s, longer));
    assert_non_null(pm_scope_get(s, STR("a")));
    pm_scope_free(s);
}

static void setting_keeps_or_changes_the_type(void **state)
{
    (void)state;
    pm_scope *s = scope_of("[{\"key\":\"n\",\"value\":1,\"type\":\"number\"}]");
    uint64_t version = pm_scope_version(s);
    assert_code(pm_scope_set(s, STR("n"), STR("\"7\""), STR_NONE, NULL), OK);
    assert_code(pm_scope_set(s, STR("b"), STR("\"x\""), STR("boolean"), NULL), OK);
    assert_code(pm_scope_set(s, STR("o"), STR("{\"a\":1}"), STR_NONE, NULL), OK);
    assert_code(pm_scope_set(s, STR("u"), STR_NONE, STR_NONE, NULL), OK);
    assert_code(pm_scope_set_text(s, STR("t"), STR("a\"b"), NULL), OK);
    assert_code(pm_scope_set(s, STR("t"), STR("5"), STR("string"), NULL), OK);
    assert_code(pm_scope_set_text(s, STR("t"), STR("a\"b"), NULL), OK);
    assert_strz(pm_scope_id(s), "id");
    assert_strz(pm_scope_name(s), "name");
    assert_true(pm_scope_version(s) > version);
    assert_strz(pm_scope_json(s), "[{\"type\":\"number\",\"value\":7,\"key\":\"n\"},"
                                  "{\"type\":\"boolean\",\"value\":true,\"key\":\"b\"},"
                                  "{\"type\":\"any\",\"value\":{\"a\":1},\"key\":\"o\"},"
                                  "{\"type\":\"any\",\"key\":\"u\"},"
                                  "{\"type\":\"string\",\"value\":\"a\\\"b\",\"key\":\"t\"}]");
    assert_ptr_equal(pm_scope_json(s).ptr, pm_scope_json(s).ptr);
    pm_scopes scopes = {{s}};
    assert_resolves(0, &scopes, "[{{u}}] {{t}}", "[] a\"b");
    err e = ERR_INIT;
    assert_code(pm_scope_set(s, STR("n"), STR("{"), STR_NONE, &e), DATA_SYNTAX);
    assert_string_equal(pm_scope_get(s, STR("n"))->value, "7");
    pm_scope_free(s);
}

static void the_nearest_scope_wins(void **state)
{
    (void)state;
    pm_scope *local = scope_of("[{\"key\":\"a\",\"value\":\"local\"}]");
    pm_scope *data = scope_of("{\"a\":\"data\",\"b\":\"data\"}");
    pm_scope *env = scope_of("[{\"key\":\"b\",\"value\":\"env\"},{\"key\":\"c\",\"value\":\"env\"},"
                             "{\"key\":\"e\",\"value\":\"off\",\"enabled\":false}]");
    pm_scope *coll = scope_of("[{\"key\":\"c\",\"value\":\"coll\"},{\"key\":\"d\",\"value\":"
                              "\"coll\"}]");
    pm_scope *globals = scope_of("[{\"key\":\"d\",\"value\":\"glob\"},{\"key\":\"e\",\"value\":"
                                 "\"glob\"}]");
    pm_scopes all = {{local, data, env, coll, globals}};
    assert_resolves(0, &all, "{{a}} {{b}} {{c}} {{d}} {{e}}", "local data env coll glob");
    pm_scopes few = {{NULL, NULL, env, NULL, globals}};
    assert_resolves(1, &few, "{{a}} {{b}} {{c}} {{d}} {{e}}", "{{a}} env env glob glob");
    pm_scope_free(local);
    pm_scope_free(data);
    pm_scope_free(env);
    pm_scope_free(coll);
    pm_scope_free(globals);
}

// ---- templates

static void templates_are_filled_in(void **state)
{
    static const struct {
        const char *values, *text, *wanted;
    } rows[] = {
        {"{\"a\":\"1\"}", "{{a}}{{ a }}{{a }}", "1{{ a }}{{a }}"},
        {"{\"a\":\"{{b}}\",\"b\":\"x\"}", "{{a}}", "x"},
        {"{\"a\":\"c\",\"cb\":\"found\"}", "{{{{a}}b}}", "found"},
        {"{\"a\":\"1\"}", "{{{a}}}", "{1}"},
        {"{\"a\":\"1\"}", "{{{{a}}}}", "{{1}}"},
        {"{}", "{{x}}", "{{x}}"},
        {"{\"\":\"e\"}", "{{}}", "e"},
        {"{\"a b\":\"1\"}", "{{a b}}", "1"},
        {"{\"a\":\"$&\"}", "x{{a}}", "x$&"},
        {"{\"a\":\"1\"}", "{{a}", "{{a}"},
        {"{\"a\":\"1\"}", "{a}}", "{a}}"},
        {"{\"a\":\"1\"}", "{{a\n}}", "{{a\n}}"},
        {"{\"a\":\"x}}\"}", "{{a}}", "x}}"},
        {"{\"a\":\"{{\"}", "{{a}}a}}", "{{"},
        {"{\"a\":\"1\"}", "", ""},
        {"{\"$guid\":\"mine\"}", "{{$guid}}", "mine"},
        {"{}", "{{$nothing}}", "{{$nothing}}"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        pm_scope *s = scope_of(rows[i].values);
        pm_scopes scopes = {{s}};
        assert_resolves(i, &scopes, rows[i].text, rows[i].wanted);
        pm_scope_free(s);
    }
}

static void T50_rounds_and_growth_are_bounded(void **state)
{
    buf values, out;
    (void)state;
    buf_init(&values, 1 << 16);
    buf_addz(&values, "{\"self\":\"{{self}}\",\"grow\":\"x{{grow}}\",\"one\":\"{{two}}\","
                      "\"two\":\"{{one}}\",\"double\":\"{{double}}{{double}}\"");
    for (int i = 0; i < 25; i++)
        buf_addf(&values, ",\"v%d\":\"{{v%d}}\"", i, i + 1);
    buf_addz(&values, ",\"v25\":\"end\"}");
    pm_scope *s = scope_of(buf_cstr(&values));
    pm_scopes scopes = {{s}};
    assert_resolves(0, &scopes, "{{self}}", "{{self}}");
    assert_resolves(1, &scopes, "{{grow}}", "xxxxxxxxxxxxxxxxxxx{{grow}}");
    assert_resolves(2, &scopes, "{{one}}", "{{two}}");
    assert_resolves(3, &scopes, "{{v0}}", "{{v19}}");
    assert_resolves(4, &scopes, "{{v7}}", "end");
    buf_init(&out, 4096); // 2^19 templates don't fit
    pm_resolve(&scopes, STR("{{double}}"), &out);
    assert_false(buf_ok(&out));
    buf_deinit(&out);
    buf_deinit(&values);
    pm_scope_free(s);
}

static void T50_variables_are_bounded(void **state)
{
    arena a;
    err e = ERR_INIT;
    (void)state;
    arena_init(&a);
    json *list = json_new(&a, JSON_ARRAY), *v = NULL;
    for (int i = 0; i <= PM_VARIABLES_MAX; i++) {
        v = json_push(list, json_new(&a, JSON_OBJECT));
        json_set(&a, v, STR("key"), json_new_str(&a, STR("same")));
    }
    v->line = 7;
    pm_scope *s = pm_scope_new(STR_NONE, STR("environment"));
    assert_code(pm_scope_add(s, list, &e), PM_LIMIT);
    assert_int_equal(e.line, 7);
    assert_int_equal(pm_scope_len(s), PM_VARIABLES_MAX);
    assert_code(pm_scope_set_text(s, STR("new"), STR("x"), &e), PM_LIMIT);
    assert_code(pm_scope_set_text(s, STR("same"), STR("x"), &e), OK);
    pm_scope_free(s);
    arena_deinit(&a);
}

// A script may unset all that there are: each in a time that doesn't depend on their number.
static void T50_unsetting_all_of_many_takes_no_time(void **state)
{
    (void)state;
    char key[16];
    pm_scope *s = pm_scope_new(STR_NONE, STR("environment"));
    for (int i = 0; i < PM_VARIABLES_MAX; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        assert_code(pm_scope_set_text(s, str_from(key), STR("v"), NULL), OK);
    }
    uint64_t before = clock_mono_ms();
    for (int i = 0; i + 2 < PM_VARIABLES_MAX; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        pm_scope_unset(s, str_from(key));
    }
    assert_true(clock_mono_ms() - before < 5000); // once it took minutes
    assert_int_equal(pm_scope_len(s), 2);
    assert_string_equal(pm_scope_get(s, STR("k99999"))->value, "\"v\"");
    assert_strz(pm_scope_json(s), "[{\"type\":\"any\",\"value\":\"v\",\"key\":\"k99998\"},"
                                  "{\"type\":\"any\",\"value\":\"v\",\"key\":\"k99999\"}]");
    pm_scope_free(s);
}

static void T50_values_are_bounded_one_by_one_and_together(void **state)
{
    (void)state;
    enum { LARGE = 15 << 20 };
    err e = ERR_INIT;
    char *text = mem_new(2 * LARGE + 1);
    memset(text, 'x', 2 * LARGE);
    str large = {text, LARGE}, larger = {text, 2 * LARGE};
    pm_scope *s = pm_scope_new(STR_NONE, STR("environment"));
    assert_code(pm_scope_set_text(s, STR("a"), STR("small"), &e), OK);
    assert_code(pm_scope_set_text(s, STR("a"), larger, &e), PM_LIMIT);
    assert_string_equal(pm_scope_get(s, STR("a"))->value, "\"small\"");
    for (char key = 'a'; key <= 'd'; key++)
        assert_code(pm_scope_set_text(s, (str){&key, 1}, large, &e), OK);
    assert_code(pm_scope_set_text(s, STR("e"), large, &e), PM_LIMIT);
    assert_non_null(strstr(e.msg, "64 MiB"));
    assert_code(pm_scope_set_text(s, STR("d"), STR("small"), &e), OK); // makes room
    assert_code(pm_scope_set_text(s, STR("e"), large, &e), OK);
    pm_scope_unset(s, STR("e")); // so does this
    assert_code(pm_scope_set_text(s, STR("f"), large, &e), OK);
    str all = pm_scope_json(s);
    assert_true(all.len > 4 * LARGE && all.ptr[all.len - 1] == ']');
    pm_scope_free(s);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_decide_value_and_text),
        cmocka_unit_test(secrets_are_told_as_they_are_now),
        cmocka_unit_test(a_copy_is_a_scope_of_its_own),
        cmocka_unit_test(numbers_are_written_as_javascript_does),
        cmocka_unit_test(of_equal_names_the_last_enabled_counts),
        cmocka_unit_test(a_name_is_all_of_its_bytes),
        cmocka_unit_test(setting_keeps_or_changes_the_type),
        cmocka_unit_test(the_nearest_scope_wins),
        cmocka_unit_test(templates_are_filled_in),
        cmocka_unit_test(T50_rounds_and_growth_are_bounded),
        cmocka_unit_test(T50_variables_are_bounded),
        cmocka_unit_test(T50_unsetting_all_of_many_takes_no_time),
        cmocka_unit_test(T50_values_are_bounded_one_by_one_and_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
