// SPDX-License-Identifier: Apache-2.0
// Inside fetch: one call in flight. What a request means and how a response is accounted is the
// same whoever carries it (request.c, response.c); the carrier is one of two engines:
//
//   direct  our own connections (http room): plain HTTP/1.1 to the server itself. The common case
//           of a run, at a fraction of the cost.
//   curl    libcurl: all the rest, that is TLS, HTTP/2, proxies, and what pick.c names besides.
#pragma once

#include <curl/curl.h>

#include "fetch/fetch.h"
#include "http/http.h"
#include "net/net.h"
#include "uri/uri.h"

typedef struct engine engine;
typedef struct origin origin;
typedef struct decoder decoder;

// What a failure means, with the name that Node's programs (and so newman's users) know it by.
typedef struct failure_row failure_row;
struct failure_row {
    int key;
    code code;
    const char *name;
};

typedef struct curl_exchange curl_exchange;
struct curl_exchange {
    CURL *easy;
    CURLU *url;
    struct curl_slist *lines;
    struct curl_slist *connect_to;
    unsigned given; // headers that libcurl would add by itself, a bit each
    bool added;     // libcurl has the handle
    bool head_done;
    char text[CURL_ERROR_SIZE];
};

typedef struct direct_exchange direct_exchange;
struct direct_exchange {
    origin *origin;
    http_call *http; // NULL: not begun, or over
    http_call_facts facts;
    buf head;     // as it is sent
    timer *timer; // of the whole call; NULL: none
    uint64_t started_ns;
    bool chunked;
    bool repeated;
    bool in_body; // the caller's on_body is on the stack: the call can't be freed
};

struct fetch_call {
    fetch_client *client;
    fetch_call *prev, *next; // in the client's list
    const engine *engine;
    task begin;
    arena mem; // text of the response's head, and what an engine keeps

    // request
    str method;
    fetch_segment *segments;
    size_t segment_count;
    size_t segment_at;    // the one being sent
    uint64_t segment_pos; // bytes of it already sent
    uint64_t body_len;
    fetch_route route;
    uint64_t timeout_ms;
    uint64_t connect_timeout_ms;
    size_t body_bytes_max;
    bool raw_body;
    bool (*on_body)(void *ctx, str piece);
    void (*on_done)(void *ctx, const fetch_response *res, const err *e);
    void *ctx;

    // response
    int status;
    str reason;
    str http_version;
    VEC(fetch_header) headers;
    size_t header_bytes;
    decoder *decoder; // NULL: none is needed, or none yet
    buf body;
    uint64_t body_bytes;
    uint64_t wire_body_bytes;

    bool doomed;         // cancelled where it can't be freed yet
    err fail;            // why the call ends without a whole response
    const char *failure; // its name, when it isn't that of the code

    union {
        curl_exchange curl;
        direct_exchange direct;
    };
};

// How an exchange is carried: open, which judges the host too, add_field for Host and then for each
// header, and ready, all inside fetch_start. begin runs from the loop and leads to fetch_finish.
// `u` is what uri read; engine_curl reads the URL itself.
struct engine {
    code (*open)(fetch_call *call, const fetch_request *req, const uri_url *u, err *e);
    str (*authority)(fetch_call *call, const uri_url *u); // for Host
    void (*add_field)(fetch_call *call, str name, str value);
    code (*ready)(fetch_call *call, const fetch_request *req, err *e);
    void (*begin)(fetch_call *call);
    // Timings, bytes and the peer's address; the rest is there already.
    void (*describe)(fetch_call *call, fetch_response *ret);
    // True when the call can't be freed now: it is told to end, and calls fetch_finish then.
    bool (*is_held)(const fetch_call *call);
    void (*release)(fetch_call *call);
};
extern const engine engine_curl, engine_direct;

struct fetch_client {
    loop *loop;
    fetch_policy policy;
    fetch_call *calls;
    bool *freed;    // set while on_done runs, told when it frees the client
    bool only_curl; // tests ask the same of both engines

    // curl.c
    CURLM *multi; // NULL until it is needed
    timer *timer;
    bool in_curl; // libcurl is on the stack: no call of its may be removed

    // origin.c
    origin *origins; // the latest used first
    size_t origin_count;
};

// client.c: tells the caller, then frees the call. False when the callback freed the client.
bool fetch_finish(fetch_call *call);

// pick.c: fills *ret_url for engine_direct.
const engine *engine_for(fetch_call *call, const fetch_request *req, uri_url *ret_url);

bool fetch_has_line_break(str s);
// request.c: FETCH_REQUEST, FETCH_ADDRESS.
CODE_CHECKED fetch_prepare(fetch_call *call, const fetch_request *req, const uri_url *u, err *e);
// Refuses a host that the policy does, by its name or as an address. Routed calls may go anywhere.
CODE_CHECKED fetch_judge_host(const fetch_call *call, str host, err *e);
// The next bytes of the request's body, 0 at its end; -1: the call failed.
ssize_t fetch_read_body(fetch_call *call, char *to, size_t max);
void fetch_rewind_body(fetch_call *call);
// The last moment before a connect: the address is the one that the kernel will be given.
CODE_CHECKED fetch_judge_address(const fetch_policy *p, const struct sockaddr *to, err *e);

// response.c. False: the call has failed, or is doomed, and is to be ended.
bool fetch_take_head_bytes(fetch_call *call); // after header_bytes grew
bool fetch_take_header(fetch_call *call, str name, str value);
bool fetch_take_body(fetch_call *call, str piece); // as transferred

// decode.c: Content-Encoding, undone piece by piece.
enum { DECODE_PIECE_BYTES = 16 << 10 };
// Adds what undoes the codings of a Content-Encoding field; *chain is NULL while there is nothing
// to undo. False when one isn't known: it could hide what we have to see in a body (threat 43).
bool decoder_add(decoder **chain, str codings);
void decoder_free(decoder *d); // NULL is allowed
// Gives what the piece unpacks to. False: malformed, or `take` said so.
bool decoder_push(decoder *d, str piece, bool (*take)(void *ctx, str plain), void *ctx);

// origin.c: the connections to one server.
origin *origin_get(fetch_call *call, const char *host, uint16_t port);
http_pool *origin_pool(const origin *o);
void origin_put(origin *o);
void origins_free(fetch_client *c);

// failure.c: sets call->fail and call->failure.
void fetch_fail(fetch_call *call, const failure_row *row, const char *text);
const failure_row *failure_find(const failure_row *rows, size_t count, long key);
// Of a connect that failed with this errno.
const failure_row *failure_of_connect(long errnum);
const failure_row *failure_of_timeout(bool connecting);

// curl_request.c, curl_response.c: the handle of engine_curl.
code curl_open(fetch_call *call, const fetch_request *req, const uri_url *u, err *e);
str curl_authority(fetch_call *call, const uri_url *u);
void curl_add_field(fetch_call *call, str name, str value);
code curl_ready(fetch_call *call, const fetch_request *req, err *e);
void curl_describe(fetch_call *call, fetch_response *ret);
void curl_apply_response(fetch_call *call);
void curl_fail(fetch_call *call, CURLcode result);
