// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cmd/run.h"
#include "cmd/verbs.h"
#include "load/load.h"
#include "net/net.h"
#include "report/report_page.h"

enum { TEXT_MAX = 64 << 20, LINE_MS = 500, OPEN_USERS = 100, DURATION_S = 10, FILES_SPARE = 64 };

typedef struct load_run load_run;
struct load_run {
    run_setup up;
    load_options o;
    VEC(threshold) thresholds;
    load_job *job;
    timer *line;             // shows how it goes, on a terminal
    report_file *page;       // --reporter-html-export; NULL: none
    load_endpoint *endpoint; // --prometheus; NULL: none
    bool stopping, done;
};

// ---- Options

static code add_stages(load_run *s, err *e)
{
    const option_values *o = s->up.call->options;
    const str_list *stages = option_list(o, "stage");
    code c = OK;
    for (size_t i = 0; c == OK && i < stages->len; i++)
        c = profile_add(&s->o.profile, stages->ptr[i], e);
    if (c == OK && stages->len && option_is_set(o, "duration")) {
        (void)err_set(e, OPTION_ARGS, "--duration and --stage both say how long it takes");
        return err_hint(e, "leave --duration out: the stages' times add up");
    }
    return c;
}

// Without stages it goes on evenly.
static void add_duration(load_run *s)
{
    const option_values *o = s->up.call->options;
    profile *p = &s->o.profile;
    uint64_t ms = DURATION_S * 1000;
    if (p->count)
        return;
    if (option_is_set(o, "duration"))
        ms = (uint64_t)option_int(o, "duration");
    else if (s->o.iterations && s->o.open)
        ms = (uint64_t)((double)s->o.iterations * 1000 / p->start) + 1000;
    else if (s->o.iterations)
        return;
    p->stages[p->count++] = (profile_stage){ms, p->start};
}

static code read_profile(load_run *s, err *e)
{
    const option_values *o = s->up.call->options;
    bool users = option_is_set(o, "users");
    load_options *l = &s->o;
    l->open = option_is_set(o, "rate");
    l->iterations = option_is_set(o, "iterations") ? (uint64_t)option_int(o, "iterations") : 0;
    l->users = users ? (uint32_t)option_int(o, "users") : l->open ? OPEN_USERS : 1;
    code c = add_stages(s, e);
    if (c != OK)
        return c;
    if (l->open)
        l->profile.start = (double)option_int(o, "rate");
    else if (users || !l->profile.count)
        l->profile.start = l->users;
    add_duration(s);
    double peak = profile_peak(&l->profile);
    if (!l->open && peak > LOAD_USERS_MAX)
        return err_set(e, OPTION_INVALID, "--stage: more than %d users", LOAD_USERS_MAX);
    if (!l->open && l->profile.count)
        l->users = peak < 1 ? 1 : (uint32_t)(peak + 0.999);
    return OK;
}

static code read_thresholds(load_run *s, err *e)
{
    const str_list *given = option_list(s->up.call->options, "threshold");
    code c = OK;
    for (size_t i = 0; c == OK && i < given->len; i++) {
        threshold t;
        c = threshold_parse(given->ptr[i], &t, e);
        vec_push(&s->thresholds, t);
    }
    return c;
}

static thresholds thresholds_of(const load_run *s)
{
    return (thresholds){s->thresholds.ptr, s->thresholds.len};
}

// A connection for each user, and what else is open.
static code allow_files(uint32_t users, err *e)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)users * 2 + FILES_SPARE;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= wanted)
        return OK;
    if (limit.rlim_max < wanted) {
        (void)err_set(e, SYS_LIMIT, "%u users need %llu open files, and this process may have %llu",
                      users, (unsigned long long)wanted, (unsigned long long)limit.rlim_max);
        return err_hint(e, "ulimit -n %llu, or fewer --users", (unsigned long long)wanted);
    }
    limit.rlim_cur = wanted;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    return OK;
}

// ---- The run

static void on_done(void *ctx)
{
    load_run *s = ctx;
    s->done = true;
    loop_stop(s->up.loop);
}

static void on_interrupt(void *ctx, int signum)
{
    (void)signum;
    load_run *s = ctx;
    if (!s->stopping)
        fputs("gatepost: stopping after what is under way; once more stops at once\n",
              s->up.call->err);
    s->stopping = true;
    load_job_stop(s->job);
}

// Who sends this one sends no second before it kills.
static void on_terminate(void *ctx, int signum)
{
    (void)signum;
    load_run *s = ctx;
    fputs("gatepost: stopping at once\n", s->up.call->err);
    s->stopping = true;
    load_job_stop(s->job);
    load_job_stop(s->job);
}

static void on_line(void *ctx)
{
    load_run *s = ctx;
    buf line;
    buf_init(&line, 4096);
    load_line(&line, load_job_results(s->job), report_columns(s->up.call->err) - 1);
    fprintf(s->up.call->err, "\r%s\x1b[K", buf_cstr(&line));
    fflush(s->up.call->err);
    buf_deinit(&line);
    timer_start(s->line, LINE_MS);
}

static void end_line(load_run *s)
{
    if (s->line)
        fputs("\r\x1b[K", s->up.call->err);
    timer_free(s->line);
    s->line = NULL;
}

static void tell(load_run *s)
{
    const cmd_call *call = s->up.call;
    const load_result *r = load_job_results(s->job);
    thresholds list = thresholds_of(s);
    buf text;
    buf_init(&text, TEXT_MAX);
    if (str_eq(option_text(call->options, "format"), STR("json")))
        load_json(&text, r, &list);
    else
        load_text(&text, r, &list, call->colour);
    fwrite(buf_cstr(&text), 1, text.len, call->out);
    buf_deinit(&text);
}

// ---- The page

static code open_page(load_run *s, err *e)
{
    const char *path = option_cstr(s->up.call->options, "reporter-html-export");
    arena a;
    if (!path)
        return OK;
    arena_init(&a);
    code c = report_export_path(&a, path, "load-report", "html", &path, e);
    if (c == OK)
        c = report_file_new(path, &s->page, e);
    arena_deinit(&a);
    return c;
}

static code write_page(load_run *s, err *e)
{
    thresholds list = thresholds_of(s);
    report_file *page = s->page;
    buf text;
    if (!page)
        return OK;
    buf_init(&text, TEXT_MAX);
    load_html(&text, load_job_results(s->job), &list);
    fwrite(buf_cstr(&text), 1, text.len, report_file_stream(page));
    buf_deinit(&text);
    s->page = NULL;
    return report_file_commit(page, e);
}

// ---- From beginning to end

// Says where, as the port may be any.
static code open_endpoint(load_run *s, err *e)
{
    const option_values *o = s->up.call->options;
    if (!option_is_set(o, "prometheus"))
        return OK;
    code c = load_endpoint_new(s->up.loop, s->job, option_text(o, "prometheus"), &s->endpoint, e);
    if (c != OK)
        return c;
    buf text;
    buf_init(&text, 1024);
    load_endpoint_url(s->endpoint, &text);
    fprintf(s->up.call->err, "gatepost: metrics at %s\n", buf_cstr(&text));
    buf_deinit(&text);
    return OK;
}

static code run_to_end(load_run *s, err *e)
{
    cmd_call *call = s->up.call;
    code c = load_job_new(s->up.loop, &s->o, &s->job, e);
    if (c == OK)
        c = open_endpoint(s, e);
    if (c != OK)
        return c;
    signal_watch *interrupt = signal_watch_new(s->up.loop, SIGINT, on_interrupt, s);
    signal_watch *terminate = signal_watch_new(s->up.loop, SIGTERM, on_terminate, s);
    if (isatty(fileno(call->err))) {
        s->line = timer_new(s->up.loop, on_line, s);
        timer_start(s->line, LINE_MS);
    }
    load_job_start(s->job, on_done, s);
    while (!s->done)
        loop_run(s->up.loop);
    signal_watch_free(interrupt);
    signal_watch_free(terminate);
    end_line(s);
    tell(s);
    thresholds list = thresholds_of(s);
    // What was interrupted hasn't passed, whatever the part of it that ran.
    if (s->stopping || !load_passes(load_job_results(s->job), &list))
        call->status = EXIT_FAILED;
    return write_page(s, e);
}

static code prepare(load_run *s, err *e)
{
    const option_values *o = s->up.call->options;
    code c = run_setup_open(&s->up, e);
    if (c == OK) // the files' section may hold some
        c = read_profile(s, e);
    if (c == OK)
        c = read_thresholds(s, e);
    if (c == OK)
        c = allow_files(s->o.users, e);
    if (c == OK)
        c = open_page(s, e);
    if (c != OK)
        return c;
    run_setup_options(&s->up, &s->o.run);
    s->o.run.identity.ask = NULL; // many would ask at once
    s->o.run.identity.interactive = false;
    s->o.grace_ms = (uint64_t)option_int(o, "grace");
    s->o.workers = (uint32_t)option_int(o, "workers");
    return OK;
}

static code run_load(cmd_call *call, err *e)
{
    load_run s = {.up = run_setup_new(call)};
    code c = prepare(&s, e);
    if (c == OK)
        c = run_to_end(&s, e);
    load_endpoint_free(s.endpoint);
    load_job_free(s.job);
    report_file_discard(s.page);
    vec_deinit(&s.thresholds);
    run_setup_close(&s.up);
    return c;
}

static const option_row rows[] = {
    {.name = "users",
     .letter = 'u',
     .kind = OPTION_INT,
     .value = "N",
     .min = 1,
     .max = LOAD_USERS_MAX,
     .group = "Load",
     .help = "Virtual users; otherwise 1, with --rate at most 100"},
    {.name = "duration",
     .kind = OPTION_DURATION,
     .min = 1,
     .max = 864000000,
     .group = "Load",
     .help = "How long iterations begin; otherwise 10s"},
    {.name = "iterations",
     .kind = OPTION_INT,
     .value = "N",
     .min = 1,
     .max = 1000000000000,
     .group = "Load",
     .help = "How many iterations begin, of all users together"},
    {.name = "rate",
     .kind = OPTION_INT,
     .value = "N",
     .min = 0,
     .max = 1000000,
     .group = "Load",
     .help = "Iterations that begin within a second, whether or not the server keeps up"},
    {.name = "stage",
     .kind = OPTION_TEXT,
     .repeat = true,
     .comma = true,
     .value = "TIME:TARGET",
     .group = "Load",
     .help = "From the target before to this one in that time: of users, or of --rate"},
    {.name = "grace",
     .kind = OPTION_DURATION,
     .def = "30s",
     .max = 86400000,
     .group = "Load",
     .help = "How long what was due may begin and go on when the time is over"},
    {.name = "workers",
     .kind = OPTION_INT,
     .value = "N",
     .def = "2",
     .min = 1,
     .max = 64,
     .group = "Load",
     .help = "Processes that run the scripts of all users"},
    {.name = "threshold",
     .kind = OPTION_TEXT,
     .repeat = true,
     .value = "RULE",
     .group = "Result",
     .help = "What must hold to pass: 'p95<200ms', 'errors<1%', 'Folder / request: p99<1s'"},
    {.name = "format",
     .kind = OPTION_CHOICE,
     .choices = "text|json",
     .def = "text",
     .group = "Result",
     .help = "How the result is printed"},
    {.name = "reporter-html-export",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .group = "Result",
     .help = "Writes the result as a page with charts, too"},
    {.name = "prometheus",
     .kind = OPTION_TEXT,
     .value = "[ADDRESS:]PORT",
     .group = "Result",
     .help = "Gives the numbers so far at /metrics, on 127.0.0.1 unless an address says otherwise"},
    {0},
};
static const option_row *const tables[] = {rows, cmd_identity, cmd_request_rows, cmd_common, NULL};

static const command_spec spec = {
    .name = "load",
    .args = "COLLECTION",
    .args_min = 1,
    .args_max = 1,
    .summary = "Run a collection as a load, and tell how long requests took",
    .about =
        "Virtual users run the collection over and over, each with its own variables, cookies and "
        "connections; identity is shared, and renewed as it runs out. --stage makes the load rise "
        "and fall.\n\n"
        "With --rate iterations begin when they are due, whether or not the server keeps up. One "
        "that has to wait for a free user is timed from when it was due, so that a server that "
        "stalls can't hide it.\n\n"
        "A request has failed when there was no answer or one of its tests failed; where it has "
        "none, when its status is 400 or more. Latency is told to three digits, with failed "
        "requests among the others. Scripts run in processes that the users share: what a script "
        "leaves undeclared is theirs in common.\n\n"
        "Ends with 1 when a threshold doesn't hold; without any, when no request was answered; and "
        "when it was interrupted, with the result so far.",
    .example = "gatepost load orders.json --users 50 --duration 2m --threshold 'p95<200ms'\n"
               "gatepost load orders.json --rate 200 --duration 1m --threshold 'errors<1%'\n"
               "gatepost load --local orders.json --stage 30s:50,2m:50,10s:0 --format json",
    .tables = tables,
};

const verb verb_load = {.spec = &spec, .group = VERB_TEST, .run = run_load};
