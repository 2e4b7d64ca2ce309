// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"
#include "uri/uri.h"

enum { NOW = 1700000000 };

static void a_cookie_is_read_as_rfc_6265_says(void **state)
{
    (void)state;
    static const struct {
        const char *in, *name, *value, *domain, *path;
        int64_t expires_s; // -1: none
        bool secure, http_only;
    } rows[] = {
        {"a=b", "a", "b", "", "", -1, false, false},
        {" a = b ; ", "a", "b", "", "", -1, false, false},
        {"a=b=c; Path=/x; Domain=.Example.COM; Secure; HttpOnly", "a", "b=c", "example.com", "/x",
         -1, true, true},
        {"a=; path=relative", "a", "", "", "", -1, false, false},
        {"a=\"q\"", "a", "\"q\"", "", "", -1, false, false},
        {"nameless", "", "nameless", "", "", -1, false, false},
        {"=v", "", "v", "", "", -1, false, false},
        {"a=b; max-age=10", "a", "b", "", "", NOW + 10, false, false},
        {"a=b; max-age=0", "a", "b", "", "", 0, false, false},
        {"a=b; max-age=-1", "a", "b", "", "", 0, false, false},
        {"a=b; max-age=99999999999999999999", "a", "b", "", "", NOW + 400 * 86400, false, false},
        {"a=b; max-age=1x", "a", "b", "", "", -1, false, false},
        {"a=b; max-age=5; expires=Thu, 01 Jan 1970 00:00:10 GMT", "a", "b", "", "", NOW + 5, false,
         false},
        {"a=b; expires=Thu, 01 Jan 1970 00:00:10 GMT", "a", "b", "", "", 10, false, false},
        {"a=b; expires=never", "a", "b", "", "", -1, false, false},
        {"a=b; domain=; domain=x.example; unknown=1", "a", "b", "x.example", "", -1, false, false},
        {"a=b; path=/x; path=bad", "a", "b", "", "", -1, false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        arena_init(&a);
        uri_cookie c;
        assert_row(i, cookie_parse(&a, str_from(rows[i].in), NOW, &c));
        assert_strz(c.name, rows[i].name);
        assert_strz(c.value, rows[i].value);
        assert_strz(c.domain, rows[i].domain);
        assert_strz(c.path, rows[i].path);
        assert_row(i, c.has_expiry == (rows[i].expires_s >= 0));
        assert_row(i, !c.has_expiry || c.expires_s == rows[i].expires_s);
        assert_row(i, c.secure == rows[i].secure && c.http_only == rows[i].http_only);
        arena_deinit(&a);
    }
}

static void nothing_and_control_characters_are_no_cookie(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "", ";", "=", " = ; path=/", "a=b\x01", "a\n=b", "a=b; path=/\r"};
    arena a;
    arena_init(&a);
    uri_cookie c;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_row(i, !cookie_parse(&a, str_from(rows[i]), NOW, &c));
    char *large = mem_new(9000);
    memset(large, 'a', 8999);
    assert_false(cookie_parse(&a, str_from(large), NOW, &c));
    free(large);
    arena_deinit(&a);
}

static void dates_come_in_many_forms(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t s; // -1: no date
    } rows[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"Sun Nov  6 08:49:37 1994", 784111777},
        {"06 nov 1994 8:49:37", 784111777},
        {"1 Jan 2038 00:00:00", 2145916800},
        {"01-Jan-69 00:00:00", 3124224000},
        {"30 Feb 2020 00:00:00", -1},
        {"6 Nov 1994 24:00:00", -1},
        {"6 Nov 1994", -1},
        {"6 Nov 1600 00:00:00", -1},
        {"6 Nov 19945 00:00:00", -1},
        {"Nov 1994 00:00:00", -1},
        {"", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t s = -1;
        bool ok = cookie_date(str_from(rows[i].text), &s);
        assert_row(i, ok == (rows[i].s >= 0));
        assert_row(i, !ok || s == rows[i].s);
    }
}

static void a_cookie_goes_to_its_domain_and_path(void **state)
{
    (void)state;
    arena a;
    arena_init(&a);
    uri_host name, ip;
    assert_code(host_parse(&a, STR("api.example.com"), &name, NULL), OK);
    assert_code(host_parse(&a, STR("10.0.0.1"), &ip, NULL), OK);
    assert_true(cookie_domain_match(&name, STR("example.com")));
    assert_true(cookie_domain_match(&name, STR("api.example.com")));
    assert_false(cookie_domain_match(&name, STR("pi.example.com")));
    assert_true(cookie_domain_match(&ip, STR("10.0.0.1")));
    assert_false(cookie_domain_match(&ip, STR("0.0.1")));
    arena_deinit(&a);

    assert_true(cookie_path_match(STR("/a/b"), STR("/a")));
    assert_true(cookie_path_match(STR("/a/b"), STR("/a/")));
    assert_true(cookie_path_match(STR("/a"), STR("/a")));
    assert_false(cookie_path_match(STR("/ab"), STR("/a")));
    assert_false(cookie_path_match(STR("/"), STR("/a")));
    assert_strz(cookie_default_path(STR("/a/b/c")), "/a/b");
    assert_strz(cookie_default_path(STR("/a")), "/");
    assert_strz(cookie_default_path(STR("")), "/");
    assert_strz(cookie_default_path(STR("x/y")), "/");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cookie_is_read_as_rfc_6265_says),
        cmocka_unit_test(nothing_and_control_characters_are_no_cookie),
        cmocka_unit_test(dates_come_in_many_forms),
        cmocka_unit_test(a_cookie_goes_to_its_domain_and_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
