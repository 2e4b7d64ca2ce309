// SPDX-License-Identifier: Apache-2.0
// newman's command line: every option becomes --name, --no-name or --name=value.
#include "cmd/newman_words.h"

#include <string.h>

// ---- options

const option_row *newman_option(const newman_line *l, str name)
{
    for (const option_row *const *table = l->tables; *table; table++)
        for (const option_row *row = *table; row->name; row++)
            if (str_eq(name, str_from(row->name)))
                return row;
    return NULL;
}

static const option_row *of_letter(const newman_line *l, char letter)
{
    for (const option_row *const *table = l->tables; *table; table++)
        for (const option_row *row = *table; row->name; row++)
            if (row->letter == letter)
                return row;
    return NULL;
}

void newman_note(newman_line *l, const char *fmt, ...)
{
    va_list ap;
    buf shown;
    va_start(ap, fmt);
    buf_init(&shown, 64 << 10);
    buf_add_shown(&shown, arena_vprintf(l->arena, fmt, ap));
    va_end(ap);
    fprintf(l->notes, "gatepost: %s\n", buf_cstr(&shown));
    buf_deinit(&shown);
}

void newman_say(newman_line *l, const option_row *row, str value)
{
    bool flag = row->kind == OPTION_FLAG;
    bool off = flag && str_eq(value, STR("false"));
    str word = flag ? arena_printf(l->arena, "--%s%s", off ? "no-" : "", row->name)
                    : arena_printf(l->arena, "--%s=" STR_FMT, row->name, STR_ARG(value));
    map_set(&l->said, str_from(row->name), l);
    vec_push(&l->words, word.ptr);
}

// The next word, when it can be a value.
static bool next_value(newman_line *l, str *ret)
{
    if (l->at == l->argc || l->argv[l->at][0] == '-')
        return false;
    *ret = str_from(l->argv[l->at++]);
    return true;
}

// ---- reporters

// Others' reporters that one of ours stands for.
static str reporter_for(str name)
{
    static const char *const known[][2] = {
        {"htmlextra", "html"},
        {"junitfull", "junit"},
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_eq(name, str_from(known[i][0])))
            return str_from(known[i][1]);
    return name;
}

static bool is_reporter(const newman_line *l, str name)
{
    str rest = str_from(newman_option(l, STR("reporters"))->choices), one;
    while (str_next(&rest, '|', &one))
        if (str_eq(one, name))
            return true;
    return false;
}

void newman_reporters(newman_line *l, str list)
{
    bool any = false;
    for (str name; str_next(&list, ',', &name);) {
        str ours = reporter_for(name);
        any = any || is_reporter(l, ours);
        if (is_reporter(l, ours))
            newman_say(l, newman_option(l, STR("reporters")), ours);
        else
            newman_note(l, "there is no reporter '" STR_FMT "': the run goes on without it",
                        STR_ARG(name));
    }
    if (!any) // newman, too, then prints nothing
        newman_say(l, newman_option(l, STR("silent")), STR("true"));
}

// --reporter-export and the like count for all reporters.
static bool say_for_all(newman_line *l, str option, str value)
{
    static const char *const names[] = {"cli", "html", "json", "junit", "markdown"};
    bool any = false;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const option_row *row = newman_option(
            l, arena_printf(l->arena, "reporter-%s-" STR_FMT, names[i], STR_ARG(option)));
        if (row)
            newman_say(l, row, value);
        any = any || row;
    }
    return any;
}

void newman_reporter_option(newman_line *l, str option, str value)
{
    str name, rest;
    if (str_cut(option, '-', &name, &rest))
        option =
            arena_printf(l->arena, STR_FMT "-" STR_FMT, STR_ARG(reporter_for(name)), STR_ARG(rest));
    const option_row *row =
        newman_option(l, arena_printf(l->arena, "reporter-" STR_FMT, STR_ARG(option)));
    bool no_file = row && row->kind != OPTION_FLAG && !value.len;
    if (row && !no_file)
        newman_say(l, row, value);
    else if (!row && !say_for_all(l, option, value))
        newman_note(l, "--reporter-" STR_FMT " is no option of a reporter here: ignored",
                    STR_ARG(option));
}

// newman takes the next word as the value, whatever the option; a collection behind a flag isn't
// meant.
static void reporter_word(newman_line *l, str word)
{
    str option, value;
    if (!str_cut(word, '=', &option, &value)) {
        str full = arena_printf(l->arena, "reporter-" STR_FMT, STR_ARG(option));
        const option_row *row = newman_option(l, full);
        bool flag = row && row->kind == OPTION_FLAG;
        bool more = l->at < l->argc;
        bool truth = more && (!strcmp(l->argv[l->at], "true") || !strcmp(l->argv[l->at], "false"));
        bool last = l->at + 1 == l->argc && !l->collection;
        if (!last && (!flag || truth))
            (void)next_value(l, &value);
    }
    newman_reporter_option(l, option, value);
}

// ---- words

// Options whose value newman lets be left out: [n].
static bool may_lack_value(const option_row *row)
{
    static const char *const names[] = {"delay-request", "timeout", "timeout-request",
                                        "timeout-script", "reporters"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (!strcmp(row->name, names[i]))
            return true;
    return false;
}

static void valued(newman_line *l, const option_row *row, str value)
{
    if (!strcmp(row->name, "reporters"))
        newman_reporters(l, value);
    else
        newman_say(l, row, value);
}

static bool is_modifier(str value)
{
    for (str part; str_next(&value, ',', &part);)
        if (!str_eq(part, STR("folder")) && !str_eq(part, STR("failure")))
            return false;
    return true;
}

static void option_word(newman_line *l, const option_row *row)
{
    str value = STR_NONE;
    bool more = l->at < l->argc;
    if (row->kind == OPTION_FLAG)
        newman_say(l, row, STR("true"));
    else if (row->optional && !(more && is_modifier(str_from(l->argv[l->at]))))
        newman_say(l, row, STR("")); // --bail
    else if (may_lack_value(row) && !next_value(l, &value))
        return;
    else if (value.ptr || (more && (value = str_from(l->argv[l->at++])).ptr))
        valued(l, row, value);
    else
        vec_push(&l->words, arena_printf(l->arena, "--%s", row->name).ptr); // the value is missed
}

static void long_word(newman_line *l, const char *word)
{
    str name, value;
    bool has_value = str_cut(str_from(word + 2), '=', &name, &value);
    const option_row *row = newman_option(l, name);
    if (str_starts(name, STR("reporter-")))
        reporter_word(l, str_skip(str_from(word), strlen("--reporter-")));
    else if (!row)
        vec_push(&l->words, word); // an error, or --help and --no-name
    else if (has_value)
        valued(l, row, value);
    else
        option_word(l, row);
}

static void letters(newman_line *l, const char *word)
{
    for (const char *p = word + 1; *p; p++) {
        const option_row *row = of_letter(l, *p);
        if (!row) {
            vec_push(&l->words, arena_printf(l->arena, "-%c", *p).ptr);
        } else if (row->kind != OPTION_FLAG && p[1]) {
            valued(l, row, str_from(p[1] == '=' ? p + 2 : p + 1));
            return;
        } else {
            option_word(l, row);
        }
    }
}

static void argument(newman_line *l, const char *word)
{
    if (l->collection)
        newman_note(l, "newman runs one collection: '%s' is ignored", word);
    else
        vec_push(&l->arguments, word);
    l->collection = true;
}

void newman_read_words(newman_line *l)
{
    bool only_arguments = false;
    while (l->at < l->argc) {
        const char *word = l->argv[l->at++];
        if (only_arguments || word[0] != '-' || !word[1])
            argument(l, word);
        else if (!strcmp(word, "--"))
            only_arguments = true;
        else if (word[1] == '-')
            long_word(l, word);
        else
            letters(l, word);
    }
}
