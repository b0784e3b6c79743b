#include "signals.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <atomic>

#include "control.h"
#include "early.h"
#include "futex.h"
#include "gate.h"
#include "inject.h"
#include "process.h"
#include "queue.h"
#include "reaper.h"
#include "ring.h"
#include "thread.h"
#include "unique_fd.h"

namespace pilot {

/** One signal, however it was taken. */
struct Taken {
  int signo;
  int code;
  int32_t pid;
  uint32_t uid;
  uint64_t value;
};

static std::atomic<SignalMode> mode{SignalMode::blocked};
struct Policy {
  std::atomic<uint32_t> main{0};
  std::atomic<uint64_t> forward{0};
};
// Two, so that a signal finds the old one or the new one, whole; the number of changes says which is in force.
static Policy policies[2];
static std::atomic<uint32_t> policy_changes{0};
static Gate gate;
static int signal_fd = -1;
static int child_fd = -1;
// Written when the thread is to look at its descriptors anew.
static int look_fd = -1;

// Handlers only: what they caught, on its way to the thread.
static Ring<Taken, 4096> caught;
static std::atomic<uint32_t> caught_count{0};
static std::atomic<uint64_t> caught_overflow{0};

SignalMode signals_mode() { return mode.load(); }

int signals_child_fd() { return child_fd; }

void signals_policy(uint32_t main, uint64_t forward) {
  uint32_t changes = policy_changes.load();
  Policy& next = policies[(changes + 1) & 1];
  next.main.store(main);
  next.forward.store(forward);
  policy_changes.store(changes + 1);
}

void signals_forward_all() { signals_policy(policies[policy_changes.load() & 1].main.load(), ~UINT64_C(0)); }

bool signals_wait_for_descriptors() { return mode.load() == SignalMode::blocked && signal_fd >= 0 && look_fd >= 0; }

void signals_look_again() {
  uint64_t one = 1;
  ssize_t written = write(look_fd, &one, sizeof one);
  (void)written;
}

/** The run that a signal goes to by itself, 0: none. */
static uint32_t receiver_of(int signo) {
  for (;;) {
    uint32_t changes = policy_changes.load();
    const Policy& policy = policies[changes & 1];
    uint32_t main = (policy.forward.load() & CP_BIT(signo)) != 0 ? policy.main.load() : 0;
    if (policy_changes.load() == changes) return main;
  }
}

/** Senders by signal number, for the run that was the main one then. */
struct Sender {
  std::atomic<uint32_t> run{0};
  std::atomic<uint64_t> who{0};
};
static Sender senders[65];

static void remember_sender(uint32_t run, const Taken& taken) {
  Sender& sender = senders[taken.signo];
  sender.who.store((uint64_t)(uint32_t)taken.pid << 32 | taken.uid);
  sender.run.store(run);
}

bool signals_sender(uint32_t run, int signo, int32_t* pid, uint32_t* uid) {
  const Sender& sender = senders[signo];
  if (sender.run.load() != run) return false;
  uint64_t who = sender.who.load();
  *pid = (int32_t)(who >> 32);
  *uid = (uint32_t)who;
  return true;
}

static void handle(const Taken& taken) {
  if (taken.signo == SIGCHLD) {
    reaper_wake();
    return;
  }
  bool forwarded = false;
  uint32_t run = receiver_of(taken.signo);
  if (run != 0) {
    bool queued = taken.code == SI_QUEUE;
    // First: it may end the application at once.
    remember_sender(run, taken);
    forwarded = process_signal(run, taken.signo, SignalTarget::process, queued ? &taken.value : nullptr) == 0;
  }
  Event event = {};
  event.type = EventType::signal;
  event.signo = (uint8_t)taken.signo;
  event.pid = taken.pid;
  event.uid = taken.uid;
  event.flag = forwarded;
  queue_push(event);
}

/** Takes at most one signal, inside of the gate, so that an exec finds it either pending or forwarded. */
static void take_from_fd() {
  struct pollfd ready[] = {{signal_fd, POLLIN, 0}, {control_door(), POLLIN, 0}, {look_fd, POLLIN, 0}};
  if (poll(ready, 3, -1) <= 0) return;
  if (ready[2].revents != 0) {
    uint64_t calls;
    ssize_t got = read(look_fd, &calls, sizeof calls);
    (void)got;
  }
  if (ready[1].revents != 0) control_knocked(ready[1].fd);
  if (ready[0].revents == 0) return;
  GatePass pass(gate);
  struct signalfd_siginfo info;
  if (read(signal_fd, &info, sizeof info) != (ssize_t)sizeof info) return;
  handle({(int)info.ssi_signo, info.ssi_code, (int32_t)info.ssi_pid, info.ssi_uid, info.ssi_ptr});
}

/** Without a descriptor: dequeued before the gate. */
static void take_waiting() {
  sigset_t set;
  memset(&set, 0, sizeof set);
  uint64_t bits = CP_BLOCKED_SET;
  memcpy(&set, &bits, sizeof bits);
  siginfo_t info;
  if (sigwaitinfo(&set, &info) < 0) return;
  GatePass pass(gate);
  handle({info.si_signo, info.si_code, info.si_pid, info.si_uid, (uint64_t)(uintptr_t)info.si_value.sival_ptr});
}

static void take_caught() {
  uint32_t seen = caught_count.load();
  Taken taken = {};
  bool any = false;
  for (;; any = true) {
    GatePass pass(gate);
    if (!caught.pop(&taken)) break;
    handle(taken);
  }
  uint64_t lost = caught_overflow.exchange(0);
  for (int signo = 1; lost != 0; signo++, lost >>= 1) {
    if ((lost & 1) == 0) continue;
    GatePass pass(gate);
    handle({signo, SI_USER, 0, 0, 0});
    any = true;
  }
  if (!any) futex_wait(&caught_count, seen, -1);
}

static void* signals_main() {
  for (;;) {
    if (mode.load() == SignalMode::handlers)
      take_caught();
    else if (signal_fd >= 0)
      take_from_fd();
    else
      take_waiting();
  }
}

static void catch_signal(int signo, siginfo_t* info, void*) {
  bool own = info->si_pid == getpid();
  // Left over from an injection that was given up.
  if (own && signo == inject_signo && info->si_code == SI_TKILL) return;
  // A write of ours found no reader, and says so in its result.
  if (own && signo == SIGPIPE) return;
  int error = errno;
  Taken taken = {signo, info->si_code, info->si_pid, info->si_uid, (uint64_t)(uintptr_t)info->si_value.sival_ptr};
  // A full ring keeps what the kernel would: that the signal came, not how often.
  if (!caught.push(taken)) caught_overflow.fetch_or(CP_BIT(signo));
  caught_count.fetch_add(1);
  futex_wake(&caught_count, 1);
  errno = error;
}

static int install_handlers() {
  struct sigaction action = {};
  action.sa_sigaction = catch_signal;
  action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  sigfillset(&action.sa_mask);
  for (int signo = 1; signo <= 64; signo++) {
    if ((CP_BLOCKED_SET & CP_BIT(signo)) != 0) sigaction(signo, &action, nullptr);
  }
  // What this thread had blocked for the attempt to inject has to reach the handlers again.
  return cp_mask(SIG_UNBLOCK, CP_BLOCKED_SET, nullptr);
}

static int open_signal_fd(uint64_t bits) {
  sigset_t set;
  memset(&set, 0, sizeof set);
  memcpy(&set, &bits, sizeof bits);
  return above_stdio(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

int signals_start(bool masked, bool with_fd) {
  gate_register(&gate);
  if (!masked && !inject_mask()) mode.store(SignalMode::handlers);
  if (mode.load() == SignalMode::blocked && with_fd) {
    // The reaper mostly sleeps in waitid, and no thread has to wake up for the signal then.
    look_fd = above_stdio(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    child_fd = open_signal_fd(CP_BIT(SIGCHLD));
    signal_fd = open_signal_fd(child_fd < 0 ? CP_BLOCKED_SET : CP_BLOCKED_SET & ~CP_BIT(SIGCHLD));
    // Without the first, sigwaitinfo takes them all.
    if (signal_fd < 0 && child_fd >= 0) {
      close(child_fd);
      child_fd = -1;
    }
  }
  int error = thread_start("cp-signals", signals_main);
  if (error == 0 && mode.load() == SignalMode::handlers) error = install_handlers();
  return error;
}

}  // namespace pilot
