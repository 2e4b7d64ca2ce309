// SPDX-License-Identifier: Apache-2.0
// What a file of ours says about an OAuth 2 client that calls. Only a trusted file may: it names a
// token endpoint, and where secrets are (threat 39). It never holds a secret itself.
#pragma once

#include "base/base.h"

// Where a secret or a token is found: exactly one is set, or none.
typedef struct project_place project_place;
struct project_place {
    const char *file; // absolute
    const char *env;  // the name of a variable
    str identity;     // a token of that identity
};

typedef enum project_grant {
    GRANT_CLIENT_CREDENTIALS, // RFC 6749 §4.4
    GRANT_AUTHORIZATION_CODE, // §4.1 with PKCE (RFC 7636), in a browser on this machine (RFC 8252)
    GRANT_DEVICE_CODE,        // RFC 8628
    GRANT_TOKEN_EXCHANGE,     // RFC 8693
    GRANT_JWT_BEARER,         // RFC 7523 §2.1
} project_grant;

typedef enum project_client_auth {
    CLIENT_AUTH_NONE,
    CLIENT_AUTH_BASIC,       // client_secret_basic
    CLIENT_AUTH_POST,        // client_secret_post
    CLIENT_AUTH_PRIVATE_KEY, // private_key_jwt
    CLIENT_AUTH_TLS,         // tls_client_auth, self_signed_tls_client_auth (RFC 8705)
} project_client_auth;

typedef struct project_oauth project_oauth;
struct project_oauth {
    project_grant grant;
    str issuer; // empty: the endpoints stand here
    str token_endpoint, authorization_endpoint, device_endpoint, revocation_endpoint;
    str client_id; // may be empty for token exchange and JWT bearer
    project_client_auth client_auth;
    project_place client_secret;
    const char *private_key, *certificate; // PEM; NULL: none
    str key_id;
    str scope, audience, resource;
    bool id_token;          // what is sent is the ID token, not the access token
    uint16_t redirect_port; // of the loopback address; 0: a free one
    project_place subject;  // the token that is exchanged, or the assertion
    str subject_type;       // empty: by what it is
    str subject_name;       // `sub` of an assertion that is signed here
};

const char *project_grant_name(project_grant g); // "client_credentials"
const char *project_client_auth_name(project_client_auth a);
// A person signs in once, and a refresh token stands for that.
static inline bool project_grant_is_login(project_grant g)
{
    return g == GRANT_AUTHORIZATION_CODE || g == GRANT_DEVICE_CODE;
}
