// SPDX-License-Identifier: Apache-2.0
// The network extension: ip('10.0.0.1'), cidr('10.0.0.0/8').containsIP(…). An IPv4 address is the
// same as its IPv6 form ::ffff:a.b.c.d, but only the forms without zone and without dots in IPv6
// are accepted, so that nothing has two spellings that a reader could confuse.
#include <arpa/inet.h>

#include "cel/eval.h"

static const uint8_t v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool is_v4(const cel_net *net)
{
    return memcmp(net->bytes, v4_prefix, sizeof(v4_prefix)) == 0;
}

static bool parse_ip(str s, cel_net *ret)
{
    char text[INET6_ADDRSTRLEN];
    if (!s.len || s.len >= sizeof(text) || memchr(s.ptr, 0, s.len))
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = 0;
    *ret = (cel_net){.bits = 128};
    if (!strchr(text, ':')) {
        memcpy(ret->bytes, v4_prefix, sizeof(v4_prefix));
        ret->bits = 32;
        return inet_pton(AF_INET, text, ret->bytes + 12) == 1;
    }
    if (strchr(text, '.') || inet_pton(AF_INET6, text, ret->bytes) != 1)
        return false;
    if (is_v4(ret))
        ret->bits = 32;
    return true;
}

static bool parse_cidr(str s, cel_net *ret)
{
    str address, bits;
    uint64_t n;
    if (!str_cut(s, '/', &address, &bits) || !parse_ip(address, ret) || !str_to_u64(bits, &n))
        return false;
    bool mapped = ret->bits == 32 && str_chr(address, ':') >= 0;
    if (mapped || n > ret->bits || (bits.len > 1 && bits.ptr[0] == '0'))
        return false;
    ret->bits = (uint8_t)n;
    return true;
}

static cel_value net_value(cel_call *c, cel_kind kind, cel_net net)
{
    cel_net *kept = ARENA_NEW(c->arena, cel_net);
    *kept = net;
    return (cel_value){.kind = kind, .net = kept};
}

static cel_value to_ip(cel_call *c, const cel_value *a, size_t n)
{
    cel_net net;
    (void)n;
    return parse_ip(a->s, &net) ? net_value(c, CEL_IP, net)
                                : cel_call_error(c, "'" STR_FMT "' isn't an IP address",
                                                 STR_ARG(str_sub(a->s, 0, 80)));
}

static cel_value to_cidr(cel_call *c, const cel_value *a, size_t n)
{
    cel_net net;
    (void)n;
    return parse_cidr(a->s, &net)
               ? net_value(c, CEL_CIDR, net)
               : cel_call_error(c, "'" STR_FMT "' isn't a CIDR", STR_ARG(str_sub(a->s, 0, 80)));
}

static cel_value is_ip(cel_call *c, const cel_value *a, size_t n)
{
    cel_net net;
    (void)c, (void)n;
    return cel_bool(parse_ip(a->s, &net));
}

static cel_value is_cidr(cel_call *c, const cel_value *a, size_t n)
{
    cel_net net;
    (void)c, (void)n;
    return cel_bool(parse_cidr(a->s, &net));
}

void cel_net_text(const cel_value *v, buf *out)
{
    char text[INET6_ADDRSTRLEN] = "";
    bool v4 = is_v4(v->net);
    inet_ntop(v4 ? AF_INET : AF_INET6, v->net->bytes + (v4 ? 12 : 0), text, sizeof(text));
    buf_addz(out, text);
    if (v->kind == CEL_CIDR)
        buf_addf(out, "/%u", v->net->bits);
}

static cel_value is_canonical(cel_call *c, const cel_value *a, size_t n)
{
    cel_net net;
    buf text;
    (void)n;
    if (!parse_ip(a->s, &net))
        return cel_call_error(c, "'" STR_FMT "' isn't an IP address",
                              STR_ARG(str_sub(a->s, 0, 80)));
    buf_init(&text, 64);
    cel_net_text(&(cel_value){.kind = CEL_IP, .net = &net}, &text);
    bool same = str_eq(buf_str(&text), a->s);
    buf_deinit(&text);
    return cel_bool(same);
}

static cel_value family(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)n;
    return cel_int(is_v4(a->net) ? 4 : 6);
}

// ---- Kinds of addresses ---------------------------------------------------------------------

static const uint8_t *v4_bytes(const cel_net *net)
{
    return is_v4(net) ? net->bytes + 12 : NULL;
}

static bool all_zero(const uint8_t *bytes, size_t len)
{
    while (len && !bytes[len - 1])
        len--;
    return !len;
}

static bool unspecified(const cel_net *net)
{
    const uint8_t *v4 = v4_bytes(net);
    return v4 ? all_zero(v4, 4) : all_zero(net->bytes, 16);
}

static bool loopback(const cel_net *net)
{
    const uint8_t *v4 = v4_bytes(net);
    return v4 ? v4[0] == 127 : all_zero(net->bytes, 15) && net->bytes[15] == 1;
}

static bool link_unicast(const cel_net *net)
{
    const uint8_t *v4 = v4_bytes(net);
    return v4 ? v4[0] == 169 && v4[1] == 254
              : net->bytes[0] == 0xfe && (net->bytes[1] & 0xc0) == 0x80;
}

static bool link_multicast(const cel_net *net)
{
    const uint8_t *v4 = v4_bytes(net);
    return v4 ? v4[0] == 224 && v4[1] == 0 && v4[2] == 0
              : net->bytes[0] == 0xff && (net->bytes[1] & 0x0f) == 2;
}

static bool multicast(const cel_net *net)
{
    const uint8_t *v4 = v4_bytes(net);
    return v4 ? (v4[0] & 0xf0) == 0xe0 : net->bytes[0] == 0xff;
}

static bool broadcast(const cel_net *net)
{
    const uint8_t *v4 = v4_bytes(net);
    return v4 && (v4[0] & v4[1] & v4[2] & v4[3]) == 0xff;
}

static cel_value is_unspecified(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)n;
    return cel_bool(unspecified(a->net));
}

static cel_value is_loopback(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)n;
    return cel_bool(loopback(a->net));
}

static cel_value is_link_unicast(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)n;
    return cel_bool(link_unicast(a->net));
}

static cel_value is_link_multicast(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)n;
    return cel_bool(link_multicast(a->net));
}

static cel_value is_global_unicast(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)n;
    return cel_bool(!unspecified(a->net) && !loopback(a->net) && !link_unicast(a->net) &&
                    !multicast(a->net) && !broadcast(a->net));
}

// ---- Networks -------------------------------------------------------------------------------

static uint8_t prefix_bits(const cel_net *cidr)
{
    return (uint8_t)(cidr->bits + (is_v4(cidr) ? 96 : 0));
}

static cel_net masked_net(const cel_net *cidr)
{
    cel_net net = *cidr;
    for (unsigned bit = prefix_bits(cidr); bit < 128; bit++)
        net.bytes[bit / 8] &= (uint8_t) ~(0x80u >> (bit % 8));
    return net;
}

// Whether the first bits of both are the same. What tells IPv4 is among those of an IPv4 prefix.
static bool contains(const cel_net *cidr, const cel_net *net)
{
    cel_net same_bits = *net;
    same_bits.bits = cidr->bits;
    cel_net a = masked_net(cidr), b = masked_net(&same_bits);
    return memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
}

static cel_value contains_ip(cel_call *c, const cel_value *a, size_t n)
{
    cel_value ip = a[1].kind == CEL_STRING ? to_ip(c, &a[1], n) : a[1];
    return ip.kind == CEL_ERROR ? ip : cel_bool(contains(a->net, ip.net));
}

static cel_value contains_cidr(cel_call *c, const cel_value *a, size_t n)
{
    cel_value cidr = a[1].kind == CEL_STRING ? to_cidr(c, &a[1], n) : a[1];
    return cidr.kind == CEL_ERROR
               ? cidr
               : cel_bool(cidr.net->bits >= a->net->bits && contains(a->net, cidr.net));
}

static cel_value cidr_ip(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)n;
    return (cel_value){.kind = CEL_IP, .net = a->net};
}

static cel_value masked(cel_call *c, const cel_value *a, size_t n)
{
    (void)n;
    return net_value(c, CEL_CIDR, masked_net(a->net));
}

static cel_value prefix_length(cel_call *c, const cel_value *a, size_t n)
{
    (void)c, (void)n;
    return cel_int(a->net->bits);
}

const cel_function cel_network_functions[] = {
    {"ip", "(string) net.IP", to_ip, NULL},
    {"cidr", "(string) net.CIDR", to_cidr, NULL},
    {"isIP", "(string) bool", is_ip, NULL},
    {"isCIDR", "(string) bool", is_cidr, NULL},
    {"ip.isCanonical", "(string) bool", is_canonical, NULL},
    {"family", "net.IP.() int", family, NULL},
    {"isUnspecified", "net.IP.() bool", is_unspecified, NULL},
    {"isLoopback", "net.IP.() bool", is_loopback, NULL},
    {"isGlobalUnicast", "net.IP.() bool", is_global_unicast, NULL},
    {"isLinkLocalUnicast", "net.IP.() bool", is_link_unicast, NULL},
    {"isLinkLocalMulticast", "net.IP.() bool", is_link_multicast, NULL},
    {"containsIP", "net.CIDR.(net.IP) bool", contains_ip, NULL},
    {"containsIP", "net.CIDR.(string) bool", contains_ip, NULL},
    {"containsCIDR", "net.CIDR.(net.CIDR) bool", contains_cidr, NULL},
    {"containsCIDR", "net.CIDR.(string) bool", contains_cidr, NULL},
    {"ip", "net.CIDR.() net.IP", cidr_ip, NULL},
    {"masked", "net.CIDR.() net.CIDR", masked, NULL},
    {"prefixLength", "net.CIDR.() int", prefix_length, NULL},
    {0},
};
