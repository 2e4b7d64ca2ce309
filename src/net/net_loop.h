// SPDX-License-Identifier: Apache-2.0
// The loop and its smallest users. See net.h for the invariants.
#pragma once

#include "base/base.h"

// ---- loop -------------------------------------------------------------------------------------

typedef struct loop loop;

// Also ignores SIGPIPE for the process: a broken connection is an error of its write.
loop *loop_new(void);
// Everything made on the loop must have been freed before; what is still closing is waited for.
void loop_free(loop *l);

// Returns after loop_stop, or when nothing is left that could call back.
void loop_run(loop *l);
// Ends loop_run at the end of the current turn; without one, the next loop_run returns at once.
void loop_stop(loop *l);
// Runs until *done is true or the time is over; tells *done. For tests and short commands.
bool loop_run_until(loop *l, const bool *done, uint64_t timeout_ms);

// Monotonic time at the start of this turn: cheap, for timeouts. Never goes back.
uint64_t loop_now_ms(const loop *l);

// ---- gate: before anything leaves ---------------------------------------------------------------

// Called once at the end of each turn in which some stream has bytes to send, before any is sent.
// False keeps the bytes of all streams back, but those of stream_pass_gates; it is asked again
// after 10 ms. The audit spool stands
// here: no response byte leaves before its decision is written.
typedef struct loop_gate loop_gate;
loop_gate *loop_gate_new(loop *l, bool (*may_send)(void *ctx), void *ctx);
void loop_gate_free(loop_gate *g); // NULL is allowed

// ---- task: soon ---------------------------------------------------------------------------------

// Runs once, after the current callback has returned and before the loop sleeps. Embedded in its
// owner, which fills run and ctx; zeroed otherwise. Posting a posted task changes nothing.
typedef struct task task;
struct task {
    void (*run)(void *ctx);
    void *ctx;
    loop *loop; // set while posted
    task *next;
    task *prev;
};
void task_post(loop *l, task *t);
void task_cancel(task *t); // allowed when not posted

// ---- timer --------------------------------------------------------------------------------------

typedef struct timer timer;
timer *timer_new(loop *l, void (*on_timer)(void *ctx), void *ctx);
// (Re)starts: fires once, at least `ms` from now; 0 fires in the next turn.
void timer_start(timer *t, uint64_t ms);
void timer_stop(timer *t);
bool timer_active(const timer *t);
// A timer that is the only thing left doesn't keep loop_run from returning.
void timer_background(timer *t);
void timer_free(timer *t); // NULL is allowed

// ---- signal -------------------------------------------------------------------------------------

typedef struct signal_watch signal_watch;
signal_watch *signal_watch_new(loop *l, int signum, void (*on_signal)(void *ctx, int signum),
                               void *ctx);
void signal_watch_free(signal_watch *w); // NULL is allowed

// ---- watch: a descriptor of somebody else's (libcurl, libpq) ------------------------------------

enum { WATCH_READ = 1, WATCH_WRITE = 2 };

typedef struct watch watch;
// `events` tells what is ready, as a set of WATCH_…; an error on the descriptor shows as both. The
// descriptor stays its owner's and must outlive the watch (but may be closed right after
// watch_free). It becomes non-blocking. SYS_FAILED when it can't be polled (a regular file).
CODE_CHECKED watch_new(loop *l, int fd, void (*on_ready)(void *ctx, int events), void *ctx,
                       watch **ret_watch, err *e);
// 0 pauses. Level-triggered: what is not dealt with is told again.
void watch_set(watch *w, int events);
void watch_free(watch *w); // NULL is allowed
