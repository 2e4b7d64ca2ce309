// SPDX-License-Identifier: Apache-2.0
// A token from gcloud's own account: `gcloud auth print-identity-token` as a child process.
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "credential/exchange.h"

enum {
    TIMEOUT_MS = 60000, // gcloud takes seconds to start, and may refresh its own credential
    OUTPUT_BYTES_MAX = 64 << 10,
    ARGS_MAX = 8,
    // gcloud hands out access tokens from its cache and doesn't say how old they are; it renews
    // those that have less than this left.
    ACCESS_LIFETIME_S = 300,
};

typedef struct gcloud_child gcloud_child;
struct gcloud_child {
    exchange *x;
    process *process;
    timer *deadline;
    buf out, errors;
    int open_pipes;
    bool exited;
    int status;
};

void gcloud_child_free(gcloud_child *child)
{
    if (!child)
        return;
    process_free(child->process);
    timer_free(child->deadline);
    buf_wipe(&child->out);
    buf_deinit(&child->out);
    buf_deinit(&child->errors);
    free(child);
}

static code read_output(gcloud_child *child, minted *m, err *e)
{
    exchange *x = child->x;
    str token = arena_str(&x->mem, str_trim(buf_str(&child->out)));
    if (child->status != 0 || !token.len) {
        str line, rest;
        str_cut(str_trim(buf_str(&child->errors)), '\n', &line, &rest);
        (void)err_set(e, CRED_GCLOUD, "gcloud gave no token for " STR_FMT ": " STR_FMT,
                      STR_ARG(x->caller->account),
                      STR_ARG(line.len ? line : STR("no reason told")));
        return err_hint(e, "gcloud auth login " STR_FMT, STR_ARG(x->caller->account));
    }
    if (x->kind == CREDENTIAL_ID_TOKEN)
        return minted_from_jwt(x, token, m, e);
    *m = (minted){.value = token, .lifetime_s = ACCESS_LIFETIME_S};
    return OK;
}

static void finish_when_complete(gcloud_child *child)
{
    if (!child->exited || child->open_pipes)
        return;
    minted m = {0};
    err e = ERR_INIT;
    timer_stop(child->deadline);
    code failed = read_output(child, &m, &e);
    exchange_finish(child->x, failed ? NULL : &m, failed ? &e : NULL);
}

static void on_exit_status(void *ctx, int status, int signum)
{
    gcloud_child *child = ctx;
    child->exited = true;
    child->status = signum ? -1 : status;
    finish_when_complete(child);
}

static void on_out(void *ctx, str bytes)
{
    buf_adds(&((gcloud_child *)ctx)->out, bytes);
}

static void on_errors(void *ctx, str bytes)
{
    buf_adds(&((gcloud_child *)ctx)->errors, bytes);
}

static void on_pipe_end(void *ctx, const err *e)
{
    gcloud_child *child = ctx;
    (void)e;
    child->open_pipes--;
    finish_when_complete(child);
}

static void on_deadline(void *ctx)
{
    gcloud_child *child = ctx;
    err e = ERR_INIT;
    (void)err_set(&e, CRED_GCLOUD, "gcloud gave no token for " STR_FMT " within %d s",
                  STR_ARG(child->x->caller->account), TIMEOUT_MS / 1000);
    exchange_finish(child->x, NULL, &e);
}

// A service account takes an audience; gcloud refuses one for a user, whose token has gcloud's own.
static void fill_args(exchange *x, const char *argv[ARGS_MAX])
{
    size_t n = 0;
    arena *a = &x->mem;
    bool id_token = x->kind == CREDENTIAL_ID_TOKEN;
    argv[n++] = "gcloud";
    argv[n++] = "auth";
    argv[n++] = id_token ? "print-identity-token" : "print-access-token";
    argv[n++] = arena_cstr(a, x->caller->account);
    argv[n++] = "--quiet";
    if (id_token && !x->caller->who.user)
        argv[n++] = arena_printf(a, "--audiences=" STR_FMT, STR_ARG(x->audience)).ptr;
    argv[n] = NULL;
}

code gcloud_ask(exchange *x, err *e)
{
    static const stream_handlers out = {.on_read = on_out, .on_end = on_pipe_end};
    static const stream_handlers errors = {.on_read = on_errors, .on_end = on_pipe_end};
    const char *argv[ARGS_MAX];
    gcloud_child *child = NEW(gcloud_child);
    fill_args(x, argv);
    child->x = x;
    buf_init(&child->out, OUTPUT_BYTES_MAX);
    buf_reserve(&child->out, OUTPUT_BYTES_MAX); // at once: growing would leave copies of the token
    buf_init(&child->errors, OUTPUT_BYTES_MAX);
    child->deadline = timer_new(provider_loop(x->provider), on_deadline, child);
    x->child = child;
    process_options o = {
        .file = "gcloud",
        .argv = argv,
        .env = (const char *const *)environ,
        .stdio = {PROCESS_NULL, PROCESS_PIPE, PROCESS_PIPE},
        .on_exit = on_exit_status,
        .ctx = child,
    };
    if (process_new(provider_loop(x->provider), &o, &child->process, e)) {
        (void)err_hint(e, "install the Google Cloud CLI, or use a key file or impersonation");
        return CRED_GCLOUD;
    }
    child->open_pipes = 2;
    stream_handle(process_stream(child->process, STDOUT_FILENO), &out, child);
    stream_handle(process_stream(child->process, STDERR_FILENO), &errors, child);
    stream_resume(process_stream(child->process, STDOUT_FILENO));
    stream_resume(process_stream(child->process, STDERR_FILENO));
    timer_start(child->deadline, TIMEOUT_MS);
    return OK;
}
