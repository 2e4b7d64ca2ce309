// SPDX-License-Identifier: Apache-2.0
// Tests of reading, asking, building and writing JSON.
#include <unistd.h>

#include "base/test.h"
#include "data/data.h"

static const json_opts tolerant = {.file = "c.json", .tolerant = true};

// Reads text and writes it again, compact; NULL when it is refused.
static char *again(const char *text, const json_opts *opts, err *e)
{
    arena a;
    arena_init(&a);
    json *root = NULL;
    char *out = NULL;
    if (json_parse(&a, str_from(text), opts, &root, e) == OK)
        out = json_text(root, JSON_COMPACT);
    arena_deinit(&a);
    return out;
}

static void what_is_read_is_written_again(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"null", "null"},
        {" [ ] ", "[]"},
        {"{}", "{}"},
        {"[true,false,null]", "[true,false,null]"},
        {"{\"b\":1,\"a\":{\"c\":[]}}", "{\"b\":1,\"a\":{\"c\":[]}}"},
        {"[0,-0,10.50,1E+3,1e400,123456789012345678901234567890]",
         "[0,-0,10.50,1E+3,1e400,123456789012345678901234567890]"},
        {"\"\\u00e9\\ud83d\\ude00\\/\\\"\\\\\\n\"", "\"é😀/\\\"\\\\\\n\""},
        {"\"a\\tb\\u0041c\"", "\"a\\tbAc\""},
        {"\r\n\t [1 ,\n2]", "[1,2]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *out = again(rows[i].in, NULL, NULL);
        assert_non_null(out);
        assert_string_equal(out, rows[i].out);
        free(out);
    }
}

static void bad_text_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        code code;
        uint32_t line, col;
        const char *says;
    } rows[] = {
        {"", DATA_SYNTAX, 1, 1, "expected a value, found the end"},
        {"{\"a\":1,}", DATA_SYNTAX, 1, 8, "a name in double quotes, found '}'"},
        {"[1,]", DATA_SYNTAX, 1, 4, "expected a value, found ']'"},
        {"[1 2]", DATA_SYNTAX, 1, 4, "',' or ']'"},
        {"{\n  'a': 1}", DATA_SYNTAX, 2, 3, "double quotes"},
        {"{\"a\" 1}", DATA_SYNTAX, 1, 6, "':'"},
        {"[1]\n]", DATA_SYNTAX, 2, 1, "nothing more"},
        {"[\"é\\u00e9\", x]", DATA_SYNTAX, 1, 13, "expected a value, found 'x'"},
        {"\"ab", DATA_SYNTAX, 1, 4, "not closed"},
        {"\"a\nb\"", DATA_SYNTAX, 1, 3, "control character"},
        {"\"\\x\"", DATA_SYNTAX, 1, 2, "no escape '\\x'"},
        {"\"\\u12g4\"", DATA_SYNTAX, 1, 2, "hexadecimal"},
        {"\"\\ud800\"", DATA_SYNTAX, 1, 2, "surrogate"},
        {"\"\\ud800\\u0041\"", DATA_SYNTAX, 1, 2, "surrogate"},
        {"\"\\u0000\"", DATA_SYNTAX, 1, 2, "\\u0000"},
        {"01", DATA_SYNTAX, 1, 1, "leading zero"},
        {"-", DATA_SYNTAX, 1, 2, "digits"},
        {"1.", DATA_SYNTAX, 1, 3, "point"},
        {"1e", DATA_SYNTAX, 1, 3, "exponent"},
        {"+1", DATA_SYNTAX, 1, 1, "a value"},
        {"nul", DATA_SYNTAX, 1, 1, "a value"},
        {"NaN", DATA_SYNTAX, 1, 1, "a value"},
        {"\xEF\xBB\xBF{}", DATA_SYNTAX, 1, 1, "byte order mark"},
        {"[\"a\",\n\"\xff\"]", DATA_SYNTAX, 2, 2, "not UTF-8"},
        {"\"\xc0\xaf\"", DATA_SYNTAX, 1, 2, "not UTF-8"},
        {"{\"a\":1,\n \"a\":2}", DATA_DUPLICATE, 2, 2, "'a' appears twice"},
        {"{\"a\":1,\"\\u0061\":2}", DATA_DUPLICATE, 1, 8, "'a' appears twice"},
        {"[[[[[1]]]]]", DATA_LIMIT, 1, 5, "deeper than 4"},
        {"[1,2,3,4,5,6,7,8,9,0,1,2]", DATA_LIMIT, 1, 20, "more than 10 values"},
    };
    const json_opts opts = {.file = "c.json", .depth_max = 4, .values_max = 10, .bytes_max = 60};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        err e = ERR_INIT;
        assert_null(again(rows[i].in, &opts, &e));
        assert_code(e.code, rows[i].code);
        assert_non_null(strstr(e.msg, rows[i].says));
        assert_string_equal(e.file, "c.json");
        assert_int_equal(e.line, rows[i].line);
        assert_int_equal(e.col, rows[i].col);
    }
}

static void a_text_over_the_limit_is_not_read(void **state)
{
    (void)state;
    const json_opts opts = {.file = "big.json", .bytes_max = 4};
    err e = ERR_INIT;
    assert_null(again("[1,2]", &opts, &e));
    assert_code(e.code, DATA_LIMIT);
    assert_string_equal(e.file, "big.json");
    free(again("[12]", &opts, NULL));
}

// Threat 50: nesting far beyond any stack, and a million names in one object.
static void T50_deep_and_wide_texts_end_in_time(void **state)
{
    (void)state;
    enum { DEEP = 1000000, WIDE = 100000 };
    buf b;
    buf_init(&b, 64 << 20);
    for (int i = 0; i < DEEP; i++)
        buf_addc(&b, '[');
    err e = ERR_INIT;
    assert_null(again(buf_cstr(&b), &tolerant, &e));
    assert_code(e.code, DATA_LIMIT);

    buf_reset(&b);
    for (int i = 0; i < WIDE; i++)
        buf_addf(&b, "%s\"name%d\":%d", i ? "," : "{", i, i);
    buf_addz(&b, "}");
    arena a;
    arena_init(&a);
    json *root = NULL;
    uint64_t start = clock_mono_ms();
    assert_code(json_parse(&a, buf_str(&b), NULL, &root, NULL), OK);
    assert_int_equal(root->len, WIDE);
    for (int i = 0; i < WIDE; i += 7) {
        char name[32];
        snprintf(name, sizeof(name), "name%d", i);
        assert_int_equal(json_i64_or(json_get(root, name), -1), i);
    }
    assert_true(clock_mono_ms() - start < 5000); // quadratic work takes minutes
    arena_deinit(&a);
    buf_deinit(&b);
}

// Of a name that comes again and again the last value counts, in the first one's place, however
// many other names there are.
static void T50_a_repeated_name_costs_no_walk(void **state)
{
    (void)state;
    enum { NAMES = 100000 };
    arena a;
    buf b;
    json *root = NULL;
    buf_init(&b, 64 << 20);
    for (int i = 0; i < NAMES; i++)
        buf_addf(&b, "%s\"n%d\":0", i ? "," : "{", i);
    for (int i = 0; i < NAMES; i++)
        buf_addf(&b, ",\"n%d\":%s", NAMES / 2, i + 1 < NAMES ? "[1]" : "{\"in\":[7]}");
    buf_addz(&b, "}");
    arena_init(&a);
    uint64_t start = clock_mono_ms();
    assert_code(json_parse(&a, buf_str(&b), &tolerant, &root, NULL), OK);
    assert_true(clock_mono_ms() - start < 5000);
    assert_int_equal(root->len, NAMES);
    const json *again = json_get(root, "n50000"), *in = json_get(again, "in");
    assert_ptr_equal(json_get(root, "n49999")->next, again);
    assert_strz(again->next->key, "n50001");
    buf_reset(&b);
    json_path(&b, json_first(in)); // its parents are those of the tree
    assert_strz(buf_str(&b), "n50000.in[0]");
    buf_deinit(&b);
    arena_deinit(&a);
}

static void tolerant_reading_takes_what_newman_takes(void **state)
{
    (void)state;
    static const struct {
        str in;
        const char *out;
    } rows[] = {
        {STR("\xEF\xBB\xBF{\"a\":1}"), "{\"a\":1}"},
        {STR("\xFF\xFE[\0\x3d\xd8\x00\xde"
             "1\0]\0"),
         NULL},
        {STR("\xFF\xFE[\0\"\0\xe9\0\x3d\xd8\x00\xde\"\0]\0"), "[\"é😀\"]"},
        {STR("[\0001\0]\0"), "[1]"},
        {STR("\"caf\xe9\""), "\"café\""},
        {STR("{\"a\":1,\"b\":2,\"a\":3}"), "{\"a\":3,\"b\":2}"},
        {STR("\"a\\u0000b\""), "\"a\\u0000b\""},
        {STR("\"\\ud800x\\udc00\""), "\"\xEF\xBF\xBDx\xEF\xBF\xBD\""},
        {STR("[1e999]"), "[1e999]"},
        {STR("{'a':1}"), NULL},
        {STR("[1,]"), NULL},
        {STR("[1]\0"), NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        arena_init(&a);
        json *root = NULL;
        code c = json_parse(&a, rows[i].in, &tolerant, &root, NULL);
        assert_code(c, rows[i].out ? OK : DATA_SYNTAX);
        char *out = c == OK ? json_text(root, JSON_COMPACT) : NULL;
        if (out)
            assert_string_equal(out, rows[i].out);
        free(out);
        arena_deinit(&a);
    }
}

static const char sample[] = "{\n"
                             "  \"name\": \"orders\",\n"
                             "  \"count\": 3,\n"
                             "  \"rate\": 0.5,\n"
                             "  \"on\": true,\n"
                             "  \"none\": null,\n"
                             "  \"wait\": \"1m30s\",\n"
                             "  \"spec\": {\"containers\": [{}, {\"image\": 7, \"a b\": []}]}\n"
                             "}";

typedef struct fixture {
    arena a;
    json *root;
    err e;
} fixture;

static int setup(void **state)
{
    fixture *f = NEW(fixture);
    const json_opts opts = {.file = "s.json"};
    arena_init(&f->a);
    assert_code(json_parse(&f->a, str_from(sample), &opts, &f->root, NULL), OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    arena_deinit(&f->a);
    free(f);
    return 0;
}

static void values_are_given_by_name_and_type(void **state)
{
    fixture *f = *state;
    str name = STR_NONE, text = STR_NONE;
    int64_t count = 0;
    bool on = false;
    uint64_t wait_ms = 0;
    const json *spec = NULL, *list = NULL;
    assert_code(json_get_str(f->root, "name", &name, &f->e), OK);
    assert_code(json_get_i64(f->root, "count", &count, &f->e), OK);
    assert_code(json_get_bool(f->root, "on", &on, &f->e), OK);
    assert_code(json_get_obj(f->root, "spec", &spec, &f->e), OK);
    assert_code(json_get_arr(spec, "containers", &list, &f->e), OK);
    assert_code(json_get_text(f->root, "count", &text, &f->e), OK);
    assert_code(json_opt_duration(f->root, "wait", &wait_ms, &f->e), OK);
    assert_true(str_eq(name, STR("orders")));
    assert_int_equal(count, 3);
    assert_true(on);
    assert_true(str_eq(text, STR("3")));
    assert_int_equal(wait_ms, 90000);
    assert_ptr_equal(json_get(json_at(list, 1), "image")->parent, json_at(list, 1));
    assert_null(json_at(list, 2));
}

static void an_absent_or_null_value_keeps_the_default(void **state)
{
    fixture *f = *state;
    str text = STR("default");
    int64_t n = 5;
    const json *v = f->root;
    assert_code(json_opt_str(f->root, "absent", &text, &f->e), OK);
    assert_code(json_opt_str(f->root, "none", &text, &f->e), OK);
    assert_code(json_opt_i64(f->root, "absent", &n, &f->e), OK);
    assert_code(json_opt_obj(f->root, "absent", &v, &f->e), OK);
    assert_true(str_eq(text, STR("default")));
    assert_int_equal(n, 5);
    assert_ptr_equal(v, f->root);
    assert_null(json_get(NULL, "x"));
    assert_null(json_get(json_get(f->root, "name"), "x"));
}

static void a_wrong_value_is_named_by_path_and_place(void **state)
{
    fixture *f = *state;
    const json *c1 = json_at(json_get(json_get(f->root, "spec"), "containers"), 1);
    str text;
    int64_t n;
    const json *v;
    assert_code(json_get_str(c1, "image", &text, &f->e), DATA_TYPE);
    assert_string_equal(f->e.msg, "spec.containers[1].image: must be a string, not a number");
    assert_string_equal(f->e.hint, "put the value in quotes");
    assert_string_equal(f->e.file, "s.json");
    assert_int_equal(f->e.line, 8);
    assert_int_equal(f->e.col, 41);
    assert_code(json_get_str(c1, "port", &text, &f->e), DATA_MISSING);
    assert_string_equal(f->e.msg, "spec.containers[1].port: is missing: it must be a string");
    assert_code(json_get_str(f->root, "none", &text, &f->e), DATA_MISSING);
    assert_code(json_get_i64(f->root, "rate", &n, &f->e), DATA_VALUE);
    assert_string_equal(f->e.msg, "rate: must be a whole number, not 0.5");
    assert_code(json_get_obj(f->root, "name", &v, &f->e), DATA_TYPE);
    assert_code(json_opt_arr(f->root, "name", &v, &f->e), DATA_TYPE);
    assert_code(json_err(json_get(c1, "a b"), &f->e, DATA_VALUE, "is %s", "odd"), DATA_VALUE);
    assert_string_equal(f->e.msg, "spec.containers[1][\"a b\"]: is odd");
}

static void whole_numbers_keep_their_value(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        code code;
        int64_t value;
    } rows[] = {
        {"9223372036854775807", OK, INT64_MAX},
        {"-9223372036854775808", OK, INT64_MIN},
        {"1e3", OK, 1000},
        {"5.0", OK, 5},
        {"-0", OK, 0},
        {"1.5", DATA_VALUE, 0},
        {"9223372036854775808", DATA_VALUE, 0},
        {"1e300", DATA_VALUE, 0},
        {"1e999", DATA_VALUE, 0},
        {"\"1\"", DATA_TYPE, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        arena_init(&a);
        json *root = NULL;
        int64_t value = 0;
        assert_code(json_parse(&a, str_from(rows[i].text), NULL, &root, NULL), OK);
        assert_code(json_to_i64(root, &value, NULL), rows[i].code);
        assert_int_equal(value, rows[i].value);
        arena_deinit(&a);
    }
}

static void an_unknown_name_is_refused_with_the_nearest(void **state)
{
    fixture *f = *state;
    assert_code(JSON_KNOWN(f->root, &f->e, "name", "count", "rates", "on", "none", "wait", "spec"),
                DATA_UNKNOWN);
    assert_string_equal(f->e.msg, "rate: there is no setting 'rate' here");
    assert_string_equal(f->e.hint, "did you mean 'rates'?");
    assert_code(JSON_KNOWN(f->root, &f->e, "name", "count", "rate", "on", "none", "wait", "spec"),
                OK);
}

static void trees_are_built_changed_and_compared(void **state)
{
    fixture *f = *state;
    arena *a = &f->a;
    json *root = json_new(a, JSON_OBJECT), *list = json_new(a, JSON_ARRAY);
    for (int i = 0; i < 40; i++) {
        char name[16];
        snprintf(name, sizeof(name), "k%d", i);
        json_set(a, root, str_from(name), json_new_i64(a, i));
    }
    json_set(a, root, STR("k7"), json_new_str(a, STR("bad \xff byte")));
    json_set(a, root, STR("list"), list);
    json_push(list, json_new_bool(a, true));
    json_push(list, json_copy(a, json_get(f->root, "spec")));
    for (int i = 39; i >= 2; i--) {
        char name[16];
        snprintf(name, sizeof(name), "k%d", i);
        if (i != 7)
            assert_non_null(json_remove(a, root, str_from(name)));
        assert_ptr_equal(json_remove(a, root, STR("absent")), NULL);
    }
    char *text = json_text(root, JSON_COMPACT);
    assert_string_equal(text, "{\"k0\":0,\"k1\":1,\"k7\":\"bad \xEF\xBF\xBD byte\",\"list\":[true,"
                              "{\"containers\":[{},{\"image\":7,\"a b\":[]}]}]}");
    free(text);
    json *copy = json_copy(a, root);
    json_set(a, copy, STR("k0"), json_remove(a, copy, STR("k0"))); // another order
    assert_true(json_eq(root, copy));
    json_set(a, copy, STR("k1"), json_new_i64(a, 2));
    assert_false(json_eq(root, copy));
}

static void pretty_and_sorted_text_is_stable(void **state)
{
    (void)state;
    arena a;
    arena_init(&a);
    json *root = NULL;
    assert_code(
        json_parse(&a, STR("{\"b\":[1,{}],\"a\":{\"z\":[],\"y\":\"\"}}"), NULL, &root, NULL), OK);
    char *text = json_text(root, JSON_PRETTY | JSON_SORTED);
    assert_string_equal(text, "{\n  \"a\": {\n    \"y\": \"\",\n    \"z\": []\n  },\n"
                              "  \"b\": [\n    1,\n    {}\n  ]\n}");
    free(text);
    text = json_text(json_get(root, "a"), JSON_PRETTY | JSON_TABS);
    assert_string_equal(text, "{\n\t\"z\": [],\n\t\"y\": \"\"\n}");
    free(text);
    text = json_text(json_get(root, "b"), JSON_PRETTY | JSON_BLANKS(3));
    assert_string_equal(text, "[\n   1,\n   {}\n]");
    free(text);
    arena_deinit(&a);
}

static void text_is_written_piece_by_piece(void **state)
{
    fixture *f = *state;
    buf b;
    buf_init(&b, 4096);
    jout w = jout_new(&b, JSON_COMPACT);
    jout_object(&w, NULL);
    jout_str(&w, "s", STR("a\"b"));
    jout_array(&w, "l");
    jout_i64(&w, NULL, -1);
    jout_f64(&w, NULL, 0.1);
    jout_f64(&w, NULL, 1.0 / 0.0);
    jout_object(&w, NULL);
    jout_end(&w);
    jout_end(&w);
    jout_bool(&w, "t", true);
    jout_null(&w, "n");
    jout_strf(&w, "f", "%d of %d", 1, 2);
    jout_key(&w, STR("dynamic name"));
    jout_json(&w, NULL, json_get(json_get(f->root, "spec"), "containers"));
    jout_raw(&w, "r", STR("{\"x\":1}"));
    jout_end(&w);
    assert_string_equal(buf_cstr(&b),
                        "{\"s\":\"a\\\"b\",\"l\":[-1,0.1,null,{}],\"t\":true,\"n\":null,"
                        "\"f\":\"1 of 2\",\"dynamic name\":[{},{\"image\":7,\"a b\":[]}],"
                        "\"r\":{\"x\":1}}");
    buf_deinit(&b);
}

static void a_wiped_tree_holds_no_text(void **state)
{
    (void)state;
    arena a;
    arena_init(&a);
    json *root = NULL;
    assert_code(json_parse(&a, STR("{\"private_key\":\"-----\\nsecret\\n\"}"), NULL, &root, NULL),
                OK);
    str key = json_get(root, "private_key")->text;
    assert_true(str_eq(key, STR("-----\nsecret\n")));
    json_wipe(root);
    // The copy of the file is one block around the value: nothing readable may be left in it.
    for (size_t i = 0; i < strlen("-----\\nsecret\\n\"}"); i++)
        assert_true(key.ptr[i] == 0 || key.ptr[i] == ' ' || key.ptr[i] == '"' || key.ptr[i] == '}');
    arena_deinit(&a);
}

static void a_loaded_file_is_held_once(void **state)
{
    (void)state;
    enum { LEN = 200000 };
    char path[] = "/tmp/gatepost-json-XXXXXX", *text = mem_new(LEN);
    int fd = mkstemp(path);
    memset(text, 'k', LEN);
    memcpy(text, "{\"private_key\":\"", 16);
    memcpy(text + LEN - 2, "\"}", 2);
    assert_true(write(fd, text, LEN) == LEN);
    close(fd);
    arena a;
    arena_init(&a);
    json *root = NULL;
    assert_code(json_load(&a, path, NULL, &root, NULL), OK);
    assert_int_equal(json_get(root, "private_key")->text.len, LEN - 18);
    assert_true(a.used_bytes < LEN + LEN / 2); // json_wipe leaves no copy behind
    arena_deinit(&a);
    unlink(path);
    free(text);
}

static void files_are_read_whole_or_refused(void **state)
{
    fixture *f = *state;
    char path[] = "/tmp/gatepost-json-XXXXXX";
    int fd = mkstemp(path);
    assert_true(write(fd, "{\n \"a\": x}", 10) == 10);
    json *root = NULL;
    assert_code(json_load(&f->a, path, NULL, &root, &f->e), DATA_SYNTAX);
    assert_string_equal(f->e.file, path);
    assert_int_equal(f->e.line, 2);
    str text;
    assert_code(file_read(&f->a, path, 10, &text, &f->e), OK);
    assert_int_equal(text.len, 10);
    assert_code(file_read(&f->a, path, 9, &text, &f->e), DATA_LIMIT);
    assert_code(file_read(&f->a, "/tmp", 9, &text, &f->e), DATA_FILE);
    assert_non_null(strstr(f->e.msg, "is a directory"));
    close(fd);
    unlink(path);
    assert_code(file_read(&f->a, path, 9, &text, &f->e), DATA_FILE);
    assert_non_null(strstr(f->e.msg, "No such file"));
    assert_string_equal(f->e.hint, "check the name"); // it is absolute: looked up from nowhere
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_true(write(ends[1], "0123456789", 10) == 10);
    close(ends[1]);
    assert_code(file_read_fd(&f->a, ends[0], "pipe", 5, &text, &f->e), DATA_LIMIT);
    close(ends[0]);
}

static void the_nearest_word_is_suggested(void **state)
{
    (void)state;
    static const char *const words[] = {"run", "up", "audit", "max-streams", "connect", "token"};
    static const struct {
        const char *word, *near;
    } rows[] = {
        {"max-stream", "max-streams"},
        {"rnu", "run"},
        {"conect", "connect"},
        {"con", "connect"},
        {"TOKEN", "token"},
        {"xyz", NULL},
        {"", NULL},
        {"u", NULL},
        {"audti", "audit"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *near = suggest(str_from(rows[i].word), words, ARRAY_LEN(words));
        if (rows[i].near)
            assert_string_equal(near, rows[i].near);
        else
            assert_null(near);
    }
}

int main(void)
{
#define WITH_SAMPLE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_is_written_again),
        cmocka_unit_test(bad_text_is_refused_with_its_place),
        cmocka_unit_test(a_text_over_the_limit_is_not_read),
        cmocka_unit_test(T50_deep_and_wide_texts_end_in_time),
        cmocka_unit_test(T50_a_repeated_name_costs_no_walk),
        cmocka_unit_test(tolerant_reading_takes_what_newman_takes),
        WITH_SAMPLE(values_are_given_by_name_and_type),
        WITH_SAMPLE(an_absent_or_null_value_keeps_the_default),
        WITH_SAMPLE(a_wrong_value_is_named_by_path_and_place),
        cmocka_unit_test(whole_numbers_keep_their_value),
        WITH_SAMPLE(an_unknown_name_is_refused_with_the_nearest),
        WITH_SAMPLE(trees_are_built_changed_and_compared),
        cmocka_unit_test(pretty_and_sorted_text_is_stable),
        WITH_SAMPLE(text_is_written_piece_by_piece),
        cmocka_unit_test(a_wiped_tree_holds_no_text),
        cmocka_unit_test(a_loaded_file_is_held_once),
        WITH_SAMPLE(files_are_read_whole_or_refused),
        cmocka_unit_test(the_nearest_word_is_suggested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
