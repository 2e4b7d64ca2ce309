// SPDX-License-Identifier: Apache-2.0
// An exchange and the sources that it can be held with. exchange.c drives: it sends what a source
// asks, repeats what is worth repeating, and hands the answer back to the source.
#pragma once

#include "credential/child.h"
#include "credential/provider.h"
#include "data/data.h"

typedef struct source source;

struct exchange {
    credential_provider *provider;
    caller *caller;
    const source *source;
    credential_kind kind;
    str audience;
    str scope;
    bool user_token;
    exchange_base base; // its token is NULL for the source itself
    exchange_on_done *on_done;
    void *ctx;

    arena mem;
    buf body; // of the request: may hold a refresh token
    fetch_call *call;
    timer *again;
    unsigned attempt;
    credential_moment asked; // this round
    int64_t server_now_s;    // from the answer's Date, else our own clock
    provider_client client;  // of this round
    // What the earlier rounds of a source that asks several questions gave.
    str email;                 // metadata: whose token it will be
    str subject;               // external_account: the token of the other issuer
    struct aws_asked *aws;     // external_account of AWS
    struct oauth_asked *oauth; // an OAuth 2 client
    child *child;
};

// What differs between sources that are asked over HTTP.
struct source {
    provider_client client; // for a credential of the cloud
    // Fills method, URL, headers and body; allocates in x->mem. Without an URL it has started
    // something else, which ends in exchange_ask, exchange_finish or exchange_fail.
    code (*ask)(exchange *x, fetch_request *req, err *e);
    // Reads a 200. *ret_again asks for one more round.
    code (*read)(exchange *x, str body, minted *ret, bool *ret_again, err *e);
    // Explains another status; OK asks for one more round.
    code (*refused)(exchange *x, const fetch_response *res, err *e);
};

extern const source source_grant;         // service account key
extern const source source_refresh;       // user credentials
extern const source source_metadata;      // metadata server
extern const source source_impersonate;   // IAM credentials
extern const source source_external;      // external_account: subject token, then STS
extern const source source_external_user; // external_account_authorized_user
// A service account key's access token without an exchange; borrows from x.
CODE_CHECKED grant_self_signed(exchange *x, minted *ret, err *e);

// Of a number of seconds that a server gave.
int64_t lifetime_ms(int64_t s);
// How long what ends then is good, at least; negative: it is over.
int64_t exchange_left_s(const exchange *x, int64_t expiry_s);
// Judges an ID token that a source gave: its lifetime, and the principal of its claims.
CODE_CHECKED minted_from_jwt(exchange *x, str token, minted *ret, err *e);
void exchange_ask(exchange *x); // the next round
void exchange_finish(exchange *x, const minted *m, const err *e);

// sources.c: parts of what goes to a token endpoint, and of what comes back.
str scope_of(const exchange *x);
void form_field(buf *form, const char *name, str value);
CODE_CHECKED form_post(exchange *x, fetch_request *req, err *e); // x->body, to the token_uri
CODE_CHECKED answer_parse(exchange *x, str body, json **ret, err *e);
CODE_CHECKED answer_token(exchange *x, str body, minted *ret, bool *ret_again, err *e);
// Sets the error with the endpoint's words; returns its `error`.
str answer_told(exchange *x, const fetch_response *res, err *e);
code answer_refused(exchange *x, const fetch_response *res, err *e);
// Adds HTTP Basic (RFC 6749 §2.3.1) of the caller's client to a form_post.
void form_basic(exchange *x, fetch_request *req);

// gcloud_ask.c: asks gcloud for a token; ends in exchange_finish.
CODE_CHECKED gcloud_ask(exchange *x, err *e);
