// SPDX-License-Identifier: Apache-2.0
// The macros: calls that the parser replaces, because they bind names or look at how their argument
// is written. A call of the same name and another number of arguments is an ordinary call.
#include "cel/parse.h"

typedef struct macro macro;
struct macro {
    const char *name;
    uint8_t args; // without the receiver
    cel_comprehension op;
    uint8_t variables;
};

// Called on their range: list.all(x, x > 0).
static const macro macros[] = {
    {"all", 2, COMPREHEND_ALL, 1},
    {"all", 3, COMPREHEND_ALL, 2},
    {"exists", 2, COMPREHEND_EXISTS, 1},
    {"exists", 3, COMPREHEND_EXISTS, 2},
    {"exists_one", 2, COMPREHEND_EXISTS_ONE, 1},
    {"existsOne", 2, COMPREHEND_EXISTS_ONE, 1},
    {"existsOne", 3, COMPREHEND_EXISTS_ONE, 2},
    {"map", 2, COMPREHEND_LIST, 1},
    {"map", 3, COMPREHEND_LIST, 1},
    {"filter", 2, COMPREHEND_FILTER, 1},
    {"transformList", 3, COMPREHEND_LIST, 2},
    {"transformList", 4, COMPREHEND_LIST, 2},
    {"transformMap", 3, COMPREHEND_MAP, 2},
    {"transformMap", 4, COMPREHEND_MAP, 2},
    {"transformMapEntry", 3, COMPREHEND_ENTRIES, 2},
    {"transformMapEntry", 4, COMPREHEND_ENTRIES, 2},
    {"optMap", 2, COMPREHEND_OPT_MAP, 1},
    {"optFlatMap", 2, COMPREHEND_OPT_FLAT_MAP, 1},
};

static bool variable_name(const cel_node *n)
{
    return n->kind == NODE_IDENT && n->name.ptr[0] != '.';
}

static cel_node *expand_comprehension(cel_parser *p, const cel_node *call, const macro *m)
{
    str *names = arena_array(&p->program->arena, m->variables, sizeof(str));
    cel_nodes args = {0};
    for (size_t i = 0; i < m->variables; i++) {
        const cel_node *name = call->args[1 + i];
        if (!variable_name(name))
            return cel_parse_fail(p, name->offset, "%s needs the name of a variable here", m->name);
        names[i] = name->name;
    }
    if (m->variables == 2 && str_eq(names[0], names[1]))
        return cel_parse_fail(p, call->args[2]->offset, "%s needs two different names", m->name);
    vec_push(&args, call->args[0]);
    for (size_t i = 1u + m->variables; i < call->arg_count; i++)
        vec_push(&args, call->args[i]);
    cel_node *n = cel_parse_node(p, NODE_COMPREHENSION, call->offset, args.ptr, args.len);
    vec_deinit(&args);
    if (!n)
        return NULL;
    n->op = (uint8_t)m->op;
    n->var_count = m->variables;
    n->names = names;
    n->name = call->name;
    return n;
}

static cel_node *expand_has(cel_parser *p, cel_node *call)
{
    cel_node *field = call->args[0];
    if (field->kind != NODE_SELECT || field->optional || field->test)
        return cel_parse_fail(p, field->offset, "has() asks for a field: has(a.b)");
    field->test = true;
    return field;
}

static cel_node *bind(cel_parser *p, uint32_t offset, str name, cel_node *const args[2])
{
    cel_node *n = cel_parse_node(p, NODE_COMPREHENSION, offset, args, 2);
    str *kept = ARENA_NEW(&p->program->arena, str);
    if (!n)
        return NULL;
    *kept = name;
    n->op = COMPREHEND_BIND;
    n->var_count = 1;
    n->names = kept;
    n->name = STR("cel.bind");
    return n;
}

static str block_name(cel_parser *p, int64_t index)
{
    return arena_printf(&p->program->arena, "@index%lld", (long long)index);
}

// cel.block([a, b], e): a is named @index0 in b and e, b is @index1 in e.
static cel_node *expand_block(cel_parser *p, const cel_node *call)
{
    const cel_node *list = call->args[1];
    cel_node *n = call->args[2];
    if (list->kind != NODE_LIST)
        return cel_parse_fail(p, list->offset, "cel.block needs a list of expressions");
    for (uint32_t i = list->arg_count; n && i-- > 0;)
        n = bind(p, list->args[i]->offset, block_name(p, i), (cel_node *[]){list->args[i], n});
    return n;
}

// cel.index(N), cel.iterVar(N, M), cel.accuVar(N, M): the names that an optimiser gives.
static cel_node *expand_index(cel_parser *p, const cel_node *call)
{
    int64_t at[2] = {0};
    for (uint32_t i = 1; i < call->arg_count; i++) {
        const cel_node *n = call->args[i];
        if (n->kind != NODE_LITERAL || n->value.kind != CEL_INT || n->value.i < 0)
            return cel_parse_fail(p, n->offset, "a number that isn't negative should stand here");
        at[i - 1] = n->value.i;
    }
    cel_node *n = cel_parse_node(p, NODE_IDENT, call->offset, NULL, 0);
    if (n && call->arg_count == 2)
        n->name = block_name(p, at[0]);
    else if (n)
        n->name = arena_printf(&p->program->arena, "@%s:%lld:%lld",
                               str_eq(call->name, STR("iterVar")) ? "it" : "ac", (long long)at[0],
                               (long long)at[1]);
    return n;
}

static cel_node *expand_cel(cel_parser *p, cel_node *call)
{
    uint32_t args = call->arg_count - 1;
    if (args == 3 && str_eq(call->name, STR("bind"))) {
        if (!variable_name(call->args[1]))
            return cel_parse_fail(p, call->args[1]->offset,
                                  "cel.bind needs the name of a variable here");
        return bind(p, call->offset, call->args[1]->name, call->args + 2);
    }
    if (args == 2 && str_eq(call->name, STR("block")))
        return expand_block(p, call);
    if ((args == 1 && str_eq(call->name, STR("index"))) ||
        (args == 2 && (str_eq(call->name, STR("iterVar")) || str_eq(call->name, STR("accuVar")))))
        return expand_index(p, call);
    return call;
}

// math.greatest and math.least take any number of numbers: more than two become a list.
static cel_node *expand_math(cel_parser *p, cel_node *call)
{
    if (call->arg_count <= 3 ||
        !(str_eq(call->name, STR("greatest")) || str_eq(call->name, STR("least"))))
        return call;
    cel_node *args[2] = {call->args[0], cel_parse_node(p, NODE_LIST, call->offset, call->args + 1,
                                                       call->arg_count - 1)};
    cel_node *n = args[1] ? cel_parse_node(p, NODE_CALL, call->offset, args, 2) : NULL;
    if (!n)
        return NULL;
    n->member = true;
    n->name = call->name;
    return n;
}

cel_node *cel_expand_macro(cel_parser *p, cel_node *call)
{
    if (!call->member)
        return call->arg_count == 1 && str_eq(call->name, STR("has")) ? expand_has(p, call) : call;
    const cel_node *receiver = call->args[0];
    if (receiver->kind == NODE_IDENT && str_eq(receiver->name, STR("cel")))
        return expand_cel(p, call);
    if (receiver->kind == NODE_IDENT && str_eq(receiver->name, STR("math")))
        return expand_math(p, call);
    for (size_t i = 0; i < ARRAY_LEN(macros); i++)
        if (call->arg_count == macros[i].args + 1u && str_eq(call->name, str_from(macros[i].name)))
            return expand_comprehension(p, call, &macros[i]);
    return call;
}
