// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

#include "base/rand.h"
#include "base/word.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "hash_keyed loads words as they lie");

// SipHash (Aumasson and Bernstein, 2012) with one compression and three finalisation rounds.
typedef struct sip {
    uint64_t v0, v1, v2, v3;
} sip;

static uint64_t rotl(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static void sip_round(sip *s)
{
    s->v0 += s->v1;
    s->v1 = rotl(s->v1, 13) ^ s->v0;
    s->v0 = rotl(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotl(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotl(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotl(s->v1, 17) ^ s->v2;
    s->v2 = rotl(s->v2, 32);
}

static void sip_word(sip *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    s->v0 ^= word;
}

uint64_t hash_keyed(str in, uint64_t k0, uint64_t k1)
{
    sip s = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
             k1 ^ 0x7465646279746573};
    uint64_t last = (uint64_t)in.len << 56;
    const char *at = in.ptr;
    for (size_t words = in.len / WORD_BYTES; words; words--, at += WORD_BYTES)
        sip_word(&s, word_load(at));
    for (size_t i = 0; i < in.len % WORD_BYTES; i++)
        last |= (uint64_t)(unsigned char)at[i] << (8 * i);
    sip_word(&s, last);
    s.v2 ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

static uint64_t process_key[2];

// Before main, so that no two threads can race for it.
__attribute__((constructor)) static void draw_process_key(void)
{
    rand_bytes(process_key, sizeof(process_key));
}

uint64_t hash_str(str s)
{
    return hash_keyed(s, process_key[0], process_key[1]);
}
