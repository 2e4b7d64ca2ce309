// SPDX-License-Identifier: Apache-2.0
// Defences of contract threats.md that the gate is in charge of.
#include "gate/test_gate.h"

// ---- trust of request data ----------------------------------------------------------------------

static void T01_forwarded_headers_decide_nothing(void **state)
{
    fixture *f = *state;
    const char *const headers[] = {
        "X-Forwarded-Uri: /public\r\nX-Original-URL: /public\r\nX-Rewrite-URL: /public\r\n",
        "X-Forwarded-For: 127.0.0.1\r\nForwarded: for=127.0.0.1;proto=https\r\n",
        "X-Forwarded-Host: other-abc123-ew.a.run.app\r\nX-Forwarded-Proto: https\r\n",
        "X-Goog-Authenticated-User-Email: accounts.google.com:" TESTER "\r\n",
        "X-HTTP-Method-Override: OPTIONS\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        ask(f, "GET /admin", NULL, headers[i]);
        assert_refused(f, 403);
        assert_true(client_got(f, "<code>/admin</code>"));
    }
    read_trail(f);
    assert_in(f->request, "\"remoteIp\":\"127.0.0.1\"");
    assert_in(f->request, ORDERS "/admin");
    assert_int_equal(f->claims, 0);
}

static void T02_no_user_agent_method_or_path_passes_unjudged(void **state)
{
    fixture *f = *state;
    static const char *const lines[] = {
        "GET /healthz", "GET /_ah/warmup",  "GET /ping", "OPTIONS /orders",
        "HEAD /",       "GET /favicon.ico", "TRACE /",   "GET /.well-known/acme-challenge/x"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        ask(f, lines[i], NULL,
            "User-Agent: GoogleHC/1.0\r\nAccess-Control-Request-Method: GET\r\nOrigin: "
            "https://a.example\r\n");
        peer_wait(&f->client, "\r\n\r\n");
        assert_status(f, 403);
        if (!str_starts(str_from(lines[i]), STR("HEAD")))
            peer_wait(&f->client, "</html>");
    }
    assert_int_equal(f->claims, 0);
    read_trail(f);
    assert_int_equal(f->rows, ARRAY_LEN(lines));
}

static void T03_identity_headers_of_a_client_never_pass(void **state)
{
    fixture *f = *state;
    set_policy(f, PUBLIC);
    static const char *const lines[] = {"GET /", "OPTIONS /"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        ask(f, lines[i], NULL,
            "X-Goog-Authenticated-User-Email: evil1\r\n"
            "x-goog-authenticated-user-id: evil2\r\n"
            "X_Goog_Authenticated_User_Email: evil3\r\n"
            "x-GOOG_authenticated-USER_email: evil4\r\n"
            "X-Goog-IAP-JWT-Assertion: evil5\r\n"
            "X_Goog_Iap_Jwt_Assertion: evil6\r\n"
            "X_Serverless_Authorization: evil7\r\n"
            "X_Forwarded_For: evil8\r\n"
            "X_Forwarded-Proto: evil9\r\n"
            "x_cloud_trace_context: evil10\r\n"
            "Transfer_Encoding: evil11\r\n"
            "X_Custom: kept\r\n");
        answer(f, OK_ANSWER, "\r\n\r\nok");
        assert_false(upstream_got(f, "evil"));
        assert_true(upstream_got(f, "X_Custom: kept\r\n"));
        buf_reset(&f->up.peers[0].got);
    }
}

static void T04_connection_removes_no_header_of_ours(void **state)
{
    fixture *f = *state;
    ask(f, "GET /", tester(f),
        "Connection: close, X-Forwarded-For, forwarded , x-cloud-trace-context, traceparent, host, "
        "X-Secret\r\nX-Secret: hop\r\nKeep-Alive: 5\r\nTE: trailers\r\n"
        "Proxy-Authorization: Basic YTpi\r\nX-Forwarded-For: 10.0.0.1\r\n");
    answer(f, OK_ANSWER, "\r\n\r\nok");
    static const char *const there[] = {
        ("\r\n" HOST), "\r\nx-forwarded-for: 10.0.0.1, 127.0.0.1\r\n",
        "\r\nforwarded: for=\"127.0.0.1\"", "\r\nx-cloud-trace-context: ", "\r\ntraceparent: 00-"};
    static const char *const gone[] = {"hop", "Keep-Alive", "TE:", "YTpi", "onnection:"};
    for (size_t i = 0; i < ARRAY_LEN(there); i++)
        assert_row(i, upstream_got(f, there[i]));
    for (size_t i = 0; i < ARRAY_LEN(gone); i++)
        assert_row(i, !upstream_got(f, gone[i]));
}

static void T04_a_token_that_connection_names_is_judged_all_the_same(void **state)
{
    fixture *f = *state;
    str both = arena_printf(&f->mem,
                            "X-Serverless-Authorization: Bearer %s\r\n"
                            "Connection: x-serverless-authorization\r\n",
                            token_of(f, STRANGER, ORDERS));
    ask(f, "GET /", tester(f), both.ptr);
    assert_refused(f, 403);
    assert_int_equal(f->claims, 0);
}

// ---- path and match -----------------------------------------------------------------------------

static void T05_query_and_fragment_decide_nothing(void **state)
{
    fixture *f = *state;
    static const char *const lines[] = {"GET /admin?/public", "GET /admin?path=/healthz",
                                        "GET /admin%3F/public", "GET /admin%23/public"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        ask(f, lines[i], NULL, "");
        assert_refused(f, 403);
    }
    ask(f, "GET /a?x=%2e%2e/%00;//\\&y=%zz", tester(f), ""); // passes byte for byte
    answer(f, OK_ANSWER, "\r\n\r\nok");
    assert_true(upstream_got(f, "GET /a?x=%2e%2e/%00;//\\&y=%zz HTTP/1.1\r\n"));
}

static void T06_an_ambiguous_path_is_refused_and_not_forwarded(void **state)
{
    fixture *f = *state;
    static const char *const paths[] = {
        "/public/../admin",
        "/public/%2e%2e/admin",
        "/public/..;a=b/admin",
        "/admin;x",
        "/a%2fb",
        "/a%5cb",
        "/a\\b",
        "//admin",
        "/a//b",
        "/a%00",
        "/%c0%ae%c0%ae/a",
        "/a%252e",
        "/a%zz",
        "/./a",
        "/a%0d%0ab",
    };
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        ask(f, arena_printf(&f->mem, "GET %s", paths[i]).ptr, tester(f), "");
        peer_wait(&f->client, "</html>");
        assert_row(i, str_starts(buf_str(&f->client.got), STR("HTTP/1.1 400 ")));
    }
    assert_int_equal(f->claims, 0);
    read_trail(f);
    assert_in(f->request, "GP-URI-03");
    assert_in(f->request, "\"status\":400");
}

static void T07_host_decides_nothing_and_a_target_that_disagrees_is_refused(void **state)
{
    fixture *f = *state;
    static const char *const hosts[] = {"other.example", "ORDERS-ABC123-EW.A.RUN.APP",
                                        "orders-abc123-ew.a.run.app.", "127.0.0.1:1"};
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        str text = arena_printf(&f->mem, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", hosts[i]);
        peer_close(&f->client);
        peer_connect(&f->client, f->loop, gate_port(f->gate), text);
        assert_refused(f, 403);
    }
    ask(f, "GET http://orders-abc123-ew.a.run.app/a", tester(f), "");
    answer(f, OK_ANSWER, "\r\n\r\nok");
    assert_true(upstream_got(f, "GET /a HTTP/1.1\r\n" HOST));
    ask(f, "GET http://evil.example/a", tester(f), "");
    peer_wait(&f->client, "\r\n\r\n");
    assert_status(f, 400);
    assert_int_equal(f->claims, 1);
}

static void T08_a_repeated_token_header_is_not_joined(void **state)
{
    fixture *f = *state;
    str twice = arena_printf(&f->mem, "Authorization: Bearer %s\r\n", tester(f));
    ask(f, "GET /", token_of(f, STRANGER, ORDERS), twice.ptr);
    assert_refused(f, 401);
    str joined =
        arena_printf(&f->mem, "Authorization: Bearer %s, Bearer %s\r\n", tester(f), tester(f));
    ask(f, "GET /", NULL, joined.ptr);
    assert_refused(f, 401);
    str serverless = arena_printf(&f->mem,
                                  "X-Serverless-Authorization: Bearer %s\r\n"
                                  "x-serverless-authorization: Bearer %s\r\n",
                                  tester(f), tester(f));
    ask(f, "GET /", NULL, serverless.ptr);
    assert_refused(f, 401);
    assert_int_equal(f->claims, 0);
}

static void T09_upstream_gets_the_path_that_was_judged(void **state)
{
    fixture *f = *state;
    ask(f, "GET /%61dmin/%7euser/%c3%a9%3a?q=%61", tester(f), "");
    answer(f, OK_ANSWER, "\r\n\r\nok");
    assert_true(upstream_got(f, "GET /admin/~user/%C3%A9%3A?q=%61 HTTP/1.1\r\n"));
    read_trail(f);
    assert_in(f->event, ORDERS "/admin/~user/%C3%A9%3A?q=");
    assert_in(f->request, ORDERS "/admin/~user/%C3%A9%3A?q=");
    buf_reset(&f->up.peers[0].got);
    ask(f, "GET /%61", tester(f), "");
    answer(f, OK_ANSWER, "\r\n\r\nok");
    assert_true(upstream_got(f, "GET /a HTTP/1.1\r\n"));
}

// ---- framing and time ---------------------------------------------------------------------------

#define UPGRADE                                                                                    \
    "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n"            \
    "Sec-WebSocket-Version: 13\r\n"

static void T11_nothing_is_tunnelled_before_the_services_101(void **state)
{
    fixture *f = *state;
    // The client doesn't wait: a request smuggled behind its upgrade.
    ask(f, "GET /ws", tester(f), UPGRADE "\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
    peer *up = upstream_wait(&f->up, "\r\n\r\n");
    assert_true(upstream_got(f, "Upgrade: websocket\r\n"));
    assert_true(upstream_got(f, "Sec-WebSocket-Key: x\r\n"));
    // The service declines: what followed is a request like any other, and is judged.
    peer_send(up, OK_ANSWER);
    peer_wait(&f->client, "</html>");
    assert_false(upstream_got(f, "smuggled"));
    assert_true(client_got(f, "HTTP/1.1 403 "));
    assert_int_equal(f->claims, 1);
}

static void T11_other_protocols_than_websocket_are_not_asked_for(void **state)
{
    fixture *f = *state;
    ask(f, "GET /", tester(f),
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n");
    answer(f, OK_ANSWER, "\r\n\r\nok");
    assert_false(upstream_got(f, "h2c"));
    assert_false(upstream_got(f, "Upgrade"));
    assert_false(upstream_got(f, "HTTP2-Settings"));
}

static void T11_a_service_that_switches_unasked_is_503(void **state)
{
    fixture *f = *state;
    ask(f, "GET /", tester(f), "");
    peer_send(upstream_wait(&f->up, "\r\n\r\n"),
              "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
    assert_refused(f, 503);
}

static void T13_a_slow_head_and_a_slow_body_end(void **state)
{
    fixture *f = *state;
    open_gate(f, (http_server_options){.head_ms = 30, .body_ms = 30});
    peer_connect(&f->client, f->loop, gate_port(f->gate), STR("GET / HTTP/1.1\r\nHost"));
    peer_wait_end(&f->client);
    assert_true(client_got(f, "HTTP/1.1 408 "));
    peer_close(&f->client);
    f->client.stream = NULL;
    ask(f, "POST /", tester(f), "Content-Length: 100\r\n\r\nfew");
    upstream_wait(&f->up, "few");
    peer_wait_end(&f->client);
    peer_wait_end(&f->up.peers[0]); // the service's call ends with it
    assert_int_equal(f->releases, 1);
}

static void T13_headers_have_limits(void **state)
{
    fixture *f = *state;
    buf many;
    buf_init(&many, 1 << 20);
    for (int i = 0; i < 120; i++)
        buf_addf(&many, "X-%d: y\r\n", i);
    ask(f, "GET /", NULL, buf_cstr(&many));
    peer_wait_end(&f->client);
    assert_status(f, 431);
    buf_deinit(&many);
    assert_int_equal(f->claims, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(T01_forwarded_headers_decide_nothing),
        CASE(T02_no_user_agent_method_or_path_passes_unjudged),
        CASE(T03_identity_headers_of_a_client_never_pass),
        CASE(T04_connection_removes_no_header_of_ours),
        CASE(T04_a_token_that_connection_names_is_judged_all_the_same),
        CASE(T05_query_and_fragment_decide_nothing),
        CASE(T06_an_ambiguous_path_is_refused_and_not_forwarded),
        CASE(T07_host_decides_nothing_and_a_target_that_disagrees_is_refused),
        CASE(T08_a_repeated_token_header_is_not_joined),
        CASE(T09_upstream_gets_the_path_that_was_judged),
        CASE(T11_nothing_is_tunnelled_before_the_services_101),
        CASE(T11_other_protocols_than_websocket_are_not_asked_for),
        CASE(T11_a_service_that_switches_unasked_is_503),
        CASE(T13_a_slow_head_and_a_slow_body_end),
        CASE(T13_headers_have_limits),
    };
    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
