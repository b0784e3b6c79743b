// One log line in the words of the original: three formats in two dialects. Pure: no clock, no descriptor, no allocation.
#pragma once
#include <cstddef>
#include <cstdint>

namespace pilot {

enum class LogLevel : uint8_t { debug, info, warn, error, fatal, panic };
/** `plain` is what configurations call `default`. */
enum class LogFormat : uint8_t { plain, text, json };
enum class LogDialect : uint8_t { v2, v3 };

/** How lines look. */
struct LogStyle {
  LogFormat format;
  LogDialect dialect;
  /** The log goes to a terminal: `text` is coloured and shows seconds since the start. */
  bool terminal;
};

/** A run of bytes that somebody else owns; any byte may occur, NUL too. */
struct Bytes {
  const char* data;
  size_t size;
};

struct LogField {
  Bytes key;
  Bytes value;
  /** The value is a decimal integer and no string in JSON. */
  bool number;
};

struct LogEntry {
  LogLevel level;
  /** Nanoseconds since 1970, UTC. */
  int64_t wall_ns;
  /** Seconds since the start of the program, for terminals. */
  int64_t uptime_s;
  Bytes message;
  /** In any order, keys distinct; at most log_fields_max. */
  const LogField* fields;
  size_t field_count;
};

inline constexpr size_t log_fields_max = 12;

/** The difference between local time and UTC, remembered. One for each thread that formats. */
class LocalOffset {
 public:
  /** Seconds east of Greenwich at that moment. */
  int32_t at(int64_t epoch_s);

 private:
  int64_t quarter_ = -1;
  int32_t offset_s_ = 0;
};

/** No line of this entry is longer, newline included. */
size_t log_line_max(const LogEntry& entry);

/** Writes the line and its newline to `out`, which has room for log_line_max(entry) bytes; returns the line's length. */
size_t log_line(char* out, const LogStyle& style, const LogEntry& entry, LocalOffset& offset);

/** What stands around the message of a line. */
struct LogFrame {
  Bytes head, tail;
};

/**
 * What the line has beside its message, written to `out`, which has room for log_line_max(entry) bytes. For many lines of the
 * same moment and fields.
 */
void log_frame(char* out, const LogStyle& style, const LogEntry& entry, LocalOffset& offset, LogFrame* frame);

/** The line that log_line makes of the frame's entry with this message; the room, too, is log_line's. */
size_t log_framed(char* out, const LogStyle& style, const LogFrame& frame, Bytes message);

/**
 * Length of the longest prefix of `size` bytes, `size` > 0, that does not cut a UTF-8 sequence in two; `size` where the
 * end is no UTF-8 anyway.
 */
size_t utf8_prefix(const char* data, size_t size);

}  // namespace pilot
