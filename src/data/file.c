// SPDX-License-Identifier: Apache-2.0
#include "data/data_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static code read_all(buf *b, int fd, const char *path, size_t bytes_max, err *e)
{
    for (;;) {
        size_t room = b->cap > b->len + 1 ? b->cap - b->len - 1 : 16384;
        char *to = buf_reserve(b, room);
        if (!to) // no more than the maximum and one read beyond it
            return err_set(e, DATA_LIMIT, "'%s' is larger than %zu bytes", path, bytes_max);
        ssize_t n = read(fd, to, room);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(e, DATA_FILE, errno, "can't read '%s'", path);
        if (n == 0)
            return OK;
        b->len += (size_t)n;
        if (b->len > bytes_max)
            return err_set(e, DATA_LIMIT, "'%s' is larger than %zu bytes", path, bytes_max);
    }
}

code file_read_fd(arena *a, int fd, const char *path, size_t bytes_max, str *ret_text, err *e)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_sys(e, DATA_FILE, errno, "can't read '%s'", path);
    if (S_ISDIR(st.st_mode)) {
        (void)err_set(e, DATA_FILE, "'%s' is a directory, not a file", path);
        return err_hint(e, "name the file in it");
    }
    if (S_ISREG(st.st_mode) && (uint64_t)st.st_size > bytes_max)
        return err_set(e, DATA_LIMIT, "'%s' is larger than %zu bytes", path, bytes_max);
    buf b;
    buf_init(&b, bytes_max + 16384);
    if (S_ISREG(st.st_mode)) // in one piece, so that growing leaves no copies of a secret behind
        buf_reserve(&b, (size_t)st.st_size + 1);
    code c = read_all(&b, fd, path, bytes_max, e);
    if (c == OK)
        *ret_text = arena_str(a, buf_str(&b));
    buf_wipe(&b); // it may have been a key file
    buf_deinit(&b);
    return c;
}

code file_read(arena *a, const char *path, size_t bytes_max, str *ret_text, err *e)
{
    if (strcmp(path, "-") == 0)
        return file_read_fd(a, STDIN_FILENO, "standard input", bytes_max, ret_text, e);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        int why = errno;
        err_sys(e, DATA_FILE, why, "can't read '%s'", path);
        if (e && why == ENOENT)
            err_hint(e, path[0] == '/'
                            ? "check the name"
                            : "check the name; it is looked up from the current directory");
        return DATA_FILE;
    }
    code c = file_read_fd(a, fd, path, bytes_max, ret_text, e);
    close(fd);
    return c;
}
