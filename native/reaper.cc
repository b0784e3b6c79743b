#include "reaper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dead.h"
#include "futex.h"
#include "gate.h"
#include "logadopt.h"
#include "logpump.h"
#include "orphans.h"
#include "process.h"
#include "queue.h"
#include "signals.h"
#include "table.h"
#include "terminal.h"
#include "thread.h"

namespace pilot {

// SIGCHLD wakes us at once; this is for what sends none: a group member reaped by somebody else. Doubled while nothing ends.
static constexpr int group_poll_min_ms = 50;
static constexpr int group_poll_max_ms = 800;
// Orphans can be handed to us while we have no child at all (`docker exec`).
static constexpr int no_child_poll_ms = 1000;

static Gate gate;
static std::atomic<uint32_t> wake{0};
// Entries in CP_LINGERING; only this thread changes it.
static int lingering = 0;

void reaper_wake() {
  // The kernel says it there.
  if (signals_child_fd() >= 0) return;
  wake.fetch_add(1);
  futex_wake(&wake, 1);
}

/** What waitid found, as waitpid would give it (wait(2)); so it can be stored before the child is gone. */
static int32_t wait_status(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return (info.si_status & 0xff) << 8;
  return info.si_status | (info.si_code == CLD_DUMPED ? 0x80 : 0);
}

static void report(EventType type, const cp_child* child) {
  Event event = {};
  event.type = type;
  if (child != nullptr) event.run = cp_load(child->run);
  if (type == EventType::exited) {
    event.pid = cp_load(child->pid);
    if (WIFEXITED(child->status)) {
      event.code = (uint8_t)WEXITSTATUS(child->status);
    } else {
      event.signo = (uint8_t)WTERMSIG(child->status);
      event.flag = WCOREDUMP(child->status);
      if (!signals_sender(event.run, event.signo, &event.sender_pid, &event.uid)) event.sender_pid = -1;
    }
  }
  queue_push(event);
}

static void reap(const siginfo_t& info) {
  int32_t pid = info.si_pid;
  bool empty = false, exec_failed = false;
  // Nobody else reaps, so what the pid means stays as it is; and the names of orphans are read while nobody waits.
  cp_child* child = table_find_pid(pid);
  if (child == nullptr && orphans_add(pid)) report(EventType::orphans, nullptr);
  {
    FutexGuard guard(kill_lock);
    if (child != nullptr) {
      // A run that was adopted has been taken for started: its end is told.
      exec_failed = cp_load(child->exec_errno) != 0 && cp_load(child->adopted) == 0;
      child->status = wait_status(info);
      cp_store(child->state, (uint32_t)(exec_failed ? CP_FAILED : CP_ENDED));
    }
    waitpid(pid, nullptr, WNOHANG);
    if (child != nullptr && !exec_failed) {
      empty = group_is_empty(pid);
      cp_store(child->state, (uint32_t)(empty ? CP_GONE : CP_LINGERING));
    }
  }
  if (child == nullptr) return;
  if (exec_failed) {
    // Spawn has returned the errno or is about to; there is nothing else to tell.
    cp_store(child->state, (uint32_t)CP_FREE);
    return;
  }
  if (cp_load(child->foreground) != 0) terminal_reclaim();
  uint32_t run = cp_load(child->run);
  int32_t status = child->status;
  report(EventType::exited, child);
  if (cp_load(child->pumped) != 0)
    pump_exited(run);
  else if ((cp_load(child->owed) & CP_OWES_CLOSED) != 0)
    report(EventType::closed, child);
  // The last word on a run: as soon as it is drained, the entry may be used again.
  if (empty)
    report(EventType::group_empty, child);
  else
    lingering++;
  dead_after_exit(run, status);
}

static void check_groups() {
  uint32_t high = cp_load(table->children_high);
  for (uint32_t i = 0; i < high && lingering > 0; i++) {
    cp_child* child = &table->children[i];
    if (cp_load(child->state) != CP_LINGERING) continue;
    GatePass pass(gate);
    bool empty = false;
    {
      FutexGuard guard(kill_lock);
      empty = group_is_empty(cp_load(child->pid));
      if (empty) cp_store(child->state, (uint32_t)CP_GONE);
    }
    if (!empty) continue;
    lingering--;
    report(EventType::group_empty, child);
  }
}

/** Until something may have ended; spurious returns are allowed. `seen`: the wake-ups that are known. */
static void rest(uint32_t seen, int timeout_ms) {
  struct pollfd child = {signals_child_fd(), POLLIN, 0};
  if (child.fd < 0) return futex_wait(&wake, seen, timeout_ms);
  struct signalfd_siginfo info;
  if (poll(&child, 1, timeout_ms) <= 0) return;
  ssize_t got = read(child.fd, &info, sizeof info);
  (void)got;
}

static void* reaper_main() {
  int group_poll_ms = group_poll_min_ms;
  for (;;) {
    uint32_t seen = wake.load();
    siginfo_t info = {};
    // Blocks only while nothing else is to be watched. The child stays a zombie, so nothing is lost before the gate.
    int flags = WEXITED | WNOWAIT | (lingering > 0 ? WNOHANG : 0);
    int result = waitid(P_ALL, 0, &info, flags);
    if (result == 0 && info.si_pid != 0) {
      GatePass pass(gate);
      reap(info);
      group_poll_ms = group_poll_min_ms;
      continue;
    }
    if (result != 0 && errno == EINTR) continue;
    check_groups();
    rest(seen, lingering > 0 ? group_poll_ms : no_child_poll_ms);
    if (group_poll_ms < group_poll_max_ms) group_poll_ms *= 2;
  }
}

/** What is left of a run that ended while the program was replaced, or whose end nobody was told. */
static void resume_ended(cp_child* child) {
  uint32_t run = cp_load(child->run), owed = cp_load(child->owed);
  dead_after_exit(run, child->status);
  if ((owed & CP_OWES_EXITED) != 0) report(EventType::exited, child);
  if (cp_load(child->pumped) != 0 && log_run_known(run))
    pump_exited(run);
  else if ((owed & CP_OWES_CLOSED) != 0)
    report(EventType::closed, child);
  if (cp_load(child->state) == CP_LINGERING)
    lingering++;
  else if ((owed & CP_OWES_GROUP) != 0)
    report(EventType::group_empty, child);
}

/** Brings one entry that an earlier program has left into a state that this one goes on from. */
static void resume(cp_child* child) {
  int32_t pid = cp_load(child->pid);
  uint32_t state = cp_load(child->state);
  if (state == CP_FREE) return;
  cp_store(child->adopted, 1u);
  bool alive = state == CP_SPAWNING || state == CP_RUNNING;
  // Never cloned, or its failure was about to be returned to a caller who is gone.
  if ((alive && pid <= 1) || state == CP_FAILED) {
    if (pid > 1) waitpid(pid, nullptr, WNOHANG);
    cp_store(child->state, (uint32_t)CP_FREE);
    return;
  }
  siginfo_t info = {};
  if (alive && waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD) {
    // Somebody who held this pid between the two programs has collected it; how it ended is not to be known.
    child->status = SIGKILL;
    alive = false;
  }
  if (alive) {
    cp_store(child->state, (uint32_t)CP_RUNNING);
    return;
  }
  if (state == CP_ENDED) waitpid(pid, nullptr, WNOHANG);
  if (state != CP_GONE) cp_store(child->state, (uint32_t)(group_is_empty(pid) ? CP_GONE : CP_LINGERING));
  resume_ended(child);
  if (cp_load(child->owed) == 0 && cp_load(child->state) == CP_GONE) cp_store(child->state, (uint32_t)CP_FREE);
}

int reaper_start() {
  gate_register(&gate);
  if (table_adopts())
    for (uint32_t i = 0; i < cp_load(table->children_high); i++) resume(&table->children[i]);
  return thread_start("cp-reaper", reaper_main);
}

}  // namespace pilot
