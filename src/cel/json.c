// SPDX-License-Identifier: Apache-2.0
#include "cel/cel_json.h"

static cel_value number(arena *a, str text)
{
    int64_t i;
    return str_to_i64(text, &i) ? cel_int(i) : cel_double(strtod(arena_cstr(a, text), NULL));
}

// The depth is bounded by the parser's.
cel_value cel_from_json(arena *a, const json *v)
{
    if (!v || v->type == JSON_NULL)
        return cel_null();
    if (v->type == JSON_BOOL)
        return cel_bool(v->boolean);
    if (v->type == JSON_NUMBER)
        return number(a, v->text);
    if (v->type == JSON_STRING)
        return cel_string(v->text);
    size_t at = 0;
    if (v->type == JSON_ARRAY) {
        cel_value *items = arena_array(a, v->len, sizeof(*items));
        JSON_EACH (v, m)
            items[at++] = cel_from_json(a, m);
        return cel_list_of(items, at);
    }
    cel_entry *entries = arena_array(a, v->len, sizeof(*entries));
    JSON_EACH (v, m)
        entries[at++] = (cel_entry){cel_string(m->key), cel_from_json(a, m)};
    return cel_map_of(entries, at);
}
