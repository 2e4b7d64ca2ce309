// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"

#include "data/data.h"
#include "iam/iam.h"

static const binding_reason grants[] = {{.outcome = BINDING_GRANTS,
                                         .role = {"roles/run.invoker", 17},
                                         .member = {"user:a@x.org", 12},
                                         .member_count = 2,
                                         .line = 4}};
static const binding_reason refusals[] = {
    {.outcome = BINDING_ROLE_LACKS, .role = {"roles/run.viewer", 16}, .member_count = 1},
    {.outcome = BINDING_ROLE_UNKNOWN, .role = {"roles/x", 7}, .member_count = 1, .line = 9},
    {.outcome = BINDING_NO_MEMBER,
     .role = {"roles/run.invoker", 17},
     .member_count = 3,
     .member = {"group:a@x.org", 13},
     .near_miss = {"another kind", 12}},
    {.outcome = BINDING_NO_MEMBER, .role = {"roles/run.admin", 15}, .member_count = 1},
};

static void check(const decision *d, const char *text, const char *json_wanted)
{
    buf out;
    buf_init(&out, 8192);
    decision_text(d, &out);
    assert_string_equal(buf_cstr(&out), text);
    buf_reset(&out);
    jout w = jout_new(&out, JSON_COMPACT);
    decision_json(d, &w, NULL);
    assert_string_equal(buf_cstr(&out), json_wanted);
    buf_deinit(&out);
}

static void an_allowed_call_names_its_binding(void **state)
{
    (void)state;
    check(&(decision){.allowed = true,
                      .permission = STR("run.routes.invoke"),
                      .principal = STR("user:a@x.org"),
                      .reasons = grants,
                      .reason_count = 1},
          "user:a@x.org has run.routes.invoke by roles/run.invoker\n"
          "  roles/run.invoker (line 4): grants it to user:a@x.org\n",
          "{\"allowed\":true,\"permission\":\"run.routes.invoke\",\"principal\":\"user:a@x.org\","
          "\"bindings\":[{\"role\":\"roles/run.invoker\",\"outcome\":\"grants\",\"member\":"
          "\"user:a@x.org\",\"line\":4}]}");
}

static void a_call_allowed_through_a_group_says_so(void **state)
{
    (void)state;
    const binding_reason through = {.outcome = BINDING_GRANTS,
                                    .role = STR("roles/run.invoker"),
                                    .member = STR("group:team@x.org")};
    buf out;
    buf_init(&out, 8192);
    decision_summary(&(decision){.allowed = true,
                                 .permission = STR("run.routes.invoke"),
                                 .principal = STR("user:a@x.org"),
                                 .reasons = &through,
                                 .reason_count = 1},
                     &out);
    assert_string_equal(buf_cstr(&out), "user:a@x.org has run.routes.invoke by roles/run.invoker "
                                        "through group:team@x.org");
    buf_deinit(&out);
}

static void a_refused_call_tells_why_each_binding_did_not_match(void **state)
{
    (void)state;
    check(
        &(decision){.permission = STR("run.routes.invoke"),
                    .resource = STR("services/orders"),
                    .principal = STR("user:a@x.org"),
                    .reasons = refusals,
                    .reason_count = 4},
        "user:a@x.org lacks run.routes.invoke on services/orders\n"
        "  roles/run.viewer: this role doesn't have run.routes.invoke\n"
        "  roles/x (line 9): this role isn't known here, so it grants nothing\n"
        "  roles/run.invoker: none of its 3 members is the caller; group:a@x.org: another kind\n"
        "  roles/run.admin: its one member isn't the caller\n",
        "{\"allowed\":false,\"permission\":\"run.routes.invoke\",\"resource\":\"services/orders\","
        "\"principal\":\"user:a@x.org\",\"bindings\":["
        "{\"role\":\"roles/run.viewer\",\"outcome\":\"role-lacks-permission\"},"
        "{\"role\":\"roles/x\",\"outcome\":\"role-unknown\",\"line\":9},"
        "{\"role\":\"roles/run.invoker\",\"outcome\":\"no-member\",\"member\":\"group:a@x.org\","
        "\"nearMiss\":\"another kind\",\"members\":3},"
        "{\"role\":\"roles/run.admin\",\"outcome\":\"no-member\",\"members\":1}]}");
}

static void the_special_cases_have_words_of_their_own(void **state)
{
    (void)state;
    check(&(decision){.allowed = true,
                      .check_disabled = true,
                      .permission = STR("p.q"),
                      .principal = STR("allUsers")},
          "the service asks for no identity (its IAM check is disabled)\n",
          "{\"allowed\":true,\"checkDisabled\":true,\"permission\":\"p.q\",\"principal\":"
          "\"allUsers\","
          "\"bindings\":[]}");
    check(&(decision){.permission = STR("p.q"), .principal = STR("allUsers")},
          "anybody lacks p.q: the policy has no bindings\n",
          "{\"allowed\":false,\"permission\":\"p.q\",\"principal\":\"allUsers\",\"bindings\":[]}");
}

static void a_long_explanation_is_cut(void **state)
{
    (void)state;
    binding_reason many[60];
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = refusals[3];
    decision d = {.permission = STR("p.q"),
                  .principal = STR("user:a@x.org"),
                  .reasons = many,
                  .reason_count = ARRAY_LEN(many)};
    buf out;
    buf_init(&out, 1 << 16);
    decision_text(&d, &out);
    assert_true(str_ends(buf_str(&out), STR("  and 10 more bindings\n")));
    buf_reset(&out);
    jout w = jout_new(&out, JSON_COMPACT);
    decision_json(&d, &w, NULL);
    assert_true(str_ends(buf_str(&out), STR("],\"bindingsLeftOut\":10}")));
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_allowed_call_names_its_binding),
        cmocka_unit_test(a_call_allowed_through_a_group_says_so),
        cmocka_unit_test(a_refused_call_tells_why_each_binding_did_not_match),
        cmocka_unit_test(the_special_cases_have_words_of_their_own),
        cmocka_unit_test(a_long_explanation_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
