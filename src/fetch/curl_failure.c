// SPDX-License-Identifier: Apache-2.0
// engine_curl: what a failure of libcurl means.
#include <string.h>

#include "fetch/call.h"

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
    {CURLE_SSL_CONNECT_ERROR, FETCH_TLS, "EPROTO"},
    {CURLE_SSL_CERTPROBLEM, FETCH_TLS, "ERR_OSSL_BAD_CERTIFICATE"},
    {CURLE_SSL_CACERT_BADFILE, FETCH_TLS, "ERR_OSSL_BAD_CERTIFICATE"},
    {CURLE_SSL_CIPHER, FETCH_TLS, "EPROTO"},
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

static const failure_row *judge_certificate(CURL *easy)
{
    static const failure_row other = {0, FETCH_TLS, "CERT_UNTRUSTED"};
    long detail = 0;
    curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &detail);
    const failure_row *row = failure_find(by_certificate, ARRAY_LEN(by_certificate), detail);
    return row ? row : &other;
}

static const failure_row *judge(CURL *easy, CURLcode result)
{
    static const failure_row other = {0, FETCH_PROTOCOL, "ECONNRESET"};
    curl_off_t ready = 0;
    long detail = 0;
    switch (result) {
    case CURLE_OPERATION_TIMEDOUT:
        curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
        return failure_of_timeout(!ready);
    case CURLE_COULDNT_CONNECT:
        curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &detail);
        return failure_of_connect(detail);
    case CURLE_PEER_FAILED_VERIFICATION:
        return judge_certificate(easy);
    default:
        break;
    }
    const failure_row *row = failure_find(by_result, ARRAY_LEN(by_result), (long)result);
    return row ? row : &other;
}

void curl_fail(fetch_call *call, CURLcode result)
{
    const char *text = call->curl.text[0] ? call->curl.text : curl_easy_strerror(result);
    fetch_fail(call, judge(call->curl.easy, result), text);
}
