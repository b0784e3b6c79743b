// Formatted lines and where they go: the pump's output side, used by its thread only.
#pragma once
#include "logsink.h"
#include "logstate.h"

namespace pilot {

class LogOutput {
 public:
  /** Bytes that wait for the reader. */
  uint32_t pending() const { return log_state.region->out.end - log_state.region->out.start; }
  /** Nothing may be added until the reader has taken something. */
  bool full() const { return pending() >= log_out_high_bytes; }
  /** For poll. */
  int fd() const { return sink_.fd(); }
  /** Children's lines are INFO. */
  bool children_pass() const { return mode_.level <= static_cast<uint32_t>(LogLevel::info); }

  /** Adds a child's line, inside the gate; only when not full. `part`: see LogLine. */
  void add_child_line(const LogRun& run, Bytes text, uint32_t part);
  /** Adds our own lines, until full. */
  void take_own_lines();
  bool own_lines_wait();
  /** Writes until nothing is pending or the reader is stuck. */
  void write_out();
  /** Takes settings that have changed; the old descriptor gets what it takes at once of what was logged for it. */
  void take_mode();

 private:
  void add(LogEntry entry, const LogStyle& style, uint32_t part, LogField* fields);
  void tell_lost();

  LogSink sink_;
  LogMode mode_ = {};
  LocalOffset offset_;
  /** The last write was not refused. */
  bool sink_works_ = true;
  /** Lines that were dropped for want of room, or thrown away because a write was refused, and nobody was told. */
  uint32_t lost_ = 0;
};

}  // namespace pilot
