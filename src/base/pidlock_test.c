// SPDX-License-Identifier: Apache-2.0
#include "base/pidlock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test.h"

static char dir[] = "/tmp/pidlock.XXXXXX";
static char path[64];

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/lock", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

static void one_holds_it_and_the_other_learns_who(void **state)
{
    (void)state;
    int first, second;
    int64_t pid = 0;
    struct stat st;
    assert_int_equal(pidlock_take(path, &first, &pid), PIDLOCK_TAKEN);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(pidlock_take(path, &second, &pid), PIDLOCK_HELD);
    assert_int_equal(second, -1);
    assert_int_equal(pid, getpid());
    pidlock_release(first);
    assert_int_equal(pidlock_take(path, &second, &pid), PIDLOCK_TAKEN);
    pidlock_release(second);
}

// Its number is still there, and may be anybody's by now.
static void the_number_of_a_process_that_ended_is_not_told(void **state)
{
    (void)state;
    int first, second, status;
    int64_t pid = -1;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(pidlock_take(path, &first, &pid), PIDLOCK_TAKEN);
    assert_int_equal(ftruncate(first, 0), 0);
    assert_true(dprintf(first, "%d\n", child) > 0);
    assert_int_equal(pidlock_take(path, &second, &pid), PIDLOCK_HELD);
    assert_int_equal(pid, 0);
    pidlock_release(first);
}

static void what_is_no_file_is_not_taken(void **state)
{
    (void)state;
    int fd;
    int64_t pid;
    unlink(path);
    assert_int_equal(symlink("elsewhere", path), 0);
    assert_int_equal(pidlock_take(path, &fd, &pid), PIDLOCK_FAILED);
    assert_int_equal(errno, ELOOP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_holds_it_and_the_other_learns_who),
        cmocka_unit_test(the_number_of_a_process_that_ended_is_not_told),
        cmocka_unit_test(what_is_no_file_is_not_taken),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
