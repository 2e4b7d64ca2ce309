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
    fetch_route route;
    doctor_report report;
    doctor_call *now; // the call that is under way
    refusal refused;  // the last refusal
    void (*on_done)(void *ctx, const doctor_report *r, const err *e);
    void *ctx;
};

// ---- Where to

static code route_to(doctor *d, const uri_url *u, err *e)
{
    for (size_t i = 0; d->o.local && i < d->o.up->service_count; i++) {
        const address_service *s = &d->o.up->services[i];
        for (size_t k = 0; k < s->run_app_url_count; k++) {
            uri_url alias, target;
            code c = url_parse(&d->a, s->run_app_urls[k], &alias, e);
            if (c == OK)
                c = url_parse(&d->a, s->url, &target, e);
            if (c != OK)
                return c;
            if (str_eq(alias.host.name, u->host.name))
                d->route = (fetch_route){"127.0.0.1", target.port, true};
        }
    }
    return OK;
}

static flow_next find_target(void *ctx, err *e)
{
    doctor *d = ctx;
    uri_url u;
    if (url_parse(&d->a, d->o.url, &u, e) != OK ||
        trust_find(d->o.trust, d->o.url, false, &d->match, e) != OK || route_to(d, &u, e) != OK)
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
        .audience = d->report.audience,
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
    return d->token ? secret_str(d->token->value) : d->o.token;
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
            flow_fail(&d->flow, e);
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
        .proxy.from_env = !d->route.address,
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
    if (e)
        d->report.why_no_caller =
            arena_printf(&d->a, "%s%s%s", e->msg, e->hint[0] ? "; " : "", e->hint);
    if (token) {
        d->token = credential_token_ref(token);
        int64_t age = clock_wall_s() - token->obtained_wall_s;
        d->report.caller = token->principal;
        d->report.source = token->via;
        d->report.token_age_s = age;
        d->report.token_left_s = token->lifetime_s - age;
    }
    flow_resume(&d->flow);
}

static flow_next get_token(void *ctx, err *e)
{
    (void)e;
    doctor *d = ctx;
    doctor_report *r = &d->report;
    if (d->o.token.len || !d->match.candidate)
        return FLOW_MORE;
    if (d->match.level == TRUST_NONE) {
        r->why_no_caller = arena_printf(
            &d->a, "%s isn't trusted with an identity: gatepost trust add %s", d->match.origin,
            d->match.project_known ? d->match.project : d->match.origin);
        return FLOW_MORE;
    }
    credential_want want = {
        .kind = CREDENTIAL_ID_TOKEN,
        .audience = r->audience,
        .identity = d->o.identity,
        .local = d->match.level == TRUST_LOCAL,
        .user_token = d->match.level == TRUST_ORIGIN,
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
    bool refused = c->status == 401 || c->status == 403 || c->status == 404;
    r->healthy = c->status > 0 && !refused;
    if (!refused)
        return;
    refusal_explain(&d->refused, &d->a, &r->reason);
    ask_the_trail(d, c);
    // Without a token of ours to send, the answer to the plain call is what was to be explained.
    if (!r->with.made && r->why_no_caller.len && r->reason.code == IAM_ANONYMOUS)
        r->reason.fix = r->why_no_caller;
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
    d->report.token_age_s = d->report.token_left_s = -1;
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
