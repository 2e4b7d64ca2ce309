// SPDX-License-Identifier: Apache-2.0
// worker: the inside of gatepost-script. It reads frames from stdin, runs scripts in QuickJS under
// the prelude of sandbox/, and writes frames to stdout. All that needs judgement (what pm is, when
// a script is over) is in the prelude; here are the engine, time, and bytes.
//
// The prelude is a function (host, global) that returns the object whose methods are called here:
//   run(context, call, fault)  call: the compiled script, or undefined with a SyntaxError as fault
//   fetched(context), cookies(context)  an answer of the runner's
//   wait()       ms until the next timer, -1: until a message, -2: the script is over
//   tick()       runs what is due
//   rejected(e)  a promise was rejected and nobody cares
//   untouched()  did no script leave anything that another could find?
//   finish(how)  sends DONE and returns true; how: undefined, or what kind of time was over.
//   Reading
//                what a script left may run code of its own: an end that isn't reached in time is
//                asked for once more, with a little time of its own.
#pragma once

#include <quickjs/quickjs.h>

#include "base/base.h"
#include "js/frame.h"
#include "js/intact.h"
#include "js/js.h"

typedef struct worker worker;
struct worker {
    JSRuntime *rt;
    JSContext *ctx;
    JSValue boot;
    buf in;
    buf out;
    str body;                   // of the frame being handled; scripts ask for it when they need it,
    str request;                // also for this one,
    buf scopes[JS_SCOPE_COUNT]; // and for these, which stay until they come anew
    uint64_t limit_ms;          // of the script's time (worker.c); 0: none
    uint64_t began_cpu_ms;      // when the script began: what the process had had of processors
    uint64_t waited_ms;         // by the script, for answers and timers
    bool expired;               // the limit was met
    size_t collect_bytes;       // the heap's size that makes a collection worth its time
    intact intact;              // what the prelude stands on
    VEC(JSValue) scripts;       // by id: the function of each script, compiled once
    VEC(JSValue) rejected;      // pairs: promise, reason; handled before the turn ends or told
};

// Makes runtime and context, evaluates the prelude. False when that fails (told on stderr).
bool worker_init(worker *w, size_t heap_bytes_max);
// Serves frames until stdin ends: 0; 1 when the runner broke the protocol or the pipe.
int worker_serve(worker *w);

// host.c: what the prelude gets as `host`.
JSValue host_new(worker *w);
// Sends what was queued by host.send. False when the runner is gone.
bool worker_flush(worker *w);

// library.c: the exports of a module that was compiled at build time, or an exception. `require` is
// what it calls for other modules.
JSValue library_load(JSContext *ctx, str name, JSValueConst require);
