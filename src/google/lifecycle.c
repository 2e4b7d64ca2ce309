// SPDX-License-Identifier: Apache-2.0
// Accounts that come and go by the IAM API. What gatepost.yaml declares stays while it does.
#include "google/key_job.h"

enum { ACCOUNT_ID_MIN = 6, ACCOUNT_ID_MAX = 30, NAME_BYTES_MAX = 100, DESCRIPTION_BYTES_MAX = 256 };

static bool id_valid(str id)
{
    if (id.len < ACCOUNT_ID_MIN || id.len > ACCOUNT_ID_MAX || !ascii_is_alpha(id.ptr[0]) ||
        id.ptr[id.len - 1] == '-')
        return false;
    for (size_t i = 0; i < id.len; i++)
        if (id.ptr[i] != ascii_lower(id.ptr[i]) || (!ascii_is_alnum(id.ptr[i]) && id.ptr[i] != '-'))
            return false;
    return true;
}

static bool refuse(call *c, rpc status, const char *message)
{
    call_rpc_error(c, status, "%s", message);
    return false;
}

static bool check_new(call *c, str id, str name, str description, str *ret_email)
{
    if (!id_valid(id))
        return refuse(
            c, RPC_INVALID_ARGUMENT,
            "Invalid value at 'accountId': 6 to 30 lower-case letters, digits and hyphens "
            "are required.");
    if (name.len > NAME_BYTES_MAX || description.len > DESCRIPTION_BYTES_MAX)
        return refuse(c, RPC_INVALID_ARGUMENT,
                      "Invalid value at 'serviceAccount': displayName has at most 100 bytes, "
                      "description 256.");
    *ret_email = arena_printf(c->mem, STR_FMT "@" STR_FMT ".iam.gserviceaccount.com", STR_ARG(id),
                              STR_ARG(c->g->project_id));
    if (account_find(c->g, *ret_email)) {
        call_rpc_error(c, RPC_ALREADY_EXISTS,
                       "Service account " STR_FMT " already exists within project "
                       "projects/" STR_FMT ".",
                       STR_ARG(id), STR_ARG(c->g->project_id));
        return false;
    }
    return c->g->accounts.len < GOOGLE_ACCOUNTS_MAX ||
           refuse(c, RPC_RESOURCE_EXHAUSTED, "The project has the most accounts that it may have.");
}

void account_create(call *c, api_use *u, key_job_answer *answer)
{
    const json *body, *more;
    str email;
    err e = ERR_INIT;
    if (!call_json_body(c, &body))
        return;
    more = json_get(body, "serviceAccount");
    str name = json_str_or(json_get(more, "displayName"), STR_NONE);
    str description = json_str_or(json_get(more, "description"), STR_NONE);
    if (!check_new(c, json_str_or(json_get(body, "accountId"), STR_NONE), name, description,
                   &email))
        return;
    if (account_make(c->g, email, name, description, &u->target, &e)) {
        call_rpc_error(c, RPC_INTERNAL, "%s", e.msg);
        return;
    }
    key_job_save(c, u, NULL, answer);
}

void account_delete(call *c, const api_use *u, key_job_answer *answer)
{
    if (u->target->declared) {
        call_rpc_error(c, RPC_FAILED_PRECONDITION,
                       "Precondition check failed: gatepost.yaml declares the account; take it out "
                       "there.");
        return;
    }
    account_drop(c->g, u->target);
    key_job_save(c, u, NULL, answer);
}

void account_set_disabled(call *c, const api_use *u, bool disabled, key_job_answer *answer)
{
    u->target->disabled = disabled;
    journal_add(c->g->journal, "update account set disabled = ? where email = ?",
                STORE_ARGS(store_i64(disabled), store_text(u->target->email)));
    key_job_save(c, u, NULL, answer);
}
