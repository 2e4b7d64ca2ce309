// SPDX-License-Identifier: Apache-2.0
// Tokens of oauth2 grants that need no person: fetched when a request lacks one, kept for the run,
// refreshed when they expire or are refused. A request whose token can't be had goes out without
// it, as newman sends it, and the person is told why.
#include "runner/run.h"

enum {
    SPARE_S = 30, // a token isn't used in the last of its life: the request takes time too
    ANSWER_BYTES_MAX = 1 << 20,
};

struct granted {
    char *access_token, *refresh_token;
    uint64_t until_mono_ms; // 0: the server doesn't say
};

static void wipe(char *text)
{
    if (text)
        secret_wipe(text, strlen(text));
    free(text);
}

static void free_granted(void *value)
{
    granted *g = value;
    wipe(g->access_token);
    wipe(g->refresh_token);
    free(g);
}

void grants_deinit(runner *r)
{
    map_deinit(&r->grants, free_granted);
}

static char *text_of(str s)
{
    return s.len ? mem_dupn(s.ptr, s.len) : NULL;
}

static bool is_fresh(const granted *g)
{
    return g->access_token && (!g->until_mono_ms || clock_mono_ms() < g->until_mono_ms);
}

// The token stays away from reports, whatever else they show.
static void keep(trip *x, const pm_granted *got)
{
    runner *r = x->r;
    granted *g = map_get(&r->root->grants, x->grant.key);
    if (!g)
        map_set(&r->root->grants, x->grant.key, g = NEW(granted));
    wipe(g->access_token);
    g->access_token = text_of(got->access_token);
    if (got->refresh_token.len) {
        wipe(g->refresh_token);
        g->refresh_token = text_of(got->refresh_token);
    }
    int64_t life = got->life_s > SPARE_S ? got->life_s - SPARE_S : got->life_s;
    g->until_mono_ms = life ? clock_mono_ms() + (uint64_t)life * 1000 : 0;
    veil_minted(r, got->access_token);
    veil_minted(r, got->refresh_token);
}

static void done(trip *x, str token)
{
    x->grant.token = token;
    x->grant.then(x);
}

static void ask(trip *x);

static void give_up(trip *x, const err *e)
{
    granted *g = map_get(&x->r->root->grants, x->grant.key);
    if (x->grant.refreshing) { // a refresh token ends too: the grant itself may still be good
        wipe(g->refresh_token);
        g->refresh_token = NULL;
        ask(x);
        return;
    }
    str text = arena_printf(&x->mem, "%s%s%s", e->msg, e->hint[0] ? ": " : "", e->hint);
    run_warn(x->r, x->want.script_kind, run_veil(x->r, &x->mem, text));
    done(x, STR_NONE);
}

static void on_answer(void *ctx, const fetch_response *res, const err *e)
{
    trip *x = ctx;
    pm_granted got;
    err why = ERR_INIT;
    x->fetch = NULL;
    if (e) {
        (void)err_set(&why, PM_GRANT, "oauth2.auth: the token endpoint can't be reached: %s",
                      e->msg);
        give_up(x, &why);
    } else if (pm_grant_read(&x->mem, res->status, res->body, &got, &why)) {
        give_up(x, &why);
    } else {
        keep(x, &got);
        done(x, got.access_token);
    }
}

static void post(trip *x, const pm_grant *want)
{
    const runner_options *o = &x->r->o;
    const fetch_header headers[] = {
        {STR("Content-Type"), STR("application/x-www-form-urlencoded")},
        {STR("Accept"), STR("application/json")},
        {STR("Authorization"), want->authorization},
    };
    const fetch_segment body = FETCH_BYTES(want->form);
    fetch_request req = {.method = STR("POST"),
                         .url = want->url,
                         .headers = headers,
                         .header_count = ARRAY_LEN(headers) - !want->authorization.len,
                         .body = &body,
                         .body_count = 1,
                         .tls = o->tls,
                         .proxy = o->proxy,
                         .version = o->version,
                         .timeout_ms = o->request_timeout_ms,
                         .body_bytes_max = ANSWER_BYTES_MAX,
                         .on_done = on_answer,
                         .ctx = x};
    req.tls.insecure = o->tls_insecure;
    x->fetch = fetch_start(x->r->client, &req);
}

static void ask(trip *x)
{
    err e = ERR_INIT;
    pm_grant want;
    const granted *g = map_get(&x->r->root->grants, x->grant.key);
    str refresh = g && g->refresh_token ? str_from(g->refresh_token) : STR_NONE;
    x->grant.refreshing = refresh.len > 0;
    if (pm_grant_make(&x->mem, x->call.auth_params, refresh, &want, &e))
        give_up(x, &e);
    else
        post(x, &want);
}

void grant_start(trip *x, void (*then)(trip *x))
{
    x->grant.then = then;
    x->grant.key = pm_grant_key(&x->mem, x->call.auth_params);
    const granted *g = map_get(&x->r->root->grants, x->grant.key);
    x->grant.kept = g && is_fresh(g);
    if (x->grant.kept)
        veil_minted(x->r, str_from(g->access_token)); // another hand may have got it
    if (x->grant.kept)
        done(x, arena_str(&x->mem, str_from(g->access_token)));
    else
        ask(x);
}

bool grant_refused(trip *x)
{
    granted *g = x->grant.key.len ? map_get(&x->r->root->grants, x->grant.key) : NULL;
    if (x->told.status != 401 || !x->grant.kept || !g)
        return false;
    wipe(g->access_token);
    g->access_token = NULL;
    return true;
}
