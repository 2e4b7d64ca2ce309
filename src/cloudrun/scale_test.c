// SPDX-License-Identifier: Apache-2.0
// Traces of calls, and how many instances the autoscaler wants after each tick.
#include "base/test.h"
#include "cloudrun/scale.h"

// One step of a trace: at this time the level changes, then the scaler ticks with so many ready.
typedef struct step {
    uint64_t at_s;
    int level; // -1: as before
    uint32_t ready;
    uint32_t desired;
    bool panicking;
} step;

typedef struct trace {
    const char *name;
    uint32_t concurrency, min, max;
    step steps[12]; // ends with a zero time, but for the first
} trace;

static const trace traces[] = {
    {"nothing comes: nothing runs", 80, 0, 100, {{0, 0, 0, 0, false}, {100, -1, 0, 0, false}}},
    {"the first call reports one at once", 80, 0, 100, {{0, 1, 0, 1, false}}},
    {"one call for a minute needs one",
     80,
     0,
     100,
     {{0, 1, 0, 1, false}, {2, -1, 1, 1, false}, {60, -1, 1, 1, false}}},
    // 48 calls are 60 % of 80.
    {"the target is 60 % of the concurrency",
     80,
     0,
     100,
     {{0, 48, 0, 1, false}, {60, -1, 1, 1, false}, {61, 49, 1, 1, false}, {122, -1, 1, 2, true}}},
    {"a burst panics within seconds and adds at once",
     10,
     0,
     100,
     {{0, 1, 0, 1, false},
      {30, 60, 1, 1, false},
      {36, -1, 1, 10, true},
      // The panic holds its largest number, though the burst is over, for a window.
      {38, 0, 10, 10, true},
      {90, -1, 10, 10, true},
      // Then the averages count again: nothing came for a window, half of them go at each tick.
      {102, -1, 10, 5, false},
      {104, -1, 5, 2, false},
      {106, -1, 2, 1, false}}},
    {"maxScale is never passed",
     1,
     0,
     3,
     {{0, 50, 0, 2, true}, {10, 500, 3, 3, true}, {70, -1, 3, 3, true}}},
    {"minScale always runs", 80, 2, 100, {{0, 0, 0, 2, false}, {1000, -1, 2, 2, false}}},
    {"idle for a window, then the grace, then none",
     80,
     0,
     100,
     {{0, 1, 0, 1, false},
      {5, 0, 1, 1, false},
      {63, -1, 1, 1, false},   // its last second is still in the window
      {64, -1, 1, 1, false},   // the window is empty: the grace begins
      {93, -1, 1, 1, false},   // 29 s of it
      {94, -1, 1, 0, false}}}, // over
    {"a call during the grace keeps it",
     80,
     0,
     100,
     {{0, 1, 0, 1, false},
      {5, 0, 1, 1, false},
      {66, -1, 1, 1, false},
      {80, 1, 1, 1, false},
      {81, 0, 1, 1, false},
      {96, -1, 1, 1, false},
      {142, -1, 1, 1, false},
      {172, -1, 1, 0, false}}},
    {"from none again after a long silence",
     80,
     0,
     100,
     {{0, 1, 0, 1, false},
      {1, 0, 1, 1, false},
      {62, -1, 1, 1, false},
      {92, -1, 1, 0, false},
      {100000, 1, 0, 1, false}}},
    {"calls that never end keep their instances",
     10,
     0,
     100,
     {{0, 6, 0, 1, false}, {3600, -1, 1, 1, false}, {7200, -1, 1, 1, false}}},
};

static void run_trace(const trace *t, uint64_t scale)
{
    scaler s;
    scale_options o = {.window_ms = SCALE_WINDOW_MS / scale,
                       .grace_ms = SCALE_GRACE_MS / scale,
                       .concurrency = t->concurrency,
                       .min = t->min,
                       .max = t->max};
    const uint64_t begin = 1000000;
    scaler_init(&s, &o, begin);
    for (size_t i = 0; i < ARRAY_LEN(t->steps) && (i == 0 || t->steps[i].at_s); i++) {
        const step *st = &t->steps[i];
        uint64_t now = begin + st->at_s * 1000 / scale;
        if (st->level >= 0)
            scaler_set(&s, now, (uint32_t)st->level);
        scale_step got = scaler_tick(&s, now, st->ready);
        if (got.desired != st->desired || got.panicking != st->panicking)
            fail_msg("%s, step %zu: wants %u%s, stable %.2f, panic %.2f", t->name, i, got.desired,
                     got.panicking ? " in panic" : "", got.stable, got.panic);
    }
}

static void each_trace_has_its_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(traces); i++)
        run_trace(&traces[i], 1);
}

// All times hang on the window: a window of 2 s shows the same thirty times as fast.
static void a_shorter_window_makes_everything_quicker(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(traces); i++)
        run_trace(&traces[i], 20);
}

static void the_first_call_of_an_idle_revision_pokes(void **state)
{
    (void)state;
    scaler s;
    scale_options o = {.window_ms = 6000, .grace_ms = 0, .concurrency = 80, .max = 1};
    scaler_init(&s, &o, 0);
    assert_int_equal(scaler_tick_ms(&s), 200);
    assert_true(scaler_set(&s, 10, 1));
    assert_false(scaler_set(&s, 20, 2));
    assert_false(scaler_set(&s, 30, 0));
    assert_false(scaler_set(&s, 40, 1)); // it isn't idle yet
    assert_false(scaler_set(&s, 50, 0));
    scaler_tick(&s, 7000, 1);
    assert_true(scaler_set(&s, 7100, 1));
}

static void the_mean_counts_time_not_calls(void **state)
{
    (void)state;
    scaler s;
    scale_options o = {.window_ms = 60000, .grace_ms = 30000, .concurrency = 10, .max = 100};
    scaler_init(&s, &o, 0);
    scaler_set(&s, 0, 4);
    scaler_set(&s, 30000, 0);
    scale_step got = scaler_tick(&s, 60000, 1);
    // 4 calls for half of the time; the first one counted a second more.
    assert_true(got.stable > 1.95 && got.stable < 2.1);
    assert_true(got.panic < 0.001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_trace_has_its_numbers),
        cmocka_unit_test(a_shorter_window_makes_everything_quicker),
        cmocka_unit_test(the_first_call_of_an_idle_revision_pokes),
        cmocka_unit_test(the_mean_counts_time_not_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
