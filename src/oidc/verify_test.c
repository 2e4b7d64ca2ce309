// SPDX-License-Identifier: Apache-2.0
// Verification with keys in memory: the exact issuer, its keys and no other's, all claims.
#include "base/test.h"
#include "data/data.h"
#include "oidc/oidc.h"

#define NOW 1800000000
#define ONE "https://one.example"
#define TWO "https://two.example/v2.0"

static struct {
    arena a;
    jwk *one, *two;
    jwk_set *keys_one, *keys_two;
    oidc *o;
    oidc_identity who;
    err e;
} with;

static int make_keys(void **state)
{
    (void)state;
    with.one = jwk_generate(JOSE_RS256, STR("k"));
    with.two = jwk_generate(JOSE_ES384, STR("k")); // the same kid, another issuer
    with.keys_one = jwk_set_new();
    with.keys_two = jwk_set_new();
    jwk_set_add(with.keys_one, with.one);
    jwk_set_add(with.keys_two, with.two);
    return 0;
}

static int drop_keys(void **state)
{
    (void)state;
    jwk_unref(with.one);
    jwk_unref(with.two);
    jwk_set_unref(with.keys_one);
    jwk_set_unref(with.keys_two);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    static const str domains[] = {{"example.com", 11}};
    const oidc_options options = {.leeway_s = 10};
    const oidc_issuer one = {.issuer = STR(ONE),
                             .kind = OIDC_GOOGLE,
                             .domains = domains,
                             .domain_count = 1,
                             .keys = with.keys_one};
    const oidc_issuer two = {.issuer = STR(TWO), .kind = OIDC_OTHER, .keys = with.keys_two};
    arena_init(&with.a);
    with.o = oidc_new(NULL, &options);
    assert_code(oidc_add(with.o, &one, &with.e), OK);
    assert_code(oidc_add(with.o, &two, &with.e), OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    oidc_free(with.o);
    arena_deinit(&with.a);
    return 0;
}

// A token of any header and claims, rightly signed with the key.
static str make(jwk *k, const char *header, const char *claims)
{
    buf token, sig;
    buf_init(&token, 64 << 10);
    buf_init(&sig, 1024);
    base64url_encode(&token, str_from(header));
    buf_addc(&token, '.');
    base64url_encode(&token, str_from(claims));
    assert_code(jws_sign(k, buf_str(&token), &sig, NULL), OK);
    buf_addc(&token, '.');
    base64url_encode(&token, buf_str(&sig));
    str kept = arena_str(&with.a, buf_str(&token));
    buf_deinit(&token);
    buf_deinit(&sig);
    return kept;
}

static code verify(str token)
{
    static const str audiences[] = {{"https://a", 9}, {"https://b", 9}};
    code c = CODE_COUNT;
    const oidc_query q = {
        .token = token, .audiences = audiences, .audience_count = 2, .now_s = NOW};
    oidc_state s = oidc_verify(with.o, &q, &with.a, &with.who, &c, &with.e);
    assert_int_equal(s, OIDC_DONE);
    assert_int_equal(with.e.code, c);
    assert_true(c == OK || with.e.msg[0]);
    return c;
}

#define RS "{\"alg\":\"RS256\",\"kid\":\"k\"}"
#define ES "{\"alg\":\"ES384\",\"kid\":\"k\"}"
#define CLAIMS(iss) "{\"iss\":\"" iss "\",\"aud\":\"https://a\",\"sub\":\"7\",\"exp\":1800000060}"

typedef struct row row;
struct row {
    const char *header, *claims;
    code want;
};

static void check(jwk *k, const row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        code c = verify(make(k, rows[i].header, rows[i].claims));
        if (c != rows[i].want)
            fail_msg("%s %s: [%s] %s", rows[i].header, rows[i].claims, code_id(c), with.e.msg);
    }
}

static void a_good_token_of_each_issuer_is_verified(void **state)
{
    (void)state;
    assert_code(verify(make(with.one, RS, CLAIMS(ONE))), OK);
    assert_int_equal(with.who.kind, OIDC_GOOGLE);
    assert_str(with.who.who.issuer, STR(ONE));
    assert_str(with.who.token.audiences[0], STR("https://a"));
    assert_code(verify(make(with.two, ES, CLAIMS(TWO))), OK);
    assert_int_equal(with.who.kind, OIDC_OTHER);
    assert_str(with.who.who.subject, STR("7"));
    assert_int_equal(with.who.generation, oidc_generation(with.o, STR(TWO)));
}

static void the_issuer_is_chosen_letter_for_letter(void **state)
{
    (void)state;
    static const row rows[] = {
        {RS, CLAIMS("https://one.example/"), OIDC_ISSUER},
        {RS, CLAIMS("https://ONE.example"), OIDC_ISSUER},
        {RS, CLAIMS("http://one.example"), OIDC_ISSUER},
        {RS, CLAIMS("https://one.example.evil"), OIDC_ISSUER},
        {RS, CLAIMS("one.example"), OIDC_ISSUER},
        {RS, CLAIMS(""), OIDC_ISSUER},
        {RS, "{\"aud\":\"https://a\",\"exp\":1800000060}", OIDC_ISSUER},
        {RS, "{\"iss\":[\"https://one.example\"],\"aud\":\"https://a\",\"exp\":1800000060}",
         JWT_CLAIMS},
    };
    check(with.one, rows, ARRAY_LEN(rows));
    assert_code(verify(make(with.one, RS, CLAIMS("https://evil.example"))), OIDC_ISSUER);
    assert_non_null(strstr(with.e.msg, "https://evil.example"));
    assert_non_null(strstr(with.e.hint, ONE));
    assert_str(with.who.token.issuer, STR("https://evil.example")); // a report may name it
}

static void one_issuers_key_signs_for_no_other(void **state)
{
    (void)state;
    assert_code(verify(make(with.two, ES, CLAIMS(ONE))), JWT_ALG);
    assert_code(verify(make(with.one, RS, CLAIMS(TWO))), JWT_ALG);
    jwk *stray = jwk_generate(JOSE_RS256, STR("k"));
    assert_code(verify(make(stray, RS, CLAIMS(ONE))), JWT_SIGNATURE);
    jwk_unref(stray);
}

static void T14_T15_T16_T18_the_header_chooses_nothing(void **state)
{
    (void)state;
    static const row rows[] = {
        {"{\"alg\":\"none\",\"kid\":\"k\"}", CLAIMS(ONE), JWT_ALG},
        {"{\"alg\":\"HS256\",\"kid\":\"k\"}", CLAIMS(ONE), JWT_ALG},
        {"{\"alg\":\"RS512\",\"kid\":\"k\"}", CLAIMS(ONE), JWT_ALG},
        {"{\"alg\":\"PS256\",\"kid\":\"k\"}", CLAIMS(ONE), JWT_ALG},
        {"{\"alg\":\"ES256\",\"kid\":\"k\"}", CLAIMS(TWO), JWT_ALG},
        {"{\"kid\":\"k\"}", CLAIMS(ONE), JWT_HEADER},
        {"{\"alg\":\"RS256\",\"kid\":\"../k\"}", CLAIMS(ONE), JWT_KEY},
        {"{\"alg\":\"RS256\",\"kid\":\"k\",\"crit\":[\"x\"]}", CLAIMS(ONE), JWT_HEADER},
        {"{\"alg\":\"RS256\",\"kid\":\"k\",\"jku\":\"https://evil\"}", CLAIMS(ONE), JWT_HEADER},
        {"{\"alg\":\"RS256\",\"alg\":\"none\",\"kid\":\"k\"}", CLAIMS(ONE), JWT_HEADER},
        {RS, "{\"iss\":\"https://x\",\"iss\":\"https://one.example\",\"exp\":1800000060}",
         JWT_CLAIMS},
    };
    check(with.one, rows, ARRAY_LEN(rows));
}

static void T19_an_audience_is_wanted_and_exact(void **state)
{
    (void)state;
#define AUD(aud) "{\"iss\":\"" ONE "\"," aud "\"exp\":1800000060}"
    static const row rows[] = {
        {RS, AUD("\"aud\":\"https://b\","), OK},
        {RS, AUD("\"aud\":[\"https://x\",\"https://b\"],"), OK},
        {RS, AUD("\"aud\":\"https://a/\","), JWT_AUDIENCE},
        {RS, AUD("\"aud\":\"https://\","), JWT_AUDIENCE},
        {RS, AUD("\"aud\":\"https://a.evil\","), JWT_AUDIENCE},
        {RS, AUD("\"aud\":\"https://a https://b\","), JWT_AUDIENCE},
        {RS, AUD(""), JWT_AUDIENCE},
        {RS, AUD("\"aud\":[],"), JWT_CLAIMS},
        {RS, AUD("\"aud\":{\"https://a\":1},"), JWT_CLAIMS},
    };
    check(with.one, rows, ARRAY_LEN(rows));
    code c = CODE_COUNT;
    const oidc_query q = {.token = make(with.one, RS, AUD("\"aud\":\"https://x\",")), .now_s = NOW};
    assert_int_equal(oidc_verify(with.o, &q, &with.a, &with.who, &c, &with.e), OIDC_DONE);
    assert_code(c, OK); // the audience is the caller's to check
}

static void T20_times_with_bounded_skew(void **state)
{
    (void)state;
#define TIMES(times) "{\"iss\":\"" ONE "\",\"aud\":\"https://a\"" times "}"
    static const row rows[] = {
        {RS, TIMES(",\"exp\":1799999991"), OK}, // 10 s of leeway
        {RS, TIMES(",\"exp\":1799999990"), JWT_EXPIRED},
        {RS, TIMES(",\"exp\":1800000010,\"iat\":1800000010"), OK},
        {RS, TIMES(",\"exp\":1800000060,\"iat\":1800000011"), JWT_EARLY},
        {RS, TIMES(",\"exp\":1800000060,\"nbf\":1800000011"), JWT_EARLY},
        {RS, TIMES(""), JWT_CLAIMS},
        {RS, TIMES(",\"exp\":\"1800000060\""), JWT_CLAIMS},
        {RS, TIMES(",\"exp\":1e300"), JWT_CLAIMS},
        {RS, TIMES(",\"exp\":-1"), JWT_CLAIMS},
    };
    check(with.one, rows, ARRAY_LEN(rows));
}

static void T22_an_access_token_is_no_id_token(void **state)
{
    (void)state;
    static const row rows[] = {
        {"{\"alg\":\"RS256\",\"kid\":\"k\",\"typ\":\"JWT\"}", CLAIMS(ONE), OK},
        {"{\"alg\":\"RS256\",\"kid\":\"k\",\"typ\":\"at+jwt\"}", CLAIMS(ONE), JWT_TYPE},
        {"{\"alg\":\"RS256\",\"kid\":\"k\",\"typ\":\"logout+jwt\"}", CLAIMS(ONE), JWT_TYPE},
    };
    check(with.one, rows, ARRAY_LEN(rows));
}

static void words_that_are_no_tokens(void **state)
{
    (void)state;
    static const char *const words[] = {"", "ya29.a0Af", "a.b", "a.b.c", "....", "{{token}}"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        assert_row(i, verify(str_from(words[i])) == JWT_FORMAT);
}

static void new_keys_in_memory_replace_the_old(void **state)
{
    (void)state;
    str before = make(with.one, RS, CLAIMS(ONE));
    uint64_t generation = oidc_generation(with.o, STR(ONE));
    oidc_set_keys(with.o, STR(ONE), with.keys_two);
    assert_true(oidc_generation(with.o, STR(ONE)) != generation);
    assert_code(verify(before), JWT_ALG);
    assert_code(verify(make(with.two, ES, CLAIMS(ONE))), OK);
    assert_int_equal(oidc_generation(with.o, STR("https://nobody.example")), 0);
}

static void google_is_known_by_its_short_name_too(void **state)
{
    (void)state;
    const oidc_issuer google = {
        .issuer = STR("https://accounts.google.com"), .kind = OIDC_GOOGLE, .keys = with.keys_one};
    assert_code(verify(make(with.one, RS, CLAIMS("accounts.google.com"))), OIDC_ISSUER);
    assert_code(oidc_add(with.o, &google, &with.e), OK);
    assert_code(verify(make(with.one, RS, CLAIMS("accounts.google.com"))), OK);
    assert_str(with.who.who.issuer, STR("https://accounts.google.com"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_good_token_of_each_issuer_is_verified),
        CASE(the_issuer_is_chosen_letter_for_letter),
        CASE(one_issuers_key_signs_for_no_other),
        CASE(T14_T15_T16_T18_the_header_chooses_nothing),
        CASE(T19_an_audience_is_wanted_and_exact),
        CASE(T20_times_with_bounded_skew),
        CASE(T22_an_access_token_is_no_id_token),
        CASE(words_that_are_no_tokens),
        CASE(new_keys_in_memory_replace_the_old),
        CASE(google_is_known_by_its_short_name_too),
    };
    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
