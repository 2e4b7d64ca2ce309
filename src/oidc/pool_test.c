// SPDX-License-Identifier: Apache-2.0
// Workload identity pools: which tokens a provider believes, and who they name.
#include "oidc/oidc_pool.h"
#include "oidc/test_issuer.h"

#define POOL "projects/123456789012/locations/global/workloadIdentityPools/ci"
#define NAME "//iam.googleapis.com/" POOL "/providers/idp"
#define NOW 1800000000

// {"ci":{"providers":{"idp":{"issuer":…,"jwks":…, MORE}}}} with key_a and key_b; the JSON in `more`
// has ' for ".
static const json *declaration(fixture *f, const char *issuer, bool inline_keys, const char *more)
{
    buf b;
    json *root = NULL;
    err e = ERR_INIT;
    buf_init(&b, 64 << 10);
    buf_addf(&b, "{\"ci\":{\"providers\":{\"idp\":{\"issuer\":\"%s\"", issuer);
    if (inline_keys) {
        jwk_set *both = jwk_set_new();
        jwk_set_add(both, key_a);
        jwk_set_add(both, key_b);
        buf_addz(&b, ",\"jwks\":");
        jwk_set_write_json(both, &b);
        jwk_set_unref(both);
    }
    buf_addc(&b, ',');
    for (const char *at = more; *at; at++)
        buf_addc(&b, *at == '`' ? '"' : *at);
    buf_addz(&b, "}}}}");
    if (json_parse(&f->mem, buf_str(&b), NULL, &root, &e))
        fail_msg("%s: %s", e.msg, buf_cstr(&b));
    buf_deinit(&b);
    return root;
}

static pool_set *pools(fixture *f, const char *issuer, const char *more)
{
    pool_set *s = NULL;
    err e = ERR_INIT;
    if (pool_set_new(f->loop, declaration(f, issuer, true, more), STR("123456789012"), &s, &e))
        fail_msg("%s", e.msg);
    return s;
}

static code check(fixture *f, pool_set *s, str token, pool_identity *who)
{
    code c;
    f->e = ERR_INIT;
    assert_int_equal(pool_check(pool_set_at(s, 0), &(oidc_query){.token = token, .now_s = NOW},
                                &f->mem, who, &c, &f->e),
                     OIDC_DONE);
    assert_int_equal(f->e.code, c);
    return c;
}

static str claims_of(fixture *f, const char *text)
{
    char *to = arena_cstr(&f->mem, str_from(text));
    for (char *at = to; *at; at++)
        *at = *at == '`' ? '"' : *at;
    return str_from(to);
}

#define TIMES "`iat`:1799999990,`exp`:1800003590"
#define MAP_SUB "`map`:{`google.subject`:`assertion.sub`}"

// ---- who: tokens as the common issuers make them

static const struct {
    const char *issuer, *more, *claims;
    const char *subject;
    const char *members[3]; // that cover it
    const char *other;      // that doesn't
} common[] = {
    // GitHub Actions
    {"https://token.actions.githubusercontent.com",
     "`audiences`:[`https://gate.example.com`],"
     "`map`:{`google.subject`:`assertion.sub`,`attribute.repository`:`assertion.repository`,"
     "`attribute.owner`:`assertion.repository_owner`},"
     "`condition`:`assertion.repository_owner == 'acme' && attribute.owner == 'acme'`",
     "{`iss`:`https://token.actions.githubusercontent.com`,`aud`:`https://gate.example.com`,"
     "`sub`:`repo:acme/shop:ref:refs/heads/main`,`repository`:`acme/shop`,"
     "`repository_owner`:`acme`,`ref`:`refs/heads/main`,`run_id`:`17`,`nbf`:1799999390," TIMES "}",
     "repo:acme/shop:ref:refs/heads/main",
     {"principal://iam.googleapis.com/" POOL "/subject/repo:acme/shop:ref:refs/heads/main",
      "principalSet://iam.googleapis.com/" POOL "/attribute.repository/acme/shop",
      "principalSet://iam.googleapis.com/" POOL "/*"},
     "principalSet://iam.googleapis.com/" POOL "/attribute.repository/acme/other"},
    // Okta, an authorization server of its own
    {"https://acme.okta.com/oauth2/aus1",
     "`audiences`:[`api://gcp`],`map`:{`google.subject`:`assertion.sub`,"
     "`google.groups`:`assertion.groups`}",
     "{`iss`:`https://acme.okta.com/oauth2/aus1`,`aud`:`api://gcp`,`sub`:`00u1`,"
     "`groups`:[`deployers`,`staff`],`ver`:1," TIMES "}",
     "00u1",
     {"principal://iam.googleapis.com/" POOL "/subject/00u1",
      "principalSet://iam.googleapis.com/" POOL "/group/deployers",
      "principalSet://iam.googleapis.com/" POOL "/group/staff"},
     "principalSet://iam.googleapis.com/" POOL "/group/admins"},
    // Entra v2: the audience is the bare client id
    {"https://login.microsoftonline.com/7f3c/v2.0",
     "`audiences`:[`1b2c`]," MAP_SUB,
     "{`iss`:`https://login.microsoftonline.com/7f3c/v2.0`,`aud`:`1b2c`,`sub`:`s-1`,"
     "`tid`:`7f3c`,`ver`:`2.0`,`nbf`:1799999990," TIMES "}",
     "s-1",
     {"principal://iam.googleapis.com/" POOL "/subject/s-1"},
     "principal://iam.googleapis.com/" POOL "/subject/s-2"},
    // Entra v1: another issuer, with a slash at its end, and an api:// audience
    {"https://sts.windows.net/7f3c/",
     "`audiences`:[`api://gcp`],`map`:{`google.subject`:`assertion.tid + '/' + "
     "assertion.oid`}",
     "{`iss`:`https://sts.windows.net/7f3c/`,`aud`:`api://gcp`,`oid`:`o-1`,`tid`:`7f3c`,"
     "`ver`:`1.0`," TIMES "}",
     "7f3c/o-1",
     {"principal://iam.googleapis.com/" POOL "/subject/7f3c/o-1"},
     "principal://iam.googleapis.com/" POOL "/subject/o-1"},
    // Kubernetes: audiences are a list, claims an object with dots in its name
    {"https://kubernetes.default.svc.cluster.local",
     "`map`:{`google.subject`:`assertion.sub`,`attribute.namespace`:"
     "`assertion['kubernetes.io'].namespace`,`attribute.account`:"
     "`assertion.sub.extract('system:serviceaccount:{ns}:')`}",
     "{`iss`:`https://kubernetes.default.svc.cluster.local`,`aud`:[`other`,`https:" NAME "`],"
     "`sub`:`system:serviceaccount:shop:web`,`kubernetes.io`:{`namespace`:`shop`,"
     "`serviceaccount`:{`name`:`web`}}," TIMES "}",
     "system:serviceaccount:shop:web",
     {"principalSet://iam.googleapis.com/" POOL "/attribute.namespace/shop",
      "principalSet://iam.googleapis.com/" POOL "/attribute.account/shop"},
     "principalSet://iam.googleapis.com/projects/123456789012/locations/global/"
     "workloadIdentityPools/other/*"},
};

static void tokens_of_the_common_issuers_become_principals(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(common); i++) {
        pool_set *s = pools(f, common[i].issuer, common[i].more);
        pool_identity who;
        str token = sign(f, i % 2 ? key_b : key_a, "JWT", claims_of(f, common[i].claims));
        if (check(f, s, token, &who))
            fail_msg("row %zu: %s", i, f->e.msg);
        assert_int_equal(who.who.kind, PRINCIPAL_WORKLOAD);
        assert_strz(who.who.subject, common[i].subject);
        assert_strz(who.who.issuer, common[i].issuer);
        assert_strz(who.who.pool, POOL);
        for (size_t k = 0; k <= ARRAY_LEN(common[i].members); k++) {
            bool covers = k < ARRAY_LEN(common[i].members);
            const char *text = covers ? common[i].members[k] : common[i].other;
            member m;
            if (!text)
                continue;
            assert_code(member_parse(str_from(text), &f->mem, &m, NULL), OK);
            assert_row(i, member_matches(&m, &who.who, false) == covers);
        }
        pool_set_free(s);
    }
}

// ---- whether

#define IDP "https://idp.example"

static void each_check_refuses_with_its_code(void **state)
{
    static const struct {
        const char *claims;
        const char *more;
        code want;
        const char *says;
    } rows[] = {
        {"{`iss`:`" IDP "`,`aud`:`a`,`sub`:`s`," TIMES "}", "`audiences`:[`a`]," MAP_SUB, OK, ""},
        {"{`iss`:`" IDP "/`,`aud`:`a`,`sub`:`s`," TIMES "}", "`audiences`:[`a`]," MAP_SUB,
         OIDC_ISSUER, "the provider's issuer is " IDP},
        {"{`aud`:`a`,`sub`:`s`," TIMES "}", "`audiences`:[`a`]," MAP_SUB, OIDC_ISSUER, "\"\""},
        {"{`iss`:`" IDP "`,`aud`:`A`,`sub`:`s`," TIMES "}", "`audiences`:[`a`,`b`]," MAP_SUB,
         JWT_AUDIENCE, "for \"A\", the provider takes a and others"},
        {"{`iss`:`" IDP "`,`sub`:`s`," TIMES "}", "`audiences`:[`a`]," MAP_SUB, JWT_AUDIENCE, ""},
        {"{`iss`:`" IDP "`,`aud`:`" NAME "`,`sub`:`s`," TIMES "}", MAP_SUB, OK, ""},
        {"{`iss`:`" IDP "`,`aud`:`https:" NAME "`,`sub`:`s`," TIMES "}", MAP_SUB, OK, ""},
        {"{`iss`:`" IDP "`,`aud`:`" NAME "`,`sub`:`s`," TIMES "}", "`audiences`:[`a`]," MAP_SUB,
         JWT_AUDIENCE, ""},
        {"{`iss`:`" IDP "`,`aud`:`" NAME "`,`sub`:`s`,`iat`:1799990000,`exp`:1799999941}", MAP_SUB,
         OK, ""}, // 59 s ago
        {"{`iss`:`" IDP "`,`aud`:`" NAME "`,`sub`:`s`,`iat`:1799990000,`exp`:1799999939}", MAP_SUB,
         JWT_EXPIRED, "expired"}, // 61 s ago
        {"{`iss`:`" IDP "`,`aud`:`" NAME "`,`sub`:`s`,`iat`:1800000060,`exp`:1800003600}", MAP_SUB,
         OK, ""},
        {"{`iss`:`" IDP "`,`aud`:`" NAME "`,`sub`:`s`,`iat`:1800000119,`exp`:1800003600}", MAP_SUB,
         JWT_EARLY, "119 s from now"},
        {"{`iss`:`" IDP "`,`aud`:`" NAME "`,`sub`:`s`,`exp`:1800003600}", MAP_SUB, JWT_EXPIRED,
         "iat"},
        {"{`iss`:`" IDP "`,`aud`:`" NAME "`,`sub`:`s`,`iat`:1799990000}", MAP_SUB, JWT_EXPIRED,
         "exp"},
        {"{`iss`:`" IDP "`,`aud`:`" NAME "`," TIMES "}", MAP_SUB, POOL_MAPPING,
         "google.subject can't be mapped: no such key"},
        {"{`iss`:`" IDP "`,`aud`:`" NAME "`,`sub`:`s`,`n`:7," TIMES "}",
         "`map`:{`google.subject`:`assertion.n`}", POOL_MAPPING, "google.subject isn't a text"},
        {"{`iss`:`" IDP "`,`aud`:`" NAME "`,`sub`:``," TIMES "}", MAP_SUB, POOL_MAPPING, "empty"},
        {"{`iss`:`" IDP "`,`aud`:`" NAME "`,`sub`:`s`," TIMES "}",
         "`map`:{`google.subject`:`assertion.sub`,`google.groups`:`assertion.aud`}", POOL_MAPPING,
         "google.groups isn't a list"},
        {"{`iss`:`" IDP "`,`aud`:`" NAME "`,`sub`:`s`," TIMES "}",
         MAP_SUB ",`condition`:`assertion.sub == 't'`", POOL_CONDITION, "isn't true"},
        {"{`iss`:`" IDP "`,`aud`:`" NAME "`,`sub`:`s`," TIMES "}",
         MAP_SUB ",`condition`:`google.subject == 's'`", OK, ""},
        {"{`iss`:`" IDP "`,`aud`:`" NAME "`,`sub`:`s`," TIMES "}",
         MAP_SUB ",`condition`:`'admins' in google.groups`", POOL_CONDITION, "isn't true"},
        {"{`iss`:`" IDP "`,`aud`:`" NAME "`,`sub`:`s`," TIMES "}",
         MAP_SUB ",`condition`:`assertion.absent == 't'`", POOL_CONDITION, "can't be evaluated"},
    };
    fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        pool_set *s = pools(f, IDP, rows[i].more);
        pool_identity who;
        code c = check(f, s, sign(f, key_a, "JWT", claims_of(f, rows[i].claims)), &who);
        if (c != rows[i].want || !strstr(f->e.msg, rows[i].says))
            fail_msg("row %zu: [%s] %s", i, code_id(c), f->e.msg);
        pool_set_free(s);
    }
}

#define GOOD "{`iss`:`" IDP "`,`aud`:`" NAME "`,`sub`:`s`," TIMES "}"

static void T14_T15_T16_a_token_must_be_signed_by_a_key_of_the_provider(void **state)
{
    fixture *f = *state;
    pool_set *s = pools(f, IDP, MAP_SUB);
    pool_identity who;
    jwk *other = jwk_generate(JOSE_RS256, STR("a")), *unknown = jwk_generate(JOSE_RS256, STR("c")),
        *p384 = jwk_generate(JOSE_ES384, STR("a"));
    str good = sign(f, key_a, "JWT", claims_of(f, GOOD));
    assert_code(check(f, s, good, &who), OK);
    assert_code(check(f, s, sign(f, key_a, "at+jwt", claims_of(f, GOOD)), &who), OK); // RFC 9068
    assert_code(check(f, s, sign(f, key_a, "logout+jwt", claims_of(f, GOOD)), &who), JWT_TYPE);
    assert_code(check(f, s, sign(f, other, "JWT", claims_of(f, GOOD)), &who), JWT_SIGNATURE);
    assert_code(check(f, s, sign(f, unknown, "JWT", claims_of(f, GOOD)), &who), JWT_KEY);
    assert_code(check(f, s, sign(f, p384, "JWT", claims_of(f, GOOD)), &who), JWT_ALG);
    assert_code(check(f, s, STR("not.a.token"), &who), JWT_FORMAT);
    str unsigned_one =
        arena_printf(&f->mem, "eyJhbGciOiJub25lIn0" STR_FMT,
                     STR_ARG(str_sub(str_skip(good, (size_t)str_chr(good, '.')), 0,
                                     (size_t)(str_rchr(good, '.') - str_chr(good, '.') + 1))));
    assert_int_not_equal(check(f, s, unsigned_one, &who), OK);
    jwk_unref(other);
    jwk_unref(unknown);
    jwk_unref(p384);
    pool_set_free(s);
}

// Whatever a foreign token says of itself, it stays an identity of its pool.
static void T21_T47_a_foreign_token_names_no_account_of_google(void **state)
{
    static const char *const members[] = {
        "user:jane@example.com",
        "serviceAccount:bot@p.iam.gserviceaccount.com",
        "domain:example.com",
        "group:ops@example.com",
        "allAuthenticatedUsers",
        "principalSet://cloudresourcemanager.googleapis.com/projects/123456789012/type/"
        "ServiceAccount",
        "principal://iam.googleapis.com/locations/global/workforcePools/ci/subject/"
        "jane@example.com"};
    static const char *const subjects[] = {"jane@example.com", "bot@p.iam.gserviceaccount.com"};
    fixture *f = *state;
    pool_set *s = pools(f, IDP,
                        "`map`:{`google.subject`:`assertion.sub`,`google.groups`:"
                        "`['ops@example.com']`}");
    for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
        pool_identity who;
        str claims = arena_printf(&f->mem,
                                  "{`iss`:`" IDP "`,`aud`:`" NAME "`,`sub`:`%s`,`email`:`%s`,"
                                  "`email_verified`:true,`hd`:`example.com`," TIMES "}",
                                  subjects[i], subjects[i]);
        assert_code(check(f, s, sign(f, key_a, "JWT", claims_of(f, claims.ptr)), &who), OK);
        for (size_t k = 0; k < ARRAY_LEN(members); k++) {
            member m;
            assert_code(member_parse(str_from(members[k]), &f->mem, &m, NULL), OK);
            assert_row(k, !member_matches(&m, &who.who, true));
        }
    }
    pool_set_free(s);
}

static void a_subject_has_at_most_127_bytes(void **state)
{
    fixture *f = *state;
    pool_set *s = pools(f, IDP, MAP_SUB);
    pool_identity who;
    for (size_t len = 127; len <= 128; len++) {
        char sub[129] = "";
        memset(sub, 'x', len);
        str claims =
            arena_printf(&f->mem, "{`iss`:`" IDP "`,`aud`:`" NAME "`,`sub`:`%s`," TIMES "}", sub);
        code c = check(f, s, sign(f, key_a, "JWT", claims_of(f, claims.ptr)), &who);
        assert_int_equal(c, len == 127 ? OK : POOL_MAPPING);
    }
    assert_non_null(strstr(f->e.msg, "more than 127 bytes"));
    pool_set_free(s);
}

static void T50_what_a_token_maps_to_is_limited_in_all(void **state)
{
    fixture *f = *state;
    pool_set *s = pools(f, IDP,
                        "`map`:{`google.subject`:`assertion.sub`,`attribute.a`:`assertion.a + "
                        "assertion.a`}");
    pool_identity who;
    buf claims;
    buf_init(&claims, 16 << 10);
    buf_addz(&claims, "{`iss`:`" IDP "`,`aud`:`" NAME "`,`sub`:`s`," TIMES ",`a`:`");
    for (int i = 0; i < 5000; i++)
        buf_addc(&claims, 'a');
    buf_addz(&claims, "`}");
    str token = sign(f, key_a, "JWT", claims_of(f, buf_cstr(&claims)));
    assert_code(check(f, s, token, &who), POOL_MAPPING);
    assert_non_null(strstr(f->e.msg, "more than 8192 bytes"));
    buf_deinit(&claims);
    pool_set_free(s);
}

// ---- discovery

static void keys_come_by_discovery_when_none_are_given(void **state)
{
    fixture *f = *state;
    pool_set *s = NULL;
    pool_identity who;
    code c;
    int64_t now_s = clock_wall_s();
    const json *pools_json = declaration(f, f->origin.ptr, false, MAP_SUB);
    assert_code(pool_set_new(f->loop, pools_json, STR("123456789012"), &s, NULL), OK);
    str token = sign(f, key_a, "JWT",
                     arena_printf(&f->mem,
                                  "{\"iss\":\"" STR_FMT "\",\"aud\":\"" NAME "\",\"sub\":\"s\","
                                  "\"iat\":%lld,\"exp\":%lld}",
                                  STR_ARG(f->origin), (long long)now_s, (long long)now_s + 600));
    pool_provider *p = pool_set_at(s, 0);
    const oidc_query q = {.token = token, .now_s = now_s};
    assert_int_equal(pool_check(p, &q, &f->mem, &who, &c, NULL), OIDC_WAIT);
    pool_wait_keys(p, on_told, f);
    run_until_told(f, 1);
    assert_int_equal(pool_check(p, &q, &f->mem, &who, &c, NULL), OIDC_DONE);
    assert_code(c, OK);
    assert_strz(who.who.subject, "s");
    assert_int_equal(f->discoveries, 1);
    pool_set_free(s);
}

static void a_token_for_somebody_else_makes_nobody_ask_its_issuer(void **state)
{
    fixture *f = *state;
    pool_set *s = NULL;
    pool_identity who;
    code c;
    const json *pools_json = declaration(f, f->origin.ptr, false, "`audiences`:[`a`]," MAP_SUB);
    assert_code(pool_set_new(f->loop, pools_json, STR("123456789012"), &s, NULL), OK);
    const oidc_query q = {.token = token_of(f, key_a), .now_s = clock_wall_s()};
    assert_int_equal(pool_check(pool_set_at(s, 0), &q, &f->mem, &who, &c, NULL), OIDC_DONE);
    assert_code(c, JWT_AUDIENCE);
    assert_int_equal(f->discoveries, 0);
    pool_set_free(s);
}

// ---- declaration

static void a_provider_is_found_by_its_full_name_unless_it_is_disabled(void **state)
{
    static const struct {
        const char *more, *audience;
        bool found;
    } rows[] = {
        {MAP_SUB, NAME, true},
        {MAP_SUB, "https:" NAME, true},
        {MAP_SUB, "iam.googleapis.com/" POOL "/providers/idp", false},
        {MAP_SUB, NAME "2", false},
        {MAP_SUB, "", false},
        {"`disabled`:false," MAP_SUB, NAME, true},
        {"`disabled`:true," MAP_SUB, NAME, false},
    };
    fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        pool_set *s = pools(f, IDP, rows[i].more);
        assert_row(i, (pool_set_find(s, str_from(rows[i].audience)) != NULL) == rows[i].found);
        pool_set_free(s);
    }
}

static void a_wrong_declaration_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *issuer, *more;
        code want;
        const char *says, *hint;
    } rows[] = {
        {IDP, "`map`:{`attribute.a`:`assertion.sub`}", POOL_CONFIG, "google.subject is missing",
         ""},
        {IDP, "`map`:{`google.subject`:`asertion.sub`}", CEL_NAME,
         "map[\"google.subject\"]: at 1:1 of the expression: there is no variable 'asertion'",
         "did you mean 'assertion'?"},
        {IDP, "`map`:{`google.subject`:`attribute.x`}", CEL_NAME, "'attribute'", ""},
        {IDP, "`map`:{`google.subject`:`1 + 1`}", CEL_TYPED, "must give a string, not a int",
         "string("},
        {IDP, "`map`:{`google.subject`:`'a'`,`google.groups`:`'b'`}", CEL_TYPED,
         "must give a list(string), not a string", ""},
        {IDP, "`map`:{`google.subject`:`assertion.`}", CEL_SYNTAX, "", ""},
        {IDP, MAP_SUB ",`condition`:`assertion.sub + 'x'`", CEL_TYPED, "bool", ""},
        {IDP, MAP_SUB ",`condition`:`assertion.sub.matches('(?=a)')`", CEL_SYNTAX, "", ""},
        {"http://idp.example", MAP_SUB, OIDC_CONFIG, "isn't https", ""},
        {"https://idp.example?x", MAP_SUB, OIDC_CONFIG, "query", ""},
    };
    fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        pool_set *s = NULL;
        err e = ERR_INIT;
        code c = pool_set_new(f->loop, declaration(f, rows[i].issuer, true, rows[i].more),
                              STR("123456789012"), &s, &e);
        if (c != rows[i].want || e.code != c || !e.line || !strstr(e.msg, rows[i].says) ||
            !strstr(e.hint, rows[i].hint))
            fail_msg("row %zu: [%s] %u: %s (%s)", i, code_id(c), e.line, e.msg, e.hint);
    }
}

static void keys_that_google_refuses_are_refused(void **state)
{
    static const jose_alg algs[] = {JOSE_ES384, JOSE_EDDSA};
    fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(algs); i++) {
        pool_set *s = NULL;
        err e = ERR_INIT;
        jwk *k = jwk_generate(algs[i], STR("k"));
        buf more;
        buf_init(&more, 8192);
        jwk_set *keys = jwk_set_new();
        jwk_set_add(keys, k);
        buf_addz(&more, MAP_SUB ",`jwks`:");
        jwk_set_write_json(keys, &more);
        const json *root = declaration(f, IDP, false, buf_cstr(&more));
        assert_code(pool_set_new(f->loop, root, STR("1"), &s, &e), POOL_CONFIG);
        assert_non_null(strstr(e.msg, jose_alg_name(algs[i])));
        assert_non_null(strstr(e.hint, "P-256"));
        jwk_set_unref(keys);
        jwk_unref(k);
        buf_deinit(&more);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(tokens_of_the_common_issuers_become_principals),
        CASE(each_check_refuses_with_its_code),
        CASE(T14_T15_T16_a_token_must_be_signed_by_a_key_of_the_provider),
        CASE(T21_T47_a_foreign_token_names_no_account_of_google),
        CASE(a_subject_has_at_most_127_bytes),
        CASE(T50_what_a_token_maps_to_is_limited_in_all),
        CASE(keys_come_by_discovery_when_none_are_given),
        CASE(a_token_for_somebody_else_makes_nobody_ask_its_issuer),
        CASE(a_provider_is_found_by_its_full_name_unless_it_is_disabled),
        CASE(a_wrong_declaration_is_refused_with_its_place),
        CASE(keys_that_google_refuses_are_refused),
    };
    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
