// SPDX-License-Identifier: Apache-2.0
#include "data/data.h"
#include "doctor/doctor.h"
#include "net/net_test_server.h"

// A service that answers every call with the same status and headers, and its visitor.
typedef struct visit visit;
struct visit {
    loop *loop;
    test_server server;
    trust_set *trust;
    credential_provider *credentials;
    doctor_options o;
    arena mem;
    const char *headers; // each ends its line
    str body;
    int status;
    VEC(str) requests;
    bool done;
    code failed;
    str text, json;
    doctor_report r; // its texts are gone with the callback
};

static const char page[] =
    "<html><body><h1>Error: Forbidden</h1>\n<h2>Your client</h2></body></html>";

static const char *no_env(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    return NULL;
}

static void answer(void *ctx, str request, buf *out)
{
    visit *v = ctx;
    vec_push(&v->requests, arena_str(&v->mem, request));
    buf_addf(out, "HTTP/1.1 %d Reason\r\n%sContent-Length: %zu\r\n\r\n", v->status, v->headers,
             v->body.len);
    buf_adds(out, v->body);
}

static str shown(visit *v, void (*show)(const doctor_report *r, buf *out), const doctor_report *r)
{
    buf out;
    buf_init(&out, 1 << 16);
    show(r, &out);
    assert_true(buf_ok(&out));
    str copy = arena_str(&v->mem, buf_str(&out));
    buf_deinit(&out);
    return copy;
}

static void on_done(void *ctx, const doctor_report *r, const err *e)
{
    visit *v = ctx;
    v->done = true;
    v->failed = e ? e->code : OK;
    if (!r)
        return;
    v->r = *r;
    v->text = shown(v, doctor_text, r);
    v->json = shown(v, doctor_json, r);
}

static int set_up(void **state)
{
    visit *v = NEW(visit);
    arena_init(&v->mem);
    v->loop = loop_new();
    v->trust = trust_set_new();
    credential_options c = {.getenv = no_env};
    v->credentials = credential_provider_new(v->loop, &c);
    unsigned port = test_server_start(&v->server, v->loop, answer, v);
    v->status = 200;
    v->headers = "";
    v->o = (doctor_options){
        .url = arena_printf(&v->mem, "http://127.0.0.1:%u/x", port),
        .trust = v->trust,
        .credentials = v->credentials,
    };
    *state = v;
    return 0;
}

static int tear_down(void **state)
{
    visit *v = *state;
    test_server_stop(&v->server);
    credential_provider_free(v->credentials);
    trust_set_free(v->trust);
    loop_free(v->loop);
    vec_deinit(&v->requests);
    arena_deinit(&v->mem);
    free(v);
    return 0;
}

static void examine(visit *v)
{
    v->done = false;
    doctor *d = doctor_start(v->loop, &v->o, on_done, v);
    assert_true(loop_run_until(v->loop, &v->done, TEST_WAIT_MS));
    doctor_free(d);
}

#define assert_says(text, part)                                                                    \
    do {                                                                                           \
        if (str_find((text), STR(part)) < 0)                                                       \
            fail_msg("no \"%s\" in:\n" STR_FMT, part, STR_ARG(text));                              \
    } while (0)

static void an_ordinary_host_is_called_once_without_identity(void **state)
{
    visit *v = *state;
    examine(v);
    assert_true(v->r.healthy);
    assert_false(v->r.candidate || v->r.with.made);
    assert_int_equal(v->requests.len, 1);
    assert_true(str_ifind(v->requests.ptr[0], STR("authorization")) < 0);
    assert_true(str_starts(v->requests.ptr[0], STR("GET /x HTTP/1.1\r\n")));
    assert_says(v->text, "  without  200 OK\nthe call works without identity\n");
    assert_says(v->json, "\"healthy\": true");
}

static void a_given_token_is_sent_second_and_never_shown(void **state)
{
    visit *v = *state;
    v->status = 401;
    v->headers = "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n";
    v->o.token = STR("ya29.secret-of-the-person");
    examine(v);
    assert_int_equal(v->requests.len, 2);
    assert_true(str_ifind(v->requests.ptr[0], STR("authorization")) < 0);
    assert_says(v->requests.ptr[1], "Authorization: Bearer ya29.secret-of-the-person\r\n");
    assert_int_equal(v->r.reason.code, GUARD_ACCESS_TOKEN);
    assert_says(v->text, "  caller   nobody known by the token that was given\n");
    assert_true(str_find(v->text, STR("secret-of")) < 0 && str_find(v->json, STR("secret-of")) < 0);
}

// Plain http is for this machine: a proxy would read the token.
static void no_proxy_is_asked_for_a_service_of_this_machine(void **state)
{
    visit *v = *state;
    v->o.token = STR("ya29.secret-of-the-person");
    setenv("http_proxy", "http://127.0.0.1:1", true);
    examine(v);
    unsetenv("http_proxy");
    assert_int_equal(v->requests.len, 2);
    assert_true(v->r.healthy && v->r.with.status == 200);
}

static void traces_are_cut_where_their_options_begin(void **state)
{
    visit *v = *state;
    static const char *const forms[] = {"0af7651916cd43dd8448eb211c80319c/1;o=1",
                                        "0af7651916cd43dd8448eb211c80319c;o=1",
                                        "0af7651916cd43dd8448eb211c80319c"};
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        v->headers = arena_printf(&v->mem, "X-Cloud-Trace-Context: %s\r\n", forms[i]).ptr;
        examine(v);
        assert_says(v->json, "\"trace\": \"0af7651916cd43dd8448eb211c80319c\"");
    }
}

// Every status of the services' own: told as theirs, and no success.
static void an_applications_refusal_is_its_own(void **state)
{
    visit *v = *state;
    static const int statuses[] = {400, 401, 403, 404, 429, 500, 503, 504};
    v->body = STR("no");
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        v->status = statuses[i];
        examine(v);
        assert_row(i, !v->r.healthy && v->r.reason.code == OK && !v->r.without.by_cloud_run);
        assert_says(v->text, "the application itself answered ");
        assert_says(v->text, "(the application's answer)\n");
    }
}

static void a_private_service_without_a_credential_names_what_is_missing(void **state)
{
    visit *v = *state;
    v->status = 403;
    v->body = str_from(page);
    str origin = str_sub(v->o.url, 0, v->o.url.len - 2);
    assert_code(trust_add(v->trust, origin, "--trust", NULL), OK);
    v->o.identity = STR("absent");
    examine(v);
    assert_int_equal(v->r.reason.code, IAM_ANONYMOUS);
    assert_says(v->text, "  caller   nobody: there is no identity 'absent'\n");
    assert_says(v->text, "\n  hint: none is known; name one under `identities`\n");

    project_identity nobody = {.name = STR("nobody"), .none = true};
    v->o.identities = &nobody;
    v->o.identity_count = 1;
    v->o.identity = nobody.name;
    examine(v);
    assert_says(v->text, "  caller   nobody: identity none was chosen\n");
    assert_says(v->text, "\n  hint: trust the service");
    assert_int_equal(v->requests.len, 2);
}

static void what_cannot_be_asked_is_an_error(void **state)
{
    visit *v = *state;
    v->o.token = STR("x");
    v->o.url = STR("http://orders.example/");
    examine(v);
    assert_int_equal(v->failed, TRUST_SPEC); // the token would be readable on its way
    v->o.url = STR("nonsense");
    examine(v);
    assert_int_equal(v->failed, URI_SYNTAX);
    v->o.url = STR("http://127.0.0.1:1/");
    examine(v);
    assert_int_equal(v->failed, FETCH_CONNECT);
    assert_int_equal(v->requests.len, 0);
}

static void a_report_cannot_be_forged_by_its_parts(void **state)
{
    visit *v = *state;
    doctor_report r = {
        .url = STR("https://a.example/\x1b[31m\nthe call works"),
        .origin = STR("https://a.example"),
        .caller = STR("jane@example.com\n  with 200"),
        .source = STR("the token that was given"),
        .token_audience = STR("x\x1b]0;"),
        .token_age_s = 5,
        .token_left_s = -7,
        .without = {.made = true, .status = 403, .by_cloud_run = true},
        .with = {.made = true, .failure = STR("no\nanswer")},
        .reason = {.code = IAM_DENIED, .sentence = STR("why\nnot"), .fix = STR("run\rthis")},
        .server_reason = STR("because\n"),
    };
    str text = shown(v, doctor_text, &r);
    assert_true(str_chr(text, '\x1b') < 0 && str_chr(text, '\r') < 0);
    assert_says(text, ", 5 s old, expired 7 s ago\n");
    assert_says(text, "  trust    none for https://a.example\n");
    assert_says(text, "  with     no answer: no");
    size_t lines = 0;
    for (str rest = text, one; str_next(&rest, '\n', &one);)
        lines++;
    assert_int_equal(lines, 10); // url, trust, caller, token, two calls, reason, trail, hint, ""
    r.token_age_s = r.token_left_s = DOCTOR_UNKNOWN_S;
    assert_says(shown(v, doctor_text, &r), "  token    audience x\\u001b]0;\n");
    assert_true(str_find(shown(v, doctor_json, &r), STR("tokenAge")) < 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_ordinary_host_is_called_once_without_identity),
        CASE(a_given_token_is_sent_second_and_never_shown),
        CASE(no_proxy_is_asked_for_a_service_of_this_machine),
        CASE(traces_are_cut_where_their_options_begin),
        CASE(an_applications_refusal_is_its_own),
        CASE(a_private_service_without_a_credential_names_what_is_missing),
        CASE(what_cannot_be_asked_is_an_error),
        CASE(a_report_cannot_be_forged_by_its_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
