// SPDX-License-Identifier: Apache-2.0
// Decisions that are used again: within one run each request must still get what it would get
// alone (contracts: injection.md §2).
#include "runner/runner_test_world.h"

enum { SERVICES = 20 }; // more than are kept

// One run of `items`, each a request's members after its name.
static const run_summary *run_items(world *w, const char *const *items, size_t count,
                                    uint32_t iterations)
{
    buf b;
    buf_init(&b, 1 << 20);
    buf_addz(&b, "{'info':{'name':'C'},'item':[");
    for (size_t i = 0; i < count; i++)
        buf_addf(&b, "%s{'name':'%zu','request':{%s}}", i ? "," : "", i, items[i]);
    buf_addz(&b, "]}");
    w->s->o.iterations = iterations;
    const run_summary *sum = run(w->s, buf_cstr(&b));
    buf_deinit(&b);
    return sum;
}

static str caller_of(world *w, size_t request)
{
    jwt t;
    str token = bearer(w->s, request, "Authorization");
    if (!token.len)
        return STR("nobody");
    assert_code(jwt_parse(token, &w->f->mem, &t, NULL), OK);
    str name, rest;
    str_cut(json_str_or(json_get(t.claims, "email"), STR_NONE), '@', &name, &rest);
    return name;
}

static void the_table_holds_in_any_order(void **state)
{
    static const struct {
        const char *members, *authorization, *serverless; // "": a token of ours, NULL: none
    } rows[] = {
        {"'url':'HOST/'", "", NULL},
        {"'url':'HOST/','auth':{'type':'noauth'}", NULL, NULL},
        {"'url':'HOST/','header':[{'key':'Authorization','value':'Basic eDp5'}]", "Basic eDp5", ""},
        {"'url':'HOST/','header':[{'key':'X-Serverless-Authorization','value':'Bearer x'}]", NULL,
         "Bearer x"},
        {"'url':'HOST/','header':[{'key':'Host','value':'other.example'}]", NULL, NULL},
        {"'url':'HOST/a/b?c=d','method':'POST'", "", NULL},
    };
    world *w = *state;
    const char *items[ARRAY_LEN(rows)];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        items[i] = rows[i].members;
    trust_local(w, w->s, AUDIENCE);
    const run_summary *sum = run_items(w, items, ARRAY_LEN(rows), 3);
    assert_int_equal(sum->failures.len, 0);
    assert_int_equal(w->s->requests.len, 3 * ARRAY_LEN(rows));
    for (size_t i = 0; i < w->s->requests.len; i++) {
        size_t row = i % ARRAY_LEN(rows);
        const char *names[] = {"Authorization", "X-Serverless-Authorization"};
        const char *wanted[] = {rows[row].authorization, rows[row].serverless};
        for (size_t k = 0; k < 2; k++) {
            str got = sent(w->s, i, names[k]);
            if (!wanted[k])
                assert_row(i, !got.ptr);
            else if (*wanted[k])
                assert_row(i, str_eq(got, str_from(wanted[k])));
            else
                assert_row(i, str_starts(got, STR("Bearer eyJ")));
        }
    }
    assert_int_equal(w->f->requests.len, 1); // one token for all
}

static void two_identities_may_alternate_on_one_origin(void **state)
{
    world *w = *state;
    const project_rule rules[] = {{STR("1"), STR("stranger")}, {STR("2"), STR("none")}};
    const char *const items[] = {"'url':'HOST/'", "'url':'HOST/'", "'url':'HOST/'"};
    static const char *const callers[] = {"tester", "stranger", "nobody"};
    trust_local(w, w->s, AUDIENCE);
    w->s->o.identity.rules = rules;
    w->s->o.identity.rule_count = ARRAY_LEN(rules);
    run_items(w, items, ARRAY_LEN(items), 3);
    for (size_t i = 0; i < 9; i++)
        assert_strz(caller_of(w, i), callers[i % 3]);
    assert_int_equal(w->f->requests.len, 2);
}

// Each has its own audience, also when so many are called that the first were forgotten meanwhile.
static void many_services_keep_their_own_tokens(void **state)
{
    world *w = *state;
    run_route routes[SERVICES];
    const char *items[SERVICES];
    arena *a = &w->f->mem;
    for (size_t i = 0; i < SERVICES; i++) {
        str host = arena_printf(a, "service%zu-abc123def4-uc.a.run.app", i);
        str url = arena_printf(a, "https://" STR_FMT, STR_ARG(host));
        assert_code(trust_add_local(w->trust, url, url, NULL), OK);
        routes[i] = (run_route){host, (uint16_t)w->s->port};
        items[i] = arena_printf(a, "'url':'" STR_FMT "/'", STR_ARG(url)).ptr;
    }
    w->s->o.routes = routes;
    w->s->o.route_count = SERVICES;
    const run_summary *sum = run_items(w, items, SERVICES, 2);
    assert_int_equal(sum->failures.len, 0);
    for (size_t i = 0; i < (size_t)2 * SERVICES; i++) {
        str wanted = arena_printf(a, "https://service%zu-abc123def4-uc.a.run.app", i % SERVICES);
        assert_str(audience_of(w, bearer(w->s, i, "Authorization")), wanted);
    }
    assert_int_equal(w->f->requests.len, SERVICES);
}

static void T35_a_redirect_is_decided_at_each_hop_every_time(void **state)
{
    world *w = *state;
    const char *other = arena_printf(&w->f->mem, "%s/echo", origin_of(w, w->other)).ptr;
    const char *to_other = arena_printf(&w->f->mem, "'url':'%s'", redirect_to(w, other)).ptr;
    const char *const items[] = {"'url':'HOST/'", to_other};
    trust_local(w, w->s, AUDIENCE);
    run_items(w, items, ARRAY_LEN(items), 3);
    assert_int_equal(w->s->requests.len, 6);
    assert_int_equal(w->other->requests.len, 3);
    for (size_t i = 0; i < 6; i++)
        assert_strz(caller_of(w, i), "tester");
    for (size_t i = 0; i < 3; i++)
        assert_null(sent(w->other, i, "Authorization").ptr);
}

// --audiences is for what the collection calls itself, also when a redirect came there before.
static void T35_a_chosen_audience_is_the_first_hops(void **state)
{
    world *w = *state;
    const char *other = arena_printf(&w->f->mem, "%s/echo", origin_of(w, w->other)).ptr;
    const char *to_other = arena_printf(&w->f->mem, "'url':'%s'", redirect_to(w, other)).ptr;
    const char *straight = arena_printf(&w->f->mem, "'url':'%s'", other).ptr;
    const char *const items[] = {to_other, straight};
    trust_local(w, w->s, AUDIENCE);
    trust_local(w, w->other, "https://payments.example");
    w->s->o.identity.audience = STR("https://chosen.example");
    run_items(w, items, ARRAY_LEN(items), 2);
    assert_int_equal(w->other->requests.len, 4);
    for (size_t i = 0; i < 4; i++)
        assert_strz(audience_of(w, bearer(w->other, i, "Authorization")),
                    i % 2 ? "https://chosen.example" : "https://payments.example");
}

static void a_rule_counts_for_its_own_request(void **state)
{
    world *w = *state;
    const project_rule rules[] = {{STR("1"), STR("tester")}};
    const char *const items[] = {"'url':'HOST/'", "'url':'HOST/'"}; // no candidate by itself
    w->s->o.identity.identity = STR("tester");
    w->s->o.identity.rules = rules;
    w->s->o.identity.rule_count = ARRAY_LEN(rules);
    const run_summary *sum = run_items(w, items, ARRAY_LEN(items), 2);
    assert_int_equal(w->s->requests.len, 2);
    assert_int_equal(sum->failures.len, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(sum->failures.ptr[i].code, TRUST_MISSING);
        assert_int_equal(sum->failures.ptr[i].cursor.position, 1);
    }
}

static void T44_tls_that_is_not_verified_counts_for_its_own_request(void **state)
{
    world *w = *state;
    set_env(w->f, "GOOGLE_APPLICATION_CREDENTIALS",
            write_key(w->f, "cloud.json", "robot@p.iam.gserviceaccount.com", NULL));
    assert_code(trust_add(w->trust, STR(AUDIENCE), "--trust", NULL), OK);
    route(w, CLOUD_HOST, w->s);
    const run_summary *sum =
        run(w->s, "{'info':{'name':'C'},'item':[{'name':'0','request':'" AUDIENCE "/'},"
                  "{'name':'1','request':'" AUDIENCE "/',"
                  "'protocolProfileBehavior':{'strictSSL':false}},"
                  "{'name':'2','request':'" AUDIENCE "/'}]}");
    // With verification they would get a real token, which stops at the local route.
    assert_int_equal(sum->failures.len, 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(sum->failures.ptr[i].code, CRED_MIXED);
    assert_int_equal(w->s->requests.len, 1);
    assert_strz(caller_of(w, 0), "nobody");
}

// ---- what ends an answer ------------------------------------------------------------------------

static world *on_stage; // a listener knows its stage only

static void trust_after_the_first(stage *s, const run_event *ev)
{
    (void)s;
    if (ev->kind == RUN_ITEM_END && ev->cursor->iteration == 0)
        trust_local(on_stage, on_stage->s, AUDIENCE);
}

static void trust_that_is_given_counts_from_then_on(void **state)
{
    world *w = on_stage = *state;
    const char *const items[] = {"'url':'HOST/'"};
    w->s->on_event = trust_after_the_first;
    run_items(w, items, 1, 2);
    assert_strz(caller_of(w, 0), "nobody");
    assert_strz(caller_of(w, 1), "tester");
}

static void change_audience(stage *s, const run_event *ev)
{
    (void)s;
    if (ev->kind == RUN_ITEM_END && ev->cursor->iteration == 0)
        trust_local(on_stage, on_stage->s, "https://moved.example");
}

static void trust_that_changes_is_noticed(void **state)
{
    world *w = on_stage = *state;
    const char *const items[] = {"'url':'HOST/'"};
    trust_local(w, w->s, AUDIENCE);
    w->s->on_event = change_audience;
    run_items(w, items, 1, 2);
    assert_strz(audience_of(w, bearer(w->s, 0, "Authorization")), AUDIENCE);
    assert_strz(audience_of(w, bearer(w->s, 1, "Authorization")), "https://moved.example");
}

static void seconds_pass(stage *s, const run_event *ev)
{
    (void)s;
    if (ev->kind == RUN_ITEM_END)
        clock_shift(4000);
}

static void a_token_is_renewed_within_the_run(void **state)
{
    world *w = *state;
    const char *const items[] = {"'url':'HOST/'"};
    trust_local(w, w->s, AUDIENCE);
    w->f->lifetime_s = 21;
    w->s->on_event = seconds_pass;
    run_items(w, items, 1, 6);
    clock_shift(-24000);
    str first = bearer(w->s, 0, "Authorization");
    assert_str(bearer(w->s, 3, "Authorization"), first); // twelve seconds old
    assert_false(str_eq(bearer(w->s, 4, "Authorization"), first));
    assert_int_equal(w->f->requests.len, 2);
}

// The project's trust reaches a service once a row of data names it, and no service that a script
// made of the same parts.
static void T38_a_row_makes_an_origin_known_from_then_on(void **state)
{
    world *w = *state;
    json *rows;
    assert_code(
        json_parse(&w->f->mem, STR("[{\"svc\":\"x\"},{\"svc\":\"orders\"}]"), NULL, &rows, NULL),
        OK);
    assert_code(trust_add(w->trust, STR("abc123def4"), "--trust", NULL), OK);
    w->s->o.data = rows;
    const run_summary *sum =
        run(w->s, "{'info':{'name':'C'},'item':[{'name':'one','request':'HOST/','event':["
                  "{'listen':'test','script':{'exec':'pm.sendRequest(`" AUDIENCE
                  "/`, (e) => console.log(e.code))'}}]},"
                  "{'name':'two','request':'https://{{svc}}-abc123def4-uc.a.run.app/'}]}");
    // Never trusted in the first row; in the second, only behind the request that the row names,
    // and then it has no credential.
    assert_strz(lines_of(w->s, "console"), "console 'GP-TRUST-01'|console 'GP-TRUST-01'");
    assert_int_equal(vec_last(&sum->failures)->code, CRED_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD(the_table_holds_in_any_order),
        WORLD(two_identities_may_alternate_on_one_origin),
        WORLD(many_services_keep_their_own_tokens),
        WORLD(T35_a_redirect_is_decided_at_each_hop_every_time),
        WORLD(T35_a_chosen_audience_is_the_first_hops),
        WORLD(a_rule_counts_for_its_own_request),
        WORLD(T44_tls_that_is_not_verified_counts_for_its_own_request),
        WORLD(trust_that_is_given_counts_from_then_on),
        WORLD(trust_that_changes_is_noticed),
        WORLD(a_token_is_renewed_within_the_run),
        WORLD(T38_a_row_makes_an_origin_known_from_then_on),
    };
    return cmocka_run_group_tests(tests, make_key, drop_key);
}
