// SPDX-License-Identifier: Apache-2.0
// What goes over the wire (contracts: Postman §5, 8, 9): redirects, cookies, proxies, failures, and
// pm.sendRequest.
#include "runner/run.h"
#include "runner/runner_test_stage.h"

// One request, with members of `request` besides the URL and of the item besides the request.
static const run_summary *run_one(stage *s, const char *url, const char *members, const char *item)
{
    return run(s, arena_printf(&s->mem,
                               "{'info':{'name':'C'},'item':[{'name':'one',%s"
                               "'request':{'url':'%s'%s}}]}",
                               item, url, members)
                      .ptr);
}

static const run_summary *run_script(stage *s, const char *script)
{
    return run(s, arena_printf(&s->mem,
                               "{'info':{'name':'C'},'item':[{'name':'one','request':'HOST/one',"
                               "'event':[{'listen':'test','script':{'exec':['%s']}}]}]}",
                               script)
                      .ptr);
}

#define EXPECT_FAILURE(sum, wanted, text)                                                          \
    do {                                                                                           \
        assert_int_equal((sum)->failures.len, 1);                                                  \
        assert_strz((sum)->failures.ptr[0].message, text);                                         \
        assert_int_equal((sum)->failures.ptr[0].code, wanted);                                     \
    } while (0)

// ---- redirects ----------------------------------------------------------------------------------

static void redirects_keep_or_change_the_method(void **state)
{
    static const struct {
        const char *method;
        int status;
        const char *settings, *then;
        bool body;
    } rows[] = {
        {"GET", 301, "", "GET /echo", false},
        {"POST", 301, "", "GET /echo", false},
        {"POST", 302, "", "GET /echo", false},
        {"PUT", 303, "", "GET /echo", false},
        {"DELETE", 302, "", "GET /echo", false},
        {"HEAD", 302, "", "HEAD /echo", false},
        {"POST", 307, "", "POST /echo", true},
        {"PATCH", 308, "", "PATCH /echo", true},
        {"POST", 302, "'followOriginalHttpMethod':true", "POST /echo", true},
    };
    stage *s = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        vec_reset(&s->requests);
        const char *url = arena_printf(&s->mem, "HOST/to/%d//echo", rows[i].status).ptr;
        const char *members = arena_printf(&s->mem,
                                           ",'method':'%s','header':[{'key':'X-Own','value':'1'}],"
                                           "'body':{'mode':'raw','raw':'hello'}",
                                           rows[i].method)
                                  .ptr;
        const char *item =
            arena_printf(&s->mem, "'protocolProfileBehavior':{%s},", rows[i].settings).ptr;
        assert_int_equal(run_one(s, url, members, item)->failures.len, 0);
        assert_int_equal(s->requests.len, 2);
        assert_strz(request_line(s, 1), rows[i].then);
        assert_row(i, str_ends(s->requests.ptr[1], STR("hello")) == rows[i].body);
        assert_row(i, (sent(s, 1, "Content-Type").len > 0) == rows[i].body);
        assert_strz(sent(s, 1, "X-Own"), "1");
        assert_row(i, s->last.redirects == 1 && s->last.status == 200);
    }
}

static void a_redirect_names_where_it_came_from(void **state)
{
    stage *s = *state;
    run_one(s, "HOST/to/302//to/302/..%252F..%252Fecho?a=1", "", "");
    assert_int_equal(s->requests.len, 3);
    assert_true(str_ends(sent(s, 1, "Referer"), STR("/to/302//to/302/..%252F..%252Fecho?a=1")));
    assert_true(str_ends(sent(s, 2, "Referer"), STR("/to/302/..%2F..%2Fecho")));
    assert_strz(request_line(s, 2), "GET /echo"); // relative to what it was
    assert_strz(s->last.url,
                arena_printf(&s->mem, "http://127.0.0.1:%u/to/302//to/302/..%%252F..%%252Fecho?a=1",
                             s->port)
                    .ptr); // as sent first
    run_one(s, "HOST/to/302//echo", "",
            "'protocolProfileBehavior':{'removeRefererHeaderOnRedirect':true},");
    assert_null(sent(s, 4, "Referer").ptr);
}

static void redirects_may_be_off(void **state)
{
    static const struct {
        bool run_off;
        const char *settings;
        int status;
    } rows[] = {
        {false, "", 200},
        {true, "", 302},
        {false, "'followRedirects':false", 302},
        {true, "'followRedirects':true", 200}, // the request's word counts
    };
    stage *s = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        s->o.no_redirects = rows[i].run_off;
        run_one(s, "HOST/to/302//echo", "",
                arena_printf(&s->mem, "'protocolProfileBehavior':{%s},", rows[i].settings).ptr);
        assert_row(i, s->last.status == rows[i].status);
    }
}

static bool redirect_for_ever(stage *s, str path, str request, buf *out)
{
    (void)path;
    (void)request;
    (void)s;
    reply(out, 302, "Location: /again\r\n", STR(""));
    return true;
}

static void redirects_have_a_limit(void **state)
{
    static const struct {
        const char *settings;
        size_t requests;
    } rows[] = {{"", 11}, {"'maxRedirects':2", 3}, {"'maxRedirects':0", 1}};
    stage *s = *state;
    s->answer = redirect_for_ever;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        vec_reset(&s->requests);
        const run_summary *sum =
            run_one(s, "HOST/again", "",
                    arena_printf(&s->mem, "'protocolProfileBehavior':{%s},", rows[i].settings).ptr);
        EXPECT_FAILURE(sum, RUN_REDIRECTS,
                       arena_printf(&s->mem,
                                    "Exceeded maxRedirects. Probably stuck in a redirect loop "
                                    "http://127.0.0.1:%u/again",
                                    s->port)
                           .ptr);
        assert_int_equal(s->requests.len, rows[i].requests);
    }
}

// The collection's own credentials leave with the host name.
static void T35_own_authorization_stays_with_its_host(void **state)
{
    static const struct {
        const char *host, *settings;
        bool kept;
    } rows[] = {
        {"127.0.0.1", "", true},
        {"localhost", "", false},
        {"localhost", "'followAuthorizationHeader':true", true},
    };
    stage *s = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        vec_reset(&s->requests);
        run_one(s,
                arena_printf(&s->mem, "HOST/to/302/http%%3A%%2F%%2F%s%%3A%u%%2Fecho", rows[i].host,
                             s->port)
                    .ptr,
                ",'header':[{'key':'Authorization','value':'Bearer of-the-application'},"
                "{'key':'X-Serverless-Authorization','value':'Bearer another'}]",
                arena_printf(&s->mem, "'protocolProfileBehavior':{%s},", rows[i].settings).ptr);
        assert_int_equal(s->requests.len, 2);
        assert_row(i, (sent(s, 1, "Authorization").ptr != NULL) == rows[i].kept);
        assert_strz(sent(s, 1, "Host"), arena_printf(&s->mem, "%s:%u", rows[i].host, s->port).ptr);
        if (i)
            assert_null(sent(s, 1, "X-Serverless-Authorization").ptr);
    }
}

static void redirects_that_lead_nowhere(void **state)
{
    static const struct {
        const char *to;
        code wanted;
        const char *says;
    } rows[] = {
        {"ftp%3A%2F%2Fexample.com%2F", URI_SYNTAX, "Invalid protocol: ftp:"},
        {"http%3A%2F%2F", URI_HOST, NULL},
        {"http%3A%2F%2F169.254.169.254%2F", FETCH_ADDRESS, NULL},
        {"http%3A%2F%2F2852039166%2Flatest", FETCH_ADDRESS, NULL}, // the same, as one number
        {"http%3A%2F%2F127.0.0.1%3A1%2F", FETCH_CONNECT, "connect ECONNREFUSED 127.0.0.1:1"},
    };
    stage *s = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const run_summary *sum =
            run_one(s, arena_printf(&s->mem, "HOST/to/302/%s", rows[i].to).ptr, "", "");
        assert_row(i, sum->failures.len == 1);
        if (sum->failures.ptr[0].code != rows[i].wanted)
            fail_msg("row %zu: %s: %s", i, code_id(sum->failures.ptr[0].code),
                     sum->failures.ptr[0].message.ptr);
        if (rows[i].says)
            assert_strz(sum->failures.ptr[0].message, rows[i].says);
    }
}

static void a_location_with_stray_bytes_is_followed(void **state)
{
    stage *s = *state;
    run_one(s, "HOST/to/302/%2Fa%20b%5Cc%3Fq%3D%C3%A9", "", "");
    assert_strz(request_line(s, 1), "GET /a%20b%5Cc?q=%C3%A9");
}

// ---- cookies ------------------------------------------------------------------------------------

static void cookies_are_kept_and_sent(void **state)
{
    stage *s = *state;
    run(s,
        "{'info':{'name':'C'},'item':[{'name':'1','request':'HOST/cookie/a=1%3B%20Path=/'},"
        "{'name':'2','request':{'url':'HOST/echo','header':[{'key':'Cookie','value':'own=x'}]},"
        "'event':[{'listen':'test','script':{'exec':["
        "'console.log(pm.cookies.get(`a`), pm.request.headers.get(`Cookie`))']}}]},"
        "{'name':'3','request':'HOST/echo','protocolProfileBehavior':{'disableCookies':true}}]}");
    assert_null(sent(s, 0, "Cookie").ptr);
    assert_strz(sent(s, 1, "Cookie"), "own=x; a=1"); // the user's first
    assert_null(sent(s, 2, "Cookie").ptr);
    assert_strz(lines_of(s, "console"), "console '1' 'own=x; a=1'");
}

static void cookies_of_each_hop_are_kept(void **state)
{
    stage *s = *state;
    run_one(s, "HOST/to/302//cookie/hop=2", "", "");
    run(s, "{'info':{'name':'C'},'item':[{'name':'1','request':'HOST/to/302//cookie/"
           "hop=2%253B%2520Path=/'},"
           "{'name':'2','request':'HOST/echo'}]}");
    assert_strz(sent(s, s->requests.len - 1, "Cookie"), "hop=2");
}

static void scripts_use_the_jar(void **state)
{
    stage *s = *state;
    run_script(s,
               "const jar = pm.cookies.jar(); const url = `HOST/`;"
               "jar.set(url, `a`, `1`, () => jar.set(url, {name: `b`, value: `2`, path: `/x`}, "
               "() => jar.getAll(url, (e, l) => { console.log(l.map((c) => c.name).join());"
               "jar.get(url, `a`, (e, v) => { console.log(v);"
               "jar.unset(url, `a`, () => jar.get(url, `a`, (e, v) => console.log(v))); }); })));"
               "jar.set(url, {name: `c`, value: `3`, domain: `example.com`}, "
               "(e) => console.log(e.message))");
    assert_strz(lines_of(s, "console"),
                "console \"Cookie not in this host's domain. Request:127.0.0.1\"|console 'a'|"
                "console '1'|console null");
    buf out;
    buf_init(&out, 1 << 20);
    runner_export_cookies(s->r, &out);
    assert_true(contains(buf_str(&out), "\"key\": \"b\""));
    buf_deinit(&out);
}

static void the_jar_comes_from_a_file(void **state)
{
    stage *s = *state;
    err e = ERR_INIT;
    runner *r = NULL;
    s->o.cookie_jar = "{\"cookies\":[{\"key\":\"a\",\"value\":\"1\",\"domain\":\"127.0.0.1\","
                      "\"path\":\"/\",\"hostOnly\":true}]}";
    run_one(s, "HOST/echo", "", "");
    assert_strz(sent(s, 0, "Cookie"), "a=1");
    s->o.cookie_jar = "{\"cookies\":[{\"key\":\"a\"}]}";
    assert_code(runner_new(s->loop, &s->o, &r, &e), RUN_COOKIES);
    assert_non_null(strstr(e.msg, "domain"));
}

// ---- what is sent -------------------------------------------------------------------------------

static void the_request_is_told_as_it_was_sent(void **state)
{
    stage *s = *state;
    run(s, "{'info':{'name':'C'},'item':[{'name':'one','request':{'method':'POST','url':'HOST/"
           "a?q={{v}}',"
           "'header':[{'key':'X-A','value':'{{v}}'}],'body':{'mode':'raw','raw':'{{v}}'}},"
           "'event':[{'listen':'prerequest','script':{'exec':['pm.variables.set(`v`, `x y`)']}},"
           "{'listen':'test','script':{'exec':['console.log(pm.request.url.getQueryString(),"
           "pm.request.headers.get(`X-A`), pm.request.body.raw,"
           "pm.request.headers.get(`Content-Type`))']}}]}]}");
    assert_strz(request_line(s, 0), "POST /a?q=x%20y");
    assert_strz(sent(s, 0, "X-A"), "x y");
    assert_true(str_ends(s->requests.ptr[0], STR("\r\n\r\nx y")));
    assert_strz(lines_of(s, "console"), "console 'q=x%20y' 'x y' 'x y' 'text/plain'");
}

static void failures_have_the_names_of_node(void **state)
{
    static const struct {
        const char *url;
        code wanted;
        const char *says;
    } rows[] = {
        {"http://127.0.0.1:1/", FETCH_CONNECT, "connect ECONNREFUSED 127.0.0.1:1"},
        {"http://localhost:1/", FETCH_CONNECT, "connect ECONNREFUSED 127.0.0.1:1"},
        {"http://", PM_URL, NULL},
        {"http://169.254.169.254/", FETCH_ADDRESS, NULL},
        {"http://metadata.google.internal/", FETCH_ADDRESS, NULL},
    };
    stage *s = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const run_summary *sum = run_one(s, rows[i].url, "", "");
        assert_row(i, sum->failures.len == 1);
        assert_row(i, sum->requests.failed == 1 && sum->requests.pending == 0);
        if (sum->failures.ptr[0].code != rows[i].wanted)
            fail_msg("row %zu: %s: %s", i, code_id(sum->failures.ptr[0].code),
                     sum->failures.ptr[0].message.ptr);
        if (rows[i].says)
            assert_strz(sum->failures.ptr[0].message, rows[i].says);
        assert_strz(sum->failures.ptr[0].at, "request");
    }
}

static void failures_are_worded_as_in_node(void **state)
{
    static const struct {
        const char *name;
        code code;
        const char *host, *says;
    } rows[] = {
        {"ECONNREFUSED", FETCH_CONNECT, "10.0.0.1", "connect ECONNREFUSED 10.0.0.1:81"},
        {"EHOSTUNREACH", FETCH_CONNECT, "10.0.0.1", "connect EHOSTUNREACH 10.0.0.1:81"},
        {"ENOTFOUND", FETCH_RESOLVE, "nowhere.example", "getaddrinfo ENOTFOUND nowhere.example"},
        {"ETIMEDOUT", FETCH_TIMEOUT, "a.example", "ETIMEDOUT"},
        {"ECONNRESET", FETCH_PROTOCOL, "a.example", "socket hang up"},
        {"CERT_HAS_EXPIRED", FETCH_TLS, "a.example", "certificate has expired"},
        {"DEPTH_ZERO_SELF_SIGNED_CERT", FETCH_TLS, "a.example", "self-signed certificate"},
        {"EPROTO", FETCH_TLS, "a.example", "in libcurl's words"},
    };
    stage *s = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        err e = ERR_INIT;
        (void)err_set(&e, rows[i].code, "in libcurl's words");
        uri_url u = {.host = {.name = str_from(rows[i].host)}, .port = 81};
        assert_strz(run_failure_message(&s->mem, rows[i].name, &u, &e), rows[i].says);
    }
}

static bool hang_up(stage *s, str path, str request, buf *out)
{
    (void)path;
    (void)request;
    (void)s;
    buf_addz(out, "garbage\r\n\r\n");
    return true;
}

static void an_answer_that_is_not_http(void **state)
{
    stage *s = *state;
    s->answer = hang_up;
    const run_summary *sum = run_one(s, "HOST/", "", "");
    assert_int_equal(sum->failures.len, 1);
    assert_int_equal(sum->failures.ptr[0].code, FETCH_PROTOCOL);
    assert_string_equal(s->last.failure_name, "HPE_INVALID_CONSTANT");
}

static void a_missing_file_is_a_warning(void **state)
{
    stage *s = *state;
    const run_summary *sum =
        run_one(s, "HOST/echo",
                ",'method':'POST','body':{'mode':'formdata','formdata':["
                "{'key':'f','type':'file','src':'nowhere.txt'},{'key':'a','value':'1'}]}",
                "");
    assert_int_equal(sum->failures.len, 0);
    assert_true(lines_of(s, "console").len > 0);
    assert_false(contains(s->body, "nowhere.txt"));
}

// ---- pm.sendRequest -----------------------------------------------------------------------------

static void scripts_send_requests(void **state)
{
    stage *s = *state;
    const run_summary *sum = run_script(
        s, "pm.variables.set(`v`, `x`); pm.sendRequest({url: `HOST/echo?{{v}}`, method: `GET`,"
           "header: {A: `{{v}}`}, body: {mode: `raw`, raw: `b`}}, (e, r) => {"
           "console.log(e, r.code, r.text().split(`\\\\r\\\\n`)[0]);"
           "pm.sendRequest(`http://127.0.0.1:1`, (e) => console.log(e.code, e.message)); })");
    assert_strz(lines_of(s, "console"),
                "console null 200 'GET /echo?{{v}} HTTP/1.1'|"
                "console 'ECONNREFUSED' 'connect ECONNREFUSED 127.0.0.1:1'");
    assert_strz(sent(s, 1, "A"), "{{v}}"); // literal
    assert_true(str_ends(s->requests.ptr[1], STR("\r\n\r\nb")));
    assert_int_equal(sum->requests.total, 3);
    assert_int_equal(sum->requests.failed, 1);
    assert_strz(lines_of(s, "response"),
                "response 200|response 200|"
                "response 0 FAIL Error: connect ECONNREFUSED 127.0.0.1:1 at request");
}

static void scripts_send_no_files(void **state)
{
    stage *s = *state;
    run_script(s, "pm.sendRequest({url: `HOST/echo`, method: `POST`, body: {mode: `file`,"
                  "file: {src: `/etc/passwd`}}}, (e, r) => console.log(e, r.code))");
    assert_false(contains(s->body, "root:"));
    assert_true(contains(lines_of(s, "console"), "from scripts"));
    assert_true(contains(lines_of(s, "console"), "console null 200"));
}

static void T42_scripts_reach_no_metadata(void **state)
{
    stage *s = *state;
    run_script(s, "pm.sendRequest(`http://169.254.169.254/`, (e) => console.log(e.code));"
                  "pm.sendRequest(`HOST/to/302/http%3A%2F%2F169.254.169.254%2F`,"
                  "(e) => console.log(e.code))");
    assert_strz(lines_of(s, "console"), "console 'EACCES'|console 'EACCES'");
}

// gatepost up and the emulators of others listen on loopback, where a collection may go.
static void T42_no_metadata_server_is_asked_wherever_it_listens(void **state)
{
    static const char *const names[] = {"Metadata-Flavor", "metadata-FLAVOR",
                                        "X-Google-Metadata-Request"};
    stage *s = *state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const run_summary *sum = run_one(
            s, "HOST/a",
            arena_printf(&s->mem, ",'header':[{'key':'%s','value':'x'}]", names[i]).ptr, "");
        assert_row(i, s->requests.len == 0);
        assert_row(i, sum->failures.len == 1 && sum->failures.ptr[0].code == FETCH_ADDRESS);
    }
    run_script(s, "pm.sendRequest({url: `HOST/echo`, header: {[`metadata-flavor`]: `Google`}},"
                  "(e) => console.log(e.code))");
    assert_true(contains(lines_of(s, "console"), "EACCES"));
    assert_int_equal(s->requests.len, 1); // its own, and not the script's
}

static void what_scripts_send_shares_the_jar(void **state)
{
    stage *s = *state;
    run_script(s, "pm.sendRequest(`HOST/cookie/a=1`, (e, r, {cookies}) => {"
                  "console.log(cookies.get(`a`));"
                  "pm.sendRequest(`HOST/cookie/echo`, () => {}); })");
    assert_strz(lines_of(s, "console"), "console '1'");
    assert_strz(sent(s, 2, "Cookie"), "a=1");
}

// 600 bytes: all of them, or, for what is never finished, the first of 900.
static bool answer_600(stage *s, str path, str request, buf *out)
{
    (void)request;
    bool half = str_eq(path, STR("/half"));
    char *text = arena_alloc(&s->mem, 601);
    memset(text, 'x', 600);
    if (half)
        buf_addz(out, "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n");
    if (half)
        buf_addz(out, text);
    else if (str_starts(path, STR("/600")))
        reply(out, 200, "", str_from(text));
    return half || str_starts(path, STR("/600"));
}

static void allow_1000(stage *s, const run_event *ev)
{
    if (ev->kind == RUN_START)
        s->r->asked_bytes_max = 1000;
}

// One that is over makes room; what is under way together may not hold more.
static void T45_what_scripts_ask_for_is_bounded_together(void **state)
{
    stage *s = *state;
    s->answer = answer_600;
    s->on_event = allow_1000;
    run_script(s, "pm.sendRequest(`HOST/600`, (e, r) => { console.log(e, r.text().length);"
                  "pm.sendRequest(`HOST/600`, (e, r) => console.log(e, r.text().length)); })");
    assert_strz(lines_of(s, "console"), "console null 600|console null 600");
    s->o.request_timeout_ms = 1500; // of the one that is never finished
    const run_summary *sum =
        run_script(s, "pm.sendRequest(`HOST/half`, (e) => console.log(e.code));"
                      "pm.sendRequest(`HOST/echo`, () => pm.sendRequest(`HOST/600`, (e) =>"
                      "console.log(e.code, e.message)))");
    assert_strz(lines_of(s, "console"),
                "console 'GP-FET-07' 'the responses that the script waits for hold more than 256 "
                "MiB'|console 'ESOCKETTIMEDOUT'");
    assert_int_equal(sum->failures.ptr[0].code, FETCH_LIMIT);
}

static void a_body_beyond_the_limit_names_it_and_the_option(void **state)
{
    stage *s = *state;
    s->answer = answer_600;
    s->o.response_bytes_max = 512;
    const run_summary *sum = run_one(s, "HOST/600", "", "");
    EXPECT_FAILURE(sum, FETCH_LIMIT, "the body of the response is larger than 512 bytes");
    assert_true(str_find(sum->failures.ptr[0].hint, STR("--response-limit 1G")) > 0);
    s->o.response_bytes_max = 600;
    assert_int_equal(run_one(s, "HOST/600", "", "")->failures.len, 0);
    assert_int_equal(s->body.len, 600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(redirects_keep_or_change_the_method),
        STAGED(a_body_beyond_the_limit_names_it_and_the_option),
        STAGED(a_redirect_names_where_it_came_from),
        STAGED(redirects_may_be_off),
        STAGED(redirects_have_a_limit),
        STAGED(T35_own_authorization_stays_with_its_host),
        STAGED(redirects_that_lead_nowhere),
        STAGED(a_location_with_stray_bytes_is_followed),
        STAGED(cookies_are_kept_and_sent),
        STAGED(cookies_of_each_hop_are_kept),
        STAGED(scripts_use_the_jar),
        STAGED(the_jar_comes_from_a_file),
        STAGED(the_request_is_told_as_it_was_sent),
        STAGED(failures_have_the_names_of_node),
        STAGED(failures_are_worded_as_in_node),
        STAGED(an_answer_that_is_not_http),
        STAGED(a_missing_file_is_a_warning),
        STAGED(scripts_send_requests),
        STAGED(scripts_send_no_files),
        STAGED(T42_scripts_reach_no_metadata),
        STAGED(T42_no_metadata_server_is_asked_wherever_it_listens),
        STAGED(what_scripts_send_shares_the_jar),
        STAGED(T45_what_scripts_ask_for_is_bounded_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
