// SPDX-License-Identifier: Apache-2.0
// The encoders extension: base64.
#include "cel/eval.h"

static cel_value encode(cel_call *c, const cel_value *a, size_t n)
{
    buf out;
    (void)n;
    cel_text_start(c, &out);
    base64_encode(&out, a->s);
    return cel_text_end(c, &out, CEL_STRING);
}

// With or without the padding.
static cel_value decode(cel_call *c, const cel_value *a, size_t n)
{
    buf padded, out;
    (void)n;
    cel_text_start(c, &padded);
    cel_text_start(c, &out);
    buf_adds(&padded, a->s);
    while (padded.len % 4 && buf_ok(&padded))
        buf_addc(&padded, '=');
    bool good = buf_ok(&padded) && base64_decode(&out, buf_str(&padded));
    buf_deinit(&padded);
    cel_value v = cel_text_end(c, &out, CEL_BYTES);
    return good ? v : cel_call_error(c, "the text isn't base64");
}

const cel_function cel_encode_functions[] = {
    {"base64.encode", "(bytes) string", encode, NULL},
    {"base64.decode", "(string) bytes", decode, NULL},
    {0},
};
