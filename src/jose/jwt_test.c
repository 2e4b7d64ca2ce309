// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"

#include "data/data.h"
#include "jose/jose.h"

#define NOW 1800000000
#define GOOD                                                                                       \
    "{\"iss\":\"https://i\",\"aud\":\"https://"                                                    \
    "a\",\"sub\":\"7\",\"iat\":1799999990,\"exp\":1800003600}"

static struct {
    jwk *rsa, *ec, *ec384, *ed;
    jwk_set *keys;
    arena a;
} with;

static int set_up(void **state)
{
    (void)state;
    with.rsa = jwk_generate(JOSE_RS256, STR("rsa"));
    with.ec = jwk_generate(JOSE_ES256, STR("ec"));
    with.ec384 = jwk_generate(JOSE_ES384, STR("ec384"));
    with.ed = jwk_generate(JOSE_EDDSA, STR("ed"));
    with.keys = jwk_set_new();
    jwk_set_add(with.keys, with.rsa);
    jwk_set_add(with.keys, with.ec);
    jwk_set_add(with.keys, with.ec384);
    jwk_set_add(with.keys, with.ed);
    arena_init(&with.a);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    jwk_unref(with.rsa);
    jwk_unref(with.ec);
    jwk_unref(with.ec384);
    jwk_unref(with.ed);
    jwk_set_unref(with.keys);
    arena_deinit(&with.a);
    return 0;
}

// A token of any header and claims, rightly signed with the key.
static str make(jwk *k, const char *header, const char *claims)
{
    buf token, sig;
    buf_init(&token, 64 * 1024);
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

static code verify(str token, err *e)
{
    static const str audience = {"https://a", 9};
    jwt_expect x = {
        .issuer = STR("https://i"), .audiences = &audience, .audience_count = 1, .now_s = NOW};
    jwt t;
    return jwt_verify(token, with.keys, &x, &with.a, &t, e);
}

static void a_good_token_of_every_algorithm_is_accepted_and_read(void **state)
{
    (void)state;
    jwk *const keys[] = {with.rsa, with.ec, with.ec384, with.ed};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        buf out;
        buf_init(&out, JWT_BYTES_MAX);
        err e = ERR_INIT;
        assert_code(jwt_sign(keys[i], STR(GOOD), STR_NONE, &out, &e), OK);
        assert_code(verify(buf_str(&out), &e), OK);
        jwt t;
        assert_code(jwt_parse(buf_str(&out), &with.a, &t, &e), OK);
        assert_str(t.issuer, STR("https://i"));
        assert_str(t.subject, STR("7"));
        assert_str(t.kid, jwk_kid(keys[i]));
        assert_str(t.typ, STR("JWT"));
        assert_int_equal(t.audience_count, 1);
        assert_str(t.audiences[0], STR("https://a"));
        assert_int_equal(t.expiry_s, 1800003600);
        assert_int_equal(t.issued_at_s, 1799999990);
        assert_true(t.has_expiry && t.has_issued_at && !t.has_not_before);
        assert_true(jwt_looks_like(buf_str(&out)));
        buf_deinit(&out);
    }
}

typedef struct row {
    const char *header, *claims;
    code want;
} row;

static void check_rows(const row *rows, size_t count, jwk *k)
{
    for (size_t i = 0; i < count; i++) {
        err e = ERR_INIT;
        code c = verify(make(k, rows[i].header, rows[i].claims), &e);
        if (c != rows[i].want)
            fail_msg("%s %s: [%s] %s, wanted [%s]", rows[i].header, rows[i].claims, code_id(c),
                     e.msg, code_id(rows[i].want));
        assert_row(i, c == OK || (e.code == c && *e.msg));
    }
}

#define RS "{\"alg\":\"RS256\",\"kid\":\"rsa\"}"

static void T14_the_key_chooses_the_algorithm(void **state)
{
    (void)state;
    static const row rows[] = {
        {RS, GOOD, OK},
        {"{\"alg\":\"RS256\"}", GOOD, OK},
        {"{\"alg\":\"none\",\"kid\":\"rsa\"}", GOOD, JWT_ALG},
        {"{\"alg\":\"None\",\"kid\":\"rsa\"}", GOOD, JWT_ALG},
        {"{\"alg\":\"NONE\"}", GOOD, JWT_ALG},
        {"{\"alg\":\"HS256\",\"kid\":\"rsa\"}", GOOD, JWT_ALG},
        {"{\"alg\":\"HS256\"}", GOOD, JWT_ALG},
        {"{\"alg\":\"\",\"kid\":\"rsa\"}", GOOD, JWT_HEADER},
        {"{\"kid\":\"rsa\"}", GOOD, JWT_HEADER},
        {"{\"alg\":null,\"kid\":\"rsa\"}", GOOD, JWT_HEADER},
        {"{\"alg\":[\"RS256\"],\"kid\":\"rsa\"}", GOOD, JWT_HEADER},
        {"{}", GOOD, JWT_HEADER},
    };
    check_rows(rows, ARRAY_LEN(rows), with.rsa);
    // Two parts and an empty third: what `none` looks like on the wire.
    assert_code(verify(STR("eyJhbGciOiJub25lIn0.e30."), NULL), JWT_FORMAT);
    assert_code(verify(STR("eyJhbGciOiJub25lIn0.e30"), NULL), JWT_FORMAT);
}

static void T15_the_algorithm_must_be_exactly_the_keys(void **state)
{
    (void)state;
    static const row rsa_rows[] = {
        {"{\"alg\":\"RS512\",\"kid\":\"rsa\"}", GOOD, JWT_ALG},
        {"{\"alg\":\"RS384\",\"kid\":\"rsa\"}", GOOD, JWT_ALG},
        {"{\"alg\":\"PS256\",\"kid\":\"rsa\"}", GOOD, JWT_ALG},
        {"{\"alg\":\"PS256\"}", GOOD, JWT_ALG},
        {"{\"alg\":\"rs256\",\"kid\":\"rsa\"}", GOOD, JWT_ALG},
        {"{\"alg\":\"RS256 \",\"kid\":\"rsa\"}", GOOD, JWT_ALG},
        {"{\"alg\":\"RS256\",\"kid\":\"ec\"}", GOOD, JWT_ALG},
    };
    static const row ec_rows[] = {
        {"{\"alg\":\"ES256\",\"kid\":\"ec384\"}", GOOD, JWT_ALG},
        {"{\"alg\":\"ES512\",\"kid\":\"ec384\"}", GOOD, JWT_ALG},
        {"{\"alg\":\"ES384\",\"kid\":\"ec384\"}", GOOD, OK},
        {"{\"alg\":\"ES256\"}", GOOD, JWT_SIGNATURE},
    };
    check_rows(rsa_rows, ARRAY_LEN(rsa_rows), with.rsa);
    check_rows(ec_rows, ARRAY_LEN(ec_rows), with.ec384);
}

static void T16_the_header_cannot_bring_its_own_trust(void **state)
{
    (void)state;
    static const row rows[] = {
        {"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"crit\":[\"x\"],\"x\":1}", GOOD, JWT_HEADER},
        {"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"crit\":[]}", GOOD, JWT_HEADER},
        {"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"b64\":false}", GOOD, JWT_HEADER},
        {"{\"alg\":\"RS256\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"}}", GOOD, JWT_HEADER},
        {"{\"alg\":\"RS256\",\"jku\":\"https://evil/jwks\"}", GOOD, JWT_HEADER},
        {"{\"alg\":\"RS256\",\"x5u\":\"https://evil/crt\"}", GOOD, JWT_HEADER},
        {"{\"alg\":\"RS256\",\"x5c\":[\"AA\"]}", GOOD, JWT_HEADER},
        {"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"zip\":\"DEF\"}", GOOD, JWT_HEADER},
        {"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"enc\":\"A256GCM\"}", GOOD, JWT_HEADER},
        {"{\"alg\":\"RS256\",\"kid\":\"../../dev/null\"}", GOOD, JWT_KEY},
        {"{\"alg\":\"RS256\",\"kid\":\"x' OR 1=1 --\"}", GOOD, JWT_KEY},
        {"{\"alg\":\"RS256\",\"kid\":\"RSA\"}", GOOD, JWT_KEY},
        {"{\"alg\":\"RS256\",\"kid\":\"rsa \"}", GOOD, JWT_KEY},
        {"{\"alg\":\"RS256\",\"kid\":7}", GOOD, JWT_HEADER},
        {"{\"alg\":\"RS256\",\"kid\":\"rsa\",\"x5t\":\"abc\"}", GOOD, OK}, // Entra sends it
    };
    check_rows(rows, ARRAY_LEN(rows), with.rsa);
}

static void T17_an_encrypted_token_is_refused(void **state)
{
    (void)state;
    err e = ERR_INIT;
    assert_code(verify(STR("eyJhbGciOiJSU0ExXzUifQ.aa.aa.aa.aa"), &e), JWT_FORMAT);
    assert_non_null(strstr(e.msg, "encrypted"));
}

static void T18_one_token_has_one_form(void **state)
{
    (void)state;
    static const row rows[] = {
        {"{\"alg\":\"none\",\"alg\":\"RS256\",\"kid\":\"rsa\"}", GOOD, JWT_HEADER},
        {"{\"alg\":\"RS256\",\"kid\":\"rsa\"} ", GOOD, OK},
        {"{\"alg\":\"RS256\",\"kid\":\"rsa\"}{}", GOOD, JWT_HEADER},
        {"[\"alg\"]", GOOD, JWT_HEADER},
        {"", GOOD, JWT_FORMAT},
        {RS,
         "{\"iss\":\"https://i\",\"iss\":\"https://i\",\"aud\":\"https://a\",\"exp\":1800003600}",
         JWT_CLAIMS},
        {RS, GOOD "x", JWT_CLAIMS},
        {RS, "\"text\"", JWT_CLAIMS},
        {RS, "null", JWT_CLAIMS},
        {RS, "{\"iss\":\"https://i\\u0000\",\"aud\":\"https://a\",\"exp\":1800003600}", JWT_CLAIMS},
    };
    check_rows(rows, ARRAY_LEN(rows), with.rsa);

    str good = make(with.ec, "{\"alg\":\"ES256\",\"kid\":\"ec\"}", GOOD);
    assert_code(verify(good, NULL), OK);
    static const char *const bent[] = {"%.*s=", "%.*s ",  " %.*s",       "%.*s.",
                                       ".%.*s", "%.*s\n", "Bearer %.*s", "%.*s.x"};
    for (size_t i = 0; i < ARRAY_LEN(bent); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        str token = arena_printf(&with.a, bent[i], STR_ARG(good));
#pragma GCC diagnostic pop
        assert_row(i, verify(token, NULL) == JWT_FORMAT);
    }
    // 64 bytes leave four spare bits in the last digit: the same bytes must not have two forms.
    char *twin = arena_cstr(&with.a, good);
    char *last = twin + good.len - 1;
    *last = (char)(*last + 1);
    assert_code(verify(str_from(twin), NULL), JWT_FORMAT);
}

static void T18_a_token_has_a_limit(void **state)
{
    (void)state;
    str filler = {arena_alloc(&with.a, 13000), 13000};
    memset((void *)(uintptr_t)filler.ptr, 'x', filler.len);
    const char *claims =
        arena_printf(&with.a,
                     "{\"iss\":\"https://i\",\"aud\":\"https://a\",\"x\":\"" STR_FMT
                     "\",\"exp\":1800003600}",
                     (int)11000, filler.ptr)
            .ptr;
    str token = make(with.rsa, RS, claims);
    assert_true(token.len < JWT_BYTES_MAX);
    assert_code(verify(token, NULL), OK);
    claims = arena_printf(&with.a,
                          "{\"iss\":\"https://i\",\"aud\":\"https://a\",\"x\":\"" STR_FMT
                          "\",\"exp\":1800003600}",
                          STR_ARG(filler))
                 .ptr;
    err e = ERR_INIT;
    assert_code(verify(make(with.rsa, RS, claims), &e), JWT_FORMAT);
    assert_non_null(strstr(e.msg, "limit is 16384"));

    buf deep;
    buf_init(&deep, 8192);
    buf_addz(&deep, "{\"x\":");
    for (int i = 0; i < 1000; i++)
        buf_addc(&deep, '[');
    for (int i = 0; i < 1000; i++)
        buf_addc(&deep, ']');
    buf_addc(&deep, '}');
    assert_code(verify(make(with.rsa, RS, buf_cstr(&deep)), NULL), JWT_CLAIMS);
    buf_deinit(&deep);
}

#define CLAIMS(iss, aud) "{\"iss\":" iss ",\"aud\":" aud ",\"exp\":1800003600}"

static void T19_issuer_and_audience_are_compared_whole(void **state)
{
    (void)state;
    static const row rows[] = {
        {RS, CLAIMS("\"https://i\"", "\"https://a\""), OK},
        {RS, CLAIMS("\"https://i\"", "[\"https://a\"]"), OK},
        {RS, CLAIMS("\"https://i\"", "[\"https://b\",\"https://a\"]"), OK},
        {RS, CLAIMS("\"https://i\"", "[\"https://b\"]"), JWT_AUDIENCE},
        {RS, CLAIMS("\"https://i\"", "[]"), JWT_CLAIMS},
        {RS, CLAIMS("\"https://i\"", "[\"https://a\",7]"), JWT_CLAIMS},
        {RS, CLAIMS("\"https://i\"", "7"), JWT_CLAIMS},
        {RS, CLAIMS("\"https://i\"", "null"), JWT_CLAIMS},
        {RS, CLAIMS("\"https://i\"", "{\"https://a\":1}"), JWT_CLAIMS},
        {RS, CLAIMS("\"https://i\"", "\"https://a/\""), JWT_AUDIENCE},
        {RS, CLAIMS("\"https://i\"", "\"https://a.evil\""), JWT_AUDIENCE},
        {RS, CLAIMS("\"https://i\"", "\"https://\""), JWT_AUDIENCE},
        {RS, CLAIMS("\"https://i\"", "\"\""), JWT_AUDIENCE},
        {RS, CLAIMS("\"https://i\"", "\"HTTPS://a\""), JWT_AUDIENCE},
        {RS, CLAIMS("\"https://i\"", "\"https://b https://a\""), JWT_AUDIENCE},
        {RS, CLAIMS("\"https://i/\"", "\"https://a\""), JWT_ISSUER},
        {RS, CLAIMS("\"https://I\"", "\"https://a\""), JWT_ISSUER},
        {RS, CLAIMS("\"\"", "\"https://a\""), JWT_ISSUER},
        {RS, CLAIMS("[\"https://i\"]", "\"https://a\""), JWT_CLAIMS},
        {RS, "{\"aud\":\"https://a\",\"exp\":1800003600}", JWT_ISSUER},
        {RS, "{\"iss\":\"https://i\",\"exp\":1800003600}", JWT_AUDIENCE},
    };
    check_rows(rows, ARRAY_LEN(rows), with.rsa);
}

#define TIMES(times) "{\"iss\":\"https://i\",\"aud\":\"https://a\"" times "}"

static void T20_times_are_strict(void **state)
{
    (void)state;
    static const row rows[] = {
        {RS, TIMES(",\"exp\":1800000001"), OK},
        {RS, TIMES(",\"exp\":1800000000"), JWT_EXPIRED}, // "on or after" (RFC 7519 §4.1.4)
        {RS, TIMES(",\"exp\":1799999999"), JWT_EXPIRED},
        {RS, TIMES(",\"exp\":1800000001.9"), OK},
        {RS, TIMES(",\"exp\":1800000000.9"), JWT_EXPIRED},
        {RS, TIMES(",\"exp\":0"), JWT_EXPIRED},
        {RS, TIMES(""), JWT_CLAIMS},
        {RS, TIMES(",\"exp\":1e300"), JWT_CLAIMS},
        {RS, TIMES(",\"exp\":9007199254740993"), JWT_CLAIMS},
        {RS, TIMES(",\"exp\":99999999999999999999999"), JWT_CLAIMS},
        {RS, TIMES(",\"exp\":-1"), JWT_CLAIMS},
        {RS, TIMES(",\"exp\":\"1800003600\""), JWT_CLAIMS},
        {RS, TIMES(",\"exp\":null"), JWT_CLAIMS},
        {RS, TIMES(",\"exp\":true"), JWT_CLAIMS},
        {RS, TIMES(",\"exp\":[1800003600]"), JWT_CLAIMS},
        {RS, TIMES(",\"exp\":1800003600,\"nbf\":1800000001"), JWT_EARLY},
        {RS, TIMES(",\"exp\":1800003600,\"nbf\":1800000000"), OK},
        {RS, TIMES(",\"exp\":1800003600,\"nbf\":\"0\""), JWT_CLAIMS},
        {RS, TIMES(",\"exp\":1800003600,\"iat\":1800000001"), JWT_EARLY},
        {RS, TIMES(",\"exp\":1800003600,\"iat\":-5"), JWT_CLAIMS},
    };
    check_rows(rows, ARRAY_LEN(rows), with.rsa);
}

static void T20_leeway_is_bounded(void **state)
{
    (void)state;
    jwt t;
    str token = make(with.rsa, RS, "{\"exp\":1800000000,\"nbf\":1800000000}");
    assert_code(jwt_parse(token, &with.a, &t, NULL), OK);
    static const struct {
        int64_t now, leeway;
        code want;
    } rows[] = {
        {1799999999, 0, JWT_EARLY},
        {1799999999, 1, OK},
        {1799999940, 60, OK},
        {1799999939, 60, JWT_EARLY},
        {1799999939, 100000, JWT_EARLY},
        {1800000059, 60, OK},
        {1800000060, 60, JWT_EXPIRED},
        {1800000060, 100000, JWT_EXPIRED},
        {1800000000, -5, JWT_EXPIRED},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_row(i, jwt_check_times(&t, rows[i].now, rows[i].leeway, NULL) == rows[i].want);
}

static void a_verifier_may_bound_the_lifetime(void **state)
{
    (void)state;
    jwt_expect x = {.now_s = NOW, .lifetime_max_s = 3600};
    static const struct {
        const char *claims;
        code want;
    } rows[] = {
        {"{\"iat\":1800000000,\"exp\":1800003600}", OK},
        {"{\"iat\":1800000000,\"exp\":1800003601}", JWT_CLAIMS},
        {"{\"exp\":1800003600}", JWT_CLAIMS},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        jwt t;
        assert_row(i, jwt_verify(make(with.rsa, RS, rows[i].claims), with.keys, &x, &with.a, &t,
                                 NULL) == rows[i].want);
    }
    jwt t;
    x = (jwt_expect){.now_s = NOW, .expiry_optional = true};
    assert_code(jwt_verify(make(with.rsa, RS, "{}"), with.keys, &x, &with.a, &t, NULL), OK);
}

static void T22_one_type_of_token_does_not_pass_for_another(void **state)
{
    (void)state;
    static const struct {
        const char *typ, *expect;
        code want;
    } rows[] = {
        {"JWT", "", OK},
        {"jwt", "", OK},
        {"application/jwt", "", OK},
        {"at+jwt", "", JWT_TYPE},
        {"logout+jwt", "", JWT_TYPE},
        {"application/at+jwt", "", JWT_TYPE},
        {"at+jwt", "at+jwt", OK},
        {"application/at+JWT", "at+jwt", OK},
        {"JWT", "at+jwt", JWT_TYPE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf out;
        buf_init(&out, JWT_BYTES_MAX);
        assert_code(jwt_sign(with.ed, STR(GOOD), str_from(rows[i].typ), &out, NULL), OK);
        jwt t;
        jwt_expect x = {.now_s = NOW, .typ = str_from(rows[i].expect)};
        assert_row(i, jwt_verify(buf_str(&out), with.keys, &x, &with.a, &t, NULL) == rows[i].want);
        buf_deinit(&out);
    }
}

static void the_first_failure_is_the_deepest(void **state)
{
    (void)state;
    // Wrong in every way: what is told is what the caller must mend first.
    err e = ERR_INIT;
    str token = make(with.ec, "{\"alg\":\"RS256\",\"kid\":\"rsa\"}",
                     "{\"iss\":\"x\",\"aud\":\"y\",\"exp\":1}");
    assert_code(verify(token, &e), JWT_SIGNATURE);
    token = make(with.rsa, RS, "{\"iss\":\"x\",\"aud\":\"y\",\"exp\":1}");
    assert_code(verify(token, &e), JWT_ISSUER);
    token = make(with.rsa, RS, "{\"iss\":\"https://i\",\"aud\":\"y\",\"exp\":1799999988}");
    assert_code(verify(token, &e), JWT_EXPIRED);
    assert_string_equal(e.msg, "the token expired 12 s ago, at 2027-01-15T07:59:48Z");
    token = make(with.rsa, RS, "{\"iss\":\"https://i\",\"aud\":\"y\",\"exp\":1800003600}");
    assert_code(verify(token, &e), JWT_AUDIENCE);
    assert_string_equal(e.msg, "the token's audience is \"y\"; expected \"https://a\"");
}

static void a_changed_token_is_refused_at_every_byte(void **state)
{
    (void)state;
    str good = make(with.ed, "{\"alg\":\"EdDSA\",\"kid\":\"ed\"}", GOOD);
    for (size_t i = 0; i < good.len; i++) {
        char *bent = arena_cstr(&with.a, good);
        bent[i] = bent[i] == 'A' ? 'B' : 'A';
        assert_row(i, verify((str){bent, good.len}, NULL) != OK);
        assert_row(i, verify(str_sub(good, 0, i), NULL) != OK);
    }
}

static void without_a_kid_the_tries_are_bounded(void **state)
{
    (void)state;
    jwk_set *many = jwk_set_new();
    jwk *last = NULL;
    for (int i = 0; i <= JWT_TRIES_MAX; i++) {
        jwk_unref(last);
        last = jwk_generate(JOSE_EDDSA, STR_NONE);
        jwk_set_add(many, last);
    }
    jwt t;
    assert_code(
        jwt_parse(make(jwk_set_at(many, 3), "{\"alg\":\"EdDSA\"}", GOOD), &with.a, &t, NULL), OK);
    assert_code(jwt_check_signature(&t, many, NULL), OK);
    assert_code(jwt_parse(make(last, "{\"alg\":\"EdDSA\"}", GOOD), &with.a, &t, NULL), OK);
    assert_code(jwt_check_signature(&t, many, NULL), JWT_KEY);
    jwk_unref(last);
    jwk_set_unref(many);
}

static void an_assertion_may_give_its_times_as_digits(void **state)
{
    (void)state;
    jwt t;
    str token =
        make(with.rsa, "{\"alg\":\"RS256\"}", "{\"iat\":\"1800000000\",\"exp\":\"1800003600\"}");
    assert_code(jwt_parse(token, &with.a, &t, NULL), JWT_CLAIMS);
    assert_code(jwt_parse_assertion(token, &with.a, &t, NULL), OK);
    assert_int_equal(t.expiry_s, 1800003600);
    token = make(with.rsa, "{\"alg\":\"RS256\"}", "{\"exp\":\"tomorrow\"}");
    assert_code(jwt_parse_assertion(token, &with.a, &t, NULL), JWT_CLAIMS);
}

static void hints_name_the_usual_mistakes(void **state)
{
    (void)state;
    err e = ERR_INIT;
    assert_code(verify(STR("ya29.a0AfB_byC-secret"), &e), JWT_FORMAT);
    assert_non_null(strstr(e.hint, "gatepost token --audience"));
    str good = make(with.rsa, RS, GOOD);
    str unsigned_part = str_sub(good, 0, (size_t)str_rchr(good, '.'));
    str removed =
        arena_printf(&with.a, STR_FMT ".SIGNATURE_REMOVED_BY_GOOGLE", STR_ARG(unsigned_part));
    assert_code(verify(removed, &e), JWT_SIGNATURE);
    assert_non_null(strstr(e.hint, "Cloud Run removed"));
}

static void words_are_not_mistaken_for_tokens(void **state)
{
    (void)state;
    static const char *const words[] = {"",
                                        "a.b.c",
                                        "www.example.com",
                                        "ya29.abc.def",
                                        "e30.e30.e30",
                                        "eyJhbGciOiJSUzI1NiJ9.e30",
                                        "eyJhbGciOiJSUzI1NiJ9.e30.é"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        assert_row(i, !jwt_looks_like(str_from(words[i])));
    assert_true(jwt_looks_like(STR("eyJhbGciOiJSUzI1NiJ9.e30.AAAA")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_token_of_every_algorithm_is_accepted_and_read),
        cmocka_unit_test(T14_the_key_chooses_the_algorithm),
        cmocka_unit_test(T15_the_algorithm_must_be_exactly_the_keys),
        cmocka_unit_test(T16_the_header_cannot_bring_its_own_trust),
        cmocka_unit_test(T17_an_encrypted_token_is_refused),
        cmocka_unit_test(T18_one_token_has_one_form),
        cmocka_unit_test(T18_a_token_has_a_limit),
        cmocka_unit_test(T19_issuer_and_audience_are_compared_whole),
        cmocka_unit_test(T20_times_are_strict),
        cmocka_unit_test(T20_leeway_is_bounded),
        cmocka_unit_test(a_verifier_may_bound_the_lifetime),
        cmocka_unit_test(T22_one_type_of_token_does_not_pass_for_another),
        cmocka_unit_test(the_first_failure_is_the_deepest),
        cmocka_unit_test(a_changed_token_is_refused_at_every_byte),
        cmocka_unit_test(without_a_kid_the_tries_are_bounded),
        cmocka_unit_test(an_assertion_may_give_its_times_as_digits),
        cmocka_unit_test(hints_name_the_usual_mistakes),
        cmocka_unit_test(words_are_not_mistaken_for_tokens),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
