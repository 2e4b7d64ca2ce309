// SPDX-License-Identifier: Apache-2.0
// Users and their work. A user is a runner whose iterations ask before they begin; here it is
// decided which may, and what they told is counted.
#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "load/result.h"
#include "net/net.h"

enum { TICK_MS = 50, REASON_BYTES = 100 };

typedef struct load_user load_user;
struct load_user {
    load_job *job;
    runner *runner;
    uint32_t index;
    bool working;     // in an iteration
    uint64_t late_ns; // open: that it began after it was due; the first request's
    uint64_t from_ns; // the request under way
    // Of the request that has its turn.
    bool asked;  // it got an answer
    bool tested; // an assertion was made
    int status;
    char reason[REASON_BYTES + 1]; // why it failed; "": it hasn't
};

struct load_job {
    loop *loop;
    load_options o;
    result result;
    run_lane **lanes;
    run_ready *ready;
    load_user *users;
    uint32_t user_count, ended;
    uint32_t working;
    VEC(load_user *) idle; // wait for something that is due
    uint64_t begun;        // iterations
    const json *row;       // of data, that the last of them has
    uint64_t begun_ns;
    int alarm_fd; // open: rings when something is due, to the microsecond
    watch *alarm;
    timer *tick, *grace;
    bool closing; // no iteration begins any more
    bool halted;  // nor does a request
    task end, last;
    void (*on_done)(void *ctx);
    void *ctx;
};

// ---- what may begin -----------------------------------------------------------------------------

static uint64_t length_ns(const load_job *x)
{
    return profile_length_ns(&x->o.profile);
}

static void start_grace(load_job *x)
{
    if (!timer_active(x->grace))
        timer_start(x->grace, x->o.grace_ms);
}

static void close_load(load_job *x)
{
    if (x->closing)
        return;
    x->closing = true;
    start_grace(x);
    task_post(x->loop, &x->end);
}

// Will nothing begin any more? What is due does, however late, within the grace.
static bool is_over(const load_job *x, uint64_t now)
{
    uint64_t due;
    if (x->o.iterations && x->begun >= x->o.iterations)
        return true;
    if (x->o.open)
        return !profile_due(&x->o.profile, x->begun, &due);
    return length_ns(x) && now >= length_ns(x);
}

// Is there something for the user to do at this moment, and when was it due?
static bool find_work(const load_job *x, const load_user *u, uint64_t now, uint64_t *ret_due_ns)
{
    if (x->closing || x->halted || is_over(x, now))
        return false;
    *ret_due_ns = now;
    if (x->o.open)
        return profile_due(&x->o.profile, x->begun, ret_due_ns) && *ret_due_ns <= now;
    return !length_ns(x) || (double)u->index < profile_at(&x->o.profile, now);
}

static void set_alarm(load_job *x)
{
    uint64_t due;
    if (!x->o.open || !x->idle.len || x->closing || !profile_due(&x->o.profile, x->begun, &due))
        return;
    uint64_t at = x->begun_ns + due;
    struct itimerspec t = {.it_value = {(time_t)(at / 1000000000), (long)(at % 1000000000)}};
    (void)timerfd_settime(x->alarm_fd, TFD_TIMER_ABSTIME, &t, NULL);
}

static void rest(load_user *u)
{
    load_job *x = u->job;
    vec_push(&x->idle, u);
    set_alarm(x);
    if (is_over(x, clock_mono_ns() - x->begun_ns))
        close_load(x);
    if (x->closing && !x->working)
        task_post(x->loop, &x->end);
}

static bool may_begin(void *ctx)
{
    load_user *u = ctx;
    load_job *x = u->job;
    uint64_t now = clock_mono_ns() - x->begun_ns, due;
    x->working -= u->working;
    u->working = find_work(x, u, now, &due);
    if (!u->working) {
        rest(u);
        return false;
    }
    load_result *told = &x->result.told;
    u->late_ns = now - due;
    told->late_us = u->late_ns / 1000 > told->late_us ? u->late_ns / 1000 : told->late_us;
    x->begun++;
    x->working++;
    result_users(&x->result, x->user_count, x->working);
    return true;
}

// All users draw from one list, over and over: no row is used more often than another.
static const json *next_row(void *ctx)
{
    const load_user *u = ctx;
    load_job *x = u->job;
    const json *next = x->row ? x->row->next : NULL;
    return x->row = next ? next : json_first(x->o.run.data);
}

// Those who rest may go on: who finds nothing to do rests again.
static void wake(load_job *x)
{
    uint64_t now = clock_mono_ns() - x->begun_ns, due;
    for (size_t left = x->idle.len; left; left--) {
        // The open model takes who came last, whose connection is the warmest.
        size_t at = x->o.open ? x->idle.len - 1 : 0;
        load_user *u = x->idle.ptr[at];
        if (!find_work(x, u, now, &due) && x->o.open)
            break;
        vec_remove(&x->idle, at);
        runner_go(u->runner);
    }
    set_alarm(x);
}

// ---- the end ------------------------------------------------------------------------------------

static void stop_users(load_job *x)
{
    for (uint32_t i = 0; i < x->user_count; i++)
        runner_stop(x->users[i].runner);
}

static void on_end(void *ctx)
{
    load_job *x = ctx;
    if (x->working || x->halted || !x->closing)
        return;
    x->halted = true;
    stop_users(x);
}

// What doesn't end by itself is dropped.
static void on_grace_over(void *ctx)
{
    load_job *x = ctx;
    x->closing = true;
    x->result.told.dropped = x->working;
    if (!x->halted)
        stop_users(x);
    x->halted = true;
    stop_users(x);
}

static void on_tick(void *ctx)
{
    load_job *x = ctx;
    uint64_t now = clock_mono_ns();
    if (!x->halted)
        result_now(&x->result, now);
    if (is_over(x, now - x->begun_ns))
        close_load(x);
    else if (!x->o.open)
        wake(x);
    if (length_ns(x) && now - x->begun_ns >= length_ns(x) && !x->halted)
        start_grace(x);
    timer_start(x->tick, TICK_MS);
}

static void on_alarm(void *ctx, int events)
{
    load_job *x = ctx;
    uint64_t count;
    (void)events;
    while (read(x->alarm_fd, &count, sizeof(count)) < 0 && errno == EINTR)
        continue;
    wake(x);
}

static void on_last(void *ctx)
{
    load_job *x = ctx;
    x->on_done(x->ctx);
}

static void on_user_done(void *ctx)
{
    load_user *u = ctx;
    load_job *x = u->job;
    if (++x->ended < x->user_count)
        return;
    timer_stop(x->tick);
    timer_stop(x->grace);
    result_now(&x->result, clock_mono_ns());
    if (x->o.open && !x->o.iterations && !x->result.told.interrupted)
        x->result.told.missed = profile_total(&x->o.profile) - x->begun;
    task_post(x->loop, &x->last);
}

// ---- what is told -------------------------------------------------------------------------------

static void blame(load_user *u, const char *what, str why)
{
    if (!u->reason[0])
        snprintf(u->reason, sizeof(u->reason), "%s" STR_FMT, what, STR_ARG(why));
}

static void on_request(load_user *u, const run_event *ev)
{
    const run_exchange *x = ev->exchange;
    uint64_t now = clock_mono_ns();
    result_request(&u->job->result, ev->item, now, (now - u->from_ns) / 1000,
                   x->has_response ? x->status : 0, x->body_bytes);
    u->asked = true;
    u->status = x->has_response ? x->status : 0;
    u->late_ns = 0;
    if (!x->has_response)
        blame(u, "", str_from(x->failure_name ? x->failure_name : code_id(ev->failure->code)));
}

// A status is judged only where no test has done so.
static void end_turn(load_user *u, const run_event *ev)
{
    if (u->asked && !u->tested && u->status >= 400 && !u->reason[0])
        snprintf(u->reason, sizeof(u->reason), "status %d", u->status);
    if (u->asked && u->reason[0])
        result_failed(&u->job->result, ev->item, str_from(u->reason));
    u->asked = u->tested = false;
    u->reason[0] = 0;
}

static void on_event(void *ctx, const run_event *ev)
{
    load_user *u = ctx;
    bool own = ev->exchange && !ev->exchange->by_script;
    if (ev->kind == RUN_BEFORE_REQUEST && own)
        u->from_ns = clock_mono_ns() - u->late_ns;
    else if (ev->kind == RUN_REQUEST && own)
        on_request(u, ev);
    else if (ev->kind == RUN_ASSERTION)
        u->tested = true;
    else if (ev->kind == RUN_ITEM_END)
        end_turn(u, ev);
    else if (ev->kind == RUN_ITERATION_END && !u->job->halted)
        u->job->result.told.iterations++;
    if (ev->kind == RUN_ASSERTION && ev->failure)
        blame(u, "test: ", ev->assertion->name);
    else if (ev->kind == RUN_SCRIPT && ev->failure)
        blame(u, "script: ", ev->failure->name);
}

// ---- users --------------------------------------------------------------------------------------

static code make_user(load_job *x, uint32_t index, err *e)
{
    load_user *u = &x->users[index];
    runner_options o = x->o.run;
    *u = (load_user){.job = x, .index = index};
    o.iterations = UINT32_MAX;
    o.lane = x->lanes[index % x->o.workers];
    o.ready = x->ready;
    o.may_begin = may_begin;
    o.next_row = next_row;
    o.iteration_ctx = u;
    o.failures_max = 1;
    code c = runner_new(x->loop, &o, &u->runner, e);
    if (c == OK)
        runner_listen(u->runner, &(run_listener){on_event, u});
    return c;
}

static code open_alarm(load_job *x, err *e)
{
    x->alarm_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (x->alarm_fd < 0)
        return err_sys(e, SYS_FAILED, errno, "a timer can't be had");
    code c = watch_new(x->loop, x->alarm_fd, on_alarm, x, &x->alarm, e);
    if (c == OK)
        watch_set(x->alarm, WATCH_READ);
    return c;
}

code load_job_new(loop *l, const load_options *o, load_job **ret, err *e)
{
    load_job *x = NEW(load_job);
    x->loop = l;
    x->o = *o;
    x->alarm_fd = -1;
    x->o.workers = o->workers ? o->workers : 1;
    x->user_count = o->users;
    x->users = mem_array(x->user_count, sizeof(*x->users));
    x->lanes = mem_array(x->o.workers, sizeof(*x->lanes));
    x->ready = run_ready_new(o->run.collection);
    x->tick = timer_new(l, on_tick, x);
    x->grace = timer_new(l, on_grace_over, x);
    x->end = (task){.run = on_end, .ctx = x};
    x->last = (task){.run = on_last, .ctx = x};
    x->result.told.open = o->open;
    x->result.told.length_ns = length_ns(x);
    result_init(&x->result, o->run.collection);
    for (uint32_t i = 0; i < x->o.workers; i++)
        x->lanes[i] = run_lane_new(l, &o->run.js);
    code c = o->open ? open_alarm(x, e) : OK;
    for (uint32_t i = 0; i < x->user_count && c == OK; i++)
        c = make_user(x, i, e);
    if (c == OK)
        *ret = x;
    else
        load_job_free(x);
    return c;
}

void load_job_free(load_job *x)
{
    if (!x)
        return;
    task_cancel(&x->end);
    task_cancel(&x->last);
    for (uint32_t i = 0; i < x->user_count; i++)
        runner_free(x->users[i].runner);
    for (uint32_t i = 0; i < x->o.workers; i++)
        run_lane_free(x->lanes[i]);
    run_ready_free(x->ready);
    watch_free(x->alarm);
    if (x->alarm_fd >= 0)
        close(x->alarm_fd);
    timer_free(x->tick);
    timer_free(x->grace);
    vec_deinit(&x->idle);
    result_deinit(&x->result);
    free(x->users);
    free(x->lanes);
    free(x);
}

void load_job_start(load_job *x, void (*on_done)(void *ctx), void *ctx)
{
    x->on_done = on_done;
    x->ctx = ctx;
    x->begun_ns = clock_mono_ns();
    result_begin(&x->result, x->begun_ns);
    timer_start(x->tick, TICK_MS);
    for (uint32_t i = 0; i < x->user_count; i++)
        runner_start(x->users[i].runner, on_user_done, &x->users[i]);
}

void load_job_stop(load_job *x)
{
    x->result.told.interrupted = true;
    x->closing = x->halted = true;
    stop_users(x);
}

const load_result *load_job_results(load_job *x)
{
    if (!x->halted)
        result_now(&x->result, clock_mono_ns());
    result_users(&x->result, x->user_count, x->working);
    return &x->result.told;
}
