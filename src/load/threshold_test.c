// SPDX-License-Identifier: Apache-2.0
#include "load/threshold.h"

#include "base/test.h"

static void what_can_be_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        threshold wanted;
    } rows[] = {
        {"p95<200ms", {.metric = LOAD_PERCENTILE, .percent = 95, .less = true, .value = 200000}},
        {"p99.9 <= 1.5s",
         {.metric = LOAD_PERCENTILE,
          .percent = 99.9,
          .less = true,
          .or_equal = true,
          .value = 1.5e6}},
        {"avg<300us", {.metric = LOAD_AVERAGE, .less = true, .value = 300}},
        {"min>10µs", {.metric = LOAD_MIN, .value = 10}},
        {"max<1m", {.metric = LOAD_MAX, .less = true, .value = 60e6}},
        {"errors<1%", {.metric = LOAD_ERRORS, .less = true, .value = 1}},
        {"failed<=0", {.metric = LOAD_FAILED, .less = true, .or_equal = true, .value = 0}},
        {"rate>=50", {.metric = LOAD_RATE, .or_equal = true, .value = 50}},
        {" rate>50/s", {.metric = LOAD_RATE, .value = 50}},
        {"Orders / a: b: p50<1s",
         {.request = {"Orders / a: b", 13},
          .metric = LOAD_PERCENTILE,
          .percent = 50,
          .less = true,
          .value = 1e6}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        threshold t;
        err e = ERR_INIT;
        if (threshold_parse(str_from(rows[i].text), &t, &e))
            fail_msg("%s: %s", rows[i].text, e.msg);
        const threshold *w = &rows[i].wanted;
        assert_row(i, t.metric == w->metric && t.percent == w->percent && t.value == w->value);
        assert_row(i, t.less == w->less && t.or_equal == w->or_equal);
        assert_str(t.request, w->request);
        assert_strz(t.text, rows[i].text);
    }
}

static void what_is_wrong_is_told_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t col;
        const char *says;
    } rows[] = {
        {"", 1, "is none of"},
        {"p<5ms", 1, "'p' is none of"},
        {"p0<5ms", 1, "'p0' is none of"},
        {"p101<5ms", 1, "'p101' is none of"},
        {"P95<5ms", 1, "'P95' is none of"},
        {"median<5ms", 1, "'median' is none of"},
        {"p95", 4, "doesn't begin with < or >"},
        {"p95=5ms", 4, "'=5ms' doesn't begin with < or >"},
        {"p95<", 5, "doesn't begin with a number"},
        {"p95<fast", 5, "'fast' doesn't begin with a number"},
        {"p95<-1ms", 5, "doesn't begin with a number"},
        {"p95<1.2.3ms", 5, "doesn't begin with a number"},
        {"p95<200", 8, "is no unit of time"},
        {"p95<200ns", 8, "'ns' is no unit of time"},
        {"p95<5%", 6, "'%' is no unit of time"},
        {"errors<5", 9, "should be %"},
        {"errors<5ms", 9, "should be %"},
        {"rate>5ms", 7, "isn't the unit of this number"},
        {"failed<5%", 9, "isn't the unit of this number"},
        {"Orders: p95<5xs", 14, "'xs' is no unit of time"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        threshold t;
        err e = ERR_INIT;
        assert_row(i, threshold_parse(str_from(rows[i].text), &t, &e) == LOAD_THRESHOLD);
        if (e.col != rows[i].col || !strstr(e.msg, rows[i].says))
            fail_msg("%s: column %u: %s", rows[i].text, e.col, e.msg);
        assert_string_equal(e.file, "--threshold");
        assert_non_null(strstr(e.hint, "p95<200ms, errors<1%,"));
    }
}

// 100 requests in 10 s: latencies of 1 to 100 ms, three of them failed.
static void each_is_judged_by_what_was_measured(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool holds;
    } rows[] = {
        {"p50<51ms", true},    {"p50<50ms", false}, {"p100<=100ms", true}, {"max<100ms", false},
        {"max<=100ms", true},  {"min>999us", true}, {"min>1ms", false},    {"min>=1ms", true},
        {"avg<51ms", true},    {"avg<50ms", false}, {"errors<3%", false},  {"errors<=3%", true},
        {"errors<3.1%", true}, {"failed<4", true},  {"failed<3", false},   {"rate>=10", true},
        {"rate>10/s", false},
    };
    load_count n = {.requests = 100, .failed = 3};
    for (uint64_t i = 1; i <= 100; i++)
        hist_add(&n.latency, i * 1000);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        threshold t;
        assert_code(threshold_parse(str_from(rows[i].text), &t, NULL), OK);
        if (threshold_holds(&t, &n, 10) != rows[i].holds)
            fail_msg("%s: %g was measured", rows[i].text, threshold_measure(&t, &n, 10));
    }
    hist_deinit(&n.latency);
}

static void nothing_measured_holds_nothing(void **state)
{
    (void)state;
    static const char *const rows[] = {"p95<1s", "errors<=0%", "failed<1", "rate>=0"};
    load_count n = {0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        threshold t;
        assert_code(threshold_parse(str_from(rows[i]), &t, NULL), OK);
        assert_row(i, !threshold_holds(&t, &n, 10));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_can_be_asked_for),
        cmocka_unit_test(what_is_wrong_is_told_with_its_place),
        cmocka_unit_test(each_is_judged_by_what_was_measured),
        cmocka_unit_test(nothing_measured_holds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
