// SPDX-License-Identifier: Apache-2.0
// The issuer's endpoints: OpenID Connect Discovery 1.0, else RFC 8414. What the document says about
// itself is checked, and where it leads (threat 34).
#include "credential/oauth.h"
#include "uri/uri.h"

static const char openid_path[] = "/.well-known/openid-configuration";
static const char oauth_path[] = "/.well-known/oauth-authorization-server";

// RFC 8414 puts its path between host and path of the issuer, OpenID behind both.
static str metadata_url(exchange *x, str issuer, bool other)
{
    uri_url u;
    if (!other) {
        if (str_ends(issuer, STR("/")))
            issuer.len--;
        return arena_printf(&x->mem, STR_FMT "%s", STR_ARG(issuer), openid_path);
    }
    if (url_parse(&x->mem, issuer, &u, NULL))
        return issuer; // was checked when the identity was taken
    buf text;
    buf_init(&text, 4096);
    uri_origin origin = url_origin(&u);
    origin_format(&text, &origin);
    buf_addz(&text, oauth_path);
    if (!str_eq(u.path, STR("/")))
        buf_adds(&text, u.path);
    str url = arena_str(&x->mem, buf_str(&text));
    buf_deinit(&text);
    return url;
}

oauth_next oauth_discover(exchange *x, fetch_request *req, err *e)
{
    oauth *o = x->caller->oauth;
    (void)e;
    if (o->discovered || !o->config->issuer.len) {
        x->caller->token_uri = o->at.token;
        return OAUTH_MORE;
    }
    req->url = metadata_url(x, o->config->issuer, x->oauth->other_metadata);
    return OAUTH_WAIT;
}

// An endpoint in the configuration file counts before the issuer's word.
static code take_url(exchange *x, const json *root, const char *key, str *ret, err *e)
{
    str url = json_str_or(json_get(root, key), STR_NONE);
    if (ret->len || !url.len)
        return OK;
    if (oauth_check_url(url, key, e))
        return err_wrap(e, "the issuer's metadata");
    *ret = arena_str(provider_arena(x->provider), url);
    return OK;
}

static code take_endpoints(exchange *x, const json *root, err *e)
{
    oauth *o = x->caller->oauth;
    oauth_endpoints *at = &o->at;
    bool mtls = o->config->client_auth == CLIENT_AUTH_TLS;
    const json *aliases = mtls ? json_get(root, "mtls_endpoint_aliases") : NULL;
    if (take_url(x, aliases, "token_endpoint", &at->token, e) ||
        take_url(x, aliases, "device_authorization_endpoint", &at->device, e) ||
        take_url(x, aliases, "revocation_endpoint", &at->revocation, e) ||
        take_url(x, root, "token_endpoint", &at->token, e) ||
        take_url(x, root, "authorization_endpoint", &at->authorization, e) ||
        take_url(x, root, "device_authorization_endpoint", &at->device, e) ||
        take_url(x, root, "revocation_endpoint", &at->revocation, e) ||
        take_url(x, root, "jwks_uri", &at->jwks, e))
        return CRED_ISSUER;
    at->names_issuer =
        json_bool_or(json_get(root, "authorization_response_iss_parameter_supported"), false);
    if (at->token.len)
        return OK;
    (void)err_set(e, CRED_ISSUER, "the issuer's metadata names no token_endpoint");
    return err_hint(e, "name it yourself: token_endpoint: https://…");
}

code oauth_discovered(exchange *x, str body, err *e)
{
    oauth *o = x->caller->oauth;
    json *root;
    str issuer;
    if (json_parse(&x->mem, body, &(json_opts){.file = "the issuer's metadata"}, &root, e) ||
        json_want(root, JSON_OBJECT, e) || json_get_str(root, "issuer", &issuer, e)) {
        if (e)
            e->code = CRED_ISSUER;
        return err_hint(e, "is " STR_FMT " an issuer of OpenID Connect or OAuth 2?",
                        STR_ARG(o->config->issuer));
    }
    if (!str_eq(issuer, o->config->issuer)) {
        (void)err_set(e, CRED_ISSUER, "the issuer's metadata is that of " STR_FMT,
                      STR_ARG(oidc_quoted(issuer, &x->mem)));
        return err_hint(e,
                        "if that is the one you mean, write it so, to the letter; here is " STR_FMT,
                        STR_ARG(o->config->issuer));
    }
    if (take_endpoints(x, root, e))
        return CRED_ISSUER;
    o->discovered = true;
    x->caller->token_uri = o->at.token;
    return OK;
}

code oauth_not_discovered(exchange *x, const fetch_response *res, err *e)
{
    oauth *o = x->caller->oauth;
    if (res->status == 404 && !x->oauth->other_metadata) {
        x->oauth->other_metadata = true;
        return OK;
    }
    (void)err_set(e, CRED_ISSUER, "the issuer " STR_FMT " has no metadata: it answered %d",
                  STR_ARG(o->config->issuer), res->status);
    return err_hint(e, "is the URL right? Without metadata, name its token_endpoint");
}
