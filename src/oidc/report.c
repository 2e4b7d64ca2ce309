// SPDX-License-Identifier: Apache-2.0
#include "oidc/report.h"

#include "data/data.h"

// ---- words --------------------------------------------------------------------------------------

// Text that is fit for a terminal (threat 48).
static str shown(arena *a, str s)
{
    buf out;
    buf_init(&out, 4096);
    buf_add_shown(&out, s);
    str kept = arena_str(a, buf_str(&out));
    buf_deinit(&out);
    return kept;
}

// "3 s", "12 min 5 s", "2 h 10 min", "4 days 3 h": the two largest units.
static str span(arena *a, int64_t seconds)
{
    static const struct {
        const char *name;
        int64_t s;
    } units[] = {{"days", 86400}, {"h", 3600}, {"min", 60}, {"s", 1}};
    size_t i = 0;
    while (i < ARRAY_LEN(units) - 1 && seconds < units[i].s)
        i++;
    long long whole = seconds / units[i].s, rest = 0;
    if (i + 1 < ARRAY_LEN(units))
        rest = seconds % units[i].s / units[i + 1].s;
    if (!rest)
        return arena_printf(a, "%lld %s", whole, units[i].name);
    return arena_printf(a, "%lld %s %lld %s", whole, units[i].name, rest, units[i + 1].name);
}

static str instant(arena *a, int64_t s)
{
    char text[CLOCK_RFC3339_MAX];
    if (s > INT64_MAX / 1000000000) // beyond the year 2262
        return arena_printf(a, "%lld s after 1970", (long long)s);
    clock_rfc3339(s * 1000000000, text);
    return arena_str(a, str_from(text));
}

// A value of the token's.
static str shown_claim(arena *a, str claim)
{
    return shown(a, oidc_quoted(claim, a));
}

// ---- checks -------------------------------------------------------------------------------------

static void good(report *r, const char *name, str text)
{
    r->checks[r->count++] = (report_check){.name = name, .text = text};
}

static void skipped(report *r, const char *name, str text)
{
    r->checks[r->count++] = (report_check){.name = name, .state = CHECK_SKIPPED, .text = text};
}

static void wrong(report *r, const char *name, const err *e, const char *fix)
{
    str hint = str_from(e->hint[0] ? e->hint : fix);
    r->checks[r->count++] = (report_check){.name = name,
                                           .state = CHECK_WRONG,
                                           .text = shown(r->mem, str_from(e->msg)),
                                           .code = e->code,
                                           .fix = arena_str(r->mem, hint)};
}

#define TRY_LOCAL "if it is a token of the running 'gatepost up': --local; otherwise: "

// The keys didn't come.
static void unchecked(report *r)
{
    err e = *r->why;
    if (r->asked->try_local)
        e.hint[0] = '\0'; // the fix knows better
    (void)err_wrap(&e, "not checked");
    wrong(r, "signature", &e,
          r->asked->try_local ? TRY_LOCAL "does this machine reach the issuer?"
                              : "is the issuer's address right, and does this machine reach it? "
                                "--jwks URL names the keys themselves");
    r->checks[r->count - 1].state = CHECK_OPEN;
}

// An access token that is a JWT (RFC 9068). It is sound where its audience is an API of the
// issuer's; the gate and Cloud Run want ID tokens, so the report says what it is.
static bool is_access_token(const report *r, const jwt *t)
{
    const jwt_expect access = {.now_s = r->now_s, .expiry_optional = true, .typ = STR("at+jwt")};
    return jwt_check_claims(t, &access, NULL) != JWT_TYPE;
}

static void check_header(report *r)
{
    const jwt *t = &r->who->token;
    err e = ERR_INIT;
    if (t->alg == JOSE_ALG_COUNT) {
        (void)err_set(&e, JWT_ALG, "the algorithm \"" STR_FMT "\" isn't accepted",
                      STR_ARG(str_sub(t->alg_name, 0, 32)));
        wrong(r, "header", &e, "tokens are signed with RS256, PS256, ES256, ES384 or EdDSA");
        return;
    }
    const jwt_expect any = {.now_s = r->now_s, .expiry_optional = true};
    bool access = is_access_token(r, t);
    if (!access && jwt_check_claims(t, &any, &e) == JWT_TYPE) {
        wrong(r, "header", &e, "an ID token is wanted, or an access token of type at+jwt");
        return;
    }
    str key = t->kid.len
                  ? arena_printf(r->mem, "key " STR_FMT, STR_ARG(shown_claim(r->mem, t->kid)))
                  : STR("no key named");
    good(r, "header",
         arena_printf(r->mem, "%s, " STR_FMT "%s", jose_alg_name(t->alg), STR_ARG(key),
                      access ? ", an access token: Cloud Run takes ID tokens only" : ""));
}

static void check_issuer(report *r)
{
    const jwt *t = &r->who->token;
    err e = ERR_INIT;
    if (r->issuer_known) {
        good(r, "issuer", shown_claim(r->mem, t->issuer));
        return;
    }
    (void)err_set(&e, JWT_ISSUER, "\"" STR_FMT "\"; expected \"" STR_FMT "\"",
                  STR_ARG(oidc_quoted(t->issuer, r->mem)), STR_ARG(r->asked->issuer));
    wrong(r, "issuer", &e, "if this token should be good, name its issuer with --issuer");
}

static void check_signature(report *r)
{
    switch (r->verified) {
    case OIDC_ISSUER:
        skipped(r, "signature", STR("not checked: only the expected issuer's keys are asked"));
        return;
    case OIDC_KEYS:
        unchecked(r);
        return;
    case JWT_KEY:
        wrong(r, "signature", r->why,
              r->asked->try_local
                  ? TRY_LOCAL "the issuer has withdrawn that key: take a new one"
                  : "the issuer has withdrawn that key, or the token is from another place (a "
                    "token of "
                    "gatepost up has no power in the cloud, nor the reverse): take a new one");
        return;
    case JWT_ALG:
        wrong(r, "signature", r->why, "the token isn't by this issuer");
        return;
    case JWT_SIGNATURE:
        wrong(r, "signature", r->why, "it was changed or cut on its way: copy it whole");
        return;
    default:
        good(r, "signature", STR("by a key of the issuer"));
    }
}

static str audience_list(report *r)
{
    const jwt *t = &r->who->token;
    buf out;
    buf_init(&out, 64 << 10);
    for (size_t i = 0; i < t->audience_count; i++)
        buf_addf(&out, "%s" STR_FMT, i ? ", " : "", STR_ARG(shown_claim(r->mem, t->audiences[i])));
    str list = arena_str(r->mem, buf_str(&out));
    buf_deinit(&out);
    return list.len ? list : STR("none");
}

static void check_audience(report *r)
{
    const jwt *t = &r->who->token;
    const str wanted = r->asked->audience;
    err e = ERR_INIT;
    if (!wanted.len) {
        skipped(r, "audience",
                arena_printf(r->mem, STR_FMT " (not checked: no --audience)",
                             STR_ARG(audience_list(r))));
        return;
    }
    for (size_t i = 0; i < t->audience_count; i++)
        if (str_eq(t->audiences[i], wanted)) {
            good(r, "audience", audience_list(r));
            return;
        }
    (void)err_set(&e, JWT_AUDIENCE, "it is for " STR_FMT "; expected " STR_FMT,
                  STR_ARG(str_sub(audience_list(r), 0, 384)), STR_ARG(wanted));
    (void)err_hint(&e, "gatepost token --audience " STR_FMT, STR_ARG(wanted));
    wrong(r, "audience", &e, "");
}

static void check_times(report *r)
{
    const jwt *t = &r->who->token;
    err e = ERR_INIT;
    if (!t->has_expiry)
        (void)err_set(&e, JWT_CLAIMS, "it never expires (no \"exp\"): that is refused");
    else if (jwt_check_times(t, r->now_s, 0, &e) == JWT_EXPIRED)
        (void)err_set(&e, JWT_EXPIRED, "it expired " STR_FMT " ago, at " STR_FMT,
                      STR_ARG(span(r->mem, r->now_s - t->expiry_s)),
                      STR_ARG(instant(r->mem, t->expiry_s)));
    if (e.code) {
        wrong(r, "times", &e, "take a new one: gatepost token --audience URL");
        return;
    }
    str issued = STR("not said when issued");
    if (t->has_issued_at)
        issued = arena_printf(r->mem, "issued " STR_FMT " ago",
                              STR_ARG(span(r->mem, r->now_s - t->issued_at_s)));
    good(r, "times",
         arena_printf(r->mem, STR_FMT ", expires in " STR_FMT " (" STR_FMT ")", STR_ARG(issued),
                      STR_ARG(span(r->mem, t->expiry_s - r->now_s)),
                      STR_ARG(instant(r->mem, t->expiry_s))));
}

static void tell_principal(report *r)
{
    const jwt *t = &r->who->token;
    if (r->verified) {
        str email = json_str_or(json_get(t->claims, "email"), STR_NONE);
        str claimed = shown_claim(r->mem, email.len ? email : t->subject);
        skipped(r, "principal",
                arena_printf(r->mem, STR_FMT " (claimed, not proved)", STR_ARG(claimed)));
        return;
    }
    buf name;
    buf_init(&name, 4096);
    principal_name(&r->who->who, &name);
    str who = shown_claim(r->mem, buf_str(&name));
    buf_deinit(&name);
    if (!r->who->who.email.len && json_get(t->claims, "email"))
        who = arena_printf(r->mem, STR_FMT " (its e-mail isn't believed: not verified)",
                           STR_ARG(who));
    good(r, "principal", who);
}

code report_make(report *r, err *e)
{
    r->count = 0;
    if (r->parsed) {
        check_header(r);
        check_issuer(r);
        check_signature(r);
        check_audience(r);
        check_times(r);
        tell_principal(r);
    } else {
        wrong(r, "token", r->why, "an ID token is wanted: gatepost token --audience URL");
    }
    for (size_t i = 0; i < r->count; i++) {
        const report_check *c = &r->checks[i];
        if (c->code == OK)
            continue;
        (void)err_set(e, c->code, "%s: " STR_FMT, c->name, STR_ARG(c->text));
        return c->fix.len ? err_hint(e, STR_FMT, STR_ARG(c->fix)) : c->code;
    }
    return OK;
}

// ---- output -------------------------------------------------------------------------------------

static bool is_good(const report *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->checks[i].code != OK)
            return false;
    return true;
}

void report_text(const report *r, buf *out)
{
    static const char *const words[] = {
        [CHECK_GOOD] = "ok", [CHECK_WRONG] = "WRONG", [CHECK_OPEN] = "?", [CHECK_SKIPPED] = "-"};
    buf_addz(out, is_good(r) ? "the token is good\n" : "the token is refused\n");
    for (size_t i = 0; i < r->count; i++) {
        const report_check *c = &r->checks[i];
        buf_addf(out, "  %-9s  %-5s  " STR_FMT, c->name, words[c->state], STR_ARG(c->text));
        if (c->code != OK)
            buf_addf(out, " [%s]", code_id(c->code));
        buf_addc(out, '\n');
        if (c->fix.len)
            buf_addf(out, "  %-9s  %-5s  " STR_FMT "\n", "", "fix:", STR_ARG(c->fix));
    }
}

static void check_json(const report_check *c, jout *w)
{
    jout_object(w, NULL);
    jout_str(w, "check", str_from(c->name));
    if (c->state == CHECK_SKIPPED || c->state == CHECK_OPEN)
        jout_null(w, "ok");
    else
        jout_bool(w, "ok", c->state == CHECK_GOOD);
    jout_str(w, "detail", c->text);
    if (c->code != OK)
        jout_str(w, "code", str_from(code_id(c->code)));
    if (c->fix.len)
        jout_str(w, "fix", c->fix);
    jout_end(w);
}

static void token_json(const jwt *t, arena *a, jout *w)
{
    jout_object(w, "token");
    jout_str(w, "alg", oidc_quoted(t->alg_name, a));
    jout_str(w, "kid", oidc_quoted(t->kid, a));
    jout_str(w, "issuer", oidc_quoted(t->issuer, a));
    jout_str(w, "subject", oidc_quoted(t->subject, a));
    jout_array(w, "audience");
    for (size_t i = 0; i < t->audience_count; i++)
        jout_str(w, NULL, oidc_quoted(t->audiences[i], a));
    jout_end(w);
    if (t->has_issued_at)
        jout_i64(w, "issuedAt", t->issued_at_s);
    if (t->has_expiry)
        jout_i64(w, "expiresAt", t->expiry_s);
    jout_end(w);
}

void report_json(const report *r, buf *out)
{
    jout w = jout_new(out, JSON_PRETTY);
    jout_object(&w, NULL);
    jout_bool(&w, "valid", is_good(r));
    jout_array(&w, "checks");
    for (size_t i = 0; i < r->count; i++)
        check_json(&r->checks[i], &w);
    jout_end(&w);
    if (r->parsed)
        token_json(&r->who->token, r->mem, &w);
    jout_end(&w);
    buf_addc(out, '\n');
}
