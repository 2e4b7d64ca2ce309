// SPDX-License-Identifier: Apache-2.0
#include "cloudrun/cloudrun.h"

#include <unistd.h>

#include "cloudrun/up_own.h"

code up_new(loop *l, const up_options *o, up **ret_up, err *e)
{
    up *u = NEW(up);
    *u = (up){.loop = l, .o = *o};
    arena_init(&u->arena);
    code c = up_load(u, e);
    if (c)
        up_free(u);
    else
        *ret_up = u;
    return c;
}

static code listen_google(up *u, err *e)
{
    http_server_options tokens = {.on_request = google_on_request, .ctx = u->google};
    code c = http_server_new(u->loop, &tokens, &u->token_server, e);
    if (c)
        return c;
    google_metadata_options account = {.account = u->run_as};
    c = google_metadata_new(u->google, &account, &u->metadata, e);
    if (c)
        return c;
    http_server_options metadata = {.on_request = google_metadata_on_request, .ctx = u->metadata};
    c = http_server_new(u->loop, &metadata, &u->metadata_server, e);
    if (c)
        return c;
    str base = arena_printf(&u->arena, "http://127.0.0.1:%u", http_server_port(u->token_server));
    return google_listening(u->google, base, e);
}

code up_start(up *u, err *e)
{
    code c = listen_google(u, e);
    if (c == OK)
        c = up_proxy_prepare(u, e);
    for (size_t i = 0; c == OK && i < u->service_count; i++)
        c = up_service_listen(&u->services[i], u->o.port ? (uint16_t)(u->o.port + i) : 0, e);
    if (c == OK)
        c = up_admin_listen(u, e);
    if (c == OK)
        c = up_proxy_listen(u, u->metadata_server, &u->proxy, e);
    if (c == OK)
        c = up_proxy_env_file(u, e);
    if (c)
        return c;
    up_address_fill(u);
    c = address_write(&u->address, e);
    u->written = c == OK;
    return c;
}

// ---- the end: no new calls, then no instances

static void on_revision_stopped(void *ctx)
{
    up *u = ctx;
    if (!--u->closing)
        u->on_stopped(u->stopped_ctx);
}

static void on_drained(void *ctx)
{
    up *u = ctx;
    if (--u->closing)
        return;
    u->closing = u->service_count;
    for (size_t i = 0; i < u->service_count; i++)
        revision_stop(u->services[i].revision, on_revision_stopped, u);
}

static void forget_address(up *u)
{
    if (u->written)
        address_remove();
    u->written = false;
}

void up_stop(up *u, void (*on_stopped)(void *ctx), void *ctx)
{
    forget_address(u);
    u->on_stopped = on_stopped;
    u->stopped_ctx = ctx;
    u->closing = u->service_count;
    for (size_t i = 0; i < u->service_count; i++)
        gate_drain(u->services[i].gate, UP_DRAIN_MS, on_drained, u);
}

void up_free(up *u)
{
    if (!u)
        return;
    forget_address(u);
    for (size_t i = 0; i < u->service_count; i++)
        up_service_free(&u->services[i]);
    up_proxy_free(u);
    http_server_free(u->admin_server);
    http_server_free(u->metadata_server);
    http_server_free(u->token_server);
    google_metadata_free(u->metadata);
    guard_free(u->guard);
    oidc_free(u->oidc);
    google_free(u->google);
    audit_spool_close(u->spool);
    directory_free(u->directory);
    role_set_free(u->roles);
    if (u->home)
        (void)rmdir(u->home); // unless a program left something
    arena_deinit(&u->arena);
    free(u);
}
