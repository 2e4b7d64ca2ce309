// SPDX-License-Identifier: Apache-2.0
// What a condition sees of a call, and that it sees what upstream sees.
#include "gate/test_gate.h"

static void set_condition(fixture *f, const char *expression)
{
    buf text;
    buf_init(&text, 8192);
    buf_addz(&text,
             "{\"version\":3,\"bindings\":[{\"role\":\"roles/run.invoker\",\"members\":["
             "\"serviceAccount:" TESTER "\"],\"condition\":{\"title\":\"t\",\"expression\":");
    buf_add_json(&text, str_from(expression));
    buf_addz(&text, "}}]}");
    set_policy(f, buf_cstr(&text));
    buf_deinit(&text);
}

static void each_attribute_of_a_call(void **state)
{
    static const struct {
        const char *expression, *line, *rest;
        bool passes;
    } rows[] = {
        {"request.method == 'POST'", "POST /", "Content-Length: 0\r\n", true},
        {"request.method == 'GET'", "POST /", "Content-Length: 0\r\n", false},
        {"request.host == 'orders-abc123-ew.a.run.app'", "GET /", "", true},
        {"request.path == '/admin/~user'", "GET /%61dmin/%7euser?q=1", "", true},
        {"request.path == '/'", "GET /admin", "", false},
        {"request.query == 'q=%61&r'", "GET /?q=%61&r", "", true},
        {"request.query == ''", "GET /", "", true},
        {"request.headers['x-team'] == 'a, b'", "GET /", "X-Team: a\r\nX-TEAM: b\r\n", true},
        {"has(request.headers.host) && !('cookie' in request.headers) && "
         "!('authorization' in request.headers)",
         "GET /", "Cookie: a=b\r\n", true},
        {"request.size == 2", "POST /", "Content-Length: 2\r\n\r\nab", true},
        {"request.size >= 0", "POST /", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false},
        {"request.protocol == 'HTTP/1.1' && request.id.size() == 32", "GET /", "", true},
        {"ip(source.ip).isLoopback() && ip(destination.ip).isLoopback()", "GET /", "", true},
        {"destination.port > 1024", "GET /", "", true},
        {"request.time > timestamp('2026-01-01T00:00:00Z')", "GET /", "", true},
        {"request.time < timestamp('2026-01-01T00:00:00Z')", "GET /", "", false},
    };
    fixture *f = *state;
    f->mode = REFUSES; // what comes through is told by the backend's own refusal
    f->refuse_status = 429;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        set_condition(f, rows[i].expression);
        ask(f, rows[i].line, tester(f), rows[i].rest);
        peer_wait(&f->client, "</html>");
        const char *wanted = rows[i].passes ? "HTTP/1.1 429 " : "HTTP/1.1 403 ";
        assert_row(i, str_starts(buf_str(&f->client.got), str_from(wanted)));
        peer_close(&f->client);
        f->client = (peer){0};
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(each_attribute_of_a_call),
    };
    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
