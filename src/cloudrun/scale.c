// SPDX-License-Identifier: Apache-2.0
#include "cloudrun/scale.h"

#include <math.h>
#include <string.h>

// Cloud Run aims at 60 % of the concurrency that an instance allows.
static const double utilization = 0.6;
static const double target_min = 0.01;
static const double panic_threshold = 2;
static const double up_rate = 1000, down_rate = 2;

static uint64_t bucket_ms(const scaler *s)
{
    return s->o.window_ms / SCALE_BUCKETS;
}

uint64_t scaler_tick_ms(const scaler *s)
{
    return s->o.window_ms / SCALE_TICKS;
}

void scaler_init(scaler *s, const scale_options *o, uint64_t now_ms)
{
    *s = (scaler){.o = *o};
    if (s->o.window_ms < SCALE_WINDOW_MS_MIN)
        s->o.window_ms = SCALE_WINDOW_MS_MIN;
    s->now_ms = now_ms;
    s->bucket = now_ms / bucket_ms(s);
}

// ---- the metric

static double *bucket_at(scaler *s, uint64_t number)
{
    return &s->buckets[number % SCALE_BUCKETS];
}

static void forget(scaler *s)
{
    memset(s->buckets, 0, sizeof(s->buckets));
    s->has_data = false;
}

// Fills the buckets up to now with the present level.
static void advance(scaler *s, uint64_t now_ms)
{
    uint64_t len = bucket_ms(s), target = now_ms / len;
    if (now_ms <= s->now_ms)
        return;
    // After a longer gap than the window every bucket would be written anew.
    if (target - s->bucket > SCALE_BUCKETS) {
        memset(s->buckets, 0, sizeof(s->buckets));
        s->bucket = target - SCALE_BUCKETS;
        s->now_ms = s->bucket * len;
    }
    while (s->now_ms < now_ms) {
        uint64_t end = (s->bucket + 1) * len, until = end < now_ms ? end : now_ms;
        *bucket_at(s, s->bucket) += (double)s->level * (double)(until - s->now_ms);
        s->now_ms = until;
        if (until == end)
            *bucket_at(s, ++s->bucket) = 0;
    }
}

// The mean over the last `count` buckets, or over the time since the data began.
static double mean(scaler *s, uint64_t count)
{
    uint64_t len = bucket_ms(s), begin = (s->bucket + 1) * len - count * len;
    double sum = 0;
    if (!s->has_data)
        return 0;
    for (uint64_t i = 0; i < count && i <= s->bucket; i++)
        sum += *bucket_at(s, s->bucket - i);
    if (s->bucket + 1 < count || begin < s->first_ms)
        begin = s->first_ms;
    uint64_t elapsed = s->now_ms - begin;
    return sum / (double)(elapsed < len ? len : elapsed);
}

bool scaler_set(scaler *s, uint64_t now_ms, uint32_t level)
{
    advance(s, now_ms);
    bool first = level && !s->has_data;
    if (first) {
        s->has_data = true;
        s->first_ms = s->now_ms;
        *bucket_at(s, s->bucket) += (double)bucket_ms(s); // a whole call, though it just came
    }
    s->level = level;
    return first;
}

// ---- the decision

static uint32_t clamp(double n, double min, double max)
{
    return (uint32_t)(n < min ? min : n > max ? max : n);
}

static void update_panic(scaler *s, bool over)
{
    if (over) {
        s->panicking = true;
        s->panic_ms = s->now_ms;
    } else if (s->panicking && s->panic_ms + s->o.window_ms < s->now_ms) {
        s->panicking = false;
        s->panic_max = 0;
    }
}

// Nothing came for a window: one instance stays for the grace period.
static uint32_t to_zero(scaler *s, uint32_t ready)
{
    if (!s->inactive) {
        s->inactive = true;
        s->inactive_ms = s->now_ms;
    }
    bool over = s->now_ms - s->inactive_ms >= s->o.grace_ms;
    if (over)
        forget(s);
    return over || !ready ? 0 : 1;
}

scale_step scaler_tick(scaler *s, uint64_t now_ms, uint32_t ready)
{
    advance(s, now_ms);
    double target = fmax(target_min, s->o.concurrency * utilization);
    double have = ready ? ready : 1, up = ceil(up_rate * have), down = floor(have / down_rate);
    scale_step step = {.stable = mean(s, SCALE_BUCKETS), .panic = mean(s, SCALE_PANIC_BUCKETS)};
    double by_panic = ceil(step.panic / target);
    uint32_t desired = clamp(ceil(step.stable / target), down, up);

    update_panic(s, by_panic / have >= panic_threshold);
    if (s->panicking) {
        uint32_t panic_desired = clamp(by_panic, down, up);
        desired = desired > panic_desired ? desired : panic_desired;
        s->panic_max = desired > s->panic_max ? desired : s->panic_max;
        desired = s->panic_max;
    }
    if (step.stable > 0 || s->level) {
        s->inactive = false;
        desired = desired ? desired : 1; // a call that has just come has no weight yet
    } else if (desired <= 1) {
        desired = to_zero(s, ready);
    }
    desired = desired < s->o.min ? s->o.min : desired;
    step.desired = desired > s->o.max ? s->o.max : desired;
    step.panicking = s->panicking;
    return step;
}
