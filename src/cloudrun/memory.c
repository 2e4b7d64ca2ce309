// SPDX-License-Identifier: Apache-2.0
#include "cloudrun/memory.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

// The fields behind the name in /proc/PID/stat (proc(5)); the name may hold blanks and brackets.
enum { FIELD_GROUP = 2, FIELD_RSS = 21 };

static bool read_stat(int proc, const char *pid, uint64_t *ret_group, uint64_t *ret_pages)
{
    char path[32], text[1024];
    snprintf(path, sizeof(path), "%s/stat", pid);
    int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t len = read(fd, text, sizeof(text));
    close(fd);
    str rest = {text, len > 0 ? (size_t)len : 0}, field;
    rest = str_skip(rest, (size_t)(str_rchr(rest, ')') + 2));
    bool good = false;
    for (int i = 0; i <= FIELD_RSS && str_next(&rest, ' ', &field); i++) {
        if (i == FIELD_GROUP && !str_to_u64(field, ret_group))
            return false;
        good = i == FIELD_RSS && str_to_u64(field, ret_pages);
    }
    return good;
}

void memory_measure(memory_use *uses, size_t count)
{
    for (size_t i = 0; i < count; i++)
        uses[i].bytes = 0;
    DIR *dir = count ? opendir("/proc") : NULL;
    if (!dir)
        return;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), group, pages;
    for (struct dirent *d; (d = readdir(dir));) {
        if (!ascii_is_digit(d->d_name[0]) || !read_stat(dirfd(dir), d->d_name, &group, &pages))
            continue;
        for (size_t i = 0; i < count; i++)
            if (group && (uint64_t)uses[i].group == group)
                uses[i].bytes += pages * page;
    }
    closedir(dir);
}
