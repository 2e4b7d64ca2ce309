// SPDX-License-Identifier: Apache-2.0
// Why a service refused a call, from what its caller can see.
#include <inttypes.h>

#include "credential/credential.h"
#include "data/data.h"
#include "iam/iam.h"
#include "jose/jose.h"
#include "uri/uri.h"

enum { SKEW_S = 60 };

bool refusal_is_cloud_run_page(str body)
{
    return str_find(body, STR("<h1>Error: ")) >= 0 && str_find(body, STR("<h2>")) >= 0;
}

typedef struct asking asking;
struct asking {
    const refusal *r;
    arena *a;
    refusal_reason *ret;
    jwt token; // as far as it could be read
};

static void because(asking *x, code c, const char *fmt, ...) ATTR_PRINTF(3, 4);
static void because(asking *x, code c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    x->ret->code = c;
    x->ret->sentence = arena_vprintf(x->a, fmt, ap);
    va_end(ap);
}

static void fix(asking *x, const char *fmt, ...) ATTR_PRINTF(2, 3);
static void fix(asking *x, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    x->ret->fix = arena_vprintf(x->a, fmt, ap);
    va_end(ap);
}

static str audience_of(const asking *x)
{
    return x->r->audience.len ? x->r->audience : STR("https://SERVICE-….run.app");
}

// "3 min", "2 h": how long ago.
static str span(arena *a, int64_t seconds)
{
    if (seconds < 120)
        return arena_printf(a, "%" PRId64 " s", seconds);
    if (seconds < 7200)
        return arena_printf(a, "%" PRId64 " min", seconds / 60);
    return arena_printf(a, "%" PRId64 " h", seconds / 3600);
}

// ---- 401: the token

static void mint_instead(asking *x)
{
    str audience = audience_of(x);
    fix(x, "gatepost token --audience " STR_FMT, STR_ARG(audience));
}

static bool not_a_jwt(asking *x)
{
    str t = x->r->token;
    if (jwt_looks_like(t))
        return false;
    if (str_starts(t, STR("ya29.")))
        because(x, GUARD_ACCESS_TOKEN,
                "an access token was sent, but Cloud Run wants an ID token: one that is made for "
                "exactly this service");
    else
        because(x, JWT_FORMAT,
                "what was sent as a bearer is not a JWT, nor has it the form of Google's access "
                "tokens");
    fix(x, "remove the script or header that sets Authorization (gatepost lint --fix COLLECTION): "
           "gatepost run mints the right token; or ask for target_audience instead of scope");
    return true;
}

static bool unreadable(asking *x)
{
    err e = ERR_INIT;
    code c = jwt_parse(x->r->token, x->a, &x->token, &e);
    if (c == OK)
        return false;
    because(x, c, "%s", e.msg);
    mint_instead(x);
    return true;
}

static bool foreign_issuer(asking *x)
{
    str iss = x->token.issuer;
    if (str_eq(iss, STR("https://accounts.google.com")) || str_eq(iss, STR("accounts.google.com")))
        return false;
    if (email_is_service_account(iss))
        because(x, OIDC_ISSUER,
                "this is a JWT that the service account signed itself: Google's APIs take it, "
                "Cloud Run doesn't");
    else
        because(x, OIDC_ISSUER,
                "the token's issuer is '" STR_FMT "', and Cloud Run accepts Google's tokens only",
                STR_ARG(iss));
    if (email_is_service_account(iss))
        mint_instead(x);
    else
        fix(x, "exchange it first (workload identity federation, then generateIdToken), or put "
               "the gate in front of the service");
    return true;
}

static bool wrong_time(asking *x)
{
    const jwt *t = &x->token;
    int64_t now = x->r->server_s ? x->r->server_s : x->r->now_s;
    int64_t skew = x->r->server_s ? x->r->now_s - x->r->server_s : 0;
    if (t->has_expiry && t->expiry_s <= now) {
        str ago = span(x->a, now - t->expiry_s);
        because(x, JWT_EXPIRED, "the token expired " STR_FMT " ago", STR_ARG(ago));
        fix(x,
            "let gatepost renew it (gatepost run, without --no-refresh), or mint another: "
            "gatepost token --audience " STR_FMT,
            STR_ARG(audience_of(x)));
    } else if (t->has_issued_at && t->issued_at_s > now + SKEW_S) {
        str ahead = span(x->a, t->issued_at_s - now);
        because(x, JWT_EARLY, "the token was issued " STR_FMT " in the future", STR_ARG(ahead));
        fix(x, "set this machine's clock: timedatectl set-ntp true");
    } else {
        return false;
    }
    if (skew > SKEW_S || skew < -SKEW_S) {
        str by = span(x->a, skew < 0 ? -skew : skew);
        str first = x->ret->sentence;
        because(x, x->ret->code, STR_FMT "; this machine's clock is " STR_FMT " %s the server's",
                STR_ARG(first), STR_ARG(by), skew < 0 ? "behind" : "ahead of");
        fix(x, "set this machine's clock: timedatectl set-ntp true");
    }
    return true;
}

// The same but for a slash or a path at its end, or another case.
static bool nearly(str sent, str expected)
{
    while (str_ends(sent, STR("/")))
        sent.len--;
    return str_ieq(sent, expected) ||
           (str_istarts(sent, expected) && sent.ptr[expected.len] == '/');
}

static bool wrong_audience(asking *x)
{
    const jwt *t = &x->token;
    str expected = x->r->audience;
    if (!expected.len)
        return false;
    for (size_t i = 0; i < t->audience_count; i++)
        if (str_eq(t->audiences[i], expected))
            return false;
    str sent = t->audience_count ? t->audiences[0] : STR("");
    because(x, JWT_AUDIENCE,
            "the token was made for '" STR_FMT "', but this service's audience is '" STR_FMT "'%s",
            STR_ARG(sent), STR_ARG(expected),
            sent.len && nearly(sent, expected) ? ", letter for letter" : "");
    fix(x, "gatepost token --audience " STR_FMT ", or make '" STR_FMT "' a custom audience",
        STR_ARG(expected), STR_ARG(sent));
    return true;
}

static void explain_401(asking *x)
{
    if (!x->r->token.len) {
        because(x, GUARD_SCHEME,
                "an Authorization or X-Serverless-Authorization header was sent that holds no "
                "bearer token");
        mint_instead(x);
        return;
    }
    static bool (*const rows[])(asking *) = {not_a_jwt, unreadable, foreign_issuer, wrong_time,
                                             wrong_audience};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i](x))
            return;
    because(x, JWT_SIGNATURE,
            "the token's audience and times are right, so its signature is not: it was changed, or "
            "signed by a key that the service doesn't know (a local token sent to the cloud, or "
            "the reverse)");
    mint_instead(x);
}

// ---- 403: the caller

// "serviceAccount:e" or "user:e".
static str member_of(asking *x)
{
    str email = x->r->principal;
    if (!email.len)
        email = json_str_or(json_get(x->token.claims, "email"), STR_NONE);
    if (!email.len)
        return STR_NONE;
    return arena_printf(x->a, "%s:" STR_FMT,
                        email_is_service_account(email) ? "serviceAccount" : "user",
                        STR_ARG(email));
}

static str service_of(asking *x)
{
    uri_url u;
    run_app name;
    if (url_parse(x->a, x->r->url, &u, NULL) == OK && run_app_parse(u.host.name, &name))
        return name.service;
    return STR("SERVICE");
}

// Plain http to another machine, which is never sent an identity.
static bool is_plain_and_remote(const asking *x)
{
    uri_url u;
    return str_istarts(x->r->url, STR("http://")) &&
           !(url_parse(x->a, x->r->url, &u, NULL) == OK && host_is_loopback(&u.host));
}

static void explain_403(asking *x)
{
    if (!x->r->token.len) {
        because(x, IAM_ANONYMOUS, "the call carried no identity, and the service is private");
        if (x->r->local)
            fix(x,
                "without noauth and identity none, gatepost run --local adds the identity; for "
                "other tools: gatepost connect --local " STR_FMT,
                STR_ARG(audience_of(x)));
        else if (is_plain_and_remote(x))
            fix(x, "call it by https: no identity is sent over plain http");
        else
            fix(x,
                "trust the service, and gatepost adds the identity: gatepost trust add " STR_FMT
                "; or for other tools: gatepost connect " STR_FMT,
                STR_ARG(audience_of(x)), STR_ARG(audience_of(x)));
        return;
    }
    if (jwt_parse(x->r->token, x->a, &x->token, NULL) != OK)
        x->token = (jwt){0};
    str who = member_of(x), service = service_of(x);
    if (!who.len) {
        because(x, IAM_DENIED,
                "the caller (subject " STR_FMT ") lacks run.routes.invoke, and its token holds no "
                "e-mail address by which a policy could name it",
                STR_ARG(x->token.subject));
        fix(x, "ask for the token with includeEmail");
        return;
    }
    because(x, IAM_DENIED,
            STR_FMT " was recognised, but no binding of the service's policy gives it "
                    "run.routes.invoke",
            STR_ARG(who));
    if (x->r->local)
        fix(x,
            "in gatepost.yaml give that account roles: [roles/run.invoker]; then start it again: "
            "gatepost up");
    else
        fix(x,
            "gcloud run services add-iam-policy-binding " STR_FMT " --member=" STR_FMT
            " --role=roles/run.invoker",
            STR_ARG(service), STR_ARG(who));
}

// ---- 404: no such service here

static void explain_404(asking *x)
{
    because(x, HTTP_ABSENT,
            "no service answers at this address from here: it doesn't exist, its ingress setting "
            "excludes this network, or its run.app URL is disabled");
    str service = service_of(x);
    if (x->r->local)
        fix(x, "in its service.yaml remove run.googleapis.com/default-url-disabled, and set "
               "run.googleapis.com/ingress to all; then start it again: gatepost up");
    else
        fix(x,
            "gcloud run services describe " STR_FMT " --format='value(status.url, "
            "metadata.annotations[run.googleapis.com/ingress])'",
            STR_ARG(service));
}

void refusal_explain(const refusal *r, arena *a, refusal_reason *ret_reason)
{
    asking x = {.r = r, .a = a, .ret = ret_reason};
    *ret_reason = (refusal_reason){.code = OK};
    bool challenge = str_ifind(r->www_authenticate, STR("invalid_token")) >= 0;
    if (!refusal_is_cloud_run_page(r->body) && !challenge) {
        because(&x, OK, "the application itself answered %d: it got the call", r->status);
        return;
    }
    if (r->status == 401)
        explain_401(&x);
    else if (r->status == 403)
        explain_403(&x);
    else if (r->status == 404)
        explain_404(&x);
    else
        because(&x, OK, "the service answered %d", r->status);
}
