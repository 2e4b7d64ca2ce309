// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"

#include "data/data.h"
#include "jose/jose.h"
#include "jose/rfc_keys.h"

static jwk *key_of(const char *text)
{
    arena a;
    arena_init(&a);
    json *object = NULL;
    jwk *k = NULL;
    assert_code(json_parse(&a, str_from(text), NULL, &object, NULL), OK);
    assert_code(jwk_from_json(object, &k, NULL), OK);
    arena_deinit(&a);
    return k;
}

static void signatures_of_the_rfcs_verify(void **state)
{
    (void)state;
    static const struct {
        const char *key, *token;
    } rows[] = {
        {RFC7515_A2_KEY, RFC7515_A2_TOKEN},
        {RFC7515_A3_KEY, RFC7515_A3_TOKEN},
        {RFC8037_KEY, RFC8037_INPUT "." RFC8037_SIGNATURE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        jwk *k = key_of(rows[i].key);
        str token = str_from(rows[i].token);
        size_t dot = (size_t)str_rchr(token, '.');
        buf sig;
        buf_init(&sig, 1024);
        assert_true(base64url_decode(&sig, str_skip(token, dot + 1)));
        assert_row(i, jws_verify(k, str_sub(token, 0, dot), buf_str(&sig)));
        assert_row(i, !jws_verify(k, str_sub(token, 0, dot - 1), buf_str(&sig)));
        buf_deinit(&sig);
        jwk_unref(k);
    }
}

static void what_is_signed_verifies_and_nothing_else_does(void **state)
{
    (void)state;
    for (int alg = 0; alg < JOSE_ALG_COUNT; alg++) {
        jwk *k = jwk_generate((jose_alg)alg, STR_NONE),
            *other = jwk_generate((jose_alg)alg, STR_NONE);
        for (int round = 0; round < 20; round++) { // r and s of every length
            buf sig;
            buf_init(&sig, 1024);
            char input[32];
            int len = snprintf(input, sizeof(input), "message %d", round);
            str in = {input, (size_t)len};
            assert_code(jws_sign(k, in, &sig, NULL), OK);
            assert_true(jws_verify(k, in, buf_str(&sig)));
            assert_false(jws_verify(other, in, buf_str(&sig)));
            sig.ptr[round % (int)sig.len] ^= 0x40;
            assert_false(jws_verify(k, in, buf_str(&sig)));
            sig.ptr[round % (int)sig.len] ^= 0x40;
            assert_true(jws_verify(k, in, buf_str(&sig))); // the reused context isn't spoilt
            assert_false(jws_verify(k, in, str_sub(buf_str(&sig), 0, sig.len - 1)));
            buf_deinit(&sig);
            if (alg == JOSE_RS256 || alg == JOSE_PS256)
                break;
        }
        jwk_unref(k);
        jwk_unref(other);
    }
}

static void T17_a_signature_of_any_length_does_no_harm(void **state)
{
    (void)state;
    char junk[5000];
    memset(junk, 0xff, sizeof(junk));
    static const size_t lengths[] = {0, 1, 63, 64, 65, 95, 96, 97, 132, 255, 256, 257, 512, 5000};
    for (int alg = 0; alg < JOSE_ALG_COUNT; alg++) {
        jwk *k = jwk_generate((jose_alg)alg, STR_NONE);
        for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
            assert_row(i, !jws_verify(k, STR("input"), (str){junk, lengths[i]}));
        memset(junk, 0, sizeof(junk)); // r = s = 0 (CVE-2022-21449)
        for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
            assert_row(i, !jws_verify(k, STR("input"), (str){junk, lengths[i]}));
        jwk_unref(k);
    }
}

static void a_der_signature_is_not_a_jose_signature(void **state)
{
    (void)state;
    jwk *k = key_of(RFC7515_A3_KEY);
    static const char der[] = "\x30\x44\x02\x20"; // how 70 bytes of DER begin
    char sig[70] = {0};
    memcpy(sig, der, 4);
    assert_false(jws_verify(k, STR("input"), (str){sig, sizeof(sig)}));
    jwk_unref(k);
}

static void a_der_signature_becomes_two_padded_numbers_for_every_curve(void **state)
{
    (void)state;
    static const unsigned char der[] = {0x30, 6, 2, 1, 5, 2, 1, 7}, cut[] = {0x30, 6, 2, 1, 5},
                               wide[] = {0x30, 7, 2, 2, 1, 0, 2, 1, 7};
    static const size_t coordinates[] = {32, 48, 66}; // P-521's is the longest
    for (size_t i = 0; i < ARRAY_LEN(coordinates); i++) {
        size_t n = coordinates[i];
        buf raw;
        buf_init(&raw, 1024);
        buf_addc(&raw, '.');
        assert_true(jose_ecdsa_raw(der, sizeof(der), n, &raw));
        assert_int_equal(raw.len, 1 + 2 * n);
        for (size_t k = 0; k < 2 * n; k++)
            assert_int_equal(raw.ptr[1 + k], k == n - 1 ? 5 : k == 2 * n - 1 ? 7 : 0);
        assert_false(jose_ecdsa_raw(cut, sizeof(cut), n, &raw));
        assert_false(jose_ecdsa_raw(wide, sizeof(wide), 1, &raw));
        assert_int_equal(raw.len, 1 + 2 * n);
        buf_deinit(&raw);
    }
}

static void a_public_key_cannot_sign(void **state)
{
    (void)state;
    jwk *k = key_of(RFC8037_KEY);
    buf sig;
    buf_init(&sig, 1024);
    assert_code(jws_sign(k, STR("input"), &sig, NULL), JOSE_KEY);
    assert_int_equal(sig.len, 0);
    buf_deinit(&sig);
    jwk_unref(k);
}

static void pss_and_pkcs1_do_not_pass_for_each_other(void **state)
{
    (void)state;
    jwk *rs = jwk_generate(JOSE_RS256, STR_NONE), *ps = NULL;
    buf text, sig;
    buf_init(&text, 4096);
    buf_init(&sig, 1024);
    jwk_write_json(rs, &text);
    str as_rs = buf_str(&text);
    size_t at = (size_t)str_find(as_rs, STR("RS256"));
    text.ptr[at] = 'P';
    ps = key_of(buf_cstr(&text));
    assert_int_equal(jwk_alg(ps), JOSE_PS256);
    assert_code(jws_sign(rs, STR("input"), &sig, NULL), OK);
    assert_true(jws_verify(rs, STR("input"), buf_str(&sig)));
    assert_false(jws_verify(ps, STR("input"), buf_str(&sig)));
    buf_deinit(&text);
    buf_deinit(&sig);
    jwk_unref(rs);
    jwk_unref(ps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_of_the_rfcs_verify),
        cmocka_unit_test(what_is_signed_verifies_and_nothing_else_does),
        cmocka_unit_test(T17_a_signature_of_any_length_does_no_harm),
        cmocka_unit_test(a_der_signature_is_not_a_jose_signature),
        cmocka_unit_test(a_der_signature_becomes_two_padded_numbers_for_every_curve),
        cmocka_unit_test(a_public_key_cannot_sign),
        cmocka_unit_test(pss_and_pkcs1_do_not_pass_for_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
