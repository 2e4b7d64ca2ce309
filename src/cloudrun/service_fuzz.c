// SPDX-License-Identifier: Apache-2.0
// Any text as service.yaml: what loads keeps its promises, what doesn't has an error with a place.
#include <stdlib.h>

#include "base/fuzz.h"
#include "cloudrun/service.h"

static void want(bool condition)
{
    if (!condition)
        abort();
}

static void check(const service_spec *s)
{
    fuzz_accepted++;
    want(s->name.len && str_starts(s->revision, s->name));
    want(s->concurrency >= 1 && s->concurrency <= SERVICE_CONCURRENCY_MAX);
    want(s->timeout_s >= 1 && s->timeout_s <= SERVICE_TIMEOUT_S_MAX);
    want(s->min <= s->max && s->ingress_container);
    for (size_t i = 0; i < s->container_count; i++) {
        const service_container *c = &s->containers[i];
        want(c->command_count > 0 && c->memory_bytes >= 32 << 20);
        want(c->startup.period_s * c->startup.failures_max <= SERVICE_STARTUP_S);
        for (size_t k = 0; k < c->env_count; k++)
            want(c->env[k].name.len && !str_eq(c->env[k].name, STR("PORT")));
    }
    uint32_t percent = 0;
    for (size_t i = 0; i < s->traffic_count; i++)
        percent += s->traffic[i].percent;
    want(!s->traffic_count || percent == 100);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    arena a;
    arena_init(&a);
    const service_spec *specs;
    size_t count = 0;
    err e = ERR_INIT;
    if (service_parse(&a, (str){(const char *)data, size}, "fuzz", &specs, &count, &e) == OK)
        for (size_t i = 0; i < count; i++)
            check(&specs[i]);
    else
        want(e.code && e.msg[0] && e.file[0]);
    arena_deinit(&a);
    return 0;
}
