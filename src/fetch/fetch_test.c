// SPDX-License-Identifier: Apache-2.0
// Against a server of sockets on a thread, which answers by path and shows the exact bytes that it
// received.
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/test.h"
#include "fetch/fetch.h"
#include "net/net.h"

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
};

typedef struct page page;
struct page {
    const char *path;
    str answer;
    enum { KEEP, CLOSE, HANG } then; // HANG: no answer until the client goes
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
    {"/gzip",
     STR("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 25\r\n\r\n"
         "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10\x36\x05"
         "\x00"
         "\x00\x00"),
     KEEP},
    {"/hang", STR(""), HANG},
    {"/204", STR("HTTP/1.1 204 No Content\r\n\r\n"), KEEP},
    {"/head", STR("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), KEEP},
};

static bool write_all(int fd, const char *ptr, size_t len)
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

// Length of the whole request that begins at ptr, or 0 when more bytes are needed.
static size_t request_len(const char *ptr, size_t len)
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

static bool answer(int fd, str request)
{
    str method, rest, path;
    str_cut(request, ' ', &method, &rest);
    str_cut(rest, ' ', &path, &rest);
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        const page *p = &pages[i];
        if (!str_eq(path, str_from(p->path)))
            continue;
        char sink;
        if (p->then == HANG)
            return recv(fd, &sink, 1, 0) > 0;
        return write_all(fd, p->answer.ptr, p->answer.len) && p->then == KEEP;
    }
    return write_all(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 45);
}

static void serve(server *s, int fd)
{
    static const struct timeval patience = {.tv_sec = 20};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    char in[sizeof(s->seen)];
    size_t len = 0, whole;
    for (bool open = true; open;) {
        ssize_t n = recv(fd, in + len, sizeof(in) - len, 0);
        if (n <= 0)
            break;
        len += (size_t)n;
        while (open && (whole = request_len(in, len))) {
            pthread_mutex_lock(&s->lock);
            memcpy(s->seen, in, whole);
            s->seen_len = whole;
            pthread_mutex_unlock(&s->lock);
            open = answer(fd, (str){in, whole});
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
static void *serve_thread(void *ctx)
{
    served *one = ctx;
    serve(one->server, one->fd);
    free(one);
    return NULL;
}

static void *accept_thread(void *ctx)
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

static void server_start(server *s)
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
    arena mem;
    // the last result, copied
    bool done;
    fetch_response res;
    str body;
    err e;
    VEC(fetch_header) headers;
};

static void on_done(void *ctx, const fetch_response *res, const err *e)
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

static str url_of(fixture *f, const char *path)
{
    return arena_printf(&f->mem, "http://127.0.0.1:%u%s", f->server.port, path);
}

static void perform(fixture *f, fetch_request req)
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

static void get(fixture *f, const char *path)
{
    perform(f, (fetch_request){.url = url_of(f, path)});
}

static str seen(fixture *f)
{
    pthread_mutex_lock(&f->server.lock);
    str s = arena_str(&f->mem, (str){f->server.seen, f->server.seen_len});
    pthread_mutex_unlock(&f->server.lock);
    return s;
}

static int set_up(void **state)
{
    fixture *f = NEW(fixture);
    arena_init(&f->mem);
    server_start(&f->server);
    f->loop = loop_new();
    f->client = fetch_client_new(f->loop, FETCH_POLICY_PEOPLE);
    *state = f;
    return 0;
}

static int tear_down(void **state)
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

// ---- what goes out ----------------------------------------------------------------------------

static void a_bare_request_is_nothing_but_itself(void **state)
{
    fixture *f = *state;
    get(f, "/ok");
    assert_str(seen(f), arena_printf(&f->mem, "GET /ok HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n",
                                     f->server.port));
}

static void headers_keep_order_case_and_duplicates(void **state)
{
    fixture *f = *state;
    const fetch_header headers[] = {
        {STR("x-Second"), STR("2")},
        {STR("Accept"), STR("a/b")},
        {STR("X-Dup"), STR("1")},
        {STR("Cookie"), STR("c=d")},
        {STR("X-Dup"), STR("  2  ")},
        {STR("X-Empty"), STR("")},
        {STR("User-Agent"), STR("mine/1")},
        {STR("Content-Length"), STR("999")},
        {STR("Transfer-Encoding"), STR("chunked")},
    };
    perform(f, (fetch_request){.url = url_of(f, "/ok"),
                               .headers = headers,
                               .header_count = ARRAY_LEN(headers)});
    assert_str(seen(f), arena_printf(&f->mem,
                                     "GET /ok HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
                                     "x-Second: 2\r\nAccept: a/b\r\nX-Dup: 1\r\nCookie: c=d\r\n"
                                     "X-Dup: 2\r\nX-Empty:\r\nUser-Agent: mine/1\r\n\r\n",
                                     f->server.port));
}

static void a_given_host_replaces_ours(void **state)
{
    fixture *f = *state;
    const fetch_header headers[] = {{STR("hOst"), STR("elsewhere.example")}};
    perform(f, (fetch_request){.url = url_of(f, "/ok"), .headers = headers, .header_count = 1});
    assert_true(str_find(seen(f), STR("elsewhere.example\r\n")) > 0);
    assert_int_equal(str_find(seen(f), STR("127.0.0.1")), -1);
}

static void paths_and_queries_go_out_as_written(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *given, *sent;
    } rows[] = {
        {"/a/../b/./c?x=1&y=%zz", "GET /a/../b/./c?x=1&y=%zz "},
        {"/%2e%2e/%2F?a=b+c", "GET /%2e%2e/%2F?a=b+c "},
        {"?only=query", "GET /?only=query "},
        {"", "GET / "},
        {"/p#fragment", "GET /p "},
        {"/a;b=c,d'(e)*!$@:", "GET /a;b=c,d'(e)*!$@: "},
        {"/{curly}|[x]", "GET /{curly}|[x] "},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        get(f, rows[i].given);
        assert_int_equal(f->e.code, OK);
        if (!str_starts(seen(f), str_from(rows[i].sent)))
            fail_msg("%s went out as " STR_FMT, rows[i].given, STR_ARG(seen(f)));
    }
}

static void userinfo_is_not_sent_and_not_acted_on(void **state)
{
    fixture *f = *state;
    perform(f, (fetch_request){.url = arena_printf(&f->mem, "http://me:secret@127.0.0.1:%u/auth",
                                                   f->server.port)});
    assert_int_equal(f->res.status, 401);
    assert_int_equal(str_ifind(seen(f), STR("Authorization")), -1);
}

static void any_method_with_and_without_a_body(void **state)
{
    fixture *f = *state;
    static const char *const methods[] = {"GET",     "POST",     "PUT",      "PATCH", "DELETE",
                                          "OPTIONS", "PROPFIND", "X-Custom", "purge"};
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        for (int with_body = 0; with_body < 2; with_body++) {
            fetch_segment body = FETCH_BYTES(STR("abc"));
            perform(f, (fetch_request){.method = str_from(methods[i]),
                                       .url = url_of(f, "/ok"),
                                       .body = &body,
                                       .body_count = with_body ? 1 : 0});
            assert_row(i, f->res.status == 200);
            str line = arena_printf(&f->mem, "%s /ok HTTP/1.1\r\n", methods[i]);
            assert_row(i, str_starts(seen(f), line));
            assert_row(i, str_ends(seen(f), with_body ? STR("Content-Length: 3\r\n\r\nabc")
                                                      : STR("\r\n\r\n")));
            assert_row(i, with_body || str_find(seen(f), STR("Content-Length")) < 0);
            assert_row(i, str_find(seen(f), STR("Content-Type")) < 0);
            assert_row(i, str_find(seen(f), STR("Expect")) < 0);
        }
    }
}

static void an_empty_body_is_framed_as_one(void **state)
{
    fixture *f = *state;
    fetch_segment body = FETCH_BYTES(STR(""));
    perform(f, (fetch_request){
                   .method = STR("POST"), .url = url_of(f, "/ok"), .body = &body, .body_count = 1});
    assert_true(str_find(seen(f), STR("Content-Length: 0\r\n")) > 0);
}

static void head_has_no_body_to_wait_for(void **state)
{
    fixture *f = *state;
    perform(f, (fetch_request){.method = STR("HEAD"), .url = url_of(f, "/head")});
    assert_int_equal(f->e.code, OK);
    assert_int_equal(f->res.status, 200);
    assert_str(f->body, STR(""));
}

static void bodies_are_sent_segment_by_segment(void **state)
{
    fixture *f = *state;
    char path[] = "/tmp/fetch-test-XXXXXX";
    int fd = mkstemp(path);
    unlink(path);
    assert_int_equal(write(fd, "0123456789", 10), 10);
    const fetch_segment body[] = {
        FETCH_BYTES(STR("<")), {.file_fd = fd, .offset = 2, .len = 5},  FETCH_BYTES(STR("")),
        FETCH_BYTES(STR("|")), {.file_fd = fd, .offset = 0, .len = 10}, FETCH_BYTES(STR(">")),
    };
    fetch_request req = {.method = STR("POST"),
                         .url = url_of(f, "/ok"),
                         .body = body,
                         .body_count = ARRAY_LEN(body)};
    perform(f, req);
    assert_true(str_ends(seen(f), STR("Content-Length: 18\r\n\r\n<23456|0123456789>")));
    req.chunked = true;
    perform(f, req);
    assert_true(str_find(seen(f), STR("Transfer-Encoding: chunked\r\n")) > 0);
    assert_true(str_find(seen(f), STR("Content-Length")) < 0);

    const fetch_segment beyond = {.file_fd = fd, .offset = 5, .len = 10};
    req.body = &beyond;
    req.body_count = 1;
    req.chunked = false;
    perform(f, req); // the file is shorter than promised
    assert_code(f->e.code, FETCH_REQUEST);
    close(fd);
}

static void what_cannot_be_sent_is_refused_before_it_is(void **state)
{
    fixture *f = *state;
    const fetch_header two_hosts[] = {{STR("Host"), STR("a")}, {STR("host"), STR("b")}};
    const fetch_header bad_name[] = {{STR("X Y"), STR("a")}};
    const fetch_header no_name[] = {{STR(""), STR("a")}};
    const fetch_header split[] = {{STR("X"), STR("a\r\nInjected: 1")}};
    const fetch_header nul[] = {{STR("X"), STR("a\0b")}};
    const struct {
        fetch_request req;
        const char *word;
    } rows[] = {
        {{.url = STR("ftp://127.0.0.1/")}, "neither http nor https"},
        {{.url = STR("file:///etc/passwd")}, "http"},
        {{.url = STR("not a url")}, "can't be read"},
        {{.url = STR("")}, "can't be read"},
        {{.url = STR("http://127.0.0.1/a b")}, "can't be read"},
        {{.url = STR("http://127.0.0.1/\r\nX: y")}, "line break"},
        {{.url = STR("http://127.0.0.1:99999/")}, "can't be read"},
        {{.url = STR("http://127.0.0.1/"), .method = STR("GET /x")}, "method"},
        {{.url = STR("http://127.0.0.1/"), .method = STR("CONNECT")}, "tunnel"},
        {{.url = STR("http://127.0.0.1/"), .headers = two_hosts, .header_count = 2}, "two Host"},
        {{.url = STR("http://127.0.0.1/"), .headers = bad_name, .header_count = 1}, "X Y"},
        {{.url = STR("http://127.0.0.1/"), .headers = no_name, .header_count = 1}, "name"},
        {{.url = STR("http://127.0.0.1/"), .headers = split, .header_count = 1}, "line break"},
        {{.url = STR("http://127.0.0.1/"), .headers = nul, .header_count = 1}, "NUL"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        perform(f, rows[i].req);
        assert_row(i, f->e.code == FETCH_REQUEST);
        if (!strstr(f->e.msg, rows[i].word))
            fail_msg("row %zu: %s", i, f->e.msg);
    }
    assert_int_equal(f->server.connections, 0);
}

// ---- what comes in ----------------------------------------------------------------------------

static void a_response_is_told_whole(void **state)
{
    fixture *f = *state;
    get(f, "/ok");
    assert_int_equal(f->e.code, OK);
    assert_null(f->res.failure);
    assert_int_equal(f->res.status, 200);
    assert_strz(f->res.reason, "Fine by me");
    assert_strz(f->res.http_version, "1.1");
    assert_strz(f->body, "hello");
    assert_int_equal(f->res.header_count, 4);
    assert_strz(f->res.headers[0].name, "X-A");
    assert_strz(f->res.headers[1].name, "x-a");
    assert_strz(f->res.headers[1].value, "2");
    assert_strz(f->res.headers[2].value, "");
    assert_strz(fetch_response_header(&f->res, STR("content-length")), "5");
    assert_non_null(fetch_response_header(&f->res, STR("empty")).ptr);
    assert_null(fetch_response_header(&f->res, STR("absent")).ptr);
    assert_int_equal(f->res.body_bytes, 5);
    assert_int_equal(f->res.wire_body_bytes, 5);
    assert_string_equal(f->res.remote_ip, "127.0.0.1");
    assert_int_equal(f->res.remote_port, f->server.port);
    assert_true(f->res.timings.total_us >= f->res.timings.first_byte_us);
    assert_true(f->res.timings.first_byte_us > 0);
}

static void framings_and_interim_answers(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *path, *body;
        int status;
    } rows[] = {
        {"/close", "until the end", 200},
        {"/chunked", "hello world", 200},
        {"/interim", "", 201},
        {"/204", "", 204},
        {"/gzip", "hello", 200},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        get(f, rows[i].path);
        assert_row(i, f->e.code == OK);
        assert_row(i, f->res.status == rows[i].status);
        assert_strz(f->body, rows[i].body);
        assert_null(fetch_response_header(&f->res, STR("Link")).ptr);
        assert_null(fetch_response_header(&f->res, STR("X-Trailer")).ptr);
    }
}

// Redirects, cookies and authentication belong to the caller.
static void nothing_is_done_on_ones_own(void **state)
{
    fixture *f = *state;
    get(f, "/redirect");
    assert_int_equal(f->res.status, 302);
    assert_strz(fetch_response_header(&f->res, STR("Location")), "/ok");
    get(f, "/ok");
    assert_int_equal(str_ifind(seen(f), STR("Cookie")), -1);
}

static void connections_are_kept(void **state)
{
    fixture *f = *state;
    get(f, "/ok");
    assert_false(f->res.reused);
    for (int i = 0; i < 5; i++)
        get(f, "/ok");
    assert_true(f->res.reused);
    assert_int_equal(f->server.connections, 1);
}

static void raw_body_keeps_the_encoding(void **state)
{
    fixture *f = *state;
    perform(f, (fetch_request){.url = url_of(f, "/gzip"), .raw_body = true});
    assert_int_equal(f->body.len, 25);
    assert_true(str_starts(f->body, STR("\x1f\x8b")));
}

static void failures_have_the_names_that_node_prints(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *path, *failure;
        code code;
    } rows[] = {
        {"/nothing", "ECONNRESET", FETCH_PROTOCOL},
        {"/garbage", "HPE_INVALID_CONSTANT", FETCH_PROTOCOL},
        {"/short", "ECONNRESET", FETCH_PROTOCOL},
        {"/badgzip", "Z_DATA_ERROR", FETCH_PROTOCOL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        get(f, rows[i].path);
        assert_row(i, f->e.code == rows[i].code);
        assert_string_equal(f->res.failure, rows[i].failure);
        assert_non_null(strstr(f->e.msg, rows[i].failure));
    }
    perform(f, (fetch_request){.url = STR("http://127.0.0.1:1/")});
    assert_code(f->e.code, FETCH_CONNECT);
    assert_string_equal(f->res.failure, "ECONNREFUSED");
    assert_int_equal(f->res.status, 0);
    perform(f, (fetch_request){.url = STR("http://no-such-host.invalid/")});
    assert_code(f->e.code, FETCH_RESOLVE);
    assert_string_equal(f->res.failure, "ENOTFOUND");
}

static void a_silent_server_times_out(void **state)
{
    fixture *f = *state;
    perform(f, (fetch_request){.url = url_of(f, "/hang"), .timeout_ms = 100});
    assert_code(f->e.code, FETCH_TIMEOUT);
    assert_string_equal(f->res.failure, "ESOCKETTIMEDOUT");
    assert_true(f->res.timings.total_us >= 90000);
}

static void plain_bytes_where_tls_is_wanted(void **state)
{
    fixture *f = *state;
    perform(f,
            (fetch_request){.url = arena_printf(&f->mem, "https://127.0.0.1:%u/ok", f->server.port),
                            .timeout_ms = 3000});
    assert_true(f->e.code == FETCH_TLS || f->e.code == FETCH_TIMEOUT);
}

// ---- limits -----------------------------------------------------------------------------------

static void T17_a_body_is_limited_after_decoding(void **state)
{
    fixture *f = *state;
    perform(f, (fetch_request){.url = url_of(f, "/gzip"), .body_bytes_max = 4});
    assert_code(f->e.code, FETCH_LIMIT);
    assert_non_null(strstr(f->e.msg, "larger body"));
    perform(f, (fetch_request){.url = url_of(f, "/gzip"), .body_bytes_max = 5});
    assert_code(f->e.code, OK);
}

// ---- streaming and cancelling -----------------------------------------------------------------

typedef struct receiver receiver;
struct receiver {
    fixture *fixture; // first: on_done's ctx
    str got;
    int pieces;
    int stop_after;
    fetch_call *cancel;
};

static bool on_body(void *ctx, str piece)
{
    receiver *r = ctx;
    r->got = arena_printf(&r->fixture->mem, STR_FMT STR_FMT, STR_ARG(r->got), STR_ARG(piece));
    r->pieces++;
    if (r->cancel)
        fetch_cancel(r->cancel);
    return r->pieces != r->stop_after;
}

static void on_received(void *ctx, const fetch_response *res, const err *e)
{
    receiver *r = ctx;
    on_done(r->fixture, res, e);
}

static void a_body_can_be_streamed(void **state)
{
    fixture *f = *state;
    receiver r = {.fixture = f};
    fetch_request req = {
        .url = url_of(f, "/chunked"), .on_body = on_body, .on_done = on_received, .ctx = &r};
    f->done = false;
    fetch_start(f->client, &req);
    assert_true(loop_run_until(f->loop, &f->done, TEST_WAIT_MS));
    assert_strz(r.got, "hello world");
    assert_strz(f->body, "");
    assert_int_equal(f->res.body_bytes, 11);

    r = (receiver){.fixture = f, .stop_after = 1};
    f->done = false;
    fetch_start(f->client, &req);
    assert_true(loop_run_until(f->loop, &f->done, TEST_WAIT_MS));
    assert_code(f->e.code, SYS_CANCELLED);
}

static void a_cancelled_call_is_silent(void **state)
{
    fixture *f = *state;
    fetch_request req = {.url = url_of(f, "/hang"), .on_done = on_done, .ctx = f};
    f->done = false;
    fetch_cancel(fetch_start(f->client, &req)); // before it began
    fetch_call *call = fetch_start(f->client, &req);
    assert_false(loop_run_until(f->loop, &f->done, 100));
    fetch_cancel(call); // while it waits

    receiver r = {.fixture = f};
    req = (fetch_request){
        .url = url_of(f, "/chunked"), .on_body = on_body, .on_done = on_received, .ctx = &r};
    r.cancel = fetch_start(f->client, &req); // inside its own on_body
    assert_false(loop_run_until(f->loop, &f->done, 200));
    assert_int_equal(r.pieces, 1);
    get(f, "/ok");
    assert_int_equal(f->res.status, 200);
}

static void on_done_free_client(void *ctx, const fetch_response *res, const err *e)
{
    fixture *f = ctx;
    on_done(ctx, res, e);
    fetch_client_free(f->client);
    f->client = NULL;
}

static void a_client_may_be_freed_by_its_own_callback(void **state)
{
    fixture *f = *state;
    fetch_request req = {.url = url_of(f, "/ok"), .on_done = on_done_free_client, .ctx = f};
    fetch_request other = {.url = url_of(f, "/hang"), .on_done = on_done, .ctx = f};
    fetch_start(f->client, &other);
    fetch_start(f->client, &req);
    assert_true(loop_run_until(f->loop, &f->done, TEST_WAIT_MS));
    assert_int_equal(f->res.status, 200);
}

// ---- where a request may go -------------------------------------------------------------------

static void T42_refused_addresses_are_never_connected_to(void **state)
{
    fixture *f = *state;
    static const char *const urls[] = {
        "http://169.254.169.254/computeMetadata/v1/",
        "http://2852039166/",          // decimal
        "http://0xA9FEA9FE/",          // hexadecimal
        "http://0251.0376.0251.0376/", // octal
        "http://[::ffff:169.254.169.254]/",
        "http://[fe80::1]/",
        "http://[fd00:ec2::254]/",
        "http://metadata.google.internal/computeMetadata/v1/",
        "http://METADATA.google.internal./",
        "http://metadata/",
        "https://169.254.169.254/",
    };
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        perform(f, (fetch_request){.url = str_from(urls[i]), .timeout_ms = 2000});
        if (f->e.code != FETCH_ADDRESS)
            fail_msg("%s: %s", urls[i], f->e.msg);
    }
    perform(f, (fetch_request){.url = STR("http://255.255.255.255/")});
    assert_code(f->e.code, FETCH_ADDRESS);
}

static void T42_names_are_judged_by_what_they_resolve_to(void **state)
{
    fixture *f = *state;
    fetch_client_free(f->client);
    f->client = fetch_client_new(f->loop, (fetch_policy){0}); // as for agents
    perform(
        f, (fetch_request){.url = arena_printf(&f->mem, "http://localhost:%u/ok", f->server.port)});
    assert_code(f->e.code, FETCH_ADDRESS);
    assert_non_null(strstr(f->e.msg, "loopback"));
    assert_int_equal(f->server.connections, 0);
    perform(f, (fetch_request){.url = STR("http://10.0.0.1/"), .timeout_ms = 2000});
    assert_code(f->e.code, FETCH_ADDRESS);
}

static void a_route_leads_elsewhere_and_keeps_the_name(void **state)
{
    fixture *f = *state;
    fetch_client_free(f->client);
    f->client = fetch_client_new(f->loop, (fetch_policy){0}); // routes are exempt
    static const struct {
        const char *url, *host;
    } rows[] = {
        {"https://orders-abc-uc.a.run.app/ok", "\r\nHost: orders-abc-uc.a.run.app\r\n"},
        {"https://orders-abc-uc.a.run.app:8443/ok", "\r\nHost: orders-abc-uc.a.run.app:8443\r\n"},
        {"http://orders.example/ok", "\r\nHost: orders.example\r\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        perform(f, (fetch_request){.url = str_from(rows[i].url),
                                   .route = {"127.0.0.1", f->server.port, true}});
        assert_row(i, f->e.code == OK && f->res.status == 200);
        assert_row(i, str_find(seen(f), str_from(rows[i].host)) > 0);
        assert_int_equal(f->res.remote_port, f->server.port);
    }
}

static void a_proxy_is_used_when_it_is_given(void **state)
{
    fixture *f = *state;
    str proxy = arena_printf(&f->mem, "http://127.0.0.1:%u", f->server.port);
    perform(f, (fetch_request){.url = STR("http://orders.example/ok"), .proxy.url = proxy.ptr});
    assert_int_equal(f->res.status, 404); // the server knows only paths
    assert_true(str_starts(seen(f), STR("GET http://orders.example/ok HTTP/1.1\r\n")));
    setenv("http_proxy", proxy.ptr, 1);
    perform(f, (fetch_request){.url = STR("http://no-such-host.invalid/")});
    assert_code(f->e.code, FETCH_RESOLVE); // the environment is not read unless asked
    perform(f, (fetch_request){.url = STR("http://no-such-host.invalid/"), .proxy.from_env = true});
    assert_int_equal(f->res.status, 404);
    perform(
        f, (fetch_request){.url = STR("http://metadata.google.internal/"), .proxy.from_env = true});
    assert_code(f->e.code, FETCH_ADDRESS);
    unsetenv("http_proxy");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_bare_request_is_nothing_but_itself),
        CASE(headers_keep_order_case_and_duplicates),
        CASE(a_given_host_replaces_ours),
        CASE(paths_and_queries_go_out_as_written),
        CASE(userinfo_is_not_sent_and_not_acted_on),
        CASE(any_method_with_and_without_a_body),
        CASE(an_empty_body_is_framed_as_one),
        CASE(head_has_no_body_to_wait_for),
        CASE(bodies_are_sent_segment_by_segment),
        CASE(what_cannot_be_sent_is_refused_before_it_is),
        CASE(a_response_is_told_whole),
        CASE(framings_and_interim_answers),
        CASE(nothing_is_done_on_ones_own),
        CASE(connections_are_kept),
        CASE(raw_body_keeps_the_encoding),
        CASE(failures_have_the_names_that_node_prints),
        CASE(a_silent_server_times_out),
        CASE(plain_bytes_where_tls_is_wanted),
        CASE(T17_a_body_is_limited_after_decoding),
        CASE(a_body_can_be_streamed),
        CASE(a_cancelled_call_is_silent),
        CASE(a_client_may_be_freed_by_its_own_callback),
        CASE(T42_refused_addresses_are_never_connected_to),
        CASE(T42_names_are_judged_by_what_they_resolve_to),
        CASE(a_route_leads_elsewhere_and_keeps_the_name),
        CASE(a_proxy_is_used_when_it_is_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
