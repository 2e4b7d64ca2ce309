// SPDX-License-Identifier: Apache-2.0
// Tests of the program as a whole: what it prints and how it ends.
#include <signal.h>
#include <unistd.h>

#include "base/test.h"
#include "cmd/cmd.h"
#include "cmd/verbs.h"
#include "home/home.h"

typedef struct outcome {
    int status;
    char *out;
    char *errors;
} outcome;

// Runs `gatepost LINE`; words are separated by blanks.
static outcome gatepost(const char *line)
{
    arena a;
    arena_init(&a);
    const char *argv[16];
    int argc = 0;
    str rest = str_from(line);
    for (str word; str_next(&rest, ' ', &word);)
        if (word.len)
            argv[argc++] = arena_cstr(&a, word);
    outcome o = {0};
    size_t out_len, errors_len;
    FILE *out = open_memstream(&o.out, &out_len), *errors = open_memstream(&o.errors, &errors_len);
    o.status = cmd_main(argc, argv, out, errors);
    fclose(out);
    fclose(errors);
    arena_deinit(&a);
    return o;
}

static void outcome_free(outcome *o)
{
    free(o->out);
    free(o->errors);
}

static void help_lists_each_command_once_under_its_group(void **state)
{
    (void)state;
    static const char *const lines[] = {"", "help", "--help", "-h"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        outcome o = gatepost(lines[i]);
        assert_int_equal(o.status, EXIT_OK);
        assert_string_equal(o.errors, "");
        for (const verb *const *v = verbs; *v; v++) {
            char row[256];
            snprintf(row, sizeof(row), "\n  %-18s%s\n", (*v)->spec->name, (*v)->spec->summary);
            const char *found = strstr(o.out, row);
            if (!found)
                fail_msg("'%s' is missing", (*v)->spec->name);
            assert_null(strstr(found + 1, row));
        }
        outcome_free(&o);
    }
}

static void each_command_has_complete_help(void **state)
{
    (void)state;
    for (const verb *const *v = verbs; *v; v++) {
        const command_spec *spec = (*v)->spec;
        char line[128], usage[256];
        snprintf(usage, sizeof(usage), "Usage: gatepost %s [OPTIONS]", spec->name);
        snprintf(line, sizeof(line), "%s --help", spec->name);
        outcome by_flag = gatepost(line);
        snprintf(line, sizeof(line), "help %s", spec->name);
        outcome by_verb = gatepost(line);
        assert_int_equal(by_flag.status, EXIT_OK);
        assert_string_equal(by_flag.out, by_verb.out);
        assert_true(str_starts(str_from(by_flag.out), str_from(usage)));
        assert_non_null(strstr(by_flag.out, "--log-level"));
        outcome_free(&by_flag);
        outcome_free(&by_verb);
        for (const option_row *const *t = spec->tables; *t; t++)
            for (const option_row *row = *t; row->name; row++)
                if (!row->help || row->help[strlen(row->help) - 1] == '.')
                    fail_msg("%s --%s: the help is missing or ends with a full stop", spec->name,
                             row->name);
    }
}

static void a_command_line_that_is_wrong_ends_with_2_and_a_hint(void **state)
{
    (void)state;
    static const struct {
        const char *line, *errors;
    } rows[] = {
        {"versoin", "gatepost: there is no command 'versoin' [GP-OPT-04]\n"
                    "  hint: did you mean 'gatepost version'?\n"},
        {"frobnicate", "gatepost: there is no command 'frobnicate' [GP-OPT-04]\n"
                       "  hint: 'gatepost help' lists the commands\n"},
        {"version --colour on", "gatepost: there is no option '--colour' [GP-OPT-01]\n"
                                "  hint: did you mean '--color'?\n"},
        {"version now", "gatepost: the argument 'now' is one too many [GP-OPT-03]\n"
                        "  hint: usage: gatepost version [OPTIONS]\n"},
        {"help nothing", "gatepost: there is no command 'nothing' [GP-OPT-04]\n"
                         "  hint: 'gatepost help' lists the commands\n"},
        {"completion fish", "gatepost: there is no completion for 'fish' [GP-OPT-03]\n"
                            "  hint: write bash or zsh\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        outcome o = gatepost(rows[i].line);
        assert_int_equal(o.status, EXIT_USAGE);
        assert_string_equal(o.out, "");
        assert_string_equal(o.errors, rows[i].errors);
        outcome_free(&o);
    }
}

static void the_version_is_printed_for_each_way_of_asking(void **state)
{
    (void)state;
    static const char *const lines[] = {"version", "--version", "-v"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        outcome o = gatepost(lines[i]);
        assert_int_equal(o.status, EXIT_OK);
        assert_int_equal(strncmp(o.out, "gatepost 0.", 11), 0);
        outcome_free(&o);
    }
}

static void colour_is_shown_when_asked_for_only(void **state)
{
    (void)state;
    static const struct {
        const char *line, *no_color;
        bool colour;
    } rows[] = {
        {"help --color on", NULL, true},
        {"help --color on", "1", true},
        {"help --color off", NULL, false},
        {"help", NULL, false}, // a file isn't a terminal
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].no_color)
            setenv("NO_COLOR", rows[i].no_color, 1);
        outcome o = gatepost(rows[i].line);
        assert_row(i, (strchr(o.out, '\033') != NULL) == rows[i].colour);
        outcome_free(&o);
        unsetenv("NO_COLOR");
    }
}

static void help_has_other_forms(void **state)
{
    (void)state;
    outcome man = gatepost("help --format man version");
    assert_int_equal(strncmp(man.out, ".TH \"GATEPOST\\-VERSION\" 1", 25), 0);
    outcome_free(&man);
    outcome markdown = gatepost("help --format=markdown version");
    assert_int_equal(strncmp(markdown.out, "# gatepost version\n", 19), 0);
    outcome_free(&markdown);
    outcome bash = gatepost("completion bash");
    assert_non_null(strstr(bash.out, "complete -o filenames -F _gatepost gatepost"));
    outcome_free(&bash);
}

static void output_that_cannot_be_written_is_a_failure(void **state)
{
    (void)state;
    FILE *full = fopen("/dev/full", "w");
    char *errors = NULL;
    size_t len;
    FILE *to = open_memstream(&errors, &len);
    const char *const argv[] = {"version"};
    assert_int_equal(cmd_main(1, argv, full, to), EXIT_SYSTEM);
    fclose(full);
    fclose(to);
    assert_non_null(strstr(errors, "the output could not be written"));
    free(errors);
}

static void a_reader_that_left_is_told_nothing(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN); // as main does
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    FILE *out = fdopen(ends[1], "w");
    char *errors = NULL;
    size_t len;
    FILE *to = open_memstream(&errors, &len);
    const char *const argv[] = {"version"};
    assert_int_equal(cmd_main(1, argv, out, to), EXIT_PIPE);
    fclose(out);
    fclose(to);
    assert_string_equal(errors, "");
    free(errors);
}

// What a checkout's file may set neither widens what a run reaches nor hides how it ended.
static void T39_no_file_sets_what_only_a_person_may(void **state)
{
    (void)state;
    static const char *const never[] = {"local",
                                        "account",
                                        "impersonate-service-account",
                                        "audiences",
                                        "trust",
                                        "allow-files",
                                        "working-dir",
                                        "environment",
                                        "globals",
                                        "cookie-jar",
                                        "env-var",
                                        "insecure",
                                        "private-network",
                                        "ssl-client-cert",
                                        "ssl-client-key",
                                        "ssl-client-passphrase",
                                        "ssl-client-cert-list",
                                        "ssl-extra-ca-certs",
                                        "reporter-json-export",
                                        "reporter-junit-export",
                                        "export-environment",
                                        "export-globals",
                                        "export-collection",
                                        "export-cookie-jar",
                                        "suppress-exit-code",
                                        "silent",
                                        "project-file"};
    const command_spec *const commands[] = {verb_run.spec, verb_up.spec, verb_connect.spec};
    size_t seen = 0, keys = 0;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        for (const option_row *const *t = commands[i]->tables; *t; t++)
            for (const option_row *row = *t; row->name; row++)
                for (size_t k = 0; k < ARRAY_LEN(never); k++) {
                    bool one = strcmp(row->name, never[k]) == 0;
                    seen += one;
                    keys += one && row->key;
                }
    assert_true(seen >= ARRAY_LEN(never));
    assert_int_equal(keys, 0);
}

static void the_schema_in_doc_is_what_the_tables_say(void **state)
{
    (void)state;
    const char *source = getenv("GATEPOST_SOURCE");
    assert_non_null(source);
    arena a;
    arena_init(&a);
    const char *path = arena_printf(&a, "%s/doc/gatepost.schema.json", source).ptr;
    const command_spec *const commands[] = {verb_run.spec, verb_up.spec, verb_connect.spec, NULL};
    buf schema;
    buf_init(&schema, 1 << 20);
    project_schema(&schema, commands);
    if (getenv("GATEPOST_UPDATE"))
        assert_int_equal(home_write(path, buf_str(&schema), 0644, NULL), OK);
    str text = STR_NONE;
    if (file_read(&a, path, 1 << 20, &text, NULL) != OK || !str_eq(text, buf_str(&schema)))
        fail_msg("%s differs from project_keys.c and the commands' options; write it anew by "
                 "running this test with GATEPOST_UPDATE=1",
                 path);
    buf_deinit(&schema);
    arena_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_that_left_is_told_nothing),
        cmocka_unit_test(T39_no_file_sets_what_only_a_person_may),
        cmocka_unit_test(the_schema_in_doc_is_what_the_tables_say),
        cmocka_unit_test(help_lists_each_command_once_under_its_group),
        cmocka_unit_test(each_command_has_complete_help),
        cmocka_unit_test(a_command_line_that_is_wrong_ends_with_2_and_a_hint),
        cmocka_unit_test(the_version_is_printed_for_each_way_of_asking),
        cmocka_unit_test(colour_is_shown_when_asked_for_only),
        cmocka_unit_test(help_has_other_forms),
        cmocka_unit_test(output_that_cannot_be_written_is_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
