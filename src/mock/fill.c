// SPDX-License-Identifier: Apache-2.0
// The text of an answer: its templates, filled in from the call and from variables.
#include "mock/match.h"

typedef struct filler filler;
struct filler {
    const mock_answer *answer;
    const mock_ask *q;
    arena *a;
    mock_kind kind;
    json *body; // parsed when first asked for
    bool body_read;
    buf *out;
};

// ---- escaping -----------------------------------------------------------------------------------

// In JSON the text is put in as what stands between quotes: they are the example's own.
static void add_value(const filler *f, str text)
{
    if (f->kind == MOCK_JSON) {
        size_t at = f->out->len;
        buf_add_json(f->out, text);
        if (!buf_ok(f->out))
            return;
        memmove(f->out->ptr + at, f->out->ptr + at + 1, f->out->len - at - 2);
        buf_truncate(f->out, f->out->len - 2);
    } else if (f->kind == MOCK_MARKUP) {
        markup_escape(f->out, text);
    } else {
        buf_adds(f->out, text);
    }
}

// ---- what a call carries ------------------------------------------------------------------------

// Takes the next argument in quotes; false when there is none.
static bool next_argument(str *rest, str *ret)
{
    *rest = str_trim(*rest);
    if (!rest->len || (rest->ptr[0] != '\'' && rest->ptr[0] != '"'))
        return false;
    ssize_t end = str_chr(str_skip(*rest, 1), rest->ptr[0]);
    if (end < 0)
        return false;
    *ret = str_sub(*rest, 1, (size_t)end + 1);
    *rest = str_skip(*rest, (size_t)end + 2);
    return true;
}

// "a.b[0].c", also with "a.b.0.c".
static const json *json_way(const json *v, str path)
{
    while (v && path.len) {
        size_t end = 0;
        if (path.ptr[0] == '.' || path.ptr[0] == '[' || path.ptr[0] == ']') {
            path = str_skip(path, 1);
            continue;
        }
        while (end < path.len && path.ptr[end] != '.' && path.ptr[end] != '[' &&
               path.ptr[end] != ']')
            end++;
        str name = str_sub(path, 0, end);
        uint64_t index;
        if (json_is(v, JSON_ARRAY))
            v = str_to_u64(name, &index) ? json_at(v, index) : NULL;
        else
            v = json_gets(v, name);
        path = str_skip(path, end);
    }
    return v;
}

static bool form_field(const filler *f, str name, str *ret)
{
    mock_params fields = {0};
    bool found = false;
    mock_query_split(f->a, f->q->body, &fields);
    VEC_FOREACH (&fields, p)
        if (!found && str_eq(p->key, name)) {
            *ret = p->value;
            found = true;
        }
    vec_deinit(&fields);
    return found;
}

// A member of a JSON body or a field of a form; without a name the whole body.
static bool body_value(filler *f, str name, bool named, str *ret, bool *ret_raw)
{
    if (!f->body_read) {
        f->body_read = true;
        if (json_parse(f->a, f->q->body, NULL, &f->body, NULL))
            f->body = NULL;
    }
    if (!f->body) {
        *ret = f->q->body;
        return named ? form_field(f, name, ret) : f->q->body.len > 0;
    }
    const json *v = named ? json_way(f->body, name) : f->body;
    if (!v)
        return false;
    *ret_raw = !json_is(v, JSON_STRING);
    if (*ret_raw) {
        char *text = json_text(v, JSON_COMPACT);
        *ret = arena_str(f->a, str_from(text));
        free(text);
    } else {
        *ret = v->text;
    }
    return true;
}

static bool query_value(const filler *f, str name, str *ret)
{
    mock_params query = {0};
    bool found = false;
    mock_query_split(f->a, f->q->query, &query);
    VEC_FOREACH (&query, p)
        if (!found && str_eq(p->key, name)) {
            *ret = p->value;
            found = true;
        }
    vec_deinit(&query);
    return found;
}

static bool segment_value(const filler *f, str name, str *ret)
{
    uint64_t index;
    str *segments;
    size_t count = mock_path_split(f->a, f->q->path, &segments);
    if (!str_to_u64(name, &index) || index >= count)
        return false;
    *ret = segments[index];
    return true;
}

// {{$body …}} and its kind; false when the template is none of them.
static bool add_helper(filler *f, str template)
{
    str head, rest, name = STR_NONE, fallback = STR_NONE, value = STR_NONE;
    str_cut(template, ' ', &head, &rest);
    bool named = next_argument(&rest, &name), raw = false, found;
    next_argument(&rest, &fallback);
    if (str_eq(head, STR("$body")))
        found = body_value(f, name, named, &value, &raw);
    else if (str_eq(head, STR("$queryParams")))
        found = query_value(f, name, &value);
    else if (str_eq(head, STR("$pathSegments")))
        found = segment_value(f, name, &value);
    else if (str_eq(head, STR("$headers"))) {
        found = http_headers_has(f->q->headers, name);
        value = http_headers_get(f->q->headers, name);
    } else
        return false;
    if (found && raw && f->kind == MOCK_JSON)
        buf_adds(f->out, value);
    else
        add_value(f, found ? value : fallback);
    return true;
}

static bool add_capture(const filler *f, str name)
{
    VEC_FOREACH (&f->answer->match.captures, c)
        if (str_eq(c->name, name)) {
            add_value(f, c->value);
            return true;
        }
    return false;
}

// ---- all of them --------------------------------------------------------------------------------

// One pass: what was put in is text, and no template in it is heeded.
void mock_fill(const mock_answer *answer, mock_kind kind, str text, buf *out)
{
    filler f = {.answer = answer, .q = &answer->ask, .a = answer->mem, .kind = kind, .out = out};
    size_t from = 0, next = 0;
    for (str name; pm_template_next(text, &next, &name); from = next) {
        str template = str_sub(text, next - name.len - 4, next);
        buf_adds(out, str_sub(text, from, next - template.len));
        if (!add_capture(&f, name) && !add_helper(&f, name))
            pm_resolve(answer->scopes, template, out);
    }
    buf_adds(out, str_skip(text, from));
}
