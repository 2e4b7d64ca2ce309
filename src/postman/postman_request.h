// SPDX-License-Identifier: Apache-2.0
// request: from a request as it is written to what goes on the wire (contracts: Postman §5–7).
#pragma once

#include "postman/postman_collection.h"
#include "postman/postman_vars.h"

// ---- files of bodies

// Where bodies may take files from: the working directory and what `--allow-files` adds. A path is
// resolved beneath one of them; symbolic links, ".." that leaves, devices and credential files (a
// key, an ADC file, anything that holds a private key or a refresh token) are refused (threat 41).
typedef struct pm_folder pm_folder;

// PM_FILE when a directory can't be opened.
CODE_CHECKED pm_folder_new(const char *working_dir, const str *allowed, size_t allowed_count,
                           pm_folder **ret, err *e);
void pm_folder_free(pm_folder *f); // NULL is allowed
// Opens a regular file for reading; its owner closes it. PM_FILE when it isn't there,
// PM_FILE_REFUSED when it may not be read.
CODE_CHECKED pm_folder_open(const pm_folder *f, str path, int *ret_fd, uint64_t *ret_bytes, err *e);

// ---- auth that answers challenges

// What one definition of auth has learned from servers, for all requests that share it: the nonce
// of a digest, and how often it was used.
typedef struct pm_auth_memory pm_auth_memory;

pm_auth_memory *pm_auth_memory_new(void);
void pm_auth_memory_free(pm_auth_memory *m); // NULL is allowed

// What a challenge is read from.
typedef struct pm_answer pm_answer;
struct pm_answer {
    int status;
    const str *challenges; // values of WWW-Authenticate
    size_t challenge_count;
};
enum { PM_REPLAYS_MAX = 3 };

// ---- oauth2 grants that need no person

// The request for a token: a form that is posted to the token endpoint.
typedef struct pm_grant pm_grant;
struct pm_grant {
    str url;
    str authorization; // value of the header; empty: none
    str form;
};
typedef struct pm_granted pm_granted;
struct pm_granted {
    str access_token;
    str refresh_token; // empty: none
    int64_t life_s;    // 0: the server doesn't say
};

// `params` are those of an oauth2, resolved (pm_call.auth_params). A refresh token that isn't empty
// is used in the place of the grant. PM_GRANT, PM_LIMIT.
CODE_CHECKED pm_grant_make(arena *a, const json *params, str refresh_token, pm_grant *ret, err *e);
// What tells grants apart; it says nothing about the secrets in it.
str pm_grant_key(arena *a, const json *params);
// The token endpoint's answer. PM_GRANT with what the server says.
CODE_CHECKED pm_grant_read(arena *a, int status, str body, pm_granted *ret, err *e);

// ---- the request as written

// The forms that a request may be written in, made one: an object with method, url (an object),
// header (an array of {key, value}), body, auth (v2.1's arrays), description (text). Members that
// it doesn't know are kept. Pure: the result shares nothing with `request`.
json *pm_request_normal(arena *a, const json *request);

// ---- the prepared request

typedef struct pm_header pm_header;
struct pm_header {
    str name;
    str value;
    bool system;   // added by us, not written by anybody
    bool disabled; // by whoever wrote it
    bool unsent;   // shown, but not sent: disabled, or there is another for it
    bool unshown;  // sent, but not shown, as in newman: what the body or the URL shows
};

// Bytes in memory, or a file that is sent from its beginning to its end.
typedef struct pm_segment pm_segment;
struct pm_segment {
    str bytes; // when fd < 0
    int fd;    // owned by the pm_call
    uint64_t len;
};

// System headers, in the order in which they are added when absent.
enum {
    PM_SYSTEM_USER_AGENT = 1 << 0,
    PM_SYSTEM_ACCEPT = 1 << 1,
    PM_SYSTEM_CACHE_CONTROL = 1 << 2,
    PM_SYSTEM_POSTMAN_TOKEN = 1 << 3,
    PM_SYSTEM_HOST = 1 << 4,
    PM_SYSTEM_ACCEPT_ENCODING = 1 << 5,
    PM_SYSTEM_CONNECTION = 1 << 6,
    PM_SYSTEM_CONTENT_TYPE = 1 << 7,
    PM_SYSTEM_CONTENT_LENGTH = 1 << 8,
};

// All in the arena given to pm_prepare; open files are closed by pm_call_deinit.
typedef struct pm_call pm_call;
struct pm_call {
    str method;
    str url;                // as sent, without userinfo
    str url_text;           // as people read it: filled in, nothing encoded
    VEC(pm_header) headers; // the system's after the collection's; also what is `unsent`
    VEC(pm_segment) body;
    uint64_t body_bytes;
    bool wants_grant; // oauth2 without a token: auth_params say how one is had (pm_grant_make)
    bool noauth;      // the collection says explicitly that there is no identity
    const char *auth; // type that was applied: "basic", "digest"…; NULL: none
    const json *auth_params;
    pm_auth_memory *memory; // of pm_prepare_options
    VEC(str) warnings;      // for the person: a missing file, an unknown auth type
    json *request; // the resolved request as an object of v2.1, for test scripts and reports
    // Prepared once more it would be the same, but for the Postman-Token, as long as the variables
    // are: no file, no dynamic variable, no signature of a moment.
    bool repeats;
    bool of_variables; // it depends on them
    char *token;       // the Postman-Token, in the header and in `request`; NULL: none of ours
};

typedef struct pm_prepare_options pm_prepare_options;
struct pm_prepare_options {
    const pm_scopes *scopes; // NULL: templates stay as they are (pm.sendRequest)
    const json *auth;        // that applies when the request has none of its own; NULL: none
    pm_auth_memory *memory; // of that auth, or of the request's own; NULL: no challenge is answered
    pm_behavior behavior;
    str granted;             // token for an oauth2 that holds none itself; empty: none
    const pm_folder *folder; // NULL: files are refused (pm.sendRequest)
    bool send_request;       // of a script: GET may have a body
};

// `request` is a string or an object of Collection v2.1. On errors the call holds only what reports
// tell of it: request, method and url_text, as far as they were made. PM_URL, PM_LIMIT, DATA_TYPE.
CODE_CHECKED pm_prepare(arena *a, const json *request, const pm_prepare_options *o, pm_call *ret,
                        err *e);
// "scheme://host[:port]" of a request, filled in: to tell whether an origin was known beforehand or
// made by a script. Errors as pm_prepare.
CODE_CHECKED pm_origin(arena *a, const json *request, const pm_scopes *scopes, str *ret_origin,
                       err *e);
// Reads the answer to the call: true when it was a challenge that the call, signed anew, may pass.
// It is to be sent once more, PM_REPLAYS_MAX times at most.
bool pm_answer_challenge(arena *a, pm_call *call, const pm_answer *answer);
void pm_call_deinit(pm_call *c);
// Writes another Postman-Token over the one that it has: it is sent once more.
void pm_call_renew(const pm_call *c);
// The first header of that name, or NULL.
const pm_header *pm_call_header(const pm_call *c, str name);
