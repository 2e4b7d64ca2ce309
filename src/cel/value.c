// SPDX-License-Identifier: Apache-2.0
// Equality and order, across the types of numbers.
#include <math.h>

#include "cel/eval.h"

bool cel_is_number(const cel_value *v)
{
    return v->kind == CEL_INT || v->kind == CEL_UINT || v->kind == CEL_DOUBLE;
}

static int order(bool less, bool greater)
{
    return less ? -1 : greater ? 1 : 0;
}

// Beyond 2⁵³ the int is rounded to the next double, as cel-spec has it: 2⁶³ - 1 equals 2.0⁶³.
static int compare_int_double(int64_t i, double d)
{
    static const double limit = 9223372036854775808.0; // 2⁶³
    if (isnan(d))
        return 2;
    if (d > limit || d < -limit)
        return d > 0 ? -1 : 1;
    return order((double)i<d, (double)i> d);
}

static int compare_uint_double(uint64_t u, double d)
{
    if (isnan(d))
        return 2;
    if (d > 18446744073709551616.0 || d < 0)
        return d > 0 ? -1 : 1;
    return order((double)u<d, (double)u> d);
}

static int reversed(int c)
{
    return c == 2 ? 2 : -c;
}

int cel_compare_numbers(const cel_value *a, const cel_value *b)
{
    if (a->kind == CEL_DOUBLE && b->kind == CEL_DOUBLE)
        return isnan(a->d) || isnan(b->d) ? 2 : order(a->d<b->d, a->d> b->d);
    if (a->kind == CEL_DOUBLE)
        return reversed(cel_compare_numbers(b, a));
    if (b->kind == CEL_DOUBLE)
        return a->kind == CEL_INT ? compare_int_double(a->i, b->d)
                                  : compare_uint_double(a->u, b->d);
    // Of a negative int and an uint the int is less; else both fit an uint.
    bool negative = a->kind == CEL_INT && a->i < 0, other = b->kind == CEL_INT && b->i < 0;
    if (negative || other)
        return negative && other ? order(a->i<b->i, a->i> b->i) : order(negative, other);
    return order(a->u<b->u, a->u> b->u);
}

static int compare_times(cel_time a, cel_time b)
{
    return a.s != b.s ? order(a.s < b.s, true) : order(a.ns<b.ns, a.ns> b.ns);
}

int cel_compare(const cel_value *a, const cel_value *b)
{
    if (cel_is_number(a) && cel_is_number(b))
        return cel_compare_numbers(a, b);
    if (a->kind != b->kind)
        return 2;
    switch (a->kind) {
    case CEL_BOOL:
        return order(a->b<b->b, a->b> b->b);
    case CEL_STRING: // UTF-8 sorts by code point
    case CEL_BYTES: {
        int c = str_cmp(a->s, b->s);
        return order(c<0, c> 0);
    }
    case CEL_TIMESTAMP:
    case CEL_DURATION:
        return compare_times(a->time, b->time);
    default:
        return 2;
    }
}

static bool charge(cel_call *c, size_t units)
{
    return !c || cel_call_charge(c, units);
}

static bool equal_lists(cel_call *c, const cel_list *a, const cel_list *b)
{
    if (a->len != b->len)
        return false;
    for (size_t i = 0; i < a->len; i++)
        if (!cel_equal_in(c, &a->items[i], &b->items[i]))
            return false;
    return true;
}

static bool equal_maps(cel_call *c, const cel_map *a, const cel_map *b)
{
    if (a->len != b->len)
        return false;
    for (size_t i = 0; i < a->len; i++) {
        const cel_value *other = cel_map_get_in(c, b, &a->entries[i].key);
        if (!other || !cel_equal_in(c, &a->entries[i].value, other))
            return false;
    }
    return true;
}

static bool equal_nets(const cel_value *a, const cel_value *b)
{
    return memcmp(a->net->bytes, b->net->bytes, sizeof(a->net->bytes)) == 0 &&
           (a->kind == CEL_IP || a->net->bits == b->net->bits);
}

static bool equal_same_kind(cel_call *c, const cel_value *a, const cel_value *b)
{
    switch (a->kind) {
    case CEL_NULL:
        return true;
    case CEL_STRING:
    case CEL_BYTES:
        return a->s.len == b->s.len && charge(c, a->s.len / 16) && str_eq(a->s, b->s);
    case CEL_LIST:
        return equal_lists(c, &a->list, &b->list);
    case CEL_MAP:
        return equal_maps(c, &a->map, &b->map);
    case CEL_TYPE:
        return str_eq(a->type->name, b->type->name);
    case CEL_OPTIONAL:
        return a->some && b->some ? cel_equal_in(c, a->some, b->some) : a->some == b->some;
    case CEL_IP:
    case CEL_CIDR:
        return equal_nets(a, b);
    default:
        return cel_compare(a, b) == 0;
    }
}

bool cel_equal_in(cel_call *c, const cel_value *a, const cel_value *b)
{
    if (!charge(c, 1))
        return false;
    if (cel_is_number(a) && cel_is_number(b))
        return cel_compare_numbers(a, b) == 0;
    return a->kind == b->kind && equal_same_kind(c, a, b);
}

bool cel_equal(const cel_value *a, const cel_value *b)
{
    return cel_equal_in(NULL, a, b);
}

const cel_value *cel_map_get_in(cel_call *c, const cel_map *m, const cel_value *key)
{
    if (!charge(c, m->len / 8 + (key->kind == CEL_STRING ? key->s.len / 16 : 0)))
        return NULL;
    for (size_t i = 0; i < m->len; i++)
        if (m->entries[i].key.kind == key->kind && key->kind == CEL_STRING
                ? str_eq(m->entries[i].key.s, key->s)
                : cel_equal_in(NULL, &m->entries[i].key, key))
            return &m->entries[i].value;
    return NULL;
}

const cel_value *cel_map_get(const cel_map *m, const cel_value *key)
{
    return cel_map_get_in(NULL, m, key);
}

const cel_type *cel_value_type(const cel_value *v)
{
    return cel_type_of(v->kind);
}
