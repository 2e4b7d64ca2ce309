// SPDX-License-Identifier: Apache-2.0
// Any text as a project file that nobody trusts: it ends with an error that has a code and a
// message, or with a project that keeps what home.h promises.
#include <stdlib.h>

#include "base/fuzz.h"
#include "home/project.h"
#include "home/project_keys.h"

static void check(const home_project *p)
{
    for (size_t i = 0; i < p->identity_count; i++) {
        const project_identity *id = &p->identities[i];
        if (id->key || id->none + (id->account.len > 0) + (id->impersonate.len > 0) != 1)
            abort();
    }
    for (size_t i = 0; i < p->service_count; i++)
        if (!str_starts(str_from(p->services[i]), STR("/usr/share/")))
            abort();
    if (p->number.len < 6 || p->project_hash.len < 6 || p->clock_skew_ms > 60000)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    arena a;
    arena_init(&a);
    err e = ERR_INIT;
    home_project *p = ARENA_NEW(&a, home_project);
    p->path = "/usr/share/gatepost.yaml";
    p->dir = "/usr/share"; // a folder that is there and holds no devices
    str text = {(const char *)data, size};
    if (project_parse(p, &a, text, &project_shape, &e) == OK) {
        fuzz_accepted++;
        project_number(p, &a);
        check(p);
    } else if (e.code == OK || !e.msg[0]) {
        abort();
    }
    arena_deinit(&a);
    return 0;
}
