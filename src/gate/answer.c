// SPDX-License-Identifier: Apache-2.0
// What the caller gets when the service doesn't answer, and what the request log says of a call
// (contract cloud-run.md §1, §6).
#include "gate/call.h"
#include "jose/jose.h"

enum { PAGE_BYTES_MAX = 64 << 10, LABELS_MAX = 16 };

// ---- our log ------------------------------------------------------------------------------------

static void tell_operator(const gate_call *c, int status, const err *why)
{
    log_level level = status >= 500 ? LOG_WARNING : LOG_INFO;
    if (c->gate->o.on_record || !log_enabled(level))
        return;
    buf path;
    buf_init(&path, PAGE_BYTES_MAX);
    jose_redact(c->path, &path); // people put tokens into URLs (threat 32)
    log_write(level, "gate", STR_FMT ": " STR_FMT " %s: %d: %s [%s]%s%s (trace " STR_FMT ")",
              STR_ARG(c->service->name), STR_ARG(c->req->method), buf_cstr(&path), status, why->msg,
              code_id(why->code), why->hint[0] ? "; " : "", why->hint,
              STR_ARG(trace_id(&c->trace)));
    buf_deinit(&path);
}

// ---- the answer ---------------------------------------------------------------------------------

// Cloud Run's words for the request log; the reason stands behind those for which it has none.
static const char *log_sentence(int status)
{
    switch (status) {
    case 401:
        return "The request was not authorized to invoke this service. The access token could not "
               "be verified.";
    case 403:
        return "The request was not authenticated. Either allow unauthenticated invocations or set "
               "the proper Authorization header.";
    case 429:
    case 500:
        return "The request was aborted because there was no available instance.";
    case 503:
        return "The request failed because either the HTTP response was malformed or connection to "
               "the instance had an error.";
    case 504:
        return "The request has been terminated because it has reached the maximum request "
               "timeout.";
    default:
        return "The request was refused.";
    }
}

static void note_text(gate_call *c, int status, const err *why)
{
    const char *sentence = log_sentence(status);
    c->log_text = status == 401 || status == 403 ? str_from(sentence)
                                                 : arena_printf(c->mem, "%s (%s [%s])", sentence,
                                                                why->msg, code_id(why->code));
}

static void answer_page(gate_call *c, int status)
{
    http_header headers[3] = {
        {STR("content-type"), STR("text/html; charset=UTF-8")},
        {STR("x-cloud-trace-context"), trace_answer(&c->trace, c->mem)},
    };
    size_t count = 2;
    if (c->verdict && c->verdict->www_authenticate.len)
        headers[count++] = (http_header){STR("www-authenticate"), c->verdict->www_authenticate};
    buf page;
    buf_init(&page, PAGE_BYTES_MAX);
    guard_page(status, c->path, &page);
    http_reply(c->x, status, headers, count, buf_str(&page));
    buf_deinit(&page);
}

// connect's caller is the operator.
static void answer_text(gate_call *c, int status, const err *why)
{
    http_reply_text(c->x, status, "gatepost: %s [%s]%s%s", why->msg, code_id(why->code),
                    why->hint[0] ? "\n  hint: " : "", why->hint);
}

void call_refuse(gate_call *c, int status, const err *why)
{
    http_call *up = c->up;
    c->up = NULL;
    c->answered = true;
    if (up)
        http_call_cancel(up);
    call_release(c);
    err *kept = ARENA_NEW(c->mem, err);
    *kept = *why;
    c->refusal = kept;
    tell_operator(c, status, why);
    note_text(c, status, why);
    if (why->code == AUDIT_SPOOL || why->code == AUDIT_BUSY)
        http_reply_past_gates(c->x);
    if (http_reply_started(c->x))
        http_reply_abort(c->x);
    else if (c->gate->hooks)
        answer_text(c, status, why);
    else
        answer_page(c, status);
}

// ---- the request log ----------------------------------------------------------------------------

// The service's labels, with the revision that took the call.
static size_t name_revision(const gate_call *c, const audit_resource *r, audit_label *labels)
{
    size_t count = r->label_count < LABELS_MAX ? r->label_count : LABELS_MAX;
    for (size_t i = 0; i < count; i++) {
        labels[i] = r->labels[i];
        if (c->revision.len && str_eq(str_from(labels[i].name), STR("revision_name")))
            labels[i].value = c->revision;
    }
    return count;
}

void call_log(const gate_call *c, const http_outcome *o)
{
    const guard_target *t = c->service->target;
    if (!c->gate->o.spool || !t || c->unlogged)
        return;
    audit_label labels[LABELS_MAX];
    const audit_request rq = {
        .project_id = t->project_id,
        .resource = {t->log_resource.type, labels, name_revision(c, &t->log_resource, labels)},
        .instance_id = c->instance_id,
        .call = c->http,
        .status = o->status,
        .request_bytes = o->request_bytes,
        .response_bytes = o->response_bytes,
        .latency_ns = o->duration_ns,
        .text = c->log_text,
    };
    audit_add_request(c->gate->o.spool, &rq, NULL);
    gate_record record = {
        .request = &rq, .path = c->path, .verdict = c->verdict, .refusal = c->refusal};
    if (c->gate->o.on_record)
        c->gate->o.on_record(c->gate->o.record_ctx, &record);
}
