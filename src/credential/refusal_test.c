// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"
#include "credential/credential.h"

#define PAGE STR("<html><head></head><body><h1>Error: Unauthorized</h1><h2>no</h2></body></html>")
#define URL "https://orders-abc123-uc.a.run.app"
enum { NOW_S = 1800000000 };

// A token that nobody signed: what is explained is read, not verified.
static str token_of(arena *a, const char *claims)
{
    buf b;
    buf_init(&b, 16 << 10);
    base64url_encode(&b, STR("{\"alg\":\"RS256\",\"kid\":\"k\"}"));
    buf_addc(&b, '.');
    base64url_encode(&b, str_from(claims));
    buf_addz(&b, ".c2lnbmF0dXJl");
    str text = arena_str(a, buf_str(&b));
    buf_deinit(&b);
    return text;
}

typedef struct row row;
struct row {
    int status;
    const char *claims; // NULL: `token` as it is
    const char *token;
    int64_t server_s;
    code code;
    const char *says; // part of the sentence
    const char *fix;  // part of the fix
};

#define CLAIMS(aud, exp)                                                                           \
    "{\"iss\":\"https://accounts.google.com\",\"aud\":\"" aud                                      \
    "\",\"email\":\"t@p.iam.gserviceaccount.com\",\"sub\":\"1\",\"iat\":1799999000,\"exp\":" exp   \
    "}"

static const row rows[] = {
    {403, NULL, "", 0, IAM_ANONYMOUS, "carried no identity", "gatepost connect " URL},
    {401, NULL, "ya29.c.b0Aaekm1K", 0, GUARD_ACCESS_TOKEN, "access token", "gatepost lint --fix"},
    {401, NULL, "opaque", 0, JWT_FORMAT, "nor has it the form", "gatepost run"},
    {401, NULL, "not.a.jwt", 0, JWT_FORMAT, "not a JWT", "gatepost run"},
    {401, NULL, "", 0, GUARD_SCHEME, "X-Serverless-Authorization header",
     "gatepost token --audience " URL},
    {401, CLAIMS(URL, "1799999999"), NULL, 0, JWT_EXPIRED, "expired 1 s ago", "--audience " URL},
    {401, CLAIMS(URL, "1799990000"), NULL, 0, JWT_EXPIRED, "expired 2 h ago", "gatepost run"},
    {401, CLAIMS("https://other.example", "1800003600"), NULL, 0, JWT_AUDIENCE,
     "made for 'https://other.example', but this service's audience is '" URL "'",
     "gatepost token --audience " URL},
    {401, CLAIMS(URL "/", "1800003600"), NULL, 0, JWT_AUDIENCE, "letter for letter",
     "custom audience"},
    {401, CLAIMS(URL, "1800003600"), NULL, 0, JWT_SIGNATURE, "signature is not", "gatepost token"},
    {401, "{\"iss\":\"t@p.iam.gserviceaccount.com\",\"aud\":\"" URL "\",\"exp\":1800003600}", NULL,
     0, OIDC_ISSUER, "signed itself", "gatepost token"},
    {401, "{\"iss\":\"https://acme.okta.com\",\"aud\":\"" URL "\",\"exp\":1800003600}", NULL, 0,
     OIDC_ISSUER, "'https://acme.okta.com'", "exchange it first"},
    // The server's clock counts: here it is ten minutes ahead of ours.
    {401, CLAIMS(URL, "1800000300"), NULL, NOW_S + 600, JWT_EXPIRED,
     "clock is 10 min behind the server's", "timedatectl"},
    {401,
     "{\"iss\":\"https://accounts.google.com\",\"aud\":\"" URL
     "\",\"iat\":1800000600,\"exp\":1800004200}",
     NULL, NOW_S, JWT_EARLY, "in the future", "timedatectl"},
    {403, CLAIMS(URL, "1800003600"), NULL, 0, IAM_DENIED,
     "serviceAccount:t@p.iam.gserviceaccount.com was recognised",
     "add-iam-policy-binding orders --member=serviceAccount:t@p.iam.gserviceaccount.com"},
    {403,
     "{\"iss\":\"https://accounts.google.com\",\"aud\":\"" URL
     "\",\"sub\":\"42\",\"exp\":1800004200}",
     NULL, 0, IAM_DENIED, "no e-mail address", "includeEmail"},
    {404, NULL, "", 0, HTTP_ABSENT, "ingress", "gcloud run services describe orders"},
};

static void test_each_refusal_is_explained(void **state)
{
    (void)state;
    arena a;
    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const row *w = &rows[i];
        refusal r = {
            .status = w->status,
            .url = STR(URL "/orders"),
            .token = w->claims ? token_of(&a, w->claims) : str_from(w->token),
            .audience = STR(URL),
            .body = PAGE,
            .server_s = w->server_s,
            .now_s = NOW_S,
        };
        refusal_reason why;
        refusal_explain(&r, &a, &why);
        if (why.code != w->code || str_find(why.sentence, str_from(w->says)) < 0 ||
            str_find(why.fix, str_from(w->fix)) < 0)
            fail_msg("row %zu: [%s] " STR_FMT " / " STR_FMT, i, code_id(why.code),
                     STR_ARG(why.sentence), STR_ARG(why.fix));
        if (w->claims) { // T32: an explanation is printed, so it can't hold the token
            assert_true(str_find(why.sentence, r.token) < 0);
            assert_true(str_find(why.fix, r.token) < 0);
        }
    }
    arena_deinit(&a);
}

static void test_the_application_speaks_for_itself(void **state)
{
    (void)state;
    arena a;
    arena_init(&a);
    refusal r = {.status = 403, .url = STR(URL "/"), .body = STR("{\"error\":\"not yours\"}")};
    refusal_reason why;
    refusal_explain(&r, &a, &why);
    assert_int_equal(why.code, OK);
    assert_true(str_find(why.sentence, STR("application itself answered 403")) >= 0);
    // Cloud Run's challenge tells it apart where the body doesn't.
    r.status = 401;
    r.www_authenticate = STR("Bearer error=\"invalid_token\"");
    r.token = STR("ya29.x");
    refusal_explain(&r, &a, &why);
    assert_int_equal(why.code, GUARD_ACCESS_TOKEN);
    arena_deinit(&a);
}

static void test_plain_http_is_not_to_be_trusted(void **state)
{
    (void)state;
    arena a;
    arena_init(&a);
    refusal r = {.status = 403, .url = STR("http://orders-abc123-uc.a.run.app/"), .body = PAGE};
    refusal_reason why;
    refusal_explain(&r, &a, &why);
    assert_int_equal(why.code, IAM_ANONYMOUS);
    assert_true(str_find(why.fix, STR("by https")) >= 0);
    arena_deinit(&a);
}

static void test_a_local_service_is_mended_in_its_project_file(void **state)
{
    (void)state;
    arena a;
    arena_init(&a);
    refusal r = {.status = 403,
                 .url = STR(URL "/"),
                 .audience = STR(URL),
                 .body = PAGE,
                 .local = true,
                 .now_s = NOW_S};
    refusal_reason why;
    refusal_explain(&r, &a, &why);
    assert_true(str_find(why.fix, STR("gatepost connect --local " URL)) >= 0);
    r.token = token_of(&a, CLAIMS(URL, "1800003600"));
    refusal_explain(&r, &a, &why);
    assert_int_equal(why.code, IAM_DENIED);
    assert_true(str_find(why.fix, STR("gatepost.yaml")) >= 0);
    arena_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_refusal_is_explained),
        cmocka_unit_test(test_the_application_speaks_for_itself),
        cmocka_unit_test(test_plain_http_is_not_to_be_trusted),
        cmocka_unit_test(test_a_local_service_is_mended_in_its_project_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
