// SPDX-License-Identifier: Apache-2.0
#include "base/vec.h"

void *vec_grow(void *ptr, size_t *cap, size_t member_bytes)
{
    *cap = *cap ? *cap * 2 : 8;
    return mem_resize(ptr, *cap, member_bytes);
}
