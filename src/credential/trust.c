// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "credential/credential.h"
#include "uri/uri.h"

// One thing that is trusted. Keys are canonical: an origin as origin_format writes it, a project as
// its number or hash.
typedef struct trusted trusted;
struct trusted {
    char *from;
    char *audience; // of a local service; NULL otherwise
};

struct trust_set {
    map origins;  // canonical origin → trusted
    map projects; // number or hash → trusted
    map local;    // canonical origin → trusted
    map served;   // canonical origin → the set itself
    map declined; // canonical origin → the set itself
    uint64_t version;
};

trust_set *trust_set_new(void)
{
    return NEW(trust_set);
}

static void trusted_free(void *value)
{
    trusted *t = value;
    free(t->from);
    free(t->audience);
    free(t);
}

void trust_set_free(trust_set *t)
{
    if (!t)
        return;
    map_deinit(&t->origins, trusted_free);
    map_deinit(&t->projects, trusted_free);
    map_deinit(&t->local, trusted_free);
    map_deinit(&t->served, NULL);
    map_deinit(&t->declined, NULL);
    free(t);
}

// ---- adding -----------------------------------------------------------------------------------

static void put(trust_set *t, map *m, str key, const char *from, str audience)
{
    trusted *what = NEW(trusted);
    what->from = mem_dup(from);
    what->audience = audience.len ? mem_dupn(audience.ptr, audience.len) : NULL;
    trusted *old = map_set(m, key, what);
    if (old)
        trusted_free(old);
    t->version++;
}

uint64_t trust_version(const trust_set *t)
{
    return t->version;
}

// A project number has 6 to 20 digits; a hash is what stands in SERVICE-HASH-CODE.a.run.app:
// 6 to 20 lower-case letters and digits, with at least one letter.
static bool is_project(str spec)
{
    if (spec.len < 6 || spec.len > 20)
        return false;
    for (size_t i = 0; i < spec.len; i++) {
        char c = spec.ptr[i];
        if (!ascii_is_digit(c) && !(c >= 'a' && c <= 'z'))
            return false;
    }
    return true;
}

static bool may_be_trusted(const uri_origin *o)
{
    if (str_eq(o->scheme, STR("https")))
        return true;
    if (!str_eq(o->scheme, STR("http")))
        return false;
    arena a;
    uri_host h;
    arena_init(&a);
    bool loopback = host_parse(&a, o->host, &h, NULL) == OK && host_is_loopback(&h);
    arena_deinit(&a);
    return loopback;
}

static code read_origin(str spec, const char *from, arena *a, str *ret_canonical, err *e)
{
    uri_origin o;
    if (origin_parse(a, spec, &o, e)) {
        (void)err_wrap(e, "%s", from);
        (void)err_hint(e, "name an origin alone, as in https://orders-abc123-uc.a.run.app");
        if (e)
            e->code = TRUST_SPEC;
        return TRUST_SPEC;
    }
    if (!may_be_trusted(&o)) {
        (void)err_set(e, TRUST_SPEC, "%s: '" STR_FMT "' would get tokens over a readable network",
                      from, STR_ARG(spec));
        return err_hint(e, "use https; plain http is for loopback addresses");
    }
    buf text;
    buf_init(&text, 1024);
    origin_format(&text, &o);
    *ret_canonical = arena_str(a, buf_str(&text));
    buf_deinit(&text);
    return OK;
}

code trust_read(str spec, const char *from, arena *a, str *ret_canonical, err *e)
{
    spec = str_trim(spec);
    if (is_project(spec)) {
        *ret_canonical = spec;
        return OK;
    }
    if (str_find(spec, STR("://")) > 0)
        return read_origin(spec, from, a, ret_canonical, e);
    (void)err_set(e, TRUST_SPEC,
                  "%s: '" STR_FMT "' is neither a project number, a project hash nor "
                  "an origin",
                  from, STR_ARG(spec));
    return err_hint(e, "gcloud projects describe ID --format='value(projectNumber)' tells a "
                       "project's number; an origin looks like https://host");
}

code trust_add(trust_set *t, str spec, const char *from, err *e)
{
    arena a;
    str key;
    arena_init(&a);
    code c = trust_read(spec, from, &a, &key, e);
    if (c == OK)
        put(t, str_find(key, STR("://")) > 0 ? &t->origins : &t->projects, key, from, STR_NONE);
    arena_deinit(&a);
    return c;
}

static bool is_separator(char c)
{
    return c == ',' || ascii_is_blank(c);
}

code trust_add_list(trust_set *t, str specs, const char *from, err *e)
{
    size_t at = 0;
    while (at < specs.len) {
        size_t end = at;
        while (end < specs.len && !is_separator(specs.ptr[end]))
            end++;
        if (end > at) {
            code c = trust_add(t, str_sub(specs, at, end), from, e);
            if (c)
                return c;
        }
        at = end + 1;
    }
    return OK;
}

static code origin_key(str url, buf *ret, err *e)
{
    arena a;
    uri_url u;
    arena_init(&a);
    code c = url_parse(&a, url, &u, e);
    if (!c) {
        uri_origin o = url_origin(&u);
        origin_format(ret, &o);
    }
    arena_deinit(&a);
    return c;
}

code trust_add_local(trust_set *t, str url, str audience, err *e)
{
    buf key;
    buf_init(&key, 1024);
    code c = origin_key(url, &key, e);
    if (!c)
        put(t, &t->local, buf_str(&key), "gatepost up", audience);
    buf_deinit(&key);
    return c;
}

code trust_note_served(trust_set *t, str url, err *e)
{
    buf key;
    buf_init(&key, 1024);
    code c = origin_key(url, &key, e);
    if (!c)
        map_set(&t->served, buf_str(&key), t);
    t->version++;
    buf_deinit(&key);
    return c;
}

void trust_decline(trust_set *t, str canonical_origin)
{
    map_set(&t->declined, canonical_origin, t);
    t->version++;
}

// ---- finding ----------------------------------------------------------------------------------

static code put_text(char *to, size_t size, buf *from, err *e)
{
    if (!buf_ok(from) || from->len >= size)
        return err_set(e, TRUST_SPEC, "the host of the URL is too long");
    memcpy(to, from->ptr, from->len);
    to[from->len] = '\0';
    buf_reset(from);
    return OK;
}

static bool url_is_local(const trust_set *t, str canonical_origin, trust_match *m)
{
    const trusted *local = map_get(&t->local, canonical_origin);
    if (!local)
        return false;
    m->level = TRUST_LOCAL;
    m->from = local->from;
    m->candidate = true;
    if (local->audience)
        snprintf(m->audience, sizeof(m->audience), "%s", local->audience);
    return true;
}

// Cloud Run cuts the first label to 63 characters. A label of that length may have lost its own
// project and end in whatever its owner wrote there, so it doesn't say whose it is (threat 38).
static bool may_be_cut(str name)
{
    enum { LABEL_MAX = 63 };
    return str_chr(name, '.') >= LABEL_MAX;
}

// What the name says about its project. It is a candidate whoever owns it; the trust in a project
// needs https on the standard port, which is all that Cloud Run serves.
static const trusted *find_project(const trust_set *t, const uri_url *u, trust_match *m)
{
    run_app name;
    if (u->host.kind != HOST_NAME || !run_app_parse(u->host.name, &name))
        return NULL;
    str owner = name.number.len ? name.number : name.hash;
    m->candidate = true;
    m->project_known = owner.len > 0 && owner.len < sizeof(m->project) && !may_be_cut(u->host.name);
    if (m->project_known)
        snprintf(m->project, sizeof(m->project), STR_FMT, STR_ARG(owner));
    // Cloud Run wants the service's own URL as audience, also behind a traffic tag.
    if (name.tag.len) {
        name.tag = STR_NONE;
        buf service;
        buf_init(&service, sizeof(m->audience));
        buf_addz(&service, "https://");
        run_app_format(&service, &name);
        (void)!put_text(m->audience, sizeof(m->audience), &service, NULL);
        buf_deinit(&service);
    }
    if (!m->https || u->port != 443)
        return NULL;
    return m->project_known ? map_get(&t->projects, str_from(m->project)) : NULL;
}

static code describe(const uri_url *u, trust_match *m, err *e)
{
    buf text;
    uri_origin o = url_origin(u);
    buf_init(&text, sizeof(m->origin));
    origin_format(&text, &o);
    code c = put_text(m->origin, sizeof(m->origin), &text, e);
    if (!c) {
        memcpy(m->audience, m->origin, sizeof(m->audience));
        url_format_authority(&text, u);
        c = put_text(m->authority, sizeof(m->authority), &text, e);
    }
    buf_deinit(&text);
    m->https = str_eq(u->scheme, STR("https"));
    m->loopback = host_is_loopback(&u->host);
    m->from = "";
    return c;
}

static void judge(const trust_set *t, const uri_url *u, bool built, trust_match *m)
{
    str key = str_from(m->origin);
    if (url_is_local(t, key, m))
        return;
    const trusted *owner = find_project(t, u, m);
    const trusted *exact = map_get(&t->origins, key);
    m->declined = map_has(&t->declined, key);
    m->served = map_has(&t->served, key);
    if (exact) {
        m->level = TRUST_ORIGIN;
        m->candidate = true;
        m->from = exact->from;
    } else if (owner) {
        m->level = built ? TRUST_NONE : TRUST_PROJECT;
        m->from = owner->from;
    } else if (host_within(u->host.name, STR("run.app"))) {
        m->candidate = true;
    }
}

code trust_find(const trust_set *t, str text, bool built, trust_match *ret, err *e)
{
    arena a;
    uri_url u;
    *ret = (trust_match){.from = ""};
    arena_init(&a);
    code c = url_parse(&a, text, &u, e);
    if (!c)
        c = describe(&u, ret, e);
    if (!c)
        judge(t, &u, built, ret);
    arena_deinit(&a);
    return c;
}
