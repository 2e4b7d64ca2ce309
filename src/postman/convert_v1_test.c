// SPDX-License-Identifier: Apache-2.0
// Collection v1 as v2.1.
#include "base/test.h"
#include "postman/postman.h"

static const char v1[] =
    "{\"id\":\"c\",\"name\":\"Old\",\"description\":\"d\",\"variables\":[{\"key\":\"v\","
    "\"value\":\"1\"}],\"events\":[{\"listen\":\"prerequest\",\"script\":{\"exec\":\"top\"}}],"
    "\"order\":[\"r3\",\"gone\"],\"folders_order\":[\"f1\"],"
    "\"folders\":[{\"id\":\"f2\",\"name\":\"inner\",\"order\":[\"r2\"]},"
    "{\"id\":\"f1\",\"name\":\"outer\",\"order\":[\"r1\"],\"folders_order\":[\"f2\",\"f1\"]}],"
    "\"requests\":["
    "{\"id\":\"r1\",\"name\":\"one\",\"url\":\"http://h/:id?a=b\",\"method\":\"POST\","
    "\"headers\":\"A: b\\n// C: d\\n}\\nno header: "
    "x\\n\",\"pathVariables\":{\"id\":\"7\"},\"dataMode\":\"params\","
    "\"data\":[{\"key\":\"t\",\"value\":\"v\",\"type\":\"text\"},{\"key\":\"off\",\"value\":\"x\","
    "\"enabled\":false},{\"key\":\"f\",\"type\":\"file\",\"value\":\"a.txt\"}],"
    "\"preRequestScript\":\"before\",\"tests\":\"after\",\"currentHelper\":\"basicAuth\","
    "\"helperAttributes\":{\"id\":\"basic\",\"username\":\"u\",\"password\":\"p\"}},"
    "{\"id\":\"r2\",\"name\":\"two\",\"url\":\"h\",\"method\":\"PUT\",\"dataMode\":\"raw\","
    "\"rawModeData\":\"text\",\"headerData\":[{\"key\":\"H\",\"value\":\"v\"}],\"headers\":\"H: "
    "w\\nI: x\","
    "\"auth\":{\"type\":\"bearer\",\"bearer\":[{\"key\":\"token\",\"value\":\"t\"}]},"
    "\"currentHelper\":\"basicAuth\"},"
    "{\"id\":\"r3\",\"name\":\"three\",\"url\":\"h/3\",\"dataMode\":\"urlencoded\","
    "\"data\":[{\"key\":\"k\",\"value\":\"v\"}],\"dataDisabled\":true,\"currentHelper\":null}]}";

static pm_collection *read_ok(arena *a, const char *text)
{
    pm_collection *c = NULL;
    err e = ERR_INIT;
    if (pm_collection_read(a, str_from(text), "v1.json", &c, &e) != OK)
        fail_msg("%s", e.msg);
    return c;
}

static char *member_of(const pm_item *item, const char *name)
{
    return json_text(json_get(item->request, name), JSON_COMPACT);
}

static void folders_come_before_requests(void **state)
{
    static const char *const paths[] = {"outer/inner/two", "outer/one", "three"};
    arena a;
    (void)state;
    arena_init(&a);
    pm_collection *c = read_ok(&a, v1);
    assert_string_equal(c->converted, "v1");
    assert_strz(c->root->name, "Old");
    assert_strz(c->root->description, "d");
    assert_int_equal(c->variables->len, 1);
    assert_int_equal(c->request_count, ARRAY_LEN(paths));
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        assert_strz(pm_item_path(&a, c->requests[i], "/"), paths[i]);
    arena_deinit(&a);
}

static void older_forms_stand_in_for_newer_ones(void **state)
{
    arena a;
    const pm_script *s[4];
    (void)state;
    arena_init(&a);
    pm_collection *c = read_ok(&a, v1);
    const pm_item *one = pm_item_find(c, STR("r1")), *two = pm_item_find(c, STR("r2"));
    assert_int_equal(pm_item_scripts(one, PM_PREREQUEST, s, 4), 2);
    assert_strz(s[0]->source, "top");
    assert_strz(s[1]->source, "before");
    assert_int_equal(pm_item_scripts(one, PM_TEST, s, 4), 1);
    assert_strz(s[0]->source, "after");
    assert_true(json_is_str(json_get(pm_item_auth(one), "type"), "basic"));
    assert_true(json_is_str(json_get(pm_item_auth(two), "type"), "bearer"));
    assert_null(pm_item_auth(pm_item_find(c, STR("r3"))));
    char *headers = member_of(one, "header");
    assert_string_equal(headers, "[{\"key\":\"A\",\"value\":\"b\"},{\"key\":\"C\",\"value\":\"d\","
                                 "\"disabled\":true}]");
    free(headers);
    headers = member_of(two, "header");
    assert_string_equal(headers,
                        "[{\"key\":\"H\",\"value\":\"v\"},{\"key\":\"I\",\"value\":\"x\"}]");
    free(headers);
    arena_deinit(&a);
}

static void bodies_and_urls_are_converted(void **state)
{
    static const char *const bodies[][2] = {
        {"r1", "{\"mode\":\"formdata\",\"formdata\":[{\"key\":\"t\",\"value\":\"v\",\"type\":"
               "\"text\"},{\"key\":\"off\",\"value\":\"x\",\"disabled\":true},{\"key\":\"f\","
               "\"type\":\"file\",\"value\":\"a.txt\",\"src\":\"a.txt\"}]}"},
        {"r2", "{\"mode\":\"raw\",\"raw\":\"text\"}"},
        {"r3", "{\"mode\":\"urlencoded\",\"urlencoded\":[{\"key\":\"k\",\"value\":\"v\"}],"
               "\"disabled\":true}"},
    };
    arena a;
    pm_url u;
    (void)state;
    arena_init(&a);
    pm_collection *c = read_ok(&a, v1);
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        char *body = member_of(pm_item_find(c, str_from(bodies[i][0])), "body");
        assert_string_equal(body, bodies[i][1]);
        free(body);
    }
    pm_url_read(&a, json_get(pm_item_find(c, STR("r1"))->request, "url"), &u);
    assert_strz(pm_url_text(&a, &u), "http://h/7?a=b");
    arena_deinit(&a);
}

static void each_mode_of_data_is_converted(void **state)
{
    static const char *const rows[][2] = {
        {"\"dataMode\":\"binary\",\"rawModeData\":\"f.bin\"",
         "{\"mode\":\"file\",\"file\":{\"src\":\"f.bin\"}}"},
        {"\"dataMode\":\"graphql\",\"graphqlModeData\":{\"query\":\"q\"}",
         "{\"mode\":\"graphql\",\"graphql\":{\"query\":\"q\"}}"},
        {"\"dataMode\":\"raw\",\"rawModeData\":[\"x\"],\"dataOptions\":{\"raw\":{\"language\":"
         "\"json\"}}",
         "{\"mode\":\"raw\",\"raw\":\"x\",\"options\":{\"raw\":{\"language\":\"json\"}}}"},
        {"\"dataMode\":\"raw\",\"data\":\"old\"", "{\"mode\":\"raw\",\"raw\":\"old\"}"},
        // without a mode the data tell it
        {"\"data\":[{\"key\":\"k\",\"value\":\"v\"},{\"key\":\"\"},5]",
         "{\"mode\":\"formdata\",\"formdata\":[{\"key\":\"k\",\"value\":\"v\"}]}"},
        {"\"rawModeData\":\"x\"", "{\"mode\":\"raw\",\"raw\":\"x\"}"},
        {"\"graphqlModeData\":{\"query\":\"q\"}",
         "{\"mode\":\"graphql\",\"graphql\":{\"query\":\"q\"}}"},
        {"\"dataMode\":null,\"rawModeData\":\"x\"", NULL},
        {"\"data\":[]", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        arena_init(&a);
        str text = arena_printf(&a,
                                "{\"id\":\"c\",\"order\":[\"r\"],\"requests\":[{\"id\":\"r\","
                                "\"url\":\"h\",\"headers\":[{\"key\":\"A\",\"value\":\"b\"}],"
                                "\"queryParams\":[{\"key\":\"q\",\"value\":\"1\"}],"
                                "\"currentHelper\":\"oAuth1\",%s}]}",
                                rows[i][0]);
        const pm_item *r = read_ok(&a, text.ptr)->requests[0];
        const json *body = json_get(r->request, "body");
        assert_row(i, !body == !rows[i][1]);
        if (body) {
            char *got = json_text(body, JSON_COMPACT);
            assert_string_equal(got, rows[i][1]);
            free(got);
        }
        pm_url u;
        pm_url_read(&a, json_get(r->request, "url"), &u);
        assert_strz(pm_url_text(&a, &u), "h?q=1");
        assert_strz(json_get(json_first(json_get(r->request, "header")), "key")->text, "A");
        assert_true(json_is_str(json_get(r->auth, "type"), "oauth1"));
        arena_deinit(&a);
    }
}

static void without_an_order_folders_that_none_names_are_at_the_top(void **state)
{
    arena a;
    (void)state;
    arena_init(&a);
    pm_collection *c =
        read_ok(&a, "{\"id\":\"c\",\"order\":[],\"folders\":[{\"id\":\"b\",\"name\":\"b\","
                    "\"order\":[\"r\"]},{\"id\":\"a\",\"name\":\"a\",\"folders_order\":[\"b\"]}],"
                    "\"requests\":[{\"id\":\"r\",\"name\":\"r\",\"url\":\"h\"}]}");
    assert_int_equal(c->request_count, 1);
    assert_strz(pm_item_path(&a, c->requests[0], "/"), "a/b/r");
    arena_deinit(&a);
}

static void T50_folders_that_name_each_other_end(void **state)
{
    arena a;
    (void)state;
    arena_init(&a);
    pm_collection *c =
        read_ok(&a, "{\"id\":\"c\",\"order\":[\"r\",\"r\"],\"folders_order\":[\"a\"],\"folders\":["
                    "{\"id\":\"a\",\"folders_order\":[\"b\"]},{\"id\":\"b\",\"folders_order\":"
                    "[\"a\"],\"order\":[\"r\"]}],\"requests\":[{\"id\":\"r\",\"url\":\"h\"}]}");
    assert_int_equal(c->request_count, 1);
    arena_deinit(&a);
}

static void T50_many_header_lines_end_in_time(void **state)
{
    enum { LINES = 50000 };
    arena a;
    buf b;
    (void)state;
    arena_init(&a);
    buf_init(&b, 16 << 20);
    buf_addz(&b, "{\"name\":\"n\",\"order\":[\"r\"],\"requests\":[{\"id\":\"r\",\"url\":\"h\","
                 "\"headers\":\"");
    for (int i = 0; i < LINES; i++)
        buf_addf(&b, "h%d: x\\nh%d: again\\n", i, i);
    buf_addz(&b, "\"}]}");
    uint64_t start = clock_mono_ms();
    pm_collection *c = read_ok(&a, buf_cstr(&b));
    assert_true(clock_mono_ms() - start < 10000);
    assert_int_equal(json_get(c->requests[0]->request, "header")->len, LINES);
    buf_deinit(&b);
    arena_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_come_before_requests),
        cmocka_unit_test(T50_many_header_lines_end_in_time),
        cmocka_unit_test(older_forms_stand_in_for_newer_ones),
        cmocka_unit_test(bodies_and_urls_are_converted),
        cmocka_unit_test(each_mode_of_data_is_converted),
        cmocka_unit_test(without_an_order_folders_that_none_names_are_at_the_top),
        cmocka_unit_test(T50_folders_that_name_each_other_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
