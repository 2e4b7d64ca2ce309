// SPDX-License-Identifier: Apache-2.0
// flow: a control sequence as a table of steps. Each step starts at most one operation; a deadline
// stands over the whole, and one finish function sees every way it can end.
//
//   static const flow_step steps[] = {ask_issuer, read_keys, check_token, NULL};
//   flow_start(&x->flow, loop, steps, 10000, on_finish, x);
#pragma once

#include "net/net_loop.h"

typedef enum flow_next {
    FLOW_MORE, // go on with the next step at once
    FLOW_WAIT, // an operation was started; its callback calls flow_resume or flow_fail
    FLOW_DONE, // finished: the remaining steps are skipped
    FLOW_FAIL, // *e is set
} flow_next;

typedef flow_next (*flow_step)(void *ctx, err *e);

// Embedded in its owner, zeroed. The owner must not go away while it is active.
typedef struct flow flow;
struct flow {
    const flow_step *steps; // NULL-terminated; the end of the table is FLOW_DONE
    size_t at;
    void (*on_finish)(void *ctx, const err *e);
    void *ctx;
    timer *deadline;
    task start;
    bool active;
    bool running; // inside a step
    err error;
};

// The first step runs soon, not in this call. on_finish is called exactly once, unless the flow is
// cancelled: e NULL when done, SYS_TIMEOUT when the deadline passed (on_finish then ends the
// operation that is under way). It may free the owner.
void flow_start(flow *f, loop *l, const flow_step *steps, uint64_t deadline_ms,
                void (*on_finish)(void *ctx, const err *e), void *ctx);
// From the callback of the operation that FLOW_WAIT waits for: runs the next step.
void flow_resume(flow *f);
void flow_fail(flow *f, const err *e);
// In a step or before flow_resume: the next step is steps[index]. For retries and branches.
void flow_jump(flow *f, size_t index);
// Ends without on_finish; allowed when not active.
void flow_cancel(flow *f);
