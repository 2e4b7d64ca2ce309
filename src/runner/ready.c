// SPDX-License-Identifier: Apache-2.0
// Requests that are ready to be sent: what they become is the same each time, so that they are
// prepared once. That is so without scripts, dynamic variables, files and signatures of a moment,
// and as long as no variable that is used has been changed.
#include "runner/run.h"

typedef struct ready ready;
struct ready {
    arena mem;
    pm_call call;
    pm_behavior behavior;
    uri_url at;
    bool harmless; // no secret in it
};

struct run_ready {
    const pm_collection *collection;
    ready **items; // by their index; NULL: not kept, or not yet
};

run_ready *run_ready_new(const pm_collection *c)
{
    run_ready *x = NEW(run_ready);
    x->collection = c;
    x->items = mem_array(c->request_count, sizeof(*x->items));
    return x;
}

static void item_free(ready *one)
{
    if (!one)
        return;
    pm_call_deinit(&one->call);
    arena_deinit(&one->mem);
    free(one);
}

void run_ready_free(run_ready *x)
{
    if (!x)
        return;
    for (uint32_t i = 0; i < x->collection->request_count; i++)
        item_free(x->items[i]);
    free(x->items);
    free(x);
}

// Scripts that do nothing, as Postman leaves many, don't count.
static bool has_script(const pm_item *item)
{
    for (; item; item = item->parent)
        for (int kind = 0; kind < PM_LISTEN_COUNT; kind++)
            for (const pm_script *s = item->scripts[kind]; s; s = s->next)
                if (str_trim(s->source).len)
                    return true;
    return false;
}

// The request as the collection has it.
static bool is_as_written(const trip *x)
{
    return !x->want.by_script && x->want.request == x->want.item->request;
}

static bool may_use(const trip *x, const pm_call *call)
{
    return !call->of_variables || run_variables_version(x->r) == x->r->given_version;
}

bool ready_take(trip *x)
{
    const ready *one = is_as_written(x) ? x->r->ready->items[x->want.item->index] : NULL;
    if (!one || !may_use(x, &one->call))
        return false;
    x->kept_at = &one->at;
    x->call = one->call;
    x->behavior = one->behavior;
    x->harmless = one->harmless;
    pm_call_renew(&x->call);
    return true;
}

static code prepare(const trip *x, ready *one, err *e)
{
    pm_scopes scopes = run_scopes(x->r);
    pm_prepare_options o = {
        .scopes = &scopes, .auth = x->want.auth, .behavior = x->behavior, .folder = x->r->o.folder};
    one->behavior = x->behavior;
    code c = pm_prepare(&one->mem, x->want.request, &o, &one->call, e);
    return c ? c : url_parse(&one->mem, one->call.url, &one->at, e);
}

void ready_keep(trip *x)
{
    err e = ERR_INIT;
    ready **place = is_as_written(x) ? &x->r->ready->items[x->want.item->index] : NULL;
    if (!place || *place || !x->call.repeats || !may_use(x, &x->call) || has_script(x->want.item))
        return;
    ready *one = NEW(ready);
    arena_init(&one->mem);
    if (prepare(x, one, &e)) { // no URL as it should be: read anew each time (wire_url_parse)
        item_free(one);
        return;
    }
    one->harmless = !veil_finds(one->call.request);
    *place = one;
}
