// SPDX-License-Identifier: Apache-2.0
// test: what every x_test.c includes. cmocka wants these four headers before its own.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"

// How long a test waits for what must come. Only a hang takes so long, however busy the machine is.
enum { TEST_WAIT_MS = 300000 };

// Compares two slices and shows both when they differ.
#define assert_str(actual, expected)                                                               \
    do {                                                                                           \
        str str_a_ = (actual), str_e_ = (expected);                                                \
        if (!str_eq(str_a_, str_e_))                                                               \
            fail_msg("got \"" STR_FMT "\", wanted \"" STR_FMT "\"", STR_ARG(str_a_),               \
                     STR_ARG(str_e_));                                                             \
    } while (0)
#define assert_strz(actual, expected) assert_str((actual), str_from(expected))

// Runs `call`, which ends in an `err *` named e, and shows the error when the code is another.
#define assert_code(call, wanted)                                                                  \
    do {                                                                                           \
        code code_got_ = (call);                                                                   \
        if (code_got_ != (wanted))                                                                 \
            fail_msg("got [%s], wanted [%s]", code_id(code_got_), code_id(wanted));                \
    } while (0)

// The i-th row of a table failed: names it.
#define assert_row(i, condition)                                                                   \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_msg("row %zu: %s", (size_t)(i), #condition);                                      \
    } while (0)
