// SPDX-License-Identifier: Apache-2.0
#include "report/cli.h"

// ---- The summary: three columns, then lines over all of them

enum { LABEL_WIDTH = 25, COUNT_WIDTH = 17, CELL_BYTES_MAX = 1024 };

typedef struct frame frame;
struct frame {
    const char *line, *bar;
    const char *top[4], *middle[4], *close[4], *wide[4], *bottom[4]; // left, inner, inner, right
};
static const frame unicode_frame = {
    .line = "─",
    .bar = "│",
    .top = {"┌", "┬", "┬", "┐"},
    .middle = {"├", "┼", "┼", "┤"},
    .close = {"├", "┴", "┴", "┤"},
    .wide = {"├", "─", "─", "┤"},
    .bottom = {"└", "─", "─", "┘"},
};
static const frame ascii_frame = {
    .line = "-",
    .bar = "|",
    .top = {"-", "-", "-", "-"},
    .middle = {"-", "+", "+", "-"},
    .close = {"-", "-", "-", "-"},
    .wide = {"-", "-", "-", "-"},
    .bottom = {"-", "-", "-", "-"},
};

static void rule(cli *c, const frame *f, const char *const joints[4], size_t extra)
{
    const size_t widths[] = {LABEL_WIDTH, COUNT_WIDTH, COUNT_WIDTH + extra};
    for (size_t i = 0; i < ARRAY_LEN(widths); i++) {
        buf_addz(&c->out, joints[i]);
        for (size_t n = 0; n < widths[i]; n++)
            buf_addz(&c->out, f->line);
    }
    buf_addf(&c->out, "%s\n", joints[3]);
}

static void pad(cli *c, size_t width, size_t used)
{
    for (; used < width; used++)
        buf_addc(&c->out, ' ');
}

static void cell(cli *c, size_t width, int colour, const char *text)
{
    pad(c, width - 1, utf8_width(str_from(text)));
    if (colour < 0)
        buf_addz(&c->out, text);
    else
        cli_paint(c, (cli_colour)colour, "%s", text);
    buf_addc(&c->out, ' ');
}

static void row(cli *c, const frame *f, const char *label, const run_count *n, size_t extra)
{
    char total[16], failed[16];
    snprintf(total, sizeof(total), "%u", n->total);
    snprintf(failed, sizeof(failed), "%u", n->failed);
    buf_addz(&c->out, f->bar);
    cell(c, LABEL_WIDTH, n->failed ? CLI_RED : n->pending ? -1 : CLI_GREEN, label);
    buf_addz(&c->out, f->bar);
    cell(c, COUNT_WIDTH, -1, total);
    buf_addz(&c->out, f->bar);
    cell(c, COUNT_WIDTH + extra, n->failed ? CLI_RED : -1, failed);
    buf_addf(&c->out, "%s\n", f->bar);
}

typedef VEC(str) lines;

static void spread_line(cli *c, lines *all, const char *label, const run_spread *s)
{
    if (s->average <= 0)
        return;
    buf b;
    buf_init(&b, CELL_BYTES_MAX);
    buf_addf(&b, "%s ", label);
    report_ms(&b, s->average, c->o.plain);
    buf_addz(&b, " [min: ");
    report_ms(&b, s->min, c->o.plain);
    buf_addz(&b, ", max: ");
    report_ms(&b, s->max, c->o.plain);
    buf_addz(&b, ", s.d.: ");
    report_ms(&b, s->sd, c->o.plain);
    buf_addc(&b, ']');
    vec_push(all, arena_str(&c->scratch, buf_str(&b)));
    buf_deinit(&b);
}

static void total_lines(cli *c, const run_summary *s, lines *all)
{
    buf b;
    buf_init(&b, CELL_BYTES_MAX);
    buf_addz(&b, "total run duration: ");
    report_ms(&b, (double)(s->completed_wall_ms - s->started_wall_ms), c->o.plain);
    vec_push(all, arena_str(&c->scratch, buf_str(&b)));
    buf_reset(&b);
    buf_addz(&b, "total data received: ");
    report_bytes(&b, s->response_bytes);
    buf_addz(&b, " (approx)");
    vec_push(all, arena_str(&c->scratch, buf_str(&b)));
    buf_deinit(&b);
    spread_line(c, all, "average response time:", &s->response);
    if (!c->o.verbose)
        return;
    spread_line(c, all, "average DNS lookup time:", &s->dns);
    spread_line(c, all, "average first byte time:", &s->first_byte);
}

void cli_summary(cli *c)
{
    const run_summary *s = c->source->summary;
    const frame *f = c->o.plain ? &ascii_frame : &unicode_frame;
    lines all = {0};
    total_lines(c, s, &all);
    // The three columns and the two bars between them, less a blank on each side of the text.
    size_t room = LABEL_WIDTH + 2 * COUNT_WIDTH + 2 - 2, extra = 0;
    VEC_FOREACH (&all, l)
        if (utf8_width(*l) > room + extra)
            extra = utf8_width(*l) - room;
    const struct {
        const char *label;
        const run_count *count;
    } rows[] = {
        {"iterations", &s->iterations},     {"requests", &s->requests},
        {"test-scripts", &s->test_scripts}, {"prerequest-scripts", &s->prerequest_scripts},
        {"assertions", &s->assertions},
    };
    buf_addc(&c->out, '\n');
    rule(c, f, f->top, extra);
    buf_addz(&c->out, f->bar);
    cell(c, LABEL_WIDTH, -1, "");
    buf_addz(&c->out, f->bar);
    cell(c, COUNT_WIDTH, -1, "executed");
    buf_addz(&c->out, f->bar);
    cell(c, COUNT_WIDTH + extra, -1, "failed");
    buf_addf(&c->out, "%s\n", f->bar);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        rule(c, f, f->middle, extra);
        row(c, f, rows[i].label, rows[i].count, extra);
    }
    rule(c, f, f->close, extra);
    VEC_FOREACH (&all, l) {
        if (l != all.ptr)
            rule(c, f, f->wide, extra);
        buf_addf(&c->out, "%s ", f->bar);
        buf_adds(&c->out, *l);
        pad(c, room + extra, utf8_width(*l));
        buf_addf(&c->out, " %s\n", f->bar);
    }
    rule(c, f, f->bottom, extra);
    vec_deinit(&all);
}

// ---- The failures: number, name, detail

enum { NAME_WIDTH_MIN = 16, NAME_WIDTH_MAX = 40 }; // a script chooses its errors' names

// "AssertionError", and in a run of several iterations which one.
static size_t name_width(const run_failure *f)
{
    char text[32];
    int len = snprintf(text, sizeof(text), "iteration: %u", f->cursor.iteration + 1);
    size_t name = utf8_width(f->name);
    if (f->cursor.iterations > 1 && (size_t)len > name)
        name = (size_t)len;
    return name < NAME_WIDTH_MAX ? name : NAME_WIDTH_MAX;
}

static void add_shown_line(lines *all, arena *a, const char *before, str text, const char *after)
{
    buf b;
    buf_init(&b, CELL_BYTES_MAX * 1024);
    for (str line; str_next(&text, '\n', &line);) {
        buf_reset(&b);
        buf_addz(&b, before);
        buf_add_shown(&b, line);
        buf_addz(&b, after);
        vec_push(all, arena_str(a, buf_str(&b)));
    }
    buf_deinit(&b);
}

static void detail_lines(cli *c, const run_failure *f, lines *all)
{
    if (f->test.len)
        add_shown_line(all, &c->scratch, "", f->test, "");
    add_shown_line(all, &c->scratch, "", f->message, "");
    add_shown_line(all, &c->scratch, "at ", f->at, "");
    if (f->item)
        add_shown_line(all, &c->scratch, "inside \"", report_item_name(&c->scratch, f->item), "\"");
    if (f->hint.len)
        add_shown_line(all, &c->scratch, "hint: ", f->hint, "");
    if (f->code != OK)
        add_shown_line(all, &c->scratch, "[", str_from(code_id(f->code)), "]");
}

static void failure_rows(cli *c, const run_failure *f, size_t number, const size_t widths[2])
{
    lines names = {0}, details = {0};
    add_shown_line(&names, &c->scratch, "", f->name.len ? f->name : STR("Error"), "");
    if (f->cursor.iterations > 1)
        vec_push(&names, arena_printf(&c->scratch, "iteration: %u", f->cursor.iteration + 1));
    detail_lines(c, f, &details);
    buf_addc(&c->out, '\n');
    for (size_t i = 0; i < names.len || i < details.len; i++) {
        if (i == 0)
            buf_addf(&c->out, " %*zu.", (int)widths[0], number);
        else
            pad(c, widths[0] + 2, 0);
        str name = i < names.len ? names.ptr[i] : STR("");
        buf_addz(&c->out, "  ");
        buf_adds(&c->out, name);
        if (i < details.len) {
            pad(c, widths[1] + 2, utf8_width(name));
            str d = details.ptr[i];
            if (i == 0)
                buf_adds(&c->out, d);
            else
                cli_paint(c, CLI_GRAY, STR_FMT, STR_ARG(d));
        }
        buf_addc(&c->out, '\n');
    }
    vec_deinit(&names);
    vec_deinit(&details);
}

void cli_failures(cli *c)
{
    const run_summary *s = c->source->summary;
    char digits[24];
    int digit_count = snprintf(digits, sizeof(digits), "%zu", s->failure_count);
    size_t widths[2] = {(size_t)digit_count, NAME_WIDTH_MIN};
    run_failures all;
    run_failures_begin(&all, s);
    for (const run_failure *f; (f = run_failures_next(&all));)
        if (name_width(f) > widths[1])
            widths[1] = name_width(f);
    run_failures_end(&all);
    buf_addc(&c->out, '\n');
    cli_paint(c, CLI_RED, " %*s.  %-*s  %s", (int)widths[0], "#", (int)widths[1], "failure",
              "detail");
    buf_addc(&c->out, '\n');
    size_t number = 0;
    run_failures_begin(&all, s);
    for (const run_failure *f; (f = run_failures_next(&all));) {
        failure_rows(c, f, ++number, widths);
        cli_flush(c); // together they may be more than a buffer holds
    }
    run_failures_end(&all);
}
