// SPDX-License-Identifier: Apache-2.0
// Tests of the containers: arena, VEC, map and the hash under it.
#include "base/test.h"

static void an_arena_gives_zeroed_memory_also_after_reset(void **state)
{
    (void)state;
    arena a;
    arena_init(&a);
    for (int round = 0; round < 3; round++) {
        for (size_t bytes = 0; bytes < 40000; bytes = bytes * 2 + 1) {
            unsigned char *p = arena_alloc(&a, bytes);
            assert_int_equal((uintptr_t)p % 16, 0);
            for (size_t i = 0; i < bytes; i++)
                assert_int_equal(p[i], 0);
            memset(p, 0xee, bytes);
        }
        arena_reset(&a);
    }
    str s = arena_printf(&a, "%s-%d", "x", 7);
    assert_str(s, STR("x-7"));
    assert_string_equal(arena_str(&a, STR("copy")).ptr, "copy");
    assert_true(a.used_bytes > 0);
    arena_deinit(&a);
}

static void a_large_block_leaves_the_current_chunk_in_use(void **state)
{
    (void)state;
    arena a;
    arena_init(&a);
    char *first = arena_alloc(&a, 16);
    arena_alloc(&a, 1 << 20);
    assert_ptr_equal(arena_alloc(&a, 16), first + 16);
    arena_deinit(&a);
}

static void a_vector_grows_pops_and_removes_in_order(void **state)
{
    (void)state;
    VEC(int) v = {0};
    VEC_FOREACH (&v, none)
        fail_msg("an empty vector has no member %d", *none);
    for (int i = 0; i < 100; i++)
        vec_push(&v, i);
    assert_int_equal(*vec_last(&v), 99);
    assert_int_equal(vec_pop(&v), 99);
    vec_remove(&v, 0);
    int sum = 0;
    VEC_FOREACH (&v, x)
        sum += *x;
    assert_int_equal(sum, 98 * 99 / 2);
    assert_int_equal(v.ptr[0], 1);
    vec_deinit(&v);
    assert_int_equal(v.len, 0);
}

static void a_map_keeps_order_and_survives_churn(void **state)
{
    (void)state;
    map m;
    map_init(&m);
    static int values[5000];
    char key[16];
    assert_null(map_get(&m, STR("absent")));
    assert_null(map_remove(&m, STR("absent")));
    for (int i = 0; i < 5000; i++) {
        values[i] = i;
        snprintf(key, sizeof(key), "k%d", i);
        assert_null(map_set(&m, str_from(key), &values[i]));
        if (i % 3 == 0)
            assert_ptr_equal(map_remove(&m, str_from(key)), &values[i]);
    }
    assert_int_equal(m.len, 5000 - 1667);
    size_t cursor = 0, seen = 0;
    str k;
    void *value;
    for (int last = -1; map_next(&m, &cursor, &k, &value); seen++) {
        int n = *(int *)value;
        assert_true(n > last && n % 3 != 0); // in order of insertion, without the removed ones
        last = n;
        assert_ptr_equal(map_get(&m, k), value);
    }
    assert_int_equal(seen, m.len);
    map_deinit(&m, NULL);
}

static void a_map_replaces_and_copies_keys(void **state)
{
    (void)state;
    map m;
    map_init(&m);
    int a = 1, b = 2;
    char key[] = "name";
    map_set(&m, str_from(key), &a);
    key[0] = 'g';
    assert_ptr_equal(map_get(&m, STR("name")), &a);
    assert_false(map_has(&m, STR("game")));
    assert_ptr_equal(map_set(&m, STR("name"), &b), &a);
    assert_ptr_equal(map_get(&m, STR("name")), &b);
    assert_null(map_set(&m, STR("\0x"), &a)); // keys are bytes
    assert_null(map_get(&m, STR("\0y")));
    assert_null(map_set(&m, STR("freed"), NULL));
    assert_true(map_has(&m, STR("freed")));
    assert_int_equal(m.len, 3);
    map_deinit(&m, NULL);
    map_set(&m, STR("owned"), mem_dup("value"));
    map_deinit(&m, free);
}

static void siphash_matches_the_reference_vectors(void **state)
{
    (void)state;
    // SipHash-1-3 of 00 01 02 … under the key 00 … 0f: the first values of the published table.
    static const uint64_t wanted[] = {0xabac0158050fc4dc, 0xc9f49bf37d57ca93, 0x82cb9b024dc7d44d,
                                      0x8bf80ab8e7ddf7fb, 0xcf75576088d38328, 0xdef9d52f49533b67,
                                      0xc50d2b50c59f22a7, 0xd3927d989bb11140, 0x369095118d299a8e};
    char in[16];
    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (char)i;
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        assert_row(i,
                   hash_keyed((str){in, i}, 0x0706050403020100, 0x0f0e0d0c0b0a0908) == wanted[i]);
    assert_true(hash_str(STR("a")) == hash_str(STR("a")));
    assert_true(hash_str(STR("a")) != hash_keyed(STR("a"), 0, 0)); // a key was drawn
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_arena_gives_zeroed_memory_also_after_reset),
        cmocka_unit_test(a_large_block_leaves_the_current_chunk_in_use),
        cmocka_unit_test(a_vector_grows_pops_and_removes_in_order),
        cmocka_unit_test(a_map_keeps_order_and_survives_churn),
        cmocka_unit_test(a_map_replaces_and_copies_keys),
        cmocka_unit_test(siphash_matches_the_reference_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
