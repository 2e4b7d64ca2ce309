// SPDX-License-Identifier: Apache-2.0
// A script worker that runners take turns at: first come, first served.
#include "runner/run.h"

struct run_lane {
    loop *loop;
    js_config config;
    js_engine *engine;
    runner *now;        // whose script runs; NULL: nobody's
    const runner *last; // whose scopes the worker has
    VEC(runner *) waiting;
    task next;
};

static void start(run_lane *lane, runner *r)
{
    bool known = lane->last == r;
    lane->now = r;
    lane->last = r;
    script_run(r, known);
}

static void on_next(void *ctx)
{
    run_lane *lane = ctx;
    if (lane->now || !lane->waiting.len)
        return;
    runner *r = lane->waiting.ptr[0];
    vec_remove(&lane->waiting, 0);
    start(lane, r);
}

run_lane *run_lane_new(loop *l, const js_config *config)
{
    run_lane *lane = NEW(run_lane);
    lane->loop = l;
    lane->config = config ? *config : (js_config){0};
    lane->engine = js_engine_new(l, &lane->config);
    lane->next = (task){.run = on_next, .ctx = lane};
    return lane;
}

void run_lane_free(run_lane *lane)
{
    if (!lane)
        return;
    task_cancel(&lane->next);
    js_engine_free(lane->engine);
    vec_deinit(&lane->waiting);
    free(lane);
}

js_engine *run_lane_engine(const run_lane *lane)
{
    return lane->engine;
}

void run_lane_enter(run_lane *lane, runner *r)
{
    if (lane->now || lane->waiting.len)
        vec_push(&lane->waiting, r);
    else
        start(lane, r);
}

// The next begins in a task: what the script has said is still being read.
void run_lane_leave(run_lane *lane)
{
    lane->now = NULL;
    if (lane->waiting.len)
        task_post(lane->loop, &lane->next);
}

void run_lane_drop(run_lane *lane, const runner *r)
{
    for (size_t i = 0; i < lane->waiting.len; i++)
        if (lane->waiting.ptr[i] == r) {
            vec_remove(&lane->waiting, i);
            break;
        }
    if (lane->last == r)
        lane->last = NULL; // another may get its address
    if (lane->now != r)
        return;
    js_engine_free(lane->engine);
    lane->engine = js_engine_new(lane->loop, &lane->config);
    run_lane_leave(lane);
}
