// SPDX-License-Identifier: Apache-2.0
// Each line is one answer's WWW-Authenticate, to a call with digest auth and to one with NTLM. What
// servers write never leads to a header that isn't one line.
#include <stdlib.h>

#include "base/fuzz.h"
#include "postman/postman.h"

static void answer_all(const char *type, str lines)
{
    arena a;
    err e = ERR_INIT;
    json *request;
    pm_call call;
    arena_init(&a);
    str text = arena_printf(&a,
                            "{\"method\":\"POST\",\"url\":\"http://h/a\",\"auth\":{\"type\":\"%s\","
                            "\"%s\":{\"username\":\"d\\\\u\",\"password\":\"p\"}}}",
                            type, type);
    pm_auth_memory *memory = pm_auth_memory_new();
    pm_prepare_options o = {.memory = memory};
    if (json_parse(&a, text, NULL, &request, &e) || pm_prepare(&a, request, &o, &call, &e))
        abort();
    for (str line; str_next(&lines, '\n', &line);) {
        pm_answer answer = {401, &line, 1};
        bool again = pm_answer_challenge(&a, &call, &answer);
        fuzz_accepted += again;
        const pm_header *h = pm_call_header(&call, STR("Authorization"));
        if (again && (!h || str_chr(h->value, '\n') >= 0))
            abort();
    }
    pm_call_deinit(&call);
    pm_auth_memory_free(memory);
    arena_deinit(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str lines = {(const char *)data, size};
    answer_all("digest", lines);
    answer_all("ntlm", lines);
    return 0;
}
