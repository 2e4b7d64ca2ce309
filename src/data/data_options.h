// SPDX-License-Identifier: Apache-2.0
// options: one table says everything about a setting: its flag, environment variable, key in
// gatepost.yaml, default, bounds and help. The command line parser, --help, the man page, shell
// completion and the JSON Schema are all made from it (data_render.c).
//
//   static const option_row run_options[] = {
//       {.name = "iteration-count", .letter = 'n', .kind = OPTION_INT, .value = "N", .def = "1",
//        .min = 1, .max = 1000000, .group = "Running", .help = "Run the collection N times"},
//   };
//
// A value comes from, in falling order: the command line, the environment, a file, the default.
// Which one it was can be asked (option_origin).
#pragma once

#include "data/data_write.h"

typedef enum option_kind {
    OPTION_FLAG,     // --name, and --no-name; in the environment 1/true/yes/on or 0/false/no/off
    OPTION_TEXT,     // any text
    OPTION_INT,      // a whole number, min … max
    OPTION_DURATION, // "90s", "5m"; option_int gives milliseconds, min … max count them too
    OPTION_BYTES,    // "64k", "10M", "1G" (powers of 1024) or a bare number
    OPTION_CHOICE,   // one of `choices`
} option_kind;

typedef struct option_row option_row;
struct option_row {
    const char *name; // long name without dashes
    char letter;      // 0: none
    option_kind kind;
    bool repeat;         // may be given again; the values form a list
    bool comma;          // with repeat: one argument may hold several, split at commas
    bool optional;       // OPTION_CHOICE: the value may be left out (--bail), then it is ""
    const char *value;   // what help calls the value: "FILE"
    const char *env;     // NULL: none
    const char *key;     // key in gatepost.yaml; NULL: none
    const char *def;     // NULL: unset (a flag: false)
    const char *choices; // "cli|json|junit"
    int64_t min, max;    // both 0: no bounds but not negative
    const char *group;   // heading in help; NULL: "Options"
    const char *help;    // one line, without a full stop
};

typedef struct command_spec command_spec;
struct command_spec {
    const char *name;    // "run", "audit query"
    const char *args;    // what follows the options: "COLLECTION [FILE…]"; NULL: nothing
    const char *summary; // one line for the list of commands
    const char *about;   // paragraphs for --help and the man page, separated by an empty line
    const char *example; // lines to paste
    const option_row *const *tables; // ends with NULL; each table ends with a NULL name
    uint32_t args_min, args_max;     // positional arguments
};

typedef enum option_source {
    OPTION_DEFAULT,
    OPTION_FROM_FILE,
    OPTION_FROM_ENV,
    OPTION_FROM_ARGV,
} option_source;

typedef VEC(str) str_list;
typedef struct option_values option_values;

// `c` and the texts that are loaded must outlive the options.
option_values *options_new(const command_spec *c);
void options_free(option_values *o);

// Takes the words after the command's name. `--` ends the options, options and positional
// arguments may be mixed, `--name=value`, `--name value`, `-n5`, `-n 5` and `-kv` are understood.
// --help (-h) is known to every command: option_flag(o, "help").
// Errors: OPTION_UNKNOWN (with the nearest as a hint), OPTION_INVALID, OPTION_ARGS.
CODE_CHECKED options_argv(option_values *o, int argc, const char *const *argv, err *e);
// Reads the variables that the tables name, by `get` (NULL: getenv). An empty one counts as unset.
CODE_CHECKED options_env(option_values *o, const char *(*get)(const char *name), err *e);
// Takes the keys that the tables name from `root`, an object; any other is DATA_UNKNOWN with the
// nearest as a hint. Of several files the last one counts, for each key on its own.
CODE_CHECKED options_file(option_values *o, const json *root, err *e);

const command_spec *options_spec(const option_values *o);

// Values. Asking for a name that isn't in the tables, or for the wrong kind, aborts.
bool option_is_set(const option_values *o, const char *name); // other than by its default
bool option_flag(const option_values *o, const char *name);
str option_text(const option_values *o, const char *name); // STR_NONE when unset; repeat: the last
const char *option_cstr(const option_values *o, const char *name); // NULL when unset
int64_t option_int(const option_values *o, const char *name);      // INT, DURATION (ms), BYTES
const str_list *option_list(const option_values *o, const char *name);
const str_list *option_args(const option_values *o);
// "--trust", "GATEPOST_TRUST", "gatepost.yaml:3:5" or "default".
const char *option_origin(const option_values *o, const char *name);

// ---- Rendering

void command_help(buf *out, const command_spec *c, bool colour);
// roff for `man`, section 1: gatepost-NAME(1).
void command_man(buf *out, const command_spec *c, const char *version);
// Markdown for doc/commands/.
void command_markdown(buf *out, const command_spec *c);
void commands_bash(buf *out, const command_spec *const *commands, size_t count);
void commands_zsh(buf *out, const command_spec *const *commands, size_t count);
// The JSON Schema of the keys in these tables: {"key": {"type": …, "description": …}, …}.
void options_schema(jout *w, const option_row *const *tables);
