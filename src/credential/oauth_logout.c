// SPDX-License-Identifier: Apache-2.0
// Signing out: the issuer revokes the refresh token (RFC 7009) where it can, and the keyring
// forgets it in any case.
#include "credential/oauth.h"

static oauth_next ask_revocation(exchange *x, fetch_request *req, err *e)
{
    const oauth *o = x->caller->oauth;
    if (!o->at.revocation.len)
        return OAUTH_MORE;
    form_field(&x->body, "token", secret_str(x->oauth->refresh));
    form_field(&x->body, "token_type_hint", STR("refresh_token"));
    return oauth_post(x, o->at.revocation, req, e) ? OAUTH_FAIL : OAUTH_WAIT;
}

static code read_revocation(exchange *x, str body, err *e)
{
    (void)body; // RFC 7009 §2.2: the status says all
    (void)e;
    x->oauth->revoked = true;
    return OK;
}

static oauth_next forget(exchange *x, fetch_request *req, err *e)
{
    const keyring_ask about = {.options = provider_options(x->provider),
                               .name = x->caller->oauth->keyring,
                               .on_done = oauth_on_stored,
                               .ctx = x};
    (void)req;
    (void)e;
    x->oauth->keyring = keyring_forget(provider_loop(x->provider), &about);
    return OAUTH_WAIT;
}

static oauth_next finish(exchange *x, fetch_request *req, err *e)
{
    const minted m = {.principal = x->oauth->who};
    (void)req;
    (void)e;
    exchange_finish(x, &m, NULL);
    return OAUTH_WAIT;
}

const oauth_step oauth_logout_steps[] = {
    {oauth_lock, NULL, NULL},
    {oauth_load, NULL, NULL},
    {oauth_discover, oauth_discovered, oauth_not_discovered},
    {ask_revocation, read_revocation, NULL},
    {forget, NULL, NULL},
    {finish, NULL, NULL},
};

const oauth_step oauth_forget_steps[] = {
    {oauth_lock, NULL, NULL},
    {forget, NULL, NULL},
    {finish, NULL, NULL},
};
