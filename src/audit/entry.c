// SPDX-License-Identifier: Apache-2.0
// Entries as Cloud Logging has them; contract Cloud Run §6.
#include "audit/entry.h"

#include <string.h>

#include "data/data.h"
#include "jose/jose.h"

enum { SHORT_TEXT_BYTES = 1024, SHORT_DELEGATES = 8 };

typedef struct writer writer;
struct writer {
    jout out;
    const entry_stamp *stamp;
};

// A member, unless it is empty.
static void add(writer *w, const char *key, str value)
{
    if (value.len == 0)
        return;
    if (w->stamp->shortened && value.len > SHORT_TEXT_BYTES)
        value.len = SHORT_TEXT_BYTES;
    jout_str(&w->out, key, value);
}

// Whether a text that a client chose could hold a token: only then it is worth a closer look.
static bool may_hold_token(str s)
{
    enum { TOKEN_RUN = 16 };
    size_t run = 0;
    for (size_t i = 0; i < s.len && run < TOKEN_RUN; i++)
        run = ascii_is_alnum(s.ptr[i]) || s.ptr[i] == '-' || s.ptr[i] == '_' ? run + 1 : 0;
    return run == TOKEN_RUN || str_chr(s, '%') >= 0;
}

// A text that a client chose: people put tokens into URLs (threat 32).
static void add_foreign(writer *w, const char *key, str value)
{
    if (!may_hold_token(value)) {
        add(w, key, value);
        return;
    }
    buf clean;
    buf_init(&clean, SIZE_MAX / 2);
    jose_redact(value, &clean);
    add(w, key, buf_str(&clean));
    buf_deinit(&clean);
}

static void add_object_text(writer *w, const char *key, str json_text)
{
    if (json_text.len && !w->stamp->shortened)
        jout_raw(&w->out, key, json_text);
}

// A text of parts, which is cut at a length that none of ours has.
enum { PARTS = 4 };
static void add_joined(writer *w, const char *key, const str parts[PARTS])
{
    char text[256];
    size_t len = 0;
    for (size_t i = 0; i < PARTS; i++) {
        str part = str_sub(parts[i], 0, sizeof text - len);
        if (part.len)
            memcpy(text + len, part.ptr, part.len);
        len += part.len;
    }
    add(w, key, (str){text, len});
}

static void add_time(writer *w, const char *key, int64_t wall_ns)
{
    char text[CLOCK_RFC3339_MAX];
    clock_rfc3339(wall_ns, text);
    jout_str(&w->out, key, str_from(text));
}

// 64-bit numbers are strings in the JSON of Google's APIs.
static void add_u64(writer *w, const char *key, uint64_t value)
{
    char text[STR_U64_MAX];
    jout_str(&w->out, key, str_u64(value, text));
}

static void add_resource(writer *w, const audit_resource *r, str project_id)
{
    jout_object(&w->out, "resource");
    add(w, "type", str_from(r->type));
    jout_object(&w->out, "labels");
    add(w, "project_id", project_id);
    for (size_t i = 0; i < r->label_count; i++)
        add(w, r->labels[i].name, r->labels[i].value);
    jout_end(&w->out);
    jout_end(&w->out);
}

static void add_trace(writer *w, const audit_call *call, str project_id)
{
    const str name[PARTS] = {STR("projects/"), project_id, STR("/traces/"), call->trace};
    if (call->trace.len)
        add_joined(w, "trace", name);
    add(w, "spanId", call->span);
    if (call->sampled)
        jout_bool(&w->out, "traceSampled", true);
}

static void add_call(writer *w, const audit_call *call)
{
    add_foreign(w, "requestMethod", call->method);
    add_foreign(w, "requestUrl", call->url);
    add(w, "protocol", call->protocol);
    add_foreign(w, "userAgent", call->user_agent);
    add_foreign(w, "referer", call->referer);
    add(w, "remoteIp", call->remote_ip);
    add(w, "serverIp", call->server_ip);
}

static void add_delegation(writer *w, const audit_caller *caller)
{
    size_t count = caller->delegation_count;
    if (w->stamp->shortened && count > SHORT_DELEGATES)
        count = SHORT_DELEGATES;
    if (count == 0)
        return;
    jout_array(&w->out, "serviceAccountDelegationInfo");
    for (size_t i = 0; i < count; i++) {
        jout_object(&w->out, NULL);
        if (str_starts(caller->delegation[i], STR("principal://"))) {
            add(w, "principalSubject", caller->delegation[i]);
        } else {
            jout_object(&w->out, "firstPartyPrincipal");
            add(w, "principalEmail", caller->delegation[i]);
            jout_end(&w->out);
        }
        jout_end(&w->out);
    }
    jout_end(&w->out);
}

static void add_caller(writer *w, const audit_caller *caller)
{
    jout_object(&w->out, "authenticationInfo");
    add(w, "principalEmail", caller->email);
    add(w, "principalSubject", caller->subject);
    add(w, "serviceAccountKeyName", caller->key_name);
    add(w, "authoritySelector", caller->authority_selector);
    add_delegation(w, caller);
    jout_end(&w->out);
}

static void add_authorization(writer *w, const audit_event *ev)
{
    if (ev->permission.len == 0)
        return;
    jout_array(&w->out, "authorizationInfo");
    jout_object(&w->out, NULL);
    add(w, "resource", ev->resource_name);
    add(w, "permission", ev->permission);
    jout_bool(&w->out, "granted", ev->granted);
    add(w, "permissionType", str_from(ev->permission_type));
    jout_object(&w->out, "resourceAttributes");
    jout_end(&w->out);
    jout_end(&w->out);
    jout_end(&w->out);
}

static void add_request_metadata(writer *w, const audit_call *call)
{
    jout_object(&w->out, "requestMetadata");
    if (call) {
        add(w, "callerIp", call->remote_ip);
        add_foreign(w, "callerSuppliedUserAgent", call->user_agent);
    }
    jout_object(&w->out, "requestAttributes");
    add_time(w, "time", w->stamp->wall_ns);
    jout_object(&w->out, "auth");
    jout_end(&w->out);
    jout_end(&w->out);
    jout_object(&w->out, "destinationAttributes");
    jout_end(&w->out);
    jout_end(&w->out);
}

static void add_status(writer *w, const audit_event *ev)
{
    jout_object(&w->out, "status");
    if (ev->status_code)
        jout_i64(&w->out, "code", ev->status_code);
    add(w, "message", ev->status_message);
    jout_end(&w->out);
}

// `metadata` with our members beside those that were given. The given text is an object, so its
// inside can be taken over as it is.
static void add_metadata(writer *w, const audit_event *ev)
{
    bool shortened = w->stamp->shortened;
    str given = shortened ? STR_NONE : str_trim(ev->metadata_json);
    str inside = given.len > 2 ? str_trim(str_sub(given, 1, given.len - 1)) : STR_NONE;
    if (!ev->caller.actor.len && !shortened && !inside.len)
        return;
    jout_object(&w->out, "metadata");
    add(w, "actor", ev->caller.actor);
    if (shortened)
        jout_bool(&w->out, "shortened", true);
    if (inside.len) {
        if (ev->caller.actor.len)
            buf_addc(w->out.out, ',');
        buf_adds(w->out.out, inside);
    }
    jout_end(&w->out);
}

static void add_payload(writer *w, const audit_event *ev)
{
    jout_object(&w->out, "protoPayload");
    jout_str(&w->out, "@type", STR("type.googleapis.com/google.cloud.audit.AuditLog"));
    add(w, "serviceName", ev->service_name);
    add(w, "methodName", ev->method_name);
    add(w, "resourceName", ev->resource_name);
    add_caller(w, &ev->caller);
    add_authorization(w, ev);
    add_request_metadata(w, ev->call);
    add_status(w, ev);
    add_object_text(w, "request", ev->request_json);
    add_object_text(w, "response", ev->response_json);
    add_metadata(w, ev);
    jout_end(&w->out);
}

static void add_head(writer *w, str project_id, const char *log, const char *severity)
{
    const str name[PARTS] = {STR("projects/"), project_id, STR("/logs/"), str_from(log)};
    add_joined(w, "logName", name);
    add(w, "insertId", w->stamp->id);
    add(w, "severity", str_from(severity));
}

static const char *event_severity(const audit_event *ev)
{
    if (ev->status_code)
        return "ERROR";
    return ev->log == AUDIT_ACTIVITY ? "NOTICE" : "INFO";
}

void entry_write_event(buf *out, const audit_event *ev, const entry_stamp *st)
{
    writer w = {jout_new(out, JSON_COMPACT), st};
    jout_object(&w.out, NULL);
    add_head(&w, ev->project_id,
             ev->log == AUDIT_ACTIVITY ? "cloudaudit.googleapis.com%2Factivity"
                                       : "cloudaudit.googleapis.com%2Fdata_access",
             event_severity(ev));
    add_time(&w, "timestamp", st->wall_ns);
    add_time(&w, "receiveTimestamp", st->wall_ns);
    add_resource(&w, &ev->resource, ev->project_id);
    add_payload(&w, ev);
    if (ev->call) {
        jout_object(&w.out, "httpRequest");
        add_call(&w, ev->call);
        jout_end(&w.out);
        add_trace(&w, ev->call, ev->project_id);
    }
    jout_end(&w.out);
}

static const char *request_severity(int status)
{
    if (status == 0 || status >= 500)
        return "ERROR";
    return status >= 400 ? "WARNING" : "INFO";
}

static void add_latency(writer *w, uint64_t ns)
{
    const uint64_t ns_per_s = 1000000000;
    char seconds[STR_U64_MAX], fraction[STR_U64_MAX];
    str padded = str_u64(ns_per_s + ns % ns_per_s, fraction); // a 1 and the nine digits
    const str parts[PARTS] = {str_u64(ns / ns_per_s, seconds), STR("."), str_skip(padded, 1),
                              STR("s")};
    add_joined(w, "latency", parts);
}

void entry_write_request(buf *out, const audit_request *rq, const entry_stamp *st)
{
    writer w = {jout_new(out, JSON_COMPACT), st};
    jout_object(&w.out, NULL);
    add_head(&w, rq->project_id, "run.googleapis.com%2Frequests", request_severity(rq->status));
    add_time(&w, "timestamp", st->wall_ns - (int64_t)rq->latency_ns);
    add_time(&w, "receiveTimestamp", st->wall_ns);
    add_resource(&w, &rq->resource, rq->project_id);
    add(&w, "textPayload", rq->text);
    jout_object(&w.out, "httpRequest");
    add_call(&w, &rq->call);
    add_u64(&w, "requestSize", rq->request_bytes);
    if (rq->status)
        jout_i64(&w.out, "status", rq->status);
    add_u64(&w, "responseSize", rq->response_bytes);
    add_latency(&w, rq->latency_ns);
    jout_end(&w.out);
    if (rq->instance_id.len) {
        jout_object(&w.out, "labels");
        add(&w, "instanceId", rq->instance_id);
        jout_end(&w.out);
    }
    add_trace(&w, &rq->call, rq->project_id);
    jout_end(&w.out);
}
