// SPDX-License-Identifier: Apache-2.0
// google: the local Google of `gatepost up`: token endpoint, STS, IAM and IAM credentials, metadata
// servers, discovery and keys. Answers follow contract google-identity.md §1 to 6.
//
// Invariants
// - Only accounts exist that are declared, or were made by the API. What a declared one was given
//   earlier (its unique id, its keys) is kept in the state while it isn't declared, and is of no
//   use until it is again.
// - A private key that was given to an account is never kept: it is in the answer, or in the key
//   file, that it was made for. The state holds the issuer's own key, the managed keys that sign
//   for accounts, hashes of access and refresh tokens, and public keys; its file has mode 0600.
// - Requests never wait for the disk on the loop: everything is answered from memory, and changes
//   are written behind on the work pool; a new or changed key is answered once it is on disk.
// - Every use of an account on behalf of another, and every change of a key, has its audit entry
//   before its answer.
#pragma once

#include "audit/audit.h"
#include "http/http.h"
#include "iam/iam.h"
#include "jose/jose.h"
#include "policy/policy.h"

typedef struct loop loop;
typedef struct google google;

#define GOOGLE_ISSUER STR("https://accounts.google.com")
// The hosts whose APIs are played here, for who ends TLS in their names.
enum { GOOGLE_HOSTS = 9 };
extern const str google_hosts[GOOGLE_HOSTS];

enum {
    GOOGLE_BODY_BYTES_MAX = 64 << 10,
    GOOGLE_KEYS_MAX = 10, // of an account, without its managed one
    GOOGLE_ACCOUNTS_MAX = 1000,
    GOOGLE_TOKENS_MAX = 10000, // access tokens alive; the oldest goes first
    GOOGLE_LIFETIME_S = 3600,
};

// An account that exists: a service account, or a person (any other address).
typedef struct google_account google_account;
struct google_account {
    str email;
    const str *roles; // on the project
    size_t role_count;
    // Where its credential file is kept: a service-account key or, for a person, an authorized_user
    // file. NULL: none.
    const char *key_file;
    const json *policy; // of a service account: who may use it (policy_load); NULL: nobody more
};

// A credential file of a pool's provider, for programs that have one of its tokens.
typedef struct google_external google_external;
struct google_external {
    str pool, provider;
    const char *path;       // where it is kept
    const char *token_file; // where the program's own token will be
    str impersonate;        // the service account that it acts for; empty: none
};

// Everything is copied but for what says otherwise.
typedef struct google_options google_options;
struct google_options {
    str project_id, project_number, region;
    const char *state;        // SQLite file; ":memory:" for tests
    int64_t token_lifetime_s; // of ID tokens, and of access tokens unless asked otherwise; 0: 3600
    const google_account *accounts;
    size_t account_count;
    const json *pools;                // workload identity pools (pool_set_new); NULL: none
    const google_external *externals; // borrowed
    size_t external_count;
    const role_set *roles; // borrowed
    audit_spool *spool;    // borrowed; NULL: no trail (tests)
};

// Opens the state, makes what is missing in it (the first time an RSA key: 100 ms and more) and the
// default compute account. Errors: STORE_…, GOOGLE_ACCOUNT (an address that is malformed, or
// declared twice, a policy of a person), SYS_LIMIT, those of policy_load and pool_set_new.
CODE_CHECKED google_new(loop *l, const google_options *o, google **ret_google, err *e);
// Writes what waits. Before the loop and the spool go, and after the servers have. NULL is allowed.
void google_free(google *g);

// Once the server listens: tells the URL that clients reach it by ("http://127.0.0.1:4000"), and
// brings the declared key files in order. A file whose key is still good keeps it (only its
// addresses are renewed); a missing one, and a local one whose key is unknown here, gets a new key;
// any other file is left alone and is an error: it may be a real one. Written whole or not at all,
// mode 0600. Their folders are ours until google_free: HOME_RUNNING when another process keeps keys
// in one. Errors: GOOGLE_KEY_FILE.
CODE_CHECKED google_listening(google *g, str base_url, err *e);

// Keys of the issuer, for oidc_add under GOOGLE_ISSUER. Local and cloud tokens carry the same `iss`
// and never mix: their keys differ.
jwk_set *google_keys(google *g); // borrowed
// NUMBER-compute@developer.gserviceaccount.com: who a service runs as when it doesn't say.
str google_default_account(const google *g);
// Tells it of each service account, now and later: their tokens may name nothing but the number.
// Borrowed until google_free.
void google_tell(google *g, directory *d);

// A service of Cloud Run, whose policy the API reads and changes.
typedef struct google_service google_service;
struct google_service {
    str name;
    const json *declared; // the policy in gatepost.yaml; NULL: none
    // Another policy holds from now on; valid until the next call.
    void (*on_policy)(void *ctx, policy *p);
    void *ctx;
};
// Gives its own policy and the one that decides, with what the project grants; both borrowed.
// Errors: those of policy_load.
CODE_CHECKED google_add_service(google *g, const google_service *o, policy **ret_own,
                                policy **ret_policy, err *e);

// ---- serving ------------------------------------------------------------------------------------
// Both kinds of servers answer only under a loopback address and Google's own names (threat 46).

// on_request of the one server for everything but metadata (ctx is the google):
//   POST /token                                            oauth2.googleapis.com
//   POST /revoke                                           oauth2.googleapis.com
//   POST /v1/token, /v1/oauthtoken                         sts.googleapis.com
//   /v1/projects/…/serviceAccounts…                        iam, iamcredentials
//   /v1|v2/projects/…/services/S:getIamPolicy …            run.googleapis.com
//   /v1/projects/P                                         cloudresourcemanager.googleapis.com
//   /v1/projects/P/…/activities:query                      policyanalyzer.googleapis.com
//   /.well-known/openid-configuration, /oauth2/v3/certs, /oauth2/v1/certs
void google_on_request(void *ctx, http_exchange *x);

// The metadata server of one service: its instances get the identity of its account. It asks for no
// credential, so programs of other users of this machine are refused.
typedef struct google_metadata google_metadata;
typedef struct google_metadata_options google_metadata_options;
struct google_metadata_options {
    str account;     // e-mail; empty: the default one
    str instance_id; // empty: a random one
};
// GOOGLE_ACCOUNT when it isn't there.
CODE_CHECKED google_metadata_new(google *g, const google_metadata_options *o,
                                 google_metadata **ret_metadata, err *e);
void google_metadata_free(google_metadata *m); // NULL is allowed
void google_metadata_on_request(void *ctx, http_exchange *x);

// ---- minting and checking -----------------------------------------------------------------------

// For tests: an ID token of a service account as its own metadata server gives it, with e-mail
// claims. Appends. Errors: GOOGLE_ACCOUNT.
CODE_CHECKED google_mint_id_token(google *g, str email, str audience, buf *out, err *e);

typedef struct google_grant google_grant;
struct google_grant {
    str email;
    str scopes;         // separated by blanks
    int64_t lifetime_s; // 0: the usual one
};
// For tests: an access token. Appends; tells its expiry. Errors: GOOGLE_ACCOUNT.
CODE_CHECKED google_mint_access_token(google *g, const google_grant *x, buf *out,
                                      int64_t *ret_expires_s, err *e);

// Who an access token stands for; strings borrow from g until the next call of any function here.
typedef struct google_bearer google_bearer;
struct google_bearer {
    str email; // empty: somebody of a pool
    str scopes;
    int64_t expires_s;
    const str *delegation; // who was asked on whose behalf when the token was made
    size_t delegation_count;
};
// For tests: false for a token that isn't ours, has expired, or whose account is gone.
bool google_access_token_check(google *g, str token, google_bearer *ret_bearer);
