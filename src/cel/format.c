// SPDX-License-Identifier: Apache-2.0
// The verbs of format(): %s %d %f %e %b %o %x %X, with a precision for %f and %e.
#include <math.h>

#include "cel/format.h"

typedef struct formatter formatter;
struct formatter {
    cel_call *call;
    buf out;
    cel_value error; // CEL_ERROR once something went wrong
};

static void wrong(formatter *f, const char *what, const cel_value *v)
{
    if (f->error.kind != CEL_ERROR)
        f->error = cel_call_error(f->call, "%s can't be formatted from " STR_FMT, what,
                                  STR_ARG(cel_value_type(v)->name));
}

static void add_value(formatter *f, const cel_value *v);

static void add_list(formatter *f, const cel_list *l)
{
    buf_addc(&f->out, '[');
    for (size_t i = 0; i < l->len && buf_ok(&f->out) && !f->call->over; i++) {
        buf_addz(&f->out, i ? ", " : "");
        add_value(f, &l->items[i]);
    }
    buf_addc(&f->out, ']');
}

typedef struct keyed keyed;
struct keyed {
    str text;
    const cel_value *value;
};

static int by_text(const void *a, const void *b)
{
    return str_cmp(((const keyed *)a)->text, ((const keyed *)b)->text);
}

// In the order of the keys' texts.
static void add_map(formatter *f, const cel_map *m)
{
    if (!cel_call_charge(f->call, 4 * m->len))
        return;
    keyed *keys = arena_array(f->call->arena, m->len, sizeof(*keys));
    for (size_t i = 0; i < m->len; i++) {
        buf text;
        cel_text_start(f->call, &text);
        cel_scalar_text(&m->entries[i].key, &text);
        keys[i] = (keyed){cel_text_end(f->call, &text, CEL_STRING).s, &m->entries[i].value};
    }
    if (m->len)
        qsort(keys, m->len, sizeof(*keys), by_text);
    buf_addc(&f->out, '{');
    for (size_t i = 0; i < m->len && buf_ok(&f->out) && !f->call->over; i++) {
        buf_addf(&f->out, "%s" STR_FMT ": ", i ? ", " : "", STR_ARG(keys[i].text));
        add_value(f, keys[i].value);
    }
    buf_addc(&f->out, '}');
}

// %s: any value but optionals. Nesting is bounded by that of the expression and of the activation.
static void add_value(formatter *f, const cel_value *v)
{
    if (!cel_call_charge(f->call, 1))
        return;
    if (v->kind == CEL_LIST)
        add_list(f, &v->list);
    else if (v->kind == CEL_MAP)
        add_map(f, &v->map);
    else if (!cel_scalar_text(v, &f->out))
        wrong(f, "a text (%s)", v);
}

static bool non_finite(const cel_value *v)
{
    return v->kind == CEL_DOUBLE && !isfinite(v->d);
}

static void add_decimal(formatter *f, const cel_value *v)
{
    if (v->kind == CEL_INT || v->kind == CEL_UINT || non_finite(v))
        cel_scalar_text(v, &f->out);
    else
        wrong(f, "a whole number (%d)", v);
}

static void add_real(formatter *f, const cel_value *v, int precision, char verb)
{
    double d = v->kind == CEL_DOUBLE ? v->d : v->kind == CEL_INT ? (double)v->i : (double)v->u;
    if (!cel_is_number(v))
        wrong(f, verb == 'f' ? "a number (%f)" : "a number (%e)", v);
    else if (non_finite(v))
        cel_double_text(v->d, &f->out);
    else if (verb == 'f')
        buf_addf(&f->out, "%.*f", precision, d);
    else
        buf_addf(&f->out, "%.*e", precision, d);
}

static void add_digits(formatter *f, const cel_value *v, unsigned shift, bool upper)
{
    char text[65], *at = text + sizeof(text);
    bool negative = v->kind == CEL_INT && v->i < 0;
    uint64_t u = v->kind == CEL_BOOL ? v->b : negative ? 0 - v->u : v->u;
    do {
        *--at = (upper ? "0123456789ABCDEF" : "0123456789abcdef")[u & ((1u << shift) - 1)];
        u >>= shift;
    } while (u);
    if (negative)
        buf_addc(&f->out, '-');
    buf_add(&f->out, at, (size_t)(text + sizeof(text) - at));
}

static void add_hex(formatter *f, const cel_value *v, bool upper)
{
    if (v->kind == CEL_INT || v->kind == CEL_UINT) {
        add_digits(f, v, 4, upper);
    } else if (v->kind == CEL_STRING || v->kind == CEL_BYTES) {
        size_t from = f->out.len;
        hex_encode(&f->out, v->s);
        for (size_t i = from; upper && i < f->out.len; i++)
            if (ascii_is_alpha(f->out.ptr[i]))
                f->out.ptr[i] &= (char)~32;
    } else {
        wrong(f, "a hexadecimal number (%x)", v);
    }
}

static void add_verb(formatter *f, char verb, int precision, const cel_value *v)
{
    bool whole = v->kind == CEL_INT || v->kind == CEL_UINT;
    if (verb == 's')
        add_value(f, v);
    else if (verb == 'd')
        add_decimal(f, v);
    else if (verb == 'f' || verb == 'e')
        add_real(f, v, precision, verb);
    else if (verb == 'x' || verb == 'X')
        add_hex(f, v, verb == 'X');
    else if (verb == 'b' && (whole || v->kind == CEL_BOOL))
        add_digits(f, v, 1, false);
    else if (verb == 'o' && whole)
        add_digits(f, v, 3, false);
    else
        wrong(f, verb == 'b' ? "a binary number (%b)" : "an octal number (%o)", v);
}

// Reads ".3" behind a %; the number of bytes, or -1 when it isn't a precision.
static ssize_t read_precision(str s, int *ret)
{
    size_t n = 1;
    uint64_t v;
    *ret = 6;
    if (!str_starts(s, STR(".")))
        return 0;
    while (n < s.len && ascii_is_digit(s.ptr[n]))
        n++;
    if (!str_to_u64(str_sub(s, 1, n), &v) || v > 100)
        return -1;
    *ret = (int)v;
    return (ssize_t)n;
}

// One verb, behind its %; the bytes that it took.
static size_t format_verb(formatter *f, str s, const cel_list *values, size_t *next)
{
    int precision;
    ssize_t n = read_precision(s, &precision);
    char verb = n >= 0 && (size_t)n < s.len ? s.ptr[n] : 0;
    if (!verb || !strchr("sdfebxXo", verb) || (n > 0 && !strchr("fe", verb))) {
        f->error = cel_call_error(f->call, "format: after %% comes one of s d f e b o x X, and "
                                           "before f and e a precision up to .100");
        return s.len;
    }
    if (*next >= values->len)
        f->error = cel_call_error(f->call, "format: index %zu out of range: more verbs than values",
                                  *next);
    else
        add_verb(f, verb, precision, &values->items[(*next)++]);
    return (size_t)n + 1;
}

cel_value cel_format(cel_call *c, const cel_value *args, size_t count)
{
    formatter f = {.call = c, .error = cel_null()};
    str s = args[0].s;
    size_t next = 0;
    (void)count;
    cel_text_start(c, &f.out);
    for (size_t i = 0; i < s.len && f.error.kind != CEL_ERROR && buf_ok(&f.out) && !c->over;) {
        if (s.ptr[i] != '%' || str_starts(str_skip(s, i + 1), STR("%"))) {
            buf_addc(&f.out, s.ptr[i]);
            i += s.ptr[i] == '%' ? 2 : 1;
        } else {
            i += 1 + format_verb(&f, str_skip(s, i + 1), &args[1].list, &next);
        }
    }
    cel_value v = cel_text_end(c, &f.out, CEL_STRING);
    return f.error.kind == CEL_ERROR ? f.error : v;
}
