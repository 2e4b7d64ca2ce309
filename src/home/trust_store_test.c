// SPDX-License-Identifier: Apache-2.0
#include <sys/wait.h>

#include "home/home_test.h"

static const char hash_a[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char hash_b[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

static trust_store *load(void)
{
    err e = ERR_INIT;
    trust_store *s = NULL;
    if (trust_store_load(&s, &e))
        fail_msg("%s", e.msg);
    return s;
}

static void assert_specs(const trust_store *s, const char *wanted)
{
    buf got;
    buf_init(&got, 4096);
    const trust_entry *one;
    for (size_t i = 0; (one = trust_store_at(s, i)); i++)
        buf_addf(&got, "%s" STR_FMT, i ? " " : "", STR_ARG(one->spec));
    assert_strz(buf_str(&got), wanted);
    buf_deinit(&got);
}

static const char *store_file(const char *content, mode_t mode)
{
    const char *dir;
    assert_int_equal(home_path(HOME_CONFIG, true, &mem, &dir, NULL), OK);
    const char *path = arena_printf(&mem, "%s/trust.json", dir).ptr;
    put_file(path, content, mode);
    return path;
}

static void what_is_added_is_there_next_time(void **state)
{
    (void)state;
    trust_store *s = load(); // none is an empty one
    assert_specs(s, "");
    assert_int_equal(trust_store_add(s, STR("123456789012"), NULL), OK);
    assert_int_equal(trust_store_add(s, STR("https://orders.example"), NULL), OK);
    assert_int_equal(trust_store_add(s, STR("123456789012"), NULL), OK); // once
    assert_int_equal(trust_store_add_file(s, "/p/gatepost.yaml", hash_a, NULL), OK);
    assert_specs(s, "123456789012 https://orders.example /p/gatepost.yaml");
    trust_store_free(s);
    s = load();
    assert_specs(s, "123456789012 https://orders.example /p/gatepost.yaml");
    int64_t added;
    assert_true(clock_parse_rfc3339(trust_store_at(s, 0)->added, &added));
    assert_true(clock_wall_ns() - added < 60000000000);
    assert_int_equal(mode_of(at(".config/gatepost/trust.json")), 0600);
    trust_store_free(s);
}

static void a_file_is_trusted_by_its_content(void **state)
{
    (void)state;
    trust_store *s = load();
    assert_false(trust_store_has_file(s, hash_a));
    assert_int_equal(trust_store_add_file(s, "/p/gatepost.yaml", hash_a, NULL), OK);
    assert_true(trust_store_has_file(s, hash_a));
    // A changed file takes the place of what was recorded.
    assert_int_equal(trust_store_add_file(s, "/p/gatepost.yaml", hash_b, NULL), OK);
    assert_false(trust_store_has_file(s, hash_a));
    assert_true(trust_store_has_file(s, hash_b));
    assert_specs(s, "/p/gatepost.yaml");
    assert_false(trust_store_has_file(s, ""));
    // A spec that looks like a path or a hash trusts no file.
    assert_int_equal(trust_store_add(s, str_from(hash_a), NULL), OK);
    assert_false(trust_store_has_file(s, hash_a));
    trust_store_free(s);
}

static void what_is_removed_is_gone(void **state)
{
    (void)state;
    trust_store *s = load();
    err e = ERR_INIT;
    assert_int_equal(trust_store_add(s, STR("abc123xyz0"), NULL), OK);
    assert_int_equal(trust_store_add_file(s, "/p/gatepost.yaml", hash_a, NULL), OK);
    assert_code(trust_store_remove(s, STR("https://orders.example"), &e), HOME_ABSENT);
    assert_mentions(e.msg, "https://orders.example");
    assert_mentions(e.hint, "gatepost trust list");
    assert_int_equal(trust_store_remove(s, trust_store_at(s, 0)->spec, NULL), OK);
    assert_specs(s, "/p/gatepost.yaml");
    assert_int_equal(trust_store_remove(s, STR("/p/gatepost.yaml"), NULL), OK);
    assert_int_equal(trust_store_remove(s, STR("/p/gatepost.yaml"), NULL), HOME_ABSENT);
    trust_store_free(s);
    s = load();
    assert_specs(s, "");
    trust_store_free(s);
}

static void changes_of_several_processes_all_count(void **state)
{
    (void)state;
    enum { PROCESSES = 4, EACH = 8 };
    pid_t children[PROCESSES];
    for (int p = 0; p < PROCESSES; p++) {
        children[p] = fork();
        if (children[p] != 0)
            continue;
        trust_store *s = NULL;
        bool good = trust_store_load(&s, NULL) == OK;
        for (int i = 0; good && i < EACH; i++) {
            char spec[32];
            snprintf(spec, sizeof(spec), "project%d%d", p, i);
            good = trust_store_add(s, str_from(spec), NULL) == OK;
        }
        trust_store_free(s);
        _exit(good ? 0 : 1);
    }
    for (int p = 0; p < PROCESSES; p++) {
        int status;
        assert_int_equal(waitpid(children[p], &status, 0), children[p]);
        assert_int_equal(status, 0);
    }
    trust_store *s = load();
    assert_non_null(trust_store_at(s, PROCESSES * EACH - 1));
    assert_null(trust_store_at(s, PROCESSES * EACH));
    trust_store_free(s);
}

static void T39_a_store_that_others_could_have_written_is_refused(void **state)
{
    (void)state;
    static const char content[] = "{\"trusted\":[{\"spec\":\"abc123xyz0\",\"added\":\"x\"}]}";
    static const struct {
        mode_t mode;
        code code;
    } rows[] = {{0600, OK}, {0644, OK}, {0664, HOME_FILE}, {0646, HOME_FILE}, {0666, HOME_FILE}};
    trust_store *s = NULL;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        err e = ERR_INIT;
        const char *path = store_file(content, rows[i].mode);
        assert_code(trust_store_load(&s, &e), rows[i].code);
        if (rows[i].code == OK)
            trust_store_free(s);
        else
            assert_mentions(e.msg, path);
    }
    const char *path = store_file(content, 0600);
    assert_int_equal(rename(path, at("elsewhere")), 0);
    assert_int_equal(symlink(at("elsewhere"), path), 0);
    assert_int_equal(trust_store_load(&s, NULL), HOME_FILE);
}

static void a_damaged_store_is_an_error_with_its_place_and_is_left_alone(void **state)
{
    (void)state;
    static const struct {
        const char *content;
        code code;
        uint32_t line;
    } rows[] = {
        {"", DATA_SYNTAX, 1},
        {"{\"trusted\":[\n", DATA_SYNTAX, 2},
        {"[]", DATA_TYPE, 1},
        {"{\"trusted\":{}}", DATA_TYPE, 1},
        {"{\"trusted\":[{\"spec\":1,\"added\":\"x\"}]}", DATA_TYPE, 1},
        {"{\n\"trusted\":[{\"added\":\"x\"}]}", DATA_MISSING, 2},
        {"{\"trusted\":[{\"spec\":\"\",\"added\":\"x\"}]}", DATA_VALUE, 1},
        {"{\"files\":[{\"path\":\"/p\",\"hash\":\"abc\",\"added\":\"x\"}]}", DATA_VALUE, 1},
        {"{\n\n\"trust\":[]}", DATA_UNKNOWN, 3},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        err e = ERR_INIT;
        trust_store *s = NULL;
        store_file(rows[i].content, 0600);
        code c = trust_store_load(&s, &e);
        if (c != rows[i].code || e.line != rows[i].line)
            fail_msg("row %zu: %s %u: %s", i, code_id(c), e.line, e.msg);
        assert_mentions(e.file, "trust.json");
    }
    store_file("{\"trusted\":[]}", 0600);
    trust_store *s = load();
    store_file("damaged", 0600);
    assert_int_equal(trust_store_add(s, STR("abc123xyz0"), NULL), DATA_SYNTAX);
    trust_store_free(s);
    store_file("{\"trusted\":[]}", 0600);
    s = load();
    assert_specs(s, "");
    trust_store_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_added_is_there_next_time),
        TEST(a_file_is_trusted_by_its_content),
        TEST(what_is_removed_is_gone),
        TEST(changes_of_several_processes_all_count),
        TEST(T39_a_store_that_others_could_have_written_is_refused),
        TEST(a_damaged_store_is_an_error_with_its_place_and_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
