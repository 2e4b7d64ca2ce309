// SPDX-License-Identifier: Apache-2.0
// Which token scripts do nothing else, so that they may go: a repair that takes a request's own
// work with it is worse than none.
#include "postman/lint.h"
#include "postman/postman_vars.h"

// ---- What a script does

static size_t count(str text, const char *word)
{
    size_t n = 0, len = str_from(word).len;
    for (ssize_t at; (at = str_find(text, str_from(word))) >= 0; n++)
        text = str_skip(text, (size_t)at + len);
    return n;
}

// A script that runs before a request, names a place that gives tokens, and goes there or signs
// what goes there.
static bool trades(const json *event, str source)
{
    return json_is_str(json_get(event, "listen"), "prerequest") &&
           !json_bool_or(json_get(event, "disabled"), false) && pm_mints_tokens(source) &&
           (count(source, "sendRequest") || count(source, "RS256")) && !count(source, "pm.test") &&
           !count(source, "expect(");
}

// Is it the header Authorization that "headers.add({key: 'Authorization'…" is about?
static bool is_authorization_call(str arguments)
{
    str name;
    size_t from = 0;
    for (const char *quote = "'\"`"; *quote; quote++, from = 0)
        if (pm_next_quoted(str_sub(arguments, 0, 40), *quote, &from, &name))
            return str_ieq(name, STR("Authorization"));
    return false;
}

// "pm.request.headers.get('A')": `call` is ".headers.get".
static bool only_reads(str call, str arguments, bool *ret_authorization)
{
    static const char *const reads[] = {".getHost",          ".toString", ".getPath",
                                        ".getPathWithQuery", ".has",      ".get",
                                        ".getQueryString"};
    for (size_t i = 0; i < ARRAY_LEN(reads); i++)
        if (str_ends(call, str_from(reads[i])))
            return true;
    if (!str_starts(call, STR(".headers.")) || !is_authorization_call(arguments))
        return false;
    return *ret_authorization = true;
}

static bool is_assigned(str rest)
{
    return str_starts(rest, STR("[")) || str_starts(rest, STR("+=")) ||
           (str_starts(rest, STR("=")) && !str_starts(rest, STR("==")));
}

// "pm.request.url.getHost()" reads; "pm.request.body =" does not, and the whole of it may be
// changed elsewhere. The header Authorization may be set.
static bool changes_request(str source, bool *ret_authorization)
{
    static const char start[] = "pm.request";
    for (ssize_t at; (at = str_find(source, str_from(start))) >= 0;) {
        source = str_skip(source, (size_t)at + sizeof(start) - 1);
        size_t n = 0;
        while (n < source.len && (ascii_is_alnum(source.ptr[n]) || source.ptr[n] == '.'))
            n++;
        str path = str_sub(source, 0, n), rest = source = str_skip(source, n);
        while (rest.len && ascii_is_blank(rest.ptr[0]))
            rest = str_skip(rest, 1);
        if (!path.len || is_assigned(rest) ||
            (str_starts(rest, STR("(")) && !only_reads(path, rest, ret_authorization)))
            return true;
    }
    return false;
}

// What a script does besides, as far as its text tells; NULL: nothing.
static const char *other_work(str source, bool *ret_authorization)
{
    static const struct {
        const char *word, *says;
    } rows[] = {
        {".unset(", "it removes variables"},
        {".clear(", "it removes variables"},
        {"clearEnvironmentVariable", "it removes variables"},
        {"clearGlobalVariable", "it removes variables"},
        {".set (", "it sets what its text doesn't name"},
        {"eval(", "it runs code from elsewhere"},
        {"pm.require(", "it runs code from elsewhere"},
        {"setNextRequest", "it decides what is sent next"},
        {"skipRequest", "it decides what is sent next"},
        {"runRequest", "it sends other requests"},
        {".cookies", "it works with cookies"},
        {"globalThis", "it leaves something for other scripts"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (count(source, rows[i].word))
            return rows[i].says;
    if (count(source, "sendRequest") != 1)
        return count(source, "sendRequest") ? "it sends other requests"
                                            : "what it signs is sent by something else";
    if (changes_request(source, ret_authorization))
        return "it changes the request";
    size_t literal = 0;
    for (str rest = source, name; pm_next_set_variable(&rest, &name);)
        literal++;
    if (literal != count(source, ".set(") + count(source, "setEnvironmentVariable(") +
                       count(source, "setGlobalVariable("))
        return "it sets what its text doesn't name";
    return NULL;
}

// ---- Who uses what it sets

// A variable that token scripts set.
typedef struct minted minted;
struct minted {
    bool sent;    // as a bearer
    bool other;   // used for anything else
    ssize_t more; // how much oftener token scripts name it than set it: get('expires')
};

str pm_bearer_variable(const json *text)
{
    str value = json_str_or(text, STR_NONE), name;
    size_t from = 0;
    value = str_trim(str_istarts(value, STR("Bearer ")) ? str_skip(value, 7) : value);
    if (!pm_template_next(value, &from, &name) || value.len != name.len + 4)
        return STR_NONE;
    const json *pair = text->parent, *list = pair ? pair->parent : NULL;
    str key = json_str_or(json_get(pair, "key"), STR_NONE);
    if (list && str_eq(list->key, STR("header")) && str_eq(text->key, STR("value")))
        return str_ieq(key, STR("Authorization")) || str_ieq(key, STR("X-Serverless-Authorization"))
                   ? name
                   : STR_NONE;
    while (pair && !str_eq(pair->key, STR("auth")))
        pair = pair->parent;
    return json_is_str(json_get(pair, "type"), "bearer") ? name : STR_NONE;
}

static void used_otherwise(const pm_minting *m, str text)
{
    str name;
    minted *v;
    for (size_t from = 0; pm_template_next(text, &from, &name);)
        if ((v = map_get(&m->variables, name)))
            v->other = true;
}

static void quoted_otherwise(const pm_minting *m, str source)
{
    str name;
    minted *v;
    used_otherwise(m, source);
    for (const char *quote = "'\"`"; *quote; quote++)
        for (size_t from = 0; pm_next_quoted(source, *quote, &from, &name);)
            if ((v = map_get(&m->variables, name)))
                v->other = true;
}

static void note_uses(const pm_minting *m, const json *v)
{
    if (str_eq(v->key, STR("description")) || str_eq(v->key, STR("response")))
        return;
    if (v->parent && str_eq(v->parent->key, STR("event"))) {
        if (!pm_minting_script(m, v))
            quoted_otherwise(m, pm_script_text(m->a, v));
        return;
    }
    if (json_is(v, JSON_STRING)) {
        minted *bearer = map_get(&m->variables, pm_bearer_variable(v));
        if (bearer)
            bearer->sent = true;
        else
            used_otherwise(m, v->text);
    }
    JSON_EACH (v, member)
        note_uses(m, member);
}

// ---- The verdict

static void gather(pm_minting *m, const json *item)
{
    JSON_EACH (json_get(item, "event"), event) {
        str source = pm_script_code(m->a, pm_script_text(m->a, event)), name;
        if (!trades(event, source))
            continue;
        pm_token_script *s = ARENA_NEW(m->a, pm_token_script);
        *s = (pm_token_script){.event = event, .source = source};
        s->besides = other_work(source, &s->sets_header);
        map_set(&m->scripts, (str){(const char *)&s->event, sizeof(s->event)}, s);
        for (str rest = source; pm_next_set_variable(&rest, &name);)
            if (!map_has(&m->variables, name))
                map_set(&m->variables, name, ARENA_NEW(m->a, minted));
    }
    JSON_EACH (json_get(item, "item"), member)
        gather(m, member);
}

static void note_own_uses(const pm_minting *m, str source)
{
    str name;
    minted *v;
    for (str rest = source; pm_next_set_variable(&rest, &name);)
        ((minted *)map_get(&m->variables, name))->more--;
    for (const char *quote = "'\"`"; *quote; quote++)
        for (size_t from = 0; pm_next_quoted(source, *quote, &from, &name);)
            if ((v = map_get(&m->variables, name)))
                v->more++;
}

static const char *judge(const pm_minting *m, const pm_token_script *s)
{
    bool sent = s->sets_header;
    ssize_t trade = str_find(s->source, STR("sendRequest"));
    str rest = str_sub(s->source, 0, (size_t)trade), name;
    if (pm_next_set_variable(&rest, &name))
        return arena_cstr(
            m->a, arena_printf(m->a, "it sets '" STR_FMT "' before the trade", STR_ARG(name)));
    for (rest = s->source; pm_next_set_variable(&rest, &name);) {
        const minted *v = map_get(&m->variables, name);
        sent |= v->sent;
        if (v->other || (!v->sent && v->more <= 0))
            return arena_cstr(m->a,
                              arena_printf(m->a, "it sets '" STR_FMT "', which %s", STR_ARG(name),
                                           v->other ? "is used for other things than a bearer"
                                                    : "no bearer uses"));
    }
    return sent ? NULL : "nothing here sends what it mints";
}

// What a script that stays names is in use. True when another script stays because of that.
static bool judge_all(const pm_minting *m)
{
    bool stays = false;
    pm_token_script *s;
    str key;
    for (size_t cursor = 0; map_next(&m->scripts, &cursor, &key, (void **)&s);)
        if (!s->besides && (s->besides = judge(m, s)))
            stays = true;
    for (size_t cursor = 0; map_next(&m->scripts, &cursor, &key, (void **)&s);)
        if (s->besides)
            quoted_otherwise(m, s->source);
    return stays;
}

void pm_minting_read(arena *a, const json *document, pm_minting *ret)
{
    pm_token_script *s;
    str key;
    *ret = (pm_minting){.a = a};
    gather(ret, document);
    if (!ret->scripts.len)
        return;
    note_uses(ret, document);
    for (size_t cursor = 0; map_next(&ret->scripts, &cursor, &key, (void **)&s);)
        note_own_uses(ret, s->source);
    judge_all(ret);
    if (!judge_all(ret))
        return;
    for (size_t cursor = 0; map_next(&ret->scripts, &cursor, &key, (void **)&s);)
        if (!s->besides) // a chain of scripts that use each other's: not worth more rounds
            s->besides = "it works together with scripts that do more";
}

void pm_minting_deinit(pm_minting *m)
{
    map_deinit(&m->scripts, NULL);
    map_deinit(&m->variables, NULL);
}

pm_token_script *pm_minting_script(const pm_minting *m, const json *event)
{
    return map_get(&m->scripts, (str){(const char *)&event, sizeof(event)});
}
