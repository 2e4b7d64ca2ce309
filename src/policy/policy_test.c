// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"

#include "data/data.h"
#include "policy/policy.h"

static role_set *roles;
static arena memory;

static int set_up(void **state)
{
    (void)state;
    roles = role_set_new();
    arena_init(&memory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    role_set_free(roles);
    arena_deinit(&memory);
    return 0;
}

static policy *loaded(const char *text)
{
    policy *p = NULL;
    err e = ERR_INIT;
    if (policy_load_text(str_from(text), "p.yaml", roles, &p, &e) != OK)
        fail_msg("%u:%u: %s", e.line, e.col, e.msg);
    return p;
}

static const char orders[] = "bindings:\n"
                             "- role: roles/run.viewer\n"
                             "  members: ['user:jane@example.com']\n"
                             "- role: roles/run.invoker\n"
                             "  members:\n"
                             "  - serviceAccount:tester@p.iam.gserviceaccount.com\n"
                             "  - group:ops@example.com\n"
                             "- role: roles/made.up\n"
                             "  members: [allUsers]\n";

static decision decide(const policy *p, const char *who, const char *permission)
{
    principal *caller = ARENA_NEW(&memory, principal);
    assert_code(principal_parse(str_from(who), &memory, caller, NULL), OK);
    policy_query q = {.who = caller,
                      .authenticated = caller->kind != PRINCIPAL_ANONYMOUS,
                      .permission = str_from(permission),
                      .resource = STR("services/orders")};
    decision d;
    policy_decide(p, &q, &memory, &d);
    assert_int_equal(d.allowed, policy_allows(p, &q));
    return d;
}

static void T24_the_decision_table(void **state)
{
    (void)state;
    static const struct {
        const char *who, *permission;
        bool allowed;
    } rows[] = {
        {"serviceAccount:tester@p.iam.gserviceaccount.com", "run.routes.invoke", true},
        {"serviceAccount:tester@p.iam.gserviceaccount.com", "run.jobs.run", true},
        {"serviceAccount:tester@p.iam.gserviceaccount.com", "run.services.get", false},
        {"serviceAccount:stranger@p.iam.gserviceaccount.com", "run.routes.invoke", false},
        {"user:tester@p.iam.gserviceaccount.com", "run.routes.invoke", false},
        {"user:jane@example.com", "run.routes.invoke", false},
        {"user:jane@example.com", "run.services.get", true},
        {"allUsers", "run.routes.invoke", false},
        {"allUsers", "made.up.thing", false}, // a role that nobody knows grants nothing
    };
    policy *p = loaded(orders);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_row(i, decide(p, rows[i].who, rows[i].permission).allowed == rows[i].allowed);
    policy_unref(p);
}

static void an_allowed_call_is_explained_by_its_binding(void **state)
{
    (void)state;
    policy *p = loaded(orders);
    decision d = decide(p, "serviceAccount:tester@p.iam.gserviceaccount.com", "run.routes.invoke");
    assert_int_equal(d.reason_count, 1);
    assert_int_equal(d.reasons[0].outcome, BINDING_GRANTS);
    assert_str(d.reasons[0].role, STR("roles/run.invoker"));
    assert_str(d.reasons[0].member, STR("serviceAccount:tester@p.iam.gserviceaccount.com"));
    assert_int_equal(d.reasons[0].line, 4);
    policy_unref(p);
}

static void a_refused_call_is_explained_by_all_bindings(void **state)
{
    (void)state;
    policy *p = loaded(orders);
    decision d = decide(p, "user:tester@p.iam.gserviceaccount.com", "run.routes.invoke");
    assert_int_equal(d.reason_count, 3);
    assert_int_equal(d.reasons[0].outcome, BINDING_ROLE_LACKS);
    assert_int_equal(d.reasons[1].outcome, BINDING_NO_MEMBER);
    assert_str(d.reasons[1].member, STR("serviceAccount:tester@p.iam.gserviceaccount.com"));
    assert_true(str_find(d.reasons[1].near_miss, STR("the caller is a user")) == 0);
    assert_int_equal(d.reasons[2].outcome, BINDING_ROLE_UNKNOWN);
    policy_unref(p);
}

static void a_group_grants_to_whom_it_holds(void **state)
{
    (void)state;
    static const str ops[] = {{"ops@example.com", 15}};
    policy *p = loaded(orders);
    principal jane = {.kind = PRINCIPAL_USER, .email = STR("jane@example.com")};
    policy_query q = {.who = &jane, .authenticated = true, .permission = PERMISSION_INVOKE};
    assert_false(policy_allows(p, &q));
    jane.groups = ops;
    jane.group_count = 1;
    assert_true(policy_allows(p, &q));
    policy_unref(p);
}

static void joined_policies_grant_what_either_grants(void **state)
{
    (void)state;
    policy *project = loaded("bindings: [{role: roles/run.invoker, members: ['user:a@x.com']}]");
    policy *service = loaded(orders), *both = policy_join(project, service);
    policy_unref(project); // the joined one keeps them
    policy_unref(service);
    assert_int_equal(policy_binding_count(both), 4);
    assert_true(decide(both, "user:a@x.com", "run.routes.invoke").allowed);
    decision d =
        decide(both, "serviceAccount:tester@p.iam.gserviceaccount.com", "run.routes.invoke");
    assert_true(d.allowed);
    assert_int_equal(d.reasons[0].line, 4); // of its own file
    assert_false(decide(both, "user:jane@example.com", "run.routes.invoke").allowed);
    policy_unref(both);
}

static void an_empty_policy_grants_nothing(void **state)
{
    (void)state;
    static const char *const empty[] = {"{}", "{\"etag\":\"ACAB\"}", "bindings: []", "bindings:\n",
                                        "bindings: [{role: roles/run.invoker, members: []}]"};
    for (size_t i = 0; i < ARRAY_LEN(empty); i++) {
        policy *p = loaded(empty[i]);
        assert_row(i, !decide(p, "user:jane@example.com", "run.routes.invoke").allowed);
        policy_unref(p);
    }
    policy *p = policy_new(roles);
    assert_false(decide(p, "allUsers", "run.routes.invoke").allowed);
    policy_unref(p);
}

static void what_is_not_understood_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        code want;
        uint32_t line, col;
        const char *says;
    } rows[] = {
        {"", POLICY_INVALID, 0, 0, "must be"},
        {"[]", POLICY_INVALID, 1, 1, "must be"},
        {"bindings: {}", POLICY_INVALID, 1, 11, "bindings"},
        {"binding: []", POLICY_INVALID, 1, 0, "binding"},
        {"bindings:\n- 7", POLICY_INVALID, 2, 3, "bindings[0]"},
        {"bindings:\n- role: roles/x", POLICY_INVALID, 2, 3, "members"},
        {"bindings:\n- members: []", POLICY_INVALID, 2, 3, "role"},
        {"bindings:\n- role: ''\n  members: []", POLICY_INVALID, 2, 9, "role"},
        {"bindings:\n- role: 5\n  members: []", POLICY_INVALID, 2, 9, "role"},
        {"bindings:\n- role: roles/x\n  members: allUsers", POLICY_INVALID, 3, 12, "members"},
        {"bindings:\n- role: roles/x\n  members:\n  - 5", POLICY_INVALID, 4, 5, "members[0]"},
        {"bindings:\n- role: roles/x\n  members:\n  - jane@example.com", IAM_MEMBER, 4, 5,
         "isn't a member"},
        {"bindings:\n- role: roles/x\n  member: []", POLICY_INVALID, 3, 0, "member"},
        {"version: 2", POLICY_INVALID, 1, 10, "must be 1 or 3"},
        {"version: x", POLICY_INVALID, 1, 10, "version"},
        {"etag: 5", POLICY_INVALID, 1, 7, "etag"},
        {"auditConfigs: 5", POLICY_INVALID, 1, 15, "auditConfigs"},
        {"auditConfigs:\n- service: s", POLICY_INVALID, 2, 3, "auditLogConfigs"},
        {"auditConfigs:\n- service: s\n  auditLogConfigs: [{}]", POLICY_INVALID, 3, 21, "logType"},
        {"{\"bindings\":[],\"bindings\":[]}", DATA_DUPLICATE, 1, 0, "bindings"},
        {"{\"bindings\":", DATA_SYNTAX, 1, 0, ""},
        {"bindings: [", DATA_SYNTAX, 0, 0, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        policy *p = NULL;
        err e = ERR_INIT;
        code c = policy_load_text(str_from(rows[i].text), "p.yaml", roles, &p, &e);
        bool placed =
            (!rows[i].line || e.line == rows[i].line) && (!rows[i].col || e.col == rows[i].col);
        if (c != rows[i].want || e.code != c || !placed || !strstr(e.msg, rows[i].says))
            fail_msg("%s: [%s] %u:%u: %s", rows[i].text, code_id(c), e.line, e.col, e.msg);
        assert_row(i, strcmp(e.file, "p.yaml") == 0);
    }
}

static void T50_a_policy_has_limits(void **state)
{
    (void)state;
    buf text;
    buf_init(&text, 4 << 20);
    buf_addz(&text, "{\"bindings\":[");
    for (int i = 0; i <= POLICY_BINDINGS_MAX; i++)
        buf_addf(&text, "%s{\"role\":\"roles/x\",\"members\":[]}", i ? "," : "");
    buf_addz(&text, "]}");
    policy *p = NULL;
    err e = ERR_INIT;
    assert_code(policy_load_text(buf_str(&text), "p", roles, &p, &e), POLICY_INVALID);
    assert_non_null(strstr(e.msg, "at most 1500 bindings"));
    buf_reset(&text);
    buf_addz(&text, "{\"bindings\":[{\"role\":\"roles/x\",\"members\":[");
    for (int i = 0; i <= POLICY_MEMBERS_MAX; i++)
        buf_addf(&text, "%s\"user:%d@x.org\"", i ? "," : "", i);
    buf_addz(&text, "]}]}");
    assert_code(policy_load_text(buf_str(&text), "p", roles, &p, &e), POLICY_INVALID);
    assert_non_null(strstr(e.msg, "at most 20000 members"));
    buf_deinit(&text);
}

static void a_policy_is_printed_as_gcloud_prints_it(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"{}", "{\"etag\":\"ACAB\"}"},
        {"{\"bindings\":[{\"role\":\"roles/run.invoker\",\"members\":[\"user:A@x.org\"]}],"
         "\"etag\":\"BwX=\",\"version\":1}",
         "{\"bindings\":[{\"members\":[\"user:A@x.org\"],\"role\":\"roles/run.invoker\"}],"
         "\"etag\":\"BwX=\",\"version\":1}"},
        {"{\"auditConfigs\":[{\"service\":\"s\",\"auditLogConfigs\":[{\"logType\":\"DATA_READ\"}]}]"
         "}",
         "{\"auditConfigs\":[{\"service\":\"s\",\"auditLogConfigs\":[{\"logType\":\"DATA_READ\"}]}]"
         ","
         "\"etag\":\"ACAB\"}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        policy *p = loaded(rows[i].in);
        buf out;
        buf_init(&out, 8192);
        jout w = jout_new(&out, JSON_COMPACT);
        policy_json(p, &w, NULL);
        assert_string_equal(buf_cstr(&out), rows[i].out);
        buf_deinit(&out);
        policy_unref(p);
    }
}

// ---- explain

static char *write_file(const char *text)
{
    static char path[64];
    snprintf(path, sizeof(path), "/tmp/gatepost-policy-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *f = fdopen(fd, "w");
    fputs(text, f);
    fclose(f);
    return path;
}

static void explain_answers_for_a_caller_without_a_call(void **state)
{
    (void)state;
    json *groups = NULL;
    assert_code(json_parse(&memory, STR("{\"ops@example.com\":[\"user:jane@example.com\"]}"), NULL,
                           &groups, NULL),
                OK);
    char *path = write_file(orders);
    const struct {
        const char *who;
        const json *groups;
        bool as_json;
        bool allowed;
        const char *says;
    } rows[] = {
        {"serviceAccount:tester@p.iam.gserviceaccount.com", NULL, false, true,
         "allowed: serviceAccount:tester@p.iam.gserviceaccount.com has run.routes.invoke"},
        {"user:jane@example.com", NULL, false, false,
         "fix: bind user:jane@example.com to roles/run.invoker"},
        {"user:jane@example.com", groups, false, true, "group:ops@example.com"},
        {"user:jane@example.com", NULL, true, false, "\"allowed\": false"},
        {"allUsers", NULL, false, false, "anybody lacks run.routes.invoke"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        policy_explain x = {.path = path,
                            .principal = str_from(rows[i].who),
                            .groups = rows[i].groups,
                            .as_json = rows[i].as_json};
        buf out;
        buf_init(&out, 1 << 16);
        bool allowed = !rows[i].allowed;
        assert_code(policy_command_explain(&x, &out, &allowed, NULL), OK);
        assert_row(i, allowed == rows[i].allowed);
        if (!strstr(buf_cstr(&out), rows[i].says))
            fail_msg("row %zu: %s", i, buf_cstr(&out));
        buf_deinit(&out);
    }
    policy_explain x = {.path = path, .principal = STR("domain:example.com")};
    bool allowed;
    assert_code(policy_command_explain(&x, NULL, &allowed, NULL), IAM_MEMBER);
    remove(path);
    assert_code(policy_command_explain(&x, NULL, &allowed, NULL), DATA_FILE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(T24_the_decision_table),
        cmocka_unit_test(an_allowed_call_is_explained_by_its_binding),
        cmocka_unit_test(a_refused_call_is_explained_by_all_bindings),
        cmocka_unit_test(a_group_grants_to_whom_it_holds),
        cmocka_unit_test(joined_policies_grant_what_either_grants),
        cmocka_unit_test(an_empty_policy_grants_nothing),
        cmocka_unit_test(what_is_not_understood_is_refused_with_its_place),
        cmocka_unit_test(T50_a_policy_has_limits),
        cmocka_unit_test(a_policy_is_printed_as_gcloud_prints_it),
        cmocka_unit_test(explain_answers_for_a_caller_without_a_call),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
