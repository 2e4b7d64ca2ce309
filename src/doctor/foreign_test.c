// SPDX-License-Identifier: Apache-2.0
// What the doctor says of a foreign token.
#include "base/test.h"
#include "data/data.h"
#include "doctor/doctor.h"
#include "jose/jose.h"
#include "net/net.h"

#define POOL "projects/123456789012/locations/global/workloadIdentityPools/pipelines"

static jwk *key;
static arena mem;

static int set_up(void **state)
{
    (void)state;
    key = jwk_generate(JOSE_ES256, STR("k"));
    arena_init(&mem);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    jwk_unref(key);
    arena_deinit(&mem);
    return 0;
}

static const home_project *project(const char *condition)
{
    buf text;
    const home_project *p = NULL;
    err e = ERR_INIT;
    jwk_set *keys = jwk_set_new();
    jwk_set_add(keys, key);
    buf_init(&text, 64 << 10);
    buf_addz(&text,
             "{\"project\":{\"id\":\"my-project\",\"number\":\"123456789012\"},\"accounts\":["
             "{\"email\":\"deployer@my-project.iam.gserviceaccount.com\",\"policy\":"
             "{\"bindings\":[{\"role\":\"roles/iam.workloadIdentityUser\",\"members\":["
             "\"principalSet://iam.googleapis.com/" POOL "/attribute.team/web\"]}]}},"
             "{\"email\":\"other@my-project.iam.gserviceaccount.com\"}],"
             "\"workload_identity_pools\":{\"pipelines\":{\"providers\":{\"idp1\":{"
             "\"issuer\":\"https://idp.example\",\"audiences\":[\"gp\"],\"map\":"
             "{\"google.subject\":\"assertion.sub\",\"attribute.team\":\"assertion.team\"},"
             "\"condition\":");
    buf_add_json(&text, str_from(condition));
    buf_addz(&text, ",\"jwks\":");
    jwk_set_write_json(keys, &text);
    buf_addz(&text, "},\"idle\":{\"disabled\":true,\"issuer\":\"https://a.example\",\"map\":"
                    "{\"google.subject\":\"assertion.sub\"}}}}}}");
    if (project_read(&mem, arena_str(&mem, buf_str(&text)), &p, &e))
        fail_msg("%s", e.msg);
    jwk_set_unref(keys);
    buf_deinit(&text);
    return p;
}

static str token(const char *audience, const char *more)
{
    buf out;
    buf_init(&out, 16 << 10);
    str claims =
        arena_printf(&mem,
                     "{\"iss\":\"https://idp.example\",\"aud\":\"%s\",\"sub\":\"job-7\","
                     "\"iat\":%lld,\"exp\":%lld%s}",
                     audience, (long long)clock_wall_s(), (long long)clock_wall_s() + 300, more);
    assert_code(jwt_sign(key, claims, STR("JWT"), &out, NULL), OK);
    str s = arena_str(&mem, buf_str(&out));
    buf_deinit(&out);
    return s;
}

static void each_outcome_is_explained(void **state)
{
    static const struct {
        const char *condition, *audience, *more;
        bool accepted;
        const char *says[4];
    } rows[] = {
        {"true",
         "gp",
         ",\"team\":\"web\"",
         true,
         {"providers/idp1: accepted\n", "  google.subject = job-7\n  attribute.team = web\n",
          "it is principal://iam.googleapis.com/" POOL "/subject/job-7\n",
          "it may act for deployer@my-project.iam.gserviceaccount.com\n"}},
        {"true",
         "gp",
         ",\"team\":\"db\"",
         true,
         {"it may act for no account", "hint: bind it", "workloadIdentityUser", "/pipelines/*"}},
        {"true",
         "other",
         ",\"team\":\"web\"",
         false,
         {"providers/idp1: refused: the token is for \"other\", the provider takes gp "
          "[GP-AUD-01]\n",
          "  hint: ask the issuer", "providers/idle: refused", "is disabled [GP-POOL-02]"}},
        {"true",
         "gp",
         "",
         false,
         {"attribute.team can't be mapped: no such key", "[GP-POOL-03]", "google.subject = job-7",
          "has a default"}},
        {"attribute.team == 'web'",
         "gp",
         ",\"team\":\"db\"",
         false,
         {"condition isn't true of the token [GP-POOL-04]", "attribute.team = db", "", ""}},
    };
    (void)state;
    loop *l = loop_new();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        doctor_foreign d = {.loop = l,
                            .project = project(rows[i].condition),
                            .token = token(rows[i].audience, rows[i].more)};
        bool accepted = !rows[i].accepted;
        buf out;
        buf_init(&out, 1 << 16);
        assert_code(doctor_foreign_token(&d, &out, &accepted, NULL), OK);
        assert_row(i, accepted == rows[i].accepted);
        for (size_t k = 0; k < ARRAY_LEN(rows[i].says); k++)
            if (!strstr(buf_cstr(&out), rows[i].says[k]))
                fail_msg("row %zu lacks '%s': %s", i, rows[i].says[k], buf_cstr(&out));
        assert_int_equal(str_find(buf_str(&out), d.token), -1);
        buf_reset(&out);
        d.as_json = true;
        json *root;
        assert_code(doctor_foreign_token(&d, &out, &accepted, NULL), OK);
        assert_code(json_parse(&mem, buf_str(&out), NULL, &root, NULL), OK);
        assert_row(i,
                   json_bool_or(json_get(root, "accepted"), !rows[i].accepted) == rows[i].accepted);
        buf_deinit(&out);
    }
    loop_free(l);
}

static void a_project_without_pools_is_an_error(void **state)
{
    const home_project *p = NULL;
    err e = ERR_INIT;
    bool accepted;
    (void)state;
    loop *l = loop_new();
    assert_code(project_read(&mem, STR("project: {id: my-project}"), &p, NULL), OK);
    doctor_foreign d = {.loop = l, .project = p, .token = token("gp", "")};
    assert_code(doctor_foreign_token(&d, NULL, &accepted, &e), POOL_TARGET);
    assert_non_null(strstr(e.hint, "workload_identity_pools"));
    loop_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_outcome_is_explained),
        cmocka_unit_test(a_project_without_pools_is_an_error),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
