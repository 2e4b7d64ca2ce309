// SPDX-License-Identifier: Apache-2.0
// Forms, queries and paths as clients send them.
#include <string.h>

#include "base/fuzz.h"
#include "google/call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str text = {(const char *)data, size}, parts[SEGMENTS_MAX];
    form f;
    size_t count;
    arena mem;
    arena_init(&mem);
    if (form_parse(text, &mem, &f)) {
        fuzz_accepted++;
        size_t bytes = 0;
        for (size_t i = 0; i < f.count; i++)
            bytes += f.fields[i].name.len + f.fields[i].value.len;
        if (bytes > size)
            abort(); // decoding never makes more of it
        str twice = form_repeated(&f);
        if (f.count && !twice.len && f.fields[0].name.len &&
            !str_eq(form_get(&f, arena_cstr(&mem, f.fields[0].name)), f.fields[0].value) &&
            !memchr(f.fields[0].name.ptr, 0, f.fields[0].name.len))
            abort();
    }
    form_parse_raw(text, &mem, &f);
    if (path_split(text, &mem, parts, &count) && count > SEGMENTS_MAX)
        abort();
    arena_deinit(&mem);
    return 0;
}
