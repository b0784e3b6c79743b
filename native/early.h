/* What happens before Node's main: C only, so that it also runs inside of programs that are not Node. */
#ifndef CONTAINERPILOT_EARLY_H
#define CONTAINERPILOT_EARLY_H
#include <signal.h>
#include <stdint.h>

#include "table.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bit n-1 for signal n: all that can be taken by a thread of our own. Left out: KILL and STOP (cannot be blocked),
 * faults and ABRT (belong to the thread that made them), PROF (V8's profiler), and the C library's own real-time signals
 * (musl uses a third one, 34). */
#define CP_BIT(signo) (UINT64_C(1) << ((signo) - 1))
#define CP_LIBC_SIGNALS_GLIBC (CP_BIT(32) | CP_BIT(33))
#define CP_LIBC_SIGNALS_MUSL (CP_BIT(32) | CP_BIT(33) | CP_BIT(34))
#ifdef __GLIBC__
#define CP_LIBC_SIGNALS CP_LIBC_SIGNALS_GLIBC
#else
#define CP_LIBC_SIGNALS CP_LIBC_SIGNALS_MUSL
#endif
#define CP_FAULTS                                                                                              \
  (CP_BIT(SIGSEGV) | CP_BIT(SIGBUS) | CP_BIT(SIGFPE) | CP_BIT(SIGILL) | CP_BIT(SIGABRT) | CP_BIT(SIGTRAP) |      \
   CP_BIT(SIGSYS))
#define CP_NEVER_BLOCKED (CP_BIT(SIGKILL) | CP_BIT(SIGSTOP) | CP_FAULTS | CP_BIT(SIGPROF))
#define CP_BLOCKED_SET (~(CP_NEVER_BLOCKED | CP_LIBC_SIGNALS))

/* The calling thread's mask by the bare system call, which the C library does not filter. `old` may be null. 0 or -errno. */
int cp_mask(int how, uint64_t set, uint64_t* old);

/* From now on nobody in this process opens our signals by pthread_sigmask; works only where we are preloaded. */
void cp_mask_guard(void);

/* Sets what a fault signal does; from then on nobody else in this process can, where we are preloaded. */
int cp_fault_action(int signo, const struct sigaction* action);

/* Whether cp_mask_guard was called. */
int cp_mask_is_guarded(void);

/* Fills `origin` with the present state, unless the preload constructor did so before Node ran. */
void cp_origin(struct cp_origin* origin);

/* Whether the launcher asked for the preload and the loader refused it: AT_SECURE (ld.so(8)), as file capabilities make it. */
int cp_preload_refused(void);
/* The memfd that the launcher made the table in, -1: none. */
int cp_table_fd(void);

/* Defined by the native half: starts it. Called by the preload constructor when this is the launcher's Node. */
int cp_native_arm(int early);

#ifdef __cplusplus
}
#endif
#endif
