// SPDX-License-Identifier: Apache-2.0
// One turn of a request: what went out, what came back, whose identity it carried, what was
// checked.
#include "data/data.h"
#include "report/html.h"

enum { PRETTY_BYTES_MAX = 256 << 10 };

// ---- text

// Marks and overrides that turn the direction of text: a name could show as another.
static bool turns_direction(uint32_t cp)
{
    return (cp >= 0x202a && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069) || cp == 0x200e ||
           cp == 0x200f || cp == 0x061c;
}

static bool is_control(uint32_t cp)
{
    return (cp < 0x20 && cp != '\n' && cp != '\t') || (cp >= 0x7f && cp < 0xa0);
}

void html_text(buf *out, str text)
{
    while (text.len) {
        uint32_t cp = 0;
        size_t len = utf8_decode(text, &cp);
        const char *name = len ? markup_entity(cp) : "\xef\xbf\xbd";
        if (name)
            buf_addz(out, name);
        else if (is_control(cp) || turns_direction(cp))
            buf_addf(out, "\\u%04x", cp);
        else
            buf_add(out, text.ptr, len);
        text = str_skip(text, len ? len : 1);
    }
}

// ---- bodies

static str pretty(arena *a, str body)
{
    json *v;
    buf b;
    str start = str_trim(body);
    bool may_be = start.len && (start.ptr[0] == '{' || start.ptr[0] == '[');
    if (!may_be || body.len > HTML_BODY_BYTES || json_parse(a, body, NULL, &v, NULL) != OK)
        return body;
    buf_init(&b, PRETTY_BYTES_MAX);
    json_write(&b, v, JSON_PRETTY);
    str text = buf_ok(&b) ? arena_str(a, buf_str(&b)) : body;
    buf_deinit(&b);
    return text;
}

// Cut where a character begins.
static str clipped(str text)
{
    size_t len = text.len < HTML_BODY_BYTES ? text.len : HTML_BODY_BYTES;
    while (len < text.len && len && ((unsigned char)text.ptr[len] & 0xc0) == 0x80)
        len--;
    return str_sub(text, 0, len);
}

// Bytes that aren't text are told of; JSON is set in lines; long ones are cut.
static void html_body(buf *out, str body, str media_type)
{
    arena a;
    if (!body.len)
        return;
    arena_init(&a);
    str text = pretty(&a, body);
    str shown = clipped(text);
    if (!utf8_valid(shown)) {
        buf_addz(out, "<p class=\"note\">");
        report_bytes(out, body.len);
        buf_addz(out, " that aren't text");
        if (media_type.len)
            buf_addz(out, ": ");
        html_text(out, media_type);
        buf_addz(out, "</p>\n");
    } else {
        buf_addz(out, "<pre tabindex=\"0\">");
        html_text(out, shown);
        buf_addz(out, "</pre>\n");
    }
    if (shown.len < text.len) {
        buf_addz(out, "<p class=\"note\">The first ");
        report_bytes(out, shown.len);
        buf_addz(out, " of ");
        report_bytes(out, text.len);
        buf_addz(out, "</p>\n");
    }
    arena_deinit(&a);
}

// ---- headers

static void header_row(buf *out, str name, str value)
{
    buf_addz(out, "<tr><th scope=\"row\">");
    html_text(out, name);
    buf_addz(out, "</th><td class=\"mono\">");
    html_text(out, value);
    buf_addz(out, "</td></tr>\n");
}

static void begin_headers(buf *out, size_t count)
{
    buf_addf(out,
             "<details class=\"fold\"><summary>%zu header%s</summary>"
             "<table class=\"headers\"><tbody>\n",
             count, count == 1 ? "" : "s");
}

static void end_headers(buf *out)
{
    buf_addz(out, "</tbody></table></details>\n");
}

static void request_headers(buf *out, const json *list)
{
    if (!list || !list->len)
        return;
    begin_headers(out, list->len);
    JSON_EACH (list, h)
        header_row(out, json_str_or(json_get(h, "key"), STR_NONE),
                   json_str_or(json_get(h, "value"), STR_NONE));
    end_headers(out);
}

static void response_headers(buf *out, const run_exchange *x)
{
    if (!x->header_count)
        return;
    begin_headers(out, x->header_count);
    for (size_t i = 0; i < x->header_count; i++)
        header_row(out, x->headers[i].name, x->headers[i].value);
    end_headers(out);
}

// ---- the request's body, by its mode

static void form_rows(buf *out, const json *list)
{
    buf_addz(out, "<table class=\"headers\"><tbody>\n");
    JSON_EACH (list, p) {
        const json *src = json_get(p, "src");
        str value = json_str_or(json_get(p, "value"), STR_NONE);
        if (json_bool_or(json_get(p, "disabled"), false))
            continue;
        header_row(out, json_str_or(json_get(p, "key"), STR_NONE),
                   src ? json_str_or(src, STR("(files)")) : value);
    }
    buf_addz(out, "</tbody></table>\n");
}

static void request_body(buf *out, const json *body)
{
    str mode = json_str_or(json_get(body, "mode"), STR_NONE);
    const json *content = json_gets(body, mode);
    if (!content)
        return;
    if (content->type == JSON_STRING) {
        html_body(out, content->text, STR_NONE);
    } else if (content->type == JSON_ARRAY) {
        form_rows(out, content);
    } else {
        char *text = json_text(content, JSON_COMPACT);
        html_body(out, str_from(text), STR_NONE);
        free(text);
    }
}

// ---- identity

static void flow_step_item(buf *out, const char *what, str value)
{
    buf_addf(out, "<li><b>%s</b>", what);
    html_text(out, value);
    buf_addz(out, "</li>\n");
}

static str first_line(str text)
{
    str line = STR_NONE;
    (void)str_next(&text, '\n', &line);
    return line;
}

static void identity(buf *out, const run_exchange *x)
{
    const run_identity *id = &x->identity;
    if (id->age_s < 0 && !id->report.len)
        return;
    buf_addz(out, "<h3>Identity</h3>\n");
    if (id->age_s >= 0) {
        arena a;
        arena_init(&a);
        buf_addz(out, "<ol class=\"flow\">\n");
        flow_step_item(out, "Principal", id->principal);
        flow_step_item(out, "Credential", id->via);
        flow_step_item(out, "Token for", id->audience.len ? id->audience : STR("its own client"));
        flow_step_item(out, "Age", arena_printf(&a, "%lld s", (long long)id->age_s));
        if (x->has_response)
            flow_step_item(out, id->local ? "gatepost up" : "Cloud Run",
                           arena_printf(&a, "%d " STR_FMT, x->status, STR_ARG(x->reason)));
        buf_addz(out, "</ol>\n");
        arena_deinit(&a);
    } else {
        buf_addz(out, "<p class=\"soft\">");
        html_text(out, first_line(id->report));
        buf_addz(out, "</p>\n");
    }
    const str notes[] = {id->warning, x->trace, x->explain};
    for (size_t i = 0; i < ARRAY_LEN(notes); i++) {
        if (!notes[i].len)
            continue;
        buf_addz(out, "<p class=\"hint\">");
        html_text(out, notes[i]);
        buf_addz(out, "</p>\n");
    }
}

// ---- the exchange

static void phases(buf *out, const fetch_timings *t)
{
    uint64_t ready = t->tls_us > t->connect_us ? t->tls_us : t->connect_us;
    const struct {
        const char *name, *class;
        uint64_t from, to;
    } parts[] = {{"connect", "a", 0, ready},
                 {"wait", "b", ready, t->first_byte_us},
                 {"download", "c", t->first_byte_us, t->total_us}};
    if (!t->total_us)
        return;
    buf_addz(out, "<svg class=\"phases\" viewBox=\"0 0 1000 6\" preserveAspectRatio=\"none\" "
                  "aria-hidden=\"true\">");
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (parts[i].to > parts[i].from)
            buf_addf(out, "<rect class=\"%s\" x=\"%.1f\" width=\"%.1f\" height=\"6\"/>",
                     parts[i].class, 1000.0 * (double)parts[i].from / (double)t->total_us,
                     1000.0 * (double)(parts[i].to - parts[i].from) / (double)t->total_us);
    buf_addz(out, "</svg><p class=\"note\">");
    const char *between = "";
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (parts[i].to <= parts[i].from)
            continue;
        buf_addf(out, "%s%s ", between, parts[i].name);
        report_ms(out, (double)(parts[i].to - parts[i].from) / 1000, false);
        between = " · ";
    }
    buf_addz(out, "</p>\n");
}

static str media_type(const run_exchange *x)
{
    for (size_t i = 0; i < x->header_count; i++)
        if (str_ieq(x->headers[i].name, STR("content-type")))
            return x->headers[i].value;
    return STR_NONE;
}

static void response(buf *out, const run_exchange *x)
{
    buf_addf(out, "<h3>Response</h3>\n<p class=\"url\"><b class=\"%s\">%d</b> ",
             x->status < 400 ? "good" : "bad", x->status);
    html_text(out, x->reason);
    buf_addz(out, " <span class=\"soft\">");
    report_ms(out, report_time(x), false);
    buf_addz(out, ", ");
    report_bytes(out, x->header_bytes + x->body_bytes);
    if (x->redirects)
        buf_addf(out, ", after %u redirect%s", x->redirects, x->redirects == 1 ? "" : "s");
    buf_addz(out, "</span></p>\n");
    phases(out, &x->timings);
    response_headers(out, x);
    html_body(out, x->body, media_type(x));
}

void html_error(buf *out, const run_failure *f)
{
    buf_addz(out, "<pre tabindex=\"0\" class=\"bad\">");
    html_text(out, f->stack.len && !f->test.len ? f->stack : f->message);
    buf_addz(out, "</pre>\n");
    if (f->hint.len) {
        buf_addz(out, "<p class=\"hint\">");
        html_text(out, f->hint);
        buf_addz(out, "</p>\n");
    }
}

void html_exchange(buf *out, const run_event *ev)
{
    const run_exchange *x = ev->exchange;
    buf_addf(out, "<h3>Request%s</h3>\n<p class=\"url\"><b>",
             x->by_script ? "<small>by pm.sendRequest</small>" : "");
    html_text(out, x->method);
    buf_addz(out, "</b> ");
    html_text(out, x->url);
    buf_addz(out, "</p>\n");
    request_headers(out, json_get(x->request, "header"));
    request_body(out, json_get(x->request, "body"));
    identity(out, x);
    if (x->has_response)
        response(out, x);
    if (ev->failure)
        html_error(out, ev->failure);
}

// ---- what scripts say

void html_assertion(buf *out, const run_event *ev)
{
    bool skipped = ev->assertion->skipped;
    const char *class = ev->failure ? "bad" : skipped ? "skip" : "good";
    const char *mark = ev->failure ? "✕" : skipped ? "–" : "✓";
    const char *word = ev->failure ? "failed" : skipped ? "skipped" : "passed";
    buf_addf(out, "<li><span class=\"%s\" role=\"img\" aria-label=\"%s\">%s</span><div>", class,
             word, mark);
    html_text(out, ev->assertion->name);
    if (ev->failure) {
        buf_addz(out, "<p class=\"bad\">");
        html_text(out, ev->failure->message);
        buf_addz(out, "</p>");
    }
    buf_addz(out, "</div></li>\n");
}

void html_console(buf *out, const run_event *ev)
{
    for (size_t i = 0; i < ev->message_count; i++) {
        if (i)
            buf_addc(out, ' ');
        html_text(out, clipped(ev->messages[i]));
    }
    buf_addc(out, '\n');
}
