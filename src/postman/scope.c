// SPDX-License-Identifier: Apache-2.0
#include "postman/postman.h"
#include "postman/value.h"

typedef struct entry entry;
struct entry {
    pm_variable v;
    size_t same; // 1 + index of the enabled one of its name before it; 0: none
    bool gone;
};

struct pm_scope {
    char *id;
    char *name;
    VEC(entry) vars;
    size_t live;  // of them
    bool secrets; // one of them is, or was, a secret
    size_t bytes; // of their JSON text, at most
    map by_key;   // key → 1 + index of the variable that counts
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
    free((char *)(uintptr_t)v->key.ptr);
    free(v->value);
    free(v->type);
    *v = (pm_variable){0};
}

void pm_scope_free(pm_scope *s)
{
    if (!s)
        return;
    VEC_FOREACH (&s->vars, x)
        variable_deinit(&x->v);
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
    return s->live;
}
uint64_t pm_scope_version(const pm_scope *s)
{
    return s->version;
}

static pm_variable *find(const pm_scope *s, str key)
{
    size_t at = (size_t)(uintptr_t)map_get(&s->by_key, key);
    return at ? &s->vars.ptr[at - 1].v : NULL;
}

const pm_variable *pm_scope_get(const pm_scope *s, str key)
{
    return find(s, key);
}

// ---- types

// "secret" casts nothing, but reports hide the value and exports keep the mark.
static const char *const types[] = {"any",   "string", "boolean", "number",
                                    "array", "object", "secret"};

// The type as it is known, or NULL for one that isn't ("text", "default").
static const char *known_type(str name)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_ieq(name, str_from(types[i])))
            return types[i];
    return NULL;
}

// The value as a variable of that type keeps it, as JSON text; NULL for undefined.
static code cast_in(const json *v, const char *type, char **ret_value, err *e)
{
    buf b, text;
    *ret_value = NULL;
    if (!v)
        return OK;
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
    bool fits = buf_ok(&b) && buf_ok(&text);
    buf_deinit(&text);
    if (fits)
        *ret_value = buf_take(&b);
    buf_deinit(&b);
    return fits ? OK
                : err_set(e, PM_LIMIT, "the value is larger than %d MiB", VALUE_BYTES_MAX >> 20);
}

// ---- secrets

static bool is_secret(const pm_variable *v)
{
    return v->type && !strcmp(v->type, "secret");
}

void pm_scope_secrets(const pm_scope *s, void (*each)(void *ctx, const pm_variable *v), void *ctx)
{
    if (!s->secrets)
        return;
    VEC_FOREACH (&s->vars, x)
        if (is_secret(&x->v))
            each(ctx, &x->v);
}

// ---- change

// What a variable takes in pm_scope_json, at most.
static size_t cost(str key, const char *value)
{
    enum { AROUND = 64, ESCAPED = 6 };
    return AROUND + ESCAPED * key.len + (value ? strlen(value) : 0);
}

static code check_room(const pm_scope *s, size_t more_variables, size_t more_bytes, err *e)
{
    if (s->bytes + more_bytes > SCOPE_TEXT_BYTES_MAX)
        return err_set(e, PM_LIMIT, "the variables of %s hold more than %d MiB", s->name,
                       SCOPE_TEXT_BYTES_MAX >> 20);
    if (s->live + more_variables > PM_VARIABLES_MAX)
        return err_set(e, PM_LIMIT, "%s has more than %d variables", s->name, PM_VARIABLES_MAX);
    return OK;
}

// Makes the variable at that index the one that counts for its name.
static void link_up(pm_scope *s, size_t i)
{
    entry *x = &s->vars.ptr[i];
    if (!x->v.disabled)
        x->same = (size_t)(uintptr_t)map_set(&s->by_key, x->v.key, (void *)(uintptr_t)(i + 1));
}

static code append(pm_scope *s, str key, const char *type, const json *value, bool disabled, err *e)
{
    entry x = {.v = {.disabled = disabled}};
    code c = cast_in(value, type, &x.v.value, e);
    size_t more = cost(key, x.v.value);
    if (c == OK)
        c = check_room(s, 1, more, e);
    if (c != OK) {
        free(x.v.value);
        return c;
    }
    x.v.key = (str){mem_dupn(key.ptr, key.len), key.len};
    x.v.type = mem_dup(type);
    s->secrets = s->secrets || is_secret(&x.v);
    vec_push(&s->vars, x);
    link_up(s, s->vars.len - 1);
    s->live++;
    s->bytes += more;
    s->version++;
    return OK;
}

CODE_CHECKED pm_scope_add(pm_scope *s, const json *values, err *e)
{
    JSON_EACH (values, m) {
        const json *key = json_get(m, "key");
        if (!json_is(key, JSON_STRING) && !json_is(key, JSON_NUMBER))
            key = json_get(m, "id");
        if (!json_is(key, JSON_STRING) && !json_is(key, JSON_NUMBER))
            continue;
        bool disabled = json_bool_or(json_get(m, "disabled"), false) ||
                        !json_bool_or(json_get(m, "enabled"), true);
        const char *type = known_type(json_str_or(json_get(m, "type"), STR_NONE));
        if (append(s, key->text, type ? type : "any", json_get(m, "value"), disabled, e) != OK)
            return err_at(e, m->file, m->line, m->col);
    }
    return OK;
}

CODE_CHECKED pm_scope_add_row(pm_scope *s, const json *row, err *e)
{
    JSON_EACH (row, m) {
        if (append(s, m->key, json_is(m, JSON_NULL) ? "null" : "any", m, false, e) != OK)
            return err_at(e, m->file, m->line, m->col);
    }
    return OK;
}

static code set_value(pm_scope *s, str key, const json *value, str type, err *e)
{
    pm_variable *v = find(s, key);
    const char *known = known_type(type);
    char *text;
    if (!v)
        return append(s, key, known ? known : "any", value, false, e);
    code c = cast_in(value, known ? known : v->type, &text, e);
    size_t before = cost(key, v->value), now = cost(key, text);
    if (c == OK && now > before)
        c = check_room(s, 0, now - before, e);
    if (c != OK) {
        free(text);
        return c;
    }
    if (known) {
        free(v->type);
        v->type = mem_dup(known);
        s->secrets = s->secrets || is_secret(v);
    }
    free(v->value);
    v->value = text;
    s->bytes = s->bytes - before + now;
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

// Forgets the places of what is gone.
static void compact(pm_scope *s)
{
    size_t kept = 0;
    map_deinit(&s->by_key, NULL);
    for (size_t i = 0; i < s->vars.len; i++) {
        if (s->vars.ptr[i].gone)
            continue;
        s->vars.ptr[kept] = s->vars.ptr[i];
        link_up(s, kept++);
    }
    s->vars.len = kept;
}

void pm_scope_unset(pm_scope *s, str key)
{
    size_t at = (size_t)(uintptr_t)map_remove(&s->by_key, key);
    if (!at)
        return;
    while (at) {
        entry *x = &s->vars.ptr[at - 1];
        at = x->same;
        s->bytes -= cost(key, x->v.value);
        s->live--;
        x->gone = true;
        variable_deinit(&x->v);
    }
    if (s->live < s->vars.len / 2) // each place is moved once for one that went
        compact(s);
    s->version++;
}

// What is disabled stays: nobody sees it, but exports have it.
void pm_scope_clear(pm_scope *s)
{
    VEC_FOREACH (&s->vars, x) {
        if (x->gone || x->v.disabled)
            continue;
        s->bytes -= cost(x->v.key, x->v.value);
        s->live--;
        x->gone = true;
        variable_deinit(&x->v);
    }
    compact(s);
    s->version++;
}

pm_scope *pm_scope_copy(const pm_scope *s, uint64_t version)
{
    pm_scope *copy = pm_scope_new(str_from(s->id), str_from(s->name));
    VEC_FOREACH (&s->vars, x) {
        const pm_variable *v = &x->v;
        if (x->gone)
            continue;
        entry own = {.v = {.key = {mem_dupn(v->key.ptr, v->key.len), v->key.len},
                           .value = v->value ? mem_dup(v->value) : NULL,
                           .type = mem_dup(v->type),
                           .disabled = v->disabled}};
        vec_push(&copy->vars, own);
        link_up(copy, copy->vars.len - 1);
    }
    copy->live = s->live;
    copy->secrets = s->secrets;
    copy->bytes = s->bytes;
    copy->version = version + 1;
    return copy;
}

// ---- text

str pm_scope_json(pm_scope *s)
{
    if (s->text_version == s->version)
        return buf_str(&s->text);
    buf_reset(&s->text);
    jout w = jout_new(&s->text, JSON_COMPACT);
    jout_array(&w, NULL);
    VEC_FOREACH (&s->vars, x) {
        const pm_variable *v = &x->v;
        if (x->gone)
            continue;
        jout_object(&w, NULL);
        jout_str(&w, "type", str_from(v->type));
        if (v->value)
            jout_raw(&w, "value", str_from(v->value));
        jout_str(&w, "key", v->key);
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
    VEC_FOREACH (&s->vars, x) {
        const pm_variable *v = &x->v;
        if (x->gone || v->disabled || !v->value || find(s, v->key) != v)
            continue;
        jout_key(&w, v->key);
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
        if (!strcmp(v->type,
                    "null")) // of a row of data: it hides what is beneath, and stands for nothing
            return false;
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
