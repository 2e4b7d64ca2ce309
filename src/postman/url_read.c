// SPDX-License-Identifier: Apache-2.0
// Reading URLs: text is cut into parts by Postman's rules, objects are taken part by part.
#include "postman/postman.h"
#include "postman/url.h"

enum { PATH_VARIABLES_MAX = 1000 }; // each segment of a path is looked up in all of them

// ---- text

// Blanks out what may hold separators without meaning them: a template such as {{a/b}}. The copy
// has the length of the text, so places in the one are places in the other.
static char *mask_templates(arena *a, str text)
{
    char *mask = arena_cstr(a, text);
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (mask[i] != '{' || mask[i + 1] != '{')
            continue;
        size_t end = i + 2;
        while (end < text.len && mask[end] != '{' && mask[end] != '}')
            end++;
        if (end + 1 < text.len && mask[end] == '}' && mask[end + 1] == '}') {
            memset(mask + i, '_', end + 2 - i);
            i = end + 1;
        }
    }
    return mask;
}

// The part of a text that is still to be cut, in both copies.
typedef struct cursor cursor;
struct cursor {
    char *text;
    char *mask;
    size_t len;
};

static str cut_from(cursor *c, size_t at, size_t skip)
{
    str tail = {c->text + at + skip, c->len - at - skip};
    c->len = at;
    return tail;
}

static void drop_head(cursor *c, size_t n)
{
    c->text += n;
    c->mask += n;
    c->len -= n;
}

static ssize_t find_mask(const cursor *c, const char *needle)
{
    return str_find((str){c->mask, c->len}, str_from(needle));
}

pm_param *pm_param_push(arena *a, pm_param ***tail)
{
    pm_param *p = ARENA_NEW(a, pm_param);
    **tail = p;
    *tail = &p->next;
    return p;
}

// "a=b", "a", "=b"; an empty one in the middle stands for nothing at all.
static void param_from_text(pm_param *p, str text, const char *mask, bool last)
{
    ssize_t at = str_chr((str){mask, text.len}, '=');
    p->has_key = text.len > 0 || last;
    p->has_value = at >= 0;
    p->key = at < 0 ? text : str_sub(text, 0, (size_t)at);
    if (at >= 0)
        p->value = str_skip(text, (size_t)at + 1);
}

static void parse_query(arena *a, str text, const char *mask, pm_url *ret)
{
    pm_param **tail = &ret->query;
    ret->has_query = true;
    for (size_t from = 0, i = 0; i <= text.len; i++) {
        if (i < text.len && mask[i] != '&')
            continue;
        param_from_text(pm_param_push(a, &tail), str_sub(text, from, i), mask + from,
                        i == text.len);
        from = i + 1;
    }
}

static void cut_protocol(cursor *c, pm_url *ret)
{
    ssize_t at = find_mask(c, "://");
    if (at < 0)
        return;
    ret->protocol = (str){c->text, (size_t)at};
    drop_head(c, (size_t)at + 3);
    while (c->len && c->mask[0] == '/')
        drop_head(c, 1);
}

static void cut_authority(cursor *c, pm_url *ret)
{
    ssize_t at = str_rchr((str){c->mask, c->len}, '@');
    if (at >= 0) {
        str auth = {c->text, (size_t)at};
        ssize_t colon = str_chr((str){c->mask, (size_t)at}, ':');
        ret->user = colon < 0 ? auth : str_sub(auth, 0, (size_t)colon);
        if (colon >= 0)
            ret->password = str_skip(auth, (size_t)colon + 1);
        drop_head(c, (size_t)at + 1);
    }
    at = str_rchr((str){c->mask, c->len}, ':');
    if (at >= 0 && str_chr(str_skip((str){c->mask, c->len}, (size_t)at), ']') < 0)
        ret->port = cut_from(c, (size_t)at, 1);
    if (c->len)
        ret->host = (str){c->text, c->len};
}

// ":id" and ":id.json" name the path variable "id".
str pm_path_variable(str segment)
{
    if (segment.len < 2 || segment.ptr[0] != ':')
        return STR_NONE;
    ssize_t dot = str_chr(segment, '.');
    return str_sub(segment, 1, dot < 0 ? segment.len : (size_t)dot);
}

void pm_url_parse(arena *a, str text, pm_url *ret)
{
    *ret = (pm_url){0};
    while (text.len && ascii_is_blank(text.ptr[0]))
        text = str_skip(text, 1);
    cursor c = {arena_cstr(a, text), mask_templates(a, text), text.len};
    ssize_t at = find_mask(&c, "#");
    if (at >= 0)
        ret->hash = cut_from(&c, (size_t)at, 1);
    at = find_mask(&c, "?");
    if (at >= 0) {
        const char *mask = c.mask + at + 1;
        parse_query(a, cut_from(&c, (size_t)at, 1), mask, ret);
    }
    for (size_t i = 0; i < c.len; i++)
        if (c.mask[i] == '\\')
            c.mask[i] = c.text[i] = '/';
    cut_protocol(&c, ret);
    at = find_mask(&c, "/");
    if (at >= 0)
        ret->path = cut_from(&c, (size_t)at, 0);
    cut_authority(&c, ret);
}

// ---- objects

// Text of a string or a number; nothing of anything else.
static str text_of(const json *v)
{
    return json_is(v, JSON_STRING) || json_is(v, JSON_NUMBER) ? v->text : STR_NONE;
}

// Members of an array joined; a member may be an object with a value.
static str join(arena *a, const json *list, const char *before, const char *between)
{
    buf b;
    buf_init(&b, PM_TEXT_BYTES_MAX);
    JSON_EACH (list, m) {
        buf_addz(&b, m == json_first(list) ? before : between);
        buf_adds(&b, text_of(json_is(m, JSON_OBJECT) ? json_get(m, "value") : m));
    }
    str joined = arena_str(a, buf_str(&b));
    buf_deinit(&b);
    return joined;
}

static str read_path(arena *a, const json *path)
{
    if (json_is(path, JSON_ARRAY))
        return join(a, path, "/", "/");
    str text = text_of(path);
    if (!text.len || text.ptr[0] == '/')
        return text.len ? text : STR_NONE;
    return arena_printf(a, "/" STR_FMT, STR_ARG(text));
}

static void param_from_json(arena *a, pm_param *p, const json *m)
{
    if (json_is(m, JSON_STRING)) {
        param_from_text(p, m->text, mask_templates(a, m->text), true);
        return;
    }
    const json *key = json_get(m, "key"), *value = json_get(m, "value");
    p->has_key = json_is(key, JSON_STRING);
    p->key = json_str_or(key, STR_NONE);
    p->has_value = json_is(value, JSON_STRING);
    p->value = json_str_or(value, STR_NONE);
    p->disabled = json_bool_or(json_get(m, "disabled"), false);
}

static void read_query(arena *a, const json *query, pm_url *ret)
{
    if (json_is(query, JSON_STRING)) {
        if (query->text.len)
            parse_query(a, query->text, mask_templates(a, query->text), ret);
        return;
    }
    pm_param **tail = &ret->query;
    JSON_EACH (query, m) {
        if (json_is(query, JSON_ARRAY) && json_is(m, JSON_NULL))
            continue;
        pm_param *p = pm_param_push(a, &tail);
        if (json_is(query, JSON_ARRAY))
            param_from_json(a, p, m);
        else
            *p = (pm_param){.key = m->key,
                            .has_key = true,
                            .value = json_str_or(m, STR_NONE),
                            .has_value = json_is(m, JSON_STRING)};
        ret->has_query = true;
    }
}

static void read_variables(arena *a, const json *list, pm_url *ret)
{
    pm_param **tail = &ret->variables;
    size_t count = 0;
    JSON_EACH (list, m) {
        const json *key = json_get(m, "key"), *value = json_get(m, "value");
        if (!json_is(key, JSON_STRING) || !key->text.len)
            key = json_get(m, "id");
        if (!json_is(key, JSON_STRING))
            continue;
        if (++count > PATH_VARIABLES_MAX)
            return;
        pm_param *p = pm_param_push(a, &tail);
        *p = (pm_param){.key = key->text,
                        .has_key = true,
                        .value = json_str_or(value, STR_NONE),
                        .has_value = json_is(value, JSON_STRING)};
    }
}

void pm_url_read(arena *a, const json *url, pm_url *ret)
{
    if (!json_is(url, JSON_OBJECT)) {
        pm_url_parse(a, json_str_or(url, STR_NONE), ret);
        return;
    }
    *ret = (pm_url){0};
    const json *host = json_get(url, "host"), *auth = json_get(url, "auth");
    ret->protocol = json_str_or(json_get(url, "protocol"), STR_NONE);
    if (str_ends(ret->protocol, STR("://")))
        ret->protocol.len -= 3;
    ret->user = json_str_or(json_get(auth, "user"), STR_NONE);
    ret->password = json_str_or(json_get(auth, "password"), STR_NONE);
    ret->host = json_is(host, JSON_ARRAY) ? join(a, host, "", ".") : text_of(host);
    ret->port = text_of(json_get(url, "port"));
    ret->path = read_path(a, json_get(url, "path"));
    ret->hash = json_str_or(json_get(url, "hash"), STR_NONE);
    read_query(a, json_get(url, "query"), ret);
    read_variables(a, json_get(url, "variable"), ret);
}
