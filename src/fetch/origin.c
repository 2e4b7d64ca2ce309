// SPDX-License-Identifier: Apache-2.0
// engine_direct's connections: a pool for each server that the client has called lately.
#include <string.h>

#include "fetch/call.h"

enum {
    ORIGINS_KEPT = 64,
    CONNECTIONS_MAX = 1 << 16, // a caller's own parallelism is the limit
};
static const uint64_t NO_LIMIT_MS = 1ull << 40; // the whole call has one, where it is wanted

struct origin {
    origin *next;
    http_pool *pool;
    size_t calls;
    char *host;
    uint16_t port;
    bool routed; // exempt from the policy: such connections serve routed calls only
    uint64_t connect_ms;
};

static code may_connect(void *ctx, const struct sockaddr *to, err *e)
{
    fetch_client *c = ctx;
    return fetch_judge_address(&c->policy, to, e);
}

static void origin_free(origin *o)
{
    http_pool_free(o->pool);
    free(o->host);
    free(o);
}

// The one unused for longest.
static void drop_oldest(fetch_client *c)
{
    origin **found = NULL;
    for (origin **at = &c->origins; *at; at = &(*at)->next)
        if (!(*at)->calls)
            found = at;
    if (!found)
        return;
    origin *old = *found;
    *found = old->next;
    c->origin_count--;
    origin_free(old);
}

static origin *origin_new(fetch_call *call, const char *host, uint16_t port)
{
    fetch_client *c = call->client;
    if (c->origin_count >= ORIGINS_KEPT)
        drop_oldest(c);
    origin *o = NEW(origin);
    *o = (origin){.host = mem_dup(host),
                  .port = port,
                  .routed = call->route.address != NULL,
                  .connect_ms = call->connect_timeout_ms};
    http_pool_options pool = {.host = o->host,
                              .port = port,
                              .connections_max = CONNECTIONS_MAX,
                              .connect_ms = o->connect_ms,
                              .response_ms = NO_LIMIT_MS,
                              .body_ms = NO_LIMIT_MS,
                              .head_bytes_max = FETCH_HEADER_BYTES_MAX,
                              .header_count_max = FETCH_HEADER_COUNT_MAX,
                              .any_server = true,
                              .may_connect = o->routed ? NULL : may_connect,
                              .ctx = c};
    o->pool = http_pool_new(c->loop, &pool);
    c->origin_count++;
    return o;
}

static bool serves(const origin *o, const fetch_call *call, const char *host, uint16_t port)
{
    return o->port == port && o->routed == (call->route.address != NULL) &&
           o->connect_ms == call->connect_timeout_ms && !strcmp(o->host, host);
}

origin *origin_get(fetch_call *call, const char *host, uint16_t port)
{
    fetch_client *c = call->client;
    origin **at = &c->origins;
    while (*at && !serves(*at, call, host, port))
        at = &(*at)->next;
    origin *o = *at;
    if (o)
        *at = o->next;
    else
        o = origin_new(call, host, port);
    o->next = c->origins;
    c->origins = o;
    o->calls++;
    return o;
}

http_pool *origin_pool(const origin *o)
{
    return o->pool;
}

void origin_put(origin *o)
{
    o->calls--;
}

void origins_free(fetch_client *c)
{
    while (c->origins) {
        origin *o = c->origins;
        c->origins = o->next;
        origin_free(o);
    }
}
