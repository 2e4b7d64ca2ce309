// SPDX-License-Identifier: Apache-2.0
#include "audit/row.h"

#include <time.h>

#include "data/data.h"

static str text_at(const json *v, const char *key)
{
    return json_str_or(json_get(v, key), STR_NONE);
}

static str first_of(str a, str b)
{
    return a.len ? a : b;
}

// ---- Entries to row -----------------------------------------------------------------------------

static void take_event(audit_row *row)
{
    const json *entry = row->event, *payload = json_get(entry, "protoPayload");
    const json *labels = json_get(json_get(entry, "resource"), "labels");
    const json *http = json_get(entry, "httpRequest"),
               *who = json_get(payload, "authenticationInfo");
    const json *asked = json_at(json_get(payload, "authorizationInfo"), 0);
    row->id = text_at(entry, "insertId");
    row->principal = first_of(text_at(who, "principalEmail"), text_at(who, "principalSubject"));
    row->permission = text_at(asked, "permission");
    row->granted = asked ? json_bool_or(json_get(asked, "granted"), false)
                         : json_i64_or(json_get(json_get(payload, "status"), "code"), 0) == 0;
    row->why = first_of(text_at(json_get(payload, "metadata"), "explanation"),
                        text_at(json_get(payload, "status"), "message"));
    row->service = text_at(labels, "service_name");
    // A call to the service, and not one of the API about it.
    if (row->service.len && str_eq(text_at(payload, "methodName"), STR("gatepost.Invoke"))) {
        row->method = text_at(http, "requestMethod");
        row->resource = text_at(http, "requestUrl");
    } else {
        row->service = text_at(payload, "serviceName");
        row->method = text_at(payload, "methodName");
        row->resource = text_at(payload, "resourceName");
    }
}

static void take_request(audit_row *row)
{
    const json *entry = row->request, *http = json_get(entry, "httpRequest");
    row->status = (int)json_i64_or(json_get(http, "status"), 0);
    row->latency = text_at(http, "latency");
    if (row->event)
        return;
    row->id = text_at(entry, "insertId");
    row->service = text_at(json_get(json_get(entry, "resource"), "labels"), "service_name");
    row->method = text_at(http, "requestMethod");
    row->resource = text_at(http, "requestUrl");
    row->why = text_at(entry, "textPayload");
    row->granted = row->status != 401 && row->status != 403;
}

bool row_parse(arena *a, str event_text, str request_text, audit_row *ret_row)
{
    *ret_row = (audit_row){.event_text = event_text, .request_text = request_text};
    json *event = NULL, *request = NULL;
    if ((event_text.len && json_parse(a, event_text, NULL, &event, NULL)) ||
        (request_text.len && json_parse(a, request_text, NULL, &request, NULL)))
        return false;
    ret_row->event = event;
    ret_row->request = request;
    const json *either = event ? event : request;
    if (!clock_parse_rfc3339(text_at(either, "timestamp"), &ret_row->time_ns))
        return false;
    ret_row->trace = text_at(either, "trace");
    ssize_t slash = str_rchr(ret_row->trace, '/');
    ret_row->trace = str_skip(ret_row->trace, (size_t)(slash + 1));
    if (event)
        take_event(ret_row);
    if (request)
        take_request(ret_row);
    return true;
}

bool row_is_event(const audit_row *row)
{
    return json_get(row->event, "protoPayload") != NULL;
}

str row_key(arena *a, const audit_row *row)
{
    str span = text_at(row->event ? row->event : row->request, "spanId");
    if (!row->trace.len && !span.len)
        return STR_NONE;
    return arena_printf(a, STR_FMT "/" STR_FMT, STR_ARG(row->trace), STR_ARG(span));
}

// ---- Filter -------------------------------------------------------------------------------------

static bool matches_glob(str pattern, str one, str other)
{
    return !pattern.len || str_glob(pattern, one) || str_glob(pattern, other);
}

bool row_matches(const audit_row *row, const audit_filter *f)
{
    const json *payload = json_get(row->event, "protoPayload");
    const json *who = json_get(payload, "authenticationInfo");
    if ((f->since_ns && row->time_ns < f->since_ns) || (f->until_ns && row->time_ns > f->until_ns))
        return false;
    if ((f->only_granted && !row->granted) || (f->only_denied && row->granted))
        return false;
    if (f->id.len && !str_eq(f->id, row->id) && !str_eq(f->id, row->trace))
        return false;
    return matches_glob(f->principal, row->principal, text_at(who, "principalSubject")) &&
           matches_glob(f->service, row->service, text_at(payload, "serviceName")) &&
           matches_glob(f->method, row->method, text_at(payload, "methodName"));
}

bool row_status_matches(int status, const audit_filter *f)
{
    return !f->status || status == f->status || (f->status < 10 && status / 100 == f->status);
}

// ---- Row to text --------------------------------------------------------------------------------

enum { TIME_WIDTH = 12, RESULT_WIDTH = 11, LATENCY_WIDTH = 8, SERVICE_WIDTH = 14, CALL_WIDTH = 30 };

static void add_column(buf *out, str text, size_t width)
{
    size_t start = out->len;
    buf_add_shown(out, text);
    for (size_t w = utf8_len(str_skip(buf_str(out), start)); w < width; w++)
        buf_addc(out, ' ');
    buf_addz(out, "  ");
}

void audit_row_head(bool colour, buf *out)
{
    buf_addz(out, colour ? "\033[1m" : "");
    add_column(out, STR("TIME"), TIME_WIDTH);
    add_column(out, STR("RESULT"), RESULT_WIDTH);
    add_column(out, STR("LATENCY"), LATENCY_WIDTH);
    add_column(out, STR("SERVICE"), SERVICE_WIDTH);
    add_column(out, STR("CALL"), CALL_WIDTH);
    buf_addz(out, "CALLER, AND WHY");
    buf_addz(out, colour ? "\033[0m\n" : "\n");
}

static void add_time_of_day(buf *out, int64_t wall_ns)
{
    time_t s = (time_t)(wall_ns / 1000000000);
    struct tm tm;
    localtime_r(&s, &tm);
    buf_addf(out, "%02d:%02d:%02d.%03d  ", tm.tm_hour, tm.tm_min, tm.tm_sec,
             (int)(wall_ns / 1000000 % 1000));
}

static void add_result(buf *out, const audit_row *row, bool colour)
{
    char text[32];
    snprintf(text, sizeof text, row->status ? "%s %d" : "%s", row->granted ? "allowed" : "refused",
             row->status);
    buf_addz(out, !colour ? "" : row->granted ? "\033[32m" : "\033[31m");
    add_column(out, str_from(text), RESULT_WIDTH);
    buf_addz(out, colour ? "\033[0m" : "");
}

// "0.355516564s" as "356 ms".
static void add_latency(buf *out, str latency)
{
    uint64_t whole, fraction;
    str head, tail;
    char text[32] = "";
    if (str_cut(latency, '.', &head, &tail) && tail.len == 10 && str_to_u64(head, &whole) &&
        str_to_u64(str_sub(tail, 0, 9), &fraction)) {
        double ms = (double)whole * 1e3 + (double)fraction / 1e6;
        snprintf(text, sizeof text, ms < 10 ? "%.1f ms" : "%.0f ms", ms);
    }
    add_column(out, str_from(text), LATENCY_WIDTH);
}

// The path of a URL; anything else as it is.
static str path_of(str url)
{
    ssize_t scheme = str_find(url, STR("://"));
    if (scheme < 0)
        return url;
    str rest = str_skip(url, (size_t)scheme + 3);
    ssize_t slash = str_chr(rest, '/');
    return slash < 0 ? STR("/") : str_skip(rest, (size_t)slash);
}

static void add_call_column(buf *out, const audit_row *row)
{
    buf text;
    buf_init(&text, SIZE_MAX / 2);
    buf_adds(&text, row->method);
    buf_addc(&text, ' ');
    buf_adds(&text, path_of(row->resource));
    add_column(out, buf_str(&text), CALL_WIDTH);
    buf_deinit(&text);
}

// The caller has its place in the row already: "serviceAccount:e has …" becomes "has …".
static str without_caller(const audit_row *row)
{
    str kind, rest;
    if (!row->principal.len || !str_cut(row->why, ':', &kind, &rest) ||
        !str_starts(rest, row->principal))
        return row->why;
    rest = str_skip(rest, row->principal.len);
    return str_starts(rest, STR(" ")) ? str_skip(rest, 1) : row->why;
}

// An API without the part that all of Google's have: the longest fits its column so.
static str short_service(str service)
{
    static const str domain = {".googleapis.com", sizeof(".googleapis.com") - 1};
    return str_ends(service, domain) ? str_sub(service, 0, service.len - domain.len) : service;
}

void audit_row_text(const audit_row *row, bool colour, buf *out)
{
    add_time_of_day(out, row->time_ns);
    add_result(out, row, colour);
    add_latency(out, row->latency);
    add_column(out, short_service(row->service), SERVICE_WIDTH);
    add_call_column(out, row);
    buf_add_shown(out, row->principal.len ? row->principal : STR("nobody"));
    if (row->why.len) {
        buf_addz(out, ": ");
        buf_add_shown(out, without_caller(row));
    }
    buf_addc(out, '\n');
}
