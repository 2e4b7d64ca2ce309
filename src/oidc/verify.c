// SPDX-License-Identifier: Apache-2.0
// One token: its issuer, then its signature, then its claims.
#include "oidc/issuer.h"

static issuer *choose_issuer(oidc *o, const jwt *t, arena *a, err *e)
{
    issuer *i = issuer_find(o, t->issuer);
    if (i)
        return i;
    if (!t->issuer.len) {
        (void)err_set(e, OIDC_ISSUER, "the token names no issuer (\"iss\")");
        return NULL;
    }
    (void)err_set(e, OIDC_ISSUER, "the token's issuer \"" STR_FMT "\" isn't known here",
                  STR_ARG(oidc_quoted(t->issuer, a)));
    size_t at = 0;
    str name;
    void *value;
    if (map_next(&o->issuers, &at, &name, &value))
        (void)err_hint(e, "tokens of " STR_FMT "%s are accepted", STR_ARG(name),
                       o->issuers.len > 1 ? " and others" : "");
    return NULL;
}

// True when the caller must wait. Otherwise *ret_code tells whether there are keys to use. While
// the issuer is down nobody waits for the attempts of each minute: the last good keys do.
static bool need_keys(issuer *i, code *ret_code, err *e)
{
    keys_expire(i);
    *ret_code = OK;
    if (!keys_fresh(i)) {
        if (keys_may_fetch(i))
            keys_fetch(i);
        if (i->fetching.active && (!i->keys || !i->failure.code))
            return true;
        if (!i->keys) {
            *e = i->failure;
            *ret_code = OIDC_KEYS;
        }
    }
    return false;
}

// A key that was made since the keys were fetched. A token without kid could be by any key.
static bool may_be_new_key(const issuer *i, const jwt *t, code c)
{
    return !i->in_memory && (c == JWT_KEY || (c == JWT_SIGNATURE && !t->kid.len));
}

static bool is_access_token(const jwt *t)
{
    return str_ieq(t->typ, STR("at+jwt")) || str_ieq(t->typ, STR("application/at+jwt"));
}

static oidc_state done(code c, code *ret_code)
{
    *ret_code = c;
    return OIDC_DONE;
}

oidc_state oidc_verify(oidc *o, const oidc_query *q, arena *a, oidc_identity *who, code *ret_code,
                       err *e)
{
    err none;
    e = e ? e : &none;
    *e = ERR_INIT;
    *who = (oidc_identity){0};
    code c = jwt_parse(q->token, a, &who->token, e);
    if (c)
        return done(c, ret_code);
    issuer *i = choose_issuer(o, &who->token, a, e);
    if (!i)
        return done(OIDC_ISSUER, ret_code);
    if (need_keys(i, &c, e))
        return OIDC_WAIT;
    if (c)
        return done(c, ret_code);
    c = jwt_check_signature(&who->token, i->keys, e);
    if (may_be_new_key(i, &who->token, c)) {
        if (keys_may_fetch(i))
            keys_fetch(i);
        if (i->fetching.active)
            return OIDC_WAIT;
    }
    jwt_expect x = {.audiences = q->audiences,
                    .audience_count = q->audience_count,
                    .now_s = q->now_s,
                    .leeway_s = o->options.leeway_s};
    if (i->is.access_tokens && is_access_token(&who->token))
        x.typ = who->token.typ;
    if (c == OK)
        c = jwt_check_claims(&who->token, &x, e);
    if (c)
        return done(c, ret_code);
    who->kind = i->is.kind;
    who->generation = i->generation;
    oidc_principal(&who->token, &i->is, a, &who->who);
    return done(OK, ret_code);
}
