// SPDX-License-Identifier: Apache-2.0
// The files that bodies may take. A path is walked one name at a time, each opened beneath the last
// without following links, so that nothing swapped in between can lead elsewhere.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "postman/postman.h"

typedef struct root root;
struct root {
    int fd;
    char *path; // real one
};

struct pm_folder {
    VEC(root) roots; // the working directory first
};

enum { PATH_NAMES_MAX = 128, SNIFF_BYTES = 256 << 10 };

// ---- roots

static code add_root(pm_folder *f, const char *dir, err *e)
{
    char *real = realpath(dir, NULL);
    int fd = real ? open(real, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd < 0) {
        err_sys(e, PM_FILE, errno, "the directory '%s' can't be opened", dir);
        err_hint(e, "name a folder that is there, with --working-dir or --allow-files");
        free(real);
        return PM_FILE;
    }
    root r = {fd, real};
    vec_push(&f->roots, r);
    return OK;
}

CODE_CHECKED pm_folder_new(const char *working_dir, const str *allowed, size_t allowed_count,
                           pm_folder **ret, err *e)
{
    pm_folder *f = NEW(pm_folder);
    code c = add_root(f, working_dir, e);
    for (size_t i = 0; c == OK && i < allowed_count; i++) {
        char *dir = mem_dupn(allowed[i].ptr, allowed[i].len);
        c = add_root(f, dir, e);
        free(dir);
    }
    if (c != OK) {
        pm_folder_free(f);
        return c;
    }
    *ret = f;
    return OK;
}

void pm_folder_free(pm_folder *f)
{
    if (!f)
        return;
    VEC_FOREACH (&f->roots, r) {
        close(r->fd);
        free(r->path);
    }
    vec_deinit(&f->roots);
    free(f);
}

// ---- walk

static code refuse(err *e, str path, const char *why)
{
    err_set(e, PM_FILE_REFUSED, "a collection may not read '" STR_FMT "': %s", STR_ARG(path), why);
    return err_hint(e, "copy the file into the working directory, or allow its directory with "
                       "--allow-files DIR");
}

static bool not_there(int errnum)
{
    return errnum == ENOENT || errnum == ENOTDIR;
}

static code missing(err *e, str path, int errnum)
{
    if (errnum == ELOOP || errnum == EMLINK)
        return refuse(e, path, "it is or leads through a symbolic link");
    if (not_there(errnum))
        return err_set(e, PM_FILE, "\"" STR_FMT "\", no such file", STR_ARG(path));
    return err_sys(e, PM_FILE, errnum, "\"" STR_FMT "\" can't be read", STR_ARG(path));
}

// Splits into names, "." and ".." worked out; false when it leaves the directory it starts in.
static bool split(str path, str names[PATH_NAMES_MAX], size_t *ret_count)
{
    size_t count = 0;
    for (str name; str_next(&path, '/', &name);) {
        if (!name.len || str_eq(name, STR(".")))
            continue;
        if (str_eq(name, STR(".."))) {
            if (!count--)
                return false;
            continue;
        }
        if (count == PATH_NAMES_MAX)
            return false;
        names[count++] = name;
    }
    *ret_count = count;
    return true;
}

static int open_beneath(int root_fd, const str *names, size_t count, int *ret_errno)
{
    int at = fcntl(root_fd, F_DUPFD_CLOEXEC, 0);
    for (size_t i = 0; i < count && at >= 0; i++) {
        bool last = i + 1 == count;
        char *name = mem_dupn(names[i].ptr, names[i].len);
        // O_NONBLOCK: opening a pipe must not wait for its other end.
        int fd = openat(at, name,
                        O_NOFOLLOW | O_CLOEXEC |
                            (last ? O_RDONLY | O_NONBLOCK | O_NOCTTY : O_PATH | O_DIRECTORY));
        *ret_errno = errno;
        // A link in the middle of a path is told as ENOTDIR: look again to name it.
        struct stat st;
        if (fd < 0 && *ret_errno == ENOTDIR && !last &&
            fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
            *ret_errno = ELOOP;
        free(name);
        close(at);
        at = fd;
    }
    return at;
}

// ---- credentials

static bool credential_name(str path)
{
    static const char *const names[] = {
        "application_default_credentials.json",
        "credentials.db",
        "access_tokens.db",
        ".boto",
        ".netrc",
        ".git-credentials",
        ".npmrc",
        ".pypirc",
        ".pgpass",
    };
    ssize_t slash = str_rchr(path, '/');
    str name = str_skip(path, (size_t)(slash + 1));
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_ieq(name, str_from(names[i])))
            return true;
    return str_iends(name, STR(".p12")) || str_iends(name, STR(".pfx"));
}

static bool credential_content(int fd)
{
    static const char *const marks[] = {
        "PRIVATE KEY-----",  "PuTTY-User-Key-File",  "\"private_key\"",
        "\"refresh_token\"", "\"external_account\"", "\"authorized_user\"",
    };
    char *head = mem_new(SNIFF_BYTES);
    ssize_t len = pread(fd, head, SNIFF_BYTES, 0);
    bool found = false;
    for (size_t i = 0; i < ARRAY_LEN(marks) && len > 0; i++)
        found |= str_find((str){head, (size_t)len}, str_from(marks[i])) >= 0;
    secret_wipe(head, SNIFF_BYTES);
    free(head);
    return found;
}

static code check_open(int fd, str path, uint64_t *ret_bytes, err *e)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return missing(e, path, errno);
    if (S_ISDIR(st.st_mode))
        return err_set(e, PM_FILE, "\"" STR_FMT "\", is not a file", STR_ARG(path));
    if (!S_ISREG(st.st_mode))
        return refuse(e, path, "it is no regular file");
    *ret_bytes = (uint64_t)st.st_size;
    if (!credential_name(path) && !credential_content(fd))
        return OK;
    refuse(e, path, "it holds a credential");
    if (e)
        e->hint[0] = 0;
    return err_hint(e, "credentials never belong in a body; gatepost adds the identity itself");
}

// ---- open

// The part of an absolute path beneath a root; false when it isn't there.
static bool beneath(const root *r, str path, str *ret_rest)
{
    size_t len = strlen(r->path);
    if (!str_starts(path, (str){r->path, len}) || path.len <= len ||
        (path.ptr[len] != '/' && len > 1))
        return false;
    *ret_rest = str_skip(path, len);
    return true;
}

CODE_CHECKED pm_folder_open(const pm_folder *f, str path, int *ret_fd, uint64_t *ret_bytes, err *e)
{
    str names[PATH_NAMES_MAX], rest;
    size_t count = 0;
    int errnum = ENOENT;
    bool absolute = path.len && path.ptr[0] == '/', inside = false;
    if (!path.len || memchr(path.ptr, 0, path.len))
        return err_set(e, PM_FILE, "invalid or missing file source");
    VEC_FOREACH (&f->roots, r) {
        rest = path;
        if ((absolute && !beneath(r, path, &rest)) || !split(rest, names, &count) || !count)
            continue;
        inside = true;
        int fd = open_beneath(r->fd, names, count, &errnum);
        if (fd < 0 && not_there(errnum))
            continue;
        code c = fd < 0 ? missing(e, path, errnum) : check_open(fd, path, ret_bytes, e);
        if (c == OK)
            *ret_fd = fd;
        else if (fd >= 0)
            close(fd);
        return c;
    }
    return inside ? missing(e, path, errnum)
                  : refuse(e, path, "it is outside the working directory");
}
