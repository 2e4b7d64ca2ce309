// SPDX-License-Identifier: Apache-2.0
#include "cloudrun/revision.h"

#include "cloudrun/fleet.h"

struct place {
    void *call;
    slot *slot;       // that it is in
    place_list *list; // that it waits in
    uint64_t since_ms;
    place *next, *prev;
};

// ---- the queue

static void enqueue(place_list *list, place *p)
{
    p->list = list;
    p->prev = list->last;
    *(list->last ? &list->last->next : &list->first) = p;
    list->last = p;
    list->len++;
}

static void dequeue(place *p)
{
    place_list *list = p->list;
    *(p->prev ? &p->prev->next : &list->first) = p->next;
    *(p->next ? &p->next->prev : &list->last) = p->prev;
    p->next = p->prev = NULL;
    p->list = NULL;
    list->len--;
}

static bool level_changed(revision *r)
{
    return scaler_set(&r->scaler, loop_now_ms(r->loop), r->calls + r->waiting.len);
}

static uint64_t patience_ms(const revision *r)
{
    uint64_t by_start = r->started ? r->start_ms_sum * 7 / (2 * r->started) : 0;
    return by_start > r->o.wait_ms_min ? by_start : r->o.wait_ms_min;
}

static void watch_oldest(revision *r)
{
    if (!r->waiting.first) {
        timer_stop(r->patience);
        return;
    }
    uint64_t now = loop_now_ms(r->loop), until = r->waiting.first->since_ms + patience_ms(r);
    timer_start(r->patience, until > now ? until - now : 0);
}

static void refuse(revision *r, place *p, int status, const err *why)
{
    dequeue(p);
    r->o.on_refuse(r->o.ctx, p->call, status, why);
}

void revision_refuse_waiting(revision *r, int status, const err *why)
{
    while (r->waiting.first)
        refuse(r, r->waiting.first, status, why);
    level_changed(r);
    watch_oldest(r);
}

// ---- events

static void on_dispatch(void *ctx)
{
    revision *r = ctx;
    err full = ERR_INIT;
    err_set(&full, UP_QUEUE,
            r->stopping ? "the service is being stopped" : "%d calls wait for an instance already",
            REVISION_WAITING_MAX);
    while (r->doomed.first)
        refuse(r, r->doomed.first, 503, &full);
    for (slot *s; r->waiting.first && (s = fleet_find(r));) {
        place *p = r->waiting.first;
        dequeue(p);
        p->slot = s;
        s->calls++;
        r->calls++;
        r->o.on_place(r->o.ctx, p->call, instance_pool(s->instance), (str){s->id, INSTANCE_ID_LEN});
    }
    watch_oldest(r);
}

static void on_patience(void *ctx)
{
    revision *r = ctx;
    uint64_t now = loop_now_ms(r->loop), wait = patience_ms(r);
    err why = ERR_INIT;
    int status = 500;
    if (fleet_alive(r) >= r->o.spec->max) {
        status = 429;
        err_set(&why, UP_FULL, "%u instance%s with %u call%s each are busy", r->o.spec->max,
                r->o.spec->max == 1 ? "" : "s", r->o.spec->concurrency,
                r->o.spec->concurrency == 1 ? "" : "s");
        err_hint(&why, "raise autoscaling.knative.dev/maxScale or containerConcurrency in %s",
                 r->o.spec->file);
    } else {
        err_set(&why, UP_INSTANCE, "no instance was ready within %llu ms",
                (unsigned long long)wait);
    }
    while (r->waiting.first && r->waiting.first->since_ms + wait <= now)
        refuse(r, r->waiting.first, status, &why);
    level_changed(r);
    watch_oldest(r);
}

static void on_poke(void *ctx)
{
    revision *r = ctx;
    if (!r->stopping) {
        fleet_scale(r);
    } else if (!r->slots.len && r->on_stopped) {
        void (*told)(void *) = r->on_stopped;
        r->on_stopped = NULL;
        told(r->stopped_ctx); // may free the revision
    }
}

static void on_memory(void *ctx)
{
    fleet_check_memory(ctx);
}

// ---- what others call

revision *revision_new(loop *l, const revision_options *o)
{
    revision *r = NEW(revision);
    *r = (revision){.loop = l,
                    .o = *o,
                    .dispatch = {.run = on_dispatch, .ctx = r},
                    .poke = {.run = on_poke, .ctx = r}};
    if (!r->o.wait_ms_min)
        r->o.wait_ms_min = REVISION_WAIT_MS_MIN;
    scale_options scale = {.window_ms = o->window_ms ? o->window_ms : SCALE_WINDOW_MS,
                           .grace_ms = o->window_ms ? o->grace_ms : SCALE_GRACE_MS,
                           .concurrency = o->spec->concurrency,
                           .min = o->spec->min,
                           .max = o->spec->max};
    scaler_init(&r->scaler, &scale, loop_now_ms(l));
    r->tick = timer_new(l, on_poke, r);
    r->patience = timer_new(l, on_patience, r);
    r->memory = timer_new(l, on_memory, r);
    return r;
}

void revision_start(revision *r)
{
    task_post(r->loop, &r->poke);
}

void revision_stop(revision *r, void (*on_stopped)(void *ctx), void *ctx)
{
    err why = ERR_INIT;
    err_set(&why, UP_QUEUE, "the service is being stopped");
    r->stopping = true;
    r->on_stopped = on_stopped;
    r->stopped_ctx = ctx;
    revision_refuse_waiting(r, 503, &why);
    fleet_stop(r);
    task_post(r->loop, &r->poke);
}

void revision_free(revision *r)
{
    if (!r)
        return;
    task_cancel(&r->dispatch);
    task_cancel(&r->poke);
    timer_free(r->tick);
    timer_free(r->patience);
    timer_free(r->memory);
    fleet_free(r);
    free(r);
}

place *revision_claim(revision *r, void *call)
{
    place *p = NEW(place);
    *p = (place){.call = call, .since_ms = loop_now_ms(r->loop)};
    bool take = !r->stopping && r->waiting.len < REVISION_WAITING_MAX;
    enqueue(take ? &r->waiting : &r->doomed, p);
    task_post(r->loop, &r->dispatch);
    if (take && (level_changed(r) || !fleet_alive(r)))
        task_post(r->loop, &r->poke);
    return p;
}

void revision_release(revision *r, place *p)
{
    if (p->list)
        dequeue(p);
    if (p->slot) {
        r->calls--;
        fleet_leave(p->slot);
        task_post(r->loop, &r->dispatch);
    }
    free(p);
    level_changed(r);
}
