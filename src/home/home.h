// SPDX-License-Identifier: Apache-2.0
// home: what Gatepost keeps on this machine and finds there: its directories, the person's trust
// and settings, the project file of a checkout, and the address of the running `gatepost up`.
//
// Invariants
// - A file is replaced whole or not at all, with mode 0600 and never through a symbolic link
//   (threats 40, 49).
// - The runtime directory and the address file are believed only when they are this user's and
//   nobody else can write them (threat 40).
// - A project file is untrusted input (injection.md §1): it is `trusted` only when the person
//   recorded the hash of its content. Otherwise it can't name a credential file, and no path out of
//   its folder (threats 39, 41); what else needs trust is marked below and is its reader's to heed.
#pragma once

#include "base/base.h"
#include "data/data_options.h"
#include "home/home_oauth.h"

typedef struct json json;

// ---- Directories --------------------------------------------------------------------------------

typedef enum home_dir {
    HOME_CONFIG,  // $XDG_CONFIG_HOME/gatepost, ~/.config/gatepost
    HOME_STATE,   // $XDG_STATE_HOME/gatepost, ~/.local/state/gatepost: audit trail, keys
    HOME_RUNTIME, // $XDG_RUNTIME_DIR/gatepost, /tmp/gatepost-UID: the address file
} home_dir;

// The directory's path. With `create` it is made with mode 0700 where it is missing. HOME_RUNTIME
// is checked whenever it exists: a directory, this user's, closed to others. Errors: HOME_DIR.
CODE_CHECKED home_path(home_dir which, bool create, arena *a, const char **ret_path, err *e);

// ---- Files --------------------------------------------------------------------------------------

// Writes content beside `path` and renames it there, so that a reader sees the old or the new file.
// Mode 0600, or `mode` for a file that others may read. An existing symbolic link is an error, as
// is a directory that others can write to without the sticky bit. Errors: HOME_WRITE.
CODE_CHECKED home_write(const char *path, str content, unsigned mode, err *e);
// The same beneath a directory of ours, which is made when it is missing.
CODE_CHECKED home_write_in(home_dir which, const char *name, str content, err *e);
// SHA-256 of the bytes, in lower-case hexadecimal.
enum { HOME_HASH_MAX = 65 };
void home_hash(str content, char ret_hex[HOME_HASH_MAX]);

// ---- Trust that the person gave -----------------------------------------------------------------

typedef struct trust_entry trust_entry;
struct trust_entry {
    str spec;  // project number, project hash or origin; for a file its path
    str hash;  // of a file's content; empty otherwise
    str added; // RFC 3339
};

// $CONFIG/trust.json. What a spec means is the credential room's business; here it is text.
typedef struct trust_store trust_store;

// A missing file is an empty store; a file that others can write is refused. Errors: HOME_FILE,
// DATA_….
CODE_CHECKED trust_store_load(trust_store **ret_store, err *e);
void trust_store_free(trust_store *s);                             // NULL is allowed
const trust_entry *trust_store_at(const trust_store *s, size_t i); // NULL behind the last
const char *trust_store_path(const trust_store *s);
bool trust_store_has_file(const trust_store *s, const char *hash_hex);
// Each change is written before it returns. Adding what is there does nothing; removing what isn't
// there is HOME_ABSENT.
CODE_CHECKED trust_store_add(trust_store *s, str spec, err *e);
CODE_CHECKED trust_store_add_file(trust_store *s, const char *path, const char *hash_hex, err *e);
CODE_CHECKED trust_store_remove(trust_store *s, str spec_or_path, err *e);

// ---- The address of the running `gatepost up` ---------------------------------------------------

typedef struct address_service address_service;
struct address_service {
    str name;
    str url; // http on loopback
    const str *run_app_urls;
    size_t run_app_url_count;
    str policy; // path of the IAM policy file, or empty
};

typedef struct address_account address_account;
struct address_account {
    str email;
    str key_file; // empty: it has no key
};

// All URLs are http on 127.0.0.1 or [::1].
typedef struct home_address home_address;
struct home_address {
    int64_t pid;
    int64_t started; // of the process, in clock ticks since boot: a reused pid isn't believed
    str project;     // id
    str project_number;
    str issuer;
    str token_url;
    str iam_url;  // base of IAM and of the IAM credentials API
    str metadata; // http://127.0.0.1:PORT of the metadata server
    str jwks;
    str certs;
    str admin;
    str run_as; // account e-mail, or empty
    str audit;  // directory of the audit trail
    // What programs that know nothing of it need to use it all the same; empty: it isn't offered.
    str proxy;     // http://127.0.0.1:PORT, answers for Google's hosts
    str ca;        // path of the certificate that vouches for that
    str ca_bundle; // the same behind the CAs of this machine
    str env_file;  // sets all of it in a shell
    const address_service *services;
    size_t service_count;
    const address_account *accounts;
    size_t account_count;
};

// Where the file is, whether or not it exists.
CODE_CHECKED address_path(arena *a, const char **ret_path, err *e);
// Fills in pid and started of this process. HOME_RUNNING when another `up` of this user is alive.
CODE_CHECKED address_write(const home_address *ad, err *e);
// *ret_ad is NULL when no `up` is running (no file, or its process is gone). A file that can't be
// believed is HOME_FORGED. Strings live in the arena.
CODE_CHECKED address_read(arena *a, const home_address **ret_ad, err *e);
// The names of its services, as many as fit a hint: "orders, users".
str address_services(const home_address *up, arena *a);
// Removes the file when it is this process's. For a signal handler's clean-up path: no error.
void address_remove(void);

// ---- gatepost.yaml ------------------------------------------------------------------------------

typedef struct project_account project_account;
struct project_account {
    str email;
    const str *roles; // granted on the project, hence on all its services
    size_t role_count;
    const json *roles_written; // the same with their places; NULL: not from a file
    const char *key;           // where `up` puts its key file (absolute); NULL: it gets none
    const json *policy; // who may use it: {bindings: […]}, as in project_policy; NULL: none
};

// Who calls: exactly one of account, key, impersonate and oauth, or `none` (written `NAME: none`);
// what a token exchange gives may impersonate besides.
typedef struct project_identity project_identity;
struct project_identity {
    str name;
    bool none;
    str account;     // of the running `up`, or of gcloud
    const char *key; // credential file (absolute); only a trusted file has one
    str impersonate;
    const project_oauth *oauth; // NULL: none; only a trusted file has one
    bool local_only; // chosen by a file that isn't trusted: an account of the running `up` alone
};

typedef struct project_rule project_rule;
struct project_rule {
    str request; // "Folder/Request name", `*` stands for any run of characters
    str identity;
};

typedef struct project_policy project_policy;
struct project_policy {
    str service;
    const json *policy; // {bindings: […]}, not looked into here; it knows its places
};

// A credential file for who has a token of a workload identity pool's provider.
typedef struct project_credential project_credential;
struct project_credential {
    str pool, provider;
    const char *file;  // where `up` puts it (absolute)
    const char *token; // where the token will be (absolute)
    str impersonate;   // or empty
};

typedef struct home_project home_project;
struct home_project {
    const char *path; // of the file, absolute; NULL: there is none and these are the defaults
    const char *dir;  // its directory, or the current one
    char hash[HOME_HASH_MAX];
    bool trusted;
    str id;
    str number;       // made from the id when it isn't given
    str project_hash; // likewise
    str region;
    const project_account *accounts;
    size_t account_count;
    const json *groups; // {group: [member, …]} or NULL
    const json *pools;  // workload identity pools, as pool_set_new reads them, or NULL
    const project_credential *credentials; // of their providers
    size_t credential_count;
    str run_as; // an account's e-mail or empty
    uint64_t token_lifetime_ms;
    uint64_t clock_skew_ms;
    const char **services; // service.yaml files (absolute)
    size_t service_count;
    const project_policy *policies;
    size_t policy_count;
    const project_identity *identities;
    size_t identity_count;
    const project_rule *rules;
    size_t rule_count;
    const str *trust; // specs; to be ignored (with a note) unless trusted
    size_t trust_count;
    // For sections that hold a command's options: run, up, connect. A command gives a `key` only to
    // options that an untrusted file may set.
    const json *root;
};

// The absolute path of the project file: `path` itself, the gatepost.yaml of a directory, or with
// NULL the nearest gatepost.yaml from the current directory up to the home directory or a .git;
// then *ret_path is NULL when there is none. Errors: HOME_PROJECT.
CODE_CHECKED project_find(arena *a, const char *path, const char **ret_path, err *e);
// Reads the file that project_find finds; none at all gives the defaults.
// Everything lives in the arena; policies by file are read too. `store` (may be NULL) says whether
// the file is trusted. Errors: HOME_PROJECT, HOME_UNTRUSTED, DATA_….
CODE_CHECKED project_load(arena *a, const char *path, const trust_store *store,
                          const home_project **ret_project, err *e);
// The same from its text, before there is a file.
CODE_CHECKED project_read(arena *a, str text, const home_project **ret_project, err *e);
enum { PROJECT_BYTES_MAX = 1 << 20 };
// $CONFIG/config.yaml, the person's own: identities, rules, trust and option sections. Defaults
// when there is none; always trusted.
CODE_CHECKED home_user_config(arena *a, const home_project **ret_config, err *e);
// The JSON Schema of gatepost.yaml, made from the table that checks it: doc/gatepost.schema.json.
// The sections of options are those of the commands (ends with NULL) with the same names.
void project_schema(buf *out, const command_spec *const *commands);
