// SPDX-License-Identifier: Apache-2.0
// The files of `gatepost init`.
#pragma once

// {{id}}, {{region}} and {{url}} are filled in.
typedef struct init_file init_file;
struct init_file {
    const char *name;
    const char *text;
};
extern const init_file init_local[]; // a service on this machine; ends with a NULL name
extern const init_file init_cloud[]; // a service that runs already
