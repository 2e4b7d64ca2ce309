// SPDX-License-Identifier: Apache-2.0
#include "postman/value.h"

#include <math.h>

// The digits and the decimal exponent of the shortest decimal that reads back as n (ECMA-262
// §6.1.6.1.20): 0.digits × 10^exponent.
static int shortest(double n, char digits[20], int *ret_exponent)
{
    char text[40];
    for (int precision = 0;; precision++) {
        snprintf(text, sizeof(text), "%.*e", precision, n);
        if (precision == 16 || strtod(text, NULL) == n)
            break;
    }
    int len = 0;
    char *p = text;
    for (; *p && *p != 'e'; p++)
        if (ascii_is_digit(*p))
            digits[len++] = *p;
    *ret_exponent = (int)strtol(p + 1, NULL, 10) + 1;
    while (len > 1 && digits[len - 1] == '0')
        len--;
    return len;
}

static void add_zeros(buf *out, int count)
{
    for (; count > 0; count--)
        buf_addc(out, '0');
}

static void add_scientific(buf *out, const char *digits, int len, int exponent)
{
    buf_addc(out, digits[0]);
    if (len > 1) {
        buf_addc(out, '.');
        buf_add(out, digits + 1, (size_t)len - 1);
    }
    buf_addf(out, "e%c%d", exponent < 0 ? '-' : '+', abs(exponent));
}

void value_number(double n, buf *out)
{
    char digits[20];
    int exponent;
    if (isnan(n) || isinf(n)) {
        buf_addz(out, isnan(n) ? "NaN" : n < 0 ? "-Infinity" : "Infinity");
        return;
    }
    if (n == 0) {
        buf_addc(out, '0');
        return;
    }
    if (n < 0)
        buf_addc(out, '-');
    int len = shortest(fabs(n), digits, &exponent);
    if (exponent > 21 || exponent < -5) {
        add_scientific(out, digits, len, exponent - 1);
    } else if (exponent <= 0) {
        buf_addz(out, "0.");
        add_zeros(out, -exponent);
        buf_add(out, digits, (size_t)len);
    } else if (exponent >= len) {
        buf_add(out, digits, (size_t)len);
        add_zeros(out, exponent - len);
    } else {
        buf_add(out, digits, (size_t)exponent);
        buf_addc(out, '.');
        buf_add(out, digits + exponent, (size_t)(len - exponent));
    }
}

static void add_array(const json *v, buf *out)
{
    JSON_EACH (v, m) {
        if (m != json_first(v))
            buf_addc(out, ',');
        if (!json_is(m, JSON_NULL))
            value_text(m, out);
    }
}

void value_text(const json *v, buf *out)
{
    if (!v)
        return;
    switch (v->type) {
    case JSON_NULL:
        buf_addz(out, "null");
        break;
    case JSON_BOOL:
        buf_addz(out, v->boolean ? "true" : "false");
        break;
    case JSON_NUMBER:
        value_number(strtod(v->text.ptr, NULL), out);
        break;
    case JSON_STRING:
        buf_adds(out, v->text);
        break;
    case JSON_ARRAY:
        add_array(v, out);
        break;
    case JSON_OBJECT:
        buf_addz(out, "[object Object]");
        break;
    }
}

bool value_truth(const json *v)
{
    if (!v || v->type == JSON_NULL)
        return false;
    if (v->type == JSON_BOOL)
        return v->boolean;
    if (v->type == JSON_NUMBER)
        return strtod(v->text.ptr, NULL) != 0;
    return v->type != JSON_STRING || v->text.len > 0;
}

static bool text_to_number(str text, double *ret)
{
    text = str_trim(text);
    *ret = 0;
    if (!text.len)
        return true;
    // strtod knows more than JavaScript: nan, inf, hexadecimal fractions.
    for (size_t i = 0; i < text.len; i++)
        if (!ascii_is_digit(text.ptr[i]) && !strchr("+-.eExXabcdfABCDF", text.ptr[i]))
            return false;
    bool hex = str_ifind(text, STR("x")) >= 0;
    if (hex && (!ascii_is_digit(text.ptr[0]) || str_chr(text, '.') >= 0))
        return false;
    char *copy = mem_dupn(text.ptr, text.len), *end;
    *ret = strtod(copy, &end);
    bool whole = *end == 0 && isfinite(*ret);
    free(copy);
    return whole;
}

// As its text: [] is 0, [5] is 5, [1,2] is NaN.
static bool array_to_number(const json *v, double *ret)
{
    buf text;
    buf_init(&text, 1 << 10);
    value_text(v, &text);
    bool ok = buf_ok(&text) && text_to_number(buf_str(&text), ret);
    buf_deinit(&text);
    return ok;
}

bool value_to_number(const json *v, double *ret)
{
    *ret = 0;
    if (!v)
        return false;
    switch (v->type) {
    case JSON_NULL:
        return true;
    case JSON_BOOL:
        *ret = v->boolean;
        return true;
    case JSON_NUMBER:
    case JSON_STRING:
        return text_to_number(v->text, ret);
    case JSON_ARRAY:
        return array_to_number(v, ret);
    case JSON_OBJECT:
        return false;
    }
    return false;
}
