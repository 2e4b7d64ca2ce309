// SPDX-License-Identifier: Apache-2.0
#include "runner/jar_cookie.h"

#include <stdlib.h>

jar *jar_new(void)
{
    return NEW(jar);
}

static void cookie_free(jar_cookie *c)
{
    free(c->text);
    free(c);
}

void jar_empty(jar *j)
{
    VEC_FOREACH (&j->cookies, c)
        cookie_free(*c);
    vec_reset(&j->cookies);
}

void jar_free(jar *j)
{
    if (!j)
        return;
    jar_empty(j);
    vec_deinit(&j->cookies);
    free(j);
}

// ---- keeping ----------------------------------------------------------------------------------

static str take(char **at, str s)
{
    if (s.len)
        memcpy(*at, s.ptr, s.len);
    str copy = {*at, s.len};
    *at += s.len;
    return copy;
}

// One block holds all the texts.
static jar_cookie *cookie_new(const jar_cookie *from)
{
    const js_cookie *c = &from->cookie;
    jar_cookie *own = NEW(jar_cookie);
    *own = *from;
    own->text =
        mem_new(c->name.len + c->value.len + c->domain.len + c->path.len + c->same_site.len + 1);
    char *at = own->text;
    own->cookie.name = take(&at, c->name);
    own->cookie.value = take(&at, c->value);
    own->cookie.domain = take(&at, c->domain);
    own->cookie.path = take(&at, c->path);
    own->cookie.same_site = take(&at, c->same_site);
    return own;
}

static bool same_place(const jar_cookie *a, const jar_cookie *b)
{
    return str_eq(a->cookie.name, b->cookie.name) && str_eq(a->cookie.domain, b->cookie.domain) &&
           str_eq(a->cookie.path, b->cookie.path);
}

static bool is_over(const jar_cookie *c, int64_t now_ms)
{
    return c->cookie.expires_ms <= now_ms;
}

void jar_keep(jar *j, const jar_cookie *c)
{
    for (size_t i = 0; i < j->cookies.len; i++) {
        jar_cookie *old = j->cookies.ptr[i];
        if (!same_place(old, c))
            continue;
        jar_cookie again = *c;
        again.created_ms = old->created_ms; // RFC 6265 §5.3: it keeps its age
        j->cookies.ptr[i] = cookie_new(&again);
        cookie_free(old);
        return;
    }
    if (j->cookies.len >= JAR_COOKIES_MAX) {
        cookie_free(j->cookies.ptr[0]);
        vec_remove(&j->cookies, 0);
    }
    vec_push(&j->cookies, cookie_new(c));
}

static void drop_over(jar *j, int64_t now_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < j->cookies.len; i++) {
        jar_cookie *c = j->cookies.ptr[i];
        if (is_over(c, now_ms))
            cookie_free(c);
        else
            j->cookies.ptr[kept++] = c;
    }
    j->cookies.len = kept;
}

// Fills in what the URL decides and keeps the cookie; one that is over already removes its elder.
static bool accept(jar *j, const uri_url *u, jar_cookie *c)
{
    js_cookie *k = &c->cookie;
    if (k->domain.len && !cookie_domain_match(&u->host, k->domain))
        return false;
    k->host_only = !k->domain.len;
    if (k->host_only)
        k->domain = u->host.name;
    c->path_is_default = !str_starts(k->path, STR("/"));
    if (c->path_is_default)
        k->path = cookie_default_path(u->path);
    c->created_ms = clock_wall_ms();
    jar_keep(j, c);
    drop_over(j, c->created_ms);
    return true;
}

bool jar_set(jar *j, const uri_url *u, str text)
{
    arena a;
    uri_cookie parsed;
    arena_init(&a);
    bool ok = cookie_parse(&a, text, clock_wall_s(), &parsed);
    if (ok) {
        jar_cookie c = {
            .cookie = {.name = parsed.name,
                       .value = parsed.value,
                       .domain = parsed.domain,
                       .path = parsed.path,
                       .expires_ms = parsed.has_expiry ? parsed.expires_s * 1000 : INT64_MAX,
                       .max_age_s = -1,
                       .secure = parsed.secure,
                       .http_only = parsed.http_only,
                       .same_site = parsed.same_site}};
        ok = accept(j, u, &c);
    }
    arena_deinit(&a);
    return ok;
}

static bool has_break(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f || s.ptr[i] == ';')
            return true;
    return false;
}

bool jar_put(jar *j, const uri_url *u, const js_cookie *given)
{
    jar_cookie c = {.cookie = *given};
    js_cookie *k = &c.cookie;
    arena a;
    uri_host h;
    if (has_break(k->name) || has_break(k->value) || has_break(k->path) ||
        k->name.len + k->value.len + k->path.len > JAR_COOKIE_BYTES_MAX)
        return false;
    if (k->max_age_s >= 0 && k->max_age_s < INT64_MAX / 2000)
        k->expires_ms = clock_wall_ms() + k->max_age_s * 1000;
    arena_init(&a);
    bool ok = true;
    if (k->domain.len) {
        str domain = str_starts(k->domain, STR(".")) ? str_skip(k->domain, 1) : k->domain;
        ok = host_parse(&a, domain, &h, NULL) == OK;
        k->domain = ok ? h.name : domain;
    }
    ok = ok && accept(j, u, &c);
    arena_deinit(&a);
    return ok;
}

// ---- finding ----------------------------------------------------------------------------------

static bool is_for(const jar_cookie *c, const uri_url *u)
{
    const js_cookie *k = &c->cookie;
    bool host =
        k->host_only ? str_eq(u->host.name, k->domain) : cookie_domain_match(&u->host, k->domain);
    bool safe = !k->secure || str_eq(u->scheme, STR("https")) || host_is_loopback(&u->host);
    return host && safe && cookie_path_match(u->path, k->path);
}

static int by_sending(const void *a, const void *b)
{
    const jar_cookie *x = *(jar_cookie *const *)a, *y = *(jar_cookie *const *)b;
    if (x->cookie.path.len != y->cookie.path.len)
        return x->cookie.path.len > y->cookie.path.len ? -1 : 1;
    if (x->created_ms != y->created_ms)
        return x->created_ms < y->created_ms ? -1 : 1;
    return x->place < y->place ? -1 : 1;
}

static js_cookie copy_cookie(arena *a, const js_cookie *c)
{
    js_cookie copy = *c;
    copy.name = arena_str(a, c->name);
    copy.value = arena_str(a, c->value);
    copy.domain = arena_str(a, c->domain);
    copy.path = arena_str(a, c->path);
    copy.same_site = arena_str(a, c->same_site);
    return copy;
}

size_t jar_find(jar *j, arena *a, const uri_url *u, js_cookie **ret_cookies)
{
    *ret_cookies = NULL;
    drop_over(j, clock_wall_ms());
    if (!j->cookies.len)
        return 0;
    jar_cookie **found = arena_array(a, j->cookies.len, sizeof(*found));
    size_t count = 0;
    for (size_t i = 0; i < j->cookies.len; i++) {
        j->cookies.ptr[i]->place = i;
        if (is_for(j->cookies.ptr[i], u))
            found[count++] = j->cookies.ptr[i];
    }
    qsort(found, count, sizeof(*found), by_sending);
    js_cookie *list = arena_array(a, count, sizeof(*list));
    for (size_t i = 0; i < count; i++)
        list[i] = copy_cookie(a, &found[i]->cookie);
    *ret_cookies = list;
    return count;
}

void jar_remove(jar *j, const uri_url *u, str name)
{
    size_t kept = 0;
    for (size_t i = 0; i < j->cookies.len; i++) {
        jar_cookie *c = j->cookies.ptr[i];
        if (is_for(c, u) && (!name.len || str_eq(c->cookie.name, name)))
            cookie_free(c);
        else
            j->cookies.ptr[kept++] = c;
    }
    j->cookies.len = kept;
}
