// SPDX-License-Identifier: Apache-2.0
// cmd: one file a command. A command is its option table, its texts and one function; main looks it
// up by name, reads the options and turns the outcome into an exit status (doc/exit-codes.md).
#pragma once

#include <stdio.h>

#include "data/data.h"

typedef enum verb_group {
    VERB_TEST,
    VERB_REACH,
    VERB_SERVE,
    VERB_GOVERN,
    VERB_ABOUT, // help, version, completion
} verb_group;

// What a command works with. It writes what it was asked for to out and all else to err.
typedef struct cmd_call cmd_call;
struct cmd_call {
    option_values *options;
    FILE *out;
    FILE *err;
    bool colour; // out is a terminal that may be coloured
    int status;  // the exit status when run returns OK: EXIT_OK, or that of a failure which the
                 // command has explained itself
};

typedef struct cmd_words cmd_words;
struct cmd_words {
    int count;
    const char *const *words;
};

typedef struct verb verb;
struct verb {
    const command_spec *spec;
    verb_group group;
    // An error ends the program with its code's exit status; main prints it.
    code (*run)(cmd_call *call, err *e) ATTR_MUST_CHECK;
    // NULL, or: the words behind the name as the option tables know them, in the arena. Notes for
    // the person go to `notes`.
    code (*translate)(arena *a, FILE *notes, cmd_words *words, err *e) ATTR_MUST_CHECK;
    int error_status; // 0: that of the error's code
};

extern const verb *const verbs[]; // ends with NULL; help shows them in this order

// Options of every command: --color, --log-level, --log-format.
extern const option_row cmd_common[];

// Whether who reads the output went away (`gatepost audit query | head`): a pipe tells, also when
// nothing is written and errno is long forgotten.
bool cmd_reader_left(FILE *out);

// The whole program. The streams are its standard output and error.
int cmd_main(int argc, const char *const *argv, FILE *out, FILE *errors);
// The command that the first words name and how many words that took; NULL with an error that
// names the nearest. `words` may hold options behind the name.
const verb *cmd_find(int count, const char *const *words, int *ret_used, err *e);
