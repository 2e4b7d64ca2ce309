// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *ptr)
{
    if (!ptr) {
        fputs("gatepost: out of memory\n", stderr);
        abort();
    }
    return ptr;
}

void *mem_new(size_t bytes)
{
    return checked(calloc(1, bytes ? bytes : 1));
}

void *mem_array(size_t count, size_t bytes)
{
    return checked(calloc(count ? count : 1, bytes ? bytes : 1));
}

void *mem_resize(void *ptr, size_t count, size_t bytes)
{
    return checked(reallocarray(ptr, count ? count : 1, bytes ? bytes : 1));
}

char *mem_dup(const char *cstr)
{
    return checked(strdup(cstr));
}

char *mem_dupn(const char *ptr, size_t len)
{
    char *copy = mem_new(len + 1);
    if (len)
        memcpy(copy, ptr, len);
    return copy;
}
