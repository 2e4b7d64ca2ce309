// SPDX-License-Identifier: Apache-2.0
// jose: keys and signed tokens (RFC 7515, 7517, 7518, 7519, 7638, 8037) on OpenSSL. Pure: no files,
// no network, no clock; whoever calls passes the time in.
//
// Invariants
// - A key has exactly one algorithm. A token is verified by the algorithm of the key, never by the
//   one its header names; the two must be equal (threats 14, 15).
// - There are no symmetric algorithms, no `none`, and no encrypted tokens: a JWE is refused.
// - Nothing inside a token chooses what it is verified with, but for `kid`, which only selects
// among
//   keys that the caller already trusts (threat 16).
// - No error text holds a token, a signature or a private key; a claim's value may be quoted.
// - A key carries its verification context: it belongs to one thread at a time.
#pragma once

#include "base/base.h"

typedef struct json json;

// ---- algorithms -------------------------------------------------------------------------------

typedef enum jose_alg {
    JOSE_RS256, // RSASSA-PKCS1-v1_5, SHA-256, 2048 to 8192 bits
    JOSE_PS256, // RSASSA-PSS, SHA-256, salt of 32 bytes
    JOSE_ES256, // ECDSA on P-256, SHA-256
    JOSE_ES384, // ECDSA on P-384, SHA-384
    JOSE_EDDSA, // Ed25519
    JOSE_ALG_COUNT
} jose_alg;

const char *jose_alg_name(jose_alg a); // as in the header: "RS256"
// By the exact name (case counts); false when it is none of ours.
bool jose_alg_from_name(str name, jose_alg *ret_alg);

// ---- keys -------------------------------------------------------------------------------------

typedef struct jwk jwk; // refcounted

// Makes a key pair. RSA keys have 2048 bits (some 100 ms: give it to a worker). An empty kid
// becomes the thumbprint.
jwk *jwk_generate(jose_alg alg, str kid);
// Reads the first key of a PEM text: PKCS #8, PKCS #1, SEC 1, a public key, or a certificate
// (RFC 7468). RSA gives RS256, the others follow their curve. Encrypted keys are refused. An empty
// kid becomes the thumbprint. JOSE_KEY says what is wrong, without the key.
CODE_CHECKED jwk_from_pem(str pem, str kid, jwk **ret_key, err *e);
// Reads one public JWK (RFC 7517 §4). An RSA key without `alg` is an RS256 key. JOSE_KEY when it
// can't verify signatures here: another type or curve, too weak, `use` or `key_ops` for something
// else; also when it shows private members, for then everybody has them.
CODE_CHECKED jwk_from_json(const json *object, jwk **ret_key, err *e);
jwk *jwk_ref(jwk *k);
void jwk_unref(jwk *k); // NULL is allowed

jose_alg jwk_alg(const jwk *k);
str jwk_kid(const jwk *k);
// What it signs names no key from now on: a kid that the other side doesn't have is worse than
// none.
void jwk_unname(jwk *k);
bool jwk_private(const jwk *k);
// RFC 7638 with SHA-256, base64url.
enum { JWK_THUMBPRINT_LEN = 43 };
str jwk_thumbprint(const jwk *k);

// The public key: {"kty":…,"kid":…,"use":"sig","alg":…,…}.
void jwk_write_json(const jwk *k, buf *out);
void jwk_write_public_pem(const jwk *k, buf *out);
// PKCS #8, as in the private_key of a service-account key file; NULL for a public key.
secret *jwk_private_pem(const jwk *k);
// A self-signed certificate over a private key, valid from `from_s` to `to_s`, as in the answers of
// /oauth2/v1/certs. `name` becomes the common name, cut to 64 bytes.
CODE_CHECKED jwk_write_cert_pem(const jwk *k, str name, int64_t from_s, int64_t to_s, buf *out,
                                err *e);

// ---- key sets ---------------------------------------------------------------------------------

typedef struct jwk_set jwk_set; // refcounted
enum { JWK_SET_BYTES_MAX = 512 << 10, JWK_SET_KEYS_MAX = 128 };

jwk_set *jwk_set_new(void);
jwk_set *jwk_set_ref(jwk_set *s);
void jwk_set_unref(jwk_set *s);
// Takes its own reference. A key of the same kid is replaced.
void jwk_set_add(jwk_set *s, jwk *k);
// Reads {"keys":[…]} (RFC 7517 §5). Keys that jwk_from_json can't use are skipped, as the RFC asks;
// `e` of a set in which none remains tells why the last was. Two different keys of one kid, or
// private members, refuse the set (JOSE_KEY_SET).
CODE_CHECKED jwk_set_from_text(str text, jwk_set **ret_set, err *e);
void jwk_set_write_json(const jwk_set *s, buf *out);
size_t jwk_set_len(const jwk_set *s);
jwk *jwk_set_at(const jwk_set *s, size_t i);  // borrowed
jwk *jwk_set_find(const jwk_set *s, str kid); // borrowed, or NULL
// The certificate map {kid: PEM} of the private keys in the set.
CODE_CHECKED jwk_set_write_certs(const jwk_set *s, str name, int64_t from_s, int64_t to_s, buf *out,
                                 err *e);

// ---- signatures -------------------------------------------------------------------------------

// The raw signature of RFC 7515 over `input`, appended. The key must be private.
CODE_CHECKED jws_sign(jwk *k, str input, buf *out, err *e);
// False on any mismatch, length included.
bool jws_verify(jwk *k, str input, str signature);

// ---- tokens -----------------------------------------------------------------------------------

enum {
    JWT_BYTES_MAX = 16 << 10,
    JWT_AUDIENCES_MAX = 32,
    // A token without kid is tried against each key of its algorithm; with more keys than this it
    // is refused, so that a bad token can't cost more.
    JWT_TRIES_MAX = 16,
};

// A token taken apart; everything lives in the arena, or in the text that was parsed.
typedef struct jwt jwt;
struct jwt {
    str text;          // the whole token
    str signing_input; // header.claims as sent
    str signature;     // decoded
    str alg_name;
    jose_alg alg; // JOSE_ALG_COUNT: not one of ours
    str kid;      // "" when missing
    str typ;      // "" when missing
    const json *claims;
    str issuer;  // "" when missing
    str subject; // "" when missing
    const str *audiences;
    size_t audience_count; // 0 when missing
    bool has_expiry, has_not_before, has_issued_at;
    int64_t expiry_s, not_before_s, issued_at_s; // seconds since 1970, fractions cut
};

// Three canonical base64url parts, a strict header (no duplicate name; `crit`, `jwk`, `jku`, `x5u`,
// `x5c`, `b64`, `zip` refused) and strict claims (no duplicate name, registered claims of their
// type, times within ±2^53). Verifies nothing. JWT_FORMAT, JWT_HEADER, JWT_CLAIMS.
CODE_CHECKED jwt_parse(str token, arena *a, jwt *ret_jwt, err *e);

// As jwt_parse, but times may be strings of digits: what Google's token endpoint takes in an
// assertion (google-identity.md §1).
CODE_CHECKED jwt_parse_assertion(str token, arena *a, jwt *ret_jwt, err *e);

// True when the text has the shape of a JWT: three base64url parts, the first of which is an object
// with `alg`. For telling tokens from other words, not for trusting them.
bool jwt_looks_like(str token);

enum { JOSE_SHA256_BYTES = 32 };
void jose_sha256(str text, unsigned char ret_digest[JOSE_SHA256_BYTES]);

// What a verifier expects.
typedef struct jwt_expect jwt_expect;
struct jwt_expect {
    str issuer;           // exact; empty: any (the caller has chosen the keys by issuer)
    const str *audiences; // one of them must be named exactly; none: not checked
    size_t audience_count;
    str typ;                // e.g. "at+jwt"; empty: missing or "JWT" only
    int64_t now_s;          // wall clock
    int64_t leeway_s;       // 0 to 60
    bool expiry_optional;   // exp may be missing
    int64_t lifetime_max_s; // exp − iat at most, and iat is required; 0: no limit
};

// The parts of jwt_verify. jwt_check_signature: JWT_ALG, JWT_KEY, JWT_SIGNATURE.
CODE_CHECKED jwt_check_signature(const jwt *t, const jwk_set *keys, err *e);
// In this order: JWT_TYPE, JWT_ISSUER, JWT_CLAIMS (exp missing), JWT_EXPIRED, JWT_EARLY (nbf or iat
// in the future), JWT_AUDIENCE. The text names the claim and what was expected.
CODE_CHECKED jwt_check_claims(const jwt *t, const jwt_expect *x, err *e);
// Expiry and nbf alone: for a token whose verification is remembered.
CODE_CHECKED jwt_check_times(const jwt *t, int64_t now_s, int64_t leeway_s, err *e);

// Parses, checks the signature, then the claims; the code is the exact reason of a failure.
// *ret_jwt is filled as far as the token could be read, so that a report may name its issuer or
// audience.
CODE_CHECKED jwt_verify(str token, const jwk_set *keys, const jwt_expect *x, arena *a, jwt *ret_jwt,
                        err *e);

// Appends an ECDSA signature as JWS has it (RFC 7518 §3.4: R and S, each of `coordinate` bytes)
// from its DER form; false when it isn't one.
bool jose_ecdsa_raw(const unsigned char *der, size_t len, size_t coordinate, buf *out);
// Signs claims, a JSON object: header {"alg":…,"kid":…,"typ":…}, without an empty kid; an empty typ
// means "JWT".
CODE_CHECKED jwt_sign(jwk *k, str claims_json, str typ, buf *out, err *e);

// ---- keeping tokens out of what people read ---------------------------------------------------

// Appends `in` to `out` with everything that has the shape of a credential replaced by "***": JWTs,
// Google's access and refresh tokens ("ya29.…", "1//0…") and PEM private keys; inside a word that
// is percent-encoded or base64, the whole word. True when something was replaced (threats 32, 43).
bool jose_redact(str in, buf *out);
