// SPDX-License-Identifier: Apache-2.0
// Failures are kept until the reports have told them, however many there are.
#include <stdlib.h>
#include <unistd.h>

#include "base/test.h"
#include "runner/run.h"

enum { MANY = 5000 };

static runner *new_runner(void)
{
    runner *r = NEW(runner);
    arena_init(&r->kept);
    return r;
}

static void free_runner(runner *r)
{
    kept_deinit(&r->summary);
    arena_deinit(&r->kept);
    free(r);
}

static const pm_item item;

static void add(runner *r, uint32_t from, uint32_t to)
{
    arena a;
    arena_init(&a);
    for (uint32_t i = from; i < to; i++) {
        run_failure f = {.name = STR("AssertionError"),
                         .message = arena_printf(&a, "expected %u", i),
                         .stack = i % 2 ? STR("at x") : STR_NONE,
                         .test = arena_printf(&a, "test %u", i),
                         .at = STR("assertion:0 in test-script"),
                         .index = i,
                         .code = i % 3 ? OK : FETCH_TIMEOUT,
                         .item = &item,
                         .cursor = {.iteration = i, .iterations = MANY}};
        // As run_fail has it: texts in memory are the runner's, others last for the turn.
        if (kept_in_memory(r)) {
            f.message = arena_str(&r->kept, f.message);
            f.test = arena_str(&r->kept, f.test);
        }
        kept_add(r, &f);
        arena_reset(&a);
    }
    arena_deinit(&a);
}

static uint32_t assert_all(const run_summary *s)
{
    run_failures all;
    uint32_t n = 0;
    char text[32];
    run_failures_begin(&all, s);
    for (const run_failure *f; (f = run_failures_next(&all)); n++) {
        snprintf(text, sizeof(text), "expected %u", n);
        assert_strz(f->message, text);
        snprintf(text, sizeof(text), "test %u", n);
        assert_strz(f->test, text);
        assert_strz(f->name, "AssertionError");
        assert_strz(f->stack, n % 2 ? "at x" : "");
        assert_int_equal(f->hint.len, 0);
        assert_int_equal(f->index, n);
        assert_int_equal(f->code, n % 3 ? OK : FETCH_TIMEOUT);
        assert_int_equal(f->cursor.iteration, n);
        assert_ptr_equal(f->item, &item);
    }
    run_failures_end(&all);
    return n;
}

static void very_many_are_told_in_order_and_few_are_in_memory(void **state)
{
    (void)state;
    runner *r = new_runner();
    assert_int_equal(assert_all(&r->summary), 0);
    add(r, 0, MANY);
    assert_int_equal(r->summary.failure_count, MANY);
    assert_int_equal(r->summary.failures.len, 1000);
    assert_int_equal(assert_all(&r->summary), MANY);
    add(r, MANY, MANY + 10); // somebody has read meanwhile
    assert_int_equal(assert_all(&r->summary), MANY + 10);
    free_runner(r);
}

static void several_may_read_at_once(void **state)
{
    (void)state;
    run_failures one, other;
    runner *r = new_runner();
    add(r, 0, 1003);
    run_failures_begin(&one, &r->summary);
    run_failures_begin(&other, &r->summary);
    for (int i = 0; i < 1002; i++) {
        const run_failure *f = run_failures_next(&one);
        assert_int_equal(f->index, i);
        assert_int_equal(run_failures_next(&other)->index, i);
        assert_int_equal(f->index, i);
    }
    run_failures_end(&one); // before its end
    assert_int_equal(run_failures_next(&other)->index, 1002);
    assert_null(run_failures_next(&other));
    run_failures_end(&other);
    free_runner(r);
}

static void who_wants_a_few_keeps_a_few(void **state)
{
    (void)state;
    runner *r = new_runner();
    r->o.failures_max = 1;
    add(r, 0, MANY);
    assert_int_equal(r->summary.failure_count, MANY);
    assert_int_equal(assert_all(&r->summary), 1);
    assert_null(r->summary.spill);
    free_runner(r);
}

static void without_room_the_first_are_told(void **state)
{
    (void)state;
    runner *r = new_runner();
    const char *usual = getenv("TMPDIR");
    char *kept = usual ? mem_dup(usual) : NULL;
    assert_int_equal(setenv("TMPDIR", "/nonexistent", 1), 0);
    add(r, 0, MANY);
    assert_int_equal(kept ? setenv("TMPDIR", kept, 1) : unsetenv("TMPDIR"), 0);
    free(kept);
    assert_int_equal(r->summary.failure_count, MANY);
    assert_int_equal(assert_all(&r->summary), 1000);
    free_runner(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(very_many_are_told_in_order_and_few_are_in_memory),
        cmocka_unit_test(several_may_read_at_once),
        cmocka_unit_test(who_wants_a_few_keeps_a_few),
        cmocka_unit_test(without_room_the_first_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
