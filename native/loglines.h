// From a stream's bytes to lines, and what is remembered of them. Works on the region's memory only.
#pragma once
#include "logregion.h"

namespace pilot {

struct LogLine {
  Bytes text;
  /** 0: a line as it came. Otherwise number of the part of a line that was too long for one. */
  uint32_t part;
};

/**
 * Takes the next line out of a stream; a CR before the newline goes with it. A line of more than log_line_bytes_max comes
 * in parts, which cut no UTF-8 sequence. `rest`: what is left without a newline is a line, too. The text is valid until
 * bytes are added. False when there is none.
 */
bool log_take_line(LogStream* stream, const char* buffer, bool rest, LogLine* line);

/** As many of the first `size` bytes as end with a line's end, at most `most`; without one in them, `most` or `size`. */
size_t log_whole_lines(const char* data, size_t size, size_t most);

/** Makes room for one read of log_item_bytes behind `end`, provided that all lines have been taken. */
void log_make_room(LogStream* stream, char* buffer);

void log_tail_add(LogTail* tail, Bytes line);
/** Writes the remembered lines to `out` (log_tail_bytes), the oldest one only if it is whole; returns the length. */
uint32_t log_tail_text(const LogTail* tail, char* out);

/** Encodes fields, cutting values that do not fit into log_field_bytes_max; returns the bytes used. */
uint32_t log_pack_fields(const LogField* fields, size_t count, char* out);
/** The packed fields, at most log_given_fields_max; returns their number. They point into `packed`. */
size_t log_unpack_fields(const char* packed, uint32_t size, LogField* fields);

}  // namespace pilot
