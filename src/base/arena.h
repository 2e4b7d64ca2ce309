// SPDX-License-Identifier: Apache-2.0
// arena: many small allocations with one lifetime (a request, a configuration generation, a
// command), released at once. Nothing is freed one by one.
#pragma once

#include <stdarg.h>

#include "base/mem.h"
#include "base/str.h"

typedef struct arena arena;
struct arena {
    struct arena_chunk *chunk; // newest first
    size_t used_bytes;         // handed out in all
};

void arena_init(arena *a);
void arena_deinit(arena *a);
// Forgets everything and keeps one chunk for reuse.
void arena_reset(arena *a);

// Zeroed and aligned for any type.
void *arena_alloc(arena *a, size_t bytes);
void *arena_array(arena *a, size_t count, size_t bytes);
#define ARENA_NEW(a, T) ((T *)arena_alloc((a), sizeof(T)))
// Copies, followed by a NUL that does not count.
str arena_str(arena *a, str s);
char *arena_cstr(arena *a, str s);
str arena_printf(arena *a, const char *fmt, ...) ATTR_PRINTF(2, 3);
str arena_vprintf(arena *a, const char *fmt, va_list ap) ATTR_PRINTF(2, 0);
