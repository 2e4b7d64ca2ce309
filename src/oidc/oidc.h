// SPDX-License-Identifier: Apache-2.0
// oidc: the issuers whose tokens are believed, their keys, and what their claims make of a caller.
//
// Invariants
// - The issuer is chosen by the exact `iss` among those configured, before anything of the token is
//   believed; no other issuer's keys are tried.
// - Keys come from https (or loopback http, for issuers on loopback), without redirects, within
//   limits of size and time, from public addresses unless allowed otherwise (threat 34).
// - An unknown kid makes the keys be fetched again at most once a minute for each issuer; until
//   then such tokens are refused at once. When fetching fails the last good keys serve on for a day
//   (threat 26).
// - An e-mail address is believed only when the issuer says that it verified it and owns its
//   domain; two issuers that own one domain are a configuration error (threats 21, 47). Service
//   accounts are Google's alone.
#pragma once

#include "iam/iam.h"
#include "jose/jose.h"

typedef struct loop loop;
typedef struct oidc oidc;

typedef enum oidc_kind {
    OIDC_GOOGLE, // Google's accounts, or the local issuer in its place: people and service accounts
    OIDC_OTHER,  // any OpenID provider: people
} oidc_kind;

// Strings are copied.
typedef struct oidc_issuer oidc_issuer;
struct oidc_issuer {
    str issuer; // exactly as in `iss`
    oidc_kind kind;
    // E-mail domains that the issuer may speak for. "*" stands for all: what Google is for Cloud
    // Run, and only a lone issuer can be.
    const str *domains;
    size_t domain_count;
    str discovery_url;  // empty: ISSUER/.well-known/openid-configuration
    str jwks_url;       // set: no discovery
    jwk_set *keys;      // set: these, nothing is fetched (a reference is taken)
    bool access_tokens; // tokens of type at+jwt (RFC 9068) are taken too
};

// What the network side may do. Zeroes are the defaults.
typedef struct oidc_options oidc_options;
struct oidc_options {
    int64_t leeway_s;     // clock skew, 0 to 60
    bool loopback;        // an issuer on loopback may be asked by http
    bool private_network; // issuers at private addresses may be asked
    bool quiet;           // keys that can't be fetched are told by the verdict, not in the log too
};

// `l` NULL: only issuers with keys in memory.
oidc *oidc_new(loop *l, const oidc_options *o);
void oidc_free(oidc *o); // NULL is allowed; waits end without their callbacks

// OIDC_CONFIG: not https, no issuer, a domain that another issuer owns, the issuer twice.
CODE_CHECKED oidc_add(oidc *o, const oidc_issuer *i, err *e);
// Replaces the keys of an issuer that has them in memory: after a rotation.
void oidc_set_keys(oidc *o, str issuer, jwk_set *keys);
bool oidc_knows(const oidc *o, str issuer);
// Changes whenever the issuer's keys do: what was verified before must be verified again. 0, which
// no identity has, while they are too old or unknown.
uint64_t oidc_generation(const oidc *o, str issuer);

// ---- verification -----------------------------------------------------------------------------

// Everything lives in the arena, or in the token's text.
typedef struct oidc_identity oidc_identity;
struct oidc_identity {
    jwt token;
    principal who;
    oidc_kind kind;
    uint64_t generation; // of the keys that verified it
};

typedef enum oidc_state {
    OIDC_DONE, // *ret_code has the result
    OIDC_WAIT, // the issuer's keys must be fetched first: oidc_wait_keys, then ask again
} oidc_state;

// What is asked about a token.
typedef struct oidc_query oidc_query;
struct oidc_query {
    str token;
    // One of them must be named. None: the audience isn't checked, that is the caller's to do.
    const str *audiences;
    size_t audience_count;
    int64_t now_s; // wall clock
};

// Verifies a token. The result in *ret_code is OK, a JWT_ code, OIDC_ISSUER (unknown), OIDC_KEYS
// (can't be fetched). ret_identity->token is filled as far as the token could be read.
oidc_state oidc_verify(oidc *o, const oidc_query *q, arena *a, oidc_identity *ret_identity,
                       code *ret_code, err *e);

typedef struct oidc_wait oidc_wait;
// Calls back once the issuer's keys were fetched, or could not be: after OIDC_WAIT, or to have them
// early. All who wait for one issuer share one fetch.
oidc_wait *oidc_wait_keys(oidc *o, str issuer, void (*on_keys)(void *ctx), void *ctx);
void oidc_wait_cancel(oidc_wait *w);

// What the claims of a verified token make of its bearer. Pure; for tests and for those who verify
// by themselves.
void oidc_principal(const jwt *t, const oidc_issuer *i, arena *a, principal *ret_principal);

// A claim as a message may quote it: at most 256 bytes, and without what has the shape of a
// credential, for anybody can write somebody else's token into a claim (threat 32).
str oidc_quoted(str claim, arena *a);

// ---- command ----------------------------------------------------------------------------------

// `gatepost token verify --issuer U --audience A [--jwks URL]`: the report on one token.
typedef struct oidc_report oidc_report;
struct oidc_report {
    str token;
    str issuer;
    str audience;   // empty: not checked
    str jwks_url;   // empty: discovery
    bool try_local; // the running `gatepost up` issues such tokens too
    bool as_json;
};
// Fetches what is needed, then calls back once: OK when the token is good. `text` is the report in
// either case; it never holds the token.
void oidc_command_verify(loop *l, const oidc_report *r,
                         void (*on_done)(void *ctx, code c, str text, const err *e), void *ctx);
