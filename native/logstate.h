// What the two sides of the log pump share: the callers (logpump.cc) and the thread (logthread.cc).
#pragma once
#include <time.h>

#include <atomic>

#include "gate.h"
#include "logregion.h"
#include "logstage.h"

namespace pilot {

/**
 * LogSettings as one word, so that they are handed over without a lock; the all-zero word is "none". Aligned as a word, or
 * clang calls a library for it.
 */
struct alignas(8) LogMode {
  int32_t fd;
  uint32_t owned : 1;
  uint32_t valid : 1;
  uint32_t level : 3;
  uint32_t format : 2;
  uint32_t dialect : 1;
  uint32_t terminal : 1;
  /** Counts the settings; it wraps. */
  uint32_t generation : 23;

  LogStyle style() const { return {LogFormat(format), LogDialect(dialect), terminal != 0}; }
  /** Whether this was set later than `other`. */
  bool newer_than(const LogMode& other) const {
    return generation != other.generation && ((generation - other.generation) & 0x400000) == 0;
  }
};
static_assert(std::atomic<LogMode>::is_always_lock_free, "one word");

/** Tags of what is no stream in the epoll sets; a stream's tag is its number, 2 * index of its run + 0 or 1. */
inline constexpr uint64_t log_tag_wake = ~uint64_t{0};
inline constexpr uint64_t log_tag_logs = ~uint64_t{1};

struct LogState {
  /** Null while the pump does not run. */
  LogRegion* region = nullptr;
  Gate gate;
  int wake_fd = -1;
  /** Captured streams, the wake-up, and `logs_epoll`, which is taken out while the log is stuck. */
  int main_epoll = -1;
  /** Logged streams. */
  int logs_epoll = -1;
  /** Runs that became live or ended since the thread looked, a bit for each entry. */
  std::atomic<uint64_t> changes[log_runs_max / 64] = {};
  /** For lines that are logged now. */
  std::atomic<LogMode> mode{};
  /** On its way to the thread, which takes it over together with its descriptor. */
  std::atomic<LogMode> next_mode{};
  std::atomic<uint32_t> flush_wanted{0}, flush_done{0};
  /** A child has our own stdout or stderr, so somebody else may write where the log goes. */
  std::atomic<bool> shared{false};
  LogStage stage;
};
extern LogState log_state;

inline int64_t log_clock_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

inline int64_t log_monotonic_ms() { return log_clock_ns(CLOCK_MONOTONIC) / 1000000; }

/** Makes the thread look at what has changed. Any thread; never blocks. */
void log_wake();

/** epoll_ctl. 0 or -errno. */
int log_watch(int operation, int epoll, int fd, uint64_t tag, uint32_t events);

inline int log_epoll_of(const LogStream& stream) {
  return stream.kind == LogStreamKind::capture ? log_state.main_epoll : log_state.logs_epoll;
}

/**
 * Takes the stream's pipe out of the epoll set and closes it. Both, because a child between clone and exec still has copies
 * of our descriptors, and as long as one is open the set goes on reporting it (epoll(7)).
 */
void log_stream_drop(LogStream* stream);

/** Adds a flag to a run; with the last of log_run_ended and log_run_released its entry is free. */
void log_run_mark(uint32_t index, uint32_t flag);

/** Body of the thread. */
void* log_thread();

}  // namespace pilot
