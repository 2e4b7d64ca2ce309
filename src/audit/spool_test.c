// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "audit/trail_test.h"
#include "net/net.h"

static void chain_goes_on_after_reopening(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        audit_spool *s = open_spool();
        for (unsigned i = 0; i < 5; i++)
            add_sample(s, i, i % 2, 200);
        audit_spool_close(s);
    }
    assert_int_equal(verified(), 30);
}

static void files_are_closed_to_others(void **state)
{
    (void)state;
    char sub[96];
    snprintf(sub, sizeof sub, "%s/new", spool_dir);
    mode_t before = umask(0);
    audit_spool *s = NULL;
    assert_code(audit_spool_open(NULL, sub, NULL, &s, NULL), OK);
    umask(before);
    audit_spool_close(s);
    struct stat st;
    assert_int_equal(stat(sub, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    static const char *const names[] = {"audit-00000001.jsonl", "lock"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char path[192];
        snprintf(path, sizeof path, "%s/%s", sub, names[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_row(i, (st.st_mode & 0777) == 0600);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(sub), 0);
}

static void one_writer_at_a_time(void **state)
{
    (void)state;
    audit_spool *s = open_spool(), *other = NULL;
    err e = ERR_INIT;
    assert_code(audit_spool_open(NULL, spool_dir, NULL, &other, &e), AUDIT_LOCKED);
    assert_non_null(strstr(e.msg, spool_dir));
    char holder[32];
    snprintf(holder, sizeof holder, "process %d ", (int)getpid());
    assert_non_null(strstr(e.msg, holder));
    assert_non_null(strstr(e.hint, "kill"));
    audit_spool_close(s);
    audit_spool_close(open_spool());
}

static void append_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_APPEND);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void an_unfinished_line_is_cut_off(void **state)
{
    (void)state;
    static const char *const torn[] = {"{", "{\"n\":3,\"prev\":\"", "{\"n\":3}", "\0"};
    for (size_t i = 0; i < ARRAY_LEN(torn); i++) {
        audit_spool *s = open_spool();
        add_sample(s, 1, true, 0);
        audit_spool_close(s);
        append_text(spool_file(1), torn[i]);
        s = open_spool();
        add_sample(s, 2, true, 0);
        audit_spool_close(s);
        assert_row(i, verified() == 2 * (i + 1));
    }
}

// The only line of a new file was cut off: the chain goes on from the file before.
static void an_empty_last_file_is_no_end(void **state)
{
    (void)state;
    audit_spool *s = open_spool();
    add_sample(s, 1, true, 0);
    audit_spool_close(s);
    int fd = open(spool_file(2), O_WRONLY | O_CREAT, 0600);
    close(fd);
    append_text(spool_file(2), "{\"n\":2,");
    s = open_spool();
    add_sample(s, 2, true, 0);
    audit_spool_close(s);
    assert_int_equal(verified(), 2);
}

static void a_foreign_last_line_is_refused(void **state)
{
    (void)state;
    audit_spool *s = open_spool();
    add_sample(s, 1, true, 0);
    audit_spool_close(s);
    append_text(spool_file(1), "hello\n");
    err e = ERR_INIT;
    assert_code(audit_spool_open(NULL, spool_dir, NULL, &s, &e), AUDIT_CORRUPT);
    assert_non_null(strstr(e.msg, "audit-00000001.jsonl"));
}

// ---- The chain ----------------------------------------------------------------------------------

// Rewrites the file with its lines in the given order ('0' is the first; a '!' flips a letter of
// the line before it in the order, '+' adds a copy of line 1 with the next number).
static void rewrite(const char *path, const char *order)
{
    arena a;
    arena_init(&a);
    str text, rest, line[16];
    assert_code(file_read(&a, path, 1 << 20, &text, NULL), OK);
    rest = text;
    size_t count = 0;
    while (rest.len && str_cut(rest, '\n', &line[count], &rest))
        count++;
    FILE *f = fopen(path, "w");
    for (; *order; order++) {
        str l = line[*order - '0'];
        char *copy = mem_dupn(l.ptr, l.len);
        if (order[1] == '!') {
            char *at = strstr(copy, "orders");
            *at = 'O';
            order++;
        }
        fprintf(f, "%s\n", copy);
        free(copy);
    }
    fclose(f);
    arena_deinit(&a);
}

static void tampering_shows(void **state)
{
    (void)state;
    const struct {
        const char *order;
        uint32_t line; // at which it shows; 0: not at all
    } rows[] = {
        {"01234", 0},  {"012!34", 4}, {"0!1234", 2}, {"0234", 2}, {"01324", 3},
        {"001234", 2}, {"012344", 6}, {"10234", 2},  {"1234", 0}, // the beginning may be archived
        {"123!4", 4},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        make_dir(NULL);
        audit_spool *s = open_spool();
        for (unsigned n = 0; n < 5; n++)
            add_sample(s, n, true, 0);
        audit_spool_close(s);
        rewrite(spool_file(1), rows[i].order);
        uint64_t entries;
        err e = ERR_INIT;
        code c = audit_verify(spool_dir, &entries, &e);
        assert_row(i, c == (rows[i].line ? AUDIT_CORRUPT : OK));
        assert_row(i, e.line == rows[i].line);
        assert_row(i, !rows[i].line || strcmp(e.file, spool_file(1)) == 0);
        remove_dir(NULL);
    }
    make_dir(NULL);
}

static void files_follow_one_another(void **state)
{
    (void)state;
    audit_spool *s = open_spool_as(NULL, &(audit_options){.file_bytes_max = 4000});
    for (unsigned i = 0; i < 20; i++)
        add_sample(s, i, true, 200);
    audit_spool_close(s);
    assert_int_equal(verified(), 40);
    assert_int_equal(access(spool_file(6), F_OK), 0);
    assert_int_equal(unlink(spool_file(1)), 0); // archived
    assert_true(verified() < 40);
    assert_int_equal(unlink(spool_file(4)), 0); // lost
    uint64_t entries;
    err e = ERR_INIT;
    assert_code(audit_verify(spool_dir, &entries, &e), AUDIT_CORRUPT);
    assert_string_equal(e.file, spool_file(5));
    assert_int_equal(e.line, 1);
}

static void a_huge_entry_is_shortened(void **state)
{
    (void)state;
    audit_spool *s = open_spool();
    char *big = mem_new(AUDIT_LINE_BYTES_MAX + 16);
    memset(big, 'x', AUDIT_LINE_BYTES_MAX);
    big[0] = '"';
    big[AUDIT_LINE_BYTES_MAX - 1] = '"';
    sample x;
    audit_event ev = sample_event(sample_call(&x, 1));
    ev.request_json = (str){big, AUDIT_LINE_BYTES_MAX};
    ev.resource_name = (str){big, AUDIT_LINE_BYTES_MAX};
    audit_add_event(s, &ev, NULL);
    audit_spool_close(s);
    struct stat st;
    assert_int_equal(stat(spool_file(1), &st), 0);
    assert_true(st.st_size < 8192);
    arena a;
    arena_init(&a);
    str text;
    assert_code(file_read(&a, spool_file(1), 1 << 20, &text, NULL), OK);
    assert_true(str_find(text, STR("\"shortened\":true")) > 0);
    assert_true(str_find(text, STR("\"request\"")) < 0);
    arena_deinit(&a);
    free(big);
    assert_int_equal(verified(), 1);
}

// ---- A full disk --------------------------------------------------------------------------------

static void limit_file_size(rlim_t bytes)
{
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void nothing_is_lost_on_a_full_disk(void **state)
{
    (void)state;
    audit_spool *s = open_spool();
    err e = ERR_INIT;
    add_sample(s, 0, true, 0);
    assert_code(audit_spool_check(s, &e), OK);
    limit_file_size(2000); // the second line doesn't fit whole
    add_sample(s, 1, true, 0);
    assert_false(audit_spool_ready(s)); // known from the first failure on
    assert_code(audit_spool_check(s, &e), AUDIT_SPOOL);
    assert_non_null(strstr(e.msg, "File too large"));
    assert_non_null(strstr(e.msg, spool_dir));
    add_sample(s, 2, true, 0); // not dropped even now
    assert_code(audit_spool_flush(s, NULL), AUDIT_SPOOL);
    limit_file_size(RLIM_INFINITY);
    assert_code(audit_spool_flush(s, NULL), OK);
    assert_true(audit_spool_ready(s));
    audit_spool_close(s);
    assert_int_equal(verified(), 3);
}

static void too_much_that_waits_is_busy(void **state)
{
    (void)state;
    loop *l = loop_new();
    audit_spool *s = open_spool_as(l, &(audit_options){.pending_bytes_max = 4000});
    unsigned i = 0;
    while (audit_spool_ready(s) && i < 100)
        add_sample(s, i++, true, 0);
    assert_in_range(i, 2, 10);
    err e = ERR_INIT;
    assert_code(audit_spool_check(s, &e), AUDIT_BUSY);
    assert_true(e.hint[0]);
    assert_code(audit_spool_flush(s, NULL), OK);
    assert_code(audit_spool_check(s, NULL), OK);
    audit_spool_close(s);
    assert_int_equal(verified(), i);
    loop_free(l);
}

// ---- kill -9 ------------------------------------------------------------------------------------

// Appends for ever and reports each entry as soon as its call returned.
static void write_until_killed(int report, audit_mode mode)
{
    audit_spool *s = open_spool_as(NULL, &(audit_options){.mode = mode, .file_bytes_max = 100000});
    sample x;
    for (unsigned i = 0;; i++) {
        audit_event ev = sample_event(sample_call(&x, i));
        char id[AUDIT_ID_MAX] = "";
        audit_add_event(s, &ev, id);
        if (write(report, id, sizeof id) != sizeof id)
            _exit(1);
    }
}

static bool keep_ids(void *ctx, const audit_row *row)
{
    map_set(ctx, row->id, ctx);
    return true;
}

static void what_was_acknowledged_survives_kill(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    map acknowledged = {0};
    for (unsigned round = 0; round < 8; round++) {
        int report[2];
        assert_int_equal(pipe(report), 0);
        pid_t pid = fork();
        if (pid == 0)
            write_until_killed(report[1], round % 2 ? AUDIT_DURABLE : AUDIT_WRITTEN);
        close(report[1]);
        char id[AUDIT_ID_MAX];
        unsigned seen = 0;
        while (read(report[0], id, sizeof id) == sizeof id) {
            map_set(&acknowledged, str_from(id), &acknowledged);
            if (++seen == 20 + 37 * round)
                kill(pid, SIGKILL);
        }
        close(report[0]);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
    }
    map found = {0};
    assert_code(audit_read(spool_dir, &(audit_filter){0}, keep_ids, &found, NULL), OK);
    assert_true(acknowledged.len > 8 * 20);
    assert_true(found.len >= acknowledged.len);
    size_t cursor = 0;
    str id;
    void *value;
    while (map_next(&acknowledged, &cursor, &id, &value))
        assert_true(map_has(&found, id));
    map_deinit(&acknowledged, NULL);
    map_deinit(&found, NULL);
    audit_spool_close(open_spool());
    verified();
}

// ---- Before the response ------------------------------------------------------------------------

typedef struct wire wire;
struct wire {
    loop *loop;
    audit_spool *spool;
    stream *server, *client;
    bool accepted, answered;
};

static void on_answer(void *ctx, str bytes)
{
    wire *w = ctx;
    assert_str(bytes, STR("200"));
    w->answered = true;
}

static void on_call(void *ctx, str bytes)
{
    wire *w = ctx;
    (void)bytes;
    add_sample(w->spool, 1, true, 0);
    stream_write(w->server, STR("200"));
}

static void on_accept(void *ctx, stream *s)
{
    wire *w = ctx;
    static const stream_handlers handlers = {.on_read = on_call};
    w->server = s;
    w->accepted = true;
    stream_handle(s, &handlers, w);
    stream_resume(s);
}

static void wire_up(wire *w, listener **ret_listener)
{
    static const stream_handlers handlers = {.on_read = on_answer};
    err e = ERR_INIT;
    listen_options lo = {.on_accept = on_accept, .ctx = w};
    assert_code(listener_new(w->loop, &lo, ret_listener, &e), OK);
    connect_options co = {.host = "127.0.0.1", .port = listener_port(*ret_listener)};
    w->client = stream_connect(w->loop, &co, &handlers, w);
    stream_resume(w->client);
    assert_true(loop_run_until(w->loop, &w->accepted, TEST_WAIT_MS));
}

static void no_byte_leaves_before_its_decision(void **state)
{
    (void)state;
    for (int mode = AUDIT_WRITTEN; mode <= AUDIT_DURABLE; mode++) {
        wire w = {.loop = loop_new()};
        listener *ln;
        wire_up(&w, &ln);
        w.spool = open_spool_as(w.loop, &(audit_options){.mode = (audit_mode)mode});
        limit_file_size(0); // of files, not of connections
        stream_write(w.client, STR("GET"));
        assert_false(loop_run_until(w.loop, &w.answered, 150));
        limit_file_size(RLIM_INFINITY);
        assert_true(loop_run_until(w.loop, &w.answered, TEST_WAIT_MS));
        assert_int_equal(verified(), mode + 1);
        audit_spool_close(w.spool);
        stream_free(w.server);
        stream_free(w.client);
        listener_free(ln);
        loop_free(w.loop);
    }
}

// Entries after the response leave by themselves, though nothing else is sent.
static void stragglers_leave(void **state)
{
    (void)state;
    loop *l = loop_new();
    audit_spool *s = open_spool_as(l, NULL);
    add_sample(s, 1, true, 200);
    assert_int_equal(verified(), 0);
    bool never = false;
    loop_run_until(l, &never, 200);
    assert_int_equal(verified(), 2);
    audit_spool_close(s);
    loop_free(l);
}

static void a_removed_file_is_noticed(void **state)
{
    (void)state;
    loop *l = loop_new();
    audit_spool *s = open_spool_as(l, NULL);
    add_sample(s, 1, true, 0);
    bool never = false;
    loop_run_until(l, &never, 100);
    assert_int_equal(unlink(spool_file(1)), 0);
    loop_run_until(l, &never, 1300);
    add_sample(s, 2, true, 0);
    audit_spool_close(s);
    assert_int_equal(verified(), 1);
    loop_free(l);
}

int main(void)
{
#define SPOOL_TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)
    const struct CMUnitTest tests[] = {
        SPOOL_TEST(chain_goes_on_after_reopening),
        SPOOL_TEST(files_are_closed_to_others),
        SPOOL_TEST(one_writer_at_a_time),
        SPOOL_TEST(an_unfinished_line_is_cut_off),
        SPOOL_TEST(an_empty_last_file_is_no_end),
        SPOOL_TEST(a_foreign_last_line_is_refused),
        cmocka_unit_test_teardown(tampering_shows, remove_dir),
        SPOOL_TEST(files_follow_one_another),
        SPOOL_TEST(a_huge_entry_is_shortened),
        SPOOL_TEST(nothing_is_lost_on_a_full_disk),
        SPOOL_TEST(too_much_that_waits_is_busy),
        SPOOL_TEST(what_was_acknowledged_survives_kill),
        SPOOL_TEST(no_byte_leaves_before_its_decision),
        SPOOL_TEST(stragglers_leave),
        SPOOL_TEST(a_removed_file_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
