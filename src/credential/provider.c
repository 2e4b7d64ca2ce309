// SPDX-License-Identifier: Apache-2.0
// The memory of tokens: one entry for each caller, kind and audience or scope. A token that is used
// and near its end is renewed beside the calls, which go on with it as long as it serves; only
// without one do callers wait, all of them for one exchange.
#include "credential/provider.h"
#include "credential/redact.h"

// While a token still lives, a source that failed is left alone for so long.
enum { PAUSE_MS = 10000 };

// A service takes a token so much longer, if its clock is behind: it is redacted as long.
enum { AFTERLIFE_MS = 60000 };

typedef struct entry entry;

struct credential_wait {
    credential_wait **slot; // what points to this one: a head or the one before
    credential_wait *next;
    credential_on_token *on_token;
    void *ctx;
};

struct entry {
    credential_provider *provider;
    caller *caller;
    credential_want want; // strings live in the provider's arena
    unsigned stage;       // below the caller's last one: the base of an impersonation
    credential_token *token;
    exchange *exchange;
    timer *renewal;             // runs at the margin of a token
    bool used;                  // since it was made: an idle one isn't renewed
    uint64_t pause_until_ms;    // monotonic: no renewal before
    credential_wait *base_wait; // an impersonation waits for its base
    credential_token *base;
    credential_wait *waits;
    task answer; // for what is there already: never inside credential_for
    err refusal; // what identify said
};

struct credential_provider {
    loop *loop;
    credential_options options;
    arena mem;
    map callers; // "local|identity" → caller
    map entries;
    entry *latest; // that was asked for; entries live as long as the provider
    buf key;       // of the look-up under way
    redactor redactor;
    fetch_client *clients[3];
};

loop *provider_loop(const credential_provider *p)
{
    return p->loop;
}

arena *provider_arena(credential_provider *p)
{
    return &p->mem;
}

const credential_options *provider_options(const credential_provider *p)
{
    return &p->options;
}

fetch_client *provider_fetch(credential_provider *p, provider_client which)
{
    // A private address may be Google's by Private Service Connect; loopback is a proxy of the
    // person's. Only the source that is the metadata server gets there.
    static const fetch_policy policies[] = {
        [CLIENT_CLOUD] = {.private_network = true, .loopback = true},
        [CLIENT_LOCAL] = {.loopback = true},
        [CLIENT_METADATA] = {.metadata = true, .loopback = true, .private_network = true},
    };
    if (!p->clients[which])
        p->clients[which] = fetch_client_new(p->loop, policies[which]);
    return p->clients[which];
}

// ---- life -------------------------------------------------------------------------------------

credential_provider *credential_provider_new(loop *l, const credential_options *o)
{
    credential_provider *p = NEW(credential_provider);
    p->loop = l;
    p->options = *o;
    arena_init(&p->mem);
    buf_init(&p->key, SIZE_MAX / 2); // made of texts that are in memory already
    return p;
}

static void caller_free(void *value)
{
    caller_deinit(value);
    free(value);
}

static void entry_free(void *value)
{
    entry *en = value;
    exchange_free(en->exchange);
    timer_free(en->renewal);
    task_cancel(&en->answer);
    credential_token_unref(en->token);
    credential_token_unref(en->base);
    while (en->waits) {
        credential_wait *next = en->waits->next;
        free(en->waits);
        en->waits = next;
    }
    free(en);
}

void credential_provider_free(credential_provider *p)
{
    if (!p)
        return;
    map_deinit(&p->entries, entry_free);
    map_deinit(&p->callers, caller_free);
    for (size_t i = 0; i < ARRAY_LEN(p->clients); i++)
        fetch_client_free(p->clients[i]);
    redactor_deinit(&p->redactor);
    buf_deinit(&p->key);
    arena_deinit(&p->mem);
    free(p);
}

// ---- callers ----------------------------------------------------------------------------------

static caller *find_caller(credential_provider *p, str identity, bool local)
{
    buf_reset(&p->key);
    buf_addc(&p->key, local ? 'l' : 'c');
    buf_adds(&p->key, identity);
    caller *c = map_get(&p->callers, buf_str(&p->key));
    if (!c) {
        c = NEW(caller);
        err e = ERR_INIT;
        if (caller_find(c, &p->mem, &p->options, identity, local, &e))
            c->failure = e;
        map_set(&p->callers, buf_str(&p->key), c);
    }
    return c;
}

caller *provider_caller(credential_provider *p, str identity)
{
    return find_caller(p, identity, false);
}

code credential_identify(credential_provider *p, str identity, bool local,
                         const credential_who **ret_who, err *e)
{
    caller *c = find_caller(p, identity, local);
    *ret_who = &c->who;
    if (c->failure.code && e)
        *e = c->failure;
    return c->failure.code;
}

// ---- entries ----------------------------------------------------------------------------------

static entry *find_entry(credential_provider *p, caller *c, const credential_want *w,
                         unsigned stage)
{
    const char kind[] = {(char)w->kind, w->user_token};
    buf_reset(&p->key);
    buf_add(&p->key, &c, sizeof(c));
    buf_add(&p->key, &stage, sizeof(stage));
    buf_add(&p->key, kind, sizeof(kind));
    buf_adds(&p->key, w->audience);
    buf_addc(&p->key, '\n');
    buf_adds(&p->key, w->scope);
    entry *en = map_get(&p->entries, buf_str(&p->key));
    if (!en) {
        en = NEW(entry);
        en->provider = p;
        en->caller = c;
        en->stage = stage;
        en->want = *w;
        en->want.audience = arena_str(&p->mem, w->audience);
        en->want.scope = arena_str(&p->mem, w->scope);
        en->want.identity = arena_str(&p->mem, w->identity);
        map_set(&p->entries, buf_str(&p->key), en);
    }
    return en;
}

static void unlink_wait(credential_wait *w)
{
    *w->slot = w->next;
    if (w->next)
        w->next->slot = w->slot;
}

// Answers all who wait now; whoever asks again inside a callback waits for the next answer, and a
// callback may cancel another wait of the list.
static void answer_all(entry *en, credential_token *t, const err *e)
{
    credential_wait *list = en->waits;
    en->waits = NULL;
    if (list)
        list->slot = &list;
    while (list) {
        credential_wait *w = list;
        unlink_wait(w);
        w->on_token(w->ctx, t, e);
        free(w);
    }
}

static bool is_usable(const entry *en)
{
    if (!en->token)
        return false;
    return en->provider->options.no_refresh || token_is_fresh(en->token);
}

static bool pauses(const entry *en)
{
    return clock_mono_ms() < en->pause_until_ms;
}

// Answers go out with it before it is renewed.
static bool serves_meanwhile(const entry *en)
{
    return en->token && (token_serves(en->token) || (pauses(en) && token_is_alive(en->token)));
}

// Kept alive meanwhile: a callback may forget it.
static void answer_token(entry *en)
{
    credential_token *t = credential_token_ref(en->token);
    answer_all(en, t, NULL);
    credential_token_unref(t);
}

static bool is_under_way(const entry *en)
{
    return en->exchange || en->base_wait;
}

static void mint(entry *en);

static void renew_in(entry *en, uint64_t ms);

static void on_renewal(void *ctx)
{
    entry *en = ctx;
    if (!en->token)
        return;
    if (token_is_fresh(en->token)) // timers go by when the loop's turn began
        renew_in(en, (uint64_t)token_fresh_ms(en->token));
    else if (en->used && !is_under_way(en))
        mint(en);
}

// By the loop's clock; when the machine slept, or a clock was set, the next call sees it.
static void renew_in(entry *en, uint64_t ms)
{
    if (en->provider->options.no_refresh)
        return;
    if (!en->renewal) {
        en->renewal = timer_new(en->provider->loop, on_renewal, en);
        timer_background(en->renewal);
    }
    timer_start(en->renewal, ms);
}

// A failed renewal doesn't end a token that still lives.
static void fail(entry *en, const err *e)
{
    en->pause_until_ms = clock_mono_ms() + PAUSE_MS;
    if (en->token && token_is_alive(en->token)) {
        renew_in(en, PAUSE_MS);
        answer_token(en);
    } else {
        answer_all(en, NULL, e);
    }
}

static void on_minted(void *ctx, const minted *m, const err *e)
{
    entry *en = ctx;
    exchange *finished = en->exchange;
    en->exchange = NULL;
    if (m) {
        credential_token_unref(en->token);
        const exchange_base base = {en->stage, en->base};
        en->token = token_new(en->caller, &en->want, m, &base);
        redactor_add(&en->provider->redactor, credential_token_value(en->token),
                     clock_mono_ms() + (uint64_t)en->token->lifetime_ms + AFTERLIFE_MS);
        en->used = en->waits != NULL;
        int64_t fresh_ms = token_fresh_ms(en->token);
        renew_in(en, fresh_ms > 0 ? (uint64_t)fresh_ms : PAUSE_MS);
        answer_token(en);
    } else {
        fail(en, e);
    }
    exchange_free(finished);
}

static void start_exchange(entry *en)
{
    const exchange_base base = {en->stage, en->base};
    en->exchange = exchange_start(en->provider, en->caller, &en->want, &base, on_minted, en);
}

static void on_base(void *ctx, credential_token *base, const err *e)
{
    entry *en = ctx;
    en->base_wait = NULL;
    credential_token_unref(en->base);
    en->base = base ? credential_token_ref(base) : NULL;
    if (base)
        start_exchange(en);
    else
        fail(en, e);
}

static credential_wait *wait_for(entry *en, credential_on_token *on_token, void *ctx);

static void mint(entry *en)
{
    caller *c = en->caller;
    if (!en->stage) {
        start_exchange(en);
        return;
    }
    credential_want w = {.kind = CREDENTIAL_ACCESS_TOKEN, .identity = en->want.identity};
    en->base_wait = wait_for(find_entry(en->provider, c, &w, en->stage - 1), on_base, en);
}

static void on_answer(void *ctx)
{
    entry *en = ctx;
    if (en->caller->failure.code) {
        answer_all(en, NULL, &en->caller->failure);
        return;
    }
    bool usable = is_usable(en), serves = usable || serves_meanwhile(en);
    en->used = true;
    if (!usable && !is_under_way(en) && !(serves && pauses(en)))
        mint(en);
    if (serves)
        answer_token(en);
}

static credential_wait *wait_for(entry *en, credential_on_token *on_token, void *ctx)
{
    credential_wait *w = NEW(credential_wait);
    w->on_token = on_token;
    w->ctx = ctx;
    w->slot = &en->waits;
    w->next = en->waits;
    if (w->next)
        w->next->slot = &w->next;
    en->waits = w;
    en->answer.run = on_answer;
    en->answer.ctx = en;
    task_post(en->provider->loop, &en->answer);
    return w;
}

// An OAuth 2 client has one kind of token, and its audience stands in its configuration.
static credential_want wanted_of(const caller *c, const credential_want *w)
{
    credential_want own = *w;
    if (c->oauth && !caller_stages(c)) {
        bool id = oauth_gives_id_tokens(c) && !w->scope.len;
        own.kind = id ? CREDENTIAL_ID_TOKEN : CREDENTIAL_ACCESS_TOKEN;
        own.audience = STR_NONE;
    }
    return own;
}

static bool is_for(const entry *en, const credential_want *w)
{
    const credential_want *own = &en->want;
    return own->kind == w->kind && own->local == w->local && own->user_token == w->user_token &&
           str_eq(own->audience, w->audience) && str_eq(own->scope, w->scope) &&
           str_eq(own->identity, w->identity);
}

// Who calls one service asks for the same token again and again.
static entry *entry_of(credential_provider *p, const credential_want *w)
{
    if (p->latest && is_for(p->latest, w))
        return p->latest;
    caller *c = find_caller(p, w->identity, w->local);
    const credential_want own = wanted_of(c, w);
    return p->latest = find_entry(p, c, &own, caller_stages(c));
}

credential_wait *credential_for(credential_provider *p, const credential_want *w,
                                credential_on_token *on_token, void *ctx)
{
    return wait_for(entry_of(p, w), on_token, ctx);
}

credential_token *credential_at_hand(credential_provider *p, const credential_want *w)
{
    entry *en = entry_of(p, w);
    en->used = true;
    return is_usable(en) ? en->token : NULL;
}

void credential_cancel(credential_wait *w)
{
    unlink_wait(w);
    free(w);
}

bool credential_redact(const credential_provider *p, str in, buf *out)
{
    return redactor_apply(&p->redactor, in, out);
}

void credential_forget(credential_provider *p, str audience)
{
    size_t cursor = 0;
    str key;
    void *value;
    while (map_next(&p->entries, &cursor, &key, &value)) {
        entry *en = value;
        str what = en->want.audience.len ? en->want.audience : en->want.scope;
        if (audience.ptr && !str_eq(what, audience))
            continue;
        credential_token_unref(en->token);
        en->token = NULL;
    }
}
