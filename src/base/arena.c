// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The first chunk is of a size that malloc keeps at hand: most arenas need no more.
enum { FIRST_BYTES = 960, CHUNK_BYTES = 16 * 1024 - 64, ALIGN = alignof(max_align_t) };

struct arena_chunk {
    struct arena_chunk *older;
    size_t used;
    size_t cap;
    alignas(max_align_t) char bytes[];
};

void arena_init(arena *a)
{
    *a = (arena){0};
}

static void free_from(struct arena_chunk *c)
{
    while (c) {
        struct arena_chunk *older = c->older;
        free(c);
        c = older;
    }
}

void arena_deinit(arena *a)
{
    free_from(a->chunk);
    arena_init(a);
}

void arena_reset(arena *a)
{
    a->used_bytes = 0;
    if (!a->chunk)
        return;
    free_from(a->chunk->older);
    a->chunk->older = NULL;
    a->chunk->used = 0;
}

static struct arena_chunk *chunk_new(size_t cap)
{
    size_t bytes;
    if (__builtin_add_overflow(sizeof(struct arena_chunk), cap, &bytes))
        bytes = SIZE_MAX / 2; // mem_resize then aborts
    struct arena_chunk *c = mem_resize(NULL, 1, bytes);
    *c = (struct arena_chunk){.cap = cap};
    return c;
}

static size_t chunk_cap(const arena *a, size_t need)
{
    if (!a->chunk && need <= FIRST_BYTES)
        return FIRST_BYTES;
    return need > CHUNK_BYTES / 4 ? need : CHUNK_BYTES;
}

// Not zeroed: most arenas use little of their chunk, and most of that is written at once.
static void *take(arena *a, size_t bytes)
{
    // A size that wraps around when it is rounded up is left as it is: chunk_new then aborts.
    size_t need = bytes > SIZE_MAX - ALIGN ? bytes : (bytes + ALIGN - 1) / ALIGN * ALIGN;
    struct arena_chunk *c = a->chunk;
    if (!c || need > c->cap - c->used) {
        c = chunk_new(chunk_cap(a, need));
        // A large block goes behind the current chunk, whose rest stays usable.
        if (a->chunk && c->cap != CHUNK_BYTES) {
            c->older = a->chunk->older;
            a->chunk->older = c;
        } else {
            c->older = a->chunk;
            a->chunk = c;
        }
    }
    void *ptr = c->bytes + c->used;
    c->used += need;
    a->used_bytes += need;
    return ptr;
}

void *arena_alloc(arena *a, size_t bytes)
{
    return memset(take(a, bytes), 0, bytes);
}

void *arena_array(arena *a, size_t count, size_t bytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total))
        total = SIZE_MAX / 2;
    return arena_alloc(a, total);
}

char *arena_cstr(arena *a, str s)
{
    char *copy = take(a, s.len + 1);
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return copy;
}

str arena_str(arena *a, str s)
{
    return (str){arena_cstr(a, s), s.len};
}

str arena_vprintf(arena *a, const char *fmt, va_list ap)
{
    // Written where it will stand; only what is longer than the rest of the chunk is written again.
    char *rest = a->chunk ? a->chunk->bytes + a->chunk->used : NULL;
    size_t room = a->chunk ? a->chunk->cap - a->chunk->used : 0;
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(rest, room, fmt, again);
    va_end(again);
    if (n < 0)
        return STR_NONE;
    char *text = take(a, (size_t)n + 1);
    if (text != rest)
        vsnprintf(text, (size_t)n + 1, fmt, ap);
    return (str){text, (size_t)n};
}

str arena_printf(arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    str s = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return s;
}
