// SPDX-License-Identifier: Apache-2.0
// form-data (RFC 7578). Files are sent from their descriptors, never read into memory.
#include "postman/build.h"
#include "postman/mime.h"

typedef struct form form;
struct form {
    builder *b;
    char boundary[64];
};

static str base_name(str path)
{
    ssize_t slash = str_rchr(path, '/');
    return str_skip(path, (size_t)(slash + 1));
}

// A quote or a line end in a name would break out of the header: escaped as browsers do (WHATWG
// HTML, multipart/form-data).
static void add_quoted(buf *out, str text)
{
    buf_addc(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        char ch = text.ptr[i];
        if (ch == '"' || ch == '\r' || ch == '\n')
            buf_addf(out, "%%%02X", (unsigned)ch);
        else
            buf_addc(out, ch);
    }
    buf_addc(out, '"');
}

static bool is_ascii(str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] >= 0x80)
            return false;
    return true;
}

// `file_name` with a NULL ptr: a text part.
static void add_head(form *f, const json *param, str file_name)
{
    str type = json_str_or(json_get(param, "contentType"), STR_NONE);
    buf head;
    buf_init(&head, PM_TEXT_BYTES_MAX);
    buf_addf(&head, "--%s\r\nContent-Disposition: form-data; name=", f->boundary);
    add_quoted(&head, json_str_or(json_get(param, "key"), STR_NONE));
    if (file_name.ptr) {
        buf_addz(&head, "; filename=");
        add_quoted(&head, base_name(file_name));
        if (!is_ascii(file_name)) {
            buf_addz(&head, "; filename*=UTF-8''");
            percent_encode(&head, base_name(file_name));
        }
        const char *known = mime_of(file_name);
        if (!type.len && file_name.len)
            type = str_from(known ? known : "application/octet-stream");
    }
    if (type.len && str_chr(type, '\r') < 0 && str_chr(type, '\n') < 0)
        buf_addf(&head, "\r\nContent-Type: " STR_FMT, STR_ARG(type));
    buf_addz(&head, "\r\n\r\n");
    build_taken(f->b, &head);
}

static void add_text(form *f, const json *param)
{
    const json *value = json_get(param, "value"), *name = json_get(param, "fileName");
    add_head(f, param, json_is(name, JSON_STRING) ? name->text : STR_NONE);
    if (json_is(value, JSON_STRING)) {
        build_bytes(f->b, value->text);
    } else if (value && !json_is(value, JSON_NULL)) {
        char *text = json_text(value, JSON_COMPACT);
        build_bytes(f->b, str_from(text));
        free(text);
    }
    build_bytes(f->b, STR("\r\n"));
}

static void add_file(form *f, const json *param, str path)
{
    const json *name = json_get(param, "fileName");
    int fd = -1;
    uint64_t bytes = 0;
    err e = ERR_INIT;
    if (!f->b->options->folder) {
        builder_warn(f->b, "uploading files from scripts is not allowed");
        return;
    }
    if (pm_folder_open(f->b->options->folder, path, &fd, &bytes, &e) != OK) {
        builder_warn(f->b, "Form param `" STR_FMT "`, file load error: %s",
                     STR_ARG(json_str_or(json_get(param, "key"), STR_NONE)), e.msg);
        return;
    }
    add_head(f, param, json_is(name, JSON_STRING) ? name->text : path);
    build_file(f->b, fd, bytes);
    build_bytes(f->b, STR("\r\n"));
}

// A file without a source: its content in base64, or nothing at all.
static void add_inline_file(form *f, const json *param)
{
    str value = json_str_or(json_get(param, "value"), STR_NONE);
    str name = json_str_or(json_get(param, "fileName"), STR(""));
    buf content;
    buf_init(&content, PM_TEXT_BYTES_MAX);
    if (!value.len)
        builder_warn(f->b, "Form param `" STR_FMT "`, file load error: missing file source",
                     STR_ARG(json_str_or(json_get(param, "key"), STR_NONE)));
    else if (!base64_decode(&content, value))
        buf_reset(&content);
    add_head(f, param, name);
    build_taken(f->b, &content);
    build_bytes(f->b, STR("\r\n"));
}

static void add_part(form *f, const json *param)
{
    const json *src = json_get(param, "src");
    if (json_bool_or(json_get(param, "disabled"), false))
        return;
    if (!json_is_str(json_get(param, "type"), "file")) {
        add_text(f, param);
    } else if (json_is(src, JSON_ARRAY) && src->len) {
        JSON_EACH (src, path) {
            add_file(f, param, json_str_or(path, STR_NONE));
        }
    } else if (json_is(src, JSON_STRING) && src->text.len) {
        add_file(f, param, src->text);
    } else {
        add_inline_file(f, param);
    }
}

// The boundary that the user's own Content-Type names, when it is one of form-data.
static str users_boundary(const builder *b)
{
    const pm_header *type = pm_call_header(b->call, STR("Content-Type"));
    if (!type || !str_istarts(type->value, STR("multipart/form-data;")))
        return STR_NONE;
    ssize_t at = str_ifind(type->value, STR("boundary="));
    if (at < 0)
        return STR_NONE;
    str value = str_skip(type->value, (size_t)at + 9), rest;
    if (str_starts(value, STR("\"")))
        str_cut(str_skip(value, 1), '"', &value, &rest);
    else
        str_cut(value, ';', &value, &rest);
    return value.len && value.len < 64 ? value : STR_NONE;
}

void build_form(builder *b, const json *params)
{
    form f = {.b = b};
    str given = users_boundary(b);
    if (given.len)
        snprintf(f.boundary, sizeof(f.boundary), STR_FMT, STR_ARG(given));
    else
        snprintf(f.boundary, sizeof(f.boundary), "--------------------------%012llu%012llu",
                 (unsigned long long)rand_below(1000000000000),
                 (unsigned long long)rand_below(1000000000000));
    JSON_EACH (params, param) {
        if (json_is(param, JSON_OBJECT))
            add_part(&f, param);
    }
    if (!b->call->body.len) // nothing but files that can't be read
        return;
    build_bytes(b, arena_printf(b->arena, "--%s--\r\n", f.boundary));
    if (given.len)
        return;
    builder_form_type(b, arena_printf(b->arena, "multipart/form-data; boundary=%s", f.boundary));
}
