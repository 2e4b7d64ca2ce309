// SPDX-License-Identifier: Apache-2.0
// An OAuth 2 client of a configuration file as a source of tokens. An exchange with it is a table
// of steps, each of which asks something by HTTP, waits for something else, or has nothing to do.
#pragma once

#include "credential/exchange.h"
#include "credential/keyring.h"
#include "oidc/oidc.h"

// ---- the client
// -----------------------------------------------------------------------------------

typedef struct oauth_endpoints oauth_endpoints;
struct oauth_endpoints {
    str token, authorization, device, revocation;
    str jwks;
    bool names_issuer; // authorization responses carry `iss` (RFC 9207)
};

// Of a caller; strings live in the provider's arena.
typedef struct oauth oauth;
struct oauth {
    const project_oauth *config;
    str name;    // of the identity
    str keyring; // under which its sign-in is kept: bound to issuer and client
    jwk *key;    // private_key, or NULL
    bool discovered;
    oauth_endpoints at;
    oidc *verifier; // made for the first ID token
};

// oauth_config.c: into c->oauth. CRED_ISSUER, CRED_FILE.
typedef struct oauth_named oauth_named;
struct oauth_named {
    const project_identity *identity;
    const credential_options *options;
};
CODE_CHECKED oauth_take(caller *c, arena *a, const oauth_named *named, err *e);
void oauth_deinit(oauth *o); // NULL is allowed
// What a place holds, without blanks around it; an identity's token is asked for elsewhere.
CODE_CHECKED oauth_read_place(const credential_options *o, const project_place *at, arena *a,
                              str *ret, err *e);
// https, or http on this machine. `what` says for the error which URL it is.
CODE_CHECKED oauth_check_url(str url, const char *what, err *e);

// ---- steps
// ----------------------------------------------------------------------------------------

typedef enum oauth_next {
    OAUTH_MORE, // nothing to do, or done at once
    OAUTH_WAIT, // a round of HTTP is in `req`, or something ends in oauth_advance; or all is over
    OAUTH_FAIL, // *e is set
} oauth_next;

typedef struct oauth_step oauth_step;
struct oauth_step {
    oauth_next (*ask)(exchange *x, fetch_request *req, err *e);
    // A 200; the next step follows. NULL: the step asks nothing by HTTP.
    code (*read)(exchange *x, str body, err *e);
    // Another status; OK asks this step once more. NULL: oauth_refused.
    code (*refused)(exchange *x, const fetch_response *res, err *e);
};

typedef struct oauth_login oauth_login;

// Of an exchange; strings live in its arena.
typedef struct oauth_asked oauth_asked;
struct oauth_asked {
    const oauth_step *steps; // ends with a NULL ask
    size_t at;
    bool other_metadata; // discovery: RFC 8414's place is tried
    // a sign-in as it is kept
    secret *refresh;
    str subject, who; // `sub` of its ID tokens, and a name for people; may be empty
    // what the token endpoint gave
    str access, id_token;
    int64_t lifetime_ms;
    credential_moment asked; // for it
    bool rotated;            // refresh is another one than is kept
    // the token that is exchanged
    credential_token *exchanged;
    str assertion;
    // what is waited for
    int lock_fd; // -1: not held
    unsigned lock_tries;
    timer *later;
    keyring_op *keyring;
    credential_wait *token_wait;
    oidc_wait *keys_wait;
    oauth_login *login; // of a sign-in, else NULL
    bool revoked;       // of a sign-out: the issuer did
};

extern const source source_oauth;
// What is to be done for a token.
const oauth_step *oauth_token_steps(const project_oauth *config);
void oauth_begin(exchange *x, const oauth_step *steps);
void oauth_asked_free(oauth_asked *o); // NULL is allowed
void oauth_advance(exchange *x);       // the step that waited is done
void oauth_fail(exchange *x, const err *e);
// Asks the present step again after so long.
void oauth_later(exchange *x, uint64_t ms);

// Steps that several tables share.
oauth_next oauth_discover(exchange *x, fetch_request *req, err *e);
code oauth_discovered(exchange *x, str body, err *e);
code oauth_not_discovered(exchange *x, const fetch_response *res, err *e);
oauth_next oauth_lock(exchange *x, fetch_request *req, err *e);
oauth_next oauth_load(exchange *x, fetch_request *req, err *e);
oauth_next oauth_keep(exchange *x, fetch_request *req, err *e);
// on_done of a keyring write or removal: the next step, or the failure.
void oauth_on_stored(void *ctx, str value, const err *e);
code oauth_read_tokens(exchange *x, str body, err *e);
oauth_next oauth_verify(exchange *x, fetch_request *req, err *e);
oauth_next oauth_give(exchange *x, fetch_request *req, err *e);

// oauth_client.c: the form in x->body goes there, with the client's proof.
CODE_CHECKED oauth_post(exchange *x, str url, fetch_request *req, err *e);
// Signs claims that say who, for whom and until when; `subject` is `sub`.
CODE_CHECKED oauth_assertion(exchange *x, str subject, buf *out, err *e);
code oauth_refused(exchange *x, const fetch_response *res, err *e);

// ---- signing in and out
// ---------------------------------------------------------------------------

extern const oauth_step oauth_browser_steps[], oauth_device_steps[];
extern const oauth_step oauth_logout_steps[], oauth_forget_steps[];
void oauth_login_free(oauth_login *l); // NULL is allowed
// What a sign-in adds to the check of its ID token.
code oauth_login_check(const exchange *x, const json *claims, err *e);
