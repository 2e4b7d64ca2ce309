// SPDX-License-Identifier: Apache-2.0
// Findings, in the order of the file: a walk over the document as it is written, so that each has
// its place.
#include "postman/lint.h"
#include "postman/postman_vars.h"

typedef struct rule rule;
struct rule {
    const char *name;
    const char *fix;
    bool fixable;
};
static const rule secret_rule = {
    "secret", "keep it out of the collection: --env-var, or identity instead of a secret", false};
static const rule script_rule = {
    "token-script", "remove it: gatepost run mints the right token (gatepost lint --fix)", true};
static const rule bearer_rule = {
    "hand-made-bearer", "remove it: gatepost run adds the identity to requests of trusted services",
    true};
// The same, where a script does more than that: nothing is removed.
static const char by_hand[] =
    "take the trade out of the script by hand: gatepost run mints the right token";
static const rule mixed_script_rule = {"token-script", by_hand, false};
static const rule mixed_bearer_rule = {"hand-made-bearer", by_hand, false};
static const rule variable_rule = {
    "unresolved-variable",
    "define it in the collection, an environment (-e), data (-d) or --env-var", false};

// A folder or request, and those around it.
typedef struct place place;
struct place {
    str name;
    str path; // "Folder / name", made when something is found there
    place *outer;
};
enum { NAME_SHOWN_BYTES = 200 };

typedef struct walk walk;
struct walk {
    arena *a;
    const pm_lint_input *in;
    pm_findings *out;
    map known; // variables that something defines or sets
    pm_minting minting;
    map minted; // variables that token scripts set → the script that stays, or the first
    map told;   // unresolved ones that were reported
    place *at;  // NULL: outside of all items
};

static str path_of(walk *w, place *p)
{
    if (!p)
        return STR_NONE;
    str outer = path_of(w, p->outer), name = str_sub(p->name, 0, NAME_SHOWN_BYTES);
    while (name.len < p->name.len && name.len && (p->name.ptr[name.len] & 0xc0) == 0x80)
        name.len--; // not within a character
    if (!p->path.ptr)
        p->path =
            arena_printf(w->a, STR_FMT "%s" STR_FMT "%s", STR_ARG(outer), outer.len ? " / " : "",
                         STR_ARG(name), name.len < p->name.len ? "…" : "");
    return p->path;
}

static void add(walk *w, const rule *r, const json *at, str message)
{
    pm_finding f = {.rule = r->name,
                    .where = path_of(w, w->at),
                    .message = message,
                    .fix = r->fix,
                    .fixable = r->fixable,
                    .file = at->file,
                    .line = at->line,
                    .col = at->col};
    vec_push(&w->out->found, f);
}

// ---- What is known

static void know(map *names, str name)
{
    map_set(names, name, names);
}

static void know_values(walk *w, const json *values)
{
    JSON_EACH (values, v) {
        str key = json_str_or(json_get(v, "key"), json_str_or(json_get(v, "id"), STR("")));
        know(&w->known, key);
    }
}

static void know_scripts(walk *w, const json *item)
{
    JSON_EACH (json_get(item, "event"), event) {
        str source = pm_script_text(w->a, event), rest = source, name;
        pm_token_script *s = pm_minting_script(&w->minting, event);
        while (pm_next_set_variable(&rest, &name)) {
            know(&w->known, name);
            if (s && (s->besides || !map_has(&w->minted, name)))
                map_set(&w->minted, name, s);
        }
    }
    JSON_EACH (json_get(item, "item"), member)
        know_scripts(w, member);
}

static void know_all(walk *w)
{
    const pm_lint_input *in = w->in;
    know_values(w, in->collection->variables);
    know_values(w, in->environment ? in->environment->values : NULL);
    know_values(w, in->globals ? in->globals->values : NULL);
    JSON_EACH (json_first(in->data), cell)
        know(&w->known, cell->key);
    know_scripts(w, in->collection->raw);
}

// ---- Secrets

static void add_named(walk *w, const json *at, str name)
{
    add(w, &secret_rule, at,
        arena_printf(w->a, "'" STR_FMT "' looks like a secret in clear", STR_ARG(name)));
}

static void check_named(walk *w, const json *at, str text)
{
    str name = pm_named_secret(text);
    if (name.len)
        add_named(w, at, name);
}

// {"key": …, "value": …}: a variable, a header, a parameter, a part of auth. One that is disabled
// isn't sent, but shared with the file all the same.
static void check_pair(walk *w, const json *pair)
{
    str key = json_str_or(json_get(pair, "key"), STR_NONE);
    const json *value = json_get(pair, "value");
    str text = json_str_or(value, STR_NONE);
    if (!key.len || !text.len)
        return;
    if (pm_has_secret_shape(text))
        add(w, &secret_rule, value,
            arena_printf(w->a, "'" STR_FMT "' holds %s in clear", STR_ARG(key),
                         pm_is_key(text) ? "a private key" : "a credential"));
    else if (pm_is_secret(key, text))
        add_named(w, value, key);
    else
        check_named(w, value, text);
}

static bool is_at(const json *v, const char *key)
{
    return v && str_eq(v->key, str_from(key));
}

static const char *kind_of(const json *text)
{
    if (is_at(text, "url") || is_at(text, "request") || is_at(text->parent, "url"))
        return "URL";
    if (is_at(text, "header") || is_at(text->parent, "header"))
        return "header";
    return is_at(text, "raw") ? "body" : "text";
}

// A text that is no pair's value: a URL, a body, a header, a member by its own name. What a URL
// lists as its query is told there.
static void check_text(walk *w, const json *at)
{
    const json *around = at->parent;
    const char *kind = kind_of(at);
    str text = at->text, name, value;
    if (is_at(at, "name") || (is_at(at, "value") && json_get(around, "key")))
        return;
    if (is_at(at, "raw") && is_at(around, "url") && json_first(json_get(around, "query")))
        (void)str_cut(text, '?', &text, &value);
    if (pm_has_secret_shape(text))
        add(w, &secret_rule, at, arena_printf(w->a, "the %s holds a credential in clear", kind));
    else if (pm_is_secret(at->key, text))
        add_named(w, at, at->key);
    else if (*kind == 'h' && str_cut(text, ':', &name, &value) &&
             pm_is_secret(str_trim(name), str_trim(value)))
        add_named(w, at, str_trim(name));
    else
        check_named(w, at, text);
}

// ---- Variables

static void check_templates(walk *w, const json *at)
{
    size_t from = 0;
    for (str name; pm_template_next(at->text, &from, &name);) {
        buf ignored;
        buf_init(&ignored, PM_TEXT_BYTES_MAX);
        bool known = map_has(&w->known, name) || pm_dynamic(name, &ignored);
        buf_deinit(&ignored);
        if (known || map_has(&w->told, name))
            continue;
        know(&w->told, name);
        add(w, &variable_rule, at,
            arena_printf(w->a, "nothing defines {{" STR_FMT "}}", STR_ARG(name)));
    }
}

// ---- Bearers

static void check_bearer(walk *w, const json *text)
{
    const pm_token_script *s = map_get(&w->minted, pm_bearer_variable(text));
    if (s)
        add(w, s->besides ? &mixed_bearer_rule : &bearer_rule, text,
            STR("a token that a script minted is sent by hand"));
}

// ---- The walk

static void visit(walk *w, const json *v);

static void visit_event(walk *w, const json *event)
{
    if (json_bool_or(json_get(event, "disabled"), false))
        return;
    const pm_token_script *s = pm_minting_script(&w->minting, event);
    if (s && s->besides)
        add(w, &mixed_script_rule, event,
            arena_printf(w->a, "this script trades a key for a token, and does more than that: %s",
                         s->besides));
    else if (s)
        add(w, &script_rule, event, STR("this script trades a key for a token"));
    const json *exec = json_get(json_get(event, "script"), "exec");
    if (json_is(exec, JSON_STRING) && pm_has_secret_shape(exec->text))
        add(w, &secret_rule, exec, STR("the script holds a credential in clear"));
    JSON_EACH (exec, line)
        if (pm_has_secret_shape(json_str_or(line, STR_NONE)))
            add(w, &secret_rule, line, STR("the script holds a credential in clear"));
}

static void visit_item(walk *w, const json *item)
{
    place here = {.name = json_str_or(json_get(item, "name"), STR("(no name)")), .outer = w->at};
    w->at = &here;
    JSON_EACH (item, m)
        visit(w, m);
    w->at = here.outer;
}

static void visit_members(walk *w, const json *list, void (*one)(walk *w, const json *v))
{
    JSON_EACH (list, m)
        one(w, m);
}

// A saved example is sent to nobody, but often keeps a token that was good once.
static void visit_example(walk *w, const json *v)
{
    if (json_is(v, JSON_STRING) && pm_has_secret_shape(v->text))
        add(w, &secret_rule, v, STR("a saved example holds a credential in clear"));
    JSON_EACH (v, m)
        visit_example(w, m);
}

static void visit(walk *w, const json *v)
{
    if (str_eq(v->key, STR("item")))
        return visit_members(w, v, visit_item);
    if (str_eq(v->key, STR("event")))
        return visit_members(w, v, visit_event);
    if (str_eq(v->key, STR("response")))
        return visit_example(w, v);
    if (str_eq(v->key, STR("description")))
        return;
    if (json_is(v, JSON_STRING)) {
        check_text(w, v);
        check_bearer(w, v);
        return check_templates(w, v);
    }
    if (json_is(v, JSON_OBJECT))
        check_pair(w, v);
    JSON_EACH (v, m)
        visit(w, m);
}

void pm_lint(arena *a, const pm_lint_input *in, pm_findings *ret)
{
    *ret = (pm_findings){0};
    walk w = {.a = a, .in = in, .out = ret};
    pm_minting_read(a, in->collection->raw, &w.minting);
    know_all(&w);
    JSON_EACH (in->collection->raw, m)
        visit(&w, m);
    const pm_values *const others[] = {in->environment, in->globals};
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (others[i])
            visit_members(&w, others[i]->values, check_pair);
    pm_minting_deinit(&w.minting);
    map_deinit(&w.known, NULL);
    map_deinit(&w.minted, NULL);
    map_deinit(&w.told, NULL);
}

// ---- Output

void pm_lint_text(const pm_findings *f, buf *out)
{
    VEC_FOREACH (&f->found, x) {
        buf_add_shown(out, str_from(x->file));
        if (x->line)
            buf_addf(out, ":%u:%u", x->line, x->col);
        buf_addz(out, ": ");
        if (x->where.len) {
            buf_add_shown(out, x->where);
            buf_addz(out, ": ");
        }
        buf_add_shown(out, x->message);
        buf_addf(out, " [%s]\n  fix: %s\n", x->rule, x->fix);
    }
    if (f->found.len)
        buf_addf(out, "%zu finding%s\n", f->found.len, f->found.len == 1 ? "" : "s");
    else
        buf_addz(out, "nothing found\n");
}

void pm_lint_json(const pm_findings *f, buf *out)
{
    jout w = jout_new(out, JSON_PRETTY);
    jout_array(&w, NULL);
    VEC_FOREACH (&f->found, x) {
        jout_object(&w, NULL);
        jout_str(&w, "rule", str_from(x->rule));
        jout_str(&w, "where", x->where);
        jout_str(&w, "message", x->message);
        jout_str(&w, "fix", str_from(x->fix));
        jout_bool(&w, "fixable", x->fixable);
        jout_str(&w, "file", str_from(x->file));
        if (x->line) {
            jout_i64(&w, "line", x->line);
            jout_i64(&w, "column", x->col);
        }
        jout_end(&w);
    }
    jout_end(&w);
    buf_addc(out, '\n');
}
