// SPDX-License-Identifier: Apache-2.0
#include <signal.h>

#include "cmd/run.h"
#include "cmd/verbs.h"
#include "net/net.h"

// A run from its files to its end.
typedef struct run_job run_job;
struct run_job {
    run_setup up;
    run_parts parts;
    VEC(runner *) runners; // one a collection; a report tells of all of them
    run_reporters reporters;
    bool stopping, done;
};

// ---- The run

// A bare --bail means failure.
static bool bails_on(const option_values *o, str what)
{
    const str_list *given = option_list(o, "bail");
    bool bare = option_is_set(o, "bail") && (!given->len || !given->ptr[0].len);
    for (size_t i = 0; i < given->len; i++)
        if (str_eq(given->ptr[i], what))
            return true;
    return bare && str_eq(what, STR("failure"));
}

static void read_options(run_job *s, size_t nth, runner_options *ret)
{
    const option_values *o = s->up.call->options;
    run_setup_options(&s->up, ret);
    ret->collection = s->up.in.collections[nth];
    ret->shard = s->parts.shard;
    ret->picks = s->parts.picks;
    ret->pick_count = s->parts.pick_count;
    ret->retry = s->parts.retry;
    ret->iterations =
        option_is_set(o, "iteration-count") ? (uint32_t)option_int(o, "iteration-count") : 0;
    ret->parallel = (uint32_t)option_int(o, "parallel");
    ret->bail = bails_on(o, STR("failure"));
    ret->bail_folder = bails_on(o, STR("folder"));
    ret->show_secrets = option_flag(o, "show-secrets");
    ret->timeout_ms = (uint64_t)option_int(o, "timeout");
}

static void on_done(void *ctx)
{
    run_job *s = ctx;
    s->done = true;
    loop_stop(s->up.loop);
}

static void on_interrupt(void *ctx, int signum)
{
    (void)signum;
    run_job *s = ctx;
    if (!s->stopping)
        fputs("gatepost: stopping after what is under way; once more stops at once\n",
              s->up.call->err);
    s->stopping = true;
    runner_stop(*vec_last(&s->runners));
}

// What the collection before has left of the environment, the globals and the cookies.
static code carry_on(run_job *s, runner *before, runner_options *o, err *e)
{
    static const js_scope_name scopes[] = {JS_ENVIRONMENT, JS_GLOBALS};
    const pm_values **places[] = {&o->environment, &o->globals};
    buf text;
    code c = OK;
    buf_init(&text, 1 << 30);
    for (size_t i = 0; c == OK && i < ARRAY_LEN(scopes); i++) {
        pm_values *v = ARENA_NEW(&s->up.arena, pm_values);
        buf_reset(&text);
        runner_export(before, scopes[i], &text);
        str copy = arena_str(&s->up.arena, buf_str(&text));
        c = pm_values_read(&s->up.arena, copy, "the run before", i ? "globals" : "environment", v,
                           e);
        *places[i] = v;
    }
    buf_reset(&text);
    runner_export_cookies(before, &text);
    o->cookie_jar = arena_cstr(&s->up.arena, buf_str(&text));
    o->env_var_count = o->global_var_count = 0; // they are in there
    buf_deinit(&text);
    return c;
}

static code make_runner(run_job *s, size_t nth, err *e)
{
    runner_options options;
    runner *r = NULL;
    read_options(s, nth, &options);
    code c = nth ? carry_on(s, s->runners.ptr[nth - 1], &options, e) : OK;
    if (c == OK)
        c = runner_new(s->up.loop, &options, &r, e);
    if (c == RUN_COOKIES)
        (void)err_at(e, option_cstr(s->up.call->options, "cookie-jar"), e->line, e->col);
    if (r)
        vec_push(&s->runners, r);
    return c;
}

static bool has_failed(const run_job *s)
{
    VEC_FOREACH (&s->runners, r)
        if (runner_summary(*r)->failures.len)
            return true;
    return false;
}

static code run_all(run_job *s, err *e)
{
    code c = OK;
    bool bails = option_is_set(s->up.call->options, "bail");
    for (size_t i = 0; c == OK && i < s->up.in.collection_count; i++) {
        if (s->stopping || (bails && has_failed(s)))
            break;
        if (i)
            c = make_runner(s, i, e);
        if (c != OK)
            break;
        s->done = false;
        run_reporters_listen(&s->reporters, s->runners.ptr[i]);
        runner_start(s->runners.ptr[i], on_done, s);
        while (!s->done)
            loop_run(s->up.loop);
    }
    return c;
}

// Who sends this one (timeout, a CI system) sends no second before it kills.
static void on_terminate(void *ctx, int signum)
{
    (void)signum;
    run_job *s = ctx;
    fputs("gatepost: stopping at once\n", s->up.call->err);
    s->stopping = true;
    runner_stop(*vec_last(&s->runners));
    runner_stop(*vec_last(&s->runners));
}

static code run_to_end(run_job *s, err *e)
{
    signal_watch *interrupt = signal_watch_new(s->up.loop, SIGINT, on_interrupt, s);
    signal_watch *terminate = signal_watch_new(s->up.loop, SIGTERM, on_terminate, s);
    code c = run_all(s, e);
    signal_watch_free(interrupt);
    signal_watch_free(terminate);
    if (c == OK)
        c = run_reporters_finish(&s->reporters, e);
    if (c == OK)
        c = run_export(s->up.call->options, *vec_last(&s->runners), e);
    // What was interrupted hasn't passed, whatever the part of it that ran.
    bool failed = s->stopping || has_failed(s);
    if (c == OK && failed && !option_flag(s->up.call->options, "suppress-exit-code"))
        s->up.call->status = EXIT_FAILED;
    return c;
}

static code prepare(run_job *s, err *e)
{
    code c = run_setup_open(&s->up, e);
    if (c == OK)
        c = run_parts_read(&s->parts, &s->up.arena, s->up.call->options, &s->up.in, e);
    if (c == OK)
        c = make_runner(s, 0, e);
    return c == OK ? run_reporters_new(&s->reporters, s->up.call, e) : c;
}

static code run_once(cmd_call *call, bool *ret_stopped, err *e)
{
    run_job s = {.up = run_setup_new(call)};
    code c = prepare(&s, e);
    if (c == OK)
        c = run_to_end(&s, e);
    *ret_stopped = s.stopping;
    run_reporters_free(&s.reporters);
    VEC_FOREACH (&s.runners, r)
        runner_free(*r);
    vec_deinit(&s.runners);
    run_setup_close(&s.up);
    return c;
}

code run_collection(cmd_call *call, err *e)
{
    bool stopped;
    if (option_flag(call->options, "watch"))
        return run_watch(call, run_once, e);
    return run_once(call, &stopped, e);
}

const option_row *const cmd_run_tables[] = {cmd_identity,    cmd_request_rows, cmd_run_rows,
                                            cmd_report_rows, cmd_common,       NULL};

static const command_spec spec = {
    .name = "run",
    .args = "COLLECTION…",
    .args_min = 1,
    .args_max = 1000,
    .summary = "Run a Postman collection, with the right identity for each request",
    .about = "Runs a Postman collection (v2.1, v2.0, v1; a file or a URL) as newman does: the same "
             "options, output, reports and scripts. Of several, each goes on with the environment, "
             "the globals and the cookies that the one before left, and one report tells of all. A "
             "request to a private Cloud Run service that "
             "is trusted gets an ID token for exactly that service; no script, report or log ever "
             "sees it.\n\n"
             "With --local the collection's https://….run.app requests go to the services of the "
             "running 'gatepost up', with local credentials.\n\n"
             "With --parallel N as many iterations run side by side. Each then begins with the "
             "variables, the cookies and the script globals that the first begins with, instead of "
             "what the one before it left. Reports are the same as without it, in the order of the "
             "iterations; --bail ends with the first that fails in that order; what the last one "
             "leaves is exported; --delay-request holds between the requests of an iteration.\n\n"
             "Ends with 1 when an assertion, a script or a request failed.",
    .example = "gatepost run orders.postman_collection.json --trust 123456789012\n"
               "gatepost run --local -e staging.json -d rows.csv -r cli,junit orders.json",
    .tables = cmd_run_tables,
};

const verb verb_run = {.spec = &spec, .group = VERB_TEST, .run = run_collection};
