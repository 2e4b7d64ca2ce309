// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"

struct secret {
    size_t len;
    size_t map_bytes;
    char bytes[];
};

secret *secret_new(str value)
{
    // A mapping of its own: madvise works on whole pages, and nothing else shares them.
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t map_bytes = (sizeof(secret) + value.len + 1 + page - 1) / page * page;
    secret *s = mmap(NULL, map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (s == MAP_FAILED)
        abort();
    madvise(s, map_bytes, MADV_DONTDUMP);
    s->len = value.len;
    s->map_bytes = map_bytes;
    if (value.len)
        memcpy(s->bytes, value.ptr, value.len);
    return s;
}

void secret_free(secret *s)
{
    if (!s)
        return;
    size_t map_bytes = s->map_bytes;
    secret_wipe(s, map_bytes);
    munmap(s, map_bytes);
}

str secret_str(const secret *s)
{
    return s ? (str){s->bytes, s->len} : STR_NONE;
}

void secret_wipe(void *ptr, size_t len)
{
    explicit_bzero(ptr, len);
}
