// SPDX-License-Identifier: Apache-2.0
// key: what the files of this room share about a key.
#pragma once

#include <openssl/evp.h>

#include "jose/jose.h"

// What an algorithm means for OpenSSL and for a JWK.
typedef struct alg_row alg_row;
struct alg_row {
    const char *name;
    const char *kty;
    const char *curve;       // JWK name, or NULL
    const char *group;       // OpenSSL's name of the curve, or NULL
    const char *digest;      // NULL: the algorithm hashes by itself
    size_t coordinate_bytes; // of an EC key; its signatures are two of them
};
const alg_row *alg_of(jose_alg a);
// Fetched once per process: a fetch costs more than the hash of a token.
const EVP_MD *alg_digest(jose_alg a);

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192, JWK_KID_MAX = 256 };

struct jwk {
    EVP_PKEY *pkey;
    EVP_PKEY_CTX *verifier; // made at the first verification, then reused
    EVP_MD_CTX *hasher;
    jose_alg alg;
    bool is_private;
    uint32_t refs;
    char thumbprint[JWK_THUMBPRINT_LEN];
    str kid;
};

// Makes a key of an EVP_PKEY, which it takes also on failure. `alg` may be JOSE_ALG_COUNT: the
// type's usual one. Checks type, curve and size.
CODE_CHECKED jwk_of_pkey(EVP_PKEY *pkey, jose_alg alg, bool is_private, str kid, jwk **ret_key,
                         err *e);
// The members of the public key that RFC 7638 §3.2 hashes, in its order, as a JSON object's inside.
void jwk_write_required(const jwk *k, buf *out);
// The first private member that a JWK shows, or NULL.
const char *jwk_private_member(const json *object);
