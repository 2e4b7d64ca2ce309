// SPDX-License-Identifier: Apache-2.0
// pool: workload identity pools, whose providers make principals of the tokens of foreign issuers
// (contract google-identity.md §2): Okta, Entra, GitHub Actions, Kubernetes and any other that
// signs its tokens with RS256 or ES256.
//
// Invariants
// - A provider believes its one issuer, for its audiences. Two providers of one issuer share
//   nothing.
// - What a token's claims mean is written in the provider's mapping and nowhere else; a condition
//   that isn't true, or can't be evaluated, refuses the token.
#pragma once

#include "oidc/oidc.h"

typedef struct pool_set pool_set;
typedef struct pool_provider pool_provider;

enum {
    POOL_SKEW_S = 60, // Google's, measured
    POOL_PROVIDERS_MAX = 100,
    POOL_ATTRIBUTES_MAX = 50,
    POOL_SUBJECT_BYTES_MAX = 127,
    POOL_GROUPS_MAX = 100,
    POOL_MAPPED_BYTES_MAX = 8 << 10, // all attributes of one token
};

// Reads {POOL: {disabled, providers: {PROVIDER: {issuer, audiences, jwks, map, condition,
// disabled}}}}, whose shape is checked already; NULL: none. Mappings and conditions are compiled
// now, and keys that Google would refuse are refused (RSA and P-256 are taken). Errors, each with
// its place: POOL_CONFIG, OIDC_CONFIG, CEL_….
CODE_CHECKED pool_set_new(loop *l, const json *pools, str project_number, pool_set **ret_set,
                          err *e);
void pool_set_free(pool_set *s); // NULL is allowed

// For tests.
size_t pool_set_len(const pool_set *s);
// For tests.
pool_provider *pool_set_at(const pool_set *s, size_t i);
// By its full name, with or without "https:" in front. NULL when it isn't there or is disabled,
// itself or its pool.
pool_provider *pool_set_find(const pool_set *s, str audience);
// "//iam.googleapis.com/projects/N/locations/global/workloadIdentityPools/P/providers/Q"
str pool_provider_name(const pool_provider *p);
str pool_provider_issuer(const pool_provider *p);
// For tests.
bool pool_provider_disabled(const pool_provider *p);
// For tests.
const str *pool_provider_audiences(const pool_provider *p, size_t *ret_count);

// Everything lives in the arena, the token's text, or the pool_set.
typedef struct pool_identity pool_identity;
struct pool_identity {
    jwt token;     // as far as it could be read
    principal who; // PRINCIPAL_WORKLOAD; what was mapped before a failure is there
};

// What the provider makes of a token, by its own audiences. The result in *ret_code is OK or, in
// this order, JWT_FORMAT, JWT_HEADER, JWT_CLAIMS, OIDC_ISSUER, JWT_AUDIENCE, JWT_EXPIRED (also: iat
// or exp missing), JWT_EARLY, JWT_ALG, OIDC_KEYS, JWT_KEY, JWT_SIGNATURE, JWT_TYPE, POOL_MAPPING,
// POOL_CONDITION. OIDC_WAIT: pool_wait_keys, then again.
oidc_state pool_check(pool_provider *p, const oidc_query *q, arena *a, pool_identity *ret,
                      code *ret_code, err *e);
oidc_wait *pool_wait_keys(pool_provider *p, void (*on_keys)(void *ctx), void *ctx);
