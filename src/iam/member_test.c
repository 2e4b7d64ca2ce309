// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"

#include "data/data.h"
#include "iam/iam.h"

static arena memory;

static int set_up(void **state)
{
    (void)state;
    arena_init(&memory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_deinit(&memory);
    return 0;
}

#define WORKLOAD "projects/12/locations/global/workloadIdentityPools/ci"
#define WORKFORCE "locations/global/workforcePools/staff"
#define P "principal://iam.googleapis.com/"
#define PS "principalSet://iam.googleapis.com/"

static void every_form_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        member_kind kind;
        const char *value, *pool, *name;
    } rows[] = {
        {"allUsers", MEMBER_ALL_USERS, "", "", ""},
        {"allAuthenticatedUsers", MEMBER_ALL_AUTHENTICATED, "", "", ""},
        {"user:Jane@Example.com", MEMBER_USER, "jane@example.com", "", ""},
        {"serviceAccount:a@p.iam.gserviceaccount.com", MEMBER_SERVICE_ACCOUNT,
         "a@p.iam.gserviceaccount.com", "", ""},
        {"group:ops@example.com", MEMBER_GROUP, "ops@example.com", "", ""},
        {"domain:Example.COM", MEMBER_DOMAIN, "example.com", "", ""},
        {P WORKFORCE "/subject/jane", MEMBER_SUBJECT, "jane", WORKFORCE, ""},
        {P WORKLOAD "/subject/repo:acme/app:ref:refs/heads/main", MEMBER_SUBJECT,
         "repo:acme/app:ref:refs/heads/main", WORKLOAD, ""},
        {PS WORKFORCE "/group/ops", MEMBER_POOL_GROUP, "ops", WORKFORCE, ""},
        {PS WORKLOAD "/group/ops", MEMBER_POOL_GROUP, "ops", WORKLOAD, ""},
        {PS WORKLOAD "/attribute.repository/acme/app", MEMBER_POOL_ATTRIBUTE, "acme/app", WORKLOAD,
         "repository"},
        {PS WORKFORCE "/*", MEMBER_POOL, "", WORKFORCE, ""},
        {PS WORKLOAD "/*", MEMBER_POOL, "", WORKLOAD, ""},
        {"principalSet://cloudresourcemanager.googleapis.com/projects/12/type/ServiceAccount",
         MEMBER_PROJECT_ACCOUNTS, "12", "", ""},
        {"deleted:user:jane@example.com?uid=1", MEMBER_DELETED, "", "", ""},
        {"deleted:serviceAccount:a@p.iam.gserviceaccount.com?uid=1", MEMBER_DELETED, "", "", ""},
        {"deleted:group:g@example.com?uid=1", MEMBER_DELETED, "", "", ""},
        {"deleted:" P WORKFORCE "/subject/x", MEMBER_DELETED, "", "", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        member m;
        assert_row(i, member_parse(str_from(rows[i].text), &memory, &m, NULL) == OK);
        assert_row(i, m.kind == rows[i].kind);
        assert_strz(m.text, rows[i].text);
        assert_strz(m.value, rows[i].value);
        assert_strz(m.pool, rows[i].pool);
        assert_strz(m.name, rows[i].name);
    }
}

static void any_other_form_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "allusers",
        "ALLUSERS",
        "allUsers ",
        "jane@example.com",
        "a@p.iam.gserviceaccount.com",
        "user:",
        "user:jane",
        "user:@example.com",
        "user:jane@",
        "user:a@b@example.com",
        "user:jane @example.com",
        "user:user:jane@example.com",
        "User:jane@example.com",
        "serviceaccount:a@p.iam.gserviceaccount.com",
        "domain:",
        "domain:example",
        "domain:.example.com",
        "domain:example.com.",
        "domain:exa..mple.com",
        "domain:jane@example.com",
        "domain:*.example.com",
        "projectOwner:p",
        "deleted:",
        "deleted:user:",
        "deleted:jane@example.com",
        "principal://",
        P "jane",
        P WORKFORCE,
        P WORKFORCE "/",
        P WORKFORCE "/subject/",
        P WORKFORCE "/group/ops",
        P WORKFORCE "/*",
        P "locations/eu/workforcePools/staff/subject/x",
        P "projects/p/locations/global/workloadIdentityPools/ci/subject/x",
        P "projects/12/locations/global/workforcePools/ci/subject/x",
        P "locations/global/workforcePools//subject/x",
        "principal://evil.example.com/" WORKFORCE "/subject/jane",
        PS WORKFORCE "/subject/jane",
        PS WORKFORCE "/group/",
        PS WORKFORCE "/attribute.x",
        PS WORKFORCE "/attribute./v",
        PS WORKFORCE "/attribute.x/",
        PS WORKFORCE "/",
        PS WORKFORCE "/**",
        "principalSet://cloudresourcemanager.googleapis.com/projects/p/type/ServiceAccount",
        "principalSet://cloudresourcemanager.googleapis.com/projects/12/type/User",
        "principalSet://cloudresourcemanager.googleapis.com/projects/12",
        "*",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        member m;
        err e = ERR_INIT;
        if (member_parse(str_from(rows[i]), &memory, &m, &e) != IAM_MEMBER)
            fail_msg("accepted: %s", rows[i]);
        assert_row(i, *e.msg && *e.hint);
    }
}

static void a_bare_address_gets_the_likely_prefix_as_hint(void **state)
{
    (void)state;
    member m;
    err e = ERR_INIT;
    assert_code(member_parse(STR("a@p.iam.gserviceaccount.com"), &memory, &m, &e), IAM_MEMBER);
    assert_string_equal(e.hint, "write serviceAccount:a@p.iam.gserviceaccount.com");
    e = ERR_INIT;
    assert_code(member_parse(STR("jane@example.com"), &memory, &m, &e), IAM_MEMBER);
    assert_string_equal(e.hint, "write user:jane@example.com or group:jane@example.com");
}

static const str jane_groups[] = {{"ops@example.com", 15}};
static const str staff_groups[] = {{"ops", 3}};
static const principal_attribute ci_attributes[] = {{{"repository", 10}, {"acme/app", 8}}};
static const principal jane = {.kind = PRINCIPAL_USER,
                               .email = {"jane@example.com", 16},
                               .domain = {"example.com", 11},
                               .groups = jane_groups,
                               .group_count = 1};
static const principal bot = {.kind = PRINCIPAL_SERVICE_ACCOUNT,
                              .email = {"bot@p.iam.gserviceaccount.com", 29},
                              .project_number = {"12", 2}};
static const principal nameless = {.kind = PRINCIPAL_USER, .subject = {"7", 1}};
static const principal staff = {.kind = PRINCIPAL_WORKFORCE,
                                .pool = {WORKFORCE, sizeof(WORKFORCE) - 1},
                                .subject = {"jane", 4},
                                .groups = staff_groups,
                                .group_count = 1};
static const principal ci = {.kind = PRINCIPAL_WORKLOAD,
                             .pool = {WORKLOAD, sizeof(WORKLOAD) - 1},
                             .subject = {"repo:acme/app", 13},
                             .attributes = ci_attributes,
                             .attribute_count = 1};

static void members_cover_whom_they_name(void **state)
{
    (void)state;
    enum { ANON = 1, JANE = 2, BOT = 4, NAMELESS = 8, STAFF = 16, CI = 32 };
    static const principal *const people[] = {
        &principal_anonymous, &jane, &bot, &nameless, &staff, &ci};
    static const struct {
        const char *text;
        unsigned covers;
    } rows[] = {
        {"allUsers", ANON | JANE | BOT | NAMELESS | STAFF | CI},
        {"allAuthenticatedUsers", JANE | BOT | NAMELESS},
        {"user:jane@example.com", JANE},
        {"user:JANE@EXAMPLE.COM", JANE},
        {"user:jane@example.co", 0},
        {"user:jane@example.com.evil", 0},
        {"serviceAccount:jane@example.com", 0},
        {"serviceAccount:bot@p.iam.gserviceaccount.com", BOT},
        {"user:bot@p.iam.gserviceaccount.com", 0},
        {"group:ops@example.com", JANE},
        {"group:ops@example.org", 0},
        {"domain:example.com", JANE},
        {"domain:ple.com", 0},
        {"domain:p.iam.gserviceaccount.com", 0},
        {P WORKFORCE "/subject/jane", STAFF},
        {P WORKFORCE "/subject/jan", 0},
        {P WORKLOAD "/subject/jane", 0},
        {PS WORKFORCE "/group/ops", STAFF},
        {PS WORKFORCE "/group/op", 0},
        {PS WORKLOAD "/group/ops", 0},
        {PS WORKLOAD "/attribute.repository/acme/app", CI},
        {PS WORKLOAD "/attribute.repository/acme/ap", 0},
        {PS WORKLOAD "/attribute.owner/acme/app", 0},
        {PS WORKLOAD "/*", CI},
        {PS WORKFORCE "/*", STAFF},
        {"principalSet://cloudresourcemanager.googleapis.com/projects/12/type/ServiceAccount", BOT},
        {"principalSet://cloudresourcemanager.googleapis.com/projects/13/type/ServiceAccount", 0},
        {"deleted:user:jane@example.com?uid=1", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        member m;
        assert_code(member_parse(str_from(rows[i].text), &memory, &m, NULL), OK);
        for (size_t j = 0; j < ARRAY_LEN(people); j++)
            if (member_matches(&m, people[j], true) != (bool)(rows[i].covers >> j & 1))
                fail_msg("%s, caller %zu", rows[i].text, j);
    }
    member all;
    assert_code(member_parse(STR("allAuthenticatedUsers"), &memory, &all, NULL), OK);
    assert_false(member_matches(&all, &jane, false)); // an issuer that doesn't count
}

static void near_misses_are_told(void **state)
{
    (void)state;
    static const principal outsider = {.kind = PRINCIPAL_USER, .email = {"jane@example.com", 16}};
    static const struct {
        const char *text;
        const principal *who;
        const char *says;
    } rows[] = {
        {"user:bot@p.iam.gserviceaccount.com", &bot, "the caller is a service account"},
        {"group:jane@example.com", &jane, "names another kind"},
        {"deleted:serviceAccount:bot@p.iam.gserviceaccount.com?uid=7", &bot, "granted anew"},
        {"domain:example.com", &outsider, "doesn't vouch"},
        {P "locations/global/workforcePools/other/subject/jane", &staff, "the pool is another"},
        {"allAuthenticatedUsers", &ci, "doesn't cover federated"},
        {"user:other@example.com", &jane, NULL},
        {"domain:example.org", &jane, NULL},
        {"user:jane@example.com", &principal_anonymous, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        member m;
        buf out;
        buf_init(&out, 1024);
        assert_code(member_parse(str_from(rows[i].text), &memory, &m, NULL), OK);
        bool told = member_near_miss(&m, rows[i].who, &out);
        assert_row(i, told == (rows[i].says != NULL));
        assert_row(i, !told || strstr(buf_cstr(&out), rows[i].says));
        buf_deinit(&out);
    }
}

static void T21_addresses_are_whole(void **state)
{
    (void)state;
    static const struct {
        const char *email;
        bool valid, account;
    } rows[] = {
        {"jane@example.com", true, false},
        {"a@p.iam.gserviceaccount.com", true, true},
        {"1-compute@developer.gserviceaccount.com", true, true},
        {"a@evilgserviceaccount.com", true, false},
        {"a@gserviceaccount.com.evil", true, false},
        {"a@b@allowed.com", false, false},
        {"@allowed.com", false, false},
        {"a@", false, false},
        {"a", false, false},
        {"", false, false},
        {"a b@allowed.com", false, false},
        {"a\r\n@allowed.com", false, false},
        {"\"a@evil\"@allowed.com", false, false},
        {"a,b@allowed.com", false, false},
        {"\xff@allowed.com", false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_row(i, email_valid(str_from(rows[i].email)) == rows[i].valid);
        assert_row(i, email_is_service_account(str_from(rows[i].email)) == rows[i].account);
    }
    assert_false(email_valid((str){"a\0@b.c", 6}));
}

static void names_are_read_back(void **state)
{
    (void)state;
    static const principal *const people[] = {&principal_anonymous, &jane, &bot, &staff, &ci};
    for (size_t i = 0; i < ARRAY_LEN(people); i++) {
        buf name, again;
        buf_init(&name, 1024);
        buf_init(&again, 1024);
        principal_name(people[i], &name);
        principal back;
        assert_code(principal_parse(buf_str(&name), &memory, &back, NULL), OK);
        assert_int_equal(back.kind, people[i]->kind);
        principal_name(&back, &again);
        assert_str(buf_str(&again), buf_str(&name));
        buf_deinit(&name);
        buf_deinit(&again);
    }
    principal back;
    assert_code(principal_parse(STR("group:ops@example.com"), &memory, &back, NULL), IAM_MEMBER);
    assert_code(principal_parse(STR("allAuthenticatedUsers"), &memory, &back, NULL), IAM_MEMBER);
    assert_code(principal_parse(STR("jane"), &memory, &back, NULL), IAM_MEMBER);
}

static void a_copy_outlives_its_original(void **state)
{
    (void)state;
    arena original, other;
    arena_init(&original);
    arena_init(&other);
    principal *first = principal_copy(&original, &ci);
    first->groups = jane_groups;
    first->group_count = 1;
    principal *p = principal_copy(&other, first);
    arena_deinit(&original);
    assert_str(p->subject, ci.subject);
    assert_str(p->attributes[0].value, STR("acme/app"));
    assert_str(p->groups[0], STR("ops@example.com"));
    arena_deinit(&other);
}

static directory *directory_of(const char *text, code want, const char *says)
{
    directory *d = directory_new();
    json *root = NULL;
    err e = ERR_INIT;
    assert_code(json_parse(&memory, str_from(text), NULL, &root, NULL), OK);
    code c = directory_load(d, root, &e);
    if (c != want || (says && !strstr(e.msg, says)))
        fail_msg("%s: [%s] %s", text, code_id(c), e.msg);
    return d;
}

static void groups_nest(void **state)
{
    (void)state;
    directory *d =
        directory_of("{\"all@x.org\":[\"group:ops@x.org\",\"user:other@example.com\"],"
                     "\"ops@x.org\":[\"user:Jane@example.com\"],"
                     "\"group:Bots@x.org\":[\"serviceAccount:bot@p.iam.gserviceaccount.com\","
                     "\"group:nobody@x.org\"],\"empty@x.org\":[]}",
                     OK, NULL);
    directory_add_project(d, STR("p"), STR("12"));
    principal p = jane;
    directory_fill(d, &p, &memory);
    assert_int_equal(p.group_count, 2);
    assert_str(p.groups[0], STR("ops@x.org"));
    assert_str(p.groups[1], STR("all@x.org"));
    p = bot;
    p.project_number = STR_NONE;
    directory_fill(d, &p, &memory);
    assert_int_equal(p.group_count, 1);
    assert_str(p.groups[0], STR("bots@x.org"));
    assert_str(p.project_number, STR("12"));
    directory_add_account(d, STR("108"), bot.email);
    p = (principal){.kind = PRINCIPAL_SERVICE_ACCOUNT, .subject = STR("108")};
    directory_fill(d, &p, &memory);
    assert_str(p.email, bot.email);
    assert_int_equal(p.group_count, 1);
    p = (principal){.kind = PRINCIPAL_USER, .subject = STR("108")}; // a person of that number
    directory_fill(d, &p, &memory);
    assert_int_equal(p.email.len, 0);
    p = staff; // its groups come from its provider
    directory_fill(d, &p, &memory);
    assert_str(p.groups[0], STR("ops"));
    directory_free(d);
}

static void T50_hostile_groups_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        code want;
        const char *says;
    } rows[] = {
        {"[]", DATA_TYPE, NULL},
        {"{\"ops\":[]}", IAM_GROUP, "e-mail address"},
        {"{\"a@x.org\":{}}", DATA_TYPE, NULL},
        {"{\"a@x.org\":[7]}", DATA_TYPE, NULL},
        {"{\"a@x.org\":[\"jane@x.org\"]}", IAM_MEMBER, "isn't a member"},
        {"{\"a@x.org\":[\"allUsers\"]}", IAM_GROUP, "a group holds"},
        {"{\"a@x.org\":[],\"A@x.org\":[]}", IAM_GROUP, "there twice"},
        {"{\"a@x.org\":[\"group:a@x.org\"]}", IAM_GROUP, "inside itself"},
        {"{\"a@x.org\":[\"group:b@x.org\"],\"b@x.org\":[\"group:a@x.org\"]}", IAM_GROUP,
         "inside itself"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        directory_free(directory_of(rows[i].text, rows[i].want, rows[i].says));

    // Each group holds all later ones: the number of ways through them is astronomic.
    buf text;
    buf_init(&text, 1 << 20);
    for (int i = 0; i < 8; i++) {
        buf_addf(&text, "%s\"g%d@x.org\":[", i ? "," : "{", i);
        for (int j = i + 1; j < 8; j++)
            buf_addf(&text, "%s\"group:g%d@x.org\"", j > i + 1 ? "," : "", j);
        buf_addc(&text, ']');
    }
    buf_addc(&text, '}');
    directory_free(directory_of(buf_cstr(&text), OK, NULL));
    buf_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_read),
        cmocka_unit_test(any_other_form_is_refused),
        cmocka_unit_test(a_bare_address_gets_the_likely_prefix_as_hint),
        cmocka_unit_test(members_cover_whom_they_name),
        cmocka_unit_test(near_misses_are_told),
        cmocka_unit_test(T21_addresses_are_whole),
        cmocka_unit_test(names_are_read_back),
        cmocka_unit_test(a_copy_outlives_its_original),
        cmocka_unit_test(groups_nest),
        cmocka_unit_test(T50_hostile_groups_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
