// SPDX-License-Identifier: Apache-2.0
#include "http/message.h"

#include "base/word.h"

// ---- lists of fields ----------------------------------------------------------------------------

static const http_header *find(const http_headers *h, str name)
{
    for (size_t i = 0; i < h->len; i++) {
        if (str_ieq(h->ptr[i].name, name))
            return &h->ptr[i];
    }
    return NULL;
}

str http_headers_get(const http_headers *h, str name)
{
    const http_header *found = find(h, name);
    return found ? found->value : STR_NONE;
}

bool http_headers_has(const http_headers *h, str name)
{
    return find(h, name) != NULL;
}

size_t http_headers_count(const http_headers *h, str name)
{
    size_t count = 0;
    for (size_t i = 0; i < h->len; i++)
        count += str_ieq(h->ptr[i].name, name);
    return count;
}

bool list_has(str list, str token)
{
    for (str member; str_next(&list, ',', &member);) {
        if (str_ieq(str_trim(member), token))
            return true;
    }
    return false;
}

bool http_headers_lists(const http_headers *h, str name, str token)
{
    for (size_t i = 0; i < h->len; i++) {
        if (str_ieq(h->ptr[i].name, name) && list_has(h->ptr[i].value, token))
            return true;
    }
    return false;
}

void http_headers_add(http_headers *h, arena *a, str name, str value)
{
    if (h->len == h->cap) {
        size_t cap = h->cap ? h->cap * 2 : 16;
        http_header *grown = arena_array(a, cap, sizeof(*grown));
        if (h->len)
            memcpy(grown, h->ptr, h->len * sizeof(*grown));
        h->ptr = grown;
        h->cap = cap;
    }
    h->ptr[h->len++] = (http_header){name, value};
}

static size_t remove_from(http_headers *h, size_t from, str name)
{
    size_t kept = from;
    for (size_t i = from; i < h->len; i++) {
        if (!str_ieq(h->ptr[i].name, name))
            h->ptr[kept++] = h->ptr[i];
    }
    size_t removed = h->len - kept;
    h->len = kept;
    return removed;
}

void http_headers_set(http_headers *h, arena *a, str name, str value)
{
    for (size_t i = 0; i < h->len; i++) {
        if (str_ieq(h->ptr[i].name, name)) {
            h->ptr[i] = (http_header){name, value};
            remove_from(h, i + 1, name);
            return;
        }
    }
    http_headers_add(h, a, name, value);
}

// ---- what may stand in a field ------------------------------------------------------------------

// RFC 9110 §5.6.2
static const bool token_char[256] = {
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['!'] = true,  ['#'] = true,
    ['$'] = true,         ['%'] = true,         ['&'] = true,         ['\''] = true, ['*'] = true,
    ['+'] = true,         ['-'] = true,         ['.'] = true,         ['^'] = true,  ['_'] = true,
    ['`'] = true,         ['|'] = true,         ['~'] = true};

bool http_name_valid(str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!token_char[(unsigned char)name.ptr[i]])
            return false;
    }
    return name.len > 0;
}

bool http_value_valid(str value)
{
    size_t i = 0;
    while (i + WORD_BYTES <= value.len && !word_has_control(word_load(value.ptr + i)))
        i += WORD_BYTES; // tokens are long
    for (; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

// ---- writing ------------------------------------------------------------------------------------

str chunk_line(size_t len, char text[CHUNK_LINE_MAX])
{
    size_t at = CHUNK_LINE_MAX;
    text[--at] = '\n';
    text[--at] = '\r';
    char digits[STR_HEX_MAX];
    str hex = str_hex(len, digits);
    at -= hex.len;
    memcpy(text + at, hex.ptr, hex.len);
    return (str){text + at, CHUNK_LINE_MAX - at};
}

bool add_field(buf *out, str name, str value)
{
    if (!http_name_valid(name) || !http_value_valid(value)) {
        log_warning("http",
                    "left out the header field '" STR_FMT "': it holds forbidden characters",
                    STR_ARG(name));
        return false;
    }
    buf_adds(out, name);
    buf_adds(out, STR(": "));
    buf_adds(out, value);
    buf_adds(out, STR("\r\n"));
    return true;
}

bool target_is_clean(str target)
{
    for (size_t i = 0; i < target.len; i++) {
        unsigned char ch = (unsigned char)target.ptr[i];
        if (ch <= 0x20 || ch == 0x7f)
            return false;
    }
    return target.len > 0;
}

bool field_is_framing(str name)
{
    switch (name.len) {
    case 10:
        return str_ieq(name, STR("connection"));
    case 14:
        return str_ieq(name, STR("content-length"));
    case 17:
        return str_ieq(name, STR("transfer-encoding"));
    default:
        return false;
    }
}
