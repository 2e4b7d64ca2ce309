// SPDX-License-Identifier: Apache-2.0
// threshold: what a load must show to pass, in a line such as "p95<200ms", "errors<1%", "rate>=50"
// or "Orders / create: p99<1s" for one request alone.
#pragma once

#include "load/hist.h"

typedef enum load_metric {
    LOAD_PERCENTILE, // p50, p99.9
    LOAD_AVERAGE,
    LOAD_MIN,
    LOAD_MAX,
    LOAD_ERRORS, // of 100 requests
    LOAD_FAILED, // how many
    LOAD_RATE,   // requests a second
} load_metric;

typedef struct threshold threshold;
struct threshold {
    str text;    // as given, borrowed
    str request; // path of the request; empty: all of them
    load_metric metric;
    double percent; // LOAD_PERCENTILE
    bool less;      // the value is an upper bound, otherwise a lower one
    bool or_equal;
    double value; // microseconds, percent, or a number
};

// What was measured.
typedef struct load_count load_count;
struct load_count {
    uint64_t requests; // that ended
    uint64_t failed;
    uint64_t statuses[6]; // by hundreds; [0]: none came
    uint64_t bytes;       // of bodies as transferred
    hist latency;         // of those, in microseconds
};

// LOAD_THRESHOLD, with the column in the text.
CODE_CHECKED threshold_parse(str text, threshold *ret, err *e);
// The measured value, in the threshold's unit.
double threshold_measure(const threshold *t, const load_count *n, double seconds);
// Of nothing that was measured nothing is kept.
bool threshold_holds(const threshold *t, const load_count *n, double seconds);
