// SPDX-License-Identifier: Apache-2.0
// The decision table of injection.md §2. Each row is one function; decide asks them in the table's
// order and the first that answers wins.
#include <stdio.h>
#include <string.h>

#include "credential/credential.h"
#include "data/data.h"

typedef struct decision_ctx decision_ctx;
struct decision_ctx {
    const trust_set *trust;
    const injection_request *req;
    injection_decision *d;
};

static void put(char *to, size_t size, const char *fmt, ...) ATTR_PRINTF(3, 4);
static void put(char *to, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(to, size, fmt, ap);
    va_end(ap);
}
#define REPORT(d, ...) put((d)->report, sizeof((d)->report), __VA_ARGS__)
#define WARN(d, ...) put((d)->warning, sizeof((d)->warning), __VA_ARGS__)

// ---- the request's own headers ----------------------------------------------------------------

static bool is_unresolved(str value)
{
    ssize_t open = str_find(value, STR("{{"));
    return open >= 0 && str_find(str_skip(value, (size_t)open), STR("}}")) > 0;
}

// "Bearer TOKEN" in any case of the scheme.
static bool bearer_of(str value, str *ret_token)
{
    str scheme, rest;
    str_cut(str_trim(value), ' ', &scheme, &rest);
    *ret_token = str_trim(rest);
    return str_ieq(scheme, STR("Bearer")) && ret_token->len > 0;
}

// The iss of a token that nobody has verified: tokens that a test has damaged on purpose count, so
// this reads as little of the token as it can.
static bool is_issued_by(str token, str local_issuer)
{
    enum { CLAIMS_BYTES_MAX = 16 << 10 };
    str header, rest, claims, tail;
    if (!str_cut(token, '.', &header, &rest))
        return false;
    str_cut(rest, '.', &claims, &tail);
    buf text;
    arena a;
    json *root = NULL;
    buf_init(&text, CLAIMS_BYTES_MAX);
    arena_init(&a);
    bool google = false;
    if (base64url_decode(&text, claims) &&
        json_parse(&a, buf_str(&text), NULL, &root, NULL) == OK) {
        str iss = json_str_or(json_get(root, "iss"), STR_NONE);
        google = str_eq(iss, STR("https://accounts.google.com")) ||
                 str_eq(iss, STR("accounts.google.com")) ||
                 (local_issuer.len && str_eq(iss, local_issuer));
    }
    arena_deinit(&a);
    buf_deinit(&text);
    return google;
}

static bool has_google_bearer(const injection_request *req)
{
    for (size_t i = 0; i < req->authorization_count; i++) {
        str token;
        if (bearer_of(req->authorization[i], &token) && is_issued_by(token, req->local_issuer))
            return true;
    }
    return false;
}

// ---- the rows ---------------------------------------------------------------------------------

static bool row_not_candidate(decision_ctx *c)
{
    if (c->d->trust.candidate || (c->req->by_rule && !str_eq(c->req->identity, STR("none"))))
        return false;
    c->d->action = INJECTION_PLAIN;
    return true;
}

// The parts of row 2 that no trust can mend.
static bool row_unsafe(decision_ctx *c)
{
    const trust_match *t = &c->d->trust;
    const char *why = NULL;
    if (t->https && c->req->tls_insecure && t->level != TRUST_LOCAL)
        why = "TLS is not verified";
    else if (!t->https && !t->loopback && t->level != TRUST_LOCAL)
        why = "plain http would show the token to the network";
    else if (c->req->host_header.len && !str_ieq(c->req->host_header, str_from(t->authority)))
        why = "its Host header names another host";
    if (!why)
        return false;
    c->d->action = INJECTION_NONE;
    REPORT(c->d, "no identity: %s", why);
    return true;
}

static bool row_no_identity_wanted(decision_ctx *c)
{
    bool none = str_eq(c->req->identity, STR("none"));
    if (!c->req->noauth && !none)
        return false;
    c->d->action = INJECTION_NONE;
    REPORT(c->d, "no identity: %s", none ? "identity none was chosen" : "auth is noauth");
    return true;
}

static bool row_own_token(decision_ctx *c)
{
    if (c->req->serverless_count)
        REPORT(c->d, "the request's own X-Serverless-Authorization stays");
    else if (has_google_bearer(c->req))
        REPORT(c->d, "the request's own Google token stays");
    else
        return false;
    c->d->action = INJECTION_LEAVE;
    return true;
}

// A token that its receiver could use elsewhere.
static void refuse_replayable(decision_ctx *c)
{
    err *e = &c->d->refusal;
    const char *origin = c->d->trust.origin;
    if (c->req->client_token) {
        (void)err_set(e, TRUST_USER,
                      "%s isn't trusted by its exact origin, and the identity is an OAuth 2 "
                      "client's: its token isn't bound to that service",
                      origin);
        (void)err_hint(e, "if that service may have it: --trust %s", origin);
        return;
    }
    (void)err_set(e, TRUST_USER,
                  "%s isn't trusted by its exact origin, and the identity is a user's: that token "
                  "could be replayed against every service that the user may invoke",
                  origin);
    (void)err_hint(e,
                   "better: --impersonate-service-account EMAIL, whose token is good for one "
                   "service; otherwise: --trust %s",
                   origin);
}

static const char *warn_replayable(const decision_ctx *c)
{
    if (!c->d->user_warning || c->d->local)
        return ""; // on this machine it can be replayed against nothing but this machine's services
    return c->req->client_token
               ? "this is an OAuth 2 client's token: whoever receives it can use it wherever it is "
                 "taken"
               : "this is a user's token: whoever receives it can call every service that the user "
                 "may invoke (better: --impersonate-service-account)";
}

static void refuse(decision_ctx *c, code code_of_refusal)
{
    injection_decision *d = c->d;
    const trust_match *t = &d->trust;
    d->action = INJECTION_REFUSE;
    if (code_of_refusal == TRUST_USER) {
        refuse_replayable(c);
    } else if (c->req->origin_built && t->from[0]) {
        (void)err_set(&d->refusal, TRUST_MISSING,
                      "%s was built by a script or a response; the trust in project %s (%s) does "
                      "not reach it",
                      t->origin, t->project, t->from);
        (void)err_hint(&d->refusal, "if this origin is meant: --trust %s", t->origin);
    } else {
        (void)err_set(&d->refusal, TRUST_MISSING, "%s isn't trusted with an identity", t->origin);
        if (t->served)
            (void)err_hint(&d->refusal,
                           "--local calls it in the running 'gatepost up'; for the service in the "
                           "cloud: gatepost trust add %s",
                           t->origin);
        else if (t->project_known)
            (void)err_hint(&d->refusal,
                           "gatepost trust add %s (this origin) or gatepost trust add %s (its "
                           "project; --trust for this time only); to call it without identity, "
                           "set the request's auth to noauth",
                           t->origin, t->project);
        else
            (void)err_hint(&d->refusal, "gatepost trust add %s, or --trust for this time only",
                           t->origin);
    }
    REPORT(d, "not sent: %s", code_id(d->refusal.code));
}

// Row 2: what the person has not trusted gets nothing. Where a request has an identity coming, the
// lack of trust would only show as a 403 of the server, so it isn't sent (injection.md §1).
static bool row_untrusted(decision_ctx *c)
{
    injection_decision *d = c->d;
    trust_level needed =
        c->req->user_token && d->trust.level != TRUST_LOCAL ? TRUST_ORIGIN : TRUST_PROJECT;
    if (d->trust.level >= needed)
        return false;
    d->user_warning = needed == TRUST_ORIGIN;
    if (d->trust.declined) {
        d->action = INJECTION_NONE;
        REPORT(d, "no identity: you declined to trust %s", d->trust.origin);
    } else if (c->req->interactive) {
        d->action = INJECTION_ASK;
        REPORT(d, "waiting for your answer about %s", d->trust.origin);
    } else {
        refuse(c, d->trust.level == TRUST_NONE ? TRUST_MISSING : TRUST_USER);
    }
    return true;
}

static bool any_unresolved_or_empty(const injection_request *req)
{
    for (size_t i = 0; i < req->authorization_count; i++)
        if (!str_trim(req->authorization[i]).len || is_unresolved(req->authorization[i]))
            return true;
    return false;
}

static void row_inject(decision_ctx *c)
{
    injection_decision *d = c->d;
    d->action = INJECTION_INJECT;
    d->header = INJECTION_AUTHORIZATION;
    d->user_warning = c->req->user_token;
    const char *from = d->trust.from;
    bool in_place = any_unresolved_or_empty(c->req);
    const char *warning = warn_replayable(c);
    WARN(d, "%s%s%s",
         in_place ? "Authorization was empty or held an unresolved variable: identity takes its "
                    "place"
                  : "",
         in_place && *warning ? "; " : "", warning);
    if (in_place) {
        REPORT(d, "identity in Authorization (trusted by %s)", from);
        return;
    }
    if (c->req->authorization_count) {
        d->header = INJECTION_SERVERLESS;
        REPORT(d,
               "identity in X-Serverless-Authorization (trusted by %s), the application's "
               "Authorization passes",
               from);
        return;
    }
    REPORT(d, "identity in Authorization (trusted by %s)", from);
}

void injection_decide(const trust_set *t, const injection_request *req, injection_decision *ret)
{
    *ret = (injection_decision){0};
    decision_ctx c = {t, req, ret};
    if (trust_find(t, req->url, req->origin_built, &ret->trust, &ret->refusal)) {
        ret->action = INJECTION_REFUSE;
        REPORT(ret, "not sent: %s", code_id(ret->refusal.code));
        return;
    }
    ret->local = ret->trust.level == TRUST_LOCAL;
    ret->client_token = req->client_token;
    if (req->audience.len)
        put(ret->audience, sizeof(ret->audience), STR_FMT, STR_ARG(req->audience));
    else
        put(ret->audience, sizeof(ret->audience), "%s", ret->trust.audience);
    if (row_not_candidate(&c) || row_unsafe(&c) || row_no_identity_wanted(&c) ||
        row_own_token(&c) || row_untrusted(&c))
        return;
    row_inject(&c);
}

void injection_question(const injection_decision *d, str principal, buf *out)
{
    buf_addf(out, "The collection calls %s.\n", d->trust.origin);
    if (d->user_warning && d->client_token)
        buf_addf(out,
                 "Send it a token of an OAuth 2 client (" STR_FMT
                 ")? Whoever receives it can use it "
                 "wherever\nit is taken, until it expires.\n",
                 STR_ARG(principal));
    else if (d->user_warning)
        buf_addf(out,
                 "Send it a token of the user " STR_FMT "? A user's token isn't bound to one "
                 "service:\nwhoever receives it can call every service that you may invoke, until "
                 "it expires.\nBetter: --impersonate-service-account EMAIL.\n",
                 STR_ARG(principal));
    else
        buf_addf(out, "Send it an ID token of " STR_FMT ", good for %s only?\n", STR_ARG(principal),
                 d->audience);
}

str identity_for(const project_rule *rules, size_t count, str request_path, str run_identity,
                 bool *ret_by_rule)
{
    for (size_t i = 0; i < count; i++) {
        if (!str_glob(rules[i].request, request_path))
            continue;
        *ret_by_rule = true;
        return rules[i].identity;
    }
    *ret_by_rule = false;
    return run_identity;
}
