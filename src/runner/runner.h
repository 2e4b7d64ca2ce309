// SPDX-License-Identifier: Apache-2.0
// runner: runs a collection (contracts: Postman §3, 8; injection.md) and tells what happens.
//
//   plan ─▶ for each iteration, each request in order:
//           delay ─▶ prerequest scripts ─▶ variables filled in ─▶ identity ─▶ request ─▶ test
//           scripts
//
// The runner prints nothing and writes no file: it sends events to listeners (the reporters),
// counts (run_summary), and hands out the scopes to export.
//
// Invariants
// - Identity is attached below JavaScript: no event, scope or script holds a token. What servers
//   send back is searched for minted tokens before anybody sees it (threat 43).
// - No event holds a secret of the person's own either, unless show_secrets: the value of a
// variable
//   of the type "secret", a secret parameter of auth. Scripts and servers do get these.
// - A token is dropped at each redirect to another origin, and decided anew there.
// - Events come in the order of newman's, also when iterations run side by side; each `before` has
// its counterpart unless the run ends.
// - One runner runs once. runner_start's on_done comes exactly once, after RUN_DONE.
// - Texts and pointers in events are borrowed for the call, but for items and the summary, which
//   live as long as the collection and the runner.
#pragma once

#include "credential/credential.h"
#include "fetch/fetch.h"
#include "js/js.h"
#include "postman/postman.h"

// ---- events -----------------------------------------------------------------------------------

typedef enum run_event_kind {
    RUN_START,
    RUN_ITERATION,      // an iteration begins
    RUN_ITEM,           // a request's turn begins
    RUN_BEFORE_SCRIPTS, // scripts of one kind begin, also when there are none
    RUN_BEFORE_SCRIPT,
    RUN_SCRIPT, // one script has ended; `failure` when it threw
    RUN_SCRIPTS,
    RUN_BEFORE_REQUEST, // also for each pm.sendRequest: exchange->by_script
    RUN_REQUEST,        // `exchange` is complete; `failure` when there is no response
    RUN_ASSERTION,      // `failure` when it failed
    RUN_CONSOLE,        // a script's console, or a warning of ours
    RUN_EXCEPTION,      // an error in a timer's callback: told, but no failure
    RUN_NEXT,           // setNextRequest counts: `next`
    RUN_ITEM_END,       // `skipped` when a script skipped the request
    RUN_ITERATION_END,
    RUN_DONE, // the last; `failure` when the run itself was ended (a timeout)
} run_event_kind;

typedef struct run_cursor run_cursor;
struct run_cursor {
    uint32_t iteration, iterations; // from 0; how many were planned
    uint32_t position, length;      // of the request in the plan
    char ref[RAND_UUID_MAX];        // of this turn of this request; "" before the first
};

// Which identity a request carried, and why. Never a token.
typedef struct run_identity run_identity;
struct run_identity {
    injection_action action;
    str report;    // one line; empty: nothing to say
    str warning;   // empty: none
    str principal; // when a token was attached
    str audience;
    str via;       // "service account key", "metadata server"
    int64_t age_s; // of the token; -1: none was attached
    bool local;
    // How it came to that (--explain-identity). All empty for a plain call.
    str origin;          // that was judged
    const char *trusted; // by what: "--trust", a file; "": it isn't
    str name;            // the identity that was chosen; empty: the default one
    bool serverless; // in X-Serverless-Authorization: the request has an Authorization of its own
};

// One HTTP exchange as reports tell it: the last hop of its redirects.
typedef struct run_exchange run_exchange;
struct run_exchange {
    bool by_script;      // pm.sendRequest
    const json *request; // object of Collection v2.1: as sent, without what was injected
    str method;
    str url; // as sent first
    // From here on only in RUN_REQUEST, and without a response only identity and failure_name.
    bool has_response;
    str id; // of the response
    int status;
    str reason;
    const js_header *headers;
    size_t header_count;
    str body;                 // decoded
    const js_cookie *cookies; // that the jar would send to the final URL
    size_t cookie_count;
    uint64_t time_ms;
    uint64_t header_bytes, body_bytes; // as transferred
    uint32_t redirects;
    uint32_t retries; // before this answer
    fetch_timings timings;
    const char *failure_name; // "ECONNREFUSED"; NULL: none
    run_identity identity;
    // For a refused call (401, 403, 404 of a candidate): the audit entry's id of a local service,
    // or the trace and the query for Cloud Logging. Empty: nothing to say.
    str trace;
    str explain;
};

// What went wrong, as the failure table and the JSON report tell it.
typedef struct run_failure run_failure;
struct run_failure {
    str name; // "AssertionError", "Error", "AssertionFailure" (--bail)
    str message;
    str stack;
    str test;            // name of the assertion; empty: it isn't one
    uint32_t index;      // of the assertion, from 0
    str at;              // "assertion:0 in test-script", "request", "prerequest-script"
    code code;           // of errors of ours, otherwise OK
    str hint;            // the fix, when it is known
    const pm_item *item; // NULL: the run itself
    run_cursor cursor;
};

// Where events come from: what all of one run have in common.
typedef struct run_summary run_summary;
typedef struct run_source run_source;
struct run_source {
    const pm_collection *collection;
    const run_summary *summary;
    void *ctx;
    // A part of the collection as it may be shown; it lives in the arena where it isn't the part
    // itself.
    const json *(*veil)(void *ctx, arena *a, const json *part);
    // JSON text of JS_ENVIRONMENT or JS_GLOBALS as it may be shown.
    void (*show)(void *ctx, js_scope_name name, buf *out);
    // Ends the run, and what is under way with it. Allowed inside an event.
    void (*stop)(void *ctx);
};

typedef struct run_event run_event;
struct run_event {
    run_event_kind kind;
    const run_source *source;
    const run_cursor *cursor;
    const pm_item *item; // NULL in RUN_START, RUN_ITERATION…, RUN_DONE
    const run_failure *failure;
    js_event script_kind;    // RUN_…SCRIPT…: which kind; RUN_ASSERTION and RUN_CONSOLE: of whom
    const pm_script *script; // RUN_BEFORE_SCRIPT, RUN_SCRIPT
    const run_exchange *exchange; // RUN_BEFORE_REQUEST, RUN_REQUEST
    const js_assertion *assertion;
    str level; // RUN_CONSOLE: "log", "warn"…
    const str *messages;
    size_t message_count;
    const js_error *error; // RUN_EXCEPTION
    str next;              // RUN_NEXT: name or id; empty: stop the iteration
    bool skipped;
};

typedef struct run_listener run_listener;
struct run_listener {
    void (*on_event)(void *ctx, const run_event *ev);
    void *ctx;
};

// ---- summary ----------------------------------------------------------------------------------

typedef struct run_count run_count;
struct run_count {
    uint32_t total, pending, failed;
};

typedef struct run_spread run_spread; // of milliseconds
struct run_spread {
    double average, min, max, sd;
    uint64_t count;
};

// Counted as newman counts; complete when RUN_DONE is told.
struct run_summary {
    run_count iterations, items, scripts, prerequests, requests, tests, assertions, test_scripts,
        prerequest_scripts;
    run_spread response, dns, first_byte;
    int64_t started_wall_ms, completed_wall_ms;
    uint64_t response_bytes; // bodies
    size_t failure_count;
    VEC(run_failure) failures; // the first of them, in order; a thousand may be in memory
    struct run_spill *spill;   // the others
};

// Counts one event; the failures are who listens' own to keep.
void run_summary_count(run_summary *s, const run_event *ev);
// Adds what another run counted, without its failures.
void run_summary_add(run_summary *s, const run_summary *other);

// All failures of a run, in order. Several may read at once, while the runner lives.
typedef struct run_failures run_failures;
struct run_failures {
    const run_summary *summary;
    size_t at;
    uint64_t offset;
    arena mem;
    run_failure now;
};
void run_failures_begin(run_failures *all, const run_summary *s);
// Valid until the next call; NULL: there are no more.
const run_failure *run_failures_next(run_failures *all);
void run_failures_end(run_failures *all);

// ---- runner -----------------------------------------------------------------------------------

typedef struct runner runner;

// What calls may carry, and where they go. All may be zero: a run without identity.
typedef struct runner_identity runner_identity;
struct runner_identity {
    const trust_set *trust;
    credential_provider *credentials;
    const project_rule *rules;
    size_t rule_count;
    const project_identity *identities; // to know which are defined as none
    size_t identity_count;
    str identity; // --identity; empty: the default
    str audience; // --audiences
    str local_issuer;
    bool interactive;
    // INJECTION_ASK: shows the question, records the answer in the trust set (trust_add or
    // trust_decline) and returns it. NULL: nobody can be asked.
    bool (*ask)(void *ctx, str question, str origin);
    void *ask_ctx;
};

// `--local`: requests to `host` (as in a URL, lower case) go to this port on 127.0.0.1 in plain
// http.
typedef struct run_route run_route;
struct run_route {
    str host;
    uint16_t port;
};

// --ssl-client-cert-list: a client certificate and the https URLs that it is for, as Chrome's match
// patterns: "https://*.example.com:*/path/*", "<all_urls>".
typedef struct run_certificate run_certificate;
struct run_certificate {
    const str *matches;
    size_t match_count;
    const char *cert_file; // PEM, or PKCS#12 when p12
    const char *key_file;
    const char *key_password;
    bool p12;
};

enum { RUN_RESPONSE_BYTES_MAX = 256 << 20 };

// The script worker of several runners, which run their scripts there one after the other. Globals
// that a script leaves undeclared are theirs in common; all else is each runner's own.
typedef struct run_lane run_lane;
run_lane *run_lane_new(loop *l, const js_config *config); // NULL: the usual one
void run_lane_free(run_lane *lane);                       // after its runners

// Requests that are the same each time, prepared once for several runners with the same collection,
// variables and behavior. Of one that is under way in two of them, events may show the other's
// Postman-Token.
typedef struct run_ready run_ready;
run_ready *run_ready_new(const pm_collection *c);
void run_ready_free(run_ready *x); // after its runners; NULL is allowed

// --retry: what of an answer makes a request of the collection be sent again, after Retry-After or
// a pause that doubles. Only the last attempt is told.
typedef struct run_retry run_retry;
struct run_retry {
    uint32_t times;                // 0: never
    bool connect;                  // also when no connection could be made
    const uint16_t (*statuses)[2]; // from, to
    size_t status_count;
};

// --only-failed: a request in one iteration.
typedef struct run_pick run_pick;
struct run_pick {
    uint32_t iteration;
    uint32_t index; // pm_item.index
};

// --shard: this process does the parts `index`, `index + count`, … of the run: iterations, or, of a
// single iteration, members of the collection (with what is below them).
typedef struct run_shard run_shard;
struct run_shard {
    uint32_t index, count; // count 0: all
};

// Everything is borrowed and must outlive the runner.
typedef struct runner_options runner_options;
struct runner_options {
    const pm_collection *collection;
    const pm_values *environment; // NULL: none
    const pm_values *globals;
    const json *data;    // rows; NULL: none
    const str *env_vars; // "key=value", over the file
    size_t env_var_count;
    const str *global_vars;
    size_t global_var_count;
    const str *folders; // --folder; none: all
    size_t folder_count;
    uint32_t iterations; // 0: as many as there are rows, or one
    // So many iterations are done side by side, and told one after the other. Each begins with the
    // variables, cookies and script globals of the first; what the last one leaves is exported.
    // 0, 1: they follow each other.
    uint32_t parallel;
    run_shard shard;
    const run_pick *picks; // sorted by iteration and index; NULL: all
    size_t pick_count;
    run_retry retry;
    bool bail;        // stop after the first failure
    bool bail_folder; // errors end the run
    bool no_redirects;
    bool tls_insecure;
    size_t response_bytes_max; // of a decoded body; 0: RUN_RESPONSE_BYTES_MAX
    bool show_secrets;         // events hold the person's own; minted tokens never
    uint64_t delay_ms, timeout_ms, request_timeout_ms, script_timeout_ms; // 0: none
    const pm_folder *folder;                                              // files of bodies
    fetch_policy policy;
    fetch_tls tls; // its certificate is for https URLs that no other has a match for
    const run_certificate *certificates; // the first match counts
    size_t certificate_count;
    fetch_proxy proxy;
    fetch_version version;
    const run_route *routes;
    size_t route_count;
    runner_identity identity;
    js_config js;
    const json *vault;    // of pm.vault, as the scopes of a collection; NULL: none
    const json *packages; // of pm.require: the value is the source; NULL: none
    run_lane *lane;       // instead of a worker of its own; NULL: none
    run_ready *ready;     // likewise
    // Asked before each iteration; false: it waits for runner_go, and is asked again then. NULL:
    // they follow each other.
    bool (*may_begin)(void *ctx);
    // Then asked for its row of data, when there are any. NULL: in their order, the last once more
    // when there are no more.
    const json *(*next_row)(void *ctx);
    void *iteration_ctx;    // of both
    uint32_t failures_max;  // that are kept for reports, 0: all
    const char *cookie_jar; // JSON text of tough-cookie's form to start with; NULL: empty
};

// DATA_TYPE, PM_LIMIT: variables; RUN_FOLDER: --folder names nothing; RUN_COOKIES: cookie_jar.
CODE_CHECKED runner_new(loop *l, const runner_options *o, runner **ret, err *e);
// Ends a run without its on_done. Not inside an event; on_done may do it. NULL is allowed.
void runner_free(runner *r);
// Before runner_start; in the order in which they are to be told.
void runner_listen(runner *r, const run_listener *who);
// All went well when runner_summary has no failures.
void runner_start(runner *r, void (*on_done)(void *ctx), void *ctx);
// Ends the run after what is under way (SIGINT): the rest isn't run, RUN_DONE comes. Once more
// drops what is under way too: a script that loops, a server that doesn't answer (SIGTERM does so
// at once). SYS_CANCELLED.
void runner_stop(runner *r);

// An iteration that was told to wait may begin: it does so inside this call, unless nothing waits.
void runner_go(runner *r);

const run_summary *runner_summary(const runner *r);
// What --export-environment, -globals and -collection write: JSON text. Scopes as they are now, the
// collection as it was read.
void runner_export(runner *r, js_scope_name name, buf *out);
void runner_export_cookies(const runner *r, buf *out);
