// Signalling everything: all of it as PID 1, only what is below us otherwise.
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

namespace pilot {

static bool alive(int pid) { return kill(pid, 0) == 0; }

/** Five that ignore TERM, five in sessions of their own, ten more. */
static void start_crowd(std::vector<uint32_t>* runs) {
  std::string folder = make_temp_dir();
  for (int i = 0; i < 20; i++) {
    std::string ready = folder + "/" + std::to_string(i);
    const char* how = i < 5 ? "term-proof" : i < 10 ? "session" : "plain";
    runs->push_back(start({"linger", how, ready}));
    CHECK(wait_file(ready));
  }
}

static void check_sweep() {
  CHECK(boot(false).error == 0);
  std::vector<uint32_t> runs;
  start_crowd(&runs);
  CHECK(process_sweep(0) == 20);
  CHECK(process_sweep(SIGTERM) == 20);
  CHECK(world.wait([] { return process_sweep(0) == 5; }));
  CHECK(process_sweep(SIGKILL) == 5);
  CHECK(world.wait([] { return process_sweep(0) == 0; }));
  int wrong = 0;
  for (size_t i = 0; i < runs.size(); i++) {
    int signo = i < 5 ? SIGKILL : i < 10 ? 0 : SIGTERM;
    wrong += !world.wait_done(runs[i]) || world.runs[runs[i]].signo != signo;
  }
  CHECK(wrong == 0);
}

/** A process beside us, not below: made before we were anybody's subreaper. */
static void sweep_spares_outsiders() {
  int pipe_ends[2];
  CHECK(pipe(pipe_ends) == 0);
  pid_t middle = fork();
  if (middle == 0) {
    pid_t outsider = fork();
    if (outsider == 0) {
      close(pipe_ends[0]);
      close(pipe_ends[1]);
      for (;;) pause();
    }
    CHECK(write(pipe_ends[1], &outsider, sizeof outsider) == (ssize_t)sizeof outsider);
    _exit(0);
  }
  pid_t outsider = 0;
  CHECK(read(pipe_ends[0], &outsider, sizeof outsider) == (ssize_t)sizeof outsider);
  CHECK(waitpid(middle, nullptr, 0) == middle);
  check_sweep();
  CHECK(getpid() != 1);
  CHECK(alive(outsider) && alive(getppid()));
  kill(outsider, SIGKILL);
}

/** What kill(-1) tells: somebody is left. */
static void sweep_without_proc() {
  CHECK(boot(false).error == 0);
  std::vector<uint32_t> runs;
  start_crowd(&runs);
  CHECK(process_sweep(SIGTERM) == 1);
  CHECK(process_sweep(SIGKILL) == 1);
  CHECK(world.wait([] { return process_sweep(0) == 0; }));
}

const std::vector<Test> sweep_tests = {
    {"sweep as PID 1", Place::pid1, check_sweep},
    {"sweep as PID 1 without /proc", Place::pid1_without_proc, sweep_without_proc},
    {"sweep as another spares outsiders", Place::here, sweep_spares_outsiders},
};

}  // namespace pilot
