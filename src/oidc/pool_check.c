// SPDX-License-Identifier: Apache-2.0
// One token at one provider: whether it is believed, and who it names.
#include "cel/cel_json.h"
#include "data/data.h"
#include "oidc/pool.h"

// What the claims mean: fills in the principal, then asks the condition.
static code pool_map(const pool_provider *p, arena *a, pool_identity *who, err *e);

// ---- whether

static code check_issuer(const pool_provider *p, const jwt *t, arena *a, err *e)
{
    if (str_eq(t->issuer, p->issuer))
        return OK;
    (void)err_set(e, OIDC_ISSUER,
                  "the token is of \"" STR_FMT "\", the provider's issuer is " STR_FMT,
                  STR_ARG(oidc_quoted(t->issuer, a)), STR_ARG(p->issuer));
    return err_hint(e, "an issuer is compared to the letter, a slash at its end included");
}

static code check_audience(const pool_provider *p, const jwt *t, arena *a, err *e)
{
    for (size_t i = 0; i < t->audience_count; i++)
        for (size_t k = 0; k < p->audience_count; k++)
            if (str_eq(t->audiences[i], p->audiences[k]))
                return OK;
    str is = t->audience_count ? oidc_quoted(t->audiences[0], a) : STR_NONE;
    (void)err_set(e, JWT_AUDIENCE,
                  "the token is for \"" STR_FMT "\", the provider takes " STR_FMT "%s", STR_ARG(is),
                  STR_ARG(p->audiences[0]), p->audience_count > 1 ? " and others" : "");
    return err_hint(e,
                    "ask the issuer for a token for " STR_FMT
                    ", or add the token's audience to the "
                    "provider's",
                    STR_ARG(p->audiences[0]));
}

static code check_times(const jwt *t, int64_t now_s, err *e)
{
    if (!t->has_issued_at || !t->has_expiry)
        return err_set(e, JWT_EXPIRED, "the token has no %s",
                       t->has_issued_at ? "expiry (\"exp\")" : "time of issue (\"iat\")");
    if (t->issued_at_s > now_s + POOL_SKEW_S)
        return err_set(e, JWT_EARLY, "the token was issued %lld s from now",
                       (long long)(t->issued_at_s - now_s));
    return jwt_check_times(t, now_s, POOL_SKEW_S, e);
}

static code check_alg(const jwt *t, err *e)
{
    if (t->alg == JOSE_RS256 || t->alg == JOSE_ES256)
        return OK;
    (void)err_set(e, JWT_ALG, "providers take tokens that are signed with RS256 or ES256");
    return err_hint(e, "let the issuer sign with one of them");
}

// What needs no key comes first: a token that was meant for somebody else makes nobody ask its
// issuer.
static code check_claims(const pool_provider *p, const jwt *t, int64_t now_s, arena *a, err *e)
{
    code c = check_issuer(p, t, a, e);
    if (c == OK)
        c = check_audience(p, t, a, e);
    if (c == OK)
        c = check_times(t, now_s, e);
    return c ? c : check_alg(t, e);
}

oidc_state pool_check(pool_provider *p, const oidc_query *q, arena *a, pool_identity *who,
                      code *ret_code, err *e)
{
    oidc_identity verified;
    const oidc_query bare = {.token = q->token, .now_s = q->now_s};
    *who =
        (pool_identity){.who = {.kind = PRINCIPAL_WORKLOAD, .issuer = p->issuer, .pool = p->pool}};
    *ret_code = jwt_parse(q->token, a, &who->token, e);
    if (*ret_code == OK)
        *ret_code = check_claims(p, &who->token, q->now_s, a, e);
    if (*ret_code)
        return OIDC_DONE;
    if (oidc_verify(p->keys, &bare, a, &verified, ret_code, e) == OIDC_WAIT)
        return OIDC_WAIT;
    if (*ret_code == OK)
        *ret_code = pool_map(p, a, who, e);
    return OIDC_DONE;
}

// ---- who

typedef struct mapper mapper;
struct mapper {
    arena *a;
    const pool_provider *provider;
    principal *who;
    cel_value assertion;
    str *groups;
    principal_attribute *attributes;
    size_t bytes; // mapped so far
    err *e;
};

static bool find(void *ctx, str name, arena *a, cel_value *ret)
{
    const mapper *m = ctx;
    const principal *who = m->who;
    if (str_eq(name, STR("assertion"))) {
        *ret = m->assertion;
        return true;
    }
    size_t count = str_eq(name, STR("google")) ? 2 : who->attribute_count;
    cel_entry *entries = arena_array(a, count, sizeof(*entries));
    cel_value *groups = arena_array(a, who->group_count, sizeof(*groups));
    if (str_eq(name, STR("google"))) {
        for (size_t i = 0; i < who->group_count; i++)
            groups[i] = cel_string(who->groups[i]);
        entries[0] = (cel_entry){cel_string(STR("subject")), cel_string(who->subject)};
        entries[1] = (cel_entry){cel_string(STR("groups")), cel_list_of(groups, who->group_count)};
    } else {
        for (size_t i = 0; i < count; i++)
            entries[i] = (cel_entry){cel_string(who->attributes[i].name),
                                     cel_string(who->attributes[i].value)};
    }
    *ret = cel_map_of(entries, count);
    return true;
}

static code not_text(const mapper *m, str name, const char *wanted)
{
    (void)err_set(m->e, POOL_MAPPING, STR_FMT " isn't %s", STR_ARG(name), wanted);
    return err_hint(m->e, "change its mapping, or what the issuer puts into the token");
}

static code too_long(const mapper *m, str name, size_t max)
{
    (void)err_set(m->e, POOL_MAPPING, STR_FMT " has more than %zu bytes", STR_ARG(name), max);
    return err_hint(m->e, "map something shorter, for example a part by extract()");
}

// Control characters stay out of trails and terminals.
static code check_text(mapper *m, str name, str text)
{
    m->bytes += text.len;
    if (m->bytes > POOL_MAPPED_BYTES_MAX)
        return too_long(m, STR("the mapping of all attributes together"), POOL_MAPPED_BYTES_MAX);
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
            return not_text(m, name, "a text without control characters");
    return OK;
}

static code take_groups(mapper *m, str name, const cel_value *v)
{
    if (v->kind != CEL_LIST || v->list.len > POOL_GROUPS_MAX)
        return not_text(m, name, "a list of at most 100 texts");
    m->groups = arena_array(m->a, v->list.len, sizeof(str));
    m->who->groups = m->groups;
    for (size_t i = 0; i < v->list.len; i++) {
        const cel_value *one = &v->list.items[i];
        if (one->kind != CEL_STRING)
            return not_text(m, name, "a list of texts");
        code c = check_text(m, name, one->s);
        if (c)
            return c;
        m->groups[m->who->group_count++] = one->s;
    }
    return OK;
}

static code take_text(mapper *m, str name, const cel_value *v)
{
    if (v->kind != CEL_STRING)
        return not_text(m, name, "a text");
    code c = check_text(m, name, v->s);
    if (c)
        return c;
    if (str_starts(name, STR("attribute."))) {
        m->attributes[m->who->attribute_count++] = (principal_attribute){str_skip(name, 10), v->s};
        return OK;
    }
    if (!v->s.len)
        return not_text(m, name, "there: it is empty");
    if (v->s.len > POOL_SUBJECT_BYTES_MAX)
        return too_long(m, name, POOL_SUBJECT_BYTES_MAX);
    m->who->subject = v->s;
    return OK;
}

static code map_one(mapper *m, const pool_mapping *one, const cel_activation *activation)
{
    cel_value v = cel_eval(one->program, m->a, activation);
    err why = ERR_INIT;
    if (cel_value_error(one->program, &v, &why)) {
        (void)err_set(m->e, POOL_MAPPING, STR_FMT " can't be mapped: %s", STR_ARG(one->name),
                      why.msg);
        return err_hint(m->e, "a claim that isn't always there has a default: "
                              "'x' in assertion ? assertion.x : ''");
    }
    return str_eq(one->name, STR("google.groups")) ? take_groups(m, one->name, &v)
                                                   : take_text(m, one->name, &v);
}

static code ask_condition(const mapper *m, const cel_activation *activation)
{
    bool holds = true;
    err why = ERR_INIT;
    const cel_program *condition = m->provider->condition;
    code c = condition ? cel_eval_condition(condition, m->a, activation, &holds, &why) : OK;
    if (c)
        return err_set(m->e, POOL_CONDITION, "the provider's condition can't be evaluated: %s",
                       why.msg);
    if (!holds)
        return err_set(m->e, POOL_CONDITION, "the provider's condition isn't true of the token");
    return OK;
}

static code pool_map(const pool_provider *p, arena *a, pool_identity *who, err *e)
{
    mapper m = {.a = a,
                .provider = p,
                .who = &who->who,
                .assertion = cel_from_json(a, who->token.claims),
                .attributes = arena_array(a, p->mapping_count, sizeof(*m.attributes)),
                .e = e};
    const cel_activation activation = {.lookup = find, .ctx = &m};
    who->who.attributes = m.attributes;
    for (size_t i = 0; i < p->mapping_count; i++) {
        code c = map_one(&m, &p->mappings[i], &activation);
        if (c)
            return c;
    }
    return ask_condition(&m, &activation);
}
