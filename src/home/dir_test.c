// SPDX-License-Identifier: Apache-2.0
// Tests of directories, of what counts as ours, and of writing files whole.
#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "data/data.h"
#include "home/home_test.h"
#include "home/own.h"

static const char *path_of(home_dir which, bool create, code wanted)
{
    err e = ERR_INIT;
    const char *path = NULL;
    assert_code(home_path(which, create, &mem, &path, &e), wanted);
    return path;
}

static const char *content_of(const char *path)
{
    str text;
    assert_int_equal(file_read(&mem, path, 1 << 20, &text, NULL), OK);
    return text.ptr;
}

// ---- directories --------------------------------------------------------------------------------

static void directories_follow_the_environment(void **state)
{
    (void)state;
    static const struct {
        home_dir which;
        const char *name, *value, *wanted; // a wanted "~" stands for HOME
    } rows[] = {
        {HOME_CONFIG, "XDG_CONFIG_HOME", "/etc/mine", "/etc/mine/gatepost"},
        {HOME_CONFIG, "XDG_CONFIG_HOME", NULL, "~/.config/gatepost"},
        {HOME_CONFIG, "XDG_CONFIG_HOME", "", "~/.config/gatepost"},
        {HOME_CONFIG, "XDG_CONFIG_HOME", "relative/path", "~/.config/gatepost"},
        {HOME_STATE, "XDG_STATE_HOME", "/var/mine", "/var/mine/gatepost"},
        {HOME_STATE, "XDG_STATE_HOME", NULL, "~/.local/state/gatepost"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        unsetenv(rows[i].name);
        if (rows[i].value)
            setenv(rows[i].name, rows[i].value, 1);
        const char *wanted = rows[i].wanted;
        if (wanted[0] == '~')
            wanted = at(wanted + 2);
        assert_string_equal(path_of(rows[i].which, false, OK), wanted);
        unsetenv(rows[i].name);
    }
    assert_string_equal(path_of(HOME_RUNTIME, false, OK), at("gatepost"));
    unsetenv("XDG_RUNTIME_DIR");
    char name[64];
    snprintf(name, sizeof(name), "/tmp/gatepost-%u", (unsigned)geteuid());
    const char *path = NULL;
    code c = home_path(HOME_RUNTIME, false, &mem, &path, NULL);
    assert_true(c == OK || c == HOME_DIR); // somebody else may have put something there
    assert_string_equal(path, name);
}

static void directories_are_made_closed_to_others(void **state)
{
    (void)state;
    umask(0);
    assert_int_equal(mode_of(path_of(HOME_CONFIG, true, OK)), 0700);
    assert_int_equal(mode_of(at(".config")), 0700);
    assert_int_equal(mode_of(path_of(HOME_STATE, true, OK)), 0700);
    assert_int_equal(mode_of(path_of(HOME_RUNTIME, true, OK)), 0700);
    assert_int_equal(access(path_of(HOME_CONFIG, true, OK), F_OK), 0); // again: it is there
    put_file(at("file"), "", 0600);
    setenv("XDG_STATE_HOME", at("file"), 1);
    path_of(HOME_STATE, true, HOME_DIR);
}

static void T40_a_runtime_directory_that_others_could_use_is_refused(void **state)
{
    (void)state;
    static const mode_t open_modes[] = {0701, 0710, 0720, 0750, 0755, 0777, 01777};
    const char *dir = at("gatepost");
    err e = ERR_INIT;
    const char *path;
    assert_int_equal(mkdir(dir, 0700), 0);
    for (size_t i = 0; i < ARRAY_LEN(open_modes); i++) {
        chmod(dir, open_modes[i]);
        e = ERR_INIT;
        assert_row(i, home_path(HOME_RUNTIME, false, &mem, &path, &e) == HOME_DIR);
        assert_mentions(e.msg, "is open to other users");
        assert_mentions(e.hint, "chmod 700");
        assert_row(i, home_path(HOME_RUNTIME, true, &mem, &path, NULL) == HOME_DIR);
    }
    chmod(dir, 0700);
    path_of(HOME_RUNTIME, true, OK);
    chmod(root, 0777); // who can write above it can put another one in its place
    path_of(HOME_RUNTIME, true, HOME_DIR);
    chmod(root, 01777);
    path_of(HOME_RUNTIME, true, OK);
    chmod(root, 0700);
    rmdir(dir);
    assert_int_equal(mkdir(at("elsewhere"), 0700), 0);
    assert_int_equal(symlink(at("elsewhere"), dir), 0);
    path_of(HOME_RUNTIME, true, HOME_DIR);
    unlink(dir);
    put_file(dir, "", 0600);
    path_of(HOME_RUNTIME, false, HOME_DIR);
}

static void T40_who_owns_a_thing_decides(void **state)
{
    (void)state;
    enum { ME = 1000, OTHER = 1001, ROOT = 0 };
    static const struct {
        mode_t mode, type, forbidden;
        uid_t uid;
        bool good;
    } rows[] = {
        {S_IFREG | 0600, S_IFREG, OWN_CLOSED, ME, true},
        {S_IFREG | 0600, S_IFREG, OWN_CLOSED, OTHER, false},
        {S_IFREG | 0600, S_IFREG, OWN_CLOSED, ROOT, false},
        {S_IFREG | 0640, S_IFREG, OWN_CLOSED, ME, false},
        {S_IFREG | 0604, S_IFREG, OWN_CLOSED, ME, false},
        {S_IFREG | 0644, S_IFREG, OWN_WRITABLE, ME, true},
        {S_IFREG | 0664, S_IFREG, OWN_WRITABLE, ME, false},
        {S_IFREG | 0646, S_IFREG, OWN_WRITABLE, ME, false},
        {S_IFDIR | 0700, S_IFREG, OWN_CLOSED, ME, false},
        {S_IFIFO | 0600, S_IFREG, OWN_CLOSED, ME, false},
        {S_IFLNK | 0600, S_IFREG, OWN_CLOSED, ME, false},
        {S_IFDIR | 0700, S_IFDIR, OWN_CLOSED, ME, true},
        {S_IFDIR | 0700, S_IFDIR, OWN_CLOSED, OTHER, false},
        {S_IFLNK | 0777, S_IFDIR, OWN_CLOSED, ME, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct stat st = {.st_mode = rows[i].mode, .st_uid = rows[i].uid};
        const char *fault = own_fault(&st, rows[i].type, ME, rows[i].forbidden);
        assert_row(i, (fault == NULL) == rows[i].good);
    }
}

static void T49_which_directories_are_safe_to_write_in(void **state)
{
    (void)state;
    enum { ME = 1000, OTHER = 1001, ROOT = 0, USERS = 100 };
    static const struct {
        mode_t mode;
        uid_t uid;
        gid_t gid;
        bool good;
    } rows[] = {
        {S_IFDIR | 0755, ME, ME, true},      {S_IFDIR | 0755, ROOT, ROOT, true},
        {S_IFDIR | 01777, ROOT, ROOT, true}, {S_IFDIR | 01777, OTHER, OTHER, true},
        {S_IFDIR | 0775, ME, ME, true}, // a private group, as umask 002 leaves it
        {S_IFDIR | 0775, ME, USERS, false},  {S_IFDIR | 0775, ROOT, USERS, false},
        {S_IFDIR | 0777, ME, ME, false},     {S_IFDIR | 0755, OTHER, OTHER, false},
        {S_IFREG | 0600, ME, ME, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct stat st = {.st_mode = rows[i].mode, .st_uid = rows[i].uid, .st_gid = rows[i].gid};
        assert_row(i, (own_dir_fault(&st, ME) == NULL) == rows[i].good);
    }
}

static void a_lock_is_held_until_it_is_closed(void **state)
{
    (void)state;
    int fd, child_fd;
    assert_int_equal(own_lock(root, &fd, NULL), OK);
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) { // tells when it has the lock
        alarm(30);
        close(fd); // a lock belongs to its descriptor, also the inherited one
        code c = own_lock(root, &child_fd, NULL);
        _exit(c == OK && write(pipes[1], "x", 1) == 1 ? 0 : 1);
    }
    close(pipes[1]);
    assert_int_equal(fcntl(pipes[0], F_SETFL, O_NONBLOCK), 0);
    char byte;
    assert_int_equal(read(pipes[0], &byte, 1), -1);
    close(fd);
    assert_int_equal(fcntl(pipes[0], F_SETFL, 0), 0);
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(pipes[0]);
    assert_int_equal(own_lock(at("missing"), &fd, NULL), HOME_DIR);
}

// ---- files --------------------------------------------------------------------------------------

static size_t names_in(const char *dir)
{
    size_t n = 0;
    DIR *d = opendir(dir);
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2; // without . and ..
}

static void T49_files_are_written_whole_and_closed(void **state)
{
    (void)state;
    err e = ERR_INIT;
    umask(0);
    const char *path = at("report.json");
    assert_code(home_write(path, STR("one"), 0600, &e), OK);
    assert_string_equal(content_of(path), "one");
    assert_int_equal(mode_of(path), 0600);
    assert_code(home_write(path, STR("two\n"), 0644, &e), OK);
    assert_string_equal(content_of(path), "two\n");
    assert_int_equal(mode_of(path), 0644);
    umask(077); // the mode is the one that was asked for
    assert_code(home_write(path, STR_NONE, 0644, &e), OK);
    assert_string_equal(content_of(path), "");
    assert_int_equal(mode_of(path), 0644);
    assert_int_equal(names_in(root), 1);
    assert_code(home_write_in(HOME_CONFIG, "x.json", STR("{}"), &e), OK);
    assert_int_equal(mode_of(at(".config/gatepost/x.json")), 0600);
    assert_int_equal(chdir(root), 0);
    assert_code(home_write("here.json", STR("in the current directory"), 0600, &e), OK);
    assert_string_equal(content_of(at("here.json")), "in the current directory");
    assert_int_equal(chdir("/"), 0);
}

static void T49_an_open_file_keeps_its_old_content(void **state)
{
    (void)state;
    const char *path = at("a");
    assert_int_equal(home_write(path, STR("old"), 0600, NULL), OK);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(home_write(path, STR("new"), 0600, NULL), OK);
    char text[4] = "";
    assert_int_equal(read(fd, text, 3), 3);
    assert_string_equal(text, "old");
    close(fd);
}

static void T49_links_and_odd_places_are_refused_and_nothing_changes(void **state)
{
    (void)state;
    put_file(at("precious"), "precious", 0600);
    assert_int_equal(symlink(at("precious"), at("link")), 0);
    assert_int_equal(symlink(at("nowhere"), at("dangling")), 0);
    assert_int_equal(mkfifo(at("fifo"), 0600), 0);
    assert_int_equal(mkdir(at("dir"), 0700), 0);
    assert_int_equal(mkdir(at("open"), 0700), 0);
    chmod(at("open"), 0777);
    static const struct {
        const char *name, *says;
    } rows[] = {
        {"link", "a symbolic link"},   {"dangling", "a symbolic link"},
        {"fifo", "no regular file"},   {"dir", "no regular file"},
        {"dir/", "Is a directory"},    {"open/a", "can be written by other users"},
        {"missing/a", "No such file"}, {"precious/a", "Not a directory"},
    };
    size_t before = names_in(root);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        err e = ERR_INIT;
        assert_code(home_write(at(rows[i].name), STR("x"), 0600, &e), HOME_WRITE);
        assert_mentions(e.msg, rows[i].says);
        assert_mentions(e.msg, rows[i].name);
    }
    assert_string_equal(content_of(at("precious")), "precious");
    assert_int_equal(access(at("nowhere"), F_OK), -1);
    assert_int_equal(names_in(root), before);
    assert_int_equal(names_in(at("dir")) + names_in(at("open")), 0);
}

static void a_file_that_cannot_be_finished_leaves_nothing(void **state)
{
    (void)state;
    put_file(at("a"), "old", 0600);
    struct rlimit limit, small = {2, 2};
    getrlimit(RLIMIT_FSIZE, &limit);
    small.rlim_max = limit.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    err e = ERR_INIT;
    code c = home_write(at("a"), STR("longer than two bytes"), 0600, &e);
    setrlimit(RLIMIT_FSIZE, &limit);
    assert_int_equal(c, HOME_WRITE);
    assert_mentions(e.msg, "File too large");
    assert_string_equal(content_of(at("a")), "old");
    assert_int_equal(names_in(root), 1);
}

static void hashes_are_sha256(void **state)
{
    (void)state;
    char hex[HOME_HASH_MAX];
    home_hash(STR("abc"), hex); // FIPS 180-2, appendix B.1
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    home_hash(STR_NONE, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(directories_follow_the_environment),
        TEST(directories_are_made_closed_to_others),
        TEST(T40_a_runtime_directory_that_others_could_use_is_refused),
        TEST(T40_who_owns_a_thing_decides),
        TEST(T49_which_directories_are_safe_to_write_in),
        TEST(a_lock_is_held_until_it_is_closed),
        TEST(T49_files_are_written_whole_and_closed),
        TEST(T49_an_open_file_keeps_its_old_content),
        TEST(T49_links_and_odd_places_are_refused_and_nothing_changes),
        TEST(a_file_that_cannot_be_finished_leaves_nothing),
        TEST(hashes_are_sha256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
