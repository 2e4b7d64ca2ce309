// SPDX-License-Identifier: Apache-2.0
// js: runs the scripts of a collection (contracts: Postman's sandbox) in a process of their own.
//
//   runner ── js_run ──▶ js_engine ══ frames over a socket ══▶ gatepost-script (QuickJS + sandbox/)
//
// The worker has no network, no files, no environment and no credential (lockdown.h); all that a
// script can do to the world is ask the runner in a message, and every message is judged here as
// hostile input: sizes, counts and types are checked, unknown ones end the worker. A worker that
// dies, hangs in a native call or breaks the protocol ends the script it ran with an error; the
// next script gets a new worker and the run goes on (threat 45).
//
// Invariants
// - One script at a time per engine. js_run's on_done comes exactly once, after every other
//   callback of that script, and never inside js_run.
// - Nothing given to a script may hold a credential: what is passed here is what scripts can read,
//   print and send (threat 43).
// - What a script sets as an undeclared global stays until js_renew (or its worker's end);
//   `var`, `let` and `const` end with the script. A script that took too long left work behind in
//   its worker, which ends with it; so does one that froze what the language is made of. What
//   a script replaced of that (Array.prototype.map, JSON.stringify) is put back when it ends.
// - Texts in callbacks are borrowed for the call. Texts given to js_run and js_answer_* are copied.
#pragma once

#include "base/base.h"

typedef struct loop loop;
typedef struct js_engine js_engine;

// ---- engine -----------------------------------------------------------------------------------

typedef struct js_config js_config;
struct js_config {
    const char *worker;      // path of gatepost-script; NULL: js_worker_path()
    size_t memory_bytes_max; // of the worker's heap, 0: JS_MEMORY_BYTES_MAX
    uint32_t columns;        // width that console output is wrapped for, 0: 80
};
enum {
    JS_MEMORY_BYTES_MAX = 512 << 20,
    JS_FRAME_BYTES_MAX = 288 << 20, // one message, either way: a response of the usual limit fits
    // A script that hasn't stopped itself is killed when its worker has had so much more of a
    // processor than its time, or when its time has been over for so long.
    JS_KILL_CPU_MS = 1000,
    JS_KILL_WALL_MS = 30000,
};

// The worker starts with the first script. `cfg` may be NULL.
js_engine *js_engine_new(loop *l, const js_config *cfg);
// Ends the worker; a running script ends without its on_done. Not inside a callback of the engine.
// NULL is allowed.
void js_engine_free(js_engine *en);

// $GATEPOST_SCRIPT_WORKER, else `gatepost-script` beside the running program, one folder up (the
// build tree), or in ../libexec/gatepost.
// NUL-terminated, valid until the program ends.
const char *js_worker_path(void);

// ---- what a script sees -----------------------------------------------------------------------

typedef enum js_event { JS_PREREQUEST, JS_TEST } js_event;

typedef enum js_scope_name {
    JS_GLOBALS,
    JS_COLLECTION,
    JS_ENVIRONMENT,
    JS_DATA,     // the row of this iteration
    JS_LOCAL,    // pm.variables
    JS_VAULT,    // secrets for pm.vault; without a name there are none
    JS_PACKAGES, // sources for pm.require
    JS_SCOPE_COUNT
} js_scope_name;

typedef struct js_scope js_scope;
struct js_scope {
    str id;
    str name;
    // JSON text: [{"key":…, "value":…, "type":…, "disabled":true}, …]; for JS_DATA an object.
    // Empty: none. It isn't parsed here, so numbers reach the script as they are written.
    str values;
    // Of all the above: what the worker has in this version isn't sent again. 0: always sent.
    uint64_t version;
};

typedef struct js_header js_header;
struct js_header {
    str name;
    str value;
};

typedef struct js_cookie js_cookie;
struct js_cookie {
    str name;
    str value;
    str domain;
    str path;
    int64_t expires_ms; // wall clock; INT64_MAX: with the session
    int64_t max_age_s;  // -1: none
    bool secure, http_only, host_only;
    str same_site; // "" or lax, strict, none
};

typedef struct js_response js_response;
struct js_response {
    str id;
    int status; // 0: there was no response; then all the rest is ignored
    str reason;
    const js_header *headers;
    size_t header_count;
    str body; // decoded bytes
    uint64_t time_ms;
    uint64_t header_bytes, wire_body_bytes;
    const js_cookie *cookies; // those the jar would send to the final URL
    size_t cookie_count;
};

typedef struct js_script js_script;
struct js_script {
    js_event event;
    str source;
    // Where it stands, for messages: "Orders / create an order".
    str name;
    js_scope scopes[JS_SCOPE_COUNT];
    // The request object of Collection v2.1 as JSON text: as written before the request, as sent
    // (without what was injected) after it.
    str request;
    const js_response *response; // JS_TEST only; NULL before
    str request_id, request_name, request_description;
    uint32_t iteration, iteration_count; // from 0
    // pm.execution.location: names from the collection down to the item; `owner` is the name of
    // the collection, folder or request that the script belongs to.
    const str *location;
    size_t location_len;
    str owner;
    // Of the script's own time: computing and waiting (also sendRequest's), but not for a processor
    // that others have. 0: none.
    uint64_t timeout_ms;
};

// ---- what a script says -----------------------------------------------------------------------

typedef struct js_error js_error;
struct js_error {
    str name;    // "AssertionError", "TypeError", …
    str message; // "expected 1 to equal 2"
    str stack;
};

typedef struct js_assertion js_assertion;
struct js_assertion {
    str name;
    uint32_t index; // within the script, from 0
    bool passed;    // also when skipped
    bool skipped;
    js_error error; // when not passed
};

typedef enum js_change_kind { JS_SET, JS_UNSET, JS_CLEAR } js_change_kind;
typedef struct js_change js_change;
struct js_change {
    js_scope_name scope;
    js_change_kind kind;
    str key;   // not for JS_CLEAR
    str value; // JS_SET: JSON text; empty: undefined
    str type;  // third argument of set(); empty: keep or guess from the value
};

typedef enum js_next_kind {
    JS_NEXT_UNSET, // setNextRequest was not called
    JS_NEXT_STOP,  // called with null
    JS_NEXT_NAMED,
} js_next_kind;

typedef struct js_result js_result;
struct js_result {
    // OK; SCRIPT_FAILED: it threw, or was to see more than a frame holds; SCRIPT_TIMEOUT;
    // SCRIPT_CRASHED: the worker died; SCRIPT_PROTOCOL: it broke the protocol; SCRIPT_WORKER: it
    // could not be started.
    code code;
    js_error error; // unless OK
    // In the order of the calls. Also when the script failed: what it changed before counts, up to
    // a skipRequest().
    const js_change *changes;
    size_t change_count;
    str request; // JSON text, JS_PREREQUEST only; empty: unchanged
    js_next_kind next_kind;
    str next;     // name or id
    bool skip;    // pm.execution.skipRequest()
    bool spoiled; // for the engine: the worker serves no other script
};

// pm.sendRequest: a request object of Collection v2.1 as JSON text. Its {{variables}} stay as they
// are. It obeys every rule of the runner's own requests, identity and network policy included.
// Or pm.execution.runRequest: a request of the collection, with variables of its own.
typedef struct js_fetch js_fetch;
struct js_fetch {
    uint32_t id;   // for js_answer_fetch
    str request;   // empty: the one that `item` names
    str item;      // id or name
    str variables; // JSON text of a list as in js_scope
};

typedef enum js_cookie_kind {
    JS_COOKIE_GET,   // answer: the cookies for that URL, `name` only when not empty
    JS_COOKIE_SET,   // `cookie`, or when its name is empty the Set-Cookie text in `value`
    JS_COOKIE_UNSET, // `name`
    JS_COOKIE_CLEAR, // all for that URL
} js_cookie_kind;

typedef struct js_cookie_op js_cookie_op;
struct js_cookie_op {
    uint32_t id; // for js_answer_cookies
    js_cookie_kind kind;
    str url;
    str name;
    str value;
    js_cookie cookie;
};

typedef struct js_callbacks js_callbacks;
struct js_callbacks {
    void (*on_assertion)(void *ctx, const js_assertion *a);
    // level: "log", "info", "warn", "error", "debug"; each message is text as Node's inspect shows
    // it (strings of the top level are quoted) and may hold control characters.
    void (*on_console)(void *ctx, str level, const str *messages, size_t count);
    // An error in a timer's callback or an unhandled rejection: told, but no failure.
    void (*on_exception)(void *ctx, const js_error *e);
    // Each must be answered, also when refused; not answering stalls the script.
    void (*on_fetch)(void *ctx, const js_fetch *f);
    void (*on_cookies)(void *ctx, const js_cookie_op *op);
    void (*on_done)(void *ctx, const js_result *r);
    void *ctx;
};

// Starts a script; none may be running. The source is sent to the worker and compiled there once,
// however often it runs. Failures are told by on_done.
void js_run(js_engine *en, const js_script *s, const js_callbacks *cb);

// The next script finds nothing of what those before it left: undeclared globals, changed
// prototypes, the state of libraries. No script may be running.
void js_renew(js_engine *en);
// While held, nothing more of what a script says is taken: it waits when it has said much. Its time
// stands still then.
void js_hold(js_engine *en, bool held);

// The answers; an id that is no longer waited for is ignored. `failure` NULL means success.
// `failure->name` becomes err.code ("ECONNREFUSED"), `message` err.message. A failed call may carry
// no response (NULL). `cookies` of the response are the third argument of the script's callback.
void js_answer_fetch(js_engine *en, uint32_t id, const js_error *failure, const js_response *res);
void js_answer_cookies(js_engine *en, uint32_t id, const js_error *failure, const js_cookie *list,
                       size_t count);

// For tests and the resource line of reports: how many workers were started so far.
uint32_t js_worker_count(const js_engine *en);
