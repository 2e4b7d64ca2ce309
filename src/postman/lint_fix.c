// SPDX-License-Identifier: Apache-2.0
// The repair: a copy of the document without what identity makes unnecessary.
#include "postman/lint.h"
#include "postman/postman_vars.h"

typedef struct repair repair;
struct repair {
    arena *a;
    buf removed_scripts; // their text
    buf kept;            // what remains of the document, for "does anybody else use it?"
    map minted;          // variables that the removed scripts set
    bool variables;      // second pass: the variables go
    size_t removed;
};

static bool mints(repair *r, const json *event)
{
    return pm_mints_tokens(pm_script_text(r->a, event));
}

static void gather(repair *r, const json *item)
{
    JSON_EACH (json_get(item, "event"), event) {
        if (!mints(r, event))
            continue;
        str source = pm_script_text(r->a, event), rest = source, name;
        buf_adds(&r->removed_scripts, source);
        while (pm_next_set_variable(&rest, &name))
            map_set(&r->minted, name, r);
    }
    JSON_EACH (json_get(item, "item"), member)
        gather(r, member);
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
        return mints(r, m);
    if (str_eq(list->key, STR("header")))
        return uses_minted(r, m);
    if (!r->variables || !str_eq(list->key, STR("variable")))
        return false;
    str key = json_str_or(json_get(m, "key"), STR_NONE);
    bool theirs = map_has(&r->minted, key) || pm_mentions(buf_str(&r->removed_scripts), key);
    return key.len && theirs && !pm_mentions(buf_str(&r->kept), key);
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
    if (json_is(v, JSON_STRING)) {
        buf_adds(&r->kept, v->text);
        buf_addc(&r->kept, '\n');
    }
    if (!str_eq(v->key, STR("variable")))
        JSON_EACH (v, m)
            remember(r, m);
}

json *pm_lint_fix(arena *a, const pm_collection *c, size_t *ret_removed)
{
    repair r = {.a = a};
    buf_init(&r.removed_scripts, PM_TEXT_BYTES_MAX);
    buf_init(&r.kept, JSON_BYTES_MAX);
    gather(&r, c->raw);
    json *doc = copy(&r, c->raw);
    remember(&r, doc);
    r.variables = true;
    doc = copy(&r, doc);
    *ret_removed = r.removed;
    buf_deinit(&r.removed_scripts);
    buf_deinit(&r.kept);
    map_deinit(&r.minted, NULL);
    return doc;
}
