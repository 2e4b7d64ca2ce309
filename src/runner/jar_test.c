// SPDX-License-Identifier: Apache-2.0
// The rules of the jar (contracts: Postman §8; RFC 6265) and tough-cookie's form.
#include "base/test.h"
#include "data/data.h"
#include "runner/jar.h"

typedef struct fixture fixture;
struct fixture {
    arena mem;
    jar *jar;
};

static int set_up(void **state)
{
    fixture *f = NEW(fixture);
    arena_init(&f->mem);
    f->jar = jar_new();
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    jar_free(f->jar);
    arena_deinit(&f->mem);
    free(f);
    return 0;
}

static uri_url url_of(fixture *f, const char *text)
{
    uri_url u;
    assert_code(url_parse(&f->mem, str_from(text), &u, NULL), OK);
    return u;
}

static bool set(fixture *f, const char *url, const char *text)
{
    uri_url u = url_of(f, url);
    return jar_set(f->jar, &u, str_from(text));
}

// "a=1; b=2": what the jar would send.
static str sends(fixture *f, const char *url)
{
    uri_url u = url_of(f, url);
    js_cookie *list;
    buf b;
    size_t count = jar_find(f->jar, &f->mem, &u, &list);
    buf_init(&b, 1 << 16);
    for (size_t i = 0; i < count; i++)
        buf_addf(&b, "%s" STR_FMT "=" STR_FMT, i ? "; " : "", STR_ARG(list[i].name),
                 STR_ARG(list[i].value));
    str text = arena_str(&f->mem, buf_str(&b));
    buf_deinit(&b);
    return text;
}

static void cookies_go_where_they_belong(void **state)
{
    static const struct {
        const char *from, *cookie, *to;
        bool goes;
    } rows[] = {
        // the host
        {"http://a.example/", "c=1", "http://a.example/", true},
        {"http://a.example/", "c=1", "http://b.a.example/", false},
        {"http://a.example/", "c=1", "http://example/", false},
        {"http://a.example/", "c=1; Domain=a.example", "http://b.a.example/", true},
        {"http://b.a.example/", "c=1; Domain=.a.example", "http://a.example/", true},
        {"http://b.a.example/", "c=1; Domain=a.example", "http://xa.example/", false},
        {"http://a.example/", "c=1; Domain=b.example", "http://b.example/", false}, // refused
        {"http://a.example/", "c=1; Domain=b.a.example", "http://b.a.example/", false},
        {"http://a.b.co.uk/", "c=1; Domain=co.uk", "http://other.co.uk/", true}, // as newman
        {"http://127.0.0.1/", "c=1", "http://127.0.0.1:81/", true},              // any port
        {"http://127.0.0.1/", "c=1; Domain=127.0.0.1", "http://127.0.0.1/", true},
        {"http://127.0.0.1/", "c=1; Domain=0.0.1", "http://10.0.0.1/", false},
        // the path
        {"http://a.example/x/y", "c=1", "http://a.example/x/z", true},
        {"http://a.example/x/y", "c=1", "http://a.example/", false},
        {"http://a.example/x/y", "c=1; Path=/", "http://a.example/", true},
        {"http://a.example/", "c=1; Path=/x", "http://a.example/xy", false},
        {"http://a.example/", "c=1; Path=/x", "http://a.example/x/y", true},
        {"http://a.example/", "c=1; Path=nonsense", "http://a.example/", true},
        // the scheme
        {"https://a.example/", "c=1; Secure", "https://a.example/", true},
        {"https://a.example/", "c=1; Secure", "http://a.example/", false},
        {"http://127.0.0.1/", "c=1; Secure", "http://127.0.0.1/", true},
        {"http://localhost/", "c=1; Secure", "http://localhost/", true},
        {"http://a.example/", "c=1", "https://a.example/", true},
        // the time
        {"http://a.example/", "c=1; Max-Age=60", "http://a.example/", true},
        {"http://a.example/", "c=1; Max-Age=0", "http://a.example/", false},
        {"http://a.example/", "c=1; Expires=Wed, 09 Jun 1999 10:18:14 GMT", "http://a.example/",
         false},
        // and what servers do besides
        {"http://a.example/", "c=1; HttpOnly; SameSite=Strict", "http://a.example/", true},
        {"http://a.example/", "", "http://a.example/", false},
        {"http://a.example/", "c=a\x01z", "http://a.example/", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        void *made;
        set_up(&made);
        fixture *f = made;
        set(f, rows[i].from, rows[i].cookie);
        assert_row(i, str_starts(sends(f, rows[i].to), STR("c=1")) == rows[i].goes);
        tear_down(&made);
    }
    (void)state;
}

static void a_cookie_takes_the_place_of_its_elder(void **state)
{
    fixture *f = *state;
    set(f, "http://a.example/", "a=1");
    set(f, "http://a.example/", "b=1");
    set(f, "http://a.example/", "a=2");
    assert_strz(sends(f, "http://a.example/"), "a=2; b=1"); // it keeps its age
    set(f, "http://a.example/", "a=; Max-Age=-1");
    assert_strz(sends(f, "http://a.example/"), "b=1");
    // Another path is another cookie, and the longer one comes first.
    set(f, "http://a.example/", "b=2; Path=/x");
    assert_strz(sends(f, "http://a.example/x"), "b=2; b=1");
}

static void a_cookie_needs_no_name(void **state)
{
    fixture *f = *state;
    assert_true(set(f, "http://a.example/", "token"));
    assert_strz(sends(f, "http://a.example/"), "=token");
}

static void cookies_run_out(void **state)
{
    fixture *f = *state;
    set(f, "http://a.example/", "a=1; Max-Age=100");
    set(f, "http://a.example/", "b=1");
    clock_shift(101 * 1000);
    str left = sends(f, "http://a.example/");
    clock_shift(-101 * 1000);
    assert_strz(left, "b=1");
}

static void the_jar_has_a_limit(void **state)
{
    fixture *f = *state;
    char text[64];
    for (int i = 0; i < JAR_COOKIES_MAX + 10; i++) {
        snprintf(text, sizeof(text), "c%d=1; Path=/%d", i, i);
        set(f, "http://a.example/", text);
    }
    assert_strz(sends(f, "http://a.example/9"), ""); // the oldest made room
    assert_strz(sends(f, "http://a.example/10"), "c10=1");
}

static void scripts_describe_cookies(void **state)
{
    fixture *f = *state;
    uri_url u = url_of(f, "http://www.a.example/x/y");
    const js_cookie plain = {
        .name = STR("a"), .value = STR("1"), .expires_ms = INT64_MAX, .max_age_s = -1};
    const struct {
        js_cookie c;
        bool kept;
    } rows[] = {
        {plain, true},
        {{.name = STR("b"),
          .value = STR("1"),
          .domain = STR("A.example"),
          .path = STR("/"),
          .expires_ms = INT64_MAX,
          .max_age_s = -1},
         true},
        {{.name = STR("c"),
          .value = STR("1"),
          .domain = STR("b.example"),
          .expires_ms = INT64_MAX,
          .max_age_s = -1},
         false},
        {{.name = STR("d"), .value = STR("1\r\nX: y"), .expires_ms = INT64_MAX, .max_age_s = -1},
         false},
        {{.name = STR("e"), .value = STR("1"), .expires_ms = INT64_MAX, .max_age_s = 0}, true},
        {{.name = STR("f"),
          .value = STR("1"),
          .domain = STR("a b"),
          .expires_ms = INT64_MAX,
          .max_age_s = -1},
         false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_row(i, jar_put(f->jar, &u, &rows[i].c) == rows[i].kept);
    assert_strz(sends(f, "http://www.a.example/x/z"), "a=1; b=1");
    assert_strz(sends(f, "http://a.example/"), "b=1");
    jar_remove(f->jar, &u, STR("a"));
    assert_strz(sends(f, "http://www.a.example/x/z"), "b=1");
    jar_remove(f->jar, &u, STR_NONE);
    assert_strz(sends(f, "http://a.example/"), "");
}

// ---- tough-cookie's JSON ------------------------------------------------------------------------

static void a_jar_survives_its_file(void **state)
{
    fixture *f = *state;
    err e = ERR_INIT;
    buf first, second;
    buf_init(&first, 1 << 20);
    buf_init(&second, 1 << 20);
    set(f, "https://a.example/x/", "a=1; Secure; HttpOnly; SameSite=Lax; Max-Age=1000");
    set(f, "https://a.example/", "b=\"q\"; Domain=a.example; Path=/");
    jar_write(f->jar, &first);
    jar *again = jar_new();
    if (jar_read(again, buf_str(&first), &e))
        fail_msg("%s", e.msg);
    jar_write(again, &second);
    assert_str(buf_str(&second), buf_str(&first));
    json *root;
    assert_code(json_parse(&f->mem, buf_str(&first), NULL, &root, &e), OK);
    assert_false(json_bool_or(json_get(root, "rejectPublicSuffixes"), true));
    const json *a = json_at(json_get(root, "cookies"), 0);
    assert_true(json_is_str(json_get(a, "key"), "a"));
    assert_true(json_is_str(json_get(a, "path"), "/x"));
    assert_true(json_bool_or(json_get(a, "hostOnly"), false));
    assert_true(json_bool_or(json_get(a, "secure"), false));
    assert_true(json_bool_or(json_get(a, "pathIsDefault"), false));
    assert_true(json_is_str(json_get(a, "sameSite"), "Lax"));
    jar_free(again);
    buf_deinit(&first);
    buf_deinit(&second);
}

static void a_file_of_newman_is_read(void **state)
{
    fixture *f = *state;
    err e = ERR_INIT;
    const char *text = "{\"version\":\"tough-cookie@4.1.3\",\"storeType\":\"MemoryCookieStore\","
                       "\"rejectPublicSuffixes\":false,\"enableLooseMode\":true,\"cookies\":["
                       "{\"key\":\"sid\",\"value\":\"1\",\"domain\":\"a.example\",\"path\":\"/\","
                       "\"hostOnly\":true,\"creation\":\"2026-01-01T00:00:00.000Z\","
                       "\"lastAccessed\":\"2026-01-01T00:00:00.000Z\"},"
                       "{\"key\":\"gone\",\"value\":\"1\",\"domain\":\"a.example\",\"path\":\"/\","
                       "\"expires\":\"2020-01-01T00:00:00.000Z\"},"
                       "{\"key\":\"aged\",\"value\":\"1\",\"domain\":\"a.example\",\"path\":\"/\","
                       "\"maxAge\":10,\"creation\":\"2020-01-01T00:00:00.000Z\"},"
                       "{\"key\":\"ancient\",\"value\":\"1\",\"domain\":\"a.example\","
                       "\"maxAge\":-4611686018427386},"
                       "{\"key\":\"wide\",\"value\":\"2\",\"domain\":\"a.example\",\"path\":\"/\","
                       "\"expires\":\"Infinity\",\"hostOnly\":false}]}";
    if (jar_read(f->jar, str_from(text), &e))
        fail_msg("%s", e.msg);
    buf written;
    buf_init(&written, 1 << 16);
    jar_write(f->jar, &written); // before a request has tidied it up
    assert_true(str_find(buf_str(&written), STR("sid")) >= 0);
    assert_true(str_find(buf_str(&written), STR("gone")) < 0);
    assert_true(str_find(buf_str(&written), STR("aged")) < 0);
    assert_true(str_find(buf_str(&written), STR("ancient")) < 0);
    buf_deinit(&written);
    assert_strz(sends(f, "http://a.example/"), "sid=1; wide=2");
    assert_strz(sends(f, "http://b.a.example/"), "wide=2");
}

static void other_files_are_refused(void **state)
{
    static const char *const texts[] = {
        "{\"cookies\":[{\"key\":\"a\",\"value\":\"1\",\"domain\":\"a.example\",\"path\":\"/\"},1]}",
        "",
        "# Netscape HTTP Cookie File",
        "[]",
        "{}",
        "{\"cookies\":{}}",
        "{\"cookies\":[1]}",
        "{\"cookies\":[{\"key\":\"a\",\"value\":\"1\"}]}",
        "{\"cookies\":[{\"key\":\"a\",\"value\":\"1\",\"domain\":\"a b\"}]}",
        "{\"cookies\":[{\"key\":1,\"domain\":\"a.example\"}]}",
    };
    fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        err e = ERR_INIT;
        assert_row(i, jar_read(f->jar, str_from(texts[i]), &e) == RUN_COOKIES);
        assert_row(i, e.code == RUN_COOKIES && e.msg[0] && e.hint[0]);
    }
    assert_strz(sends(f, "http://a.example/"), "");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(cookies_go_where_they_belong), CASE(a_cookie_takes_the_place_of_its_elder),
        CASE(a_cookie_needs_no_name),       CASE(cookies_run_out),
        CASE(the_jar_has_a_limit),          CASE(scripts_describe_cookies),
        CASE(a_jar_survives_its_file),      CASE(a_file_of_newman_is_read),
        CASE(other_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
