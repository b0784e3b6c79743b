// Gates: what makes it possible to replace the program under running native threads without losing or repeating anything.
//
// A native thread does each single piece of work (one signal, one child, one read and its write) between enter and
// leave. Whoever is about to exec sets `gates_stop` and waits until no gate is busy: from then on every piece of work is
// either done or untouched. So inside a gate nothing may block (poll first, outside) and exactly one item is handled.
#pragma once
#include <atomic>
#include <cstdint>

namespace pilot {

/** One of these for each native thread, with static storage. */
struct Gate {
  std::atomic<uint32_t> busy{0};
};

/** Non-zero: threads wait in front of their gates. */
extern std::atomic<uint32_t> gates_stop;

/** Waits in front of a closed gate until it is opened again (a failed exec opens it). */
void gate_wait();

/** Holds the gate for one piece of work. */
class GatePass {
 public:
  explicit GatePass(Gate& gate) : gate_(gate) {
    // Busy first, then look: the other side sets stop first, then looks at busy, so one of both sees the other.
    gate_.busy.store(1);
    while (gates_stop.load() != 0) {
      gate_.busy.store(0);
      gate_wait();
      gate_.busy.store(1);
    }
  }
  ~GatePass() { gate_.busy.store(0); }
  GatePass(const GatePass&) = delete;
  GatePass& operator=(const GatePass&) = delete;

 private:
  Gate& gate_;
};

/** Makes a gate known to gates_close; at most `gates_max`, called before the gate's thread starts. */
void gate_register(Gate* gate);
inline constexpr int gates_max = 8;

/** Closes all gates and waits until none is busy; false when one still was after `wait_ms`. Async-signal-safe. */
bool gates_close(int wait_ms);
/** Lets the threads go on after an exec that failed. */
void gates_open();

}  // namespace pilot
