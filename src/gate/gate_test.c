// SPDX-License-Identifier: Apache-2.0
// The decision table of contract cloud-run.md §1 and the container contract's headers, through a
// real gate.
#include "gate/test_gate.h"

// ---- decision table -----------------------------------------------------------------------------

typedef enum credential_shape {
    NOTHING,
    TESTERS,
    STRANGERS,
    SIGNED_BY_OTHER,
    EXPIRED,
    WRONG_AUDIENCE,
    CUSTOM_AUDIENCE,
    GCLOUD_AUDIENCE,
    OPAQUE,
    BASIC,
    TWICE,
} credential_shape;

static str header_of(fixture *f, credential_shape shape)
{
    arena *a = &f->mem;
    switch (shape) {
    case NOTHING:
        return STR("");
    case TESTERS:
        return arena_printf(a, "Authorization: Bearer %s\r\n", tester(f));
    case STRANGERS:
        return arena_printf(a, "authorization: bearer %s\r\n", token_of(f, STRANGER, ORDERS));
    case SIGNED_BY_OTHER:
        return arena_printf(a, "Authorization: Bearer %s\r\n",
                            sign_as(f, other_key, claims_of(f, TESTER, ORDERS, 3000)).ptr);
    case EXPIRED:
        return arena_printf(a, "Authorization: Bearer %s\r\n",
                            sign_as(f, key, claims_of(f, TESTER, ORDERS, -3600)).ptr);
    case WRONG_AUDIENCE:
        return arena_printf(a, "Authorization: Bearer %s\r\n",
                            token_of(f, TESTER, "https://other-abc123-ew.a.run.app"));
    case CUSTOM_AUDIENCE:
        return arena_printf(a, "Authorization: Bearer %s\r\n",
                            token_of(f, TESTER, "custom-audience"));
    case GCLOUD_AUDIENCE:
        return arena_printf(a, "Authorization: Bearer %s\r\n",
                            token_of(f, JANE, "32555940559.apps.googleusercontent.com"));
    case OPAQUE:
        return STR("Authorization: Bearer ya29.opaque\r\n");
    case BASIC:
        return STR("Authorization: Basic YTpi\r\n");
    case TWICE:
        return arena_printf(a, "Authorization: Bearer %s\r\nAuthorization: Bearer %s\r\n",
                            tester(f), tester(f));
    }
    return STR_NONE;
}

typedef struct row row;
struct row {
    const char *policy;
    credential_shape shape;
    int status; // 200: passes
};

static const row table[] = {
    {PUBLIC, NOTHING, 200},          {PUBLIC, OPAQUE, 200},
    {PUBLIC, SIGNED_BY_OTHER, 200},  {PRIVATE, NOTHING, 403},
    {PRIVATE, OPAQUE, 401},          {PRIVATE, BASIC, 401},
    {PRIVATE, TWICE, 401},           {PRIVATE, SIGNED_BY_OTHER, 401},
    {PRIVATE, EXPIRED, 401},         {PRIVATE, WRONG_AUDIENCE, 401},
    {PRIVATE, STRANGERS, 403},       {PRIVATE, TESTERS, 200},
    {PRIVATE, CUSTOM_AUDIENCE, 200}, {PRIVATE, GCLOUD_AUDIENCE, 200},
    {AUTHENTICATED, STRANGERS, 200}, {AUTHENTICATED, NOTHING, 403},
};

#define HEAD_OF_PAGE(code)                                                                         \
    "<html><head>\n<meta http-equiv=\"content-type\" content=\"text/html;charset=utf-8\">\n"       \
    "<title>" code "</title>"

static void assert_page(const fixture *f, const row *r)
{
    static const char *const forbidden =
        "<h1>Error: Forbidden</h1>\n<h2>Your client does not have permission to get URL "
        "<code>/orders/17</code> from this server.</h2>\n<h2></h2>";
    static const char *const unauthorized =
        "<h1>Error: Unauthorized</h1>\n<h2>Your client does not have permission to the requested "
        "URL <code>/orders/17</code>.</h2>\n<h2></h2>";
    bool is_403 = r->status == 403;
    assert_true(client_got(f, "content-type: text/html"));
    assert_true(
        client_got(f, is_403 ? HEAD_OF_PAGE("403 Forbidden") : HEAD_OF_PAGE("401 Unauthorized")));
    if (!client_got(f, is_403 ? forbidden : unauthorized))
        fail_msg("%s", f->client.got.ptr);
    assert_int_equal(client_got(f, "www-authenticate: Bearer error=\"invalid_token\" "
                                   "error_description=\"The access token could not be "
                                   "verified\"\r\n"),
                     r->shape == WRONG_AUDIENCE);
    assert_true(client_got(f, "x-cloud-trace-context: "));
}

static void assert_log(fixture *f, const row *r)
{
    read_trail(f);
    assert_in(f->event, r->status == 200 ? "\"granted\":true" : "\"granted\":false");
    assert_in(f->request, arena_printf(&f->mem, "\"status\":%d", r->status).ptr);
    assert_in(f->request, "\"requestUrl\":\"" ORDERS "/orders/17?q=%2e%2E\"");
    if (r->status == 403)
        assert_in(f->request, "The request was not authenticated. Either allow unauthenticated "
                              "invocations or set the proper Authorization header.");
    if (r->status == 401)
        assert_in(f->request, "The request was not authorized to invoke this service. The access "
                              "token could not be verified.");
}

static void each_row_of_the_decision_table(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        const row *r = &table[i];
        set_policy(f, r->policy);
        size_t claims = f->claims;
        ask(f, "GET /orders/17?q=%2e%2E", NULL, header_of(f, r->shape).ptr);
        if (r->status == 200) {
            answer(f, OK_ANSWER, "\r\n\r\nok");
            assert_status(f, 200);
            buf_reset(&f->up.peers[0].got);
        } else {
            assert_refused(f, r->status);
            assert_page(f, r);
        }
        assert_row(i, f->claims - claims == (r->status == 200));
        assert_log(f, r);
        assert_row(i, f->rows == i + 1);
    }
    assert_int_equal(f->releases, f->claims);
}

static void the_invoker_check_can_be_disabled(void **state)
{
    fixture *f = *state;
    f->target.check_disabled = true;
    ask(f, "GET /", NULL, "");
    answer(f, OK_ANSWER, "\r\n\r\nok");
}

static void only_x_serverless_authorization_is_checked_when_both_are_there(void **state)
{
    fixture *f = *state;
    str both = arena_printf(&f->mem,
                            "X-Serverless-Authorization: Bearer %s\r\n"
                            "Authorization: Basic YTpi\r\n",
                            tester(f));
    ask(f, "GET /", NULL, both.ptr);
    answer(f, OK_ANSWER, "\r\n\r\nok");
    assert_true(upstream_got(f, "Authorization: Basic YTpi\r\n"));
    assert_true(upstream_got(f, ".SIGNATURE_REMOVED_BY_GOOGLE\r\n"));
    assert_false(upstream_got(f, tester(f)));
}

static void a_blocked_service_is_404_and_leaves_no_trace(void **state)
{
    fixture *f = *state;
    f->service.closed = "its ingress is internal";
    ask(f, "GET /", tester(f), "");
    assert_refused(f, 404);
    read_trail(f);
    assert_int_equal(f->rows, 0);
    assert_int_equal(f->claims, 0);
}

// ---- headers ------------------------------------------------------------------------------------

static void the_service_sees_cloud_runs_headers(void **state)
{
    fixture *f = *state;
    ask(f, "GET /a?b=c", tester(f),
        "X-Forwarded-For: 10.1.1.1\r\nx-forwarded-for: 10.2.2.2\r\nX-Forwarded-Proto: ftp\r\n"
        "Forwarded: for=evil\r\nCustom: kept\r\n"
        "Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n");
    answer(f, OK_ANSWER, "\r\n\r\nok");
    assert_true(str_starts(buf_str(&f->up.peers[0].got), STR("GET /a?b=c HTTP/1.1\r\n" HOST)));
    assert_true(upstream_got(f, "\r\nx-forwarded-for: 10.1.1.1, 10.2.2.2, 127.0.0.1\r\n"));
    assert_true(upstream_got(f, "\r\nx-forwarded-proto: https\r\n"));
    assert_true(upstream_got(f, "\r\nforwarded: for=\"127.0.0.1\";proto=https\r\n"));
    assert_true(upstream_got(f, "\r\nCustom: kept\r\n"));
    assert_true(upstream_got(f, "\r\nx-cloud-trace-context: 4bf92f3577b34da6a3ce929d0e0e4736/"));
    assert_true(upstream_got(f, "\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-"));
    assert_false(upstream_got(f, "evil"));
    assert_false(upstream_got(f, "ftp"));
    assert_false(upstream_got(f, "00f067aa0ba902b7")); // the span is ours
    assert_true(
        client_got(f, "\r\nx-cloud-trace-context: 4bf92f3577b34da6a3ce929d0e0e4736;o=1\r\n"));
}

static void a_cookie_makes_the_answer_private(void **state)
{
    fixture *f = *state;
    ask(f, "GET /", tester(f), "");
    answer(f,
           "HTTP/1.1 200 OK\r\nCache-Control: public, max-age=60\r\nSet-Cookie: a=b\r\n"
           "Set-Cookie: c=d\r\nContent-Length: 2\r\n\r\nok",
           "\r\n\r\nok");
    assert_true(client_got(f, "\r\ncache-control: private\r\n"));
    assert_false(client_got(f, "public"));
    assert_true(client_got(f, "Set-Cookie: a=b\r\nSet-Cookie: c=d\r\n"));
}

static void the_request_log_tells_what_happened(void **state)
{
    fixture *f = *state;
    ask(f, "POST /orders", tester(f),
        "User-Agent: newman/6\r\nReferer: https://a.example/\r\nContent-Length: 3\r\n\r\nabc");
    answer(f, "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok", "\r\n\r\nok");
    assert_status(f, 201);
    read_trail(f);
    assert_int_equal(f->rows, 1);
    const char *const parts[] = {
        "run.googleapis.com%2Frequests",
        "\"requestMethod\":\"POST\"",
        "\"status\":201",
        "\"userAgent\":\"newman/6\"",
        "\"referer\":\"https://a.example/\"",
        "\"remoteIp\":\"127.0.0.1\"",
        "\"serverIp\":\"127.0.0.1\"",
        "\"protocol\":\"HTTP/1.1\"",
        "\"latency\":\"0.",
        "\"instanceId\":\"instance-1\"",
        "\"revision_name\":\"orders-00002-abc\"",
        "\"service_name\":\"orders\"",
        "\"trace\":\"projects/demo/traces/",
    };
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        assert_in(f->request, parts[i]);
    assert_in(f->event, "\"principalEmail\":\"" TESTER "\"");
}

static void who_watches_is_told_of_each_call(void **state)
{
    fixture *f = *state;
    ask(f, "GET /%61?b", tester(f), "");
    answer(f, OK_ANSWER, "\r\n\r\nok");
    assert_strz(f->record, "200 /a " TESTER " []");
    ask(f, "GET /a", token_of(f, STRANGER, ORDERS), "");
    assert_refused(f, 403);
    assert_strz(f->record, "403 /a " STRANGER " [GP-IAM-04]");
    ask(f, "GET /a", "ya29.opaque", "");
    assert_refused(f, 401);
    assert_strz(f->record, "401 /a nobody [GP-AUTH-03]");
    ask(f, "GET //", NULL, "");
    assert_refused(f, 400);
    assert_strz(f->record, "400 // nobody [GP-URI-03]");
    f->service.closed = "its ingress is internal";
    ask(f, "GET /a", NULL, "");
    assert_refused(f, 404);
    assert_int_equal(f->records, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(each_row_of_the_decision_table),
        CASE(the_invoker_check_can_be_disabled),
        CASE(only_x_serverless_authorization_is_checked_when_both_are_there),
        CASE(a_blocked_service_is_404_and_leaves_no_trace),
        CASE(the_service_sees_cloud_runs_headers),
        CASE(a_cookie_makes_the_answer_private),
        CASE(the_request_log_tells_what_happened),
        CASE(who_watches_is_told_of_each_call),
    };
    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
