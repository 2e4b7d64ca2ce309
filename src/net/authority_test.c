// SPDX-License-Identifier: Apache-2.0
// authority: for which names a client that trusts it believes what it signs.
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "net/net_test_pair.h"

static const str names[] = {{"oauth2.googleapis.com", 21}, {"accounts.google.com", 19}};

static tls_authority *authority(void)
{
    const tls_authority_options o = {
        .title = "a test", .names = names, .name_count = ARRAY_LEN(names), .alpn = "http/1.1"};
    return tls_authority_new(&o);
}

static tls_context *client_of(str ca_pem)
{
    tls_context *ctx;
    err e = ERR_INIT;
    tls_client_options o = {.ca_pem = ca_pem, .alpn = "http/1.1"};
    assert_code(tls_client_new(&o, &ctx, &e), OK);
    return ctx;
}

static void meet(pair *p, tls_context *server, str ca_pem, const char *name)
{
    tls_context *client = client_of(ca_pem);
    p->client.opens = p->client.ends = 0;
    pair_start(p, server, client, name);
    await(p, p->client.opens || p->client.ends);
    tls_context_unref(client);
}

static void T33_it_vouches_for_its_names(void **state)
{
    pair *p = *state;
    err e = ERR_INIT;
    tls_context *server;
    tls_authority *a = authority(), *other = authority();
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_code(tls_authority_server(a, names[i], &server, &e), OK);
        meet(p, server, tls_authority_pem(a), names[i].ptr);
        assert_row(i, p->client.opens == 1);
        pair_stop(p);
        meet(p, server, tls_authority_pem(a), names[1 - i].ptr); // one certificate, one name
        assert_row(i, p->client.broken == NET_TLS);
        pair_stop(p);
        meet(p, server, tls_authority_pem(other), names[i].ptr);
        assert_row(i, p->client.broken == NET_TLS);
        pair_stop(p);
    }
    assert_code(tls_authority_server(a, STR("example.com"), &server, &e), NET_TLS_CONFIG);
    assert_string_equal(e.msg, "no certificate is made here for 'example.com'");
    tls_authority_free(a);
    tls_authority_free(other);
}

static X509 *certificate_of(str pem)
{
    BIO *b = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    X509 *x = PEM_read_bio_X509(b, NULL, NULL, NULL);
    BIO_free(b);
    assert_non_null(x);
    return x;
}

// Whatever its key signs: its own certificate limits what is believed.
static void T33_its_certificate_names_what_it_may_vouch_for(void **state)
{
    (void)state;
    static const struct {
        const char *san;
        bool permitted;
    } rows[] = {
        {"DNS:oauth2.googleapis.com", true},
        {"DNS:accounts.google.com", true},
        {"DNS:storage.googleapis.com", false},
        {"DNS:googleapis.com", false},
        {"DNS:xoauth2.googleapis.com", false},
        {"DNS:example.com", false},
        {"DNS:*.googleapis.com", false},
        {"IP:127.0.0.1", false},
        {"IP:::1", false},
        {"DNS:oauth2.googleapis.com.evil.example", false},
        {"DNS:oauth2.googleapis.com,IP:10.0.0.1", false},
    };
    tls_authority *a = authority();
    X509 *ca = certificate_of(tls_authority_pem(a));
    NAME_CONSTRAINTS *limits = X509_get_ext_d2i(ca, NID_name_constraints, NULL, NULL);
    assert_non_null(limits);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        X509 *x = X509_new();
        X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, rows[i].san);
        assert_int_equal(X509_add_ext(x, san, -1), 1);
        (void)X509_check_purpose(x, -1, 0); // reads the extensions
        assert_row(i, (NAME_CONSTRAINTS_check(x, limits) == X509_V_OK) == rows[i].permitted);
        X509_EXTENSION_free(san);
        X509_free(x);
    }
    NAME_CONSTRAINTS_free(limits);
    assert_int_equal(X509_get_pathlen(ca), 0); // no authority beneath it
    assert_int_equal(X509_get_key_usage(ca), KU_KEY_CERT_SIGN);
    assert_int_equal(X509_get_extended_key_usage(ca), XKU_SSL_SERVER);
    X509_free(ca);
    tls_authority_free(a);
}

static void a_certificate_is_made_once_and_renewed_in_time(void **state)
{
    (void)state;
    const struct {
        int64_t later_days;
        bool same, good;
    } rows[] = {{0, true, true}, {1, false, true}, {88, false, true}, {1, false, false}};
    err e = ERR_INIT;
    tls_authority *a = authority();
    tls_context *first, *now = NULL;
    int64_t shifted_ms = 0;
    assert_code(tls_authority_server(a, names[0], &first, &e), OK);
    tls_context_ref(first);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        clock_shift(rows[i].later_days * 24 * 3600 * 1000);
        shifted_ms += rows[i].later_days * 24 * 3600 * 1000;
        code c = tls_authority_server(a, names[0], &now, &e);
        assert_row(i, (c == OK) == rows[i].good);
        assert_row(i, !rows[i].good || (now == first) == rows[i].same);
    }
    assert_string_equal(e.msg, "the 90 days of this CA are over");
    clock_shift(-shifted_ms);
    tls_context_unref(first);
    tls_authority_free(a);
}

// A stream that began as plain text goes on as TLS: what was written before leaves before.
static void a_plain_stream_is_adopted(void **state)
{
    pair *p = *state;
    err e = ERR_INIT;
    tls_context *server;
    tls_authority *a = authority();
    assert_code(tls_authority_server(a, names[0], &server, &e), OK);
    pair_open(p);
    stream *s = p->server.s;
    p->server.s = NULL;
    p->server.opens = 0;
    stream_handle(s, &(stream_handlers){0}, NULL);
    stream_write(s, STR("go\n"));
    listener_adopt(p->listener, s, server);
    stream_resume(p->client.s);
    await(p, p->client.in.len == 3);
    stream_write(p->client.s, STR("\x16\x03\x01\x00\x02no")); // no handshake
    await(p, p->client.ends);                                 // it wasn't accepted, and is gone
    assert_int_equal(p->server.opens, 0);
    tls_authority_free(a);
}

static void one_that_was_kept_is_the_same(void **state)
{
    (void)state;
    static const str two[] = {{"a.example", 9}, {"b.example", 9}};
    const tls_authority_options o = {.title = "kept", .names = two, .name_count = 2};
    const tls_authority_options other = {.title = "kept", .names = two, .name_count = 1};
    tls_authority *made = tls_authority_new(&o), *kept = NULL;
    buf pem;
    tls_context *server;
    buf_init(&pem, 64 << 10);
    tls_authority_save(made, &pem);
    assert_code(tls_authority_load(&o, buf_str(&pem), &kept, NULL), OK);
    assert_str(tls_authority_pem(kept), tls_authority_pem(made));
    assert_code(tls_authority_server(kept, two[1], &server, NULL), OK);
    tls_authority_free(kept);
    // For other names, with another key, or cut, it isn't.
    assert_code(tls_authority_load(&other, buf_str(&pem), &kept, NULL), NET_TLS_CONFIG);
    tls_authority *second = tls_authority_new(&o);
    buf mixed;
    buf_init(&mixed, 64 << 10);
    tls_authority_save(second, &mixed);
    ssize_t at = str_find(buf_str(&mixed), STR("-----BEGIN CERTIFICATE"));
    assert_true(at > 0);
    buf_truncate(&mixed, (size_t)at);
    buf_adds(&mixed, tls_authority_pem(made));
    assert_code(tls_authority_load(&o, buf_str(&mixed), &kept, NULL), NET_TLS_CONFIG);
    assert_code(tls_authority_load(&o, str_sub(buf_str(&pem), 0, 100), &kept, NULL),
                NET_TLS_CONFIG);
    assert_code(tls_authority_load(&o, STR_NONE, &kept, NULL), NET_TLS_CONFIG);
    buf_deinit(&mixed);
    buf_deinit(&pem);
    tls_authority_free(second);
    tls_authority_free(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_CASE(T33_it_vouches_for_its_names),
        cmocka_unit_test(T33_its_certificate_names_what_it_may_vouch_for),
        cmocka_unit_test(a_certificate_is_made_once_and_renewed_in_time),
        cmocka_unit_test(one_that_was_kept_is_the_same),
        PAIR_CASE(a_plain_stream_is_adopted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
