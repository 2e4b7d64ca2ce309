// SPDX-License-Identifier: Apache-2.0
// Any text as one header, or, split at newlines, as several.
#include <stdlib.h>

#include "base/fuzz.h"
#include "guard/bearer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str rest = {(const char *)data, size}, values[4], part;
    guard_call c = {.authorization = values};
    while (c.authorization_count < ARRAY_LEN(values) && str_next(&rest, '\n', &part))
        values[c.authorization_count++] = part;
    bearer b;
    err e = ERR_INIT;
    code failed = bearer_find(&c, &b, &e);
    // One token or a reason, never both; the token is a part of the one header, without blanks.
    if (b.present != (c.authorization_count > 0) ||
        (failed == OK && b.present) != (b.token.len > 0))
        abort();
    if (failed && (e.code != failed || !e.msg[0] || !e.hint[0]))
        abort();
    fuzz_accepted += b.token.len > 0;
    for (size_t i = 0; i < b.token.len; i++)
        if (ascii_is_blank(b.token.ptr[i]) || b.token.ptr[i] == ',')
            abort();
    if (jwt_looks_like(b.token)) {
        arena a;
        arena_init(&a);
        str removed = bearer_without_signature(&b, &a);
        ssize_t at = str_rchr(removed, '.');
        if (!str_eq(str_sub(b.header, 0, (size_t)at), str_sub(removed, 0, (size_t)at)))
            abort();
        arena_deinit(&a);
    }
    return 0;
}
