// SPDX-License-Identifier: Apache-2.0
// collection: the tree of folders and requests, and what requests inherit from it.
//
// A collection lives in the arena that it was read into; all that it points to does, too. It is
// read once and never changed.
#pragma once

#include "data/data.h"

enum {
    PM_DEPTH_MAX = 64,              // folders within folders
    PM_ITEMS_MAX = 100000,          // requests and folders
    PM_VARIABLES_MAX = 100000,      // of one scope
    PM_TEXT_BYTES_MAX = 16 << 20,   // of one text of a request: URL, header, body
    PM_FILLED_BYTES_MAX = 64 << 20, // of all texts of a request that variables are filled into
    PM_HEADERS_MAX = 2000,          // of a request
};

typedef enum pm_listen { PM_PREREQUEST, PM_TEST, PM_LISTEN_COUNT } pm_listen;

typedef struct pm_item pm_item;
typedef struct pm_script pm_script;
struct pm_script {
    str id;
    str source; // lines joined
    const pm_item *owner;
    pm_script *next; // of the same item and kind
};

// The collection itself (the root), a folder, or a request.
struct pm_item {
    str id; // given one when the file has none
    str name;
    str description;       // its text
    bool folder;           // also the root
    uint32_t index;        // of requests: its place in document order, from 0
    uint32_t depth;        // the root has 0
    const pm_item *parent; // NULL for the root
    pm_item *first;        // members of a folder
    pm_item *next;
    pm_script *scripts[PM_LISTEN_COUNT]; // enabled ones, first to last
    const json *request;                 // an object of Collection v2.1; NULL for folders
    str request_text;                    // the same as JSON text, made once
    const json *auth;                    // its own: {"type":…, …}; NULL: inherits
    const json *behavior;                // its own protocolProfileBehavior, or NULL
    const json *raw;                     // the whole item as it is written (v1: as converted)
};

typedef struct pm_collection pm_collection;
struct pm_collection {
    pm_item *root;
    const json *raw;       // the whole document, unwrapped (v1: converted)
    const json *variables; // the array of collection variables, or NULL
    const char *converted; // "v1" when it was converted, else NULL
    uint32_t request_count;
    const pm_item **requests; // in document order
};

// Reads Collection v2.1, v2.0 or v1, also wrapped in {"collection": …}; an array or {} is an empty
// collection. `file` names the text in errors and must outlive the collection. Errors: those of
// json_parse; DATA_TYPE where the form can't be meant; PM_COLLECTION when it is something else (an
// environment, an OpenAPI description…); PM_LIMIT.
CODE_CHECKED pm_collection_read(arena *a, str text, const char *file, pm_collection **ret, err *e);

// The request or folder meant by `--folder`: by id, else by name; own members before those deeper
// down, in document order. NULL when there is none.
const pm_item *pm_item_find(const pm_collection *c, str id_or_name);
// "folder / sub / name", without the collection.
str pm_item_path(arena *a, const pm_item *item, const char *separator);
// The auth that applies: the item's own, else the nearest folder's, else the collection's; NULL:
// none. {"type":"noauth"} is returned as it stands.
const json *pm_item_auth(const pm_item *item);
// The scripts of one kind in the order of running: the collection's, the folders', the request's.
// Returns their number and writes at most `max` of them.
size_t pm_item_scripts(const pm_item *item, pm_listen kind, const pm_script **ret_scripts,
                       size_t max);

// protocolProfileBehavior: per key the nearest of request, folders and collection counts.
typedef struct pm_behavior pm_behavior;
struct pm_behavior {
    bool tls_insecure;       // strictSSL: false
    bool tls_strict;         // strictSSL: true; neither: the run's setting
    bool redirects_off;      // followRedirects: false
    bool redirects_on;       // followRedirects: true; neither: the run's setting
    uint32_t redirects_max;  // 10
    bool keep_method;        // followOriginalHttpMethod
    bool keep_authorization; // followAuthorizationHeader
    bool no_referer;         // removeRefererHeaderOnRedirect
    bool no_cookies;         // disableCookies
    bool no_pruning;         // disableBodyPruning: GET and HEAD may have a body
    bool no_encoding;        // disableUrlEncoding
    uint32_t no_headers;     // set of PM_SYSTEM_…: system headers that are left out
};
pm_behavior pm_item_behavior(const pm_item *item);

// ---- the other files

// Environment or globals, also wrapped in {"environment": …}.
typedef struct pm_values pm_values;
struct pm_values {
    str id;
    str name;
    const json *values; // array of {key, value, enabled, type}
};
// `what` is "environment" or "globals". Errors as pm_collection_read, with PM_VALUES.
CODE_CHECKED pm_values_read(arena *a, str text, const char *file, const char *what, pm_values *ret,
                            err *e);
// Iteration data: JSON (an array of objects) or, when it isn't JSON, CSV, whose cells stay text
// with `as_text`. *ret_rows is an array.
CODE_CHECKED pm_data_read(arena *a, str text, const char *file, bool as_text, const json **ret_rows,
                          err *e);
