// SPDX-License-Identifier: Apache-2.0
// Walks the tree. Errors are values: they pass through everything but && and ||, which may know
// their answer without them. Depth is bounded by the tree's, work by limits.cost.
#include <math.h>

#include "cel/eval.h"
#include "cel/message.h"

void *cel_call_ctx(const cel_call *call)
{
    return call->ctx;
}

arena *cel_call_arena(cel_call *call)
{
    return call->arena;
}

bool cel_call_charge(cel_call *call, size_t units)
{
    call->cost += units;
    if (call->cost > call->program->limits.cost)
        call->over = true;
    return !call->over;
}

cel_value cel_call_error(cel_call *call, const char *fmt, ...)
{
    cel_value v = {.kind = CEL_ERROR, .offset = call->offset};
    va_list ap;
    va_start(ap, fmt);
    v.s = call->over ? STR("too much work") : arena_vprintf(call->arena, fmt, ap);
    va_end(ap);
    cel_call_charge(call, 1 + v.s.len / 16);
    return v;
}

cel_value cel_no_overload(cel_call *c)
{
    return cel_call_error(c, "no such overload: the operation isn't defined for these values");
}

cel_value cel_optional_none(void)
{
    return (cel_value){.kind = CEL_OPTIONAL};
}

cel_value cel_optional_of(cel_call *c, cel_value v)
{
    cel_value *kept = ARENA_NEW(c->arena, cel_value);
    *kept = v;
    return (cel_value){.kind = CEL_OPTIONAL, .some = kept};
}

void cel_text_start(cel_call *c, buf *out)
{
    uint64_t max = c->program->limits.cost;
    buf_init(out, c->over || c->cost >= max ? 1 : (max - c->cost) * 16);
}

cel_value cel_text_end(cel_call *c, buf *out, cel_kind kind)
{
    cel_value v = {.kind = kind};
    if (!buf_ok(out))
        c->over = true;
    if (cel_call_charge(c, out->len / 16))
        v.s = arena_str(c->arena, buf_str(out));
    buf_deinit(out);
    return v;
}

// ---- Fields and elements --------------------------------------------------------------------

// A whole number as an index, or false.
static bool index_of(const cel_value *key, int64_t *ret)
{
    if (key->kind == CEL_DOUBLE && (!(fabs(key->d) < 1e15) || key->d != trunc(key->d)))
        return false;
    if (key->kind == CEL_UINT && key->u > INT64_MAX)
        return false;
    *ret = key->kind == CEL_DOUBLE ? (int64_t)key->d : key->i;
    return cel_is_number(key);
}

static cel_value cel_index(cel_call *c, const cel_value *of, const cel_value *key, bool *ret_found)
{
    int64_t i;
    *ret_found = false;
    if (of->kind == CEL_MAP) {
        const cel_value *v = cel_map_get_in(c, &of->map, key);
        *ret_found = v != NULL;
        return v ? *v : cel_null();
    }
    if (of->kind != CEL_LIST)
        return cel_no_overload(c);
    if (!index_of(key, &i))
        return cel_call_error(c, "no such overload: a list's index is a whole number");
    *ret_found = i >= 0 && (uint64_t)i < of->list.len;
    return *ret_found ? of->list.items[i] : cel_null();
}

static cel_value absent(cel_call *c, const cel_value *of, const cel_value *key)
{
    buf text;
    cel_text_start(c, &text);
    cel_scalar_text(key, &text);
    str shown = str_sub(buf_str(&text), 0, 80);
    cel_value v = of->kind == CEL_LIST
                      ? cel_call_error(c, "the list has no index " STR_FMT, STR_ARG(shown))
                      : cel_call_error(c, "no such key: '" STR_FMT "'", STR_ARG(shown));
    buf_deinit(&text);
    return v;
}

// The part of an optional is an optional.
static cel_value part(cel_call *c, const cel_node *n, cel_value of, const cel_value *key)
{
    bool optional = n->optional || of.kind == CEL_OPTIONAL, found;
    if (of.kind == CEL_OPTIONAL) {
        if (!of.some)
            return n->test ? cel_bool(false) : of;
        of = *of.some;
    }
    if (n->kind == NODE_SELECT && of.kind != CEL_MAP)
        return cel_call_error(c, "no such overload: only a map has fields, and this is " STR_FMT,
                              STR_ARG(cel_value_type(&of)->name));
    cel_value v = cel_index(c, &of, key, &found);
    if (v.kind == CEL_ERROR)
        return v;
    if (n->test)
        return cel_bool(found);
    if (optional)
        return found ? cel_optional_of(c, v) : cel_optional_none();
    return found ? v : absent(c, &of, key);
}

static cel_value eval_select(cel_call *c, const cel_node *n)
{
    cel_value of = cel_eval_node(c, n->args[0]), key = cel_string(n->name);
    c->offset = n->offset;
    return of.kind == CEL_ERROR ? of : part(c, n, of, &key);
}

static cel_value eval_index(cel_call *c, const cel_node *n)
{
    cel_value of = cel_eval_node(c, n->args[0]);
    if (of.kind == CEL_ERROR)
        return of;
    cel_value key = cel_eval_node(c, n->args[1]);
    c->offset = n->offset;
    return key.kind == CEL_ERROR ? key : part(c, n, of, &key);
}

static cel_value eval_variable(cel_call *c, const cel_node *n)
{
    cel_value *v = &c->variables[n->slot];
    const cel_activation *a = c->activation;
    str name = c->program->variables[n->slot]->name;
    c->offset = n->offset;
    if (v->kind == CEL_DYN && !(a && a->lookup && a->lookup(a->ctx, name, c->arena, v)))
        *v = cel_call_error(c, "the variable '" STR_FMT "' has no value", STR_ARG(name));
    return *v;
}

// ---- Calls ----------------------------------------------------------------------------------

static bool fits(const cel_type *t, const cel_value *v)
{
    return t->kind == v->kind || t->kind == CEL_DYN || t->kind == CEL_PARAM ||
           t->kind == CEL_ABSTRACT;
}

static const cel_overload *pick(const cel_node *n, const cel_value *args)
{
    for (const cel_overload *o = n->overloads->first; o; o = o->next) {
        if (o->member != n->member || o->count != n->arg_count || !o->fn)
            continue;
        uint8_t i = 0;
        while (i < o->count &&
               (fits(o->args[i], &args[i]) || (o->lazy && args[i].kind == CEL_ERROR)))
            i++;
        if (i == o->count)
            return o;
    }
    return NULL;
}

// What a function reads of its texts counts here, for all of them; what it makes, where it is made.
static void charge_texts(cel_call *c, const cel_value *args, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (args[i].kind == CEL_STRING || args[i].kind == CEL_BYTES)
            cel_call_charge(c, args[i].s.len / 16);
}

static cel_value not_defined(cel_call *c, const cel_node *n, const cel_value *args)
{
    buf types;
    buf_init(&types, 400);
    for (uint32_t i = 0; i < n->arg_count; i++)
        buf_addf(&types, "%s" STR_FMT, i ? ", " : "", STR_ARG(cel_value_type(&args[i])->name));
    cel_value v = cel_call_error(c, "no such overload: '" STR_FMT "' isn't defined for " STR_FMT,
                                 STR_ARG(cel_plain_name(n->name)), STR_ARG(buf_str(&types)));
    buf_deinit(&types);
    return v;
}

static cel_value eval_call(cel_call *c, const cel_node *n)
{
    cel_value args[CEL_FUNCTION_ARGS_MAX];
    c->offset = n->offset;
    if (!n->overloads || n->arg_count > CEL_FUNCTION_ARGS_MAX)
        return cel_call_error(c, "there is no function '" STR_FMT "' with %u arguments",
                              STR_ARG(n->name), n->arg_count);
    for (uint32_t i = 0; i < n->arg_count; i++) {
        args[i] = cel_eval_node(c, n->args[i]);
        if (args[i].kind == CEL_ERROR && !(i && n->overloads->first->lazy))
            return args[i];
    }
    c->offset = n->offset;
    charge_texts(c, args, n->arg_count);
    if (c->over)
        return cel_null();
    const cel_overload *o = pick(n, args);
    if (!o)
        return not_defined(c, n, args);
    c->node = n;
    c->ctx = o->ctx;
    return o->fn(c, args, n->arg_count);
}

// ---- Logic ----------------------------------------------------------------------------------

// && and || know their answer from one argument, whatever becomes of the others.
static cel_value eval_logic(cel_call *c, const cel_node *n)
{
    bool decisive = n->kind == NODE_OR;
    cel_value error = {.kind = CEL_NULL};
    for (uint32_t i = 0; i < n->arg_count && !c->over; i++) {
        cel_value v = cel_eval_node(c, n->args[i]);
        if (v.kind == CEL_BOOL && v.b == decisive)
            return v;
        c->offset = n->args[i]->offset;
        if (v.kind != CEL_BOOL && error.kind != CEL_ERROR)
            error = v.kind == CEL_ERROR ? v : cel_no_overload(c);
    }
    return error.kind == CEL_ERROR ? error : cel_bool(!decisive);
}

static cel_value eval_conditional(cel_call *c, const cel_node *n)
{
    cel_value v = cel_eval_node(c, n->args[0]);
    if (v.kind == CEL_ERROR)
        return v;
    c->offset = n->offset;
    return v.kind == CEL_BOOL ? cel_eval_node(c, n->args[v.b ? 1 : 2]) : cel_no_overload(c);
}

// ---- Literals -------------------------------------------------------------------------------

// The element's value; *ret_absent when it is an empty optional.
static cel_value eval_element(cel_call *c, const cel_node *n, bool *ret_absent)
{
    *ret_absent = false;
    if (n->kind != NODE_OPTIONAL)
        return cel_eval_node(c, n);
    cel_value v = cel_eval_node(c, n->args[0]);
    if (v.kind == CEL_ERROR)
        return v;
    c->offset = n->offset;
    if (v.kind != CEL_OPTIONAL)
        return cel_no_overload(c);
    *ret_absent = !v.some;
    return v.some ? *v.some : v;
}

static cel_value eval_list(cel_call *c, const cel_node *n)
{
    cel_value *items = arena_array(c->arena, n->arg_count, sizeof(*items));
    size_t len = 0;
    bool is_absent;
    for (uint32_t i = 0; i < n->arg_count; i++) {
        items[len] = eval_element(c, n->args[i], &is_absent);
        if (items[len].kind == CEL_ERROR)
            return items[len];
        len += !is_absent;
    }
    return cel_list_of(items, len);
}

static bool key_kind(const cel_value *v)
{
    return v->kind == CEL_INT || v->kind == CEL_UINT || v->kind == CEL_BOOL ||
           v->kind == CEL_STRING;
}

static cel_value eval_map(cel_call *c, const cel_node *n)
{
    cel_entry *entries = arena_array(c->arena, n->arg_count / 2, sizeof(*entries));
    cel_map made = {entries, 0};
    bool is_absent;
    for (uint32_t i = 0; i + 1 < n->arg_count; i += 2) {
        cel_value key = cel_eval_node(c, n->args[i]);
        if (key.kind == CEL_ERROR)
            return key;
        cel_value value = eval_element(c, n->args[i + 1], &is_absent);
        if (value.kind == CEL_ERROR)
            return value;
        c->offset = n->args[i]->offset;
        if (!key_kind(&key))
            return cel_call_error(c, "unsupported key type: a map's key is a bool, an int, an uint "
                                     "or a string");
        if (cel_map_get_in(c, &made, &key))
            return cel_call_error(c, "repeated key: the map has the same key twice");
        entries[made.len] = (cel_entry){key, value};
        made.len += !is_absent;
    }
    return (cel_value){.kind = CEL_MAP, .map = made};
}

static cel_value eval_unknown(cel_call *c, const cel_node *n)
{
    c->offset = n->offset;
    if (n->kind == NODE_MESSAGE && n->type)
        return cel_message_eval(c, n);
    return cel_call_error(c, "there is no %s '" STR_FMT "'",
                          n->kind == NODE_MESSAGE ? "message type" : "variable", STR_ARG(n->name));
}

cel_value cel_eval_node(cel_call *c, const cel_node *n)
{
    c->offset = n->offset;
    if (!cel_call_charge(c, 1))
        return (cel_value){.kind = CEL_ERROR, .offset = n->offset, .s = STR("too much work")};
    switch (n->kind) {
    case NODE_LITERAL:
        return n->value;
    case NODE_LOCAL:
        return c->slots[n->slot];
    case NODE_VARIABLE:
        return eval_variable(c, n);
    case NODE_SELECT:
        return eval_select(c, n);
    case NODE_INDEX:
        return eval_index(c, n);
    case NODE_CALL:
        return eval_call(c, n);
    case NODE_AND:
    case NODE_OR:
        return eval_logic(c, n);
    case NODE_CONDITIONAL:
        return eval_conditional(c, n);
    case NODE_LIST:
        return eval_list(c, n);
    case NODE_MAP:
        return eval_map(c, n);
    case NODE_COMPREHENSION:
        return cel_eval_comprehension(c, n);
    default: // NODE_UNKNOWN, NODE_MESSAGE; a NODE_OPTIONAL is only an element
        return eval_unknown(c, n);
    }
}

bool cel_lookup_map(void *values, str name, arena *a, cel_value *ret_value)
{
    cel_value key = cel_string(name);
    const cel_value *v = cel_map_get(values, &key);
    (void)a;
    if (v)
        *ret_value = *v;
    return v != NULL;
}

cel_value cel_eval(const cel_program *p, arena *a, const cel_activation *activation)
{
    cel_call c = {.program = p, .arena = a, .activation = activation};
    c.slots = arena_array(a, p->slot_count, sizeof(*c.slots));
    c.variables = arena_array(a, p->variable_count, sizeof(*c.variables));
    for (uint32_t i = 0; i < p->variable_count; i++)
        c.variables[i].kind = CEL_DYN;
    cel_value v = cel_eval_node(&c, p->root);
    if (!c.over)
        return v;
    return (cel_value){.kind = CEL_ERROR,
                       .offset = c.offset,
                       .s = arena_printf(a, "too much work: more than %llu steps",
                                         (unsigned long long)p->limits.cost)};
}
