// SPDX-License-Identifier: Apache-2.0
// verbs: the commands, each defined in cmd_NAME.c.
#pragma once

#include "cmd/cmd.h"

extern const verb verb_run;
extern const verb verb_report_merge;
extern const verb verb_newman;
extern const verb verb_newman_run;
extern const verb verb_lint;
extern const verb verb_load;
extern const verb verb_mock;
extern const verb verb_init;
extern const verb verb_doctor;
extern const verb verb_up;
extern const verb verb_connect;
extern const verb verb_token;
extern const verb verb_token_verify;
extern const verb verb_whoami;
extern const verb verb_login;
extern const verb verb_logout;
extern const verb verb_trust_add;
extern const verb verb_trust_file;
extern const verb verb_trust_list;
extern const verb verb_trust_remove;
extern const verb verb_policy_lint;
extern const verb verb_policy_explain;
extern const verb verb_keys_list;
extern const verb verb_keys_rotate;
extern const verb verb_audit_query;
extern const verb verb_audit_tail;
extern const verb verb_audit_verify;
extern const verb verb_help;
extern const verb verb_version;
extern const verb verb_completion;

// The help of one command.
void help_command(cmd_call *call, const verb *v);
