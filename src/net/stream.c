// SPDX-License-Identifier: Apache-2.0
#include "net/stream.h"

#include <errno.h>
#include <sys/socket.h>

enum {
    OUT_KEPT_BYTES = 8 << 10,       // larger queues give their memory back when they are empty
    LINGER_BYTES_MAX = 1 << 20,     // a peer that sends on and on is cut
    TLS_PIECE_BYTES = 16 << 10,     // one record
    LINGER_AFTER_SHUTDOWN_MS = 1000 // for the peer to read our last bytes and to close
};

struct write_op {
    uv_write_t req;
    stream *s; // NULL once the stream is gone
    char *bytes;
    size_t secret_bytes; // to be wiped; 0: it holds no secret
};

static void on_replay(void *ctx);
static void update_reading(stream *s);

// ---- lists --------------------------------------------------------------------------------------

static stream **dirty_list(stream *s)
{
    return s->passes_gates ? &s->loop->dirty_passing : &s->loop->dirty;
}

static void mark_dirty(stream *s)
{
    if (s->is_dirty)
        return;
    stream **list = dirty_list(s);
    s->is_dirty = true;
    s->prev_dirty = NULL;
    s->next_dirty = *list;
    if (s->next_dirty)
        s->next_dirty->prev_dirty = s;
    *list = s;
}

static void unmark_dirty(stream *s)
{
    if (!s->is_dirty)
        return;
    s->is_dirty = false;
    *(s->prev_dirty ? &s->prev_dirty->next_dirty : dirty_list(s)) = s->next_dirty;
    if (s->next_dirty)
        s->next_dirty->prev_dirty = s->prev_dirty;
}

static void add_lingering(stream *s)
{
    s->is_lingering = true;
    s->prev = NULL;
    s->next = s->loop->lingering;
    if (s->next)
        s->next->prev = s;
    s->loop->lingering = s;
}

static void remove_lingering(stream *s)
{
    *(s->prev ? &s->prev->next : &s->loop->lingering) = s->next;
    if (s->next)
        s->next->prev = s->prev;
}

void streams_drop_lingering(loop *l)
{
    while (l->lingering)
        stream_free(l->lingering);
}

// ---- life ---------------------------------------------------------------------------------------

stream *stream_over(loop *l, uv_stream_t *io)
{
    stream *s = NEW(stream);
    s->loop = l;
    s->io = io;
    if (io)
        io->data = s;
    s->replay = (task){.run = on_replay, .ctx = s};
    buf_init(&s->out, STREAM_QUEUE_BYTES_MAX);
    return s;
}

static void empty_queue(stream *s)
{
    buf_reset(&s->out);
    if (s->out.cap > OUT_KEPT_BYTES)
        buf_deinit(&s->out);
    s->out.secret = false;
}

static void drop_io(stream *s)
{
    if (s->writing) {
        s->writing->s = NULL;
        s->writing = NULL;
    }
    if (s->io) {
        s->io->data = NULL;
        handle_close_free((uv_handle_t *)s->io);
        s->io = NULL;
    }
    s->is_reading = false;
    s->is_open = false;
    unmark_dirty(s);
    empty_queue(s);
}

static void free_memory(stream *s)
{
    tls_layer_free(s->tls);
    buf_deinit(&s->out);
    free(s);
}

// Around callbacks after which the stream is still needed: they may free it.
static void hold(stream *s)
{
    s->held++;
}

static void release(stream *s)
{
    s->held--;
    if (s->freed && !s->held)
        free_memory(s);
}

void stream_free(stream *s)
{
    if (!s)
        return;
    drop_io(s);
    task_cancel(&s->replay);
    if (s->is_lingering)
        remove_lingering(s);
    if (s->connector)
        connector_detach(s->connector);
    timer_free(s->deadline);
    s->freed = true;
    if (!s->held)
        free_memory(s);
}

void stream_handle(stream *s, const stream_handlers *h, void *ctx)
{
    s->h = *h;
    s->ctx = ctx;
}

void stream_break(stream *s, const err *e)
{
    drop_io(s);
    task_cancel(&s->replay);
    timer_free(s->deadline);
    s->deadline = NULL;
    s->want_read = false;
    if (s->connector) {
        connector_detach(s->connector);
        s->connector = NULL;
    }
    if (s->is_lingering)
        stream_free(s);
    else if (s->acceptor)
        acceptor_failed(s->acceptor, s);
    else if (s->h.on_end)
        s->h.on_end(s->ctx, e);
}

void stream_opened(stream *s)
{
    timer_free(s->deadline);
    s->deadline = NULL;
    s->is_open = true;
    if (s->connector) {
        connector_detach(s->connector);
        s->connector = NULL;
    }
    update_reading(s);
    if (s->acceptor)
        acceptor_opened(s->acceptor, s);
    else if (s->h.on_open)
        s->h.on_open(s->ctx);
}

static void break_with(stream *s, code c, const char *what, int status)
{
    err e = ERR_INIT;
    stream_note(s, status);
    if (status)
        err_uv(&e, c, status, "%s", what);
    else
        err_set(&e, c, "%s", what);
    stream_break(s, &e);
}

// ---- reading ------------------------------------------------------------------------------------

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *ret_buf)
{
    (void)suggested;
    stream *s = h->data;
    // One buffer for all: on_read borrows it for its call.
    *ret_buf = s ? uv_buf_init(s->loop->read_bytes, STREAM_READ_BYTES) : uv_buf_init(NULL, 0);
}

static void got_end(stream *s)
{
    s->eof = true;
    update_reading(s);
    if (s->is_lingering) {
        if (s->shutdown_done)
            stream_free(s);
    } else if (!s->is_open) {
        break_with(s, NET_TLS, "the connection was closed during the TLS handshake", 0);
    } else if (s->h.on_end) {
        s->h.on_end(s->ctx, NULL);
    }
}

static void deliver(stream *s, str bytes)
{
    if (!s->is_lingering) {
        if (s->h.on_read)
            s->h.on_read(s->ctx, bytes);
        return;
    }
    s->discarded += bytes.len;
    if (s->discarded > LINGER_BYTES_MAX)
        stream_free(s);
}

// Decrypts and delivers what the layer holds, as long as somebody wants it.
static void tls_deliver(stream *s)
{
    hold(s);
    while (!s->freed && s->io && !s->eof && (s->want_read || s->is_lingering)) {
        char plain[TLS_PIECE_BYTES];
        size_t len = 0;
        err e = ERR_INIT;
        tls_status status = tls_layer_read(s->tls, plain, sizeof(plain), &len, &s->out, &e);
        if (s->out.len)
            mark_dirty(s);
        if (status == TLS_WAIT)
            break;
        if (status == TLS_OK)
            deliver(s, (str){plain, len});
        else if (status == TLS_END)
            got_end(s);
        else
            stream_break(s, &e);
    }
    release(s);
}

static void tls_handshake_failed(stream *s, const err *e)
{
    uv_buf_t alert = uv_buf_init(s->out.ptr, (unsigned)s->out.len);
    if (s->out.len) // tells the peer why
        uv_try_write(s->io, &alert, 1);
    stream_break(s, e);
}

static void tls_received(stream *s, str encrypted)
{
    tls_layer_feed(s->tls, encrypted);
    if (tls_layer_ready(s->tls)) {
        tls_deliver(s);
        return;
    }
    err e = ERR_INIT;
    tls_status status = tls_layer_handshake(s->tls, &s->out, &e);
    if (status == TLS_FAILED) {
        tls_handshake_failed(s, &e);
        return;
    }
    if (s->out.len)
        mark_dirty(s);
    if (status == TLS_WAIT)
        return;
    hold(s);
    stream_opened(s);
    if (!s->freed)
        tls_deliver(s);
    release(s);
}

static void on_uv_read(uv_stream_t *io, ssize_t len, const uv_buf_t *b)
{
    stream *s = io->data;
    if (!s || len == 0)
        return;
    if (len > 0 && s->tls)
        tls_received(s, (str){b->base, (size_t)len});
    else if (len > 0)
        deliver(s, (str){b->base, (size_t)len});
    else if (len != UV_EOF)
        break_with(s, NET_BROKEN, "reading", (int)len);
    else if (s->tls && s->is_open && !s->is_lingering && tls_layer_needs_goodbye(s->tls))
        break_with(s, NET_BROKEN, "the server cut the TLS connection without closing it", 0);
    else
        got_end(s);
}

// Lets libuv read when somebody wants the bytes.
static void update_reading(stream *s)
{
    bool handshaking = s->tls && !s->is_open;
    bool wanted = s->io && !s->eof && (s->want_read || handshaking || s->is_lingering);
    if (wanted == s->is_reading)
        return;
    s->is_reading = wanted;
    if (wanted)
        uv_read_start(s->io, on_alloc, on_uv_read);
    else if (s->io)
        uv_read_stop(s->io);
}

static void on_replay(void *ctx)
{
    tls_deliver(ctx);
}

void stream_resume(stream *s)
{
    s->want_read = true;
    if (!s->is_open)
        return;
    update_reading(s);
    if (s->tls)
        task_post(s->loop, &s->replay);
}

void stream_pause(stream *s)
{
    s->want_read = false;
    update_reading(s);
}

void stream_start_tls(stream *s, tls_context *ctx, const char *name)
{
    s->tls = tls_layer_new(ctx, name);
    update_reading(s);
    err e = ERR_INIT;
    if (tls_layer_handshake(s->tls, &s->out, &e) == TLS_FAILED)
        stream_break(s, &e);
    else if (s->out.len)
        mark_dirty(s);
}

// ---- writing ------------------------------------------------------------------------------------

size_t stream_queued(const stream *s)
{
    return s->out.len + (s->io ? uv_stream_get_write_queue_size(s->io) : 0);
}

bool stream_pass_gates(stream *s)
{
    if (s->out.len || s->is_dirty)
        return s->passes_gates;
    s->passes_gates = true;
    return true;
}

bool stream_write(stream *s, str bytes)
{
    if (!s->is_open || s->shutdown_wanted || !bytes.len)
        return true;
    if (!s->tls)
        buf_adds(&s->out, bytes);
    else if (tls_layer_write(s->tls, bytes, &s->out, NULL) == TLS_FAILED)
        s->out.overflow = true; // told at the end of the turn
    mark_dirty(s);
    if (stream_queued(s) > STREAM_QUEUE_BYTES)
        s->over_mark = true;
    return !s->over_mark;
}

bool stream_write_secret(stream *s, str bytes)
{
    s->out.secret |= !s->tls; // which has no plain text in its queue
    return stream_write(s, bytes);
}

void stream_shutdown(stream *s)
{
    if (!s->is_open || s->shutdown_wanted)
        return;
    if (s->tls)
        tls_layer_goodbye(s->tls, &s->out);
    s->shutdown_wanted = true;
    mark_dirty(s);
}

static void do_shutdown(stream *s)
{
    s->shutdown_done = true;
    uv_os_fd_t fd;
    if (uv_fileno((uv_handle_t *)s->io, &fd) == 0 && shutdown(fd, SHUT_WR) != 0 &&
        errno == ENOTSOCK)
        drop_io(s); // a pipe has no other direction
    if (!s->is_lingering)
        return;
    if (s->eof || !s->io)
        stream_free(s);
    else
        timer_start(s->deadline, LINGER_AFTER_SHUTDOWN_MS);
}

static void tell_drain(stream *s)
{
    if (!s->over_mark || stream_queued(s) > STREAM_QUEUE_BYTES / 2)
        return;
    s->over_mark = false;
    if (!s->is_lingering && s->h.on_drain)
        s->h.on_drain(s->ctx);
}

static void on_written(uv_write_t *req, int status)
{
    write_op *op = (write_op *)req;
    stream *s = op->s;
    secret_wipe(op->bytes, op->secret_bytes);
    free(op->bytes);
    free(op);
    if (!s)
        return;
    s->writing = NULL;
    if (status < 0) {
        break_with(s, NET_BROKEN, "writing", status);
        return;
    }
    if (s->out.len || s->shutdown_wanted)
        mark_dirty(s);
    tell_drain(s);
}

// Hands the rest of the queue, from `sent` on, to libuv: it waits for the peer.
static void write_rest(stream *s, size_t sent)
{
    write_op *op = NEW(write_op);
    size_t len = s->out.len - sent;
    op->s = s;
    op->secret_bytes = s->out.secret ? s->out.len : 0;
    op->bytes = buf_take(&s->out);
    uv_buf_t b = uv_buf_init(op->bytes + sent, (unsigned)len);
    s->writing = op;
    uv_write(&op->req, s->io, &b, 1, on_written);
}

static void flush(stream *s)
{
    if (s->out.overflow) {
        break_with(s, NET_BROKEN, "the peer stopped reading while too much waited for it", 0);
        return;
    }
    if (s->writing || !s->io)
        return; // on_written comes back here
    if (s->out.len) {
        uv_buf_t b = uv_buf_init(s->out.ptr, (unsigned)s->out.len);
        int sent = uv_try_write(s->io, &b, 1);
        if (sent < 0 && sent != UV_EAGAIN) {
            break_with(s, NET_BROKEN, "writing", sent);
            return;
        }
        if ((size_t)(sent < 0 ? 0 : sent) < s->out.len)
            write_rest(s, sent < 0 ? 0 : (size_t)sent);
        else
            empty_queue(s);
    }
    if (!s->writing && s->shutdown_wanted && !s->shutdown_done)
        do_shutdown(s);
    else
        tell_drain(s);
}

void streams_flush(stream **list)
{
    while (*list) {
        stream *s = *list;
        unmark_dirty(s);
        flush(s);
    }
}

// ---- closing ------------------------------------------------------------------------------------

static void on_linger_over(void *ctx)
{
    stream_free(ctx);
}

void stream_close(stream *s, uint64_t linger_ms)
{
    if (!s->is_open || !s->io || (s->shutdown_done && s->eof)) {
        stream_free(s);
        return;
    }
    s->h = (stream_handlers){0};
    s->want_read = false;
    task_cancel(&s->replay);
    add_lingering(s);
    s->deadline = timer_new(s->loop, on_linger_over, s);
    timer_start(s->deadline, linger_ms);
    update_reading(s);
    stream_shutdown(s);
}
