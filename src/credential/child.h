// SPDX-License-Identifier: Apache-2.0
// A program that is asked for something: its output, its end, and a deadline over both.
#pragma once

#include "net/net.h"

typedef struct child child;

// Valid during on_end only.
typedef struct child_result child_result;
struct child_result {
    int status;     // the exit status; -1: a signal or the deadline ended it
    bool timed_out; // the deadline
    str out, errors;
};

typedef struct child_options child_options;
struct child_options {
    const char *const *argv;
    const char *const *env; // NULL: ours
    str input;              // for its standard input; copied
    uint64_t timeout_ms;
    // Once, never inside child_start; may free the child.
    void (*on_end)(void *ctx, const child_result *r);
    void *ctx;
};

// PROCESS_START when it can't be run.
CODE_CHECKED child_start(loop *l, const child_options *o, child **ret_child, err *e);
// Ends the program, without on_end. NULL is allowed.
void child_free(child *c);
