// SPDX-License-Identifier: Apache-2.0
// policy: Google IAM v1 policies (contract policy.md): load one, decide by it, explain the
// decision, and find in it what people regret later.
//
// Invariants
// - A loaded policy never changes; it is shared by reference.
// - What is not understood is refused when the policy is loaded, with its place; nothing is
// ignored.
// - Default: deny. A role that nobody knows grants nothing, nor does a binding whose condition
// isn't
//   met or can't be evaluated.
#pragma once

#include "cel/cel.h"
#include "iam/iam.h"

typedef struct policy policy; // refcounted

enum {
    POLICY_BYTES_MAX = 1 << 20,
    POLICY_BINDINGS_MAX = 1500,
    POLICY_MEMBERS_MAX = 20000, // in all bindings
    POLICY_CONDITIONS_MAX = 100,
};

// Reads {bindings, etag, version, auditConfigs}. `roles` says what roles permit; it must outlive
// the policy. Errors: POLICY_INVALID (shape), POLICY_CONDITION (one that can't stand there), CEL_…
// (its expression), IAM_MEMBER; each with its place.
CODE_CHECKED policy_load(const json *root, const role_set *roles, policy **ret_policy, err *e);
// Reads JSON or YAML; `file` is named in errors.
CODE_CHECKED policy_load_text(str text, const char *file, const role_set *roles,
                              policy **ret_policy, err *e);
CODE_CHECKED policy_load_file(const char *path, const role_set *roles, policy **ret_policy, err *e);
// One without bindings: grants nothing.
policy *policy_new(const role_set *roles);
// The bindings of both, a's first: what holds for a service and its project. References both.
policy *policy_join(policy *a, policy *b);
policy *policy_ref(policy *p);
void policy_unref(policy *p); // NULL is allowed

size_t policy_binding_count(const policy *p);
str policy_etag(const policy *p); // "ACAB" when it has none
// As Google's APIs and gcloud print it; a policy without bindings has the etag ACAB.
void policy_json(const policy *p, jout *w, const char *key);

// ---- decisions --------------------------------------------------------------------------------

typedef struct policy_query policy_query;
struct policy_query {
    const principal *who;
    bool authenticated; // counts for allAuthenticatedUsers
    str permission;
    str resource; // "projects/p/locations/r/services/s", "projects/-/serviceAccounts/N",
                  // "projects/p"
    // What conditions ask about the call, by the names of policy_attribute_type: request.time,
    // request.path … NULL: nothing is known of it. Those of resource, principal, and of
    // request.auth the principal and its groups are answered from the members above.
    const cel_activation *call;
};

// The type of an attribute ("timestamp"), as conditions know it; NULL when there is none of the
// name.
const char *policy_attribute_type(str name);

// Decides and explains; what *ret_decision points to lives in the arena or the query: another
// policy may hold before it is told.
void policy_decide(const policy *p, const policy_query *q, arena *a, decision *ret_decision);
// The bare answer, for the path where nobody asks why.
bool policy_allows(const policy *p, const policy_query *q);

// ---- lint -------------------------------------------------------------------------------------

typedef enum policy_severity { POLICY_WARNING, POLICY_NOTE } policy_severity;

// What is wrong with one member or binding.
typedef struct policy_finding policy_finding;
struct policy_finding {
    policy_severity severity;
    const char *rule; // stable: "quasi-public", "public", "basic-role", "unknown-role", …
    str role;
    str member; // "" when it is about the binding
    str message;
    const char *fix;
    uint32_t line, col; // 0: unknown
};

typedef struct policy_findings policy_findings;
struct policy_findings {
    policy_finding *ptr;
    size_t len;
    size_t cap;
    size_t warnings;
};

// Finds exposure and mistakes, in the order of the file. Everything lives in the arena or the
// policy.
void policy_lint(const policy *p, arena *a, policy_findings *ret_findings);
// "FILE:LINE:COL: warning: … [quasi-public]" with its fix, one after the other.
void policy_lint_text(const policy_findings *f, const char *file, buf *out);
void policy_lint_json(const policy_findings *f, const char *file, jout *w, const char *key);

// ---- commands ---------------------------------------------------------------------------------

// `gatepost policy lint FILE`: the report; *ret_clean is false when there are warnings.
CODE_CHECKED policy_command_lint(const char *path, bool as_json, buf *out, bool *ret_clean, err *e);

// `gatepost policy explain FILE --principal M [--permission P] [--resource R] [--with NAME=VALUE]`.
typedef struct policy_explain policy_explain;
struct policy_explain {
    const char *path;
    str principal;      // as a member: "user:e", "serviceAccount:e", "principal://…", "allUsers"
    str permission;     // empty: run.routes.invoke
    str resource;       // may be empty
    const json *groups; // of the project file; NULL: none
    // "request.path=/admin": the call's attributes; without request.time it is now.
    // POLICY_ATTRIBUTE.
    const str *attributes;
    size_t attribute_count;
    bool as_json;
};
CODE_CHECKED policy_command_explain(const policy_explain *x, buf *out, bool *ret_allowed, err *e);
