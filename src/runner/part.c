// SPDX-License-Identifier: Apache-2.0
// Parts of a run: shards, which together do all of it, and what had failed in an earlier one.
#include "runner/run.h"

// The member of the collection that the item is, or is below of.
static const pm_item *member_of(const pm_item *item)
{
    while (item->parent && item->parent->parent)
        item = item->parent;
    return item;
}

void part_of_plan(runner *r)
{
    const run_shard *shard = &r->o.shard;
    const pm_item *last = NULL;
    uint32_t members = 0, kept = 0;
    if (shard->count < 2 || r->cursor.iterations > 1)
        return;
    for (size_t i = 0; i < r->plan.items.len; i++) {
        const pm_item *item = r->plan.items.ptr[i], *member = member_of(item);
        members += member != last;
        last = member;
        if ((members - 1) % shard->count == shard->index)
            r->plan.items.ptr[kept++] = item;
    }
    r->plan.items.len = kept;
}

// The first pick that isn't before this one.
static const run_pick *pick_from(const runner *r, uint32_t iteration, uint32_t index)
{
    const run_pick *p = r->o.picks;
    for (size_t n = r->o.pick_count; n > 0;) {
        const run_pick *middle = p + n / 2;
        bool before = middle->iteration < iteration ||
                      (middle->iteration == iteration && middle->index < index);
        p = before ? middle + 1 : p;
        n = before ? n - n / 2 - 1 : n / 2;
    }
    return p < r->o.picks + r->o.pick_count && p->iteration == iteration ? p : NULL;
}

bool part_has_iteration(const runner *r)
{
    const run_shard *shard = &r->o.shard;
    uint32_t i = r->cursor.iteration;
    bool mine = shard->count < 2 || r->cursor.iterations == 1 || i % shard->count == shard->index;
    return mine && (!r->o.picks || pick_from(r, i, 0));
}

bool part_has_request(const runner *r)
{
    if (!r->o.picks)
        return true;
    uint32_t index = r->plan.items.ptr[r->cursor.position]->index;
    const run_pick *p = pick_from(r, r->cursor.iteration, index);
    return p && p->index == index;
}
