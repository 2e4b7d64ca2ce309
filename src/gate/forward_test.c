// SPDX-License-Identifier: Apache-2.0
// What flows through a gate, and every way in which a call can end.
#include <signal.h>
#include <sys/resource.h>

#include "gate/test_gate.h"

// ---- bodies -------------------------------------------------------------------------------------

static void bodies_flow_both_ways_while_they_come(void **state)
{
    fixture *f = *state;
    ask(f, "POST /echo", tester(f), "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r");
    peer *up = upstream_wait(&f->up, "abc");
    peer_send(up, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nxy\r\n");
    peer_wait(&f->client, "2\r\nxy\r\n"); // before the request is whole
    peer_send(&f->client, "\n2\r\nde\r\n0\r\n\r\n");
    peer_wait(up, "2\r\nde\r\n0\r\n\r\n");
    peer_send(up, "1\r\nz\r\n0\r\n\r\n");
    peer_wait(&f->client, "1\r\nz\r\n0\r\n\r\n");
    assert_int_equal(f->releases, 1);
}

enum { MUCH = 24 << 20, STEP_MS = 50 };

// Runs until the stream's queue has stopped to shrink; what is left of it.
static size_t settle(fixture *f, const stream *s)
{
    bool never = false;
    size_t before;
    do {
        before = stream_queued(s);
        loop_run_until(f->loop, &never, STEP_MS);
    } while (stream_queued(s) < before);
    return before;
}

static void a_side_that_does_not_read_holds_the_other_one_back(void **state)
{
    fixture *f = *state;
    char *bytes = mem_new(MUCH);
    memset(bytes, 'x', MUCH);
    ask(f, "POST /", tester(f), arena_printf(&f->mem, "Content-Length: %d\r\n", MUCH).ptr);
    peer *up = upstream_wait(&f->up, "\r\n\r\n");
    size_t head = up->got.len;
    stream_pause(up->stream);
    stream_write(f->client.stream, (str){bytes, MUCH});
    assert_true(settle(f, f->client.stream) > MUCH / 4); // the rest is in the system's buffers
    stream_resume(up->stream);
    peer_wait_bytes(up, head + MUCH);
    stream_pause(f->client.stream);
    peer_send(up, arena_printf(&f->mem, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", MUCH).ptr);
    stream_write(up->stream, (str){bytes, MUCH});
    assert_true(settle(f, up->stream) > MUCH / 4);
    stream_resume(f->client.stream);
    peer_wait(&f->client, "\r\n\r\n");
    peer_wait_bytes(&f->client, MUCH + 100);
    free(bytes);
}

static void a_client_that_awaits_100_gets_it_when_the_call_has_a_place(void **state)
{
    fixture *f = *state;
    f->mode = HOLDS;
    ask(f, "POST /", tester(f), "Expect: 100-continue\r\nContent-Length: 2\r\n");
    loop_run_until(f->loop, &f->claimed, TEST_WAIT_MS);
    assert_int_equal(f->client.got.len, 0);
    gate_place(f->held, f->pool, STR("i"), STR_NONE);
    peer_wait(&f->client, "HTTP/1.1 100 Continue\r\n\r\n");
    peer_send(&f->client, "hi");
    upstream_wait(&f->up, "\r\n\r\nhi");
    answer(f, OK_ANSWER, "\r\n\r\nok");
    assert_false(upstream_got(f, "Expect"));
}

static void a_refused_client_that_awaits_100_need_not_send_its_body(void **state)
{
    fixture *f = *state;
    ask(f, "POST /", NULL, "Expect: 100-continue\r\nContent-Length: 1000000\r\n");
    assert_refused(f, 403);
    assert_false(client_got(f, "100 Continue"));
    peer_wait_end(&f->client);
}

static void a_body_beyond_the_limit_is_413(void **state)
{
    fixture *f = *state;
    f->service.request_bytes_max = 8;
    ask(f, "POST /", tester(f), "Content-Length: 9\r\n");
    assert_refused(f, 413);
    assert_int_equal(f->claims, 0);
    peer_close(&f->client);
    f->client.stream = NULL;
    ask(f, "POST /", tester(f),
        "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n4\r\nabcd\r\n0\r\n\r\n");
    assert_refused(f, 413);
    assert_int_equal(f->releases, 1);
    read_trail(f);
    assert_in(f->request, "GP-SYS-02");
}

static void head_and_bodiless_answers(void **state)
{
    fixture *f = *state;
    ask(f, "HEAD /", tester(f), "");
    answer(f, "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\nETag: \"a\"\r\n\r\n", "\r\n\r\n");
    assert_true(client_got(f, "Content-Length: 12345\r\n"));
    buf_reset(&f->up.peers[0].got);
    ask(f, "GET /", tester(f), "If-None-Match: \"a\"\r\n");
    answer(f, "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n", "\r\n\r\n");
    buf_reset(&f->up.peers[0].got);
    ask(f, "DELETE /", tester(f), "");
    answer(f, "HTTP/1.1 204 No Content\r\n\r\n", "\r\n\r\n");
    assert_false(client_got(f, "Content-Length"));
    assert_int_equal(f->up.count, 1); // over one kept connection
}

// ---- WebSockets ---------------------------------------------------------------------------------

#define UPGRADE "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n"
#define SWITCHES                                                                                   \
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"            \
    "Sec-WebSocket-Accept: y\r\n\r\n"

static peer *open_websocket(fixture *f)
{
    ask(f, "GET /ws", tester(f), UPGRADE);
    peer *up = upstream_wait(&f->up, "\r\n\r\n");
    assert_true(upstream_got(f, "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
    peer_send(up, SWITCHES "early");
    peer_wait(&f->client, "early");
    assert_status(f, 101);
    assert_true(client_got(f, "Sec-WebSocket-Accept: y\r\n"));
    assert_int_equal(f->releases, 0);
    assert_int_equal(gate_calls(f->gate), 1);
    return up;
}

static void a_websocket_passes_in_both_directions(void **state)
{
    fixture *f = *state;
    peer *up = open_websocket(f);
    peer_send(&f->client, "ping");
    peer_wait(up, "\r\n\r\nping");
    peer_send(up, "pong");
    peer_wait(&f->client, "pong");
    stream_shutdown(f->client.stream);
    peer_wait_end(up);
    peer_send(up, "last");
    peer_wait(&f->client, "last"); // the other direction goes on
    stream_shutdown(up->stream);
    peer_wait_end(&f->client);
    assert_int_equal(f->releases, 1);
    assert_int_equal(gate_calls(f->gate), 0);
    read_trail(f);
    assert_int_equal(f->rows, 1);
    assert_in(f->request, "\"status\":101");
    assert_in(f->request, ORDERS "/ws");
    assert_strz(f->record, "101 /ws " TESTER " []");
    assert_in(f->request, "instance-1");
}

static void a_websocket_ends_at_the_services_time_limit(void **state)
{
    fixture *f = *state;
    f->service.timeout_ms = 200;
    peer *up = open_websocket(f);
    peer_wait_end(&f->client);
    peer_wait_end(up);
    assert_int_equal(f->releases, 1);
}

static void an_open_websocket_goes_with_its_gate(void **state)
{
    fixture *f = *state;
    peer *up = open_websocket(f);
    gate_free(f->gate);
    f->gate = NULL;
    assert_int_equal(f->releases, 1);
    peer_wait_end(&f->client);
    peer_wait_end(up);
}

// ---- the ways to end ----------------------------------------------------------------------------

static void a_backend_without_a_place_says_so(void **state)
{
    static const int statuses[] = {429, 500, 503, 504};
    fixture *f = *state;
    f->mode = REFUSES;
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        f->refuse_status = statuses[i];
        ask(f, "GET /", tester(f), "");
        assert_refused(f, statuses[i]);
        read_trail(f);
        assert_in(f->request, "no room [GP-SYS-02]");
    }
    assert_int_equal(f->releases, 0); // what was refused isn't released
}

static void a_call_that_waits_too_long_is_504(void **state)
{
    fixture *f = *state;
    f->mode = HOLDS;
    f->service.timeout_ms = 30;
    ask(f, "GET /", tester(f), "");
    assert_refused(f, 504);
    assert_int_equal(f->releases, 1);
    read_trail(f);
    assert_in(f->request, "maximum request timeout");
    assert_in(f->request, "while it waited for an instance");
}

static void a_service_that_is_too_slow_is_504(void **state)
{
    fixture *f = *state;
    f->service.timeout_ms = 60;
    ask(f, "GET /", tester(f), "");
    peer *up = upstream_wait(&f->up, "\r\n\r\n");
    assert_refused(f, 504);
    peer_wait_end(up);
    assert_int_equal(f->releases, 1);
}

static void an_answer_that_is_too_slow_is_cut(void **state)
{
    fixture *f = *state;
    f->service.timeout_ms = 100;
    ask(f, "GET /", tester(f), "");
    peer *up = upstream_wait(&f->up, "\r\n\r\n");
    peer_send(up, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    peer_wait(&f->client, "abc");
    peer_wait_end(&f->client);
    peer_wait_end(up);
    assert_int_equal(f->releases, 1);
}

static void a_service_that_breaks_off_or_talks_nonsense_is_503(void **state)
{
    static const char *const answers[] = {"", "HTTP/1.1 200 OK\r\nContent-Le", "SSH-2.0-x\r\n",
                                          ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
                                           "Content-Length: 2\r\n\r\n")};
    fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        f->up.accepted = false;
        ask(f, "POST /", tester(f), "");
        loop_run_until(f->loop, &f->up.accepted, TEST_WAIT_MS);
        peer *up = upstream_wait(&f->up, "\r\n\r\n");
        peer_send(up, answers[i]);
        stream_shutdown(up->stream);
        assert_refused(f, 503);
        assert_int_equal(f->releases, i + 1);
        read_trail(f);
        assert_in(f->request, "The request failed because either the HTTP response was malformed");
    }
}

static void a_service_that_breaks_off_in_its_answer_breaks_the_clients(void **state)
{
    fixture *f = *state;
    ask(f, "GET /", tester(f), "");
    peer *up = upstream_wait(&f->up, "\r\n\r\n");
    peer_send(up, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    peer_wait(&f->client, "abc\r\n");
    stream_shutdown(up->stream);
    peer_wait_end(&f->client);
    assert_false(client_got(f, "\r\n0\r\n")); // it can't take it for whole
    assert_int_equal(f->releases, 1);
}

static void nobody_listening_is_503(void **state)
{
    fixture *f = *state;
    listener_free(f->up.listener);
    f->up.listener = NULL;
    ask(f, "GET /", tester(f), "");
    assert_refused(f, 503);
    read_trail(f);
    assert_in(f->request, "GP-NET-03");
}

static void a_pool_that_goes_ends_its_calls(void **state)
{
    fixture *f = *state;
    ask(f, "GET /", tester(f), "");
    upstream_wait(&f->up, "\r\n\r\n");
    http_pool_free(f->pool); // as when an instance dies
    f->pool = NULL;
    assert_int_equal(f->releases, 1);
    assert_refused(f, 503);
}

static void forget_clients_soon(fixture *f)
{
    f->leave_ms = 20;
    open_gate(f, (http_server_options){0});
}

static void a_client_that_leaves_ends_the_services_call(void **state)
{
    fixture *f = *state;
    forget_clients_soon(f);
    ask(f, "GET /", tester(f), "");
    peer *up = upstream_wait(&f->up, "\r\n\r\n");
    stream_free(f->client.stream);
    f->client.stream = NULL;
    peer_wait_end(up);
    loop_run_until(f->loop, &f->released, TEST_WAIT_MS);
    assert_int_equal(f->releases, 1);
    read_trail(f);
    assert_in(f->request, "\"latency\"");
}

static void a_client_that_leaves_the_queue_gives_up_its_claim(void **state)
{
    fixture *f = *state;
    forget_clients_soon(f);
    f->mode = HOLDS;
    ask(f, "GET /", tester(f), "");
    loop_run_until(f->loop, &f->claimed, TEST_WAIT_MS);
    stream_free(f->client.stream);
    f->client.stream = NULL;
    loop_run_until(f->loop, &f->released, TEST_WAIT_MS);
    assert_int_equal(f->releases, 1);
    assert_int_equal(gate_calls(f->gate), 0);
}

static void a_half_closed_client_still_gets_its_answer(void **state)
{
    fixture *f = *state;
    ask(f, "GET /", tester(f), "");
    upstream_wait(&f->up, "\r\n\r\n");
    stream_shutdown(f->client.stream);
    answer(f, OK_ANSWER, "\r\n\r\nok");
}

static void set_true(void *ctx)
{
    *(bool *)ctx = true;
}

static void draining_lets_calls_finish(void **state)
{
    fixture *f = *state;
    bool drained = false;
    ask(f, "GET /", tester(f), "");
    upstream_wait(&f->up, "\r\n\r\n");
    gate_drain(f->gate, TEST_WAIT_MS, set_true, &drained);
    answer(f, OK_ANSWER, "\r\n\r\nok");
    assert_true(client_got(f, "Connection: close\r\n"));
    assert_true(loop_run_until(f->loop, &drained, TEST_WAIT_MS));
}

// ---- before the verdict is written --------------------------------------------------------------

static void a_full_spool_is_503_and_nothing_passes(void **state)
{
    fixture *f = *state;
    guard_free(f->guard);
    audit_spool_close(f->spool);
    audit_options o = {.pending_bytes_max = 1};
    assert_code(audit_spool_open(f->loop, f->dir, &o, &f->spool, NULL), OK);
    guard_options go = {.issuers = f->issuers, .spool = f->spool};
    f->guard = guard_new(&go);
    open_gate(f, (http_server_options){0});
    str two = arena_printf(&f->mem, "\r\nGET /second HTTP/1.1\r\n" HOST "\r\n");
    ask(f, "GET /", NULL, two.ptr); // both in one turn of the loop: nothing is written between
    peer_wait(&f->client, "HTTP/1.1 503 ");
    assert_true(client_got(f, "HTTP/1.1 403 "));
    assert_int_equal(f->claims, 0);
}

static void limit_file_size(rlim_t bytes)
{
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

#define wait_until(f, what)                                                                        \
    do {                                                                                           \
        bool never_ = false;                                                                       \
        for (uint64_t end_ = clock_mono_ms() + TEST_WAIT_MS; !(what) && clock_mono_ms() < end_;)   \
            loop_run_until((f)->loop, &never_, 5);                                                 \
        assert_true(what);                                                                         \
    } while (0)

// The disk is full: the first call's decision can't be written, so nothing of it moves, and what
// comes later is told at once.
static void on_a_full_disk_the_held_wait_and_the_new_get_503(void **state)
{
    fixture *f = *state;
    peer other = {0};
    f->service.timeout_ms = 400;
    limit_file_size(0);
    ask(f, "GET /held", tester(f), "");
    wait_until(f, f->claimed && !audit_spool_ready(f->spool));
    str late = arena_printf(&f->mem, "GET /new HTTP/1.1\r\n" HOST "\r\n");
    peer_connect(&other, f->loop, gate_port(f->gate), late);
    assert_true(stream_pass_gates(other.stream)); // this side is on the same loop
    peer_wait(&other, "</html>");
    assert_true(str_starts(buf_str(&other.got), STR("HTTP/1.1 503 ")));
    assert_in(buf_str(&other.got), "Connection: close");
    assert_int_equal(f->client.got.len, 0); // held all the while
    assert_int_equal(f->claims, 1);
    assert_refused(f, 503); // at the time limit, with the true reason
    wait_until(f, f->records == 1);
    assert_strz(f->record, "503 /held " TESTER " [GP-AUDIT-01]");
    assert_false(upstream_got(f, "GET"));
    limit_file_size(RLIM_INFINITY);
    wait_until(f, audit_spool_ready(f->spool));
    read_trail(f);
    assert_int_equal(f->rows, 1); // of the new call nothing was decided
    assert_in(f->request, "503");
    peer_close(&other);
}

static void only_a_loopback_host_is_plain_http_in_the_trail(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *host, *url;
    } rows[] = {
        {"localhost:8080", "\"http://localhost:8080/\""},
        {"127.0.0.1:8080", "\"http://127.0.0.1:8080/\""},
        {"[::1]:8080", "\"http://[::1]:8080/\""},
        {"localhost.evil.example", "\"https://localhost.evil.example/\""},
        {"localhosts", "\"https://localhosts/\""},
        {"127.evil.example", "\"https://127.evil.example/\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        peer p = {0};
        const char *host = rows[i].host;
        peer_connect(&p, f->loop, gate_port(f->gate),
                     arena_printf(&f->mem, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host));
        peer_wait(&p, "</html>");
        peer_close(&p);
        read_trail(f);
        assert_in(f->event, rows[i].url);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(bodies_flow_both_ways_while_they_come),
        CASE(a_side_that_does_not_read_holds_the_other_one_back),
        CASE(a_client_that_awaits_100_gets_it_when_the_call_has_a_place),
        CASE(a_refused_client_that_awaits_100_need_not_send_its_body),
        CASE(a_body_beyond_the_limit_is_413),
        CASE(head_and_bodiless_answers),
        CASE(a_websocket_passes_in_both_directions),
        CASE(a_websocket_ends_at_the_services_time_limit),
        CASE(an_open_websocket_goes_with_its_gate),
        CASE(a_backend_without_a_place_says_so),
        CASE(a_call_that_waits_too_long_is_504),
        CASE(a_service_that_is_too_slow_is_504),
        CASE(an_answer_that_is_too_slow_is_cut),
        CASE(a_service_that_breaks_off_or_talks_nonsense_is_503),
        CASE(a_service_that_breaks_off_in_its_answer_breaks_the_clients),
        CASE(nobody_listening_is_503),
        CASE(a_pool_that_goes_ends_its_calls),
        CASE(a_client_that_leaves_ends_the_services_call),
        CASE(a_client_that_leaves_the_queue_gives_up_its_claim),
        CASE(a_half_closed_client_still_gets_its_answer),
        CASE(draining_lets_calls_finish),
        CASE(a_full_spool_is_503_and_nothing_passes),
        CASE(on_a_full_disk_the_held_wait_and_the_new_get_503),
        CASE(only_a_loopback_host_is_plain_http_in_the_trail),
    };
    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
