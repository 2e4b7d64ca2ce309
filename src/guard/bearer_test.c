// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"
#include "guard/bearer.h"

static code find(const char *header, bearer *b, err *e)
{
    str value = str_from(header);
    guard_call c = {.authorization = &value, .authorization_count = 1};
    *e = ERR_INIT;
    return bearer_find(&c, b, e);
}

static void the_token_is_cut_out(void **state)
{
    (void)state;
    static const struct {
        const char *header, *token;
    } rows[] = {
        {"Bearer a.b.c", "a.b.c"},  {"bearer a.b.c", "a.b.c"}, {"BEARER \t a.b.c \t", "a.b.c"},
        {" Bearer a.b.c", "a.b.c"}, {"Bearer x", "x"},
    };
    bearer b;
    err e;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_code(find(rows[i].header, &b, &e), OK);
        assert_true(b.present && !b.serverless);
        assert_strz(b.token, rows[i].token);
    }
}

static void everything_else_has_its_reason_and_its_fix(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        code want;
        const char *hint;
    } rows[] = {
        {"Basic dTpw", GUARD_SCHEME, "X-Serverless-Authorization"},
        {"Bearer", GUARD_SCHEME, "X-Serverless-Authorization"},
        {"Bearera.b.c", GUARD_SCHEME, ""},
        {"Bearer {{token}}", GUARD_SCHEME, "wasn't filled in"},
        {"Bearer {{ token }}", GUARD_SCHEME, "wasn't filled in"},
        {"eyJhbGciOiJFUzI1NiJ9.e30.c2ln", GUARD_SCHEME, "write \"Bearer \" before"},
        {"Bearer a.b.c d.e.f", GUARD_AMBIGUOUS, "one token"},
        {"Bearer a.b.c,Bearer d.e.f", GUARD_AMBIGUOUS, "one token"},
        {"Bearer ya29.a0", GUARD_ACCESS_TOKEN, "gatepost token --audience"},
        {"Bearer 1//0refresh", GUARD_ACCESS_TOKEN, "gatepost token --audience"},
    };
    bearer b;
    err e;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_code(find(rows[i].header, &b, &e), rows[i].want);
        assert_row(i, strstr(e.hint, rows[i].hint));
        assert_row(i, b.present && !b.token.len);
        // The header itself is never quoted: its first word may be the token (T32).
        assert_row(i, !strstr(e.msg, "eyJ") && !strstr(e.msg, "ya29") && !strstr(e.msg, "dTpw"));
    }
}

static void no_header_is_no_error(void **state)
{
    (void)state;
    bearer b;
    guard_call c = {0};
    assert_code(bearer_find(&c, &b, NULL), OK);
    assert_false(b.present);
}

static void the_serverless_header_comes_first(void **state)
{
    (void)state;
    const str mine = STR("Bearer a.b.c"), theirs[] = {STR("Basic x"), STR("Basic y")};
    guard_call c = {.serverless = &mine,
                    .serverless_count = 1,
                    .authorization = theirs,
                    .authorization_count = 2};
    bearer b;
    arena a;
    arena_init(&a);
    assert_code(bearer_find(&c, &b, NULL), OK);
    assert_true(b.serverless);
    assert_strz(bearer_without_signature(&b, &a), "Bearer a.b.SIGNATURE_REMOVED_BY_GOOGLE");
    arena_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_token_is_cut_out),
        cmocka_unit_test(everything_else_has_its_reason_and_its_fix),
        cmocka_unit_test(no_header_is_no_error),
        cmocka_unit_test(the_serverless_header_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
