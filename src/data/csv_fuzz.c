// SPDX-License-Identifier: Apache-2.0
// Any text as a data file: what is read can be written as JSON, and read again it says the same.
#include <stdlib.h>

#include "base/fuzz.h"
#include "data/data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    arena a;
    arena_init(&a);
    json *rows, *back;
    err e = ERR_INIT;
    code c = csv_parse(&a, (str){(const char *)data, size}, &(json_opts){.file = "fuzz"}, false,
                       &rows, &e);
    if (c == OK) {
        fuzz_accepted++;
        char *text = json_text(rows, JSON_COMPACT);
        json_opts opts = {.tolerant = true};
        if (json_parse(&a, str_from(text), &opts, &back, NULL) != OK || !json_eq(rows, back))
            abort();
        free(text);
    } else if (!e.line && c != DATA_LIMIT) {
        abort();
    }
    arena_deinit(&a);
    return 0;
}
