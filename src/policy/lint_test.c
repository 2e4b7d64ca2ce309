// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"

#include "data/data.h"
#include "policy/policy.h"

static void each_rule_finds_its_mistake_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *role, *members;
        const char *rules; // comma-separated, in order
        size_t warnings;
    } rows[] = {
        {"roles/run.invoker", "['serviceAccount:a@p.iam.gserviceaccount.com']", "", 0},
        {"roles/run.invoker", "['user:jane@example.com', 'group:ops@example.com']", "", 0},
        {"roles/run.invoker", "['domain:example.com']", "", 0},
        {"roles/run.invoker", "[allUsers]", "public", 1},
        {"roles/run.invoker", "[allAuthenticatedUsers]", "quasi-public", 1},
        {"roles/run.viewer", "[allAuthenticatedUsers]", "quasi-public", 1},
        {"roles/run.invoker", "['user:a@p.iam.gserviceaccount.com']", "account-as-user", 1},
        {"roles/run.invoker", "['serviceAccount:jane@example.com']", "user-as-account", 1},
        {"roles/run.invoker", "['user:jane@gmail.com']", "personal-account", 0},
        {"roles/run.invoker", "['deleted:user:jane@example.com?uid=1']", "deleted-member", 0},
        {"roles/run.invoker",
         "['principalSet://iam.googleapis.com/locations/global/workforcePools/w/*']", "whole-pool",
         1},
        {"roles/run.invoker",
         "['principalSet://iam.googleapis.com/locations/global/workforcePools/w/group/g']", "", 0},
        {"roles/owner", "['user:jane@example.com']", "basic-role", 1},
        {"roles/run.invoke", "['user:jane@example.com']", "unknown-role", 0},
        {"roles/run.invoker_withcond_5a1b", "['user:jane@example.com']", "lost-condition", 1},
        {"roles/run.invoker", "[]", "empty-binding", 0},
        {"roles/run.invoker", "['user:jane@example.com', 'user:jane@example.com']",
         "duplicate-member", 0},
        {"roles/editor", "[allUsers, allAuthenticatedUsers]", "basic-role,public,quasi-public", 3},
    };
    role_set *roles = role_set_new();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[512];
        snprintf(text, sizeof(text), "bindings: [{role: %s, members: %s}]", rows[i].role,
                 rows[i].members);
        policy *p = NULL;
        arena a;
        arena_init(&a);
        assert_row(i, policy_load_text(str_from(text), "p.yaml", roles, &p, NULL) == OK);
        policy_findings found;
        policy_lint(p, &a, &found);
        buf got;
        buf_init(&got, 1024);
        for (size_t j = 0; j < found.len; j++)
            buf_addf(&got, "%s%s", j ? "," : "", found.ptr[j].rule);
        assert_strz(buf_str(&got), rows[i].rules);
        assert_row(i, found.warnings == rows[i].warnings);
        buf_deinit(&got);
        arena_deinit(&a);
        policy_unref(p);
    }
    role_set_free(roles);
}

static const char exposed[] = "bindings:\n"
                              "- role: roles/run.invoker\n"
                              "  members:\n"
                              "  - user:jane@example.com\n"
                              "  - allAuthenticatedUsers\n"
                              "- role: roles/run.invoker\n"
                              "  members: ['user:jane@example.com']\n";

static char *write_file(const char *text)
{
    static char path[64];
    snprintf(path, sizeof(path), "/tmp/gatepost-lint-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *f = fdopen(fd, "w");
    fputs(text, f);
    fclose(f);
    return path;
}

static void the_report_names_place_rule_and_fix(void **state)
{
    (void)state;
    char *path = write_file(exposed);
    buf out;
    buf_init(&out, 1 << 16);
    bool clean = true;
    assert_code(policy_command_lint(path, false, &out, &clean, NULL), OK);
    assert_false(clean);
    char wanted[2048];
    snprintf(wanted, sizeof(wanted),
             "%s:5:5: warning: roles/run.invoker, allAuthenticatedUsers: everybody with any Google "
             "account has this role: that is as good as public [quasi-public]\n"
             "  fix: grant it to the callers by name, or to domain:YOUR-DOMAIN\n"
             "%s:6:3: note: roles/run.invoker: the role has a binding already [duplicate-binding]\n"
             "  fix: merge the two\n"
             "%s:7:13: note: roles/run.invoker, user:jane@example.com: the member has this role "
             "already [duplicate-member]\n"
             "  fix: remove one of the two\n"
             "1 warning, 2 notes\n",
             path, path, path);
    assert_string_equal(buf_cstr(&out), wanted);
    remove(path);
    buf_deinit(&out);
}

static void the_report_as_json_is_read_by_machines(void **state)
{
    (void)state;
    char *path = write_file(exposed);
    buf out;
    buf_init(&out, 1 << 16);
    bool clean = true;
    assert_code(policy_command_lint(path, true, &out, &clean, NULL), OK);
    arena a;
    arena_init(&a);
    json *root = NULL;
    assert_code(json_parse(&a, buf_str(&out), NULL, &root, NULL), OK);
    const json *first = json_at(json_get(root, "findings"), 0);
    assert_true(json_is_str(json_get(first, "rule"), "quasi-public"));
    assert_true(json_is_str(json_get(first, "severity"), "warning"));
    assert_true(json_is_str(json_get(first, "member"), "allAuthenticatedUsers"));
    assert_int_equal(json_i64_or(json_get(first, "line"), 0), 5);
    assert_int_equal(json_i64_or(json_get(root, "warnings"), 0), 1);
    assert_int_equal(json_i64_or(json_get(root, "notes"), 0), 2);
    arena_deinit(&a);
    remove(path);
    buf_deinit(&out);
}

static void a_clean_policy_says_so(void **state)
{
    (void)state;
    char *path = write_file("bindings: [{role: roles/run.invoker, members: ['user:a@x.org']}]");
    buf out;
    buf_init(&out, 1 << 16);
    bool clean = false;
    assert_code(policy_command_lint(path, false, &out, &clean, NULL), OK);
    assert_true(clean);
    assert_string_equal(buf_cstr(&out), "nothing found\n");
    remove(path);
    assert_code(policy_command_lint(path, false, &out, &clean, NULL), DATA_FILE);
    buf_deinit(&out);
}

static void T48_a_role_cannot_drive_the_terminal(void **state)
{
    (void)state;
    char *path = write_file("{\"bindings\":[{\"role\":\"roles/\\u001b[2J\",\"members\":[]}]}");
    buf out;
    buf_init(&out, 1 << 16);
    bool clean;
    assert_code(policy_command_lint(path, false, &out, &clean, NULL), OK);
    assert_null(memchr(out.ptr, 0x1b, out.len));
    remove(path);
    buf_deinit(&out);
}

static void a_role_under_another_condition_is_no_duplicate(void **state)
{
    static const struct {
        const char *first, *second;
        size_t findings;
    } rows[] = {
        {"true", "false", 0}, {"true", NULL, 0}, {"true", "true", 2}, // the binding and its member
    };
    (void)state;
    role_set *roles = role_set_new();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[512], second[64] = "";
        policy *p = NULL;
        policy_findings found;
        arena a;
        arena_init(&a);
        if (rows[i].second)
            snprintf(second, sizeof(second), ", condition: {title: b, expression: '%s'}",
                     rows[i].second);
        snprintf(text, sizeof(text),
                 "bindings:\n- {role: roles/run.invoker, members: ['user:a@x.org'], condition: "
                 "{title: a, expression: '%s'}}\n"
                 "- {role: roles/run.invoker, members: ['user:a@x.org']%s}",
                 rows[i].first, second);
        assert_row(i, policy_load_text(str_from(text), "p.yaml", roles, &p, NULL) == OK);
        policy_lint(p, &a, &found);
        assert_row(i, found.len == rows[i].findings);
        policy_unref(p);
        arena_deinit(&a);
    }
    role_set_free(roles);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_role_under_another_condition_is_no_duplicate),
        cmocka_unit_test(each_rule_finds_its_mistake_and_nothing_else),
        cmocka_unit_test(the_report_names_place_rule_and_fix),
        cmocka_unit_test(the_report_as_json_is_read_by_machines),
        cmocka_unit_test(a_clean_policy_says_so),
        cmocka_unit_test(T48_a_role_cannot_drive_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
