// SPDX-License-Identifier: Apache-2.0
// What the files of this room share about callers, exchanges and the provider.
#pragma once

#include "credential/credential.h"
#include "fetch/fetch.h"
#include "jose/jose.h"
#include "net/net.h"

// ---- caller: a credential that was found --------------------------------------------------------

// Everything a source needs; strings live in the provider's arena.
typedef struct caller caller;
struct caller {
    credential_who who;
    VEC(credential_step) steps;
    err failure; // why there is none

    // service_account
    str email;
    str token_uri;
    jwk *key;
    // authorized_user
    str client_id;
    secret *client_secret;
    secret *refresh_token;
    // gcloud and metadata
    str account;
    str metadata_host; // HOST[:PORT]
    // a file with a ready access token
    str token_file;
    // impersonation, outermost last; the base then gives access tokens only
    VEC(str) chain;
};

// file.c: reads a credential file into the caller. `from` says who named it. CRED_FILE, CRED_MIXED.
typedef struct file_rules file_rules;
struct file_rules {
    const char *untrusted_dir; // or NULL
    const home_address *up;    // or NULL
};
CODE_CHECKED caller_read_file(caller *c, arena *a, const char *path, const file_rules *rules,
                              err *e);
void caller_deinit(caller *c);

// search.c: finds the credential behind an identity; tells the steps in c->steps.
CODE_CHECKED caller_find(caller *c, arena *a, const credential_options *o, str identity, bool local,
                         err *e);
const char *option_env(const credential_options *o, const char *name);

// ---- exchange: one conversation with a source ---------------------------------------------------

typedef struct exchange exchange;

// What came of it.
typedef struct minted minted;
struct minted {
    str value;          // borrowed
    str principal;      // empty: as the caller says
    str audience;       // of an ID token; a user's has its client
    int64_t lifetime_s; // from now
};

typedef void exchange_on_done(void *ctx, const minted *m, const err *e);

// exchange.c. `base` is the access token of an impersonating caller, NULL otherwise.
exchange *exchange_start(credential_provider *p, caller *c, const credential_want *w,
                         credential_token *base, exchange_on_done *on_done, void *ctx);
void exchange_free(exchange *x); // NULL is allowed; no callback after it

// provider.c
loop *provider_loop(const credential_provider *p);
const credential_options *provider_options(const credential_provider *p);
// The client whose policy fits: the metadata server's, the running `up`'s, or the cloud's.
typedef enum provider_client { CLIENT_CLOUD, CLIENT_LOCAL, CLIENT_METADATA } provider_client;
fetch_client *provider_fetch(credential_provider *p, provider_client which);

// token.c. `base` is the token that an impersonation was held with, or NULL.
credential_token *token_new(const caller *c, const credential_want *w, const minted *m,
                            const credential_token *base);
// Of a token's life, by whichever clock saw more of it: fresh until its refresh margin, then it
// serves while it is renewed, and in its last seconds it is merely alive.
bool token_is_fresh(const credential_token *t);
bool token_serves(const credential_token *t);
bool token_is_alive(const credential_token *t);
