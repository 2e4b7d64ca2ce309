// SPDX-License-Identifier: Apache-2.0
// The progress reporter: a bar on a terminal, one line in a pipe. And newman's emojitrain.
#include <sys/ioctl.h>

#include "report/internal.h"

enum { FRAME_MS = 100, BAR_WIDTH = 28, COLUMNS = 80, LINE_BYTES_MAX = 4096 };

typedef struct progress progress;
struct progress {
    reporter base;
    report_progress_options o;
    report_runs runs;
    uint64_t drawn_mono_ms, started_mono_ms;
    uint32_t failures;
    uint64_t done, planned; // turns
    bool failed;            // the request that has its turn
    bool ended;             // the output failed, and the run was stopped
    arena mem;
};

size_t report_columns(FILE *terminal)
{
    struct winsize size;
    bool known = ioctl(fileno(terminal), TIOCGWINSZ, &size) == 0 && size.ws_col;
    return known ? size.ws_col : COLUMNS;
}

static void add_bar(progress *p, buf *out)
{
    uint64_t full = p->planned ? p->done * BAR_WIDTH / p->planned : 0;
    full = full > BAR_WIDTH ? BAR_WIDTH : full;
    if (p->o.colour)
        buf_addz(out, p->failures ? "\033[31m" : "\033[32m");
    for (uint64_t i = 0; i < BAR_WIDTH; i++) {
        if (i == full && p->o.colour)
            buf_addz(out, "\033[90m");
        buf_addz(out, p->o.plain ? (i < full ? "#" : ".") : i < full ? "█" : "░");
    }
    if (p->o.colour)
        buf_addz(out, "\033[0m");
}

// What fits behind the bar: numbers first, the name as far as there is room.
static void draw(progress *p, const run_event *ev)
{
    buf out, facts, name;
    uint64_t now = clock_mono_ms(), ms = now - p->started_mono_ms;
    p->drawn_mono_ms = now;
    buf_init(&out, LINE_BYTES_MAX);
    buf_init(&facts, LINE_BYTES_MAX);
    buf_init(&name, LINE_BYTES_MAX);
    buf_addf(&facts, " %llu/%llu", (unsigned long long)p->done, (unsigned long long)p->planned);
    if (p->failures)
        buf_addf(&facts, ", %u failed", p->failures);
    if (ms > 1000)
        buf_addf(&facts, ", %llu/s", (unsigned long long)(p->done * 1000 / ms));
    buf_addz(&facts, "  ");
    arena_reset(&p->mem);
    buf_add_shown(&name, report_item_name(&p->mem, ev->item));
    buf_addz(&out, "\r");
    add_bar(p, &out);
    buf_adds(&out, buf_str(&facts));
    str text = buf_str(&name);
    size_t used = BAR_WIDTH + utf8_len(buf_str(&facts)), room = report_columns(p->o.out);
    for (uint32_t cp; used + 1 < room && text.len; used++) {
        size_t len = utf8_decode(text, &cp);
        buf_adds(&out, str_sub(text, 0, len ? len : 1));
        text = str_skip(text, len ? len : 1);
    }
    buf_addz(&out, "\033[K");
    fwrite(out.ptr, 1, out.len, p->o.out);
    fflush(p->o.out);
    buf_deinit(&out);
    buf_deinit(&facts);
    buf_deinit(&name);
}

static void on_item_end(progress *p, const run_event *ev)
{
    p->done++;
    if (p->o.faces)
        fprintf(p->o.out, "%s ", p->failed ? "😢" : "😀");
    if (p->o.faces)
        fflush(p->o.out);
    else if (p->o.terminal && clock_mono_ms() - p->drawn_mono_ms >= FRAME_MS)
        draw(p, ev);
}

static void on_event(void *ctx, const run_event *ev)
{
    progress *p = ctx;
    report_runs_add(&p->runs, ev);
    if (ferror(p->o.out) && !p->ended) { // nobody reads on
        p->ended = true;
        ev->source->stop(ev->source->ctx);
    }
    p->failures += ev->failure != NULL;
    p->failed = ev->failure || (p->failed && ev->kind != RUN_ITEM);
    if (ev->kind == RUN_START) {
        p->started_mono_ms = clock_mono_ms();
        p->planned += (uint64_t)ev->cursor->iterations * ev->cursor->length;
    } else if (ev->kind == RUN_ITEM && p->o.terminal && !p->o.faces && !p->done) {
        draw(p, ev);
    } else if (ev->kind == RUN_ITEM_END) {
        on_item_end(p, ev);
    }
}

static code finish(reporter *base, err *e)
{
    progress *p = (progress *)base;
    run_summary s = report_runs_total(&p->runs);
    buf out;
    buf_init(&out, LINE_BYTES_MAX);
    if (p->o.faces) {
        buf_addf(&out, " %s\n", p->failures ? "😭" : "😍");
    } else {
        if (p->o.terminal)
            buf_addz(&out, "\r\033[K");
        buf_addf(&out, "%u requests, %u assertions, %u failed, ", s.requests.total,
                 s.assertions.total, p->failures);
        report_ms(&out, (double)(s.completed_wall_ms - s.started_wall_ms), p->o.plain);
        buf_addc(&out, '\n');
    }
    fwrite(out.ptr, 1, out.len, p->o.out);
    buf_deinit(&out);
    if (fflush(p->o.out) == 0 && !ferror(p->o.out))
        return OK;
    return err_set(e, SYS_FAILED, "the report could not be printed");
}

static void progress_free(reporter *base)
{
    progress *p = (progress *)base;
    vec_deinit(&p->runs);
    arena_deinit(&p->mem);
    free(p);
}

reporter *report_progress_new(const report_progress_options *o)
{
    progress *p = NEW(progress);
    p->base = (reporter){.listener = {on_event, p}, .finish = finish, .free = progress_free};
    p->o = *o;
    arena_init(&p->mem);
    return &p->base;
}
