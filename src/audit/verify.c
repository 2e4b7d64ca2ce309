// SPDX-License-Identifier: Apache-2.0
// Following the chain of hashes.
#include <errno.h>
#include <inttypes.h>

#include "audit/segment.h"

typedef struct chain chain;
struct chain {
    const char *dir;
    segment_link link; // to the last line that fits
    bool anchored;     // a first line was seen
    uint64_t entries;
};

// Files from the beginning may have been archived away: then the first line that is left anchors
// the chain.
static const char *check_line(chain *c, str line)
{
    uint64_t n;
    str prev, entry;
    if (!segment_line_parse(line, &n, &prev, &entry))
        return "is none of ours";
    if (!c->anchored && n > 1)
        c->link.n = n - 1;
    else if (n != c->link.n + 1)
        return "has the wrong number: a line before it was removed or put in";
    else if (!str_eq(prev, str_from(c->link.hash)))
        return "doesn't fit the line before it: one of the two was changed";
    c->anchored = true;
    segment_link_next(&c->link, line);
    c->entries++;
    return NULL;
}

static code broken(const chain *c, uint32_t number, uint32_t line_no, const char *what, err *e)
{
    buf path;
    buf_init(&path, SIZE_MAX / 2);
    segment_path(&path, c->dir, number);
    code result = err_set(e, AUDIT_CORRUPT, "this line %s", what);
    err_at(e, buf_cstr(&path), line_no, 1);
    buf_deinit(&path);
    return result;
}

static code check_segment(chain *c, uint32_t number, bool last, err *e)
{
    segment_reader r;
    segment_reader_init(&r, segment_open(c->dir, number));
    if (r.fd < 0)
        return err_sys(e, AUDIT_SPOOL, errno, "%s/audit-%08u.jsonl", c->dir, number);
    str line;
    segment_read how;
    const char *fault = NULL;
    while (!fault && (how = segment_reader_next(&r, &line)) == SEGMENT_LINE)
        fault = check_line(c, line);
    code result = OK;
    if (fault)
        result = broken(c, number, r.line_no, fault, e);
    else if (how == SEGMENT_FAILED)
        result = err_sys(e, AUDIT_SPOOL, errno, "%s/audit-%08u.jsonl", c->dir, number);
    else if (how == SEGMENT_LONG)
        result = broken(c, number, r.line_no + 1, "is longer than any of ours", e);
    else if (!last && segment_reader_torn(&r)) // the last one may be in the middle of a write
        result = broken(c, number, r.line_no + 1, "was cut off", e);
    segment_reader_deinit(&r);
    return result;
}

code audit_verify(const char *dir, uint64_t *ret_entries, err *e)
{
    chain c = {.dir = dir, .link = segment_link_first()};
    segment_list list = {0};
    code result = segment_list_read(dir, &list, e);
    for (size_t i = 0; !result && i < list.len; i++)
        result = check_segment(&c, list.ptr[i], i + 1 == list.len, e);
    vec_deinit(&list);
    *ret_entries = c.entries;
    return result;
}
