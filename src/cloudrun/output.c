// SPDX-License-Identifier: Apache-2.0
#include "cloudrun/output.h"

struct output {
    stream *stream;
    buf line; // begun
    void (*on_line)(void *ctx, str line);
    void (*on_end)(void *ctx);
    void *ctx;
};

static void tell(output *o, str line)
{
    if (str_ends(line, STR("\r")))
        line.len--;
    o->on_line(o->ctx, line);
}

static void flush(output *o)
{
    if (o->line.len)
        tell(o, buf_str(&o->line));
    buf_reset(&o->line);
}

static void on_read(void *ctx, str bytes)
{
    output *o = ctx;
    while (bytes.len) {
        ssize_t end = str_chr(bytes, '\n');
        size_t len = end < 0 ? bytes.len : (size_t)end, room = OUTPUT_LINE_BYTES_MAX - o->line.len;
        bool whole = end >= 0 && len <= room;
        if (len > room)
            len = room;
        buf_adds(&o->line, str_sub(bytes, 0, len));
        bytes = str_skip(bytes, len + (whole ? 1 : 0));
        if (whole && !o->line.len)
            tell(o, STR_NONE);
        if (whole || o->line.len == OUTPUT_LINE_BYTES_MAX)
            flush(o);
    }
}

static void on_stream_end(void *ctx, const err *e)
{
    output *o = ctx;
    (void)e; // a pipe that breaks has ended
    flush(o);
    o->on_end(o->ctx);
}

static const stream_handlers handlers = {.on_read = on_read, .on_end = on_stream_end};

output *output_new(stream *s, void (*on_line)(void *ctx, str line), void (*on_end)(void *ctx),
                   void *ctx)
{
    output *o = NEW(output);
    *o = (output){.stream = s, .on_line = on_line, .on_end = on_end, .ctx = ctx};
    buf_init(&o->line, OUTPUT_LINE_BYTES_MAX);
    stream_handle(s, &handlers, o);
    stream_resume(s);
    return o;
}

void output_free(output *o)
{
    if (!o)
        return;
    stream_free(o->stream);
    buf_deinit(&o->line);
    free(o);
}
