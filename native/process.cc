#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "procfs.h"
#include "table.h"
#include "unique_fd.h"

namespace pilot {

FutexLock kill_lock;

/** Like kill, with the value of a sigqueue'd signal: the receiver sees what the sender sent (rt_sigqueueinfo(2)). */
static int queue_signal(int32_t pid, int signo, uint64_t value) {
  siginfo_t info;
  memset(&info, 0, sizeof info);
  info.si_signo = signo;
  info.si_code = SI_QUEUE;
  info.si_pid = getpid();
  info.si_uid = getuid();
  info.si_value.sival_ptr = reinterpret_cast<void*>((uintptr_t)value);
  return syscall(SYS_rt_sigqueueinfo, pid, signo, &info) == 0 ? 0 : -errno;
}

int process_signal(uint32_t run, int signo, SignalTarget target, const uint64_t* value) {
  FutexGuard guard(kill_lock);
  cp_child* child = table_find_run(run);
  if (child == nullptr) return -ESRCH;
  uint32_t state = cp_load(child->state);
  int32_t pid = cp_load(child->pid);
  // 0 is ourselves and 1 is init for kill(2): an entry whose pid the kernel has not written yet is nobody.
  if (pid <= 1) return -ESRCH;
  bool alive = state == CP_SPAWNING || state == CP_RUNNING;
  if (target == SignalTarget::process) {
    if (!alive) return -ESRCH;
    if (value != nullptr) return queue_signal(pid, signo, *value);
    return kill(pid, signo) == 0 ? 0 : -errno;
  }
  if (!alive && state != CP_ENDED && state != CP_LINGERING) return -ESRCH;
  return kill(-pid, signo) == 0 ? 0 : -errno;
}

bool group_is_empty(int32_t leader) { return kill(-leader, 0) != 0 && errno == ESRCH; }

bool subreaper_claim() {
  if (getpid() == 1) return false;
  return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0;
}

// A container with more processes than this is swept in several calls.
static constexpr int processes_max = 8192;

struct Process {
  int32_t pid;
  int32_t parent;
  bool zombie;
  bool below_us;
  char name[process_name_bytes];
};

// Static because a sweep must not need memory; guarded by sweep_lock.
static Process processes[processes_max];
static int process_count;
static int32_t signalled[processes_max];
static int signalled_count;
static SweptProcess named[swept_max];
static int named_count;
static FutexLock sweep_lock;

/** Parent and state from /proc/PID/stat, read behind the last ')': the name before it may hold anything (proc(5)). */
static bool read_process(int pid, Process* process) {
  char path[32] = "/proc/", stat[512];
  strcpy(put_number(path + 6, pid), "/stat");
  if (read_at(AT_FDCWD, path, stat, sizeof stat) <= 0) return false;
  const char* rest = strrchr(stat, ')');
  if (rest == nullptr || rest[1] != ' ' || rest[2] == 0 || rest[3] != ' ') return false;
  int parent = 0;
  for (const char* digit = rest + 4; *digit >= '0' && *digit <= '9'; digit++) parent = parent * 10 + (*digit - '0');
  *process = {pid, parent, rest[2] == 'Z' || rest[2] == 'X', false, {}};
  const char* name = strchr(stat, '(');
  size_t bytes = name != nullptr && name < rest ? (size_t)(rest - name - 1) : 0;
  if (bytes >= process_name_bytes) bytes = process_name_bytes - 1;
  if (bytes > 0) memcpy(process->name, name + 1, bytes);
  return true;
}

static bool collect_process(int pid, int, void*) {
  if (process_count == processes_max) return false;
  if (pid != getpid() && read_process(pid, &processes[process_count])) process_count++;
  return true;
}

static int collect() {
  process_count = 0;
  return proc_is_ours() ? each_number("/proc", collect_process, nullptr) : -ENOENT;
}

/** Marks what descends from us; repeated because /proc is not sorted by descent. */
static void mark_descendants() {
  int32_t self = getpid();
  for (bool changed = true; changed;) {
    changed = false;
    for (int i = 0; i < process_count; i++) {
      if (processes[i].below_us) continue;
      bool below = processes[i].parent == self;
      for (int j = 0; !below && j < process_count; j++)
        below = processes[j].below_us && processes[j].pid == processes[i].parent;
      processes[i].below_us = below;
      changed = changed || below;
    }
  }
}

/** The pid may have passed to somebody else since we read it: hold it, look again, then signal what is held. */
static void signal_held(const Process& process, int signo) {
  UniqueFd held((int)syscall(SYS_pidfd_open, process.pid, 0));
  Process again;
  if (!read_process(process.pid, &again) || again.parent != process.parent) return;
  if (held.valid() && (syscall(SYS_pidfd_send_signal, held.get(), signo, nullptr, 0) == 0 || errno == ESRCH)) return;
  // No pidfd (old kernel, seccomp): then the time since the last look is the risk.
  kill(process.pid, signo);
}

static void remember_name(const Process& process) {
  if (named_count == swept_max) return;
  SweptProcess* one = &named[named_count++];
  one->pid = process.pid;
  memcpy(one->name, process.name, sizeof one->name);
  make_printable(one->name);
}

static bool was_signalled(int32_t pid) {
  for (int i = 0; i < signalled_count; i++)
    if (signalled[i] == pid) return true;
  return false;
}

/** The only kill(-1) there is. As anything but PID 1 it would end the user's whole session. */
static int kill_all(int signo) {
  if (getpid() != 1) return -EPERM;
  return kill(-1, signo) == 0 ? 0 : -errno;
}

static int sweep_container(int signo) {
  int alive = 0;
  bool counted = collect() == 0;
  for (int i = 0; i < process_count; i++) {
    if (processes[i].zombie) continue;
    alive++;
    if (signo != 0) remember_name(processes[i]);
  }
  int error = kill_all(signo);
  if (error == -ESRCH) return 0;
  if (!counted) return error == 0 ? 1 : error;
  return alive;
}

/** Signals everything below us once, and repeats until nothing new is found: processes fork while we read. */
static int sweep_tree(int signo) {
  signalled_count = 0;
  for (bool found = true; found;) {
    found = false;
    int alive = 0;
    int error = collect();
    if (error != 0) return error;
    mark_descendants();
    for (int i = 0; i < process_count; i++) {
      const Process& process = processes[i];
      if (!process.below_us || process.zombie) continue;
      alive++;
      if (signo == 0 || was_signalled(process.pid) || signalled_count == processes_max) continue;
      remember_name(process);
      signal_held(process, signo);
      signalled[signalled_count++] = process.pid;
      found = true;
    }
    if (signo == 0) return alive;
  }
  return signalled_count;
}

int process_sweep(int signo) {
  FutexGuard guard(sweep_lock);
  if (signo != 0) named_count = 0;
  return getpid() == 1 ? sweep_container(signo) : sweep_tree(signo);
}

int process_swept(SweptProcess (&swept)[swept_max]) {
  FutexGuard guard(sweep_lock);
  memcpy(swept, named, sizeof named);
  return named_count;
}

}  // namespace pilot
