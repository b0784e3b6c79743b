#include "logoutput.h"

#include <string.h>

#include "loglines.h"
#include "logown.h"

namespace pilot {

static LogField number_field(const char* key, uint32_t value, char (&digits)[12]) {
  char* at = digits + sizeof digits;
  do {
    *--at = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  return {{key, strlen(key)}, {at, static_cast<size_t>(digits + sizeof digits - at)}, true};
}

static int64_t uptime_s(int64_t wall_ns) {
  int64_t seconds = (wall_ns - log_state.region->started_ns) / 1000000000;
  return seconds < 0 ? 0 : seconds;
}

/** Where a line of at most `bytes` is to be formatted, behind the others. */
char* LogOutput::room(size_t bytes) {
  LogOut* out = &log_state.region->out;
  if (log_out_bytes - out->end < bytes) {
    memmove(out->bytes, out->bytes + out->start, pending());
    out->end = pending();
    out->start = 0;
  }
  return out->bytes + out->end;
}

/** Formats a line. `fields` has room for all fields of a line. */
void LogOutput::add(LogEntry entry, const LogStyle& style, uint32_t part, LogField* fields) {
  char digits[12];
  if (part > 0) fields[entry.field_count++] = number_field("part", part, digits);
  entry.fields = fields;
  entry.uptime_s = uptime_s(entry.wall_ns);
  char* at = room(log_line_max(entry));
  log_state.region->out.end += static_cast<uint32_t>(log_line(at, style, entry, offset_));
}

/** A child's line without its message. `fields` and `digits` become its fields. */
LogEntry LogOutput::child_entry(const LogRun& run, int64_t wall_ns, LogField* fields, char (&digits)[12]) const {
  size_t count = log_unpack_fields(run.fields, run.field_bytes, fields);
  // ContainerPilot 2.7.4 took this field out, 3.5 has it again.
  if (mode_.style().dialect == LogDialect::v3) fields[count++] = number_field("pid", static_cast<uint32_t>(run.pid), digits);
  return {LogLevel::info, wall_ns, uptime_s(wall_ns), {"", 0}, fields, count};
}

void LogOutput::add_child_line(const LogRun& run, int64_t wall_ns, Bytes text, uint32_t part) {
  LogStyle style = mode_.style();
  if (part > 0) {
    LogField fields[log_fields_max];
    char digits[12];
    LogEntry entry = child_entry(run, wall_ns, fields, digits);
    entry.message = text;
    return add(entry, style, part, fields);
  }
  if (framed_run_ != &run || framed_ns_ != wall_ns || framed_generation_ != mode_.generation) {
    LogField fields[log_fields_max];
    char digits[12];
    log_frame(frame_bytes_, style, child_entry(run, wall_ns, fields, digits), offset_, &frame_);
    framed_run_ = &run;
    framed_ns_ = wall_ns;
    framed_generation_ = mode_.generation;
  }
  // As log_line_max has it.
  char* at = room(256 + 6 * text.size + frame_.head.size + frame_.tail.size);
  log_state.region->out.end += static_cast<uint32_t>(log_framed(at, style, frame_, text));
}

void LogOutput::tell_lost() {
  if (lost_ == 0 || !sink_works_) return;
  char digits[12];
  Bytes count = number_field("", lost_, digits).value;
  const char* words = lost_ == 1 ? " line dropped" : " lines dropped";
  lost_ = 0;
  if (mode_.level > static_cast<uint32_t>(LogLevel::warn)) return;
  char message[32];
  memcpy(message, count.data, count.size);
  memcpy(message + count.size, words, strlen(words));  // NOLINT(bugprone-not-null-terminated-result): it has a size
  LogField fields[log_fields_max];
  Bytes text = {message, count.size + strlen(words)};
  add({LogLevel::warn, log_clock_ns(CLOCK_REALTIME), 0, text, nullptr, 0}, mode_.style(), 0, fields);
}

void LogOutput::take_own_lines() {
  LogOwnRing* ring = &log_state.region->own;
  LogOwnLine line;
  while (!full() && log_own_peek(ring, &line)) {
    LogMode logged = {};
    logged.generation = line.generation;
    if (logged.newer_than(mode_)) return;
    GatePass pass(log_state.gate);
    lost_ += line.dropped;
    tell_lost();
    LogField fields[log_fields_max];
    size_t count = log_unpack_fields(line.fields.data, static_cast<uint32_t>(line.fields.size), fields);
    add({line.level, line.wall_ns, 0, line.message, nullptr, count}, line.style, line.part, fields);
    log_own_pop(ring);
  }
  if (full()) return;
  GatePass pass(log_state.gate);
  lost_ += ring->dropped.exchange(0);
  tell_lost();
}

bool LogOutput::own_lines_wait() {
  LogOwnLine line;
  return log_own_peek(&log_state.region->own, &line) || log_state.region->own.dropped.load() > 0;
}

void LogOutput::write_out() {
  LogOut* out = &log_state.region->out;
  while (pending() > 0 && sink_.ready()) {
    GatePass pass(log_state.gate);
    const char* data = out->bytes + out->start;
    ssize_t taken = sink_.write(data, pending());
    if (taken == 0) return;
    sink_works_ = taken > 0;
    if (taken < 0) {
      taken = static_cast<ssize_t>(pending());
      for (ssize_t i = 0; i < taken; i++) lost_ += data[i] == '\n';
    }
    out->start += static_cast<uint32_t>(taken);
    if (out->start == out->end) out->start = out->end = 0;
  }
}

void LogOutput::take_mode() {
  if (!log_state.next_mode.load().valid) return;
  take_own_lines();
  write_out();
  LogMode next = log_state.next_mode.exchange(LogMode{});
  if (!next.valid) return;
  GatePass pass(log_state.gate);
  sink_.use(next.fd, next.owned);
  mode_ = next;
  sink_works_ = true;
}

}  // namespace pilot
