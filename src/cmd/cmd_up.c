// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <stdlib.h>

#include "cloudrun/cloudrun.h"
#include "cmd/verbs.h"
#include "home/home.h"
#include "net/net.h"

enum { TEXT_MAX = 1 << 20, LINES_BYTES = 64 << 10 };

typedef struct run run;
struct run {
    cmd_call *call;
    loop *loop;
    arena arena; // of what the person's own config.yaml says
    up *up;
    bool stopping;
    buf lines; // for the person, of this turn of the loop: one write for all of them
    task tell;
};

static void tell_lines(void *ctx)
{
    run *r = ctx;
    fwrite(buf_cstr(&r->lines), 1, r->lines.len, r->call->err);
    fflush(r->call->err);
    buf_reset(&r->lines);
}

static void on_line(void *ctx, str line)
{
    run *r = ctx;
    buf_adds(&r->lines, line);
    buf_addc(&r->lines, '\n');
    if (r->lines.len > LINES_BYTES)
        tell_lines(r);
    task_post(r->loop, &r->tell);
}

static void on_stopped(void *ctx)
{
    loop_stop(((run *)ctx)->loop);
}

// The first one lets calls finish and asks the instances to end, the second one doesn't wait.
static void on_signal(void *ctx, int signum)
{
    (void)signum;
    run *r = ctx;
    if (r->stopping) {
        loop_stop(r->loop);
        return;
    }
    r->stopping = true;
    on_line(r, STR("stopping: calls may finish; once more stops at once"));
    up_stop(r->up, on_stopped, r);
}

static void announce(run *r)
{
    cmd_call *call = r->call;
    buf text;
    tell_lines(r); // those of the start come first
    buf_init(&text, TEXT_MAX);
    if (str_eq(option_text(call->options, "format"), STR("json"))) {
        jout w = jout_new(&text, JSON_PRETTY);
        up_json(r->up, &w);
        buf_addc(&text, '\n');
    } else {
        up_text(r->up, call->colour, &text);
    }
    fwrite(buf_cstr(&text), 1, text.len, call->out);
    fflush(call->out);
    buf_deinit(&text);
}

static void take_options(const option_values *options, up_options *o)
{
    o->port = (uint16_t)option_int(options, "port");
    o->window_ms = (uint64_t)option_int(options, "scale-window");
    o->to_zero_ms = (uint64_t)option_int(options, "scale-to-zero-after");
    o->internal = option_flag(options, "internal");
    o->google_proxy = option_flag(options, "google-proxy");
}

// The section `up` of the project file; the command line wins, the person's own stands below.
static code on_project(void *ctx, const json *section, up_options *o, err *e)
{
    run *r = ctx;
    code c = options_file(r->call->options, section, e);
    if (c == OK)
        take_options(r->call->options, o);
    return c;
}

static code take_own_section(run *r, err *e)
{
    const home_project *user;
    code c = home_user_config(&r->arena, &user, e);
    const json *section = c == OK ? json_get(user->root, "up") : NULL;
    return json_is(section, JSON_OBJECT) ? options_file(r->call->options, section, e) : c;
}

static code bring_up(run *r, err *e)
{
    const option_values *options = r->call->options;
    const str_list *paths = option_args(options);
    up_options o = {.project_file = option_cstr(options, "project-file"),
                    .paths = paths->ptr,
                    .path_count = paths->len,
                    .path = getenv("PATH"),
                    .lang = getenv("LANG"),
                    .roots = getenv("SSL_CERT_FILE"),
                    .on_project = on_project,
                    .on_line = on_line,
                    .ctx = r};
    code c = take_own_section(r, e);
    take_options(options, &o);
    if (c == OK)
        c = up_new(r->loop, &o, &r->up, e);
    if (c == OK)
        c = up_start(r->up, e);
    if (c)
        return c;
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    signal_watch *watches[ARRAY_LEN(signals)];
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        watches[i] = signal_watch_new(r->loop, signals[i], on_signal, r);
    announce(r);
    loop_run(r->loop);
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        signal_watch_free(watches[i]);
    return OK;
}

static code print_address_file(cmd_call *call, err *e)
{
    arena a;
    arena_init(&a);
    const char *path = NULL;
    code c = address_path(&a, &path, e);
    if (c == OK)
        fprintf(call->out, "%s\n", path);
    arena_deinit(&a);
    return c;
}

static code run_up(cmd_call *call, err *e)
{
    if (option_flag(call->options, "print-address-file"))
        return print_address_file(call, e);
    run r = {.call = call, .loop = loop_new()};
    arena_init(&r.arena);
    r.tell = (task){.run = tell_lines, .ctx = &r};
    buf_init(&r.lines, SIZE_MAX / 2);
    code c = bring_up(&r, e);
    up_free(r.up);
    task_cancel(&r.tell);
    tell_lines(&r); // those of the end
    buf_deinit(&r.lines);
    loop_free(r.loop);
    arena_deinit(&r.arena);
    return c;
}

static const option_row rows[] = {
    {.name = "project-file",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .env = "GATEPOST_PROJECT_FILE",
     .help = "The project file, in place of the nearest gatepost.yaml"},
    {.name = "port",
     .key = "port",
     .letter = 'p',
     .kind = OPTION_INT,
     .value = "PORT",
     .def = "0",
     .max = 65000,
     .help = "Port of the first service, the others follow; 0: free ones"},
    {.name = "internal",
     .key = "internal",
     .kind = OPTION_FLAG,
     .help = "Callers count as internal: a service's ingress setting lets them in"},
    {.name = "google-proxy",
     .key = "google_proxy",
     .kind = OPTION_FLAG,
     .help = "Give instances a proxy that answers for Google's hosts, with a CA of its own"},
    {.name = "scale-window",
     .key = "scale_window",
     .kind = OPTION_DURATION,
     .def = "60s",
     .min = 600,
     .max = 3600 * 1000,
     .group = "Autoscaler",
     .help = "Count concurrent calls over this time; shorter reacts sooner"},
    {.name = "scale-to-zero-after",
     .key = "scale_to_zero_after",
     .kind = OPTION_DURATION,
     .def = "90s",
     .min = 600,
     .max = 24 * 3600 * 1000,
     .group = "Autoscaler",
     .help = "Stop the last instance of a service after this idle time"},
    {.name = "format",
     .kind = OPTION_CHOICE,
     .choices = "text|json",
     .def = "text",
     .group = "Output",
     .help = "How to say what runs where"},
    {.name = "print-address-file",
     .kind = OPTION_FLAG,
     .group = "Output",
     .help = "Print where a running gatepost up leaves its addresses, and end"},
    {0},
};
static const option_row *const tables[] = {rows, cmd_common, NULL};

static const command_spec spec = {
    .name = "up",
    .args = "[SERVICE.YAML|FOLDER…]",
    .args_max = 50,
    .summary = "Run Cloud Run on this machine: services, IAM, tokens, metadata, audit",
    .about =
        "Each service gets a port on loopback that judges calls as Cloud Run does: without a token "
        "of a caller who may invoke it, 403. Behind it instances start with the first call, follow "
        "the load and end when nobody calls. The files are those that gcloud run services replace "
        "takes; an instance is the command as a local process.\n\n"
        "Accounts, roles, groups and policies stand in gatepost.yaml. Key files that it names are "
        "made on the first start. They work on this machine only, as does every token.\n\n"
        "Calls and what the programs write go to standard error. Ctrl-C lets calls finish and "
        "stops everything; a second one stops at once.",
    .example = "gatepost up\n"
               "gatepost up examples/orders\n"
               "gatepost up --scale-window 2s --scale-to-zero-after 5s service.yaml",
    .tables = tables,
};

const verb verb_up = {.spec = &spec, .group = VERB_SERVE, .run = run_up};
