// SPDX-License-Identifier: Apache-2.0
// What Google's conditions and attribute mappings have beyond the language.
#include "cel/eval.h"

// 'a/{x}/b': what stands in the text between the first "a/" and the next "/b"; empty, when they
// don't. Nothing before or after the braces stands for the start or the end of the text.
static cel_value extract(cel_call *c, const cel_value *a, size_t n)
{
    str before, name, after, rest = a[0].s;
    (void)n;
    if (!str_cut(a[1].s, '{', &before, &after) || !str_cut(after, '}', &name, &after) ||
        str_chr(name, '{') >= 0 || str_chr(after, '{') >= 0)
        return cel_call_error(c, "a template of extract has one {name} in it");
    ssize_t from = str_find(rest, before);
    if (from < 0 || !cel_call_charge(c, rest.len * (a[1].s.len / 16 + 1) / 16))
        return cel_string(STR(""));
    rest = str_skip(rest, (size_t)from + before.len);
    ssize_t to = after.len ? str_find(rest, after) : (ssize_t)rest.len;
    return cel_string(str_sub(rest, 0, to < 0 ? 0 : (size_t)to));
}

static bool is_among(cel_call *c, const cel_value *v, const cel_list *list)
{
    for (size_t i = 0; i < list->len; i++)
        if (cel_equal_in(c, v, &list->items[i]))
            return true;
    return false;
}

static cel_value has_only(cel_call *c, const cel_value *a, size_t n)
{
    (void)n;
    for (size_t i = 0; i < a[0].list.len; i++)
        if (!is_among(c, &a[0].list.items[i], &a[1].list))
            return cel_bool(false);
    return cel_bool(true);
}

// Of an API's attribute only its name is known here, and no variable has a slash in its.
static cel_value get_attribute(cel_call *c, const cel_value *a, size_t n)
{
    cel_value v;
    (void)n;
    bool known = str_chr(a[0].s, '/') > 0 && c->activation && c->activation->lookup &&
                 c->activation->lookup(c->activation->ctx, a[0].s, c->arena, &v);
    return known ? v : a[1];
}

void cel_env_iam(cel_env *env)
{
    static const cel_function functions[] = {
        {"extract", "string.(string) string", extract, NULL},
        {"hasOnly", "list(A).(list(A)) bool", has_only, NULL},
        {"api.getAttribute", "(string, A) A", get_attribute, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(functions); i++)
        if (cel_env_function(env, &functions[i], NULL) != OK)
            abort(); // they are there already, or the table is wrong
}
