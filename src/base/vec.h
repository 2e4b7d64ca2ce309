// SPDX-License-Identifier: Apache-2.0
// VEC(T): a growing array. `VEC(str) names = {0};` is an empty one; vec_deinit frees the array,
// not what its members own. Members move when the array grows: keep indexes, not pointers.
#pragma once

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define VEC(T)                                                                                     \
    struct {                                                                                       \
        T *ptr;                                                                                    \
        size_t len;                                                                                \
        size_t cap;                                                                                \
    }

#define vec_push(v, value)                                                                         \
    do {                                                                                           \
        if ((v)->len == (v)->cap)                                                                  \
            (v)->ptr = vec_grow((v)->ptr, &(v)->cap, sizeof(*(v)->ptr));                           \
        (v)->ptr[(v)->len++] = (value);                                                            \
    } while (0)

// The last member, removed; the vector must not be empty.
#define vec_pop(v) ((v)->ptr[--(v)->len])
#define vec_last(v) (&(v)->ptr[(v)->len - 1])
#define vec_reset(v) ((void)((v)->len = 0))

// Removes member i and keeps the order of the others.
#define vec_remove(v, i)                                                                           \
    do {                                                                                           \
        size_t vec_i_ = (i);                                                                       \
        memmove((v)->ptr + vec_i_, (v)->ptr + vec_i_ + 1,                                          \
                ((v)->len - vec_i_ - 1) * sizeof(*(v)->ptr));                                      \
        (v)->len--;                                                                                \
    } while (0)

#define vec_deinit(v)                                                                              \
    do {                                                                                           \
        free((v)->ptr);                                                                            \
        (v)->ptr = NULL;                                                                           \
        (v)->len = (v)->cap = 0;                                                                   \
    } while (0)

// VEC_FOREACH(&v, x) { use *x; }
#define VEC_FOREACH(v, x)                                                                          \
    for (__typeof__((v)->ptr + 0) x = (v)->ptr; x && x < (v)->ptr + (v)->len; x++)

void *vec_grow(void *ptr, size_t *cap, size_t member_bytes);
