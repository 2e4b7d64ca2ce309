// SPDX-License-Identifier: Apache-2.0
#include "report/internal.h"

const run_listener *reporter_listener(const reporter *r)
{
    return &r->listener;
}

code reporter_finish(reporter *r, err *e)
{
    return r->finish(r, e);
}

void reporter_free(reporter *r)
{
    if (r)
        r->free(r);
}

void report_runs_add(report_runs *runs, const run_event *ev)
{
    if (ev->kind == RUN_START)
        vec_push(runs, ev->source);
}

run_summary report_runs_total(const report_runs *runs)
{
    run_summary total = {0};
    VEC_FOREACH (runs, r)
        run_summary_add(&total, (*r)->summary);
    return total;
}

size_t report_runs_failures(const report_runs *runs)
{
    size_t n = 0;
    VEC_FOREACH (runs, r)
        n += (*r)->summary->failure_count;
    return n;
}

str report_runs_name(arena *a, const report_runs *runs)
{
    str name = STR("");
    VEC_FOREACH (runs, r) {
        str one = (*r)->collection->root->name;
        name = name.len ? arena_printf(a, STR_FMT " + " STR_FMT, STR_ARG(name), STR_ARG(one)) : one;
    }
    return name;
}
