// SPDX-License-Identifier: Apache-2.0
#include "jose/key.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <string.h>

static const alg_row alg_rows[JOSE_ALG_COUNT] = {
    [JOSE_RS256] = {"RS256", "RSA", NULL, NULL, "SHA256", 0},
    [JOSE_PS256] = {"PS256", "RSA", NULL, NULL, "SHA256", 0},
    [JOSE_ES256] = {"ES256", "EC", "P-256", "prime256v1", "SHA256", 32},
    [JOSE_ES384] = {"ES384", "EC", "P-384", "secp384r1", "SHA384", 48},
    [JOSE_EDDSA] = {"EdDSA", "OKP", "Ed25519", NULL, NULL, 0},
};
static EVP_MD *digests[JOSE_ALG_COUNT];
static pthread_once_t digests_once = PTHREAD_ONCE_INIT;

static void fetch_digests(void)
{
    for (int a = 0; a < JOSE_ALG_COUNT; a++)
        if (alg_rows[a].digest)
            digests[a] = EVP_MD_fetch(NULL, alg_rows[a].digest, NULL);
}

const EVP_MD *alg_digest(jose_alg a)
{
    pthread_once(&digests_once, fetch_digests);
    return digests[a];
}

void jose_sha256(str text, unsigned char ret_digest[JOSE_SHA256_BYTES])
{
    EVP_Digest(text.ptr, text.len, ret_digest, NULL, alg_digest(JOSE_RS256), NULL);
}

const alg_row *alg_of(jose_alg a)
{
    return &alg_rows[a];
}

const char *jose_alg_name(jose_alg a)
{
    return a < JOSE_ALG_COUNT ? alg_rows[a].name : "unknown";
}

bool jose_alg_from_name(str name, jose_alg *ret_alg)
{
    for (int a = 0; a < JOSE_ALG_COUNT; a++) {
        if (str_eq(name, str_from(alg_rows[a].name))) {
            *ret_alg = (jose_alg)a;
            return true;
        }
    }
    return false;
}

// The usual algorithm of the key's type; JOSE_ALG_COUNT when it has none of ours.
static jose_alg usual_alg(EVP_PKEY *pkey)
{
    if (EVP_PKEY_is_a(pkey, "RSA"))
        return JOSE_RS256;
    if (EVP_PKEY_is_a(pkey, "ED25519"))
        return JOSE_EDDSA;
    char group[64] = "";
    if (EVP_PKEY_is_a(pkey, "EC") &&
        EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group),
                                       NULL))
        for (int a = 0; a < JOSE_ALG_COUNT; a++)
            if (alg_rows[a].group && strcmp(group, alg_rows[a].group) == 0)
                return (jose_alg)a;
    return JOSE_ALG_COUNT;
}

// Checks the type, and that an RSA key is neither weak nor made to be slow.
static code check_pkey(EVP_PKEY *pkey, jose_alg *alg, err *e)
{
    jose_alg usual = usual_alg(pkey);
    if (usual == JOSE_ALG_COUNT)
        return err_set(e, JOSE_KEY,
                       "the key's type isn't supported: use RSA, P-256, P-384 or Ed25519");
    if (*alg == JOSE_ALG_COUNT)
        *alg = usual;
    if (*alg != usual && !(*alg == JOSE_PS256 && usual == JOSE_RS256))
        return err_set(e, JOSE_KEY, "the key's type doesn't fit the algorithm %s",
                       jose_alg_name(*alg));
    if (usual != JOSE_RS256)
        return OK;
    int bits = EVP_PKEY_get_bits(pkey);
    if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
        return err_set(e, JOSE_KEY, "an RSA key of %d bits isn't accepted: use %d to %d", bits,
                       RSA_BITS_MIN, RSA_BITS_MAX);
    BIGNUM *exponent = NULL;
    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &exponent);
    bool good =
        exponent && BN_is_odd(exponent) && !BN_is_one(exponent) && BN_num_bits(exponent) <= 33;
    BN_free(exponent);
    return good ? OK : err_set(e, JOSE_KEY, "the RSA key's exponent isn't accepted: use 65537");
}

static void set_thumbprint(jwk *k)
{
    buf object, text;
    buf_init(&object, 8192);
    buf_init(&text, JWK_THUMBPRINT_LEN);
    buf_addc(&object, '{');
    jwk_write_required(k, &object);
    buf_addc(&object, '}');
    unsigned char hash[JOSE_SHA256_BYTES];
    jose_sha256(buf_str(&object), hash);
    base64url_encode(&text, (str){(const char *)hash, sizeof(hash)});
    memcpy(k->thumbprint, text.ptr, JWK_THUMBPRINT_LEN);
    buf_deinit(&object);
    buf_deinit(&text);
}

code jwk_of_pkey(EVP_PKEY *pkey, jose_alg alg, bool is_private, str kid, jwk **ret_key, err *e)
{
    code c = check_pkey(pkey, &alg, e);
    if (c == OK && kid.len > JWK_KID_MAX)
        c = err_set(e, JOSE_KEY, "the key id is longer than %d bytes", JWK_KID_MAX);
    if (c) {
        EVP_PKEY_free(pkey);
        ERR_clear_error();
        return c;
    }
    jwk *k = NEW(jwk);
    k->refs = 1;
    k->pkey = pkey;
    k->alg = alg;
    k->is_private = is_private;
    set_thumbprint(k);
    if (!kid.len)
        kid = jwk_thumbprint(k);
    k->kid = (str){mem_dupn(kid.ptr, kid.len), kid.len};
    *ret_key = k;
    return OK;
}

jwk *jwk_generate(jose_alg alg, str kid)
{
    const alg_row *row = &alg_rows[alg];
    EVP_PKEY *pkey = row->group          ? EVP_EC_gen(row->group)
                     : alg == JOSE_EDDSA ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
                                         : EVP_RSA_gen(2048);
    jwk *k = NULL;
    if (!pkey || jwk_of_pkey(pkey, alg, true, kid, &k, NULL))
        abort(); // no memory or no randomness
    return k;
}

jwk *jwk_ref(jwk *k)
{
    k->refs++;
    return k;
}

void jwk_unref(jwk *k)
{
    if (!k || --k->refs)
        return;
    EVP_PKEY_CTX_free(k->verifier);
    EVP_MD_CTX_free(k->hasher);
    EVP_PKEY_free(k->pkey);
    free((void *)(uintptr_t)k->kid.ptr);
    free(k);
}

jose_alg jwk_alg(const jwk *k)
{
    return k->alg;
}

str jwk_kid(const jwk *k)
{
    return k->kid;
}

void jwk_unname(jwk *k)
{
    k->kid.len = 0;
}

bool jwk_private(const jwk *k)
{
    return k->is_private;
}

str jwk_thumbprint(const jwk *k)
{
    return (str){k->thumbprint, JWK_THUMBPRINT_LEN};
}

// ---- PEM

// There is nobody to ask for a passphrase; without this, OpenSSL would ask the terminal.
static int no_passphrase(char *ret_text, int size, int writing, void *ctx)
{
    (void)ret_text, (void)size, (void)writing, (void)ctx;
    return -1;
}

static EVP_PKEY *read_certificate(BIO *in)
{
    X509 *cert = PEM_read_bio_X509(in, NULL, no_passphrase, NULL);
    EVP_PKEY *pkey = cert ? X509_get_pubkey(cert) : NULL;
    X509_free(cert);
    return pkey;
}

static code pem_label(str pem, str *ret_label, err *e)
{
    ssize_t begin = str_find(pem, STR("-----BEGIN "));
    str label = begin < 0 ? STR_NONE : str_skip(pem, (size_t)begin + 11);
    ssize_t end = str_find(label, STR("-----"));
    if (begin < 0 || end < 0)
        return err_set(e, JOSE_KEY, "the text holds no PEM key (no \"-----BEGIN … KEY-----\")");
    *ret_label = str_sub(label, 0, (size_t)end);
    if (str_eq(*ret_label, STR("ENCRYPTED PRIVATE KEY")) ||
        str_find(pem, STR("Proc-Type: 4,ENCRYPTED")) >= 0) {
        err_set(e, JOSE_KEY, "the private key is encrypted");
        err_hint(e, "decrypt it: openssl pkey -in KEY.pem -out PLAIN.pem");
        return JOSE_KEY;
    }
    return OK;
}

code jwk_from_pem(str pem, str kid, jwk **ret_key, err *e)
{
    str label;
    code c = pem_label(pem, &label, e);
    if (c)
        return c;
    if (pem.len > 64 * 1024)
        return err_set(e, JOSE_KEY, "the PEM text is longer than 64 KiB");
    bool is_private = str_ends(label, STR("PRIVATE KEY"));
    BIO *in = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    EVP_PKEY *pkey = is_private ? PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL)
                     : str_eq(label, STR("CERTIFICATE"))
                         ? read_certificate(in)
                         : PEM_read_bio_PUBKEY(in, NULL, no_passphrase, NULL);
    BIO_free(in);
    ERR_clear_error();
    if (!pkey) {
        err_set(e, JOSE_KEY, "the PEM " STR_FMT " can't be read", STR_ARG(label));
        if (str_find(pem, STR("\\n")) >= 0)
            err_hint(e, "the key holds the two characters \\n where line breaks should be");
        return JOSE_KEY;
    }
    return jwk_of_pkey(pkey, JOSE_ALG_COUNT, is_private, kid, ret_key, e);
}

void jwk_write_public_pem(const jwk *k, buf *out)
{
    BIO *mem = BIO_new(BIO_s_mem());
    if (!mem || !PEM_write_bio_PUBKEY(mem, k->pkey))
        abort();
    char *text;
    long len = BIO_get_mem_data(mem, &text);
    buf_add(out, text, (size_t)len);
    BIO_free(mem);
}

secret *jwk_private_pem(const jwk *k)
{
    if (!k->is_private)
        return NULL;
    BIO *mem = BIO_new(BIO_s_secmem()); // wiped when freed
    if (!mem || !PEM_write_bio_PKCS8PrivateKey(mem, k->pkey, NULL, NULL, 0, NULL, NULL))
        abort();
    char *text;
    long len = BIO_get_mem_data(mem, &text);
    secret *s = secret_new((str){text, (size_t)len});
    BIO_free(mem);
    return s;
}
