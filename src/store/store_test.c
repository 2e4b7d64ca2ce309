// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test.h"
#include "store/store.h"

static const char *const steps[] = {
    "create table account (email text primary key, project text not null) strict",
    ("create table key (id text primary key, email text not null references account (email)"
     " on delete cascade, made integer not null, der blob) strict"),
    "alter table account add column disabled integer not null default 0",
};
static const store_schema schema = {steps, ARRAY_LEN(steps)};
static const store_schema old_schema = {steps, 1};

static char dir[] = "/tmp/gatepost-store-XXXXXX";
static char path[64];

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/gatepost-store-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/state.db", dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    const char *const suffixes[] = {"", "-wal", "-shm", ".link"};
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        char file[96];
        snprintf(file, sizeof file, "%s%s", path, suffixes[i]);
        unlink(file);
    }
    return rmdir(dir);
}

static store *open_store(const char *file, const store_schema *sc)
{
    store *s = NULL;
    err e = ERR_INIT;
    if (store_new(file, sc, &s, &e))
        fail_msg("%s", e.msg);
    return s;
}

static void add_account(store *s, const char *email)
{
    err e = ERR_INIT;
    assert_code(store_run(s, "insert into account (email, project) values (?, ?)",
                          STORE_ARGS(store_text(str_from(email)), store_text(STR("p"))), &e),
                OK);
}

static int64_t count_of(store *s, const char *sql)
{
    err e = ERR_INIT;
    store_rows *r;
    assert_code(store_query(s, sql, STORE_NO_ARGS, &r, &e), OK);
    assert_true(store_next(r));
    int64_t n = store_row_i64(r, 0);
    assert_code(store_end(r, &e), OK);
    return n;
}

static void values_come_back(void **state)
{
    (void)state;
    store *s = open_store(":memory:", &schema);
    err e = ERR_INIT;
    add_account(s, "a@x");
    str der = {"\0\1\2\0", 4};
    const char *insert = "insert into key (id, email, made, der) values (?, ?, ?, ?)";
    assert_code(store_run(s, insert,
                          STORE_ARGS(store_text(STR("k'1; drop table key")), store_text(STR("a@x")),
                                     store_i64(INT64_MIN), store_blob(der)),
                          &e),
                OK);
    assert_code(store_run(s, insert,
                          STORE_ARGS(store_text(STR_NONE), store_text(STR("a@x")),
                                     store_i64(INT64_MAX), store_null()),
                          &e),
                OK);
    store_rows *r;
    assert_code(store_query(s, "select id, made, der from key where email = ? order by made",
                            STORE_ARGS(store_text(STR("a@x"))), &r, &e),
                OK);
    assert_true(store_next(r));
    assert_str(store_row_str(r, 0), STR("k'1; drop table key"));
    assert_true(store_row_i64(r, 1) == INT64_MIN);
    assert_str(store_row_str(r, 2), der);
    assert_false(store_row_null(r, 2));
    assert_true(store_next(r));
    assert_str(store_row_str(r, 0), STR(""));
    assert_true(store_row_i64(r, 1) == INT64_MAX);
    assert_true(store_row_null(r, 2));
    assert_int_equal(store_row_str(r, 2).len, 0);
    assert_false(store_next(r));
    assert_false(store_next(r)); // stays at the end instead of starting again
    assert_code(store_end(r, &e), OK);
    store_free(s);
}

static void constraints_are_conflicts(void **state)
{
    (void)state;
    store *s = open_store(":memory:", &schema);
    add_account(s, "a@x");
    err e = ERR_INIT;
    const struct {
        const char *sql;
        store_value arg;
    } rows[] = {
        {"insert into account (email, project) values (?, 'p')", store_text(STR("a@x"))},
        {"insert into account (email, project) values ('b@x', ?)", store_null()},
        {"insert into key (id, email, made) values ('k', ?, 1)", store_text(STR("nobody@x"))},
        {"insert into key (id, email, made) values ('k', 'a@x', ?)", store_text(STR("soon"))},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_row(i, store_run(s, rows[i].sql, &rows[i].arg, 1, &e) == STORE_CONFLICT);
    // The statement serves again after its error, and deleting an account takes its keys along.
    assert_code(store_run(s, rows[2].sql, STORE_ARGS(store_text(STR("a@x"))), &e), OK);
    assert_int_equal(count_of(s, "select count(*) from key"), 1);
    assert_code(store_run(s, "delete from account", STORE_NO_ARGS, &e), OK);
    assert_int_equal(count_of(s, "select count(*) from key"), 0);
    store_free(s);
}

static void state_survives_and_the_schema_grows(void **state)
{
    (void)state;
    store *s = open_store(path, &old_schema);
    add_account(s, "a@x");
    store_free(s);
    s = open_store(path, &schema);
    assert_int_equal(count_of(s, "select count(*) from account where disabled = 0"), 1);
    assert_int_equal(count_of(s, "PRAGMA user_version"), 3);
    store_free(s);
    s = open_store(path, &schema); // nothing left to do
    store_free(s);
    store *old = NULL;
    err e = ERR_INIT;
    assert_code(store_new(path, &old_schema, &old, &e), STORE_NEWER);
    assert_non_null(strstr(e.msg, "version 3"));
    assert_null(old);
}

static void a_failed_step_leaves_the_old_version(void **state)
{
    (void)state;
    const char *const bad_steps[] = {steps[0], "create table half (x text) strict; create tible y"};
    const store_schema bad = {bad_steps, 2};
    store *s = NULL;
    err e = ERR_INIT;
    assert_code(store_new(path, &bad, &s, &e), STORE_FAILED);
    s = open_store(path, &old_schema);
    assert_int_equal(count_of(s, "PRAGMA user_version"), 1);
    assert_int_equal(count_of(s, "select count(*) from sqlite_schema where name = 'half'"), 0);
    store_free(s);
}

static void files_are_closed_to_others(void **state)
{
    (void)state;
    mode_t before = umask(0);
    store *s = open_store(path, &schema);
    add_account(s, "a@x");
    umask(before);
    const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        char file[96];
        struct stat st;
        snprintf(file, sizeof file, "%s%s", path, suffixes[i]);
        assert_int_equal(stat(file, &st), 0);
        assert_row(i, (st.st_mode & 0777) == 0600);
    }
    store_free(s);
}

static void bad_files_are_told_apart(void **state)
{
    (void)state;
    store *s = NULL;
    err e = ERR_INIT;
    char link[96];
    snprintf(link, sizeof link, "%s.link", path);
    assert_int_equal(symlink("state.db", link), 0);
    assert_code(store_new(link, &schema, &s, &e), STORE_OPEN);
    assert_code(store_new(dir, &schema, &s, &e), STORE_OPEN);
    assert_code(store_new("/nonexistent/state.db", &schema, &s, &e), STORE_OPEN);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(write(fd, "this is no database, but it is long enough to look like one", 59) == 59);
    close(fd);
    e = ERR_INIT;
    assert_code(store_new(path, &schema, &s, &e), STORE_CORRUPT);
    assert_non_null(strstr(e.msg, path));
    assert_non_null(strstr(e.hint, "move the file away"));
}

static void rollback_undoes(void **state)
{
    (void)state;
    store *s = open_store(":memory:", &schema);
    err e = ERR_INIT;
    assert_code(store_begin(s, &e), OK);
    add_account(s, "a@x");
    store_rollback(s);
    store_rollback(s); // nothing is open: nothing happens
    assert_int_equal(count_of(s, "select count(*) from account"), 0);
    assert_code(store_begin(s, &e), OK);
    add_account(s, "b@x");
    assert_code(store_commit(s, &e), OK);
    store_rollback(s);
    assert_int_equal(count_of(s, "select count(*) from account"), 1);
    store_free(s);
}

// A process that is killed in a transaction leaves what was committed before, and no lock.
static void a_killed_writer_leaves_what_it_committed(void **state)
{
    (void)state;
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        store *s = NULL;
        if (store_new(path, &schema, &s, NULL) ||
            store_run(s, "insert into account values ('a@x', 'p', 0)", STORE_NO_ARGS, NULL) ||
            store_begin(s, NULL) ||
            store_run(s, "insert into account values ('b@x', 'p', 0)", STORE_NO_ARGS, NULL))
            _exit(1);
        if (write(ready[1], "", 1) == 1)
            pause();
        _exit(1);
    }
    close(ready[1]);
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    store *s = open_store(path, &schema);
    assert_int_equal(count_of(s, "select count(*) from account"), 1);
    add_account(s, "c@x");
    store_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_back),
        cmocka_unit_test(constraints_are_conflicts),
        cmocka_unit_test_setup_teardown(state_survives_and_the_schema_grows, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failed_step_leaves_the_old_version, setup, teardown),
        cmocka_unit_test_setup_teardown(files_are_closed_to_others, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_files_are_told_apart, setup, teardown),
        cmocka_unit_test(rollback_undoes),
        cmocka_unit_test_setup_teardown(a_killed_writer_leaves_what_it_committed, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
