// SPDX-License-Identifier: Apache-2.0
// The command line.
#include <stdio.h>
#include <string.h>

#include "data/data_suggest.h"
#include "data/option_table.h"

typedef struct words {
    const char *const *argv;
    int argc;
    int at;
    option_values *o;
    err *e;
} words;

static code unknown(words *w, const char *shown, str name)
{
    const char *names[256];
    size_t n = 0, cursor = 0;
    for (const option_row *row;
         n < ARRAY_LEN(names) && (row = table_next(options_spec(w->o)->tables, &cursor));)
        names[n++] = row->name;
    err_set(w->e, OPTION_UNKNOWN, "there is no option '%s'", shown);
    const char *near = suggest(name, names, n);
    if (w->e && near)
        err_hint(w->e, "did you mean '--%s'?", near);
    else if (w->e)
        err_hint(w->e, "'gatepost %s --help' lists the options", options_spec(w->o)->name);
    return OPTION_UNKNOWN;
}

static code set(words *w, const option_row *row, str text)
{
    char origin[80];
    snprintf(origin, sizeof(origin), "--%s", row->name);
    return option_set(w->o, row, OPTION_FROM_ARGV, text, origin, w->e);
}

static bool is_choice(const option_row *row, str text)
{
    const char *rest = row->choices;
    for (str choice; choice_next(&rest, &choice);)
        if (str_eq(choice, text))
            return true;
    return false;
}

// The option's value stands in the next word, unless it may be left out and was.
static code take_value(words *w, const option_row *row)
{
    bool more = w->at < w->argc;
    if (row->optional && !(more && is_choice(row, str_from(w->argv[w->at]))))
        return set(w, row, STR(""));
    if (more)
        return set(w, row, str_from(w->argv[w->at++]));
    err_set(w->e, OPTION_INVALID, "the option '--%s' needs a value", row->name);
    if (w->e)
        err_hint(w->e, "write --%s %s", row->name, option_value_name(row));
    return OPTION_INVALID;
}

static code long_option(words *w, const char *word)
{
    str name, text;
    bool has_text = str_cut(str_from(word + 2), '=', &name, &text);
    const option_row *row = option_find(w->o, name);
    if (!row && str_starts(name, STR("no-"))) {
        row = option_find(w->o, str_skip(name, 3));
        if (row && row->kind == OPTION_FLAG && !has_text)
            return set(w, row, STR("false"));
        row = NULL;
    }
    if (!row)
        return unknown(w, word, name);
    if (has_text)
        return set(w, row, text);
    return option_takes_value(row) ? take_value(w, row) : set(w, row, STR("true"));
}

// "-kvn5": flags, and at the end perhaps one with a value.
static code letters(words *w, const char *word)
{
    for (const char *p = word + 1; *p; p++) {
        const option_row *row = option_find_letter(w->o, *p);
        if (!row)
            return unknown(w, word, (str){p, 1});
        if (option_takes_value(row))
            return p[1] ? set(w, row, str_from(p[1] == '=' ? p + 2 : p + 1)) : take_value(w, row);
        code c = set(w, row, STR("true"));
        if (c != OK)
            return c;
    }
    return OK;
}

static code count_args(words *w)
{
    const command_spec *spec = options_spec(w->o);
    size_t n = option_args(w->o)->len;
    if (option_flag(w->o, "help") || (n >= spec->args_min && n <= spec->args_max))
        return OK;
    if (n < spec->args_min)
        err_set(w->e, OPTION_ARGS, "an argument is missing");
    else
        err_set(w->e, OPTION_ARGS, "the argument '" STR_FMT "' is one too many",
                STR_ARG(option_args(w->o)->ptr[spec->args_max]));
    if (w->e)
        err_hint(w->e, "usage: gatepost %s [OPTIONS]%s%s", spec->name, spec->args ? " " : "",
                 spec->args ? spec->args : "");
    return OPTION_ARGS;
}

code options_argv(option_values *o, int argc, const char *const *argv, err *e)
{
    words w = {.argv = argv, .argc = argc, .o = o, .e = e};
    bool only_args = false;
    while (w.at < argc) {
        const char *word = argv[w.at++];
        code c = OK;
        if (only_args || word[0] != '-' || !word[1])
            option_add_arg(o, str_from(word));
        else if (strcmp(word, "--") == 0)
            only_args = true;
        else
            c = word[1] == '-' ? long_option(&w, word) : letters(&w, word);
        if (c != OK)
            return c;
    }
    return count_args(&w);
}
