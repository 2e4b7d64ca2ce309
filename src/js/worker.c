// SPDX-License-Identifier: Apache-2.0
#include "js/worker.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "js/heap.h"
#include "js/js.h"

// A script becomes a function: its declarations are its own and `return` is legal. It begins on the
// first line, so that the lines of stack traces are the author's; the two heads are of one length,
// which sandbox/src/errors.js takes off the columns there.
#define SCRIPT_HEAD "(      function(){"
#define SCRIPT_HEAD_ASYNC "(async function(){"
#define SCRIPT_TAIL "\n})"
#define SCRIPT_FILE "sandbox-script.js"

enum {
    STACK_BYTES = 4 << 20,
    SCRIPTS_MAX = 1 << 20,
    READ_BYTES = 64 << 10,
    JOBS_PER_TURN = 1000, // promise jobs between two looks at the time
    GARBAGE_BYTES = 2 << 20,
    GRACE_MS = JS_KILL_CPU_MS / 4, // to tell what a script left whose time is over
};

// ---- engine -----------------------------------------------------------------------------------

// The time of a script is what it had of a processor and what it asked to wait. What others had of
// the processor meanwhile isn't its fault: a busy machine must not end it.
static uint64_t left_ms(const worker *w)
{
    uint64_t used = clock_cpu_ms() - w->began_cpu_ms + w->waited_ms;
    return used < w->limit_ms ? w->limit_ms - used : 0;
}

static int on_interrupt(JSRuntime *rt, void *opaque)
{
    worker *w = opaque;
    (void)rt;
    if (w->limit_ms && !left_ms(w))
        w->expired = true;
    return w->expired;
}

static void on_rejection(JSContext *ctx, JSValueConst promise, JSValueConst reason, int is_handled,
                         void *opaque)
{
    worker *w = opaque;
    if (!is_handled) {
        vec_push(&w->rejected, JS_DupValue(ctx, promise));
        vec_push(&w->rejected, JS_DupValue(ctx, reason));
        return;
    }
    for (size_t i = 0; i < w->rejected.len; i += 2) {
        if (JS_VALUE_GET_PTR(w->rejected.ptr[i]) != JS_VALUE_GET_PTR(promise))
            continue;
        JS_FreeValue(ctx, w->rejected.ptr[i]);
        JS_FreeValue(ctx, w->rejected.ptr[i + 1]);
        vec_remove(&w->rejected, i + 1);
        vec_remove(&w->rejected, i);
        return;
    }
}

static void complain(JSContext *ctx, const char *what)
{
    JSValue e = JS_GetException(ctx);
    const char *text = JS_ToCString(ctx, e);
    fprintf(stderr, "gatepost-script: %s: %s\n", what, text ? text : "?");
    JS_FreeCString(ctx, text);
    JS_FreeValue(ctx, e);
}

// Calls a method of the prelude and takes the arguments. An exception that leaves the prelude is
// the limit of time, or of memory: it is dropped here, `finish` tells.
static JSValue boot_call(worker *w, const char *name, int argc, JSValue *argv)
{
    JSValue fn = JS_GetPropertyStr(w->ctx, w->boot, name);
    JSValue result = JS_Call(w->ctx, fn, w->boot, argc, argv);
    JS_FreeValue(w->ctx, fn);
    for (int i = 0; i < argc; i++)
        JS_FreeValue(w->ctx, argv[i]);
    if (!JS_IsException(result))
        return result;
    JS_FreeValue(w->ctx, JS_GetException(w->ctx));
    return JS_UNDEFINED;
}

// Cycles are looked for between scripts, when there may be enough of them; the engine itself does
// so only for a script that makes much more. Left alone, it would look at all of chai every few
// scripts.
static void collect(worker *w)
{
    if (heap_bytes() < w->collect_bytes)
        return;
    if (w->collect_bytes)
        JS_RunGC(w->rt);
    w->collect_bytes = heap_bytes() + GARBAGE_BYTES;
    JS_SetGCThreshold(w->rt, w->collect_bytes + 2 * GARBAGE_BYTES);
}

// A context with the prelude in it.
static bool make_realm(worker *w)
{
    w->ctx = JS_NewContext(w->rt);
    if (!w->ctx)
        return false;
    JSValue exports = library_load(w->ctx, STR("prelude"), JS_UNDEFINED);
    JSValue prelude = JS_GetPropertyStr(w->ctx, exports, "default");
    JS_FreeValue(w->ctx, exports);
    JSValue args[] = {host_new(w), JS_GetGlobalObject(w->ctx)};
    w->boot = JS_Call(w->ctx, prelude, JS_UNDEFINED, ARRAY_LEN(args), args);
    JS_FreeValue(w->ctx, prelude);
    JS_FreeValue(w->ctx, args[0]);
    JS_FreeValue(w->ctx, args[1]);
    if (JS_IsException(w->boot))
        complain(w->ctx, "the prelude failed");
    return JS_IsObject(w->boot);
}

static bool is_untouched(worker *w)
{
    JSValue v = boot_call(w, "untouched", 0, NULL);
    bool untouched = JS_IsBool(v) && JS_ToBool(w->ctx, v);
    JS_FreeValue(w->ctx, v);
    return untouched;
}

// Most scripts leave nothing: a new realm costs more than many of them do. What the old one holds
// in cycles goes with the next collection.
static bool renew_realm(worker *w)
{
    if (is_untouched(w))
        return true;
    JSContext *old = w->ctx;
    VEC_FOREACH (&w->scripts, fn)
        JS_FreeValue(old, *fn);
    vec_reset(&w->scripts);
    JS_FreeValue(old, w->boot);
    intact_deinit(&w->intact, old);
    JS_FreeContext(old);
    return make_realm(w);
}

bool worker_init(worker *w, size_t heap_bytes_max)
{
    *w = (worker){.boot = JS_UNDEFINED};
    buf_init(&w->in, JS_FRAME_BYTES_MAX + FRAME_HEAD_BYTES);
    buf_init(&w->out, JS_FRAME_BYTES_MAX + FRAME_HEAD_BYTES);
    for (size_t i = 0; i < JS_SCOPE_COUNT; i++)
        buf_init(&w->scopes[i], JS_FRAME_BYTES_MAX);
    heap_init(heap_bytes_max);
    w->rt = JS_NewRuntime2(&heap_functions, NULL);
    if (!w->rt)
        return false;
    JS_SetMemoryLimit(w->rt, heap_bytes_max);
    JS_SetMaxStackSize(w->rt, STACK_BYTES);
    collect(w);
    JS_SetInterruptHandler(w->rt, on_interrupt, w);
    JS_SetHostPromiseRejectionTracker(w->rt, on_rejection, w);
    return make_realm(w);
}

// ---- bytes ------------------------------------------------------------------------------------

// False at the end of stdin. timeout -1: no limit; returns true without bytes when it is over.
static bool read_some(worker *w, int timeout_ms)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    uint64_t from = clock_mono_ms();
    int ready = poll(&p, 1, timeout_ms);
    uint64_t waited = clock_mono_ms() - from;
    w->waited_ms +=
        timeout_ms >= 0 && waited > (uint64_t)timeout_ms ? (uint64_t)timeout_ms : waited;
    if (ready == 0 || (ready < 0 && errno == EINTR))
        return true;
    char *room = buf_reserve(&w->in, READ_BYTES);
    if (ready < 0 || !room)
        return false;
    ssize_t n = read(STDIN_FILENO, room, READ_BYTES);
    if (n > 0)
        w->in.len += (size_t)n;
    return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

bool worker_flush(worker *w)
{
    for (size_t done = 0; done < w->out.len;) {
        ssize_t n = write(STDOUT_FILENO, w->out.ptr + done, w->out.len - done);
        if (n < 0 && errno != EINTR)
            return false;
        done += n > 0 ? (size_t)n : 0;
    }
    buf_reset(&w->out);
    return true;
}

static JSValue text_value(worker *w, str s)
{
    return JS_NewStringLen(w->ctx, s.ptr ? s.ptr : "", s.len);
}

// ---- a script ---------------------------------------------------------------------------------

static JSValue compile_as(worker *w, str head, str source)
{
    buf text;
    buf_init(&text, source.len + 64);
    buf_adds(&text, head);
    buf_adds(&text, source);
    buf_adds(&text, STR(SCRIPT_TAIL));
    JSValue fn = JS_Eval(w->ctx, buf_cstr(&text), text.len, SCRIPT_FILE, JS_EVAL_TYPE_GLOBAL);
    buf_deinit(&text);
    return fn;
}

// The function of the script. A script that is no function body may be one with top-level await;
// if it isn't, the first SyntaxError is the one that means something: it becomes the exception.
static JSValue compile(worker *w, str source)
{
    w->intact.fresh = false; // a source may close the function, and go on
    JSValue fn = compile_as(w, STR(SCRIPT_HEAD), source);
    if (!JS_IsException(fn))
        return fn;
    JSValue first = JS_GetException(w->ctx);
    if (str_find(source, STR("await")) >= 0) {
        fn = compile_as(w, STR(SCRIPT_HEAD_ASYNC), source);
        if (!JS_IsException(fn)) {
            JS_FreeValue(w->ctx, first);
            return fn;
        }
        JS_FreeValue(w->ctx, JS_GetException(w->ctx));
    }
    return JS_Throw(w->ctx, first);
}

// Sets *ret_fn to the function, or *ret_fault to what compiling it threw, which is kept like a
// function.
static bool script_function(worker *w, const frame_run *r, JSValue *ret_fn, JSValue *ret_fault)
{
    *ret_fn = *ret_fault = JS_UNDEFINED;
    if (r->script >= SCRIPTS_MAX)
        return false;
    while (w->scripts.len <= r->script)
        vec_push(&w->scripts, JS_UNDEFINED);
    JSValue *slot = &w->scripts.ptr[r->script];
    if (r->source.len) {
        JSValue fn = compile(w, r->source);
        JS_FreeValue(w->ctx, *slot);
        *slot = JS_IsException(fn) ? JS_GetException(w->ctx) : fn;
    }
    *(JS_IsFunction(w->ctx, *slot) ? ret_fn : ret_fault) = JS_DupValue(w->ctx, *slot);
    return true;
}

static void run_jobs(worker *w)
{
    JSContext *ctx;
    for (size_t i = 0;; i++) {
        if (i % JOBS_PER_TURN == 0 && on_interrupt(w->rt, w))
            return;
        int more = JS_ExecutePendingJob(w->rt, &ctx);
        if (more == 0)
            break;
        if (more < 0)
            JS_FreeValue(ctx, JS_GetException(ctx));
    }
    // What fails because the time is over isn't told.
    while (w->rejected.len && !w->expired) {
        JSValue reason = vec_pop(&w->rejected);
        JS_FreeValue(w->ctx, vec_pop(&w->rejected));
        JS_FreeValue(w->ctx, boot_call(w, "rejected", 1, &reason));
    }
}

static void answer(worker *w, const frame *f)
{
    str context = f->payload;
    if (f->type == FRAME_FETCHED && !frame_read_fetched(f->payload, &context, &w->body))
        return;
    JSValue arg = text_value(w, context);
    JS_FreeValue(w->ctx, boot_call(w, f->type == FRAME_FETCHED ? "fetched" : "cookies", 1, &arg));
}

// Waits at most `wait_ms` (-1: until something comes) for the runner's answers and handles them.
// False when the runner is gone or talks nonsense.
static bool take_answers(worker *w, int wait_ms)
{
    frame f;
    size_t bytes;
    if (!read_some(w, wait_ms))
        return false;
    for (;;) {
        frame_state state = frame_read(buf_str(&w->in), JS_FRAME_BYTES_MAX, &f, &bytes);
        if (state != FRAME_WHOLE)
            return state == FRAME_PARTIAL;
        if (f.type != FRAME_FETCHED && f.type != FRAME_COOKIES)
            return false;
        answer(w, &f);
        buf_consume(&w->in, bytes);
        run_jobs(w);
    }
}

// Until the script has nothing more to wait for. False when the runner is gone.
static bool settle(worker *w)
{
    for (;;) {
        run_jobs(w);
        if (on_interrupt(w->rt, w))
            return true;
        int32_t wait_ms = -2;
        JSValue v = boot_call(w, "wait", 0, NULL);
        if (JS_IsNumber(v)) // it fails when the script broke what it stands on
            JS_ToInt32(w->ctx, &wait_ms, v);
        JS_FreeValue(w->ctx, v);
        if (wait_ms == -2)
            return true;
        if (!worker_flush(w))
            return false;
        if (w->limit_ms) {
            uint64_t left = left_ms(w);
            if (wait_ms < 0 || left < (uint64_t)wait_ms)
                wait_ms = left > INT32_MAX ? INT32_MAX : (int32_t)left;
        }
        if (wait_ms != 0 && !take_answers(w, wait_ms))
            return false;
        JS_FreeValue(w->ctx, boot_call(w, "tick", 0, NULL));
    }
}

static void tell_failure(worker *w)
{
    str text =
        w->expired
            ? STR("{\"changes\":[],\"spoiled\":true,\"timeout\":true,\"error\":{\"name\":"
                  "\"Error\",\"message\":\"sandbox: synchronous script execution timeout: "
                  "reading what the script left doesn't end\",\"stack\":\"\"}}")
            : STR("{\"changes\":[],\"spoiled\":true,\"error\":{\"name\":\"Error\",\"message\":"
                  "\"sandbox: what the script left can't be told\",\"stack\":\"\"}}");
    frame_add_head(&w->out, FRAME_DONE, text.len);
    buf_adds(&w->out, text);
}

static bool finish(worker *w, const char *how)
{
    JSValue arg = how ? text_value(w, str_from(how)) : JS_UNDEFINED;
    if (w->expired)
        w->limit_ms += GRACE_MS;
    w->expired = false;
    JSValue told = boot_call(w, "finish", 1, &arg);
    bool ok = JS_IsBool(told);
    JS_FreeValue(w->ctx, told);
    return ok;
}

static bool run(worker *w, const frame_run *r)
{
    w->expired = false;
    w->limit_ms = r->timeout_ms;
    w->began_cpu_ms = clock_cpu_ms();
    w->waited_ms = 0;
    w->body = r->body;
    w->request = r->request;
    JSValue args[3] = {text_value(w, r->context)};
    if (!script_function(w, r, &args[1], &args[2]))
        return false;
    JS_FreeValue(w->ctx, boot_call(w, "run", ARRAY_LEN(args), args));
    bool synchronous = w->expired;
    bool alive = settle(w);
    w->body = w->request = STR_NONE;
    const char *how = !w->expired ? NULL : synchronous ? "synchronous" : "asynchronous";
    bool told = finish(w, how);
    if (!told && w->expired && !how)
        told = finish(w, "synchronous");
    if (!told) // it is too large, there is no memory to tell it, or reading it doesn't end
        tell_failure(w);
    alive = alive && worker_flush(w);
    collect(w); // while the runner is busy with what was told
    return alive;
}

static bool keep_scope(worker *w, str payload)
{
    size_t i = payload.len ? (unsigned char)payload.ptr[0] : JS_SCOPE_COUNT;
    if (i >= JS_SCOPE_COUNT)
        return false;
    buf_reset(&w->scopes[i]);
    buf_adds(&w->scopes[i], str_skip(payload, 1));
    return true;
}

// False when the runner broke the protocol or is gone.
static bool serve_frame(worker *w, const frame *f, size_t frame_bytes)
{
    frame_run r;
    if (f->type == FRAME_SCOPE) {
        bool ok = keep_scope(w, f->payload);
        buf_consume(&w->in, frame_bytes);
        return ok;
    }
    if (f->type == FRAME_RENEW) {
        buf_consume(&w->in, frame_bytes);
        return renew_realm(w);
    }
    if (f->type != FRAME_RUN) { // an answer that came after its script had ended
        buf_consume(&w->in, frame_bytes);
        return true;
    }
    // The frame is moved aside: answers arrive behind it while the script runs.
    char *copy = mem_dupn(f->payload.ptr, f->payload.len);
    str payload = {copy, f->payload.len};
    buf_consume(&w->in, frame_bytes);
    bool ok = frame_read_run(payload, &r) && run(w, &r);
    free(copy);
    return ok;
}

int worker_serve(worker *w)
{
    for (;;) {
        frame f;
        size_t bytes;
        frame_state state = frame_read(buf_str(&w->in), JS_FRAME_BYTES_MAX, &f, &bytes);
        if (state == FRAME_PARTIAL) {
            if (!read_some(w, -1))
                return w->in.len ? 1 : 0;
            continue;
        }
        if (state == FRAME_TOO_LARGE || !serve_frame(w, &f, bytes))
            return 1;
    }
}
