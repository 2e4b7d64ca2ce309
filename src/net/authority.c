// SPDX-License-Identifier: Apache-2.0
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "net/net_authority.h"
#include "net/tls.h"

enum { DAY_S = 24 * 3600, NAMES_BYTES_MAX = 64 << 20 };

typedef struct leaf leaf;
struct leaf {
    tls_context *server;
    int64_t renew_s;
};

struct tls_authority {
    arena mem;
    EVP_PKEY *key, *leaf_key; // its own, and the one of all its servers
    X509 *cert;
    int64_t end_s;
    str pem;
    const char *alpn;
    map leaves; // name → leaf
};

// ---- certificates: nothing here fails but for want of memory, or a broken OpenSSL
// ----------------

static void must(bool done)
{
    if (!done)
        abort();
}

// What a certificate says of itself besides names and times.
typedef struct extension extension;
struct extension {
    int nid;
    const char *value;
};

static X509 *certificate(const char *title, EVP_PKEY *key, int64_t from_s, int64_t to_s)
{
    X509 *x = X509_new();
    must(x && X509_set_version(x, X509_VERSION_3) &&
         ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), rand_u64() >> 1) &&
         ASN1_TIME_set(X509_getm_notBefore(x), (time_t)from_s) &&
         ASN1_TIME_set(X509_getm_notAfter(x), (time_t)to_s) && X509_set_pubkey(x, key) &&
         X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                                    (const unsigned char *)title, -1, -1, 0));
    return x;
}

static void sign(X509 *x, X509 *issuer, EVP_PKEY *key, const extension *list, size_t count)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    must(X509_set_issuer_name(x, X509_get_subject_name(issuer)));
    for (size_t i = 0; i < count; i++) {
        X509_EXTENSION *one = X509V3_EXT_conf_nid(NULL, &ctx, list[i].nid, list[i].value);
        must(one && X509_add_ext(x, one, -1));
        X509_EXTENSION_free(one);
    }
    must(X509_sign(x, key, EVP_sha256()) > 0);
}

// No address is anybody's name here.
static const char *constraints(arena *a, const str *names, size_t count)
{
    buf b;
    buf_init(&b, NAMES_BYTES_MAX);
    buf_addz(&b, "critical,excluded;IP:0.0.0.0/0.0.0.0,excluded;IP:::/::");
    for (size_t i = 0; i < count; i++)
        buf_addf(&b, ",permitted;DNS:" STR_FMT, STR_ARG(names[i]));
    must(buf_ok(&b));
    const char *text = arena_cstr(a, buf_str(&b));
    buf_deinit(&b);
    return text;
}

static str pem_of(arena *a, X509 *x)
{
    char *ptr = NULL;
    BIO *b = BIO_new(BIO_s_mem());
    must(b && PEM_write_bio_X509(b, x));
    long len = BIO_get_mem_data(b, &ptr);
    str text = arena_str(a, (str){ptr, (size_t)len});
    BIO_free(b);
    return text;
}

// ---- the authority
// -------------------------------------------------------------------------------

static tls_authority *open_authority(const tls_authority_options *o)
{
    tls_authority *a = NEW(tls_authority);
    arena_init(&a->mem);
    a->leaf_key = EVP_EC_gen("P-256");
    must(a->leaf_key);
    a->alpn = o->alpn ? arena_cstr(&a->mem, str_from(o->alpn)) : NULL;
    for (size_t i = 0; i < o->name_count; i++)
        map_set(&a->leaves, arena_str(&a->mem, o->names[i]), ARENA_NEW(&a->mem, leaf));
    return a;
}

tls_authority *tls_authority_new(const tls_authority_options *o)
{
    tls_authority *a = open_authority(o);
    int64_t now_s = clock_wall_s();
    a->key = EVP_EC_gen("P-256");
    must(a->key);
    a->end_s = now_s + (int64_t)TLS_AUTHORITY_DAYS * DAY_S;
    a->cert = certificate(o->title, a->key, now_s - DAY_S, a->end_s);
    const extension list[] = {
        {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
        {NID_key_usage, "critical,keyCertSign"},
        {NID_ext_key_usage, "serverAuth"},
        {NID_subject_key_identifier, "hash"},
        {NID_name_constraints, constraints(&a->mem, o->names, o->name_count)},
    };
    sign(a->cert, a->cert, a->key, list, ARRAY_LEN(list));
    a->pem = pem_of(&a->mem, a->cert);
    return a;
}

// ---- one that was kept --------------------------------------------------------------------------

void tls_authority_save(const tls_authority *a, buf *out)
{
    char *ptr = NULL;
    BIO *b = BIO_new(BIO_s_secmem());
    must(b && PEM_write_bio_PKCS8PrivateKey(b, a->key, NULL, NULL, 0, NULL, NULL));
    long len = BIO_get_mem_data(b, &ptr);
    buf_add(out, ptr, (size_t)len);
    buf_adds(out, a->pem);
    BIO_free(b);
}

static bool has_constraints(tls_authority *a, const tls_authority_options *o)
{
    const char *text = constraints(&a->mem, o->names, o->name_count);
    X509_EXTENSION *wanted = X509V3_EXT_conf_nid(NULL, NULL, NID_name_constraints, text);
    int at = X509_get_ext_by_NID(a->cert, NID_name_constraints, -1);
    must(wanted);
    bool same = at >= 0 && ASN1_OCTET_STRING_cmp(X509_EXTENSION_get_data(X509_get_ext(a->cert, at)),
                                                 X509_EXTENSION_get_data(wanted)) == 0;
    X509_EXTENSION_free(wanted);
    return same;
}

static bool ends_soon(const tls_authority *a, int64_t now_s)
{
    time_t soon = (time_t)(now_s + (int64_t)TLS_AUTHORITY_RENEW_DAYS * DAY_S);
    return X509_cmp_time(X509_get0_notAfter(a->cert), &soon) <= 0;
}

static int64_t end_of(const X509 *x)
{
    struct tm tm;
    must(ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm));
    return (int64_t)timegm(&tm);
}

code tls_authority_load(const tls_authority_options *o, str saved, tls_authority **ret_authority,
                        err *e)
{
    tls_authority *a = open_authority(o);
    BIO *b = BIO_new_mem_buf(saved.len ? saved.ptr : "", (int)saved.len);
    must(b);
    a->key = PEM_read_bio_PrivateKey(b, NULL, NULL, NULL);
    a->cert = PEM_read_bio_X509(b, NULL, NULL, NULL);
    BIO_free(b);
    const char *why = !a->key || !a->cert ? "it can't be read"
                      : X509_check_private_key(a->cert, a->key) != 1
                          ? "its key belongs to another certificate"
                      : !has_constraints(a, o)       ? "it is for other names"
                      : ends_soon(a, clock_wall_s()) ? "its days are nearly over"
                                                     : NULL;
    if (why) {
        tls_authority_free(a);
        ERR_clear_error();
        return err_set(e, NET_TLS_CONFIG, "the CA that was kept isn't used: %s", why);
    }
    a->end_s = end_of(a->cert);
    a->pem = pem_of(&a->mem, a->cert);
    *ret_authority = a;
    return OK;
}

void tls_authority_free(tls_authority *a)
{
    if (!a)
        return;
    size_t cursor = 0;
    str name;
    void *l;
    while (map_next(&a->leaves, &cursor, &name, &l))
        tls_context_unref(((leaf *)l)->server);
    map_deinit(&a->leaves, NULL);
    X509_free(a->cert);
    EVP_PKEY_free(a->leaf_key);
    EVP_PKEY_free(a->key);
    arena_deinit(&a->mem);
    free(a);
}

str tls_authority_pem(const tls_authority *a)
{
    return a->pem;
}

static tls_context *make_server(const tls_authority *a, const char *name, int64_t now_s)
{
    int64_t to_s = now_s + (int64_t)TLS_LEAF_DAYS * DAY_S;
    char san[300];
    snprintf(san, sizeof(san), "DNS:%s", name);
    const extension list[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, "serverAuth"},
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid:always"},
        {NID_subject_alt_name, san},
    };
    X509 *x =
        certificate("gatepost up", a->leaf_key, now_s - DAY_S, to_s < a->end_s ? to_s : a->end_s);
    sign(x, a->cert, a->key, list, ARRAY_LEN(list));
    tls_context *server = tls_server_of(x, a->leaf_key, a->alpn);
    X509_free(x);
    return server;
}

code tls_authority_server(tls_authority *a, str name, tls_context **ret_ctx, err *e)
{
    int64_t now_s = clock_wall_s();
    leaf *l = map_get(&a->leaves, name);
    if (!l)
        return err_set(e, NET_TLS_CONFIG, "no certificate is made here for '" STR_FMT "'",
                       STR_ARG(name));
    if (now_s >= a->end_s)
        return err_set(e, NET_TLS_CONFIG, "the %d days of this CA are over", TLS_AUTHORITY_DAYS);
    if (!l->server || now_s >= l->renew_s) {
        char host[256];
        snprintf(host, sizeof(host), STR_FMT, STR_ARG(name));
        tls_context_unref(l->server);
        l->server = make_server(a, host, now_s);
        l->renew_s = now_s + TLS_LEAF_DAYS * DAY_S / 2;
    }
    *ret_ctx = l->server;
    return OK;
}
