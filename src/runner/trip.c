// SPDX-License-Identifier: Apache-2.0
// One request from its text to its last answer. Each hop is decided anew: where it goes, which
// identity it carries, which cookies. A token is held here from the provider's answer to
// the answer of the hop, and nowhere else.
#include "runner/run.h"

enum { COOKIE_BYTES_MAX = 256 << 10 };

static void hop(trip *x);
static void replay(trip *x);
static void grant_again(trip *x);
static void on_pause_over(void *ctx);

// ---- the end ------------------------------------------------------------------------------------

static run_failure failure_of(const trip *x, arena *a)
{
    str message = str_from(x->error.msg);
    if (x->told.failure_name)
        message = run_failure_message(a, x->told.failure_name, &x->at, &x->error);
    return (run_failure){
        .name = STR("Error"),
        .message = message,
        .stack = arena_printf(a, "Error: " STR_FMT, STR_ARG(message)),
        .at = STR("request"),
        .code = x->error.code,
        .hint = str_from(x->error.hint),
        .item = x->want.item,
    };
}

static void tell_end(trip *x)
{
    run_event ev = {.kind = RUN_REQUEST,
                    .item = x->want.item,
                    .script_kind = x->want.script_kind,
                    .exchange = &x->told};
    if (x->failed) {
        run_failure f = failure_of(x, &x->mem);
        ev.failure = x->failure = run_fail(x->r, &f);
    }
    run_tell(x->r, &ev);
}

// Tells of it in the console, as the answer itself won't be told.
static void warn_retry(const trip *x, uint64_t pause_ms)
{
    arena a;
    arena_init(&a);
    str why = x->failed ? str_from(x->error.msg)
                        : arena_printf(&a, "the answer was %d " STR_FMT, x->told.status,
                                       STR_ARG(x->told.reason));
    run_warn(x->r, x->want.script_kind,
             arena_printf(&a, "retry %u of %u in %llu ms: " STR_FMT, x->told.retries + 1,
                          x->r->o.retry.times, (unsigned long long)pause_ms, STR_ARG(why)));
    arena_deinit(&a);
}

static void complete(trip *x)
{
    uint64_t pause_ms;
    if (retry_wanted(x, &pause_ms)) {
        warn_retry(x, pause_ms);
        if (!x->pause)
            x->pause = timer_new(x->r->loop, on_pause_over, x);
        timer_start(x->pause, pause_ms);
        return;
    }
    tell_end(x);
    x->want.on_done(x);
}

void trip_hurry(trip *x)
{
    if (x->pause && timer_active(x->pause))
        timer_start(x->pause, 0);
}

static void run_soon(void *ctx)
{
    trip *x = ctx;
    x->then(x);
}

static void soon(trip *x, void (*then)(trip *x))
{
    x->then = then;
    x->soon = (task){.run = run_soon, .ctx = x};
    task_post(x->r->loop, &x->soon);
}

// Completes in a later turn, so that it never happens inside trip_start.
static void fail(trip *x, const err *e)
{
    x->error = *e;
    x->failed = true;
    soon(x, complete);
}

// ---- what comes back ----------------------------------------------------------------------------

static void take_headers(trip *x, const fetch_response *res)
{
    js_header *list = arena_array(&x->mem, res->header_count, sizeof(*list));
    for (size_t i = 0; i < res->header_count; i++) {
        const fetch_header *h = &res->headers[i];
        list[i].name = arena_str(&x->mem, run_clean(x->r, &x->mem, h->name));
        list[i].value = arena_str(&x->mem, run_clean(x->r, &x->mem, h->value));
    }
    x->told.headers = list;
    x->told.header_count = res->header_count;
}

str told_header(const trip *x, const char *name)
{
    for (size_t i = 0; i < x->told.header_count; i++)
        if (str_ieq(x->told.headers[i].name, str_from(name)))
            return x->told.headers[i].value;
    return STR_NONE;
}

static void keep_cookies(trip *x)
{
    if (x->behavior.no_cookies)
        return;
    for (size_t i = 0; i < x->told.header_count; i++)
        if (str_ieq(x->told.headers[i].name, STR("Set-Cookie")))
            (void)!jar_set(x->r->jar, &x->at, x->told.headers[i].value);
}

// Everything that this hop answered, without tokens (threat 43).
static void take(trip *x, const fetch_response *res)
{
    char id[RAND_UUID_MAX];
    run_exchange *t = &x->told;
    rand_uuid(id);
    take_headers(x, res);
    keep_cookies(x);
    t->has_response = true;
    t->id = arena_str(&x->mem, str_from(id));
    t->status = res->status;
    t->reason = arena_str(&x->mem, run_clean(x->r, &x->mem, res->reason));
    t->time_ms = (res->timings.total_us + 500) / 1000;
    t->header_bytes = res->header_bytes;
    t->body_bytes = res->wire_body_bytes;
    t->timings = res->timings;
}

static void take_body(trip *x)
{
    x->told.body = run_clean(x->r, &x->mem, buf_str(&x->body)); // kept by `collect`
    js_cookie *cookies;
    x->told.cookie_count = jar_find(x->r->jar, &x->mem, &x->at, &cookies);
    x->told.cookies = cookies;
    const run_exchange *t = &x->told;
    x->response = (js_response){.id = t->id,
                                .status = t->status,
                                .reason = t->reason,
                                .headers = t->headers,
                                .header_count = t->header_count,
                                .body = t->body,
                                .time_ms = t->time_ms,
                                .header_bytes = t->header_bytes,
                                .wire_body_bytes = t->body_bytes,
                                .cookies = t->cookies,
                                .cookie_count = t->cookie_count};
    identity_explain(x);
}

// The responses that one script waits for are bounded together: it may ask a thousand times at
// once.
static bool collect(void *ctx, str piece)
{
    trip *x = ctx;
    if (x->want.by_script) {
        x->over = piece.len > x->r->asked_bytes_max - x->r->asked_bytes;
        if (x->over)
            return false;
        x->r->asked_bytes += piece.len;
    }
    buf_adds(&x->body, piece);
    return true;
}

static void drop_body(trip *x)
{
    if (x->want.by_script)
        x->r->asked_bytes -= x->body.len;
    buf_deinit(&x->body);
}

// Which of the limits was reached, and what raises it.
static const err *limit_of(const trip *x, const fetch_response *res, const err *e, err *own)
{
    *own = *e;
    if (x->over) {
        (void)err_set(own, FETCH_LIMIT,
                      "the responses that the script waits for hold more than %d MiB",
                      RUN_ASKED_BYTES_MAX >> 20);
        (void)err_hint(own, "let each pm.sendRequest wait for the one before");
    } else if (res && res->body_bytes > x->body.max) {
        (void)err_hint(own, "--response-limit allows more, for example: --response-limit 1G");
    }
    return own;
}

// Was it a challenge, which the call has been signed for anew? One of the host that the call is
// for: where a redirect has led may not choose what is signed.
static bool was_challenged(trip *x)
{
    VEC(str) challenges = {0};
    if (!str_eq(x->at.host.name, x->first.host))
        return false;
    for (size_t i = 0; i < x->told.header_count; i++)
        if (str_ieq(x->told.headers[i].name, STR("WWW-Authenticate")))
            vec_push(&challenges, x->told.headers[i].value);
    pm_answer answer = {x->told.status, challenges.ptr, challenges.len};
    bool again = x->replays < PM_REPLAYS_MAX && pm_answer_challenge(&x->mem, &x->call, &answer);
    vec_deinit(&challenges);
    return again;
}

static void fetch_failed(trip *x, const fetch_response *res, const err *e)
{
    err over = ERR_INIT;
    x->told.has_response = false;
    x->told.failure_name = res && !x->over ? res->failure : NULL;
    if (e->code == FETCH_LIMIT || x->over)
        e = limit_of(x, res, e, &over);
    fail(x, e);
}

static void follow(trip *x, int status, str location)
{
    if (redirect_follow(x, status, location, &x->error)) {
        x->told.has_response = false;
        fail(x, &x->error);
    } else {
        hop(x);
    }
}

static void answered(trip *x)
{
    take_body(x);
    if (was_challenged(x))
        soon(x, replay);
    else if (grant_refused(x))
        soon(x, grant_again);
    else
        complete(x);
}

static void on_fetched(void *ctx, const fetch_response *res, const err *e)
{
    trip *x = ctx;
    x->fetch = NULL;
    if (e) {
        fetch_failed(x, res, e);
        return;
    }
    take(x, res);
    str location = told_header(x, "Location");
    if (redirect_wanted(x, res->status, location))
        follow(x, res->status, location);
    else
        answered(x);
}

// ---- what is sent -------------------------------------------------------------------------------

typedef struct sending sending;
struct sending {
    trip *x;
    VEC(fetch_header) headers;
    VEC(fetch_segment) body;
    buf cookies;
};

static void add_header(sending *s, str name, str value)
{
    fetch_header h = {name, value};
    vec_push(&s->headers, h);
}

// The user's own Cookie header comes first, what the jar has behind it.
static void add_cookies(sending *s)
{
    trip *x = s->x;
    js_cookie *list = NULL;
    VEC_FOREACH (&x->headers, h)
        if (str_ieq(h->name, STR("Cookie")) && h->value.len)
            buf_addf(&s->cookies, "%s" STR_FMT, s->cookies.len ? "; " : "", STR_ARG(h->value));
    size_t count = x->behavior.no_cookies ? 0 : jar_find(x->r->jar, &x->mem, &x->at, &list);
    for (size_t i = 0; i < count; i++) {
        const js_cookie *c = &list[i];
        buf_addz(&s->cookies, s->cookies.len ? "; " : "");
        if (c->name.len)
            buf_addf(&s->cookies, STR_FMT "=", STR_ARG(c->name));
        buf_adds(&s->cookies, c->value);
    }
    if (s->cookies.len)
        add_header(s, STR("Cookie"), buf_str(&s->cookies));
}

static void add_identity(sending *s)
{
    trip *x = s->x;
    bool own = x->decision.header == INJECTION_AUTHORIZATION;
    if (!x->token)
        return;
    add_header(s, own ? STR("Authorization") : STR("X-Serverless-Authorization"),
               credential_token_bearer(x->token));
}

// Beyond ASCII most servers read Latin-1, so that is sent where it has all characters, as newman
// does. For the others, of which newman sends none, there is UTF-8.
static str latin1_where_it_fits(arena *a, str value)
{
    char *out = arena_array(a, value.len, 1);
    size_t len = 0;
    uint32_t cp;
    for (str rest = value; rest.len;) {
        size_t n = utf8_decode(rest, &cp);
        if (!n || cp > 0xff)
            return value;
        out[len++] = (char)cp;
        rest = str_skip(rest, n);
    }
    return (str){out, len};
}

static void add_headers(sending *s)
{
    trip *x = s->x;
    bool replaced = x->token && x->decision.header == INJECTION_AUTHORIZATION;
    VEC_FOREACH (&x->headers, h) {
        if (str_ieq(h->name, STR("Cookie")) || (replaced && str_ieq(h->name, STR("Authorization"))))
            continue;
        add_header(s, h->name, latin1_where_it_fits(&x->mem, h->value));
    }
    add_cookies(s);
    add_identity(s);
}

// Node sends an empty body with these methods rather than none.
static bool wants_body(str method)
{
    return str_eq(method, STR("POST")) || str_eq(method, STR("PUT")) ||
           str_eq(method, STR("PATCH"));
}

static void add_body(sending *s)
{
    trip *x = s->x;
    if (x->with_body)
        VEC_FOREACH (&x->call.body, b) {
            fetch_segment part = {.bytes = b->bytes, .file_fd = b->fd, .len = b->len};
            vec_push(&s->body, part);
        }
    if (!s->body.len && wants_body(x->method))
        vec_push(&s->body, FETCH_BYTES(STR("")));
}

static uint64_t time_left(const trip *x)
{
    uint64_t now = clock_mono_ms();
    if (!x->deadline_mono_ms)
        return 0;
    return x->deadline_mono_ms > now ? x->deadline_mono_ms - now : 1;
}

static json *member(json *obj, const char *key)
{
    json *m = json_first(obj);
    while (m && !str_eq(m->key, str_from(key)))
        m = m->next;
    return m;
}

// Behind all others but Content-Length, which is the last where there is one.
static json *new_cookie_shown(arena *a, json *list)
{
    json *last = json_first(list);
    while (last && last->next)
        last = last->next;
    bool before = str_ieq(json_str_or(json_get(last, "key"), STR_NONE), STR("Content-Length"));
    json *end = json_push(list, before ? json_copy(a, last) : json_new(a, JSON_OBJECT));
    json *shown = before ? last : end;
    json_set(a, shown, STR("key"), json_new_str(a, STR("Cookie")));
    json_set(a, shown, STR("system"), json_new_bool(a, true));
    return shown;
}

// Scripts and reports see the Cookie header that was sent, as newman's do.
static void show_cookies(sending *s)
{
    trip *x = s->x;
    arena *a = &x->mem;
    json *list = member(x->call.request, "header");
    if (!s->cookies.len || x->told.redirects || !json_is(list, JSON_ARRAY))
        return;
    if (x->kept_at) {
        x->told.request = x->call.request = json_copy(a, x->call.request);
        list = member(x->call.request, "header");
    }
    json *shown = NULL;
    for (json *h = json_first(list); h; h = h->next)
        if (str_ieq(json_str_or(json_get(h, "key"), STR_NONE), STR("Cookie")))
            shown = h;
    if (!shown)
        shown = new_cookie_shown(a, list);
    json_set(a, shown, STR("value"), json_new_str(a, buf_str(&s->cookies)));
}

// Where a kept request goes before any redirect.
static const uri_url *known_place(const trip *x)
{
    return x->told.redirects ? NULL : x->kept_at;
}

static void start_fetch(sending *s)
{
    trip *x = s->x;
    const runner_options *o = &x->r->o;
    fetch_request req = {.method = x->method,
                         .url = x->url,
                         .at = known_place(x),
                         .headers = s->headers.ptr,
                         .header_count = s->headers.len,
                         .body = s->body.ptr,
                         .body_count = s->body.len,
                         .tls = o->tls,
                         .proxy = o->proxy,
                         .version = o->version,
                         .timeout_ms = time_left(x),
                         .body_bytes_max = x->body.max,
                         .on_body = collect,
                         .on_done = on_fetched,
                         .ctx = x};
    req.tls.insecure = x->behavior.tls_insecure || (o->tls_insecure && !x->behavior.tls_strict);
    certificate_choose(x->r, &x->at, &req.tls);
    if (x->token && !str_eq(x->at.scheme, STR("https")))
        req.proxy = (fetch_proxy){0}; // plain http with a token stays on this machine
    if (x->route)
        req.route = (fetch_route){.address = "127.0.0.1", .port = x->route->port, .plain = true};
    drop_body(x); // of the hop before
    x->fetch = fetch_start(x->r->client, &req);
}

static void send_hop(trip *x)
{
    sending s = {.x = x};
    buf_init(&s.cookies, COOKIE_BYTES_MAX);
    add_headers(&s);
    add_body(&s);
    show_cookies(&s);
    start_fetch(&s);
    buf_deinit(&s.cookies);
    vec_deinit(&s.headers);
    vec_deinit(&s.body);
}

// ---- a hop --------------------------------------------------------------------------------------

static const run_route *route_of(const trip *x)
{
    const runner_options *o = &x->r->o;
    for (size_t i = 0; i < o->route_count; i++)
        if (str_eq(o->routes[i].host, x->at.host.name))
            return &o->routes[i];
    return NULL;
}

static void send_with(trip *x, credential_token *token)
{
    x->r->root->minted = true;
    x->token = credential_token_ref(token);
    identity_token(x, token);
    send_hop(x);
}

static void on_token(void *ctx, credential_token *token, const err *e)
{
    trip *x = ctx;
    x->wait = NULL;
    if (token)
        send_with(x, token);
    else
        fail(x, e);
}

static void get_token(trip *x)
{
    credential_provider *p = x->r->o.identity.credentials;
    credential_want w = identity_want(x);
    credential_token *token = credential_at_hand(p, &w);
    if (token)
        send_with(x, token);
    else
        x->wait = credential_for(p, &w, on_token, x);
}

static code find_place(trip *x)
{
    if (!known_place(x))
        return wire_url_parse(&x->mem, x->url, &x->at, &x->error);
    x->at = *x->kept_at;
    return OK;
}

static void hop(trip *x)
{
    credential_token_unref(x->token); // of the hop before
    x->token = NULL;
    if (find_place(x)) {
        fail(x, &x->error);
        return;
    }
    if (!x->told.redirects)
        x->first = url_origin(&x->at);
    x->route = route_of(x);
    if (identity_decide(x, &x->error)) {
        fail(x, &x->error);
    } else if (x->decision.action == INJECTION_INJECT) {
        get_token(x);
    } else {
        send_hop(x);
    }
}

// ---- the beginning ------------------------------------------------------------------------------

// Written by a script, not by the collection.
static bool is_script_own(const trip_want *w)
{
    return w->by_script && !w->of_collection;
}

// What the requests that share a definition of auth have learned together.
static pm_auth_memory *memory_of(trip *x)
{
    if (x->memory)
        return x->memory; // the request is prepared once more
    const json *auth = is_script_own(&x->want) ? NULL : pm_item_auth(x->want.item);
    str address = {(const char *)&auth, sizeof(auth)};
    if (!auth)
        return x->memory = pm_auth_memory_new();
    pm_auth_memory *m = map_get(&x->r->learned, address);
    if (!m)
        map_set(&x->r->learned, address, m = pm_auth_memory_new());
    return m;
}

static code prepare(trip *x, err *e)
{
    const trip_want *w = &x->want;
    const json *request = w->request;
    json *parsed;
    bool script_own = is_script_own(w);
    pm_scopes scopes = run_scopes(x->r);
    if (x->own)
        scopes.scope[0] = x->own;
    pm_prepare_options o = {.scopes = script_own ? NULL : &scopes,
                            .auth = w->auth,
                            .memory = memory_of(x),
                            .behavior = x->behavior,
                            .folder = script_own ? NULL : x->r->o.folder,
                            .granted = x->grant.token,
                            .send_request = script_own};
    if (!request) {
        json_opts opts = {.tolerant = true};
        code c = json_parse(&x->mem, w->request_text, &opts, &parsed, e);
        if (c)
            return c;
        request = parsed;
    }
    return pm_prepare(&x->mem, request, &o, &x->call, e);
}

static void start_hops(trip *x)
{
    x->method = x->call.method;
    x->url = x->call.url;
    x->with_body = x->call.body.len > 0;
    vec_reset(&x->headers);
    VEC_FOREACH (&x->call.headers, h) {
        pm_header own = *h;
        if (h->unsent)
            continue;
        if (x->kept_at && h->value.ptr == x->call.token) // another exchange writes over it
            own.value = arena_str(&x->mem, own.value);
        vec_push(&x->headers, own);
    }
    hop(x);
}

static void tell_begin(trip *x)
{
    run_event ev = {.kind = RUN_BEFORE_REQUEST,
                    .item = x->want.item,
                    .script_kind = x->want.script_kind,
                    .exchange = &x->told};
    x->begun = true;
    x->told.by_script = x->want.by_script;
    x->told.request = x->call.request ? x->call.request : json_new(&x->mem, JSON_OBJECT);
    x->told.method = x->call.method;
    x->told.url = x->call.url.len ? x->call.url : x->call.url_text;
    x->told.identity.age_s = -1;
    x->told.identity.trusted = "";
    if (!x->harmless)
        veil_learn_request(x->r, x->told.request);
    run_tell(x->r, &ev);
}

// The same exchange from its beginning.
static void on_pause_over(void *ctx)
{
    trip *x = ctx;
    run_exchange begun = {.by_script = x->told.by_script,
                          .request = x->told.request,
                          .method = x->call.method,
                          .url = x->told.url,
                          .retries = x->told.retries + 1,
                          .identity = {.age_s = -1, .trusted = ""}};
    if (x->r->stopping) {
        complete(x); // with what it had
        return;
    }
    x->told = begun;
    x->response = (js_response){0};
    x->failed = false;
    x->error = ERR_INIT;
    if (x->r->o.request_timeout_ms)
        x->deadline_mono_ms = clock_mono_ms() + x->r->o.request_timeout_ms;
    start_hops(x);
}

// An exchange of its own, as newman tells it: the one before has had its answer.
static void replay(trip *x)
{
    tell_end(x);
    x->replays++;
    x->told = (run_exchange){0};
    x->response = (js_response){0};
    if (x->r->o.request_timeout_ms)
        x->deadline_mono_ms = clock_mono_ms() + x->r->o.request_timeout_ms;
    tell_begin(x);
    start_hops(x);
}

static pm_behavior behavior_of(const trip_want *w)
{
    if (!is_script_own(w))
        return pm_item_behavior(w->item);
    return (pm_behavior){.redirects_max = 10, .no_pruning = true};
}

// pm.variables, and over them those that runRequest was given.
static code own_variables(trip *x, err *e)
{
    str texts[] = {pm_scope_json(x->r->scopes[JS_LOCAL]), x->want.variables};
    json_opts opts = {.tolerant = true};
    code c = OK;
    if (!x->want.of_collection)
        return OK;
    x->own = pm_scope_new(STR_NONE, STR_NONE);
    for (size_t i = 0; i < ARRAY_LEN(texts) && !c; i++) {
        json *list;
        if (!texts[i].len)
            continue;
        c = json_parse(&x->mem, texts[i], &opts, &list, e);
        if (!c)
            c = pm_scope_add(x->own, list, e);
    }
    return c;
}

static void begin(trip *x)
{
    VEC_FOREACH (&x->call.warnings, w)
        run_warn(x->r, x->want.script_kind, *w);
    tell_begin(x);
}

// ---- the token of an oauth2 grant: it comes before the request is told

// The request as it goes out with the token, when there is one.
static bool prepare_granted(trip *x)
{
    err e = ERR_INIT;
    if (!x->grant.token.len)
        return true;
    pm_call_deinit(&x->call);
    if (prepare(x, &e) == OK)
        return true;
    fail(x, &e);
    return false;
}

static void send_granted(trip *x)
{
    bool ready = prepare_granted(x);
    begin(x);
    if (ready)
        start_hops(x);
}

static void get_grant(trip *x)
{
    grant_start(x, send_granted);
}

// Once more with another token: the one before was kept and is no longer good.
static void replay_granted(trip *x)
{
    if (!x->grant.token.len)
        complete(x);
    else if (prepare_granted(x))
        replay(x);
}

static void grant_again(trip *x)
{
    grant_start(x, replay_granted);
}

static code prepare_anew(trip *x, err *e)
{
    x->behavior = behavior_of(&x->want);
    code c = own_variables(x, e);
    if (!c)
        c = prepare(x, e);
    if (!c)
        ready_keep(x);
    return c;
}

trip *trip_start(runner *r, const trip_want *want)
{
    trip *x = NEW(trip);
    x->r = r;
    x->want = *want;
    arena_init(&x->mem);
    buf_init(&x->body, r->o.response_bytes_max);
    if (r->o.request_timeout_ms)
        x->deadline_mono_ms = clock_mono_ms() + r->o.request_timeout_ms;
    code c = ready_take(x) ? OK : prepare_anew(x, &x->error);
    if (!c && x->call.wants_grant) {
        soon(x, get_grant);
        return x;
    }
    begin(x);
    if (c)
        fail(x, &x->error);
    else
        soon(x, start_hops);
    return x;
}

static void end_all(trip *x)
{
    task_cancel(&x->soon);
    timer_free(x->pause);
    x->pause = NULL;
    if (x->fetch)
        fetch_cancel(x->fetch);
    if (x->wait)
        credential_cancel(x->wait);
    x->fetch = NULL;
    x->wait = NULL;
}

void trip_free(trip *x)
{
    if (!x)
        return;
    end_all(x);
    credential_token_unref(x->token);
    if (!x->kept_at)
        pm_call_deinit(&x->call);
    vec_deinit(&x->headers);
    pm_auth_memory_free(x->memory);
    pm_scope_free(x->own);
    drop_body(x);
    arena_deinit(&x->mem);
    free(x);
}

void trip_abandon(trip *x, const char *why)
{
    end_all(x);
    if (!x->begun)
        begin(x);
    x->told.has_response = false;
    x->failed = true;
    (void)err_set(&x->error, SYS_CANCELLED, "%s", why);
    tell_end(x);
}
