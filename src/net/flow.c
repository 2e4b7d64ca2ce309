// SPDX-License-Identifier: Apache-2.0
#include "net/net_flow.h"

static void finish(flow *f, const err *e)
{
    err last = e ? *e : ERR_INIT; // the owner may go away in on_finish, and the error with it
    flow_cancel(f);
    f->on_finish(f->ctx, e ? &last : NULL);
}

static void run_steps(void *ctx)
{
    flow *f = ctx;
    f->running = true;
    for (;;) {
        flow_step step = f->steps[f->at];
        flow_next next = FLOW_DONE;
        if (step) {
            f->at++;
            next = step(f->ctx, &f->error);
        }
        if (next == FLOW_MORE)
            continue;
        f->running = false;
        if (next == FLOW_WAIT)
            return;
        finish(f, next == FLOW_FAIL ? &f->error : NULL);
        return;
    }
}

static void on_deadline(void *ctx)
{
    flow *f = ctx;
    err_set(&f->error, SYS_TIMEOUT, "not finished before its deadline");
    finish(f, &f->error);
}

void flow_start(flow *f, loop *l, const flow_step *steps, uint64_t deadline_ms,
                void (*on_finish)(void *ctx, const err *e), void *ctx)
{
    *f = (flow){.steps = steps, .on_finish = on_finish, .ctx = ctx, .active = true};
    f->start = (task){.run = run_steps, .ctx = f};
    f->deadline = timer_new(l, on_deadline, f);
    timer_start(f->deadline, deadline_ms);
    task_post(l, &f->start);
}

void flow_resume(flow *f)
{
    if (f->active && !f->running)
        run_steps(f);
}

void flow_fail(flow *f, const err *e)
{
    if (f->active)
        finish(f, e);
}

void flow_jump(flow *f, size_t index)
{
    f->at = index;
}

void flow_cancel(flow *f)
{
    if (!f->active)
        return;
    f->active = false;
    task_cancel(&f->start);
    timer_free(f->deadline);
    f->deadline = NULL;
}
