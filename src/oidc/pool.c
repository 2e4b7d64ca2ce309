// SPDX-License-Identifier: Apache-2.0
// Pools and providers as they are declared.
#include "oidc/pool.h"

#include <stdlib.h>

#include "data/data.h"

enum { MAPPING_BYTES_MAX = 2048, CONDITION_BYTES_MAX = 4096 };

#define SUBJECT STR("google.subject")
#define GROUPS STR("google.groups")

// ---- mapping and condition

static code compile(const cel_env *env, const json *v, const cel_limits *limits, cel_program **ret,
                    err *e)
{
    err why = ERR_INIT;
    code c = cel_compile(env, v->text, limits, ret, &why);
    if (c == OK)
        return OK;
    (void)json_err(v, e, c, "at %u:%u of the expression: %s", why.line, why.col, why.msg);
    return why.hint[0] ? err_hint(e, "%s", why.hint) : c;
}

// What is mapped is a text, groups are a list of them; what only the claims know is dyn.
static code check_type(const json *v, const pool_mapping *m, err *e)
{
    const cel_type *t = cel_program_type(m->program);
    bool groups = str_eq(m->name, GROUPS);
    arena a;
    arena_init(&a);
    static const char *const fitting[2][3] = {{"string", "dyn", NULL},
                                              {"list(string)", "list(dyn)", "dyn"}};
    bool fits = false;
    for (size_t i = 0; i < 3 && fitting[groups][i]; i++)
        fits = fits || cel_type_equal(t, cel_type_parse(&a, str_from(fitting[groups][i])));
    arena_deinit(&a);
    if (fits)
        return OK;
    buf is;
    buf_init(&is, 256);
    cel_type_text(t, &is);
    code c = json_err(v, e, CEL_TYPED, "must give a %s, not a %s",
                      groups ? "list(string)" : "string", buf_cstr(&is));
    buf_deinit(&is);
    return groups ? c : err_hint(e, "string(…) makes a text of it");
}

static code load_mapping(pool_set *s, pool_provider *p, const json *given, err *e)
{
    static const cel_limits limits = {.source_bytes = MAPPING_BYTES_MAX};
    if (!json_get(given, "google.subject")) {
        (void)json_err(given, e, POOL_CONFIG, "google.subject is missing");
        return err_hint(e, "say what names the caller, for example google.subject: assertion.sub");
    }
    if (given->len > POOL_ATTRIBUTES_MAX + 2)
        return json_err(given, e, POOL_CONFIG, "there are more than %d attributes",
                        POOL_ATTRIBUTES_MAX);
    p->mappings = arena_array(&s->mem, given->len, sizeof(*p->mappings));
    JSON_EACH (given, v) {
        pool_mapping *m = &p->mappings[p->mapping_count];
        m->name = arena_str(&s->mem, v->key);
        code c = compile(s->mapping_env, v, &limits, &m->program, e);
        if (c)
            return c;
        p->mapping_count++;
        c = check_type(v, m, e);
        if (c)
            return c;
    }
    return OK;
}

static code load_condition(const pool_set *s, pool_provider *p, const json *v, err *e)
{
    static const cel_limits limits = {.source_bytes = CONDITION_BYTES_MAX, .condition = true};
    return v && v->type == JSON_STRING ? compile(s->condition_env, v, &limits, &p->condition, e)
                                       : OK;
}

// ---- issuer and keys

// Google takes no others when a provider is created.
static code check_keys(const json *v, const jwk_set *keys, err *e)
{
    for (size_t i = 0; i < jwk_set_len(keys); i++) {
        jose_alg alg = jwk_alg(jwk_set_at(keys, i));
        if (alg == JOSE_RS256 || alg == JOSE_ES256)
            continue;
        (void)json_err(v, e, POOL_CONFIG, "key %zu is for %s", i + 1, jose_alg_name(alg));
        return err_hint(e, "providers take RSA keys for RS256 and P-256 keys for ES256");
    }
    return OK;
}

static code load_keys(const json *v, jwk_set **ret_keys, err *e)
{
    *ret_keys = NULL;
    if (!v || v->type != JSON_OBJECT)
        return OK;
    char *text = json_text(v, JSON_COMPACT);
    err why = ERR_INIT;
    code c = jwk_set_from_text(str_from(text), ret_keys, &why);
    free(text);
    if (c)
        return json_err(v, e, POOL_CONFIG, "%s", why.msg);
    return check_keys(v, *ret_keys, e);
}

static code load_issuer(loop *l, pool_provider *p, const json *v, err *e)
{
    static const oidc_options checks = {.leeway_s = POOL_SKEW_S, .loopback = true};
    jwk_set *keys = NULL;
    code c = load_keys(json_get(v, "jwks"), &keys, e);
    if (c == OK) {
        const oidc_issuer is = {
            .issuer = p->issuer, .kind = OIDC_OTHER, .keys = keys, .access_tokens = true};
        err why = ERR_INIT;
        p->keys = oidc_new(l, &checks);
        c = oidc_add(p->keys, &is, &why);
        if (c) {
            (void)json_err(json_get(v, "issuer"), e, c, "%s", why.msg);
            (void)err_hint(e, "%s", why.hint);
        }
    }
    jwk_set_unref(keys);
    return c;
}

static void load_audiences(pool_set *s, pool_provider *p, const json *list)
{
    size_t given = list && list->type == JSON_ARRAY ? list->len : 0;
    p->audiences = arena_array(&s->mem, given + 2, sizeof(str));
    JSON_EACH (list, v)
        p->audiences[p->audience_count++] = arena_str(&s->mem, v->text);
    if (p->audience_count)
        return;
    p->audiences[p->audience_count++] = p->name;
    p->audiences[p->audience_count++] = arena_printf(&s->mem, "https:" STR_FMT, STR_ARG(p->name));
}

// ---- pools

static code load_provider(pool_set *s, loop *l, const json *v, pool_provider *p, err *e)
{
    p->name = arena_printf(&s->mem, "//iam.googleapis.com/" STR_FMT "/providers/" STR_FMT,
                           STR_ARG(p->pool), STR_ARG(v->key));
    p->disabled = p->disabled || json_bool_or(json_get(v, "disabled"), false);
    p->issuer = arena_str(&s->mem, json_str_or(json_get(v, "issuer"), STR_NONE));
    load_audiences(s, p, json_get(v, "audiences"));
    code c = load_issuer(l, p, v, e);
    if (c == OK)
        c = load_mapping(s, p, json_get(v, "map"), e);
    return c ? c : load_condition(s, p, json_get(v, "condition"), e);
}

static code load_pool(pool_set *s, loop *l, const json *pool, str project_number, err *e)
{
    str name = arena_printf(&s->mem,
                            "projects/" STR_FMT "/locations/global/workloadIdentityPools/" STR_FMT,
                            STR_ARG(project_number), STR_ARG(pool->key));
    bool disabled = json_bool_or(json_get(pool, "disabled"), false);
    JSON_EACH (json_get(pool, "providers"), v) {
        if (s->count == POOL_PROVIDERS_MAX)
            return json_err(v, e, POOL_CONFIG, "there are more than %d providers",
                            POOL_PROVIDERS_MAX);
        pool_provider *p = &s->providers[s->count++];
        *p = (pool_provider){.pool = name, .disabled = disabled};
        code c = load_provider(s, l, v, p, e);
        if (c)
            return c;
    }
    return OK;
}

static cel_env *env_of(bool condition)
{
    cel_env *env = cel_env_new();
    cel_env_iam(env);
    if (cel_env_variable(env, "assertion", "map(string, dyn)", NULL))
        abort();
    if (condition && (cel_env_variable(env, "google", "map(string, dyn)", NULL) ||
                      cel_env_variable(env, "attribute", "map(string, string)", NULL)))
        abort();
    return env;
}

code pool_set_new(loop *l, const json *pools, str project_number, pool_set **ret_set, err *e)
{
    pool_set *s = NEW(pool_set);
    code c = OK;
    arena_init(&s->mem);
    s->mapping_env = env_of(false);
    s->condition_env = env_of(true);
    s->providers = arena_array(&s->mem, POOL_PROVIDERS_MAX, sizeof(*s->providers));
    for (const json *v = json_first(pools); v && c == OK; v = v->next)
        c = load_pool(s, l, v, project_number, e);
    if (c)
        pool_set_free(s);
    else
        *ret_set = s;
    return c;
}

void pool_set_free(pool_set *s)
{
    if (!s)
        return;
    for (pool_provider *p = s->providers; p < s->providers + s->count; p++) {
        for (size_t i = 0; i < p->mapping_count; i++)
            cel_program_free(p->mappings[i].program);
        cel_program_free(p->condition);
        oidc_free(p->keys);
    }
    cel_env_free(s->mapping_env);
    cel_env_free(s->condition_env);
    arena_deinit(&s->mem);
    free(s);
}

// ---- asking

size_t pool_set_len(const pool_set *s)
{
    return s->count;
}

pool_provider *pool_set_at(const pool_set *s, size_t i)
{
    return &s->providers[i];
}

pool_provider *pool_set_find(const pool_set *s, str audience)
{
    if (str_starts(audience, STR("https:")))
        audience = str_skip(audience, 6);
    for (pool_provider *p = s->providers; p < s->providers + s->count; p++)
        if (!p->disabled && str_eq(p->name, audience))
            return p;
    return NULL;
}

str pool_provider_name(const pool_provider *p)
{
    return p->name;
}

str pool_provider_issuer(const pool_provider *p)
{
    return p->issuer;
}

bool pool_provider_disabled(const pool_provider *p)
{
    return p->disabled;
}

const str *pool_provider_audiences(const pool_provider *p, size_t *ret_count)
{
    *ret_count = p->audience_count;
    return p->audiences;
}

oidc_wait *pool_wait_keys(pool_provider *p, void (*on_keys)(void *ctx), void *ctx)
{
    return oidc_wait_keys(p->keys, p->issuer, on_keys, ctx);
}
