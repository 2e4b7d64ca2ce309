// SPDX-License-Identifier: Apache-2.0
// Tests of errors, logs, clocks, randomness and secrets.
#include <errno.h>
#include <unistd.h>

#include "base/test.h"

static char *printed(const err *e)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    err_print(e, out);
    fclose(out);
    return text;
}

static void an_error_says_what_why_where_and_how_to_fix_it(void **state)
{
    (void)state;
    err e = ERR_INIT;
    assert_code(err_set(&e, SYS_LIMIT, "%zu bytes, the limit is %d", (size_t)9, 5), SYS_LIMIT);
    assert_code(err_wrap(&e, "reading '%s'", "orders.json"), SYS_LIMIT);
    assert_code(err_at(&e, "orders.json", 7, 3), SYS_LIMIT);
    assert_code(err_at(&e, "outer.json", 1, 1), SYS_LIMIT); // the innermost place stays
    assert_code(err_hint(&e, "split the file"), SYS_LIMIT);
    assert_code(err_hint(&e, "give up"), SYS_LIMIT); // the first to know is right
    char *text = printed(&e);
    assert_string_equal(text,
                        "gatepost: orders.json:7:3: reading 'orders.json': 9 bytes, the limit "
                        "is 5 [GP-SYS-02]\n  hint: split the file\n");
    free(text);
}

static void an_error_without_a_place_or_a_hint_is_one_line(void **state)
{
    (void)state;
    err e = ERR_INIT;
    assert_code(err_sys(&e, SYS_FAILED, ENOENT, "cannot open '%s'", "x"), SYS_FAILED);
    char *text = printed(&e);
    assert_string_equal(text, "gatepost: cannot open 'x': No such file or directory [GP-SYS-01]\n");
    free(text);
}

static void an_endless_message_is_cut_visibly(void **state)
{
    (void)state;
    char many[5000];
    memset(many, 'x', sizeof(many) - 1);
    many[sizeof(many) - 1] = 0;
    err e = ERR_INIT;
    assert_code(err_set(&e, SYS_FAILED, "%s", many), SYS_FAILED);
    assert_string_equal(e.msg + sizeof(e.msg) - 5, "x...");
    assert_code(err_wrap(&e, "%s", many), SYS_FAILED);
    assert_true(strlen(e.msg) < sizeof(e.msg));
    assert_code(err_set(NULL, SYS_TIMEOUT, "nobody asks"), SYS_TIMEOUT);
    assert_code(err_wrap(NULL, "the code is kept"), SYS_TIMEOUT);
    assert_code(err_at(NULL, "f", 1, 1), SYS_TIMEOUT);
    assert_code(err_hint(NULL, "the code is kept"), SYS_TIMEOUT);
}

static void T48_input_in_an_error_cannot_drive_the_terminal(void **state)
{
    (void)state;
    err e = ERR_INIT;
    assert_code(err_set(&e, SYS_FAILED, "no such item '%s'", "\x1b[31mred\nforged: line"),
                SYS_FAILED);
    char *text = printed(&e);
    assert_string_equal(text,
                        "gatepost: no such item '\\u001b[31mred\\u000aforged: line' [GP-SYS-01]\n");
    free(text);
}

static void every_code_has_an_id_a_title_and_statuses(void **state)
{
    (void)state;
    for (int c = OK + 1; c < CODE_COUNT; c++) {
        const char *id = code_id((code)c);
        assert_row(c, str_glob(STR("GP-*-*"), str_from(id)));
        for (int other = OK + 1; other < c; other++)
            assert_row(c, strcmp(code_id((code)other), id) != 0);
        assert_row(c, *code_title((code)c));
        assert_row(c, code_exit((code)c) >= 1 && code_exit((code)c) <= 6);
        assert_row(c, code_http((code)c) >= 400 && code_http((code)c) <= 599);
    }
}

static void rfc3339_goes_both_ways(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ns;
        const char *shown; // NULL: as given
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0, NULL},
        {"1969-12-31T23:59:59.5Z", -500000000, NULL},
        {"2026-11-24T02:18:28.123456789Z", 1795486708123456789, NULL},
        {"2026-11-24T03:18:28+01:00", 1795486708000000000, "2026-11-24T02:18:28Z"},
        {"2024-02-29t12:00:00.1000z", 1709208000100000000, "2024-02-29T12:00:00.1Z"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t ns = 0;
        char text[CLOCK_RFC3339_MAX];
        assert_row(i, clock_parse_rfc3339(str_from(rows[i].text), &ns));
        assert_row(i, ns == rows[i].ns);
        clock_rfc3339(ns, text);
        assert_string_equal(text, rows[i].shown ? rows[i].shown : rows[i].text);
    }
    const char *bad[] = {"",
                         "2026-11-24",
                         "2026-11-24 02:18:28Z",
                         "2026-02-29T00:00:00Z",
                         "2026-13-01T00:00:00Z",
                         "2026-11-24T24:00:00Z",
                         "2026-11-24T02:18:28",
                         "2026-11-24T02:18:28.Z",
                         "2026-11-24T02:18:28+1:00",
                         "9999-11-24T02:18:28Z",
                         "2026-11-24T02:18:28Zx"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t ns;
        assert_row(i, !clock_parse_rfc3339(str_from(bad[i]), &ns));
    }
}

static void durations_have_units_and_a_bound(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ms;
    } rows[] = {{"300ms", 300},      {"5s", 5000},      {"10m", 600000},
                {"24h", 86400000},   {"7d", 604800000}, {"1h30m", 5400000},
                {"2m500ms", 120500}, {"0", 0},          {"30", 30000}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t ms = 1;
        assert_row(i, clock_parse_duration(str_from(rows[i].text), &ms) && ms == rows[i].ms);
    }
    const char *bad[] = {"",      "s",  "-5s", "5 s", "5x", "1.5h", "99999999999999999999s",
                         "4000d", "5s5"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        uint64_t ms;
        assert_row(i, !clock_parse_duration(str_from(bad[i]), &ms));
    }
}

static void shifting_the_wall_clock_leaves_durations_alone(void **state)
{
    (void)state;
    int64_t wall = clock_wall_ms();
    uint64_t mono = clock_mono_ms();
    clock_shift(24 * 3600 * 1000);
    assert_true(clock_wall_ms() - wall >= 24 * 3600 * 1000);
    assert_true(clock_mono_ms() - mono < 60 * 1000);
    clock_shift(-24 * 3600 * 1000);
    assert_true(clock_wall_ms() - wall < 60 * 1000);
}

static void random_values_are_in_range_and_differ(void **state)
{
    (void)state;
    bool seen[7] = {0};
    for (int i = 0; i < 1000; i++)
        seen[rand_below(7)] = true;
    for (size_t i = 0; i < 7; i++)
        assert_row(i, seen[i]);
    char a[RAND_UUID_MAX], b[RAND_UUID_MAX];
    rand_uuid(a);
    rand_uuid(b);
    assert_string_not_equal(a, b);
    assert_int_equal(a[14], '4');
    assert_non_null(strchr("89ab", a[19]));
    assert_int_equal(strlen(a), 36);
}

static void a_secret_is_a_copy_that_is_given_back(void **state)
{
    (void)state;
    char plain[] = "hunter2";
    secret *s = secret_new(str_from(plain));
    secret_wipe(plain, sizeof(plain));
    assert_int_equal(plain[0], 0);
    assert_str(secret_str(s), STR("hunter2"));
    secret_free(s);
    secret_free(NULL);
    assert_int_equal(secret_str(NULL).len, 0);
}

// What log_write sends to stderr, read back through a pipe.
static str logged(char *text, size_t size, log_format format, log_level level)
{
    int fds[2], keep = dup(STDERR_FILENO);
    assert_int_equal(pipe(fds), 0);
    dup2(fds[1], STDERR_FILENO);
    log_init(LOG_INFO, format);
    log_write(level, "gate", "caller said '%s'", "\x1b[2J");
    dup2(keep, STDERR_FILENO);
    close(keep);
    close(fds[1]);
    ssize_t n = read(fds[0], text, size);
    close(fds[0]);
    log_init(LOG_WARNING, LOG_TEXT);
    return (str){text, n < 0 ? 0 : (size_t)n};
}

static void logs_are_lines_for_people_and_objects_for_machines(void **state)
{
    (void)state;
    char text[1000];
    assert_str(logged(text, sizeof(text), LOG_TEXT, LOG_INFO),
               STR("gatepost: info: gate: caller said '\\u001b[2J'\n"));
    assert_str(logged(text, sizeof(text), LOG_TEXT, LOG_DEBUG), STR(""));
    str line = logged(text, sizeof(text), LOG_JSON, LOG_ERROR);
    assert_true(str_starts(line, STR("{\"time\":\"")));
    assert_true(str_ends(line, STR("\"severity\":\"ERROR\",\"room\":\"gate\",\"message\":\"caller "
                                   "said '\\u001b[2J'\"}\n")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_says_what_why_where_and_how_to_fix_it),
        cmocka_unit_test(an_error_without_a_place_or_a_hint_is_one_line),
        cmocka_unit_test(an_endless_message_is_cut_visibly),
        cmocka_unit_test(T48_input_in_an_error_cannot_drive_the_terminal),
        cmocka_unit_test(every_code_has_an_id_a_title_and_statuses),
        cmocka_unit_test(rfc3339_goes_both_ways),
        cmocka_unit_test(durations_have_units_and_a_bound),
        cmocka_unit_test(shifting_the_wall_clock_leaves_durations_alone),
        cmocka_unit_test(random_values_are_in_range_and_differ),
        cmocka_unit_test(a_secret_is_a_copy_that_is_given_back),
        cmocka_unit_test(logs_are_lines_for_people_and_objects_for_machines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
