// SPDX-License-Identifier: Apache-2.0
// An event beyond its call: a copy of all that it borrows. Items and scripts are the collection's.
#include "runner/run.h"

typedef struct copied copied;
struct copied {
    run_event event;
    run_cursor cursor;
    run_exchange exchange;
    run_failure failure;
    js_assertion assertion;
    js_error error;
};

static void own(arena *a, str *text)
{
    *text = arena_str(a, *text);
}

static void own_error(arena *a, js_error *e)
{
    own(a, &e->name);
    own(a, &e->message);
    own(a, &e->stack);
}

static void own_failure(arena *a, run_failure *f)
{
    own(a, &f->name);
    own(a, &f->message);
    own(a, &f->stack);
    own(a, &f->test);
    own(a, &f->at);
    own(a, &f->hint);
}

static void own_identity(arena *a, run_identity *id)
{
    own(a, &id->report);
    own(a, &id->warning);
    own(a, &id->principal);
    own(a, &id->audience);
    own(a, &id->via);
    own(a, &id->origin);
    own(a, &id->name);
    if (id->trusted)
        id->trusted = arena_cstr(a, str_from(id->trusted));
}

static void own_headers(arena *a, run_exchange *x)
{
    js_header *list = arena_array(a, x->header_count, sizeof(*list));
    for (size_t i = 0; i < x->header_count; i++) {
        list[i] = x->headers[i];
        own(a, &list[i].name);
        own(a, &list[i].value);
    }
    x->headers = list;
}

static void own_cookies(arena *a, run_exchange *x)
{
    js_cookie *list = arena_array(a, x->cookie_count, sizeof(*list));
    for (size_t i = 0; i < x->cookie_count; i++) {
        list[i] = x->cookies[i];
        own(a, &list[i].name);
        own(a, &list[i].value);
        own(a, &list[i].domain);
        own(a, &list[i].path);
        own(a, &list[i].same_site);
    }
    x->cookies = list;
}

static void own_exchange(arena *a, run_exchange *x)
{
    if (x->request)
        x->request = json_copy(a, x->request);
    own(a, &x->method);
    own(a, &x->url);
    own(a, &x->id);
    own(a, &x->reason);
    own_headers(a, x);
    own(a, &x->body);
    own_cookies(a, x);
    if (x->failure_name)
        x->failure_name = arena_cstr(a, str_from(x->failure_name));
    own_identity(a, &x->identity);
    own(a, &x->trace);
    own(a, &x->explain);
}

static void own_messages(arena *a, run_event *ev)
{
    str *list = arena_array(a, ev->message_count, sizeof(*list));
    for (size_t i = 0; i < ev->message_count; i++)
        list[i] = arena_str(a, ev->messages[i]);
    ev->messages = list;
}

const run_event *event_copy(arena *a, const run_event *ev)
{
    copied *c = ARENA_NEW(a, copied);
    c->event = *ev;
    c->cursor = *ev->cursor;
    c->event.cursor = &c->cursor;
    if (ev->exchange) {
        c->exchange = *ev->exchange;
        own_exchange(a, &c->exchange);
        c->event.exchange = &c->exchange;
    }
    if (ev->failure) {
        c->failure = *ev->failure;
        own_failure(a, &c->failure);
        c->event.failure = &c->failure;
    }
    if (ev->assertion) {
        c->assertion = *ev->assertion;
        own(a, &c->assertion.name);
        own_error(a, &c->assertion.error);
        c->event.assertion = &c->assertion;
    }
    if (ev->error) {
        c->error = *ev->error;
        own_error(a, &c->error);
        c->event.error = &c->error;
    }
    own(a, &c->event.level);
    own(a, &c->event.next);
    own_messages(a, &c->event);
    return &c->event;
}
