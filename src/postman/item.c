// SPDX-License-Identifier: Apache-2.0
// What requests inherit, and how they are found.
#include "postman/postman.h"

// ---- find

static const pm_item *find(const pm_item *folder, str wanted)
{
    for (const pm_item *m = folder->first; m; m = m->next)
        if (str_eq(m->id, wanted) || str_eq(m->name, wanted))
            return m;
    for (const pm_item *m = folder->first; m; m = m->next) {
        const pm_item *found = find(m, wanted);
        if (found)
            return found;
    }
    return NULL;
}

const pm_item *pm_item_find(const pm_collection *c, str id_or_name)
{
    return find(c->root, id_or_name);
}

str pm_item_path(arena *a, const pm_item *item, const char *separator)
{
    const pm_item *way[PM_DEPTH_MAX + 2];
    size_t len = 0;
    for (const pm_item *p = item; p->parent; p = p->parent)
        way[len++] = p;
    buf b;
    buf_init(&b, PM_TEXT_BYTES_MAX);
    for (size_t i = len; i-- > 0;) {
        buf_adds(&b, way[i]->name);
        if (i)
            buf_addz(&b, separator);
    }
    str path = arena_str(a, buf_str(&b));
    buf_deinit(&b);
    return path;
}

// ---- inherit

const json *pm_item_auth(const pm_item *item)
{
    for (; item; item = item->parent)
        if (item->auth)
            return item->auth;
    return NULL;
}

size_t pm_item_scripts(const pm_item *item, pm_listen kind, const pm_script **ret_scripts,
                       size_t max)
{
    size_t len = item->parent ? pm_item_scripts(item->parent, kind, ret_scripts, max) : 0;
    for (const pm_script *s = item->scripts[kind]; s; s = s->next, len++)
        if (len < max)
            ret_scripts[len] = s;
    return len;
}

// The nearest value of a setting.
static const json *setting(const pm_item *item, const char *key)
{
    for (; item; item = item->parent) {
        const json *v = json_get(item->behavior, key);
        if (v)
            return v;
    }
    return NULL;
}

static const struct {
    const char *name;
    uint32_t flag;
} system_headers[] = {
    {"user-agent", PM_SYSTEM_USER_AGENT},
    {"accept", PM_SYSTEM_ACCEPT},
    {"cache-control", PM_SYSTEM_CACHE_CONTROL},
    {"postman-token", PM_SYSTEM_POSTMAN_TOKEN},
    {"host", PM_SYSTEM_HOST},
    {"accept-encoding", PM_SYSTEM_ACCEPT_ENCODING},
    {"connection", PM_SYSTEM_CONNECTION},
    {"content-type", PM_SYSTEM_CONTENT_TYPE},
    {"content-length", PM_SYSTEM_CONTENT_LENGTH},
};

pm_behavior pm_item_behavior(const pm_item *item)
{
    const json *strict = setting(item, "strictSSL");
    const json *headers = setting(item, "disabledSystemHeaders");
    int64_t redirects = json_i64_or(setting(item, "maxRedirects"), 10);
    pm_behavior b = {
        .tls_insecure = json_is(strict, JSON_BOOL) && !strict->boolean,
        .tls_strict = json_is(strict, JSON_BOOL) && strict->boolean,
        .redirects_off = !json_bool_or(setting(item, "followRedirects"), true),
        .redirects_on = json_bool_or(setting(item, "followRedirects"), false),
        .redirects_max = redirects < 0      ? 0
                         : redirects > 1000 ? 1000
                                            : (uint32_t)redirects,
        .keep_method = json_bool_or(setting(item, "followOriginalHttpMethod"), false),
        .keep_authorization = json_bool_or(setting(item, "followAuthorizationHeader"), false),
        .no_referer = json_bool_or(setting(item, "removeRefererHeaderOnRedirect"), false),
        .no_cookies = json_bool_or(setting(item, "disableCookies"), false),
        .no_pruning = json_bool_or(setting(item, "disableBodyPruning"), false),
        .no_encoding = json_bool_or(setting(item, "disableUrlEncoding"), false),
    };
    for (size_t i = 0; i < ARRAY_LEN(system_headers); i++)
        if (json_bool_or(json_get(headers, system_headers[i].name), false))
            b.no_headers |= system_headers[i].flag;
    return b;
}
