// SPDX-License-Identifier: Apache-2.0
// Percentiles, bars that merge, rows and identities: what stays small however long a run is.
#include "base/test.h"
#include "report/tally.h"

typedef struct told told;
struct told {
    tally t;
    run_source source;
    run_summary summary;
    run_cursor cursor;
};

static void tell(told *x, run_event ev)
{
    ev.source = &x->source;
    ev.cursor = &x->cursor;
    tally_event(&x->t, &ev);
}

static const run_failure broken = {.message = {"no", 2}};

// A turn of the request whose answer took so long; `failed` by an assertion.
static void turn(told *x, const pm_item *item, uint64_t us, bool failed)
{
    run_exchange answer = {.has_response = us > 0,
                           .timings = {.total_us = us},
                           .time_ms = us / 1000,
                           .identity = {.age_s = -1}};
    js_assertion assertion = {.name = STR("a")};
    tell(x, (run_event){.kind = RUN_ITEM, .item = item});
    tell(x, (run_event){.kind = RUN_REQUEST, .exchange = &answer, .failure = us ? NULL : &broken});
    if (failed)
        tell(x, (run_event){.kind = RUN_ASSERTION, .assertion = &assertion, .failure = &broken});
    tell(x, (run_event){.kind = RUN_ITEM_END, .item = item});
}

static void begin(told *x)
{
    *x = (told){0};
    x->source.summary = &x->summary;
    tally_init(&x->t);
    tell(x, (run_event){.kind = RUN_START});
}

static void percentiles_are_within_five_per_cent(void **state)
{
    (void)state;
    told x;
    pm_item item = {0};
    begin(&x);
    assert_true(tally_percentile(&x.t, 0.5) <= 0);
    for (uint64_t ms = 1; ms <= 1000; ms++)
        turn(&x, &item, ms * 1000, false);
    static const double shares[] = {0.01, 0.5, 0.9, 0.95, 0.99, 1};
    for (size_t i = 0; i < ARRAY_LEN(shares); i++) {
        double found = tally_percentile(&x.t, shares[i]), true_ms = shares[i] * 1000;
        assert_true(found > true_ms * 0.95 && found < true_ms * 1.05);
    }
    turn(&x, &item, UINT64_C(1) << 62, false); // a century counts as the longest there is
    assert_true(tally_percentile(&x.t, 1) > 1e5);
    tally_deinit(&x.t);
}

static void two_bars_become_one_when_there_are_too_many(void **state)
{
    (void)state;
    told x;
    pm_item item = {0};
    begin(&x);
    for (int i = 0; i < TALLY_BARS; i++)
        turn(&x, &item, i == 5 ? 9000 : 1000, i == 4);
    assert_int_equal(tally_bar_count(&x.t), TALLY_BARS);
    assert_int_equal(x.t.bars[4].failed, 1);
    turn(&x, &item, 2000, true);
    assert_int_equal(x.t.bar_width, 2);
    assert_int_equal(tally_bar_count(&x.t), TALLY_BARS / 2 + 1);
    assert_int_equal(x.t.bars[2].failed, 1); // the fifth and the sixth
    assert_true(x.t.bars[2].ms_max > 8.9);
    assert_int_equal(x.t.bars[TALLY_BARS / 2].failed, 1);
    for (int i = 0; i < 100000; i++)
        turn(&x, &item, 1000, false);
    assert_true(tally_bar_count(&x.t) <= TALLY_BARS);
    assert_int_equal(x.t.requests, 100000 + TALLY_BARS + 1);
    tally_deinit(&x.t);
}

static void a_row_counts_turns_and_those_in_which_something_failed(void **state)
{
    (void)state;
    told x;
    pm_item one = {0}, other = {0};
    begin(&x);
    turn(&x, &one, 1000, false);
    turn(&x, &other, 0, false); // no answer
    turn(&x, &one, 3000, true);
    size_t cursor = 0;
    void *value;
    assert_true(map_next(&x.t.rows, &cursor, &(str){0}, &value));
    const tally_row *row = value;
    assert_ptr_equal(row->item, &one);
    assert_int_equal(row->turns, 2);
    assert_int_equal(row->failed, 1);
    assert_true(row->ms_sum / row->answers == 2 && row->ms_max == 3);
    assert_true(map_next(&x.t.rows, &cursor, &(str){0}, &value));
    row = value;
    assert_int_equal(row->failed, 1);
    assert_int_equal(row->answers, 0);
    assert_int_equal(x.t.time_count, 2);
    tally_deinit(&x.t);
}

static void identities_are_counted_each_once(void **state)
{
    (void)state;
    told x;
    pm_item item = {0};
    begin(&x);
    tell(&x, (run_event){.kind = RUN_ITEM, .item = &item});
    for (int i = 0; i < 400; i++) {
        char audience[32];
        snprintf(audience, sizeof(audience), "https://s%d", i < 3 ? 0 : i);
        run_exchange sent = {
            .identity = {.age_s = 1, .principal = STR("p"), .audience = str_from(audience)}};
        tell(&x, (run_event){.kind = RUN_REQUEST, .exchange = &sent});
    }
    size_t cursor = 0;
    void *value;
    assert_true(map_next(&x.t.identities, &cursor, &(str){0}, &value));
    assert_int_equal(((const tally_identity *)value)->requests, 3);
    assert_int_equal(x.t.identities.len, 256); // bounded
    tally_deinit(&x.t);
}

static void runs_are_added_up(void **state)
{
    (void)state;
    run_summary a = {.requests = {3, 0, 1},
                     .response = {.average = 10, .min = 5, .max = 20, .sd = 2, .count = 3},
                     .started_wall_ms = 100,
                     .completed_wall_ms = 200,
                     .response_bytes = 7};
    run_summary b = {.requests = {1, 0, 0},
                     .response = {.average = 30, .min = 30, .max = 30, .sd = 0, .count = 1},
                     .started_wall_ms = 50,
                     .completed_wall_ms = 150,
                     .response_bytes = 1};
    run_summary_add(&a, &b);
    assert_int_equal(a.requests.total, 4);
    assert_int_equal(a.requests.failed, 1);
    assert_int_equal(a.started_wall_ms, 50);
    assert_int_equal(a.completed_wall_ms, 200);
    assert_int_equal(a.response_bytes, 8);
    assert_true(a.response.average == 15 && a.response.min == 5 && a.response.max == 30);
    // Of 3 × variance 4 about 10 and one at 30: (12 + 20² · 3/4) / 4 = 78.
    assert_true(a.response.sd > 8.83 && a.response.sd < 8.84);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_are_within_five_per_cent),
        cmocka_unit_test(two_bars_become_one_when_there_are_too_many),
        cmocka_unit_test(a_row_counts_turns_and_those_in_which_something_failed),
        cmocka_unit_test(identities_are_counted_each_once),
        cmocka_unit_test(runs_are_added_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
