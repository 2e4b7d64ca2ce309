// SPDX-License-Identifier: Apache-2.0
#include "google/google_test.h"

static google_metadata *md;

static int start(void **state)
{
    set_up(state);
    world *w = *state;
    google_metadata_options o = {.account = STR(TESTER), .instance_id = STR("00ff00ff")};
    err e = ERR_INIT;
    if (google_metadata_new(w->g, &o, &md, &e))
        fail_msg("%s", e.msg);
    return 0;
}

static int stop(void **state)
{
    google_metadata_free(md);
    return tear_down(state);
}

#undef CASE
#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

#define V1 "/computeMetadata/v1/"
#define ACCOUNT V1 "instance/service-accounts/"

static call *get(world *w, const char *request)
{
    call *c = call_new(w, request);
    c->flavor = STR("Google");
    metadata_route(md, c);
    assert_non_null(c->ctx);
    assert_strz(header_of(c, "metadata-flavor"), "Google");
    assert_strz(header_of(c, "server"), "Metadata Server for Serverless");
    return c;
}

static void each_path_answers_as_cloud_runs(void **state)
{
    static const struct {
        const char *path;
        int status;
        const char *body;
    } rows[] = {
        {"/", 200, "computeMetadata/\n"},
        {V1, 200, "instance/\nproject/\nuniverse/\n"},
        {V1 "project/project-id", 200, "demo"},
        {V1 "project/numeric-project-id", 200, "123456789012"},
        {V1 "project/?recursive=true", 200,
         "{\"numericProjectId\":123456789012,\"projectId\":\"demo\"}"},
        {V1 "instance/", 200, "id\nregion\nservice-accounts/\nzone\n"},
        {V1 "instance/id", 200, "00ff00ff"},
        {V1 "instance/region", 200, "projects/123456789012/regions/europe-west1"},
        {V1 "instance/zone", 200, "projects/123456789012/zones/europe-west1-1"},
        {ACCOUNT, 200, "default/\n" TESTER "/\n"},
        {ACCOUNT "default/", 200, "aliases\nemail\nidentity\nscopes\ntoken\n"},
        {ACCOUNT TESTER "/", 200, "aliases\nemail\nidentity\nscopes\ntoken\n"},
        {ACCOUNT "default/email", 200, TESTER},
        {ACCOUNT TESTER "/email", 200, TESTER},
        {ACCOUNT "tester%40demo.iam.gserviceaccount.com/email", 200, TESTER},
        {ACCOUNT "default/aliases", 200, "default\n"},
        {ACCOUNT "default/scopes", 200,
         "https://www.googleapis.com/auth/cloud-platform\n"
         "https://www.googleapis.com/auth/userinfo.email\nopenid\n"},
        {ACCOUNT "default/?recursive=true", 200,
         "{\"aliases\":[\"default\"],\"email\":\"" TESTER "\",\"scopes\":["
         "\"https://www.googleapis.com/auth/cloud-platform\","
         "\"https://www.googleapis.com/auth/userinfo.email\",\"openid\"]}"},
        {V1 "universe/universe-domain", 200, "googleapis.com"},
        // a wrong path is a bare 404, another account is a wrong path
        {V1 "nothing", 404, ""},
        {V1 "instance/name", 404, ""},
        {V1 "universe/", 404, ""},
        {"/token", 404, ""},
        {ACCOUNT STRANGER "/email", 404, ""},
        {ACCOUNT STRANGER "/token", 404, ""},
        {ACCOUNT "@/token", 404, ""},
        {ACCOUNT "default/nothing", 404, ""},
        {ACCOUNT "%zz/email", 404, ""},
        {V1 "instance/service-accounts/../id", 404, ""},
    };
    world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        call *c = get(w, arena_printf(&w->mem, "GET %s", rows[i].path).ptr);
        if (c->status != rows[i].status)
            fail_msg("%s: %d", rows[i].path, c->status);
        assert_strz(c->answer, rows[i].body);
    }
}

// The availability probe asks for "instance".
static void directories_without_a_slash_redirect(void **state)
{
    static const char *const rows[][2] = {
        {V1 "instance", V1 "instance/"},
        {"/computeMetadata/v1", V1},
        {ACCOUNT "default?recursive=true", ACCOUNT "default/?recursive=true"},
        {ACCOUNT TESTER, ACCOUNT TESTER "/"},
    };
    world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        call *c = get(w, arena_printf(&w->mem, "GET %s", rows[i][0]).ptr);
        assert_row(i, c->status == 301);
        assert_strz(header_of(c, "location"), rows[i][1]);
    }
}

static void T42_only_who_means_it_is_answered(void **state)
{
    static const struct {
        const char *request, *flavor;
        bool forwarded;
        int status;
    } rows[] = {
        {"GET " ACCOUNT "default/token", "Google", false, 200},
        {"GET " ACCOUNT "default/token", "google", false, 200},
        {"HEAD " ACCOUNT "default/email", "Google", false, 200},
        {"GET /", "", false, 200}, // a ping
        {"GET " ACCOUNT "default/token", "", false, 403},
        {"GET " ACCOUNT "default/token", "Amazon", false, 403},
        {"GET " ACCOUNT "default/token", "Google", true, 403},
        {"GET /", "Google", true, 403},
        {"POST " ACCOUNT "default/token", "Google", false, 405},
        {"OPTIONS " ACCOUNT "default/token", "Google", false, 405},
    };
    world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        call *c = call_new(w, rows[i].request);
        c->flavor = str_from(rows[i].flavor);
        c->forwarded = rows[i].forwarded;
        metadata_route(md, c);
        assert_row(i, c->status == rows[i].status);
        assert_strz(header_of(c, "metadata-flavor"), "Google");
        if (c->status != 200)
            assert_row(i, str_find(c->answer, STR("ya29.")) < 0);
    }
}

static void access_tokens_are_those_of_the_account(void **state)
{
    world *w = *state;
    call *c = get(w, "GET " ACCOUNT "default/token");
    assert_strz(header_of(c, "content-type"), "application/json");
    assert_int_equal(answer_json(w, c)->len, 3);
    assert_strz(answer_str(w, c, "token_type"), "Bearer");
    assert_int_equal(json_i64_or(json_get(answer_json(w, c), "expires_in"), 0), 3599);
    google_bearer b;
    assert_true(google_access_token_check(w->g, answer_str(w, c, "access_token"), &b));
    assert_strz(b.email, TESTER);
    c = get(w, "GET " ACCOUNT TESTER "/token?scopes=a,b");
    assert_true(google_access_token_check(w->g, answer_str(w, c, "access_token"), &b));
    assert_strz(b.scopes, "a b");
    const char *many = arena_printf(&w->mem, "GET " ACCOUNT "default/token?scopes=%05000d", 0).ptr;
    size_t before = w->g->access_tokens.len;
    call *refused = call_new(w, many);
    refused->flavor = STR("Google");
    metadata_route(md, refused);
    assert_int_equal(refused->status, 400);
    assert_int_equal(w->g->access_tokens.len, before); // each is kept: so is what clients put in
}

static void a_token_is_given_again_until_little_is_left(void **state)
{
    world *w = *state;
    str first = answer_str(w, get(w, "GET " ACCOUNT "default/token"), "access_token");
    str again = answer_str(w, get(w, "GET " ACCOUNT "default/token"), "access_token");
    assert_str(again, first);
    call *late = call_new(w, "GET " ACCOUNT "default/token");
    late->flavor = STR("Google");
    late->now_s += 3600 - 301;
    metadata_route(md, late);
    assert_str(answer_str(w, late, "access_token"), first);
    assert_in_range(json_i64_or(json_get(answer_json(w, late), "expires_in"), 0), 299, 301);
    call *last = call_new(w, "GET " ACCOUNT "default/token");
    last->flavor = STR("Google");
    last->now_s += 3600 - 298;
    metadata_route(md, last);
    assert_false(str_eq(answer_str(w, last, "access_token"), first));
    assert_int_equal(json_i64_or(json_get(answer_json(w, last), "expires_in"), 0), 3599);
}

static void identity(world *w, const char *query, const char *audience, bool full)
{
    call *c = get(w, arena_printf(&w->mem, "GET " ACCOUNT "default/identity?%s", query).ptr);
    assert_int_equal(c->status, 200);
    str aud = str_from(audience);
    jwt_expect x = {.issuer = GOOGLE_ISSUER,
                    .audiences = &aud,
                    .audience_count = 1,
                    .now_s = clock_wall_s(),
                    .leeway_s = 5};
    jwt t;
    err e = ERR_INIT;
    if (jwt_verify(c->answer, google_keys(w->g), &x, &w->mem, &t, &e))
        fail_msg("%s: %s", query, e.msg);
    assert_strz(json_get(t.claims, "email")->text, TESTER);
    assert_str(json_get(t.claims, "azp")->text, t.subject);
    const json *engine = json_get(json_get(t.claims, "google"), "compute_engine");
    assert_true((engine != NULL) == full);
    if (full)
        assert_strz(json_get(engine, "zone")->text, "projects/123456789012/zones/europe-west1-1");
}

static void identity_tokens_are_for_the_audience_as_written(void **state)
{
    world *w = *state;
    identity(w, "audience=https://orders.example", "https://orders.example", false);
    identity(w, "audience=https%3A%2F%2Forders.example&format=standard", "https://orders.example",
             false);
    identity(w, "format=full&licenses=TRUE&audience=https://orders.example/a?b=c+d",
             "https://orders.example/a?b=c+d", true);
    identity(w, "audience=32555940559.apps.googleusercontent.com",
             "32555940559.apps.googleusercontent.com", false);
}

static void identity_needs_an_audience(void **state)
{
    static const char *const rows[] = {"", "?audience=", "?format=full", "?audience=%zz",
                                       "?audience=a&format=short"};
    world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        call *c = get(w, arena_printf(&w->mem, "GET " ACCOUNT "default/identity%s", rows[i]).ptr);
        assert_row(i, c->status == 400);
        assert_row(i, c->answer.len > 0);
    }
}

static void who_it_stands_for_must_be_a_service_account(void **state)
{
    world *w = *state;
    google_metadata *other = NULL;
    err e = ERR_INIT;
    google_metadata_options o = {.account = STR(JANE)};
    assert_code(google_metadata_new(w->g, &o, &other, &e), GOOGLE_ACCOUNT);
    o.account = STR("nobody@demo.iam.gserviceaccount.com");
    assert_code(google_metadata_new(w->g, &o, &other, &e), GOOGLE_ACCOUNT);
    assert_non_null(strstr(e.msg, "nobody@demo"));
    o.account = STR_NONE;
    assert_code(google_metadata_new(w->g, &o, &other, &e), OK);
    call *c = call_new(w, "GET " ACCOUNT "default/email");
    c->flavor = STR("Google");
    metadata_route(other, c);
    assert_strz(c->answer, "123456789012-compute@developer.gserviceaccount.com");
    google_metadata_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(each_path_answers_as_cloud_runs),
        CASE(directories_without_a_slash_redirect),
        CASE(T42_only_who_means_it_is_answered),
        CASE(access_tokens_are_those_of_the_account),
        CASE(a_token_is_given_again_until_little_is_left),
        CASE(identity_tokens_are_for_the_audience_as_written),
        CASE(identity_needs_an_audience),
        CASE(who_it_stands_for_must_be_a_service_account),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
