// SPDX-License-Identifier: Apache-2.0
#include "js/heap.h"

#include <malloc.h>
#include <string.h>
#include <sys/mman.h>

enum {
    CLASSES = HEAP_SMALL_BYTES_MAX / HEAP_STEP_BYTES + 1,
    OVERHEAD_BYTES = 8, // what the engine counts for malloc's own part of a block
};

typedef struct block block;
struct block {
    block *next;
};

static struct {
    char *base;
    size_t bytes;         // of the range
    size_t taken;         // by the engine
    size_t slabs;         // in use
    uint8_t *class_of;    // by slab
    block *free[CLASSES]; // given back
    char *fresh[CLASSES]; // the slab that blocks of this size are cut from: where, and how many
    size_t fresh_count[CLASSES];
} heap;

void heap_init(size_t bytes_max)
{
    size_t slabs = bytes_max / HEAP_SLAB_BYTES;
    char *range = mmap(NULL, slabs * HEAP_SLAB_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (range == MAP_FAILED)
        return;
    heap.base = range;
    heap.bytes = slabs * HEAP_SLAB_BYTES;
    heap.class_of = mem_new(slabs);
}

static inline bool is_small(const void *ptr)
{
    return (size_t)((const char *)ptr - heap.base) < heap.bytes;
}

static inline size_t class_of(const void *ptr)
{
    return heap.class_of[(size_t)((const char *)ptr - heap.base) / HEAP_SLAB_BYTES];
}

static size_t usable_size(const void *ptr)
{
    return is_small(ptr) ? class_of(ptr) * HEAP_STEP_BYTES
                         : malloc_usable_size((void *)(uintptr_t)ptr);
}

// NULL when the range is used up.
static void *cut(size_t class)
{
    size_t bytes = class * HEAP_STEP_BYTES;
    if (!heap.fresh_count[class]) {
        if ((heap.slabs + 1) * HEAP_SLAB_BYTES > heap.bytes)
            return NULL;
        heap.class_of[heap.slabs] = (uint8_t) class;
        heap.fresh[class] = heap.base + heap.slabs++ * HEAP_SLAB_BYTES;
        heap.fresh_count[class] = HEAP_SLAB_BYTES / bytes;
    }
    char *ptr = heap.fresh[class];
    heap.fresh[class] += bytes;
    heap.fresh_count[class]--;
    return ptr;
}

static void *take(size_t bytes)
{
    size_t class = (bytes + HEAP_STEP_BYTES - 1) / HEAP_STEP_BYTES;
    if (class >= CLASSES)
        return malloc(bytes);
    block *b = heap.free[class];
    if (b) {
        heap.free[class] = b->next;
        return b;
    }
    void *ptr = cut(class);
    return ptr ? ptr : malloc(bytes);
}

static void give(void *ptr)
{
    if (!is_small(ptr)) {
        free(ptr);
        return;
    }
    block *b = ptr;
    size_t class = class_of(ptr);
    b->next = heap.free[class];
    heap.free[class] = b;
}

// ---- as the engine wants it ---------------------------------------------------------------------

static void *heap_malloc(JSMallocState *s, size_t bytes)
{
    if (s->malloc_size + bytes > s->malloc_limit)
        return NULL;
    void *ptr = take(bytes);
    if (!ptr)
        return NULL;
    s->malloc_count++;
    s->malloc_size += usable_size(ptr) + OVERHEAD_BYTES;
    heap.taken = s->malloc_size;
    return ptr;
}

size_t heap_bytes(void)
{
    return heap.taken;
}

static void heap_free(JSMallocState *s, void *ptr)
{
    if (!ptr)
        return;
    s->malloc_count--;
    s->malloc_size -= usable_size(ptr) + OVERHEAD_BYTES;
    heap.taken = s->malloc_size;
    give(ptr);
}

static void *heap_realloc(JSMallocState *s, void *ptr, size_t bytes)
{
    if (!ptr)
        return bytes ? heap_malloc(s, bytes) : NULL;
    if (!bytes) {
        heap_free(s, ptr);
        return NULL;
    }
    size_t old = usable_size(ptr);
    if (s->malloc_size + bytes - old > s->malloc_limit)
        return NULL;
    if (is_small(ptr) && bytes <= old)
        return ptr;
    void *moved;
    if (is_small(ptr)) {
        moved = take(bytes);
        if (moved) {
            memcpy(moved, ptr, old);
            give(ptr);
        }
    } else {
        moved = realloc(ptr, bytes);
    }
    if (moved)
        s->malloc_size += usable_size(moved) - old;
    heap.taken = s->malloc_size;
    return moved;
}

const JSMallocFunctions heap_functions = {heap_malloc, heap_free, heap_realloc, usable_size};
