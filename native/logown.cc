#include "logown.h"

#include <string.h>

namespace pilot {
namespace {

struct Record {
  /** Bytes up to the next record. */
  uint32_t total;
  /** 0: nothing but the way to the start of the ring. */
  uint32_t used;
  LogOwnLine line;
};

constexpr uint32_t record_align = 8;
static_assert((log_own_bytes & (log_own_bytes - 1)) == 0, "positions wrap");
static_assert(sizeof(Record) % record_align == 0, "records follow each other");
static_assert(2 * (sizeof(Record) + log_line_bytes_max + log_field_bytes_max + record_align) <= log_own_bytes,
              "the longest line fits into an empty ring wherever that ring stands");

uint32_t padded(size_t bytes) { return static_cast<uint32_t>((bytes + record_align - 1) & ~size_t{record_align - 1}); }

/** Head of the record at a position; there is always room for `total` and `used`, since all is aligned to their size. */
void write_head(LogOwnRing* ring, uint32_t at, uint32_t total, uint32_t used) {
  uint32_t head[2] = {total, used};
  memcpy(ring->bytes + at % log_own_bytes, head, sizeof head);
}

}  // namespace

bool log_own_push(LogOwnRing* ring, const LogOwnLine& line) {
  uint32_t tail = ring->tail.load(std::memory_order_relaxed);
  uint32_t free = log_own_bytes - (tail - ring->head.load(std::memory_order_acquire));
  uint32_t need = padded(sizeof(Record) + line.message.size + line.fields.size);
  uint32_t to_end = log_own_bytes - tail % log_own_bytes;
  uint32_t skip = need > to_end ? to_end : 0;
  if (skip + need > free) {
    ring->dropped.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  if (skip > 0) write_head(ring, tail, skip, 0);
  Record record = {need, 1, line};
  record.line.dropped = ring->dropped.exchange(0, std::memory_order_relaxed);
  char* at = ring->bytes + (tail + skip) % log_own_bytes;
  memcpy(at, &record, sizeof record);
  at += sizeof record;
  if (line.fields.size > 0) memcpy(at, line.fields.data, line.fields.size);
  if (line.message.size > 0) memcpy(at + line.fields.size, line.message.data, line.message.size);
  ring->tail.store(tail + skip + need, std::memory_order_release);
  return true;
}

bool log_own_peek(LogOwnRing* ring, LogOwnLine* line) {
  for (;;) {
    uint32_t head = ring->head.load(std::memory_order_relaxed);
    if (head == ring->tail.load(std::memory_order_acquire)) return false;
    const char* at = ring->bytes + head % log_own_bytes;
    uint32_t start[2];
    memcpy(start, at, sizeof start);
    if (start[1] == 0) {
      ring->head.store(head + start[0], std::memory_order_release);
      continue;
    }
    Record record;
    memcpy(&record, at, sizeof record);
    *line = record.line;
    line->fields.data = at + sizeof record;
    line->message.data = line->fields.data + line->fields.size;
    return true;
  }
}

void log_own_pop(LogOwnRing* ring) {
  uint32_t head = ring->head.load(std::memory_order_relaxed);
  uint32_t total;
  memcpy(&total, ring->bytes + head % log_own_bytes, sizeof total);
  ring->head.store(head + total, std::memory_order_release);
}

}  // namespace pilot
