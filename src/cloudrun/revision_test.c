// SPDX-License-Identifier: Apache-2.0
// Instances are real processes here: small servers in Python and programs that fail.
#include "cloudrun/revision.h"

#include <signal.h>

#include "base/test.h"
#include "data/data.h"

enum { CALLS_MAX = 8 };

typedef struct world world;
typedef struct call call;
struct call {
    world *world;
    place *place;
    int placed, refused; // how often
    int status;
    char instance[INSTANCE_ID_LEN + 1];
    err why;
};

struct world {
    arena arena;
    loop *loop;
    revision *revision;
    call calls[CALLS_MAX];
    buf lines;  // of the programs
    buf events; // each with its time since the start
    uint64_t begun_ms;
    const char *awaited; // in lines or events
    uint32_t awaited_answers;
    uint32_t answers;
    bool stopping, stopped;
    bool done;
};

// A server that says what it is asked for: /status/N.
#define SERVER                                                                                     \
    "import http.server, os, signal, sys, threading\n"                                             \
    "class H(http.server.BaseHTTPRequestHandler):\n"                                               \
    "  n = 0\n"                                                                                    \
    "  def do_GET(self):\n"                                                                        \
    "    H.n += 1\n"                                                                               \
    "    self.send_response(503 if H.n < 3 else 200)\n"                                            \
    "    self.end_headers()\n"                                                                     \
    "  def log_message(self, f, *a):\n"                                                            \
    "    print('asked', self.path, self.headers['X-Probe'], flush=True)\n"                         \
    "def bye(*a):\n"                                                                               \
    "  print('bye', flush=True)\n"                                                                 \
    "  os._exit(0)\n"                                                                              \
    "signal.signal(signal.SIGTERM, bye)\n"                                                         \
    "http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), H).serve_forever()\n"

static void check_done(world *w)
{
    bool seen = !w->awaited || str_find(buf_str(&w->lines), str_from(w->awaited)) >= 0 ||
                str_find(buf_str(&w->events), str_from(w->awaited)) >= 0;
    w->done = w->stopping ? w->stopped : seen && w->answers >= w->awaited_answers;
}

static void on_place(void *ctx, void *asked, http_pool *pool, str id)
{
    world *w = ctx;
    call *c = asked;
    assert_non_null(pool);
    c->placed++;
    snprintf(c->instance, sizeof(c->instance), STR_FMT, STR_ARG(id));
    w->answers++;
    check_done(w);
}

static void on_refuse(void *ctx, void *asked, int status, const err *why)
{
    world *w = ctx;
    call *c = asked;
    c->refused++;
    c->status = status;
    c->why = *why;
    w->answers++;
    check_done(w);
}

static void on_line(void *ctx, str id, str container, str line)
{
    world *w = ctx;
    assert_int_equal(id.len, INSTANCE_ID_LEN);
    buf_addf(&w->lines, STR_FMT "%s" STR_FMT "\n", STR_ARG(container), container.len ? ": " : "",
             STR_ARG(line));
    check_done(w);
}

static void on_event(void *ctx, str id, const err *e, const char *text)
{
    world *w = ctx;
    assert_int_equal(id.len, INSTANCE_ID_LEN);
    buf_addf(&w->events, "%s\n", e ? e->msg : text);
    check_done(w);
}

static void on_stopped(void *ctx)
{
    world *w = ctx;
    w->stopped = w->done = true;
}

// ---- the world of a test

static int set_up(void **state)
{
    world *w = NEW(world);
    arena_init(&w->arena);
    buf_init(&w->lines, 1 << 20);
    buf_init(&w->events, 1 << 20);
    w->loop = loop_new();
    for (size_t i = 0; i < CALLS_MAX; i++)
        w->calls[i].world = w;
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    world *w = *state;
    for (size_t i = 0; i < CALLS_MAX; i++)
        if (w->calls[i].place)
            revision_release(w->revision, w->calls[i].place);
    revision_free(w->revision);
    loop_free(w->loop);
    buf_deinit(&w->lines);
    buf_deinit(&w->events);
    arena_deinit(&w->arena);
    free(w);
    return 0;
}

// The words of the program as JSON; more keys of the container and the pod, each may be "".
static void begin(world *w, const char *words, const char *container, const char *pod,
                  revision_options o)
{
    static const char *const env[] = {"PATH=/usr/bin:/bin", "K_SERVICE=orders", NULL};
    str text = arena_printf(&w->arena,
                            "apiVersion: serving.knative.dev/v1\nkind: Service\n"
                            "metadata: {name: orders}\n"
                            "spec: {template: {%s spec: {\n"
                            "containers: [{command: %s\n%s}]}}}\n",
                            pod, words, container);
    const service_spec *spec = NULL;
    size_t count = 0;
    err e = ERR_INIT;
    if (service_parse(&w->arena, text, "service.yaml", &spec, &count, &e) != OK)
        fail_msg("%u:%u %s", e.line, e.col, e.msg);
    o.spec = spec;
    instance_run *runs = arena_array(&w->arena, spec->container_count, sizeof(*runs));
    for (size_t i = 0; i < spec->container_count; i++)
        runs[i] = (instance_run){.env = env, .dir = "/tmp"};
    o.runs = runs;
    o.on_place = on_place;
    o.on_refuse = on_refuse;
    o.on_line = on_line;
    o.on_event = on_event;
    o.ctx = w;
    w->begun_ms = clock_mono_ms();
    w->revision = revision_new(w->loop, &o);
    revision_start(w->revision);
}

static const char *python(world *w, const char *program)
{
    buf b;
    buf_init(&b, 1 << 16);
    buf_addz(&b, "[python3, -S, -c, ");
    buf_add_json(&b, str_from(program));
    buf_addz(&b, "]");
    const char *words = arena_cstr(&w->arena, buf_str(&b));
    buf_deinit(&b);
    return words;
}

static call *claim(world *w)
{
    call *c = w->calls;
    while (c->place)
        c++;
    *c = (call){.world = w};
    c->place = revision_claim(w->revision, c);
    assert_int_equal(c->placed + c->refused, 0); // never from within
    return c;
}

static void release(call *c)
{
    revision_release(c->world->revision, c->place);
    c->place = NULL;
}

static void wait_for(world *w, const char *text, uint32_t answers)
{
    w->awaited = text;
    w->awaited_answers = answers;
    w->done = false;
    check_done(w);
    if (!w->done && !loop_run_until(w->loop, &w->done, TEST_WAIT_MS))
        fail_msg("no '%s', %u answers\n%s%s", text ? text : "", w->answers, buf_cstr(&w->lines),
                 buf_cstr(&w->events));
}

static void stop(world *w)
{
    revision_stop(w->revision, on_stopped, w);
    w->stopping = true;
    w->done = false;
    assert_true(loop_run_until(w->loop, &w->done, TEST_WAIT_MS) && w->stopped);
}

static bool has(const buf *b, const char *text)
{
    return str_find(buf_str(b), str_from(text)) >= 0;
}

// ---- start and stop

static void a_call_starts_an_instance_and_gets_its_place(void **state)
{
    world *w = *state;
    begin(w, python(w, SERVER), "", "", (revision_options){0});
    call *c = claim(w);
    wait_for(w, NULL, 1);
    assert_int_equal(c->placed, 1);
    assert_int_equal(strlen(c->instance), INSTANCE_ID_LEN);
    assert_true(has(&w->events, "Starting new instance. Reason: AUTOSCALING"));
    assert_true(has(&w->events, "Default STARTUP TCP probe succeeded after "));
    assert_int_equal(revision_count(w->revision).ready, 1);
    release(c);
    stop(w);
    assert_true(has(&w->lines, "bye")); // it got SIGTERM, and its last words are kept
    assert_int_equal(revision_count(w->revision).ready, 0);
}

static void the_program_sees_the_contract_and_nothing_of_ours(void **state)
{
    world *w = *state;
    setenv("GOOGLE_APPLICATION_CREDENTIALS", "/secret.json", 1);
    begin(w,
          python(w, "import os, sys\n"
                    "port = os.environ.pop('PORT')\n"
                    "print(sorted(k for k in os.environ if k != 'LC_CTYPE'), int(port) > 1023, "
                    "os.getcwd(), repr(sys.stdin.read()))\n"
                    "sys.exit(3)\n"),
          "", "", (revision_options){0});
    call *c = claim(w);
    wait_for(w, NULL, 1);
    unsetenv("GOOGLE_APPLICATION_CREDENTIALS");
    assert_int_equal(c->status, 500);
    assert_string_equal(buf_cstr(&w->lines), "['K_SERVICE', 'PATH'] True /tmp ''\n");
}

static void one_that_ignores_SIGTERM_is_killed(void **state)
{
    world *w = *state;
    begin(w,
          python(w, "import os, signal, socket\n"
                    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
                    "s = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))\n"
                    "while True: s.accept()\n"),
          "", "", (revision_options){.stop_ms = 200});
    call *c = claim(w);
    wait_for(w, NULL, 1);
    release(c);
    uint64_t begun = clock_mono_ms();
    stop(w);
    assert_true(clock_mono_ms() - begun >= 150);
}

// A zombie doesn't: nobody may have reaped it yet.
static bool runs(pid_t pid)
{
    char path[64], text[256];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "r");
    size_t len = f ? fread(text, 1, sizeof(text), f) : 0;
    if (f)
        fclose(f);
    str rest = str_skip((str){text, len}, (size_t)(str_rchr((str){text, len}, ')') + 2));
    return len && rest.ptr[0] != 'Z';
}

static void what_a_program_leaves_behind_ends_with_it(void **state)
{
    world *w = *state;
    begin(w, "[sh, -c, 'sleep 1000 & echo child $!; exec sleep 0.05']", "", "",
          (revision_options){0});
    call *c = claim(w);
    wait_for(w, NULL, 1);
    assert_int_equal(c->status, 500);
    pid_t child = (pid_t)strtol(buf_cstr(&w->lines) + strlen("child "), NULL, 10);
    assert_true(child > 0);
    for (int i = 0; runs(child) && i < 5000; i++)
        usleep(1000);
    assert_false(runs(child));
}

// ---- starts that fail

typedef struct failed_start {
    const char *words, *container;
    const char *message;
} failed_start;

static const failed_start failed_starts[] = {
    {"[/no/such/program]", "", "No such file or directory"},
    {"[sh, -c, 'exit 3']", "", "it ended with status 3"},
    {"[sh, -c, 'kill -9 $$']", "", "it was ended by signal 9"},
    {"[sleep, '1000']", ", startupProbe: {tcpSocket: {}, periodSeconds: 1, failureThreshold: 1}",
     "it isn't ready after 1 s"},
    {"[sleep, '1000']",
     ", startupProbe: {httpGet: {path: /}, periodSeconds: 1, failureThreshold: 1}",
     "it isn't ready after 1 s"},
};

static void a_start_that_fails_answers_500_with_its_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(failed_starts); i++) {
        void *one;
        set_up(&one);
        world *w = one;
        const failed_start *f = &failed_starts[i];
        begin(w, f->words, f->container, "", (revision_options){0});
        call *c = claim(w), *also = claim(w);
        wait_for(w, NULL, 2);
        if (c->status != 500 || also->status != 500 || !strstr(c->why.msg, f->message))
            fail_msg("row %zu: %d %s", i, c->status, c->why.msg);
        assert_row(i, has(&w->events, f->message));
        tear_down(&one);
    }
}

static void after_a_failed_start_the_next_one_waits(void **state)
{
    world *w = *state;
    begin(w, "[sh, -c, 'echo run; exit 1']", "", "", (revision_options){0});
    call *c = claim(w);
    wait_for(w, NULL, 1);
    uint64_t failed = clock_mono_ms();
    release(c);
    c = claim(w); // waits for the next start, which fails as well
    wait_for(w, "run\nrun\n", 2);
    assert_true(clock_mono_ms() - failed >= REVISION_RETRY_MS_MIN - 50);
    assert_int_equal(c->status, 500);
}

static void what_failed_to_start_is_left_alone_while_nobody_calls(void **state)
{
    world *w = *state;
    begin(w, "[sh, -c, 'echo run; sleep 1; exit 1']", "", "", (revision_options){0});
    call *c = claim(w);
    wait_for(w, NULL, 1);
    release(c);
    bool never = false;
    (void)loop_run_until(w->loop, &never, 2 * REVISION_RETRY_MS_MIN); // nothing to wait for
    assert_false(has(&w->lines, "run\nrun\n"));
    assert_true(has(&w->events, "Reason: AUTOSCALING"));
}

static void an_instance_that_dies_is_replaced(void **state)
{
    world *w = *state;
    begin(w,
          python(w, "import os, socket\n"
                    "s = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))\n"
                    "print('pid', os.getpid(), flush=True)\n"
                    "while True: s.accept()\n"),
          "", "", (revision_options){0});
    call *first = claim(w);
    wait_for(w, "pid", 1);
    kill((pid_t)strtol(buf_cstr(&w->lines) + strlen("pid "), NULL, 10), SIGKILL);
    wait_for(w, "it was ended by signal 9", 1);
    call *next = claim(w);
    wait_for(w, NULL, 2);
    assert_int_equal(next->placed, 1);
    assert_string_not_equal(first->instance, next->instance);
}

// ---- probes

static void the_startup_probe_asks_until_it_is_answered_well(void **state)
{
    world *w = *state;
    begin(w, python(w, SERVER),
          ", startupProbe: {httpGet: {path: /ready, httpHeaders: [{name: X-Probe, value: hi}]}, "
          "periodSeconds: 60, failureThreshold: 1}",
          "", (revision_options){0});
    call *c = claim(w);
    wait_for(w, "STARTUP probe succeeded", 1);
    assert_int_equal(c->placed, 1);
    assert_true(has(&w->lines, "asked /ready hi\nasked /ready hi\nasked /ready hi\n"));
    assert_false(has(&w->events, "Default"));
}

static void an_instance_that_is_no_longer_live_is_replaced(void **state)
{
    world *w = *state;
    begin(w, python(w, SERVER),
          ", livenessProbe: {httpGet: {path: /alive}, periodSeconds: 1, failureThreshold: 2}", "",
          (revision_options){0});
    call *c = claim(w);
    wait_for(w, "the liveness probe failed 2 times: it answered 503", 1);
    assert_int_equal(c->placed, 1);
    wait_for(w, "bye", 1); // it was asked to end
}

static void without_a_health_check_an_instance_is_ready_at_once(void **state)
{
    world *w = *state;
    begin(w, "[sleep, '1000']", "",
          "metadata: {annotations: {run.googleapis.com/health-check-disabled: 'true'}},",
          (revision_options){0});
    call *c = claim(w);
    wait_for(w, NULL, 1);
    assert_int_equal(c->placed, 1);
}

// ---- places

#define LISTEN                                                                                     \
    "import os, socket\n"                                                                          \
    "s = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))\n"                           \
    "while True: s.accept()\n"
#define MAX_ONE "metadata: {annotations: {autoscaling.knative.dev/maxScale: '1'}},"

static void calls_beyond_the_concurrency_wait_for_a_place(void **state)
{
    world *w = *state;
    begin(w, python(w, LISTEN), ", resources: {limits: {cpu: 500m}}", MAX_ONE,
          (revision_options){0});
    call *a = claim(w), *b = claim(w), *c = claim(w);
    wait_for(w, NULL, 1);
    assert_int_equal(a->placed, 1);
    assert_int_equal(revision_count(w->revision).waiting, 2);
    release(b); // gave up
    release(a);
    wait_for(w, NULL, 2);
    assert_int_equal(c->placed, 1);
    assert_int_equal(revision_count(w->revision).starts, 1);
}

static void with_all_instances_busy_too_long_the_answer_is_429(void **state)
{
    world *w = *state;
    begin(w, python(w, LISTEN), ", resources: {limits: {cpu: 500m}}",
          "metadata: {annotations: {autoscaling.knative.dev/minScale: '1', "
          "autoscaling.knative.dev/maxScale: '1'}},",
          (revision_options){.wait_ms_min = 300});
    wait_for(w, "probe succeeded", 0);
    call *a = claim(w);
    wait_for(w, NULL, 1);
    uint64_t begun = clock_mono_ms();
    call *b = claim(w);
    wait_for(w, NULL, 2);
    assert_int_equal(a->placed, 1);
    assert_int_equal(b->status, 429);
    assert_int_equal(b->why.code, UP_FULL);
    assert_true(clock_mono_ms() - begun >= 250);
}

static void a_start_that_takes_too_long_answers_500(void **state)
{
    world *w = *state;
    begin(w, "[sleep, '1000']", "", "", (revision_options){.wait_ms_min = 100});
    call *c = claim(w);
    wait_for(w, NULL, 1);
    assert_int_equal(c->status, 500);
    assert_true(strstr(c->why.msg, "no instance was ready within") != NULL);
}

static void more_calls_than_may_wait_get_503(void **state)
{
    world *w = *state;
    begin(w, "[sleep, '1000']", "", "", (revision_options){0});
    static place *places[REVISION_WAITING_MAX];
    call dummy = {.world = w};
    for (size_t i = 0; i < REVISION_WAITING_MAX; i++)
        places[i] = revision_claim(w->revision, &dummy);
    call *c = claim(w);
    wait_for(w, NULL, 1);
    assert_int_equal(c->status, 503);
    assert_int_equal(c->why.code, UP_QUEUE);
    for (size_t i = 0; i < REVISION_WAITING_MAX; i++)
        revision_release(w->revision, places[i]);
}

static void a_call_that_waits_when_the_service_stops_gets_503(void **state)
{
    world *w = *state;
    begin(w, "[sleep, '1000']", "", "", (revision_options){0});
    call *a = claim(w);
    stop(w);
    w->stopping = false;
    assert_int_equal(a->status, 503);
    call *b = claim(w);
    wait_for(w, NULL, 2);
    assert_int_equal(b->status, 503);
}

#define MIN_TWO "metadata: {annotations: {autoscaling.knative.dev/minScale: '2'}},"

static void calls_are_spread_over_the_instances(void **state)
{
    world *w = *state;
    begin(w, python(w, LISTEN), "", MIN_TWO, (revision_options){0});
    while (revision_count(w->revision).ready < 2) {
        w->done = false;
        (void)loop_run_until(w->loop, &w->done, 10);
    }
    assert_true(has(&w->events, "Reason: MANUAL_OR_CUSTOMER_MIN_INSTANCE"));
    call *a = claim(w), *b = claim(w), *c = claim(w);
    wait_for(w, NULL, 3);
    assert_string_not_equal(a->instance, b->instance);
    assert_string_equal(a->instance, c->instance);
}

// ---- scale

static void an_idle_service_goes_to_zero_and_comes_back(void **state)
{
    world *w = *state;
    begin(w, python(w, SERVER), "", "", (revision_options){.window_ms = 600, .grace_ms = 100});
    call *a = claim(w);
    wait_for(w, NULL, 1);
    char before[INSTANCE_ID_LEN + 1];
    memcpy(before, a->instance, sizeof(before));
    release(a);
    wait_for(w, "bye", 1);
    assert_true(has(&w->events, "Stopping instance: it is idle"));
    assert_int_equal(revision_count(w->revision).ready, 0);
    call *b = claim(w);
    wait_for(w, NULL, 2);
    assert_int_equal(b->placed, 1);
    assert_string_not_equal(before, b->instance);
}

static void more_calls_than_one_instance_takes_start_another(void **state)
{
    world *w = *state;
    begin(w, python(w, LISTEN), ", resources: {limits: {cpu: 500m}}", "",
          (revision_options){.window_ms = 3000});
    call *a = claim(w), *b = claim(w);
    wait_for(w, NULL, 2);
    assert_int_equal(a->placed + b->placed, 2);
    assert_string_not_equal(a->instance, b->instance);
}

static void an_instance_over_its_memory_limit_is_killed(void **state)
{
    world *w = *state;
    begin(w,
          python(w, "import os, socket\n"
                    "s = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))\n"
                    "held = bytearray(b'x') * (64 << 20)\n"
                    "while True: s.accept()\n"),
          ", resources: {limits: {memory: 48Mi}}", "", (revision_options){0});
    call *c = claim(w);
    wait_for(w, "Memory limit of 48 MiB exceeded with ", 1);
    assert_int_equal(c->placed, 1);
}

// ---- containers beside the one that takes the calls

#define DEPENDS(json)                                                                              \
    "metadata: {annotations: {run.googleapis.com/container-dependencies: '" json "'}},"

static void containers_start_in_their_order_and_make_one_instance(void **state)
{
    world *w = *state;
    begin(w, python(w, "print('app', flush=True)\n" LISTEN),
          ", name: app, ports: [{}]}, {name: proxy, command: [sh, -c, "
          "'echo proxy ${PORT-without port}; exec sleep 1000']",
          DEPENDS("{\"app\": [\"proxy\"]}"), (revision_options){0});
    call *c = claim(w);
    wait_for(w, "app\n", 1);
    assert_int_equal(c->placed, 1);
    assert_true(has(&w->lines, "proxy: proxy without port\n"));
    assert_int_equal(revision_count(w->revision).ready, 1);
    release(c);
    stop(w);
}

static void when_a_container_ends_its_instance_ends(void **state)
{
    world *w = *state;
    begin(w, python(w, SERVER),
          ", name: app, ports: [{}]}, {name: proxy, command: [sh, -c, 'exit 4']", "",
          (revision_options){0});
    call *c = claim(w);
    wait_for(w, "container proxy: it ended with status 4", 1);
    assert_int_equal(c->status, 500);
}

static void a_container_that_never_starts_holds_those_that_wait_for_it(void **state)
{
    world *w = *state;
    begin(w, "[sh, -c, 'echo too soon; exec sleep 1000']",
          ", name: app, ports: [{}]}, {name: proxy, command: [sleep, '1000'], startupProbe: "
          "{tcpSocket: {port: 1}, periodSeconds: 1, failureThreshold: 1}",
          DEPENDS("{\"app\": [\"proxy\"]}"), (revision_options){0});
    call *c = claim(w);
    wait_for(w, "container proxy: it isn't ready after 1 s: port ", 1);
    assert_int_equal(c->status, 500);
    assert_false(has(&w->lines, "too soon"));
}

// ---- output

static void long_lines_come_in_pieces(void **state)
{
    world *w = *state;
    begin(w,
          python(w, "import sys\n"
                    "print('x' * 40000)\n"
                    "sys.stdout.write('\\r\\n\\nwindows\\r\\nno newline')\n"),
          "", "", (revision_options){0});
    claim(w);
    wait_for(w, "no newline\n", 1);
    str rest = buf_str(&w->lines), line;
    static const size_t lens[] = {16384, 16384, 40000 - 2 * 16384, 0, 0, 7, 10};
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        assert_true(str_next(&rest, '\n', &line));
        assert_row(i, line.len == lens[i]);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_call_starts_an_instance_and_gets_its_place),
        TEST(the_program_sees_the_contract_and_nothing_of_ours),
        TEST(one_that_ignores_SIGTERM_is_killed),
        TEST(what_a_program_leaves_behind_ends_with_it),
        cmocka_unit_test(a_start_that_fails_answers_500_with_its_reason),
        TEST(after_a_failed_start_the_next_one_waits),
        TEST(what_failed_to_start_is_left_alone_while_nobody_calls),
        TEST(an_instance_that_dies_is_replaced),
        TEST(the_startup_probe_asks_until_it_is_answered_well),
        TEST(an_instance_that_is_no_longer_live_is_replaced),
        TEST(without_a_health_check_an_instance_is_ready_at_once),
        TEST(calls_beyond_the_concurrency_wait_for_a_place),
        TEST(with_all_instances_busy_too_long_the_answer_is_429),
        TEST(a_start_that_takes_too_long_answers_500),
        TEST(more_calls_than_may_wait_get_503),
        TEST(a_call_that_waits_when_the_service_stops_gets_503),
        TEST(calls_are_spread_over_the_instances),
        TEST(an_idle_service_goes_to_zero_and_comes_back),
        TEST(more_calls_than_one_instance_takes_start_another),
        TEST(an_instance_over_its_memory_limit_is_killed),
        TEST(containers_start_in_their_order_and_make_one_instance),
        TEST(when_a_container_ends_its_instance_ends),
        TEST(a_container_that_never_starts_holds_those_that_wait_for_it),
        TEST(long_lines_come_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
