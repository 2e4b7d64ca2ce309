// SPDX-License-Identifier: Apache-2.0
// Tests of hosts, URLs, origins and run.app names.
#include "base/test.h"
#include "uri/uri.h"

static arena a;

static int fresh(void **state)
{
    (void)state;
    arena_init(&a);
    return 0;
}

static int done(void **state)
{
    (void)state;
    arena_deinit(&a);
    return 0;
}

static str formatted(const uri_url *u)
{
    buf b;
    buf_init(&b, 4096);
    url_format(&b, u, true);
    str text = arena_str(&a, buf_str(&b));
    buf_deinit(&b);
    return text;
}

// Threats 7 and 42: whatever the notation, one name comes out of it.
static void T42_a_host_has_one_name(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
        host_kind kind;
    } rows[] = {
        {"Orders-ABC.A.Run.App", "orders-abc.a.run.app", HOST_NAME},
        {"orders.example.", "orders.example", HOST_NAME},
        {"a_b.example", "a_b.example", HOST_NAME},
        {"bücher.example", "xn--bcher-kva.example", HOST_NAME},
        {"BÜCHER.example", "xn--bcher-kva.example", HOST_NAME},
        {"b%C3%BCcher.example", "xn--bcher-kva.example", HOST_NAME},
        {"XN--BCHER-KVA.example", "xn--bcher-kva.example", HOST_NAME},
        {"ｅｘａｍｐｌｅ.com", "example.com", HOST_NAME},
        {"ex%61mple.com", "example.com", HOST_NAME},
        {"169.254.169.254", "169.254.169.254", HOST_IPV4},
        {"2852039166", "169.254.169.254", HOST_IPV4},
        {"0xA9FEA9FE", "169.254.169.254", HOST_IPV4},
        {"0xa9.0xfe.0xa9.0xfe", "169.254.169.254", HOST_IPV4},
        {"0251.0376.0251.0376", "169.254.169.254", HOST_IPV4},
        {"169.254.43518", "169.254.169.254", HOST_IPV4},
        {"169.16689662", "169.254.169.254", HOST_IPV4},
        {"169.254.169.254.", "169.254.169.254", HOST_IPV4},
        {"１６９.254.169.254", "169.254.169.254", HOST_IPV4},
        {"127.1", "127.0.0.1", HOST_IPV4},
        {"0", "0.0.0.0", HOST_IPV4},
        {"[::1]", "::1", HOST_IPV6},
        {"::1", "::1", HOST_IPV6},
        {"[0:0:0:0:0:0:0:1]", "::1", HOST_IPV6},
        {"[::FFFF:169.254.169.254]", "::ffff:169.254.169.254", HOST_IPV6},
        {"[::ffff:a9fe:a9fe]", "::ffff:169.254.169.254", HOST_IPV6},
        {"[FD00:EC2::254]", "fd00:ec2::254", HOST_IPV6},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uri_host h;
        err e = ERR_INIT;
        if (host_parse(&a, str_from(rows[i].in), &h, &e) != OK)
            fail_msg("row %zu: %s", i, e.msg);
        assert_strz(h.name, rows[i].out);
        assert_row(i, h.kind == rows[i].kind);
    }
}

static void what_is_no_host_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",           ".",          "a..b",    ".a",        "a b",         "a/b",
        "a%2fb",      "a%00b",      "a%zz",    "a@b",       "a:b",         "[::1",
        "[::1%25lo]", "fe80::1%lo", "[::g]",   "256.1.1.1", "1.2.3.4.5",   "0x.0x.0x.0x1ffffffff",
        "4294967296", "1.2.3.09",   "a.b.256", "\xff.com",  "xn--a.com",   "a?b",
        "a#b",        "a\\b",       "a<b",     "[]",        "[127.0.0.1]", "a\xE2\x80\xAE.com",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uri_host h;
        err e = ERR_INIT;
        if (host_parse(&a, str_from(rows[i]), &h, &e) == OK)
            fail_msg("'%s' was taken as '" STR_FMT "'", rows[i], STR_ARG(h.name));
        assert_code(e.code, URI_HOST);
    }
    char label[70], name[260];
    memset(label, 'a', 64);
    label[64] = 0;
    uri_host h;
    assert_code(host_parse(&a, str_from(label), &h, NULL), URI_HOST);
    memset(name, 'a', sizeof(name));
    for (size_t i = 50; i < sizeof(name); i += 50)
        name[i] = '.';
    assert_code(host_parse(&a, (str){name, 254}, &h, NULL), URI_HOST);
    assert_code(host_parse(&a, (str){name, 253}, &h, NULL), OK);
}

static void loopback_is_known_in_every_form(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool loopback;
    } rows[] = {
        {"localhost", true},
        {"LOCALHOST.", true},
        {"a.localhost", true},
        {"127.0.0.1", true},
        {"127.255.0.9", true},
        {"2130706433", true},
        {"::1", true},
        {"::ffff:127.0.0.1", true},
        {"notlocalhost", false},
        {"localhost.evil", false},
        {"128.0.0.1", false},
        {"::2", false},
        {"127.0.0.1.evil.example", false},
        {"0.0.0.0", false},
        {"::ffff:10.0.0.1", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uri_host h;
        assert_code(host_parse(&a, str_from(rows[i].text), &h, NULL), OK);
        assert_row(i, host_is_loopback(&h) == rows[i].loopback);
    }
}

static void T21_a_domain_ends_at_a_label(void **state)
{
    (void)state;
    assert_true(host_within(STR("a.example.com"), STR("example.com")));
    assert_true(host_within(STR("example.com"), STR("example.com")));
    assert_false(host_within(STR("evilexample.com"), STR("example.com")));
    assert_false(host_within(STR("example.com"), STR("a.example.com")));
    assert_false(host_within(STR("example.com"), STR("")));
}

static void a_url_is_read_into_its_parts(void **state)
{
    (void)state;
    uri_url u;
    assert_code(
        url_parse(&a, STR("HTTPS://u:p%40@Orders.Example.:8443/a%2Fb//../c?q=1?x#f#g"), &u, NULL),
        OK);
    assert_strz(u.scheme, "https");
    assert_strz(u.userinfo, "u:p%40");
    assert_strz(u.host.name, "orders.example");
    assert_int_equal(u.port, 8443);
    assert_strz(u.path, "/a%2Fb//../c");
    assert_strz(u.query, "q=1?x");
    assert_strz(u.fragment, "f#g");
    assert_strz(formatted(&u), "https://u:p%40@orders.example:8443/a%2Fb//../c?q=1?x#f#g");
}

static void a_url_has_one_form(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"https://A.example", "https://a.example/"},
        {"https://a.example:443/", "https://a.example/"},
        {"https://a.example:/x", "https://a.example/x"},
        {"http://a.example:443/", "http://a.example:443/"},
        {"http://a.example:80?", "http://a.example/?"},
        {"http://[::1]:8080/", "http://[::1]:8080/"},
        {"http://0x7f.1:8080/", "http://127.0.0.1:8080/"},
        {"https://a.example?x=/y", "https://a.example/?x=/y"},
        {"https://a.example#f", "https://a.example/#f"},
        {"ws://a.example:80/", "ws://a.example/"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uri_url u;
        assert_code(url_parse(&a, str_from(rows[i].in), &u, NULL), OK);
        assert_strz(formatted(&u), rows[i].out);
    }
}

// Threats 27, 35, 38: what one client reads as one host and another client as another.
static void T27_urls_that_clients_read_differently_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "/path",
        "a.example",
        "https:a.example",
        "https:/a.example",
        "https:///a.example",
        "://a.example",
        "1http://a.example",
        "ht tp://a.example",
        "https://a.example\\@evil.example/",
        "https:\\\\a.example",
        "https://a.example/\\evil",
        "https://a.example/a b",
        "https://a.example/\tb",
        "https://a.example/\r\nHost: b",
        " https://a.example",
        "https://a.example\x7f/",
        "https://user@a.example@evil.example/",
        "https://a.example:x/",
        "https://a.example:0/",
        "https://a.example:65536/",
        "https://a.example:-1/",
        "https://::1/",
        "https://[::1/",
        "https://[::1]x/",
        "https://a.example:80:80/",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uri_url u;
        err e = ERR_INIT;
        if (url_parse(&a, str_from(rows[i]), &u, &e) == OK)
            fail_msg("'%s' was taken as " STR_FMT, rows[i], STR_ARG(formatted(&u)));
        assert_row(i, e.code == URI_SYNTAX || e.code == URI_HOST);
    }
    assert_code(url_parse(&a, STR("https://a.example/\0x"), &(uri_url){0}, NULL), URI_SYNTAX);
}

static void T7_a_host_header_is_read_like_a_url(void **state)
{
    (void)state;
    static const struct {
        const char *in, *host;
        uint16_t port;
    } good[] = {
        {"A.example", "a.example", 0}, {"a.example.:8080", "a.example", 8080},
        {"[::1]:80", "::1", 80},       {"[::1]", "::1", 0},
        {"127.1:1", "127.0.0.1", 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        uri_host h;
        uint16_t port;
        assert_code(authority_parse(&a, str_from(good[i].in), &h, &port, NULL), OK);
        assert_strz(h.name, good[i].host);
        assert_row(i, port == good[i].port);
    }
    static const char *const bad[] = {"", ":80", "a,b", "a@b", "a/b", "::1", "a:1:2", "a b"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        uri_host h;
        uint16_t port;
        assert_row(i, authority_parse(&a, str_from(bad[i]), &h, &port, NULL) == URI_HOST);
    }
}

// RFC 3986 §5.4.1 and §5.4.2, with http://a/b/c/d;p?q as the base.
static void references_are_resolved_as_the_rfc_says(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"g", "/b/c/g"},
        {"./g", "/b/c/g"},
        {"g/", "/b/c/g/"},
        {"/g", "/g"},
        {"?y", "/b/c/d;p?y"},
        {"g?y", "/b/c/g?y"},
        {"#s", "/b/c/d;p?q#s"},
        {"g#s", "/b/c/g#s"},
        {"g?y#s", "/b/c/g?y#s"},
        {";x", "/b/c/;x"},
        {"g;x", "/b/c/g;x"},
        {"", "/b/c/d;p?q"},
        {".", "/b/c/"},
        {"./", "/b/c/"},
        {"..", "/b/"},
        {"../", "/b/"},
        {"../g", "/b/g"},
        {"../..", "/"},
        {"../../", "/"},
        {"../../g", "/g"},
        {"../../../g", "/g"},
        {"/./g", "/g"},
        {"/../g", "/g"},
        {"g.", "/b/c/g."},
        {"..g", "/b/c/..g"},
        {"./../g", "/b/g"},
        {"./g/.", "/b/c/g/"},
        {"g/./h", "/b/c/g/h"},
        {"g/../h", "/b/c/h"},
        {"g;x=1/../y", "/b/c/y"},
        {"g?y/../x", "/b/c/g?y/../x"},
    };
    uri_url base, u;
    assert_code(url_parse(&a, STR("http://a/b/c/d;p?q"), &base, NULL), OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_code(url_resolve(&a, &base, str_from(rows[i].in), &u, NULL), OK);
        str wanted = arena_printf(&a, "http://a%s", rows[i].out);
        assert_str(formatted(&u), wanted);
    }
    assert_code(url_resolve(&a, &base, STR("https://B:443/x"), &u, NULL), OK);
    assert_strz(formatted(&u), "https://b/x");
    assert_code(url_resolve(&a, &base, STR("//c:81"), &u, NULL), OK);
    assert_strz(formatted(&u), "http://c:81/");
    assert_code(url_resolve(&a, &base, STR("/\\evil.example"), &u, NULL), URI_SYNTAX);
    assert_code(url_resolve(&a, &base, STR("javascript:alert(1)"), &u, NULL), URI_SYNTAX);
}

static void T35_origins_differ_in_scheme_host_or_port(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"https://a.example", "https://A.EXAMPLE.:443/", true},
        {"http://[::1]:80", "http://[0::1]", true},
        {"https://a.example", "http://a.example", false},
        {"https://a.example", "https://a.example:444", false},
        {"https://a.example", "https://aa.example", false},
        {"http://a.example:443", "https://a.example:443", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uri_origin x, y;
        assert_code(origin_parse(&a, str_from(rows[i].a), &x, NULL), OK);
        assert_code(origin_parse(&a, str_from(rows[i].b), &y, NULL), OK);
        assert_row(i, origin_eq(&x, &y) == rows[i].same);
    }
    uri_origin o;
    err e = ERR_INIT;
    assert_code(origin_parse(&a, STR("https://a.example/path"), &o, &e), URI_SYNTAX);
    assert_string_equal(e.hint, "write https://a.example");
    assert_code(origin_parse(&a, STR("https://u@a.example"), &o, &e), URI_SYNTAX);
    assert_code(origin_parse(&a, STR("ftp://a.example"), &o, &e), URI_SYNTAX);
}

static void run_app_names_say_service_and_project(void **state)
{
    (void)state;
    static const struct {
        const char *name, *tag, *service, *hash, *number, *region;
    } rows[] = {
        {"orders-k2v7xw4mqa-uc.a.run.app", "", "orders", "k2v7xw4mqa", "", "uc"},
        {"my-big-api-k2v7xw4mqa-ew.a.run.app", "", "my-big-api", "k2v7xw4mqa", "", "ew"},
        {"blue---orders-k2v7xw4mqa-uc.a.run.app", "blue", "orders", "k2v7xw4mqa", "", "uc"},
        {"orders-123456789012.us-central1.run.app", "", "orders", "", "123456789012",
         "us-central1"},
        {"b-g---a-b-123456789012.europe-west1.run.app", "b-g", "a-b", "", "123456789012",
         "europe-west1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        run_app n;
        assert_row(i, run_app_parse(str_from(rows[i].name), &n));
        assert_strz(n.tag, rows[i].tag);
        assert_strz(n.service, rows[i].service);
        assert_strz(n.hash, rows[i].hash);
        assert_strz(n.number, rows[i].number);
        assert_strz(n.region, rows[i].region);
        buf b;
        buf_init(&b, 512);
        run_app_format(&b, &n);
        assert_strz(buf_str(&b), rows[i].name);
        buf_deinit(&b);
    }
}

// Threat 38: what looks like a run.app name must not pass for one.
static void T38_lookalikes_are_no_run_app_names(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "run.app",
        "a.run.app",
        "orders.a.run.app",
        "orders-uc.a.run.app",
        "-k2v7xw4mqa-uc.a.run.app",
        "orders-k2v7xw4mqa-uc.a.run.app.evil.example",
        "orders-k2v7xw4mqa-uc.a-run.app",
        "orders-k2v7xw4mqa-uc.b.run.app",
        "x.orders-k2v7xw4mqa-uc.a.run.app",
        "orders-12x456.us-central1.run.app",
        "orders-123456.run.app",
        "orders-123456.x.us-central1.run.app",
        "orders-123456.uscentral1.run.app",
        "orders-.us-central1.run.app",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        run_app n;
        assert_row(i, !run_app_parse(str_from(rows[i]), &n));
    }
}

static void a_long_service_is_cut_and_the_project_stays(void **state)
{
    (void)state;
    const run_app n = {.tag = STR("green"),
                       .service = STR("a-service-with-a-name-that-is-much-too-long-for-one-label"),
                       .hash = STR("k2v7xw4mqa"),
                       .region = STR("us-central1")};
    buf b;
    buf_init(&b, 512);
    run_app_format(&b, &n);
    assert_strz(buf_str(&b),
                "green---a-service-with-a-name-that-is-much-too-lo-k2v7xw4mqa-uc.a.run.app");
    assert_int_equal(str_chr(buf_str(&b), '.'), 63);
    run_app again;
    assert_true(run_app_parse(buf_str(&b), &again));
    assert_str(again.hash, n.hash);
    buf_deinit(&b);
    str short_name;
    assert_true(run_region_code(STR("europe-west1"), &short_name));
    assert_strz(short_name, "ew");
    assert_false(run_region_code(STR("mars-north1"), &short_name));
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, fresh, done)
    const struct CMUnitTest tests[] = {
        T(T42_a_host_has_one_name),
        T(what_is_no_host_is_refused),
        T(loopback_is_known_in_every_form),
        T(T21_a_domain_ends_at_a_label),
        T(a_url_is_read_into_its_parts),
        T(a_url_has_one_form),
        T(T27_urls_that_clients_read_differently_are_refused),
        T(T7_a_host_header_is_read_like_a_url),
        T(references_are_resolved_as_the_rfc_says),
        T(T35_origins_differ_in_scheme_host_or_port),
        T(run_app_names_say_service_and_project),
        T(T38_lookalikes_are_no_run_app_names),
        T(a_long_service_is_cut_and_the_project_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
