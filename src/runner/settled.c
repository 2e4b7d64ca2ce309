// SPDX-License-Identifier: Apache-2.0
// The last decisions of the run, each with everything that it was made of. A decision is a function
// of its question and of what is trusted: the same question gets the same answer until the trust
// has changed. Requests with a header of their own that counts are decided one by one.
#include <string.h>

#include "runner/run.h"

struct settled {
    char *text; // of the origin
    uri_origin origin;
    injection_request asked;
    uint64_t trust_version;
    size_t known;
    injection_decision decision;
    str principal;
};

static bool may_be_settled(const injection_request *req)
{
    return !req->authorization_count && !req->serverless_count && !req->host_header.len;
}

// `interactive` and `local_issuer` are the run's.
static bool is_same(const settled *s, const uri_origin *origin, const injection_request *req)
{
    const injection_request *a = &s->asked;
    return origin_eq(&s->origin, origin) && a->tls_insecure == req->tls_insecure &&
           a->noauth == req->noauth && a->by_rule == req->by_rule &&
           str_eq(a->identity, req->identity) && str_eq(a->audience, req->audience);
}

static bool is_current(const settled *s, const runner *r)
{
    return s->trust_version == trust_version(r->o.identity.trust) && s->known == r->known.len;
}

static settled *find(const trip *x, const injection_request *req)
{
    const uri_origin here = url_origin(&x->at);
    for (size_t i = 0; i < SETTLED_MAX && x->r->settled[i]; i++)
        if (is_same(x->r->settled[i], &here, req))
            return x->r->settled[i];
    return NULL;
}

bool settled_recall(trip *x, const injection_request *req)
{
    const settled *s = may_be_settled(req) ? find(x, req) : NULL;
    if (!s || !is_current(s, x->r))
        return false;
    x->decision = s->decision;
    x->told.identity.principal = s->principal;
    return true;
}

// Keeps a copy of an origin that lives no longer than its exchange.
static void set_origin(settled *s, uri_origin here)
{
    free(s->text);
    s->text = mem_new(here.scheme.len + here.host.len + 1);
    memcpy(s->text, here.scheme.ptr, here.scheme.len);
    memcpy(s->text + here.scheme.len, here.host.ptr, here.host.len);
    s->origin = here;
    s->origin.scheme.ptr = s->text;
    s->origin.host.ptr = s->text + here.scheme.len;
}

// The place of an answer that is out of date, else of the oldest.
static settled *place_for(trip *x, const injection_request *req)
{
    runner *r = x->r;
    settled *s = find(x, req);
    if (!s) {
        settled **slot = &r->settled[r->settled_count++ % SETTLED_MAX];
        s = *slot = *slot ? *slot : NEW(settled);
    }
    return s;
}

void settled_keep(trip *x, const injection_request *req)
{
    if (!may_be_settled(req))
        return;
    settled *s = place_for(x, req);
    set_origin(s, url_origin(&x->at));
    s->asked = *req;
    s->trust_version = trust_version(x->r->o.identity.trust);
    s->known = x->r->known.len;
    s->decision = x->decision;
    s->principal = x->told.identity.principal;
}

void settled_free(runner *r)
{
    for (size_t i = 0; i < SETTLED_MAX && r->settled[i]; i++) {
        free(r->settled[i]->text);
        free(r->settled[i]);
        r->settled[i] = NULL;
    }
    r->settled_count = 0;
}
