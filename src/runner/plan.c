// SPDX-License-Identifier: Apache-2.0
#include "runner/plan.h"

#include "data/data.h"

static void add_all(plan *p, const pm_item *item)
{
    if (!item->folder)
        vec_push(&p->items, item);
    for (const pm_item *m = item->first; m; m = m->next)
        add_all(p, m);
}

// ---- --folder ---------------------------------------------------------------------------------

typedef VEC(const char *) name_list;

static void collect_names(arena *a, const pm_item *folder, name_list *names)
{
    for (const pm_item *m = folder->first; m; m = m->next) {
        vec_push(names, arena_cstr(a, m->name));
        collect_names(a, m, names);
    }
}

static void hint_names(const name_list *names, err *e)
{
    enum { SHOWN_MAX = 8 };
    buf list;
    buf_init(&list, sizeof(e->hint));
    for (size_t i = 0; i < names->len && i < SHOWN_MAX; i++)
        buf_addf(&list, "%s'%s'", i ? ", " : "", names->ptr[i]);
    if (names->len)
        (void)err_hint(e, "there are %s%s", buf_cstr(&list), names->len > SHOWN_MAX ? ", ..." : "");
    else
        (void)err_hint(e, "there are neither folders nor requests in it");
    buf_deinit(&list);
}

static code unknown_folder(const pm_collection *c, str name, err *e)
{
    (void)err_set(e, RUN_FOLDER, "the collection has no folder or request '" STR_FMT "'",
                  STR_ARG(name));
    name_list names = {0};
    arena a;
    arena_init(&a);
    collect_names(&a, c->root, &names);
    const char *near = suggest(name, names.ptr, names.len);
    if (near)
        (void)err_hint(e, "did you mean '%s'?", near);
    else
        hint_names(&names, e);
    vec_deinit(&names);
    arena_deinit(&a);
    return RUN_FOLDER;
}

// Marks what of `wanted` the item is meant by: its id, else its name.
static bool is_wanted(const pm_item *item, const str *wanted, size_t count, bool *found)
{
    for (int by_name = 0; by_name < 2; by_name++) {
        for (size_t i = 0; i < count; i++) {
            if (found[i] || !str_eq(wanted[i], by_name ? item->name : item->id))
                continue;
            found[i] = true;
            return true;
        }
    }
    return false;
}

typedef struct selection selection;
struct selection {
    plan *plan;
    const str *wanted;
    size_t count;
    bool *found;
};

// Beneath a selected folder all is selected already; names in there count as found.
static void select_members(selection *s, const pm_item *folder, bool inside)
{
    for (const pm_item *m = folder->first; m; m = m->next) {
        bool wanted = is_wanted(m, s->wanted, s->count, s->found);
        if (wanted && !inside)
            add_all(s->plan, m);
        select_members(s, m, inside || wanted);
    }
}

static code add_folders(plan *p, const pm_collection *c, const str *folders, size_t count, err *e)
{
    arena a;
    arena_init(&a);
    selection s = {p, folders, count, arena_array(&a, count, sizeof(bool))};
    code failed = OK;
    select_members(&s, c->root, false);
    for (size_t i = 0; i < count && !failed; i++) {
        bool again = false; // a name given twice is found once
        for (size_t k = 0; k < i; k++)
            again = again || str_eq(folders[i], folders[k]);
        if (!s.found[i] && !again)
            failed = unknown_folder(c, folders[i], e);
    }
    arena_deinit(&a);
    return failed;
}

code plan_make(plan *p, const pm_collection *c, const str *folders, size_t count, err *e)
{
    if (count > 1)
        return add_folders(p, c, folders, count, e);
    const pm_item *from = count ? pm_item_find(c, folders[0]) : c->root;
    if (!from)
        return unknown_folder(c, folders[0], e);
    add_all(p, from);
    return OK;
}

void plan_deinit(plan *p)
{
    vec_deinit(&p->items);
    map_deinit(&p->ids, NULL);
    map_deinit(&p->names, NULL);
}

// ---- setNextRequest ---------------------------------------------------------------------------

ssize_t plan_find(plan *p, str id_or_name)
{
    if (!p->indexed) {
        for (size_t i = 0; i < p->items.len; i++) {
            map_set(&p->ids, p->items.ptr[i]->id, (void *)(uintptr_t)(i + 1));
            map_set(&p->names, p->items.ptr[i]->name, (void *)(uintptr_t)(i + 1));
        }
        p->indexed = true;
    }
    size_t at = (uintptr_t)map_get(&p->ids, id_or_name);
    if (!at)
        at = (uintptr_t)map_get(&p->names, id_or_name);
    return (ssize_t)at - 1;
}
