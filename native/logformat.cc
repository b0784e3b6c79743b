#include "logformat.h"

#include <time.h>

#include "logwriter.h"

namespace pilot {
namespace {

struct Moment {
  int64_t year;
  unsigned month, day, hour, minute, second, nanosecond;
  int32_t offset_s;
};

/** Local civil time; gmtime_r and localtime_r take a lock of the C library, which a dead thread may hold. */
Moment moment_of(int64_t wall_ns, LocalOffset& offset) {
  int64_t epoch_s = wall_ns / 1000000000;
  Moment moment = {};
  moment.nanosecond = static_cast<unsigned>(wall_ns % 1000000000);
  moment.offset_s = offset.at(epoch_s);
  int64_t local = epoch_s + moment.offset_s;
  int64_t days = local / 86400;
  unsigned in_day = static_cast<unsigned>(local % 86400);
  moment.hour = in_day / 3600;
  moment.minute = in_day / 60 % 60;
  moment.second = in_day % 60;
  // Gregorian calendar in cycles of 400 years; a year starts in March, so the leap day is its last.
  int64_t from_march_0 = days + 719468;
  int64_t cycle = from_march_0 / 146097;
  unsigned in_cycle = static_cast<unsigned>(from_march_0 % 146097);
  unsigned year = (in_cycle - in_cycle / 1460 + in_cycle / 36524 - in_cycle / 146096) / 365;
  unsigned in_year = in_cycle - (365 * year + year / 4 - year / 100);
  unsigned from_march = (5 * in_year + 2) / 153;
  moment.day = in_year - (153 * from_march + 2) / 5 + 1;
  moment.month = from_march < 10 ? from_march + 3 : from_march - 9;
  moment.year = cycle * 400 + year + (moment.month <= 2 ? 1 : 0);
  return moment;
}

void put_date_time(Writer& out, const Moment& moment, char between_date, char between_both) {
  out.decimal(static_cast<uint64_t>(moment.year), 4);
  out.byte(between_date);
  out.decimal(moment.month, 2);
  out.byte(between_date);
  out.decimal(moment.day, 2);
  out.byte(between_both);
  out.decimal(moment.hour, 2);
  out.byte(':');
  out.decimal(moment.minute, 2);
  out.byte(':');
  out.decimal(moment.second, 2);
}

/** Go's RFC3339, or RFC3339Nano, whose fraction has no trailing zeros and is left out when it is 0. */
void put_rfc3339(Writer& out, const Moment& moment, bool fraction) {
  put_date_time(out, moment, '-', 'T');
  if (fraction && moment.nanosecond != 0) {
    unsigned value = moment.nanosecond;
    int width = 9;
    for (; value % 10 == 0; width--) value /= 10;
    out.byte('.');
    out.decimal(value, width);
  }
  if (moment.offset_s == 0) {
    out.byte('Z');
    return;
  }
  unsigned minutes = static_cast<unsigned>(moment.offset_s < 0 ? -moment.offset_s : moment.offset_s) / 60;
  out.byte(moment.offset_s < 0 ? '-' : '+');
  out.decimal(minutes / 60, 2);
  out.byte(':');
  out.decimal(minutes % 60, 2);
}

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

void put_plain(Writer& out, const LogStyle& style, const LogEntry& entry, const Moment& moment) {
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
  out.bytes(entry.message);
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

void put_text(Writer& out, const LogEntry& entry, const Moment& moment) {
  out.literal("time=\"");
  put_rfc3339(out, moment, false);
  out.literal("\" ");
  put_text_pair(out, {"level", 5}, log_level_name(entry.level));
  if (entry.message.size > 0) put_text_pair(out, {"msg", 3}, entry.message);
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

void put_terminal(Writer& out, const LogEntry& entry) {
  constexpr size_t message_width = 44;
  put_colour(out, entry.level);
  Bytes name = log_level_name(entry.level);
  for (size_t i = 0; i < 4; i++) out.byte(static_cast<char>(name.data[i] - 'a' + 'A'));
  out.literal("\x1b[0m[");
  out.decimal(static_cast<uint64_t>(entry.uptime_s), 4);
  out.literal("] ");
  out.bytes(entry.message);
  // Go pads by code points, a byte that is no UTF-8 counts as one.
  size_t width = 0;
  const unsigned char* data = reinterpret_cast<const unsigned char*>(entry.message.data);
  for (size_t i = 0; i < entry.message.size && width < message_width; width++) {
    size_t size = utf8_size(data + i, entry.message.size - i);
    i += size == 0 ? 1 : size;
  }
  for (; width < message_width; width++) out.byte(' ');
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

int32_t LocalOffset::at(int64_t epoch_s) {
  // No zone of today changes its offset but at a full quarter of an hour of UTC: one call every 15 minutes will do.
  int64_t quarter = epoch_s / 900;
  if (quarter != quarter_) {
    time_t seconds = epoch_s;
    struct tm local = {};
    if (localtime_r(&seconds, &local) != nullptr) offset_s_ = static_cast<int32_t>(local.tm_gmtoff);
    quarter_ = quarter;
  }
  return offset_s_;
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
  switch (style.format) {
    case LogFormat::plain:
      put_plain(out, style, entry, moment);
      break;
    case LogFormat::text:
      if (style.terminal) {
        put_terminal(out, entry);
      } else {
        put_text(out, entry, moment);
      }
      break;
    case LogFormat::json: {
      char time[48];
      Writer time_out(time);
      put_rfc3339(time_out, moment, style.dialect == LogDialect::v3);
      put_json(out, entry, {time, time_out.size()});
      break;
    }
  }
  out.byte('\n');
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
