// SPDX-License-Identifier: Apache-2.0
#include "doctor/doctor.h"

#include "audit/audit.h"
#include "data/data.h"
#include "fetch/fetch.h"
#include "jose/jose.h"
#include "net/net.h"
#include "uri/uri.h"

enum { DEADLINE_MS = 60000, CALL_MS = 15000, BODY_BYTES_MAX = 1 << 20 };

struct doctor {
    loop *loop;
    doctor_options o;
    arena a;
    flow flow;
    fetch_client *client;
    fetch_call *call;
    credential_wait *wait;
    credential_token *token;
    trust_match match;
    const address_service *service; // of the running `up` with this run.app URL, or NULL
    fetch_route route;
    doctor_report report;
    doctor_call *now; // the call that is under way
    refusal refused;  // the last refusal
    void (*on_done)(void *ctx, const doctor_report *r, const err *e);
    void *ctx;
};

// ---- Where to

// The service of the running `up` that has this run.app URL, or NULL.
static const address_service *service_at(doctor *d, str host)
{
    for (size_t i = 0; d->o.up && i < d->o.up->service_count; i++) {
        const address_service *s = &d->o.up->services[i];
        for (size_t k = 0; k < s->run_app_url_count; k++) {
            uri_url alias;
            if (url_parse(&d->a, s->run_app_urls[k], &alias, NULL) == OK &&
                str_eq(alias.host.name, host))
                return s;
        }
    }
    return NULL;
}

static code route_to(doctor *d, const uri_url *u, err *e)
{
    d->service = service_at(d, u->host.name);
    if (!d->service || !d->o.local)
        return OK;
    uri_url target;
    code c = url_parse(&d->a, d->service->url, &target, e);
    if (c == OK)
        d->route = (fetch_route){"127.0.0.1", target.port, true};
    return c;
}

// What a person hands in goes where they say, but not where everybody on the way can read it.
static code may_carry_token(const doctor *d, const uri_url *u, err *e)
{
    if (!d->o.token.len || str_eq(u->scheme, STR("https")) || d->match.loopback)
        return OK;
    (void)err_set(e, TRUST_SPEC, "--token: plain http would show the token to the network");
    return err_hint(e, "use https; plain http is for loopback addresses");
}

static flow_next find_target(void *ctx, err *e)
{
    doctor *d = ctx;
    uri_url u;
    if (url_parse(&d->a, d->o.url, &u, e) != OK ||
        trust_find(d->o.trust, d->o.url, false, &d->match, e) != OK || route_to(d, &u, e) != OK ||
        may_carry_token(d, &u, e) != OK)
        return FLOW_FAIL;
    doctor_report *r = &d->report;
    r->url = d->o.url;
    r->origin = str_from(d->match.origin);
    r->candidate = d->match.candidate;
    r->trust = d->match.level != TRUST_NONE ? d->match.from : NULL;
    r->audience = d->o.audience.len ? d->o.audience : str_from(d->match.audience);
    return FLOW_MORE;
}

// ---- Calls

static str header_of(const fetch_response *res, str name)
{
    str value = fetch_response_header(res, name);
    return value.ptr ? value : STR("");
}

// The trace of "TRACE/SPAN;o=1" or "TRACE;o=1".
static str trace_of(str value)
{
    size_t len = 0;
    while (len < value.len && value.ptr[len] != '/' && value.ptr[len] != ';')
        len++;
    return str_sub(value, 0, len);
}

static void note_refusal(doctor *d, const fetch_response *res, str token)
{
    int64_t date = 0;
    if (!cookie_date(header_of(res, STR("date")), &date))
        date = 0;
    d->refused = (refusal){
        .status = res->status,
        .url = d->o.url,
        .token = token,
        .audience = str_from(d->match.audience), // not --audiences: that may be what is wrong
        .principal = d->token ? d->token->principal : STR(""),
        .www_authenticate = arena_str(&d->a, header_of(res, STR("www-authenticate"))),
        .body = arena_str(&d->a, res->body),
        .local = d->match.level == TRUST_LOCAL,
        .server_s = date,
        .now_s = clock_wall_s(),
    };
}

static str bearer_of(const doctor *d)
{
    return d->token ? credential_token_value(d->token) : d->o.token;
}

// Nothing can be found out. A name that only the running `up` serves is easily called without
// --local.
static void unreachable(doctor *d, const err *e)
{
    err own = *e;
    if (!d->o.local && d->service) {
        own.hint[0] = '\0'; // this one is the better
        (void)err_hint(&own, "gatepost up serves it: call it with --local");
    } else if (d->o.local && d->o.up && !d->service &&
               host_within(str_from(d->match.authority), STR("run.app"))) {
        own.hint[0] = '\0';
        (void)err_hint(&own,
                       "no service of the running 'gatepost up' has this URL; it serves: " STR_FMT,
                       STR_ARG(address_services(d->o.up, &d->a)));
    }
    flow_fail(&d->flow, &own);
}

static void on_answer(void *ctx, const fetch_response *res, const err *e)
{
    doctor *d = ctx;
    d->call = NULL;
    doctor_call *c = d->now;
    c->status = e ? 0 : res->status;
    if (e) {
        c->failure = arena_str(&d->a, str_from(e->msg));
        if (c == &d->report.without) {
            unreachable(d, e);
            return;
        }
    } else {
        c->trace = arena_str(&d->a, trace_of(header_of(res, STR("x-cloud-trace-context"))));
        c->by_cloud_run = refusal_is_cloud_run_page(res->body);
        note_refusal(d, res, c == &d->report.with ? bearer_of(d) : STR(""));
    }
    flow_resume(&d->flow);
}

static flow_next start_call(doctor *d, doctor_call *c, str bearer)
{
    buf value;
    buf_init(&value, JWT_BYTES_MAX * 2);
    buf_addz(&value, "Bearer ");
    buf_adds(&value, bearer);
    fetch_header headers[] = {
        {STR("User-Agent"), STR("Gatepost-doctor")},
        {STR("Authorization"), buf_str(&value)},
    };
    fetch_request req = {
        .url = d->o.url,
        .headers = headers,
        .header_count = bearer.len ? 2 : 1,
        .route = d->route,
        .proxy.from_env = !d->route.address && !d->match.loopback, // the token stays here, then
        .timeout_ms = CALL_MS,
        .body_bytes_max = BODY_BYTES_MAX,
        .on_done = on_answer,
        .ctx = d,
    };
    c->made = true;
    d->now = c;
    d->call = fetch_start(d->client, &req);
    buf_wipe(&value);
    buf_deinit(&value);
    return FLOW_WAIT;
}

static flow_next call_without(void *ctx, err *e)
{
    (void)e;
    doctor *d = ctx;
    return start_call(d, &d->report.without, STR(""));
}

// ---- Whose identity

static void on_token(void *ctx, credential_token *token, const err *e)
{
    doctor *d = ctx;
    d->wait = NULL;
    if (e) {
        d->report.why_no_caller = arena_str(&d->a, str_from(e->msg));
        d->report.no_caller_fix = arena_str(&d->a, str_from(e->hint));
    }
    if (token) {
        d->token = credential_token_ref(token);
        int64_t age_ms = credential_token_age_ms(token);
        d->report.caller = token->principal;
        d->report.source = token->via;
        d->report.token_audience = token->audience;
        d->report.token_age_s = age_ms / 1000;
        d->report.token_left_s = (token->lifetime_ms - age_ms) / 1000;
    }
    flow_resume(&d->flow);
}

// What the token that was handed in says of itself. Only the service verifies it.
static void read_given(doctor *d)
{
    doctor_report *r = &d->report;
    jwt t;
    r->source = STR("the token that was given");
    if (jwt_parse(d->o.token, &d->a, &t, NULL) != OK) {
        r->caller = STR("nobody known");
        return;
    }
    int64_t now = clock_wall_s();
    str email = json_str_or(json_get(t.claims, "email"), STR_NONE);
    r->caller = email.len ? email : t.subject.len ? t.subject : STR("nobody named");
    r->token_audience = t.audience_count ? t.audiences[0] : STR("nobody");
    if (t.has_issued_at)
        r->token_age_s = now - t.issued_at_s;
    if (t.has_expiry)
        r->token_left_s = t.expiry_s - now;
}

// "none", or an identity that is defined as none.
static bool chose_nobody(const doctor *d)
{
    for (size_t i = 0; i < d->o.identity_count; i++)
        if (str_eq(d->o.identities[i].name, d->o.identity))
            return d->o.identities[i].none;
    return str_eq(d->o.identity, STR("none"));
}

static flow_next get_token(void *ctx, err *e)
{
    (void)e;
    doctor *d = ctx;
    doctor_report *r = &d->report;
    if (d->o.token.len)
        read_given(d);
    else if (chose_nobody(d))
        r->why_no_caller = STR("identity none was chosen");
    if (d->o.token.len || r->why_no_caller.len || !d->match.candidate)
        return FLOW_MORE;
    if (d->match.level == TRUST_NONE) {
        r->why_no_caller =
            arena_printf(&d->a, "%s isn't trusted with an identity", d->match.origin);
        if (d->match.https || d->match.loopback) // nothing else can be trusted
            r->no_caller_fix =
                arena_printf(&d->a, "gatepost trust add %s",
                             d->match.project_known ? d->match.project : d->match.origin);
        return FLOW_MORE;
    }
    credential_want want = {
        .kind = CREDENTIAL_ID_TOKEN,
        .audience = r->audience,
        .identity = d->o.identity,
        .local = d->match.level == TRUST_LOCAL,
        .user_token = d->match.level != TRUST_PROJECT,
    };
    d->wait = credential_for(d->o.credentials, &want, on_token, d);
    return FLOW_WAIT;
}

static flow_next call_with(void *ctx, err *e)
{
    (void)e;
    doctor *d = ctx;
    str bearer = bearer_of(d);
    return bearer.len ? start_call(d, &d->report.with, bearer) : FLOW_DONE;
}

// ---- The verdict

// The running `up` wrote down why; a person may read it, the caller of the service may not.
static bool on_row(void *ctx, const audit_row *row)
{
    doctor *d = ctx;
    d->report.server_reason = arena_str(&d->a, row->why);
    return true;
}

static void ask_the_trail(doctor *d, const doctor_call *c)
{
    if (!c->trace.len || !d->o.up || !d->o.up->audit.len || d->match.level != TRUST_LOCAL)
        return;
    audit_filter f = {.id = c->trace, .limit = 1};
    err e = ERR_INIT;
    if (audit_read(arena_cstr(&d->a, d->o.up->audit), &f, on_row, d, &e) != OK)
        log_debug("doctor", "%s", e.msg);
}

static void conclude(doctor *d)
{
    doctor_report *r = &d->report;
    const doctor_call *c = r->with.made ? &r->with : &r->without;
    r->healthy = c->status > 0 && c->status < 400;
    if (c->status < 400)
        return;
    refusal_explain(&d->refused, &d->a, &r->reason);
    ask_the_trail(d, c);
    // Without a token of ours to send, the answer to the plain call is what was to be explained.
    if (!r->with.made && r->no_caller_fix.len && r->reason.code == IAM_ANONYMOUS)
        r->reason.fix = r->no_caller_fix;
}

static void on_finish(void *ctx, const err *e)
{
    doctor *d = ctx;
    if (d->call)
        fetch_cancel(d->call);
    if (d->wait)
        credential_cancel(d->wait);
    d->call = NULL;
    d->wait = NULL;
    if (!e)
        conclude(d);
    d->on_done(d->ctx, e ? NULL : &d->report, e);
}

static const flow_step steps[] = {find_target, call_without, get_token, call_with, NULL};

doctor *doctor_start(loop *l, const doctor_options *o,
                     void (*on_done)(void *ctx, const doctor_report *r, const err *e), void *ctx)
{
    doctor *d = mem_new(sizeof(*d));
    d->loop = l;
    d->o = *o;
    d->on_done = on_done;
    d->ctx = ctx;
    d->report.token_age_s = d->report.token_left_s = DOCTOR_UNKNOWN_S;
    arena_init(&d->a);
    d->client = fetch_client_new(l, FETCH_POLICY_PEOPLE);
    flow_start(&d->flow, l, steps, DEADLINE_MS, on_finish, d);
    return d;
}

void doctor_free(doctor *d)
{
    if (!d)
        return;
    flow_cancel(&d->flow);
    if (d->wait)
        credential_cancel(d->wait);
    fetch_client_free(d->client);
    if (d->token)
        credential_token_unref(d->token);
    arena_deinit(&d->a);
    free(d);
}
