// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"
#include "mock/match.h"

// A collection, its examples and one call.
typedef struct world world;
struct world {
    arena mem;
    pm_scope *variables;
    pm_scopes scopes;
    mock_notes notes;
    mock_examples *examples;
    http_headers headers;
    mock_answer answer;
};

#define EXAMPLE(name, code, method, url, more)                                                     \
    "{\"name\":\"" name "\",\"id\":\"id-" name "\",\"code\":" code ",\"body\":\"" name             \
    "\",\"originalRequest\":{\"method\":\"" method "\",\"url\":\"" url "\"" more "}}"
#define GET(name, url) EXAMPLE(name, "200", "GET", url, "")

#define OPEN(w, ...) open_world((w), (const char *const[]){__VA_ARGS__, NULL})

static void open_world(world *w, const char *const *examples)
{
    err e = ERR_INIT;
    buf list;
    *w = (world){0};
    arena_init(&w->mem);
    w->variables = pm_scope_new(STR("v"), STR("v"));
    assert_code(pm_scope_set_text(w->variables, STR("baseUrl"), STR("https://h.example/v1"), &e),
                OK);
    assert_code(pm_scope_set_text(w->variables, STR("secret"), STR("s3cret"), &e), OK);
    w->scopes = (pm_scopes){{w->variables}};
    buf_init(&list, 1 << 16);
    for (size_t i = 0; examples[i]; i++)
        buf_addf(&list, "%s%s", i ? "," : "", examples[i]);
    str text = arena_printf(&w->mem,
                            "{\"info\":{\"name\":\"c\"},\"item\":[{\"name\":\"r\",\"request\":"
                            "{\"method\":\"GET\",\"url\":\"http://h/own\"},\"response\":[%s]}]}",
                            buf_cstr(&list));
    buf_deinit(&list);
    pm_collection *c;
    if (pm_collection_read(&w->mem, text, "c.json", &c, &e))
        fail_msg("%s", e.msg);
    w->examples = mock_examples_read(&w->mem, c, &w->scopes, &w->notes);
    w->answer = (mock_answer){.mem = &w->mem, .scopes = &w->scopes};
}

static void close_world(world *w)
{
    vec_deinit(&w->answer.match.captures);
    vec_deinit(&w->notes);
    pm_scope_free(w->variables);
    arena_deinit(&w->mem);
}

static void with(world *w, const char *name, const char *value)
{
    http_headers_add(&w->headers, &w->mem, str_from(name), str_from(value));
}

// The example that a call gets; "-" for none.
static const char *ask(world *w, const char *method, const char *target, const char *body)
{
    mock_ask *q = &w->answer.ask;
    q->method = str_from(method);
    q->headers = &w->headers;
    q->body = str_from(body);
    q->query = STR_NONE;
    str_cut(str_from(target), '?', &q->path, &q->query);
    vec_deinit(&w->answer.match.captures);
    mock_find(w->examples, q, &w->mem, &w->answer.match);
    const mock_example *x = w->answer.match.example;
    return x ? arena_cstr(&w->mem, x->name) : "-";
}

static str fill(world *w, mock_kind kind, const char *text)
{
    buf out;
    buf_init(&out, 1 << 16);
    mock_fill(&w->answer, kind, str_from(text), &out);
    str filled = arena_str(&w->mem, buf_str(&out));
    buf_deinit(&out);
    return filled;
}

// ---- which example ------------------------------------------------------------------------------

static void the_nearest_path_and_query_answer(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        // A path as it is written comes before one with a variable, whatever the query.
        {"GET", "/orders/1", "one"},
        {"GET", "/orders/2", "any"},
        {"GET", "/orders/7", "any"},
        {"GET", "/orders/7/", "any"},
        {"GET", "/orders/", "all"},
        {"GET", "/Orders", "all"},
        {"GET", "/v1/orders", "all"}, // the path of the variable that the URL begins with
        {"GET", "/v2/orders", "-"},
        {"GET", "/orders/7/lines", "-"},
        {"GET", "/", "-"},
        {"POST", "/orders/1", "-"},
        {"HEAD", "/orders/1", "-"},
        {"GET", "/orders?state=open", "open"},
        {"GET", "/orders?state=open&page=2", "open2"},
        {"GET", "/orders?page=2&state=open", "open2"},
        {"GET", "/orders?state=op%65n", "open"},
        {"GET", "/orders?state=shut", "all"},
        {"GET", "/search?q=shoes", "search"},
        {"GET", "/files/report.pdf", "pdf"},
        {"GET", "/files/report.txt", "-"},
        {"GET", "/a%20b", "blank"},
    };
    world w;
    OPEN(&w, GET("all", "{{baseUrl}}/orders"), GET("one", "{{baseUrl}}/orders/1"),
         GET("any", "{{baseUrl}}/orders/:id?full=1"), GET("open", "{{baseUrl}}/orders?state=open"),
         GET("open2", "{{baseUrl}}/orders?state=open&page=2"),
         GET("search", "http://h/search?q={{what}}"), GET("pdf", "http://h/files/{{name}}.pdf"),
         GET("blank", "http://h/a b"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *got = ask(&w, rows[i][0], rows[i][1], "");
        if (strcmp(got, rows[i][2]))
            fail_msg("%s %s got '%s', wanted '%s'", rows[i][0], rows[i][1], got, rows[i][2]);
    }
    close_world(&w);
}

static void of_equal_examples_a_success_answers_and_the_first_one(void **state)
{
    (void)state;
    world w;
    OPEN(&w, EXAMPLE("missing", "404", "GET", "http://h/a", ""), GET("good", "http://h/a"),
         GET("later", "http://h/a"));
    assert_string_equal(ask(&w, "GET", "/a", ""), "good");
    close_world(&w);
}

static void a_call_chooses_by_code_name_and_id(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"x-mock-response-code", "404", "missing"},      {"x-mock-response-code", "500", "-"},
        {"x-mock-response-name", "missing", "missing"},  {"x-mock-response-name", "none", "-"},
        {"x-mock-response-id", "id-missing", "missing"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        world w;
        OPEN(&w, EXAMPLE("missing", "404", "GET", "http://h/a", ""), GET("good", "http://h/a"));
        with(&w, rows[i][0], rows[i][1]);
        assert_string_equal(ask(&w, "GET", "/a", ""), rows[i][2]);
        close_world(&w);
    }
}

static void headers_match_when_the_call_says_so(void **state)
{
    (void)state;
    world w;
    OPEN(&w,
         EXAMPLE("de", "200", "GET", "http://h/a",
                 ",\"header\":[{\"key\":\"Accept-Language\",\"value\":\"de\"}]"),
         EXAMPLE("en", "200", "GET",
                 "http://h/"
                 "a",
                 ",\"header"
                 "\":[{"
                 "\"key\":"
                 "\"Accept-"
                 "Language\""
                 ",\"value\""
                 ":\"en\"}"
                 "]"));
    with(&w, "accept-language", "en");
    assert_string_equal(ask(&w, "GET", "/a", ""), "de");
    w.answer.ask.match_headers = STR("accept-language");
    assert_string_equal(ask(&w, "GET", "/a", ""), "en");
    w.answer.ask.match_headers = STR("accept-language, x-tenant");
    assert_string_equal(ask(&w, "GET", "/a", ""), "-");
    assert_non_null(strstr(arena_cstr(&w.mem, w.answer.match.why), "headers"));
    close_world(&w);
}

static void bodies_match_by_what_they_mean(void **state)
{
    (void)state;
#define POST(body) EXAMPLE("x", "200", "POST", "http://h/a", ",\"body\":" body)
    static const struct {
        const char *saved, *type, *sent;
        bool same;
    } rows[] = {
        {POST("{\"mode\":\"raw\",\"raw\":\"{\\\"a\\\":1,\\\"b\\\":[2]}\"}"), "application/json",
         "{ \"b\": [2], \"a\": 1 }", true},
        {POST("{\"mode\":\"raw\",\"raw\":\"{\\\"a\\\":1}\"}"), "application/json", "{\"a\":2}",
         false},
        {POST("{\"mode\":\"raw\",\"raw\":\" hello\\n\"}"), "text/plain", "hello", true},
        {POST("{\"mode\":\"raw\",\"raw\":\"{{secret}}\"}"), "text/plain", "s3cret", true},
        {POST("{\"mode\":\"urlencoded\",\"urlencoded\":[{\"key\":\"a\",\"value\":\"1 "
              "2\"},{\"key\":\"b\",\"value\":\"&\"}]}"),
         "application/x-www-form-urlencoded", "b=%26&a=1+2", true},
        {POST("{\"mode\":\"urlencoded\",\"urlencoded\":[{\"key\":\"a\",\"value\":\"1\"}]}"),
         "application/x-www-form-urlencoded", "a=1&a=1", false},
        {POST("{\"mode\":\"formdata\",\"formdata\":[{\"key\":\"a\",\"value\":\"1\",\"type\":"
              "\"text\"},{\"key\":\"f\",\"type\":\"file\",\"src\":\"/x/y.txt\"}]}"),
         "multipart/form-data; boundary=\"Q\"",
         "--Q\r\nContent-Disposition: form-data; "
         "name=\"a\"\r\n\r\n1\r\n--Q\r\nContent-Disposition: "
         "form-data; name=\"f\"; filename=\"y.txt\"\r\n\r\nall of it\r\n--Q--\r\n",
         true},
        {POST("{\"mode\":\"formdata\",\"formdata\":[{\"key\":\"a\",\"value\":\"1\"}]}"),
         "multipart/form-data; boundary=Q",
         "--Q\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n2\r\n--Q--\r\n", false},
        {POST("{\"mode\":\"graphql\",\"graphql\":{\"query\":\"{ me }\",\"variables\":\"\"}}"),
         "application/json", "{\"query\":\"{ me }\",\"variables\":{}}", true},
        {POST("{\"mode\":\"graphql\",\"graphql\":{\"query\":\"{ me }\",\"variables\":\"{\\\"a\\\":"
              "1}\"}}"),
         "application/json", "{\"query\":\"{ me }\",\"variables\":{\"a\":1}}", true},
        {POST("{\"mode\":\"graphql\",\"graphql\":{\"query\":\"{ me }\"}}"), "application/json",
         "{\"query\":\"{ you }\"}", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        world w;
        OPEN(&w, rows[i].saved);
        with(&w, "content-type", rows[i].type);
        assert_row(i, !strcmp(ask(&w, "POST", "/a", rows[i].sent), "x"));
        w.answer.ask.match_body = true;
        assert_row(i, !strcmp(ask(&w, "POST", "/a", rows[i].sent), "x") == rows[i].same);
        close_world(&w);
    }
}

static void what_is_missing_is_said(void **state)
{
    (void)state;
    world w;
    OPEN(&w, GET("a", "http://h/a"));
    ask(&w, "PUT", "/a", "");
    assert_strz(w.answer.match.why, "no request with method PUT has an example");
    ask(&w, "GET", "/b", "");
    assert_strz(w.answer.match.why, "no example of a GET request has the path /b");
    close_world(&w);
}

static void unusable_examples_are_left_out_and_said(void **state)
{
    (void)state;
    world w;
    OPEN(&w, EXAMPLE("bad", "99", "GET", "http://h/a", ""), "{\"name\":\"own\"}");
    assert_int_equal(mock_examples_count(w.examples), 1);
    assert_int_equal(w.notes.len, 1);
    assert_non_null(strstr(w.notes.ptr[0].ptr, "'bad' of 'r' is left out"));
    // Without a request of its own an example answers that of its item.
    assert_string_equal(ask(&w, "GET", "/own", ""), "own");
    close_world(&w);
}

// ---- what it says -------------------------------------------------------------------------------

static void answers_are_filled_in_from_the_call(void **state)
{
    (void)state;
    static const struct {
        mock_kind kind;
        const char *text, *filled;
    } rows[] = {
        {MOCK_JSON, "{\"id\":{{id}},\"x\":\"{{secret}}\"}", "{\"id\":7,\"x\":\"s3cret\"}"},
        {MOCK_JSON, "{{$body 'user.name'}}", "Ada \\\"L\\\""},
        {MOCK_JSON, "{{$body 'user.tags[1]'}} {{$body 'user'}}",
         "b {\"name\":\"Ada \\\"L\\\"\",\"tags\":[\"a\",\"b\"],\"n\":1.50}"},
        {MOCK_JSON, "{{$body 'user.n'}}", "1.50"},
        {MOCK_TEXT, "{{$body 'user.name'}}", "Ada \"L\""},
        {MOCK_MARKUP, "{{$queryParams 'q'}}", "&lt;b&gt;&amp;&#39;&quot;"},
        {MOCK_TEXT, "{{$queryParams 'page' '1'}} {{$queryParams \"none\"}}.", "1 ."},
        {MOCK_TEXT, "{{$headers 'X-Who'}} {{$headers 'x-none' 'nobody'}}", "me nobody"},
        {MOCK_TEXT, "{{$pathSegments '0'}} {{$pathSegments '1'}} {{$pathSegments '9' '-'}}",
         "orders 7 -"},
        {MOCK_TEXT, "{{unknown}} {{$nonsense 'a'}}", "{{unknown}} {{$nonsense 'a'}}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        world w;
        OPEN(&w, GET("x", "http://h/orders/:id"));
        with(&w, "x-who", "me");
        ask(&w, "GET", "/orders/7?q=%3Cb%3E%26%27%22",
            "{\"user\":{\"name\":\"Ada \\\"L\\\"\",\"tags\":[\"a\",\"b\"],\"n\":1.50}}");
        assert_strz(fill(&w, rows[i].kind, rows[i].text), rows[i].filled);
        close_world(&w);
    }
}

static void dynamic_variables_are_new_for_each_call(void **state)
{
    (void)state;
    world w;
    OPEN(&w, GET("x", "http://h/a"));
    ask(&w, "GET", "/a", "");
    str first = fill(&w, MOCK_TEXT, "{{$guid}}"), second = fill(&w, MOCK_TEXT, "{{$guid}}");
    assert_int_equal(first.len, 36);
    assert_false(str_eq(first, second));
    close_world(&w);
}

static void a_template_in_a_call_reads_no_variable(void **state)
{
    (void)state;
    world w;
    OPEN(&w, GET("x", "http://h/orders/:id"));
    ask(&w, "GET", "/orders/%7B%7Bsecret%7D%7D?q={{secret}}", "{\"a\":\"{{secret}}\"}");
    assert_strz(fill(&w, MOCK_TEXT, "{{id}} {{$queryParams 'q'}} {{$body 'a'}}"),
                "{{secret}} {{secret}} {{secret}}");
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nearest_path_and_query_answer),
        cmocka_unit_test(of_equal_examples_a_success_answers_and_the_first_one),
        cmocka_unit_test(a_call_chooses_by_code_name_and_id),
        cmocka_unit_test(headers_match_when_the_call_says_so),
        cmocka_unit_test(bodies_match_by_what_they_mean),
        cmocka_unit_test(what_is_missing_is_said),
        cmocka_unit_test(unusable_examples_are_left_out_and_said),
        cmocka_unit_test(answers_are_filled_in_from_the_call),
        cmocka_unit_test(dynamic_variables_are_new_for_each_call),
        cmocka_unit_test(a_template_in_a_call_reads_no_variable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
