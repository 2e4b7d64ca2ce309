// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "base/test.h"
#include "fetch/call.h"

static const engine *picked(const fetch_request *req, bool only_curl)
{
    fetch_client client = {.only_curl = only_curl};
    fetch_call call = {.client = &client};
    uri_url u;
    arena_init(&call.mem);
    const engine *e = engine_for(&call, req, &u);
    arena_deinit(&call.mem);
    return e;
}

#define PLAIN .url = STR("http://orders.example/")
#define HEADER(n) .headers = &(fetch_header){STR(n), STR("x")}, .header_count = 1

static void what_nothing_speaks_against_goes_directly(void **state)
{
    (void)state;
    const fetch_segment body = FETCH_BYTES(STR("x"));
    const fetch_request rows[] = {
        {PLAIN},
        {PLAIN, .method = STR("PURGE"), .body = &body, .body_count = 1, .chunked = true},
        {PLAIN, .version = FETCH_HTTP_AUTO}, // HTTP/2 is negotiated by TLS
        {PLAIN, .proxy.from_env = true},     // which names none
        {PLAIN, HEADER("Connection")},
        {.url = STR("HTTP://orders.example")},
        {.url = STR("http://orders.example:8080?x#y")},
        {.url = STR("http://127.0.0.1:80/")},
        {.url = STR("http://[::1]:8080/")},
        {.url = STR("https://orders.example/"), .route = {"127.0.0.1", 80, true}},
        {PLAIN, .route = {"127.0.0.1", 80, false}, .proxy.url = "http://proxy.example"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_row(i, picked(&rows[i], false) == &engine_direct);
        assert_row(i, picked(&rows[i], true) == &engine_curl);
    }
}

static void all_else_is_libcurls(void **state)
{
    (void)state;
    const fetch_request rows[] = {
        {.url = STR("https://orders.example/")},
        {.url = STR("https://orders.example/"), .route = {"127.0.0.1", 80, false}},
        {PLAIN, .version = FETCH_HTTP_2},
        {PLAIN, .proxy.url = "http://proxy.example"},
        {PLAIN, HEADER("expect")},
        {PLAIN, HEADER("Upgrade")},
        {.url = STR("http://me:word@orders.example/")},
        // Hosts that have another form than the one they are written in.
        {.url = STR("http://Orders.example/")},
        {.url = STR("http://orders.example./")},
        {.url = STR("http://b\xc3\xbc"
                    "cher.example/")},
        {.url = STR("http://%6frders.example/")},
        {.url = STR("http://127.1/")},
        {.url = STR("http://2130706433/")},
        {.url = STR("http://[0:0::1]/")},
        // What uri can't read: libcurl says what is wrong, or reads it.
        {.url = STR("http://orders.example/a b")},
        {.url = STR("ftp://orders.example/")},
        {.url = STR("")},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_row(i, picked(&rows[i], false) == &engine_curl);
}

static void a_proxy_of_the_environment_counts(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool counts;
    } rows[] = {{"http_proxy", true},
                {"all_proxy", true},
                {"ALL_PROXY", true},
                {"HTTP_PROXY", false}, // a CGI client's header
                {"https_proxy", false}};
    const fetch_request asking = {PLAIN, .proxy.from_env = true}, not_asking = {PLAIN};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        setenv(rows[i].name, "http://proxy.example", 1);
        assert_row(i, (picked(&asking, false) == &engine_curl) == rows[i].counts);
        assert_row(i, picked(&not_asking, false) == &engine_direct);
        unsetenv(rows[i].name);
    }
}

int main(void)
{
    const char *const names[] = {"http_proxy", "all_proxy", "ALL_PROXY"};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_nothing_speaks_against_goes_directly),
        cmocka_unit_test(all_else_is_libcurls),
        cmocka_unit_test(a_proxy_of_the_environment_counts),
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        unsetenv(names[i]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
