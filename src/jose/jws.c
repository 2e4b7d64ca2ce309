// SPDX-License-Identifier: Apache-2.0
// Signatures over bytes: what RFC 7515 puts into the third part of a token.
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <string.h>

#include "jose/key.h"

enum { COORDINATE_MAX = 48, DER_MAX = 8 + 2 * (COORDINATE_MAX + 1) };

static bool set_parameters(EVP_PKEY_CTX *ctx, jose_alg alg)
{
    if (EVP_PKEY_CTX_set_signature_md(ctx, alg_digest(alg)) <= 0)
        return false;
    if (alg == JOSE_RS256)
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0;
    if (alg == JOSE_PS256) // RFC 7518 §3.5: the salt is as long as the hash
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0;
    return true;
}

static bool hash_input(jwk *k, str input, unsigned char *hash, unsigned *ret_len)
{
    if (!k->hasher)
        k->hasher = EVP_MD_CTX_new();
    return EVP_DigestInit_ex2(k->hasher, alg_digest(k->alg), NULL) &&
           EVP_DigestUpdate(k->hasher, input.ptr, input.len) &&
           EVP_DigestFinal_ex(k->hasher, hash, ret_len);
}

// ---- ECDSA: raw r ‖ s in JOSE (RFC 7518 §3.4), DER in OpenSSL

// Writes one INTEGER: without leading zeros, but with one where the high bit would mean a sign.
static unsigned char *der_integer(unsigned char *to, const unsigned char *n, size_t len)
{
    while (len > 1 && !*n)
        n++, len--;
    size_t pad = *n >> 7;
    *to++ = 0x02;
    *to++ = (unsigned char)(len + pad);
    if (pad)
        *to++ = 0;
    memcpy(to, n, len);
    return to + len;
}

// The caller checked that `raw` is two coordinates; then each length fits in one byte.
static size_t der_from_raw(str raw, unsigned char der[DER_MAX])
{
    const unsigned char *n = (const unsigned char *)raw.ptr;
    unsigned char *end = der_integer(der + 2, n, raw.len / 2);
    end = der_integer(end, n + raw.len / 2, raw.len / 2);
    der[0] = 0x30;
    der[1] = (unsigned char)(end - der - 2);
    return (size_t)(end - der);
}

bool jose_ecdsa_raw(const unsigned char *der, size_t len, size_t coordinate, buf *out)
{
    int n = (int)coordinate;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
    unsigned char *raw = (unsigned char *)buf_reserve(out, 2 * coordinate);
    bool good = sig && raw && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, n) == n &&
                BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + n, n) == n;
    ECDSA_SIG_free(sig);
    if (good)
        out->len += 2 * coordinate;
    return good;
}

// ---- verification

static bool verify_eddsa(jwk *k, str input, str signature)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, k->pkey) == 1 &&
                EVP_DigestVerify(ctx, (const unsigned char *)signature.ptr, signature.len,
                                 (const unsigned char *)input.ptr, input.len) == 1;
    EVP_MD_CTX_free(ctx);
    return good;
}

static bool start_verifier(jwk *k)
{
    if (k->verifier)
        return true;
    k->verifier = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
    if (k->verifier && EVP_PKEY_verify_init(k->verifier) > 0 && set_parameters(k->verifier, k->alg))
        return true;
    EVP_PKEY_CTX_free(k->verifier);
    k->verifier = NULL;
    return false;
}

bool jws_verify(jwk *k, str input, str signature)
{
    size_t coordinate = alg_of(k->alg)->coordinate_bytes;
    size_t expected = coordinate             ? 2 * coordinate
                      : k->alg == JOSE_EDDSA ? 64
                                             : (size_t)EVP_PKEY_get_size(k->pkey);
    if (signature.len != expected)
        return false;
    if (k->alg == JOSE_EDDSA)
        return verify_eddsa(k, input, signature);
    unsigned char hash[EVP_MAX_MD_SIZE], der[DER_MAX];
    unsigned hash_len = 0;
    const unsigned char *sig = (const unsigned char *)signature.ptr;
    size_t sig_len = signature.len;
    if (coordinate) {
        sig_len = der_from_raw(signature, der);
        sig = der;
    }
    bool good = start_verifier(k) && hash_input(k, input, hash, &hash_len) &&
                EVP_PKEY_verify(k->verifier, sig, sig_len, hash, hash_len) == 1;
    if (!good)
        ERR_clear_error();
    return good;
}

// ---- signing

static bool sign_hash(jwk *k, str input, unsigned char *sig, size_t *len)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned hash_len = 0;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
    bool good = ctx && EVP_PKEY_sign_init(ctx) > 0 && set_parameters(ctx, k->alg) &&
                hash_input(k, input, hash, &hash_len) &&
                EVP_PKEY_sign(ctx, sig, len, hash, hash_len) > 0;
    EVP_PKEY_CTX_free(ctx);
    return good;
}

static bool sign_eddsa(jwk *k, str input, unsigned char *sig, size_t *len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, k->pkey) == 1 &&
                EVP_DigestSign(ctx, sig, len, (const unsigned char *)input.ptr, input.len) == 1;
    EVP_MD_CTX_free(ctx);
    return good;
}

code jws_sign(jwk *k, str input, buf *out, err *e)
{
    if (!k->is_private)
        return err_set(e, JOSE_KEY, "a public key can't sign");
    unsigned char sig[RSA_BITS_MAX / 8];
    size_t len = sizeof(sig), coordinate = alg_of(k->alg)->coordinate_bytes;
    bool good =
        k->alg == JOSE_EDDSA ? sign_eddsa(k, input, sig, &len) : sign_hash(k, input, sig, &len);
    if (good && coordinate)
        good = jose_ecdsa_raw(sig, len, coordinate, out);
    else if (good)
        buf_add(out, sig, len);
    ERR_clear_error();
    return good ? OK : err_set(e, JOSE_KEY, "the key can't sign");
}
