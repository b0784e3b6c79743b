// Where the log goes, and how that changes: every kind of descriptor, settings in the middle, old kernels.
#include <sys/ioctl.h>
#include <termios.h>

#include "logpump_fixture.h"

namespace {

constexpr LogStreamKind none = LogStreamKind::none;
constexpr LogStreamKind log_lines = LogStreamKind::log;

void set_plain(int fd) { set_log(LogLevel::info, LogFormat::plain, LogDialect::v2, fd); }

std::string contents(int fd) {
  std::string text;
  char data[65536];
  for (ssize_t count; (count = pread(fd, data, sizeof data, static_cast<off_t>(text.size()))) > 0;) {
    text.append(data, static_cast<size_t>(count));
  }
  return text;
}

int temporary_file() {
  int fd = static_cast<int>(syscall(SYS_memfd_create, "log", 1u));
  CHECK(fd >= 0 && fcntl(fd, F_SETFL, O_APPEND) == 0);
  return fd;
}

/** Each line looks as the log looked when it was logged, and goes where the log went then. */
void test_settings_in_the_middle() {
  int first = temporary_file(), second = temporary_file();
  for (int round = 0; round < 50; round++) {
    set_plain(first);
    CHECK(pump_flush(patience_ms));
    say(LogLevel::info, "first " + std::to_string(round));
    set_log(LogLevel::warn, LogFormat::json, LogDialect::v2, second);
    say(LogLevel::info, "hidden");
    say(LogLevel::error, "second");
    set_log(LogLevel::info, LogFormat::text, LogDialect::v2, second);
    say(LogLevel::info, "third");
    CHECK(pump_flush(patience_ms));
  }
  log_to_nowhere();
  std::vector<std::string> want;
  for (int round = 0; round < 50; round++) want.push_back("first " + std::to_string(round));
  CHECK_LINES(messages(contents(first)), want);
  std::string text = contents(second);
  size_t json = 0, plain_text = 0, at = 0;
  while (at < text.size()) {
    bool is_json = text.compare(at, 31, "{\"level\":\"error\",\"msg\":\"second\"") == 0;
    bool is_text = text.compare(at, 6, "time=\"") == 0 && text.find(" level=info msg=third \n", at) == at + 27;
    if (!CHECK(is_json != is_text && is_json == ((json + plain_text) % 2 == 0))) break;
    json += is_json;
    plain_text += is_text;
    at = text.find('\n', at) + 1;
  }
  CHECK(json == 50 && plain_text == 50);
  close(first);
  close(second);
}

/** The caller may close his descriptor, and its number may become somebody else's. */
void test_number_used_again() {
  int log = temporary_file(), mine = dup(log);
  set_plain(mine);
  close(mine);
  int other = temporary_file();
  CHECK(other == mine);
  say(LogLevel::info, "to the log");
  CHECK(pump_flush(patience_ms));
  log_to_nowhere();
  CHECK_LINES(messages(contents(log)), {"to the log"});
  CHECK(contents(other).empty());
  close(log);
  close(other);
}

/** A log file that was renamed: after the reopening lines go to the new one, none is lost. */
void test_reopen() {
  char folder[] = "/tmp/logpump-XXXXXX";
  CHECK(mkdtemp(folder) != nullptr);
  std::string path = folder + "/log"s, old_path = folder + "/log.1"s;
  auto reopen = [&] {
    int fd = open(path.c_str(), O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0666);
    set_plain(fd);
    close(fd);
  };
  reopen();
  say(LogLevel::info, "one");
  CHECK(pump_flush(patience_ms));
  CHECK(rename(path.c_str(), old_path.c_str()) == 0);
  say(LogLevel::info, "two");
  reopen();
  say(LogLevel::info, "three");
  CHECK(pump_flush(patience_ms));
  log_to_nowhere();
  int old_log = open(old_path.c_str(), O_RDONLY), new_log = open(path.c_str(), O_RDONLY);
  CHECK_LINES(messages(contents(old_log)), {"one", "two"});
  CHECK_LINES(messages(contents(new_log)), {"three"});
  close(old_log);
  close(new_log);
  unlink(path.c_str());
  unlink(old_path.c_str());
  rmdir(folder);
}

/** 20 MB to a descriptor with a slow reader, flags untouched. */
void test_slow_reader(int read_end, int write_end) {
  constexpr int lines = 20000;
  std::string line(1000, 'l');
  line += '\n';
  int flags = fcntl(write_end, F_GETFL);
  set_plain(write_end);
  Child child = start_child(log_lines, none, {}, [&] {
    for (int i = 0; i < lines; i++) write_all(1, line);
  });
  char data[30000];
  size_t arrived = 0;
  constexpr size_t whole = static_cast<size_t>(lines) * (1000 + 1 + 20);
  for (int i = 0; arrived < whole; i++) {
    ssize_t count = read(read_end, data, sizeof data);
    if (count <= 0 && !CHECK(!"something to read")) break;
    arrived += static_cast<size_t>(count);
    if (i % 32 == 0) nap(1);
  }
  CHECK(reap(child) == 0);
  wait_closed(child.run);
  CHECK(pump_flush(patience_ms));
  CHECK(fcntl(write_end, F_GETFL) == flags);
  log_to_nowhere();
  int more = 0;
  CHECK(arrived == whole && ioctl(read_end, FIONREAD, &more) == 0 && more == 0);
  close(read_end);
  close(write_end);
}

void test_kinds() {
  int ends[2];
  CHECK(pipe2(ends, O_CLOEXEC) == 0);
  test_slow_reader(ends[0], ends[1]);
  CHECK(pipe2(ends, O_CLOEXEC) == 0);
  fcntl(ends[1], F_SETPIPE_SZ, 4096);
  test_slow_reader(ends[0], ends[1]);
  // Somebody else has made it non-blocking.
  CHECK(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
  fcntl(ends[0], F_SETFL, 0);
  test_slow_reader(ends[0], ends[1]);
  CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  test_slow_reader(ends[0], ends[1]);
}

/** The application writes to the same small pipe, which is always full: neither tears the other's short lines. */
void test_shared_pipe() {
  constexpr int lines = 20000, lines_a_write = 200;
  int ends[2];
  CHECK(pipe2(ends, O_CLOEXEC) == 0 && fcntl(ends[1], F_SETPIPE_SZ, 16384) == 16384);
  pump_share();
  set_plain(ends[1]);
  std::string theirs = std::string(20, '=') + std::string(70, 't') + "\n", ours = std::string(90, 'o') + "\n";
  pid_t application = fork();
  if (application == 0) {
    for (int i = 0; i < lines; i++) write_bytes(ends[1], theirs.data(), theirs.size());
    _exit(0);
  }
  std::string many;
  for (int i = 0; i < lines_a_write; i++) many += ours;
  Reader reader(ends[0]);
  close(ends[1]);
  Child child = start_child(log_lines, none, {}, [&] {
    for (int i = 0; i < lines; i += lines_a_write) write_all(1, many);
  });
  reap(child);
  waitpid(application, nullptr, 0);
  wait_closed(child.run);
  CHECK(pump_flush(patience_ms));
  log_to_nowhere();
  std::vector<std::string> got = messages(reader.join());
  CHECK(std::count(got.begin(), got.end(), std::string(70, 't')) == lines);
  CHECK(std::count(got.begin(), got.end(), std::string(90, 'o')) == lines);
  CHECK(got.size() == 2 * lines);
}

/** On a terminal `text` is coloured; a terminal that is not read holds up nobody but the log. */
void test_terminal() {
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  CHECK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
  int terminal = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
  struct termios raw;
  CHECK(tcgetattr(terminal, &raw) == 0);
  cfmakeraw(&raw);
  tcsetattr(terminal, TCSANOW, &raw);
  set_log(LogLevel::info, LogFormat::text, LogDialect::v2, terminal);
  say(LogLevel::info, "hi");
  CHECK(pump_flush(patience_ms));
  char data[4096];
  ssize_t count = read(master, data, sizeof data);
  std::string want = "\x1b[34mINFO\x1b[0m[0000] hi" + std::string(42, ' ') + " \n";
  std::string got(data, count > 0 ? static_cast<size_t>(count) : 0);
  // Seconds since the start.
  if (got.size() > 20) got.replace(14, 4, "0000");
  CHECK_BYTES(got.data(), got.size(), want.data(), want.size());

  std::string big(60000, 'x');
  for (int i = 0; i < 3; i++) say(LogLevel::info, big);
  CHECK(!pump_flush(50));
  set_plain(terminal);
  say(LogLevel::info, "the end");
  int flags = fcntl(master, F_GETFL);
  fcntl(master, F_SETFL, flags | O_NONBLOCK);
  std::string all;
  CHECK(wait_for([&] {
    for (ssize_t n; (n = read(master, data, sizeof data)) > 0;) all.append(data, static_cast<size_t>(n));
    return all.find("the end") != std::string::npos;
  }));
  CHECK(static_cast<size_t>(std::count(all.begin(), all.end(), 'x')) == 3 * big.size());
  log_to_nowhere();
  close(terminal);
  close(master);
}

void test_all() {
  int before = open_descriptors();
  test_settings_in_the_middle();
  test_number_used_again();
  test_reopen();
  test_kinds();
  test_shared_pipe();
  test_terminal();
  CHECK(open_descriptors() <= before + 1);
}

}  // namespace

int main() { return run_thrice("logpump_sink", test_all); }
