// SPDX-License-Identifier: Apache-2.0
// What may be configured (T34, T47).
#include "base/test.h"
#include "net/net.h"
#include "oidc/oidc.h"

static oidc *o;
static loop *l;

static int set_up(void **state)
{
    (void)state;
    l = loop_new();
    o = oidc_new(l, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    oidc_free(o);
    loop_free(l);
    return 0;
}

static code add(const char *issuer, const char *domain, err *e)
{
    const str domains[] = {str_from(domain)};
    const oidc_issuer i = {.issuer = str_from(issuer),
                           .kind = OIDC_OTHER,
                           .domains = domains,
                           .domain_count = domain != NULL};
    *e = ERR_INIT;
    return oidc_add(o, &i, e);
}

static void an_issuer_is_an_https_url(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "accounts.google.com",
        "http://idp.example",
        "http://127.0.0.1:8080", // loopback wasn't allowed
        "https://idp.example?x=1",
        "https://idp.example#f",
        "https://u:p@idp.example",
        "ftp://idp.example",
        "https://",
    };
    err e;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_row(i, add(bad[i], NULL, &e) == OIDC_CONFIG && e.msg[0]);
    assert_code(add("https://idp.example/tenant/v2.0", NULL, &e), OK);
    assert_true(oidc_knows(o, STR("https://idp.example/tenant/v2.0")));
    assert_false(oidc_knows(o, STR("https://idp.example/tenant/v2.0/")));
    assert_code(add("https://idp.example/tenant/v2.0", NULL, &e), OIDC_CONFIG);
    assert_non_null(strstr(e.msg, "twice"));
}

static void loopback_http_needs_the_switch_and_loopback(void **state)
{
    (void)state;
    static const struct {
        const char *issuer;
        code want;
    } rows[] = {
        {"http://127.0.0.1:8080", OK},
        {"http://localhost:8080/x", OK},
        {"http://[::1]:8080", OK},
        {"http://10.0.0.1", OIDC_CONFIG},
        {"http://localhost.example", OIDC_CONFIG},
        {"http://127.0.0.1.example", OIDC_CONFIG},
    };
    oidc_options options = {.loopback = true};
    oidc_free(o);
    o = oidc_new(l, &options);
    err e;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_row(i, add(rows[i].issuer, NULL, &e) == rows[i].want);
}

static void places_of_keys_are_judged_too(void **state)
{
    (void)state;
    err e = ERR_INIT;
    oidc_issuer i = {.issuer = STR("https://idp.example"), .jwks_url = STR("http://idp.example")};
    assert_code(oidc_add(o, &i, &e), OIDC_CONFIG);
    i.jwks_url = STR_NONE;
    i.discovery_url = STR("http://idp.example/d");
    assert_code(oidc_add(o, &i, &e), OIDC_CONFIG);
    oidc *without_loop = oidc_new(NULL, NULL);
    i.discovery_url = STR_NONE;
    assert_code(oidc_add(without_loop, &i, &e), OIDC_CONFIG);
    assert_non_null(strstr(e.msg, "must be given"));
    oidc_free(without_loop);
}

static void T47_no_two_issuers_own_a_domain(void **state)
{
    (void)state;
    err e;
    assert_code(add("https://one.example", "example.com", &e), OK);
    assert_code(add("https://two.example", "EXAMPLE.com", &e), OIDC_CONFIG);
    assert_non_null(strstr(e.msg, "both own example.com"));
    assert_non_null(strstr(e.msg, "https://one.example"));
    assert_code(add("https://two.example", "*", &e), OIDC_CONFIG);
    assert_false(oidc_knows(o, STR("https://two.example")));
    assert_code(add("https://two.example", "sub.example.com", &e), OK); // another domain
    assert_code(add("https://three.example", NULL, &e), OK);            // speaks for nobody
}

static void T47_who_speaks_for_all_stands_alone(void **state)
{
    (void)state;
    err e;
    assert_code(add("https://one.example", "*", &e), OK);
    assert_code(add("https://two.example", "example.com", &e), OIDC_CONFIG);
    assert_code(add("https://two.example", NULL, &e), OIDC_CONFIG);
    assert_non_null(strstr(e.hint, "list the domains"));
}

static void T47_nobody_is_given_googles_service_accounts(void **state)
{
    (void)state;
    static const char *const bad[] = {"gserviceaccount.com", "p.iam.GServiceAccount.com",
                                      "a@example.com",       "*.example.com",
                                      ".example.com",        ""};
    err e;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_row(i, add("https://one.example", bad[i], &e) == OIDC_CONFIG);
}

static void star_beside_others_is_refused(void **state)
{
    (void)state;
    static const str domains[] = {{"*", 1}, {"example.com", 11}};
    err e = ERR_INIT;
    const oidc_issuer i = {
        .issuer = STR("https://one.example"), .domains = domains, .domain_count = 2};
    assert_code(oidc_add(o, &i, &e), OIDC_CONFIG);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_issuer_is_an_https_url),
        CASE(loopback_http_needs_the_switch_and_loopback),
        CASE(places_of_keys_are_judged_too),
        CASE(T47_no_two_issuers_own_a_domain),
        CASE(T47_who_speaks_for_all_stands_alone),
        CASE(T47_nobody_is_given_googles_service_accounts),
        CASE(star_beside_others_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
