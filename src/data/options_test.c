// SPDX-License-Identifier: Apache-2.0
// Tests of options: where values come from, and what is made of the tables.
#include "base/test.h"
#include "data/data.h"

static const option_row run_rows[] = {
    {.name = "iteration-count",
     .letter = 'n',
     .kind = OPTION_INT,
     .value = "N",
     .def = "1",
     .min = 1,
     .max = 1000,
     .env = "GATEPOST_COUNT",
     .key = "iterations",
     .group = "Running",
     .help = "Run the collection N times"},
    {.name = "insecure",
     .letter = 'k',
     .kind = OPTION_FLAG,
     .key = "insecure",
     .group = "Running",
     .help = "Don't verify TLS"},
    {.name = "bail",
     .kind = OPTION_CHOICE,
     .choices = "folder|failure",
     .optional = true,
     .group = "Running",
     .help = "Stop at the first failure"},
    {.name = "reporters",
     .letter = 'r',
     .kind = OPTION_CHOICE,
     .choices = "cli|json|junit",
     .def = "cli",
     .repeat = true,
     .comma = true,
     .key = "reporters",
     .help = "What to report"},
    {.name = "trust",
     .kind = OPTION_TEXT,
     .value = "PROJECT|ORIGIN",
     .env = "GATEPOST_TRUST",
     .repeat = true,
     .comma = true,
     .group = "Identity",
     .help = "May receive identity"},
    {.name = "timeout",
     .kind = OPTION_DURATION,
     .def = "30s",
     .min = 100,
     .max = 3600000,
     .help = "Limit for one request"},
    {.name = "body-max", .kind = OPTION_BYTES, .def = "1M", .help = "Largest body"},
    {.name = "env-var",
     .kind = OPTION_TEXT,
     .value = "NAME=VALUE",
     .repeat = true,
     .help = "Set a variable: it's [here]"},
    {0},
};
static const option_row *const run_tables[] = {run_rows, NULL};
static const command_spec run = {.name = "run",
                                 .args = "COLLECTION",
                                 .args_min = 1,
                                 .args_max = 1,
                                 .summary = "Run a collection",
                                 .tables = run_tables,
                                 .about = "First paragraph of this.\n\n    gatepost run x\n\n.last",
                                 .example = "gatepost run orders.json"};
static const command_spec query = {.name = "audit query", .summary = "Query", .args_max = 0};

// The words of one command line, separated by blanks.
static code parse(option_values *o, const char *line, err *e)
{
    static arena copies; // the values borrow from it
    const char *argv[32];
    int argc = 0;
    arena_reset(&copies);
    str rest = str_from(line);
    for (str word; str_next(&rest, ' ', &word);)
        if (word.len)
            argv[argc++] = arena_cstr(&copies, word);
    return options_argv(o, argc, argv, e);
}

static char *joined(const str_list *list)
{
    buf b;
    buf_init(&b, 1024);
    VEC_FOREACH (list, s) {
        buf_addf(&b, "%s" STR_FMT, s == list->ptr ? "" : "+", STR_ARG(*s));
    }
    return buf_take(&b);
}

static void every_way_of_writing_an_option_is_understood(void **state)
{
    (void)state;
    static const struct {
        const char *line, *name, *value, *args;
    } rows[] = {
        {"c.json", "iteration-count", "1", "c.json"},
        {"c.json -n5", "iteration-count", "5", "c.json"},
        {"-n 5 c.json", "iteration-count", "5", "c.json"},
        {"-n=5 c.json", "iteration-count", "5", "c.json"},
        {"--iteration-count=5 c.json", "iteration-count", "5", "c.json"},
        {"--iteration-count 5 c.json", "iteration-count", "5", "c.json"},
        {"-n 5 -n 6 c.json", "iteration-count", "5+6", "c.json"},
        {"-kn5 c.json", "iteration-count", "5", "c.json"},
        {"-k c.json", "insecure", "true", "c.json"},
        {"-k --no-insecure c.json", "insecure", "true+false", "c.json"},
        {"--insecure=off c.json", "insecure", "off", "c.json"},
        {"--bail c.json", "bail", "", "c.json"},
        {"--bail folder c.json", "bail", "folder", "c.json"},
        {"--bail=failure c.json", "bail", "failure", "c.json"},
        {"c.json", "reporters", "cli", "c.json"},
        {"c.json -r cli,json -r junit", "reporters", "cli+json+junit", "c.json"},
        {"c.json --trust a,b --trust c", "trust", "a+b+c", "c.json"},
        {"c.json --env-var a=b,c --env-var -d", "env-var", "a=b,c+-d", "c.json"},
        {"-- -n", "iteration-count", "1", "-n"},
        {"-", "iteration-count", "1", "-"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        option_values *o = options_new(&run);
        err e = ERR_INIT;
        if (parse(o, rows[i].line, &e) != OK)
            fail_msg("row %zu: %s", i, e.msg);
        char *value = joined(option_list(o, rows[i].name)), *args = joined(option_args(o));
        assert_string_equal(value, rows[i].value);
        assert_string_equal(args, rows[i].args);
        free(value);
        free(args);
        options_free(o);
    }
}

static void a_wrong_command_line_names_the_fix(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        code code;
        const char *says, *hint;
    } rows[] = {
        {"c --iteration-cout 5", OPTION_UNKNOWN, "no option '--iteration-cout'",
         "did you mean '--iteration-count'?"},
        {"c -x", OPTION_UNKNOWN, "no option '-x'", "'gatepost run --help' lists the options"},
        {"c -kx", OPTION_UNKNOWN, "no option '-kx'", "--help"},
        {"c --no-reporters", OPTION_UNKNOWN, "no option '--no-reporters'", "--reporters"},
        {"c -n", OPTION_INVALID, "'--iteration-count' needs a value", "write --iteration-count N"},
        {"c -n x", OPTION_INVALID, "--iteration-count: 'x' is not a whole number", ""},
        {"c -n 0", OPTION_INVALID, "'0' is outside 1 … 1000", ""},
        {"c -n 1001", OPTION_INVALID, "'1001' is outside 1 … 1000", ""},
        {"c -r cli,jsn", OPTION_INVALID, "'jsn' is not one of cli|json|junit", "'json'"},
        {"c --bail=x", OPTION_INVALID, "'x' is not one of folder|failure", ""},
        {"c --timeout 5x", OPTION_INVALID, "'5x' is not a duration", ""},
        {"c --timeout 50ms", OPTION_INVALID, "outside 100 … 3600000 ms", ""},
        {"c --body-max 5q", OPTION_INVALID, "'5q' is not a size", ""},
        {"c --body-max 9999999999g", OPTION_INVALID, "is not a size", ""},
        {"c --insecure=maybe", OPTION_INVALID, "neither true nor false", ""},
        {"", OPTION_ARGS, "an argument is missing", "usage: gatepost run [OPTIONS] COLLECTION"},
        {"a b", OPTION_ARGS, "'b' is one too many", "usage: gatepost run"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        option_values *o = options_new(&run);
        err e = ERR_INIT;
        assert_code(parse(o, rows[i].line, &e), rows[i].code);
        if (!strstr(e.msg, rows[i].says) || !strstr(e.hint, rows[i].hint))
            fail_msg("row %zu: %s (%s)", i, e.msg, e.hint);
        assert_int_equal(code_exit(e.code), EXIT_USAGE);
        options_free(o);
    }
}

static const char *test_env(const char *name)
{
    if (strcmp(name, "GATEPOST_COUNT") == 0)
        return "7";
    return strcmp(name, "GATEPOST_TRUST") == 0 ? "" : NULL;
}

static const char *bad_env(const char *name)
{
    (void)name;
    return "many";
}

static void the_command_line_beats_the_environment_beats_the_file(void **state)
{
    (void)state;
    static const struct {
        const char *line, *value, *origin;
        bool env, file;
    } rows[] = {
        {"c", "1", "default", false, false},
        {"c", "3", "g.yaml:1:13", false, true},
        {"c", "7", "GATEPOST_COUNT", true, true},
        {"c -n 9", "9", "--iteration-count", true, true},
    };
    arena a;
    arena_init(&a);
    json *root = NULL;
    const json_opts opts = {.file = "g.yaml"};
    assert_code(
        yaml_parse(&a, STR("iterations: 3\ninsecure: true\nreporters: [json]"), &opts, &root, NULL),
        OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        option_values *o = options_new(&run);
        assert_code(parse(o, rows[i].line, NULL), OK); // the order of loading doesn't matter
        if (rows[i].file)
            assert_code(options_file(o, root, NULL), OK);
        if (rows[i].env)
            assert_code(options_env(o, test_env, NULL), OK);
        assert_strz(option_text(o, "iteration-count"), rows[i].value);
        assert_string_equal(option_origin(o, "iteration-count"), rows[i].origin);
        assert_row(i, option_is_set(o, "iteration-count") == (i > 0));
        assert_row(i, option_flag(o, "insecure") == rows[i].file);
        assert_false(option_is_set(o, "trust")); // an empty variable is an unset one
        char *reporters = joined(option_list(o, "reporters"));
        assert_string_equal(reporters, rows[i].file ? "json" : "cli");
        free(reporters);
        options_free(o);
    }
    option_values *o = options_new(&run);
    err e = ERR_INIT;
    assert_code(options_env(o, bad_env, &e), OPTION_INVALID);
    assert_string_equal(e.msg, "GATEPOST_COUNT: 'many' is not a whole number");
    assert_string_equal(option_origin(o, "timeout"), "default");
    assert_int_equal(option_int(o, "timeout"), 30000);
    assert_int_equal(option_int(o, "body-max"), 1 << 20);
    assert_null(option_cstr(o, "trust"));
    options_free(o);
    arena_deinit(&a);
}

static void a_later_file_takes_the_place_of_an_earlier_one(void **state)
{
    (void)state;
    static const char *const yaml[] = {"{iterations: 3, reporters: [json, junit]}",
                                       "{reporters: cli, insecure: true}"};
    arena a;
    arena_init(&a);
    option_values *o = options_new(&run);
    for (size_t i = 0; i < ARRAY_LEN(yaml); i++) {
        json *root = NULL;
        assert_code(yaml_parse(&a, str_from(yaml[i]), &(json_opts){0}, &root, NULL), OK);
        assert_code(options_file(o, root, NULL), OK);
    }
    char *reporters = joined(option_list(o, "reporters"));
    assert_string_equal(reporters, "cli");
    free(reporters);
    assert_strz(option_text(o, "iteration-count"), "3");
    assert_true(option_flag(o, "insecure"));
    options_free(o);
    arena_deinit(&a);
}

static void a_wrong_value_in_a_file_names_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        code code;
        const char *says;
    } rows[] = {
        {"iterations: 0", DATA_VALUE, "iterations: '0' is outside"},
        {"iterations: [1]", DATA_TYPE, "must be a string or a number"},
        {"insecure: 'yes'", DATA_TYPE, "must be true or false"},
        {"reporters: [cli, xml]", DATA_VALUE, "'xml' is not one of"},
        {"{insecure: true, iteratons: 1}", DATA_UNKNOWN, "no setting 'iteratons'"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        arena_init(&a);
        json *root = NULL;
        const json_opts opts = {.file = "g.yaml"};
        option_values *o = options_new(&run);
        err e = ERR_INIT;
        assert_code(yaml_parse(&a, str_from(rows[i].yaml), &opts, &root, &e), OK);
        assert_code(options_file(o, root, &e), rows[i].code);
        assert_non_null(strstr(e.msg, rows[i].says));
        assert_string_equal(e.file, "g.yaml");
        assert_int_equal(e.line, 1);
        assert_true(e.col > 10);
        options_free(o);
        arena_deinit(&a);
    }
}

static buf out;

static int fresh(void **state)
{
    (void)state;
    buf_init(&out, 1 << 20);
    return 0;
}

static int done(void **state)
{
    (void)state;
    buf_deinit(&out);
    return 0;
}

static void help_shows_the_table(void **state)
{
    (void)state;
    command_help(&out, &run, false);
    assert_string_equal(
        buf_cstr(&out),
        "Usage: gatepost run [OPTIONS] COLLECTION\n"
        "\n"
        "Run a collection\n"
        "\n"
        "First paragraph of this.\n"
        "\n"
        "    gatepost run x\n"
        "\n"
        ".last\n"
        "\n"
        "Running\n"
        "  -n, --iteration-count N           Run the collection N times [default: 1] "
        "[GATEPOST_COUNT]\n"
        "  -k, --insecure                    Don't verify TLS\n"
        "      --bail[=folder|failure]       Stop at the first failure\n"
        "\n"
        "Options\n"
        "  -r, --reporters cli|json|junit    What to report (repeatable, or separated by commas) "
        "[default:\n"
        "                                    cli]\n"
        "      --timeout DURATION            Limit for one request [default: 30s]\n"
        "      --body-max SIZE               Largest body [default: 1M]\n"
        "      --env-var NAME=VALUE          Set a variable: it's [here] (repeatable)\n"
        "  -h, --help                        Show this help\n"
        "\n"
        "Identity\n"
        "      --trust PROJECT|ORIGIN        May receive identity (repeatable, or separated by "
        "commas)\n"
        "                                    [GATEPOST_TRUST]\n"
        "\n"
        "Examples\n"
        "  gatepost run orders.json\n");
}

static bool has(const char *part)
{
    return str_find(buf_str(&out), str_from(part)) >= 0;
}

static void the_man_page_escapes_what_roff_would_run(void **state)
{
    (void)state;
    command_man(&out, &run, "1.2.3");
    assert_true(has(".TH \"GATEPOST\\-RUN\" 1 \"\" \"gatepost 1.2.3\"\n"));
    assert_true(has("\\fB\\-n, \\-\\-iteration\\-count N\\fR\n"));
    assert_true(has("In gatepost.yaml: iterations\n"));
    assert_true(has("\n\\&.last\n")); // not a request
    assert_true(has(".nf\n    gatepost run x\n.fi\n"));
}

static void markdown_lists_flag_and_key(void **state)
{
    (void)state;
    command_markdown(&out, &run);
    assert_true(has("# gatepost run\n"));
    assert_true(has("- `-n, --iteration-count N`: Run the collection N times [default: 1]"));
    assert_true(has("In `gatepost.yaml`: `iterations`."));
}

static void the_schema_says_type_and_bounds(void **state)
{
    (void)state;
    jout w = jout_new(&out, JSON_COMPACT);
    jout_object(&w, NULL);
    options_schema(&w, run_tables);
    jout_end(&w);
    assert_string_equal(
        buf_cstr(&out),
        "{\"iterations\":{\"description\":\"Run the collection N times\",\"type\":\"integer\","
        "\"minimum\":1,\"maximum\":1000},\"insecure\":{\"description\":\"Don't verify TLS\","
        "\"type\":\"boolean\"},\"reporters\":{\"description\":\"What to report\",\"anyOf\":["
        "{\"enum\":[\"cli\",\"json\",\"junit\"]},"
        "{\"type\":\"array\",\"items\":{\"enum\":[\"cli\",\"json\",\"junit\"]}}]}}");
}

// Runs the completion script in bash with this line and gives what it offers.
static char *complete(const char *words)
{
    char path[] = "/tmp/gatepost-complete-XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    fwrite(out.ptr, 1, out.len, file);
    fprintf(file,
            "\nCOMP_WORDS=(gatepost %s \"$1\"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
            "_gatepost; printf '%%s ' \"${COMPREPLY[@]}\"\n",
            words);
    fclose(file);
    char command[256], *text = mem_new(4096);
    snprintf(command, sizeof(command), "d=$(mktemp -d) && cd $d && bash %s '' 2>&1; rmdir $d",
             path);
    FILE *in = popen(command, "r");
    size_t n = fread(text, 1, 4095, in);
    text[n] = 0;
    pclose(in);
    remove(path);
    return text;
}

static void bash_offers_commands_options_and_choices(void **state)
{
    (void)state;
    static const command_spec *const commands[] = {&run, &query};
    static const struct {
        const char *words, *offers, *not_offered;
    } rows[] = {
        {"", "run audit ", "query"},
        {"audit", "query ", "run"},
        {"audit query", "-h --help ", "--trust"},
        {"run", "-n --iteration-count -k --insecure --bail ", "query"},
        {"run --reporters", "cli json junit ", "--bail"},
    };
    commands_bash(&out, commands, ARRAY_LEN(commands));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *text = complete(rows[i].words);
        if (strncmp(text, rows[i].offers, strlen(rows[i].offers)) != 0 ||
            strstr(text, rows[i].not_offered))
            fail_msg("row %zu offers: %s", i, text);
        free(text);
    }
}

static void zsh_gets_one_argument_an_option(void **state)
{
    (void)state;
    static const command_spec *const commands[] = {&run, &query};
    commands_zsh(&out, commands, ARRAY_LEN(commands));
    assert_true(str_starts(buf_str(&out), STR("#compdef gatepost\n")));
    assert_true(has("'-n[Run the collection N times]:N:' \\\n"));
    assert_true(has("'*--reporters=[What to report]:choice:(cli json junit )' \\\n"));
    assert_true(has("'--bail=-[Stop at the first failure]::choice:(folder failure )' \\\n"));
    assert_true(has("'*--env-var=[Set a variable\\: it'\\''s \\[here\\]]:NAME=VALUE:' \\\n"));
    assert_true(has("    'audit query')\n"));
}

int main(void)
{
#define RENDERED(test) cmocka_unit_test_setup_teardown(test, fresh, done)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_of_writing_an_option_is_understood),
        cmocka_unit_test(a_wrong_command_line_names_the_fix),
        cmocka_unit_test(the_command_line_beats_the_environment_beats_the_file),
        cmocka_unit_test(a_later_file_takes_the_place_of_an_earlier_one),
        cmocka_unit_test(a_wrong_value_in_a_file_names_its_place),
        RENDERED(help_shows_the_table),
        RENDERED(the_man_page_escapes_what_roff_would_run),
        RENDERED(markdown_lists_flag_and_key),
        RENDERED(the_schema_says_type_and_bounds),
        RENDERED(bash_offers_commands_options_and_choices),
        RENDERED(zsh_gets_one_argument_an_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
