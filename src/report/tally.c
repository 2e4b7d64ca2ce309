// SPDX-License-Identifier: Apache-2.0
#include "report/tally.h"

#include <math.h>
#include <string.h>

enum { IDENTITIES_MAX = 256, KEY_BYTES_MAX = 8192 };

void tally_init(tally *t)
{
    *t = (tally){.bar_width = 1};
}

static void identity_free(void *p)
{
    tally_identity *id = p;
    free(id->principal);
    free(id->via);
    free(id->audience);
    free(id);
}

void tally_deinit(tally *t)
{
    vec_deinit(&t->runs);
    map_deinit(&t->rows, free);
    map_deinit(&t->identities, identity_free);
}

static void begin_turn(tally *t, const run_event *ev)
{
    str key = {(const char *)&ev->item, sizeof(ev->item)};
    tally_row *row = map_get(&t->rows, key);
    if (!row) {
        row = NEW(tally_row);
        row->item = ev->item;
        row->source = ev->source;
        map_set(&t->rows, key, row);
    }
    t->now = row;
    t->failed = false;
}

static void end_turn(tally *t)
{
    if (!t->now)
        return;
    t->now->turns++;
    t->now->failed += t->failed;
    t->now = NULL;
}

static void add_time(tally *t, double ms)
{
    double us = ms * 1000;
    long step = us < 1 ? 0 : lround(log2(us) * TALLY_STEPS);
    t->times[step < TALLY_TIMES ? step : TALLY_TIMES - 1]++;
    t->time_count++;
    t->now->answers++;
    t->now->ms_sum += ms;
    t->now->ms_max = fmax(t->now->ms_max, ms);
}

// Two bars become one.
static void halve(tally *t)
{
    for (size_t i = 0; i < TALLY_BARS / 2; i++) {
        const tally_bar *a = &t->bars[2 * i], *b = a + 1;
        t->bars[i] = (tally_bar){fmax(a->ms_max, b->ms_max), a->failed + b->failed};
    }
    memset(t->bars + TALLY_BARS / 2, 0, sizeof(t->bars) / 2);
    t->bar_width *= 2;
}

static void add_bar(tally *t, const run_event *ev, double ms)
{
    if (t->requests == TALLY_BARS * t->bar_width)
        halve(t);
    tally_bar *bar = &t->bars[t->requests / t->bar_width];
    bar->ms_max = fmax(bar->ms_max, ms);
    bar->failed += ev->failure != NULL;
    t->requests++;
}

// What fails after the answer, an assertion, counts for the bar of the answer.
static void mark_bar(tally *t)
{
    if (t->requests && !t->failed)
        t->bars[(t->requests - 1) / t->bar_width].failed++;
}

static void add_identity(tally *t, const run_identity *id)
{
    buf key;
    if (id->age_s < 0)
        return;
    buf_init(&key, KEY_BYTES_MAX);
    buf_addf(&key, STR_FMT "\n" STR_FMT "\n" STR_FMT, STR_ARG(id->principal), STR_ARG(id->via),
             STR_ARG(id->audience));
    tally_identity *row = map_get(&t->identities, buf_str(&key));
    if (!row && t->identities.len < IDENTITIES_MAX) {
        row = NEW(tally_identity);
        row->principal = mem_dupn(id->principal.ptr, id->principal.len);
        row->via = mem_dupn(id->via.ptr, id->via.len);
        row->audience = mem_dupn(id->audience.ptr, id->audience.len);
        map_set(&t->identities, buf_str(&key), row);
    }
    if (row)
        row->requests++;
    buf_deinit(&key);
}

void tally_event(tally *t, const run_event *ev)
{
    report_runs_add(&t->runs, ev);
    if (ev->kind == RUN_ITEM)
        begin_turn(t, ev);
    if (!t->now)
        return;
    if (ev->kind == RUN_REQUEST) {
        double ms = ev->exchange->has_response ? report_time(ev->exchange) : 0;
        if (ev->exchange->has_response)
            add_time(t, ms);
        add_bar(t, ev, ms);
        add_identity(t, &ev->exchange->identity);
    } else if (ev->failure) {
        mark_bar(t);
    }
    t->failed = t->failed || ev->failure;
    if (ev->kind == RUN_ITEM_END || ev->kind == RUN_DONE)
        end_turn(t);
}

double tally_percentile(const tally *t, double share)
{
    double wanted = share * t->time_count, seen = 0;
    for (size_t i = 0; i < TALLY_TIMES; i++) {
        seen += t->times[i];
        if (seen >= wanted && seen > 0)
            return exp2((double)i / TALLY_STEPS) / 1000;
    }
    return 0;
}

size_t tally_bar_count(const tally *t)
{
    return (t->requests + t->bar_width - 1) / t->bar_width;
}
