// SPDX-License-Identifier: Apache-2.0
// fuzz: what a fuzz target tells the replay of its seeds.
#pragma once

#include <stddef.h>

// Inputs that went through the target's success path. Weak, so that the target has it where it is
// linked with the fuzzer instead of fuzz_replay.c.
extern size_t fuzz_accepted;
__attribute__((weak)) size_t fuzz_accepted;
