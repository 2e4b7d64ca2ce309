// SPDX-License-Identifier: Apache-2.0
// run: what the pieces of the runner share. Private to the room.
#pragma once

#include "data/data.h"
#include "net/net.h"
#include "runner/crew.h"
#include "runner/jar.h"
#include "runner/plan.h"
#include "runner/runner.h"
#include "uri/uri.h"

typedef struct run_spill run_spill;

// ---- one exchange: a request with its redirects (trip.c, identity.c, redirect.c) ------------

typedef struct trip trip;

enum { RUN_ASKED_BYTES_MAX = 256 << 20 }; // of the bodies that pm.sendRequest's hold together

// What is asked for. Borrowed until the exchange is freed, but for `request`, which is copied.
typedef struct trip_want trip_want;
struct trip_want {
    const pm_item *item;
    bool by_script;
    const json *request;     // NULL: the text below is read
    str request_text;        // of pm.sendRequest
    bool of_collection;      // of pm.execution.runRequest: the request of `item`, by a script
    str variables;           // of its own, JSON text
    const json *auth;        // inherited
    uint32_t script_request; // js_fetch.id
    js_event script_kind;
    void (*on_done)(trip *x);
};

struct trip {
    runner *r;
    trip_want want;
    arena mem;
    pm_call call;
    const uri_url *kept_at; // where it goes, when the call is one that is kept; NULL: its own
    bool harmless;          // it is kept and holds no secret
    pm_behavior behavior;
    uint64_t deadline_mono_ms; // 0: none
    uri_origin first;          // of the first hop

    // the hop under way
    str method;
    str url;
    uri_url at;
    const run_route *route; // NULL: as the URL says
    VEC(pm_header) headers; // without Cookie and identity
    bool with_body;
    pm_scope *own;          // scope of the variables that runRequest was given; NULL: none
    pm_auth_memory *memory; // of a script's request: one that is shared is the runner's
    uint32_t replays;       // that challenges made
    timer *pause;           // before it is sent again
    injection_decision decision;
    str identity; // that was chosen for it
    credential_token *token;

    // the token of an oauth2 grant (grant.c)
    struct {
        str key;   // of the grant; empty: the request has none
        str token; // empty: it can't be had
        bool kept; // it was there before
        bool refreshing;
        void (*then)(trip *x);
    } grant;
    bool begun; // RUN_BEFORE_REQUEST was told

    credential_wait *wait;
    fetch_call *fetch;
    task soon; // runs `then`
    void (*then)(trip *x);

    run_exchange told;
    js_response response; // status 0: none
    buf body;             // of the answer; a script's is counted in asked_bytes
    bool over;            // that is what ended it
    err error;
    bool failed;
    run_failure *failure; // that was told
};

// Tells RUN_BEFORE_REQUEST, and later RUN_REQUEST just before on_done, which doesn't come inside
// this call. The exchange is the caller's to free, on_done may do it.
trip *trip_start(runner *r, const trip_want *want);
// Ends what is under way without on_done; NULL is allowed.
void trip_free(trip *x);
// Ends what is under way and tells RUN_REQUEST as a failure, without on_done.
void trip_abandon(trip *x, const char *why);

// Decides what this hop carries (injection.md §2), asks the person where it must. On OK,
// x->decision and x->told.identity are filled in; INJECTION_INJECT still needs its token.
CODE_CHECKED identity_decide(trip *x, err *e);
// The last decisions, to be used again for the same question (settled.c). Recalling fills in what
// identity_decide does: the decision, and the principal it is about.
typedef struct settled settled;
enum { SETTLED_MAX = 16 };
bool settled_recall(trip *x, const injection_request *req);
void settled_keep(trip *x, const injection_request *req);
void settled_free(runner *r);
// What is wanted of the provider for INJECTION_INJECT.
credential_want identity_want(const trip *x);
// For the report, when the token is there.
void identity_token(trip *x, const credential_token *t);
// After a refusal (401, 403, 404): where to look, in one line.
void identity_explain(trip *x);
// Remembers which origins are literal in the collection and what was given with it: all once, and
// those that a row of data makes (injection.md §1).
void identity_known_origins(runner *r);
void identity_known_row(runner *r);

// Fills in the call, the behavior and kept_at when the request is kept (ready.c); false when not.
bool ready_take(trip *x);
// Keeps a request that was prepared just now, if it may be sent once more as it is.
void ready_keep(trip *x);

// Gets the token that x->call wants, and calls `then`, maybe inside this call.
typedef struct granted granted;
void grant_start(trip *x, void (*then)(trip *x));
// Was a token refused that had been kept? It is forgotten then: another may do.
bool grant_refused(trip *x);
void grants_deinit(runner *r);

// A header of the answer; empty when there is none.
str told_header(const trip *x, const char *name);

// Is the exchange, which has ended, to be made again, and after how long?
bool retry_wanted(const trip *x, uint64_t *ret_pause_ms);
// Ends the pause: the run stops.
void trip_hurry(trip *x);

// Should this answer be followed?
bool redirect_wanted(const trip *x, int status, str location);
// Turns the exchange to the location. RUN_REDIRECTS, URI errors.
CODE_CHECKED redirect_follow(trip *x, int status, str location, err *e);

// Reads a URL as it goes on the wire: what uri refuses but servers take is encoded first.
CODE_CHECKED wire_url_parse(arena *a, str text, uri_url *ret, err *e);
// Is the URL one of those that the pattern means?
bool certificate_matches(str pattern, const uri_url *u);
// Puts the client certificate for that URL in the place of the general one.
void certificate_choose(const runner *r, const uri_url *u, fetch_tls *tls);
// The message that Node's programs print for this failure.
str run_failure_message(arena *a, const char *name, const uri_url *u, const err *e);

// ---- one turn of a request (turn.c, script.c)
// ----------------------------------------------------

typedef struct turn turn;
struct turn {
    const pm_item *item;
    arena mem;           // until the next turn
    const json *request; // as written, or as scripts have changed it
    str request_text;
    bool changed;
    str path;            // "Orders / create"; with `location`, once a script wants them
    const str *location; // names from the collection down
    size_t location_len;
    // the scripts of one kind
    js_event kind;
    const pm_script **scripts;
    size_t script_count, script_at;
    VEC(str) failed_tests; // of the script that runs
    bool skipped;
    bool bailed;
    js_next_kind next_kind;
    str next;
    trip *exchange;
    str sent_text; // the request as sent, JSON; made when a test script wants it
};

// What no listener is shown (veil.c).
typedef struct veil veil;
struct veil {
    VEC(char *) texts; // the oldest first
    map known;         // the same
    uint64_t versions[JS_SCOPE_COUNT];
};

struct runner {
    loop *loop;
    runner_options o;
    runner *root;                            // that it is a hand of; itself when it is none
    crew *crew;                              // of a root; NULL: iterations follow each other
    stint *stint;                            // of a hand: the iteration that it does
    size_t kept_bytes_max;                   // of a root: CREW_KEPT_BYTES_MAX
    uint64_t first_versions[JS_SCOPE_COUNT]; // of a hand's scopes when its iteration began
    arena kept;                              // what lives as long as the runner
    plan plan;
    run_lane *lane;
    bool own_lane;
    run_ready *ready;
    bool own_ready;
    uint64_t given_version; // run_variables_version at the start
    fetch_client *client;
    jar *jar;
    pm_scope *scopes[JS_SCOPE_COUNT];
    pm_scope *first[JS_SCOPE_COUNT]; // as they were before any script; only where rows need it
    const json *row;                 // of this iteration
    uint32_t row_at;                 // its index
    buf row_text;
    map known;   // origins that were known before any script ran
    map learned; // a pm_auth_memory for each definition of auth, by its address
    map grants;  // key → granted; the root's
    bool minted; // a token was sent: what comes back is searched for it. The root's counts
    settled *settled[SETTLED_MAX];
    size_t settled_count; // that were ever kept
    veil veil;
    run_source source;

    VEC(run_listener) listeners;
    run_summary summary;
    run_cursor cursor;
    run_failure *ended_by; // RUN_DONE's failure

    flow flow;
    timer *pause; // --delay-request
    turn turn;
    VEC(trip *) asked;  // pm.sendRequest's that are under way
    size_t asked_bytes; // of the bodies that they hold together
    size_t asked_bytes_max;
    bool stopping; // what is under way ends, nothing else begins
    bool held;     // an iteration waits for runner_go
    task halt, last;
    void (*on_done)(void *ctx);
    void *on_done_ctx;
};

extern const flow_step run_steps[], run_crew_steps[]; // the latter with a crew

// What was learned in the iterations before counts no more: the next is as the first.
void run_forget(runner *r);

// Starts the next script of the turn; script_done is called when it has ended.
void script_start(runner *r);
// The same, now that the lane is the runner's. `known`: the worker's last script was this runner's,
// so that it has the scopes already.
void script_run(runner *r, bool known);
// Takes a turn on the lane, leads to script_run.
void run_lane_enter(run_lane *lane, runner *r);
// In the callback that ends the script.
void run_lane_leave(run_lane *lane);
// Gives up a turn, and ends the script that runs in it.
void run_lane_drop(run_lane *lane, const runner *r);
js_engine *run_lane_engine(const run_lane *lane);
void turn_script_done(runner *r, const js_result *res);
pm_scopes run_scopes(const runner *r);
pm_scopes run_first_scopes(const runner *r);
// Another one after each change of a variable that requests see.
uint64_t run_variables_version(const runner *r);

// ---- parts of a run (part.c) --------------------------------------------------------------------

// Leaves of the plan what this shard does of a single iteration.
void part_of_plan(runner *r);
// Is the iteration, or the request in it, of the part that is run?
bool part_has_iteration(const runner *r);
bool part_has_request(const runner *r);

// ---- telling (tell.c) ----------------------------------------------------------------

// Fills in the cursor, counts, and tells the listeners.
void run_tell(runner *r, run_event *ev);
void run_tell_kind(runner *r, run_event_kind kind);
void run_warn(runner *r, js_event kind, str text);
// Keeps it for the reports. The copy lives until the turn ends, at least.
run_failure *run_fail(runner *r, const run_failure *f);
// The text without tokens, which lives in the arena when it isn't the given one.
str run_clean(const runner *r, arena *a, str text);

// ---- failures (kept.c) --------------------------------------------------------------------------

// The next failure stays in memory: its texts must live as long as the runner.
bool kept_in_memory(const runner *r);
void kept_add(runner *r, const run_failure *f);
void kept_deinit(run_summary *s);

// ---- secrets of the person's own (veil.c) -------------------------------------------------------

// Learns what is secret in a request as it is sent.
void veil_learn_request(runner *r, const json *request);
// Is there one at all?
bool veil_finds(const json *request);
// A token of ours: hidden from reports also when they show the person's secrets.
void veil_minted(runner *r, str token);
// What variables are secret now.
void veil_learn_scopes(runner *r);
// Of a hand: moves what it has learned since the last time to the arena; veil_add is the root's.
size_t veil_take(veil *v, arena *a, const str **ret_texts);
void veil_add(veil *v, str text);
void veil_deinit(veil *v);
// The text without secrets, which lives in the arena when it isn't the given one.
str run_veil(const runner *r, arena *a, str text);
const json *run_veil_json(const runner *r, arena *a, const json *part);
// As runner_export, without secrets.
void run_show(runner *r, js_scope_name name, buf *out);
// The event as listeners may hear it: the given one, or a copy made of `mem`, which lives in the
// arena.
typedef struct veiled veiled;
struct veiled {
    run_event event;
    run_exchange exchange;
    js_assertion assertion;
    js_error error;
};
const run_event *veil_event(runner *r, const run_event *ev, arena *a, veiled *mem);
