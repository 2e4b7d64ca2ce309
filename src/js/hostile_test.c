// SPDX-License-Identifier: Apache-2.0
// Scripts that take too long, die, or attack what they run in (threat 45).
#include <signal.h>

#include "js/js_test.h"

static void scripts_are_stopped_when_their_time_is_over(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        const char *error;
    } rows[] = {
        {"for (;;);", "Error: sandbox: synchronous script execution timeout"},
        {"setInterval(() => {}, 10)", "Error: sandbox: asynchronous script execution timeout"},
        {"pm.sendRequest('http://a.example', () => {})",
         "Error: sandbox: asynchronous script execution timeout"},
        {"setTimeout(() => { for (;;); }, 1)",
         "Error: sandbox: asynchronous script execution timeout"},
        {"(function f() { Promise.resolve().then(f) })()",
         "Error: sandbox: asynchronous script execution timeout"},
        // Catching doesn't help.
        {"for (;;) { try { for (;;); } catch (e) {} }",
         "Error: sandbox: synchronous script execution timeout"},
    };
    seen s = begin();
    s.stall = true;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char source[200];
        snprintf(source, sizeof(source), "pm.globals.set('k', 1); %s", rows[i].source);
        js_script script = script_of(JS_TEST, source);
        script.timeout_ms = 200;
        run_script(&s, &script);
        if (s.code != SCRIPT_TIMEOUT || strcmp(s.error, rows[i].error) != 0)
            fail_msg("row %zu: got [%s] %s", i, code_id(s.code), s.error);
        assert_log(&s, "globals set k=1 \n");     // a worker that is killed could not tell it
        run(&s, JS_TEST, "console.log('alive')"); // and nothing of the last script's goes on
        assert_log(&s, "log 'alive'\n");
        assert_int_equal(js_worker_count(s.engine), i + 2);
    }
    end(&s);
}

// The next script begins inside on_done, as the runner's do.
static void on_done_again(void *ctx, const js_result *r)
{
    seen *s = ctx;
    js_script script = script_of(JS_TEST, "console.log('next')");
    js_callbacks cb = callbacks;
    cb.ctx = s;
    js_run(s->engine, &script, &cb);
    assert_int_equal(r->code, SCRIPT_TIMEOUT);
    assert_strz(r->error.message, "sandbox: synchronous script execution timeout");
}

static void a_script_may_follow_at_once_on_one_that_was_stopped(void **state)
{
    (void)state;
    seen s = begin();
    js_script script = script_of(JS_TEST, "for (;;);");
    script.timeout_ms = 50;
    js_callbacks cb = callbacks;
    cb.on_done = on_done_again;
    cb.ctx = &s;
    js_run(s.engine, &script, &cb);
    assert_true(loop_run_until(the_loop, &s.done, TEST_WAIT_MS));
    assert_log(&s, "log 'next'\n");
    end(&s);
}

static void until_asleep(pid_t worker)
{
    char path[64], line[256] = "";
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)worker);
    while (!strstr(line, ") S ")) {
        FILE *in = fopen(path, "r");
        assert_non_null(in);
        assert_non_null(fgets(line, sizeof(line), in));
        fclose(in);
    }
}

// Its time is over, and the time to stop by itself, but others had the processor.
static void a_worker_that_got_no_processor_is_not_killed(void **state)
{
    (void)state;
    seen s = begin();
    run(&s, JS_TEST, "1");
    js_script script = script_of(JS_TEST, "console.log('late')");
    script.timeout_ms = 200;
    js_callbacks cb = callbacks;
    cb.ctx = &s;
    s.done = false;
    pid_t worker = worker_pid();
    until_asleep(worker);
    kill(worker, SIGSTOP); // before the script is sent, at the end of this turn
    js_run(s.engine, &script, &cb);
    assert_false(loop_run_until(the_loop, &s.done, script.timeout_ms + JS_KILL_CPU_MS + 300));
    kill(worker, SIGCONT);
    assert_true(loop_run_until(the_loop, &s.done, TEST_WAIT_MS));
    assert_strz(str_from(s.error), ": ");
    assert_log(&s, "log 'late'\n");
    end(&s);
}

static void T45_a_worker_that_dies_takes_only_its_script_along(void **state)
{
    (void)state;
    seen s = begin();
    run(&s, JS_TEST, "kept = 1");
    js_script script = script_of(JS_TEST, "for (;;);");
    js_callbacks cb = callbacks;
    cb.ctx = &s;
    s.done = false;
    js_run(s.engine, &script, &cb);
    kill(worker_pid(), SIGSEGV);
    assert_true(loop_run_until(the_loop, &s.done, TEST_WAIT_MS));
    assert_int_equal(s.code, SCRIPT_CRASHED);
    run(&s, JS_TEST, "console.log(typeof kept)");
    assert_log(&s, "log 'undefined'\n");
    assert_int_equal(js_worker_count(s.engine), 2);
    end(&s);
}

static void T45_a_native_call_that_never_ends_is_killed(void **state)
{
    (void)state;
    seen s = begin();
    // No look at the time inside: one native call of years.
    js_script script = script_of(JS_TEST, "pm.globals.set('k', 1);"
                                          "[].indexOf.call({length: 2 ** 53 - 1}, 1)");
    script.timeout_ms = 100;
    run_script(&s, &script);
    assert_int_equal(s.code, SCRIPT_TIMEOUT);
    assert_log(&s, "");
    run(&s, JS_TEST, "console.log('alive')");
    assert_log(&s, "log 'alive'\n");
    assert_int_equal(js_worker_count(s.engine), 2);
    end(&s);
}

static void T45_the_next_script_finds_the_language_as_it_was(void **state)
{
    (void)state;
    static const struct {
        const char *attack, *next, *log;
        uint32_t workers;
    } rows[] = {
        {"Array.prototype.map = JSON.stringify = null; Map = 5",
         "console.log([1].map(String), JSON.stringify({}), typeof Map)",
         "log [ '1' ] '{}' 'function'\n", 1},
        {"Object.prototype.passed = true; Array.prototype.map = () => []; JSON.parse = () => ({})",
         "pm.test('real', () => { throw new Error('x'); })", "FAIL 0 real: Error: x\n", 1},
        {"Object.prototype.toJSON = () => 1; Object.prototype.disabled = true",
         "console.log(JSON.stringify({}), ({}).disabled)", "log '{}' undefined\n", 1},
        // What helps others stays, as in Postman.
        {"Object.prototype.help = () => 'helped'; String.prototype.shout = () => 'HEY';"
         "Date.now = () => 5; left = 1",
         "console.log(({}).help(), ''.shout(), Date.now(), left)", "log 'helped' 'HEY' 5 1\n", 1},
        // What can't be put back ends the worker.
        {"left = 1; Object.freeze(Array.prototype)", "console.log(typeof left)",
         "log 'undefined'\n", 2},
        {"Object.defineProperty(Object.prototype, 'disabled', {value: true})",
         "console.log(({}).disabled)", "log undefined\n", 2},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        seen s = begin();
        run(&s, JS_TEST, rows[i].attack);
        assert_row(i, s.code == OK);
        run(&s, JS_TEST, rows[i].next);
        assert_log(&s, rows[i].log);
        assert_row(i, js_worker_count(s.engine) == rows[i].workers);
        end(&s);
    }
}

static void T45_what_a_script_leaves_is_read_within_its_time(void **state)
{
    (void)state;
    seen s = begin();
    run(&s, JS_TEST, "1"); // the time that a worker takes to start isn't the script's
    js_script script = script_of(JS_TEST, "pm.globals.set('x', {toJSON() { for (;;); }})");
    script.timeout_ms = 100;
    run_script(&s, &script);
    assert_int_equal(s.code, SCRIPT_TIMEOUT);
    assert_non_null(strstr(s.error, "timeout: reading what the script left doesn't end"));
    end(&s);
}

// Each of these once left a run without an end.
static void T45_what_a_script_leaves_behind_is_its_own_error(void **state)
{
    (void)state;
    static const struct {
        const char *source, *error;
    } rows[] = {
        {"const a = {}; a.a = a; pm.environment.set('x', a)", "circular reference"},
        {"pm.environment.set('x', {toJSON() { throw new Error('poison') }})", "poison"},
        {"pm.environment.set('x', 1n)", "BigInt"},
        {"pm.request.toJSON = () => { throw new Error('poison') }", "poison"},
        {"pm.setNextRequest({toString() { throw new Error('poison') }})", "poison"},
        {"pm.request.url.hash = 'a'.repeat(130 << 20)", "can't be told"},
    };
    seen s = begin();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        js_script script = script_of(JS_PREREQUEST, rows[i].source);
        script.timeout_ms = 0; // so large a text takes its time
        run_script(&s, &script);
        if (!strstr(s.error, rows[i].error))
            fail_msg("%s: '%s'", rows[i].source, s.error);
    }
    run(&s, JS_PREREQUEST, "pm.environment.set('bad', 1n); pm.environment.set('k', 'v')");
    assert_log(&s, "environment set k=\"v\" \n"); // the rest is kept
    end(&s);
}

// Answers that the worker doesn't take (here: as they come all at once) must not fill the queue
// until a frame is cut.
static void T45_large_answers_to_a_busy_script_are_refused_in_time(void **state)
{
    (void)state;
    enum { BODY_BYTES = 60 << 20 };
    seen s = begin();
    char *body = mem_new(BODY_BYTES);
    memset(body, 'x', BODY_BYTES);
    s.body = (str){body, BODY_BYTES};
    s.keep = 6;
    js_script script =
        script_of(JS_TEST, "let good = 0, bad = 0, why;\n"
                           "for (let i = 0; i < 6; i++)\n"
                           "    pm.sendRequest('http://a.example/', (error) => {\n"
                           "        if (error) { bad++; why = error.message; } else good++;\n"
                           "        if (good + bad === 6) console.log(good > 0, bad > 0, why);\n"
                           "    });\n");
    script.timeout_ms = 0; // so many bytes take their time
    run_script(&s, &script);
    assert_int_equal(s.code, OK);
    assert_log(&s, "log true true 'the response is too large'\n");
    end(&s);
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(scripts_are_stopped_when_their_time_is_over),
        unit(a_script_may_follow_at_once_on_one_that_was_stopped),
        unit(a_worker_that_got_no_processor_is_not_killed),
        unit(T45_a_worker_that_dies_takes_only_its_script_along),
        unit(T45_a_native_call_that_never_ends_is_killed),
        unit(T45_large_answers_to_a_busy_script_are_refused_in_time),
        unit(T45_the_next_script_finds_the_language_as_it_was),
        unit(T45_what_a_script_leaves_is_read_within_its_time),
        unit(T45_what_a_script_leaves_behind_is_its_own_error),
    };
    the_loop = loop_new();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    loop_free(the_loop);
    return failed;
}
