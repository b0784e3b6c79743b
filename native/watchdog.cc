#include "watchdog.h"

#include <stdlib.h>

#include <atomic>
#include <cstdint>

#include "dead.h"

namespace pilot {

static constexpr int naps = 10;
static constexpr int limit_max_s = 24 * 60 * 60;

static int nap_ms = -1;
static std::atomic<uint32_t> answers{0};
static uint32_t answers_seen = 0;
static int silent_naps = 0;

void watchdog_begin() {
  const char* setting = getenv("CONTAINERPILOT_WATCHDOG");
  int limit_s = watchdog_default_s;
  if (setting != nullptr && *setting >= '0' && *setting <= '9') limit_s = atoi(setting);
  if (limit_s > limit_max_s) limit_s = limit_max_s;
  if (limit_s > 0) nap_ms = limit_s * 1000 / naps;
}

int watchdog_nap_ms() { return nap_ms; }

void watchdog_answer() { answers.fetch_add(1); }

bool watchdog_wants_answer() {
  uint32_t now = answers.load();
  if (now != answers_seen) silent_naps = 0;
  answers_seen = now;
  // The first nap only asks.
  if (silent_naps++ < naps) return true;
  dead_hung();
  // It could not be replaced.
  nap_ms = -1;
  return false;
}

}  // namespace pilot
