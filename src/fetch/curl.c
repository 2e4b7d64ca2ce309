// SPDX-License-Identifier: Apache-2.0
// engine_curl: libcurl's multi interface on the loop. Its sockets are watched, its one timer is
// ours, and what it reports as finished becomes the end of a call.
#include <string.h>
#include <unistd.h>

#include "fetch/call.h"

enum { CONNECTIONS_KEPT = 64 };

// ---- libcurl to loop --------------------------------------------------------------------------

static void drain(fetch_client *c)
{
    int left;
    CURLMsg *msg;
    while ((msg = curl_multi_info_read(c->multi, &left))) {
        if (msg->msg != CURLMSG_DONE)
            continue;
        CURLcode result = msg->data.result;
        char *private = NULL;
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &private);
        fetch_call *call = (void *)private;
        if (result && !call->fail.code)
            curl_fail(call, result);
        if (!fetch_finish(call))
            return;
    }
}

static void act(fetch_client *c, curl_socket_t fd, int bits)
{
    int running;
    c->in_curl = true;
    curl_multi_socket_action(c->multi, fd, bits, &running);
    c->in_curl = false;
    drain(c);
}

// What a watch needs to know; owned by libcurl's slot for the socket.
typedef struct socket_watch socket_watch;
struct socket_watch {
    fetch_client *client;
    watch *watch;
    curl_socket_t fd;
};

static void on_ready(void *ctx, int events)
{
    socket_watch *w = ctx;
    int bits =
        (events & WATCH_READ ? CURL_CSELECT_IN : 0) | (events & WATCH_WRITE ? CURL_CSELECT_OUT : 0);
    act(w->client, w->fd, bits);
}

static void on_timer(void *ctx)
{
    act(ctx, CURL_SOCKET_TIMEOUT, 0);
}

static int on_set_timer(CURLM *multi, long ms, void *ctx)
{
    (void)multi;
    fetch_client *c = ctx;
    if (ms < 0)
        timer_stop(c->timer);
    else
        timer_start(c->timer, (uint64_t)ms);
    return 0;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *slot)
{
    (void)easy;
    fetch_client *c = ctx;
    socket_watch *w = slot;
    if (what == CURL_POLL_REMOVE) {
        if (w)
            watch_free(w->watch);
        free(w);
        curl_multi_assign(c->multi, fd, NULL);
        return 0;
    }
    if (!w) {
        w = NEW(socket_watch);
        w->client = c;
        w->fd = fd;
        if (watch_new(c->loop, fd, on_ready, w, &w->watch, NULL)) {
            free(w);
            return -1;
        }
        curl_multi_assign(c->multi, fd, w);
    }
    watch_set(w->watch,
              (what & CURL_POLL_IN ? WATCH_READ : 0) | (what & CURL_POLL_OUT ? WATCH_WRITE : 0));
    return 0;
}

static curl_socket_t on_open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
    (void)purpose;
    fetch_call *call = ctx;
    if (!call->route.address && fetch_judge_address(&call->client->policy, &to->addr, &call->fail))
        return CURL_SOCKET_BAD;
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

// ---- the engine -------------------------------------------------------------------------------

// Not before a call needs it: to start libcurl and the TLS library costs more than a plain call.
static void start_multi(fetch_client *c)
{
    static bool initialised;
    if (!initialised)
        initialised = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    c->timer = timer_new(c->loop, on_timer, c);
    c->multi = curl_multi_init();
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_set_timer);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
}

static code open_call(fetch_call *call, const fetch_request *req, const uri_url *u, err *e)
{
    if (!call->client->multi)
        start_multi(call->client);
    CURL *easy = call->curl.easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->curl.text);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
    curl_apply_response(call);
    return curl_open(call, req, u, e);
}

static void begin(fetch_call *call)
{
    call->curl.added = true;
    curl_multi_add_handle(call->client->multi, call->curl.easy);
}

static bool is_held(const fetch_call *call)
{
    return call->client->in_curl;
}

static void release(fetch_call *call)
{
    curl_exchange *x = &call->curl;
    if (x->added)
        curl_multi_remove_handle(call->client->multi, x->easy);
    curl_easy_cleanup(x->easy);
    for (struct curl_slist *l = x->lines; l; l = l->next)
        secret_wipe(l->data, strlen(l->data));
    curl_slist_free_all(x->lines);
    curl_slist_free_all(x->connect_to);
    curl_url_cleanup(x->url);
}

const engine engine_curl = {
    .open = open_call,
    .authority = curl_authority,
    .add_field = curl_add_field,
    .ready = curl_ready,
    .begin = begin,
    .describe = curl_describe,
    .is_held = is_held,
    .release = release,
};
