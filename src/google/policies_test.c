// SPDX-License-Identifier: Apache-2.0
// Policies of accounts and services, accounts that come and go, and tokens that are revoked.
#include "google/google_test.h"

#define ACCOUNTS "/v1/projects/demo/serviceAccounts"
#define OF_TESTER ACCOUNTS "/" TESTER
#define MINT_TESTER "POST /v1/projects/-/serviceAccounts/" TESTER ":generateIdToken"
#define MINT_BODY "{\"audience\":\"https://a.example\"}"
#define SERVICE "/v2/projects/demo/locations/europe-west1/services/orders"
#define GRANT(role, member) "{\"bindings\":[{\"role\":\"" role "\",\"members\":[\"" member "\"]}]}"

static policy *told; // of the service "orders", which nobody may call at first

static void on_policy(void *ctx, policy *p)
{
    policy_unref(*(policy **)ctx);
    *(policy **)ctx = policy_ref(p);
}

static void add_service(world *w)
{
    policy *own, *all;
    const google_service s = {.name = STR("orders"), .on_policy = on_policy, .ctx = &told};
    assert_code(google_add_service(w->g, &s, &own, &all, NULL), OK);
    on_policy(&told, all);
}

static int open_admin(void **state)
{
    static const str roles[] = {{"roles/iam.serviceAccountAdmin", 29}, {"roles/run.admin", 15}};
    make_world(state);
    world *w = *state;
    w->accounts[2].roles = roles;
    w->accounts[2].role_count = 2;
    open_google(w);
    add_service(w);
    return 0;
}

static int close_admin(void **state)
{
    policy_unref(told);
    told = NULL;
    return tear_down(state);
}

static void restart(world *w)
{
    reopen_google(w);
    add_service(w);
}

static str set_body(world *w, const char *policy_text)
{
    return arena_printf(&w->mem, "{\"policy\":%s}", policy_text);
}

static call *set_policy(world *w, const char *path, const char *who, const char *policy_text)
{
    const char *request = arena_printf(&w->mem, "POST %s:setIamPolicy", path).ptr;
    return api_call(w, request, who, set_body(w, policy_text).ptr);
}

// ---- policies of accounts

static void a_policy_of_an_account_lets_others_use_it(void **state)
{
    world *w = *state;
    assert_int_equal(api_call(w, MINT_TESTER, STRANGER, MINT_BODY)->status, 403);
    call *c = set_policy(w, OF_TESTER, ADMIN,
                         GRANT("roles/iam.serviceAccountTokenCreator", "serviceAccount:" STRANGER));
    assert_int_equal(c->status, 200);
    assert_true(json_get(answer_json(w, c), "bindings")->len == 1);
    trail t = trail_of(w);
    assert_strz(t.method, "google.iam.admin.v1.SetIAMPolicy");
    assert_strz(t.permission, "iam.serviceAccounts.setIamPolicy");
    assert_true(str_find(t.text, STR("%2Factivity")) >= 0);
    assert_int_equal(api_call(w, MINT_TESTER, STRANGER, MINT_BODY)->status, 200);
    restart(w);
    assert_int_equal(api_call(w, MINT_TESTER, STRANGER, MINT_BODY)->status, 200);
    assert_int_equal(set_policy(w, OF_TESTER, ADMIN, "{}")->status, 200);
    assert_int_equal(api_call(w, MINT_TESTER, STRANGER, MINT_BODY)->status, 403);
}

static void what_is_declared_anew_replaces_what_was_set(void **state)
{
    world *w = *state;
    json *declared;
    assert_code(json_parse(&w->mem,
                           STR(GRANT("roles/iam.serviceAccountTokenCreator", "user:" JANE)), NULL,
                           &declared, NULL),
                OK);
    set_policy(w, OF_TESTER, ADMIN,
               GRANT("roles/iam.serviceAccountTokenCreator", "serviceAccount:" STRANGER));
    w->accounts[0].policy = declared;
    restart(w);
    assert_int_equal(api_call(w, MINT_TESTER, STRANGER, MINT_BODY)->status, 403);
    assert_int_equal(api_call(w, MINT_TESTER, JANE, MINT_BODY)->status, 200);
}

static void a_stale_etag_is_aborted(void **state)
{
    world *w = *state;
    call *c = api_call(w, "POST " OF_TESTER ":getIamPolicy", ADMIN, "{}");
    assert_int_equal(c->status, 200);
    assert_strz(answer_str(w, c, "etag"), "ACAB");
    c = set_policy(w, OF_TESTER, ADMIN,
                   "{\"etag\":\"ACAB\",\"bindings\":[{\"role\":\"roles/iam.serviceAccountUser\","
                   "\"members\":[\"user:" JANE "\"]}]}");
    assert_int_equal(c->status, 200);
    str etag = answer_str(w, c, "etag");
    assert_true(etag.len > 4);
    c = set_policy(w, OF_TESTER, ADMIN, "{\"etag\":\"ACAB\",\"bindings\":[]}");
    assert_int_equal(c->status, 409);
    assert_strz(error_status(w, c), "ABORTED");
    assert_true(str_starts(error_message(w, c), STR("There were concurrent policy changes.")));
    c = set_policy(
        w, OF_TESTER, ADMIN,
        arena_printf(&w->mem, "{\"etag\":\"" STR_FMT "\",\"bindings\":[]}", STR_ARG(etag)).ptr);
    assert_int_equal(c->status, 200);
    assert_strz(answer_str(w, c, "etag"), "ACAB");
}

static void a_malformed_policy_changes_nothing(void **state)
{
    static const char *const bodies[] = {
        "{}",
        "{\"policy\":5}",
        "{\"policy\":{\"bindings\":[{\"role\":\"roles/x\"}]}}",
        "{\"policy\":" GRANT("roles/run.invoker", "jane@example.com") "}",
        "{\"policy\":{\"bindings\":[{\"role\":\"roles/run.invoker\",\"members\":[\"user:" JANE
        "\"],\"condition\":{\"title\":\"t\",\"expression\":\"request.pth == ''\"}}]}}",
    };
    world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        call *c = api_call(w, "POST " OF_TESTER ":setIamPolicy", ADMIN, bodies[i]);
        assert_int_equal(c->status, 400);
        assert_strz(error_status(w, c), "INVALID_ARGUMENT");
    }
    call *c = api_call(w, "POST " OF_TESTER ":getIamPolicy", ADMIN, "");
    assert_null(json_get(answer_json(w, c), "bindings"));
}

static void each_method_asks_for_its_permission(void **state)
{
    static const struct {
        const char *request, *permission;
    } rows[] = {
        {"POST " OF_TESTER ":getIamPolicy", "iam.serviceAccounts.getIamPolicy"},
        {"POST " OF_TESTER ":setIamPolicy", "iam.serviceAccounts.setIamPolicy"},
        {"GET " SERVICE ":getIamPolicy", "run.services.getIamPolicy"},
        {"POST " SERVICE ":setIamPolicy", "run.services.setIamPolicy"},
        {"POST " ACCOUNTS, "iam.serviceAccounts.create"},
        {"DELETE " OF_TESTER, "iam.serviceAccounts.delete"},
        {"POST " OF_TESTER ":disable", "iam.serviceAccounts.disable"},
        {"POST " OF_TESTER ":enable", "iam.serviceAccounts.enable"},
    };
    world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        call *c = api_call(w, rows[i].request, STRANGER, "{\"policy\":{}}");
        assert_int_equal(c->status, 403);
        trail t = trail_of(w);
        assert_false(t.granted);
        assert_strz(t.permission, rows[i].permission);
    }
}

// Who may grant some roles only: the commonest condition of administrators.
static void a_condition_limits_what_may_be_granted(void **state)
{
    world *w = *state;
    assert_int_equal(
        set_policy(w, SERVICE, ADMIN,
                   "{\"version\":3,\"bindings\":[{\"role\":\"roles/run.admin\",\"members\":["
                   "\"serviceAccount:" STRANGER "\"],\"condition\":{\"title\":\"invokers only\","
                   "\"expression\":\"api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', "
                   "[]).hasOnly(['roles/run.invoker'])\"}}]}")
            ->status,
        200);
    const json *mine = answer_json(w, api_call(w, "GET " SERVICE ":getIamPolicy", ADMIN, ""));
    char *binding = json_text(json_at(json_get(mine, "bindings"), 0), JSON_COMPACT);
    static const struct {
        const char *role;
        int status;
    } rows[] = {{"roles/run.viewer", 403}, {"roles/run.invoker", 200}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        str text = arena_printf(&w->mem,
                                "{\"version\":3,\"bindings\":[%s,{\"role\":\"%s\",\"members\":["
                                "\"user:" JANE "\"]}]}",
                                binding, rows[i].role);
        assert_row(i, set_policy(w, SERVICE, STRANGER, text.ptr)->status == rows[i].status);
    }
    free(binding);
}

static void permissions_can_be_tested_by_anybody(void **state)
{
    static const struct {
        const char *path, *who, *wanted, *got;
    } rows[] = {
        {OF_TESTER, ADMIN, "[\"iam.serviceAccounts.get\",\"iam.serviceAccounts.actAs\"]",
         "[\"iam.serviceAccounts.get\"]"},
        {OF_TESTER, STRANGER, "[\"iam.serviceAccounts.get\"]", NULL},
        {SERVICE, ADMIN, "[\"run.routes.invoke\",\"run.services.setIamPolicy\"]",
         "[\"run.routes.invoke\",\"run.services.setIamPolicy\"]"},
        {SERVICE, TESTER, "[\"run.services.get\",\"run.routes.invoke\"]",
         "[\"run.routes.invoke\"]"},
    };
    world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        call *c = api_call(w, arena_printf(&w->mem, "POST %s:testIamPermissions", rows[i].path).ptr,
                           rows[i].who,
                           arena_printf(&w->mem, "{\"permissions\":%s}", rows[i].wanted).ptr);
        assert_int_equal(c->status, 200);
        const json *got = json_get(answer_json(w, c), "permissions");
        char *text = got ? json_text(got, JSON_COMPACT) : NULL;
        assert_row(i, rows[i].got ? text && !strcmp(text, rows[i].got) : !text);
        free(text);
    }
    assert_true(trail_of(w).granted);
}

// ---- services

static void a_services_policy_is_told_to_who_serves_it(void **state)
{
    world *w = *state;
    const principal jane = {.kind = PRINCIPAL_USER, .email = STR("joe@example.com")};
    const policy_query q = {.who = &jane, .permission = PERMISSION_INVOKE};
    static const char *const versions[] = {"/v1", "/v2"};
    assert_false(policy_allows(told, &q));
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        const char *path =
            arena_printf(&w->mem, "%s/projects/demo/locations/europe-west1/services/orders",
                         versions[i])
                .ptr;
        assert_int_equal(
            set_policy(w, path, ADMIN, GRANT("roles/run.invoker", "user:joe@example.com"))->status,
            200);
        assert_true(policy_allows(told, &q));
        assert_int_equal(set_policy(w, path, ADMIN, "{}")->status, 200);
        assert_false(policy_allows(told, &q));
    }
    set_policy(w, SERVICE, ADMIN, GRANT("roles/run.invoker", "user:joe@example.com"));
    trail t = trail_of(w);
    assert_strz(t.method, "google.cloud.run.v2.Services.SetIamPolicy");
    assert_true(str_find(t.text, STR("projects/demo/locations/europe-west1/services/orders")) >= 0);
    restart(w);
    assert_true(policy_allows(told, &q));
}

static void what_is_not_there_is_not_found(void **state)
{
    static const char *const requests[] = {
        "POST /v2/projects/demo/locations/europe-west1/services/none:setIamPolicy",
        "POST /v2/projects/demo/locations/us-east1/services/orders:setIamPolicy",
        "POST /v2/projects/other/locations/europe-west1/services/orders:setIamPolicy",
        "POST " ACCOUNTS "/none@demo.iam.gserviceaccount.com:setIamPolicy",
        "GET " SERVICE,
        "POST " SERVICE ":generateIdToken",
        "DELETE " SERVICE ":setIamPolicy",
        "POST /v2/projects/demo/serviceAccounts/" TESTER ":getIamPolicy",
    };
    world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(requests); i++)
        assert_row(i, api_call(w, requests[i], ADMIN, "{\"policy\":{}}")->status == 404);
}

// ---- accounts

#define MADE "maker-1@demo.iam.gserviceaccount.com"
#define MAKE                                                                                       \
    "{\"accountId\":\"maker-1\",\"serviceAccount\":{\"displayName\":\"Maker\",\"description\":"    \
    "\"makes\"}}"

static void an_account_is_made_used_and_deleted(void **state)
{
    world *w = *state;
    call *c = api_call(w, "POST " ACCOUNTS, ADMIN, MAKE);
    assert_int_equal(c->status, 200);
    assert_strz(answer_str(w, c, "email"), MADE);
    assert_strz(answer_str(w, c, "displayName"), "Maker");
    str id = answer_str(w, c, "uniqueId");
    assert_int_equal(id.len, 21);
    assert_strz(trail_of(w).method, "google.iam.admin.v1.CreateServiceAccount");
    assert_int_equal(api_call(w, "POST " ACCOUNTS, ADMIN, MAKE)->status, 409);
    restart(w);
    c = api_call(w, "GET " ACCOUNTS "/" MADE, ADMIN, "");
    assert_str(answer_str(w, c, "uniqueId"), id);
    assert_strz(answer_str(w, c, "description"), "makes");
    // A token of its own ends with it.
    str token = bearer_of(w, MADE);
    assert_int_equal(api_call(w, "DELETE " ACCOUNTS "/" MADE, ADMIN, "")->status, 200);
    google_bearer b;
    assert_false(google_access_token_check(w->g, str_skip(token, 7), &b));
    assert_int_equal(api_call(w, "GET " ACCOUNTS "/" MADE, ADMIN, "")->status, 404);
    restart(w);
    assert_null(account_find(w->g, STR(MADE)));
    // Made again it is another one.
    c = api_call(w, "POST " ACCOUNTS, ADMIN, MAKE);
    assert_false(str_eq(answer_str(w, c, "uniqueId"), id));
}

static void a_wrong_account_is_not_made(void **state)
{
    static const char *const bodies[] = {
        "{}",
        "{\"accountId\":\"short\"}",
        "{\"accountId\":\"Upper-case\"}",
        "{\"accountId\":\"ends-with-\"}",
        "{\"accountId\":\"1-is-first\"}",
        "{\"accountId\":\"a.dot.in.it\"}",
        "{\"accountId\":\"thirty-one-characters-are-too-m\"}",
    };
    world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
        assert_row(i, api_call(w, "POST " ACCOUNTS, ADMIN, bodies[i])->status == 400);
}

static void a_declared_account_stays(void **state)
{
    world *w = *state;
    call *c = api_call(w, "DELETE " OF_TESTER, ADMIN, "");
    assert_int_equal(c->status, 400);
    assert_strz(error_status(w, c), "FAILED_PRECONDITION");
    assert_non_null(account_find(w->g, STR(TESTER)));
}

static void a_disabled_account_is_good_for_nothing(void **state)
{
    world *w = *state;
    str token = str_skip(bearer_of(w, TESTER), 7);
    google_bearer b;
    buf out;
    buf_init(&out, 8192);
    assert_true(google_access_token_check(w->g, token, &b));
    assert_int_equal(api_call(w, "POST " OF_TESTER ":disable", ADMIN, "{}")->status, 200);
    assert_strz(trail_of(w).method, "google.iam.admin.v1.DisableServiceAccount");
    for (int i = 0; i < 2; i++) {
        assert_false(google_access_token_check(w->g, token, &b));
        assert_code(google_mint_id_token(w->g, STR(TESTER), STR("a"), &out, NULL), GOOGLE_ACCOUNT);
        call *c = api_call(w, "GET " OF_TESTER, ADMIN, "");
        assert_true(json_bool_or(json_get(answer_json(w, c), "disabled"), false));
        restart(w);
    }
    set_policy(w, OF_TESTER, ADMIN,
               GRANT("roles/iam.serviceAccountTokenCreator", "serviceAccount:" STRANGER));
    call *c = api_call(w, MINT_TESTER, STRANGER, MINT_BODY);
    assert_int_equal(c->status, 400);
    assert_strz(error_message(w, c), "Service account " TESTER " is disabled.");
    assert_int_equal(api_call(w, "POST " OF_TESTER ":enable", ADMIN, "")->status, 200);
    assert_true(google_access_token_check(w->g, token, &b));
    assert_int_equal(api_call(w, MINT_TESTER, STRANGER, MINT_BODY)->status, 200);
    buf_deinit(&out);
}

static void a_directory_is_told_of_accounts(void **state)
{
    world *w = *state;
    directory *d = directory_new();
    google_tell(w->g, d);
    call *c = api_call(w, "POST " ACCOUNTS, ADMIN, MAKE);
    principal p = {.kind = PRINCIPAL_SERVICE_ACCOUNT, .subject = answer_str(w, c, "uniqueId")};
    directory_fill(d, &p, &w->mem);
    assert_strz(p.email, MADE);
    api_call(w, "DELETE " ACCOUNTS "/" MADE, ADMIN, "");
    p.email = STR_NONE;
    directory_fill(d, &p, &w->mem);
    assert_int_equal(p.email.len, 0);
    google_free(w->g); // before what it told
    directory_free(d);
    open_google(w);
}

// ---- revocation

static call *revoke_token(world *w, str token, bool in_query)
{
    str field = arena_printf(&w->mem, "token=" STR_FMT, STR_ARG(token));
    call *c =
        call_new(w, in_query ? arena_printf(&w->mem, "POST /revoke?" STR_FMT, STR_ARG(field)).ptr
                             : "POST /revoke");
    if (!in_query) {
        c->body = field;
        c->content_type = STR("application/x-www-form-urlencoded");
    }
    return ask(w, c);
}

static void a_revoked_access_token_ends(void **state)
{
    world *w = *state;
    google_bearer b;
    for (int in_query = 0; in_query < 2; in_query++) {
        str token = str_skip(bearer_of(w, TESTER), 7), other = str_skip(bearer_of(w, TESTER), 7);
        assert_int_equal(revoke_token(w, token, in_query)->status, 200);
        assert_false(google_access_token_check(w->g, token, &b));
        assert_true(google_access_token_check(w->g, other, &b));
        trail t = trail_of(w);
        assert_strz(t.method, "google.identity.oauth2.OAuth2Service.RevokeToken");
        assert_strz(t.principal, TESTER);
        assert_int_equal(str_find(t.text, token), -1);
        call *c = revoke_token(w, token, in_query);
        assert_int_equal(c->status, 400);
        assert_strz(answer_str(w, c, "error"), "invalid_token");
    }
    assert_int_equal(revoke_token(w, STR(""), false)->status, 400);
    assert_int_equal(ask(w, call_new(w, "GET /revoke?token=x"))->status, 405);
}

static void a_revoked_refresh_token_ends_with_its_access_tokens(void **state)
{
    world *w = *state;
    json *file;
    google_bearer b;
    listen_at(w, BASE);
    assert_code(json_load(&w->mem, in_dir(w, "jane.json"), NULL, &file, NULL), OK);
    str refresh = json_get(file, "refresh_token")->text;
    str access = str_skip(bearer_of(w, JANE), 7);
    assert_int_equal(revoke_token(w, refresh, false)->status, 200);
    for (int i = 0; i < 2; i++) {
        assert_false(google_access_token_check(w->g, access, &b));
        assert_null(refresh_token_find(w->g, refresh));
        restart(w);
    }
}

#undef CASE
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_admin, close_admin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_policy_of_an_account_lets_others_use_it),
        CASE(what_is_declared_anew_replaces_what_was_set),
        CASE(a_stale_etag_is_aborted),
        CASE(a_malformed_policy_changes_nothing),
        CASE(each_method_asks_for_its_permission),
        CASE(a_condition_limits_what_may_be_granted),
        CASE(permissions_can_be_tested_by_anybody),
        CASE(a_services_policy_is_told_to_who_serves_it),
        CASE(what_is_not_there_is_not_found),
        CASE(an_account_is_made_used_and_deleted),
        CASE(a_wrong_account_is_not_made),
        CASE(a_declared_account_stays),
        CASE(a_disabled_account_is_good_for_nothing),
        CASE(a_directory_is_told_of_accounts),
        CASE(a_revoked_access_token_ends),
        CASE(a_revoked_refresh_token_ends_with_its_access_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
