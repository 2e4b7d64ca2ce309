// SPDX-License-Identifier: Apache-2.0
#include "report/cli.h"

// Of a body on the terminal.
enum { CLIP_BYTES = 2048, TEXT_BYTES_MAX = 1 << 20 };

static void body_box(cli *c, const char *arrow, const char *what, str body)
{
    buf text;
    buf_init(&text, TEXT_BYTES_MAX);
    str indent = arena_printf(&c->scratch, "  %s ", c->symbols->box_middle);
    report_lines(&text, str_sub(body, 0, CLIP_BYTES), indent.ptr);
    buf_addf(&c->out, "  %s %s %s %s ", c->symbols->box_top, arrow, what, c->symbols->star);
    report_bytes(&c->out, body.len);
    buf_addf(&c->out, "\n%s%s\n", indent.ptr, buf_cstr(&text));
    if (body.len > CLIP_BYTES) {
        buf_addf(&c->out, "%s(showing ", indent.ptr);
        report_bytes(&c->out, CLIP_BYTES);
        buf_addc(&c->out, '/');
        report_bytes(&c->out, body.len);
        buf_addz(&c->out, ")\n");
    }
    buf_addf(&c->out, "  %s\n", c->symbols->box_bottom);
    buf_deinit(&text);
}

// What of the request's body is text in the request itself: not forms and files.
static str request_text(const run_exchange *x)
{
    return json_str_or(json_get(json_get(x->request, "body"), "raw"), STR(""));
}

static str media_type(const run_exchange *x)
{
    for (size_t i = 0; i < x->header_count; i++)
        if (str_ieq(x->headers[i].name, STR("content-type")))
            return x->headers[i].value;
    return STR("no content type");
}

static void add_phase(cli *c, const char *name, uint64_t from_us, uint64_t to_us)
{
    if (to_us <= from_us)
        return;
    buf_addf(&c->out, "  %s ", name);
    report_ms(&c->out, (double)(to_us - from_us) / 1000, c->o.plain);
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void phases(cli *c, const fetch_timings *t)
{
    uint64_t connected = later(t->dns_us, t->connect_us);
    uint64_t secured = later(connected, t->tls_us);
    add_phase(c, "dns-lookup", 0, t->dns_us);
    add_phase(c, "tcp-handshake", t->dns_us, t->connect_us);
    add_phase(c, "ssl-handshake", connected, t->tls_us);
    add_phase(c, "transfer-start", secured, t->first_byte_us);
    add_phase(c, "download", t->first_byte_us, t->total_us);
    add_phase(c, "total", 0, t->total_us);
    buf_addc(&c->out, '\n');
}

void cli_verbose(cli *c, const run_exchange *x)
{
    const cli_symbols *s = c->symbols;
    const json *headers = json_get(x->request, "header");
    buf_addf(&c->out, "  %d ", x->status);
    buf_add_shown(&c->out, x->reason);
    buf_addf(&c->out, " %s ", s->star);
    report_ms(&c->out, report_time(x), c->o.plain);
    str request = request_text(x);
    buf_addf(&c->out, " time %s ", s->star);
    report_bytes(&c->out, request.len);
    buf_addf(&c->out, "%s ", s->up);
    report_bytes(&c->out, x->header_bytes + x->body_bytes);
    buf_addf(&c->out, "%s size %s %u%s %zu%s headers %s %zu cookies\n", s->down, s->star,
             headers ? headers->len : 0, s->up, x->header_count, s->down, s->star, x->cookie_count);
    if (request.len)
        body_box(c, s->up, "raw", request);
    buf type;
    buf_init(&type, TEXT_BYTES_MAX);
    buf_add_shown(&type, media_type(x));
    if (x->body.len)
        body_box(c, s->down, buf_cstr(&type), x->body);
    else
        buf_addf(&c->out, "  %s %s\n", s->down, buf_cstr(&type));
    buf_deinit(&type);
    phases(c, &x->timings);
}
