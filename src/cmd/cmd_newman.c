// SPDX-License-Identifier: Apache-2.0
// `gatepost newman`: newman's command lines unchanged, its config files and its exit codes.
#include "cmd/newman.h"
#include "cmd/run.h"
#include "cmd/verbs.h"

// What scripts that ask `newman --version` expect: the newman that this behaves as.
#define NEWMAN_VERSION "6.2.2"

static code translate(arena *a, FILE *notes, cmd_words *words, err *e)
{
    newman_words all = {0};
    code c = newman_translate(a, cmd_run_tables, words, notes, &all, e);
    words->count = (int)all.len;
    const char **copy = arena_array(a, all.len, sizeof(*copy));
    for (size_t i = 0; i < all.len; i++)
        copy[i] = all.ptr[i];
    words->words = copy;
    vec_deinit(&all);
    return c;
}

static const command_spec run_spec = {
    .name = "newman run",
    .args = "COLLECTION",
    .args_min = 1,
    .args_max = 1,
    .summary = "Run a collection by a newman command line, as it stands",
    .about =
        "Takes newman 6's command lines unchanged and does what 'gatepost run' does. Options of "
        "reporters that others wrote are left out with a note; -r htmlextra is the html reporter "
        "here, -r junitfull the junit one.\n\n"
        "Reads newman's config files: /etc/postman/newmanrc, ~/.postman/newmanrc and ./.newmanrc. "
        "The last comes with a checkout: of it only what gatepost.yaml may set as well is "
        "taken.\n\n"
        "Ends with 1 whenever newman does: after a failure, and for what can't be read or is "
        "wrong.",
    .example = "gatepost newman run orders.postman_collection.json -e staging.json -r cli,junit",
    .tables = cmd_run_tables,
};

const verb verb_newman_run = {.spec = &run_spec,
                              .group = VERB_TEST,
                              .run = run_collection,
                              .translate = translate,
                              .error_status = EXIT_FAILED};

// ---- without `run`

static const option_row rows[] = {
    {.name = "version",
     .letter = 'v',
     .kind = OPTION_FLAG,
     .help = "Print the version of newman that it behaves as"},
    {0},
};
static const option_row *const tables[] = {rows, cmd_common, NULL};

static const command_spec spec = {
    .name = "newman",
    .args = "run COLLECTION",
    .args_max = 1,
    .summary = "newman's command lines: 'gatepost newman run …'",
    .about = "Stands where newman stood: alias newman='gatepost newman'.",
    .example = "gatepost newman run orders.postman_collection.json",
    .tables = tables,
};

static code run_newman(cmd_call *call, err *e)
{
    const str_list *args = option_args(call->options);
    if (option_flag(call->options, "version")) {
        fputs(NEWMAN_VERSION "\n", call->out);
        return OK;
    }
    if (args->len)
        (void)err_set(e, OPTION_COMMAND, "newman has no command '" STR_FMT "'",
                      STR_ARG(args->ptr[0]));
    else
        (void)err_set(e, OPTION_ARGS, "an argument is missing");
    return err_hint(e, "usage: gatepost newman run COLLECTION");
}

const verb verb_newman = {
    .spec = &spec, .group = VERB_TEST, .run = run_newman, .error_status = EXIT_FAILED};
