// SPDX-License-Identifier: Apache-2.0
// Gatepost's directories (XDG Base Directory Specification), and what makes a thing on disk ours.
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "data/data.h"
#include "home/home.h"
#include "home/own.h"

// ---- Ours or not --------------------------------------------------------------------------------

const char *own_fault(const struct stat *st, mode_t type, uid_t uid, mode_t forbidden)
{
    if ((st->st_mode & S_IFMT) == S_IFLNK && type != S_IFLNK)
        return "is a symbolic link";
    if ((st->st_mode & S_IFMT) != type)
        return type == S_IFDIR ? "is not a directory" : "is not a regular file";
    if (st->st_uid != uid)
        return "belongs to another user";
    if (st->st_mode & forbidden)
        return forbidden == OWN_CLOSED ? "is open to other users" : "can be written by other users";
    return NULL;
}

const char *own_dir_fault(const struct stat *st, uid_t uid)
{
    if (!S_ISDIR(st->st_mode))
        return "is not a directory";
    if (st->st_mode & S_ISVTX)
        return NULL;
    if (st->st_uid != uid && st->st_uid != 0)
        return "belongs to another user";
    bool private_group = st->st_uid == uid && st->st_gid == uid;
    if (st->st_mode & (private_group ? S_IWOTH : OWN_WRITABLE))
        return "can be written by other users";
    return NULL;
}

static code read_open(int fd, const char *path, const own_rule *rule, arena *a, str *ret_text,
                      err *e)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_sys(e, rule->failure, errno, "%s", path);
    const char *fault = own_fault(&st, S_IFREG, geteuid(), rule->forbidden);
    if (fault) {
        err_set(e, rule->failure, "%s %s", path, fault);
        err_hint(e, "look at what is in it; if it is yours: chmod 600 %s", path);
        return rule->failure;
    }
    return file_read_fd(a, fd, path, rule->bytes_max, ret_text, e);
}

code own_read(const char *path, const own_rule *rule, arena *a, str *ret_text, err *e)
{
    *ret_text = STR_NONE;
    // Without waiting for the other end of a FIFO that somebody put there.
    int fd =
        open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (rule->follow ? 0 : O_NOFOLLOW));
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return OK;
    if (fd < 0 && errno == ELOOP)
        return err_set(e, rule->failure, "%s is a symbolic link", path);
    if (fd < 0)
        return err_sys(e, rule->failure, errno, "%s", path);
    code c = read_open(fd, path, rule, a, ret_text, e);
    close(fd);
    return c;
}

// Makes the directory and those above it, with mode 0700, where they are missing. HOME_DIR.
static code own_make_dir(const char *path, err *e)
{
    arena a;
    arena_init(&a);
    char *part = arena_cstr(&a, str_from(path));
    bool made = true;
    for (char *p = part + 1; made && *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        made = mkdir(part, 0700) == 0 || errno == EEXIST;
        *p = '/';
    }
    made = made && (mkdir(path, 0700) == 0 || errno == EEXIST);
    int why = errno;
    arena_deinit(&a);
    return made ? OK : err_sys(e, HOME_DIR, why, "can't make the directory %s", path);
}

code own_lock(const char *dir, int *ret_fd, err *e)
{
    *ret_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*ret_fd < 0)
        return err_sys(e, HOME_DIR, errno, "%s", dir);
    while (flock(*ret_fd, LOCK_EX) != 0)
        if (errno != EINTR) {
            int why = errno;
            close(*ret_fd);
            return err_sys(e, HOME_DIR, why, "can't lock %s", dir);
        }
    return OK;
}

// ---- Where they are -----------------------------------------------------------------------------

typedef struct place place;
struct place {
    const char *env;
    const char *beneath_home; // NULL: a directory of its own in /tmp
};
static const place places[] = {
    [HOME_CONFIG] = {"XDG_CONFIG_HOME", ".config"},
    [HOME_STATE] = {"XDG_STATE_HOME", ".local/state"},
    [HOME_RUNTIME] = {"XDG_RUNTIME_DIR", NULL},
};

// The specification has relative paths ignored.
static const char *absolute_env(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] == '/' ? value : NULL;
}

const char *home_dir_of_user(void)
{
    const char *home = absolute_env("HOME");
    if (home)
        return home;
    const struct passwd *user = getpwuid(geteuid());
    return user && user->pw_dir && user->pw_dir[0] == '/' ? user->pw_dir : NULL;
}

static code find(home_dir which, arena *a, const char **ret_path, err *e)
{
    const place *p = &places[which];
    const char *base = absolute_env(p->env);
    if (base)
        *ret_path = arena_printf(a, "%s/gatepost", base).ptr;
    else if (!p->beneath_home)
        *ret_path = arena_printf(a, "/tmp/gatepost-%u", (unsigned)geteuid()).ptr;
    else if ((base = home_dir_of_user()))
        *ret_path = arena_printf(a, "%s/%s/gatepost", base, p->beneath_home).ptr;
    else {
        err_set(e, HOME_DIR, "there is no home directory: neither HOME nor %s is set", p->env);
        err_hint(e, "set %s to a directory of your own", p->env);
        return HOME_DIR;
    }
    return OK;
}

// Threat 40: who can put a file there can pretend to be `gatepost up`.
static code check_runtime(const char *path, arena *a, err *e)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return errno == ENOENT ? OK : err_sys(e, HOME_DIR, errno, "%s", path);
    const char *fault = own_fault(&st, S_IFDIR, geteuid(), OWN_CLOSED);
    if (!fault) {
        path = arena_cstr(a, str_sub(str_from(path), 0, (size_t)str_rchr(str_from(path), '/')));
        if (stat(path, &st) != 0)
            return err_sys(e, HOME_DIR, errno, "%s", path);
        fault = own_dir_fault(&st, geteuid());
    }
    if (!fault)
        return OK;
    err_set(e, HOME_DIR, "the runtime directory can't be believed: %s %s", path, fault);
    err_hint(e,
             "if it is yours: chmod 700 %s; otherwise set XDG_RUNTIME_DIR to a directory "
             "of your own",
             path);
    return HOME_DIR;
}

code home_path(home_dir which, bool create, arena *a, const char **ret_path, err *e)
{
    code c = find(which, a, ret_path, e);
    if (c == OK && create)
        c = own_make_dir(*ret_path, e);
    if (c == OK && which == HOME_RUNTIME)
        c = check_runtime(*ret_path, a, e);
    return c;
}
