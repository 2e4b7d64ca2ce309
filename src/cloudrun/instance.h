// SPDX-License-Identifier: Apache-2.0
// instance: one running copy of a service: a process for each container, with Cloud Run's container
// contract (contract cloud-run.md §2).
//
// - The processes get the variables that are given (environment.h), and the one that takes the
// calls
//   PORT: a port that the kernel had free.
// - Containers start once those that they wait for have started; it is ready when all have, within
//   240 s each. When one of them ends, the instance ends.
// - It ends by SIGTERM, and ten seconds later by SIGKILL.
#pragma once

#include "cloudrun/service.h"
#include "http/http.h"
#include "net/net.h"

enum { INSTANCE_STOP_MS = 10000, INSTANCE_ID_LEN = 16 };

typedef enum instance_state {
    INSTANCE_STARTING,
    INSTANCE_READY,
    INSTANCE_STOPPING,
    INSTANCE_GONE,
} instance_state;

// How a container runs on this machine.
typedef struct instance_run instance_run;
struct instance_run {
    const char *const *env; // NULL-terminated, all but PORT
    const char *dir;        // where it starts
};

typedef struct instance instance;
typedef struct instance_options instance_options;
struct instance_options {
    const service_spec *spec;
    const instance_run *runs; // one for each of its containers
    uint64_t stop_ms;         // 0: INSTANCE_STOP_MS
    void (*on_ready)(void *ctx, instance *i);
    // Once, when no process is left; why NULL: it was asked to stop. It may free the instance.
    void (*on_gone)(void *ctx, instance *i, const err *why);
    // `container` is empty for the one that takes the calls.
    void (*on_line)(void *ctx, instance *i, str container, str line);
    void *ctx;
};

// Never fails at once: on_gone tells.
instance *instance_new(loop *l, const instance_options *o);
void instance_stop(instance *i);
// At once, by SIGKILL: an instance that broke a limit.
void instance_kill(instance *i, const err *why);
// Kills what is left. NULL is allowed.
void instance_free(instance *i);

instance_state instance_status(const instance *i);
str instance_id(const instance *i); // INSTANCE_ID_LEN hex digits
http_pool *instance_pool(instance *i);
uint16_t instance_port(const instance *i);
pid_t instance_group(const instance *i, size_t container); // its processes; 0: none run
bool instance_was_ready(const instance *i);
uint64_t instance_start_ms(const instance *i); // from the start to ready
uint64_t instance_lived_ms(const instance *i); // since ready; 0 if it never was
uint32_t instance_attempts(const instance *i); // of the start-up probe
