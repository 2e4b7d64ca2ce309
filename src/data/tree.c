// SPDX-License-Identifier: Apache-2.0
#include "data/tree.h"

#include <stdio.h>
#include <string.h>

// Below this many members a walk is faster than a hash.
enum { INDEX_FROM = 9 };

// Twice to four times the members: the table's size follows from their number.
static size_t index_cap(size_t len)
{
    size_t cap = 32;
    while (cap < len * 2)
        cap *= 2;
    return cap;
}

static void index_put(json **index, size_t cap, json *member)
{
    size_t slot = hash_str(member->key) & (cap - 1);
    while (index[slot])
        slot = (slot + 1) & (cap - 1);
    index[slot] = member;
}

static void index_build(json *obj, arena *a)
{
    obj->index = NULL;
    if (obj->type != JSON_OBJECT || obj->len < INDEX_FROM)
        return;
    size_t cap = index_cap(obj->len);
    obj->index = arena_array(a, cap, sizeof(json *));
    for (json *m = obj->first; m; m = m->next)
        index_put(obj->index, cap, m);
}

void tree_append(json *parent, str key, json *value, arena *a)
{
    value->parent = parent;
    value->key = key;
    value->next = NULL;
    if (parent->last)
        parent->last->next = value;
    else
        parent->first = value;
    parent->last = value;
    parent->len++;
    if (parent->index && index_cap(parent->len) == index_cap(parent->len - 1))
        index_put(parent->index, index_cap(parent->len), value);
    else
        index_build(parent, a);
}

// Puts value where the member `before` is now.
static void replace(json *before, json *value)
{
    json *parent = before->parent;
    value->parent = parent;
    value->key = before->key;
    value->next = before->next;
    if (parent->first == before)
        parent->first = value;
    for (json *m = parent->first; m != value && m; m = m->next)
        if (m->next == before)
            m->next = value;
    if (parent->last == before)
        parent->last = value;
    for (size_t i = 0; parent->index && i < index_cap(parent->len); i++)
        if (parent->index[i] == before)
            parent->index[i] = value;
}

json *tree_put(json *obj, str key, json *value, arena *a)
{
    json *there = tree_find(obj, key);
    if (!there) {
        tree_append(obj, key, value, a);
        return value;
    }
    value->parent = obj;
    value->key = there->key;
    value->next = there->next;
    *there = *value;
    for (json *m = json_first(there); m; m = m->next)
        m->parent = there;
    return there;
}

json *tree_find(const json *obj, str key)
{
    if (!obj || obj->type != JSON_OBJECT)
        return NULL;
    if (obj->index) {
        size_t cap = index_cap(obj->len);
        for (size_t slot = hash_str(key) & (cap - 1); obj->index[slot];
             slot = (slot + 1) & (cap - 1))
            if (str_eq(obj->index[slot]->key, key))
                return obj->index[slot];
        return NULL;
    }
    for (json *m = obj->first; m; m = m->next)
        if (str_eq(m->key, key))
            return m;
    return NULL;
}

const json *json_gets(const json *obj, str key)
{
    return tree_find(obj, key);
}

const json *json_get(const json *obj, const char *key)
{
    return tree_find(obj, str_from(key));
}

const json *json_at(const json *arr, size_t i)
{
    if (!json_is(arr, JSON_ARRAY))
        return NULL;
    const json *m = arr->first;
    while (m && i--)
        m = m->next;
    return m;
}

json *json_new(arena *a, json_type type)
{
    json *v = ARENA_NEW(a, json);
    v->type = type;
    if (type == JSON_NUMBER)
        v->text = STR("0");
    return v;
}

// A copy in which each malformed byte became U+FFFD.
static str valid_copy(arena *a, str text)
{
    if (utf8_valid(text))
        return arena_str(a, text);
    char *out = arena_array(a, text.len + 1, 3);
    size_t len = 0;
    while (text.len) {
        uint32_t cp;
        size_t n = utf8_decode(text, &cp);
        memcpy(out + len, n ? text.ptr : "\xEF\xBF\xBD", n ? n : 3);
        len += n ? n : 3;
        text = str_skip(text, n ? n : 1);
    }
    return (str){out, len};
}

json *json_new_str(arena *a, str text)
{
    json *v = json_new(a, JSON_STRING);
    v->text = valid_copy(a, text);
    return v;
}

json *json_new_i64(arena *a, int64_t value)
{
    json *v = json_new(a, JSON_NUMBER);
    v->text = arena_printf(a, "%lld", (long long)value);
    return v;
}

json *json_new_bool(arena *a, bool value)
{
    json *v = json_new(a, JSON_BOOL);
    v->boolean = value;
    return v;
}

json *json_copy(arena *a, const json *v)
{
    json *copy = json_new(a, v->type);
    if (v->type == JSON_BOOL)
        copy->boolean = v->boolean;
    else if (v->type == JSON_STRING || v->type == JSON_NUMBER)
        copy->text = arena_str(a, v->text);
    JSON_EACH (v, m)
        tree_append(copy, arena_str(a, m->key), json_copy(a, m), a);
    return copy;
}

json *json_set(arena *a, json *obj, str key, json *value)
{
    json *before = tree_find(obj, key);
    if (before)
        replace(before, value);
    else
        tree_append(obj, valid_copy(a, key), value, a);
    return value;
}

json *json_push(json *arr, json *value)
{
    tree_append(arr, STR_NONE, value, NULL); // arrays have no index to take memory for
    return value;
}

json *json_remove(arena *a, json *obj, str key)
{
    json *gone = tree_find(obj, key);
    if (!gone)
        return NULL;
    json *before = NULL;
    for (json *m = obj->first; m != gone; m = m->next)
        before = m;
    if (before)
        before->next = gone->next;
    else
        obj->first = gone->next;
    if (obj->last == gone)
        obj->last = before;
    obj->len--;
    gone->parent = gone->next = NULL;
    gone->key = STR_NONE;
    index_build(obj, a);
    return gone;
}

static bool members_eq(const json *a, const json *b)
{
    if (a->len != b->len)
        return false;
    const json *other = b->first;
    JSON_EACH (a, m) {
        if (!json_eq(m, a->type == JSON_OBJECT ? json_gets(b, m->key) : other))
            return false;
        other = other->next;
    }
    return true;
}

bool json_eq(const json *a, const json *b)
{
    if (!a || !b || a->type != b->type)
        return a == b;
    switch (a->type) {
    case JSON_NULL:
        return true;
    case JSON_BOOL:
        return a->boolean == b->boolean;
    case JSON_NUMBER:
    case JSON_STRING:
        return str_eq(a->text, b->text);
    case JSON_ARRAY:
    case JSON_OBJECT:
        return members_eq(a, b);
    }
    return false;
}

void json_wipe(json *v)
{
    if (v->type == JSON_STRING && v->text.len)
        secret_wipe((void *)(uintptr_t)v->text.ptr, v->text.len);
    for (json *m = json_first(v); m; m = m->next)
        json_wipe(m);
}
