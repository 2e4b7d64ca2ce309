// SPDX-License-Identifier: Apache-2.0
// A token from gcloud's own account: `gcloud auth print-identity-token` as a child process.
#include "credential/exchange.h"

enum {
    TIMEOUT_MS = 60000, // gcloud takes seconds to start, and may refresh its own credential
    ARGS_MAX = 8,
    // gcloud hands out access tokens from its cache and doesn't say how old they are; it renews
    // those that have less than this left.
    ACCESS_LIFETIME_S = 300,
};

static code read_output(exchange *x, const child_result *r, minted *m, err *e)
{
    str account = x->caller->account;
    str token = arena_str(&x->mem, str_trim(r->out));
    if (r->timed_out)
        return err_set(e, CRED_GCLOUD, "gcloud gave no token for " STR_FMT " within %d s",
                       STR_ARG(account), TIMEOUT_MS / 1000);
    if (r->status != 0 || !token.len) {
        str line, rest;
        str_cut(str_trim(r->errors), '\n', &line, &rest);
        (void)err_set(e, CRED_GCLOUD, "gcloud gave no token for " STR_FMT ": " STR_FMT,
                      STR_ARG(account), STR_ARG(line.len ? line : STR("no reason told")));
        return err_hint(e, "gcloud auth login " STR_FMT, STR_ARG(account));
    }
    if (x->kind == CREDENTIAL_ID_TOKEN)
        return minted_from_jwt(x, token, m, e);
    *m = (minted){.value = token, .lifetime_ms = ACCESS_LIFETIME_S * 1000};
    return OK;
}

static void on_end(void *ctx, const child_result *r)
{
    exchange *x = ctx;
    minted m = {0};
    err e = ERR_INIT;
    code failed = read_output(x, r, &m, &e);
    exchange_finish(x, failed ? NULL : &m, failed ? &e : NULL);
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
    const char *argv[ARGS_MAX];
    fill_args(x, argv);
    child_options o = {.argv = argv, .timeout_ms = TIMEOUT_MS, .on_end = on_end, .ctx = x};
    if (child_start(provider_loop(x->provider), &o, &x->child, e)) {
        (void)err_hint(e, "install the Google Cloud CLI, or use a key file or impersonation");
        return CRED_GCLOUD;
    }
    return OK;
}
