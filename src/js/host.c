// SPDX-License-Identifier: Apache-2.0
// What the prelude can do beyond ECMAScript. Each function checks its arguments as if a script had
// called it: the prelude keeps `host` to itself, but it shares its realm with the scripts.
#include <string.h>

#include "js/js.h"
#include "js/worker.h"

enum { FLUSH_BYTES = 256 << 10, RANDOM_BYTES_MAX = 64 << 10 };

static worker *self(JSContext *ctx)
{
    return JS_GetContextOpaque(ctx);
}

// send(type, json): queues a frame.
static JSValue host_send(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    (void)this_val, (void)argc;
    worker *w = self(ctx);
    int32_t type;
    size_t len;
    if (JS_ToInt32(ctx, &type, argv[0]))
        return JS_EXCEPTION;
    const char *text = JS_ToCStringLen(ctx, &len, argv[1]);
    if (!text)
        return JS_EXCEPTION;
    bool fits = len <= JS_FRAME_BYTES_MAX;
    if (fits) {
        frame_add_head(&w->out, (char)type, len);
        buf_add(&w->out, text, len);
    }
    JS_FreeCString(ctx, text);
    if (!fits)
        return JS_ThrowRangeError(ctx, "sandbox: a message of %zu bytes is too large", len);
    if (w->out.len > FLUSH_BYTES && !worker_flush(w))
        return JS_ThrowInternalError(ctx, "the runner is gone");
    return JS_UNDEFINED;
}

// now(): milliseconds of the monotonic clock.
static JSValue host_now(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    (void)this_val, (void)argc, (void)argv;
    return JS_NewFloat64(ctx, (double)clock_mono_ns() / 1e6);
}

// load(name, require): the exports of a library compiled at build time.
static JSValue host_load(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    (void)this_val, (void)argc;
    size_t len;
    const char *name = JS_ToCStringLen(ctx, &len, argv[0]);
    if (!name)
        return JS_EXCEPTION;
    JSValue v = library_load(ctx, (str){name, len}, argv[1]);
    JS_FreeCString(ctx, name);
    return v;
}

// body(): an ArrayBuffer with the bytes of the response that came with the message being handled.
static JSValue host_body(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    (void)this_val, (void)argc, (void)argv;
    str body = self(ctx)->body;
    return JS_NewArrayBufferCopy(ctx, (const uint8_t *)(body.ptr ? body.ptr : ""), body.len);
}

// request(): its JSON.
static JSValue host_request(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    (void)this_val, (void)argc, (void)argv;
    str text = self(ctx)->request;
    return JS_NewStringLen(ctx, text.len ? text.ptr : "", text.len);
}

// scope(number): the JSON of its variables.
static JSValue host_scope(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    (void)this_val, (void)argc;
    uint32_t i;
    if (JS_ToUint32(ctx, &i, argv[0]))
        return JS_EXCEPTION;
    if (i >= JS_SCOPE_COUNT)
        return JS_ThrowRangeError(ctx, "there is no scope %u", i);
    str text = buf_str(&self(ctx)->scopes[i]);
    return JS_NewStringLen(ctx, text.len ? text.ptr : "", text.len);
}

static JSValue text_of_utf8(JSContext *ctx, str s)
{
    if (utf8_valid(s))
        return JS_NewStringLen(ctx, s.len ? s.ptr : "", s.len);
    buf clean;
    buf_init(&clean, s.len * 3 + 1);
    while (s.len) {
        uint32_t cp;
        size_t n = utf8_decode(s, &cp);
        if (n)
            buf_add(&clean, s.ptr, n);
        else
            buf_adds(&clean, STR("\xEF\xBF\xBD"));
        s = str_skip(s, n ? n : 1);
    }
    JSValue v = JS_NewStringLen(ctx, buf_cstr(&clean), clean.len);
    buf_deinit(&clean);
    return v;
}

static JSValue text_of_latin1(JSContext *ctx, str s)
{
    buf text;
    buf_init(&text, s.len * 2 + 1);
    for (size_t i = 0; i < s.len; i++) {
        char utf8[4];
        buf_add(&text, utf8, utf8_encode((unsigned char)s.ptr[i], utf8));
    }
    JSValue v = JS_NewStringLen(ctx, buf_cstr(&text), text.len);
    buf_deinit(&text);
    return v;
}

// text(buffer, offset, length, latin1): decodes UTF-8 with U+FFFD for what isn't, or Latin-1. An
// undefined buffer means the body, without a copy.
static JSValue host_text(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    (void)this_val, (void)argc;
    str bytes = self(ctx)->body;
    if (!JS_IsUndefined(argv[0])) {
        size_t size;
        uint64_t offset, len;
        if (JS_ToIndex(ctx, &offset, argv[1]) || JS_ToIndex(ctx, &len, argv[2]))
            return JS_EXCEPTION;
        // Last: the conversions may run code that takes the bytes away.
        const uint8_t *ptr = JS_GetArrayBuffer(ctx, &size, argv[0]);
        if (!ptr)
            return JS_EXCEPTION;
        bytes = str_sub((str){(const char *)ptr, size}, offset, offset + len);
    }
    return JS_ToBool(ctx, argv[3]) ? text_of_latin1(ctx, bytes) : text_of_utf8(ctx, bytes);
}

// bytes(string): its UTF-8 as an ArrayBuffer.
static JSValue host_bytes(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    (void)this_val, (void)argc;
    size_t len;
    const char *text = JS_ToCStringLen(ctx, &len, argv[0]);
    if (!text)
        return JS_EXCEPTION;
    JSValue v = JS_NewArrayBufferCopy(ctx, (const uint8_t *)text, len);
    JS_FreeCString(ctx, text);
    return v;
}

// random(length): an ArrayBuffer of bytes that nobody can guess.
static JSValue host_random(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    (void)this_val, (void)argc;
    uint8_t bytes[RANDOM_BYTES_MAX];
    uint64_t len;
    if (JS_ToIndex(ctx, &len, argv[0]))
        return JS_EXCEPTION;
    if (len > sizeof(bytes))
        return JS_ThrowRangeError(ctx, "sandbox: %d random bytes at most", RANDOM_BYTES_MAX);
    rand_bytes(bytes, (size_t)len);
    return JS_NewArrayBufferCopy(ctx, bytes, (size_t)len);
}

// keep(owner, keys, used): these properties are to be as they are.
static JSValue host_keep(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    (void)this_val, (void)argc;
    bool used = JS_ToBool(ctx, argv[2]) > 0;
    return intact_keep(&self(ctx)->intact, ctx, argv[0], argv[1], used) ? JS_UNDEFINED
                                                                        : JS_EXCEPTION;
}

// renew(): as they are now.
static JSValue host_renew(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    (void)this_val, (void)argc, (void)argv;
    intact_renew(&self(ctx)->intact, ctx);
    return JS_UNDEFINED;
}

// intact(work): work() with the originals in place.
static JSValue host_intact(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    (void)this_val, (void)argc;
    return intact_call(&self(ctx)->intact, ctx, argv[0]);
}

// mend(): puts the originals back for good, and returns whether all is well.
static JSValue host_mend(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    (void)this_val, (void)argc, (void)argv;
    return JS_NewBool(ctx, intact_mend(&self(ctx)->intact, ctx));
}

static const JSCFunctionListEntry functions[] = {
    JS_CFUNC_DEF("send", 2, host_send),       JS_CFUNC_DEF("now", 0, host_now),
    JS_CFUNC_DEF("load", 2, host_load),       JS_CFUNC_DEF("body", 0, host_body),
    JS_CFUNC_DEF("request", 0, host_request), JS_CFUNC_DEF("scope", 1, host_scope),
    JS_CFUNC_DEF("text", 4, host_text),       JS_CFUNC_DEF("bytes", 1, host_bytes),
    JS_CFUNC_DEF("random", 1, host_random),   JS_CFUNC_DEF("keep", 3, host_keep),
    JS_CFUNC_DEF("renew", 0, host_renew),     JS_CFUNC_DEF("intact", 1, host_intact),
    JS_CFUNC_DEF("mend", 0, host_mend),
};

JSValue host_new(worker *w)
{
    JS_SetContextOpaque(w->ctx, w);
    JSValue host = JS_NewObject(w->ctx);
    JS_SetPropertyFunctionList(w->ctx, host, functions, ARRAY_LEN(functions));
    return host;
}
