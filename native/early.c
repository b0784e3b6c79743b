#define _GNU_SOURCE
#include "early.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char** environ;

/* Resolves only inside of Node: a shell that wraps it is preloaded too. */
extern void napi_module_register(void* module) __attribute__((weak));

static int guarded;
static int refused;
static int table_fd = -1;

int cp_table_fd(void) { return table_fd; }

static struct cp_origin recorded;

void cp_mask_guard(void) { guarded = 1; }

int cp_mask_is_guarded(void) { return guarded; }

static uint64_t as_bits(const sigset_t* set) {
  uint64_t bits;
  memcpy(&bits, set, sizeof bits);
  return bits;
}

/*
 * Node empties its mask at start and opens single signals later; here ours stay blocked. Takes the place of the C
 * library's function in the whole process when preloaded, so it keeps that one's rules: the library's own signals are
 * never blocked, the error is returned.
 */
static int keep_mask(int how, const sigset_t* set, sigset_t* old) {
  uint64_t bits = 0, before = 0;
  if (set != NULL) {
    if (how != SIG_BLOCK && how != SIG_UNBLOCK && how != SIG_SETMASK) return EINVAL;
    bits = as_bits(set);
    if (how != SIG_UNBLOCK) bits &= ~CP_LIBC_SIGNALS;
    if (guarded && how == SIG_SETMASK) bits |= CP_BLOCKED_SET;
    if (guarded && how == SIG_UNBLOCK) bits &= ~CP_BLOCKED_SET;
  }
  if (syscall(SYS_rt_sigprocmask, how, set != NULL ? &bits : NULL, &before, sizeof bits) != 0) return errno;
  if (old != NULL) {
    memset(old, 0, sizeof *old);
    memcpy(old, &before, sizeof before);
  }
  return 0;
}

__attribute__((visibility("default"), alias("keep_mask"))) int pthread_sigmask(int how, const sigset_t* set, sigset_t* old);

static uint64_t faults_taken;

static int library_sigaction(int signo, const struct sigaction* action, struct sigaction* old) {
  int (*library)(int, const struct sigaction*, struct sigaction*) =
      (int (*)(int, const struct sigaction*, struct sigaction*))dlsym(RTLD_NEXT, "sigaction");
  if (library != NULL) return library(signo, action, old);
  errno = ENOSYS;
  return -1;
}

int cp_fault_action(int signo, const struct sigaction* action) {
  faults_taken |= CP_BIT(signo);
  return library_sigaction(signo, action, NULL);
}

/*
 * Node takes SIGSEGV for WebAssembly when it starts, and our handler asks V8 about that itself; a runtime that dies while it
 * starts would find Node's, which ends the process.
 */
static int keep_action(int signo, const struct sigaction* action, struct sigaction* old) {
  int ours = guarded && action != NULL && signo > 0 && signo < 65 && (faults_taken & CP_BIT(signo)) != 0;
  return library_sigaction(signo, ours ? NULL : action, old);
}

__attribute__((visibility("default"), alias("keep_action"))) int sigaction(int, const struct sigaction*, struct sigaction*);

/* Whether everybody's calls come here: not when Node itself loads us, long after its main. */
static int mask_is_kept(void) { return dlsym(RTLD_DEFAULT, "pthread_sigmask") == (void*)keep_mask; }

static void record(struct cp_origin* origin) {
  struct rlimit nofile = {RLIM_INFINITY, RLIM_INFINITY};
  getrlimit(RLIMIT_NOFILE, &nofile);
  origin->nofile_soft = nofile.rlim_cur;
  origin->nofile_hard = nofile.rlim_max;
  for (int fd = 0; fd < 3; fd++) origin->stdio_flags[fd] = fcntl(fd, F_GETFL);
}

void cp_origin(struct cp_origin* origin) {
  if (recorded.early)
    *origin = recorded;
  else
    record(origin);
}

/*
 * The launcher put us first into LD_PRELOAD; what follows is the user's own and goes on to his programs. In secure mode the
 * C library has taken all of it away (ld.so(8)); CP_EARLY has it, too, behind the pid.
 */
static void restore_environment(const char* users) {
  char* value = getenv("LD_PRELOAD");
  if (users == NULL) {
    unsetenv("LD_PRELOAD");
  } else if (value != NULL && strlen(value) >= strlen(users)) {
    /* In place: whatever program this is, its memory is not ours to ask for so early. */
    memmove(value, users, strlen(users) + 1);
  } else {
    setenv("LD_PRELOAD", users, 1);
  }
  unsetenv("CP_EARLY");
  unsetenv("CP_TABLE");
}

int cp_preload_refused(void) { return refused; }

__attribute__((constructor)) static void preload(void) {
  const char* early = getenv("CP_EARLY");
  if (early == NULL) return;
  const char* users = strchr(early, ':');
  if (users != NULL) users++;
  if (atoi(early) != getpid()) {
    /* A program that a wrapper forked; the wrapper's own children are none of ours either. */
    restore_environment(users);
    return;
  }
  /* A wrapper script that will exec Node: same pid, so the variables must reach it. */
  if (napi_module_register == NULL) return;
  const char* table = getenv("CP_TABLE");
  if (table != NULL) table_fd = atoi(table);
  restore_environment(users);
  /* The loader has left the preload out, as it does in secure mode. By now threads run without our mask. */
  refused = !mask_is_kept();
  if (refused) return;
  record(&recorded);
  recorded.early = 1;
  cp_mask_guard();
  cp_native_arm(1);
}
