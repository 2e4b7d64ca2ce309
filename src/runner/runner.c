// SPDX-License-Identifier: Apache-2.0
#include "runner/run.h"

#include <string.h>

enum { ROW_BYTES_MAX = 64 << 20 };
static const uint64_t ten_years_ms = 10ull * 365 * 86400 * 1000; // --timeout 0: none

// ---- variables ----------------------------------------------------------------------------------

static pm_scope *scope_of_values(const pm_values *v, const char *name, err *e, code *c)
{
    pm_scope *s = pm_scope_new(v ? v->id : STR_NONE, v ? v->name : str_from(name));
    if (v && !*c)
        *c = pm_scope_add(s, v->values, e);
    return s;
}

// "key=value"; without '=' the value is undefined.
static code add_pairs(pm_scope *s, const str *pairs, size_t count, err *e)
{
    code c = OK;
    for (size_t i = 0; i < count && !c; i++) {
        str key, value;
        c = str_cut(pairs[i], '=', &key, &value) ? pm_scope_set_text(s, key, value, e)
                                                 : pm_scope_set(s, key, STR_NONE, STR_NONE, e);
    }
    return c;
}

static code run_make_scopes(const runner_options *o, pm_scope *scopes[JS_SCOPE_COUNT], err *e)
{
    code c = OK;
    const pm_item *root = o->collection->root;
    scopes[JS_GLOBALS] = scope_of_values(o->globals, "globals", e, &c);
    scopes[JS_ENVIRONMENT] = scope_of_values(o->environment, "environment", e, &c);
    scopes[JS_COLLECTION] = pm_scope_new(root->id, root->name);
    scopes[JS_DATA] = pm_scope_new(STR_NONE, STR_NONE);
    scopes[JS_LOCAL] = pm_scope_new(STR_NONE, STR_NONE);
    scopes[JS_VAULT] = pm_scope_new(STR_NONE, o->vault ? STR("vault") : STR_NONE);
    scopes[JS_PACKAGES] = pm_scope_new(STR_NONE, STR_NONE);
    if (!c && o->vault)
        c = pm_scope_add(scopes[JS_VAULT], o->vault, e);
    if (!c && o->packages)
        c = pm_scope_add(scopes[JS_PACKAGES], o->packages, e);
    if (!c)
        c = pm_scope_add(scopes[JS_COLLECTION], o->collection->variables, e);
    if (!c)
        c = add_pairs(scopes[JS_ENVIRONMENT], o->env_vars, o->env_var_count, e);
    if (!c)
        c = add_pairs(scopes[JS_GLOBALS], o->global_vars, o->global_var_count, e);
    return c;
}

static pm_scopes nearest_first(pm_scope *const s[JS_SCOPE_COUNT], const pm_scope *row)
{
    return (pm_scopes){{s[JS_LOCAL], row, s[JS_ENVIRONMENT], s[JS_COLLECTION], s[JS_GLOBALS]}};
}

pm_scopes run_scopes(const runner *r)
{
    return nearest_first(r->scopes, r->scopes[JS_DATA]);
}

pm_scopes run_first_scopes(const runner *r)
{
    const runner *root = r->root;
    return nearest_first(root->first[JS_LOCAL] ? root->first : r->scopes, r->scopes[JS_DATA]);
}

uint64_t run_variables_version(const runner *r)
{
    pm_scopes scopes = run_scopes(r);
    uint64_t sum = 0; // each only grows
    for (size_t i = 0; i < PM_SCOPES_MAX; i++)
        sum += pm_scope_version(scopes.scope[i]);
    return sum;
}

// ---- start and end ------------------------------------------------------------------------------

static void on_pause_over(void *ctx)
{
    runner *r = ctx;
    flow_resume(&r->flow);
}

static void end_lane(runner *r)
{
    if (r->lane)
        run_lane_drop(r->lane, r);
    if (r->own_lane)
        run_lane_free(r->lane);
    r->lane = NULL;
}

static void on_last(void *ctx)
{
    runner *r = ctx;
    end_lane(r);
    fetch_client_free(r->client);
    r->client = NULL;
    r->on_done(r->on_done_ctx);
}

// What a run was doing when it ended before its time.
static void drop_work(runner *r)
{
    while (r->asked.len)
        trip_free(vec_pop(&r->asked));
    trip_free(r->turn.exchange);
    r->turn.exchange = NULL;
    timer_stop(r->pause);
}

static void on_finish(void *ctx, const err *e)
{
    runner *r = ctx;
    if (r->crew)
        crew_end(r->crew);
    drop_work(r);
    // A script may be running; the flow ends here by its timer or by on_halt.
    if (e && (e->code == SYS_TIMEOUT || e->code == SYS_CANCELLED))
        run_lane_drop(r->lane, r);
    if (e && !r->ended_by) {
        bool timeout = e->code == SYS_TIMEOUT;
        run_failure f = {.name = STR("Error"),
                         .message = timeout ? STR("callback timed out") : str_from(e->msg),
                         .stack = STR_NONE,
                         .at = STR("run"),
                         .code = e->code,
                         .hint =
                             timeout ? STR("--timeout bounds the whole run") : str_from(e->hint)};
        r->ended_by = run_fail(r, &f);
    }
    r->turn.item = NULL;
    run_event ev = {.kind = RUN_DONE, .failure = r->ended_by};
    run_tell(r, &ev);
    // The engine may be inside one of its callbacks: it ends in the next turn of the loop.
    r->last = (task){.run = on_last, .ctx = r};
    task_post(r->loop, &r->last);
}

static void on_halt(void *ctx)
{
    runner *r = ctx;
    err e = ERR_INIT;
    (void)err_set(&e, SYS_CANCELLED, "interrupted: what was under way is dropped");
    flow_fail(&r->flow, &e);
}

static void begin(runner *r)
{
    uint32_t rows = r->o.data ? r->o.data->len : 0;
    r->cursor.iterations = r->o.iterations ? r->o.iterations : rows ? rows : 1;
    part_of_plan(r);
    r->cursor.length = (uint32_t)r->plan.items.len;
    identity_known_origins(r);
}

static const json *source_veil(void *ctx, arena *a, const json *part)
{
    return run_veil_json(ctx, a, part);
}

static void source_show(void *ctx, js_scope_name name, buf *out)
{
    run_show(ctx, name, out);
}

static void source_stop(void *ctx)
{
    runner_stop(ctx);
    runner_stop(ctx);
}

code runner_new(loop *l, const runner_options *o, runner **ret, err *e)
{
    runner *r = NEW(runner);
    r->loop = l;
    r->o = *o;
    r->root = r;
    arena_init(&r->kept);
    arena_init(&r->turn.mem);
    buf_init(&r->row_text, ROW_BYTES_MAX);
    if (!r->o.response_bytes_max)
        r->o.response_bytes_max = RUN_RESPONSE_BYTES_MAX;
    r->asked_bytes_max = RUN_ASKED_BYTES_MAX;
    r->jar = jar_new();
    r->pause = timer_new(l, on_pause_over, r);
    r->source = (run_source){o->collection, &r->summary, r, source_veil, source_show, source_stop};
    r->halt = (task){.run = on_halt, .ctx = r};
    code c = plan_make(&r->plan, o->collection, o->folders, o->folder_count, e);
    if (!c)
        c = run_make_scopes(o, r->scopes, e);
    if (!c && ((o->identity.trust && o->data) || o->parallel > 1))
        c = run_make_scopes(o, r->first, e);
    if (!c && o->cookie_jar)
        c = jar_read(r->jar, str_from(o->cookie_jar), e);
    if (c) {
        runner_free(r);
        return c;
    }
    r->own_lane = !o->lane;
    r->lane = o->lane ? o->lane : run_lane_new(l, &o->js);
    r->own_ready = !o->ready;
    r->ready = o->ready ? o->ready : run_ready_new(o->collection);
    r->given_version = run_variables_version(r);
    r->client = fetch_client_new(l, o->policy);
    begin(r);
    if (o->parallel > 1)
        c = crew_new(r, e);
    if (c)
        runner_free(r);
    else
        *ret = r;
    return c;
}

static void free_memory(void *memory)
{
    pm_auth_memory_free(memory);
}

void run_forget(runner *r)
{
    memset(r->veil.versions, 0, sizeof(r->veil.versions));
    map_deinit(&r->veil.known, NULL);
    map_deinit(&r->learned, free_memory);
    if (r->o.data) { // rows name origins
        map_deinit(&r->known, NULL);
        settled_free(r);
    }
    js_renew(run_lane_engine(r->lane));
}

void runner_free(runner *r)
{
    if (!r)
        return;
    flow_cancel(&r->flow);
    task_cancel(&r->halt);
    task_cancel(&r->last);
    crew_free(r->crew);
    drop_work(r);
    end_lane(r);
    fetch_client_free(r->client);
    timer_free(r->pause);
    for (int i = 0; i < JS_SCOPE_COUNT; i++) {
        pm_scope_free(r->scopes[i]);
        pm_scope_free(r->first[i]);
    }
    jar_free(r->jar);
    if (r->own_ready)
        run_ready_free(r->ready);
    plan_deinit(&r->plan);
    map_deinit(&r->known, NULL);
    settled_free(r);
    veil_deinit(&r->veil);
    map_deinit(&r->learned, free_memory);
    grants_deinit(r);
    vec_deinit(&r->asked);
    vec_deinit(&r->listeners);
    vec_deinit(&r->turn.failed_tests);
    kept_deinit(&r->summary);
    buf_deinit(&r->row_text);
    arena_deinit(&r->turn.mem);
    arena_deinit(&r->kept);
    free(r);
}

void runner_listen(runner *r, const run_listener *who)
{
    vec_push(&r->listeners, *who);
}

void runner_start(runner *r, void (*on_done)(void *ctx), void *ctx)
{
    r->on_done = on_done;
    r->on_done_ctx = ctx;
    flow_start(&r->flow, r->loop, r->crew ? run_crew_steps : run_steps,
               r->o.timeout_ms ? r->o.timeout_ms : ten_years_ms, on_finish, r);
}

void runner_stop(runner *r)
{
    if (r->stopping)
        task_post(r->loop, &r->halt);
    else if (r->crew)
        crew_stop(r->crew);
    r->stopping = true;
    if (timer_active(r->pause) || r->held)
        timer_start(r->pause, 0);
    r->held = false;
    if (r->turn.exchange)
        trip_hurry(r->turn.exchange);
}

void runner_go(runner *r)
{
    if (!r->held)
        return;
    r->held = false;
    flow_resume(&r->flow);
}

const run_summary *runner_summary(const runner *r)
{
    return &r->summary;
}
