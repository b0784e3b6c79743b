#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

#include "child.h"
#include "early.h"
#include "procfs.h"
#include "reaper.h"
#include "table.h"
#include "terminal.h"

// TSan takes clone for a fork: in shared memory what it does in the "child" blinds it for the parent. The same function has
// a second name, which it leaves alone.
#ifdef CP_UNDER_TSAN
extern "C" int __clone(int (*body)(void*), void* stack, int flags, void* argument, ...);
#define CP_CLONE __clone
#else
#define CP_CLONE clone
#endif

namespace pilot {

/** All the child needs, prepared before clone: between clone and exec nothing may allocate, lock or call back. */
struct ChildPlan {
  const SpawnRequest* request;
  cp_child* entry;
  struct rlimit nofile;
  /** Written by the child. */
  volatile SpawnFailure* failure;
};

/** As rt_sigaction(2) takes it; all zero is SIG_DFL with no flags. */
struct KernelSigaction {
  void* handler;
  unsigned long flags;
  void* restorer;
  uint64_t mask;
};

CP_CHILD static void reset_dispositions() {
  KernelSigaction fresh = {nullptr, 0, nullptr, 0};
  // By the bare call: the library refuses its own two, which Node's threads have set as well.
  for (int signo = 1; signo <= 64; signo++)
    if (signo != SIGKILL && signo != SIGSTOP) syscall(SYS_rt_sigaction, signo, &fresh, nullptr, sizeof fresh.mask);
}

CP_CHILD static bool close_one(int fd, int dir_fd, void*) {
  if (fd > 2 && fd != dir_fd) syscall(SYS_close, fd);
  return true;
}

/** Everything above 2: Node's own are close-on-exec, but one inherited from outside need not be. */
CP_CHILD static void close_above_stdio(const struct rlimit& nofile) {
  if (syscall(SYS_close_range, 3u, ~0u, 0u) == 0) return;
  // ENOSYS before Linux 5.9, EPERM from a seccomp profile.
  if (each_number("/proc/self/fd", close_one, nullptr) == 0) return;
  int limit = nofile.rlim_cur > 65536 ? 65536 : (int)nofile.rlim_cur;
  for (int fd = 3; fd < limit; fd++) syscall(SYS_close, fd);
}

CP_CHILD static int place_streams(const int (&streams)[3]) {
  for (int fd = 0; fd < 3; fd++) {
    if (streams[fd] != fd) {
      if (syscall(SYS_dup3, streams[fd], fd, 0) < 0) return errno;
      continue;
    }
    // Node marks 0-2 close-on-exec. EBADF: started closed, stays closed.
    long flags = syscall(SYS_fcntl, fd, F_GETFD);
    if (flags >= 0 && syscall(SYS_fcntl, fd, F_SETFD, flags & ~FD_CLOEXEC) < 0) return errno;
  }
  return 0;
}

/** Returns only when something failed, with its errno. The order matters: nothing can be delivered before the empty mask. */
CP_CHILD static int become(const ChildPlan& plan) {
  const SpawnRequest& request = *plan.request;
  reset_dispositions();
  if (syscall(SYS_setpgid, 0, 0) != 0) return errno;
  // Still with TTOU blocked, and before 0 is replaced. A terminal that is gone is no reason not to start.
  if (request.foreground) {
    int32_t group = (int32_t)syscall(SYS_getpid);
    syscall(SYS_ioctl, STDIN_FILENO, TIOCSPGRP, &group);
  }
  // Streams first: with the lower limit set dup2 to 0-2 still works, but opening /proc for the fallback may not.
  int error = place_streams(request.streams);
  if (error != 0) return error;
  close_above_stdio(plan.nofile);
  // Fails only where somebody has lowered the hard limit since; his lower limit is kept then.
  if (plan.nofile.rlim_max != 0) syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &plan.nofile, nullptr);
  SpawnFailure at = {SpawnStep::exec, 0};
  error = attributes_apply(request.attributes, &at);
  plan.failure->step = at.step;
  plan.failure->item = at.item;
  if (error != 0) return error;
  cp_mask(SIG_SETMASK, 0, nullptr);
  syscall(SYS_execve, request.file, request.argv, request.envp);
  return errno;
}

CP_CHILD static int child_main(void* argument) {
  const ChildPlan* plan = static_cast<const ChildPlan*>(argument);
  int error = become(*plan);
  cp_store(plan->entry->exec_errno, error == 0 ? ENOEXEC : error);
  for (;;) syscall(SYS_exit_group, 127);
}

static constexpr size_t child_stack_bytes = size_t{64} * 1024;

/** One stack for all: the spawning thread waits until the child has left it. */
static char* child_stack() {
  static char* stack = nullptr;
  if (stack != nullptr) return stack;
  void* memory = mmap(nullptr, child_stack_bytes + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  mprotect(memory, 4096, PROT_NONE);
  stack = static_cast<char*>(memory) + 4096;
  return stack;
}

/** The limit the runtime gave us; Node has raised its own soft limit since. Zero when it is not known. */
static struct rlimit original_nofile() {
  struct rlimit nofile = {0, 0};
  if (table->origin.early == 0) return nofile;
  nofile.rlim_cur = table->origin.nofile_soft;
  nofile.rlim_max = table->origin.nofile_hard;
  return nofile;
}

static std::atomic<int32_t> spawning_thread{0};

bool spawn_waits(int32_t tid) { return spawning_thread.load() == tid; }

static SpawnFailure last_failure = {SpawnStep::exec, 0};

SpawnFailure spawn_failure() { return last_failure; }

int spawn(const SpawnRequest& request) {
  last_failure = {SpawnStep::exec, 0};
  char* stack = child_stack();
  if (stack == nullptr) return -ENOMEM;
  cp_child* entry = table_claim(request.run, request.job);
  if (entry == nullptr) return -ENOBUFS;
  cp_store(entry->foreground, request.foreground ? 1u : 0u);
  cp_store(entry->pumped, request.pumped ? 1u : 0u);
  cp_store(entry->owed, (uint32_t)(CP_OWES_EXITED | CP_OWES_GROUP | (request.closes ? CP_OWES_CLOSED : 0)));
  ChildPlan plan = {&request, entry, original_nofile(), &last_failure};
  int dumpable = attributes_dumpable(request.attributes);
  if (request.foreground) terminal_lend();

  spawning_thread.store((int32_t)syscall(SYS_gettid));
  // Signals wait until the child has default dispositions: a handler of ours must never run in it. But for faults, which kill
  // the process when they are blocked (signal(7)); their handler knows a child.
  uint64_t before = 0;
  cp_mask(SIG_SETMASK, ~CP_FAULTS, &before);
  int pid = CP_CLONE(child_main, stack + child_stack_bytes, CLONE_VM | CLONE_VFORK | CLONE_PARENT_SETTID | SIGCHLD, &plan, &entry->pid);
  int error = errno;
  spawning_thread.store(0);
  cp_mask(SIG_SETMASK, before, nullptr);
  attributes_dumpable_restore(dumpable);

  if (pid < 0) {
    cp_store(entry->state, (uint32_t)CP_FREE);
    return -error;
  }
  reaper_wake();
  int exec_errno = cp_load(entry->exec_errno);
  if (exec_errno != 0) {
    if (request.foreground) terminal_reclaim();
    return -exec_errno;
  }
  // The reaper may have been faster, with a program that has ended already.
  uint32_t spawning = CP_SPAWNING;
  __atomic_compare_exchange_n(&entry->state, &spawning, (uint32_t)CP_RUNNING, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  return pid;
}

}  // namespace pilot
