// SPDX-License-Identifier: Apache-2.0
// tls: contexts for streams, by OpenSSL. TLS 1.2 and 1.3; no renegotiation, no compression.
// A client verifies chain and name (threat 33); switching that off is the caller's explicit word.
#pragma once

#include "base/base.h"

typedef struct tls_context tls_context;

// Protocols for ALPN in order of preference, separated by commas: "http/1.1". NULL: no ALPN.
typedef struct tls_server_options tls_server_options;
struct tls_server_options {
    str cert_pem; // leaf first, then the chain
    str key_pem;  // without a passphrase
    const char *alpn;
};
// NET_TLS_CONFIG: unreadable PEM, or the key belongs to another certificate.
CODE_CHECKED tls_server_new(const tls_server_options *o, tls_context **ret_ctx, err *e);

typedef struct tls_client_options tls_client_options;
struct tls_client_options {
    str ca_pem;    // trusted besides the system's; may be empty
    bool insecure; // neither chain nor name is checked
    str cert_pem;  // client certificate; may be empty
    str key_pem;
    const char *alpn;
};
// NET_TLS_CONFIG.
CODE_CHECKED tls_client_new(const tls_client_options *o, tls_context **ret_ctx, err *e);

tls_context *tls_context_ref(tls_context *c);
void tls_context_unref(tls_context *c); // NULL is allowed
