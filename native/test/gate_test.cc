// Closing the gates in the middle of everything: no piece of work is lost, none is done twice.
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "../early.h"
#include "../gate.h"
#include "../signals.h"
#include "harness.h"

namespace pilot {

static constexpr int flood = 3000;

static void* send_flood(void*) {
  for (int i = 0; i < flood; i++) {
    while (kill(getpid(), 40) != 0) nap_ms(1);
    if (i % 10 == 0) nap_ms(1);
  }
  return nullptr;
}

/** All but SIGCHLD, which the reaper leaves pending while waitid tells it of children. */
static bool none_is_pending() {
  std::string status = read_file("/proc/self/status");
  size_t at = status.find("\nShdPnd:\t");
  return at != std::string::npos && (strtoull(status.c_str() + at + 9, nullptr, 16) & ~CP_BIT(SIGCHLD)) == 0;
}

/** Both stand still while the gates are closed, and in the end every signal has been forwarded once. */
static void gates_close_and_open() {
  CHECK(boot(false).error == 0);
  std::string ready = make_temp_dir() + "/ready";
  uint32_t run = start({"count", ready});
  CHECK(wait_file(ready));
  signals_policy(run, CP_BIT(40));
  pthread_t thread;
  pthread_create(&thread, nullptr, send_flood, nullptr);
  uint32_t storm = start({"orphans", "500", "50"});
  int moved = 0, busy = 0;
  for (int round = 0; round < 20; round++) {
    busy += !gates_close(1000);
    uint64_t orphans = cp_load(table->orphans);
    world.drain();
    size_t taken = world.signals.size();
    nap_ms(5);
    world.drain();
    moved += cp_load(table->orphans) != orphans || world.signals.size() != taken;
    gates_open();
    nap_ms(5);
  }
  CHECK(busy == 0);
  CHECK(moved == 0);
  pthread_join(thread, nullptr);
  CHECK(world.wait_done(storm));
  CHECK(world.wait(none_is_pending));
  CHECK(world.wait([] { return cp_load(table->orphans) == 500; }));
  // Nothing is pending; the last one may still be on its way through the gate.
  CHECK(gates_close(1000));
  gates_open();
  CHECK(process_signal(run, SIGQUIT, SignalTarget::process) == 0);
  CHECK(world.wait_done(run));
  if (!CHECK(world.runs[run].output == "40:3000 values:0")) fprintf(stderr, "%s\n", world.runs[run].output.c_str());
}

const std::vector<Test> gate_tests = {
    {"gates close and open", Place::here, gates_close_and_open},
};

}  // namespace pilot
