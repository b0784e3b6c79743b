#include "inject.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "clock.h"
#include "early.h"
#include "procfs.h"

namespace pilot {

static constexpr int inject_limit_ms = 3000;

/** What the kernel puts back when the handler returns is the thread's mask from then on (sigreturn(2)). */
static void inject_handler(int, siginfo_t* info, void* context) {
  int error = errno;
  ucontext_t* ucontext = static_cast<ucontext_t*>(context);
  uint64_t mask;
  memcpy(&mask, &ucontext->uc_sigmask, sizeof mask);
  mask |= CP_BLOCKED_SET;
  memcpy(&ucontext->uc_sigmask, &mask, sizeof mask);
  // Somebody else's signal of this number: give it back, until no thread is left that takes it here.
  if (info->si_code != SI_TKILL || info->si_pid != getpid()) kill(getpid(), inject_signo);
  errno = error;
}

/** Blocked by who blocks all there is, and not by us. */
static constexpr uint64_t everything = CP_BIT(SIGPROF) | CP_BIT(SIGTRAP);

struct Round {
  int unmasked;
  bool failed;
};

static bool check_thread(int tid, int dir_fd, void* context) {
  Round* round = static_cast<Round*>(context);
  char name[32], status[4096];
  strcpy(put_number(name, tid), "/status");
  ssize_t bytes = read_at(dir_fd, name, status, sizeof status);
  // A thread that has ended meanwhile needs no mask.
  if (bytes == -ENOENT || bytes == -ESRCH || bytes == 0) return true;
  const char* line = bytes < 0 ? nullptr : strstr(status, "\nSigBlk:");
  const char* state = bytes < 0 ? nullptr : strstr(status, "\nState:\t");
  if (line == nullptr || state == nullptr) {
    round->failed = true;
    return false;
  }
  uint64_t mask = strtoull(line + 8, nullptr, 16);
  bool blocked = (mask & CP_BLOCKED_SET) == CP_BLOCKED_SET;
  if (blocked && ((mask & everything) != everything || state[8] == 'S')) return true;
  round->unmasked++;
  // In our handler, or in the first instructions of a thread, which the C library runs with all signals blocked before it
  // sets the mask that the thread inherited: what it will be is not to be seen yet.
  if (blocked) return true;
  syscall(SYS_tgkill, getpid(), tid, inject_signo);
  return true;
}

bool inject_mask() {
  if (cp_mask(SIG_BLOCK, CP_BLOCKED_SET, nullptr) != 0) return false;
  struct sigaction ours = {}, before;
  ours.sa_sigaction = inject_handler;
  ours.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  sigfillset(&ours.sa_mask);
  if (sigaction(inject_signo, &ours, &before) != 0) return false;
  Round round = {1, !proc_is_ours()};
  int64_t deadline = cp_now_ms() + inject_limit_ms;
  // Read again after every round: a thread not yet patched may have made another one.
  while (round.unmasked > 0 && !round.failed && cp_now_ms() < deadline) {
    round.unmasked = 0;
    if (each_number("/proc/self/task", check_thread, &round) != 0) round.failed = true;
    struct timespec pause = {0, 200000};
    if (round.unmasked > 0) clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, nullptr);
  }
  // A thread may still have one of ours pending when we gave up: then the handler has to stay.
  if (round.failed || round.unmasked > 0) return false;
  sigaction(inject_signo, &before, nullptr);
  return true;
}

}  // namespace pilot
