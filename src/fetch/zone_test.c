// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fetch/fetch.h"

static fetch_zone zone_of_text(const char *text)
{
    struct sockaddr_storage ss = {0};
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
        memcpy(&ss, &in, sizeof(in));
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
        memcpy(&ss, &in6, sizeof(in6));
    }
    return fetch_zone_of((const struct sockaddr *)&ss);
}

// The forms in which a collection can name the metadata server, another machine of the network, or
// this one. Each must end in its zone.
static void T42_every_form_of_an_address_has_its_zone(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        fetch_zone zone;
    } rows[] = {
        {"8.8.8.8", FETCH_ZONE_PUBLIC},
        {"2001:4860:4860::8888", FETCH_ZONE_PUBLIC},
        {"172.15.255.255", FETCH_ZONE_PUBLIC},
        {"172.32.0.1", FETCH_ZONE_PUBLIC},
        {"100.63.255.255", FETCH_ZONE_PUBLIC},
        {"100.128.0.1", FETCH_ZONE_PUBLIC},
        {"169.253.255.255", FETCH_ZONE_PUBLIC},
        {"223.255.255.255", FETCH_ZONE_PUBLIC},

        {"127.0.0.1", FETCH_ZONE_LOOPBACK},
        {"127.255.255.254", FETCH_ZONE_LOOPBACK},
        {"0.0.0.0", FETCH_ZONE_LOOPBACK},
        {"::", FETCH_ZONE_LOOPBACK},
        {"::1", FETCH_ZONE_LOOPBACK},
        {"::ffff:127.0.0.1", FETCH_ZONE_LOOPBACK},
        {"::127.0.0.1", FETCH_ZONE_LOOPBACK},
        {"64:ff9b::7f00:1", FETCH_ZONE_LOOPBACK},
        {"::ffff:0.0.0.0", FETCH_ZONE_LOOPBACK},

        {"10.1.2.3", FETCH_ZONE_PRIVATE},
        {"172.16.0.1", FETCH_ZONE_PRIVATE},
        {"172.31.255.255", FETCH_ZONE_PRIVATE},
        {"192.168.0.1", FETCH_ZONE_PRIVATE},
        {"100.64.0.1", FETCH_ZONE_PRIVATE},
        {"fd12:3456::1", FETCH_ZONE_PRIVATE},
        {"fec0::1", FETCH_ZONE_PRIVATE},
        {"::ffff:10.0.0.1", FETCH_ZONE_PRIVATE},
        {"2002:c0a8:1::1", FETCH_ZONE_PRIVATE},

        {"169.254.169.254", FETCH_ZONE_METADATA},
        {"169.254.0.1", FETCH_ZONE_METADATA},
        {"169.254.170.2", FETCH_ZONE_METADATA},
        {"::ffff:169.254.169.254", FETCH_ZONE_METADATA},
        {"::ffff:0:169.254.169.254", FETCH_ZONE_METADATA},
        {"::169.254.169.254", FETCH_ZONE_METADATA},
        {"64:ff9b::a9fe:a9fe", FETCH_ZONE_METADATA},
        {"64:ff9b:1::a9fe:a9fe", FETCH_ZONE_METADATA},
        {"2002:a9fe:a9fe::1", FETCH_ZONE_METADATA},
        {"fe80::1", FETCH_ZONE_METADATA},
        {"febf::1", FETCH_ZONE_METADATA},
        {"fd00:ec2::254", FETCH_ZONE_METADATA},
        {"fd20:ce::254", FETCH_ZONE_METADATA},
        {"100.100.100.200", FETCH_ZONE_METADATA},
        {"192.0.0.192", FETCH_ZONE_METADATA},
        {"168.63.129.16", FETCH_ZONE_METADATA},

        {"0.0.0.1", FETCH_ZONE_UNUSABLE},
        {"224.0.0.1", FETCH_ZONE_UNUSABLE},
        {"255.255.255.255", FETCH_ZONE_UNUSABLE},
        {"ff02::1", FETCH_ZONE_UNUSABLE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (zone_of_text(rows[i].text) != rows[i].zone)
            fail_msg("%s: %s, not %s", rows[i].text, fetch_zone_name(zone_of_text(rows[i].text)),
                     fetch_zone_name(rows[i].zone));
}

static void T42_other_families_are_unusable(void **state)
{
    (void)state;
    struct sockaddr_storage ss = {.ss_family = AF_UNIX};
    assert_int_equal(fetch_zone_of((const struct sockaddr *)&ss), FETCH_ZONE_UNUSABLE);
}

static void T42_policy_table(void **state)
{
    (void)state;
    const fetch_policy people = FETCH_POLICY_PEOPLE, agent = {0}, metadata = {.metadata = true};
    static const struct {
        fetch_zone zone;
        bool people, agent, metadata;
    } rows[] = {
        {FETCH_ZONE_PUBLIC, true, true, true},      {FETCH_ZONE_LOOPBACK, true, false, false},
        {FETCH_ZONE_PRIVATE, true, false, false},   {FETCH_ZONE_METADATA, false, false, true},
        {FETCH_ZONE_UNUSABLE, false, false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(fetch_policy_allows(&people, rows[i].zone), rows[i].people);
        assert_int_equal(fetch_policy_allows(&agent, rows[i].zone), rows[i].agent);
        assert_int_equal(fetch_policy_allows(&metadata, rows[i].zone), rows[i].metadata);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(T42_every_form_of_an_address_has_its_zone),
        cmocka_unit_test(T42_other_families_are_unusable),
        cmocka_unit_test(T42_policy_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
