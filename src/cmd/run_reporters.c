// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <unistd.h>

#include "cmd/run.h"

static reporter *new_cli(const cmd_call *call)
{
    const option_values *o = call->options;
    report_cli_options cli = {
        .out = call->out,
        .colour = call->colour,
        .plain = option_flag(o, "disable-unicode"),
        .terminal = isatty(fileno(call->out)),
        .verbose = option_flag(o, "verbose"),
        .timestamps = option_flag(o, "reporter-cli-show-timestamps"),
        .no_banner = option_flag(o, "reporter-cli-no-banner"),
        .no_console = option_flag(o, "reporter-cli-no-console"),
        .no_assertions = option_flag(o, "reporter-cli-no-assertions"),
        .no_success_assertions = option_flag(o, "reporter-cli-no-success-assertions"),
        .no_failures = option_flag(o, "reporter-cli-no-failures"),
        .no_summary = option_flag(o, "reporter-cli-no-summary"),
        .explain_identity = option_flag(o, "explain-identity"),
    };
    return report_cli_new(&cli);
}

static reporter *new_progress(const cmd_call *call, bool faces)
{
    report_progress_options progress = {
        .out = call->out,
        .terminal = isatty(fileno(call->out)),
        .colour = call->colour,
        .plain = option_flag(call->options, "disable-unicode"),
        .faces = faces,
    };
    return report_progress_new(&progress);
}

// GitHub reads commands from both streams; what a program reads from ours stays free of them.
static reporter *new_github(const cmd_call *call)
{
    report_github_options github = {
        .out = call->err,
        .summary = getenv("GITHUB_STEP_SUMMARY"),
        .folder = getenv("GITHUB_WORKSPACE"),
    };
    return report_github_new(&github);
}

// The reporters that write a file.
static const struct {
    const char *name, *export;
    code (*new)(const report_file_options *o, reporter **ret, err *e);
} files[] = {
    {"html", "reporter-html-export", report_html_new},
    {"json", "reporter-json-export", report_json_new},
    {"junit", "reporter-junit-export", report_junit_new},
    {"markdown", "reporter-markdown-export", report_markdown_new},
};

static code new_reporter(str name, const cmd_call *call, reporter **ret, err *e)
{
    const option_values *o = call->options;
    bool silent = option_flag(o, "silent");
    report_file_options file = {.newman_buffers = option_flag(o, "reporter-json-newman-buffers")};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        if (!str_eq(name, str_from(files[i].name)))
            continue;
        file.path = option_cstr(o, files[i].export);
        return files[i].new(&file, ret, e);
    }
    if (str_eq(name, STR("github")))
        *ret = new_github(call);
    else if (str_eq(name, STR("cli")) && !silent && !option_flag(o, "reporter-cli-silent"))
        *ret = new_cli(call);
    else if (!str_eq(name, STR("cli")) && !silent)
        *ret = new_progress(call, str_eq(name, STR("emojitrain")));
    return OK;
}

static code add_reporter(run_reporters *rs, str name, const cmd_call *call, err *e)
{
    reporter *one = NULL;
    code c = new_reporter(name, call, &one, e);
    if (one)
        vec_push(rs, one);
    return c;
}

code run_reporters_new(run_reporters *rs, const cmd_call *call, err *e)
{
    const str_list *names = option_list(call->options, "reporters");
    const char *actions = getenv("GITHUB_ACTIONS");
    bool github = actions && str_eq(str_from(actions), STR("true"));
    code c = OK;
    // First, so that it has muted GitHub's runner before another prints.
    if (github)
        c = add_reporter(rs, STR("github"), call, e);
    for (size_t i = 0; c == OK && i < names->len; i++)
        if (!github || !str_eq(names->ptr[i], STR("github")))
            c = add_reporter(rs, names->ptr[i], call, e);
    return c;
}

void run_reporters_listen(const run_reporters *rs, runner *r)
{
    VEC_FOREACH (rs, one)
        runner_listen(r, reporter_listener(*one));
}

code run_reporters_finish(run_reporters *rs, err *e)
{
    code c = OK;
    VEC_FOREACH (rs, r) {
        err other = ERR_INIT;
        code one = reporter_finish(*r, c == OK ? e : &other);
        if (c == OK)
            c = one;
    }
    return c;
}

void run_reporters_free(run_reporters *rs)
{
    VEC_FOREACH (rs, r)
        reporter_free(*r);
    vec_deinit(rs);
}
