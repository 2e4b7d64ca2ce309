// SPDX-License-Identifier: Apache-2.0
#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

enum { ALPN_BYTES_MAX = 64 };

struct tls_context {
    SSL_CTX *ssl;
    int refs;
    bool is_server;
    bool insecure;
    unsigned char alpn[ALPN_BYTES_MAX]; // wire form: length, name, …
    size_t alpn_len;
};

struct tls_layer {
    SSL *ssl;
    BIO *in; // the SSL owns both
    BIO *out;
    bool ready;
    bool is_server;
    char alpn[16];
};

// ---- errors -------------------------------------------------------------------------------------

// OpenSSL's newest reason, and for a refused certificate why.
static code fail(err *e, code c, const char *what, const SSL *ssl)
{
    unsigned long last = ERR_peek_last_error();
    const char *reason = last ? ERR_reason_error_string(last) : NULL;
    long verified = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;
    ERR_clear_error();
    if (verified != X509_V_OK)
        return err_set(e, c, "%s: certificate verify failed (%s)", what,
                       X509_verify_cert_error_string(verified));
    return err_set(e, c, "%s: %s", what, reason ? reason : "unexpected end");
}

// ---- contexts -----------------------------------------------------------------------------------

static BIO *pem_bio(str pem)
{
    return BIO_new_mem_buf(pem.ptr, (int)pem.len);
}

// No passphrase is ever asked for on a terminal.
static int no_passphrase(char *ptr, int cap, int rw, void *ctx)
{
    (void)ptr, (void)cap, (void)rw, (void)ctx;
    return -1;
}

static bool use_chain(SSL_CTX *ssl, str pem)
{
    BIO *b = pem_bio(pem);
    X509 *leaf = PEM_read_bio_X509(b, NULL, no_passphrase, NULL);
    bool ok = leaf && SSL_CTX_use_certificate(ssl, leaf) == 1;
    X509_free(leaf);
    for (X509 *more; ok && (more = PEM_read_bio_X509(b, NULL, no_passphrase, NULL));) {
        ok = SSL_CTX_add0_chain_cert(ssl, more) == 1;
        if (!ok)
            X509_free(more);
    }
    if (ok)
        ERR_clear_error(); // the end of the file is one
    BIO_free(b);
    return ok;
}

static code use_certificate(SSL_CTX *ssl, str cert_pem, str key_pem, err *e)
{
    if (!use_chain(ssl, cert_pem))
        return fail(e, NET_TLS_CONFIG, "reading the certificate", NULL);
    BIO *b = pem_bio(key_pem);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(b, NULL, no_passphrase, NULL);
    BIO_free(b);
    bool ok = key && SSL_CTX_use_PrivateKey(ssl, key) == 1;
    EVP_PKEY_free(key);
    if (!ok)
        return fail(e, NET_TLS_CONFIG, "reading the certificate's key", NULL);
    return OK;
}

static code trust_ca(SSL_CTX *ssl, str ca_pem, err *e)
{
    BIO *b = pem_bio(ca_pem);
    size_t count = 0;
    for (X509 *ca; (ca = PEM_read_bio_X509(b, NULL, no_passphrase, NULL)); X509_free(ca))
        count += X509_STORE_add_cert(SSL_CTX_get_cert_store(ssl), ca) == 1;
    BIO_free(b);
    if (!count)
        return fail(e, NET_TLS_CONFIG, "reading the CA certificates", NULL);
    ERR_clear_error();
    return OK;
}

static void set_alpn(tls_context *c, const char *names)
{
    str rest = str_from(names), name;
    while (str_next(&rest, ',', &name)) {
        if (!name.len || c->alpn_len + 1 + name.len > sizeof(c->alpn))
            continue;
        c->alpn[c->alpn_len++] = (unsigned char)name.len;
        memcpy(c->alpn + c->alpn_len, name.ptr, name.len);
        c->alpn_len += name.len;
    }
}

static int on_alpn(SSL *ssl, const unsigned char **ret_name, unsigned char *ret_len,
                   const unsigned char *offered, unsigned offered_len, void *ctx)
{
    (void)ssl;
    const tls_context *c = ctx;
    unsigned char *chosen = NULL;
    // RFC 7301 §3.2: nothing in common ends the handshake.
    if (SSL_select_next_proto(&chosen, ret_len, c->alpn, (unsigned)c->alpn_len, offered,
                              offered_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret_name = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static tls_context *context_new(const SSL_METHOD *method, const char *alpn)
{
    tls_context *c = NEW(tls_context);
    c->refs = 1;
    c->ssl = SSL_CTX_new(method);
    if (!c->ssl)
        abort(); // OpenSSL itself is broken
    SSL_CTX_set_min_proto_version(c->ssl, TLS1_2_VERSION);
    SSL_CTX_set_options(c->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                    SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(c->ssl, SSL_MODE_RELEASE_BUFFERS);
    if (alpn)
        set_alpn(c, alpn);
    return c;
}

static tls_context *server_context_new(const char *alpn)
{
    tls_context *c = context_new(TLS_server_method(), alpn);
    c->is_server = true;
    if (c->alpn_len)
        SSL_CTX_set_alpn_select_cb(c->ssl, on_alpn, c);
    return c;
}

tls_context *tls_server_of(X509 *cert, EVP_PKEY *key, const char *alpn)
{
    tls_context *c = server_context_new(alpn);
    if (SSL_CTX_use_certificate(c->ssl, cert) != 1 || SSL_CTX_use_PrivateKey(c->ssl, key) != 1)
        abort(); // the two don't belong together
    return c;
}

code tls_server_new(const tls_server_options *o, tls_context **ret_ctx, err *e)
{
    tls_context *c = server_context_new(o->alpn);
    code rc = use_certificate(c->ssl, o->cert_pem, o->key_pem, e);
    if (rc) {
        tls_context_unref(c);
        return rc;
    }
    *ret_ctx = c;
    return OK;
}

code tls_client_new(const tls_client_options *o, tls_context **ret_ctx, err *e)
{
    tls_context *c = context_new(TLS_client_method(), o->alpn);
    c->insecure = o->insecure;
    SSL_CTX_set_verify(c->ssl, o->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_default_verify_paths(c->ssl);
    ERR_clear_error();
    code rc = OK;
    if (o->ca_pem.len)
        rc = trust_ca(c->ssl, o->ca_pem, e);
    if (!rc && o->cert_pem.len)
        rc = use_certificate(c->ssl, o->cert_pem, o->key_pem, e);
    if (!rc && c->alpn_len)
        SSL_CTX_set_alpn_protos(c->ssl, c->alpn, (unsigned)c->alpn_len);
    if (rc) {
        tls_context_unref(c);
        return rc;
    }
    *ret_ctx = c;
    return OK;
}

tls_context *tls_context_ref(tls_context *c)
{
    c->refs++;
    return c;
}

void tls_context_unref(tls_context *c)
{
    if (!c || --c->refs)
        return;
    SSL_CTX_free(c->ssl);
    free(c);
}

// ---- layer --------------------------------------------------------------------------------------

// The name or address that the peer's certificate must be for.
static void expect_name(SSL *ssl, const char *name)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    if (X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1)
        return;
    SSL_set_tlsext_host_name(ssl, name);
    // RFC 9525 §2: what stands in the subject's common name is no host name.
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    X509_VERIFY_PARAM_set1_host(param, name, 0);
}

tls_layer *tls_layer_new(tls_context *c, const char *name)
{
    tls_layer *t = NEW(tls_layer);
    t->ssl = SSL_new(c->ssl); // holds the SSL_CTX
    t->in = BIO_new(BIO_s_mem());
    t->out = BIO_new(BIO_s_mem());
    if (!t->ssl || !t->in || !t->out)
        abort(); // out of memory
    BIO_set_mem_eof_return(t->in, -1);
    SSL_set_bio(t->ssl, t->in, t->out);
    t->is_server = c->is_server;
    if (c->is_server) {
        SSL_set_accept_state(t->ssl);
    } else {
        SSL_set_connect_state(t->ssl);
        expect_name(t->ssl, name);
    }
    return t;
}

void tls_layer_free(tls_layer *t)
{
    if (!t)
        return;
    SSL_free(t->ssl);
    free(t);
}

static void drain(tls_layer *t, buf *out)
{
    char *ptr = NULL;
    long len = BIO_get_mem_data(t->out, &ptr);
    if (len <= 0)
        return;
    buf_add(out, ptr, (size_t)len);
    (void)BIO_reset(t->out);
}

void tls_layer_feed(tls_layer *t, str encrypted)
{
    BIO_write(t->in, encrypted.ptr, (int)encrypted.len);
}

tls_status tls_layer_handshake(tls_layer *t, buf *out, err *e)
{
    int rc = SSL_do_handshake(t->ssl);
    int why = SSL_get_error(t->ssl, rc);
    drain(t, out);
    if (rc == 1) {
        t->ready = true;
        return TLS_OK;
    }
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
        return TLS_WAIT;
    (void)fail(e, NET_TLS, "TLS handshake", t->ssl);
    return TLS_FAILED;
}

bool tls_layer_ready(const tls_layer *t)
{
    return t->ready;
}

tls_status tls_layer_read(tls_layer *t, char *ptr, size_t cap, size_t *ret_len, buf *out, err *e)
{
    int rc = SSL_read_ex(t->ssl, ptr, cap, ret_len);
    int why = SSL_get_error(t->ssl, rc);
    drain(t, out);
    if (rc == 1)
        return TLS_OK;
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
        return TLS_WAIT;
    if (why == SSL_ERROR_ZERO_RETURN)
        return TLS_END;
    (void)fail(e, NET_TLS, "reading TLS", NULL);
    return TLS_FAILED;
}

tls_status tls_layer_write(tls_layer *t, str plain, buf *out, err *e)
{
    size_t written = 0;
    int rc = SSL_write_ex(t->ssl, plain.ptr, plain.len, &written);
    drain(t, out);
    if (rc == 1)
        return TLS_OK; // the memory BIO takes all
    (void)fail(e, NET_TLS, "writing TLS", NULL);
    return TLS_FAILED;
}

void tls_layer_goodbye(tls_layer *t, buf *out)
{
    SSL_shutdown(t->ssl);
    ERR_clear_error();
    drain(t, out);
}

bool tls_layer_needs_goodbye(const tls_layer *t)
{
    return !t->is_server;
}

const char *tls_layer_alpn(tls_layer *t)
{
    const unsigned char *name = NULL;
    unsigned len = 0;
    SSL_get0_alpn_selected(t->ssl, &name, &len);
    if (len >= sizeof(t->alpn))
        len = 0;
    if (len)
        memcpy(t->alpn, name, len);
    t->alpn[len] = 0;
    return t->alpn;
}
