// SPDX-License-Identifier: Apache-2.0
// Any text as a policy: what loads must decide, lint and survive being written and read again.
#include <stdlib.h>

#include "base/fuzz.h"
#include "data/data.h"
#include "policy/policy.h"

static void decide(const policy *p, arena *a)
{
    static const principal jane = {.kind = PRINCIPAL_USER, .email = {"jane@example.com", 16}};
    policy_query q = {.who = &jane, .authenticated = true, .permission = PERMISSION_INVOKE};
    decision d;
    policy_decide(p, &q, a, &d);
    if (d.allowed != policy_allows(p, &q))
        abort();
    buf text;
    buf_init(&text, 1 << 20);
    decision_text(&d, &text);
    buf_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    role_set *roles = role_set_new();
    policy *p = NULL, *back = NULL;
    if (policy_load_text((str){(const char *)data, size}, "fuzz", roles, &p, NULL) == OK) {
        arena a;
        arena_init(&a);
        fuzz_accepted++;
        decide(p, &a);
        policy_findings found;
        policy_lint(p, &a, &found);
        buf text;
        buf_init(&text, 4 * POLICY_BYTES_MAX);
        jout w = jout_new(&text, JSON_COMPACT);
        policy_json(p, &w, NULL);
        if (buf_ok(&text) && text.len < POLICY_BYTES_MAX &&
            policy_load_text(buf_str(&text), "again", roles, &back, NULL) != OK)
            abort();
        buf_deinit(&text);
        arena_deinit(&a);
    }
    policy_unref(back);
    policy_unref(p);
    role_set_free(roles);
    return 0;
}
