// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "home/home_test.h"
#include "home/process.h"

static const str run_app_urls[] = {{"https://orders-abc123xyz0-uc.a.run.app", 38},
                                   {"https://orders-123456789012.us-central1.run.app", 47}};

static home_address example(void)
{
    static const address_service services[] = {
        {.name = {"orders", 6},
         .url = {"http://127.0.0.1:8081", 21},
         .run_app_urls = run_app_urls,
         .run_app_url_count = 2,
         .policy = {"/p/policy.yaml", 14}},
        {.name = {"bare", 4}, .url = {"http://[::1]:8082", 17}},
    };
    static const address_account accounts[] = {
        {.email = {"tester@p.example", 16}, .key_file = {"/p/tester.json", 14}},
        {.email = {"keyless@p.example", 17}},
    };
    return (home_address){
        .project = STR("my-project"),
        .project_number = STR("123456789012"),
        .issuer = STR("https://accounts.google.com"),
        .token_url = STR("http://127.0.0.1:8080/token"),
        .iam_url = STR("http://127.0.0.1:8080"),
        .metadata = STR("http://127.0.0.1:8083"),
        .jwks = STR("http://127.0.0.1:8080/oauth2/v3/certs"),
        .certs = STR("http://127.0.0.1:8080/oauth2/v1/certs"),
        .admin = STR("http://127.0.0.1:8080/admin"),
        .run_as = STR("tester@p.example"),
        .audit = STR("/p/audit"),
        .services = services,
        .service_count = 2,
        .accounts = accounts,
        .account_count = 2,
    };
}

static const char *file_path(void)
{
    const char *path;
    assert_int_equal(address_path(&mem, &path, NULL), OK);
    return path;
}

static const home_address *read_ok(void)
{
    err e = ERR_INIT;
    const home_address *ad = NULL;
    if (address_read(&mem, &ad, &e))
        fail_msg("%s", e.msg);
    return ad;
}

static void write_ok(void)
{
    home_address ad = example();
    err e = ERR_INIT;
    if (address_write(&ad, &e))
        fail_msg("%s", e.msg);
}

// A process of this user that lives until it is told to end, or the test does.
static pid_t spare_process(void)
{
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    return child;
}

static void end_process(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    assert_null(read_ok()); // no file, no directory
    write_ok();
    assert_int_equal(mode_of(file_path()), 0600);
    const home_address *ad = read_ok();
    assert_non_null(ad);
    assert_int_equal(ad->pid, getpid());
    assert_strz(ad->project, "my-project");
    assert_strz(ad->project_number, "123456789012");
    assert_strz(ad->issuer, "https://accounts.google.com");
    assert_strz(ad->token_url, "http://127.0.0.1:8080/token");
    assert_strz(ad->iam_url, "http://127.0.0.1:8080");
    assert_strz(ad->metadata, "http://127.0.0.1:8083");
    assert_strz(ad->jwks, "http://127.0.0.1:8080/oauth2/v3/certs");
    assert_strz(ad->certs, "http://127.0.0.1:8080/oauth2/v1/certs");
    assert_strz(ad->admin, "http://127.0.0.1:8080/admin");
    assert_strz(ad->run_as, "tester@p.example");
    assert_strz(ad->audit, "/p/audit");
    assert_int_equal(ad->service_count, 2);
    assert_strz(ad->services[0].name, "orders");
    assert_strz(ad->services[0].url, "http://127.0.0.1:8081");
    assert_int_equal(ad->services[0].run_app_url_count, 2);
    assert_str(ad->services[0].run_app_urls[1], run_app_urls[1]);
    assert_strz(ad->services[0].policy, "/p/policy.yaml");
    assert_strz(ad->services[1].url, "http://[::1]:8082");
    assert_int_equal(ad->services[1].policy.len, 0);
    assert_int_equal(ad->account_count, 2);
    assert_strz(ad->accounts[0].key_file, "/p/tester.json");
    assert_strz(ad->accounts[1].email, "keyless@p.example");
    assert_int_equal(ad->accounts[1].key_file.len, 0);
    write_ok(); // its own again: a service was added
    address_remove();
    assert_int_equal(access(file_path(), F_OK), -1);
    address_remove();
}

// ---- T40: what is believed
// ------------------------------------------------------------------------

// The file with the first `from` in it replaced.
static void change(const char *from, const char *to)
{
    char text[8192] = "";
    int fd = open(file_path(), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
    close(fd);
    char *found = strstr(text, from);
    if (!found)
        fail_msg("there is no '%s' in %s", from, text);
    *found = '\0';
    put_file(file_path(), arena_printf(&mem, "%s%s%s", text, to, found + strlen(from)).ptr, 0600);
}

static void T40_a_file_that_others_could_have_written_is_not_believed(void **state)
{
    (void)state;
    static const mode_t modes[] = {0601, 0604, 0610, 0620, 0640, 0644, 0666};
    const home_address *ad;
    write_ok();
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        err e = ERR_INIT;
        chmod(file_path(), modes[i]);
        assert_row(i, address_read(&mem, &ad, &e) == HOME_FORGED && !ad);
        assert_mentions(e.msg, file_path());
        assert_mentions(e.msg, "is open to other users");
        // Nor is it replaced in silence.
        home_address own = example();
        assert_row(i, address_write(&own, NULL) == HOME_FORGED);
    }
    chmod(file_path(), 0600);
    assert_non_null(read_ok());
    assert_int_equal(rename(file_path(), at("elsewhere")), 0);
    assert_int_equal(symlink(at("elsewhere"), file_path()), 0);
    assert_int_equal(address_read(&mem, &ad, NULL), HOME_FORGED);
    unlink(file_path());
    assert_int_equal(mkfifo(file_path(), 0600), 0); // doesn't hang either
    assert_int_equal(address_read(&mem, &ad, NULL), HOME_FORGED);
    unlink(file_path());
    chmod(at("gatepost"), 0755);
    assert_int_equal(address_read(&mem, &ad, NULL), HOME_DIR);
}

static void T40_only_addresses_of_this_machine_are_believed(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "https://127.0.0.1:8080/token",
        "http://localhost:8080/token",
        "http://127.0.0.1",
        "http://127.0.0.1.evil.example:8080/token",
        "http://127.0.0.1:8080@evil.example/token",
        "http://evil.example#127.0.0.1:8080/token",
        "http://127.0.0.1:8080\\\\@evil.example/token",
        "http://127.0.0.1:8080?@evil.example/token",
        "http://127.0.0.2:8080/token",
        "http://10.0.0.1:8080/token",
        "http://169.254.169.254:80/token",
        "http://0.0.0.0:8080/token",
        "http://[::]:8080/token",
        "http://[::ffff:10.0.0.1]:8080/token",
        "http://2130706433:8080/token",
        "http://127.1:8080/token",
        "http://127.0.0.1:8080/token\\nHost: evil.example",
        "file:///etc/passwd",
        "",
    };
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        err e = ERR_INIT;
        const home_address *ad;
        write_ok();
        change("http://127.0.0.1:8080/token", urls[i]);
        assert_row(i, address_read(&mem, &ad, &e) == HOME_FORGED && !ad);
        assert_mentions(e.msg, "token_url");
        assert_row(i, e.line > 0 && e.hint[0]);
        unlink(file_path());
    }
    static const char *const members[] = {"http://127.0.0.1:8080/oauth2/v3/certs",
                                          "http://127.0.0.1:8080/oauth2/v1/certs",
                                          "http://127.0.0.1:8080/admin",
                                          "http://127.0.0.1:8081",
                                          "http://[::1]:8082",
                                          "http://127.0.0.1:8083",
                                          "https://orders-abc123xyz0-uc.a.run.app"};
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const home_address *ad;
        write_ok();
        change(members[i], "http://evil.example:80");
        assert_row(i, address_read(&mem, &ad, NULL) == HOME_FORGED);
        unlink(file_path());
    }
}

static void T40_a_file_that_gatepost_never_wrote_is_not_believed(void **state)
{
    (void)state;
    static const char *const contents[] = {
        "", "null", "[]", "{}", "{\"pid\":1}", "not json", "{\"pid\":-1,\"started\":1}",
    };
    write_ok();
    for (size_t i = 0; i < ARRAY_LEN(contents); i++) {
        const home_address *ad;
        put_file(file_path(), contents[i], 0600);
        assert_row(i, address_read(&mem, &ad, NULL) == HOME_FORGED && !ad);
    }
    unlink(file_path());
    write_ok();
    change("\"audit\"", "\"extra\": 1,\n\"audit\"");
    const home_address *ad;
    assert_int_equal(address_read(&mem, &ad, NULL), HOME_FORGED);
}

static void T40_a_reused_pid_is_not_believed(void **state)
{
    (void)state;
    char mine[64], other[64];
    int64_t started;
    pid_t child = spare_process();
    assert_true(process_started(getpid(), &started));
    write_ok();
    snprintf(mine, sizeof(mine), "\"started\": %lld", (long long)started);
    snprintf(other, sizeof(other), "\"started\": %lld", (long long)started + 1);
    change(mine, other); // the pid is alive, but it is another process
    assert_null(read_ok());
    write_ok(); // so there is nothing to stop for
    assert_non_null(read_ok());
    assert_true(process_started(child, &started));
    assert_true(process_alive(child, started));
    end_process(child);
    assert_false(process_alive(child, started));
    assert_false(process_alive(0, 0));
    assert_false(process_alive(-1, 0));
}

static void only_one_up_of_a_user_runs(void **state)
{
    (void)state;
    char mine[32], other[64];
    int64_t started;
    pid_t child = spare_process();
    write_ok();
    assert_true(process_started(child, &started));
    snprintf(mine, sizeof(mine), "\"pid\": %lld", (long long)getpid());
    snprintf(other, sizeof(other), "\"pid\": %lld", (long long)child);
    change(mine, other);
    int64_t own;
    assert_true(process_started(getpid(), &own));
    snprintf(mine, sizeof(mine), "\"started\": %lld", (long long)own);
    snprintf(other, sizeof(other), "\"started\": %lld", (long long)started);
    change(mine, other);
    err e = ERR_INIT;
    home_address ad = example();
    assert_code(address_write(&ad, &e), HOME_RUNNING);
    assert_mentions(e.msg, "my-project");
    snprintf(other, sizeof(other), "kill %lld", (long long)child);
    assert_mentions(e.hint, other);
    address_remove(); // not this process's
    assert_int_equal(read_ok()->pid, child);
    end_process(child);
    assert_null(read_ok());
    assert_code(address_write(&ad, &e), OK);
    assert_int_equal(read_ok()->pid, getpid());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_written_is_read),
        TEST(T40_a_file_that_others_could_have_written_is_not_believed),
        TEST(T40_only_addresses_of_this_machine_are_believed),
        TEST(T40_a_file_that_gatepost_never_wrote_is_not_believed),
        TEST(T40_a_reused_pid_is_not_believed),
        TEST(only_one_up_of_a_user_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
