// SPDX-License-Identifier: Apache-2.0
// The failures of a run, which reports tell at its end: the first in memory, so that most runs need
// no file, the others in one that has no name and grows instead of the process.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/run.h"

enum { IN_MEMORY_MAX = 1000, TEXTS = 6 };

// Of each failure the struct, whose texts count by their lengths only, and then the texts.
struct run_spill {
    FILE *file; // NULL: there can't be one
    bool full;  // nothing is written any more
};

static void texts_of(run_failure *f, str *ret[TEXTS])
{
    str *const all[TEXTS] = {&f->name, &f->message, &f->stack, &f->test, &f->at, &f->hint};
    memcpy(ret, all, sizeof(all));
}

static FILE *open_nameless(void)
{
    const char *dir = getenv("TMPDIR");
    arena a;
    arena_init(&a);
    str name = arena_printf(&a, "%s/gatepost-XXXXXX", dir && *dir ? dir : "/tmp");
    char *path = (char *)(uintptr_t)name.ptr;
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    arena_deinit(&a);
    return fd < 0 ? NULL : fdopen(fd, "w+");
}

static bool put(run_spill *s, run_failure f)
{
    str *texts[TEXTS];
    texts_of(&f, texts);
    bool ok = s->file && fwrite(&f, sizeof(f), 1, s->file) == 1;
    for (size_t i = 0; i < TEXTS; i++)
        ok = ok && (!texts[i]->len || fwrite(texts[i]->ptr, texts[i]->len, 1, s->file) == 1);
    return ok;
}

// A run doesn't end because there is no room for its failures: those behind aren't told.
static void spill(run_summary *s, const run_failure *f)
{
    if (!s->spill) {
        s->spill = NEW(run_spill);
        s->spill->file = open_nameless();
    }
    if (s->spill->full || put(s->spill, *f))
        return;
    s->spill->full = true;
    log_warning("runner",
                "reports tell no failures from about the %zuth on: there is no room for a "
                "temporary file (TMPDIR says where)",
                s->failure_count + 1);
}

bool kept_in_memory(const runner *r)
{
    size_t max = r->o.failures_max ? r->o.failures_max : IN_MEMORY_MAX;
    return r->summary.failures.len < max;
}

void kept_add(runner *r, const run_failure *f)
{
    run_summary *s = &r->summary;
    if (kept_in_memory(r))
        vec_push(&s->failures, *f);
    else if (!r->o.failures_max)
        spill(s, f);
    s->failure_count++;
}

void kept_deinit(run_summary *s)
{
    vec_deinit(&s->failures);
    if (s->spill && s->spill->file)
        fclose(s->spill->file);
    free(s->spill);
}

// ---- reading ------------------------------------------------------------------------------------

void run_failures_begin(run_failures *all, const run_summary *s)
{
    *all = (run_failures){.summary = s};
    arena_init(&all->mem);
    if (s->spill && s->spill->file)
        (void)fflush(s->spill->file);
}

static bool get(run_failures *all, void *bytes, size_t len)
{
    ssize_t got = pread(fileno(all->summary->spill->file), bytes, len, (off_t)all->offset);
    all->offset += len;
    return got == (ssize_t)len;
}

static const run_failure *read_back(run_failures *all)
{
    str *texts[TEXTS];
    const run_spill *s = all->summary->spill;
    if (!s || !s->file || !get(all, &all->now, sizeof(all->now)))
        return NULL;
    arena_reset(&all->mem);
    texts_of(&all->now, texts);
    for (size_t i = 0; i < TEXTS; i++) {
        char *text = arena_alloc(&all->mem, texts[i]->len + 1);
        if (!get(all, text, texts[i]->len))
            return NULL;
        text[texts[i]->len] = '\0';
        texts[i]->ptr = text;
    }
    return &all->now;
}

const run_failure *run_failures_next(run_failures *all)
{
    const run_summary *s = all->summary;
    return all->at < s->failures.len ? &s->failures.ptr[all->at++] : read_back(all);
}

void run_failures_end(run_failures *all)
{
    arena_deinit(&all->mem);
}
