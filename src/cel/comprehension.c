// SPDX-License-Identifier: Apache-2.0
// The macros that go over a list or a map, and those that bind one value.
#include "cel/eval.h"

typedef struct walk walk;
struct walk {
    cel_call *call;
    const cel_node *node;
    cel_value range;
    size_t at;
    VEC(cel_value) items;   // COMPREHEND_LIST, COMPREHEND_FILTER
    VEC(cel_entry) entries; // COMPREHEND_MAP, COMPREHEND_ENTRIES
    cel_value error;        // kept by all and exists: a later answer may win
    size_t hits;            // COMPREHEND_EXISTS_ONE
};

static size_t range_len(const cel_value *v)
{
    return v->kind == CEL_LIST ? v->list.len : v->map.len;
}

// Binds the variables to the element at w->at. One variable is a list's value or a map's key; two
// are a list's index and value, a map's key and value.
static void bind_element(const walk *w)
{
    cel_value *slots = &w->call->slots[w->node->slot];
    bool list = w->range.kind == CEL_LIST, two = w->node->var_count == 2;
    const cel_entry *entry = list ? NULL : &w->range.map.entries[w->at];
    cel_value value = list ? w->range.list.items[w->at] : entry->value;
    slots[0] = !list ? entry->key : two ? cel_int((int64_t)w->at) : value;
    if (two)
        slots[1] = value;
}

static cel_value predicate(cel_call *c, const cel_node *n)
{
    cel_value v = cel_eval_node(c, n);
    c->offset = n->offset;
    return v.kind == CEL_BOOL || v.kind == CEL_ERROR ? v : cel_no_overload(c);
}

// One step of all, exists or exists_one: true when the answer is known, in *ret.
static bool step_quantifier(walk *w, cel_value *ret)
{
    cel_value v = predicate(w->call, w->node->args[1]);
    if (w->node->op == COMPREHEND_EXISTS_ONE) {
        w->hits += v.kind == CEL_BOOL && v.b;
        *ret = v;
        return v.kind == CEL_ERROR;
    }
    if (v.kind == CEL_ERROR) {
        if (w->error.kind != CEL_ERROR)
            w->error = v;
        return false;
    }
    *ret = v;
    return v.b == (w->node->op == COMPREHEND_EXISTS);
}

static cel_value add_entry(walk *w, cel_value key, cel_value value)
{
    cel_map so_far = {w->entries.ptr, w->entries.len};
    cel_entry entry = {key, value};
    if (cel_map_get_in(w->call, &so_far, &key))
        return cel_call_error(w->call, "repeated key: the map has the same key twice");
    cel_call_charge(w->call, 2);
    vec_push(&w->entries, entry);
    return cel_null();
}

static cel_value add_entries(walk *w, const cel_value *made)
{
    cel_value done = cel_null();
    if (made->kind != CEL_MAP)
        return cel_no_overload(w->call);
    for (size_t i = 0; i < made->map.len && done.kind != CEL_ERROR && !w->call->over; i++)
        done = add_entry(w, made->map.entries[i].key, made->map.entries[i].value);
    return done;
}

// One step of map, filter and the transforms: an error, or null.
static cel_value step_transform(walk *w)
{
    const cel_node *n = w->node;
    cel_value first = w->call->slots[n->slot];
    bool filter = n->op == COMPREHEND_FILTER;
    if (filter || n->arg_count == 3) {
        cel_value keep = predicate(w->call, n->args[1]);
        if (keep.kind == CEL_ERROR || !keep.b)
            return keep;
    }
    cel_value v = filter ? first : cel_eval_node(w->call, n->args[n->arg_count - 1]);
    w->call->offset = n->offset;
    if (v.kind == CEL_ERROR)
        return v;
    if (n->op == COMPREHEND_MAP)
        return add_entry(w, first, v);
    if (n->op == COMPREHEND_ENTRIES)
        return add_entries(w, &v);
    cel_call_charge(w->call, 1);
    vec_push(&w->items, v);
    return cel_null();
}

static cel_value walk_result(walk *w)
{
    cel_call *c = w->call;
    switch ((cel_comprehension)w->node->op) {
    case COMPREHEND_ALL:
    case COMPREHEND_EXISTS:
        return w->error.kind == CEL_ERROR ? w->error : cel_bool(w->node->op == COMPREHEND_ALL);
    case COMPREHEND_EXISTS_ONE:
        return cel_bool(w->hits == 1);
    case COMPREHEND_MAP:
    case COMPREHEND_ENTRIES: {
        cel_entry *kept = arena_array(c->arena, w->entries.len, sizeof(*kept));
        for (size_t i = 0; i < w->entries.len; i++)
            kept[i] = w->entries.ptr[i];
        return cel_map_of(kept, w->entries.len);
    }
    default: {
        cel_value *kept = arena_array(c->arena, w->items.len, sizeof(*kept));
        for (size_t i = 0; i < w->items.len; i++)
            kept[i] = w->items.ptr[i];
        return cel_list_of(kept, w->items.len);
    }
    }
}

static cel_value run(walk *w)
{
    bool quantifier = w->node->op <= COMPREHEND_EXISTS_ONE;
    cel_value v = cel_null();
    for (; w->at < range_len(&w->range) && !w->call->over; w->at++) {
        bind_element(w);
        if (quantifier ? step_quantifier(w, &v) : (v = step_transform(w)).kind == CEL_ERROR)
            return v;
    }
    return walk_result(w);
}

static cel_value bind_one(cel_call *c, const cel_node *n, cel_value v)
{
    if (n->op != COMPREHEND_BIND && v.kind == CEL_ERROR)
        return v;
    if (n->op != COMPREHEND_BIND && v.kind != CEL_OPTIONAL)
        return cel_no_overload(c);
    if (n->op != COMPREHEND_BIND && !v.some)
        return v;
    // An error may be bound: it counts where the name is used.
    c->slots[n->slot] = n->op == COMPREHEND_BIND ? v : *v.some;
    cel_value made = cel_eval_node(c, n->args[1]);
    c->offset = n->offset;
    if (n->op == COMPREHEND_OPT_FLAT_MAP && made.kind != CEL_OPTIONAL && made.kind != CEL_ERROR)
        return cel_no_overload(c);
    return n->op == COMPREHEND_OPT_MAP && made.kind != CEL_ERROR ? cel_optional_of(c, made) : made;
}

cel_value cel_eval_comprehension(cel_call *c, const cel_node *n)
{
    cel_value range = cel_eval_node(c, n->args[0]);
    c->offset = n->offset;
    if (n->op >= COMPREHEND_BIND)
        return bind_one(c, n, range);
    if (range.kind != CEL_LIST && range.kind != CEL_MAP)
        return range.kind == CEL_ERROR ? range : cel_no_overload(c);
    walk w = {.call = c, .node = n, .range = range};
    cel_value v = run(&w);
    vec_deinit(&w.items);
    vec_deinit(&w.entries);
    return v;
}
