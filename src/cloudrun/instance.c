// SPDX-License-Identifier: Apache-2.0
#include "cloudrun/instance.h"

#include <signal.h>
#include <string.h>

#include "cloudrun/output.h"
#include "cloudrun/probe.h"

// A start-up probe is repeated quickly, so that nobody waits for a period to pass; it has failed
// when Cloud Run's would have: after the initial delay and all periods.
enum { ASK_MS_MIN = 2, ASK_MS_MAX = 250, OUTPUT_MS = 1000 };

struct instance {
    loop *loop;
    instance_options o;
    const service_container *box;
    instance_state state;
    char id[INSTANCE_ID_LEN + 1];
    uint16_t port;
    process *process;
    output *out, *errors;
    http_pool *pool;
    probe *probe;
    timer *ask;      // the next probe
    timer *deadline; // of the start, then of the stop
    uint64_t gap_ms;
    uint32_t failures; // of the liveness probe, in a row
    uint64_t begun_ms, ready_ms;
    bool was_ready;
    bool asked_to_stop;
    bool exited;
    uint32_t open; // pipes that may still bring output
    uint32_t attempts;
    err last; // what the start-up probe said last
    err why;
    task gone;
};

// ---- the end

static void tell_gone(void *ctx)
{
    instance *i = ctx;
    i->o.on_gone(i->o.ctx, i, i->asked_to_stop && !i->why.code ? NULL : &i->why);
}

static void gone(instance *i)
{
    i->state = INSTANCE_GONE;
    timer_stop(i->deadline);
    task_post(i->loop, &i->gone);
}

// The last words of a program are told before its end.
static void on_output_end(void *ctx)
{
    instance *i = ctx;
    if (!--i->open && i->exited)
        gone(i);
}

static void on_process_exit(void *ctx, int status, int signum)
{
    instance *i = ctx;
    if (!i->asked_to_stop && !i->why.code) {
        if (signum)
            err_set(&i->why, UP_INSTANCE, "it was ended by signal %d (%s)", signum,
                    strsignal(signum));
        else
            err_set(&i->why, UP_INSTANCE, "it ended with status %d", status);
    }
    i->exited = true;
    i->state = INSTANCE_STOPPING;
    timer_stop(i->ask);
    kill(-process_pid(i->process), SIGKILL); // what it left behind
    if (i->open)
        timer_start(i->deadline, OUTPUT_MS); // for one that left its group with the pipe
    else
        gone(i);
}

static void terminate(instance *i)
{
    if (i->state == INSTANCE_STOPPING || i->state == INSTANCE_GONE)
        return;
    i->state = INSTANCE_STOPPING;
    timer_stop(i->ask);
    probe_free(i->probe);
    i->probe = NULL;
    process_kill(i->process, SIGTERM);
    timer_start(i->deadline, i->o.stop_ms);
}

void instance_stop(instance *i)
{
    i->asked_to_stop = true;
    terminate(i);
}

static void fail(instance *i, const err *why)
{
    if (!i->why.code)
        i->why = *why;
    terminate(i);
}

void instance_kill(instance *i, const err *why)
{
    fail(i, why);
    process_kill(i->process, SIGKILL);
}

// ---- probes

static void next_question(instance *i, uint64_t ms)
{
    timer_start(i->ask, ms);
}

static void on_live(void *ctx, const err *e)
{
    instance *i = ctx;
    const service_probe *p = &i->box->liveness;
    i->failures = e ? i->failures + 1 : 0;
    if (i->failures < p->failures_max) {
        next_question(i, p->period_s * 1000ULL);
        return;
    }
    err why = ERR_INIT;
    err_set(&why, UP_INSTANCE, "the liveness probe failed %u times: %s", i->failures, e->msg);
    fail(i, &why);
}

static void ready(instance *i)
{
    i->state = INSTANCE_READY;
    i->was_ready = true;
    i->ready_ms = loop_now_ms(i->loop);
    timer_stop(i->deadline);
    probe_free(i->probe);
    i->probe = NULL;
    const service_probe *p = &i->box->liveness;
    if (p->set) {
        probe_options o = {.what = p,
                           .port = i->port,
                           .answer_ms = p->timeout_s * 1000ULL,
                           .on_answer = on_live,
                           .ctx = i};
        i->probe = probe_new(i->loop, &o);
        next_question(i, (p->initial_delay_s + (uint64_t)p->period_s) * 1000);
    }
    i->o.on_ready(i->o.ctx, i);
}

static void on_started(void *ctx, const err *e)
{
    instance *i = ctx;
    if (!e) {
        ready(i);
        return;
    }
    i->attempts++;
    i->last = *e; // told if the deadline comes
    i->gap_ms = i->gap_ms * 2 < ASK_MS_MAX ? i->gap_ms * 2 : ASK_MS_MAX;
    next_question(i, i->gap_ms);
}

static void on_ask(void *ctx)
{
    instance *i = ctx;
    if (i->state == INSTANCE_STARTING && i->o.spec->health_check_disabled)
        ready(i);
    else
        probe_ask(i->probe);
}

static uint64_t startup_ms(const service_probe *p)
{
    uint64_t s = p->initial_delay_s + (uint64_t)p->period_s * p->failures_max;
    return (s < SERVICE_STARTUP_S ? s : SERVICE_STARTUP_S) * 1000;
}

static void on_deadline(void *ctx)
{
    instance *i = ctx;
    if (i->state == INSTANCE_STOPPING) {
        if (i->exited)
            gone(i);
        else
            process_kill(i->process, SIGKILL);
        return;
    }
    err why = ERR_INIT;
    err_set(&why, UP_INSTANCE, "it isn't ready after %llu s: port %u: %s",
            (unsigned long long)(startup_ms(&i->box->startup) / 1000), i->port, i->last.msg);
    err_hint(&why, "the program must listen on the port that the variable PORT names");
    fail(i, &why);
}

static void begin_startup(instance *i)
{
    const service_probe *p = &i->box->startup;
    probe_options o = {.what = p,
                       .port = i->port,
                       .answer_ms = p->timeout_s * 1000ULL,
                       .on_answer = on_started,
                       .ctx = i};
    i->probe = probe_new(i->loop, &o);
    i->gap_ms = ASK_MS_MIN;
    timer_start(i->deadline, startup_ms(p));
    next_question(i, p->initial_delay_s * 1000ULL);
}

// ---- the start

static void on_line(void *ctx, str line)
{
    instance *i = ctx;
    i->o.on_line(i->o.ctx, i, line);
}

static void drop_stream(void *ctx, stream *s)
{
    (void)ctx;
    stream_free(s);
}

// The kernel names a free port; the program listens there a moment later.
static code free_port(loop *l, uint16_t *ret_port, err *e)
{
    listener *ln;
    listen_options o = {.on_accept = drop_stream};
    code c = listener_new(l, &o, &ln, e);
    if (c)
        return c;
    *ret_port = listener_port(ln);
    listener_free(ln);
    return OK;
}

// Runs argv with env and PORT before it.
static code spawn(instance *i, err *e)
{
    size_t words = i->box->command_count, vars = 0;
    while (i->o.env[vars])
        vars++;
    arena a;
    arena_init(&a);
    const char **argv = arena_array(&a, words + 1, sizeof(*argv));
    const char **env = arena_array(&a, vars + 2, sizeof(*env));
    for (size_t k = 0; k < words; k++)
        argv[k] = arena_cstr(&a, i->box->command[k]);
    env[0] = arena_printf(&a, "PORT=%u", i->port).ptr;
    memcpy(env + 1, i->o.env, vars * sizeof(*env));
    process_options o = {.file = argv[0],
                         .argv = argv,
                         .env = env,
                         .cwd = i->o.dir,
                         .stdio = {PROCESS_NULL, PROCESS_PIPE, PROCESS_PIPE},
                         .on_exit = on_process_exit,
                         .ctx = i};
    code c = process_new(i->loop, &o, &i->process, e);
    arena_deinit(&a);
    return c;
}

static code start(instance *i, err *e)
{
    code c = free_port(i->loop, &i->port, e);
    if (c == OK)
        c = spawn(i, e);
    if (c)
        return c;
    i->out = output_new(process_take_stream(i->process, 1), on_line, on_output_end, i);
    i->errors = output_new(process_take_stream(i->process, 2), on_line, on_output_end, i);
    i->open = 2;
    // The gate counts the calls; the pool must never be the narrower one.
    http_pool_options pool = {.host = "127.0.0.1",
                              .port = i->port,
                              .connections_max = i->o.spec->concurrency,
                              .response_ms = SERVICE_TIMEOUT_S_MAX * 1000ULL,
                              .body_ms = SERVICE_TIMEOUT_S_MAX * 1000ULL};
    i->pool = http_pool_new(i->loop, &pool);
    begin_startup(i);
    return OK;
}

instance *instance_new(loop *l, const instance_options *o)
{
    instance *i = NEW(instance);
    *i = (instance){.loop = l,
                    .o = *o,
                    .box = o->spec->ingress_container,
                    .begun_ms = loop_now_ms(l),
                    .gone = {.run = tell_gone, .ctx = i}};
    if (!i->o.stop_ms)
        i->o.stop_ms = INSTANCE_STOP_MS;
    snprintf(i->id, sizeof(i->id), "%016llx", (unsigned long long)rand_u64());
    i->ask = timer_new(l, on_ask, i);
    i->deadline = timer_new(l, on_deadline, i);
    if (start(i, &i->why) != OK)
        gone(i);
    return i;
}

void instance_free(instance *i)
{
    if (!i)
        return;
    task_cancel(&i->gone);
    probe_free(i->probe);
    timer_free(i->ask);
    timer_free(i->deadline);
    http_pool_free(i->pool);
    process_free(i->process);
    output_free(i->out);
    output_free(i->errors);
    free(i);
}

// ---- what others ask

instance_state instance_status(const instance *i)
{
    return i->state;
}

str instance_id(const instance *i)
{
    return (str){i->id, INSTANCE_ID_LEN};
}

http_pool *instance_pool(instance *i)
{
    return i->pool;
}

uint16_t instance_port(const instance *i)
{
    return i->port;
}

pid_t instance_group(const instance *i)
{
    return i->process && process_running(i->process) ? process_pid(i->process) : 0;
}

uint32_t instance_attempts(const instance *i)
{
    return i->attempts + 1;
}

bool instance_was_ready(const instance *i)
{
    return i->was_ready;
}

uint64_t instance_lived_ms(const instance *i)
{
    return i->was_ready ? loop_now_ms(i->loop) - i->ready_ms : 0;
}

uint64_t instance_start_ms(const instance *i)
{
    return i->ready_ms - i->begun_ms;
}
