// SPDX-License-Identifier: Apache-2.0
// libyaml's events into the tree. Tags other than the core schema's, merge keys and keys that
// aren't scalars are refused here; aliases are expanded by copying, within the limits.
#include <string.h>
#include <yaml.h>

#include "data/data_file.h"
#include "data/data_yaml.h"
#include "data/tree.h"

typedef struct reader {
    arena *a;
    json_opts opts;
    str text;
    yaml_parser_t parser;
    yaml_event_t event; // the current one
    bool has_event;
    map anchors; // name → json *, complete ones only
    uint32_t depth;
    uint32_t values;
    err *e;
} reader;

static code fail_at(reader *r, yaml_mark_t mark, code c, const char *fmt, ...) ATTR_PRINTF(4, 5);
static code fail_at(reader *r, yaml_mark_t mark, code c, const char *fmt, ...)
{
    char what[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    err_set(r->e, c, "%s", what);
    if (r->e)
        err_at(r->e, r->opts.file, (uint32_t)mark.line + 1, (uint32_t)mark.column + 1);
    return c;
}
#define fail_here(r, ...) fail_at((r), (r)->event.start_mark, __VA_ARGS__)

static code hint(reader *r, code c, const char *text)
{
    if (r->e)
        err_hint(r->e, "%s", text);
    return c;
}

static code unreadable(reader *r, size_t offset, const char *problem)
{
    yaml_mark_t mark = {0};
    for (size_t i = 0; i < offset && i < r->text.len; i++) {
        bool starts = (r->text.ptr[i] & 0xC0) != 0x80;
        mark.column = r->text.ptr[i] == '\n' ? 0 : mark.column + starts;
        mark.line += r->text.ptr[i] == '\n';
    }
    return hint(r, fail_at(r, mark, DATA_SYNTAX, "%s", problem), "save the file as UTF-8 text");
}

static code syntax_err(reader *r)
{
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem ? p->problem : "malformed";
    yaml_mark_t mark = p->problem_mark;
    if (p->error == YAML_READER_ERROR) // tells the byte alone
        return unreadable(r, p->problem_offset, problem);
    code c = p->context ? fail_at(r, mark, DATA_SYNTAX, "%s (%s)", problem, p->context)
                        : fail_at(r, mark, DATA_SYNTAX, "%s", problem);
    if (strstr(problem, "cannot start any token") || strstr(problem, "tab character"))
        return hint(r, c, "indent with spaces, and put text that starts with @, ` or % in quotes");
    if (strstr(problem, "mapping values are not allowed"))
        return hint(r, c, "put a value that contains ': ' in quotes");
    return hint(r, c,
                "look for a quote or bracket that isn't closed, and at how the lines are indented");
}

static code next(reader *r)
{
    if (r->has_event)
        yaml_event_delete(&r->event);
    r->has_event = yaml_parser_parse(&r->parser, &r->event);
    return r->has_event ? OK : syntax_err(r);
}

// ---- Scalars

static bool skip_digits(const char **p, const char *end)
{
    const char *start = *p;
    while (*p < end && ascii_is_digit(**p))
        (*p)++;
    return *p > start;
}

static bool skip_one(const char **p, const char *end, char one, char or_other)
{
    bool there = *p < end && (**p == one || **p == or_other);
    *p += there;
    return there;
}

// JSON's numbers, and no others: `0x1F`, `.5` and `1_000` are text.
static bool is_number(str s)
{
    const char *p = s.ptr, *end = s.ptr + s.len;
    skip_one(&p, end, '-', '-');
    const char *digits = p;
    if (!skip_digits(&p, end) || (*digits == '0' && p > digits + 1))
        return false;
    if (skip_one(&p, end, '.', '.') && !skip_digits(&p, end))
        return false;
    if (skip_one(&p, end, 'e', 'E')) {
        skip_one(&p, end, '+', '-');
        if (!skip_digits(&p, end))
            return false;
    }
    return p == end;
}

static bool is_one_of(str s, const char *lower, const char *title, const char *upper)
{
    return str_eq(s, str_from(lower)) || str_eq(s, str_from(title)) || str_eq(s, str_from(upper));
}

static void resolve_plain(json *v, str text)
{
    if (text.len == 0 || str_eq(text, STR("~")) || is_one_of(text, "null", "Null", "NULL")) {
        v->type = JSON_NULL;
    } else if (is_one_of(text, "true", "True", "TRUE")) {
        v->type = JSON_BOOL;
        v->boolean = true;
    } else if (is_one_of(text, "false", "False", "FALSE")) {
        v->type = JSON_BOOL;
    } else {
        v->type = is_number(text) ? JSON_NUMBER : JSON_STRING;
        v->text = text;
    }
}

static code tag_err(reader *r, const char *tag)
{
    code c = fail_here(r, DATA_SYNTAX, "the tag '%s' has no meaning here", tag);
    return hint(r, c, "remove it");
}

// The text of the current scalar event, and whether it may mean something else than text.
static code scalar_text(reader *r, str *ret_text, bool *ret_plain)
{
    const char *tag = (const char *)r->event.data.scalar.tag;
    bool is_str = tag && (strcmp(tag, YAML_STR_TAG) == 0 || strcmp(tag, "!") == 0);
    str text = {(const char *)r->event.data.scalar.value, r->event.data.scalar.length};
    if (tag && !is_str)
        return tag_err(r, tag);
    if (str_chr(text, 0) >= 0)
        return fail_here(r, DATA_SYNTAX, "\\0 is not allowed in a string");
    *ret_text = arena_str(r->a, text);
    *ret_plain = r->event.data.scalar.plain_implicit && !is_str;
    return OK;
}

static code read_scalar(reader *r, json *v)
{
    str text;
    bool plain;
    code c = scalar_text(r, &text, &plain);
    if (c != OK)
        return c;
    if (plain) {
        resolve_plain(v, text);
    } else {
        v->type = JSON_STRING;
        v->text = text;
    }
    return OK;
}

// ---- Containers and aliases

static code read_node(reader *r, json **ret_v);

static code count_value(reader *r)
{
    if (++r->values > r->opts.values_max)
        return fail_here(r, DATA_LIMIT, "more than %u values, aliases expanded",
                         r->opts.values_max);
    return OK;
}

static code count_copy(reader *r, const json *v, uint32_t depth)
{
    code c = count_value(r);
    if (c == OK && depth > r->opts.depth_max)
        c = fail_here(r, DATA_LIMIT, "nested deeper than %u levels, aliases expanded",
                      r->opts.depth_max);
    for (const json *m = json_first(v); c == OK && m; m = m->next)
        c = count_copy(r, m, depth + 1);
    return c;
}

// What an error names in an expanded alias is the place where it was written.
static void keep_places(json *copy, const json *v)
{
    copy->file = v->file;
    copy->line = v->line;
    copy->col = v->col;
    copy->key_line = v->key_line;
    copy->key_col = v->key_col;
    json *to = json_first(copy);
    for (const json *m = json_first(v); m; m = m->next, to = to->next)
        keep_places(to, m);
}

static code read_alias(reader *r, json **ret_v)
{
    str name = str_from((const char *)r->event.data.alias.anchor);
    const json *target = map_get(&r->anchors, name);
    if (!target)
        return hint(r,
                    fail_here(r, DATA_SYNTAX, "there is no anchor '&" STR_FMT "' before this alias",
                              STR_ARG(name)),
                    "an alias repeats a value that was given a name above; put a text that begins "
                    "with * in quotes");
    code c = count_copy(r, target, r->depth);
    if (c != OK)
        return c;
    *ret_v = json_copy(r->a, target);
    keep_places(*ret_v, target);
    return OK;
}

static code read_sequence(reader *r, json *v)
{
    v->type = JSON_ARRAY;
    for (;;) {
        code c = next(r);
        if (c != OK || r->event.type == YAML_SEQUENCE_END_EVENT)
            return c;
        json *member = NULL;
        c = read_node(r, &member);
        if (c != OK)
            return c;
        tree_append(v, STR_NONE, member, r->a);
    }
}

static code read_key(reader *r, const json *obj, str *ret_key)
{
    if (r->event.type != YAML_SCALAR_EVENT)
        return fail_here(r, DATA_SYNTAX, "a key must be plain text");
    bool plain;
    code c = scalar_text(r, ret_key, &plain);
    if (c != OK)
        return c;
    if (plain && str_eq(*ret_key, STR("<<")))
        return hint(r, fail_here(r, DATA_SYNTAX, "merge keys (<<) are not supported"),
                    "write the members out");
    if (tree_find(obj, *ret_key))
        return hint(
            r,
            fail_here(r, DATA_DUPLICATE, "the key '" STR_FMT "' appears twice", STR_ARG(*ret_key)),
            "keep one of the two");
    return OK;
}

static code read_mapping(reader *r, json *v)
{
    v->type = JSON_OBJECT;
    for (;;) {
        str key;
        json *member = NULL;
        code c = next(r);
        if (c != OK || r->event.type == YAML_MAPPING_END_EVENT)
            return c;
        yaml_mark_t mark = r->event.start_mark;
        c = read_key(r, v, &key);
        if (c == OK)
            c = next(r);
        if (c == OK)
            c = read_node(r, &member);
        if (c != OK)
            return c;
        member->key_line = (uint32_t)mark.line + 1;
        member->key_col = (uint32_t)mark.column + 1;
        tree_append(v, key, member, r->a);
    }
}

static code read_container(reader *r, json *v)
{
    bool is_map = r->event.type == YAML_MAPPING_START_EVENT;
    const char *tag = is_map ? (const char *)r->event.data.mapping_start.tag
                             : (const char *)r->event.data.sequence_start.tag;
    if (tag && strcmp(tag, is_map ? YAML_MAP_TAG : YAML_SEQ_TAG) != 0)
        return tag_err(r, tag);
    if (++r->depth > r->opts.depth_max)
        return fail_here(r, DATA_LIMIT, "nested deeper than %u levels", r->opts.depth_max);
    code c = is_map ? read_mapping(r, v) : read_sequence(r, v);
    r->depth--;
    return c;
}

static const char *anchor_of(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return (const char *)event->data.scalar.anchor;
    case YAML_SEQUENCE_START_EVENT:
        return (const char *)event->data.sequence_start.anchor;
    case YAML_MAPPING_START_EVENT:
        return (const char *)event->data.mapping_start.anchor;
    default:
        return NULL;
    }
}

// The node that the current event starts; afterwards the current event is its last.
static code read_node(reader *r, json **ret_v)
{
    if (r->event.type == YAML_ALIAS_EVENT)
        return read_alias(r, ret_v);
    code c = count_value(r);
    if (c != OK)
        return c;
    json *v = *ret_v = json_new(r->a, JSON_NULL);
    v->file = r->opts.file;
    v->line = (uint32_t)r->event.start_mark.line + 1;
    v->col = (uint32_t)r->event.start_mark.column + 1;
    const char *anchor = anchor_of(&r->event);
    str name = anchor ? arena_str(r->a, str_from(anchor)) : STR_NONE;
    c = r->event.type == YAML_SCALAR_EVENT ? read_scalar(r, v) : read_container(r, v);
    // Known only now that it is complete: an alias inside itself has no anchor.
    if (c == OK && anchor)
        map_set(&r->anchors, name, v);
    return c;
}

static code read_documents(reader *r, json *docs)
{
    for (;;) {
        code c = next(r);
        if (c != OK || r->event.type == YAML_STREAM_END_EVENT)
            return c;
        if (r->event.type != YAML_DOCUMENT_START_EVENT)
            continue; // stream start, document end
        json *root = NULL;
        map_deinit(&r->anchors, NULL); // anchors end with their document
        c = next(r);
        if (c == OK)
            c = read_node(r, &root);
        if (c != OK)
            return c;
        if (root->type != JSON_NULL)
            tree_append(docs, STR_NONE, root, r->a);
    }
}

static json_opts filled(const json_opts *opts)
{
    json_opts o = opts ? *opts : (json_opts){0};
    o.bytes_max = o.bytes_max ? o.bytes_max : YAML_BYTES_MAX;
    o.depth_max = o.depth_max ? o.depth_max : YAML_DEPTH_MAX;
    o.values_max = o.values_max ? o.values_max : YAML_VALUES_MAX;
    return o;
}

code yaml_parse_all(arena *a, str text, const json_opts *opts, json **ret_docs, err *e)
{
    reader r = {.a = a, .opts = filled(opts), .text = text, .e = e};
    if (text.len > r.opts.bytes_max) {
        err_set(e, DATA_LIMIT, "the text is larger than %zu bytes", r.opts.bytes_max);
        if (e)
            err_at(e, r.opts.file, 0, 0);
        return DATA_LIMIT;
    }
    if (!yaml_parser_initialize(&r.parser))
        return err_set(e, SYS_FAILED, "the YAML parser can't start");
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)(text.ptr ? text.ptr : ""),
                                 text.len);
    json *docs = json_new(a, JSON_ARRAY);
    code c = read_documents(&r, docs);
    if (r.has_event)
        yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    map_deinit(&r.anchors, NULL);
    // Each document is a root of its own for what paths say.
    for (json *d = docs->first; d; d = d->next)
        d->parent = NULL;
    if (c == OK)
        *ret_docs = docs;
    return c;
}

code yaml_parse(arena *a, str text, const json_opts *opts, json **ret_root, err *e)
{
    json *docs = NULL;
    code c = yaml_parse_all(a, text, opts, &docs, e);
    if (c != OK)
        return c;
    if (docs->len > 1) {
        (void)json_err(docs->first->next, e, DATA_SYNTAX, "a second document is not expected");
        return err_hint(e, "a line '---' starts another document: remove one of them");
    }
    *ret_root = docs->first ? docs->first : json_new(a, JSON_NULL);
    if (!docs->first && opts) {
        (*ret_root)->file = opts->file;
        (*ret_root)->line = (*ret_root)->col = 1;
    }
    return OK;
}

code yaml_load(arena *a, const char *path, const json_opts *opts, json **ret_root, err *e)
{
    json_opts o = filled(opts);
    str text;
    o.file = arena_cstr(a, str_from(path));
    code c = file_read(a, path, o.bytes_max, &text, e);
    return c == OK ? yaml_parse(a, text, &o, ret_root, e) : c;
}
