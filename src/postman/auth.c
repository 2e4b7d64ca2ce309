// SPDX-License-Identifier: Apache-2.0
// The auth that a collection spells out itself: basic, bearer, apikey, an OAuth 2 token. An unknown
// type is told, and the request goes out without it, as newman does. Identity of ours is added
// elsewhere.
#include "postman/build.h"
#include "postman/url.h"
#include "postman/value.h"

static str param(builder *b, const json *params, const char *key)
{
    str text = STR_NONE;
    JSON_EACH (params, m) {
        if (!json_is_str(json_get(m, "key"), key))
            continue;
        buf value;
        buf_init(&value, PM_TEXT_BYTES_MAX);
        const json *v = json_get(m, "value");
        if (v && !json_is(v, JSON_NULL))
            value_text(v, &value);
        text = arena_str(b->arena, buf_str(&value));
        buf_deinit(&value);
    }
    return text;
}

static void add_basic(builder *b, str user, str password)
{
    str pair = arena_printf(b->arena, STR_FMT ":" STR_FMT, STR_ARG(user), STR_ARG(password));
    buf value;
    buf_init(&value, PM_TEXT_BYTES_MAX);
    buf_addz(&value, "Basic ");
    base64_encode(&value, pair);
    builder_drop_header(b, STR("Authorization"));
    builder_header(b, STR("Authorization"), arena_str(b->arena, buf_str(&value)), true);
    buf_deinit(&value);
}

static void sign_basic(builder *b, const json *params)
{
    add_basic(b, param(b, params, "username"), param(b, params, "password"));
}

static void sign_bearer(builder *b, const json *params)
{
    str token = param(b, params, "token");
    if (!token.len)
        return;
    builder_drop_header(b, STR("Authorization"));
    builder_header(b, STR("Authorization"),
                   arena_printf(b->arena, "Bearer " STR_FMT, STR_ARG(token)), true);
}

static void sign_query(builder *b, str key, str value)
{
    pm_param **tail = &b->url.query;
    while (*tail) {
        if ((*tail)->has_key && str_eq((*tail)->key, key))
            *tail = (*tail)->next;
        else
            tail = &(*tail)->next;
    }
    pm_param *p = pm_param_push(b->arena, &tail);
    p->key = key;
    p->value = value;
    p->has_key = p->has_value = true;
    b->url.has_query = true;
}

static void sign_apikey(builder *b, const json *params)
{
    str key = param(b, params, "key"), value = param(b, params, "value");
    if (!key.len && !value.len)
        return;
    if (str_eq(param(b, params, "in"), STR("query"))) {
        sign_query(b, key, value);
        return;
    }
    if (!key.len)
        return;
    builder_drop_header(b, key);
    builder_header(b, key, value, true);
}

static bool has_param(const json *params, const char *key)
{
    JSON_EACH (params, m)
        if (json_is_str(json_get(m, "key"), key) && json_get(m, "value") &&
            !json_is(json_get(m, "value"), JSON_NULL))
            return true;
    return false;
}

// A token that the collection holds; fetching one is nobody's business here.
static void sign_oauth2(builder *b, const json *params)
{
    str token = param(b, params, "accessToken"), where = param(b, params, "addTokenTo");
    str prefix = STR("Bearer");
    if (!token.len || str_ieq(param(b, params, "tokenType"), STR("mac")))
        return;
    if (has_param(params, "headerPrefix"))
        prefix = str_trim(param(b, params, "headerPrefix"));
    builder_drop_header(b, STR("Authorization"));
    if (str_eq(where, STR("queryParams")))
        sign_query(b, STR("access_token"), token);
    else if (!where.len || str_eq(where, STR("header")))
        builder_header(b, STR("Authorization"),
                       arena_printf(b->arena, STR_FMT "%s" STR_FMT, STR_ARG(prefix),
                                    prefix.len ? " " : "", STR_ARG(token)),
                       true);
}

static const struct {
    const char *type;
    void (*sign)(builder *b, const json *params);
} signers[] = {{"basic", sign_basic},
               {"bearer", sign_bearer},
               {"apikey", sign_apikey},
               {"oauth2", sign_oauth2}};

void build_auth(builder *b, const json *auth)
{
    str type = json_str_or(json_get(auth, "type"), STR_NONE);
    if (!type.len)
        return;
    if (str_eq(type, STR("noauth"))) {
        b->call->noauth = true;
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(signers); i++) {
        if (!str_eq(type, str_from(signers[i].type)))
            continue;
        signers[i].sign(b, json_gets(auth, type));
        b->call->auth = signers[i].type;
        return;
    }
    builder_warn(b,
                 "auth of the type '" STR_FMT "' isn't supported: the request is sent without it",
                 STR_ARG(type));
}

static str unescaped(builder *b, str text)
{
    buf plain;
    buf_init(&plain, PM_TEXT_BYTES_MAX);
    if (percent_decode(&plain, text))
        text = arena_str(b->arena, buf_str(&plain));
    buf_deinit(&plain);
    return text;
}

void build_userinfo(builder *b)
{
    bool written = b->url.user.ptr || b->url.password.ptr;
    if (written && !pm_call_header(b->call, STR("Authorization")))
        add_basic(b, unescaped(b, b->url.user), unescaped(b, b->url.password));
}
