// SPDX-License-Identifier: Apache-2.0
#include "home/project_keys.h"

#define TEXT(symbol, description, one, expression, most)                                           \
    static const shape symbol = {.kind = SHAPE_TEXT,                                               \
                                 .what = description,                                              \
                                 .example = one,                                                   \
                                 .pattern = expression,                                            \
                                 .min = 1,                                                         \
                                 .max = (most)}
#define LIST(symbol, of, most)                                                                     \
    static const shape symbol = {.kind = SHAPE_LIST, .item = &(of), .max = (most)}

// ---- project ------------------------------------------------------------------------------------

TEXT(project_id, "a project id: 6 to 30 lower-case letters, digits and hyphens", "my-project",
     "^[a-z][a-z0-9-]{4,28}[a-z0-9]$", 30);
static const shape project_number = {.kind = SHAPE_ID,
                                     .what = "a project number: 6 to 20 digits",
                                     .example = "123456789012",
                                     .pattern = "^[1-9][0-9]{5,19}$",
                                     .min = 6,
                                     .max = 20};
static const shape project_hash = {
    .kind = SHAPE_TEXT,
    .what = "a project hash: 6 to 20 lower-case letters and digits, a letter among them",
    .example = "k2v7xw4mqa",
    .pattern = "^[a-z0-9]*[a-z][a-z0-9]*$",
    .min = 6,
    .max = 20};
TEXT(region, "a region such as us-central1", "europe-west1", "^[a-z]+-[a-z]+[0-9]{1,2}$", 40);

static const shape_key project_of[] = {
    {.name = "id",
     .shape = &project_id,
     .required = true,
     .help = "The project's id, as in its accounts' e-mail addresses"},
    {.name = "number",
     .shape = &project_number,
     .help =
         "The project's number, as in SERVICE-NUMBER.REGION.run.app; made from the id if absent"},
    {.name = "hash",
     .shape = &project_hash,
     .help = "The project's hash, as in SERVICE-HASH-uc.a.run.app; made from the id if absent"},
    {.name = "region", .shape = &region, .help = "Where its services run; us-central1 if absent"},
    {0},
};
static const shape project = {
    .kind = SHAPE_OBJECT, .example = "{id: my-project}", .keys = project_of};

// ---- accounts and groups ------------------------------------------------------------------------

TEXT(email, "an e-mail address", "tester@my-project.iam.gserviceaccount.com",
     "^[^@ ]+@[A-Za-z0-9.-]+$", 320);
TEXT(role, "a role such as roles/run.invoker", "roles/run.invoker",
     "^((projects|organizations)/[a-z0-9-]+/)?roles/[A-Za-z0-9_.]+$", 256);
TEXT(path, "the path of a file, seen from this one", NULL, NULL, 4096);
TEXT(member, "a member such as serviceAccount:EMAIL", NULL, NULL, 512);
LIST(roles, role, 100);
LIST(members, member, 20000);
static const shape groups = {.kind = SHAPE_MAP,
                             .what = "a group's e-mail address",
                             .example = "team@example.com",
                             .pattern = "^[^@ ]+@[A-Za-z0-9.-]+$",
                             .item = &members,
                             .max = 1000};
static const shape policy_object = {.kind = SHAPE_FREE, .what = "an IAM policy"};
static const shape policy = {.kind = SHAPE_EITHER, .item = &path, .other = &policy_object};
static const shape_key account_keys[] = {
    {.name = "email", .shape = &email, .required = true, .help = "The account"},
    {.name = "roles", .shape = &roles, .help = "What it may do in the whole project"},
    {.name = "key",
     .shape = &path,
     .help = "Where gatepost up puts its key file on first start; none if absent"},
    {.name = "policy",
     .shape = &policy,
     .help = "Who may use the account, a service account: an IAM policy, or its file"},
    {0},
};
static const shape account = {.kind = SHAPE_OBJECT, .keys = account_keys};
LIST(accounts, account, 1000);

// ---- workload identity pools --------------------------------------------------------------------

static const shape flag = {.kind = SHAPE_BOOL};
TEXT(issuer, "an issuer's URL, as its tokens have it in \"iss\"",
     "https://token.actions.githubusercontent.com", NULL, 2048);
TEXT(audience, "an audience", NULL, NULL, 256);
LIST(audiences, audience, 10);
TEXT(mapping, "an expression over \"assertion\", the token's claims", "assertion.sub", NULL, 2048);
TEXT(attribute_condition, "an expression over assertion, google and attribute", NULL, NULL, 4096);
static const shape jwks = {.kind = SHAPE_FREE, .what = "a key set: {keys: [...]}"};
static const shape attribute_map = {
    .kind = SHAPE_MAP,
    .what = "google.subject, google.groups or attribute.NAME",
    .example = "google.subject",
    .pattern = "^(google\\.(subject|groups)|attribute\\.[a-z][a-z0-9_]{0,99})$",
    .item = &mapping,
    .max = 52};
TEXT(acts_for, "a service account's e-mail address", "deployer@my-project.iam.gserviceaccount.com",
     "^[^@ ]+@[A-Za-z0-9.-]+$", 320);
static const shape_key credential_keys[] = {
    {.name = "file",
     .shape = &path,
     .required = true,
     .help = "Where gatepost up puts an external_account file, which Google's libraries take"},
    {.name = "token",
     .shape = &path,
     .required = true,
     .help = "The file that will have a token of the issuer"},
    {.name = "impersonate",
     .shape = &acts_for,
     .help = "The service account that its bearer acts for; if absent for itself"},
    {0},
};
static const shape credential = {.kind = SHAPE_OBJECT, .keys = credential_keys};
static const shape_key provider_keys[] = {
    {.name = "issuer", .shape = &issuer, .required = true, .help = "Whose tokens it takes"},
    {.name = "audiences",
     .shape = &audiences,
     .help = "Whom the tokens must be for; if absent the provider's full name"},
    {.name = "jwks",
     .shape = &jwks,
     .help = "The issuer's public keys; if absent they are fetched from it"},
    {.name = "map",
     .shape = &attribute_map,
     .required = true,
     .help = "What a token's claims make of its bearer"},
    {.name = "condition",
     .shape = &attribute_condition,
     .help = "What must be true of a token to be taken"},
    {.name = "disabled", .shape = &flag, .help = "Whether it takes none"},
    {.name = "credential",
     .shape = &credential,
     .help = "A credential file for who has one of its tokens; none if absent"},
    {0},
};
static const shape provider = {.kind = SHAPE_OBJECT, .keys = provider_keys};
static const shape providers = {.kind = SHAPE_MAP,
                                .what =
                                    "a provider's id: 4 to 32 lower-case letters, digits, hyphens",
                                .example = "github",
                                .pattern = "^[a-z0-9][a-z0-9-]{2,30}[a-z0-9]$",
                                .item = &provider,
                                .max = 100};
static const shape_key pool_keys[] = {
    {.name = "providers", .shape = &providers, .required = true, .help = "Who vouches for them"},
    {.name = "disabled", .shape = &flag, .help = "Whether none of its providers takes tokens"},
    {0},
};
static const shape pool = {.kind = SHAPE_OBJECT, .keys = pool_keys};
static const shape pools = {.kind = SHAPE_MAP,
                            .what = "a pool's id: 4 to 32 lower-case letters, digits, hyphens",
                            .example = "pipelines",
                            .pattern = "^[a-z0-9][a-z0-9-]{2,30}[a-z0-9]$",
                            .item = &pool,
                            .max = 100};

// ---- who calls ----------------------------------------------------------------------------------

TEXT(nobody, "'none' or an object with 'account', 'key', 'impersonate' or 'oauth'", "none",
     "^none$", 4);
TEXT(identity_name, "the name of an identity", "tester", "^[A-Za-z0-9._@-]+$", 320);
TEXT(request, "FOLDER/REQUEST, where * stands for any text", NULL, NULL, 1024);
TEXT(account_name, "an account's e-mail address", "tester@my-project.iam.gserviceaccount.com",
     "^[^@ ]+@[A-Za-z0-9.-]+$", 320);
TEXT(chain, "a service account, or several with commas between them",
     "deployer@my-project.iam.gserviceaccount.com", "^[^@ ,]+@[^ ]+$", 2048);
static const shape_key identity_keys[] = {
    {.name = "account",
     .shape = &account_name,
     .help = "An account of gatepost up, or one that gcloud is signed in with"},
    {.name = "key", .shape = &path, .help = "A credential file; only where the file is trusted"},
    {.name = "impersonate", .shape = &chain, .help = "A service account that is impersonated"},
    {.name = "oauth",
     .shape = &oauth_shape,
     .help = "An OAuth 2 client whose tokens are used; only where the file is trusted"},
    {0},
};
static const shape identity_object = {.kind = SHAPE_OBJECT, .keys = identity_keys};
static const shape identity = {.kind = SHAPE_EITHER, .item = &nobody, .other = &identity_object};
static const shape identities = {.kind = SHAPE_MAP,
                                 .what = "the name of an identity",
                                 .example = "tester",
                                 .pattern = "^[A-Za-z0-9._-]+$",
                                 .item = &identity,
                                 .max = 1000};
static const shape_key rule_keys[] = {
    {.name = "request", .shape = &request, .required = true, .help = "Which requests"},
    {.name = "identity",
     .shape = &identity_name,
     .required = true,
     .help = "Who sends them; 'none': nobody"},
    {0},
};
static const shape rule = {.kind = SHAPE_OBJECT, .keys = rule_keys};
LIST(rules, rule, 1000);
TEXT(spec, "a project's number or hash, or an origin", NULL, NULL, 320);
LIST(trust, spec, 1000);

// ---- services -----------------------------------------------------------------------------------

LIST(services, path, 100);
static const shape policies = {.kind = SHAPE_MAP,
                               .what = "the name of a service",
                               .example = "orders",
                               .pattern = "^[a-z]([a-z0-9-]{0,47}[a-z0-9])?$",
                               .item = &policy,
                               .max = 100};
static const shape lifetime = {.kind = SHAPE_DURATION,
                               .what = "a duration from 1s to 12h",
                               .example = "90s, 5m or 1h",
                               .min = 1000,
                               .max = 12 * 3600 * 1000};
static const shape skew = {.kind = SHAPE_DURATION,
                           .what = "a duration from 0 to 60s",
                           .example = "0, 5s or 60s",
                           .max = 60 * 1000};
static const shape options = {.kind = SHAPE_FREE};

// ---- the files ----------------------------------------------------------------------------------

// The person's own file has these only.
static const shape_key user_keys[] = {
    {.name = "identities", .shape = &identities, .help = "Who may be chosen to call"},
    {.name = "rules", .shape = &rules, .help = "Who calls where; the first that fits counts"},
    {.name = "trust",
     .shape = &trust,
     .help = "What may receive identity; heeded only where the file is trusted"},
    {.name = "run", .shape = &options, .help = "Options of gatepost run"},
    {.name = "up", .shape = &options, .help = "Options of gatepost up"},
    {.name = "connect", .shape = &options, .help = "Options of gatepost connect"},
    {0},
};
static const shape_key project_keys[] = {
    {.name = "project", .shape = &project, .required = true, .help = "The Google Cloud project"},
    {.name = "accounts", .shape = &accounts, .help = "Who exists"},
    {.name = "groups", .shape = &groups, .help = "Who is in which group"},
    {.name = "workload_identity_pools",
     .shape = &pools,
     .help = "Whose workloads may exchange their tokens for Google's"},
    {.name = "run_as", .shape = &account_name, .help = "The account that calls by default"},
    {.name = "services", .shape = &services, .help = "The service.yaml files to run"},
    {.name = "policies",
     .shape = &policies,
     .help = "Who may call which service: an IAM policy, or its file"},
    {.name = "token_lifetime",
     .shape = &lifetime,
     .help = "How long tokens of gatepost up are valid; 1h if absent"},
    {.name = "clock_skew",
     .shape = &skew,
     .help = "How far clocks may be apart when tokens are checked; 60s if absent"},
    {0},
};

const shape project_shape = {.kind = SHAPE_OBJECT, .keys = project_keys, .more = user_keys};
const shape user_shape = {.kind = SHAPE_OBJECT, .keys = user_keys};
