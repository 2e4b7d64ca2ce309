// SPDX-License-Identifier: Apache-2.0
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
    };
    return report_cli_new(&cli);
}

static code new_reporter(str name, const cmd_call *call, reporter **ret, err *e)
{
    const option_values *o = call->options;
    report_file_options file = {.newman_buffers = option_flag(o, "reporter-json-newman-buffers")};
    if (str_eq(name, STR("json"))) {
        file.path = option_cstr(o, "reporter-json-export");
        return report_json_new(&file, ret, e);
    }
    if (str_eq(name, STR("junit"))) {
        file.path = option_cstr(o, "reporter-junit-export");
        return report_junit_new(&file, ret, e);
    }
    if (!option_flag(o, "silent") && !option_flag(o, "reporter-cli-silent"))
        *ret = new_cli(call);
    return OK;
}

code run_reporters_new(run_reporters *rs, runner *r, const cmd_call *call, err *e)
{
    const str_list *names = option_list(call->options, "reporters");
    for (size_t i = 0; i < names->len; i++) {
        reporter *one = NULL;
        code c = new_reporter(names->ptr[i], call, &one, e);
        if (c != OK)
            return c;
        if (!one)
            continue;
        vec_push(rs, one);
        runner_listen(r, reporter_listener(one));
    }
    return OK;
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
