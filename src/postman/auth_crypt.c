// SPDX-License-Identifier: Apache-2.0
// Hashes and signatures for the signers, on OpenSSL.
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <unistd.h>

#include "jose/jose.h"
#include "postman/auth.h"

enum { KEY_BYTES_MAX = 64 << 10, SIGNATURE_BYTES_MAX = 2048 };

// ---- hashes

static void auth_hash(const char *algorithm, str text, buf *out)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    size_t len = 0;
    if (!EVP_Q_digest(NULL, algorithm, NULL, text.ptr ? text.ptr : "", text.len, sum, &len))
        abort(); // the table of algorithms is ours
    buf_add(out, sum, len);
}

void auth_hmac(const char *algorithm, str key, str text, buf *out)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    size_t len = 0;
    if (!EVP_Q_mac(NULL, "HMAC", NULL, algorithm, NULL, key.ptr ? key.ptr : "", key.len,
                   (const unsigned char *)(text.ptr ? text.ptr : ""), text.len, sum, sizeof(sum),
                   &len))
        abort();
    buf_add(out, sum, len);
}

static str shown(arena *a, const buf *sum, bool base64)
{
    buf text;
    buf_init(&text, 2 * AUTH_DIGEST_MAX);
    if (base64)
        base64_encode(&text, buf_str(sum));
    else
        hex_encode(&text, buf_str(sum));
    str copy = arena_str(a, buf_str(&text));
    buf_deinit(&text);
    return copy;
}

static str hash_text(arena *a, const char *algorithm, str text, bool base64)
{
    buf sum;
    buf_init(&sum, AUTH_DIGEST_MAX);
    auth_hash(algorithm, text, &sum);
    str made = shown(a, &sum, base64);
    buf_deinit(&sum);
    return made;
}

str auth_hash_hex(arena *a, const char *algorithm, str text)
{
    return hash_text(a, algorithm, text, false);
}

str auth_hash_base64(arena *a, const char *algorithm, str text)
{
    return hash_text(a, algorithm, text, true);
}

str auth_hmac_base64(arena *a, const char *algorithm, str key, str text)
{
    buf sum;
    buf_init(&sum, AUTH_DIGEST_MAX);
    auth_hmac(algorithm, key, text, &sum);
    str made = shown(a, &sum, true);
    buf_deinit(&sum);
    return made;
}

// ---- the body

static bool is_form(const pm_call *call)
{
    return json_is_str(json_get(json_get(call->request, "body"), "mode"), "formdata");
}

static bool hash_file(EVP_MD_CTX *ctx, const pm_segment *s, uint64_t *left)
{
    unsigned char piece[16384];
    for (uint64_t at = 0; at < s->len && *left;) {
        uint64_t want = s->len - at < *left ? s->len - at : *left;
        ssize_t got = pread(s->fd, piece, want < sizeof(piece) ? want : sizeof(piece), (off_t)at);
        if (got <= 0 || !EVP_DigestUpdate(ctx, piece, (size_t)got))
            return false;
        at += (uint64_t)got;
        *left -= (uint64_t)got;
    }
    return true;
}

static bool hash_segment(EVP_MD_CTX *ctx, const pm_segment *s, uint64_t *left)
{
    if (s->fd >= 0)
        return hash_file(ctx, s, left);
    size_t len = s->bytes.len < *left ? s->bytes.len : (size_t)*left;
    *left -= len;
    return EVP_DigestUpdate(ctx, s->bytes.ptr, len);
}

str auth_hash_body(arena *a, const pm_call *call, const auth_body *how)
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    uint64_t left = how->bytes_max ? how->bytes_max : UINT64_MAX;
    if (!call->body_bytes || is_form(call))
        return STR_NONE;
    EVP_MD *md = EVP_MD_fetch(NULL, how->algorithm, NULL);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!md || !ctx || !EVP_DigestInit_ex2(ctx, md, NULL))
        abort();
    bool good = EVP_DigestUpdate(ctx, how->before.ptr, how->before.len);
    for (size_t i = 0; good && i < call->body.len; i++)
        good = hash_segment(ctx, &call->body.ptr[i], &left);
    good = good && EVP_DigestUpdate(ctx, how->after.ptr, how->after.len) &&
           EVP_DigestFinal_ex(ctx, bytes, &len);
    EVP_MD_CTX_free(ctx);
    EVP_MD_free(md);
    buf sum;
    buf_init(&sum, AUTH_DIGEST_MAX);
    buf_add(&sum, bytes, len);
    str text = good ? shown(a, &sum, how->base64) : STR_NONE;
    buf_deinit(&sum);
    return text;
}

// ---- private keys

// The base64 between the two lines of a PEM, without what stands for line breaks.
static bool pem_body(str pem, buf *out)
{
    ssize_t begin = str_find(pem, STR("-----BEGIN ")), end = str_find(pem, STR("-----END "));
    if (begin < 0 || end < begin)
        return false;
    str rest = str_sub(pem, (size_t)begin + 11, (size_t)end);
    ssize_t dashes = str_find(rest, STR("-----"));
    if (dashes < 0 || !str_ends(str_sub(rest, 0, (size_t)dashes), STR("PRIVATE KEY")))
        return false;
    rest = str_skip(rest, (size_t)dashes + 5);
    for (size_t i = 0; i < rest.len; i++) {
        if (rest.ptr[i] == '\\' && i + 1 < rest.len && strchr("nr", rest.ptr[i + 1]))
            i++;
        else if (!ascii_is_blank(rest.ptr[i]))
            buf_addc(out, rest.ptr[i]);
    }
    return true;
}

static EVP_PKEY *read_key(str pem)
{
    buf base64, der;
    buf_init(&base64, KEY_BYTES_MAX);
    buf_init(&der, KEY_BYTES_MAX);
    EVP_PKEY *key = NULL;
    if (pem_body(pem, &base64) && buf_ok(&base64) && base64_decode(&der, buf_str(&base64))) {
        const unsigned char *at = (const unsigned char *)der.ptr;
        key = d2i_AutoPrivateKey(NULL, &at, (long)der.len);
    }
    buf_wipe(&base64);
    buf_wipe(&der);
    buf_deinit(&base64);
    buf_deinit(&der);
    return key;
}

static const char *check_key(EVP_PKEY *key, auth_scheme scheme, const char *algorithm)
{
    static const struct {
        const char *algorithm, *group;
    } curves[] = {{"SHA256", "prime256v1"}, {"SHA384", "secp384r1"}, {"SHA512", "secp521r1"}};
    char group[64] = "";
    if (scheme != AUTH_ECDSA)
        return EVP_PKEY_is_a(key, "RSA") ? NULL : "the algorithm needs an RSA key";
    EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), NULL);
    for (size_t i = 0; i < ARRAY_LEN(curves); i++)
        if (strcmp(curves[i].algorithm, algorithm) == 0 && strcmp(curves[i].group, group) == 0)
            return NULL;
    return "the algorithm needs a key on its own curve (P-256, P-384 or P-521)";
}

static bool sign_with(EVP_PKEY *key, auth_scheme scheme, const char *algorithm, str text, buf *out)
{
    unsigned char sig[SIGNATURE_BYTES_MAX];
    size_t len = sizeof(sig);
    EVP_PKEY_CTX *how = NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx && EVP_PKEY_get_size(key) <= SIGNATURE_BYTES_MAX &&
                EVP_DigestSignInit_ex(ctx, &how, algorithm, NULL, NULL, key, NULL) > 0;
    if (good && scheme == AUTH_PSS)
        good = EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) > 0 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST) > 0;
    good = good && EVP_DigestSign(ctx, sig, &len, (const unsigned char *)text.ptr, text.len) > 0;
    if (good && scheme == AUTH_ECDSA)
        good = jose_ecdsa_raw(sig, len, ((size_t)EVP_PKEY_get_bits(key) + 7) / 8, out);
    else if (good)
        buf_add(out, sig, len);
    EVP_MD_CTX_free(ctx);
    return good;
}

const char *auth_sign(auth_scheme scheme, const char *algorithm, str pem, str text, buf *out)
{
    EVP_PKEY *key = read_key(pem);
    const char *wrong = key ? check_key(key, scheme, algorithm)
                            : "the private key can't be read: it must be an unencrypted PEM";
    if (!wrong && !sign_with(key, scheme, algorithm, text, out))
        wrong = "the private key can't sign";
    EVP_PKEY_free(key);
    ERR_clear_error();
    return wrong;
}
