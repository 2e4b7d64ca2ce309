// SPDX-License-Identifier: Apache-2.0
// doctor: calls a service without and with identity and explains a 401, 403 or 404: what was sent,
// what was expected, what is missing, and the command that mends it.
//
// Invariants
// - It sends GET requests only, follows no redirect, and sends a token of ours under the rules by
//   which the runner does (injection.md §2): never to an origin that isn't trusted. A token that
//   the person hands in goes where they say, but not over plain http off loopback.
// - No token is ever part of a report.
#pragma once

#include "credential/credential.h"

typedef struct loop loop;

typedef struct doctor_options doctor_options;
struct doctor_options {
    str url;
    const trust_set *trust;
    credential_provider *credentials;
    const home_address *up; // the running `gatepost up`, or NULL
    bool local;             // run.app URLs of its services lead there
    str identity;           // empty: the default; "none": nobody
    const project_identity *identities;
    size_t identity_count;
    str audience; // empty: the service's own
    str token;    // a bearer to judge in the place of one of ours; empty: none
    bool as_json;
};

// One call that was made.
typedef struct doctor_call doctor_call;
struct doctor_call {
    bool made;
    int status;        // 0: no answer
    str failure;       // why there was no answer
    str trace;         // 32 hex digits, when the answer has it
    bool by_cloud_run; // the answer is Cloud Run's page, not the application's
};

enum { DOCTOR_UNKNOWN_S = INT32_MIN };

// All text lives until the callback returns.
typedef struct doctor_report doctor_report;
struct doctor_report {
    str url, origin;
    bool candidate;                    // identity may be wanted there
    const char *trust;                 // who trusts it; NULL: nobody
    str caller;                        // whose identity; empty: none was found
    str source;                        // where it comes from
    str why_no_caller;                 // and why not,
    str no_caller_fix;                 // and what mends it
    str audience;                      // that the service wants
    str token_audience;                // that the token has
    int64_t token_age_s, token_left_s; // DOCTOR_UNKNOWN_S: no token, or it doesn't say
    doctor_call without, with;
    bool healthy;
    refusal_reason reason; // of the call that counts
    str server_reason;     // the running `up`'s own explanation, from its trail
};

// Calls back once: e is set when nothing could be found out at all (the URL is wrong, the host
// can't be reached).
typedef struct doctor doctor;
doctor *doctor_start(loop *l, const doctor_options *o,
                     void (*on_done)(void *ctx, const doctor_report *r, const err *e), void *ctx);
void doctor_free(doctor *d); // NULL is allowed

// What each provider of the project's workload identity pools makes of a foreign token: whether it
// is believed, who it names, and the accounts that it may act for; why not, where it isn't. Appends
// the report, without the token; waits for keys that must be fetched. Errors: POOL_TARGET (no
// providers), those of pool_set_new.
typedef struct doctor_foreign doctor_foreign;
struct doctor_foreign {
    loop *loop;
    const home_project *project;
    str token;
    bool as_json;
};
CODE_CHECKED doctor_foreign_token(const doctor_foreign *d, buf *out, bool *ret_accepted, err *e);

void doctor_text(const doctor_report *r, buf *out);
void doctor_json(const doctor_report *r, buf *out);
