// SPDX-License-Identifier: Apache-2.0
// The worker itself, in this process: what it keeps of the scripts it has run.
#include "js/worker.h"

#include "base/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "js/heap.h"

enum {
    HEAP_BYTES_MAX = 256 << 20,
    SCRIPTS = 1000,
    WASTE_BYTES_MAX = 3 << 20, // cycles that nobody has collected yet, and room to find some more
};

static worker the_worker;

// Nothing comes and nobody listens, while work() runs.
static int in_a_void(int (*work)(worker *w))
{
    int in = dup(STDIN_FILENO), out = dup(STDOUT_FILENO), none = open("/dev/null", O_RDWR);
    fflush(stdout);
    dup2(none, STDIN_FILENO);
    dup2(none, STDOUT_FILENO);
    int status = work(&the_worker);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    close(in);
    close(out);
    close(none);
    return status;
}

// Each makes cycles, in the prelude and in the script itself.
static void add_scripts(worker *w, size_t count)
{
    frame_run r = {
        .timeout_ms = 60000,
        .source = STR("const a = { name: 'cycle' }; a.self = a;"
                      "pm.test('answers', () => pm.response.to.have.status(200));"
                      "pm.environment.set('a', pm.response.json().id); console.log(a);"
                      "setTimeout(() => pm.variables.set('b', [1]), 0);"),
        .context =
            STR("{\"event\":\"test\",\"columns\":80,\"legacy\":true,"
                "\"response\":{\"code\":200,\"status\":\"OK\",\"header\":[],\"cookies\":[]}}"),
        .request = STR("{\"method\":\"GET\",\"url\":\"https://orders.example/\"}"),
        .body = STR("{\"id\":7}"),
    };
    for (size_t i = 0; i < JS_SCOPE_COUNT; i++) {
        frame_add_head(&w->in, FRAME_SCOPE, 3);
        buf_addc(&w->in, (char)i);
        buf_addz(&w->in, "{}");
    }
    for (size_t i = 0; i < count; i++) {
        frame_add_run(&w->in, &r);
        r.source = STR_NONE;
    }
}

static size_t taken(worker *w)
{
    JSMemoryUsage usage;
    JS_ComputeMemoryUsage(w->rt, &usage);
    return (size_t)usage.malloc_size;
}

static void the_heap_is_as_large_after_5000_scripts_as_after_1000(void **state)
{
    worker *w = &the_worker;
    size_t first = 0;
    (void)state;
    assert_true(worker_init(w, HEAP_BYTES_MAX));
    for (size_t round = 0; round < 5; round++) {
        add_scripts(w, SCRIPTS);
        assert_int_equal(in_a_void(worker_serve), 0);
        size_t with_waste = taken(w);
        JS_RunGC(w->rt);
        first = first ? first : taken(w);
        assert_in_range(taken(w), first - first / 50, first + first / 50);
        assert_in_range(with_waste, first, first + WASTE_BYTES_MAX);
        assert_int_equal(heap_bytes(), taken(w));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_heap_is_as_large_after_5000_scripts_as_after_1000),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fflush(stdout);
    _Exit(failed); // as the worker does: its heap isn't torn down
}
