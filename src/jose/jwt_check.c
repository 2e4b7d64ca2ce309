// SPDX-License-Identifier: Apache-2.0
// Whether a token is good: its signature, then its claims (RFC 7519 §7.2, RFC 8725).
#include "jose/key.h"

// ---- signature

static code wrong_alg(const jwt *t, const jwk *k, err *e)
{
    if (k)
        return err_set(e, JWT_ALG, "the token says %.*s, its key is for %s",
                       t->alg_name.len < 32 ? (int)t->alg_name.len : 32, t->alg_name.ptr,
                       jose_alg_name(k->alg));
    return err_set(e, JWT_ALG, "the algorithm %.*s isn't accepted",
                   t->alg_name.len < 32 ? (int)t->alg_name.len : 32, t->alg_name.ptr);
}

static code bad_signature(const jwt *t, err *e)
{
    err_set(e, JWT_SIGNATURE, "the token's signature is wrong");
    if (str_ends(t->text, STR(".SIGNATURE_REMOVED_BY_GOOGLE")))
        err_hint(e, "Cloud Run removed this signature when it passed the call on: such a token "
                    "can't be used again");
    return JWT_SIGNATURE;
}

// RFC 7515 §4.1.4 makes kid optional. Without it every key of the algorithm is a candidate.
static code check_without_kid(const jwt *t, const jwk_set *keys, err *e)
{
    size_t tries = 0;
    for (size_t i = 0; i < jwk_set_len(keys); i++) {
        jwk *k = jwk_set_at(keys, i);
        if (k->alg != t->alg)
            continue;
        if (++tries > JWT_TRIES_MAX)
            return err_set(e, JWT_KEY, "the token names no key (\"kid\") and there are too many");
        if (jws_verify(k, t->signing_input, t->signature))
            return OK;
    }
    return tries ? bad_signature(t, e) : wrong_alg(t, NULL, e);
}

code jwt_check_signature(const jwt *t, const jwk_set *keys, err *e)
{
    if (t->alg == JOSE_ALG_COUNT)
        return wrong_alg(t, NULL, e);
    if (!t->kid.len)
        return check_without_kid(t, keys, e);
    jwk *k = jwk_set_find(keys, t->kid);
    if (!k)
        return err_set(e, JWT_KEY, "the issuer has no key \"%.*s\"",
                       t->kid.len < 64 ? (int)t->kid.len : 64, t->kid.ptr);
    if (k->alg != t->alg)
        return wrong_alg(t, k, e);
    return jws_verify(k, t->signing_input, t->signature) ? OK : bad_signature(t, e);
}

// ---- claims

// "2026-11-24T02:18:28Z"; times beyond the calendar are shown as numbers.
static const char *shown_time(int64_t s, char text[CLOCK_RFC3339_MAX])
{
    if (s < INT64_C(253402300800)) // year 10000
        clock_rfc3339(s * INT64_C(1000000000), text);
    else
        snprintf(text, CLOCK_RFC3339_MAX, "%lld", (long long)s);
    return text;
}

static int64_t bounded_leeway(int64_t leeway_s)
{
    return leeway_s < 0 ? 0 : leeway_s > 60 ? 60 : leeway_s;
}

code jwt_check_times(const jwt *t, int64_t now_s, int64_t leeway_s, err *e)
{
    char at[CLOCK_RFC3339_MAX];
    leeway_s = bounded_leeway(leeway_s);
    if (t->has_expiry && now_s >= t->expiry_s + leeway_s)
        return err_set(e, JWT_EXPIRED, "the token expired %lld s ago, at %s",
                       (long long)(now_s - t->expiry_s), shown_time(t->expiry_s, at));
    const char *claim = t->has_not_before && t->not_before_s > now_s + leeway_s ? "nbf"
                        : t->has_issued_at && t->issued_at_s > now_s + leeway_s ? "iat"
                                                                                : NULL;
    if (!claim)
        return OK;
    int64_t when = *claim == 'n' ? t->not_before_s : t->issued_at_s;
    err_set(e, JWT_EARLY, "the token's \"%s\" is %lld s in the future, at %s", claim,
            (long long)(when - now_s), shown_time(when, at));
    err_hint(e, "the clock here or at the issuer is wrong");
    return JWT_EARLY;
}

// "JWT" may be written with "application/" and in any case (RFC 7515 §4.1.9).
static code check_type(const jwt *t, str typ, err *e)
{
    str is = t->typ;
    if (str_istarts(is, STR("application/")))
        is = str_skip(is, 12);
    if (!typ.len && (!is.len || str_ieq(is, STR("JWT"))))
        return OK;
    if (typ.len && str_ieq(is, typ))
        return OK;
    return err_set(e, JWT_TYPE, "the token's type is \"%.*s\", not \"" STR_FMT "\"",
                   is.len < 32 ? (int)is.len : 32, is.ptr ? is.ptr : "",
                   STR_ARG(typ.len ? typ : STR("JWT")));
}

static code check_audience(const jwt *t, const jwt_expect *x, err *e)
{
    for (size_t i = 0; i < t->audience_count; i++)
        for (size_t j = 0; j < x->audience_count; j++)
            if (str_eq(t->audiences[i], x->audiences[j]))
                return OK;
    if (!t->audience_count)
        return err_set(e, JWT_AUDIENCE, "the token names no audience; expected \"" STR_FMT "\"",
                       STR_ARG(x->audiences[0]));
    return err_set(e, JWT_AUDIENCE,
                   "the token's audience is \"%.*s\"%s; expected \"" STR_FMT "\"%s",
                   t->audiences[0].len < 256 ? (int)t->audiences[0].len : 256, t->audiences[0].ptr,
                   t->audience_count > 1 ? " and others" : "", STR_ARG(x->audiences[0]),
                   x->audience_count > 1 ? " or another of this service's" : "");
}

code jwt_check_claims(const jwt *t, const jwt_expect *x, err *e)
{
    code c = check_type(t, x->typ, e);
    if (c)
        return c;
    if (x->issuer.len && !str_eq(t->issuer, x->issuer))
        return err_set(e, JWT_ISSUER, "the token's issuer is \"%.*s\"; expected \"" STR_FMT "\"",
                       t->issuer.len < 256 ? (int)t->issuer.len : 256,
                       t->issuer.ptr ? t->issuer.ptr : "", STR_ARG(x->issuer));
    if (!t->has_expiry && !x->expiry_optional)
        return err_set(e, JWT_CLAIMS, "the token never expires (no \"exp\"): that is refused");
    if (x->lifetime_max_s && (!t->has_issued_at || !t->has_expiry))
        return err_set(e, JWT_CLAIMS, "the token must say when it was issued (\"iat\")");
    if (x->lifetime_max_s && t->expiry_s - t->issued_at_s > x->lifetime_max_s)
        return err_set(e, JWT_CLAIMS, "the token is valid for %lld s; the limit is %lld s",
                       (long long)(t->expiry_s - t->issued_at_s), (long long)x->lifetime_max_s);
    c = jwt_check_times(t, x->now_s, x->leeway_s, e);
    if (c == OK && x->audience_count)
        c = check_audience(t, x, e);
    return c;
}

code jwt_verify(str token, const jwk_set *keys, const jwt_expect *x, arena *a, jwt *ret_jwt, err *e)
{
    code c = jwt_parse(token, a, ret_jwt, e);
    if (c == OK)
        c = jwt_check_signature(ret_jwt, keys, e);
    if (c == OK)
        c = jwt_check_claims(ret_jwt, x, e);
    return c;
}
