// SPDX-License-Identifier: Apache-2.0
// The math extension.
#include <math.h>

#include "cel/eval.h"

// The greatest or the least of the numbers; the first of equal ones.
static cel_value extreme(cel_call *c, const cel_value *items, size_t n, int sign)
{
    const cel_value *best = items;
    for (size_t i = 0; i < n; i++) {
        if (!cel_is_number(&items[i]))
            return cel_no_overload(c);
        if (cel_compare_numbers(&items[i], best) == sign)
            best = &items[i];
    }
    return n && cel_call_charge(c, n) ? *best : cel_call_error(c, "the list is empty");
}

static cel_value greatest(cel_call *c, const cel_value *a, size_t n)
{
    return a->kind == CEL_LIST ? extreme(c, a->list.items, a->list.len, 1) : extreme(c, a, n, 1);
}

static cel_value least(cel_call *c, const cel_value *a, size_t n)
{
    return a->kind == CEL_LIST ? extreme(c, a->list.items, a->list.len, -1) : extreme(c, a, n, -1);
}

#define ROUNDING(name, call)                                                                       \
    static cel_value name(cel_call *c, const cel_value *a, size_t n)                               \
    {                                                                                              \
        (void)c, (void)n;                                                                          \
        return cel_double(call(a->d));                                                             \
    }
ROUNDING(round_up, ceil)
ROUNDING(round_down, floor)
ROUNDING(round_half_away, round)
ROUNDING(truncate_, trunc)
ROUNDING(square_root_of, sqrt)

static cel_value is_nan(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)n;
    return cel_bool(isnan(a->d));
}

static cel_value is_inf(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)n;
    return cel_bool(isinf(a->d));
}

static cel_value is_finite(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)n;
    return cel_bool(isfinite(a->d));
}

static cel_value absolute(cel_call *c, const cel_value *a, size_t n)
{
    (void)n;
    if (a->kind == CEL_DOUBLE)
        return cel_double(fabs(a->d));
    if (a->kind == CEL_UINT)
        return *a;
    return a->i == INT64_MIN ? cel_call_error(c, "overflow: the result is out of range")
                             : cel_int(a->i < 0 ? -a->i : a->i);
}

static cel_value sign(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)n;
    if (a->kind == CEL_DOUBLE)
        return cel_double(a->d > 0 ? 1 : a->d < 0 ? -1 : a->d);
    return a->kind == CEL_UINT ? cel_uint(a->u > 0) : cel_int((a->i > 0) - (a->i < 0));
}

static cel_value square_root(cel_call *c, const cel_value *a, size_t n)
{
    cel_value d = cel_double(a->kind == CEL_INT ? (double)a->i : (double)a->u);
    return square_root_of(c, a->kind == CEL_DOUBLE ? a : &d, n);
}

// The bits are the same for int and uint: only the kind is kept.
static cel_value bits(const cel_value *like, uint64_t u)
{
    return (cel_value){.kind = like->kind, .u = u};
}

static cel_value bit_and(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)n;
    return bits(a, a[0].u & a[1].u);
}

static cel_value bit_or(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)n;
    return bits(a, a[0].u | a[1].u);
}

static cel_value bit_xor(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)n;
    return bits(a, a[0].u ^ a[1].u);
}

static cel_value bit_not(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)n;
    return bits(a, ~a->u);
}

static cel_value shift(cel_call *c, const cel_value *a, bool left)
{
    if (a[1].i < 0)
        return cel_call_error(c, "a shift by a negative number: shift the other way");
    if (a[1].i > 63)
        return bits(a, 0);
    return bits(a, left ? a[0].u << a[1].i : a[0].u >> a[1].i);
}

static cel_value shift_left(cel_call *c, const cel_value *a, size_t n)
{
    (void)n;
    return shift(c, a, true);
}

static cel_value shift_right(cel_call *c, const cel_value *a, size_t n)
{
    (void)n;
    return shift(c, a, false);
}

#define EXTREME(name, fn)                                                                          \
    CEL_ROW(name, "(int) int", fn, NULL), CEL_ROW(name, "(uint) uint", fn, NULL),                  \
        CEL_ROW(name, "(double) double", fn, NULL), CEL_ROW(name, "(int, int) int", fn, NULL),     \
        CEL_ROW(name, "(uint, uint) uint", fn, NULL),                                              \
        CEL_ROW(name, "(double, double) double", fn, NULL),                                        \
        CEL_ROW(name, "(int, uint) dyn", fn, NULL), CEL_ROW(name, "(int, double) dyn", fn, NULL),  \
        CEL_ROW(name, "(uint, int) dyn", fn, NULL), CEL_ROW(name, "(uint, double) dyn", fn, NULL), \
        CEL_ROW(name, "(double, int) dyn", fn, NULL),                                              \
        CEL_ROW(name, "(double, uint) dyn", fn, NULL), CEL_ROW(name, "(list(int)) int", fn, NULL), \
        CEL_ROW(name, "(list(uint)) uint", fn, NULL),                                              \
        CEL_ROW(name, "(list(double)) double", fn, NULL)
#define EACH_NUMBER(name, fn)                                                                      \
    CEL_ROW(name, "(int) int", fn, NULL), CEL_ROW(name, "(uint) uint", fn, NULL),                  \
        CEL_ROW(name, "(double) double", fn, NULL)
#define BITS(name, fn)                                                                             \
    CEL_ROW(name, "(int, int) int", fn, NULL), CEL_ROW(name, "(uint, uint) uint", fn, NULL)

const cel_function cel_math_functions[] = {
    EXTREME("math.greatest", greatest),
    EXTREME("math.least", least),
    EACH_NUMBER("math.abs", absolute),
    EACH_NUMBER("math.sign", sign),
    {"math.ceil", "(double) double", round_up, NULL},
    {"math.floor", "(double) double", round_down, NULL},
    {"math.round", "(double) double", round_half_away, NULL},
    {"math.trunc", "(double) double", truncate_, NULL},
    {"math.sqrt", "(int) double", square_root, NULL},
    {"math.sqrt", "(uint) double", square_root, NULL},
    {"math.sqrt", "(double) double", square_root, NULL},
    {"math.isNaN", "(double) bool", is_nan, NULL},
    {"math.isInf", "(double) bool", is_inf, NULL},
    {"math.isFinite", "(double) bool", is_finite, NULL},
    BITS("math.bitAnd", bit_and),
    BITS("math.bitOr", bit_or),
    BITS("math.bitXor", bit_xor),
    {"math.bitNot", "(int) int", bit_not, NULL},
    {"math.bitNot", "(uint) uint", bit_not, NULL},
    {"math.bitShiftLeft", "(int, int) int", shift_left, NULL},
    {"math.bitShiftLeft", "(uint, int) uint", shift_left, NULL},
    {"math.bitShiftRight", "(int, int) int", shift_right, NULL},
    {"math.bitShiftRight", "(uint, int) uint", shift_right, NULL},
    {0},
};
