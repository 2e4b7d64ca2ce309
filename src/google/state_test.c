// SPDX-License-Identifier: Apache-2.0
#include "google/google_test.h"

static str mint(world *w, const char *email, const char *scopes)
{
    buf out;
    int64_t expires_s = 0;
    buf_init(&out, 4096);
    google_grant x = {.email = str_from(email), .scopes = str_from(scopes)};
    assert_code(google_mint_access_token(w->g, &x, &out, &expires_s, NULL), OK);
    assert_in_range(expires_s, clock_wall_s() + 3590, clock_wall_s() + 3600);
    str s = arena_str(&w->mem, buf_str(&out));
    buf_deinit(&out);
    return s;
}

static void state_outlives_a_restart(void **state)
{
    world *w = *state;
    str kid = arena_str(&w->mem, jwk_kid(w->g->signer));
    str id = arena_str(&w->mem, account_find(w->g, STR(TESTER))->unique_id);
    str token = mint(w, TESTER, "a b");
    assert_int_equal(id.len, UNIQUE_ID_LEN);
    reopen_google(w);
    assert_str(jwk_kid(jwk_set_at(google_keys(w->g), 0)), kid);
    assert_str(account_find(w->g, STR(TESTER))->unique_id, id);
    const access_token *t = access_token_find(w->g, token, clock_wall_s());
    assert_non_null(t);
    assert_strz(t->scopes, "a b");
    assert_strz(t->who->email, TESTER);
}

static void only_hashes_of_tokens_are_on_disk(void **state)
{
    world *w = *state;
    buf refresh, client_secret;
    buf_init(&refresh, 256);
    buf_init(&client_secret, 256);
    str token = mint(w, TESTER, "a");
    refresh_token_new(w->g, account_find(w->g, STR(JANE)), STR("client"), STR("openid"), &refresh,
                      &client_secret);
    google_free(w->g);
    w->g = NULL;
    struct stat st;
    assert_int_equal(stat(w->options.state, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    str text;
    assert_code(file_read(&w->mem, w->options.state, 8 << 20, &text, NULL), OK);
    assert_true(str_find(text, STR(TESTER)) > 0);
    assert_true(str_find(text, token) < 0);
    assert_true(str_find(text, buf_str(&refresh)) < 0);
    assert_true(str_find(text, buf_str(&client_secret)) < 0);
    buf_deinit(&refresh);
    buf_deinit(&client_secret);
}

static void an_undeclared_account_does_not_exist(void **state)
{
    world *w = *state;
    str id = arena_str(&w->mem, account_find(w->g, STR(JANE))->unique_id);
    str token = mint(w, JANE, "a");
    w->options.account_count = 3;
    reopen_google(w);
    assert_null(account_find(w->g, STR(JANE)));
    assert_null(account_find(w->g, id));
    assert_null(access_token_find(w->g, token, clock_wall_s()));
    w->options.account_count = 4;
    reopen_google(w);
    assert_str(account_find(w->g, STR(JANE))->unique_id, id);
}

static void accounts_are_found_by_any_name(void **state)
{
    world *w = *state;
    account *a = account_find(w->g, STR("Tester@Demo.iam.gserviceaccount.com"));
    assert_non_null(a);
    assert_ptr_equal(account_find(w->g, a->unique_id), a);
    assert_non_null(account_find(w->g, google_default_account(w->g)));
    assert_strz(google_default_account(w->g), "123456789012-compute@developer.gserviceaccount.com");
    assert_null(account_find(w->g, STR("nobody@demo.iam.gserviceaccount.com")));
}

static void wrong_declarations_are_refused(void **state)
{
    static const struct {
        const char *email, *role, *says;
        code code;
    } rows[] = {
        {"tester", NULL, "\"tester\" isn't an e-mail address", GOOGLE_ACCOUNT},
        {"a@b@demo.iam.gserviceaccount.com", NULL, "isn't an e-mail address", GOOGLE_ACCOUNT},
        {"TESTER@demo.iam.gserviceaccount.com", NULL, "declared twice", GOOGLE_ACCOUNT},
        {"x@demo.iam.gserviceaccount.com", "", "the roles of the accounts", POLICY_INVALID},
    };
    world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        str role = str_from(rows[i].role);
        err e = ERR_INIT;
        w->accounts[1] =
            (google_account){str_from(rows[i].email), &role, rows[i].role != NULL, NULL, NULL};
        code c = google_new(w->loop, &w->options, &w->g, &e);
        assert_row(i, c == rows[i].code);
        assert_row(i, strstr(e.msg, rows[i].says) != NULL);
    }
    w->g = NULL;
}

static void roles_become_the_projects_policy(void **state)
{
    static const struct {
        const char *member, *permission;
        bool allowed;
    } rows[] = {
        {"serviceAccount:" TESTER, "run.routes.invoke", true},
        {"user:" JANE, "run.routes.invoke", true},
        {"serviceAccount:" STRANGER, "run.routes.invoke", false},
        {"serviceAccount:" ADMIN, "run.routes.invoke", false},
        {"serviceAccount:" ADMIN, "iam.serviceAccountKeys.create", true},
        {"serviceAccount:" ADMIN, "iam.serviceAccounts.getAccessToken", true},
        {"serviceAccount:" TESTER, "iam.serviceAccounts.getAccessToken", false},
    };
    world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        principal who;
        assert_code(principal_parse(str_from(rows[i].member), &w->mem, &who, NULL), OK);
        policy_query q = {.who = &who,
                          .authenticated = true,
                          .permission = str_from(rows[i].permission),
                          .resource = STR("projects/demo")};
        assert_row(i, policy_allows(w->g->policy, &q) == rows[i].allowed);
    }
}

static void access_tokens_have_a_limit(void **state)
{
    world *w = *state;
    str first = mint(w, TESTER, "a"), second = mint(w, TESTER, "a");
    for (int i = 2; i < GOOGLE_TOKENS_MAX; i++)
        mint(w, TESTER, "a");
    assert_non_null(access_token_find(w->g, first, clock_wall_s()));
    str last = mint(w, TESTER, "a");
    assert_null(access_token_find(w->g, first, clock_wall_s()));
    assert_non_null(access_token_find(w->g, second, clock_wall_s()));
    assert_non_null(access_token_find(w->g, last, clock_wall_s()));
    clock_shift(3601 * 1000);
    mint(w, TESTER, "a");
    clock_shift(-3601 * 1000);
    assert_int_equal(w->g->access_tokens.len, 1); // the expired ones made room
}

static void expired_access_tokens_are_refused(void **state)
{
    world *w = *state;
    str token = mint(w, TESTER, "a");
    int64_t expires_s = access_token_find(w->g, token, clock_wall_s())->expires_s;
    assert_non_null(access_token_find(w->g, token, expires_s - 1));
    assert_null(access_token_find(w->g, token, expires_s));
    assert_null(access_token_find(w->g, STR("ya29.c.nothing"), clock_wall_s()));
    assert_null(access_token_find(w->g, STR_NONE, clock_wall_s()));
}

typedef struct written written;
struct written {
    bool done;
    code code;
};
static void on_written(void *ctx, const err *e)
{
    *(written *)ctx = (written){true, e ? e->code : OK};
}

static void the_journal_tells_when_it_has_written(void **state)
{
    world *w = *state;
    written good = {0}, bad = {0}, after = {0};
    mint(w, TESTER, "a");
    journal_wait(w->g->journal, on_written, &good);
    assert_false(good.done); // never inside the call
    assert_true(loop_run_until(w->loop, &good.done, TEST_WAIT_MS));
    assert_int_equal(good.code, OK);
    journal_add(w->g->journal, "insert into account (email, unique_id) values (?, ?)",
                STORE_ARGS(store_text(STR(TESTER)), store_text(STR("1"))));
    journal_wait(w->g->journal, on_written, &bad);
    assert_true(loop_run_until(w->loop, &bad.done, TEST_WAIT_MS));
    assert_int_equal(bad.code, STORE_CONFLICT);
    journal_wait(w->g->journal, on_written, &after);
    assert_true(loop_run_until(w->loop, &after.done, TEST_WAIT_MS));
    assert_int_equal(after.code, OK);
}

static void nothing_is_lost_when_it_stops_amid_a_write(void **state)
{
    world *w = *state;
    written first = {0};
    str tokens[20];
    for (size_t i = 0; i < 10; i++)
        tokens[i] = mint(w, TESTER, "a");
    journal_wait(w->g->journal, on_written, &first);
    bool never = false;
    loop_run_until(w->loop, &never, 1); // the batch is with the work pool, or back already
    for (size_t i = 10; i < 20; i++)
        tokens[i] = mint(w, TESTER, "a");
    reopen_google(w);
    for (size_t i = 0; i < 20; i++)
        assert_row(i, access_token_find(w->g, tokens[i], clock_wall_s()));
}

static void id_tokens_carry_googles_claims(void **state)
{
    world *w = *state;
    buf out;
    buf_init(&out, 8192);
    assert_code(google_mint_id_token(w->g, STR(TESTER), STR("https://orders.example"), &out, NULL),
                OK);
    const str audience = STR("https://orders.example");
    jwt_expect x = {.issuer = GOOGLE_ISSUER,
                    .audiences = &audience,
                    .audience_count = 1,
                    .now_s = clock_wall_s(),
                    .leeway_s = 5,
                    .lifetime_max_s = 3600};
    jwt t;
    assert_code(jwt_verify(buf_str(&out), google_keys(w->g), &x, &w->mem, &t, NULL), OK);
    str id = account_find(w->g, STR(TESTER))->unique_id;
    assert_str(t.subject, id);
    assert_str(json_get(t.claims, "azp")->text, id);
    assert_strz(json_get(t.claims, "email")->text, TESTER);
    assert_true(json_bool_or(json_get(t.claims, "email_verified"), false));
    assert_int_equal(t.expiry_s - t.issued_at_s, 3600);
    buf_deinit(&out);
    assert_code(google_mint_id_token(w->g, STR("no@body"), audience, &out, NULL), GOOGLE_ACCOUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(state_outlives_a_restart),
        CASE(only_hashes_of_tokens_are_on_disk),
        CASE(an_undeclared_account_does_not_exist),
        CASE(accounts_are_found_by_any_name),
        BARE_CASE(wrong_declarations_are_refused),
        CASE(roles_become_the_projects_policy),
        CASE(access_tokens_have_a_limit),
        CASE(expired_access_tokens_are_refused),
        CASE(the_journal_tells_when_it_has_written),
        CASE(nothing_is_lost_when_it_stops_amid_a_write),
        CASE(id_tokens_carry_googles_claims),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
