// SPDX-License-Identifier: Apache-2.0
// --retry: what is sent again, how often, and after how long.
#include "base/test.h"
#include "runner/run.h"
#include "runner/runner_test_stage.h"

// ---- the decision -------------------------------------------------------------------------------

static const uint16_t statuses[][2] = {{429, 429}, {500, 503}};

typedef struct refused refused;
struct refused {
    runner r;
    trip x;
    js_header header;
};

static void answered(refused *f, int status, const char *after)
{
    *f = (refused){.r.o.retry = {.times = 20, .statuses = statuses, .status_count = 2}};
    f->x.r = &f->r;
    f->x.told.status = status;
    if (after) {
        f->header = (js_header){STR("Retry-After"), str_from(after)};
        f->x.told.headers = &f->header;
        f->x.told.header_count = 1;
    }
}

static void failed(refused *f, code why)
{
    answered(f, 0, NULL);
    f->r.o.retry.connect = true;
    f->x.failed = true;
    f->x.error.code = why;
}

static void only_listed_statuses_are_repeated(void **state)
{
    (void)state;
    static const struct {
        int status;
        bool again;
    } rows[] = {{200, false}, {404, false}, {428, false}, {429, true}, {430, false},
                {499, false}, {500, true},  {502, true},  {503, true}, {504, false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        refused f;
        uint64_t pause_ms;
        answered(&f, rows[i].status, NULL);
        assert_row(i, retry_wanted(&f.x, &pause_ms) == rows[i].again);
    }
}

// A request that may have arrived isn't sent again: it may have had its effect.
static void only_what_never_arrived_is_repeated_without_an_answer(void **state)
{
    (void)state;
    static const struct {
        code why;
        bool again;
    } rows[] = {{FETCH_CONNECT, true},
                {FETCH_RESOLVE, true},
                {FETCH_TIMEOUT, false},
                {FETCH_PROTOCOL, false},
                {FETCH_ADDRESS, false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        refused f;
        uint64_t pause_ms;
        failed(&f, rows[i].why);
        assert_row(i, retry_wanted(&f.x, &pause_ms) == rows[i].again);
        f.r.o.retry.connect = false; // --retry-on names statuses only
        assert_row(i, !retry_wanted(&f.x, &pause_ms));
    }
}

static void a_limit_a_stop_and_a_script_end_it(void **state)
{
    (void)state;
    refused f;
    uint64_t pause_ms;
    answered(&f, 503, NULL);
    f.x.told.retries = 19;
    assert_true(retry_wanted(&f.x, &pause_ms));
    f.x.told.retries = 20;
    assert_false(retry_wanted(&f.x, &pause_ms));
    answered(&f, 503, NULL);
    f.r.stopping = true;
    assert_false(retry_wanted(&f.x, &pause_ms));
    answered(&f, 503, NULL);
    f.x.want.by_script = true;
    assert_false(retry_wanted(&f.x, &pause_ms));
    answered(&f, 503, NULL);
    f.r.o.retry.times = 0; // the usual
    assert_false(retry_wanted(&f.x, &pause_ms));
}

static void pauses_double_up_to_ten_seconds(void **state)
{
    (void)state;
    static const uint64_t rows[] = {200,   400,   800,   1600,  3200, 6400,
                                    10000, 10000, 10000, 10000, 10000};
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++) {
        refused f;
        uint64_t pause_ms = 0;
        answered(&f, 503, NULL);
        f.x.told.retries = i;
        assert_row(i, retry_wanted(&f.x, &pause_ms) && pause_ms == rows[i]);
    }
}

static void the_server_may_say_when_but_not_for_ever(void **state)
{
    (void)state;
    static const struct {
        const char *after;
        uint64_t pause_ms;
    } rows[] = {
        {"0", 0},
        {"7", 7000},
        {"60", 60000},
        {"3600", 60000},
        {"99999999999999999999", 200}, // no number, no date: as if it said nothing
        {"-5", 200},
        {"soon", 200},
        {"", 200},
        {"Wed, 21 Oct 2015 07:28:00 GMT", 0},
        {"Fri, 31 Dec 2099 23:59:59 GMT", 60000},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        refused f;
        uint64_t pause_ms = 1;
        answered(&f, 429, rows[i].after);
        assert_row(i, retry_wanted(&f.x, &pause_ms) && pause_ms == rows[i].pause_ms);
    }
}

// ---- in a run -----------------------------------------------------------------------------------

static const char one_item[] = "{'info':{'name':'C'},'item':[{'name':'a','request':'HOST/busy'}]}";

static bool busy_twice(stage *s, str path, str request, buf *out)
{
    (void)request;
    bool busy = s->requests.len <= 2;
    if (str_eq(path, STR("/busy")))
        reply(out, busy ? 503 : 200, "Retry-After: 0\r\n", busy ? STR("busy") : STR("done"));
    return str_eq(path, STR("/busy"));
}

static void only_the_last_attempt_is_told(void **state)
{
    stage *s = *state;
    s->answer = busy_twice;
    s->o.retry = (run_retry){.times = 5, .statuses = statuses, .status_count = 2};
    const run_summary *sum = run(s, one_item);
    assert_int_equal(s->requests.len, 3);
    assert_str(s->requests.ptr[2], s->requests.ptr[0]);
    assert_strz(lines_of(s, "request"), "request");
    assert_strz(lines_of(s, "response"), "response 200");
    assert_strz(s->body, "done");
    assert_int_equal(s->last.retries, 2);
    assert_int_equal(sum->requests.total, 1);
    assert_int_equal(sum->failures.len, 0);
}

static void what_is_refused_to_the_end_is_told_as_it_is(void **state)
{
    stage *s = *state;
    s->answer = busy_twice;
    s->o.retry = (run_retry){.times = 1, .statuses = statuses, .status_count = 2};
    (void)run(s, one_item);
    assert_int_equal(s->requests.len, 2);
    assert_strz(lines_of(s, "response"), "response 503");
    assert_strz(s->body, "busy");
    assert_int_equal(s->last.retries, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_listed_statuses_are_repeated),
        cmocka_unit_test(only_what_never_arrived_is_repeated_without_an_answer),
        cmocka_unit_test(a_limit_a_stop_and_a_script_end_it),
        cmocka_unit_test(pauses_double_up_to_ten_seconds),
        cmocka_unit_test(the_server_may_say_when_but_not_for_ever),
        STAGED(only_the_last_attempt_is_told),
        STAGED(what_is_refused_to_the_end_is_told_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
