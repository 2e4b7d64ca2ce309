// SPDX-License-Identifier: Apache-2.0
#include "cmd/verbs.h"

enum { SCRIPT_MAX = 4 << 20 };

static code run_completion(cmd_call *call, err *e)
{
    enum { NAMES_MAX = 64 };
    const command_spec *specs[NAMES_MAX];
    size_t n = 0;
    for (const verb *const *v = verbs; *v && n < NAMES_MAX; v++)
        specs[n++] = (*v)->spec;
    str shell = option_args(call->options)->ptr[0];
    buf script;
    buf_init(&script, SCRIPT_MAX);
    code c = OK;
    if (str_eq(shell, STR("bash")))
        commands_bash(&script, specs, n);
    else if (str_eq(shell, STR("zsh")))
        commands_zsh(&script, specs, n);
    else
        c = err_set(e, OPTION_ARGS, "there is no completion for '" STR_FMT "'", STR_ARG(shell));
    if (c != OK)
        err_hint(e, "write bash or zsh");
    fwrite(buf_cstr(&script), 1, script.len, call->out);
    buf_deinit(&script);
    return c;
}

static const option_row *const tables[] = {cmd_common, NULL};

static const command_spec spec = {
    .name = "completion",
    .args = "bash|zsh",
    .args_min = 1,
    .args_max = 1,
    .summary = "Print the completion script of a shell",
    .about = "The script offers commands, options and their choices. `make install` puts it where "
             "the shells look for it.",
    .example = "source <(gatepost completion bash)\n"
               "gatepost completion zsh > ~/.zfunc/_gatepost",
    .tables = tables,
};

const verb verb_completion = {.spec = &spec, .group = VERB_ABOUT, .run = run_completion};
