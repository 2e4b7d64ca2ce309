// SPDX-License-Identifier: Apache-2.0
// URLs: the bytes that leave are those that newman 6.2.2 sends for the same text.
#include "base/test.h"
#include "postman/postman.h"

static str wire(arena *a, str text, bool verbatim)
{
    pm_url u;
    str url = STR_NONE;
    err e = ERR_INIT;
    pm_url_parse(a, text, &u);
    if (pm_url_wire(a, &u, verbatim, &url, &e) != OK)
        fail_msg(STR_FMT ": %s", STR_ARG(text), e.msg);
    return url;
}

static void test_wire(void **state)
{
    static const struct {
        const char *text, *wire;
    } rows[] = {
        {"http://example.com", "http://example.com/"},
        {"example.com/a", "http://example.com/a"},
        {"  example.com/a", "http://example.com/a"},
        {"HTTPS://EXAMPLE.com:8443/A", "https://example.com:8443/A"},
        {"http://example.com:/a", "http://example.com/a"},
        {"http:\\\\example.com\\a\\b", "http://example.com/a/b"},
        {"http:////example.com/a", "http://example.com/a"},
        {"http://user:pa@ss@example.com/a", "http://example.com/a"},
        {"http://[::1]:80/a", "http://[::1]:80/a"},
        {"http://m\xc3\xbcnchen.de/\xc3\xbc", "http://xn--mnchen-3ya.de/%C3%BC"},
        // what is encoded, and what is not
        {"http://h/a b\"<>`{}", "http://h/a%20b%22%3C%3E%60%7B%7D"},
        {"http://h/a|^[]'!$&()*+,;=:@~-._", "http://h/a|^[]'!$&()*+,;=:@~-._"},
        {"http://h/%41%zz%", "http://h/%41%zz%"},
        {"http://h/./a/../b//c", "http://h/./a/../b//c"},
        {"http://h/a?b=c d\"'<>{}|^`\\", "http://h/a?b=c%20d%22%27%3C%3E{}|^`\\"},
        {"http://h/a?b=\xe2\x82\xac", "http://h/a?b=%E2%82%AC"},
        {"http://h/a?b=1+2&c=a=b", "http://h/a?b=1+2&c=a=b"},
        {"http://h/a?", "http://h/a?"},
        {"http://h/a?&b", "http://h/a?&b"},
        {"http://h?x=1#frag", "http://h/?x=1"},
        {"http://h/a#b?c", "http://h/a"},
        {"h?a=b?c=d/e:f@g", "http://h/?a=b?c=d/e:f@g"},
        {"http://u:p@h/a@b", "http://h/a@b"},
        {"h:8080\\x?y\\z", "http://h:8080/x?y\\z"},
        {"http://h/\x7f", "http://h/%7F"},
        {"http://h/a\tb?c\td", "http://h/a%09b?c%09d"},
        {"http://h/:id/x", "http://h/:id/x"},
    };
    arena a;
    (void)state;
    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_strz(wire(&a, str_from(rows[i].text), false), rows[i].wire);
    assert_strz(wire(&a, STR("http://h/a b\"?c d"), true), "http://h/a b\"?c d");
    arena_deinit(&a);
}

static void test_refused(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"", "has no host"},
        {"http://", "has no host"},
        {"{{baseUrl}}/a", "names a host by 'baseUrl', which has no value"},
        {"http://h:80a/", "has a port that is no number"},
        {"http://h:99999/", "has a port that is no number"},
        {"http://a b/", "has a host that can't exist"},
    };
    arena a;
    (void)state;
    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        pm_url u;
        str url;
        err e = ERR_INIT;
        pm_url_parse(&a, str_from(rows[i].text), &u);
        assert_row(i, pm_url_wire(&a, &u, false, &url, &e) == PM_URL);
        assert_row(i, strstr(e.msg, rows[i].why));
    }
    arena_deinit(&a);
}

// Reading and writing again gives the same text: templates may stand anywhere.
static void test_text_survives(void **state)
{
    static const char *const rows[] = {
        "http://example.com/a/b?c=d&e#f",
        "{{baseUrl}}/orders/{{id}}?x={{y}}",
        "{{scheme}}://{{user}}:{{password}}@{{host.name}}:{{port}}/{{a/b?c#d}}",
        "http://h/a?{{k=v&w}}={{v#w}}",
        "http://h/a?b&=c&d=",
        "http://h?",
        "http://h",
        "h:80/a",
    };
    arena a;
    (void)state;
    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        pm_url parsed, read;
        pm_url_parse(&a, str_from(rows[i]), &parsed);
        assert_strz(pm_url_text(&a, &parsed), rows[i]);
        // and by way of the object
        pm_url_read(&a, pm_url_json(&a, &parsed), &read);
        assert_strz(pm_url_text(&a, &read), rows[i]);
    }
    arena_deinit(&a);
}

static void test_objects(void **state)
{
    static const struct {
        const char *json, *text;
    } rows[] = {
        {"{\"raw\":\"http://ignored/\",\"protocol\":\"https\",\"host\":[\"a\",\"b\"],"
         "\"port\":\"8\",\"path\":[\"x\",\"y\"]}",
         "https://a.b:8/x/y"},
        {"{\"protocol\":\"https://\",\"host\":\"a.b\",\"port\":8,\"path\":\"/x/y\"}",
         "https://a.b:8/x/y"},
        {"{\"host\":\"a\",\"path\":\"x\"}", "a/x"},
        {"{\"host\":\"a\",\"path\":[\"x\",{\"type\":\"string\",\"value\":\"y\"}]}", "a/x/y"},
        {"{\"host\":\"a\",\"query\":\"b=c&d\"}", "a?b=c&d"},
        {"{\"host\":\"a\",\"query\":{\"b\":\"c\",\"d\":null}}", "a?b=c&d"},
        // separators in keys and values are escaped, those in templates are not
        {"{\"host\":\"a\",\"query\":[{\"key\":\"b&=#\",\"value\":\"c&=#{{d&e}}\"}]}",
         "a?b%26%3D%23=c%26=%23{{d&e}}"},
        {"{\"host\":\"a\",\"query\":[{\"key\":\"b\",\"value\":null},{\"key\":\"c\",\"value\":\"\"}]"
         "}",
         "a?b&c="},
        {"{\"host\":\"a\",\"query\":[{\"key\":\"b\",\"disabled\":true}]}", "a"},
        {"{\"host\":\"a\",\"query\":[{\"key\":\"b\",\"disabled\":true},{\"key\":\"c\"}]}", "a?c"},
        // path variables
        {"{\"host\":\"a\",\"path\":\"/:id/:id.json/:x\",\"variable\":[{\"key\":\"id\","
         "\"value\":\"7\"},{\"id\":\"x\",\"value\":\"\"}]}",
         "a/7/7.json/:x"},
        {"{\"auth\":{\"user\":\"u\",\"password\":\"p\"},\"host\":\"a\"}", "u:p@a"},
        {"{\"host\":\"a\",\"hash\":\"h\"}", "a#h"},
        // what is there but empty
        {"{\"host\":\"h\",\"path\":\"\"}", "h"},
        {"{\"host\":\"h\",\"path\":\"/\"}", "h/"},
        {"{\"host\":\"h\",\"path\":[\"\"]}", "h/"},
        {"{\"host\":\"h\",\"path\":[\"x\",\"\"]}", "h/x/"},
        {"{\"host\":\"h\",\"port\":\"\"}", "h:"},
        {"{\"host\":\"h\",\"hash\":\"\"}", "h#"},
        {"{\"host\":\"h\",\"query\":[]}", "h"},
        {"{\"host\":\"h\",\"auth\":{\"user\":\"u\"}}", "u@h"},
        {"{\"host\":[\"{{h.i}}\"],\"path\":[\":id\",\"z\"],\"variable\":[{\"key\":\"id\",\"value\":"
         "\"a/b\"}]}",
         "{{h.i}}/a/b/z"},
        {"{\"host\":\"h\",\"query\":[{\"value\":\"v\"},{\"key\":null,\"value\":\"w\"},{\"key\":"
         "\"k\",\"value\":\"\"}]}",
         "h?=v&=w&k="},
        {"{\"host\":\"h\",\"query\":[{\"key\":\"{{i&j}}\",\"value\":\"{{k#l}}&\"}]}",
         "h?{{i&j}}={{k#l}}%26"},
        {"{\"protocol\":\"https://\",\"host\":\"h\"}", "https://h"},
        {"\"http://a/b\"", "http://a/b"},
        {"null", ""},
        {"{}", ""},
    };
    arena a;
    (void)state;
    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json *v;
        pm_url u;
        assert_code(json_parse(&a, str_from(rows[i].json), NULL, &v, NULL), OK);
        pm_url_read(&a, v, &u);
        assert_strz(pm_url_text(&a, &u), rows[i].text);
    }
    arena_deinit(&a);
}

static void test_host_labels(void **state)
{
    arena a;
    pm_url u;
    (void)state;
    arena_init(&a);
    pm_url_parse(&a, STR("http://a.{{b.c}}.d/x"), &u);
    const json *labels = json_get(pm_url_json(&a, &u), "host");
    assert_int_equal(labels->len, 3);
    assert_strz(json_at(labels, 1)->text, "{{b.c}}");
    arena_deinit(&a);
}

// T50: a path of many segments with many variables is read in time.
static void T50_many_path_variables(void **state)
{
    arena a;
    buf text;
    pm_url u;
    json *v;
    (void)state;
    arena_init(&a);
    buf_init(&text, 32 << 20);
    buf_addz(&text, "{\"host\":\"a\",\"path\":\"");
    for (int i = 0; i < 20000; i++)
        buf_addz(&text, "/:x");
    buf_addz(&text, "\",\"variable\":[{\"key\":\"a\"}");
    for (int i = 0; i < 20000; i++)
        buf_addz(&text, ",{\"key\":\"a\"}");
    buf_addz(&text, "]}");
    assert_code(json_parse(&a, buf_str(&text), NULL, &v, NULL), OK);
    uint64_t start = clock_mono_ms();
    pm_url_read(&a, v, &u);
    assert_int_equal(pm_url_text(&a, &u).len, 1 + 3 * 20000);
    assert_true(clock_mono_ms() - start < 5000);
    buf_deinit(&text);
    arena_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wire),          cmocka_unit_test(test_refused),
        cmocka_unit_test(test_text_survives), cmocka_unit_test(test_objects),
        cmocka_unit_test(test_host_labels),   cmocka_unit_test(T50_many_path_variables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
