// SPDX-License-Identifier: Apache-2.0
#include <netinet/in.h>
#include <string.h>

#include "fetch/fetch.h"

// A prefix of an address and the zone of what is beneath it. First match wins.
typedef struct zone_rule zone_rule;
struct zone_rule {
    uint8_t prefix[16];
    uint8_t bits;
    fetch_zone zone;
};

static const zone_rule rules4[] = {
    {{0, 0, 0, 0}, 32, FETCH_ZONE_LOOPBACK}, // Linux connects 0.0.0.0 to itself
    {{0}, 8, FETCH_ZONE_UNUSABLE},           // "this network", RFC 791
    {{127}, 8, FETCH_ZONE_LOOPBACK},
    {{169, 254}, 16, FETCH_ZONE_METADATA},           // RFC 3927; every large cloud's .169.254
    {{100, 100, 100, 200}, 32, FETCH_ZONE_METADATA}, // Alibaba Cloud
    {{192, 0, 0, 192}, 32, FETCH_ZONE_METADATA},     // Oracle Cloud
    {{168, 63, 129, 16}, 32, FETCH_ZONE_METADATA},   // Azure's WireServer
    {{10}, 8, FETCH_ZONE_PRIVATE},
    {{172, 16}, 12, FETCH_ZONE_PRIVATE},
    {{192, 168}, 16, FETCH_ZONE_PRIVATE},
    {{100, 64}, 10, FETCH_ZONE_PRIVATE}, // RFC 6598
    {{192, 0, 0}, 24, FETCH_ZONE_PRIVATE},
    {{198, 18}, 15, FETCH_ZONE_PRIVATE}, // RFC 2544
    {{224}, 3, FETCH_ZONE_UNUSABLE},     // multicast, reserved, broadcast
};

static const zone_rule rules6[] = {
    {{[15] = 0}, 128, FETCH_ZONE_LOOPBACK}, // :: as 0.0.0.0
    {{[15] = 1}, 128, FETCH_ZONE_LOOPBACK},
    {{0xfe, 0x80}, 10, FETCH_ZONE_METADATA},
    {{0xfd, 0x00, 0x0e, 0xc2}, 32, FETCH_ZONE_METADATA}, // AWS fd00:ec2::254
    {{0xfd, 0x20, 0x00, 0xce}, 32, FETCH_ZONE_METADATA}, // Google Cloud fd20:ce::254
    {{0xfc}, 7, FETCH_ZONE_PRIVATE},                     // RFC 4193
    {{0xfe, 0xc0}, 10, FETCH_ZONE_PRIVATE},              // site-local, RFC 3879
    {{0xff}, 8, FETCH_ZONE_UNUSABLE},
};

// IPv6 forms that carry an IPv4 address, and where it begins.
typedef struct zone_carrier zone_carrier;
struct zone_carrier {
    uint8_t prefix[16];
    uint8_t bits;
    uint8_t at;
};
static const zone_carrier carriers[] = {
    {{[10] = 0xff, [11] = 0xff}, 96, 12},           // mapped ::ffff:a.b.c.d
    {{[8] = 0xff, [9] = 0xff}, 96, 12},             // SIIT ::ffff:0:a.b.c.d, RFC 2765
    {{0}, 96, 12},                                  // compatible ::a.b.c.d, RFC 4291
    {{0x00, 0x64, 0xff, 0x9b}, 96, 12},             // NAT64, RFC 6052
    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48, 12}, // local NAT64, RFC 8215
    {{0x20, 0x02}, 16, 2},                          // 6to4, RFC 3056
};

static bool prefix_matches(const uint8_t *addr, const uint8_t *prefix, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(addr, prefix, whole) != 0)
        return false;
    uint8_t mask = (uint8_t)(0xff00u >> rest);
    return rest == 0 || (addr[whole] & mask) == (prefix[whole] & mask);
}

static fetch_zone zone_by(const zone_rule *rules, size_t count, const uint8_t *addr)
{
    for (size_t i = 0; i < count; i++)
        if (prefix_matches(addr, rules[i].prefix, rules[i].bits))
            return rules[i].zone;
    return FETCH_ZONE_PUBLIC;
}

static fetch_zone zone6(const uint8_t addr[16])
{
    fetch_zone own = zone_by(rules6, ARRAY_LEN(rules6), addr);
    if (own != FETCH_ZONE_PUBLIC)
        return own;
    for (size_t i = 0; i < ARRAY_LEN(carriers); i++)
        if (prefix_matches(addr, carriers[i].prefix, carriers[i].bits))
            return zone_by(rules4, ARRAY_LEN(rules4), addr + carriers[i].at);
    return FETCH_ZONE_PUBLIC;
}

fetch_zone fetch_zone_of(const struct sockaddr *addr)
{
    // Copied: a sockaddr in a byte buffer need not be aligned for its family's type.
    if (addr->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, addr, sizeof(in));
        uint8_t bytes[4];
        memcpy(bytes, &in.sin_addr, sizeof(bytes));
        return zone_by(rules4, ARRAY_LEN(rules4), bytes);
    }
    if (addr->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, addr, sizeof(in6));
        return zone6(in6.sin6_addr.s6_addr);
    }
    return FETCH_ZONE_UNUSABLE;
}

const char *fetch_zone_name(fetch_zone z)
{
    static const char *const names[] = {
        [FETCH_ZONE_PUBLIC] = "public",     [FETCH_ZONE_LOOPBACK] = "loopback",
        [FETCH_ZONE_PRIVATE] = "private",   [FETCH_ZONE_METADATA] = "link-local or metadata",
        [FETCH_ZONE_UNUSABLE] = "unusable",
    };
    return names[z];
}

bool fetch_policy_allows(const fetch_policy *p, fetch_zone z)
{
    switch (z) {
    case FETCH_ZONE_PUBLIC:
        return true;
    case FETCH_ZONE_LOOPBACK:
        return p->loopback;
    case FETCH_ZONE_PRIVATE:
        return p->private_network;
    case FETCH_ZONE_METADATA:
        return p->metadata;
    case FETCH_ZONE_UNUSABLE:
        break;
    }
    return false;
}
