// SPDX-License-Identifier: Apache-2.0
#include "home/process.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

// /proc/PID/stat: "PID (NAME) STATE …"; the name may hold blanks and parentheses, so what counts
// stands behind the last one. The start time is the 22nd field (proc(5)), the 20th of those.
bool process_started(int64_t pid, int64_t *ret_started)
{
    char path[64], text[1024];
    struct stat st;
    snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool own = fstat(fd, &st) == 0 && st.st_uid == geteuid();
    ssize_t n = read(fd, text, sizeof(text));
    close(fd);
    str rest = {text, n > 0 ? (size_t)n : 0}, field = STR_NONE;
    ssize_t behind = str_rchr(rest, ')');
    if (!own || behind < 0)
        return false;
    rest = str_skip(rest, (size_t)behind + 2);
    for (int i = 0; i < 20; i++)
        if (!str_next(&rest, ' ', &field))
            return false;
    return str_to_i64(field, ret_started);
}

bool process_alive(int64_t pid, int64_t started)
{
    int64_t now;
    return pid > 0 && process_started(pid, &now) && now == started;
}
