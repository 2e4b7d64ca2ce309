// SPDX-License-Identifier: Apache-2.0
// url: URLs as Postman reads and writes them (contracts: Postman §5), which isn't as browsers do:
// templates may stand anywhere, nothing is normalised, and little is encoded. What leaves here is
// text for uri and fetch, which judge it again.
#pragma once

#include "data/data.h"

typedef struct pm_param pm_param;
struct pm_param {
    str key;
    str value;
    bool has_value; // "a" has none, "a=" an empty one
    bool has_key;   // false for "=v": the key is null
    bool disabled;
    pm_param *next;
};

// Parts as written, templates and all. An absent part has a NULL ptr.
typedef struct pm_url pm_url;
struct pm_url {
    str protocol; // without "://"
    str user, password;
    str host; // labels joined by dots
    str port;
    str path; // with its leading slash
    bool has_query;
    pm_param *query;
    str hash;
    pm_param *variables; // values of path variables; Postman heeds them even when disabled
};

// Reads the text of a URL; never fails. All is allocated in the arena.
void pm_url_parse(arena *a, str text, pm_url *ret);
// Reads the `url` of a request: a string, or an object whose parts count and whose `raw` does not.
void pm_url_read(arena *a, const json *url, pm_url *ret);
// The URL as text, templates and path variables as they stand, disabled parameters left out.
str pm_url_text(arena *a, const pm_url *u);
// The object of Collection v2.1.
json *pm_url_json(arena *a, const pm_url *u);
// A user or password, or a fragment, as it stands in a URL that is sent; a missing one stays so.
str pm_userinfo_wire(arena *a, str part);
str pm_hash_wire(arena *a, str part);

// The bytes to send: path variables filled in, "http" when there is no scheme, host in lower case
// (and punycode), everything encoded as Postman does; `verbatim` (disableUrlEncoding) leaves path
// and query as they are. userinfo is left out: see pm_url.user. PM_URL when there is no host, or
// when it can't be encoded.
CODE_CHECKED pm_url_wire(arena *a, const pm_url *u, bool verbatim, str *ret_url, err *e);
// A part of the path or of the query, encoded so.
void pm_url_add_path(buf *out, str text);
void pm_url_add_query(buf *out, str text);
