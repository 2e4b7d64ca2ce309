// SPDX-License-Identifier: Apache-2.0
#include "guard/memory.h"

#include <string.h>

enum { SEEN_SLOTS = 4096 };

typedef struct kept kept;
struct kept {
    oidc_identity id; // what it points to lies behind it, in one allocation
    bool used;        // since the hand came by
};

struct memory {
    map tokens; // text → kept
    size_t max;
    size_t hand;               // of the clock that finds room
    uint64_t seen[SEEN_SLOTS]; // hashes of tokens seen once
};

memory *memory_new(size_t max)
{
    memory *m = NEW(memory);
    m->max = max;
    return m;
}

void memory_forget(memory *m)
{
    map_deinit(&m->tokens, free);
    m->hand = 0;
}

void memory_free(memory *m)
{
    memory_forget(m);
    free(m);
}

size_t memory_len(const memory *m)
{
    return m->tokens.len;
}

const oidc_identity *memory_find(memory *m, str token)
{
    kept *k = map_get(&m->tokens, token);
    if (!k)
        return NULL;
    k->used = true;
    return &k->id;
}

// ---- one allocation -----------------------------------------------------------------------------

enum { TEXTS = 7 };

static void texts_of(oidc_identity *id, str *ret[TEXTS])
{
    principal *p = &id->who;
    str *const all[TEXTS] = {&id->token.issuer, &p->email, &p->domain,        &p->subject,
                             &p->issuer,        &p->pool,  &p->project_number};
    memcpy(ret, all, sizeof(all));
}

static size_t total_len(const str *list, size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += list[i].len;
    return len;
}

static str put_text(char **at, str s)
{
    str to = {*at, s.len};
    if (s.len)
        memcpy(*at, s.ptr, s.len);
    *at += s.len;
    return to;
}

static kept *keep(const oidc_identity *id)
{
    size_t audiences = id->token.audience_count, groups = id->who.group_count;
    const jwt *t = &id->token;
    oidc_identity copy = {
        .token = {.issuer = t->issuer,
                  .audience_count = audiences,
                  .has_expiry = t->has_expiry,
                  .has_not_before = t->has_not_before,
                  .has_issued_at = t->has_issued_at,
                  .expiry_s = t->expiry_s,
                  .not_before_s = t->not_before_s,
                  .issued_at_s = t->issued_at_s},
        .who = id->who,
        .kind = id->kind,
        .generation = id->generation,
    };
    str *texts[TEXTS];
    texts_of(&copy, texts);
    size_t bytes = sizeof(kept) + (audiences + groups) * sizeof(str) +
                   total_len(t->audiences, audiences) + total_len(id->who.groups, groups);
    for (size_t i = 0; i < TEXTS; i++)
        bytes += texts[i]->len;
    kept *k = mem_new(bytes);
    str *lists = (str *)(k + 1);
    char *at = (char *)(lists + audiences + groups);
    for (size_t i = 0; i < TEXTS; i++)
        *texts[i] = put_text(&at, *texts[i]);
    for (size_t i = 0; i < audiences; i++)
        lists[i] = put_text(&at, t->audiences[i]);
    for (size_t i = 0; i < groups; i++)
        lists[audiences + i] = put_text(&at, id->who.groups[i]);
    copy.token.audiences = lists;
    copy.who.groups = lists + audiences;
    k->id = copy;
    return k;
}

// ---- room ---------------------------------------------------------------------------------------

static void make_room(memory *m)
{
    str token;
    void *value;
    while (m->tokens.len >= m->max) {
        if (!map_next(&m->tokens, &m->hand, &token, &value)) {
            m->hand = 0;
            continue;
        }
        kept *k = value;
        if (k->used)
            k->used = false;
        else
            free(map_remove(&m->tokens, token));
    }
}

static bool seen_before(memory *m, str token)
{
    uint64_t hash = hash_str(token);
    uint64_t *slot = &m->seen[hash % SEEN_SLOTS];
    bool before = *slot == hash;
    *slot = hash;
    return before;
}

void memory_put(memory *m, str token, const oidc_identity *id)
{
    // Attributes, which members of pools have, aren't kept: such tokens are verified each time.
    if (id->who.attribute_count || !seen_before(m, token))
        return;
    kept *k = keep(id);
    if (!map_has(&m->tokens, token))
        make_room(m);
    free(map_set(&m->tokens, token, k));
}
