// SPDX-License-Identifier: Apache-2.0
// An exchange and the sources that it can be held with. exchange.c drives: it sends what a source
// asks, repeats what is worth repeating, and hands the answer back to the source.
#pragma once

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
    credential_token *base; // of an impersonation, else NULL
    exchange_on_done *on_done;
    void *ctx;

    arena mem;
    buf body; // of the request: may hold a refresh token
    fetch_call *call;
    timer *again;
    unsigned attempt;
    int64_t server_now_s; // from the answer's Date, else our own clock
    str email;            // metadata: the answer to the first of its two questions
    struct gcloud_child *child;
};

// What differs between sources that are asked over HTTP.
struct source {
    provider_client client; // for a credential of the cloud
    // Fills method, URL, headers and body; allocates in x->mem.
    code (*ask)(exchange *x, fetch_request *req, err *e);
    // Reads a 200. *ret_again asks for one more round.
    code (*read)(exchange *x, str body, minted *ret, bool *ret_again, err *e);
    // Explains another status.
    code (*refused)(exchange *x, const fetch_response *res, err *e);
};

extern const source source_grant;       // service account key
extern const source source_refresh;     // user credentials
extern const source source_metadata;    // metadata server
extern const source source_impersonate; // IAM credentials

// Judges an ID token that a source gave: lifetime from now on, principal from its claims.
CODE_CHECKED minted_from_jwt(exchange *x, str token, minted *ret, err *e);
void exchange_finish(exchange *x, const minted *m, const err *e);

// gcloud_ask.c: asks gcloud for a token; ends in exchange_finish.
CODE_CHECKED gcloud_ask(exchange *x, err *e);
void gcloud_child_free(struct gcloud_child *child); // NULL is allowed
