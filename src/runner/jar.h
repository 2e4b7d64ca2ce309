// SPDX-License-Identifier: Apache-2.0
// jar: the cookies of one run (contracts: Postman §8), as tough-cookie keeps them for newman: loose
// (a cookie needs no name), public suffixes allowed, and Secure cookies sent to a loopback address
// over http, too. Private to the room.
#pragma once

#include "js/js.h"
#include "uri/uri.h"

enum {
    JAR_COOKIES_MAX = 3000, // the oldest makes room
    JAR_COOKIE_BYTES_MAX = 8 << 10,
};

typedef struct jar jar;

jar *jar_new(void);
void jar_free(jar *j); // NULL is allowed

// The value of a Set-Cookie header from that URL. False when it is ignored: malformed, or its
// domain isn't the host's.
bool jar_set(jar *j, const uri_url *u, str text);
// A cookie that a script describes. An empty domain is the host's own, an empty path the default.
bool jar_put(jar *j, const uri_url *u, const js_cookie *c);
// The cookies for that URL, in the order of sending: longer paths first, then older ones. They live
// in the arena, and so do their texts.
size_t jar_find(jar *j, arena *a, const uri_url *u, js_cookie **ret_cookies);
// Removes those of jar_find; with a name, only of that name.
void jar_remove(jar *j, const uri_url *u, str name);

// tough-cookie's JSON into an empty jar. RUN_COOKIES when it is something else; the jar stays
// empty.
CODE_CHECKED jar_read(jar *j, str text, err *e);
void jar_write(const jar *j, buf *out);
