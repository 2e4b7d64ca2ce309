// SPDX-License-Identifier: Apache-2.0
// Help: the list of commands in their four groups, or one command in full.
#include <string.h>

#include "cmd/verbs.h"
#include "cmd/version.h"

enum { PAGE_MAX = 1 << 20, NAME_COLUMN = 18 };

static const char *const group_names[] = {
    [VERB_TEST] = "Test",     [VERB_REACH] = "Reach", [VERB_SERVE] = "Serve",
    [VERB_GOVERN] = "Govern", [VERB_ABOUT] = "About",
};

static void list_group(buf *out, verb_group group, bool colour)
{
    bool first = true;
    for (const verb *const *v = verbs; *v; v++) {
        if ((*v)->group != group)
            continue;
        if (first)
            buf_addf(out, colour ? "\n\033[1m%s\033[0m\n" : "\n%s\n", group_names[group]);
        first = false;
        buf_addf(out, "  %-*s%s\n", NAME_COLUMN, (*v)->spec->name, (*v)->spec->summary);
    }
}

static void list_commands(buf *out, bool colour)
{
    buf_addz(out, "Usage: gatepost COMMAND [OPTIONS] [ARGUMENTS]\n\n"
                  "newman, but private Cloud Run just works.\n");
    for (int group = VERB_TEST; group <= VERB_ABOUT; group++)
        list_group(out, (verb_group)group, colour);
    buf_addz(out, "\n'gatepost help COMMAND' or 'gatepost COMMAND --help' tells more about one.\n");
}

// gatepost(1): the commands, each of which has a page of its own.
static void list_man(buf *out)
{
    buf_addz(out, ".TH GATEPOST 1 \"\" \"gatepost " GATEPOST_VERSION "\"\n.SH NAME\n"
                  "gatepost \\- run Postman collections against private Cloud Run, and guard it\n"
                  ".SH SYNOPSIS\ngatepost COMMAND [OPTIONS] [ARGUMENTS]\n");
    for (int group = VERB_TEST; group <= VERB_ABOUT; group++) {
        buf_addf(out, ".SH %s\n", group_names[group]);
        for (const verb *const *v = verbs; *v; v++)
            if ((int)(*v)->group == group)
                buf_addf(out, ".TP\n\\fB%s\\fR\n%s\n", (*v)->spec->name, (*v)->spec->summary);
    }
    buf_addz(out, ".SH \"EXIT STATUS\"\n0 done, 1 the result is a failure, 2 the command line, "
                  "3 a file or setting, 4 no credential, 5 the network, 6 the machine.\n");
}

static void list_names(buf *out)
{
    for (const verb *const *v = verbs; *v; v++)
        buf_addf(out, "%s\n", (*v)->spec->name);
}

static void render_list(buf *out, str format, bool colour)
{
    if (str_eq(format, STR("man")))
        list_man(out);
    else if (str_eq(format, STR("names")))
        list_names(out);
    else
        list_commands(out, colour);
}

static code render(const verb *v, str format, cmd_call *call)
{
    buf page;
    buf_init(&page, PAGE_MAX);
    if (!v)
        render_list(&page, format, call->colour);
    else if (str_eq(format, STR("man")))
        command_man(&page, v->spec, GATEPOST_VERSION);
    else if (str_eq(format, STR("markdown")))
        command_markdown(&page, v->spec);
    else
        command_help(&page, v->spec, call->colour);
    fwrite(buf_cstr(&page), 1, page.len, call->out);
    buf_deinit(&page);
    return OK;
}

void help_command(cmd_call *call, const verb *v)
{
    (void)render(v, STR("text"), call);
}

static code run_help(cmd_call *call, err *e)
{
    const str_list *args = option_args(call->options);
    const char *words[2] = {NULL};
    for (size_t i = 0; i < args->len; i++)
        words[i] = args->ptr[i].ptr; // words of the command line end with a NUL
    int used = 0;
    const verb *v = args->len ? cmd_find((int)args->len, words, &used, e) : NULL;
    if (args->len && !v)
        return e->code;
    return render(v, option_text(call->options, "format"), call);
}

static const option_row rows[] = {
    {.name = "format",
     .kind = OPTION_CHOICE,
     .choices = "text|man|markdown|names",
     .def = "text",
     .help = "How to write it; names: of the list of commands only their names"},
    {0},
};
static const option_row *const tables[] = {rows, cmd_common, NULL};

static const command_spec spec = {
    .name = "help",
    .args = "[COMMAND]",
    .args_max = 2,
    .summary = "List the commands, or tell about one",
    .example = "gatepost help version\ngatepost help --format man version | man -l -",
    .tables = tables,
};

const verb verb_help = {.spec = &spec, .group = VERB_ABOUT, .run = run_help};
