// SPDX-License-Identifier: Apache-2.0
// verbs: the commands, each defined in cmd_NAME.c.
#pragma once

#include "cmd/cmd.h"

extern const verb verb_run;
extern const verb verb_lint;
extern const verb verb_init;
extern const verb verb_doctor;
extern const verb verb_up;
extern const verb verb_help;
extern const verb verb_version;
extern const verb verb_completion;

// The help of one command.
void help_command(cmd_call *call, const verb *v);
