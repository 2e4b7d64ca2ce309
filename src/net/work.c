// SPDX-License-Identifier: Apache-2.0
#include "net/loop.h"
#include "net/net_work.h"

struct work {
    uv_work_t uv;
    void (*run)(void *ctx);
    void (*on_done)(void *ctx);
    void *ctx;
};

static void on_thread(uv_work_t *req)
{
    work *w = req->data;
    w->run(w->ctx);
}

static void on_loop(uv_work_t *req, int status)
{
    work *w = req->data;
    if (status != UV_ECANCELED)
        w->on_done(w->ctx);
    free(w);
}

work *work_start(loop *l, void (*run)(void *ctx), void (*on_done)(void *ctx), void *ctx)
{
    work *w = NEW(work);
    *w = (work){.run = run, .on_done = on_done, .ctx = ctx};
    w->uv.data = w;
    uv_queue_work(&l->uv, &w->uv, on_thread, on_loop);
    return w;
}
