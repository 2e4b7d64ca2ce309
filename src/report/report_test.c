// SPDX-License-Identifier: Apache-2.0
// Sizes, times, where files go and how they appear, and a hostile run in two reports (threat 48).
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/data.h"
#include "report/internal.h"
#include "runner/runner_test_stage.h"

// ---- text
// -----------------------------------------------------------------------------------------

static void sizes_as_newman_writes_them(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } rows[] = {
        {0, "0B"},
        {1, "1B"},
        {999, "999B"},
        {1000, "1kB"},
        {1234, "1.23kB"},
        {1200, "1.2kB"},
        {999999, "1000kB"},
        {1000000, "1MB"},
        {12345678, "12.35MB"},
        {UINT64_C(1) << 40, "1.1TB"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf b;
        buf_init(&b, 64);
        report_bytes(&b, rows[i].bytes);
        assert_strz(buf_str(&b), rows[i].text);
        buf_deinit(&b);
    }
}

static void times_as_newman_writes_them(void **state)
{
    (void)state;
    static const struct {
        double ms;
        bool plain;
        const char *text;
    } rows[] = {
        {0.35, false, "350µs"}, {0.35, true, "350us"},     {1, false, "1ms"},
        {18.9, false, "18ms"},  {1997, false, "1997ms"},   {2000, false, "2s"},
        {2340, false, "2.3s"},  {61500, false, "1m 1.5s"}, {3661000, false, "1h 1m 1s"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf b;
        buf_init(&b, 64);
        report_ms(&b, rows[i].ms, rows[i].plain);
        assert_strz(buf_str(&b), rows[i].text);
        buf_deinit(&b);
    }
    run_exchange x = {.time_ms = 7, .timings = {.total_us = 7400}};
    assert_true(report_time(&x) == 7);
    x.time_ms = 0;
    x.timings.total_us = 250;
    assert_true(report_time(&x) == 0.25);
}

static void T48_lines_and_identities_are_shown_escaped(void **state)
{
    (void)state;
    buf b;
    buf_init(&b, 4096);
    report_lines(&b, STR("one\ntw\x1b[31mo\rx"), "  ");
    assert_strz(buf_str(&b), "one\n  tw\\u001b[31mo\\u000dx");
    buf_reset(&b);
    static const struct {
        run_identity id;
        const char *said;
    } rows[] = {
        {{.principal = STR("a@b\n"), .via = STR("key"), .audience = STR("https://c"), .age_s = 3},
         "as a@b\\u000a (key, audience https://c, 3 s old)"},
        {{.principal = STR("a@b\n"), .via = STR("key"), .audience = STR("https://c"), .age_s = 14},
         "as a@b\\u000a (key, audience https://c, 14 s old)"},
        {{.principal = STR("a@b\n"), .via = STR("key"), .audience = STR("https://d"), .age_s = 14},
         "as a@b\\u000a (key, audience https://d, 14 s old)"},
        {{.principal = STR("a@b\n"), .via = STR("kex"), .audience = STR("https://d"), .age_s = 0},
         "as a@b\\u000a (kex, audience https://d, 0 s old)"},
        {{.principal = STR("b@b"), .via = STR("kex"), .audience = STR("https://d"), .age_s = 0},
         "as b@b (kex, audience https://d, 0 s old)"},
        {{.report = STR("no identity: auth is noauth"), .age_s = -1},
         "no identity: auth is noauth"},
        {{.principal = STR("b@b"), .via = STR("kex"), .age_s = 1}, "as b@b (kex, 1 s old)"},
        {{.report = STR(""), .age_s = -1}, ""},
    };
    report_words words;
    report_words_init(&words);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf_reset(&b);
        report_identity(&words, &b, &rows[i].id);
        assert_strz(buf_str(&b), rows[i].said);
    }
    report_words_deinit(&words);
    buf_deinit(&b);
}

// ---- files
// ----------------------------------------------------------------------------------------

typedef struct place place;
struct place {
    arena mem;
    char dir[64];
    int before; // the working directory
};

static int place_setup(void **state)
{
    place *p = NEW(place);
    arena_init(&p->mem);
    snprintf(p->dir, sizeof(p->dir), "/tmp/gatepost-report-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    p->before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(chdir(p->dir), 0);
    *state = p;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static int place_teardown(void **state)
{
    place *p = *state;
    assert_int_equal(fchdir(p->before), 0);
    close(p->before);
    nftw(p->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    arena_deinit(&p->mem);
    free(p);
    return 0;
}

static void an_export_goes_where_newman_puts_it(void **state)
{
    place *p = *state;
    const char *path = NULL;
    assert_code(report_export_path(&p->mem, "a/b/c.json", "environment", "json", &path, NULL), OK);
    assert_string_equal(path, "a/b/c.json");
    assert_int_equal(access("a/b", F_OK), 0); // made
    assert_code(report_export_path(&p->mem, "a", "environment", "json", &path, NULL), OK);
    assert_true(str_starts(str_from(path), STR("a/newman-environment-2")));
    assert_true(str_ends(str_from(path), STR("-0.json")));
    assert_code(report_export_path(&p->mem, NULL, "run-report", "xml", &path, NULL), OK);
    assert_true(str_starts(str_from(path), STR("newman/newman-run-report-2")));
    assert_int_equal(access("newman", F_OK), 0);
    int fd = open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    close(fd);
    err e = ERR_INIT;
    assert_code(report_export_path(&p->mem, "file/below.json", "x", "json", &path, &e), OK);
    report_file *f = NULL; // what can't be is told where it is begun
    assert_code(report_file_new(path, &f, &e), HOME_WRITE);
}

static size_t entries(void)
{
    size_t n = 0;
    FILE *ls = popen("ls -A | wc -l", "r");
    assert_int_equal(fscanf(ls, "%zu", &n), 1);
    pclose(ls);
    return n;
}

static void T49_a_file_appears_whole_or_not_at_all(void **state)
{
    (void)state;
    report_file *f;
    struct stat st;
    err e = ERR_INIT;
    assert_code(report_file_new("r.json", &f, &e), OK);
    fputs("half", report_file_stream(f));
    assert_int_equal(access("r.json", F_OK), -1);
    report_file_discard(f);
    assert_int_equal(entries(), 0);
    assert_code(report_file_new("r.json", &f, &e), OK);
    fputs("whole", report_file_stream(f));
    assert_code(report_file_commit(f, &e), OK);
    assert_int_equal(stat("r.json", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_size, 5);
    assert_int_equal(entries(), 1);
    assert_int_equal(symlink("r.json", "link"), 0);
    assert_code(report_file_new("link", &f, &e), HOME_WRITE);
    assert_non_null(strstr(e.msg, "is a symbolic link"));
    assert_code(report_file_new("no/such/dir/x", &f, &e), HOME_WRITE);
    report_file_discard(NULL);
}

// ---- a run
// ------------------------------------------------------------------------------------------

// Names that would end an element, a line or a table, and drive a terminal.
static const char hostile[] =
    "{'info':{'name':'c'},'item':[{'name':'</testsuite>]]>\\u001b[31m\\n<x a=\\u0022','request':"
    "'HOST/status/500','event':[{'listen':'test','script':{'exec':"
    "['pm.test(\\u0022]]>&<\\u4f60\\u597d\\u0022, () => pm.expect(1).to.eql(2))']}}]}]}";

static void T48_a_hostile_run_breaks_neither_table_nor_document(void **state)
{
    stage *s = *state;
    char *text = NULL, path[] = "/tmp/gatepost-report-XXXXXX";
    size_t len = 0;
    err e = ERR_INIT;
    close(mkstemp(path));
    FILE *out = open_memstream(&text, &len);
    load(s, hostile);
    begin(s);
    reporter *cli = report_cli_new(&(report_cli_options){.out = out, .no_banner = true});
    reporter *junit;
    assert_code(report_junit_new(&(report_file_options){.path = path}, &junit, &e), OK);
    runner_listen(s->r, reporter_listener(cli));
    runner_listen(s->r, reporter_listener(junit));
    assert_true(loop_run_until(s->loop, &s->done, TEST_WAIT_MS));
    assert_code(reporter_finish(cli, &e), OK);
    assert_code(reporter_finish(junit, &e), OK);
    fclose(out);
    str shown = {text, len}, xml;
    assert_true(str_chr(shown, '\x1b') < 0);
    assert_true(contains(shown, "</testsuite>]]>\\u001b[31m"));
    assert_true(contains(shown, "AssertionError"));
    assert_code(file_read(&s->mem, path, 1 << 20, &xml, &e), OK);
    assert_true(str_chr(xml, '\x1b') < 0);
    assert_true(contains(xml, "&lt;/testsuite&gt;]]&gt;\xef\xbf\xbd[31m&#10;&lt;x a=&quot;"));
    assert_true(contains(xml, "]]]><![CDATA[")); // their "]]>" ends no section of ours
    assert_true(str_ends(str_trim(xml), STR("</testsuites>")));
    reporter_free(cli);
    reporter_free(junit);
    free(text);
    unlink(path);
}

// Names in wide characters, names of any length, and more failures than a buffer holds.
static void T48_failures_stay_in_their_columns_and_are_all_told(void **state)
{
    stage *s = *state;
    enum { LARGE = 20 };
    char *text = NULL;
    size_t len = 0, told = 0;
    err e = ERR_INIT;
    FILE *out = open_memstream(&text, &len);
    load(s,
         "{'info':{'name':'c'},'item':[{'name':'r','request':'HOST/a','event':[{'listen':'test',"
         "'script':{'exec':['const fail = (name, message) => pm.test(message.slice(0, 9), () => {"
         "throw Object.assign(new Error(message), {name}); });"
         "fail(`\u932f\u8aa4`, `wide`); fail(`n`.repeat(100000), `long`);"
         "for (let i = 0; i < 20; i++) fail(`E`, `m`.repeat(1000000));']}}]}]}");
    begin(s);
    reporter *cli = report_cli_new(&(report_cli_options){.out = out, .no_banner = true});
    runner_listen(s->r, reporter_listener(cli));
    assert_true(loop_run_until(s->loop, &s->done, TEST_WAIT_MS));
    assert_code(reporter_finish(cli, &e), OK);
    fclose(out);
    str rest = str_skip((str){text, len}, (size_t)str_find((str){text, len}, STR("#.  failure")));
    size_t column = 0;
    for (str line; str_next(&rest, '\n', &line);) {
        ssize_t at = str_find(line, STR("  wide"));
        if (at > 0 && !column) // the first: the others have no name in front
            column = utf8_width(str_sub(line, 0, (size_t)at + 2));
        told += str_starts(line, STR(" ")) && line.len > 1000000;
    }
    assert_int_equal(column, 1 + 2 + 1 + 2 + 40 + 2); // number, name at its widest, detail
    assert_int_equal(told, LARGE);
    reporter_free(cli);
    free(text);
}

#define PLACE(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_as_newman_writes_them),
        cmocka_unit_test(times_as_newman_writes_them),
        cmocka_unit_test(T48_lines_and_identities_are_shown_escaped),
        PLACE(an_export_goes_where_newman_puts_it),
        cmocka_unit_test_setup_teardown(T48_a_hostile_run_breaks_neither_table_nor_document,
                                        stage_set_up, stage_tear_down),
        cmocka_unit_test_setup_teardown(T48_failures_stay_in_their_columns_and_are_all_told,
                                        stage_set_up, stage_tear_down),
        PLACE(T49_a_file_appears_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
