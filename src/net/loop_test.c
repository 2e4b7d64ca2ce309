// SPDX-License-Identifier: Apache-2.0
// The loop and what runs on it, without streams: those are in stream_test.c.
#include "net/net.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test.h"

static int setup(void **state)
{
    *state = loop_new();
    return 0;
}

static int teardown(void **state)
{
    loop_free(*state);
    return 0;
}

// ---- tasks and timers ---------------------------------------------------------------------------

typedef struct trace trace;
struct trace {
    loop *loop;
    char text[64];
    size_t len;
    task a, b, c;
    bool done;
};

static void note(trace *t, char what)
{
    t->text[t->len++] = what;
}

static void run_a(void *ctx)
{
    trace *t = ctx;
    note(t, 'a');
    task_cancel(&t->b);
    task_post(t->loop, &t->c);
}

static void run_b(void *ctx)
{
    note(ctx, 'b');
}

static void run_c(void *ctx)
{
    trace *t = ctx;
    note(t, 'c');
    t->done = true;
}

static void tasks_run_later_in_order_and_can_be_cancelled(void **state)
{
    trace t = {.loop = *state};
    t.a = (task){.run = run_a, .ctx = &t};
    t.b = (task){.run = run_b, .ctx = &t};
    t.c = (task){.run = run_c, .ctx = &t};
    task_post(*state, &t.a);
    task_post(*state, &t.a); // posted already
    task_post(*state, &t.b); // a takes it back
    assert_int_equal(t.len, 0);
    loop_run(*state);
    assert_string_equal(t.text, "ac");
}

static void post_again(void *ctx)
{
    trace *t = ctx;
    task_post(t->loop, &t->a);
}

static void set_done(void *ctx)
{
    *(bool *)ctx = true;
}

static void a_task_that_posts_itself_does_not_starve_timers(void **state)
{
    trace t = {.loop = *state};
    t.a = (task){.run = post_again, .ctx = &t};
    task_post(*state, &t.a);
    bool fired = false;
    timer *soon = timer_new(*state, set_done, &fired);
    timer_start(soon, 5);
    assert_true(loop_run_until(*state, &fired, TEST_WAIT_MS));
    task_cancel(&t.a);
    timer_free(soon);
}

static void timers_fire_once_and_not_when_stopped(void **state)
{
    bool early = false, stopped = false, background = false;
    timer *a = timer_new(*state, set_done, &early);
    timer *b = timer_new(*state, set_done, &stopped);
    timer *c = timer_new(*state, set_done, &background);
    timer_start(a, 1);
    timer_start(b, 1);
    timer_start(c, 100000);
    timer_background(c);
    timer_stop(b);
    assert_true(timer_active(a));
    loop_run(*state); // returns although c waits
    assert_true(early);
    assert_false(stopped);
    assert_false(background);
    assert_false(timer_active(a));
    timer_free(a);
    timer_free(b);
    timer_free(c);
}

static void run_until_gives_up_in_time(void **state)
{
    bool never = false;
    uint64_t before = clock_mono_ms();
    assert_false(loop_run_until(*state, &never, 20));
    uint64_t took = clock_mono_ms() - before;
    assert_true(took >= 19 && took < 2000);
}

static void on_signal(void *ctx, int signum)
{
    *(bool *)ctx = signum == SIGUSR1;
}

static void signals_arrive_as_callbacks(void **state)
{
    bool got = false;
    signal_watch *w = signal_watch_new(*state, SIGUSR1, on_signal, &got);
    kill(getpid(), SIGUSR1);
    assert_true(loop_run_until(*state, &got, TEST_WAIT_MS));
    signal_watch_free(w);
}

// ---- watch --------------------------------------------------------------------------------------

typedef struct watched watched;
struct watched {
    watch *w;
    int fds[2];
    int events;
    bool done;
};

static void on_ready(void *ctx, int events)
{
    watched *x = ctx;
    x->events |= events;
    x->done = true;
    watch_set(x->w, 0);
}

static void a_watch_tells_what_is_ready(void **state)
{
    watched x = {0};
    err e = ERR_INIT;
    assert_int_equal(pipe(x.fds), 0);
    assert_code(watch_new(*state, x.fds[0], on_ready, &x, &x.w, &e), OK);
    watch_set(x.w, WATCH_READ);
    assert_false(loop_run_until(*state, &x.done, 10)); // nothing to read yet
    assert_int_equal(write(x.fds[1], "x", 1), 1);
    assert_true(loop_run_until(*state, &x.done, TEST_WAIT_MS));
    assert_int_equal(x.events, WATCH_READ);
    watch_free(x.w);
    close(x.fds[0]);
    close(x.fds[1]);
}

static void a_regular_file_cannot_be_watched(void **state)
{
    FILE *f = tmpfile();
    watch *w = NULL;
    err e = ERR_INIT;
    assert_code(watch_new(*state, fileno(f), on_ready, NULL, &w, &e), SYS_FAILED);
    fclose(f);
}

// ---- work ---------------------------------------------------------------------------------------

typedef struct job job;
struct job {
    pthread_t thread;
    bool done;
};

static void job_run(void *ctx)
{
    ((job *)ctx)->thread = pthread_self();
}

static void job_done(void *ctx)
{
    ((job *)ctx)->done = true;
}

static void work_runs_on_another_thread(void **state)
{
    job j = {0};
    work_start(*state, job_run, job_done, &j);
    assert_false(j.done);
    assert_true(loop_run_until(*state, &j.done, TEST_WAIT_MS));
    assert_false(pthread_equal(j.thread, pthread_self()));
}

// ---- flow ---------------------------------------------------------------------------------------

typedef struct trip trip;
struct trip {
    flow flow;
    loop *loop;
    task op;
    int tries;
    char text[32];
    size_t len;
    code result;
    int finishes;
    bool done;
};

static void op_done(void *ctx)
{
    flow_resume(&((trip *)ctx)->flow);
}

static flow_next step_more(void *ctx, err *e)
{
    (void)e;
    trip *t = ctx;
    t->text[t->len++] = 'm';
    return FLOW_MORE;
}

static flow_next step_wait(void *ctx, err *e)
{
    (void)e;
    trip *t = ctx;
    t->text[t->len++] = 'w';
    t->op = (task){.run = op_done, .ctx = t};
    task_post(t->loop, &t->op);
    return FLOW_WAIT;
}

static flow_next step_retry(void *ctx, err *e)
{
    (void)e;
    trip *t = ctx;
    t->text[t->len++] = 'r';
    if (++t->tries < 3)
        flow_jump(&t->flow, 1);
    return FLOW_MORE;
}

static flow_next step_done(void *ctx, err *e)
{
    (void)e;
    trip *t = ctx;
    t->text[t->len++] = 'd';
    return FLOW_DONE;
}

static flow_next step_fail(void *ctx, err *e)
{
    (void)ctx;
    err_set(e, SYS_FAILED, "no way");
    return FLOW_FAIL;
}

static flow_next step_hang(void *ctx, err *e)
{
    (void)ctx, (void)e;
    return FLOW_WAIT;
}

static void on_finish(void *ctx, const err *e)
{
    trip *t = ctx;
    t->result = e ? e->code : OK;
    t->finishes++;
    t->done = true;
}

static void flows_follow_their_table(void **state)
{
    static const flow_step loops[] = {step_more, step_wait, step_retry, step_done, step_fail, NULL};
    static const flow_step ends[] = {step_more, NULL};
    static const flow_step fails[] = {step_wait, step_fail, step_more, NULL};
    static const flow_step hangs[] = {step_more, step_hang, NULL};
    static const struct {
        const flow_step *steps;
        const char *text;
        code result;
    } rows[] = {
        {loops, "mwrwrwrd", OK},
        {ends, "m", OK},
        {fails, "w", SYS_FAILED},
        {hangs, "m", SYS_TIMEOUT},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        trip t = {.loop = *state};
        flow_start(&t.flow, *state, rows[i].steps, 30, on_finish, &t);
        assert_row(i, t.len == 0); // not inside flow_start
        assert_row(i, loop_run_until(*state, &t.done, TEST_WAIT_MS));
        assert_row(i, strcmp(t.text, rows[i].text) == 0);
        assert_row(i, t.result == rows[i].result);
        flow_resume(&t.flow); // too late: nothing happens
        loop_run(*state);
        assert_row(i, t.finishes == 1);
    }
}

static void a_cancelled_flow_is_silent(void **state)
{
    static const flow_step steps[] = {step_wait, step_done, NULL};
    trip t = {.loop = *state};
    flow_start(&t.flow, *state, steps, 30, on_finish, &t);
    flow_cancel(&t.flow);
    loop_run(*state);
    assert_int_equal(t.finishes, 0);
    assert_int_equal(t.len, 0);
}

// ---- process ------------------------------------------------------------------------------------

typedef struct child child;
struct child {
    process *p;
    buf out;
    int status, signum;
    bool exited, closed, done;
};

static void child_check(child *c)
{
    c->done = c->exited && c->closed;
}

static void child_read(void *ctx, str bytes)
{
    buf_adds(&((child *)ctx)->out, bytes);
}

static void child_end(void *ctx, const err *e)
{
    (void)e;
    ((child *)ctx)->closed = true;
    child_check(ctx);
}

static void child_exit(void *ctx, int status, int signum)
{
    child *c = ctx;
    c->status = status;
    c->signum = signum;
    c->exited = true;
    child_check(c);
}

static const stream_handlers child_handlers = {.on_read = child_read, .on_end = child_end};

static void child_start(loop *l, child *c, const char *script, process_options o)
{
    const char *argv[] = {"sh", "-c", script, NULL};
    static const char *const env[] = {"PATH=/usr/bin:/bin", "GREETING=hello", NULL};
    err e = ERR_INIT;
    buf_init(&c->out, 65536);
    o.file = "sh";
    o.argv = argv;
    o.env = env;
    o.stdio[0] = o.stdio[1] = PROCESS_PIPE;
    o.on_exit = child_exit;
    o.ctx = c;
    assert_code(process_new(l, &o, &c->p, &e), OK);
    stream_handle(process_stream(c->p, 1), &child_handlers, c);
    stream_resume(process_stream(c->p, 1));
}

static void child_stop(child *c)
{
    process_free(c->p);
    buf_deinit(&c->out);
}

static void a_child_gets_its_environment_and_stdin_and_nothing_else(void **state)
{
    int leaked = open("/dev/null", 0); // without close-on-exec
    assert_true(leaked >= 0);
    child c = {0};
    child_start(*state, &c,
                "read line; echo \"$GREETING $line ${HOME-none}\"; pwd; ls /proc/self/fd | wc -l; "
                "exit 7",
                (process_options){.cwd = "/usr"});
    stream_write(process_stream(c.p, 0), STR("world\n"));
    stream_shutdown(process_stream(c.p, 0));
    assert_true(loop_run_until(*state, &c.done, TEST_WAIT_MS));
    assert_str(buf_str(&c.out), STR("hello world none\n/usr\n4\n")); // 0, 1, 2 and ls's own
    assert_int_equal(c.status, 7);
    assert_int_equal(c.signum, 0);
    child_stop(&c);
    close(leaked);
}

static void kill_reaches_the_whole_group(void **state)
{
    child c = {0};
    child_start(*state, &c, "sleep 100 & wait", (process_options){0});
    process_kill(c.p, SIGTERM);
    assert_true(loop_run_until(*state, &c.done, TEST_WAIT_MS)); // closed: the sleep has ended too
    assert_int_equal(c.signum, SIGTERM);
    assert_int_equal(c.status, -1);
    child_stop(&c);
}

static void free_kills_and_reaps(void **state)
{
    child c = {0};
    child_start(*state, &c, "sleep 100", (process_options){0});
    pid_t pid = process_pid(c.p);
    child_stop(&c);
    assert_int_equal(kill(pid, 0), -1);
    assert_false(c.exited); // no callback after free
}

// A process of ours, in the middle of its work, with a child; tells the child's id.
static void live_with_a_child(int tell)
{
    loop *l = loop_new();
    child c = {0};
    child_start(l, &c, "sleep 100", (process_options){0});
    pid_t pid = process_pid(c.p);
    if (write(tell, &pid, sizeof(pid)) != sizeof(pid))
        _exit(1);
    for (;;)
        pause();
}

static void a_child_dies_with_us_however_that_happens(void **state)
{
    (void)state;
    int ends[2];
    pid_t child_pid = 0;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t us = fork();
    if (us == 0)
        live_with_a_child(ends[1]);
    assert_int_equal(read(ends[0], &child_pid, sizeof(child_pid)), sizeof(child_pid));
    // Unlike kill(pid, 0), its descriptor tells the end also where nobody reaps it.
    int pidfd = (int)syscall(SYS_pidfd_open, child_pid, 0);
    assert_true(pidfd >= 0);
    kill(us, SIGKILL);
    assert_int_equal(waitpid(us, NULL, 0), us);
    struct pollfd end = {.fd = pidfd, .events = POLLIN};
    assert_int_equal(poll(&end, 1, TEST_WAIT_MS), 1);
    close(pidfd);
    close(ends[0]);
    close(ends[1]);
}

static void what_a_child_computes_is_counted_and_what_it_waits_is_not(void **state)
{
    child busy = {0}, idle = {0};
    child_start(*state, &busy, "while :; do :; done", (process_options){0});
    child_start(*state, &idle, "read line", (process_options){0});
    bool never = false;
    while (process_cpu_ms(busy.p) < 200)
        loop_run_until(*state, &never, 10);
    assert_true(process_cpu_ms(idle.p) < 100);
    stream_shutdown(process_stream(idle.p, 0));
    assert_true(loop_run_until(*state, &idle.done, TEST_WAIT_MS));
    assert_int_equal(process_cpu_ms(idle.p), 0); // it has ended
    child_stop(&busy);
    child_stop(&idle);
}

static void a_memory_limit_holds(void **state)
{
    child c = {0};
    child_start(*state, &c, "ulimit -v", (process_options){.memory_bytes_max = 256 << 20});
    assert_true(loop_run_until(*state, &c.done, TEST_WAIT_MS));
    assert_str(buf_str(&c.out), STR("262144\n"));
    child_stop(&c);
}

static void a_failed_start_names_program_and_reason(void **state)
{
    static const char *const argv[] = {"x", NULL};
    static const char *const env[] = {NULL};
    static const struct {
        const char *file, *cwd, *says;
    } rows[] = {
        {"no-such-program", NULL, "starting no-such-program: exec: No such file or directory"},
        {"/etc/passwd", NULL, "starting /etc/passwd: exec: Permission denied"},
        {"/bin/true", "/no/such/dir", "its working directory: No such file or directory"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        process_options o = {.file = rows[i].file, .argv = argv, .env = env, .cwd = rows[i].cwd};
        process *p = NULL;
        err e = ERR_INIT;
        assert_row(i, process_new(*state, &o, &p, &e) == PROCESS_START);
        assert_row(i, strstr(e.msg, rows[i].says) != NULL);
        assert_row(i, p == NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tasks_run_later_in_order_and_can_be_cancelled, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_task_that_posts_itself_does_not_starve_timers, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(timers_fire_once_and_not_when_stopped, setup, teardown),
        cmocka_unit_test_setup_teardown(run_until_gives_up_in_time, setup, teardown),
        cmocka_unit_test_setup_teardown(signals_arrive_as_callbacks, setup, teardown),
        cmocka_unit_test_setup_teardown(a_watch_tells_what_is_ready, setup, teardown),
        cmocka_unit_test_setup_teardown(a_regular_file_cannot_be_watched, setup, teardown),
        cmocka_unit_test_setup_teardown(work_runs_on_another_thread, setup, teardown),
        cmocka_unit_test_setup_teardown(flows_follow_their_table, setup, teardown),
        cmocka_unit_test_setup_teardown(a_cancelled_flow_is_silent, setup, teardown),
        cmocka_unit_test_setup_teardown(a_child_gets_its_environment_and_stdin_and_nothing_else,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(kill_reaches_the_whole_group, setup, teardown),
        cmocka_unit_test_setup_teardown(free_kills_and_reaps, setup, teardown),
        cmocka_unit_test(a_child_dies_with_us_however_that_happens),
        cmocka_unit_test_setup_teardown(what_a_child_computes_is_counted_and_what_it_waits_is_not,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_memory_limit_holds, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failed_start_names_program_and_reason, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
