// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"
#include "guard/memory.h"

static const str some_audiences[] = {{"https://a", 9}, {"https://b", 9}};
static const str some_groups[] = {{"team@x", 6}};

static oidc_identity identity(const char *email)
{
    return (oidc_identity){
        .token = {.issuer = STR("https://i"),
                  .audiences = some_audiences,
                  .audience_count = 2,
                  .has_expiry = true,
                  .expiry_s = 1234},
        .who = {.kind = PRINCIPAL_USER,
                .email = str_from(email),
                .issuer = STR("https://i"),
                .groups = some_groups,
                .group_count = 1},
        .kind = OIDC_GOOGLE,
        .generation = 7,
    };
}

static void put_twice(memory *m, str token, const char *email)
{
    oidc_identity id = identity(email);
    memory_put(m, token, &id);
    memory_put(m, token, &id);
}

static void a_token_is_kept_from_its_second_sight_on(void **state)
{
    (void)state;
    memory *m = memory_new(8);
    oidc_identity id = identity("jane@x");
    assert_null(memory_find(m, STR("token")));
    memory_put(m, STR("token"), &id);
    assert_null(memory_find(m, STR("token")));
    memory_put(m, STR("token"), &id);
    const oidc_identity *kept = memory_find(m, STR("token"));
    assert_non_null(kept);
    assert_null(memory_find(m, STR("toke")));
    assert_null(memory_find(m, STR("token ")));
    memory_free(m);
}

static void what_is_kept_is_a_copy(void **state)
{
    (void)state;
    memory *m = memory_new(8);
    char email[] = "jane@x", token[] = "token";
    put_twice(m, str_from(token), email);
    email[0] = token[0] = '?';
    const oidc_identity *kept = memory_find(m, STR("token"));
    assert_strz(kept->who.email, "jane@x");
    assert_strz(kept->who.issuer, "https://i");
    assert_strz(kept->who.groups[0], "team@x");
    assert_int_equal(kept->token.audience_count, 2);
    assert_strz(kept->token.audiences[1], "https://b");
    assert_int_equal(kept->token.expiry_s, 1234);
    assert_true(kept->token.has_expiry && !kept->token.has_not_before);
    assert_int_equal(kept->generation, 7);
    assert_int_equal(kept->token.text.len + kept->token.signature.len, 0);
    memory_free(m);
}

static void a_token_verified_anew_replaces_what_was_kept(void **state)
{
    (void)state;
    memory *m = memory_new(8);
    put_twice(m, STR("token"), "jane@x");
    oidc_identity id = identity("john@x");
    id.generation = 8;
    memory_put(m, STR("token"), &id);
    assert_int_equal(memory_find(m, STR("token"))->generation, 8);
    assert_int_equal(memory_len(m), 1);
    memory_free(m);
}

static str numbered(char text[16], unsigned i)
{
    int len = snprintf(text, 16, "token-%u", i);
    return (str){text, (size_t)len};
}

static void it_never_holds_more_than_its_maximum(void **state)
{
    (void)state;
    enum { MAX = 16 };
    char text[16];
    memory *m = memory_new(MAX);
    put_twice(m, STR("hot"), "hot@x");
    for (unsigned i = 0; i < 5000; i++) {
        put_twice(m, numbered(text, i), "cold@x");
        assert_true(memory_len(m) <= MAX);
        assert_non_null(memory_find(m, STR("hot"))); // what is in use stays
    }
    assert_int_equal(memory_len(m), MAX);
    assert_non_null(memory_find(m, numbered(text, 4999)));
    assert_null(memory_find(m, numbered(text, 0)));
    memory_free(m);
}

static void tokens_that_come_once_push_nobody_out(void **state)
{
    (void)state;
    char text[16];
    memory *m = memory_new(4);
    oidc_identity id = identity("flood@x");
    put_twice(m, STR("kept"), "kept@x");
    for (unsigned i = 0; i < 20000; i++)
        memory_put(m, numbered(text, i), &id);
    assert_int_equal(memory_len(m), 1);
    assert_non_null(memory_find(m, STR("kept")));
    memory_free(m);
}

static void forgetting_leaves_nothing(void **state)
{
    (void)state;
    memory *m = memory_new(4);
    put_twice(m, STR("token"), "jane@x");
    memory_forget(m);
    assert_int_equal(memory_len(m), 0);
    assert_null(memory_find(m, STR("token")));
    put_twice(m, STR("token"), "jane@x");
    assert_non_null(memory_find(m, STR("token")));
    memory_free(m);
}

static void attributes_are_not_lost_by_remembering(void **state)
{
    (void)state;
    static const principal_attribute attribute = {{"repository", 10}, {"a/b", 3}};
    memory *m = memory_new(4);
    oidc_identity id = identity("ci@x");
    id.who.attributes = &attribute;
    id.who.attribute_count = 1;
    for (int i = 0; i < 3; i++)
        memory_put(m, STR("token"), &id);
    assert_null(memory_find(m, STR("token")));
    memory_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_kept_from_its_second_sight_on),
        cmocka_unit_test(what_is_kept_is_a_copy),
        cmocka_unit_test(a_token_verified_anew_replaces_what_was_kept),
        cmocka_unit_test(it_never_holds_more_than_its_maximum),
        cmocka_unit_test(tokens_that_come_once_push_nobody_out),
        cmocka_unit_test(forgetting_leaves_nothing),
        cmocka_unit_test(attributes_are_not_lost_by_remembering),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
