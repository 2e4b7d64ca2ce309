// SPDX-License-Identifier: Apache-2.0
// Where a credential is looked for, in which order, and which files are not taken.
#include "credential/credential_test_endpoints.h"

static const credential_who *identify(fixture *f, const char *identity, bool local)
{
    const credential_who *who;
    credential_provider_free(f->provider);
    f->provider = NULL;
    f->e = ERR_INIT;
    if (credential_identify(provider(f), str_from(identity), local, &who, &f->e) == OK)
        assert_int_equal(f->e.code, OK);
    return who;
}

static const char *cloud_key(fixture *f, const char *name, const char *email)
{
    return write_key(f, name, email, "https://oauth2.googleapis.com/token");
}

static const char *fake_gcloud(fixture *f)
{
    write_file(f, "gcloud", STR("#!/bin/sh\nexit 1\n"), 0755);
    mkdir(arena_printf(&f->mem, "%s/configurations", f->dir).ptr, 0700);
    write_file(
        f, "configurations/config_work",
        STR("[compute]\naccount = not@this.one\n[core]\n# a comment\naccount = jane@example.com"
            "\nproject = p\n"),
        0600);
    write_file(f, "active_config", STR("work\n"), 0600);
    set_env(f, "PATH", f->dir);
    return f->dir;
}

// Each source is put in place after the one that it outranks.
static void the_order_of_the_search(void **state)
{
    fixture *f = *state;
    set_env(f, "CLOUDSDK_CONFIG", f->dir);
    assert_int_equal(identify(f, "", false)->source, CREDENTIAL_NONE);
    assert_int_equal(f->e.code, CRED_NOT_FOUND);

    fake_gcloud(f);
    const credential_who *who = identify(f, "", false);
    assert_int_equal(who->source, CREDENTIAL_GCLOUD);
    assert_strz(who->principal, "jane@example.com");
    assert_true(who->user);

    set_env(f, "METADATA_SERVER_DETECTION", "assume-present");
    who = identify(f, "", false);
    assert_int_equal(who->source, CREDENTIAL_METADATA);
    assert_strz(who->place, "metadata.google.internal");
    assert_false(who->user);

    cloud_key(f, "application_default_credentials.json", "adc@p.iam.gserviceaccount.com");
    assert_strz(identify(f, "", false)->principal, "adc@p.iam.gserviceaccount.com");

    set_env(f, "GOOGLE_APPLICATION_CREDENTIALS",
            cloud_key(f, "gac.json", "gac@p.iam.gserviceaccount.com"));
    who = identify(f, "", false);
    assert_strz(who->principal, "gac@p.iam.gserviceaccount.com");
    assert_strz(who->project, "demo");
    assert_null(who->warning);

    set_env(f, "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE",
            cloud_key(f, "override.json", "override@p.iam.gserviceaccount.com"));
    assert_strz(identify(f, "", false)->principal, "override@p.iam.gserviceaccount.com");

    set_env(f, "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE", "/nowhere");
    identify(f, "", false);
    assert_int_equal(f->e.code, CRED_FILE);
    assert_non_null(strstr(f->e.msg, "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE: can't read '/nowhere'"));
    set_env(f, "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE", "/dev/null");
    assert_int_equal(identify(f, "", false)->source, CREDENTIAL_TOKEN);

    f->options.account = "sa@p.iam.gserviceaccount.com";
    who = identify(f, "", false);
    assert_int_equal(who->source, CREDENTIAL_GCLOUD);
    assert_false(who->user);

    set_env(f, "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT", "env@p.iam.gserviceaccount.com");
    assert_strz(identify(f, "", false)->principal, "env@p.iam.gserviceaccount.com");
    f->options.impersonate = "mid@p.example,flag@p.iam.gserviceaccount.com";
    who = identify(f, "", false);
    assert_strz(who->principal, "flag@p.iam.gserviceaccount.com");
    assert_true(who->impersonated);
    // Only the command line chooses locally: gcloud's variables speak of the cloud.
    f->options.account = f->options.impersonate = NULL;
    assert_strz(identify(f, "", true)->principal, "tester@demo.iam.gserviceaccount.com");
}

static void every_step_is_told(void **state)
{
    fixture *f = *state;
    set_env(f, "CLOUDSDK_CONFIG", "/nonexistent");
    const credential_who *who = identify(f, "", false);
    static const char *const steps[] = {"--account", "GOOGLE_APPLICATION_CREDENTIALS",
                                        "application default credentials", "metadata server",
                                        "gcloud's account"};
    assert_int_equal(who->step_count, ARRAY_LEN(steps));
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        assert_strz(who->steps[i].what, steps[i]);
        assert_false(who->steps[i].found);
        assert_non_null(strstr(f->e.msg, steps[i]));
    }
    assert_non_null(strstr(f->e.hint, "gcloud auth application-default login"));
}

static void what_is_named_but_broken_ends_the_search(void **state)
{
    fixture *f = *state;
    fake_gcloud(f);
    set_env(f, "CLOUDSDK_CONFIG", f->dir);
    set_env(f, "GOOGLE_APPLICATION_CREDENTIALS", "/nonexistent/key.json");
    identify(f, "", false);
    assert_int_equal(f->e.code, CRED_FILE);
    assert_non_null(strstr(f->e.msg, "GOOGLE_APPLICATION_CREDENTIALS"));
    assert_non_null(strstr(f->e.msg, "/nonexistent/key.json"));

    set_env(f, "PATH", "/nonexistent");
    f->options.account = "jane@example.com";
    identify(f, "", false);
    assert_int_equal(f->e.code, CRED_GCLOUD);
}

static void files_that_are_no_credential(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "key.json"},
        {"{", "key.json:1:"},
        {"[]", "object"},
        {"{}", "type"},
        {"{\"type\":5}", "type"},
        {"{\"type\":\"external_account\"}", "audience"},
        {"{\"type\":\"gdch_service_account\"}", "gdch_service_account"},
        {"{\"type\":\"service_account\"}", "client_email"},
        {"{\"type\":\"service_account\",\"client_email\":\"a@b\"}", "private_key"},
        {"{\"type\":\"service_account\",\"client_email\":\"a@b\",\"private_key\":\"x\"}",
         "private_key"},
        {"{\"type\":\"service_account\",\"client_email\":\"a@b\",\"private_key\":"
         "\"-----BEGIN PRIVATE KEY-----\\nhunter2hunter2\\n-----END PRIVATE KEY-----\\n\"}",
         "private_key"},
        {"{\"type\":\"authorized_user\",\"client_id\":\"a\",\"client_secret\":\"hunter2\"}",
         "refresh_token"},
        {"{\"type\":\"authorized_user\",\"client_id\":\"a\",\"client_secret\":\"hunter2\","
         "\"refresh_token\":\"hunter2\",\"universe_domain\":\"other.example\"}",
         "universe"},
        {"{\"type\":\"impersonated_service_account\"}", "source_credentials"},
        {"{\"type\":\"impersonated_service_account\",\"source_credentials\":{\"type\":\"x\"}}",
         "source_credentials"},
        {"{\"type\":\"impersonated_service_account\",\"source_credentials\":{\"type\":"
         "\"authorized_user\",\"client_id\":\"a\",\"client_secret\":\"b\",\"refresh_token\":\"c\"},"
         "\"service_account_impersonation_url\":\"https://attacker.example/v1/projects/-/"
         "serviceAccounts/a@b:generateAccessToken\"}",
         "service_account_impersonation_url"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        set_env(f, "GOOGLE_APPLICATION_CREDENTIALS",
                write_file(f, "key.json", str_from(rows[i].text), 0600));
        identify(f, "", false);
        assert_row(i, f->e.code == CRED_FILE);
        if (!strstr(f->e.msg, rows[i].says) && !strstr(f->e.file, "key.json"))
            fail_msg("row %zu: %s", i, f->e.msg);
        assert_null(strstr(f->e.msg, "hunter2"));
    }
}

static void impersonation_in_a_file(void **state)
{
    fixture *f = *state;
    set_env(
        f, "GOOGLE_APPLICATION_CREDENTIALS",
        write_file(f, "imp.json",
                   STR("{\"type\":\"impersonated_service_account\",\"delegates\":[\"mid@b\"],"
                       "\"source_credentials\":{\"type\":\"authorized_user\",\"client_id\":\"a\","
                       "\"client_secret\":\"b\",\"refresh_token\":\"c\"},"
                       "\"service_account_impersonation_url\":\"https://iamcredentials."
                       "googleapis.com/v1/projects/-/serviceAccounts/robot@b.c:"
                       "generateAccessToken\"}"),
                   0600));
    const credential_who *who = identify(f, "", false);
    assert_int_equal(f->e.code, OK);
    assert_strz(who->principal, "robot@b.c");
    assert_true(who->impersonated);
    assert_false(who->user); // the token will be the service account's
}

static void T39_files_beneath_the_collection_are_refused(void **state)
{
    fixture *f = *state;
    const char *path = cloud_key(f, "key.json", "a@p.iam.gserviceaccount.com");
    const char *link = arena_printf(&f->mem, "/tmp/credential-link-%d", (int)getpid()).ptr;
    const char *dotted = arena_printf(&f->mem, "%s/../%s/key.json", f->dir, f->dir + 5).ptr;
    assert_int_equal(symlink(path, link), 0);
    const char *const paths[] = {path, dotted, link};
    f->options.untrusted_dir = f->dir;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        set_env(f, "GOOGLE_APPLICATION_CREDENTIALS", paths[i]);
        identify(f, "", false);
        assert_row(i, f->e.code == CRED_FILE);
        assert_non_null(strstr(f->e.msg, "inside the collection's own directory"));
    }
    unlink(link);
    const char *sibling = arena_printf(&f->mem, "%s-not", f->dir).ptr;
    f->options.untrusted_dir = sibling; // shares the beginning of its name only
    set_env(f, "GOOGLE_APPLICATION_CREDENTIALS", path);
    mkdir(sibling, 0700);
    identify(f, "", false);
    rmdir(sibling);
    assert_int_equal(f->e.code, OK);
}

static void careless_places_get_a_warning(void **state)
{
    fixture *f = *state;
    const char *path = cloud_key(f, "key.json", "a@p.iam.gserviceaccount.com");
    set_env(f, "GOOGLE_APPLICATION_CREDENTIALS", path);
    chmod(path, 0644);
    assert_non_null(strstr(identify(f, "", false)->warning, "chmod 600"));
    chmod(path, 0600);
    assert_null(identify(f, "", false)->warning);
    mkdir(arena_printf(&f->mem, "%s/.git", f->dir).ptr, 0700);
    assert_non_null(strstr(identify(f, "", false)->warning, "git"));
}

static void local_choices(void **state)
{
    fixture *f = *state;
    f->options.run_as = NULL;
    identify(f, "", true);
    assert_int_equal(f->e.code, CRED_NOT_FOUND);
    assert_non_null(strstr(f->e.hint, "stranger@demo"));
    f->up.run_as = STR("stranger@demo.iam.gserviceaccount.com");
    assert_strz(identify(f, "", true)->principal, "stranger@demo.iam.gserviceaccount.com");
    f->options.run_as = "nobody";
    identify(f, "", true);
    assert_int_equal(f->e.code, CRED_IDENTITY);
    f->options.run_as = NULL;
    f->up.run_as = STR_NONE;
    f->up.account_count = 1;
    const credential_who *who = identify(f, "", true);
    assert_strz(who->principal, "tester@demo.iam.gserviceaccount.com");
    assert_true(who->local);
    // The metadata server's account, when gatepost.yaml names none.
    f->up.run_as = STR("1-compute@developer.gserviceaccount.com");
    assert_strz(identify(f, "", true)->principal, "tester@demo.iam.gserviceaccount.com");
    f->up.account_count = 0;
    identify(f, "", true);
    assert_int_equal(f->e.code, CRED_NOT_FOUND);
    assert_non_null(strstr(f->e.hint, "there is none: declare one"));
    f->options.up = NULL;
    identify(f, "", true);
    assert_int_equal(f->e.code, CRED_NOT_FOUND);
    assert_non_null(strstr(f->e.hint, "gatepost up"));
}

static void flags_choose_among_local_accounts(void **state)
{
    fixture *f = *state;
    f->options.account = "stranger";
    assert_strz(identify(f, "", true)->principal, "stranger@demo.iam.gserviceaccount.com");
    assert_strz(identify(f, "tester", true)->principal, "tester@demo.iam.gserviceaccount.com");
    f->options.impersonate = "robot@demo.iam.gserviceaccount.com";
    const credential_who *who = identify(f, "", true);
    assert_strz(who->principal, "robot@demo.iam.gserviceaccount.com");
    assert_true(who->impersonated && who->local);
    f->options.account = "jane@example.com";
    identify(f, "", true);
    assert_int_equal(f->e.code, CRED_IDENTITY);
    assert_non_null(strstr(f->e.msg, "--account: `gatepost up` has no account 'jane@example.com'"));
    assert_non_null(strstr(f->e.hint, "tester@demo"));
}

static void T39_a_checkout_chooses_among_local_accounts_only(void **state)
{
    fixture *f = *state;
    project_identity id = {.name = STR("other"),
                           .account = STR("stranger@demo.iam.gserviceaccount.com"),
                           .local_only = true};
    f->options.identities = &id;
    f->options.identity_count = 1;
    const credential_who *who = identify(f, "other", true);
    assert_strz(who->principal, "stranger@demo.iam.gserviceaccount.com");
    assert_true(who->local);
    identify(f, "other", false);
    assert_int_equal(f->e.code, CRED_IDENTITY);
    assert_non_null(strstr(f->e.msg, "isn't trusted"));
    assert_non_null(strstr(f->e.hint, "gatepost trust file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_order_of_the_search),
        CASE(every_step_is_told),
        CASE(what_is_named_but_broken_ends_the_search),
        CASE(files_that_are_no_credential),
        CASE(impersonation_in_a_file),
        CASE(T39_files_beneath_the_collection_are_refused),
        CASE(careless_places_get_a_warning),
        CASE(local_choices),
        CASE(flags_choose_among_local_accounts),
        CASE(T39_a_checkout_chooses_among_local_accounts_only),
    };
    return cmocka_run_group_tests(tests, make_key, drop_key);
}
