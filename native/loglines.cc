#include "loglines.h"

#include <string.h>

namespace pilot {

bool log_take_line(LogStream* stream, const char* buffer, bool rest, LogLine* line) {
  const char* data = buffer + stream->start;
  uint32_t size = stream->end - stream->start;
  if (size == 0) return false;
  const void* newline = memchr(data + stream->scanned, '\n', size - stream->scanned);
  stream->scanned = size;
  // One more than a line, since the last byte may be the CR that is not counted.
  bool too_long = newline == nullptr && size > log_line_bytes_max + 1;
  if (newline == nullptr && !rest && !too_long) return false;
  uint32_t length = newline != nullptr ? static_cast<uint32_t>(static_cast<const char*>(newline) - data) : size;
  uint32_t taken = newline != nullptr ? length + 1 : length;
  if ((newline != nullptr || rest) && length > 0 && data[length - 1] == '\r') length--;
  if (length > log_line_bytes_max) {
    length = static_cast<uint32_t>(utf8_prefix(data, log_line_bytes_max));
    taken = length;
    line->part = ++stream->part;
  } else {
    line->part = stream->part == 0 ? 0 : stream->part + 1;
    stream->part = 0;
  }
  line->text = {data, length};
  stream->start += taken;
  stream->scanned = 0;
  if (stream->start == stream->end) stream->start = stream->end = 0;
  return true;
}

size_t log_whole_lines(const char* data, size_t size, size_t most) {
  if (size > most) size = most;
  const void* newline = memrchr(data, '\n', size);
  return newline == nullptr ? size : static_cast<size_t>(static_cast<const char*>(newline) - data) + 1;
}

void log_make_room(LogStream* stream, char* buffer) {
  uint32_t size = stream->end - stream->start;
  // Early, too, where it costs no more than what was taken did: a stream of short lines then stays in its first pages.
  if (stream->start == 0 || (size > stream->start && log_stream_bytes - stream->end >= log_item_bytes)) return;
  memmove(buffer, buffer + stream->start, size);
  stream->start = 0;
  stream->end = size;
}

static void tail_put(LogTail* tail, const char* data, size_t size) {
  while (size > 0) {
    size_t at = tail->total % log_tail_bytes;
    size_t piece = log_tail_bytes - at < size ? log_tail_bytes - at : size;
    memcpy(tail->bytes + at, data, piece);
    tail->total += piece;
    data += piece;
    size -= piece;
  }
}

void log_tail_add(LogTail* tail, Bytes line) {
  constexpr size_t most = log_tail_bytes - 1;
  size_t at = tail->total % log_tail_bytes;
  if (line.size < log_tail_bytes - at) {
    memcpy(tail->bytes + at, line.data, line.size);
    tail->bytes[at + line.size] = '\n';
    tail->total += line.size + 1;
    return;
  }
  size_t skipped = line.size > most ? line.size - most : 0;
  tail_put(tail, line.data + skipped, line.size - skipped);
  tail_put(tail, "\n", 1);
}

uint32_t log_tail_text(const LogTail* tail, char* out) {
  if (tail->total == 0) return 0;
  bool cut = tail->total > log_tail_bytes;
  uint32_t size = cut ? log_tail_bytes : static_cast<uint32_t>(tail->total);
  uint32_t at = cut ? tail->total % log_tail_bytes : 0;
  memcpy(out, tail->bytes + at, size - at);
  memcpy(out + size - at, tail->bytes, at);
  size--;
  const void* newline = cut ? memchr(out, '\n', size) : nullptr;
  if (newline == nullptr) return size;
  uint32_t first = static_cast<uint32_t>(static_cast<const char*>(newline) - out) + 1;
  memmove(out, out + first, size - first);
  return size - first;
}

/** In front of the bytes of a field. */
struct PackedField {
  uint16_t key_size, value_size;
  bool number;
};

uint32_t log_pack_fields(const LogField* fields, size_t count, char* out) {
  uint32_t used = 0;
  for (size_t i = 0; i < count && i < log_given_fields_max; i++) {
    const LogField& field = fields[i];
    if (log_field_bytes_max - used < sizeof(PackedField) + field.key.size) break;
    size_t room = log_field_bytes_max - used - sizeof(PackedField) - field.key.size;
    size_t value_size = field.value.size;
    if (value_size > room) value_size = room == 0 ? 0 : utf8_prefix(field.value.data, room);
    PackedField packed = {static_cast<uint16_t>(field.key.size), static_cast<uint16_t>(value_size), field.number};
    memcpy(out + used, &packed, sizeof packed);
    used += sizeof packed;
    memcpy(out + used, field.key.data, field.key.size);
    used += packed.key_size;
    if (value_size > 0) memcpy(out + used, field.value.data, value_size);
    used += packed.value_size;
  }
  return used;
}

size_t log_unpack_fields(const char* packed, uint32_t size, LogField* fields) {
  size_t count = 0;
  for (uint32_t at = 0; at < size && count < log_given_fields_max; count++) {
    PackedField field;
    memcpy(&field, packed + at, sizeof field);
    at += sizeof field;
    fields[count].key = {packed + at, field.key_size};
    at += field.key_size;
    fields[count].value = {packed + at, field.value_size};
    at += field.value_size;
    fields[count].number = field.number;
  }
  return count;
}

}  // namespace pilot
