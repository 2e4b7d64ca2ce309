// SPDX-License-Identifier: Apache-2.0
// libcurl's multi interface on the loop: its sockets are watched, its one timer is ours, and what
// it reports as finished becomes on_done.
#include <unistd.h>

#include "fetch/call.h"

enum { CONNECTIONS_KEPT = 64 };

struct fetch_client {
    loop *loop;
    fetch_policy policy;
    CURLM *multi;
    timer *timer;
    fetch_call *calls;
    bool in_curl; // libcurl is on the stack: no call may be removed
    bool *freed;  // set while on_done runs, told when it frees the client
};

const fetch_policy *call_policy(const fetch_call *call)
{
    return &call->client->policy;
}

// ---- calls ------------------------------------------------------------------------------------

static void link_call(fetch_client *c, fetch_call *call)
{
    call->next = c->calls;
    if (c->calls)
        c->calls->prev = call;
    c->calls = call;
}

static void unlink_call(fetch_call *call)
{
    if (call->prev)
        call->prev->next = call->next;
    else
        call->client->calls = call->next;
    if (call->next)
        call->next->prev = call->prev;
}

static void call_free(fetch_call *call)
{
    task_cancel(&call->begin);
    unlink_call(call);
    if (call->added)
        curl_multi_remove_handle(call->client->multi, call->easy);
    curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->header_lines);
    curl_slist_free_all(call->connect_to);
    curl_url_cleanup(call->url);
    buf_deinit(&call->body);
    vec_deinit(&call->headers);
    arena_deinit(&call->mem);
    free(call);
}

// Tells the caller, then frees. False when the callback freed the client.
static bool call_finish(fetch_call *call, CURLcode result)
{
    fetch_client *c = call->client;
    if (call->doomed) {
        call_free(call);
        return true;
    }
    fetch_response res;
    err e = ERR_INIT;
    bool freed = false;
    call_describe(call, &res);
    if (result || call->fail.code)
        res.failure = call_failure(call, result, &e);
    c->freed = &freed; // to free the client inside on_done is to free this call with it
    call->on_done(call->ctx, &res, res.failure ? &e : NULL);
    if (freed)
        return false;
    c->freed = NULL;
    call_free(call);
    return true;
}

// ---- libcurl to loop --------------------------------------------------------------------------

static void drain(fetch_client *c)
{
    int left;
    CURLMsg *msg;
    while ((msg = curl_multi_info_read(c->multi, &left))) {
        if (msg->msg != CURLMSG_DONE)
            continue;
        CURLcode result = msg->data.result;
        void *call = NULL;
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &call);
        if (!call_finish(call, result))
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

// ---- the address policy -----------------------------------------------------------------------

// The last moment before a connect: the address here is the one that the kernel will be given.
static curl_socket_t on_open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
    (void)purpose;
    fetch_call *call = ctx;
    fetch_zone zone = fetch_zone_of(&to->addr);
    if (!call->route.address && !fetch_policy_allows(call_policy(call), zone)) {
        (void)err_set(&call->fail, FETCH_ADDRESS,
                      "the host resolves to a %s address, which may "
                      "not be reached from here",
                      fetch_zone_name(zone));
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

// ---- public -----------------------------------------------------------------------------------

fetch_client *fetch_client_new(loop *l, fetch_policy policy)
{
    static bool initialised;
    if (!initialised)
        initialised = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    fetch_client *c = NEW(fetch_client);
    c->loop = l;
    c->policy = policy;
    c->timer = timer_new(l, on_timer, c);
    c->multi = curl_multi_init();
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_set_timer);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
    return c;
}

void fetch_client_free(fetch_client *c)
{
    if (!c)
        return;
    if (c->freed)
        *c->freed = true;
    while (c->calls)
        call_free(c->calls);
    curl_multi_cleanup(c->multi);
    timer_free(c->timer);
    free(c);
}

static void begin(void *ctx)
{
    fetch_call *call = ctx;
    if (call->fail.code) {
        call_finish(call, CURLE_OK);
        return;
    }
    call->added = true;
    curl_multi_add_handle(call->client->multi, call->easy);
}

static void apply_callbacks(fetch_call *call)
{
    CURL *easy = call->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->curl_text);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, call_on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, call_on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
}

fetch_call *fetch_start(fetch_client *c, const fetch_request *req)
{
    fetch_call *call = NEW(fetch_call);
    call->client = c;
    call->easy = curl_easy_init();
    call->body_bytes_max = req->body_bytes_max ? req->body_bytes_max : FETCH_BODY_BYTES_MAX;
    call->on_body = req->on_body;
    call->on_done = req->on_done;
    call->ctx = req->ctx;
    call->begin = (task){.run = begin, .ctx = call};
    arena_init(&call->mem);
    buf_init(&call->body, call->body_bytes_max);
    link_call(c, call);
    apply_callbacks(call);
    // A refusal is told by begin, which runs later: no callback inside this call.
    (void)!call_prepare(call, req, &call->fail);
    task_post(c->loop, &call->begin);
    return call;
}

void fetch_cancel(fetch_call *call)
{
    if (call->client->in_curl)
        call->doomed = true;
    else
        call_free(call);
}
