// SPDX-License-Identifier: Apache-2.0
#include "cloudrun/environment.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/test.h"
#include "data/data.h"

typedef struct world world;
struct world {
    arena arena;
    char dir[64];
    environment_google google;
};

// From the secret's version up to the service's folder.
static const char *const folders[] = {".gatepost/secrets/key/3", ".gatepost/secrets/key",
                                      ".gatepost/secrets", ".gatepost", ""};

static int set_up(void **state)
{
    world *w = NEW(world);
    arena_init(&w->arena);
    w->google =
        (environment_google){.metadata_port = 1111, .token_port = 2222, .project_id = STR("demo")};
    snprintf(w->dir, sizeof(w->dir), "/tmp/gatepost-env-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    *state = w;
    return 0;
}

static const char *path_of(world *w, const char *name)
{
    return arena_printf(&w->arena, "%s/%s", w->dir, name).ptr;
}

static int tear_down(void **state)
{
    world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        (void)remove(path_of(w, folders[i]));
    arena_deinit(&w->arena);
    free(w);
    return 0;
}

static const service_spec *service(world *w, const char *env)
{
    str text = arena_printf(&w->arena,
                            "apiVersion: serving.knative.dev/v1\nkind: Service\n"
                            "metadata: {name: orders}\n"
                            "spec: {template: {metadata: {name: orders-blue},\n"
                            "spec: {containers: [{command: [x],\n"
                            "env: %s}]}}}\n",
                            env);
    const service_spec *s = NULL;
    size_t count = 0;
    assert_code(service_parse(&w->arena, text, "service.yaml", &s, &count, NULL), OK);
    return s;
}

static code make(world *w, const service_spec *s, const char *const **ret_env, err *e)
{
    environment_options o = {.spec = s,
                             .container = s->ingress_container,
                             .dir = w->dir,
                             .home = "/run/home",
                             .path = "/opt/bin:/bin",
                             .google = w->google};
    return environment_make(&w->arena, &o, ret_env, e);
}

static const char *value(const char *const *env, const char *name)
{
    const char *found = NULL;
    size_t len = strlen(name);
    for (; *env; env++) {
        if (strncmp(*env, name, len) != 0 || (*env)[len] != '=')
            continue;
        if (found)
            fail_msg("%s is there twice", name);
        found = *env + len + 1;
    }
    return found ? found : "(unset)";
}

static void an_instance_gets_these_variables_and_no_others(void **state)
{
    static const char *const wanted[][2] = {
        {"PATH", "/opt/bin:/bin"},
        {"LANG", "C.UTF-8"},
        {"HOME", "/run/home"},
        {"K_SERVICE", "orders"},
        {"K_CONFIGURATION", "orders"},
        {"K_REVISION", "orders-blue"},
        {"GCE_METADATA_HOST", "127.0.0.1:1111"},
        {"GCE_METADATA_IP", "127.0.0.1:1111"},
        {"GCE_METADATA_ROOT", "127.0.0.1:1111"},
        {"METADATA_SERVER_DETECTION", "assume-present"},
        {"CLOUDSDK_AUTH_TOKEN_HOST", "http://127.0.0.1:2222/token"},
        {"CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS", "http://127.0.0.1:2222/"},
        {"GOOGLE_CLOUD_PROJECT", "demo"},
        {"NO_PROXY", "localhost,127.0.0.1,::1"},
        {"no_proxy", "localhost,127.0.0.1,::1"},
        {"A", "last"},
    };
    setenv("GOOGLE_APPLICATION_CREDENTIALS", "/home/me/key.json", 1);
    const char *const *env = NULL;
    const service_spec *s = service(*state, "[{name: A, value: first}, {name: A, value: last}]");
    assert_code(make(*state, s, &env, NULL), OK);
    unsetenv("GOOGLE_APPLICATION_CREDENTIALS");
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        assert_string_equal(value(env, wanted[i][0]), wanted[i][1]);
    size_t count = 0;
    while (env[count])
        count++;
    assert_int_equal(count, ARRAY_LEN(wanted));
}

static void with_a_proxy_they_tell_clients_to_use_and_to_believe_it(void **state)
{
    static const char *const wanted[][2] = {
        {"HTTPS_PROXY", "http://127.0.0.1:3333"},
        {"https_proxy", "http://127.0.0.1:3333"},
        {"NO_PROXY", "localhost,127.0.0.1,::1"},
        {"NODE_USE_ENV_PROXY", "1"},
        {"NODE_EXTRA_CA_CERTS", "/run/ca.pem"}, // adds to what Node trusts
        {"SSL_CERT_FILE", "/run/bundle.pem"},   // these replace it
        {"REQUESTS_CA_BUNDLE", "/run/bundle.pem"},
        {"CURL_CA_BUNDLE", "/run/bundle.pem"},
        {"CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE", "/run/bundle.pem"},
        {"CLOUDSDK_AUTH_TOKEN_HOST", "http://127.0.0.1:2222/token"},
    };
    world *w = *state;
    const char *const *env = NULL;
    w->google.proxy_port = 3333;
    w->google.ca = "/run/ca.pem";
    w->google.bundle = "/run/bundle.pem";
    assert_code(make(w, service(w, "[{name: REQUESTS_CA_BUNDLE, value: /app.pem}]"), &env, NULL),
                OK);
    assert_string_equal(value(env, "REQUESTS_CA_BUNDLE"), "/app.pem");
    assert_code(make(w, service(w, "[]"), &env, NULL), OK);
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        assert_string_equal(value(env, wanted[i][0]), wanted[i][1]);
}

static void what_the_service_says_wins_but_for_what_cloud_run_sets(void **state)
{
    const char *const *env = NULL;
    const service_spec *s =
        service(*state, "[{name: PATH, value: /app}, {name: LANG, value: de_DE.UTF-8}]");
    assert_code(make(*state, s, &env, NULL), OK);
    assert_string_equal(value(env, "PATH"), "/app");
    assert_string_equal(value(env, "LANG"), "de_DE.UTF-8");
    assert_string_equal(value(env, "K_SERVICE"), "orders");
}

static void a_secret_is_a_file_of_this_machine(void **state)
{
    world *w = *state;
    const char *const *env = NULL;
    const service_spec *s =
        service(w, "[{name: KEY, valueFrom: {secretKeyRef: {name: key, key: '3'}}}]");
    err e = ERR_INIT;
    assert_code(make(w, s, &env, &e), UP_SECRET);
    assert_string_equal(e.file, "service.yaml");
    assert_int_equal(e.line, 6);
    assert_non_null(strstr(e.hint, "/.gatepost/secrets/key/3"));

    assert_int_equal(mkdir(path_of(w, ".gatepost"), 0700), 0);
    assert_int_equal(mkdir(path_of(w, ".gatepost/secrets"), 0700), 0);
    assert_int_equal(mkdir(path_of(w, ".gatepost/secrets/key"), 0700), 0);
    FILE *f = fopen(path_of(w, ".gatepost/secrets/key/3"), "w");
    fputs("two words\n", f);
    fclose(f);
    assert_code(make(w, s, &env, NULL), OK);
    assert_string_equal(value(env, "KEY"), "two words");
}

// What is there but of no use isn't said to be missing.
static void a_secret_that_cannot_be_read_says_why(void **state)
{
    world *w = *state;
    const char *const *env = NULL;
    const service_spec *s =
        service(w, "[{name: KEY, valueFrom: {secretKeyRef: {name: key, key: '3'}}}]");
    err e = ERR_INIT;
    for (size_t i = 4; i-- > 0;) // a folder in its place
        assert_int_equal(mkdir(path_of(w, folders[i]), 0700), 0);
    assert_code(make(w, s, &env, &e), UP_SECRET);
    assert_non_null(strstr(e.msg, "key/3' is a directory"));
    assert_int_equal(rmdir(path_of(w, folders[0])), 0);

    FILE *f = fopen(path_of(w, folders[0]), "w");
    assert_int_equal(ftruncate(fileno(f), SECRET_BYTES_MAX + 1), 0);
    fclose(f);
    e = ERR_INIT;
    assert_code(make(w, s, &env, &e), UP_SECRET);
    assert_non_null(strstr(e.msg, "is larger than 65536 bytes"));
    assert_non_null(strstr(e.hint, "at most 64 KiB"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_instance_gets_these_variables_and_no_others),
        TEST(with_a_proxy_they_tell_clients_to_use_and_to_believe_it),
        TEST(what_the_service_says_wins_but_for_what_cloud_run_sets),
        TEST(a_secret_is_a_file_of_this_machine),
        TEST(a_secret_that_cannot_be_read_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
