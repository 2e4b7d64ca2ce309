// SPDX-License-Identifier: Apache-2.0
// Optionals: optional.of(x), .orValue(y). Fields and macros of optionals are the evaluator's.
#include "cel/eval.h"

static cel_value none(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)a, (void)n;
    return cel_optional_none();
}

static cel_value of(cel_call *c, const cel_value *a, size_t n)
{
    (void)n;
    return cel_optional_of(c, *a);
}

static bool zero(const cel_value *v)
{
    switch (v->kind) {
    case CEL_NULL:
        return true;
    case CEL_BOOL:
        return !v->b;
    case CEL_INT:
    case CEL_UINT:
        return v->u == 0;
    case CEL_DOUBLE:
        return v->d == 0;
    case CEL_STRING:
    case CEL_BYTES:
        return v->s.len == 0;
    case CEL_LIST:
        return v->list.len == 0;
    case CEL_MAP:
        return v->map.len == 0;
    case CEL_TIMESTAMP:
    case CEL_DURATION:
        return v->time.s == 0 && v->time.ns == 0;
    case CEL_OPTIONAL:
        return !v->some;
    default:
        return false;
    }
}

static cel_value of_non_zero(cel_call *c, const cel_value *a, size_t n)
{
    (void)n;
    return zero(a) ? cel_optional_none() : cel_optional_of(c, *a);
}

static cel_value has_value(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)n;
    return cel_bool(a->some != NULL);
}

static cel_value value(cel_call *c, const cel_value *a, size_t n)
{
    (void)n;
    return a->some ? *a->some : cel_call_error(c, "optional.none() has no value: use orValue()");
}

static cel_value or_(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)n;
    return a[0].some ? a[0] : a[1];
}

static cel_value or_value(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)n;
    return a[0].some ? *a[0].some : a[1];
}

static cel_value unwrap(cel_call *c, const cel_value *a, size_t n)
{
    (void)n;
    if (!cel_call_charge(c, 2 * a->list.len))
        return cel_null();
    cel_value *items = arena_array(c->arena, a->list.len, sizeof(*items));
    size_t len = 0;
    for (size_t i = 0; i < a->list.len; i++) {
        if (a->list.items[i].kind != CEL_OPTIONAL)
            return cel_no_overload(c);
        if (a->list.items[i].some)
            items[len++] = *a->list.items[i].some;
    }
    return cel_list_of(items, len);
}

static cel_value end_of(cel_call *c, const cel_list *l, size_t at)
{
    return at < l->len ? cel_optional_of(c, l->items[at]) : cel_optional_none();
}

static cel_value first(cel_call *c, const cel_value *a, size_t n)
{
    (void)n;
    return end_of(c, &a->list, 0);
}

static cel_value last(cel_call *c, const cel_value *a, size_t n)
{
    (void)n;
    return end_of(c, &a->list, a->list.len - 1); // wraps for an empty list, beyond its end
}

const cel_function cel_optional_functions[] = {
    {"optional.none", "() optional_type(A)", none, NULL},
    {"optional.of", "(A) optional_type(A)", of, NULL},
    {"optional.ofNonZeroValue", "(A) optional_type(A)", of_non_zero, NULL},
    {"optional.unwrap", "(list(optional_type(A))) list(A)", unwrap, NULL},
    {"unwrapOpt", "list(optional_type(A)).() list(A)", unwrap, NULL},
    {"hasValue", "optional_type(A).() bool", has_value, NULL},
    {"value", "optional_type(A).() A", value, NULL},
    {"or", "lazy optional_type(A).(optional_type(A)) optional_type(A)", or_, NULL},
    {"orValue", "lazy optional_type(A).(A) A", or_value, NULL},
    {"first", "list(A).() optional_type(A)", first, NULL},
    {"last", "list(A).() optional_type(A)", last, NULL},
    {0},
};
