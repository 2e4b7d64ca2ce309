// SPDX-License-Identifier: Apache-2.0
// The steps to a token of an OAuth 2 client.
#include "credential/oauth.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "uri/uri.h"

enum {
    LOCK_AGAIN_MS = 50,
    LOCK_TRIES = 400, // 20 s: longer than an exchange takes
    // Where the issuer doesn't tell how long an access token lasts.
    LIFETIME_UNKNOWN_S = 300,
};

static const char type_prefix[] = "urn:ietf:params:oauth:token-type:";

// ---- the table and its walk
// -----------------------------------------------------------------------

void oauth_begin(exchange *x, const oauth_step *steps)
{
    x->oauth = NEW(oauth_asked);
    x->oauth->steps = steps;
    x->oauth->lock_fd = -1;
}

void oauth_asked_free(oauth_asked *o)
{
    if (!o)
        return;
    if (o->lock_fd >= 0)
        close(o->lock_fd);
    timer_free(o->later);
    keyring_cancel(o->keyring);
    if (o->token_wait)
        credential_cancel(o->token_wait);
    if (o->keys_wait)
        oidc_wait_cancel(o->keys_wait);
    credential_token_unref(o->exchanged);
    secret_free(o->refresh);
    oauth_login_free(o->login);
    free(o);
}

void oauth_advance(exchange *x)
{
    x->oauth->at++;
    exchange_ask(x);
}

void oauth_fail(exchange *x, const err *e)
{
    exchange_finish(x, NULL, e);
}

static void on_later(void *ctx)
{
    exchange_ask(ctx);
}

void oauth_later(exchange *x, uint64_t ms)
{
    if (!x->oauth->later)
        x->oauth->later = timer_new(provider_loop(x->provider), on_later, x);
    timer_start(x->oauth->later, ms);
}

static code ask(exchange *x, fetch_request *req, err *e)
{
    for (;;) {
        oauth_next next = x->oauth->steps[x->oauth->at].ask(x, req, e);
        if (next == OAUTH_WAIT)
            return OK; // x may be gone
        if (next == OAUTH_FAIL)
            return e->code;
        x->oauth->at++;
    }
}

static code read_answer(exchange *x, str body, minted *ret, bool *ret_again, err *e)
{
    (void)ret;
    code failed = x->oauth->steps[x->oauth->at].read(x, body, e);
    x->oauth->at++;
    *ret_again = true;
    return failed;
}

static code refused(exchange *x, const fetch_response *res, err *e)
{
    const oauth_step *step = &x->oauth->steps[x->oauth->at];
    return step->refused ? step->refused(x, res, e) : oauth_refused(x, res, e);
}

const source source_oauth = {CLIENT_CLOUD, ask, read_answer, refused};

// ---- one at a time
// --------------------------------------------------------------------------------

// A refresh token that rotates is good once: whoever used it keeps the next one before another
// process, or another exchange of this one, may load it.
oauth_next oauth_lock(exchange *x, fetch_request *req, err *e)
{
    oauth_asked *o = x->oauth;
    const char *dir;
    char hash[HOME_HASH_MAX];
    (void)req;
    if (home_path(HOME_RUNTIME, true, &x->mem, &dir, e))
        return OAUTH_FAIL;
    home_hash(x->caller->oauth->keyring, hash);
    if (o->lock_fd < 0) {
        const char *path = arena_printf(&x->mem, "%s/login-%.16s.lock", dir, hash).ptr;
        o->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (o->lock_fd < 0) {
            (void)err_sys(e, CRED_KEYRING, errno, "%s", path);
            return OAUTH_FAIL;
        }
    }
    if (flock(o->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return OAUTH_MORE;
    if (++o->lock_tries > LOCK_TRIES) {
        (void)err_set(e, CRED_KEYRING, "another process renews this sign-in, and doesn't end");
        return OAUTH_FAIL;
    }
    oauth_later(x, LOCK_AGAIN_MS);
    return OAUTH_WAIT;
}

// ---- the sign-in that is kept
// ---------------------------------------------------------------------

static keyring_ask keyring_of(exchange *x, keyring_on_done *on_done)
{
    return (keyring_ask){.options = provider_options(x->provider),
                         .name = x->caller->oauth->keyring,
                         .on_done = on_done,
                         .ctx = x};
}

static code read_kept(exchange *x, str value, err *e)
{
    oauth_asked *o = x->oauth;
    json *root;
    str refresh;
    if (json_parse(&x->mem, value, NULL, &root, NULL) ||
        json_get_str(root, "refresh_token", &refresh, NULL)) {
        (void)err_set(e, CRED_LOGIN, "nobody is signed in for the identity " STR_FMT,
                      STR_ARG(x->caller->oauth->name));
        return err_hint(e, "gatepost login " STR_FMT, STR_ARG(x->caller->oauth->name));
    }
    o->refresh = secret_new(refresh);
    o->subject = arena_str(&x->mem, json_str_or(json_get(root, "sub"), STR_NONE));
    o->who = arena_str(&x->mem, json_str_or(json_get(root, "who"), STR_NONE));
    json_wipe(root);
    return OK;
}

static void on_loaded(void *ctx, str value, const err *e)
{
    exchange *x = ctx;
    err own = ERR_INIT;
    x->oauth->keyring = NULL;
    if (!e && read_kept(x, value, &own))
        e = &own;
    if (e)
        oauth_fail(x, e);
    else
        oauth_advance(x);
}

oauth_next oauth_load(exchange *x, fetch_request *req, err *e)
{
    const keyring_ask about = keyring_of(x, on_loaded);
    (void)req;
    (void)e;
    x->oauth->keyring = keyring_load(provider_loop(x->provider), &about);
    return OAUTH_WAIT;
}

void oauth_on_stored(void *ctx, str value, const err *e)
{
    exchange *x = ctx;
    (void)value;
    x->oauth->keyring = NULL;
    if (e)
        oauth_fail(x, e);
    else
        oauth_advance(x);
}

oauth_next oauth_keep(exchange *x, fetch_request *req, err *e)
{
    oauth_asked *o = x->oauth;
    (void)req;
    (void)e;
    if (!o->rotated)
        return OAUTH_MORE;
    buf text;
    buf_init(&text, 32 << 10);
    buf_reserve(&text, 16 << 10); // at once: growing would leave copies
    jout w = jout_new(&text, JSON_COMPACT);
    jout_object(&w, NULL);
    jout_str(&w, "refresh_token", secret_str(o->refresh));
    jout_str(&w, "sub", o->subject);
    jout_str(&w, "who", o->who);
    jout_end(&w);
    const keyring_ask about = keyring_of(x, oauth_on_stored);
    o->keyring = keyring_store(provider_loop(x->provider), &about, buf_str(&text));
    buf_wipe(&text);
    buf_deinit(&text);
    return OAUTH_WAIT;
}

// ---- the token that is exchanged, or the assertion
// ------------------------------------------------

static void on_subject(void *ctx, credential_token *token, const err *e)
{
    exchange *x = ctx;
    x->oauth->token_wait = NULL;
    if (e) {
        err own = *e;
        (void)err_wrap(&own, "the subject");
        oauth_fail(x, &own);
        return;
    }
    x->oauth->exchanged = credential_token_ref(token);
    x->oauth->assertion = credential_token_value(token);
    oauth_advance(x);
}

static oauth_next find_subject(exchange *x, fetch_request *req, err *e)
{
    const project_oauth *p = x->caller->oauth->config;
    (void)req;
    if (p->subject.identity.len) {
        const credential_want want = {.kind = CREDENTIAL_ID_TOKEN,
                                      .audience = p->audience.len ? p->audience
                                                                  : x->caller->oauth->at.token,
                                      .identity = p->subject.identity};
        x->oauth->token_wait = credential_for(x->provider, &want, on_subject, x);
        return OAUTH_WAIT;
    }
    if (oauth_read_place(provider_options(x->provider), &p->subject, &x->mem, &x->oauth->assertion,
                         e)) {
        (void)err_wrap(e, "subject");
        return OAUTH_FAIL;
    }
    return OAUTH_MORE;
}

// ---- the token request
// ----------------------------------------------------------------------------

static str subject_type(exchange *x)
{
    const oauth *o = x->caller->oauth;
    const credential_token *t = x->oauth->exchanged;
    const char *type = "jwt";
    if (o->config->subject_type.len)
        return o->config->subject_type;
    bool google = endpoint_of(o->at.token, provider_options(x->provider)->up) != ENDPOINT_OTHER;
    if (t && !google)
        type = t->kind == CREDENTIAL_ID_TOKEN ? "id_token" : "access_token";
    return arena_printf(&x->mem, "%s%s", type_prefix, type);
}

static void add_exchange(exchange *x)
{
    bool id = x->kind == CREDENTIAL_ID_TOKEN && !caller_stages(x->caller);
    form_field(&x->body, "grant_type", STR("urn:ietf:params:oauth:grant-type:token-exchange"));
    form_field(&x->body, "subject_token", x->oauth->assertion);
    form_field(&x->body, "subject_token_type", subject_type(x));
    form_field(&x->body, "requested_token_type",
               arena_printf(&x->mem, "%s%s", type_prefix, id ? "id_token" : "access_token"));
}

static code add_assertion(exchange *x, err *e)
{
    const project_oauth *p = x->caller->oauth->config;
    form_field(&x->body, "grant_type", STR("urn:ietf:params:oauth:grant-type:jwt-bearer"));
    if (x->oauth->assertion.len) {
        form_field(&x->body, "assertion", x->oauth->assertion);
        return OK;
    }
    buf text;
    buf_init(&text, 32 << 10);
    code failed =
        oauth_assertion(x, p->subject_name.len ? p->subject_name : p->client_id, &text, e);
    form_field(&x->body, "assertion", buf_str(&text));
    buf_wipe(&text);
    buf_deinit(&text);
    return failed;
}

static code add_grant(exchange *x, err *e)
{
    switch (x->caller->oauth->config->grant) {
    case GRANT_CLIENT_CREDENTIALS:
        form_field(&x->body, "grant_type", STR("client_credentials"));
        return OK;
    case GRANT_TOKEN_EXCHANGE:
        add_exchange(x);
        return OK;
    case GRANT_JWT_BEARER:
        return add_assertion(x, e);
    default:
        form_field(&x->body, "grant_type", STR("refresh_token"));
        form_field(&x->body, "refresh_token", secret_str(x->oauth->refresh));
        return OK;
    }
}

// What isn't asked for again at a refresh is granted as it was (RFC 6749 §6).
static void add_target(exchange *x)
{
    const project_oauth *p = x->caller->oauth->config;
    bool stands = project_grant_is_login(p->grant);
    str scope = x->scope.len ? x->scope : stands ? STR_NONE : p->scope;
    bool google = endpoint_of(x->caller->oauth->at.token, provider_options(x->provider)->up) !=
                  ENDPOINT_OTHER;
    if (!scope.len && google)
        scope = scope_of(x); // Google's STS wants one
    if (scope.len)
        form_field(&x->body, "scope", scope);
    if (p->audience.len)
        form_field(&x->body, "audience", p->audience);
    if (p->resource.len)
        form_field(&x->body, "resource", p->resource);
}

static oauth_next ask_token(exchange *x, fetch_request *req, err *e)
{
    if (add_grant(x, e))
        return OAUTH_FAIL;
    add_target(x);
    return oauth_post(x, x->caller->oauth->at.token, req, e) ? OAUTH_FAIL : OAUTH_WAIT;
}

// A number, and from some issuers a string of digits.
static int64_t lifetime_of(const json *root)
{
    const json *v = json_get(root, "expires_in");
    int64_t s = 0;
    if (json_is(v, JSON_STRING) ? !str_to_i64(v->text, &s) : !v || json_to_i64(v, &s, NULL) != OK)
        s = LIFETIME_UNKNOWN_S;
    return s;
}

code oauth_read_tokens(exchange *x, str body, err *e)
{
    oauth_asked *o = x->oauth;
    json *root;
    str refresh = STR_NONE, type = STR("Bearer");
    if (answer_parse(x, body, &root, e) || json_get_str(root, "access_token", &o->access, e) ||
        json_opt_str(root, "id_token", &o->id_token, e) ||
        json_opt_str(root, "refresh_token", &refresh, e) ||
        json_opt_str(root, "token_type", &type, e)) {
        if (e)
            e->code = CRED_ANSWER;
        return CRED_ANSWER;
    }
    if (!str_ieq(type, STR("Bearer")) && !str_ieq(type, STR("N_A")))
        return err_set(e, CRED_ANSWER, "the token is of type " STR_FMT ", not Bearer",
                       STR_ARG(oidc_quoted(type, &x->mem)));
    o->lifetime_ms = lifetime_ms(lifetime_of(root));
    o->asked = x->asked;
    if (project_grant_is_login(x->caller->oauth->config->grant) && refresh.len &&
        (!o->refresh || !str_eq_secret(refresh, secret_str(o->refresh)))) {
        secret_free(o->refresh);
        o->refresh = secret_new(refresh);
        o->rotated = true;
    }
    return OK;
}

// ---- the ID token
// ---------------------------------------------------------------------------------

static code make_verifier(exchange *x, err *e)
{
    oauth *o = x->caller->oauth;
    const oidc_options options = {.leeway_s = 60, .loopback = true, .private_network = true};
    const oidc_issuer issuer = {
        .issuer = o->config->issuer, .kind = OIDC_OTHER, .jwks_url = o->at.jwks};
    if (o->verifier)
        return OK;
    o->verifier = oidc_new(provider_loop(x->provider), &options);
    return oidc_add(o->verifier, &issuer, e);
}

static str claim(const jwt *t, const char *name)
{
    return json_str_or(json_get(t->claims, name), STR_NONE);
}

// Threat 23: it is whose sign-in it was, and for this client.
static code check_id_token(exchange *x, const jwt *t, err *e)
{
    oauth_asked *o = x->oauth;
    str party = claim(t, "azp");
    if (party.len && !str_eq(party, x->caller->client_id))
        return err_set(e, CRED_ANSWER,
                       "the ID token was made for another client: its azp is " STR_FMT,
                       STR_ARG(oidc_quoted(party, &x->mem)));
    if (o->subject.len && !str_eq(o->subject, t->subject)) {
        (void)err_set(e, CRED_ANSWER, "the ID token is somebody else's than who signed in");
        return err_hint(e, "gatepost logout " STR_FMT ", then sign in again",
                        STR_ARG(x->caller->oauth->name));
    }
    if (o->login && oauth_login_check(x, t->claims, e))
        return CRED_ANSWER;
    str name = claim(t, "email");
    if (!name.len)
        name = claim(t, "preferred_username");
    o->subject = arena_str(&x->mem, t->subject);
    o->who = arena_str(&x->mem, name.len ? name : t->subject);
    return OK;
}

static void on_keys(void *ctx)
{
    exchange *x = ctx;
    x->oauth->keys_wait = NULL;
    exchange_ask(x);
}

static oauth_next no_id_token(exchange *x, err *e)
{
    (void)err_set(e, CRED_ANSWER, "the issuer gave no ID token");
    (void)err_hint(e, "ask for it: scope: openid; or send the access token (token: access)");
    (void)x;
    return OAUTH_FAIL;
}

oauth_next oauth_verify(exchange *x, fetch_request *req, err *e)
{
    oauth_asked *o = x->oauth;
    oauth *client = x->caller->oauth;
    oidc_identity identity;
    code verdict;
    (void)req;
    bool wanted = x->kind == CREDENTIAL_ID_TOKEN && !caller_stages(x->caller) && !o->login;
    if (!o->id_token.len && wanted)
        return no_id_token(x, e);
    if (!o->id_token.len || !client->config->issuer.len || (!wanted && !o->login))
        return OAUTH_MORE;
    if (make_verifier(x, e))
        return OAUTH_FAIL;
    const oidc_query q = {.token = o->id_token,
                          .audiences = &client->config->client_id,
                          .audience_count = client->config->client_id.len > 0,
                          .now_s = x->server_now_s};
    if (oidc_verify(client->verifier, &q, &x->mem, &identity, &verdict, e) == OIDC_WAIT) {
        o->keys_wait = oidc_wait_keys(client->verifier, client->config->issuer, on_keys, x);
        return OAUTH_WAIT;
    }
    if (verdict) {
        (void)err_wrap(e, "the ID token that came");
        return OAUTH_FAIL;
    }
    return check_id_token(x, &identity.token, e) ? OAUTH_FAIL : OAUTH_MORE;
}

// ---- the end
// --------------------------------------------------------------------------------------

oauth_next oauth_give(exchange *x, fetch_request *req, err *e)
{
    oauth_asked *o = x->oauth;
    const project_oauth *p = x->caller->oauth->config;
    minted m = {.value = o->access,
                .lifetime_ms = o->lifetime_ms,
                .audience = p->audience.len ? p->audience : p->scope};
    (void)req;
    x->asked = o->asked; // others may have been asked since
    if (x->kind == CREDENTIAL_ID_TOKEN && !o->login && minted_from_jwt(x, o->id_token, &m, e))
        return OAUTH_FAIL;
    if (!m.principal.len)
        m.principal = o->who;
    exchange_finish(x, &m, NULL);
    return OAUTH_WAIT;
}

static const oauth_step plain_steps[] = {
    {oauth_discover, oauth_discovered, oauth_not_discovered},
    {ask_token, oauth_read_tokens, NULL},
    {oauth_verify, NULL, NULL},
    {oauth_give, NULL, NULL},
};
static const oauth_step subject_steps[] = {
    {oauth_discover, oauth_discovered, oauth_not_discovered},
    {find_subject, NULL, NULL},
    {ask_token, oauth_read_tokens, NULL},
    {oauth_verify, NULL, NULL},
    {oauth_give, NULL, NULL},
};
// The next refresh token is kept before anything else can go wrong.
static const oauth_step refresh_steps[] = {
    {oauth_lock, NULL, NULL},
    {oauth_load, NULL, NULL},
    {oauth_discover, oauth_discovered, oauth_not_discovered},
    {ask_token, oauth_read_tokens, NULL},
    {oauth_keep, NULL, NULL},
    {oauth_verify, NULL, NULL},
    {oauth_give, NULL, NULL},
};

const oauth_step *oauth_token_steps(const project_oauth *config)
{
    if (project_grant_is_login(config->grant))
        return refresh_steps;
    return config->grant == GRANT_CLIENT_CREDENTIALS ? plain_steps : subject_steps;
}
