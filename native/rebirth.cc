#include "rebirth.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <initializer_list>

#include "clock.h"
#include "early.h"
#include "gate.h"
#include "instant.h"
#include "logadopt.h"
#include "procfs.h"
#include "queue.h"
#include "samefile.h"
#include "signals.h"
#include "spawn.h"

namespace pilot {

static constexpr int gate_wait_ms = 100;
static constexpr int thread_looks = 20;
static constexpr int thread_look_ms = 10;

static const char* const cause_names[] = CP_CAUSE_NAMES;

bool rebirth_has_work() { return cp_load(table->children_high) > 0; }

static bool look_at_thread(int tid, int dir_fd, void* context) {
  char name[32], stat[512];
  strcpy(put_number(name, tid), "/stat");
  if (spawn_waits(tid) || read_at(dir_fd, name, stat, sizeof stat) <= 0) return true;
  const char* rest = strrchr(stat, ')');
  bool* held = static_cast<bool*>(context);
  *held = rest != nullptr && rest[1] == ' ' && rest[2] == 'D';
  return !*held;
}

/** exec waits for all other threads; one in uninterruptible sleep would hold it while nobody forwards or reaps. */
static bool thread_is_held() {
  for (int look = 0; look < thread_looks; look++) {
    bool held = false;
    each_number("/proc/self/task", look_at_thread, &held);
    if (!held) return false;
    cp_pause_ms(thread_look_ms);
  }
  return true;
}

/** A line put together without the C library's formatting, cut where it is full. */
class Line {
 public:
  void add(const char* text) {
    for (; *text != 0 && used_ < sizeof text_ - 1; text++) text_[used_++] = *text == '\n' ? ' ' : *text;
  }
  void add(uint32_t number) {
    char digits[12];
    put_number(digits, (int)number);
    add(digits);
  }
  const char* end() {
    text_[used_++] = '\n';
    return text_;
  }
  size_t size() const { return used_; }

 private:
  char text_[512];
  size_t used_ = 0;
};

/** Never waits for a reader: a page fits into a pipe that polls as writable (pipe(7)). */
static void write_now(int fd, const char* text, size_t bytes) {
  struct pollfd ready = {fd, POLLOUT, 0};
  if (poll(&ready, 1, 0) <= 0 || (ready.revents & POLLOUT) == 0) return;
  ssize_t written = write(fd, text, bytes);
  (void)written;
}

/** Only where the container's runtime has put one. */
static void write_termination_log(const char* text, size_t bytes) {
  int fd = open("/dev/termination-log", O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return;
  struct stat about;
  if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode)) write_now(fd, text, bytes);
  close(fd);
}

static void say(cp_cause cause, uint32_t recent, bool last) {
  Line line;
  line.add("containerpilot: the runtime has died (");
  line.add(cause_names[cause]);
  if (table->rebirth.told[0] != 0) {
    line.add(": ");
    line.add(table->rebirth.told);
  }
  line.add(last ? "), once too often: everything is stopped; before that it was replaced " : "), it is replaced and the application goes on: ");
  line.add(recent);
  line.add(" of ");
  line.add(CP_REBIRTHS_MAX);
  line.add(" times in ten minutes");
  const char* text = line.end();
  write_now(STDERR_FILENO, text, line.size());
  write_termination_log(text, line.size());
}

static uint32_t recent_rebirths(int64_t now) {
  const cp_rebirth& record = table->rebirth;
  uint32_t recent = 0;
  for (uint32_t i = 0; i < CP_REBIRTHS_MAX && i < record.count; i++) recent += now - record.at_ms[i] < CP_REBIRTH_WINDOW_MS;
  return recent;
}

/** Counts this death and tells of it. */
static void account(cp_cause cause, bool hasty) {
  cp_rebirth& record = table->rebirth;
  int64_t now = cp_now_ms();
  uint32_t recent = recent_rebirths(now);
  bool last = recent >= CP_REBIRTHS_MAX;
  if (!hasty) say(cause, last ? recent : recent + 1, last);
  record.told[0] = 0;
  record.told_cause = CP_CAUSES;
  if (last) {
    cp_store(record.last_stand, 1u);
    return;
  }
  record.at_ms[record.count % CP_REBIRTHS_MAX] = now;
  record.cause = cause;
  record.by_cause[cause]++;
  cp_store(record.count, record.count + 1);
}

/** Taken from the kernel, not forwarded, and JavaScript will never act on it: made pending again, as it came. */
static void give_back(const Event& event) {
  if (event.flag) return;
  siginfo_t info;
  memset(&info, 0, sizeof info);
  info.si_signo = event.signo;
  // Only the main thread may send what looks like kill; another one is held to be somebody else (rt_sigqueueinfo(2)).
  info.si_code = SI_QUEUE;
  info.si_pid = event.pid;
  info.si_uid = event.uid;
  syscall(SYS_rt_sigqueueinfo, getpid(), event.signo, &info);
}

static void keep_over_exec(bool keep) {
  const cp_command& command = table->command;
  for (int fd : {table_fd(), command.launcher_fd, command.runtime_fd})
    if (fd >= 0) fcntl(fd, F_SETFD, keep ? 0 : FD_CLOEXEC);
  log_keep_over_exec(keep);
  instant_keep_over_exec(keep);
  // Node marks the standard streams, which children get by dup; where exec fails they may stay unmarked.
  for (int fd = 0; keep && fd < 3; fd++) fcntl(fd, F_SETFD, 0);
}

static void become_launcher() {
  const cp_command& command = table->command;
  char variable[32] = "CP_AGAIN=";
  put_number(variable + strlen(variable), table_fd());
  char* const arguments[] = {const_cast<char*>(command.text), nullptr};
  char* const variables[] = {variable, nullptr};
  // What lies at the path by now may be something else; the file that was kept open is right in any case, but shows its
  // number as the process's name.
  if (cp_same_file(command.launcher, command.launcher_fd)) execve(command.launcher, arguments, variables);
  syscall(SYS_execveat, command.launcher_fd, "", arguments, variables, AT_EMPTY_PATH);
}

void rebirth(cp_cause cause, bool hasty) {
  if (table_fd() < 0 || cp_load(table->replaceable) == 0 || signals_mode() != SignalMode::blocked) return;
  if (!hasty && thread_is_held()) return;
  gates_close(hasty ? 0 : gate_wait_ms);
  // First, since they may be lost by a failure in what follows.
  if (!hasty) queue_each_untold(give_back);
  account(cause, hasty);
  keep_over_exec(true);
  // exec hands on the mask: what a signal handler has blocked besides must be open again.
  cp_mask(SIG_SETMASK, CP_BLOCKED_SET, nullptr);
  become_launcher();
  keep_over_exec(false);
  gates_open();
}

}  // namespace pilot
