// SPDX-License-Identifier: Apache-2.0
#include "cmd/run.h"
#include "cmd/verbs.h"
#include "report/report_saved.h"

enum { REPORT_BYTES_MAX = 1 << 30 };

static code read_all(arena *a, const str_list *files, report_saved **reports, err *e)
{
    code c = OK;
    for (size_t i = 0; c == OK && i < files->len; i++) {
        str text;
        c = file_read(a, files->ptr[i].ptr, REPORT_BYTES_MAX, &text, e);
        if (c == OK)
            c = report_saved_read(a, text, files->ptr[i].ptr, &reports[i], e);
    }
    return c;
}

static void tell(arena *a, report_saved *const *reports, size_t count, const run_reporters *rs)
{
    run_listener *listeners = arena_array(a, rs->len, sizeof(*listeners));
    for (size_t i = 0; i < rs->len; i++)
        listeners[i] = *reporter_listener(rs->ptr[i]);
    report_saved_tell(a, reports, count, listeners, rs->len);
}

static code merge(cmd_call *call, err *e)
{
    const str_list *files = option_args(call->options);
    run_reporters reporters = {0};
    arena a;
    arena_init(&a);
    report_saved **reports = arena_array(&a, files->len, sizeof(*reports));
    code c = read_all(&a, files, reports, e);
    if (c == OK)
        c = run_reporters_new(&reporters, call, e);
    if (c == OK) {
        tell(&a, reports, files->len, &reporters);
        c = run_reporters_finish(&reporters, e);
    }
    for (size_t i = 0; c == OK && i < files->len; i++)
        if (report_saved_failed(reports[i]))
            call->status = EXIT_FAILED;
    run_reporters_free(&reporters);
    arena_deinit(&a);
    return c;
}

static const option_row *const tables[] = {cmd_report_rows, cmd_common, NULL};

static const command_spec spec = {
    .name = "report merge",
    .args = "REPORT…",
    .args_min = 1,
    .args_max = 10000,
    .summary = "Make one report of several, in any of the forms",
    .about =
        "Reads JSON reports of 'gatepost run' or newman and tells them to the reporters that are "
        "named. Those of one collection, as the shards of a run write them, become one run in "
        "the order of its iterations. Ends with 1 when something had failed in one of them.",
    .example = "gatepost report merge shard-*.json -r html --reporter-html-export run.html",
    .tables = tables,
};

const verb verb_report_merge = {.spec = &spec, .group = VERB_TEST, .run = merge};
