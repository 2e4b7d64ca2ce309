// SPDX-License-Identifier: Apache-2.0
#include "home/shape.h"

#include <regex.h>
#include <string.h>

// A pattern that was compiled for this check.
typedef struct compiled compiled;
struct compiled {
    const char *pattern;
    regex_t regex;
};

typedef struct checker checker;
struct checker {
    VEC(compiled) patterns;
    err *e;
};

static code check(checker *c, const json *v, const shape *s);

// Walks both tables of an object; *cursor starts at 0. NULL at the end.
static const shape_key *next_key(const shape *s, size_t *cursor)
{
    size_t i = (*cursor)++;
    for (const shape_key *k = s->keys; k->name; k++)
        if (i-- == 0)
            return k;
    for (const shape_key *k = s->more; k && k->name; k++)
        if (i-- == 0)
            return k;
    return NULL;
}

static code hint_example(const shape *s, err *e)
{
    return s->example ? err_hint(e, "for example %s", s->example) : DATA_VALUE;
}

// ---- Text ---------------------------------------------------------------------------------------

static bool fits(checker *c, const char *pattern, const char *text)
{
    compiled *found = NULL;
    VEC_FOREACH (&c->patterns, one) {
        if (one->pattern == pattern)
            found = one;
    }
    if (!found) {
        compiled one = {.pattern = pattern};
        if (regcomp(&one.regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
            return false;
        vec_push(&c->patterns, one);
        found = vec_last(&c->patterns);
    }
    return regexec(&found->regex, text, 0, NULL, 0) == 0;
}

static bool text_ok(checker *c, str text, const shape *s)
{
    if (text.len < s->min || (s->max && text.len > s->max) || str_chr(text, '\0') >= 0)
        return false;
    if (!s->pattern)
        return true;
    arena a;
    arena_init(&a);
    bool ok = fits(c, s->pattern, arena_cstr(&a, text));
    arena_deinit(&a);
    return ok;
}

static code check_text(checker *c, const json *v, const shape *s)
{
    bool number = s->kind == SHAPE_ID && v->type == JSON_NUMBER;
    if (!number && json_want(v, JSON_STRING, c->e) != OK)
        return DATA_TYPE;
    if (text_ok(c, v->text, s))
        return OK;
    (void)json_err(v, c->e, DATA_VALUE, "'" STR_FMT "' is not %s", STR_ARG(str_sub(v->text, 0, 80)),
                   s->what);
    return hint_example(s, c->e);
}

static code check_int(checker *c, const json *v, const shape *s)
{
    int64_t value;
    code failed = json_to_i64(v, &value, c->e);
    if (failed || (value >= 0 && (uint64_t)value >= s->min && (uint64_t)value <= s->max))
        return failed;
    return json_err(v, c->e, DATA_VALUE, "must be %s", s->what);
}

static code check_duration(checker *c, const json *v, const shape *s)
{
    uint64_t ms;
    if (v->type != JSON_NUMBER && json_want(v, JSON_STRING, c->e) != OK)
        return DATA_TYPE;
    if (clock_parse_duration(v->text, &ms) && ms >= s->min && ms <= s->max)
        return OK;
    (void)json_err(v, c->e, DATA_VALUE, "'" STR_FMT "' is not %s", STR_ARG(str_sub(v->text, 0, 80)),
                   s->what);
    return hint_example(s, c->e);
}

// ---- Composed -----------------------------------------------------------------------------------

static code bad_name(checker *c, const json *m, const shape *s)
{
    (void)json_err_key(m, c->e, DATA_VALUE, "the name is not %s", s->what);
    return hint_example(s, c->e);
}

static code check_members(checker *c, const json *v, const shape *s)
{
    if (json_want(v, s->kind == SHAPE_LIST ? JSON_ARRAY : JSON_OBJECT, c->e) != OK)
        return DATA_TYPE;
    if (v->len > s->max)
        return json_err(v, c->e, DATA_LIMIT, "there are %u members, at most %llu are allowed",
                        v->len, (unsigned long long)s->max);
    const shape name = {.pattern = s->pattern, .min = 1, .max = 512};
    code failed = OK;
    for (const json *m = v->first; m && failed == OK; m = m->next) {
        if (s->kind == SHAPE_MAP && !text_ok(c, m->key, &name))
            failed = bad_name(c, m, s);
        else
            failed = check(c, m, s->item);
    }
    return failed;
}

static code check_known(checker *c, const json *v, const shape *s)
{
    enum { NAMES_MAX = 32 };
    const char *names[NAMES_MAX];
    size_t n = 0, cursor = 0;
    for (const shape_key *k; n < NAMES_MAX && (k = next_key(s, &cursor));)
        names[n++] = k->name;
    return json_known(v, names, n, c->e);
}

static code missing(checker *c, const json *v, const shape_key *k)
{
    (void)json_err(v, c->e, DATA_MISSING, "'%s' is missing", k->name);
    const char *example = k->shape->example;
    return err_hint(c->e, example ? "add it, for example %s: %s" : "add it", k->name, example);
}

static code check_object(checker *c, const json *v, const shape *s)
{
    if (json_want(v, JSON_OBJECT, c->e) != OK)
        return DATA_TYPE;
    code failed = check_known(c, v, s);
    size_t cursor = 0;
    for (const shape_key *k; failed == OK && (k = next_key(s, &cursor));) {
        const json *m = json_get(v, k->name);
        if (m && m->type != JSON_NULL)
            failed = check(c, m, k->shape);
        else if (k->required)
            failed = missing(c, v, k);
    }
    return failed;
}

static code check(checker *c, const json *v, const shape *s)
{
    switch (s->kind) {
    case SHAPE_TEXT:
    case SHAPE_ID:
        return check_text(c, v, s);
    case SHAPE_INT:
        return check_int(c, v, s);
    case SHAPE_BOOL:
        return json_want(v, JSON_BOOL, c->e);
    case SHAPE_DURATION:
        return check_duration(c, v, s);
    case SHAPE_LIST:
    case SHAPE_MAP:
        return check_members(c, v, s);
    case SHAPE_OBJECT:
        return check_object(c, v, s);
    case SHAPE_EITHER:
        return check(c, v, v->type == JSON_STRING ? s->item : s->other);
    case SHAPE_FREE:
        break;
    }
    return json_want(v, JSON_OBJECT, c->e);
}

code shape_check(const json *v, const shape *s, err *e)
{
    checker c = {.e = e};
    code failed = check(&c, v, s);
    VEC_FOREACH (&c.patterns, one)
        regfree(&one->regex);
    vec_deinit(&c.patterns);
    return failed;
}

// ---- JSON Schema --------------------------------------------------------------------------------

static void write_types(jout *w, const char *first, const char *second)
{
    if (!second) {
        jout_str(w, "type", str_from(first));
        return;
    }
    jout_array(w, "type");
    jout_str(w, NULL, str_from(first));
    jout_str(w, NULL, str_from(second));
    jout_end(w);
}

static void nested(const shape *s, const char *help, jout *w)
{
    jout_object(w, NULL);
    shape_schema(s, help, w);
    jout_end(w);
}

static void schema_text(const shape *s, jout *w)
{
    write_types(w, "string", s->kind == SHAPE_ID ? "integer" : NULL);
    if (s->pattern)
        jout_str(w, "pattern", str_from(s->pattern));
    if (s->min)
        jout_i64(w, "minLength", (int64_t)s->min);
    if (s->max)
        jout_i64(w, "maxLength", (int64_t)s->max);
}

static void schema_object(const shape *s, jout *w)
{
    write_types(w, "object", NULL);
    jout_bool(w, "additionalProperties", false);
    jout_object(w, "properties");
    size_t cursor = 0;
    for (const shape_key *k; (k = next_key(s, &cursor));) {
        jout_key(w, str_from(k->name));
        nested(k->shape, k->help, w);
    }
    jout_end(w);
    bool any = false;
    cursor = 0;
    for (const shape_key *k; (k = next_key(s, &cursor));) {
        if (!k->required)
            continue;
        if (!any)
            jout_array(w, "required");
        any = true;
        jout_str(w, NULL, str_from(k->name));
    }
    if (any)
        jout_end(w);
}

static void schema_members(const shape *s, jout *w)
{
    bool list = s->kind == SHAPE_LIST;
    write_types(w, list ? "array" : "object", NULL);
    jout_i64(w, list ? "maxItems" : "maxProperties", (int64_t)s->max);
    if (!list && s->pattern) {
        jout_object(w, "propertyNames");
        jout_str(w, "pattern", str_from(s->pattern));
        jout_end(w);
    }
    jout_key(w, list ? STR("items") : STR("additionalProperties"));
    nested(s->item, NULL, w);
}

static void schema_free(const shape *s, jout *w)
{
    write_types(w, "object", NULL);
    if (!s->options)
        return;
    jout_bool(w, "additionalProperties", false);
    jout_object(w, "properties");
    options_schema(w, s->options);
    jout_end(w);
}

void shape_schema(const shape *s, const char *help, jout *w)
{
    if (help || s->what)
        jout_strf(w, "description", help && s->what ? "%s (%s)" : "%s%s", help ? help : "",
                  s->what ? s->what : "");
    switch (s->kind) {
    case SHAPE_TEXT:
    case SHAPE_ID:
        schema_text(s, w);
        break;
    case SHAPE_INT:
        write_types(w, "integer", NULL);
        jout_i64(w, "minimum", (int64_t)s->min);
        jout_i64(w, "maximum", (int64_t)s->max);
        break;
    case SHAPE_BOOL:
        write_types(w, "boolean", NULL);
        break;
    case SHAPE_DURATION:
        write_types(w, "string", "integer");
        jout_str(w, "pattern", STR("^([0-9]+(ms|s|m|h|d))+$|^[0-9]+$"));
        break;
    case SHAPE_LIST:
    case SHAPE_MAP:
        schema_members(s, w);
        break;
    case SHAPE_OBJECT:
        schema_object(s, w);
        break;
    case SHAPE_FREE:
        schema_free(s, w);
        break;
    case SHAPE_EITHER:
        jout_array(w, "anyOf");
        nested(s->item, NULL, w);
        nested(s->other, NULL, w);
        jout_end(w);
        break;
    }
}
