// SPDX-License-Identifier: Apache-2.0
// From type to type: int(), uint(), double(), string(), bytes(), bool(), dyn(), type(), size().
#include <math.h>

#include "cel/eval.h"

static cel_value range_error(cel_call *c)
{
    return cel_call_error(c, "range error: the value doesn't fit the type");
}

static cel_value malformed(cel_call *c, const cel_value *a, const char *type)
{
    return cel_call_error(c, "'" STR_FMT "' isn't %s", STR_ARG(str_sub(a->s, 0, 80)), type);
}

static cel_value same(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)n;
    return *a;
}

static cel_value to_int(cel_call *c, const cel_value *a, size_t n)
{
    int64_t i;
    (void)n;
    switch (a->kind) {
    case CEL_UINT:
        return a->u > INT64_MAX ? range_error(c) : cel_int((int64_t)a->u);
    case CEL_DOUBLE: // ±2⁶³ themselves are refused: what was rounded to them may not fit
        return fabs(a->d) < 9223372036854775808.0 ? cel_int((int64_t)a->d) : range_error(c);
    case CEL_STRING:
        return str_to_i64(a->s, &i) ? cel_int(i) : malformed(c, a, "an int");
    default: // CEL_TIMESTAMP, CEL_DURATION
        return cel_int(a->time.s);
    }
}

static cel_value to_uint(cel_call *c, const cel_value *a, size_t n)
{
    uint64_t u;
    (void)n;
    if (a->kind == CEL_INT)
        return a->i < 0 ? range_error(c) : cel_uint((uint64_t)a->i);
    if (a->kind == CEL_DOUBLE)
        return a->d > -1 && a->d < 18446744073709551616.0 ? cel_uint((uint64_t)a->d)
                                                          : range_error(c);
    return str_to_u64(a->s, &u) ? cel_uint(u) : malformed(c, a, "an uint");
}

static cel_value to_double(cel_call *c, const cel_value *a, size_t n)
{
    char text[400], *end;
    (void)n;
    if (a->kind == CEL_INT)
        return cel_double((double)a->i);
    if (a->kind == CEL_UINT)
        return cel_double((double)a->u);
    if (!a->s.len || a->s.len >= sizeof(text) || ascii_is_blank(a->s.ptr[0]) ||
        memchr(a->s.ptr, 0, a->s.len))
        return malformed(c, a, "a double");
    memcpy(text, a->s.ptr, a->s.len);
    text[a->s.len] = 0;
    double d = strtod(text, &end);
    return *end ? malformed(c, a, "a double") : cel_double(d);
}

static cel_value to_bool(cel_call *c, const cel_value *a, size_t n)
{
    static const char *const words[] = {"false", "False", "FALSE", "f", "0",
                                        "true",  "True",  "TRUE",  "t", "1"};
    (void)n;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq(a->s, str_from(words[i])))
            return cel_bool(i >= ARRAY_LEN(words) / 2);
    return malformed(c, a, "a bool");
}

static cel_value to_bytes(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)n;
    return cel_bytes(a->s);
}

void cel_double_text(double d, buf *out)
{
    char text[64];
    if (isnan(d) || isinf(d)) {
        buf_addz(out, isnan(d) ? "NaN" : d > 0 ? "Infinity" : "-Infinity");
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, d);
        if (strtod(text, NULL) == d)
            break;
    }
    // %g turns to an exponent once it is as large as the number of digits; here it is from 10²¹ on.
    if (strchr(text, 'e') && fabs(d) >= 1 && fabs(d) < 1e21)
        snprintf(text, sizeof(text), "%.0f", d);
    buf_addz(out, text);
}

bool cel_scalar_text(const cel_value *v, buf *out)
{
    switch (v->kind) {
    case CEL_NULL:
        buf_addz(out, "null");
        return true;
    case CEL_BOOL:
        buf_addz(out, v->b ? "true" : "false");
        return true;
    case CEL_INT:
        buf_addf(out, "%lld", (long long)v->i);
        return true;
    case CEL_UINT:
        buf_addf(out, "%llu", (unsigned long long)v->u);
        return true;
    case CEL_DOUBLE:
        cel_double_text(v->d, out);
        return true;
    case CEL_STRING:
    case CEL_BYTES:
        buf_adds(out, v->s);
        return utf8_valid(v->s);
    case CEL_TIMESTAMP:
        cel_timestamp_text(v->time, out);
        return true;
    case CEL_DURATION:
        cel_duration_text(v->time, out);
        return true;
    case CEL_TYPE:
        buf_adds(out, v->type->name);
        return true;
    case CEL_IP:
    case CEL_CIDR:
        cel_net_text(v, out);
        return true;
    default:
        return false;
    }
}

static cel_value to_string(cel_call *c, const cel_value *a, size_t n)
{
    buf out;
    (void)n;
    cel_text_start(c, &out);
    bool has_text = cel_scalar_text(a, &out);
    cel_value v = cel_text_end(c, &out, CEL_STRING);
    return has_text ? v : cel_call_error(c, "the bytes aren't UTF-8 and have no text");
}

static cel_value type_of(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)n;
    return (cel_value){.kind = CEL_TYPE, .type = cel_value_type(a)};
}

static cel_value size(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)n;
    if (a->kind == CEL_STRING)
        return cel_int((int64_t)utf8_len(a->s));
    if (a->kind == CEL_BYTES)
        return cel_int((int64_t)a->s.len);
    return cel_int((int64_t)(a->kind == CEL_LIST ? a->list.len : a->map.len));
}

#define SIZE(T) CEL_ROW("size", "(" T ") int", size, NULL), CEL_ROW("size", T ".() int", size, NULL)

const cel_function cel_convert_functions[] = {
    {"int", "(int) int", same, NULL},
    {"int", "(uint) int", to_int, NULL},
    {"int", "(double) int", to_int, NULL},
    {"int", "(string) int", to_int, NULL},
    {"int", "(timestamp) int", to_int, NULL},
    {"int", "(duration) int", to_int, NULL},
    {"uint", "(uint) uint", same, NULL},
    {"uint", "(int) uint", to_uint, NULL},
    {"uint", "(double) uint", to_uint, NULL},
    {"uint", "(string) uint", to_uint, NULL},
    {"double", "(double) double", same, NULL},
    {"double", "(int) double", to_double, NULL},
    {"double", "(uint) double", to_double, NULL},
    {"double", "(string) double", to_double, NULL},
    {"bool", "(bool) bool", same, NULL},
    {"bool", "(string) bool", to_bool, NULL},
    {"bytes", "(bytes) bytes", same, NULL},
    {"bytes", "(string) bytes", to_bytes, NULL},
    {"string", "(string) string", same, NULL},
    {"string", "(bool) string", to_string, NULL},
    {"string", "(int) string", to_string, NULL},
    {"string", "(uint) string", to_string, NULL},
    {"string", "(double) string", to_string, NULL},
    {"string", "(bytes) string", to_string, NULL},
    {"string", "(timestamp) string", to_string, NULL},
    {"string", "(duration) string", to_string, NULL},
    {"string", "(net.IP) string", to_string, NULL},
    {"string", "(net.CIDR) string", to_string, NULL},
    {"dyn", "(A) dyn", same, NULL},
    {"type", "(A) type(A)", type_of, NULL},
    SIZE("string"),
    SIZE("bytes"),
    SIZE("list(A)"),
    SIZE("map(A, B)"),
    {0},
};
