// SPDX-License-Identifier: Apache-2.0
// process: a child. It starts with the given environment and nothing else of ours: no descriptor
// but its stdio, default signal handling, a process group of its own, and it dies with us (the
// kernel kills it when our process ends, however that happens).
#pragma once

#include "base/base.h"
#include "net/net_loop.h"
#include "net/net_stream.h"

typedef enum process_stdio {
    PROCESS_NULL,    // /dev/null
    PROCESS_PIPE,    // a stream: process_stream
    PROCESS_INHERIT, // ours
} process_stdio;

typedef struct process process;
typedef struct process_options process_options;
struct process_options {
    const char *file;          // a path, or a name to look up in PATH of `env`
    const char *const *argv;   // NULL-terminated, argv[0] included
    const char *const *env;    // NULL-terminated "NAME=value"
    const char *cwd;           // NULL: ours
    process_stdio stdio[3];    // stdin, stdout, stderr
    uint64_t memory_bytes_max; // RLIMIT_AS; 0: unlimited
    // Once. status: the exit status, or -1; signum: the signal that ended it, or 0. Its pipes may
    // still hold bytes.
    void (*on_exit)(void *ctx, int status, int signum);
    void *ctx;
};
// PROCESS_START, with the reason of the failed step (also of exec).
CODE_CHECKED process_new(loop *l, const process_options *o, process **ret_process, err *e);

pid_t process_pid(const process *p);
// What the child has had of processors; 0 when it has ended or the system doesn't tell.
uint64_t process_cpu_ms(const process *p);
// The stream of a PROCESS_PIPE; it belongs to the process until process_take_stream.
stream *process_stream(process *p, int fd);
stream *process_take_stream(process *p, int fd);
// Signals the whole group; nothing when the child has ended.
void process_kill(process *p, int signum);
// Kills the group (SIGKILL) if the child still runs, reaps it, frees its streams. NULL is allowed.
void process_free(process *p);
