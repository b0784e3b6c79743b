// A log whose reader is stuck, gone, or back again: what must not wait, what must not grow, what must not be lost.

#include "../gate.h"
#include "../logregion.h"
#include "logpump_fixture.h"

namespace {

constexpr LogStreamKind none = LogStreamKind::none;
constexpr LogStreamKind log_lines = LogStreamKind::log;
constexpr LogStreamKind capture = LogStreamKind::capture;

/** Line `number` of a flood, with its newline; returns its length. */
size_t flood_line(uint64_t number, char* out) {
  size_t digits = static_cast<size_t>(snprintf(out, 24, "%llu", static_cast<unsigned long long>(number)));
  size_t letters = 20 + number * 7 % 150;
  memset(out + digits, static_cast<char>('a' + number % 26), letters);
  out[digits + letters] = '\n';
  return digits + letters + 1;
}

/** Writes numbered lines of `size` bytes or a little more, counting in `written`. */
void flood(size_t size, uint64_t* written) {
  static char chunk[32768];
  size_t used = 0, made = 0;
  for (uint64_t number = 0; made < size; number++) {
    size_t line = flood_line(number, chunk + used);
    used += line;
    made += line;
    if (used < sizeof chunk - 256 && made < size) continue;
    write_bytes(1, chunk, used);
    __atomic_fetch_add(written, used, __ATOMIC_SEQ_CST);
    used = 0;
  }
}

/** Takes the lines of a flood out of the log, in order, checking every byte; returns the rest. */
std::vector<std::string> without_flood(const std::vector<std::string>& lines, size_t size, bool* complete) {
  std::vector<std::string> rest;
  uint64_t next = 0, made = 0;
  char want[256];
  size_t want_size = flood_line(next, want);
  for (const std::string& line : lines) {
    if (line.size() + 1 != want_size || memcmp(line.data(), want, line.size()) != 0) {
      rest.push_back(line);
      continue;
    }
    made += want_size;
    want_size = flood_line(++next, want);
  }
  *complete = made >= size;
  return rest;
}

/** Resident memory of the process, shared included. */
size_t resident_bytes() {
  FILE* file = fopen("/proc/self/statm", "r");
  unsigned long pages = 0;
  CHECK(fscanf(file, "%*u %lu", &pages) == 1);
  fclose(file);
  return pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

/** Returns when the counter has stopped. */
uint64_t wait_still(const uint64_t* counter) {
  uint64_t last = ~uint64_t{0};
  for (int same = 0; same < 20; nap(10)) {
    uint64_t now = __atomic_load_n(counter, __ATOMIC_SEQ_CST);
    same = now == last && now > 0 ? same + 1 : 0;
    last = now;
  }
  return last;
}

/** Processor time this process has used. */
int64_t cpu_ms() {
  struct timespec spent;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
  return spent.tv_sec * INT64_C(1000) + spent.tv_nsec / 1000000;
}

/** Whether the pump sleeps, whatever it waits for. */
bool is_idle() {
  int64_t spent = cpu_ms();
  nap(300);
  return cpu_ms() - spent < 100;
}

/**
 * Nobody reads the log. A flooding child comes to rest in write(2), our lines are dropped, captured streams and ends of runs
 * go on. Then the reader comes: not a byte of the child is lost.
 */
void test_stuck_reader() {
  constexpr size_t flood_bytes = 50 * 1000 * 1000;
  // Pipes, the stream's buffer, the output's.
  constexpr size_t bound_bytes = 400 * 1000;
  int ends[2];
  CHECK(pipe2(ends, O_CLOEXEC) == 0);
  int flags = fcntl(ends[1], F_GETFL);
  set_log(LogLevel::info, LogFormat::plain, LogDialect::v2, ends[1]);
  uint64_t* written = shared<uint64_t>();
  Child child = start_child(log_lines, none, {}, [&] { flood(flood_bytes, written); });
  CHECK(wait_for([&] {
    struct pollfd log = {ends[1], POLLOUT, 0};
    return poll(&log, 1, 0) == 0;
  }));
  CHECK(wait_still(written) < bound_bytes);
  size_t resident = resident_bytes();

  constexpr int own_lines = 20000;
  for (int i = 0; i < own_lines; i++) say(LogLevel::info, "own " + std::to_string(i));

  // A value is read all the same, and a run that ends is closed all the same: nobody holds its stream.
  Child value = start_child(capture, log_lines, {}, [] {
    write_all(2, "seen later\n");
    write_all(1, "42");
  });
  CHECK(reap(value) == 0);
  Closed closed = wait_closed(value.run);
  CHECK(!closed.held && closed.text == "42");
  CHECK(!pump_flush(50));

  // Many more children that want to write.
  std::vector<Child> more;
  std::string text = std::string(30000, 'm') + "\n";
  for (int i = 0; i < 30; i++) more.push_back(start_child(log_lines, none, {}, [&] { write_all(1, text); }));
  for (const Child& one : more) reap(one);
  for (const Child& one : more) CHECK(!wait_closed(one.run).held);
  CHECK(resident_bytes() < resident + 4 * 1024 * 1024);
  CHECK(wait_still(written) < bound_bytes);
  CHECK(is_idle());
  CHECK(fcntl(ends[1], F_GETFL) == flags);

  Reader reader(ends[0]);
  close(ends[1]);
  CHECK(reap(child) == 0);
  CHECK(!wait_closed(child.run).held);
  CHECK(pump_flush(patience_ms));
  say(LogLevel::info, "at the end");
  CHECK(pump_flush(patience_ms));
  log_to_nowhere();

  bool complete = false;
  std::vector<std::string> rest = without_flood(messages(reader.join()), flood_bytes, &complete);
  CHECK(complete);
  size_t own = 0, dropped = 0, others = 0, late = 0;
  std::vector<std::string> unknown;
  for (const std::string& line : rest) {
    if (line == "own " + std::to_string(own)) own++;
    else if (line.find(" lines dropped") != std::string::npos) dropped += static_cast<size_t>(atoi(line.c_str()));
    else if (line == std::string(30000, 'm')) others++;
    else if (line == "seen later" || line == "at the end") late++;
    else unknown.push_back(line);
  }
  unknown.resize(std::min<size_t>(unknown.size(), 5));
  CHECK_LINES(unknown, {});
  CHECK(own > 100 && dropped > 100 && own + dropped == own_lines);
  CHECK(others == 30 && late == 2);
  munmap(written, sizeof *written);
}

/** The notice stands where the lines are missing, also when others follow. */
void test_dropped_in_place() {
  int ends[2];
  CHECK(pipe2(ends, O_CLOEXEC) == 0);
  fcntl(ends[1], F_SETPIPE_SZ, 4096);
  set_log(LogLevel::info, LogFormat::plain, LogDialect::v2, ends[1]);
  std::string big(1000, 'b');
  for (int i = 0; i < 2000; i++) say(LogLevel::info, big);
  // Wait until the thread has moved what it could, then fill what it made free again.
  for (int i = 0; i < 200; i++) {
    say(LogLevel::info, big);
    nap(1);
  }
  Reader reader(ends[0]);
  close(ends[1]);
  CHECK(pump_flush(patience_ms));
  say(LogLevel::info, "after");
  CHECK(pump_flush(patience_ms));
  log_to_nowhere();
  std::vector<std::string> lines = messages(reader.join());
  size_t shown = 0, dropped = 0, notices = 0;
  for (const std::string& line : lines) {
    if (line == big) shown++;
    if (line.find(" dropped") == std::string::npos) continue;
    dropped += static_cast<size_t>(atoi(line.c_str()));
    notices++;
  }
  CHECK(shown + dropped == 2200 && notices >= 1);
  CHECK(lines.size() == shown + notices + 1 && lines.back() == "after");
}

/** At level ERROR nobody is told, but what follows comes through. */
void test_dropped_level() {
  int ends[2];
  CHECK(pipe2(ends, O_CLOEXEC) == 0);
  set_log(LogLevel::error, LogFormat::plain, LogDialect::v2, ends[1]);
  for (int i = 0; i < 20000; i++) say(LogLevel::error, "own");
  Reader reader(ends[0]);
  close(ends[1]);
  CHECK(pump_flush(patience_ms));
  log_to_nowhere();
  CHECK(reader.join().find("dropped") == std::string::npos);
}

/** The log's other end is gone: children go on unhindered, nothing spins, and what is lost is told when there is a log again. */
void test_gone_reader(int fd) {
  set_log(LogLevel::info, LogFormat::plain, LogDialect::v2, fd);
  uint64_t* written = shared<uint64_t>();
  Child child = start_child(log_lines, none, {}, [&] { flood(5000000, written); });
  CHECK(reap(child) == 0);
  CHECK(!wait_closed(child.run).held);
  for (int i = 0; i < 100; i++) say(LogLevel::info, "lost");
  CHECK(pump_flush(patience_ms));
  CHECK(is_idle());

  std::string log = logged(LogLevel::info, LogFormat::plain, LogDialect::v2, [] { say(LogLevel::info, "back"); });
  std::vector<std::string> lines = messages(log);
  if (!CHECK(lines.size() == 2)) return;
  size_t notice = lines[0] == "back" ? 1 : 0;
  CHECK(lines[1 - notice] == "back");
  CHECK(atoi(lines[notice].c_str()) > 10000);
  munmap(written, sizeof *written);
}

void test_gone_readers() {
  int ends[2];
  CHECK(pipe2(ends, O_CLOEXEC) == 0);
  close(ends[0]);
  test_gone_reader(ends[1]);
  close(ends[1]);
  CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  close(ends[0]);
  test_gone_reader(ends[1]);
  close(ends[1]);
  int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  test_gone_reader(full);
  close(full);
  // Started with stdout closed.
  int saved = dup(1);
  close(1);
  test_gone_reader(1);
  dup2(saved, 1);
  close(saved);
  CHECK(pump_settings({LogLevel::info, LogFormat::plain, LogDialect::v2, 4000}) == -EBADF);
}

void test_flush_deadline() {
  int ends[2];
  CHECK(pipe2(ends, O_CLOEXEC) == 0);
  set_log(LogLevel::info, LogFormat::plain, LogDialect::v2, ends[1]);
  std::string big(50000, 'x');
  for (int i = 0; i < 3; i++) say(LogLevel::info, big);
  int64_t begun = now_ms();
  CHECK(!pump_flush(100));
  CHECK(now_ms() - begun >= 100);
  // It does not spin while it waits, either.
  int64_t spent = cpu_ms();
  CHECK(!pump_flush(300));
  CHECK(cpu_ms() - spent < 100);
  Reader reader(ends[0]);
  close(ends[1]);
  CHECK(pump_flush(patience_ms));
  log_to_nowhere();
  CHECK_LINES(messages(reader.join()), {big, big, big});
}

/** Flush takes along what children have written, unterminated lines included, and only once. */
void test_flush_takes_all() {
  std::string log = logged(LogLevel::info, LogFormat::plain, LogDialect::v2, [] {
    uint64_t* said = shared<uint64_t>();
    Child child = start_child(log_lines, none, {}, [&] {
      write_all(1, "line\nprompt> ");
      __atomic_store_n(said, 1, __ATOMIC_SEQ_CST);
      pause();
    });
    CHECK(wait_for([&] { return __atomic_load_n(said, __ATOMIC_SEQ_CST) == 1; }));
    CHECK(pump_flush(patience_ms));
    CHECK(pump_flush(patience_ms));
    kill(child.pid, SIGKILL);
    reap(child);
    wait_closed(child.run);
    munmap(said, sizeof *said);
  });
  CHECK_LINES(messages(log), {"line", "prompt> "});
}

/** Gates closed in the middle of a flood: nothing moves; opened again: nothing is missing or doubled. */
void test_gates() {
  constexpr size_t flood_bytes = 20000000;
  uint64_t* written = shared<uint64_t>();
  std::string log = logged(LogLevel::info, LogFormat::plain, LogDialect::v2, [&] {
    Child child = start_child(log_lines, none, {}, [&] { flood(flood_bytes, written); });
    for (int i = 0; i < 30; i++) {
      nap(3);
      CHECK(gates_close(patience_ms));
      if (i == 0) {
        uint64_t stopped = wait_still(written);
        say(LogLevel::info, "while closed");
        CHECK(!pump_flush(50));
        CHECK(__atomic_load_n(written, __ATOMIC_SEQ_CST) == stopped);
      }
      gates_open();
    }
    reap(child);
    wait_closed(child.run);
  });
  bool complete = false;
  CHECK_LINES(without_flood(messages(log), flood_bytes, &complete), {"while closed"});
  CHECK(complete);
  munmap(written, sizeof *written);
}

/** Several floods at once, all complete, none starved; memory is given back when they are done. */
void test_floods() {
  constexpr size_t flood_bytes = 3000000;
  uint64_t* written = shared<uint64_t>();
  std::string log = logged(LogLevel::info, LogFormat::json, LogDialect::v2, [&] {
    std::vector<Child> children;
    static const char names[] = "ABCDEF";
    for (int i = 0; i < 6; i++) {
      LogField field = {{"task", 4}, {names + i, 1}, false};
      children.push_back(start_child(log_lines, log_lines, {field}, [&] { flood(flood_bytes, written); }));
    }
    for (const Child& child : children) reap(child);
    for (const Child& child : children) wait_closed(child.run);
  });
  std::map<char, std::vector<std::string>> by_task;
  for (size_t at = 0; at < log.size();) {
    size_t end = log.find('\n', at);
    std::string line = log.substr(at, end - at);
    size_t msg = line.find("\"msg\":\"") + 7, task = line.find("\",\"task\":\"");
    if ((end == std::string::npos || task == std::string::npos) && !CHECK(!"a whole line with its task")) break;
    by_task[line[task + 10]].push_back(line.substr(msg, task - msg));
    at = end + 1;
  }
  CHECK(by_task.size() == 6);
  for (const auto& one : by_task) {
    bool complete = false;
    CHECK(without_flood(one.second, flood_bytes, &complete).empty() && complete);
  }
  munmap(written, sizeof *written);
}

void test_all() {
  test_stuck_reader();
  test_dropped_in_place();
  test_dropped_level();
  test_gone_readers();
  test_flush_deadline();
  test_flush_takes_all();
  test_gates();
  test_floods();
}

}  // namespace

int main() { return run_twice("logpump_stuck", test_all); }
