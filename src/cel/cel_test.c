// SPDX-License-Identifier: Apache-2.0
// The room as its users see it: declared variables, functions of their own, limits, IAM conditions.
#include "cel/cel_test.h"
#include "cel/cel_json.h"

#define S(text)                                                                                    \
    {                                                                                              \
        .kind = CEL_STRING, .s = STR(text)                                                         \
    }

typedef struct request request;
struct request {
    const char *path, *host, *principal;
    int64_t at_s;
    unsigned asked; // lookups
};

static bool find(void *ctx, str name, arena *a, cel_value *ret_value)
{
    request *r = ctx;
    r->asked++;
    if (!str_eq(name, STR("request")))
        return false;
    cel_entry *e = arena_array(a, 4, sizeof(*e));
    e[0] = (cel_entry){S("path"), cel_string(str_from(r->path))};
    e[1] = (cel_entry){S("host"), cel_string(str_from(r->host))};
    e[2] = (cel_entry){S("time"), cel_timestamp(r->at_s, 0)};
    e[3] = (cel_entry){S("principal"), cel_string(str_from(r->principal))};
    *ret_value = cel_map_of(e, 4);
    return true;
}

static cel_env *environment(void)
{
    cel_env *env = cel_env_new();
    assert_code(cel_env_variable(env, "request", "map(string, dyn)", NULL), OK);
    assert_code(cel_env_variable(env, "resource.name", "string", NULL), OK);
    return env;
}

static cel_value evaluate(const cel_env *env, const char *expr, request *r, arena *a)
{
    cel_program *p;
    err e = ERR_INIT;
    if (cel_compile(env, str_from(expr), NULL, &p, &e) != OK)
        fail_msg("%s: %s", expr, e.msg);
    cel_value v = cel_eval(p, a, &(cel_activation){.lookup = find, .ctx = r});
    if (v.kind == CEL_ERROR || v.kind == CEL_STRING)
        v.s = arena_str(a, v.s);
    cel_program_free(p);
    return v;
}

static void test_conditions_of_iam(void **state)
{
    static const struct {
        const char *expr;
        bool holds[2]; // for the two requests below
    } rows[] = {
        {"request.time < timestamp('2024-06-01T00:00:00Z')", {true, false}},
        {"request.time.getHours('Europe/Berlin') >= 9 && request.time.getHours('Europe/Berlin') <= "
         "17 "
         "&& request.time.getDayOfWeek('Europe/Berlin') in [1, 2, 3, 4, 5]",
         {true, false}},
        {"request.path.startsWith('/admin/') || request.path == '/admin'", {true, false}},
        {"request.host.matches('^[a-z]+[.]example[.]com$')", {true, true}},
        {"request.principal.endsWith('@example.com') && !request.principal.startsWith('bot-')",
         {true, false}},
    };
    request requests[] = {
        {"/admin/x", "orders.example.com", "alice@example.com", 1705320000, 0}, // Mon, 13:00
        {"/", "pay.example.com", "bot-1@example.com", 1735689600, 0}};
    cel_env *env = environment();
    arena a;
    (void)state;
    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t j = 0; j < 2; j++) {
            cel_value v = evaluate(env, rows[i].expr, &requests[j], &a);
            assert_row(i, v.kind == CEL_BOOL && v.b == rows[i].holds[j]);
        }
    arena_deinit(&a);
    cel_env_free(env);
}

static void test_a_variable_is_asked_for_once_and_only_when_needed(void **state)
{
    request r = {"/a", "h", "p", 0, 0};
    cel_env *env = environment();
    arena a;
    (void)state;
    arena_init(&a);
    evaluate(env, "true || request.path == '/a'", &r, &a);
    assert_int_equal(r.asked, 0);
    evaluate(env, "request.path == '/a' && request.host == 'h'", &r, &a);
    assert_int_equal(r.asked, 1);
    cel_value v = evaluate(env, "resource.name == 'x'", &r, &a);
    assert_int_equal(v.kind, CEL_ERROR);
    assert_strz(v.s, "the variable 'resource.name' has no value");
    arena_deinit(&a);
    cel_env_free(env);
}

// As IAM's extract(): what stands between two texts.
static cel_value extract(cel_call *call, const cel_value *args, size_t count)
{
    str before, rest, after, part;
    assert_int_equal(count, 2);
    assert_string_equal(cel_call_ctx(call), "context");
    if (!cel_call_charge(call, args[0].s.len / 16) || !str_cut(args[1].s, '{', &before, &rest) ||
        !str_cut(rest, '}', &rest, &after))
        return cel_call_error(call, "'" STR_FMT "' has no {name}", STR_ARG(args[1].s));
    ssize_t from = str_find(args[0].s, before);
    if (from < 0)
        return cel_string(STR(""));
    part = str_skip(args[0].s, (size_t)from + before.len);
    ssize_t to = after.len ? str_find(part, after) : (ssize_t)part.len;
    return cel_string(arena_str(cel_call_arena(call), str_sub(part, 0, to < 0 ? 0 : (size_t)to)));
}

static void test_functions_of_ones_own(void **state)
{
    static char context[] = "context";
    request r = {"/projects/p1/topics/t", "h", "p", 0, 0};
    cel_env *env = environment();
    err e = ERR_INIT;
    arena a;
    (void)state;
    arena_init(&a);
    cel_function f = {"extract", "string.(string) string", extract, context};
    assert_code(cel_env_function(env, &f, NULL), OK);
    cel_value v = evaluate(env, "string(request.path).extract('/projects/{id}/')", &r, &a);
    assert_str(v.s, STR("p1"));
    v = evaluate(env, "'a'.extract('x') == ''", &r, &a);
    assert_int_equal(v.kind, CEL_ERROR);
    assert_strz(v.s, "'x' has no {name}");
    // The same overload again, and signatures that aren't any.
    assert_code(cel_env_function(env, &f, &e), CEL_TYPED);
    static const char *const wrong[] = {"",
                                        "string",
                                        "(string",
                                        "(string) ",
                                        "() list(",
                                        "() map(A)",
                                        "string(string) string",
                                        "(,) bool",
                                        "() int x"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        f.signature = wrong[i];
        assert_row(i, cel_env_function(env, &f, &e) == CEL_TYPED);
    }
    assert_code(cel_env_variable(env, "x", "list(", &e), CEL_TYPED);
    arena_deinit(&a);
    cel_env_free(env);
}

static void test_names_are_looked_up_from_the_inside_out(void **state)
{
    static const cel_entry entries[] = {{S("a.b.x"), S("inner")},
                                        {S("a.x"), S("middle")},
                                        {S("x"), S("outer")},
                                        {S("only"), S("root")},
                                        {S("a.b.x.y"), S("longest")}};
    static const char *const rows[][2] = {{"x", "inner"},
                                          {".x", "outer"},
                                          {"a.x", "middle"},
                                          {"only", "root"},
                                          {"x.y", "longest"},
                                          {"['local'].map(x, x)[0]", "local"},
                                          {"['local'].map(x, .x)[0]", "outer"},
                                          {"[{'y': 'local'}].map(x, x.y)[0]", "local"}};
    cel_map values = {entries, ARRAY_LEN(entries)};
    cel_env *env = cel_env_new();
    arena a;
    (void)state;
    arena_init(&a);
    cel_env_container(env, STR("a.b"));
    for (size_t i = 0; i < ARRAY_LEN(entries); i++)
        cel_env_variable_type(env, entries[i].key.s, cel_type_parse(&a, STR("string")));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cel_program *p;
        assert_code(cel_compile(env, str_from(rows[i][0]), NULL, &p, NULL), OK);
        cel_value v = cel_eval(p, &a, &(cel_activation){.lookup = cel_lookup_map, .ctx = &values});
        assert_row(i, v.kind == CEL_STRING && str_eq(v.s, str_from(rows[i][1])));
        cel_program_free(p);
    }
    arena_deinit(&a);
    cel_env_free(env);
}

// Each would take minutes or gigabytes without the limit; nothing absorbs it.
static void test_work_has_a_limit(void **state)
{
    static const char *const rows[] = {
        "[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, [1,2,3,4,5,6,7,8,9].all(c, "
        "[1,2,3,4,5,6,7,8,9].all(d, [1,2,3,4,5,6,7,8,9].all(e, [1,2,3,4,5,6,7,8,9].all(f, "
        "[1,2,3,4,5,6,7,8,9].all(g, true)))))))",
        "cel.bind(a, '0123456789', cel.bind(b, a+a+a+a+a+a+a+a, cel.bind(c, b+b+b+b+b+b+b+b, "
        "cel.bind(d, c+c+c+c+c+c+c+c, cel.bind(e, d+d+d+d+d+d+d+d, cel.bind(f, e+e+e+e+e+e+e+e, "
        "cel.bind(g, f+f+f+f+f+f+f+f, cel.bind(h, g+g+g+g+g+g+g+g, h+h+h+h)))))))) != ''",
        "cel.bind(a, [1,1,1,1,1,1,1,1], cel.bind(b, a+a+a+a+a+a+a+a, cel.bind(c, b+b+b+b+b+b+b+b, "
        "cel.bind(d, c+c+c+c+c+c+c+c, cel.bind(e, d+d+d+d+d+d+d+d, cel.bind(f, e+e+e+e+e+e, "
        "f.size() > 0)))))) || true",
        // Equality goes over what is shared as often as it is seen.
        "cel.bind(a, [[1],[1],[1],[1],[1],[1],[1],[1]], cel.bind(b, [a,a,a,a,a,a,a,a], "
        "cel.bind(c, [b,b,b,b,b,b,b,b], cel.bind(d, [c,c,c,c,c,c,c,c], cel.bind(e, "
        "[d,d,d,d,d,d,d,d], cel.bind(f, [e,e,e,e,e,e,e,e], cel.bind(g, [f,f,f,f,f,f,f,f], "
        "g == g)))))))",
        "cel.bind(a, ['0123456789','','','','','',''], cel.bind(b, [a,a,a,a,a,a,a,a], cel.bind(c, "
        "[b,b,b,b,b,b,b,b], cel.bind(d, [c,c,c,c,c,c,c,c], cel.bind(e, [d,d,d,d,d,d,d,d], "
        "cel.bind(f, [e,e,e,e,e,e,e,e], cel.bind(g, [f,f,f,f,f,f], '%s'.format([g]) != '')))))))",
        ("cel.bind(a, 'aaaaaaaaaaaaaaaa'.replace('', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb'), "
         "cel.bind(b, a.replace('', a), cel.bind(c, b.replace('', b), c == '')))"),
    };
    cel_env *env = environment();
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cel_program *p;
        err e = ERR_INIT;
        arena a;
        arena_init(&a);
        if (cel_compile(env, str_from(rows[i]), NULL, &p, &e) != OK)
            fail_msg("row %zu: %s", i, e.msg);
        cel_value v = cel_eval(p, &a, NULL);
        assert_row(i, cel_value_error(p, &v, &e) == CEL_FAILED && strstr(e.msg, "too much work"));
        assert_row(i, a.used_bytes < 100 << 20);
        cel_program_free(p);
        arena_deinit(&a);
    }
    cel_env_free(env);
}

// A pattern that doesn't see a stray byte would let through what a deny condition is to stop.
static void T15_a_pattern_never_misses_a_text_with_odd_bytes(void **state)
{
    static const char *const rows[] = {"request.path.matches('^/admin.*$')",
                                       "matches(request.path, '^/admin' + '.*$')"};
    request r = {"/admin\xff", "h", "p", 0, 0};
    cel_env *env = environment();
    arena a;
    (void)state;
    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cel_value v = evaluate(env, rows[i], &r, &a);
        assert_row(i, v.kind == CEL_ERROR && str_find(v.s, STR("isn't UTF-8")) >= 0);
    }
    arena_deinit(&a);
    cel_env_free(env);
}

static void test_claims_of_a_token(void **state)
{
    static const char *const rows[] = {
        "claims.sub == 'alice' && claims.iat + 1 == 1700000001",
        "claims.ratio == 0.5 && claims.big > 1e300 && claims.email_verified",
        "'ops' in claims.groups && claims.groups.size() == 2 && claims.none == null",
        "claims.nested.a[0].b == {'c': -1}",
        "has(claims.sub) && !has(claims.acr)",
    };
    cel_env *env = cel_env_new();
    cel_map values;
    json *root;
    arena a;
    (void)state;
    arena_init(&a);
    assert_code(json_parse(&a,
                           STR("{\"sub\": \"alice\", \"iat\": 1700000000, \"ratio\": 0.5, "
                               "\"big\": 1e400, \"email_verified\": true, \"none\": null, "
                               "\"groups\": [\"dev\", \"ops\"], "
                               "\"nested\": {\"a\": [{\"b\": {\"c\": -1}}]}}"),
                           NULL, &root, NULL),
                OK);
    cel_entry claims = {S("claims"), cel_from_json(&a, root)};
    values = (cel_map){&claims, 1};
    assert_code(cel_env_variable(env, "claims", "map(string, dyn)", NULL), OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cel_program *p;
        assert_code(cel_compile(env, str_from(rows[i]), NULL, &p, NULL), OK);
        cel_value v = cel_eval(p, &a, &(cel_activation){.lookup = cel_lookup_map, .ctx = &values});
        assert_row(i, v.kind == CEL_BOOL && v.b);
        cel_program_free(p);
    }
    assert_int_equal(cel_from_json(&a, NULL).kind, CEL_NULL);
    arena_deinit(&a);
    cel_env_free(env);
}

static void test_a_condition_holds_or_not_or_fails(void **state)
{
    static const struct {
        const char *expr;
        code compiled, evaluated;
        bool holds;
        const char *msg;
    } rows[] = {
        {"request.path == '/a'", OK, OK, true, ""},
        {"request.path == '/b'", OK, OK, false, ""},
        {"request.path", OK, CEL_FAILED, false, "a condition gives a bool, not string"},
        {"request.none", OK, CEL_FAILED, false, "no such key: 'none'"},
        {"request", CEL_TYPED, OK, false, "a condition is a bool, and this is map(string, dyn)"},
        {"1 + 1", CEL_TYPED, OK, false, "a condition is a bool, and this is int"},
    };
    request r = {"/a", "h", "p", 0, 0};
    cel_env *env = environment();
    arena a;
    (void)state;
    arena_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cel_limits limits = {.condition = true};
        cel_program *p;
        err e = ERR_INIT;
        bool holds = true;
        code c = cel_compile(env, str_from(rows[i].expr), &limits, &p, &e);
        assert_row(i, c == rows[i].compiled);
        if (c == OK) {
            c = cel_eval_condition(p, &a, &(cel_activation){.lookup = find, .ctx = &r}, &holds, &e);
            assert_row(i, c == rows[i].evaluated && holds == rows[i].holds);
        }
        assert_row(i, strcmp(e.msg, rows[i].msg) == 0 && (c == OK) == (e.line == 0));
        cel_program_free(p);
    }
    arena_deinit(&a);
    cel_env_free(env);
}

// The indented lines of doc/conditions.md are conditions.
static void test_examples_of_the_page_compile(void **state)
{
    char path[4096], line[512];
    const char *source = getenv("GATEPOST_SOURCE");
    cel_env *env = environment();
    size_t examples = 0;
    (void)state;
    assert_code(cel_env_variable(env, "source.ip", "net.IP", NULL), OK);
    snprintf(path, sizeof(path), "%s/doc/conditions.md", source ? source : ".");
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    while (fgets(line, sizeof(line), in)) {
        cel_program *p;
        err e = ERR_INIT;
        if (strncmp(line, "    ", 4) != 0)
            continue;
        if (cel_compile(env, str_from(line), NULL, &p, &e) != OK)
            fail_msg("%s: %s", line, e.msg);
        cel_program_free(p);
        examples++;
    }
    fclose(in);
    assert_int_equal(examples, 3);
    cel_env_free(env);
}

static void test_an_error_value_names_its_place(void **state)
{
    cel_env *env = cel_env_new();
    cel_program *p;
    err e = ERR_INIT;
    arena a;
    (void)state;
    arena_init(&a);
    assert_code(cel_compile(env, STR("true &&\n [1, 0].all(x, 1 / x > 0)"), NULL, &p, NULL), OK);
    cel_value v = cel_eval(p, &a, NULL);
    assert_code(cel_value_error(p, &v, &e), CEL_FAILED);
    assert_string_equal(e.msg, "divide by zero");
    assert_string_equal(e.file, "expression");
    assert_int_equal(e.line, 2);
    assert_int_equal(e.col, 18);
    v = cel_bool(true);
    assert_code(cel_value_error(p, &v, NULL), OK);
    cel_program_free(p);
    arena_deinit(&a);
    cel_env_free(env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conditions_of_iam),
        cmocka_unit_test(test_a_variable_is_asked_for_once_and_only_when_needed),
        cmocka_unit_test(test_functions_of_ones_own),
        cmocka_unit_test(test_names_are_looked_up_from_the_inside_out),
        cmocka_unit_test(test_work_has_a_limit),
        cmocka_unit_test(T15_a_pattern_never_misses_a_text_with_odd_bytes),
        cmocka_unit_test(test_claims_of_a_token),
        cmocka_unit_test(test_a_condition_holds_or_not_or_fails),
        cmocka_unit_test(test_examples_of_the_page_compile),
        cmocka_unit_test(test_an_error_value_names_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
