// SPDX-License-Identifier: Apache-2.0
// Roles: the predefined ones that matter for calling services and minting tokens, with those of
// their permissions that anything here asks about, and the project's own.
#include <stdlib.h>
#include <string.h>

#include "iam/iam.h"

enum { PREDEFINED_PERMISSIONS_MAX = 10, PERMISSIONS_MAX = 3000 };

typedef struct predefined predefined;
struct predefined {
    const char *name;
    const char *permissions[PREDEFINED_PERMISSIONS_MAX]; // NULL-terminated unless full
};

#define SEE_PROJECT "resourcemanager.projects.get"
#define RUN_VIEW SEE_PROJECT, "run.services.get", "run.services.list", "run.services.getIamPolicy"
#define RUN_CALL "run.routes.invoke", "run.jobs.run"
#define MINT "iam.serviceAccounts.getAccessToken", "iam.serviceAccounts.getOpenIdToken"
#define SIGN "iam.serviceAccounts.signBlob", "iam.serviceAccounts.signJwt"
#define KEYS                                                                                       \
    "iam.serviceAccountKeys.create", "iam.serviceAccountKeys.delete",                              \
        "iam.serviceAccountKeys.get", "iam.serviceAccountKeys.list"

// The narrowest first: role_for proposes the first that fits.
static const predefined table[] = {
    {"roles/browser", {SEE_PROJECT}},
    {"roles/run.servicesInvoker", {"run.routes.invoke"}},
    {"roles/run.invoker", {RUN_CALL}},
    {"roles/run.jobsExecutor", {"run.jobs.run"}},
    {"roles/run.viewer", {RUN_VIEW}},
    {"roles/run.developer",
     {RUN_VIEW, "run.services.create", "run.services.update", "run.jobs.run"}},
    {"roles/run.admin",
     {RUN_VIEW, RUN_CALL, "run.services.setIamPolicy", "run.services.create",
      "run.services.update"}},
    {"roles/iam.serviceAccountOpenIdTokenCreator", {"iam.serviceAccounts.getOpenIdToken"}},
    {"roles/iam.workloadIdentityUser", {MINT}},
    {"roles/iam.serviceAccountTokenCreator",
     {MINT, SIGN, "iam.serviceAccounts.implicitDelegation"}},
    {"roles/iam.serviceAccountUser",
     {SEE_PROJECT, "iam.serviceAccounts.actAs", "iam.serviceAccounts.get",
      "iam.serviceAccounts.list"}},
    {"roles/iam.serviceAccountKeyAdmin",
     {SEE_PROJECT, KEYS, "iam.serviceAccountKeys.disable", "iam.serviceAccountKeys.enable",
      "iam.serviceAccounts.get", "iam.serviceAccounts.list"}},
    {"roles/iam.serviceAccountAdmin",
     {SEE_PROJECT, "iam.serviceAccounts.create", "iam.serviceAccounts.delete",
      "iam.serviceAccounts.get", "iam.serviceAccounts.list", "iam.serviceAccounts.setIamPolicy",
      "iam.serviceAccounts.getIamPolicy", "iam.serviceAccounts.disable",
      "iam.serviceAccounts.enable"}},
    {"roles/policyanalyzer.activityAnalyzer",
     {"policyanalyzer.serviceAccountKeyLastAuthenticationActivities.query"}},
    {"roles/viewer", {RUN_VIEW, "iam.serviceAccounts.get", "iam.serviceAccounts.list"}},
    {"roles/editor",
     {RUN_VIEW, RUN_CALL, "run.services.update", "iam.serviceAccounts.actAs",
      "iam.serviceAccountKeys.create"}},
    {"roles/owner",
     {RUN_VIEW, RUN_CALL, "run.services.setIamPolicy", "iam.serviceAccounts.actAs",
      "iam.serviceAccounts.setIamPolicy"}},
};

typedef struct role role;
struct role {
    str *permissions;
    size_t count;
};

struct role_set {
    arena memory;
    map custom; // name → role
};

role_set *role_set_new(void)
{
    role_set *r = NEW(role_set);
    arena_init(&r->memory);
    return r;
}

void role_set_free(role_set *r)
{
    if (!r)
        return;
    map_deinit(&r->custom, NULL);
    arena_deinit(&r->memory);
    free(r);
}

static const predefined *find_predefined(str name)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (str_eq(name, str_from(table[i].name)))
            return &table[i];
    return NULL;
}

static bool predefined_permits(const predefined *p, str permission)
{
    for (size_t i = 0; i < PREDEFINED_PERMISSIONS_MAX && p->permissions[i]; i++)
        if (str_eq(permission, str_from(p->permissions[i])))
            return true;
    return false;
}

// Letters, digits, '.', '_' and '-'.
static bool word(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!ascii_is_alnum(s.ptr[i]) && !memchr("._-", s.ptr[i], 3))
            return false;
    return s.len > 0 && s.len <= 128;
}

// "roles/x", "projects/P/roles/x" or "organizations/N/roles/x".
static bool name_valid(str name)
{
    str head, rest, middle, last;
    if (!str_cut(name, '/', &head, &rest))
        return false;
    if (str_eq(head, STR("roles")))
        return word(rest);
    if (!str_eq(head, STR("projects")) && !str_eq(head, STR("organizations")))
        return false;
    return str_cut(rest, '/', &middle, &rest) && word(middle) && str_cut(rest, '/', &head, &last) &&
           str_eq(head, STR("roles")) && word(last);
}

code role_set_add(role_set *r, str name, const str *permissions, size_t count, err *e)
{
    if (!name_valid(name)) {
        err_set(e, IAM_ROLE, "\"%.*s\" isn't a role's name", name.len < 128 ? (int)name.len : 128,
                name.ptr);
        err_hint(e, "write roles/NAME or projects/PROJECT/roles/NAME");
        return IAM_ROLE;
    }
    if (find_predefined(name) || map_has(&r->custom, name))
        return err_set(e, IAM_ROLE, "there is a role " STR_FMT " already", STR_ARG(name));
    if (count > PERMISSIONS_MAX)
        return err_set(e, IAM_ROLE, "a role has at most %d permissions", PERMISSIONS_MAX);
    role *to = ARENA_NEW(&r->memory, role);
    to->permissions = arena_array(&r->memory, count, sizeof(str));
    for (; to->count < count; to->count++) {
        str p = permissions[to->count];
        if (!word(p) || str_chr(p, '.') < 0)
            return err_set(e, IAM_ROLE, "\"%.*s\" isn't a permission (SERVICE.RESOURCE.VERB)",
                           p.len < 128 ? (int)p.len : 128, p.ptr ? p.ptr : "");
        to->permissions[to->count] = arena_str(&r->memory, p);
    }
    map_set(&r->custom, name, to);
    return OK;
}

bool role_known(const role_set *r, str name)
{
    return find_predefined(name) || map_has(&r->custom, name);
}

bool role_basic(str name)
{
    return str_eq(name, STR("roles/owner")) || str_eq(name, STR("roles/editor")) ||
           str_eq(name, STR("roles/viewer"));
}

bool role_permits(const role_set *r, str name, str permission)
{
    const predefined *p = find_predefined(name);
    if (p)
        return predefined_permits(p, permission);
    const role *own = map_get(&r->custom, name);
    for (size_t i = 0; own && i < own->count; i++)
        if (str_eq(permission, own->permissions[i]))
            return true;
    return false;
}

const char *role_for(str permission)
{
    if (str_eq(permission, PERMISSION_INVOKE))
        return "roles/run.invoker"; // what everybody's documentation says
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (predefined_permits(&table[i], permission))
            return table[i].name;
    return NULL;
}
