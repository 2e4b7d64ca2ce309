// SPDX-License-Identifier: Apache-2.0
// Resource Manager, as far as it tells what the project is: Python's library asks it for the name
// of the project that a pool's number stands for.
#include "google/call.h"

enum { ANSWER_BYTES_MAX = 4 << 10 };

static const api_method get_project = {
    .permission = "resourcemanager.projects.get",
    .log = AUDIT_DATA_ACCESS,
    .permission_type = "ADMIN_READ",
    .service = "cloudresourcemanager.googleapis.com",
    .name = "GetProject",
};

static str project_of(const call *c)
{
    return str_skip(c->path, strlen("/v1/projects/")); // or v2
}

bool project_asked(const call *c)
{
    str name = project_of(c);
    return str_eq(c->method, STR("GET")) && name.len && str_chr(name, '/') < 0;
}

void project_answer(call *c)
{
    const google *g = c->g;
    bearer caller;
    buf b;
    if (!call_authenticate(c, &caller))
        return;
    str name = project_of(c);
    bool ours = str_eq(name, g->project_id) || str_eq(name, g->project_number);
    api_use u = {.method = &get_project, .caller = caller};
    if (!ours) // Google doesn't tell whether there is such a project either
        call_rpc_error(c, RPC_PERMISSION_DENIED, "The caller does not have permission");
    if (!ours || !call_authorize(c, &u) || !call_record(c, &u))
        return;
    buf_init(&b, ANSWER_BYTES_MAX);
    jout w = jout_new(&b, JSON_PRETTY);
    jout_object(&w, NULL);
    jout_str(&w, "projectNumber", g->project_number);
    jout_str(&w, "projectId", g->project_id);
    jout_str(&w, "lifecycleState", STR("ACTIVE"));
    jout_str(&w, "name", g->project_id);
    jout_end(&w);
    call_answer_json(c, 200, &b);
}
