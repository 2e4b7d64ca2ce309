// SPDX-License-Identifier: Apache-2.0
// Values of service.yaml: numbers with bounds, quantities, names, probes.
#include <stdio.h>

#include "cloudrun/service.h"
#include "data/data.h"

static code out_of_range(const json *v, uint32_t min, uint32_t max, err *e)
{
    (void)json_err(v, e, DATA_VALUE, "must be a whole number from %u to %u", min, max);
    return err_hint(e, "choose one, or remove the line: Cloud Run has a default");
}

code service_uint(const json *v, uint32_t min, uint32_t max, uint32_t *ret_value, err *e)
{
    int64_t n;
    if (!v || v->type == JSON_NULL)
        return OK;
    if (json_to_i64(v, &n, NULL) != OK || n < min || n > max)
        return out_of_range(v, min, max, e);
    *ret_value = (uint32_t)n;
    return OK;
}

code service_text_uint(const json *v, uint32_t min, uint32_t max, uint32_t *ret_value, err *e)
{
    uint64_t n;
    if (!v)
        return OK;
    if (!str_to_u64(v->text, &n) || n < min || n > max)
        return out_of_range(v, min, max, e);
    *ret_value = (uint32_t)n;
    return OK;
}

// "1", "0.5", "250m" → thousandths; false when it is none of these.
static bool read_milli(str text, uint64_t *ret_milli)
{
    str whole, part;
    uint64_t n, fraction = 0;
    if (str_ends(text, STR("m")))
        return str_to_u64(str_sub(text, 0, text.len - 1), ret_milli);
    bool has_part = str_cut(text, '.', &whole, &part);
    if (!str_to_u64(whole, &n) || n > 1000)
        return false;
    if (has_part) {
        if (part.len > 3 || !str_to_u64(part, &fraction))
            return false;
        for (size_t i = part.len; i < 3; i++)
            fraction *= 10;
    }
    *ret_milli = n * 1000 + fraction;
    return true;
}

code service_cpu(const json *v, uint32_t *ret_milli, err *e)
{
    uint64_t milli;
    if (!v)
        return OK;
    if (!read_milli(v->text, &milli) || milli < 80 || milli > 8000) {
        json_err(v, e, DATA_VALUE, "must be a number of CPUs from 0.08 to 8");
        return err_hint(e, "write \"1\", \"2\" or \"500m\"");
    }
    *ret_milli = (uint32_t)milli;
    return OK;
}

static const struct {
    const char *suffix;
    uint64_t bytes;
} memory_units[] = {
    {"Ki", 1ULL << 10},
    {"Mi", 1ULL << 20},
    {"Gi", 1ULL << 30},
    {"k", 1000},
    {"M", 1000000},
    {"G", 1000000000},
    {"", 1},
};

static bool read_bytes(str text, uint64_t *ret_bytes)
{
    for (size_t i = 0; i < ARRAY_LEN(memory_units); i++) {
        str suffix = str_from(memory_units[i].suffix);
        uint64_t n;
        if (!str_ends(text, suffix))
            continue;
        if (!str_to_u64(str_sub(text, 0, text.len - suffix.len), &n) || n > UINT64_MAX >> 30)
            return false;
        *ret_bytes = n * memory_units[i].bytes;
        return true;
    }
    return false;
}

code service_memory(const json *v, uint64_t *ret_bytes, err *e)
{
    uint64_t bytes;
    if (!v)
        return OK;
    if (!read_bytes(v->text, &bytes) || bytes < 32ULL << 20 || bytes > 32ULL << 30) {
        json_err(v, e, DATA_VALUE, "must be a size from 32Mi to 32Gi");
        return err_hint(e, "write 512Mi or 1Gi");
    }
    *ret_bytes = bytes;
    return OK;
}

code service_label(const json *v, size_t max, err *e)
{
    str s = v->text;
    bool good = s.len && s.len <= max && s.ptr[0] >= 'a' && s.ptr[0] <= 'z';
    for (size_t i = 0; good && i < s.len; i++)
        good = (s.ptr[i] >= 'a' && s.ptr[i] <= 'z') || ascii_is_digit(s.ptr[i]) || s.ptr[i] == '-';
    if (good && s.ptr[s.len - 1] != '-')
        return OK;
    json_err(v, e, DATA_VALUE, "'" STR_FMT "' isn't a name of lower-case letters, digits and '-'",
             STR_ARG(s));
    return err_hint(
        e, "it starts with a letter, doesn't end with '-', and has at most %zu characters", max);
}

// ---- probes

static code read_headers(service_reader *r, const json *list, service_probe *p, err *e)
{
    if (!list)
        return OK;
    service_header *headers = arena_array(r->a, list->len, sizeof(*headers));
    JSON_EACH (list, h) {
        service_header *to = &headers[p->header_count++];
        code c = json_get_str(h, "name", &to->name, e);
        if (c == OK)
            c = json_opt_str(h, "value", &to->value, e);
        if (c)
            return c;
    }
    p->headers = headers;
    return OK;
}

static code read_kind(service_reader *r, const json *v, service_probe *p, err *e)
{
    const json *http = json_get(v, "httpGet"), *tcp = json_get(v, "tcpSocket");
    const json *grpc = json_get(v, "grpc"), *kind = http ? http : tcp ? tcp : grpc;
    if (!!http + !!tcp + !!grpc != 1) {
        json_err(v, e, DATA_VALUE, "must have exactly one of httpGet, tcpSocket and grpc");
        return err_hint(e, "tcpSocket: {port: 8080} asks only whether the program listens");
    }
    p->kind = http ? SERVICE_PROBE_HTTP : SERVICE_PROBE_TCP;
    if (grpc)
        service_note(r, grpc, "here the probe asks only whether the port is open");
    if (http) {
        p->path = STR("/");
        code c = json_opt_str(http, "path", &p->path, e);
        if (c == OK && (!p->path.len || p->path.ptr[0] != '/'))
            c = json_err(json_get(http, "path"), e, DATA_VALUE, "must start with '/'");
        if (c == OK)
            c = read_headers(r, json_get(http, "httpHeaders"), p, e);
        if (c)
            return c;
    }
    uint32_t port = 0;
    code c = service_uint(json_get(kind, "port"), 1, 65535, &port, e);
    p->port = (uint16_t)port;
    return c;
}

static code check_times(const json *v, bool startup, const service_probe *p, err *e)
{
    if (p->timeout_s > p->period_s) {
        (void)json_err(v, e, DATA_VALUE, "timeoutSeconds (%u) is more than periodSeconds (%u)",
                       p->timeout_s, p->period_s);
        return err_hint(e, "a probe ends before the next one starts: raise periodSeconds");
    }
    uint32_t total = p->period_s * p->failures_max; // at most 240,000
    if (startup && total > SERVICE_STARTUP_S) {
        json_err(v, e, DATA_VALUE, "the probe gives up only after %u s", total);
        return err_hint(e, "an instance has %u s to start: lower failureThreshold or periodSeconds",
                        SERVICE_STARTUP_S);
    }
    return OK;
}

code service_probe_read(service_reader *r, const json *v, bool startup, service_probe *ret_probe,
                        err *e)
{
    if (!v || v->type == JSON_NULL)
        return OK;
    uint32_t seconds_max = startup ? 240 : 3600, successes = 1;
    service_probe *p = ret_probe;
    *p = (service_probe){.set = true, .period_s = 10, .timeout_s = 1, .failures_max = 3};
    code c = read_kind(r, v, p, e);
    if (!c)
        c = service_uint(json_get(v, "initialDelaySeconds"), 0, seconds_max, &p->initial_delay_s,
                         e);
    if (!c)
        c = service_uint(json_get(v, "periodSeconds"), 1, seconds_max, &p->period_s, e);
    if (!c)
        c = service_uint(json_get(v, "timeoutSeconds"), 1, seconds_max, &p->timeout_s, e);
    if (!c)
        c = service_uint(json_get(v, "failureThreshold"), 1, 1000, &p->failures_max, e);
    if (!c)
        c = service_uint(json_get(v, "successThreshold"), 1, 1, &successes, e);
    return c ? c : check_times(v, startup, p, e);
}
