// SPDX-License-Identifier: Apache-2.0
// report: what a run looks like to a person (cli, progress, html, markdown), to a program (json)
// and to a CI server (junit, github). Reporters listen to a runner's events; their output follows
// newman's (contracts: Postman §10), so that eyes and tools used to it find their way, plus what
// newman doesn't know: whose identity each request carried.
//
// Invariants
// - A reporter prints only what the runner tells, which holds no token (runner.h).
// - Text from collections and servers is shown escaped: it can't drive the terminal, break out of
//   XML or JSON, or forge a line of ours (threat 48).
// - Several runs in a row make one report. A source (runner.h) must outlive the reporter that has
//   heard of it.
// - A file appears when it is complete, with mode 0600, and never through a symbolic link (threat
//   49). It is written as the run goes on: memory doesn't grow with the number of iterations.
#pragma once

#include <stdio.h>

#include "runner/runner.h"

typedef struct reporter reporter;

typedef struct report_cli_options report_cli_options;
struct report_cli_options {
    FILE *out;
    bool colour;
    bool plain;    // no symbols beyond ASCII (--disable-unicode)
    bool terminal; // somebody watches: a request shows before its answer is there
    bool verbose;  // sizes, headers, bodies and phases of each exchange
    bool timestamps;
    bool explain_identity; // how each request came by it
    bool no_banner, no_console, no_assertions, no_success_assertions, no_failures, no_summary;
};

reporter *report_cli_new(const report_cli_options *o);

typedef struct report_file_options report_file_options;
struct report_file_options {
    // A file, or a directory that is there already. NULL: newman/newman-run-report-TIME.EXT.
    const char *path;
    bool newman_buffers; // json: response bodies as arrays of bytes, as newman writes them
};
// HOME_WRITE when the file can't be begun.
CODE_CHECKED report_json_new(const report_file_options *o, reporter **ret, err *e);
CODE_CHECKED report_junit_new(const report_file_options *o, reporter **ret, err *e);

// One self-contained page: no script in it, nothing is loaded.
CODE_CHECKED report_html_new(const report_file_options *o, reporter **ret, err *e);
CODE_CHECKED report_markdown_new(const report_file_options *o, reporter **ret, err *e);

// A bar that is drawn anew as the run goes on when somebody watches; otherwise one line at the end.
typedef struct report_progress_options report_progress_options;
struct report_progress_options {
    FILE *out;
    bool terminal;
    bool colour, plain;
    bool faces; // newman's emojitrain: a face for each request
};
reporter *report_progress_new(const report_progress_options *o);
// How wide it is; where that isn't known, 80.
size_t report_columns(FILE *terminal);

// GitHub Actions: an annotation for each failure, at its place in the collection, and the summary
// of the step. While the run goes on the runner of GitHub is told to heed no commands: what scripts
// and servers say isn't one (threat 48).
typedef struct report_github_options report_github_options;
struct report_github_options {
    FILE *out;           // that GitHub reads
    const char *summary; // $GITHUB_STEP_SUMMARY; NULL: none
    const char *folder;  // $GITHUB_WORKSPACE: files below it are named relative to it
};
reporter *report_github_new(const report_github_options *o);

const run_listener *reporter_listener(const reporter *r);
// After RUN_DONE: completes the output. HOME_WRITE; then there is no file.
CODE_CHECKED reporter_finish(reporter *r, err *e);
// Without reporter_finish the file is discarded. NULL is allowed.
void reporter_free(reporter *r);

// Where an export goes: `path`, or inside it when it is a directory, or newman/ when it is NULL;
// there the name is newman-WHAT-TIME.EXT. Missing directories are made. HOME_WRITE.
CODE_CHECKED report_export_path(arena *a, const char *path, const char *what, const char *ext,
                                const char **ret_path, err *e);
