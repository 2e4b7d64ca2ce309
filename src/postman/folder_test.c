// SPDX-License-Identifier: Apache-2.0
// T41: which files a body may take. A tree is made anew for each test:
//
//   ROOT/work     the working directory
//   ROOT/more     allowed besides
//   ROOT/secret   neither
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test.h"
#include "postman/postman.h"

typedef struct place place;
struct place {
    char root[64];
    pm_folder *folder;
};

static void put(const place *p, const char *path, const char *content)
{
    char full[200];
    snprintf(full, sizeof(full), "%s/%s", p->root, path);
    int fd = open(full, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    close(fd);
}

static void link_to(const place *p, const char *target, const char *path)
{
    char full[200];
    snprintf(full, sizeof(full), "%s/%s", p->root, path);
    assert_int_equal(symlink(target, full), 0);
}

static void make_dir(const place *p, const char *path)
{
    char full[200];
    snprintf(full, sizeof(full), "%s/%s", p->root, path);
    assert_int_equal(mkdir(full, 0700), 0);
}

static int setup(void **state)
{
    place *p = NEW(place);
    static const char *const dirs[] = {"work", "work/sub", "more", "secret", "worker"};
    char work[100], more[100];
    snprintf(p->root, sizeof(p->root), "/tmp/pm_folder_test.XXXXXX");
    assert_non_null(mkdtemp(p->root));
    for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
        make_dir(p, dirs[i]);
    put(p, "work/a.txt", "in work");
    put(p, "work/sub/b.txt", "in sub");
    put(p, "work/empty", "");
    put(p, "more/c.txt", "in more");
    put(p, "more/a.txt", "hidden by work's");
    put(p, "secret/s.txt", "not yours");
    put(p, "worker/w.txt", "not yours");
    snprintf(work, sizeof(work), "%s/work", p->root);
    snprintf(more, sizeof(more), "%s/more", p->root);
    str allowed = str_from(more);
    assert_code(pm_folder_new(work, &allowed, 1, &p->folder, NULL), OK);
    *state = p;
    return 0;
}

static void remove_tree(const char *path)
{
    char command[200];
    snprintf(command, sizeof(command), "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
}

static int teardown(void **state)
{
    place *p = *state;
    pm_folder_free(p->folder);
    remove_tree(p->root);
    free(p);
    return 0;
}

// "%" in a path stands for the root of the tree.
static code try_open(const place *p, const char *path, char *ret_content, err *e)
{
    buf full;
    int fd = -1;
    uint64_t bytes = 99;
    buf_init(&full, 5000);
    for (const char *c = path; *c; c++)
        if (*c == '%')
            buf_addz(&full, p->root);
        else
            buf_addc(&full, *c);
    code c = pm_folder_open(p->folder, buf_str(&full), &fd, &bytes, e);
    buf_deinit(&full);
    if (c == OK) {
        ssize_t len = read(fd, ret_content, 99);
        assert_int_equal(len, bytes);
        ret_content[len] = 0;
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        close(fd);
    } else {
        assert_int_equal(fd, -1);
    }
    return c;
}

static void files_beneath_are_opened(void **state)
{
    static const struct {
        const char *path, *content;
    } rows[] = {
        {"a.txt", "in work"},
        {"./a.txt", "in work"},
        {"sub/b.txt", "in sub"},
        {"sub//./b.txt", "in sub"},
        {"sub/../a.txt", "in work"},
        {"%/work/a.txt", "in work"},
        {"%/work/sub/../a.txt", "in work"},
        {"%/more/c.txt", "in more"},
        {"c.txt", "in more"},
        {"empty", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char content[100] = "";
        err e = ERR_INIT;
        if (try_open(*state, rows[i].path, content, &e) != OK)
            fail_msg("%s: %s", rows[i].path, e.msg);
        assert_string_equal(content, rows[i].content);
    }
}

static void T41_nothing_outside_is_opened(void **state)
{
    static const struct {
        const char *path;
        code code;
        const char *says;
    } rows[] = {
        {"../secret/s.txt", PM_FILE_REFUSED, "outside the working directory"},
        {"sub/../../secret/s.txt", PM_FILE_REFUSED, "outside"},
        {"sub/../../work/a.txt", PM_FILE_REFUSED, "outside"},
        {"..", PM_FILE_REFUSED, "outside"},
        {".", PM_FILE_REFUSED, "outside"},
        {"%/secret/s.txt", PM_FILE_REFUSED, "outside"},
        {"%/worker/w.txt", PM_FILE_REFUSED, "outside"}, // begins as work does
        {"%/work/../secret/s.txt", PM_FILE_REFUSED, "outside"},
        {"%/work", PM_FILE_REFUSED, "outside"},
        {"/etc/passwd", PM_FILE_REFUSED, "outside"},
        {"/proc/self/environ", PM_FILE_REFUSED, "outside"},
        {"/dev/zero", PM_FILE_REFUSED, "outside"},
        {"link", PM_FILE_REFUSED, "symbolic link"},
        {"link_in", PM_FILE_REFUSED, "symbolic link"},
        {"dir/s.txt", PM_FILE_REFUSED, "symbolic link"},
        {"dir/../a.txt", OK, ""}, // worked out before it is walked
        {"sub/up/secret/s.txt", PM_FILE_REFUSED, "symbolic link"},
        {"pipe", PM_FILE_REFUSED, "no regular file"},
        {"sub", PM_FILE, "is not a file"},
        {"nothing", PM_FILE, "no such file"},
        {"a.txt/b", PM_FILE, "no such file"},
        {"", PM_FILE, "missing file source"},
    };
    place *p = *state;
    char pipe_path[100];
    link_to(p, "../secret/s.txt", "work/link");
    link_to(p, "a.txt", "work/link_in");
    link_to(p, "../secret", "work/dir");
    link_to(p, "../..", "work/sub/up");
    snprintf(pipe_path, sizeof(pipe_path), "%s/work/pipe", p->root);
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char content[100];
        err e = ERR_INIT;
        assert_row(i, try_open(p, rows[i].path, content, &e) == rows[i].code);
        assert_row(i, strstr(e.msg, rows[i].says));
        if (rows[i].code == PM_FILE_REFUSED)
            assert_row(i, strstr(e.hint, "--allow-files DIR"));
    }
    int fd;
    uint64_t bytes;
    assert_code(pm_folder_open(p->folder, STR("a.txt\0.png"), &fd, &bytes, NULL), PM_FILE);
}

static void T41_a_path_of_many_names_is_refused(void **state)
{
    place *p = *state;
    buf path;
    int fd;
    uint64_t bytes;
    err e = ERR_INIT;
    buf_init(&path, 1 << 20);
    for (int i = 0; i < 200; i++)
        buf_addz(&path, "a/");
    assert_code(pm_folder_open(p->folder, buf_str(&path), &fd, &bytes, &e), PM_FILE_REFUSED);
    buf_deinit(&path);
}

static void T41_credentials_are_refused(void **state)
{
    static const struct {
        const char *name, *content;
        bool refused;
    } rows[] = {
        {"key.pem", "x\n-----BEGIN PRIVATE KEY-----\nMII", true},
        {"key", "-----BEGIN RSA PRIVATE KEY-----\n", true},
        {"id_ed25519", "-----BEGIN OPENSSH PRIVATE KEY-----\n", true},
        {"putty.ppk", "PuTTY-User-Key-File-3: ssh-ed25519", true},
        {"sa.json", "{\"type\":\"service_account\",\"private_key\":\"x\"}", true},
        {"adc.json", "{\"client_id\":\"x\",\"refresh_token\":\"y\"}", true},
        {"wif.json", "{\"type\":\"external_account\"}", true},
        {"application_default_credentials.json", "{}", true},
        {"Application_Default_Credentials.JSON", "{}", true},
        {"credentials.db", "SQLite format 3", true},
        {"access_tokens.db", "SQLite format 3", true},
        {".netrc", "machine h", true},
        {".npmrc", "x", true},
        {".pgpass", "x", true},
        {".boto", "x", true},
        {"bundle.p12", "\x30\x82", true},
        {"bundle.PFX", "\x30\x82", true},
        {"cert.pem", "-----BEGIN CERTIFICATE-----\n", false},
        {"pub.pem", "-----BEGIN PUBLIC KEY-----\n", false},
        {"order.json", "{\"note\":\"a private_key is not here\"}", false},
    };
    place *p = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char path[100], content[100];
        err e = ERR_INIT;
        snprintf(path, sizeof(path), "work/%s", rows[i].name);
        put(p, path, rows[i].content);
        code c = try_open(p, rows[i].name, content, &e);
        assert_row(i, c == (rows[i].refused ? PM_FILE_REFUSED : OK));
        assert_row(i, !rows[i].refused || strstr(e.msg, "it holds a credential"));
        assert_row(i, !rows[i].refused || !strstr(e.hint, "--allow-files"));
    }
    // also where it doesn't begin the file
    buf big;
    buf_init(&big, 1 << 20);
    for (int i = 0; i < 3000; i++)
        buf_addz(&big, "a line before the key of the bundle\n");
    buf_addz(&big, "-----BEGIN EC PRIVATE KEY-----\n");
    put(p, "work/bundle.txt", buf_cstr(&big));
    buf_deinit(&big);
    char content[100];
    err e = ERR_INIT;
    assert_code(try_open(p, "bundle.txt", content, &e), PM_FILE_REFUSED);
}

static void a_directory_must_exist(void **state)
{
    pm_folder *f = NULL;
    err e = ERR_INIT;
    str file = STR("/etc/passwd");
    (void)state;
    assert_code(pm_folder_new("/nothing/here", NULL, 0, &f, &e), PM_FILE);
    assert_non_null(strstr(e.msg, "/nothing/here"));
    assert_code(pm_folder_new("/tmp", &file, 1, &f, &e), PM_FILE);
    assert_null(f);
    pm_folder_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_beneath_are_opened, setup, teardown),
        cmocka_unit_test_setup_teardown(T41_nothing_outside_is_opened, setup, teardown),
        cmocka_unit_test_setup_teardown(T41_a_path_of_many_names_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(T41_credentials_are_refused, setup, teardown),
        cmocka_unit_test(a_directory_must_exist),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
