// SPDX-License-Identifier: Apache-2.0
// What Prometheus reads. That it follows the format as a whole, over HTTP and while a load goes on,
// is tested from outside (test/load.test.mjs).
#include "load/result.h"

#include "base/test.h"

typedef struct world world;
struct world {
    arena mem;
    pm_collection *collection;
    result result;
    buf out;
};

static void given(world *w, const char *items)
{
    err e = ERR_INIT;
    str text = arena_printf(&w->mem, "{\"info\":{\"name\":\"C\"},\"item\":[%s]}", items);
    assert_code(pm_collection_read(&w->mem, text, "test", &w->collection, &e), OK);
    result_init(&w->result, w->collection);
    result_begin(&w->result, 0);
}

static void request(world *w, uint32_t index, uint64_t us, int status)
{
    result_request(&w->result, w->collection->requests[index], us * 1000, us, status, 10);
}

static str lines_with(world *w, const char *part)
{
    buf found;
    buf_init(&found, 1 << 20);
    str rest = buf_str(&w->out), line;
    while (str_next(&rest, '\n', &line))
        if (str_find(line, str_from(part)) >= 0)
            buf_addf(&found, STR_FMT "\n", STR_ARG(line));
    str copy = arena_str(&w->mem, buf_str(&found));
    buf_deinit(&found);
    return copy;
}

static int set_up(void **state)
{
    world *w = NEW(world);
    arena_init(&w->mem);
    buf_init(&w->out, 16 << 20);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    world *w = *state;
    result_deinit(&w->result);
    buf_deinit(&w->out);
    arena_deinit(&w->mem);
    free(w);
    return 0;
}
#define WORLD(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#define ITEM(name) "{\"name\":\"" name "\",\"request\":\"http://a.example/\"}"

static void requests_are_counted_in_buckets(void **state)
{
    world *w = *state;
    given(w, "{\"name\":\"Orders\",\"item\":[" ITEM("list") "]}");
    request(w, 0, 900, 200);
    request(w, 0, 1000, 204);
    request(w, 0, 30000, 503);
    request(w, 0, 20000000, 0);
    load_metrics(&w->out, &w->result.told);
    assert_strz(
        lines_with(w, "_bucket{request=\"Orders / list\""),
        "gatepost_load_request_duration_seconds_bucket{request=\"Orders / list\",le=\"0.001\"} 2\n"
        "gatepost_load_request_duration_seconds_bucket{request=\"Orders / list\",le=\"0.0025\"} 2\n"
        "gatepost_load_request_duration_seconds_bucket{request=\"Orders / list\",le=\"0.005\"} 2\n"
        "gatepost_load_request_duration_seconds_bucket{request=\"Orders / list\",le=\"0.01\"} 2\n"
        "gatepost_load_request_duration_seconds_bucket{request=\"Orders / list\",le=\"0.025\"} 2\n"
        "gatepost_load_request_duration_seconds_bucket{request=\"Orders / list\",le=\"0.05\"} 3\n"
        "gatepost_load_request_duration_seconds_bucket{request=\"Orders / list\",le=\"0.1\"} 3\n"
        "gatepost_load_request_duration_seconds_bucket{request=\"Orders / list\",le=\"0.25\"} 3\n"
        "gatepost_load_request_duration_seconds_bucket{request=\"Orders / list\",le=\"0.5\"} 3\n"
        "gatepost_load_request_duration_seconds_bucket{request=\"Orders / list\",le=\"1\"} 3\n"
        "gatepost_load_request_duration_seconds_bucket{request=\"Orders / list\",le=\"2.5\"} 3\n"
        "gatepost_load_request_duration_seconds_bucket{request=\"Orders / list\",le=\"5\"} 3\n"
        "gatepost_load_request_duration_seconds_bucket{request=\"Orders / list\",le=\"10\"} 3\n"
        "gatepost_load_request_duration_seconds_bucket{request=\"Orders / list\",le=\"+Inf\"} 4\n");
    assert_strz(
        lines_with(w, "_sum{"),
        "gatepost_load_request_duration_seconds_sum{request=\"Orders / list\"} 20.031900\n");
    assert_strz(lines_with(w, "_count{"),
                "gatepost_load_request_duration_seconds_count{request=\"Orders / list\"} 4\n");
    assert_strz(lines_with(w, "requests_total{"),
                "gatepost_load_requests_total{request=\"Orders / list\",status=\"none\"} 1\n"
                "gatepost_load_requests_total{request=\"Orders / list\",status=\"1xx\"} 0\n"
                "gatepost_load_requests_total{request=\"Orders / list\",status=\"2xx\"} 2\n"
                "gatepost_load_requests_total{request=\"Orders / list\",status=\"3xx\"} 0\n"
                "gatepost_load_requests_total{request=\"Orders / list\",status=\"4xx\"} 0\n"
                "gatepost_load_requests_total{request=\"Orders / list\",status=\"5xx\"} 1\n");
    assert_strz(lines_with(w, "received_bytes_total{"),
                "gatepost_load_received_bytes_total{request=\"Orders / list\"} 40\n");
}

// Two series of one name would be no exposition.
static void requests_of_one_name_are_one_series(void **state)
{
    world *w = *state;
    given(w, ITEM("a") "," ITEM("a"));
    request(w, 0, 900, 200);
    request(w, 1, 1500, 200);
    load_metrics(&w->out, &w->result.told);
    assert_strz(lines_with(w, "_count{"),
                "gatepost_load_request_duration_seconds_count{request=\"a\"} 2\n");
    assert_strz(lines_with(w, "le=\"0.001\""),
                "gatepost_load_request_duration_seconds_bucket{request=\"a\",le=\"0.001\"} 1\n");
}

// T48: a name can't forge a line or a label.
static void T48_names_are_escaped(void **state)
{
    world *w = *state;
    given(w, ITEM("a\\\"} 1\\nb\\\\c"));
    result_failed(&w->result, w->collection->requests[0], STR("test: \"x\"\ny"));
    load_metrics(&w->out, &w->result.told);
    assert_strz(lines_with(w, "request_failures_total{"),
                "gatepost_load_request_failures_total{request=\"a\\\"} 1\\nb\\\\c\"} 1\n");
    assert_strz(lines_with(w, "load_failures_total{"),
                "gatepost_load_failures_total{reason=\"test: \\\"x\\\"\\ny\"} 1\n"
                "gatepost_load_failures_total{reason=\"(other)\"} 0\n");
}

static size_t count_lines(str text)
{
    size_t count = 0;
    for (str line; str_next(&text, '\n', &line);)
        count += line.len > 0;
    return count;
}

static void series_are_bounded(void **state)
{
    enum { MORE = LOAD_SERIES_MAX + 50 };
    world *w = *state;
    buf items;
    buf_init(&items, 1 << 20);
    for (int i = 0; i < MORE; i++)
        buf_addf(&items, "%s{\"name\":\"r%d\",\"request\":\"http://a.example/\"}", i ? "," : "", i);
    given(w, buf_cstr(&items));
    buf_deinit(&items);
    for (uint32_t i = 0; i < MORE; i++)
        request(w, i, 900, 200);
    load_metrics(&w->out, &w->result.told);
    assert_int_equal(count_lines(lines_with(w, "_count{")), LOAD_SERIES_MAX + 1);
    assert_strz(lines_with(w, "_count{request=\"(other)\""),
                "gatepost_load_request_duration_seconds_count{request=\"(other)\"} 50\n");
    assert_true(buf_ok(&w->out));
}

static void long_names_are_cut(void **state)
{
    world *w = *state;
    char item[2000], name[1201];
    memset(name, '"', sizeof(name));
    for (size_t i = 0; i + 1 < sizeof(name); i += 2)
        name[i] = '\\';
    name[sizeof(name) - 1] = 0;
    snprintf(item, sizeof(item), "{\"name\":\"%s\",\"request\":\"http://a.example/\"}", name);
    given(w, item);
    load_metrics(&w->out, &w->result.told);
    str line = lines_with(w, "request_failures_total{");
    assert_true(line.len < LOAD_LABEL_BYTES_MAX + 100);
    assert_true(str_ends(line, STR("\\\"\\\"\"} 0\n"))); // never within an escape
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD(requests_are_counted_in_buckets),
        WORLD(requests_of_one_name_are_one_series),
        WORLD(T48_names_are_escaped),
        WORLD(series_are_bounded),
        WORLD(long_names_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
