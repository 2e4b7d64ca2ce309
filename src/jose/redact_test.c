// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"

#include "jose/jose.h"
#include "jose/rfc_keys.h"

static str redacted(buf *out, str in, bool *ret_found)
{
    buf_init(out, 1 << 22);
    *ret_found = jose_redact(in, out);
    return buf_str(out);
}

#define TOKEN RFC7515_A3_TOKEN
#define ACCESS "ya29.a0AfB_byCtR-secret.part2"
#define REFRESH "1//0gL9pX-abcdefghijklmnop_qrstuvw"
#define PEM "-----BEGIN PRIVATE KEY-----\nMIIEv\n-----END PRIVATE KEY-----"

static void credentials_are_replaced_wherever_they_stand(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {TOKEN, "***"},
        {"Authorization: Bearer " TOKEN "\r\n", "Authorization: Bearer ***\r\n"},
        {"{\"token\":\"" TOKEN "\"}", "{\"token\":\"***\"}"},
        {"https://x/?id_token=" TOKEN "&a=b", "https://x/?id_token=***&a=b"},
        {TOKEN " and " TOKEN, "*** and ***"},
        {"x" TOKEN, "x***"},
        {ACCESS, "***"},
        {"access_token=" ACCESS "&x", "access_token=***&x"},
        {"\"" REFRESH "\"", "\"***\""},
        {"key: " PEM "\nnext", "key: ***\nnext"},
        {"{\"private_key\":\"-----BEGIN PRIVATE KEY-----\\nMIIEv\\n-----END PRIVATE KEY-----\\n\"}",
         "{\"private_key\":\"***\\n\"}"},
        {"-----BEGIN RSA PRIVATE KEY-----\nMIIEv and no end", "***"},
        // An encrypted token has five parts.
        {"eyJhbGciOiJSU0ExXzUifQ.AAAA.BBBBBBBBBBBBBBBBBBBB.CCCC.DDDD end", "*** end"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf out;
        bool found;
        assert_strz(redacted(&out, str_from(rows[i].in), &found), rows[i].out);
        assert_row(i, found);
        buf_deinit(&out);
    }
}

static void ordinary_text_stays(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "hello, world",
        "www.example.com/path?x=1&y=%20z",
        "eyJ",
        "eyJhbGciOiJSUzI1NiJ9",
        "eyJhbGciOiJSUzI1NiJ9.e30",
        "eyJhbGciOiJSUzI1NiJ9.e30.***",
        "ya29.",
        "1//0short",
        "100%",
        "%zz%",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZw==",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf out;
        bool found;
        assert_strz(redacted(&out, str_from(rows[i]), &found), rows[i]);
        assert_row(i, !found);
        buf_deinit(&out);
    }
}

// The four bytes at the heart of the signature must be nowhere in the result.
static void gone(buf *text, str encoded)
{
    buf out;
    bool found;
    (void)text;
    str result = redacted(&out, encoded, &found);
    assert_true(found);
    assert_true(result.len < 40);
    buf_deinit(&out);
}

static void T43_encoded_credentials_are_found(void **state)
{
    (void)state;
    static const char *const credentials[] = {TOKEN, ACCESS, REFRESH, PEM};
    static const char *const before[] = {"", "a", "ab", "user:", "Bearer "};
    for (size_t i = 0; i < ARRAY_LEN(credentials); i++) {
        for (size_t j = 0; j < ARRAY_LEN(before); j++) {
            buf plain, text;
            buf_init(&plain, 4096);
            buf_init(&text, 16384);
            buf_addz(&plain, before[j]);
            buf_addz(&plain, credentials[i]);

            base64_encode(&text, buf_str(&plain));
            gone(&plain, buf_str(&text));
            buf_reset(&text);
            base64url_encode(&text, buf_str(&plain));
            gone(&plain, buf_str(&text));
            buf_reset(&text);
            for (size_t at = 0; at < plain.len; at++) // every byte, also those that need not be
                buf_addf(&text, "%%%02x", (unsigned char)plain.ptr[at]);
            gone(&plain, buf_str(&text));

            buf base64;
            buf_init(&base64, 16384);
            base64_encode(&base64, buf_str(&plain));
            buf_reset(&text);
            percent_encode(&text, buf_str(&base64));
            gone(&plain, buf_str(&text));
            buf_deinit(&base64);
            buf_deinit(&plain);
            buf_deinit(&text);
        }
    }
}

static void hostile_text_takes_linear_time(void **state)
{
    (void)state;
    static const char *const patterns[] = {"eyJ",
                                           "eyJ.",
                                           "eyJhbGciOiJSUzI1NiJ9.",
                                           "ya29.",
                                           "1//",
                                           "-----BEGIN ",
                                           "-----BEGIN PRIVATE KEY",
                                           "%65",
                                           "A",
                                           "%"};
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
        buf in, out;
        bool found;
        buf_init(&in, 1 << 20);
        while (in.len < 512 * 1024)
            buf_addz(&in, patterns[i]);
        uint64_t start = clock_mono_ms();
        redacted(&out, buf_str(&in), &found);
        assert_row(i, clock_mono_ms() - start < 3000);
        buf_deinit(&in);
        buf_deinit(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credentials_are_replaced_wherever_they_stand),
        cmocka_unit_test(ordinary_text_stays),
        cmocka_unit_test(T43_encoded_credentials_are_found),
        cmocka_unit_test(hostile_text_takes_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
