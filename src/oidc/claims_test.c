// SPDX-License-Identifier: Apache-2.0
// Claims → principal, row by row (T21, T47).
#include "base/test.h"
#include "data/data.h"
#include "oidc/oidc.h"

typedef struct row row;
struct row {
    const char *claims;
    const char *name;   // principal_name
    const char *domain; // "" when nobody vouches for one
};

static void check(const oidc_issuer *i, const row *rows, size_t count)
{
    for (size_t n = 0; n < count; n++) {
        arena a;
        arena_init(&a);
        json *claims = NULL;
        err e = ERR_INIT;
        if (json_parse(&a, str_from(rows[n].claims), NULL, &claims, &e))
            fail_msg("%s: %s", rows[n].claims, e.msg);
        jwt t = {.claims = claims, .subject = STR("7")};
        principal p;
        oidc_principal(&t, i, &a, &p);
        buf name;
        buf_init(&name, 1024);
        principal_name(&p, &name);
        if (!str_eq(buf_str(&name), str_from(rows[n].name)) ||
            !str_eq(p.domain, str_from(rows[n].domain)))
            fail_msg("%s: " STR_FMT " domain \"" STR_FMT "\"", rows[n].claims,
                     STR_ARG(buf_str(&name)), STR_ARG(p.domain));
        buf_deinit(&name);
        arena_deinit(&a);
    }
}

static void google(void **state)
{
    (void)state;
    static const str all[] = {{"*", 1}};
    const oidc_issuer i = {.issuer = STR("https://accounts.google.com"),
                           .kind = OIDC_GOOGLE,
                           .domains = all,
                           .domain_count = 1};
    static const row rows[] = {
        {"{\"email\":\"t@p.iam.gserviceaccount.com\",\"email_verified\":true}",
         "serviceAccount:t@p.iam.gserviceaccount.com", ""},
        {"{\"email\":\"1-compute@developer.gserviceaccount.com\",\"email_verified\":true}",
         "serviceAccount:1-compute@developer.gserviceaccount.com", ""},
        {"{\"email\":\"Jane@Example.COM\",\"email_verified\":true,\"hd\":\"Example.com\"}",
         "user:jane@example.com", "example.com"},
        {"{\"email\":\"jane@sub.example\",\"email_verified\":true,\"hd\":\"example.com\"}",
         "user:jane@sub.example", "example.com"},
        // A consumer account: nobody manages its domain.
        {"{\"email\":\"jane@gmail.com\",\"email_verified\":true}", "user:jane@gmail.com", ""},
        {"{\"email\":\"jane@example.com\",\"email_verified\":\"true\"}", "user:jane@example.com",
         ""},
        // A service account isn't managed by a domain, whatever hd says.
        {"{\"email\":\"t@p.iam.gserviceaccount.com\",\"email_verified\":true,\"hd\":\"x.com\"}",
         "serviceAccount:t@p.iam.gserviceaccount.com", ""},
        // Without an address, azp tells people from accounts.
        {"{\"azp\":\"1.apps.googleusercontent.com\"}", "user:https://accounts.google.com#7", ""},
        {"{\"azp\":\"108\"}", "serviceAccount:https://accounts.google.com#7", ""},
    };
    check(&i, rows, ARRAY_LEN(rows));
}

static void T21_addresses_that_only_look_right(void **state)
{
    (void)state;
    static const str domains[] = {{"example.com", 11}};
    const oidc_issuer i = {
        .issuer = STR("https://idp"), .kind = OIDC_OTHER, .domains = domains, .domain_count = 1};
    static const row rows[] = {
        {"{\"email\":\"jane@example.com\",\"email_verified\":true}", "user:jane@example.com",
         "example.com"},
        {"{\"email\":\"JANE@EXAMPLE.COM\",\"email_verified\":true}", "user:jane@example.com",
         "example.com"},
        {"{\"email\":\"jane@example.com\",\"email_verified\":false}", "user:https://idp#7", ""},
        {"{\"email\":\"jane@example.com\",\"email_verified\":\"false\"}", "user:https://idp#7", ""},
        {"{\"email\":\"jane@example.com\",\"email_verified\":1}", "user:https://idp#7", ""},
        {"{\"email\":\"jane@example.com\"}", "user:https://idp#7", ""},
        {"{\"email\":\"a@b@example.com\",\"email_verified\":true}", "user:https://idp#7", ""},
        {"{\"email\":\"jane@evilexample.com\",\"email_verified\":true}", "user:https://idp#7", ""},
        {"{\"email\":\"jane@sub.example.com\",\"email_verified\":true}", "user:https://idp#7", ""},
        {"{\"email\":\"jane@example.com.evil\",\"email_verified\":true}", "user:https://idp#7", ""},
        {"{\"email\":\"jane@example.com \",\"email_verified\":true}", "user:https://idp#7", ""},
        {"{\"email\":\"@example.com\",\"email_verified\":true}", "user:https://idp#7", ""},
        {"{\"email\":[\"jane@example.com\"],\"email_verified\":true}", "user:https://idp#7", ""},
        {"{\"email\":{},\"email_verified\":true}", "user:https://idp#7", ""},
    };
    check(&i, rows, ARRAY_LEN(rows));
}

static void T47_an_issuer_names_nobody_elses_people(void **state)
{
    (void)state;
    static const str mine[] = {{"acme.example", 12}};
    const oidc_issuer other = {
        .issuer = STR("https://idp"), .kind = OIDC_OTHER, .domains = mine, .domain_count = 1};
    static const row of_other[] = {
        {"{\"email\":\"jane@acme.example\",\"email_verified\":true}", "user:jane@acme.example",
         "acme.example"},
        {"{\"email\":\"jane@example.com\",\"email_verified\":true}", "user:https://idp#7", ""},
        {"{\"email\":\"jane@acme.example\",\"email_verified\":true,\"hd\":\"google.com\"}",
         "user:jane@acme.example", "acme.example"},
        {"{\"email\":\"t@p.iam.gserviceaccount.com\",\"email_verified\":true}",
         "user:https://idp#7", ""},
    };
    check(&other, of_other, ARRAY_LEN(of_other));

    const oidc_issuer google = {.issuer = STR("https://accounts.google.com"),
                                .kind = OIDC_GOOGLE,
                                .domains = mine,
                                .domain_count = 1};
    static const row of_google[] = {
        {"{\"email\":\"j@example.com\",\"email_verified\":true,\"hd\":\"example.com\","
         "\"azp\":\"1.apps.googleusercontent.com\"}",
         "user:https://accounts.google.com#7", ""},
        {"{\"email\":\"j@acme.example\",\"email_verified\":true,\"hd\":\"example.com\"}",
         "user:j@acme.example", ""},
        {"{\"email\":\"t@p.iam.gserviceaccount.com\",\"email_verified\":true}",
         "serviceAccount:t@p.iam.gserviceaccount.com", ""},
    };
    check(&google, of_google, ARRAY_LEN(of_google));

    // One that may speak for all mail still isn't the one that manages a domain, nor Google.
    static const str all[] = {{"*", 1}};
    const oidc_issuer lone = {
        .issuer = STR("https://idp"), .kind = OIDC_OTHER, .domains = all, .domain_count = 1};
    static const row of_lone[] = {
        {"{\"email\":\"j@example.com\",\"email_verified\":true,\"hd\":\"example.com\"}",
         "user:j@example.com", ""},
        {"{\"email\":\"t@p.iam.gserviceaccount.com\",\"email_verified\":true}",
         "user:https://idp#7", ""},
    };
    check(&lone, of_lone, ARRAY_LEN(of_lone));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(google),
        cmocka_unit_test(T21_addresses_that_only_look_right),
        cmocka_unit_test(T47_an_issuer_names_nobody_elses_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
