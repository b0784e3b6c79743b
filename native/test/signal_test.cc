// Taking and forwarding signals.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/fanotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../early.h"
#include "../signals.h"
#include "harness.h"

namespace pilot {

static uint64_t blocked_of(const std::string& status) {
  size_t at = status.find("\nSigBlk:\t");
  return at == std::string::npos ? 0 : strtoull(status.c_str() + at + 9, nullptr, 16);
}

static std::atomic<bool> idle_stop{false};
static void* idle(void*) {
  while (!idle_stop.load()) nap_ms(1);
  return nullptr;
}

static int threads_without_mask(int* threads) {
  int wrong = 0;
  *threads = 0;
  DIR* tasks = opendir("/proc/self/task");
  while (struct dirent* task = readdir(tasks)) {
    if (task->d_name[0] == '.') continue;
    (*threads)++;
    uint64_t blocked = blocked_of(read_file(std::string("/proc/self/task/") + task->d_name + "/status"));
    wrong += (blocked & CP_BLOCKED_SET) != CP_BLOCKED_SET;
  }
  closedir(tasks);
  return wrong;
}

/** Threads that have hardly begun, and one made afterwards. */
static void masks_of_all_threads() {
  pthread_t threads[13];
  for (int i = 0; i < 12; i++) pthread_create(&threads[i], nullptr, idle, nullptr);
  CHECK(boot(false).error == 0);
  CHECK(signals_mode() == SignalMode::blocked);
  pthread_create(&threads[12], nullptr, idle, nullptr);
  int seen = 0;
  CHECK(threads_without_mask(&seen) == 0);
  CHECK(seen >= 17);
  idle_stop.store(true);
  for (pthread_t thread : threads) pthread_join(thread, nullptr);
}

static void queue_value(int signo, int value) {
  union sigval carried;
  carried.sival_int = value;
  while (sigqueue(getpid(), signo, carried) != 0) nap_ms(1);
}

/** 2000 and 100 real-time signals arrive exactly, standard ones at least once, and values as they were sent. */
static void check_exact_forwarding() {
  std::string ready = make_temp_dir() + "/ready";
  uint32_t run = start({"count", ready});
  CHECK(wait_file(ready));
  signals_policy(run, ~CP_BIT(SIGCHLD));
  for (int i = 0; i < 2000; i++) {
    kill(getpid(), 37);
    if (i % 20 == 0) kill(getpid(), 60);
    if (i % 100 == 0) queue_value(50, i);
    if (i % 4 == 0) kill(getpid(), SIGTERM);
    if (i % 500 == 0) kill(getpid(), SIGUSR1);
  }
  // Pending ones are taken lowest number first, so this is the last of all.
  kill(getpid(), 63);
  CHECK(world.wait([] { return !world.signals.empty() && world.signals.back().signo == 63; }));
  CHECK(process_signal(run, SIGQUIT, SignalTarget::process) == 0);
  CHECK(world.wait_done(run));
  const std::string& counts = world.runs[run].output;
  if (!CHECK(counts.find(" 37:2000 ") != std::string::npos && counts.find(" 60:100 ") != std::string::npos &&
             counts.find(" 50:20 ") != std::string::npos && counts.find("values:19000") != std::string::npos &&
             counts.find("15:") != std::string::npos && counts.find("10:") == 0))
    fprintf(stderr, "%s\n", counts.c_str());
  int unforwarded = 0;
  for (const Event& event : world.signals) unforwarded += !event.flag || event.pid != getpid() || event.uid != getuid();
  CHECK(unforwarded == 0);
}

static void forwarding_blocked() {
  CHECK(boot(false).error == 0);
  CHECK(signals_mode() == SignalMode::blocked);
  check_exact_forwarding();
}

/** No /proc to see the other threads' masks in: handlers. */
static void forwarding_handlers() {
  pthread_t thread;
  pthread_create(&thread, nullptr, idle, nullptr);
  CHECK(boot(false).error == 0);
  CHECK(signals_mode() == SignalMode::handlers);
  check_exact_forwarding();
  idle_stop.store(true);
  pthread_join(thread, nullptr);
}

/** Only what the policy names is forwarded; the rest, and all without a receiver, is told with its sender. */
static void policy_decides() {
  CHECK(boot(false).error == 0);
  kill(getpid(), SIGHUP);
  CHECK(world.wait([] { return world.signals.size() == 1; }));
  std::string ready = make_temp_dir() + "/ready";
  uint32_t run = start({"count", ready});
  CHECK(wait_file(ready));
  signals_policy(run, CP_BIT(SIGUSR2) | CP_BIT(SIGQUIT));
  kill(getpid(), SIGHUP);
  CHECK(world.wait([] { return world.signals.size() == 2; }));
  kill(getpid(), SIGUSR2);
  CHECK(world.wait([] { return world.signals.size() == 3; }));
  kill(getpid(), SIGQUIT);
  CHECK(world.wait_done(run));
  CHECK(!world.signals[0].flag && !world.signals[1].flag && world.signals[2].flag);
  CHECK(world.runs[run].output == "12:1 values:0");
  // The receiver is gone.
  kill(getpid(), SIGUSR2);
  CHECK(world.wait([] { return world.signals.size() == 5; }));
  CHECK(world.signals[4].signo == SIGUSR2 && !world.signals[4].flag);
}

/** A leader that ended is nobody's to signal; its group is, until it is empty. */
static void groups() {
  CHECK(boot(false).error == 0);
  std::string ready = make_temp_dir() + "/ready";
  uint32_t run = start({"leave-behind", ready});
  CHECK(world.wait_exited(run));
  CHECK(world.runs[run].code == 3);
  CHECK(world.wait([&] { return world.runs[run].closed == 1; }));
  CHECK(world.runs[run].held && world.runs[run].group_empty == 0);
  CHECK(process_signal(run, 0, SignalTarget::process) == -ESRCH);
  CHECK(process_signal(run, SIGKILL, SignalTarget::group) == 0);
  CHECK(world.wait_done(run));
  CHECK(world.runs[run].order == "ecg");
  CHECK(process_signal(run, SIGKILL, SignalTarget::group) == -ESRCH);
  CHECK(process_signal(4711, SIGKILL, SignalTarget::process) == -ESRCH);
}

struct SlowExec {
  int fanotify;
  std::string echo;
  bool echoed;
  bool allowed;
};

/** Lets a program start only after the other one has said that a signal reached it. */
static void* allow_exec(void* argument) {
  SlowExec* slow = static_cast<SlowExec*>(argument);
  struct fanotify_event_metadata event;
  if (read(slow->fanotify, &event, sizeof event) < (ssize_t)sizeof event) return nullptr;
  kill(getpid(), SIGUSR1);
  for (int64_t end = now_ms() + patience_ms / 3; !slow->echoed && now_ms() < end; nap_ms(1))
    slow->echoed = access(slow->echo.c_str(), F_OK) == 0;
  struct fanotify_response response = {event.fd, FAN_ALLOW};
  slow->allowed = write(slow->fanotify, &response, sizeof response) == (ssize_t)sizeof response;
  close(event.fd);
  return nullptr;
}

/** An exec that hangs (a dead file server) holds the spawning thread, and nobody else. */
static void forwarding_beside_slow_exec() {
  std::string folder = make_temp_dir(), program = folder + "/slow";
  CHECK(system(("cp /bin/true " + program).c_str()) == 0);
  CHECK(boot(false).error == 0);
  uint32_t run = start({"echo-signal", folder + "/ready", folder + "/echo"});
  CHECK(wait_file(folder + "/ready"));
  signals_policy(run, CP_BIT(SIGUSR1));
  SlowExec slow = {fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC), folder + "/echo", false, false};
  if (!CHECK(slow.fanotify >= 0 && fanotify_mark(slow.fanotify, FAN_MARK_ADD, FAN_OPEN_EXEC_PERM, AT_FDCWD, program.c_str()) == 0)) {
    fprintf(stderr, "no fanotify permission events here: %s\n", strerror(errno));
    return;
  }
  pthread_t thread;
  pthread_create(&thread, nullptr, allow_exec, &slow);
  uint32_t held = next_run();
  CHECK(start_program(held, program, {"slow"}) > 0);
  pthread_join(thread, nullptr);
  CHECK(slow.echoed && slow.allowed);
  CHECK(world.wait_done(held));
  process_signal(run, SIGKILL, SignalTarget::process);
  CHECK(world.wait_done(run));
}

const std::vector<Test> signal_tests = {
    {"masks of all threads", Place::here, masks_of_all_threads, true},
    {"forwarding, blocked", Place::here, forwarding_blocked},
    {"forwarding, blocked, as PID 1", Place::pid1, forwarding_blocked},
    {"forwarding, handlers, without /proc, as PID 1", Place::pid1_without_proc, forwarding_handlers, true},
    {"policy decides", Place::here, policy_decides},
    {"groups", Place::here, groups},
    {"forwarding beside a slow exec", Place::here, forwarding_beside_slow_exec},
};

}  // namespace pilot
