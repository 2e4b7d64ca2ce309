// SPDX-License-Identifier: Apache-2.0
// What a hostile worker may write to its pipe: frames, read as the runner reads them. Whatever is
// accepted keeps to the limits that the runner relies on.
#include <stdlib.h>

#include "base/fuzz.h"
#include "js/frame.h"
#include "js/message.h"

enum { PAYLOAD_MAX = 1 << 20 };

static void check_done(const js_result *r)
{
    fuzz_accepted++;
    if (r->code != OK && r->code != SCRIPT_FAILED && r->code != SCRIPT_TIMEOUT)
        abort();
    for (size_t i = 0; i < r->change_count; i++)
        if (r->changes[i].scope == JS_DATA || r->changes[i].scope >= JS_SCOPE_COUNT ||
            r->changes[i].kind > JS_CLEAR)
            abort();
    if (r->next_kind != JS_NEXT_NAMED && r->next.len)
        abort();
}

static void check_cookie_op(const js_cookie_op *op)
{
    if (!op->id || op->kind > JS_COOKIE_CLEAR || !op->url.len ||
        op->url.len > MESSAGE_URL_BYTES_MAX || op->cookie.max_age_s < -1)
        abort();
}

// What is told: needs no answer.
static void read_told(arena *a, char type, const json *root)
{
    js_assertion assertion;
    js_error error;
    str level, *messages;
    size_t count;
    err e = ERR_INIT;
    if (type == FRAME_ASSERTION && message_read_assertion(root, &assertion, &e) == OK &&
        assertion.index > MESSAGE_LIST_MAX)
        abort();
    if (type == FRAME_CONSOLE &&
        message_read_console(a, root, &level, &messages, &count, &e) == OK &&
        count > MESSAGE_LIST_MAX)
        abort();
    if (type == FRAME_EXCEPTION)
        (void)!message_read_error(root, &error, &e);
}

static void read_asked(arena *a, char type, const json *root)
{
    js_fetch fetch;
    js_cookie_op op;
    js_result result;
    err e = ERR_INIT;
    if (type == FRAME_FETCH && message_read_fetch(root, &fetch, &e) == OK &&
        (!fetch.id || !fetch.request.len))
        abort();
    if (type == FRAME_COOKIE_OP && message_read_cookie_op(root, &op, &e) == OK)
        check_cookie_op(&op);
    if (type == FRAME_DONE && message_read_done(a, root, &result, &e) == OK)
        check_done(&result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str in = {(const char *)data, size};
    frame f;
    size_t len;
    while (frame_read(in, PAYLOAD_MAX, &f, &len) == FRAME_WHOLE) {
        arena a;
        arena_init(&a);
        json *root;
        json_opts opts = {.tolerant = true};
        if (json_parse(&a, f.payload, &opts, &root, NULL) == OK && json_is(root, JSON_OBJECT)) {
            read_told(&a, f.type, root);
            read_asked(&a, f.type, root);
        }
        arena_deinit(&a);
        in = str_skip(in, len);
    }
    return 0;
}
