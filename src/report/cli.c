// SPDX-License-Identifier: Apache-2.0
#include "report/cli.h"

#include <time.h>

enum { OUT_BYTES_MAX = 16 << 20 };

static const cli_symbols unicode = {
    .box_top = "┌",
    .box_middle = "│",
    .box_bottom = "└",
    .folder = "❏",
    .root = "→",
    .sub = "↳",
    .ok = "✓",
    .star = "★",
    .up = "↑",
    .down = "↓",
};
static const cli_symbols ascii = {
    .box_top = "-",
    .box_middle = "|",
    .box_bottom = "-",
    .folder = "Folder",
    .root = "Root",
    .sub = "Sub-folder",
    .ok = "Pass",
    .star = "*",
    .up = "^",
    .down = "v",
};

static void begin_colour(cli *c, cli_colour colour)
{
    static const char *const codes[] = {
        [CLI_GRAY] = "\033[90m",       [CLI_GREEN] = "\033[32m", [CLI_RED] = "\033[31m",
        [CLI_BOLD_RED] = "\033[1;31m", [CLI_CYAN] = "\033[36m",  [CLI_YELLOW] = "\033[33m",
    };
    if (c->o.colour)
        buf_addz(&c->out, codes[colour]);
}

static void end_colour(cli *c)
{
    if (c->o.colour)
        buf_addz(&c->out, "\033[0m");
}

void cli_flush(cli *c)
{
    if (c->out.len)
        fwrite(c->out.ptr, 1, c->out.len, c->o.out);
    buf_reset(&c->out);
    arena_reset(&c->scratch);
}

void cli_paint(cli *c, cli_colour colour, const char *fmt, ...)
{
    begin_colour(c, colour);
    va_list ap;
    va_start(ap, fmt);
    buf_addv(&c->out, fmt, ap);
    va_end(ap);
    end_colour(c);
}

// Text of somebody else's, safe to print and NUL-terminated, for cli_paint.
static const char *shown(cli *c, str text, const char *indent)
{
    buf b;
    buf_init(&b, OUT_BYTES_MAX);
    report_lines(&b, text, indent);
    const char *copy = arena_cstr(&c->scratch, buf_str(&b));
    buf_deinit(&b);
    return copy;
}

static void timestamp(cli *c)
{
    if (!c->o.timestamps)
        return;
    char text[32];
    time_t now = (time_t)clock_wall_s();
    struct tm tm;
    localtime_r(&now, &tm);
    strftime(text, sizeof(text), "[%H:%M:%S]", &tm);
    cli_paint(c, CLI_GRAY, "%s", text);
    buf_addz(&c->out, "  ");
}

// ---- One event, one function

static void on_start(cli *c)
{
    if (!c->o.no_banner)
        buf_addz(&c->out, "gatepost\n\n");
    str name = c->source->collection->root->name;
    c->group = c->source->collection->root;
    if (name.len)
        buf_addf(&c->out, "%s\n", shown(c, name, ""));
}

static void on_iteration(cli *c, const run_event *ev)
{
    if (ev->cursor->iterations <= 1)
        return;
    buf_addc(&c->out, '\n');
    cli_paint(c, CLI_GRAY, "Iteration %u/%u", ev->cursor->iteration + 1, ev->cursor->iterations);
    buf_addc(&c->out, '\n');
}

static void on_item(cli *c, const run_event *ev)
{
    const pm_item *group = ev->item->parent;
    bool root = !group || !group->parent;
    if (group != c->group && !root) {
        str path = report_item_name(&c->scratch, group);
        buf_addf(&c->out, "\n%s %s", c->symbols->folder, shown(c, path, ""));
    }
    c->group = group;
    buf_addf(&c->out, "\n%s %s\n", root ? c->symbols->root : c->symbols->sub,
             shown(c, ev->item->name, ""));
}

static void request_line(cli *c, const run_exchange *x)
{
    buf_addz(&c->out, "  ");
    timestamp(c);
    cli_paint(c, CLI_GRAY, "%s %s ", shown(c, x->method, ""), shown(c, x->url, ""));
}

static void on_before_request(cli *c, const run_event *ev)
{
    if (!c->o.terminal)
        return;
    request_line(c, ev->exchange);
    c->line_open = true;
}

static void explain_line(cli *c, const char *what, str value, const char *more)
{
    cli_paint(c, CLI_GRAY, "     %-10s  %s%s", what, shown(c, value, ""), more);
    buf_addc(&c->out, '\n');
}

// The way to the decision, step by step (--explain-identity).
static void explain_identity(cli *c, const run_identity *id)
{
    bool carried = id->age_s >= 0;
    if (!id->origin.len) {
        explain_line(c, "identity", STR("none: neither a Cloud Run service nor named by trust"),
                     "");
        return;
    }
    explain_line(c, "origin", id->origin, id->local ? ", a service of gatepost up" : "");
    explain_line(c, "trusted", id->trusted[0] ? str_from(id->trusted) : STR("no"), "");
    explain_line(c, "identity", id->name.len ? id->name : STR("the default one"), "");
    if (!carried) {
        explain_line(c, "decision", id->report, "");
        return;
    }
    explain_line(c, "principal", id->principal, "");
    explain_line(c, "credential", id->via, "");
    explain_line(c, "audience", id->audience, "");
    explain_line(c, "token", arena_printf(&c->scratch, "%lld s old", (long long)id->age_s), "");
    explain_line(c, "header",
                 id->serverless ? STR("X-Serverless-Authorization: the request has its own "
                                      "Authorization")
                                : STR("Authorization"),
                 "");
}

// Whose identity the request carried, and what is to be said about it.
static void identity_lines(cli *c, const run_exchange *x)
{
    if (c->o.explain_identity) {
        explain_identity(c, &x->identity);
    } else if (x->identity.age_s >= 0 || x->identity.report.len) {
        begin_colour(c, CLI_GRAY);
        buf_addz(&c->out, "     ");
        report_identity(&c->identity, &c->out, &x->identity);
        end_colour(c);
        buf_addc(&c->out, '\n');
    }
    const str notes[] = {x->identity.warning, x->trace, x->explain};
    for (size_t i = 0; i < ARRAY_LEN(notes); i++)
        if (notes[i].len) {
            cli_paint(c, CLI_YELLOW, "     %s", shown(c, notes[i], "     "));
            buf_addc(&c->out, '\n');
        }
}

static void on_request(cli *c, const run_event *ev, bool line_open)
{
    const run_exchange *x = ev->exchange;
    if (!line_open)
        request_line(c, x);
    if (ev->failure) {
        cli_paint(c, CLI_RED, "[errored]");
        buf_addc(&c->out, '\n');
        cli_paint(c, CLI_RED, "     %s", shown(c, ev->failure->message, "     "));
        buf_addc(&c->out, '\n');
    } else if (c->o.verbose) {
        buf_addc(&c->out, '\n');
        cli_verbose(c, x);
    } else {
        buf facts;
        buf_init(&facts, OUT_BYTES_MAX);
        buf_addf(&facts, "[%d %s, ", x->status, shown(c, x->reason, ""));
        report_bytes(&facts, x->header_bytes + x->body_bytes);
        buf_addz(&facts, ", ");
        report_ms(&facts, report_time(x), c->o.plain);
        cli_paint(c, CLI_GRAY, "%s]", buf_cstr(&facts));
        buf_addc(&c->out, '\n');
        buf_deinit(&facts);
    }
    identity_lines(c, x);
}

static void on_script(cli *c, const run_event *ev)
{
    if (!ev->failure)
        return;
    cli_paint(c, CLI_BOLD_RED, "%3zu%s %s in %s-script", c->failures, c->o.plain ? ":" : "⠄",
              shown(c, ev->failure->name, ""),
              ev->script_kind == JS_PREREQUEST ? "prerequest" : "test");
    buf_addc(&c->out, '\n');
}

static void on_assertion(cli *c, const run_event *ev)
{
    bool passed = !ev->failure;
    bool quiet = passed && c->o.no_success_assertions;
    if (c->o.no_assertions || quiet)
        return;
    const char *name = shown(c, ev->assertion->name, "       ");
    if (ev->assertion->skipped) {
        cli_paint(c, CLI_CYAN, "  -  [skipped] %s", name);
    } else {
        timestamp(c);
        if (passed) {
            cli_paint(c, CLI_GREEN, "  %s  ", c->symbols->ok);
            cli_paint(c, CLI_GRAY, "%s", name);
        } else {
            cli_paint(c, CLI_BOLD_RED, "%3zu. %s", c->failures, name);
        }
    }
    buf_addc(&c->out, '\n');
}

// Lines that follow each other share a box; whatever else is printed closes it.
static void on_console(cli *c, const run_event *ev)
{
    if (c->o.no_console)
        return;
    cli_colour colour = str_eq(ev->level, STR("error"))  ? CLI_RED
                        : str_eq(ev->level, STR("warn")) ? CLI_YELLOW
                        : str_eq(ev->level, STR("info")) ? CLI_CYAN
                                                         : CLI_GRAY;
    if (!c->box_open) {
        cli_paint(c, colour, "  %s", c->symbols->box_top);
        buf_addc(&c->out, '\n');
    }
    c->box_open = true;
    str indent = arena_printf(&c->scratch, "  %s ", c->symbols->box_middle);
    cli_paint(c, colour, "%s", indent.ptr);
    for (size_t i = 0; i < ev->message_count; i++)
        buf_addf(&c->out, "%s%s", i ? ", " : "", shown(c, ev->messages[i], indent.ptr));
    buf_addc(&c->out, '\n');
}

static void on_next(cli *c, const run_event *ev)
{
    if (!ev->next.len)
        return;
    buf_addc(&c->out, '\n');
    cli_paint(c, CLI_GRAY, "Attempting to set next request to %s", shown(c, ev->next, ""));
    buf_addc(&c->out, '\n');
}

static void on_done(cli *c)
{
    if (!c->o.no_summary)
        cli_summary(c);
    if (!c->o.no_failures && c->source->summary->failures.len)
        cli_failures(c);
}

// ---- All events

static bool prints(run_event_kind kind)
{
    switch (kind) {
    case RUN_BEFORE_SCRIPTS:
    case RUN_BEFORE_SCRIPT:
    case RUN_SCRIPTS:
    case RUN_EXCEPTION:
    case RUN_ITEM_END:
    case RUN_ITERATION_END:
        return false;
    default:
        return true;
    }
}

static void tell(cli *c, const run_event *ev, bool line_open)
{
    switch (ev->kind) {
    case RUN_START:
        return on_start(c);
    case RUN_ITERATION:
        return on_iteration(c, ev);
    case RUN_ITEM:
        return on_item(c, ev);
    case RUN_BEFORE_REQUEST:
        return on_before_request(c, ev);
    case RUN_REQUEST:
        return on_request(c, ev, line_open);
    case RUN_SCRIPT:
        return on_script(c, ev);
    case RUN_ASSERTION:
        return on_assertion(c, ev);
    case RUN_CONSOLE:
        return on_console(c, ev);
    case RUN_NEXT:
        return on_next(c, ev);
    case RUN_DONE:
        return on_done(c);
    default:
        return;
    }
}

// Nobody reads on (`gatepost run … | head`), or the disk is full: as SIGPIPE would, it ends the
// run, and what is under way with it. Files of other reporters are written all the same.
static void output_failed(cli *c)
{
    if (c->ended)
        return;
    c->ended = true;
    c->source->stop(c->source->ctx);
}

// Who watches sees all at once; who reads a pipe a warning, behind which a retry may wait.
static void write_out(cli *c, const run_event *ev)
{
    bool waits = ev->kind == RUN_CONSOLE && str_eq(ev->level, STR("warn"));
    cli_flush(c);
    if (c->o.terminal || waits)
        fflush(c->o.out);
}

static void on_event(void *ctx, const run_event *ev)
{
    cli *c = ctx;
    c->source = ev->source;
    if (ev->failure)
        c->failures++;
    if (ev->kind == RUN_BEFORE_REQUEST || ev->kind == RUN_ITEM_END)
        fflush(c->o.out); // who reads a pipe sees each request's name, then how it went
    if (ferror(c->o.out))
        output_failed(c);
    if (!prints(ev->kind) || (ev->kind == RUN_SCRIPT && !ev->failure))
        return;
    if (c->box_open && ev->kind != RUN_CONSOLE) {
        buf_addf(&c->out, "  %s\n", c->symbols->box_bottom);
        c->box_open = false;
    }
    bool line_open = c->line_open && ev->kind == RUN_REQUEST;
    if (c->line_open && !line_open)
        buf_addc(&c->out, '\n');
    c->line_open = false;
    tell(c, ev, line_open);
    write_out(c, ev);
}

static code finish(reporter *r, err *e)
{
    cli *c = (cli *)r;
    if (fflush(c->o.out) == 0 && !ferror(c->o.out))
        return OK;
    return err_set(e, SYS_FAILED, "the report could not be printed");
}

static void cli_free(reporter *r)
{
    cli *c = (cli *)r;
    arena_deinit(&c->scratch);
    report_words_deinit(&c->identity);
    buf_deinit(&c->out);
    free(c);
}

reporter *report_cli_new(const report_cli_options *o)
{
    cli *c = mem_new(sizeof(*c));
    *c = (cli){
        .base = {.listener = {on_event, c}, .finish = finish, .free = cli_free},
        .o = *o,
        .symbols = o->plain ? &ascii : &unicode,
    };
    arena_init(&c->scratch);
    report_words_init(&c->identity);
    buf_init(&c->out, OUT_BYTES_MAX);
    return &c->base;
}
