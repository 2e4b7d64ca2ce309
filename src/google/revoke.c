// SPDX-License-Identifier: Apache-2.0
// oauth2.googleapis.com/revoke (RFC 7009): ends an access token, or a refresh token with the access
// tokens of its bearer.
#include "google/key_job.h"

static const api_method revoke_method = {
    .permission = "",
    .log = AUDIT_ACTIVITY,
    .permission_type = "ADMIN_WRITE",
    .service = "oauth2.googleapis.com",
    .name = "google.identity.oauth2.OAuth2Service.RevokeToken",
};

static void answer_revoked(call *c, const api_use *u, const account_key *k, jwk *pair)
{
    (void)u, (void)k, (void)pair;
    call_answer(c, 200, STR("application/json; charset=UTF-8"), STR("{}\n"));
}

// The token comes in the form or, from older clients, in the query.
static bool find_token(call *c, str *ret_token)
{
    form f = {.count = 0}, query = {.count = 0};
    if (c->body.len && !oauth_form(c, &f))
        return false;
    (void)form_parse(c->query, c->mem, &query);
    *ret_token = form_get(&f, "token");
    if (!ret_token->len)
        *ret_token = form_get(&query, "token");
    if (ret_token->len)
        return true;
    oauth_refuse(c, 400, "invalid_request", STR("Missing required parameter: token"));
    return false;
}

void revoke_endpoint(call *c)
{
    str token;
    api_use u = {.method = &revoke_method, .decision = {.allowed = true}};
    if (!str_eq(c->method, STR("POST"))) {
        call_method_not_allowed(c, STR("POST"));
        return;
    }
    if (!find_token(c, &token))
        return;
    if (!call_bearer(c, token, &u.caller)) {
        oauth_refuse(c, 400, "invalid_token", STR("Token expired or revoked"));
        return;
    }
    if (!call_trail_ready(c))
        return;
    token_revoke(c->g, token);
    key_job_save(c, &u, NULL, answer_revoked);
}
