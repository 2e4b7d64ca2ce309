// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <idn2.h>
#include <string.h>

#include "uri/uri.h"

enum { NAME_MAX_BYTES = 253, LABEL_MAX_BYTES = 63 };

static code bad(err *e, str text, const char *why)
{
    return err_set(e, URI_HOST, "'" STR_FMT "' is no host: %s", STR_ARG(text), why);
}

// ---- IPv4 in every notation (WHATWG URL §3.5)

// One part: decimal, 0 octal or 0x hexadecimal; an empty rest after 0x is zero.
static bool ipv4_number(str part, uint64_t *ret_value)
{
    unsigned base = 10;
    if (str_istarts(part, STR("0x"))) {
        base = 16;
        part = str_skip(part, 2);
    } else if (part.len > 1 && part.ptr[0] == '0') {
        base = 8;
        part = str_skip(part, 1);
    } else if (part.len == 0) {
        return false;
    }
    *ret_value = 0;
    for (size_t i = 0; i < part.len; i++) {
        char c = ascii_lower(part.ptr[i]);
        unsigned digit = ascii_is_digit(c)      ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                                                : 16;
        if (digit >= base)
            return false;
        *ret_value = *ret_value * base + digit;
        if (*ret_value > UINT32_MAX)
            *ret_value = (uint64_t)UINT32_MAX + 1; // too large, whatever follows
    }
    return true;
}

// Browsers and resolvers take a name whose last label is a number for an address.
static bool ends_in_number(str name)
{
    ssize_t dot = str_rchr(name, '.');
    str last = str_skip(name, (size_t)(dot + 1));
    uint64_t value;
    bool digits = last.len > 0;
    for (size_t i = 0; i < last.len; i++)
        digits = digits && ascii_is_digit(last.ptr[i]);
    return digits || (last.len && ipv4_number(last, &value));
}

static bool ipv4_parse(str name, unsigned char ret_ip[4])
{
    uint64_t parts[4];
    size_t n = 0;
    for (str part; str_next(&name, '.', &part); n++)
        if (n == 4 || !ipv4_number(part, &parts[n]))
            return false;
    if (n == 0)
        return false;
    uint64_t ip = parts[n - 1];
    if (ip >= (uint64_t)1 << (8 * (5 - n)))
        return false;
    for (size_t i = 0; i + 1 < n; i++) {
        if (parts[i] > 255)
            return false;
        ip |= parts[i] << (8 * (3 - i));
    }
    for (int i = 0; i < 4; i++)
        ret_ip[i] = (unsigned char)(ip >> (8 * (3 - i)));
    return true;
}

// ---- IPv6

static code ipv6_parse(arena *a, str whole, str inner, uri_host *ret_host, err *e)
{
    char text[INET6_ADDRSTRLEN + 1];
    if (inner.len >= sizeof(text) || str_chr(inner, 0) >= 0)
        return bad(e, whole, "the IPv6 address is malformed");
    if (str_chr(inner, '%') >= 0)
        return bad(e, whole, "a zone id is not allowed");
    memcpy(text, inner.ptr, inner.len);
    text[inner.len] = 0;
    if (inet_pton(AF_INET6, text, ret_host->ip) != 1)
        return bad(e, whole, "the IPv6 address is malformed");
    inet_ntop(AF_INET6, ret_host->ip, text, sizeof(text)); // glibc writes RFC 5952's form
    ret_host->kind = HOST_IPV6;
    ret_host->name = arena_str(a, str_from(text));
    return OK;
}

// ---- Names

static code check_labels(str whole, str name, err *e)
{
    if (name.len == 0 || name.len > NAME_MAX_BYTES)
        return bad(e, whole, name.len ? "longer than 253 characters" : "it is empty");
    size_t label_len = 0;
    for (size_t i = 0; i <= name.len; i++) {
        char c = i < name.len ? name.ptr[i] : '.';
        if (c != '.') {
            if (!ascii_is_alnum(c) && c != '-' && c != '_')
                return bad(e, whole, "a character is not allowed in a name");
            label_len++;
            continue;
        }
        if (label_len == 0)
            return bad(e, whole, "a label is empty");
        if (label_len > LABEL_MAX_BYTES)
            return bad(e, whole, "a label is longer than 63 characters");
        label_len = 0;
    }
    return OK;
}

// Lower case and, where there is more than ASCII, the xn-- form.
static code to_ascii(arena *a, str whole, str name, str *ret_name, err *e)
{
    char *lower = arena_cstr(a, name);
    bool plain = true;
    for (size_t i = 0; i < name.len; i++) {
        plain = plain && (unsigned char)lower[i] < 0x80 && lower[i];
        lower[i] = ascii_lower(lower[i]);
    }
    *ret_name = (str){lower, name.len};
    if (plain && str_find(*ret_name, STR("xn--")) < 0)
        return OK;
    if (!utf8_valid(name) || str_chr(name, 0) >= 0)
        return bad(e, whole, "it is not UTF-8");
    char *ascii = NULL;
    int rc = idn2_to_ascii_8z(arena_cstr(a, name), &ascii,
                              IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL | IDN2_USE_STD3_ASCII_RULES);
    if (rc != IDN2_OK)
        return bad(e, whole, idn2_strerror(rc));
    *ret_name = arena_str(a, str_from(ascii));
    idn2_free(ascii);
    return OK;
}

static bool unescape(arena *a, str text, str *ret_name)
{
    buf decoded;
    buf_init(&decoded, 4 * NAME_MAX_BYTES);
    bool ok = percent_decode(&decoded, text);
    *ret_name = arena_str(a, buf_str(&decoded));
    buf_deinit(&decoded);
    return ok;
}

code host_parse(arena *a, str text, uri_host *ret_host, err *e)
{
    *ret_host = (uri_host){.kind = HOST_NAME};
    if (text.len > 4 * NAME_MAX_BYTES)
        return bad(e, str_sub(text, 0, 40), "it is too long");
    if (text.len >= 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']')
        return ipv6_parse(a, text, str_sub(text, 1, text.len - 1), ret_host, e);
    if (str_chr(text, ':') >= 0)
        return ipv6_parse(a, text, text, ret_host, e);
    str name = text;
    if (str_chr(text, '%') >= 0 && !unescape(a, text, &name))
        return bad(e, text, "a percent escape is malformed");
    code c = to_ascii(a, text, name, &name, e);
    if (c != OK)
        return c;
    if (name.len > 1 && name.ptr[name.len - 1] == '.')
        name.len--;
    c = check_labels(text, name, e);
    if (c != OK)
        return c;
    ret_host->name = name;
    if (!ends_in_number(name))
        return OK;
    if (!ipv4_parse(name, ret_host->ip))
        return bad(e, text, "it ends in a number but is no IPv4 address");
    ret_host->kind = HOST_IPV4;
    const unsigned char *ip = ret_host->ip;
    ret_host->name = arena_printf(a, "%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
    return OK;
}

bool host_is_loopback(const uri_host *h)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const unsigned char one[16] = {[15] = 1};
    switch (h->kind) {
    case HOST_NAME:
        return host_within(h->name, STR("localhost"));
    case HOST_IPV4:
        return h->ip[0] == 127;
    case HOST_IPV6:
        return memcmp(h->ip, one, 16) == 0 || (memcmp(h->ip, mapped, 12) == 0 && h->ip[12] == 127);
    }
    return false;
}

bool host_within(str name, str domain)
{
    if (domain.len == 0 || !str_ends(name, domain))
        return false;
    return name.len == domain.len || name.ptr[name.len - domain.len - 1] == '.';
}
