// SPDX-License-Identifier: Apache-2.0
// revision: the instances of a service and the calls that they take. Calls wait for a place in an
// instance; the autoscaler (scale.h) decides how many there are, from none and back.
//
// Why a call gets no place (contract cloud-run.md §1, §4):
//   429  as many instances as may run are busy for as long as a call may wait
//   500  no instance could be started, or not fast enough
//   503  too many calls wait, or the service is being stopped
// A call may wait for 3.5 mean start times, at least ten seconds.
#pragma once

#include "cloudrun/instance.h"
#include "cloudrun/scale.h"

enum {
    REVISION_WAITING_MAX = 10000,
    REVISION_WAIT_MS_MIN = 10000,
    REVISION_RETRY_MS_MIN = 1000, // after a failed start; doubled with each
    REVISION_RETRY_MS_MAX = 30000,
    REVISION_LIVED_MS = 10000, // an end after this isn't a failed start
    REVISION_MEMORY_MS = 1000,
};

typedef struct revision revision;
// A call from its claim to its release.
typedef struct place place;

typedef struct revision_options revision_options;
struct revision_options {
    const service_spec *spec; // borrowed, as are the runs
    const instance_run *runs;
    uint64_t window_ms, grace_ms; // of the autoscaler; 0: Knative's
    uint64_t wait_ms_min;         // 0: REVISION_WAIT_MS_MIN
    uint64_t stop_ms;             // 0: INSTANCE_STOP_MS
    // Never from within revision_claim. The place stays until it is released.
    void (*on_place)(void *ctx, void *call, http_pool *pool, str instance_id);
    void (*on_refuse)(void *ctx, void *call, int status, const err *why);
    // What a program writes; `container` is empty for the one that takes the calls.
    void (*on_line)(void *ctx, str instance_id, str container, str line);
    // What Cloud Run's system log says of an instance; or, with e, why it ended.
    void (*on_event)(void *ctx, str instance_id, const err *e, const char *text);
    void *ctx;
};

revision *revision_new(loop *l, const revision_options *o);
// Starts what minScale asks for.
void revision_start(revision *r);
// on_stopped comes once no process is left: SIGTERM, ten seconds, SIGKILL. Waiting calls get 503.
void revision_stop(revision *r, void (*on_stopped)(void *ctx), void *ctx);
// Kills what is left. Every place must have been released. NULL is allowed.
void revision_free(revision *r);

place *revision_claim(revision *r, void *call);
void revision_release(revision *r, place *p); // also while it waits, and after a refusal

typedef struct revision_status revision_status;
struct revision_status {
    uint32_t starting, ready, stopping;
    uint32_t calls, waiting;
    uint64_t starts;
};
revision_status revision_count(const revision *r);
