// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "data/data.h"
#include "doctor/doctor.h"
#include "http/http.h"

static void line(buf *out, const char *label, const char *fmt, ...) ATTR_PRINTF(3, 4);
static void line(buf *out, const char *label, const char *fmt, ...)
{
    buf text;
    buf_init(&text, 64 << 10);
    va_list ap;
    va_start(ap, fmt);
    buf_addv(&text, fmt, ap);
    va_end(ap);
    buf_addf(out, "  %-9s", label);
    buf_add_shown(out, buf_str(&text));
    buf_addc(out, '\n');
    buf_deinit(&text);
}

static void call_line(buf *out, const char *label, const doctor_call *c)
{
    if (!c->made)
        return;
    if (!c->status)
        line(out, label, "no answer: " STR_FMT, STR_ARG(c->failure));
    else
        line(out, label, "%d %s%s", c->status, http_reason(c->status),
             c->status < 400   ? ""
             : c->by_cloud_run ? " (Cloud Run's answer)"
                               : " (the application's answer)");
}

// "audience https://…, 3 s old, 3597 s left", as far as it is known.
static void token_line(const doctor_report *r, buf *out)
{
    char age[32] = "", left[48] = "";
    if (!r->token_audience.len)
        return;
    if (r->token_age_s >= 0)
        snprintf(age, sizeof(age), ", %" PRId64 " s old", r->token_age_s);
    if (r->token_left_s >= 0)
        snprintf(left, sizeof(left), ", %" PRId64 " s left", r->token_left_s);
    else if (r->token_left_s != DOCTOR_UNKNOWN_S)
        snprintf(left, sizeof(left), ", expired %" PRId64 " s ago", -r->token_left_s);
    line(out, "token", "audience " STR_FMT "%s%s", STR_ARG(r->token_audience), age, left);
}

static void caller_lines(const doctor_report *r, buf *out)
{
    if (r->caller.len)
        line(out, "caller", STR_FMT " by " STR_FMT, STR_ARG(r->caller), STR_ARG(r->source));
    else if (r->why_no_caller.len)
        line(out, "caller", "nobody: " STR_FMT, STR_ARG(r->why_no_caller));
    token_line(r, out);
}

void doctor_text(const doctor_report *r, buf *out)
{
    buf_add_shown(out, r->url);
    buf_addc(out, '\n');
    if (r->trust)
        line(out, "trust", STR_FMT ", by %s", STR_ARG(r->origin), r->trust);
    else
        line(out, "trust", "none for " STR_FMT, STR_ARG(r->origin));
    caller_lines(r, out);
    call_line(out, "without", &r->without);
    call_line(out, "with", &r->with);
    if (r->healthy) {
        buf_addz(out, r->with.made ? "the call works\n" : "the call works without identity\n");
        return;
    }
    buf_add_shown(out, r->reason.sentence.len ? r->reason.sentence : STR("there was no answer"));
    if (r->reason.code != OK)
        buf_addf(out, " [%s]", code_id(r->reason.code));
    buf_addc(out, '\n');
    if (r->server_reason.len)
        line(out, "trail", STR_FMT, STR_ARG(r->server_reason));
    if (r->reason.fix.len) {
        buf_addz(out, "  hint: ");
        buf_add_shown(out, r->reason.fix);
        buf_addc(out, '\n');
    }
}

static void call_json(jout *w, const char *key, const doctor_call *c)
{
    if (!c->made)
        return;
    jout_object(w, key);
    jout_i64(w, "status", c->status);
    jout_bool(w, "byCloudRun", c->by_cloud_run);
    if (c->trace.len)
        jout_str(w, "trace", c->trace);
    if (c->failure.len)
        jout_str(w, "failure", c->failure);
    jout_end(w);
}

void doctor_json(const doctor_report *r, buf *out)
{
    jout w = jout_new(out, JSON_PRETTY);
    jout_object(&w, NULL);
    jout_str(&w, "url", r->url);
    jout_str(&w, "origin", r->origin);
    jout_bool(&w, "candidate", r->candidate);
    jout_bool(&w, "trusted", r->trust != NULL);
    jout_str(&w, "audience", r->audience);
    if (r->caller.len) {
        jout_str(&w, "caller", r->caller);
        jout_str(&w, "source", r->source);
        if (r->token_audience.len)
            jout_str(&w, "tokenAudience", r->token_audience);
        if (r->token_age_s != DOCTOR_UNKNOWN_S)
            jout_i64(&w, "tokenAgeSeconds", r->token_age_s);
        if (r->token_left_s != DOCTOR_UNKNOWN_S)
            jout_i64(&w, "tokenSecondsLeft", r->token_left_s);
    } else if (r->why_no_caller.len) {
        jout_str(&w, "noCaller", r->why_no_caller);
    }
    call_json(&w, "without", &r->without);
    call_json(&w, "with", &r->with);
    jout_bool(&w, "healthy", r->healthy);
    if (r->reason.code != OK)
        jout_str(&w, "code", str_from(code_id(r->reason.code)));
    if (r->reason.sentence.len)
        jout_str(&w, "reason", r->reason.sentence);
    if (r->server_reason.len)
        jout_str(&w, "trail", r->server_reason);
    if (r->reason.fix.len)
        jout_str(&w, "fix", r->reason.fix);
    jout_end(&w);
    buf_addc(out, '\n');
}
