// SPDX-License-Identifier: Apache-2.0
// tally: what a report tells of a whole run, kept in memory that grows with the collection and not
// with the run: a row for each request, how long answers took, which identities were used.
#pragma once

#include "report/internal.h"

typedef struct tally_row tally_row;
struct tally_row {
    const pm_item *item;
    const run_source *source;
    uint32_t turns, failed; // turns in which something failed
    uint32_t answers;
    double ms_sum, ms_max;
};

typedef struct tally_identity tally_identity;
struct tally_identity {
    char *principal, *via, *audience;
    uint32_t requests;
};

// Times of answers, a counter for each sixteenth of a power of two: within 5 % of the truth.
enum { TALLY_STEPS = 16, TALLY_TIMES = 40 * TALLY_STEPS };

// The run from left to right: each bar stands for `width` requests. When there are too many bars,
// two become one.
enum { TALLY_BARS = 180 };
typedef struct tally_bar tally_bar;
struct tally_bar {
    double ms_max;
    uint32_t failed;
};

typedef struct tally tally;
struct tally {
    report_runs runs;
    map rows;       // by the address of the item: a tally_row, in order of first turns
    map identities; // by all three texts: a tally_identity
    uint32_t times[TALLY_TIMES];
    uint32_t time_count;
    tally_bar bars[TALLY_BARS];
    uint32_t bar_width, requests;
    tally_row *now; // the request that has its turn
    bool failed;    // something in its turn has
};

void tally_init(tally *t);
void tally_deinit(tally *t);
void tally_event(tally *t, const run_event *ev);
// The time that this share of the answers stayed below, in milliseconds.
double tally_percentile(const tally *t, double share);
// How many bars there are.
size_t tally_bar_count(const tally *t);
