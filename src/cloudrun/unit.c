// SPDX-License-Identifier: Apache-2.0
#include "cloudrun/unit.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

// A start-up probe is repeated quickly, so that nobody waits for a period to pass; it has failed
// when Cloud Run's would have: after the initial delay and all periods.
enum { ASK_MS_MIN = 2, ASK_MS_MAX = 250, OUTPUT_MS = 1000 };

// ---- the end

static void tell_end(void *ctx)
{
    unit *u = ctx;
    u->handlers->on_ended(u, &u->why);
}

static void end(unit *u)
{
    u->ended = true;
    timer_stop(u->ask);
    timer_stop(u->deadline);
    task_post(u->loop, &u->end);
}

// The last words of a program are told before its end.
static void on_output_end(void *ctx)
{
    unit *u = ctx;
    if (!--u->open && u->exited)
        end(u);
}

static void on_process_exit(void *ctx, int status, int signum)
{
    unit *u = ctx;
    if (signum)
        err_set(&u->why, UP_INSTANCE, "it was ended by signal %d (%s)", signum, strsignal(signum));
    else
        err_set(&u->why, UP_INSTANCE, "it ended with status %d", status);
    u->exited = true;
    unit_signal(u, 0);
    kill(-process_pid(u->process), SIGKILL); // what it left behind
    if (u->open)
        timer_start(u->deadline, OUTPUT_MS); // for one that left its group with the pipe
    else
        end(u);
}

// ---- probes

static void make_probe(unit *u, const service_probe *what, void (*on_answer)(void *, const err *))
{
    probe_options o = {.what = what,
                       .port = u->port,
                       .answer_ms = what->timeout_s * 1000ULL,
                       .owner = geteuid(),
                       .on_answer = on_answer,
                       .ctx = u};
    probe_free(u->probe);
    u->probe = probe_new(u->loop, &o);
}

static void on_live(void *ctx, const err *e)
{
    unit *u = ctx;
    const service_probe *p = &u->box->liveness;
    u->failures = e ? u->failures + 1 : 0;
    if (u->failures < p->failures_max) {
        timer_start(u->ask, p->period_s * 1000ULL);
        return;
    }
    err why = ERR_INIT;
    err_set(&why, UP_INSTANCE, "the liveness probe failed %u times: %s", u->failures, e->msg);
    u->handlers->on_failed(u, &why);
}

static void started(unit *u)
{
    const service_probe *p = &u->box->liveness;
    u->started = true;
    timer_stop(u->deadline);
    probe_free(u->probe);
    u->probe = NULL;
    if (p->set) {
        make_probe(u, p, on_live);
        timer_start(u->ask, (p->initial_delay_s + (uint64_t)p->period_s) * 1000);
    }
    u->handlers->on_started(u);
}

static void on_answer(void *ctx, const err *e)
{
    unit *u = ctx;
    u->attempts++;
    if (!e) {
        started(u);
        return;
    }
    u->last = *e; // told if the deadline comes
    timer_start(u->ask, u->gap_ms);
    u->gap_ms = u->gap_ms * 2 < ASK_MS_MAX ? u->gap_ms * 2 : ASK_MS_MAX;
}

static void on_ask(void *ctx)
{
    unit *u = ctx;
    if (u->probe)
        probe_ask(u->probe);
    else
        started(u); // nothing to ask
}

static uint64_t startup_ms(const service_probe *p)
{
    uint64_t s = p->initial_delay_s + (uint64_t)p->period_s * p->failures_max;
    return (s < SERVICE_STARTUP_S ? s : SERVICE_STARTUP_S) * 1000;
}

static void on_deadline(void *ctx)
{
    unit *u = ctx;
    if (u->exited) {
        end(u);
        return;
    }
    err why = ERR_INIT;
    const service_probe *p = &u->box->startup;
    err_set(&why, UP_INSTANCE, "it isn't ready after %llu s: port %u: %s",
            (unsigned long long)(startup_ms(p) / 1000), p->port ? p->port : u->port, u->last.msg);
    if (u->is_ingress && !p->port)
        err_hint(&why, "the program must listen on the port that the variable PORT names");
    u->handlers->on_failed(u, &why);
}

static void begin_startup(unit *u)
{
    const service_probe *p = &u->box->startup;
    uint64_t delay_ms = 0;
    // Beside the container that takes the calls, one without a probe is started when it runs.
    if (u->check && (u->is_ingress || p->set)) {
        make_probe(u, p, on_answer);
        u->gap_ms = ASK_MS_MIN;
        delay_ms = p->initial_delay_s * 1000ULL;
        timer_start(u->deadline, startup_ms(p));
    }
    timer_start(u->ask, delay_ms);
}

// ---- the start

static void on_line(void *ctx, str line)
{
    unit *u = ctx;
    u->handlers->on_line(u, line);
}

static code spawn(unit *u, err *e)
{
    size_t words = u->box->command_count, vars = 0;
    while (u->run->env[vars])
        vars++;
    arena a;
    arena_init(&a);
    const char **argv = arena_array(&a, words + 1, sizeof(*argv));
    const char **env = arena_array(&a, vars + 2, sizeof(*env));
    for (size_t k = 0; k < words; k++)
        argv[k] = arena_cstr(&a, u->box->command[k]);
    memcpy(env, u->run->env, vars * sizeof(*env));
    if (u->is_ingress)
        env[vars] = arena_printf(&a, "PORT=%u", u->port).ptr;
    process_options o = {.file = argv[0],
                         .argv = argv,
                         .env = env,
                         .cwd = u->run->dir,
                         .stdio = {PROCESS_NULL, PROCESS_PIPE, PROCESS_PIPE},
                         .on_exit = on_process_exit,
                         .ctx = u};
    code c = process_new(u->loop, &o, &u->process, e);
    arena_deinit(&a);
    return c;
}

void unit_init(unit *u)
{
    u->end = (task){.run = tell_end, .ctx = u};
    u->ask = timer_new(u->loop, on_ask, u);
    u->deadline = timer_new(u->loop, on_deadline, u);
}

void unit_start(unit *u)
{
    u->begun = true;
    if (spawn(u, &u->why) != OK) {
        end(u);
        return;
    }
    u->out = output_new(process_take_stream(u->process, 1), on_line, on_output_end, u);
    u->errors = output_new(process_take_stream(u->process, 2), on_line, on_output_end, u);
    u->open = 2;
    begin_startup(u);
}

void unit_signal(unit *u, int signum)
{
    timer_stop(u->ask);
    if (!u->exited)
        timer_stop(u->deadline);
    probe_free(u->probe);
    u->probe = NULL;
    if (u->process && !u->exited && signum)
        process_kill(u->process, signum);
}

void unit_deinit(unit *u)
{
    task_cancel(&u->end);
    probe_free(u->probe);
    timer_free(u->ask);
    timer_free(u->deadline);
    process_free(u->process);
    output_free(u->out);
    output_free(u->errors);
}
