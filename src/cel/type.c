// SPDX-License-Identifier: Apache-2.0
#include "cel/type.h"

#define SIMPLE(k, text) [k] = {.kind = (k), .name = STR_INIT(text)}
#define STR_INIT(text)                                                                             \
    {                                                                                              \
        "" text, sizeof(text) - 1                                                                  \
    }

static const cel_type types[] = {
    SIMPLE(CEL_NULL, "null_type"),
    SIMPLE(CEL_BOOL, "bool"),
    SIMPLE(CEL_INT, "int"),
    SIMPLE(CEL_UINT, "uint"),
    SIMPLE(CEL_DOUBLE, "double"),
    SIMPLE(CEL_STRING, "string"),
    SIMPLE(CEL_BYTES, "bytes"),
    [CEL_LIST] = {.kind = CEL_LIST,
                  .name = STR_INIT("list"),
                  .params = {&types[CEL_DYN]},
                  .count = 1},
    [CEL_MAP] = {.kind = CEL_MAP,
                 .name = STR_INIT("map"),
                 .params = {&types[CEL_DYN], &types[CEL_DYN]},
                 .count = 2},
    SIMPLE(CEL_TIMESTAMP, "google.protobuf.Timestamp"),
    SIMPLE(CEL_DURATION, "google.protobuf.Duration"),
    [CEL_TYPE] = {.kind = CEL_TYPE,
                  .name = STR_INIT("type"),
                  .params = {&types[CEL_DYN]},
                  .count = 1},
    [CEL_OPTIONAL] = {.kind = CEL_OPTIONAL,
                      .name = STR_INIT("optional_type"),
                      .params = {&types[CEL_DYN]},
                      .count = 1},
    SIMPLE(CEL_IP, "net.IP"),
    SIMPLE(CEL_CIDR, "net.CIDR"),
    SIMPLE(CEL_ERROR, "error"),
    SIMPLE(CEL_DYN, "dyn"),
};

const cel_type *cel_type_of(cel_kind kind)
{
    return &types[kind];
}

const cel_type *cel_type_with(arena *a, cel_kind kind, const cel_type *first,
                              const cel_type *second)
{
    cel_type *t = ARENA_NEW(a, cel_type);
    *t = types[kind];
    t->params[0] = first;
    t->params[1] = second;
    t->count = second ? 2 : 1;
    return t;
}

const cel_type *cel_type_named(str name)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (types[i].kind != CEL_ERROR && str_eq(types[i].name, name))
            return &types[i];
    return NULL;
}

static str take_name(str *text)
{
    size_t n = 0;
    *text = str_trim(*text);
    while (n < text->len &&
           (ascii_is_alnum(text->ptr[n]) || text->ptr[n] == '_' || text->ptr[n] == '.'))
        n++;
    // "string.(string) bool": the receiver's dot isn't part of its name.
    if (n && n < text->len && text->ptr[n] == '(' && text->ptr[n - 1] == '.')
        n--;
    str name = str_sub(*text, 0, n);
    *text = str_skip(*text, n);
    return name;
}

static cel_type base_type(str name)
{
    if (str_eq(name, STR("timestamp")))
        return types[CEL_TIMESTAMP];
    if (str_eq(name, STR("duration")))
        return types[CEL_DURATION];
    if (name.len == 1 && name.ptr[0] >= 'A' && name.ptr[0] <= 'Z')
        return (cel_type){.kind = CEL_PARAM, .name = name};
    const cel_type *known = cel_type_named(name);
    return known ? *known : (cel_type){.kind = CEL_ABSTRACT, .name = name};
}

static const cel_type *next_type(arena *a, str *text, int depth)
{
    str name = take_name(text);
    if (!name.len || depth > 16)
        return NULL;
    cel_type *t = ARENA_NEW(a, cel_type);
    *t = base_type(arena_str(a, name));
    uint8_t wanted = t->count;
    if (!str_starts(*text, STR("(")))
        return t;
    t->count = 0;
    do {
        *text = str_skip(*text, 1);
        const cel_type *param =
            t->count < CEL_TYPE_PARAMS_MAX ? next_type(a, text, depth + 1) : NULL;
        if (!param)
            return NULL;
        t->params[t->count++] = param;
        *text = str_trim(*text);
    } while (str_starts(*text, STR(",")));
    if (!str_starts(*text, STR(")")) || (t->kind != CEL_ABSTRACT && t->count != wanted))
        return NULL;
    *text = str_skip(*text, 1);
    return t;
}

const cel_type *cel_type_next(arena *a, str *text)
{
    return next_type(a, text, 0);
}

const cel_type *cel_type_parse(arena *a, str text)
{
    const cel_type *t = cel_type_next(a, &text);
    return str_trim(text).len ? NULL : t;
}

bool cel_type_equal(const cel_type *a, const cel_type *b)
{
    if (a == b)
        return true;
    if (a->kind != b->kind || a->variable != b->variable || a->count != b->count ||
        !str_eq(a->name, b->name))
        return false;
    for (uint8_t i = 0; i < a->count; i++)
        if (!cel_type_equal(a->params[i], b->params[i]))
            return false;
    return true;
}

void cel_type_text(const cel_type *t, buf *out)
{
    if (t->kind == CEL_VARIABLE) {
        buf_addz(out, "_");
        return;
    }
    buf_adds(out, t->name);
    for (uint8_t i = 0; i < t->count; i++) {
        buf_addz(out, i ? ", " : "(");
        cel_type_text(t->params[i], out);
    }
    if (t->count)
        buf_addc(out, ')');
}
