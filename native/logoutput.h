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

  /** Adds a child's line, inside the gate; only when not full. `wall_ns`: when it was read. `part`: see LogLine. */
  void add_child_line(const LogRun& run, int64_t wall_ns, Bytes text, uint32_t part);
  /** Adds our own lines, until full. */
  void take_own_lines();
  bool own_lines_wait();
  /** Writes until nothing is pending or the reader is stuck. */
  void write_out();
  /** Takes settings that have changed; the old descriptor gets what it takes at once of what was logged for it. */
  void take_mode();

 private:
  char* room(size_t bytes);
  void add(LogEntry entry, const LogStyle& style, uint32_t part, LogField* fields);
  LogEntry child_entry(const LogRun& run, int64_t wall_ns, LogField* fields, char (&digits)[12]) const;
  void tell_lost();

  LogSink sink_;
  LogMode mode_ = {};
  LocalOffset offset_;
  /** What stands around the lines of one run that were read at one moment, under these settings. */
  const LogRun* framed_run_ = nullptr;
  int64_t framed_ns_ = 0;
  uint32_t framed_generation_ = 0;
  LogFrame frame_ = {};
  char frame_bytes_[256 + 32 * log_fields_max + 6 * log_field_bytes_max];
  /** The last write was not refused. */
  bool sink_works_ = true;
  /** Lines that were dropped for want of room, or thrown away because a write was refused, and nobody was told. */
  uint32_t lost_ = 0;
};

}  // namespace pilot
