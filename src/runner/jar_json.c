// SPDX-License-Identifier: Apache-2.0
// The jar as tough-cookie writes it, so that jars go back and forth between newman and here.
#include "data/data.h"
#include "runner/jar_cookie.h"

static bool read_time(const json *v, int64_t *ret_ms)
{
    int64_t ns;
    if (!json_is(v, JSON_STRING) || !clock_parse_rfc3339(v->text, &ns))
        return false;
    *ret_ms = ns / 1000000;
    return true;
}

static int64_t read_expiry(const json *v, int64_t created_ms)
{
    int64_t ms, age;
    const json *max_age = json_get(v, "maxAge");
    if (json_is(max_age, JSON_NUMBER) && json_to_i64(max_age, &age, NULL) == OK &&
        age < INT64_MAX / 2000 && age > INT64_MIN / 2000)
        return created_ms + age * 1000;
    return read_time(json_get(v, "expires"), &ms) ? ms : INT64_MAX;
}

static code read_cookie(jar *j, arena *a, const json *v, err *e)
{
    uri_host h;
    jar_cookie c = {.created_ms = clock_wall_ms(), .cookie = {.max_age_s = -1}};
    js_cookie *k = &c.cookie;
    str domain = STR_NONE;
    code failed = json_want(v, JSON_OBJECT, e);
    if (!failed)
        failed = json_opt_str(v, "key", &k->name, e);
    if (!failed)
        failed = json_opt_str(v, "value", &k->value, e);
    if (!failed)
        failed = json_get_str(v, "domain", &domain, e);
    if (!failed)
        failed = host_parse(a, domain, &h, e);
    if (failed)
        return failed;
    k->domain = h.name;
    k->path = json_str_or(json_get(v, "path"), STR("/"));
    k->secure = json_bool_or(json_get(v, "secure"), false);
    k->http_only = json_bool_or(json_get(v, "httpOnly"), false);
    k->host_only = json_bool_or(json_get(v, "hostOnly"), false);
    k->same_site = json_str_or(json_get(v, "sameSite"), STR_NONE);
    c.path_is_default = json_bool_or(json_get(v, "pathIsDefault"), false);
    (void)!read_time(json_get(v, "creation"), &c.created_ms);
    k->expires_ms = read_expiry(v, c.created_ms);
    if (k->expires_ms > clock_wall_ms()) // what is over isn't kept, however long it has been
        jar_keep(j, &c);
    return OK;
}

code jar_read(jar *j, str text, err *e)
{
    arena a;
    json *root;
    const json *list = NULL;
    arena_init(&a);
    code c = json_parse(&a, text, &(json_opts){.tolerant = true}, &root, e);
    if (!c)
        c = json_get_arr(root, "cookies", &list, e);
    JSON_EACH (list, m) {
        if (!c)
            c = read_cookie(j, &a, m, e);
    }
    arena_deinit(&a);
    if (!c)
        return OK;
    jar_empty(j); // no half of it
    if (e)
        e->code = RUN_COOKIES;
    (void)err_wrap(e, "this is no cookie jar");
    (void)err_hint(e, "--export-cookie-jar of a run writes one");
    return RUN_COOKIES;
}

static void write_time(jout *w, const char *key, int64_t ms)
{
    char text[CLOCK_RFC3339_MAX];
    clock_rfc3339(ms * 1000000, text);
    jout_str(w, key, str_from(text));
}

static void write_cookie(jout *w, const jar_cookie *c)
{
    const js_cookie *k = &c->cookie;
    jout_object(w, NULL);
    jout_str(w, "key", k->name);
    jout_str(w, "value", k->value);
    if (k->expires_ms < INT64_MAX / 1000000)
        write_time(w, "expires", k->expires_ms);
    jout_str(w, "domain", k->domain);
    jout_str(w, "path", k->path);
    if (k->secure)
        jout_bool(w, "secure", true);
    if (k->http_only)
        jout_bool(w, "httpOnly", true);
    jout_bool(w, "hostOnly", k->host_only);
    jout_bool(w, "pathIsDefault", c->path_is_default);
    write_time(w, "creation", c->created_ms);
    write_time(w, "lastAccessed", c->created_ms);
    if (k->same_site.len)
        jout_str(w, "sameSite", k->same_site);
    jout_end(w);
}

void jar_write(const jar *j, buf *out)
{
    jout w = jout_new(out, JSON_PRETTY);
    jout_object(&w, NULL);
    jout_str(&w, "version", STR("tough-cookie@4.1.3"));
    jout_str(&w, "storeType", STR("MemoryCookieStore"));
    jout_bool(&w, "rejectPublicSuffixes", false);
    jout_bool(&w, "enableLooseMode", true);
    jout_array(&w, "cookies");
    VEC_FOREACH (&j->cookies, c)
        write_cookie(&w, *c);
    jout_end(&w);
    jout_end(&w);
}
