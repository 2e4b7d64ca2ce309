// SPDX-License-Identifier: Apache-2.0
// iam: the nouns of identity and access: who calls (principal), whom a policy names (member), what
// a role permits, and what was decided and why. It follows Google IAM v1 (contract policy.md).
//
// Invariants
// - A principal is made from verified claims only; nothing here verifies anything.
// - E-mail addresses and domains are compared in lower case and whole: `a@b@c`, an empty part or a
//   suffix of a domain never match (threat 21).
// - A decision carries its explanation; text and JSON are made from the same data.
#pragma once

#include "base/base.h"

typedef struct json json;
typedef struct jout jout;

// ---- principal --------------------------------------------------------------------------------

typedef enum principal_kind {
    PRINCIPAL_ANONYMOUS,
    PRINCIPAL_USER,
    PRINCIPAL_SERVICE_ACCOUNT,
    PRINCIPAL_WORKFORCE, // people of another identity provider, through a workforce pool
    PRINCIPAL_WORKLOAD,  // machines of another identity provider, through a workload identity pool
} principal_kind;
const char *principal_kind_name(principal_kind k); // "service account"

typedef struct principal_attribute principal_attribute;
struct principal_attribute {
    str name; // without "attribute."
    str value;
};

// All strings borrow; empty means unknown.
typedef struct principal principal;
struct principal {
    principal_kind kind;
    str email;  // lower case, verified by the issuer
    str domain; // the managed domain that the issuer vouches for (Google's `hd`), lower case
    str subject;
    str issuer;
    str pool;           // workforce, workload: "locations/global/workforcePools/p", …
    str project_number; // service account: of its project
    const str *groups;  // e-mail addresses of groups; workforce, workload: mapped group names
    size_t group_count;
    const principal_attribute *attributes;
    size_t attribute_count;
};
extern const principal principal_anonymous;

// As a policy names it: "serviceAccount:e", "user:e", "principal://iam.googleapis.com/…/subject/s",
// "allUsers" for the anonymous one.
void principal_name(const principal *p, buf *out);
// Reads a caller as principal_name writes it: for commands that ask on behalf of somebody.
// IAM_MEMBER for sets and groups, which can't call.
CODE_CHECKED principal_parse(str text, arena *a, principal *ret_principal, err *e);
// A deep copy into the arena.
principal *principal_copy(arena *a, const principal *p);
// True for one '@' with something on both sides, no blanks or control characters.
bool email_valid(str email);
bool email_is_service_account(str email); // @….gserviceaccount.com

// ---- member -----------------------------------------------------------------------------------

typedef enum member_kind {
    MEMBER_ALL_USERS,
    MEMBER_ALL_AUTHENTICATED,
    MEMBER_USER,
    MEMBER_SERVICE_ACCOUNT,
    MEMBER_GROUP,
    MEMBER_DOMAIN,
    MEMBER_SUBJECT,          // principal://…/subject/S
    MEMBER_POOL_GROUP,       // principalSet://…/group/G
    MEMBER_POOL_ATTRIBUTE,   // principalSet://…/attribute.NAME/VALUE
    MEMBER_POOL,             // principalSet://…/*
    MEMBER_PROJECT_ACCOUNTS, // principalSet://cloudresourcemanager…/projects/N/type/ServiceAccount
    MEMBER_DELETED,          // matches nobody
} member_kind;

typedef struct member member;
struct member {
    member_kind kind;
    str text;  // as written
    str value; // e-mail or domain in lower case, subject, group, attribute's value, project number
    str pool;  // as in principal
    str name;  // of the attribute
};

// Reads every form of contract policy.md. The strings live in the arena. IAM_MEMBER for any other
// form, with the likely meaning as a hint ("user:" before a bare address…).
CODE_CHECKED member_parse(str text, arena *a, member *ret_member, err *e);
// Whether the member covers the principal. `authenticated` says that the principal counts for
// allAuthenticatedUsers.
bool member_matches(const member *m, const principal *p, bool authenticated);
// When a member that does not match was probably meant to (the address with another prefix, a
// domain of another case…): one sentence for the explanation. False when there is nothing to say.
bool member_near_miss(const member *m, const principal *p, buf *out);

// ---- groups -----------------------------------------------------------------------------------

// Who is in which group: what Google's directory knows in the cloud and a project file says
// locally.
typedef struct directory directory;

directory *directory_new(void);
void directory_free(directory *d);
// Reads {group e-mail: [member, …]} (members: user:, serviceAccount:, group:). Nested groups count;
// a group inside itself is IAM_GROUP.
CODE_CHECKED directory_load(directory *d, const json *groups, err *e);
// Tells the number of a project, by which principalSet://cloudresourcemanager… names its accounts.
void directory_add_project(directory *d, str project_id, str project_number);
// Tells the address of a service account, by its unique id: its tokens may name nothing else
// (google-identity.md §3, includeEmail). The last word counts; an empty address forgets.
void directory_add_account(directory *d, str unique_id, str email);
// Sets p->groups to all groups that hold it, in the arena, and of a service account the project
// number, and the address if it is missing.
void directory_fill(const directory *d, principal *p, arena *a);

// ---- role -------------------------------------------------------------------------------------

typedef struct role_set role_set;

role_set *role_set_new(void); // the predefined roles
void role_set_free(role_set *r);
// For tests, as no file declares roles yet: a role of the project's own ("roles/x",
// "projects/P/roles/x"); IAM_ROLE when it is malformed or named like a predefined one.
CODE_CHECKED role_set_add(role_set *r, str name, const str *permissions, size_t count, err *e);
bool role_known(const role_set *r, str name);
bool role_basic(str name); // owner, editor, viewer
bool role_permits(const role_set *r, str name, str permission);
// The name of a known role that permits it and little else, for hints; NULL when there is none.
const char *role_for(str permission);

#define PERMISSION_INVOKE STR("run.routes.invoke")

// ---- decision ---------------------------------------------------------------------------------

typedef enum binding_outcome {
    BINDING_GRANTS,
    BINDING_ROLE_LACKS,   // the role doesn't have the permission
    BINDING_ROLE_UNKNOWN, // nobody knows what the role permits: it grants nothing
    BINDING_NO_MEMBER,    // no member is the caller
    BINDING_CONDITION_FALSE,
    BINDING_CONDITION_FAILED, // nobody can tell whether it is met: it grants nothing
} binding_outcome;
const char *binding_outcome_name(binding_outcome o); // "no-member": stable, for JSON

// Why one binding matched or did not.
typedef struct binding_reason binding_reason;
struct binding_reason {
    binding_outcome outcome;
    str role;
    size_t member_count;
    str member;              // the one that matched
    str near_miss;           // one sentence, or ""
    str condition;           // its title; "" when it has none
    str expression, failure; // of a condition that isn't met, or can't be evaluated
    uint32_t line;           // in the policy file; 0: unknown
};

typedef struct decision decision;
struct decision {
    bool allowed;
    bool check_disabled; // the service asks for no check at all
    str permission;
    str resource;
    str principal; // principal_name
    // Allowed: the binding that granted. Refused: all of them.
    const binding_reason *reasons;
    size_t reason_count;
};

// Of a refusal: the binding that lacks nothing but its condition; NULL when there is none.
const binding_reason *decision_condition(const decision *d);
// One sentence: "serviceAccount:x has run.routes.invoke on R by roles/run.invoker".
void decision_summary(const decision *d, buf *out);
// The summary and a line for each reason.
void decision_text(const decision *d, buf *out);
// {"allowed":…,"permission":…,"resource":…,"principal":…,"bindings":[…]}
void decision_json(const decision *d, jout *w, const char *key);
