// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"
#include "credential/credential.h"

static trust_set *trust_of(const char *specs)
{
    err e = ERR_INIT;
    trust_set *t = trust_set_new();
    if (trust_add_list(t, str_from(specs), "--trust", &e))
        fail_msg("%s: %s", specs, e.msg);
    return t;
}

static trust_match find(const trust_set *t, const char *url, bool built)
{
    err e = ERR_INIT;
    trust_match m;
    if (trust_find(t, str_from(url), built, &m, &e))
        fail_msg("%s: %s", url, e.msg);
    return m;
}

static void specs_are_projects_or_origins(void **state)
{
    (void)state;
    static const struct {
        const char *spec;
        code code;
    } rows[] = {
        {"123456789012", OK},
        {"abc123xyz0", OK},
        {" https://orders.example ", OK},
        {"https://orders.example/", OK},
        {"https://orders.example:8443", OK},
        {"http://127.0.0.1:8080", OK},
        {"http://localhost:8080", OK},
        {"http://[::1]:8080", OK},
        {"", TRUST_SPEC},
        {"abc", TRUST_SPEC},
        {"my-project", TRUST_SPEC},
        {"orders.example", TRUST_SPEC},
        {"*.run.app", TRUST_SPEC},
        {"https://*.run.app", TRUST_SPEC},
        {"https://orders.example/path", TRUST_SPEC},
        {"https://orders.example?q", TRUST_SPEC},
        {"https://user@orders.example", TRUST_SPEC},
        {"http://orders.example", TRUST_SPEC},
        {"http://10.0.0.1", TRUST_SPEC},
        {"ftp://127.0.0.1", TRUST_SPEC},
        {"https://", TRUST_SPEC},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        err e = ERR_INIT;
        trust_set *t = trust_set_new();
        code c = trust_add(t, str_from(rows[i].spec), "--trust", &e);
        if (c != rows[i].code || e.code != rows[i].code)
            fail_msg("'%s': %s %s", rows[i].spec, code_id(c), e.msg);
        if (c) {
            assert_true(e.hint[0]);
            assert_non_null(strstr(e.msg, "--trust"));
        }
        trust_set_free(t);
    }
}

// Who is trusted when the number 123456789012, the hash abc123xyz0 and two origins are.
static void T38_only_the_trusted_project_and_origin_match(void **state)
{
    (void)state;
    trust_set *t =
        trust_of("123456789012, abc123xyz0 https://api.example,https://one.run.app:8443");
    static const struct {
        const char *url;
        bool built;
        trust_level level;
        bool candidate;
    } rows[] = {
        {"https://orders-abc123xyz0-uc.a.run.app/x", false, TRUST_PROJECT, true},
        {"https://ORDERS-ABC123XYZ0-UC.A.RUN.APP./x", false, TRUST_PROJECT, true},
        {"https://tag---orders-abc123xyz0-uc.a.run.app", false, TRUST_PROJECT, true},
        {"https://orders-123456789012.europe-west1.run.app", false, TRUST_PROJECT, true},
        {"https://orders-abc123xyz0-uc.a.run.app:443/", false, TRUST_PROJECT, true},
        {"https://api.example/any?thing#x", false, TRUST_ORIGIN, true},
        {"https://api.example/any", true, TRUST_ORIGIN, true},
        {"https://one.run.app:8443/", false, TRUST_ORIGIN, true},
        // built by a script or a response: only the exact origin
        {"https://orders-abc123xyz0-uc.a.run.app/x", true, TRUST_NONE, true},
        {"https://orders-123456789012.europe-west1.run.app", true, TRUST_NONE, true},
        // somebody else's
        {"https://attacker-zzzzzzzzzz-uc.a.run.app/", false, TRUST_NONE, true},
        {"https://orders-999999999999.europe-west1.run.app/", false, TRUST_NONE, true},
        {"https://x-abc123xyz0-zzzzzzzzzz-uc.a.run.app/", false, TRUST_NONE, true},
        {"https://x-123456789012-999999999999.europe-west1.run.app/", false, TRUST_NONE, true},
        {"https://abc123xyz0.run.app/", false, TRUST_NONE, true},
        {"https://deep.orders-abc123xyz0-uc.a.run.app/", false, TRUST_NONE, true},
        {"https://run.app/", false, TRUST_NONE, true},
        // other schemes and ports
        {"http://orders-abc123xyz0-uc.a.run.app/", false, TRUST_NONE, true},
        {"https://orders-abc123xyz0-uc.a.run.app:8443/", false, TRUST_NONE, true},
        {"https://api.example:8443/", false, TRUST_NONE, false},
        {"http://api.example/", false, TRUST_NONE, false},
        // names that only resemble it (threat 35)
        {"https://orders-abc123xyz0-uc.a.run.app.attacker.example/", false, TRUST_NONE, false},
        {"https://notrun.app/", false, TRUST_NONE, false},
        {"https://orders-abc123xyz0-uc.a.run.app@attacker.example/", false, TRUST_NONE, false},
        {"https://xapi.example/", false, TRUST_NONE, false},
        {"https://api.example.attacker.example/", false, TRUST_NONE, false},
        {"https://attacker.example/https://api.example", false, TRUST_NONE, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        trust_match m = find(t, rows[i].url, rows[i].built);
        if (m.level != rows[i].level || m.candidate != rows[i].candidate)
            fail_msg("%s: level %d, candidate %d", rows[i].url, m.level, m.candidate);
    }
    trust_set_free(t);
}

static void T38_a_label_that_may_be_cut_names_no_project(void **state)
{
    (void)state;
    trust_set *t = trust_of("abc123xyz0 123456789012");
    // 63 characters that end as if they were the trusted project's.
    const char *url = "https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-abc123xyz0-uc"
                      ".a.run.app/";
    assert_int_equal(strchr(url, '.') - (url + 8), 63);
    trust_match m = find(t, url, false);
    assert_int_equal(m.level, TRUST_NONE);
    assert_true(m.candidate);
    assert_false(m.project_known);
    trust_set_free(t);
}

static void what_a_match_tells(void **state)
{
    (void)state;
    trust_set *t = trust_of("abc123xyz0");
    trust_match m = find(t, "https://Orders-abc123xyz0-uc.a.run.app:443/a/b?c", false);
    assert_string_equal(m.origin, "https://orders-abc123xyz0-uc.a.run.app");
    assert_string_equal(m.audience, "https://orders-abc123xyz0-uc.a.run.app");
    assert_string_equal(m.authority, "orders-abc123xyz0-uc.a.run.app");
    assert_string_equal(m.project, "abc123xyz0");
    assert_string_equal(m.from, "--trust");
    assert_true(m.https);

    m = find(t, "https://green---orders-abc123xyz0-uc.a.run.app/", false);
    assert_string_equal(m.origin, "https://green---orders-abc123xyz0-uc.a.run.app");
    assert_string_equal(m.audience, "https://orders-abc123xyz0-uc.a.run.app");

    m = find(t, "http://[::1]:8080/", false);
    assert_string_equal(m.authority, "[::1]:8080");
    assert_true(m.loopback);
    assert_false(m.https);
    assert_false(m.candidate);
    trust_set_free(t);
}

static void local_services_are_trusted_by_nature(void **state)
{
    (void)state;
    trust_set *t = trust_set_new();
    str audience = STR("https://orders-abc123xyz0-uc.a.run.app");
    assert_code(trust_add_local(t, STR("http://127.0.0.1:41001"), audience, NULL), OK);
    assert_code(trust_add_local(t, audience, audience, NULL), OK);
    trust_match m = find(t, "http://127.0.0.1:41001/orders", false);
    assert_int_equal(m.level, TRUST_LOCAL);
    assert_string_equal(m.audience, audience.ptr);
    assert_int_equal(find(t, "http://127.0.0.1:41001/orders", true).level, TRUST_LOCAL);
    assert_int_equal(find(t, "https://orders-abc123xyz0-uc.a.run.app/", true).level, TRUST_LOCAL);
    assert_int_equal(find(t, "http://127.0.0.1:41002/", false).level, TRUST_NONE);
    assert_int_equal(find(t, "https://127.0.0.1:41001/", false).level, TRUST_NONE);
    trust_set_free(t);
}

static void a_declined_origin_is_remembered(void **state)
{
    (void)state;
    trust_set *t = trust_set_new();
    trust_match m = find(t, "https://a-abc123xyz0-uc.a.run.app/", false);
    trust_decline(t, str_from(m.origin));
    assert_true(find(t, "https://a-abc123xyz0-uc.a.run.app/b", false).declined);
    assert_false(find(t, "https://b-abc123xyz0-uc.a.run.app/", false).declined);
    trust_set_free(t);
}

static void urls_that_cannot_be_read_are_errors(void **state)
{
    (void)state;
    static const char *const urls[] = {"",
                                       "orders",
                                       "https://",
                                       "https://a b/",
                                       "https://a\\b.example/",
                                       "//x",
                                       "https://exa\tmple/"};
    trust_set *t = trust_of("https://api.example");
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        trust_match m;
        err e = ERR_INIT;
        if (trust_find(t, str_from(urls[i]), false, &m, &e) == OK)
            fail_msg("'%s' was read", urls[i]);
        assert_int_equal(m.level, TRUST_NONE);
    }
    trust_set_free(t);
}

// Whoever keeps what was found must notice that it may have changed.
static void each_change_has_a_version(void **state)
{
    (void)state;
    trust_set *t = trust_set_new();
    uint64_t seen = trust_version(t);
    for (int i = 0; i < 5; i++) {
        if (i == 0)
            assert_code(trust_add(t, STR("123456789012"), "--trust", NULL), OK);
        else if (i == 1)
            assert_code(trust_add(t, STR("https://a.example"), "--trust", NULL), OK);
        else if (i == 2)
            assert_code(trust_add_local(t, STR("https://b.example"), STR("x"), NULL), OK);
        else if (i == 3)
            assert_code(trust_note_served(t, STR("https://c.example"), NULL), OK);
        else
            trust_decline(t, STR("https://d.example"));
        assert_row(i, trust_version(t) != seen);
        seen = trust_version(t);
    }
    find(t, "https://a.example/", false);
    assert_true(trust_version(t) == seen);
    trust_set_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(specs_are_projects_or_origins),
        cmocka_unit_test(T38_only_the_trusted_project_and_origin_match),
        cmocka_unit_test(T38_a_label_that_may_be_cut_names_no_project),
        cmocka_unit_test(what_a_match_tells),
        cmocka_unit_test(local_services_are_trusted_by_nature),
        cmocka_unit_test(a_declined_origin_is_remembered),
        cmocka_unit_test(urls_that_cannot_be_read_are_errors),
        cmocka_unit_test(each_change_has_a_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
