// SPDX-License-Identifier: Apache-2.0
// Scripts: what they are shown, and what they say. The engine's callbacks speak of the one script
// that runs; the run's flow waits for its end.
#include "runner/run.h"

// ---- what a script is shown ---------------------------------------------------------------------

// A row of data is an object; the other scopes keep their text as long as they don't change.
static js_scope scope_of(runner *r, js_scope_name name)
{
    pm_scope *s = r->scopes[name];
    js_scope shown = {.version = pm_scope_version(s)};
    if (name == JS_DATA) {
        shown.values = buf_str(&r->row_text);
    } else {
        shown.id = pm_scope_id(s);
        shown.name = pm_scope_name(s);
        shown.values = pm_scope_json(s);
    }
    return shown;
}

// The request as it was sent, for test scripts.
static str sent_text(runner *r)
{
    turn *t = &r->turn;
    const json *sent = t->exchange ? t->exchange->call.request : NULL;
    if (!t->sent_text.len && sent) {
        char *text = json_text(sent, JSON_COMPACT);
        t->sent_text = arena_str(&t->mem, str_from(text));
        free(text);
    }
    return t->sent_text;
}

// Names from the collection down to the request.
static void locate(turn *t)
{
    if (t->location)
        return;
    size_t len = t->item->depth + 1u;
    str *names = arena_array(&t->mem, len, sizeof(*names));
    for (const pm_item *i = t->item; i; i = i->parent)
        names[i->depth] = i->name;
    t->location = names;
    t->location_len = len;
    t->path = pm_item_path(&t->mem, t->item, " / ");
}

static js_script describe(runner *r, const pm_script *s)
{
    turn *t = &r->turn;
    bool test = t->kind == JS_TEST;
    locate(t);
    js_script script = {
        .event = t->kind,
        .source = s->source,
        .name = t->path,
        .request = test ? sent_text(r) : t->request_text,
        .response = test && t->exchange ? &t->exchange->response : NULL,
        .request_id = t->item->id,
        .request_name = t->item->name,
        .request_description = t->item->description,
        .iteration = r->cursor.iteration,
        .iteration_count = r->cursor.iterations,
        .location = t->location,
        .location_len = t->location_len,
        .owner = s->owner->name,
        .timeout_ms = r->o.script_timeout_ms,
    };
    for (int i = 0; i < JS_SCOPE_COUNT; i++)
        script.scopes[i] = scope_of(r, (js_scope_name)i);
    return script;
}

// ---- what a script says -------------------------------------------------------------------------

static run_event event_of(runner *r, run_event_kind kind)
{
    turn *t = &r->turn;
    return (run_event){.kind = kind, .item = t->item, .script_kind = t->kind};
}

// newman's words for an assertion's place, which tools read.
static run_failure failure_of(runner *r, const js_assertion *a)
{
    arena *mem = &r->turn.mem;
    str name = a->error.name.len ? a->error.name : STR("AssertionError");
    return (run_failure){
        .name = name,
        .message = a->error.message.len ? a->error.message : a->name,
        .stack = arena_printf(
            mem, STR_FMT ": " STR_FMT "\n   at Object.eval sandbox-script.js:%u:%u)", STR_ARG(name),
            STR_ARG(a->error.message), a->index + 1, r->cursor.position + 1),
        .test = a->name,
        .index = a->index,
        .at = arena_printf(mem, "assertion:%u in %s-script", a->index,
                           r->turn.kind == JS_TEST ? "test" : "prerequest"),
        .item = r->turn.item,
    };
}

static void on_assertion(void *ctx, const js_assertion *told)
{
    runner *r = ctx;
    arena *mem = &r->turn.mem;
    js_assertion a = *told;
    run_event ev = event_of(r, RUN_ASSERTION);
    a.name = run_clean(r, mem, a.name);
    a.error.message = run_clean(r, mem, a.error.message);
    a.error.stack = run_clean(r, mem, a.error.stack);
    ev.assertion = &a;
    if (!a.passed) {
        run_failure f = failure_of(r, &a);
        ev.failure = run_fail(r, &f);
        vec_push(&r->turn.failed_tests, ev.failure->test);
    }
    run_tell(r, &ev);
}

static void on_console(void *ctx, str level, const str *messages, size_t count)
{
    runner *r = ctx;
    str *list = arena_array(&r->turn.mem, count, sizeof(*list));
    for (size_t i = 0; i < count; i++)
        list[i] = run_clean(r, &r->turn.mem, messages[i]);
    run_event ev = event_of(r, RUN_CONSOLE);
    ev.level = level;
    ev.messages = list;
    ev.message_count = count;
    run_tell(r, &ev);
}

static void on_exception(void *ctx, const js_error *told)
{
    runner *r = ctx;
    js_error error = {told->name, run_clean(r, &r->turn.mem, told->message),
                      run_clean(r, &r->turn.mem, told->stack)};
    run_event ev = event_of(r, RUN_EXCEPTION);
    ev.error = &error;
    run_tell(r, &ev);
}

// ---- pm.sendRequest -----------------------------------------------------------------------------

static void forget(runner *r, const trip *x)
{
    for (size_t i = 0; i < r->asked.len; i++) {
        if (r->asked.ptr[i] != x)
            continue;
        vec_remove(&r->asked, i);
        return;
    }
}

static void on_fetched(trip *x)
{
    runner *r = x->r;
    const char *name = x->told.failure_name;
    forget(r, x);
    if (x->failed) {
        // What the failure table says, and the code that scripts compare.
        js_error e = {.name = name ? str_from(name) : str_from(code_id(x->error.code)),
                      .message = x->failure->message};
        js_answer_fetch(run_lane_engine(r->lane), x->want.script_request, &e, NULL);
    } else {
        js_answer_fetch(run_lane_engine(r->lane), x->want.script_request, NULL, &x->response);
    }
    trip_free(x);
}

static const pm_item *find_item(runner *r, str reference)
{
    const pm_collection *c = r->o.collection;
    const pm_item *named = NULL;
    for (uint32_t i = 0; i < c->request_count; i++) {
        if (str_eq(c->requests[i]->id, reference))
            return c->requests[i];
        if (str_eq(c->requests[i]->name, reference))
            named = c->requests[i];
    }
    return named;
}

// pm.execution.runRequest: the request as it is in the collection, without its scripts.
static void on_run_request(runner *r, const js_fetch *f)
{
    const pm_item *item = find_item(r, f->item);
    if (!item) {
        str why = arena_printf(
            &r->turn.mem, "pm.execution.runRequest: the collection has no request '" STR_FMT "'",
            STR_ARG(f->item));
        js_error e = {.name = STR("Error"), .message = why};
        js_answer_fetch(run_lane_engine(r->lane), f->id, &e, NULL);
        return;
    }
    trip_want w = {.item = item,
                   .by_script = true,
                   .of_collection = true,
                   .request = item->request,
                   .auth = pm_item_auth(item),
                   .variables = f->variables,
                   .script_request = f->id,
                   .script_kind = r->turn.kind,
                   .on_done = on_fetched};
    trip *x = trip_start(r, &w);
    vec_push(&r->asked, x);
}

static void on_fetch(void *ctx, const js_fetch *f)
{
    runner *r = ctx;
    if (f->item.len) {
        on_run_request(r, f);
        return;
    }
    trip_want w = {.item = r->turn.item,
                   .by_script = true,
                   .request_text = f->request,
                   .script_request = f->id,
                   .script_kind = r->turn.kind,
                   .on_done = on_fetched};
    trip *x = trip_start(r, &w);
    vec_push(&r->asked, x);
}

// ---- pm.cookies.jar() ---------------------------------------------------------------------------

static size_t only_named(js_cookie *list, size_t count, str name)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!name.len || str_eq(list[i].name, name))
            list[kept++] = list[i];
    return kept;
}

static void answer_cookies(runner *r, const js_cookie_op *op, const uri_url *u, arena *a)
{
    js_cookie *found = NULL;
    size_t count = 0;
    js_error refused = {.name = STR("Error"),
                        .message =
                            arena_printf(a, "Cookie not in this host's domain. Request:" STR_FMT,
                                         STR_ARG(u->host.name))};
    bool ok = true;
    switch (op->kind) {
    case JS_COOKIE_GET:
        count = jar_find(r->jar, a, u, &found);
        count = only_named(found, count, op->name);
        break;
    case JS_COOKIE_SET:
        ok = op->cookie.name.len ? jar_put(r->jar, u, &op->cookie) : jar_set(r->jar, u, op->value);
        break;
    case JS_COOKIE_UNSET:
    case JS_COOKIE_CLEAR:
        jar_remove(r->jar, u, op->kind == JS_COOKIE_UNSET ? op->name : STR_NONE);
        break;
    }
    js_answer_cookies(run_lane_engine(r->lane), op->id, ok ? NULL : &refused, found, count);
}

static void on_cookies(void *ctx, const js_cookie_op *op)
{
    runner *r = ctx;
    uri_url u;
    arena a;
    arena_init(&a);
    if (wire_url_parse(&a, op->url, &u, NULL) == OK) {
        answer_cookies(r, op, &u, &a);
    } else {
        js_error bad = {.name = STR("TypeError"), .message = STR("CookieJar: invalid url")};
        js_answer_cookies(run_lane_engine(r->lane), op->id, &bad, NULL, 0);
    }
    arena_deinit(&a);
}

// ---- the end of a script ------------------------------------------------------------------------

static void apply_change(runner *r, const js_change *c)
{
    err e = ERR_INIT;
    pm_scope *s = r->scopes[c->scope];
    if (c->kind == JS_CLEAR) {
        pm_scope_clear(s);
    } else if (c->kind == JS_UNSET) {
        pm_scope_unset(s, c->key);
    } else if (pm_scope_set(s, c->key, c->value, c->type, &e)) {
        str text = arena_printf(&r->turn.mem, "the variable '" STR_FMT "' was not set: %s",
                                STR_ARG(c->key), e.msg);
        run_warn(r, r->turn.kind, text);
    }
}

// A script may replace the body and the auth of a request, but not take them away.
static void keep_parts(arena *a, json *changed, const json *own)
{
    static const char *const parts[] = {"body", "auth"};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        const json *part = json_gets(own, str_from(parts[i]));
        if (part && !json_get(changed, parts[i]))
            json_set(a, changed, str_from(parts[i]), json_copy(a, part));
    }
}

static void take_request(runner *r, const js_result *res)
{
    turn *t = &r->turn;
    json *changed;
    if (!res->request.len || t->kind != JS_PREREQUEST)
        return;
    json_opts opts = {.tolerant = true};
    if (json_parse(&t->mem, res->request, &opts, &changed, NULL) != OK)
        return;
    keep_parts(&t->mem, changed, t->item->request);
    t->request = changed;
    t->request_text = arena_str(&t->mem, res->request);
    t->changed = true;
}

static void take_next(runner *r, const js_result *res)
{
    turn *t = &r->turn;
    if (res->next_kind == JS_NEXT_UNSET)
        return;
    t->next_kind = res->next_kind;
    t->next = arena_str(&t->mem, res->next);
}

static void on_done(void *ctx, const js_result *res)
{
    runner *r = ctx;
    while (r->asked.len) { // of a script that was ended while it waited
        trip *x = vec_pop(&r->asked);
        trip_abandon(x, "the script ended before the response came");
        trip_free(x);
    }
    for (size_t i = 0; i < res->change_count; i++)
        apply_change(r, &res->changes[i]);
    take_request(r, res);
    take_next(r, res);
    run_lane_leave(r->lane);
    turn_script_done(r, res);
}

void script_start(runner *r)
{
    run_lane_enter(r->lane, r);
}

void script_run(runner *r, bool known)
{
    const pm_script *s = r->turn.scripts[r->turn.script_at - 1];
    js_script script = describe(r, s);
    js_callbacks cb = {on_assertion, on_console, on_exception, on_fetch, on_cookies, on_done, r};
    for (int i = 0; i < JS_SCOPE_COUNT && !known; i++)
        script.scopes[i].version = 0;
    js_run(run_lane_engine(r->lane), &script, &cb);
}
