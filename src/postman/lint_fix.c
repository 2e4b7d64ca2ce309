// SPDX-License-Identifier: Apache-2.0
// The repair: a copy of the document without what identity makes unnecessary.
#include "postman/lint.h"
#include "postman/postman_vars.h"

// A variable that the document defines: who speaks of it.
typedef struct defined defined;
struct defined {
    bool theirs; // scripts that go
    bool kept;   // what stays
};

typedef struct repair repair;
struct repair {
    arena *a;
    map defined; // name → defined
    pm_minting minting;
    map minted;     // variables that the removed scripts set
    bool variables; // second pass: the variables go
    size_t removed;
};

// Variables, and not the parameters of a path, which a URL lists by the same name.
static bool is_variable_list(const json *v)
{
    return str_eq(v->key, STR("variable")) && !(v->parent && str_eq(v->parent->key, STR("url")));
}

static void define(repair *r, const json *v)
{
    if (is_variable_list(v))
        JSON_EACH (v, m) {
            str key = json_str_or(json_get(m, "key"), STR_NONE);
            if (key.len && !map_has(&r->defined, key))
                map_set(&r->defined, key, ARENA_NEW(r->a, defined));
        }
    JSON_EACH (v, m)
        define(r, m);
}

static void mention(repair *r, str name, bool kept)
{
    defined *d = map_get(&r->defined, name);
    if (d)
        *(kept ? &d->kept : &d->theirs) = true;
}

// Whatever stands in {{braces}} or quotes.
static void mention_all(repair *r, str text, bool kept)
{
    str name;
    for (size_t from = 0; pm_template_next(text, &from, &name);)
        mention(r, name, kept);
    for (const char *quote = "'\"`"; *quote; quote++)
        for (size_t from = 0; pm_next_quoted(text, *quote, &from, &name);)
            mention(r, name, kept);
}

static bool goes(const repair *r, const json *event)
{
    const pm_token_script *s = pm_minting_script(&r->minting, event);
    return s && !s->besides;
}

static void gather(repair *r)
{
    pm_token_script *s;
    str key, name;
    for (size_t cursor = 0; map_next(&r->minting.scripts, &cursor, &key, (void **)&s);) {
        if (!goes(r, s->event))
            continue;
        mention_all(r, s->source, false);
        for (str rest = s->source; pm_next_set_variable(&rest, &name);)
            map_set(&r->minted, name, r);
    }
}

// Anything below that uses a minted variable?
static bool uses_minted(const repair *r, const json *v)
{
    size_t from = 0;
    str name;
    if (json_is(v, JSON_STRING))
        while (pm_template_next(v->text, &from, &name))
            if (map_has(&r->minted, name))
                return true;
    JSON_EACH (v, m)
        if (uses_minted(r, m))
            return true;
    return false;
}

// A member of a list that goes: a token script, a header that sent what it minted, and in the
// second pass a variable that only the removed scripts wrote or read.
static bool drops_member(repair *r, const json *list, const json *m)
{
    if (str_eq(list->key, STR("event")))
        return goes(r, m);
    if (str_eq(list->key, STR("header")))
        return uses_minted(r, m);
    if (!r->variables || !is_variable_list(list))
        return false;
    str key = json_str_or(json_get(m, "key"), STR_NONE);
    const defined *d = map_get(&r->defined, key);
    return d && !d->kept && (d->theirs || map_has(&r->minted, key));
}

static json *copy(repair *r, const json *v)
{
    if (v->type < JSON_ARRAY)
        return json_copy(r->a, v);
    json *to = json_new(r->a, v->type);
    JSON_EACH (v, m) {
        bool gone = v->type == JSON_ARRAY ? drops_member(r, v, m)
                                          : str_eq(m->key, STR("auth")) && uses_minted(r, m);
        r->removed += gone;
        if (gone)
            continue;
        if (v->type == JSON_ARRAY)
            json_push(to, copy(r, m));
        else
            json_set(r->a, to, m->key, copy(r, m));
    }
    return to;
}

// What remains, but for the variables' own definitions.
static void remember(repair *r, const json *v)
{
    if (json_is(v, JSON_STRING))
        mention_all(r, v->text, true);
    if (!is_variable_list(v))
        JSON_EACH (v, m)
            remember(r, m);
}

json *pm_lint_fix(arena *a, const pm_collection *c, size_t *ret_removed)
{
    repair r = {.a = a};
    define(&r, c->raw);
    pm_minting_read(a, c->raw, &r.minting);
    gather(&r);
    json *doc = copy(&r, c->raw);
    remember(&r, doc);
    r.variables = true;
    doc = copy(&r, doc);
    *ret_removed = r.removed;
    pm_minting_deinit(&r.minting);
    map_deinit(&r.defined, NULL);
    map_deinit(&r.minted, NULL);
    return doc;
}
