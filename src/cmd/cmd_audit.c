// SPDX-License-Identifier: Apache-2.0
// `gatepost audit …`: the trail of `gatepost up`, for people (a line a call) and machines (a JSON
// object a line).
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "audit/audit.h"
#include "cmd/verbs.h"
#include "home/home.h"

enum { LINE_BYTES_MAX = 1 << 20 };

// ---- Which trail --------------------------------------------------------------------------------

static code find_trail(const option_values *o, arena *a, const char **ret_dir, err *e)
{
    const home_address *up;
    const char *state;
    *ret_dir = option_cstr(o, "dir");
    if (*ret_dir && access(*ret_dir, F_OK))
        return err_sys(e, AUDIT_SPOOL, errno, "--dir %s", *ret_dir);
    if (*ret_dir)
        return OK;
    code c = address_read(a, &up, e);
    if (c == OK && up) {
        *ret_dir = arena_cstr(a, up->audit);
        return OK;
    }
    if (c == OK)
        c = home_path(HOME_STATE, false, a, &state, e);
    if (c == OK)
        *ret_dir = arena_printf(a, "%s/audit", state).ptr;
    return c;
}

// ---- Which calls --------------------------------------------------------------------------------

// A time, or a duration back from now.
static code read_time(const option_values *o, const char *name, int64_t *ret_ns, err *e)
{
    str text = option_text(o, name);
    uint64_t ago_ms;
    if (!text.len || clock_parse_rfc3339(text, ret_ns))
        return OK;
    if (clock_parse_duration(text, &ago_ms)) {
        *ret_ns = clock_wall_ns() - (int64_t)ago_ms * 1000000;
        return OK;
    }
    err_set(e, OPTION_INVALID, "--%s: '" STR_FMT "' is neither a time nor a duration", name,
            STR_ARG(text));
    err_hint(e, "write 2026-11-24T02:18:28Z, or 10m for ten minutes ago");
    return OPTION_INVALID;
}

static audit_filter filter_of(const option_values *o)
{
    return (audit_filter){.principal = option_text(o, "principal"),
                          .service = option_text(o, "service"),
                          .method = option_text(o, "method"),
                          .id = option_text(o, "id"),
                          .status = (int)option_int(o, "status"),
                          .only_granted = str_eq(option_text(o, "decision"), STR("allowed")),
                          .only_denied = str_eq(option_text(o, "decision"), STR("refused"))};
}

// ---- What is shown ------------------------------------------------------------------------------

typedef struct view view;
struct view {
    cmd_call *call;
    bool json;
    size_t rows;
    buf line;
};

static void put_line(view *v)
{
    fwrite(buf_cstr(&v->line), 1, v->line.len, v->call->out);
    buf_reset(&v->line);
}

// As Cloud Logging has them: the decision, and what became of the call.
static void put_entries(view *v, const audit_row *row)
{
    const str entries[] = {row->event_text, row->request_text};
    for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
        if (!entries[i].len)
            continue;
        buf_adds(&v->line, entries[i]);
        buf_addc(&v->line, '\n');
        put_line(v);
    }
}

static void put_head(view *v)
{
    audit_row_head(v->call->colour, &v->line);
    put_line(v);
}

static bool on_row(void *ctx, const audit_row *row)
{
    view *v = ctx;
    if (v->rows++ == 0 && !v->json)
        put_head(v);
    if (v->json) {
        put_entries(v, row);
    } else {
        audit_row_text(row, v->call->colour, &v->line);
        put_line(v);
    }
    return !ferror(v->call->out);
}

static bool on_followed_row(void *ctx, const audit_row *row)
{
    bool more = on_row(ctx, row);
    return fflush(((view *)ctx)->call->out) == 0 && more;
}

static void view_open(view *v, cmd_call *call)
{
    *v = (view){.call = call, .json = str_eq(option_text(call->options, "format"), STR("json"))};
    buf_init(&v->line, LINE_BYTES_MAX);
}

// As grep does.
static void view_end(view *v)
{
    if (v->rows)
        return;
    fputs("gatepost: no entry fits\n", v->call->err);
    v->call->status = EXIT_FAILED;
}

// ---- query --------------------------------------------------------------------------------------

static code run_query(cmd_call *call, err *e)
{
    const option_values *o = call->options;
    arena a;
    view v;
    audit_filter f = filter_of(o);
    const char *dir;
    arena_init(&a);
    code c = find_trail(o, &a, &dir, e);
    if (c == OK)
        c = read_time(o, "since", &f.since_ns, e);
    if (c == OK && option_is_set(o, "last"))
        f.since_ns = clock_wall_ns() - option_int(o, "last") * 1000000;
    if (c == OK)
        c = read_time(o, "until", &f.until_ns, e);
    if (c == OK) {
        f.limit = (size_t)option_int(o, "limit");
        view_open(&v, call);
        c = audit_read(dir, &f, on_row, &v, e);
        if (c == OK)
            view_end(&v);
        buf_deinit(&v.line);
    }
    arena_deinit(&a);
    return c;
}

static const option_row filter_rows[] = {
    {.name = "principal",
     .kind = OPTION_TEXT,
     .value = "WHO",
     .group = "Which calls",
     .help = "Of this caller; * stands for any text"},
    {.name = "service",
     .kind = OPTION_TEXT,
     .value = "NAME",
     .group = "Which calls",
     .help = "To this service or API; * stands for any text"},
    {.name = "method",
     .kind = OPTION_TEXT,
     .value = "NAME",
     .group = "Which calls",
     .help = "With this HTTP or API method; * stands for any text"},
    {.name = "status",
     .kind = OPTION_INT,
     .value = "N",
     .max = 599,
     .group = "Which calls",
     .help = "With this HTTP status; 4 stands for 400 to 499"},
    {.name = "decision",
     .kind = OPTION_CHOICE,
     .choices = "any|allowed|refused",
     .def = "any",
     .group = "Which calls",
     .help = "Let in, or turned away"},
    {.name = "id",
     .kind = OPTION_TEXT,
     .value = "ID",
     .group = "Which calls",
     .help = "The one of this audit id or trace"},
    {.name = "dir",
     .kind = OPTION_TEXT,
     .value = "DIR",
     .help = "The trail's folder; otherwise that of the running 'gatepost up', or its usual one"},
    {.name = "format",
     .kind = OPTION_CHOICE,
     .choices = "text|json",
     .def = "text",
     .help = "A table, or Cloud Logging's entries, one a line"},
    {0},
};
static const option_row query_rows[] = {
    {.name = "since",
     .kind = OPTION_TEXT,
     .value = "TIME",
     .group = "Which calls",
     .help = "From this time on: 2026-11-24T02:18:28Z, or so long ago: 10m"},
    {.name = "last",
     .kind = OPTION_DURATION,
     .group = "Which calls",
     .help = "Of so long a time up to now: 10m, 24h; a number alone counts seconds"},
    {.name = "until",
     .kind = OPTION_TEXT,
     .value = "TIME",
     .group = "Which calls",
     .help = "Before this time"},
    {.name = "limit",
     .letter = 'n',
     .kind = OPTION_INT,
     .value = "N",
     .def = "0",
     .max = 1000000,
     .group = "Which calls",
     .help = "Only the last N; 0: all"},
    {0},
};
static const option_row *const query_tables[] = {query_rows, filter_rows, cmd_common, NULL};

static const command_spec query_spec = {
    .name = "audit query",
    .summary = "Show who called what, as whom, allowed or refused and why",
    .about = "Reads the trail that 'gatepost up' writes, oldest call first.\n\n"
             "Ends with 1 when no entry fits.",
    .example = "gatepost audit query --last 10m\n"
               "gatepost audit query --decision refused --principal 'stranger@*'\n"
               "gatepost audit query --status 4 --format json",
    .tables = query_tables,
};

const verb verb_audit_query = {.spec = &query_spec, .group = VERB_GOVERN, .run = run_query};

// ---- tail ---------------------------------------------------------------------------------------

static volatile bool stopped; // set by a signal

static void on_signal(int signum)
{
    (void)signum;
    stopped = true;
}

// A quiet trail would never notice: nothing is written that could fail.
static bool is_watched(void *ctx)
{
    view *v = ctx;
    return !stopped && !cmd_reader_left(v->call->out);
}

static code run_tail(cmd_call *call, err *e)
{
    arena a;
    view v;
    audit_filter f = filter_of(call->options);
    const char *dir;
    const struct sigaction stop = {.sa_handler = on_signal};
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    arena_init(&a);
    code c = find_trail(call->options, &a, &dir, e);
    if (c == OK) {
        view_open(&v, call);
        if (!v.json)
            put_head(&v);
        fflush(call->out);
        v.rows++; // the head stands
        c = audit_follow(dir, &f, is_watched, on_followed_row, &v, e);
        if (c == OK && cmd_reader_left(call->out))
            call->status = EXIT_PIPE;
        buf_deinit(&v.line);
    }
    arena_deinit(&a);
    return c;
}

static const option_row *const tail_tables[] = {filter_rows, cmd_common, NULL};

static const command_spec tail_spec = {
    .name = "audit tail",
    .summary = "Show calls as they are decided",
    .about = "Follows the trail from now on, until Ctrl-C.",
    .example = "gatepost audit tail --decision refused",
    .tables = tail_tables,
};

const verb verb_audit_tail = {.spec = &tail_spec, .group = VERB_GOVERN, .run = run_tail};

// ---- verify -------------------------------------------------------------------------------------

static code run_verify(cmd_call *call, err *e)
{
    arena a;
    const char *dir;
    uint64_t entries = 0;
    arena_init(&a);
    code c = find_trail(call->options, &a, &dir, e);
    if (c == OK)
        c = audit_verify(dir, &entries, e);
    if (c == OK && str_eq(option_text(call->options, "format"), STR("json")))
        fprintf(call->out, "{\"entries\":%llu}\n", (unsigned long long)entries);
    else if (c == OK && entries)
        fprintf(call->out, "%llu entries, none changed or removed: %s\n",
                (unsigned long long)entries, dir);
    if (c == OK && !entries) {
        fprintf(call->err, "gatepost: there is no entry to check in %s\n", dir);
        call->status = EXIT_FAILED;
    }
    arena_deinit(&a);
    return c;
}

static const option_row verify_rows[] = {
    {.name = "dir",
     .kind = OPTION_TEXT,
     .value = "DIR",
     .help = "The trail's folder; otherwise that of the running 'gatepost up', or its usual one"},
    {.name = "format",
     .kind = OPTION_CHOICE,
     .choices = "text|json",
     .def = "text",
     .help = "How to write the answer"},
    {0},
};
static const option_row *const verify_tables[] = {verify_rows, cmd_common, NULL};

static const command_spec verify_spec = {
    .name = "audit verify",
    .summary = "Check that no entry of the trail was changed or removed",
    .about = "Each entry holds the hash of the one before. Ends with 1 and names the first line "
             "that doesn't fit; also when there is no entry.",
    .tables = verify_tables,
};

const verb verb_audit_verify = {.spec = &verify_spec, .group = VERB_GOVERN, .run = run_verify};
