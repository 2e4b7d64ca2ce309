// SPDX-License-Identifier: Apache-2.0
// Match patterns row by row, and which certificate counts.
#include "base/test.h"
#include "runner/run.h"

static void patterns_match(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *url;
        bool matches;
    } rows[] = {
        {"https://a.example/*", "https://a.example/", true},
        {"https://a.example/*", "https://a.example/x/y", true},
        {"https://a.example/*", "https://b.example/", false},
        {"https://A.example/*", "https://a.example/", true},
        {"https://a.example", "https://a.example/x", true},
        {"https://a.example/x", "https://a.example/x", true},
        {"https://a.example/x", "https://a.example/xy", false},
        {"https://a.example/x/*", "https://a.example/y", false},
        {"https://*.example/*", "https://a.b.example/", true},
        {"https://*.a.example/*", "https://a.example/", true},
        {"https://*.a.example/*", "https://xa.example/", false},
        {"https://*/*", "https://anything.example/", true},
        {"https://*:*/*", "https://anything.example:81/", true},
        // the port: the scheme's own unless there is one
        {"https://a.example/*", "https://a.example:444/", false},
        {"https://a.example:443/*", "https://a.example/", true},
        {"https://a.example:444/*", "https://a.example:444/", true},
        {"https://a.example:x/*", "https://a.example/", false},
        {"https://[::1]:444/*", "https://[::1]:444/", true},
        {"https://[::1]/*", "https://[::1]/", true},
        {"https://*.0.0.1/*", "https://127.0.0.1/", false},
        // the scheme
        {"http+https://a.example/*", "https://a.example/", true},
        {"*://a.example/*", "https://a.example/", true},
        {"http://a.example/*", "https://a.example/", false},
        {"<all_urls>", "https://a.example:1/x", true},
        {"a.example", "https://a.example/", false},
        {"", "https://a.example/", false},
    };
    arena a;
    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uri_url u;
        assert_code(url_parse(&a, str_from(rows[i].url), &u, NULL), OK);
        assert_row(i, certificate_matches(str_from(rows[i].pattern), &u) == rows[i].matches);
    }
    arena_deinit(&a);
}

static void the_first_match_counts(void **state)
{
    (void)state;
    static const str one[] = {STR("https://a.example/*"), STR("https://b.example/*")};
    static const str all[] = {STR("<all_urls>")};
    static const run_certificate list[] = {
        {.matches = one, .match_count = 2, .cert_file = "one.pem", .key_file = "one.key"},
        {.matches = all, .match_count = 1, .cert_file = "all.p12", .p12 = true},
    };
    static const struct {
        const char *url;
        size_t count;
        const char *cert, *key;
    } rows[] = {
        {"https://b.example/", 2, "one.pem", "one.key"},
        {"https://c.example/", 2, "all.p12", NULL},
        {"https://c.example/", 1, "general.pem", "general.key"}, // no match
        {"http://a.example/", 2, "general.pem", "general.key"},  // https only
    };
    arena a;
    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uri_url u;
        runner r = {.o = {.certificates = list, .certificate_count = rows[i].count}};
        fetch_tls tls = {.cert_file = "general.pem", .key_file = "general.key"};
        assert_code(url_parse(&a, str_from(rows[i].url), &u, NULL), OK);
        certificate_choose(&r, &u, &tls);
        assert_string_equal(tls.cert_file, rows[i].cert);
        assert_row(i, rows[i].key ? !strcmp(tls.key_file, rows[i].key) : !tls.key_file);
        assert_row(i, tls.cert_p12 == !strcmp(tls.cert_file, "all.p12"));
    }
    arena_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match),
        cmocka_unit_test(the_first_match_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
