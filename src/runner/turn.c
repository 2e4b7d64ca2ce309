// SPDX-License-Identifier: Apache-2.0
// The order of a run, as a table of steps. A turn is one request in one iteration.
#include "runner/run.h"

enum {
    AT_START,
    AT_ITERATION,
    AT_TURN,
    AT_DELAY,
    AT_PREREQUEST,
    AT_PREREQUEST_SCRIPT,
    AT_REQUEST,
    AT_TEST,
    AT_TEST_SCRIPT,
    AT_TURN_END,
};

// ---- iterations ---------------------------------------------------------------------------------

static flow_next start(void *ctx, err *e)
{
    (void)e;
    run_tell_kind(ctx, RUN_START);
    return FLOW_MORE;
}

static const json *find_row(runner *r)
{
    if (r->o.data && r->o.next_row)
        return r->o.next_row(r->o.iteration_ctx);
    const json *row = r->row ? r->row : json_first(r->o.data);
    for (; row && row->next && r->row_at < r->cursor.iteration; r->row_at++)
        row = row->next;
    return row;
}

// The row of this iteration; when there is none, the last counts again.
static code take_row(runner *r, err *e)
{
    const json *row = find_row(r);
    if (!row || row == r->row)
        return OK;
    r->row = row;
    buf_reset(&r->row_text);
    pm_scope_clear(r->scopes[JS_DATA]);
    code c = pm_scope_add_row(r->scopes[JS_DATA], row, e);
    pm_scope_object(r->scopes[JS_DATA], &r->row_text);
    if (!c && !buf_ok(&r->row_text))
        c = err_set(e, PM_LIMIT, "row %u of the data is too large", r->cursor.iteration + 1);
    return c;
}

static flow_next begin_iteration(void *ctx, err *e)
{
    runner *r = ctx;
    bool is_hand = r->root != r;
    if (!r->plan.items.len || r->stopping || (is_hand && !crew_take(r)) ||
        r->cursor.iteration == r->cursor.iterations)
        return FLOW_DONE;
    if (r->o.may_begin && !r->o.may_begin(r->o.iteration_ctx)) {
        r->held = true;
        flow_jump(&r->flow, AT_ITERATION);
        return FLOW_WAIT;
    }
    if (!part_has_iteration(r)) {
        r->cursor.iteration++;
        flow_jump(&r->flow, AT_ITERATION);
        return FLOW_MORE;
    }
    if (take_row(r, e))
        return FLOW_FAIL;
    r->cursor.position = 0;
    run_tell_kind(r, RUN_ITERATION);
    return FLOW_MORE;
}

static void next_iteration(runner *r)
{
    r->turn.item = NULL;
    run_tell_kind(r, RUN_ITERATION_END);
    r->cursor.iteration++;
    flow_jump(&r->flow, AT_ITERATION);
}

// ---- the beginning of a turn --------------------------------------------------------------------

static void skip_turn(runner *r)
{
    if (++r->cursor.position < r->plan.items.len)
        flow_jump(&r->flow, AT_TURN);
    else
        next_iteration(r);
}

static flow_next begin_turn(void *ctx, err *e)
{
    (void)e;
    runner *r = ctx;
    turn *t = &r->turn;
    if (r->stopping) {
        next_iteration(r);
        return FLOW_MORE;
    }
    if (crew_holds(r)) {
        r->held = true;
        flow_jump(&r->flow, AT_TURN);
        return FLOW_WAIT;
    }
    if (!part_has_request(r)) {
        skip_turn(r);
        return FLOW_MORE;
    }
    arena_reset(&t->mem);
    t->item = r->plan.items.ptr[r->cursor.position];
    t->request = t->item->request;
    t->request_text = t->item->request_text;
    t->changed = t->skipped = t->bailed = false;
    t->next_kind = JS_NEXT_UNSET;
    t->next = t->sent_text = STR_NONE;
    t->location = NULL;
    rand_uuid(r->cursor.ref);
    identity_known_row(r);
    run_tell_kind(r, RUN_ITEM);
    return FLOW_MORE;
}

static flow_next delay(void *ctx, err *e)
{
    (void)e;
    runner *r = ctx;
    if (!r->o.delay_ms || r->stopping)
        return FLOW_MORE;
    timer_start(r->pause, r->o.delay_ms);
    return FLOW_WAIT;
}

// ---- scripts ------------------------------------------------------------------------------------

static void tell_scripts(runner *r, run_event_kind kind)
{
    run_event ev = {.kind = kind, .item = r->turn.item, .script_kind = r->turn.kind};
    run_tell(r, &ev);
}

static flow_next begin_scripts(runner *r, js_event kind)
{
    turn *t = &r->turn;
    pm_listen listen = kind == JS_TEST ? PM_TEST : PM_PREREQUEST;
    t->kind = kind;
    t->script_at = 0;
    t->script_count = pm_item_scripts(t->item, listen, NULL, 0);
    t->scripts = arena_array(&t->mem, t->script_count, sizeof(*t->scripts));
    pm_item_scripts(t->item, listen, t->scripts, t->script_count);
    tell_scripts(r, RUN_BEFORE_SCRIPTS);
    return FLOW_MORE;
}

static flow_next begin_prerequest(void *ctx, err *e)
{
    (void)e;
    runner *r = ctx;
    if (!r->stopping)
        return begin_scripts(r, JS_PREREQUEST);
    flow_jump(&r->flow, AT_TURN_END); // stopped while it waited
    return FLOW_MORE;
}

static flow_next begin_test(void *ctx, err *e)
{
    (void)e;
    return begin_scripts(ctx, JS_TEST);
}

// ":3:7" from the first frame of a stack that is the script's own.
static str place_of(str stack)
{
    static const str mark = {"sandbox-script.js:", 18};
    ssize_t at = str_find(stack, mark);
    if (at < 0)
        return STR_NONE;
    str place = str_skip(stack, (size_t)at + mark.len - 1);
    size_t len = 0;
    while (len < place.len && (place.ptr[len] == ':' || ascii_is_digit(place.ptr[len])))
        len++;
    return str_sub(place, 0, len);
}

static run_failure *script_failure(runner *r, const js_result *res)
{
    turn *t = &r->turn;
    const char *kind = t->kind == JS_TEST ? "test" : "prerequest";
    str place = place_of(res->error.stack);
    run_failure f = {.name = res->error.name.len ? res->error.name : STR("Error"),
                     .message = res->error.message,
                     .stack = res->error.stack,
                     .at = arena_printf(&t->mem, "%s-script" STR_FMT, kind, STR_ARG(place)),
                     .code = res->code == SCRIPT_FAILED ? OK : res->code,
                     .item = t->item};
    return run_fail(r, &f);
}

// --bail counts failed assertions as one more failure of their script.
static run_failure *bail_failure(runner *r)
{
    turn *t = &r->turn;
    buf names;
    buf_init(&names, 64 << 10);
    VEC_FOREACH (&t->failed_tests, name)
        buf_addf(&names, "%s" STR_FMT, names.len ? ", " : "", STR_ARG(*name));
    run_failure f = {
        .name = STR("AssertionFailure"),
        .message = buf_str(&names),
        .stack = arena_printf(&t->mem, "AssertionFailure: " STR_FMT, STR_ARG(buf_str(&names))),
        .at = t->kind == JS_TEST ? STR("test-script") : STR("prerequest-script"),
        .item = t->item};
    run_failure *own = run_fail(r, &f);
    buf_deinit(&names);
    return own;
}

// A failure that ends more than itself: the turn and the iterations, or the run at once.
static void bail(runner *r, run_failure *f, bool is_error)
{
    if (is_error && r->o.bail_folder)
        r->ended_by = f;
    if (r->o.bail)
        r->turn.bailed = r->stopping = true;
}

static void end_script(runner *r, const js_result *res)
{
    turn *t = &r->turn;
    run_failure *f = NULL;
    if (res->code)
        f = script_failure(r, res);
    else if (r->o.bail && t->failed_tests.len)
        f = bail_failure(r);
    if (f)
        bail(r, f, res->code != OK);
    t->skipped = t->skipped || res->skip;
    run_event ev = {.kind = RUN_SCRIPT,
                    .item = t->item,
                    .failure = f,
                    .script_kind = t->kind,
                    .script = t->scripts[t->script_at - 1]};
    run_tell(r, &ev);
    if (t->skipped || t->bailed || r->ended_by)
        t->script_at = t->script_count;
}

void turn_script_done(runner *r, const js_result *res)
{
    end_script(r, res);
    flow_resume(&r->flow);
}

// The next script, or the step behind when there is none.
static flow_next next_script(runner *r, size_t here)
{
    turn *t = &r->turn;
    if (t->script_at == t->script_count) {
        tell_scripts(r, RUN_SCRIPTS);
        if (r->ended_by)
            return FLOW_FAIL;
        if (t->skipped || t->bailed)
            flow_jump(&r->flow, AT_TURN_END);
        return FLOW_MORE;
    }
    run_event ev = {.kind = RUN_BEFORE_SCRIPT,
                    .item = t->item,
                    .script_kind = t->kind,
                    .script = t->scripts[t->script_at]};
    run_tell(r, &ev);
    vec_reset(&t->failed_tests);
    t->script_at++;
    flow_jump(&r->flow, here);
    if (!str_trim(t->scripts[t->script_at - 1]->source).len) { // as Postman leaves many
        end_script(r, &(js_result){0});
        return FLOW_MORE;
    }
    script_start(r);
    return FLOW_WAIT;
}

static flow_next prerequest_script(void *ctx, err *e)
{
    (void)e;
    return next_script(ctx, AT_PREREQUEST_SCRIPT);
}

static flow_next test_script(void *ctx, err *e)
{
    (void)e;
    return next_script(ctx, AT_TEST_SCRIPT);
}

// ---- the request --------------------------------------------------------------------------------

static void on_exchanged(trip *x)
{
    runner *r = x->r;
    if (x->failed)
        bail(r, x->failure, true);
    flow_resume(&r->flow);
}

static flow_next send_request(void *ctx, err *e)
{
    (void)e;
    runner *r = ctx;
    turn *t = &r->turn;
    // A request that a script has rewritten says itself whether it has an auth of its own.
    const pm_item *heir = t->changed ? t->item->parent : t->item;
    trip_want w = {.item = t->item,
                   .request = t->request,
                   .auth = heir ? pm_item_auth(heir) : NULL,
                   .script_kind = JS_PREREQUEST,
                   .on_done = on_exchanged};
    t->exchange = trip_start(r, &w);
    return FLOW_WAIT;
}

static flow_next after_request(void *ctx, err *e)
{
    runner *r = ctx;
    if (r->ended_by)
        return FLOW_FAIL;
    if (r->turn.bailed) {
        flow_jump(&r->flow, AT_TURN_END);
        return FLOW_MORE;
    }
    return begin_test(ctx, e);
}

// ---- the end of a turn --------------------------------------------------------------------------

// Where the run goes on: behind this request, where setNextRequest says, or in the next iteration.
static bool find_next(runner *r)
{
    turn *t = &r->turn;
    ssize_t at = (ssize_t)r->cursor.position + 1;
    if (t->next_kind == JS_NEXT_NAMED)
        at = plan_find(&r->plan, t->next);
    else if (t->next_kind == JS_NEXT_STOP)
        at = -1;
    if (at < 0 || (size_t)at >= r->plan.items.len || r->stopping)
        return false;
    r->cursor.position = (uint32_t)at;
    return true;
}

static flow_next end_turn(void *ctx, err *e)
{
    (void)e;
    runner *r = ctx;
    turn *t = &r->turn;
    if (t->next_kind != JS_NEXT_UNSET && !t->bailed) {
        run_event next = {.kind = RUN_NEXT, .item = t->item, .next = t->next};
        run_tell(r, &next);
    }
    run_event ev = {.kind = RUN_ITEM_END, .item = t->item, .skipped = t->skipped};
    run_tell(r, &ev);
    trip_free(t->exchange);
    t->exchange = NULL;
    if (find_next(r))
        flow_jump(&r->flow, AT_TURN);
    else
        next_iteration(r);
    return FLOW_MORE;
}

const flow_step run_steps[] = {
    [AT_START] = start,
    [AT_ITERATION] = begin_iteration,
    [AT_TURN] = begin_turn,
    [AT_DELAY] = delay,
    [AT_PREREQUEST] = begin_prerequest,
    [AT_PREREQUEST_SCRIPT] = prerequest_script,
    [AT_REQUEST] = send_request,
    [AT_TEST] = after_request,
    [AT_TEST_SCRIPT] = test_script,
    [AT_TURN_END] = end_turn,
    [AT_TURN_END + 1] = NULL,
};

const flow_step run_crew_steps[] = {start, crew_work, NULL};
