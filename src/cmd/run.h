// SPDX-License-Identifier: Apache-2.0
// run: the parts of `gatepost run`.
#pragma once

#include "cmd/cmd.h"
#include "cmd/identity.h"
#include "report/report.h"

// `gatepost run`, also under newman's name.
extern const option_row cmd_run_rows[], cmd_report_rows[];
// Of each request, also those of `gatepost load`.
extern const option_row cmd_request_rows[];
extern const option_row *const cmd_run_tables[];
code run_collection(cmd_call *call, err *e) ATTR_MUST_CHECK;

// What a run reads. All but the folder lives in the arena.
typedef struct run_inputs run_inputs;
struct run_inputs {
    pm_collection **collections; // in the order of the arguments
    size_t collection_count;
    pm_values *environment, *globals; // NULL: none
    const json *data;                 // NULL: none
    const char *cookie_jar;
    const run_certificate *certificates;
    size_t certificate_count;
    const json *vault, *packages; // variables as pm_scope_add reads them; NULL: none
    pm_folder *folder;
};
// Errors name file, line and column.
CODE_CHECKED run_inputs_load(run_inputs *in, arena *a, loop *l, const option_values *o, err *e);

// What `run` and `load` begin with.
typedef struct run_setup run_setup;
struct run_setup {
    cmd_call *call;
    loop *loop;
    arena arena;
    identity_setup identity;
    run_inputs in;
    VEC(run_route) routes;
};
run_setup run_setup_new(cmd_call *call);
// Reads all that the options name, and prints notes about it.
CODE_CHECKED run_setup_open(run_setup *s, err *e);
// What cmd_request_rows say, of the first collection. Borrows from `s`.
void run_setup_options(run_setup *s, runner_options *ret);
void run_setup_close(run_setup *s); // also after an error

// The file of --vault: only its owner may read it. The folder of --packages.
CODE_CHECKED run_vault_load(run_inputs *in, arena *a, const char *path, err *e);
CODE_CHECKED run_packages_load(run_inputs *in, arena *a, const char *dir, err *e);

// What part of the run is done, and what is done again: --shard, --only-failed, --retry.
typedef struct run_parts run_parts;
struct run_parts {
    run_shard shard;
    const run_pick *picks;
    size_t pick_count;
    run_retry retry;
};
CODE_CHECKED run_parts_read(run_parts *ret, arena *a, const option_values *o, const run_inputs *in,
                            err *e);

// --watch: runs, and again whenever a file that was read has changed, until Ctrl-C. `once` tells
// whether it was interrupted.
CODE_CHECKED run_watch(cmd_call *call, code (*once)(cmd_call *call, bool *ret_stopped, err *e),
                       err *e);

// The file of --ssl-client-cert-list.
CODE_CHECKED run_certificates_load(run_inputs *in, arena *a, const char *path, err *e);

// What it leaves behind: --export-environment, -globals, -collection, -cookie-jar.
CODE_CHECKED run_export(const option_values *o, runner *r, err *e);

// The reporters that --reporters names.
typedef VEC(reporter *) run_reporters;
CODE_CHECKED run_reporters_new(run_reporters *rs, const cmd_call *call, err *e);
void run_reporters_listen(const run_reporters *rs, runner *r);
CODE_CHECKED run_reporters_finish(run_reporters *rs, err *e);
void run_reporters_free(run_reporters *rs);
