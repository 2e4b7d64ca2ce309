// SPDX-License-Identifier: Apache-2.0
#include "http/input.h"

enum { HELD_KEPT_BYTES = 4 << 10 }; // larger buffers are given back once they are empty

void input_init(input *in, size_t max)
{
    *in = (input){0};
    buf_init(&in->held, max);
}

void input_deinit(input *in)
{
    buf_deinit(&in->held);
    in->rest = STR_NONE;
}

void input_add(input *in, str bytes)
{
    if (!in->rest.len) {
        in->rest = bytes;
        in->borrowed = true;
        return;
    }
    buf_consume(&in->held, (size_t)(in->rest.ptr - in->held.ptr));
    buf_adds(&in->held, bytes);
    in->rest = buf_str(&in->held);
}

void input_keep(input *in)
{
    if (in->borrowed && in->rest.len) {
        buf_reset(&in->held);
        buf_adds(&in->held, in->rest);
        in->rest = buf_str(&in->held);
    } else if (!in->rest.len) {
        in->rest = STR_NONE;
        if (in->held.cap > HELD_KEPT_BYTES)
            buf_deinit(&in->held);
    }
    in->borrowed = false;
}
