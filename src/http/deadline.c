// SPDX-License-Identifier: Apache-2.0
#include "http/deadline.h"

static void arm(deadline *d, uint64_t ms)
{
    d->armed_ms = d->at_ms;
    timer_start(d->timer, ms);
}

static void on_timer(void *ctx)
{
    deadline *d = ctx;
    d->armed_ms = 0;
    if (!d->at_ms)
        return;
    uint64_t now = loop_now_ms(d->loop);
    if (now < d->at_ms) {
        arm(d, d->at_ms - now);
        return;
    }
    d->at_ms = 0;
    d->on_late(d->ctx);
}

void deadline_init(deadline *d, loop *l, void (*on_late)(void *ctx), void *ctx)
{
    *d = (deadline){.loop = l, .on_late = on_late, .ctx = ctx};
    d->timer = timer_new(l, on_timer, d);
}

void deadline_deinit(deadline *d)
{
    timer_free(d->timer);
    d->timer = NULL;
}

void deadline_set(deadline *d, uint64_t ms)
{
    d->at_ms = loop_now_ms(d->loop) + (ms ? ms : 1);
    if (!d->armed_ms || d->at_ms < d->armed_ms)
        arm(d, ms);
}
