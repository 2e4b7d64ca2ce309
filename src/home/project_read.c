// SPDX-License-Identifier: Apache-2.0
// From a checked tree to a home_project: what types can't say, and what an untrusted file may not.
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "home/own.h"
#include "home/project.h"
#include "home/project_keys.h"

static str text_of(const json *obj, const char *key)
{
    return json_str_or(json_get(obj, key), STR_NONE);
}

static code wrong(const json *v, err *e, const char *what, const char *fix)
{
    (void)json_err(v, e, HOME_PROJECT, "%s", what);
    return fix ? err_hint(e, "%s", fix) : HOME_PROJECT;
}

// ---- Paths --------------------------------------------------------------------------------------

static code untrusted(const home_project *p, const json *v, const char *what, err *e)
{
    json_err(v, e, HOME_UNTRUSTED, "%s, and this file isn't trusted", what);
    err_hint(e, "read the file; if you mean what it says: gatepost trust file %s", p->path);
    return HOME_UNTRUSTED;
}

// Whether the path, as far as it exists, lies beneath dir with all links followed, and the rest
// doesn't climb.
static bool lies_beneath(const char *path, const char *dir)
{
    char real_dir[PATH_MAX], real[PATH_MAX], part[PATH_MAX];
    struct stat st;
    if (!realpath(dir, real_dir) || strlen(path) >= sizeof(part))
        return false;
    memcpy(part, path, strlen(path) + 1);
    while (!realpath(part, real)) {
        char *slash = strrchr(part, '/');
        if (lstat(part, &st) == 0 || !slash || slash == part || strcmp(slash, "/..") == 0)
            return false; // a link to nowhere, or upwards
        *slash = '\0';
    }
    size_t len = strlen(real_dir);
    return strncmp(real, real_dir, len) == 0 && (real[len] == '/' || real[len] == '\0' || len == 1);
}

code project_resolve(const home_project *p, arena *a, const json *v, const char **ret_path, err *e)
{
    *ret_path = v->text.len && v->text.ptr[0] == '/'
                    ? arena_cstr(a, v->text)
                    : arena_printf(a, "%s/" STR_FMT, p->dir, STR_ARG(v->text)).ptr;
    if (p->trusted || lies_beneath(*ret_path, p->dir))
        return OK;
    return untrusted(p, v, "it leads out of the project's folder", e);
}

// ---- project ------------------------------------------------------------------------------------

static void fill_project(home_project *p, const json *v)
{
    const json *number = json_get(v, "number");
    p->id = json_str_or(json_get(v, "id"), p->id);
    p->region = json_str_or(json_get(v, "region"), p->region);
    p->project_hash = text_of(v, "hash");
    if (number && number->type >= JSON_NUMBER)
        p->number = number->text;
}

void project_number(home_project *p, arena *a)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    enum { NUMBER_LEN = 12, HASH_LEN = 10 };
    char hex[HOME_HASH_MAX], number[NUMBER_LEN], hash[HASH_LEN];
    arena scratch;
    arena_init(&scratch);
    home_hash(arena_printf(&scratch, "gatepost project " STR_FMT, STR_ARG(p->id)), hex);
    arena_deinit(&scratch);
    buf bytes;
    buf_init(&bytes, 32);
    (void)hex_decode(&bytes, str_from(hex));
    for (size_t i = 0; i < NUMBER_LEN; i++) // the first one is no zero
        number[i] =
            digits[i ? (unsigned char)bytes.ptr[i] % 10 : 1 + (unsigned char)bytes.ptr[i] % 9];
    for (size_t i = 0; i < HASH_LEN; i++) { // the first one is a letter
        unsigned char byte = (unsigned char)bytes.ptr[NUMBER_LEN + i];
        hash[i] = digits[i ? byte % 36 : 10 + byte % 26];
    }
    buf_deinit(&bytes);
    if (!p->number.len)
        p->number = arena_str(a, (str){number, NUMBER_LEN});
    if (!p->project_hash.len)
        p->project_hash = arena_str(a, (str){hash, HASH_LEN});
}

// ---- policies: in the project file or in one of their own
// ----------------------------------------

static code read_policy(home_project *p, arena *a, const json *v, const json **ret_policy, err *e)
{
    static const json_opts opts = {.bytes_max = PROJECT_POLICY_BYTES_MAX,
                                   .depth_max = PROJECT_DEPTH_MAX,
                                   .values_max = PROJECT_VALUES_MAX};
    const char *path;
    json *root;
    *ret_policy = v;
    if (v->type != JSON_STRING)
        return OK;
    code c = project_resolve(p, a, v, &path, e);
    if (c == OK)
        c = yaml_load(a, path, &opts, &root, e);
    if (c == OK)
        c = json_want(root, JSON_OBJECT, e);
    if (c != OK) // where the file was named, when the file itself has no place to show
        err_at(e, v->file, v->line, v->col);
    else
        *ret_policy = root;
    return c;
}

// ---- accounts -----------------------------------------------------------------------------------

static const project_account *find_account(const home_project *p, str email)
{
    for (size_t i = 0; i < p->account_count; i++)
        if (str_ieq(p->accounts[i].email, email))
            return &p->accounts[i];
    return NULL;
}

static code fill_account(home_project *p, arena *a, const json *v, project_account *ret, err *e)
{
    const json *roles = json_get(v, "roles"), *key = json_get(v, "key");
    ret->email = text_of(v, "email");
    if (find_account(p, ret->email))
        return wrong(json_get(v, "email"), e, "the account is there twice",
                     "keep one entry, with all of its roles");
    str *list = arena_array(a, roles ? roles->len : 0, sizeof(*list));
    JSON_EACH (roles, role)
        list[ret->role_count++] = role->text;
    ret->roles = list;
    ret->roles_written = roles;
    code c = json_is(key, JSON_STRING) ? project_resolve(p, a, key, &ret->key, e) : OK;
    const json *policy = json_get(v, "policy");
    if (c == OK && policy && policy->type != JSON_NULL)
        c = read_policy(p, a, policy, &ret->policy, e);
    return c;
}

static code fill_accounts(home_project *p, arena *a, const json *v, err *e)
{
    project_account *list = arena_array(a, v ? v->len : 0, sizeof(*list));
    p->accounts = list;
    JSON_EACH (v, m) {
        code c = fill_account(p, a, m, &list[p->account_count], e);
        if (c != OK)
            return c;
        p->account_count++;
    }
    return OK;
}

static code fill_run_as(home_project *p, arena *a, const json *v, err *e)
{
    p->run_as = json_str_or(v, STR_NONE);
    if (!p->run_as.len || find_account(p, p->run_as))
        return OK;
    const char **names = arena_array(a, p->account_count, sizeof(*names));
    for (size_t i = 0; i < p->account_count; i++)
        names[i] = arena_cstr(a, p->accounts[i].email);
    (void)wrong(v, e, "no such account stands under 'accounts'", NULL);
    const char *near = suggest(p->run_as, names, p->account_count);
    if (near)
        err_hint(e, "did you mean '%s'?", near);
    else
        err_hint(e, "add it there, or name one that is there");
    return HOME_PROJECT;
}

// ---- credential files of pools
// -------------------------------------------------------------------

static code fill_credential(home_project *p, arena *a, const json *v, project_credential *ret,
                            err *e)
{
    ret->impersonate = text_of(v, "impersonate");
    code c = project_resolve(p, a, json_get(v, "file"), &ret->file, e);
    return c ? c : project_resolve(p, a, json_get(v, "token"), &ret->token, e);
}

static code fill_credentials(home_project *p, arena *a, err *e)
{
    size_t max = 0;
    JSON_EACH (p->pools, pool)
        max += json_get(pool, "providers")->len;
    project_credential *list = arena_array(a, max, sizeof(*list));
    p->credentials = list;
    JSON_EACH (p->pools, pool)
        JSON_EACH (json_get(pool, "providers"), provider) {
            const json *v = json_get(provider, "credential");
            if (!v)
                continue;
            project_credential *one = &list[p->credential_count++];
            *one = (project_credential){.pool = pool->key, .provider = provider->key};
            code c = fill_credential(p, a, v, one, e);
            if (c)
                return c;
        }
    return OK;
}

// ---- who calls ----------------------------------------------------------------------------------

static code fill_identity(home_project *p, arena *a, const json *v, project_identity *ret, err *e)
{
    *ret = (project_identity){.name = v->key, .none = v->type == JSON_STRING};
    if (str_eq(v->key, STR("none")))
        return wrong(v, e, "'none' always stands for no identity", "choose another name");
    if (ret->none)
        return OK;
    const json *key = json_get(v, "key"), *oauth = json_get(v, "oauth");
    bool has_key = json_is(key, JSON_STRING);
    ret->account = text_of(v, "account");
    ret->impersonate = text_of(v, "impersonate");
    bool over = oauth && json_is_str(json_get(oauth, "grant"), "token_exchange");
    if ((ret->account.len > 0) + (ret->impersonate.len > 0 && !over) + has_key + (oauth != NULL) !=
        1)
        return wrong(v, e, "must have exactly one of 'account', 'key', 'impersonate' and 'oauth'",
                     "for example {account: tester@my-project.iam.gserviceaccount.com}");
    if (oauth && !p->trusted)
        return untrusted(p, oauth, "it names a token endpoint", e);
    if (oauth)
        return project_oauth_fill(p, a, oauth, &ret->oauth, e);
    if (has_key && !p->trusted) // threat 39
        return untrusted(p, key, "it names a credential file", e);
    return has_key ? project_resolve(p, a, key, &ret->key, e) : OK;
}

static code fill_identities(home_project *p, arena *a, const json *v, err *e)
{
    project_identity *list = arena_array(a, v ? v->len : 0, sizeof(*list));
    p->identities = list;
    JSON_EACH (v, m) {
        code c = fill_identity(p, a, m, &list[p->identity_count++], e);
        if (c != OK)
            return c;
    }
    return OK;
}

static void fill_rules(home_project *p, arena *a, const json *v)
{
    project_rule *list = arena_array(a, v ? v->len : 0, sizeof(*list));
    JSON_EACH (v, m)
        list[p->rule_count++] = (project_rule){text_of(m, "request"), text_of(m, "identity")};
    p->rules = list;
}

static void fill_trust(home_project *p, arena *a, const json *v)
{
    str *list = arena_array(a, v ? v->len : 0, sizeof(*list));
    JSON_EACH (v, m)
        list[p->trust_count++] = m->text;
    p->trust = list;
}

// ---- services -----------------------------------------------------------------------------------

static code fill_services(home_project *p, arena *a, const json *v, err *e)
{
    p->services = arena_array(a, v ? v->len : 0, sizeof(*p->services));
    JSON_EACH (v, m) {
        const char *path;
        code c = project_resolve(p, a, m, &path, e);
        if (c != OK)
            return c;
        for (size_t i = 0; i < p->service_count; i++)
            if (strcmp(p->services[i], path) == 0)
                return wrong(m, e, "the file is there twice", "keep one of the two");
        p->services[p->service_count++] = path;
    }
    return OK;
}

static code fill_policies(home_project *p, arena *a, const json *v, err *e)
{
    project_policy *list = arena_array(a, v ? v->len : 0, sizeof(*list));
    p->policies = list;
    JSON_EACH (v, m) {
        project_policy *one = &list[p->policy_count++];
        one->service = m->key;
        code c = read_policy(p, a, m, &one->policy, e);
        if (c != OK)
            return c;
    }
    return OK;
}

// ---- All together -------------------------------------------------------------------------------

code project_fill(home_project *p, arena *a, err *e)
{
    const json *root = p->root, *groups = json_get(root, "groups");
    p->groups = json_is(groups, JSON_OBJECT) ? groups : NULL;
    p->pools = json_get(root, "workload_identity_pools");
    fill_project(p, json_get(root, "project"));
    fill_rules(p, a, json_get(root, "rules"));
    fill_trust(p, a, json_get(root, "trust"));
    code c = fill_accounts(p, a, json_get(root, "accounts"), e);
    if (c == OK)
        c = fill_credentials(p, a, e);
    if (c == OK)
        c = fill_run_as(p, a, json_get(root, "run_as"), e);
    if (c == OK)
        c = fill_identities(p, a, json_get(root, "identities"), e);
    if (c == OK)
        c = fill_services(p, a, json_get(root, "services"), e);
    if (c == OK)
        c = fill_policies(p, a, json_get(root, "policies"), e);
    if (c == OK)
        c = json_opt_duration(root, "token_lifetime", &p->token_lifetime_ms, e);
    if (c == OK)
        c = json_opt_duration(root, "clock_skew", &p->clock_skew_ms, e);
    return c;
}
