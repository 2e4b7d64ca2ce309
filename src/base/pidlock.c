// SPDX-License-Identifier: Apache-2.0
#include "base/pidlock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum { TEXT_MAX = 24, TRIES = 50, PAUSE_NS = 10 * 1000 * 1000 };

// What a process that has ended left behind says nothing about the one that holds it now.
static int64_t read_pid(int fd)
{
    char text[TEXT_MAX];
    int64_t pid = 0;
    ssize_t len = pread(fd, text, sizeof(text), 0);
    if (len <= 0 || !str_to_i64(str_trim((str){text, (size_t)len}), &pid) || pid <= 0)
        return 0;
    return kill((pid_t)pid, 0) == 0 || errno == EPERM ? pid : 0;
}

// Who has just taken the lock is about to write its number.
static int64_t holder(int fd)
{
    int64_t pid = read_pid(fd);
    for (int i = 0; !pid && i < TRIES; i++) {
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
        pid = read_pid(fd);
    }
    return pid;
}

// A full disk doesn't matter here.
static void write_pid(int fd)
{
    char text[TEXT_MAX];
    int len = snprintf(text, sizeof(text), "%lld\n", (long long)getpid());
    if (ftruncate(fd, 0) == 0)
        (void)!pwrite(fd, text, (size_t)len, 0);
}

pidlock pidlock_take(const char *path, int *ret_fd, int64_t *ret_pid)
{
    *ret_fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (*ret_fd < 0)
        return PIDLOCK_FAILED;
    if (flock(*ret_fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) {
        write_pid(*ret_fd);
        return PIDLOCK_TAKEN;
    }
    *ret_pid = holder(*ret_fd);
    close(*ret_fd);
    *ret_fd = -1;
    return PIDLOCK_HELD;
}

void pidlock_release(int fd)
{
    (void)!ftruncate(fd, 0);
    close(fd);
}
