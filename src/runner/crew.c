// SPDX-License-Identifier: Apache-2.0
// --parallel: iterations side by side, told one after the other. The run itself does no turn then:
// hands, which are runners too, take iterations as they come. What the oldest iteration under way
// tells is passed on at once; what a later one tells is copied, and told when its time has come.
//
//   hand 1 ── iteration 7 ──▶ the oldest: told ──▶ root ──▶ listeners
//   hand 2 ── iteration 9 ──▶ kept ─┐               ▲
//   hand 3 ── iteration 8 ──▶ kept ─┴───────────────┘
#include "runner/run.h"

enum {
    STINT_BYTES = 16 << 10, // what one costs besides
};

// An event that waits, with the secrets that became known just before it.
typedef struct kept kept;
struct kept {
    const run_event *event;
    const str *secrets;
    size_t secret_count;
};

// One iteration, from its beginning until all of it is told.
struct stint {
    uint32_t iteration;
    runner *hand; // NULL: it has ended
    arena mem;
    VEC(kept *) events;
    // What it has left, until that of the one behind it counts.
    bool has_left;
    pm_scope *scopes[JS_SCOPE_COUNT]; // NULL: not changed
    jar *jar;
};

struct crew {
    runner *root;
    VEC(runner *) hands;
    uint32_t ended;               // of the hands
    VEC(stint *) stints;          // the oldest first
    uint32_t next, limit;         // of iterations: to begin, and the first that isn't done
    size_t bytes;                 // that stints hold
    bool changed[JS_SCOPE_COUNT]; // the root's scope isn't as it was in the beginning
    run_failure *last;            // that was told
    task wake;
};

static stint *oldest(const crew *c)
{
    return c->stints.len ? c->stints.ptr[0] : NULL;
}

// ---- the state that an iteration begins with, and leaves ----------------------------------------

static jar *first_jar(const runner *r)
{
    jar *j = jar_new();
    if (r->o.cookie_jar) // it could be read before
        (void)!jar_read(j, str_from(r->o.cookie_jar), NULL);
    return j;
}

// What it has changed goes to the stint, and the hand is as it was.
static void leave(runner *r, stint *s)
{
    for (int i = 0; i < JS_SCOPE_COUNT; i++) {
        uint64_t version = pm_scope_version(r->scopes[i]);
        if (i == JS_DATA || version == r->first_versions[i])
            continue;
        s->scopes[i] = r->scopes[i];
        r->scopes[i] = pm_scope_copy(r->root->first[i], version);
        r->first_versions[i] = version + 1;
    }
    s->jar = r->jar;
    s->has_left = true;
    s->hand = NULL;
    r->jar = first_jar(r);
    r->stint = NULL;
}

static void drop_left(stint *s)
{
    for (int i = 0; i < JS_SCOPE_COUNT; i++) {
        pm_scope_free(s->scopes[i]);
        s->scopes[i] = NULL;
    }
    jar_free(s->jar);
    s->jar = NULL;
    s->has_left = false;
}

// Of several that have ended and wait together, only what the last has left will be seen.
static void drop_older_left(crew *c)
{
    for (size_t i = 0; i + 1 < c->stints.len; i++)
        if (c->stints.ptr[i]->has_left && c->stints.ptr[i + 1]->has_left)
            drop_left(c->stints.ptr[i]);
}

// The root has what the last told iteration has left.
static void adopt(crew *c, stint *s)
{
    runner *root = c->root;
    if (!s->has_left)
        return;
    for (int i = 0; i < JS_SCOPE_COUNT; i++) {
        if (!s->scopes[i] && !c->changed[i])
            continue;
        pm_scope_free(root->scopes[i]);
        c->changed[i] = s->scopes[i] != NULL;
        root->scopes[i] = c->changed[i] ? s->scopes[i] : pm_scope_copy(root->first[i], 0);
        s->scopes[i] = NULL;
    }
    jar_free(root->jar);
    root->jar = s->jar;
    s->jar = NULL;
}

// ---- stints -------------------------------------------------------------------------------------

static void stint_add(crew *c, runner *hand)
{
    stint *s = NEW(stint);
    s->iteration = hand->cursor.iteration;
    s->hand = hand;
    arena_init(&s->mem);
    vec_push(&c->stints, s);
    c->bytes += STINT_BYTES;
    hand->stint = s;
}

static void stint_free(crew *c, stint *s)
{
    c->bytes -= STINT_BYTES + s->mem.used_bytes;
    if (s->hand)
        s->hand->stint = NULL;
    drop_left(s);
    vec_deinit(&s->events);
    arena_deinit(&s->mem);
    free(s);
}

bool crew_take(runner *r)
{
    crew *c = r->root->crew;
    while (c->next < c->limit) {
        r->cursor.iteration = c->next++;
        if (!part_has_iteration(r))
            continue;
        run_forget(r);
        stint_add(c, r);
        return true;
    }
    return false;
}

// Nothing from that iteration on counts: what of it is under way is dropped.
static void cut(crew *c, uint32_t limit)
{
    c->limit = limit < c->limit ? limit : c->limit;
    while (c->stints.len && (*vec_last(&c->stints))->iteration >= c->limit) {
        stint *s = vec_pop(&c->stints);
        runner *hand = s->hand;
        stint_free(c, s);
        if (!hand)
            continue;
        runner_stop(hand);
        runner_stop(hand);
    }
}

// ---- waiting for the oldest ---------------------------------------------------------------------

bool crew_holds(const runner *r)
{
    const crew *c = r->root->crew;
    return c && c->bytes > c->root->kept_bytes_max && r->stint && r->stint != oldest(c);
}

size_t crew_kept_bytes(const crew *c)
{
    return c->bytes;
}

static void on_wake(void *ctx)
{
    crew *c = ctx;
    VEC_FOREACH (&c->hands, r) {
        bool holds = crew_holds(*r);
        if ((*r)->lane)
            js_hold(run_lane_engine((*r)->lane), holds);
        if (!holds)
            runner_go(*r);
    }
}

// ---- telling ------------------------------------------------------------------------------------

// A failure that ends the run has been told before, unless it is no request's.
static run_failure *take_failure(crew *c, const run_failure *f, bool ends)
{
    if (!ends || !f->item)
        c->last = run_fail(c->root, f);
    return c->last;
}

static void pass_on(crew *c, const run_event *ev, const str *secrets, size_t secret_count)
{
    runner *root = c->root;
    run_event own = *ev;
    bool ends = ev->kind == RUN_DONE;
    root->cursor = *ev->cursor;
    if (ev->kind == RUN_ITEM)
        arena_reset(&root->turn.mem);
    for (size_t i = 0; i < secret_count; i++)
        veil_add(&root->veil, secrets[i]);
    if (ev->failure)
        own.failure = take_failure(c, ev->failure, ends);
    if (ends)
        root->ended_by = c->last;
    else
        run_tell(root, &own);
}

static void keep(crew *c, stint *s, const run_event *ev)
{
    size_t before = s->mem.used_bytes;
    kept *k = ARENA_NEW(&s->mem, kept);
    k->event = event_copy(&s->mem, ev);
    k->secret_count = veil_take(&s->hand->veil, &s->mem, &k->secrets);
    vec_push(&s->events, k);
    c->bytes += s->mem.used_bytes - before;
    if (c->bytes > c->root->kept_bytes_max)
        task_post(c->root->loop, &c->wake);
}

static void tell_now(crew *c, runner *r, const run_event *ev)
{
    arena a;
    const str *secrets;
    arena_init(&a);
    size_t count = veil_take(&r->veil, &a, &secrets);
    pass_on(c, ev, secrets, count);
    arena_deinit(&a);
}

static void tell_kept(crew *c, stint *s)
{
    VEC_FOREACH (&s->events, k)
        pass_on(c, (*k)->event, (*k)->secrets, (*k)->secret_count);
    vec_reset(&s->events);
    c->bytes -= s->mem.used_bytes;
    arena_reset(&s->mem);
}

// Tells what is due now that the oldest has ended; `all`: also of who hasn't.
static void advance(crew *c, bool all)
{
    for (stint *s; (s = oldest(c));) {
        tell_kept(c, s);
        if (s->hand && !all)
            break;
        if (s->hand)
            leave(s->hand, s);
        adopt(c, s);
        vec_remove(&c->stints, 0);
        stint_free(c, s);
    }
    task_post(c->root->loop, &c->wake);
}

static void end_stint(crew *c, runner *r, bool ends_run)
{
    stint *s = r->stint;
    leave(r, s);
    if (ends_run)
        cut(c, s->iteration + 1);
    drop_older_left(c);
    if (s == oldest(c))
        advance(c, false);
}

void crew_tell(runner *r, run_event *ev)
{
    crew *c = r->root->crew;
    stint *s = r->stint;
    bool ends = ev->kind == RUN_DONE && ev->failure;
    if (!s || ev->kind == RUN_START || (ev->kind == RUN_DONE && !ends))
        return;
    veil_learn_scopes(r);
    if (s == oldest(c))
        tell_now(c, r, ev);
    else
        keep(c, s, ev);
    if (ends || ev->kind == RUN_ITERATION_END)
        end_stint(c, r, ends || r->turn.bailed);
}

// ---- beginning and end --------------------------------------------------------------------------

static code add_hand(crew *c, const runner_options *o, err *e)
{
    runner *r;
    code failed = runner_new(c->root->loop, o, &r, e);
    if (failed)
        return failed;
    r->root = c->root;
    for (int i = 0; i < JS_SCOPE_COUNT; i++)
        r->first_versions[i] = pm_scope_version(r->scopes[i]);
    vec_push(&c->hands, r);
    return OK;
}

code crew_new(runner *root, err *e)
{
    crew *c = root->crew = NEW(crew);
    uint32_t count = root->o.parallel;
    runner_options o = root->o;
    o.parallel = 0;
    o.timeout_ms = 0; // the run's
    o.ready = root->ready;
    c->root = root;
    root->kept_bytes_max = CREW_KEPT_BYTES_MAX;
    c->limit = root->cursor.iterations;
    c->wake = (task){.run = on_wake, .ctx = c};
    code failed = OK;
    for (uint32_t i = 0; i < count && i < c->limit && !failed; i++)
        failed = add_hand(c, &o, e);
    return failed;
}

static void on_hand_done(void *ctx)
{
    crew *c = ctx;
    if (++c->ended == c->hands.len)
        flow_resume(&c->root->flow);
}

flow_next crew_work(void *ctx, err *e)
{
    (void)e;
    crew *c = ((runner *)ctx)->crew;
    VEC_FOREACH (&c->hands, r)
        runner_start(*r, on_hand_done, c);
    return FLOW_WAIT;
}

void crew_stop(crew *c)
{
    VEC_FOREACH (&c->hands, r)
        runner_stop(*r);
}

void crew_end(crew *c)
{
    advance(c, true);
    task_cancel(&c->wake);
    VEC_FOREACH (&c->hands, r)
        runner_free(*r);
    vec_reset(&c->hands);
}

void crew_free(crew *c)
{
    if (!c)
        return;
    task_cancel(&c->wake);
    while (c->stints.len)
        stint_free(c, vec_pop(&c->stints));
    VEC_FOREACH (&c->hands, r)
        runner_free(*r);
    vec_deinit(&c->hands);
    vec_deinit(&c->stints);
    free(c);
}
