// SPDX-License-Identifier: Apache-2.0
// The credential files that are kept for declared accounts.
#include "google/google_test.h"

static json *file_of(world *w, const char *name)
{
    json *root;
    err e = ERR_INIT;
    if (json_load(&w->mem, in_dir(w, name), NULL, &root, &e))
        fail_msg("%s", e.msg);
    return root;
}

static str text_of(world *w, const char *name)
{
    str text;
    assert_code(file_read(&w->mem, in_dir(w, name), 1 << 20, &text, NULL), OK);
    return text;
}

static str field(const json *file, const char *name)
{
    return json_str_or(json_get(file, name), STR_NONE);
}

static void write_text(world *w, const char *name, str text)
{
    FILE *f = fopen(in_dir(w, name), "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text.ptr, 1, text.len, f), text.len);
    assert_int_equal(fclose(f), 0);
}

static void a_missing_file_is_made_as_google_makes_it(void **state)
{
    static const char *const names[] = {"type",
                                        "project_id",
                                        "private_key_id",
                                        "private_key",
                                        "client_email",
                                        "client_id",
                                        "auth_uri",
                                        "token_uri",
                                        "auth_provider_x509_cert_url",
                                        "client_x509_cert_url",
                                        "universe_domain"};
    world *w = *state;
    struct stat st;
    listen_at(w, BASE);
    const json *file = file_of(w, "tester.json");
    assert_int_equal(file->len, ARRAY_LEN(names));
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_row(i, field(file, names[i]).len > 0);
    account *a = account_find(w->g, STR(TESTER));
    assert_strz(field(file, "token_uri"), BASE "/token");
    assert_str(field(file, "client_id"), a->unique_id);
    assert_int_equal(stat(in_dir(w, "tester.json"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    jwk *k = key_in(w, "tester.json");
    assert_str(jwk_thumbprint(k), jwk_thumbprint(a->keys.ptr[0]->key));
    jwk_unref(k);
}

static void a_persons_file_is_an_authorized_user(void **state)
{
    world *w = *state;
    struct stat st;
    listen_at(w, BASE);
    const json *file = file_of(w, "jane.json");
    assert_strz(field(file, "type"), "authorized_user");
    assert_strz(field(file, "account"), JANE);
    assert_true(str_starts(field(file, "refresh_token"), STR("1//0")));
    assert_int_equal(stat(in_dir(w, "jane.json"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_non_null(refresh_token_find(w->g, field(file, "refresh_token")));
}

// A port that changes with each start must not make every key file a new one.
static void a_good_key_stays_and_its_addresses_follow(void **state)
{
    world *w = *state;
    listen_at(w, BASE);
    const json *first = file_of(w, "tester.json"), *jane = file_of(w, "jane.json");
    reopen_google(w);
    listen_at(w, "http://127.0.0.1:4001");
    const json *second = file_of(w, "tester.json"), *jane_again = file_of(w, "jane.json");
    assert_str(field(second, "private_key_id"), field(first, "private_key_id"));
    assert_str(field(second, "private_key"), field(first, "private_key"));
    assert_strz(field(second, "token_uri"), "http://127.0.0.1:4001/token");
    assert_str(field(jane_again, "refresh_token"), field(jane, "refresh_token"));
    assert_str(field(jane_again, "client_secret"), field(jane, "client_secret"));
    assert_int_equal(account_find(w->g, STR(TESTER))->keys.len, 1);
}

static void a_local_key_that_is_of_no_use_is_replaced(void **state)
{
    world *w = *state;
    listen_at(w, BASE);
    str lost = field(file_of(w, "tester.json"), "private_key_id");
    // its state was removed
    google_free(w->g);
    assert_int_equal(unlink(w->options.state), 0);
    open_google(w);
    listen_at(w, BASE);
    str fresh = field(file_of(w, "tester.json"), "private_key_id");
    assert_false(str_eq(fresh, lost));
    account *a = account_find(w->g, STR(TESTER));
    assert_non_null(account_key_find(a, fresh));
    assert_null(account_key_find(a, lost));
    // it was disabled
    account_key_set_disabled(w->g, a->keys.ptr[0], true);
    listen_at(w, BASE);
    assert_false(str_eq(field(file_of(w, "tester.json"), "private_key_id"), fresh));
    assert_int_equal(a->keys.len, 2);
}

static void lost_files_do_not_fill_the_account(void **state)
{
    world *w = *state;
    account *a = account_find(w->g, STR(TESTER));
    for (int i = 0; i < GOOGLE_KEYS_MAX; i++) {
        account_key *k;
        char id[KEY_ID_LEN];
        buf cert;
        buf_init(&cert, 16 << 10);
        random_hex(sizeof(id), id);
        assert_code(jwk_write_cert_pem(w->g->signer, STR("x"), 0, NEVER_S, &cert, NULL), OK);
        assert_code(account_key_new((str){id, sizeof(id)}, buf_str(&cert), &k, NULL), OK);
        account_key_add(w->g, a, k);
        buf_deinit(&cert);
    }
    str oldest = arena_str(&w->mem, a->keys.ptr[0]->id);
    listen_at(w, BASE);
    assert_int_equal(a->keys.len, GOOGLE_KEYS_MAX);
    assert_null(account_key_find(a, oldest));
    assert_non_null(account_key_find(a, field(file_of(w, "tester.json"), "private_key_id")));
}

// What may be a real credential, or anything of the person's, is never touched.
static void another_file_is_left_alone(void **state)
{
    static const char *const rows[] = {
        "notes",
        "[]",
        "{}",
        "{\"type\":\"service_account\",\"client_email\":\"" TESTER
        "\",\"token_uri\":\"https://oauth2.googleapis.com/token\"}",
        "{\"type\":\"service_account\",\"client_email\":\"" TESTER "\"}",
        "{\"type\":\"service_account\",\"client_email\":\"" STRANGER "\",\"token_uri\":\"" BASE
        "/token\"}",
        "{\"type\":\"authorized_user\",\"account\":\"" TESTER "\",\"token_uri\":\"" BASE
        "/token\"}",
        "{\"type\":\"service_account\",\"client_email\":\"" TESTER
        "\",\"token_uri\":\"http://127.0.0.1.example.com/token\"}",
    };
    world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        err e = ERR_INIT;
        write_text(w, "tester.json", str_from(rows[i]));
        assert_row(i, google_listening(w->g, STR(BASE), &e) == GOOGLE_KEY_FILE);
        assert_row(i, strstr(e.msg, in_dir(w, "tester.json")) != NULL);
        assert_row(i, strstr(e.hint, "move the file away") != NULL);
        assert_str(text_of(w, "tester.json"), str_from(rows[i]));
    }
}

static void T49_no_link_and_no_folder_is_followed(void **state)
{
    world *w = *state;
    err e = ERR_INIT;
    write_text(w, "precious", STR("precious"));
    assert_int_equal(symlink(in_dir(w, "precious"), in_dir(w, "tester.json")), 0);
    assert_code(google_listening(w->g, STR(BASE), &e), GOOGLE_KEY_FILE);
    assert_non_null(strstr(e.msg, "a symbolic link"));
    assert_strz(text_of(w, "precious"), "precious");
    assert_int_equal(unlink(in_dir(w, "tester.json")), 0);
    assert_int_equal(mkdir(in_dir(w, "tester.json"), 0700), 0);
    assert_code(google_listening(w->g, STR(BASE), &e), GOOGLE_KEY_FILE);
    assert_int_equal(rmdir(in_dir(w, "tester.json")), 0);
}

static void files_that_another_one_lives_from_are_not_touched(void **state)
{
    world *w = *state;
    google *other = NULL;
    google_options o = w->options;
    err e = ERR_INIT;
    listen_at(w, BASE);
    const json *jane = file_of(w, "jane.json"), *tester = file_of(w, "tester.json");
    o.state = in_dir(w, "other.db");
    assert_code(google_new(w->loop, &o, &other, &e), OK);
    assert_code(google_listening(other, STR("http://127.0.0.1:4002"), &e), HOME_RUNNING);
    str who = arena_printf(&w->mem, ".json is kept by process %d, another gatepost up", getpid());
    assert_non_null(strstr(e.msg, who.ptr));
    assert_non_null(strstr(e.hint, arena_printf(&w->mem, "kill %d; or let", getpid()).ptr));
    assert_str(field(file_of(w, "jane.json"), "refresh_token"), field(jane, "refresh_token"));
    assert_str(field(file_of(w, "tester.json"), "private_key_id"), field(tester, "private_key_id"));
    listen_at(w, BASE); // its own files aren't in its way
    google_free(w->g);
    w->g = other;
    listen_at(w, "http://127.0.0.1:4002"); // the other one has gone
    assert_strz(field(file_of(w, "tester.json"), "token_uri"), "http://127.0.0.1:4002/token");
}

// `gatepost keys rotate` puts another file in the place of one, and a person may remove them: the
// folder is still the first one's.
static void a_file_that_is_replaced_is_still_its_keepers(void **state)
{
    static const char *const names[] = {"tester.json", "jane.json"};
    world *w = *state;
    google *other = NULL;
    google_options o = w->options;
    err e = ERR_INIT;
    listen_at(w, BASE);
    o.state = in_dir(w, "other.db");
    assert_code(google_new(w->loop, &o, &other, &e), OK);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        write_text(w, "new.json", text_of(w, names[i]));
        assert_int_equal(rename(in_dir(w, "new.json"), in_dir(w, names[i])), 0);
    }
    assert_code(google_listening(other, STR("http://127.0.0.1:4002"), &e), HOME_RUNNING);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_int_equal(unlink(in_dir(w, names[i])), 0);
    assert_code(google_listening(other, STR("http://127.0.0.1:4002"), &e), HOME_RUNNING);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_int_equal(access(in_dir(w, names[i]), F_OK), -1);
    google_free(other);
}

static void a_folder_with_two_names_is_one(void **state)
{
    world *w = *state;
    google_free(w->g);
    assert_int_equal(symlink(w->dir, in_dir(w, "again")), 0);
    w->accounts[1].key_file = in_dir(w, "again/stranger.json");
    open_google(w);
    listen_at(w, BASE);
    assert_non_null(file_of(w, "stranger.json"));
}

static void a_folder_that_is_missing_is_told(void **state)
{
    world *w = *state;
    err e = ERR_INIT;
    google_free(w->g);
    w->accounts[0].key_file = in_dir(w, "missing/tester.json");
    open_google(w);
    assert_code(google_listening(w->g, STR(BASE), &e), GOOGLE_KEY_FILE);
    assert_non_null(strstr(e.msg, "missing/tester.json can't be written: No such file"));
}

// ---- of pools -----------------------------------------------------------------------------------

static void open_with_externals(world *w)
{
    google_external *list = arena_array(&w->mem, 2, sizeof(*list));
    list[0] = (google_external){STR("pipelines"), STR("github"), in_dir(w, "github.json"),
                                "/src/subject.jwt", STR(TESTER)};
    list[1] = (google_external){STR("pipelines"), STR("gitlab"), in_dir(w, "gitlab.json"),
                                "/src/other.jwt", STR_NONE};
    w->options.externals = list;
    w->options.external_count = 2;
    google_free(w->g);
    open_google(w);
}

static void a_provider_has_a_file_for_its_bearers(void **state)
{
    world *w = *state;
    struct stat st;
    open_with_externals(w);
    listen_at(w, BASE);
    const json *file = file_of(w, "github.json"), *plain = file_of(w, "gitlab.json");
    assert_strz(field(file, "type"), "external_account");
    assert_strz(field(file, "audience"),
                "//iam.googleapis.com/projects/123456789012/locations/global/"
                "workloadIdentityPools/pipelines/providers/github");
    assert_strz(field(file, "subject_token_type"), "urn:ietf:params:oauth:token-type:jwt");
    assert_strz(field(file, "token_url"), BASE "/v1/token");
    assert_strz(field(json_get(file, "credential_source"), "file"), "/src/subject.jwt");
    assert_strz(field(file, "service_account_impersonation_url"),
                BASE "/v1/projects/-/serviceAccounts/" TESTER ":generateAccessToken");
    assert_null(json_get(plain, "service_account_impersonation_url"));
    assert_int_equal(stat(in_dir(w, "github.json"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    listen_at(w, "http://127.0.0.1:4002"); // its address is renewed
    assert_strz(field(file_of(w, "github.json"), "token_url"), "http://127.0.0.1:4002/v1/token");
}

static void the_clouds_file_of_a_provider_is_left_alone(void **state)
{
    static const char *const rows[] = {
        "notes",
        "[]",
        "{\"type\":\"external_account\"}",
        "{\"type\":\"external_account\",\"token_url\":\"https://sts.googleapis.com/v1/token\"}",
        "{\"type\":\"service_account\",\"token_url\":\"" BASE "/v1/token\"}",
    };
    world *w = *state;
    open_with_externals(w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        err e = ERR_INIT;
        write_text(w, "github.json", str_from(rows[i]));
        assert_row(i, google_listening(w->g, STR(BASE), &e) == GOOGLE_KEY_FILE);
        assert_row(i, strstr(e.msg, in_dir(w, "github.json")) != NULL);
        assert_row(i, strstr(e.hint, "move the file away") != NULL);
        assert_str(text_of(w, "github.json"), str_from(rows[i]));
    }
    err e = ERR_INIT;
    assert_int_equal(unlink(in_dir(w, "github.json")), 0); // T49
    assert_int_equal(symlink(in_dir(w, "tester.json"), in_dir(w, "github.json")), 0);
    assert_code(google_listening(w->g, STR(BASE), &e), GOOGLE_KEY_FILE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_missing_file_is_made_as_google_makes_it),
        CASE(a_persons_file_is_an_authorized_user),
        CASE(a_good_key_stays_and_its_addresses_follow),
        CASE(a_local_key_that_is_of_no_use_is_replaced),
        CASE(lost_files_do_not_fill_the_account),
        CASE(another_file_is_left_alone),
        CASE(T49_no_link_and_no_folder_is_followed),
        CASE(files_that_another_one_lives_from_are_not_touched),
        CASE(a_file_that_is_replaced_is_still_its_keepers),
        CASE(a_folder_with_two_names_is_one),
        CASE(a_folder_that_is_missing_is_told),
        CASE(a_provider_has_a_file_for_its_bearers),
        CASE(the_clouds_file_of_a_provider_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
