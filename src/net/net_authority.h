// SPDX-License-Identifier: Apache-2.0
// authority: a certificate authority of this process's own, for ending TLS in the names of others
// (RFC 5280).
//
// Invariants
// - Its key ends with the process, unless who made it keeps it (tls_authority_save).
// - It can vouch for the names it was made for, and what is beneath them, only: its certificate
// says
//   so (name constraints), so who trusts it is deceived about no other name.
#pragma once

#include "base/base.h"
#include "net/net_tls.h"

enum { TLS_AUTHORITY_DAYS = 90, TLS_AUTHORITY_RENEW_DAYS = 7, TLS_LEAF_DAYS = 2 };

typedef struct tls_authority tls_authority;
typedef struct tls_authority_options tls_authority_options;
struct tls_authority_options {
    const char *title; // of the certificate: who made it
    const str *names;  // host names, copied; at least one
    size_t name_count;
    const char *alpn; // of its servers, see tls_server_options
};
tls_authority *tls_authority_new(const tls_authority_options *o);
void tls_authority_free(tls_authority *a); // NULL is allowed

// Its key and certificate, PEM: a secret.
void tls_authority_save(const tls_authority *a, buf *out);
// The one that was saved. NET_TLS_CONFIG: it is none, for other names, or ends within a week.
CODE_CHECKED tls_authority_load(const tls_authority_options *o, str saved,
                                tls_authority **ret_authority, err *e);

// Its certificate, PEM: what is to be trusted.
str tls_authority_pem(const tls_authority *a);
// A server context whose certificate is for this name; it is made once and renewed before it ends.
// Borrowed until the next call. NET_TLS_CONFIG: the name is none of its own, or its 90 days are
// over.
CODE_CHECKED tls_authority_server(tls_authority *a, str name, tls_context **ret_ctx, err *e);
