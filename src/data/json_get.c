// SPDX-License-Identifier: Apache-2.0
// The typed readers, and how they complain.
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/data_json.h"
#include "data/data_suggest.h"

const char *json_type_name(json_type t)
{
    static const char *const names[] = {"null",     "a boolean", "a number",
                                        "a string", "an array",  "an object"};
    return names[t];
}

static bool is_word(str key)
{
    for (size_t i = 0; i < key.len; i++)
        if (!ascii_is_alnum(key.ptr[i]) && key.ptr[i] != '_' && key.ptr[i] != '-')
            return false;
    return key.len > 0;
}

static void path_step(buf *out, const json *v)
{
    if (v->parent->type == JSON_ARRAY) {
        size_t i = 0;
        for (const json *m = v->parent->first; m != v; m = m->next)
            i++;
        buf_addf(out, "[%zu]", i);
    } else if (is_word(v->key)) {
        buf_addf(out, "%s" STR_FMT, out->len ? "." : "", STR_ARG(v->key));
    } else {
        buf_addc(out, '[');
        buf_add_json(out, v->key);
        buf_addc(out, ']');
    }
}

void json_path(buf *out, const json *v)
{
    enum { STEPS_MAX = 512 };
    const json *steps[STEPS_MAX];
    size_t n = 0;
    for (; v && v->parent && n < STEPS_MAX; v = v->parent)
        steps[n++] = v;
    while (n--)
        path_step(out, steps[n]);
}

static code fail(const json *v, const char *key, err *e, code c, const char *fmt, va_list ap)
    ATTR_PRINTF(5, 0);
static code fail(const json *v, const char *key, err *e, code c, const char *fmt, va_list ap)
{
    if (!e)
        return err_set(NULL, c, "%s", fmt);
    buf msg;
    buf_init(&msg, 16 * 1024);
    json_path(&msg, v);
    if (key)
        buf_addf(&msg, "%s%s", msg.len ? "." : "", key);
    if (msg.len)
        buf_addz(&msg, ": ");
    buf_addv(&msg, fmt, ap);
    err_set(e, c, "%s", buf_cstr(&msg));
    buf_deinit(&msg);
    if (v)
        err_at(e, v->file, v->line, v->col);
    return c;
}

code json_err(const json *v, err *e, code c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fail(v, NULL, e, c, fmt, ap);
    va_end(ap);
    return c;
}

code json_err_key(const json *v, err *e, code c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fail(v, NULL, e, c, fmt, ap);
    va_end(ap);
    if (e && v->key_line) {
        e->line = v->key_line;
        e->col = v->key_col;
    }
    return c;
}

// The complaint about a member that isn't there: its path is the object's with the name added.
static code missing(const json *obj, const char *key, err *e, const char *fmt, ...)
    ATTR_PRINTF(4, 5);
static code missing(const json *obj, const char *key, err *e, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fail(obj, key, e, DATA_MISSING, fmt, ap);
    va_end(ap);
    return err_hint(e, "add '%s' to it", key);
}

bool json_is(const json *v, json_type type)
{
    return v && v->type == type;
}

bool json_is_str(const json *v, const char *text)
{
    return json_is(v, JSON_STRING) && str_eq(v->text, str_from(text));
}

str json_str_or(const json *v, str otherwise)
{
    return json_is(v, JSON_STRING) ? v->text : otherwise;
}

bool json_bool_or(const json *v, bool otherwise)
{
    return json_is(v, JSON_BOOL) ? v->boolean : otherwise;
}

int64_t json_i64_or(const json *v, int64_t otherwise)
{
    int64_t value;
    return v && json_to_i64(v, &value, NULL) == OK ? value : otherwise;
}

static code type_err(const json *v, const char *wanted, err *e)
{
    json_err(v, e, DATA_TYPE, "must be %s, not %s", wanted, json_type_name(v->type));
    bool scalar = v->type == JSON_NUMBER || v->type == JSON_BOOL;
    if (scalar && strstr(wanted, "string"))
        return err_hint(e, "put the value in quotes");
    if (v->type == JSON_STRING && strstr(wanted, "number"))
        return err_hint(e, "write a number, without quotes");
    if (strstr(wanted, "boolean"))
        return err_hint(e, "write true or false, without quotes");
    if (strstr(wanted, "array"))
        return err_hint(e, "write a list in brackets: [ … ]");
    if (strstr(wanted, "object"))
        return err_hint(e, "write an object in braces: { \"name\": … }");
    return DATA_TYPE;
}

code json_want(const json *v, json_type type, err *e)
{
    return v->type == type ? OK : type_err(v, json_type_name(type), e);
}

code json_to_f64(const json *v, double *ret_value, err *e)
{
    char text[64], *end;
    if (v->type != JSON_NUMBER)
        return type_err(v, "a number", e);
    if (v->text.len >= sizeof(text))
        return json_err(v, e, DATA_VALUE, "the number has too many digits");
    memcpy(text, v->text.ptr, v->text.len);
    text[v->text.len] = 0;
    *ret_value = strtod(text, &end); // the program never leaves the C locale
    if (!isfinite(*ret_value))
        return json_err(v, e, DATA_VALUE, "the number %s is out of range", text);
    return OK;
}

code json_to_i64(const json *v, int64_t *ret_value, err *e)
{
    if (v->type == JSON_NUMBER && str_to_i64(v->text, ret_value))
        return OK;
    double d = 0;
    code c = json_to_f64(v, &d, e);
    if (c != OK)
        return c;
    // Beyond 2^53 a double no longer tells which whole number was meant.
    if (d != floor(d))
        return json_err(v, e, DATA_VALUE, "must be a whole number, not " STR_FMT, STR_ARG(v->text));
    if (fabs(d) > 9007199254740992.0)
        return json_err(v, e, DATA_VALUE, "the number " STR_FMT " is out of range",
                        STR_ARG(v->text));
    *ret_value = (int64_t)d;
    return OK;
}

// The member if it is there and isn't null.
static const json *present(const json *obj, const char *key)
{
    const json *v = json_get(obj, key);
    return json_is(v, JSON_NULL) ? NULL : v;
}

static code require(const json *obj, const char *key, const char *what, const json **ret_v, err *e)
{
    if (!json_is(obj, JSON_OBJECT))
        return obj ? json_want(obj, JSON_OBJECT, e)
                   : err_set(e, DATA_MISSING, "'%s' is missing", key);
    *ret_v = present(obj, key);
    return *ret_v ? OK : missing(obj, key, e, "is missing: it must be %s", what);
}

code json_opt_str(const json *obj, const char *key, str *ret_text, err *e)
{
    const json *v = present(obj, key);
    if (!v)
        return OK;
    code c = json_want(v, JSON_STRING, e);
    if (c == OK)
        *ret_text = v->text;
    return c;
}

code json_opt_bool(const json *obj, const char *key, bool *ret_value, err *e)
{
    const json *v = present(obj, key);
    if (!v)
        return OK;
    code c = json_want(v, JSON_BOOL, e);
    if (c == OK)
        *ret_value = v->boolean;
    return c;
}

code json_opt_i64(const json *obj, const char *key, int64_t *ret_value, err *e)
{
    const json *v = present(obj, key);
    return v ? json_to_i64(v, ret_value, e) : OK;
}

static code opt_container(const json *obj, const char *key, json_type type, const json **ret_value,
                          err *e)
{
    const json *v = present(obj, key);
    if (!v)
        return OK;
    code c = json_want(v, type, e);
    if (c == OK)
        *ret_value = v;
    return c;
}

code json_opt_obj(const json *obj, const char *key, const json **ret_value, err *e)
{
    return opt_container(obj, key, JSON_OBJECT, ret_value, e);
}

code json_opt_arr(const json *obj, const char *key, const json **ret_value, err *e)
{
    return opt_container(obj, key, JSON_ARRAY, ret_value, e);
}

static code json_opt_text(const json *obj, const char *key, str *ret_text, err *e)
{
    const json *v = present(obj, key);
    if (!v)
        return OK;
    if (v->type != JSON_STRING && v->type != JSON_NUMBER)
        return type_err(v, "a string or a number", e);
    *ret_text = v->text;
    return OK;
}

code json_opt_duration(const json *obj, const char *key, uint64_t *ret_ms, err *e)
{
    str text = STR_NONE;
    code c = json_opt_text(obj, key, &text, e);
    if (c != OK || !text.ptr)
        return c;
    if (clock_parse_duration(text, ret_ms))
        return OK;
    json_err(json_get(obj, key), e, DATA_VALUE, "'" STR_FMT "' is no duration", STR_ARG(text));
    if (e)
        err_hint(e, "write it as 300ms, 90s, 5m or 1h");
    return DATA_VALUE;
}

#define GETTER(name, T, what)                                                                      \
    code json_get_##name(const json *obj, const char *key, T *ret_value, err *e)                   \
    {                                                                                              \
        const json *v = NULL;                                                                      \
        code c = require(obj, key, what, &v, e);                                                   \
        return c == OK ? json_opt_##name(obj, key, ret_value, e) : c;                              \
    }

GETTER(str, str, "a string")
GETTER(bool, bool, "true or false")
GETTER(i64, int64_t, "a whole number")
GETTER(obj, const json *, "an object")
GETTER(arr, const json *, "an array")
GETTER(text, str, "a string")

// The nearest of the names that are known, or else all of them.
static code hint_names(str key, const char *const *names, size_t count, err *e)
{
    const char *near = suggest(key, names, count);
    if (near)
        return err_hint(e, "did you mean '%s'?", near);
    buf all;
    buf_init(&all, 64 * 1024);
    for (size_t i = 0; i < count; i++)
        buf_addf(&all, "%s%s", i ? ", " : "", names[i]);
    code c = err_hint(e, "known here: %s", buf_cstr(&all));
    buf_deinit(&all);
    return c;
}

code json_known(const json *obj, const char *const *names, size_t count, err *e)
{
    code c = json_want(obj, JSON_OBJECT, e);
    if (c != OK)
        return c;
    JSON_EACH (obj, m) {
        size_t i = 0;
        while (i < count && !str_eq(m->key, str_from(names[i])))
            i++;
        if (i < count)
            continue;
        json_err_key(m, e, DATA_UNKNOWN, "there is no setting '" STR_FMT "' here", STR_ARG(m->key));
        return hint_names(m->key, names, count, e);
    }
    return OK;
}
