// SPDX-License-Identifier: Apache-2.0
// Files that are replaced whole.
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <unistd.h>

#include "home/home.h"
#include "home/own.h"

typedef struct target target;
struct target {
    const char *path;
    const char *name; // its last part
    int dir;          // descriptor: from here on nobody can swap the directory
    char temporary[64];
};

static code fail(const target *t, int why, err *e)
{
    return err_sys(e, HOME_WRITE, why, "can't write '%s'", t->path);
}

static code open_dir(target *t, arena *a, err *e)
{
    ssize_t slash = str_rchr(str_from(t->path), '/');
    const char *dir = slash < 0    ? "."
                      : slash == 0 ? "/"
                                   : arena_cstr(a, (str){t->path, (size_t)slash});
    struct stat st;
    t->name = t->path + slash + 1;
    t->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (t->dir < 0 || fstat(t->dir, &st) != 0)
        return fail(t, errno, e);
    const char *fault = own_dir_fault(&st, geteuid());
    if (!fault)
        return OK;
    err_set(e, HOME_WRITE, "can't write '%s': the directory %s %s", t->path, dir, fault);
    err_hint(e, "name a file in a directory of your own");
    return HOME_WRITE;
}

// Threat 49. Renaming would replace a link rather than follow it; but whoever made the link, or the
// person who wants one, shall know that it isn't followed.
static code check_existing(const target *t, err *e)
{
    struct stat st;
    if (!*t->name)
        return fail(t, EISDIR, e);
    if (fstatat(t->dir, t->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? OK : fail(t, errno, e);
    if (S_ISREG(st.st_mode))
        return OK;
    err_set(e, HOME_WRITE, "can't write '%s': it is %s", t->path,
            S_ISLNK(st.st_mode) ? "a symbolic link" : "no regular file");
    err_hint(e, "remove it, or name another file");
    return HOME_WRITE;
}

static bool write_all(int fd, str content)
{
    while (content.len) {
        ssize_t n = write(fd, content.ptr, content.len);
        if (n < 0 && errno != EINTR)
            return false;
        content = str_skip(content, n > 0 ? (size_t)n : 0);
    }
    return true;
}

static code write_temporary(target *t, str content, unsigned mode, err *e)
{
    snprintf(t->temporary, sizeof(t->temporary), ".gatepost-%016llx",
             (unsigned long long)rand_u64());
    int fd = openat(t->dir, t->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        t->temporary[0] = '\0';
        return fail(t, errno, e);
    }
    // The mode is what was asked for, whatever the umask; on disk before the name points there.
    bool good = write_all(fd, content) && fchmod(fd, mode) == 0 && fsync(fd) == 0;
    int why = errno;
    close(fd);
    return good ? OK : fail(t, why, e);
}

code home_write(const char *path, str content, unsigned mode, err *e)
{
    arena a;
    arena_init(&a);
    target t = {.path = path, .dir = -1};
    code c = open_dir(&t, &a, e);
    if (c == OK)
        c = check_existing(&t, e);
    if (c == OK)
        c = write_temporary(&t, content, mode, e);
    if (c == OK && renameat(t.dir, t.temporary, t.dir, t.name) != 0)
        c = fail(&t, errno, e);
    if (c != OK && t.temporary[0])
        unlinkat(t.dir, t.temporary, 0);
    if (t.dir >= 0)
        close(t.dir);
    arena_deinit(&a);
    return c;
}

code home_write_in(home_dir which, const char *name, str content, err *e)
{
    arena a;
    arena_init(&a);
    const char *dir;
    code c = home_path(which, true, &a, &dir, e);
    if (c == OK)
        c = home_write(arena_printf(&a, "%s/%s", dir, name).ptr, content, 0600, e);
    arena_deinit(&a);
    return c;
}

void home_hash(str content, char ret_hex[HOME_HASH_MAX])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    EVP_Digest(content.ptr, content.len, digest, &len, EVP_sha256(), NULL);
    buf hex;
    buf_init(&hex, HOME_HASH_MAX);
    hex_encode(&hex, (str){(const char *)digest, len});
    memcpy(ret_hex, buf_cstr(&hex), HOME_HASH_MAX);
    buf_deinit(&hex);
}
