// SPDX-License-Identifier: Apache-2.0
// Children are forked here rather than by uv_spawn, which can neither tie their life to ours nor
// keep descriptors from them that some library opened without close-on-exec.
#include "net/net_process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "net/stream.h"

struct process {
    loop *loop;
    pid_t pid;
    int pidfd; // readable when the child has ended
    watch *watch;
    bool running;
    stream *streams[3];
    void (*on_exit)(void *ctx, int status, int signum);
    void *ctx;
};

// Everything that the child needs between fork and exec, prepared before: there it may only make
// system calls.
typedef struct launch launch;
struct launch {
    const process_options *o;
    char *path; // of the program
    int child_fds[3];
    int our_fds[3];
    int failure_pipe[2]; // the child writes what failed
    pid_t parent;
};

typedef struct launch_failure launch_failure;
struct launch_failure {
    int errnum;
    char step[24];
};

// ---- child --------------------------------------------------------------------------------------

static void child_fail(const launch *la, const char *step)
{
    launch_failure f = {.errnum = errno};
    for (size_t i = 0; step[i] && i + 1 < sizeof(f.step); i++)
        f.step[i] = step[i];
    ssize_t ignored = write(la->failure_pipe[1], &f, sizeof(f));
    (void)ignored; // nobody is left to tell
    _exit(127);
}

static void child_signals(void)
{
    for (int sig = 1; sig < NSIG; sig++)
        signal(sig, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void child_stdio(const launch *la)
{
    int fds[3];
    for (int i = 0; i < 3; i++) {
        // First out of the way of 0…2, as they may be each other's.
        fds[i] = fcntl(la->child_fds[i], F_DUPFD_CLOEXEC, 3);
        if (fds[i] < 0)
            child_fail(la, "its standard streams");
    }
    for (int i = 0; i < 3; i++) {
        if (dup2(fds[i], i) < 0)
            child_fail(la, "its standard streams");
    }
}

static void child_main(const launch *la)
{
    const process_options *o = la->o;
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != la->parent)
        _exit(127); // the parent ended before the line above took effect
    child_signals();
    child_stdio(la);
    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    if (o->cwd && chdir(o->cwd) != 0)
        child_fail(la, "its working directory");
    struct rlimit memory = {o->memory_bytes_max, o->memory_bytes_max};
    if (o->memory_bytes_max && setrlimit(RLIMIT_AS, &memory) != 0)
        child_fail(la, "its memory limit");
    execve(la->path, (char *const *)(uintptr_t)o->argv, (char *const *)(uintptr_t)o->env);
    child_fail(la, "exec");
}

// ---- start --------------------------------------------------------------------------------------

static const char *env_get(const char *const *env, const char *name)
{
    size_t len = strlen(name);
    for (; env && *env; env++) {
        if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
            return *env + len + 1;
    }
    return NULL;
}

// As execvp searches, but in the PATH that the child gets. A name that isn't found stays as it is,
// and exec says why. A relative path is meant from the child's working directory.
static char *find_program(const process_options *o)
{
    if (strchr(o->file, '/'))
        return mem_dup(o->file);
    const char *path = env_get(o->env, "PATH");
    str rest = str_from(path ? path : "/usr/local/bin:/usr/bin:/bin"), dir;
    while (str_next(&rest, ':', &dir)) {
        buf b;
        buf_init(&b, 8192);
        buf_addf(&b, STR_FMT "/%s", STR_ARG(dir.len ? dir : STR(".")), o->file);
        if (buf_ok(&b) && access(buf_cstr(&b), X_OK) == 0)
            return buf_take(&b);
        buf_deinit(&b);
    }
    return mem_dup(o->file);
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static bool open_stdio(launch *la)
{
    for (int i = 0; i < 3; i++) {
        int pair[2];
        switch (la->o->stdio[i]) {
        case PROCESS_NULL:
            la->child_fds[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
            break;
        case PROCESS_INHERIT:
            la->child_fds[i] = fcntl(i, F_DUPFD_CLOEXEC, 3);
            break;
        case PROCESS_PIPE:
            if (pipe2(pair, O_CLOEXEC) != 0)
                return false;
            la->child_fds[i] = pair[i == 0 ? 0 : 1];
            la->our_fds[i] = pair[i == 0 ? 1 : 0];
            break;
        }
        if (la->child_fds[i] < 0)
            return false;
    }
    return pipe2(la->failure_pipe, O_CLOEXEC) == 0;
}

static void launch_deinit(launch *la)
{
    for (int i = 0; i < 3; i++) {
        close_fd(&la->child_fds[i]);
        close_fd(&la->our_fds[i]);
    }
    close_fd(&la->failure_pipe[0]);
    close_fd(&la->failure_pipe[1]);
    free(la->path);
}

// Forks and waits until exec has succeeded (the pipe closes) or the child has told what failed.
static code fork_exec(launch *la, pid_t *ret_pid, err *e)
{
    pid_t pid = fork();
    if (pid == 0)
        child_main(la);
    if (pid < 0)
        return err_sys(e, PROCESS_START, errno, "starting %s: fork", la->o->file);
    close_fd(&la->failure_pipe[1]);
    launch_failure f;
    ssize_t len;
    do {
        len = read(la->failure_pipe[0], &f, sizeof(f));
    } while (len < 0 && errno == EINTR);
    if (len == (ssize_t)sizeof(f)) {
        waitpid(pid, NULL, 0);
        return err_sys(e, PROCESS_START, f.errnum, "starting %s: %s", la->o->file, f.step);
    }
    *ret_pid = pid;
    return OK;
}

// Reaps the child; true when it had ended.
static bool reap(process *p, int flags, int *ret_status, int *ret_signum)
{
    int status = 0;
    if (waitpid(p->pid, &status, flags) != p->pid)
        return false;
    p->running = false;
    *ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    *ret_signum = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    return true;
}

static void on_ended(void *ctx, int events)
{
    (void)events;
    process *p = ctx;
    int status, signum;
    if (!reap(p, WNOHANG, &status, &signum))
        return;
    watch_free(p->watch);
    p->watch = NULL;
    close_fd(&p->pidfd);
    if (p->on_exit)
        p->on_exit(p->ctx, status, signum);
}

static stream *pipe_stream(loop *l, int *fd)
{
    uv_pipe_t *io = NEW(uv_pipe_t);
    uv_pipe_init(&l->uv, io, 0);
    if (uv_pipe_open(io, *fd) != 0) { // only for what isn't a pipe
        handle_close_free((uv_handle_t *)io);
        return NULL;
    }
    *fd = -1;
    stream *s = stream_over(l, (uv_stream_t *)io);
    s->is_open = true;
    return s;
}

code process_new(loop *l, const process_options *o, process **ret_process, err *e)
{
    launch la = {.o = o,
                 .path = find_program(o),
                 .child_fds = {-1, -1, -1},
                 .our_fds = {-1, -1, -1},
                 .failure_pipe = {-1, -1},
                 .parent = getpid()};
    process *p = NEW(process);
    *p = (process){.loop = l, .pidfd = -1, .on_exit = o->on_exit, .ctx = o->ctx};
    code rc = OK;
    if (!open_stdio(&la))
        rc = err_sys(e, PROCESS_START, errno, "starting %s: pipes", o->file);
    if (!rc)
        rc = fork_exec(&la, &p->pid, e);
    if (!rc) {
        p->running = true;
        p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
        rc = p->pidfd < 0 ? err_sys(e, PROCESS_START, errno, "watching %s", o->file)
                          : watch_new(l, p->pidfd, on_ended, p, &p->watch, e);
    }
    if (rc) {
        launch_deinit(&la);
        process_free(p);
        return rc;
    }
    watch_set(p->watch, WATCH_READ);
    for (int i = 0; i < 3; i++)
        p->streams[i] = la.our_fds[i] >= 0 ? pipe_stream(l, &la.our_fds[i]) : NULL;
    launch_deinit(&la);
    *ret_process = p;
    return OK;
}

// ---- use ----------------------------------------------------------------------------------------

pid_t process_pid(const process *p)
{
    return p->pid;
}

uint64_t process_cpu_ms(const process *p)
{
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(p->pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
        return 0;
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / (1000 * 1000);
}

stream *process_stream(process *p, int fd)
{
    return p->streams[fd];
}

stream *process_take_stream(process *p, int fd)
{
    stream *s = p->streams[fd];
    p->streams[fd] = NULL;
    return s;
}

void process_kill(process *p, int signum)
{
    if (!p->running)
        return;
    if (kill(-p->pid, signum) != 0) // it has not yet made its group
        kill(p->pid, signum);
}

void process_free(process *p)
{
    if (!p)
        return;
    process_kill(p, SIGKILL);
    int status, signum;
    if (p->running)
        (void)reap(p, 0, &status, &signum);
    watch_free(p->watch);
    close_fd(&p->pidfd);
    for (int i = 0; i < 3; i++)
        stream_free(p->streams[i]);
    free(p);
}
