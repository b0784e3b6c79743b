#include "queue.h"

#include <atomic>

#include "futex.h"
#include "ring.h"
#include "table.h"

namespace pilot {

// Three events a run, one for each power of ten of orphans, one knock a listener, and one signal of each number beyond the free
// share.
static constexpr uint32_t signal_share = 256;
static constexpr uint32_t signal_numbers = 65;
static constexpr uint32_t orphan_warnings = 20;
static constexpr uint32_t knocks = 16;
static constexpr uint32_t ring_capacity = queue_events_max;
static_assert(3 * CP_CHILDREN_MAX + orphan_warnings + knocks + signal_share + signal_numbers <= ring_capacity,
              "no event of a run may be lost");

static Ring<Event, ring_capacity> ring;
static std::atomic<uint32_t> signals_queued[signal_numbers];
static std::atomic<uint32_t> signals_total{0};
static std::atomic<uint32_t> coalesced{0};
static std::atomic<bool> abandoned{false};

// Popped, and not yet dealt with. Initialised like the ring, and for its reason.
static Event untold[ring_capacity]{};
static std::atomic<uint32_t> untold_count{0};

// 0: quiet, 1: rung, 2: JavaScript has been woken and has not drained yet.
static std::atomic<uint32_t> bell{0};

static bool take_signal_share(uint8_t signo) {
  uint32_t same = signals_queued[signo].fetch_add(1);
  uint32_t total = signals_total.fetch_add(1);
  if (total < signal_share || same == 0) return true;
  signals_queued[signo].fetch_sub(1);
  signals_total.fetch_sub(1);
  coalesced.fetch_add(1);
  return false;
}

void queue_push(const Event& event) {
  if (abandoned.load()) return;
  bool is_signal = event.type == EventType::signal;
  if (is_signal && (event.signo >= signal_numbers || !take_signal_share(event.signo))) return;
  ring.push(event);
  uint32_t quiet = 0;
  if (bell.compare_exchange_strong(quiet, 1)) futex_wake(&bell, 1);
}

bool queue_pop(Event* event) {
  if (!ring.pop(event)) return false;
  if (event->type == EventType::signal) {
    signals_queued[event->signo].fetch_sub(1);
    signals_total.fetch_sub(1);
    uint32_t count = untold_count.load();
    if (count < ring_capacity) untold[count] = *event;
    untold_count.store(count + 1);
  }
  return true;
}

void queue_told() { untold_count.store(0); }

void queue_each_untold(void (*each)(const Event& event)) {
  uint32_t count = untold_count.exchange(0);
  for (uint32_t i = 0; i < count && i < ring_capacity; i++) each(untold[i]);
  for (Event event; ring.pop(&event);)
    if (event.type == EventType::signal) each(event);
}

void queue_begin_drain() { bell.store(0); }

bool queue_wait_bell(int timeout_ms) {
  for (bool waited = false;; waited = true) {
    uint32_t rung = 1;
    if (bell.compare_exchange_strong(rung, 2)) return true;
    if (waited && timeout_ms >= 0) return false;
    futex_wait(&bell, rung, timeout_ms);
  }
}

uint32_t queue_coalesced() { return coalesced.load(); }

void queue_abandon() { abandoned.store(true); }

}  // namespace pilot
