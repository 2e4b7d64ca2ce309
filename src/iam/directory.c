// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "data/data.h"
#include "iam/iam.h"

enum { GROUPS_MAX = 1000, MEMBERS_MAX = 20000, DEPTH_MAX = 8 };

typedef struct group group;
struct group {
    str email;
    member *members;
    size_t count;
    bool checked; // what it holds nests well
    bool on_path; // being checked
};

struct directory {
    arena memory;
    VEC(group *) groups; // in the arena, in order
    map by_email;
    // Texts in the arena, NUL-terminated.
    map numbers;  // project id → its number
    map accounts; // unique id of a service account → its address
    size_t member_count;
};

directory *directory_new(void)
{
    directory *d = NEW(directory);
    arena_init(&d->memory);
    return d;
}

void directory_free(directory *d)
{
    if (!d)
        return;
    vec_deinit(&d->groups);
    map_deinit(&d->by_email, NULL);
    map_deinit(&d->numbers, NULL);
    map_deinit(&d->accounts, NULL);
    arena_deinit(&d->memory);
    free(d);
}

static code load_member(directory *d, const json *v, member *m, err *e)
{
    code c = json_want(v, JSON_STRING, e);
    if (c == OK)
        c = member_parse(v->text, &d->memory, m, e);
    if (c) {
        err_at(e, v->file, v->line, v->col);
        return c;
    }
    if (m->kind == MEMBER_USER || m->kind == MEMBER_SERVICE_ACCOUNT || m->kind == MEMBER_GROUP)
        return OK;
    return json_err(v, e, IAM_GROUP, "a group holds user:, serviceAccount: and group: members");
}

static code load_group(directory *d, const json *v, err *e)
{
    str name = str_starts(v->key, STR("group:")) ? str_skip(v->key, 6) : v->key;
    if (!email_valid(name))
        return json_err(v, e, IAM_GROUP, "a group is named by its e-mail address");
    code c = json_want(v, JSON_ARRAY, e);
    if (c)
        return c;
    d->member_count += v->len;
    if (d->member_count > MEMBERS_MAX)
        return json_err(v, e, IAM_GROUP, "all groups together have at most %d members",
                        MEMBERS_MAX);
    char *email = arena_cstr(&d->memory, name);
    for (char *at = email; *at; at++)
        *at = ascii_lower(*at);
    group *g = ARENA_NEW(&d->memory, group);
    g->email = str_from(email);
    g->members = arena_array(&d->memory, v->len, sizeof(member));
    if (map_set(&d->by_email, g->email, g))
        return json_err(v, e, IAM_GROUP, "the group is there twice");
    vec_push(&d->groups, g);
    JSON_EACH (v, at) {
        c = load_member(d, at, &g->members[g->count++], e);
        if (c)
            return c;
    }
    return OK;
}

// Depth-first; a way that comes back to itself, or goes too deep, is an error.
static bool nests_well(const directory *d, group *g, unsigned depth)
{
    if (g->on_path || depth > DEPTH_MAX)
        return false;
    if (g->checked)
        return true;
    g->on_path = true;
    bool good = true;
    for (size_t i = 0; i < g->count && good; i++) {
        group *inner =
            g->members[i].kind == MEMBER_GROUP ? map_get(&d->by_email, g->members[i].value) : NULL;
        good = !inner || nests_well(d, inner, depth + 1);
    }
    g->on_path = false;
    g->checked = good;
    return good;
}

code directory_load(directory *d, const json *groups, err *e)
{
    code c = groups ? json_want(groups, JSON_OBJECT, e) : OK;
    if (c == OK && groups && groups->len > GROUPS_MAX)
        c = json_err(groups, e, IAM_GROUP, "there are at most %d groups", GROUPS_MAX);
    if (c)
        return c;
    JSON_EACH (groups, v) {
        c = load_group(d, v, e);
        if (c)
            return c;
    }
    VEC_FOREACH (&d->groups, g)
        if (!nests_well(d, *g, 0))
            return json_err(groups, e, IAM_GROUP,
                            "group " STR_FMT " is inside itself, or nests more than %d deep",
                            STR_ARG((*g)->email), DEPTH_MAX);
    return OK;
}

void directory_add_project(directory *d, str project_id, str project_number)
{
    map_set(&d->numbers, project_id, arena_cstr(&d->memory, project_number));
}

void directory_add_account(directory *d, str unique_id, str email)
{
    map_set(&d->accounts, unique_id, arena_cstr(&d->memory, email));
}

// "x@PROJECT.iam.gserviceaccount.com"
static str project_id_of(str email)
{
    str domain = str_skip(email, (size_t)(str_chr(email, '@') + 1));
    return str_ends(domain, STR(".iam.gserviceaccount.com")) ? str_sub(domain, 0, domain.len - 24)
                                                             : STR_NONE;
}

// What Google knows of a service account beyond its token.
static void fill_account(const directory *d, principal *p)
{
    if (!p->email.len)
        p->email = str_from(map_get(&d->accounts, p->subject));
    if (!p->project_number.len)
        p->project_number = str_from(map_get(&d->numbers, project_id_of(p->email)));
}

static bool holds(const group *g, const principal *p, const map *inside)
{
    for (size_t i = 0; i < g->count; i++) {
        const member *m = &g->members[i];
        if (m->kind == MEMBER_GROUP ? map_has(inside, m->value) : member_matches(m, p, false))
            return true;
    }
    return false;
}

void directory_fill(const directory *d, principal *p, arena *a)
{
    if (p->kind != PRINCIPAL_USER && p->kind != PRINCIPAL_SERVICE_ACCOUNT)
        return;
    if (p->kind == PRINCIPAL_SERVICE_ACCOUNT)
        fill_account(d, p);
    // Round after round until none is added: a nesting group follows what it holds.
    map inside = {0};
    size_t before;
    do {
        before = inside.len;
        VEC_FOREACH (&d->groups, g)
            if (!map_has(&inside, (*g)->email) && holds(*g, p, &inside))
                map_set(&inside, (*g)->email, *g);
    } while (inside.len > before);

    str *names = arena_array(a, inside.len, sizeof(*names)), email;
    void *g;
    p->groups = names;
    p->group_count = 0;
    for (size_t at = 0; map_next(&inside, &at, &email, &g);)
        names[p->group_count++] = ((const group *)g)->email;
    map_deinit(&inside, NULL);
}
