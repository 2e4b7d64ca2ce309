// SPDX-License-Identifier: Apache-2.0
// credential: which identity a request carries, and where its token comes from.
//
// Three parts, in the order in which a caller meets them:
//   trust      what may receive identity at all (injection.md §1)
//   injection  the decision for one request, a pure function (injection.md §2)
//   provider   the sources of credentials and the tokens they give (google-identity.md §1, 3, 4, 7)
//
// Invariants
// - A token leaves this room only inside a credential_token; its value is a `secret`. No error, log
//   line or report text made here holds a token, a key or a refresh token.
// - A credential of a running `gatepost up` (local) is never used for a cloud target, nor a cloud
//   credential for a local one; no assertion signed with a real key goes to a local endpoint
//   (injection.md §4).
// - A user's token goes to an origin that was trusted by its exact name only (injection.md §1).
#pragma once

#include "base/base.h"
#include "home/home.h"

typedef struct loop loop;

// ---- trust ------------------------------------------------------------------------------------

typedef enum trust_level {
    TRUST_NONE,
    TRUST_PROJECT, // a *.run.app service of a trusted project
    TRUST_ORIGIN,  // this exact origin was named
    TRUST_LOCAL,   // a service of the running `gatepost up`
} trust_level;

typedef struct trust_set trust_set;

trust_set *trust_set_new(void);
void trust_set_free(trust_set *t);

// What `spec` names, in its one spelling: a project number, the project hash of a run.app host, or
// an origin (https://host[:port], or http on a loopback address). TRUST_SPEC when it is none of
// these. `from` says who gave it ("--trust", "GATEPOST_TRUST", a file). The text lives in the arena
// or in `spec`.
CODE_CHECKED trust_read(str spec, const char *from, arena *a, str *ret_canonical, err *e);
// Adds it.
CODE_CHECKED trust_add(trust_set *t, str spec, const char *from, err *e);
// The same for a list separated by commas or blanks.
CODE_CHECKED trust_add_list(trust_set *t, str specs, const char *from, err *e);
// Names an origin that the running `up` serves and the audience that this service accepts: the
// loopback address of a service always, its run.app URLs in a run that is routed to the `up`
// (`--local`) only, for they are the real service's too.
CODE_CHECKED trust_add_local(trust_set *t, str url, str audience, err *e);
// Names a run.app URL of the running `up` in a run that goes to the cloud: no trust, but a refusal
// says how the `up` would be called.
CODE_CHECKED trust_note_served(trust_set *t, str url, err *e);
// Another number as soon as something was added or declined: what was found before may be old.
uint64_t trust_version(const trust_set *t);
// Remembers that the person said no to this origin: it is not asked about again in this run.
void trust_decline(trust_set *t, str origin);

typedef struct trust_match trust_match;
struct trust_match {
    trust_level level;
    const char *from; // borrowed from the set; "" for TRUST_NONE
    bool candidate;   // *.run.app, local, or named by trust
    bool declined;
    bool served;        // trust_note_served named it
    bool project_known; // project holds the number or hash that `--trust` would take
    char project[64];
    char origin[320];    // canonical: scheme://host[:port]
    char audience[320];  // what Cloud Run accepts there: the service's URL without a traffic tag
    char authority[320]; // host[:port] as it belongs in Host
    bool https;
    bool loopback; // the host is a literal loopback address or "localhost"
};
// Judges the origin of an absolute http(s) URL. `built` marks an origin that a script or a response
// made: a project's trust does not reach it. URI errors pass through.
CODE_CHECKED trust_find(const trust_set *t, str url, bool built, trust_match *ret, err *e);

// ---- injection --------------------------------------------------------------------------------

typedef enum injection_action {
    INJECTION_PLAIN,  // not a candidate: sent as it is, nothing is said
    INJECTION_NONE,   // sent without identity, the report says why
    INJECTION_LEAVE,  // the request's own token stays; a 401 gets doctor's explanation
    INJECTION_INJECT, // a token goes into `header`
    INJECTION_ASK,    // ask the person, then decide again
    INJECTION_REFUSE, // not sent: `refusal` is the request's error
} injection_action;

typedef enum injection_header {
    INJECTION_AUTHORIZATION, // replaces an empty or unresolved one
    INJECTION_SERVERLESS,    // X-Serverless-Authorization; the application's header stays
} injection_header;

typedef struct injection_request injection_request;
struct injection_request {
    str url;
    bool origin_built; // a script or a response made the origin; false: literal in trusted input
    bool tls_insecure; // verification is off
    bool noauth;       // the request, a folder or the collection says `noauth`
    str identity;      // "none": no identity; empty: the run's default
    bool by_rule;      // a rule of trusted config chose the identity: makes any host a candidate
    bool user_token;   // the identity would give a user's token (credential_who.user)
    bool client_token; // and it is an OAuth 2 client's, whoever it speaks for
    bool interactive;  // a person can be asked
    // Values of all headers of these names, in order; a missing header has count 0.
    const str *authorization;
    size_t authorization_count;
    const str *serverless;
    size_t serverless_count;
    str host_header;  // an explicit Host; empty: none
    str local_issuer; // of the running `up`; empty: none
    str audience;     // chosen by --audiences; empty: the origin of the URL
};

typedef struct injection_decision injection_decision;
struct injection_decision {
    injection_action action;
    injection_header header; // for INJECTION_INJECT
    bool local;              // the target is a service of the running `up`
    bool user_warning;       // INJECT or ASK of a token that is good for every service of the user
    bool client_token;       // as asked
    char audience[320];      // what the token must be minted for
    char report[512];        // one line for the report; "" for INJECTION_PLAIN
    char warning[512];       // to be shown beside the request; "" when there is none
    trust_match trust;
    err refusal; // for INJECTION_REFUSE
};

// The decision table of injection.md §2, first match wins. An URL that can't be read is refused.
void injection_decide(const trust_set *t, const injection_request *req, injection_decision *ret);
// The question for INJECTION_ASK: principal, kind of token, origin, and what saying yes means.
void injection_question(const injection_decision *d, str principal, buf *ret_text);

// Which identity calls: that of the first rule whose pattern matches "folder/sub/request name",
// else the run's. *ret_by_rule tells which of the two.
str identity_for(const project_rule *rules, size_t count, str request_path, str run_identity,
                 bool *ret_by_rule);

// ---- refusal ----------------------------------------------------------------------------------

// What is known of a call that a service answered with 401, 403 or 404.
typedef struct refusal refusal;
struct refusal {
    int status;
    str url;
    str token;            // the bearer that was sent, without its scheme; empty: none
    str audience;         // what the service accepts (trust_match.audience); empty: unknown
    str principal;        // whose token it was, when we minted it; empty: read it from the token
    str www_authenticate; // of the answer
    str body;             // of the answer: tells Cloud Run's own pages from the application's
    bool local;           // a service of the running `gatepost up`
    int64_t server_s;     // Date of the answer; 0: it had none
    int64_t now_s;        // wall clock
};

typedef struct refusal_reason refusal_reason;
struct refusal_reason {
    code code; // JWT_EXPIRED, GUARD_ACCESS_TOKEN, IAM_DENIED, …; OK: the application's own answer
    str sentence; // why, in one line
    str fix;      // a command, or what to change; empty: nothing to say
};

// Explains by the decision table of contract cloud-run.md §1. The token is read, not verified, and
// never part of the text. All text lives in the arena.
void refusal_explain(const refusal *r, arena *a, refusal_reason *ret_reason);
// Is this one of the pages with which Cloud Run (or `gatepost up`) itself refuses a call?
bool refusal_is_cloud_run_page(str body);

// ---- provider ---------------------------------------------------------------------------------

typedef enum credential_source {
    CREDENTIAL_NONE,
    CREDENTIAL_SERVICE_ACCOUNT, // key file: JWT bearer grant
    CREDENTIAL_USER,            // authorized_user file: refresh grant
    CREDENTIAL_GCLOUD,          // gcloud's account, asked through gcloud
    CREDENTIAL_METADATA,        // metadata server
    CREDENTIAL_TOKEN,           // a ready access token in a file (auth/access_token_file)
    CREDENTIAL_EXTERNAL,        // external_account file: a foreign token exchanged at STS
    CREDENTIAL_EXTERNAL_USER,   // external_account_authorized_user file: a workforce sign-in
    CREDENTIAL_OAUTH,           // an OAuth 2 client of a configuration file
} credential_source;

const char *credential_source_name(credential_source s); // "service account key", …

typedef struct credential_options credential_options;
struct credential_options {
    const char *account;     // --account
    const char *impersonate; // --impersonate-service-account
    const char *run_as;      // the local account that calls when no identity is named; NULL: the
                             // `up`'s own choice
    const project_identity *identities;
    size_t identity_count;
    const home_address *up;    // the running `gatepost up`, or NULL
    const char *untrusted_dir; // credential files beneath it are refused (the collection's)
    bool no_refresh;           // a token is used until the end of the run, expired or not
    // Environment, NULL: the process's own.
    const char *(*getenv)(void *ctx, const char *name);
    void *getenv_ctx;
};

typedef struct credential_provider credential_provider;

// Identities, the address and all strings are borrowed and must outlive the provider. Nothing is
// read before the first use.
credential_provider *credential_provider_new(loop *l, const credential_options *o);
// Waiters are dropped without their callbacks. Not inside on_token. NULL is allowed.
void credential_provider_free(credential_provider *p);

// One step of the search, for `gatepost whoami`.
typedef struct credential_step credential_step;
struct credential_step {
    str what;   // "GOOGLE_APPLICATION_CREDENTIALS"
    str detail; // "not set", "/home/a/key.json: service account tester@…"
    bool found; // the search ended here
};

typedef struct credential_who credential_who;
struct credential_who {
    credential_source source;
    str principal;     // e-mail; empty where only the source itself can tell (metadata, user files)
    str place;         // the file, "gcloud", or the metadata host
    str project;       // empty: unknown
    bool user;         // gives user tokens: not bound to one service
    bool local;        // of the running `up`
    bool impersonated; // principal is the last of the chain
    const char *warning; // readable by others, inside a repository…; NULL: none
    const credential_step *steps;
    size_t step_count;
    const str *way; // how it becomes a token: what is read, asked and exchanged, in order
    size_t way_count;
};

// Finds the credential behind an identity without asking any server: a named one, or with "" the
// default, which is the `up`'s account for a local target and the result of the search otherwise.
// The result is borrowed from the provider; *ret_who has the steps of a failed search too.
// CRED_NOT_FOUND, CRED_FILE, CRED_IDENTITY, CRED_MIXED.
CODE_CHECKED credential_identify(credential_provider *p, str identity, bool local,
                                 const credential_who **ret_who, err *e);

typedef enum credential_kind { CREDENTIAL_ID_TOKEN, CREDENTIAL_ACCESS_TOKEN } credential_kind;

// What is wanted. Strings are copied.
typedef struct credential_want credential_want;
struct credential_want {
    credential_kind kind;
    // Of an ID token. With an access token and no scope: the one API that it is for, by its URL; a
    // service account key signs such a token itself.
    str audience;
    str scope;       // access token: blank-separated; empty: cloud-platform
    str identity;    // empty: the default
    bool local;      // for a service of the running `up`
    bool user_token; // a user's token is acceptable: it has its client as audience
};

// By both clocks, so that how long ago it was can be told although one of them jumped or stood
// still.
typedef struct credential_moment credential_moment;
struct credential_moment {
    int64_t wall_ms;
    uint64_t mono_ms;
};

typedef struct credential_token credential_token;
struct credential_token {
    secret *bearer; // "Bearer TOKEN", as it stands in a header
    credential_kind kind;
    credential_source source;
    bool user;
    bool local;
    str principal;
    str audience; // of the token; the scope for an access token
    str via;      // "service account key", "metadata server", "impersonation by a@…"
    // When it was asked for: it can't be older, and its answer may have waited for this machine.
    credential_moment asked;
    int64_t lifetime_ms; // so long from then it is good, at least
    int64_t margin_ms;   // so long before its end it is renewed
    uint32_t refs;
};
// By the clock that saw more of it.
int64_t credential_token_age_ms(const credential_token *t);
credential_token *credential_token_ref(credential_token *t);
void credential_token_unref(credential_token *t);
// Both as long as the token: the value of the header that carries it, and the token alone.
str credential_token_bearer(const credential_token *t);
str credential_token_value(const credential_token *t);

// Exactly one of token and e is set; both are valid during the call, take a reference to keep the
// token.
typedef void credential_on_token(void *ctx, credential_token *token, const err *e);

typedef struct credential_wait credential_wait;

// Gives a token from memory or from the source; all who wait for one token share one exchange. One
// that is in use is renewed when its margin begins (225 to 300 seconds before its end, drawn for
// each token; a fifth of its lifetime, if that is shorter), without anybody asking; till then, and
// while that is under way, it is given at once. In its last half minute (or the margin, if that is
// shorter) callers wait for the new one. Its end is the earliest that its answer allows: the life
// counts from the question, by whole seconds. Failures 408, 429, 500, 503, 504 and lost connections
// are tried three times; a renewal that failed isn't begun again for 10 s while the old token
// lives.
credential_wait *credential_for(credential_provider *p, const credential_want *w,
                                credential_on_token *on_token, void *ctx);
// The same token, borrowed until the loop's next turn, if it is there and far from its end: nothing
// has to be waited for or renewed. NULL: ask credential_for.
credential_token *credential_at_hand(credential_provider *p, const credential_want *w);
// Ends the wait without its callback; the exchange goes on for others.
void credential_cancel(credential_wait *w);

// ---- signing in and out -------------------------------------------------------------------------
// For identities whose grant is authorization_code or device_code. What is kept is a refresh token,
// in the desktop's or the kernel's keyring and never in a file; it is bound to the issuer and the
// client, not to the identity's name.

typedef struct credential_prompt credential_prompt;
struct credential_prompt {
    str url;       // to open
    str user_code; // to enter there; empty with a browser on this machine
};

// Strings are borrowed until the session is freed.
typedef struct credential_login_options credential_login_options;
struct credential_login_options {
    str identity;
    bool device;  // by device code, whatever the identity's grant is
    bool browser; // try to open one
    void (*on_prompt)(void *ctx, const credential_prompt *prompt);
    void *ctx;
};

typedef struct credential_session_end credential_session_end;
struct credential_session_end {
    str who;      // signed in or out; may be empty
    bool revoked; // the issuer revoked the refresh token
};
typedef void credential_on_session(void *ctx, const credential_session_end *end, const err *e);

typedef struct credential_session credential_session;
// on_session comes once, never inside these; it may free the session. CRED_IDENTITY when the
// identity is none to sign in for, CRED_ISSUER, CRED_REFUSED, CRED_KEYRING, …
credential_session *credential_login(credential_provider *p, const credential_login_options *o,
                                     credential_on_session *on_session, void *ctx);
// CRED_LOGIN when nobody is signed in. Without `revoke` no issuer is asked.
credential_session *credential_logout(credential_provider *p, str identity, bool revoke,
                                      credential_on_session *on_session, void *ctx);
void credential_session_free(credential_session *s); // NULL is allowed

// Forgets the tokens of one audience or scope, or all with STR_NONE.
void credential_forget(credential_provider *p, str audience);

// Looks for the secret part of every token that this provider gave: 24 or more bytes of a JWT's
// signature or of an opaque token, plain or inside base64 of either alphabet; whole also
// percent-encoded or with JSON's \u escapes (threat 43). True when there was something: `in` is
// then added to `out` with "***" in its place. Otherwise nothing is added: `in` is clean as it is.
bool credential_redact(const credential_provider *p, str in, buf *out);
enum { CREDENTIAL_REDACT_MIN = 24 }; // what is shorter is always clean
