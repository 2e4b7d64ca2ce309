// SPDX-License-Identifier: Apache-2.0
// Tests of the encodings: base64, hex, percent, UTF-8.
#include "base/test.h"

static void base64_has_one_form_per_value(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        // RFC 4648 §10, with the form of §5 beside
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg==", "Zm9vYg"},
        {"\xfb\xff", "+/8=", "-_8"},
    };
    buf b;
    buf_init(&b, 100);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf_reset(&b);
        base64_encode(&b, str_from(rows[i][0]));
        assert_strz(buf_str(&b), rows[i][1]);
        buf_reset(&b);
        assert_row(i, base64_decode(&b, str_from(rows[i][1])));
        assert_strz(buf_str(&b), rows[i][0]);
        buf_reset(&b);
        base64url_encode(&b, str_from(rows[i][0]));
        assert_strz(buf_str(&b), rows[i][2]);
        buf_reset(&b);
        assert_row(i, base64url_decode(&b, str_from(rows[i][2])));
        assert_strz(buf_str(&b), rows[i][0]);
    }
    buf_deinit(&b);
}

static void T18_non_canonical_base64_is_refused(void **state)
{
    (void)state;
    const char *bad_url[] = {"Zh", "Zm9", "Z", "Zg==", "Zm+v", "Zm/v", "Zm9v\n", " Zg", "Zm9vA"};
    const char *bad_std[] = {"Zg", "Zh==", "Zm9=", "Z===", "====", "=", "Zg=a", "Zm-v", "Zg==Zg=="};
    buf b;
    buf_init(&b, 100);
    for (size_t i = 0; i < ARRAY_LEN(bad_url); i++)
        assert_row(i, !base64url_decode(&b, str_from(bad_url[i])));
    for (size_t i = 0; i < ARRAY_LEN(bad_std); i++)
        assert_row(i, !base64_decode(&b, str_from(bad_std[i])));
    buf_deinit(&b);
}

static void hex_and_percent_round_trip(void **state)
{
    (void)state;
    buf b, back;
    buf_init(&b, 1000);
    buf_init(&back, 1000);
    char all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    hex_encode(&b, (str){all, 256});
    assert_true(hex_decode(&back, buf_str(&b)));
    assert_str(buf_str(&back), ((str){all, 256}));
    buf_reset(&b);
    buf_reset(&back);
    percent_encode(&b, (str){all, 256});
    assert_true(percent_decode(&back, buf_str(&b)));
    assert_str(buf_str(&back), ((str){all, 256}));
    buf_reset(&b);
    percent_encode(&b, STR("a b/~\xC3\xBC"));
    assert_str(buf_str(&b), STR("a%20b%2F~%C3%BC"));
    assert_false(hex_decode(&b, STR("abc")));
    assert_false(hex_decode(&b, STR("zz")));
    assert_true(hex_decode(&b, STR("aBCd")));
    assert_false(percent_decode(&b, STR("%")));
    assert_false(percent_decode(&b, STR("%4")));
    assert_false(percent_decode(&b, STR("%4g")));
    buf_reset(&back);
    assert_false(percent_decode(&back, STR("a%20b c%zzd")));
    assert_str(buf_str(&back), STR("a b c")); // what stands before it
    buf_deinit(&b);
    buf_deinit(&back);
}

static void a_full_buffer_fails_the_decoder(void **state)
{
    (void)state;
    buf b;
    buf_init(&b, 2);
    assert_false(base64_decode(&b, STR("Zm9v")));
    assert_false(hex_decode(&b, STR("666f6f")));
    buf_reset(&b);
    assert_false(percent_decode(&b, STR("foo")));
    buf_deinit(&b);
}

static void utf8_width_is_what_a_terminal_shows(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t columns;
    } rows[] = {
        {"", 0},          {"abc", 3},          {"caf\xc3\xa9", 4},
        {"e\xcc\x81", 1}, {"\u4f60\u597d", 4}, {"\u30c6\u30b9\u30c8", 6},
        {"\ud55c", 2},    {"\uff21", 2},       {"\u2713", 1},
        {"\u2705", 2},    {"\U0001f600", 2},   {"\U00020000", 2},
        {"\u200b", 0},    {"\xff\xfe", 2},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_row(i, utf8_width(str_from(rows[i].text)) == rows[i].columns);
}

static void utf8_refuses_overlong_forms_and_surrogates(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        uint32_t cp;
    } rows[] = {{"A", 'A'},
                {"\xC3\xBC", 0xfc},
                {"\xE2\x82\xAC", 0x20ac},
                {"\xF0\x9F\x98\x80", 0x1f600},
                {"\xF4\x8F\xBF\xBF", 0x10ffff}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint32_t cp;
        char back[4];
        size_t n = utf8_decode(str_from(rows[i].bytes), &cp);
        assert_row(i, n == strlen(rows[i].bytes) && cp == rows[i].cp);
        assert_row(i, utf8_encode(cp, back) == n && memcmp(back, rows[i].bytes, n) == 0);
    }
    const char *bad[] = {"\xC0\xAF",
                         "\xC1\x81",
                         "\xE0\x80\xAF",
                         "\xED\xA0\x80",
                         "\xF0\x80\x80\xAF",
                         "\xF4\x90\x80\x80",
                         "\xF5\x80\x80\x80",
                         "\x80",
                         "\xC3",
                         "\xE2\x82",
                         "\xC3("};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_row(i, !utf8_valid(str_from(bad[i])));
    // Wherever it stands among words of ASCII; its neighbour U+00FC is right there.
    for (size_t at = 0; at < 20; at++) {
        char text[] = "abcdefghijklmnopqrstuvwxyz";
        text[at] = '\xC3';
        assert_row(at, !utf8_valid(str_from(text)));
        text[at + 1] = '\xBC';
        assert_row(at, utf8_valid(str_from(text)));
    }
    char none[4];
    assert_int_equal(utf8_encode(0xd800, none), 0);
    assert_int_equal(utf8_encode(0x110000, none), 0);
    assert_true(utf8_valid(STR("")));
    assert_int_equal(utf8_len(STR("a\xC3\xBC\xff")), 3);
}

static void T48_markup_is_escaped_for_text_and_for_attributes(void **state)
{
    (void)state;
    buf out;
    buf_init(&out, 128);
    markup_escape(&out, STR("<a href=\"x\" id='y'>\xC3\xBC & \xff</a>"));
    assert_str(buf_str(&out),
               STR("&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;\xC3\xBC &amp; \xff&lt;/a&gt;"));
    buf_deinit(&out);
    assert_null(markup_entity('a'));
    assert_null(markup_entity(0x226)); // no byte of it counts
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_has_one_form_per_value),
        cmocka_unit_test(T18_non_canonical_base64_is_refused),
        cmocka_unit_test(hex_and_percent_round_trip),
        cmocka_unit_test(a_full_buffer_fails_the_decoder),
        cmocka_unit_test(T48_markup_is_escaped_for_text_and_for_attributes),
        cmocka_unit_test(utf8_width_is_what_a_terminal_shows),
        cmocka_unit_test(utf8_refuses_overlong_forms_and_surrogates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
