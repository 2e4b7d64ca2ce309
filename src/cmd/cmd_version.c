// SPDX-License-Identifier: Apache-2.0
#include "cmd/verbs.h"
#include "cmd/version.h"

static code run_version(cmd_call *call, err *e)
{
    (void)e;
    fprintf(call->out, "gatepost %s\n", GATEPOST_VERSION);
    return OK;
}

static const option_row *const tables[] = {cmd_common, NULL};

static const command_spec spec = {
    .name = "version",
    .summary = "Print the version",
    .tables = tables,
};

const verb verb_version = {.spec = &spec, .group = VERB_ABOUT, .run = run_version};
