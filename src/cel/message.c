// SPDX-License-Identifier: Apache-2.0
// The only messages here: protobuf's wrappers, google.protobuf.Int64Value{value: 1}, which are just
// the value that they hold.
#include "cel/message.h"

typedef struct wrapper wrapper;
struct wrapper {
    const char *name;
    cel_kind kind;
    bool narrow; // 32 bits
};

static const wrapper wrappers[] = {
    {"google.protobuf.BoolValue", CEL_BOOL, false},
    {"google.protobuf.BytesValue", CEL_BYTES, false},
    {"google.protobuf.DoubleValue", CEL_DOUBLE, false},
    {"google.protobuf.FloatValue", CEL_DOUBLE, true},
    {"google.protobuf.Int32Value", CEL_INT, true},
    {"google.protobuf.Int64Value", CEL_INT, false},
    {"google.protobuf.StringValue", CEL_STRING, false},
    {"google.protobuf.UInt32Value", CEL_UINT, true},
    {"google.protobuf.UInt64Value", CEL_UINT, false},
};

static const wrapper *find(str name)
{
    for (size_t i = 0; i < ARRAY_LEN(wrappers); i++)
        if (str_eq(name, str_from(wrappers[i].name)))
            return &wrappers[i];
    return NULL;
}

void cel_message_resolve(const cel_env *env, cel_node *n)
{
    const wrapper *w = NULL;
    buf full;
    buf_init(&full, env->container.len + n->name.len + 2);
    for (size_t i = 0; !w && cel_env_candidate(env, n->name, i, &full); i++)
        w = find(buf_str(&full));
    buf_deinit(&full);
    if (!w || n->arg_count > 1 ||
        (n->arg_count && (!str_eq(n->names[0], STR("value")) || n->args[0]->kind == NODE_OPTIONAL)))
        return;
    n->name = str_from(w->name);
    n->type = cel_type_of(w->kind);
}

cel_value cel_message_eval(cel_call *c, const cel_node *n)
{
    const wrapper *w = find(n->name);
    cel_value v = n->arg_count ? cel_eval_node(c, n->args[0]) : (cel_value){.kind = w->kind};
    c->offset = n->offset;
    if (v.kind == CEL_ERROR)
        return v;
    if (v.kind != w->kind)
        return cel_no_overload(c);
    if (w->narrow && ((v.kind == CEL_INT && (v.i < INT32_MIN || v.i > INT32_MAX)) ||
                      (v.kind == CEL_UINT && v.u > UINT32_MAX)))
        return cel_call_error(c, "range error: the number needs more than 32 bits");
    if (w->narrow && v.kind == CEL_DOUBLE)
        v.d = (double)(float)v.d;
    return v;
}
