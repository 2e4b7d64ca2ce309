// SPDX-License-Identifier: Apache-2.0
// heap: the memory of the script engine. A script makes and drops thousands of objects of a few
// dozen bytes: each size has a list of free blocks here, so that taking and giving back one costs a
// few instructions. What is larger comes from malloc.
//
// Small blocks come from one range of addresses, reserved at the start and cut into slabs of blocks
// of one size: the address of a block tells its size. A slab keeps its size until the process ends.
#pragma once

#include <quickjs/quickjs.h>

#include "base/base.h"

enum {
    HEAP_STEP_BYTES = 16, // block sizes are multiples of it
    HEAP_SMALL_BYTES_MAX = 512,
    HEAP_SLAB_BYTES = 64 << 10,
};

// Reserves the range, once in a process: the engine asks for the size of a block without saying
// whose it is. Where it can't be had, all comes from malloc.
void heap_init(size_t bytes_max);

// What the engine has taken at present.
size_t heap_bytes(void);

// For JS_NewRuntime2, after heap_init.
extern const JSMallocFunctions heap_functions;
