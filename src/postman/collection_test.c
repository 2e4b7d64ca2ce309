// SPDX-License-Identifier: Apache-2.0
// Reading collections, environments and data files, and what requests inherit.
#include "base/test.h"
#include "postman/postman.h"

static pm_collection *read_ok(arena *a, str text)
{
    pm_collection *c = NULL;
    err e = ERR_INIT;
    if (pm_collection_read(a, text, "c.json", &c, &e) != OK)
        fail_msg(STR_FMT ": %s", STR_ARG(text), e.msg);
    return c;
}

// ---- forms

#define ONE "{\"info\":{\"name\":\"N\"},\"item\":[{\"name\":\"r\",\"request\":\"http://h/\"}]}"

static void wrappers_and_encodings(void **state)
{
    static const struct {
        str text;
        uint32_t requests;
    } rows[] = {
        {STR(ONE), 1},
        {STR("{\"collection\":" ONE "}"), 1},
        {STR("\xef\xbb\xbf" ONE), 1},
        {STR("  \n" ONE "\r\n"), 1},
        {STR("{}"), 0},
        {STR("[]"), 0},
        {STR("[1,2]"), 0},
        {STR("{\"info\":{}}"), 0},
        {STR("{\"item\":[]}"), 0},
        {STR("{\"item\":[null,{\"request\":\"h\"},null]}"), 1},
        {STR("{\0\"\0i\0t\0e\0m\0\"\0:\0[\0]\0}\0"), 0},
    };
    arena a;
    (void)state;
    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_row(i, read_ok(&a, rows[i].text)->request_count == rows[i].requests);
    pm_collection *latin = read_ok(&a, STR("{\"info\":{\"name\":\"caf\xe9\"}}"));
    assert_strz(latin->root->name, "caf\xc3\xa9");
    arena_deinit(&a);
}

static void requests_of_any_form_become_one(void **state)
{
    static const struct {
        const char *written, *normal;
    } rows[] = {
        {"\"http://h/a\"", "{\"url\":\"http://h/a\",\"method\":\"GET\",\"header\":[]}"},
        {"{\"url\":\"h\",\"method\":\"post\"}",
         "{\"url\":\"h\",\"method\":\"POST\",\"header\":[]}"},
        {"{\"url\":\"h\",\"header\":\"A: b\\nC:d:e\\n\\n\"}",
         "{\"url\":\"h\",\"method\":\"GET\",\"header\":[{\"key\":\"A\",\"value\":\"b\"},"
         "{\"key\":\"C\",\"value\":\"d:e\"}]}"},
        {"{\"url\":\"h\",\"header\":[\"A: b\",{\"key\":\"C\",\"value\":null,\"disabled\":true}]}",
         "{\"url\":\"h\",\"method\":\"GET\",\"header\":[{\"key\":\"A\",\"value\":\"b\"},"
         "{\"key\":\"C\",\"value\":\"\",\"disabled\":true}]}"},
        {"{\"url\":\"h\",\"header\":{\"A\":\"b\"},\"body\":{},\"description\":{\"content\":\"d\"}}",
         "{\"url\":\"h\",\"method\":\"GET\",\"header\":[{\"key\":\"A\",\"value\":\"b\"}],"
         "\"description\":\"d\"}"},
        {"{\"url\":\"h\",\"auth\":{\"type\":\"basic\",\"basic\":{\"username\":\"u\"}}}",
         "{\"url\":\"h\",\"method\":\"GET\",\"header\":[],\"auth\":{\"type\":\"basic\",\"basic\":"
         "[{\"key\":\"username\",\"value\":\"u\"}]}}"},
    };
    arena a;
    (void)state;
    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        str text = arena_printf(&a, "{\"item\":[{\"request\":%s}]}", rows[i].written);
        const pm_item *item = read_ok(&a, text)->requests[0];
        json *wanted, *got;
        pm_url u;
        assert_code(json_parse(&a, str_from(rows[i].normal), NULL, &wanted, NULL), OK);
        assert_code(json_parse(&a, item->request_text, NULL, &got, NULL), OK);
        assert_row(i, json_eq(got, item->request));
        pm_url_read(&a, json_get(got, "url"), &u);
        json_set(&a, got, STR("url"), json_new_str(&a, pm_url_text(&a, &u)));
        assert_row(i, json_eq(got, wanted));
    }
    arena_deinit(&a);
}

static void what_is_no_collection_is_told_with_its_place(void **state)
{
    static const struct {
        const char *text;
        code code;
        uint32_t line, col;
        const char *says, *hint;
    } rows[] = {
        {"{\"item\": [\n  {\"name\": \"a\",}\n]}", DATA_SYNTAX, 2, 16, "a name", ""},
        {"", DATA_SYNTAX, 1, 1, "found the end", ""},
        {"5", PM_COLLECTION, 1, 1, "isn't a Postman collection", "Collection v2.1"},
        {"{\"openapi\":\"3.0.0\"}", PM_COLLECTION, 1, 1, "isn't", "OpenAPI"},
        {"\n {\"values\":[]}", PM_COLLECTION, 2, 2, "isn't", "-e or -g"},
        {"{\"log\":{\"entries\":[]}}", PM_COLLECTION, 1, 1, "isn't", "HAR"},
        {"{\"private_key\":\"x\"}", PM_COLLECTION, 1, 1, "isn't", "credential"},
        {"{\"item\":\n {}}", DATA_TYPE, 2, 2, "item: must be an array, not an object", ""},
        {"{\"item\":[\n5]}", DATA_TYPE, 2, 1, "item[0]: must be an object, not a number", ""},
        {"{\"item\":[{\"name\":\"x\"}]}", DATA_MISSING, 1, 10, "neither a request nor a folder",
         ""},
        {"{\"item\":[{\"request\":5}]}", DATA_TYPE, 1, 21, "must be an object or a URL", ""},
        {"{\"item\":[],\"event\":5}", DATA_TYPE, 1, 20, "event: must be an array", ""},
    };
    arena a;
    (void)state;
    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        pm_collection *c;
        err e = ERR_INIT;
        assert_row(i, pm_collection_read(&a, str_from(rows[i].text), "c.json", &c, &e) ==
                          rows[i].code);
        assert_row(i, strstr(e.msg, rows[i].says) && strstr(e.hint, rows[i].hint));
        assert_row(i, e.line == rows[i].line && e.col == rows[i].col);
        assert_string_equal(e.file, "c.json");
        assert_row(i, !strstr(e.msg, "private_key"));
    }
    arena_deinit(&a);
}

// ---- the tree

#define SCRIPT(listen, source)                                                                     \
    "{\"listen\":\"" listen "\",\"script\":{\"exec\":[\"" source "\",\"//\"]}}"

static const char tree[] =
    "{\"info\":{\"_postman_id\":\"c1\",\"name\":\"Shop\",\"description\":{\"content\":\"d\"}},"
    "\"auth\":{\"type\":\"bearer\",\"bearer\":[{\"key\":\"token\",\"value\":\"top\"}]},"
    "\"protocolProfileBehavior\":{\"maxRedirects\":3,\"disableCookies\":true,\"strictSSL\":false},"
    "\"event\":[" SCRIPT("prerequest", "c") "," SCRIPT(
        "test", "ct") "],"
                      "\"variable\":[{\"key\":\"v\",\"value\":1}],"
                      "\"item\":["
                      "{\"id\":\"f1\",\"name\":\"orders\",\"auth\":{\"type\":\"noauth\"},"
                      "\"protocolProfileBehavior\":{\"maxRedirects\":5,\"disabledSystemHeaders\":{"
                      "\"host\":true}},"
                      "\"event\":[" SCRIPT("prerequest", "f1") "," SCRIPT(
                          "prerequest",
                          "f2") "],"
                                "\"item\":["
                                "{\"name\":\"deep\",\"item\":[{\"id\":\"r1\",\"name\":\"list\","
                                "\"request\":\"h/1\"}]},"
                                "{\"id\":\"r2\",\"name\":\"list\",\"request\":{\"url\":\"h/"
                                "2\",\"auth\":{\"type\":\"apikey\","
                                "\"apikey\":[]}},\"event\":[" SCRIPT(
                                    "prerequest",
                                    "r") ",{\"listen\":\"prerequest\","
                                         "\"disabled\":true,\"script\":{\"exec\":\"no\"}},{"
                                         "\"listen\":\"test\",\"script\":{\"exec\":"
                                         "\"one "
                                         "line\"}}],\"protocolProfileBehavior\":{"
                                         "\"disableCookies\":false,\"strictSSL\":true,"
                                         "\"disabledSystemHeaders\":{\"accept\":true}}}]},"
                                         "{\"id\":\"r3\",\"name\":\"orders\",\"request\":{\"url\":"
                                         "\"h/3\",\"auth\":null}},"
                                         "{\"id\":\"list\",\"name\":\"by id\",\"request\":\"h/4\"},"
                                         "{\"name\":\"empty\",\"item\":[]}]}";

static void the_tree_is_in_document_order(void **state)
{
    static const struct {
        const char *id, *path;
        uint32_t depth;
    } rows[] = {
        {"r1", "orders / deep / list", 3},
        {"r2", "orders / list", 2},
        {"r3", "orders", 1},
        {"list", "by id", 1},
    };
    arena a;
    (void)state;
    arena_init(&a);
    pm_collection *c = read_ok(&a, str_from(tree));
    assert_int_equal(c->request_count, ARRAY_LEN(rows));
    assert_strz(c->root->id, "c1");
    assert_strz(c->root->name, "Shop");
    assert_strz(c->root->description, "d");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_strz(c->requests[i]->id, rows[i].id);
        assert_strz(pm_item_path(&a, c->requests[i], " / "), rows[i].path);
        assert_row(i, c->requests[i]->index == i && c->requests[i]->depth == rows[i].depth);
    }
    assert_true(c->root->first->first->id.len); // one that has none is given one
    arena_deinit(&a);
}

static void one_event_needs_no_list(void **state)
{
    arena a;
    const pm_script *s[2];
    (void)state;
    arena_init(&a);
    pm_collection *c = read_ok(&a, STR("{\"item\":[{\"name\":\"a\",\"request\":\"h\",\"event\":{"
                                       "\"listen\":\"test\",\"script\":{\"exec\":\"x\"}}}],"
                                       "\"event\":null}"));
    assert_int_equal(pm_item_scripts(c->requests[0], PM_TEST, s, 2), 1);
    assert_strz(s[0]->source, "x");
    arena_deinit(&a);
}

// --folder: by id or name, own members before those deeper down.
static void items_are_found(void **state)
{
    static const struct {
        const char *wanted, *path;
    } rows[] = {
        {"orders", "orders"}, // the folder: it comes first
        {"list", "by id"},    // an id on the first level before names deeper down
        {"r1", "orders / deep / list"},
        {"deep", "orders / deep"},
        {"empty", "empty"},
        {"Shop", NULL},
        {"", NULL},
        {"nothing", NULL},
    };
    arena a;
    (void)state;
    arena_init(&a);
    pm_collection *c = read_ok(&a, str_from(tree));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const pm_item *item = pm_item_find(c, str_from(rows[i].wanted));
        assert_row(i, !item == !rows[i].path);
        if (item)
            assert_strz(pm_item_path(&a, item, " / "), rows[i].path);
    }
    assert_true(pm_item_find(c, STR("orders"))->folder);
    arena_deinit(&a);
}

static void auth_comes_from_the_nearest(void **state)
{
    static const struct {
        const char *item, *type;
    } rows[] = {{"r1", "noauth"}, {"r2", "apikey"}, {"r3", "bearer"}, {"list", "bearer"}};
    arena a;
    (void)state;
    arena_init(&a);
    pm_collection *c = read_ok(&a, str_from(tree));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const json *auth = pm_item_auth(pm_item_find(c, str_from(rows[i].item)));
        assert_row(i, json_is_str(json_get(auth, "type"), rows[i].type));
    }
    assert_null(pm_item_auth(read_ok(&a, STR(ONE))->requests[0]));
    arena_deinit(&a);
}

static void scripts_run_outermost_first(void **state)
{
    arena a;
    const pm_script *s[8];
    (void)state;
    arena_init(&a);
    pm_collection *c = read_ok(&a, str_from(tree));
    const pm_item *r2 = pm_item_find(c, STR("r2"));
    assert_int_equal(pm_item_scripts(r2, PM_PREREQUEST, s, ARRAY_LEN(s)), 4);
    static const char *const sources[] = {"c\n//", "f1\n//", "f2\n//", "r\n//"};
    for (size_t i = 0; i < 4; i++)
        assert_strz(s[i]->source, sources[i]);
    assert_ptr_equal(s[0]->owner, c->root);
    assert_ptr_equal(s[3]->owner, r2);
    assert_int_equal(pm_item_scripts(r2, PM_TEST, s, ARRAY_LEN(s)), 2);
    assert_strz(s[1]->source, "one line");
    assert_int_equal(pm_item_scripts(r2, PM_PREREQUEST, s, 1), 4);
    arena_deinit(&a);
}

static void behavior_is_merged_key_by_key(void **state)
{
    arena a;
    (void)state;
    arena_init(&a);
    pm_collection *c = read_ok(&a, str_from(tree));
    pm_behavior r1 = pm_item_behavior(pm_item_find(c, STR("r1")));
    pm_behavior r2 = pm_item_behavior(pm_item_find(c, STR("r2")));
    pm_behavior r3 = pm_item_behavior(pm_item_find(c, STR("r3")));
    assert_int_equal(r3.redirects_max, 3);
    assert_int_equal(r1.redirects_max, 5);
    assert_int_equal(r2.redirects_max, 5);
    assert_true(r1.no_cookies && !r2.no_cookies && r3.no_cookies);
    assert_true(r1.tls_insecure && !r1.tls_strict && r2.tls_strict && !r2.tls_insecure);
    assert_int_equal(r1.no_headers, PM_SYSTEM_HOST);
    assert_int_equal(r2.no_headers, PM_SYSTEM_ACCEPT);
    pm_behavior none = pm_item_behavior(read_ok(&a, STR(ONE))->requests[0]);
    pm_behavior defaults = {.redirects_max = 10};
    assert_memory_equal(&none, &defaults, sizeof(none));
    arena_deinit(&a);
}

static void each_setting_is_read(void **state)
{
    static const struct {
        const char *setting;
        pm_behavior wanted;
    } rows[] = {
        {"\"strictSSL\":true", {.tls_strict = true, .redirects_max = 10}},
        {"\"strictSSL\":false", {.tls_insecure = true, .redirects_max = 10}},
        {"\"strictSSL\":\"no\"", {.redirects_max = 10}},
        {"\"followRedirects\":false", {.redirects_off = true, .redirects_max = 10}},
        {"\"followRedirects\":true", {.redirects_on = true, .redirects_max = 10}},
        {"\"maxRedirects\":0", {.redirects_max = 0}},
        {"\"maxRedirects\":-1", {.redirects_max = 0}},
        {"\"maxRedirects\":1000000", {.redirects_max = 1000}},
        {"\"followOriginalHttpMethod\":true", {.keep_method = true, .redirects_max = 10}},
        {"\"followAuthorizationHeader\":true", {.keep_authorization = true, .redirects_max = 10}},
        {"\"removeRefererHeaderOnRedirect\":true", {.no_referer = true, .redirects_max = 10}},
        {"\"disableCookies\":true", {.no_cookies = true, .redirects_max = 10}},
        {"\"disableBodyPruning\":true", {.no_pruning = true, .redirects_max = 10}},
        {"\"disableUrlEncoding\":true", {.no_encoding = true, .redirects_max = 10}},
        {"\"disabledSystemHeaders\":{\"user-agent\":true,\"accept\":true,\"cache-control\":true,"
         "\"postman-token\":true,\"host\":true,\"accept-encoding\":true,\"connection\":true,"
         "\"content-type\":true,\"content-length\":true,\"x\":true}",
         {.no_headers = 511, .redirects_max = 10}},
    };
    arena a;
    (void)state;
    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        str text =
            arena_printf(&a, "{\"item\":[{\"request\":\"h\",\"protocolProfileBehavior\":{%s}}]}",
                         rows[i].setting);
        pm_behavior got = pm_item_behavior(read_ok(&a, text)->requests[0]);
        assert_row(i, !memcmp(&got, &rows[i].wanted, sizeof(got)));
    }
    arena_deinit(&a);
}

static void T50_depth_and_number_are_bounded(void **state)
{
    arena a;
    buf deep, many;
    pm_collection *c;
    err e = ERR_INIT;
    (void)state;
    arena_init(&a);
    buf_init(&deep, 1 << 20);
    buf_init(&many, 1 << 24);
    for (int i = 0; i < PM_DEPTH_MAX + 1; i++)
        buf_addz(&deep, "{\"item\":[");
    buf_addz(&deep, "{\"request\":\"h\"}");
    for (int i = 0; i < PM_DEPTH_MAX + 1; i++)
        buf_addz(&deep, "]}");
    assert_code(pm_collection_read(&a, buf_str(&deep), "c", &c, &e), PM_LIMIT);
    buf_addz(&many, "{\"item\":[");
    for (int i = 0; i <= PM_ITEMS_MAX; i++)
        buf_addz(&many, i ? ",{\"item\":[]}" : "{\"item\":[]}");
    buf_addz(&many, "]}");
    e = ERR_INIT;
    assert_code(pm_collection_read(&a, buf_str(&many), "c", &c, &e), PM_LIMIT);
    buf_deinit(&deep);
    buf_deinit(&many);
    arena_deinit(&a);
}

// ---- the other files

static void environments(void **state)
{
    static const struct {
        const char *text;
        code code;
        uint32_t values;
        const char *says;
    } rows[] = {
        {"{\"id\":\"e\",\"name\":\"E\",\"values\":[{\"key\":\"a\"},{\"key\":\"b\"}]}", OK, 2, ""},
        {"{\"environment\":{\"id\":\"e\",\"name\":\"E\",\"values\":[{}]}}", OK, 1, ""},
        {"{\"globals\":{\"id\":\"e\",\"name\":\"E\",\"values\":[{}]}}", OK, 1, ""},
        {"\xef\xbb\xbf[{\"key\":\"a\"}]", OK, 1, ""},
        {"{}", OK, 0, ""},
        {"{\"values\":{}}", PM_VALUES, 0, "environment has no list 'values'"},
        {"{\"item\":[]}", PM_VALUES, 0, "no list 'values'"},
        {"\"x\"", PM_VALUES, 0, "environment must be an object, not a string"},
        {"{", DATA_SYNTAX, 0, "found the end"},
    };
    arena a;
    (void)state;
    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        pm_values v = {0};
        err e = ERR_INIT;
        code c = pm_values_read(&a, str_from(rows[i].text), "e.json", "environment", &v, &e);
        assert_row(i, c == rows[i].code);
        assert_row(i, c != OK || (v.values ? v.values->len : 0) == rows[i].values);
        assert_row(i, c != OK || v.id.len);
        assert_row(i, strstr(e.msg, rows[i].says));
    }
    arena_deinit(&a);
}

static void data_is_json_or_csv(void **state)
{
    static const struct {
        const char *text, *rows;
        code code;
        uint32_t line, col;
    } rows[] = {
        {"[{\"a\":1},{\"a\":\"2\"}]", "[{\"a\":1},{\"a\":\"2\"}]", OK, 0, 0},
        {"\xef\xbb\xbf[]", "[]", OK, 0, 0},
        {"a,b\n1,x\n", "[{\"a\":1,\"b\":\"x\"}]", OK, 0, 0},
        {"\xef\xbb\xbf"
         "a\n\"1\"\n",
         "[{\"a\":\"1\"}]", OK, 0, 0},
        {"a", "[]", OK, 0, 0},
        // what begins as JSON is meant as JSON: its own error is told
        {"[{\"a\":1},\n]", NULL, DATA_SYNTAX, 2, 1},
        {"{\"a\":1}", NULL, PM_DATA, 1, 1},
        {"[1]", NULL, PM_DATA, 1, 2},
        {"5", NULL, PM_DATA, 1, 1},
        {"a\n\"open\n", NULL, DATA_SYNTAX, 2, 1},
    };
    arena a;
    (void)state;
    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const json *got;
        err e = ERR_INIT;
        assert_row(i,
                   pm_data_read(&a, str_from(rows[i].text), "d", false, &got, &e) == rows[i].code);
        assert_row(i, e.line == rows[i].line && e.col == rows[i].col);
        if (rows[i].rows) {
            char *text = json_text(got, JSON_COMPACT);
            assert_string_equal(text, rows[i].rows);
            free(text);
        }
    }
    arena_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrappers_and_encodings),
        cmocka_unit_test(requests_of_any_form_become_one),
        cmocka_unit_test(what_is_no_collection_is_told_with_its_place),
        cmocka_unit_test(the_tree_is_in_document_order),
        cmocka_unit_test(one_event_needs_no_list),
        cmocka_unit_test(items_are_found),
        cmocka_unit_test(auth_comes_from_the_nearest),
        cmocka_unit_test(scripts_run_outermost_first),
        cmocka_unit_test(behavior_is_merged_key_by_key),
        cmocka_unit_test(each_setting_is_read),
        cmocka_unit_test(T50_depth_and_number_are_bounded),
        cmocka_unit_test(environments),
        cmocka_unit_test(data_is_json_or_csv),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
