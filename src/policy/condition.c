// SPDX-License-Identifier: Apache-2.0
// Conditions of bindings: Google's, and what it calls the attributes of a call
// (google.rpc.context.AttributeContext) where Google's own conditions have less.
#include "policy/binding.h"

enum { TITLE_BYTES_MAX = 100, DESCRIPTION_BYTES_MAX = 256, NAME_BYTES_MAX = 4096 };

static const struct {
    const char *name, *type;
} attributes[] = {
    {"resource.name", "string"},
    {"resource.type", "string"},
    {"resource.service", "string"},
    {"principal.type", "string"},
    {"principal.subject", "string"},
    {"request.time", "timestamp"},
    {"request.method", "string"},
    {"request.host", "string"},
    {"request.path", "string"},
    {"request.query", "string"},
    {"request.headers", "map(string, string)"},
    {"request.size", "int"},
    {"request.protocol", "string"},
    {"request.id", "string"},
    {"request.auth.principal", "string"},
    {"request.auth.groups", "list(string)"},
    {"request.auth.issuer", "string"},
    {"request.auth.audiences", "list(string)"},
    {"request.auth.claims", "map(string, dyn)"},
    {"request.auth.access_levels", "list(string)"},
    {"source.ip", "string"},
    {"destination.ip", "string"},
    {"destination.port", "int"},
};

const char *policy_attribute_type(str name)
{
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
        if (str_eq(name, str_from(attributes[i].name)))
            return attributes[i].type;
    return NULL;
}

// Nothing here has tags: so no resource has the one that is asked for.
static cel_value has_no_tag(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)a, (void)n;
    return cel_bool(false);
}

static cel_env *condition_env(void)
{
    static const cel_function tags[] = {
        {"resource.hasTagKey", "(string) bool", has_no_tag, NULL},
        {"resource.hasTagKeyId", "(string) bool", has_no_tag, NULL},
        {"resource.matchTag", "(string, string) bool", has_no_tag, NULL},
        {"resource.matchTagId", "(string, string) bool", has_no_tag, NULL},
    };
    cel_env *env = cel_env_new();
    cel_env_iam(env);
    for (size_t i = 0; i < ARRAY_LEN(tags); i++)
        if (cel_env_function(env, &tags[i], NULL))
            abort();
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
        if (cel_env_variable(env, attributes[i].name, attributes[i].type, NULL))
            abort();
    return env;
}

// ---- reading

static code misplaced(const json *v, err *e, const char *what, const char *fix)
{
    (void)json_err(v, e, POLICY_CONDITION, "%s", what);
    return err_hint(e, "%s", fix);
}

// Google takes no condition there either: it would be lost on somebody who looks at the members.
static code check_binding(const json *v, const binding *b, err *e)
{
    if (role_basic(b->role))
        return misplaced(v, e, "a basic role can't be granted under a condition",
                         "grant what is needed, such as roles/run.invoker, under it");
    for (size_t i = 0; i < b->count; i++)
        if (b->members[i].kind == MEMBER_ALL_USERS ||
            b->members[i].kind == MEMBER_ALL_AUTHENTICATED)
            return misplaced(v, e, "nothing is granted to everybody under a condition",
                             "name the callers in place of allUsers and allAuthenticatedUsers");
    return OK;
}

static code read_texts(const json *v, condition *c, arena *a, err *e)
{
    if (JSON_KNOWN(v, e, "title", "description", "expression", "location") != OK ||
        json_get_str(v, "title", &c->title, e) != OK ||
        json_opt_str(v, "description", &c->description, e) != OK ||
        json_get_str(v, "expression", &c->expression, e) != OK) {
        if (e)
            e->code = POLICY_INVALID;
        return POLICY_INVALID;
    }
    if (!c->title.len || c->title.len > TITLE_BYTES_MAX)
        return json_err(json_get(v, "title"), e, POLICY_CONDITION, "must have 1 to %d bytes",
                        TITLE_BYTES_MAX);
    if (c->description.len > DESCRIPTION_BYTES_MAX)
        return json_err(json_get(v, "description"), e, POLICY_CONDITION, "has at most %d bytes",
                        DESCRIPTION_BYTES_MAX);
    c->title = arena_str(a, c->title);
    c->description = arena_str(a, c->description);
    c->expression = arena_str(a, c->expression);
    return OK;
}

static code compile(const cel_env *env, const json *v, condition *c, err *e)
{
    err why = ERR_INIT;
    static const cel_limits limits = {.condition = true};
    code failed = cel_compile(env, c->expression, &limits, &c->program, &why);
    if (!failed)
        return OK;
    (void)json_err(v, e, failed, "at %u:%u of \"" STR_FMT "\": %s", why.line, why.col,
                   STR_ARG(c->title), why.msg);
    if (!why.hint[0] && failed == CEL_SYNTAX)
        return err_hint(e, "the place is within the expression: close its brackets and quotes, and "
                           "write what each operator needs on both sides");
    return why.hint[0] ? err_hint(e, "%s", why.hint) : failed;
}

static size_t count_conditions(const policy *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->count; i++)
        n += p->bindings[i].condition != NULL;
    return n;
}

code condition_load(policy *p, const json *v, binding *b, err *e)
{
    condition *c = ARENA_NEW(&p->memory, condition);
    if (json_want(v, JSON_OBJECT, e) != OK) {
        if (e)
            e->code = POLICY_INVALID;
        return POLICY_INVALID;
    }
    if (count_conditions(p) == POLICY_CONDITIONS_MAX)
        return json_err(v, e, POLICY_CONDITION, "a policy has at most %d conditions",
                        POLICY_CONDITIONS_MAX);
    code failed = read_texts(v, c, &p->memory, e);
    if (!failed)
        failed = check_binding(v, b, e);
    if (failed)
        return failed;
    if (!p->env)
        p->env = condition_env();
    failed = compile(p->env, json_get(v, "expression"), c, e);
    if (!failed)
        b->condition = c;
    return failed;
}

void condition_json(const condition *c, jout *w, const char *key)
{
    jout_object(w, key);
    if (c->description.len)
        jout_str(w, "description", c->description);
    jout_str(w, "expression", c->expression);
    jout_str(w, "title", c->title);
    jout_end(w);
}

str condition_name(const condition *c)
{
    return c ? c->title : STR_NONE;
}

// ---- what a query answers

static str last_but_one(str name)
{
    ssize_t last = str_rchr(name, '/');
    name = str_sub(name, 0, last < 0 ? 0 : (size_t)last);
    return str_skip(name, (size_t)(str_rchr(name, '/') + 1));
}

// By the collection that the name ends in.
static void kind_of(str resource, const char **ret_service, const char **ret_type)
{
    static const struct {
        const char *collection, *service, *type;
    } kinds[] = {
        {"services", "run.googleapis.com", "run.googleapis.com/Service"},
        {"serviceAccounts", "iam.googleapis.com", "iam.googleapis.com/ServiceAccount"},
        {"keys", "iam.googleapis.com", "iam.googleapis.com/ServiceAccountKey"},
        {"projects", "cloudresourcemanager.googleapis.com",
         "cloudresourcemanager.googleapis.com/Project"},
    };
    *ret_service = *ret_type = "";
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_eq(last_but_one(resource), str_from(kinds[i].collection))) {
            *ret_service = kinds[i].service;
            *ret_type = kinds[i].type;
        }
}

static bool resource_attribute(const policy_query *q, str name, cel_value *ret)
{
    const char *service, *type;
    kind_of(q->resource, &service, &type);
    if (str_eq(name, STR("name")))
        *ret = cel_string(q->resource);
    else
        *ret = cel_string(str_from(str_eq(name, STR("type")) ? type : service));
    return ret->s.len > 0;
}

static str name_of(const principal *who, arena *a)
{
    buf name;
    buf_init(&name, NAME_BYTES_MAX);
    principal_name(who, &name);
    str kept = arena_str(a, buf_str(&name));
    buf_deinit(&name);
    return kept;
}

static bool principal_attribute_of(const principal *who, str name, arena *a, cel_value *ret)
{
    static const char *const types[] = {
        [PRINCIPAL_ANONYMOUS] = "",
        [PRINCIPAL_USER] = "iam.googleapis.com/WorkspaceIdentity",
        [PRINCIPAL_SERVICE_ACCOUNT] = "iam.googleapis.com/ServiceAccount",
        [PRINCIPAL_WORKFORCE] = "iam.googleapis.com/WorkforcePoolIdentity",
        [PRINCIPAL_WORKLOAD] = "iam.googleapis.com/WorkloadPoolIdentity",
    };
    if (str_eq(name, STR("type")))
        *ret = cel_string(str_from(types[who->kind]));
    else
        *ret = cel_string(who->email.len ? who->email : name_of(who, a));
    return ret->s.len > 0;
}

static cel_value list_of(const str *texts, size_t count, arena *a)
{
    cel_value *items = arena_array(a, count, sizeof(*items));
    for (size_t i = 0; i < count; i++)
        items[i] = cel_string(texts[i]);
    return cel_list_of(items, count);
}

static bool find(void *ctx, str name, arena *a, cel_value *ret)
{
    const policy_query *q = ctx;
    if (str_starts(name, STR("resource.")))
        return resource_attribute(q, str_skip(name, 9), ret);
    if (str_starts(name, STR("principal.")))
        return principal_attribute_of(q->who, str_skip(name, 10), a, ret);
    if (q->call && q->call->lookup(q->call->ctx, name, a, ret))
        return true;
    if (str_eq(name, STR("request.auth.principal")))
        *ret = cel_string(name_of(q->who, a));
    else if (str_eq(name, STR("request.auth.groups")))
        *ret = list_of(q->who->groups, q->who->group_count, a);
    else if (str_eq(name, STR("request.auth.access_levels"))) // nobody here has any
        *ret = list_of(NULL, 0, a);
    else
        return false;
    return true;
}

code condition_holds(const condition *c, const policy_query *q, bool *ret_holds, err *e)
{
    arena a;
    arena_init(&a);
    const cel_activation activation = {.lookup = find, .ctx = (void *)(uintptr_t)q};
    code failed = cel_eval_condition(c->program, &a, &activation, ret_holds, e);
    arena_deinit(&a);
    return failed;
}
