// Lines of our own on their way to the pump: a ring of records that never makes its producer wait.
#pragma once
#include "logregion.h"

namespace pilot {

struct LogOwnLine {
  LogLevel level;
  LogStyle style;
  /** Number of the settings under which it was logged. */
  uint32_t generation;
  int64_t wall_ns;
  Bytes message;
  uint32_t part;
  /** Packed (log_pack_fields). */
  Bytes fields;
  /** Set by log_own_push: lines dropped just before this one. */
  uint32_t dropped;
};

/** Adds a line; false, and counted, when there is no room. One thread at a time. `message.size` <= log_line_bytes_max. */
bool log_own_push(LogOwnRing* ring, const LogOwnLine& line);
/** The oldest line, which stays until log_own_pop; false when there is none. The pump only. */
bool log_own_peek(LogOwnRing* ring, LogOwnLine* line);
void log_own_pop(LogOwnRing* ring);

}  // namespace pilot
