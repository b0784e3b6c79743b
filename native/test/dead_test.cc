// What the native half does alone, when JavaScript has ended in whatever way.
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../dead.h"
#include "../early.h"
#include "../gate.h"
#include "../signals.h"
#include "harness.h"

namespace pilot {

/** Exit code of an init, in a process of its own, whose JavaScript's life and death `body` plays. */
static int code_of(void (*body)()) {
  pid_t pid = fork();
  if (pid == 0) {
    if (boot(false).error != 0) _exit(99);
    dead_install(false);
    body();
    _exit(98);
  }
  int status = 0;
  int64_t end = now_ms() + patience_ms;
  while (waitpid(pid, &status, WNOHANG) == 0) {
    if (now_ms() > end) kill(pid, SIGKILL);
    nap_ms(2);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static uint32_t start_main(const std::vector<std::string>& words) {
  uint32_t run = next_run();
  std::vector<std::string> argv = {"test"};
  argv.insert(argv.end(), words.begin(), words.end());
  dead_policy(run, 0, 100);
  signals_policy(run, 0);
  start_program(run, child_path, argv);
  return run;
}

static void codes() {
  CHECK(code_of([] { exit(3); }) == 3);
  CHECK(code_of([] { abort(); }) == 70);
  CHECK(code_of([] {
          start_main({"exit", "21"});
          exit(3);
        }) == 21);
  CHECK(code_of([] {
          start_main({"die", "9"});
          abort();
        }) == 137);
  // Its end was told, and JavaScript did not live to act on it.
  CHECK(code_of([] {
          uint32_t run = start_main({"exit", "22"});
          world.wait_done(run);
          exit(1);
        }) == 22);
  // Not the application.
  CHECK(code_of([] {
          start({"exit", "22"});
          exit(4);
        }) == 4);
}

/** Taken and queued for JavaScript, but never read: it goes to the application, as all that come later. */
static void signals_are_handed_over() {
  CHECK(code_of([] {
          std::string ready = make_temp_dir() + "/ready";
          start_main({"exit-on", std::to_string(SIGUSR1), ready});
          wait_file(ready);
          kill(getpid(), SIGUSR1);
          while (read_file("/proc/self/status").find("\nShdPnd:\t0000000000000000") == std::string::npos) nap_ms(1);
          gates_close(1000);
          gates_open();
          exit(1);
        }) == 100 + SIGUSR1);
  CHECK(code_of([] {
          std::string ready = make_temp_dir() + "/ready";
          start_main({"exit-on", "40", ready});
          wait_file(ready);
          pid_t init = getpid();
          if (fork() == 0) {
            nap_ms(50);
            kill(init, 40);
            _exit(0);
          }
          abort();
        }) == 140);
}

/** TERM, the grace, KILL, then the application's code. */
static void others_are_stopped() {
  static std::string folder = make_temp_dir();
  CHECK(code_of([] {
          start({"linger", "term-proof", folder + "/a"});
          start({"linger", "session", folder + "/b"});
          wait_file(folder + "/a");
          wait_file(folder + "/b");
          start_main({"exit", "23"});
          exit(1);
        }) == 23);
  for (const char* name : {"/a", "/b"}) {
    int pid = atoi(read_file(folder + name).c_str());
    // Whoever adopts it reaps it.
    CHECK(pid > 1 && world.wait([pid] { return kill(pid, 0) != 0; }));
  }
}

const std::vector<Test> dead_tests = {
    {"dead JavaScript: codes", Place::here, codes, true},
    {"dead JavaScript: signals are handed over", Place::here, signals_are_handed_over, true},
    {"dead JavaScript: others are stopped", Place::here, others_are_stopped, true},
};

}  // namespace pilot
