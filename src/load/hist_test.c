// SPDX-License-Identifier: Apache-2.0
#include "load/hist.h"

#include "base/test.h"

enum { COUNT = 20000 };

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

// What the definition says of sorted values.
static uint64_t exact(const uint64_t *sorted, size_t count, double percent)
{
    size_t rank = 1;
    while ((double)rank * 100 < percent * (double)count)
        rank++;
    return sorted[rank - 1];
}

// A stream of numbers that is the same in every run.
static uint64_t next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static void assert_near(uint64_t got, uint64_t wanted, double percent)
{
    // Never below, and above by a thousandth at most.
    if (got < wanted || (double)(got - wanted) > (double)wanted / 1000)
        fail_msg("p%g: got %llu, wanted %llu", percent, (unsigned long long)got,
                 (unsigned long long)wanted);
}

static const double asked[] = {0.001, 1, 10, 50, 75, 90, 95, 99, 99.9, 99.99, 100};

static void percentiles_are_the_exact_ones_to_a_thousandth(void **state)
{
    (void)state;
    // Uniform from 1 µs up: a millisecond, a second, the whole range; and one with a long tail.
    static const uint64_t spans[] = {1000, 1000000, HIST_MAX_US, 0};
    uint64_t *values = mem_array(COUNT, sizeof(*values));
    for (size_t s = 0; s < ARRAY_LEN(spans); s++) {
        uint64_t seed = s + 1;
        hist h = {0};
        for (size_t i = 0; i < COUNT; i++) {
            uint64_t n = next(&seed);
            values[i] = spans[s] ? 1 + n % spans[s] : UINT64_C(200) << (n % 24);
            values[i] = values[i] > HIST_MAX_US ? HIST_MAX_US : values[i];
            hist_add(&h, values[i]);
        }
        qsort(values, COUNT, sizeof(*values), by_value);
        for (size_t p = 0; p < ARRAY_LEN(asked); p++)
            assert_near(hist_percentile(&h, asked[p]), exact(values, COUNT, asked[p]), asked[p]);
        assert_int_equal(h.min, values[0]);
        assert_int_equal(h.max, values[COUNT - 1]);
        hist_deinit(&h);
    }
    free(values);
}

static void two_merged_are_what_one_would_be(void **state)
{
    (void)state;
    uint64_t seed = 7;
    hist odd = {0}, even = {0}, all = {0};
    for (size_t i = 0; i < COUNT; i++) {
        uint64_t us = next(&seed) % (i % 2 ? 3000 : 90000000);
        hist_add(i % 2 ? &odd : &even, us);
        hist_add(&all, us);
    }
    hist_merge(&odd, &even);
    assert_int_equal(odd.count, all.count);
    assert_int_equal(odd.sum, all.sum);
    assert_int_equal(odd.min, all.min);
    assert_int_equal(odd.max, all.max);
    for (size_t p = 0; p < ARRAY_LEN(asked); p++)
        assert_int_equal(hist_percentile(&odd, asked[p]), hist_percentile(&all, asked[p]));
    hist_merge(&odd, &(hist){0}); // an empty one changes nothing, its minimum of 0 neither
    assert_int_equal(odd.min, all.min);
    hist_deinit(&odd);
    hist_deinit(&even);
    hist_deinit(&all);
}

static void what_is_longer_than_an_hour_counts_as_the_longest(void **state)
{
    (void)state;
    hist h = {0};
    hist_add(&h, UINT64_MAX);
    assert_int_equal(hist_percentile(&h, 50), HIST_MAX_US);
    assert_int_equal(h.max, HIST_MAX_US);
    hist_deinit(&h);
}

static void an_empty_one_and_a_reset_one_know_nothing(void **state)
{
    (void)state;
    hist h = {0};
    assert_int_equal(hist_percentile(&h, 99), 0);
    assert_true(hist_average(&h) == 0);
    hist_add(&h, 5000);
    hist_add(&h, 7000);
    assert_true(hist_average(&h) == 6000);
    hist_reset(&h);
    assert_int_equal(hist_percentile(&h, 99), 0);
    hist_add(&h, 9);
    assert_int_equal(h.min, 9);
    assert_int_equal(hist_percentile(&h, 99), 9);
    hist_deinit(&h);
}

// Ten million values take no more memory than one at each size.
static void memory_is_bounded_by_the_range(void **state)
{
    (void)state;
    hist h = {0};
    size_t blocks = 0;
    hist_add(&h, 100);
    for (size_t i = 0; i < HIST_BLOCKS; i++)
        blocks += h.blocks[i] != NULL;
    assert_int_equal(blocks, 1);
    for (int bit = 0; bit < 33; bit++)
        hist_add(&h, UINT64_C(1) << bit);
    blocks = 0;
    for (size_t i = 0; i < HIST_BLOCKS; i++)
        blocks += h.blocks[i] != NULL;
    assert_true(blocks <= HIST_BLOCKS);
    assert_int_equal(h.count, 34);
    hist_deinit(&h);
}

static void values_up_to_a_bound_are_counted(void **state)
{
    static const struct {
        uint64_t us, count;
    } rows[] = {{0, 0},     {999, 0},    {1000, 1},    {1999, 1},       {2000, 2},
                {50000, 2}, {100100, 3}, {9000000, 4}, {HIST_MAX_US, 5}};
    hist h = {0};
    (void)state;
    assert_int_equal(hist_count_to(&h, HIST_MAX_US), 0);
    static const uint64_t values[] = {1000, 2000, 100000, 5000000, HIST_MAX_US};
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        hist_add(&h, values[i]);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_row(i, hist_count_to(&h, rows[i].us) == rows[i].count);
    hist_deinit(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_are_the_exact_ones_to_a_thousandth),
        cmocka_unit_test(two_merged_are_what_one_would_be),
        cmocka_unit_test(what_is_longer_than_an_hour_counts_as_the_longest),
        cmocka_unit_test(an_empty_one_and_a_reset_one_know_nothing),
        cmocka_unit_test(memory_is_bounded_by_the_range),
        cmocka_unit_test(values_up_to_a_bound_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
