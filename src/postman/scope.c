// SPDX-License-Identifier: Apache-2.0
#include "postman/postman.h"
#include "postman/value.h"

struct pm_scope {
    char *id;
    char *name;
    VEC(pm_variable) vars;
    map by_key; // key → 1 + index of the variable that counts
    uint64_t version;
    buf text; // pm_scope_json at text_version
    uint64_t text_version;
};

enum { SCOPE_TEXT_BYTES_MAX = 64 << 20, VALUE_BYTES_MAX = 16 << 20 };

pm_scope *pm_scope_new(str id, str name)
{
    pm_scope *s = NEW(pm_scope);
    char uuid[RAND_UUID_MAX];
    rand_uuid(uuid);
    s->id = id.len ? mem_dupn(id.ptr, id.len) : mem_dup(uuid);
    s->name = mem_dupn(name.ptr, name.len);
    map_init(&s->by_key);
    buf_init(&s->text, SCOPE_TEXT_BYTES_MAX);
    s->version = 1;
    return s;
}

static void variable_deinit(pm_variable *v)
{
    free(v->key);
    free(v->value);
    free(v->type);
}

void pm_scope_free(pm_scope *s)
{
    if (!s)
        return;
    VEC_FOREACH (&s->vars, v)
        variable_deinit(v);
    vec_deinit(&s->vars);
    map_deinit(&s->by_key, NULL);
    buf_deinit(&s->text);
    free(s->id);
    free(s->name);
    free(s);
}

str pm_scope_id(const pm_scope *s)
{
    return str_from(s->id);
}
str pm_scope_name(const pm_scope *s)
{
    return str_from(s->name);
}
size_t pm_scope_len(const pm_scope *s)
{
    return s->vars.len;
}
const pm_variable *pm_scope_at(const pm_scope *s, size_t i)
{
    return &s->vars.ptr[i];
}
uint64_t pm_scope_version(const pm_scope *s)
{
    return s->version;
}

static pm_variable *find(const pm_scope *s, str key)
{
    size_t at = (size_t)(uintptr_t)map_get(&s->by_key, key);
    return at ? &s->vars.ptr[at - 1] : NULL;
}

const pm_variable *pm_scope_get(const pm_scope *s, str key)
{
    return find(s, key);
}

// ---- types

static const char *const types[] = {"any", "string", "boolean", "number", "array", "object"};

// The type as Postman knows it, or NULL for one that it doesn't ("secret", "text", "default").
static const char *known_type(str name)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_ieq(name, str_from(types[i])))
            return types[i];
    return NULL;
}

// The value as a variable of that type keeps it, as JSON text; NULL for undefined.
static char *cast_in(const json *v, const char *type)
{
    if (!v)
        return NULL;
    buf b, text;
    buf_init(&b, VALUE_BYTES_MAX);
    buf_init(&text, VALUE_BYTES_MAX);
    double number;
    if (!strcmp(type, "string")) {
        value_text(v, &text);
        buf_add_json(&b, buf_str(&text));
    } else if (!strcmp(type, "boolean")) {
        buf_addz(&b, value_truth(v) ? "true" : "false");
    } else if (!strcmp(type, "number")) {
        if (value_to_number(v, &number))
            value_number(number, &b);
        else
            buf_addz(&b, "null"); // NaN, as JSON says it; null itself is cast to 0
    } else if ((!strcmp(type, "array") || !strcmp(type, "object")) && v->type != JSON_STRING) {
        json_write(&text, v, JSON_COMPACT);
        buf_add_json(&b, buf_str(&text));
    } else {
        json_write(&b, v, JSON_COMPACT);
    }
    buf_deinit(&text);
    return buf_take(&b);
}

// ---- change

static void append(pm_scope *s, str key, const char *type, const json *value, bool disabled)
{
    pm_variable v = {.key = mem_dupn(key.ptr, key.len),
                     .value = cast_in(value, type),
                     .type = mem_dup(type),
                     .disabled = disabled};
    vec_push(&s->vars, v);
    if (!disabled)
        map_set(&s->by_key, key, (void *)(uintptr_t)s->vars.len);
    s->version++;
}

static code full(const pm_scope *s, err *e)
{
    if (s->vars.len < PM_VARIABLES_MAX)
        return OK;
    return err_set(e, PM_LIMIT, "%s has more than %d variables", s->name, PM_VARIABLES_MAX);
}

CODE_CHECKED pm_scope_add(pm_scope *s, const json *values, err *e)
{
    JSON_EACH (values, m) {
        const json *key = json_get(m, "key");
        if (!json_is(key, JSON_STRING) && !json_is(key, JSON_NUMBER))
            key = json_get(m, "id");
        if (!json_is(key, JSON_STRING) && !json_is(key, JSON_NUMBER))
            continue;
        if (full(s, e) != OK)
            return err_at(e, m->file, m->line, m->col);
        bool disabled = json_bool_or(json_get(m, "disabled"), false) ||
                        !json_bool_or(json_get(m, "enabled"), true);
        const char *type = known_type(json_str_or(json_get(m, "type"), STR_NONE));
        append(s, key->text, type ? type : "any", json_get(m, "value"), disabled);
    }
    return OK;
}

CODE_CHECKED pm_scope_add_row(pm_scope *s, const json *row, err *e)
{
    JSON_EACH (row, m) {
        if (full(s, e) != OK)
            return err_at(e, m->file, m->line, m->col);
        append(s, m->key, "any", m, false);
    }
    return OK;
}

static code set_value(pm_scope *s, str key, const json *value, str type, err *e)
{
    pm_variable *v = find(s, key);
    const char *known = known_type(type);
    if (!v) {
        code c = full(s, e);
        if (c == OK)
            append(s, key, known ? known : "any", value, false);
        return c;
    }
    if (known) {
        free(v->type);
        v->type = mem_dup(known);
    }
    free(v->value);
    v->value = cast_in(value, v->type);
    s->version++;
    return OK;
}

CODE_CHECKED pm_scope_set(pm_scope *s, str key, str value_json, str type, err *e)
{
    arena a;
    arena_init(&a);
    json *value = NULL;
    code c = OK;
    if (value_json.len)
        c = json_parse(&a, value_json, &(json_opts){.file = "a variable", .tolerant = true}, &value,
                       e);
    if (c == OK)
        c = set_value(s, key, value, type, e);
    arena_deinit(&a);
    return c;
}

CODE_CHECKED pm_scope_set_text(pm_scope *s, str key, str text, err *e)
{
    json value = {.type = JSON_STRING, .text = text};
    return set_value(s, key, &value, STR_NONE, e);
}

void pm_scope_unset(pm_scope *s, str key)
{
    if (!find(s, key))
        return;
    size_t kept = 0;
    for (size_t i = 0; i < s->vars.len; i++) {
        pm_variable *v = &s->vars.ptr[i];
        if (!v->disabled && str_eq(str_from(v->key), key))
            variable_deinit(v);
        else
            s->vars.ptr[kept++] = *v;
    }
    s->vars.len = kept;
    map_deinit(&s->by_key, NULL);
    map_init(&s->by_key);
    for (size_t i = 0; i < s->vars.len; i++)
        if (!s->vars.ptr[i].disabled)
            map_set(&s->by_key, str_from(s->vars.ptr[i].key), (void *)(uintptr_t)(i + 1));
    s->version++;
}

void pm_scope_clear(pm_scope *s)
{
    VEC_FOREACH (&s->vars, v)
        variable_deinit(v);
    vec_reset(&s->vars);
    map_deinit(&s->by_key, NULL);
    map_init(&s->by_key);
    s->version++;
}

// ---- text

str pm_scope_json(pm_scope *s)
{
    if (s->text_version == s->version)
        return buf_str(&s->text);
    buf_reset(&s->text);
    jout w = jout_new(&s->text, JSON_COMPACT);
    jout_array(&w, NULL);
    VEC_FOREACH (&s->vars, v) {
        jout_object(&w, NULL);
        jout_str(&w, "type", str_from(v->type));
        if (v->value)
            jout_raw(&w, "value", str_from(v->value));
        jout_str(&w, "key", str_from(v->key));
        if (v->disabled)
            jout_bool(&w, "disabled", true);
        jout_end(&w);
    }
    jout_end(&w);
    s->text_version = s->version;
    return buf_str(&s->text);
}

void pm_scope_object(const pm_scope *s, buf *out)
{
    jout w = jout_new(out, JSON_COMPACT);
    jout_object(&w, NULL);
    VEC_FOREACH (&s->vars, v) {
        if (v->disabled || !v->value || find(s, str_from(v->key)) != v)
            continue;
        jout_key(&w, str_from(v->key));
        jout_raw(&w, NULL, str_from(v->value));
    }
    jout_end(&w);
}

// ---- lookup

// Most values are strings without escapes: they are their own text.
static bool plain_string(str text)
{
    return text.len >= 2 && text.ptr[0] == '"' && str_chr(text, '\\') < 0;
}

void pm_value_text(str value_json, buf *out)
{
    if (plain_string(value_json)) {
        buf_adds(out, str_sub(value_json, 1, value_json.len - 1));
        return;
    }
    arena a;
    arena_init(&a);
    json *v;
    if (value_json.len &&
        json_parse(&a, value_json, &(json_opts){.tolerant = true}, &v, NULL) == OK)
        value_text(v, out);
    arena_deinit(&a);
}

// Arrays and objects are kept as JSON text; their value is what the text says, when it says one.
static void structure_text(const pm_variable *v, buf *out)
{
    arena a;
    arena_init(&a);
    json *text, *value;
    json_type wanted = v->type[0] == 'a' ? JSON_ARRAY : JSON_OBJECT;
    if (json_parse(&a, str_from(v->value), &(json_opts){.tolerant = true}, &text, NULL) == OK &&
        json_is(text, JSON_STRING) &&
        json_parse(&a, text->text, &(json_opts){.tolerant = true}, &value, NULL) == OK &&
        value->type == wanted)
        value_text(value, out);
    arena_deinit(&a);
}

bool pm_lookup(const pm_scopes *s, str key, buf *out)
{
    for (size_t i = 0; i < PM_SCOPES_MAX; i++) {
        const pm_variable *v = s->scope[i] ? find(s->scope[i], key) : NULL;
        if (!v)
            continue;
        if (v->value && (!strcmp(v->type, "array") || !strcmp(v->type, "object")))
            structure_text(v, out);
        else if (v->value && !strcmp(v->type, "number") && !strcmp(v->value, "null"))
            buf_addz(out, "NaN");
        else
            pm_value_text(str_from(v->value), out);
        return true;
    }
    return false;
}
