// SPDX-License-Identifier: Apache-2.0
// An identity's `oauth` section: what types can't say.
#include "home/home_oauth.h"

#include "home/project.h"

static const char *const grants[] = {
    [GRANT_CLIENT_CREDENTIALS] = "client_credentials",
    [GRANT_AUTHORIZATION_CODE] = "authorization_code",
    [GRANT_DEVICE_CODE] = "device_code",
    [GRANT_TOKEN_EXCHANGE] = "token_exchange",
    [GRANT_JWT_BEARER] = "jwt_bearer",
};

static const char *const client_auths[] = {
    [CLIENT_AUTH_NONE] = "none",
    [CLIENT_AUTH_BASIC] = "client_secret_basic",
    [CLIENT_AUTH_POST] = "client_secret_post",
    [CLIENT_AUTH_PRIVATE_KEY] = "private_key_jwt",
    [CLIENT_AUTH_TLS] = "tls_client_auth",
};

const char *project_grant_name(project_grant g)
{
    return grants[g];
}

const char *project_client_auth_name(project_client_auth a)
{
    return client_auths[a];
}

static str text_of(const json *obj, const char *key)
{
    return json_str_or(json_get(obj, key), STR_NONE);
}

static code wrong(const json *v, err *e, const char *what, const char *fix)
{
    (void)json_err(v, e, HOME_PROJECT, "%s", what);
    return err_hint(e, "%s", fix);
}

// The table of keys let only these names pass.
static int index_of(str name, const char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        if (str_eq(name, str_from(names[i])))
            return i;
    return 0;
}

static code fill_place(const home_project *p, arena *a, const json *v, project_place *ret, err *e)
{
    const json *file = json_get(v, "file");
    if (!v)
        return OK;
    str env = text_of(v, "env");
    ret->identity = text_of(v, "identity");
    ret->env = env.len ? arena_cstr(a, env) : NULL;
    if ((file != NULL) + (env.len > 0) + (ret->identity.len > 0) != 1)
        return wrong(v, e, "must name exactly one place",
                     "for example {env: NAME} or {file: PATH}");
    return file ? project_resolve(p, a, file, &ret->file, e) : OK;
}

static code fill_path(const home_project *p, arena *a, const json *v, const char **ret, err *e)
{
    return v ? project_resolve(p, a, v, ret, e) : OK;
}

static bool has_place(const project_place *at)
{
    return at->file || at->env || at->identity.len;
}

// Without a word about it, by what the client has.
static project_client_auth usual_auth(const project_oauth *o)
{
    if (has_place(&o->client_secret))
        return CLIENT_AUTH_BASIC;
    if (o->certificate)
        return CLIENT_AUTH_TLS;
    bool signs_assertion = o->grant == GRANT_JWT_BEARER && !has_place(&o->subject);
    return o->private_key && !signs_assertion ? CLIENT_AUTH_PRIVATE_KEY : CLIENT_AUTH_NONE;
}

static code check_auth(const project_oauth *o, const json *v, err *e)
{
    bool has_secret = has_place(&o->client_secret);
    switch (o->client_auth) {
    case CLIENT_AUTH_BASIC:
    case CLIENT_AUTH_POST:
        return has_secret ? OK
                          : wrong(v, e, "such a client has a secret, and no client_secret is here",
                                  "client_secret: {env: NAME}, or {file: PATH}");
    case CLIENT_AUTH_PRIVATE_KEY:
        return o->private_key ? OK
                              : wrong(v, e, "such a client signs, and no private_key is here",
                                      "private_key: PATH of the key in PEM form");
    case CLIENT_AUTH_TLS:
        return o->certificate && o->private_key
                   ? OK
                   : wrong(v, e, "such a client shows a certificate",
                           "certificate: PATH, and private_key: PATH, both in PEM form");
    case CLIENT_AUTH_NONE:
        break;
    }
    bool needs_secret = o->grant == GRANT_CLIENT_CREDENTIALS;
    return needs_secret ? wrong(v, e, "client_credentials needs a client that can prove itself",
                                "add client_secret, private_key or certificate")
                        : OK;
}

static code check_endpoints(const project_oauth *o, const json *v, err *e)
{
    if (o->issuer.len)
        return OK;
    if (!o->token_endpoint.len)
        return wrong(v, e, "has neither issuer nor token_endpoint",
                     "issuer: https://…, whose endpoints are then found");
    if (o->grant == GRANT_AUTHORIZATION_CODE && !o->authorization_endpoint.len)
        return wrong(v, e, "has neither issuer nor authorization_endpoint",
                     "issuer: https://…, whose endpoints are then found");
    if (o->grant == GRANT_DEVICE_CODE && !o->device_endpoint.len)
        return wrong(v, e, "has neither issuer nor device_authorization_endpoint",
                     "issuer: https://…, whose endpoints are then found");
    if (o->id_token)
        return wrong(v, e, "has no issuer, without which an ID token can't be verified",
                     "issuer: https://…, beside the endpoints");
    return OK;
}

static code check_grant(const project_oauth *o, const json *v, err *e)
{
    bool bare = o->grant == GRANT_TOKEN_EXCHANGE || o->grant == GRANT_JWT_BEARER;
    if (!o->client_id.len && !bare)
        return wrong(v, e, "has no client_id", "client_id: as the issuer calls this client");
    if (o->grant == GRANT_TOKEN_EXCHANGE && !has_place(&o->subject))
        return wrong(v, e, "has no subject to exchange",
                     "subject: {identity: NAME}, {file: PATH} or {env: NAME}");
    if (o->grant == GRANT_JWT_BEARER && !has_place(&o->subject) && !o->private_key)
        return wrong(v, e, "has no assertion",
                     "subject: {identity: NAME}, {file: PATH} or {env: NAME}; or private_key, with "
                     "which one is signed");
    return OK;
}

code project_oauth_fill(const home_project *p, arena *a, const json *v, const project_oauth **ret,
                        err *e)
{
    project_oauth *o = ARENA_NEW(a, project_oauth);
    const json *auth = json_get(v, "client_auth"), *port = json_get(v, "redirect_port");
    o->grant = (project_grant)index_of(text_of(v, "grant"), grants, ARRAY_LEN(grants));
    o->issuer = text_of(v, "issuer");
    o->token_endpoint = text_of(v, "token_endpoint");
    o->authorization_endpoint = text_of(v, "authorization_endpoint");
    o->device_endpoint = text_of(v, "device_authorization_endpoint");
    o->revocation_endpoint = text_of(v, "revocation_endpoint");
    o->client_id = text_of(v, "client_id");
    o->key_id = text_of(v, "key_id");
    o->scope = text_of(v, "scope");
    o->audience = text_of(v, "audience");
    o->resource = text_of(v, "resource");
    o->id_token = str_eq(text_of(v, "token"), STR("id"));
    o->redirect_port = (uint16_t)json_i64_or(port, 0);
    o->subject_type = text_of(v, "subject_type");
    o->subject_name = text_of(v, "subject_name");
    code c = fill_place(p, a, json_get(v, "client_secret"), &o->client_secret, e);
    if (c == OK)
        c = fill_place(p, a, json_get(v, "subject"), &o->subject, e);
    if (c == OK)
        c = fill_path(p, a, json_get(v, "private_key"), &o->private_key, e);
    if (c == OK)
        c = fill_path(p, a, json_get(v, "certificate"), &o->certificate, e);
    if (c == OK)
        c = check_grant(o, v, e);
    if (c == OK)
        c = check_endpoints(o, v, e);
    o->client_auth =
        auth ? (project_client_auth)index_of(auth->text, client_auths, ARRAY_LEN(client_auths))
             : usual_auth(o);
    if (c == OK)
        c = check_auth(o, auth ? auth : v, e);
    *ret = o;
    return c;
}
