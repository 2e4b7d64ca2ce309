// SPDX-License-Identifier: Apache-2.0
// uri: what a URL, an origin, a path, a run.app name and a cookie are. Pure: no I/O, no DNS.
//
// Two names of one thing are a hole in every check that compares them. So each thing has one
// canonical form, made here and nowhere else, and what has no single meaning is an error rather
// than a guess (threats 5–9, 38, 42).
//
// How Postman reads and encodes a collection's URLs is the postman room's business; what it puts
// on the wire comes through url_parse before anything is decided about it.
#pragma once

#include "base/base.h"

// ---- Hosts --------------------------------------------------------------------------------------

typedef enum host_kind {
    HOST_NAME, // "orders-abc123-uc.a.run.app"
    HOST_IPV4, // "127.0.0.1"
    HOST_IPV6, // "::1", without brackets
} host_kind;

typedef struct uri_host uri_host;
struct uri_host {
    host_kind kind;
    str name;             // canonical, see host_parse
    unsigned char ip[16]; // 4 or 16 bytes in network order; unused for a name
};

// Canonical: lower case, international names in their ASCII form (UTS 46, RFC 5890), percent
// escapes decoded before, one trailing dot dropped, IPv4 as four decimals whatever its notation was
// (decimal, hexadecimal, octal, fewer than four parts: WHATWG URL §3.5), IPv6 shortest (RFC 5952).
// Takes a bare IPv6 address as well as one in brackets. Zone ids are refused.
// Errors: URI_HOST.
CODE_CHECKED host_parse(arena *a, str text, uri_host *ret_host, err *e);
// "localhost", "x.localhost", 127.0.0.0/8, ::1 and IPv6 forms of 127.0.0.0/8.
bool host_is_loopback(const uri_host *h);
// Is name equal to domain or beneath it, at a label's edge (threat 21)? Both canonical.
bool host_within(str name, str domain);

// ---- URLs ---------------------------------------------------------------------------------------

typedef struct uri_url uri_url;
struct uri_url {
    str scheme;   // lower case
    str userinfo; // as written, without '@'
    uri_host host;
    uint16_t port; // the scheme's when none was given; 0 when it has none
    str path;      // as written: starts with '/', or is "/" when there was none
    str query;     // as written, without '?'
    str fragment;  // as written, without '#'
    bool has_userinfo;
    bool has_query; // also an empty one
    bool has_fragment;
};

// An absolute URL with an authority: SCHEME://[USERINFO@]HOST[:PORT][/PATH][?QUERY][#FRAGMENT].
// Control characters, blanks and backslashes are refused: clients disagree about what they mean
// (threat 27). Path and query keep their bytes. The parts borrow from text or live in the arena.
// Errors: URI_SYNTAX, URI_HOST.
CODE_CHECKED url_parse(arena *a, str text, uri_url *ret_url, err *e);
// The canonical form: the default port left out, the fragment only when with_fragment.
void url_format(buf *out, const uri_url *u, bool with_fragment);
// "HOST" or "HOST:PORT" as in a Host header; IPv6 in brackets; the default port left out.
void url_format_authority(buf *out, const uri_url *u);
// A Host header or an absolute-form authority: HOST[:PORT]. *ret_port is 0 when there is none.
// Errors: URI_HOST.
CODE_CHECKED authority_parse(arena *a, str text, uri_host *ret_host, uint16_t *ret_port, err *e);
// Resolves a reference (a Location header) against an absolute URL: RFC 3986 §5.2 with the
// refusals of url_parse. Errors: URI_SYNTAX, URI_HOST.
CODE_CHECKED url_resolve(arena *a, const uri_url *base, str reference, uri_url *ret_url, err *e);

// ---- Origins ------------------------------------------------------------------------------------

// Scheme, host and port: the unit of trust and of the redirect rule (threat 35).
typedef struct uri_origin uri_origin;
struct uri_origin {
    str scheme;
    str host; // canonical; IPv6 without brackets
    uint16_t port;
};

uri_origin url_origin(const uri_url *u); // borrows
bool origin_eq(const uri_origin *a, const uri_origin *b);
// "https://host[:port]" with nothing behind it but one optional "/". Errors: URI_SYNTAX, URI_HOST.
CODE_CHECKED origin_parse(arena *a, str text, uri_origin *ret_origin, err *e);
void origin_format(buf *out, const uri_origin *o);
// 80 for http and ws, 443 for https and wss, 0 otherwise.
uint16_t scheme_port(str scheme);

// ---- The canonical path -------------------------------------------------------------------------

// What makes a path ambiguous: servers differ on whether it names the same thing as another path.
enum {
    PATH_DOT_SEGMENT = 1,   // . or .. as a segment, also escaped
    PATH_EMPTY_SEGMENT = 2, // "//"
    PATH_PARAMETER = 4,     // ";"
    PATH_ESCAPED_SLASH = 8, // %2F
    PATH_BACKSLASH = 16,    // \ or %5C
};

// The one form of a request's path that route, policy, audit and upstream use (threats 6, 9):
// escapes of unreserved characters are decoded, all other escapes are upper case, bytes that need
// an escape have one. `allowed` is a union of PATH_…: each kind that is not in it makes the path an
// error; allowed dot segments are resolved, allowed empty segments are kept, the others are kept as
// escaped or written. Never allowed: a path that doesn't start with '/', '?' and '#' (threat 5), an
// escape that isn't one, %00 and other control characters, an escaped '%', and bytes that
// aren't UTF-8 once decoded. Errors: URI_AMBIGUOUS, which says what and where.
CODE_CHECKED path_canonical(arena *a, str path, unsigned allowed, str *ret_path, err *e);

// ---- run.app names ------------------------------------------------------------------------------

// https://[TAG---]SERVICE-HASH-CODE.a.run.app or https://[TAG---]SERVICE-NUMBER.REGION.run.app
// (contract cloud-run.md §2).
typedef struct run_app run_app;
struct run_app {
    str tag;     // empty: none
    str service; // may be cut, when the label was too long
    str hash;    // of the project; empty in the second form
    str number;  // of the project; empty in the first form
    str region;  // "europe-west1"; in the first form its code: "ew"
};

// `name` is canonical (host_parse). False when it is no run.app name. Borrows from name.
// The first form is ambiguous where a service is called "a-b": hash and code are the last two
// parts.
bool run_app_parse(str name, run_app *ret_name);
// The host name. Where its first label would be longer than 63 characters, the service's name is
// cut. `n->hash` decides the form; for the first one, n->region may be a region or its code.
void run_app_format(buf *out, const run_app *n);
// "europe-west1" → "ew"; false for a region that isn't known.
bool run_region_code(str region, str *ret_code);

// ---- Cookies ------------------------------------------------------------------------------------

typedef struct uri_cookie uri_cookie;
struct uri_cookie {
    str name; // empty for a nameless cookie, as browsers and Postman keep it
    str value;
    str domain; // lower case, without the leading dot; empty: host-only
    str path;   // empty: the default path of the URL
    bool has_expiry;
    int64_t expires_s; // wall clock; Max-Age wins over Expires; in the past: delete
    bool secure;
    bool http_only;
    str same_site; // as written
};

// A Set-Cookie value (RFC 6265 §5.2). False when it is to be ignored: nothing in it, a control
// character, or over 8 KiB. Borrows from text, except for what had to be lower-cased.
bool cookie_parse(arena *a, str text, int64_t now_s, uri_cookie *ret_cookie);
// §5.1.1; false when it is no date.
bool cookie_date(str text, int64_t *ret_s);
// §5.1.3: for a cookie of that domain, may a host see it? An address matches only itself.
bool cookie_domain_match(const uri_host *h, str domain);
// §5.1.4
bool cookie_path_match(str request_path, str cookie_path);
str cookie_default_path(str request_path);
