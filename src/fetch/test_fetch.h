// SPDX-License-Identifier: Apache-2.0
// For the tests of fetch: a server of sockets on a thread, which answers by path and shows the
// exact bytes that it received, and one call at a time to it. Each test asks both engines.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/test.h"
#include "fetch/call.h"

// ---- the server -------------------------------------------------------------------------------

typedef struct server server;
struct server {
    int listener;
    uint16_t port;
    pthread_t thread;
    pthread_mutex_t lock;
    char seen[1 << 16]; // the last request
    size_t seen_len;
    unsigned connections;
    uint64_t sunk, sunk_sum; // bytes of the body of the last PUT /sink, and their sum
};

typedef struct page page;
struct page {
    const char *path;
    str answer;
    // HANG: no answer until the client goes. STALE: none on a kept connection, which is closed.
    enum { KEEP, CLOSE, HANG, STALE } then;
};

static const page pages[] = {
    {"/ok",
     STR("HTTP/1.1 200 Fine by me\r\nX-A: 1\r\nx-a:  2 \r\nEmpty:\r\n"
         "Content-Length: 5\r\n\r\nhello"),
     KEEP},
    {"/close", STR("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end"), CLOSE},
    {"/chunked",
     STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
         "5\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: t\r\n\r\n"),
     KEEP},
    {"/interim",
     STR("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
         "HTTP/1.1 201 Created\r\nX-B: b\r\nContent-Length: 0\r\n\r\n"),
     KEEP},
    {"/redirect",
     STR("HTTP/1.1 302 Found\r\nLocation: /ok\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"),
     KEEP},
    {"/auth",
     STR("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\n"
         "Content-Length: 0\r\n\r\n"),
     KEEP},
    {"/nothing", STR(""), CLOSE},
    {"/garbage", STR("SSH-2.0-OpenSSH_9.2\r\n\r\n"), CLOSE},
    {"/short", STR("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"), CLOSE},
    {"/badgzip", STR("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello"),
     KEEP},
    {"/lzma", STR("HTTP/1.1 200 OK\r\nContent-Encoding: lzma\r\nContent-Length: 5\r\n\r\nhello"),
     KEEP},
    {"/twice",
     STR("HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Encoding: gzip\r\n"
         "Content-Length: 5\r\n\r\nhello"),
     KEEP},
    {"/gzip",
     STR("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 25\r\n\r\n"
         "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10\x36\x05"
         "\x00"
         "\x00\x00"),
     KEEP},
    {"/hang", STR(""), HANG},
    {"/stale", STR("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfresh"), STALE},
    {"/204", STR("HTTP/1.1 204 No Content\r\n\r\n"), KEEP},
    {"/head", STR("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), KEEP},
};

static inline bool write_all(int fd, const char *ptr, size_t len)
{
    while (len) {
        ssize_t n = send(fd, ptr, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        ptr += n;
        len -= (size_t)n;
    }
    return true;
}

// A head that doesn't end, of fields that long, until the client has had enough.
static inline bool write_endless(int fd, int value_len)
{
    char field[1100];
    int len = snprintf(field, sizeof(field), "A: %0*d\r\n", value_len, 7);
    bool open = write_all(fd, "HTTP/1.1 200 OK\r\n", 17);
    while (open)
        open = write_all(fd, field, (size_t)len);
    return false;
}

// Length of the whole request that begins at ptr, or 0 when more bytes are needed.
static inline size_t request_len(const char *ptr, size_t len)
{
    str all = {ptr, len};
    ssize_t head = str_find(all, STR("\r\n\r\n"));
    if (head < 0)
        return 0;
    size_t body = (size_t)head + 4;
    ssize_t cl = str_ifind(str_sub(all, 0, body), STR("\r\nContent-Length: "));
    if (cl >= 0)
        body += strtoul(ptr + cl + 18, NULL, 10);
    if (str_ifind(str_sub(all, 0, body), STR("\r\nTransfer-Encoding: chunked")) >= 0) {
        ssize_t end = str_find(all, STR("0\r\n\r\n"));
        return end < 0 ? 0 : (size_t)end + 5;
    }
    return body <= len ? body : 0;
}

static inline bool answer(int fd, str request, unsigned before)
{
    str method, rest, path;
    str_cut(request, ' ', &method, &rest);
    str_cut(rest, ' ', &path, &rest);
    if (str_eq(path, STR("/long")) || str_eq(path, STR("/many")))
        return write_endless(fd, str_eq(path, STR("/long")) ? 1000 : 1);
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        const page *p = &pages[i];
        if (!str_eq(path, str_from(p->path)))
            continue;
        char sink;
        if (p->then == HANG)
            return recv(fd, &sink, 1, 0) > 0;
        if (p->then == STALE && before)
            return false;
        return write_all(fd, p->answer.ptr, p->answer.len) && p->then != CLOSE;
    }
    return write_all(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 45);
}

// PUT /sink: a body of any size, with a length. False: it isn't one, or not yet.
static inline bool sink(server *s, int fd, str in)
{
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    ssize_t head = str_find(in, STR("\r\n\r\n"));
    ssize_t length = str_ifind(in, STR("\r\nContent-Length: "));
    if (!str_starts(in, STR("PUT /sink ")) || head < 0 || length < 0)
        return false;
    uint64_t left = strtoull(in.ptr + length + 18, NULL, 10);
    char piece[1 << 14];
    pthread_mutex_lock(&s->lock);
    s->sunk = s->sunk_sum = 0;
    for (str got = str_skip(in, (size_t)head + 4); left; got = (str){piece, 0}) {
        if (!got.len) {
            ssize_t n = recv(fd, piece, sizeof(piece), 0);
            if (n <= 0)
                break;
            got = (str){piece, (size_t)n};
        }
        for (size_t i = 0; i < got.len; i++)
            s->sunk_sum += (unsigned char)got.ptr[i];
        s->sunk += got.len;
        left -= got.len;
    }
    pthread_mutex_unlock(&s->lock);
    return write_all(fd, ok, sizeof(ok) - 1);
}

static inline void serve(server *s, int fd)
{
    static const struct timeval patience = {.tv_sec = 20};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    char in[sizeof(s->seen)];
    size_t len = 0, whole;
    unsigned answered = 0;
    for (bool open = true; open;) {
        ssize_t n = recv(fd, in + len, sizeof(in) - len, 0);
        if (n <= 0)
            break;
        len += (size_t)n;
        if (sink(s, fd, (str){in, len}))
            len = 0;
        while (open && (whole = request_len(in, len))) {
            pthread_mutex_lock(&s->lock);
            memcpy(s->seen, in, whole);
            s->seen_len = whole;
            pthread_mutex_unlock(&s->lock);
            open = answer(fd, (str){in, whole}, answered++);
            memmove(in, in + whole, len - whole);
            len -= whole;
        }
    }
    close(fd);
}

typedef struct served served;
struct served {
    server *server;
    int fd;
};
static inline void *serve_thread(void *ctx)
{
    served *one = ctx;
    serve(one->server, one->fd);
    free(one);
    return NULL;
}

static inline void *accept_thread(void *ctx)
{
    server *s = ctx;
    for (;;) {
        int fd = accept(s->listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        served *one = NEW(served);
        pthread_t t;
        one->server = s;
        one->fd = fd;
        s->connections++;
        pthread_create(&t, NULL, serve_thread, one);
        pthread_detach(t);
    }
}

static inline void server_start(server *s)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(in);
    pthread_mutex_init(&s->lock, NULL);
    s->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&in, len), 0);
    assert_int_equal(listen(s->listener, 64), 0);
    getsockname(s->listener, (struct sockaddr *)&in, &len);
    s->port = ntohs(in.sin_port);
    pthread_create(&s->thread, NULL, accept_thread, s);
}

// ---- one call at a time -----------------------------------------------------------------------

typedef struct fixture fixture;
struct fixture {
    server server;
    loop *loop;
    fetch_client *client;
    bool only_curl;
    arena mem;
    // the last result, copied
    bool done;
    fetch_response res;
    str body;
    err e;
    VEC(fetch_header) headers;
};

static inline void on_done(void *ctx, const fetch_response *res, const err *e)
{
    fixture *f = ctx;
    f->done = true;
    f->res = *res;
    f->res.reason = arena_str(&f->mem, res->reason);
    f->res.http_version = arena_str(&f->mem, res->http_version);
    f->res.remote_ip = arena_cstr(&f->mem, str_from(res->remote_ip));
    f->body = arena_str(&f->mem, res->body);
    vec_reset(&f->headers);
    for (size_t i = 0; i < res->header_count; i++) {
        fetch_header h = {arena_str(&f->mem, res->headers[i].name),
                          arena_str(&f->mem, res->headers[i].value)};
        vec_push(&f->headers, h);
    }
    f->res.headers = f->headers.ptr;
    f->e = e ? *e : ERR_INIT;
}

static inline str url_of(fixture *f, const char *path)
{
    return arena_printf(&f->mem, "http://127.0.0.1:%u%s", f->server.port, path);
}

static inline void perform(fixture *f, fetch_request req)
{
    f->done = false;
    req.on_done = on_done;
    req.ctx = f;
    if (!req.timeout_ms)
        req.timeout_ms = 10000;
    fetch_start(f->client, &req);
    assert_false(f->done); // never inside the call
    assert_true(loop_run_until(f->loop, &f->done, TEST_WAIT_MS));
}

static inline void get(fixture *f, const char *path)
{
    perform(f, (fetch_request){.url = url_of(f, path)});
}

static inline str seen(fixture *f)
{
    pthread_mutex_lock(&f->server.lock);
    str s = arena_str(&f->mem, (str){f->server.seen, f->server.seen_len});
    pthread_mutex_unlock(&f->server.lock);
    return s;
}

static inline void renew_client(fixture *f, fetch_policy policy)
{
    fetch_client_free(f->client);
    f->client = fetch_client_new(f->loop, policy);
    f->client->only_curl = f->only_curl;
}

static inline int set_up_for(void **state, bool only_curl)
{
    fixture *f = NEW(fixture);
    arena_init(&f->mem);
    server_start(&f->server);
    f->loop = loop_new();
    f->only_curl = only_curl;
    renew_client(f, FETCH_POLICY_PEOPLE);
    *state = f;
    return 0;
}

static inline int set_up_direct(void **state)
{
    return set_up_for(state, false);
}

static inline int set_up_curl(void **state)
{
    return set_up_for(state, true);
}

// Each engine is asked what it is meant to be asked.
static inline void expect_engine(const fixture *f, const fetch_call *call)
{
    assert_ptr_equal(call->engine, f->only_curl ? &engine_curl : &engine_direct);
}

static inline int tear_down(void **state)
{
    fixture *f = *state;
    fetch_client_free(f->client);
    loop_free(f->loop);
    shutdown(f->server.listener, SHUT_RDWR);
    pthread_join(f->server.thread, NULL);
    close(f->server.listener);
    usleep(20000); // the detached threads see the end of their connections
    vec_deinit(&f->headers);
    arena_deinit(&f->mem);
    free(f);
    return 0;
}

#define CASE(name)                                                                                 \
    {#name " (direct)", name, set_up_direct, tear_down, NULL},                                     \
    {                                                                                              \
#name " (curl)", name, set_up_curl, tear_down, NULL                                        \
    }
