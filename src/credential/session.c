// SPDX-License-Identifier: Apache-2.0
// Signing in and out: exchanges that are held for what they leave in the keyring.
#include "credential/oauth.h"
#include "credential/oauth_login.h"

struct credential_session {
    credential_provider *provider;
    caller *caller;
    credential_login_options options;
    exchange *exchange;
    credential_on_session *on_done;
    void *ctx;
    err refusal; // known at once
    task tell;
};

void credential_session_free(credential_session *s)
{
    if (!s)
        return;
    exchange_free(s->exchange);
    task_cancel(&s->tell);
    free(s);
}

static void on_done(void *ctx, const minted *m, const err *e)
{
    credential_session *s = ctx;
    credential_session_end end = {0};
    if (m)
        end.who = m->principal;
    end.revoked = m && s->exchange->oauth->revoked;
    credential_forget(s->provider, STR_NONE); // what was made for the sign-in before
    s->on_done(s->ctx, &end, e);              // may free the session
}

static void on_refusal(void *ctx)
{
    credential_session *s = ctx;
    s->on_done(s->ctx, &(credential_session_end){0}, &s->refusal);
}

static code check(credential_session *s, str identity, err *e)
{
    const caller *c = s->caller;
    if (c->failure.code) {
        *e = c->failure;
        return e->code;
    }
    if (c->oauth && project_grant_is_login(c->oauth->config->grant))
        return OK;
    (void)err_set(e, CRED_IDENTITY, "the identity " STR_FMT " is none that a person signs in for",
                  STR_ARG(identity));
    return err_hint(e, "define one: identities: NAME: oauth: {grant: authorization_code, issuer: "
                       "https://…, client_id: …}; for Google: gcloud auth login");
}

static credential_session *begin(credential_provider *p, str identity,
                                 credential_on_session *on_session, void *ctx)
{
    credential_session *s = NEW(credential_session);
    s->provider = p;
    s->caller = provider_caller(p, identity);
    s->on_done = on_session;
    s->ctx = ctx;
    s->tell.run = on_refusal;
    s->tell.ctx = s;
    if (check(s, identity, &s->refusal)) {
        task_post(provider_loop(p), &s->tell);
        return s;
    }
    const credential_want want = {.kind = CREDENTIAL_ACCESS_TOKEN};
    s->exchange = exchange_start(p, s->caller, &want, &(exchange_base){0}, on_done, s);
    return s;
}

credential_session *credential_login(credential_provider *p, const credential_login_options *o,
                                     credential_on_session *on_session, void *ctx)
{
    credential_session *s = begin(p, o->identity, on_session, ctx);
    s->options = *o;
    if (!s->exchange)
        return s;
    bool device = o->device || s->caller->oauth->config->grant == GRANT_DEVICE_CODE;
    oauth_begin(s->exchange, device ? oauth_device_steps : oauth_browser_steps);
    oauth_login_begin(s->exchange, &s->options);
    return s;
}

credential_session *credential_logout(credential_provider *p, str identity, bool revoke,
                                      credential_on_session *on_session, void *ctx)
{
    credential_session *s = begin(p, identity, on_session, ctx);
    if (s->exchange)
        oauth_begin(s->exchange, revoke ? oauth_logout_steps : oauth_forget_steps);
    return s;
}
