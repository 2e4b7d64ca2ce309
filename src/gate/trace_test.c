// SPDX-License-Identifier: Apache-2.0
#include "gate/trace.h"

#include "base/test.h"

#define ID "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"
#define OTHER "0123456789abcdef0123456789abcdef"
#define ZERO "00000000000000000000000000000000"

static const struct {
    const char *parent, *cloud;
    const char *id; // NULL: one of our own
    bool sampled;
} rows[] = {
    {"00-" ID "-" SPAN "-01", "", ID, true},
    {"00-" ID "-" SPAN "-00", "", ID, false},
    {"00-" ID "-" SPAN "-03", "", ID, true},
    {"00-" ID "-" SPAN "-0b", "", ID, true},
    {"00-" ID "-" SPAN "-0a", "", ID, false},
    {"00-" ID "-" SPAN "-01", OTHER "/1;o=0", ID, true}, // W3C's first
    {"cc-" ID "-" SPAN "-01-more", "", ID, true},        // a later version
    {"", ID "/123;o=1", ID, true},
    {"", ID "/123;o=0", ID, false},
    {"", ID "/123", ID, true},
    {"", ID, ID, true},
    {"", ID ";o=1", ID, true},
    {"", "4BF92F3577B34DA6A3CE929D0E0E4736/1", ID, true},
    {"bad", OTHER "/1", OTHER, true},
    {"", "", NULL, true},
    {"00-" ID "-" SPAN "-01-more", "", NULL, true},
    {"00-" ID "-" SPAN "-01x", "", NULL, true},
    {"ff-" ID "-" SPAN "-01", "", NULL, true},
    {"00-" ZERO "-" SPAN "-01", "", NULL, true},
    {"00-" ID "-0000000000000000-01", "", NULL, true},
    {"00-" ID "_" SPAN "-01", "", NULL, true},
    {"00-" ID "-" SPAN "-0", "", NULL, true},
    {"00-zbf92f3577b34da6a3ce929d0e0e4736-" SPAN "-01", "", NULL, true},
    {"", ZERO "/1", NULL, true},
    {"", "4bf92f3577b34da6a3ce929d0e0e473", NULL, true},
    {"", ID "0/1", NULL, true},
    {"", "../../etc/passwd", NULL, true},
};

static bool is_lower_hex(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!ascii_is_digit(s.ptr[i]) && !(s.ptr[i] >= 'a' && s.ptr[i] <= 'f'))
            return false;
    return true;
}

static void a_client_may_name_the_trace_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        trace t;
        memset(&t, 'X', sizeof t);
        trace_begin(&t, str_from(rows[i].parent), str_from(rows[i].cloud));
        if (rows[i].id)
            assert_row(i, str_eq(trace_id(&t), str_from(rows[i].id)));
        else
            assert_row(i, str_find(str_from(rows[i].parent), trace_id(&t)) < 0 &&
                              str_find(str_from(rows[i].cloud), trace_id(&t)) < 0);
        assert_row(i, t.sampled == rows[i].sampled);
        assert_row(i, is_lower_hex(trace_id(&t)) && is_lower_hex(trace_span(&t)));
        assert_row(i, !str_eq(trace_span(&t), STR(SPAN)));
    }
}

static void no_two_calls_share_a_span(void **state)
{
    (void)state;
    enum { CALLS = 1000 };
    map seen;
    map_init(&seen);
    for (int i = 0; i < CALLS; i++) {
        trace t;
        trace_begin(&t, STR("00-" ID "-" SPAN "-01"), STR_NONE);
        assert_null(map_set(&seen, trace_span(&t), &seen));
        trace_begin(&t, STR_NONE, STR_NONE);
        assert_null(map_set(&seen, trace_id(&t), &seen));
    }
    map_deinit(&seen, NULL);
}

static void the_forms_agree(void **state)
{
    (void)state;
    arena a;
    arena_init(&a);
    trace t;
    trace_begin(&t, STR("00-" ID "-" SPAN "-00"), STR_NONE);
    t.span_number = 0xdeadbeef;
    memcpy(t.span, "00000000deadbeef", sizeof t.span);
    assert_strz(trace_cloud(&t, &a), ID "/3735928559;o=0");
    assert_strz(trace_parent(&t, &a), "00-" ID "-00000000deadbeef-00");
    assert_strz(trace_answer(&t, &a), ID ";o=0");
    t.sampled = true;
    assert_strz(trace_cloud(&t, &a), ID "/3735928559;o=1");
    assert_strz(trace_parent(&t, &a), "00-" ID "-00000000deadbeef-01");
    t.span_number = UINT64_MAX;
    assert_strz(trace_cloud(&t, &a), ID "/18446744073709551615;o=1");
    arena_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_may_name_the_trace_and_nothing_else),
        cmocka_unit_test(no_two_calls_share_a_span),
        cmocka_unit_test(the_forms_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
