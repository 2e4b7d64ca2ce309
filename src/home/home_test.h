// SPDX-License-Identifier: Apache-2.0
// A home of the test's own: its directories are made before each test and removed after it.
#pragma once

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test.h"
#include "home/home.h"

static char root[64]; // HOME, XDG_RUNTIME_DIR; config and state beneath it
static arena mem;     // of the test

static int setup(void **state)
{
    (void)state;
    memcpy(root, "/tmp/gatepost-home-XXXXXX", sizeof("/tmp/gatepost-home-XXXXXX"));
    if (!mkdtemp(root))
        return -1;
    arena_init(&mem);
    setenv("HOME", root, 1);
    setenv("XDG_RUNTIME_DIR", root, 1);
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("XDG_STATE_HOME");
    umask(022);
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static int teardown(void **state)
{
    (void)state;
    arena_deinit(&mem);
    return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

// ROOT/name
static inline const char *at(const char *name)
{
    return arena_printf(&mem, "%s/%s", root, name).ptr;
}

static inline void put_file(const char *path, const char *content, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static inline mode_t mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode & 07777;
}

static inline void assert_mentions(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' isn't in '%s'", part, text);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
