// SPDX-License-Identifier: Apache-2.0
// hist: a histogram of microseconds in the manner of HdrHistogram: whatever is recorded, a value is
// known to a thousandth of itself, and memory has a bound that doesn't grow with the count. Two of
// them add up to what one would be that had seen both.
#pragma once

#include "base/base.h"

// Exact below 2^11 µs; above it each power of two is cut into 2^10 steps. Its counters come with
// the first value that needs them.
enum { HIST_BITS = 11, HIST_BLOCKS = 23 };
#define HIST_MAX_US ((UINT64_C(1) << 32) - 1) // 71 minutes; what is longer counts as this

typedef struct hist hist;
struct hist {
    uint64_t *blocks[HIST_BLOCKS]; // NULL: nothing there
    uint64_t count, sum;
    uint64_t min, max; // as they were, not as a step has them
};

// A zeroed one is empty.
void hist_deinit(hist *h);
void hist_reset(hist *h); // keeps the memory
void hist_add(hist *h, uint64_t us);
void hist_merge(hist *into, const hist *from);
// The smallest value that `percent` of all values don't exceed, to a thousandth; 0 when empty.
uint64_t hist_percentile(const hist *h, double percent);
// How many values don't exceed it, to a thousandth of it.
uint64_t hist_count_to(const hist *h, uint64_t us);
double hist_average(const hist *h);
