// SPDX-License-Identifier: Apache-2.0
// call: one request on its way to its answer, apart from HTTP. serve.c makes one of an exchange;
// tests make one of nothing.
#pragma once

#include "google/state.h"

enum { CALL_HEADERS_MAX = 8, FORM_FIELDS_MAX = 32, SEGMENTS_MAX = 8 };

typedef struct call call;
struct call {
    google *g;
    arena *mem; // lives as long as the call
    str method, path, query, body, content_type;
    str authorization;
    size_t authorization_count;
    str flavor;     // Metadata-Flavor
    bool forwarded; // there is an X-Forwarded-For
    audit_call http;
    int64_t now_s;
    // The answer, which on_answer sends. It is called exactly once, maybe later; the call may be
    // gone then. Not called when the client left before (see key_job).
    int status;
    bool past_gates; // tells only that the trail fails: see http_reply_past_gates
    http_header headers[CALL_HEADERS_MAX];
    size_t header_count;
    str answer;
    void (*on_answer)(call *c);
    void *ctx;
    struct key_job *job; // what will answer later, or NULL
    // Who answers later sets it: the client has left, and with it the call.
    void (*on_left)(call *c);
    void *left_ctx;
};

void call_header(call *c, str name, str value);
// Each of these sends the answer: nothing may follow. `body` is copied into the call's memory.
void call_answer(call *c, int status, str type, str body);
// Takes what is in the buffer.
void call_answer_json(call *c, int status, buf *body);
void call_method_not_allowed(call *c, str allow);

// ---- what was sent

// application/x-www-form-urlencoded, or a query: decoded, in order.
typedef struct form_field form_field;
struct form_field {
    str name, value;
};
typedef struct form form;
struct form {
    form_field fields[FORM_FIELDS_MAX];
    size_t count;
};
// False when an escape is malformed or there are too many fields.
bool form_parse(str text, arena *mem, form *ret_form);
// As form_parse, but '+' is itself: for values that clients send without encoding them.
bool form_parse_raw(str text, arena *mem, form *ret_form);
// The value, or STR_NONE.
str form_get(const form *f, const char *name);
// The first name that is there twice, or STR_NONE.
str form_repeated(const form *f);

// The path between its slashes, each part decoded: "/v1/a%40b" is {"v1", "a@b"}. False when there
// are too many or an escape is malformed.
bool path_split(str path, arena *mem, str ret_parts[SEGMENTS_MAX], size_t *ret_count);

// The body as one JSON object; an empty body is {}. False: answered already.
bool call_json_body(call *c, const json **ret_object);

// ---- errors of Google's APIs (google.rpc.Status in JSON)

typedef enum rpc {
    RPC_INVALID_ARGUMENT,
    RPC_UNAUTHENTICATED,
    RPC_PERMISSION_DENIED,
    RPC_NOT_FOUND,
    RPC_ALREADY_EXISTS,
    RPC_ABORTED,
    RPC_FAILED_PRECONDITION,
    RPC_RESOURCE_EXHAUSTED,
    RPC_UNAVAILABLE,
    RPC_INTERNAL,
} rpc;
int rpc_number(rpc status); // google.rpc.Code

void call_rpc_error(call *c, rpc status, const char *fmt, ...) ATTR_PRINTF(3, 4);
// With details: an ErrorInfo of that reason; `permission` empty: none.
void call_rpc_refuse(call *c, rpc status, const char *reason, str permission, const char *message);

// ---- who asks, and may they (bearer.c)

// A method of the IAM or IAM credentials API.
typedef struct api_method api_method;
struct api_method {
    const char *permission;
    audit_log log;
    const char *permission_type;
    const char *service; // "iam.googleapis.com"
    const char *name;    // as the trail calls it
};

typedef struct bearer bearer;
struct bearer {
    account *who; // NULL: somebody of a pool
    principal is;
    str name;     // as a policy names it
    str key_name; // set for a self-signed JWT
    const str *delegation;
    size_t delegation_count;
};

// The call's bearer token; false: answered already.
bool call_authenticate(call *c, bearer *ret_bearer);

typedef struct api_use api_use;
struct api_use {
    const api_method *method;
    bearer caller;
    account *target;     // NULL: the project, or `resource`
    resource *resource;  // whose policy decides; NULL: the target's, or the project's
    account **delegates; // the chain between caller and target
    size_t delegate_count;
    decision decision;        // filled by call_authorize
    cel_value modified_roles; // of setIamPolicy, for conditions; otherwise null
};
// May the caller, by way of the delegates, use the method on the target? False: the refusal is in
// the trail, and answered.
bool call_authorize(call *c, api_use *u);
// The trail's entry of a granted use; before its answer. False: the trail takes no more now;
// answered.
bool call_record(call *c, const api_use *u);
// Whether the caller itself may do that to the resource; tells nobody.
bool call_permits(call *c, const api_use *u, str permission);
// Whose token it is, an access or a refresh token; false for any other text.
bool call_bearer(call *c, str token, bearer *ret_bearer);
// Whether the trail takes entries; false: answered.
bool call_trail_ready(call *c);

// ---- the answers, each by the file of its name

void token_endpoint(call *c);
// Answers of OAuth endpoints: what is in the buffer, and errors.
void oauth_answer(call *c, int status, buf *body);
void oauth_refuse(call *c, int status, const char *error, str description);
// Fills in the fields of a form; false: refused already.
bool oauth_form(call *c, form *ret_form);
// /revoke
void revoke_endpoint(call *c);
// …:getIamPolicy, setIamPolicy, testIamPermissions of an account, or of a service (target NULL).
// False: no method of that name.
bool policy_answer(call *c, const bearer *caller, account *target, resource *r, str verb);
bool policy_verb(str verb);
// STS: tokens of pools for tokens of their issuers.
void sts_endpoint(call *c);
// /v1/projects/P/serviceAccounts…
void iam_answer(call *c);
// Policy Analyzer: when keys were last used.
bool activity_asked(const call *c);
void activity_answer(call *c);
// Resource Manager: what the project is.
bool project_asked(const call *c);
void project_answer(call *c);
// …/serviceAccounts/E:METHOD of IAM credentials. False: no method of that name.
bool credentials_answer(call *c, const bearer *caller, account *target, str method);
// The one dispatcher of google_on_request.
void google_route(call *c);
// That of google_metadata_on_request.
void metadata_route(google_metadata *m, call *c);
google *metadata_google(google_metadata *m);
// For tests: whose programs it serves; those of this process's user at first.
void metadata_serve(google_metadata *m, uid_t owner);
bool metadata_serves(const google_metadata *m, uid_t user);
