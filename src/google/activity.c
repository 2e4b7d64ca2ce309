// SPDX-License-Identifier: Apache-2.0
// Policy Analyzer, as far as it tells when an account's keys were last used. Google tells it a day
// late; here it is told at once.
#include "google/call.h"

enum { ANSWER_BYTES_MAX = 4 << 20 };

static const api_method query_keys = {
    .permission = "policyanalyzer.serviceAccountKeyLastAuthenticationActivities.query",
    .log = AUDIT_DATA_ACCESS,
    .permission_type = "ADMIN_READ",
    .service = "policyanalyzer.googleapis.com",
    .name = "google.cloud.policyanalyzer.v1.PolicyAnalyzer.QueryActivity",
};

static const str query_path =
    STR("/locations/global/activityTypes/serviceAccountKeyLastAuthentication/activities:query");

bool activity_asked(const call *c)
{
    return str_eq(c->method, STR("GET")) && str_ends(c->path, query_path);
}

static void add_key(const call *c, const account *a, const account_key *k, jout *w)
{
    char used[CLOCK_RFC3339_MAX], from[CLOCK_RFC3339_MAX], now[CLOCK_RFC3339_MAX];
    str name = arena_printf(c->mem, "//iam.googleapis.com/" STR_FMT,
                            STR_ARG(account_key_name(c->g, a, k, c->mem)));
    clock_rfc3339(k->used_s * 1000000000, used);
    clock_rfc3339(k->from_s * 1000000000, from);
    clock_rfc3339(c->now_s * 1000000000, now);
    jout_object(w, NULL);
    jout_str(w, "fullResourceName", name);
    jout_str(w, "activityType", STR("serviceAccountKeyLastAuthentication"));
    jout_object(w, "observationPeriod");
    jout_str(w, "startTime", str_from(from));
    jout_str(w, "endTime", str_from(now));
    jout_end(w);
    jout_object(w, "activity");
    jout_str(w, "lastAuthenticatedTime", str_from(used));
    jout_object(w, "serviceAccountKey");
    jout_str(w, "serviceAccountId", a->unique_id);
    jout_str(w, "projectNumber", c->g->project_number);
    jout_str(w, "fullResourceName", name);
    jout_end(w);
    jout_end(w);
    jout_end(w);
}

static void add_keys(const call *c, jout *w)
{
    size_t cursor = 0;
    str email;
    void *value;
    while (map_next(&c->g->accounts, &cursor, &email, &value)) {
        const account *a = value;
        VEC_FOREACH (&a->keys, k)
            if (!(*k)->signer && (*k)->used_s)
                add_key(c, a, *k, w);
    }
}

void activity_answer(call *c)
{
    buf b;
    bearer caller;
    if (!call_authenticate(c, &caller))
        return;
    api_use u = {.method = &query_keys, .caller = caller};
    if (!call_authorize(c, &u) || !call_record(c, &u))
        return;
    buf_init(&b, ANSWER_BYTES_MAX);
    jout w = jout_new(&b, JSON_PRETTY);
    jout_object(&w, NULL);
    jout_array(&w, "activities");
    add_keys(c, &w);
    jout_end(&w);
    jout_end(&w);
    call_answer_json(c, 200, &b);
}
