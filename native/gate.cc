#include "gate.h"

#include <time.h>

#include "futex.h"

namespace pilot {

std::atomic<uint32_t> gates_stop{0};

static std::atomic<Gate*> gates[gates_max];
static std::atomic<int> gates_used{0};

void gate_register(Gate* gate) {
  int index = gates_used.fetch_add(1);
  if (index < gates_max) gates[index].store(gate);
}

void gate_wait() { futex_wait(&gates_stop, 1, -1); }

bool gates_close(int wait_ms) {
  gates_stop.store(1);
  int used = gates_used.load();
  for (int waited_us = 0;; waited_us += 100) {
    bool busy = false;
    for (int i = 0; i < used && i < gates_max; i++) {
      Gate* gate = gates[i].load();
      busy = busy || (gate != nullptr && gate->busy.load() != 0);
    }
    if (!busy) return true;
    if (waited_us >= wait_ms * 1000) return false;
    struct timespec pause = {0, 100000};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, nullptr);
  }
}

void gates_open() {
  gates_stop.store(0);
  futex_wake(&gates_stop, gates_max);
}

}  // namespace pilot
