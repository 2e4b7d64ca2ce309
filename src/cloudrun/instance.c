// SPDX-License-Identifier: Apache-2.0
#include "cloudrun/instance.h"

#include <signal.h>

#include "cloudrun/unit.h"

struct instance {
    loop *loop;
    instance_options o;
    instance_state state;
    char id[INSTANCE_ID_LEN + 1];
    uint16_t port;
    http_pool *pool;
    unit *units;
    size_t count;
    timer *deadline; // of the stop
    uint64_t begun_ms, ready_ms;
    bool was_ready;
    bool asked_to_stop;
    err why;
    task gone;
};

// ---- the end

static void tell_gone(void *ctx)
{
    instance *i = ctx;
    i->o.on_gone(i->o.ctx, i, i->asked_to_stop && !i->why.code ? NULL : &i->why);
}

static void gone(instance *i)
{
    i->state = INSTANCE_GONE;
    timer_stop(i->deadline);
    task_post(i->loop, &i->gone);
}

static void signal_all(instance *i, int signum)
{
    for (size_t k = 0; k < i->count; k++)
        unit_signal(&i->units[k], signum);
}

static void terminate(instance *i)
{
    if (i->state == INSTANCE_STOPPING || i->state == INSTANCE_GONE)
        return;
    i->state = INSTANCE_STOPPING;
    signal_all(i, SIGTERM);
    timer_start(i->deadline, i->o.stop_ms);
}

static void on_deadline(void *ctx)
{
    signal_all(ctx, SIGKILL);
}

static void fail(instance *i, const err *why)
{
    if (!i->asked_to_stop && !i->why.code)
        i->why = *why;
    terminate(i);
}

void instance_stop(instance *i)
{
    i->asked_to_stop = true;
    terminate(i);
}

void instance_kill(instance *i, const err *why)
{
    fail(i, why);
    signal_all(i, SIGKILL);
}

// ---- containers

static bool may_start(const instance *i, const unit *u)
{
    for (size_t k = 0; k < u->box->needs_count; k++)
        if (!i->units[u->box->needs[k]].started)
            return false;
    return !u->begun;
}

static void start_next(instance *i)
{
    for (size_t k = 0; k < i->count; k++)
        if (may_start(i, &i->units[k]))
            unit_start(&i->units[k]);
}

static void on_started(unit *u)
{
    instance *i = u->ctx;
    if (i->state != INSTANCE_STARTING)
        return;
    start_next(i);
    for (size_t k = 0; k < i->count; k++)
        if (!i->units[k].started)
            return;
    i->state = INSTANCE_READY;
    i->was_ready = true;
    i->ready_ms = loop_now_ms(i->loop);
    i->o.on_ready(i->o.ctx, i);
}

static void wrap(const unit *u, const err *why, err *ret_why)
{
    *ret_why = *why;
    if (!u->is_ingress)
        err_wrap(ret_why, "container " STR_FMT, STR_ARG(u->box->name));
}

static void on_failed(unit *u, const err *why)
{
    err told;
    wrap(u, why, &told);
    fail(u->ctx, &told);
}

static void on_ended(unit *u, const err *why)
{
    instance *i = u->ctx;
    err told;
    wrap(u, why, &told);
    fail(i, &told);
    for (size_t k = 0; k < i->count; k++)
        if (i->units[k].begun && !i->units[k].ended)
            return;
    gone(i);
}

static void on_line(unit *u, str line)
{
    instance *i = u->ctx;
    i->o.on_line(i->o.ctx, i, u->is_ingress ? STR_NONE : u->box->name, line);
}

static const unit_handlers handlers = {
    .on_started = on_started, .on_failed = on_failed, .on_ended = on_ended, .on_line = on_line};

// ---- the start

static void drop_stream(void *ctx, stream *s)
{
    (void)ctx;
    stream_free(s);
}

// The kernel names a free port; the program listens there a moment later.
static code free_port(loop *l, uint16_t *ret_port, err *e)
{
    listener *ln;
    listen_options o = {.on_accept = drop_stream};
    code c = listener_new(l, &o, &ln, e);
    if (c)
        return c;
    *ret_port = listener_port(ln);
    listener_free(ln);
    return OK;
}

static void make_units(instance *i)
{
    const service_spec *s = i->o.spec;
    i->count = s->container_count;
    i->units = mem_array(i->count, sizeof(*i->units));
    for (size_t k = 0; k < i->count; k++) {
        i->units[k] = (unit){.ctx = i,
                             .handlers = &handlers,
                             .loop = i->loop,
                             .box = &s->containers[k],
                             .run = &i->o.runs[k],
                             .port = i->port,
                             .is_ingress = &s->containers[k] == s->ingress_container,
                             .check = !s->health_check_disabled};
        unit_init(&i->units[k]);
    }
}

instance *instance_new(loop *l, const instance_options *o)
{
    instance *i = NEW(instance);
    *i = (instance){
        .loop = l, .o = *o, .begun_ms = loop_now_ms(l), .gone = {.run = tell_gone, .ctx = i}};
    if (!i->o.stop_ms)
        i->o.stop_ms = INSTANCE_STOP_MS;
    snprintf(i->id, sizeof(i->id), "%016llx", (unsigned long long)rand_u64());
    i->deadline = timer_new(l, on_deadline, i);
    if (free_port(l, &i->port, &i->why) != OK) {
        gone(i);
        return i;
    }
    // The calls are counted above; the pool must never be the narrower one.
    http_pool_options pool = {.host = "127.0.0.1",
                              .port = i->port,
                              .http2 = o->spec->ingress_container->h2c,
                              .connections_max = o->spec->concurrency,
                              .response_ms = SERVICE_TIMEOUT_S_MAX * 1000ULL,
                              .body_ms = SERVICE_TIMEOUT_S_MAX * 1000ULL};
    i->pool = http_pool_new(l, &pool);
    make_units(i);
    start_next(i);
    return i;
}

void instance_free(instance *i)
{
    if (!i)
        return;
    task_cancel(&i->gone);
    timer_free(i->deadline);
    http_pool_free(i->pool);
    for (size_t k = 0; k < i->count; k++)
        unit_deinit(&i->units[k]);
    free(i->units);
    free(i);
}

// ---- what others ask

instance_state instance_status(const instance *i)
{
    return i->state;
}

str instance_id(const instance *i)
{
    return (str){i->id, INSTANCE_ID_LEN};
}

http_pool *instance_pool(instance *i)
{
    return i->pool;
}

uint16_t instance_port(const instance *i)
{
    return i->port;
}

pid_t instance_group(const instance *i, size_t container)
{
    const unit *u = container < i->count ? &i->units[container] : NULL;
    return u && u->process && !u->exited ? process_pid(u->process) : 0;
}

bool instance_was_ready(const instance *i)
{
    return i->was_ready;
}

uint64_t instance_start_ms(const instance *i)
{
    return i->ready_ms - i->begun_ms;
}

uint64_t instance_lived_ms(const instance *i)
{
    return i->was_ready ? loop_now_ms(i->loop) - i->ready_ms : 0;
}

uint32_t instance_attempts(const instance *i)
{
    const service_spec *s = i->o.spec;
    return i->units[s->ingress_container - s->containers].attempts;
}
