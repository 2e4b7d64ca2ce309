// SPDX-License-Identifier: Apache-2.0
// The keys of an identity's `oauth` section.
#include "home/project_keys.h"

#define TEXT(symbol, description, one, expression, most)                                           \
    static const shape symbol = {.kind = SHAPE_TEXT,                                               \
                                 .what = description,                                              \
                                 .example = one,                                                   \
                                 .pattern = expression,                                            \
                                 .min = 1,                                                         \
                                 .max = (most)}

TEXT(url, "a URL: https, or http on this machine", "https://login.example.com", "^https?://[^ ]+$",
     2048);
TEXT(grant,
     "one of client_credentials, authorization_code, device_code, token_exchange and jwt_bearer",
     "client_credentials",
     "^(client_credentials|authorization_code|device_code|token_exchange|jwt_bearer)$", 32);
TEXT(client_auth,
     "one of client_secret_basic, client_secret_post, private_key_jwt, tls_client_auth and none",
     "client_secret_basic",
     "^(client_secret_basic|client_secret_post|private_key_jwt|tls_client_auth|none)$", 32);
TEXT(text, "a text", NULL, NULL, 2048);
TEXT(token, "'access' or 'id'", "access", "^(access|id)$", 6);
TEXT(path, "the path of a file, seen from this one", NULL, NULL, 4096);
TEXT(variable, "the name of a variable", "CLIENT_SECRET", "^[A-Za-z_][A-Za-z0-9_]*$", 256);
static const shape port = {
    .kind = SHAPE_INT, .what = "a port from 1 to 65535", .min = 1, .max = 65535};

static const shape_key secret_keys[] = {
    {.name = "env", .shape = &variable, .help = "The variable that holds it"},
    {.name = "file", .shape = &path, .help = "The file that holds it"},
    {0},
};
static const shape secret_place = {.kind = SHAPE_OBJECT, .keys = secret_keys};
static const shape_key subject_keys[] = {
    {.name = "identity", .shape = &text, .help = "The identity whose token it is"},
    {.name = "env", .shape = &variable, .help = "The variable that holds it"},
    {.name = "file", .shape = &path, .help = "The file that holds it"},
    {0},
};
static const shape subject_place = {.kind = SHAPE_OBJECT, .keys = subject_keys};

static const shape_key keys[] = {
    {.name = "grant", .shape = &grant, .required = true, .help = "How a token is got"},
    {.name = "issuer",
     .shape = &url,
     .help = "The issuer; its endpoints are read from /.well-known/openid-configuration"},
    {.name = "client_id", .shape = &text, .help = "As the issuer calls this client"},
    {.name = "client_auth",
     .shape = &client_auth,
     .help = "How the client proves itself; if absent, by what is given here"},
    {.name = "client_secret", .shape = &secret_place, .help = "Where the client's secret is"},
    {.name = "private_key",
     .shape = &path,
     .help = "A PEM file: signs for private_key_jwt and jwt_bearer, or belongs to the certificate"},
    {.name = "key_id",
     .shape = &text,
     .help = "The key's kid; what is signed names no key if absent"},
    {.name = "certificate", .shape = &path, .help = "A PEM file, shown by mutual TLS"},
    {.name = "scope", .shape = &text, .help = "What is asked for, blanks between"},
    {.name = "audience", .shape = &text, .help = "Sent as 'audience'"},
    {.name = "resource", .shape = &url, .help = "Sent as 'resource' (RFC 8707)"},
    {.name = "token",
     .shape = &token,
     .help = "What requests carry: the access token, if absent, or the ID token"},
    {.name = "redirect_port",
     .shape = &port,
     .help = "The port of http://127.0.0.1 that the issuer knows; a free one if absent"},
    {.name = "subject",
     .shape = &subject_place,
     .help = "The token to exchange, or the assertion of jwt_bearer"},
    {.name = "subject_type",
     .shape = &text,
     .help = "Its type, urn:ietf:params:oauth:token-type:…; by what it is if absent"},
    {.name = "subject_name",
     .shape = &text,
     .help = "Whom an assertion signed with private_key speaks for; the client if absent"},
    {.name = "token_endpoint", .shape = &url, .help = "In place of the issuer's"},
    {.name = "authorization_endpoint", .shape = &url, .help = "In place of the issuer's"},
    {.name = "device_authorization_endpoint", .shape = &url, .help = "In place of the issuer's"},
    {.name = "revocation_endpoint", .shape = &url, .help = "In place of the issuer's"},
    {0},
};
const shape oauth_shape = {.kind = SHAPE_OBJECT, .keys = keys};
