// SPDX-License-Identifier: Apache-2.0
// Which identity a hop carries: what the credential room decides, with what the run knows about the
// request. Tokens themselves pass through trip.c alone.
#include "runner/run.h"

// ---- origins known before any script ran --------------------------------------------------------

static void know(runner *r, const pm_item *item, const pm_scopes *scopes, arena *a)
{
    str origin;
    trust_match m;
    if (pm_origin(a, item->request, scopes, &origin, NULL) == OK &&
        trust_find(r->o.identity.trust, origin, false, &m, NULL) == OK)
        map_set(&r->known, str_from(m.origin), r);
    arena_reset(a);
}

static void know_all(runner *r, const pm_scopes *scopes)
{
    arena a;
    arena_init(&a);
    for (uint32_t i = 0; i < r->o.collection->request_count; i++)
        know(r, r->o.collection->requests[i], scopes, &a);
    arena_deinit(&a);
}

void identity_known_origins(runner *r)
{
    pm_scopes scopes = run_first_scopes(r);
    if (r->o.identity.trust && !r->o.data)
        know_all(r, &scopes);
}

// With data, the origin of this one request in this row: 10^5 rows are not looked through for each.
void identity_known_row(runner *r)
{
    pm_scopes scopes = run_first_scopes(r);
    arena a;
    if (!r->o.identity.trust || !r->o.data)
        return;
    arena_init(&a);
    know(r, r->turn.item, &scopes, &a);
    arena_deinit(&a);
}

static bool was_built(const trip *x, const char *origin)
{
    return !map_has(&x->r->known, str_from(origin));
}

// ---- the decision -------------------------------------------------------------------------------

typedef struct question question;
struct question {
    trip *x;
    injection_request req;
    VEC(str) authorization, serverless;
    bool person_asked;
};

// Also an identity that is defined as none (`identities: {anonymous: none}`).
static bool is_none(const runner_identity *id, str name)
{
    for (size_t i = 0; i < id->identity_count; i++)
        if (str_eq(id->identities[i].name, name))
            return id->identities[i].none;
    return false;
}

static void collect_headers(question *q)
{
    VEC_FOREACH (&q->x->headers, h) {
        if (str_ieq(h->name, STR("Authorization")))
            vec_push(&q->authorization, h->value);
        else if (str_ieq(h->name, STR("X-Serverless-Authorization")))
            vec_push(&q->serverless, h->value);
        else if (str_ieq(h->name, STR("Host")) && !h->system)
            q->req.host_header = h->value;
    }
    q->req.authorization = q->authorization.ptr;
    q->req.authorization_count = q->authorization.len;
    q->req.serverless = q->serverless.ptr;
    q->req.serverless_count = q->serverless.len;
}

// The origin and path: trust reads no query, which may hold what uri refuses.
static str url_to_judge(const trip *x)
{
    ssize_t q = str_chr(x->url, '?');
    return q < 0 ? x->url : str_sub(x->url, 0, (size_t)q);
}

static void prepare(question *q)
{
    trip *x = q->x;
    const runner_identity *id = &x->r->o.identity;
    x->identity = id->identity;
    if (id->rule_count) {
        str path = pm_item_path(&x->mem, x->want.item, "/");
        x->identity = identity_for(id->rules, id->rule_count, path, id->identity, &q->req.by_rule);
    }
    q->req.identity = is_none(id, x->identity) ? STR("none") : x->identity;
    q->req.url = url_to_judge(x);
    q->req.tls_insecure =
        x->behavior.tls_insecure || (x->r->o.tls_insecure && !x->behavior.tls_strict);
    q->req.noauth = x->call.noauth;
    q->req.interactive = id->interactive && id->ask;
    q->req.local_issuer = id->local_issuer;
    // What was chosen for the request holds where it was sent, not where a redirect leads: a token
    // for one service's audience could be replayed there by another. A rule names the item's own.
    uri_origin here = url_origin(&x->at);
    bool own = origin_eq(&here, &x->first);
    q->req.audience = own ? id->audience : STR_NONE;
    q->req.by_rule = q->req.by_rule && own && !x->want.by_script;
    collect_headers(q);
}

// A token of the one world never goes to the other, whatever trust says (injection.md §4).
static code keep_worlds_apart(trip *x, err *e)
{
    const injection_decision *d = &x->decision;
    bool stays_here = x->route || d->trust.loopback;
    bool mixed = d->local ? !stays_here : x->route != NULL;
    if (d->action != INJECTION_INJECT || !mixed)
        return OK;
    (void)err_set(e, CRED_MIXED, "%s would get a %s credential, but the request goes to %s",
                  d->trust.origin, d->local ? "local" : "real",
                  x->route ? "the running gatepost up" : "the cloud");
    return err_hint(e, d->local ? "run it with --local" : "is this service part of gatepost up?");
}

static bool needs_credential(injection_action a)
{
    return a == INJECTION_INJECT || a == INJECTION_ASK || a == INJECTION_REFUSE;
}

// The answer, either way, stands in the trust set afterwards.
static void ask_person(question *q, const credential_who *who)
{
    trip *x = q->x;
    const runner_identity *id = &x->r->o.identity;
    buf text;
    buf_init(&text, 4096);
    injection_question(&x->decision, who->principal, &text);
    (void)id->ask(id->ask_ctx, buf_str(&text), str_from(x->decision.trust.origin));
    buf_deinit(&text);
    q->person_asked = true;
    q->req.interactive = false;
    injection_decide(id->trust, &q->req, &x->decision);
}

static code decide(question *q, err *e)
{
    trip *x = q->x;
    const runner_identity *id = &x->r->o.identity;
    injection_decision *d = &x->decision;
    const credential_who *who;
    injection_decide(id->trust, &q->req, d);
    if (d->action != INJECTION_PLAIN && was_built(x, d->trust.origin)) {
        q->req.origin_built = true;
        injection_decide(id->trust, &q->req, d);
    }
    if (!needs_credential(d->action) || !id->credentials)
        return OK;
    code c = credential_identify(id->credentials, x->identity, d->local, &who, e);
    if (c)
        return d->action == INJECTION_REFUSE ? OK : c; // what isn't trusted needs no credential
    if (who->user) {
        q->req.user_token = true;
        q->req.client_token = who->source == CREDENTIAL_OAUTH;
        injection_decide(id->trust, &q->req, d);
    }
    if (d->action == INJECTION_ASK)
        ask_person(q, who);
    x->told.identity.principal = who->principal;
    return OK;
}

// A question that was asked before and still has the same answer isn't gone through again.
static code answer(question *q, err *e)
{
    if (settled_recall(q->x, &q->req))
        return OK;
    code c = decide(q, e);
    if (!c && !q->person_asked)
        settled_keep(q->x, &q->req);
    return c;
}

// The origin of one hop hasn't what the one before had: only what a report says is kept.
static void report(trip *x)
{
    run_identity *told = &x->told.identity;
    const injection_decision *d = &x->decision;
    told->action = d->action;
    told->local = d->local;
    told->age_s = -1;
    told->report = str_from(d->report);
    told->warning = str_from(d->warning);
    told->trusted = d->trust.level == TRUST_NONE ? "" : d->trust.from;
    if (d->action != INJECTION_PLAIN) {
        told->origin = str_from(d->trust.origin);
        told->name = x->identity;
        told->serverless = d->header == INJECTION_SERVERLESS;
    }
    // A user's token has its client as audience, whatever was asked for.
    bool bound = d->action == INJECTION_INJECT && !d->user_warning;
    told->audience = bound ? str_from(d->audience) : STR_NONE;
    if (d->action != INJECTION_INJECT)
        told->principal = STR_NONE;
}

code identity_decide(trip *x, err *e)
{
    if (!x->r->o.identity.trust)
        return OK; // INJECTION_PLAIN
    question q = {.x = x};
    prepare(&q);
    code c = answer(&q, e);
    vec_deinit(&q.authorization);
    vec_deinit(&q.serverless);
    if (!c)
        c = keep_worlds_apart(x, e);
    report(x);
    if (c)
        return c;
    if (x->decision.action == INJECTION_INJECT && !x->r->o.identity.credentials)
        return err_set(e, CRED_NOT_FOUND, "%s is trusted, but no credential was found",
                       x->decision.trust.origin);
    if (x->decision.action == INJECTION_REFUSE) {
        if (e)
            *e = x->decision.refusal;
        return x->decision.refusal.code;
    }
    return OK;
}

credential_want identity_want(const trip *x)
{
    return (credential_want){
        .kind = CREDENTIAL_ID_TOKEN,
        .audience = str_from(x->decision.audience),
        .identity = x->identity,
        .local = x->decision.local,
        .user_token = x->decision.user_warning,
    };
}

void identity_token(trip *x, const credential_token *t)
{
    run_identity *told = &x->told.identity;
    told->principal = arena_str(&x->mem, t->principal);
    told->via = arena_str(&x->mem, t->via);
    told->audience = arena_str(&x->mem, t->audience); // a user's token has its client's
    told->age_s = credential_token_age_ms(t) / 1000;
}

// ---- after a refusal ----------------------------------------------------------------------------

// The bearer that this hop carried: ours, or the request's own.
static str token_sent(const trip *x)
{
    if (x->token)
        return credential_token_value(x->token);
    VEC_FOREACH (&x->headers, h) {
        str scheme, rest;
        str_cut(h->value, ' ', &scheme, &rest);
        bool place = str_ieq(h->name, STR("Authorization")) ||
                     str_ieq(h->name, STR("X-Serverless-Authorization"));
        if (place && str_ieq(scheme, STR("Bearer")))
            return str_trim(rest);
    }
    return STR_NONE;
}

static refusal describe(const trip *x)
{
    int64_t server_s = 0;
    str date = told_header(x, "Date");
    if (date.len && !cookie_date(date, &server_s))
        server_s = 0;
    return (refusal){
        .status = x->told.status,
        .url = x->url,
        .token = token_sent(x),
        .audience = str_from(x->decision.trust.audience),
        .principal = x->token ? x->token->principal : STR_NONE,
        .www_authenticate = told_header(x, "WWW-Authenticate"),
        .body = x->told.body,
        .local = x->decision.local,
        .server_s = server_s,
        .now_s = clock_wall_s(),
    };
}

// The trace of "TRACE/SPAN;o=1" or "TRACE;o=1".
static str trace_of(const trip *x)
{
    str value = told_header(x, "X-Cloud-Trace-Context");
    size_t len = 0;
    while (len < value.len && value.ptr[len] != '/' && value.ptr[len] != ';')
        len++;
    return str_sub(value, 0, len);
}

// The command that finds the refused call in the trail, or in Cloud Logging.
static str where_to_look(trip *x)
{
    str trace = trace_of(x);
    if (!trace.len)
        return STR_NONE;
    if (x->decision.local || x->route)
        return arena_printf(&x->mem, "gatepost audit query --id " STR_FMT, STR_ARG(trace));
    run_app name;
    const char *project = ""; // gcloud's own default; a hash in the name is none that it knows
    if (x->decision.trust.project_known && run_app_parse(x->at.host.name, &name) && name.number.len)
        project = arena_printf(&x->mem, " --project " STR_FMT, STR_ARG(name.number)).ptr;
    return arena_printf(&x->mem, "gcloud logging read 'trace:" STR_FMT "'%s", STR_ARG(trace),
                        project);
}

void identity_explain(trip *x)
{
    int status = x->told.status;
    if ((status != 401 && status != 403 && status != 404) || !x->decision.trust.candidate)
        return;
    refusal r = describe(x);
    refusal_reason why;
    refusal_explain(&r, &x->mem, &why);
    if (why.code == OK)
        return; // the application's own answer: it got the call
    x->told.trace = where_to_look(x);
    x->told.explain = why.sentence;
    if (why.fix.len)
        x->told.explain = arena_printf(&x->mem, STR_FMT "\nfix: " STR_FMT, STR_ARG(why.sentence),
                                       STR_ARG(why.fix));
}
