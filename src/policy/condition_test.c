// SPDX-License-Identifier: Apache-2.0
// Bindings with conditions: what loads, what is granted, and how a refusal explains itself.
#include <unistd.h>

#include "base/test.h"
#include "cel/cel_json.h"
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

// A policy that lets jane call under the condition.
static str policy_text(const char *expression)
{
    buf b;
    buf_init(&b, 64 << 10);
    buf_addz(
        &b,
        "{\"bindings\":[{\"role\":\"roles/run.invoker\",\"members\":[\"user:jane@example.com\"],"
        "\"condition\":{\"title\":\"test\",\"expression\":");
    buf_add_json(&b, str_from(expression));
    buf_addz(&b, "}}],\"version\":3}");
    str text = arena_str(&memory, buf_str(&b));
    buf_deinit(&b);
    return text;
}

static policy *loaded(const char *expression)
{
    policy *p = NULL;
    err e = ERR_INIT;
    if (policy_load_text(policy_text(expression), "p.json", roles, &p, &e))
        fail_msg("%s: %s", expression, e.msg);
    return p;
}

// A call as somebody describes it: the attributes as JSON, and the time.
static bool find(void *call, str name, arena *a, cel_value *ret)
{
    json *root;
    if (str_eq(name, STR("request.time"))) {
        *ret = cel_timestamp(1800000000, 0); // a Friday, 08:00 in UTC
        return true;
    }
    assert_code(json_parse(a, str_from(call), NULL, &root, NULL), OK);
    const json *v = json_gets(root, name);
    if (v)
        *ret = cel_from_json(a, v);
    return v != NULL;
}

#define CALL                                                                                       \
    "{\"request.path\":\"/admin/users\",\"request.host\":\"orders.example.com\","                  \
    "\"request.method\":\"GET\",\"request.headers\":{\"x-team\":\"a\"},\"source.ip\":\"10.1.2."    \
    "3\","                                                                                         \
    "\"destination.port\":8080,\"request.auth.claims\":{\"amr\":[\"mfa\"]},"                       \
    "\"iam.googleapis.com/modifiedGrantsByRole\":[\"roles/run.invoker\"]}"

static decision decide(const policy *p, const char *call)
{
    static const str groups[] = {{"ops@example.com", 15}};
    static const principal jane = {.kind = PRINCIPAL_USER,
                                   .email = {"jane@example.com", 16},
                                   .groups = groups,
                                   .group_count = 1};
    const cel_activation activation = {.lookup = find, .ctx = (void *)(uintptr_t)call};
    policy_query q = {.who = &jane,
                      .authenticated = true,
                      .permission = PERMISSION_INVOKE,
                      .resource = STR("projects/p/locations/us-central1/services/orders"),
                      .call = call ? &activation : NULL};
    decision d;
    policy_decide(p, &q, &memory, &d);
    assert_int_equal(d.allowed, policy_allows(p, &q));
    return d;
}

static void each_attribute_can_be_asked_for(void **state)
{
    static const struct {
        const char *expression;
        binding_outcome outcome;
    } rows[] = {
        {"true", BINDING_GRANTS},
        {"request.time < timestamp('2030-01-01T00:00:00Z')", BINDING_GRANTS},
        {"request.time < timestamp('2020-01-01T00:00:00Z')", BINDING_CONDITION_FALSE},
        {"request.time.getHours('Europe/Berlin') == 9 && request.time.getDayOfWeek() == 5",
         BINDING_GRANTS},
        {"resource.name == 'projects/p/locations/us-central1/services/orders'", BINDING_GRANTS},
        {"resource.name.extract('services/{name}') == 'orders'", BINDING_GRANTS},
        {"resource.type == 'run.googleapis.com/Service'", BINDING_GRANTS},
        {"resource.service == 'run.googleapis.com'", BINDING_GRANTS},
        {"resource.service == 'iam.googleapis.com'", BINDING_CONDITION_FALSE},
        {"resource.matchTag('123/env', 'prod') || resource.hasTagKey('123/env')",
         BINDING_CONDITION_FALSE},
        {"request.path.startsWith('/admin/')", BINDING_GRANTS},
        {"request.path == '/'", BINDING_CONDITION_FALSE},
        {"request.host == 'orders.example.com' && request.method == 'GET'", BINDING_GRANTS},
        {"request.headers['x-team'] == 'a'", BINDING_GRANTS},
        {"request.headers['x-absent'] == 'a'", BINDING_CONDITION_FAILED},
        {"cidr('10.0.0.0/8').containsIP(source.ip)", BINDING_GRANTS},
        {"destination.port == 8080", BINDING_GRANTS},
        {"destination.ip == '10.0.0.1'", BINDING_CONDITION_FAILED}, // unknown
        {"'mfa' in request.auth.claims.amr", BINDING_GRANTS},
        {"request.auth.claims.acr == 'x'", BINDING_CONDITION_FAILED},
        {"request.auth.principal == 'user:jane@example.com'", BINDING_GRANTS},
        {"'ops@example.com' in request.auth.groups", BINDING_GRANTS},
        {"'accessPolicies/1/accessLevels/office' in request.auth.access_levels",
         BINDING_CONDITION_FALSE},
        {"principal.type == 'iam.googleapis.com/WorkspaceIdentity'", BINDING_GRANTS},
        {"principal.subject == 'jane@example.com'", BINDING_GRANTS},
        {"api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', [])"
         ".hasOnly(['roles/run.invoker'])",
         BINDING_GRANTS},
        {"request.path.matches('(a*)*b')", BINDING_CONDITION_FALSE},
        {"1 / 0 == 1", BINDING_CONDITION_FAILED},
        {"1 / 0 == 1 || true", BINDING_GRANTS},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        policy *p = loaded(rows[i].expression);
        decision d = decide(p, CALL);
        if (d.reasons[0].outcome != rows[i].outcome)
            fail_msg("%s: %s", rows[i].expression, binding_outcome_name(d.reasons[0].outcome));
        policy_unref(p);
    }
}

static void what_nobody_knows_of_a_call_grants_nothing(void **state)
{
    (void)state;
    policy *p = loaded("request.path != '/admin'");
    decision d = decide(p, NULL);
    assert_int_equal(d.reasons[0].outcome, BINDING_CONDITION_FAILED);
    policy_unref(p);
}

// A condition that costs too much ends, and grants nothing.
static void T50_a_condition_has_limits(void **state)
{
    (void)state;
    policy *p =
        loaded("['a','b','c','d','e','f','g','h'].all(a, ['a','b','c','d','e','f','g','h'].all(b, "
               "['a','b','c','d','e','f','g','h'].all(c, ['a','b','c','d','e','f','g','h'].all(d, "
               "['a','b','c','d','e','f','g','h'].all(e, ['a','b','c','d','e','f','g','h'].all(f, "
               "['a','b','c','d','e','f','g','h'].all(g, a + b + c + d + e + f + g != '')))))))");
    decision d = decide(p, CALL);
    assert_int_equal(d.reasons[0].outcome, BINDING_CONDITION_FAILED);
    policy_unref(p);
}

static void a_refusal_tells_which_condition_and_why(void **state)
{
    static const struct {
        const char *expression, *says;
    } rows[] = {
        {"request.path == '/'",
         "roles/run.invoker (line 1): it covers the caller, but its condition \"test\" isn't met: "
         "request.path == '/'"},
        {"request.headers['x-absent'] == 'a'", "can't be evaluated (no such key"},
        {"destination.ip == ''", "the variable 'destination.ip' has no value"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        policy *p = loaded(rows[i].expression);
        decision d = decide(p, CALL);
        buf text;
        buf_init(&text, 8192);
        decision_text(&d, &text);
        if (!strstr(buf_cstr(&text), rows[i].says))
            fail_msg("row %zu: %s", i, buf_cstr(&text));
        buf_reset(&text);
        jout w = jout_new(&text, JSON_COMPACT);
        decision_json(&d, &w, NULL);
        assert_non_null(strstr(buf_cstr(&text), "\"condition\":\"test\",\"expression\":"));
        buf_deinit(&text);
        policy_unref(p);
    }
}

static void a_grant_names_its_condition(void **state)
{
    (void)state;
    policy *p = loaded("true");
    decision d = decide(p, CALL);
    buf text;
    buf_init(&text, 8192);
    decision_summary(&d, &text);
    assert_non_null(strstr(buf_cstr(&text), "by roles/run.invoker under its condition \"test\""));
    buf_deinit(&text);
    policy_unref(p);
}

#define BINDING "bindings:\n- role: roles/run.invoker\n  members: ['user:jane@example.com']\n  "

static void a_condition_that_cannot_stand_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *text;
        code want;
        uint32_t line, col;
        const char *says, *hint;
    } rows[] = {
        {BINDING "condition: 5", POLICY_INVALID, 4, 14, "must be an object", ""},
        {BINDING "condition: {title: t}", POLICY_INVALID, 4, 14, "expression", ""},
        {BINDING "condition: {expression: 'true'}", POLICY_INVALID, 4, 14, "title", ""},
        {BINDING "condition: {title: '', expression: 'true'}", POLICY_CONDITION, 4, 22, "1 to 100",
         ""},
        {BINDING "condition: {title: t, expresion: 'true'}", POLICY_INVALID, 4, 25, "expresion",
         "expression"},
        {BINDING "condition: {title: office, expression: 'request.pth == 1'}", CEL_NAME, 4, 42,
         "at 1:1 of \"office\": there is no variable 'request.pth'",
         "did you mean 'request.path'?"},
        {BINDING "condition: {title: t, expression: 'request.path == 1'}", CEL_TYPED, 4, 37,
         "at 1:14", ""},
        {BINDING "condition: {title: t, expression: 'request.path'}", CEL_TYPED, 4, 37, "bool", ""},
        {BINDING "condition: {title: t, expression: 'true &&'}", CEL_SYNTAX, 4, 37, "", ""},
        {BINDING "condition: {title: t, expression: 'true'}\nversion: 1", POLICY_CONDITION, 5, 10,
         "must be 3", "write version: 3"},
        {"bindings:\n- role: roles/run.invoker\n  members: [allUsers]\n  condition: {title: t, "
         "expression: 'true'}",
         POLICY_CONDITION, 4, 14, "to everybody", "name the callers"},
        {"bindings:\n- role: roles/owner\n  members: []\n  condition: {title: t, expression: "
         "'true'}",
         POLICY_CONDITION, 4, 14, "basic role", "run.invoker"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        policy *p = NULL;
        err e = ERR_INIT;
        code c = policy_load_text(str_from(rows[i].text), "p.yaml", roles, &p, &e);
        if (c != rows[i].want || e.code != c || e.line != rows[i].line || e.col != rows[i].col ||
            !strstr(e.msg, rows[i].says) || !strstr(e.hint, rows[i].hint))
            fail_msg("%s: [%s] %u:%u: %s (%s)", rows[i].text, code_id(c), e.line, e.col, e.msg,
                     e.hint);
    }
}

static void T50_a_policy_has_at_most_100_conditions(void **state)
{
    buf text;
    policy *p = NULL;
    err e = ERR_INIT;
    (void)state;
    buf_init(&text, 1 << 20);
    buf_addz(&text, "{\"bindings\":[");
    for (int i = 0; i <= POLICY_CONDITIONS_MAX; i++)
        buf_addf(&text,
                 "%s{\"role\":\"roles/x\",\"members\":[],\"condition\":{\"title\":\"t\","
                 "\"expression\":\"true\"}}",
                 i ? "," : "");
    buf_addz(&text, "]}");
    assert_code(policy_load_text(buf_str(&text), "p", roles, &p, &e), POLICY_CONDITION);
    assert_non_null(strstr(e.msg, "at most 100 conditions"));
    buf_deinit(&text);
}

static void a_conditional_policy_is_printed_as_version_3(void **state)
{
    (void)state;
    policy *p = loaded("true"), *none = policy_new(roles), *both = policy_join(none, p);
    policy *const all[] = {p, both};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        buf out;
        buf_init(&out, 8192);
        jout w = jout_new(&out, JSON_COMPACT);
        policy_json(all[i], &w, NULL);
        assert_string_equal(
            buf_cstr(&out),
            "{\"bindings\":[{\"members\":[\"user:jane@example.com\"],\"role\":"
            "\"roles/run.invoker\",\"condition\":{\"expression\":\"true\",\"title\":"
            "\"test\"}}],\"etag\":\"ACAB\",\"version\":3}");
        buf_deinit(&out);
    }
    policy_unref(p);
    assert_true(decide(both, CALL).allowed); // which keeps the other's programs
    policy_unref(none);
    policy_unref(both);
}

static void explain_takes_the_call_from_its_reader(void **state)
{
    static const struct {
        const char *expression;
        const char *with[2];
        bool allowed;
        const char *says;
    } rows[] = {
        {"request.path == '/a=b'", {"request.path=/a=b"}, true, "under its condition"},
        {"request.path == '/a'", {"request.path=/b"}, false, "fix: call so that \"test\" is met"},
        {"request.path == '/a'", {NULL}, false, "has no value"},
        {"request.time > timestamp('2020-01-01T00:00:00Z')", {NULL}, true, ""}, // now
        {"request.time > timestamp('2020-01-01T00:00:00Z')",
         {"request.time=2019-01-01T00:00:00Z"},
         false,
         "isn't met"},
        {"destination.port == 443 && request.headers.a == 'b'",
         {"destination.port=443", "request.headers={\"a\":\"b\"}"},
         true,
         ""},
        {"api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly(['roles/a'])",
         {"iam.googleapis.com/modifiedGrantsByRole=[\"roles/b\"]"},
         false,
         "isn't met"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char path[] = "/tmp/gatepost-condition-XXXXXX";
        int fd = mkstemp(path);
        str text = policy_text(rows[i].expression);
        assert_int_equal(write(fd, text.ptr, text.len), (ssize_t)text.len);
        close(fd);
        str with[2] = {str_from(rows[i].with[0]), str_from(rows[i].with[1])};
        policy_explain x = {.path = path,
                            .principal = STR("user:jane@example.com"),
                            .attributes = with,
                            .attribute_count = (with[0].ptr != NULL) + (with[1].ptr != NULL)};
        buf out;
        bool allowed = !rows[i].allowed;
        buf_init(&out, 1 << 16);
        assert_code(policy_command_explain(&x, &out, &allowed, NULL), OK);
        if (allowed != rows[i].allowed || !strstr(buf_cstr(&out), rows[i].says))
            fail_msg("row %zu: %s", i, buf_cstr(&out));
        buf_deinit(&out);
        remove(path);
    }
}

static void explain_refuses_what_is_no_attribute(void **state)
{
    static const struct {
        const char *with, *says;
    } rows[] = {
        {"request.pth=/a", "isn't NAME=VALUE"},       {"request.path", "isn't NAME=VALUE"},
        {"request.time=yesterday", "is a timestamp"}, {"destination.port=http", "is a int"},
        {"request.headers=[]", "is a map"},
    };
    char path[] = "/tmp/gatepost-condition-XXXXXX";
    int fd = mkstemp(path);
    str text = policy_text("true");
    (void)state;
    assert_int_equal(write(fd, text.ptr, text.len), (ssize_t)text.len);
    close(fd);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        str with = str_from(rows[i].with);
        policy_explain x = {.path = path,
                            .principal = STR("user:jane@example.com"),
                            .attributes = &with,
                            .attribute_count = 1};
        bool allowed;
        err e = ERR_INIT;
        assert_row(i, policy_command_explain(&x, NULL, &allowed, &e) == POLICY_ATTRIBUTE);
        assert_row(i, strstr(e.msg, rows[i].says) && e.hint[0]);
    }
    remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_attribute_can_be_asked_for),
        cmocka_unit_test(what_nobody_knows_of_a_call_grants_nothing),
        cmocka_unit_test(T50_a_condition_has_limits),
        cmocka_unit_test(a_refusal_tells_which_condition_and_why),
        cmocka_unit_test(a_grant_names_its_condition),
        cmocka_unit_test(a_condition_that_cannot_stand_is_refused_with_its_place),
        cmocka_unit_test(T50_a_policy_has_at_most_100_conditions),
        cmocka_unit_test(a_conditional_policy_is_printed_as_version_3),
        cmocka_unit_test(explain_takes_the_call_from_its_reader),
        cmocka_unit_test(explain_refuses_what_is_no_attribute),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
