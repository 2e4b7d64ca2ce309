// SPDX-License-Identifier: Apache-2.0
// Public keys as JSON (RFC 7517, RFC 7518 §6, RFC 8037).
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <string.h>

#include "data/data.h"
#include "jose/key.h"

// ---- writing

static void add_member(buf *out, const char *name, const unsigned char *bytes, size_t len)
{
    buf_addf(out, "\"%s\":\"", name);
    base64url_encode(out, (str){(const char *)bytes, len});
    buf_addc(out, '"');
}

static void add_bn(const jwk *k, buf *out, const char *name, const char *param, size_t width)
{
    BIGNUM *n = NULL;
    unsigned char bytes[RSA_BITS_MAX / 8];
    if (!EVP_PKEY_get_bn_param(k->pkey, param, &n))
        abort(); // the key was checked when it was read
    int len = width ? (int)width : BN_num_bytes(n);
    if (BN_bn2binpad(n, bytes, len) != len)
        abort();
    add_member(out, name, bytes, (size_t)len);
    BN_free(n);
}

void jwk_write_required(const jwk *k, buf *out)
{
    const alg_row *row = alg_of(k->alg);
    if (strcmp(row->kty, "RSA") == 0) {
        add_bn(k, out, "e", OSSL_PKEY_PARAM_RSA_E, 0);
        buf_addz(out, ",\"kty\":\"RSA\",");
        add_bn(k, out, "n", OSSL_PKEY_PARAM_RSA_N, 0);
        return;
    }
    buf_addf(out, "\"crv\":\"%s\",\"kty\":\"%s\",", row->curve, row->kty);
    if (row->coordinate_bytes) {
        add_bn(k, out, "x", OSSL_PKEY_PARAM_EC_PUB_X, row->coordinate_bytes);
        buf_addc(out, ',');
        add_bn(k, out, "y", OSSL_PKEY_PARAM_EC_PUB_Y, row->coordinate_bytes);
        return;
    }
    unsigned char raw[32];
    size_t len = sizeof(raw);
    if (!EVP_PKEY_get_raw_public_key(k->pkey, raw, &len))
        abort();
    add_member(out, "x", raw, len);
}

void jwk_write_json(const jwk *k, buf *out)
{
    buf_addz(out, "{\"kid\":");
    buf_add_json(out, k->kid);
    buf_addf(out, ",\"use\":\"sig\",\"alg\":\"%s\",", jose_alg_name(k->alg));
    jwk_write_required(k, out);
    buf_addc(out, '}');
}

// ---- reading

// The bytes of a base64url member; `width` 0 accepts any length up to the largest modulus.
static code get_bytes(const json *object, const char *name, size_t width, buf *out, err *e)
{
    str text;
    code c = json_get_str(object, name, &text, e);
    if (c)
        return err_set(e, JOSE_KEY, "the key's member \"%s\" is missing or no string", name);
    buf_reset(out);
    if (!base64url_decode(out, text) || !out->len || (width && out->len != width))
        return err_set(e, JOSE_KEY, "the key's member \"%s\" is malformed", name);
    return OK;
}

static EVP_PKEY *pkey_from_params(const char *type, OSSL_PARAM_BLD *build)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) <= 0 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) <= 0)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return pkey;
}

static code rsa_pkey(const json *object, buf *n, buf *x, EVP_PKEY **ret, err *e)
{
    code c = get_bytes(object, "n", 0, n, e);
    if (c == OK)
        c = get_bytes(object, "e", 0, x, e);
    if (c)
        return c;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *modulus = BN_bin2bn((const unsigned char *)n->ptr, (int)n->len, NULL);
    BIGNUM *exponent = BN_bin2bn((const unsigned char *)x->ptr, (int)x->len, NULL);
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus);
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent);
    *ret = pkey_from_params("RSA", build);
    OSSL_PARAM_BLD_free(build);
    BN_free(modulus);
    BN_free(exponent);
    return OK;
}

static code ec_pkey(const json *object, const alg_row *row, buf *x, buf *y, EVP_PKEY **ret, err *e)
{
    code c = get_bytes(object, "x", row->coordinate_bytes, x, e);
    if (c == OK)
        c = get_bytes(object, "y", row->coordinate_bytes, y, e);
    if (c)
        return c;
    unsigned char point[1 + 2 * 48] = {4}; // uncompressed
    memcpy(point + 1, x->ptr, x->len);
    memcpy(point + 1 + x->len, y->ptr, y->len);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, row->group, 0);
    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + x->len + y->len);
    *ret = pkey_from_params("EC", build);
    OSSL_PARAM_BLD_free(build);
    return OK;
}

static code okp_pkey(const json *object, buf *x, EVP_PKEY **ret, err *e)
{
    code c = get_bytes(object, "x", 32, x, e);
    if (c)
        return c;
    *ret =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)x->ptr, x->len);
    return OK;
}

// The algorithm of a JWK: named by `alg`, else by its type and curve. Both must agree.
static code alg_from_json(const json *object, jose_alg *ret_alg, err *e)
{
    str kty = json_str_or(json_get(object, "kty"), STR_NONE);
    str crv = json_str_or(json_get(object, "crv"), STR_NONE);
    const json *named = json_get(object, "alg");
    jose_alg alg = JOSE_ALG_COUNT;
    if (named && !jose_alg_from_name(json_str_or(named, STR_NONE), &alg))
        return err_set(e, JOSE_KEY, "the key's algorithm isn't supported");
    for (int a = 0; a < JOSE_ALG_COUNT && alg == JOSE_ALG_COUNT; a++)
        if (str_eq(kty, str_from(alg_of((jose_alg)a)->kty)) &&
            (!alg_of((jose_alg)a)->curve || str_eq(crv, str_from(alg_of((jose_alg)a)->curve))))
            alg = (jose_alg)a;
    const char *curve = alg == JOSE_ALG_COUNT ? NULL : alg_of(alg)->curve;
    if (alg == JOSE_ALG_COUNT || !str_eq(kty, str_from(alg_of(alg)->kty)) ||
        (curve && !str_eq(crv, str_from(curve))))
        return err_set(e, JOSE_KEY, "the key's type or curve isn't supported");
    *ret_alg = alg;
    return OK;
}

static bool may_verify(const json *object)
{
    const json *use = json_get(object, "use"), *ops = json_get(object, "key_ops");
    if (use && !json_is_str(use, "sig"))
        return false;
    bool listed = !ops;
    JSON_EACH (ops, op)
        listed = listed || json_is_str(op, "verify");
    return listed;
}

const char *jwk_private_member(const json *object)
{
    static const char *const names[] = {"d", "p", "q", "dp", "dq", "qi", "k"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (json_get(object, names[i]))
            return names[i];
    return NULL;
}

static code check_purpose(const json *object, err *e)
{
    if (!json_is(object, JSON_OBJECT))
        return err_set(e, JOSE_KEY, "a key must be an object");
    const char *shown = jwk_private_member(object);
    if (shown)
        return err_set(e, JOSE_KEY, "the key shows its private member \"%s\"", shown);
    if (!may_verify(object))
        return err_set(e, JOSE_KEY, "the key isn't meant for signatures (use, key_ops)");
    const json *kid = json_get(object, "kid");
    if (kid && !json_is(kid, JSON_STRING))
        return err_set(e, JOSE_KEY, "the key's \"kid\" must be a string");
    return OK;
}

code jwk_from_json(const json *object, jwk **ret_key, err *e)
{
    jose_alg alg = JOSE_ALG_COUNT;
    code c = check_purpose(object, e);
    if (c == OK)
        c = alg_from_json(object, &alg, e);
    if (c)
        return c;
    const alg_row *row = alg_of(alg);
    EVP_PKEY *pkey = NULL;
    buf first, second;
    buf_init(&first, RSA_BITS_MAX / 8 + 8);
    buf_init(&second, RSA_BITS_MAX / 8 + 8);
    if (row->coordinate_bytes)
        c = ec_pkey(object, row, &first, &second, &pkey, e);
    else if (alg == JOSE_EDDSA)
        c = okp_pkey(object, &first, &pkey, e);
    else
        c = rsa_pkey(object, &first, &second, &pkey, e);
    buf_deinit(&first);
    buf_deinit(&second);
    ERR_clear_error();
    if (c)
        return c;
    if (!pkey)
        return err_set(e, JOSE_KEY, "the key's numbers aren't a valid %s key", row->kty);
    return jwk_of_pkey(pkey, alg, false, json_str_or(json_get(object, "kid"), STR_NONE), ret_key,
                       e);
}
