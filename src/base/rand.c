// SPDX-License-Identifier: Apache-2.0
#include "base/rand.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/mem.h"

void rand_bytes(void *ptr, size_t len)
{
    char *to = ptr;
    while (len) {
        ssize_t n = getrandom(to, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) { // no kernel that we run on lacks it; going on without would be worse
            fputs("gatepost: the kernel gives no randomness\n", stderr);
            abort();
        }
        to += n;
        len -= (size_t)n;
    }
}

uint64_t rand_u64(void)
{
    uint64_t v;
    rand_bytes(&v, sizeof(v));
    return v;
}

uint64_t rand_below(uint64_t bound)
{
    // Values below this one would make some results likelier than others.
    uint64_t least = (0 - bound) % bound;
    uint64_t v;
    do
        v = rand_u64();
    while (v < least);
    return v % bound;
}

// Names, not secrets: made from randomness that is fetched for many at a time.
void rand_uuid(char ret_text[RAND_UUID_MAX])
{
    static _Thread_local unsigned char pool[64][16];
    static _Thread_local size_t left;
    if (!left) {
        rand_bytes(pool, sizeof(pool));
        left = ARRAY_LEN(pool);
    }
    unsigned char *b = pool[--left];
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    char *to = ret_text;
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *to++ = '-';
        *to++ = "0123456789abcdef"[b[i] >> 4];
        *to++ = "0123456789abcdef"[b[i] & 15];
    }
    *to = '\0';
}
