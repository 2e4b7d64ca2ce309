// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "data/data.h"
#include "jose/jose.h"
#include "jose/rfc_keys.h"

static code key_of(const char *text, jwk **ret, err *e)
{
    arena a;
    arena_init(&a);
    json *object = NULL;
    assert_code(json_parse(&a, str_from(text), NULL, &object, e), OK);
    code c = jwk_from_json(object, ret, e);
    arena_deinit(&a);
    return c;
}

static void thumbprints_are_those_of_the_rfcs(void **state)
{
    (void)state;
    static const struct {
        const char *key, *thumbprint;
        jose_alg alg;
    } rows[] = {
        {RFC7638_KEY, RFC7638_THUMBPRINT, JOSE_RS256},
        {RFC8037_KEY, RFC8037_THUMBPRINT, JOSE_EDDSA},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        jwk *k = NULL;
        assert_code(key_of(rows[i].key, &k, NULL), OK);
        assert_strz(jwk_thumbprint(k), rows[i].thumbprint);
        assert_int_equal(jwk_alg(k), rows[i].alg);
        assert_false(jwk_private(k));
        assert_null(jwk_private_pem(k));
        jwk_unref(k);
    }
}

static void a_key_survives_every_form(void **state)
{
    (void)state;
    for (int alg = 0; alg < JOSE_ALG_COUNT; alg++) {
        jwk *k = jwk_generate((jose_alg)alg, STR("k1")), *back = NULL;
        buf text;
        buf_init(&text, 64 * 1024);

        jwk_write_json(k, &text);
        assert_code(key_of(buf_cstr(&text), &back, NULL), OK);
        assert_str(jwk_thumbprint(back), jwk_thumbprint(k));
        assert_str(jwk_kid(back), STR("k1"));
        assert_int_equal(jwk_alg(back), alg);
        jwk_unref(back);

        secret *pem = jwk_private_pem(k);
        assert_true(str_starts(secret_str(pem), STR("-----BEGIN PRIVATE KEY-----\n")));
        assert_code(jwk_from_pem(secret_str(pem), STR_NONE, &back, NULL), OK);
        assert_true(jwk_private(back));
        assert_str(jwk_kid(back), jwk_thumbprint(k)); // no kid was given
        jwk_unref(back);
        secret_free(pem);

        buf_reset(&text);
        jwk_write_public_pem(k, &text);
        assert_code(jwk_from_pem(buf_str(&text), STR_NONE, &back, NULL), OK);
        assert_false(jwk_private(back));
        assert_str(jwk_thumbprint(back), jwk_thumbprint(k));
        jwk_unref(back);

        buf_reset(&text);
        assert_code(jwk_write_cert_pem(k, STR("a@p.iam.gserviceaccount.com"), 1800000000,
                                       1900000000, &text, NULL),
                    OK);
        assert_code(jwk_from_pem(buf_str(&text), STR_NONE, &back, NULL), OK);
        assert_str(jwk_thumbprint(back), jwk_thumbprint(k));
        assert_code(jwk_write_cert_pem(back, STR("x"), 0, 1, &text, NULL), JOSE_KEY);
        jwk_unref(back);
        buf_deinit(&text);
        jwk_unref(k);
    }
}

static void a_weak_rsa_key_is_refused(void **state)
{
    (void)state;
    EVP_PKEY *weak = EVP_RSA_gen(1024);
    BIO *mem = BIO_new(BIO_s_mem());
    assert_true(PEM_write_bio_PrivateKey_traditional(mem, weak, NULL, NULL, 0, NULL, NULL));
    char *text;
    long len = BIO_get_mem_data(mem, &text);
    jwk *k = NULL;
    err e = ERR_INIT;
    assert_code(jwk_from_pem((str){text, (size_t)len}, STR_NONE, &k, &e), JOSE_KEY);
    assert_non_null(strstr(e.msg, "1024 bits"));
    BIO_free(mem);
    EVP_PKEY_free(weak);
}

static void a_pkcs1_key_is_read(void **state)
{
    (void)state;
    EVP_PKEY *pkey = EVP_RSA_gen(2048);
    BIO *mem = BIO_new(BIO_s_mem());
    assert_true(PEM_write_bio_PrivateKey_traditional(mem, pkey, NULL, NULL, 0, NULL, NULL));
    char *text;
    long len = BIO_get_mem_data(mem, &text);
    assert_true(str_starts((str){text, (size_t)len}, STR("-----BEGIN RSA PRIVATE KEY-----")));
    jwk *k = NULL;
    assert_code(jwk_from_pem((str){text, (size_t)len}, STR("one"), &k, NULL), OK);
    assert_int_equal(jwk_alg(k), JOSE_RS256);
    jwk_unref(k);
    BIO_free(mem);
    EVP_PKEY_free(pkey);
}

static void a_pem_that_cannot_be_read_says_why(void **state)
{
    (void)state;
    static const struct {
        const char *pem, *says;
    } rows[] = {
        {"", "no PEM key"},
        {"hello", "no PEM key"},
        {"-----BEGIN PRIVATE KEY", "no PEM key"},
        {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "can't be read"},
        {"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
         "encrypted"},
        {"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE "
         "KEY-----\n",
         "encrypted"},
        {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "can't be read"},
        {"-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----\n", "can't be read"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        jwk *k = NULL;
        err e = ERR_INIT;
        assert_row(i, jwk_from_pem(str_from(rows[i].pem), STR_NONE, &k, &e) == JOSE_KEY);
        assert_row(i, strstr(e.msg, rows[i].says));
    }
    jwk *k = NULL;
    err e = ERR_INIT;
    assert_code(jwk_from_pem(STR("-----BEGIN PRIVATE KEY-----\\nAAAA\\n-----END PRIVATE KEY-----"),
                             STR_NONE, &k, &e),
                JOSE_KEY);
    assert_non_null(strstr(e.hint, "line breaks"));
}

#define X32 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
static void T16_a_key_that_cannot_verify_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *key, *says;
    } rows[] = {
        {"[]", "must be an object"},
        {"{}", "isn't supported"},
        {"{\"kty\":\"oct\",\"k\":\"AAAA\"}", "private member \"k\""},
        {"{\"kty\":\"RSA\",\"d\":\"AAAA\"}", "private member \"d\""},
        {"{\"kty\":\"RSA\",\"alg\":\"RS512\"}", "algorithm isn't supported"},
        {"{\"kty\":\"RSA\",\"alg\":\"none\"}", "algorithm isn't supported"},
        {"{\"kty\":\"RSA\",\"alg\":5}", "algorithm isn't supported"},
        {"{\"kty\":\"RSA\",\"alg\":\"ES256\"}", "type or curve"},
        {"{\"kty\":\"EC\",\"crv\":\"P-384\",\"alg\":\"ES256\"}", "type or curve"},
        {"{\"kty\":\"EC\",\"crv\":\"P-521\"}", "type or curve"},
        {"{\"kty\":\"EC\",\"crv\":\"secp256k1\"}", "type or curve"},
        {"{\"kty\":\"OKP\",\"crv\":\"X25519\"}", "type or curve"},
        {"{\"kty\":\"RSA\",\"use\":\"enc\"}", "meant for signatures"},
        {"{\"kty\":\"RSA\",\"key_ops\":[\"sign\"]}", "meant for signatures"},
        {"{\"kty\":\"RSA\",\"key_ops\":\"verify\"}", "meant for signatures"},
        {"{\"kty\":\"RSA\",\"kid\":7}", "kid"},
        {"{\"kty\":\"RSA\",\"e\":\"AQAB\"}", "\"n\" is missing"},
        {"{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"AQAB\"}", "17 bits"},
        {"{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"\"}", "\"n\" is malformed"},
        {"{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"a+b=\"}", "\"n\" is malformed"},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"AAAA\"}", "\"x\" is malformed"},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X32 "\",\"y\":\"" X32 "\"}",
         "aren't a valid EC key"}, // not on the curve
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}", "\"x\" is malformed"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        jwk *k = NULL;
        err e = ERR_INIT;
        code c = key_of(rows[i].key, &k, &e);
        if (c != JOSE_KEY || !strstr(e.msg, rows[i].says))
            fail_msg("%s: [%s] %s", rows[i].key, code_id(c), e.msg);
    }
}

// A modulus of the right size under an exponent that is even, one, or huge.
static void an_odd_exponent_is_required(void **state)
{
    (void)state;
    static const char *const exponents[] = {"AQ", "AAE", "BA", "____________"};
    for (size_t i = 0; i < ARRAY_LEN(exponents); i++) {
        char text[1024];
        const char *n = strstr(RFC7515_A2_KEY, "\"n\"");
        snprintf(text, sizeof(text), "{\"kty\":\"RSA\",\"e\":\"%s\",%s", exponents[i], n);
        jwk *k = NULL;
        assert_row(i, key_of(text, &k, NULL) == JOSE_KEY);
    }
}

static void a_set_skips_what_it_cannot_use(void **state)
{
    (void)state;
    jwk_set *s = NULL;
    assert_code(
        jwk_set_from_text(STR("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-521\",\"kid\":\"odd\"},"
                              "{\"kty\":\"RSA\",\"use\":\"enc\",\"kid\":\"enc\"}," RFC7638_KEY
                              "," RFC8037_KEY "," RFC8037_KEY "]}"),
                          &s, NULL),
        OK);
    assert_int_equal(jwk_set_len(s), 2);
    assert_non_null(jwk_set_find(s, STR("2011-04-29")));
    assert_non_null(jwk_set_find(s, STR(RFC8037_THUMBPRINT)));
    assert_null(jwk_set_find(s, STR("enc")));

    buf text;
    buf_init(&text, 64 * 1024);
    jwk_set_write_json(s, &text);
    jwk_set *back = NULL;
    assert_code(jwk_set_from_text(buf_str(&text), &back, NULL), OK);
    assert_int_equal(jwk_set_len(back), 2);
    jwk_set_unref(back);
    jwk_set_unref(s);
    buf_deinit(&text);
}

static void a_set_that_cannot_be_trusted_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "isn't JSON"},
        {"[]", "array \"keys\""},
        {"{\"keys\":{}}", "array \"keys\""},
        {"{\"keys\":[]}", "no usable key"},
        {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-521\"}]}", "no usable key: "},
        {"{\"keys\":[1,2]}", "no usable key: a key must be an object"},
        {"{\"keys\":[" RFC8037_KEY ",{\"kty\":\"oct\",\"k\":\"AAAA\"}]}",
         "publishes a private key"},
        {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"a\",\"x\":"
         "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"},{\"kty\":\"EC\",\"kid\":\"a\",\"crv\":"
         "\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":"
         "\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}",
         "two keys of the set have the id \"a\""},
        {"{\"keys\":[],\"keys\":[]}", "isn't JSON"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        jwk_set *s = NULL;
        err e = ERR_INIT;
        code c = jwk_set_from_text(str_from(rows[i].text), &s, &e);
        if (c != JOSE_KEY_SET || !strstr(e.msg, rows[i].says))
            fail_msg("%s: [%s] %s", rows[i].text, code_id(c), e.msg);
    }
}

static void a_set_has_a_limit(void **state)
{
    (void)state;
    buf text;
    buf_init(&text, 1 << 20);
    buf_addz(&text, "{\"keys\":[0");
    for (int i = 0; i < JWK_SET_KEYS_MAX; i++)
        buf_addz(&text, ",0");
    buf_addz(&text, "]}");
    jwk_set *s = NULL;
    err e = ERR_INIT;
    assert_code(jwk_set_from_text(buf_str(&text), &s, &e), JOSE_KEY_SET);
    assert_non_null(strstr(e.msg, "limit is 128"));
    buf_deinit(&text);
}

static void adding_a_kid_again_replaces_its_key(void **state)
{
    (void)state;
    jwk *one = jwk_generate(JOSE_ES256, STR("k")), *two = jwk_generate(JOSE_ES256, STR("k"));
    jwk_set *s = jwk_set_new();
    jwk_set_add(s, one);
    jwk_set_add(s, two);
    assert_int_equal(jwk_set_len(s), 1);
    assert_str(jwk_thumbprint(jwk_set_find(s, STR("k"))), jwk_thumbprint(two));
    jwk_set *same = jwk_set_ref(s);
    jwk_set_unref(s);
    assert_int_equal(jwk_set_len(same), 1);
    jwk_set_unref(same);
    jwk_unref(one);
    jwk_unref(two);
}

static void the_certificate_map_has_the_same_ids(void **state)
{
    (void)state;
    jwk_set *s = jwk_set_new();
    jwk *rsa = jwk_generate(JOSE_RS256, STR("r")), *public_one = NULL;
    assert_code(key_of(RFC8037_KEY, &public_one, NULL), OK);
    jwk_set_add(s, rsa);
    jwk_set_add(s, public_one);
    buf text;
    buf_init(&text, 64 * 1024);
    assert_code(jwk_set_write_certs(s, STR("issuer"), 1800000000, 1900000000, &text, NULL), OK);
    arena a;
    arena_init(&a);
    json *certs = NULL;
    assert_code(json_parse(&a, buf_str(&text), NULL, &certs, NULL), OK);
    assert_int_equal(certs->len, 1);
    jwk *back = NULL;
    assert_code(jwk_from_pem(json_str_or(json_get(certs, "r"), STR_NONE), STR("r"), &back, NULL),
                OK);
    assert_str(jwk_thumbprint(back), jwk_thumbprint(rsa));
    jwk_unref(back);
    arena_deinit(&a);
    buf_deinit(&text);
    jwk_unref(rsa);
    jwk_unref(public_one);
    jwk_set_unref(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thumbprints_are_those_of_the_rfcs),
        cmocka_unit_test(a_key_survives_every_form),
        cmocka_unit_test(a_weak_rsa_key_is_refused),
        cmocka_unit_test(a_pkcs1_key_is_read),
        cmocka_unit_test(a_pem_that_cannot_be_read_says_why),
        cmocka_unit_test(T16_a_key_that_cannot_verify_is_refused),
        cmocka_unit_test(an_odd_exponent_is_required),
        cmocka_unit_test(a_set_skips_what_it_cannot_use),
        cmocka_unit_test(a_set_that_cannot_be_trusted_is_refused),
        cmocka_unit_test(a_set_has_a_limit),
        cmocka_unit_test(adding_a_kid_again_replaces_its_key),
        cmocka_unit_test(the_certificate_map_has_the_same_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
