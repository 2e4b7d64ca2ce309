// SPDX-License-Identifier: Apache-2.0
#include "http/h2.h"

#include <string.h>

#include "http/message.h"

// ---- a block of fields that comes ---------------------------------------------------------------

void h2_head_init(h2_head *h, arena *mem, size_t bytes_max, size_t count_max)
{
    *h = (h2_head){.mem = mem, .bytes_max = bytes_max, .count_max = count_max};
}

// RFC 9113 §8.2.3: one field for who reads it in the old form.
static bool join_cookie(h2_head *h, str value)
{
    for (size_t i = 0; i < h->headers.len; i++) {
        http_header *one = &h->headers.ptr[i];
        if (!str_eq(one->name, STR("cookie")))
            continue;
        one->value =
            arena_printf(h->mem, STR_FMT "; " STR_FMT, STR_ARG(one->value), STR_ARG(value));
        return true;
    }
    return false;
}

static bool add_pseudo(h2_head *h, str name, str value)
{
    const struct {
        str name;
        str *value;
    } known[] = {{STR(":method"), &h->method},
                 {STR(":authority"), &h->authority},
                 {STR(":path"), &h->path},
                 {STR(":status"), &h->status}};
    if (!str_starts(name, STR(":")))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (str_eq(name, known[i].name))
            *known[i].value = arena_str(h->mem, value);
    }
    return true;
}

static str text_of(nghttp2_rcbuf *b)
{
    nghttp2_vec v = nghttp2_rcbuf_get_buf(b);
    return (str){(const char *)v.base, v.len};
}

void h2_head_add(h2_head *h, nghttp2_rcbuf *its_name, nghttp2_rcbuf *its_value)
{
    str name = text_of(its_name), value = text_of(its_value);
    h->bytes += name.len + value.len + 32; // as RFC 9113 §6.5.2 counts them
    if (h->bytes > h->bytes_max || h->headers.len >= h->count_max)
        h->too_large = true;
    if (h->too_large || add_pseudo(h, name, value))
        return;
    if (str_eq(name, STR("cookie")) && join_cookie(h, value))
        return;
    http_headers_add(&h->headers, h->mem, arena_str(h->mem, name), arena_str(h->mem, value));
}

int64_t h2_head_length(const h2_head *h, bool ends)
{
    uint64_t length;
    str told = http_headers_get(&h->headers, STR("content-length"));
    if (ends && !told.len)
        return 0;
    if (str_to_u64(told, &length) && length <= INT64_MAX)
        return (int64_t)length;
    return HTTP_BODY_CHUNKED;
}

// ---- a block of fields that leaves --------------------------------------------------------------

void h2_fields_init(h2_fields *f, arena *mem, size_t count_max)
{
    *f = (h2_fields){.mem = mem, .ptr = arena_array(mem, count_max, sizeof(nghttp2_nv))};
}

static bool is_of_connection(str name)
{
    static const str names[] = {{"keep-alive", 10}, {"proxy-connection", 16},
                                {"upgrade", 7},     {"host", 4},
                                {"te", 2},          {"expect", 6}};
    if (field_is_framing(name))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_ieq(name, names[i]))
            return true;
    }
    return false;
}

static uint8_t *bytes_of(str s)
{
    return (uint8_t *)(uintptr_t)s.ptr; // which nghttp2 copies
}

static void add(h2_fields *f, str name, str value)
{
    // A credential stays out of the tables of either side.
    bool credential = str_ends(name, STR("authorization"));
    f->ptr[f->len++] = (nghttp2_nv){.name = bytes_of(name),
                                    .namelen = name.len,
                                    .value = bytes_of(value),
                                    .valuelen = value.len,
                                    .flags = credential ? NGHTTP2_NV_FLAG_NO_INDEX : 0};
}

void h2_fields_add(h2_fields *f, str name, str value)
{
    if (str_starts(name, STR(":"))) {
        add(f, name, value);
        return;
    }
    if (is_of_connection(name))
        return;
    if (!http_name_valid(name) || !http_value_valid(value)) {
        log_warning("http",
                    "left out the header field '" STR_FMT "': it holds forbidden characters",
                    STR_ARG(name));
        return;
    }
    char *lower = arena_cstr(f->mem, name);
    for (size_t i = 0; i < name.len; i++)
        lower[i] = ascii_lower(lower[i]);
    add(f, (str){lower, name.len}, value);
}

void h2_fields_length(h2_fields *f, uint64_t bytes)
{
    char number[STR_U64_MAX];
    add(f, STR("content-length"), arena_str(f->mem, str_u64(bytes, number)));
}

void h2_fields_trailers(h2_fields *f)
{
    add(f, STR("te"), STR("trailers"));
}

// ---- a body that leaves -------------------------------------------------------------------------

void h2_out_init(h2_out *o)
{
    *o = (h2_out){0};
    buf_init(&o->queue, STREAM_QUEUE_BYTES_MAX);
}

void h2_out_deinit(h2_out *o)
{
    buf_deinit(&o->queue);
}

size_t h2_out_queued(const h2_out *o)
{
    return o->queue.len - o->at;
}

void h2_out_add(h2_out *o, str bytes)
{
    if (o->at && o->at >= o->queue.len / 2) {
        buf_consume(&o->queue, o->at);
        o->at = 0;
    }
    buf_adds(&o->queue, bytes);
}

void h2_out_go(h2_out *o, nghttp2_session *session, int32_t id)
{
    if (!o->deferred)
        return;
    o->deferred = false;
    nghttp2_session_resume_data(session, id);
}

static size_t take(h2_out *o, uint8_t *to, size_t max)
{
    size_t count = h2_out_queued(o) < max ? h2_out_queued(o) : max;
    if (count)
        memcpy(to, o->queue.ptr + o->at, count);
    o->at += count;
    if (o->at == o->queue.len) {
        buf_reset(&o->queue);
        o->at = 0;
    }
    return count;
}

// nghttp2 dictates them: more than a function of ours may have.
#define DATA_SOURCE                                                                                \
    nghttp2_session *session, int32_t id, uint8_t *to, size_t max, uint32_t *flags,                \
        nghttp2_data_source *source, void *ctx

static ssize_t on_data(DATA_SOURCE)
{
    (void)ctx;
    h2_out *o = source->ptr;
    size_t count = take(o, to, max);
    if (!count && !o->ended) {
        o->deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    if (!o->ended || h2_out_queued(o))
        return (ssize_t)count;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (o->trailers && nghttp2_submit_trailer(session, id, o->trailers->ptr, o->trailers->len) == 0)
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    return (ssize_t)count;
}

nghttp2_data_provider h2_out_provider(h2_out *o)
{
    return (nghttp2_data_provider){.source.ptr = o, .read_callback = on_data};
}

// ---- for whom something is due
// --------------------------------------------------------------------

void h2_due_add(h2_due_list *list, h2_due *d)
{
    if (d->listed)
        return;
    d->listed = true;
    d->next = NULL;
    *(list->first ? &list->last->next : &list->first) = d;
    list->last = d;
}

void h2_due_remove(h2_due_list *list, h2_due *d)
{
    h2_due **at = &list->first, *before = NULL;
    if (!d->listed)
        return;
    for (; *at != d; at = &(*at)->next)
        before = *at;
    *at = d->next;
    if (list->last == d)
        list->last = before;
    d->listed = false;
}

void *h2_due_take(h2_due_list *list)
{
    h2_due *d = list->first;
    if (!d)
        return NULL;
    list->first = d->next;
    d->listed = false;
    return d->owner;
}

// ---- sessions -----------------------------------------------------------------------------------

nghttp2_session *h2_session_new(bool server, const nghttp2_session_callbacks *cb, void *ctx,
                                size_t head_bytes_max)
{
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, server ? H2_STREAMS_MAX : 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_WINDOW_BYTES},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)head_bytes_max},
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
    };
    nghttp2_session *session = NULL;
    nghttp2_option *option = NULL;
    if (nghttp2_option_new(&option))
        abort();
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_max_deflate_dynamic_table_size(option, 4096);
    int failed = server ? nghttp2_session_server_new2(&session, cb, ctx, option)
                        : nghttp2_session_client_new2(&session, cb, ctx, option);
    if (failed) // only for want of memory
        abort();
    nghttp2_option_del(option);
    if (nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, server ? 3 : 4) ||
        nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, H2_CONNECTION_BYTES))
        abort();
    return session;
}

const char *h2_error_name(uint32_t error_code)
{
    return nghttp2_http2_strerror(error_code);
}
