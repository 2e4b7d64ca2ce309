// SPDX-License-Identifier: Apache-2.0
// What the parts of the cli reporter share.
#pragma once

#include "report/internal.h"

typedef struct cli_symbols cli_symbols;
struct cli_symbols {
    const char *box_top, *box_middle, *box_bottom;
    const char *folder, *root, *sub, *ok, *star, *up, *down;
};

typedef struct cli cli;
struct cli {
    reporter base;
    const run_source *source; // of the run that is told
    report_cli_options o;
    const cli_symbols *symbols;
    arena scratch; // reset with each event
    buf out;       // of one event
    report_words identity;
    const pm_item *group;
    size_t failures;
    bool line_open; // a request's line waits for its answer (terminal)
    bool box_open;  // console output is being boxed
    bool ended;     // the run, because output fails
};

typedef enum cli_colour {
    CLI_GRAY,
    CLI_GREEN,
    CLI_RED,
    CLI_BOLD_RED,
    CLI_CYAN,
    CLI_YELLOW
} cli_colour;

// Appends what `text` names in that colour; plain when colours are off. `text` is ours or shown.
void cli_paint(cli *c, cli_colour colour, const char *fmt, ...) ATTR_PRINTF(3, 4);

// Prints what is in `out`, and forgets it and what is in `scratch`.
void cli_flush(cli *c);
// The exchange in full (--verbose).
void cli_verbose(cli *c, const run_exchange *x);
// The two tables at the end.
void cli_summary(cli *c);
void cli_failures(cli *c);
