// SPDX-License-Identifier: Apache-2.0
#include <signal.h>

#include "cmd/run.h"
#include "cmd/verbs.h"
#include "net/net.h"

// A run from its files to its end.
typedef struct run_job run_job;
struct run_job {
    run_setup up;
    runner *runner;
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

static void read_options(run_job *s, runner_options *ret)
{
    const option_values *o = s->up.call->options;
    run_setup_options(&s->up, ret);
    ret->iterations =
        option_is_set(o, "iteration-count") ? (uint32_t)option_int(o, "iteration-count") : 0;
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
    runner_stop(s->runner);
}

// Who sends this one (timeout, a CI system) sends no second before it kills.
static void on_terminate(void *ctx, int signum)
{
    (void)signum;
    run_job *s = ctx;
    fputs("gatepost: stopping at once\n", s->up.call->err);
    s->stopping = true;
    runner_stop(s->runner);
    runner_stop(s->runner);
}

static code run_to_end(run_job *s, err *e)
{
    signal_watch *interrupt = signal_watch_new(s->up.loop, SIGINT, on_interrupt, s);
    signal_watch *terminate = signal_watch_new(s->up.loop, SIGTERM, on_terminate, s);
    runner_start(s->runner, on_done, s);
    while (!s->done)
        loop_run(s->up.loop);
    signal_watch_free(interrupt);
    signal_watch_free(terminate);
    code c = run_reporters_finish(&s->reporters, e);
    if (c == OK)
        c = run_export(s->up.call->options, s->runner, e);
    // What was interrupted hasn't passed, whatever the part of it that ran.
    bool failed = s->stopping || runner_summary(s->runner)->failures.len;
    if (c == OK && failed && !option_flag(s->up.call->options, "suppress-exit-code"))
        s->up.call->status = EXIT_FAILED;
    return c;
}

static code prepare(run_job *s, err *e)
{
    code c = run_setup_open(&s->up, e);
    if (c != OK)
        return c;
    runner_options options;
    read_options(s, &options);
    c = runner_new(s->up.loop, &options, &s->runner, e);
    if (c == RUN_COOKIES)
        (void)err_at(e, option_cstr(s->up.call->options, "cookie-jar"), e->line, e->col);
    if (c == OK)
        c = run_reporters_new(&s->reporters, s->up.call, e);
    if (c == OK)
        run_reporters_listen(&s->reporters, s->runner);
    return c;
}

code run_collection(cmd_call *call, err *e)
{
    run_job s = {.up = run_setup_new(call)};
    code c = prepare(&s, e);
    if (c == OK)
        c = run_to_end(&s, e);
    run_reporters_free(&s.reporters);
    runner_free(s.runner);
    run_setup_close(&s.up);
    return c;
}

const option_row *const cmd_run_tables[] = {cmd_identity, cmd_request_rows, cmd_run_rows,
                                            cmd_common, NULL};

static const command_spec spec = {
    .name = "run",
    .args = "COLLECTION",
    .args_min = 1,
    .args_max = 1,
    .summary = "Run a Postman collection, with the right identity for each request",
    .about = "Runs a Postman collection (v2.1, v2.0, v1; a file or a URL) as newman does: the same "
             "options, output, reports and scripts. A request to a private Cloud Run service that "
             "is trusted gets an ID token for exactly that service; no script, report or log ever "
             "sees it.\n\n"
             "With --local the collection's https://….run.app requests go to the services of the "
             "running 'gatepost up', with local credentials.\n\n"
             "Ends with 1 when an assertion, a script or a request failed.",
    .example = "gatepost run orders.postman_collection.json --trust 123456789012\n"
               "gatepost run --local -e staging.json -d rows.csv -r cli,junit orders.json",
    .tables = cmd_run_tables,
};

const verb verb_run = {.spec = &spec, .group = VERB_TEST, .run = run_collection};
