// SPDX-License-Identifier: Apache-2.0
// Self-signed certificates: the form in which Google's x509 map shows signing keys.
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "jose/key.h"

static bool add_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool added = ext && X509_add_ext(cert, ext, -1);
    X509_EXTENSION_free(ext);
    return added;
}

static bool set_name(X509 *cert, str name)
{
    X509_NAME *x = X509_get_subject_name(cert);
    int len = name.len < 64 ? (int)name.len : 64; // ub-common-name
    return X509_NAME_add_entry_by_txt(x, "CN", MBSTRING_UTF8, (const unsigned char *)name.ptr, len,
                                      -1, 0) &&
           X509_set_issuer_name(cert, x);
}

// The serial comes from the key and the start, so that the same certificate is made each time.
static bool set_serial(X509 *cert, const jwk *k, int64_t from_s)
{
    unsigned char hash[JOSE_SHA256_BYTES], bytes[16];
    char text[JWK_THUMBPRINT_LEN + 24];
    int len =
        snprintf(text, sizeof(text), STR_FMT "%lld", STR_ARG(jwk_thumbprint(k)), (long long)from_s);
    jose_sha256((str){text, (size_t)len}, hash);
    memcpy(bytes, hash, sizeof(bytes));
    bytes[0] &= 0x7f; // positive
    BIGNUM *n = BN_bin2bn(bytes, sizeof(bytes), NULL);
    bool set = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert));
    BN_free(n);
    return set;
}

static bool fill_cert(X509 *cert, const jwk *k, str name, int64_t from_s, int64_t to_s)
{
    return X509_set_version(cert, X509_VERSION_3) && set_serial(cert, k, from_s) &&
           ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)from_s) &&
           ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)to_s) && set_name(cert, name) &&
           X509_set_pubkey(cert, k->pkey) &&
           add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(cert, NID_key_usage, "critical,digitalSignature") &&
           add_extension(cert, NID_ext_key_usage, "critical,clientAuth");
}

code jwk_write_cert_pem(const jwk *k, str name, int64_t from_s, int64_t to_s, buf *out, err *e)
{
    if (!k->is_private)
        return err_set(e, JOSE_KEY, "a public key can't sign its own certificate");
    X509 *cert = X509_new();
    BIO *mem = BIO_new(BIO_s_mem());
    const EVP_MD *md = k->alg == JOSE_EDDSA ? NULL : alg_digest(k->alg);
    bool made = cert && mem && fill_cert(cert, k, name, from_s, to_s) &&
                X509_sign(cert, k->pkey, md) && PEM_write_bio_X509(mem, cert);
    if (made) {
        char *text;
        long len = BIO_get_mem_data(mem, &text);
        buf_add(out, text, (size_t)len);
    }
    BIO_free(mem);
    X509_free(cert);
    ERR_clear_error();
    return made ? OK : err_set(e, JOSE_KEY, "no certificate could be made for the key");
}
