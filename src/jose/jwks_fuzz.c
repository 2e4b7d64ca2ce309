// SPDX-License-Identifier: Apache-2.0
// Any text as a key set: what is accepted must survive being written and read again.
#include <stdlib.h>

#include "base/fuzz.h"
#include "jose/jose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    jwk_set *s = NULL, *back = NULL;
    if (jwk_set_from_text((str){(const char *)data, size}, &s, NULL) != OK)
        return 0;
    fuzz_accepted++;
    buf text;
    buf_init(&text, 4 * JWK_SET_BYTES_MAX);
    jwk_set_write_json(s, &text);
    if (jwk_set_from_text(buf_str(&text), &back, NULL) != OK || jwk_set_len(back) != jwk_set_len(s))
        abort();
    jwk_set_unref(back);
    jwk_set_unref(s);
    buf_deinit(&text);
    return 0;
}
