// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"
#include "guard/guard.h"

#define PAGE(title, text, sentence)                                                                \
    "\n<html><head>\n"                                                                             \
    "<meta http-equiv=\"content-type\" content=\"text/html;charset=utf-8\">\n"                     \
    "<title>" title "</title>\n"                                                                   \
    "</head>\n"                                                                                    \
    "<body text=#000000 bgcolor=#ffffff>\n"                                                        \
    "<h1>Error: " text "</h1>\n"                                                                   \
    "<h2>" sentence "</h2>\n"                                                                      \
    "<h2></h2>\n"                                                                                  \
    "</body></html>\n"

static buf out;

static str page(int status, const char *path)
{
    buf_reset(&out);
    guard_page(status, str_from(path), &out);
    return buf_str(&out);
}

static void refusals_are_worded_as_cloud_run_does(void **state)
{
    (void)state;
    assert_strz(page(403, "/orders/17"),
                PAGE("403 Forbidden", "Forbidden",
                     "Your client does not have permission to get URL <code>/orders/17</code> from "
                     "this server."));
    assert_strz(page(401, "/"), PAGE("401 Unauthorized", "Unauthorized",
                                     "Your client does not have permission to the requested URL "
                                     "<code>/</code>."));
    assert_strz(page(404, "/x"),
                PAGE("404 Page not found", "Page not found",
                     "The requested URL <code>/x</code> was not found on this server."));
}

static void serving_errors_have_the_same_shape(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *title, *says;
    } rows[] = {
        {400, "<title>400 Bad Request</title>", "malformed or illegal"},
        {413, "<title>413 Request Entity Too Large</title>", "too large"},
        {429, "<title>429 Too Many Requests</title>", "Rate exceeded."},
        {500, "<title>500 Server Error</title>", "encountered an error"},
        {503, "<title>503 Server Error</title>", "not available yet"},
        {504, "<title>504 Gateway Timeout</title>", "time limit"},
        {502, "<title>502 Server Error</title>", "could not complete"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        str p = page(rows[i].status, "/secret-path");
        assert_row(i, str_find(p, str_from(rows[i].title)) > 0);
        assert_row(i, str_find(p, str_from(rows[i].says)) > 0);
        assert_row(i, str_find(p, STR("secret-path")) < 0);
        assert_row(i, str_ends(p, STR("<h2></h2>\n</body></html>\n")));
    }
}

static void a_path_is_never_markup(void **state)
{
    (void)state;
    assert_true(str_find(page(403, "/<script>\"'&amp;"),
                         STR("<code>/&lt;script&gt;&quot;&#39;&amp;amp;</code>")) > 0);
    assert_true(str_find(page(401, "/%s%n"), STR("<code>/%s%n</code>")) > 0);
}

static int drop(void **state)
{
    (void)state;
    buf_deinit(&out);
    return 0;
}

static int make(void **state)
{
    (void)state;
    buf_init(&out, 64 << 10);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_are_worded_as_cloud_run_does),
        cmocka_unit_test(serving_errors_have_the_same_shape),
        cmocka_unit_test(a_path_is_never_markup),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
