// SPDX-License-Identifier: Apache-2.0
// Counts as newman's: what has begun is pending, what has ended counts.
#include <math.h>

#include "runner/run.h"

static void end(run_count *c, bool failed)
{
    if (c->pending) // assertions have no beginning
        c->pending--;
    c->total++;
    c->failed += failed;
}

// Welford's running mean and variance.
static void add_sample(run_spread *s, uint64_t *count, double value)
{
    double variance = s->sd * s->sd * (double)*count;
    double before = value - s->average;
    ++*count;
    s->average += before / (double)*count;
    s->sd = sqrt((variance + before * (value - s->average)) / (double)*count);
    s->min = *count == 1 || value < s->min ? value : s->min;
    s->max = *count == 1 || value > s->max ? value : s->max;
}

static void add_exchange(runner *r, const run_exchange *x)
{
    run_summary *s = &r->summary;
    const fetch_timings *t = &x->timings;
    s->response_bytes += x->body_bytes;
    add_sample(&s->response, &r->response_count, (double)t->total_us / 1000.0);
    if (t->dns_us) // a kept connection asks nobody
        add_sample(&s->dns, &r->dns_count, (double)t->dns_us / 1000.0);
    if (t->first_byte_us > t->sent_us)
        add_sample(&s->first_byte, &r->first_byte_count,
                   (double)(t->first_byte_us - t->sent_us) / 1000.0);
}

typedef struct counter_row counter_row;
struct counter_row {
    run_event_kind begin, end;
    size_t of_test, of_prerequest; // offsets of the counters; the same where kinds don't matter
};

#define BOTH(name) offsetof(run_summary, name), offsetof(run_summary, name)
static const counter_row rows[] = {
    {RUN_ITERATION, RUN_ITERATION_END, BOTH(iterations)},
    {RUN_ITEM, RUN_ITEM_END, BOTH(items)},
    {RUN_BEFORE_SCRIPTS, RUN_SCRIPTS, offsetof(run_summary, tests),
     offsetof(run_summary, prerequests)},
    {RUN_BEFORE_SCRIPT, RUN_SCRIPT, BOTH(scripts)},
    {RUN_BEFORE_SCRIPT, RUN_SCRIPT, offsetof(run_summary, test_scripts),
     offsetof(run_summary, prerequest_scripts)},
    {RUN_BEFORE_REQUEST, RUN_REQUEST, BOTH(requests)},
    {RUN_ASSERTION, RUN_ASSERTION, BOTH(assertions)},
};

void summary_count(runner *r, const run_event *ev)
{
    run_summary *s = &r->summary;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t at = ev->script_kind == JS_TEST ? rows[i].of_test : rows[i].of_prerequest;
        run_count *c = (run_count *)((char *)s + at);
        if (ev->kind == rows[i].end)
            end(c, ev->failure != NULL);
        else if (ev->kind == rows[i].begin)
            c->pending++;
    }
    if (ev->kind == RUN_REQUEST && ev->exchange->has_response)
        add_exchange(r, ev->exchange);
    else if (ev->kind == RUN_START)
        s->started_wall_ms = clock_wall_ms();
    else if (ev->kind == RUN_DONE)
        s->completed_wall_ms = clock_wall_ms();
}
