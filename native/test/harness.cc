#include "harness.h"

#include "../child.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../early.h"

namespace pilot {

std::string child_path;
World world;

int64_t now_ms() {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

void nap_ms(int ms) {
  struct timespec time = {ms / 1000, (ms % 1000) * 1000000L};
  clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}

void World::drain() {
  queue_begin_drain();
  Event event;
  while (queue_pop(&event)) {
    if (event.type == EventType::signal) {
      signals.push_back(event);
      continue;
    }
    if (event.type == EventType::orphans) {
      orphan_warnings++;
      continue;
    }
    Told& told = runs[event.run];
    switch (event.type) {
      case EventType::exited:
        told.exited++;
        ended.push_back(event.run);
        told.order += 'e';
        told.pid = event.pid;
        told.code = event.code;
        told.signo = event.signo;
        told.core = event.flag;
        table_told(event.run, CP_OWES_EXITED);
        break;
      case EventType::closed:
        told.closed++;
        told.order += 'c';
        told.held = event.flag;
        told.output.assign(event.text == nullptr ? "" : event.text, event.text_bytes);
        pump_release(event.run);
        table_told(event.run, CP_OWES_CLOSED);
        break;
      case EventType::group_empty:
        told.group_empty++;
        told.order += 'g';
        table_told(event.run, CP_OWES_GROUP);
        break;
      case EventType::signal:
      case EventType::orphans:
      case EventType::knock:
        break;
    }
  }
}

bool World::wait_exited(uint32_t run) {
  return wait([&] { return runs[run].exited > 0; });
}

bool World::wait_done(uint32_t run) {
  return wait([&] { return table_find_run(run) == nullptr; });
}

uint32_t next_run() {
  static uint32_t last = 0;
  return ++last;
}

static int start_any(uint32_t run, const std::string& file, const std::vector<std::string>& argv, StreamKind out, bool foreground,
                     const Attributes& attributes) {
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  char path[] = "PATH=/usr/bin:/bin";
  char* environment[] = {path, nullptr};
  SpawnRequest request = {};
  request.run = run;
  request.job = "test";
  request.file = file.c_str();
  request.argv = words.data();
  request.envp = environment;
  request.attributes = attributes;
  request.foreground = foreground;
  StreamRequest streams = {{StreamKind::null, out, StreamKind::inherit}, nullptr, 0};
  int error = streams_open(streams, &request);
  if (error != 0) return error;
  int pid = spawn(request);
  streams_spawned(request, pid);
  return pid;
}

int start_program(uint32_t run, const std::string& file, const std::vector<std::string>& argv, const char* cwd, StreamKind out,
                  bool foreground) {
  Attributes attributes = {};
  attributes.cwd = cwd;
  return start_any(run, file, argv, out, foreground, attributes);
}

int start_with(uint32_t run, const Attributes& attributes, const std::vector<std::string>& words) {
  std::vector<std::string> argv = {"test"};
  argv.insert(argv.end(), words.begin(), words.end());
  return start_any(run, child_path, argv, StreamKind::capture, false, attributes);
}

std::string value_of(const std::string& report, const std::string& key) {
  size_t at = ("\n" + report).find("\n" + key + "=");
  if (at == std::string::npos) return "missing";
  at += key.size() + 1;
  return report.substr(at, report.find('\n', at) - at);
}

uint32_t start(const std::vector<std::string>& words) {
  std::vector<std::string> argv = {"test"};
  argv.insert(argv.end(), words.begin(), words.end());
  uint32_t run = next_run();
  int pid = start_program(run, child_path, argv, nullptr, StreamKind::capture);
  return CHECK(pid > 0) ? run : 0;
}

std::string make_temp_dir() {
  char path[] = "/tmp/pilot-test-XXXXXX";
  return CHECK(mkdtemp(path) != nullptr) ? path : "";
}

bool wait_file(const std::string& path) {
  return world.wait([&] { return access(path.c_str(), F_OK) == 0; });
}

std::string read_file(const std::string& path) {
  std::string text;
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  char part[4096];
  for (ssize_t got; fd >= 0 && (got = read(fd, part, sizeof part)) > 0;) text.append(part, (size_t)got);
  if (fd >= 0) close(fd);
  return text;
}

/** Ends the calling process, which nothing must outlive. */
[[noreturn]] static void finish_test() {
  fflush(stderr);
  _exit(checks_failed == 0 && checks_passed > 0 ? 0 : 1);
}

/** 0: passed. A test that hangs is killed. */
static int wait_code(pid_t pid) {
  int status = 0;
  int64_t end = now_ms() + 4 * patience_ms;
  while (waitpid(pid, &status, WNOHANG) == 0) {
    if (now_ms() > end) kill(pid, SIGKILL);
    nap_ms(1);
  }
  if (WIFSIGNALED(status)) fprintf(stderr, "ended by signal %d\n", WTERMSIG(status));
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void enter_namespace(bool with_proc) {
  if (unshare(CLONE_NEWPID | CLONE_NEWNS) != 0) {
    fprintf(stderr, "no PID namespace can be made here: %s\n", strerror(errno));
    _exit(1);
  }
  pid_t inner = fork();
  if (inner != 0) _exit(wait_code(inner));
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  CHECK(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
  CHECK(mount("none", "/proc", with_proc ? "proc" : "tmpfs", 0, nullptr) == 0);
}

#ifdef CP_UNDER_TSAN
static constexpr bool under_tsan = true;
#else
static constexpr bool under_tsan = false;
#endif

static bool run_test(const Test& test) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    if (test.place != Place::here) enter_namespace(test.place == Place::pid1);
    // So that there is nothing to inject.
    if (under_tsan) cp_mask(SIG_BLOCK, CP_BLOCKED_SET, nullptr);
    test.body();
    finish_test();
  }
  int code = wait_code(pid);
  printf("%s %s\n", code == 0 ? "ok  " : "FAIL", test.name);
  return code == 0;
}

}  // namespace pilot

using namespace pilot;

/** `native_test [NAME…]`: the tests whose names begin so, by default all. */
int main(int argc, char** argv) {
  char resolved[4096];
  child_path = realpath(argv[0], resolved) != nullptr ? resolved : argv[0];
  child_path = child_path.substr(0, child_path.rfind('/')) + "/native_child";
  int passed = 0, failed = 0;
  for (const std::vector<Test>* group : {&ring_tests, &spawn_tests, &attributes_tests, &signal_tests, &reap_tests, &sweep_tests, &gate_tests,
                                         &dead_tests}) {
    for (const Test& test : *group) {
      bool wanted = argc == 1;
      for (int i = 1; i < argc; i++) wanted = wanted || strncmp(test.name, argv[i], strlen(argv[i])) == 0;
      if (!wanted) continue;
      if (under_tsan && test.handlers) {
        printf("left out under TSan: %s\n", test.name);
        continue;
      }
      run_test(test) ? passed++ : failed++;
    }
  }
  printf("native_test: %d passed, %d failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}
