// SPDX-License-Identifier: Apache-2.0
// How requests are read and errors are worded, apart from what they are about.
#include "google/google_test.h"

static void forms_are_decoded(void **state)
{
    static const struct {
        const char *text, *name, *value, *raw; // raw: where '+' is itself
        size_t count;
    } rows[] = {
        {"", "a", "", "", 0},
        {"a=1", "a", "1", "1", 1},
        {"a=1&b=2", "b", "2", "2", 2},
        {"&&a=1&", "a", "1", "1", 1},
        {"a", "a", "", "", 1},
        {"a=b=c", "a", "b=c", "b=c", 1},
        {"a=x+y%2Bz", "a", "x y+z", "x+y+z", 1},
        {"%61=%C3%A9", "a", "\xc3\xa9", "\xc3\xa9", 1},
        {"a=https://x/?y", "a", "https://x/?y", "https://x/?y", 1},
        {"a=1&a=2", "a", "1", "1", 2},
    };
    world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        form f;
        assert_row(i, form_parse(str_from(rows[i].text), &w->mem, &f));
        assert_row(i, f.count == rows[i].count);
        assert_strz(form_get(&f, rows[i].name), rows[i].value);
        assert_row(i, form_parse_raw(str_from(rows[i].text), &w->mem, &f));
        assert_strz(form_get(&f, rows[i].name), rows[i].raw);
    }
}

static void malformed_forms_are_refused(void **state)
{
    static const char *const rows[] = {"a=%", "a=%4", "a=%zz", "%=1", "b=1&a=%G0"};
    world *w = *state;
    form f;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_row(i, !form_parse(str_from(rows[i]), &w->mem, &f));
    buf b;
    buf_init(&b, 4096);
    for (int i = 0; i < FORM_FIELDS_MAX; i++)
        buf_addf(&b, "f%d=1&", i);
    assert_true(form_parse(buf_str(&b), &w->mem, &f));
    buf_addz(&b, "one=more");
    assert_false(form_parse(buf_str(&b), &w->mem, &f));
    buf_deinit(&b);
}

static void a_field_that_is_there_twice_is_found(void **state)
{
    static const struct {
        const char *text, *name;
    } rows[] = {{"a=1&b=2", ""}, {"a=1&a=1", "a"}, {"x&a=1&b=2&%61=3", "a"}, {"", ""}};
    world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        form f;
        assert_row(i, form_parse(str_from(rows[i].text), &w->mem, &f));
        assert_strz(form_repeated(&f), rows[i].name);
    }
}

// Parts are decoded after the path was taken apart: an escaped slash makes no new part.
static void T06_paths_are_taken_apart_before_they_are_decoded(void **state)
{
    static const struct {
        const char *path;
        bool good;
        size_t count;
        const char *last;
    } rows[] = {
        {"/", true, 1, ""},
        {"/v1", true, 1, "v1"},
        {"/v1/a%40b", true, 2, "a@b"},
        {"/v1/a%2Fb", true, 2, "a/b"},
        {"/v1/a+b", true, 2, "a+b"},
        {"/v1//x", true, 3, "x"},
        {"/v1/", true, 2, ""},
        {"/v1/%zz", false, 0, ""},
        {"/1/2/3/4/5/6/7/8", true, SEGMENTS_MAX, "8"},
        {"/1/2/3/4/5/6/7/8/9", false, 0, ""},
    };
    world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        str parts[SEGMENTS_MAX];
        size_t count;
        bool good = path_split(str_from(rows[i].path), &w->mem, parts, &count);
        assert_row(i, good == rows[i].good);
        if (!good)
            continue;
        assert_row(i, count == rows[i].count);
        assert_strz(parts[count - 1], rows[i].last);
    }
}

static void T06_no_spelling_of_a_path_reaches_another(void **state)
{
    static const char *const rows[] = {
        "GET /v1/projects/demo/serviceAccounts/../serviceAccounts",
        "GET /v1/projects/demo//serviceAccounts",
        ("GET /v1/projects/demo/serviceAccounts%2F" TESTER),
        "GET /V1/projects/demo/serviceAccounts",
        "GET //token",
        "GET /token/",
        "GET /token;x",
        "GET /%74oken",
        "GET /oauth2/v3/certs/",
    };
    world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        call *c = api_call(w, rows[i], ADMIN, "");
        assert_row(i, c->status == 404);
    }
}

static void errors_have_googles_envelope(void **state)
{
    world *w = *state;
    call *c = api_call(w, "POST /v1/projects/-/serviceAccounts/" TESTER ":generateIdToken",
                       STRANGER, "{\"audience\":\"a\"}");
    assert_strz(
        c->answer,
        "{\n"
        "  \"error\": {\n"
        "    \"code\": 403,\n"
        "    \"message\": \"Permission 'iam.serviceAccounts.getOpenIdToken' denied on resource "
        "(or it may not exist).\",\n"
        "    \"status\": \"PERMISSION_DENIED\",\n"
        "    \"details\": [\n"
        "      {\n"
        "        \"@type\": \"type.googleapis.com/google.rpc.ErrorInfo\",\n"
        "        \"reason\": \"IAM_PERMISSION_DENIED\",\n"
        "        \"domain\": \"iam.googleapis.com\",\n"
        "        \"metadata\": {\n"
        "          \"permission\": \"iam.serviceAccounts.getOpenIdToken\"\n"
        "        }\n"
        "      }\n"
        "    ]\n"
        "  }\n"
        "}");
    assert_strz(header_of(c, "content-type"), "application/json; charset=UTF-8");
}

// Deep and large bodies end at the reader's limits (threat 17).
static void T17_bodies_that_explode_are_refused(void **state)
{
    world *w = *state;
    buf b;
    buf_init(&b, 1 << 20);
    for (int i = 0; i < 20000; i++)
        buf_addc(&b, '[');
    call *c = api_call(w, "POST /v1/projects/-/serviceAccounts/" TESTER ":generateIdToken", ADMIN,
                       buf_cstr(&b));
    assert_int_equal(c->status, 400);
    buf_reset(&b);
    buf_addz(&b, "{\"scope\":[");
    for (int i = 0; i < 2000; i++)
        buf_addz(&b, "\"s\",");
    buf_addz(&b, "\"s\"]}");
    c = api_call(w, "POST /v1/projects/-/serviceAccounts/" TESTER ":generateAccessToken", ADMIN,
                 buf_cstr(&b));
    assert_int_equal(c->status, 400);
    buf_deinit(&b);
}

// While the trail takes nothing, nothing is granted, refused or changed.
static void no_answer_without_its_entry(void **state)
{
    world *w = *state;
    audit_options tiny = {.pending_bytes_max = 1};
    err e = ERR_INIT;
    google_free(w->g);
    audit_spool_close(w->spool);
    if (audit_spool_open(w->loop, in_dir(w, "tiny"), &tiny, &w->spool, &e))
        fail_msg("%s", e.msg);
    w->options.spool = w->spool;
    open_google(w);
    const char *const request = "POST /v1/projects/-/serviceAccounts/" TESTER ":generateIdToken";
    assert_int_equal(api_call(w, request, ADMIN, "{\"audience\":\"a\"}")->status, 200);
    // The entry waits for the end of this turn: there is no room for another.
    call *c = api_call(w, request, ADMIN, "{\"audience\":\"a\"}");
    assert_int_equal(c->status, 503);
    assert_int_equal(api_call(w, request, STRANGER, "{\"audience\":\"a\"}")->status, 503);
    assert_true(str_find(c->answer, STR("eyJ")) < 0);
    assert_code(audit_spool_flush(w->spool, &e), OK);
    assert_int_equal(api_call(w, request, STRANGER, "{\"audience\":\"a\"}")->status, 403);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(forms_are_decoded),
        CASE(malformed_forms_are_refused),
        CASE(a_field_that_is_there_twice_is_found),
        CASE(T06_paths_are_taken_apart_before_they_are_decoded),
        CASE(T06_no_spelling_of_a_path_reaches_another),
        CASE(errors_have_googles_envelope),
        CASE(T17_bodies_that_explode_are_refused),
        CASE(no_answer_without_its_entry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
