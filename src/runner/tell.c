// SPDX-License-Identifier: Apache-2.0
// Events on their way to the listeners, and failures on theirs into the summary.
#include "runner/run.h"

enum { CLEAN_BYTES_MAX = 256 << 20 };

str run_clean(const runner *r, arena *a, str text)
{
    if (!r->root->minted || text.len < CREDENTIAL_REDACT_MIN)
        return text;
    buf out;
    buf_init(&out, CLEAN_BYTES_MAX);
    str copy = text;
    if (credential_redact(r->o.identity.credentials, text, &out))
        copy = arena_str(a, buf_str(&out));
    buf_deinit(&out);
    return copy;
}

void run_tell(runner *r, run_event *ev)
{
    ev->cursor = &r->cursor;
    if (r->root != r) {
        crew_tell(r, ev);
        return;
    }
    ev->source = &r->source;
    run_summary_count(&r->summary, ev);
    arena a;
    arena_init(&a);
    veiled mem;
    const run_event *shown = veil_event(r, ev, &a, &mem);
    for (size_t i = 0; i < r->listeners.len; i++)
        r->listeners.ptr[i].on_event(r->listeners.ptr[i].ctx, shown);
    arena_deinit(&a);
}

void run_tell_kind(runner *r, run_event_kind kind)
{
    bool of_item = kind == RUN_ITEM || kind == RUN_ITEM_END;
    run_event ev = {.kind = kind, .item = of_item ? r->turn.item : NULL};
    run_tell(r, &ev);
}

void run_warn(runner *r, js_event kind, str text)
{
    run_event ev = {.kind = RUN_CONSOLE,
                    .item = r->turn.item,
                    .script_kind = kind,
                    .level = STR("warn"),
                    .messages = &text,
                    .message_count = 1};
    run_tell(r, &ev);
}

static str keep(runner *r, arena *to, str text)
{
    arena *a = &r->turn.mem;
    return arena_str(to, run_veil(r, a, run_clean(r, a, text)));
}

run_failure *run_fail(runner *r, const run_failure *f)
{
    bool is_hand = r->root != r; // its root keeps them
    arena *to = !is_hand && kept_in_memory(r) ? &r->kept : &r->turn.mem;
    run_failure *own = ARENA_NEW(to, run_failure);
    *own = *f;
    own->name = keep(r, to, f->name);
    own->message = keep(r, to, f->message);
    own->stack = keep(r, to, f->stack);
    own->test = keep(r, to, f->test);
    own->at = keep(r, to, f->at);
    own->hint = keep(r, to, f->hint);
    own->cursor = r->cursor;
    if (!is_hand)
        kept_add(r, own);
    return own;
}
