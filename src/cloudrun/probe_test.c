// SPDX-License-Identifier: Apache-2.0
// Probes against our own server and against ports where nobody, or somebody else, listens.
#include "cloudrun/probe.h"

#include <unistd.h>

#include "base/test.h"

typedef struct world world;
struct world {
    loop *loop;
    http_server *server;
    int status; // that it answers
    char asked[128];
    bool done;
    err answer; // code OK: good
};

static void on_request(void *ctx, http_exchange *x)
{
    world *w = ctx;
    const http_request *rq = http_exchange_request(x);
    snprintf(w->asked, sizeof(w->asked), STR_FMT " " STR_FMT " " STR_FMT, STR_ARG(rq->method),
             STR_ARG(rq->target), STR_ARG(http_headers_get(&rq->headers, STR("x-probe"))));
    http_reply_text(x, w->status, "hello");
}

static int set_up(void **state)
{
    world *w = NEW(world);
    w->loop = loop_new();
    w->status = 200;
    http_server_options o = {.on_request = on_request, .ctx = w};
    assert_code(http_server_new(w->loop, &o, &w->server, NULL), OK);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    world *w = *state;
    http_server_free(w->server);
    loop_free(w->loop);
    free(w);
    return 0;
}

static void on_answer(void *ctx, const err *e)
{
    world *w = ctx;
    w->answer = e ? *e : ERR_INIT;
    w->done = true;
}

// Asks once: the code, and the words in w->answer.
static code ask(world *w, const service_probe *what, uint16_t port, uid_t owner)
{
    probe_options o = {.what = what,
                       .port = port,
                       .answer_ms = TEST_WAIT_MS,
                       .owner = owner,
                       .on_answer = on_answer,
                       .ctx = w};
    probe *p = probe_new(w->loop, &o);
    w->done = false;
    w->asked[0] = 0;
    probe_ask(p);
    assert_false(w->done); // never from within
    assert_true(loop_run_until(w->loop, &w->done, TEST_WAIT_MS));
    probe_free(p);
    return w->answer.code;
}

static const service_probe tcp = {.set = true, .kind = SERVICE_PROBE_TCP};
static const service_header headers[] = {{{"X-Probe", 7}, {"hi", 2}}};
static const service_probe http = {.set = true,
                                   .kind = SERVICE_PROBE_HTTP,
                                   .path = {"/ready?deep=1", 13},
                                   .headers = headers,
                                   .header_count = 1};

static void a_port_that_is_open_is_good(void **state)
{
    world *w = *state;
    assert_code(ask(w, &tcp, http_server_port(w->server), geteuid()), OK);
    assert_string_equal(w->asked, "");
}

static void a_port_that_is_closed_is_not(void **state)
{
    world *w = *state;
    uint16_t port = http_server_port(w->server);
    http_server_free(w->server);
    w->server = NULL;
    assert_code(ask(w, &tcp, port, geteuid()), NET_CONNECT);
    assert_code(ask(w, &http, port, geteuid()), NET_CONNECT);
}

static void an_answer_from_200_to_399_is_good(void **state)
{
    world *w = *state;
    static const struct {
        int status;
        code c;
    } rows[] = {{200, OK},          {204, OK},          {301, OK},         {399, OK},
                {400, UP_INSTANCE}, {404, UP_INSTANCE}, {500, UP_INSTANCE}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        w->status = rows[i].status;
        assert_row(i, ask(w, &http, http_server_port(w->server), geteuid()) == rows[i].c);
        assert_string_equal(w->asked, "GET /ready?deep=1 hi");
    }
    assert_string_equal(w->answer.msg, "it answered 500");
}

static void a_probe_may_name_another_port(void **state)
{
    world *w = *state;
    service_probe other = tcp;
    other.port = http_server_port(w->server);
    assert_code(ask(w, &other, 1, geteuid()), OK);
}

// The port was free when the kernel named it; what listens there now may be another user's, who
// would get the calls.
static void T40_what_another_user_listens_on_is_not_the_instance(void **state)
{
    world *w = *state;
    uint16_t port = http_server_port(w->server);
    assert_code(ask(w, &tcp, port, geteuid() + 1), UP_INSTANCE);
    assert_string_equal(w->answer.msg, "another user of this machine listens there");
    assert_code(ask(w, &http, port, geteuid() + 1), UP_INSTANCE);
    assert_string_equal(w->asked, ""); // not even the probe's own request went there
}

static void one_that_is_freed_tells_nothing(void **state)
{
    world *w = *state;
    for (int i = 0; i < 2; i++) {
        probe_options o = {.what = i ? &http : &tcp,
                           .port = http_server_port(w->server),
                           .answer_ms = TEST_WAIT_MS,
                           .owner = geteuid(),
                           .on_answer = on_answer,
                           .ctx = w};
        probe *p = probe_new(w->loop, &o);
        probe_ask(p);
        probe_free(p);
        w->done = false;
        assert_false(loop_run_until(w->loop, &w->done, 20));
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_port_that_is_open_is_good),
        TEST(a_port_that_is_closed_is_not),
        TEST(an_answer_from_200_to_399_is_good),
        TEST(a_probe_may_name_another_port),
        TEST(T40_what_another_user_listens_on_is_not_the_instance),
        TEST(one_that_is_freed_tells_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
