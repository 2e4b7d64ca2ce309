// SPDX-License-Identifier: Apache-2.0
// What the command line and the config files of newman share.
#pragma once

#include "cmd/newman.h"

typedef struct newman_line newman_line;
struct newman_line {
    arena *arena;
    FILE *notes;
    const option_row *const *tables;
    const char *const *argv;
    int argc, at;
    bool collection; // it is there
    map said;        // names of options
    newman_words words, arguments;
};

void newman_read_words(newman_line *l);
const option_row *newman_option(const newman_line *l, str name);
// The option with that value; of a flag "false" means its opposite.
void newman_say(newman_line *l, const option_row *row, str value);
void newman_reporters(newman_line *l, str list);                    // "cli,json"
void newman_reporter_option(newman_line *l, str option, str value); // "json-export"
void newman_note(newman_line *l, const char *fmt, ...) ATTR_PRINTF(2, 3);
