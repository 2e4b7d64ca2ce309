// SPDX-License-Identifier: Apache-2.0
// How the client proves who it is, and what an issuer's refusal means for it.
#include <string.h>

#include "credential/oauth.h"

enum {
    ASSERTION_LIFETIME_S = 60, // some issuers take no longer ones; it is used at once
    ASSERTION_BYTES_MAX = 16 << 10,
};

code oauth_assertion(exchange *x, str subject, buf *out, err *e)
{
    const oauth *o = x->caller->oauth;
    buf claims;
    char id[RAND_UUID_MAX];
    int64_t now = clock_wall_s();
    rand_uuid(id);
    buf_init(&claims, ASSERTION_BYTES_MAX);
    jout w = jout_new(&claims, JSON_COMPACT);
    jout_object(&w, NULL);
    jout_str(&w, "iss", o->config->client_id.len ? o->config->client_id : subject);
    jout_str(&w, "sub", subject);
    jout_str(&w, "aud", o->at.token);
    jout_str(&w, "jti", str_from(id));
    jout_i64(&w, "iat", now);
    jout_i64(&w, "exp", now + ASSERTION_LIFETIME_S);
    jout_end(&w);
    code failed = jwt_sign(o->key, buf_str(&claims), STR("JWT"), out, e);
    buf_deinit(&claims);
    return failed;
}

static code add_client_assertion(exchange *x, err *e)
{
    buf assertion;
    buf_init(&assertion, 2 * ASSERTION_BYTES_MAX);
    code failed = oauth_assertion(x, x->caller->client_id, &assertion, e);
    form_field(&x->body, "client_id", x->caller->client_id);
    form_field(&x->body, "client_assertion_type",
               STR("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
    form_field(&x->body, "client_assertion", buf_str(&assertion));
    buf_wipe(&assertion);
    buf_deinit(&assertion);
    return failed;
}

code oauth_post(exchange *x, str url, fetch_request *req, err *e)
{
    const project_oauth *p = x->caller->oauth->config;
    code failed = OK;
    switch (p->client_auth) {
    case CLIENT_AUTH_BASIC:
        break;
    case CLIENT_AUTH_POST:
        form_field(&x->body, "client_id", p->client_id);
        form_field(&x->body, "client_secret", secret_str(x->caller->client_secret));
        break;
    case CLIENT_AUTH_PRIVATE_KEY:
        failed = add_client_assertion(x, e);
        break;
    case CLIENT_AUTH_TLS:
        req->tls.cert_file = p->certificate;
        req->tls.key_file = p->private_key;
        form_field(&x->body, "client_id", p->client_id);
        break;
    case CLIENT_AUTH_NONE:
        if (p->client_id.len)
            form_field(&x->body, "client_id", p->client_id);
        break;
    }
    if (failed || form_post(x, req, e))
        return e ? e->code : CRED_ISSUER;
    req->url = url;
    if (p->client_auth == CLIENT_AUTH_BASIC)
        form_basic(x, req);
    return OK;
}

// ---- refusals
// -------------------------------------------------------------------------------------

static code hint_grant(const oauth *o, err *e)
{
    if (project_grant_is_login(o->config->grant))
        return err_hint(e, "the sign-in has ended: gatepost login " STR_FMT, STR_ARG(o->name));
    return err_hint(e, "the token that was shown is refused: is it still valid, and meant for this "
                       "issuer (its aud)?");
}

code oauth_refused(exchange *x, const fetch_response *res, err *e)
{
    const oauth *o = x->caller->oauth;
    const char *grant = project_grant_name(o->config->grant);
    str error = answer_told(x, res, e);
    if (str_eq(error, STR("invalid_client")))
        return err_hint(e,
                        "is client_id right, and the secret or key? The client proves itself by "
                        "%s: the issuer must have it so",
                        project_client_auth_name(o->config->client_auth));
    if (str_eq(error, STR("invalid_grant")))
        return hint_grant(o, e);
    if (str_eq(error, STR("unauthorized_client")) || str_eq(error, STR("unsupported_grant_type")))
        return err_hint(e, "let the issuer allow the grant %s to the client " STR_FMT, grant,
                        STR_ARG(o->config->client_id));
    if (str_eq(error, STR("invalid_scope")))
        return err_hint(e, "ask for other scopes, or let the issuer allow '" STR_FMT "'",
                        STR_ARG(x->scope.len ? x->scope : o->config->scope));
    if (str_eq(error, STR("invalid_target")))
        return err_hint(e, "does the issuer know the audience or resource of the identity?");
    if (res->status == 404)
        return err_hint(e,
                        "is the issuer's URL right? `gatepost whoami --identity " STR_FMT
                        "` shows what is asked",
                        STR_ARG(o->name));
    return CRED_REFUSED;
}
