// SPDX-License-Identifier: Apache-2.0
// Signing in: the authorization code with PKCE in a browser on this machine (RFC 8252), and the
// device code (RFC 8628). What remains is a refresh token in the keyring.
#include <string.h>
#include <unistd.h>

#include "credential/oauth.h"
#include "credential/oauth_login.h"
#include "http/http.h"
#include "uri/uri.h"

enum {
    RANDOM_BYTES = 32,
    RANDOM_TEXT = 43, // in base64url
    INTERVAL_MS = 5000,
    SLOWER_MS = 5000,
    QUERY_BYTES_MAX = 8 << 10,
    BROWSER_MS = 600000,
};

struct oauth_login {
    const credential_login_options *options;
    exchange *x;
    // browser
    char state[RANDOM_TEXT + 1], nonce[RANDOM_TEXT + 1], verifier[RANDOM_TEXT + 1];
    http_server *server;
    child *browser;
    str redirect;
    str code;
    // device
    str device_code;
    uint64_t interval_ms;
    bool waited;
};

void oauth_login_free(oauth_login *l)
{
    if (!l)
        return;
    http_server_free(l->server);
    child_free(l->browser);
    secret_wipe(l->verifier, sizeof(l->verifier));
    free(l);
}

void oauth_login_begin(exchange *x, const credential_login_options *options)
{
    x->oauth->login = NEW(oauth_login);
    x->oauth->login->options = options;
    x->oauth->login->x = x;
}

code oauth_login_check(const exchange *x, const json *claims, err *e)
{
    const oauth_login *l = x->oauth->login;
    str nonce = json_str_or(json_get(claims, "nonce"), STR_NONE);
    if (!l->code.len || str_eq(nonce, str_from(l->nonce)))
        return OK;
    return err_set(e, CRED_ANSWER,
                   "the ID token was made for another sign-in: its nonce isn't ours");
}

static void fill_random(char text[RANDOM_TEXT + 1])
{
    unsigned char bytes[RANDOM_BYTES];
    buf out;
    rand_bytes(bytes, sizeof(bytes));
    buf_init(&out, RANDOM_TEXT);
    base64url_encode(&out, (str){(const char *)bytes, sizeof(bytes)});
    memcpy(text, buf_cstr(&out), RANDOM_TEXT + 1);
    buf_wipe(&out);
    buf_deinit(&out);
}

static bool asks_for(str scope, const char *one)
{
    str word;
    while (str_next(&scope, ' ', &word))
        if (str_eq(word, str_from(one)))
            return true;
    return false;
}

// ---- the browser comes back ---------------------------------------------------------------------

typedef struct callback callback;
struct callback {
    str code, state, issuer, error, text;
    bool twice; // one of them is there twice: nobody honest sends that (threat 29)
};

static bool read_callback(arena *a, str query, callback *ret)
{
    const struct {
        const char *name;
        str *to;
    } fields[] = {{"code", &ret->code},
                  {"state", &ret->state},
                  {"iss", &ret->issuer},
                  {"error", &ret->error},
                  {"error_description", &ret->text}};
    str pair, key, value;
    while (str_next(&query, '&', &pair)) {
        str_cut(pair, '=', &key, &value);
        for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
            if (!str_eq(key, str_from(fields[i].name)))
                continue;
            buf text;
            buf_init(&text, QUERY_BYTES_MAX);
            bool good = percent_decode(&text, value);
            ret->twice = ret->twice || fields[i].to->ptr;
            *fields[i].to = arena_str(a, buf_str(&text));
            buf_deinit(&text);
            if (!good)
                return false;
        }
    }
    return true;
}

static void reply_page(http_exchange *h, int status, const char *text)
{
    static const http_header headers[] = {
        {STR("content-type"), STR("text/html; charset=utf-8")},
        {STR("content-security-policy"), STR("default-src 'none'")},
        {STR("cache-control"), STR("no-store")},
        {STR("referrer-policy"), STR("no-referrer")},
    };
    str page = arena_printf(http_exchange_arena(h),
                            "<!doctype html><title>Gatepost</title><p>%s</p>\n", text);
    http_reply(h, status, headers, ARRAY_LEN(headers), page);
}

static code judge(oauth_login *l, const callback *c, err *e)
{
    exchange *x = l->x;
    const oauth *o = x->caller->oauth;
    bool issuer_wrong = o->config->issuer.len && !str_eq(c->issuer, o->config->issuer);
    if (issuer_wrong && (c->issuer.ptr || o->at.names_issuer))
        return err_set(e, CRED_REFUSED, "the answer came from another issuer: " STR_FMT,
                       STR_ARG(oidc_quoted(c->issuer, &x->mem)));
    if (c->error.len) {
        (void)err_set(e, CRED_REFUSED, "the issuer refused the sign-in: " STR_FMT "%s" STR_FMT,
                      STR_ARG(oidc_quoted(c->error, &x->mem)), c->text.len ? ": " : "",
                      STR_ARG(oidc_quoted(c->text, &x->mem)));
        if (str_eq(c->error, STR("invalid_scope")))
            (void)err_hint(e, "change the identity's scope, or let the issuer allow it");
        return CRED_REFUSED;
    }
    if (!c->code.len)
        return err_set(e, CRED_REFUSED, "the issuer's answer has neither a code nor an error");
    l->code = arena_str(&x->mem, c->code);
    return OK;
}

// What doesn't know our state isn't the answer that is waited for: the wait goes on.
static void on_callback(void *ctx, http_exchange *h)
{
    oauth_login *l = ctx;
    const http_request *req = http_exchange_request(h);
    callback c = {0};
    err e = ERR_INIT;
    str path, query;
    str_cut(req->target, '?', &path, &query);
    str host = str_skip(l->redirect, 7), ours, rest; // after "http://"
    str_cut(host, '/', &ours, &rest);
    if (!str_eq(req->method, STR("GET")) || !str_eq(path, STR("/callback")) ||
        !str_eq(req->host, ours)) {
        reply_page(h, 404, "There is nothing here.");
        return;
    }
    if (!read_callback(http_exchange_arena(h), query, &c) || c.twice ||
        !str_eq_secret(c.state, str_from(l->state)) || l->code.len) {
        reply_page(h, 400, "This is not the sign-in that is waited for.");
        return;
    }
    code failed = judge(l, &c, &e);
    reply_page(h, failed ? 400 : 200,
               failed ? "You are not signed in; the terminal says why."
                      : "You are signed in. This window can be closed.");
    if (failed)
        oauth_fail(l->x, &e);
    else
        oauth_advance(l->x);
}

// ---- the browser is sent
// -------------------------------------------------------------------------

static void add_query(buf *url, const char *name, str value)
{
    buf_addc(url, str_chr(buf_str(url), '?') < 0 ? '?' : '&');
    buf_addf(url, "%s=", name);
    percent_encode(url, value);
}

static void add_challenge(buf *url, const oauth_login *l)
{
    unsigned char digest[JOSE_SHA256_BYTES];
    buf challenge;
    jose_sha256(str_from(l->verifier), digest);
    buf_init(&challenge, RANDOM_TEXT);
    base64url_encode(&challenge, (str){(const char *)digest, sizeof(digest)});
    add_query(url, "code_challenge", buf_str(&challenge));
    add_query(url, "code_challenge_method", STR("S256"));
    buf_deinit(&challenge);
}

static str authorization_url(exchange *x)
{
    const project_oauth *p = x->caller->oauth->config;
    const oauth_login *l = x->oauth->login;
    buf url;
    buf_init(&url, 16 << 10);
    buf_adds(&url, x->caller->oauth->at.authorization);
    add_query(&url, "response_type", STR("code"));
    add_query(&url, "client_id", p->client_id);
    add_query(&url, "redirect_uri", l->redirect);
    add_query(&url, "state", str_from(l->state));
    if (p->scope.len)
        add_query(&url, "scope", p->scope);
    if (asks_for(p->scope, "openid"))
        add_query(&url, "nonce", str_from(l->nonce));
    if (p->audience.len)
        add_query(&url, "audience", p->audience);
    if (p->resource.len)
        add_query(&url, "resource", p->resource);
    bool google = str_eq(p->issuer, STR("https://accounts.google.com"));
    if (google) // its way to ask for a refresh token
        add_query(&url, "access_type", STR("offline"));
    if (google || asks_for(p->scope, "offline_access")) // OpenID Connect Core §11
        add_query(&url, "prompt", STR("consent"));
    add_challenge(&url, l);
    str text = arena_str(&x->mem, buf_str(&url));
    buf_deinit(&url);
    return text;
}

static void on_browser_end(void *ctx, const child_result *r)
{
    oauth_login *l = ctx;
    (void)r; // the URL was told: it can be opened by hand
    child_free(l->browser);
    l->browser = NULL;
}

static void open_browser(oauth_login *l, str url)
{
    const credential_options *o = provider_options(l->x->provider);
    const char *program = option_env(o, "BROWSER");
    const char *const argv[] = {program ? program : "xdg-open", url.ptr, NULL};
    const child_options c = {
        .argv = argv, .timeout_ms = BROWSER_MS, .on_end = on_browser_end, .ctx = l};
    if (l->options->browser && (program || program_in_path(o, "xdg-open")))
        (void)!child_start(provider_loop(l->x->provider), &c, &l->browser, NULL);
}

static code open_port(exchange *x, err *e)
{
    oauth_login *l = x->oauth->login;
    http_server_options o = {.port = x->caller->oauth->config->redirect_port,
                             .connections_max = 16,
                             .on_request = on_callback,
                             .ctx = l};
    if (http_server_new(provider_loop(x->provider), &o, &l->server, e))
        return err_hint(e, "another program has the port: end it, or change redirect_port here and "
                           "at the issuer");
    l->redirect =
        arena_printf(&x->mem, "http://127.0.0.1:%u/callback", http_server_port(l->server));
    return OK;
}

static oauth_next send_browser(exchange *x, fetch_request *req, err *e)
{
    oauth_login *l = x->oauth->login;
    (void)req;
    if (!x->caller->oauth->at.authorization.len) {
        (void)err_set(e, CRED_ISSUER, "the issuer has no authorization endpoint");
        return OAUTH_FAIL;
    }
    fill_random(l->state);
    fill_random(l->nonce);
    fill_random(l->verifier);
    if (open_port(x, e))
        return OAUTH_FAIL;
    credential_prompt prompt = {.url = authorization_url(x)};
    l->options->on_prompt(l->options->ctx, &prompt);
    open_browser(l, prompt.url);
    return OAUTH_WAIT;
}

static oauth_next ask_code(exchange *x, fetch_request *req, err *e)
{
    const oauth_login *l = x->oauth->login;
    form_field(&x->body, "grant_type", STR("authorization_code"));
    form_field(&x->body, "code", l->code);
    form_field(&x->body, "redirect_uri", l->redirect);
    form_field(&x->body, "code_verifier", str_from(l->verifier));
    return oauth_post(x, x->caller->oauth->at.token, req, e) ? OAUTH_FAIL : OAUTH_WAIT;
}

// ---- devices
// --------------------------------------------------------------------------------------

static oauth_next ask_device(exchange *x, fetch_request *req, err *e)
{
    const oauth *o = x->caller->oauth;
    if (!o->at.device.len) {
        (void)err_set(e, CRED_ISSUER, "the issuer has no device authorization endpoint");
        (void)err_hint(e, "sign in with a browser: grant: authorization_code, without --device");
        return OAUTH_FAIL;
    }
    if (o->config->scope.len)
        form_field(&x->body, "scope", o->config->scope);
    if (o->config->audience.len)
        form_field(&x->body, "audience", o->config->audience);
    if (o->config->client_auth == CLIENT_AUTH_BASIC) // RFC 8628 §3.1 wants it in either case
        form_field(&x->body, "client_id", o->config->client_id);
    return oauth_post(x, o->at.device, req, e) ? OAUTH_FAIL : OAUTH_WAIT;
}

static code read_device(exchange *x, str body, err *e)
{
    oauth_login *l = x->oauth->login;
    json *root;
    credential_prompt prompt = {0};
    str whole = STR_NONE;
    int64_t interval_s = INTERVAL_MS / 1000;
    if (answer_parse(x, body, &root, e) || json_get_str(root, "device_code", &l->device_code, e) ||
        json_get_str(root, "user_code", &prompt.user_code, e) ||
        json_get_str(root, "verification_uri", &prompt.url, e) ||
        json_opt_str(root, "verification_uri_complete", &whole, e) ||
        json_opt_i64(root, "interval", &interval_s, e)) {
        if (e)
            e->code = CRED_ANSWER;
        return CRED_ANSWER;
    }
    if (oauth_check_url(prompt.url, "verification_uri", e) ||
        (whole.len && oauth_check_url(whole, "verification_uri_complete", e)))
        return CRED_ISSUER;
    l->interval_ms = interval_s < 0 || interval_s > 60 ? INTERVAL_MS : (uint64_t)interval_s * 1000;
    l->options->on_prompt(l->options->ctx, &prompt);
    open_browser(l, arena_str(&x->mem, whole.len ? whole : prompt.url));
    return OK;
}

static oauth_next poll(exchange *x, fetch_request *req, err *e)
{
    oauth_login *l = x->oauth->login;
    l->waited = !l->waited;
    if (l->waited) {
        oauth_later(x, l->interval_ms);
        return OAUTH_WAIT;
    }
    form_field(&x->body, "grant_type", STR("urn:ietf:params:oauth:grant-type:device_code"));
    form_field(&x->body, "device_code", l->device_code);
    return oauth_post(x, x->caller->oauth->at.token, req, e) ? OAUTH_FAIL : OAUTH_WAIT;
}

static code not_yet(exchange *x, const fetch_response *res, err *e)
{
    oauth_login *l = x->oauth->login;
    str error = answer_told(x, res, e);
    if (str_eq(error, STR("slow_down")))
        l->interval_ms += SLOWER_MS;
    if (str_eq(error, STR("authorization_pending")) || str_eq(error, STR("slow_down")))
        return OK;
    if (str_eq(error, STR("expired_token")))
        return err_hint(e, "nobody entered the code in time: gatepost login " STR_FMT,
                        STR_ARG(x->caller->oauth->name));
    return oauth_refused(x, res, e);
}

// ---- the end
// --------------------------------------------------------------------------------------

static oauth_next keep(exchange *x, fetch_request *req, err *e)
{
    if (x->oauth->refresh)
        return oauth_keep(x, req, e);
    (void)err_set(e, CRED_ANSWER, "the issuer gave no refresh token, so the sign-in can't be kept");
    (void)err_hint(e, "ask for one (with most issuers: scope: openid offline_access), and let the "
                      "issuer allow it to the client");
    return OAUTH_FAIL;
}

const oauth_step oauth_browser_steps[] = {
    {oauth_discover, oauth_discovered, oauth_not_discovered},
    {send_browser, NULL, NULL},
    {ask_code, oauth_read_tokens, NULL},
    {oauth_verify, NULL, NULL},
    {keep, NULL, NULL},
    {oauth_give, NULL, NULL},
};

const oauth_step oauth_device_steps[] = {
    {oauth_discover, oauth_discovered, oauth_not_discovered},
    {ask_device, read_device, NULL},
    {poll, oauth_read_tokens, not_yet},
    {oauth_verify, NULL, NULL},
    {keep, NULL, NULL},
    {oauth_give, NULL, NULL},
};
