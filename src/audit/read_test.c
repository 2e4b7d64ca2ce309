// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>

#include "audit/row.h"
#include "audit/trail_test.h"

// Rows as text, for comparing: "METHOD SERVICE PRINCIPAL granted STATUS id;"
static bool note_row(void *ctx, const audit_row *row)
{
    buf_addf(ctx, STR_FMT " " STR_FMT " " STR_FMT " %s %d;", STR_ARG(row->method),
             STR_ARG(row->service), STR_ARG(str_sub(row->principal, 0, 8)),
             row->granted ? "granted" : "denied", row->status);
    return true;
}

static void assert_rows(const audit_filter *f, const char *wanted)
{
    buf got;
    buf_init(&got, SIZE_MAX / 2);
    err e = ERR_INIT;
    if (audit_read(spool_dir, f, note_row, &got, &e))
        fail_msg("%s", e.msg);
    if (strcmp(buf_cstr(&got), wanted) != 0)
        fail_msg("got  %s\nwanted %s", buf_cstr(&got), wanted);
    buf_deinit(&got);
}

static void add_api_event(audit_spool *s)
{
    audit_event ev = {
        .log = AUDIT_DATA_ACCESS,
        .project_id = STR("demo"),
        .resource = {"service_account", NULL, 0},
        .service_name = STR("iamcredentials.googleapis.com"),
        .method_name = STR("GenerateIdToken"),
        .resource_name = STR("projects/-/serviceAccounts/tester@demo"),
        .permission = STR("iam.serviceAccounts.getOpenIdToken"),
        .granted = true,
        .caller = {.email = STR("owner@demo")},
    };
    audit_add_event(s, &ev, NULL);
}

#define TESTER_200 "GET orders tester@d granted 200;"
#define STRANGER_403 "GET orders stranger denied 403;"
#define UNFINISHED "GET orders tester@d granted 0;"
#define TOKEN "GenerateIdToken iamcredentials.googleapis.com owner@de granted 0;"

static void calls_match_filters(void **state)
{
    (void)state;
    audit_spool *s = open_spool();
    add_sample(s, 1, true, 200);
    add_sample(s, 2, false, 403);
    add_sample(s, 3, true, 0);
    add_api_event(s);
    audit_spool_close(s);
    int64_t now = clock_wall_ns(), minute = 60000000000;
    const struct {
        audit_filter filter;
        const char *wanted;
    } rows[] = {
        {{0}, TESTER_200 STRANGER_403 UNFINISHED TOKEN},
        {{.only_granted = true}, TESTER_200 UNFINISHED TOKEN},
        {{.only_denied = true}, STRANGER_403},
        {{.status = 403}, STRANGER_403},
        {{.status = 2}, TESTER_200},
        {{.status = 404}, ""},
        {{.principal = STR("tester@*")}, TESTER_200 UNFINISHED},
        {{.principal = STR("serviceAccount:tester@*")}, TESTER_200 UNFINISHED},
        {{.principal = STR("tester")}, ""},
        {{.service = STR("orders")}, TESTER_200 STRANGER_403 UNFINISHED},
        {{.service = STR("iam*")}, TOKEN},
        {{.service = STR("run.googleapis.com")}, TESTER_200 STRANGER_403 UNFINISHED},
        {{.method = STR("GET")}, TESTER_200 STRANGER_403 UNFINISHED},
        {{.method = STR("Generate*")}, TOKEN},
        {{.method = STR("POST")}, ""},
        {{.id = STR("4bf92f3577b34da6a3ce929d0e0e4736")}, TESTER_200 STRANGER_403 UNFINISHED},
        {{.since_ns = now - minute}, TESTER_200 STRANGER_403 UNFINISHED TOKEN},
        {{.since_ns = now + minute}, ""},
        {{.until_ns = now - minute}, ""},
        {{.limit = 2}, UNFINISHED TOKEN},
        {{.limit = 1, .status = 2}, TESTER_200},
        {{.limit = 9}, TESTER_200 STRANGER_403 UNFINISHED TOKEN},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_rows(&rows[i].filter, rows[i].wanted);
}

static bool keep_id(void *ctx, const audit_row *row)
{
    snprintf(ctx, AUDIT_ID_MAX, STR_FMT, STR_ARG(row->id));
    return false;
}

static void a_call_is_found_by_its_id(void **state)
{
    (void)state;
    audit_spool *s = open_spool();
    add_sample(s, 1, true, 200);
    add_sample(s, 2, false, 403);
    audit_spool_close(s);
    char id[AUDIT_ID_MAX] = "";
    assert_code(audit_read(spool_dir, &(audit_filter){.only_denied = true}, keep_id, id, NULL), OK);
    assert_rows(&(audit_filter){.id = str_from(id)}, STRANGER_403);
}

static void a_request_without_its_event_is_shown(void **state)
{
    (void)state;
    audit_spool *s = open_spool();
    sample x;
    audit_request rq = sample_request(sample_call(&x, 1), 403);
    audit_add_request(s, &rq, NULL);
    audit_spool_close(s);
    assert_rows(&(audit_filter){0}, "GET orders  denied 403;");
    assert_rows(&(audit_filter){.principal = STR("*")}, "");
}

static void an_absent_trail_is_empty(void **state)
{
    (void)state;
    audit_filter all = {0};
    assert_code(audit_read("/nonexistent/audit", &all, note_row, NULL, NULL), OK);
    err e = ERR_INIT;
    assert_code(audit_read("/dev/null", &all, note_row, NULL, &e), AUDIT_SPOOL);
    assert_non_null(strstr(e.msg, "/dev/null"));
}

static void unreadable_lines_are_skipped(void **state)
{
    (void)state;
    audit_spool *s = open_spool();
    add_sample(s, 1, true, 200);
    audit_spool_close(s);
    FILE *f = fopen(spool_file(1), "a");
    fputs("hello\n{\"n\":3,\"prev\":\"", f);
    for (int i = 0; i < 43; i++)
        fputc('A', f);
    fputs("\",\"entry\":{\"timestamp\":7}}\n{\"torn", f);
    fclose(f);
    assert_rows(&(audit_filter){0}, TESTER_200);
}

static bool count_row(void *ctx, const audit_row *row)
{
    (void)row;
    ++*(unsigned *)ctx;
    return true;
}

// Many calls, many files, a limit: what is too old is given up while reading.
static void long_trails_are_read(void **state)
{
    (void)state;
    audit_spool *s = open_spool_as(NULL, &(audit_options){.file_bytes_max = 1 << 20});
    for (unsigned i = 0; i < 6000; i++)
        add_sample(s, i, i % 3, i % 3 ? 200 : 403);
    audit_spool_close(s);
    const struct {
        audit_filter filter;
        unsigned count;
    } rows[] = {
        {{0}, 6000},
        {{.limit = 10}, 10},
        {{.status = 403}, 2000},
        {{.status = 403, .limit = 1500}, 1500},
        {{.only_granted = true, .limit = 5000}, 4000},
        {{.since_ns = clock_wall_ns() + 1000000000}, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        unsigned count = 0;
        assert_code(audit_read(spool_dir, &rows[i].filter, count_row, &count, NULL), OK);
        assert_row(i, count == rows[i].count);
    }
}

// ---- Following ----------------------------------------------------------------------------------

typedef struct follower follower;
struct follower {
    buf rows;
    size_t seen, wanted;
    bool stop;
    code result;
};

static bool follow_row(void *ctx, const audit_row *row)
{
    follower *f = ctx;
    note_row(&f->rows, row);
    return ++f->seen < f->wanted;
}

static bool goes_on(void *ctx)
{
    return !((follower *)ctx)->stop;
}

static void *follow(void *ctx)
{
    follower *f = ctx;
    f->result = audit_follow(spool_dir, &(audit_filter){0}, goes_on, follow_row, f, NULL);
    return NULL;
}

static void calls_are_followed_over_files(void **state)
{
    (void)state;
    audit_spool *s = open_spool_as(NULL, &(audit_options){.file_bytes_max = 2500});
    add_sample(s, 1, true, 200); // before: not told
    follower f = {.wanted = 5};
    buf_init(&f.rows, SIZE_MAX / 2);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, follow, &f), 0);
    usleep(200000);
    add_sample(s, 2, false, 403);
    add_sample(s, 3, true, 0); // finishes late: told twice
    add_sample(s, 4, true, 200);
    usleep(1400000);
    sample x;
    audit_request rq = sample_request(sample_call(&x, 3), 200);
    audit_add_request(s, &rq, NULL);
    add_sample(s, 5, true, 200);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_code(f.result, OK);
    assert_string_equal(buf_cstr(&f.rows),
                        STRANGER_403 TESTER_200 UNFINISHED TESTER_200 TESTER_200);
    assert_int_equal(access(spool_file(3), F_OK), 0);
    audit_spool_close(s);
    buf_deinit(&f.rows);
}

static void following_stops_when_told(void **state)
{
    (void)state;
    follower f = {.wanted = 100, .stop = true};
    follow(&f);
    assert_code(f.result, OK);
    assert_int_equal(f.seen, 0);
}

// ---- Text ---------------------------------------------------------------------------------------

static void row_as_text(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1);
    tzset();
    const audit_row row = {.time_ns = 1795486708123456789,
                           .granted = false,
                           .status = 403,
                           .method = STR("GET"),
                           .resource = STR("https://orders-abc.a.run.app/orders/17?x=1"),
                           .service = STR("orders"),
                           .principal = STR("stranger@demo"),
                           .why = STR("no binding names the caller"),
                           .latency = STR("0.355516564s")};
    buf out;
    buf_init(&out, SIZE_MAX / 2);
    audit_row_head(false, &out);
    audit_row_text(&row, false, &out);
    assert_string_equal(
        buf_cstr(&out),
        "TIME          RESULT       LATENCY   SERVICE         CALL                            "
        "CALLER, AND WHY\n"
        "02:18:28.123  refused 403  356 ms    orders          GET /orders/17?x=1              "
        "stranger@demo: no binding names the caller\n");
    buf_reset(&out);
    audit_row_text(&(audit_row){.principal = STR("a@demo"),
                                .why = STR("serviceAccount:a@demo has run.routes.invoke by r")},
                   false, &out);
    assert_non_null(strstr(buf_cstr(&out), " a@demo: has run.routes.invoke by r\n"));
    buf_reset(&out);
    audit_row_text(
        &(audit_row){.principal = STR("a@demo"), .why = STR("user:a@demo.example has it")}, false,
        &out);
    assert_non_null(strstr(buf_cstr(&out), " a@demo: user:a@demo.example has it\n"));
    buf_reset(&out);
    audit_row_text(&(audit_row){.granted = true, .resource = STR("https://x.run.app")}, true, &out);
    assert_non_null(strstr(buf_cstr(&out), "\033[32mallowed      \033[0m"));
    assert_non_null(strstr(buf_cstr(&out), " /  "));
    assert_non_null(strstr(buf_cstr(&out), "nobody\n"));
    buf_reset(&out);
    audit_row_text(
        &(audit_row){.service = STR("iamcredentials.googleapis.com"), .method = STR("Sign")}, false,
        &out);
    assert_non_null(strstr(buf_cstr(&out), "  iamcredentials  Sign  ")); // within its column
    buf_deinit(&out);
}

static void T48_no_escape_reaches_the_terminal(void **state)
{
    (void)state;
    const str evil = STR("a\x1b]0;pwned\x07\r\n\xc2\x9b"
                         "31m\xe2\x80\xae\xff");
    const audit_row row = {.method = evil,
                           .resource = evil,
                           .service = evil,
                           .principal = evil,
                           .why = evil,
                           .latency = evil};
    buf out;
    buf_init(&out, SIZE_MAX / 2);
    audit_row_text(&row, false, &out);
    size_t newlines = 0;
    for (size_t i = 0; i < out.len; i++) {
        unsigned char b = (unsigned char)out.ptr[i];
        newlines += b == '\n';
        assert_true((b >= 0x20 && b < 0x7f) || b == '\n');
    }
    assert_int_equal(newlines, 1);
    buf_deinit(&out);
}

int main(void)
{
#define READ_TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)
    const struct CMUnitTest tests[] = {
        READ_TEST(calls_match_filters),
        READ_TEST(a_call_is_found_by_its_id),
        READ_TEST(a_request_without_its_event_is_shown),
        cmocka_unit_test(an_absent_trail_is_empty),
        READ_TEST(unreadable_lines_are_skipped),
        READ_TEST(long_trails_are_read),
        READ_TEST(calls_are_followed_over_files),
        READ_TEST(following_stops_when_told),
        cmocka_unit_test(row_as_text),
        cmocka_unit_test(T48_no_escape_reaches_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
