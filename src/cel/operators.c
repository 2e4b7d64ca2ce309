// SPDX-License-Identifier: Apache-2.0
// The operators but for && || ?: and fields. Integers never wrap: an overflow is an error.
#include <math.h>

#include "cel/eval.h"

static cel_value overflow(cel_call *c)
{
    return cel_call_error(c, "overflow: the result is out of range");
}

static cel_value not_(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)n;
    return cel_bool(!a->b);
}

static cel_value negate(cel_call *c, const cel_value *a, size_t n)
{
    (void)n;
    if (a->kind == CEL_DOUBLE)
        return cel_double(-a->d);
    return a->i == INT64_MIN ? overflow(c) : cel_int(-a->i);
}

static cel_value equal(cel_call *c, const cel_value *a, size_t n)
{
    (void)n;
    return cel_bool(cel_equal_in(c, &a[0], &a[1]));
}

static cel_value unequal(cel_call *c, const cel_value *a, size_t n)
{
    (void)n;
    return cel_bool(!cel_equal_in(c, &a[0], &a[1]));
}

static cel_value less(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)n;
    return cel_bool(cel_compare(&a[0], &a[1]) == -1);
}

static cel_value less_equal(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)n;
    return cel_bool(cel_compare(&a[0], &a[1]) <= 0);
}

static cel_value greater(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)n;
    return cel_bool(cel_compare(&a[0], &a[1]) == 1);
}

static cel_value greater_equal(cel_call *c, const cel_value *a, size_t n)
{
    int order = cel_compare(&a[0], &a[1]);
    (void)c, (void)n;
    return cel_bool(order == 0 || order == 1);
}

static cel_value add(cel_call *c, const cel_value *a, size_t n)
{
    int64_t i;
    uint64_t u;
    (void)n;
    if (a->kind == CEL_INT)
        return __builtin_add_overflow(a[0].i, a[1].i, &i) ? overflow(c) : cel_int(i);
    if (a->kind == CEL_UINT)
        return __builtin_add_overflow(a[0].u, a[1].u, &u) ? overflow(c) : cel_uint(u);
    return cel_double(a[0].d + a[1].d);
}

static cel_value subtract(cel_call *c, const cel_value *a, size_t n)
{
    int64_t i;
    uint64_t u;
    (void)n;
    if (a->kind == CEL_INT)
        return __builtin_sub_overflow(a[0].i, a[1].i, &i) ? overflow(c) : cel_int(i);
    if (a->kind == CEL_UINT)
        return __builtin_sub_overflow(a[0].u, a[1].u, &u) ? overflow(c) : cel_uint(u);
    return cel_double(a[0].d - a[1].d);
}

static cel_value multiply(cel_call *c, const cel_value *a, size_t n)
{
    int64_t i;
    uint64_t u;
    (void)n;
    if (a->kind == CEL_INT)
        return __builtin_mul_overflow(a[0].i, a[1].i, &i) ? overflow(c) : cel_int(i);
    if (a->kind == CEL_UINT)
        return __builtin_mul_overflow(a[0].u, a[1].u, &u) ? overflow(c) : cel_uint(u);
    return cel_double(a[0].d * a[1].d);
}

static double ieee_divide(double x, double y)
{
    if (y != 0)
        return x / y;
    return x == 0 || isnan(x) ? NAN : (signbit(x) != 0) == (signbit(y) != 0) ? INFINITY : -INFINITY;
}

static cel_value divide(cel_call *c, const cel_value *a, size_t n)
{
    (void)n;
    if (a->kind == CEL_DOUBLE)
        return cel_double(ieee_divide(a[0].d, a[1].d));
    if (a[1].u == 0)
        return cel_call_error(c, "divide by zero");
    if (a->kind == CEL_UINT)
        return cel_uint(a[0].u / a[1].u);
    return a[0].i == INT64_MIN && a[1].i == -1 ? overflow(c) : cel_int(a[0].i / a[1].i);
}

static cel_value modulo(cel_call *c, const cel_value *a, size_t n)
{
    (void)n;
    if (a[1].u == 0)
        return cel_call_error(c, "modulus by zero");
    if (a->kind == CEL_UINT)
        return cel_uint(a[0].u % a[1].u);
    return a[0].i == INT64_MIN && a[1].i == -1 ? overflow(c) : cel_int(a[0].i % a[1].i);
}

static cel_value join_texts(cel_call *c, const cel_value *a, size_t n)
{
    buf out;
    (void)n;
    cel_text_start(c, &out);
    buf_adds(&out, a[0].s);
    buf_adds(&out, a[1].s);
    return cel_text_end(c, &out, a->kind);
}

static cel_value join_lists(cel_call *c, const cel_value *a, size_t n)
{
    size_t len = a[0].list.len + a[1].list.len;
    (void)n;
    if (!cel_call_charge(c, len * sizeof(cel_value) / 16))
        return cel_null();
    cel_value *items = arena_array(c->arena, len, sizeof(*items));
    for (size_t i = 0; i < len; i++)
        items[i] = i < a[0].list.len ? a[0].list.items[i] : a[1].list.items[i - a[0].list.len];
    return cel_list_of(items, len);
}

static cel_value in_list(cel_call *c, const cel_value *a, size_t n)
{
    (void)n;
    for (size_t i = 0; i < a[1].list.len && !c->over; i++)
        if (cel_equal_in(c, &a[0], &a[1].list.items[i]))
            return cel_bool(true);
    return cel_bool(false);
}

static cel_value in_map(cel_call *c, const cel_value *a, size_t n)
{
    (void)n;
    return cel_bool(cel_map_get_in(c, &a[1].map, &a[0]) != NULL);
}

#define ORDERED(name, fn)                                                                          \
    CEL_ROW(name, "(bool, bool) bool", fn, NULL), CEL_ROW(name, "(int, int) bool", fn, NULL),      \
        CEL_ROW(name, "(int, uint) bool", fn, NULL),                                               \
        CEL_ROW(name, "(int, double) bool", fn, NULL),                                             \
        CEL_ROW(name, "(uint, uint) bool", fn, NULL), CEL_ROW(name, "(uint, int) bool", fn, NULL), \
        CEL_ROW(name, "(uint, double) bool", fn, NULL),                                            \
        CEL_ROW(name, "(double, double) bool", fn, NULL),                                          \
        CEL_ROW(name, "(double, int) bool", fn, NULL),                                             \
        CEL_ROW(name, "(double, uint) bool", fn, NULL),                                            \
        CEL_ROW(name, "(string, string) bool", fn, NULL),                                          \
        CEL_ROW(name, "(bytes, bytes) bool", fn, NULL),                                            \
        CEL_ROW(name, "(timestamp, timestamp) bool", fn, NULL),                                    \
        CEL_ROW(name, "(duration, duration) bool", fn, NULL)
#define ARITHMETIC(name, fn)                                                                       \
    CEL_ROW(name, "(int, int) int", fn, NULL), CEL_ROW(name, "(uint, uint) uint", fn, NULL),       \
        CEL_ROW(name, "(double, double) double", fn, NULL)

const cel_function cel_operator_functions[] = {
    {"!_", "(bool) bool", not_, NULL},
    {"-_", "(int) int", negate, NULL},
    {"-_", "(double) double", negate, NULL},
    {"_==_", "(A, A) bool", equal, NULL},
    {"_!=_", "(A, A) bool", unequal, NULL},
    ORDERED("_<_", less),
    ORDERED("_<=_", less_equal),
    ORDERED("_>_", greater),
    ORDERED("_>=_", greater_equal),
    ARITHMETIC("_+_", add),
    ARITHMETIC("_-_", subtract),
    ARITHMETIC("_*_", multiply),
    ARITHMETIC("_/_", divide),
    {"_%_", "(int, int) int", modulo, NULL},
    {"_%_", "(uint, uint) uint", modulo, NULL},
    {"_+_", "(string, string) string", join_texts, NULL},
    {"_+_", "(bytes, bytes) bytes", join_texts, NULL},
    {"_+_", "(list(A), list(A)) list(A)", join_lists, NULL},
    {"@in", "(A, list(A)) bool", in_list, NULL},
    {"@in", "(A, map(A, B)) bool", in_map, NULL},
    // The evaluator knows these itself.
    {"_?_:_", "(bool, A, A) A", NULL, NULL},
    {"_[_]", "(list(A), int) A", NULL, NULL},
    {"_[_]", "(map(A, B), A) B", NULL, NULL},
    {"_[_]", "(optional_type(list(A)), int) optional_type(A)", NULL, NULL},
    {"_[_]", "(optional_type(map(A, B)), A) optional_type(B)", NULL, NULL},
    {"_[?_]", "(list(A), int) optional_type(A)", NULL, NULL},
    {"_[?_]", "(map(A, B), A) optional_type(B)", NULL, NULL},
    {"_[?_]", "(optional_type(list(A)), int) optional_type(A)", NULL, NULL},
    {"_[?_]", "(optional_type(map(A, B)), A) optional_type(B)", NULL, NULL},
    {0},
};
