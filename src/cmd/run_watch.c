// SPDX-License-Identifier: Apache-2.0
// --watch: the same run again whenever a file that it reads has changed.
#include <signal.h>
#include <sys/stat.h>

#include "cmd/run.h"
#include "net/net.h"

enum { LOOK_MS = 250 };

typedef struct watched watched;
struct watched {
    const char *path;
    struct timespec changed;
    ino_t inode;
    off_t bytes;
};

typedef struct watch watch;
struct watch {
    cmd_call *call;
    loop *loop;
    timer *look;
    VEC(watched) files;
    bool stopped;
};

// A file that isn't there has changed when it comes.
static watched look_at(const char *path)
{
    struct stat st;
    watched w = {.path = path};
    if (stat(path, &st) == 0)
        w = (watched){path, st.st_mtim, st.st_ino, st.st_size};
    return w;
}

static bool same(const watched *a, const watched *b)
{
    return a->inode == b->inode && a->bytes == b->bytes && a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec;
}

static void add(watch *w, const char *path)
{
    if (path && str_find(str_from(path), STR("://")) < 0)
        vec_push(&w->files, look_at(path));
}

static void gather(watch *w)
{
    static const char *const options[] = {"environment", "globals", "iteration-data", "cookie-jar"};
    const option_values *o = w->call->options;
    const str_list *places = option_args(o);
    vec_reset(&w->files);
    for (size_t i = 0; i < places->len; i++)
        add(w, places->ptr[i].ptr);
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        add(w, option_cstr(o, options[i]));
}

static void on_look(void *ctx)
{
    watch *w = ctx;
    VEC_FOREACH (&w->files, f) {
        watched now = look_at(f->path);
        if (!same(f, &now)) {
            loop_stop(w->loop);
            return;
        }
    }
    timer_start(w->look, LOOK_MS);
}

static void on_signal(void *ctx, int signum)
{
    (void)signum;
    watch *w = ctx;
    w->stopped = true;
    loop_stop(w->loop);
}

static void wait_for_change(watch *w)
{
    fprintf(w->call->err, "gatepost: watching %zu file%s; Ctrl-C ends\n", w->files.len,
            w->files.len == 1 ? "" : "s");
    fflush(w->call->out);
    signal_watch *interrupt = signal_watch_new(w->loop, SIGINT, on_signal, w);
    signal_watch *terminate = signal_watch_new(w->loop, SIGTERM, on_signal, w);
    timer_start(w->look, LOOK_MS);
    loop_run(w->loop);
    timer_stop(w->look);
    signal_watch_free(interrupt);
    signal_watch_free(terminate);
}

// A file that can't be read is told, and looked at until it can.
code run_watch(cmd_call *call, code (*once)(cmd_call *call, bool *ret_stopped, err *e), err *e)
{
    watch w = {.call = call, .loop = loop_new()};
    w.look = timer_new(w.loop, on_look, &w);
    while (!w.stopped) {
        err failed = ERR_INIT;
        call->status = EXIT_OK;
        gather(&w); // before it reads: what changes meanwhile counts
        code c = once(call, &w.stopped, &failed);
        if (c != OK)
            err_print(&failed, call->err);
        if (c != OK)
            call->status = code_exit(c);
        if (ferror(call->out))
            break; // nobody reads on
        if (!w.stopped)
            wait_for_change(&w);
    }
    timer_free(w.look);
    vec_deinit(&w.files);
    loop_free(w.loop);
    (void)e;
    return OK;
}
