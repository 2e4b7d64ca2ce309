// SPDX-License-Identifier: Apache-2.0
#include "net/loop.h"

#include <signal.h>

enum { GATE_RETRY_MS = 10 };

struct loop_gate {
    loop *loop;
    bool (*may_send)(void *ctx);
    void *ctx;
};

struct timer {
    uv_timer_t uv; // first: handle_close_free
    void (*on_timer)(void *ctx);
    void *ctx;
};

struct signal_watch {
    uv_signal_t uv; // first: handle_close_free
    void (*on_signal)(void *ctx, int signum);
    void *ctx;
};

struct watch {
    uv_poll_t uv; // first: handle_close_free
    void (*on_ready)(void *ctx, int events);
    void *ctx;
};

// ---- turns --------------------------------------------------------------------------------------

static bool ring_empty(const task *ring)
{
    return ring->next == ring;
}

static void ring_add(task *ring, task *t)
{
    t->prev = ring->prev;
    t->next = ring;
    ring->prev->next = t;
    ring->prev = t;
}

// Tasks that these post wait for the next call: tasks can't starve the sockets.
static void run_tasks(loop *l)
{
    if (ring_empty(&l->soon))
        return;
    l->now = l->soon;
    l->now.next->prev = &l->now;
    l->now.prev->next = &l->now;
    l->soon.next = l->soon.prev = &l->soon;
    while (!ring_empty(&l->now)) {
        task *t = l->now.next;
        task_cancel(t);
        t->run(t->ctx);
    }
}

static bool gates_open(loop *l)
{
    for (size_t i = 0; i < l->gates.len; i++) {
        if (!l->gates.ptr[i]->may_send(l->gates.ptr[i]->ctx))
            return false;
    }
    return true;
}

static void on_retry(uv_timer_t *h)
{
    (void)h; // the end of this turn asks the gates again
}

static void end_turn(loop *l)
{
    run_tasks(l);
    streams_flush(&l->dirty_passing);
    if (!l->dirty)
        return;
    if (gates_open(l))
        streams_flush(&l->dirty);
    else
        uv_timer_start(&l->retry, on_retry, GATE_RETRY_MS, 0);
}

// Twice in libuv's iteration, as timers and tasks run before the poll and sockets in it.
static void on_before_poll(uv_prepare_t *h)
{
    end_turn(h->data);
}

static void on_after_poll(uv_check_t *h)
{
    end_turn(h->data);
}

static void on_busy(uv_idle_t *h)
{
    loop *l = h->data;
    if (ring_empty(&l->soon))
        uv_idle_stop(h);
}

static void on_until(uv_timer_t *h)
{
    (void)h;
}

// ---- loop ---------------------------------------------------------------------------------------

static void unref_handle(uv_handle_t *h, loop *l)
{
    h->data = l;
    uv_unref(h);
}

loop *loop_new(void)
{
    loop *l = NEW(loop);
    signal(SIGPIPE, SIG_IGN);
    if (uv_loop_init(&l->uv) != 0)
        abort(); // epoll or its descriptors are missing: nothing can work
    uv_prepare_init(&l->uv, &l->before_poll);
    uv_check_init(&l->uv, &l->after_poll);
    uv_idle_init(&l->uv, &l->busy);
    uv_timer_init(&l->uv, &l->retry);
    uv_timer_init(&l->uv, &l->until);
    l->busy.data = l;
    l->retry.data = l;
    l->until.data = l;
    l->soon.next = l->soon.prev = &l->soon;
    l->now.next = l->now.prev = &l->now;
    unref_handle((uv_handle_t *)&l->before_poll, l);
    unref_handle((uv_handle_t *)&l->after_poll, l);
    uv_prepare_start(&l->before_poll, on_before_poll);
    uv_check_start(&l->after_poll, on_after_poll);
    return l;
}

static void close_leftover(uv_handle_t *h, void *ctx)
{
    loop *l = ctx;
    bool ours = h == (uv_handle_t *)&l->before_poll || h == (uv_handle_t *)&l->after_poll ||
                h == (uv_handle_t *)&l->busy || h == (uv_handle_t *)&l->retry ||
                h == (uv_handle_t *)&l->until;
    if (uv_is_closing(h))
        return;
    if (!ours)
        log_error("net", "the loop ends with a %s that nobody freed",
                  uv_handle_type_name(uv_handle_get_type(h)));
    uv_close(h, NULL);
}

void loop_free(loop *l)
{
    if (!l)
        return;
    streams_drop_lingering(l);
    uv_walk(&l->uv, close_leftover, l);
    uv_run(&l->uv, UV_RUN_DEFAULT);
    if (uv_loop_close(&l->uv) != 0)
        log_error("net", "the loop ends with requests under way");
    vec_deinit(&l->gates);
    free(l);
}

void loop_run(loop *l)
{
    uv_run(&l->uv, UV_RUN_DEFAULT);
}

void loop_stop(loop *l)
{
    uv_stop(&l->uv);
}

bool loop_run_until(loop *l, const bool *done, uint64_t timeout_ms)
{
    uv_update_time(&l->uv);
    uv_timer_start(&l->until, on_until, timeout_ms, 0);
    while (!*done && uv_is_active((uv_handle_t *)&l->until))
        uv_run(&l->uv, UV_RUN_ONCE);
    uv_timer_stop(&l->until);
    return *done;
}

uint64_t loop_now_ms(const loop *l)
{
    return uv_now(&l->uv);
}

static void free_handle(uv_handle_t *h)
{
    free(h);
}

void handle_close_free(uv_handle_t *h)
{
    uv_close(h, free_handle);
}

code err_uv(err *e, code c, int status, const char *fmt, ...)
{
    char what[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    return err_set(e, c, "%s: %s", what, uv_strerror(status));
}

// ---- gate ---------------------------------------------------------------------------------------

loop_gate *loop_gate_new(loop *l, bool (*may_send)(void *ctx), void *ctx)
{
    loop_gate *g = NEW(loop_gate);
    *g = (loop_gate){.loop = l, .may_send = may_send, .ctx = ctx};
    vec_push(&l->gates, g);
    return g;
}

void loop_gate_free(loop_gate *g)
{
    if (!g)
        return;
    for (size_t i = 0; i < g->loop->gates.len; i++) {
        if (g->loop->gates.ptr[i] == g) {
            vec_remove(&g->loop->gates, i);
            break;
        }
    }
    free(g);
}

// ---- task ---------------------------------------------------------------------------------------

void task_post(loop *l, task *t)
{
    if (t->loop)
        return;
    t->loop = l;
    ring_add(&l->soon, t);
    if (!uv_is_active((uv_handle_t *)&l->busy))
        uv_idle_start(&l->busy, on_busy);
}

void task_cancel(task *t)
{
    if (!t->loop)
        return;
    t->prev->next = t->next;
    t->next->prev = t->prev;
    t->loop = NULL;
    t->next = t->prev = NULL;
}

// ---- timer --------------------------------------------------------------------------------------

static void on_uv_timer(uv_timer_t *h)
{
    timer *t = (timer *)h;
    t->on_timer(t->ctx);
}

timer *timer_new(loop *l, void (*on_timer)(void *ctx), void *ctx)
{
    timer *t = NEW(timer);
    uv_timer_init(&l->uv, &t->uv);
    t->on_timer = on_timer;
    t->ctx = ctx;
    return t;
}

void timer_start(timer *t, uint64_t ms)
{
    uv_timer_start(&t->uv, on_uv_timer, ms, 0);
}

void timer_stop(timer *t)
{
    uv_timer_stop(&t->uv);
}

bool timer_active(const timer *t)
{
    return uv_is_active((const uv_handle_t *)&t->uv) != 0;
}

void timer_background(timer *t)
{
    uv_unref((uv_handle_t *)&t->uv);
}

void timer_free(timer *t)
{
    if (t)
        handle_close_free((uv_handle_t *)&t->uv);
}

// ---- signal -------------------------------------------------------------------------------------

static void on_uv_signal(uv_signal_t *h, int signum)
{
    signal_watch *w = (signal_watch *)h;
    w->on_signal(w->ctx, signum);
}

signal_watch *signal_watch_new(loop *l, int signum, void (*on_signal)(void *ctx, int signum),
                               void *ctx)
{
    signal_watch *w = NEW(signal_watch);
    uv_signal_init(&l->uv, &w->uv);
    w->on_signal = on_signal;
    w->ctx = ctx;
    uv_signal_start(&w->uv, on_uv_signal, signum);
    uv_unref((uv_handle_t *)&w->uv);
    return w;
}

void signal_watch_free(signal_watch *w)
{
    if (w)
        handle_close_free((uv_handle_t *)&w->uv);
}

// ---- watch --------------------------------------------------------------------------------------

static void on_uv_poll(uv_poll_t *h, int status, int events)
{
    watch *w = (watch *)h;
    int ready = 0;
    if (status < 0 || events & UV_READABLE)
        ready |= WATCH_READ;
    if (status < 0 || events & UV_WRITABLE)
        ready |= WATCH_WRITE;
    w->on_ready(w->ctx, ready);
}

code watch_new(loop *l, int fd, void (*on_ready)(void *ctx, int events), void *ctx,
               watch **ret_watch, err *e)
{
    watch *w = NEW(watch);
    int status = uv_poll_init(&l->uv, &w->uv, fd);
    if (status < 0) {
        free(w);
        return err_uv(e, SYS_FAILED, status, "watching descriptor %d", fd);
    }
    w->on_ready = on_ready;
    w->ctx = ctx;
    *ret_watch = w;
    return OK;
}

void watch_set(watch *w, int events)
{
    int wanted = (events & WATCH_READ ? UV_READABLE : 0) | (events & WATCH_WRITE ? UV_WRITABLE : 0);
    if (wanted)
        uv_poll_start(&w->uv, wanted, on_uv_poll);
    else
        uv_poll_stop(&w->uv);
}

void watch_free(watch *w)
{
    if (w)
        handle_close_free((uv_handle_t *)&w->uv);
}
