// SPDX-License-Identifier: Apache-2.0
// work: a blocking job (SQLite, key generation, file reading) on a thread of the pool.
#pragma once

#include "net/net_loop.h"

typedef struct work work;

// `run` on a thread, then `on_done` on the loop; both get ctx, which run may change as nobody else
// touches it meanwhile. The handle is valid until on_done.
work *work_start(loop *l, void (*run)(void *ctx), void (*on_done)(void *ctx), void *ctx);
