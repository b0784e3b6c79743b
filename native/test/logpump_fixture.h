// Children, readers and waiting for tests of the running pump. One pump a program: tests change its settings.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <signal.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "../logpump.h"
#include "../queue.h"
#include "check.h"

using namespace pilot;
using namespace std::string_literals;

/** Defined by the whole native half, which these tests do without; the preload constructor never calls it here. */
extern "C" __attribute__((weak)) int cp_native_arm(int) { return 0; }

/** Far longer than anything takes; only a test that fails waits for it. */
inline constexpr int patience_ms = 20000;

inline int64_t now_ms() {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

inline void nap(int ms) { poll(nullptr, 0, ms); }

/** Waits for a condition that another thread or process brings about. */
template <typename Condition>
bool wait_for(Condition condition) {
  for (int64_t end = now_ms() + patience_ms; now_ms() < end; nap(2)) {
    if (condition()) return true;
  }
  return condition();
}

inline Bytes bytes(const std::string& text) { return {text.data(), text.size()}; }

inline void say(LogLevel level, const std::string& message) { pump_log(level, bytes(message), nullptr, 0); }

/** Writes all of it or dies. For children, which must not allocate: another thread may have held that lock at the fork. */
inline void write_bytes(int fd, const char* data, size_t size) {
  for (size_t at = 0; at < size;) {
    ssize_t count = write(fd, data + at, size - at);
    if (count <= 0) _exit(99);
    at += static_cast<size_t>(count);
  }
}
inline void write_all(int fd, const std::string& text) { write_bytes(fd, text.data(), text.size()); }
template <size_t size>
void write_all(int fd, const char (&text)[size]) {
  write_bytes(fd, text, size - 1);
}

struct Closed {
  bool held;
  std::string text;
};

/** What has been drained so far. */
inline std::map<uint32_t, Closed> closed_runs;

/** As JavaScript does it: copy the text, then release it. */
inline void drain_events() {
  queue_begin_drain();
  for (Event event; queue_pop(&event);) {
    CHECK(event.type == EventType::closed && closed_runs.count(event.run) == 0);
    closed_runs[event.run] = {event.flag, {event.text, event.text_bytes}};
    pump_release(event.run);
  }
}

inline bool is_closed(uint32_t run) {
  drain_events();
  return closed_runs.count(run) != 0;
}

/** The event of a run; fails the test when it does not come. */
inline Closed wait_closed(uint32_t run) {
  return CHECK(wait_for([run] { return is_closed(run); })) ? closed_runs[run] : Closed{};
}

struct Child {
  uint32_t run;
  pid_t pid;
};

inline uint32_t child_runs = 0;

/** Starts `body`, which must not allocate, with its 1 and 2 going to the pump, and nothing else open. */
template <typename Body>
Child start_child(LogStreamKind out, LogStreamKind err, const std::vector<LogField>& fields, Body body) {
  Child child = {++child_runs, -1};
  int fds[2];
  if (!CHECK(pump_open(child.run, out, err, fields.data(), fields.size(), fds) == 0)) return child;
  child.pid = fork();
  if (child.pid == 0) {
    if (fds[0] >= 0) dup2(fds[0], 1);
    if (fds[1] >= 0) dup2(fds[1], 2);
    syscall(SYS_close_range, 3u, ~0u, 0u);
    // The pump's thread has SIGPIPE blocked, we do not: a child that loses its pipe dies of it.
    signal(SIGPIPE, SIG_DFL);
    body();
    _exit(0);
  }
  pump_run(child.run, child.pid);
  return child;
}

/** Waits for its leader and tells the pump, as the reaper does; returns the wait status. */
inline int reap(const Child& child) {
  int status = -1;
  waitpid(child.pid, &status, 0);
  pump_exited(child.run);
  return status;
}

/** Memory that children see, too. */
template <typename T>
T* shared() {
  return static_cast<T*>(mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
}

inline void set_log(LogLevel level, LogFormat format, LogDialect dialect, int fd) {
  CHECK(pump_settings({level, format, dialect, fd}) == 0);
}

/** The log's reader: a thread that collects what arrives. */
class Reader {
 public:
  /** Reads from `fd` until its end, closing it then. */
  explicit Reader(int fd) : fd_(fd) { pthread_create(&thread_, nullptr, body, this); }
  Reader(const Reader&) = delete;
  std::string join() {
    pthread_join(thread_, nullptr);
    return text_;
  }

 private:
  static void* body(void* self) {
    Reader* reader = static_cast<Reader*>(self);
    static constexpr size_t chunk = 65536;
    char* data = static_cast<char*>(malloc(chunk));
    for (ssize_t count; (count = read(reader->fd_, data, chunk)) > 0;) reader->text_.append(data, static_cast<size_t>(count));
    free(data);
    close(reader->fd_);
    return nullptr;
  }
  int fd_;
  pthread_t thread_;
  std::string text_;
};

/** Leaves the log's present descriptor alone. */
inline void log_to_nowhere() {
  int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  set_log(LogLevel::info, LogFormat::plain, LogDialect::v2, nowhere);
  close(nowhere);
  CHECK(pump_flush(patience_ms));
}

/** Runs `body` with the log going to a pipe that is read all the time; returns what was logged. */
template <typename Body>
std::string logged(LogLevel level, LogFormat format, LogDialect dialect, Body body) {
  int ends[2];
  if (!CHECK(pipe2(ends, O_CLOEXEC) == 0)) return "";
  Reader reader(ends[0]);
  set_log(level, format, dialect, ends[1]);
  close(ends[1]);
  body();
  CHECK(pump_flush(patience_ms));
  log_to_nowhere();
  return reader.join();
}

/** Lines of default format v2 without their times. */
inline std::vector<std::string> messages(const std::string& log) {
  constexpr size_t time_size = 20;
  std::vector<std::string> lines;
  for (size_t at = 0; at < log.size();) {
    size_t end = log.find('\n', at);
    if ((end == std::string::npos || end - at < time_size) && !CHECK(!"a whole line")) break;
    lines.push_back(log.substr(at + time_size, end - at - time_size));
    at = end + 1;
  }
  return lines;
}

inline bool check_lines(const std::vector<std::string>& got, const std::vector<std::string>& want, const char* file, int line) {
  if (check_note(got == want, file, line, "lines as expected")) return true;
  size_t same = 0;
  while (same < got.size() && same < want.size() && got[same] == want[same]) same++;
  fprintf(stderr, "  %zu lines, want %zu; the first difference is at %zu:\n", got.size(), want.size(), same);
  if (same < got.size()) check_print_bytes("got ", got[same].data(), got[same].size());
  if (same < want.size()) check_print_bytes("want", want[same].data(), want[same].size());
  return false;
}
#define CHECK_LINES(got, ...) check_lines((got), __VA_ARGS__, __FILE__, __LINE__)

inline int open_descriptors() {
  int count = 0;
  for (int fd = 0; fd < 4096; fd++) count += fcntl(fd, F_GETFD) >= 0;
  return count;
}

/** All calls of pwritev2, and of splice if asked, fail with ENOSYS from here on. */
inline void refuse_calls(bool splice_too) {
  unsigned other = splice_too ? SYS_splice : SYS_pwritev2;
  struct sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pwritev2, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, other, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog filter = {5, program};
  CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
  CHECK(syscall(SYS_pwritev2, -1, nullptr, 0, 0, 0, 0) == -1 && errno == ENOSYS);
  CHECK(!splice_too || (syscall(SYS_splice, -1, nullptr, -1, nullptr, 0, 0) == -1 && errno == ENOSYS));
}

/** Starts the pump and tests it; the exit code. */
inline int run_once(const char* name, void (*tests)()) {
  setenv("TZ", "UTC0", 1);
  signal(SIGPIPE, SIG_IGN);
  if (CHECK(pump_start() == 0)) tests();
  return check_end(name);
}

/** The same in a process that lacks calls. */
inline void run_lacking(const std::string& name, bool splice_too, void (*tests)()) {
  pid_t process = fork();
  if (process == 0) {
    refuse_calls(splice_too);
    int code = run_once((name + (splice_too ? " without pwritev2, splice" : " without pwritev2")).c_str(), tests);
    fflush(stdout);
    _exit(code);
  }
  int status = -1;
  CHECK(waitpid(process, &status, 0) == process && status == 0);
}

/** Also without pwritev2: then splice is the way into a pipe. */
inline int run_twice(const char* name, void (*tests)()) {
  run_lacking(name, false, tests);
  return run_once(name, tests);
}

/** And without both: then poll decides whether a pipe may be written. */
inline int run_thrice(const char* name, void (*tests)()) {
  run_lacking(name, true, tests);
  return run_twice(name, tests);
}
