// SPDX-License-Identifier: Apache-2.0
#include "credential/child.h"

#include <unistd.h>

enum { OUTPUT_BYTES_MAX = 64 << 10 };

struct child {
    process *process;
    timer *deadline;
    buf out, errors;
    int open_pipes;
    bool exited;
    int status;
    void (*on_end)(void *ctx, const child_result *r);
    void *ctx;
};

void child_free(child *c)
{
    if (!c)
        return;
    process_free(c->process);
    timer_free(c->deadline);
    buf_wipe(&c->out);
    buf_deinit(&c->out);
    buf_deinit(&c->errors);
    free(c);
}

static void finish_when_complete(child *c)
{
    if (!c->exited || c->open_pipes)
        return;
    timer_stop(c->deadline);
    c->on_end(c->ctx, &(child_result){c->status, false, buf_str(&c->out), buf_str(&c->errors)});
}

static void on_exit_status(void *ctx, int status, int signum)
{
    child *c = ctx;
    c->exited = true;
    c->status = signum ? -1 : status;
    finish_when_complete(c);
}

static void on_out(void *ctx, str bytes)
{
    buf_adds(&((child *)ctx)->out, bytes);
}

static void on_errors(void *ctx, str bytes)
{
    buf_adds(&((child *)ctx)->errors, bytes);
}

static void on_pipe_end(void *ctx, const err *e)
{
    child *c = ctx;
    (void)e;
    c->open_pipes--;
    finish_when_complete(c);
}

static void on_deadline(void *ctx)
{
    child *c = ctx;
    c->on_end(c->ctx, &(child_result){-1, true, STR_NONE, buf_str(&c->errors)});
}

static void give_input(child *c, str input)
{
    static const stream_handlers none = {0};
    stream *in = process_stream(c->process, STDIN_FILENO);
    stream_handle(in, &none, c);
    stream_write(in, input);
    stream_shutdown(in);
}

code child_start(loop *l, const child_options *o, child **ret_child, err *e)
{
    static const stream_handlers out = {.on_read = on_out, .on_end = on_pipe_end};
    static const stream_handlers errors = {.on_read = on_errors, .on_end = on_pipe_end};
    child *c = NEW(child);
    c->on_end = o->on_end;
    c->ctx = o->ctx;
    buf_init(&c->out, OUTPUT_BYTES_MAX);
    buf_reserve(&c->out, OUTPUT_BYTES_MAX); // at once: growing would leave copies of a token
    buf_init(&c->errors, OUTPUT_BYTES_MAX);
    c->deadline = timer_new(l, on_deadline, c);
    process_options p = {
        .file = o->argv[0],
        .argv = o->argv,
        .env = o->env ? o->env : (const char *const *)environ,
        .stdio = {o->input.len ? PROCESS_PIPE : PROCESS_NULL, PROCESS_PIPE, PROCESS_PIPE},
        .on_exit = on_exit_status,
        .ctx = c,
    };
    code failed = process_new(l, &p, &c->process, e);
    if (failed) {
        child_free(c);
        return failed;
    }
    c->open_pipes = 2;
    if (o->input.len)
        give_input(c, o->input);
    stream_handle(process_stream(c->process, STDOUT_FILENO), &out, c);
    stream_handle(process_stream(c->process, STDERR_FILENO), &errors, c);
    stream_resume(process_stream(c->process, STDOUT_FILENO));
    stream_resume(process_stream(c->process, STDERR_FILENO));
    timer_start(c->deadline, o->timeout_ms);
    *ret_child = c;
    return OK;
}
