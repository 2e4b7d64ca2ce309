// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"
#include "uri/uri.h"

enum {
    ALL =
        PATH_DOT_SEGMENT | PATH_EMPTY_SEGMENT | PATH_PARAMETER | PATH_ESCAPED_SLASH | PATH_BACKSLASH
};

typedef struct row {
    const char *in;
    unsigned allowed;
    const char *out; // NULL: ambiguous
} row;

static void check(const row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        arena a;
        arena_init(&a);
        str out;
        err e = ERR_INIT;
        code c = path_canonical(&a, str_from(rows[i].in), rows[i].allowed, &out, &e);
        if (rows[i].out) {
            if (c != OK)
                fail_msg("row %zu: %s", i, e.msg);
            assert_strz(out, rows[i].out);
            // Canonical means: again changes nothing.
            str again;
            assert_code(path_canonical(&a, out, rows[i].allowed, &again, NULL), OK);
            assert_str(again, out);
        } else {
            if (c == OK)
                fail_msg("row %zu: '%s' became '" STR_FMT "'", i, rows[i].in, STR_ARG(out));
            assert_code(c, URI_AMBIGUOUS);
        }
        arena_deinit(&a);
    }
}

static void one_path_has_one_form(void **state)
{
    (void)state;
    static const row rows[] = {
        {"/", 0, "/"},
        {"/v1/orders", 0, "/v1/orders"},
        {"/v1/orders/", 0, "/v1/orders/"},
        {"/%76%31/orders", 0, "/v1/orders"},
        {"/%7euser", 0, "/~user"},
        {"/a%2db%2Ec%5F", 0, "/a-b.c_"},
        {"/caf%c3%a9", 0, "/caf%C3%A9"},
        {"/caf\xc3\xa9", 0, "/caf%C3%A9"},
        {"/a b", 0, "/a%20b"},
        {"/a%20b", 0, "/a%20b"},
        {"/a|b\"<>`{}", 0, "/a%7Cb%22%3C%3E%60%7B%7D"},
        {"/a!$&'()*+,=:@b", 0, "/a!$&'()*+,=:@b"},
        {"/a%21%3a", 0, "/a%21%3A"}, // an escaped delimiter isn't the delimiter
        {"/...", 0, "/..."},
        {"/.well-known/x", 0, "/.well-known/x"},
        {"/a..b/..c/d..", 0, "/a..b/..c/d.."},
        {"/a%3fb%23", 0, "/a%3Fb%23"},
    };
    check(rows, ARRAY_LEN(rows));
}

// Threat 6: each of these is one path to one server and another path to another.
static void T6_ambiguous_paths_are_refused(void **state)
{
    (void)state;
    static const row rows[] = {
        {"/a/../admin", 0, NULL},
        {"/a/..", 0, NULL},
        {"/..", 0, NULL},
        {"/.", 0, NULL},
        {"/a/./b", 0, NULL},
        {"/a/%2e%2e/admin", 0, NULL},
        {"/a/%2E./admin", 0, NULL},
        {"/a/.%2e", 0, NULL},
        {"/a/..;a=b/admin", 0, NULL},
        {"/a/..;/admin", ALL, NULL},
        {"/a/%2e%2e;x/admin", ALL, NULL},
        {"/admin;x", 0, NULL},
        {"/admin%3bx", 0, NULL},
        {"/a%2fb", 0, NULL},
        {"/a%2Fb", 0, NULL},
        {"/a\\b", 0, NULL},
        {"/a%5cb", 0, NULL},
        {"/..%5cadmin", 0, NULL},
        {"//admin", 0, NULL},
        {"/a//b", 0, NULL},
        {"/a//", 0, NULL},
        {"/../../etc", ALL, NULL}, // above the root
        {"/a/../..", ALL, NULL},
    };
    check(rows, ARRAY_LEN(rows));
}

static void T6_some_bytes_are_never_a_path(void **state)
{
    (void)state;
    static const row rows[] = {
        {"", ALL, NULL},
        {"a", ALL, NULL},
        {"*", ALL, NULL},
        {"http://a/", ALL, NULL},
        {"/%00", ALL, NULL},
        {"/a%0d%0aX", ALL, NULL},
        {"/a\nb", ALL, NULL},
        {"/%7f", ALL, NULL},
        {"/%", ALL, NULL},
        {"/%2", ALL, NULL},
        {"/%zz", ALL, NULL},
        {"/%u002e", ALL, NULL},
        {"/%252e%252e/", ALL, NULL}, // decoded twice it would be ..
        {"/%c0%ae%c0%ae/", ALL, NULL},
        {"/\xc0\xae", ALL, NULL},
        {"/%e0%80%af", ALL, NULL},
        {"/%ff", ALL, NULL},
        {"/%ed%a0%80", ALL, NULL},
        {"/a?b", ALL, NULL}, // threat 5: a rule must not see the query
        {"/a#b", ALL, NULL},
    };
    check(rows, ARRAY_LEN(rows));
}

static void what_is_allowed_is_made_plain(void **state)
{
    (void)state;
    static const row rows[] = {
        {"/a/../b", PATH_DOT_SEGMENT, "/b"},
        {"/a/b/../../c/./d", PATH_DOT_SEGMENT, "/c/d"},
        {"/a/b/..", PATH_DOT_SEGMENT, "/a/"},
        {"/a/.", PATH_DOT_SEGMENT, "/a/"},
        {"/a/%2E%2e/b", PATH_DOT_SEGMENT, "/b"},
        {"/a/..", PATH_DOT_SEGMENT, "/"},
        {"/a//b", PATH_EMPTY_SEGMENT, "/a//b"},
        {"/a//../b", PATH_EMPTY_SEGMENT | PATH_DOT_SEGMENT, "/a/b"},
        {"/a;x=1/b", PATH_PARAMETER, "/a;x=1/b"},
        {"/a%3bx", PATH_PARAMETER, "/a%3Bx"},
        {"/a%2fb", PATH_ESCAPED_SLASH, "/a%2Fb"},
        {"/..%2f", PATH_ESCAPED_SLASH, "/..%2F"},
        {"/a\\b", PATH_BACKSLASH, "/a%5Cb"},
    };
    check(rows, ARRAY_LEN(rows));
}

static void the_error_says_what_and_where(void **state)
{
    (void)state;
    arena a;
    arena_init(&a);
    str out = STR("as it was");
    err e = ERR_INIT;
    assert_code(path_canonical(&a, STR("/admin;x"), 0, &out, &e), URI_AMBIGUOUS);
    assert_str(out, STR("as it was")); // no half of a path that somebody could show or judge
    assert_string_equal(e.msg, "the path '/admin;x' has no single meaning: some servers drop what "
                               "follows a semicolon (character 7)");
    assert_int_equal(code_http(e.code), 400);
    arena_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_path_has_one_form),
        cmocka_unit_test(T6_ambiguous_paths_are_refused),
        cmocka_unit_test(T6_some_bytes_are_never_a_path),
        cmocka_unit_test(what_is_allowed_is_made_plain),
        cmocka_unit_test(the_error_says_what_and_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
