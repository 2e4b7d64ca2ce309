// SPDX-License-Identifier: Apache-2.0
// What a failure of libcurl means to the one who made the call, with the name that Node's programs
// (and so newman's users) know it by.
#include <errno.h>
#include <string.h>

#include "fetch/call.h"

typedef struct failure_row failure_row;
struct failure_row {
    int key;
    code code;
    const char *name;
};

static const failure_row by_result[] = {
    {CURLE_URL_MALFORMAT, FETCH_REQUEST, "ERR_INVALID_URL"},
    {CURLE_COULDNT_RESOLVE_HOST, FETCH_RESOLVE, "ENOTFOUND"},
    {CURLE_COULDNT_RESOLVE_PROXY, FETCH_PROXY, "ENOTFOUND"},
    {CURLE_PROXY, FETCH_PROXY, "ECONNRESET"},
    {CURLE_UNSUPPORTED_PROTOCOL, FETCH_PROTOCOL, "HPE_INVALID_CONSTANT"}, // HTTP/0.9
    {CURLE_WEIRD_SERVER_REPLY, FETCH_PROTOCOL, "HPE_INVALID_HEADER_TOKEN"},
    {CURLE_GOT_NOTHING, FETCH_PROTOCOL, "ECONNRESET"},
    {CURLE_RECV_ERROR, FETCH_PROTOCOL, "ECONNRESET"},
    {CURLE_SEND_ERROR, FETCH_PROTOCOL, "EPIPE"},
    {CURLE_PARTIAL_FILE, FETCH_PROTOCOL, "ECONNRESET"},
    {CURLE_HTTP2, FETCH_PROTOCOL, "ERR_HTTP2_SESSION_ERROR"},
    {CURLE_HTTP2_STREAM, FETCH_PROTOCOL, "ERR_HTTP2_STREAM_ERROR"},
    {CURLE_BAD_CONTENT_ENCODING, FETCH_PROTOCOL, "Z_DATA_ERROR"},
    {CURLE_SSL_CONNECT_ERROR, FETCH_TLS, "EPROTO"},
    {CURLE_SSL_CERTPROBLEM, FETCH_TLS, "ERR_OSSL_BAD_CERTIFICATE"},
    {CURLE_SSL_CACERT_BADFILE, FETCH_TLS, "ERR_OSSL_BAD_CERTIFICATE"},
    {CURLE_SSL_CIPHER, FETCH_TLS, "EPROTO"},
};

static const failure_row by_errno[] = {
    {ECONNREFUSED, FETCH_CONNECT, "ECONNREFUSED"},
    {ECONNRESET, FETCH_CONNECT, "ECONNRESET"},
    {EHOSTUNREACH, FETCH_CONNECT, "EHOSTUNREACH"},
    {ENETUNREACH, FETCH_CONNECT, "ENETUNREACH"},
    {EADDRNOTAVAIL, FETCH_CONNECT, "EADDRNOTAVAIL"},
    {ETIMEDOUT, FETCH_TIMEOUT, "ETIMEDOUT"},
    {EACCES, FETCH_CONNECT, "EACCES"},
};

// X509_V_ERR_…, by OpenSSL's numbers (x509_vfy.h), which are part of its interface.
static const failure_row by_certificate[] = {
    {0, FETCH_TLS, "ERR_TLS_CERT_ALTNAME_INVALID"}, // the chain is good, the name is another's
    {9, FETCH_TLS, "CERT_NOT_YET_VALID"},
    {10, FETCH_TLS, "CERT_HAS_EXPIRED"},
    {18, FETCH_TLS, "DEPTH_ZERO_SELF_SIGNED_CERT"},
    {19, FETCH_TLS, "SELF_SIGNED_CERT_IN_CHAIN"},
    {20, FETCH_TLS, "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"},
    {21, FETCH_TLS, "UNABLE_TO_VERIFY_LEAF_SIGNATURE"},
    {23, FETCH_TLS, "CERT_REVOKED"},
    {62, FETCH_TLS, "ERR_TLS_CERT_ALTNAME_INVALID"},
};

static const failure_row *find(const failure_row *rows, size_t count, long key)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].key == key)
            return &rows[i];
    return NULL;
}

static const failure_row *judge_timeout(fetch_call *call)
{
    static const failure_row connecting = {0, FETCH_TIMEOUT, "ETIMEDOUT"};
    static const failure_row waiting = {0, FETCH_TIMEOUT, "ESOCKETTIMEDOUT"};
    curl_off_t ready = 0;
    curl_easy_getinfo(call->easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
    return ready ? &waiting : &connecting;
}

static const failure_row *judge(fetch_call *call, CURLcode result)
{
    static const failure_row other = {0, FETCH_PROTOCOL, "ECONNRESET"};
    long detail = 0;
    const failure_row *row = NULL;
    if (result == CURLE_OPERATION_TIMEDOUT)
        return judge_timeout(call);
    if (result == CURLE_COULDNT_CONNECT) {
        static const failure_row refused = {0, FETCH_CONNECT, "ECONNREFUSED"};
        curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &detail);
        row = find(by_errno, ARRAY_LEN(by_errno), detail);
        return row ? row : &refused;
    }
    if (result == CURLE_PEER_FAILED_VERIFICATION) {
        static const failure_row certificate = {0, FETCH_TLS, "CERT_UNTRUSTED"};
        curl_easy_getinfo(call->easy, CURLINFO_SSL_VERIFYRESULT, &detail);
        row = find(by_certificate, ARRAY_LEN(by_certificate), detail);
        return row ? row : &certificate;
    }
    row = find(by_result, ARRAY_LEN(by_result), (long)result);
    return row ? row : &other;
}

static void add_hint(err *e, const failure_row *row)
{
    if (row->code == FETCH_CONNECT)
        (void)err_hint(e, "nothing listens there: is the port right, and the server running? A "
                          "service of this machine is started with: gatepost up");
    if (row->code == FETCH_RESOLVE)
        (void)err_hint(e, "is the name spelt right? The services of a project and their URLs: "
                          "gcloud run services list");
    if (row->code == FETCH_TLS && e->hint[0] == '\0' && strncmp(row->name, "EPROTO", 6) != 0)
        (void)err_hint(e, "if the server's certificate comes from an authority of your own, name "
                          "its file with --ssl-extra-ca-certs");
}

const char *call_failure(fetch_call *call, CURLcode result, err *e)
{
    if (call->fail.code) {
        *e = call->fail;
        return call->fail.code == FETCH_ADDRESS ? "EACCES" : code_id(call->fail.code);
    }
    const failure_row *row = judge(call, result);
    const char *text = call->curl_text[0] ? call->curl_text : curl_easy_strerror(result);
    (void)err_set(e, row->code, "%s (%s)", text, row->name);
    add_hint(e, row);
    return row->name;
}
