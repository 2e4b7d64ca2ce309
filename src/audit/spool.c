// SPDX-License-Identifier: Apache-2.0
// The writer of the trail. Entries are rendered into `pending`, which leaves with one write(2) when
// the loop's gate asks, or after STRAGGLE_MS when nothing is sent.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/entry.h"
#include "audit/segment.h"
#include "base/pidlock.h"
#include "net/net.h"

enum {
    STRAGGLE_MS = 20,
    SYNC_MS = 1000,
    CLOSE_MS = 1000,
    RETRY_MS = 10,
    TELL_MS = 60000 // between two lines of our log about one failure
};
enum { ID_PREFIX_LEN = 8 }; // hex digits, drawn when a spool is opened

typedef struct sync_job sync_job;

struct audit_spool {
    loop *loop; // NULL: no gate, no timers
    char *dir;
    audit_options options;
    int lock_fd;
    int fd; // of the last file
    uint32_t number;
    uint64_t file_bytes;
    segment_link link; // to the last line in pending or the file
    char id_prefix[ID_PREFIX_LEN + 1];
    buf pending;
    int failing; // errno of the last write; 0: it succeeded
    uint64_t told_ms;
    bool unsynced;
    loop_gate *gate;
    timer *straggle;
    timer *sync;
    sync_job *syncing;
};

// ---- Waiting for the disk, beside the loop ------------------------------------------------------

struct sync_job {
    int fd;             // its own
    int failed;         // errno
    audit_spool *spool; // NULL: closed meanwhile
};

static void run_sync(void *ctx)
{
    sync_job *job = ctx;
    job->failed = fdatasync(job->fd) == 0 ? 0 : errno;
}

static void end_sync(void *ctx)
{
    sync_job *job = ctx;
    if (job->failed)
        log_error("audit", "the disk refused to sync the trail: %s", strerror(job->failed));
    if (job->spool)
        job->spool->syncing = NULL;
    close(job->fd);
    free(job);
}

static void start_sync(audit_spool *s)
{
    int fd = s->unsynced && !s->syncing ? fcntl(s->fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (fd < 0)
        return;
    s->unsynced = false;
    s->syncing = NEW(sync_job);
    *s->syncing = (sync_job){.fd = fd, .spool = s};
    work_start(s->loop, run_sync, end_sync, s->syncing);
}

// The last sync of a file that is complete, before it is closed. What AUDIT_DURABLE promised is on
// the disk already; the rest has no answer that waits for it.
static void finish_file(audit_spool *s)
{
    if (s->loop && s->unsynced) {
        sync_job *job = NEW(sync_job);
        *job = (sync_job){.fd = s->fd};
        work_start(s->loop, run_sync, end_sync, job);
    } else {
        if (s->unsynced)
            fdatasync(s->fd);
        close(s->fd);
    }
    s->unsynced = false;
}

// ---- Files --------------------------------------------------------------------------------------

static int open_segment(audit_spool *s, uint32_t number, int flags)
{
    buf path;
    buf_init(&path, SIZE_MAX / 2);
    segment_path(&path, s->dir, number);
    int fd = open(buf_cstr(&path), flags | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    int saved = errno;
    buf_deinit(&path);
    errno = saved;
    return fd;
}

// A new file's name must outlast a power loss as well as its lines.
static bool sync_dir(const audit_spool *s)
{
    int fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    int saved = errno;
    if (fd >= 0)
        close(fd);
    errno = saved;
    return ok;
}

static void drop_segment(const audit_spool *s, int fd, uint32_t number)
{
    buf path;
    buf_init(&path, SIZE_MAX / 2);
    segment_path(&path, s->dir, number);
    unlink(buf_cstr(&path));
    close(fd);
    buf_deinit(&path);
}

// Begins the next file. When that fails, the present one goes on growing.
static bool rotate(audit_spool *s)
{
    int fd = open_segment(s, s->number + 1, O_RDWR | O_CREAT | O_EXCL);
    if (fd < 0 || (s->options.mode == AUDIT_DURABLE && !sync_dir(s))) {
        if (!s->failing)
            log_error("audit", "%s: a new file can't be made: %s", s->dir, strerror(errno));
        if (fd >= 0)
            drop_segment(s, fd, s->number + 1);
        return false;
    }
    if (s->fd >= 0)
        finish_file(s);
    s->fd = fd;
    s->number++;
    s->file_bytes = 0;
    return true;
}

// Somebody removed the file under us: what is written to it would be lost.
static bool file_gone(const audit_spool *s)
{
    struct stat st;
    return fstat(s->fd, &st) != 0 || st.st_nlink == 0;
}

static bool write_pending(audit_spool *s)
{
    while (s->pending.len) {
        ssize_t n = write(s->fd, s->pending.ptr, s->pending.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        s->file_bytes += (uint64_t)n;
        s->unsynced = true;
        buf_consume(&s->pending, (size_t)n);
    }
    return true;
}

static void tell_failure(audit_spool *s, int failed)
{
    uint64_t now = clock_mono_ms();
    if (failed && (!s->failing || now - s->told_ms >= TELL_MS)) {
        log_error("audit",
                  "%s: entries can't be written: %s; answers are held and new calls get 503 until "
                  "they can (%zu bytes wait) [%s]",
                  s->dir, strerror(failed), s->pending.len, code_id(AUDIT_SPOOL));
        s->told_ms = now;
    } else if (!failed && s->failing) {
        log_warning("audit", "%s: entries are written again", s->dir);
    }
    s->failing = failed;
}

code audit_spool_flush(audit_spool *s, err *e)
{
    bool had_pending = s->pending.len > 0;
    bool written = write_pending(s);
    if (written && s->options.mode == AUDIT_DURABLE && s->unsynced) {
        written = fdatasync(s->fd) == 0;
        s->unsynced = !written;
    }
    int failed = written ? 0 : errno;
    if (had_pending || s->failing)
        tell_failure(s, failed);
    if (!written)
        return err_sys(e, AUDIT_SPOOL, failed, "%s", s->dir);
    if (s->file_bytes >= s->options.file_bytes_max)
        rotate(s);
    return OK;
}

// ---- On the loop --------------------------------------------------------------------------------

static bool may_send(void *ctx)
{
    audit_spool *s = ctx;
    bool nothing_waits = !s->pending.len && !(s->options.mode == AUDIT_DURABLE && s->unsynced);
    return nothing_waits || audit_spool_flush(s, NULL) == OK;
}

static void on_straggle(void *ctx)
{
    audit_spool *s = ctx;
    if (audit_spool_flush(s, NULL))
        timer_start(s->straggle, STRAGGLE_MS);
}

static void on_sync(void *ctx)
{
    audit_spool *s = ctx;
    if (file_gone(s)) {
        log_error("audit", "%s: the file that was written to is gone; a new one begins", s->dir);
        rotate(s);
    }
    start_sync(s);
    timer_start(s->sync, SYNC_MS);
}

static void attach(audit_spool *s)
{
    s->gate = loop_gate_new(s->loop, may_send, s);
    s->straggle = timer_new(s->loop, on_straggle, s);
    s->sync = timer_new(s->loop, on_sync, s);
    timer_background(s->sync);
    timer_start(s->sync, SYNC_MS);
}

// ---- Opening ------------------------------------------------------------------------------------

static code tell_holder(const audit_spool *s, int64_t pid, err *e)
{
    if (!pid) {
        (void)err_set(e, AUDIT_LOCKED, "%s: another process writes this trail", s->dir);
        return err_hint(e, "end the other one first");
    }
    (void)err_set(e, AUDIT_LOCKED, "%s: process %" PRId64 " writes this trail", s->dir, pid);
    return err_hint(e, "use that one, or end it first: kill %" PRId64, pid);
}

static code lock_dir(audit_spool *s, err *e)
{
    if (mkdir(s->dir, 0700) != 0 && errno != EEXIST)
        return err_sys(e, AUDIT_SPOOL, errno, "%s", s->dir);
    buf path;
    buf_init(&path, SIZE_MAX / 2);
    buf_addf(&path, "%s/lock", s->dir);
    int64_t pid;
    pidlock got = pidlock_take(buf_cstr(&path), &s->lock_fd, &pid);
    code c = got == PIDLOCK_FAILED ? err_sys(e, AUDIT_SPOOL, errno, "%s", buf_cstr(&path))
             : got == PIDLOCK_HELD ? tell_holder(s, pid, e)
                                   : OK;
    buf_deinit(&path);
    return c;
}

// Sets the link to the last whole line of the open file, whose size was cut to whole lines. False
// when the file has none of ours.
static bool find_last(audit_spool *s, uint64_t size)
{
    uint64_t tail_max = SEGMENT_LINE_BYTES_MAX + 2;
    size_t want = (size_t)(size < tail_max ? size : tail_max);
    char *tail = mem_new(want);
    bool ok = pread(s->fd, tail, want, (off_t)(size - want)) == (ssize_t)want;
    str line = {tail, want - 1};
    line = str_skip(line, (size_t)(str_rchr(line, '\n') + 1));
    str prev, entry;
    ok = ok && segment_line_parse(line, &s->link.n, &prev, &entry);
    if (ok) {
        s->link.n--; // the step below counts this line
        segment_link_next(&s->link, line);
    }
    free(tail);
    return ok;
}

// Where the last newline of the file ends; 0 when there is none.
static code whole_lines(audit_spool *s, uint64_t size, uint64_t *ret_end, err *e)
{
    char bytes[4096];
    for (uint64_t end = size; end > 0;) {
        size_t want = (size_t)(end < sizeof bytes ? end : sizeof bytes);
        if (pread(s->fd, bytes, want, (off_t)(end - want)) != (ssize_t)want)
            return err_sys(e, AUDIT_SPOOL, errno, "%s", s->dir);
        ssize_t newline = str_rchr((str){bytes, want}, '\n');
        if (newline >= 0) {
            *ret_end = end - want + (uint64_t)newline + 1;
            return OK;
        }
        end -= want;
    }
    *ret_end = 0;
    return OK;
}

// Opens one file for appending, cuts an unfinished last line off, and finds the last whole one.
static code resume_file(audit_spool *s, uint32_t number, bool *ret_has_lines, err *e)
{
    s->fd = open_segment(s, number, O_RDWR);
    if (s->fd < 0)
        return err_sys(e, AUDIT_SPOOL, errno, "%s/audit-%08u.jsonl", s->dir, number);
    struct stat st;
    if (fstat(s->fd, &st) != 0)
        return err_sys(e, AUDIT_SPOOL, errno, "%s/audit-%08u.jsonl", s->dir, number);
    uint64_t size = (uint64_t)st.st_size, end;
    code c = whole_lines(s, size, &end, e);
    if (c)
        return c;
    if (end < size) {
        log_warning("audit",
                    "%s/audit-%08u.jsonl: an unfinished last line of %" PRIu64 " bytes was cut off",
                    s->dir, number, size - end);
        if (ftruncate(s->fd, (off_t)end) != 0)
            return err_sys(e, AUDIT_SPOOL, errno, "%s/audit-%08u.jsonl", s->dir, number);
    }
    s->number = number;
    s->file_bytes = end;
    *ret_has_lines = end > 0;
    if (end > 0 && !find_last(s, end)) {
        c = err_set(e, AUDIT_CORRUPT, "%s/audit-%08u.jsonl: the last line is none of ours", s->dir,
                    number);
        err_hint(e, "keep the folder as it is for an inquiry, and give this process another one");
    }
    return c;
}

// Goes on where the trail ended: in the last file, or in an empty one that follows it.
static code resume(audit_spool *s, err *e)
{
    segment_list list = {0};
    code c = segment_list_read(s->dir, &list, e);
    bool has_lines = false;
    uint32_t last = list.len ? *vec_last(&list) : 0;
    for (size_t i = list.len; !c && !has_lines && i-- > 0;) {
        if (s->fd >= 0)
            close(s->fd);
        c = resume_file(s, list.ptr[i], &has_lines, e);
    }
    vec_deinit(&list);
    if (c)
        return c;
    if (s->number == last && s->fd >= 0)
        return OK;
    s->number = last; // an empty file was left behind, or there is none
    if (!rotate(s))
        return err_sys(e, AUDIT_SPOOL, errno, "%s", s->dir);
    return OK;
}

code audit_spool_open(loop *l, const char *dir, const audit_options *o, audit_spool **ret_spool,
                      err *e)
{
    audit_spool *s = NEW(audit_spool);
    s->loop = l;
    s->dir = mem_dup(dir);
    s->options = o ? *o : (audit_options){0};
    if (!s->options.file_bytes_max)
        s->options.file_bytes_max = AUDIT_FILE_BYTES_MAX;
    if (!s->options.pending_bytes_max)
        s->options.pending_bytes_max = AUDIT_PENDING_BYTES_MAX;
    s->fd = s->lock_fd = -1;
    s->link = segment_link_first();
    uint32_t drawn = (uint32_t)rand_u64();
    snprintf(s->id_prefix, sizeof s->id_prefix, "%08x", drawn);
    buf_init(&s->pending, SIZE_MAX / 2);
    code c = lock_dir(s, e);
    if (!c)
        c = resume(s, e);
    if (c) {
        audit_spool_close(s);
        return c;
    }
    if (l)
        attach(s);
    *ret_spool = s;
    return OK;
}

void audit_spool_close(audit_spool *s)
{
    if (!s)
        return;
    for (uint64_t until = clock_mono_ms() + CLOSE_MS;
         s->fd >= 0 && audit_spool_flush(s, NULL) && clock_mono_ms() < until;)
        poll(NULL, 0, RETRY_MS);
    if (s->pending.len)
        log_error("audit", "%s: %zu bytes of entries could not be written", s->dir, s->pending.len);
    if (s->unsynced)
        fdatasync(s->fd);
    loop_gate_free(s->gate);
    timer_free(s->straggle);
    timer_free(s->sync);
    if (s->syncing)
        s->syncing->spool = NULL;
    if (s->fd >= 0)
        close(s->fd);
    if (s->lock_fd >= 0)
        pidlock_release(s->lock_fd);
    buf_deinit(&s->pending);
    free(s->dir);
    free(s);
}

// ---- Appending ----------------------------------------------------------------------------------

bool audit_spool_ready(const audit_spool *s)
{
    return !s->failing && s->pending.len <= s->options.pending_bytes_max;
}

code audit_spool_check(const audit_spool *s, err *e)
{
    if (audit_spool_ready(s))
        return OK;
    if (s->failing)
        (void)err_sys(e, AUDIT_SPOOL, s->failing, "the audit trail can't be written: %s", s->dir);
    else
        (void)err_set(e, AUDIT_BUSY, "too much waits to be written to the audit trail");
    (void)err_hint(e, s->failing == ENOSPC ? "make room on the disk of that folder"
                                           : "look at the disk of the audit folder");
    return e ? e->code : s->failing ? AUDIT_SPOOL : AUDIT_BUSY;
}

typedef struct appending appending;
struct appending {
    const audit_event *event; // one of the two
    const audit_request *request;
    entry_stamp stamp;
};

static void render(audit_spool *s, const appending *a)
{
    buf_adds(&s->pending, STR("{\"n\":"));
    buf_add_u64(&s->pending, s->link.n + 1);
    buf_adds(&s->pending, STR(",\"prev\":\""));
    buf_add(&s->pending, s->link.hash, SEGMENT_HASH_LEN);
    buf_adds(&s->pending, STR("\",\"entry\":"));
    if (a->event)
        entry_write_event(&s->pending, a->event, &a->stamp);
    else
        entry_write_request(&s->pending, a->request, &a->stamp);
    buf_addc(&s->pending, '}');
}

static void append(audit_spool *s, appending *a, char ret_id[AUDIT_ID_MAX])
{
    char id[AUDIT_ID_MAX] = "", number[STR_HEX_MAX];
    str n = str_hex(s->link.n + 1, number);
    memcpy(id, s->id_prefix, ID_PREFIX_LEN);
    memcpy(id + ID_PREFIX_LEN, n.ptr, n.len);
    a->stamp = (entry_stamp){.id = {id, ID_PREFIX_LEN + n.len}, .wall_ns = clock_wall_ns()};
    size_t start = s->pending.len;
    render(s, a);
    if (s->pending.len - start > AUDIT_LINE_BYTES_MAX) {
        buf_truncate(&s->pending, start);
        a->stamp.shortened = true;
        render(s, a);
    }
    segment_link_next(&s->link, str_skip(buf_str(&s->pending), start));
    buf_addc(&s->pending, '\n');
    if (ret_id)
        memcpy(ret_id, id, sizeof id);
    if (!s->loop)
        (void)!audit_spool_flush(s, NULL); // told in the log; it stays pending
    else if (!timer_active(s->straggle))
        timer_start(s->straggle, STRAGGLE_MS);
}

void audit_add_event(audit_spool *s, const audit_event *ev, char ret_id[AUDIT_ID_MAX])
{
    append(s, &(appending){.event = ev}, ret_id);
}

void audit_add_request(audit_spool *s, const audit_request *rq, char ret_id[AUDIT_ID_MAX])
{
    append(s, &(appending){.request = rq}, ret_id);
}
