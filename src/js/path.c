// SPDX-License-Identifier: Apache-2.0
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "js/js.h"

const char *js_worker_path(void)
{
    static const char *const places[] = {"", "../", "../libexec/gatepost/"};
    static char path[PATH_MAX + 64];
    char self[PATH_MAX];
    const char *named = getenv("GATEPOST_SCRIPT_WORKER");
    if (named && *named)
        return named;
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    str here = str_sub((str){self, len > 0 ? (size_t)len : 0}, 0, len > 0 ? (size_t)len : 0);
    here = str_sub(here, 0, (size_t)(str_rchr(here, '/') + 1));
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        snprintf(path, sizeof(path), STR_FMT "%sgatepost-script", STR_ARG(here), places[i]);
        if (access(path, X_OK) == 0)
            return path;
    }
    snprintf(path, sizeof(path), STR_FMT "gatepost-script", STR_ARG(here));
    return path;
}
