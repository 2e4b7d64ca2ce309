// SPDX-License-Identifier: Apache-2.0
// Inside net: one side of a TLS connection between a plain and an encrypted byte queue.
#pragma once

#include <openssl/types.h>

#include "net/net_tls.h"

typedef struct tls_layer tls_layer;

// A server context of a certificate made here; both are borrowed during the call.
tls_context *tls_server_of(X509 *cert, EVP_PKEY *key, const char *alpn);

typedef enum tls_status {
    TLS_OK,
    TLS_WAIT, // more encrypted bytes are needed
    TLS_END,  // the peer said goodbye
    TLS_FAILED,
} tls_status;

// `name`: what a client verifies and sends as SNI; NULL for a server.
tls_layer *tls_layer_new(tls_context *c, const char *name);
void tls_layer_free(tls_layer *t);

// Encrypted bytes from the peer. What the layer wants to send is appended to `out` by every call.
void tls_layer_feed(tls_layer *t, str encrypted);
tls_status tls_layer_handshake(tls_layer *t, buf *out, err *e);
bool tls_layer_ready(const tls_layer *t);
// Decrypts at most cap bytes.
tls_status tls_layer_read(tls_layer *t, char *ptr, size_t cap, size_t *ret_len, buf *out, err *e);
tls_status tls_layer_write(tls_layer *t, str plain, buf *out, err *e);
void tls_layer_goodbye(tls_layer *t, buf *out);
// True where an end without goodbye may be an attack: the client side.
bool tls_layer_needs_goodbye(const tls_layer *t);
const char *tls_layer_alpn(tls_layer *t);
