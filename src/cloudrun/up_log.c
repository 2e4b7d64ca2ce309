// SPDX-License-Identifier: Apache-2.0
// Lines for the person who watches. What others wrote is shown, not sent to the terminal as it is
// (threat 48), and without what looks like a credential (threat 32).
#include "cloudrun/output.h"
#include "cloudrun/up_own.h"

enum { LINE_BYTES_MAX = 8 * OUTPUT_LINE_BYTES_MAX, ID_SHOWN = 6 };

static void tell(up *u, const buf *line)
{
    u->o.on_line(u->o.ctx, buf_str(line));
}

static void begin(buf *line, up_service *s, str instance_id)
{
    buf_init(line, LINE_BYTES_MAX);
    buf_adds(line, s->spec->name);
    buf_addc(line, ' ');
    buf_adds(line, str_sub(instance_id, 0, ID_SHOWN));
}

static void add_redacted(buf *line, str text)
{
    buf plain;
    buf_init(&plain, LINE_BYTES_MAX);
    jose_redact(text, &plain);
    buf_add_shown(line, buf_str(&plain));
    buf_deinit(&plain);
}

void up_log_output(up_service *s, str instance_id, str container, str text)
{
    buf line;
    begin(&line, s, instance_id);
    if (container.len)
        buf_addf(&line, "/" STR_FMT, STR_ARG(container));
    buf_addz(&line, " | ");
    add_redacted(&line, text);
    tell(s->up, &line);
    buf_deinit(&line);
}

void up_log_event(up_service *s, str instance_id, const err *e, const char *text)
{
    buf line;
    begin(&line, s, instance_id);
    buf_addz(&line, ": ");
    buf_add_shown(&line, str_from(e ? e->msg : text));
    if (e)
        buf_addf(&line, " [%s]", code_id(e->code));
    if (e && e->hint[0]) {
        buf_addz(&line, "; ");
        buf_add_shown(&line, str_from(e->hint));
    }
    tell(s->up, &line);
    buf_deinit(&line);
}

// Unless the refusal begins with the name anyway.
static void add_caller(buf *line, const guard_verdict *v, const err *why)
{
    buf name;
    buf_init(&name, 4096);
    if (v && v->who)
        principal_name(v->who, &name);
    if (name.len && !(why && str_starts(str_from(why->msg), buf_str(&name)))) {
        buf_addz(line, " by ");
        buf_add_shown(line, buf_str(&name));
    }
    buf_deinit(&name);
}

// "orders 3f9a2c GET /orders 200 1 ms by serviceAccount:…"
// "orders GET /orders 403 1 ms: serviceAccount:… lacks … [GP-IAM-04]; what to do"
void up_log_call(void *service, const gate_record *r)
{
    up_service *s = service;
    const audit_request *rq = r->request;
    buf line;
    begin(&line, s, rq->instance_id);
    buf_addz(&line, rq->instance_id.len ? " " : "");
    add_redacted(&line, rq->call.method);
    buf_addc(&line, ' ');
    add_redacted(&line, r->path);
    if (rq->status) {
        buf_addc(&line, ' ');
        buf_add_u64(&line, (uint64_t)rq->status);
    } else {
        buf_addz(&line, " (the client left)");
    }
    buf_addc(&line, ' ');
    buf_add_u64(&line, rq->latency_ns / 1000000);
    buf_addz(&line, " ms");
    add_caller(&line, r->verdict, r->refusal);
    if (r->refusal) {
        buf_addz(&line, ": ");
        add_redacted(&line, str_from(r->refusal->msg));
        buf_addf(&line, " [%s]", code_id(r->refusal->code));
    }
    if (r->refusal && r->refusal->hint[0]) {
        buf_addz(&line, "; ");
        add_redacted(&line, str_from(r->refusal->hint));
    }
    tell(s->up, &line);
    buf_deinit(&line);
}

void up_log_proxy(void *ctx, const err *e)
{
    buf line;
    buf_init(&line, LINE_BYTES_MAX);
    buf_addz(&line, "proxy: ");
    add_redacted(&line, str_from(e->msg));
    buf_addf(&line, " [%s]", code_id(e->code));
    if (e->hint[0]) {
        buf_addz(&line, "; ");
        add_redacted(&line, str_from(e->hint));
    }
    tell(ctx, &line);
    buf_deinit(&line);
}

void up_note(up *u, const char *text)
{
    buf line;
    buf_init(&line, LINE_BYTES_MAX);
    buf_addz(&line, "note: ");
    buf_add_shown(&line, str_from(text));
    tell(u, &line);
    buf_deinit(&line);
}
