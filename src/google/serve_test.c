// SPDX-License-Identifier: Apache-2.0
// Both servers over real sockets.
#include <unistd.h>

#include "google/google_test.h"

typedef struct site site;
struct site {
    world *w;
    http_server *apis, *metadata_server;
    google_metadata *metadata;
    // of the call under way
    bool head, done;
    int status;
    str flavor, server, type, cache;
    buf body;
};

static http_server *server_new(site *s, void (*on_request)(void *ctx, http_exchange *x), void *ctx)
{
    http_server *server = NULL;
    http_server_options o = {.on_request = on_request, .ctx = ctx};
    err e = ERR_INIT;
    if (http_server_new(s->w->loop, &o, &server, &e))
        fail_msg("%s", e.msg);
    return server;
}

static int start(void **state)
{
    site *s = NEW(site);
    err e = ERR_INIT;
    set_up((void **)&s->w);
    buf_init(&s->body, 1 << 20);
    google_metadata_options o = {.account = STR(TESTER)};
    if (google_metadata_new(s->w->g, &o, &s->metadata, &e))
        fail_msg("%s", e.msg);
    s->apis = server_new(s, google_on_request, s->w->g);
    s->metadata_server = server_new(s, google_metadata_on_request, s->metadata);
    listen_at(s->w, arena_printf(&s->w->mem, "http://127.0.0.1:%u", http_server_port(s->apis)).ptr);
    *state = s;
    return 0;
}

static int stop(void **state)
{
    site *s = *state;
    http_server_free(s->apis);
    http_server_free(s->metadata_server);
    google_metadata_free(s->metadata);
    buf_deinit(&s->body);
    tear_down((void **)&s->w);
    free(s);
    return 0;
}

#undef CASE
#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

static void on_head(void *ctx, const http_response *r)
{
    site *s = ctx;
    arena *mem = &s->w->mem;
    s->head = true;
    s->status = r->status;
    s->flavor = arena_str(mem, http_headers_get(&r->headers, STR("metadata-flavor")));
    s->server = arena_str(mem, http_headers_get(&r->headers, STR("server")));
    s->type = arena_str(mem, http_headers_get(&r->headers, STR("content-type")));
    s->cache = arena_str(mem, http_headers_get(&r->headers, STR("cache-control")));
}

static void on_body(void *ctx, str piece)
{
    buf_adds(&((site *)ctx)->body, piece);
}

static void on_end(void *ctx, const err *e)
{
    site *s = ctx;
    if (e)
        print_message("the call ended: %s\n", e->msg);
    s->done = true;
}

static const http_call_handlers handlers = {
    .on_head = on_head, .on_body = on_body, .on_end = on_end};

typedef struct request request;
struct request {
    const char *method, *target, *name, *value; // one header field, or NULL
    str body;
    bool is_form;
    const char *host; // NULL: the address
};

static void send_to(site *s, http_server *server, request r)
{
    arena *mem = &s->w->mem;
    http_pool_options where = {.host = "127.0.0.1", .port = http_server_port(server)};
    http_pool *pool = http_pool_new(s->w->loop, &where);
    http_headers sent = {.len = 0};
    http_headers_add(&sent, mem, STR("host"), r.host ? str_from(r.host) : STR("127.0.0.1"));
    if (r.name)
        http_headers_add(&sent, mem, str_from(r.name), str_from(r.value));
    if (r.is_form)
        http_headers_add(&sent, mem, STR("content-type"), STR("application/x-www-form-urlencoded"));
    http_call_options o = {.method = str_from(r.method),
                           .target = str_from(r.target),
                           .headers = &sent,
                           .body_bytes = (int64_t)r.body.len};
    s->head = s->done = false;
    buf_reset(&s->body);
    http_call *c = http_call_start(pool, &o, &handlers, s);
    if (r.body.len) {
        http_call_write(c, r.body);
        http_call_write_end(c);
    }
    assert_true(loop_run_until(s->w->loop, &s->done, TEST_WAIT_MS));
    assert_true(s->head);
    http_pool_free(pool);
}

static str body_member(site *s, const char *name)
{
    json *root;
    err e = ERR_INIT;
    if (json_parse(&s->w->mem, buf_str(&s->body), NULL, &root, &e))
        fail_msg("%s: %s", e.msg, buf_cstr(&s->body));
    return json_str_or(json_get(root, name), STR_NONE);
}

static str assertion(site *s, const char *target_audience)
{
    jwk *k = key_in(s->w, "tester.json");
    long long now = clock_wall_s();
    buf b;
    buf_init(&b, JWT_BYTES_MAX);
    buf_addz(&b, "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=");
    str claims = arena_printf(&s->w->mem,
                              "{\"iss\":\"" TESTER "\",\"aud\":\"" STR_FMT "/token\","
                              "\"iat\":%lld,\"exp\":%lld,\"target_audience\":\"%s\"}",
                              STR_ARG(s->w->g->base), now, now + 3600, target_audience);
    buf token;
    buf_init(&token, JWT_BYTES_MAX);
    assert_code(jwt_sign(k, claims, STR_NONE, &token, NULL), OK);
    buf_adds(&b, buf_str(&token));
    str s2 = arena_str(&s->w->mem, buf_str(&b));
    buf_deinit(&b);
    buf_deinit(&token);
    jwk_unref(k);
    return s2;
}

// From the key file to a token that the published keys verify: nothing but what a client sees.
static void the_whole_way_of_a_client(void **state)
{
    site *s = *state;
    jwk_set *published;
    jwt t;
    send_to(s, s->apis,
            (request){"POST", "/token", NULL, NULL, assertion(s, "https://orders.example"), true,
                      NULL});
    assert_int_equal(s->status, 200);
    assert_strz(s->type, "application/json; charset=UTF-8");
    str token = body_member(s, "id_token");
    send_to(s, s->apis, (request){.method = "GET", .target = "/oauth2/v3/certs"});
    assert_int_equal(s->status, 200);
    assert_true(str_find(s->cache, STR("max-age=")) >= 0);
    assert_code(jwk_set_from_text(buf_str(&s->body), &published, NULL), OK);
    const str audience = STR("https://orders.example");
    jwt_expect x = {.issuer = GOOGLE_ISSUER,
                    .audiences = &audience,
                    .audience_count = 1,
                    .now_s = clock_wall_s(),
                    .leeway_s = 5};
    assert_code(jwt_verify(token, published, &x, &s->w->mem, &t, NULL), OK);
    jwk_set_unref(published);
}

static void a_key_is_created_over_the_wire(void **state)
{
    site *s = *state;
    str token = bearer_of(s->w, ADMIN);
    send_to(s, s->apis,
            (request){"POST", "/v1/projects/demo/serviceAccounts/" STRANGER "/keys",
                      "authorization", token.ptr, STR("{}"), false, NULL});
    assert_int_equal(s->status, 200);
    assert_true(body_member(s, "privateKeyData").len > 1000);
    assert_int_equal(account_find(s->w->g, STR(STRANGER))->keys.len, 1);
}

static void large_bodies_are_refused(void **state)
{
    site *s = *state;
    char *text = mem_new(GOOGLE_BODY_BYTES_MAX + 1);
    memset(text, 'a', GOOGLE_BODY_BYTES_MAX + 1);
    send_to(s, s->apis,
            (request){"POST", "/token", NULL, NULL, {text, GOOGLE_BODY_BYTES_MAX + 1}, true, NULL});
    assert_int_equal(s->status, 413);
    send_to(s, s->apis,
            (request){"POST", "/token", NULL, NULL, {text, GOOGLE_BODY_BYTES_MAX}, true, NULL});
    assert_int_equal(s->status, 400);
    free(text);
}

static void metadata_over_the_wire(void **state)
{
    static const struct {
        const char *target, *name, *value;
        int status;
    } rows[] = {
        {"/computeMetadata/v1/instance/service-accounts/default/token", "metadata-flavor", "Google",
         200},
        {"/computeMetadata/v1/instance/service-accounts/default/identity?audience=https://a/?b=c",
         "metadata-flavor", "Google", 200},
        {"/computeMetadata/v1/instance", "metadata-flavor", "Google", 301},
        {"/computeMetadata/v1/none", "metadata-flavor", "Google", 404},
        {"/computeMetadata/v1/instance/service-accounts/default/token", NULL, NULL, 403},
        {"/", NULL, NULL, 200},
        {"/", "x-forwarded-for", "10.0.0.1", 403},
    };
    site *s = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        send_to(s, s->metadata_server,
                (request){.method = "GET",
                          .target = rows[i].target,
                          .name = rows[i].name,
                          .value = rows[i].value});
        assert_row(i, s->status == rows[i].status);
        assert_strz(s->flavor, "Google");
        assert_strz(s->server, "Metadata Server for Serverless");
    }
}

static void T46_a_page_under_another_name_gets_nothing(void **state)
{
    static const struct {
        const char *host;
        bool ours;
    } rows[] = {
        {"127.0.0.1:4000", true},
        {"localhost:80", true},
        {"[::1]:4000", true},
        {"metadata.google.internal", true},
        {"METADATA.GOOGLE.INTERNAL.", true},
        {"169.254.169.254", true},
        {"oauth2.googleapis.com", true},
        {"iamcredentials.googleapis.com:443", true},
        {"accounts.google.com", true},
        {"attacker.example", false},
        {"127.0.0.1.attacker.example", false},
        {"xgoogleapis.com", false},
        {"metadata.google.internal.attacker.example", false},
        {"10.0.0.1", false},
    };
    site *s = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        send_to(s, s->metadata_server,
                (request){.method = "GET",
                          .target = "/computeMetadata/v1/instance/service-accounts/default/token",
                          .name = "metadata-flavor",
                          .value = "Google",
                          .host = rows[i].host});
        assert_row(i, s->status == (rows[i].ours ? 200 : 403));
        assert_row(i, (str_find(buf_str(&s->body), STR("ya29.")) >= 0) == rows[i].ours);
        send_to(s, s->apis,
                (request){.method = "GET", .target = "/oauth2/v3/certs", .host = rows[i].host});
        assert_row(i, s->status == (rows[i].ours ? 200 : 403));
    }
}

static void T46_another_user_of_the_machine_gets_no_token(void **state)
{
    site *s = *state;
    request ask = {.method = "GET",
                   .target = "/computeMetadata/v1/instance/service-accounts/default/token",
                   .name = "metadata-flavor",
                   .value = "Google"};
    metadata_serve(s->metadata, geteuid() + 1);
    send_to(s, s->metadata_server, ask);
    assert_int_equal(s->status, 403);
    assert_true(str_find(buf_str(&s->body), STR("ya29.")) < 0);
    metadata_serve(s->metadata, geteuid());
    send_to(s, s->metadata_server, ask);
    assert_int_equal(s->status, 200);
}

static void the_trail_has_the_call_of_a_wire(void **state)
{
    site *s = *state;
    str token = bearer_of(s->w, STRANGER), text;
    send_to(s, s->apis,
            (request){"POST", "/v1/projects/-/serviceAccounts/" TESTER ":generateIdToken",
                      "authorization", token.ptr, STR("{\"audience\":\"a\"}"), false, NULL});
    assert_int_equal(s->status, 403);
    // It is there before the answer: nothing is flushed here.
    assert_code(
        file_read(&s->w->mem, in_dir(s->w, "audit/audit-00000001.jsonl"), 1 << 20, &text, NULL),
        OK);
    assert_true(str_find(text, STR("\"callerIp\":\"127.0.0.1\"")) > 0);
    assert_true(str_find(text, STR("\"methodName\":\"GenerateIdToken\"")) > 0);
    assert_true(str_find(text, str_skip(token, 7)) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_whole_way_of_a_client),
        CASE(a_key_is_created_over_the_wire),
        CASE(large_bodies_are_refused),
        CASE(metadata_over_the_wire),
        CASE(T46_a_page_under_another_name_gets_nothing),
        CASE(T46_another_user_of_the_machine_gets_no_token),
        CASE(the_trail_has_the_call_of_a_wire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
