// SPDX-License-Identifier: Apache-2.0
// The schedule by a clock that the test moves: arithmetic on the time since the beginning.
#include "load/profile.h"

#include "base/test.h"

static const uint64_t ms = 1000000;

static profile read_stages(double start, const char *stages)
{
    profile p = {.start = start};
    str rest = str_from(stages), one;
    err e = ERR_INIT;
    while (str_next(&rest, ',', &one))
        assert_code(profile_add(&p, one, &e), OK);
    return p;
}

static void a_rate_has_even_gaps_and_begins_at_once(void **state)
{
    (void)state;
    profile p = read_stages(50, "2s:50");
    uint64_t at;
    assert_int_equal(profile_total(&p), 100);
    for (uint64_t i = 0; i < 100; i++) {
        assert_true(profile_due(&p, i, &at));
        assert_int_equal(at, i * 20 * ms);
    }
    assert_false(profile_due(&p, 100, &at));
}

static void a_rising_rate_begins_as_its_area_grows(void **state)
{
    (void)state;
    // 0 to 100 a second in 2 s: t²·25 have begun by t.
    profile p = read_stages(0, "2s:100");
    static const struct {
        uint64_t index, at_ms;
    } rows[] = {{0, 0}, {1, 200}, {4, 400}, {25, 1000}, {81, 1800}};
    uint64_t at;
    assert_int_equal(profile_total(&p), 100);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_row(i, profile_due(&p, rows[i].index, &at));
        assert_row(i, at / 1000 == rows[i].at_ms * 1000 || at / 1000 + 1 == rows[i].at_ms * 1000);
    }
}

static void stages_follow_each_other(void **state)
{
    (void)state;
    // 10 begin in the first second, none in the second, and 10 within the last.
    profile p = read_stages(10, "1s:10,0s:0,1s:0,0s:10,1s:10");
    uint64_t at;
    assert_int_equal(profile_total(&p), 20);
    assert_int_equal(profile_length_ns(&p), 3000 * ms);
    assert_true(profile_due(&p, 9, &at));
    assert_int_equal(at, 900 * ms);
    assert_true(profile_due(&p, 10, &at));
    assert_int_equal(at, 2000 * ms);
    assert_true(profile_due(&p, 19, &at));
    assert_int_equal(at, 2900 * ms);
    assert_false(profile_due(&p, 20, &at));
}

static void times_never_go_back_and_the_total_is_kept(void **state)
{
    (void)state;
    static const struct {
        double start;
        const char *stages;
    } rows[] = {
        {0, "1s:333,7s:333,3s:1"}, {3, "10s:3"}, {0.1, "100s:0.1"},
        {1000, "5s:0,1s:7"},       {7, "0s:9"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        profile p = read_stages(rows[i].start, rows[i].stages);
        uint64_t count = 0, at = 0, before = 0;
        for (; profile_due(&p, count, &at); count++) {
            assert_row(i, at >= before && at <= profile_length_ns(&p));
            before = at;
        }
        assert_row(i, count == profile_total(&p));
    }
}

static void users_go_in_a_straight_line(void **state)
{
    (void)state;
    profile p = read_stages(0, "10s:50,20s:50,5s:10");
    static const struct {
        uint64_t at_ms;
        double users;
    } rows[] = {{0, 0},      {5000, 25},  {10000, 50}, {29999, 50},
                {32500, 30}, {35000, 10}, {99000, 10}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_row(i, profile_at(&p, rows[i].at_ms * ms) == rows[i].users);
    assert_true(profile_peak(&p) == 50);
}

static void a_wrong_stage_is_told_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t col;
    } rows[] = {{"30s", 4},    {"", 1},       {"x:5", 1},      {"30s:", 5},       {"30s:many", 5},
                {"30s:-1", 5}, {"30s:5x", 5}, {"30s:0x10", 5}, {"5m:1000001", 4}, {"-3s:5", 1}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        profile p = {0};
        err e = ERR_INIT;
        assert_row(i, profile_add(&p, str_from(rows[i].text), &e) == LOAD_STAGE);
        assert_row(i, e.col == rows[i].col && !strcmp(e.file, "--stage"));
        assert_row(i, e.hint[0] && !p.count);
    }
    profile full = {0};
    for (int i = 0; i < PROFILE_STAGES_MAX; i++)
        assert_code(profile_add(&full, STR("1s:1"), NULL), OK);
    assert_code(profile_add(&full, STR("1s:1"), NULL), LOAD_STAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rate_has_even_gaps_and_begins_at_once),
        cmocka_unit_test(a_rising_rate_begins_as_its_area_grows),
        cmocka_unit_test(stages_follow_each_other),
        cmocka_unit_test(times_never_go_back_and_the_total_is_kept),
        cmocka_unit_test(users_go_in_a_straight_line),
        cmocka_unit_test(a_wrong_stage_is_told_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
