// SPDX-License-Identifier: Apache-2.0
#include "cmd/cmd.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/verbs.h"

const option_row cmd_common[] = {
    {.name = "color",
     .kind = OPTION_CHOICE,
     .choices = "auto|on|off",
     .def = "auto",
     .group = "Output",
     .help = "Colour the output; auto: on a terminal unless NO_COLOR is set"},
    {.name = "log-level",
     .kind = OPTION_CHOICE,
     .choices = "error|warning|info|debug",
     .def = "warning",
     .env = "GATEPOST_LOG_LEVEL",
     .group = "Output",
     .help = "What goes to the log on standard error"},
    {.name = "log-format",
     .kind = OPTION_CHOICE,
     .choices = "text|json",
     .def = "text",
     .env = "GATEPOST_LOG_FORMAT",
     .group = "Output",
     .help = "Lines for people, or one JSON object a line"},
    {0},
};

// ---- Which command

// How many of the words the name matches, all of it: "audit query" takes two. 0: it doesn't.
static int match(const char *name, int count, const char *const *words)
{
    str rest = str_from(name);
    int used = 0;
    for (str part; str_next(&rest, ' ', &part); used++)
        if (used == count || !str_eq(part, str_from(words[used])))
            return 0;
    return used;
}

// The words as far as they can be a name: no options, at most two.
static str typed(arena *a, int count, const char *const *words)
{
    bool two = count > 1 && words[1][0] != '-';
    return two ? arena_printf(a, "%s %s", words[0], words[1]) : arena_str(a, str_from(words[0]));
}

// "audit" alone: the commands that start with it.
static bool hint_family(const char *word, err *e)
{
    buf names;
    buf_init(&names, sizeof(e->hint));
    for (const verb *const *v = verbs; *v; v++) {
        str head, tail;
        if (str_cut(str_from((*v)->spec->name), ' ', &head, &tail) && str_eq(head, str_from(word)))
            buf_addf(&names, "%s'%s'", names.len ? ", " : "", (*v)->spec->name);
    }
    bool any = names.len > 0;
    if (any)
        err_hint(e, "there are %s", buf_cstr(&names));
    buf_deinit(&names);
    return any;
}

static void hint_nearest(int count, const char *const *words, err *e)
{
    enum { NAMES_MAX = 64 };
    const char *names[NAMES_MAX];
    size_t n = 0;
    for (const verb *const *v = verbs; *v && n < NAMES_MAX; v++)
        names[n++] = (*v)->spec->name;
    arena a;
    arena_init(&a);
    const char *near = suggest(typed(&a, count, words), names, n);
    if (!near)
        near = suggest(str_from(words[0]), names, n);
    if (near)
        err_hint(e, "did you mean 'gatepost %s'?", near);
    else
        err_hint(e, "'gatepost help' lists the commands");
    arena_deinit(&a);
}

const verb *cmd_find(int count, const char *const *words, int *ret_used, err *e)
{
    const verb *found = NULL;
    *ret_used = 0;
    for (const verb *const *v = verbs; *v; v++) {
        int used = match((*v)->spec->name, count, words);
        if (used <= *ret_used)
            continue;
        *ret_used = used;
        found = *v;
    }
    if (found)
        return found;
    err_set(e, OPTION_COMMAND, "there is no command '%s'", words[0]);
    if (!hint_family(words[0], e))
        hint_nearest(count, words, e);
    return NULL;
}

// ---- Running it

static bool coloured(const option_values *o, FILE *out)
{
    str when = option_text(o, "color");
    const char *no_color = getenv("NO_COLOR");
    if (!str_eq(when, STR("auto")))
        return str_eq(when, STR("on"));
    return !(no_color && *no_color) && isatty(fileno(out));
}

static log_level level_of(str name)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(name, str_from(names[i])))
            return (log_level)i;
    return LOG_WARNING;
}

static code run(const verb *v, const option_values *o, cmd_call *call, err *e)
{
    bool as_json = str_eq(option_text(o, "log-format"), STR("json"));
    log_init(level_of(option_text(o, "log-level")), as_json ? LOG_JSON : LOG_TEXT);
    call->colour = coloured(o, call->out);
    if (option_flag(o, "help")) {
        help_command(call, v);
        return OK;
    }
    return v->run(call, e);
}

bool cmd_reader_left(FILE *out)
{
    struct pollfd p = {.fd = fileno(out), .events = POLLOUT};
    return poll(&p, 1, 0) == 1 && (p.revents & (POLLERR | POLLHUP));
}

// Output that could not be written is a failure, whatever the command thought.
static code flushed(cmd_call *call, err *e)
{
    if (fflush(call->out) == 0 && !ferror(call->out))
        return OK;
    return err_set(e, SYS_FAILED, "the output could not be written");
}

static code read_and_run(const verb *v, cmd_words words, cmd_call *call, err *e)
{
    arena a;
    arena_init(&a);
    option_values *o = options_new(v->spec);
    call->options = o;
    code c = v->translate ? v->translate(&a, call->err, &words, e) : OK;
    if (c == OK)
        c = options_argv(o, words.count, words.words, e);
    if (c == OK)
        c = options_env(o, NULL, e);
    if (c == OK)
        c = run(v, o, call, e);
    if (c == OK)
        c = flushed(call, e);
    options_free(o);
    arena_deinit(&a);
    return c;
}

// `gatepost`, `gatepost --help`, `gatepost --version` and `-v` name no command.
static int without_verb(int argc, const char *const *argv, const char *ret_words[2])
{
    ret_words[0] = "help";
    if (argc == 0 || strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)
        return 1;
    ret_words[0] = "version";
    return strcmp(argv[0], "--version") == 0 || strcmp(argv[0], "-v") == 0;
}

int cmd_main(int argc, const char *const *argv, FILE *out, FILE *errors)
{
    const char *words[2];
    if (without_verb(argc, argv, words)) {
        argc = 1;
        argv = words;
    }
    err e = ERR_INIT;
    cmd_call call = {.out = out, .err = errors, .status = EXIT_OK};
    int used;
    const verb *v = cmd_find(argc, argv, &used, &e);
    code c = v ? read_and_run(v, (cmd_words){argc - used, argv + used}, &call, &e) : e.code;
    if (c == OK)
        return call.status;
    fflush(out); // what was said before stands before the error
    if (c == SYS_FAILED && ferror(out) && cmd_reader_left(out))
        return EXIT_PIPE;
    err_print(&e, errors);
    return v && v->error_status ? v->error_status : code_exit(c);
}
