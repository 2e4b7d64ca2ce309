// SPDX-License-Identifier: Apache-2.0
// oauth2: a token that the collection holds, or one that its grant gives without a person (RFC
// 6749, RFC 7523). Here are the form that asks for it and what the answer means; the runner sends
// it.
#include "postman/auth.h"

enum { TOKEN_BYTES_MAX = 64 << 10, LIFE_MAX_S = 366 * 86400 };

// ---- which grant --------------------------------------------------------------------------------

typedef struct grant_form grant_form;
struct grant_form {
    arena *arena;
    const json *params;
    str client, secret;
    buf form;
    buf query;
    pm_grant *out;
};

static str param(const grant_form *f, const char *key)
{
    return auth_param(f->arena, f->params, key);
}

static void add_pair(buf *out, str key, str value)
{
    if (out->len)
        buf_addc(out, '&');
    percent_encode(out, key);
    buf_addc(out, '=');
    percent_encode(out, value);
}

static void add(grant_form *f, const char *key, str value)
{
    if (value.len)
        add_pair(&f->form, str_from(key), value);
}

static code lacks(const char *what, err *e)
{
    err_set(e, PM_GRANT, "oauth2.auth: the grant lacks '%s'", what);
    return err_hint(e, "set it in the request's, folder's or collection's Authorization");
}

static code need(grant_form *f, const char *key, const char *as, err *e)
{
    str value = param(f, key);
    if (!value.len)
        return lacks(key, e);
    add(f, as, value);
    return OK;
}

static code client_credentials(grant_form *f, err *e)
{
    (void)e;
    add(f, "grant_type", STR("client_credentials"));
    return OK;
}

static code password(grant_form *f, err *e)
{
    add(f, "grant_type", STR("password"));
    code c = need(f, "username", "username", e);
    return c ? c : need(f, "password", "password", e);
}

// Also of an authorization code that a person has traded in before.
static code refresh(grant_form *f, err *e)
{
    add(f, "grant_type", STR("refresh_token"));
    if (param(f, "refreshToken").len)
        return need(f, "refreshToken", "refresh_token", e);
    err_set(e, PM_GRANT, "oauth2.auth: the grant '" STR_FMT "' needs a person",
            STR_ARG(param(f, "grant_type")));
    return err_hint(e, "sign in once in Postman and put the token that it refreshes with into "
                       "'refreshToken'");
}

static code jwt_bearer(grant_form *f, err *e)
{
    str assertion = param(f, "assertion");
    add(f, "grant_type", STR("urn:ietf:params:oauth:grant-type:jwt-bearer"));
    if (!assertion.len) {
        const char *wrong = jwt_assertion(f->arena, f->params, f->client, f->out->url, &assertion);
        if (wrong)
            return err_set(e, PM_GRANT, "oauth2.auth: the assertion can't be signed: %s", wrong);
    }
    add(f, "assertion", assertion);
    return OK;
}

static const struct {
    const char *type;
    code (*write)(grant_form *f, err *e);
} grants[] = {
    {"client_credentials", client_credentials},
    {"password_credentials", password},
    {"password", password},
    {"refresh_token", refresh},
    {"authorization_code", refresh},
    {"authorization_code_with_pkce", refresh},
    {"jwt_bearer", jwt_bearer},
    {"urn:ietf:params:oauth:grant-type:jwt-bearer", jwt_bearer},
};

static code write_grant(grant_form *f, str type, err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(grants); i++)
        if (str_eq(type, str_from(grants[i].type)))
            return grants[i].write(f, e);
    err_set(e, PM_GRANT, "oauth2.auth: the grant '" STR_FMT "' can't be had without a person",
            STR_ARG(type));
    return err_hint(e,
                    "use client_credentials, password_credentials, refresh_token, jwt_bearer, or "
                    "authorization_code with a refreshToken");
}

// ---- the request --------------------------------------------------------------------------------

// Postman's default is the header; the client's name and secret are form-encoded there (RFC 6749
// §2.3.1).
static void add_client(grant_form *f)
{
    pm_grant *g = f->out;
    bool in_body = str_eq(param(f, "client_authentication"), STR("body"));
    if (in_body || !f->secret.len) {
        add(f, "client_id", f->client);
        add(f, "client_secret", f->secret);
        return;
    }
    buf value;
    buf_init(&value, PM_TEXT_BYTES_MAX);
    buf_addz(&value, "Basic ");
    base64_encode(&value, arena_printf(f->arena, STR_FMT ":" STR_FMT,
                                       STR_ARG(auth_encoded(f->arena, f->client)),
                                       STR_ARG(auth_encoded(f->arena, f->secret))));
    g->authorization = arena_str(f->arena, buf_str(&value));
    buf_wipe(&value);
    buf_deinit(&value);
}

// Postman's list of what else the token endpoint wants; headers are left out.
static void add_more(grant_form *f)
{
    JSON_EACH (auth_value(f->params, "tokenRequestParams"), m) {
        str key = json_str_or(json_get(m, "key"), STR_NONE);
        str value = json_str_or(json_get(m, "value"), STR_NONE);
        if (!key.len || !json_bool_or(json_get(m, "enabled"), true))
            continue;
        if (json_is_str(json_get(m, "send_as"), "request_url"))
            add_pair(&f->query, key, value);
        else if (!json_is_str(json_get(m, "send_as"), "request_header"))
            add_pair(&f->form, key, value);
    }
}

static void finish(grant_form *f)
{
    pm_grant *g = f->out;
    if (f->query.len)
        g->url = arena_printf(f->arena, STR_FMT "%s" STR_FMT, STR_ARG(g->url),
                              str_chr(g->url, '?') < 0 ? "?" : "&", STR_ARG(buf_str(&f->query)));
    g->form = arena_str(f->arena, buf_str(&f->form));
    buf_wipe(&f->form);
    buf_deinit(&f->form);
    buf_deinit(&f->query);
}

code pm_grant_make(arena *a, const json *params, str refresh_token, pm_grant *ret, err *e)
{
    grant_form f = {.arena = a, .params = params, .out = ret};
    *ret = (pm_grant){.url = auth_param(a, params, "accessTokenUrl")};
    buf_init(&f.form, PM_TEXT_BYTES_MAX);
    buf_init(&f.query, PM_TEXT_BYTES_MAX);
    f.client = param(&f, "clientId");
    f.secret = param(&f, "clientSecret");
    code c = OK;
    if (refresh_token.len) {
        add(&f, "grant_type", STR("refresh_token"));
        add(&f, "refresh_token", refresh_token);
    } else {
        c = write_grant(&f, param(&f, "grant_type"), e);
    }
    add(&f, "scope", param(&f, "scope"));
    add(&f, "audience", param(&f, "audience"));
    add(&f, "resource", param(&f, "resource"));
    add_client(&f);
    add_more(&f);
    bool fits = buf_ok(&f.form) && buf_ok(&f.query);
    finish(&f);
    if (!c && !fits)
        c = err_set(e, PM_LIMIT, "the form of an oauth2 grant is too large");
    return c;
}

// The members of a row stand in the order of who wrote it: a script's aren't the collection's.
str pm_grant_key(arena *a, const json *params)
{
    bool rows = json_is(params, JSON_ARRAY);
    buf text;
    buf_init(&text, SIZE_MAX / 2);
    JSON_EACH (params, p) {
        const json *value = rows ? json_get(p, "value") : p;
        buf_add_json(&text, rows ? json_str_or(json_get(p, "key"), STR_NONE) : p->key);
        buf_add_json(&text, json_str_or(json_get(p, "type"), STR_NONE));
        if (value)
            json_write(&text, value, JSON_COMPACT);
    }
    str key = auth_hash_hex(a, "SHA256", buf_str(&text));
    buf_wipe(&text);
    buf_deinit(&text);
    return key;
}

// ---- the answer ---------------------------------------------------------------------------------

// "invalid_client: no such client", as far as the server says it (RFC 6749 §5.2).
static code refused(arena *a, int status, const json *answer, err *e)
{
    str error = json_str_or(json_get(answer, "error"), STR_NONE);
    str why = json_str_or(json_get(answer, "error_description"), STR_NONE);
    str told = error.len ? arena_printf(a, ": " STR_FMT "%s" STR_FMT, STR_ARG(error),
                                        why.len ? ": " : "", STR_ARG(why))
                         : STR_NONE;
    err_set(e, PM_GRANT, "oauth2.auth: the token endpoint answered %d" STR_FMT, status,
            STR_ARG(told));
    return err_hint(e,
                    "compare accessTokenUrl, clientId and grant_type with the server's settings");
}

code pm_grant_read(arena *a, int status, str body, pm_granted *ret, err *e)
{
    json *answer = NULL;
    json_opts opts = {.tolerant = true, .bytes_max = TOKEN_BYTES_MAX};
    code c = json_parse(a, body, &opts, &answer, NULL);
    *ret = (pm_granted){0};
    if (status < 200 || status > 299)
        return refused(a, status, c ? NULL : answer, e);
    str token = c ? STR_NONE : json_str_or(json_get(answer, "access_token"), STR_NONE);
    if (!token.len)
        return err_set(e, PM_GRANT, "oauth2.auth: the token endpoint's answer has no access_token");
    int64_t life = 0;
    str life_text = auth_text(a, json_get(answer, "expires_in"));
    uint64_t seconds;
    if (str_to_u64(life_text, &seconds) && seconds <= LIFE_MAX_S)
        life = (int64_t)seconds;
    *ret = (pm_granted){.access_token = token,
                        .refresh_token = json_str_or(json_get(answer, "refresh_token"), STR_NONE),
                        .life_s = life};
    return OK;
}

// ---- the token on the request -------------------------------------------------------------------

void sign_oauth2(builder *b, const json *params)
{
    arena *a = b->arena;
    str token = auth_param(a, params, "accessToken"), where = auth_param(a, params, "addTokenTo");
    str prefix = STR("Bearer");
    if (!token.len) {
        token = b->options->granted;
        b->call->wants_grant = !token.len && auth_param(a, params, "grant_type").len &&
                               auth_param(a, params, "accessTokenUrl").len;
    }
    if (!token.len || str_ieq(auth_param(a, params, "tokenType"), STR("mac")))
        return;
    const json *given = auth_value(params, "headerPrefix");
    if (given && !json_is(given, JSON_NULL))
        prefix = str_trim(auth_param(a, params, "headerPrefix"));
    builder_drop_header(b, STR("Authorization"));
    if (str_eq(where, STR("queryParams")))
        auth_query(b, STR("access_token"), token);
    else if (!where.len || str_eq(where, STR("header")))
        auth_header(b, arena_printf(a, STR_FMT "%s" STR_FMT, STR_ARG(prefix), prefix.len ? " " : "",
                                    STR_ARG(token)));
}
