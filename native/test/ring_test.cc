// The ring, the queue and the child table by themselves.
#include <pthread.h>

#include "../ring.h"
#include "harness.h"

namespace pilot {

static Ring<uint32_t, 256> small_ring;
static constexpr uint32_t items_each = 20000;
static constexpr uint32_t producers = 4;

static void* produce(void* argument) {
  uint32_t number = (uint32_t)(uintptr_t)argument;
  for (uint32_t i = 0; i < items_each; i++)
    while (!small_ring.push(number * items_each + i)) sched_yield();
  return nullptr;
}

/** Nothing lost, nothing twice, and each producer's items in its order. */
static void ring_keeps_all() {
  pthread_t threads[producers];
  for (uintptr_t i = 0; i < producers; i++) pthread_create(&threads[i], nullptr, produce, (void*)i);
  uint32_t next[producers] = {};
  uint32_t wrong = 0;
  for (uint32_t got = 0; got < producers * items_each;) {
    uint32_t item;
    if (!small_ring.pop(&item)) {
      sched_yield();
      continue;
    }
    got++;
    wrong += item % items_each != next[item / items_each];
    next[item / items_each] = item % items_each + 1;
  }
  for (pthread_t thread : threads) pthread_join(thread, nullptr);
  uint32_t left;
  CHECK(wrong == 0);
  CHECK(!small_ring.pop(&left));
}

static void ring_is_bounded() {
  uint32_t pushed = 0, item = 0;
  while (small_ring.push(pushed)) pushed++;
  CHECK(pushed == 256);
  CHECK(small_ring.pop(&item) && item == 0);
  CHECK(small_ring.push(256) && !small_ring.push(257));
}

static Event signal_event(uint8_t signo) {
  Event event = {};
  event.type = EventType::signal;
  event.signo = signo;
  return event;
}

/** A flood of one signal neither grows nor costs another signal or a run's end. */
static void queue_coalesces_signals_only() {
  for (int i = 0; i < 5000; i++) queue_push(signal_event(40));
  for (uint8_t signo = 1; signo <= 64; signo++) queue_push(signal_event(signo));
  Event exited = {};
  exited.type = EventType::exited;
  for (uint32_t run = 1; run <= 3 * CP_CHILDREN_MAX; run++) {
    exited.run = run;
    queue_push(exited);
  }
  uint32_t counts[65] = {}, runs = 0, out_of_order = 0;
  Event event;
  while (queue_pop(&event)) {
    if (event.type == EventType::signal)
      counts[event.signo]++;
    else
      out_of_order += event.run != ++runs;
  }
  CHECK(counts[40] == 256);
  CHECK(queue_coalesced() == 5000 + 1 - 256);
  for (int signo = 1; signo <= 64; signo++) CHECK(counts[signo] >= 1);
  CHECK(runs == 3 * CP_CHILDREN_MAX && out_of_order == 0);
  // The share is free again.
  queue_push(signal_event(40));
  CHECK(queue_pop(&event) && event.signo == 40);
}

static std::atomic<int> wakes{0};
static void* count_wakes(void*) {
  for (;;) {
    queue_wait_bell(-1);
    wakes.fetch_add(1);
  }
}

/** One ring from the first event to the drain, however many come; the next event rings again. */
static void bell_is_coalesced() {
  pthread_t thread;
  pthread_create(&thread, nullptr, count_wakes, nullptr);
  for (int round = 1; round <= 3; round++) {
    for (int i = 0; i < 100; i++) queue_push(signal_event(10));
    int64_t end = now_ms() + patience_ms;
    while (wakes.load() < round && now_ms() < end) nap_ms(1);
    CHECK(wakes.load() == round);
    queue_begin_drain();
    Event event;
    while (queue_pop(&event)) continue;
  }
}

/** Full is an answer; an entry is free again when all of its events are told. */
static void table_is_bounded() {
  CHECK(table_make() == 0);
  CHECK(table->magic == CP_TABLE_MAGIC && table->version == CP_TABLE_VERSION && table_fd() > 2);
  for (uint32_t run = 1; run <= CP_CHILDREN_MAX; run++) {
    cp_child* child = table_claim(run, "job");
    if (!CHECK(child != nullptr)) return;
    cp_store(child->owed, (uint32_t)(CP_OWES_EXITED | CP_OWES_GROUP));
  }
  CHECK(table_claim(CP_CHILDREN_MAX + 1, "job") == nullptr);
  cp_child* child = table_find_run(7);
  cp_store(child->state, (uint32_t)CP_GONE);
  table_told(7, CP_OWES_EXITED);
  CHECK(table_find_run(7) == child);
  table_told(7, CP_OWES_GROUP);
  CHECK(table_find_run(7) == nullptr);
  std::string longest(300, 'j');
  cp_child* again = table_claim(1000, longest.c_str());
  CHECK(again == child && strlen(again->job) == CP_JOB_BYTES - 1);
}

const std::vector<Test> ring_tests = {
    {"ring keeps all", Place::here, ring_keeps_all},
    {"ring is bounded", Place::here, ring_is_bounded},
    {"queue coalesces signals only", Place::here, queue_coalesces_signals_only},
    {"bell is coalesced", Place::here, bell_is_coalesced},
    {"table is bounded", Place::here, table_is_bounded},
};

}  // namespace pilot
