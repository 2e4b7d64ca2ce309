// SPDX-License-Identifier: Apache-2.0
// audit: the trail. Every decision becomes a Cloud Logging entry (contract cloud-run.md §6) in an
// append-only spool before the first byte of its answer leaves; the request log's entry, with
// status, latency and size, follows when the answer is complete.
//
// Invariants
// - Entries are never dropped. While they can't be written (a full disk) the loop's streams send
//   nothing (loop_gate), and audit_spool_ready says so: new calls get 503 at once, those that are
//   held get it at their time limit. That 503 alone leaves unwritten and past the gate: it carries
//   no decision and nothing of the service, only that there is none to be had (ADR 8).
// - What is written survives the death of the process; with AUDIT_DURABLE also a power loss.
// - A line is {"n":…,"prev":…,"entry":{…}}: n counts without a gap over all files, prev is the
//   SHA-256 of the line before. A line that was changed, removed or put in shows (audit_verify).
// - No token, key or body is ever part of an entry.
#pragma once

#include "base/base.h"

typedef struct loop loop;
typedef struct json json;

// ---- what an entry says -----------------------------------------------------------------------

// A monitored resource: {"type":…, "labels":{…}}. An empty value leaves its label out; the label
// project_id is the entry's project and isn't among them.
typedef struct audit_label audit_label;
struct audit_label {
    const char *name;
    str value;
};
typedef struct audit_resource audit_resource;
struct audit_resource {
    const char *type; // "cloud_run_revision", "service_account", …
    const audit_label *labels;
    size_t label_count;
};

// The HTTP call that an entry is about. Empty strings are left out.
typedef struct audit_call audit_call;
struct audit_call {
    str method, url, protocol, user_agent, referer, remote_ip, server_ip;
    str trace; // 32 hex digits
    str span;  // 16 hex digits
    bool sampled;
};

// Who called. Empty strings are left out.
typedef struct audit_caller audit_caller;
struct audit_caller {
    str email;
    str subject;  // "serviceAccount:e", "principal://…"
    str key_name; // "//iam.googleapis.com/projects/…/keys/…"
    str authority_selector;
    str actor; // who acts for the principal (RFC 8693 §4.1): an agent
    // E-mail addresses, or "principal://…" of who has none: the first one called the next, …
    const str *delegation;
    size_t delegation_count;
};

typedef enum audit_log {
    AUDIT_ACTIVITY,    // changes: cloudaudit.googleapis.com%2Factivity
    AUDIT_DATA_ACCESS, // uses:    cloudaudit.googleapis.com%2Fdata_access
} audit_log;

// An AuditLog entry. Texts that end in _json are JSON objects already; empty ones are left out.
typedef struct audit_event audit_event;
struct audit_event {
    audit_log log;
    str project_id;
    audit_resource resource;
    str service_name;            // "run.googleapis.com"
    str method_name;             // "google.iam.admin.v1.CreateServiceAccountKey"
    str resource_name;           // "projects/p/serviceAccounts/e"
    str permission;              // "run.routes.invoke"
    const char *permission_type; // "ADMIN_READ", "DATA_WRITE", …; NULL: left out
    bool granted;
    int status_code; // google.rpc.Code; 0: OK
    str status_message;
    audit_caller caller;
    const audit_call *call; // NULL: none
    // metadata's `explanation` is what a reader of the trail sees as the reason.
    str request_json, response_json, metadata_json;
};

// An entry of the request log: run.googleapis.com%2Frequests. It belongs to the event of the same
// trace and span.
typedef struct audit_request audit_request;
struct audit_request {
    str project_id;
    audit_resource resource;
    str instance_id;
    audit_call call;
    int status; // 0: no response was sent, the client had gone
    uint64_t request_bytes, response_bytes;
    uint64_t latency_ns; // up to now: the entry's time is that of the request
    str text;            // textPayload of a refusal
};

enum { AUDIT_ID_MAX = 32 };

// ---- spool ------------------------------------------------------------------------------------

typedef enum audit_mode {
    AUDIT_WRITTEN, // an answer leaves once write(2) took its decision
    AUDIT_DURABLE, // … once the disk has it: one fdatasync for all that waits
} audit_mode;

typedef struct audit_options audit_options;
struct audit_options {
    audit_mode mode;
    size_t file_bytes_max;    // a new file begins after this, 0: AUDIT_FILE_BYTES_MAX
    size_t pending_bytes_max; // 0: AUDIT_PENDING_BYTES_MAX
};
enum {
    AUDIT_FILE_BYTES_MAX = 64 << 20,
    AUDIT_PENDING_BYTES_MAX = 16 << 20,
    AUDIT_LINE_BYTES_MAX = 256 << 10,
};

typedef struct audit_spool audit_spool;

// Opens the spool in a folder, which is made (0700) when missing, and goes on where it ended; a
// last line that a crash cut off is removed, and told in the log. `o` may be NULL. `l` NULL: every
// entry is written at once (for short commands). Errors: AUDIT_SPOOL; AUDIT_LOCKED when another
// process writes there.
CODE_CHECKED audit_spool_open(loop *l, const char *dir, const audit_options *o,
                              audit_spool **ret_spool, err *e);
// Writes what waits (for up to a second) and closes. NULL is allowed.
void audit_spool_close(audit_spool *s);

// False while the last write failed or too much waits to be written: the caller answers 503 and
// appends nothing.
bool audit_spool_ready(const audit_spool *s);
// The same with the reason: AUDIT_SPOOL with the disk's words, or AUDIT_BUSY.
CODE_CHECKED audit_spool_check(const audit_spool *s, err *e);
// Writes what waits, now. AUDIT_SPOOL: the disk refuses; all of it stays and is tried again.
CODE_CHECKED audit_spool_flush(audit_spool *s, err *e);

// Appends. ret_id, if not NULL, gets the entry's insertId, NUL-terminated. An entry that would pass
// AUDIT_LINE_BYTES_MAX loses its request, response and metadata, which is marked in it.
void audit_add_event(audit_spool *s, const audit_event *ev, char ret_id[AUDIT_ID_MAX]);
void audit_add_request(audit_spool *s, const audit_request *rq, char ret_id[AUDIT_ID_MAX]);

// ---- reading ----------------------------------------------------------------------------------

// Empty or zero members match everything.
typedef struct audit_filter audit_filter;
struct audit_filter {
    int64_t since_ns, until_ns; // wall clock
    str principal;              // glob over e-mail and subject
    str service;                // glob: Cloud Run service or API
    str method;                 // glob over HTTP method or API method
    str id;                     // insertId or trace, exactly
    int status;                 // HTTP status: 403; 4 means 400 to 499
    bool only_granted, only_denied;
    size_t limit; // the last ones only
};

// One call as a person wants to see it: its event and what became of it. Strings borrow.
typedef struct audit_row audit_row;
struct audit_row {
    const json *event;            // the LogEntry of the decision; NULL: it is not in the trail
    const json *request;          // that of the request log; NULL: not finished, or no HTTP call
    str event_text, request_text; // the same as text
    int64_t time_ns;
    bool granted;
    int status; // HTTP status, 0: unknown
    str id;     // insertId of the event
    str trace, principal, service, method, resource, permission, why, latency;
};

// Calls on_row for each call that matches, oldest first; false from it ends the reading. A missing
// folder holds none. Lines that aren't ours are skipped, and told in the log: audit_verify says
// more. Errors: AUDIT_SPOOL.
CODE_CHECKED audit_read(const char *dir, const audit_filter *f,
                        bool (*on_row)(void *ctx, const audit_row *row), void *ctx, err *e);

// Follows the spool from its end, until on_row returns false or go_on, asked again and again, does:
// a call is told when it is finished, or after a second unfinished, then again at its end. Blocks.
CODE_CHECKED audit_follow(const char *dir, const audit_filter *f, bool (*go_on)(void *ctx),
                          bool (*on_row)(void *ctx, const audit_row *row), void *ctx, err *e);

// Checks the chain over all files that are there. AUDIT_CORRUPT names the first line that doesn't
// fit.
CODE_CHECKED audit_verify(const char *dir, uint64_t *ret_entries, err *e);

// One line for a table on a terminal: control characters are shown, not sent (threat 48).
void audit_row_head(bool colour, buf *out);
void audit_row_text(const audit_row *row, bool colour, buf *out);
