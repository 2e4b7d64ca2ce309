// SPDX-License-Identifier: Apache-2.0
#include "load/result.h"

#include "load/tell.h"

static const uint64_t first_point_ns = 500000000;

void result_init(result *r, const pm_collection *c)
{
    r->rows = mem_array(c->request_count, sizeof(*r->rows));
    for (uint32_t i = 0; i < c->request_count; i++)
        r->rows[i].item = c->requests[i];
    r->told.collection = c;
    r->told.rows = r->rows;
    r->told.point_ns = first_point_ns;
}

void result_deinit(result *r)
{
    for (uint32_t i = 0; r->rows && i < r->told.collection->request_count; i++)
        hist_deinit(&r->rows[i].n.latency);
    for (size_t i = 0; i < LOAD_POINTS; i++)
        hist_deinit(&r->told.points[i].n.latency);
    for (size_t i = 0; i < r->told.reason_count; i++)
        free(r->told.reasons[i].text);
    hist_deinit(&r->told.all.latency);
    free(r->rows);
}

void result_begin(result *r, uint64_t now_ns)
{
    r->started_ns = now_ns;
    r->told.started_wall_ms = clock_wall_ms();
}

// ---- points -------------------------------------------------------------------------------------

static void merge_count(load_count *to, load_count *from)
{
    to->requests += from->requests;
    to->failed += from->failed;
    to->bytes += from->bytes;
    for (size_t i = 0; i < ARRAY_LEN(to->statuses); i++)
        to->statuses[i] += from->statuses[i];
    hist_merge(&to->latency, &from->latency);
}

static void clear_point(load_point *p)
{
    hist kept = p->n.latency;
    hist_reset(&kept);
    *p = (load_point){.n.latency = kept};
}

static void halve(load_result *r)
{
    for (size_t i = 0; i < LOAD_POINTS / 2; i++) {
        load_point *to = &r->points[i], *a = &r->points[2 * i], *b = &r->points[2 * i + 1];
        if (to != a) {
            clear_point(to);
            merge_count(&to->n, &a->n);
            to->users = a->users;
        }
        merge_count(&to->n, &b->n);
        to->users = b->users > to->users ? b->users : to->users;
    }
    for (size_t i = LOAD_POINTS / 2; i < LOAD_POINTS; i++)
        clear_point(&r->points[i]);
    r->point_ns *= 2;
    r->point_count = (r->point_count + 1) / 2;
}

void result_now(result *r, uint64_t now_ns)
{
    load_result *t = &r->told;
    uint64_t at = now_ns - r->started_ns;
    t->elapsed_ns = at;
    while (at / t->point_ns >= LOAD_POINTS)
        halve(t);
    size_t i = (size_t)(at / t->point_ns);
    t->point_count = i + 1 > t->point_count ? i + 1 : t->point_count;
    r->point = &t->points[i];
}

// ---- counting -----------------------------------------------------------------------------------

static void count(load_count *n, uint64_t us, int status, uint64_t bytes)
{
    int hundreds = status / 100;
    n->requests++;
    n->statuses[hundreds > 0 && hundreds < 6 ? hundreds : 0]++;
    n->bytes += bytes;
    hist_add(&n->latency, us);
}

void result_request(result *r, const pm_item *item, uint64_t now_ns, uint64_t us, int status,
                    uint64_t bytes)
{
    result_now(r, now_ns);
    count(&r->rows[item->index].n, us, status, bytes);
    count(&r->told.all, us, status, bytes);
    count(&r->point->n, us, status, bytes);
}

static void note_reason(load_result *r, str reason)
{
    for (size_t i = 0; i < r->reason_count; i++) {
        if (str_eq(str_from(r->reasons[i].text), reason)) {
            r->reasons[i].count++;
            return;
        }
    }
    if (r->reason_count < LOAD_REASONS)
        r->reasons[r->reason_count++] = (load_reason){mem_dupn(reason.ptr, reason.len), 1};
    else
        r->other_reasons++;
}

void result_failed(result *r, const pm_item *item, str reason)
{
    r->rows[item->index].n.failed++;
    r->told.all.failed++;
    if (r->point)
        r->point->n.failed++;
    note_reason(&r->told, reason);
}

void result_users(result *r, uint32_t users, uint32_t working)
{
    r->told.users = users;
    r->told.working = working;
    if (r->point && working > r->point->users)
        r->point->users = working;
}

// ---- asking -------------------------------------------------------------------------------------

const load_count *load_counted(const load_result *r, const threshold *t)
{
    arena a;
    const load_count *found = NULL;
    if (!t->request.len)
        return &r->all;
    arena_init(&a);
    for (uint32_t i = 0; i < r->collection->request_count && !found; i++) {
        const pm_item *item = r->rows[i].item;
        if (str_eq(item->name, t->request) || str_eq(pm_item_path(&a, item, " / "), t->request))
            found = &r->rows[i].n;
        arena_reset(&a);
    }
    arena_deinit(&a);
    return found;
}

bool load_passes(const load_result *r, const thresholds *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (!load_holds(r, &list->list[i]))
            return false;
    return list->count || r->all.requests > r->all.statuses[0];
}
