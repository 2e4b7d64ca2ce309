// SPDX-License-Identifier: Apache-2.0
// Tests of gatepost.yaml: where it is found, what it may say, what an untrusted one may not.
#include "data/data.h"
#include "home/home_test.h"
#include "home/project_keys.h"

#define ID "project: {id: my-project}\n"

static const char *write_project(const char *content)
{
    put_file(at("gatepost.yaml"), content, 0644);
    return at("gatepost.yaml");
}

static const home_project *load(const char *path, const trust_store *store)
{
    err e = ERR_INIT;
    const home_project *p = NULL;
    if (project_load(&mem, path, store, &p, &e))
        fail_msg("%s:%u:%u: %s", e.file, e.line, e.col, e.msg);
    return p;
}

// A store that trusts the file as it is now.
static trust_store *trusting(const char *path)
{
    trust_store *s;
    str text;
    char hash[HOME_HASH_MAX];
    assert_int_equal(file_read(&mem, path, 1 << 20, &text, NULL), OK);
    home_hash(text, hash);
    assert_int_equal(trust_store_load(&s, NULL), OK);
    assert_int_equal(trust_store_add_file(s, path, hash, NULL), OK);
    return s;
}

// ---- where it is --------------------------------------------------------------------------------

static void the_nearest_file_upwards_counts(void **state)
{
    (void)state;
    mkdir(at("a"), 0755);
    mkdir(at("a/b"), 0755);
    mkdir(at("a/b/c"), 0755);
    put_file(at("gatepost.yaml"), ID, 0644);
    put_file(at("a/gatepost.yaml"), "project: {id: nearest-one}\n", 0644);
    assert_int_equal(chdir(at("a/b/c")), 0);
    assert_strz(load(NULL, NULL)->id, "nearest-one");
    unlink(at("a/gatepost.yaml"));
    const home_project *p = load(NULL, NULL); // the home directory's own is the last
    assert_strz(p->id, "my-project");
    assert_string_equal(p->path, at("gatepost.yaml"));
    assert_string_equal(p->dir, root);
    mkdir(at("a/.git"), 0755); // a checkout ends the search
    assert_null(load(NULL, NULL)->path);
    unlink(at("gatepost.yaml"));
    rmdir(at("a/.git"));
    assert_null(load(NULL, NULL)->path);
    assert_int_equal(chdir("/"), 0);
}

static void a_file_or_its_folder_can_be_named(void **state)
{
    (void)state;
    const char *path = write_project(ID);
    assert_string_equal(load(path, NULL)->path, path);
    assert_string_equal(load(root, NULL)->path, path);
    assert_int_equal(symlink(path, at("link.yaml")), 0);
    assert_string_equal(load(at("link.yaml"), NULL)->path, path);
    err e = ERR_INIT;
    const home_project *p;
    assert_code(project_load(&mem, at("missing.yaml"), NULL, &p, &e), HOME_PROJECT);
    assert_mentions(e.msg, "missing.yaml");
    assert_mentions(e.hint, "gatepost init");
}

static void without_a_file_there_are_defaults(void **state)
{
    (void)state;
    assert_int_equal(chdir(root), 0);
    const home_project *p = load(NULL, NULL);
    assert_strz(p->id, "gatepost-local");
    assert_strz(p->region, "us-central1");
    assert_int_equal(p->token_lifetime_ms, 3600000);
    assert_int_equal(p->clock_skew_ms, 60000);
    assert_false(p->trusted);
    assert_int_equal(p->number.len, 12);
    assert_int_equal(p->project_hash.len, 10);
    assert_int_equal(p->account_count + p->identity_count + p->service_count, 0);
    assert_int_equal(chdir("/"), 0);
}

// ---- what it says -------------------------------------------------------------------------------

static void the_example_loads(void **state)
{
    (void)state;
    const char *source = getenv("GATEPOST_SOURCE");
    assert_non_null(source);
    const char *dir = arena_printf(&mem, "%s/examples/orders", source).ptr;
    const home_project *p = load(dir, NULL);
    assert_strz(p->id, "gatepost-demo");
    assert_strz(p->number, "123456789012");
    assert_strz(p->project_hash, "k2v7xw4mqa");
    assert_int_equal(p->account_count, 3);
    assert_strz(p->accounts[0].roles[0], "roles/run.invoker");
    assert_true(
        str_ends(str_from(p->accounts[0].key), STR("/examples/orders/.gatepost/tester.json")));
    assert_null(p->accounts[2].key);
    assert_strz(p->run_as, "tester@gatepost-demo.iam.gserviceaccount.com");
    assert_strz(p->identities[0].name, "stranger");
    assert_strz(p->identities[0].account, "stranger@gatepost-demo.iam.gserviceaccount.com");
    assert_strz(p->rules[0].request, "Refused/as a stranger");
    assert_strz(p->rules[0].identity, "stranger");
    assert_int_equal(p->token_lifetime_ms, 5000);
    assert_int_equal(p->clock_skew_ms, 0);
    assert_int_equal(p->service_count, 1);
    assert_true(str_ends(str_from(p->services[0]), STR("/examples/orders/service.yaml")));
}

static void pools_and_policies_of_accounts_are_read(void **state)
{
    (void)state;
    put_file(at("account.yaml"),
             "bindings: [{role: roles/iam.workloadIdentityUser, members: ['user:a@x.org']}]\n",
             0644);
    const home_project *p =
        load(write_project(
                 ID "accounts:\n"
                    "- {email: a@p.iam.gserviceaccount.com, policy: {bindings: []}}\n"
                    "- {email: b@p.iam.gserviceaccount.com, policy: account.yaml}\n"
                    "- {email: c@p.iam.gserviceaccount.com}\n"
                    "workload_identity_pools:\n"
                    "  pipelines:\n"
                    "    providers:\n"
                    "      github:\n"
                    "        issuer: https://token.actions.githubusercontent.com\n"
                    "        audiences: [gp]\n"
                    "        jwks: {keys: []}\n"
                    "        map: {google.subject: assertion.sub, attribute.a_1: 'assertion.x'}\n"
                    "        condition: assertion.x == 'y'\n"
                    "        disabled: true\n"
                    "      gitlab:\n"
                    "        issuer: https://gitlab.com\n"
                    "        map: {google.subject: assertion.sub}\n"
                    "        credential: {file: keys/gitlab.json, token: gitlab.jwt, impersonate: "
                    "a@p.iam.gserviceaccount.com}\n"),
             NULL);
    assert_int_equal(p->credential_count, 1);
    assert_str(p->credentials[0].pool, STR("pipelines"));
    assert_str(p->credentials[0].provider, STR("gitlab"));
    assert_string_equal(p->credentials[0].file, at("keys/gitlab.json"));
    assert_string_equal(p->credentials[0].token, at("gitlab.jwt"));
    assert_str(p->credentials[0].impersonate, STR("a@p.iam.gserviceaccount.com"));
    assert_non_null(json_get(p->accounts[0].policy, "bindings"));
    assert_int_equal(json_get(p->accounts[1].policy, "bindings")->len, 1);
    assert_null(p->accounts[2].policy);
    const json *provider =
        json_get(json_get(json_get(p->pools, "pipelines"), "providers"), "github");
    assert_true(json_is_str(json_get(provider, "condition"), "assertion.x == 'y'"));
    assert_null(load(write_project(ID), NULL)->pools);
}

static void a_malformed_pool_is_an_error_with_its_place(void **state)
{
    static const struct {
        const char *text;
        code want;
        const char *says;
    } rows[] = {
        {"workload_identity_pools: {ci: {providers: {}}}", DATA_VALUE,
         "the name is not a pool's id"},
        {"workload_identity_pools: {pipelines: {}}", DATA_MISSING, "'providers' is missing"},
        {"workload_identity_pools: {pipelines: {providers: {gh: {}}}}", DATA_VALUE,
         "provider's id"},
        {"workload_identity_pools: {pipelines: {providers: {idp1: {map: {}}}}}", DATA_MISSING,
         "'issuer'"},
        {"workload_identity_pools: {pipelines: {providers: {idp1: {issuer: 'https://a.b'}}}}",
         DATA_MISSING, "'map'"},
        {"workload_identity_pools: {pipelines: {providers: {idp1: {issuer: 'https://a.b', map: "
         "{google.sub: a}}}}}",
         DATA_VALUE, "google.subject, google.groups or attribute.NAME"},
        {"workload_identity_pools: {pipelines: {providers: {idp1: {issuer: 'https://a.b', map: "
         "{google.subject: a}, credential: {file: a.json}}}}}",
         DATA_MISSING, "'token'"},
        {"workload_identity_pools: {pipelines: {providers: {idp1: {issuer: 'https://a.b', map: "
         "{google.subject: a}, credential: {file: ../a.json, token: a.jwt}}}}}",
         HOME_UNTRUSTED, "leads out of the project's folder"},
        {"workload_identity_pools: {pipelines: {disabled: 'no', providers: {}}}", DATA_TYPE,
         "must be a boolean"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const home_project *p;
        err e = ERR_INIT;
        const char *text = arena_printf(&mem, ID "%s\n", rows[i].text).ptr;
        code c = project_load(&mem, write_project(text), NULL, &p, &e);
        if (c != rows[i].want || !e.line || !strstr(e.msg, rows[i].says))
            fail_msg("%s: [%s] %u:%u: %s", rows[i].text, code_id(c), e.line, e.col, e.msg);
    }
}

static void every_section_is_read(void **state)
{
    (void)state;
    put_file(at("policy.yaml"), "bindings: [{role: roles/run.invoker, members: [allUsers]}]\n",
             0644);
    const home_project *p = load(
        write_project("project: {id: my-project, number: \"4242424242\", region: europe-west1}\n"
                      "groups: {g@example.com: [\"user:jane@example.com\"]}\n"
                      "identities:\n"
                      "  nobody: none\n"
                      "  ci: {impersonate: \"a@x.example,b@x.example\"}\n"
                      "trust: [\"4242424242\", https://orders.example]\n"
                      "policies:\n"
                      "  orders: policy.yaml\n"
                      "  billing: {bindings: []}\n"
                      "run: {bail: true}\n"),
        NULL);
    assert_strz(p->number, "4242424242");
    assert_strz(p->region, "europe-west1");
    assert_non_null(json_get(p->groups, "g@example.com"));
    assert_true(p->identities[0].none);
    assert_false(p->identities[1].none);
    assert_strz(p->identities[1].impersonate, "a@x.example,b@x.example");
    assert_int_equal(p->trust_count, 2);
    assert_strz(p->trust[1], "https://orders.example");
    assert_false(p->trusted);
    assert_int_equal(p->policy_count, 2);
    assert_strz(p->policies[0].service, "orders");
    const json *bindings = json_get(p->policies[0].policy, "bindings");
    assert_int_equal(bindings->len, 1);
    assert_mentions(bindings->file, "policy.yaml"); // it knows its places
    assert_int_equal(json_get(p->policies[1].policy, "bindings")->len, 0);
    assert_true(json_bool_or(json_get(json_get(p->root, "run"), "bail"), false));
}

static void number_and_hash_follow_from_the_id(void **state)
{
    (void)state;
    const home_project *a = load(write_project(ID), NULL), *again = load(root, NULL);
    assert_str(a->number, again->number);
    assert_str(a->project_hash, again->project_hash);
    // Fixed for ever: they stand in URLs that people wrote down.
    assert_strz(a->number, "340444098164");
    assert_strz(a->project_hash, "p1cbje6m1n");
    const home_project *b = load(write_project("project: {id: my-project2}\n"), NULL);
    assert_false(str_eq(a->number, b->number));
    assert_false(str_eq(a->project_hash, b->project_hash));
}

// ---- what is wrong ------------------------------------------------------------------------------

typedef struct wrong_row wrong_row;
struct wrong_row {
    const char *content;
    code code;
    uint32_t line, col;
    const char *says; // in the message or the hint
};

static void assert_wrong(const wrong_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        err e = ERR_INIT;
        const home_project *p;
        code c = project_load(&mem, write_project(rows[i].content), NULL, &p, &e);
        bool says = strstr(e.msg, rows[i].says) || strstr(e.hint, rows[i].says);
        if (c != rows[i].code || e.line != rows[i].line || e.col != rows[i].col || !says)
            fail_msg("row %zu: %s at %u:%u: %s (%s)", i, code_id(c), e.line, e.col, e.msg, e.hint);
        assert_mentions(e.file, "gatepost.yaml");
    }
}

static void mistakes_are_told_with_their_place(void **state)
{
    (void)state;
    static const wrong_row rows[] = {
        {"", DATA_MISSING, 1, 1, "'project' is missing"},
        {"[]", DATA_TYPE, 1, 1, "an object"},
        {"project: {}", DATA_MISSING, 1, 10, "'id' is missing"},
        {ID "acounts: []", DATA_UNKNOWN, 2, 1, "did you mean 'accounts'"},
        {"project: {id: my-project, nummer: 1}", DATA_UNKNOWN, 1, 27, "did you mean 'number'"},
        {"project: {id: My_Project}", DATA_VALUE, 1, 15, "a project id"},
        {"project: {id: 7}", DATA_TYPE, 1, 15, "a string"},
        {"project: {id: my-project, number: 012345}", DATA_VALUE, 1, 35, "a project number"},
        {"project: {id: my-project, number: 12.5}", DATA_VALUE, 1, 35, "a project number"},
        {"project: {id: my-project, hash: \"1234567\"}", DATA_VALUE, 1, 33, "a letter among them"},
        {"project: {id: my-project, hash: abc}", DATA_VALUE, 1, 33, "6 to 20"},
        {"project: {id: my-project, region: Frankfurt}", DATA_VALUE, 1, 35, "a region such as"},
        {ID "accounts: {a: b}", DATA_TYPE, 2, 11, "an array"},
        {ID "accounts: [{roles: []}]", DATA_MISSING, 2, 12, "'email' is missing"},
        {ID "accounts: [{email: nobody}]", DATA_VALUE, 2, 20, "an e-mail address"},
        {ID "accounts: [{email: a@x.example, roles: [invoker]}]", DATA_VALUE, 2, 41, "a role such"},
        {ID "accounts:\n- {email: a@x.example}\n- {email: A@x.example}", HOME_PROJECT, 4, 11,
         "there twice"},
        {ID "accounts: [{email: tester@x.example}]\nrun_as: testr@x.example", HOME_PROJECT, 3, 9,
         "did you mean 'tester@x.example'"},
        {ID "run_as: a@x.example", HOME_PROJECT, 2, 9, "no such account"},
        {ID "groups: {staff: []}", DATA_VALUE, 2, 10, "a group's e-mail address"},
        {ID "identities: {a: somebody}", DATA_VALUE, 2, 17, "is not 'none' or an object"},
        {ID "identities: {a: {}}", HOME_PROJECT, 2, 17, "exactly one"},
        {ID "identities: {a: {account: a@x.example, impersonate: b@x.example}}", HOME_PROJECT, 2,
         17, "exactly one"},
        {ID "identities: {none: none}", HOME_PROJECT, 2, 20, "choose another name"},
        {ID "identities: {a b: none}", DATA_VALUE, 2, 14, "the name of an identity"},
        {ID "identities: {a: {command: /bin/sh}}", DATA_UNKNOWN, 2, 18, "command"},
        {ID "identities: {a: {account: a@x.example, audience: b}}", DATA_UNKNOWN, 2, 40,
         "audience"},
        {ID "rules: [{request: a}]", DATA_MISSING, 2, 9, "'identity' is missing"},
        {ID "rules: [null]", DATA_TYPE, 2, 9, "an object"},
        {ID "trust: abc123xyz0", DATA_TYPE, 2, 8, "an array"},
        {ID "services: [a.yaml, a.yaml]", HOME_PROJECT, 2, 20, "there twice"},
        {ID "policies: {Orders: {}}", DATA_VALUE, 2, 12, "the name of a service"},
        {ID "policies: {orders: [a]}", DATA_TYPE, 2, 20, "an object"},
        {ID "policies: {orders: missing.yaml}", DATA_FILE, 2, 20, "missing.yaml"},
        {ID "token_lifetime: soon", DATA_VALUE, 2, 17, "from 1s to 12h"},
        {ID "token_lifetime: 0", DATA_VALUE, 2, 17, "from 1s to 12h"},
        {ID "token_lifetime: 13h", DATA_VALUE, 2, 17, "from 1s to 12h"},
        {ID "clock_skew: 61", DATA_VALUE, 2, 13, "from 0 to 60s"},
        {ID "clock_skew: []", DATA_TYPE, 2, 13, "a string"},
        {ID "run: [bail]", DATA_TYPE, 2, 6, "an object"},
        {ID "project: {id: other-project}", DATA_DUPLICATE, 2, 1, "project"},
        {ID "a: *nothing", DATA_SYNTAX, 2, 4, ""},
    };
    assert_wrong(rows, ARRAY_LEN(rows));
}

static void T50_files_that_explode_are_refused(void **state)
{
    (void)state;
    // Each line ten copies of the one before: 10^8 values from 500 bytes.
    buf bomb;
    buf_init(&bomb, 8192);
    buf_addz(&bomb, ID "groups:\n  a0@x.example: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 8; i++) {
        buf_addf(&bomb, "  a%d@x.example: &a%d [", i, i);
        for (int k = 0; k < 10; k++)
            buf_addf(&bomb, "%s*a%d", k ? "," : "", i - 1);
        buf_addz(&bomb, "]\n");
    }
    err e = ERR_INIT;
    const home_project *p;
    assert_code(project_load(&mem, write_project(buf_cstr(&bomb)), NULL, &p, &e), DATA_LIMIT);
    assert_true(e.line > 2);
    buf_deinit(&bomb);
    assert_true(mem.used_bytes < 64 << 20);

    buf deep;
    buf_init(&deep, 8192);
    buf_addz(&deep, ID "run: ");
    for (int i = 0; i < 2000; i++)
        buf_addz(&deep, "[");
    e = ERR_INIT;
    assert_code(project_load(&mem, write_project(buf_cstr(&deep)), NULL, &p, &e), DATA_LIMIT);
    buf_deinit(&deep);

    buf large;
    buf_init(&large, 4 << 20);
    buf_addz(&large, ID);
    while (large.len <= PROJECT_BYTES_MAX)
        buf_addz(&large, "# a comment that goes on and on and on\n");
    e = ERR_INIT;
    assert_code(project_load(&mem, write_project(buf_cstr(&large)), NULL, &p, &e), DATA_LIMIT);
    buf_deinit(&large);

    buf many;
    buf_init(&many, 1 << 20);
    buf_addz(&many, ID "rules:\n");
    for (int i = 0; i <= 1000; i++)
        buf_addz(&many, "- {request: a, identity: b}\n");
    e = ERR_INIT;
    assert_code(project_load(&mem, write_project(buf_cstr(&many)), NULL, &p, &e), DATA_LIMIT);
    assert_mentions(e.msg, "rules");
    buf_deinit(&many);
}

// ---- trust --------------------------------------------------------------------------------------

static void T39_a_checkout_names_only_what_is_in_it(void **state)
{
    (void)state;
    mkdir(at("inside"), 0755);
    assert_int_equal(symlink("/etc", at("out")), 0);
    assert_int_equal(symlink("/nowhere/at/all", at("dangling")), 0);
    static const struct {
        const char *path;
        bool good;
    } rows[] = {
        {"a.yaml", true},       {"./inside/new/a.json", true},  {"inside/../a.yaml", true},
        {"../a.yaml", false},   {"inside/../../a.yaml", false}, {"new/../../a.yaml", false},
        {"/etc/passwd", false}, {"out/passwd", false},          {"out/new.json", false},
        {"dangling", false},    {"dangling/a", false},          {"..", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        static const char *const places[] = {"services: [%s]\n",
                                             "accounts: [{email: a@x.example, key: %s}]\n",
                                             "policies: {orders: %s}\n"};
        for (size_t k = 0; k < ARRAY_LEN(places); k++) {
            char line[256], content[512];
            err e = ERR_INIT;
            const home_project *p;
            // Each is a fixed text of the table above.
            size_t before = (size_t)(strchr(places[k], '%') - places[k]);
            snprintf(line, sizeof(line), "%.*s%s%s", (int)before, places[k], rows[i].path,
                     places[k] + before + 2);
            snprintf(content, sizeof(content), ID "%s", line);
            code c = project_load(&mem, write_project(content), NULL, &p, &e);
            if ((c == HOME_UNTRUSTED) == rows[i].good || (c == HOME_UNTRUSTED && e.line != 2))
                fail_msg("%s: %s: %s", content, code_id(c), e.msg);
            if (c == HOME_UNTRUSTED)
                assert_mentions(
                    e.hint, arena_printf(&mem, "gatepost trust file %s", at("gatepost.yaml")).ptr);
        }
    }
}

static void T39_a_credential_file_needs_trust_in_the_very_content(void **state)
{
    (void)state;
    static const char content[] = ID "identities:\n  ci: {key: keys/ci.json}\n";
    const char *path = write_project(content);
    err e = ERR_INIT;
    const home_project *p;
    assert_code(project_load(&mem, path, NULL, &p, &e), HOME_UNTRUSTED);
    assert_int_equal(e.line, 3);
    assert_mentions(e.msg, "identities.ci.key");
    trust_store *s = trusting(path);
    p = load(path, s);
    assert_true(p->trusted);
    assert_string_equal(p->identities[0].key, at("keys/ci.json"));
    // One byte more is another file.
    write_project(ID "identities:\n  ci: {key: keys/ci.json}\n ");
    assert_int_equal(project_load(&mem, path, s, &p, NULL), HOME_UNTRUSTED);
    write_project(content);
    assert_true(load(path, s)->trusted);
    trust_store_free(s);
}

static void a_trusted_file_may_name_other_places(void **state)
{
    (void)state;
    const char *path = write_project(ID "services: [../shared/a.yaml, /srv/b.yaml]\n"
                                        "identities: {ci: {key: keys/ci.json}}\n");
    trust_store *s = trusting(path);
    const home_project *p = load(path, s);
    assert_string_equal(p->services[0], at("../shared/a.yaml"));
    assert_string_equal(p->services[1], "/srv/b.yaml");
    assert_string_equal(p->identities[0].key, at("keys/ci.json"));
    trust_store_free(s);
}

// ---- the person's own ---------------------------------------------------------------------------

static void the_users_config_is_trusted(void **state)
{
    (void)state;
    const char *dir;
    const home_project *p;
    err e = ERR_INIT;
    assert_int_equal(home_path(HOME_CONFIG, true, &mem, &dir, NULL), OK);
    assert_code(home_user_config(&mem, &p, &e), OK);
    assert_null(p->path);
    assert_true(p->trusted);
    const char *path = arena_printf(&mem, "%s/config.yaml", dir).ptr;
    put_file(path, "trust: [abc123xyz0]\nidentities: {ci: {key: ci.json}}\n", 0644);
    assert_code(home_user_config(&mem, &p, &e), OK);
    assert_string_equal(p->path, path);
    assert_strz(p->trust[0], "abc123xyz0");
    assert_string_equal(p->identities[0].key, arena_printf(&mem, "%s/ci.json", dir).ptr);
    put_file(path, "", 0600);
    assert_code(home_user_config(&mem, &p, &e), OK);
    put_file(path, "trust: []\n", 0666); // somebody else could have said so
    assert_code(home_user_config(&mem, &p, &e), HOME_FILE);
    put_file(path, "\nservices: []\n", 0600);
    e = ERR_INIT;
    assert_code(home_user_config(&mem, &p, &e), DATA_UNKNOWN); // a project's business
    assert_int_equal(e.line, 2);
    unlink(path);
    put_file(at("dotfiles.yaml"), "trust: [abc123xyz0]\n", 0600);
    assert_int_equal(symlink(at("dotfiles.yaml"), path), 0);
    assert_code(home_user_config(&mem, &p, &e), OK);
    assert_int_equal(p->trust_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_nearest_file_upwards_counts),
        TEST(a_file_or_its_folder_can_be_named),
        TEST(without_a_file_there_are_defaults),
        TEST(the_example_loads),
        TEST(every_section_is_read),
        TEST(pools_and_policies_of_accounts_are_read),
        TEST(a_malformed_pool_is_an_error_with_its_place),
        TEST(number_and_hash_follow_from_the_id),
        TEST(mistakes_are_told_with_their_place),
        TEST(T50_files_that_explode_are_refused),
        TEST(T39_a_checkout_names_only_what_is_in_it),
        TEST(T39_a_credential_file_needs_trust_in_the_very_content),
        TEST(a_trusted_file_may_name_other_places),
        TEST(the_users_config_is_trusted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
