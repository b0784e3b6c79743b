// The log's settings, our own lines, and the way out: what JavaScript asks of the pump besides runs.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "futex.h"
#include "loglines.h"
#include "logadopt.h"
#include "logown.h"
#include "logstate.h"

namespace pilot {

int pump_settings(const LogSettings& settings) {
  if (log_state.region == nullptr) return -ENOSYS;
  // Stdio stays what and where it is. Any other descriptor may be closed, and its number used again, while we write.
  bool owned = settings.fd > STDERR_FILENO;
  int fd = owned ? fcntl(settings.fd, F_DUPFD_CLOEXEC, 3) : settings.fd;
  if (owned && fd < 0) return -errno;
  LogMode mode = {};
  mode.fd = fd;
  mode.owned = owned;
  mode.valid = 1;
  mode.level = static_cast<uint32_t>(settings.level) & 7;
  mode.format = static_cast<uint32_t>(settings.format) & 3;
  mode.dialect = static_cast<uint32_t>(settings.dialect) & 1;
  mode.terminal = isatty(fd) == 1;
  mode.generation = (log_state.mode.load().generation + 1) & 0x7fffff;
  log_state.mode.store(mode);
  log_mode_keep(mode);
  LogMode unseen = log_state.next_mode.exchange(mode);
  if (unseen.valid && unseen.owned) close(unseen.fd);
  log_wake();
  return 0;
}

/** Serialises producers. A thread that died holding it costs the others their lines, not their lives. */
class ProducerTurn {
 public:
  ProducerTurn() {
    constexpr int tries = 1000;
    for (int i = 0; i < tries && !taken_; i++) {
      uint32_t free = 0;
      taken_ = busy_.compare_exchange_strong(free, 1, std::memory_order_acquire);
      if (!taken_) sched_yield();
    }
  }
  ~ProducerTurn() {
    if (taken_) busy_.store(0, std::memory_order_release);
  }
  ProducerTurn(const ProducerTurn&) = delete;
  ProducerTurn& operator=(const ProducerTurn&) = delete;
  bool taken() const { return taken_; }

 private:
  static std::atomic<uint32_t> busy_;
  bool taken_ = false;
};
std::atomic<uint32_t> ProducerTurn::busy_{0};

void pump_log(LogLevel level, Bytes message, const LogField* fields, size_t field_count) {
  if (log_state.region == nullptr) return;
  LogMode mode = log_state.mode.load();
  if (static_cast<uint32_t>(level) < mode.level) return;
  LogOwnRing* ring = &log_state.region->own;
  char packed[log_field_bytes_max];
  LogOwnLine line = {level, mode.style(), mode.generation, log_clock_ns(CLOCK_REALTIME), {}, 0, {packed, 0}, 0};
  line.fields.size = log_pack_fields(fields, field_count, packed);
  {
    ProducerTurn turn;
    if (!turn.taken()) {
      ring->dropped.fetch_add(1);
      return;
    }
    bool put = true;
    while (put && message.size > log_line_bytes_max) {
      line.part++;
      line.message = {message.data, utf8_prefix(message.data, log_line_bytes_max)};
      message = {message.data + line.message.size, message.size - line.message.size};
      put = log_own_push(ring, line);
    }
    if (line.part > 0) line.part++;
    line.message = message;
    if (put) log_own_push(ring, line);
  }
  log_wake();
}

bool pump_flush(int timeout_ms) {
  if (log_state.region == nullptr) return false;
  uint32_t ticket = log_state.flush_wanted.fetch_add(1) + 1;
  log_wake();
  int64_t end_ms = log_monotonic_ms() + timeout_ms;
  for (;;) {
    uint32_t done = log_state.flush_done.load();
    if (static_cast<int32_t>(done - ticket) >= 0) return true;
    int64_t left = end_ms - log_monotonic_ms();
    if (left <= 0) {
      // Or it would tear up a line later, when nobody waits for it any more.
      log_state.flush_wanted.store(done);
      return false;
    }
    futex_wait(&log_state.flush_done, done, static_cast<int>(left));
  }
}

}  // namespace pilot
