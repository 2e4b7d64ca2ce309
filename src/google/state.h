// SPDX-License-Identifier: Apache-2.0
// state: what the files of this room share: accounts, keys and tokens in memory.
#pragma once

#include "data/data.h"
#include "google/google.h"
#include "google/journal.h"
#include "oidc/oidc_pool.h"

// 9999-12-31T23:59:59Z: what Google says for a key that doesn't expire.
#define NEVER_S INT64_C(253402300799)

typedef struct account account;
typedef struct account_key account_key;
struct account_key {
    str id;
    jwk *key;             // public
    str cert;             // PEM
    int64_t from_s, to_s; // validity
    bool disabled;
    bool uploaded;
    int64_t used_s; // last time that it signed an assertion; 0: never
    jwk *signer;    // the private half of the one managed key; NULL: an account's own key
};

// What has a policy: who may use it is decided by that.
typedef struct resource resource;
struct resource {
    str name; // "projects/-/serviceAccounts/ID"
    audit_resource log;
    policy *own;                             // its own, with its etag
    policy *policy;                          // with what the project grants
    str declared;                            // hash of what gatepost.yaml says
    void (*on_policy)(void *ctx, policy *p); // another one holds now; NULL: nobody asks
    void *ctx;
};

typedef struct run_service run_service;
struct run_service {
    str name;
    resource resource;
    audit_label labels[2];
};

struct account {
    str email; // lower case
    str unique_id;
    bool is_person;
    const char *key_file; // NULL: none
    str display_name, description;
    bool declared; // in gatepost.yaml, or the default one
    bool disabled; // it can be used for nothing
    bool deleted;  // likewise, for ever: it is in no map, but tokens and jobs may know it
    resource resource;
    audit_label labels[2];
    VEC(account_key *) keys;
};

// Both kinds of opaque tokens are known by their SHA-256 only.
enum { DIGEST_BYTES = 32, UNIQUE_ID_LEN = 21, KEY_ID_LEN = 40 };
enum { SCOPES_BYTES_MAX = 4 << 10 }; // of one token: each is kept
typedef struct access_token access_token;
struct access_token {
    account *who;  // NULL: somebody of a pool
    str federated; // who, as JSON (federated.c)
    int64_t expires_s;
    str *delegation; // points into the same allocation, as all of it does
    size_t delegation_count;
    str scopes;
};

typedef struct refresh_token refresh_token;
struct refresh_token {
    account *who;
    str client_id, scopes;
    unsigned char client_secret[DIGEST_BYTES];
};

struct google {
    arena mem;
    loop *loop;
    journal *journal; // the database is behind it
    pool_set *pools;
    const google_external *externals;
    size_t external_count;
    directory *directory; // borrowed; NULL: nobody wants to know of accounts
    map stored_policies;  // resource name → what setIamPolicy left
    VEC(run_service *) services;
    VEC(account *) all; // deleted ones too
    str project_id, project_number, region;
    str base; // URL; empty before google_listening
    str default_account;
    int64_t lifetime_s;
    const role_set *roles;
    policy *policy;
    audit_spool *spool;
    map accounts;       // e-mail → account
    map unique_ids;     // the same accounts
    map access_tokens;  // digest → access_token
    map refresh_tokens; // digest → refresh_token
    jwk *signer;
    jwk_set *keys;
    buf jwks, certs;      // what is served of them
    struct key_job *jobs; // keys that are being made
    VEC(int) key_locks;   // of the folders of key files: ours for as long as we run
};

void digest(str text, unsigned char ret[DIGEST_BYTES]);
static inline str digest_str(const unsigned char d[DIGEST_BYTES])
{
    return (str){(const char *)d, DIGEST_BYTES};
}
// Lower-case hexadecimal digits.
void random_hex(size_t digits, char *ret_text);

extern const store_schema google_schema; // of the state's file

// Lets another process have the key files (key_file.c).
void key_locks_release(google *g);

// ---- accounts (account.c)

// Reads the declaration and what the state knows of it. The journal doesn't run yet.
CODE_CHECKED accounts_open(google *g, store *db, const google_options *o, err *e);
void accounts_close(google *g);
// By e-mail (any case) or unique id; NULL when it isn't declared.
account *account_find(const google *g, str email_or_id);
account_key *account_key_find(const account *a, str id);
// False for one that is disabled or deleted, and for NULL.
bool account_works(const account *a);
// A new one, in memory and on its way to the disk. Errors: as google_new's.
CODE_CHECKED account_make(google *g, str email, str display_name, str description,
                          account **ret_account, err *e);
void account_drop(google *g, account *a);
// The key that signs for the account without leaving here; NULL: none was needed so far.
account_key *account_managed_key(const account *a);
// Those that somebody was given or uploaded.
size_t account_own_keys(const account *a);
bool account_key_usable(const account_key *k, int64_t now_s);
// The keys that may sign at this time; to be unref'd.
jwk_set *account_usable_keys(const account *a, int64_t now_s);
// "projects/P/serviceAccounts/E/keys/K"
str account_key_name(const google *g, const account *a, const account_key *k, arena *mem);

// Makes the account's record of a key, in memory only. The certificate's text is copied. JOSE_KEY.
CODE_CHECKED account_key_new(str id, str cert_pem, account_key **ret_key, err *e);
// The same for a key pair, with a certificate that the pair signs itself.
CODE_CHECKED account_key_of_pair(const account *a, jwk *pair, account_key **ret_key, err *e);
// Puts it among the account's, and on its way to the disk.
void account_key_add(google *g, account *a, account_key *k);
void account_key_set_disabled(google *g, account_key *k, bool disabled);
// It signed something at that time; kept to the minute.
void account_key_used(google *g, account_key *k, int64_t now_s);
void account_key_remove(google *g, account *a, account_key *k);

// ---- policies of resources (policies.c)

CODE_CHECKED policies_open(google *g, store *db, err *e);
// `declared` NULL: none. The resource has its name.
CODE_CHECKED resource_open(google *g, resource *r, const json *declared, err *e);
void resource_close(resource *r);
void resource_forget(google *g, resource *r); // what the state has of it
run_service *service_find(const google *g, str location, str name);
void services_close(google *g);

// ---- identities of pools (federated.c)

// To be kept with a token, and back; what is read lives in the arena.
str federated_text(const principal *p, arena *mem);
void federated_read(str text, arena *mem, principal *ret_principal);

// ---- key files (key_file.c)

// Writes one beside its path and then in its place: a reader sees the old file or the new one.
CODE_CHECKED key_file_write(const char *path, str text, err *e);
// Whether it is an address that only a local Google has.
bool key_file_on_loopback(str url);
// external_file.c: those of pools.
CODE_CHECKED external_files_write(const google *g, arena *mem, err *e);
// The JSON text of Google's key file, for a new key of a service account.
void key_file_json(const google *g, const account *a, jwk *pair, buf *out);

// ---- tokens (mint.c)

// What goes into an ID token beside iss, sub, iat and exp.
typedef struct id_claims id_claims;
struct id_claims {
    const account *who;
    str audience;
    str azp; // empty: the unique id
    bool email;
    str managed_domain; // hd; empty: none
    str google_json;    // the claim `google`; empty: none
};
CODE_CHECKED mint_id(google *g, const id_claims *c, int64_t now_s, buf *out, err *e);

typedef struct access_grant access_grant;
struct access_grant {
    account *who;
    str federated; // in its place
    str scopes;
    int64_t lifetime_s; // 0: the usual one
    const str *delegation;
    size_t delegation_count;
};
// Tells its expiry.
int64_t mint_access(google *g, const access_grant *x, int64_t now_s, buf *out);
const access_token *access_token_find(google *g, str token, int64_t now_s);
// Ends an access token, or a refresh token with the access tokens of its bearer.
void token_revoke(google *g, str token);

// A new refresh token for a person and a client; its text and the client's secret are appended.
void refresh_token_new(google *g, account *a, str client_id, str scopes, buf *ret_token,
                       buf *ret_secret);
const refresh_token *refresh_token_find(const google *g, str token);
CODE_CHECKED tokens_open(google *g, store *db, err *e);
void tokens_close(google *g);
