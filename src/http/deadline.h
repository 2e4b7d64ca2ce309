// SPDX-License-Identifier: Apache-2.0
// Inside http: a deadline that moves with every message. Moving it later is one store: the timer
// underneath fires at the old time, sees the new one, and goes on.
#pragma once

#include "net/net.h"

typedef struct deadline deadline;
struct deadline {
    loop *loop;
    timer *timer;
    uint64_t at_ms;    // 0: none
    uint64_t armed_ms; // when the timer fires; 0: it doesn't
    void (*on_late)(void *ctx);
    void *ctx;
};

void deadline_init(deadline *d, loop *l, void (*on_late)(void *ctx), void *ctx);
void deadline_deinit(deadline *d);
void deadline_set(deadline *d, uint64_t ms);
static inline void deadline_clear(deadline *d)
{
    d->at_ms = 0;
}
static inline bool deadline_is_set(const deadline *d)
{
    return d->at_ms != 0;
}
