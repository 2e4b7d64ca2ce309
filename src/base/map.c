// SPDX-License-Identifier: Apache-2.0
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

struct map_entry {
    char *key; // NULL once removed
    size_t key_len;
    uint64_t hash;
    void *value;
};

enum { INDEX_FREE = 0, INDEX_CAP_MIN = 16 };

void map_init(map *m)
{
    *m = (map){0};
}

void map_deinit(map *m, void (*free_value)(void *value))
{
    for (size_t i = 0; i < m->entry_len; i++) {
        if (m->entries[i].key && free_value)
            free_value(m->entries[i].value);
        free(m->entries[i].key);
    }
    free(m->entries);
    free(m->index);
    map_init(m);
}

// Removed entries stay in the index until it is rebuilt, so that probing goes past them.
static struct map_entry *find(const map *m, str key, uint64_t hash)
{
    if (m->index_cap == 0)
        return NULL;
    for (size_t slot = hash & (m->index_cap - 1);; slot = (slot + 1) & (m->index_cap - 1)) {
        if (m->index[slot] == INDEX_FREE)
            return NULL;
        struct map_entry *e = &m->entries[m->index[slot] - 1];
        if (e->key && e->hash == hash && str_eq((str){e->key, e->key_len}, key))
            return e;
    }
}

static void put_index(map *m, size_t entry)
{
    size_t slot = m->entries[entry].hash & (m->index_cap - 1);
    while (m->index[slot] != INDEX_FREE)
        slot = (slot + 1) & (m->index_cap - 1);
    m->index[slot] = (uint32_t)entry + 1;
}

// Drops removed entries and gives the index twice the room that the live ones need.
static void rebuild(map *m)
{
    size_t live = 0;
    for (size_t i = 0; i < m->entry_len; i++)
        if (m->entries[i].key)
            m->entries[live++] = m->entries[i];
    m->entry_len = live;
    m->index_cap = INDEX_CAP_MIN;
    while (m->index_cap < (live + 1) * 3)
        m->index_cap *= 2;
    free(m->index);
    m->index = mem_array(m->index_cap, sizeof(*m->index));
    for (size_t i = 0; i < live; i++)
        put_index(m, i);
}

void *map_get(const map *m, str key)
{
    struct map_entry *e = m->len ? find(m, key, hash_str(key)) : NULL;
    return e ? e->value : NULL;
}

bool map_has(const map *m, str key)
{
    return m->len && find(m, key, hash_str(key));
}

void *map_set(map *m, str key, void *value)
{
    uint64_t hash = hash_str(key);
    struct map_entry *e = find(m, key, hash);
    if (e) {
        void *before = e->value;
        e->value = value;
        return before;
    }
    // The index counts removed entries too: at two thirds, probing gets long.
    if ((m->entry_len + 1) * 3 > m->index_cap * 2)
        rebuild(m);
    if (m->entry_len == m->entry_cap) {
        m->entry_cap = m->entry_cap ? m->entry_cap * 2 : 8;
        m->entries = mem_resize(m->entries, m->entry_cap, sizeof(*m->entries));
    }
    m->entries[m->entry_len] = (struct map_entry){mem_dupn(key.ptr, key.len), key.len, hash, value};
    put_index(m, m->entry_len++);
    m->len++;
    return NULL;
}

void *map_remove(map *m, str key)
{
    struct map_entry *e = m->len ? find(m, key, hash_str(key)) : NULL;
    if (!e)
        return NULL;
    void *value = e->value;
    free(e->key);
    *e = (struct map_entry){0};
    m->len--;
    return value;
}

bool map_next(const map *m, size_t *cursor, str *ret_key, void **ret_value)
{
    while (*cursor < m->entry_len) {
        const struct map_entry *e = &m->entries[(*cursor)++];
        if (!e->key)
            continue;
        *ret_key = (str){e->key, e->key_len};
        *ret_value = e->value;
        return true;
    }
    return false;
}
