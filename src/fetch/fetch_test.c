// SPDX-License-Identifier: Apache-2.0
// What goes out, and what comes in.
#include "fetch/test_fetch.h"

// ---- what goes out ----------------------------------------------------------------------------

static void a_bare_request_is_nothing_but_itself(void **state)
{
    fixture *f = *state;
    fetch_request req = {.url = url_of(f, "/ok"), .on_done = on_done, .ctx = f};
    fetch_call *call = fetch_start(f->client, &req);
    expect_engine(f, call);
    assert_true(loop_run_until(f->loop, &f->done, TEST_WAIT_MS));
    assert_str(seen(f), arena_printf(&f->mem, "GET /ok HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n",
                                     f->server.port));
}

static void headers_keep_order_case_and_duplicates(void **state)
{
    fixture *f = *state;
    const fetch_header headers[] = {
        {STR("x-Second"), STR("2")},
        {STR("Accept"), STR("a/b")},
        {STR("X-Dup"), STR("1")},
        {STR("Cookie"), STR("c=d")},
        {STR("X-Dup"), STR("  2  ")},
        {STR("X-Empty"), STR("")},
        {STR("User-Agent"), STR("mine/1")},
        {STR("Content-Length"), STR("999")},
        {STR("Transfer-Encoding"), STR("chunked")},
    };
    perform(f, (fetch_request){.url = url_of(f, "/ok"),
                               .headers = headers,
                               .header_count = ARRAY_LEN(headers)});
    assert_str(seen(f), arena_printf(&f->mem,
                                     "GET /ok HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
                                     "x-Second: 2\r\nAccept: a/b\r\nX-Dup: 1\r\nCookie: c=d\r\n"
                                     "X-Dup: 2\r\nX-Empty:\r\nUser-Agent: mine/1\r\n\r\n",
                                     f->server.port));
}

static void a_given_host_replaces_ours(void **state)
{
    fixture *f = *state;
    const fetch_header headers[] = {{STR("hOst"), STR("elsewhere.example")}};
    perform(f, (fetch_request){.url = url_of(f, "/ok"), .headers = headers, .header_count = 1});
    assert_true(str_find(seen(f), STR("elsewhere.example\r\n")) > 0);
    assert_int_equal(str_find(seen(f), STR("127.0.0.1")), -1);
}

static void paths_and_queries_go_out_as_written(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *given, *sent;
    } rows[] = {
        {"/a/../b/./c?x=1&y=%zz", "GET /a/../b/./c?x=1&y=%zz "},
        {"/%2e%2e/%2F?a=b+c", "GET /%2e%2e/%2F?a=b+c "},
        {"?only=query", "GET /?only=query "},
        {"", "GET / "},
        {"/empty?", "GET /empty? "},
        {"/p#fragment", "GET /p "},
        {"/a;b=c,d'(e)*!$@:", "GET /a;b=c,d'(e)*!$@: "},
        {"/{curly}|[x]", "GET /{curly}|[x] "},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        get(f, rows[i].given);
        assert_int_equal(f->e.code, OK);
        if (!str_starts(seen(f), str_from(rows[i].sent)))
            fail_msg("%s went out as " STR_FMT, rows[i].given, STR_ARG(seen(f)));
    }
}

static void userinfo_is_not_sent_and_not_acted_on(void **state)
{
    fixture *f = *state;
    perform(f, (fetch_request){.url = arena_printf(&f->mem, "http://me:secret@127.0.0.1:%u/auth",
                                                   f->server.port)});
    assert_int_equal(f->res.status, 401);
    assert_int_equal(str_ifind(seen(f), STR("Authorization")), -1);
}

static void any_method_with_and_without_a_body(void **state)
{
    fixture *f = *state;
    static const char *const methods[] = {"GET",     "POST",     "PUT",      "PATCH", "DELETE",
                                          "OPTIONS", "PROPFIND", "X-Custom", "purge"};
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        for (int with_body = 0; with_body < 2; with_body++) {
            fetch_segment body = FETCH_BYTES(STR("abc"));
            perform(f, (fetch_request){.method = str_from(methods[i]),
                                       .url = url_of(f, "/ok"),
                                       .body = &body,
                                       .body_count = with_body ? 1 : 0});
            assert_row(i, f->res.status == 200);
            str line = arena_printf(&f->mem, "%s /ok HTTP/1.1\r\n", methods[i]);
            assert_row(i, str_starts(seen(f), line));
            assert_row(i, str_ends(seen(f), with_body ? STR("Content-Length: 3\r\n\r\nabc")
                                                      : STR("\r\n\r\n")));
            assert_row(i, with_body || str_find(seen(f), STR("Content-Length")) < 0);
            assert_row(i, str_find(seen(f), STR("Content-Type")) < 0);
            assert_row(i, str_find(seen(f), STR("Expect")) < 0);
        }
    }
}

static void an_empty_body_is_framed_as_one(void **state)
{
    fixture *f = *state;
    fetch_segment body = FETCH_BYTES(STR(""));
    perform(f, (fetch_request){
                   .method = STR("POST"), .url = url_of(f, "/ok"), .body = &body, .body_count = 1});
    assert_true(str_find(seen(f), STR("Content-Length: 0\r\n")) > 0);
}

static void head_has_no_body_to_wait_for(void **state)
{
    fixture *f = *state;
    perform(f, (fetch_request){.method = STR("HEAD"), .url = url_of(f, "/head")});
    assert_int_equal(f->e.code, OK);
    assert_int_equal(f->res.status, 200);
    assert_str(f->body, STR(""));
}

static void bodies_are_sent_segment_by_segment(void **state)
{
    fixture *f = *state;
    char path[] = "/tmp/fetch-test-XXXXXX";
    int fd = mkstemp(path);
    unlink(path);
    assert_int_equal(write(fd, "0123456789", 10), 10);
    const fetch_segment body[] = {
        FETCH_BYTES(STR("<")), {.file_fd = fd, .offset = 2, .len = 5},  FETCH_BYTES(STR("")),
        FETCH_BYTES(STR("|")), {.file_fd = fd, .offset = 0, .len = 10}, FETCH_BYTES(STR(">")),
    };
    fetch_request req = {.method = STR("POST"),
                         .url = url_of(f, "/ok"),
                         .body = body,
                         .body_count = ARRAY_LEN(body)};
    perform(f, req);
    assert_true(str_ends(seen(f), STR("Content-Length: 18\r\n\r\n<23456|0123456789>")));
    req.chunked = true;
    perform(f, req);
    assert_true(str_find(seen(f), STR("Transfer-Encoding: chunked\r\n")) > 0);
    assert_true(str_find(seen(f), STR("Content-Length")) < 0);

    const fetch_segment beyond = {.file_fd = fd, .offset = 5, .len = 10};
    req.body = &beyond;
    req.body_count = 1;
    req.chunked = false;
    perform(f, req); // the file is shorter than promised
    assert_code(f->e.code, FETCH_REQUEST);
    close(fd);
}

static void what_cannot_be_sent_is_refused_before_it_is(void **state)
{
    fixture *f = *state;
    const fetch_header two_hosts[] = {{STR("Host"), STR("a")}, {STR("host"), STR("b")}};
    const fetch_header bad_name[] = {{STR("X Y"), STR("a")}};
    const fetch_header no_name[] = {{STR(""), STR("a")}};
    const fetch_header split[] = {{STR("X"), STR("a\r\nInjected: 1")}};
    const fetch_header nul[] = {{STR("X"), STR("a\0b")}};
    const struct {
        fetch_request req;
        const char *word;
    } rows[] = {
        {{.url = STR("ftp://127.0.0.1/")}, "neither http nor https"},
        {{.url = STR("file:///etc/passwd")}, "http"},
        {{.url = STR("not a url")}, "can't be read"},
        {{.url = STR("")}, "can't be read"},
        {{.url = STR("http://127.0.0.1/a b")}, "can't be read"},
        {{.url = STR("http://127.0.0.1/\r\nX: y")}, "line break"},
        {{.url = STR("http://127.0.0.1:99999/")}, "can't be read"},
        {{.url = STR("http://127.0.0.1/"), .method = STR("GET /x")}, "method"},
        {{.url = STR("http://127.0.0.1/"), .method = STR("CONNECT")}, "tunnel"},
        {{.url = STR("http://127.0.0.1/"), .headers = two_hosts, .header_count = 2}, "two Host"},
        {{.url = STR("http://127.0.0.1/"), .headers = bad_name, .header_count = 1}, "X Y"},
        {{.url = STR("http://127.0.0.1/"), .headers = no_name, .header_count = 1}, "name"},
        {{.url = STR("http://127.0.0.1/"), .headers = split, .header_count = 1}, "line break"},
        {{.url = STR("http://127.0.0.1/"), .headers = nul, .header_count = 1}, "NUL"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        perform(f, rows[i].req);
        assert_row(i, f->e.code == FETCH_REQUEST);
        if (!strstr(f->e.msg, rows[i].word))
            fail_msg("row %zu: %s", i, f->e.msg);
    }
    assert_int_equal(f->server.connections, 0);
}

// ---- what comes in ----------------------------------------------------------------------------

static void a_response_is_told_whole(void **state)
{
    fixture *f = *state;
    get(f, "/ok");
    assert_int_equal(f->e.code, OK);
    assert_null(f->res.failure);
    assert_int_equal(f->res.status, 200);
    assert_strz(f->res.reason, "Fine by me");
    assert_strz(f->res.http_version, "1.1");
    assert_strz(f->body, "hello");
    assert_int_equal(f->res.header_count, 4);
    assert_strz(f->res.headers[0].name, "X-A");
    assert_strz(f->res.headers[1].name, "x-a");
    assert_strz(f->res.headers[1].value, "2");
    assert_strz(f->res.headers[2].value, "");
    assert_strz(fetch_response_header(&f->res, STR("content-length")), "5");
    assert_non_null(fetch_response_header(&f->res, STR("empty")).ptr);
    assert_null(fetch_response_header(&f->res, STR("absent")).ptr);
    assert_int_equal(f->res.body_bytes, 5);
    assert_int_equal(f->res.wire_body_bytes, 5);
    assert_string_equal(f->res.remote_ip, "127.0.0.1");
    assert_int_equal(f->res.remote_port, f->server.port);
    assert_true(f->res.timings.total_us >= f->res.timings.first_byte_us);
    assert_true(f->res.timings.first_byte_us > 0);
}

static void framings_and_interim_answers(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *path, *body;
        int status;
    } rows[] = {
        {"/close", "until the end", 200},
        {"/chunked", "hello world", 200},
        {"/interim", "", 201},
        {"/204", "", 204},
        {"/gzip", "hello", 200},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        get(f, rows[i].path);
        assert_row(i, f->e.code == OK);
        assert_row(i, f->res.status == rows[i].status);
        assert_strz(f->body, rows[i].body);
        assert_null(fetch_response_header(&f->res, STR("Link")).ptr);
        assert_null(fetch_response_header(&f->res, STR("X-Trailer")).ptr);
    }
}

// Redirects, cookies and authentication belong to the caller.
static void nothing_is_done_on_ones_own(void **state)
{
    fixture *f = *state;
    get(f, "/redirect");
    assert_int_equal(f->res.status, 302);
    assert_strz(fetch_response_header(&f->res, STR("Location")), "/ok");
    get(f, "/ok");
    assert_int_equal(str_ifind(seen(f), STR("Cookie")), -1);
}

static void connections_are_kept(void **state)
{
    fixture *f = *state;
    get(f, "/ok");
    assert_false(f->res.reused);
    for (int i = 0; i < 5; i++)
        get(f, "/ok");
    assert_true(f->res.reused);
    assert_int_equal(f->server.connections, 1);
}

// What the client can't know before it sends: it sends again, on a new connection, and once.
static void a_call_that_meets_a_closed_connection_is_sent_again(void **state)
{
    fixture *f = *state;
    const fetch_segment body[] = {FETCH_BYTES(STR("abc")), FETCH_BYTES(STR("def"))};
    for (size_t count = 0; count <= ARRAY_LEN(body); count++) {
        unsigned connections = f->server.connections;
        get(f, "/ok"); // leaves a kept connection
        perform(f, (fetch_request){.method = count ? STR("POST") : STR("GET"),
                                   .url = url_of(f, "/stale"),
                                   .body = body,
                                   .body_count = count});
        assert_row(count, f->e.code == OK);
        assert_strz(f->body, "fresh");
        assert_false(f->res.reused);
        assert_row(count, f->server.connections <= connections + 2);
        assert_true(!count || str_ends(seen(f), str_sub(STR("abcdef"), 0, 3 * count)));
    }
    unsigned connections = f->server.connections;
    get(f, "/nothing"); // a kept one, then a new one, where no answer is none
    assert_code(f->e.code, FETCH_PROTOCOL);
    assert_int_equal(f->server.connections, connections + 1);
}

static void raw_body_keeps_the_encoding(void **state)
{
    fixture *f = *state;
    perform(f, (fetch_request){.url = url_of(f, "/gzip"), .raw_body = true});
    assert_int_equal(f->body.len, 25);
    assert_true(str_starts(f->body, STR("\x1f\x8b")));
}

static void failures_have_the_names_that_node_prints(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *path, *failure;
        code code;
    } rows[] = {
        {"/nothing", "ECONNRESET", FETCH_PROTOCOL},
        {"/garbage", "HPE_INVALID_CONSTANT", FETCH_PROTOCOL},
        {"/short", "ECONNRESET", FETCH_PROTOCOL},
        {"/badgzip", "Z_DATA_ERROR", FETCH_PROTOCOL},
        {"/lzma", "Z_DATA_ERROR", FETCH_PROTOCOL},
        {"/twice", "Z_DATA_ERROR", FETCH_PROTOCOL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        get(f, rows[i].path);
        assert_row(i, f->e.code == rows[i].code);
        assert_string_equal(f->res.failure, rows[i].failure);
        assert_non_null(strstr(f->e.msg, rows[i].failure));
    }
    perform(f, (fetch_request){.url = STR("http://127.0.0.1:1/")});
    assert_code(f->e.code, FETCH_CONNECT);
    assert_string_equal(f->res.failure, "ECONNREFUSED");
    assert_int_equal(f->res.status, 0);
    perform(f, (fetch_request){.url = STR("http://no-such-host.invalid/")});
    assert_code(f->e.code, FETCH_RESOLVE);
    assert_string_equal(f->res.failure, "ENOTFOUND");
}

static void a_silent_server_times_out(void **state)
{
    fixture *f = *state;
    perform(f, (fetch_request){.url = url_of(f, "/hang"), .timeout_ms = 100});
    assert_code(f->e.code, FETCH_TIMEOUT);
    assert_string_equal(f->res.failure, "ESOCKETTIMEDOUT");
    assert_true(f->res.timings.total_us >= 90000);
}

static void plain_bytes_where_tls_is_wanted(void **state)
{
    fixture *f = *state;
    perform(f,
            (fetch_request){.url = arena_printf(&f->mem, "https://127.0.0.1:%u/ok", f->server.port),
                            .timeout_ms = 3000});
    assert_true(f->e.code == FETCH_TLS || f->e.code == FETCH_TIMEOUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_bare_request_is_nothing_but_itself),
        CASE(headers_keep_order_case_and_duplicates),
        CASE(a_given_host_replaces_ours),
        CASE(paths_and_queries_go_out_as_written),
        CASE(userinfo_is_not_sent_and_not_acted_on),
        CASE(any_method_with_and_without_a_body),
        CASE(an_empty_body_is_framed_as_one),
        CASE(head_has_no_body_to_wait_for),
        CASE(bodies_are_sent_segment_by_segment),
        CASE(what_cannot_be_sent_is_refused_before_it_is),
        CASE(a_response_is_told_whole),
        CASE(framings_and_interim_answers),
        CASE(nothing_is_done_on_ones_own),
        CASE(connections_are_kept),
        CASE(a_call_that_meets_a_closed_connection_is_sent_again),
        CASE(raw_body_keeps_the_encoding),
        CASE(failures_have_the_names_that_node_prints),
        CASE(a_silent_server_times_out),
        CASE(plain_bytes_where_tls_is_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
