// SPDX-License-Identifier: Apache-2.0
// Requests as they leave: headers, auth and URLs are those that newman 6.2.2 sends.
#include "base/test.h"
#include "postman/postman.h"

typedef struct setup setup;
struct setup {
    const char *request;
    const char *variables; // an object
    const char *auth;      // inherited
    pm_behavior behavior;
};

static code prepare(arena *a, const setup *s, pm_call *ret, err *e)
{
    json *request, *row, *auth = NULL;
    pm_scope *env = pm_scope_new(STR_NONE, STR("environment"));
    pm_scopes scopes = {{NULL, NULL, env}};
    assert_code(json_parse(a, str_from(s->request), NULL, &request, e), OK);
    assert_code(json_parse(a, str_from(s->variables ? s->variables : "{}"), NULL, &row, e), OK);
    if (s->auth)
        assert_code(json_parse(a, str_from(s->auth), NULL, &auth, e), OK);
    assert_code(pm_scope_add_row(env, row, e), OK);
    pm_prepare_options o = {.scopes = &scopes, .auth = auth, .behavior = s->behavior};
    code c = pm_prepare(a, request, &o, ret, e);
    pm_scope_free(env);
    return c;
}

static void prepare_ok(arena *a, const setup *s, pm_call *ret)
{
    err e = ERR_INIT;
    if (prepare(a, s, ret, &e) != OK)
        fail_msg("%s: %s", s->request, e.msg);
}

// "Name: value" lines; of the system's headers only those between Content-Type and Content-Length
// that `all` asks for.
static str headers_of(arena *a, const pm_call *call, bool all)
{
    buf out;
    buf_init(&out, 1 << 16);
    for (size_t i = 0; i < call->headers.len; i++) {
        const pm_header *h = &call->headers.ptr[i];
        if (h->unsent)
            continue;
        static const char *const usual[] = {"User-Agent",    "Accept", "Cache-Control",
                                            "Postman-Token", "Host",   "Accept-Encoding",
                                            "Connection"};
        bool is_usual = false;
        for (size_t k = 0; k < ARRAY_LEN(usual); k++)
            is_usual |= h->system && str_eq(h->name, str_from(usual[k]));
        if (is_usual && !all)
            continue;
        bool token = str_eq(h->name, STR("Postman-Token")) && h->value.len == 36;
        buf_addf(&out, STR_FMT ": " STR_FMT "\n", STR_ARG(h->name),
                 STR_ARG(token ? STR("UUID") : h->value));
    }
    str text = arena_str(a, buf_str(&out));
    buf_deinit(&out);
    return text;
}

static void assert_headers(size_t row, const setup *s, bool all, const char *wanted)
{
    arena a;
    pm_call call;
    arena_init(&a);
    prepare_ok(&a, s, &call);
    str got = headers_of(&a, &call, all);
    if (!str_eq(got, str_from(wanted)))
        fail_msg("row %zu: %s:\ngot\n" STR_FMT "wanted\n%s", row, s->request, STR_ARG(got), wanted);
    pm_call_deinit(&call);
    arena_deinit(&a);
}

// ---- headers

#define URL "\"url\":\"http://h:8080/a\""
#define SYSTEM_HEADERS                                                                             \
    "User-Agent: PostmanRuntime/7.39.1\nAccept: */*\nCache-Control: no-cache\n"                    \
    "Postman-Token: UUID\nHost: h:8080\nAccept-Encoding: gzip, deflate, br\n"                      \
    "Connection: keep-alive\n"

static void system_headers_follow_the_users(void **state)
{
    static const struct {
        const char *request, *headers;
        uint32_t off;
    } rows[] = {
        {"{" URL "}", SYSTEM_HEADERS, 0},
        {"{" URL ",\"header\":[{\"key\":\"X\",\"value\":\"1\"}]}", "X: 1\n" SYSTEM_HEADERS, 0},
        {"{" URL ",\"method\":\"POST\",\"body\":{\"mode\":\"raw\",\"raw\":\"x\"}}",
         "Content-Type: text/plain\n" SYSTEM_HEADERS "Content-Length: 1\n", 0},
        {"{" URL ",\"method\":\"POST\"}", SYSTEM_HEADERS "Content-Length: 0\n", 0},
        {"{" URL ",\"method\":\"PATCH\"}", SYSTEM_HEADERS "Content-Length: 0\n", 0},
        {"{" URL ",\"method\":\"DELETE\"}", SYSTEM_HEADERS, 0},
        {"{" URL ",\"method\":\"HEAD\"}", SYSTEM_HEADERS, 0},
        {"{" URL ",\"method\":\"OPTIONS\"}", SYSTEM_HEADERS, 0},
        // the user's own stand instead, whatever their case
        {"{" URL ",\"header\":[{\"key\":\"user-agent\",\"value\":\"me\"},{\"key\":\"ACCEPT\","
         "\"value\":\"x\"},{\"key\":\"Host\",\"value\":\"other\"}]}",
         "user-agent: me\nACCEPT: x\nHost: other\nCache-Control: no-cache\nPostman-Token: UUID\n"
         "Accept-Encoding: gzip, deflate, br\nConnection: keep-alive\n",
         0},
        {"{" URL ",\"method\":\"POST\",\"body\":{\"mode\":\"raw\",\"raw\":\"x\"}}", "", 511},
        {"{" URL "}", "Accept: */*\nHost: h:8080\n",
         PM_SYSTEM_USER_AGENT | PM_SYSTEM_CACHE_CONTROL | PM_SYSTEM_POSTMAN_TOKEN |
             PM_SYSTEM_ACCEPT_ENCODING | PM_SYSTEM_CONNECTION},
        // what the user wrote stays even then
        {"{" URL ",\"method\":\"POST\",\"header\":[{\"key\":\"Content-Type\",\"value\":\"a/b\"}],"
         "\"body\":{\"mode\":\"raw\",\"raw\":\"x\"}}",
         "Content-Type: a/b\n", 511},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        setup s = {.request = rows[i].request, .behavior = {.no_headers = rows[i].off}};
        assert_headers(i, &s, true, rows[i].headers);
    }
}

static void users_headers_are_filled_in(void **state)
{
    static const struct {
        const char *headers, *wanted;
    } rows[] = {
        {"[{\"key\":\"{{k}}\",\"value\":\"{{v}}\"}]", "X-K: val\n"},
        {"[{\"key\":\"A\",\"value\":\" b \"},{\"key\":\"A\",\"value\":\"c\"}]", "A: b\nA: c\n"},
        {"[{\"key\":\"A\",\"value\":\"b\"},{\"key\":\"a\",\"value\":\"c\"},{\"key\":\"a\","
         "\"value\":\"d\"}]",
         "a: c\na: d\n"},
        {"[{\"key\":\"\",\"value\":\"x\"},{\"key\":\"{{empty}}\",\"value\":\"x\"}]", ""},
        {"[{\"key\":\"D\",\"value\":\"x\",\"disabled\":true},{\"key\":\"E\",\"value\":\"\"}]",
         "E: \n"},
        {"[{\"key\":\"N\",\"value\":5},{\"key\":\"O\",\"value\":\"{{o}}\"}]",
         "N: 5\nO: [object Object]\n"},
        {"[\"A: b\",\"C:d\"]", "A: b\nC: d\n"},
        {"\"A: b\\nC:d\"", "A: b\nC: d\n"},
        {"{\"A\":\"b\"}", "A: b\n"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char request[500];
        snprintf(request, sizeof(request), "{\"url\":\"h\",\"header\":%s}", rows[i].headers);
        setup s = {.request = request,
                   .variables = "{\"k\":\"X-K\",\"v\":\"val\",\"empty\":\"\",\"o\":{}}"};
        assert_headers(i, &s, false, rows[i].wanted);
    }
}

// ---- auth

#define MINE "\"header\":[{\"key\":\"authorization\",\"value\":\"mine\"}]"

static const struct {
    const char *auth, *applied, *headers, *url;
    bool noauth;
} auth_rows[] = {
    {"{\"type\":\"basic\",\"basic\":[{\"key\":\"username\",\"value\":\"\xc3\xbc\"},"
     "{\"key\":\"password\",\"value\":\"p:w\"}]}",
     "basic", "Authorization: Basic w7w6cDp3\n", "http://h/?a=1", false},
    {"{\"type\":\"basic\",\"basic\":[]}", "basic", "Authorization: Basic Og==\n", "http://h/?a=1",
     false},
    {"{\"type\":\"basic\",\"basic\":{\"username\":\"u\",\"password\":\"p\"}}", "basic",
     "Authorization: Basic dTpw\n", "http://h/?a=1", false},
    {"{\"type\":\"bearer\",\"bearer\":[{\"key\":\"token\",\"value\":\"{{t}}\"}]}", "bearer",
     "Authorization: Bearer tok\n", "http://h/?a=1", false},
    {"{\"type\":\"bearer\",\"bearer\":[{\"key\":\"token\",\"value\":5}]}", "bearer",
     "Authorization: Bearer 5\n", "http://h/?a=1", false},
    {"{\"type\":\"bearer\",\"bearer\":[{\"key\":\"token\",\"value\":\"\"}]}", "bearer",
     "authorization: mine\n", "http://h/?a=1", false},
    {"{\"type\":\"apikey\",\"apikey\":[{\"key\":\"key\",\"value\":\"X-K\"},"
     "{\"key\":\"value\",\"value\":\"{{t}}\"}]}",
     "apikey", "authorization: mine\nX-K: tok\n", "http://h/?a=1", false},
    {"{\"type\":\"apikey\",\"apikey\":[{\"key\":\"key\",\"value\":\"Authorization\"},"
     "{\"key\":\"value\",\"value\":\"v\"},{\"key\":\"in\",\"value\":\"header\"}]}",
     "apikey", "Authorization: v\n", "http://h/?a=1", false},
    {"{\"type\":\"apikey\",\"apikey\":[{\"key\":\"key\",\"value\":\"a\"},{\"key\":\"value\","
     "\"value\":\"v 1&\"},{\"key\":\"in\",\"value\":\"query\"}]}",
     "apikey", "authorization: mine\n", "http://h/?a=v%201%26", false},
    {"{\"type\":\"apikey\",\"apikey\":[{\"key\":\"key\",\"value\":\"b\"},{\"key\":\"value\","
     "\"value\":\"v\"},{\"key\":\"in\",\"value\":\"query\"}]}",
     "apikey", "authorization: mine\n", "http://h/?a=1&b=v", false},
    {"{\"type\":\"apikey\",\"apikey\":[{\"key\":\"key\",\"value\":\"k\"}]}", "apikey",
     "authorization: mine\nk: \n", "http://h/?a=1", false},
    {"{\"type\":\"apikey\",\"apikey\":[{\"key\":\"value\",\"value\":\"v\"}]}", "apikey",
     "authorization: mine\n", "http://h/?a=1", false},
    {"{\"type\":\"apikey\",\"apikey\":[{\"key\":\"key\",\"value\":\"k\"},{\"key\":\"value\","
     "\"value\":\"v\"},{\"key\":\"in\",\"value\":\"x\"}]}",
     "apikey", "authorization: mine\nk: v\n", "http://h/?a=1", false},
    {"{\"type\":\"oauth2\",\"oauth2\":[{\"key\":\"accessToken\",\"value\":\"{{t}}\"}]}", "oauth2",
     "Authorization: Bearer tok\n", "http://h/?a=1", false},
    {"{\"type\":\"oauth2\",\"oauth2\":[{\"key\":\"accessToken\",\"value\":\"v\"},{\"key\":"
     "\"headerPrefix\",\"value\":\"Token \"},{\"key\":\"addTokenTo\",\"value\":\"header\"}]}",
     "oauth2", "Authorization: Token v\n", "http://h/?a=1", false},
    {"{\"type\":\"oauth2\",\"oauth2\":[{\"key\":\"accessToken\",\"value\":\"v\"},{\"key\":"
     "\"headerPrefix\",\"value\":\"\"}]}",
     "oauth2", "Authorization: v\n", "http://h/?a=1", false},
    {"{\"type\":\"oauth2\",\"oauth2\":[{\"key\":\"accessToken\",\"value\":\"v\"},{\"key\":"
     "\"headerPrefix\",\"value\":null}]}",
     "oauth2", "Authorization: Bearer v\n", "http://h/?a=1", false},
    {"{\"type\":\"oauth2\",\"oauth2\":[{\"key\":\"accessToken\",\"value\":\"v\"},{\"key\":"
     "\"addTokenTo\",\"value\":\"queryParams\"}]}",
     "oauth2", "", "http://h/?a=1&access_token=v", false},
    {"{\"type\":\"oauth2\",\"oauth2\":[{\"key\":\"accessToken\",\"value\":\"v\"},{\"key\":"
     "\"tokenType\",\"value\":\"mac\"}]}",
     "oauth2", "authorization: mine\n", "http://h/?a=1", false},
    {"{\"type\":\"oauth2\",\"oauth2\":[]}", "oauth2", "authorization: mine\n", "http://h/?a=1",
     false},
    {"{\"type\":\"noauth\"}", NULL, "authorization: mine\n", "http://h/?a=1", true},
    {"{\"type\":\"weird\",\"weird\":[]}", NULL, "authorization: mine\n", "http://h/?a=1", false},
    {"{}", NULL, "authorization: mine\n", "http://h/?a=1", false},
};

static void auth_is_applied(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(auth_rows); i++) {
        arena a;
        pm_call call;
        char request[500];
        arena_init(&a);
        snprintf(request, sizeof(request), "{\"url\":\"h?a=1\"," MINE ",\"auth\":%s}",
                 auth_rows[i].auth);
        setup s = {.request = request, .variables = "{\"t\":\"tok\"}"};
        prepare_ok(&a, &s, &call);
        assert_strz(headers_of(&a, &call, false), auth_rows[i].headers);
        assert_strz(call.url, auth_rows[i].url);
        assert_row(i, call.noauth == auth_rows[i].noauth);
        assert_row(i, auth_rows[i].applied ? call.auth && !strcmp(call.auth, auth_rows[i].applied)
                                           : !call.auth);
        assert_int_equal(call.warnings.len, strstr(auth_rows[i].auth, "weird") ? 1 : 0);
        pm_call_deinit(&call);
        arena_deinit(&a);
    }
}

static void own_auth_goes_before_inherited(void **state)
{
    static const char top[] =
        "{\"type\":\"bearer\",\"bearer\":[{\"key\":\"token\",\"value\":\"{{t}}\"}]}";
    static const struct {
        const char *request, *headers;
    } rows[] = {
        {"\"h\"", "Authorization: Bearer top\n"},
        {"{\"url\":\"h\"}", "Authorization: Bearer top\n"},
        {"{\"url\":\"h\",\"auth\":null}", "Authorization: Bearer top\n"},
        {"{\"url\":\"h\",\"auth\":{\"type\":\"noauth\"}}", ""},
        {"{\"url\":\"h\",\"auth\":{\"type\":\"apikey\",\"apikey\":[{\"key\":\"key\",\"value\":"
         "\"k\"},{\"key\":\"value\",\"value\":\"{{t}}\"}]}}",
         "k: top\n"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        setup s = {.request = rows[i].request, .variables = "{\"t\":\"top\"}", .auth = top};
        assert_headers(i, &s, false, rows[i].headers);
    }
}

static void userinfo_is_basic_auth(void **state)
{
    static const struct {
        const char *request, *headers;
    } rows[] = {
        {"\"http://us:p%20w@h/\"", "Authorization: Basic dXM6cCB3\n"},
        {"\"http://us@h/\"", "Authorization: Basic dXM6\n"},
        {"\"http://{{u}}:x@h/\"", "Authorization: Basic bmFtZTp4\n"},
        {"{\"url\":\"http://us:pw@h/\"," MINE "}", "authorization: mine\n"},
        {"{\"url\":{\"host\":\"h\",\"auth\":{\"user\":\"us\",\"password\":\"p w\"}}}",
         "Authorization: Basic dXM6cCB3\n"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        setup s = {.request = rows[i].request, .variables = "{\"u\":\"name\"}"};
        assert_headers(i, &s, false, rows[i].headers);
    }
}

// ---- method and URL

static void urls_are_filled_in_then_read_again(void **state)
{
    static const struct {
        const char *url, *wire;
    } rows[] = {
        {"\"http://h/{{p}}\"", "http://h/a/b?c=d&e"},
        {"\"{{base}}/x\"", "https://api.example:8/v1//x"},
        {"\"http://h/a?x={{amp}}&y=2\"", "http://h/a?x=a%20b&c&y=2"},
        {"\"{{$nothing}}h/\"", NULL},
        {"{\"host\":[\"{{host}}\"],\"path\":[\":id\",\":t\",\":{{k}}\"],\"variable\":[{\"key\":"
         "\"id\",\"value\":\"{{v}}\"},{\"key\":\"t\",\"value\":\"a?b\"},{\"key\":\"n\",\"value\":"
         "\"q\"}]}",
         "http://host/re/solved/a?b/:n"},
        {"{\"host\":\"h\",\"path\":[\"a\",\":id\",\":no\",\":e\",\":x.json\"],\"variable\":[{"
         "\"key\":\"id\",\"value\":\"1/2 \xc3\xa9\"},{\"key\":\"e\",\"value\":\"\"},{\"key\":\"x\","
         "\"value\":\"y\"}]}",
         "http://h/a/1/2%20%C3%A9/:no/:e/y.json"},
        {"{\"host\":\"h\",\"path\":[\":id\"],\"variable\":[{\"key\":\"id\",\"value\":\"off\","
         "\"disabled\":true}]}",
         "http://h/off"},
        {"{\"host\":\"h\",\"path\":[\":id\"],\"variable\":[{\"key\":\"id\",\"value\":5}]}",
         "http://h/:id"},
        {"{\"host\":\"h\",\"path\":[\":id\"],\"variable\":[{\"id\":\"id\",\"value\":\"1\"},"
         "{\"key\":\"id\",\"value\":\"2\"}]}",
         "http://h/2"},
        {"{\"host\":\"h\",\"path\":\"a/b\",\"query\":[{\"key\":\"q\",\"value\":\"a&b#c=d\"},"
         "{\"key\":\"k=&#\",\"value\":\"v\"},{\"key\":\"n\",\"value\":null},{\"key\":\"e\","
         "\"value\":\"\"},{\"key\":\"d\",\"value\":\"x\",\"disabled\":true},{\"key\":null,"
         "\"value\":\"nk\"},{\"value\":\"nokey\"},{\"key\":\"u\"},{\"key\":\"{{qk}}\",\"value\":"
         "\"{{qv}}\"}]}",
         "http://h/a/b?q=a%26b%23c=d&k%3D%26%23=v&n&e=&=nk&=nokey&u&x&y=1=2&3"},
        {"\"http://h/[x]|^~`{}\\\\z?[x]|^~`{}\\\\z\"", "http://h/[x]|^~%60%7B%7D/z?[x]|^~`{}\\z"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        pm_call call;
        err e = ERR_INIT;
        arena_init(&a);
        str request = arena_printf(&a, "{\"url\":%s}", rows[i].url);
        setup s = {.request = request.ptr,
                   .variables =
                       "{\"p\":\"a/b?c=d&e#f\",\"base\":\"https://api.example:8/v1/\","
                       "\"amp\":\"a b&c\",\"host\":\"host\",\"v\":\"re/solved\",\"k\":\"n\","
                       "\"qk\":\"x&y\",\"qv\":\"1=2&3#4\"}"};
        code c = prepare(&a, &s, &call, &e);
        assert_row(i, c == (rows[i].wire ? OK : PM_URL));
        if (rows[i].wire)
            assert_strz(call.url, rows[i].wire);
        pm_call_deinit(&call);
        arena_deinit(&a);
    }
}

static void the_resolved_request_is_for_scripts(void **state)
{
    arena a;
    pm_call call;
    (void)state;
    arena_init(&a);
    setup s = {.request =
                   "{\"method\":\"put\",\"url\":\"http://u:{{p}}@h/{{x}}?q={{x}}\",\"header\":"
                   "[{\"key\":\"A\",\"value\":\"{{x}}\"}],\"body\":{\"mode\":\"raw\",\"raw\":"
                   "\"{{x}}\"}}",
               .variables = "{\"x\":\"a b\",\"p\":\"pw\"}",
               .behavior = {.no_headers = 511 & ~PM_SYSTEM_ACCEPT}};
    prepare_ok(&a, &s, &call);
    assert_strz(call.method, "PUT");
    assert_strz(call.url, "http://h/a%20b?q=a%20b");
    assert_strz(call.url_text, "http://u:pw@h/a b?q=a b");
    pm_url shown; // as sent, but with its userinfo
    pm_url_read(&a, json_get(call.request, "url"), &shown);
    assert_strz(pm_url_text(&a, &shown), "http://u:pw@h/a%20b?q=a%20b");
    assert_strz(json_get(json_get(call.request, "body"), "raw")->text, "a b");
    const json *headers = json_get(call.request, "header");
    assert_strz(json_get(json_at(headers, 0), "value")->text, "a b");
    assert_true(json_bool_or(json_get(json_at(headers, headers->len - 1), "system"), false));
    assert_strz(pm_call_header(&call, STR("ACCEPT"))->value, "*/*");
    assert_null(pm_call_header(&call, STR("Host")));
    pm_call_deinit(&call);
    arena_deinit(&a);
}

// What is shown isn't quite what is sent: disabled headers and other spellings are there, the type
// of a form and the userinfo's Authorization are not.
static void headers_are_shown_as_they_are_written(void **state)
{
    static const struct {
        const char *request, *shown;
    } rows[] = {
        {"{\"url\":\"h\",\"header\":[{\"key\":\"D\",\"value\":\"x\",\"disabled\":true},{\"key\":"
         "\"E\",\"value\":\"1\"},{\"key\":\"e\",\"value\":\"2\"}]}",
         "D- E e"},
        {"{\"url\":\"http://u:p@h\",\"method\":\"POST\",\"body\":{\"mode\":\"urlencoded\","
         "\"urlencoded\":[{\"key\":\"a\",\"value\":\"b\"}]}}",
         ""},
        {"{\"url\":\"h\",\"method\":\"POST\",\"header\":[{\"key\":\"content-type\",\"value\":\"x\"}"
         "],"
         "\"body\":{\"mode\":\"formdata\",\"formdata\":[{\"key\":\"a\",\"value\":\"b\"}]}}",
         "content-type"},
        {"{\"url\":\"h\",\"method\":\"POST\",\"auth\":{\"type\":\"bearer\",\"bearer\":[{\"key\":"
         "\"token\",\"value\":\"t\"}]},\"body\":{\"mode\":\"raw\",\"raw\":\"b\"}}",
         "Authorization Content-Type"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        pm_call call;
        buf shown;
        arena_init(&a);
        buf_init(&shown, 1 << 10);
        setup s = {.request = rows[i].request, .behavior = {.no_headers = 511 & ~(1u << 7)}};
        prepare_ok(&a, &s, &call);
        JSON_EACH (json_get(call.request, "header"), h)
            buf_addf(&shown, "%s" STR_FMT "%s", shown.len ? " " : "",
                     STR_ARG(json_get(h, "key")->text), json_get(h, "disabled") ? "-" : "");
        if (!str_eq(buf_str(&shown), str_from(rows[i].shown)))
            fail_msg("row %zu: " STR_FMT, i, STR_ARG(buf_str(&shown)));
        buf_deinit(&shown);
        pm_call_deinit(&call);
        arena_deinit(&a);
    }
}

// pm.sendRequest: no scopes, so templates stay; no folder, so files are refused.
static void requests_of_scripts_are_sent_literally(void **state)
{
    arena a;
    json *request;
    pm_call call;
    pm_prepare_options o = {.send_request = true};
    (void)state;
    arena_init(&a);
    assert_code(json_parse(&a,
                           STR("{\"url\":\"http://h/{{x}}\",\"method\":\"GET\",\"body\":{\"mode\":"
                               "\"raw\",\"raw\":\"{{x}}\"}}"),
                           NULL, &request, NULL),
                OK);
    assert_code(pm_prepare(&a, request, &o, &call, NULL), OK);
    assert_strz(call.url, "http://h/%7B%7Bx%7D%7D");
    assert_int_equal(call.body.len, 1);
    assert_strz(call.body.ptr[0].bytes, "{{x}}");
    pm_call_deinit(&call);
    arena_deinit(&a);
}

static void origins(void **state)
{
    static const char *const rows[][2] = {
        {"\"https://H.example:8443/a?b\"", "https://h.example:8443"},
        {"{\"url\":\"http://u:p@h/{{x}}\"}", "http://h"},
        {"{\"url\":{\"protocol\":\"https\",\"host\":[\"{{x}}\",\"b\"]}}", "https://a.b"},
        {"\"http://[::1]:80/\"", "http://[::1]:80"},
    };
    arena a;
    json *row, *request;
    str origin;
    err e = ERR_INIT;
    (void)state;
    arena_init(&a);
    pm_scope *env = pm_scope_new(STR_NONE, STR("environment"));
    pm_scopes scopes = {{NULL, NULL, env}};
    assert_code(json_parse(&a, STR("{\"x\":\"a\"}"), NULL, &row, NULL), OK);
    assert_code(pm_scope_add_row(env, row, NULL), OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_code(json_parse(&a, str_from(rows[i][0]), NULL, &request, NULL), OK);
        assert_code(pm_origin(&a, request, &scopes, &origin, NULL), OK);
        assert_strz(origin, rows[i][1]);
    }
    assert_code(pm_origin(&a, json_new_str(&a, STR("{{no}}/a")), &scopes, &origin, &e), PM_URL);
    assert_non_null(strstr(e.msg, "names a host by 'no', which has no value"));
    assert_non_null(strstr(e.hint, "--env-var 'no=VALUE'"));
    pm_scope_free(env);
    arena_deinit(&a);
}

static void T50_a_call_that_grows_too_large_is_refused(void **state)
{
    static const char *const rows[] = {
        "{\"url\":\"http://h/{{d}}\"}",
        "{\"url\":\"h\",\"header\":[{\"key\":\"A\",\"value\":\"{{d}}\"}]}",
        "{\"url\":\"h\",\"method\":\"POST\",\"body\":{\"mode\":\"raw\",\"raw\":\"{{d}}\"}}",
        ("{\"url\":\"h\",\"auth\":{\"type\":\"bearer\",\"bearer\":[{\"key\":\"token\","
         "\"value\":\"{{d}}\"}]}}"),
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        pm_call call;
        err e = ERR_INIT;
        arena_init(&a);
        setup s = {.request = rows[i], .variables = "{\"d\":\"0123456789{{d}}{{d}}{{d}}\"}"};
        assert_row(i, prepare(&a, &s, &call, &e) == PM_LIMIT);
        assert_non_null(strstr(e.hint, "name each other"));
        assert_row(i, !call.body.len && !call.headers.len && !call.url.len);
        arena_deinit(&a);
    }
}

// Much that is made of little: what one part may, all together may not.
static void T50_a_call_is_bounded_in_all_its_parts(void **state)
{
    enum { LARGE = 15 << 20 };
    static const struct {
        const char *before, *part, *after, *says; // the part comes `times`
        int times;
    } rows[] = {
        {"{\"url\":\"h\",\"header\":[0", ",{\"key\":\"A\",\"value\":\"{{v}}\"}", "]}",
         "the request grows", 5},
        {"{\"url\":\"h\",\"header\":[0", ",{\"key\":\"A\",\"value\":\"b\"}", "]}", "2000 headers",
         2001},
        {"{\"url\":\"h\",\"header\":[{\"key\":\"A\",\"value\":[0", ",\"{{v}}\"", "]}]}",
         "a header is", 2},
        {"{\"url\":\"h\",\"method\":\"POST\",\"body\":{\"mode\":\"graphql\",\"graphql\":{\"query\":"
         "\"",
         "{{v}}", "\",\"variables\":\"{{v}}\"}}}", "the body", 1},
        {"{\"url\":\"h\",\"method\":\"POST\",\"body\":{\"mode\":\"urlencoded\",\"urlencoded\":[0",
         ",{\"key\":\"a\",\"value\":\"{{v}}\"}", "]}}", "the body", 2},
        {"{\"url\":\"h\",\"method\":\"POST\",\"body\":{\"mode\":\"formdata\",\"formdata\":[0",
         ",{\"key\":\"{{quotes}}\",\"value\":\"b\"}", "]}}", "the body", 1},
    };
    (void)state;
    buf variables, request;
    buf_init(&variables, 64 << 20);
    buf_init(&request, 1 << 20);
    buf_addz(&variables, "{\"v\":\"");
    for (int i = 0; i < LARGE / 16; i++)
        buf_addz(&variables, "0123456789abcdef");
    buf_addz(&variables, "\",\"quotes\":\"");
    for (int i = 0; i < LARGE / 2; i++) // each is written as %22
        buf_addz(&variables, "\\\"");
    buf_addz(&variables, "\"}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        pm_call call;
        err e = ERR_INIT;
        arena_init(&a);
        buf_reset(&request);
        buf_addz(&request, rows[i].before);
        for (int k = 0; k < rows[i].times; k++)
            buf_addz(&request, rows[i].part);
        buf_addz(&request, rows[i].after);
        setup s = {.request = buf_cstr(&request), .variables = buf_cstr(&variables)};
        assert_row(i, prepare(&a, &s, &call, &e) == PM_LIMIT);
        assert_row(i, strstr(e.msg, rows[i].says) != NULL);
        arena_deinit(&a);
    }
    buf_deinit(&variables);
    buf_deinit(&request);
}

// The body is made before the URL is found wrong: its parts don't stay open.
static void a_failed_call_only_tells_what_it_was(void **state)
{
    arena a;
    pm_call call;
    err e = ERR_INIT;
    (void)state;
    arena_init(&a);
    setup s = {.request =
                   "{\"url\":\"http://h:x/\",\"method\":\"POST\",\"header\":\"A: b\",\"body\":"
                   "{\"mode\":\"raw\",\"raw\":\"x\"},\"auth\":{\"type\":\"weird\"}}"};
    assert_int_equal(prepare(&a, &s, &call, &e), PM_URL);
    assert_non_null(strstr(e.msg, "port"));
    assert_strz(call.method, "POST");
    assert_strz(call.url_text, "http://h:x/");
    assert_true(json_is(call.request, JSON_OBJECT));
    assert_true(!call.url.len && !call.headers.len && !call.body.len && !call.warnings.len);
    arena_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(system_headers_follow_the_users),
        cmocka_unit_test(users_headers_are_filled_in),
        cmocka_unit_test(auth_is_applied),
        cmocka_unit_test(own_auth_goes_before_inherited),
        cmocka_unit_test(userinfo_is_basic_auth),
        cmocka_unit_test(urls_are_filled_in_then_read_again),
        cmocka_unit_test(the_resolved_request_is_for_scripts),
        cmocka_unit_test(headers_are_shown_as_they_are_written),
        cmocka_unit_test(requests_of_scripts_are_sent_literally),
        cmocka_unit_test(origins),
        cmocka_unit_test(a_failed_call_only_tells_what_it_was),
        cmocka_unit_test(T50_a_call_that_grows_too_large_is_refused),
        cmocka_unit_test(T50_a_call_is_bounded_in_all_its_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
