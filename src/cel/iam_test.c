// SPDX-License-Identifier: Apache-2.0
// Google's additions.
#include "cel/cel_test.h"

#define OBJECT                                                                                     \
    "'projects/_/buckets/acme-orders-aaa/data_lake/orders/order_date=2019-11-03/aef87g87ae0876'"

static cel_env *environment(void)
{
    cel_env *env = cel_env_new();
    cel_env_iam(env);
    assert_code(cel_env_variable(env, "resource.name", "string", NULL), OK);
    assert_code(cel_env_variable(env, "resource.type", "string", NULL), OK);
    return env;
}

static void extract_takes_what_stands_between(void **state)
{
    static const cel_row rows[] = {
        {OBJECT ".extract('/order_date={date}/')", "'2019-11-03'", NULL},
        {OBJECT ".extract('buckets/{name}/')", "'acme-orders-aaa'", NULL},
        {OBJECT ".extract('{start}/data_lake')", "'projects/_/buckets/acme-orders-aaa'", NULL},
        {OBJECT ".extract('orders/{end}')", "'order_date=2019-11-03/aef87g87ae0876'", NULL},
        {OBJECT ".extract('{all}') == " OBJECT, "true", NULL},
        {OBJECT ".extract('/orders/{empty}order_date')", "''", NULL},
        {OBJECT ".extract('/{none}/absent')", "''", NULL},
        {OBJECT ".extract('absent/{none}')", "''", NULL},
        {"'a'.extract('a')", NULL, "one {name}"},
        {"'a'.extract('{a')", NULL, "one {name}"},
        {"'a'.extract('{a}{b}')", NULL, "one {name}"},
        {"'a'.extract('{{a}}')", NULL, "one {name}"},
    };
    (void)state;
    cel_env *env = environment();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        test_row(env, &rows[i], NULL);
    cel_env_free(env);
}

static void has_only_is_about_all_of_the_list(void **state)
{
    static const cel_row rows[] = {
        {"['a', 'b'].hasOnly(['b', 'c', 'a'])", "true", NULL},
        {"['a', 'd'].hasOnly(['b', 'c', 'a'])", "false", NULL},
        {"[].hasOnly(['a'])", "true", NULL},
        {"['a'].hasOnly([])", "false", NULL},
        {"['a'].hasOnly([1])", NULL, "hasOnly"},
    };
    (void)state;
    cel_env *env = environment();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        test_row(env, &rows[i], NULL);
    cel_env_free(env);
}

static bool modified_roles(void *ctx, str name, arena *a, cel_value *ret)
{
    static cel_value roles[] = {{.kind = CEL_STRING, .s = {"roles/run.invoker", 17}}};
    (void)ctx, (void)a;
    if (!str_eq(name, STR("iam.googleapis.com/modifiedGrantsByRole")))
        return false;
    *ret = cel_list_of(roles, 1);
    return true;
}

static void an_attribute_of_an_api_is_asked_for_by_name(void **state)
{
    static const struct {
        const char *expr;
        bool holds;
    } rows[] = {
        {"api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', [])"
         ".hasOnly(['roles/run.invoker', 'roles/run.viewer'])",
         true},
        {"api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', [])"
         ".hasOnly(['roles/run.viewer'])",
         false},
        {"api.getAttribute('iam.googleapis.com/other', 'none') == 'none'", true},
        {"api.getAttribute('resource.name', 'none') == 'none'", true}, // a variable is none
    };
    (void)state;
    cel_env *env = environment();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cel_program *p;
        arena a;
        bool holds = !rows[i].holds;
        arena_init(&a);
        assert_row(i, cel_compile(env, str_from(rows[i].expr), &(cel_limits){.condition = true}, &p,
                                  NULL) == OK);
        assert_row(i, cel_eval_condition(p, &a, &(cel_activation){.lookup = modified_roles}, &holds,
                                         NULL) == OK);
        assert_row(i, holds == rows[i].holds);
        cel_program_free(p);
        arena_deinit(&a);
    }
    cel_env_free(env);
}

static void a_misspelt_attribute_is_named_whole(void **state)
{
    cel_env *env = environment();
    cel_program *p;
    err e = ERR_INIT;
    (void)state;
    assert_code(cel_compile(env, STR("true && resource.nmae == ''"), NULL, &p, &e), CEL_NAME);
    assert_non_null(strstr(e.msg, "no variable 'resource.nmae'"));
    assert_string_equal(e.hint, "did you mean 'resource.name'?");
    assert_int_equal(e.col, 9);
    cel_env_free(env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extract_takes_what_stands_between),
        cmocka_unit_test(has_only_is_about_all_of_the_list),
        cmocka_unit_test(an_attribute_of_an_api_is_asked_for_by_name),
        cmocka_unit_test(a_misspelt_attribute_is_named_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
