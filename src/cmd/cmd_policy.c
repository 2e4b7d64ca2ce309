// SPDX-License-Identifier: Apache-2.0
// `gatepost policy …`: questions to an IAM policy file.
#include "cmd/verbs.h"
#include "home/home.h"
#include "policy/policy.h"

enum { PAGE_BYTES_MAX = 16 << 20 };

static bool as_json(const cmd_call *call)
{
    return str_eq(option_text(call->options, "format"), STR("json"));
}

static void show(cmd_call *call, buf *page, bool good)
{
    fwrite(buf_cstr(page), 1, page->len, call->out);
    call->status = good ? EXIT_OK : EXIT_FAILED;
}

// ---- lint ---------------------------------------------------------------------------------------

static code run_lint(cmd_call *call, err *e)
{
    buf page;
    bool clean = false;
    buf_init(&page, PAGE_BYTES_MAX);
    code c = policy_command_lint(option_args(call->options)->ptr[0].ptr, as_json(call), &page,
                                 &clean, e);
    if (c == OK)
        show(call, &page, clean);
    buf_deinit(&page);
    return c;
}

#define FORMAT                                                                                     \
    {                                                                                              \
        .name = "format", .kind = OPTION_CHOICE, .choices = "text|json", .def = "text",            \
        .help = "How to write the answer"                                                          \
    }

static const option_row lint_rows[] = {FORMAT, {0}};
static const option_row *const lint_tables[] = {lint_rows, cmd_common, NULL};

static const command_spec lint_spec = {
    .name = "policy lint",
    .args = "FILE",
    .args_min = 1,
    .args_max = 1,
    .summary = "Find exposure and mistakes in an IAM policy",
    .about =
        "Reads a policy as gcloud prints it, in YAML or JSON, and warns of members that let in "
        "more people than they seem to (allAuthenticatedUsers is anybody with a Google "
        "account), of basic roles, and of roles and members that can't work.\n\n"
        "Ends with 1 when there are warnings.",
    .example = "gatepost policy lint policy.yaml\n"
               "gcloud run services get-iam-policy orders | gatepost policy lint -",
    .tables = lint_tables,
};

const verb verb_policy_lint = {.spec = &lint_spec, .group = VERB_GOVERN, .run = run_lint};

// ---- explain ------------------------------------------------------------------------------------

static code run_explain(cmd_call *call, err *e)
{
    const option_values *o = call->options;
    arena a;
    buf page;
    const home_project *project;
    bool allowed = false;
    arena_init(&a);
    buf_init(&page, PAGE_BYTES_MAX);
    code c = project_load(&a, option_cstr(o, "project-file"), NULL, &project, e);
    if (c == OK) {
        const policy_explain x = {.path = option_args(o)->ptr[0].ptr,
                                  .principal = option_text(o, "principal"),
                                  .permission = option_text(o, "permission"),
                                  .resource = option_text(o, "resource"),
                                  .groups = project->groups,
                                  .attributes = option_list(o, "with")->ptr,
                                  .attribute_count = option_list(o, "with")->len,
                                  .as_json = as_json(call)};
        c = policy_command_explain(&x, &page, &allowed, e);
    }
    if (c == OK)
        show(call, &page, allowed);
    buf_deinit(&page);
    arena_deinit(&a);
    return c;
}

static const option_row explain_rows[] = {
    {.name = "principal",
     .kind = OPTION_TEXT,
     .value = "MEMBER",
     .def = "allUsers",
     .help = "Who calls, as a policy names it: user:EMAIL, serviceAccount:EMAIL, allUsers"},
    {.name = "permission",
     .kind = OPTION_TEXT,
     .value = "NAME",
     .def = "run.routes.invoke",
     .help = "What is asked for"},
    {.name = "resource",
     .kind = OPTION_TEXT,
     .value = "NAME",
     .help = "Of what: projects/P/locations/R/services/S; conditions may ask for it"},
    {.name = "with",
     .kind = OPTION_TEXT,
     .repeat = true,
     .value = "NAME=VALUE",
     .help = "What a condition may ask about the call: request.path=/admin, source.ip=10.0.0.1, "
             "request.time=2026-12-31T23:59:59Z (now, if absent)"},
    {.name = "project-file",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .env = "GATEPOST_PROJECT_FILE",
     .help = "The gatepost.yaml whose groups count; otherwise the nearest one"},
    FORMAT,
    {0},
};
static const option_row *const explain_tables[] = {explain_rows, cmd_common, NULL};

static const command_spec explain_spec = {
    .name = "policy explain",
    .args = "FILE",
    .args_min = 1,
    .args_max = 1,
    .summary = "Tell whether a policy lets somebody in, and why",
    .about =
        "Decides as 'gatepost up' does, and shows for each binding why it grants or doesn't; "
        "of a refusal also the fix. Conditions are evaluated for the call that --with describes; "
        "without a value that it asks for, a condition isn't met. Groups are those of the project "
        "file.\n\n"
        "Ends with 0 when the caller is let in, with 1 when not.",
    .example = "gatepost policy explain policy.yaml --principal user:jane@example.com\n"
               "gatepost policy explain policy.yaml --principal user:jane@example.com --with "
               "request.path=/admin",
    .tables = explain_tables,
};

const verb verb_policy_explain = {.spec = &explain_spec, .group = VERB_GOVERN, .run = run_explain};
