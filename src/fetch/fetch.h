// SPDX-License-Identifier: Apache-2.0
// fetch: one HTTP exchange with somebody else's server. Transport only: it follows no redirect,
// keeps no cookie, adds no credential and reads no .netrc; whoever wants those builds them on top
// (the runner, credential). Plain HTTP/1.1 goes over our own connections (http), the rest over
// libcurl, which is seen by this room alone; which of them carries a call shows nowhere (ADR 9).
//
// Invariants
// - What goes on the wire is the method, the URL and the headers of the request, in their order;
//   only Host (first), and the body's framing (Content-Length or Transfer-Encoding) are ours. A
//   header is sent once for each time it is listed and nothing else is invented: no User-Agent, no
//   Accept, no Expect.
// - The address is judged after resolution, immediately before each connect (threat 42), so names,
//   decimal forms, IPv6 forms and rebinding all end at the same check.
// - Each URL has one reader: uri, or libcurl when the host isn't written in its canonical form.
// - No callback runs inside fetch_start or fetch_cancel.
#pragma once

#include <sys/socket.h>

#include "uri/uri.h"

typedef struct loop loop;

// ---- where a request may go -------------------------------------------------------------------

typedef enum fetch_zone {
    FETCH_ZONE_PUBLIC,
    FETCH_ZONE_LOOPBACK, // 127/8, ::1, 0.0.0.0, ::
    FETCH_ZONE_PRIVATE,  // RFC 1918, RFC 6598, RFC 4193, site-local
    FETCH_ZONE_METADATA, // link-local and the metadata addresses of the clouds
    FETCH_ZONE_UNUSABLE, // multicast, broadcast, reserved: nothing to connect to
} fetch_zone;

// Judges an AF_INET or AF_INET6 address; an IPv6 form that carries an IPv4 address (mapped,
// compatible, NAT64, 6to4) is judged as that one.
fetch_zone fetch_zone_of(const struct sockaddr *addr);
const char *fetch_zone_name(fetch_zone z);

// Public addresses are always allowed, unusable ones never.
typedef struct fetch_policy fetch_policy;
struct fetch_policy {
    bool loopback;
    bool private_network;
    // Only for a credential source that was told to ask the metadata server. Never for traffic
    // that a collection decides.
    bool metadata;
};
bool fetch_policy_allows(const fetch_policy *p, fetch_zone z);

// Traffic that a person's collection decides: injection.md §5.
#define FETCH_POLICY_PEOPLE ((fetch_policy){.loopback = true, .private_network = true})

// ---- client -----------------------------------------------------------------------------------

// A pool of connections with one policy. Traffic that must not share connections or policy (a
// collection's, the credential's) uses clients of their own.
typedef struct fetch_client fetch_client;

fetch_client *fetch_client_new(loop *l, fetch_policy policy);
// Calls in flight end without their callbacks. NULL is allowed.
void fetch_client_free(fetch_client *c);

// ---- request ----------------------------------------------------------------------------------

typedef struct fetch_header fetch_header;
struct fetch_header {
    str name;
    str value;
};

// A body is a sequence of segments, each bytes in memory or a range of an open regular file.
typedef struct fetch_segment fetch_segment;
struct fetch_segment {
    str bytes;       // used when file_fd < 0
    int file_fd;     // -1: bytes; otherwise stays open until the call ends
    uint64_t offset; // in the file
    uint64_t len;    // bytes of the file from there; a file that shrank fails the call
};
#define FETCH_BYTES(s) ((fetch_segment){.bytes = (s), .file_fd = -1})

// Connect here instead of where the URL says; Host, TLS name and URL stay. Exempt from the policy:
// a route is the decision of the program (the running `gatepost up`), never of a collection.
typedef struct fetch_route fetch_route;
struct fetch_route {
    const char *address; // an IP address; NULL: no route
    uint16_t port;
    bool plain; // speak http although the URL says https
};

// Paths are those of files that the program chose; NULL: none.
typedef struct fetch_tls fetch_tls;
struct fetch_tls {
    bool insecure;         // neither chain nor name is checked
    const char *ca_file;   // PEM, in addition to the system's; NULL: SSL_CERT_FILE
    const char *cert_file; // PEM, or PKCS#12 when cert_p12
    const char *key_file;
    const char *key_password;
    bool cert_p12;
};

typedef struct fetch_proxy fetch_proxy;
struct fetch_proxy {
    bool from_env;    // http_proxy, HTTPS_PROXY, ALL_PROXY, NO_PROXY…
    const char *url;  // "http://host:port", also https, socks5, socks5h; NULL: none
    const char *user; // NULL: none
    const char *password;
    const char *bypass; // comma-separated hosts, as NO_PROXY
};

typedef enum fetch_version {
    FETCH_HTTP_1_1,
    FETCH_HTTP_AUTO, // HTTP/2 where TLS negotiates it
    FETCH_HTTP_2,    // HTTP/2 by TLS, or by prior knowledge in plain
} fetch_version;

typedef struct fetch_response fetch_response;

// Strings, headers, paths and the segment array are copied by fetch_start; bytes that segments
// point to are borrowed until the call ends.
typedef struct fetch_request fetch_request;
struct fetch_request {
    str method;        // empty: GET; any token of RFC 9110 §5.6.2
    str url;           // http or https; userinfo and fragment are not sent
    const uri_url *at; // what url_parse makes of it, when it was asked before; NULL: it is here
    const fetch_header *headers;
    size_t header_count;
    const fetch_segment *body;
    size_t body_count;
    bool chunked; // Transfer-Encoding: chunked instead of Content-Length
    fetch_route route;
    fetch_tls tls;
    fetch_proxy proxy;
    fetch_version version;
    uint64_t timeout_ms;         // for the whole call, 0: none
    uint64_t connect_timeout_ms; // 0: 30 s
    size_t body_bytes_max;       // of the decoded body, 0: FETCH_BODY_BYTES_MAX
    bool raw_body; // no decompression; otherwise gzip, deflate, br and zstd are undone, and a body
                   // in another coding fails the call
    // NULL: the body is collected in the response. Otherwise it comes here piece by piece; false
    // ends the call with SYS_CANCELLED.
    bool (*on_body)(void *ctx, str piece);
    // Called once; `res` is valid during the call only. `e` is NULL when a whole response came;
    // otherwise `res` holds what was known by then (timings, address, maybe a status).
    void (*on_done)(void *ctx, const fetch_response *res, const err *e);
    void *ctx;
};

enum {
    FETCH_BODY_BYTES_MAX = 64 << 20,
    FETCH_HEADER_BYTES_MAX = 256 << 10,
    FETCH_HEADER_COUNT_MAX = 2000,
};

// ---- response ---------------------------------------------------------------------------------

// Microseconds from the start of the call; 0 for what did not happen (a reused connection has
// neither dns, connect nor tls).
typedef struct fetch_timings fetch_timings;
struct fetch_timings {
    uint64_t dns_us;
    uint64_t connect_us;
    uint64_t tls_us;
    uint64_t sent_us;
    uint64_t first_byte_us;
    uint64_t total_us;
};

struct fetch_response {
    int status;                  // 0: none came
    str reason;                  // as sent; HTTP/2 has none
    str http_version;            // "1.0", "1.1", "2"
    const fetch_header *headers; // in order, with duplicates, values trimmed
    size_t header_count;
    str body;
    uint64_t body_bytes;      // decoded
    uint64_t wire_body_bytes; // as transferred
    uint64_t header_bytes;
    uint64_t request_bytes; // head and body as sent
    fetch_timings timings;
    const char *remote_ip; // "" when no connection was made
    uint16_t remote_port;
    bool reused; // the connection served an earlier call
    // The name that Node's programs print for this failure (ECONNREFUSED, ENOTFOUND,
    // ESOCKETTIMEDOUT, CERT_HAS_EXPIRED…); NULL when there is no error.
    const char *failure;
};

// The first header of that name, or STR_NONE with a NULL ptr.
str fetch_response_header(const fetch_response *res, str name);

typedef struct fetch_call fetch_call;

// Starts a call; what is wrong with the request is told by on_done too (FETCH_REQUEST).
fetch_call *fetch_start(fetch_client *c, const fetch_request *req);
// Ends the call without its callback. Not after on_done has begun.
void fetch_cancel(fetch_call *call);
