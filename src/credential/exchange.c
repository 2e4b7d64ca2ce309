// SPDX-License-Identifier: Apache-2.0
#include "credential/oauth.h"

#include "uri/uri.h"

enum {
    ATTEMPTS = 3,
    BACKOFF_MS = 1000, // then twice as long, ±10 % (google-identity.md §7)
    TIMEOUT_MS = 15000,
    ANSWER_BYTES_MAX = 256 << 10,
    REQUEST_BYTES_MAX = 64 << 10,
    LIFETIME_MAX_S = 366 * 24 * 3600,
};

void exchange_finish(exchange *x, const minted *m, const err *e)
{
    exchange_on_done *on_done = x->on_done;
    void *ctx = x->ctx;
    minted own;
    if (m) {
        own = *m;
        own.asked = x->asked;
    }
    on_done(ctx, m ? &own : NULL, e); // may free the exchange
}

static void fail(exchange *x, const err *e)
{
    exchange_finish(x, NULL, e);
}

int64_t lifetime_ms(int64_t s)
{
    return 1000 * (s < 0 ? 0 : s < LIFETIME_MAX_S ? s : LIFETIME_MAX_S);
}

// By the server's clock. Date has whole seconds: that the last of its second has come, costs a long
// token nothing, and keeps a short one from being sent when it is over.
int64_t exchange_left_s(const exchange *x, int64_t expiry_s)
{
    return expiry_s - x->server_now_s - 1;
}

code minted_from_jwt(exchange *x, str token, minted *ret, err *e)
{
    jwt t;
    if (jwt_parse(token, &x->mem, &t, e)) {
        (void)err_wrap(e, "the ID token that came");
        return CRED_ANSWER;
    }
    if (!t.has_expiry)
        return err_set(e, CRED_ANSWER, "the ID token that came has no exp");
    // Some sources give tokens that they keep for a while: what counts is the time that is left, by
    // the server's clock where its answer told it.
    int64_t left_s = exchange_left_s(x, t.expiry_s);
    if (left_s < 0) {
        (void)err_set(e, CRED_ANSWER, "the ID token that came expired %lld s ago",
                      (long long)-left_s - 1);
        return err_hint(e, "is this machine's clock right? It says %lld (seconds since 1970)",
                        (long long)clock_wall_s());
    }
    ret->value = token;
    if (t.has_issued_at && left_s > t.expiry_s - t.issued_at_s)
        left_s = t.expiry_s - t.issued_at_s;
    ret->lifetime_ms = lifetime_ms(left_s);
    ret->principal = json_str_or(json_get(t.claims, "email"), STR_NONE);
    ret->audience = t.audience_count ? t.audiences[0] : STR_NONE;
    return OK;
}

// ---- rounds -----------------------------------------------------------------------------------

static bool is_worth_repeating(const fetch_response *res, const err *e)
{
    if (e)
        return e->code == FETCH_CONNECT || e->code == FETCH_TIMEOUT || e->code == FETCH_PROTOCOL ||
               e->code == FETCH_RESOLVE;
    return res->status == 408 || res->status == 429 || res->status == 500 || res->status == 503 ||
           res->status == 504;
}

static bool repeat_later(exchange *x)
{
    if (++x->attempt >= ATTEMPTS)
        return false;
    uint64_t ms = BACKOFF_MS << (x->attempt - 1);
    timer_start(x->again, ms - ms / 10 + rand_below(ms / 5));
    return true;
}

static void read_date(exchange *x, const fetch_response *res)
{
    int64_t s;
    x->server_now_s = clock_wall_s();
    if (cookie_date(fetch_response_header(res, STR("Date")), &s))
        x->server_now_s = s;
}

static void next_round(exchange *x)
{
    x->attempt = 0;
    exchange_ask(x);
}

static void on_answer(void *ctx, const fetch_response *res, const err *failure)
{
    exchange *x = ctx;
    err e = ERR_INIT;
    minted m = {0};
    bool again = false;
    code failed;
    x->call = NULL;
    if (is_worth_repeating(res, failure) && repeat_later(x))
        return;
    if (failure) {
        e = *failure;
        (void)err_wrap(&e, "asking for a token");
        fail(x, &e);
        return;
    }
    read_date(x, res);
    if (res->status == 200) {
        failed = x->source->read(x, arena_str(&x->mem, res->body), &m, &again, &e);
    } else {
        failed = x->source->refused(x, res, &e);
        again = true;
    }
    if (failed)
        fail(x, &e);
    else if (again)
        next_round(x);
    else
        exchange_finish(x, &m, NULL);
}

static provider_client client_of(const exchange *x)
{
    provider_client usual = x->source->client;
    return x->caller->who.local && usual == CLIENT_CLOUD ? CLIENT_LOCAL : usual;
}

void exchange_ask(exchange *x)
{
    err e = ERR_INIT;
    fetch_request req = {
        .timeout_ms = TIMEOUT_MS,
        .body_bytes_max = ANSWER_BYTES_MAX,
        .on_done = on_answer,
        .ctx = x,
    };
    buf_wipe(&x->body);
    x->asked = moment_now();
    x->client = client_of(x);
    if (x->source->ask(x, &req, &e)) {
        fail(x, &e);
        return;
    }
    if (!req.url.len)
        return; // something else is under way, or all is over and x gone
    req.proxy.from_env = x->client == CLIENT_CLOUD;
    x->call = fetch_start(provider_fetch(x->provider, x->client), &req);
}

static void on_again(void *ctx)
{
    exchange_ask(ctx);
}

// ---- choice of source ---------------------------------------------------------------------------

static bool is_external(const caller *c)
{
    return c->who.source == CREDENTIAL_EXTERNAL || c->who.source == CREDENTIAL_EXTERNAL_USER;
}

static code refuse_external(const caller *c, err *e)
{
    (void)err_set(e, CRED_AUDIENCE, "%s (" STR_FMT ") gives access tokens only, no ID tokens",
                  credential_source_name(c->who.source), STR_ARG(c->who.place));
    return err_hint(e, "let it become a service account: --impersonate-service-account EMAIL%s",
                    c->who.source == CREDENTIAL_EXTERNAL
                        ? ", or service_account_impersonation_url in the file"
                        : "");
}

// Refuses what a source can't do before anything is asked (google-identity.md §7).
static code check_ability(const exchange *x, err *e)
{
    const caller *c = x->caller;
    if (x->base.stage || x->kind != CREDENTIAL_ID_TOKEN || c->oauth)
        return OK;
    if (c->who.source == CREDENTIAL_TOKEN) {
        (void)err_set(e, CRED_AUDIENCE, "a ready access token can't be turned into an ID token");
        return err_hint(e, "add --impersonate-service-account EMAIL");
    }
    if (is_external(c))
        return refuse_external(c, e);
    if (!c->who.user || x->user_token || (c->client_id.len && str_eq(x->audience, c->client_id)))
        return OK;
    (void)err_set(e, CRED_AUDIENCE,
                  "user credentials (" STR_FMT ") can't make an ID token for the audience " STR_FMT
                  ": a user's token always names its client",
                  STR_ARG(c->who.place), STR_ARG(x->audience));
    return err_hint(e, "call as a service account: --impersonate-service-account EMAIL (you need "
                       "roles/iam.serviceAccountOpenIdTokenCreator on it)");
}

static code give_token_file(exchange *x, err *e)
{
    str text;
    if (file_read(&x->mem, arena_cstr(&x->mem, x->caller->token_file), 16 << 10, &text, e))
        return err_wrap(e, "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE");
    // Nothing tells how long it lasts: short enough to notice when the file is renewed.
    exchange_finish(x, &(minted){.value = str_trim(text), .lifetime_ms = 60 * 1000}, NULL);
    return OK;
}

// As Google's libraries do: for one API that is named by its URL, and for IAM's own. The local
// Google takes only what it gave.
static bool signs_itself(const exchange *x)
{
    const caller *c = x->caller;
    if (c->who.source != CREDENTIAL_SERVICE_ACCOUNT || x->kind != CREDENTIAL_ACCESS_TOKEN ||
        x->base.stage || x->scope.len)
        return false;
    return x->audience.len || (caller_stages(c) && !c->who.local);
}

static code give_self_signed(exchange *x, err *e)
{
    minted m;
    if (grant_self_signed(x, &m, e))
        return e->code;
    exchange_finish(x, &m, NULL);
    return OK;
}

static void begin(exchange *x)
{
    err e = ERR_INIT;
    code failed = check_ability(x, &e);
    if (!failed && signs_itself(x)) {
        if (give_self_signed(x, &e))
            fail(x, &e);
        return; // x may be gone
    }
    if (x->source == &source_oauth && !x->oauth)
        oauth_begin(x, oauth_token_steps(x->caller->oauth->config));
    if (!failed && x->base.stage)
        x->source = &source_impersonate;
    else if (!failed && x->caller->who.source == CREDENTIAL_TOKEN)
        failed = give_token_file(x, &e);
    else if (!failed && x->caller->who.source == CREDENTIAL_GCLOUD)
        failed = gcloud_ask(x, &e);
    if (failed)
        fail(x, &e);
    else if (x->source)
        exchange_ask(x);
}

static void on_begin(void *ctx)
{
    exchange *x = ctx;
    if (!x->base.stage)
        caller_renew_key(x->caller, provider_options(x->provider)->up);
    timer_free(x->again);
    x->again = timer_new(provider_loop(x->provider), on_again, x);
    x->asked = moment_now();
    begin(x);
}

exchange *exchange_start(credential_provider *p, caller *c, const credential_want *w,
                         const exchange_base *base, exchange_on_done *on_done, void *ctx)
{
    static const source *const by_source[] = {
        [CREDENTIAL_SERVICE_ACCOUNT] = &source_grant,
        [CREDENTIAL_USER] = &source_refresh,
        [CREDENTIAL_METADATA] = &source_metadata,
        [CREDENTIAL_TOKEN] = NULL,
        [CREDENTIAL_EXTERNAL] = &source_external,
        [CREDENTIAL_EXTERNAL_USER] = &source_external_user,
        [CREDENTIAL_OAUTH] = &source_oauth,
    };
    exchange *x = NEW(exchange);
    x->provider = p;
    x->caller = c;
    x->source = by_source[c->who.source];
    x->kind = w->kind;
    x->user_token = w->user_token;
    x->base = *base;
    if (base->token)
        credential_token_ref(base->token);
    x->on_done = on_done;
    x->ctx = ctx;
    x->server_now_s = clock_wall_s();
    arena_init(&x->mem);
    buf_init(&x->body, REQUEST_BYTES_MAX);
    x->audience = arena_str(&x->mem, w->audience);
    x->scope = arena_str(&x->mem, w->scope);
    x->again = timer_new(provider_loop(p), on_begin, x);
    timer_start(x->again, 0); // never inside this call
    return x;
}

void exchange_free(exchange *x)
{
    if (!x)
        return;
    if (x->call)
        fetch_cancel(x->call);
    oauth_asked_free(x->oauth);
    child_free(x->child);
    timer_free(x->again);
    credential_token_unref(x->base.token);
    buf_wipe(&x->body);
    buf_deinit(&x->body);
    arena_deinit(&x->mem);
    free(x);
}
