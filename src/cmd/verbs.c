// SPDX-License-Identifier: Apache-2.0
#include "cmd/verbs.h"

const verb *const verbs[] = {
    // Test
    &verb_run,
    &verb_report_merge,
    &verb_newman,
    &verb_newman_run,
    &verb_load,
    &verb_mock,
    &verb_lint,
    &verb_init,
    // Reach
    &verb_connect,
    &verb_token,
    &verb_token_verify,
    &verb_whoami,
    &verb_login,
    &verb_logout,
    &verb_trust_add,
    &verb_trust_file,
    &verb_trust_list,
    &verb_trust_remove,
    &verb_doctor,
    // Serve
    &verb_up,
    // Govern
    &verb_policy_lint,
    &verb_policy_explain,
    &verb_keys_list,
    &verb_keys_rotate,
    &verb_audit_query,
    &verb_audit_tail,
    &verb_audit_verify,
    // About
    &verb_help,
    &verb_version,
    &verb_completion,
    NULL,
};
