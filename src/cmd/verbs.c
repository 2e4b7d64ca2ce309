// SPDX-License-Identifier: Apache-2.0
#include "cmd/verbs.h"

const verb *const verbs[] = {
    &verb_run,  &verb_lint,    &verb_init,       &verb_up, &verb_doctor,
    &verb_help, &verb_version, &verb_completion, NULL,
};
