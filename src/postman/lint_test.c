// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"
#include "postman/lint.h"
#include "postman/postman.h"

#define KEY "-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBg\\n-----END PRIVATE KEY-----\\n"

// The script that everybody pastes: signs an assertion with the account's key, trades it for a
// token, keeps that in a variable, which the collection's auth sends.
static const char pasted[] =
    "{\n\"info\": {\"name\": \"orders\"},\n"
    "\"variable\": [\n"
    "  {\"key\": \"baseUrl\", \"value\": \"https://orders-abc-uc.a.run.app\"},\n"
    "  {\"key\": \"privateKey\", \"value\": \"" KEY "\"},\n"
    "  {\"key\": \"accessToken\", \"value\": \"\"},\n"
    "  {\"key\": \"limit\", \"value\": \"10\"}],\n"
    "\"auth\": {\"type\": \"bearer\", \"bearer\": [{\"key\": \"token\", \"value\": "
    "\"{{accessToken}}\"}]},\n"
    "\"event\": [{\"listen\": \"prerequest\", \"script\": {\"exec\": [\n"
    "  \"const key = pm.collectionVariables.get('privateKey');\",\n"
    "  \"const limit = pm.collectionVariables.get('limit');\",\n"
    "  \"pm.sendRequest({url: 'https://oauth2.googleapis.com/token'}, (e, r) =>\",\n"
    "  \"  pm.collectionVariables.set('accessToken', r.json().access_token));\"]}}],\n"
    "\"item\": [\n"
    "  {\"name\": \"list\", \"event\": [{\"listen\": \"test\", \"script\": {\"exec\": "
    "[\"pm.test('ok', () => {})\"]}}],\n"
    "   \"request\": {\"url\": \"{{baseUrl}}/orders?limit={{limit}}\",\n"
    "     \"header\": [{\"key\": \"Authorization\", \"value\": \"Bearer {{accessToken}}\"},\n"
    "                {\"key\": \"Accept\", \"value\": \"*/*\"}]}},\n"
    "  {\"name\": \"odd\", \"request\": \"{{baseUrl}}/{{nowhere}}/{{nowhere}}/{{$guid}}\"}]}\n";

typedef struct fixture fixture;
struct fixture {
    arena a;
    pm_collection *c;
    pm_findings f;
};

static void read(fixture *x, const char *text)
{
    err e = ERR_INIT;
    arena_init(&x->a);
    assert_int_equal(pm_collection_read(&x->a, str_from(text), "c.json", &x->c, &e), OK);
    pm_lint_input in = {.collection = x->c};
    pm_lint(&x->a, &in, &x->f);
}

static void done(fixture *x)
{
    vec_deinit(&x->f.found);
    arena_deinit(&x->a);
}

static const pm_finding *find(const fixture *x, const char *rule, size_t n)
{
    VEC_FOREACH (&x->f.found, f) {
        if (str_eq(str_from(f->rule), str_from(rule)) && n-- == 0)
            return f;
    }
    return NULL;
}

static void test_the_pasted_script_is_found_with_its_places(void **state)
{
    (void)state;
    fixture x;
    read(&x, pasted);
    const pm_finding *key = find(&x, "secret", 0);
    assert_non_null(key);
    assert_int_equal(key->line, 5);
    assert_true(str_find(key->message, STR("private key")) >= 0);
    assert_true(str_find(key->message, STR("MIIEvQ")) < 0);
    assert_null(find(&x, "secret", 1));
    assert_int_equal(find(&x, "token-script", 0)->line, 9);
    assert_int_equal(find(&x, "hand-made-bearer", 0)->line, 8);
    const pm_finding *header = find(&x, "hand-made-bearer", 1);
    assert_int_equal(header->line, 17);
    assert_string_equal(arena_cstr(&x.a, header->where), "list");
    const pm_finding *variable = find(&x, "unresolved-variable", 0);
    assert_string_equal(arena_cstr(&x.a, variable->message), "nothing defines {{nowhere}}");
    assert_null(find(&x, "unresolved-variable", 1)); // told once, and $guid is known
    done(&x);
}

static void test_the_fix_takes_script_key_and_bearer_and_nothing_else(void **state)
{
    (void)state;
    fixture x;
    read(&x, pasted);
    size_t removed;
    json *doc = pm_lint_fix(&x.a, x.c, &removed);
    assert_int_equal(removed, 5); // script, auth, header, two variables
    assert_int_equal(json_get(doc, "event")->len, 0);
    assert_null(json_get(doc, "auth"));
    const json *variables = json_get(doc, "variable");
    assert_int_equal(variables->len, 2);
    assert_true(json_is_str(json_get(json_at(variables, 0), "key"), "baseUrl"));
    // The script read it too, but a request still uses it.
    assert_true(json_is_str(json_get(json_at(variables, 1), "key"), "limit"));
    const json *item = json_at(json_get(doc, "item"), 0);
    assert_int_equal(json_get(item, "event")->len, 1);
    const json *headers = json_get(json_get(item, "request"), "header");
    assert_int_equal(headers->len, 1);
    assert_true(json_is_str(json_get(json_at(headers, 0), "key"), "Accept"));

    char *text = json_text(doc, JSON_PRETTY);
    fixture again;
    read(&again, text);
    assert_null(find(&again, "secret", 0));
    assert_null(find(&again, "token-script", 0));
    pm_lint_fix(&again.a, again.c, &removed);
    assert_int_equal(removed, 0);
    done(&again);
    free(text);
    done(&x);
}

static void test_secrets_in_clear(void **state)
{
    (void)state;
    static const struct {
        const char *pair;
        bool secret;
    } rows[] = {
        {"{\"key\":\"password\",\"value\":\"hunter22\"}", true},
        {"{\"key\":\"client_secret\",\"value\":\"0a9b8c7d6e\"}", true},
        {"{\"key\":\"X-Api-Key\",\"value\":\"k-1234567\"}", true},
        {"{\"key\":\"note\",\"value\":\"ya29.c.b0AaekmABCDEFGHIJKLMNOPQRSTUVWXYZ\"}", true},
        {"{\"key\":\"password\",\"value\":\"{{pw}}\"}", false},
        {"{\"key\":\"password\",\"value\":\"<your password>\"}", false},
        {"{\"key\":\"password\",\"value\":\"\"}", false},
        {"{\"key\":\"tokenUrl\",\"value\":\"https://oauth2.example/token\"}", false},
        {"{\"key\":\"password\",\"value\":\"hunter22\",\"disabled\":true}", true},
        {"{\"key\":\"addTokenTo\",\"value\":\"header\"}", false},
        {"{\"key\":\"subject_token_type\",\"value\":\"urn:ietf:jwt\"}", false},
        {"{\"key\":\"Postman-Token\",\"value\":\"7b1c3e1e-4f0a\"}", false},
        {"{\"key\":\"Authorization\",\"value\":\"Basic dTpodW50ZXIy\"}", true},
        {"{\"key\":\"Authorization\",\"value\":\"Bearer {{token}}\"}", false},
        {"{\"key\":\"colour\",\"value\":\"hunter22\"}", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        fixture x;
        char text[512];
        snprintf(text, sizeof(text),
                 "{\"info\":{},\"item\":[],\"variable\":[%s,{\"key\":\"pw\",\"value\":\"\"}]}",
                 rows[i].pair);
        read(&x, text);
        if ((find(&x, "secret", 0) != NULL) != rows[i].secret)
            fail_msg("%s", rows[i].pair);
        done(&x);
    }
}

static void test_secrets_outside_of_pairs(void **state)
{
    (void)state;
#define JWT "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJlLXNpZ25hdHVyZQ"
    static const struct {
        const char *request;
        size_t secrets;
    } rows[] = {
        {"\"https://u:hunter22@x/\"", 1},
        {"\"https://x/?api_key=k-1234567\"", 1},
        {"\"https://x/?a=b&token=" JWT "\"", 1},
        {"\"https://x/?api_key={{pw}}&token=&password=<yours>\"", 0},
        {"\"https://{{pw}}:{{pw}}@x/a:b@c?d=e:f\"", 0},
        {"{\"url\":{\"raw\":\"https://u:hunter22@x/\",\"host\":[\"x\"]}}", 1},
        {"{\"url\":{\"host\":[\"x\"],\"auth\":{\"user\":\"u\",\"password\":\"hunter22\"}}}", 1},
        {"{\"url\":{\"raw\":\"https://x/?api_key=k-1234567\",\"query\":[{\"key\":\"api_key\","
         "\"value\":\"k-1234567\"}]}}",
         1}, // told once
        {"{\"body\":{\"mode\":\"raw\",\"raw\":\"{ \\\"password\\\" : \\\"hunter22\\\", {{pw}} "
         "}\"}}",
         1},
        {"{\"body\":{\"mode\":\"raw\",\"raw\":\"a=b&client_secret=0a9b8c7d\"}}", 1},
        {"{\"body\":{\"mode\":\"raw\",\"raw\":\"{\\\"t\\\":\\\"" JWT "\\\"}\"}}", 1},
        {"{\"body\":{\"mode\":\"raw\",\"raw\":\"{\\\"password\\\":\\\"{{pw}}\\\"}\"}}", 0},
        {"{\"body\":{\"mode\":\"raw\",\"raw\":\"{\\\"colour\\\":\\\"password: hunter22\\\"}\"}}",
         0},
        {"{\"header\":\"Authorization: Bearer " JWT "\"}", 1},
        {"{\"header\":[\"X-Api-Key: k-1234567\"]}", 1},
        {"{\"header\":[\"Authorization: Bearer {{pw}}\"]}", 0},
        {"{\"header\":[{\"key\":\"X\",\"value\":\"AKIAIOSFODNN7EXAMPLE\"}]}", 1},
        {"{\"header\":[{\"key\":\"X\",\"value\":\"ghp_0123456789abcdefghijABCDEFGHIJ012345\"}]}",
         1},
        {"{\"header\":[{\"key\":\"X\",\"value\":\"AIzaSyA-0123456789abcdefghijABCDEFGHIJ0\"}]}", 1},
        {"{\"header\":[{\"key\":\"X\",\"value\":\"xoxb-123456789012-abcdef\"}]}", 1},
        {"{\"header\":[{\"key\":\"X\",\"value\":\"postgres://u:p@h/db\"}]}", 1},
        {"{\"header\":[{\"key\":\"X\",\"value\":\"TAKIAIOSFODNN7EXAMPLE ghp_short\"}]}", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        fixture x;
        char text[1024];
        snprintf(text, sizeof(text),
                 "{\"info\":{},\"variable\":[{\"key\":\"pw\",\"value\":\"\"}],"
                 "\"item\":[{\"name\":\"n\",\"request\":%s}]}",
                 rows[i].request);
        read(&x, text);
        assert_row(i, x.f.found.len == rows[i].secrets);
        if (rows[i].secrets)
            assert_row(i, find(&x, "secret", 0) != NULL);
        done(&x);
    }
}

static void test_secrets_in_saved_examples(void **state)
{
    (void)state;
    fixture x;
    read(&x, "{\"info\":{},\"item\":[{\"name\":\"a\",\"request\":\"http://h/\",\"response\":[\n"
             "{\"originalRequest\":{\"header\":[{\"key\":\"X\",\"value\":\"{{unknown}}\"}]},\n"
             "\"body\":\"{\\\"access_token\\\":\\\"ya29.c.b0AaekmABCDEFGHIJKLMNOPQRSTUVWXYZ\\\"}\"}"
             "]}]}");
    const pm_finding *f = find(&x, "secret", 0);
    assert_non_null(f);
    assert_int_equal(f->line, 3);
    assert_int_equal(x.f.found.len, 1); // an example's variables are filled in by nobody
    done(&x);
}

static void test_variables_that_scripts_set(void **state)
{
    (void)state;
    static const struct {
        const char *source, *names; // separated by blanks
    } rows[] = {
        {"pm.environment.set('a', 1); pm.variables.set(\"b\", 2)", "a b"},
        {"postman.setEnvironmentVariable(`c`, 1)", "c"},
        {"postman.setGlobalVariable( 'd', 1)", "d"},
        {"cache.set(key, 1); m.set('e')", "e"},
        {"reset('f')", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        str rest = str_from(rows[i].source), wanted = str_from(rows[i].names), name, expected;
        while (str_next(&wanted, ' ', &expected)) {
            assert_row(i, pm_next_set_variable(&rest, &name));
            assert_row(i, str_eq(name, expected));
        }
        assert_row(i, !pm_next_set_variable(&rest, &name));
    }
}

static void test_output_is_safe_and_machine_readable(void **state)
{
    (void)state;
    fixture x;
    read(&x,
         "{\"info\":{},\"item\":[{\"name\":\"\\u001b[2J\",\"request\":\"http://{{nobody}}/\"}]}");
    buf out;
    buf_init(&out, 1 << 20);
    pm_lint_text(&x.f, &out); // T48: a name can't drive the terminal
    assert_true(str_chr(buf_str(&out), '\033') < 0);
    assert_true(str_find(buf_str(&out), STR("c.json:1:")) == 0);
    buf_reset(&out);
    pm_lint_json(&x.f, &out);
    json *root;
    assert_int_equal(json_parse(&x.a, buf_str(&out), NULL, &root, NULL), OK);
    assert_true(json_is_str(json_get(json_at(root, 0), "rule"), "unresolved-variable"));
    buf_deinit(&out);
    done(&x);
}

// The script that goes names what paths and variables are called too.
static void test_the_fix_leaves_what_a_url_needs(void **state)
{
    (void)state;
    fixture x;
    read(&x, "{\"info\":{},\"variable\":[{\"key\":\"region\",\"value\":\"eu\"},"
             "{\"key\":\"issuer\",\"value\":\"me\"}],"
             "\"item\":[{\"name\":\"r\",\"event\":[{\"listen\":\"prerequest\",\"script\":{\"exec\":"
             "\"pm.sendRequest('https://oauth2.googleapis.com/token', (e, r) => "
             "pm.request.headers.add({key: 'Authorization', value: r.text()}));"
             "f('id'); f('region'); f('issuer')\"}}],"
             "\"request\":{\"url\":{\"host\":[\"h\"],\"path\":[\":id\"],\"variable\":"
             "[{\"key\":\"id\",\"value\":\"{{region}}\"}]}}}]}");
    size_t removed;
    json *doc = pm_lint_fix(&x.a, x.c, &removed);
    assert_int_equal(removed, 2); // the script, and the issuer that only it read
    const json *variables = json_get(doc, "variable");
    assert_int_equal(variables->len, 1);
    assert_true(json_is_str(json_get(json_at(variables, 0), "key"), "region"));
    const json *request = json_get(json_at(json_get(doc, "item"), 0), "request");
    assert_int_equal(json_get(json_get(request, "url"), "variable")->len, 1);
    done(&x);
}

// A collection with a token script that does `work` besides, and `uses` in its request.
static void with_script(char text[2048], const char *listen, const char *work, const char *uses)
{
    snprintf(text, 2048,
             "{\"info\":{},\"auth\":{\"type\":\"bearer\",\"bearer\":[{\"key\":\"token\","
             "\"value\":\"{{t}}\"}]},\"event\":[{\"listen\":\"%s\",\"script\":{\"exec\":[%s]}}],"
             "\"item\":[{\"name\":\"r\",\"request\":{\"url\":\"http://h/\"%s}}]}",
             listen, work, uses);
}

#define TRADE                                                                                      \
    "\"if (pm.environment.get('until') > Date.now()) return;\","                                   \
    "\"pm.sendRequest('https://oauth2.googleapis.com/token', (e, r) => {\","                       \
    "\"pm.environment.set('until', Date.now() + 3e6);\","                                          \
    "\"pm.environment.set('t', r.json().access_token);});\""

static void test_the_fix_takes_only_scripts_that_do_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *listen, *script, *uses;
        const char *besides; // NULL: it goes; "": no token script
    } rows[] = {
        {"prerequest", TRADE, "", NULL},
        {"prerequest", "\"// pm.test, eval( 'x'\"," TRADE ",\"/* .unset( */\"", "", NULL},
        {"prerequest", TRADE ",\"const u = s.replace(/[/'\\\\/]*/g, '') // pm.test\"", "", NULL},
        {"prerequest", TRADE ",\"f(pm.request.url.getHost(), pm.request.method === 'GET')\"", "",
         NULL},
        {"prerequest", TRADE, ",\"auth\":{\"type\":\"bearer\",\"bearer\":{\"token\":\"{{t}}\"}}",
         NULL},
        {"prerequest", "\"// we no longer call metadata.google.internal\"", "", ""},
        {"test", "\"// we no longer call metadata.google.internal\",\"pm.test('x', f)\"", "", ""},
        {"test", TRADE, "", ""},
        {"prerequest", TRADE ",\"pm.test('x', f)\"", "", ""},
        {"prerequest", "\"pm.environment.set('url', 'https://oauth2.googleapis.com/token')\"", "",
         ""},
        {"prerequest", TRADE ",\"pm.environment.set('id', Date.now())\"",
         ",\"header\":[{\"key\":\"X-Request-Id\",\"value\":\"{{id}}\"}]",
         "sets 'id', which is used for other things"},
        {"prerequest", TRADE ",\"pm.environment.set('tenant', 'acme')\"", "",
         "sets 'tenant', which no bearer uses"},
        {"prerequest", "\"pm.environment.set('t', 'none');\"," TRADE, "",
         "sets 't' before the trade"},
        {"prerequest", TRADE, ",\"body\":{\"mode\":\"raw\",\"raw\":\"{{t}}\"}",
         "sets 't', which is used for other things"},
        {"prerequest", TRADE, ",\"header\":[{\"key\":\"X-T\",\"value\":\"Bearer {{t}}\"}]",
         "sets 't', which is used for other things"},
        {"prerequest", TRADE "]}},{\"listen\":\"test\",\"script\":{\"exec\":[\"f('until')\"", "",
         "sets 'until', which is used for other things"},
        {"prerequest", TRADE ",\"pm.environment.set(name, 1)\"", "", "doesn't name"},
        {"prerequest", TRADE ",\"pm.request.headers.add({key: 'X-A', value: 1})\"", "",
         "changes the request"},
        {"prerequest", TRADE ",\"pm.request.method = 'PUT'\"", "", "changes the request"},
        {"prerequest", TRADE ",\"const r = pm.request;\"", "", "changes the request"},
        {"prerequest", TRADE ",\"pm.sendRequest('http://h/warm')\"", "", "sends other requests"},
        {"prerequest", TRADE ",\"pm.environment.unset('a')\"", "", "removes variables"},
        {"prerequest", TRADE ",\"postman.setNextRequest('a')\"", "", "what is sent next"},
        {"prerequest",
         TRADE "]}},{\"listen\":\"prerequest\",\"script\":{\"exec\":[" TRADE ",\"eval(x)\"", "",
         "sets 'until', which is used for other things"},
        {"prerequest", "\"sign('RS256', 'https://oauth2.googleapis.com/token')\"", "",
         "sent by something else"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        fixture x;
        char text[2048];
        with_script(text, rows[i].listen, rows[i].script, rows[i].uses);
        read(&x, text);
        const char *besides = rows[i].besides;
        const pm_finding *f = find(&x, "token-script", 0);
        assert_row(i, (f != NULL) == (!besides || *besides));
        if (f)
            assert_row(i, f->fixable == !besides);
        if (f && besides)
            assert_row(i, str_find(f->message, str_from(besides)) >= 0);
        const pm_finding *bearer = find(&x, "hand-made-bearer", 0);
        if (bearer)
            assert_row(i, bearer->fixable == !besides);
        size_t removed;
        pm_lint_fix(&x.a, x.c, &removed);
        assert_row(i, (removed > 0) == !besides);
        done(&x);
    }
}

static void add_times(buf *b, size_t times, const char *text)
{
    for (size_t i = 0; i < times; i++)
        buf_addz(b, text);
}

// A script of calls, variables beside a script that may mention them, and a name of a megabyte.
static void test_T50_large_collections_are_looked_at_in_time(void **state)
{
    (void)state;
    enum { CALLS = 100000, VARIABLES = 20000, REQUESTS = 5000, LONG = 1 << 20 };
    uint64_t start = clock_mono_ms();
    buf b;
    buf_init(&b, 64 << 20);
    buf_addz(&b, "{\"info\":{},\"variable\":[{\"key\":\"first\"}");
    for (int i = 0; i < VARIABLES; i++)
        buf_addf(&b, ",{\"key\":\"v%d\",\"value\":\"\"}", i);
    buf_addz(&b, "],\"event\":[{\"listen\":\"prerequest\",\"script\":{\"exec\":\""
                 "pm.sendRequest('sts.googleapis.com', 'v7'); ");
    add_times(&b, CALLS, "pm.variables.set('w', f('w'));");
    buf_addz(&b, "setGlobalVariable('last', f('last')); "
                 "pm.request.headers.upsert({key: 'Authorization'})\"}}],\"item\":[{\"name\":\"");
    buf_addc(&b, 'x');
    add_times(&b, LONG / 2, "é"); // where it is cut there is half a character
    buf_addz(&b, "\",\"item\":[");
    for (int i = 0; i < REQUESTS; i++)
        buf_addf(&b, "%s{\"name\":\"r%d\",\"request\":\"{{w%d}}/{{v8}}\"}", i ? "," : "", i, i);
    buf_addz(&b, "]}]}");
    fixture x;
    read(&x, buf_cstr(&b));
    const pm_finding *f = find(&x, "unresolved-variable", REQUESTS - 1);
    assert_non_null(f);
    assert_true(f->where.len < 300 && str_starts(f->where, STR("xéé")));
    assert_true(str_ends(f->where, STR("… / r4999")) && utf8_valid(f->where));
    size_t removed;
    pm_lint_fix(&x.a, x.c, &removed);
    assert_int_equal(removed, 2); // the script and v7
    assert_true(clock_mono_ms() - start < 20000);
    done(&x);
    buf_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_pasted_script_is_found_with_its_places),
        cmocka_unit_test(test_the_fix_takes_script_key_and_bearer_and_nothing_else),
        cmocka_unit_test(test_the_fix_leaves_what_a_url_needs),
        cmocka_unit_test(test_the_fix_takes_only_scripts_that_do_nothing_else),
        cmocka_unit_test(test_T50_large_collections_are_looked_at_in_time),
        cmocka_unit_test(test_secrets_in_clear),
        cmocka_unit_test(test_secrets_outside_of_pairs),
        cmocka_unit_test(test_secrets_in_saved_examples),
        cmocka_unit_test(test_variables_that_scripts_set),
        cmocka_unit_test(test_output_is_safe_and_machine_readable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
