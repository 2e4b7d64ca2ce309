// SPDX-License-Identifier: Apache-2.0
// Which example answers a call: what it must have (method, path, and what the call's x-mock headers
// ask for), then which of those that have it comes nearest.
#include "mock/match.h"

// The path counts before the query, the query before the status.
enum {
    PATH_WORTH = 100000,
    QUERY_WORTH = 10, // times 0 to 1000
    // What a path loses of 100.
    LOSS_SLASH = 5,
    LOSS_CASE = 10,
    LOSS_WILDCARD = 20, // and one more for each further one
};

// How far an example came, to say what was missing.
typedef enum stage { SEEN_NOTHING, SEEN_METHOD, SEEN_PATH, SEEN_CHOSEN, SEEN_HEADERS } stage;

typedef struct finder finder;
struct finder {
    const mock_examples *x;
    const mock_ask *q;
    arena *a;
    str *segments;
    size_t segment_count;
    mock_params query;
    str want_id, want_name, want_code;
    stage seen;
};

// ---- path ---------------------------------------------------------------------------------------

typedef struct way way;
struct way {
    unsigned wildcards;
    bool slash, letter_case;
    mock_captures captures;
};

static void capture(way *w, str pattern, str name, size_t end, str segment)
{
    size_t before = end - name.len - 4, after = pattern.len - end;
    vec_push(&w->captures, ((mock_capture){name, str_sub(segment, before, segment.len - after)}));
}

// A pattern with templates: each stands for any text, a lone one for some.
static bool match_wildcard(arena *a, str pattern, str segment, way *w)
{
    buf glob;
    size_t from = 0, next = 0, count = 0, end = 0;
    str name, last = STR_NONE;
    buf_init(&glob, pattern.len + 1);
    for (; pm_template_next(pattern, &next, &name); from = next) {
        buf_adds(&glob, str_sub(pattern, from, next - name.len - 4));
        buf_addc(&glob, '*');
        last = name;
        end = next;
        count++;
    }
    buf_adds(&glob, str_skip(pattern, from));
    str whole = arena_str(a, buf_str(&glob));
    buf_deinit(&glob);
    if (!count || !segment.len || !str_glob(whole, segment))
        return false;
    w->wildcards++;
    if (count == 1)
        capture(w, pattern, last, end, segment);
    return true;
}

static bool match_segment(arena *a, str pattern, str segment, way *w)
{
    if (str_eq(pattern, segment))
        return true;
    if (str_ieq(pattern, segment))
        return w->letter_case = true;
    return str_find(pattern, STR("{{")) >= 0 && match_wildcard(a, pattern, segment, w);
}

// The count without an empty last segment: what a trailing slash leaves.
static size_t bare_count(const str *segments, size_t count)
{
    return count && !segments[count - 1].len ? count - 1 : count;
}

static bool match_path(arena *a, const mock_example *x, const str *asked, size_t count, way *w)
{
    size_t have = bare_count(x->segments, x->segment_count), want = bare_count(asked, count);
    if (have != want)
        return false;
    w->slash = count != x->segment_count;
    for (size_t i = 0; i < want; i++)
        if (!match_segment(a, x->segments[i], asked[i], w))
            return false;
    return true;
}

static bool starts_with_base(const mock_example *x, const finder *f)
{
    if (!x->base_count || f->segment_count <= x->base_count)
        return false;
    for (size_t i = 0; i < x->base_count; i++)
        if (!str_ieq(x->base[i], f->segments[i]))
            return false;
    return true;
}

static bool find_way(const finder *f, const mock_example *x, way *w)
{
    if (match_path(f->a, x, f->segments, f->segment_count, w))
        return true;
    vec_deinit(&w->captures);
    *w = (way){0};
    size_t skip = x->base_count;
    return starts_with_base(x, f) &&
           match_path(f->a, x, f->segments + skip, f->segment_count - skip, w);
}

static unsigned path_score(const way *w)
{
    unsigned loss = (w->slash ? LOSS_SLASH : 0) + (w->letter_case ? LOSS_CASE : 0);
    if (w->wildcards)
        loss += LOSS_WILDCARD + w->wildcards - 1;
    return loss < 100 ? 100 - loss : 0;
}

// ---- query --------------------------------------------------------------------------------------

static bool is_template(str text)
{
    size_t from = 0;
    str name;
    return pm_template_next(text, &from, &name) && from == text.len && name.len + 4 == text.len;
}

// The first parameter of that name which no other one of the example has taken.
static const mock_param *param_of(const finder *f, const mock_param *p, bool *taken)
{
    for (size_t i = 0; i < f->query.len; i++) {
        const mock_param *q = &f->query.ptr[i];
        if (taken[i] || !str_eq(q->key, p->key))
            continue;
        if (str_eq(q->value, p->value) || is_template(p->value)) {
            taken[i] = true;
            return q;
        }
    }
    return NULL;
}

// 0 to 1000: the share of parameters, of both sides, that agree.
static unsigned query_score(const finder *f, const mock_example *x, way *w)
{
    size_t common = 0;
    bool *taken = arena_array(f->a, f->query.len + 1, sizeof *taken);
    for (size_t i = 0; i < x->query_count; i++) {
        const mock_param *p = &x->query[i], *q = param_of(f, p, taken);
        if (!q)
            continue;
        common++;
        if (is_template(p->value))
            vec_push(&w->captures,
                     ((mock_capture){str_sub(p->value, 2, p->value.len - 2), q->value}));
    }
    size_t all = x->query_count + f->query.len - common;
    return all ? (unsigned)(1000 * common / all) : 1000;
}

// ---- what the call asks for
// -----------------------------------------------------------------------

static bool is_chosen(const finder *f, const mock_example *x)
{
    char text[STR_U64_MAX];
    return (!f->want_id.len || str_eq(f->want_id, x->id)) &&
           (!f->want_name.len || str_eq(f->want_name, x->name)) &&
           (!f->want_code.len || str_eq(f->want_code, str_u64((uint64_t)x->status, text)));
}

// The example's value of a request header, filled in.
static bool saved_header(const finder *f, const mock_example *x, str name, str *ret)
{
    JSON_EACH (x->headers, h) {
        if (!str_ieq(json_str_or(json_get(h, "key"), STR_NONE), name) ||
            json_bool_or(json_get(h, "disabled"), false))
            continue;
        buf b;
        buf_init(&b, PM_TEXT_BYTES_MAX);
        pm_resolve(f->x->scopes, json_str_or(json_get(h, "value"), STR_NONE), &b);
        *ret = str_trim(arena_str(f->a, buf_str(&b)));
        buf_deinit(&b);
        return true;
    }
    return false;
}

static bool headers_agree(const finder *f, const mock_example *x)
{
    str names = f->q->match_headers;
    for (str name, saved; str_next(&names, ',', &name);) {
        name = str_trim(name);
        if (!name.len)
            continue;
        if (!saved_header(f, x, name, &saved) ||
            !str_eq(saved, http_headers_get(f->q->headers, name)))
            return false;
    }
    return true;
}

// ---- choice -------------------------------------------------------------------------------------

static void reach(finder *f, stage s)
{
    if (f->seen < s)
        f->seen = s;
}

// Whether the example can answer; notes how far it came.
static bool qualifies(finder *f, const mock_example *x, way *w)
{
    if (!str_eq(x->method, f->q->method))
        return false;
    reach(f, SEEN_METHOD);
    if (!find_way(f, x, w))
        return false;
    reach(f, SEEN_PATH);
    if (!is_chosen(f, x))
        return false;
    reach(f, SEEN_CHOSEN);
    if (!headers_agree(f, x))
        return false;
    reach(f, SEEN_HEADERS);
    return !f->q->match_body || mock_body_eq(x->request_body, f->q, f->x->scopes, f->a);
}

static str what_was_missing(const finder *f)
{
    const mock_ask *q = f->q;
    switch (f->seen) {
    case SEEN_NOTHING:
        return arena_printf(f->a, "no request with method " STR_FMT " has an example",
                            STR_ARG(q->method));
    case SEEN_METHOD:
        return arena_printf(f->a, "no example of a " STR_FMT " request has the path " STR_FMT,
                            STR_ARG(q->method), STR_ARG(q->path));
    case SEEN_PATH:
        return STR("no example of this request is the one that x-mock-response-id, -name or -code "
                   "asks for");
    case SEEN_CHOSEN:
        return STR("no example of this request has the headers that are to match");
    case SEEN_HEADERS:
        break;
    }
    return STR("no example of this request has the body that was sent");
}

static void finder_init(finder *f)
{
    const http_headers *h = f->q->headers;
    f->want_id = http_headers_get(h, STR("x-mock-response-id"));
    f->want_name = http_headers_get(h, STR("x-mock-response-name"));
    f->want_code = http_headers_get(h, STR("x-mock-response-code"));
    f->segment_count = mock_path_split(f->a, f->q->path, &f->segments);
    mock_query_split(f->a, f->q->query, &f->query);
}

static void keep(mock_match *m, const mock_example *x, way *w)
{
    vec_deinit(&m->captures);
    m->example = x;
    m->captures = w->captures;
    w->captures = (mock_captures){0};
}

void mock_find(const mock_examples *x, const mock_ask *q, arena *a, mock_match *ret)
{
    finder f = {.x = x, .q = q, .a = a};
    unsigned best = 0;
    *ret = (mock_match){0};
    finder_init(&f);
    for (size_t i = 0; i < x->len; i++) {
        way w = {0};
        const mock_example *e = &x->ptr[i];
        if (qualifies(&f, e, &w)) {
            unsigned score = 1 + path_score(&w) * PATH_WORTH +
                             query_score(&f, e, &w) * QUERY_WORTH + (e->status < 300 ? 1 : 0);
            if (score > best) {
                best = score;
                keep(ret, e, &w);
            }
        }
        vec_deinit(&w.captures);
    }
    if (!ret->example)
        ret->why = what_was_missing(&f);
    vec_deinit(&f.query);
}
