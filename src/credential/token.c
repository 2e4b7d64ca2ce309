// SPDX-License-Identifier: Apache-2.0
#include "credential/provider.h"

// Google's clients refresh 225 s (Python) and 300 s (Node) before the end of a token's hour; ours
// somewhere between, so that those who started together don't renew together. A short token, as a
// test of refreshing uses, gives a fifth of its life instead.
// In its last half minute a token may expire on the way, or by the service's clock.
enum {
    MARGIN_MIN_MS = 225 * 1000,
    MARGIN_MAX_MS = 300 * 1000,
    MARGIN_PARTS = 5,
    LAST_MAX_MS = 30 * 1000,
};

enum { TEXT_MAX = 4096 };

static const str scheme = {"Bearer ", 7};

static str copy(str s)
{
    return (str){mem_dupn(s.ptr, s.len), s.len};
}

unsigned caller_stages(const caller *c)
{
    return (c->inner.len > 0) + (c->chain.len > 0);
}

const str *caller_targets(const caller *c, unsigned stage, size_t *ret_count)
{
    bool is_inner = c->inner.len && stage == 1;
    *ret_count = is_inner ? 1 : c->chain.len;
    return is_inner ? &c->inner : c->chain.ptr;
}

static str describe_source(const caller *c, const credential_token *base)
{
    buf text;
    buf_init(&text, TEXT_MAX);
    if (base)
        buf_addf(&text, "impersonation by " STR_FMT " (" STR_FMT ")",
                 STR_ARG(base->principal.len ? base->principal : STR("you")), STR_ARG(base->via));
    else
        buf_addz(&text, credential_source_name(c->who.source));
    str s = {.len = text.len};
    s.ptr = buf_take(&text);
    return s;
}

// The base of a chain isn't the chain's principal.
static str principal_of(const caller *c, const minted *m, unsigned stage)
{
    size_t count;
    if (m->principal.len)
        return m->principal;
    if (stage) {
        const str *targets = caller_targets(c, stage, &count);
        return targets[count - 1];
    }
    return caller_stages(c) ? c->email : c->who.principal;
}

static secret *new_bearer(str value)
{
    buf text;
    buf_init(&text, scheme.len + value.len);
    buf_reserve(&text, scheme.len + value.len); // at once: growing leaves copies behind
    buf_adds(&text, scheme);
    buf_adds(&text, value);
    secret *s = secret_new(buf_str(&text));
    buf_wipe(&text);
    buf_deinit(&text);
    return s;
}

str credential_token_bearer(const credential_token *t)
{
    return secret_str(t->bearer);
}

str credential_token_value(const credential_token *t)
{
    return str_skip(secret_str(t->bearer), scheme.len);
}

static str target_of(const credential_want *w, const minted *m)
{
    if (w->kind == CREDENTIAL_ID_TOKEN)
        return m->audience;
    if (w->scope.len)
        return w->scope;
    return w->audience.len ? w->audience : m->audience;
}

// Of so much time and a part of the life.
static int64_t least(int64_t ms, int64_t lifetime_ms)
{
    int64_t part = lifetime_ms / MARGIN_PARTS;
    return part < ms ? part : ms;
}

credential_moment moment_now(void)
{
    return (credential_moment){clock_wall_ms(), clock_mono_ms()};
}

credential_token *token_new(const caller *c, const credential_want *w, const minted *m,
                            const exchange_base *base)
{
    credential_token *t = NEW(credential_token);
    t->bearer = new_bearer(m->value);
    t->kind = w->kind;
    t->source = c->who.source;
    t->user = c->who.user && !base->token;
    t->local = c->who.local;
    t->principal = copy(principal_of(c, m, base->stage));
    t->audience = copy(target_of(w, m));
    t->via = describe_source(c, base->token);
    t->asked = m->asked;
    t->lifetime_ms = m->lifetime_ms;
    t->margin_ms = least(MARGIN_MIN_MS + (int64_t)rand_below(MARGIN_MAX_MS - MARGIN_MIN_MS + 1),
                         m->lifetime_ms);
    t->refs = 1;
    return t;
}

credential_token *credential_token_ref(credential_token *t)
{
    t->refs++;
    return t;
}

static void free_str(str s)
{
    free((void *)(uintptr_t)s.ptr);
}

void credential_token_unref(credential_token *t)
{
    if (!t || --t->refs)
        return;
    secret_free(t->bearer);
    free_str(t->principal);
    free_str(t->audience);
    free_str(t->via);
    free(t);
}

// A machine that slept lost monotonic time, a wall clock that was set back lost wall time; a wall
// clock that is merely wrong loses nothing, as only differences count.
int64_t credential_token_age_ms(const credential_token *t)
{
    int64_t wall = clock_wall_ms() - t->asked.wall_ms;
    int64_t mono = (int64_t)(clock_mono_ms() - t->asked.mono_ms);
    return wall > mono ? wall : mono;
}

bool token_is_alive(const credential_token *t)
{
    return credential_token_age_ms(t) < t->lifetime_ms;
}

int64_t token_fresh_ms(const credential_token *t)
{
    return t->lifetime_ms - t->margin_ms - credential_token_age_ms(t);
}

bool token_is_fresh(const credential_token *t)
{
    return token_fresh_ms(t) > 0;
}

bool token_serves(const credential_token *t)
{
    return credential_token_age_ms(t) < t->lifetime_ms - least(LAST_MAX_MS, t->lifetime_ms);
}

const char *credential_source_name(credential_source s)
{
    static const char *const names[] = {
        [CREDENTIAL_NONE] = "nothing",
        [CREDENTIAL_SERVICE_ACCOUNT] = "service account key",
        [CREDENTIAL_USER] = "user credentials",
        [CREDENTIAL_GCLOUD] = "gcloud",
        [CREDENTIAL_METADATA] = "metadata server",
        [CREDENTIAL_TOKEN] = "access token file",
        [CREDENTIAL_EXTERNAL] = "workload identity federation",
        [CREDENTIAL_EXTERNAL_USER] = "workforce sign-in",
        [CREDENTIAL_OAUTH] = "OAuth 2 client",
    };
    return names[s];
}
