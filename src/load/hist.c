// SPDX-License-Identifier: Apache-2.0
#include "load/hist.h"

#include <math.h>

// Block 0 holds [0, 2^11) one by one; block b holds [2^(10+b), 2^(11+b)) in steps of 2^b.
enum { HALF = 1 << (HIST_BITS - 1) };

static size_t slots_of(size_t block)
{
    return block ? HALF : 2 * HALF;
}

static size_t block_of(uint64_t us)
{
    return us < 2 * HALF ? 0 : (size_t)(63 - __builtin_clzll(us)) - (HIST_BITS - 1);
}

static size_t slot_of(uint64_t us, size_t block)
{
    return (size_t)(us >> block) - (block ? HALF : 0);
}

// The greatest value that is counted there.
static uint64_t value_at(size_t block, size_t slot)
{
    return (((uint64_t)slot + (block ? HALF : 0) + 1) << block) - 1;
}

void hist_deinit(hist *h)
{
    for (size_t b = 0; b < HIST_BLOCKS; b++)
        free(h->blocks[b]);
    *h = (hist){0};
}

void hist_reset(hist *h)
{
    for (size_t b = 0; b < HIST_BLOCKS; b++)
        if (h->blocks[b])
            memset(h->blocks[b], 0, slots_of(b) * sizeof(uint64_t));
    h->count = h->sum = h->min = h->max = 0;
}

static uint64_t *block_for(hist *h, size_t block)
{
    if (!h->blocks[block])
        h->blocks[block] = mem_array(slots_of(block), sizeof(uint64_t));
    return h->blocks[block];
}

static void widen(hist *h, uint64_t min, uint64_t max)
{
    h->min = !h->count || min < h->min ? min : h->min;
    h->max = max > h->max ? max : h->max;
}

void hist_add(hist *h, uint64_t us)
{
    us = us > HIST_MAX_US ? HIST_MAX_US : us;
    size_t block = block_of(us);
    block_for(h, block)[slot_of(us, block)]++;
    widen(h, us, us);
    h->count++;
    h->sum += us;
}

void hist_merge(hist *into, const hist *from)
{
    if (!from->count)
        return;
    for (size_t b = 0; b < HIST_BLOCKS; b++) {
        uint64_t *to = from->blocks[b] ? block_for(into, b) : NULL;
        for (size_t i = 0; to && i < slots_of(b); i++)
            to[i] += from->blocks[b][i];
    }
    widen(into, from->min, from->max);
    into->count += from->count;
    into->sum += from->sum;
}

uint64_t hist_percentile(const hist *h, double percent)
{
    uint64_t rank = (uint64_t)ceil(percent / 100 * (double)h->count), seen = 0;
    rank = rank < 1 ? 1 : rank;
    for (size_t b = 0; b < HIST_BLOCKS; b++) {
        for (size_t i = 0; h->blocks[b] && i < slots_of(b); i++) {
            seen += h->blocks[b][i];
            if (seen >= rank)
                return value_at(b, i) < h->max ? value_at(b, i) : h->max;
        }
    }
    return h->max;
}

uint64_t hist_count_to(const hist *h, uint64_t us)
{
    uint64_t seen = 0;
    for (size_t b = 0; b < HIST_BLOCKS; b++)
        for (size_t i = 0; h->blocks[b] && i < slots_of(b) && value_at(b, i) <= us; i++)
            seen += h->blocks[b][i];
    return seen;
}

double hist_average(const hist *h)
{
    return h->count ? (double)h->sum / (double)h->count : 0;
}
