// SPDX-License-Identifier: Apache-2.0
// mock: the saved examples of a collection as a server. A call gets the example whose request is
// most like it, by the rules of Postman's mock servers (doc/mock.md has them as we apply them).
//
// Invariants
// - What a call brings never chooses what a variable is: templates of the collection are filled in
//   first, then what the call carries is put in once, as text (no template in it is heeded), and
//   escaped for the kind of body that it goes into.
// - A private mock answers nothing to a call that wasn't let in, and each such decision by identity
//   is in the audit trail before the answer leaves (guard).
// - The same call gets the same example.
#pragma once

#include "guard/guard.h"
#include "http/http.h"
#include "postman/postman.h"

// ---- examples -----------------------------------------------------------------------------------

typedef struct mock_examples mock_examples;

// The examples of all requests, in document order, with variables filled in from the scopes. What
// is no usable example is left out, and said in *ret_notes. Everything lives in the arena.
typedef VEC(str) mock_notes;
mock_examples *mock_examples_read(arena *a, const pm_collection *c, const pm_scopes *scopes,
                                  mock_notes *ret_notes);
size_t mock_examples_count(const mock_examples *x);

// ---- server -------------------------------------------------------------------------------------

enum {
    MOCK_REQUEST_BYTES_MAX = 16 << 20,
    MOCK_DELAY_MS_MAX = 180000,
};

// A call that has its answer. Valid during on_call.
typedef struct mock_call mock_call;
struct mock_call {
    const char *peer_ip;
    const http_request *request;
    str body;
    int status;
    str example;      // its name; "" when none was found
    str request_name; // the collection's request that it belongs to
    str why;          // no example: what was missing
    uint64_t duration_ns;
};

// What a private mock asks for: the key, or an identity that may invoke the target, whichever is
// set; both: either.
typedef struct mock_door mock_door;
struct mock_door {
    const secret *api_key; // in x-api-key
    guard *guard;          // NULL: no identity is accepted
    const guard_target *target;
    oidc *issuers; // those of the guard: calls wait for their keys
};

typedef struct mock mock;
typedef struct mock_options mock_options;
struct mock_options {
    http_server_options listen; // on_request, ctx and body_bytes_max are the mock's
    const mock_examples *examples;
    const pm_scopes *scopes; // of dynamic variables and what examples leave open
    const mock_door *door;   // NULL: everybody is let in
    bool match_body;         // as if each call had x-mock-match-request-body: true
    str match_headers;       // as if each call named these in x-mock-match-request-headers
    uint64_t delay_ms;       // before each answer; x-mock-response-delay wins
    void (*on_call)(void *ctx, const mock_call *c); // may be NULL
    void *ctx;
};

// Borrows what the options name. NET_LISTEN.
CODE_CHECKED mock_new(loop *l, const mock_options *o, mock **ret_mock, err *e);
uint16_t mock_port(const mock *m);
// Accepts no more and lets calls finish for at most `ms`; on_drained comes once.
void mock_drain(mock *m, uint64_t ms, void (*on_drained)(void *ctx), void *ctx);
void mock_free(mock *m); // NULL is allowed

// One line of JSON for a call: what was asked, what was answered. Keys, tokens and cookies are
// left out of it.
void mock_call_json(const mock_call *c, buf *out);
