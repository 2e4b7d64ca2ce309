// SPDX-License-Identifier: Apache-2.0
// scale: how many instances a revision should have (contract cloud-run.md §4: Knative's pod
// autoscaler with Cloud Run's targets). Pure: it is told the time and the calls, and it answers.
//
// All of Knative's times hang on the stable window, 60 s there: buckets of a 60th, a panic window
// of a 10th, a tick each 30th. So one setting makes everything quicker, which a test or a person
// who watches wants.
#pragma once

#include "base/base.h"

enum {
    SCALE_BUCKETS = 60,
    SCALE_PANIC_BUCKETS = 6,
    SCALE_TICKS = 30,
    SCALE_WINDOW_MS = 60000,
    SCALE_WINDOW_MS_MIN = 600,
    SCALE_GRACE_MS = 30000,
};

typedef struct scale_options scale_options;
struct scale_options {
    uint64_t window_ms;   // the stable window
    uint64_t grace_ms;    // from idle for a whole window to the end of the last instance
    uint32_t concurrency; // calls that one instance takes at once
    uint32_t min, max;    // instances
};

typedef struct scaler scaler;
struct scaler {
    scale_options o;
    double buckets[SCALE_BUCKETS]; // calls × ms in each
    uint64_t bucket;               // number of the current one since time 0
    uint64_t now_ms;               // up to which the buckets are filled
    uint64_t first_ms;             // of the present data
    bool has_data;
    uint32_t level; // calls under way or waiting
    bool panicking;
    uint64_t panic_ms; // when panic began or was last confirmed
    uint32_t panic_max;
    bool inactive;
    uint64_t inactive_ms;
};

typedef struct scale_step scale_step;
struct scale_step {
    uint32_t desired;
    bool panicking;
    double stable, panic; // mean concurrency over both windows
};

void scaler_init(scaler *s, const scale_options *o, uint64_t now_ms);
uint64_t scaler_tick_ms(const scaler *s);
// The number of calls is now `level`. True: an idle revision got its first call, and the next tick
// should come at once.
bool scaler_set(scaler *s, uint64_t now_ms, uint32_t level);
// `ready` counts instances that take calls.
scale_step scaler_tick(scaler *s, uint64_t now_ms, uint32_t ready);
