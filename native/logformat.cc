#include "logformat.h"

#include "logtime.h"

namespace pilot {
namespace {

/** Fills `order` with the fields sorted by key. */
size_t sorted_fields(const LogEntry& entry, const LogField** order) {
  size_t count = 0;
  for (size_t i = 0; i < entry.field_count && i < log_fields_max; i++) {
    size_t at = count++;
    for (; at > 0 && before(entry.fields[i].key, order[at - 1]->key); at--) order[at] = order[at - 1];
    order[at] = &entry.fields[i];
  }
  return count;
}

const LogField* find_field(const LogEntry& entry, const char* key) {
  for (size_t i = 0; i < entry.field_count; i++) {
    if (is(entry.fields[i].key, key)) return &entry.fields[i];
  }
  return nullptr;
}

// ---- default ----

void put_plain_head(Writer& out, const LogStyle& style, const LogEntry& entry, const Moment& moment) {
  if (style.dialect == LogDialect::v2) {
    put_date_time(out, moment, '/', ' ');
  } else {
    put_rfc3339(out, moment, true);
    constexpr const char* shown[] = {"job", "pid"};
    for (const char* key : shown) {
      const LogField* field = find_field(entry, key);
      if (field == nullptr) continue;
      out.byte(' ');
      out.bytes(field->value);
    }
  }
  // The original leaves this space behind an empty message, too.
  out.byte(' ');
}

// ---- text: logrus 1.0 ----

/** Quoted when it has any other byte than these; nothing inside the quotes is escaped, and an empty value has none. */
void put_text_value(Writer& out, Bytes value) {
  bool bare = true;
  for (size_t i = 0; i < value.size && bare; i++) {
    char c = value.data[i];
    bare = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  }
  if (!bare) out.byte('"');
  out.bytes(value);
  if (!bare) out.byte('"');
}

void put_text_pair(Writer& out, Bytes key, Bytes value) {
  out.bytes(key);
  out.byte('=');
  put_text_value(out, value);
  out.byte(' ');
}

void put_text_head(Writer& out, const LogEntry& entry, const Moment& moment) {
  out.literal("time=\"");
  put_rfc3339(out, moment, false);
  out.literal("\" ");
  put_text_pair(out, {"level", 5}, log_level_name(entry.level));
}

void put_text_tail(Writer& out, const LogEntry& entry) {
  const LogField* order[log_fields_max];
  size_t count = sorted_fields(entry, order);
  for (size_t i = 0; i < count; i++) put_text_pair(out, order[i]->key, order[i]->value);
}

void put_colour(Writer& out, LogLevel level) {
  switch (level) {
    case LogLevel::debug: return out.literal("\x1b[37m");
    case LogLevel::info: return out.literal("\x1b[34m");
    case LogLevel::warn: return out.literal("\x1b[33m");
    case LogLevel::error:
    case LogLevel::fatal:
    case LogLevel::panic: return out.literal("\x1b[31m");
  }
}

void put_terminal_head(Writer& out, const LogEntry& entry) {
  put_colour(out, entry.level);
  Bytes name = log_level_name(entry.level);
  for (size_t i = 0; i < 4; i++) out.byte(static_cast<char>(name.data[i] - 'a' + 'A'));
  out.literal("\x1b[0m[");
  out.decimal(static_cast<uint64_t>(entry.uptime_s), 4);
  out.literal("] ");
}

void put_padded(Writer& out, Bytes message) {
  constexpr size_t message_width = 44;
  out.bytes(message);
  // Go pads by code points, a byte that is no UTF-8 counts as one.
  size_t width = 0;
  const unsigned char* data = reinterpret_cast<const unsigned char*>(message.data);
  for (size_t i = 0; i < message.size && width < message_width; width++) {
    size_t size = utf8_size(data + i, message.size - i);
    i += size == 0 ? 1 : size;
  }
  for (; width < message_width; width++) out.byte(' ');
}

void put_terminal_tail(Writer& out, const LogEntry& entry) {
  out.byte(' ');
  const LogField* order[log_fields_max];
  size_t count = sorted_fields(entry, order);
  for (size_t i = 0; i < count; i++) {
    out.byte(' ');
    put_colour(out, entry.level);
    out.bytes(order[i]->key);
    out.literal("\x1b[0m=");
    put_text_value(out, order[i]->value);
  }
}

// ---- all formats: what stands before the message, the message, what stands behind it ----

void put_head(Writer& out, const LogStyle& style, const LogEntry& entry, const Moment& moment) {
  switch (style.format) {
    case LogFormat::plain: return put_plain_head(out, style, entry, moment);
    case LogFormat::text: return style.terminal ? put_terminal_head(out, entry) : put_text_head(out, entry, moment);
    case LogFormat::json: return put_json_head(out, entry);
  }
}

void put_message(Writer& out, const LogStyle& style, Bytes message) {
  switch (style.format) {
    case LogFormat::plain: return out.bytes(message);
    case LogFormat::text:
      if (style.terminal) return put_padded(out, message);
      if (message.size > 0) put_text_pair(out, {"msg", 3}, message);
      return;
    case LogFormat::json: return put_json_message(out, message);
  }
}

void put_tail(Writer& out, const LogStyle& style, const LogEntry& entry, const Moment& moment) {
  switch (style.format) {
    case LogFormat::plain: break;
    case LogFormat::text:
      if (style.terminal) put_terminal_tail(out, entry);
      else put_text_tail(out, entry);
      break;
    case LogFormat::json: {
      char time[48];
      Writer time_out(time);
      put_rfc3339(time_out, moment, style.dialect == LogDialect::v3);
      put_json_tail(out, entry, {time, time_out.size()});
      break;
    }
  }
  out.byte('\n');
}

}  // namespace

Bytes log_level_name(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return {"debug", 5};
    case LogLevel::info: return {"info", 4};
    case LogLevel::warn: return {"warning", 7};
    case LogLevel::error: return {"error", 5};
    case LogLevel::fatal: return {"fatal", 5};
    case LogLevel::panic: return {"panic", 5};
  }
  return {"", 0};
}

/** Bytes of the UTF-8 sequence that starts at `data`, 0 when there is none (Go's rules: no surrogates, no overlongs). */
size_t utf8_size(const unsigned char* data, size_t size) {
  unsigned char first = data[0];
  if (first < 0x80) return 1;
  size_t length = 0;
  if (first >= 0xc2 && first <= 0xdf) length = 2;
  if (first >= 0xe0 && first <= 0xef) length = 3;
  if (first >= 0xf0 && first <= 0xf4) length = 4;
  if (length == 0 || size < length) return 0;
  unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (data[1] < low || data[1] > high) return 0;
  for (size_t i = 2; i < length; i++) {
    if ((data[i] & 0xc0) != 0x80) return 0;
  }
  return length;
}

size_t log_line_max(const LogEntry& entry) {
  // Six times: a byte becomes \u00XX or \ufffd at worst. The rest covers names, times, colours, padding, quotes.
  size_t bytes = 256 + 6 * entry.message.size;
  for (size_t i = 0; i < entry.field_count; i++) {
    bytes += 32 + 6 * (entry.fields[i].key.size + entry.fields[i].value.size);
  }
  return bytes;
}

size_t log_line(char* buffer, const LogStyle& style, const LogEntry& entry, LocalOffset& offset) {
  Writer out(buffer);
  Moment moment = moment_of(entry.wall_ns, offset);
  put_head(out, style, entry, moment);
  put_message(out, style, entry.message);
  put_tail(out, style, entry, moment);
  return out.size();
}

void log_frame(char* buffer, const LogStyle& style, const LogEntry& entry, LocalOffset& offset, LogFrame* frame) {
  Writer out(buffer);
  Moment moment = moment_of(entry.wall_ns, offset);
  put_head(out, style, entry, moment);
  frame->head = {buffer, out.size()};
  put_tail(out, style, entry, moment);
  frame->tail = {buffer + frame->head.size, out.size() - frame->head.size};
}

size_t log_framed(char* buffer, const LogStyle& style, const LogFrame& frame, Bytes message) {
  Writer out(buffer);
  out.bytes(frame.head);
  put_message(out, style, message);
  out.bytes(frame.tail);
  return out.size();
}

size_t utf8_prefix(const char* text, size_t size) {
  const unsigned char* data = reinterpret_cast<const unsigned char*>(text);
  size_t back = 1;
  while (back < 4 && back < size && (data[size - back] & 0xc0) == 0x80) back++;
  unsigned char first = data[size - back];
  size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  return length > back && size > back ? size - back : size;
}

}  // namespace pilot
