// SPDX-License-Identifier: Apache-2.0
// Any text as a token, verified against the keys of the RFCs' examples, whose tokens are seeds.
#include <stdlib.h>

#include "base/fuzz.h"
#include "jose/jose.h"
#include "jose/rfc_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static jwk_set *keys;
    if (!keys &&
        jwk_set_from_text(STR("{\"keys\":[" RFC7515_A2_KEY "," RFC7515_A3_KEY "," RFC8037_KEY "]}"),
                          &keys, NULL))
        abort();
    str token = {(const char *)data, size};
    jwt t;
    arena a;
    arena_init(&a);
    jwt_expect x = {.issuer = STR("joe"), .now_s = 1300819000, .leeway_s = 30};
    code c = jwt_verify(token, keys, &x, &a, &t, NULL);
    fuzz_accepted += c == OK;
    // Whatever is accepted has the shape of a token, and is hidden from people.
    buf shown;
    buf_init(&shown, 1 << 20);
    bool redacted = jose_redact(token, &shown);
    if (c == OK && (!jwt_looks_like(token) || !redacted))
        abort();
    if (buf_ok(&shown) && shown.len > size + 3)
        abort();
    buf_deinit(&shown);
    arena_deinit(&a);
    return 0;
}
