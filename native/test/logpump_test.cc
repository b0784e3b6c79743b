// What children say, and how it ends.
#include <signal.h>
#include <sys/resource.h>

#include "../logregion.h"
#include "logpump_fixture.h"

namespace {

constexpr LogStreamKind none = LogStreamKind::none;
constexpr LogStreamKind log_lines = LogStreamKind::log;
constexpr LogStreamKind capture = LogStreamKind::capture;

/** Lines logged by a child that writes `text` to stdout, and the text of its `closed`. */
std::vector<std::string> child_lines(const std::string& text, Closed* closed = nullptr) {
  std::string log = logged(LogLevel::info, LogFormat::plain, LogDialect::v2, [&] {
    Child child = start_child(log_lines, none, {}, [&] { write_all(1, text); });
    CHECK(reap(child) == 0);
    Closed end = wait_closed(child.run);
    CHECK(!end.held);
    if (closed != nullptr) *closed = end;
  });
  return messages(log);
}

void test_lines() {
  Closed closed;
  CHECK_LINES(child_lines("one\ntwo\n", &closed), {"one", "two"});
  CHECK(closed.text == "one\ntwo");
  CHECK_LINES(child_lines("", &closed), {});
  CHECK(closed.text == "");
  CHECK_LINES(child_lines("\n\na\r\n"), {"", "", "a"});
  CHECK_LINES(child_lines("a\nno newline", &closed), {"a", "no newline"});
  CHECK(closed.text == "a\nno newline");
  CHECK_LINES(child_lines("\0\x01\xff\x80\n\0"s), {"\0\x01\xff\x80"s, "\0"s});
}

void test_formats() {
  std::vector<LogField> fields = {{{"job", 3}, {"web", 3}, false}, {{"a", 1}, {"x y", 3}, false}};
  auto run_child = [&] {
    Child child = start_child(log_lines, none, fields, [] { write_all(1, "<hi>\xff\n"); });
    reap(child);
    wait_closed(child.run);
    return std::to_string(child.pid);
  };
  std::string pid;
  auto v3 = [&](LogFormat format) { return logged(LogLevel::info, format, LogDialect::v3, [&] { pid = run_child(); }); };
  std::string json = v3(LogFormat::json);
  std::string want = "{\"a\":\"x y\",\"job\":\"web\",\"level\":\"info\",\"msg\":\"\\u003chi\\u003e\\ufffd\",\"pid\":" + pid + ",\"time\":\"";
  CHECK(json.compare(0, want.size(), want) == 0);
  std::string text = v3(LogFormat::text);
  want = " level=info msg=\"<hi>\xff\" a=\"x y\" job=web pid=" + pid + " \n";
  CHECK(text.size() > want.size() && text.substr(text.size() - want.size()) == want);
  std::string plain = v3(LogFormat::plain);
  want = " web " + pid + " <hi>\xff\n";
  CHECK(plain.size() > want.size() && plain.substr(plain.size() - want.size()) == want);
  std::string v2 = logged(LogLevel::info, LogFormat::text, LogDialect::v2, run_child);
  want = " level=info msg=\"<hi>\xff\" a=\"x y\" job=web \n";
  CHECK(v2.size() > want.size() && v2.substr(v2.size() - want.size()) == want);
}

/** Both streams are logged; a line of the one is never mixed with the other's. */
void test_both_streams() {
  std::string log = logged(LogLevel::info, LogFormat::plain, LogDialect::v2, [] {
    Child child = start_child(log_lines, log_lines, {}, [] {
      write_all(1, "out-");
      write_all(2, "err-");
      write_all(1, "put\n");
      write_all(2, "or\n");
    });
    reap(child);
    wait_closed(child.run);
  });
  std::vector<std::string> lines = messages(log);
  std::sort(lines.begin(), lines.end());
  CHECK_LINES(lines, {"err-or", "out-put"});
}

void test_long_lines() {
  constexpr size_t most = log_line_bytes_max;
  std::string big;
  for (size_t i = 0; i < 1024 * 1024; i++) big.push_back(static_cast<char>('a' + i * 7 % 26));
  std::vector<std::string> parts = child_lines(big + "\nnext\n");
  CHECK(parts.size() == big.size() / most + 1);
  std::string together;
  for (const std::string& part : parts) together += part;
  CHECK(together == big + "next");
  CHECK_LINES(child_lines(big.substr(0, most) + "\n"), {big.substr(0, most)});
  CHECK_LINES(child_lines(big.substr(0, most + 1) + "\n"), {big.substr(0, most), big.substr(most, 1)});

  // In JSON each part is a whole line with the run's fields and its number.
  std::string log = logged(LogLevel::info, LogFormat::json, LogDialect::v2, [&] {
    std::string text = std::string(2 * most + 1, '\1') + "\nshort\n";
    Child child = start_child(log_lines, none, {{{"task", 4}, {"t", 1}, false}}, [&] { write_all(1, text); });
    reap(child);
    wait_closed(child.run);
  });
  size_t at = 0;
  for (const char* part : {",\"part\":1,\"task\":\"t\",", ",\"part\":2,\"task\":\"t\",", ",\"part\":3,\"task\":\"t\","}) {
    size_t end = log.find('\n', at);
    CHECK(end != std::string::npos && log.substr(at, end - at).find(part) != std::string::npos);
    at = end + 1;
  }
  CHECK(log.substr(at).find("\"msg\":\"short\",\"task\"") != std::string::npos);
}

/** A pipe that is empty after a whole read holds up nobody. */
void test_whole_reads() {
  std::string log = logged(LogLevel::info, LogFormat::plain, LogDialect::v2, [] {
    std::string line = std::string(log_item_bytes - 1, 'w') + "\n";
    uint32_t* said = shared<uint32_t>();
    Child child = start_child(log_lines, none, {}, [&] {
      write_all(1, line);
      __atomic_store_n(said, 1, __ATOMIC_SEQ_CST);
      pause();
    });
    CHECK(wait_for([&] { return __atomic_load_n(said, __ATOMIC_SEQ_CST) == 1; }));
    CHECK(pump_flush(patience_ms));
    kill(child.pid, SIGKILL);
    reap(child);
    wait_closed(child.run);
    munmap(said, sizeof *said);
  });
  CHECK_LINES(messages(log), {std::string(log_item_bytes - 1, 'w')});
}

/** A child may close its streams early: the run is closed when its leader ends, not before. */
void test_early_close() {
  std::string log = logged(LogLevel::info, LogFormat::plain, LogDialect::v2, [] {
    uint32_t* said = shared<uint32_t>();
    Child child = start_child(log_lines, log_lines, {}, [&] {
      write_all(1, "closing\n");
      close(1);
      close(2);
      __atomic_store_n(said, 1, __ATOMIC_SEQ_CST);
      pause();
    });
    CHECK(wait_for([&] { return __atomic_load_n(said, __ATOMIC_SEQ_CST) == 1; }));
    CHECK(pump_flush(patience_ms));
    CHECK(!is_closed(child.run));
    kill(child.pid, SIGKILL);
    reap(child);
    Closed closed = wait_closed(child.run);
    CHECK(!closed.held && closed.text == "closing");
    munmap(said, sizeof *said);
  });
  CHECK_LINES(messages(log), {"closing"});
}

/** A run whose leader writes `first` and ends, and whose other process waits for `go` and then writes `second`. */
struct HeldRun {
  uint32_t run;
  int go, done;

  HeldRun(LogStreamKind kind, const std::string& first, const std::string& second) : run(++child_runs) {
    int go_ends[2], done_ends[2], fds[2];
    CHECK(pipe2(go_ends, O_CLOEXEC) == 0 && pipe2(done_ends, O_CLOEXEC) == 0);
    CHECK(pump_open(run, kind, none, nullptr, 0, fds) == 0);
    pid_t pid = fork();
    if (pid == 0) {
      signal(SIGPIPE, SIG_DFL);
      // Whatever becomes of the test, this one ends with it.
      close(go_ends[1]);
      close(done_ends[0]);
      write_all(fds[0], first);
      if (fork() != 0) _exit(0);
      char byte;
      if (read(go_ends[0], &byte, 1) != 1) _exit(1);
      write_all(fds[0], second);
      write_all(done_ends[1], "x");
      _exit(0);
    }
    pump_run(run, pid);
    waitpid(pid, nullptr, 0);
    close(go_ends[0]);
    close(done_ends[1]);
    go = go_ends[1];
    done = done_ends[0];
  }

  /** Returns when it has written. */
  void let_go() {
    char byte;
    write_all(go, "x");
    CHECK(read(done, &byte, 1) == 1);
    close(go);
    close(done);
  }
};

/** A grandchild holds the pipe: `closed` comes all the same, and what it says later is logged. */
void test_grandchild() {
  std::string log = logged(LogLevel::info, LogFormat::plain, LogDialect::v2, [&] {
    HeldRun held(log_lines, "leader\nlast words", "grandchild\nunterminated");
    int64_t exited_ms = now_ms();
    pump_exited(held.run);
    Closed closed = wait_closed(held.run);
    CHECK(closed.held && closed.text == "leader\nlast words");
    CHECK(now_ms() - exited_ms >= pump_drain_ms);
    held.let_go();
    CHECK(pump_flush(patience_ms));
  });
  CHECK_LINES(messages(log), {"leader", "last words", "grandchild", "unterminated"});
}

void test_capture() {
  auto captured = [](LogStreamKind out, LogStreamKind err, const std::string& text, const std::string& errors) {
    Closed closed;
    std::string log = logged(LogLevel::info, LogFormat::plain, LogDialect::v2, [&] {
      Child child = start_child(out, err, {}, [&] {
        write_all(1, text);
        if (err != none) write_all(2, errors);
      });
      CHECK(reap(child) == 0);
      closed = wait_closed(child.run);
    });
    CHECK(!closed.held);
    return std::pair<std::string, std::vector<std::string>>(closed.text, messages(log));
  };
  std::string big(log_capture_bytes_max, 'c');
  CHECK(captured(capture, none, "42\n", "").first == "42\n");
  CHECK(captured(capture, none, "", "").first == "");
  CHECK(captured(capture, none, "a\0\xff"s, "").first == "a\0\xff"s);
  CHECK(captured(capture, none, big.substr(1), "").first == big.substr(1));
  CHECK(captured(capture, none, big, "").first == big);
  CHECK(captured(capture, none, big + "more" + big, "").first == big);
  CHECK(captured(capture, none, "42\n", "").second.empty());
  auto mixed = captured(capture, log_lines, "42", "warned\n");
  CHECK(mixed.first == "42");
  CHECK_LINES(mixed.second, {"warned"});
  CHECK(captured(capture, capture, "out", "err").first == "out");
  CHECK(captured(capture, capture, "", "err").first == "err");
  CHECK(captured(none, capture, "", "err").first == "err");
}

/** The bound in the middle of a read. */
void test_capture_bound() {
  uint32_t* phase = shared<uint32_t>();
  std::string first(100, 'f'), rest(log_capture_bytes_max, 'r');
  Child child = start_child(capture, none, {}, [&] {
    write_all(1, first);
    __atomic_store_n(phase, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(phase, __ATOMIC_SEQ_CST) != 2) nap(1);
    write_all(1, rest);
  });
  CHECK(wait_for([&] { return __atomic_load_n(phase, __ATOMIC_SEQ_CST) == 1; }));
  CHECK(pump_flush(patience_ms));
  __atomic_store_n(phase, 2, __ATOMIC_SEQ_CST);
  CHECK(reap(child) == 0);
  CHECK(wait_closed(child.run).text == (first + rest).substr(0, log_capture_bytes_max));
  munmap(phase, sizeof *phase);
}

/** A captured stream that is held: the value is what came by the deadline, the rest is read and forgotten. */
void test_capture_held() {
  HeldRun held(capture, "7", std::string(300000, 'z'));
  pump_exited(held.run);
  Closed closed = wait_closed(held.run);
  CHECK(closed.held && closed.text == "7");
  held.let_go();
}

/** Children's lines are INFO; what is not shown is still remembered for messages. */
void test_level() {
  Closed closed;
  std::string log = logged(LogLevel::warn, LogFormat::plain, LogDialect::v2, [&] {
    Child child = start_child(log_lines, none, {}, [] { write_all(1, "hidden\n"); });
    reap(child);
    closed = wait_closed(child.run);
    say(LogLevel::info, "hidden, too");
    say(LogLevel::warn, "shown");
    say(LogLevel::panic, "shown, too");
  });
  CHECK(closed.text == "hidden");
  CHECK_LINES(messages(log), {"shown", "shown, too"});
  log = logged(LogLevel::debug, LogFormat::plain, LogDialect::v2, [] { say(LogLevel::debug, "debug"); });
  CHECK_LINES(messages(log), {"debug"});
}

void test_own_lines() {
  std::string big(200000, 'm');
  std::string log = logged(LogLevel::info, LogFormat::plain, LogDialect::v2, [&] {
    say(LogLevel::info, "");
    say(LogLevel::info, big);
    say(LogLevel::info, "after");
  });
  constexpr size_t most = log_line_bytes_max;
  CHECK_LINES(messages(log), {"", big.substr(0, most), big.substr(0, most), big.substr(0, most), big.substr(3 * most), "after"});
  LogField field = {{"service", 7}, {"a b", 3}, false};
  log = logged(LogLevel::info, LogFormat::text, LogDialect::v2, [&] { pump_log(LogLevel::warn, {"m", 1}, &field, 1); });
  std::string want = " level=warning msg=m service=\"a b\" \n";
  CHECK(log.size() > want.size() && log.substr(log.size() - want.size()) == want);
}

/** exec failed: nothing remains, no event comes, and the id may be forgotten. */
void test_abandon() {
  int before = open_descriptors();
  for (uint32_t i = 0; i < 3000; i++) {
    int fds[2];
    if (pump_open(910000 + i, log_lines, capture, nullptr, 0, fds) != 0 && !CHECK(!"opened")) break;
    pump_abandon(910000 + i);
  }
  CHECK(open_descriptors() == before);
  CHECK(pump_flush(patience_ms));
  drain_events();
  CHECK(closed_runs.count(910000) == 0);
  pump_exited(910000);
  pump_release(910000);
}

/** The reaper may be quicker than the thread that spawned. */
void test_exit_before_run() {
  int fds[2];
  uint32_t run = ++child_runs;
  CHECK(pump_open(run, log_lines, none, nullptr, 0, fds) == 0);
  CHECK(write(fds[0], "quick\n", 6) == 6);
  pump_exited(run);
  CHECK(pump_flush(patience_ms));
  CHECK(!is_closed(run));
  pump_run(run, 1);
  CHECK(wait_closed(run).text == "quick");
}

void test_limits() {
  int fds[2];
  // The entries of runs whose streams were held become free when their last holder has ended.
  CHECK(wait_for([&] {
    uint32_t opened = 0;
    while (opened <= log_runs_max && pump_open(920000 + opened, none, none, nullptr, 0, fds) == 0) opened++;
    bool full = pump_open(930000, log_lines, none, nullptr, 0, fds) == -ENFILE;
    for (uint32_t i = 0; i < opened; i++) pump_abandon(920000 + i);
    return opened == log_runs_max && full;
  }));
  int before = open_descriptors();
  CHECK(pump_open(930000, log_lines, none, nullptr, 0, fds) == 0);
  pump_abandon(930000);

  // No descriptors: a clear error, and nothing is left behind, wherever it fails.
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  for (int spare = 0; spare < 4; spare++) {
    int highest = dup(0);
    close(highest);
    struct rlimit low = {static_cast<rlim_t>(highest + spare), limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &low);
    CHECK(pump_open(930001, log_lines, log_lines, nullptr, 0, fds) == -EMFILE);
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  CHECK(open_descriptors() == before);
}

/** Pages of shared memory that we have touched; nothing but the pump's state is. */
size_t shared_bytes() {
  FILE* file = fopen("/proc/self/status", "r");
  char line[256];
  unsigned long kilobytes = 0;
  while (fgets(line, sizeof line, file) != nullptr) sscanf(line, "RssShmem: %lu", &kilobytes);
  fclose(file);
  return kilobytes * 1024;
}

/** The buffers of runs that are done are given back. */
void test_memory() {
  constexpr int runs = 50;
  std::string big(log_capture_bytes_max, 'm');
  size_t before = shared_bytes();
  CHECK(before > 0);
  std::vector<Child> children;
  for (int i = 0; i < runs; i++) children.push_back(start_child(capture, none, {}, [&] { write_all(1, big); }));
  for (const Child& child : children) reap(child);
  CHECK(pump_flush(patience_ms));
  // Nothing has been drained yet, so all is still held for JavaScript. The kernel's counters are a little behind.
  CHECK(shared_bytes() > before + runs * size_t{log_capture_bytes_max} / 2);
  for (const Child& child : children) CHECK(wait_closed(child.run).text == big);
  CHECK(shared_bytes() < before + runs * size_t{log_capture_bytes_max} / 4);
}

/** Many runs, one after the other and together: entries and descriptors come back. */
void test_many_runs() {
  int before = open_descriptors();
  std::string log = logged(LogLevel::info, LogFormat::plain, LogDialect::v2, [] {
    for (int round = 0; round < 20; round++) {
      std::vector<Child> children;
      for (int i = 0; i < 20; i++) {
        children.push_back(start_child(log_lines, log_lines, {}, [] {
          write_all(1, "o\n");
          write_all(2, "e\n");
        }));
      }
      for (const Child& child : children) reap(child);
      for (const Child& child : children) wait_closed(child.run);
    }
  });
  std::vector<std::string> lines = messages(log);
  CHECK(std::count(lines.begin(), lines.end(), "o") == 400 && std::count(lines.begin(), lines.end(), "e") == 400);
  CHECK(lines.size() == 800);
  CHECK(open_descriptors() == before);
}

void test_all() {
  test_lines();
  test_formats();
  test_both_streams();
  test_long_lines();
  test_whole_reads();
  test_early_close();
  test_grandchild();
  test_capture();
  test_capture_bound();
  test_capture_held();
  test_level();
  test_own_lines();
  test_abandon();
  test_exit_before_run();
  test_limits();
  test_memory();
  test_many_runs();
}

}  // namespace

int main() { return run_once("logpump", test_all); }
