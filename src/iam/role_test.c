// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"

#include "iam/iam.h"

static void predefined_roles_permit_what_google_says(void **state)
{
    (void)state;
    static const struct {
        const char *role, *permission;
        bool permits;
    } rows[] = {
        {"roles/run.invoker", "run.routes.invoke", true},
        {"roles/run.invoker", "run.jobs.run", true},
        {"roles/run.invoker", "run.services.get", false},
        {"roles/run.servicesInvoker", "run.routes.invoke", true},
        {"roles/run.servicesInvoker", "run.jobs.run", false},
        {"roles/run.admin", "run.routes.invoke", true},
        {"roles/run.admin", "run.services.setIamPolicy", true},
        {"roles/run.developer", "run.routes.invoke", false},
        {"roles/run.viewer", "run.routes.invoke", false},
        {"roles/owner", "run.routes.invoke", true},
        {"roles/editor", "run.routes.invoke", true},
        {"roles/editor", "run.services.setIamPolicy", false},
        {"roles/editor", "iam.serviceAccounts.getAccessToken", false},
        {"roles/viewer", "run.routes.invoke", false},
        {"roles/iam.serviceAccountTokenCreator", "iam.serviceAccounts.getAccessToken", true},
        {"roles/iam.serviceAccountTokenCreator", "iam.serviceAccounts.getOpenIdToken", true},
        {"roles/iam.serviceAccountTokenCreator", "iam.serviceAccounts.signBlob", true},
        {"roles/iam.serviceAccountTokenCreator", "iam.serviceAccounts.signJwt", true},
        {"roles/iam.serviceAccountTokenCreator", "iam.serviceAccounts.actAs", false},
        {"roles/iam.serviceAccountOpenIdTokenCreator", "iam.serviceAccounts.getAccessToken", false},
        {"roles/iam.workloadIdentityUser", "iam.serviceAccounts.getAccessToken", true},
        {"roles/iam.serviceAccountUser", "iam.serviceAccounts.getAccessToken", false},
        {"roles/browser", "resourcemanager.projects.get", true},
        {"roles/browser", "run.services.get", false},
        {"roles/run.viewer", "resourcemanager.projects.get", true},
        {"roles/iam.serviceAccountKeyAdmin", "resourcemanager.projects.get", true},
        {"roles/run.invoker", "resourcemanager.projects.get", false},
        {"roles/run.invoke", "run.routes.invoke", false},
        {"roles/run.invoker", "run.routes.invoke2", false},
        {"roles/run.invoker", "run.routes", false},
        {"roles/run.invoker", "", false},
    };
    role_set *r = role_set_new();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_row(i, role_permits(r, str_from(rows[i].role), str_from(rows[i].permission)) ==
                          rows[i].permits);
    role_set_free(r);
}

static void a_projects_own_role_is_added_once(void **state)
{
    (void)state;
    role_set *r = role_set_new();
    const str permissions[] = {STR("mcp.tools.list"), STR("mcp.tools.call")};
    const str name = STR("roles/mcp.reader");
    assert_false(role_known(r, name));
    assert_code(role_set_add(r, name, permissions, 2, NULL), OK);
    assert_true(role_known(r, name));
    assert_true(role_permits(r, name, STR("mcp.tools.call")));
    assert_false(role_permits(r, name, STR("mcp.tools.delete")));
    assert_code(role_set_add(r, name, permissions, 2, NULL), IAM_ROLE);
    assert_code(role_set_add(r, STR("roles/run.invoker"), permissions, 2, NULL), IAM_ROLE);
    assert_code(role_set_add(r, STR("projects/p/roles/x"), permissions, 0, NULL), OK);
    role_set_free(r);
}

static void malformed_roles_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"",
                                        "x",
                                        "roles/",
                                        "roles/a b",
                                        "Roles/x",
                                        "roles/x/y",
                                        "projects/p",
                                        "projects//roles/x",
                                        "projects/p/roles/",
                                        "projects/p/role/x",
                                        "folders/1/roles/x"};
    static const char *const permissions[] = {"", "*", "invoke", "run.*", "a b.c"};
    role_set *r = role_set_new();
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_row(i, role_set_add(r, str_from(names[i]), NULL, 0, NULL) == IAM_ROLE);
    for (size_t i = 0; i < ARRAY_LEN(permissions); i++) {
        str p = str_from(permissions[i]);
        assert_row(i, role_set_add(r, STR("roles/x"), &p, 1, NULL) == IAM_ROLE);
        assert_row(i, !role_known(r, STR("roles/x")));
    }
    role_set_free(r);
}

static void hints_name_the_narrowest_usual_role(void **state)
{
    (void)state;
    assert_string_equal(role_for(STR("run.routes.invoke")), "roles/run.invoker");
    assert_string_equal(role_for(STR("iam.serviceAccounts.getOpenIdToken")),
                        "roles/iam.serviceAccountOpenIdTokenCreator");
    assert_string_equal(role_for(STR("iam.serviceAccounts.signJwt")),
                        "roles/iam.serviceAccountTokenCreator");
    assert_null(role_for(STR("storage.objects.get")));
    assert_true(role_basic(STR("roles/editor")));
    assert_false(role_basic(STR("roles/run.admin")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(predefined_roles_permit_what_google_says),
        cmocka_unit_test(a_projects_own_role_is_added_once),
        cmocka_unit_test(malformed_roles_are_refused),
        cmocka_unit_test(hints_name_the_narrowest_usual_role),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
