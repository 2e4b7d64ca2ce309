// SPDX-License-Identifier: Apache-2.0
// Writing URLs: as text, as an object, and as the bytes to send.
#include "postman/postman.h"
#include "postman/url.h"
#include "uri/uri.h"

// ---- text

// A separator in a parameter's key or value would end it: it is escaped, but not in a template.
static void add_param_part(buf *out, str text, bool key)
{
    for (size_t i = 0; i < text.len; i++) {
        char ch = text.ptr[i];
        str rest = str_skip(text, i);
        if (str_starts(rest, STR("{{"))) {
            size_t end = 2;
            while (end < rest.len && rest.ptr[end] != '{' && rest.ptr[end] != '}')
                end++;
            if (str_starts(str_skip(rest, end), STR("}}"))) {
                buf_adds(out, str_sub(rest, 0, end + 2));
                i += end + 1;
                continue;
            }
        }
        if (ch == '&' || ch == '#' || (key && ch == '='))
            buf_addf(out, "%%%02X", (unsigned)ch);
        else
            buf_addc(out, ch);
    }
}

static void add_query(buf *out, const pm_url *u)
{
    bool first = true;
    for (const pm_param *p = u->query; p; p = p->next) {
        if (p->disabled)
            continue;
        buf_addc(out, first ? '?' : '&');
        first = false;
        if (p->has_key)
            add_param_part(out, p->key, true);
        if (p->has_value) {
            buf_addc(out, '=');
            add_param_part(out, p->value, false);
        }
    }
}

static str variable_value(const pm_url *u, str name)
{
    str value = STR_NONE;
    for (const pm_param *p = u->variables; name.len && p; p = p->next)
        if (p->has_value && str_eq(p->key, name))
            value = p->value;
    return value;
}

// The path with the values of its variables; one without a value stays as it is.
static void add_path(buf *out, const pm_url *u)
{
    str rest = u->path, segment;
    if (rest.len)
        rest = str_skip(rest, 1);
    for (bool more = u->path.len > 0; more;) {
        more = str_cut(rest, '/', &segment, &rest);
        str name = pm_path_variable(segment), value = variable_value(u, name);
        buf_addc(out, '/');
        buf_adds(out, value);
        buf_adds(out, value.len ? str_skip(segment, 1 + name.len) : segment);
    }
}

str pm_url_text(arena *a, const pm_url *u)
{
    buf b;
    buf_init(&b, PM_TEXT_BYTES_MAX);
    if (u->protocol.len)
        buf_addf(&b, STR_FMT "://", STR_ARG(u->protocol));
    if (u->user.ptr || u->password.ptr) {
        buf_adds(&b, u->user);
        if (u->password.ptr)
            buf_addf(&b, ":" STR_FMT, STR_ARG(u->password));
        buf_addc(&b, '@');
    }
    buf_adds(&b, u->host);
    if (u->port.ptr)
        buf_addf(&b, ":" STR_FMT, STR_ARG(u->port));
    add_path(&b, u);
    add_query(&b, u);
    if (u->hash.ptr)
        buf_addf(&b, "#" STR_FMT, STR_ARG(u->hash));
    str text = arena_str(a, buf_str(&b));
    buf_deinit(&b);
    return text;
}

// ---- object

static void put(arena *a, json *obj, const char *key, str value)
{
    if (value.ptr)
        json_set(a, obj, str_from(key), json_new_str(a, value));
}

// The labels of a host: dots within a template are part of it.
static json *host_labels(arena *a, str name)
{
    json *labels = json_new(a, JSON_ARRAY);
    size_t from = 0, open = 0;
    for (size_t i = 0; i <= name.len; i++) {
        char ch = i < name.len ? name.ptr[i] : '.';
        if (ch == '{')
            open++;
        else if (ch == '}' && open)
            open--;
        if (ch != '.' || (open && i < name.len))
            continue;
        json_push(labels, json_new_str(a, str_sub(name, from, i)));
        from = i + 1;
    }
    return labels;
}

static json *path_segments(arena *a, str path)
{
    json *segments = json_new(a, JSON_ARRAY);
    str rest = str_skip(path, 1), segment;
    for (bool more = path.len > 0; more;) {
        more = str_cut(rest, '/', &segment, &rest);
        json_push(segments, json_new_str(a, segment));
    }
    return segments;
}

static json *param_list(arena *a, const pm_param *first)
{
    json *list = json_new(a, JSON_ARRAY);
    for (const pm_param *p = first; p; p = p->next) {
        json *m = json_push(list, json_new(a, JSON_OBJECT));
        json_set(a, m, STR("key"), p->has_key ? json_new_str(a, p->key) : json_new(a, JSON_NULL));
        json_set(a, m, STR("value"),
                 p->has_value ? json_new_str(a, p->value) : json_new(a, JSON_NULL));
        if (p->disabled)
            json_set(a, m, STR("disabled"), json_new_bool(a, true));
    }
    return list;
}

json *pm_url_json(arena *a, const pm_url *u)
{
    json *object = json_new(a, JSON_OBJECT);
    put(a, object, "protocol", u->protocol);
    if (u->user.ptr || u->password.ptr) {
        json *auth = json_set(a, object, STR("auth"), json_new(a, JSON_OBJECT));
        put(a, auth, "user", u->user);
        put(a, auth, "password", u->password);
    }
    put(a, object, "port", u->port);
    if (u->path.ptr)
        json_set(a, object, STR("path"), path_segments(a, u->path));
    if (u->host.ptr)
        json_set(a, object, STR("host"), host_labels(a, u->host));
    put(a, object, "hash", u->hash);
    json_set(a, object, STR("query"), param_list(a, u->query));
    json_set(a, object, STR("variable"), param_list(a, u->variables));
    return object;
}

// ---- wire

// What is encoded besides controls, blanks and what isn't ASCII (WHATWG's path and query sets).
#define PATH_ENCODED "\"<>`#?{}"
#define QUERY_ENCODED "\"#'<>"
#define HASH_ENCODED "\"<>`"
#define USERINFO_ENCODED PATH_ENCODED "/:;=@[\\]^|"

static void add_encoded(buf *out, str text, const char *encoded)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char ch = (unsigned char)text.ptr[i];
        if (ch <= ' ' || ch >= 0x7f || strchr(encoded, ch))
            buf_addf(out, "%%%02X", (unsigned)ch);
        else
            buf_addc(out, (char)ch);
    }
}

void pm_url_add_path(buf *out, str text)
{
    add_encoded(out, text, PATH_ENCODED);
}

void pm_url_add_query(buf *out, str text)
{
    add_encoded(out, text, QUERY_ENCODED);
}

static str part_wire(arena *a, str part, const char *encoded)
{
    buf b;
    if (!part.ptr)
        return part;
    buf_init(&b, PM_TEXT_BYTES_MAX);
    add_encoded(&b, part, encoded);
    str sent = arena_str(a, buf_str(&b));
    buf_deinit(&b);
    return sent;
}

str pm_userinfo_wire(arena *a, str part)
{
    return part_wire(a, part, USERINFO_ENCODED);
}

str pm_hash_wire(arena *a, str part)
{
    return part_wire(a, part, HASH_ENCODED);
}

static code bad_url(arena *a, const pm_url *u, err *e, const char *what)
{
    err_set(e, PM_URL, "the URL '" STR_FMT "' %s", STR_ARG(pm_url_text(a, u)), what);
    return PM_URL;
}

enum { NAME_SHOWN_BYTES = 100 };

static code check_host(arena *a, const pm_url *u, uri_host *ret_host, err *e)
{
    size_t from = 0;
    str name;
    if (pm_template_next(u->host, &from, &name)) {
        name = arena_str(a, str_sub(name, 0, NAME_SHOWN_BYTES));
        bad_url(a, u, e,
                arena_printf(a, "names a host by '" STR_FMT "', which has no value", STR_ARG(name))
                    .ptr);
        return err_hint(
            e, "give it one: --env-var '" STR_FMT "=VALUE', or an environment with -e FILE",
            STR_ARG(name));
    }
    if (!u->host.len) {
        bad_url(a, u, e, "has no host");
        return err_hint(e, "write it in full: https://HOST/PATH");
    }
    if (host_parse(a, u->host, ret_host, e) != OK) {
        bad_url(a, u, e, "has a host that can't exist");
        return err_hint(e, "check the value of each variable in it");
    }
    return OK;
}

static code add_port(arena *a, const pm_url *u, buf *out, err *e)
{
    uint64_t port = 0;
    if (!u->port.len)
        return OK;
    if (!str_to_u64(u->port, &port) || port > 65535)
        return bad_url(a, u, e, "has a port that is no number from 0 to 65535");
    buf_addf(out, ":%u", (unsigned)port);
    return OK;
}

CODE_CHECKED pm_url_wire(arena *a, const pm_url *u, bool verbatim, str *ret_url, err *e)
{
    uri_host h = {0};
    buf b, query, path;
    code c = check_host(a, u, &h, e);
    if (c != OK)
        return c;
    buf_init(&b, PM_TEXT_BYTES_MAX);
    buf_init(&query, PM_TEXT_BYTES_MAX);
    buf_init(&path, PM_TEXT_BYTES_MAX);
    str scheme = u->protocol.len ? u->protocol : STR("http");
    for (size_t i = 0; i < scheme.len; i++)
        buf_addc(&b, ascii_lower(scheme.ptr[i]));
    buf_addf(&b, h.kind == HOST_IPV6 ? "://[" STR_FMT "]" : "://" STR_FMT, STR_ARG(h.name));
    c = add_port(a, u, &b, e);
    add_path(&path, u);
    if (!path.len)
        buf_addc(&path, '/');
    add_query(&query, u);
    if (verbatim) {
        buf_adds(&b, buf_str(&path));
        buf_adds(&b, buf_str(&query));
    } else {
        pm_url_add_path(&b, buf_str(&path));
        pm_url_add_query(&b, buf_str(&query));
    }
    if (c == OK && !buf_ok(&b))
        c = err_set(e, PM_LIMIT, "the URL is longer than %d bytes", PM_TEXT_BYTES_MAX);
    *ret_url = arena_str(a, buf_str(&b));
    buf_deinit(&b);
    buf_deinit(&query);
    buf_deinit(&path);
    return c;
}
