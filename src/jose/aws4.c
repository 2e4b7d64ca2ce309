// SPDX-License-Identifier: Apache-2.0
#include <openssl/evp.h>
#include <time.h>

#include "jose/jose.h"
#include "jose/jose_aws4.h"

void aws4_when(int64_t wall_s, char ret_text[AWS4_WHEN_MAX])
{
    time_t t = (time_t)wall_s;
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(ret_text, AWS4_WHEN_MAX, "%Y%m%dT%H%M%SZ", &tm);
}

str aws4_scope(const aws4 *k, arena *a)
{
    str day = str_sub(k->when, 0, 8);
    return arena_printf(a, STR_FMT "/" STR_FMT "/" STR_FMT "/aws4_request", STR_ARG(day),
                        STR_ARG(k->region), STR_ARG(k->service));
}

static str hex(str bytes, arena *a)
{
    buf text;
    buf_init(&text, 2 * JOSE_SHA256_BYTES);
    hex_encode(&text, bytes);
    str copy = arena_str(a, buf_str(&text));
    buf_deinit(&text);
    return copy;
}

static void hmac(str key, str text, unsigned char ret_sum[JOSE_SHA256_BYTES])
{
    size_t len = 0;
    if (!EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key.ptr, key.len,
                   (const unsigned char *)(text.ptr ? text.ptr : ""), text.len, ret_sum,
                   JOSE_SHA256_BYTES, &len))
        abort(); // nothing about the input can make it fail
}

str aws4_signature(const aws4 *k, str canonical_request, arena *a)
{
    unsigned char sum[JOSE_SHA256_BYTES], next[JOSE_SHA256_BYTES];
    const str bytes = {(const char *)sum, sizeof(sum)};
    jose_sha256(canonical_request, sum);
    str text = arena_printf(a, "AWS4-HMAC-SHA256\n" STR_FMT "\n" STR_FMT "\n" STR_FMT,
                            STR_ARG(k->when), STR_ARG(aws4_scope(k, a)), STR_ARG(hex(bytes, a)));
    const str steps[] = {str_sub(k->when, 0, 8), k->region, k->service, STR("aws4_request"), text};
    secret *key = NULL;
    buf first;
    buf_init(&first, 64 << 10);
    buf_addf(&first, "AWS4" STR_FMT, STR_ARG(k->secret));
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        hmac(key ? secret_str(key) : buf_str(&first), steps[i], next);
        secret_free(key);
        key = secret_new((str){(const char *)next, sizeof(next)});
    }
    str signature = hex(secret_str(key), a);
    secret_free(key);
    secret_wipe(next, sizeof(next));
    buf_wipe(&first);
    buf_deinit(&first);
    return signature;
}
