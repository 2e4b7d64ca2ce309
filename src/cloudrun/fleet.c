// SPDX-License-Identifier: Apache-2.0
#include "cloudrun/fleet.h"

#include <string.h>

#include "cloudrun/memory.h"

enum { FIRST_FREE_MAX = 3 }; // up to this concurrency calls are packed, not spread

static instance_state status_of(const slot *s)
{
    return s->instance ? instance_status(s->instance) : INSTANCE_GONE;
}

static uint32_t count(const revision *r, instance_state state)
{
    uint32_t n = 0;
    VEC_FOREACH (&r->slots, s)
        n += status_of(*s) == state;
    return n;
}

uint32_t fleet_alive(const revision *r)
{
    return count(r, INSTANCE_STARTING) + count(r, INSTANCE_READY);
}

revision_status revision_count(const revision *r)
{
    return (revision_status){.starting = count(r, INSTANCE_STARTING),
                             .ready = count(r, INSTANCE_READY),
                             .stopping = count(r, INSTANCE_STOPPING),
                             .calls = r->calls,
                             .waiting = r->waiting.len,
                             .starts = r->starts};
}

// ---- one instance

static void drop_if_over(slot *s)
{
    revision *r = s->revision;
    if (s->instance || s->calls)
        return;
    for (size_t i = 0; i < r->slots.len; i++) {
        if (r->slots.ptr[i] == s) {
            vec_remove(&r->slots, i);
            break;
        }
    }
    free(s);
    if (r->stopping && !r->slots.len && r->on_stopped)
        task_post(r->loop, &r->poke); // which tells
}

static void on_ready(void *ctx, instance *i)
{
    slot *s = ctx;
    revision *r = s->revision;
    char text[128];
    r->started++;
    r->start_ms_sum += instance_start_ms(i);
    s->idle_ms = loop_now_ms(r->loop);
    snprintf(text, sizeof(text), "%s probe succeeded after %u attempt%s for container on port %u.",
             r->o.spec->ingress_container->startup.set ? "STARTUP" : "Default STARTUP TCP",
             instance_attempts(i), instance_attempts(i) == 1 ? "" : "s", instance_port(i));
    r->o.on_event(r->o.ctx, instance_id(i), NULL, text);
    task_post(r->loop, &r->dispatch);
}

static void on_line(void *ctx, instance *i, str container, str line)
{
    revision *r = ((slot *)ctx)->revision;
    r->o.on_line(r->o.ctx, instance_id(i), container, line);
}

// What starts and ends at once is started again later, and later each time.
static void back_off(revision *r, bool lived)
{
    uint64_t wait = REVISION_RETRY_MS_MIN;
    for (uint32_t i = 0; i < r->failures && wait < REVISION_RETRY_MS_MAX; i++)
        wait *= 2;
    if (wait > REVISION_RETRY_MS_MAX)
        wait = REVISION_RETRY_MS_MAX;
    r->failures = lived ? 0 : r->failures + 1;
    r->retry_ms = lived ? 0 : loop_now_ms(r->loop) + wait;
}

static void on_gone(void *ctx, instance *i, const err *why)
{
    slot *s = ctx;
    revision *r = s->revision;
    err told = ERR_INIT;
    s->instance = NULL;
    s->calls++; // the slot stays until the end of this
    if (why) {
        told = *why;
        r->o.on_event(r->o.ctx, instance_id(i), &told, NULL);
        back_off(r, instance_lived_ms(i) >= REVISION_LIVED_MS);
        if (!instance_was_ready(i) && !fleet_alive(r))
            revision_refuse_waiting(r, 500, &told);
    }
    instance_free(i); // ends its calls, which leave the slot
    s->calls--;
    drop_if_over(s);
    task_post(r->loop, &r->poke);
}

static void start_one(revision *r, const char *reason)
{
    slot *s = NEW(slot);
    char text[96];
    instance_options o = {.spec = r->o.spec,
                          .runs = r->o.runs,
                          .stop_ms = r->o.stop_ms,
                          .on_ready = on_ready,
                          .on_gone = on_gone,
                          .on_line = on_line,
                          .ctx = s};
    *s = (slot){.revision = r, .idle_ms = loop_now_ms(r->loop)};
    vec_push(&r->slots, s);
    r->starts++;
    s->instance = instance_new(r->loop, &o);
    memcpy(s->id, instance_id(s->instance).ptr, INSTANCE_ID_LEN);
    snprintf(text, sizeof(text), "Starting new instance. Reason: %s", reason);
    r->o.on_event(r->o.ctx, instance_id(s->instance), NULL, text);
    if (!timer_active(r->memory))
        timer_start(r->memory, REVISION_MEMORY_MS);
}

// ---- all of them

static slot *longest_idle(revision *r)
{
    slot *best = NULL;
    VEC_FOREACH (&r->slots, s) {
        bool idle = status_of(*s) == INSTANCE_READY && !(*s)->calls;
        if (idle && (!best || (*s)->idle_ms < best->idle_ms))
            best = *s;
    }
    return best;
}

// One more than there are: what didn't start is tried again for somebody who calls, or when it is
// always to run.
static bool is_wanted(const revision *r, uint32_t alive)
{
    return !r->failures || r->calls || r->waiting.len || alive < r->o.spec->min;
}

void fleet_scale(revision *r)
{
    uint64_t now = loop_now_ms(r->loop);
    scale_step step = scaler_tick(&r->scaler, now, count(r, INSTANCE_READY));
    uint32_t alive = fleet_alive(r);
    for (; alive < step.desired && now >= r->retry_ms && is_wanted(r, alive); alive++)
        start_one(r, alive < r->o.spec->min ? "MANUAL_OR_CUSTOMER_MIN_INSTANCE" : "AUTOSCALING");
    for (slot *s; alive > step.desired && (s = longest_idle(r)); alive--) {
        r->o.on_event(r->o.ctx, instance_id(s->instance), NULL, "Stopping instance: it is idle");
        instance_stop(s->instance);
    }
    if (step.desired || r->slots.len || r->waiting.len) {
        uint64_t wait = scaler_tick_ms(&r->scaler);
        timer_start(r->tick,
                    r->retry_ms > now && r->retry_ms - now < wait ? r->retry_ms - now : wait);
    }
}

slot *fleet_find(revision *r)
{
    bool packed = r->o.spec->concurrency <= FIRST_FREE_MAX;
    for (size_t i = 0; i < r->slots.len; i++) {
        size_t at = (i + (packed ? 0 : r->turn)) % r->slots.len;
        slot *s = r->slots.ptr[at];
        if (status_of(s) != INSTANCE_READY || s->calls >= r->o.spec->concurrency)
            continue;
        r->turn = at + 1;
        return s;
    }
    return NULL;
}

void fleet_leave(slot *s)
{
    s->calls--;
    s->idle_ms = loop_now_ms(s->revision->loop);
    drop_if_over(s);
}

void fleet_stop(revision *r)
{
    timer_stop(r->tick);
    VEC_FOREACH (&r->slots, s)
        if ((*s)->instance)
            instance_stop((*s)->instance);
}

// ---- memory

typedef VEC(memory_use) uses;

// What Cloud Run does to an instance of which a container holds more than its limit.
static void check_memory(revision *r, slot *s, const memory_use *of_containers)
{
    for (size_t k = 0; k < r->o.spec->container_count; k++) {
        uint64_t limit = r->o.spec->containers[k].memory_bytes, bytes = of_containers[k].bytes;
        if (!of_containers[k].group || bytes <= limit)
            continue;
        err why = ERR_INIT;
        err_set(&why, UP_INSTANCE, "Memory limit of %llu MiB exceeded with %llu MiB used",
                (unsigned long long)(limit >> 20), (unsigned long long)(bytes >> 20));
        err_hint(&why, "raise resources.limits.memory in %s", r->o.spec->file);
        instance_kill(s->instance, &why);
        return;
    }
}

void fleet_check_memory(revision *r)
{
    size_t containers = r->o.spec->container_count;
    uses all = {0};
    VEC_FOREACH (&r->slots, s) {
        for (size_t k = 0; k < containers; k++) {
            instance *i = (*s)->instance;
            memory_use use = {.group = i ? instance_group(i, k) : 0};
            vec_push(&all, use);
        }
    }
    memory_measure(all.ptr, all.len);
    for (size_t i = 0; i < r->slots.len; i++)
        if (r->slots.ptr[i]->instance)
            check_memory(r, r->slots.ptr[i], &all.ptr[i * containers]);
    vec_deinit(&all);
    if (r->slots.len)
        timer_start(r->memory, REVISION_MEMORY_MS);
}

void fleet_free(revision *r)
{
    VEC_FOREACH (&r->slots, s) {
        instance_free((*s)->instance);
        free(*s);
    }
    vec_deinit(&r->slots);
}
