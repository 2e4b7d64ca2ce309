// SPDX-License-Identifier: Apache-2.0
// auth: what the signers of a request share (contracts: Postman §7). A signer is one type of auth:
// it reads its parameters, which are resolved, and adds a header, parameters of the query or of
// the body. One that lacks what it needs leaves the request as it is. Private to the room.
#pragma once

#include "postman/build.h"

// A value as text; empty when there is none.
str auth_text(arena *a, const json *v);
// The same of the last parameter of that key.
str auth_param(arena *a, const json *params, const char *key);
// The value itself, or NULL.
const json *auth_value(const json *params, const char *key);
// As JavaScript's truth, but that a parameter of the type "boolean" may be text.
bool auth_flag(const json *params, const char *key);
// Replaces the Authorization header.
void auth_header(builder *b, str value);
// Replaces the parameter of the query.
void auth_query(builder *b, str key, str value);
void auth_drop_query(builder *b, str key);
// The request can't be signed: `why`, which holds no secret, for the person.
void auth_failed(builder *b, const char *type, const char *why);
// The URL as it would be sent now, taken apart. False when it can't be sent.
typedef struct auth_url auth_url;
struct auth_url {
    str scheme;
    str authority; // with the port, when there is one
    str host;
    str port;   // empty: the scheme's
    str target; // path and query
    str path;
    str query; // without "?"
};
bool auth_url_now(builder *b, auth_url *ret);
auth_url auth_url_of(str wire);
// Letters and digits that nobody can guess.
str auth_nonce(arena *a, size_t len);
str auth_encoded(arena *a, str text); // percent-encoded but for unreserved characters
str auth_decoded(arena *a, str text); // of a query or form, where "+" is a blank
// Content-Type as it will be sent, or empty.
str auth_content_type(const builder *b);

// ---- digests (auth_crypt.c); `algorithm` is OpenSSL's name of a hash

enum { AUTH_DIGEST_MAX = 64 };
// Raw bytes of the hash, appended.
void auth_hmac(const char *algorithm, str key, str text, buf *out);
str auth_hash_hex(arena *a, const char *algorithm, str text);
str auth_hash_base64(arena *a, const char *algorithm, str text);
str auth_hmac_base64(arena *a, const char *algorithm, str key, str text);

// A hash over the body, or over its first bytes.
typedef struct auth_body auth_body;
struct auth_body {
    const char *algorithm;
    bool base64;        // otherwise hex
    str before, after;  // are hashed around it
    uint64_t bytes_max; // 0: all
};
// Empty when there is no body, when a file of it can't be read, and for form-data, which is never
// hashed.
str auth_hash_body(arena *a, const pm_call *call, const auth_body *how);

typedef enum auth_scheme {
    AUTH_HMAC,
    AUTH_RSA,
    AUTH_PSS,
    AUTH_ECDSA, // raw r ‖ s, as JOSE has it
} auth_scheme;
// Signs with a private key in PEM, whose line breaks may be lost. NULL, or what is wrong with the
// key.
const char *auth_sign(auth_scheme scheme, const char *algorithm, str pem, str text, buf *out);

// ---- signers

typedef struct auth_answer auth_answer;
struct auth_answer {
    arena *arena;
    pm_call *call;
    const json *params;
    const pm_answer *answer;
};

void sign_digest(builder *b, const json *params);
// Looks at the answer: true when the request is to be sent again; *ret_header is then its
// Authorization.
bool answer_digest(const auth_answer *x, str *ret_header);
void sign_oauth1(builder *b, const json *params);
void sign_hawk(builder *b, const json *params);
void sign_aws(builder *b, const json *params);
void sign_edgegrid(builder *b, const json *params);
void sign_ntlm(builder *b, const json *params);
bool answer_ntlm(const auth_answer *x, str *ret_header);
void sign_oauth2(builder *b, const json *params);
void sign_jwt(builder *b, const json *params);
// What RFC 7523 trades for a token: the claims of `payload`, and those that it lacks. NULL, or why
// there is none.
const char *jwt_assertion(arena *a, const json *params, str issuer, str audience, str *ret);
void sign_asap(builder *b, const json *params);
