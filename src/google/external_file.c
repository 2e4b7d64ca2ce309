// SPDX-License-Identifier: Apache-2.0
// The external_account files that `gatepost up` keeps for providers of pools: what Google's console
// offers for a provider, with the addresses of this one. They hold no secret.
#include <errno.h>
#include <sys/stat.h>

#include "google/state.h"

enum { FILE_BYTES_MAX = 64 << 10 };

static void add_file(const google *g, const google_external *x, buf *out)
{
    jout w = jout_new(out, JSON_PRETTY);
    jout_object(&w, NULL);
    jout_str(&w, "type", STR("external_account"));
    jout_strf(&w, "audience",
              "//iam.googleapis.com/projects/" STR_FMT
              "/locations/global/workloadIdentityPools/" STR_FMT "/providers/" STR_FMT,
              STR_ARG(g->project_number), STR_ARG(x->pool), STR_ARG(x->provider));
    jout_str(&w, "subject_token_type", STR("urn:ietf:params:oauth:token-type:jwt"));
    jout_strf(&w, "token_url", STR_FMT "/v1/token", STR_ARG(g->base));
    jout_object(&w, "credential_source");
    jout_str(&w, "file", str_from(x->token_file));
    jout_end(&w);
    if (x->impersonate.len)
        jout_strf(&w, "service_account_impersonation_url",
                  STR_FMT "/v1/projects/-/serviceAccounts/" STR_FMT ":generateAccessToken",
                  STR_ARG(g->base), STR_ARG(x->impersonate));
    jout_str(&w, "universe_domain", STR("googleapis.com"));
    jout_end(&w);
    buf_addc(out, '\n');
}

// One that points elsewhere may be the cloud's: nothing else has it.
static bool is_ours(const google_external *x, arena *mem)
{
    json_opts limits = {.bytes_max = FILE_BYTES_MAX, .depth_max = 4, .values_max = 64};
    json *root;
    struct stat st;
    if (lstat(x->path, &st) < 0)
        return errno == ENOENT;
    return S_ISREG(st.st_mode) && json_load(mem, x->path, &limits, &root, NULL) == OK &&
           json_is_str(json_get(root, "type"), "external_account") &&
           key_file_on_loopback(json_str_or(json_get(root, "token_url"), STR_NONE));
}

static code write_one(const google *g, const google_external *x, arena *mem, err *e)
{
    if (!is_ours(x, mem)) {
        (void)err_set(
            e, GOOGLE_KEY_FILE,
            "%s: a credential that wasn't made here: it is left alone, so provider " STR_FMT
            " gets no file",
            x->path, STR_ARG(x->provider));
        return err_hint(e,
                        "move the file away, or let this provider's \"credential\" name another");
    }
    buf out;
    buf_init(&out, FILE_BYTES_MAX);
    add_file(g, x, &out);
    code c = key_file_write(x->path, buf_str(&out), e);
    buf_deinit(&out);
    return c;
}

code external_files_write(const google *g, arena *mem, err *e)
{
    code c = OK;
    for (size_t i = 0; c == OK && i < g->external_count; i++)
        c = write_one(g, &g->externals[i], mem, e);
    return c;
}
