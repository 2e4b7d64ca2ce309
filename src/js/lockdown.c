// SPDX-License-Identifier: Apache-2.0
#include "js/lockdown.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#define LOCKDOWN_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define LOCKDOWN_ARCH AUDIT_ARCH_AARCH64
#else
#error "lockdown.c lacks the seccomp architecture of this processor"
#endif

#if defined(__SANITIZE_ADDRESS__)
#define LOCKDOWN_SANITIZED 1 // its shadow memory needs terabytes of address space
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LOCKDOWN_SANITIZED 1
#endif
#endif

#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define KILL BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
// Allowed whatever its arguments are.
#define CALL(nr) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 1), ALLOW
// Allowed unless argument 2 (protection) asks for executable memory.
#define CALL_NOT_EXEC(nr)                                                                          \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 4), LOAD(args[2]),                                \
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1), KILL, ALLOW

static bool filter_calls(void)
{
    static struct sock_filter rules[] = {
        LOAD(arch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, LOCKDOWN_ARCH, 1, 0),
        KILL,
        LOAD(nr),
        CALL(SYS_read),
        CALL(SYS_write),
        CALL(SYS_ppoll),
#ifdef SYS_poll
        CALL(SYS_poll),
#endif
        CALL(SYS_restart_syscall), // what a wait goes on with after SIGSTOP and SIGCONT
        CALL(SYS_futex),
        CALL(SYS_clock_gettime),
        CALL(SYS_gettimeofday),
        CALL(SYS_munmap),
        CALL(SYS_mremap),
        CALL(SYS_madvise),
        CALL(SYS_brk),
        CALL(SYS_getrandom),
        CALL(SYS_rt_sigreturn),
        CALL(SYS_exit),
        CALL(SYS_exit_group),
#ifdef LOCKDOWN_SANITIZED
        CALL(SYS_sigaltstack), // AddressSanitizer asks before _Exit()
#endif
        CALL_NOT_EXEC(SYS_mmap),
        CALL_NOT_EXEC(SYS_mprotect),
        KILL,
    };
    struct sock_fprog program = {.len = ARRAY_LEN(rules), .filter = rules};
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

// Kernels without Landlock say so; the filter above stands alone there.
static bool close_paths(void)
{
    struct landlock_ruleset_attr none = {.handled_access_fs =
                                             (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1};
    int fd = (int)syscall(SYS_landlock_create_ruleset, &none, sizeof(none), 0);
    if (fd < 0)
        return errno == ENOSYS || errno == EOPNOTSUPP;
    bool ok = syscall(SYS_landlock_restrict_self, fd, 0) == 0;
    close(fd);
    return ok;
}

static bool limit(__rlimit_resource_t what, rlim_t max)
{
    struct rlimit r;
    if (getrlimit(what, &r) != 0)
        return false;
    if (r.rlim_max != RLIM_INFINITY && r.rlim_max < max)
        max = r.rlim_max;
    r = (struct rlimit){max, max};
    return setrlimit(what, &r) == 0;
}

bool lockdown(size_t memory_bytes_max)
{
    // The time zone is read from a file on first use: now is the last chance.
    tzset();
    clearenv();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return false;
    if (syscall(SYS_close_range, 3u, ~0u, 0u) != 0 && errno != ENOSYS)
        return false;
    if (!close_paths())
        return false;
#ifndef LOCKDOWN_SANITIZED
    if (!limit(RLIMIT_AS, memory_bytes_max))
        return false;
#else
    (void)memory_bytes_max;
#endif
    return limit(RLIMIT_CORE, 0) && limit(RLIMIT_FSIZE, 0) && limit(RLIMIT_NPROC, 0) &&
           limit(RLIMIT_NOFILE, 3) && filter_calls();
}
