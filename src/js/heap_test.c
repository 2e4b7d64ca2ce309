// SPDX-License-Identifier: Apache-2.0
#include "js/heap.h"

#include "base/test.h"

enum { SLABS = 40, ROUNDS = 20000, LIVE = 500 };

static JSMallocState fresh(void)
{
    return (JSMallocState){.malloc_limit = SIZE_MAX};
}

static void fill(char *ptr, size_t bytes, size_t seed)
{
    for (size_t i = 0; i < bytes; i++)
        ptr[i] = (char)(seed + i * 7);
}

static bool filled(const char *ptr, size_t bytes, size_t seed)
{
    for (size_t i = 0; i < bytes; i++)
        if (ptr[i] != (char)(seed + i * 7))
            return false;
    return true;
}

// What an engine does, at random but the same each time: every block keeps its content, whatever is
// taken, grown, shrunk and given back around it, and in the end nothing counts as taken.
static void blocks_keep_what_is_written_to_them(void **state)
{
    JSMallocState s = fresh();
    struct {
        char *ptr;
        size_t bytes, seed;
    } live[LIVE] = {0};
    uint32_t dice = 1;
    (void)state;
    for (size_t round = 0; round < ROUNDS; round++) {
        dice = dice * 1664525 + 1013904223;
        size_t i = (dice >> 8) % LIVE;
        size_t bytes = 1 + (dice >> 17) % (round % 10 ? 200 : 2000);
        if (live[i].ptr && dice & 1 << 7) {
            size_t kept = bytes < live[i].bytes ? bytes : live[i].bytes;
            live[i].ptr = heap_functions.js_realloc(&s, live[i].ptr, bytes);
            assert_row(round, filled(live[i].ptr, kept, live[i].seed));
        } else {
            assert_row(round, !live[i].ptr || filled(live[i].ptr, live[i].bytes, live[i].seed));
            heap_functions.js_free(&s, live[i].ptr);
            live[i].ptr = heap_functions.js_malloc(&s, bytes);
        }
        assert_row(round, heap_functions.js_malloc_usable_size(live[i].ptr) >= bytes);
        assert_row(round, (uintptr_t)live[i].ptr % HEAP_STEP_BYTES == 0);
        live[i].bytes = bytes;
        live[i].seed = round;
        fill(live[i].ptr, bytes, round);
    }
    assert_int_equal(heap_bytes(), s.malloc_size);
    for (size_t i = 0; i < LIVE; i++)
        heap_functions.js_free(&s, live[i].ptr);
    assert_int_equal(s.malloc_count, 0);
    assert_int_equal(s.malloc_size, 0);
    assert_int_equal(heap_bytes(), 0);
}

static void a_block_given_back_is_the_next_of_its_size(void **state)
{
    JSMallocState s = fresh();
    (void)state;
    void *first = heap_functions.js_malloc(&s, 40);
    heap_functions.js_free(&s, first);
    void *other = heap_functions.js_malloc(&s, 60);
    void *again = heap_functions.js_malloc(&s, 33);
    assert_ptr_not_equal(other, first);
    assert_ptr_equal(again, first);
    heap_functions.js_free(&s, other);
    heap_functions.js_free(&s, again);
}

static void nothing_is_taken_beyond_the_limit(void **state)
{
    JSMallocState s = {.malloc_limit = 1000};
    (void)state;
    void *small = heap_functions.js_malloc(&s, 100);
    assert_non_null(small);
    assert_null(heap_functions.js_malloc(&s, 950));
    assert_null(heap_functions.js_realloc(&s, small, 1100));
    assert_null(heap_functions.js_realloc(&s, NULL, 0));
    assert_null(heap_functions.js_realloc(&s, small, 0));
    assert_int_equal(s.malloc_size, 0);
}

static void a_range_that_is_used_up_is_no_end(void **state)
{
    enum { BLOCKS = SLABS * HEAP_SLAB_BYTES / HEAP_SMALL_BYTES_MAX + 1000 };
    JSMallocState s = fresh();
    static void *blocks[BLOCKS];
    (void)state;
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = heap_functions.js_malloc(&s, HEAP_SMALL_BYTES_MAX);
        assert_row(i, blocks[i]);
        fill(blocks[i], HEAP_SMALL_BYTES_MAX, i);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        assert_row(i, filled(blocks[i], HEAP_SMALL_BYTES_MAX, i));
        heap_functions.js_free(&s, blocks[i]);
    }
    assert_int_equal(s.malloc_size, 0);
}

static int init(void **state)
{
    (void)state;
    heap_init(SLABS * HEAP_SLAB_BYTES);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_keep_what_is_written_to_them),
        cmocka_unit_test(a_block_given_back_is_the_next_of_its_size),
        cmocka_unit_test(nothing_is_taken_beyond_the_limit),
        cmocka_unit_test(a_range_that_is_used_up_is_no_end),
    };
    return cmocka_run_group_tests(tests, init, NULL);
}
