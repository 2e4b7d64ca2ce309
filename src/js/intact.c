// SPDX-License-Identifier: Apache-2.0
#include "js/intact.h"

static void no_exception(JSContext *ctx)
{
    JS_FreeValue(ctx, JS_GetException(ctx));
}

static void free_property(JSContext *ctx, JSPropertyDescriptor *p)
{
    JS_FreeValue(ctx, p->value);
    JS_FreeValue(ctx, p->getter);
    JS_FreeValue(ctx, p->setter);
}

static bool look(JSContext *ctx, JSValueConst owner, JSAtom key, JSPropertyDescriptor *ret)
{
    int there = JS_GetOwnProperty(ctx, ret, owner, key);
    if (there <= 0)
        *ret = (JSPropertyDescriptor){0, JS_UNDEFINED, JS_UNDEFINED, JS_UNDEFINED};
    if (there < 0)
        no_exception(ctx);
    return there > 0;
}

// Is it the very same value? (JS_StrictEq takes longer, and this is asked often.)
static bool is(JSValueConst a, JSValueConst b)
{
    int tag = JS_VALUE_GET_TAG(a);
    if (tag != JS_VALUE_GET_TAG(b))
        return false;
    if (JS_VALUE_HAS_REF_COUNT(a))
        return JS_VALUE_GET_PTR(a) == JS_VALUE_GET_PTR(b);
    if (JS_TAG_IS_FLOAT64(tag))
        return JS_VALUE_GET_FLOAT64(a) == JS_VALUE_GET_FLOAT64(b);
    return JS_VALUE_GET_INT(a) == JS_VALUE_GET_INT(b);
}

static bool same(const intact_member *a, const intact_member *b)
{
    return a->there == b->there && is(a->property.value, b->property.value) &&
           is(a->property.getter, b->property.getter) && is(a->property.setter, b->property.setter);
}

// Makes the owner's property what the member says. No code of a script runs.
static bool put(JSContext *ctx, const intact_member *m)
{
    const JSPropertyDescriptor *p = &m->property;
    int flags = (p->flags & JS_PROP_C_W_E) | JS_PROP_HAS_CONFIGURABLE | JS_PROP_HAS_ENUMERABLE;
    flags |= p->flags & JS_PROP_GETSET ? JS_PROP_HAS_GET | JS_PROP_HAS_SET
                                       : JS_PROP_HAS_VALUE | JS_PROP_HAS_WRITABLE;
    int done = m->there
                   ? JS_DefineProperty(ctx, m->owner, m->key, p->value, p->getter, p->setter, flags)
                   : JS_DeleteProperty(ctx, m->owner, m->key, 0);
    if (done < 0)
        no_exception(ctx);
    return done > 0;
}

static bool has_prototype(JSContext *ctx, const intact_owner *o)
{
    JSValue now = JS_GetPrototype(ctx, o->object);
    bool same_one = is(now, o->prototype);
    JS_FreeValue(ctx, now);
    return same_one;
}

bool intact_keep(intact *in, JSContext *ctx, JSValueConst owner, JSValueConst keys, bool used)
{
    uint32_t count;
    JSValue length = JS_GetPropertyStr(ctx, keys, "length");
    if (JS_ToUint32(ctx, &count, length)) // a number in an array
        return false;
    if (!in->owners.len) {
        in->plain = JS_DupValue(ctx, owner);
        in->plain_count = count;
    }
    intact_owner o = {JS_DupValue(ctx, owner), JS_GetPrototype(ctx, owner)};
    vec_push(&in->owners, o);
    for (uint32_t i = 0; i < count; i++) {
        JSValue name = JS_GetPropertyUint32(ctx, keys, i);
        intact_member m = {.owner = owner, .key = JS_ValueToAtom(ctx, name)};
        JS_FreeValue(ctx, name);
        m.there = look(ctx, owner, m.key, &m.property);
        if (!m.there || m.property.flags & (JS_PROP_CONFIGURABLE | JS_PROP_WRITABLE)) {
            vec_push(used ? &in->members : &in->others, m);
            continue;
        }
        free_property(ctx, &m.property);
        JS_FreeAtom(ctx, m.key);
    }
    return true;
}

static void renew(JSContext *ctx, intact_members *list)
{
    VEC_FOREACH (list, m) {
        free_property(ctx, &m->property);
        m->there = look(ctx, m->owner, m->key, &m->property);
    }
}

void intact_renew(intact *in, JSContext *ctx)
{
    renew(ctx, &in->members);
    renew(ctx, &in->others);
}

// ---- there and back -----------------------------------------------------------------------------

static bool is_kept(const intact *in, JSAtom key)
{
    VEC_FOREACH (&in->members, m) {
        if (JS_VALUE_GET_PTR(m->owner) != JS_VALUE_GET_PTR(in->plain))
            return false; // those of Object.prototype come first
        if (m->key == key)
            return true;
    }
    return false;
}

// Appends what a script added to every object; the keys are counted.
static void find_added(const intact *in, JSContext *ctx, intact_members *ret)
{
    JSPropertyEnum *names;
    uint32_t count;
    if (JS_GetOwnPropertyNames(ctx, &names, &count, in->plain,
                               JS_GPN_STRING_MASK | JS_GPN_SYMBOL_MASK)) {
        no_exception(ctx);
        return;
    }
    for (uint32_t i = 0; count != in->plain_count && i < count; i++) {
        intact_member m = {.owner = in->plain, .key = names[i].atom};
        if (is_kept(in, m.key) || !look(ctx, m.owner, m.key, &m.property))
            continue;
        m.there = true;
        m.key = JS_DupAtom(ctx, m.key);
        vec_push(ret, m);
    }
    for (uint32_t i = 0; i < count; i++)
        JS_FreeAtom(ctx, names[i].atom);
    js_free(ctx, names);
}

// Puts the originals in place and appends what was there. False when one can't be put.
static bool put_originals(JSContext *ctx, const intact_members *list, intact_members *ret)
{
    bool all = true;
    VEC_FOREACH (list, m) {
        intact_member now = {.owner = m->owner, .key = m->key};
        now.there = look(ctx, now.owner, now.key, &now.property);
        if (same(m, &now)) {
            free_property(ctx, &now.property);
            continue;
        }
        JS_DupAtom(ctx, now.key);
        vec_push(ret, now);
        all = put(ctx, m) && all;
    }
    return all;
}

static bool put_prototypes(const intact *in, JSContext *ctx)
{
    bool all = true;
    VEC_FOREACH (&in->owners, o) {
        if (has_prototype(ctx, o) || JS_SetPrototype(ctx, o->object, o->prototype) > 0)
            continue;
        no_exception(ctx);
        all = false;
    }
    return all;
}

static void drop(JSContext *ctx, intact_members *list)
{
    VEC_FOREACH (list, m) {
        free_property(ctx, &m->property);
        JS_FreeAtom(ctx, m->key);
    }
    vec_deinit(list);
}

void intact_deinit(intact *in, JSContext *ctx)
{
    drop(ctx, &in->members);
    drop(ctx, &in->others);
    VEC_FOREACH (&in->owners, o) {
        JS_FreeValue(ctx, o->object);
        JS_FreeValue(ctx, o->prototype);
    }
    JS_FreeValue(ctx, in->plain);
    vec_deinit(&in->owners);
    *in = (intact){.plain = JS_UNDEFINED};
}

// Puts what the prelude uses in place, and tells what a script had put there.
static void set_aside(const intact *in, JSContext *ctx, intact_members *ret_theirs,
                      intact_members *ret_added)
{
    put_prototypes(in, ctx);
    put_originals(ctx, &in->members, ret_theirs);
    find_added(in, ctx, ret_added);
    VEC_FOREACH (ret_added, m) {
        intact_member none = {.owner = m->owner, .key = m->key};
        put(ctx, &none);
    }
}

JSValue intact_call(intact *in, JSContext *ctx, JSValueConst work)
{
    if (in->inside)
        return JS_Call(ctx, work, JS_UNDEFINED, 0, NULL);
    intact_members theirs = {0}, added = {0};
    if (!in->fresh)
        set_aside(in, ctx, &theirs, &added);
    in->fresh = false;
    in->inside = true;
    JSValue result = JS_Call(ctx, work, JS_UNDEFINED, 0, NULL);
    in->inside = false;
    if (!theirs.len && !added.len)
        return result;
    JSValue thrown = JS_IsException(result) ? JS_GetException(ctx) : JS_UNDEFINED;
    VEC_FOREACH (&added, m)
        put(ctx, m);
    VEC_FOREACH (&theirs, m)
        put(ctx, m);
    drop(ctx, &added);
    drop(ctx, &theirs);
    return JS_IsException(result) ? JS_Throw(ctx, thrown) : result;
}

// A function that a script gave every object may be a helper for the scripts after it, as long as
// the language itself doesn't ask objects for it.
static bool is_helper(JSContext *ctx, const intact_member *m)
{
    static const char *const asked[] = {"toJSON", "then",     "get",        "set",
                                        "value",  "writable", "enumerable", "configurable"};
    JSValue key = JS_AtomToValue(ctx, m->key);
    bool helper = JS_IsFunction(ctx, m->property.value) && !JS_IsSymbol(key);
    JS_FreeValue(ctx, key);
    const char *name = JS_AtomToCString(ctx, m->key);
    for (size_t i = 0; name && i < ARRAY_LEN(asked); i++)
        helper = helper && !str_eq(str_from(name), str_from(asked[i]));
    JS_FreeCString(ctx, name);
    return helper && name;
}

bool intact_mend(intact *in, JSContext *ctx)
{
    intact_members theirs = {0}, added = {0};
    bool well = put_prototypes(in, ctx);
    well = put_originals(ctx, &in->members, &theirs) && well;
    well = put_originals(ctx, &in->others, &theirs) && well;
    VEC_FOREACH (&in->owners, o)
        well = well && JS_IsExtensible(ctx, o->object) > 0;
    find_added(in, ctx, &added);
    VEC_FOREACH (&added, m) {
        intact_member none = {.owner = m->owner, .key = m->key};
        well = (is_helper(ctx, m) || put(ctx, &none)) && well;
    }
    drop(ctx, &theirs);
    drop(ctx, &added);
    in->fresh = well;
    return well;
}
