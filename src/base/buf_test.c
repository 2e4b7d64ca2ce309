// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"

static void an_append_past_the_maximum_appends_nothing(void **state)
{
    (void)state;
    buf b;
    buf_init(&b, 5);
    buf_addz(&b, "abc");
    buf_addz(&b, "def");
    assert_false(buf_ok(&b));
    assert_str(buf_str(&b), STR("abc"));
    buf_addc(&b, 'x'); // would fit, but a gap in the middle would be worse than a missing end
    assert_str(buf_str(&b), STR("abc"));
    buf_addf(&b, "%d", 1);
    assert_str(buf_str(&b), STR("abc"));
    buf_reset(&b);
    assert_true(buf_ok(&b));
    buf_addf(&b, "%d", 12345);
    assert_true(buf_ok(&b));
    assert_str(buf_str(&b), STR("12345"));
    buf_addf(&b, "%s", "6");
    assert_false(buf_ok(&b));
    buf_deinit(&b);
}

static void consumes_truncates_and_takes(void **state)
{
    (void)state;
    buf b;
    buf_init(&b, 100);
    assert_string_equal(buf_cstr(&b), "");
    buf_consume(&b, 3);
    buf_addz(&b, "hello world");
    buf_consume(&b, 6);
    assert_string_equal(buf_cstr(&b), "world");
    buf_truncate(&b, 2);
    buf_truncate(&b, 50);
    assert_string_equal(buf_cstr(&b), "wo");
    memcpy(buf_reserve(&b, 2), "rd", 2);
    b.len += 2;
    char *taken = buf_take(&b);
    assert_string_equal(taken, "word");
    assert_int_equal(b.len, 0);
    free(taken);
    taken = buf_take(&b);
    assert_string_equal(taken, "");
    free(taken);
    assert_null(buf_reserve(&b, 101));
    assert_null(buf_reserve(&b, SIZE_MAX));
    buf_deinit(&b);
}

static void writes_json_strings_that_parse(void **state)
{
    (void)state;
    static const struct {
        str in;
        const char *out;
    } rows[] = {
        {STR("plain"), "\"plain\""},
        {STR("a\"b\\c"), "\"a\\\"b\\\\c\""},
        {STR("\n\r\t\x01\x7f"), "\"\\n\\r\\t\\u0001\\u007f\""},
        {STR("gr\xC3\xBC\xC3\x9F"), "\"gr\xC3\xBC\xC3\x9F\""},
        {STR("\xff\x00x"), "\"\xEF\xBF\xBD\\u0000x\""},
        {STR("\xE2\x80\xA8"), "\"\\u2028\""}, // ends a line in JavaScript
        {STR(""), "\"\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf b;
        buf_init(&b, 100);
        buf_add_json(&b, rows[i].in);
        assert_strz(buf_str(&b), rows[i].out);
        buf_deinit(&b);
    }
}

// The search goes by eight bytes: what must be escaped is found wherever it stands.
static void escapes_at_every_place(void **state)
{
    (void)state;
    static const struct {
        char in;
        const char *out;
    } rows[] = {{'"', "\\\""},     {'\\', "\\\\"},    {'\n', "\\n"},
                {0x1f, "\\u001f"}, {0x7f, "\\u007f"}, {(char)0xff, "\xEF\xBF\xBD"}};
    const char *as = "aaaaaaaaaaaaaaaaaaaa";
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t at = 0; at < 20; at++) {
            char text[20], want[64];
            memset(text, 'a', sizeof text);
            text[at] = rows[i].in;
            snprintf(want, sizeof want, "\"%.*s%s%s\"", (int)at, as, rows[i].out, as + at + 1);
            buf b;
            buf_init(&b, 100);
            buf_add_json(&b, (str){text, sizeof text});
            assert_strz(buf_str(&b), want);
            buf_deinit(&b);
        }
    }
}

static void T48_terminal_sequences_are_shown_not_sent(void **state)
{
    (void)state;
    static const struct {
        str in;
        const char *out;
    } rows[] = {
        {STR("\x1b[2J"), "\\u001b[2J"},                 // clear the screen
        {STR("\x1b]0;x\x07"), "\\u001b]0;x\\u0007"},    // set the title
        {STR("\xC2\x9b\x33m"), "\\u009b3m"},            // C1 control sequence introducer
        {STR("a\r\nb\tc"), "a\\u000d\\u000ab\\u0009c"}, // a forged second line
        {STR("\xE2\x80\xAE gnp"), "\\u202e gnp"},       // right-to-left override
        {STR("ok \xE2\x9C\x93 \xff"), "ok \xE2\x9C\x93 \\xff"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf b;
        buf_init(&b, 100);
        buf_add_shown(&b, rows[i].in);
        assert_strz(buf_str(&b), rows[i].out);
        buf_deinit(&b);
    }
}

static void T48_a_control_is_shown_wherever_it_stands(void **state)
{
    (void)state;
    static const char controls[] = {'\x1b', '\x7f', '\n', '\xff'};
    static const char *const shown[] = {"\\u001b", "\\u007f", "\\u000a", "\\xff"};
    for (size_t at = 0; at < 20; at++) {
        for (size_t i = 0; i < ARRAY_LEN(controls); i++) {
            char text[] = "01234567890123456789", want[40];
            snprintf(want, sizeof want, "%.*s%s%s", (int)at, text, shown[i], text + at + 1);
            text[at] = controls[i];
            buf b;
            buf_init(&b, 100);
            buf_add_shown(&b, str_from(text));
            assert_strz(buf_str(&b), want);
            buf_deinit(&b);
        }
    }
}

static void wipes_what_held_a_secret(void **state)
{
    (void)state;
    buf b;
    buf_init(&b, 100);
    buf_addz(&b, "top-secret");
    const char *ptr = b.ptr;
    buf_wipe(&b);
    for (size_t i = 0; i < strlen("top-secret"); i++)
        assert_int_equal(ptr[i], 0);
    buf_deinit(&b);
}

static void a_buffer_that_is_secret_wipes_by_itself(void **state)
{
    (void)state;
    buf b;
    buf_init(&b, 10000);
    b.secret = true;
    for (int i = 0; i < 100; i++) // grows several times
        buf_addz(&b, "top-secret");
    assert_int_equal(b.len, 1000);
    assert_true(str_ends(buf_str(&b), STR("top-secrettop-secret")));
    const char *ptr = b.ptr;
    size_t cap = b.cap;
    buf_truncate(&b, 5);
    buf_reset(&b);
    for (size_t i = 0; i < cap; i++)
        assert_int_equal(ptr[i], 0);
    buf_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_append_past_the_maximum_appends_nothing),
        cmocka_unit_test(consumes_truncates_and_takes),
        cmocka_unit_test(writes_json_strings_that_parse),
        cmocka_unit_test(escapes_at_every_place),
        cmocka_unit_test(T48_terminal_sequences_are_shown_not_sent),
        cmocka_unit_test(T48_a_control_is_shown_wherever_it_stands),
        cmocka_unit_test(wipes_what_held_a_secret),
        cmocka_unit_test(a_buffer_that_is_secret_wipes_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
