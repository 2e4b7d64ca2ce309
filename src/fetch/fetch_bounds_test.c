// SPDX-License-Identifier: Apache-2.0
// Limits, streaming, cancelling, and where a request may go.
#include "fetch/test_fetch.h"

// ---- limits -----------------------------------------------------------------------------------

static void T17_a_body_is_limited_after_decoding(void **state)
{
    fixture *f = *state;
    perform(f, (fetch_request){.url = url_of(f, "/gzip"), .body_bytes_max = 4});
    assert_code(f->e.code, FETCH_LIMIT);
    assert_non_null(strstr(f->e.msg, "is larger than 4 bytes"));
    perform(f, (fetch_request){.url = url_of(f, "/gzip"), .body_bytes_max = 5});
    assert_code(f->e.code, OK);
}

// ---- streaming and cancelling -----------------------------------------------------------------

typedef struct receiver receiver;
struct receiver {
    fixture *fixture; // first: on_done's ctx
    str got;
    int pieces;
    int stop_after;
    fetch_call *cancel;
};

static bool on_body(void *ctx, str piece)
{
    receiver *r = ctx;
    r->got = arena_printf(&r->fixture->mem, STR_FMT STR_FMT, STR_ARG(r->got), STR_ARG(piece));
    r->pieces++;
    if (r->cancel)
        fetch_cancel(r->cancel);
    return r->pieces != r->stop_after;
}

static void on_received(void *ctx, const fetch_response *res, const err *e)
{
    receiver *r = ctx;
    on_done(r->fixture, res, e);
}

static void a_body_can_be_streamed(void **state)
{
    fixture *f = *state;
    receiver r = {.fixture = f};
    fetch_request req = {
        .url = url_of(f, "/chunked"), .on_body = on_body, .on_done = on_received, .ctx = &r};
    f->done = false;
    fetch_start(f->client, &req);
    assert_true(loop_run_until(f->loop, &f->done, TEST_WAIT_MS));
    assert_strz(r.got, "hello world");
    assert_strz(f->body, "");
    assert_int_equal(f->res.body_bytes, 11);

    r = (receiver){.fixture = f, .stop_after = 1};
    f->done = false;
    fetch_start(f->client, &req);
    assert_true(loop_run_until(f->loop, &f->done, TEST_WAIT_MS));
    assert_code(f->e.code, SYS_CANCELLED);
}

// More than the queue of a connection takes at once.
static void a_large_body_goes_as_the_server_takes_it(void **state)
{
    fixture *f = *state;
    enum { SIZE = 3 << 20 };
    char path[] = "/tmp/fetch-test-XXXXXX";
    int fd = mkstemp(path);
    char *bytes = mem_new(SIZE);
    uint64_t sum = 0;
    unlink(path);
    for (size_t i = 0; i < SIZE; i++) {
        bytes[i] = (char)(i * 31 >> 3);
        sum += (unsigned char)bytes[i];
    }
    assert_int_equal(write(fd, bytes, SIZE), SIZE);
    const fetch_segment body[] = {FETCH_BYTES(((str){bytes, SIZE})),
                                  {.file_fd = fd, .len = SIZE},
                                  FETCH_BYTES(((str){bytes, SIZE}))};
    perform(f, (fetch_request){.method = STR("PUT"),
                               .url = url_of(f, "/sink"),
                               .body = body,
                               .body_count = ARRAY_LEN(body)});
    assert_int_equal(f->res.status, 200);
    assert_true(f->res.request_bytes > 3 * SIZE);
    pthread_mutex_lock(&f->server.lock);
    assert_int_equal(f->server.sunk, 3 * SIZE);
    assert_int_equal(f->server.sunk_sum, 3 * sum);
    pthread_mutex_unlock(&f->server.lock);
    close(fd);
    free(bytes);
}

// A head as long as this is no head; as many headers as that are too many.
static void a_head_has_limits(void **state)
{
    fixture *f = *state;
    static const char *const rows[] = {"/long", "/many"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        get(f, rows[i]);
        assert_row(i, f->e.code == FETCH_LIMIT);
    }
}

static void a_cancelled_call_is_silent(void **state)
{
    fixture *f = *state;
    fetch_request req = {.url = url_of(f, "/hang"), .on_done = on_done, .ctx = f};
    f->done = false;
    fetch_cancel(fetch_start(f->client, &req)); // before it began
    fetch_call *call = fetch_start(f->client, &req);
    assert_false(loop_run_until(f->loop, &f->done, 100));
    fetch_cancel(call); // while it waits

    receiver r = {.fixture = f};
    req = (fetch_request){
        .url = url_of(f, "/chunked"), .on_body = on_body, .on_done = on_received, .ctx = &r};
    r.cancel = fetch_start(f->client, &req); // inside its own on_body
    assert_false(loop_run_until(f->loop, &f->done, 200));
    assert_int_equal(r.pieces, 1);
    get(f, "/ok");
    assert_int_equal(f->res.status, 200);
}

static void on_done_free_client(void *ctx, const fetch_response *res, const err *e)
{
    fixture *f = ctx;
    on_done(ctx, res, e);
    fetch_client_free(f->client);
    f->client = NULL;
}

static void a_client_may_be_freed_by_its_own_callback(void **state)
{
    fixture *f = *state;
    fetch_request req = {.url = url_of(f, "/ok"), .on_done = on_done_free_client, .ctx = f};
    fetch_request other = {.url = url_of(f, "/hang"), .on_done = on_done, .ctx = f};
    fetch_start(f->client, &other);
    fetch_start(f->client, &req);
    assert_true(loop_run_until(f->loop, &f->done, TEST_WAIT_MS));
    assert_int_equal(f->res.status, 200);
}

// ---- where a request may go -------------------------------------------------------------------

static void T42_refused_addresses_are_never_connected_to(void **state)
{
    fixture *f = *state;
    static const char *const urls[] = {
        "http://169.254.169.254/computeMetadata/v1/",
        "http://2852039166/",          // decimal
        "http://0xA9FEA9FE/",          // hexadecimal
        "http://0251.0376.0251.0376/", // octal
        "http://[::ffff:169.254.169.254]/",
        "http://[fe80::1]/",
        "http://[fd00:ec2::254]/",
        "http://metadata.google.internal/computeMetadata/v1/",
        "http://METADATA.google.internal./",
        "http://metadata/",
        "https://169.254.169.254/",
    };
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        perform(f, (fetch_request){.url = str_from(urls[i]), .timeout_ms = 2000});
        if (f->e.code != FETCH_ADDRESS)
            fail_msg("%s: %s", urls[i], f->e.msg);
    }
    perform(f, (fetch_request){.url = STR("http://255.255.255.255/")});
    assert_code(f->e.code, FETCH_ADDRESS);
}

static void T42_names_are_judged_by_what_they_resolve_to(void **state)
{
    fixture *f = *state;
    renew_client(f, (fetch_policy){0}); // as for agents
    perform(
        f, (fetch_request){.url = arena_printf(&f->mem, "http://localhost:%u/ok", f->server.port)});
    assert_code(f->e.code, FETCH_ADDRESS);
    assert_non_null(strstr(f->e.msg, "loopback"));
    assert_int_equal(f->server.connections, 0);
    perform(f, (fetch_request){.url = STR("http://10.0.0.1/"), .timeout_ms = 2000});
    assert_code(f->e.code, FETCH_ADDRESS);
}

static void a_route_leads_elsewhere_and_keeps_the_name(void **state)
{
    fixture *f = *state;
    renew_client(f, (fetch_policy){0}); // routes are exempt
    static const struct {
        const char *url, *host;
    } rows[] = {
        {"https://orders-abc-uc.a.run.app/ok", "\r\nHost: orders-abc-uc.a.run.app\r\n"},
        {"https://orders-abc-uc.a.run.app:8443/ok", "\r\nHost: orders-abc-uc.a.run.app:8443\r\n"},
        {"http://orders.example/ok", "\r\nHost: orders.example\r\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        perform(f, (fetch_request){.url = str_from(rows[i].url),
                                   .route = {"127.0.0.1", f->server.port, true}});
        assert_row(i, f->e.code == OK && f->res.status == 200);
        assert_row(i, str_find(seen(f), str_from(rows[i].host)) > 0);
        assert_int_equal(f->res.remote_port, f->server.port);
    }
}

static void a_proxy_is_used_when_it_is_given(void **state)
{
    fixture *f = *state;
    str proxy = arena_printf(&f->mem, "http://127.0.0.1:%u", f->server.port);
    perform(f, (fetch_request){.url = STR("http://orders.example/ok"), .proxy.url = proxy.ptr});
    assert_int_equal(f->res.status, 404); // the server knows only paths
    assert_true(str_starts(seen(f), STR("GET http://orders.example/ok HTTP/1.1\r\n")));
    setenv("http_proxy", proxy.ptr, 1);
    perform(f, (fetch_request){.url = STR("http://no-such-host.invalid/")});
    assert_code(f->e.code, FETCH_RESOLVE); // the environment is not read unless asked
    perform(f, (fetch_request){.url = STR("http://no-such-host.invalid/"), .proxy.from_env = true});
    assert_int_equal(f->res.status, 404);
    perform(
        f, (fetch_request){.url = STR("http://metadata.google.internal/"), .proxy.from_env = true});
    assert_code(f->e.code, FETCH_ADDRESS);
    unsetenv("http_proxy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(T17_a_body_is_limited_after_decoding),
        CASE(a_body_can_be_streamed),
        CASE(a_large_body_goes_as_the_server_takes_it),
        CASE(a_head_has_limits),
        CASE(a_cancelled_call_is_silent),
        CASE(a_client_may_be_freed_by_its_own_callback),
        CASE(T42_refused_addresses_are_never_connected_to),
        CASE(T42_names_are_judged_by_what_they_resolve_to),
        CASE(a_route_leads_elsewhere_and_keeps_the_name),
        CASE(a_proxy_is_used_when_it_is_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
