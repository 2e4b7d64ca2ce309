// SPDX-License-Identifier: Apache-2.0
// Reading the trail: the files in order, events joined with what became of their calls.
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "audit/row.h"
#include "audit/segment.h"

enum { UNFINISHED_MS = 1000, FORGET_MS = 3600 * 1000, POLL_MS = 100 };

// A call, as far as its entries have been read.
typedef struct call call;
struct call {
    char *event, *request; // owned texts, NULL: not seen
    char *key;             // "" when nothing can be joined to it
    uint64_t seen_ms;
    bool told;
    bool out; // doesn't match after all
};

typedef bool audit_on_row(void *ctx, const audit_row *row);

typedef struct trail trail;
struct trail {
    const char *dir;
    const audit_filter *filter;
    audit_on_row *on_row;
    void *ctx;
    VEC(call *) calls; // oldest first
    map by_key;
    arena arena; // of the entry at hand
    uint64_t skipped;
    size_t compact_at; // so many calls
};

static void call_free(call *c)
{
    free(c->event);
    free(c->request);
    free(c->key);
    free(c);
}

static void trail_deinit(trail *t)
{
    if (t->skipped)
        log_warning("audit", "%s: %llu lines could not be read", t->dir,
                    (unsigned long long)t->skipped);
    VEC_FOREACH (&t->calls, c)
        call_free(*c);
    vec_deinit(&t->calls);
    map_deinit(&t->by_key, NULL);
    arena_deinit(&t->arena);
}

// A later call of the same key, which only its caller can have made so, keeps it.
static void give_up_key(trail *t, const call *c)
{
    if (map_get(&t->by_key, str_from(c->key)) == c)
        map_remove(&t->by_key, str_from(c->key));
}

// Removes the first n calls.
static void forget_first(trail *t, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        call *c = t->calls.ptr[i];
        give_up_key(t, c);
        call_free(c);
    }
    memmove(t->calls.ptr, t->calls.ptr + n, (t->calls.len - n) * sizeof *t->calls.ptr);
    t->calls.len -= n;
}

// Removes all that doesn't match, and with a limit what is too old to be shown.
static void compact(trail *t)
{
    size_t kept = 0, limit = t->filter->limit;
    for (size_t i = 0; i < t->calls.len; i++) {
        call *c = t->calls.ptr[i];
        if (c->out)
            call_free(c); // its key was given up when it was joined
        else
            t->calls.ptr[kept++] = c;
    }
    t->calls.len = kept;
    if (limit && kept > limit && !t->filter->status)
        forget_first(t, kept - limit);
    t->compact_at = 2 * t->calls.len + 4096;
}

static call *add_call(trail *t, str key)
{
    call *c = NEW(call);
    c->key = mem_dupn(key.ptr ? key.ptr : "", key.len);
    c->seen_ms = clock_mono_ms();
    vec_push(&t->calls, c);
    if (key.len)
        map_set(&t->by_key, key, c);
    return c;
}

static call *take_event(trail *t, const audit_row *row)
{
    if (!row_matches(row, t->filter))
        return NULL;
    call *c = add_call(t, row_key(&t->arena, row));
    c->event = mem_dupn(row->event_text.ptr, row->event_text.len);
    return c;
}

static call *take_request(trail *t, str text)
{
    audit_row row;
    if (!row_parse(&t->arena, STR_NONE, text, &row))
        return NULL;
    str key = row_key(&t->arena, &row);
    call *c = map_remove(&t->by_key, key);
    const audit_filter *f = t->filter;
    bool needs_event = f->principal.len || f->only_granted || f->only_denied;
    if (!c && (needs_event || !row_matches(&row, f)))
        return NULL;
    if (!c)
        c = add_call(t, STR_NONE);
    c->request = mem_dupn(text.ptr, text.len);
    c->out = !row_status_matches(row.status, f);
    return c;
}

// The call that the entry began or finished, or NULL when it doesn't matter.
static call *take_entry(trail *t, str text)
{
    arena_reset(&t->arena);
    audit_row row;
    if (!row_parse(&t->arena, text, STR_NONE, &row)) {
        t->skipped++;
        return NULL;
    }
    return row_is_event(&row) ? take_event(t, &row) : take_request(t, text);
}

// False when on_row wants no more.
static bool tell(trail *t, const call *c)
{
    arena_reset(&t->arena);
    audit_row row;
    return !row_parse(&t->arena, str_from(c->event), str_from(c->request), &row) ||
           t->on_row(t->ctx, &row);
}

// ---- One reading --------------------------------------------------------------------------------

static bool reads_line(trail *t, segment_reader *r, str *ret_entry, segment_read *ret_how)
{
    str line, prev;
    uint64_t n;
    while ((*ret_how = segment_reader_next(r, &line)) == SEGMENT_LINE) {
        if (segment_line_parse(line, &n, &prev, ret_entry))
            return true;
        t->skipped++;
    }
    return false;
}

static code read_failed(const trail *t, uint32_t number, int errnum, err *e)
{
    return err_sys(e, AUDIT_SPOOL, errnum, "%s/audit-%08u.jsonl", t->dir, number);
}

static code read_segment(trail *t, uint32_t number, err *e)
{
    segment_reader r;
    segment_reader_init(&r, segment_open(t->dir, number));
    if (r.fd < 0)
        return read_failed(t, number, errno, e);
    segment_read how;
    str entry;
    while (reads_line(t, &r, &entry, &how)) {
        take_entry(t, entry);
        if (t->calls.len >= t->compact_at)
            compact(t);
    }
    code c = how == SEGMENT_FAILED ? read_failed(t, number, errno, e) : OK;
    if (how == SEGMENT_LONG)
        t->skipped++;
    segment_reader_deinit(&r);
    return c;
}

// Whether the file begins with an entry from before `since`.
static bool begins_before(trail *t, uint32_t number, int64_t since_ns)
{
    segment_reader r;
    segment_reader_init(&r, segment_open(t->dir, number));
    segment_read how;
    str entry;
    audit_row row;
    arena_reset(&t->arena);
    bool before = r.fd >= 0 && reads_line(t, &r, &entry, &how) &&
                  row_parse(&t->arena, entry, STR_NONE, &row) && row.time_ns < since_ns;
    segment_reader_deinit(&r);
    return before;
}

code audit_read(const char *dir, const audit_filter *f, audit_on_row *on_row, void *ctx, err *e)
{
    trail t = {.dir = dir, .filter = f, .on_row = on_row, .ctx = ctx};
    arena_init(&t.arena);
    compact(&t);
    segment_list list = {0};
    code c = segment_list_read(dir, &list, e);
    size_t first = list.len;
    while (!c && first > 0 &&
           (first == list.len || !f->since_ns || !begins_before(&t, list.ptr[first], f->since_ns)))
        first--;
    for (size_t i = first; !c && i < list.len; i++)
        c = read_segment(&t, list.ptr[i], e);
    for (size_t i = 0; i < t.calls.len && f->status; i++)
        t.calls.ptr[i]->out |= !t.calls.ptr[i]->request;
    compact(&t);
    size_t start = f->limit && t.calls.len > f->limit ? t.calls.len - f->limit : 0;
    for (size_t i = start; !c && i < t.calls.len; i++)
        if (!tell(&t, t.calls.ptr[i]))
            break;
    vec_deinit(&list);
    trail_deinit(&t);
    return c;
}

// ---- Following ----------------------------------------------------------------------------------

// Tells what is finished, and what has waited long; forgets what can't come any more.
static bool tell_ready(trail *t)
{
    size_t kept = 0;
    bool go_on = true;
    uint64_t now = clock_mono_ms();
    for (size_t i = 0; i < t->calls.len; i++) {
        call *c = t->calls.ptr[i];
        bool late = !c->request && !c->told && now - c->seen_ms >= UNFINISHED_MS;
        bool last = c->request || now - c->seen_ms >= FORGET_MS;
        if (go_on && !c->out && (c->request || (late && !t->filter->status)))
            go_on = tell(t, c);
        c->told |= late;
        if (!last) {
            t->calls.ptr[kept++] = c;
            continue;
        }
        give_up_key(t, c);
        call_free(c);
    }
    t->calls.len = kept;
    return go_on;
}

// The file after that one, or 0.
static code next_segment(const trail *t, uint32_t number, uint32_t *ret_next, err *e)
{
    segment_list list = {0};
    code c = segment_list_read(t->dir, &list, e);
    *ret_next = 0;
    for (size_t i = list.len; i-- > 0 && list.ptr[i] > number;)
        *ret_next = list.ptr[i];
    vec_deinit(&list);
    return c;
}

// Reads what has been added. A file that has a successor is complete: when the successor is known
// before the file is read to its end, nothing of it is missed.
static code follow_step(trail *t, segment_reader *r, uint32_t *number, err *e)
{
    uint32_t next;
    code c = next_segment(t, *number, &next, e);
    segment_read how = SEGMENT_END;
    str entry;
    while (!c && r->fd >= 0 && reads_line(t, r, &entry, &how))
        take_entry(t, entry);
    if (how == SEGMENT_FAILED)
        return read_failed(t, *number, errno, e);
    if (c || !next)
        return c;
    segment_reader_deinit(r);
    segment_reader_init(r, segment_open(t->dir, next));
    *number = next;
    return r->fd < 0 ? read_failed(t, next, errno, e) : OK;
}

static code seek_end(trail *t, segment_reader *r, uint32_t *ret_number, err *e)
{
    segment_list list = {0};
    code c = segment_list_read(t->dir, &list, e);
    *ret_number = list.len ? *vec_last(&list) : 0;
    segment_reader_init(r, *ret_number ? segment_open(t->dir, *ret_number) : -1);
    if (*ret_number && (r->fd < 0 || lseek(r->fd, 0, SEEK_END) < 0))
        c = read_failed(t, *ret_number, errno, e);
    vec_deinit(&list);
    return c;
}

code audit_follow(const char *dir, const audit_filter *f, bool (*go_on)(void *ctx),
                  audit_on_row *on_row, void *ctx, err *e)
{
    trail t = {.dir = dir, .filter = f, .on_row = on_row, .ctx = ctx};
    arena_init(&t.arena);
    segment_reader r;
    uint32_t number;
    code c = seek_end(&t, &r, &number, e);
    bool wanted = true;
    while (!c && wanted && go_on(ctx)) {
        c = follow_step(&t, &r, &number, e);
        wanted = tell_ready(&t);
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000}, NULL);
    }
    segment_reader_deinit(&r);
    trail_deinit(&t);
    return c;
}
