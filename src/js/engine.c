// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "data/data.h"
#include "js/frame.h"
#include "js/js.h"
#include "js/message.h"
#include "net/net.h"

enum {
    ASKED_MAX = 1000,           // questions of one script that wait for an answer
    WRITE_BYTES = 64 << 10,     // handed to the stream at a time
    EVENTS_MAX = 100000,        // messages of one script
    OUT_SPARE_BYTES = 16 << 20, // of what waits to be written, beside one message
};

struct js_engine {
    loop *loop;
    char *worker;
    size_t memory_bytes_max;
    uint32_t columns;
    uint32_t workers; // started so far

    process *process; // NULL: none runs
    bool ready;       // it said so
    bool littered; // a script was stopped in it (its promises are still in the queue) or spoiled it
    bool held;
    buf in;
    buf out; // from `sent` on it is still to be handed to the stream
    size_t sent;
    map scripts; // source → 1 + its number in the worker
    uint32_t script_count;
    uint64_t scope_versions[JS_SCOPE_COUNT]; // that the worker has

    bool running;
    js_callbacks cb;
    uint64_t timeout_ms;
    uint64_t began_ms;     // the script, by the loop's clock,
    uint64_t began_cpu_ms; // and by what its worker had had of processors
    uint32_t events;
    VEC(uint32_t) asked; // questions without an answer yet
    arena message;       // of the message being handled
    timer *kill;         // is it time to end the worker?
    task fail;           // tells of a script that could not be started
    err failure;
};

// ---- the end of a script ----------------------------------------------------------------------

static void finish(js_engine *en, const js_result *r)
{
    if (!en->running)
        return;
    en->running = false;
    vec_reset(&en->asked);
    timer_stop(en->kill);
    js_callbacks cb = en->cb;
    cb.on_done(cb.ctx, r);
}

static void forget_scripts(js_engine *en)
{
    map_deinit(&en->scripts, NULL);
    map_init(&en->scripts);
    en->script_count = 0;
}

static void drop_worker(js_engine *en)
{
    process_free(en->process);
    en->process = NULL;
    en->ready = en->littered = false;
    en->sent = 0;
    buf_reset(&en->in);
    buf_reset(&en->out);
    forget_scripts(en);
    memset(en->scope_versions, 0, sizeof(en->scope_versions));
}

static void finish_failed(js_engine *en, const err *why)
{
    js_result r = {.code = why->code,
                   .error = {.name = STR("Error"), .message = str_from(why->msg)}};
    finish(en, &r);
}

// The worker is lost: what it ran has failed.
static void lose_worker(js_engine *en, const err *why)
{
    drop_worker(en);
    finish_failed(en, why);
}

// ---- messages ---------------------------------------------------------------------------------

static bool ask(js_engine *en, uint32_t id, err *e)
{
    if (en->asked.len >= ASKED_MAX) {
        err_set(e, SCRIPT_PROTOCOL, "a script waits for more than %d requests", ASKED_MAX);
        return false;
    }
    VEC_FOREACH (&en->asked, x) {
        if (*x == id) {
            err_set(e, SCRIPT_PROTOCOL, "the script worker used an id twice");
            return false;
        }
    }
    vec_push(&en->asked, id);
    return true;
}

static code on_fetch(js_engine *en, const json *root, err *e)
{
    js_fetch f;
    code c = message_read_fetch(root, &f, e);
    if (c)
        return c;
    if (!ask(en, f.id, e))
        return SCRIPT_PROTOCOL;
    en->cb.on_fetch(en->cb.ctx, &f);
    return OK;
}

static code on_cookie_op(js_engine *en, const json *root, err *e)
{
    js_cookie_op op;
    code c = message_read_cookie_op(root, &op, e);
    if (c)
        return c;
    if (!ask(en, op.id, e))
        return SCRIPT_PROTOCOL;
    en->cb.on_cookies(en->cb.ctx, &op);
    return OK;
}

static code on_told(js_engine *en, char type, const json *root, err *e)
{
    js_assertion a;
    js_error x;
    str level, *messages;
    size_t count;
    code c;
    switch (type) {
    case FRAME_ASSERTION:
        c = message_read_assertion(root, &a, e);
        if (!c)
            en->cb.on_assertion(en->cb.ctx, &a);
        return c;
    case FRAME_CONSOLE:
        c = message_read_console(&en->message, root, &level, &messages, &count, e);
        if (!c)
            en->cb.on_console(en->cb.ctx, level, messages, count);
        return c;
    default:
        c = message_read_error(root, &x, e);
        if (!c)
            en->cb.on_exception(en->cb.ctx, &x);
        return c;
    }
}

static code on_script_done(js_engine *en, const json *root, err *e)
{
    js_result r;
    code c = message_read_done(&en->message, root, &r, e);
    if (c)
        return c;
    en->littered = r.code == SCRIPT_TIMEOUT || r.spoiled;
    finish(en, &r);
    return OK;
}

static code on_frame(js_engine *en, const frame *f, err *e)
{
    json *root;
    json_opts opts = {.tolerant = true, .bytes_max = JS_FRAME_BYTES_MAX};
    if (f->type == FRAME_READY && !en->ready) {
        en->ready = true;
        return OK;
    }
    if (!en->ready || !en->running)
        return err_set(e, SCRIPT_PROTOCOL, "the script worker spoke out of turn");
    if (++en->events > EVENTS_MAX)
        return err_set(e, SCRIPT_PROTOCOL, "a script sent more than %d messages", EVENTS_MAX);
    code c = json_parse(&en->message, f->payload, &opts, &root, e);
    if (c || !json_is(root, JSON_OBJECT))
        return err_set(e, SCRIPT_PROTOCOL, "the script worker sent a message that is not JSON");
    switch (f->type) {
    case FRAME_ASSERTION:
    case FRAME_CONSOLE:
    case FRAME_EXCEPTION:
        return on_told(en, f->type, root, e);
    case FRAME_FETCH:
        return on_fetch(en, root, e);
    case FRAME_COOKIE_OP:
        return on_cookie_op(en, root, e);
    case FRAME_DONE:
        return on_script_done(en, root, e);
    default:
        return err_set(e, SCRIPT_PROTOCOL, "the script worker sent a message of an unknown type");
    }
}

static void on_read(void *ctx, str bytes)
{
    js_engine *en = ctx;
    err e = ERR_INIT;
    frame f;
    size_t len;
    buf_adds(&en->in, bytes);
    while (en->process &&
           frame_read(buf_str(&en->in), JS_FRAME_BYTES_MAX, &f, &len) == FRAME_WHOLE) {
        // Callbacks may start the next script, whose messages come later: `in` only grows in
        // on_read, so the frame stays where it is, even when its worker doesn't.
        code c = on_frame(en, &f, &e);
        arena_reset(&en->message);
        if (c) {
            lose_worker(en, &e);
            return;
        }
        if (!en->in.len)
            return; // the next script has a new worker
        buf_consume(&en->in, len);
    }
    if (!buf_ok(&en->in) ||
        frame_read(buf_str(&en->in), JS_FRAME_BYTES_MAX, &f, &len) == FRAME_TOO_LARGE) {
        err_set(&e, SCRIPT_PROTOCOL, "a script sent a message of more than %d MiB",
                JS_FRAME_BYTES_MAX >> 20);
        lose_worker(en, &e);
    }
}

// ---- the worker -------------------------------------------------------------------------------

static void push_out(js_engine *en)
{
    stream *s = en->process ? process_stream(en->process, STDIN_FILENO) : NULL;
    while (s && en->sent < en->out.len) {
        str part = str_sub(buf_str(&en->out), en->sent, en->sent + WRITE_BYTES);
        en->sent += part.len;
        if (!stream_write(s, part))
            return; // on_drain continues
    }
    if (en->sent == en->out.len) {
        buf_reset(&en->out);
        en->sent = 0;
    }
}

static void on_drain(void *ctx)
{
    push_out(ctx);
}

static void on_worker_exit(void *ctx, int status, int signum)
{
    js_engine *en = ctx;
    err e = ERR_INIT;
    if (signum)
        err_set(&e, SCRIPT_CRASHED, "the script worker was ended by signal %d (%s)", signum,
                strsignal(signum));
    else if (!en->ready)
        err_set(&e, SCRIPT_WORKER, "the script worker did not start: it ended with status %d",
                status);
    else
        err_set(&e, SCRIPT_CRASHED, "the script worker ended with status %d", status);
    lose_worker(en, &e);
}

static void on_kill(void *ctx)
{
    js_engine *en = ctx;
    err e = ERR_INIT;
    if (en->held)
        en->began_ms = loop_now_ms(en->loop) - en->timeout_ms;
    uint64_t cpu_ms = process_cpu_ms(en->process) - en->began_cpu_ms;
    if (cpu_ms < en->timeout_ms + JS_KILL_CPU_MS &&
        loop_now_ms(en->loop) - en->began_ms < en->timeout_ms + JS_KILL_WALL_MS) {
        timer_start(en->kill, JS_KILL_CPU_MS);
        return;
    }
    err_set(&e, SCRIPT_TIMEOUT, "sandbox: synchronous script execution timeout");
    lose_worker(en, &e);
}

static void on_fail(void *ctx)
{
    js_engine *en = ctx;
    if (en->failure.code == SCRIPT_WORKER)
        drop_worker(en);
    finish_failed(en, &en->failure);
}

static code start_worker(js_engine *en, err *e)
{
    static const stream_handlers from_worker = {.on_read = on_read};
    static const stream_handlers to_worker = {.on_drain = on_drain};
    char heap[24];
    snprintf(heap, sizeof(heap), "%zu", en->memory_bytes_max);
    const char *zone = getenv("TZ");
    char *tz = NULL;
    if (zone) {
        buf b;
        buf_init(&b, 4096);
        buf_addf(&b, "TZ=%s", zone);
        tz = buf_take(&b);
    }
    process_options o = {
        .file = en->worker,
        .argv = (const char *const[]){"gatepost-script", heap, NULL},
        .env = (const char *const[]){tz, NULL}, // dates are shown in the user's zone
        .cwd = "/",
        .stdio = {PROCESS_PIPE, PROCESS_PIPE, PROCESS_NULL},
        .on_exit = on_worker_exit,
        .ctx = en,
    };
    code c = process_new(en->loop, &o, &en->process, e);
    free(tz);
    if (c) {
        e->code = SCRIPT_WORKER;
        return err_wrap(e, "the script worker can't be started");
    }
    en->workers++;
    stream *out = process_stream(en->process, STDOUT_FILENO);
    stream_handle(out, &from_worker, en);
    stream_handle(process_stream(en->process, STDIN_FILENO), &to_worker, en);
    if (!en->held)
        stream_resume(out);
    return OK;
}

js_engine *js_engine_new(loop *l, const js_config *cfg)
{
    js_config none = {0};
    cfg = cfg ? cfg : &none;
    js_engine *en = NEW(js_engine);
    en->loop = l;
    en->worker = mem_dup(cfg->worker ? cfg->worker : js_worker_path());
    en->memory_bytes_max = cfg->memory_bytes_max ? cfg->memory_bytes_max : JS_MEMORY_BYTES_MAX;
    en->columns = cfg->columns ? cfg->columns : 80;
    buf_init(&en->in, JS_FRAME_BYTES_MAX + FRAME_HEAD_BYTES + STREAM_READ_BYTES);
    buf_init(&en->out, JS_FRAME_BYTES_MAX + OUT_SPARE_BYTES);
    map_init(&en->scripts);
    arena_init(&en->message);
    en->kill = timer_new(l, on_kill, en);
    en->fail = (task){.run = on_fail, .ctx = en};
    return en;
}

void js_engine_free(js_engine *en)
{
    if (!en)
        return;
    en->running = false;
    task_cancel(&en->fail);
    timer_free(en->kill);
    drop_worker(en);
    map_deinit(&en->scripts, NULL);
    vec_deinit(&en->asked);
    arena_deinit(&en->message);
    buf_deinit(&en->in);
    buf_deinit(&en->out);
    free(en->worker);
    free(en);
}

uint32_t js_worker_count(const js_engine *en)
{
    return en->workers;
}

// ---- running ----------------------------------------------------------------------------------

static void fail_soon(js_engine *en)
{
    task_post(en->loop, &en->fail);
}

// The number of the script in this worker; the source goes along the first time.
static uint32_t script_number(js_engine *en, str source, str *ret_source)
{
    uintptr_t known = (uintptr_t)map_get(&en->scripts, source);
    *ret_source = STR_NONE;
    if (known)
        return (uint32_t)known - 1;
    map_set(&en->scripts, source, (void *)(uintptr_t)++en->script_count);
    *ret_source = source;
    return en->script_count - 1;
}

// The scopes that the worker doesn't have yet.
static void add_scopes(js_engine *en, const js_script *s, buf *out)
{
    buf text;
    buf_init(&text, JS_FRAME_BYTES_MAX);
    for (size_t i = 0; i < JS_SCOPE_COUNT; i++) {
        const js_scope *scope = &s->scopes[i];
        if (scope->version && scope->version == en->scope_versions[i])
            continue;
        en->scope_versions[i] = scope->version;
        buf_reset(&text);
        message_write_scope(&text, scope);
        frame_add_head(out, FRAME_SCOPE, text.len + 1);
        buf_addc(out, (char)i);
        buf_adds(out, buf_str(&text));
    }
    buf_deinit(&text);
}

// The worker has got neither what the script saw first nor its source.
static void unsend(js_engine *en, const js_script *s, bool is_new)
{
    memset(en->scope_versions, 0, sizeof(en->scope_versions));
    if (!is_new)
        return;
    map_remove(&en->scripts, s->source);
    en->script_count--;
}

static code send_script(js_engine *en, const js_script *s, err *e)
{
    buf context, scopes;
    buf_init(&context, JS_FRAME_BYTES_MAX);
    buf_init(&scopes, JS_FRAME_BYTES_MAX);
    message_write_run(&context, s, en->columns);
    frame_run r = {.timeout_ms = s->timeout_ms,
                   .context = buf_str(&context),
                   .request = s->request,
                   .body = s->response ? s->response->body : STR_NONE};
    r.script = script_number(en, s->source, &r.source);
    add_scopes(en, s, &scopes);
    size_t bytes = r.source.len + r.context.len + r.request.len + r.body.len + scopes.len;
    code c = OK;
    if (buf_ok(&context) && buf_ok(&scopes) && bytes <= JS_FRAME_BYTES_MAX - FRAME_RUN_HEAD_BYTES) {
        buf_adds(&en->out, buf_str(&scopes));
        frame_add_run(&en->out, &r);
        push_out(en);
    } else {
        unsend(en, s, r.source.len > 0);
        c = err_set(e, SCRIPT_FAILED,
                    "the script did not run: what it is to see is more than %d MiB (%zu of them "
                    "are the response)",
                    JS_FRAME_BYTES_MAX >> 20, r.body.len >> 20);
    }
    buf_deinit(&scopes);
    buf_deinit(&context);
    return c;
}

void js_run(js_engine *en, const js_script *s, const js_callbacks *cb)
{
    en->running = true;
    en->cb = *cb;
    en->events = 0;
    en->failure = ERR_INIT;
    if (en->littered)
        drop_worker(en);
    if ((!en->process && start_worker(en, &en->failure)) || send_script(en, s, &en->failure)) {
        fail_soon(en);
    } else if (s->timeout_ms) {
        en->timeout_ms = s->timeout_ms;
        en->began_ms = loop_now_ms(en->loop);
        en->began_cpu_ms = process_cpu_ms(en->process);
        timer_start(en->kill, s->timeout_ms + JS_KILL_CPU_MS);
    }
}

void js_renew(js_engine *en)
{
    if (!en->process || !en->script_count)
        return;
    forget_scripts(en);
    frame_add_head(&en->out, FRAME_RENEW, 0);
    push_out(en);
}

void js_hold(js_engine *en, bool held)
{
    stream *out = en->process ? process_stream(en->process, STDOUT_FILENO) : NULL;
    if (out && held != en->held)
        (held ? stream_pause : stream_resume)(out);
    en->held = held;
}

// False for a question that nobody waits for any more.
static bool answered(js_engine *en, uint32_t id)
{
    for (size_t i = 0; i < en->asked.len; i++) {
        if (en->asked.ptr[i] == id) {
            vec_remove(&en->asked, i);
            return en->process != NULL;
        }
    }
    return false;
}

// Room for one more answer, and for a short one to each question behind it. A worker that is busy
// takes none meanwhile, and half a frame would keep it waiting for ever.
static bool has_room(const js_engine *en, size_t bytes)
{
    enum { REFUSALS_BYTES = 1 << 20 };
    return bytes <= JS_FRAME_BYTES_MAX - 4 && en->out.len + bytes + REFUSALS_BYTES <= en->out.max;
}

static const js_error too_large = {.name = STR("Error"),
                                   .message = STR("the response is too large")};

void js_answer_fetch(js_engine *en, uint32_t id, const js_error *failure, const js_response *res)
{
    if (!answered(en, id))
        return;
    buf context;
    buf_init(&context, JS_FRAME_BYTES_MAX / 2);
    message_write_fetched(&context, id, failure, res);
    str body = res ? res->body : STR_NONE;
    if (!buf_ok(&context) || !has_room(en, context.len + body.len)) {
        buf_reset(&context);
        message_write_fetched(&context, id, &too_large, NULL);
        body = STR_NONE;
    }
    frame_add_fetched(&en->out, buf_str(&context), body);
    buf_deinit(&context);
    push_out(en);
}

void js_answer_cookies(js_engine *en, uint32_t id, const js_error *failure, const js_cookie *list,
                       size_t count)
{
    if (!answered(en, id))
        return;
    buf context;
    buf_init(&context, JS_FRAME_BYTES_MAX);
    message_write_cookies(&context, id, failure, list, count);
    if (!buf_ok(&context) || !has_room(en, context.len)) {
        buf_reset(&context);
        message_write_cookies(&context, id, &too_large, NULL, 0);
    }
    frame_add_head(&en->out, FRAME_COOKIES, context.len);
    buf_adds(&en->out, buf_str(&context));
    buf_deinit(&context);
    push_out(en);
}
