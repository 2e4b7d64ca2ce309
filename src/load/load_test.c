// SPDX-License-Identifier: Apache-2.0
// Loads against a server on the same loop.
#include "load/result.h"

#include "runner/runner_test_stage.h"

typedef struct world world;
struct world {
    stage *s;
    load_options o;
    load_job *job;
    bool done;
};

static int set_up(void **state)
{
    world *w = NEW(world);
    w->s = stage_new(loop_new());
    w->o = (load_options){.users = 1, .workers = 1, .grace_ms = TEST_WAIT_MS};
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    world *w = *state;
    loop *l = w->s->loop;
    load_job_free(w->job);
    stage_free(w->s);
    loop_free(l);
    free(w);
    return 0;
}
#define WORLD(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static void on_done(void *ctx)
{
    world *w = ctx;
    assert_false(w->done);
    w->done = true;
}

static void begin_load(world *w, const char *items)
{
    err e = ERR_INIT;
    load(w->s, arena_printf(&w->s->mem, "{'info':{'name':'C'},'item':[%s]}", items).ptr);
    w->o.run = w->s->o;
    if (load_job_new(w->s->loop, &w->o, &w->job, &e))
        fail_msg("%s", e.msg);
    load_job_start(w->job, on_done, w);
    assert_false(w->done);
}

static const load_result *finish(world *w)
{
    if (!loop_run_until(w->s->loop, &w->done, TEST_WAIT_MS))
        fail_msg("the load doesn't end");
    return load_job_results(w->job);
}

static const load_result *load_of(world *w, const char *items)
{
    begin_load(w, items);
    return finish(w);
}

static void add_stage(world *w, const char *text)
{
    err e = ERR_INIT;
    assert_code(profile_add(&w->o.profile, str_from(text), &e), OK);
}

#define GET(path) "{'name':'" path "','request':'HOST/" path "'}"

static size_t sent_to(world *w, const char *path)
{
    size_t count = 0;
    str line = arena_printf(&w->s->mem, "GET /%s ", path);
    VEC_FOREACH (&w->s->requests, r)
        count += str_starts(*r, line);
    return count;
}

// ---- rows of data -------------------------------------------------------------------------------

static void rows_go_round_among_all_users(void **state)
{
    world *w = *state;
    json *rows;
    assert_code(
        json_parse(&w->s->mem, STR("[{\"v\":1},{\"v\":2},{\"v\":3},{\"v\":4}]"), NULL, &rows, NULL),
        OK);
    w->s->o.data = rows;
    w->o.users = 3;
    w->o.iterations = 10;
    load_of(w, "{'name':'a','request':'HOST/{{v}}'},{'name':'b','request':'HOST/again/{{v}}'}");
    static const size_t times[] = {3, 3, 2, 2};
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        assert_row(i, sent_to(w, arena_printf(&w->s->mem, "%zu", i + 1).ptr) == times[i]);
        assert_row(i, sent_to(w, arena_printf(&w->s->mem, "again/%zu", i + 1).ptr) == times[i]);
    }
}

// ---- how much -----------------------------------------------------------------------------------

static void iterations_are_shared_among_the_users(void **state)
{
    world *w = *state;
    w->o.users = 4;
    w->o.iterations = 50;
    const load_result *r = load_of(w, GET("a") "," GET("b"));
    assert_int_equal(r->iterations, 50);
    assert_int_equal(r->all.requests, 100);
    assert_int_equal(r->all.failed, 0);
    assert_int_equal(r->all.statuses[2], 100);
    assert_int_equal(r->rows[0].n.requests, 50);
    assert_int_equal(r->rows[1].n.latency.count, 50);
    assert_int_equal(sent_to(w, "a"), 50);
    assert_int_equal(sent_to(w, "b"), 50);
    assert_false(r->interrupted);
}

static void a_duration_ends_it(void **state)
{
    world *w = *state;
    w->o.users = 2;
    w->o.profile.start = 2;
    add_stage(w, "300ms:2");
    const load_result *r = load_of(w, GET("a"));
    assert_true(r->iterations >= 2);
    assert_true(r->elapsed_ns >= 300000000);
    assert_int_equal(r->all.requests, w->s->requests.len);
}

// With one user after a fifth of the time and five in the end, most of the time not all are there.
static void users_come_one_after_the_other(void **state)
{
    world *w = *state;
    w->o.users = 5;
    add_stage(w, "500ms:5");
    begin_load(w, GET("a"));
    assert_int_equal(load_job_results(w->job)->working, 0);
    const load_result *r = finish(w);
    assert_true(r->points[0].users >= 1);
    assert_true(r->all.requests > 0);
}

static void a_rate_is_kept(void **state)
{
    world *w = *state;
    w->o.open = true;
    w->o.users = 20;
    w->o.profile.start = 100;
    add_stage(w, "500ms:100");
    const load_result *r = load_of(w, GET("a"));
    assert_int_equal(r->iterations + r->missed, 50);
    assert_int_equal(r->all.requests, r->iterations);
    assert_true(r->elapsed_ns >= 490000000); // the last is due then
}

// ---- no coordinated omission --------------------------------------------------------------------

static bool answer_first_late(stage *s, str path, str request, buf *out)
{
    (void)path;
    (void)request;
    (void)out;
    return s->requests.len == 1; // no answer at all
}

// One user, 100 a second, and a server that leaves the first request without an answer until it is
// given up after 300 ms: those that were due meanwhile waited, and their latency says so.
static void what_was_due_while_the_server_stalled_has_waited(void **state)
{
    world *w = *state;
    w->s->answer = answer_first_late;
    w->s->o.request_timeout_ms = 300;
    w->o.open = true;
    w->o.profile.start = 100;
    w->o.iterations = 20;
    add_stage(w, "1s:100");
    const load_result *r = load_of(w, GET("a"));
    assert_int_equal(r->all.requests, 20);
    assert_int_equal(r->all.failed, 1);
    assert_string_equal(r->reasons[0].text, "ESOCKETTIMEDOUT");
    // The tenth was due at 90 ms and couldn't begin before 300 ms.
    assert_true(hist_percentile(&r->all.latency, 50) >= 200000);
    assert_true(r->late_us >= 200000);
}

// The same at the end: what was due when the time is over still begins.
static void what_was_due_in_time_begins_after_it(void **state)
{
    world *w = *state;
    w->s->answer = answer_first_late;
    w->s->o.request_timeout_ms = 300;
    w->o.open = true;
    w->o.profile.start = 100;
    add_stage(w, "200ms:100");
    const load_result *r = load_of(w, GET("a"));
    assert_int_equal(r->iterations, 20);
    assert_int_equal(r->missed, 0);
    assert_int_equal(r->all.latency.count, 20);
    assert_true(r->all.latency.min >= 100000); // the last was due at 190 ms
}

// ---- what fails ---------------------------------------------------------------------------------

#define TESTED(path, script)                                                                       \
    "{'name':'" path "','request':'HOST/" path                                                     \
    "','event':[{'listen':'test','script':{'exec':['" script "']}}]}"

static void a_status_fails_unless_a_test_has_judged(void **state)
{
    world *w = *state;
    static const struct {
        const char *item;
        uint64_t failed;
        const char *reason;
    } rows[] = {
        {GET("a"), 0, NULL},
        {GET("status/404"), 3, "status 404"},
        {GET("status/503"), 3, "status 503"},
        {TESTED("status/403", "pm.test(`refused`,()=>pm.response.to.have.status(403))"), 0, NULL},
        {TESTED("a", "pm.test(`is 201`,()=>pm.response.to.have.status(201))"), 3, "test: is 201"},
        {TESTED("a", "throw new TypeError(1)"), 3, "script: TypeError"},
        {TESTED("status/500", "pm.environment.set(`x`,1)"), 3, "status 500"},
    };
    w->o.iterations = 3;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        load_job_free(w->job);
        w->job = NULL;
        w->done = false;
        const load_result *r = load_of(w, rows[i].item);
        assert_row(i, r->all.requests == 3 && r->all.failed == rows[i].failed);
        assert_row(i, r->reason_count == (rows[i].reason != NULL));
        if (rows[i].reason)
            assert_string_equal(r->reasons[0].text, rows[i].reason);
        assert_row(i, load_passes(r, &(thresholds){0}));
    }
}

static void without_any_answer_it_has_not_passed(void **state)
{
    world *w = *state;
    w->o.iterations = 2;
    const load_result *r = load_of(w, "{'name':'n','request':'http://127.0.0.1:1/'}");
    assert_int_equal(r->all.failed, 2);
    assert_int_equal(r->all.statuses[0], 2);
    assert_string_equal(r->reasons[0].text, "ECONNREFUSED");
    assert_false(load_passes(r, &(thresholds){0}));
}

// ---- each user its own --------------------------------------------------------------------------

// The first request of each user sets a variable and a cookie; later ones send both.
static void variables_and_cookies_are_each_users_own(void **state)
{
    world *w = *state;
    w->o.users = 3;
    w->o.iterations = 12;
    w->o.workers = 2;
    const load_result *r =
        load_of(w, "{'name':'a','request':'HOST/cookie/"
                   "k%3D{{n}}%3BPath%3D%2F','event':[{'listen':'prerequest',"
                   "'script':{'exec':['if (!pm.environment.get(`n`)) pm.environment.set(`n`,"
                   "pm.variables.replaceIn(`{{$guid}}`));']}}]},"
                   "{'name':'b','request':'HOST/b?n={{n}}'}");
    map users = {0};
    assert_int_equal(r->all.requests, 24);
    for (size_t i = 0; i < w->s->requests.len; i++) {
        str line = request_line(w->s, i), cookie = sent(w->s, i, "Cookie"), path, n;
        if (!str_starts(line, STR("GET /b")))
            continue;
        assert_true(str_cut(line, '=', &path, &n));
        assert_str(str_skip(cookie, 2), n);
        map_set(&users, n, w);
    }
    assert_true(users.len >= 1 && users.len <= 3);
    map_deinit(&users, NULL);
}

// ---- the end ------------------------------------------------------------------------------------

static bool hang(stage *s, str path, str request, buf *out)
{
    (void)s;
    (void)path;
    (void)request;
    (void)out;
    return true;
}

static void a_stop_gives_what_there_is(void **state)
{
    world *w = *state;
    w->o.users = 2;
    begin_load(w, GET("a") "," GET("hang"));
    while (w->s->requests.len < 4)
        loop_run_until(w->s->loop, &w->done, 1);
    load_job_stop(w->job);
    load_job_stop(w->job);
    const load_result *r = finish(w);
    assert_true(r->interrupted);
    assert_int_equal(r->rows[0].n.requests, 2);
    assert_int_equal(r->rows[1].n.requests, 0);
}

static void what_hangs_is_dropped_after_the_grace(void **state)
{
    world *w = *state;
    w->s->answer = hang;
    w->o.users = 3;
    w->o.iterations = 3;
    w->o.grace_ms = 50;
    const load_result *r = load_of(w, GET("a"));
    assert_int_equal(r->dropped, 3);
    assert_int_equal(r->all.requests, 0);
}

// ---- telling ------------------------------------------------------------------------------------

static void a_threshold_may_be_of_one_request(void **state)
{
    world *w = *state;
    w->o.iterations = 4;
    const load_result *r = load_of(w, "{'name':'F','item':[" GET("a") "," GET("status/500") "]}");
    static const struct {
        const char *text;
        bool passes;
        const char *measured;
    } rows[] = {
        {"errors<=50%", true, "50%"},
        {"F / a: errors<1%", true, "0%"},
        {"status/500: errors<1%", false, "100%"},
        {"F / b: errors<1%", false, "there is no such request"},
        {"failed<4", false, "4"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        threshold t;
        assert_code(threshold_parse(str_from(rows[i].text), &t, NULL), OK);
        thresholds one = {&t, 1};
        buf text;
        buf_init(&text, 1 << 20);
        load_text(&text, r, &one, false);
        str line = arena_printf(&w->s->mem, "%s %s  %s\n", rows[i].passes ? "✓" : "✗", rows[i].text,
                                rows[i].measured);
        assert_row(i, load_passes(r, &one) == rows[i].passes);
        if (str_find(buf_str(&text), line) < 0)
            fail_msg("no '%s' in\n%s", line.ptr, buf_cstr(&text));
        buf_deinit(&text);
    }
}

// One request a second for three hours, each a microsecond slower than the one before.
static void a_long_load_keeps_its_points_few(void **state)
{
    world *w = *state;
    enum { SECONDS = 3 * 3600 };
    result r = {0};
    load(w->s, "{'info':{'name':'C'},'item':[" GET("a") "]}");
    result_init(&r, w->s->collection);
    result_begin(&r, 5);
    for (uint64_t i = 0; i < SECONDS; i++)
        result_request(&r, w->s->collection->requests[0], 5 + i * 1000000000, i, 200, 1);
    uint64_t requests = 0, slowest = 0;
    for (size_t i = 0; i < r.told.point_count; i++) {
        const load_point *p = &r.told.points[i];
        assert_true(p->n.latency.min >= slowest && p->n.latency.count == p->n.requests);
        slowest = p->n.latency.max;
        requests += p->n.requests;
    }
    assert_true(r.told.point_count > LOAD_POINTS / 2 && r.told.point_count <= LOAD_POINTS);
    assert_int_equal(requests, SECONDS);
    assert_int_equal(slowest, SECONDS - 1);
    result_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD(rows_go_round_among_all_users),
        WORLD(iterations_are_shared_among_the_users),
        WORLD(a_duration_ends_it),
        WORLD(users_come_one_after_the_other),
        WORLD(a_rate_is_kept),
        WORLD(what_was_due_while_the_server_stalled_has_waited),
        WORLD(what_was_due_in_time_begins_after_it),
        WORLD(a_status_fails_unless_a_test_has_judged),
        WORLD(without_any_answer_it_has_not_passed),
        WORLD(variables_and_cookies_are_each_users_own),
        WORLD(a_stop_gives_what_there_is),
        WORLD(what_hangs_is_dropped_after_the_grace),
        WORLD(a_threshold_may_be_of_one_request),
        WORLD(a_long_load_keeps_its_points_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
