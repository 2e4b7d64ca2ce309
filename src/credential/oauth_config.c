// SPDX-License-Identifier: Apache-2.0
#include "credential/oauth.h"
#include "uri/uri.h"

enum { SECRET_BYTES_MAX = 16 << 10, PEM_BYTES_MAX = 64 << 10 };

code oauth_read_place(const credential_options *o, const project_place *at, arena *a, str *ret,
                      err *e)
{
    str text = STR_NONE;
    if (at->env) {
        text = str_from(option_env(o, at->env));
        if (!text.len)
            return err_set(e, CRED_FILE, "the variable %s isn't set", at->env);
    } else if (at->file && file_read(a, at->file, SECRET_BYTES_MAX, &text, e)) {
        return CRED_FILE;
    }
    *ret = str_trim(text);
    return OK;
}

code oauth_check_url(str url, const char *what, err *e)
{
    arena a;
    uri_url u;
    arena_init(&a);
    err why = ERR_INIT;
    code failed = url_parse(&a, url, &u, &why) ? CRED_ISSUER : OK;
    bool https = !failed && str_eq(u.scheme, STR("https"));
    bool local = !failed && str_eq(u.scheme, STR("http")) && host_is_loopback(&u.host);
    if (failed)
        (void)err_set(e, CRED_ISSUER, "%s: %s", what, why.msg);
    else if (!https && !local)
        failed = err_set(e, CRED_ISSUER, "%s: " STR_FMT " would be asked over plain http", what,
                         STR_ARG(url));
    arena_deinit(&a);
    return failed ? err_hint(e, "https keeps the client's secret and the tokens from the network")
                  : OK;
}

static code check_urls(const project_oauth *p, err *e)
{
    const struct {
        str url;
        const char *what;
    } urls[] = {
        {p->issuer, "issuer"},
        {p->token_endpoint, "token_endpoint"},
        {p->authorization_endpoint, "authorization_endpoint"},
        {p->device_endpoint, "device_authorization_endpoint"},
        {p->revocation_endpoint, "revocation_endpoint"},
    };
    for (size_t i = 0; i < ARRAY_LEN(urls); i++)
        if (urls[i].url.len && oauth_check_url(urls[i].url, urls[i].what, e))
            return CRED_ISSUER;
    return OK;
}

static code read_secret(caller *c, const oauth_named *named, err *e)
{
    str text = STR_NONE;
    arena scratch;
    const project_place *at = &named->identity->oauth->client_secret;
    if (!at->env && !at->file)
        return OK;
    arena_init(&scratch);
    code failed = oauth_read_place(named->options, at, &scratch, &text, e);
    if (!failed)
        c->client_secret = secret_new(text);
    if (at->file && text.len)
        secret_wipe((char *)(uintptr_t)text.ptr, text.len);
    arena_deinit(&scratch);
    return failed ? err_wrap(e, "client_secret") : OK;
}

static code read_key(oauth *o, err *e)
{
    str pem;
    arena scratch;
    if (!o->config->private_key)
        return OK;
    arena_init(&scratch);
    code failed = file_read(&scratch, o->config->private_key, PEM_BYTES_MAX, &pem, e);
    if (!failed) {
        failed = jwk_from_pem(pem, o->config->key_id, &o->key, e);
        secret_wipe((char *)(uintptr_t)pem.ptr, pem.len);
    }
    arena_deinit(&scratch);
    if (!failed && !o->config->key_id.len)
        jwk_unname(o->key); // the issuer tries what is registered
    if (!failed && !jwk_private(o->key))
        failed = err_set(e, CRED_FILE, "%s is a public key", o->config->private_key);
    if (failed && e)
        e->code = CRED_FILE;
    return failed ? err_wrap(e, "private_key") : OK;
}

code oauth_take(caller *c, arena *a, const oauth_named *named, err *e)
{
    const project_oauth *p = named->identity->oauth;
    oauth *o = ARENA_NEW(a, oauth);
    c->oauth = o;
    o->config = p;
    o->name = named->identity->name;
    o->at = (oauth_endpoints){.token = p->token_endpoint,
                              .authorization = p->authorization_endpoint,
                              .device = p->device_endpoint,
                              .revocation = p->revocation_endpoint};
    str where = p->issuer.len ? p->issuer : p->token_endpoint;
    o->keyring =
        arena_printf(a, "gatepost " STR_FMT " " STR_FMT, STR_ARG(where), STR_ARG(p->client_id));
    c->client_id = p->client_id;
    c->token_uri = where;
    c->who.source = CREDENTIAL_OAUTH;
    c->who.place = where;
    c->who.user = true;
    c->who.local = endpoint_of(where, named->options->up) == ENDPOINT_LOCAL;
    if (p->grant == GRANT_CLIENT_CREDENTIALS)
        c->who.principal = p->client_id;
    c->email = c->who.principal;
    c->inner = named->identity->impersonate;
    if (check_urls(p, e) || read_secret(c, named, e) || read_key(o, e))
        return e ? e->code : CRED_ISSUER;
    return OK;
}

bool oauth_gives_id_tokens(const caller *c)
{
    return c->oauth->config->id_token;
}

void oauth_deinit(oauth *o)
{
    if (!o)
        return;
    jwk_unref(o->key);
    oidc_free(o->verifier);
}
