// SPDX-License-Identifier: Apache-2.0
// Cloud Run writes no audit entry for an invocation; this one is ours, in the form that Google's
// services use (contract cloud-run.md §6).
#include "guard/entry.h"

#include "data/data.h"

#define SOURCE                                                                                     \
    STR("Gatepost: an extension, as Cloud Run itself writes no audit entry for an invocation")

enum { METADATA_BYTES_MAX = 64 << 10 };

// google.rpc.Code
enum { RPC_PERMISSION_DENIED = 7, RPC_UNAVAILABLE = 14, RPC_UNAUTHENTICATED = 16 };

static int rpc_code(int status)
{
    switch (status) {
    case 200:
        return 0;
    case 401:
        return RPC_UNAUTHENTICATED;
    case 403:
        return RPC_PERMISSION_DENIED;
    default:
        return RPC_UNAVAILABLE;
    }
}

// What an error says may quote a claim, which anybody may have written (threat 32).
static void add_reason(jout *w, const char *key, const err *e)
{
    buf clean;
    buf_init(&clean, METADATA_BYTES_MAX);
    jose_redact(str_from(e->msg), &clean);
    jout_str(w, key, buf_str(&clean));
    buf_deinit(&clean);
}

static void add_explanation(const guard_verdict *v, jout *w)
{
    if (!v->allowed) {
        add_reason(w, "explanation", &v->reason);
        return;
    }
    buf text;
    buf_init(&text, 4096);
    decision_summary(&v->decision, &text);
    jout_str(w, "explanation", buf_str(&text));
    buf_deinit(&text);
}

static void write_metadata(const guard_verdict *v, const err *ignored, buf *out)
{
    jout w = jout_new(out, JSON_COMPACT);
    jout_object(&w, NULL);
    jout_str(&w, "source", SOURCE);
    add_explanation(v, &w);
    if (v->code)
        jout_str(&w, "code", str_from(code_id(v->code)));
    if (v->who) {
        jout_str(&w, "issuer", v->issuer);
        jout_str(&w, "audience", v->audience);
    }
    if (!v->allowed && v->has_decision)
        decision_json(&v->decision, &w, "decision");
    if (ignored->code)
        add_reason(&w, "credentialIgnored", ignored);
    jout_end(&w);
}

void entry_add(audit_spool *s, const guard_target *t, const guard_call *c, const err *ignored,
               guard_verdict *v)
{
    buf metadata, name;
    buf_init(&metadata, METADATA_BYTES_MAX);
    buf_init(&name, 4096);
    write_metadata(v, ignored, &metadata);
    audit_event ev = {
        .log = AUDIT_DATA_ACCESS,
        .project_id = t->project_id,
        .resource = t->log_resource,
        .service_name = STR("run.googleapis.com"),
        .method_name = STR("gatepost.Invoke"),
        .resource_name = t->resource,
        .permission = PERMISSION_INVOKE,
        .permission_type = "DATA_WRITE", // as Cloud Run's own for Jobs.RunJob
        .granted = v->allowed,
        .status_code = rpc_code(v->status),
        .status_message = v->allowed ? STR_NONE : str_from(code_title(v->code)),
        .call = c->http,
        .metadata_json = buf_ok(&metadata) ? buf_str(&metadata) : STR_NONE,
    };
    if (v->who) {
        principal_name(v->who, &name);
        ev.caller = (audit_caller){.email = v->who->email, .subject = buf_str(&name)};
    }
    audit_add_event(s, &ev, v->audit_id);
    buf_deinit(&metadata);
    buf_deinit(&name);
}
