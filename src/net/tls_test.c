// SPDX-License-Identifier: Apache-2.0
// TLS over streams: whom a client believes (threat 33), and how a handshake and a stream may end.
// The certificates are made here, as wrong as a row of the table wants them.
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "net/net_test_pair.h"

typedef struct made made;
struct made {
    buf cert, key;
};

static void pem_text(BIO *b, buf *out)
{
    char *ptr = NULL;
    long len = BIO_get_mem_data(b, &ptr);
    buf_init(out, 1 << 16);
    buf_add(out, ptr, (size_t)len);
    BIO_free(b);
}

static void add_name(X509 *x, int type, str value)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *text = type == GEN_IPADD ? (ASN1_STRING *)ASN1_OCTET_STRING_new()
                                          : (ASN1_STRING *)ASN1_IA5STRING_new();
    ASN1_STRING_set(text, value.ptr, (int)value.len);
    GENERAL_NAME_set0_value(name, type, text);
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    sk_GENERAL_NAME_push(names, name);
    assert_int_equal(X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT), 1);
    GENERAL_NAMES_free(names);
}

// Signs itself; `san` may be empty. Valid from a day ago until `days` from now.
static made make(const char *common_name, int type, str san, int days)
{
    made m;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), days < 0 ? 2 * 86400L * days : -86400L);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400L * days);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               (const unsigned char *)common_name, -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    X509_set_pubkey(x, key);
    if (san.len)
        add_name(x, type, san);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    BIO *b = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(b, x);
    pem_text(b, &m.cert);
    b = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(b, key, NULL, NULL, 0, NULL, NULL);
    pem_text(b, &m.key);
    X509_free(x);
    EVP_PKEY_free(key);
    return m;
}

static void drop(made *m)
{
    buf_deinit(&m->cert);
    buf_deinit(&m->key);
}

static tls_context *server_of(const made *m, const char *alpn)
{
    tls_context *ctx;
    err e = ERR_INIT;
    tls_server_options o = {buf_str(&m->cert), buf_str(&m->key), alpn};
    assert_code(tls_server_new(&o, &ctx, &e), OK);
    return ctx;
}

static tls_context *client_of(str ca_pem, bool insecure, const char *alpn)
{
    tls_context *ctx;
    err e = ERR_INIT;
    tls_client_options o = {.ca_pem = ca_pem, .insecure = insecure, .alpn = alpn};
    assert_code(tls_client_new(&o, &ctx, &e), OK);
    return ctx;
}

// Both ends know the outcome: the client is open or has ended.
static void meet(pair *p, const made *m, tls_context *client, const char *name)
{
    tls_context *server = server_of(m, NULL);
    pair_start(p, server, client, name);
    await(p, p->client.opens || p->client.ends);
    tls_context_unref(server);
}

static void T33_a_client_believes_the_right_certificate_only(void **state)
{
    pair *p = *state;
    const struct {
        const char *common_name;
        int type;
        str san;
        int days;
        bool trusted, insecure;
        const char *name;
        bool believed;
    } rows[] = {
        {"x", GEN_DNS, STR("a.example"), 1, true, false, "a.example", true},
        {"x", GEN_DNS, STR("a.example"), 1, true, false, "A.Example", true},
        {"x", GEN_DNS, STR("*.a.example"), 1, true, false, "b.a.example", true},
        {"x", GEN_IPADD, STR("\x7f\0\0\1"), 1, true, false, NULL, true}, // the address itself
        {"x", GEN_DNS, STR("b.example"), 1, true, false, "a.example", false},
        {"x", GEN_DNS, STR("a.example"), 1, true, false, NULL, false}, // 127.0.0.1
        {"x", GEN_DNS, STR("127.0.0.1"), 1, true, false, NULL, false}, // a name that looks so
        {"x", GEN_DNS, STR("*.a.example"), 1, true, false, "c.b.a.example", false},
        {"x", GEN_DNS, STR("*.example"), 1, true, false, "a.example", false}, // too wide
        {"x", GEN_DNS, STR("b*.a.example"), 1, true, false, "bc.a.example", false},
        {"x", GEN_DNS, STR("a.example\0.evil.example"), 1, true, false, "a.example", false},
        {"a.example", GEN_DNS, STR("b.example"), 1, true, false, "a.example", false},
        {"a.example", GEN_DNS, STR(""), 1, true, false, "a.example", false},   // no name but CN
        {"x", GEN_DNS, STR("a.example"), -1, true, false, "a.example", false}, // expired
        {"x", GEN_DNS, STR("a.example"), 1, false, false, "a.example", false}, // whose?
        {"x", GEN_DNS, STR("b.example"), -1, false, true, "a.example", true},  // as told
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        made m = make(rows[i].common_name, rows[i].type, rows[i].san, rows[i].days);
        tls_context *client =
            client_of(rows[i].trusted ? buf_str(&m.cert) : STR_NONE, rows[i].insecure, NULL);
        p->client.opens = p->client.ends = 0;
        meet(p, &m, client, rows[i].name);
        assert_row(i, p->client.opens == rows[i].believed);
        assert_row(i, rows[i].believed || p->client.broken == NET_TLS);
        assert_row(i, rows[i].believed || strstr(p->client.why, "certificate") ||
                          strstr(p->client.why, "mismatch"));
        pair_stop(p);
        tls_context_unref(client);
        drop(&m);
    }
}

static void a_pair_that_speaks_tls(pair *p, const char *server_alpn, const char *client_alpn)
{
    made m = make("x", GEN_DNS, STR("a.example"), 1);
    tls_context *server = server_of(&m, server_alpn);
    tls_context *client = client_of(buf_str(&m.cert), false, client_alpn);
    pair_start(p, server, client, "a.example");
    await(p, (p->client.opens && p->server.opens) || p->client.ends);
    tls_context_unref(server);
    tls_context_unref(client);
    drop(&m);
}

static void much_goes_both_ways(void **state)
{
    pair *p = *state;
    static char bytes[300000];
    memset(bytes, 'x', sizeof(bytes));
    a_pair_that_speaks_tls(p, "http/1.1", "h2,http/1.1");
    assert_true(stream_is_tls(p->client.s) && stream_is_tls(p->server.s));
    assert_string_equal(stream_alpn(p->client.s), "http/1.1");
    assert_string_equal(stream_alpn(p->server.s), "http/1.1");
    stream_resume(p->client.s);
    stream_resume(p->server.s);
    for (int i = 0; i < 10; i++)
        stream_write(i % 2 ? p->client.s : p->server.s, (str){bytes, sizeof(bytes)});
    stream_shutdown(p->client.s);
    await(p, p->server.ends);
    stream_shutdown(p->server.s);
    await(p, p->client.ends);
    assert_int_equal(p->server.in.len, 5 * sizeof(bytes));
    assert_int_equal(p->client.in.len, 5 * sizeof(bytes));
    assert_int_equal(p->client.broken, OK);
    assert_int_equal(p->server.broken, OK);
}

static void what_is_decrypted_waits_for_resume(void **state)
{
    pair *p = *state;
    a_pair_that_speaks_tls(p, NULL, NULL);
    assert_string_equal(stream_alpn(p->client.s), "");
    stream_resume(p->client.s);
    stream_write(p->client.s, STR("early"));
    stream_write(p->server.s, STR("x"));
    await(p, p->client.in.len == 1);
    assert_int_equal(p->server.in.len, 0);
    stream_resume(p->server.s);
    await(p, p->server.in.len == 5);
}

static void a_protocol_that_nobody_shares_ends_the_handshake(void **state)
{
    pair *p = *state;
    a_pair_that_speaks_tls(p, "http/1.1", "h2");
    assert_int_equal(p->client.broken, NET_TLS);
    assert_int_equal(p->client.opens + p->server.opens, 0);
}

// Without the goodbye a client can't tell the whole answer from one that somebody cut.
static void T33_a_cut_connection_is_no_end(void **state)
{
    pair *p = *state;
    a_pair_that_speaks_tls(p, NULL, NULL);
    stream_resume(p->client.s);
    stream_write(p->server.s, STR("half an ans"));
    await(p, p->client.in.len == 11);
    stream_free(p->server.s);
    p->server.s = NULL;
    await(p, p->client.ends);
    assert_int_equal(p->client.broken, NET_BROKEN);
    assert_non_null(strstr(p->client.why, "cut the TLS connection"));
}

static void a_peer_that_does_not_speak_tls(void **state)
{
    pair *p = *state;
    tls_context *client = client_of(STR_NONE, true, NULL);
    pair_start(p, NULL, client, NULL);
    await(p, p->server.opens);
    stream_write(p->server.s, STR("HTTP/1.1 400 Bad Request\r\n\r\n"));
    await(p, p->client.ends);
    assert_int_equal(p->client.broken, NET_TLS);
    tls_context_unref(client);
}

static void a_handshake_has_its_time(void **state)
{
    pair *p = *state;
    made m = make("x", GEN_DNS, STR("a.example"), 1);
    tls_context *server = server_of(&m, NULL);
    listen_options lo = {
        .tls = server, .handshake_timeout_ms = 30, .on_accept = pair_accept, .ctx = p};
    assert_code(listener_new(p->loop, &lo, &p->listener, NULL), OK);
    connect_options co = {.host = "127.0.0.1", .port = listener_port(p->listener)};
    p->client.s = stream_connect(p->loop, &co, &end_handlers, &p->client); // and says nothing
    await(p, p->client.opens);
    stream_resume(p->client.s);
    await(p, p->client.ends);
    assert_int_equal(p->server.opens, 0);
    tls_context_unref(server);
    drop(&m);

    pair_stop(p);
    p->client.ends = p->client.opens = 0;
    tls_context *client = client_of(STR_NONE, true, NULL);
    listen_options plain = {.on_accept = pair_accept, .ctx = p}; // a server that says nothing
    assert_code(listener_new(p->loop, &plain, &p->listener, NULL), OK);
    connect_options slow = {
        .host = "127.0.0.1", .port = listener_port(p->listener), .tls = client, .timeout_ms = 30};
    p->client.s = stream_connect(p->loop, &slow, &end_handlers, &p->client);
    await(p, p->client.ends);
    assert_int_equal(p->client.broken, SYS_TIMEOUT);
    assert_int_equal(p->client.opens, 0);
    tls_context_unref(client);
}

static void what_cannot_be_a_context_is_told(void **state)
{
    (void)state;
    made one = make("x", GEN_DNS, STR("a.example"), 1), other = make("x", GEN_DNS, STR("b"), 1);
    str cert = buf_str(&one.cert), key = buf_str(&one.key), wrong = buf_str(&other.key);
    const struct {
        str cert, key;
        const char *says;
    } rows[] = {
        {STR(""), key, "the certificate"},        {STR("rubbish"), key, "the certificate"},
        {cert, STR(""), "the certificate's key"}, {cert, wrong, "the certificate's key"},
        {cert, cert, "the certificate's key"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        tls_context *ctx = NULL;
        err e = ERR_INIT;
        tls_server_options o = {rows[i].cert, rows[i].key, NULL};
        assert_row(i, tls_server_new(&o, &ctx, &e) == NET_TLS_CONFIG);
        assert_row(i, strstr(e.msg, rows[i].says) != NULL);
        assert_row(i, strstr(e.msg, "PRIVATE KEY") == NULL);
        assert_null(ctx);
    }
    tls_context *ctx = NULL;
    err e = ERR_INIT;
    tls_client_options ca = {.ca_pem = STR("rubbish")};
    assert_code(tls_client_new(&ca, &ctx, &e), NET_TLS_CONFIG);
    tls_client_options mine = {.cert_pem = cert, .key_pem = wrong};
    assert_code(tls_client_new(&mine, &ctx, &e), NET_TLS_CONFIG);
    mine.key_pem = key;
    assert_code(tls_client_new(&mine, &ctx, &e), OK);
    tls_context_unref(ctx);
    tls_context_unref(NULL);
    drop(&one);
    drop(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_CASE(T33_a_client_believes_the_right_certificate_only),
        PAIR_CASE(much_goes_both_ways),
        PAIR_CASE(what_is_decrypted_waits_for_resume),
        PAIR_CASE(a_protocol_that_nobody_shares_ends_the_handshake),
        PAIR_CASE(T33_a_cut_connection_is_no_end),
        PAIR_CASE(a_peer_that_does_not_speak_tls),
        PAIR_CASE(a_handshake_has_its_time),
        cmocka_unit_test(what_cannot_be_a_context_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
