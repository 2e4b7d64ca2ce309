// SPDX-License-Identifier: Apache-2.0
// guard: one call to a protected service: who calls, may they, and the entry that says so
// (contract cloud-run.md §1, policy.md).
//
// Invariants
// - Every call gets a verdict, and every verdict an audit entry, appended before guard_check
//   returns it: no answer can leave before its decision is written. When the trail can't be written
//   (AUDIT_SPOOL) or takes no more (AUDIT_BUSY), the verdict is 503, the only one without an entry
//   and without an audit_id: nothing was decided.
// - A verdict explains itself to the operator (code, reason, decision); what the caller gets to see
//   is the business of the one who answers.
// - A verified token is remembered by its whole text, from its second sight on; expiry and the
//   issuer's keys are checked again on each use, the audience against each target (threat 25).
// - A service that is open to everybody waits for no keys and refuses no token; one that is valid
//   for it names the caller all the same.
#pragma once

#include "audit/audit.h"
#include "iam/iam.h"
#include "oidc/oidc.h"
#include "policy/policy.h"

typedef struct guard guard;

typedef struct guard_options guard_options;
struct guard_options {
    oidc *issuers;              // borrowed
    audit_spool *spool;         // borrowed
    const directory *directory; // borrowed; NULL: nobody is in a group
    int64_t leeway_s;           // clock skew, 0 to 60
    size_t remembered_max;      // verified tokens kept, 0: GUARD_REMEMBERED_MAX
};
enum { GUARD_REMEMBERED_MAX = 2048 };

guard *guard_new(const guard_options *o);
void guard_free(guard *g);
// For tests: forgets verified tokens. A change of keys does so by itself.
void guard_forget(guard *g);

// A protected service; borrowed for the duration of a check, policy included.
typedef struct guard_target guard_target;
struct guard_target {
    str project_id;
    str resource; // "projects/p/locations/r/services/orders"
    audit_resource log_resource;
    const policy *policy;
    bool check_disabled;  // run.googleapis.com/invoker-iam-disabled
    const str *audiences; // the service's URLs and custom audiences
    size_t audience_count;
    bool refuse_gcloud_tokens; // people's tokens, whose audience is gcloud's client
    bool refuse_adc_tokens;    // the same of application default credentials: reports conflict
    bool remove_signature; // also from a service's own tokens in Authorization: sources conflict
};

// One call. Header values as they arrived, in order.
typedef struct guard_call guard_call;
struct guard_call {
    const str *authorization;
    size_t authorization_count;
    const str *serverless; // X-Serverless-Authorization
    size_t serverless_count;
    const audit_call *http; // for the entry
    int64_t now_s;
    // What conditions may ask about it (policy_query); NULL: nothing. request.time and what the
    // token says are answered here.
    const cel_activation *attributes;
};

// What to do with a header before the call goes on.
typedef struct guard_rewrite guard_rewrite;
struct guard_rewrite {
    bool replace; // by `value`, in place of the one there
    str value;
};

typedef struct guard_verdict guard_verdict;
struct guard_verdict {
    bool allowed;
    int status;           // 401, 403, 503; 200 when allowed
    str www_authenticate; // "" when the answer has none
    code code;            // OK, or why it was refused
    err reason;           // the same in words, for the operator
    const principal *who; // NULL when no identity was established
    str issuer, audience; // of the token, as far as it could be read, proved or not: to be quoted
                          // by oidc_quoted
    decision decision;    // valid when has_decision
    bool has_decision;
    guard_rewrite authorization, serverless;
    char audit_id[AUDIT_ID_MAX];
};

typedef enum guard_state {
    GUARD_DONE, // *ret_verdict is complete and its entry is in the spool
    GUARD_WAIT, // the issuer's keys must come first: oidc_wait_keys(…, verdict->issuer, …), then
                // again; there is no verdict and no entry yet
} guard_state;

// Everything in the verdict lives in the arena.
guard_state guard_check(guard *g, const guard_target *t, const guard_call *c, arena *a,
                        guard_verdict *ret_verdict);

// The body (text/html, UTF-8) of a 401, 403, 404, 429 or 5xx as Cloud Run words it; `path` is
// quoted for HTML.
void guard_page(int status, str path, buf *out);

// Clients whose tokens of people are good for every service that the person may invoke.
#define GUARD_CLIENT_GCLOUD STR("32555940559.apps.googleusercontent.com")
#define GUARD_CLIENT_ADC                                                                           \
    STR("764086051850-6qr4p6gpi6hn506pt8ejuq83di341hur.apps.googleusercontent.com")
