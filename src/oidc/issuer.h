// SPDX-License-Identifier: Apache-2.0
// What the files of this room share: one configured issuer and the state of its keys.
#pragma once

#include "fetch/fetch.h"
#include "net/net.h"
#include "oidc/oidc.h"
#include "uri/uri.h"

typedef struct issuer issuer;
struct issuer {
    oidc *owner;
    oidc_issuer is; // its strings are the owner's copies; domains in lower case
    bool in_memory; // the keys were given: nothing is fetched
    bool is_local;  // asked on loopback
    jwk_set *keys;  // NULL: none, or too old to be believed
    uint64_t generation;

    // Ages go by the wall clock: a machine that slept for a week has keys that are a week old.
    int64_t tried_s;   // when the last attempt began, NEVER
    int64_t fetched_s; // when the keys came
    int64_t fresh_s;   // for how long nobody need ask again
    err failure;       // of the last attempt; its code is OK after a success

    flow fetching;
    fetch_call *call;
    arena mem; // of the attempt under way
    str keys_url;
};
enum { NEVER = -1 };

struct oidc {
    loop *loop;
    oidc_options options;
    arena mem;
    map issuers; // by `iss`
    fetch_client *remote, *local;
    oidc_wait *waits;
};

issuer *issuer_find(const oidc *o, str iss); // NULL when it isn't configured
bool issuer_owns(const oidc_issuer *i, str domain);
// An https URL without userinfo, or http on loopback where that is allowed. OIDC_CONFIG.
CODE_CHECKED issuer_check_url(const oidc *o, str text, arena *a, uri_url *ret_url, err *e);

// keys.c
bool keys_fresh(const issuer *i);
bool keys_may_fetch(const issuer *i);        // a minute has passed since the last attempt
void keys_fetch(issuer *i);                  // joins the attempt under way, if there is one
void keys_expire(issuer *i);                 // drops keys that have been good for too long
void keys_replace(issuer *i, jwk_set *keys); // takes a reference
void keys_stop(issuer *i);                   // ends the attempt under way
void keys_forget_waits(oidc *o);
