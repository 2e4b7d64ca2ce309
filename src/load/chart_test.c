// SPDX-License-Identifier: Apache-2.0
#include "load/chart.h"

#include <math.h>

#include "base/test.h"

static void a_time_is_as_short_as_it_may_be(void **state)
{
    static const struct {
        double seconds;
        const char *text;
    } rows[] = {{0, "0s"},      {4.5, "4.5s"},   {9, "9s"},         {59.5, "59.5s"},  {60, "1:00"},
                {90.5, "1:30"}, {3599, "59:59"}, {3600, "1:00:00"}, {3905, "1:05:05"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf text;
        buf_init(&text, 100);
        chart_clock(&text, rows[i].seconds);
        assert_strz(buf_str(&text), rows[i].text);
        buf_deinit(&text);
    }
}

// A stretch of half a second each; requests are what the chart shows, 0 leaves a gap.
static double requests_at(const load_result *r, const load_point *p, double seconds, size_t line)
{
    (void)r;
    (void)seconds;
    (void)line;
    return p->n.requests ? (double)p->n.requests : NAN;
}

static void add_number(buf *out, double value)
{
    buf_addf(out, "%g!", value);
}

static buf drawn(const uint64_t *requests, size_t count, uint64_t elapsed_ms)
{
    static load_result r;
    static const chart c = {"Things", {"one"}, requests_at, add_number, false, false};
    buf out;
    r = (load_result){
        .point_count = count, .point_ns = 500000000, .elapsed_ns = elapsed_ms * 1000000};
    for (size_t i = 0; i < count; i++)
        r.points[i].n.requests = requests[i];
    buf_init(&out, 1 << 20);
    chart_add(&out, &r, &c);
    return out;
}

#define ASSERT_HAS(out, part) assert_true(str_find(buf_str(&(out)), STR(part)) >= 0)
#define ASSERT_LACKS(out, part) assert_true(str_find(buf_str(&(out)), STR(part)) < 0)

static void lines_go_in_steps_and_break_where_nothing_was(void **state)
{
    static const uint64_t requests[] = {10, 20, 0, 5};
    (void)state;
    buf out = drawn(requests, 4, 2000);
    ASSERT_HAS(out, "<path class=\"c1\" d=\"M0 60.0H10V0.0H20M30 90.0H40\"/>");
    ASSERT_HAS(out, "<div class=\"values\"><span>20!</span><span>10!</span><span>0</span></div>");
    ASSERT_HAS(out, "<div class=\"times\"><span>0s</span><span>1s</span><span>2s</span></div>");
    ASSERT_HAS(out, "<title>0.5s–1s\none: 20!</title>");
    ASSERT_HAS(out, "<title>1s–1.5s\none: none</title>");
    buf_deinit(&out);
}

static void a_scale_ends_at_a_round_number(void **state)
{
    static const struct {
        uint64_t value;
        const char *values;
    } rows[] = {{1, "<span>1!</span><span>0.5!"},       {2, "<span>2!</span><span>1!"},
                {3, "<span>4!</span><span>2!"},         {5, "<span>6!</span><span>3!"},
                {7, "<span>8!</span><span>4!"},         {9, "<span>10!</span><span>5!"},
                {11, "<span>20!</span><span>10!"},      {100, "<span>100!</span><span>50!"},
                {1001, "<span>2000!</span><span>1000!"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf out = drawn(&rows[i].value, 1, 500);
        assert_row(i, str_find(buf_str(&out), str_from(rows[i].values)) >= 0);
        buf_deinit(&out);
    }
}

// Its rate would be one of a moment.
static void a_last_stretch_that_has_hardly_begun_is_not_shown(void **state)
{
    static const uint64_t requests[] = {10, 10, 1};
    (void)state;
    buf out = drawn(requests, 3, 1100);
    ASSERT_HAS(out, "M0 0.0H10V0.0H20\"");
    ASSERT_LACKS(out, "<title>1s");
    buf_deinit(&out);
    out = drawn(requests, 3, 1300);
    ASSERT_HAS(out, "<title>1s–1.3s\none: 1!");
    buf_deinit(&out);
}

static void nothing_makes_an_empty_chart(void **state)
{
    (void)state;
    buf out = drawn(NULL, 0, 0);
    ASSERT_HAS(out, "<path class=\"c1\" d=\"\"/>");
    ASSERT_LACKS(out, "<title>");
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_is_as_short_as_it_may_be),
        cmocka_unit_test(lines_go_in_steps_and_break_where_nothing_was),
        cmocka_unit_test(a_scale_ends_at_a_round_number),
        cmocka_unit_test(a_last_stretch_that_has_hardly_begun_is_not_shown),
        cmocka_unit_test(nothing_makes_an_empty_chart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
