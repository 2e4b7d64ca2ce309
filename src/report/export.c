// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report/internal.h"

enum { PATH_BYTES_MAX = 4096 };

// Makes the directories above the file.
static code make_parents(const char *path, err *e)
{
    char dir[PATH_BYTES_MAX];
    size_t len = strlen(path);
    if (len >= sizeof(dir))
        return err_set(e, HOME_WRITE, "the path is longer than %d bytes", PATH_BYTES_MAX);
    memcpy(dir, path, len + 1);
    for (char *slash = strchr(dir + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(dir, 0777) != 0 && errno != EEXIST)
            return err_sys(e, HOME_WRITE, errno, "the directory %s can't be made", dir);
        *slash = '/';
    }
    return OK;
}

// As newman marks its files: the digits of the time in UTC, and a 0.
static void time_mark(buf *out)
{
    char text[CLOCK_RFC3339_MAX];
    int64_t ms = clock_wall_ms();
    clock_rfc3339(ms / 1000 * 1000000000, text);
    for (const char *p = text; *p != 'Z'; p++)
        buf_addc(out, ascii_is_digit(*p) ? *p : '-');
    buf_addf(out, "-%03d-0", (int)(ms % 1000));
}

code report_export_path(arena *a, const char *path, const char *what, const char *ext,
                        const char **ret_path, err *e)
{
    struct stat st;
    bool directory = !path || (stat(path, &st) == 0 && S_ISDIR(st.st_mode));
    if (directory) {
        buf b;
        buf_init(&b, PATH_BYTES_MAX);
        buf_addf(&b, "%s/newman-%s-", path ? path : "newman", what);
        time_mark(&b);
        buf_addf(&b, ".%s", ext);
        path = arena_cstr(a, buf_str(&b));
        buf_deinit(&b);
    }
    *ret_path = path;
    return make_parents(path, e);
}

// ---- A file that appears when it is complete

struct report_file {
    FILE *stream;
    char *path;
    char *draft; // beside it, until the commit
};

static code refuse_link(const char *path, err *e)
{
    struct stat st;
    if (lstat(path, &st) != 0 || S_ISREG(st.st_mode))
        return OK;
    err_set(e, HOME_WRITE, "%s is %s", path,
            S_ISLNK(st.st_mode) ? "a symbolic link" : "not a regular file");
    return err_hint(e, "name the file itself, or another one");
}

code report_file_new(const char *path, report_file **ret, err *e)
{
    code c = refuse_link(path, e);
    if (c != OK)
        return c;
    report_file *f = mem_new(sizeof(*f));
    f->path = mem_dup(path);
    size_t len = strlen(path) + sizeof(".XXXXXX");
    f->draft = mem_new(len);
    snprintf(f->draft, len, "%s.XXXXXX", path);
    int fd = mkostemp(f->draft, O_CLOEXEC); // 0600, and never an existing file
    f->stream = fd >= 0 ? fdopen(fd, "w+") : NULL;
    if (!f->stream) {
        c = err_sys(e, HOME_WRITE, errno, "%s can't be written", path);
        report_file_discard(f);
        return c;
    }
    *ret = f;
    return OK;
}

FILE *report_file_stream(report_file *f)
{
    return f->stream;
}

code report_file_commit(report_file *f, err *e)
{
    code c = OK;
    bool written = fflush(f->stream) == 0 && !ferror(f->stream);
    if (!written || rename(f->draft, f->path) != 0) {
        c = err_sys(e, HOME_WRITE, errno, "%s can't be written", f->path);
    } else {
        free(f->draft);
        f->draft = NULL;
    }
    report_file_discard(f);
    return c;
}

void report_file_discard(report_file *f)
{
    if (!f)
        return;
    if (f->stream)
        fclose(f->stream);
    if (f->draft)
        unlink(f->draft);
    free(f->draft);
    free(f->path);
    free(f);
}
