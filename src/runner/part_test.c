// SPDX-License-Identifier: Apache-2.0
// Parts of a run: --shard, whose parts together are the whole, and --only-failed.
#include "base/test.h"
#include "runner/runner_test_stage.h"

#define REQUEST(name) "{'name':'" name "','request':'HOST/" name "'}"

static const char collection[] =
    "{'info':{'name':'C'},'item':["
    "{'name':'A','item':[" REQUEST("a1") ",{'name':'deep','item':[" REQUEST("a2") "]}]}," //
    REQUEST("b") ",{'name':'C','item':[" REQUEST("c1") "]}," REQUEST("d") "]}";

// Paths that the server got, in order, without their slash.
static str sent_paths(stage *s)
{
    buf b;
    buf_init(&b, 4096);
    for (size_t i = 0; i < s->requests.len; i++) {
        str line = str_skip(request_line(s, i), strlen("GET /"));
        buf_addf(&b, "%s" STR_FMT, b.len ? " " : "", STR_ARG(line));
    }
    str copy = arena_str(&s->mem, buf_str(&b));
    buf_deinit(&b);
    vec_reset(&s->requests);
    return copy;
}

static str run_shard_of(stage *s, uint32_t index, uint32_t count, uint32_t iterations)
{
    s->o.shard = (run_shard){index, count};
    s->o.iterations = iterations;
    const run_summary *sum = run(s, collection);
    assert_int_equal(sum->failures.len, 0);
    return sent_paths(s);
}

static void one_iteration_is_shared_by_members_of_the_collection(void **state)
{
    stage *s = *state;
    static const struct {
        uint32_t index, count;
        const char *sent;
    } rows[] = {
        {0, 0, "a1 a2 b c1 d"}, // no shard
        {0, 1, "a1 a2 b c1 d"},
        {0, 2, "a1 a2 c1"}, // a folder stays whole, with what is deeper in it
        {1, 2, "b d"},
        {0, 3, "a1 a2 d"},
        {1, 3, "b"},
        {2, 3, "c1"},
        {3, 4, "d"},
        {4, 9, ""}, // more shards than members: nothing to do, and no failure
        {8, 9, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        str sent = run_shard_of(s, rows[i].index, rows[i].count, 1);
        if (!str_eq(sent, str_from(rows[i].sent)))
            fail_msg("row %zu: " STR_FMT, i, STR_ARG(sent));
    }
}

static void several_iterations_are_dealt_out(void **state)
{
    stage *s = *state;
    static const struct {
        uint32_t index, count;
        const char *told;
    } rows[] = {
        {0, 2, "iteration 0/5|iteration 2/5|iteration 4/5"},
        {1, 2, "iteration 1/5|iteration 3/5"},
        {4, 5, "iteration 4/5"},
        {6, 7, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        str sent = run_shard_of(s, rows[i].index, rows[i].count, 5);
        if (!str_eq(lines_of(s, "iteration"), str_from(rows[i].told)))
            fail_msg("row %zu: " STR_FMT, i, STR_ARG(lines_of(s, "iteration")));
        assert_row(i, !sent.len || str_starts(sent, STR("a1 a2 b c1 d"))); // each of them whole
    }
}

// A row of data belongs to its iteration, in whichever shard.
static void a_shard_has_the_rows_of_its_iterations(void **state)
{
    stage *s = *state;
    json *rows;
    assert_code(
        json_parse(&s->mem, STR("[{\"n\":\"x\"},{\"n\":\"y\"},{\"n\":\"z\"}]"), NULL, &rows, NULL),
        OK);
    s->o.data = rows;
    s->o.shard = (run_shard){1, 2};
    (void)run(s, "{'info':{'name':'C'},'item':[{'name':'a','request':'HOST/{{n}}'}]}");
    assert_strz(sent_paths(s), "y");
}

static void only_what_was_picked_is_sent(void **state)
{
    stage *s = *state;
    static const run_pick picks[] = {{0, 1}, {0, 3}, {2, 0}, {2, 4}};
    s->o.picks = picks;
    s->o.pick_count = ARRAY_LEN(picks);
    s->o.iterations = 4;
    const run_summary *sum = run(s, collection);
    assert_strz(sent_paths(s), "a2 c1 a1 d");
    assert_strz(lines_of(s, "iteration"), "iteration 0/4|iteration 2/4");
    assert_int_equal(sum->requests.total, 4);
}

static void no_pick_is_no_request(void **state)
{
    stage *s = *state;
    static const run_pick none[1];
    s->o.picks = none;
    (void)run(s, collection);
    assert_strz(sent_paths(s), "");
    assert_strz(lines_of(s, "iteration"), "");
    assert_strz(lines_of(s, "done"), "done");
}

// What had failed is shared among shards too.
static void picks_and_shards_meet(void **state)
{
    stage *s = *state;
    static const run_pick picks[] = {{0, 1}, {1, 2}, {2, 0}};
    s->o.picks = picks;
    s->o.pick_count = ARRAY_LEN(picks);
    assert_strz(run_shard_of(s, 0, 2, 3), "a2 a1");
    assert_strz(run_shard_of(s, 1, 2, 3), "b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(one_iteration_is_shared_by_members_of_the_collection),
        STAGED(several_iterations_are_dealt_out),
        STAGED(a_shard_has_the_rows_of_its_iterations),
        STAGED(only_what_was_picked_is_sent),
        STAGED(no_pick_is_no_request),
        STAGED(picks_and_shards_meet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
