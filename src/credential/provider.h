// SPDX-License-Identifier: Apache-2.0
// What the files of this room share about callers, exchanges and the provider.
#pragma once

#include <sys/types.h>
#include <time.h>

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
    struct timespec key_changed; // of its file: caller_renew_key
    ino_t key_inode;
    // authorized_user
    str client_id;
    secret *client_secret;
    secret *refresh_token;
    // gcloud and metadata
    str account;
    str metadata_host; // HOST[:PORT]
    // a file with a ready access token
    str token_file;
    // a client of a configuration file
    struct oauth *oauth;
    // external_account
    struct external *external;
    // The service account that an external_account becomes by itself; empty: none. It is asked for
    // with the account's own token, before any impersonation that is chosen on top.
    str inner;
    int64_t inner_lifetime_s; // of its access tokens; 0: the usual hour
    // impersonation, outermost last; the base then gives access tokens only
    VEC(str) chain;
};

// How many impersonations stand between the source's token and the one that is wanted; each is
// held with the access token of the stage before.
unsigned caller_stages(const caller *c);
// Who is asked for at a stage from 1 on: delegates first, the account itself last.
const str *caller_targets(const caller *c, unsigned stage, size_t *ret_count);

// file.c: reads a credential file into the caller. `from` says who named it. CRED_FILE, CRED_MIXED.
typedef struct file_rules file_rules;
struct file_rules {
    const char *untrusted_dir;      // or NULL
    const home_address *up;         // or NULL
    const char *certificate_config; // where it usually is, or NULL
};
CODE_CHECKED caller_read_file(caller *c, arena *a, const char *path, const file_rules *rules,
                              err *e);
// Takes the key that has replaced the caller's in its file, if one has (`gatepost keys rotate`, or
// by hand). What can't be read, or is another account's, leaves the caller as it is.
void caller_renew_key(caller *c, const home_address *up);
void caller_deinit(caller *c);
// With all links followed; false for what isn't there.
bool lies_beneath(const char *path, const char *dir);
// Whose endpoint a URL names. What is neither Google's nor the running `up`'s is shown no
// credential that only a file says is for it (threats 39, 40).
typedef enum endpoint { ENDPOINT_OTHER, ENDPOINT_GOOGLE, ENDPOINT_LOCAL } endpoint;
endpoint endpoint_of(str url, const home_address *up);

// search.c: finds the credential behind an identity; tells the steps in c->steps.
CODE_CHECKED caller_find(caller *c, arena *a, const credential_options *o, str identity, bool local,
                         err *e);
const char *option_env(const credential_options *o, const char *name);
bool program_in_path(const credential_options *o, const char *name);
// oauth_config.c
bool oauth_gives_id_tokens(const caller *c);
// way.c: c->who.way.
void caller_explain(caller *c, arena *a);

// ---- exchange: one conversation with a source ---------------------------------------------------

typedef struct exchange exchange;

// What came of it.
typedef struct minted minted;
struct minted {
    str value;               // borrowed
    str principal;           // empty: as the caller says
    str audience;            // of an ID token; a user's has its client
    int64_t lifetime_ms;     // from when it was asked for
    credential_moment asked; // exchange_finish fills it in
};

typedef void exchange_on_done(void *ctx, const minted *m, const err *e);

// What an exchange is held with: at stage 0 the source's own means, from 1 on an access token of
// the stage before.
typedef struct exchange_base exchange_base;
struct exchange_base {
    unsigned stage;
    credential_token *token; // NULL at stage 0
};

// exchange.c.
exchange *exchange_start(credential_provider *p, caller *c, const credential_want *w,
                         const exchange_base *base, exchange_on_done *on_done, void *ctx);
void exchange_free(exchange *x); // NULL is allowed; no callback after it

// provider.c
loop *provider_loop(const credential_provider *p);
arena *provider_arena(credential_provider *p);
// Of an identity that calls the cloud.
caller *provider_caller(credential_provider *p, str identity);
const credential_options *provider_options(const credential_provider *p);
// The client whose policy fits: the metadata server's, the running `up`'s, or the cloud's.
typedef enum provider_client { CLIENT_CLOUD, CLIENT_LOCAL, CLIENT_METADATA } provider_client;
fetch_client *provider_fetch(credential_provider *p, provider_client which);

// token.c. `base` as for exchange_start.
credential_moment moment_now(void);
credential_token *token_new(const caller *c, const credential_want *w, const minted *m,
                            const exchange_base *base);
// Of a token's life, by whichever clock saw more of it: fresh until its refresh margin, then it
// serves while it is renewed, and in its last seconds it is merely alive.
bool token_is_fresh(const credential_token *t);
int64_t token_fresh_ms(const credential_token *t); // how long yet; 0 or less: it isn't
bool token_serves(const credential_token *t);
bool token_is_alive(const credential_token *t);
