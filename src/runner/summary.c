// SPDX-License-Identifier: Apache-2.0
// Counts as newman's: what has begun is pending, what has ended counts.
#include <math.h>

#include "runner/runner.h"

static void end(run_count *c, bool failed)
{
    if (c->pending) // assertions have no beginning
        c->pending--;
    c->total++;
    c->failed += failed;
}

// The running mean and variance of two lots together (Chan's form of Welford's).
static void add_spread(run_spread *s, const run_spread *o)
{
    double n = (double)s->count, m = (double)o->count, all = n + m;
    double apart = o->average - s->average;
    if (!o->count)
        return;
    double squares = s->sd * s->sd * n + o->sd * o->sd * m + apart * apart * n * m / all;
    s->min = !s->count || o->min < s->min ? o->min : s->min;
    s->max = !s->count || o->max > s->max ? o->max : s->max;
    s->average += apart * m / all;
    s->sd = sqrt(squares / all);
    s->count += o->count;
}

static void add_sample(run_spread *s, uint64_t us)
{
    double ms = (double)us / 1000.0;
    add_spread(s, &(run_spread){.average = ms, .min = ms, .max = ms, .count = 1});
}

static void add_exchange(run_summary *s, const run_exchange *x)
{
    const fetch_timings *t = &x->timings;
    s->response_bytes += x->body_bytes;
    add_sample(&s->response, t->total_us);
    if (t->dns_us) // a kept connection asks nobody
        add_sample(&s->dns, t->dns_us);
    if (t->first_byte_us > t->sent_us)
        add_sample(&s->first_byte, t->first_byte_us - t->sent_us);
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

void run_summary_count(run_summary *s, const run_event *ev)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t at = ev->script_kind == JS_TEST ? rows[i].of_test : rows[i].of_prerequest;
        run_count *c = (run_count *)((char *)s + at);
        if (ev->kind == rows[i].end)
            end(c, ev->failure != NULL);
        else if (ev->kind == rows[i].begin)
            c->pending++;
    }
    if (ev->kind == RUN_REQUEST && ev->exchange->has_response)
        add_exchange(s, ev->exchange);
    else if (ev->kind == RUN_START)
        s->started_wall_ms = clock_wall_ms();
    else if (ev->kind == RUN_DONE)
        s->completed_wall_ms = clock_wall_ms();
}

static void add_count(run_count *c, const run_count *o)
{
    c->total += o->total;
    c->pending += o->pending;
    c->failed += o->failed;
}

void run_summary_add(run_summary *s, const run_summary *o)
{
    add_count(&s->iterations, &o->iterations);
    add_count(&s->items, &o->items);
    add_count(&s->scripts, &o->scripts);
    add_count(&s->prerequests, &o->prerequests);
    add_count(&s->requests, &o->requests);
    add_count(&s->tests, &o->tests);
    add_count(&s->assertions, &o->assertions);
    add_count(&s->test_scripts, &o->test_scripts);
    add_count(&s->prerequest_scripts, &o->prerequest_scripts);
    add_spread(&s->response, &o->response);
    add_spread(&s->dns, &o->dns);
    add_spread(&s->first_byte, &o->first_byte);
    bool first = !s->started_wall_ms || o->started_wall_ms < s->started_wall_ms;
    s->started_wall_ms = first ? o->started_wall_ms : s->started_wall_ms;
    bool last = o->completed_wall_ms > s->completed_wall_ms;
    s->completed_wall_ms = last ? o->completed_wall_ms : s->completed_wall_ms;
    s->response_bytes += o->response_bytes;
}
